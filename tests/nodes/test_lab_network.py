"""The lab's network: names, Services, and what Go says when something is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest

from canarium.clock import Chance, VirtualClock, run_virtual
from canarium.kube.controller.reconciler import Lister
from canarium.kube.objects import Obj
from canarium.kube.resources import SERVICES, Resource
from canarium.nodes.asgi import call
from canarium.nodes.lab_network import LabNetwork
from canarium.nodes.network import HttpRequest, NetworkError, NetworkTimeout
from canarium.nodes.program import AsgiApp, Receive, Scope, Send, answering

T = TypeVar("T")


class Fixed:
    """A lister of what it was given."""

    def __init__(self, objects: Sequence[Obj]) -> None:
        self._objects = objects

    def get(self, namespace: str, name: str) -> Obj | None:
        return next((o for o in self.list(namespace) if o["metadata"]["name"] == name), None)

    def uid(self, namespace: str, name: str) -> str | None:
        found = self.get(namespace, name)
        return str(found["metadata"].get("uid", "")) if found else None

    def list(self, namespace: str | None = None) -> Sequence[Obj]:
        return [o for o in self._objects if namespace in (None, o["metadata"]["namespace"])]

    def owned_by(self, uid: str) -> Sequence[Obj]:
        return []


def service(name: str, ip: str = "10.96.1.1", port: int = 80, **spec: Any) -> Obj:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": ip, "ports": [{"name": "http", "port": port}], **spec},
    }


def endpoints(name: str, *addresses: str, port: int = 9898, **conditions: bool) -> Obj:
    told = {"ready": True, "serving": True, "terminating": False, **conditions}
    return {
        "metadata": {"name": f"{name}-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"name": "http", "port": port}],
        "endpoints": [{"addresses": [address], "conditions": told} for address in addresses],
    }


def says(word: str) -> AsgiApp:
    return answering(200, word.encode())


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await receive()  # waits until the client hangs up


OBJECTS = (
    service("web"),
    endpoints("web", "10.244.1.2", "10.244.1.3"),
    service("nobody", "10.96.1.2"),
    endpoints("nobody"),
    service("unready", "10.96.1.3"),
    endpoints("unready", "10.244.1.2", ready=False, serving=False),
    service("going", "10.96.1.4"),
    endpoints("going", "10.244.1.3", ready=False, terminating=True),
    service("headless", "None"),
    endpoints("headless", "10.244.1.3"),
    {"metadata": {"name": "far", "namespace": "shop"}, "spec": {"type": "ExternalName", "externalName": "api.example"}},
)


def network(clock: VirtualClock) -> LabNetwork:
    def listers(resource: Resource) -> Lister:
        is_service = [o for o in OBJECTS if "spec" in o]
        return Fixed(is_service if resource == SERVICES else [o for o in OBJECTS if "spec" not in o])

    made = LabNetwork(listers, clock=clock, chance=Chance(1))
    made.listen("10.244.1.2", 9898, says("two"))
    made.listen("10.244.1.3", 9898, says("three"))
    made.listen("10.244.1.4", 9898, never)
    made.add_host("api.example", "203.0.113.1")
    made.listen("203.0.113.1", 443, says("far"), is_tls=True)
    return made


def play(story: Callable[[LabNetwork], Awaitable[T]]) -> T:
    async def main(clock: VirtualClock) -> T:
        return await story(network(clock))

    return run_virtual(main)


def ask(url: str, *, method: str = "GET", namespace: str = "shop", timeout: float = 5.0) -> str:
    async def story(made: LabNetwork) -> str:
        answer = await made.request(HttpRequest(method, url), timeout_seconds=timeout, namespace=namespace)
        return answer.body.decode()

    return play(story)


@pytest.mark.parametrize(
    ("url", "namespace", "answer"),
    [
        pytest.param("http://web.shop.svc.cluster.local", "", "two", id="full name"),
        pytest.param("http://web.shop.svc.cluster.local./", "", "two", id="full name with its dot"),
        pytest.param("http://web.shop.svc/a?b=c", "", "two", id="up to svc"),
        pytest.param("http://web.shop:80/", "", "two", id="service and namespace"),
        pytest.param("http://WEB/", "shop", "two", id="short name, any case"),
        pytest.param("http://10.96.1.1/", "", "two", id="ClusterIP"),
        pytest.param("http://10.244.1.3:9898/", "", "three", id="pod address"),
        pytest.param("http://headless:9898/", "shop", "three", id="headless: the pod's own port"),
        pytest.param("http://going/", "shop", "three", id="a terminating endpoint is better than none"),
        pytest.param("https://far/", "shop", "far", id="ExternalName"),
    ],
)
def test_names_and_addresses_lead_to_an_application(url: str, namespace: str, answer: str) -> None:
    assert ask(url, namespace=namespace) == answer


PROMETHEUS = "http://prom-server.prometheus.svc.cluster.local/api/v1/query"
REFUSED = "connect: connection refused"


@pytest.mark.parametrize(
    ("method", "url", "message"),
    [
        pytest.param(
            "POST",
            PROMETHEUS,
            f'Post "{PROMETHEUS}": dial tcp: lookup prom-server.prometheus.svc.cluster.local on 10.96.0.10:53:'
            " no such host",
            id="unknown name",
        ),
        pytest.param(
            "GET", "http://web/", 'Get "http://web/": dial tcp: lookup web on 10.96.0.10:53: no such host', id="short"
        ),
        pytest.param(
            "GET",
            "http://nobody.shop/",
            f'Get "http://nobody.shop/": dial tcp 10.96.1.2:80: {REFUSED}',
            id="no endpoints",
        ),
        pytest.param(
            "GET",
            "http://unready.shop/",
            f'Get "http://unready.shop/": dial tcp 10.96.1.3:80: {REFUSED}',
            id="none ready",
        ),
        pytest.param(
            "GET",
            "http://10.244.1.2:80/",
            f'Get "http://10.244.1.2:80/": dial tcp 10.244.1.2:80: {REFUSED}',
            id="closed port",
        ),
        pytest.param(
            "GET",
            "http://10.244.1.99/",
            'Get "http://10.244.1.99/": dial tcp 10.244.1.99:80: connect: no route to host',
            id="nobody's address",
        ),
        pytest.param(
            "GET",
            "http://web.shop:81/",
            'Get "http://web.shop:81/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            id="a port the Service does not have",
        ),
        pytest.param(
            "GET",
            "http://10.244.1.4:9898/",
            'Get "http://10.244.1.4:9898/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            id="no answer in time",
        ),
        pytest.param(
            "GET",
            "https://web.shop:80/",
            'Get "https://web.shop:80/": http: server gave HTTP response to HTTPS client',
            id="TLS to a plain server",
        ),
        pytest.param(
            "GET", "http://localhost/", f'Get "http://localhost/": dial tcp [::1]:80: {REFUSED}', id="localhost"
        ),
        pytest.param("GET", "ftp://web/", 'Get "ftp://web/": unsupported protocol scheme "ftp"', id="scheme"),
        pytest.param("GET", "web/", 'Get "web/": unsupported protocol scheme ""', id="no scheme"),
        pytest.param("GET", "http:///x", 'Get "http:///x": http: no Host in request URL', id="no host"),
        pytest.param("GET", "http://web:http/", 'parse "http://web:http/": invalid port ":http" after host', id="port"),
    ],
)
def test_trouble_is_worded_as_go_words_it(method: str, url: str, message: str) -> None:
    with pytest.raises(NetworkError) as raised:
        ask(url, method=method, namespace="")

    assert str(raised.value) == message


def test_endpoints_take_turns() -> None:
    async def story(made: LabNetwork) -> list[str]:
        answers = [await made.request(HttpRequest("GET", "http://web.shop/"), timeout_seconds=1) for _ in range(4)]
        return [answer.body.decode() for answer in answers]

    assert play(story) == ["two", "three", "two", "three"]


def test_a_deadline_costs_exactly_its_time() -> None:
    async def main(clock: VirtualClock) -> float:
        made = network(clock)
        with pytest.raises(NetworkTimeout):
            await made.request(HttpRequest("GET", "http://10.244.1.4:9898/"), timeout_seconds=30)
        return clock.monotonic()

    assert run_virtual(main) == 30.0


def test_dialling() -> None:
    async def story(made: LabNetwork) -> str:
        await made.dial("10.244.1.2", 9898, timeout_seconds=1)
        with pytest.raises(NetworkError) as raised:
            await made.dial("10.244.1.2", 1, timeout_seconds=1)
        return str(raised.value)

    assert play(story) == f"dial tcp 10.244.1.2:1: {REFUSED}"


def test_a_detached_address_is_nobodys() -> None:
    async def story(made: LabNetwork) -> str:
        made.detach("10.244.1.2")
        with pytest.raises(NetworkError) as raised:
            await made.request(HttpRequest("GET", "http://10.244.1.2:9898/"), timeout_seconds=5)
        return str(raised.value)

    assert play(story).endswith("no route to host")


def test_the_application_sees_the_request_as_sent() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope, body=(await receive())["body"])
        await says("ok")(scope, receive, send)

    async def main(clock: VirtualClock) -> None:
        del clock
        await call(app, "POST", "/a%20b?c=%2F", headers={"X-Y": "z"}, body=b"hello", host="web.shop")

    run_virtual(main)

    assert (seen["path"], seen["query_string"], seen["body"]) == ("/a b", b"c=%2F", b"hello")
    assert (b"x-y", b"z") in seen["headers"]
    assert (b"host", b"web.shop") in seen["headers"]
