"""Call an ASGI application in-process: our own small HTTP client without a socket.

Owns: one request to one application, streaming bodies collected. Must not know: names, addresses, latency, deadlines.
The application runs in the caller's task, so `asyncio.timeout` around a call cancels it, as a client that hangs up
would; an answer is delivered when the application returns. Specified by the ASGI 3 HTTP protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from canarium.errors import CanariumError
from canarium.nodes.network import HttpResponse
from canarium.nodes.program import AsgiApp, Message

_VERSIONS = {"version": "3.0", "spec_version": "2.3"}


class BrokenAnswer(CanariumError):
    """The application began an answer and did not finish it; a Go client would say `unexpected EOF`."""


async def call(
    app: AsgiApp,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    server: tuple[str, int] = ("127.0.0.1", 80),
    client: tuple[str, int] = ("127.0.0.1", 40000),
    host: str = "",
) -> HttpResponse:
    """Send one request and collect the answer.

    target: path and query as in the request line (`/api/v1/query?query=up`). An exception of the application is a 500,
    as a server would answer; an AssertionError is ours and escapes. Raises BrokenAnswer.
    """
    path, _, query = target.partition("?")
    raw_headers = [(b"host", (host or f"{server[0]}:{server[1]}").encode())]
    for name, value in (headers or {}).items():
        raw_headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
    if body and not any(name == b"content-length" for name, _ in raw_headers):
        raw_headers.append((b"content-length", str(len(body)).encode()))
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": _VERSIONS,
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": _unquoted(path) or "/",
        "raw_path": path.encode("ascii", "replace"),
        "query_string": query.encode("ascii", "replace"),
        "root_path": "",
        "headers": raw_headers,
        "server": server,
        "client": client,
    }
    exchange = _Exchange(body)
    try:
        await app(scope, exchange.receive, exchange.send)
    except AssertionError:
        raise
    except Exception as error:  # whatever the application raises, a server answers 500
        if exchange.status == 0:
            return HttpResponse(500, {"content-type": "text/plain; charset=utf-8"}, b"Internal Server Error")
        raise BrokenAnswer("unexpected EOF") from error
    if not exchange.done:
        raise BrokenAnswer("unexpected EOF" if exchange.status else "EOF")
    return HttpResponse(exchange.status, exchange.headers, b"".join(exchange.chunks))


def _unquoted(path: str) -> str:
    if "%" not in path:
        return path
    from urllib.parse import unquote  # local: hardly any request needs it

    return unquote(path)


class _Exchange:
    __slots__ = ("body", "body_sent", "chunks", "done", "headers", "status")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.body_sent = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []
        self.done = False

    async def receive(self) -> Message:
        if not self.body_sent:
            self.body_sent = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        if not self.done:
            # The client waits for the answer and hangs up only by its deadline, which cancels this wait.
            await asyncio.get_running_loop().create_future()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message.get("headers") or ()
            }
        elif kind == "http.response.body" and not self.done:
            chunk = message.get("body", b"")
            if chunk:
                self.chunks.append(chunk)
            self.done = not message.get("more_body", False)
