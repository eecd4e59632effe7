"""EndpointSlices: which addresses stand behind a Service.

Owns: the slices of Services with a selector. Must not know: who reads them, how pods get ready.
Source: Kubernetes 1.34 pkg/controller/endpointslice and staging/src/k8s.io/endpointslice. One slice per distinct set of
resolved ports and per 100 endpoints; upstream's reuse of partly filled slices is not followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from canarium.kube.cluster import Cluster
from canarium.kube.controller.news import News
from canarium.kube.controller.reconciler import Lister, Listers, Watch, owned
from canarium.kube.decision import Action, Create, Decision, Delete, Patch, Reason
from canarium.kube.objects import Obj, ObjectKey, is_controlled_by, key_of, labels_of, owner_reference
from canarium.kube.resources import ENDPOINT_SLICES, PODS, SERVICES
from canarium.workloads.names import derived_suffix
from canarium.workloads.pods import is_ready

MAX_ENDPOINTS = 100
MANAGED_BY = "endpointslice-controller.k8s.io"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"

Ports = tuple[tuple[str, str, int | None, str | None], ...]
"""name, protocol, resolved port number (None: not resolvable), appProtocol."""


class Serving(Reason, frozen=True):
    """Which addresses stand behind the Service."""

    ready: int
    endpoints: int

    def __str__(self) -> str:
        return f"{self.ready} of {self.endpoints} endpoints are ready"


class NoSelector(Reason, frozen=True):
    """The Service does not choose pods; its slices are somebody else's."""

    def __str__(self) -> str:
        return "the Service has no selector: its endpoints are managed by others"


class ObservedService(msgspec.Struct, frozen=True, kw_only=True):
    """A Service, the pods its selector chooses, and the slices made for it so far."""

    service: Obj
    pods: tuple[Obj, ...]
    slices: tuple[Obj, ...]


class ServicesOfPods:
    """For a `Watch` of pods: the Services that a changed pod concerns."""

    def __init__(self, services: Lister, pods: Lister) -> None:
        self._services = services
        self._chosen_by: dict[ObjectKey, tuple[ObjectKey, ...]] = {}
        self._news = News(pods, told_of)

    def __call__(self, pod: Obj) -> list[ObjectKey]:
        """The Services that choose the pod now, or chose it when it last changed (its labels may have moved on).

        None, if nothing changed that an endpoint tells (upstream's podEndpointsChanged).
        """
        key, labels = key_of(pod), labels_of(pod)
        if not self._news.is_in(pod):
            return []
        found = tuple(
            key_of(service)
            for service in self._services.list(key.namespace)
            if selects(service["spec"].get("selector"), labels)
        )
        before = self._chosen_by.get(key, ())
        self._chosen_by[key] = found
        return sorted({*found, *before})


class EndpointSliceController:
    """A `Reconciler` of Services."""

    name = "endpointslice-controller"
    primary = SERVICES
    watches: Sequence[Watch]

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        del cluster
        self._services = listers(SERVICES)
        self._pods = listers(PODS)
        self._slices = listers(ENDPOINT_SLICES)
        self.watches = (Watch(PODS, ServicesOfPods(self._services, self._pods)), owned(ENDPOINT_SLICES, "Service"))

    async def observe(self, key: ObjectKey) -> ObservedService | None:
        """See `Reconciler`."""
        service = self._services.get(*key)
        if service is None:
            return None
        selector = service["spec"].get("selector")
        pods = (pod for pod in self._pods.list(key.namespace) if selects(selector, labels_of(pod)))
        return ObservedService(
            service=service,
            pods=tuple(pods),
            slices=tuple(s for s in self._slices.owned_by(service["metadata"]["uid"]) if is_controlled_by(s, service)),
        )

    def subject(self, observed: ObservedService) -> Obj:
        """See `Reconciler`."""
        return observed.service

    def decide(self, observed: ObservedService, now: datetime) -> Decision:
        """See `decide`."""
        del now
        return decide(observed)


def selects(selector: Mapping[str, str] | None, labels: Mapping[str, str]) -> bool:
    """A Service's selector; an empty one selects nothing."""
    return bool(selector) and all(labels.get(key) == value for key, value in (selector or {}).items())


