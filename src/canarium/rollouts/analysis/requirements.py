"""What a metric has to do to pass, in words, and how it stands.

Owns: the sentences and their states. Pure. Must not know: how they are shown, what was measured beyond the counters.
Follows the same limits as `assess` (Argo Rollouts 1.10); its page lists these limits too, without count and interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import msgspec

from canarium.kube.objects import Obj
from canarium.rollouts.analysis.plan import Metric
from canarium.rollouts.analysis.schedule import COMPLETED

State = Literal["met", "broken", "open"]


class Requirement(msgspec.Struct, frozen=True):
    """One requirement. state: met and broken are final, open may still become either."""

    says: str
    state: State


def requirements(metric: Metric, result: Obj | None, *, is_over: bool) -> tuple[Requirement, ...]:
    """What `metric` has to do to pass, the most demanding first.

    result: its entry in status.metricResults, None before the first measurement. is_over: the run has ended, so what
    is open stays as it is.
    """
    counters = result or {}
    phase = counters.get("phase", "")
    return tuple(_requirements(metric, counters, phase, is_over=is_over or phase in COMPLETED))


def _requirements(metric: Metric, counters: Obj, phase: str, *, is_over: bool) -> Iterator[Requirement]:
    yield _measured(metric, counters.get("count", 0), phase, is_over=is_over)
    if metric.success_limit is not None:
        in_a_row = counters.get("consecutiveSuccess", 0)
        state: State = "met" if in_a_row >= metric.success_limit else ("broken" if is_over else "open")
        yield Requirement(f"{_many(metric.success_limit, 'success', 'successes')} in a row: {in_a_row} now", state)
    if metric.failure_limit is not None:
        failed = counters.get("failed", 0)
        yield _at_most(metric.failure_limit, "failed measurement", failed, "so far", is_over=is_over)
    unclear = counters.get("inconclusive", 0)
    yield _at_most(metric.inconclusive_limit, "inconclusive measurement", unclear, "so far", is_over=is_over)
    errors = counters.get("consecutiveError", 0)
    yield _at_most(metric.consecutive_error_limit, "error", errors, "now", is_over=is_over, tail=" in a row")


def _measured(metric: Metric, count: int, phase: str, *, is_over: bool) -> Requirement:
    every = "" if metric.interval is None else f", every {_span(metric.interval)}"
    if metric.count is None:
        says = f"measured{every.removeprefix(',')} until the run is stopped: {_times(count)} so far"
        return Requirement(says, _end_state(phase, is_over=is_over))
    says = f"measured {_times(metric.count)}{every if metric.count > 1 else ''}: {count} so far"
    if count >= metric.count:
        return Requirement(says, "met")
    return Requirement(says, _end_state(phase, is_over=is_over))


def _end_state(phase: str, *, is_over: bool) -> State:
    """Of a metric that was stopped before its count: that is fine where it passed all the same."""
    if not is_over:
        return "open"
    return "met" if phase == "Successful" else "broken"


def _at_most(limit: int, noun: str, have: int, when: str, *, is_over: bool, tail: str = "") -> Requirement:
    says = f"no {noun}s" if limit == 0 else f"at most {_many(limit, noun, f'{noun}s')}{tail}"
    state: State = "broken" if have > limit else ("met" if is_over else "open")
    return Requirement(f"{says}: {have or 'none'} {when}", state)


def _many(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _span(span: timedelta) -> str:
    """`30s`, `5m`, `1h30m`, as intervals are written."""
    seconds = span.total_seconds()
    if seconds != int(seconds):
        return f"{seconds:g}s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
