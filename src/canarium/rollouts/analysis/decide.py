"""What becomes of an AnalysisRun after one look at it.

Owns: folding measurements into the status, the run's phase and message, its summaries, Events, and its end of life.
Must not know: clocks, providers, secrets, what the run is for.
Behaviour follows Argo Rollouts 1.10 `reconcileAnalysisRun`, `runMeasurements`, `assessRunStatus`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from canarium.kube.decision import Decision, Delete, EventNote, Reason
from canarium.kube.objects import Obj, format_time, later, parse_time
from canarium.rollouts.analysis.assess import assess, is_worse, limit_exceeded
from canarium.rollouts.analysis.plan import Metric, NoPlan, Plan, plan_of
from canarium.rollouts.analysis.reasons import (
    AlreadyCompleted,
    BeingDeleted,
    MetricMeasured,
    NotMeasurable,
    RunCompleted,
    RunStopping,
    TimeToLiveOver,
    assessed,
)
from canarium.rollouts.analysis.schedule import COMPLETED, last_measurement, next_look, results_by_name, stopped_by
from canarium.rollouts.kinds import ANALYSIS_RUNS

_MAX_INT32: Final = (1 << 31) - 1


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement as it was observed.

    metric: its name. measurement: phase, startedAt, finishedAt, value, message, metadata, resumeAt, as in status.
    resumed: it replaces the newest one, which was under way. metadata: what to keep about the metric itself.
    """

    metric: str
    measurement: Obj
    resumed: bool = False
    metadata: Mapping[str, str] = msgspec.field(default_factory=dict)


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """A run, what was measured of it just now, and why it could not be (`problem`, empty when all went well)."""

    run: Obj
    taken: tuple[Taken, ...] = ()
    problem: str = ""


def decide(observed: Observed, now: datetime) -> Decision:
    """Fold what was measured into the run's status and say what it amounts to."""
    run = observed.run
    if run["metadata"].get("deletionTimestamp"):
        return Decision(because=(BeingDeleted(),))
    if (run.get("status") or {}).get("phase") in COMPLETED:
        return _after_the_end(run, now)
    try:
        plan = plan_of(run)
    except NoPlan as error:
        return _give_up(run, NotMeasurable(error.problem, error.field, error.next_step))
    if observed.problem:
        return _give_up(run, NotMeasurable(f"Unable to resolve metric arguments: {observed.problem}", "spec.args"))
    return _judge(observed, plan, now)


def _judge(observed: Observed, plan: Plan, now: datetime) -> Decision:
    run, status = observed.run, observed.run.get("status") or {}
    stop = stopped_by(run)
    by_name = {metric.name: metric for metric in plan.metrics}
    results = _fold(results_by_name(status), observed.taken, by_name)
    because: list[Reason] = [_measured(by_name.get(taken.metric), taken) for taken in observed.taken]
    events: list[EventNote] = []
    verdict = _Verdict("Run Terminated" if run["spec"].get("terminate") else "")
    is_everything_completed = True
    for metric in plan.metrics:
        verdict.count(metric)
        result = results.get(metric.name)
        if result is None:
            is_everything_completed = False
            continue
        phase, why = assess(metric, result, stopping=stop is not None)
        if result.get("phase") != phase:
            result = _in_phase(result, phase)
            if phase in COMPLETED:
                events.append(_event("Metric", phase, f"Metric '{metric.name}' Completed. Result: {phase}"))
        if why is not None:
            because.append(why)
        if phase in COMPLETED:
            result = verdict.add(metric, result, phase)
        else:
            is_everything_completed = False
        results[metric.name] = _without_zeroes(result)

    run_phase, message = verdict.of_run(stopping=stop is not None, is_everything_completed=is_everything_completed)
    if run_phase != status.get("phase") and run_phase in COMPLETED:
        events.append(_completion_event(run_phase))
        because.append(RunCompleted(run_phase, message))
    changed = _changed_status(status, verdict, run_phase, message, now)
    if results:
        changed["metricResults"] = [_trimmed(result, by_name.get(name)) for name, result in results.items()]
    if run_phase in COMPLETED:
        left = _time_to_live_left(run, changed, now)
        requeue = None if left is None else left[0]
    else:
        requeue, waits = next_look(plan, results, parse_time(changed["startedAt"]), now)
        if stop is not None:
            because.append(RunStopping(*stop))
        because.extend(waits)
    if not because:
        because.append(RunStopping(*stop) if stop is not None else AlreadyCompleted(run_phase))
    return Decision(status=changed, because=tuple(because), requeue=requeue, events=tuple(events))


