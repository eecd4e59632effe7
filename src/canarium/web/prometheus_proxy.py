"""`/api/v1/*` of a Prometheus somewhere else, as an ASGI application.

Owns: which requests are passed on, how long an answer may take, what is said when there is none. Must not know: PromQL.
The parts of the API that change data are never passed on; neither are cookies and credentials of the browser. User and
password may stand in the address.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

import msgspec

from canarium.errors import CanariumError
from canarium.nodes.http_client import exchange
from canarium.nodes.network import HttpResponse, Unanswered
from canarium.nodes.program import AsgiApp, Receive, Scope, Send

ANSWER_SECONDS = 30.0
MAX_BODY_BYTES = 1 << 20
_PREFIX = "/api/v1/"
_PASSED_ON = ("accept", "content-type")
_READING = frozenset(
    (
        "alertmanagers",
        "alerts",
        "features",
        "format_query",
        "label",
        "labels",
        "metadata",
        "notifications",
        "parse_query",
        "query",
        "query_exemplars",
        "query_range",
        "rules",
        "scrape_pools",
        "series",
        "status",
        "targets",
    )
)
"""What may stand behind the prefix. Beside the administrative part that leaves out receiving samples (`write`, `otlp`).
"""


class Target(msgspec.Struct, frozen=True):
    """Where a Prometheus is. prefix: of its paths, without a slash at the end. They may be secrets: authorization."""

    host: str
    port: int
    is_tls: bool
    prefix: str
    authority: str
    authorization: str

    @property
    def shown(self) -> str:
        """As errors name it."""
        return f"{'https' if self.is_tls else 'http'}://{self.authority}{self.prefix}"


def parse_target(url: str) -> Target:
    """`http://127.0.0.1:9090`, `https://user:password@prometheus.example/prefix`. Raises CanariumError."""
    wrong = CanariumError(
        "the address of the Prometheus is not one of HTTP",
        next_step="Write it like http://127.0.0.1:9090, without /api/v1.",
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise wrong
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return Target(
        parts.hostname,
        port or (443 if parts.scheme == "https" else 80),
        parts.scheme == "https",
        parts.path.rstrip("/").removesuffix("/api/v1").rstrip("/"),
        f"{host}:{port}" if port else host,
        f"Basic {base64.b64encode(pair.encode()).decode()}" if parts.username else "",
    )


def prometheus_proxy(target: Target) -> AsgiApp:
    """The application. Answers are gathered before they are passed on."""
    tls = ssl.create_default_context() if target.is_tls else None

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        if not _is_reading(path):
            await _refuse(send, 404, "not_found", f"{path} is not passed on")
            return
        if scope["method"] not in ("GET", "POST"):
            await _refuse(send, 405, "bad_data", f"{scope['method']} is not passed on")
            return
        body = await _body(receive)
        if body is None:
            await _refuse(send, 413, "bad_data", f"the request is longer than {MAX_BODY_BYTES} bytes")
            return
        query = scope["query_string"].decode("ascii", "replace")
        where = f"{target.prefix}{quote(path)}{'?' if query else ''}{quote(query, safe=_QUERY_SAFE)}"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await exchange(
                    target.host,
                    target.port,
                    shown=target.authority,
                    method=scope["method"],
                    target=where,
                    authority=target.authority,
                    headers=_headers(scope, target),
                    body=body,
                    tls=tls,
                    server_name=target.host,
                )
        except TimeoutError:
            await _refuse(send, 504, "timeout", f"{target.shown} did not answer within {ANSWER_SECONDS:g} s")
        except Unanswered as error:
            await _refuse(send, 502, "unavailable", f"{target.shown} does not answer: {error}")
        else:
            await _pass_on(send, answer)

    return app


def _is_reading(path: str) -> bool:
    """Whether a path asks for something, also to servers between here and there that tidy `//`, `.` and `..` up."""
    parts = path.removeprefix(_PREFIX).split("/")
    return path.startswith(_PREFIX) and parts[0] in _READING and not {"", ".", ".."} & set(parts)


_QUERY_SAFE = "!$&'()*+,;=:@/?%-._~[]{}"


def _headers(scope: Scope, target: Target) -> Mapping[str, str]:
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    kept = {name: told[name] for name in _PASSED_ON if name in told}
    return {
        **kept,
        "user-agent": "canarium",
        **({"authorization": target.authorization} if target.authorization else {}),
    }


async def _body(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)


async def _pass_on(send: Send, answer: HttpResponse) -> None:
    kind = next((text for name, text in answer.headers.items() if name.lower() == "content-type"), "application/json")
    await _send(send, answer.status, kind, answer.body)


async def _refuse(send: Send, status: int, kind: str, problem: str) -> None:
    """An error in the envelope of the API."""
    told = {"status": "error", "errorType": kind, "error": problem}
    await _send(send, status, "application/json", msgspec.json.encode(told))


async def _send(send: Send, status: int, kind: str, body: bytes) -> None:
    headers = [(b"content-type", kind.encode("latin-1", "replace")), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
