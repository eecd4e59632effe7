"""The page over HTTP: an ASGI application in front of the hub, the backend, the built files and the Prometheus API.

Owns: routing, logging in, reading bodies, error answers, streams and their end. Must not know: what any answer says,
who serves it on which port.

`/api/v1/*` and `/-/*` are Prometheus' and open to this machine; the rest of `/api/` is ours and wants the page's token.
Pages of other sites get nothing below `/api/`.
The page itself is no secret: it needs none, and shows its own login.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote

import msgspec

from canarium.errors import CanariumError
from canarium.kube.cluster import ApiError
from canarium.kube.server.access import User
from canarium.nodes.program import AsgiApp, Message, Receive, Scope, Send
from canarium.rollouts.commands import CommandRefused
from canarium.web.access import (
    NONCE_PLACEHOLDER,
    PageTokens,
    content_security_policy,
    is_allowed_host,
    is_same_origin,
    security_headers,
)
from canarium.web.assets import Assets
from canarium.web.backend import APPLICATION_ACTIONS, ROLLOUT_ACTIONS, Backend
from canarium.web.hub import Hub
from canarium.web.model import Done, Failure, Model
from canarium.web.views.session import READERS_TOPIC
from canarium.web.views.session import TOPIC as SESSION_TOPIC

MAX_BODY_BYTES = 64 * 1024
MAX_TOPICS = 32
MAX_NAME = 253
NOT_BUILT = (
    "The page is not built. Run `make ui` in the source checkout and start this again; everything else works without.\n"
)
_TOKEN_STEP = "`canarium status` prints the address with its token."  # noqa: S105  # a sentence
_FAULT_STEP = "This is a fault in canarium: please report it, with what the terminal that runs it printed."
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Answer(msgspec.Struct, frozen=True):
    """A whole answer. headers: beside those that every answer has."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = {}


class _Stream(msgspec.Struct, frozen=True):
    """An answer that goes on until it ends, the reader leaves or the server stops."""

    chunks: AsyncIterator[bytes]
    content_type: str


class _Request(msgspec.Struct, frozen=True):
    """A request taken apart. method: GET for HEAD, too. parts: of the path, decoded. query: the first of each name."""

    method: str
    path: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    scope: Scope
    receive: Receive


