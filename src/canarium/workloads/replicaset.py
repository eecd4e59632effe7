"""ReplicaSet: as many pods as it says.

Owns: scaling, which pod goes first, adoption, status. Must not know: Deployments, Rollouts, how pods run.
Source: Kubernetes 1.34 pkg/controller/replicaset/{replica_set,replica_set_utils}.go and ActivePodsWithRanks.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cmp_to_key
from math import log2
from typing import Any

import msgspec

from canarium.kube.cluster import Cluster
from canarium.kube.controller.news import News
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Action, Create, Decision, Delete, EventNote, Reason
from canarium.kube.objects import (
    Obj,
    ObjectKey,
    annotations_of,
    condition,
    controller_of,
    is_controlled_by,
    key_of,
    labels_of,
    matches_labels,
    owner_reference,
    parse_time,
)
from canarium.kube.resources import PODS, REPLICA_SETS
from canarium.workloads.names import PodNames, name_prefix
from canarium.workloads.pods import available_in, claim, is_active, is_ready, rest_for

BURST_REPLICAS = 500
"""At most this many pods are created or deleted in one pass."""
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


class Scaling(Reason, frozen=True):
    """More or fewer pods are wanted than there are."""

    have: int
    want: int

    def __str__(self) -> str:
        return f"{self.have} pods, {self.want} wanted"


class PodsUnavailable(Reason, frozen=True):
    """As many pods as wanted, but not all available yet."""

    available: int
    want: int

    def __str__(self) -> str:
        return f"{self.available} of {self.want} pods are available"


class AsWanted(Reason, frozen=True):
    """Nothing to do."""

    replicas: int

    def __str__(self) -> str:
        return f"all {self.replicas} pods are available"


class BeingDeleted(Reason, frozen=True):
    """The set is going; its pods are the garbage collector's."""

    def __str__(self) -> str:
        return "the ReplicaSet is being deleted"


class ObservedReplicaSet(msgspec.Struct, frozen=True, kw_only=True):
    """pods: all of the namespace that match or are owned. related: active pods of sibling sets (and its own), which
    matter for spreading. new_names: names for pods to come, as many as could be wanted in one pass."""

    replica_set: Obj
    pods: tuple[Obj, ...]
    related: tuple[Obj, ...] = ()
    new_names: tuple[str, ...] = ()


class ReplicaSetController:
    """A `Reconciler` of ReplicaSets."""

    name = "replicaset-controller"
    primary = REPLICA_SETS
    watches: Sequence[Watch]

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        self._cluster = cluster
        self._sets = listers(REPLICA_SETS)
        self._pods = listers(PODS)
        self._names: dict[str, PodNames] = {}
        self._next: dict[str, int] = {}
        self._news = News(self._pods, _counted)
        self.watches = (Watch(PODS, self._sets_of),)

    def _sets_of(self, pod: Obj) -> list[ObjectKey]:
        """The set that controls the pod; for an orphan, every set that would adopt it. None, if nothing that is counted
        changed."""
        if not self._news.is_in(pod):
            return []
        owner = controller_of(pod)
        namespace = pod["metadata"].get("namespace", "")
        if owner is not None:
            return [ObjectKey(namespace, owner["name"])] if owner["kind"] == "ReplicaSet" else []
        return [
            key_of(found)
            for found in self._sets.list(namespace)
            if matches_labels(found["spec"].get("selector"), labels_of(pod))
        ]

    async def observe(self, key: ObjectKey) -> ObservedReplicaSet | None:
        """See `Reconciler`."""
        replica_set = self._sets.get(*key)
        if replica_set is None:
            return None
        pods = _concerning(replica_set, self._pods.list(key.namespace))
        want = replica_set["spec"].get("replicas", 1)
        if _active_count(replica_set, pods) != want:
            # Pods are about to be created or deleted: look at what is, since the cache may lag behind our own writes.
            fresh = await self._cluster.list(PODS, key.namespace)
            pods = _concerning(replica_set, fresh.items)
        return ObservedReplicaSet(
            replica_set=replica_set,
            pods=pods,
            related=self._related(replica_set) if _active_count(replica_set, pods) > want else (),
            new_names=self._new_names(replica_set, pods, want),
        )

    def _new_names(self, replica_set: Obj, pods: Sequence[Obj], want: int) -> tuple[str, ...]:
        missing = want - sum(is_active(pod) for pod in pods)
        if missing <= 0:
            return ()
        metadata = replica_set["metadata"]
        uid = metadata["uid"]
        names = self._names.setdefault(uid, PodNames(uid))
        first = names.next_number((pod["metadata"]["name"] for pod in pods), self._next.get(uid, 0))
        self._next[uid] = first  # seen, so never used again even once the pod is gone
        prefix = name_prefix(metadata["name"])
        return tuple(prefix + names.suffix(first + more) for more in range(min(missing, BURST_REPLICAS)))

    def _related(self, replica_set: Obj) -> tuple[Obj, ...]:
        owner = controller_of(replica_set)
        if owner is None:
            return ()
        uids = {found["metadata"]["uid"]: None for found in self._sets.owned_by(owner["uid"])}
        return tuple(pod for uid in uids for pod in self._pods.owned_by(uid) if is_active(pod))

    def rest_seconds(self, observed: ObservedReplicaSet) -> float:
        """See `Resting`. There is no rest while pods are missing."""
        return 0.0 if observed.new_names else rest_for(len(observed.pods))

    def subject(self, observed: ObservedReplicaSet) -> Obj:
        """See `Reconciler`."""
        return observed.replica_set

    def decide(self, observed: ObservedReplicaSet, now: datetime) -> Decision:
        """See `decide`."""
        return decide(observed, now)


