"""The network of the lab: cluster names and addresses lead to in-process ASGI applications.

Owns: DNS as CoreDNS answers it, Services as kube-proxy spreads them, what listens at (address, port), and Go's words
for what goes wrong. Must not know: what is behind an application, or how pods come to be.
Time passes by a small seeded latency per request, by the application's own waiting, and by the caller's deadline.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from typing import NoReturn, Protocol, TypeVar

import msgspec

from canarium.clock import Chance, Clock
from canarium.kube.controller.reconciler import Lister, Listers
from canarium.kube.objects import Obj
from canarium.kube.resources import ENDPOINT_SLICES, SERVICES
from canarium.nodes.asgi import BrokenAnswer, call
from canarium.nodes.backends import backends, service_port, slices_of
from canarium.nodes.bytestream import Connection, connect_app
from canarium.nodes.network import HttpRequest, HttpResponse, NetworkError, NetworkTimeout, Unanswered
from canarium.nodes.program import AsgiApp

T = TypeVar("T")

KUBE_DNS = "10.96.0.10:53"
CLUSTER_DOMAIN = "cluster.local"
DIAL_TIMEOUT_SECONDS = 30.0
"""Go's DefaultTransport gives up dialling after this."""
NO_ROUTE_SECONDS = 3.1
"""How long a Linux bridge asks for an address that nobody has before it says there is no route."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _Url(msgspec.Struct, frozen=True):
    scheme: str
    host: str
    port: int
    target: str
    authority: str
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None


class _Listener(msgspec.Struct, frozen=True):
    app: AsgiApp
    is_tls: bool


class Far(Protocol):
    """What is reached by real sockets: addresses whose ports this process does not hold itself."""

    async def request(
        self, address: str, port: int, scheme: str, target: str, authority: str, request: HttpRequest
    ) -> HttpResponse:
        """Send to a pod's address, or to a name or address outside the cluster. Raises Unanswered."""
        ...

    async def connect(self, address: str, port: int) -> Connection:
        """Open a connection. Raises Unanswered."""
        ...


