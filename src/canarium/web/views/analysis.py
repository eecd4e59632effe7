"""Topic `analysis/NAMESPACE/RUN`: an AnalysisRun with every metric, as it was asked and judged.

Owns: `AnalysisDetail`. Must not know: topics' transport; how conditions are judged, which thresholds and requirements
follow from a metric (see `canarium.rollouts.analysis`), why a run is where it is (see `explained`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from canarium.clock import Clock
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj, controller_of, key_of, labels_of
from canarium.kube.resources import PODS, REPLICA_SETS, SERVICES, Resource
from canarium.lab.explain.analysis import HIDDEN, query_problem, resolved_metric, told
from canarium.rollouts.analysis.arguments import secret_of
from canarium.rollouts.analysis.plan import Metric, NoPlan, plan_of
from canarium.rollouts.analysis.requirements import requirements
from canarium.rollouts.analysis.schedule import COMPLETED, results_by_name
from canarium.rollouts.analysis.thresholds import thresholds
from canarium.rollouts.info.replicasets import revision_of
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, CLUSTER_ANALYSIS_TEMPLATES, ROLLOUTS
from canarium.web.model import AnalysisDetail, Measurement, MetricResult, Requirement, Threshold
from canarium.web.views.cells import run_label
from canarium.web.views.explained import analysis_why

_JUDGED: Final = ("Successful", "Failed", "Inconclusive")
_QUERY_FIELDS: Final = ("query", "queries", "url", "function", "metricDataQueries")
"""Where providers keep what they ask, the first that there is."""


class AnalysisValue:
    """A `Value`: one AnalysisRun."""

    resources: Sequence[Resource] = (
        ANALYSIS_RUNS,
        ROLLOUTS,
        ANALYSIS_TEMPLATES,
        CLUSTER_ANALYSIS_TEMPLATES,
        SERVICES,
        REPLICA_SETS,
        PODS,
    )

    def __init__(self, listers: WatchedListers, clock: Clock, namespace: str, run: str) -> None:
        self._listers = listers
        self._clock = clock
        self._namespace = namespace
        self._name = run
        self._runs = listers(ANALYSIS_RUNS)
        for resource in self.resources:
            listers(resource)

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        """The run itself; its Rollout; templates and Services that it may have meant. Pods matter to the explanation of
        a run only through the Rollout, which changes with them."""
        if resource == ANALYSIS_RUNS:
            return key_of(obj) == (self._namespace, self._name)
        if resource in (SERVICES, CLUSTER_ANALYSIS_TEMPLATES):
            return True
        return resource in (ROLLOUTS, ANALYSIS_TEMPLATES) and key_of(obj).namespace == self._namespace

    def value(self) -> AnalysisDetail | None:
        """The run as it is now."""
        run = self._runs.get(self._namespace, self._name)
        if run is None:
            return None
        spec, status, owner = run.get("spec") or {}, run.get("status") or {}, controller_of(run)
        metrics = spec.get("metrics") or ()
        try:
            planned: dict[str, Metric] = {metric.name: metric for metric in plan_of(run).metrics}
        except NoPlan:
            planned = {}
        results = results_by_name(status)
        is_over = status.get("phase") in COMPLETED
        is_of_rollout = owner is not None and owner["kind"] == ROLLOUTS.kind
        return AnalysisDetail(
            namespace=self._namespace,
            name=self._name,
            label=run_label(self._name),
            rollout=owner["name"] if owner is not None and is_of_rollout else "",
            revision=revision_of(run),
            kind=labels_of(run).get("rollout-type", ""),
            phase=status.get("phase", ""),
            message=status.get("message", ""),
            started=status.get("startedAt") or "",
            completed=status.get("completedAt") or (_last_finish(results) if is_over else ""),
            args=tuple((arg.get("name", ""), _shown(arg)) for arg in spec.get("args") or ()),
            metrics=tuple(
                _metric(run, metric, planned.get(metric.get("name", "")), results.get(metric.get("name", "")), is_over)
                for metric in metrics
            ),
            why=analysis_why(run, self._listers, self._clock),
        )


def _metric(run: Obj, spec: Obj, planned: Metric | None, result: Obj | None, is_over: bool) -> MetricResult:
    metric, problem = resolved_metric(run, spec)
    provider, config = _provider(metric)
    query = _asked(config)
    found = result or {}
    measurements = found.get("measurements") or ()
    judged: Obj = next((one for one in reversed(measurements) if one.get("phase") in _JUDGED and "value" in one), {})
    if problem:
        wrong = f"The arguments cannot be filled in: {problem}."
    else:
        wrong = query_problem(query) if provider == "prometheus" else ""
    return MetricResult(
        name=spec.get("name", ""),
        phase=found.get("phase", ""),
        message=found.get("message", ""),
        provider=provider,
        address=_address(config),
        query=query,
        query_problem=wrong,
        success_condition=metric.get("successCondition") or "",
        failure_condition=metric.get("failureCondition") or "",
        saw=judged.get("value", ""),
        told=told(metric, judged.get("phase", ""), judged.get("value", "")),
        is_dry_run=bool(found.get("dryRun")) or (planned is not None and planned.is_dry_run),
        interval=str(metric.get("interval") or ""),
        count=None if planned is None else planned.count,
        successful=found.get("successful", 0),
        failed=found.get("failed", 0),
        inconclusive=found.get("inconclusive", 0),
        error=found.get("error", 0),
        consecutive_error=found.get("consecutiveError", 0),
        measurements=tuple(_measurement(one) for one in measurements),
        thresholds=tuple(
            Threshold(condition=one.condition, operator=one.operator, value=one.value, index=one.index)
            for one in thresholds(metric)
        ),
        requirements=()
        if planned is None
        else tuple(
            Requirement(says=one.says, state=one.state) for one in requirements(planned, result, is_over=is_over)
        ),
    )


def _measurement(found: Mapping[str, Any]) -> Measurement:
    value = found.get("value", "")
    return Measurement(
        phase=found.get("phase", ""),
        started=found.get("startedAt") or "",
        finished=found.get("finishedAt") or "",
        value=value,
        numbers=numbers_of(value),
        message=found.get("message", ""),
    )


def numbers_of(value: str) -> tuple[float | None, ...]:
    """What of a recorded value can be drawn: `[0.97,NaN]` is (0.97, None), `12` is (12.0,), an object is nothing.

    Values are as Go prints them: `NaN` and `+Inf` stand bare in a list, which no JSON reader takes.
    """
    try:
        found = json.loads(_NO_NUMBER.sub("null", value))
    except (ValueError, RecursionError):
        return ()
    if isinstance(found, list):
        return tuple(_number(one) for one in found)
    number = _number(found)
    return (number,) if number is not None or found is None else ()


_NO_NUMBER: Final = re.compile(r"""(?<![\w".])[+-]?(NaN|Inf)(?![\w"])""")


def _number(found: Any) -> float | None:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    try:
        number = float(found)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _provider(metric: Obj) -> tuple[str, Mapping[str, Any]]:
    """The provider's name (of a plugin: the plugin's), and what it is told."""
    providers = metric.get("provider") or {}
    name, config = next(iter(providers.items()), ("", {}))
    if name == "plugin" and isinstance(config, Mapping) and config:
        name, config = next(iter(config.items()))
    return name, config if isinstance(config, Mapping) else {}


def _asked(config: Mapping[str, Any]) -> str:
    """The query, or what comes closest; empty for providers that ask nothing, such as Jobs."""
    for field in _QUERY_FIELDS:
        found = config.get(field)
        if found:
            return found if isinstance(found, str) else json.dumps(found, indent=2, ensure_ascii=False)
    return ""


def _address(config: Mapping[str, Any]) -> str:
    found = config.get("address") or config.get("url") or ""
    return found if isinstance(found, str) else ""


def _shown(arg: Mapping[str, Any]) -> str:
    return HIDDEN if secret_of(arg) is not None else str(arg.get("value") or "")


def _last_finish(results: Mapping[str, Obj]) -> str:
    """When the last measurement ended, for runs of versions that do not say when they were completed."""
    ends = [one.get("finishedAt") or "" for result in results.values() for one in result.get("measurements") or ()]
    return max(ends, default="")
