"""Services on this machine: which socket stands for which port of a Service, and which pods are behind it.

Owns: `routes`, the pure rule, and `ServiceProxy`, the shell that keeps the warden's listeners as the rule says.
Must not know: how bytes are forwarded. What kube-proxy is on a node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.kube.resources import ENDPOINT_SLICES, SERVICES
from canarium.kube.store.port import Change, Store
from canarium.nodes.backends import Backend, backends, slices_of
from canarium.nodes.loopback import LOOPBACK, Loopback
from canarium.nodes.warden_client import Warden, WardenLost

AFFINITY_SECONDS = 10800
"""What ClientIP affinity lasts when the Service does not say."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One port of a Service at one address.

    service: `namespace/name`. ip: of the cluster, or 127.0.0.1 for a NodePort.
    """

    service: str
    ip: str
    port: int
    endpoints: tuple[Backend, ...]
    affinity_seconds: int = 0
    is_node_port: bool = False

    @property
    def listener(self) -> str:
        """Its name towards the warden."""
        return f"{'node' if self.is_node_port else 'svc'}/{self.service}/{self.ip}/{self.port}"


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """A route and where it really listens; `problem` when it could not."""

    route: Route
    host: str
    real_port: int
    problem: str = ""


def routes(services: Sequence[Obj], slices: Sequence[Obj]) -> dict[str, Route]:
    """Every TCP port of every Service that has an address, by listener."""
    by_namespace: dict[str, list[Obj]] = {}
    for each in slices:
        by_namespace.setdefault(str(each["metadata"].get("namespace", "")), []).append(each)
    found: list[Route] = []
    for service in services:
        spec, namespace = service["spec"], str(service["metadata"].get("namespace", ""))
        name = f"{namespace}/{service['metadata']['name']}"
        own = slices_of(service, by_namespace.get(namespace, ()))
        affinity = _affinity(spec)
        for port in spec.get("ports") or ():
            if port.get("protocol", "TCP") != "TCP":
                continue
            behind = tuple(backends(port.get("name") or "", own))
            common: dict[str, Any] = {"service": name, "endpoints": behind, "affinity_seconds": affinity}
            if (spec.get("clusterIP") or "None") != "None":
                found.append(Route(ip=str(spec["clusterIP"]), port=int(port["port"]), **common))
            if port.get("nodePort"):
                found.append(Route(ip=LOOPBACK, port=int(port["nodePort"]), is_node_port=True, **common))
    return {route.listener: route for route in found}


def _affinity(spec: Mapping[str, Any]) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return int(config.get("timeoutSeconds") or AFFINITY_SECONDS)


class ServiceProxy:
    """Keeps the warden's listeners as Services and EndpointSlices say. `await start()`, then `run()`.

    fixed: what stands behind a Service without endpoints of its own, by `namespace/name`: the API server.
    """

    def __init__(
        self,
        store: Store,
        loopback: Loopback,
        warden: Callable[[], Warden],
        *,
        fixed: Mapping[str, Backend] | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._loopback = loopback
        self._warden = warden
        self._fixed = dict(fixed or {})
        self._on_change = on_change
        self._has_changed = asyncio.Event()
        self._mapped: dict[str, Mapped] = {}
        self._stops: list[Callable[[], None]] = []
        self.proxy: tuple[str, int] | None = None

    async def start(self) -> None:
        """Open what there is, and follow."""
        self._stops = [self._store.subscribe(resource, self._note) for resource in (SERVICES, ENDPOINT_SLICES)]
        self._has_changed.set()
        await self.open_proxy()

    async def open_proxy(self) -> None:
        """Open the HTTP proxy for names of the cluster."""
        self.proxy = await self._warden().proxy(self._loopback.host_of("10.96.0.9"), 0)

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            with suppress(WardenLost):  # the warden died; a new one is told everything
                await self._apply(self._wanted())

    async def warden_changed(self) -> None:
        """A new warden knows nothing."""
        self._mapped.clear()
        await self.open_proxy()
        self._has_changed.set()

    @property
    def mapped(self) -> Sequence[Mapped]:
        """What listens where, by Service."""
        return sorted(self._mapped.values(), key=lambda each: (each.route.service, each.route.port))

    def stop(self) -> None:
        """Follow no more."""
        for stop in self._stops:
            stop()

    def proxy_url(self, namespace: str) -> str:
        """The proxy, for programs of a namespace: short names are theirs."""
        return f"http://{namespace}:canarium@{self.proxy[0]}:{self.proxy[1]}" if self.proxy else ""

    def _note(self, change: Change) -> None:
        del change
        self._has_changed.set()

    def _wanted(self) -> dict[str, Route]:
        decode = msgspec.json.decode
        services = [decode(stored.raw) for stored in self._store.list(SERVICES)]
        return routes(services, [decode(stored.raw) for stored in self._store.list(ENDPOINT_SLICES)])

    async def _apply(self, wanted: Mapping[str, Route]) -> None:
        warden = self._warden()
        for listener in [known for known in self._mapped if known not in wanted]:
            gone = self._mapped.pop(listener)
            warden.unlisten(listener)
            self._loopback.returned(gone.route.ip, gone.route.port)
        for listener, route in wanted.items():
            known = self._mapped.get(listener)
            if known is not None and known.route == route:
                continue
            # Before it listens: whoever connects at once is to find somebody.
            behind = [self._place(each) for each in self._behind(route)]
            warden.route(listener, behind, affinity_seconds=route.affinity_seconds)
            if known is None:
                known = await self._listen(warden, route)
            self._mapped[listener] = msgspec.structs.replace(known, route=route)
        warden.names(*self._names())
        self._on_change()

    def _behind(self, route: Route) -> Sequence[Backend]:
        fixed = self._fixed.get(route.service)
        return (fixed,) if fixed is not None else route.endpoints

    def _place(self, backend: Backend) -> Backend:
        return self._loopback.place(*backend)

    async def _listen(self, warden: Warden, route: Route) -> Mapped:
        host, port = self._loopback.place(route.ip, route.port)  # programs may have been told this place already
        try:
            real_host, real_port = await warden.listen(route.listener, host, port, fallback=True)
        except WardenLost:
            raise
        except CanariumError as error:
            return Mapped(route=route, host=host, real_port=port, problem=error.problem)
        if not route.is_node_port:
            self._loopback.moved(route.ip, route.port, real_host, real_port)
        return Mapped(route=route, host=real_host, real_port=real_port)

    def _names(self) -> tuple[dict[str, dict[str, Backend]], dict[str, Any]]:
        services: dict[str, dict[str, Backend]] = {}
        addresses: dict[str, Any] = {}
        for each in self._mapped.values():
            if not each.problem and not each.route.is_node_port:
                place, port = (each.host, each.real_port), str(each.route.port)
                services.setdefault(each.route.service, {})[port] = place
                addresses.setdefault(each.route.ip, {})[port] = place
        return services, addresses