class LabNetwork:
    """Implements `Network` and `Dialer` in-process.

    far: reaches what is outside this process; without it nothing is.
    """

    def __init__(
        self,
        listers: Listers,
        *,
        clock: Clock,
        chance: Chance,
        latency_seconds: tuple[float, float] = (0.0003, 0.002),
        far: Far | None = None,
    ) -> None:
        self.follow(listers)
        self._far = far
        self._far_addresses: set[str] = set()
        self._clock = clock
        self._chance = chance.stream("network")
        self._latency = latency_seconds
        self._listening: dict[str, dict[int, _Listener]] = {}
        self._hosts: dict[str, str] = {}
        self._turn: dict[tuple[str, str, int], int] = {}
        self._urls: dict[str, _Url] = {}

    def follow(self, listers: Listers) -> None:
        """Resolve names by these listers from now on: those of a new manager after a restart."""
        self._services: Lister = listers(SERVICES)
        self._slices: Lister = listers(ENDPOINT_SLICES)

    # What listens

    def attach(self, address: str) -> None:
        """Give `address` to somebody: from now on an unopened port there refuses instead of having no route."""
        self._listening.setdefault(address, {})

    def detach(self, address: str) -> None:
        """Take `address` and all its ports away."""
        self._listening.pop(address, None)
        self._far_addresses.discard(address)

    def attach_far(self, address: str) -> None:
        """What nobody holds open here at `address` is reached by real sockets from now on."""
        assert self._far is not None, "this network reaches nothing outside the process"
        self.attach(address)
        self._far_addresses.add(address)

    def is_far(self, address: str, port: int) -> bool:
        """Whether a port of an address is outside this process."""
        return address in self._far_addresses and port not in self._listening.get(address, {})

    def listen(self, address: str, port: int, app: AsgiApp, *, is_tls: bool = False) -> None:
        """Open a port. An open one is taken over."""
        self._listening.setdefault(address, {})[port] = _Listener(app, is_tls)

    def close(self, address: str, port: int) -> None:
        """Close a port; closing twice is fine."""
        self._listening.get(address, {}).pop(port, None)

    def add_host(self, name: str, address: str) -> None:
        """A name outside the cluster that resolves, such as a metrics vendor a scenario plays."""
        self._hosts[name.lower().rstrip(".")] = address

    def app_at(self, address: str, port: int) -> AsgiApp:
        """What listens at an address: for whoever stands inside the pod. Raises NetworkError."""
        listener = self._listening.get(address, {}).get(port)
        if listener is None:
            raise NetworkError(f"dial tcp {_joined(address, port)}: connect: connection refused")
        return listener.app

    async def connect(self, address: str, port: int) -> Connection:
        """A connection to what listens at a pod's address, in this process or outside. Raises NetworkError."""
        if self._far is not None and self.is_far(address, port):
            try:
                return await self._far.connect(address, port)
            except Unanswered as error:
                raise NetworkError(error.problem) from error
        return connect_app(self.app_at(address, port), server=(address, port))

    def app_behind(self, namespace: str, name: str, port: int) -> AsgiApp:
        """What listens behind a Service's port: an endpoint of it, in turn. Raises NetworkError."""
        service = self._services.get(namespace, name)
        if service is None:
            raise NetworkError(f"there is no Service {name} in namespace {namespace}")
        try:
            return self.app_at(*self._endpoint(service, port))
        except _Refused as refused:
            raise NetworkError(str(refused)) from None

    # Network and Dialer

    async def request(self, request: HttpRequest, *, timeout_seconds: float, namespace: str = "") -> HttpResponse:
        """See `Network`."""
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._request(request, namespace)
        except TimeoutError:
            problem = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            raise NetworkTimeout(f"{_operation(request)}: {problem}") from None

    async def dial(self, address: str, port: int, *, timeout_seconds: float) -> None:
        """See `Dialer`."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._clock.sleep(self._chance.uniform(*self._latency))
                if self.is_far(address, port):
                    (await self.connect(address, port)).close()
                else:
                    await self._connect(address, port)
        except TimeoutError:
            raise NetworkTimeout(f"dial tcp {_joined(address, port)}: i/o timeout") from None
        except _Refused as refused:
            raise NetworkError(str(refused)) from None

    async def _request(self, request: HttpRequest, namespace: str) -> HttpResponse:
        try:
            url = self._parsed(request.url)
            await self._clock.sleep(self._chance.uniform(*self._latency))
            address, port = self._resolve(url, namespace)
            if self._far is not None and (self.is_far(address, port) or self._is_outside(address)):
                return await self._far.request(address, port, url.scheme, url.target, url.authority, request)
            listener = await self._connect(address, port)
            if url.scheme == "https" and not listener.is_tls:
                raise _Refused("http: server gave HTTP response to HTTPS client")
            return await call(
                listener.app,
                request.method,
                url.target,
                headers=request.headers,
                body=request.body,
                server=(address, port),
                host=url.authority,
            )
        except (_Refused, BrokenAnswer) as refused:
            if isinstance(refused, _Unparsable):
                raise NetworkError(str(refused)) from None
            raise NetworkError(f"{_operation(request)}: {refused}") from None
        except Unanswered as error:
            raise NetworkError(f"{_operation(request)}: {error.problem}") from error

    async def _connect(self, address: str, port: int) -> _Listener:
        ports = self._listening.get(address)
        if ports is None:
            if _is_pod_address(address):
                await self._clock.sleep(NO_ROUTE_SECONDS)
                raise _Refused(f"dial tcp {_joined(address, port)}: connect: no route to host")
            await self._unreachable(address, port)
        listener = ports.get(port)
        if listener is None:
            raise _Refused(f"dial tcp {_joined(address, port)}: connect: connection refused")
        return listener

    def _is_outside(self, address: str) -> bool:
        """Whether this is nobody of the cluster."""
        return not (address in self._listening or _is_pod_address(address) or _is_service_address(address))

    async def _unreachable(self, address: str, port: int) -> NoReturn:
        await self._clock.sleep(DIAL_TIMEOUT_SECONDS)
        raise _Refused(f"dial tcp {_joined(address, port)}: i/o timeout")

    # Names and Services

    def _resolve(self, url: _Url, namespace: str) -> tuple[str, int]:
        if url.address is None:
            return self._resolve_name(url.host, url.port, namespace, depth=0)
        if url.host in self._listening or not _is_service_address(url.host):
            if url.host in ("127.0.0.1", "::1") and url.host not in self._listening:
                raise _Refused(f"dial tcp {_joined(url.host, url.port)}: connect: connection refused")
            return url.host, url.port
        for service in self._services.list():
            if service["spec"].get("clusterIP") == url.host:
                return self._endpoint(service, url.port)
        return url.host, url.port

    def _resolve_name(self, host: str, port: int, namespace: str, *, depth: int) -> tuple[str, int]:
        name = host.lower()
        if name == "localhost":
            raise _Refused(f"dial tcp [::1]:{port}: connect: connection refused")
        for candidate in _search(name, namespace):
            outside = self._hosts.get(candidate)
            if outside is not None:
                return outside, port
            owner = _service_name(candidate)
            service = self._services.get(*owner) if owner else None
            if service is None:
                continue
            if service["spec"].get("type") == "ExternalName" and depth < 8:
                return self._resolve_name(service["spec"]["externalName"], port, namespace, depth=depth + 1)
            if service["spec"].get("clusterIP") == "None":
                addresses = self._headless(service)
                if addresses:
                    return self._next(service, port, addresses), port
                continue
            return self._endpoint(service, port)
        if self._far is not None and not name.endswith(CLUSTER_DOMAIN) and "." in name and ".svc" not in name:
            return host, port  # a name of the world outside: whoever dials it asks the machine's resolver
        raise _Refused(f"dial tcp: lookup {host} on {KUBE_DNS}: no such host")

    def _endpoint(self, service: Obj, port: int) -> tuple[str, int]:
        """The next ready endpoint behind a Service's port, as kube-proxy would choose (in turn, not by chance)."""
        cluster_ip = service["spec"].get("clusterIP") or "<none>"
        named = service_port(service, port)
        if named is None:
            # kube-proxy has no rule for such a port: nothing ever answers.
            return cluster_ip, port
        choices = backends(named.get("name") or "", self._slices_of(service))
        if not choices:
            raise _Refused(f"dial tcp {_joined(cluster_ip, port)}: connect: connection refused")
        return self._next(service, port, choices)

    def _headless(self, service: Obj) -> list[str]:
        every = bool(service["spec"].get("publishNotReadyAddresses"))
        return sorted(
            endpoint["addresses"][0]
            for found in self._slices_of(service)
            for endpoint in found.get("endpoints") or ()
            if every or (endpoint.get("conditions") or {}).get("ready", True)
        )

    def _slices_of(self, service: Obj) -> list[Obj]:
        return slices_of(service, self._slices.list(service["metadata"].get("namespace", "")))

    def _next(self, service: Obj, port: int, choices: list[T]) -> T:
        key = (service["metadata"].get("namespace", ""), service["metadata"]["name"], port)
        turn = self._turn.get(key, 0)
        self._turn[key] = turn + 1
        return choices[turn % len(choices)]

    def _parsed(self, text: str) -> _Url:
        url = self._urls.get(text)
        if url is None:
            if len(self._urls) > 4096:
                self._urls.clear()
            url = self._urls[text] = _parse_url(text)
        return url


