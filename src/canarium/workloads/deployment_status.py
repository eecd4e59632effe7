"""What a Deployment says about itself: counts and the conditions Available, Progressing and ReplicaFailure.

Owns: the complete status, and when to look again because of progressDeadlineSeconds. Pure.
Must not know: how sets are scaled.
Source: Kubernetes 1.34 pkg/controller/deployment/{progress,sync}.go and util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from canarium.kube.objects import Obj, condition, format_time, later, parse_time

NO_DEADLINE = 2**31 - 1
NEW_AVAILABLE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"


class Progress(Enum):
    """Whether this look judges progress (a roll-out) or only counts (paused, scaling, being deleted)."""

    ROLLING = "rolling"
    COUNT_ONLY = "count only"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A Deployment and its ReplicaSets; new is one of them or None. max_unavailable in pods."""

    deployment: Obj
    sets: Sequence[Obj]
    new: Obj | None
    max_unavailable: int


def rollout_status(found: Found, progress: Progress, now: datetime) -> tuple[dict[str, Any], timedelta | None]:
    """The complete status, and when to look again if nothing happens."""
    deployment = found.deployment
    status = _counted(found, now)
    deadline = _deadline(deployment)
    if progress is Progress.COUNT_ONLY:
        said = paused_condition(deployment)
        if said and deadline is not None:
            status = with_condition(status, "Progressing", "Unknown", *said, now)
        return _trimmed(status), None
    current = condition(status, "Progressing")
    if deadline is None:
        return _trimmed(_without(status, "Progressing")), None
    is_settled = (
        status["replicas"] == status["updatedReplicas"] and current is not None and current["reason"] == NEW_AVAILABLE
    )
    if not is_settled:
        name = f'ReplicaSet "{found.new["metadata"]["name"]}"' if found.new else f'Deployment "{_name(deployment)}"'
        if is_complete(deployment, status):
            words = f"{name} has successfully progressed."
            status = with_condition(status, "Progressing", "True", NEW_AVAILABLE, words, now)
        elif _has_progressed(deployment, status):
            words = f"{name} is progressing."
            status = with_condition(status, "Progressing", "True", "ReplicaSetUpdated", words, now, is_news=True)
        elif _is_late(current, deadline, now):
            words = f"{name} has timed out progressing."
            status = with_condition(status, "Progressing", "False", TIMED_OUT, words, now)
    failure = _replica_failure(found)
    if failure is not None:
        words, reason = failure.get("message", ""), failure.get("reason", "")
        status = with_condition(status, "ReplicaFailure", failure["status"], reason, words, now)
    else:
        status = _without(status, "ReplicaFailure")
    return _trimmed(status), _until_late(deployment, status, deadline, now)


def is_complete(deployment: Obj, status: Mapping[str, Any]) -> bool:
    """All replicas are updated and available, and no old ones are left."""
    want = int(deployment["spec"].get("replicas", 1))
    counts = [status.get(field, 0) for field in ("updatedReplicas", "replicas", "availableReplicas")]
    return counts == [want] * 3 and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)


def paused_condition(deployment: Obj) -> tuple[str, str] | None:
    """Reason and message that pausing or resuming put on Progressing, when they are not there yet."""
    current = condition(deployment, "Progressing")
    if current is not None and current["reason"] == TIMED_OUT:
        return None
    is_said = current is not None and current["reason"] == "DeploymentPaused"
    if deployment["spec"].get("paused") and not is_said:
        return "DeploymentPaused", "Deployment is paused"
    if not deployment["spec"].get("paused") and is_said:
        return "DeploymentResumed", "Deployment is resumed"
    return None


