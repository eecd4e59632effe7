"""The warden's network side: probes, Service ports and the proxy, as the messages ask for them.

Owns: which message does what, and what is listening. Must not know: processes, and who sends the messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from canarium.nodes.warden.http_proxy import HttpProxy, Names
from canarium.nodes.warden.probing import probe
from canarium.nodes.warden.tcp_proxy import Link, ServicePort, bind, joined, words


class DataPlane:
    """Everything that listens, by name, and every connection that lives."""

    def __init__(self, loop_lag: Callable[[float], float]) -> None:
        """loop_lag(since): the longest, in seconds, that the event loop was held up since then (its own time)."""
        self._loop_lag = loop_lag
        self._ports: dict[str, ServicePort] = {}
        self._routes: dict[str, tuple[tuple[tuple[str, int], ...], float]] = {}
        self._proxies: list[HttpProxy] = []
        self._names = Names()
        self._links: set[Link] = set()

    async def handle(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Do what a message asks; the answer without its id, or None where none is due.

        Raises ValueError on an operation that is not the data plane's.
        """
        match message["op"]:
            case "probe":
                return await probe(message, self._loop_lag)
            case "listen":
                return self._listen(message)
            case "unlisten":
                self._unlisten(message["listener"])
                self._routes.pop(message["listener"], None)
            case "route":
                self._route(message)
            case "proxy":
                return self._proxy(message)
            case "names":
                self._names = Names(message)
                for proxy in self._proxies:
                    proxy.names = self._names
            case op:
                raise ValueError(f"not an operation of the data plane: {op!r}")
        return {} if "id" in message else None

    async def close(self) -> None:
        """Stop listening and break off every connection."""
        await asyncio.gather(
            *(port.close() for port in self._ports.values()), *(proxy.close() for proxy in self._proxies)
        )
        self._ports.clear()
        self._proxies.clear()
        for link in tuple(self._links):
            link.reset()

    def _listen(self, message: dict[str, Any]) -> dict[str, Any]:
        name = message["listener"]
        self._unlisten(name)
        try:
            sock = bind(message["host"], message["port"], fallback=bool(message.get("fallback")))
        except OSError as error:
            return _unbound(message, error)
        port = self._ports[name] = ServicePort(sock, self._links)
        port.route(*self._routes.get(name, ((), 0.0)))
        return _bound(port)

    def _unlisten(self, name: str) -> None:
        port = self._ports.pop(name, None)
        if port is not None:
            port.stop()

    def _route(self, message: dict[str, Any]) -> None:
        """A route may come before its port listens, and outlives it when it listens elsewhere from now on."""
        endpoints = tuple((host, port) for host, port in message["endpoints"])
        route = self._routes[message["listener"]] = (endpoints, float(message.get("affinity_seconds") or 0))
        port = self._ports.get(message["listener"])
        if port is not None:
            port.route(*route)

    def _proxy(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            sock = bind(message["host"], message["port"], fallback=bool(message.get("fallback")))
        except OSError as error:
            return _unbound(message, error)
        proxy = HttpProxy(sock, self._links)
        proxy.names = self._names
        self._proxies.append(proxy)
        return _bound(proxy)


def _bound(what: ServicePort | HttpProxy) -> dict[str, Any]:
    host, port = what.address
    return {"host": host, "port": port}


def _unbound(message: dict[str, Any], error: OSError) -> dict[str, Any]:
    return {"error": f"listen tcp {joined(message['host'], message['port'])}: bind: {words(error)}"}
