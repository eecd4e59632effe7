"""A ReplicaSet as the tree shows it: its health, its part in the rollout, its pods.

Owns: health and tags of ReplicaSets. Must not know: colours.
Behaviour follows `pkg/kubectl-argo-rollouts/info/replicaset_info.go`, Argo Rollouts 1.10.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from canarium.kube.objects import Obj, annotations_of, condition, labels_of, parse_time
from canarium.rollouts.info import icons
from canarium.rollouts.info.pods import PodInfo, pod_info
from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL, REVISION, SCALE_DOWN_DEADLINE, int_or_zero
from canarium.text.durations import human_duration

EXPERIMENT_TEMPLATE: Final = "experiment.argoproj.io/template-name"
_TAG_ORDER: Final = ("stable", "canary", "active", "preview", "ping", "pong")


class ReplicaSetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One ReplicaSet. tags: in the order they are printed. template: of an Experiment. pods: oldest first."""

    name: str
    created: str
    revision: int
    status: str
    icon: str
    tags: tuple[str, ...]
    template: str
    replicas: int
    available: int
    images: tuple[str, ...]
    scale_down_deadline: str
    pods: tuple[PodInfo, ...]

    def scale_down_delay(self, now: datetime) -> str:
        """How long until it is scaled down, `passed` when that is over; empty for a deadline that is no time."""
        try:
            deadline = parse_time(self.scale_down_deadline)
        except ValueError:
            return ""
        return "passed" if deadline < now else human_duration(deadline - now)


def is_owned_by(obj: Obj, uid: str) -> bool:
    """Whether some owner reference has that uid."""
    return any(owner.get("uid") == uid for owner in obj["metadata"].get("ownerReferences") or ())


def revision_of(obj: Obj) -> int:
    """The revision annotation; 0 when absent or not a number."""
    return int_or_zero(annotations_of(obj).get(REVISION))


def replica_set_infos(
    owner_uid: str, rollout: Obj | None, replica_sets: Iterable[Obj], pods: Iterable[Obj]
) -> tuple[ReplicaSetInfo, ...]:
    """The ReplicaSets of one owner, latest revision first. rollout: None for those of an Experiment."""
    owned = [one for one in replica_sets if is_owned_by(one, owner_uid)]
    all_pods = list(pods)
    infos = [_replica_set_info(one, rollout, all_pods) for one in owned]
    return tuple(sorted(infos, key=lambda info: (-info.revision, info.name)))


def _replica_set_info(replica_set: Obj, rollout: Obj | None, pods: list[Obj]) -> ReplicaSetInfo:
    metadata, status = replica_set["metadata"], replica_set.get("status") or {}
    pod_spec = ((replica_set.get("spec") or {}).get("template") or {}).get("spec") or {}
    health = _health(replica_set)
    tags = _tags(labels_of(replica_set).get(POD_TEMPLATE_HASH_LABEL, ""), rollout) if rollout is not None else set()
    mine = [pod_info(pod) for pod in pods if is_owned_by(pod, metadata.get("uid", ""))]
    return ReplicaSetInfo(
        name=metadata["name"],
        created=metadata.get("creationTimestamp") or "",
        revision=revision_of(replica_set),
        status=health,
        icon=icons.replica_set_icon(health),
        tags=tuple(tag for tag in _TAG_ORDER if tag in tags),
        template=annotations_of(replica_set).get(EXPERIMENT_TEMPLATE, ""),
        replicas=status.get("replicas", 0),
        available=status.get("availableReplicas", 0),
        images=tuple(container.get("image", "") for container in pod_spec.get("containers") or ()),
        scale_down_deadline=annotations_of(replica_set).get(SCALE_DOWN_DEADLINE, ""),
        pods=tuple(sorted(mine, key=lambda info: (info.created, info.name))),
    )


def _health(replica_set: Obj) -> str:
    status, desired = replica_set.get("status") or {}, (replica_set.get("spec") or {}).get("replicas")
    if replica_set["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return "Progressing"
    failure = condition(status, "ReplicaFailure")
    if failure is not None and failure.get("status") == "True":
        return "ReplicaFailure"
    if desired is not None and status.get("availableReplicas", 0) < desired:
        return "Progressing"
    return "ScaledDown" if desired == 0 else "Healthy"


def _tags(pod_hash: str, rollout: Obj) -> set[str]:
    strategy, status = (rollout.get("spec") or {}).get("strategy") or {}, rollout.get("status") or {}
    is_stable = status.get("stableRS", "") == pod_hash
    tags: set[str] = set()
    canary = strategy.get("canary")
    if canary is not None:
        is_current = status.get("currentPodHash", "") == pod_hash
        if is_stable or is_current:
            tags.add("stable" if is_stable else "canary")
            if canary.get("pingPong") is not None:
                is_stable_ping = (status.get("canary") or {}).get("stablePingPong") == "ping"
                tags.add("ping" if is_stable_ping == is_stable else "pong")
    if strategy.get("blueGreen") is not None:
        blue_green = status.get("blueGreen") or {}
        if is_stable:
            tags.add("stable")
        if blue_green.get("activeSelector", "") == pod_hash:
            tags.add("active")
        elif blue_green.get("previewSelector", "") == pod_hash:
            tags.add("preview")
    return tags
