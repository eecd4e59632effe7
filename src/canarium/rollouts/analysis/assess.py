"""How one metric stands, given its limits and what was measured.

Owns: failureLimit, inconclusiveLimit, consecutiveErrorLimit, consecutiveSuccessLimit, count; which of several counts.
Must not know: other metrics, time. Behaviour follows Argo Rollouts 1.10 `assessMetricStatus` and
`assessMetricFailureInconclusiveOrError`.
"""

from __future__ import annotations

from typing import Final

from canarium.kube.decision import Reason
from canarium.kube.objects import Obj
from canarium.rollouts.analysis.plan import Metric
from canarium.rollouts.analysis.reasons import (
    CountReached,
    EnoughSuccesses,
    LimitExceeded,
    MetricStopped,
    TooFewSuccesses,
)
from canarium.rollouts.analysis.schedule import COMPLETED, last_measurement

_BEST_TO_WORST: Final = ("Successful", "Running", "Pending", "Inconclusive", "Error", "Failed")


def is_worse(phase: str, than: str) -> bool:
    """Whether a run with a metric in `phase` is worse off than one in `than`: Failed is worst, then Error."""
    return _BEST_TO_WORST.index(phase) > _BEST_TO_WORST.index(than)


def limit_exceeded(metric: Metric, result: Obj) -> LimitExceeded | None:
    """The limit that decides the metric. Of several, errors come before inconclusive ones, those before failures:
    upstream looks at them in the opposite order and the last one it finds stays."""
    errors, inconclusive, failed = (
        result.get("consecutiveError", 0),
        result.get("inconclusive", 0),
        result.get("failed", 0),
    )
    if errors > metric.consecutive_error_limit:
        found = ("Error", "consecutiveErrors", errors, "consecutiveErrorLimit", metric.consecutive_error_limit)
    elif inconclusive > metric.inconclusive_limit:
        found = ("Inconclusive", "inconclusive", inconclusive, "inconclusiveLimit", metric.inconclusive_limit)
    elif metric.failure_limit is not None and failed > metric.failure_limit:
        found = ("Failed", "failed", failed, "failureLimit", metric.failure_limit)
    else:
        return None
    last = last_measurement(result) or {}
    return LimitExceeded(
        metric.name, *found, value=last.get("value", ""), condition=metric.conditions(), error=last.get("message", "")
    )


def assess(metric: Metric, result: Obj, *, stopping: bool) -> tuple[str, Reason | None]:
    """The metric's phase, and why where it has just ended. result: one of status.metricResults, measurements folded in.

    stopping: the run takes no more measurements.
    """
    if result.get("phase") in COMPLETED:
        return result["phase"], None
    last = last_measurement(result)
    if last is None:
        return ("Successful", MetricStopped(metric.name)) if stopping else ("Pending", None)
    if last.get("phase") not in COMPLETED:
        return "Running", None
    exceeded = limit_exceeded(metric, result)
    if exceeded is not None:
        return exceeded.phase, exceeded
    in_a_row, count = result.get("consecutiveSuccess", 0), result.get("count", 0)
    if metric.success_limit is not None and in_a_row >= metric.success_limit:
        return "Successful", EnoughSuccesses(metric.name, metric.success_limit)
    if metric.count is not None and count >= metric.count:
        if metric.success_limit is None:
            return "Successful", CountReached(metric.name, count)
        phase = "Failed" if metric.failure_limit is None else "Inconclusive"
        return phase, TooFewSuccesses(metric.name, phase, count, in_a_row, metric.success_limit)
    if stopping:
        return "Successful", MetricStopped(metric.name)
    return "Running", None
