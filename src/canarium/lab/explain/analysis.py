"""Why an AnalysisRun, or one metric of it, is where it is.

Owns: telling apart the ways in which a metric goes wrong, their words, and which field of which template to mend.
Pure. Must not know: pages, how measurements are taken. It claims what can be known: a condition that may be the wrong
way round is told as a likelihood, with what speaks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from canarium.kube.decision import Reason
from canarium.kube.objects import Obj, controller_of, labels_of, parse_time
from canarium.lab.explain.explanation import About, Explanation, Fact, clock_time
from canarium.metrics.promql import parser as promql
from canarium.metrics.promql.errors import ParseError
from canarium.rollouts.analysis.arguments import UnresolvedArgument, resolve_metric, secret_of
from canarium.rollouts.analysis.plan import Metric, NoPlan, plan_of
from canarium.rollouts.analysis.reasons import MeasurementUnfinished, WaitingToMeasure
from canarium.rollouts.analysis.schedule import COMPLETED, last_measurement, next_look, results_by_name
from canarium.rollouts.analysis.thresholds import Threshold, single, turned_round

HIDDEN: Final = "*****"
"""What is shown instead of a secret."""

_LOOKUP: Final = re.compile(r"lookup (?P<host>[^ :]+)[^:]*(?::\d+)?: no such host")
_BAD: Final = re.compile(r"restart|error|fail|timeout|drop|exception|reject|5xx|5\.\.", re.IGNORECASE)
_GOOD: Final = re.compile(r"success|\bup\b|(?<!un)(?<!not)(?<!not[-_])(ready|available|healthy)", re.IGNORECASE)
_BAD_WORDS: Final = {"restart": "restarts", "error": "errors", "fail": "failures", "timeout": "timeouts"}
_LOOKS_ALIKE: Final = 0.6
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one metric of a run.

    metric: its name. lines: what happened, and what is behind it. brief: that in a few words, for a list of several.
    mend: what to change, as an imperative sentence without its end; empty when nothing can be named.
    changed: fields of the metric that are different in the template now. facts: the measurement, and more.
    """

    metric: str
    phase: str
    lines: tuple[str, ...]
    brief: str
    mend: str
    changed: tuple[str, ...]
    facts: tuple[Fact, ...]
    commands: tuple[str, ...] = ()


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is seen in. templates: those it may come from, as they are now. services: asked for only when a host
    was not found. were_pods_available: the pods it is about were, when it began."""

    templates: Sequence[Obj] = ()
    services: Callable[[], Sequence[Obj]] = tuple
    were_pods_available: bool = False


def explain_analysis(run: Obj, now: datetime, around: Surroundings | None = None) -> Explanation:
    """Why this AnalysisRun is where it is."""
    around = around or Surroundings()
    status, name, namespace = run.get("status") or {}, run["metadata"]["name"], run["metadata"].get("namespace", "")
    phase = status.get("phase", "")
    about = About("AnalysisRun", namespace, name)
    results = status.get("metricResults") or ()
    if phase == "Successful":
        measured = sum(result.get("successful", 0) for result in results)
        counted = [result for result in results if not result.get("dryRun")]
        rehearsed = [result for result in results if result.get("dryRun") and result.get("phase") != "Successful"]
        told = ", ".join(f"{result['name']} ended {result.get('phase', '')}" for result in rehearsed)
        return Explanation(
            tone="good",
            lines=(
                f"AnalysisRun {name} ended Successful: {_count(len(counted), 'metric')} passed.",
                *((f"Had its dry run counted, it would not have passed: {told}.",) if told else ()),
            ),
            evidence=tuple(_measured_fact(about, result) for result in results) if measured else (),
        )
    if phase not in COMPLETED:
        return _under_way(run, now, about, around)
    found = diagnoses(run, around)
    if not found:
        said = status.get("message") or "it was not measured"
        return Explanation(
            tone="attention" if phase == "Inconclusive" else "bad",
            lines=(f"AnalysisRun {name} ended {phase}: {said.rstrip('.')}.",),
            evidence=(Fact("condition", said, about, status.get("completedAt") or ""),),
            next_step=_step_for_no_plan(run),
            commands=(f"kubectl describe analysisrun {name} -n {namespace}",),
        )
    first, others = found[0], found[1:]
    return Explanation(
        tone="attention" if phase == "Inconclusive" else "bad",
        lines=(f"AnalysisRun {name} ended {phase}: {first.lines[0]}", *first.lines[1:])[:3],
        evidence=tuple(dict.fromkeys(fact for diagnosis in found for fact in diagnosis.facts)),
        next_step=mending(run, found, around),
        commands=tuple(dict.fromkeys((*first.commands, *_retry(run)))),
        reasons=tuple(f"{diagnosis.metric}: {diagnosis.phase}" for diagnosis in (first, *others)),
    )


def diagnoses(run: Obj, around: Surroundings) -> tuple[Diagnosis, ...]:
    """What is wrong with each metric that ended badly: first the one that decided the run, as its message says."""
    status = run.get("status") or {}
    bad = [
        result
        for result in status.get("metricResults") or ()
        if result.get("phase") in ("Failed", "Error", "Inconclusive") and not result.get("dryRun")
    ]
    decisive = f'Metric "{{}}" assessed {status.get("phase", "")}'
    bad.sort(key=lambda result: not status.get("message", "").startswith(decisive.format(result["name"])))
    return tuple(_diagnose(run, result, around) for result in bad)


def mending(run: Obj, found: Sequence[Diagnosis], around: Surroundings) -> str:
    """What to do about a run that ended badly: what to mend, how it gets there, and to try again."""
    first, others = found[0], found[1:]
    again = "retry" if _rollout_of(run) else "run the analysis again"
    if first.changed:
        fields = ", ".join(first.changed)
        template = _template_of(first.metric, around.templates)
        where = "The template" if template is None else _called(template)
        parts = [f"{where} was changed since ({fields}): {again}."]
    elif first.mend:
        delivered = _delivery(_template_of(first.metric, around.templates))
        parts = [f"{first.mend}{delivered}, and {again}."]
    else:
        parts = [f"Mend what metric {first.metric} tells of, and {again}."]
    parts += [f"Metric {other.metric} needs a look too: {other.brief}." for other in others if not other.changed]
    return " ".join(parts)


# -- one metric -------------------------------------------------------------------------------------------------------


def resolved_metric(run: Obj, metric: Obj) -> tuple[Obj, str]:
    """The metric with its arguments filled in as the controller does, secrets hidden; and why that is not possible
    (then it is as the spec has it), empty if it is."""
    args = [
        {"name": arg["name"], "value": HIDDEN} if secret_of(arg) is not None else arg
        for arg in (run.get("spec") or {}).get("args") or ()
    ]
    try:
        return resolve_metric(metric, args), ""
    except UnresolvedArgument as error:
        return metric, error.problem


def query_problem(query: str) -> str:
    """What is wrong with the text of a PromQL query, in a sentence; empty when it parses."""
    lines = [line.strip() for line in query.splitlines() if line.strip()]
    if not lines:
        return "The query is empty."
    if all(line.startswith("#") for line in lines):
        return "The query has nothing but comments, so there is no expression to evaluate."
    try:
        promql.parse(query, experimental=True)
    except ParseError as error:
        return f"The query does not parse: {error.message}."
    return ""


def told(metric: Obj, phase: str, value: str) -> str:
    """What the conditions of a metric made of a value, in a sentence; empty when they were not asked."""
    success, failure = metric.get("successCondition") or "", metric.get("failureCondition") or ""
    match phase, bool(success), bool(failure):
        case ("Successful" | "Failed", False, False):
            return f"The result was {value}; there is no condition, so every result is a success."
        case ("Successful", True, False):
            return f"The result was {value}, which meets the success condition `{success}`."
        case ("Failed", True, False):
            return f"The result was {value}, which does not meet the success condition `{success}`."
        case ("Successful", False, True):
            return f"The result was {value}, which does not meet the failure condition `{failure}`."
        case ("Failed", _, True):
            return f"The result was {value}, which meets the failure condition `{failure}`."
        case ("Successful", True, True):
            return f"The result was {value}, which meets the success condition `{success}` and not the failure one."
        case ("Inconclusive", True, True):
            return f"The result was {value}, which meets neither `{success}` (success) nor `{failure}` (failure)."
        case _:
            return ""


def _diagnose(run: Obj, result: Obj, around: Surroundings) -> Diagnosis:
    name, phase = result["name"], result["phase"]
    spec: Obj = next((one for one in run["spec"].get("metrics") or () if one.get("name") == name), {})
    metric, _ = resolved_metric(run, spec)
    template = _template_of(name, around.templates)
    last = last_measurement(result) or {}
    about = About("AnalysisRun", run["metadata"].get("namespace", ""), run["metadata"]["name"], name)
    what = last.get("message") or result.get("message") or last.get("value", "")
    facts = [Fact("measurement", f"{name} {last.get('phase', phase)}: {what}", about, last.get("finishedAt") or "")]
    field = _Field(template, name)
    if phase == "Error":
        lines, brief, mend, commands = _error(metric, last.get("message") or result.get("message", ""), field, around)
    elif phase == "Failed":
        lines, brief, mend = _failed(metric, result, field, around)
        commands = ()
    else:
        said = told(metric, "Inconclusive", last.get("value", ""))
        lines = (f"metric {name} is inconclusive. {said}".rstrip(),)
        brief, mend, commands = "it is inconclusive", "Decide: promote or abort", ()
    if template is not None:
        facts.append(_template_fact(template))
    return Diagnosis(
        metric=name,
        phase=phase,
        lines=lines,
        brief=brief,
        mend=mend,
        changed=_changed_fields(spec, template),
        facts=tuple(facts),
        commands=commands,
    )


class _Field:
    """How a field of a metric is called for somebody who mends it."""

    def __init__(self, template: Obj | None, metric: str) -> None:
        self._template = template
        self._metric = metric

    def path(self, below: str) -> str:
        """`spec.metrics[0].provider.prometheus.address of AnalysisTemplate echo-analysis`."""
        if self._template is None:
            return f"{below} of metric {self._metric}"
        metrics = (self._template.get("spec") or {}).get("metrics") or ()
        index = next((at for at, one in enumerate(metrics) if one.get("name") == self._metric), 0)
        return f"spec.metrics[{index}].{below} of {_called(self._template)}"


def _error(
    metric: Obj, message: str, field: _Field, around: Surroundings
) -> tuple[tuple[str, ...], str, str, tuple[str, ...]]:
    """(lines, in short, what to mend, commands) for a metric that could not be measured."""
    lines: tuple[str, ...]
    name = metric.get("name", "")
    head = f"metric {name} could not be measured"
    prometheus = (metric.get("provider") or {}).get("prometheus")
    lookup = _LOOKUP.search(message)
    if lookup is not None:
        host = lookup["host"]
        if prometheus is None:
            return ((f"{head}: no such host {host}.",), f"no such host {host}", "", ())
        return _no_such_host(f"{head}: no such host {host}.", host, prometheus.get("address") or "", field, around)
    wrong = query_problem(prometheus.get("query") or "") if prometheus is not None else ""
    if wrong and "parse error" in message:
        at = field.path("provider.prometheus.query")
        answered = f"Prometheus answered: {message.rstrip('.')}."
        if "nothing but comments" in wrong:
            lines = (f"{head}: its query has nothing but comments.", answered)
            return lines, "its query has nothing but comments", f"Write the query in {at}", ()
        if "empty" in wrong:
            return (f"{head}: its query is empty.", answered), "its query is empty", f"Write the query in {at}", ()
        return (f"{head}: its query does not parse.", answered), "its query does not parse", f"Mend {at}", ()
    if "metric result is nil or empty" in message:
        at = field.path("provider.prometheus.query" if prometheus is not None else "provider")
        lines = (f"{head}: the query gave no data, so its condition had nothing to judge.", f"{message.rstrip('.')}.")
        return lines, "its query gave no data", f"Have {at} give a result (`or vector(0)`)", ()
    if message.startswith("could not evaluate"):
        which = "failureCondition" if message.startswith("could not evaluate failureCondition") else "successCondition"
        lines = (f"{head}: its condition cannot be evaluated.", f"{message.rstrip('.')}.")
        return lines, "its condition cannot be evaluated", f"Mend {field.path(which)}", ()
    if prometheus is not None and any(text in message for text in ("connection refused", "deadline exceeded")):
        address = prometheus.get("address") or ""
        how = "the connection was refused" if "refused" in message else "it did not answer in time"
        lines = (f"{head}: {address or 'Prometheus'} was asked, and {how}.",)
        mend = f"See that Prometheus runs, or mend {field.path('provider.prometheus.address')}"
        return lines, how, mend, ()
    said = message.rstrip(".")
    return ((f"{head}{f': {said}' if said else ''}.",), "it could not be measured", "", ())


def _no_such_host(
    head: str, host: str, address: str, field: _Field, around: Surroundings
) -> tuple[tuple[str, ...], str, str, tuple[str, ...]]:
    at = field.path("provider.prometheus.address")
    service, namespace = _service_of(host)
    lines: tuple[str, ...]
    port = _port(address)
    alike = _alike(service, namespace, port, around.services()) if namespace else None
    command = (f"kubectl get service -n {namespace}",) if namespace else ()
    brief = f"there is no host {host}"
    if alike is None:
        lines = (head, f"There is no Service {service} in namespace {namespace}.") if namespace else (head,)
        return lines, brief, f"Set {at} to where Prometheus is", command
    found = f"{alike[0]}.{alike[1]}.svc.cluster.local"
    better = _replaced(address, host, found)
    lines = (head, f"There is no Service {service} in namespace {namespace}; there is {found}, with port {port}.")
    return lines, brief, f"Set {at} to {better}", command


def _failed(metric: Obj, result: Obj, field: _Field, around: Surroundings) -> tuple[tuple[str, ...], str, str]:
    """(lines, in short, what to mend) for a metric whose measurements failed."""
    name = metric.get("name", "")
    judged = [one for one in result.get("measurements") or () if one.get("phase") in ("Failed", "Successful")]
    failed = [one for one in judged if one["phase"] == "Failed"]
    value = (failed[-1] if failed else {}).get("value", "")
    which = "failureCondition" if metric.get("failureCondition") else "successCondition"
    condition = metric.get(which) or ""
    often = "" if len(failed) <= 1 else f" in {len(failed)} of {len(judged)} measurements"
    verb = "meets" if which == "failureCondition" else "does not meet"
    kind = "failure" if which == "failureCondition" else "success"
    line = f"metric {name} failed{often}: the result was {value}, which {verb} the {kind} condition `{condition}`."
    brief = f"the result {value} {verb} its {kind} condition"
    why = _suspicion(metric, which, condition, judged, around)
    if not why:
        return (line,), brief, f"If the canary is well, mend {field.path(which)}; if not, mend the canary"
    other = f"`{turned_round(condition)}`"
    return (line, why), brief, f"Turn {field.path(which)} round, to {other} for example"


def _suspicion(metric: Obj, which: str, condition: str, judged: Sequence[Obj], around: Surroundings) -> str:
    """Why a condition is likely the wrong way round, in a sentence; empty when nothing speaks for it.

    Every measurement failed while the pods were available, and either what is counted is bad and there was none of it,
    or it is good and the condition fails high values. What is good or bad is told from the names of metric and series.
    """
    threshold = single(condition, "failure" if which == "failureCondition" else "success")
    if threshold is None or not around.were_pods_available or not judged:
        return ""
    values = [_first_number(one.get("value", "")) for one in judged]
    if any(one["phase"] != "Failed" for one in judged):
        return ""
    query = ((metric.get("provider") or {}).get("prometheus") or {}).get("query") or ""
    lines = (line for line in query.splitlines() if not line.lstrip().startswith("#"))
    named = "\n".join((metric.get("name", ""), *lines))
    bad, good = _BAD.search(named), _GOOD.search(named)
    if bad is not None and good is None and all(value == 0 for value in values):
        counted = _BAD_WORDS.get(bad[0].lower(), "of what it counts")
        return (
            f"The canary's pods were available then, and 0 {counted} is as good as it gets: "
            "the condition is likely the wrong way round."
        )
    if good is not None and bad is None and _fails_high_values(threshold):
        return (
            f"The canary's pods were available then, and {metric.get('name', '')} seems to count what is good, "
            "yet high values fail: the condition is likely the wrong way round."
        )
    return ""


def _fails_high_values(threshold: Threshold) -> bool:
    if threshold.condition == "success":
        return threshold.operator in ("<", "<=")
    return threshold.operator in (">", ">=") or (threshold.operator == "==" and threshold.value > 0)


def _first_number(value: str) -> float | None:
    try:
        return float(value.strip().removeprefix("[").removesuffix("]").split(",")[0])
    except ValueError:
        return None


# -- addresses --------------------------------------------------------------------------------------------------------


def _service_of(host: str) -> tuple[str, str]:
    """(Service, namespace) that a host name in the cluster stands for; no namespace for any other name."""
    parts = host.rstrip(".").split(".")
    if len(parts) >= 3 and parts[2] == "svc":
        return parts[0], parts[1]
    return (parts[0], parts[1]) if len(parts) == 2 else (host, "")


def _port(address: str) -> int:
    parts = urlsplit(address)
    try:
        return parts.port or _DEFAULT_PORTS.get(parts.scheme, 80)
    except ValueError:
        return 80


def _alike(service: str, namespace: str, port: int, services: Sequence[Obj]) -> tuple[str, str] | None:
    """The Service that was probably meant: it has the port, and its name and namespace are close to those asked for."""

    def likeness(obj: Obj) -> float:
        metadata = obj["metadata"]
        names = SequenceMatcher(None, service, metadata["name"]).ratio()
        return (names + SequenceMatcher(None, namespace, metadata.get("namespace", "")).ratio()) / 2

    open_ = [obj for obj in services if port in {one.get("port") for one in (obj.get("spec") or {}).get("ports") or ()}]
    best = max(open_, key=lambda obj: (likeness(obj), obj["metadata"]["name"]), default=None)
    if best is None or likeness(best) < _LOOKS_ALIKE:
        return None
    return best["metadata"]["name"], best["metadata"].get("namespace", "")


def _replaced(address: str, host: str, other: str) -> str:
    """The address with another host, everything else as it is."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(host, other)))


