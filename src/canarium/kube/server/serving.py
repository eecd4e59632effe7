"""ASGI applications on loopback sockets.

Owns: binding, uvicorn's settings, starting and stopping inside a running loop. Must not know: the applications.
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

from canarium.errors import CanariumError

DRAIN_SECONDS = 3


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
    """One application on one bound socket."""

    def __init__(
        self,
        app: Callable[..., Any],
        bound: socket.socket,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self.port: int = bound.getsockname()[1]
        self._socket = bound
        config = uvicorn.Config(
            app,
            http="httptools",
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
