"""Numbers and times that the API server lets pass and no rollout can have: refused or bounded, never an exception."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarium.kube.objects import LAST_TIME, later, parse_time
from canarium.rollouts.pauses import pause_ends_at
from canarium.rollouts.strategies.canary.steps import pause_seconds
from canarium.rollouts.types import Pause, PauseCondition
from tests.rollouts.simulator import World, pause, rollout, set_weight

TOO_LARGE = 1_000_000_000_000


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("2147483647", 2147483647),
        ("+5", 5),
        ("007", 7),
        ("2147483648", -1),  # too large for a number, and no unit
        ("9" * 5000, -1),
        ("1_000", -1),
        (" 10 ", -1),
        ("596523h", 2147482800),
        ("596524h", -2147483648),
        ("10000000h", -1),  # more than Go's clock can hold
    ],
)
def test_a_pause_is_as_long_as_go_reads_it(duration: str, seconds: int) -> None:
    assert pause_seconds(Pause(duration)) == seconds


def test_a_pause_that_ends_beyond_the_calendar_ends_with_it() -> None:
    held = PauseCondition("CanaryPauseStep", "9999-12-01T00:00:00Z")

    assert pause_ends_at(Pause(2_000_000_000), held) == LAST_TIME


def test_times_at_the_ends_of_the_calendar_stay_within_it() -> None:
    assert parse_time("9999-12-31T23:59:59-14:00") == LAST_TIME
    assert parse_time("0001-01-01T00:00:00+14:00").year == 1
    assert later(datetime(2026, 1, 1, tzinfo=UTC), 10.0**20) == LAST_TIME
    assert later(datetime(2026, 1, 1, tzinfo=UTC), -(10**20)).year == 1


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (rollout(steps=[pause(TOO_LARGE)]), "spec.strategy.canary.steps[0].pause.duration"),
        (rollout(steps=[pause(10**30)]), "spec.strategy.canary.steps[0].pause.duration"),
        (rollout(steps=[pause("596524h")]), "spec.strategy.canary.steps[0].pause.duration"),
        (rollout(steps=[set_weight(5)], minReadySeconds=TOO_LARGE), "spec.minReadySeconds"),
        (rollout(steps=[set_weight(5)], progressDeadlineSeconds=TOO_LARGE), "spec.progressDeadlineSeconds"),
        (rollout(steps=[set_weight(5)], revisionHistoryLimit=-TOO_LARGE), "spec.revisionHistoryLimit"),
    ],
)
def test_a_number_that_go_could_not_read_is_an_invalid_spec(made: Any, field: str) -> None:
    world = World(made)

    world.step()

    phase, message = world.phase
    assert phase == "Degraded"
    assert f"{field}: Invalid value" in message.replace("[...]", "[0]")


def test_a_step_index_below_zero_counts_as_the_first_step() -> None:
    # given a rollout that waits at its second step
    world = World(rollout(steps=[set_weight(25), pause()])).settle()
    world.set_image("shop:2")
    world.settle()

    # when somebody writes nonsense into its status
    world.patch_status(currentStepIndex=-5, pauseConditions=[], controllerPause=False)
    world.settle()

    # then it starts over from the first step, and waits at the second again
    assert world.status["currentStepIndex"] == 1
    assert world.scale() == {"shop:1": 3, "shop:2": 1}
