"""ReplicaSet decisions: how many, which first, whose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.decision import Create, Delete, Patch
from canarium.kube.objects import Obj, format_time, owner_reference
from canarium.workloads.names import PodNames
from canarium.workloads.replicaset import ObservedReplicaSet, decide, pod_from, ranked_for_deletion

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def replica_set(replicas: int = 3, **spec: Any) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "shop", "uid": "rs", "resourceVersion": "1", "generation": 2},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web", "v": "1"}}, "spec": {"containers": []}},
            **spec,
        },
    }


def pod(
    name: str,
    *,
    ready_for: float | None = 3600,
    node: str | None = "n1",
    phase: str = "Running",
    owned: bool = True,
    restarts: int = 0,
    created: float = 7200,
    cost: str = "",
    labels: dict[str, str] | None = None,
    deleted: bool = False,
) -> Obj:
    status: dict[str, Any] = {"phase": phase, "containerStatuses": [{"restartCount": restarts}]}
    if ready_for is not None:
        since = format_time(NOW - timedelta(seconds=ready_for))
        status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "shop",
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "labels": {"app": "web", "v": "1"} if labels is None else labels,
        "creationTimestamp": format_time(NOW - timedelta(seconds=created)),
    }
    if owned:
        metadata["ownerReferences"] = [owner_reference(replica_set())]
    if cost:
        metadata["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": cost}
    if deleted:
        metadata["deletionTimestamp"] = format_time(NOW)
    return {"metadata": metadata, "spec": {"nodeName": node} if node else {}, "status": status}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"node": None}, {}, id="unscheduled before scheduled"),
        pytest.param({"phase": "Pending", "ready_for": None}, {}, id="pending before running"),
        pytest.param({"ready_for": None}, {}, id="unready before ready"),
        pytest.param({"cost": "-5"}, {"cost": "3"}, id="cheap before costly"),
        pytest.param({"ready_for": 10}, {"ready_for": 3600}, id="ready for less long"),
        pytest.param({"restarts": 4, "ready_for": None}, {"ready_for": None}, id="more restarts"),
        pytest.param({"created": 10, "ready_for": None}, {"created": 9999, "ready_for": None}, id="younger"),
        pytest.param(
            {"node": None, "cost": "99"}, {"cost": "-99"}, id="being unscheduled counts more than what deletion costs"
        ),
    ],
)
@pytest.mark.parametrize("order", ["as given", "the other way round"])
def test_which_pod_goes_first(first: dict[str, Any], second: dict[str, Any], order: str) -> None:
    pods = [pod("a", **first), pod("b", **second)]
    named = [pod("b", **first), pod("a", **second)]
    chosen = pods if order == "as given" else list(reversed(named))

    ranked = ranked_for_deletion(chosen, (), NOW)

    assert ranked[0] is chosen[0 if order == "as given" else 1]


def test_pods_that_share_a_node_go_first() -> None:
    pods = [pod("a", node="n1"), pod("b", node="n2"), pod("c", node="n2")]

    assert ranked_for_deletion(pods, (), NOW)[-1]["metadata"]["name"] == "a"


def test_pods_of_like_age_are_told_apart_by_uid() -> None:
    """KEP-2185: ages are compared by their logarithm, so one second among hours decides nothing."""
    pods = [pod("a", ready_for=3600), pod("b", ready_for=3599)]

    assert ranked_for_deletion(pods, (), NOW)[0]["metadata"]["name"] == "a"


def test_missing_pods_are_created_under_the_names_that_are_next() -> None:
    seen = ObservedReplicaSet(replica_set=replica_set(3), pods=(pod("web-a"),), new_names=("web-b", "web-c"))

    decision = decide(seen, NOW)

    made = [action.obj["metadata"] for action in decision.actions if isinstance(action, Create)]
    assert [metadata["name"] for metadata in made] == ["web-b", "web-c"]
    assert made[0]["generateName"] == "web-"
    assert [event.message for event in decision.events] == ["Created pod: web-b", "Created pod: web-c"]


def test_surplus_pods_are_deleted_only_if_they_are_those_that_were_seen() -> None:
    seen = ObservedReplicaSet(replica_set=replica_set(1), pods=(pod("web-a"), pod("web-b", ready_for=None)))

    (deletion,) = decide(seen, NOW).actions

    assert isinstance(deletion, Delete)
    assert (deletion.name, deletion.uid) == ("web-b", "uid-web-b")


def test_an_orphan_that_matches_is_adopted_and_a_stranger_let_go() -> None:
    pods = (pod("web-a", owned=False), pod("web-b", labels={"app": "debug"}))

    adopted, released = decide(ObservedReplicaSet(replica_set=replica_set(1), pods=pods), NOW).actions

    assert isinstance(adopted, Patch)
    assert adopted.patch["metadata"]["ownerReferences"][0]["uid"] == "rs"
    assert isinstance(released, Patch)
    assert released.patch == {"metadata": {"ownerReferences": None}}


def test_ended_and_terminating_pods_do_not_count() -> None:
    pods = (pod("web-a", phase="Failed"), pod("web-b", deleted=True))
    seen = ObservedReplicaSet(replica_set=replica_set(1), pods=pods, new_names=("web-c",))

    assert len(decide(seen, NOW).actions) == 1


def test_a_set_that_is_deleted_creates_nothing() -> None:
    dying = replica_set(3)
    dying["metadata"]["deletionTimestamp"] = format_time(NOW)

    assert decide(ObservedReplicaSet(replica_set=dying, pods=(), new_names=("web-a",)), NOW).actions == ()


def test_status_counts() -> None:
    pods = (pod("a"), pod("b", ready_for=5), pod("c", ready_for=None), pod("d", labels={"app": "web"}))

    decision = decide(ObservedReplicaSet(replica_set=replica_set(4, minReadySeconds=10), pods=pods), NOW)

    assert decision.status == {
        "replicas": 4,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 2,
        "observedGeneration": 2,
    }
    assert decision.requeue == timedelta(seconds=5)
    assert str(decision.because[0]) == "2 of 4 pods are available"


def test_a_pod_is_what_the_template_says() -> None:
    made = pod_from(replica_set(), "web-x")

    assert made["metadata"]["labels"] == {"app": "web", "v": "1"}
    assert made["metadata"]["ownerReferences"] == [owner_reference(replica_set())]


@given(existing=st.integers(0, 6), hidden=st.integers(0, 6))
def test_a_lagging_view_names_the_same_pods_again(existing: int, hidden: int) -> None:
    """Whoever does not see the newest pods yet creates exactly those: AlreadyExists, no surplus."""
    names = PodNames("rs")
    pods = [f"web-{names.suffix(number)}" for number in range(existing + hidden)]

    first = PodNames("rs").next_number(pods[:existing])

    assert [f"web-{names.suffix(first + more)}" for more in range(hidden)] == pods[existing:]


def test_names_do_not_repeat_and_are_safe() -> None:
    names = PodNames("rs")
    made = [names.suffix(number) for number in range(2000)]

    assert len(set(made)) == 2000
    assert set("".join(made)) <= set("bcdfghjklmnpqrstvwxz2456789")


@settings(max_examples=60, deadline=None)
@given(
    want=st.integers(0, 5),
    states=st.lists(st.sampled_from(["ready", "pending", "unready", "failed", "deleted", "orphan"]), max_size=6),
)
def test_deciding_again_after_applying_asks_for_nothing_new(want: int, states: list[str]) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "ready": {},
        "pending": {"phase": "Pending", "ready_for": None, "node": None},
        "unready": {"ready_for": None},
        "failed": {"phase": "Failed"},
        "deleted": {"deleted": True},
        "orphan": {"owned": False},
    }
    world = {f"web-{number}": pod(f"web-{number}", **kinds[state]) for number, state in enumerate(states)}
    seen = ObservedReplicaSet(
        replica_set=replica_set(want), pods=tuple(world.values()), new_names=tuple(f"new-{n}" for n in range(9))
    )

    for action in decide(seen, NOW).actions:
        if isinstance(action, Create):
            made = pod(action.obj["metadata"]["name"], phase="Pending", ready_for=None)
            world[made["metadata"]["name"]] = made
        elif isinstance(action, Delete):
            del world[action.name]
        else:
            found = world[action.name]
            world[action.name] = {**found, "metadata": {**found["metadata"], **action.patch["metadata"]}}

    again = decide(ObservedReplicaSet(replica_set=replica_set(want), pods=tuple(world.values())), NOW)
    assert again.actions == ()
