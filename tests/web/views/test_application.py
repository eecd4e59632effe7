"""One Application: its tree down to pods, its troubles, what may be done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from canarium.kube.controller.manager import Manager
from canarium.kube.resources import PODS, SERVICES
from canarium.rollouts.kinds import ROLLOUTS
from canarium.web.model import ApplicationDetail, Commit, TreeNode
from canarium.web.views.application import ApplicationValue, application_actions
from canarium.web.views.application_why import application_why, place_of
from tests.acceptance.lab import NAME, NEW, OLD, STAGING, STAGING_FILE, Lab, in_lab

APP = "echo-server-staging"
COMMIT = Commit(sha="b" * 40, message="", author="", date="")


@asynccontextmanager
async def looking(lab: Lab, *, is_read_only: bool = False) -> AsyncIterator[ApplicationValue]:
    """The view of staging's Application, kept fresh."""
    manager = Manager(lab.world.cluster, lab.clock)
    view = ApplicationValue(
        manager.listers, lab.clock, lab.world.repositories, "argocd", APP, is_read_only=is_read_only
    )
    await manager.start()
    try:
        yield view
    finally:
        await manager.stop()


def seen(view: ApplicationValue) -> ApplicationDetail:
    """The value, which is there."""
    found = view.value()
    assert found is not None
    return found


def node(detail: ApplicationDetail, kind: str, name: str = "") -> TreeNode:
    """The first node of a kind."""
    return next(one for one in detail.nodes if one.kind == kind and (not name or one.name == name))


def app(**status: Any) -> dict[str, Any]:
    """A plain Application."""
    return {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"source": {"repoURL": "r", "path": "p", "targetRevision": "HEAD"}, "destination": {}},
        "status": {
            "sync": {"status": "Synced", "revision": "b" * 40},
            "health": {"status": "Healthy"},
            **status,
        },
    }


