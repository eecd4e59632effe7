"""Service ports: accept a connection, choose an endpoint, and pass bytes both ways.

Owns: listening sockets, the turn and affinity of endpoints, the relay of bytes. Must not know: HTTP, names, probes.
Source: Kubernetes 1.34 pkg/proxy/iptables (endpoints in turn instead of at random; affinity counts from the last
connection; a connection that is established outlives its endpoint's removal).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

Endpoint = tuple[str, int]
"""A real host and port."""

DIAL_SECONDS = 5.0
"""How long one endpoint may take to accept. On loopback only one whose backlog is full takes any time at all."""

_CHUNK = memoryview(bytearray(256 * 1024))
"""What is read at once. One for all connections: it is filled and emptied without anything running in between."""

_RESET = struct.pack("ii", 1, 0)
_BACKLOG = 1024
_REST_SECONDS = 0.5
_REMEMBERED_CLIENTS = 1024


def words(error: OSError) -> str:
    """The error as Go words it: `connection refused`, `no route to host`, `address already in use`."""
    if isinstance(error, TimeoutError):
        return "i/o timeout"
    return os.strerror(error.errno).lower() if error.errno else str(error)


def joined(host: str, port: int) -> str:
    """`10.244.0.7:80`, `[::1]:80`"""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(host: str, port: int, *, fallback: bool) -> socket.socket:
    """A listening socket at the address; with `fallback` at a free port of that host, or of 127.0.0.1, where the
    address cannot be had. Raises OSError."""
    try:
        return _listening(host, port)
    except OSError as error:
        if not fallback or error.errno not in {errno.EACCES, errno.EADDRINUSE, errno.EADDRNOTAVAIL}:
            raise
    try:
        return _listening(host, 0)
    except OSError:
        return _listening("127.0.0.1", 0)


async def connect(host: str, port: int, *, seconds: float = DIAL_SECONDS) -> socket.socket:
    """A connected, non-blocking socket. Raises OSError; TimeoutError when it took longer than `seconds`."""
    sock = _socket(host)
    try:
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().sock_connect(sock, (host, port))
        if sock.getsockname() == sock.getpeername():
            # Nobody listens, but the port is one the kernel hands out, and it handed this one out to us.
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def reset(sock: socket.socket) -> None:
    """Close so that the other end is told that something is wrong."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    except OSError:
        pass  # it is gone already
    finally:
        sock.close()