def _in_phase(result: Obj, phase: str) -> Obj:
    """A metric's result in another phase, with what its last measurement says."""
    last = last_measurement(result)
    message = result.get("message", "") if last is None else last.get("message", "")
    return {**result, "phase": phase, "message": message}


def _changed_status(status: Obj, verdict: _Verdict, phase: str, message: str, now: datetime) -> dict[str, Any]:
    """The status of the run, but for its results: summaries, phase and message, when it began and ended."""
    changed = {
        **{key: value for key, value in status.items() if key not in ("runSummary", "metricResults")},
        "startedAt": status.get("startedAt") or format_time(now),
        "dryRunSummary": _without_zeroes(verdict.dry_run_summary),
    }
    run_summary = _without_zeroes(verdict.run_summary)
    if run_summary or "runSummary" in status:
        changed["runSummary"] = run_summary
    if phase != status.get("phase"):
        changed["phase"] = phase
        changed.pop("message", None)
        if message:
            changed["message"] = message
        if phase in COMPLETED:
            changed.setdefault("completedAt", format_time(now))
    return changed


class _Verdict:
    """The run's phase, message and summaries, gathered metric by metric."""

    def __init__(self, message: str) -> None:
        self.worst = ""
        self.message = message
        self.run_summary: dict[str, int] = {}
        self.dry_run_summary: dict[str, int] = {}

    def count(self, metric: Metric) -> None:
        summary = self.dry_run_summary if metric.is_dry_run else self.run_summary
        summary["count"] = summary.get("count", 0) + 1

    def add(self, metric: Metric, result: Obj, phase: str) -> Obj:
        """Take a completed metric into account; returns its result, which says so itself if it is a dry run."""
        exceeded = limit_exceeded(metric, result)
        # Upstream counts by the limit that was passed, so a metric that ended without one (consecutiveSuccessLimit not
        # reached) is summed up as successful whatever its phase.
        counter = (exceeded.phase if exceeded is not None else "Successful").lower()
        summary = self.dry_run_summary if metric.is_dry_run else self.run_summary
        summary[counter] = summary.get(counter, 0) + 1
        if metric.is_dry_run:
            self.worst = self.worst or "Successful"
            if exceeded is not None:
                return {**result, "message": f"Metric assessed {phase} due to {exceeded.why}"}
        elif not self.worst or is_worse(phase, self.worst):
            self.worst = phase
            if exceeded is not None:
                self.message = assessed(metric.name, phase, exceeded.why, result.get("message", ""))
        return result

    def of_run(self, *, stopping: bool, is_everything_completed: bool) -> tuple[str, str]:
        message = self.message.strip()
        if stopping:
            return self.worst or "Successful", message
        if not is_everything_completed or not self.worst:
            return "Running", ""
        return self.worst, message


_COUNTERS: Final = {
    "Successful": "successful",
    "Failed": "failed",
    "Inconclusive": "inconclusive",
    "Error": "error",
}


