"""What counts as a difference between git and cluster, and what would be sent to mend it."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.gitops.application.diff import LAST_APPLIED, apply_patch, is_modified, shared_fields, with_last_applied
from canarium.kube.objects import Obj

TARGET: Obj = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "shop", "namespace": "shop"},
    "spec": {"template": {"spec": {"containers": [{"name": "shop", "ports": [{"containerPort": 9898}]}]}}},
}
SERVICE: Obj = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "shop", "namespace": "shop"},
    "spec": {"ports": [{"port": 80, "name": "http"}], "selector": {"app": "shop"}},
}


def applied(target: Obj, **more: Any) -> Obj:
    return {**with_last_applied(target), **more}


def spec(obj: Obj, **changes: Any) -> Obj:
    return {**obj, "spec": {**obj["spec"], **changes}}


def workload(kind: str, **container: Any) -> Obj:
    """One with a single container."""
    group = "argoproj.io/v1alpha1" if kind == "Rollout" else "apps/v1"
    pod = {"spec": {"containers": [{"name": "shop", "image": "shop:1", **container}]}}
    return {"apiVersion": group, "kind": kind, "metadata": {"name": "shop"}, "spec": {"template": pod}}


def claim(storage: Any) -> Obj:
    spec = {"resources": {"requests": {"storage": storage}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "shop"}, "spec": spec}


DEFAULTED = {
    "template": {"spec": {"containers": [{"name": "shop", "ports": [{"containerPort": 9898, "protocol": "TCP"}]}]}}
}


@pytest.mark.parametrize(
    ("target", "live", "differs"),
    [
        pytest.param(TARGET, applied(TARGET), False, id="the same"),
        pytest.param(TARGET, applied(TARGET, status={"phase": "Degraded"}), False, id="status"),
        pytest.param(TARGET, spec(applied(TARGET), **DEFAULTED), False, id="a default inside a list of a CRD"),
        pytest.param(TARGET, spec(applied(TARGET), replicas=3), False, id="a field git does not mention"),
        pytest.param(spec(TARGET, replicas=2), spec(applied(TARGET), replicas=3), True, id="another value"),
        pytest.param(TARGET, applied(spec(TARGET, paused=True)), True, id="a field gone from git"),
        pytest.param(TARGET, TARGET, False, id="never applied, and equal"),
        pytest.param(
            SERVICE,
            spec(applied(SERVICE), clusterIP="10.96.0.9", ports=[{"port": 80, "name": "http", "protocol": "TCP"}]),
            False,
            id="defaults of a built-in kind",
        ),
        pytest.param(
            SERVICE,
            spec(applied(SERVICE), ports=[{"port": 80, "name": "http"}, {"port": 81, "name": "mine"}]),
            False,
            id="a list item that somebody else added",
        ),
        pytest.param(
            SERVICE,
            applied(spec(SERVICE, ports=[{"port": 80, "name": "http"}, {"port": 81, "name": "old"}])),
            True,
            id="a list item gone from git",
        ),
        pytest.param(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "Yg=="}},
            False,
            id="stringData is data",
        ),
        pytest.param(
            workload("Deployment", resources={"limits": {"cpu": 0.1, "memory": "1024Mi"}}),
            applied(workload("Deployment", resources={"limits": {"cpu": "100m", "memory": "1Gi"}})),
            False,
            id="the same amounts in other words",
        ),
        pytest.param(
            workload("Rollout", resources={"limits": {"cpu": "0.1"}}),
            applied(workload("Rollout", resources={"limits": {"cpu": "100m"}})),
            False,
            id="the same amounts in a Rollout",
        ),
        pytest.param(
            workload("Rollout", resources={"limits": {"cpu": "0.1"}}),
            applied(workload("Rollout", resources={"limits": {"cpu": "110m"}})),
            True,
            id="other amounts",
        ),
        pytest.param(
            workload("Rollout", stdin=False, env=[{"name": "A", "value": ""}]),
            applied(workload("Rollout", env=[{"name": "A"}])),
            False,
            id="what is empty anyway",
        ),
        pytest.param(
            workload("Deployment", ports="?"),
            applied(workload("Deployment", ports="!")),
            True,
            id="what cannot be read as its type",
        ),
        pytest.param(
            claim(1073741824),
            applied(claim("1Gi")),
            True,
            id="a plain number is decimal, which is another amount to Go",
        ),
        pytest.param(claim("1024Mi"), applied(claim("1Gi")), False, id="the same amounts in a claim"),
    ],
)
def test_what_differs(target: Obj, live: Obj, differs: bool) -> None:
    assert is_modified(target, live) is differs


def test_ignored_fields_do_not_differ() -> None:
    live = spec(applied(spec(TARGET, replicas=2)), replicas=5)

    assert is_modified(spec(TARGET, replicas=2), live)
    assert not is_modified(spec(TARGET, replicas=2), live, ["/spec/replicas"])


def test_only_shared_fields_of_a_list_are_compared() -> None:
    assert shared_fields({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}, {"d": 3}], "e": 4}) == {"a": [{"b": 1}, {"d": 3}]}


def test_what_is_applied_is_remembered_as_kubectl_does() -> None:
    found = with_last_applied({"kind": "X", "apiVersion": "v1", "metadata": {"name": "a", "annotations": {"b": "c"}}})

    assert found["metadata"]["annotations"][LAST_APPLIED] == (
        '{"apiVersion":"v1","kind":"X","metadata":{"annotations":{"b":"c"},"name":"a"}}\n'
    )


def test_the_patch_changes_only_what_has_to_change() -> None:
    patch, kind = apply_patch(spec(SERVICE, selector={"app": "other"}), applied(SERVICE))

    assert kind == "strategic"
    assert patch["spec"] == {"selector": {"app": "other"}}
    assert apply_patch(SERVICE, applied(SERVICE)) == ({}, "strategic")
