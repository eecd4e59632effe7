"""Kubernetes service discovery: from objects to label sets with `__meta_kubernetes_*`.

Owns: roles `endpoints` and `pod`. Pure: objects in, label sets out.
Source: Prometheus 3.x discovery/kubernetes/{endpoints,pod,service}.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canarium.kube.objects import Obj, annotations_of, controller_of, labels_of

_INVALID = re.compile(r"[^a-zA-Z0-9_]")


def endpoints_targets(slices: Sequence[Obj], services: Sequence[Obj], pods: Sequence[Obj]) -> Iterator[dict[str, str]]:
    """Role `endpoints`: one label set per address and port of each Service, and one for every other port that a pod
    behind the Service declares. Terminating endpoints are left out, as they are from Endpoints objects."""
    service_by_key = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in services}
    pod_by_key = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in pods}
    pieces: dict[tuple[str, str], list[Obj]] = {}
    for piece in slices:
        name = labels_of(piece).get("kubernetes.io/service-name", "")
        pieces.setdefault((piece["metadata"]["namespace"], name), []).append(piece)
    for (namespace, name), same_service in pieces.items():
        common = {"__meta_kubernetes_namespace": namespace, "__meta_kubernetes_endpoints_name": name}
        service = service_by_key.get((namespace, name))
        if service is not None:
            common["__meta_kubernetes_service_name"] = name
            common.update(_metadata("service", service))
            copied = {"metadata": {"labels": labels_of(service)}}  # by the control plane, to the Endpoints object
            common.update(_metadata("endpoints", copied))
        covered: dict[str, set[int]] = {}
        for piece in same_service:
            for endpoint in piece.get("endpoints") or ():
                if (endpoint.get("conditions") or {}).get("terminating"):
                    continue
                pod = _pod_behind(endpoint, namespace, pod_by_key)
                own = {**common, **_endpoint(endpoint), **(_pod(pod) if pod is not None else {})}
                for port in piece.get("ports") or ():
                    if pod is not None:
                        covered.setdefault(pod["metadata"]["name"], set()).add(port["port"])
                    for address in endpoint.get("addresses") or ():
                        yield {
                            **own,
                            **(_declared_port(pod, port) if pod is not None else {}),
                            "__address__": _joined(address, port["port"]),
                            "__meta_kubernetes_endpoint_port_name": port.get("name") or "",
                            "__meta_kubernetes_endpoint_port_protocol": port.get("protocol", "TCP"),
                        }
        for pod_name, numbers in covered.items():
            pod = pod_by_key[namespace, pod_name]
            for container, is_init in _containers(pod):
                for port in container.get("ports") or ():
                    if port["containerPort"] not in numbers and (pod.get("status") or {}).get("podIP"):
                        yield {**common, **_pod(pod), **_container_port(pod, container, port, is_init=is_init)}


def _pod_behind(endpoint: Mapping[str, Any], namespace: str, pods: Mapping[tuple[str, str], Obj]) -> Obj | None:
    target = endpoint.get("targetRef") or {}
    if target.get("kind") != "Pod":
        return None
    return pods.get((target.get("namespace", namespace), target.get("name", "")))


def _endpoint(endpoint: Mapping[str, Any]) -> dict[str, str]:
    target = endpoint.get("targetRef") or {}
    ready = (endpoint.get("conditions") or {}).get("ready", True)
    labels = {"__meta_kubernetes_endpoint_ready": "true" if ready else "false"}
    if target:
        labels["__meta_kubernetes_endpoint_address_target_kind"] = target.get("kind", "")
        labels["__meta_kubernetes_endpoint_address_target_name"] = target.get("name", "")
    for name, field in (("node_name", "nodeName"), ("hostname", "hostname")):
        if endpoint.get(field):
            labels[f"__meta_kubernetes_endpoint_{name}"] = endpoint[field]
    return labels


def _declared_port(pod: Obj, port: Mapping[str, Any]) -> dict[str, str]:
    """Which container declares the port of an endpoint; the last one that does."""
    labels: dict[str, str] = {}
    for container, is_init in _containers(pod):
        for declared in container.get("ports") or ():
            if declared["containerPort"] == port["port"]:
                labels = _container_port(pod, container, declared, is_init=is_init)
                break
    return labels


def pod_targets(pods: Sequence[Obj]) -> Iterator[dict[str, str]]:
    """Role `pod`: one label set per declared container port; a container without ports gives its pod's address."""
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP", "")
        if not address:
            continue
        common = {"__meta_kubernetes_namespace": pod["metadata"]["namespace"], **_pod(pod)}
        statuses = {
            status["name"]: status.get("containerID", "")
            for field in ("initContainerStatuses", "containerStatuses")
            for status in pod["status"].get(field) or ()
        }
        for container, is_init in _containers(pod):
            identity = {"__meta_kubernetes_pod_container_id": statuses.get(container["name"], "")}
            ports = container.get("ports") or ()
            if not ports:
                yield {**common, **identity, **_container(container, is_init=is_init), "__address__": address}
            for port in ports:
                yield {**common, **identity, **_container_port(pod, container, port, is_init=is_init)}


