"""What may be done to a Rollout now, and what would come of it.

Owns: which buttons make sense, and the sentence or two that tell the consequence from the real facts. Pure.
Must not know: how an action is applied (`web.actions`), who asks.
Which buttons are enabled follows `ui/src/app/components/rollout-actions` of Argo Rollouts 1.10: retry when Degraded;
abort, promote and promote-full when Progressing or Paused; restart always. A button that would send nothing is refused
as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from canarium.kube.objects import Obj, annotations_of, is_controlled_by
from canarium.rollouts import commands
from canarium.rollouts.info.replicasets import revision_of
from canarium.rollouts.info.rollout import counts
from canarium.rollouts.phase import DEGRADED, PAUSED, PROGRESSING, Phase, displayed_phase
from canarium.rollouts.replicasets import ReplicaSet, comparable_template, view_replica_set
from canarium.rollouts.types import REVISION, int_or_zero
from canarium.web.model import Action
from canarium.web.views.cells import times
from canarium.web.views.track import position, step_words

READ_ONLY = "This page may look but not change: it was opened read-only."
ABORT_DELAY_SECONDS = 30
"""How long a canary with traffic routing stays after an abort, unless the spec says otherwise."""


class Facts(msgspec.Struct, frozen=True):
    """What the sentences are made from. canary, stable: the ReplicaSets; None where there is none, or both are one.
    index: how many steps are done. earlier: revisions with another template, latest first."""

    rollout: Obj
    phase: Phase
    steps: Sequence[Obj]
    index: int
    is_aborted: bool
    is_updating: bool
    canary: ReplicaSet | None
    stable: ReplicaSet | None
    earlier: Sequence[ReplicaSet]
    application: Obj | None


def rollout_actions(
    rollout: Obj, replica_sets: Iterable[Obj], is_read_only: bool, application: Obj | None = None
) -> tuple[Action, ...]:
    """Every action, in the order of Argo's own page, then undo and set-image. replica_sets: of the rollout.

    application: the Argo CD Application that tracks the Rollout, if there is one.
    """
    facts = facts_of(rollout, replica_sets, application)
    made = (
        _action("restart", "Restart", _restart(facts), ""),
        _action("retry", "Retry", _retry(facts), _retry_refused(facts)),
        _action("abort", "Abort", _abort(facts), _abort_refused(facts), is_dangerous=True),
        _action("promote", "Promote", _promote(facts), _promote_refused(facts, commands.promote)),
        _action(
            "promote-full",
            "Promote full",
            _promote_full(facts),
            _promote_refused(facts, commands.promote_full),
            is_dangerous=True,
        ),
        _action("undo", "Rollback", _undo(facts), _undo_refused(facts), is_dangerous=True),
        _action("set-image", "Set image", _set_image(facts), _set_image_refused(facts)),
    )
    if not is_read_only:
        return made
    return tuple(msgspec.structs.replace(one, refused=READ_ONLY) for one in made)


def can_roll_back(rollout: Obj, replica_set: Obj) -> bool:
    """Whether a ReplicaSet is of an earlier revision, with a template that differs from the present one."""
    if not 0 < revision_of(replica_set) < int_or_zero(annotations_of(rollout).get(REVISION)):
        return False
    template = (replica_set.get("spec") or {}).get("template") or {}
    return comparable_template(template) != comparable_template((rollout.get("spec") or {}).get("template") or {})


def facts_of(rollout: Obj, replica_sets: Iterable[Obj], application: Obj | None) -> Facts:
    """Look once at everything."""
    status = rollout.get("status") or {}
    strategy = (rollout.get("spec") or {}).get("strategy") or {}
    steps: Sequence[Obj] = (strategy.get("canary") or {}).get("steps") or ()
    views = [view_replica_set(one) for one in replica_sets if is_controlled_by(one, rollout)]
    stable_hash, current_hash = status.get("stableRS", ""), status.get("currentPodHash", "")
    earlier = [one for one in views if can_roll_back(rollout, one.obj)]
    return Facts(
        rollout=rollout,
        phase=_phase(rollout),
        steps=steps,
        index=position(rollout, len(steps))[0],
        is_aborted=bool(status.get("abort")),
        is_updating=stable_hash != current_hash,
        canary=next((one for one in views if one.pod_hash == current_hash != stable_hash), None),
        stable=next((one for one in views if one.pod_hash == stable_hash), None),
        earlier=sorted(earlier, key=lambda one: one.revision, reverse=True),
        application=application,
    )


def _phase(rollout: Obj) -> Phase:
    try:
        return displayed_phase(rollout)
    except msgspec.ValidationError as error:
        return Phase("Unknown", str(error))


def _action(name: str, label: str, consequence: str, refused: str, *, is_dangerous: bool = False) -> Action:
    return Action(name=name, label=label, consequence=consequence, refused=refused, is_dangerous=is_dangerous)


# -- sentences --------------------------------------------------------------------------------------------------------


def _restart(facts: Facts) -> str:
    pods = _all_pods(counts(facts.rollout).current)
    return f"Replaces {pods} by new ones of the same images, as fast as maxUnavailable allows."


def _retry(facts: Facts) -> str:
    if not facts.is_aborted:
        return "The update was not aborted, so it just goes on from where it is."
    if not facts.steps:
        return f"The update to {_version(facts.rollout, facts.canary)} begins again."
    first = _step(facts, 0)
    begins = f"begins again at step 1 of {len(facts.steps)}: {first}"
    return f"The update to {_version(facts.rollout, facts.canary)} {begins}. Its analyses run anew."


def _retry_refused(facts: Facts) -> str:
    if facts.phase.name == DEGRADED:
        return ""
    return f"There is nothing to retry: it is {facts.phase.name}. Retry is for an update that was aborted."


def _abort(facts: Facts) -> str:
    if not facts.is_updating:
        return "No update is under way: the stable pods stay as they are."
    asks = f"{_source(facts)} still asks for {_version(facts.rollout, facts.canary)}: Retry begins again."
    return f"{_back_to_stable(facts)} {asks}"


def _back_to_stable(facts: Facts) -> str:
    pods = facts.canary.actual if facts.canary is not None else 0
    stable = f"stable ones ({_image_of(facts.stable)})" if facts.stable is not None else "stable ones"
    strategy = (facts.rollout.get("spec") or {}).get("strategy") or {}
    if strategy.get("blueGreen") is not None:
        return f"The active Service goes back to the {stable}; {times(pods, 'preview pod')} will be scaled down."
    canary = strategy.get("canary") or {}
    if not pods:
        return "Weight goes back to 0; there is no canary pod yet."
    given = canary.get("abortScaleDownDelaySeconds")
    seconds = ABORT_DELAY_SECONDS if given is None else given
    the_pods, are = f"the {times(pods, 'canary pod')}", "is" if pods == 1 else "are"
    if canary.get("trafficRouting") is None:
        return f"Weight goes back to 0: {the_pods} {are} replaced by {stable} as fast as maxUnavailable allows."
    if seconds == 0:
        return f"Weight goes back to 0 at once; {the_pods} {are} kept until somebody scales down."
    return f"Weight goes back to 0 at once; {the_pods} {are} scaled down {seconds}s later."


def _abort_refused(facts: Facts) -> str:
    if facts.phase.name in (PROGRESSING, PAUSED):
        return ""
    if facts.is_aborted:
        return "It is aborted already."
    return f"There is nothing to abort: it is {facts.phase.name}, no update is under way."


def _promote(facts: Facts) -> str:
    spec, status = facts.rollout.get("spec") or {}, facts.rollout.get("status") or {}
    lifts = "Lifts spec.paused, which somebody set. " if spec.get("paused") else ""
    total, index = len(facts.steps), facts.index
    if index < total:
        follows = "the update is complete" if index + 1 == total else f"step {index + 2}: {_step(facts, index + 1)}"
        what = f"step {index + 1} of {total}, {_step(facts, index)}"
        if status.get("pauseConditions"):
            return f"{lifts}Ends the pause of {what}; then {follows}."
        return f"{lifts}Skips {what}, although it is not done; then {follows}."
    if status.get("pauseConditions"):
        return f"{lifts}Ends the pause: {_version(facts.rollout, facts.canary)} is promoted."
    return f"{lifts}It goes on."


def _promote_full(facts: Facts) -> str:
    left = len(facts.steps) - facts.index
    version = _version(facts.rollout, facts.canary)
    if not facts.is_updating:
        return "Lifts spec.paused: the desired version is stable already."
    pods = _all_pods(counts(facts.rollout).desired)
    become = "becomes" if pods == "its pod" else "become"
    if left <= 0:
        return f"Skips pauses and analyses: {pods} {become} {version}."
    steps = "the remaining step" if left == 1 else f"the remaining {left} steps"
    return f"Skips {steps}, pauses and analyses included: {pods} {become} {version} without further checks."


def _promote_refused(facts: Facts, command: Callable[[Obj], Sequence[Any]]) -> str:
    if facts.phase.name == DEGRADED and facts.is_aborted:
        return "The update was aborted. Retry it first."
    if facts.phase.name not in (PROGRESSING, PAUSED):
        return f"There is nothing to promote: it is {facts.phase.name}."
    if not command(facts.rollout):
        return "There is no pause and no step to skip: it goes on by itself."
    return ""


def _undo(facts: Facts) -> str:
    if not facts.earlier:
        return "Restores the template of an earlier revision."
    shown = [f"revision {one.revision} is {_image_of(one)}" for one in facts.earlier[:3]]
    begins = f", beginning at step 1 of {len(facts.steps)}" if facts.steps else ""
    restores = f"Restores the template of the revision you choose ({'; '.join(shown)}) as a new update{begins}."
    return f"{restores}{_reverted(facts)}"


def _undo_refused(facts: Facts) -> str:
    reference = (facts.rollout.get("spec") or {}).get("workloadRef")
    if reference is not None:
        named = f"{reference.get('kind', 'Deployment')} {reference.get('name', '')}"
        return f"The template is in {named} (spec.workloadRef): roll that one back."
    return "" if facts.earlier else "There is no earlier revision with another template."


def _set_image(facts: Facts) -> str:
    begins = f" at step 1 of {len(facts.steps)}: {_step(facts, 0)}" if facts.steps else ""
    now = _image_of(facts.stable) if facts.stable is not None else _images(facts.rollout)
    return f"Starts an update from {now} to the image you name{begins}.{_reverted(facts)}"


def _set_image_refused(facts: Facts) -> str:
    if (facts.rollout.get("spec") or {}).get("workloadRef") is not None:
        return "The template is in another object (spec.workloadRef): set its image there."
    return ""


def _reverted(facts: Facts) -> str:
    """What Argo CD will do about a change of the template."""
    if facts.application is None:
        return ""
    name = facts.application["metadata"]["name"]
    automated = ((facts.application.get("spec") or {}).get("syncPolicy") or {}).get("automated")
    if automated is not None and automated.get("enabled") is not False and automated.get("selfHeal"):
        return f" Argo CD will revert it: {name} has selfHeal on and puts back what git says. Change git instead."
    return f" git does not know of it: {name} will be OutOfSync, and its next sync puts back what git says."


# -- words ------------------------------------------------------------------------------------------------------------


def _all_pods(count: int) -> str:
    return "its pod" if count == 1 else f"all {count} pods"


def _source(facts: Facts) -> str:
    return "The spec" if facts.application is None else "git"


def _version(rollout: Obj, replica_set: ReplicaSet | None) -> str:
    """`podinfo:6.8.1 (77d4)`."""
    images = _images(rollout)
    return f"{images} ({replica_set.pod_hash})" if replica_set is not None and replica_set.pod_hash else images


def _step(facts: Facts, index: int) -> str:
    kind, says, _ = step_words(facts.steps[index])
    return f"{kind} {says}" if kind else says


def _image_of(replica_set: ReplicaSet | None) -> str:
    return "the stable version" if replica_set is None else _images(replica_set.obj)


def _images(owner: Mapping[str, Any]) -> str:
    pod = (((owner.get("spec") or {}).get("template") or {}).get("spec")) or {}
    found = [str(one.get("image", "")).rpartition("/")[2] for one in pod.get("containers") or ()]
    return ", ".join(dict.fromkeys(found)) or "the desired version"
