"""Which metrics are refused, in whose words. Known answers: Argo Rollouts' TestValidateMetrics and its neighbours."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.rollouts.analysis.plan import NoPlan, plan_of
from canarium.rollouts.analysis.validation import (
    InvalidMetrics,
    dry_run_metrics,
    retained_measurements,
    validate_metrics,
)
from tests.rollouts.analysis.builders import metric, run

PROMETHEUS: Obj = {"prometheus": {}}


def refused(*metrics: Obj) -> str:
    with pytest.raises(InvalidMetrics) as caught:
        validate_metrics(metrics)
    return caught.value.problem


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"count": 1, "failureLimit": 2},
            "count (1) must be >= failureLimit + consecutiveSuccessLimit (2 + 0) if both >= 0",
        ),
        (
            {"count": 3, "interval": "1s", "failureLimit": 2, "consecutiveSuccessLimit": 2},
            "count (3) must be >= failureLimit + consecutiveSuccessLimit (2 + 2) if both >= 0",
        ),
        (
            {"count": 1, "failureLimit": -1, "consecutiveSuccessLimit": 2},
            "count must be >= consecutiveSuccessLimit",
        ),
        ({"count": 1, "inconclusiveLimit": 2}, "count must be >= inconclusiveLimit"),
        ({"count": 2}, "interval must be specified when count > 1"),
        ({"failureLimit": -2}, "failureLimit must be >= 0, or -1 to be disabled"),
        ({"inconclusiveLimit": -1}, "inconclusiveLimit must be >= 0"),
        ({"consecutiveErrorLimit": -1}, "consecutiveErrorLimit must be >= 0"),
        ({"consecutiveSuccessLimit": -1}, "consecutiveSuccessLimit must be >= 0"),
        (
            {"consecutiveSuccessLimit": 0, "failureLimit": -1},
            "failureLimit and consecutiveSuccessLimit cannot both be disabled",
        ),
        (
            {"interval": "60s-typo"},
            'invalid interval string: time: unknown unit "s-typo" in duration "60s-typo"',
        ),
        (
            {"interval": "60s", "initialDelay": "60s-typo"},
            'invalid startDelay string: time: unknown unit "s-typo" in duration "60s-typo"',
        ),
        ({"interval": "60"}, 'invalid interval string: time: missing unit in duration "60"'),
        ({"interval": "abc"}, 'invalid interval string: time: invalid duration "abc"'),
        ({"provider": {}}, "no provider specified"),
        ({"provider": {"prometheus": {}, "job": {}}}, "multiple providers specified"),
        ({"provider": {"plugin": {"a": {}, "b": {}}}}, "multiple providers specified"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_metric_that_cannot_be_measured_is_refused(fields: dict[str, Any], message: str) -> None:
    assert refused(metric(**{"provider": PROMETHEUS, **fields})) == f"metrics[0]: {message}"


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 0, "failureLimit": 2},
        {"count": 2, "interval": "60s", "failureLimit": 2},
        {"count": "0", "failureLimit": "2"},
        {"interval": "1h30m", "initialDelay": "1.5s"},
        {"provider": {"plugin": {"argoproj-labs/sample": {}}}},
    ],
    ids=str,
)
def test_a_metric_that_can_be_measured_is_not(fields: dict[str, Any]) -> None:
    validate_metrics([metric(**{"provider": PROMETHEUS, **fields})])


def test_no_metrics_and_one_name_twice_are_refused() -> None:
    assert refused() == "no metrics specified"
    assert refused(metric("a"), metric("a")) == "metrics[1]: duplicate name 'a'"


METRICS = [metric("success-rate"), metric("error-rate")]


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("success-rate", {"success-rate"}),
        ("rate", {"success-rate", "error-rate"}),
        (".*", {"success-rate", "error-rate"}),
        ("^error", {"error-rate"}),
        ("latency", None),
        ("*", None),
    ],
)
def test_a_rule_is_an_expression_found_anywhere_in_the_name(rule: str, names: set[str] | None) -> None:
    if names is not None:
        assert dry_run_metrics([{"metricName": rule}], METRICS) == names
        return
    with pytest.raises(InvalidMetrics) as caught:
        dry_run_metrics([{"metricName": rule}], METRICS)
    assert caught.value.problem == "dryRun[0]: Rule didn't match any metric name(s)"


def test_the_last_matching_retention_rule_wins() -> None:
    rules = [{"metricName": ".*", "limit": 15}, {"metricName": "error-rate", "limit": 3}]

    assert retained_measurements(rules, METRICS) == {"success-rate": 15, "error-rate": 3}
    with pytest.raises(InvalidMetrics, match=r"measurementRetention\[1\]: Rule didn't match any metric name\(s\)"):
        retained_measurements([rules[0], {"metricName": "latency", "limit": 1}], METRICS)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param(run(metric(provider={})), "Analysis spec invalid: metrics[0]: no provider specified", id="metric"),
        pytest.param(
            run(metric(), dryRun=[{"metricName": "x"}]),
            "Analysis spec invalid: dryRun[0]: Rule didn't match any metric name(s)",
            id="dry run",
        ),
        pytest.param(
            run(metric(), measurementRetention=[{"metricName": "x"}]),
            "Analysis spec invalid: measurementRetention[0]: Rule didn't match any metric name(s)",
            id="retention",
        ),
        pytest.param(
            run(metric(successCondition="{{args.a}}", provider={"prometheus": {"query": "{{args.b}}"}})),
            "Unable to resolve metric arguments: failed to resolve {{args.b}}",
            id="of several unknown arguments the last is named",
        ),
    ],
)
def test_a_run_without_a_plan_says_why(spec: Obj, message: str) -> None:
    with pytest.raises(NoPlan) as caught:
        plan_of(spec)

    assert caught.value.problem == message
    assert caught.value.next_step
