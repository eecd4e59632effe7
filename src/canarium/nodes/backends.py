"""Which endpoints stand behind a port of a Service, as kube-proxy reads Services and EndpointSlices.

Owns: that choice, a pure rule. Must not know: networks, sockets.
Source: Kubernetes 1.34 pkg/proxy (topology, serving and terminating endpoints: KEP-1669).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from canarium.kube.objects import Obj, labels_of

Backend = tuple[str, int]
"""A pod's address and port."""


def service_port(service: Obj, port: int) -> Mapping[str, Any] | None:
    """The port of a Service by its number; None when it has no such port."""
    return next((each for each in service["spec"].get("ports") or () if each["port"] == port), None)


def slices_of(service: Obj, slices: Iterable[Obj]) -> list[Obj]:
    """The EndpointSlices of a Service, out of those of its namespace."""
    name = service["metadata"]["name"]
    return [found for found in slices if labels_of(found).get("kubernetes.io/service-name") == name]


def backends(port_name: str, slices: Iterable[Obj]) -> list[Backend]:
    """Ready endpoints for a named port (empty for the one without a name), in order; none are `[]`.

    Since 1.26 terminating endpoints that still serve are used when nothing else is left.
    """
    ready: list[Backend] = []
    serving: list[Backend] = []
    for found in slices:
        target = next(
            (each.get("port") for each in found.get("ports") or () if (each.get("name") or "") == port_name), None
        )
        if target is None:
            continue
        for endpoint in found.get("endpoints") or ():
            conditions = endpoint.get("conditions") or {}
            if conditions.get("ready", True):
                ready.append((endpoint["addresses"][0], target))
            elif conditions.get("serving") and conditions.get("terminating"):
                serving.append((endpoint["addresses"][0], target))
    return sorted(ready or serving)
