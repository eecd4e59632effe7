"""How one metric stands. Known answers: Argo Rollouts' TestAssessMetricStatus* tables."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from canarium.rollouts.analysis.assess import assess, is_worse, limit_exceeded
from canarium.rollouts.analysis.plan import Metric, plan_of
from tests.rollouts.analysis.builders import measurement, metric, result, run


def planned(**fields: Any) -> Metric:
    """A metric whose limits upstream's own tests do not validate either, so `count` may contradict them."""
    [made] = plan_of(run(metric("m", **fields))).metrics
    return made


FOUR_OF_FOUR = {"failureLimit": 4, "consecutiveSuccessLimit": 4, "interval": "60s"}
FIVE_IN_A_ROW = {"failureLimit": -1, "consecutiveSuccessLimit": 5, "interval": "60s"}
THREE_IN_A_ROW = {"failureLimit": -1, "consecutiveSuccessLimit": 3, "interval": "60s"}


def counts(failed: int, successful: int, count: int, in_a_row: int) -> dict[str, int]:
    return {"failed": failed, "successful": successful, "count": count, "consecutiveSuccess": in_a_row}


@pytest.mark.parametrize(
    ("fields", "counted", "going_on", "stopping"),
    [
        pytest.param(
            {"failureLimit": 2, "interval": "60s"}, {"failed": 3, "count": 3}, "Failed", "Failed", id="failed"
        ),
        pytest.param(
            {"failureLimit": 3, "interval": "60s"},
            {"failed": 3, "count": 3},
            "Running",
            "Successful",
            id="not yet failed",
        ),
        pytest.param(
            {"inconclusiveLimit": 2, "interval": "60s"},
            {"inconclusive": 3, "count": 3},
            "Inconclusive",
            "Inconclusive",
            id="inconclusive",
        ),
        pytest.param(
            {"inconclusiveLimit": 3, "interval": "60s"},
            {"inconclusive": 3, "count": 3},
            "Running",
            "Successful",
            id="not yet inconclusive",
        ),
        pytest.param({"interval": "60s"}, {"consecutiveError": 5}, "Error", "Error", id="five errors by default"),
        pytest.param({"interval": "60s"}, {"consecutiveError": 4}, "Running", "Successful", id="four errors are borne"),
        pytest.param(
            {"count": 10, "interval": "1s"},
            {"successful": 10, "count": 10},
            "Successful",
            "Successful",
            id="count reached",
        ),
        pytest.param(
            {"count": 10, "interval": "1s"},
            {"successful": 5, "inconclusive": 5, "count": 10},
            "Inconclusive",
            "Inconclusive",
            id="count reached, but inconclusive",
        ),
        # consecutiveSuccessLimit alone
        pytest.param(THREE_IN_A_ROW, counts(3, 4, 7, 3), "Successful", "Successful", id="enough in a row"),
        pytest.param(FIVE_IN_A_ROW, counts(3, 4, 7, 3), "Running", "Successful", id="not enough in a row"),
        pytest.param(
            {**FIVE_IN_A_ROW, "count": 7},
            counts(3, 4, 7, 3),
            "Failed",
            "Failed",
            id="count reached, not enough in a row",
        ),
        pytest.param(
            {**THREE_IN_A_ROW, "count": 7},
            counts(3, 4, 7, 3),
            "Successful",
            "Successful",
            id="count and enough in a row",
        ),
        pytest.param(
            {**THREE_IN_A_ROW, "count": 9}, counts(3, 4, 7, 3), "Successful", "Successful", id="enough before count"
        ),
        pytest.param(
            {**FIVE_IN_A_ROW, "count": 9}, counts(3, 4, 7, 3), "Running", "Successful", id="neither count nor enough"
        ),
        # failureLimit and consecutiveSuccessLimit
        pytest.param(FOUR_OF_FOUR, counts(3, 4, 7, 3), "Running", "Successful", id="both: neither reached"),
        pytest.param(FOUR_OF_FOUR, counts(5, 9, 9, 0), "Failed", "Failed", id="both: failed"),
        pytest.param(FOUR_OF_FOUR, counts(3, 5, 8, 4), "Successful", "Successful", id="both: enough in a row"),
        pytest.param(FOUR_OF_FOUR, counts(5, 5, 10, 4), "Failed", "Failed", id="both: failure comes first"),
        pytest.param(
            {**FOUR_OF_FOUR, "count": 10},
            counts(4, 6, 10, 3),
            "Inconclusive",
            "Inconclusive",
            id="both, count reached: neither",
        ),
        pytest.param({**FOUR_OF_FOUR, "count": 10}, counts(5, 5, 10, 3), "Failed", "Failed", id="both, count: failed"),
        pytest.param(
            {**FOUR_OF_FOUR, "count": 10}, counts(4, 6, 10, 4), "Successful", "Successful", id="both, count: in a row"
        ),
        pytest.param(
            {**FOUR_OF_FOUR, "count": 10}, counts(3, 5, 8, 3), "Running", "Successful", id="both, before count"
        ),
        # several limits at once: the order of upstream's assignments
        pytest.param(
            {"interval": "60s", "consecutiveErrorLimit": 0},
            {"failed": 1, "inconclusive": 1, "consecutiveError": 1},
            "Error",
            "Error",
            id="error before inconclusive before failed",
        ),
        pytest.param(
            {"interval": "60s"},
            {"failed": 1, "inconclusive": 1},
            "Inconclusive",
            "Inconclusive",
            id="inconclusive first",
        ),
    ],
)
def test_a_metric_with_a_finished_measurement(
    fields: dict[str, Any], counted: dict[str, int], going_on: str, stopping: str
) -> None:
    measured = result("m", "Running", measurement("Failed"), **counted)

    assert assess(planned(**fields), measured, stopping=False)[0] == going_on
    assert assess(planned(**fields), measured, stopping=True)[0] == stopping


