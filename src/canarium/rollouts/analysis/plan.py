"""What an AnalysisRun asks for once its arguments are filled in and its rules are matched.

Owns: the Plan, and the message a run ends with when there can be none. Must not know: status, time, secrets' values.
Behaviour follows Argo Rollouts 1.10 `reconcileAnalysisRun`, its first half.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.rollouts.analysis.arguments import UnresolvedArgument, resolve_metric, with_placeholders
from canarium.rollouts.analysis.gotext import int_value, parse_duration
from canarium.rollouts.analysis.validation import (
    InvalidMetrics,
    dry_run_metrics,
    retained_measurements,
    validate_metrics,
)

DEFAULT_CONSECUTIVE_ERROR_LIMIT: Final = 4
DEFAULT_MEASUREMENT_HISTORY_LIMIT: Final = 10


class NoPlan(CanariumError):
    """The run cannot be measured as it stands. `problem` is the message it ends with, in phase Error."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of a run, read once. `None` limits do not apply.

    position: its index in spec.metrics. count: the effective one; None means until somebody stops the run.
    failure_limit: None when disabled (-1). success_limit: consecutiveSuccessLimit, None when disabled.
    """

    position: int
    name: str
    interval: timedelta | None
    initial_delay: timedelta | None
    count: int | None
    failure_limit: int | None
    inconclusive_limit: int
    consecutive_error_limit: int
    success_limit: int | None
    success_condition: str
    failure_condition: str
    is_dry_run: bool
    keep: int

    def conditions(self) -> str:
        """Both conditions as a person would say them; empty when there are none."""
        parts = (("success", self.success_condition), ("failure", self.failure_condition))
        return ", ".join(f"{kind} if {text}" for kind, text in parts if text)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of a run, in the order of its spec."""

    metrics: tuple[Metric, ...]


def plan_of(run: Obj) -> Plan:
    """Read a run's spec. Raises NoPlan with the message upstream ends the run with."""
    spec = run.get("spec") or {}
    args = with_placeholders(spec.get("args") or ())
    try:
        metrics = [resolve_metric(metric, args) for metric in spec.get("metrics") or ()]
    except UnresolvedArgument as error:
        raise NoPlan(
            f"Unable to resolve metric arguments: {error.problem}", field=error.field, next_step=error.next_step
        ) from error
    try:
        validate_metrics(metrics)
        dry_run = dry_run_metrics(spec.get("dryRun") or (), metrics)
        keep = retained_measurements(spec.get("measurementRetention") or (), metrics)
    except InvalidMetrics as error:
        raise NoPlan(f"Analysis spec invalid: {error.problem}", field=error.field, next_step=error.next_step) from error
    return Plan(metrics=tuple(_read(position, metric, dry_run, keep) for position, metric in enumerate(metrics)))


def _read(position: int, metric: Obj, dry_run: frozenset[str], keep: Mapping[str, int]) -> Metric:
    name = metric.get("name", "")
    interval, delay = str(metric.get("interval") or ""), str(metric.get("initialDelay") or "")
    count = int_value(metric.get("count"))
    failure_limit = int_value(metric.get("failureLimit"))
    success_limit = int_value(metric.get("consecutiveSuccessLimit"))
    error_limit = metric.get("consecutiveErrorLimit")
    return Metric(
        position=position,
        name=name,
        interval=parse_duration(interval) if interval else None,
        initial_delay=parse_duration(delay) if delay else None,
        count=count if count else (None if interval else 1),
        failure_limit=failure_limit if failure_limit >= 0 else None,
        inconclusive_limit=int_value(metric.get("inconclusiveLimit")),
        consecutive_error_limit=DEFAULT_CONSECUTIVE_ERROR_LIMIT if error_limit is None else int_value(error_limit),
        success_limit=success_limit if success_limit > 0 else None,
        success_condition=metric.get("successCondition") or "",
        failure_condition=metric.get("failureCondition") or "",
        is_dry_run=name in dry_run,
        keep=keep.get(name) or DEFAULT_MEASUREMENT_HISTORY_LIMIT,
    )