def _fold(results: dict[str, Obj], taken: Iterable[Taken], metrics: Mapping[str, Metric]) -> dict[str, Obj]:
    """The results with the new measurements appended and counted. An error does not advance `count`."""
    folded = dict(results)
    for new in taken:
        result = dict(folded.get(new.metric) or _first_result(new, metrics.get(new.metric)))
        phase = new.measurement["phase"]
        counter = _COUNTERS.get(phase)
        if counter is not None:
            result[counter] = result.get(counter, 0) + 1
            if phase == "Error":
                result["consecutiveError"] = result.get("consecutiveError", 0) + 1
            else:
                result["count"] = result.get("count", 0) + 1
                result["consecutiveError"] = 0
            result["consecutiveSuccess"] = result.get("consecutiveSuccess", 0) + 1 if phase == "Successful" else 0
        measurements = list(result.get("measurements") or ())
        if new.resumed:
            measurements[-1:] = [new.measurement]
        else:
            measurements.append(new.measurement)
        result["measurements"] = measurements
        folded[new.metric] = _without_zeroes(result)
    return folded


def _first_result(new: Taken, metric: Metric | None) -> Obj:
    result: Obj = {"name": new.metric, "phase": "Running"}
    if metric is not None and metric.is_dry_run:
        result["dryRun"] = True
    if new.metadata:
        result["metadata"] = dict(new.metadata)
    return result


def _without_zeroes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Go's `omitempty`: no zeroes, no empty text."""
    return {key: value for key, value in values.items() if value not in (0, "")}


def _trimmed(result: Obj, metric: Metric | None) -> Obj:
    measurements = result.get("measurements") or ()
    if metric is None or len(measurements) <= metric.keep:
        return result
    return {**result, "measurements": list(measurements[-metric.keep :])}


def _measured(metric: Metric | None, taken: Taken) -> MetricMeasured:
    new = taken.measurement
    condition = metric.conditions() if metric is not None else ""
    return MetricMeasured(taken.metric, new["phase"], new.get("value", ""), condition, new.get("message", ""))


def _event(subject: str, phase: str, message: str) -> EventNote:
    is_bad = phase in ("Error", "Failed")
    return EventNote(type="Warning" if is_bad else "Normal", reason=f"{subject}{phase}", message=message)


def _completion_event(phase: str) -> EventNote:
    return _event("AnalysisRun", phase, f"Analysis Completed. Result: {phase}")


def _give_up(run: Obj, why: NotMeasurable) -> Decision:
    """Phase Error with a message. As upstream, such a run has no completedAt, so no time to live either."""
    status = {**(run.get("status") or {}), "phase": "Error", "message": why.message}
    return Decision(status=status, because=(why,), events=(_completion_event("Error"),))


def _after_the_end(run: Obj, now: datetime) -> Decision:
    """Delete a completed run once its ttlStrategy says so; upstream finds out at its next resync, we wake for it."""
    status = run["status"]
    phase = status["phase"]
    remaining = _time_to_live_left(run, status, now)
    if remaining is None:
        return Decision(because=(AlreadyCompleted(phase),))
    left, ttl = remaining
    if left > timedelta(0):
        return Decision(because=(AlreadyCompleted(phase, left),), requeue=left)
    metadata = run["metadata"]
    gone = Delete(
        resource=ANALYSIS_RUNS,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
    )
    return Decision(actions=(gone,), because=(TimeToLiveOver(phase, ttl),))


def _time_to_live_left(run: Obj, status: Mapping[str, Any], now: datetime) -> tuple[timedelta, timedelta] | None:
    """(what is left, the whole) of the time to live; None when the run is kept (isAnalysisRunTtlExceeded).

    Upstream compares whole seconds and wants more than the time to live, so the run lives one second longer.
    """
    strategy = run["spec"].get("ttlStrategy")
    completed_at = status.get("completedAt")
    if strategy is None or completed_at is None:
        return None
    own = {"Successful": "secondsAfterSuccess", "Failed": "secondsAfterFailure"}.get(status["phase"], "")
    seconds = strategy.get(own)
    if seconds is None:
        seconds = strategy.get("secondsAfterCompletion")
    if seconds is None:
        return None
    seconds = max(-_MAX_INT32, min(seconds, _MAX_INT32))  # upstream knows no more
    return max(later(parse_time(completed_at), seconds + 1) - now, timedelta(0)), timedelta(seconds=seconds)
