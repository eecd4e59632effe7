"""The status that one pass leaves behind.

Owns: counts and hashes that follow from what was seen, the conditions, the phase; promotion and reset of the status.
Must not know: how ReplicaSets or AnalysisRuns are chosen.
Behaviour follows `rollout/sync.go` (calculateBaseStatus, calculateRolloutConditions, persistRolloutStatus,
promoteStable) and `syncRolloutStatusCanary` of `rollout/canary.go`, Argo Rollouts 1.10.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from canarium.kube.objects import later
from canarium.rollouts import conditions as c
from canarium.rollouts.conditions import new_condition, replace_condition, set_condition, without
from canarium.rollouts.pauses import CANARY_PAUSE_STEP, is_pause_over
from canarium.rollouts.phase import calculate_phase
from canarium.rollouts.reasons import (
    Aborted,
    Promoted,
    StepCompleted,
    StepsRestarted,
    StepsSkipped,
    TimedOut,
)
from canarium.rollouts.replicasets import total_actual, total_available, total_ready
from canarium.rollouts.revisions import is_fast_rollback, is_rollback_within_window
from canarium.rollouts.strategies.canary.scaling import is_at_weight, threshold_met
from canarium.rollouts.strategies.canary.steps import current_step, is_indefinite, step_text
from canarium.rollouts.turn import Turn
from canarium.rollouts.types import SCALE_DOWN_DEADLINE, CanaryStatus, CanaryStep, Condition, RolloutStatus


def template_or_steps_changed(turn: Turn) -> bool:
    """The pod template or the list of steps differs from the ones that the status is about."""
    before = turn.before
    if before.current_step_hash != turn.step_hash:
        return True
    return bool(before.current_pod_hash) and before.current_pod_hash != current_pod_hash(turn)


def current_pod_hash(turn: Turn) -> str:
    """The hash of the desired template: that of its ReplicaSet if there is one."""
    return turn.new.pod_hash if turn.new else turn.pod_hash


def canary_status(turn: Turn) -> RolloutStatus:
    """The complete status at the end of a pass over a canary (syncRolloutStatusCanary)."""
    before, steps = turn.before, turn.rollout.spec.steps
    status = replace(
        _base_status(turn),
        available_replicas=total_available(turn.all),
        hpa_replicas=total_actual(turn.all),
        selector=format_selector(turn.rollout.spec.selector),
        stable_rs=before.stable_rs,
        current_step_hash=turn.step_hash,
    )
    end = len(steps) if steps else None
    if template_or_steps_changed(turn):
        return finish(turn, _reset(turn, status))

    step, index = current_step(turn.rollout)
    in_window = is_rollback_within_window(turn.rollout, turn.new, turn.stable, turn.all)
    if before.promote_full or in_window:
        turn.pauses.is_cleared = True
        turn.pauses.is_abort_removed = True
        if steps:
            index = end
            # upstream leaves the step itself in place: one that completes in this very pass counts once more
    why = _why_promote(turn)
    if why:
        return finish(turn, _promote(turn, status, why))
    if turn.is_aborted:
        if steps:
            status = replace(status, current_step_index=end if status.is_fully_promoted else 0)
        return finish(turn, status)
    if step is not None and index is not None and _is_completed(turn, step):
        index += 1
        status = replace(
            status,
            canary=CanaryStatus(
                current_background_analysis_run_status=status.canary.current_background_analysis_run_status
            ),
        )
        turn.event(c.ROLLOUT_STEP_COMPLETED, f"Rollout step {index}/{len(steps)} completed ({step_text(step)})")
        turn.because(StepCompleted(index, len(steps), step_text(step)))
        turn.pauses.removed.append(CANARY_PAUSE_STEP)
    return finish(turn, replace(status, current_step_index=index))


def _base_status(turn: Turn) -> RolloutStatus:
    before = turn.before
    return RolloutStatus(
        current_pod_hash=current_pod_hash(turn),
        replicas=total_actual(turn.all),
        updated_replicas=turn.new.actual if turn.new else 0,
        ready_replicas=total_ready(turn.all),
        collision_count=before.collision_count,
        conditions=without(before.conditions, c.INVALID_SPEC),
        restarted_at=turn.restarted_at,
        promote_full=before.promote_full,
        canary=turn.run_statuses,
    )


def _reset(turn: Turn, status: RolloutStatus) -> RolloutStatus:
    """The status at the beginning of a new update, or at the end of one that goes back to stable."""
    steps = turn.rollout.spec.steps
    turn.pauses.is_cleared = True
    turn.pauses.is_abort_removed = True
    index = 0 if steps else None
    is_rollback = False
    if turn.new is not None and steps:
        if turn.before.stable_rs == turn.new.pod_hash:
            turn.event("SkipSteps", "Rollback to stable ReplicaSets")
            index, is_rollback = len(steps), True
        elif turn.new.desired > 0 and is_rollback_within_window(turn.rollout, turn.new, turn.stable, turn.all):
            turn.event("SkipSteps", "Rollback to active ReplicaSets within RollbackWindow")
            index = len(steps)
    turn.because(StepsRestarted(status.current_pod_hash, index, is_rollback))
    return replace(
        status,
        promote_full=False,
        canary=CanaryStatus(),
        restarted_at=turn.rollout.spec.restart_at,
        current_step_index=index,
    )


def _why_promote(turn: Turn) -> str:
    """Why the desired ReplicaSet becomes the stable one now; empty while an update is under way."""
    if turn.stable is None:
        return "Initial deploy"
    if turn.is_aborted:
        return ""
    desired, new = turn.rollout.spec.desired, turn.new
    if new is None or (new.available < desired and not threshold_met(turn, new, desired)):
        if turn.before.promote_full and new is not None:
            turn.because(StepsSkipped("full promotion requested", new.available, desired))
        return ""
    if turn.before.promote_full:
        return "Full promotion requested"
    if is_rollback_within_window(turn.rollout, new, turn.stable, turn.all):
        return "Rollback within window"
    if is_fast_rollback(turn.rollout, new, turn.stable, turn.all):
        return "Fast rollback"
    steps = turn.rollout.spec.steps
    _, index = current_step(turn.rollout)
    if not steps or index == len(steps):
        return f"Completed all {len(steps)} canary steps"
    return ""


def _promote(turn: Turn, status: RolloutStatus, why: str) -> RolloutStatus:
    """Mark the desired ReplicaSet as stable."""
    steps = turn.rollout.spec.steps
    turn.pauses.is_cleared = True
    turn.pauses.is_abort_removed = True
    status = replace(status, promote_full=False, current_step_index=len(steps) if steps else None)
    if status.stable_rs == status.current_pod_hash:
        return status
    turn.event(
        c.ROLLOUT_COMPLETED,
        f"Rollout completed update to revision {turn.rollout.revision} ({status.current_pod_hash}): {why}",
    )
    turn.because(Promoted(status.current_pod_hash, why))
    return replace(status, stable_rs=status.current_pod_hash)


def _is_completed(turn: Turn, step: CanaryStep) -> bool:
    if turn.rollout.spec.paused:
        return False
    if step.pause is not None:
        return is_pause_over(step.pause, turn.before, turn.now)
    if step.set_weight is not None:
        return is_at_weight(turn)
    if step.analysis is not None:
        return turn.step_run is not None and turn.step_run.phase == "Successful"
    return False


def finish(turn: Turn, status: RolloutStatus) -> RolloutStatus:
    """Observed generation, abort and pauses, conditions, phase (persistRolloutStatus)."""
    status = replace(status, observed_generation=str(turn.rollout.generation))
    _abort_after_deadline(turn, status)
    status = turn.pauses.apply(turn.before, status, turn.now)
    status = replace(status, conditions=_conditions(turn, status))
    phase = calculate_phase(turn.rollout.spec, status)
    status = replace(status, phase=phase.name, message=phase.message)
    _tell_pauses(turn, status)
    _wake_for_deadline(turn, status)
    return status


def _counts_against_deadline(turn: Turn) -> bool:
    """Whether time that passes now is time without progress."""
    paused = turn.before.condition(c.PAUSED)
    step, _ = current_step(turn.rollout)
    return (
        not is_indefinite(step)
        and not (paused is not None and paused.status == "True")
        and not any(found.annotations.get(SCALE_DOWN_DEADLINE) for found in turn.others)
    )


def _time_out_message(turn: Turn) -> str:
    if turn.new is not None:
        return f'ReplicaSet "{turn.new.name}" has timed out progressing.'
    return f'Rollout "{turn.rollout.name}" has timed out progressing.'


def _abort_after_deadline(turn: Turn, status: RolloutStatus) -> None:
    rollout = turn.rollout
    if not rollout.spec.progress_deadline_abort or turn.is_aborted or c.is_completed(status):
        return
    if c.is_progressing(rollout, status) or not _counts_against_deadline(turn):
        return
    if c.has_timed_out(rollout, turn.before, turn.now):
        message = _time_out_message(turn)
        turn.pauses.abort(message)
        turn.event(c.ROLLOUT_ABORTED, message, is_warning=True)
        turn.because(TimedOut(rollout.spec.deadline_seconds))


def _conditions(turn: Turn, status: RolloutStatus) -> tuple[Condition, ...]:
    """The conditions that follow from `status` (calculateRolloutConditions)."""
    now = turn.now
    conditions, became_unhealthy = _with_health(turn, status)
    conditions = _with_progress(turn, status, conditions, became_unhealthy=became_unhealthy)
    is_available = total_available(turn.all) >= turn.rollout.spec.desired
    conditions = set_condition(
        conditions,
        new_condition(c.AVAILABLE, "True", c.AVAILABLE_REASON, c.AVAILABLE_MESSAGE, now)
        if is_available
        else new_condition(c.AVAILABLE, "False", c.AVAILABLE_REASON, c.NOT_AVAILABLE_MESSAGE, now),
    )
    newest_first = [*([turn.new] if turn.new else []), *turn.all]
    failure = c.replica_failure(found.obj.get("status") or {} for found in newest_first)
    conditions = set_condition(conditions, failure) if failure else without(conditions, c.REPLICA_FAILURE)
    return _with_completion(turn, status, conditions)


def _with_health(turn: Turn, status: RolloutStatus) -> tuple[tuple[Condition, ...], bool]:
    """The conditions with Healthy, and whether it turned to False just now."""
    conditions, now = status.conditions, turn.now
    is_paused = bool(status.pause_conditions) or turn.rollout.spec.paused
    if c.is_healthy(turn.rollout, status) and not is_paused:
        healthy = new_condition(c.HEALTHY, "True", c.ROLLOUT_HEALTHY, c.HEALTHY_MESSAGE, now)
        return set_condition(conditions, healthy), False
    if turn.before.condition(c.HEALTHY) is None:
        return conditions, False
    unhealthy = new_condition(c.HEALTHY, "False", c.ROLLOUT_HEALTHY, c.NOT_HEALTHY_MESSAGE, now)
    changed = set_condition(conditions, unhealthy)
    return changed, changed is not conditions


def _with_progress(
    turn: Turn, status: RolloutStatus, conditions: tuple[Condition, ...], *, became_unhealthy: bool
) -> tuple[Condition, ...]:
    """The conditions with Progressing: aborted, successfully progressed, progressing, timed out, or as it was."""
    rollout, now = turn.rollout, turn.now
    if turn.is_aborted:
        message = f"Rollout aborted update to revision {rollout.revision}"
        if turn.pauses.abort_message:
            message = f"{message}: {turn.pauses.abort_message}"
        changed = set_condition(conditions, new_condition(c.PROGRESSING, "False", c.ROLLOUT_ABORTED, message, now))
        if changed is not conditions:
            turn.event(c.ROLLOUT_ABORTED, message, is_warning=True)
            turn.because(Aborted(message))
        return changed
    if c.is_healthy(rollout, status):
        message = f'ReplicaSet "{turn.new.name if turn.new else ""}" has successfully progressed.'
        return set_condition(
            conditions, new_condition(c.PROGRESSING, "True", c.NEW_REPLICA_SET_AVAILABLE, message, now)
        )
    if c.is_progressing(rollout, status) or became_unhealthy:
        return replace_condition(conditions, _progressing(turn, status, became_unhealthy=became_unhealthy))
    if _counts_against_deadline(turn) and c.has_timed_out(rollout, replace(status, conditions=conditions), now):
        turn.because(TimedOut(rollout.spec.deadline_seconds))
        timed_out = new_condition(c.PROGRESSING, "False", c.TIMED_OUT, _time_out_message(turn), now)
        return set_condition(conditions, timed_out)
    return conditions


def _with_completion(turn: Turn, status: RolloutStatus, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions with Completed; an update that has begun is an event."""
    is_completed = c.is_completed(status)
    completed = new_condition(
        c.COMPLETED, "True" if is_completed else "False", c.ROLLOUT_COMPLETED, c.ROLLOUT_COMPLETED, turn.now
    )
    changed = set_condition(conditions, completed)
    if changed is not conditions and not is_completed:
        update = f"started update to revision {turn.rollout.revision} ({status.current_pod_hash})"
        turn.event(c.ROLLOUT_NOT_COMPLETED, f"Rollout not completed, {update}")
    return changed


