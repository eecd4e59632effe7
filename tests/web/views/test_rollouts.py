"""The rows of Rollouts: what they say, and which changes touch which row."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.kube.resources import EVENTS, PODS, REPLICA_SETS
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.web.views.cells import run_label
from canarium.web.views.rollouts import RolloutRows, phase_since
from tests.web.views.objects import START, Shelves, Still, event, owner, pod, replica_set, rollout

READINESS = {"httpGet": {"path": "/readyz", "port": 9898}}


def shelves(*pods: Obj) -> Shelves:
    made = Shelves()
    made.put(ROLLOUTS, rollout())
    made.put(
        REPLICA_SETS, replica_set("shop", "aaa", 1, "repo/shop:1", 3), replica_set("shop", "bbb", 2, "repo/shop:2", 1)
    )
    made.put(PODS, pod("shop-aaa", "shop-aaa-1"), pod("shop-bbb", "shop-bbb-1"), *pods)
    return made


def test_a_row_tells_weights_counts_images_and_the_replica_sets_that_matter() -> None:
    listers = shelves()
    listers.put(REPLICA_SETS, replica_set("shop", "old", 0, "repo/shop:0", 0))
    rows = RolloutRows(listers, Still(), lambda obj: f"because of {obj['metadata']['name']}")

    row = rows.row("web/shop")

    assert row is not None
    assert list(rows.keys()) == ["web/shop"]
    assert (row.phase, row.message, row.why) == ("Progressing", "waiting", "because of shop")
    assert (row.step, row.steps, row.set_weight, row.actual_weight) == (1, 4, 25, 25)
    assert (row.desired, row.ready, row.available, row.updated) == (4, 4, 4, 1)
    assert [(one.image, one.tags) for one in row.images] == [("repo/shop:1", ("stable",)), ("repo/shop:2", ("canary",))]
    assert [(one.hash, one.revision, one.tags, len(one.pods)) for one in row.replica_sets] == [
        ("bbb", 2, ("canary",), 1),
        ("aaa", 1, ("stable",), 1),
    ]
    assert row.labels == {"team": "shop"}


def test_a_row_that_is_gone_is_none() -> None:
    assert RolloutRows(Shelves(), Still()).row("web/shop") is None


def test_a_rollout_that_cannot_be_read_is_shown_with_what_is_wrong() -> None:
    listers = Shelves()
    broken = rollout()
    listers.put(ROLLOUTS, {**broken, "spec": {**broken["spec"], "paused": "yes"}, "status": {}})

    row = RolloutRows(listers, Still()).row("web/shop")

    assert row is not None
    assert row.phase == "Degraded"
    assert row.message.startswith("InvalidSpec: ")
    assert "paused" in row.message


def test_changes_lead_to_the_rollout_also_when_its_replica_set_was_deleted_first() -> None:
    listers = shelves()
    rows = RolloutRows(listers, Still())
    [old] = [one for one in listers(REPLICA_SETS).list() if one["metadata"]["name"] == "shop-aaa"]
    lost = listers(PODS).get("web", "shop-aaa-1")
    assert lost is not None
    run = {"metadata": {"name": "r", "namespace": "web", "uid": "r", "ownerReferences": owner("Rollout", "shop")}}

    listers.remove(REPLICA_SETS, old)

    assert list(rows.concerned(REPLICA_SETS, old)) == ["web/shop"]
    assert list(rows.concerned(PODS, lost)) == ["web/shop"]
    assert list(rows.concerned(ANALYSIS_RUNS, run)) == ["web/shop"]
    assert list(rows.concerned(ROLLOUTS, rollout())) == ["web/shop"]


def test_what_belongs_to_no_rollout_touches_no_row() -> None:
    listers = shelves()
    rows = RolloutRows(listers, Still())
    alone = pod("web", "web-1")
    of_deployment = replica_set("x", "ccc", 1, "i", 1)
    of_deployment["metadata"]["ownerReferences"] = owner("Deployment", "x")
    listers.put(REPLICA_SETS, of_deployment)

    assert not list(rows.concerned(PODS, alone))
    assert not list(rows.concerned(REPLICA_SETS, of_deployment))
    assert not list(rows.concerned(PODS, pod("x-ccc", "x-ccc-1")))
    assert not list(rows.concerned(EVENTS, event(alone, "Unhealthy", "Readiness probe failed: x")))


def test_only_failing_probes_of_all_events_touch_a_row() -> None:
    listers = shelves()
    rows = RolloutRows(listers, Still())
    ours = pod("shop-bbb", "shop-bbb-1")

    assert list(rows.concerned(EVENTS, event(ours, "Unhealthy", "Readiness probe failed: x"))) == ["web/shop"]
    assert not list(rows.concerned(EVENTS, event(ours, "Pulled", "it is there")))


def waiting(reason: str, message: str = "", **more: Any) -> Obj:
    return {"name": "shop", "ready": False, "state": {"waiting": {"reason": reason, "message": message}}, **more}


CRASHED = {"terminated": {"exitCode": 1, "reason": "Error"}}
KILLED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
NOT_READY = {"name": "shop", "ready": False, "restartCount": 2, "state": {"running": {"startedAt": START}}}


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({}, ""),
        ({"containerStatuses": [waiting("ContainerCreating")]}, ""),
        (
            {"containerStatuses": [waiting("CrashLoopBackOff", "back-off", lastState=CRASHED, restartCount=3)]},
            "CrashLoopBackOff: it exited with code 1; 3 restarts so far",
        ),
        (
            {"containerStatuses": [waiting("ImagePullBackOff", "Back-off pulling")]},
            "image repo/shop:2 cannot be pulled (ImagePullBackOff): Back-off pulling",
        ),
        (
            {"containerStatuses": [waiting("CreateContainerConfigError", 'secret "x" not found')]},
            'CreateContainerConfigError: secret "x" not found',
        ),
        (
            {"containerStatuses": [{**NOT_READY, "lastState": KILLED}]},
            "its last run was OOMKilled (exit code 137): it used more memory than its limit; 2 restarts so far",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]},
            "it has no node yet: 0/1 nodes are available",
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "low on memory"},
            "the pod failed: Evicted: low on memory",
        ),
        ({"initContainerStatuses": [{"name": "i", "state": CRASHED}]}, "it exited with code 1"),
    ],
    ids=["well", "starting", "crash loop", "image", "config", "out of memory", "no node", "evicted", "init"],
)
def test_a_pod_says_what_keeps_it_from_being_well(status: Obj, problem: str) -> None:
    listers = shelves(pod("shop-bbb", "shop-bbb-2", **status))

    row = RolloutRows(listers, Still()).row("web/shop")

    assert row is not None
    assert row.replica_sets[0].pods[1].problem == problem


def test_a_pod_that_is_not_ready_names_the_probe_that_fails() -> None:
    sick = pod("shop-bbb", "shop-bbb-2", containerStatuses=[NOT_READY])
    sick["spec"]["containers"][0]["readinessProbe"] = READINESS
    listers = shelves(sick)
    rows = RolloutRows(listers, Still())
    listers.put(EVENTS, event(sick, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"))

    row = rows.row("web/shop")

    assert row is not None
    assert row.replica_sets[0].pods[1].problem == (
        "the readiness probe GET /readyz:9898 fails: HTTP probe failed with statuscode: 503"
    )


def test_a_probe_that_failed_before_this_run_of_the_container_is_no_problem() -> None:
    sick = pod("shop-bbb", "shop-bbb-2", containerStatuses=[NOT_READY])
    sick["spec"]["containers"][0]["readinessProbe"] = READINESS
    listers = shelves(sick)
    before = "2026-01-05T08:00:00Z"
    listers.put(EVENTS, event(sick, "Unhealthy", "Readiness probe failed: 503", at=before))

    row = RolloutRows(listers, Still()).row("web/shop")

    assert row is not None
    assert row.replica_sets[0].pods[1].problem == ""


@pytest.mark.parametrize(
    ("status", "phase", "since"),
    [
        ({"pauseConditions": [{"startTime": "P"}]}, "Paused", "P"),
        ({"abort": True, "abortedAt": "A"}, "Degraded", "A"),
        (
            {"conditions": [{"type": "Completed", "status": "False", "lastTransitionTime": "C"}]},
            "Progressing",
            "C",
        ),
        (
            {
                "conditions": [
                    {"type": "Completed", "status": "False", "lastTransitionTime": "2026-01-05T09:00:00Z"},
                    {"type": "Progressing", "status": "True", "lastTransitionTime": "2026-01-05T09:05:00Z"},
                ]
            },
            "Progressing",
            "2026-01-05T09:05:00Z",
        ),
        ({"conditions": [{"type": "Healthy", "status": "True", "lastTransitionTime": "H"}]}, "Healthy", "H"),
        ({}, "Progressing", START),
    ],
    ids=["paused", "aborted", "updating", "retried", "healthy", "unknown"],
)
def test_a_phase_began_when_the_status_says_so(status: Obj, phase: str, since: str) -> None:
    assert phase_since(rollout(**status), phase) == since


@pytest.mark.parametrize(
    ("name", "label"),
    [("shop-77d4-2-1.1", "Analysis 2-1.1"), ("shop-77d4-2", "Analysis 77d4-2"), ("run", "Analysis")],
    ids=["step", "background", "other"],
)
def test_runs_are_called_as_on_argos_own_page(name: str, label: str) -> None:
    assert run_label(name) == label
