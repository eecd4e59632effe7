"""Which node a pod goes to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarium.kube.decision import Patch
from canarium.kube.objects import Obj
from canarium.nodes.nodes import node_object
from canarium.nodes.scheduler import ObservedPending, decide

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def node(index: int, **spec: Any) -> Obj:
    made = node_object(index, NOW, pods=2)
    return {**made, "spec": {**made["spec"], **spec}}


def pod(**spec: Any) -> Obj:
    return {"metadata": {"name": "p", "namespace": "shop", "resourceVersion": "4"}, "spec": spec}


def chosen(found: Obj, nodes: tuple[Obj, ...], counts: dict[str, int]) -> str | None:
    decision = decide(ObservedPending(pod=found, nodes=nodes, pods_by_node=counts), NOW)
    names = [
        action.patch["spec"]["nodeName"]
        for action in decision.actions
        if isinstance(action, Patch) and "spec" in action.patch
    ]
    return names[0] if names else None


TAINT = {"key": "gpu", "effect": "NoSchedule"}
ONE, TWO = "canarium-worker", "canarium-worker2"


@pytest.mark.parametrize(
    ("found", "nodes", "counts", "name"),
    [
        pytest.param(pod(), (node(0), node(1)), {}, ONE, id="the first by name"),
        pytest.param(pod(), (node(0), node(1)), {ONE: 1}, TWO, id="the one with fewer pods"),
        pytest.param(pod(), (node(0, unschedulable=True), node(1)), {TWO: 1}, TWO, id="not a cordoned one"),
        pytest.param(pod(), (node(0, taints=[TAINT]), node(1)), {TWO: 1}, TWO, id="not a tainted one"),
        pytest.param(
            pod(tolerations=[{"key": "gpu", "operator": "Exists"}]),
            (node(0, taints=[TAINT]), node(1)),
            {TWO: 1},
            ONE,
            id="a tainted one it tolerates",
        ),
        pytest.param(
            pod(nodeSelector={"kubernetes.io/hostname": TWO}), (node(0), node(1)), {}, TWO, id="the one it selects"
        ),
        pytest.param(pod(), (node(0),), {ONE: 2}, None, id="none: full"),
        pytest.param(pod(), (), {}, None, id="none: there is none"),
    ],
)
def test_where_a_pod_goes(found: Obj, nodes: tuple[Obj, ...], counts: dict[str, int], name: str | None) -> None:
    assert chosen(found, nodes, counts) == name


def test_a_pod_that_fits_nowhere_is_told_why_once() -> None:
    seen = ObservedPending(pod=pod(), nodes=(node(0),), pods_by_node={ONE: 2})

    decision = decide(seen, NOW)

    (patch,) = decision.actions
    assert isinstance(patch, Patch)
    (condition,) = patch.patch["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "Unschedulable")
    assert condition["message"].startswith("0/1 nodes are available: 1 Too many pods.")
    again = {**pod(), "status": {"conditions": [condition]}}
    assert decide(ObservedPending(pod=again, nodes=(node(0),), pods_by_node={ONE: 2}), NOW).actions == ()


def test_a_bound_pod_stays() -> None:
    assert decide(ObservedPending(pod=pod(nodeName=ONE), nodes=(node(0),), pods_by_node={}), NOW).actions == ()