def _progressing(turn: Turn, status: RolloutStatus, *, became_unhealthy: bool) -> Condition:
    """The Progressing condition while something moves: refreshed each time, so that the deadline starts again."""
    name = turn.new.name if turn.new else ""
    message = f'ReplicaSet "{name}" is progressing.' if turn.new else f'Rollout "{turn.rollout.name}" is progressing.'
    reason = c.REPLICA_SET_UPDATED
    if became_unhealthy and status.is_fully_promoted:
        reason, message = c.REPLICA_SET_NOT_AVAILABLE, c.NOT_AVAILABLE_MESSAGE
    fresh = new_condition(c.PROGRESSING, "True", reason, message, turn.now)
    current = turn.before.condition(c.PROGRESSING)
    if current is not None and current.status == "True":
        return replace(fresh, last_transition_time=current.last_transition_time)
    return fresh


def _tell_pauses(turn: Turn, status: RolloutStatus) -> None:
    was_paused, is_paused = bool(turn.before.pause_conditions), bool(status.pause_conditions)
    if was_paused == is_paused:
        return
    if is_paused:
        turn.event(c.ROLLOUT_PAUSED, f"{c.PAUSED_MESSAGE} ({status.pause_conditions[0].reason})")
    elif status.aborted_at is None:
        turn.event(c.ROLLOUT_RESUMED, c.RESUMED_MESSAGE)


def _wake_for_deadline(turn: Turn, status: RolloutStatus) -> None:
    """Look again when the progress deadline is over (requeueStuckRollout), one second late to be on the safe side."""
    progressing = status.condition(c.PROGRESSING)
    if progressing is None or progressing.reason in (c.TIMED_OUT, c.ROLLOUT_ABORTED) or status.abort:
        return
    step, _ = current_step(turn.rollout)
    is_paused = bool(status.pause_conditions) or turn.rollout.spec.paused
    if c.is_healthy(turn.rollout, status) or is_paused or is_indefinite(step):
        return
    deadline = later(c.progress_deadline(turn.rollout, progressing), 1)
    if deadline > turn.now:
        turn.wake_in(deadline - turn.now)


def format_selector(selector: dict[str, Any] | None) -> str:
    """A LabelSelector as text (metav1.FormatLabelSelector)."""
    if selector is None:
        return "<none>"
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for wanted in selector.get("matchExpressions") or ():
        key, values = wanted["key"], ",".join(sorted(wanted.get("values") or ()))
        match wanted["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
    return ",".join(sorted(parts)) or "<none>"