def decide(observed: ObservedService) -> Decision:
    """Make the slices say which pods stand behind the Service."""
    service = observed.service
    if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
        return Decision(because=(NoSelector(),))
    if service["metadata"].get("deletionTimestamp"):
        return Decision(because=(NoSelector(),))
    groups: dict[Ports, list[dict[str, Any]]] = {}
    for pod in observed.pods:
        if _belongs(pod):
            groups.setdefault(_ports(service, pod), []).append(_endpoint(service, pod))
    if not groups:
        # Upstream keeps a slice without endpoints, so that "known to be nobody" differs from "not looked yet".
        groups[()] = []
    wanted: dict[str, Obj] = {}
    for ports, endpoints in sorted(groups.items(), key=lambda group: repr(group[0])):
        for part in range(0, max(len(endpoints), 1), MAX_ENDPOINTS):
            made = _slice(service, ports, endpoints[part : part + MAX_ENDPOINTS], part // MAX_ENDPOINTS)
            wanted[made["metadata"]["name"]] = made
    existing = {found["metadata"]["name"]: found for found in observed.slices}
    actions: list[Action] = []
    for name, made in wanted.items():
        if name not in existing:
            actions.append(Create(resource=ENDPOINT_SLICES, obj=made))
        elif change := _change(existing[name], made):
            actions.append(change)
    for name, found in existing.items():
        if name not in wanted and not found["metadata"].get("deletionTimestamp"):
            namespace, uid = found["metadata"]["namespace"], found["metadata"]["uid"]
            actions.append(Delete(resource=ENDPOINT_SLICES, namespace=namespace, name=name, uid=uid))
    every = [endpoint for endpoints in groups.values() for endpoint in endpoints]
    ready = sum(bool(endpoint["conditions"]["ready"]) for endpoint in every)
    return Decision(actions=tuple(actions), because=(Serving(ready, len(every)),))


def told_of(pod: Obj) -> tuple[Any, ...]:
    """All of a pod that an endpoint, or the choice of one, depends on."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    return (
        metadata["uid"],
        labels_of(pod),
        bool(metadata.get("deletionTimestamp")),
        spec.get("nodeName"),
        spec["containers"],
        status.get("podIP"),
        status.get("phase"),
        is_ready(pod),
    )


def _belongs(pod: Obj) -> bool:
    """Whether a pod is an endpoint at all: it has an address and has not ended."""
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") not in ("Succeeded", "Failed")


def _endpoint(service: Obj, pod: Obj) -> dict[str, Any]:
    serving, terminating = is_ready(pod), bool(pod["metadata"].get("deletionTimestamp"))
    is_published = bool(service["spec"].get("publishNotReadyAddresses"))
    endpoint: dict[str, Any] = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": is_published or (serving and not terminating),
            "serving": serving,
            "terminating": terminating,
        },
        "targetRef": {
            "kind": "Pod",
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
            "uid": pod["metadata"]["uid"],
        },
    }
    if pod["spec"].get("nodeName"):
        endpoint["nodeName"] = pod["spec"]["nodeName"]
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == service["metadata"]["name"]:
        endpoint["hostname"] = pod["spec"]["hostname"]
    return endpoint


def _ports(service: Obj, pod: Obj) -> Ports:
    found = []
    for port in service["spec"].get("ports") or ():
        number = target_port(port, pod)
        if number is not None:
            found.append((port.get("name") or "", port.get("protocol", "TCP"), number, port.get("appProtocol")))
    return tuple(found)


def target_port(port: Mapping[str, Any], pod: Obj) -> int | None:
    """The container port behind a Service's port in this pod; None when the pod has no port of that name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target or int(port["port"])
    for container in pod["spec"]["containers"]:
        for declared in container.get("ports") or ():
            if declared.get("name") == target and declared.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(declared["containerPort"])
    return None


def _slice(service: Obj, ports: Ports, endpoints: Sequence[Mapping[str, Any]], part: int) -> Obj:
    metadata = service["metadata"]
    labels = {**labels_of(service), SERVICE_NAME_LABEL: metadata["name"], MANAGED_BY_LABEL: MANAGED_BY}
    if service["spec"].get("clusterIP") == "None":
        labels["service.kubernetes.io/headless"] = ""
    suffix = derived_suffix(f"{metadata['uid']}/{ports}/{part}")
    told = []
    for name, protocol, number, app_protocol in ports:
        entry: dict[str, Any] = {"name": name, "port": number, "protocol": protocol}
        if app_protocol:
            entry["appProtocol"] = app_protocol
        told.append(entry)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{metadata['name']}-{suffix}",
            "generateName": f"{metadata['name']}-",
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": told,
    }


def _change(found: Obj, made: Obj) -> Patch | None:
    patch: dict[str, Any] = {}
    for field in ("endpoints", "ports"):
        if (found.get(field) or []) != made[field]:
            patch[field] = made[field]
    labels = labels_of(found)
    if labels != labels_of(made):
        gone = dict.fromkeys(sorted(labels.keys() - labels_of(made).keys()))
        patch["metadata"] = {"labels": {**gone, **labels_of(made)}}
    if not patch:
        return None
    metadata = found["metadata"]
    return Patch(
        resource=ENDPOINT_SLICES,
        namespace=metadata["namespace"],
        name=metadata["name"],
        patch=patch,
        resource_version=metadata["resourceVersion"],
    )
