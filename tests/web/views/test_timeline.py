"""How a rollout went: points, and what happened when."""

from __future__ import annotations

from datetime import timedelta

from canarium.kube.objects import Obj
from canarium.kube.resources import EVENTS, PODS, REPLICA_SETS
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.web.history import RolloutHistory
from canarium.web.views.timeline import TimelineValue
from tests.web.views.objects import NOW, Shelves, Still, event, owner, pod, replica_set, rollout


def run(name: str) -> Obj:
    measured = [
        {
            "phase": "Successful",
            "value": "[0.99]",
            "startedAt": "2026-01-05T08:59:00Z",
            "finishedAt": "2026-01-05T08:59:01Z",
        },
        {"phase": "Error", "message": "no such host", "startedAt": "2026-01-05T09:00:30Z"},
    ]
    return {
        "kind": "AnalysisRun",
        "metadata": {
            "name": name,
            "namespace": "web",
            "uid": f"uid-{name}",
            "ownerReferences": owner("Rollout", "shop"),
        },
        "status": {"phase": "Running", "metricResults": [{"name": "success-rate", "measurements": measured}]},
    }


def looked_at() -> tuple[Shelves, Still, TimelineValue]:
    listers, clock = Shelves(), Still()
    listers.put(REPLICA_SETS, replica_set("shop", "aaa", 1, "i:1", 3), replica_set("shop", "bbb", 2, "i:2", 1))
    listers.put(ROLLOUTS, rollout())
    listers.put(ANALYSIS_RUNS, run("shop-bbb-2-3"))
    return listers, clock, TimelineValue(listers, clock, RolloutHistory(listers, clock), "web", "shop")


def test_points_are_parallel_to_the_revisions() -> None:
    listers, clock, value = looked_at()
    clock.at = NOW + timedelta(seconds=5)
    listers.put(REPLICA_SETS, replica_set("shop", "aaa", 1, "i:1", 0))

    shown = value.value()

    assert shown is not None
    assert shown.since == "2026-01-05T09:00:00.000Z"
    assert shown.revisions == (1, 2)
    assert [(point.at, point.ready, point.pods) for point in shown.points] == [
        ("2026-01-05T09:00:00.000Z", (3, 1), (3, 1)),
        ("2026-01-05T09:00:05.000Z", (None, 1), (None, 1)),
    ]


def test_measurements_events_and_steps_are_marks_in_order() -> None:
    listers, clock, value = looked_at()
    sick = pod("shop-bbb", "shop-bbb-1")
    listers.put(PODS, sick)
    listers.put(EVENTS, event(sick, "Unhealthy", "no", at="2026-01-05T09:00:10Z", type="Warning"))
    listers.put(EVENTS, event(sick, "Pulled", "yes", at="2026-01-05T09:00:11Z"))
    listers.put(EVENTS, event(rollout(), "RolloutStepCompleted", "step 1/4", at="2026-01-05T08:58:00Z", name="s"))
    listers.put(EVENTS, event(rollout(), "RolloutPaused", "held", at="2026-01-05T09:00:20Z"))
    clock.at = NOW + timedelta(seconds=40)
    listers.put(ROLLOUTS, rollout(currentStepIndex=3))

    shown = value.value()

    assert shown is not None
    assert [(mark.at[11:19], mark.kind, mark.label, mark.phase) for mark in shown.marks] == [
        ("08:58:00", "step", "step done", "Normal"),
        ("08:59:01", "measurement", "success-rate", "Successful"),
        ("09:00:10", "event", "Unhealthy", "Warning"),
        ("09:00:20", "event", "RolloutPaused", "Normal"),
        ("09:00:30", "measurement", "success-rate", "Error"),
        ("09:00:40", "step", "steps 2 to 3 of 4 passed", "Normal"),
    ]
    assert shown.marks[1].text == "success-rate: [0.99]"
    assert shown.marks[4].text == "success-rate: no such host"
    assert shown.marks[1].href == "/rollouts/web/shop/analysis/shop-bbb-2-3?metric=success-rate"
    assert shown.marks[2].href == "/rollouts/web/shop/pods/shop-bbb-1"


def test_a_first_revision_skips_its_steps_without_a_word() -> None:
    listers, clock = Shelves(), Still()
    listers.put(ROLLOUTS, rollout(stableRS="", currentStepIndex=0))
    value = TimelineValue(listers, clock, RolloutHistory(listers, clock), "web", "shop")
    clock.at = NOW + timedelta(seconds=5)
    listers.put(ROLLOUTS, rollout(stableRS="bbb", currentStepIndex=4))

    shown = value.value()

    assert shown is not None
    assert len(shown.points) == 2
    assert shown.marks == ()


def test_changes_of_other_rollouts_and_of_pods_do_not_matter() -> None:
    listers, _, value = looked_at()

    assert value.is_concerned(ROLLOUTS, rollout())
    assert value.is_concerned(ANALYSIS_RUNS, run("x"))
    assert value.is_concerned(REPLICA_SETS, replica_set("shop", "aaa", 1, "i", 1))
    assert not value.is_concerned(ROLLOUTS, rollout("other"))
    assert not value.is_concerned(PODS, pod("shop-bbb", "p"))
    listers.remove(ROLLOUTS, rollout())
    assert value.value() is None
