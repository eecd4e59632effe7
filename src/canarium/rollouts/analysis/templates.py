"""How an AnalysisRun is made: templates merged, arguments resolved.

Owns: collecting templates, merging their metrics, args, dryRun and measurementRetention into one AnalysisRun; arguments
taken from a Rollout. Must not know: how a run is measured, when a Rollout wants one.
Behaviour follows Argo Rollouts 1.10, `utils/analysis/helpers.go` and `factory.go`, and Kubernetes' `fieldpath`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.rollouts.analysis.fieldpath import InvalidFieldPath, any_field, metadata_field
from canarium.rollouts.kinds import ANALYSIS_RUNS


class InvalidTemplate(CanariumError):
    """Templates, or the arguments given to them, that make no AnalysisRun. `problem` is upstream's message."""


def build_run(
    *,
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    owner: Mapping[str, Any] | None,
    templates: Sequence[Obj],
    cluster_templates: Sequence[Obj] = (),
    args: Sequence[Mapping[str, Any]] = (),
    dry_run: Sequence[Mapping[str, Any]] = (),
    measurement_retention: Sequence[Mapping[str, Any]] = (),
) -> Obj:
    """One AnalysisRun from these templates, in this order, cluster templates last.

    owner: the controller's ownerReference. args: resolved ones (see `resolve_args`); those no template asks for are
    dropped. dry_run, measurement_retention: rules of the Rollout, placed before the templates' own.
    Raises InvalidTemplate: a metric name or rule twice, one argument with two values, an argument without a value.
    Source: NewAnalysisRunFromTemplates.
    """
    specs = [template.get("spec") or {} for template in (*templates, *cluster_templates)]
    metrics = [metric for spec in specs for metric in spec.get("metrics") or ()]
    twice = _first_repeated(metric.get("name", "") for metric in metrics)
    if twice is not None:
        raise InvalidTemplate(
            f"two metrics have the same name '{twice}'",
            field="spec.metrics",
            next_step="Rename one of them: all templates of one analysis share one list of metrics.",
        )
    own_dry_run = [rule for spec in specs for rule in spec.get("dryRun") or ()]
    own_retention = [rule for spec in specs for rule in spec.get("measurementRetention") or ()]
    _unique_rules(own_dry_run, "Dry-Run", "spec.dryRun")
    _unique_rules(own_retention, "Measurement Retention", "spec.measurementRetention")
    merged_args = merge_args(args, _flatten_args(arg for spec in specs for arg in spec.get("args") or ()))
    all_dry_run = [*dry_run, *own_dry_run]
    all_retention = [*measurement_retention, *own_retention]
    _unique_rules(all_dry_run, "Dry-Run", "spec.dryRun")
    _unique_rules(all_retention, "Measurement Retention", "spec.measurementRetention")

    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    if owner is not None:
        metadata["ownerReferences"] = [dict(owner)]
    run_spec: dict[str, Any] = {"metrics": metrics}
    if merged_args:
        run_spec["args"] = merged_args
    if all_dry_run:
        run_spec["dryRun"] = all_dry_run
    if all_retention:
        run_spec["measurementRetention"] = all_retention
    return {
        "apiVersion": ANALYSIS_RUNS.api_version,
        "kind": ANALYSIS_RUNS.kind,
        "metadata": metadata,
        "spec": run_spec,
    }


def same_run(left: Obj, right: Obj) -> bool:
    """Whether two AnalysisRuns measure the same: metrics, rules and args are equal (IsSemanticallyEqual)."""
    parts = ("metrics", "dryRun", "measurementRetention", "args")
    ours, theirs = left.get("spec") or {}, right.get("spec") or {}
    return all((ours.get(part) or []) == (theirs.get(part) or []) for part in parts)


