"""What is measured when. Known answers: Argo Rollouts' TestGenerateMetricTasks* and TestCalculateNextReconcile*."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from canarium.kube.objects import Obj, parse_time
from canarium.rollouts.analysis.plan import plan_of
from canarium.rollouts.analysis.schedule import due, next_look, results_by_name
from tests.rollouts.analysis.builders import NOW, ago, measurement, metric, result, run


def due_names(observed: Obj) -> list[str]:
    return [task.metric["name"] for task in due(observed, NOW)]


@pytest.mark.parametrize(
    ("observed", "names"),
    [
        pytest.param(
            run(metric("a"), metric("b"), phase=""), ["a", "b"], id="never measured: all at once, in the spec's order"
        ),
        pytest.param(
            run(metric(interval="60s"), results=[result("success-rate", "Running", measurement(seconds_ago=50))]),
            [],
            id="within the interval",
        ),
        pytest.param(
            run(metric(interval="60s"), results=[result("success-rate", "Running", measurement(seconds_ago=60))]),
            ["success-rate"],
            id="at the very end of the interval",
        ),
        pytest.param(
            run(metric("a"), metric("b"), results=[result("b", "Failed")]), [], id="a failed metric stops the others"
        ),
        pytest.param(
            run(metric("a"), metric("b"), results=[result("b", "Failed", dryRun=True)]),
            ["a"],
            id="a failed dry run stops nobody",
        ),
        pytest.param(run(metric("a"), terminate=True), [], id="a terminated run measures nothing"),
        pytest.param(
            run(metric(), results=[result("success-rate", "Running", measurement(seconds_ago=50), count=1)]),
            [],
            id="without interval and count once is enough",
        ),
        pytest.param(
            run(metric(), results=[result("success-rate", "Running", measurement("Error", 9))]),
            [],
            id="an error is not retried before ten seconds",
        ),
        pytest.param(
            run(metric(interval="5m"), results=[result("success-rate", "Running", measurement("Error", 10))]),
            ["success-rate"],
            id="an error is retried after ten seconds whatever the interval",
        ),
        pytest.param(run(metric(initialDelay="20s")), [], id="initialDelay before the run has a start"),
        pytest.param(run(metric(initialDelay="20s"), startedAt=ago(10)), [], id="within initialDelay"),
        pytest.param(
            run(metric(initialDelay="20s"), startedAt=ago(20)), ["success-rate"], id="at the end of initialDelay"
        ),
        pytest.param(run(metric(initialDelay="invalid"), startedAt=ago(20)), [], id="an invalid run measures nothing"),
        pytest.param(run(metric(), phase="Error"), [], id="a completed run measures nothing"),
    ],
)
def test_what_is_due(observed: Obj, names: list[str]) -> None:
    assert due_names(observed) == names


def test_nothing_is_due_of_a_run_that_is_being_deleted() -> None:
    observed = run(metric())
    observed["metadata"]["deletionTimestamp"] = ago(1)

    assert due(observed, NOW) == ()


def test_an_unfinished_measurement_is_resumed_when_its_time_has_come() -> None:
    def unfinished(**fields: Any) -> Obj:
        return measurement("Running", None, **fields)

    observed = run(
        metric("no-time"),
        metric("later"),
        metric("now"),
        results=[
            result("no-time", "Running", unfinished()),
            result("later", "Running", unfinished(resumeAt=ago(-10))),
            result("now", "Running", unfinished(resumeAt=ago(10))),
        ],
    )

    assert [(task.metric["name"], task.terminate) for task in due(observed, NOW)] == [
        ("no-time", False),
        ("now", False),
    ]
    observed["spec"]["terminate"] = True
    assert [(task.metric["name"], task.terminate) for task in due(observed, NOW)] == [
        ("no-time", True),
        ("later", True),
        ("now", True),
    ]
    assert all(task.unfinished for task in due(observed, NOW))


@pytest.mark.parametrize(
    ("observed", "seconds"),
    [
        pytest.param(
            run(metric(interval="60s"), results=[result("success-rate", "Running", measurement(seconds_ago=30))]),
            30,
            id="interval",
        ),
        pytest.param(
            run(metric(interval="60s"), results=[result("success-rate", "Running", measurement("Running", None))]),
            None,
            id="a measurement under way wakes us itself",
        ),
        pytest.param(
            run(
                metric(interval="60s"),
                results=[result("success-rate", "Running", measurement("Running", None, resumeAt=ago(-10)))],
            ),
            10,
            id="resumeAt",
        ),
        pytest.param(
            run(metric(interval="60s"), results=[result("success-rate", "Successful", measurement(seconds_ago=120))]),
            None,
            id="a completed metric needs nothing",
        ),
        pytest.param(
            run(
                metric(interval="60s"),
                metric("start-delay", interval="60s", initialDelay="40s"),
                results=[result("success-rate", "Running", measurement(seconds_ago=30))],
                startedAt=ago(30),
            ),
            10,
            id="initialDelay",
        ),
        pytest.param(
            run(
                metric("a", interval="60s"),
                metric("b", interval="60s"),
                results=[
                    result("a", "Running", measurement(seconds_ago=30)),
                    result("b", "Running", measurement(seconds_ago=50)),
                ],
            ),
            10,
            id="the earliest metric",
        ),
        pytest.param(
            run(metric(interval="5m"), results=[result("success-rate", "Running", measurement("Error", 0))]),
            10,
            id="an error",
        ),
        pytest.param(
            run(metric(interval="60s"), results=[result("success-rate", "Running", measurement(seconds_ago=99))]),
            0,
            id="overdue is now, never the past",
        ),
    ],
)
def test_when_to_look_again(observed: Obj, seconds: float | None) -> None:
    status = observed["status"]
    started_at = parse_time(status.get("startedAt", ago(30)))

    wait, reasons = next_look(plan_of(observed), results_by_name(status), started_at, NOW)

    assert wait == (None if seconds is None else timedelta(seconds=seconds))
    assert bool(reasons) == any(item["phase"] == "Running" for item in status["metricResults"])
    assert all(str(reason) for reason in reasons)
