"""Why a Rollout is where it is.

Owns: which of the things that may be told matters most, and its words. Pure. Must not know: pages, clusters.
It follows the controller's own reasons (`canarium.rollouts.decide`), the conditions that the status holds, the latest
AnalysisRun and the pods. A Rollout that another controller runs in a way that ours does not know (blue-green, traffic
routing) is told by its status alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from canarium.errors import CanariumError
from canarium.kube.decision import Reason
from canarium.kube.objects import Obj, condition, labels_of, parse_time
from canarium.lab.explain.analysis import Surroundings, diagnoses, explain_analysis, mending, step_of
from canarium.lab.explain.explanation import About, Explanation, Fact, Tone, clock_time
from canarium.lab.explain.pods import PodTrouble, is_ready, worst_trouble
from canarium.rollouts.analysis.schedule import COMPLETED
from canarium.rollouts.conditions import progress_deadline
from canarium.rollouts.decide import decide
from canarium.rollouts.info.replicasets import revision_of
from canarium.rollouts.observed import Observed
from canarium.rollouts.pauses import CANARY_PAUSE_STEP, INCONCLUSIVE_ANALYSIS, pause_ends_at
from canarium.rollouts.phase import displayed_phase
from canarium.rollouts.reasons import InvalidSpec, PodsUnavailable
from canarium.rollouts.strategies.canary.steps import current_step, desired_weight, step_text
from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL, Canary, Rollout, view_rollout

_TONES: Mapping[str, Tone] = {"Degraded": "bad", "Error": "bad", "Paused": "attention"}


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What else is known. pods: of the Rollout's ReplicaSets. events, services: of its namespace and of the cluster,
    asked for only when something needs them."""

    pods: Sequence[Obj] = ()
    events: Callable[[], Sequence[Obj]] = tuple
    services: Callable[[], Sequence[Obj]] = tuple


def explain_rollout(observed: Observed, now: datetime, around: Around | None = None) -> Explanation:
    """Why this Rollout is where it is, and what to do next."""
    reasons = _reasons(observed, now)
    found = _explain(observed, now, around or Around(), reasons)
    own = tuple(type(reason).__name__ for reason in reasons)
    return msgspec.structs.replace(found, reasons=tuple(dict.fromkeys((*own, *found.reasons))))


def rollout_sentence(observed: Observed, now: datetime, around: Around | None = None) -> str:
    """The one sentence that tells most, for a row of a list; empty for a Rollout that is well."""
    found = _explain(observed, now, around or Around(), ())
    if found.tone == "good":
        return ""
    return found.lines[found.headline]


def surroundings_of(observed: Observed, run: Obj, around: Around) -> Surroundings:
    """What an AnalysisRun of this Rollout is seen in."""
    canary = ((observed.rollout.get("spec") or {}).get("strategy") or {}).get("canary") or {}
    index = step_of(run)
    # A weight is reached when its pods are available, and only then the next step begins.
    has_weight = any(step.get("setWeight") for step in (canary.get("steps") or ())[: index or 0])
    own = _pods_of(around.pods, labels_of(run).get(POD_TEMPLATE_HASH_LABEL, ""))
    return Surroundings(
        templates=(*observed.analysis_templates.values(), *observed.cluster_analysis_templates.values()),
        services=around.services,
        were_pods_available=has_weight or (bool(own) and all(map(is_ready, own))),
    )


def _pods_of(pods: Sequence[Obj], pod_hash: str) -> list[Obj]:
    return [pod for pod in pods if labels_of(pod).get(POD_TEMPLATE_HASH_LABEL) == pod_hash]


def _reasons(observed: Observed, now: datetime) -> tuple[Reason, ...]:
    """The controller's reasons; none where our rules do not apply to the Rollout."""
    try:
        because = decide(observed, now).because
    except CanariumError:
        return ()
    is_refused = any(isinstance(reason, InvalidSpec) for reason in because)
    return () if is_refused and condition(observed.rollout, "InvalidSpec") is None else because