# -- templates --------------------------------------------------------------------------------------------------------


def _template_of(metric: str, templates: Sequence[Obj]) -> Obj | None:
    for template in templates:
        if any(one.get("name") == metric for one in (template.get("spec") or {}).get("metrics") or ()):
            return template
    return None


def _template_fact(template: Obj) -> Fact:
    metadata = template["metadata"]
    about = About(_kind(template), metadata.get("namespace") or "", metadata["name"])
    return Fact("object", f"The metric comes from {_called(template)}", about)


def _kind(template: Obj) -> str:
    return "AnalysisTemplate" if template["metadata"].get("namespace") else "ClusterAnalysisTemplate"


def _called(template: Obj) -> str:
    return f"{_kind(template)} {template['metadata']['name']}"


def _changed_fields(metric: Obj, template: Obj | None) -> tuple[str, ...]:
    """Which fields of a run's metric are different in the template now, as paths below the metric."""
    if template is None or not metric:
        return ()
    now = next(one for one in template["spec"]["metrics"] if one.get("name") == metric.get("name"))
    return tuple(_differences(metric, now, ""))


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif before != after:
        yield path


def _delivery(template: Obj | None) -> str:
    """How a change gets to the cluster."""
    annotations = (template or {}).get("metadata", {}).get("annotations") or {}
    return ", commit, push" if "argocd.argoproj.io/tracking-id" in annotations else ", apply it"


