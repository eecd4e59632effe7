"""What is remembered of how rollouts went, and what is not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from canarium.kube.resources import REPLICA_SETS
from canarium.rollouts.kinds import ROLLOUTS
from canarium.web import history
from canarium.web.history import Pods, RolloutHistory
from tests.web.views.objects import NOW, Shelves, Still, replica_set, rollout

STABLE, CANARY = replica_set("shop", "aaa", 1, "repo/shop:1", 3), replica_set("shop", "bbb", 2, "repo/shop:2", 1)


def begun() -> tuple[Shelves, Still, RolloutHistory]:
    listers, clock = Shelves(), Still()
    listers.put(REPLICA_SETS, STABLE, CANARY)
    listers.put(ROLLOUTS, rollout())
    return listers, clock, RolloutHistory(listers, clock)


def test_what_was_there_before_is_the_first_point() -> None:
    _, _, kept = begun()

    [point] = kept.points("web", "shop")

    assert (point.at, point.phase, point.step, point.set_weight, point.actual_weight) == (NOW, "Progressing", 1, 25, 25)
    assert point.pods == (Pods(1, 3, 3), Pods(2, 1, 1))


def test_a_change_is_a_point_at_its_own_time_and_no_change_is_none() -> None:
    listers, clock, kept = begun()

    clock.at = NOW + timedelta(seconds=10)
    listers.put(ROLLOUTS, rollout(message="other words"))
    clock.at = NOW + timedelta(seconds=20)
    sick = replica_set("shop", "bbb", 2, "repo/shop:2", 1)
    sick["status"]["readyReplicas"] = 0
    listers.put(REPLICA_SETS, sick)

    points = kept.points("web", "shop")
    assert [point.at - NOW for point in points] == [timedelta(0), timedelta(seconds=20)]
    assert points[1].pods == (Pods(1, 3, 3), Pods(2, 1, 0))


def test_changes_that_arrive_together_are_one_point() -> None:
    listers, clock, kept = begun()

    clock.at = NOW + timedelta(seconds=10)
    listers.put(ROLLOUTS, rollout(currentStepIndex=2))
    clock.at += timedelta(milliseconds=20)
    listers.put(ROLLOUTS, rollout(currentStepIndex=2, phase="Paused"))

    points = kept.points("web", "shop")
    assert [(point.at - NOW, point.phase, point.step) for point in points[1:]] == [(timedelta(seconds=10), "Paused", 2)]


def test_a_deleted_rollout_is_forgotten_and_one_of_the_same_name_begins_anew() -> None:
    listers, clock, kept = begun()

    listers.remove(ROLLOUTS, rollout())
    assert kept.points("web", "shop") == ()

    clock.at = NOW + timedelta(hours=1)
    other = rollout(phase="Healthy")
    other["metadata"]["uid"] = "another"
    listers.put(ROLLOUTS, other)

    assert [point.phase for point in kept.points("web", "shop")] == ["Healthy"]


def test_an_object_that_makes_no_sense_is_no_point_and_no_failure() -> None:
    listers, _, kept = begun()
    broken = rollout("broken")

    listers.put(ROLLOUTS, {**broken, "status": "none"})
    listers.put(ROLLOUTS, {**rollout("broken", currentStepIndex=0), "spec": {"strategy": {"canary": {"steps": [7]}}}})
    listers.put(ROLLOUTS, {**rollout("blue"), "spec": {"strategy": {"blueGreen": {}}}})

    assert kept.points("web", "broken") == ()
    [point] = kept.points("web", "blue")
    assert (point.set_weight, point.actual_weight) == (None, None)


def test_memory_is_bounded_by_points_and_by_rollouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_ROLLOUTS", 3)
    listers, clock, kept = begun()

    for number in range(history.MAX_POINTS + 10):
        clock.at += timedelta(seconds=1)
        listers.put(ROLLOUTS, rollout(phase=f"P{number}"))
    assert len(kept.points("web", "shop")) == history.MAX_POINTS
    assert kept.has_dropped("web", "shop")
    assert kept.points("web", "shop")[-1].phase == f"P{history.MAX_POINTS + 9}"

    listers.put(ROLLOUTS, *(rollout(f"other-{number}") for number in range(3)))
    assert kept.points("web", "shop") == ()
    assert len(kept.points("web", "other-0")) == 1


def test_a_weight_that_was_sent_with_a_decimal_point_is_a_weight() -> None:
    listers, clock, kept = begun()

    clock.at = NOW + timedelta(seconds=10)
    listers.put(ROLLOUTS, rollout(canary={"steps": [{"setWeight": 30.0}, {"pause": {}}]}))

    assert kept.points("web", "shop")[-1].set_weight == 30


def test_a_rollout_that_cannot_be_read_ends_nothing() -> None:
    listers, clock, kept = begun()

    clock.at = NOW + timedelta(seconds=10)
    listers.put(ROLLOUTS, rollout("odd", currentStepIndex="x"))
    listers.put(ROLLOUTS, rollout(currentStepIndex=2))

    assert kept.points("web", "shop")[-1].step == 2