class PageApp:
    """See the module. One for each port; they differ in `home`, the path that `/` leads to.

    assets: None while the page is not built. prometheus: answers `/api/v1/*`; None where there are no metrics, and
    metrics_problem then says why and metrics_step what to do. nonce: a new unguessable url-safe text at each call.
    allowed_hosts: names that the Host header may have beside those of this machine.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        tokens: PageTokens,
        assets: Assets | None,
        home: str,
        backend: Backend,
        prometheus: AsgiApp | None,
        nonce: Callable[[], str],
        is_read_only: bool = False,
        metrics_problem: str = "there are no metrics here",
        metrics_step: str = "",
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self._hub = hub
        self._tokens = tokens
        self._assets = assets
        self._home = home
        self._backend = backend
        self._prometheus = prometheus
        self._nonce = nonce
        self._is_read_only = is_read_only
        self._metrics_problem = _failure(503, metrics_problem, metrics_step)
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End every stream, so that connections can be closed. The hub's other pages end with it."""
        self._stopping.set()
        self._hub.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        if scope["type"] != "http":
            return
        request = _request(scope, receive)
        has_body = scope["method"] != "HEAD"
        fault: Exception | None = None
        try:
            if not is_allowed_host(request.headers.get("host", ""), self._allowed_hosts):
                answer: _Answer | _Stream = _wrong_host(request)
            elif request.path.startswith("/api/") and not is_same_origin(request.headers):
                answer = _other_site(request)
            elif _is_prometheus(request.path):
                if self._prometheus is not None:
                    await self._prometheus(scope, receive, _hardened(send))
                    return
                answer = self._metrics_problem
            elif request.path == "/api" or request.path.startswith("/api/"):
                answer = await self._api(request)
            else:
                answer = self._page(request)
        except ApiError as error:
            code = error.code if 400 <= error.code < 600 and error.code != 401 else 502
            # 401 is the page's own: it would ask for its token where the cluster refused canarium's
            answer = _failure(code, error.problem, error.next_step)
        except CanariumError as error:
            answer = _failure(409 if isinstance(error, CommandRefused) else 422, error.problem, error.next_step)
        except Exception as error:  # noqa: BLE001  # a fault of ours: the reader gets no details, the loop logs them
            fault = error
            answer = _failure(500, f"{request.path} failed here: {type(error).__name__}", _FAULT_STEP)
        if fault is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"the page failed to answer {scope['method']} {request.path}", "exception": fault}
            )
        if isinstance(answer, _Stream):
            await self._stream(answer, receive, send, has_body=has_body)
        else:
            await _send(answer, send, has_body=has_body)

    # -- the page ---------------------------------------------------------------------------------------------------

    def _page(self, request: _Request) -> _Answer:
        if request.method != "GET":
            return _not_allowed("GET, HEAD")
        if "token" in request.query:
            return self._logged_in_by_link(request)
        path = request.path.lstrip("/")
        if not path:
            return _redirect(self._home, request)
        if self._assets is None:
            return _text(503, NOT_BUILT)
        file = self._assets.answer(
            path,
            accept_encoding=request.headers.get("accept-encoding", ""),
            if_none_match=request.headers.get("if-none-match", ""),
        )
        if file is not None and path != "index.html":
            headers = dict(file.headers)
            return _Answer(file.status, file.body, headers.pop("content-type", ""), headers)
        if path.startswith("assets/") or ("." in path and "/" not in path and path != "index.html"):
            return _text(404, f"there is no file {path!r} here\n")  # a page for a script would be a puzzle
        nonce = self._nonce()
        body = self._assets.index.replace(NONCE_PLACEHOLDER, nonce.encode())
        headers = {"content-security-policy": content_security_policy(nonce), "cache-control": "no-store"}
        return _Answer(200, body, "text/html; charset=utf-8", headers)

    def _logged_in_by_link(self, request: _Request) -> _Answer:
        """The same page without the token, which is a cookie from then on."""
        token = request.query["token"]
        to = self._home if not request.path.strip("/") else ""
        if self._tokens.owner(token) is not None:
            return _redirect(to, request, {"set-cookie": self._tokens.set_cookie(token)})
        if self._tokens.visitor(request.headers) is not None:
            return _redirect(to, request)  # an old link, followed by somebody who is known
        if "text/html" in request.headers.get("accept", ""):
            return _text(401, f"The token in this address is not this cluster's. {_TOKEN_STEP}\n")
        return _unknown_token()

    # -- /api -------------------------------------------------------------------------------------------------------

    async def _api(self, request: _Request) -> _Answer | _Stream:
        match request.method, request.parts[1:]:
            case "POST", ("login",):
                return await self._log_in(request)
            case "POST", ("logout",):
                return _json(200, Done(message="logged out"), {"set-cookie": self._tokens.set_cookie("")})
        visitor = self._tokens.visitor(request.headers)
        if visitor is None:
            return _failure(401, "this needs the token of the page", _TOKEN_STEP)
        odd = next((part for part in request.parts if not _is_name(part)), None)
        if odd is not None:
            return _no_name(odd)
        match request.method, request.parts[1:]:
            case "GET", ("watch",):
                return self._watch(request, visitor)
            case "GET", ("applications", namespace, name, "resource"):
                wanted = [request.query.get(each, "") for each in ("group", "kind", "namespace", "name")]
                odd = next((part for part in wanted if part and not _is_name(part)), None)
                if odd is not None:
                    return _no_name(odd)
                return _json(200, await self._backend.resource_manifests(namespace, name, *wanted))
            case "GET", ("pods", namespace, name, "log"):
                chunks = await self._backend.log(namespace, name, request.query)
                return _Stream(chunks, "text/plain; charset=utf-8")
            case "GET", ("query_tree",):
                query = request.query
                return _json(200, self._backend.query_tree(query.get("query", ""), query.get("time", "")))
            case "POST", ("rollouts", namespace, name, action):
                act = self._backend.rollout_action
                return await self._act(request, visitor, ROLLOUT_ACTIONS, act, namespace, name, action)
            case "POST", ("applications", namespace, name, action):
                act = self._backend.application_action
                return await self._act(request, visitor, APPLICATION_ACTIONS, act, namespace, name, action)
            case method, parts:
                return _no_such_path(method, parts, request.path)

    def _watch(self, request: _Request, visitor: User) -> _Answer | _Stream:
        pairs = parse_qsl(request.scope["query_string"].decode("utf-8", "replace"))
        topics = [value for name, value in pairs if name == "topic"]
        if not topics or len(topics) > MAX_TOPICS:
            step = "Ask for /api/watch?topic=session&topic=rollouts, say."
            return _failure(400, f"between 1 and {MAX_TOPICS} topics can be watched at once, not {len(topics)}", step)
        stand_ins = {} if visitor.may_write else {SESSION_TOPIC: READERS_TOPIC}
        return _Stream(self._hub.subscribe(topics, stand_ins), "text/event-stream")

    async def _log_in(self, request: _Request) -> _Answer:
        token = (await _body(request)).get("token")
        if not isinstance(token, str) or self._tokens.owner(token) is None:
            return _unknown_token()
        return _json(200, Done(message="logged in"), {"set-cookie": self._tokens.set_cookie(token)})

    async def _act(
        self,
        request: _Request,
        visitor: User,
        known: Sequence[str],
        act: Callable[[str, str, str, Mapping[str, Any]], Awaitable[str]],
        namespace: str,
        name: str,
        action: str,
    ) -> _Answer:
        if action not in known:
            return _failure(404, f"there is no action {action!r}", f"There are {', '.join(known)}.")
        if self._is_read_only:
            return _failure(403, "this page is read-only", "Start it without --read-only to act on the cluster.")
        if not visitor.may_write:
            step = "Log in with the administrator's token: " + _TOKEN_STEP
            return _failure(403, "you came with a token that may only read", step)
        return _json(200, Done(message=await act(namespace, name, action, await _body(request))))

    # -- streams ----------------------------------------------------------------------------------------------------

    async def _stream(self, answer: _Stream, receive: Receive, send: Send, *, has_body: bool) -> None:
        """Send chunks as they come, until they end, the reader leaves or the server stops."""
        headers = _headers(answer.content_type, {"cache-control": "no-store", "x-accel-buffering": "no"})
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        async def deliver() -> None:
            try:
                async for chunk in answer.chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except CanariumError as error:  # the status is sent already: say it where it is read
                last = f"canarium: this ends here: {error.problem}\n".encode()
                await send({"type": "http.response.body", "body": last, "more_body": True})

        waiting = [asyncio.ensure_future(work) for work in (deliver(), until_gone(), self._stopping.wait())]
        if not has_body:
            waiting[0].cancel()
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            delivered, *_ = await asyncio.gather(*waiting, return_exceptions=True)
            close = getattr(answer.chunks, "aclose", None)
            if close is not None:
                await close()
        if isinstance(delivered, Exception):
            raise delivered
        if not waiting[1].done() or waiting[1].cancelled():
            await send({"type": "http.response.body", "body": b"", "more_body": False})


