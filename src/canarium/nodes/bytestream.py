"""An ASGI application at the far end of a byte connection: HTTP/1.1 as a server in a pod would speak it, no sockets.

Owns: `Connection`, the in-memory pair, `serve` (HTTP/1.1 by h11), `connect_app`. Must not know: who dials, or tunnels.
The application meets the same rules as in `asgi`: a client that goes away cancels it; an AssertionError is ours.
Specified by RFC 9112 and the ASGI 3 HTTP protocol; words for bad requests are those of Go's net/http.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote

import h11

from canarium.errors import CanariumError
from canarium.nodes.program import AsgiApp, Message

PIPE_BYTES = 64 << 10
"""How much one direction holds before the writer waits."""
DRAIN_BYTES = 256 << 10
"""How much of a body that the application left unread is read to keep the connection, as Go does."""
MAX_HEAD_BYTES = 64 << 10
_VERSIONS = {"version": "3.0", "spec_version": "2.3"}


class ConnectionLost(CanariumError):
    """The other end is closed; a Go client would say `broken pipe`."""


class Connection(Protocol):
    """One end of a byte stream in both directions."""

    async def read(self) -> bytes:
        """The next bytes, at least one; empty when the other end sends no more. Raises ConnectionLost."""
        ...

    async def write(self, data: bytes) -> None:
        """Send; returns when there is room for more. Raises ConnectionLost."""
        ...

    def write_eof(self) -> None:
        """Send no more; reading goes on."""
        ...

    def close(self) -> None:
        """Be done in both directions, at once; closing twice is fine."""
        ...


class _Pipe:
    """One direction: at most `limit` bytes are under way."""

    __slots__ = ("_buffer", "_changed", "_is_done", "_is_left", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray()
        self._limit = limit
        self._is_done = False  # the writer sends no more
        self._is_left = False  # the reader reads no more
        self._changed: list[asyncio.Future[None]] = []

    async def read(self) -> bytes:
        while not self._buffer and not self._is_done and not self._is_left:
            await self._wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        self._wake()
        return data

    async def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if self._is_left or self._is_done:
                raise ConnectionLost("write: broken pipe")
            room = self._limit - len(self._buffer)
            if room <= 0:
                await self._wait()
                continue
            self._buffer += rest[:room]
            rest = rest[room:]
            self._wake()

    def end(self) -> None:
        self._is_done = True
        self._wake()

    def leave(self) -> None:
        self._is_left = True
        self._buffer.clear()
        self._wake()

    async def _wait(self) -> None:
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed.append(change)
        await change

    def _wake(self) -> None:
        waiting, self._changed = self._changed, []
        for change in waiting:
            if not change.done():
                change.set_result(None)


class _End:
    """One end of a pair. See `Connection`."""

    def __init__(self, incoming: _Pipe, outgoing: _Pipe) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    async def read(self) -> bytes:
        return await self._incoming.read()

    async def write(self, data: bytes) -> None:
        await self._outgoing.write(data)

    def write_eof(self) -> None:
        self._outgoing.end()

    def close(self) -> None:
        self._outgoing.end()
        self._incoming.leave()


def memory_pair(limit: int = PIPE_BYTES) -> tuple[Connection, Connection]:
    """Two connected ends; each direction holds at most `limit` bytes."""
    there, back = _Pipe(limit), _Pipe(limit)
    return _End(back, there), _End(there, back)


def connect_app(
    app: AsgiApp,
    *,
    server: tuple[str, int] = ("127.0.0.1", 80),
    client: tuple[str, int] = ("127.0.0.1", 40000),
    limit: int = PIPE_BYTES,
) -> Connection:
    """Connect to an application; returns the client's end. Closing it cancels whatever the application is doing.

    An AssertionError of the application is ours, so reading raises it once everything before it was read.
    """
    ours, theirs = memory_pair(limit)
    name = f"http/{server[0]}:{server[1]}"
    return _Client(ours, asyncio.create_task(serve(app, theirs, server=server, client=client), name=name))


class _Client:
    """The client's end of a connection to an application. See `Connection`."""

    def __init__(self, end: Connection, serving: asyncio.Task[None]) -> None:
        self._end = end
        self._serving = serving

    async def read(self) -> bytes:
        data = await self._end.read()
        if not data and self._serving.done() and not self._serving.cancelled():
            self._serving.result()
        return data

    async def write(self, data: bytes) -> None:
        await self._end.write(data)

    def write_eof(self) -> None:
        self._end.write_eof()

    def close(self) -> None:
        self._end.close()
        self._serving.cancel()


async def serve(
    app: AsgiApp,
    connection: Connection,
    *,
    server: tuple[str, int] = ("127.0.0.1", 80),
    client: tuple[str, int] = ("127.0.0.1", 40000),
) -> None:
    """Answer the requests that come over a connection, in order, until either end is done; then close it."""
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    try:
        while True:
            try:
                request = await _next(http, connection)
            except h11.RemoteProtocolError as error:
                await _refuse(http, connection, error.error_status_hint)
                return
            if not isinstance(request, h11.Request):
                return
            exchange = _Exchange(http, connection, request)
            await exchange.answer(app, server, client)
            if not await exchange.is_reusable():
                return
            http.start_next_cycle()
    except ConnectionLost:
        return  # the client went away: nobody is left to tell
    finally:
        connection.write_eof()
        connection.close()