class Acceptor:
    """Hands every connection of a listening socket to `serve`, which from then on has to close it."""

    def __init__(self, sock: socket.socket, serve: Callable[[socket.socket, str], Coroutine[Any, Any, None]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self.address: Endpoint = sock.getsockname()[:2]
        self._loop.add_reader(sock, self._accept)

    def stop(self) -> None:
        """Accept no more. Connections stay."""
        if self._pause is not None:
            self._pause.cancel()
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
            self._sock.close()

    async def close(self) -> None:
        """Stop, and give up on connections that are still being set up."""
        self.stop()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(_BACKLOG):
            try:
                client, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # out of file descriptors or memory: those who wait in the backlog may go on waiting
                self._loop.remove_reader(self._sock)
                self._pause = self._loop.call_later(_REST_SECONDS, self._resume)
                return
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._serve(client, address[0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock, self._accept)


class Link:
    """Passes bytes between two connected sockets until both have said that they are done, or one fails.

    It reads and writes the sockets itself: half the work per piece of what a pair of transports does, and what waits
    for a slow reader is never more than one piece.
    """

    def __init__(self, one: socket.socket, other: socket.socket, links: set[Link]) -> None:
        self._sockets = (one, other)
        self._links = links
        self._flows = (_Flow(self, one, other), _Flow(self, other, one))
        links.add(self)
        for flow in self._flows:
            flow.start()

    def ended(self) -> None:
        """One direction is done."""
        if all(flow.is_ended for flow in self._flows):
            self._forget()
            for sock in self._sockets:
                sock.close()

    def reset(self) -> None:
        """Break it off, on both sides."""
        self._forget()
        for sock in self._sockets:
            reset(sock)

    def _forget(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            if sock.fileno() >= 0:
                loop.remove_reader(sock)
                loop.remove_writer(sock)
        self._links.discard(self)


class _Flow:
    """One direction of a link: either it waits for its source, or a rest waits for its sink."""

    __slots__ = ("_link", "_loop", "_rest", "_sink", "_source", "is_ended")

    def __init__(self, link: Link, source: socket.socket, sink: socket.socket) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._source = source
        self._sink = sink
        self._rest = memoryview(b"")
        self.is_ended = False

    def start(self) -> None:
        self._loop.add_reader(self._source, self._read)

    def _read(self) -> None:
        try:
            count = self._source.recv_into(_CHUNK)
            if not count:
                self._loop.remove_reader(self._source)
                self.is_ended = True
                self._sink.shutdown(socket.SHUT_WR)
                self._link.ended()
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._link.reset()
            return
        try:
            sent = self._sink.send(_CHUNK[:count])
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._link.reset()
            return
        if sent < count:
            self._rest = memoryview(bytes(_CHUNK[sent:count]))
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._sink, self._write)

    def _write(self) -> None:
        try:
            self._rest = self._rest[self._sink.send(self._rest) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._link.reset()
            return
        if not self._rest:
            self._loop.remove_writer(self._sink)
            self._loop.add_reader(self._source, self._read)


class Turns:
    """Whose turn it is: endpoints one after the other, and with affinity the one that the client had last.

    A rule without a clock: `now` is in seconds, on any scale.
    """

    def __init__(self) -> None:
        self._endpoints: tuple[Endpoint, ...] = ()
        self._affinity_seconds = 0.0
        self._turn = 0
        self._last: dict[str, tuple[float, Endpoint]] = {}

    def route(self, endpoints: Sequence[Endpoint], affinity_seconds: float) -> None:
        """Choose among these from now on."""
        self._endpoints = tuple(endpoints)
        self._affinity_seconds = affinity_seconds
        if not affinity_seconds:
            self._last.clear()

    def choose(self, client: str, tried: set[Endpoint], now: float) -> Endpoint | None:
        """The client's own endpoint, or else the next in turn; None when all were tried."""
        at, own = self._last.get(client, (0.0, None))
        if own in self._endpoints and own not in tried and now - at < self._affinity_seconds:
            return own
        for _ in self._endpoints:
            endpoint = self._endpoints[self._turn % len(self._endpoints)]
            self._turn += 1
            if endpoint not in tried:
                return endpoint
        return None

    def connected(self, client: str, endpoint: Endpoint, now: float) -> None:
        """The client has got through to this one."""
        if not self._affinity_seconds:
            return
        if len(self._last) >= _REMEMBERED_CLIENTS:
            self._last = {who: what for who, what in self._last.items() if now - what[0] < self._affinity_seconds}
        self._last[client] = (now, endpoint)


class ServicePort:
    """One listening port and the endpoints behind it. `links`: where its connections are kept track of."""

    def __init__(self, sock: socket.socket, links: set[Link]) -> None:
        self._loop = asyncio.get_running_loop()
        self._links = links
        self._turns = Turns()
        self._acceptor = Acceptor(sock, self._serve)
        self.address = self._acceptor.address
        self.route = self._turns.route

    def stop(self) -> None:
        """Accept no more. Connections stay."""
        self._acceptor.stop()

    async def close(self) -> None:
        """Stop, and give up on connections that are still being set up."""
        await self._acceptor.close()

    async def _serve(self, client: socket.socket, address: str) -> None:
        tried: set[Endpoint] = set()
        try:
            while (endpoint := self._turns.choose(address, tried, self._loop.time())) is not None:
                tried.add(endpoint)
                try:
                    server = await connect(*endpoint)
                except OSError:
                    continue
                self._turns.connected(address, endpoint, self._loop.time())
                Link(client, server, self._links)
                return
        except asyncio.CancelledError:
            reset(client)
            raise
        reset(client)


def _socket(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setblocking(False)
    return sock


def _listening(host: str, port: int) -> socket.socket:
    sock = _socket(host)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock
