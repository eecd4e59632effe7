"""Garbage collection and the end of namespaces: the decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canarium.kube.decision import Delete, Patch
from canarium.kube.objects import Obj
from canarium.kube.resources import CONFIG_MAPS, PODS, REPLICA_SETS
from canarium.workloads import namespaces
from canarium.workloads.garbage import Dependent, ObservedObject, OwnerState, decide

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def ref(uid: str, *, blocks: bool = True) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": uid, "uid": uid, "blockOwnerDeletion": blocks}


def obj(name: str, *owners: dict[str, Any], finalizers: tuple[str, ...] = (), deleted: bool = False) -> Obj:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "3"}
    if owners:
        metadata["ownerReferences"] = list(owners)
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-05T09:00:00Z"
    return {"metadata": metadata}


def seen(found: Obj, *states: OwnerState, dependents: tuple[Dependent, ...] = ()) -> ObservedObject:
    return ObservedObject(resource=PODS, obj=found, owners=states, dependents=dependents)


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        pytest.param((), None, id="nobody's"),
        pytest.param(("solid",), None, id="its owner is there"),
        pytest.param(("dangling",), "Background", id="its owner is gone"),
        pytest.param(("dangling", "dangling"), "Background", id="both owners are gone"),
        pytest.param(("solid", "dangling"), "a", id="one of two owners is gone: only the reference goes"),
        pytest.param(("waiting",), "Background", id="its owner waits for it"),
    ],
)
def test_what_becomes_of_an_owned_object(states: tuple[OwnerState, ...], outcome: str | None) -> None:
    found = obj("p", *(ref(name) for name in "ab"[: len(states)]))

    actions = decide(seen(found, *states)).actions

    match outcome:
        case None:
            assert actions == ()
        case "a":
            (patch,) = actions
            assert isinstance(patch, Patch)
            assert [kept["uid"] for kept in patch.patch["metadata"]["ownerReferences"]] == ["a"]
        case _:
            (deletion,) = actions
            assert isinstance(deletion, Delete)
            assert (deletion.uid, deletion.propagation) == ("p", outcome)


def test_foreground_deletion_reaches_down() -> None:
    """A ReplicaSet whose Deployment waits for it waits for its own pods in turn."""
    pods = (Dependent(PODS, obj("p", ref("rs"))),)

    (deletion,) = decide(seen(obj("rs", ref("d")), "waiting", dependents=pods)).actions

    assert isinstance(deletion, Delete)
    assert deletion.propagation == "Foreground"


@pytest.mark.parametrize(
    ("dependents", "is_let_go"),
    [
        pytest.param((), True, id="none left"),
        pytest.param((Dependent(PODS, obj("p", ref("rs"))),), False, id="one blocks"),
        pytest.param((Dependent(PODS, obj("p", ref("rs", blocks=False))),), True, id="one that does not block"),
    ],
)
def test_a_foreground_deletion_waits_for_what_blocks(dependents: tuple[Dependent, ...], is_let_go: bool) -> None:
    found = obj("rs", finalizers=("foregroundDeletion", "x/y"), deleted=True)

    actions = decide(seen(found, dependents=dependents)).actions

    assert bool(actions) is is_let_go
    if is_let_go:
        (patch,) = actions
        assert isinstance(patch, Patch)
        assert patch.patch == {"metadata": {"finalizers": ["x/y"]}}


def test_orphaning_takes_the_owner_off_its_dependents_first() -> None:
    found = obj("rs", finalizers=("orphan",), deleted=True)
    pods = (Dependent(PODS, obj("p", ref("rs"), ref("other"))),)

    freed, let_go = decide(seen(found, dependents=pods)).actions

    assert isinstance(freed, Patch)
    assert [kept["uid"] for kept in freed.patch["metadata"]["ownerReferences"]] == ["other"]
    assert isinstance(let_go, Patch)
    assert let_go.patch == {"metadata": {"finalizers": None}}


def namespace(*, deleted: bool = True) -> Obj:
    metadata: dict[str, Any] = {"name": "shop", "uid": "n", "resourceVersion": "9"}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-05T09:00:00Z"
    return {"metadata": metadata, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating"}}


def test_an_active_namespace_is_left_alone() -> None:
    found = namespaces.ObservedNamespace(namespace=namespace(deleted=False), contents=())

    assert namespaces.decide(found, NOW).actions == ()


def test_a_namespace_is_emptied_before_it_goes() -> None:
    pod = {**obj("p"), "spec": {"terminationGracePeriodSeconds": 30}}
    contents = ((CONFIG_MAPS, (obj("c", finalizers=("x/y",), deleted=True),)), (PODS, (pod,)))

    decision = namespaces.decide(namespaces.ObservedNamespace(namespace=namespace(), contents=contents), NOW)

    assert [action.name for action in decision.actions if isinstance(action, Delete)] == ["p"]
    assert decision.requeue == timedelta(seconds=16)
    told = {c["type"]: c["message"] for c in (decision.status or {})["conditions"]}
    assert told["NamespaceContentRemaining"] == (
        "Some resources are remaining: configmaps has 1 resource instances, pods has 1 resource instances"
    )
    assert told["NamespaceFinalizersRemaining"] == (
        "Some content in the namespace has finalizers remaining: x/y in 1 resource instances"
    )


def test_an_empty_namespace_is_let_go() -> None:
    decision = namespaces.decide(namespaces.ObservedNamespace(namespace=namespace(), contents=()), NOW)

    (patch,) = decision.actions
    assert isinstance(patch, Patch)
    assert patch.patch == {"spec": {"finalizers": []}}
    assert decision.status is None


def test_what_is_solid_is_not_deleted_when_its_kind_differs() -> None:
    assert decide(ObservedObject(resource=REPLICA_SETS, obj=obj("rs"), owners=(), dependents=())).actions == ()
