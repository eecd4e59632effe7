"""What a Service port costs: a small server asked directly and through the warden's proxy, each in its own process.

`python -m benchmarks.proxy [REQUESTS]`
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from canarium.nodes.warden.dataplane import DataPlane

REQUEST = b"GET /version HTTP/1.1\r\nHost: echo-server\r\nUser-Agent: benchmark\r\nAccept: */*\r\n\r\n"
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"version": "6.9.3"}'
LENGTH = 256 * 1024 * 1024


class _Server(asyncio.Protocol):
    """Answers each request, which arrives in one piece; drinks all that comes after a line that says so."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._left = 0

    def data_received(self, data: bytes) -> None:
        if self._left or data.startswith(b"drink"):
            self._left = (self._left or LENGTH) - len(data)
            if not self._left:
                self._transport.write(b"done")
        else:
            self._transport.write(ANSWER)


class _Client(asyncio.Protocol):
    """Asks again as soon as it was answered, until nobody wants more."""

    def __init__(self, is_enough: Callable[[], bool], took: list[float]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_enough = is_enough
        self._took = took

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        assert data == ANSWER, data
        self._took.append(time.perf_counter() - self._asked)
        if self._is_enough():
            self._transport.close()
            self.done.set_result(None)
        else:
            self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(REQUEST)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _forward(port: int) -> None:
    plane = DataPlane(lambda _: 0.0)
    bound = await plane.handle({"op": "listen", "id": 1, "listener": "echo", "host": "127.0.0.1", "port": 0})
    assert bound is not None
    await plane.handle({"op": "route", "listener": "echo", "endpoints": [["127.0.0.1", port]]})
    print(bound["port"], flush=True)
    await asyncio.get_running_loop().create_future()


async def _keep_alive(port: int, clients: int, requests: int) -> tuple[float, float, float]:
    """(requests/s, median ms, ms of the 99th percentile)"""
    took: list[float] = []
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda: _Client(lambda: len(took) >= requests, took), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.done for _, client in pairs))
    seconds = time.perf_counter() - began
    took.sort()
    return len(took) / seconds, statistics.median(took) * 1000, took[len(took) * 99 // 100] * 1000


async def _connections(port: int, count: int) -> tuple[float, float, float]:
    """The same with a connection for every request."""
    took: list[float] = []
    began = time.perf_counter()
    for _ in range(count):
        started = time.perf_counter()
        _, client = await asyncio.get_running_loop().create_connection(
            partial(_Client, lambda: True, []), "127.0.0.1", port
        )
        await client.done
        took.append(time.perf_counter() - started)
    seconds = time.perf_counter() - began
    took.sort()
    return count / seconds, statistics.median(took) * 1000, took[len(took) * 99 // 100] * 1000


async def _stream(port: int) -> float:
    """MB/s of one upload."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    writer.write(b"drink")
    piece = bytes(256 * 1024)
    left = LENGTH - len(b"drink")
    while left:
        writer.write(piece[:left])
        left -= min(left, len(piece))
        await writer.drain()
    assert await reader.readexactly(4) == b"done"
    writer.close()
    return LENGTH / 1e6 / (time.perf_counter() - began)


def _started(*arguments: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.proxy", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def main(requests: int) -> None:
    """Measure and print."""
    server, direct = _started("serve")
    proxy, through = _started("forward", str(direct))
    doors = (("direct", direct), ("through the proxy", through))
    try:
        for clients in (1, 8):
            for what, port in doors:
                asyncio.run(_keep_alive(port, clients, requests // 10))  # warms both
                rate, middle, slow = asyncio.run(_keep_alive(port, clients, requests))
                print(f"{clients} kept alive, {what:18} {rate:8.0f}/s   median {middle:6.3f} ms   99 % {slow:6.3f} ms")
        for what, port in doors:
            rate, middle, slow = asyncio.run(_connections(port, requests // 10))
            print(f"connection each, {what:16} {rate:8.0f}/s   median {middle:6.3f} ms   99 % {slow:6.3f} ms")
        for what, port in doors:
            print(f"one upload, {what:17}    {asyncio.run(_stream(port)):8.0f} MB/s")
    finally:
        for process in (proxy, server):
            process.kill()
            process.communicate()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            asyncio.run(_serve())
        case ["forward", port]:
            asyncio.run(_forward(int(port)))
        case arguments:
            main(int(arguments[0]) if arguments else 20_000)