def test_the_tree_goes_down_to_pods_with_health_extras_and_links(tmp_path: Path) -> None:
    """After a canary that failed: old and new ReplicaSet, pods of the stable one, and the run below the Rollout."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy(mended=False)
        await lab.update()
        await lab.until_phase("Degraded")
        await lab.until(lambda: lab.app()["status"]["health"]["status"] == "Degraded", "the Application being Degraded")
        await lab.world.sleep(60)
        async with looking(lab) as view:
            detail = seen(view)

            rollout = node(detail, "Rollout")
            assert (rollout.parent, rollout.sync, rollout.health, rollout.is_managed) == (
                "",
                "Synced",
                "Degraded",
                True,
            )
            assert rollout.href == f"/rollouts/{STAGING}/{NAME}"
            assert rollout.info == ("rev:2", "podinfo:6.9.3")
            sets = [one for one in detail.nodes if one.kind == "ReplicaSet"]
            assert [one.name for one in sets] == [f"{NAME}-{NEW}", f"{NAME}-{OLD}"]
            assert [one.info for one in sets] == [("rev:2", "0/0", "podinfo:6.9.3"), ("rev:1", "1/1", "podinfo:6.8.0")]
            assert {one.parent for one in sets} == {rollout.id}
            pods = [one for one in detail.nodes if one.kind == "Pod"]
            assert len(pods) == 1
            assert {(one.parent, one.health, one.sync) for one in pods} == {(sets[1].id, "Healthy", "")}
            assert pods[0].info == ("Running", "1/1", "podinfo:6.8.0")
            assert pods[0].href == f"/rollouts/{STAGING}/{NAME}/pods/{pods[0].name}"
            run = node(detail, "AnalysisRun")
            assert (run.parent, run.health) == (rollout.id, "Degraded")
            assert run.href == f"/rollouts/{STAGING}/{NAME}/analysis/{run.name}"
            assert [one.commit.message for one in detail.history] == [
                "Change something",
                "Deploy podinfo 6.8.0 to staging and prod",
            ]
            assert detail.history[0].initiated_by == "automated sync"
            assert detail.operation is not None
            assert detail.operation.phase == "Succeeded"
            assert any(text.startswith(f"Rollout/{NAME}: ") for text in detail.operation.results)
            assert detail.why.tone == "bad"
            assert detail.why.lines[0] == f"It is Degraded because Rollout/{NAME} is Degraded."
            [fact] = detail.why.evidence
            assert fact.href == rollout.href
            assert fact.text == f"Rollout/{NAME}: {rollout.health_message}"
            assert detail.images == ("stefanprodan/podinfo:6.9.3",)
            pod = lab.world.all(PODS, STAGING)[0]
            assert view.is_concerned(PODS, pod)
            assert view.is_concerned(ROLLOUTS, lab.rollout())
            assert not view.is_concerned(PODS, lab.world.all(PODS, "echo-prod")[0])

    in_lab(tmp_path, scenario)


def test_a_change_by_hand_is_told_with_what_a_sync_would_do(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        await lab.apply_appset({"selfHeal: true": "selfHeal: false"})
        await lab.until(lambda: len(lab.apps("Synced", "Healthy")) == 2, "both Applications becoming Healthy")
        async with looking(lab) as view:
            assert seen(view).why.tone == "good"

            await lab.patch(SERVICES, STAGING, NAME, {"spec": {"selector": {"app": "other"}}})
            await lab.until(
                lambda: lab.apps("OutOfSync", "Healthy") or None, "the drift being seen", timedelta(minutes=1)
            )
            await lab.world.sleep(1)
            detail = seen(view)

        assert node(detail, "Service").sync == "OutOfSync"
        assert detail.why.tone == "attention"
        assert detail.why.lines == (f"It is not as git says: Service/{NAME} is different.",)
        assert "selfHeal" in detail.why.next_step
        sync = detail.actions[2]
        assert f"Changes Service/{NAME}." in sync.consequence
        assert sync.refused == ""

    in_lab(tmp_path, scenario)


def test_a_manifest_that_does_not_render_is_told_with_file_and_line(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        text = lab.copy.read(STAGING_FILE)
        lab.push({STAGING_FILE: f"{text}\tresources: [\n"})
        await lab.refresh(APP)
        await lab.until(lambda: lab.complaint() or None, "the complaint")
        await lab.world.sleep(1)
        async with looking(lab) as view:
            detail = seen(view)

        [condition] = detail.conditions
        line = len(text.splitlines()) + 1
        assert condition.type == "ComparisonError"
        assert condition.is_error
        assert condition.file == f"{STAGING_FILE}:{line}"
        assert condition.file in condition.message
        assert detail.row.problem == condition.message
        assert (detail.why.tone, detail.why.reasons[0]) == ("bad", "RenderFailed")
        assert f"{STAGING_FILE}:{line}" in detail.why.lines[0]
        assert detail.why.next_step

    in_lab(tmp_path, scenario)


def test_what_does_not_exist_has_no_value(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        async with looking(lab) as view:
            assert view.value() is None

    in_lab(tmp_path, scenario)


def test_actions_are_refused_read_only_during_a_deletion_and_during_another_sync() -> None:
    leaving = {**app(), "metadata": {**app()["metadata"], "deletionTimestamp": "2026-01-02T03:04:05Z"}}
    busy = {**app(), "operation": {"sync": {}}}

    assert all(one.refused for one in application_actions(app(), COMMIT, is_read_only=True))
    assert all(one.refused for one in application_actions(leaving, COMMIT, is_read_only=False))
    assert [bool(one.refused) for one in application_actions(busy, COMMIT, is_read_only=False)] == [False, False, True]


def test_a_sync_says_what_it_would_prune() -> None:
    extra = {"kind": "ConfigMap", "name": "old", "namespace": "shop", "status": "OutOfSync", "requiresPruning": True}
    found = app(resources=[extra], sync={"status": "OutOfSync", "revision": "b" * 40})

    sync = application_actions(found, COMMIT, is_read_only=False)[2]

    assert sync.is_dangerous
    assert sync.consequence == (
        "Applies HEAD (bbbbbbb). With prune it also deletes ConfigMap/old, which git no longer has."
    )


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (
            "Failed to load target state: failed to generate manifest for source 1 of 1: "
            "apps/shop/rollout.yaml:14:3: spec: wrong",
            "apps/shop/rollout.yaml:14",
        ),
        (
            "Failed to load target state: failed to generate manifest for source 1 of 1: "
            "there is no repository at https://git.example.com/x.git",
            "",
        ),
    ],
    ids=["a file", "a repository"],
)
def test_the_place_in_a_message(message: str, place: str) -> None:
    assert place_of(message) == place


def test_a_failed_sync_and_a_running_one_are_told() -> None:
    failed = app(
        operationState={
            "phase": "Failed",
            "message": "one or more objects failed to apply",
            "syncResult": {
                "resources": [{"kind": "Service", "name": "web", "status": "SyncFailed", "message": "is invalid"}]
            },
        }
    )
    running = app(operationState={"phase": "Running", "message": "waiting for healthy state of Rollout/web"})

    why, meanwhile = application_why(failed, ()), application_why(running, ())

    assert why.tone == "bad"
    assert why.lines == ("The last sync failed: one or more objects failed to apply",)
    assert [one.text for one in why.evidence] == ["Service/web: is invalid"]
    assert meanwhile.tone == "waiting"
    assert meanwhile.reasons == ("Syncing",)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({}, "does not sync itself"),
        ({"automated": {}}, "does not prune by itself"),
        ({"automated": {"prune": True, "selfHeal": True}}, "Wait a moment"),
        ({"automated": {"prune": True}}, "without selfHeal"),
    ],
    ids=["manual", "no prune", "self-heal", "no self-heal"],
)
def test_what_to_do_about_a_difference_depends_on_the_sync_policy(policy: dict[str, Any], words: str) -> None:
    extra = {"kind": "ConfigMap", "name": "old", "status": "OutOfSync", "requiresPruning": True}
    found = app(resources=[extra], sync={"status": "OutOfSync", "revision": "b" * 40})
    found["spec"]["syncPolicy"] = policy

    why = application_why(found, ())

    assert why.tone == "attention"
    assert why.lines == ("It is not as git says: ConfigMap/old is not in git any more.",)
    assert words in why.next_step
    assert why.commands == (f"canarium app sync {found['metadata']['name']} --prune",)


@pytest.mark.parametrize(
    ("told", "reason", "begins"),
    [
        (
            "spec.source.path: shop: app path does not exist (Set it to a folder that this revision has.)",
            "RenderFailed",
            "What git says does not render: spec.source.path: shop: app path does not exist",
        ),
        (
            "unable to resolve 'main' to a commit SHA in /srv/shop.git (Set targetRevision to a branch.)",
            "GitUnreachable",
            "What git says cannot be read: unable to resolve 'main' to a commit SHA",
        ),
    ],
    ids=["a folder that is missing", "a branch that is missing"],
)
def test_what_keeps_git_from_being_compared_has_a_name_of_its_own(told: str, reason: str, begins: str) -> None:
    message = f"Failed to load target state: failed to generate manifest for source 1 of 1: {told}"

    why = application_why(app(conditions=[{"type": "ComparisonError", "message": message}]), ())

    assert why.reasons == (reason,)
    assert why.lines[0].startswith(begins)
    assert why.next_step.startswith("Set ")
    assert told not in why.evidence[0].text, "the lines tell it"


def test_what_is_missing_is_told_once() -> None:
    missing = {
        "kind": "ConfigMap",
        "namespace": "shop",
        "name": "web",
        "status": "OutOfSync",
        "health": {"status": "Missing"},
    }
    found = app(resources=[missing], sync={"status": "OutOfSync", "revision": "b" * 40}, health={"status": "Missing"})
    node = TreeNode(
        id="/ConfigMap/shop/web",
        parent="",
        group="",
        kind="ConfigMap",
        namespace="shop",
        name="web",
        sync="OutOfSync",
        health="Missing",
        health_message="",
        info=(),
        created="",
        needs_prune=False,
        is_managed=True,
        href="",
    )

    why = application_why(found, (node,))

    assert why.lines == ("It is not as git says: ConfigMap/web is missing.",)
    assert [one.text for one in why.evidence] == ["ConfigMap/web: a sync would create it"]


def test_an_application_that_is_being_deleted_or_not_yet_looked_at_waits() -> None:
    leaving = {**app(), "metadata": {**app()["metadata"], "deletionTimestamp": "2026-01-02T03:04:05Z"}}
    fresh = {**app(), "status": {}}

    assert application_why(leaving, ()).lines == ("It is being deleted: nothing of it is left.",)
    assert application_why(leaving, ()).tone == "waiting"
    assert application_why(fresh, ()).lines == ("The controller has not looked at it yet.",)
