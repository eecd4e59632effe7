"""Services on this machine: what listens where, and who is behind it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from canarium.clock import Chance, RealClock
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.registry import Registry
from canarium.kube.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES
from canarium.kube.store.memory import MemoryStore
from canarium.nodes.loopback import LOOPBACK, Loopback, claim_loopback, free_port
from canarium.nodes.service_proxy import AFFINITY_SECONDS, Mapped, Route, ServiceProxy, routes
from canarium.nodes.warden_client import Warden

CLUSTER_IP = "10.96.1.1"


def service(name: str = "web", ip: str = CLUSTER_IP, *ports: dict[str, Any], **spec: Any) -> Obj:
    listed = list(ports) or [{"name": "http", "port": 80, "targetPort": 9898}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": ip, "ports": listed, **spec},
    }


def endpoint_slice(name: str, *addresses: str, namespace: str = "shop", **ports: int) -> Obj:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-x",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": port} for port_name, port in (ports or {"http": 9898}).items()],
        "endpoints": [{"addresses": [each], "conditions": {"ready": True}} for each in addresses],
    }


# -- the rule ---------------------------------------------------------------------------------------------------------

BEHIND = (("10.244.1.2", 9898),)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(service(), [(CLUSTER_IP, 80, BEHIND, 0, False)], id="a port"),
        pytest.param(service(ip="None"), [], id="headless"),
        pytest.param(service(ip=""), [], id="no address"),
        pytest.param(
            {**service(), "spec": {"type": "ExternalName", "externalName": "x.example"}}, [], id="ExternalName"
        ),
        pytest.param(service("web", CLUSTER_IP, {"port": 80, "name": "other"}), [(CLUSTER_IP, 80, (), 0, False)],
                     id="nobody behind it listens all the same"),
        pytest.param(service("web", CLUSTER_IP, {"port": 53, "protocol": "UDP", "name": "http"}), [], id="UDP"),
        pytest.param(
            service("web", CLUSTER_IP, {"port": 53, "protocol": "UDP", "name": "u"}, {"port": 53, "name": "http"}),
            [(CLUSTER_IP, 53, BEHIND, 0, False)],
            id="UDP and TCP of one number",
        ),
        pytest.param(
            service("web", CLUSTER_IP, {"port": 80, "name": "http", "nodePort": 30080}, type="NodePort"),
            [(CLUSTER_IP, 80, BEHIND, 0, False), (LOOPBACK, 30080, BEHIND, 0, True)],
            id="NodePort",
        ),
        pytest.param(
            service("web", "None", {"port": 80, "name": "http", "nodePort": 30080}),
            [(LOOPBACK, 30080, BEHIND, 0, True)],
            id="a node port without an address",
        ),
        pytest.param(
            service(sessionAffinity="ClientIP"), [(CLUSTER_IP, 80, BEHIND, AFFINITY_SECONDS, False)], id="affinity"
        ),
        pytest.param(
            service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}}),
            [(CLUSTER_IP, 80, BEHIND, 60, False)],
            id="affinity for a minute",
        ),
        pytest.param(
            service(sessionAffinity="None", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}}),
            [(CLUSTER_IP, 80, BEHIND, 0, False)],
            id="no affinity",
        ),
    ],
)  # fmt: skip
def test_every_tcp_port_with_an_address_is_a_route(made: Obj, expected: list[tuple[Any, ...]]) -> None:
    found = routes([made], [endpoint_slice("web", "10.244.1.2")])

    told = [(each.ip, each.port, each.endpoints, each.affinity_seconds, each.is_node_port) for each in found.values()]
    assert told == expected
    assert {each.service for each in found.values()} <= {"shop/web"}


def test_routes_have_names_of_their_own_and_endpoints_of_their_own_namespace() -> None:
    other = {**service(ip="10.96.1.2"), "metadata": {"name": "web", "namespace": "tools"}}
    slices = [endpoint_slice("web", "10.244.1.2"), endpoint_slice("web", "10.244.1.3", namespace="tools")]

    found = routes([service(), other], slices)

    assert {name: each.endpoints for name, each in found.items()} == {
        "svc/shop/web/10.96.1.1/80": (("10.244.1.2", 9898),),
        "svc/tools/web/10.96.1.2/80": (("10.244.1.3", 9898),),
    }
    assert all(name == each.listener for name, each in found.items())


# -- the shell --------------------------------------------------------------------------------------------------------


class Site:
    """A store, a warden and the proxy between them."""

    def __init__(self, loopback: Loopback, warden: Warden) -> None:
        store = MemoryStore()
        self.registry = Registry(store, now=RealClock().now, chance=Chance(1))
        self.registry.create(NAMESPACES, {"metadata": {"name": "shop"}})
        self.registry.create(NAMESPACES, {"metadata": {"name": "default"}})
        self.loopback = loopback
        self.warden = warden
        self._changed = asyncio.Event()
        self.api = loopback.host_of("10.244.1.9"), free_port(loopback.host_of("10.244.1.9"))
        fixed = {"shop/kubernetes": self.api}
        self.proxy = ServiceProxy(store, loopback, lambda: self.warden, fixed=fixed, on_change=self._changed.set)

    async def until(self, holds: Callable[[Sequence[Mapped]], Any]) -> list[Mapped]:
        """What listens where, once it `holds`."""
        while not holds(self.proxy.mapped):
            self._changed.clear()
            await self._changed.wait()
        return list(self.proxy.mapped)

    @contextlib.asynccontextmanager
    async def answering(self, ip: str, word: str, port: int = 9898) -> AsyncIterator[None]:
        """Something at a pod's address that says a word and what it heard."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard = await reader.readline()
            writer.write(f"{word} {heard.decode().strip()}\r\n\r\n".encode())
            writer.close()

        async with await asyncio.start_server(serve, *self.loopback.place(ip, port)):
            yield