def _explain(observed: Observed, now: datetime, around: Around, reasons: tuple[Reason, ...]) -> Explanation:
    obj = observed.rollout
    if obj["metadata"].get("deletionTimestamp"):
        return Explanation(tone="waiting", lines=("The Rollout is being deleted; its pods go with it.",))
    try:
        story = _Story(observed, view_rollout(obj), now, around)
    except msgspec.ValidationError as error:
        return Explanation(tone="bad", lines=(f"The spec cannot be read: {error}.",), next_step="Mend that field.")
    return (
        story.invalid()
        or story.aborted()
        or story.refused_pods()
        or story.paused()
        or story.timed_out()
        or story.healthy()
        or story.unavailable(reasons)
        or story.analysing()
        or story.otherwise(reasons)
    )


class _Story:
    """One Rollout with what was read of it. Each method tells one kind of situation, or None if it is another one."""

    def __init__(self, observed: Observed, rollout: Rollout, now: datetime, around: Around) -> None:
        self.observed = observed
        self._is_canary = rollout.spec.strategy.canary is not None
        if not self._is_canary:  # of another strategy only what all have in common is told
            strategy = msgspec.structs.replace(rollout.spec.strategy, canary=Canary())
            rollout = msgspec.structs.replace(rollout, spec=msgspec.structs.replace(rollout.spec, strategy=strategy))
        self.rollout = rollout
        self.status = rollout.status
        self.now = now
        self.around = around
        self.about = About("Rollout", rollout.namespace, rollout.name)
        by_hash = {labels_of(found).get(POD_TEMPLATE_HASH_LABEL, ""): found for found in observed.replica_sets}
        self.canary = by_hash.get(self.status.current_pod_hash)
        self.stable = by_hash.get(self.status.stable_rs)

    def invalid(self) -> Explanation | None:
        found = self.status.condition("InvalidSpec")
        if found is None:
            return None
        message = found.message.rstrip(".")
        is_missing = "not found" in message
        return Explanation(
            tone="bad",
            lines=(f"{message}.", "Nothing is done until this is mended; the pods there are stay as they are."),
            evidence=(self._condition_fact("InvalidSpec"),),
            next_step="Create what is missing, or mend the name." if is_missing else "Mend that field.",
            commands=(f"kubectl describe rollout {self._where}",),
        )

    def aborted(self) -> Explanation | None:
        if not self.status.abort or self.status.is_fully_promoted:
            return None
        run = self._aborting_run()
        at = ""
        if run is not None and step_of(run) is not None:
            at = f" at step {(step_of(run) or 0) + 1} of {len(self.rollout.spec.steps)}"
        elif run is not None:
            at = " by its background analysis"
        what = "canary of" if self._is_canary else "update to"
        head = f"The {what} {self._revision(self.canary)} was aborted{at}; {self._revision(self.stable)} is stable."
        retry = f"kubectl argo rollouts retry rollout {self._where}"
        evidence = (self._condition_fact("Progressing"),)
        if run is None:
            said = self._said().partition(": ")[2]
            return Explanation(
                tone="bad",
                lines=(head, f"{said}." if said else "No analysis asked for that: somebody aborted it."),
                headline=1,
                evidence=evidence,
                next_step="Retry when the reason is gone, or change the template.",
                commands=(retry,),
                reasons=("RolloutAborted",),
            )
        surroundings = self._surroundings(run)
        bad = diagnoses(run, surroundings)
        about_run = explain_analysis(run, self.now, surroundings)
        return Explanation(
            tone="bad",
            lines=(head, *about_run.lines)[:3],
            headline=1,
            evidence=(*about_run.evidence, *evidence),
            next_step=mending(run, bad, surroundings) if bad else about_run.next_step,
            commands=tuple(dict.fromkeys((*about_run.commands, retry))),
            reasons=("RolloutAborted",),
        )

    def refused_pods(self) -> Explanation | None:
        """Pods that the API server does not let in: quotas, admission."""
        for replica_set in self.observed.replica_sets:
            failure = condition(replica_set, "ReplicaFailure")
            if failure is None or failure.get("status") != "True":
                continue
            name = replica_set["metadata"]["name"]
            message = (failure.get("message") or failure.get("reason", "")).rstrip(".")
            is_quota = "exceeded quota" in message
            about = About("ReplicaSet", self.rollout.namespace, name)
            return Explanation(
                tone="bad",
                lines=(f"ReplicaSet {name} cannot create its pods.", f"{message}."),
                headline=1,
                evidence=(Fact("condition", message, about, failure.get("lastTransitionTime") or ""),),
                next_step="Raise the quota, or have the pods ask for less." if is_quota else "Mend what it tells of.",
                commands=(
                    f"kubectl describe {'resourcequota' if is_quota else f'replicaset {name}'} "
                    f"-n {self.rollout.namespace}",
                ),
            )
        return None

    def paused(self) -> Explanation | None:
        promote = f"kubectl argo rollouts promote {self._where}"
        abort = f"kubectl argo rollouts abort {self._where}"
        if self.rollout.spec.paused:
            return Explanation(
                tone="attention",
                lines=("The rollout is paused by hand (spec.paused).",),
                next_step="Set spec.paused to false to go on.",
                commands=(promote,),
            )
        held = self.status.pause(INCONCLUSIVE_ANALYSIS)
        if held is not None:
            run = self._latest_run()
            told = None if run is None else explain_analysis(run, self.now, self._surroundings(run))
            return Explanation(
                tone="attention",
                lines=("The rollout is paused: an analysis could not tell.", *(told.lines if told else ()))[:3],
                headline=1 if told else 0,
                evidence=told.evidence if told else (),
                next_step="Decide: promote to go on, or abort.",
                commands=(promote, abort),
            )
        held = self.status.pause(CANARY_PAUSE_STEP)
        step, index = current_step(self.rollout)
        if held is None or step is None or index is None or step.pause is None:
            return self._paused_otherwise((promote, abort))
        place = f"step {index + 1} of {len(self.rollout.spec.steps)}"
        have, _ = self._counts(self.canary)
        total = sum(self._counts(found)[0] for found in self.observed.replica_sets)
        share = (
            f"{have} of {_pods(total)} are of {self._revision(self.canary)}, for weight {desired_weight(self.rollout)}."
        )
        ends = pause_ends_at(step.pause, held)
        fact = Fact("condition", f"Paused at {place}", self.about, held.start_time)
        until = "somebody promotes it" if ends is None else clock_time(ends, self.now)
        trouble = self._trouble()
        if trouble is not None and trouble.is_bad:
            return Explanation(
                tone="bad",
                lines=(f"The rollout is paused at {place} until {until}, and its canary is not well.", trouble.says),
                headline=1,
                evidence=(trouble.fact, fact),
                next_step=f"{trouble.next_step} Abort, or mend it before it is promoted.".lstrip(),
                commands=(*trouble.commands, abort),
            )
        if ends is None:
            return Explanation(
                tone="attention",
                lines=(f"The rollout is paused at {place} until {until}.", share),
                evidence=(fact,),
                next_step="Promote to go on, or abort.",
                commands=(promote, abort),
            )
        return Explanation(
            tone="waiting",
            lines=(f"The rollout is paused at {place} until {until}.", share),
            evidence=(fact,),
            next_step=f"{self._next_step(index)} Promote to go on at once.",
            commands=(promote,),
        )

    def _paused_otherwise(self, commands: tuple[str, ...]) -> Explanation | None:
        """A pause for a reason of strategies that are not ours."""
        if not self.status.pause_conditions:
            return None
        held = self.status.pause_conditions[0]
        return Explanation(
            tone="attention",
            lines=(f"The rollout is paused ({held.reason}) since {held.start_time}.",),
            evidence=(Fact("condition", f"Paused: {held.reason}", self.about, held.start_time),),
            next_step="Promote to go on, or abort.",
            commands=commands,
        )

    def timed_out(self) -> Explanation | None:
        found = self.status.condition("Progressing")
        if found is None or found.reason != "ProgressDeadlineExceeded":
            return None
        trouble = self._trouble()
        seconds = self.rollout.spec.deadline_seconds
        return self._with_trouble(
            "bad",
            (f"There was no progress for {seconds} s (progressDeadlineSeconds). {self._pods_text()}",),
            trouble,
            evidence=(self._condition_fact("Progressing"),),
            next_step="Mend the pods, or abort to go back to the stable revision.",
            commands=(f"kubectl argo rollouts abort {self._where}",),
        )

    def healthy(self) -> Explanation | None:
        if displayed_phase(self.rollout.obj).name != "Healthy":
            return None
        desired = self.rollout.spec.desired
        revision = revision_of(self.canary) if self.canary is not None else self.rollout.revision
        pods = "Its pod runs" if desired == 1 else f"All {desired} pods run"
        if desired == 0:
            return Explanation(tone="good", lines=(f"It is scaled to 0 pods; revision {revision} is stable.",))
        return Explanation(tone="good", lines=(f"{pods} {self._image(self.canary)}; revision {revision} is stable.",))

    def unavailable(self, reasons: tuple[Reason, ...]) -> Explanation | None:
        """Pods of the desired template that are not there yet."""
        have, want = self._counts(self.canary)
        waits = next((reason for reason in reasons if isinstance(reason, PodsUnavailable)), None)
        if waits is not None:
            have, want = waits.have, waits.want
        if want == 0 or have >= want or self.canary is None:
            return None
        trouble = self._trouble()
        lines = [
            f"Waiting for pods of {self._revision(self.canary)}: {have} of {want} available "
            f"at weight {desired_weight(self.rollout)}."
        ]
        found = self.status.condition("Progressing")
        deadline = "" if found is None else self._deadline_text()
        return self._with_trouble("waiting", tuple(lines), trouble, next_step=deadline)

    def analysing(self) -> Explanation | None:
        step, index = current_step(self.rollout)
        run = self._latest_run()
        if run is None or (run.get("status") or {}).get("phase") in COMPLETED:
            return None
        if step is None or index is None:
            return None
        if step.analysis is None and step_of(run) is not None:
            return None
        about_run = explain_analysis(run, self.now, self._surroundings(run))
        where = "" if step.analysis is None else f" at step {index + 1} of {len(self.rollout.spec.steps)}"
        return Explanation(
            tone=about_run.tone,
            lines=(f"The rollout waits for an analysis{where}.", *about_run.lines)[:3],
            headline=min(len(about_run.lines), 2) if about_run.tone == "attention" else 1,
            evidence=about_run.evidence,
            next_step=f"{about_run.next_step} {self._next_step(index)}".strip(),
            reasons=about_run.reasons,
        )

    def otherwise(self, reasons: tuple[Reason, ...]) -> Explanation:
        phase = displayed_phase(self.rollout.obj)
        tone = _TONES.get(phase.name, "waiting")
        told = tuple(str(reason) for reason in reasons)[:2]
        message = f": {phase.message.rstrip('.')}" if phase.message else ""
        lines: tuple[str, ...] = (f"The rollout is {phase.name or 'not looked at yet'}{message}.",)
        if told and not str(told[0]).startswith("The rollout is "):
            lines = (*lines, *told)
        _, index = current_step(self.rollout)
        fact = self._condition_fact("Progressing")
        return Explanation(
            tone=tone,
            lines=lines[:3],
            evidence=(fact,) if fact.text else (),
            next_step="" if index is None or tone == "bad" else self._next_step(index - 1),
        )

    # -- parts ----------------------------------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        return f"{self.rollout.name} -n {self.rollout.namespace}"

    def _revision(self, replica_set: Obj | None) -> str:
        if replica_set is None:
            return "the desired template"
        return f"revision {revision_of(replica_set)} ({self._image(replica_set)})"

    def _image(self, workload: Obj | None) -> str:
        template = ((workload or self.rollout.obj).get("spec") or {}).get("template") or {}
        containers = (template.get("spec") or {}).get("containers") or ()
        return ", ".join(str(one.get("image", "")) for one in containers) or "no image"

    def _counts(self, replica_set: Obj | None) -> tuple[int, int]:
        """(available, desired) pods."""
        if replica_set is None:
            return 0, 0
        return (replica_set.get("status") or {}).get("availableReplicas", 0), replica_set["spec"].get("replicas") or 0

    def _pods_text(self) -> str:
        have, want = self._counts(self.canary)
        return f"{have} of {want} pods of {self._revision(self.canary)} are available."

    def _said(self) -> str:
        """What the Progressing condition tells, without its lead."""
        found = self.status.condition("Progressing")
        return "" if found is None else found.message.rstrip(".")

    def _condition_fact(self, kind: str) -> Fact:
        found = self.status.condition(kind)
        if found is None:
            return Fact("condition", "", self.about)
        return Fact(
            "condition", f"{kind}={found.status}: {found.reason}: {found.message}", self.about, found.last_update_time
        )

    def _runs(self) -> list[Obj]:
        """The AnalysisRuns of the desired template."""
        pod_hash = self.status.current_pod_hash
        return [run for run in self.observed.analysis_runs if labels_of(run).get(POD_TEMPLATE_HASH_LABEL) == pod_hash]

    def _latest_run(self) -> Obj | None:
        return max(self._runs(), key=_age, default=None)

    def _aborting_run(self) -> Obj | None:
        """The run that aborted the update: its message is in what the Progressing condition says."""
        said = self._said()

        def is_named(run: Obj) -> bool:
            status = run.get("status") or {}
            message = status.get("message", "").rstrip(".")
            is_told = message in said if message else ": " not in said
            return status.get("phase") in ("Failed", "Error") and is_told

        return max(filter(is_named, self._runs()), key=_age, default=None)

    def _surroundings(self, run: Obj) -> Surroundings:
        return surroundings_of(self.observed, run, self.around)

    def _trouble(self) -> PodTrouble | None:
        own = _pods_of(self.around.pods, self.status.current_pod_hash)
        return None if all(map(is_ready, own)) else worst_trouble(own, self.around.events())

    def _with_trouble(
        self,
        tone: Tone,
        lines: tuple[str, ...],
        trouble: PodTrouble | None,
        *,
        next_step: str,
        evidence: tuple[Fact, ...] = (),
        commands: tuple[str, ...] = (),
    ) -> Explanation:
        if trouble is None:
            return Explanation(tone=tone, lines=lines, evidence=evidence, next_step=next_step, commands=commands)
        if trouble.is_bad and tone == "waiting":
            tone = "attention"
        return Explanation(
            tone=tone,
            lines=(*lines, trouble.says)[:3],
            headline=len(lines) if trouble.is_bad else 0,
            evidence=(trouble.fact, *evidence),
            next_step=f"{trouble.next_step} {next_step}".strip(),
            commands=(*trouble.commands, *commands),
            reasons=(trouble.reason,),
        )

    def _deadline_text(self) -> str:
        found = self.status.condition("Progressing")
        if found is None or found.reason in ("RolloutAborted", "RolloutPaused"):
            return ""
        deadline = progress_deadline(self.rollout, found)
        if deadline <= self.now:
            return ""
        return f"Without progress it counts as failed at {clock_time(deadline, self.now)} (progressDeadlineSeconds)."

    def _next_step(self, index: int) -> str:
        """What comes after the step at `index`."""
        steps = self.rollout.spec.steps
        if index + 1 >= len(steps):
            return "After that the update is complete." if steps else ""
        return f"Step {index + 2} of {len(steps)} follows: {step_text(steps[index + 1])}."


def _pods(number: int) -> str:
    return "1 pod" if number == 1 else f"{number} pods"


def _age(run: Obj) -> tuple[datetime, int, int, str]:
    """Sorts runs as they were made: within a second by step, then by attempt (`-2-1`, `-2-1.1`, …)."""
    metadata: dict[str, Any] = run["metadata"]
    name = str(metadata["name"])
    attempt = name.rpartition(".")[2]
    return (
        parse_time(metadata["creationTimestamp"]),
        step_of(run) or 0,
        int(attempt) if "." in name and attempt.isdigit() else 0,
        name,
    )
