"""The network of a local cluster: sockets for what runs here, and reaching what does not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from canarium.clock import Chance, RealClock
from canarium.kube.controller.reconciler import Lister
from canarium.kube.objects import Obj
from canarium.kube.resources import SERVICES, Resource
from canarium.nodes import local_network
from canarium.nodes.http_client import exchange
from canarium.nodes.local_network import LocalNetwork
from canarium.nodes.loopback import Loopback, claim_loopback
from canarium.nodes.network import HttpRequest, HttpResponse, NetworkError, Unanswered
from canarium.nodes.program import AsgiApp, Receive, Scope, Send, answering
from tests.nodes.test_lab_network import Fixed, endpoints, service

T = TypeVar("T")
POD, PORT = "10.244.1.7", 9898
OBJECTS: Sequence[Obj] = (service("web"), endpoints("web", POD))


def play(story: Callable[[LocalNetwork, Loopback], Awaitable[T]], *, has_addresses: bool = True) -> T:
    def listers(resource: Resource) -> Lister:
        return Fixed([each for each in OBJECTS if ("spec" in each) == (resource == SERVICES)])

    async def main() -> T:
        loopback = claim_loopback(has_addresses=has_addresses)
        network = LocalNetwork(listers, clock=RealClock(), chance=Chance(1), loopback=loopback)
        try:
            async with asyncio.timeout(20):
                return await story(network, loopback)
        finally:
            network.close_all()
            loopback.close()

    return asyncio.run(main())


def says(word: str) -> AsgiApp:
    return answering(200, word.encode())


async def get(loopback: Loopback, address: str = POD, port: int = PORT) -> HttpResponse:
    """As another program would."""
    host, real_port = loopback.place(address, port)
    return await exchange(
        host, real_port, shown=f"{host}:{real_port}", method="GET", target="/", authority="x", headers={}
    )


@pytest.mark.parametrize("has_addresses", [True, False])
def test_what_listens_in_the_cluster_can_be_dialled_from_outside(has_addresses: bool) -> None:
    async def story(network: LocalNetwork, loopback: Loopback) -> None:
        network.listen(POD, PORT, says("here"))
        network.listen("10.244.1.8", PORT, says("there"))

        assert (await get(loopback)).body == b"here"
        assert (await get(loopback, "10.244.1.8")).body == b"there"

        network.listen(POD, PORT, says("another"))  # taken over
        assert (await get(loopback)).body == b"another"

    play(story, has_addresses=has_addresses)


def test_a_closed_port_refuses_and_a_detached_address_has_none_left() -> None:
    async def story(network: LocalNetwork, loopback: Loopback) -> None:
        network.listen(POD, PORT, says("a"))
        network.listen(POD, PORT + 1, says("b"))
        await get(loopback)

        network.close(POD, PORT)
        with pytest.raises(Unanswered, match="connection refused"):
            await get(loopback)
        assert (await get(loopback, port=PORT + 1)).body == b"b"

        network.detach(POD)
        with pytest.raises(Unanswered, match="connection refused"):
            await get(loopback, port=PORT + 1)

    play(story)


def test_a_taken_port_is_opened_elsewhere_and_shown() -> None:
    async def story(network: LocalNetwork, loopback: Loopback) -> None:
        with socket.create_server((loopback.host_of(POD), PORT)):
            network.listen(POD, PORT, says("moved"))

        assert loopback.place(POD, PORT) == loopback.elsewhere[POD, PORT] != (loopback.host_of(POD), PORT)
        assert (await get(loopback)).body == b"moved"
        network.detach(POD)
        assert loopback.elsewhere == {}

    play(story)


def test_a_request_that_is_under_way_is_broken_off_when_its_pod_goes() -> None:
    begun = asyncio.Event()

    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def story(network: LocalNetwork, loopback: Loopback) -> None:
        network.listen(POD, PORT, never)
        asking = asyncio.ensure_future(get(loopback))
        await begun.wait()

        network.detach(POD)

        with pytest.raises(Unanswered):
            await asking

    play(story)


def test_ports_beyond_measure_answer_only_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_network, "MAX_OPEN", 1)

    async def story(network: LocalNetwork, loopback: Loopback) -> None:
        network.listen(POD, PORT, says("first"))
        network.listen(POD, PORT + 1, says("second"))

        with pytest.raises(Unanswered):
            await get(loopback, port=PORT + 1)
        inside = await network.request(HttpRequest("GET", f"http://{POD}:{PORT + 1}/"), timeout_seconds=5)
        assert inside.body == b"second"

    play(story)


def test_the_cluster_reaches_a_pod_that_is_a_process_by_name_and_address() -> None:
    async def story(network: LocalNetwork, loopback: Loopback) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            host = next(line for line in head.decode().split("\r\n") if line.lower().startswith("host:"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(host), host.encode()))
            await writer.drain()
            writer.close()

        network.attach_far(POD)
        async with await asyncio.start_server(serve, *loopback.place(POD, PORT)):
            by_name = await network.request(HttpRequest("GET", "http://web.shop/"), timeout_seconds=5)
            by_address = await network.request(HttpRequest("GET", f"http://{POD}:{PORT}/"), timeout_seconds=5)
            await network.dial(POD, PORT, timeout_seconds=5)
            connection = await network.connect(POD, PORT)
            await connection.write(b"GET / HTTP/1.1\r\nHost: raw\r\n\r\n")
            read = await connection.read()
            connection.close()

        assert by_name.body.lower() == b"host: web.shop"
        assert by_address.body.lower() == f"host: {POD}:{PORT}".encode()
        assert read.startswith(b"HTTP/1.1 200 OK\r\n")

    play(story)


def test_a_process_that_does_not_listen_refuses_in_the_words_of_its_own_address() -> None:
    async def story(network: LocalNetwork, loopback: Loopback) -> None:
        network.attach_far(POD)
        refused = f"dial tcp {POD}:{PORT}: connect: connection refused"

        with pytest.raises(NetworkError) as asked:
            await network.request(HttpRequest("GET", f"http://{POD}:{PORT}/x"), timeout_seconds=5)
        assert str(asked.value) == f'Get "http://{POD}:{PORT}/x": {refused}'
        for dial in (network.dial(POD, PORT, timeout_seconds=5), network.connect(POD, PORT)):
            with pytest.raises(NetworkError) as dialled:
                await dial
            assert str(dialled.value) == refused

    play(story)