async def say(host: str, port: int, words: str = "hello") -> str:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"{words}\r\n".encode())
        return (await reader.read()).decode().strip()
    finally:
        writer.close()


def on_site(folder: Path, story: Callable[[Site], Awaitable[None]], *, has_addresses: bool = True) -> None:
    async def main() -> None:
        loopback = claim_loopback(has_addresses=has_addresses)
        name = f"proxy-{os.getpid()}-{folder.name}"
        warden = await Warden.start(RealClock(), name, folder / "warden.log")
        site = Site(loopback, warden)
        try:
            async with asyncio.timeout(20):
                await site.proxy.start()
                following = asyncio.create_task(site.proxy.run())
                try:
                    await story(site)
                finally:
                    site.proxy.stop()
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
        finally:
            await site.warden.stop()
            loopback.close()
        assert (folder / "warden.log").read_text() == ""

    asyncio.run(main())


@pytest.mark.parametrize("has_addresses", [True, False])
def test_a_service_listens_while_it_is_there_and_follows_its_endpoints(tmp_path: Path, has_addresses: bool) -> None:
    async def story(site: Site) -> None:
        site.registry.create(SERVICES, service())
        (empty,) = await site.until(len)
        assert empty.host == site.loopback.host_of(CLUSTER_IP)
        assert (empty.real_port == 80) == has_addresses
        assert site.loopback.place(CLUSTER_IP, 80) == (empty.host, empty.real_port)
        with pytest.raises(ConnectionError):
            await say(empty.host, empty.real_port)

        async with site.answering("10.244.1.2", "two"), site.answering("10.244.1.3", "three"):
            site.registry.create(ENDPOINT_SLICES, endpoint_slice("web", "10.244.1.2", "10.244.1.3"))
            (known,) = await site.until(lambda mapped: mapped[0].route.endpoints)
            assert (known.host, known.real_port) == (empty.host, empty.real_port)
            said = [await say(known.host, known.real_port) for _ in range(4)]
            assert sorted(said) == ["three hello"] * 2 + ["two hello"] * 2

        site.registry.delete(SERVICES, ObjectKey("shop", "web"))
        await site.until(lambda mapped: not mapped)
        with pytest.raises(ConnectionError):
            await say(known.host, known.real_port)
        assert (CLUSTER_IP, 80) not in site.loopback.elsewhere

    on_site(tmp_path, story, has_addresses=has_addresses)


