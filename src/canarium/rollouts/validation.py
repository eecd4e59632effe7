"""What is wrong with a Rollout, or with what it refers to.

Owns: the rules of `pkg/apis/rollouts/validation` that concern a canary without traffic routing, their field paths and
messages; the list of what is not built yet. Must not know: what happens to an invalid Rollout.
Behaviour follows Argo Rollouts 1.10 (`validation.go`, `validation_references.go`). Only the first error is reported, as
upstream does. The pod template is checked as far as our API server checks one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.kube.resources import REPLICA_SETS
from canarium.kube.validation import core_problems
from canarium.rollouts.analysis.arguments import resolve_metric, with_placeholders
from canarium.rollouts.analysis.gotext import int_value
from canarium.rollouts.analysis.templates import InvalidTemplate, build_run, collect_templates, resolve_args
from canarium.rollouts.observed import Observed
from canarium.rollouts.strategies.canary.steps import pause_seconds
from canarium.rollouts.types import (
    DEFAULT_FENCEPOST,
    DEFAULT_REVISION_HISTORY_LIMIT,
    MANAGED_BY,
    MAX_WEIGHT,
    POD_TEMPLATE_HASH_LABEL,
    Canary,
    CanaryStep,
    Rollout,
    RolloutAnalysis,
)
from canarium.text.quantity import InvalidQuantity, quantity_nanos

_STEP_MESSAGE = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause"
_CANARY = "spec.strategy.canary"


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong, printed as Kubernetes' `field.Error`: `path: Invalid value: "x": why`."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


def invalid(field: str, value: Any, why: str) -> FieldError:
    """`field.Invalid`; value: text is quoted, everything else printed as JSON."""
    shown = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return FieldError(field, f"Invalid value: {shown}: {why}")


def required(field: str, why: str) -> FieldError:
    """`field.Required`."""
    return FieldError(field, f"Required value: {why}" if why else "Required value")


def not_built(field: str, what: str, next_step: str) -> FieldError:
    """A feature of Argo Rollouts that canarium does not have yet: named, never ignored."""
    return FieldError(field, f"Forbidden: {what} is not built in canarium yet; {next_step}")


def type_error(error: msgspec.ValidationError) -> FieldError:
    """A field of a wrong type, as a field error. msgspec ends its messages with ` - at `$.path``."""
    problem, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    return FieldError(f"spec.{field}" if field else "spec", f"Invalid value: {problem}")


def template_error(error: CanariumError) -> FieldError:
    """Something in the pod template, or in the steps, of a type that keeps it from having a hash."""
    if error.field.startswith("steps"):
        return FieldError(f"{_CANARY}.{error.field}", f"Invalid value: {error.problem}")
    field = f"spec.template.{error.field}" if error.field else "spec.template"
    return FieldError(field, f"Invalid value: {error.problem}")


def first_error(observed: Observed, rollout: Rollout) -> FieldError | None:
    """The first thing that keeps this Rollout from being acted on, in upstream's order; None when all is well."""
    for error in _errors(observed, rollout):
        return error
    return None


def _errors(observed: Observed, rollout: Rollout) -> Iterator[FieldError]:
    yield from spec_errors(rollout)
    yield from _unbuilt(rollout)
    yield from _services_missing(observed, rollout)
    analyses = list(_analyses(rollout))
    for path, analysis, _ in analyses:
        yield from _templates_missing(observed, path, analysis)
    yield from _services_wrong(observed, rollout)
    for path, analysis, is_background in analyses:
        yield from _templates_wrong(observed, rollout, path, analysis, is_background=is_background)