def collect_templates(
    refs: Iterable[Mapping[str, Any]],
    *,
    template: Callable[[str], Obj],
    cluster_template: Callable[[str], Obj],
) -> tuple[list[Obj], list[Obj]]:
    """The templates that `refs` name, with those that they name in turn, each once: (templates, cluster templates).

    refs: `{"templateName": …, "clusterScope": …}`. The two callables raise what they like for a missing name; it passes
    through. A template that leads back to itself ends the walk (upstream would never return).
    Source: getAnalysisTemplatesFromRefs, FilterUniqueTemplates.
    """
    found: dict[tuple[bool, str], Obj] = {}

    def walk(pending: Iterable[Mapping[str, Any]]) -> None:
        for ref in pending:
            key = (bool(ref.get("clusterScope")), str(ref.get("templateName", "")))
            if key in found:
                continue
            found[key] = cluster_template(key[1]) if key[0] else template(key[1])
            walk((found[key].get("spec") or {}).get("templates") or ())

    walk(refs)
    return (
        [obj for (is_cluster, _), obj in found.items() if not is_cluster],
        [obj for (is_cluster, _), obj in found.items() if is_cluster],
    )


def merge_args(incoming: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The template's args with the values of `incoming` (MergeArgs). Raises InvalidTemplate when one stays open."""
    merged = [dict(arg) for arg in wanted]
    by_name: dict[str, dict[str, Any]] = {}
    for arg in merged:
        by_name.setdefault(arg["name"], arg)
    for given in incoming:
        into = by_name.get(given["name"])
        if into is None:
            continue
        if given.get("value") is not None:
            into["value"] = given["value"]
        elif given.get("valueFrom") is not None:
            into["valueFrom"] = given["valueFrom"]
    for arg in merged:
        if arg.get("value") is None and arg.get("valueFrom") is None:
            raise InvalidTemplate(
                f"args.{arg['name']} was not resolved",
                next_step=f"Give the argument {arg['name']} a value where the template is used, or a default in it.",
            )
    return merged


def _flatten_args(args: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    combined: dict[str, dict[str, Any]] = {}
    for arg in args:
        name = arg["name"]
        earlier = combined.get(name)
        if earlier is None:
            combined[name] = dict(arg)
            continue
        old, new = earlier.get("value"), arg.get("value")
        if old is not None and new is not None and old != new:
            raise InvalidTemplate(
                f"Argument `{name}` specified multiple times with different values: '{old}', '{new}'",
                field="spec.args",
                next_step="Templates of one analysis share their arguments: agree on one value, or rename one.",
            )
        if old is None:
            combined[name] = dict(arg)
    return list(combined.values())


def _unique_rules(rules: Iterable[Mapping[str, Any]], what: str, field: str) -> None:
    twice = _first_repeated(rule.get("metricName", "") for rule in rules)
    if twice is not None:
        raise InvalidTemplate(
            f"two {what} metric rules have the same name '{twice}'",
            field=field,
            next_step="Keep one of them; the Rollout's rules and those of all its templates share one list.",
        )


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def resolve_args(
    args: Sequence[Mapping[str, Any]], rollout: Obj, *, stable_hash: str, latest_hash: str
) -> list[dict[str, Any]]:
    """The arguments of a Rollout's analysis with their values: `[{"name": …, "value": …}]`, in order.

    valueFrom.fieldRef reads the Rollout object itself; podTemplateHashValue is `Stable` or `Latest`; secretKeyRef is
    left for the run. Raises InvalidTemplate for a field path that leads nowhere.
    Source: BuildArgumentsForRolloutAnalysisRun. As upstream, a path outside of metadata that fails is forgiven when a
    later fieldRef succeeds, and the argument is then empty.
    """
    resolved: list[dict[str, Any]] = []
    pending: InvalidFieldPath | None = None
    for arg in args:
        value = arg.get("value", "")
        source = arg.get("valueFrom") or {}
        if source.get("podTemplateHashValue") is not None:
            value = {"Latest": latest_hash, "Stable": stable_hash}.get(source["podTemplateHashValue"], value)
        elif source.get("fieldRef") is not None:
            path = source["fieldRef"].get("fieldPath", "")
            try:
                value = metadata_field(rollout, path) if path.startswith("metadata") else any_field(rollout, path)
            except InvalidFieldPath as error:
                if path.startswith("metadata"):
                    raise _no_such_field(error) from error
                value, pending = "", error
            else:
                pending = None
        elif source.get("secretKeyRef") is not None:
            resolved.append({"name": arg["name"], "valueFrom": dict(source)})
            continue
        resolved.append({"name": arg["name"], "value": value})
    if pending is not None:
        raise _no_such_field(pending) from pending
    return resolved


def _no_such_field(error: InvalidFieldPath) -> InvalidTemplate:
    return InvalidTemplate(error.problem, next_step=error.next_step)
