"""Which addresses and node ports a Service gets.

Owns: the ranges, and keeping what a Service had, as pure functions. Must not know: storage.
Source: Kubernetes 1.34, pkg/registry/core/service/{storage/alloc.go,strategy.go}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from canarium.kube.objects import Obj

FIRST_NODE_PORT = 30200  # below are the ports that canarium itself answers on
LAST_NODE_PORT = 32767
_WITH_NODE_PORTS = ("LoadBalancer", "NodePort")


def with_addresses(service: Obj, old: Obj | None, others: Callable[[], Iterable[Obj]]) -> Obj:
    """A Service with its ClusterIP (the one it had, the one it asks for, or the next free one of 10.96.0.0/16) and node
    ports. others: every Service there is, asked for only when something new must be found."""
    return _with_node_ports(_with_cluster_ip(service, old, others), old, others)


def _with_cluster_ip(service: Obj, old: Obj | None, others: Callable[[], Iterable[Obj]]) -> Obj:
    spec = service["spec"]
    former = old["spec"].get("clusterIP") if old is not None else None
    if spec["type"] == "ExternalName":
        if former and spec.get("clusterIP") == former:
            gone = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")
            return {**service, "spec": {key: part for key, part in spec.items() if key not in gone}}
        return service
    if spec.get("clusterIP"):
        return service if "clusterIPs" in spec else _addressed(service, spec["clusterIP"])
    if former:
        return _addressed(service, former)
    taken = {other["spec"].get("clusterIP") for other in others()}
    number = 256
    while (address := f"10.96.{number >> 8}.{number & 255}") in taken:
        number += 1
    return _addressed(service, address)


def _addressed(service: Obj, address: str) -> Obj:
    return {**service, "spec": {**service["spec"], "clusterIP": address, "clusterIPs": [address]}}


def _with_node_ports(service: Obj, old: Obj | None, others: Callable[[], Iterable[Obj]]) -> Obj:
    spec = service["spec"]
    ports = spec.get("ports") or []
    had = {_port_key(port): port.get("nodePort") for port in (old["spec"].get("ports") or () if old else ())}
    if spec["type"] not in _WITH_NODE_PORTS:
        if any(had.get(_port_key(port)) and had[_port_key(port)] == port.get("nodePort") for port in ports):
            ports = [{key: part for key, part in port.items() if key != "nodePort"} for port in ports]
            return {**service, "spec": {**spec, "ports": ports}}
        return service
    if all(port.get("nodePort") for port in ports):
        return service
    taken = {port.get("nodePort") for other in others() for port in other["spec"].get("ports") or ()}
    taken.update(port.get("nodePort") for port in ports)
    given: list[dict[str, Any]] = []
    for port in ports:
        number = port.get("nodePort") or had.get(_port_key(port))
        if not number:
            number = next(free for free in range(FIRST_NODE_PORT, LAST_NODE_PORT + 1) if free not in taken)
            taken.add(number)
        given.append({**port, "nodePort": number})
    extra = {} if spec.get("externalTrafficPolicy") else {"externalTrafficPolicy": "Cluster"}
    return {**service, "spec": {**spec, **extra, "ports": given}}


def _port_key(port: Mapping[str, Any]) -> tuple[Any, Any]:
    return (port.get("port"), port.get("protocol", "TCP"))