def spec_errors(rollout: Rollout) -> Iterator[FieldError]:
    """The rules that need nothing but the spec (ValidateRolloutSpec)."""
    spec = rollout.spec
    if spec.desired < 0:
        yield invalid("spec.replicas", spec.desired, "must be greater than or equal to 0")
    if spec.workload_ref is None:
        if spec.selector is None:
            yield required("spec.selector", "Rollout has missing field '.spec.selector'")
        elif not spec.selector.get("matchLabels") and not spec.selector.get("matchExpressions"):
            yield invalid("spec.selector", spec.selector, "empty selector is invalid for deployment")
        yield from _selector_errors(spec.selector or {})
        yield from _template_errors(rollout)
    if spec.min_ready_seconds < 0:
        yield invalid("spec.minReadySeconds", spec.min_ready_seconds, "must be greater than or equal to 0")
    limit = spec.revision_history_limit
    limit = DEFAULT_REVISION_HISTORY_LIMIT if limit is None else limit
    if limit < 0:
        yield invalid("spec.revisionHistoryLimit", limit, "must be greater than or equal to 0")
    if spec.deadline_seconds < 0:
        yield invalid("spec.progressDeadlineSeconds", spec.deadline_seconds, "must be greater than or equal to 0")
    if spec.deadline_seconds <= spec.min_ready_seconds:
        yield invalid("spec.progressDeadlineSeconds", spec.deadline_seconds, "must be greater than minReadySeconds")
    strategy = spec.strategy
    if strategy.canary is None and strategy.blue_green is None:
        message = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'"
        yield required("spec.strategy.strategy", message)
    elif strategy.canary is not None and strategy.blue_green is not None:
        yield invalid("spec.strategy.strategy", "blueGreen: true canary: true", "Multiple Strategies can not be listed")
    elif strategy.canary is not None:
        yield from _canary_errors(rollout, strategy.canary)


def _selector_errors(selector: Mapping[str, Any]) -> Iterator[FieldError]:
    for index, wanted in enumerate(selector.get("matchExpressions") or ()):
        at, values = f"spec.selector.matchExpressions[{index}]", wanted.get("values") or ()
        match wanted.get("operator"):
            case "In" | "NotIn":
                if not values:
                    yield required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
            case "Exists" | "DoesNotExist":
                if values:
                    why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                    yield FieldError(f"{at}.values", f"Forbidden: {why}")
            case operator:
                yield invalid(f"{at}.operator", operator, "not a valid selector operator")


def _template_errors(rollout: Rollout) -> Iterator[FieldError]:
    spec = rollout.spec
    if spec.selector is None:
        return
    as_replica_set = {"spec": {"selector": spec.selector, "template": spec.template, "replicas": max(spec.desired, 0)}}
    for field, _, problem in core_problems(REPLICA_SETS, as_replica_set):
        if field != "spec.selector":
            yield FieldError(field, problem)
    yield from _quantity_errors(spec.template.get("spec") or {})
    policy = (spec.template.get("spec") or {}).get("restartPolicy")
    if policy not in (None, "", "Always"):
        yield FieldError(
            "spec.template.spec.restartPolicy", f'Unsupported value: "{policy}": supported values: "Always"'
        )


def _quantity_errors(pod: Mapping[str, Any]) -> Iterator[FieldError]:
    """Amounts that are none; upstream could not even read such a Rollout."""
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(pod.get(kind) or ()):
            resources = container.get("resources") or {}
            for which in ("limits", "requests"):
                for name, amount in (resources.get(which) or {}).items():
                    try:
                        quantity_nanos(str(amount))
                    except InvalidQuantity as error:
                        at = f"spec.template.spec.{kind}[{index}].resources.{which}.{name}"
                        yield invalid(at, amount, error.problem)


