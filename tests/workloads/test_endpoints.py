"""Which addresses stand behind a Service."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.decision import Create, Delete, Patch
from canarium.kube.objects import Obj, owner_reference
from canarium.workloads.endpoints import MAX_ENDPOINTS, ObservedService, decide


def service(**spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": "s", "resourceVersion": "1", "labels": {"team": "a"}},
        "spec": {
            "clusterIP": "10.96.1.1",
            "selector": {"app": "web"},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
            **spec,
        },
    }


def pod(number: int = 0, *, ready: bool = True, deleted: bool = False, port: int = 9898, **status: Any) -> Obj:
    metadata: dict[str, Any] = {"name": f"web-{number}", "namespace": "shop", "uid": f"p{number}", "labels": {}}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-05T09:00:00Z"
    return {
        "metadata": metadata,
        "spec": {
            "nodeName": "n1",
            "containers": [{"name": "web", "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}]}],
        },
        "status": {
            "phase": "Running",
            "podIP": f"10.244.1.{number + 2}",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            **status,
        },
    }


def made(found: Obj, *pods: Obj) -> list[Obj]:
    actions = decide(ObservedService(service=found, pods=pods, slices=())).actions
    return [action.obj for action in actions if isinstance(action, Create)]


def test_a_ready_pod_is_an_endpoint() -> None:
    (slice_,) = made(service(), pod())

    assert slice_["metadata"]["labels"] == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert slice_["metadata"]["ownerReferences"] == [owner_reference(service())]
    assert slice_["ports"] == [{"name": "http", "port": 9898, "protocol": "TCP"}]
    assert slice_["endpoints"] == [
        {
            "addresses": ["10.244.1.2"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": {"kind": "Pod", "name": "web-0", "namespace": "shop", "uid": "p0"},
            "nodeName": "n1",
        }
    ]


@pytest.mark.parametrize(
    ("spec", "found", "conditions"),
    [
        pytest.param({}, pod(ready=False), (False, False, False), id="not ready"),
        pytest.param({}, pod(deleted=True), (False, True, True), id="terminating but serving"),
        pytest.param({}, pod(ready=False, deleted=True), (False, False, True), id="terminating"),
        pytest.param(
            {"publishNotReadyAddresses": True}, pod(ready=False), (True, False, False), id="published all the same"
        ),
    ],
)
def test_conditions(spec: dict[str, Any], found: Obj, conditions: tuple[bool, bool, bool]) -> None:
    (slice_,) = made(service(**spec), found)

    told = slice_["endpoints"][0]["conditions"]
    assert (told["ready"], told["serving"], told["terminating"]) == conditions


@pytest.mark.parametrize("found", [pod(phase="Succeeded"), pod(podIP="")], ids=["ended", "without address"])
def test_what_is_no_endpoint(found: Obj) -> None:
    (slice_,) = made(service(), found)

    assert (slice_["endpoints"], slice_["ports"]) == ([], [])


def test_a_named_port_may_differ_from_pod_to_pod() -> None:
    slices = made(service(), pod(0, port=9898), pod(1, port=8080))

    assert sorted(slice_["ports"][0]["port"] for slice_ in slices) == [8080, 9898]


def test_many_endpoints_take_several_slices() -> None:
    slices = made(service(), *(pod(number) for number in range(MAX_ENDPOINTS + 1)))

    assert [len(slice_["endpoints"]) for slice_ in slices] == [MAX_ENDPOINTS, 1]


def test_a_headless_service_says_so() -> None:
    (slice_,) = made(service(clusterIP="None"), pod())

    assert slice_["metadata"]["labels"]["service.kubernetes.io/headless"] == ""


def test_a_service_without_selector_is_left_alone() -> None:
    assert made(service(selector=None), pod()) == []


def existing(found: Obj) -> Obj:
    return {**found, "metadata": {**found["metadata"], "uid": "e", "resourceVersion": "5"}}


def test_deciding_twice_asks_for_nothing_new() -> None:
    (slice_,) = made(service(), pod())

    assert decide(ObservedService(service=service(), pods=(pod(),), slices=(existing(slice_),))).actions == ()


def test_a_pod_that_becomes_unready_changes_its_slice() -> None:
    (slice_,) = made(service(), pod())

    (change,) = decide(ObservedService(service=service(), pods=(pod(ready=False),), slices=(existing(slice_),))).actions

    assert isinstance(change, Patch)
    assert change.resource_version == "5"
    assert change.patch["endpoints"][0]["conditions"]["ready"] is False


def test_a_slice_of_ports_that_are_gone_is_deleted() -> None:
    (slice_,) = made(service(), pod())

    actions = decide(ObservedService(service=service(), pods=(pod(port=8080),), slices=(existing(slice_),))).actions

    assert [type(action) for action in actions] == [Create, Delete]
