"""HTTP/1.1 over a byte connection, as a client on the other end sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from canarium.clock import VirtualClock, run_virtual
from canarium.nodes.bytestream import PIPE_BYTES, Connection, ConnectionLost, connect_app, memory_pair
from canarium.nodes.program import AsgiApp, Receive, Scope, Send

T = TypeVar("T")


def run(main: Callable[[VirtualClock], Awaitable[T]]) -> T:
    async def inner(clock: VirtualClock) -> T:
        return await main(clock)

    return run_virtual(inner)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{scope['method']} {scope['path']} ".encode() + body})


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(3):
        await send({"type": "http.response.body", "body": f"{number}\n".encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("a program's fault")


async def breaks_halfway(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"some", "more_body": True})
    raise ValueError("a program's fault")


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def everything(connection: Connection) -> bytes:
    got = b""
    while data := await connection.read():
        got += data
    return got


def talk(app: AsgiApp, said: bytes) -> bytes:
    async def main(clock: VirtualClock) -> bytes:
        connection = connect_app(app)
        await connection.write(said)
        connection.write_eof()
        return await everything(connection)

    return run(main)


def test_a_request_is_answered_with_its_length_and_the_connection_is_kept_until_the_client_is_done() -> None:
    got = talk(echo, b"GET /a%20b?q=1 HTTP/1.1\r\nHost: p\r\n\r\n")

    assert got == b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nGET /a b "


def test_pipelined_requests_are_answered_in_order() -> None:
    got = talk(echo, b"".join(b"GET /%d HTTP/1.1\r\nHost: p\r\n\r\n" % number for number in range(5)))

    assert [part.partition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"GET /%d " % number for number in range(5)
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Content-Length: 5\r\n\r\nhello", id="content-length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", id="chunked"),
    ],
)
def test_a_body_comes_through_and_the_next_request_after_it(body: bytes) -> None:
    got = talk(echo, b"POST /x HTTP/1.1\r\nHost: p\r\n" + body + b"GET /y HTTP/1.1\r\nHost: p\r\n\r\n")

    assert b"POST /x hello" in got
    assert got.endswith(b"GET /y ")


def test_an_answer_in_pieces_is_chunked_and_to_an_old_client_ends_with_the_connection() -> None:
    new = talk(streaming, b"GET / HTTP/1.1\r\nHost: p\r\n\r\n")
    old = talk(streaming, b"GET / HTTP/1.0\r\n\r\n")

    assert new.lower().startswith(b"http/1.1 200 ok\r\ntransfer-encoding: chunked\r\n")
    assert new.endswith(b"2\r\n0\n\r\n2\r\n1\n\r\n2\r\n2\n\r\n0\r\n\r\n")
    assert old.endswith(b"\r\n\r\n0\n1\n2\n")


def test_a_head_request_gets_the_head_of_the_answer_only() -> None:
    got = talk(echo, b"HEAD / HTTP/1.1\r\nHost: p\r\n\r\nGET / HTTP/1.1\r\nHost: p\r\n\r\n")

    assert got.startswith(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_connection_close_is_heeded() -> None:
    got = talk(echo, b"GET / HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: p\r\n\r\n")

    assert got.count(b"200 OK") == 1
    assert b"connection: close" in got.lower()


@pytest.mark.parametrize("app", [broken, silent])
def test_a_program_that_fails_or_says_nothing_is_a_500(app: AsgiApp) -> None:
    assert talk(app, b"GET / HTTP/1.1\r\nHost: p\r\n\r\n").startswith(b"HTTP/1.1 500 Internal Server Error\r\n")


def test_a_program_that_fails_halfway_cuts_its_answer_short() -> None:
    got = talk(breaks_halfway, b"GET / HTTP/1.1\r\nHost: p\r\n\r\n")

    assert got.endswith(b"4\r\nsome\r\n")  # the last chunk never comes


@pytest.mark.parametrize("said", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_is_a_400(said: bytes) -> None:
    got = talk(echo, said)

    assert got.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert got.endswith(b"400 Bad Request")


def test_a_client_that_asks_first_is_told_to_continue() -> None:
    async def main(clock: VirtualClock) -> bytes:
        connection = connect_app(echo)
        await connection.write(b"PUT / HTTP/1.1\r\nHost: p\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        first = await connection.read()
        await connection.write(b"ok")
        connection.write_eof()
        return first + b"|" + await everything(connection)

    got = run(main)

    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\n|HTTP/1.1 200 OK")
    assert got.endswith(b"PUT / ok")


def test_a_body_that_nobody_read_does_not_become_the_next_request() -> None:
    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    body = b"GET /smuggled HTTP/1.1\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: p\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert talk(deaf, (head + body) * 2).count(b"HTTP/1.1 204 No Content") == 2


def test_closing_cancels_what_the_application_does() -> None:
    told: list[str] = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
            await receive()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def main(clock: VirtualClock) -> None:
        connection = connect_app(slow)
        await connection.write(b"GET / HTTP/1.1\r\nHost: p\r\n\r\n")
        await clock.sleep(1)
        connection.close()
        connection.close()
        await clock.sleep(0)
        with pytest.raises(ConnectionLost):
            await connection.write(b"x")

    run(main)

    assert told == ["cancelled"]


def test_an_assertion_of_ours_reaches_whoever_reads() -> None:
    async def ours(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("a fault of canarium")

    with pytest.raises(AssertionError, match="a fault of canarium"):
        talk(ours, b"GET / HTTP/1.1\r\nHost: p\r\n\r\n")


def test_a_slow_reader_holds_the_writer_up_and_nothing_is_lost() -> None:
    async def main(clock: VirtualClock) -> tuple[bool, bytes]:
        ours, theirs = memory_pair()
        data = bytes(range(256)) * 1024
        writing = asyncio.create_task(ours.write(data))
        await clock.sleep(1)
        is_held = not writing.done()
        first = await theirs.read()
        assert len(first) == PIPE_BYTES
        got = first
        while len(got) < len(data):
            got += await theirs.read()
        await writing
        return is_held, got

    is_held, got = run(main)

    assert is_held
    assert got == bytes(range(256)) * 1024


def test_half_closing_ends_one_direction_only() -> None:
    async def main(clock: VirtualClock) -> Any:
        ours, theirs = memory_pair()
        await ours.write(b"last words")
        ours.write_eof()
        got = await theirs.read(), await theirs.read()
        await theirs.write(b"answer")
        return *got, await ours.read()

    assert run(main) == (b"last words", b"", b"answer")
