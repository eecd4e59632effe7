"""The warden's network side, by real sockets on loopback: streams through Service ports, probes, the forward proxy."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from canarium.nodes.warden.dataplane import DataPlane
from canarium.nodes.warden.http_proxy import Names, ProxyProblem
from canarium.nodes.warden.tcp_proxy import Turns, bind

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HOST = "127.0.0.1"
SECONDS = 20.0
SHOWN = "10.244.1.3:9898"


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await main()

    asyncio.run(bounded())


@contextlib.asynccontextmanager
async def plane(lag: float = 0.0) -> AsyncIterator[DataPlane]:
    it = DataPlane(lambda _since: lag)
    try:
        yield it
    finally:
        await it.close()


@contextlib.asynccontextmanager
async def server(serve: Serve, **options: Any) -> AsyncIterator[int]:
    """A server of ours; its port."""
    tasks: set[asyncio.Task[Any]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        tasks.discard(task)

    listening = await asyncio.start_server(one, HOST, 0, **options)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def says(text: bytes) -> Serve:
    """Tells every line's sender who it is."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            writer.write(text + b"\n")
            await writer.drain()

    return serve


def answers(raw: bytes, heard: list[bytes] | None = None) -> Serve:
    """Answers one HTTP request with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(head)
        writer.write(raw)
        await writer.drain()

    return serve


def answer(status: str, body: bytes = b"ok", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def nobody() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


async def listen(it: DataPlane, *ports: int, affinity_seconds: int = 0) -> int:
    bound = await it.handle({"op": "listen", "id": 1, "listener": "web", "host": HOST, "port": 0, "fallback": False})
    assert bound is not None
    await route(it, *ports, affinity_seconds=affinity_seconds)
    assert bound["host"] == HOST
    port: int = bound["port"]
    return port


async def route(it: DataPlane, *ports: int, affinity_seconds: int = 0) -> None:
    endpoints = [[HOST, port] for port in ports]
    message = {"op": "route", "listener": "web", "endpoints": endpoints, "affinity_seconds": affinity_seconds}
    assert await it.handle(message) is None


async def ask(port: int, source: str | None = None) -> bytes:
    local = (source, 0) if source else None
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=local)
    writer.write(b"who?\n")
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line.strip()


# Service ports


def test_a_half_closed_stream_still_carries_the_answer() -> None:
    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{len(await reader.read())}".encode())

    async def main() -> None:
        async with plane() as it, server(counting) as port:
            reader, writer = await asyncio.open_connection(HOST, await listen(it, port))
            writer.write(b"x" * 12345)
            writer.write_eof()

            assert await reader.read() == b"12345"
            writer.close()

    run(main)


def test_ten_megabytes_go_both_ways_at_once_and_arrive_unchanged() -> None:
    sent = bytes(range(256)) * 40 * 1024

    async def main() -> None:
        async with plane() as it, server(echo) as port:
            reader, writer = await asyncio.open_connection(HOST, await listen(it, port))

            async def send() -> None:
                writer.write(sent)
                await writer.drain()
                writer.write_eof()

            received, _ = await asyncio.gather(reader.read(), send())

            assert received == sent
            writer.close()

    run(main)


def test_a_client_that_does_not_read_holds_up_the_server_and_nothing_is_piled_up() -> None:
    async def main() -> None:
        is_full, goes_on = asyncio.Event(), asyncio.Event()

        async def pouring(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.set_write_buffer_limits(high=0)
            poured = 0
            while poured < 64 * 1024 * 1024:
                writer.write(b"x" * 65536)
                poured += 65536
                draining = asyncio.ensure_future(writer.drain())
                done, _pending = await asyncio.wait({draining}, timeout=0.3)
                if not done:
                    is_full.set()
                    await goes_on.wait()
                await draining

        async with plane() as it, server(pouring) as port:
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                client.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(client, (HOST, await listen(it, port)))
                await is_full.wait()
                goes_on.set()
                received = 0
                while piece := await loop.sock_recv(client, 1 << 20):
                    received += len(piece)
                assert received == 64 * 1024 * 1024

    run(main)


def test_connections_go_to_the_endpoints_in_turn() -> None:
    async def main() -> None:
        async with plane() as it, server(says(b"a")) as a, server(says(b"b")) as b, server(says(b"c")) as c:
            port = await listen(it, a, b, c)

            assert [await ask(port) for _ in range(6)] == [b"a", b"b", b"c", b"a", b"b", b"c"]

    run(main)


def test_a_connection_outlives_the_removal_of_its_endpoint() -> None:
    async def main() -> None:
        async with plane() as it, server(says(b"stable")) as stable, server(says(b"canary")) as canary:
            port = await listen(it, stable)
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"who?\n")
            assert await reader.readline() == b"stable\n"

            await route(it, canary)

            assert await ask(port) == b"canary"
            writer.write(b"and now?\n")
            assert await reader.readline() == b"stable\n"
            await it.handle({"op": "unlisten", "listener": "web"})
            writer.write(b"and now?\n")
            assert await reader.readline() == b"stable\n"
            writer.close()

    run(main)


def test_a_service_without_endpoints_resets_its_clients() -> None:
    async def main() -> None:
        async with plane() as it:
            port = await listen(it)

            with pytest.raises(ConnectionResetError):
                await ask(port)

    run(main)


def test_a_dead_endpoint_is_passed_over_and_the_others_share_evenly() -> None:
    async def main() -> None:
        async with plane() as it, server(says(b"a")) as a, server(says(b"b")) as b:
            port = await listen(it, nobody(), a, b)

            assert sorted([await ask(port) for _ in range(8)]) == [b"a"] * 4 + [b"b"] * 4

    run(main)


def test_a_client_is_reset_when_every_endpoint_refuses() -> None:
    async def main() -> None:
        async with plane() as it:
            port = await listen(it, nobody(), nobody())

            with pytest.raises(ConnectionResetError):
                await ask(port)

    run(main)


def test_a_reset_by_the_server_reaches_the_client() -> None:
    async def main() -> None:
        async with plane() as it, server(resetting) as port:
            reader, writer = await asyncio.open_connection(HOST, await listen(it, port))
            writer.write(b"GET / HTTP/1.1\r\n\r\n")

            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()

    run(main)


def test_with_affinity_a_client_stays_where_it_was_until_that_endpoint_goes() -> None:
    async def main() -> None:
        async with plane() as it, server(says(b"a")) as a, server(says(b"b")) as b:
            port = await listen(it, a, b, affinity_seconds=10800)
            assert [await ask(port) for _ in range(4)] == [b"a"] * 4

            await route(it, b, affinity_seconds=10800)
            assert [await ask(port) for _ in range(2)] == [b"b"] * 2
            await route(it, a, b, affinity_seconds=10800)
            assert [await ask(port) for _ in range(2)] == [b"b"] * 2

            await route(it, a, b)
            assert {await ask(port) for _ in range(2)} == {b"a", b"b"}

    run(main)


@pytest.mark.skipif(not Path("/proc").exists(), reason="127.0.0.2 exists on Linux only")
def test_affinity_tells_clients_apart_by_their_address() -> None:
    async def main() -> None:
        async with plane() as it, server(says(b"a")) as a, server(says(b"b")) as b:
            port = await listen(it, a, b, affinity_seconds=10)

            assert [await ask(port, f"127.0.0.{n}") for n in (2, 3, 2, 3)] == [b"a", b"b", b"a", b"b"]

    run(main)


def test_affinity_ends_a_while_after_the_last_connection() -> None:
    a, b = (HOST, 1), (HOST, 2)
    turns = Turns()
    turns.route([a, b], affinity_seconds=100)
    turns.connected("client", a, now=0)
    turns.connected("client", a, now=90)

    assert turns.choose("client", set(), now=180) == a
    assert [turns.choose("client", set(), now=200) for _ in range(2)] == [a, b]


def test_what_is_remembered_of_clients_is_bounded_by_those_whose_affinity_lasts() -> None:
    turns = Turns()
    turns.route([(HOST, 1), (HOST, 2)], affinity_seconds=10)
    for number in range(100_000):
        turns.connected(f"client {number}", (HOST, 2), now=number)

    assert turns.choose("client 99999", set(), now=100_000) == (HOST, 2)
    assert len(turns._last) <= 1024


def test_a_route_may_come_before_its_port_and_outlives_its_move() -> None:
    async def main() -> None:
        async with plane() as it, server(says(b"a")) as a:
            await route(it, a)
            message = {"op": "listen", "id": 1, "listener": "web", "host": HOST, "port": 0}
            first = await it.handle(message)
            assert first is not None
            assert await ask(first["port"]) == b"a"

            second = await it.handle(message)

            assert second is not None
            assert await ask(second["port"]) == b"a"
            if second["port"] != first["port"]:
                with pytest.raises(ConnectionRefusedError):
                    await ask(first["port"])

    run(main)


def test_a_taken_port_is_an_error_or_with_fallback_another_port() -> None:
    async def main() -> None:
        async with plane() as it, server(echo) as taken:
            message = {"op": "listen", "id": 1, "listener": "web", "host": HOST, "port": taken, "fallback": False}
            problem = f"listen tcp {HOST}:{taken}: bind: address already in use"
            assert await it.handle(message) == {"error": problem}

            bound = await it.handle({**message, "fallback": True})

            assert bound is not None
            assert bound["host"] == HOST
            assert bound["port"] != taken

    run(main)


def test_an_address_that_does_not_exist_falls_back_to_loopback() -> None:
    with pytest.raises(OSError) as problem:
        bind("203.0.113.7", 80, fallback=False).close()
    assert problem.value.errno in {errno.EADDRNOTAVAIL, errno.EACCES}

    with bind("203.0.113.7", 80, fallback=True) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


def test_closing_breaks_connections_off_and_leaves_nothing_listening() -> None:
    async def main() -> None:
        async with plane() as it, server(echo) as port:
            listening = await listen(it, port)
            reader, writer = await asyncio.open_connection(HOST, listening)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"

            await it.close()

            with pytest.raises(ConnectionResetError):
                await reader.read()
            with pytest.raises(ConnectionRefusedError):
                await ask(listening)
            writer.close()

    run(main)


# Probes


async def probed(port: int, *, lag: float = 0.0, kind: str = "http", timeout: float = 10.0, **more: Any) -> Any:
    async with plane(lag) as it:
        message = {"op": "probe", "id": 7, "kind": kind, "host": HOST, "port": port, "shown": SHOWN}
        return await it.handle({**message, "scheme": "http", "path": "/", "headers": [], "timeout": timeout, **more})


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (answer("200 OK"), 200),
        (answer("503 Service Unavailable"), 503),
        (answer("302 Found", headers="Location: /elsewhere\r\n"), 302),
        (b"HTTP/1.1 204\r\n\r\n", 204),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer("200 OK"), 200),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 20000, 200),
    ],
)
def test_an_http_probe_tells_the_status(raw: bytes, status: int) -> None:
    async def main() -> None:
        async with server(answers(raw)) as port:
            assert await probed(port) == {"status": status}

    run(main)


def test_an_http_probe_does_not_wait_for_the_connection_to_be_closed() -> None:
    async def main() -> None:
        for raw in (answer("200 OK"), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"):

            async def keeping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes = raw) -> None:
                await answers(raw)(reader, writer)
                await reader.read()

            async with server(keeping) as port:
                assert await probed(port) == {"status": 200}

    run(main)


def test_an_http_probe_asks_as_the_kubelet_asks() -> None:
    heard: list[bytes] = []

    async def main() -> None:
        async with server(answers(answer("200 OK"), heard)) as port:
            await probed(port, path="/healthz?deep=ja nein")
            await probed(port, path="readyz", headers=[["Host", "shop.example"], ["User-Agent", "me"], ["X-A", "1"]])

    run(main)
    assert heard[0].decode().split("\r\n") == [
        "GET /healthz?deep=ja%20nein HTTP/1.1",
        f"Host: {SHOWN}",
        "User-Agent: kube-probe/1.34",
        "Accept: */*",
        "Connection: close",
        "",
        "",
    ]
    lines = heard[1].decode().split("\r\n")
    assert lines[:2] == ["GET /readyz HTTP/1.1", "Host: shop.example"]
    assert {"User-Agent: me", "X-A: 1", "Accept: */*"} < set(lines)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "EOF"),
        (b"HTTP/1.1 200", "unexpected EOF"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "unexpected EOF"),
        (
            b"220 mail ready\r\n",
            'net/http: HTTP/1.x transport connection broken: malformed HTTP response "220 mail ready"',
        ),
        (
            b"HTTP/1.1 ok\r\n\r\n",
            'net/http: HTTP/1.x transport connection broken: malformed HTTP status code "ok"',
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
            "net/http: server response headers exceeded 65536 bytes; aborted",
        ),
    ],
)
def test_an_http_probe_words_a_broken_answer_as_go_does(raw: bytes, problem: str) -> None:
    async def main() -> None:
        async with server(answers(raw)) as port:
            assert await probed(port) == {"problem": problem}

    run(main)


def test_a_refused_probe_shows_the_address_of_the_pod() -> None:
    async def main() -> None:
        told = {"problem": f"dial tcp {SHOWN}: connect: connection refused"}
        assert await probed(nobody()) == told
        assert await probed(nobody(), kind="tcp") == told

    run(main)


def test_a_connection_that_is_reset_is_told_with_both_ends() -> None:
    async def main() -> None:
        async with server(resetting) as port:
            problem = (await probed(port))["problem"]
            assert problem.startswith("read tcp 127.0.0.1:")
            assert problem.endswith(f"->{SHOWN}: read: connection reset by peer")

    run(main)


def test_a_probe_times_out_as_a_whole() -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nand then nothing more comes")
        await reader.read(65536)
        await reader.read()

    async def main() -> None:
        for serve in (never, dripping):
            async with server(serve) as port:
                assert await probed(port, timeout=0.05) == {"timeout": True}

    run(main)


def test_a_tcp_probe_succeeds_once_it_is_accepted() -> None:
    async def main() -> None:
        async with server(never) as port:
            assert await probed(port, kind="tcp") == {}

    run(main)


def test_a_failure_while_this_process_was_held_up_is_void_and_a_success_is_not() -> None:
    async def main() -> None:
        assert await probed(nobody(), lag=0.3) == {"void": True}
        assert await probed(nobody(), kind="tcp", lag=0.3) == {"void": True}
        assert "problem" in await probed(nobody(), lag=0.2)
        async with server(never) as port:
            assert await probed(port, timeout=0.05, lag=1.0) == {"void": True}
        async with server(answers(answer("500 Oops"))) as port:
            assert await probed(port, lag=1.0) == {"status": 500}

    run(main)


def test_a_header_cannot_smuggle_in_another() -> None:
    async def main() -> None:
        for headers in ([["X-A", "1\r\nX-B: 2"]], [["X-A: 1\r\nX-B", "2"]]):
            assert (await probed(nobody(), headers=headers))["problem"].startswith("net/http: invalid header field ")

    run(main)


def test_an_https_probe_asks_no_certificate_to_be_trusted(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    at = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, at, at + timedelta(days=1))
    file = tmp_path / "both.pem"
    encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    file.write_bytes(key.private_bytes(*encodings) + pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    async def main() -> None:
        async with server(answers(answer("200 OK")), ssl=context) as port:
            assert await probed(port, scheme="HTTPS") == {"status": 200}
        async with server(says(b"HTTP/1.1 400 Bad Request")) as port:
            told = {"problem": "http: server gave HTTP response to HTTPS client"}
            assert await probed(port, scheme="https") == told

    run(main)


# The forward proxy

SECRET_OF_SHOP = base64.b64encode(b"shop:anything").decode()


def names(port: int) -> dict[str, Any]:
    real = [HOST, port]
    return {
        "op": "names",
        "services": {"shop/web": {"80": real}, "default/front": {"8080": real}},
        "addresses": {"10.96.3.4": {"80": real}, "10.244.1.3": HOST},
    }


async def proxy(it: DataPlane, table: dict[str, Any]) -> int:
    bound = await it.handle({"op": "proxy", "id": 1, "host": HOST, "port": 0})
    assert bound is not None
    assert await it.handle(table) is None
    port: int = bound["port"]
    return port


async def through(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(request)
    received = await reader.read()
    writer.close()
    return received


def get(url: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {url} HTTP/1.1", "Host: as-the-client-says", *headers, "", ""]).encode()


def test_the_proxy_passes_a_request_on_in_origin_form_and_once_only() -> None:
    heard: list[bytes] = []

    async def main() -> None:
        async with plane() as it, server(answers(answer("200 OK", b"hello"), heard)) as port:
            at = await proxy(it, names(port))
            headers = [f"Proxy-Authorization: Basic {SECRET_OF_SHOP}", "Proxy-Connection: Keep-Alive", "X-A: 1"]

            received = await through(at, get("http://web/api?x=1", *headers, "Connection: keep-alive"))

            assert received == answer("200 OK", b"hello")

    run(main)
    expected = ["GET /api?x=1 HTTP/1.1", "Host: as-the-client-says", "X-A: 1", "Connection: close", "", ""]
    assert heard[0].decode().split("\r\n") == expected


@pytest.mark.parametrize(
    "authority",
    [
        "web.shop",
        "web.shop.svc",
        "web.shop.svc.cluster.local",
        "WEB.shop.svc.cluster.local.:80",
        "front:8080",
        "10.96.3.4",
        "10.244.1.3:{port}",
    ],
)
def test_the_proxy_knows_the_names_and_addresses_of_the_cluster(authority: str) -> None:
    async def main() -> None:
        async with plane() as it, server(answers(answer("200 OK"))) as port:
            at = await proxy(it, names(port))

            received = await through(at, get(f"http://{authority.format(port=port)}/"))

            assert received.startswith(b"HTTP/1.1 200 OK")

    run(main)


@pytest.mark.parametrize(
    ("authority", "problem"),
    [
        ("web", "dial tcp: lookup web on 10.96.0.10:53: no such host"),  # of the namespace default
        ("nothing.shop", "dial tcp: lookup nothing.shop on 10.96.0.10:53: no such host"),
        ("web.other.svc", "dial tcp: lookup web.other.svc on 10.96.0.10:53: no such host"),
        ("web.cluster.local", "dial tcp: lookup web.cluster.local on 10.96.0.10:53: no such host"),
        ("10.244.9.9", "dial tcp 10.244.9.9:80: connect: no route to host"),
        ("web.shop:81", "dial tcp web.shop:81: connect: connection refused"),
    ],
)
def test_what_the_cluster_has_not_is_a_bad_gateway(authority: str, problem: str) -> None:
    async def main() -> None:
        async with plane() as it:
            at = await proxy(it, names(nobody()))

            received = await through(at, get(f"http://{authority}/"))

            head, _, body = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert body.decode() == f"{problem}\n"

    run(main)


def test_the_proxy_reaches_the_world_outside_too() -> None:
    async def main() -> None:
        async with plane() as it, server(answers(answer("200 OK"))) as port:
            at = await proxy(it, {"op": "names", "services": {}, "addresses": {}})

            assert (await through(at, get(f"http://localhost:{port}/"))).startswith(b"HTTP/1.1 200 OK")
            refused = await through(at, get(f"http://{HOST}:{nobody()}/"))
            assert refused.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert b"connect: connection refused" in refused

    run(main)


def test_connect_opens_a_tunnel_that_takes_any_bytes() -> None:
    async def main() -> None:
        async with plane() as it, server(echo) as port:
            at = await proxy(it, names(port))
            reader, writer = await asyncio.open_connection(HOST, at)
            head = f"CONNECT web:80 HTTP/1.1\r\nProxy-Authorization: Basic {SECRET_OF_SHOP}\r\n\r\n"

            writer.write(head.encode() + b"early")

            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
            assert await reader.readexactly(5) == b"early"
            writer.write(b"\0late")
            assert await reader.readexactly(5) == b"\0late"
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()

    run(main)


def test_an_upgrade_passes_the_proxy_as_it_is() -> None:
    heard: list[bytes] = []

    async def upgrading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answers(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", heard)(reader, writer)
        await echo(reader, writer)

    async def main() -> None:
        async with plane() as it, server(upgrading) as port:
            reader, writer = await asyncio.open_connection(HOST, await proxy(it, names(port)))
            writer.write(get("http://web.shop/ws", "Connection: Upgrade", "Upgrade: websocket"))
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"frame")
            assert await reader.readexactly(5) == b"frame"
            writer.close()

    run(main)
    assert b"Connection: Upgrade\r\n" in heard[0]
    assert b"close" not in heard[0]


def test_a_body_is_passed_on() -> None:
    async def main() -> None:
        async with plane() as it, server(echo) as port:
            at = await proxy(it, names(port))
            reader, writer = await asyncio.open_connection(HOST, at)
            writer.write(b"POST http://web.shop/ HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n")
            writer.write(b"x" * 2_000_000)
            writer.write_eof()

            received = await reader.read()

            head, _, body = received.partition(b"\r\n\r\n")
            assert b"\r\nHost: web.shop\r\n" in head
            assert body == b"x" * 2_000_000
            writer.close()

    run(main)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: web\r\n\r\n", b"400"),
        (b"GET https://web/ HTTP/1.1\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"CONNECT web HTTP/1.1\r\n\r\n", b"400"),
        (b"CONNECT web:99999 HTTP/1.1\r\n\r\n", b"400"),
        (b"GET http://web/ HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
    ],
)
def test_the_proxy_refuses_what_it_does_not_understand(request_: bytes, status: bytes) -> None:
    async def main() -> None:
        async with plane() as it:
            at = await proxy(it, names(nobody()))

            assert (await through(at, request_)).startswith(b"HTTP/1.1 " + status)

    run(main)


def test_a_table_is_replaced_as_a_whole() -> None:
    before = Names({"services": {"shop/web": {"80": [HOST, 1]}}})
    assert before.resolve("web", 80, "shop") == (HOST, 1)

    after = Names({"services": {}})

    with pytest.raises(ProxyProblem, match="no such host"):
        after.resolve("web", 80, "shop")
    assert after.resolve("example.com", 80, "shop") is None


def test_an_operation_of_somebody_else_is_an_error() -> None:
    async def main() -> None:
        async with plane() as it:
            with pytest.raises(ValueError, match="spawn"):
                await it.handle({"op": "spawn"})

    run(main)
