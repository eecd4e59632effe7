"""The phase of a Rollout and the sentence that goes with it.

Owns: status.phase and status.message, and what clients should show while the controller has not caught up.
Must not know: how the conditions came about.
Behaviour follows `utils/rollout/rolloututil.go` (CalculateRolloutPhase, GetRolloutPhase), Argo Rollouts 1.10.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from canarium.kube.objects import Obj, parse_time
from canarium.rollouts.conditions import INVALID_SPEC, ROLLOUT_ABORTED, TIMED_OUT
from canarium.rollouts.types import RolloutSpec, RolloutStatus, view_rollout

PROGRESSING: Final = "Progressing"
PAUSED: Final = "Paused"
DEGRADED: Final = "Degraded"
HEALTHY: Final = "Healthy"


class Phase(NamedTuple):
    """status.phase and status.message."""

    name: str
    message: str


def calculate_phase(spec: RolloutSpec, status: RolloutStatus) -> Phase:
    """What the controller writes; conditions and counts of `status` are the new ones already."""
    for condition in status.conditions:
        if condition.type == INVALID_SPEC:
            return Phase(DEGRADED, f"{INVALID_SPEC}: {condition.message}")
        if condition.reason in (ROLLOUT_ABORTED, TIMED_OUT):
            return Phase(DEGRADED, f"{condition.reason}: {condition.message}")
    if spec.paused:
        return Phase(PAUSED, "manually paused")
    if status.pause_conditions:
        return Phase(PAUSED, status.pause_conditions[0].reason)
    if not is_restarted(spec, status):
        return Phase(PROGRESSING, "rollout is restarting")
    if status.updated_replicas < spec.desired:
        return Phase(PROGRESSING, "more replicas need to be updated")
    if status.available_replicas < status.updated_replicas:
        return Phase(PROGRESSING, "updated replicas are still becoming available")
    if spec.strategy.canary is not None:
        if spec.canary.traffic_routing is None and status.replicas > status.updated_replicas:
            return Phase(PROGRESSING, "old replicas are pending termination")
        if not status.stable_rs or not status.is_fully_promoted:
            return Phase(PROGRESSING, "waiting for all steps to complete")
    return Phase(HEALTHY, "")


def is_restarted(spec: RolloutSpec, status: RolloutStatus) -> bool:
    """No restart is asked for, or the one asked for is done."""
    if spec.restart_at is None:
        return True
    return status.restarted_at is not None and parse_time(status.restarted_at) == parse_time(spec.restart_at)


def displayed_phase(rollout: Obj) -> Phase:
    """What a client shows (`kubectl argo rollouts status`, Argo CD): the written phase, unless it is out of date."""
    status = rollout.get("status") or {}
    observed = status.get("observedGeneration", "")
    generation = rollout["metadata"].get("generation", 0)
    if isinstance(observed, str) and observed.lstrip("-").isdigit() and int(observed) < generation:
        return Phase(PROGRESSING, "waiting for rollout spec update to be observed")
    if status.get("controllerPause") and not status.get("pauseConditions"):
        return Phase(PROGRESSING, "waiting for rollout to unpause")
    if status.get("phase"):
        return Phase(status["phase"], status.get("message", ""))
    try:
        view = view_rollout(rollout)
    except msgspec.ValidationError as error:  # before the controller has said so
        return Phase("Degraded", f"InvalidSpec: {error}")
    return calculate_phase(view.spec, view.status)
