"""The steps of a canary as a track: what each does, in words, and which is under way.

Owns: `TrackStep` for every kind of step of Argo Rollouts 1.10, durations in words. Pure: no clock, no listers.
Must not know: pods, what completes a step.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from canarium.kube.objects import Obj, annotations_of, format_time, labels_of, parse_time
from canarium.rollouts.analysis_runs import ROLLOUT_TYPE, STEP, STEP_INDEX
from canarium.rollouts.pauses import CANARY_PAUSE_STEP
from canarium.rollouts.strategies.canary.steps import pause_seconds
from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL, REVISION, Pause
from canarium.web.model import TrackStep
from canarium.web.views.cells import times

KINDS = (
    "setWeight",
    "pause",
    "analysis",
    "experiment",
    "setCanaryScale",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
)


class StepText(NamedTuple):
    """A step in words. kind: empty for one that is not known."""

    kind: str
    says: str
    details: tuple[str, ...]


def track(rollout: Obj, runs: Iterable[Obj]) -> tuple[TrackStep, ...]:
    """All steps; none for a strategy without. runs: AnalysisRuns of the rollout, of any revision."""
    strategy = (rollout.get("spec") or {}).get("strategy") or {}
    steps: Sequence[Obj] = (strategy.get("canary") or {}).get("steps") or ()
    index, is_under_way = position(rollout, len(steps))
    by_step = _latest_runs(rollout, runs)
    made = []
    for number, step in enumerate(steps):
        text = step_words(step)
        state: Literal["done", "current", "next"] = "next"
        if number < index:
            state = "done"
        elif number == index and is_under_way:
            state = "current"
        run = by_step.get(number) if text.kind == "analysis" else None
        made.append(
            TrackStep(
                index=number,
                kind=text.kind,
                says=text.says,
                details=text.details,
                state=state,
                weight=step.get("setWeight"),
                ends=pause_ends(rollout, step) if state == "current" else "",
                run="" if run is None else run["metadata"]["name"],
                run_phase="" if run is None else (run.get("status") or {}).get("phase") or "Pending",
            )
        )
    return tuple(made)


def position(rollout: Obj, steps: int) -> tuple[int, bool]:
    """How many steps are done, and whether the one after them is under way."""
    status = rollout.get("status") or {}
    if not steps or status.get("currentStepIndex") is None:
        return 0, False
    index = min(status["currentStepIndex"], steps)
    return index, not status.get("abort") and index < steps


def pause_ends(rollout: Obj, step: Obj) -> str:
    """When a pause that is under way is over; empty for one without an end, or that has not begun."""
    pause = step.get("pause")
    if not pause or pause.get("duration") is None:
        return ""
    seconds = pause_seconds(Pause(pause["duration"]))
    for held in (rollout.get("status") or {}).get("pauseConditions") or ():
        if held.get("reason") == CANARY_PAUSE_STEP and held.get("startTime") and seconds >= 0:
            return format_time(parse_time(held["startTime"]) + timedelta(seconds=seconds))
    return ""


def _latest_runs(rollout: Obj, runs: Iterable[Obj]) -> dict[int, Obj]:
    """By step, the latest run of the update under way."""
    status, revision = rollout.get("status") or {}, annotations_of(rollout).get(REVISION)
    found: dict[int, Obj] = {}
    for run in runs:
        labels = labels_of(run)
        is_of_step = labels.get(ROLLOUT_TYPE) == STEP and labels.get(STEP_INDEX, "").isdecimal()
        is_of_update = annotations_of(run).get(REVISION) == revision
        if is_of_step and is_of_update and labels.get(POD_TEMPLATE_HASH_LABEL) == status.get("currentPodHash"):
            index = int(labels[STEP_INDEX])
            if index not in found or _age(run) > _age(found[index]):
                found[index] = run
    return found


def _age(run: Obj) -> tuple[str, int, str]:
    """Sorts runs of one step as they were made: `-2-1`, `-2-1.1`, …, `-2-1.10`."""
    metadata = run["metadata"]
    return metadata.get("creationTimestamp") or "", len(metadata["name"]), metadata["name"]


# -- in words ---------------------------------------------------------------------------------------------------------


def step_words(step: Mapping[str, Any]) -> StepText:
    """One step. A step that is set twice is told by the first of `KINDS`."""
    kind = next((kind for kind in KINDS if step.get(kind) is not None), "")
    body = step.get(kind)
    match kind:
        case "setWeight":
            return StepText(kind, f"{body} %", ())
        case "pause":
            return StepText(kind, _pause(body or {}), ())
        case "analysis":
            return _analysis(body or {})
        case "experiment":
            return _experiment(body or {})
        case "setCanaryScale":
            return StepText(kind, _scale(body or {}), ())
        case "setHeaderRoute":
            return _header_route(body or {})
        case "setMirrorRoute":
            return _mirror_route(body or {})
        case "plugin":
            return _plugin(body or {})
        case _:
            return StepText("", "a step that is not known", (json.dumps(step, ensure_ascii=False)[:200],))


def span_text(seconds: int) -> str:
    """A duration as people write it: `30s`, `1m30s`, `2h`, `1d`."""
    if seconds <= 0:
        return "0s"
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _duration(value: int | str) -> str:
    seconds = pause_seconds(Pause(value))
    return f"{value!r} (no duration)" if seconds < 0 else span_text(seconds)


def _pause(pause: Mapping[str, Any]) -> str:
    duration = pause.get("duration")
    return "until promoted" if duration is None else f"for {_duration(duration)}"


def _analysis(analysis: Mapping[str, Any]) -> StepText:
    templates = analysis.get("templates") or ()
    names = ", ".join(one.get("templateName", "") for one in templates)
    details = [f"ClusterAnalysisTemplate {one.get('templateName', '')}" for one in templates if one.get("clusterScope")]
    details += [f"{one.get('name', '')} = {_argument(one)}" for one in analysis.get("args") or ()]
    dry = ", ".join(one.get("metricName", "") for one in analysis.get("dryRun") or ())
    if dry:
        details.append(f"only for information: {dry}")
    return StepText("analysis", names or "no templates", tuple(details))


def _argument(argument: Mapping[str, Any]) -> str:
    source = argument.get("valueFrom") or {}
    if argument.get("value") is not None or not source:
        return str(argument.get("value") or "")
    if source.get("podTemplateHashValue"):
        return f"pod template hash of {str(source['podTemplateHashValue']).lower()}"
    path = (source.get("fieldRef") or {}).get("fieldPath")
    return f"the rollout's {path}" if path else "from elsewhere"


def _experiment(experiment: Mapping[str, Any]) -> StepText:
    templates, analyses = experiment.get("templates") or (), experiment.get("analyses") or ()
    says = f"{times(len(templates), 'template')}"
    if experiment.get("duration"):
        says += f" for {_duration(experiment['duration'])}"
    details = []
    for one in templates:
        replicas = one.get("replicas")
        size = times(1 if replicas is None else replicas, "pod")
        weight = f", {one['weight']} % of the traffic" if one.get("weight") is not None else ""
        details.append(f"{one.get('name', '')}: {size} of {one.get('specRef', '')}{weight}")
    details += [f"analysis {one.get('name', '')}: {one.get('templateName', '')}" for one in analyses]
    return StepText("experiment", says, tuple(details))


def _scale(scale: Mapping[str, Any]) -> str:
    if scale.get("matchTrafficWeight"):
        return "as many pods as the weight asks for"
    if scale.get("replicas") is not None:
        return times(scale["replicas"], "pod")
    return f"{scale.get('weight') or 0} % of the pods"


def _header_route(route: Mapping[str, Any]) -> StepText:
    name, matches = route.get("name") or "", route.get("match") or ()
    if not matches:
        return StepText("setHeaderRoute", f"remove {name}", ())
    details = tuple(f"{one.get('headerName', '')} {_match(one.get('headerValue') or {})}" for one in matches)
    return StepText("setHeaderRoute", f"{name}: requests with a header go to the canary", details)


def _mirror_route(route: Mapping[str, Any]) -> StepText:
    name, matches = route.get("name") or "", route.get("match") or ()
    if not matches:
        return StepText("setMirrorRoute", f"remove {name}", ())
    share = 100 if route.get("percentage") is None else route["percentage"]
    details = tuple(", ".join(_mirrored(one)) or "every request" for one in matches)
    return StepText("setMirrorRoute", f"{name}: {share} % is mirrored to the canary", details)


def _mirrored(match: Mapping[str, Any]) -> Iterator[str]:
    for part in ("method", "path"):
        if match.get(part):
            yield f"{part} {_match(match[part])}"
    for header, value in (match.get("headers") or {}).items():
        yield f"{header} {_match(value or {})}"


def _match(value: Mapping[str, Any]) -> str:
    for kind, words in (("exact", "is"), ("prefix", "begins with"), ("regex", "matches")):
        if value.get(kind):
            return f"{words} {value[kind]}"
    return "is there"


def _plugin(plugin: Mapping[str, Any]) -> StepText:
    config = plugin.get("config")
    details = () if config is None else tuple(json.dumps(config, indent=2, ensure_ascii=False).splitlines()[:40])
    return StepText("plugin", str(plugin.get("name") or ""), details)
