"""Which metrics may be measured at all, and which rules name which metric.

Owns: the checks of a metric's counts, durations and provider; dryRun and measurementRetention rules.
Must not know: status, time. Behaviour and messages follow Argo Rollouts 1.10 `ValidateMetrics`, `GetDryRunMetrics`,
`GetMeasurementRetentionMetrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.rollouts.analysis.gotext import InvalidDuration, int_value, parse_duration

PROVIDERS: Final = (
    "prometheus",
    "job",
    "web",
    "wavefront",
    "kayenta",
    "datadog",
    "newRelic",
    "cloudWatch",
    "graphite",
    "influxdb",
    "skywalking",
)
"""The built-in providers by field name; `plugin` holds any number of others."""

_RULE_SYNTAX: Final = frozenset("\\.+*?()|[]{}^$")


class InvalidMetrics(CanariumError):
    """A list of metrics, or a rule about them, that upstream refuses. `problem` is upstream's message."""


def validate_metrics(metrics: Sequence[Obj]) -> None:
    """Refuse what upstream refuses, first problem first. metrics: with their arguments filled in."""
    if not metrics:
        raise InvalidMetrics("no metrics specified", field="spec.metrics", next_step="Add at least one metric.")
    seen: set[str] = set()
    for index, metric in enumerate(metrics):
        name = metric.get("name", "")
        if name in seen:
            raise InvalidMetrics(
                f"metrics[{index}]: duplicate name '{name}'",
                field=f"spec.metrics[{index}].name",
                next_step="Rename one.",
            )
        seen.add(name)
        try:
            validate_metric(metric)
        except InvalidMetrics as error:
            raise InvalidMetrics(
                f"metrics[{index}]: {error.problem}",
                field=f"spec.metrics[{index}]{error.field and '.'}{error.field}",
                next_step=error.next_step,
            ) from error


def validate_metric(metric: Obj) -> None:
    """Refuse one metric that can never be measured as it says. Raises InvalidMetrics, field relative to the metric."""
    count = int_value(metric.get("count"))
    failure_limit = int_value(metric.get("failureLimit"))
    success_limit = int_value(metric.get("consecutiveSuccessLimit"))
    inconclusive_limit = int_value(metric.get("inconclusiveLimit"))

    if success_limit < 0:
        raise _refuse("consecutiveSuccessLimit", "consecutiveSuccessLimit must be >= 0", "Leave it out to disable it.")
    if failure_limit < -1:
        raise _refuse("failureLimit", "failureLimit must be >= 0, or -1 to be disabled", "Use -1 to disable it.")
    if success_limit == 0 and failure_limit == -1:
        raise _refuse(
            "failureLimit",
            "failureLimit and consecutiveSuccessLimit cannot both be disabled",
            "Give one of them a value: otherwise nothing ever decides the metric.",
        )
    if inconclusive_limit < 0:
        raise _refuse("inconclusiveLimit", "inconclusiveLimit must be >= 0", "Use 0 for none at all.")
    if int_value(metric.get("consecutiveErrorLimit")) < 0:
        raise _refuse("consecutiveErrorLimit", "consecutiveErrorLimit must be >= 0", "Leave it out for 4.")
    if count > 0:
        if failure_limit >= 0 and count < failure_limit + success_limit:
            raise _refuse(
                "count",
                f"count ({count}) must be >= failureLimit + consecutiveSuccessLimit ({failure_limit} + {success_limit})"
                " if both >= 0",
                "Measure more often, or lower the limits: they could never be reached.",
            )
        if failure_limit < 0 and count < success_limit:
            raise _refuse("count", "count must be >= consecutiveSuccessLimit", "Measure more often.")
        if count < inconclusive_limit:
            raise _refuse("count", "count must be >= inconclusiveLimit", "Measure more often.")
    interval, delay = str(metric.get("interval") or ""), str(metric.get("initialDelay") or "")
    if count > 1 and not interval:
        raise _refuse("interval", "interval must be specified when count > 1", "Add, say, interval: 30s.")
    for field, text, called in (("interval", interval, "interval"), ("initialDelay", delay, "startDelay")):
        if text:
            try:
                parse_duration(text)
            except InvalidDuration as error:
                raise _refuse(field, f"invalid {called} string: {error.problem}", error.next_step) from error
    given = provider_names(metric)
    if not given:
        raise _refuse("provider", "no provider specified", "Add one, for example provider.prometheus.")
    if len(given) > 1:
        raise _refuse("provider", "multiple providers specified", "Make one metric of each.")


def _refuse(field: str, problem: str, next_step: str) -> InvalidMetrics:
    return InvalidMetrics(problem, field=field, next_step=next_step)


def provider_names(metric: Obj) -> list[str]:
    """The providers a metric names, by field; one of `plugin` as `plugin/<name>`."""
    provider = metric.get("provider") or {}
    names = [name for name in PROVIDERS if provider.get(name) is not None]
    return names + [f"plugin/{name}" for name in provider.get("plugin") or {}]


def dry_run_metrics(rules: Sequence[Mapping[str, Any]], metrics: Sequence[Obj]) -> frozenset[str]:
    """The names of the metrics whose outcome shall not count. Raises InvalidMetrics for a rule that names none."""
    return frozenset(_match_rules("dryRun", rules, metrics))


def retained_measurements(rules: Sequence[Mapping[str, Any]], metrics: Sequence[Obj]) -> dict[str, int]:
    """How many measurements to keep, by metric name, where a rule says so. The last matching rule wins."""
    matched = _match_rules("measurementRetention", rules, metrics)
    return {name: int(rule.get("limit") or 0) for name, rule in matched.items()}


def _match_rules(
    field: str, rules: Sequence[Mapping[str, Any]], metrics: Sequence[Obj]
) -> dict[str, Mapping[str, Any]]:
    matched: dict[str, Mapping[str, Any]] = {}
    for index, rule in enumerate(rules):
        matches = _matcher(rule.get("metricName", ""))
        names = [name for name in (metric.get("name", "") for metric in metrics) if matches(name)]
        if not names:
            raise InvalidMetrics(
                f"{field}[{index}]: Rule didn't match any metric name(s)",
                field=f"spec.{field}[{index}].metricName",
                next_step="It is a regular expression over metric names; all of them is .*",
            )
        matched.update((name, rule) for name in names)
    return matched


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Go's regexp.MatchString: found anywhere in the name; a pattern that does not compile matches nothing."""
    if not _RULE_SYNTAX.intersection(pattern):
        return lambda name: pattern in name
    import re2  # loaded only by those whose rules are patterns: start-up time is a feature

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return _never
    return lambda name: compiled.search(name) is not None


def _never(_name: str) -> bool:
    return False