async def _next(http: h11.Connection, connection: Connection) -> Any:
    """The next event of h11, reading as much as it needs. Raises h11.RemoteProtocolError, ConnectionLost."""
    while True:
        event = http.next_event()
        if event is not h11.NEED_DATA:
            return event
        http.receive_data(await connection.read())


async def _refuse(http: h11.Connection, connection: Connection, status: int) -> None:
    if http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    text = f"{status} {HTTPStatus(status).phrase}".encode()
    headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
    headers.append(("content-length", str(len(text))))
    head = http.send(h11.Response(status_code=status, headers=headers, reason=_reason(status)))
    await connection.write((head or b"") + text)


class _Exchange:
    """One request and its answer."""

    def __init__(self, http: h11.Connection, connection: Connection, request: h11.Request) -> None:
        self._http = http
        self._connection = connection
        self._request = request
        self._start: Message | None = None
        self._has_begun = False
        self._is_over = False
        self._is_read = False
        self._is_broken = False

    async def answer(self, app: AsgiApp, server: tuple[str, int], client: tuple[str, int]) -> None:
        """Have the application answer; whatever it does, the exchange is complete or broken afterwards."""
        try:
            await app(self._scope(server, client), self.receive, self.send)
        except ConnectionLost:
            raise
        except h11.RemoteProtocolError as error:
            await self._fail(error.error_status_hint)
        except AssertionError:
            await self._fail(500)
            raise
        except Exception:  # noqa: BLE001  # whatever a program raises is its 500, as a server would answer
            await self._fail(500)
        if not self._is_over and not self._is_broken:
            await self._fail(500)

    async def is_reusable(self) -> bool:
        """Whether another request may follow; reads what the application left of the body, up to a limit."""
        http = self._http
        if self._is_broken or http.they_are_waiting_for_100_continue:
            return False
        left = DRAIN_BYTES
        try:
            while http.their_state is h11.SEND_BODY and left > 0:
                event = await _next(http, self._connection)
                if isinstance(event, h11.Data):
                    left -= len(event.data)
        except h11.RemoteProtocolError:
            return False
        return http.our_state is h11.DONE and http.their_state is h11.DONE

    def _scope(self, server: tuple[str, int], client: tuple[str, int]) -> dict[str, Any]:
        path, _, query = self._request.target.partition(b"?")
        if not path.startswith(b"/") and b"://" in path:
            path = b"/" + path.split(b"://", 1)[1].partition(b"/")[2]
        return {
            "type": "http",
            "asgi": _VERSIONS,
            "http_version": self._request.http_version.decode(),
            "method": self._request.method.decode(),
            "scheme": "http",
            "path": unquote(path.decode("latin-1")) or "/",
            "raw_path": bytes(path),
            "query_string": bytes(query),
            "root_path": "",
            "headers": list(self._request.headers),
            "server": server,
            "client": client,
        }

    async def receive(self) -> Message:
        """ASGI's receive: the body in the pieces that came, then nothing until the answer is given."""
        http, connection = self._http, self._connection
        if self._is_read or self._is_over:
            if not self._is_over:
                await asyncio.get_running_loop().create_future()  # a client that goes away cancels this wait
            return {"type": "http.disconnect"}
        if http.they_are_waiting_for_100_continue and not self._has_begun:
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            await connection.write(http.send(go_on) or b"")
        event = await _next(http, connection)
        if isinstance(event, h11.Data):
            return {"type": "http.request", "body": bytes(event.data), "more_body": True}
        self._is_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """ASGI's send. The head waits for the first body, so that a short answer has its length, as in Go."""
        match message["type"]:
            case "http.response.start":
                self._start = message
            case "http.response.body" if not self._is_over:
                assert self._start is not None, "a body before http.response.start"
                body, is_last = bytes(message.get("body", b"")), not message.get("more_body", False)
                out = [] if self._has_begun else [self._head(self._start, body if is_last else None)]
                self._has_begun = True
                if body and self._has_body(self._start["status"]):
                    out.append(self._sent(h11.Data(data=body)))
                if is_last:
                    out.append(self._sent(h11.EndOfMessage()))
                    self._is_over = True
                await self._connection.write(b"".join(out))

    def _head(self, start: Message, whole: bytes | None) -> bytes:
        headers = [(bytes(name).lower(), bytes(value)) for name, value in start.get("headers") or ()]
        names = {name for name, _ in headers}
        is_framed = b"content-length" in names or b"transfer-encoding" in names
        status = start["status"]
        if whole is not None and not is_framed and status >= 200 and status not in (204, 304):
            headers.append((b"content-length", str(len(whole)).encode()))
        if status < 200:
            raise CanariumError(f"{status} is not a final answer")
        return self._sent(h11.Response(status_code=status, headers=headers, reason=_reason(status)))

    def _has_body(self, status: int) -> bool:
        return self._request.method != b"HEAD" and status not in (204, 304)

    def _sent(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> bytes:
        return self._http.send(event) or b""

    async def _fail(self, status: int) -> None:
        if self._is_over:
            return
        if self._has_begun or self._http.our_state is not h11.SEND_RESPONSE:
            self._is_broken = True  # cut short: the client sees an unexpected end
            return
        text = b"Internal Server Error\n" if status == 500 else b"400 Bad Request"
        self._start = {"status": status, "headers": [(b"content-type", b"text/plain; charset=utf-8")]}
        await self.send({"type": "http.response.body", "body": text})


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"status code " + str(status).encode()
