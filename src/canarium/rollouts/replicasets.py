"""Which of a Rollout's ReplicaSets is the new one, which is stable, which are neither.

Owns: the view of a ReplicaSet, finding new, stable and others, sums over ReplicaSets, making the new one.
Must not know: steps, weights, when anything is scaled.
Behaviour follows `utils/replicaset/replicaset.go` and `createDesiredReplicaSet` of `rollout/sync.go`, 1.10. Upstream's
second look, by the hash that Kubernetes' own controllers compute, needs Go's memory layout and is left out: the
template comparison after it finds the same ReplicaSet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from canarium.kube.defaults import with_core_defaults
from canarium.kube.objects import Obj, owner_reference
from canarium.kube.resources import REPLICA_SETS
from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL, REVISION, Rollout, int_or_zero


class ReplicaSet(msgspec.Struct, frozen=True):
    """One ReplicaSet as rules see it. desired: spec.replicas; actual, ready, available: from its status."""

    obj: Obj
    name: str
    uid: str
    pod_hash: str
    created: str
    annotations: dict[str, str]
    desired: int
    actual: int
    ready: int
    available: int
    min_ready_seconds: int
    is_being_deleted: bool
    is_observed: bool

    @property
    def revision(self) -> int:
        """The revision annotation; 0 when absent or not a number."""
        return int_or_zero(self.annotations.get(REVISION))

    @property
    def age_order(self) -> tuple[str, str]:
        """Sorts oldest first, equal ages by name (ReplicaSetsByCreationTimestamp)."""
        return self.created, self.name


def view_replica_set(obj: Obj) -> ReplicaSet:
    """Read a ReplicaSet."""
    metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    replicas = spec.get("replicas")
    return ReplicaSet(
        obj=obj,
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        pod_hash=(metadata.get("labels") or {}).get(POD_TEMPLATE_HASH_LABEL, ""),
        created=metadata.get("creationTimestamp") or "",
        annotations=metadata.get("annotations") or {},
        desired=1 if replicas is None else replicas,
        actual=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        min_ready_seconds=spec.get("minReadySeconds", 0),
        is_being_deleted=bool(metadata.get("deletionTimestamp")),
        is_observed=metadata.get("generation", 0) <= status.get("observedGeneration", 0),
    )


def find_new(rollout: Rollout, pod_hash: str, replica_sets: Iterable[ReplicaSet]) -> ReplicaSet | None:
    """The ReplicaSet of the desired template: by hash label, else by comparing templates; the oldest of several."""
    oldest_first = sorted(replica_sets, key=lambda found: found.age_order)
    for found in oldest_first:
        if found.pod_hash == pod_hash:
            return found
    if not oldest_first:
        return None
    desired = comparable_template(rollout.spec.template)
    for found in oldest_first:
        if comparable_template((found.obj.get("spec") or {}).get("template") or {}) == desired:
            return found
    return None


def find_stable(rollout: Rollout, new: ReplicaSet | None, replica_sets: Iterable[ReplicaSet]) -> ReplicaSet | None:
    """The ReplicaSet that status.stableRS names; the new one if both have that hash."""
    stable_hash = rollout.status.stable_rs
    if not stable_hash:
        return None
    if new is not None and new.pod_hash == stable_hash:
        return new
    for found in replica_sets:
        if found.pod_hash == stable_hash:
            return found
    return None


def comparable_template(template: Obj) -> Obj:
    """A pod template as two of them are compared: defaulted, without the hash label and deprecated fields."""
    filled: Obj = with_core_defaults(REPLICA_SETS, {"spec": {"template": template}})["spec"]["template"]
    metadata = {key: part for key, part in (filled.get("metadata") or {}).items() if part}
    metadata.pop("creationTimestamp", None)
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != POD_TEMPLATE_HASH_LABEL}
    spec = {key: part for key, part in (filled.get("spec") or {}).items() if key != "serviceAccount"}
    return {"metadata": {**metadata, "labels": labels}, "spec": spec}


def make_replica_set(rollout: Rollout, pod_hash: str, annotations: dict[str, str]) -> Obj:
    """The ReplicaSet for the desired template, without pods yet. Its name follows from Rollout and template."""
    template = rollout.spec.template
    metadata = template.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), POD_TEMPLATE_HASH_LABEL: pod_hash}
    selector = rollout.spec.selector or {}
    spec: dict[str, Any] = {
        "replicas": 0,
        "selector": {
            **selector,
            "matchLabels": {**(selector.get("matchLabels") or {}), POD_TEMPLATE_HASH_LABEL: pod_hash},
        },
        "template": {**template, "metadata": {**metadata, "labels": labels}},
    }
    if rollout.spec.min_ready_seconds:
        spec["minReadySeconds"] = rollout.spec.min_ready_seconds
    return {
        "apiVersion": REPLICA_SETS.api_version,
        "kind": REPLICA_SETS.kind,
        "metadata": {
            "name": f"{rollout.name}-{pod_hash}",
            "namespace": rollout.namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner_reference(rollout.obj)],
        },
        "spec": spec,
    }


def total_desired(replica_sets: Sequence[ReplicaSet]) -> int:
    """The sum of spec.replicas."""
    return sum(found.desired for found in replica_sets)


def total_actual(replica_sets: Sequence[ReplicaSet]) -> int:
    """The sum of status.replicas."""
    return sum(found.actual for found in replica_sets)


def total_ready(replica_sets: Sequence[ReplicaSet]) -> int:
    """The sum of status.readyReplicas."""
    return sum(found.ready for found in replica_sets)


def total_available(replica_sets: Sequence[ReplicaSet]) -> int:
    """The sum of status.availableReplicas."""
    return sum(found.available for found in replica_sets)
