"""When each metric of an AnalysisRun is measured: what is due now, and when to look again.

Owns: initialDelay, interval, count, retries after errors, resuming. Must not know: how measurements are taken, judged.
Behaviour follows Argo Rollouts 1.10 `generateMetricTasks` and `calculateNextReconcileTime`. One difference: a
measurement is due at the very moment its interval is over, where upstream wants a nanosecond more; under a clock that
jumps from timer to timer that nanosecond never comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from canarium.kube.decision import Reason
from canarium.kube.objects import Obj, later, parse_time
from canarium.rollouts.analysis.plan import Metric, NoPlan, Plan, plan_of
from canarium.rollouts.analysis.reasons import MeasurementUnfinished, WaitingToMeasure

COMPLETED: Final = frozenset({"Successful", "Failed", "Error", "Inconclusive"})
"""The phases of a run, metric or measurement after which nothing changes."""

STOPPING: Final = frozenset({"Failed", "Error", "Inconclusive"})
"""The phases of a metric that end the whole run, unless the metric is a dry run."""

ERROR_RETRY_INTERVAL: Final = timedelta(seconds=10)


class MeasurementTask(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement to take now.

    metric: as the spec writes it, arguments not filled in. unfinished: the measurement to go on with, if one is under
    way. terminate: end that one rather than wait for it.
    """

    metric: Obj
    unfinished: Obj | None = None
    terminate: bool = False


def due(run: Obj, now: datetime) -> tuple[MeasurementTask, ...]:
    """What to measure now, in the order of the spec. Nothing for a run that has ended or cannot be measured."""
    status = run.get("status") or {}
    if run["metadata"].get("deletionTimestamp") or status.get("phase") in COMPLETED:
        return ()
    try:
        plan = plan_of(run)
    except NoPlan:
        return ()  # decide() says why
    stopping = stopped_by(run) is not None
    results = results_by_name(status)
    spec = run["spec"]["metrics"]
    tasks: list[MeasurementTask] = []
    for metric in plan.metrics:
        result = results.get(metric.name)
        last = last_measurement(result)
        if result is not None and result.get("phase") in COMPLETED:
            continue
        if last is not None and last.get("finishedAt") is None:
            resume_at = last.get("resumeAt")
            if stopping or resume_at is None or parse_time(resume_at) <= now:
                tasks.append(MeasurementTask(metric=spec[metric.position], unfinished=last, terminate=stopping))
            continue
        if not stopping and _is_due(metric, result, last, status.get("startedAt"), now):
            tasks.append(MeasurementTask(metric=spec[metric.position]))
    return tuple(tasks)


def _is_due(metric: Metric, result: Obj | None, last: Obj | None, started_at: str | None, now: datetime) -> bool:
    if last is None:
        if metric.initial_delay is None:
            return True
        return started_at is not None and parse_time(started_at) + metric.initial_delay <= now
    if metric.count is not None and (result or {}).get("count", 0) >= metric.count:
        return False
    if last.get("phase") == "Error" or metric.interval is None:
        wait = ERROR_RETRY_INTERVAL
    else:
        wait = metric.interval
    return parse_time(last["finishedAt"]) + wait <= now


def next_look(
    plan: Plan, results: Mapping[str, Obj], started_at: datetime, now: datetime
) -> tuple[timedelta | None, tuple[Reason, ...]]:
    """How long until something is due, None if no timer will tell, and what every unfinished metric waits for.

    started_at: of the run. Never negative: zero means at once.
    """
    earliest: datetime | None = None
    waits: list[Reason] = []
    for metric in plan.metrics:
        result = results.get(metric.name)
        last = last_measurement(result)
        if result is not None and result.get("phase") in COMPLETED:
            continue
        after: Literal["interval", "initialDelay", "error", "resumeAt"]
        if last is None:
            at, after = later(started_at, (metric.initial_delay or timedelta(0)).total_seconds()), "initialDelay"
        elif last.get("finishedAt") is None:
            if last.get("resumeAt") is None:
                waits.append(MeasurementUnfinished(metric.name))
                continue
            at, after = parse_time(last["resumeAt"]), "resumeAt"
        elif metric.count is not None and (result or {}).get("count", 0) >= metric.count:
            continue
        elif last.get("phase") == "Error":
            at, after = later(parse_time(last["finishedAt"]), ERROR_RETRY_INTERVAL.total_seconds()), "error"
        elif metric.interval is not None:
            at, after = later(parse_time(last["finishedAt"]), metric.interval.total_seconds()), "interval"
        else:
            continue
        waits.append(WaitingToMeasure(metric.name, after, max(at - now, timedelta(0))))
        earliest = at if earliest is None else min(earliest, at)
    if earliest is None:
        return None, tuple(waits)
    return max(earliest - now, timedelta(0)), tuple(waits)


def stopped_by(run: Obj) -> tuple[str, str] | None:
    """Why the run takes no more measurements: `("", "")` because it was told to, or (metric, phase). None: it goes on.

    Source: IsTerminating.
    """
    if (run.get("spec") or {}).get("terminate"):
        return "", ""
    for result in (run.get("status") or {}).get("metricResults") or ():
        if not result.get("dryRun") and result.get("phase") in STOPPING:
            return result["name"], result["phase"]
    return None


def results_by_name(status: Mapping[str, Any]) -> dict[str, Obj]:
    """status.metricResults by metric, in their order."""
    return {result["name"]: result for result in status.get("metricResults") or ()}


def last_measurement(result: Mapping[str, Any] | None) -> Obj | None:
    """The newest measurement of a metric, finished or not."""
    measurements: Sequence[Obj] = (result or {}).get("measurements") or ()
    return measurements[-1] if measurements else None