def _canary_errors(rollout: Rollout, canary: Canary) -> Iterator[FieldError]:
    surge, unavailable = canary.max_surge, canary.max_unavailable
    surge = DEFAULT_FENCEPOST if surge is None else surge
    unavailable = DEFAULT_FENCEPOST if unavailable is None else unavailable
    if _is_nothing(surge) and _is_nothing(unavailable):
        yield invalid(f"{_CANARY}.maxSurge", surge, "MaxSurge and MaxUnavailable both can not be zero")
    if canary.canary_service and canary.canary_service == canary.stable_service:
        yield invalid(
            f"{_CANARY}.stableService",
            canary.stable_service,
            "This rollout uses the same service for the stable and canary services, but two different services are "
            "required.",
        )
    if canary.traffic_routing is None:
        if canary.scale_down_delay_seconds is not None:
            yield invalid(
                f"{_CANARY}.scaleDownDelaySeconds",
                canary.scale_down_delay_seconds,
                "Canary scaleDownDelaySeconds can only be used with traffic routing",
            )
        if canary.dynamic_stable_scale:
            yield invalid(
                f"{_CANARY}.dynamicStableScale", True, "Canary dynamicStableScale can only be used with traffic routing"
            )
    for index, step in enumerate(canary.steps or ()):
        yield from _step_errors(rollout, canary, step, f"{_CANARY}.steps[{index}]")
    yield from _anti_affinity_errors(canary.anti_affinity)


def _is_nothing(fencepost: int | str) -> bool:
    if isinstance(fencepost, int):
        return fencepost == 0
    digits = fencepost.removesuffix("%")
    return not digits.isdigit() or int(digits) == 0


