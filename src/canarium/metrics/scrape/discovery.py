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
    """Role `endpoints`: one label set per address and port of each Service."""
    service_by_key = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in services}
    pod_by_key = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in pods}
    for piece in slices:
        namespace = piece["metadata"]["namespace"]
        name = labels_of(piece).get("kubernetes.io/service-name", "")
        common = {"__meta_kubernetes_namespace": namespace, "__meta_kubernetes_endpoints_name": name}
        service = service_by_key.get((namespace, name))
        if service is not None:
            common["__meta_kubernetes_service_name"] = name
            common.update(_metadata("service", service))
        for endpoint in piece.get("endpoints") or ():
            target = endpoint.get("targetRef") or {}
            ready = (endpoint.get("conditions") or {}).get("ready", True)
            own = {"__meta_kubernetes_endpoint_ready": "true" if ready else "false"}
            if endpoint.get("nodeName"):
                own["__meta_kubernetes_endpoint_node_name"] = endpoint["nodeName"]
            if target:
                own["__meta_kubernetes_endpoint_address_target_kind"] = target.get("kind", "")
                own["__meta_kubernetes_endpoint_address_target_name"] = target.get("name", "")
            pod = pod_by_key.get((namespace, target.get("name", ""))) if target.get("kind") == "Pod" else None
            if pod is not None:
                own.update(_pod(pod))
            for port in piece.get("ports") or ():
                for address in endpoint.get("addresses") or ():
                    yield {
                        **common,
                        **own,
                        "__address__": f"{address}:{port['port']}",
                        "__meta_kubernetes_endpoint_port_name": port.get("name") or "",
                        "__meta_kubernetes_endpoint_port_protocol": port.get("protocol", "TCP"),
                    }


def pod_targets(pods: Sequence[Obj]) -> Iterator[dict[str, str]]:
    """Role `pod`: one label set per declared container port; a container without ports gives its pod's address."""
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP", "")
        if not address:
            continue
        common = {"__meta_kubernetes_namespace": pod["metadata"]["namespace"], **_pod(pod)}
        for container in pod["spec"]["containers"]:
            named = {
                **common,
                "__meta_kubernetes_pod_container_name": container["name"],
                "__meta_kubernetes_pod_container_image": container["image"],
            }
            ports = container.get("ports") or ()
            if not ports:
                yield {**named, "__address__": address}
            for port in ports:
                yield {
                    **named,
                    "__address__": f"{address}:{port['containerPort']}",
                    "__meta_kubernetes_pod_container_port_name": port.get("name", ""),
                    "__meta_kubernetes_pod_container_port_number": str(port["containerPort"]),
                    "__meta_kubernetes_pod_container_port_protocol": port.get("protocol", "TCP"),
                }


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