def with_condition(
    status: Mapping[str, Any],
    kind: str,
    value: str,
    reason: str,
    message: str,
    now: datetime,
    *,
    is_news: bool = False,
) -> dict[str, Any]:
    """`status` with a condition set. One with the same status and reason stays as it is, unless `is_news`: then its
    message and lastUpdateTime move on, which is what holds off the progress deadline."""
    current = condition(status, kind)
    if current and current["status"] == value and current["reason"] == reason and not is_news:
        return dict(status)
    at = format_time(now)
    made = {
        "type": kind,
        "status": value,
        "reason": reason,
        "message": message,
        "lastUpdateTime": at,
        "lastTransitionTime": current["lastTransitionTime"] if current and current["status"] == value else at,
    }
    return {**_without(status, kind), "conditions": [*_conditions_but(status, kind), made]}


def _counted(found: Found, now: datetime) -> dict[str, Any]:
    deployment = found.deployment
    former = deployment.get("status") or {}
    want = int(deployment["spec"].get("replicas", 1))
    available = sum(_of(each, "availableReplicas") for each in found.sets)
    status: dict[str, Any] = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": sum(_of(each, "replicas") for each in found.sets),
        "updatedReplicas": _of(found.new, "replicas") if found.new else 0,
        "readyReplicas": sum(_of(each, "readyReplicas") for each in found.sets),
        "availableReplicas": available,
        "unavailableReplicas": max(sum(int(each["spec"].get("replicas", 1)) for each in found.sets) - available, 0),
    }
    if former.get("collisionCount") is not None:
        status["collisionCount"] = former["collisionCount"]
    status["conditions"] = list(former.get("conditions") or ())
    if available >= want - found.max_unavailable:
        said = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        said = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return with_condition(status, "Available", *said, now)


def _trimmed(status: Mapping[str, Any]) -> dict[str, Any]:
    """Go leaves counts of 0 out (`omitempty`)."""
    return {key: value for key, value in status.items() if value != 0 or key == "collisionCount"}


def _has_progressed(deployment: Obj, status: Mapping[str, Any]) -> bool:
    former = deployment.get("status") or {}

    def was(field: str) -> int:
        return int(former.get(field, 0))

    old_now = status["replicas"] - status["updatedReplicas"]
    return bool(
        status["updatedReplicas"] > was("updatedReplicas")
        or old_now < was("replicas") - was("updatedReplicas")
        or status["readyReplicas"] > was("readyReplicas")
        or status["availableReplicas"] > was("availableReplicas")
    )


def _is_late(current: Mapping[str, Any] | None, deadline: timedelta, now: datetime) -> bool:
    if current is None or current["reason"] == NEW_AVAILABLE:
        return False
    if current["reason"] == TIMED_OUT:
        return True
    return later(parse_time(current["lastUpdateTime"]), deadline.total_seconds()) < now


def _until_late(deployment: Obj, status: Mapping[str, Any], deadline: timedelta, now: datetime) -> timedelta | None:
    current = condition(status, "Progressing")
    if current is None or current["reason"] == TIMED_OUT or is_complete(deployment, status):
        return None
    left = later(parse_time(current["lastUpdateTime"]), deadline.total_seconds()) - now
    return max(left, timedelta(0)) + timedelta(seconds=1)


def _replica_failure(found: Found) -> dict[str, Any] | None:
    for each in ([found.new] if found.new else []) + [each for each in found.sets if each is not found.new]:
        failure = condition(each.get("status") or {}, "ReplicaFailure")
        if failure is not None:
            return failure
    return None


def _deadline(deployment: Obj) -> timedelta | None:
    seconds = deployment["spec"].get("progressDeadlineSeconds", 600)
    return None if seconds is None or seconds == NO_DEADLINE else timedelta(seconds=int(seconds))


def _conditions_but(status: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [kept for kept in status.get("conditions") or () if kept["type"] != kind]


def _without(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {**status, "conditions": _conditions_but(status, kind)}


def _of(replica_set: Obj, field: str) -> int:
    return int((replica_set.get("status") or {}).get(field, 0))


def _name(deployment: Obj) -> str:
    return str(deployment["metadata"]["name"])