# -- a run ------------------------------------------------------------------------------------------------------------


def _under_way(run: Obj, now: datetime, about: About, around: Surroundings) -> Explanation:
    status, name = run.get("status") or {}, run["metadata"]["name"]
    try:
        plan = plan_of(run)
    except NoPlan as error:
        problem = f"AnalysisRun {name} cannot be measured: {error.problem}."
        return Explanation(tone="bad", lines=(problem,), next_step=error.next_step)
    results = results_by_name(status)
    done = sum(results.get(metric.name, {}).get("phase") in COMPLETED for metric in plan.metrics)
    started = parse_time(status["startedAt"]) if status.get("startedAt") else now
    _, waits = next_look(plan, results, started, now)
    is_now = status.get("phase") or "about to begin"
    waiting = _wait_text(waits[0], now) if waits else ""
    lines = [f"AnalysisRun {name} is {is_now}: {done} of {_count(len(plan.metrics), 'metric')} done{waiting}."]
    for metric in plan.metrics:
        lines += _trouble_so_far(run, metric, results.get(metric.name) or {}, around)
    return Explanation(
        tone="attention" if len(lines) > 1 else "waiting",
        lines=tuple(lines[:3]),
        evidence=tuple(_measured_fact(about, one) for one in results.values() if one.get("measurements")),
        reasons=tuple(dict.fromkeys(type(wait).__name__ for wait in waits)),
    )


