"""What a metric has to do to pass, in words, and how it stands."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.rollouts.analysis.plan import plan_of
from canarium.rollouts.analysis.requirements import requirements
from tests.rollouts.analysis.builders import metric, result, run


def told(fields: dict[str, Any], counters: Obj | None, *, is_over: bool = False) -> list[tuple[str, str]]:
    """The requirements of a metric with these fields."""
    [planned] = plan_of(run(metric(**fields))).metrics
    return [(one.says, one.state) for one in requirements(planned, counters, is_over=is_over)]


def test_defaults_are_argos() -> None:
    """Once, no failure, nothing inconclusive, four errors in a row."""
    assert told({}, None) == [
        ("measured once: 0 so far", "open"),
        ("no failed measurements: none so far", "open"),
        ("no inconclusive measurements: none so far", "open"),
        ("at most 4 errors in a row: none now", "open"),
    ]


def test_a_metric_under_way_tells_how_far_it_is() -> None:
    """Within its limits all is open; a limit that is passed is broken at once."""
    fields = {"count": 5, "interval": "90s", "failureLimit": 2, "inconclusiveLimit": 1, "consecutiveErrorLimit": 1}
    counters = result(phase="Running", count=3, failed=1, inconclusive=2, consecutiveError=1)

    assert told(fields, counters) == [
        ("measured 5 times, every 1m30s: 3 so far", "open"),
        ("at most 2 failed measurements: 1 so far", "open"),
        ("at most 1 inconclusive measurement: 2 so far", "broken"),
        ("at most 1 error in a row: 1 now", "open"),
    ]


def test_a_metric_that_passed_met_everything() -> None:
    """What was open is met now."""
    fields = {"count": 2, "interval": "30s", "consecutiveSuccessLimit": 2, "failureLimit": -1}
    counters = result(phase="Successful", count=2, consecutiveSuccess=2)

    assert told(fields, counters) == [
        ("measured 2 times, every 30s: 2 so far", "met"),
        ("2 successes in a row: 2 now", "met"),
        ("no inconclusive measurements: none so far", "met"),
        ("at most 4 errors in a row: none now", "met"),
    ]


@pytest.mark.parametrize(("phase", "state"), [("Running", "open"), ("Successful", "met"), ("Failed", "broken")])
def test_a_metric_without_an_end_is_measured_until_the_run_is_stopped(phase: str, state: str) -> None:
    """It passes when it is stopped without having failed."""
    [first, *_] = told({"interval": "1m"}, result(phase=phase, count=12))

    assert first == ("measured every 1m until the run is stopped: 12 times so far", state)


def test_a_run_that_ended_leaves_nothing_open() -> None:
    """A metric that another one stopped was not measured as often as asked."""
    states = [state for _, state in told({"count": 3, "interval": "1m"}, result(count=1), is_over=True)]

    assert states == ["broken", "met", "met", "met"]
