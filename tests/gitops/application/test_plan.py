"""The order of a sync, and that carrying it out leaves nothing to do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.gitops.application.compare import compare, pair_up
from canarium.gitops.application.plan import Task, make_plan
from canarium.gitops.application.resource_key import SYNC_WAVE, ResourceKey, resource_key, tracked
from canarium.gitops.application.sync import Options, Step, next_step
from canarium.kube.decision import Create, Delete, Patch
from canarium.kube.objects import Obj
from canarium.kube.patch import merge, strategic
from canarium.kube.resources import CORE, Resource

APP: Obj = {"metadata": {"name": "shop", "namespace": "argocd"}, "spec": {}}
KINDS = {(resource.api_version, resource.kind): resource for resource in CORE}


def resource_of(obj: Obj) -> Resource | None:
    return KINDS.get((obj["apiVersion"], obj["kind"]))


def obj(kind: str, name: str, *, wave: int = 0, api_version: str = "v1", namespace: str = "shop", **body: Any) -> Obj:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if kind in ("Namespace", "CustomResourceDefinition"):
        del metadata["namespace"]
    if wave:
        metadata["annotations"] = {SYNC_WAVE: str(wave)}
    return tracked({"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}, "shop", "shop")


def live(made: Obj) -> Obj:
    return {**made, "metadata": {**made["metadata"], "uid": made["metadata"]["name"], "resourceVersion": "1"}}


def order(targets: list[Obj], there: list[Obj] = [], **options: Any) -> list[str]:  # noqa: B006  # never changed
    pairs = pair_up(APP, targets, {resource_key(one): live(one) for one in there})
    return [
        f"{'-' if task.is_prune else '+'}{task.key.kind}/{task.key.name}@{task.phase[0]}{task.wave}"
        for task in make_plan(pairs, **options)
    ]


def test_kinds_come_in_the_order_of_what_needs_what_and_unknown_ones_last() -> None:
    targets = [
        obj("Rollout", "a", api_version="argoproj.io/v1alpha1"),
        obj("Deployment", "a", api_version="apps/v1"),
        obj("Service", "b"),
        obj("Service", "a"),
        obj("ConfigMap", "a"),
        obj("Namespace", "other"),
        obj("Secret", "a"),
    ]

    assert order(targets) == [
        "+Namespace/other@S0",
        "+Secret/a@S0",
        "+ConfigMap/a@S0",
        "+Service/a@S0",
        "+Service/b@S0",
        "+Deployment/a@S0",
        "+Rollout/a@S0",
    ]


def test_waves_come_before_kinds() -> None:
    targets = [obj("ConfigMap", "late", wave=1), obj("Service", "early", wave=-1), obj("Service", "now")]

    assert order(targets) == ["+Service/early@S-1", "+Service/now@S0", "+ConfigMap/late@S1"]


def test_a_namespace_and_a_kind_are_made_before_the_first_that_needs_them_whatever_their_wave() -> None:
    crd: dict[str, Any] = {"group": "x.io", "names": {"kind": "Thing"}}
    targets = [
        obj("Thing", "a", api_version="x.io/v1", wave=-5),
        obj("CustomResourceDefinition", "things.x.io", api_version="apiextensions.k8s.io/v1", wave=3, spec=crd),
        obj("Namespace", "shop", wave=7),
    ]

    assert order(targets) == ["+Namespace/shop@S-5", "+CustomResourceDefinition/things.x.io@S-5", "+Thing/a@S-5"]


def test_what_was_made_last_is_pruned_first() -> None:
    there = [obj("ConfigMap", "a", wave=1), obj("ConfigMap", "b", wave=2), obj("ConfigMap", "c", wave=3)]

    assert order([obj("Service", "s")], there) == [
        "+Service/s@S0",
        "-ConfigMap/c@S1",
        "-ConfigMap/b@S2",
        "-ConfigMap/a@S3",
    ]
    assert order([obj("Service", "s", wave=2)], there[:1], prune_last=True) == ["+Service/s@S2", "-ConfigMap/a@S3"]


def test_the_namespace_of_the_destination_comes_before_everything() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}

    assert order([obj("Service", "s", wave=-9)], namespace=namespace) == ["+Namespace/shop@P0", "+Service/s@S-9"]
    assert order([obj("Namespace", "shop")], namespace=namespace) == ["+Namespace/shop@S0"]


def step(tasks: tuple[Task, ...], before: Any = (), **options: Any) -> Step:
    refusals = options.pop("refusals", {})
    return next_step(tasks, before, resource_of=resource_of, refusals=refusals, options=Options(**options))


def test_prune_is_skipped_unless_asked_for_and_where_an_object_forbids_it() -> None:
    kept = obj("ConfigMap", "kept")
    kept["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] = "Prune=false"
    pairs = pair_up(APP, [], {resource_key(one): live(one) for one in (kept, obj("ConfigMap", "gone"))})

    asked, not_asked = step(make_plan(pairs), prune=True), step(make_plan(pairs))

    assert [action.name for action in asked.actions if isinstance(action, Delete)] == ["gone"]
    assert {one["name"]: one["message"] for one in asked.results} == {"kept": "ignored (no prune)", "gone": "pruned"}
    assert not not_asked.actions
    assert {one["message"] for one in not_asked.results} == {"ignored (requires pruning)"}
    assert not_asked.phase == "Succeeded"


def test_what_is_refused_fails_the_step_and_the_rest_is_applied() -> None:
    tasks = make_plan(pair_up(APP, [obj("ConfigMap", "good"), obj("Service", "bad")], {}))

    result = step(tasks, refusals={ResourceKey("", "Service", "shop", "bad"): "spec.ports: Required value"})

    assert result.phase == "Failed"
    assert result.message == "one or more objects failed to apply, reason: spec.ports: Required value"
    assert result.applied == ("ConfigMap/good",)


def test_a_wave_that_degrades_fails_the_sync() -> None:
    tasks = make_plan(pair_up(APP, [obj("Deployment", "a", api_version="apps/v1"), obj("ConfigMap", "b", wave=1)], {}))
    first = step(tasks)
    assert first.message == "waiting for healthy state of apps/Deployment/a"
    condition = {"type": "Progressing", "reason": "ProgressDeadlineExceeded"}
    there = live({**tasks[0].obj, "status": {"conditions": [condition]}})
    seen = make_plan(pair_up(APP, [task.obj for task in tasks], {resource_key(there): there}))

    second = step(seen, first.results)

    assert second.phase == "Failed"
    assert second.message == "one or more synchronization tasks completed unsuccessfully"
    assert not second.actions


NAMES = st.sampled_from(["a", "b", "c", "d"])
OBJECTS = st.dictionaries(
    st.tuples(st.sampled_from(["ConfigMap", "Service", "Secret"]), NAMES),
    st.tuples(st.integers(-2, 2), st.dictionaries(st.sampled_from("xyz"), st.sampled_from("123"), max_size=3)),
    max_size=6,
)


def made(found: Any) -> list[Obj]:
    return [obj(kind, name, wave=wave, data=data) for (kind, name), (wave, data) in found.items()]


def carry_out(actions: Any, there: dict[ResourceKey, Obj]) -> None:
    """A cluster that does as it is told, defaults something, and finds everything healthy."""
    for action in actions:
        match action:
            case Create(obj=new):
                there[resource_key(new)] = {**live(new), "defaulted": True}
            case Patch(resource=resource, namespace=namespace, name=name, patch=patch, type=kind):
                key = ResourceKey(resource.group, resource.kind, namespace, name)
                old = there[key]
                there[key] = (
                    strategic.apply(old, patch, (key.group, key.kind))
                    if kind == "strategic"
                    else merge.apply(old, patch)
                )
            case Delete(resource=resource, namespace=namespace, name=name):
                del there[ResourceKey(resource.group, resource.kind, namespace, name)]


@given(OBJECTS, OBJECTS, OBJECTS)
@settings(max_examples=80, deadline=None)
def test_carrying_out_the_plan_gives_synced_and_touches_no_stranger(wanted: Any, owned: Any, strangers: Any) -> None:
    there = {resource_key(one): live(one) for one in made(owned)}
    for one in made(strangers):
        alien = {**one, "metadata": {"name": f"alien-{one['metadata']['name']}", "namespace": "shop"}}
        there[resource_key(alien)] = live(alien)
    aliens = {key: one for key, one in there.items() if key.name.startswith("alien-")}
    targets, results = made(wanted), ()

    for _ in range(20):
        done = step(make_plan(pair_up(APP, targets, there)), results, prune=True)
        carry_out(done.actions, there)
        results = done.results  # type: ignore[assignment]  # began empty
        if done.phase != "Running":
            break

    assert done.phase == "Succeeded", done.message
    assert compare(APP, targets, there).sync == "Synced"
    assert {key: one for key, one in there.items() if key.name.startswith("alien-")} == aliens
    assert set(there) == {resource_key(one) for one in targets} | set(aliens)
    assert not step(make_plan(pair_up(APP, targets, there)), prune=True).actions


@pytest.mark.parametrize("order_of", [lambda tasks: tasks, lambda tasks: list(reversed(tasks))])
@given(OBJECTS, OBJECTS)
@settings(max_examples=50, deadline=None)
def test_the_plan_does_not_depend_on_the_order_of_what_is_read(order_of: Any, wanted: Any, owned: Any) -> None:
    forwards = order(made(wanted), made(owned))

    assert order(order_of(made(wanted)), order_of(made(owned))) == forwards