def _wait_text(wait: Reason, now: datetime) -> str:
    match wait:
        case WaitingToMeasure(metric=metric, left=left) if left > timedelta(0):
            return f"; {metric} is measured next at {clock_time(now + left, now)}"
        case WaitingToMeasure(metric=metric) | MeasurementUnfinished(metric=metric):
            return f"; {metric} is being measured"
        case _:
            return ""


def _trouble_so_far(run: Obj, metric: Metric, result: Obj, around: Surroundings) -> Iterator[str]:
    """What went wrong with a metric that may still succeed."""
    last = last_measurement(result) or {}
    if result.get("phase") in COMPLETED:
        return
    resolved, _ = resolved_metric(run, run["spec"]["metrics"][metric.position])
    if errors := result.get("consecutiveError", 0):
        field = _Field(_template_of(metric.name, around.templates), metric.name)
        said = _error(resolved, last.get("message", ""), field, around)[0][0].rstrip(".")
        limit = metric.consecutive_error_limit
        yield f"{said[:1].upper()}{said[1:]} ({_count(errors, 'error')} in a row; more than {limit} end it)."
    if (failed := result.get("failed", 0)) and metric.failure_limit is not None:
        what = f"Metric {metric.name} failed {_count(failed, 'time')} (more than {metric.failure_limit} end it)"
        yield f"{what}. {told(resolved, last.get('phase', ''), last.get('value', ''))}".rstrip()


def _measured_fact(about: About, result: Obj) -> Fact:
    last = last_measurement(result) or {}
    what = last.get("message") or last.get("value") or ""
    text = f"{result['name']} {last.get('phase', result.get('phase', ''))}{f': {what}' if what else ''}"
    return Fact("measurement", text, about._replace(part=result["name"]), last.get("finishedAt") or "")


def _step_for_no_plan(run: Obj) -> str:
    try:
        plan_of(run)
    except NoPlan as error:
        return error.next_step
    return ""


def _rollout_of(run: Obj) -> str:
    owner = controller_of(run)
    return owner["name"] if owner is not None and owner.get("kind") == "Rollout" else ""


def _retry(run: Obj) -> tuple[str, ...]:
    rollout, namespace = _rollout_of(run), run["metadata"].get("namespace", "")
    return (f"kubectl argo rollouts retry rollout {rollout} -n {namespace}",) if rollout else ()


def step_of(run: Obj) -> int | None:
    """The index of the canary step that started the run."""
    text = labels_of(run).get("step-index", "")
    return int(text) if text.isdigit() else None


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