def test_without_a_measurement_a_metric_is_pending_or_stopped() -> None:
    assert assess(planned(), result("m", ""), stopping=False)[0] == "Pending"
    assert assess(planned(), result("m", ""), stopping=True)[0] == "Successful"


def test_a_measurement_under_way_keeps_a_metric_running() -> None:
    measured = result("m", "Running", measurement("Running", None))

    assert assess(planned(), measured, stopping=False)[0] == "Running"
    assert assess(planned(), measured, stopping=True)[0] == "Running"


@pytest.mark.parametrize("phase", ["Successful", "Failed", "Error", "Inconclusive"])
def test_a_completed_metric_stays_as_it_is(phase: str) -> None:
    measured = result("m", phase, measurement("Failed"), failed=9)

    assert assess(planned(), measured, stopping=False) == (phase, None)


@pytest.mark.parametrize(
    ("counted", "phase", "why"),
    [
        ({"failed": 1}, "Failed", "failed (1) > failureLimit (0)"),
        ({"inconclusive": 1}, "Inconclusive", "inconclusive (1) > inconclusiveLimit (0)"),
        ({"consecutiveError": 5}, "Error", "consecutiveErrors (5) > consecutiveErrorLimit (4)"),
    ],
)
def test_what_upstream_says_of_a_limit(counted: dict[str, int], phase: str, why: str) -> None:
    exceeded = limit_exceeded(planned(), result("m", "Running", measurement("Failed"), **counted))

    assert exceeded is not None
    assert (exceeded.phase, exceeded.why) == (phase, why)


def test_the_evidence_holds_value_condition_limit_and_error() -> None:
    last = measurement("Failed", value="[3]", message="boom")

    exceeded = limit_exceeded(planned(successCondition="result[0] == 0"), result("m", "Running", last, failed=1))

    assert exceeded is not None
    assert exceeded.evidence() == {
        "metric": "m",
        "phase": "Failed",
        "counter": "failed",
        "count": 1,
        "limit_name": "failureLimit",
        "limit": 0,
        "value": "[3]",
        "condition": "success if result[0] == 0",
        "error": "boom",
    }


def test_failed_is_the_worst_a_run_can_be() -> None:
    order = ["Successful", "Running", "Pending", "Inconclusive", "Error", "Failed"]

    assert all(is_worse(worse, better) for better, worse in pairwise(order))
    assert not is_worse("Failed", "Failed")