def test_a_program_that_was_told_of_a_service_early_was_told_its_place(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        told = site.loopback.place(CLUSTER_IP, 80)

        site.registry.create(SERVICES, service())

        (known,) = await site.until(len)
        assert (known.host, known.real_port) == told

    on_site(tmp_path, story, has_addresses=False)


def test_a_taken_port_is_served_elsewhere_and_where_is_known(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        with socket.create_server((site.loopback.host_of(CLUSTER_IP), 80)):
            site.registry.create(SERVICES, service())
            site.registry.create(ENDPOINT_SLICES, endpoint_slice("web", "10.244.1.2"))
            (known,) = await site.until(lambda mapped: mapped and mapped[0].route.endpoints)

        assert known.real_port != 80
        assert site.loopback.elsewhere == {(CLUSTER_IP, 80): (known.host, known.real_port)}
        async with site.answering("10.244.1.2", "two"):
            assert await say(known.host, known.real_port) == "two hello"

    on_site(tmp_path, story)


def test_a_node_port_is_on_localhost(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        port = {"port": 80, "name": "http", "nodePort": 30712}
        site.registry.create(SERVICES, service("web", CLUSTER_IP, port, type="NodePort"))
        site.registry.create(ENDPOINT_SLICES, endpoint_slice("web", "10.244.1.2"))
        first, second = await site.until(lambda mapped: len(mapped) == 2 and mapped[0].route.endpoints)

        assert (first.route.is_node_port, second.route.is_node_port) == (False, True)
        assert second.host == LOOPBACK
        async with site.answering("10.244.1.2", "two"):
            assert await say(second.host, second.real_port) == "two hello"
        assert (LOOPBACK, 30712) not in site.loopback.elsewhere

    on_site(tmp_path, story)


def test_what_is_fixed_stands_behind_a_service_without_endpoints(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"api " + await reader.readline())
        writer.close()

    async def story(site: Site) -> None:
        async with await asyncio.start_server(serve, *site.api):
            site.registry.create(SERVICES, service("kubernetes", "10.96.0.1", {"port": 443, "name": "https"}))
            (known,) = await site.until(len)
            assert await say(known.host, known.real_port) == "api hello"

    on_site(tmp_path, story)


def test_the_proxy_knows_services_by_name_and_the_namespace_it_is_asked_from(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        assert site.proxy.proxy is not None
        host, port = site.proxy.proxy
        url = site.proxy.proxy_url("shop")
        user, _, place = url.removeprefix("http://").partition("@")
        assert place == f"{host}:{port}"
        assert user.partition(":")[0] == "shop"
        assert user.partition(":")[2], "Python's urllib leaves out a user without a password"

        async with site.answering("10.244.1.2", "HTTP/1.1 200 two"):
            site.registry.create(SERVICES, service())
            site.registry.create(ENDPOINT_SLICES, endpoint_slice("web", "10.244.1.2"))
            await site.until(lambda mapped: mapped and mapped[0].route.endpoints)
            authorization = base64.b64encode(user.encode()).decode()
            head = f"Host: web\r\nProxy-Authorization: Basic {authorization}\r\n\r\n"
            for name in ("web", "web.shop", "web.shop.svc.cluster.local", CLUSTER_IP):
                said = await say(host, port, f"GET http://{name}/x HTTP/1.1\r\n{head}")
                assert said.startswith("HTTP/1.1 200 two GET /x"), name
            said = await say(host, port, f"GET http://nobody/ HTTP/1.1\r\n{head}")
            assert said.startswith("HTTP/1.1 502 ")
            assert "no such host" in said

    on_site(tmp_path, story)


def test_a_new_warden_is_told_everything(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.registry.create(SERVICES, service())
        site.registry.create(ENDPOINT_SLICES, endpoint_slice("web", "10.244.1.2"))
        (before,) = await site.until(lambda mapped: mapped and mapped[0].route.endpoints)
        former = site.proxy.proxy

        await site.warden.stop()
        name = f"proxy-again-{os.getpid()}-{tmp_path.name}"
        site.warden = await Warden.start(RealClock(), name, tmp_path / "warden.log")
        await site.proxy.warden_changed()

        (after,) = await site.until(len)
        assert (after.host, after.real_port) == (before.host, before.real_port)
        assert site.proxy.proxy != former
        async with site.answering("10.244.1.2", "two"):
            assert await say(after.host, after.real_port) == "two hello"

    on_site(tmp_path, story)


def test_a_route_says_which_listener_it_is() -> None:
    route = Route(service="shop/web", ip=LOOPBACK, port=30080, endpoints=(), is_node_port=True)

    assert route.listener == "node/shop/web/127.0.0.1/30080"