class _Refused(Exception):
    """No answer; the message lacks the operation, which the caller puts in front."""


class _Unparsable(_Refused):
    """Not a URL; Go says `parse` instead of the method."""


def _operation(request: HttpRequest) -> str:
    return f'{request.method.capitalize()} "{request.url}"'


def _parse_url(text: str) -> _Url:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _DEFAULT_PORTS:
        raise _Refused(f'unsupported protocol scheme "{scheme if separator else ""}"')
    cut = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority, target = rest[:cut].rpartition("@")[2], rest[cut:].partition("#")[0]
    if not target.startswith("/"):
        target = "/" + target
    if authority.startswith("["):
        host, _, port_text = authority[1:].partition("]")
    else:
        host, colon, port_text = authority.partition(":")
        port_text = colon + port_text
    if not host:
        raise _Refused("http: no Host in request URL")
    if port_text not in ("", ":") and not port_text[1:].isdigit():
        raise _Unparsable(f'parse "{text}": invalid port "{port_text}" after host')
    port = int(port_text[1:]) if len(port_text) > 1 else _DEFAULT_PORTS[scheme]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    return _Url(scheme, host, port, target, authority, address)


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _search(name: str, namespace: str) -> list[str]:
    """The absolute names a resolver in a pod of `namespace` asks for, in order (ndots:5 and kubelet's search list)."""
    if name.endswith("."):
        return [name[:-1]]
    domains = [f"svc.{CLUSTER_DOMAIN}", CLUSTER_DOMAIN]
    if namespace:
        domains.insert(0, f"{namespace}.svc.{CLUSTER_DOMAIN}")
    searched = [f"{name}.{domain}" for domain in domains]
    return [*searched, name] if name.count(".") < 5 else [name, *searched]


def _service_name(absolute: str) -> tuple[str, str] | None:
    """Namespace and name of the Service an absolute name stands for, or None."""
    parts = absolute.split(".")
    if len(parts) == 5 and parts[2:] == ["svc", *CLUSTER_DOMAIN.split(".")]:
        return parts[1], parts[0]
    return None


def _is_pod_address(address: str) -> bool:
    return address.startswith("10.244.")


def _is_service_address(address: str) -> bool:
    return address.startswith("10.96.")


def listening(network: LabNetwork) -> Mapping[str, tuple[int, ...]]:
    """Open ports by address, for status pages and tests."""
    return {address: tuple(sorted(ports)) for address, ports in sorted(network._listening.items())}