# -- requests ---------------------------------------------------------------------------------------------------------


def _request(scope: Scope, receive: Receive) -> _Request:
    """A request taken apart. Names in the path are decoded one by one, so that a `/` in one is no separator."""
    method = scope["method"]
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    parts = tuple(unquote(part) for part in raw.decode("latin-1").partition("?")[0].strip("/").split("/"))
    found = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}{'; ' if key == 'cookie' else ', '}{text}" if key in headers else text
    query = {name: values[0] for name, values in found.items()}
    return _Request("GET" if method == "HEAD" else method, scope["path"], parts, query, headers, scope, receive)


def _is_prometheus(path: str) -> bool:
    return path.startswith("/api/v1/") or path in ("/-/ready", "/-/healthy")


def _is_name(part: str) -> bool:
    """Whether a part of a path can be the name of anything. The API server takes what is asked of it apart at slashes
    after decoding: a name with one could lead to another of its resources, with canarium's rights there."""
    return part not in ("", ".", "..") and len(part) <= MAX_NAME and part.isprintable() and not {"/", "%"} & set(part)


async def _body(request: _Request) -> Mapping[str, Any]:
    """The JSON object in a request's body. Raises ApiError (400, 413, 415)."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise ApiError(
            415,
            "UnsupportedMediaType",
            f"a body of type {media or 'nothing'!r} is not read here",
            next_step="Send JSON with the header `Content-Type: application/json`.",
        )
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ApiError(499, "ClientClosedRequest", "the reader left before the request was complete")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise ApiError(413, "RequestEntityTooLarge", f"the body is larger than {MAX_BODY_BYTES} bytes")
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    raw = b"".join(chunks)
    if not raw.strip():
        return {}
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(400, "BadRequest", f"the body is no JSON: {error}", next_step="Send an object.") from error
    if not isinstance(body, dict):
        raise ApiError(400, "BadRequest", "the body is no JSON object", next_step='Send one, such as {"revision": 1}.')
    return body


# -- answers ----------------------------------------------------------------------------------------------------------


def _json(status: int, model: Model, headers: Mapping[str, str] | None = None) -> _Answer:
    return _Answer(status, _encode(model), "application/json", {"cache-control": "no-store", **(headers or {})})


def _text(status: int, text: str) -> _Answer:
    return _Answer(status, text.encode(), "text/plain; charset=utf-8", {"cache-control": "no-store"})


def _failure(status: int, problem: str, next_step: str = "") -> _Answer:
    return _json(status, Failure(problem=problem, next_step=next_step))


def _unknown_token() -> _Answer:
    return _failure(401, "that token is not this cluster's", _TOKEN_STEP)


def _not_allowed(allow: str) -> _Answer:
    answer = _failure(405, f"only {allow} can be done here")
    return msgspec.structs.replace(answer, headers={**answer.headers, "allow": allow})


def _wrong_host(request: _Request) -> _Answer:
    problem = f"this server does not answer to the host name {request.headers.get('host', '')!r}"
    if request.path.startswith("/api/"):
        return _failure(403, problem, "Use 127.0.0.1.")
    return _text(403, f"{problem}: use 127.0.0.1\n")


def _other_site(request: _Request) -> _Answer:
    """Reading counts as well: a picture elsewhere whose address is a query would keep everything here busy."""
    problem = f"a page of {request.headers.get('origin', 'another site')!r} may not ask or act here"
    return _failure(403, problem, "Open the page at the address that canarium printed, and act there.")


def _no_name(part: str) -> _Answer:
    return _failure(400, f"{part[:60]!r} is no name", "Reload the page, and follow its links.")


def _no_such_path(method: str, parts: Sequence[str], path: str) -> _Answer:
    match parts:
        case ("watch",) | ("query_tree",) | ("applications", _, _, "resource") | ("pods", _, _, "log"):
            return _not_allowed("GET, HEAD")
        case ("login",) | ("logout",) | ("rollouts" | "applications", _, _, _):
            return _not_allowed("POST")
    del method
    return _failure(404, f"there is nothing at {path}", "Reload the page: it may be older or newer than the server.")


def _redirect(path: str, request: _Request, headers: Mapping[str, str] | None = None) -> _Answer:
    """To a path (empty: the same one) with the same query but for the token. It never leads to another host."""
    raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    target = path or "/" + raw.decode("latin-1").partition("?")[0].lstrip("/\\")
    fields = request.scope["query_string"].decode("latin-1").split("&")
    kept = "&".join(field for field in fields if field and unquote(field.partition("=")[0]) != "token")
    location = f"{target}?{kept}" if kept else target
    return _Answer(303, b"", "", {"location": location, "cache-control": "no-store", **(headers or {})})


def _headers(content_type: str, more: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    told = {"content-security-policy": content_security_policy(), **security_headers(), **more}
    if content_type:
        told["content-type"] = content_type
    return [(name.encode("latin-1"), text.encode("latin-1")) for name, text in told.items()]


def _hardened(send: Send) -> Send:
    """For answers that are not ours: with the headers of ours where they have none of that name."""

    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = {name.lower() for name, _ in message["headers"]}
            ours = [(name, text) for name, text in _headers("", {}) if name not in told]
            message = {**message, "headers": [*message["headers"], *ours]}
        await send(message)

    return hardened


async def _send(answer: _Answer, send: Send, *, has_body: bool) -> None:
    headers = _headers(answer.content_type, answer.headers)
    if answer.status != 304:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if has_body else b""})
