"""What becomes of a run. Known answers: Argo Rollouts' TestReconcileAnalysisRun*, TestAssessRunStatus*, TTL tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.decision import Decision, Delete
from canarium.kube.objects import Obj, format_time, parse_time
from canarium.rollouts.analysis.decide import Observed, Taken, decide
from canarium.rollouts.analysis.reasons import (
    LimitExceeded,
    NotMeasurable,
    RunStopping,
    TimeToLiveOver,
    WaitingToMeasure,
)
from canarium.rollouts.analysis.schedule import COMPLETED, due
from tests.rollouts.analysis.builders import NOW, ago, measurement, metric, result, run


def decided(observed: Obj, *taken: Taken, problem: str = "") -> Decision:
    return decide(Observed(run=observed, taken=taken, problem=problem), NOW)


def took(name: str = "success-rate", phase: str = "Successful", **fields: Any) -> Taken:
    return Taken(metric=name, measurement=measurement(phase, 0, **fields))


def status_of(decision: Decision) -> dict[str, Any]:
    assert decision.status is not None
    return decision.status


def test_the_complete_status_of_a_run_that_succeeds_at_once() -> None:
    observed = run(metric(successCondition="result[0] == 0"), phase="")
    taken = Taken(
        metric="success-rate", measurement=measurement("Successful", 0, value="[0]"), metadata={"ResolvedQuery": "up"}
    )

    decision = decided(observed, taken)

    assert decision.status == {
        "phase": "Successful",
        "startedAt": ago(0),
        "completedAt": ago(0),
        "runSummary": {"count": 1, "successful": 1},
        "dryRunSummary": {},
        "metricResults": [
            {
                "name": "success-rate",
                "phase": "Successful",
                "count": 1,
                "successful": 1,
                "consecutiveSuccess": 1,
                "metadata": {"ResolvedQuery": "up"},
                "measurements": [
                    {"phase": "Successful", "value": "[0]", "startedAt": ago(0), "finishedAt": ago(0)},
                ],
            }
        ],
    }
    assert [(note.type, note.reason, note.message) for note in decision.events] == [
        ("Normal", "MetricSuccessful", "Metric 'success-rate' Completed. Result: Successful"),
        ("Normal", "AnalysisRunSuccessful", "Analysis Completed. Result: Successful"),
    ]
    assert [str(reason) for reason in decision.because] == [
        'Metric "success-rate" measured Successful: the value is [0] (success if result[0] == 0)',
        'Metric "success-rate" assessed Successful: count (1) reached',
        "Analysis Completed. Result: Successful",
    ]
    assert decision.requeue is None


def test_a_metric_with_an_interval_goes_on() -> None:
    decision = decided(run(metric(interval="60s"), phase=""), took())

    status = status_of(decision)
    assert status["phase"] == "Running"
    assert status["metricResults"][0]["phase"] == "Running"
    assert decision.requeue == timedelta(seconds=60)
    assert decision.because[-1] == WaitingToMeasure("success-rate", "interval", timedelta(seconds=60))
    assert decision.events == ()


def test_one_failure_too_many_ends_the_run_in_upstreams_words() -> None:
    observed = run(metric("container-restarts", count=1, failureLimit=0), metric("ready-containers"), phase="")

    decision = decided(observed, took("container-restarts", "Failed", value="[0]"), took("ready-containers"))

    status = status_of(decision)
    assert status["phase"] == "Failed"
    assert status["message"] == 'Metric "container-restarts" assessed Failed due to failed (1) > failureLimit (0)'
    assert status["runSummary"] == {"count": 2, "failed": 1, "successful": 1}
    assert [(note.type, note.reason) for note in decision.events] == [
        ("Warning", "MetricFailed"),
        ("Normal", "MetricSuccessful"),
        ("Warning", "AnalysisRunFailed"),
    ]


def test_an_error_is_told_with_its_cause() -> None:
    decision = decided(run(metric(consecutiveErrorLimit=0), phase=""), took(phase="Error", message="no such host"))

    assert status_of(decision)["message"] == (
        'Metric "success-rate" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): '
        '"Error Message: no such host"'
    )
    [result_] = status_of(decision)["metricResults"]
    assert (result_["error"], result_["consecutiveError"], result_.get("count")) == (1, 1, None)


def test_an_error_that_is_borne_is_retried_after_ten_seconds() -> None:
    decision = decided(run(metric(), phase=""), took(phase="Error", message="no such host"))

    assert status_of(decision)["phase"] == "Running"
    assert decision.requeue == timedelta(seconds=10)


def test_a_success_forgets_errors_in_a_row_but_not_errors() -> None:
    observed = run(metric(interval="1s"), results=[result("success-rate", "Running", error=4, consecutiveError=4)])

    [kept] = status_of(decided(observed, took()))["metricResults"]

    assert (kept["error"], kept.get("consecutiveError"), kept["count"]) == (4, None, 1)


@pytest.mark.parametrize("phase", ["Failed", "Inconclusive", "Error"])
def test_a_metric_that_ends_badly_takes_its_siblings_with_it(phase: str) -> None:
    counter = {"Failed": "failed", "Inconclusive": "inconclusive", "Error": "consecutiveError"}[phase]
    observed = run(
        metric("run-forever"),
        metric("failed-metric"),
        results=[
            result("run-forever", "Running", measurement("Running", None)),
            result("failed-metric", phase, measurement(phase), **{counter: 5}),
        ],
    )
    [task] = due(observed, NOW)
    assert task.terminate
    ended = {**measurement("Inconclusive", 0), "message": "Metric Terminated"}

    decision = decided(observed, Taken(metric="run-forever", measurement=ended, resumed=True))

    status = status_of(decision)
    assert status["phase"] == phase
    assert status["metricResults"][0]["phase"] == "Inconclusive"
    assert status["metricResults"][0]["message"] == "Metric Terminated"
    assert len(status["metricResults"][0]["measurements"]) == 1


def test_of_several_metrics_that_fail_the_first_is_told() -> None:
    observed = run(metric("a"), metric("b"), phase="")

    status = status_of(decided(observed, took("a", "Failed"), took("b", "Failed")))

    assert status["message"] == 'Metric "a" assessed Failed due to failed (1) > failureLimit (0)'


def test_a_worse_metric_is_told_rather_than_an_earlier_one() -> None:
    observed = run(metric("a"), metric("b"), phase="")

    status = status_of(decided(observed, took("a", "Inconclusive"), took("b", "Failed")))

    assert status["phase"] == "Failed"
    assert status["message"] == 'Metric "b" assessed Failed due to failed (1) > failureLimit (0)'


def test_a_dry_run_decides_nothing_and_says_what_it_would_have() -> None:
    observed = run(metric("a"), metric("b"), dryRun=[{"metricName": ".*"}], phase="")

    decision = decided(observed, took("a", "Failed"), took("b", "Failed", message="x"))

    status = status_of(decision)
    assert status["phase"] == "Successful"
    assert "message" not in status
    assert status["dryRunSummary"] == {"count": 2, "failed": 2}
    assert "runSummary" not in status
    assert [item["message"] for item in status["metricResults"]] == [
        "Metric assessed Failed due to failed (1) > failureLimit (0)",
        "Metric assessed Failed due to failed (1) > failureLimit (0)",
    ]
    assert all(item["dryRun"] for item in status["metricResults"])


def test_a_run_that_is_told_to_terminate_before_it_measured_is_successful() -> None:
    observed = run(metric(initialDelay="20s", interval="20s"), terminate=True, startedAt=ago(0))

    status = status_of(decided(observed))

    assert (status["phase"], status["message"]) == ("Successful", "Run Terminated")
    assert status["runSummary"] == {"count": 1}


def test_a_run_that_is_told_to_terminate_while_it_waits_is_successful() -> None:
    observed = run(
        metric(interval="60s"), results=[result("success-rate", "Running", measurement(), count=1)], terminate=True
    )

    decision = decided(observed)

    assert status_of(decision)["phase"] == "Successful"
    assert 'Metric "success-rate" assessed Successful: the run was terminated' in map(str, decision.because)


def test_siblings_are_stopped_one_look_after_a_metric_failed() -> None:
    """As upstream: the failing metric ends in one pass, the rest of the run in the next."""
    observed = run(metric("a"), metric("b", interval="60s"), phase="")

    first = decided(observed, took("a", "Failed"), took("b"))
    assert status_of(first)["phase"] == "Running"
    second = decided({**observed, "status": first.status})

    assert status_of(second)["phase"] == "Failed"
    assert [item["phase"] for item in status_of(second)["metricResults"]] == ["Failed", "Successful"]


@pytest.mark.parametrize(("limit", "kept"), [(None, 10), (3, 3), (15, 13)])
def test_old_measurements_are_dropped(limit: int | None, kept: int) -> None:
    many = [measurement(value=str(number)) for number in range(12)]
    rules = [] if limit is None else [{"metricName": "success-rate", "limit": limit}]
    observed = run(
        metric(interval="1s"), results=[result("success-rate", "Running", *many)], measurementRetention=rules
    )

    [found] = status_of(decided(observed, took(value="12")))["metricResults"]

    assert [item["value"] for item in found["measurements"]] == [str(number) for number in range(13)][-kept:]


@pytest.mark.parametrize(
    ("observed", "problem", "message"),
    [
        (run(metric(provider={}), phase=""), "", "Analysis spec invalid: metrics[0]: no provider specified"),
        (
            run(metric("{{args.x}}"), phase=""),
            "",
            "Unable to resolve metric arguments: failed to resolve {{args.x}}",
        ),
        (
            run(metric(), phase=""),
            'secrets "s" not found',
            'Unable to resolve metric arguments: secrets "s" not found',
        ),
    ],
)
def test_a_run_that_cannot_be_measured_ends_in_error(observed: Obj, problem: str, message: str) -> None:
    decision = decided(observed, problem=problem)

    assert decision.status == {"phase": "Error", "message": message}
    assert isinstance(decision.because[0], NotMeasurable)
    assert [(note.type, note.reason, note.message) for note in decision.events] == [
        ("Warning", "AnalysisRunError", "Analysis Completed. Result: Error")
    ]


DAY = 86400


@pytest.mark.parametrize(
    ("strategy", "phase", "seconds_ago", "is_deleted"),
    [
        ({"secondsAfterCompletion": DAY}, "Successful", DAY + 1, True),
        ({"secondsAfterCompletion": DAY}, "Successful", DAY, False),
        ({"secondsAfterCompletion": DAY}, "Error", DAY + 1, True),
        ({"secondsAfterSuccess": DAY}, "Successful", DAY + 1, True),
        ({"secondsAfterSuccess": DAY}, "Failed", DAY + 1, None),
        ({"secondsAfterFailure": DAY}, "Failed", DAY + 1, True),
        ({"secondsAfterFailure": DAY}, "Successful", DAY + 1, None),
        ({"secondsAfterCompletion": 100000, "secondsAfterSuccess": DAY}, "Successful", DAY + 1, True),
        ({"secondsAfterCompletion": DAY, "secondsAfterFailure": DAY + 1}, "Failed", DAY + 1, False),
        (None, "Failed", DAY + 1, None),
    ],
)
def test_a_completed_run_is_deleted_when_its_time_to_live_is_over(
    strategy: Obj | None, phase: str, seconds_ago: int, is_deleted: bool | None
) -> None:
    """is_deleted: None where no time to live applies."""
    decision = decided(run(metric(), phase=phase, completedAt=ago(seconds_ago), ttlStrategy=strategy))

    if is_deleted:
        [action] = decision.actions
        assert isinstance(action, Delete)
        assert (action.name, action.uid) == ("run", "u-1")
        assert isinstance(decision.because[0], TimeToLiveOver)
        return
    assert decision.actions == ()
    assert decision.status is None
    assert decision.requeue == (None if is_deleted is None else timedelta(seconds=1))


def test_a_run_on_its_way_out_is_left_alone() -> None:
    observed = run(metric(), phase="Successful", completedAt=ago(99), ttlStrategy={"secondsAfterCompletion": 1})
    observed["metadata"]["deletionTimestamp"] = ago(1)

    decision = decided(observed)

    assert (decision.actions, decision.status) == ((), None)


# What holds whatever is measured

PHASES = st.sampled_from(["Successful", "Failed", "Inconclusive", "Error"])
LIMITS = st.fixed_dictionaries(
    {"interval": st.sampled_from(["5s", "7s", "30s"])},
    optional={
        "count": st.integers(4, 8),
        "failureLimit": st.integers(0, 2),
        "inconclusiveLimit": st.integers(0, 2),
        "consecutiveErrorLimit": st.integers(0, 3),
        "consecutiveSuccessLimit": st.integers(0, 2),
        "initialDelay": st.sampled_from(["3s", "20s"]),
    },
)
RUNS = st.builds(
    lambda limits, dry_run: run(
        *(metric(f"m{index}", **fields) for index, fields in enumerate(limits)),
        dryRun=[{"metricName": "m0"}] if dry_run else [],
        phase="",
    ),
    st.lists(LIMITS, min_size=1, max_size=3),
    st.booleans(),
)


def played(observed: Obj, phases: list[str]) -> Iterator[tuple[Obj, Obj, Decision, datetime]]:
    """(before, after, decision, when) of every look, each due measurement taking the next of `phases`."""
    now = NOW
    pending = list(phases)
    while True:
        taken = []
        for task in due(observed, now):
            if not pending:
                return
            stamp = format_time(now)
            made = {"phase": pending.pop(), "startedAt": stamp, "finishedAt": stamp}
            taken.append(Taken(metric=task.metric["name"], measurement=made))
        decision = decide(Observed(run=observed, taken=tuple(taken)), now)
        after = observed if decision.status is None else {**observed, "status": decision.status}
        yield observed, after, decision, now
        settled = after == observed
        observed = after
        if not settled:
            continue
        if decision.requeue is None:
            return
        assert decision.requeue > timedelta(0), "would spin"
        now += decision.requeue


@settings(max_examples=100, deadline=None)
@given(RUNS, st.lists(PHASES, max_size=40))
def test_any_run_keeps_the_books_straight(observed: Obj, phases: list[str]) -> None:
    for before, after, decision, now in played(observed, phases):
        assert decision.because
        assert all(str(reason) and reason.evidence() is not None for reason in decision.because)
        old = {item["name"]: item for item in before["status"].get("metricResults", ())}
        for item in after["status"].get("metricResults", ()):
            taken = item.get("measurements", ())
            counted = [item.get(name, 0) for name in ("successful", "failed", "inconclusive")]
            assert sum(counted) == item.get("count", 0)
            assert len(taken) == min(10, sum(counted) + item.get("error", 0)), "every measurement is counted once"
            starts = [parse_time(one["startedAt"]) for one in taken]
            assert starts == sorted(starts)
            assert all(start <= now for start in starts)
            known = old.get(item["name"], {})
            if known.get("phase") in COMPLETED:
                assert item["phase"] == known["phase"], "a metric never leaves a completed phase"
            for name in ("count", "successful", "failed", "inconclusive", "error"):
                assert item.get(name, 0) >= known.get(name, 0)
        if before["status"].get("phase") in COMPLETED:
            assert after == before


@settings(max_examples=100, deadline=None)
@given(RUNS, st.lists(PHASES, max_size=30))
def test_looking_again_asks_for_nothing_new(observed: Obj, phases: list[str]) -> None:
    """Except that a run whose metric has just failed is wound up, which takes one more look."""
    for _, after, _, now in played(observed, phases):
        again = decide(Observed(run=after), now)
        if any(isinstance(reason, RunStopping) for reason in again.because):
            continue
        if again.status is not None and again.status != after["status"]:
            assert again.status["phase"] in COMPLETED
            after = {**after, "status": again.status}
            again = decide(Observed(run=after), now)
        assert again.status in (None, after["status"])
        assert again.events == ()
        assert again.actions == ()


@settings(max_examples=60, deadline=None)
@given(RUNS, st.lists(PHASES, min_size=1, max_size=30))
def test_a_run_fails_only_because_of_a_metric_that_counts(observed: Obj, phases: list[str]) -> None:
    for _, after, decision, _ in played(observed, phases):
        phase = after["status"].get("phase")
        if phase in ("Failed", "Error", "Inconclusive"):
            results = after["status"]["metricResults"]
            assert any(item["phase"] == phase and not item.get("dryRun") for item in results)
            named = [reason.metric for reason in decision.because if isinstance(reason, LimitExceeded)]
            message = after["status"].get("message", "")
            assert not message or any(f'"{item["name"]}"' in message for item in results), named
