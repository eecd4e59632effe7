"""What should happen next to one Rollout.

Owns: the order of a pass: validate, create the ReplicaSet of a new template, bring pause conditions in line, answer a
change of spec.replicas, else move the canary forward by at most one step. Must not know: clocks, storage.
Behaviour follows `rollout/controller.go`, `context.go`, `canary.go` and `sync.go` of Argo Rollouts 1.10 for the canary
strategy without traffic routing; what is not built yet is refused by name (see validation.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from canarium.errors import CanariumError
from canarium.kube.decision import Create, Decision, Delete, Patch
from canarium.kube.resources import REPLICA_SETS
from canarium.rollouts import conditions as c
from canarium.rollouts.analysis.templates import InvalidTemplate
from canarium.rollouts.analysis_runs import reconcile_analysis, runs_of
from canarium.rollouts.conditions import new_condition, set_condition
from canarium.rollouts.kinds import ROLLOUTS
from canarium.rollouts.observed import Observed
from canarium.rollouts.pauses import CANARY_PAUSE_STEP, pause_ends_at
from canarium.rollouts.phase import calculate_phase
from canarium.rollouts.reasons import (
    Adopting,
    BeingDeleted,
    HashCollision,
    InvalidSpec,
    NewRevision,
    PauseChanged,
    Paused,
    Pausing,
    ReplicasChanged,
    ReplicasDefaulted,
    RevisionsCleanedUp,
    Settled,
)
from canarium.rollouts.replicasets import make_replica_set, total_actual, total_available
from canarium.rollouts.restart import reconcile_restart
from canarium.rollouts.revisions import beyond_history, changed_annotations, new_annotations, next_revision
from canarium.rollouts.services import reconcile_services
from canarium.rollouts.status import canary_status, finish, template_or_steps_changed
from canarium.rollouts.strategies.canary.scaling import reconcile_replica_sets
from canarium.rollouts.strategies.canary.steps import current_step
from canarium.rollouts.turn import Turn
from canarium.rollouts.types import DESIRED_REPLICAS, Condition, RolloutStatus, int_or_zero, status_json, view_rollout
from canarium.rollouts.validation import FieldError, first_error, template_error, type_error
from canarium.workloads.pods import claim

INVALID_RETRY: Final = timedelta(seconds=20)
"""A spec may be invalid only because something it refers to comes later, so it is looked at again."""


def decide(observed: Observed, now: datetime) -> Decision:
    """One pass: what to do, the complete status afterwards, when to look again, and because of what."""
    if observed.rollout["metadata"].get("deletionTimestamp"):
        return Decision(because=(BeingDeleted(),))
    try:
        rollout = view_rollout(observed.rollout)
    except msgspec.ValidationError as error:
        return _refuse_unreadable(observed, type_error(error), now)
    error_found = first_error(observed, rollout)
    if error_found is not None:
        return _refuse(observed, rollout.status, rollout.generation, error_found, now)
    try:
        turn = Turn(observed, rollout, now)
    except CanariumError as error:  # what Go could not have decoded has no hash
        return _refuse(observed, rollout.status, rollout.generation, template_error(error), now)
    adopted = claim(rollout.obj, rollout.spec.selector, REPLICA_SETS, observed.orphans)
    if adopted.patches:
        names = tuple(found["metadata"]["name"] for found in adopted.controlled)
        return Decision(because=(Adopting(names),), actions=adopted.patches)
    if turn.new is None:
        return _create_replica_set(turn)
    if rollout.spec.replicas is None:
        return _default_replicas(turn)
    if rollout.status.is_fully_promoted and turn.is_aborted:
        turn.pauses.is_abort_removed = True

    status = _pause_conditions_changed(turn)
    if status is not None:
        return turn.decision(status)
    _sync_revision(turn)
    try:
        status = _replicas_only(turn) if _is_scaling_event(turn) else _canary(turn)
    except InvalidTemplate as error:
        turn.because(InvalidSpec("spec.strategy.canary", f"The analysis cannot be started: {error.problem}."))
        turn.wake_in(INVALID_RETRY)
        status = None
    if not turn.has_reason:
        final = status or turn.before
        turn.because(Settled(final.phase, final.message))
    return turn.decision(status)


def _refuse_unreadable(observed: Observed, error: FieldError, now: datetime) -> Decision:
    try:
        status = msgspec.convert(observed.rollout.get("status") or {}, RolloutStatus)
    except msgspec.ValidationError:
        status = RolloutStatus()
    return _refuse(observed, status, observed.rollout["metadata"].get("generation", 0), error, now)


def _refuse(observed: Observed, before: RolloutStatus, generation: int, error: FieldError, now: datetime) -> Decision:
    """The InvalidSpec condition, phase Degraded; nothing else happens (createInvalidRolloutCondition)."""
    message = f'The Rollout "{observed.rollout["metadata"]["name"]}" is invalid: {error}'
    found = before.condition(c.INVALID_SPEC)
    conditions = before.conditions
    if found is None or found.message != message:
        fresh = new_condition(c.INVALID_SPEC, "True", c.INVALID_SPEC, message, now)
        conditions = c.replace_condition(conditions, fresh)
    status = replace(
        before,
        conditions=conditions,
        observed_generation=str(generation),
        phase="Degraded",
        message=f"{c.INVALID_SPEC}: {message}",
    )
    # Phase and message look at the first of several bad conditions, as calculate_phase does.
    first = next((held for held in conditions if held.type == c.INVALID_SPEC or _is_bad(held)), None)
    if first is not None and first.type != c.INVALID_SPEC:
        status = replace(status, message=f"{first.reason}: {first.message}")
    return Decision(
        because=(InvalidSpec(error.field, f"{message}."),),
        status=status_json(status),
        requeue=INVALID_RETRY,
    )


def _is_bad(condition: Condition) -> bool:
    return condition.reason in (c.ROLLOUT_ABORTED, c.TIMED_OUT)


def _create_replica_set(turn: Turn) -> Decision:
    """The template has no ReplicaSet yet: create it, without pods, under a name that follows from its hash."""
    rollout = turn.rollout
    revision = next_revision(turn.older)
    made = make_replica_set(rollout, turn.pod_hash, new_annotations(rollout, revision))
    name = made["metadata"]["name"]
    holder = turn.observed.name_holder
    if (holder is not None and holder["metadata"]["name"] == name) or any(found.name == name for found in turn.all):
        # It is not ours, or has another template (find_new would have taken it otherwise): count up and hash again.
        turn.because(HashCollision(name))
        count = (rollout.status.collision_count or 0) + 1
        return turn.decision(replace(rollout.status, collision_count=count))
    turn.create(Create(resource=REPLICA_SETS, obj=made))
    turn.set_revision(revision)
    turn.event(c.NEW_REPLICA_SET, f"Created ReplicaSet {name} (revision {revision})")
    turn.because(NewRevision(name, revision))
    created = new_condition(c.PROGRESSING, "True", c.NEW_REPLICA_SET, f'Created new replica set "{name}"', turn.now)
    return turn.decision(replace(rollout.status, conditions=set_condition(rollout.status.conditions, created)))


def _default_replicas(turn: Turn) -> Decision:
    turn.patch(
        Patch(
            resource=ROLLOUTS,
            namespace=turn.rollout.namespace,
            name=turn.rollout.name,
            patch={"spec": {"replicas": 1}},
            resource_version=turn.rollout.obj["metadata"].get("resourceVersion"),
        )
    )
    turn.because(ReplicasDefaulted())
    return turn.decision(None)


def _pause_conditions_changed(turn: Turn) -> RolloutStatus | None:
    """The status with conditions that follow a pause, a resume or a retry; None when they agree already.

    Only while the spec is the one observed before: else the full pass sees to it (checkPausedConditions).
    """
    before, spec, now = turn.before, turn.rollout.spec, turn.now
    if before.observed_generation != str(turn.rollout.generation):
        return None
    progressing = before.condition(c.PROGRESSING)
    reason = progressing.reason if progressing else ""
    is_paused = bool(before.pause_conditions) or spec.paused
    was_aborted = reason == c.ROLLOUT_ABORTED
    changes: list[Condition] = []
    if is_paused != (reason == c.ROLLOUT_PAUSED) and not was_aborted and not c.is_completed(before):
        kind, message = (c.ROLLOUT_PAUSED, c.PAUSED_MESSAGE) if is_paused else (c.ROLLOUT_RESUMED, c.RESUMED_MESSAGE)
        changes.append(new_condition(c.PROGRESSING, "Unknown", kind, message, now))
    if was_aborted and not before.abort:
        changes.append(new_condition(c.PROGRESSING, "Unknown", c.ROLLOUT_RETRY, c.RETRY_MESSAGE, now))
    paused = before.condition(c.PAUSED)
    if is_paused != (paused is not None and paused.status == "True") and not was_aborted:
        state = "True" if is_paused else "False"
        changes.append(new_condition(c.PAUSED, state, c.ROLLOUT_PAUSED, c.PAUSED_MESSAGE, now))
    if not changes:
        return None
    conditions = before.conditions
    for change in changes:
        conditions = set_condition(conditions, change)
    status = replace(before, conditions=conditions)
    phase = calculate_phase(spec, status)
    turn.because(PauseChanged(changes[0].reason if changes[0].status != "False" else c.ROLLOUT_RESUMED))
    return replace(status, phase=phase.name, message=phase.message)


def _sync_revision(turn: Turn) -> None:
    """Make the new ReplicaSet the latest revision, and the Rollout say so (syncReplicaSetRevision)."""
    rollout, new = turn.rollout, turn.new
    assert new is not None, "a pass without a ReplicaSet creates one and ends"
    revision = next_revision(turn.older)
    annotations = changed_annotations(rollout, new, revision)
    has_other_wait = new.min_ready_seconds != rollout.spec.min_ready_seconds
    if annotations or has_other_wait:
        spec = {"minReadySeconds": rollout.spec.min_ready_seconds} if has_other_wait else None
        turn.patch_replica_set(new, annotations=annotations, spec=spec)
    turn.set_revision(max(revision, new.revision))
    if rollout.status.condition(c.PROGRESSING) is None:
        found = new_condition(
            c.PROGRESSING, "True", c.FOUND_NEW_REPLICA_SET, f'Found new replica set "{new.name}"', turn.now
        )
        turn.update_status(replace(rollout.status, conditions=set_condition(rollout.status.conditions, found)))


def _is_scaling_event(turn: Turn) -> bool:
    """spec.replicas is another number than the one new and stable ReplicaSet were last scaled for."""
    desired = turn.rollout.spec.desired
    for found in (turn.new, turn.stable):
        if found is not None and found.desired > 0:
            text = found.annotations.get(DESIRED_REPLICAS)
            if text is not None and int_or_zero(text) != desired:
                return True
    return False


def _replicas_only(turn: Turn) -> RolloutStatus:
    """Only bring the counts in line; steps wait (syncReplicasOnly)."""
    turn.because(ReplicasChanged(turn.rollout.spec.desired))
    reconcile_replica_sets(turn)
    return finish(
        turn,
        replace(
            turn.before,
            available_replicas=total_available(turn.all),
            hpa_replicas=total_actual(turn.all),
        ),
    )


def _canary(turn: Turn) -> RolloutStatus | None:
    """Move one canary forward by at most one step (rolloutCanary); None leaves the status alone."""
    if template_or_steps_changed(turn):
        return canary_status(turn)
    if reconcile_restart(turn):
        return None  # the counts we saw no longer hold: scaling on top of them could cost availability
    _clean_up_revisions(turn)
    reconcile_services(turn)
    reconcile_analysis(turn)
    if turn.pauses.added:
        return canary_status(turn)
    if not reconcile_replica_sets(turn):
        _reconcile_pause(turn)
    return canary_status(turn)


def _clean_up_revisions(turn: Turn) -> None:
    beyond = beyond_history(turn.rollout, turn.others)
    for found in beyond:
        turn.delete(Delete(resource=REPLICA_SETS, namespace=turn.rollout.namespace, name=found.name, uid=found.uid))
        for run in runs_of(turn, found.pod_hash):
            turn.delete_run(run)
    if beyond:
        turn.because(RevisionsCleanedUp(tuple(found.name for found in beyond)))


def _reconcile_pause(turn: Turn) -> None:
    """Begin the pause of a pause step, or wait for its end (reconcileCanaryPause)."""
    before = turn.before
    if turn.rollout.spec.paused:
        turn.because(Paused("spec.paused"))
        return
    step, _ = current_step(turn.rollout)
    if before.promote_full or step is None or step.pause is None or turn.is_aborted:
        if before.pause_conditions and not turn.is_aborted:
            turn.because(Paused(before.pause_conditions[0].reason))
        return
    held = before.pause(CANARY_PAUSE_STEP)
    if held is None:
        if not before.controller_pause:
            turn.pauses.added.append(CANARY_PAUSE_STEP)
            turn.because(Pausing(CANARY_PAUSE_STEP))
        return
    ends = pause_ends_at(step.pause, held)
    turn.because(Paused(CANARY_PAUSE_STEP, None if ends is None else max(ends - turn.now, timedelta(0))))
    if ends is not None and ends >= turn.now:
        turn.wake_after(ends)
