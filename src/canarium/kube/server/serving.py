"""ASGI applications on loopback sockets.

Owns: binding, uvicorn's settings, how large a request's head may be, starting and stopping inside a running loop.
Must not know: the applications.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from canarium.errors import CanariumError

DRAIN_SECONDS = 3
MAX_HEAD_BYTES = 1 << 20
"""The request line and all headers: as much as Go's server takes unless told otherwise."""
LINGER_SECONDS = 0.5
"""Closed at once, with something unread, a connection is reset and the answer lost; Go's server waits as long."""


class PortBusy(CanariumError):
    """Somebody listens there already."""


def bind(host: str, port: int, *, flag: str) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises PortBusy, which names the flag that sets another port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, or asyncio leaves out TCP_NODELAY
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(1024)
    except OSError as error:
        bound.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            why = "is in use" if error.errno == errno.EADDRINUSE else "may not be opened by this user"
            raise PortBusy(f"port {port} on {host} {why}", next_step=f"Choose another with {flag} PORT.") from error
        raise CanariumError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    bound.setblocking(False)
    return bound


class Serving:
    """One application on one bound socket. websockets: whether the application knows what to do with one."""

    def __init__(
        self,
        app: Callable[..., Any],
        bound: socket.socket,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        websockets: bool = True,
    ) -> None:
        self.port: int = bound.getsockname()[1]
        self._socket = bound
        config = uvicorn.Config(
            app if websockets else _without_websockets(app),
            http=_Protocol,
            ws="wsproto",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            ws_max_size=1024 * 1024,
            ws_ping_interval=None,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Answer requests from now on."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name=f"serve/{self.port}")
        await self._server.is_started.wait()

    async def stop(self) -> None:
        """Close the socket, let requests under way end for a while, then end them."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


def _without_websockets(app: Callable[..., Any]) -> Callable[..., Any]:
    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before it is accepted: 403
            return
        await app(scope, receive, send)

    return served


class _Protocol(HttpToolsProtocol):
    """HTTP with a bound on the head of a request, which uvicorn has none for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_in_head = False
        self._has_begun = False  # the head, in what was received last
        self._head_bytes = 0  # of the parts that were read
        self._received = 0  # since the head began, whole parts or not
        self._is_refused = False

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._is_refused:
            return
        self._has_begun = False
        super().data_received(data)
        if self._is_in_head and not self._has_begun:
            self._received += len(data)
            if self._received > MAX_HEAD_BYTES:
                self._refuse()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._is_in_head = self._has_begun = True
        self._head_bytes = self._received = 0

    def on_url(self, url: bytes) -> None:
        """Part of the request line."""
        self._head_bytes += len(url)
        if self._head_bytes <= MAX_HEAD_BYTES:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer after the body."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes <= MAX_HEAD_BYTES:
            super().on_header(name, value)
        elif not self._is_in_head:
            self._refuse()

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._is_in_head = False
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Part of the body."""
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is over."""
        if not self._is_refused:
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Go on as a WebSocket."""
        if not self._is_refused:
            super().handle_websocket_upgrade()

    def _refuse(self) -> None:
        if self._is_refused:
            return
        self._is_refused = True
        text = b"431 Request Header Fields Too Large"
        head = b"Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: %d" % len(text)
        self.transport.write(b"HTTP/1.1 %b\r\n%b\r\n\r\n%b" % (text, head, text))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers (the command line owns those), and with an event for having started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_started = asyncio.Event()

    def install_signal_handlers(self) -> None:
        """Signals are the command line's."""

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        await super()._serve(sockets)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve without catching signals."""
        await self._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.is_started.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests under way end, and leave no connection open."""
        hanging_up = asyncio.create_task(self._hang_up())
        try:
            await super().shutdown(sockets)
        finally:
            hanging_up.cancel()
            for connection in list(self.server_state.connections):
                if connection.transport is not None:
                    connection.transport.abort()

    async def _hang_up(self) -> None:
        """Drop what is idle: closing TLS in good order takes a peer that answers; an idle client does not listen."""
        while self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks))
        for connection in list(self.server_state.connections):
            if connection.transport is not None and not connection.transport.get_write_buffer_size():
                connection.transport.abort()
