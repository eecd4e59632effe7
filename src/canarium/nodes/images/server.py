"""A small HTTP/1.1 server for one ASGI application: what a bundled program listens with.

Owns: connections, request heads, bodies in both directions, draining. Must not know: what the application answers.
Specified by RFC 9112 and the ASGI 3 HTTP protocol; answers to bad requests are worded as Go's net/http words them.
A client that goes away does not stop its request, as in Go: the application ends it and counts it.
"""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from canarium.nodes.images.machine import AsgiApp, Log, Machine, Message
from canarium.nodes.images.urls import unquoted

MAX_HEAD_BYTES = 64 << 10
MAX_HEADERS = 200
BUFFER_BYTES = 256 << 10
"""How much of a body waits for the application before the client has to."""
DRAIN_BYTES = 256 << 10
"""How much of a body that nobody read is read to keep the connection, as Go does."""
BACKLOG = 128
"""Connections that may wait to be accepted; asyncio accepts as many in one turn."""
IDLE_SECONDS = 60.0
"""podinfo's idle timeout: twice its server timeout."""
HEAD_SECONDS = 30.0
"""How long a request's head may take to arrive."""
NEW_SECONDS = 0.5
"""How long a connection without a request yet may stay when the server drains."""

_VERSIONS = {"version": "3.0", "spec_version": "2.3"}
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])")
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_NO_BODY = (204, 304)


class BadRequest(Exception):  # the name of the answer
    """The request cannot be read: `status` says why to the client, and the connection closes."""

    def __init__(self, status: int, words: str = "") -> None:
        super().__init__(words)
        self.status = status


class Head(NamedTuple):
    """A request's head, checked. length: of the body; None for a chunked one."""

    method: str
    target: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    length: int | None
    keeps_alive: bool
    expects_continue: bool


def parse_head(text: bytes) -> Head:
    """Read a request's head without the empty line at its end. Raises BadRequest.

    Whatever could be read in two ways is refused: two lengths, a length beside chunks, folded lines.
    """
    first, *lines = text.replace(b"\r\n", b"\n").split(b"\n")
    found = _REQUEST_LINE.fullmatch(first)
    if found is None:
        raise BadRequest(400, "malformed request line")
    method, target, major, minor = found.groups()
    if major != b"1":
        raise BadRequest(505, "unsupported protocol version")
    if len(lines) > MAX_HEADERS:
        raise BadRequest(431)
    headers: list[tuple[bytes, bytes]] = []
    named: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or _HEADER_NAME.fullmatch(name) is None or b"\r" in value or b"\0" in value:
            raise BadRequest(400, "malformed header")
        name, value = name.lower(), value.strip(b" \t")
        headers.append((name, value))
        named.setdefault(name, []).append(value)
    version = "1.0" if minor == b"0" else "1.1"
    hosts = named.get(b"host", ())
    if len(hosts) > 1:
        raise BadRequest(400, "too many Host headers")
    if version == "1.1" and not hosts:
        raise BadRequest(400, "missing required Host header")
    connection = b",".join(named.get(b"connection", ())).lower()
    keeps_alive = b"close" not in connection if version == "1.1" else b"keep-alive" in connection
    return Head(
        method=method.decode("ascii"),
        target=target,
        version=version,
        headers=headers,
        length=_body_length(named),
        keeps_alive=keeps_alive,
        expects_continue=version == "1.1" and named.get(b"expect", [b""])[0].lower() == b"100-continue",
    )


def _body_length(named: Mapping[bytes, list[bytes]]) -> int | None:
    lengths, codings = set(named.get(b"content-length", ())), named.get(b"transfer-encoding", [])
    if codings:
        if lengths:
            raise BadRequest(400, "both Content-Length and Transfer-Encoding")
        if [coding.lower() for coding in codings] != [b"chunked"]:
            raise BadRequest(501, "unsupported transfer encoding")
        return None
    if not lengths:
        return 0
    length = lengths.pop()
    if lengths or not length.isdigit() or len(length) > 18:
        raise BadRequest(400, "bad Content-Length")
    return int(length)