def _counted(pod: Obj) -> tuple[Any, ...]:
    """All of a pod that decides whose it is and how it is counted."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    return (
        metadata["uid"],
        labels_of(pod),
        metadata.get("ownerReferences"),
        metadata.get("deletionTimestamp"),
        status.get("phase"),
        condition(pod, "Ready"),
    )


def _active_count(replica_set: Obj, pods: Sequence[Obj]) -> int:
    return sum(is_active(pod) and is_controlled_by(pod, replica_set) for pod in pods)


def _concerning(replica_set: Obj, pods: Sequence[Obj]) -> tuple[Obj, ...]:
    selector = replica_set["spec"].get("selector")
    return tuple(pod for pod in pods if is_controlled_by(pod, replica_set) or matches_labels(selector, labels_of(pod)))


def decide(observed: ObservedReplicaSet, now: datetime) -> Decision:
    """Adopt and release, create or delete towards spec.replicas, and count."""
    replica_set = observed.replica_set
    spec = replica_set["spec"]
    claimed = claim(replica_set, spec.get("selector"), PODS, (pod for pod in observed.pods if is_active(pod)))
    pods, want = claimed.controlled, int(spec.get("replicas", 1))
    status, requeue = _status(replica_set, pods, now)
    if replica_set["metadata"].get("deletionTimestamp"):
        return Decision(status=status, because=(BeingDeleted(),))
    actions: list[Action] = list(claimed.patches)
    if len(pods) == want:
        available = status.get("availableReplicas", 0)
        why = AsWanted(want) if available == want else PodsUnavailable(available, want)
        return Decision(actions=tuple(actions), status=status, requeue=requeue, because=(why,))
    events: list[EventNote] = []
    if len(pods) < want:
        for name in observed.new_names[: min(want - len(pods), BURST_REPLICAS)]:
            actions.append(Create(resource=PODS, obj=pod_from(replica_set, name)))
            events.append(EventNote(type="Normal", reason="SuccessfulCreate", message=f"Created pod: {name}"))
    else:
        surplus = min(len(pods) - want, BURST_REPLICAS)
        for pod in ranked_for_deletion(pods, observed.related, now)[:surplus]:
            actions.append(_deletion(pod))
            told = f"Deleted pod: {pod['metadata']['name']}"
            events.append(EventNote(type="Normal", reason="SuccessfulDelete", message=told))
    return Decision(
        actions=tuple(actions),
        status=status,
        requeue=requeue,
        events=tuple(events),
        because=(Scaling(len(pods), want),),
    )


def pod_from(replica_set: Obj, name: str) -> Obj:
    """The pod its template makes."""
    template, metadata = replica_set["spec"].get("template") or {}, replica_set["metadata"]
    said = template.get("metadata") or {}
    made: dict[str, Any] = {
        "name": name,
        "generateName": name_prefix(metadata["name"]),
        "namespace": metadata.get("namespace", ""),
        "ownerReferences": [owner_reference(replica_set)],
    }
    for field in ("labels", "annotations", "finalizers"):
        if said.get(field):
            made[field] = copy.copy(said[field])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template.get("spec") or {}}


def _deletion(pod: Obj) -> Delete:
    metadata = pod["metadata"]
    return Delete(resource=PODS, namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"])


def _status(replica_set: Obj, pods: Sequence[Obj], now: datetime) -> tuple[dict[str, Any], timedelta | None]:
    """The counts of what was observed, and when the next pod becomes available by time alone."""
    spec = replica_set["spec"]
    template_labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    waits = [available_in(pod, int(spec.get("minReadySeconds") or 0), now) for pod in pods]
    counts = {
        "fullyLabeledReplicas": sum(labels_of(pod).items() >= template_labels.items() for pod in pods),
        "readyReplicas": sum(is_ready(pod) for pod in pods),
        "availableReplicas": sum(wait == timedelta(0) for wait in waits),
    }
    status: dict[str, Any] = {"replicas": len(pods)}
    status.update({name: count for name, count in counts.items() if count})
    status["observedGeneration"] = replica_set["metadata"].get("generation", 1)
    kept = (replica_set.get("status") or {}).get("conditions")
    if kept:
        status["conditions"] = kept
    pending = sorted(wait for wait in waits if wait)
    return status, (pending[0] if pending else None)


# -- which pod goes first ---------------------------------------------------------------------------------------------


def ranked_for_deletion(pods: Sequence[Obj], related: Sequence[Obj], now: datetime) -> list[Obj]:
    """`pods`, the first to be deleted first: unscheduled, pending, not ready, cheap, doubled up on a node, younger."""
    on_node: dict[str, int] = {}
    for other in related or pods:
        node = other["spec"].get("nodeName") or ""
        on_node[node] = on_node.get(node, 0) + 1
    facts = [_Rank(pod, on_node.get(pod["spec"].get("nodeName") or "", 0)) for pod in pods]
    facts.sort(key=lambda rank: rank.name)
    facts.sort(key=cmp_to_key(lambda one, other: _compare(one, other, now)))
    return [rank.pod for rank in facts]


class _Rank:
    """What the order looks at, read once per pod."""

    __slots__ = (
        "cost",
        "created",
        "is_ready",
        "is_scheduled",
        "name",
        "phase",
        "pod",
        "ready_since",
        "restarts",
        "twins",
    )

    def __init__(self, pod: Obj, twins: int) -> None:
        status = pod.get("status") or {}
        ready = condition(status, "Ready")
        self.pod = pod
        self.name = pod["metadata"]["name"]
        self.is_scheduled = bool(pod["spec"].get("nodeName"))
        self.phase = {"Pending": 0, "Unknown": 1, "Running": 2}.get(status.get("phase", "Pending"), 0)
        self.is_ready = is_ready(pod)
        self.cost = _deletion_cost(annotations_of(pod))
        self.twins = twins
        since = ready.get("lastTransitionTime") if ready and self.is_ready else None
        self.ready_since = parse_time(since) if since else None
        self.restarts = max((each.get("restartCount", 0) for each in status.get("containerStatuses") or ()), default=0)
        self.created = parse_time(pod["metadata"]["creationTimestamp"])


def _compare(one: _Rank, other: _Rank, now: datetime) -> int:
    for mine, theirs in (
        (one.is_scheduled, other.is_scheduled),
        (one.phase, other.phase),
        (one.is_ready, other.is_ready),
        (one.cost, other.cost),
        (-one.twins, -other.twins),
    ):
        if mine != theirs:
            return -1 if mine < theirs else 1
    if one.is_ready and one.ready_since and other.ready_since and one.ready_since != other.ready_since:
        return _younger_first(one, other, one.ready_since, other.ready_since, now)
    if one.restarts != other.restarts:
        return -1 if one.restarts > other.restarts else 1
    if one.created != other.created:
        return _younger_first(one, other, one.created, other.created, now)
    return 0


def _younger_first(one: _Rank, other: _Rank, mine: datetime, theirs: datetime, now: datetime) -> int:
    """Ages are compared by their logarithm, so that among pods of like age the uid decides (KEP-2185)."""
    difference = _age(mine, now) - _age(theirs, now)
    if difference:
        return difference
    return -1 if one.pod["metadata"]["uid"] < other.pod["metadata"]["uid"] else 1


def _age(since: datetime, now: datetime) -> int:
    nanoseconds = (now - since) / timedelta(microseconds=1) * 1000
    return int(log2(nanoseconds)) if nanoseconds > 0 else -1


def _deletion_cost(annotations: Mapping[str, str]) -> int:
    text = annotations.get(DELETION_COST, "0")
    return int(text) if text.lstrip("-").isdigit() else 0
