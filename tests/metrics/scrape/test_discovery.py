"""What Kubernetes discovery makes of slices, services and pods (Prometheus 3.x discovery/kubernetes)."""

from __future__ import annotations

from typing import Any

from canarium.kube.objects import Obj
from canarium.metrics.scrape.discovery import endpoints_targets, pod_targets

SERVICE: Obj = {"metadata": {"name": "s", "namespace": "n", "labels": {"team": "x"}, "annotations": {"note": "y"}}}


def pod(name: str = "p", **spec: Any) -> Obj:
    containers = [
        {"name": "main", "image": "i:1", "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 8081}]}
    ]
    return {
        "metadata": {"name": name, "namespace": "n", "uid": "u"},
        "spec": {"nodeName": "n1", "containers": containers, **spec},
        "status": {"podIP": "10.0.0.1", "containerStatuses": [{"name": "main", "containerID": "c://1"}]},
    }


def slice_of(*endpoints: Obj) -> Obj:
    return {
        "metadata": {"name": "s-1", "namespace": "n", "labels": {"kubernetes.io/service-name": "s"}},
        "ports": [{"name": "web", "port": 8080, "protocol": "TCP"}],
        "endpoints": list(endpoints),
    }


def endpoint(address: str = "10.0.0.1", **fields: Any) -> Obj:
    return {"addresses": [address], "targetRef": {"kind": "Pod", "name": "p"}, **fields}


def short(labels: dict[str, str], *names: str) -> list[str]:
    return [labels.get(f"__meta_kubernetes_{name}", "-") for name in names]


def test_ports_a_service_does_not_name_are_targets_too() -> None:
    found = list(endpoints_targets([slice_of(endpoint())], [SERVICE], [pod()]))

    assert [labels["__address__"] for labels in found] == ["10.0.0.1:8080", "10.0.0.1:8081"]
    names = (
        "endpoint_port_name",
        "pod_container_name",
        "pod_container_port_name",
        "pod_container_init",
        "service_name",
    )
    assert [short(labels, *names) for labels in found] == [
        ["web", "main", "http", "false", "s"],
        ["-", "main", "", "false", "s"],
    ]
    assert short(found[0], "service_label_team", "endpoints_label_team", "endpoints_annotation_note") == ["x", "x", "-"]


def test_an_endpoint_that_is_not_ready_says_so_and_one_on_its_way_out_is_gone() -> None:
    waiting = endpoint(conditions={"ready": False, "serving": False, "terminating": False})
    leaving = endpoint("10.0.0.2", conditions={"ready": False, "serving": True, "terminating": True}, targetRef=None)

    found = list(endpoints_targets([slice_of(waiting, leaving)], [SERVICE], []))

    assert [labels["__address__"] for labels in found] == ["10.0.0.1:8080"]
    assert short(found[0], "endpoint_ready") == ["false"]


def test_an_address_with_colons_is_put_in_brackets() -> None:
    found = list(endpoints_targets([slice_of(endpoint("fd00::1"))], [SERVICE], []))

    assert found[0]["__address__"] == "[fd00::1]:8080"


def test_init_containers_of_a_pod_are_targets_of_their_own() -> None:
    found = list(pod_targets([pod(initContainers=[{"name": "init", "image": "j:1"}])]))

    assert [labels["__address__"] for labels in found] == ["10.0.0.1:8080", "10.0.0.1:8081", "10.0.0.1"]
    names = ("pod_container_name", "pod_container_id", "pod_container_init")
    assert [short(labels, *names) for labels in found] == [
        ["main", "c://1", "false"],
        ["main", "c://1", "false"],
        ["init", "", "true"],
    ]
