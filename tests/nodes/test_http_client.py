"""One request over a real socket: answers, and Go's words where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from canarium.nodes import http_client
from canarium.nodes.http_client import connect, exchange
from canarium.nodes.loopback import free_port
from canarium.nodes.network import HttpResponse, Unanswered

T = TypeVar("T")
HOST = "127.0.0.1"
SHOWN = "10.244.1.3:9898"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(main: Awaitable[T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(bounded())


async def ask(serve: Serve, **options: Any) -> HttpResponse:
    """Ask a server that serves one connection so."""
    done = asyncio.Event()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await serve(reader, writer)
        writer.close()
        done.set()

    server = await asyncio.start_server(one, HOST, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        options = {"method": "GET", "target": "/", "authority": "web", "headers": {}, **options}
        try:
            return await exchange(HOST, port, shown=SHOWN, **options)
        finally:
            await done.wait()


def says(answer: bytes) -> Serve:
    """Answers so once it has seen a request's head."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return serve


def problem(serve: Serve, **options: Any) -> str:
    with pytest.raises(Unanswered) as refused:
        run(ask(serve, **options))
    return str(refused.value)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", id="length"),
        pytest.param(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 404, b"", id="not found is an answer"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", id="no body"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nto the end", 200, b"to the end", id="until it closes"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n ho\r\n0\r\n\r\n", 200, b"hi ho",
            id="chunks",
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!", 200, b"!", id="after a 100"
        ),
        pytest.param(b"HTTP/1.1 301 There\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 301, b"", id="no redirects"),
    ],
)  # fmt: skip
def test_an_answer_is_read_however_its_end_is_told(answer: bytes, status: int, body: bytes) -> None:
    found = run(ask(says(answer)))

    assert (found.status, found.body) == (status, body)


def test_a_request_carries_its_head_and_body() -> None:
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readuntil(b"\r\n\r\n"))
        heard.extend(await reader.readexactly(5))
        writer.write(b"HTTP/1.1 200 OK\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n")

    found = run(ask(serve, method="POST", target="/a?b=c", authority="web.shop", headers={"X-One": "1"}, body=b"hello"))

    head, _, body = bytes(heard).partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /a?b=c http/1.1"
    assert set(lines[1:]) == {"host: web.shop", "x-one: 1", "connection: close", "content-length: 5"}
    assert body == b"hello"
    assert found.headers["x-two"] == "2"


def test_a_post_without_a_body_says_so() -> None:
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    run(ask(serve, method="POST"))

    assert b"content-length: 0\r\n" in bytes(heard).lower()


def test_a_port_that_nobody_opens_refuses() -> None:
    async def main() -> None:
        await exchange(HOST, free_port(), shown=SHOWN, method="GET", target="/", authority="web", headers={})

    with pytest.raises(Unanswered) as refused:
        run(main())
    assert str(refused.value) == f"dial tcp {SHOWN}: connect: connection refused"


def test_a_name_that_does_not_resolve_is_no_such_host() -> None:
    async def main() -> None:
        await connect("no-such-host.invalid", 80, shown="no-such-host.invalid:80")

    with pytest.raises(Unanswered, match=r"^dial tcp: lookup no-such-host\.invalid: no such host$"):
        run(main())


def test_a_server_that_hangs_up_is_an_end_of_file() -> None:
    assert problem(says(b"")) == "EOF"


def test_a_reset_is_told_as_one() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        writer.transport.abort()

    assert problem(serve) == f"read tcp {SHOWN}: read: connection reset by peer"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="another protocol"),
        pytest.param(b"\x00\xff" * 200 + b"\r\n\r\n", id="no text"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi", id="cut short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="cut in its head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n", id="no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", id="no chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (300 << 10), id="endless head"),
    ],
)
def test_garbage_is_told_as_a_broken_connection(answer: bytes) -> None:
    assert problem(says(answer)).startswith("net/http: HTTP/1.x transport connection broken: ")


def test_a_request_that_cannot_be_written_is_not_sent() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    assert problem(serve, headers={"x": "a\r\nb: c"}).startswith("net/http: invalid request: ")


def test_a_large_answer_is_read_and_one_beyond_measure_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"x" * (3 << 20)
    answer = says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    assert run(ask(answer)).body == body

    monkeypatch.setattr(http_client, "MAX_BODY_BYTES", 1 << 20)
    assert problem(answer) == "the answer is longer than 1048576 bytes"


def test_a_large_request_is_sent_to_a_server_that_reads_slowly() -> None:
    body = b"x" * (3 << 20)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        size = 0
        while size < len(body):
            size += len(await reader.read(4096))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n%d" % size)

    assert run(ask(serve, method="POST", body=body)).body == b"3145728"


def test_a_server_without_tls_is_told_so() -> None:
    context = ssl.create_default_context()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    assert problem(serve, tls=context, server_name="web").startswith("tls: ")
