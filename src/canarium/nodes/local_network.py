"""The network of a local cluster: the lab's names and Services, with real sockets at both ends.

Owns: opening a socket for what runs inside this process, and reaching what does not: pods that are processes, and the
world outside. Must not know: processes, Services (the lab's network resolves them).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from functools import cached_property

from canarium.clock import Chance, Clock
from canarium.kube.controller.reconciler import Listers
from canarium.nodes.bytestream import Connection, ConnectionLost, serve
from canarium.nodes.http_client import connect, exchange
from canarium.nodes.lab_network import LabNetwork
from canarium.nodes.loopback import LOOPBACK, Loopback
from canarium.nodes.network import HttpRequest, HttpResponse
from canarium.nodes.program import AsgiApp

MAX_OPEN = 500
"""How many ports of simulated pods get a socket; those beyond answer only to callers inside this process."""
_READ_BYTES = 64 << 10


class StreamConnection:
    """A real connection. See `bytestream.Connection`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """See `Connection`."""
        try:
            return await self._reader.read(_READ_BYTES)
        except OSError as error:
            raise ConnectionLost(f"read: {error.strerror or error}") from error

    async def write(self, data: bytes) -> None:
        """See `Connection`."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ConnectionLost(f"write: {error.strerror or error}") from error

    def write_eof(self) -> None:
        """See `Connection`."""
        with contextlib.suppress(OSError):
            if self._writer.can_write_eof():
                self._writer.write_eof()

    def close(self) -> None:
        """See `Connection`."""
        self._writer.close()


class Outside:
    """Reaches real sockets. See `lab_network.Far`."""

    def __init__(self, loopback: Loopback) -> None:
        self._loopback = loopback

    async def request(
        self, address: str, port: int, scheme: str, target: str, authority: str, request: HttpRequest
    ) -> HttpResponse:
        """See `Far`."""
        host, real_port = self._loopback.place(address, port)
        return await exchange(
            host,
            real_port,
            shown=f"{address}:{port}",
            method=request.method,
            target=target,
            authority=authority,
            headers=request.headers,
            body=request.body,
            tls=self._tls if scheme == "https" else None,
            server_name=address,
        )

    async def connect(self, address: str, port: int) -> Connection:
        """See `Far`."""
        host, real_port = self._loopback.place(address, port)
        return StreamConnection(*await connect(host, real_port, shown=f"{address}:{port}"))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


class LocalNetwork(LabNetwork):
    """`LabNetwork` on real sockets: what listens in this process can be dialled by any program on this machine."""

    def __init__(self, listers: Listers, *, clock: Clock, chance: Chance, loopback: Loopback) -> None:
        super().__init__(listers, clock=clock, chance=chance, latency_seconds=(0.0, 0.0), far=Outside(loopback))
        self._loopback = loopback
        self._open: dict[tuple[str, int], _Door] = {}

    def listen(self, address: str, port: int, app: AsgiApp, *, is_tls: bool = False) -> None:
        """See `LabNetwork`; opens a socket as well."""
        super().listen(address, port, app, is_tls=is_tls)
        self._shut(address, port)
        if len(self._open) < MAX_OPEN and not is_tls:
            bound = _bound(*self._loopback.place(address, port))
            self._loopback.moved(address, port, *bound.getsockname())
            self._open[address, port] = _Door(app, bound, (address, port))

    def close(self, address: str, port: int) -> None:
        """See `LabNetwork`."""
        super().close(address, port)
        self._shut(address, port)

    def detach(self, address: str) -> None:
        """See `LabNetwork`."""
        super().detach(address)
        for open_address, port in list(self._open):
            if open_address == address:
                self._shut(address, port)
        self._loopback.forget(address)

    def _shut(self, address: str, port: int) -> None:
        door = self._open.pop((address, port), None)
        if door is not None:
            door.close()

    def close_all(self) -> None:
        """Close every socket."""
        for address, port in list(self._open):
            self._shut(address, port)


class _Door:
    """An application behind a real socket."""

    def __init__(self, app: AsgiApp, bound: socket.socket, server: tuple[str, int]) -> None:
        self._app = app
        self._bound = bound
        self._server = server
        self._connections: dict[asyncio.Task[None], None] = {}
        self._listening: asyncio.Server | None = None
        self._starting = asyncio.ensure_future(self._start())

    async def _start(self) -> None:
        self._listening = await asyncio.start_server(self._serve, sock=self._bound)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = None
        try:
            peer = writer.get_extra_info("peername") or (LOOPBACK, 0)
            await serve(self._app, StreamConnection(reader, writer), server=self._server, client=peer[:2])
        except asyncio.CancelledError:
            writer.transport.abort()  # the pod ended; asyncio's streams would report a cancelled handler as an error
        finally:
            self._connections.pop(task, None)

    def close(self) -> None:
        self._starting.cancel()
        if self._listening is not None:
            self._listening.close()
        self._bound.close()
        for task in list(self._connections):
            task.cancel()


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket at a place; at another port when it is taken, or not for us."""
    for wanted in (port, 0):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, wanted))
            bound.listen(128)
        except OSError:
            bound.close()
            if wanted == 0:
                raise
            continue
        bound.setblocking(False)
        return bound
    raise AssertionError("port 0 is always free, or an error")