def _step_errors(rollout: Rollout, canary: Canary, step: CanaryStep, at: str) -> Iterator[FieldError]:
    exclusive = {
        "Experiment": step.experiment is not None,
        "Pause": step.pause is not None,
        "SetWeight": step.set_weight is not None,
        "Analysis": step.analysis is not None,
    }
    further = {
        "SetCanaryScale": step.set_canary_scale is not None,
        "SetHeaderRoute": step.set_header_route is not None,
        "SetMirrorRoute": step.set_mirror_route is not None,
        "Plugin": step.plugin is not None,
    }
    if sum(exclusive.values()) > 1:
        yield invalid(
            at, " ".join(f"step.{name}: {str(is_set).lower()}" for name, is_set in exclusive.items()), _STEP_MESSAGE
        )
    if not any(exclusive.values()) and not any(further.values()):
        # Upstream prints true for each that is absent.
        shown = " ".join(f"step.{name}: true" for name in (*exclusive, *further))
        yield invalid(at, shown, _STEP_MESSAGE)
    if step.set_weight is not None and not 0 <= step.set_weight <= MAX_WEIGHT:
        yield invalid(f"{at}.setWeight", step.set_weight, f"SetWeight needs to be between 0 and {MAX_WEIGHT}")
    if step.pause is not None and pause_seconds(step.pause) < 0:
        yield invalid(f"{at}.pause.duration", pause_seconds(step.pause), "Duration needs to be greater than 0")
    if canary.traffic_routing is None:
        if step.set_canary_scale is not None:
            yield required(f"{_CANARY}.trafficRouting", "SetCanaryScale requires TrafficRouting to be set")
        if step.set_header_route is not None:
            yield invalid(
                f"{at}.setHeaderRoute",
                step.set_header_route,
                "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix",
            )
        if step.set_mirror_route is not None:
            yield invalid(
                f"{at}.setMirrorRoute",
                step.set_mirror_route,
                "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins",
            )
    for arg in (step.analysis.args if step.analysis else None) or ():
        path = ((arg.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath", "")
        if path.startswith("metadata"):
            try:
                resolve_args([arg], rollout.obj, stable_hash="", latest_hash="")
            except InvalidTemplate:
                yield invalid(
                    f"{at}.analyses",
                    step.analysis.args if step.analysis else None,
                    "Analyses arguments must refer to valid object metadata supported by downwardAPI",
                )


def _anti_affinity_errors(affinity: Mapping[str, Any] | None) -> Iterator[FieldError]:
    if affinity is None:
        return
    at = f"{_CANARY}.antiAffinity"
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution")
    needed = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if (preferred is None) == (needed is None):
        shown = " ".join(
            f"antiAffinity.{name}DuringSchedulingIgnoredDuringExecution: {str(rule is not None).lower()}"
            for name, rule in (("Preferred", preferred), ("Required", needed))
        )
        yield invalid(at, shown, "AntiAffinity must have exactly one strategy listed")
    if preferred is not None and not 1 <= preferred.get("weight", 0) <= 100:
        yield invalid(f"{at}.weight", preferred.get("weight", 0), "AntiAffinity weight must be between 1-100")


def _unbuilt(rollout: Rollout) -> Iterator[FieldError]:
    """What is valid upstream and does nothing here yet."""
    spec = rollout.spec
    if spec.workload_ref is not None:
        yield not_built(
            "spec.workloadRef",
            "a Rollout that takes its template from another workload",
            "write spec.template and spec.selector here",
        )
    if spec.strategy.blue_green is not None:
        yield not_built("spec.strategy.blueGreen", "the blue-green strategy", "use spec.strategy.canary")
    canary = spec.strategy.canary
    if canary is None:
        return
    if canary.traffic_routing is not None:
        yield not_built(f"{_CANARY}.trafficRouting", "traffic routing", "without it, weights become numbers of pods")
    if canary.ping_pong is not None:
        yield not_built(f"{_CANARY}.pingPong", "ping-pong services", "use stableService and canaryService")
    if canary.anti_affinity is not None:
        yield not_built(f"{_CANARY}.antiAffinity", "anti-affinity between stable and canary pods", "leave it out")
    if canary.canary_metadata is not None:
        yield not_built(f"{_CANARY}.canaryMetadata", "metadata that only canary pods carry", "leave it out")
    if canary.stable_metadata is not None:
        yield not_built(f"{_CANARY}.stableMetadata", "metadata that only stable pods carry", "leave it out")
    for index, step in enumerate(canary.steps or ()):
        at = f"{_CANARY}.steps[{index}]"
        if step.experiment is not None:
            yield not_built(f"{at}.experiment", "an experiment step", "leave the step out, or use an analysis step")
        if step.plugin is not None:
            yield not_built(f"{at}.plugin", "a step plugin", "leave the step out")


def _analyses(rollout: Rollout) -> Iterator[tuple[str, RolloutAnalysis, bool]]:
    """Each analysis with the path of its templates, and whether it is the background one."""
    canary = rollout.spec.strategy.canary
    if canary is None:
        return
    for index, step in enumerate(canary.steps or ()):
        if step.analysis is not None:
            yield f"{_CANARY}.steps[{index}].analysis.templates", step.analysis, False
    if canary.analysis is not None:
        yield f"{_CANARY}.analysis.templates", canary.analysis, True


class _Missing(Exception):
    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name)
        self.kind = kind
        self.name = name


def _collect(observed: Observed, analysis: RolloutAnalysis) -> tuple[list[Obj], list[Obj]]:
    def template(name: str) -> Obj:
        if name not in observed.analysis_templates:
            raise _Missing("AnalysisTemplate", name)
        return observed.analysis_templates[name]

    def cluster_template(name: str) -> Obj:
        if name not in observed.cluster_analysis_templates:
            raise _Missing("ClusterAnalysisTemplate", name)
        return observed.cluster_analysis_templates[name]

    refs = [{"templateName": ref.template_name, "clusterScope": bool(ref.cluster_scope)} for ref in analysis.templates]
    return collect_templates(refs, template=template, cluster_template=cluster_template)


def _templates_missing(observed: Observed, path: str, analysis: RolloutAnalysis) -> Iterator[FieldError]:
    try:
        _collect(observed, analysis)
    except _Missing as missing:
        is_named_here = any(ref.template_name == missing.name for ref in analysis.templates)
        at = path if is_named_here else "spec.templates"
        yield invalid(at, missing.name, f"{missing.kind} '{missing.name}' not found")


def _templates_wrong(
    observed: Observed, rollout: Rollout, path: str, analysis: RolloutAnalysis, *, is_background: bool
) -> Iterator[FieldError]:
    templates, cluster_templates = _collect(observed, analysis)
    names = [template["metadata"]["name"] for template in (*templates, *cluster_templates)]
    try:
        build_run(
            name="",
            namespace="",
            labels={},
            annotations={},
            owner=None,
            templates=templates,
            cluster_templates=cluster_templates,
            args=_dummy_args(rollout, analysis),
            dry_run=() if is_background else analysis.dry_run or (),
            measurement_retention=() if is_background else analysis.measurement_retention or (),
        )
    except InvalidTemplate as error:
        yield invalid(path, f"templateNames: [{' '.join(names)}]", error.problem)
        return
    for template in (*templates, *cluster_templates):
        if is_background:
            yield from _background_args_missing(template, analysis, path)
        else:
            yield from _endless_metrics(template, path)


def _dummy_args(rollout: Rollout, analysis: RolloutAnalysis) -> list[dict[str, Any]]:
    """The arguments as validation sees them: a path that leads nowhere is empty here, and fails the run later."""
    try:
        return resolve_args(
            analysis.args or (), rollout.obj, stable_hash="dummy-stable-hash", latest_hash="dummy-new-hash"
        )
    except InvalidTemplate:
        return [{"name": arg["name"], "value": arg.get("value", "")} for arg in analysis.args or ()]


def _endless_metrics(template: Obj, path: str) -> Iterator[FieldError]:
    name, spec = template["metadata"]["name"], template.get("spec") or {}
    args = spec.get("args") or ()
    for arg in args:
        if arg.get("value") is not None and arg.get("valueFrom") is not None:
            why = f"AnalysisTemplate {name}: arg '{arg['name']}' has both Value and ValueFrom fields"
            yield invalid(path, name, why)
            return
    for metric in spec.get("metrics") or ():
        if not metric.get("interval") or int_value(metric.get("count")) != 0:
            continue
        try:
            resolved = resolve_metric(metric, with_placeholders(args))
        except InvalidTemplate as error:
            yield invalid(path, name, f"AnalysisTemplate {name}: {error.problem}")
            return
        shown = "<nil>" if metric.get("count") is None else metric["count"]
        why = f"AnalysisTemplate {name} has metric {resolved.get('name', '')} which runs indefinitely. "
        yield invalid(path, name, f"{why}Invalid value for count: {shown}")


def _background_args_missing(template: Obj, analysis: RolloutAnalysis, path: str) -> Iterator[FieldError]:
    name, given = template["metadata"]["name"], {arg["name"] for arg in analysis.args or ()}
    for arg in (template.get("spec") or {}).get("args") or ():
        if arg.get("value") is not None or arg.get("valueFrom") is not None:
            continue
        if analysis.args is None:
            yield invalid(path, name, "missing analysis arguments in rollout spec")
        elif arg["name"] not in given:
            yield invalid(path, name, arg["name"])


def _named_services(rollout: Rollout) -> Iterator[tuple[str, str]]:
    canary = rollout.spec.strategy.canary
    if canary is not None:
        if canary.stable_service:
            yield f"{_CANARY}.stableService", canary.stable_service
        if canary.canary_service:
            yield f"{_CANARY}.canaryService", canary.canary_service


def _services_missing(observed: Observed, rollout: Rollout) -> Iterator[FieldError]:
    for field, name in _named_services(rollout):
        if name not in observed.services:
            yield invalid(field, name, f'service "{name}" not found')


def _services_wrong(observed: Observed, rollout: Rollout) -> Iterator[FieldError]:
    labels = (rollout.spec.template.get("metadata") or {}).get("labels") or {}
    for field, name in _named_services(rollout):
        service = observed.services[name]
        for key, value in ((service.get("spec") or {}).get("selector") or {}).items():
            if key != POD_TEMPLATE_HASH_LABEL and labels.get(key) != value:
                yield invalid(field, name, f'Service "{name}" has unmatch label "{key}" in rollout')
        manager = (service["metadata"].get("annotations") or {}).get(MANAGED_BY)
        if manager is not None and manager != rollout.name:
            yield invalid(field, name, f'Service "{name}" is managed by another Rollout')
