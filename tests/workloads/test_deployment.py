"""Deployment decisions: the arithmetic of rolling, conditions, revisions."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.decision import Create, Decision, Delete, Patch
from canarium.kube.objects import Obj, condition, format_time, owner_reference
from canarium.workloads.deployment import ObservedDeployment, decide
from canarium.workloads.deployment_sizes import fenceposts, new_size, proportional_scales, scale_down_old

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
REVISION = "deployment.kubernetes.io/revision"


def template(image: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}


def deployment(replicas: int = 10, surge: int | str = "25%", unavailable: int | str = "25%", **spec: Any) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "d",
            "generation": 1,
            "resourceVersion": "1",
            "annotations": {},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template("v2"),
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            },
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            **spec,
        },
    }


def replica_set(
    name: str, size: int, available: int | None = None, *, image: str = "v1", most: int = 0, revision: int = 1
) -> Obj:
    available = size if available is None else available
    annotations = {REVISION: str(revision)}
    if most:
        annotations["deployment.kubernetes.io/max-replicas"] = str(most)
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": name,
            "generation": 1,
            "resourceVersion": "1",
            "labels": {"app": "web"},
            "annotations": annotations,
            "creationTimestamp": format_time(NOW + timedelta(seconds=revision)),
            "ownerReferences": [owner_reference(deployment())],
        },
        "spec": {"replicas": size, "selector": {"matchLabels": {"app": "web"}}, "template": template(image)},
        "status": {
            "replicas": size,
            "availableReplicas": available,
            "readyReplicas": available,
            "observedGeneration": 1,
        },
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "posts"),
    [
        pytest.param(10, "25%", "25%", (3, 2), id="up and down"),
        pytest.param(1, "25%", "25%", (1, 0), id="one pod"),
        pytest.param(10, 0, 0, (0, 1), id="both 0"),
        pytest.param(3, "0%", "0%", (0, 1), id="both 0%"),
        pytest.param(2, 1, 5, (1, 2), id="no more than there are"),
    ],
)
def test_fenceposts(replicas: int, surge: int | str, unavailable: int | str, posts: tuple[int, int]) -> None:
    assert fenceposts(deployment(replicas, surge, unavailable)) == posts


@pytest.mark.parametrize(
    ("replicas", "surge", "old", "new", "size"),
    [
        # Known answers of upstream's TestDeploymentController_reconcileNewReplicaSet.
        pytest.param(10, 0, 10, 0, 0, id="no surge, no room"),
        pytest.param(10, 2, 10, 0, 2, id="the whole surge"),
        pytest.param(10, 2, 5, 0, 7, id="surge and what is missing"),
        pytest.param(10, 2, 10, 2, 2, id="surge used up"),
        pytest.param(10, 2, 2, 8, 10, id="never above what is wanted"),
    ],
)
def test_how_large_the_new_set_may_be(replicas: int, surge: int, old: int, new: int, size: int) -> None:
    sets = [replica_set("old", old), replica_set("new", new)]

    assert new_size(deployment(replicas, surge, 0), sets, sets[1]) == size


@pytest.mark.parametrize(
    ("unavailable", "old", "old_available", "new", "new_available", "left"),
    [
        # Known answers of upstream's TestDeploymentController_reconcileOldReplicaSets.
        pytest.param(0, 10, 10, 0, 0, 9, id="neither surge nor unavailable: one at a time"),
        pytest.param(2, 10, 10, 0, 0, 8, id="two may"),
        pytest.param(2, 10, 8, 0, 0, 8, id="the two sick ones go"),
        pytest.param(2, 10, 8, 2, 0, 8, id="sick old pods make room for new ones"),
        pytest.param(2, 8, 8, 2, 0, None, id="new pods are not available yet"),
        pytest.param(2, 8, 8, 2, 2, 6, id="two new pods replace two old ones"),
        pytest.param(2, 8, 10, 2, 2, 6, id="a set just scaled down still reports what it had"),
    ],
)
def test_how_far_old_sets_shrink(
    unavailable: int, old: int, old_available: int, new: int, new_available: int, left: int | None
) -> None:
    old_set, new_set = replica_set("old", old, old_available), replica_set("new", new, new_available)

    scales = scale_down_old(deployment(10, 0, unavailable), new_set, [old_set])

    assert scales == ([] if left is None else [(old_set, left)])


def test_a_change_of_size_in_mid_rollout_keeps_the_shares() -> None:
    """The example of the Kubernetes documentation: 8 old and 5 new; 10 replicas become 15."""
    old, new = replica_set("old", 8, most=13), replica_set("new", 5, most=13, revision=2)

    scales = proportional_scales(deployment(15, 3, 2), [old, new], new, [old])

    assert [(found["metadata"]["name"], to) for found, to in scales] == [("old", 11), ("new", 7)]


def look(found: Obj, *sets: Obj, now: datetime = NOW) -> Decision:
    return decide(ObservedDeployment(deployment=found, replica_sets=sets, pods={}), now)


def test_a_new_template_gets_a_set_of_the_next_revision() -> None:
    decision = look(deployment(4, 1, 1), replica_set("web-1", 4, revision=3))

    made = decision.actions[0]
    assert isinstance(made, Create)
    name = made.obj["metadata"]["name"]
    digest = name.removeprefix("web-")
    assert made.obj["spec"]["replicas"] == 1
    assert made.obj["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": digest}
    assert made.obj["metadata"]["annotations"] == {
        REVISION: "4",
        "deployment.kubernetes.io/desired-replicas": "4",
        "deployment.kubernetes.io/max-replicas": "5",
    }
    progressing = condition(decision.status or {}, "Progressing")
    assert progressing is not None
    assert progressing["message"] == f'Created new replica set "{name}"'


def test_rolling_back_renames_the_revision_and_remembers_the_former() -> None:
    back, current = replica_set("web-1", 0, image="v2", revision=1), replica_set("web-2", 4, revision=2)

    patch = look(deployment(4), back, current).actions[0]

    assert isinstance(patch, Patch)
    assert patch.patch["metadata"]["annotations"] == {
        REVISION: "3",
        "deployment.kubernetes.io/revision-history": "1",
    }


def test_a_complete_rollout_says_so_and_drops_old_history() -> None:
    olds = [replica_set(f"web-{number}", 0, image=f"v0.{number}", revision=number) for number in range(1, 5)]
    new = replica_set("web-9", 2, image="v2", revision=5)

    decision = look(deployment(2, revisionHistoryLimit=2), *olds, new)

    assert [action.name for action in decision.actions if isinstance(action, Delete)] == ["web-1", "web-2"]
    progressing = condition(decision.status or {}, "Progressing")
    assert progressing is not None
    assert (progressing["reason"], progressing["message"]) == (
        "NewReplicaSetAvailable",
        'ReplicaSet "web-9" has successfully progressed.',
    )


def with_progress(found: Obj, *, since: timedelta) -> Obj:
    at = format_time(NOW - since)
    progressing = {
        "type": "Progressing",
        "status": "True",
        "reason": "ReplicaSetUpdated",
        "message": "",
        "lastUpdateTime": at,
        "lastTransitionTime": at,
    }
    status = {"replicas": 2, "updatedReplicas": 2, "conditions": [progressing], "observedGeneration": 1}
    return {**found, "status": status}


@pytest.mark.parametrize(
    ("since", "status", "reason"),
    [
        pytest.param(timedelta(seconds=60), "True", "ReplicaSetUpdated", id="not yet"),
        pytest.param(timedelta(seconds=61), "False", "ProgressDeadlineExceeded", id="too late"),
    ],
)
def test_the_progress_deadline(since: timedelta, status: str, reason: str) -> None:
    late = with_progress(deployment(2, progressDeadlineSeconds=60), since=since)

    decision = look(late, replica_set("web-9", 2, 0, image="v2"))

    progressing = condition(decision.status or {}, "Progressing")
    assert progressing is not None
    assert (progressing["status"], progressing["reason"]) == (status, reason)
    assert decision.requeue == (timedelta(seconds=1) if status == "True" else None)


def test_a_paused_deployment_only_scales() -> None:
    old, new = replica_set("web-1", 4), replica_set("web-9", 0, image="v2", revision=2)

    decision = look(deployment(4, paused=True), old, new)

    sizes = {action.name: action.patch["spec"] for action in decision.actions if isinstance(action, Patch)}
    assert sizes == {"web-1": {"replicas": 4}}
    progressing = condition(decision.status or {}, "Progressing")
    assert progressing is not None
    assert progressing["reason"] == "DeploymentPaused"


def test_recreate_ends_the_old_pods_before_it_begins() -> None:
    recreate = deployment(3, strategy={"type": "Recreate"})
    old = replica_set("web-1", 3)
    (scaled,) = (action for action in look(recreate, old).actions)
    assert isinstance(scaled, Patch)
    assert scaled.patch["spec"] == {"replicas": 0}

    empty = replica_set("web-1", 0)
    running: Obj = {"metadata": {"name": "p"}, "status": {"phase": "Running"}}
    waiting = decide(ObservedDeployment(deployment=recreate, replica_sets=(empty,), pods={"web-1": (running,)}), NOW)
    assert not [action for action in waiting.actions if isinstance(action, Create)]

    begun = decide(ObservedDeployment(deployment=recreate, replica_sets=(empty,), pods={"web-1": ()}), NOW)
    made = begun.actions[0]
    assert isinstance(made, Create)
    assert made.obj["spec"]["replicas"] == 3


def test_an_empty_selector_is_refused() -> None:
    assert look(deployment(selector={})).events[0].reason == "SelectingAll"


@settings(max_examples=80, deadline=None)
@given(
    replicas=st.integers(1, 8),
    surge=st.integers(0, 3),
    unavailable=st.integers(0, 3),
    picks=st.lists(st.integers(0, 7), min_size=1, max_size=40),
)
def test_a_rollout_keeps_its_promises_whatever_order_pods_become_available_in(
    replicas: int, surge: int, unavailable: int, picks: list[int]
) -> None:
    """At every instant: no more pods than replicas + maxSurge, no fewer available than replicas - maxUnavailable."""
    found = deployment(replicas, surge, unavailable)
    most_surge, most_unavailable = fenceposts(found)
    sets = {
        "web-1": replica_set("web-1", replicas, revision=1),
        "web-9": replica_set("web-9", 0, image="v2", revision=2),
    }

    for pick in [*picks, *range(60)]:
        for action in decide(
            ObservedDeployment(deployment=found, replica_sets=tuple(copy.deepcopy(list(sets.values()))), pods={}), NOW
        ).actions:
            if isinstance(action, Patch) and action.resource.kind == "ReplicaSet" and "spec" in action.patch:
                one = sets[action.name]
                one["spec"]["replicas"] = action.patch["spec"]["replicas"]
                # Available pods are the last to go, as ReplicaSets rank them.
                one["status"]["availableReplicas"] = min(one["status"]["availableReplicas"], one["spec"]["replicas"])
                one["metadata"]["annotations"].update(action.patch["metadata"]["annotations"])
        sizes = [one["spec"]["replicas"] for one in sets.values()]
        available = sum(one["status"]["availableReplicas"] for one in sets.values())
        assert sum(sizes) <= replicas + most_surge
        assert available >= replicas - most_unavailable
        chosen = sets["web-1" if pick % 3 == 0 else "web-9"]
        if chosen["status"]["availableReplicas"] < chosen["spec"]["replicas"]:
            chosen["status"]["availableReplicas"] += 1
        for one in sets.values():
            one["status"]["replicas"] = one["spec"]["replicas"]

    assert (sets["web-1"]["spec"]["replicas"], sets["web-9"]["spec"]["replicas"]) == (0, replicas)