class Chunks:
    """Takes a chunked body apart, piece by piece."""

    def __init__(self) -> None:
        self._left = 0
        self._state = "size"
        self.is_done = False

    def feed(self, buffer: bytearray) -> bytes:
        """Take what can be taken from the front of `buffer`. Raises BadRequest."""
        out = bytearray()
        while not self.is_done:
            if self._state == "data":
                taken = buffer[: self._left]
                del buffer[: len(taken)]
                out += taken
                self._left -= len(taken)
                if self._left:
                    break
                self._state = "end"
            end = buffer.find(b"\n")
            if end < 0:
                if len(buffer) > MAX_HEAD_BYTES:
                    raise BadRequest(400, "chunk line too long")
                break
            line = bytes(buffer[:end]).removesuffix(b"\r")
            del buffer[: end + 1]
            self._line(line)
        return bytes(out)

    def _line(self, line: bytes) -> None:
        if self._state == "end":
            if line:
                raise BadRequest(400, "malformed chunked encoding")
            self._state = "size"
        elif self._state == "trailer":
            self.is_done = not line
        else:
            size = _CHUNK_SIZE.fullmatch(line)
            if size is None:
                raise BadRequest(400, "invalid byte in chunk length")
            self._left = int(size[1], 16)
            self._state = "data" if self._left else "trailer"


class HttpServer:
    """Listens, serves, drains."""

    def __init__(self, app: AsgiApp, *, machine: Machine, log: Log) -> None:
        """log: gets the traceback of an application that raises."""
        self.app, self.machine, self.log = app, machine, log
        self.connections: set[_Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.is_draining = False
        self._listener: asyncio.Server | None = None
        self._date = (0, b"")
        self._quiet: asyncio.Event = asyncio.Event()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which the system chose where 0 was asked for. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Connection(self), host, port, backlog=BACKLOG)
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self, grace_seconds: float) -> bool:
        """Take no more connections, end the idle ones, let the others finish; whether they did within the grace."""
        if self._listener is not None:
            self._listener.close()
        self.is_draining = True
        for connection in list(self.connections):
            connection.drain()
        try:
            async with asyncio.timeout(grace_seconds):
                while self.connections:
                    self._quiet.clear()
                    await self._quiet.wait()
        except TimeoutError:
            for connection in list(self.connections):
                connection.abort()
            return False
        return True

    def forget(self, connection: _Connection) -> None:
        """Called by a connection that is closed."""
        self.connections.discard(connection)
        if not self.connections:
            self._quiet.set()

    def date(self) -> bytes:
        """The Date header's value, made once a second."""
        second = int(self.machine.now().timestamp())
        if self._date[0] != second:
            self._date = (second, time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second)).encode())
        return self._date[1]


