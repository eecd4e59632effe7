"""Endpoints of the core group: the older form of what stands behind a Service.

Owns: the Endpoints object of each Service with a selector. Must not know: EndpointSlices, who reads either.
Source: Kubernetes 1.34 pkg/controller/endpoint/endpoints_controller.go and pkg/api/v1/endpoints/util.go (repacking).
Left out: the annotations about the trigger's time and about more than a thousand addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Create, Decision, Delete, Patch, Reason
from canarium.kube.objects import Obj, ObjectKey, key_of, labels_of
from canarium.kube.resources import ENDPOINTS, PODS, SERVICES
from canarium.workloads.endpoints import NoSelector, ServicesOfPods, Serving, selects, target_port
from canarium.workloads.pods import is_ready

MANAGED_BY_LABEL = "endpoints.kubernetes.io/managed-by"
MANAGED_BY = "endpoint-controller"
HEADLESS_LABEL = "service.kubernetes.io/headless"

Port = tuple[str, str, int, str]
"""name, protocol, resolved number, appProtocol."""


class ServiceGone(Reason, frozen=True):
    """There is no Service any more."""

    def __str__(self) -> str:
        return "the Service of these Endpoints is gone"


class ObservedEndpoints(msgspec.Struct, frozen=True, kw_only=True):
    """A Service, the pods its selector chooses, and the Endpoints of its name. The Service or they are there."""

    service: Obj | None
    endpoints: Obj | None
    pods: tuple[Obj, ...] = ()


class EndpointsController:
    """A `Reconciler` of Services."""

    name = "endpoint-controller"
    primary = SERVICES
    watches: Sequence[Watch]

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        del cluster
        self._services = listers(SERVICES)
        self._pods = listers(PODS)
        self._endpoints = listers(ENDPOINTS)
        self.watches = (
            Watch(PODS, ServicesOfPods(self._services, self._pods)),
            Watch(ENDPOINTS, lambda endpoints: [key_of(endpoints)]),
        )

    async def observe(self, key: ObjectKey) -> ObservedEndpoints | None:
        """See `Reconciler`."""
        service, endpoints = self._services.get(*key), self._endpoints.get(*key)
        if service is None:
            return None if endpoints is None else ObservedEndpoints(service=None, endpoints=endpoints)
        selector = service["spec"].get("selector")
        pods = tuple(pod for pod in self._pods.list(key.namespace) if selects(selector, labels_of(pod)))
        return ObservedEndpoints(service=service, endpoints=endpoints, pods=pods)

    def subject(self, observed: ObservedEndpoints) -> Obj:
        """See `Reconciler`."""
        subject = observed.service or observed.endpoints
        assert subject is not None, "nothing was observed"
        return subject

    def decide(self, observed: ObservedEndpoints, now: datetime) -> Decision:
        """See `decide`."""
        del now
        return decide(observed)


def decide(observed: ObservedEndpoints) -> Decision:
    """Make the Endpoints say which pods stand behind the Service; take them away with it."""
    service, found = observed.service, observed.endpoints
    if service is None:
        return _left_over(found)
    if not service["spec"].get("selector") or service["metadata"].get("deletionTimestamp"):
        return Decision(because=(NoSelector(),))
    made = _endpoints(service, _subsets(service, observed.pods))
    ready = sum(len(subset.get("addresses") or ()) for subset in made.get("subsets") or ())
    waiting = sum(len(subset.get("notReadyAddresses") or ()) for subset in made.get("subsets") or ())
    why = (Serving(ready, ready + waiting),)
    if found is None:
        return Decision(actions=(Create(resource=ENDPOINTS, obj=made),), because=why)
    change = _change(found, made)
    return Decision(actions=(change,) if change else (), because=why)


def _left_over(found: Obj | None) -> Decision:
    """Only what was made here goes with its Service: what others made may be waiting for one."""
    if found is None or labels_of(found).get(MANAGED_BY_LABEL) != MANAGED_BY:
        return Decision(because=(ServiceGone(),))
    metadata = found["metadata"]
    gone = Delete(resource=ENDPOINTS, namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"])
    return Decision(actions=(gone,), because=(ServiceGone(),))


def _subsets(service: Obj, pods: Sequence[Obj]) -> list[dict[str, Any]]:
    """Addresses with the same ports together, each address once per form of readiness, in order."""
    is_published = bool(service["spec"].get("publishNotReadyAddresses"))
    by_ports: dict[tuple[Port, ...], dict[str, list[dict[str, Any]]]] = {}
    for pod in pods:
        status = pod.get("status") or {}
        if not status.get("podIP") or status.get("phase") in ("Succeeded", "Failed"):
            continue
        if pod["metadata"].get("deletionTimestamp") and not is_published:
            continue
        ports = _ports(service, pod)
        if not ports and service["spec"].get("ports"):
            continue  # none of the named ports is in this pod
        field = "addresses" if is_published or is_ready(pod) else "notReadyAddresses"
        by_ports.setdefault(ports, {}).setdefault(field, []).append(_address(service, pod))
    subsets = []
    for ports, addresses in sorted(by_ports.items()):
        subset: dict[str, Any] = {
            field: sorted(addresses[field], key=lambda address: (address["ip"], address["targetRef"]["uid"]))
            for field in ("addresses", "notReadyAddresses")
            if field in addresses
        }
        if ports:
            subset["ports"] = [_told(port) for port in ports]
        subsets.append(subset)
    return subsets


def _ports(service: Obj, pod: Obj) -> tuple[Port, ...]:
    found = []
    for port in service["spec"].get("ports") or ():
        number = target_port(port, pod)
        if number is not None:
            name, protocol = port.get("name") or "", port.get("protocol", "TCP")
            found.append((name, protocol, number, port.get("appProtocol") or ""))
    return tuple(found)


def _told(port: Port) -> dict[str, Any]:
    name, protocol, number, app_protocol = port
    entry: dict[str, Any] = {"name": name, "port": number, "protocol": protocol, "appProtocol": app_protocol}
    return {field: value for field, value in entry.items() if value}


def _address(service: Obj, pod: Obj) -> dict[str, Any]:
    metadata, spec = pod["metadata"], pod["spec"]
    address: dict[str, Any] = {"ip": pod["status"]["podIP"]}
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        address["hostname"] = spec["hostname"]
    if spec.get("nodeName"):
        address["nodeName"] = spec["nodeName"]
    address["targetRef"] = {
        "kind": "Pod",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return address


def _endpoints(service: Obj, subsets: list[dict[str, Any]]) -> Obj:
    metadata = service["metadata"]
    labels = {**labels_of(service), MANAGED_BY_LABEL: MANAGED_BY}
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS_LABEL] = ""
    made: Obj = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": labels},
    }
    if subsets:
        made["subsets"] = subsets
    return made


def _change(found: Obj, made: Obj) -> Patch | None:
    patch: dict[str, Any] = {}
    if (found.get("subsets") or []) != made.get("subsets", []):
        patch["subsets"] = made.get("subsets")
    labels = labels_of(found)
    if labels != labels_of(made):
        gone = dict.fromkeys(sorted(labels.keys() - labels_of(made).keys()))
        patch["metadata"] = {"labels": {**gone, **labels_of(made)}}
    if not patch:
        return None
    metadata = found["metadata"]
    return Patch(
        resource=ENDPOINTS,
        namespace=metadata["namespace"],
        name=metadata["name"],
        patch=patch,
        resource_version=metadata["resourceVersion"],
    )
