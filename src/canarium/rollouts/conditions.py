"""The conditions of a Rollout's status: when each is set, with what reason and message.

Owns: condition types, reasons, messages; setting one as upstream does; health, progress, completion, time-out.
Must not know: how ReplicaSets are scaled, what the next step is.
Behaviour follows `utils/conditions/conditions.go` and `calculateRolloutConditions` of `rollout/sync.go`, 1.10.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

from canarium.kube.objects import format_time, later, parse_time
from canarium.rollouts.types import Condition, Rollout, RolloutStatus

INVALID_SPEC: Final = "InvalidSpec"
AVAILABLE: Final = "Available"
PROGRESSING: Final = "Progressing"
REPLICA_FAILURE: Final = "ReplicaFailure"
PAUSED: Final = "Paused"
COMPLETED: Final = "Completed"
HEALTHY: Final = "Healthy"

AVAILABLE_REASON: Final = "AvailableReason"
REPLICA_SET_UPDATED: Final = "ReplicaSetUpdated"
REPLICA_SET_NOT_AVAILABLE: Final = "ReplicaSetNotAvailable"
NEW_REPLICA_SET: Final = "NewReplicaSetCreated"
FOUND_NEW_REPLICA_SET: Final = "FoundNewReplicaSet"
NEW_REPLICA_SET_AVAILABLE: Final = "NewReplicaSetAvailable"
ROLLOUT_UPDATED: Final = "RolloutUpdated"
ROLLOUT_COMPLETED: Final = "RolloutCompleted"
ROLLOUT_NOT_COMPLETED: Final = "RolloutNotCompleted"
ROLLOUT_HEALTHY: Final = "RolloutHealthy"
ROLLOUT_ABORTED: Final = "RolloutAborted"
ROLLOUT_RETRY: Final = "RolloutRetry"
ROLLOUT_PAUSED: Final = "RolloutPaused"
ROLLOUT_RESUMED: Final = "RolloutResumed"
ROLLOUT_STEP_COMPLETED: Final = "RolloutStepCompleted"
SCALING_REPLICA_SET: Final = "ScalingReplicaSet"
TIMED_OUT: Final = "ProgressDeadlineExceeded"

AVAILABLE_MESSAGE: Final = "Rollout has minimum availability"
NOT_AVAILABLE_MESSAGE: Final = "Rollout does not have minimum availability"
HEALTHY_MESSAGE: Final = "Rollout is healthy"
NOT_HEALTHY_MESSAGE: Final = "Rollout is not healthy"
PAUSED_MESSAGE: Final = "Rollout is paused"
RESUMED_MESSAGE: Final = "Rollout is resumed"
RETRY_MESSAGE: Final = "Retrying Rollout after abort"


_stamp = lru_cache(maxsize=8)(format_time)
"""One pass stamps several conditions with the same instant."""


def new_condition(kind: str, status: str, reason: str, message: str, now: datetime) -> Condition:
    """A condition that begins now. status: `True`, `False` or `Unknown`."""
    at = _stamp(now)
    return Condition(kind, status, reason, message, at, at)


def set_condition(conditions: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
    """With `new` at the end, unless one with the same status and reason is there: then nothing changes, not even the
    message. lastTransitionTime survives while the status stays the same."""
    for current in conditions:
        if current.type == new.type:
            if current.status == new.status:
                if current.reason == new.reason:
                    return conditions
                new = _since(new, current.last_transition_time)
            break
    return (*without(conditions, new.type), new)


def replace_condition(conditions: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
    """With `new` at the end, whatever was there."""
    return (*without(conditions, new.type), new)


def without(conditions: tuple[Condition, ...], kind: str) -> tuple[Condition, ...]:
    """All but those of that type."""
    return tuple(kept for kept in conditions if kept.type != kind)


def _since(new: Condition, transition: str) -> Condition:
    return Condition(new.type, new.status, new.reason, new.message, new.last_update_time, transition)


def is_completed(status: RolloutStatus) -> bool:
    """The desired ReplicaSet is the stable one."""
    return bool(status.stable_rs) and status.stable_rs == status.current_pod_hash


def is_healthy(rollout: Rollout, status: RolloutStatus) -> bool:
    """All desired pods are updated and available, no other is left, every step is done, the spec was seen before."""
    steps, index = rollout.spec.steps, status.current_step_index
    desired = rollout.spec.desired
    return (
        (not steps or index is None or index == len(steps))
        and is_completed(status)
        and status.replicas == desired
        and status.updated_replicas == desired
        and status.available_replicas == desired
        and rollout.status.observed_generation == str(rollout.generation)
    )


def is_progressing(rollout: Rollout, status: RolloutStatus) -> bool:
    """Something moved between the status that was observed and the new one."""
    before = rollout.status
    if before.current_step_index is not None and status.current_step_index is not None:
        moved = before.current_step_index != status.current_step_index
    else:
        moved = False
    return (
        moved
        or status.stable_rs != before.stable_rs
        or status.current_step_hash != before.current_step_hash
        or status.updated_replicas != before.updated_replicas
        or status.replicas - status.updated_replicas < before.replicas - before.updated_replicas
        or status.ready_replicas > before.ready_replicas
        or status.available_replicas > before.available_replicas
    )


def has_timed_out(rollout: Rollout, status: RolloutStatus, now: datetime) -> bool:
    """The Progressing condition of `status` is older than progressDeadlineSeconds, or says so already."""
    found = status.condition(PROGRESSING)
    if found is None or found.reason in (ROLLOUT_ABORTED, ROLLOUT_PAUSED):
        return False
    if found.reason == TIMED_OUT:
        return True
    return progress_deadline(rollout, found) < now


def progress_deadline(rollout: Rollout, progressing: Condition) -> datetime:
    """When a rollout that does not move any more counts as timed out."""
    return later(parse_time(progressing.last_update_time), rollout.spec.deadline_seconds)


def replica_failure(replica_sets: Iterable[dict[str, object]]) -> Condition | None:
    """The first ReplicaFailure among the conditions of ReplicaSet statuses, as a condition of the Rollout."""
    for status in replica_sets:
        found = status.get("conditions")
        for condition in found if isinstance(found, list) else ():
            if condition.get("type") == REPLICA_FAILURE:
                at = condition.get("lastTransitionTime", "")
                return Condition(
                    REPLICA_FAILURE,
                    condition.get("status", ""),
                    condition.get("reason", ""),
                    condition.get("message", ""),
                    at,
                    at,
                )
    return None