class _Connection(asyncio.Protocol):
    """One client: requests one after the other."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._exchange: _Exchange | None = None
        self._has_served = False
        self._is_eof = False
        self._is_paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._can_write = asyncio.Event()
        self._can_write.set()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)
        self._arm(HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._advance()

    def eof_received(self) -> bool:
        self._is_eof = True
        if self._exchange is None:
            return False
        self._exchange.client_ended()
        return True  # a client may send no more and still read

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._is_eof = True
        self._can_write.set()
        self._disarm()
        if self._exchange is not None:
            self._exchange.client_left()
        self._server.forget(self)

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    # the exchange calls these

    @property
    def buffer(self) -> bytearray:
        """What was received and not yet taken."""
        return self._buffer

    def write(self, data: bytes) -> None:
        """Send, unless the client is gone."""
        if data and not self._transport.is_closing():
            self._transport.write(data)

    async def flushed(self) -> None:
        """Wait while the client reads too slowly."""
        await self._can_write.wait()

    def set_reading(self, wanted: bool) -> None:
        """Let the client go on, or wait."""
        if wanted == self._is_paused and not self._transport.is_closing():
            self._is_paused = not wanted
            (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    def peers(self) -> tuple[Any, Any]:
        """The client's and the server's address."""
        client, server = self._transport.get_extra_info("peername"), self._transport.get_extra_info("sockname")
        return (client or ("", 0))[:2], (server or ("", 0))[:2]

    def exchange_over(self, keeps_alive: bool) -> None:
        """The answer is sent and the body read as far as it will be."""
        self._exchange = None
        self._has_served = True
        if not keeps_alive or self._server.is_draining or (self._is_eof and not self._buffer):
            self._transport.close()
            return
        self.set_reading(True)
        self._arm(IDLE_SECONDS)
        if self._buffer:
            self._advance()
        if self._is_eof and self._exchange is None:
            self._transport.close()  # half a head, and no more to come

    # the server calls these

    def drain(self) -> None:
        """End now when idle; otherwise after the answer under way. A new connection has a moment for its request."""
        if self._exchange is None:
            if self._has_served:
                self._transport.close()
            else:
                self._arm(NEW_SECONDS)

    def abort(self) -> None:
        """End at once: the client sees its connection reset."""
        self._transport.abort()

    def _advance(self) -> None:
        if self._exchange is not None:
            self._exchange.body_came()
            return
        buffer = self._buffer
        while buffer.startswith((b"\r", b"\n")):
            del buffer[:1]
        end, width = buffer.find(b"\r\n\r\n"), 4
        if end < 0:
            end, width = buffer.find(b"\n\n"), 2
        try:
            if end > MAX_HEAD_BYTES or (end < 0 and len(buffer) > MAX_HEAD_BYTES):
                raise BadRequest(431)
            if end < 0:
                return
            head = parse_head(bytes(buffer[:end]))
        except BadRequest as bad:
            self.refuse(bad)
            return
        del buffer[: end + width]
        self._disarm()
        exchange = self._exchange = _Exchange(self._server, self, head)
        exchange.body_came()
        task = asyncio.get_running_loop().create_task(exchange.run())
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def refuse(self, bad: BadRequest) -> None:
        """Answer what cannot be read, and close."""
        status = f"{bad.status} {_reason(bad.status)}"
        text = status + (f": {bad}" if str(bad) else "")
        self.write(
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        self._buffer.clear()
        self._transport.close()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._transport.close)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Exchange:
    """One request and its answer."""

    def __init__(self, server: HttpServer, connection: _Connection, head: Head) -> None:
        self._server, self._connection, self._head = server, connection, head
        self._body = bytearray()
        self._left = head.length or 0
        self._chunks = Chunks() if head.length is None else None
        self._is_body_done = head.length == 0
        self._discarded: int | None = None  # bytes, once nobody wants the body any more
        self._is_gone = False
        self._came = asyncio.Event()
        self._start: Message | None = None
        self._has_begun = False
        self._is_answered = False
        self._is_chunked = False
        self._keeps_alive = head.keeps_alive
        self._must_continue = head.expects_continue

    # the connection calls these

    def body_came(self) -> None:
        """Take the body's bytes from the connection's buffer."""
        if self._is_body_done or self._is_gone:
            return
        buffer = self._connection.buffer
        try:
            if self._chunks is not None:
                piece = self._chunks.feed(buffer)
                self._is_body_done = self._chunks.is_done
            else:
                piece = bytes(buffer[: self._left])
                del buffer[: len(piece)]
                self._left -= len(piece)
                self._is_body_done = not self._left
        except BadRequest as bad:
            if not self._has_begun:
                self._connection.refuse(bad)
            self._keeps_alive = False
            self.client_left()
            return
        if self._discarded is None:
            self._body += piece
            if len(self._body) > BUFFER_BYTES:
                self._connection.set_reading(False)
        else:
            self._discard(len(piece))
        self._came.set()

    def client_ended(self) -> None:
        """The client sends no more."""
        if not self._is_body_done:
            self.client_left()
            self._keeps_alive = False
            if self._is_answered:
                self._connection.exchange_over(keeps_alive=False)

    def client_left(self) -> None:
        """The client is gone, or as good as that."""
        self._is_gone = True
        self._came.set()

    async def run(self) -> None:
        """Have the application answer."""
        try:
            await self._server.app(self._scope(), self._receive, self._send)
            problem = "" if self._is_answered else "the application returned without a whole answer"
        except Exception:  # noqa: BLE001  # whatever the application raises, a server answers 500
            problem = traceback.format_exc()
        if problem:
            for line in problem.splitlines():
                self._server.log(line)
            if self._has_begun or self._is_gone:
                self._connection.abort()  # cut short: the client sees an unexpected end
                return
            self._keeps_alive = False
            self._start = {"status": 500, "headers": [(b"content-type", b"text/plain; charset=utf-8")]}
            await self._send({"type": "http.response.body", "body": b"Internal Server Error\n"})
        self._finish()

    def _finish(self) -> None:
        if self._is_gone or self._is_body_done or not self._keeps_alive or self._must_continue:
            self._connection.exchange_over(self._keeps_alive and self._is_body_done and not self._is_gone)
            return
        self._connection.set_reading(True)
        self._discarded = 0
        self._discard(len(self._body))

    def _discard(self, size: int) -> None:
        assert self._discarded is not None, "only once nobody wants the body any more"
        self._discarded += size
        if self._is_body_done or self._discarded > DRAIN_BYTES:
            self._connection.exchange_over(keeps_alive=self._is_body_done)

    def _scope(self) -> dict[str, Any]:
        head = self._head
        target = head.target
        if target.lower().startswith(b"http://"):  # absolute form, as clients send it to a proxy
            rest = target[7:]
            target = rest[rest.find(b"/") :] if b"/" in rest else b"/"
        path, _, query = target.partition(b"?")
        client, server = self._connection.peers()
        return {
            "type": "http",
            "asgi": _VERSIONS,
            "http_version": head.version,
            "method": head.method,
            "scheme": "http",
            "path": unquoted(path),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": head.headers,
            "server": server,
            "client": client,
        }

    async def _receive(self) -> Message:
        """ASGI's receive: the body in the pieces that came; then, once it is over, the client's leaving."""
        if self._must_continue and not self._has_begun:
            self._must_continue = False
            if not self._body and not self._is_body_done:
                self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self._body and not self._is_body_done and not self._is_gone:
            self._came.clear()
            await self._came.wait()
        if self._body or (self._is_body_done and self._discarded is None):
            piece = bytes(self._body)
            self._body.clear()
            if self._is_body_done:
                self._discarded = 0
            else:
                self._connection.set_reading(True)
            return {"type": "http.request", "body": piece, "more_body": not self._is_body_done}
        while not self._is_gone and not self._is_answered:
            self._came.clear()
            await self._came.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        """ASGI's send. The head waits for the first body, so that a short answer has its length, as in Go."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body" or self._is_answered:
            return
        assert self._start is not None, "a body before http.response.start"
        body, is_last = bytes(message.get("body", b"")), not message.get("more_body", False)
        status = self._start["status"]
        has_body = self._head.method != "HEAD" and status not in _NO_BODY
        out = b"" if self._has_begun else self._head_text(status, len(body) if is_last else None)
        self._has_begun = True
        if body and has_body:
            out += b"%x\r\n%b\r\n" % (len(body), body) if self._is_chunked else body
        if is_last:
            if self._is_chunked and has_body:
                out += b"0\r\n\r\n"
            self._is_answered = True
            self._came.set()
        self._connection.write(out)
        await self._connection.flushed()

    def _head_text(self, status: int, length: int | None) -> bytes:
        assert self._start is not None, "a head without http.response.start"
        lines = [b"HTTP/1.1 %d %b" % (status, _reason(status).encode())]
        is_framed = False
        for raw_name, raw_value in self._start.get("headers") or ():
            name, value = bytes(raw_name).lower(), bytes(raw_value)
            if b"\n" in value or b"\r" in value:
                value = value.replace(b"\r", b" ").replace(b"\n", b" ")
            if name == b"transfer-encoding":
                continue  # how the body is framed is decided here
            is_framed |= name == b"content-length"
            if name == b"connection":
                self._keeps_alive &= b"close" not in value.lower()
                continue
            lines.append(name.title() + b": " + value)
        if not is_framed and status not in _NO_BODY:
            if length is not None:
                lines.append(b"Content-Length: %d" % length)
            elif self._head.version == "1.1":
                self._is_chunked = True
                lines.append(b"Transfer-Encoding: chunked")
            else:
                self._keeps_alive = False  # HTTP/1.0: the end of the connection is the end of the body
        lines.append(b"Date: " + self._server.date())
        if not self._is_body_done and self._must_continue:
            self._keeps_alive = False  # the client may or may not send the body now: nobody could tell what follows
        if not self._keeps_alive or self._server.is_draining:
            lines.append(b"Connection: close")
        elif self._head.version == "1.0":
            lines.append(b"Connection: keep-alive")
        return b"\r\n".join(lines) + b"\r\n\r\n"


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status code {status}"