def _containers(pod: Obj) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Each container, and whether it is an init container."""
    for container in pod["spec"]["containers"]:
        yield container, False
    for container in pod["spec"].get("initContainers") or ():
        yield container, True


def _container(container: Mapping[str, Any], *, is_init: bool) -> dict[str, str]:
    return {
        "__meta_kubernetes_pod_container_name": container["name"],
        "__meta_kubernetes_pod_container_image": container["image"],
        "__meta_kubernetes_pod_container_init": "true" if is_init else "false",
    }


def _container_port(
    pod: Obj, container: Mapping[str, Any], port: Mapping[str, Any], *, is_init: bool
) -> dict[str, str]:
    return {
        **_container(container, is_init=is_init),
        "__address__": _joined((pod.get("status") or {}).get("podIP", ""), port["containerPort"]),
        "__meta_kubernetes_pod_container_port_name": port.get("name", ""),
        "__meta_kubernetes_pod_container_port_number": str(port["containerPort"]),
        "__meta_kubernetes_pod_container_port_protocol": port.get("protocol", "TCP"),
    }


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _pod(pod: Obj) -> dict[str, str]:
    status: Mapping[str, Any] = pod.get("status") or {}
    ready = next((item["status"] for item in status.get("conditions") or () if item["type"] == "Ready"), "unknown")
    owner = controller_of(pod) or {}
    return {
        "__meta_kubernetes_pod_name": pod["metadata"]["name"],
        "__meta_kubernetes_pod_ip": status.get("podIP", ""),
        "__meta_kubernetes_pod_ready": ready.lower(),
        "__meta_kubernetes_pod_phase": status.get("phase", ""),
        "__meta_kubernetes_pod_node_name": pod["spec"].get("nodeName", ""),
        "__meta_kubernetes_pod_host_ip": status.get("hostIP", ""),
        "__meta_kubernetes_pod_uid": pod["metadata"]["uid"],
        "__meta_kubernetes_pod_controller_kind": owner.get("kind", ""),
        "__meta_kubernetes_pod_controller_name": owner.get("name", ""),
        **_metadata("pod", pod),
    }


def _metadata(what: str, obj: Obj) -> dict[str, str]:
    """Labels and annotations, each with its `present` twin."""
    result: dict[str, str] = {}
    for kind, pairs in (("label", labels_of(obj)), ("annotation", annotations_of(obj))):
        for name, value in pairs.items():
            safe = _INVALID.sub("_", name)
            result[f"__meta_kubernetes_{what}_{kind}_{safe}"] = value
            result[f"__meta_kubernetes_{what}_{kind}present_{safe}"] = "true"
    return result
