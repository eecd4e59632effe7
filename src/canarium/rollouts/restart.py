"""Replacing pods that are older than spec.restartAt, a few at a time.

Owns: which pods may go now. Must not know: how they come back (their ReplicaSets see to that).
Behaviour follows `rollout/restart.go` of Argo Rollouts 1.10, except where `_serving` says; a pod is deleted, not
evicted, so disruption budgets do not hold it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from canarium.kube.decision import Delete
from canarium.kube.objects import Obj, condition, is_controlled_by, later, parse_time
from canarium.kube.resources import PODS
from canarium.rollouts.phase import is_restarted
from canarium.rollouts.reasons import Restarting
from canarium.rollouts.replicasets import total_desired
from canarium.rollouts.turn import Turn

CHECK_AGAIN: Final = timedelta(seconds=30)


def wants_pods(spec_restart_at: str | None, status_restarted_at: str | None) -> bool:
    """Whether a restart is asked for that is not done yet, so that pods have to be read."""
    return spec_restart_at is not None and spec_restart_at != status_restarted_at


def reconcile_restart(turn: Turn) -> bool:
    """Delete pods older than spec.restartAt as far as availability allows; whether any were."""
    spec = turn.rollout.spec
    if spec.restart_at is None or is_restarted(spec, turn.before):
        return False
    restart_at = parse_time(spec.restart_at)
    if turn.now <= restart_at:
        turn.wake_after(restart_at)
        return False
    pods = sorted(turn.observed.pods, key=lambda pod: str(pod["metadata"]["name"]))
    available = _serving(turn, pods)
    at_once = max(turn.fenceposts.unavailable, 1)
    may_go = available - (max(spec.desired, total_desired(turn.all)) - at_once)
    old = [pod for pod in pods if parse_time(pod["metadata"]["creationTimestamp"]) < restart_at]
    deleted: list[str] = []
    for pod in old:
        metadata = pod["metadata"]
        if len(deleted) >= may_go:
            break
        if metadata.get("deletionTimestamp"):
            continue
        turn.delete(Delete(resource=PODS, namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"]))
        deleted.append(metadata["name"])
    remaining = len(old) - len(deleted)
    if remaining:
        turn.wake_in(CHECK_AGAIN)
    else:
        turn.restarted_at = spec.restart_at
    if old:
        turn.because(Restarting(tuple(deleted), remaining))
    return bool(deleted)


def _serving(turn: Turn, pods: Sequence[Obj]) -> int:
    """Available pods, without those that a ReplicaSet has been told to drop but still has: they are as good as gone.

    Upstream counts them, and so can lose one to the scaling and another to the restart at the same time.
    """
    wait, serving = turn.rollout.spec.min_ready_seconds, 0
    for found in turn.all:
        own = (pod for pod in pods if is_controlled_by(pod, found.obj))
        serving += min(found.desired, sum(1 for pod in own if _is_available(pod, wait, turn.now)))
    return serving


def _is_available(pod: Obj, min_ready_seconds: int, now: datetime) -> bool:
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True" or pod["metadata"].get("deletionTimestamp"):
        return False
    since = ready.get("lastTransitionTime")
    return min_ready_seconds == 0 or (since is not None and later(parse_time(since), min_ready_seconds) < now)
