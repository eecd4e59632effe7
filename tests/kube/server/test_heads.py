"""What comes before the body of a request: bounded; and WebSockets where nobody takes them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import pytest

from canarium.kube.server.serving import MAX_HEAD_BYTES, Serving, bind

AGAIN = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """An application that knows nothing but HTTP."""
    assert scope["type"] == "http"
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    answer = b"%d headers" % len(scope["headers"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the application is served, for the whole module."""
    bound = bind("127.0.0.1", 0, flag="--port")
    ready, ask_to_stop = Event(), []

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        ask_to_stop.append(lambda: loop.call_soon_threadsafe(stop.set))
        serving = Serving(hello, bound, websockets=False)
        await serving.start()
        ready.set()
        await stop.wait()
        await serving.stop()

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield bound.getsockname()[1]
    ask_to_stop[0]()
    thread.join(10)


def ask(port: int, *parts: bytes) -> bytes:
    """Everything that the server says to these bytes until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        said = b""
        with suppress(ConnectionError):
            while more := connection.recv(65536):
                said += more
    return said


HUGE = b"x" * 65536
TIMES = 30 * 1024 * 1024 // len(HUGE)


@pytest.mark.parametrize(
    "parts",
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: ", *[HUGE] * TIMES),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", *[b"X-Many: " + HUGE[:1000] + b"\r\n"] * 30_000),
        (b"GET /", *[HUGE] * TIMES),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * (MAX_HEAD_BYTES // 2 + 1) + b"\r\n",),
        (UPGRADE[:-2] + b"X: " + HUGE * 20 + b"\r\n\r\n",),
    ],
    ids=["one header", "many headers", "a path", "tiny headers", "a WebSocket's"],
)
def test_a_head_that_is_too_large_is_refused(port: int, parts: tuple[bytes, ...]) -> None:
    assert ask(port, *parts).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert ask(port, AGAIN).startswith(b"HTTP/1.1 200")


def test_a_head_within_the_bound_a_large_body_and_requests_in_a_row_are_answered(port: int) -> None:
    large = b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + HUGE * 15 + b"\r\n\r\n"
    body = HUGE * 64
    posted = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    said = ask(port, large + posted + large + AGAIN)

    assert said.count(b"HTTP/1.1 200") == 4
    assert b"2 headers" in said


def test_a_websocket_is_refused_where_nobody_takes_it(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        said = ask(port, UPGRADE)

    assert said.startswith(b"HTTP/1.1 403")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert ask(port, AGAIN).startswith(b"HTTP/1.1 200")
