"""PodDisruptionBudget: how many pods may be taken away on purpose right now.

Owns: the status of budgets. Must not know: evictions (`kube/evictions` spends what is allowed here).
Source: Kubernetes 1.34 pkg/controller/disruption/disruption.go and staging/src/k8s.io/component-helpers apps/pdb.
Owners that are reached upstream through their scale subresource only are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canarium.kube.cluster import Cluster
from canarium.kube.controller.news import News
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Decision, EventNote, Reason
from canarium.kube.evictions import disruption_allowed
from canarium.kube.objects import (
    Obj,
    ObjectKey,
    controller_of,
    int_or_percent,
    key_of,
    labels_of,
    matches_labels,
    parse_time,
)
from canarium.kube.resources import (
    DEPLOYMENTS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
)
from canarium.workloads.pods import is_ready

DELETION_TIMEOUT = timedelta(minutes=2)
"""How long an evicted pod may take to be marked as deleted before it counts again."""


class Counted(Reason, frozen=True):
    """What the budget leaves."""

    healthy: int
    desired: int
    allowed: int

    def __str__(self) -> str:
        return f"{self.healthy} healthy pods, {self.desired} needed: {self.allowed} disruptions allowed"


class ObservedBudget(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and the pods that its selector selects. scale: spec.replicas of all that own these pods, together."""

    budget: Obj
    pods: tuple[Obj, ...]
    scale: int = 0


class DisruptionController:
    """A `Reconciler` of PodDisruptionBudgets."""

    name = "disruption-controller"
    primary = POD_DISRUPTION_BUDGETS
    watches: Sequence[Watch]

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        del cluster
        self._budgets = listers(POD_DISRUPTION_BUDGETS)
        self._pods = listers(PODS)
        self._owners = {
            "ReplicaSet": listers(REPLICA_SETS),
            "Deployment": listers(DEPLOYMENTS),
            "StatefulSet": listers(STATEFUL_SETS),
            "ReplicationController": listers(REPLICATION_CONTROLLERS),
        }
        self._chosen_by: dict[ObjectKey, tuple[ObjectKey, ...]] = {}
        self._news = News(self._pods, _told_of)
        scaled = (REPLICA_SETS, DEPLOYMENTS, STATEFUL_SETS, REPLICATION_CONTROLLERS)
        self.watches = (Watch(PODS, self._budgets_of), *(Watch(resource, self._budgets_beside) for resource in scaled))

    def _budgets_of(self, pod: Obj) -> list[ObjectKey]:
        if not self._news.is_in(pod):
            return []
        key, labels = key_of(pod), labels_of(pod)
        found = tuple(
            key_of(budget)
            for budget in self._budgets.list(key.namespace)
            if matches_labels(budget["spec"].get("selector"), labels)
        )
        before = self._chosen_by.get(key, ())
        self._chosen_by[key] = found
        return sorted({*found, *before})

    def _budgets_beside(self, owner: Obj) -> list[ObjectKey]:
        """Every budget of the namespace: few have one at all, and a scale matters only to some of those."""
        return [key_of(budget) for budget in self._budgets.list(owner["metadata"].get("namespace", ""))]

    async def observe(self, key: ObjectKey) -> ObservedBudget | None:
        """See `Reconciler`."""
        budget = self._budgets.get(*key)
        if budget is None:
            return None
        selector = budget["spec"].get("selector")
        pods = tuple(pod for pod in self._pods.list(key.namespace) if matches_labels(selector, labels_of(pod)))
        return ObservedBudget(budget=budget, pods=pods, scale=self._scale(key.namespace, pods))

    def _scale(self, namespace: str, pods: Sequence[Obj]) -> int:
        """The replicas of all owners of `pods`, each owner once; pods that nobody owns add none."""
        replicas: dict[str, int] = {}
        for pod in pods:
            owner = self._owner(namespace, pod)
            if owner is not None and owner["kind"] == "ReplicaSet":
                above = self._owner(namespace, owner)
                owner = above if above is not None and above["kind"] == "Deployment" else owner
            if owner is not None:
                replicas[owner["metadata"]["uid"]] = int(owner["spec"].get("replicas", 1))
        return sum(replicas.values())

    def _owner(self, namespace: str, obj: Obj) -> Obj | None:
        ref = controller_of(obj)
        lister = self._owners.get(ref["kind"]) if ref else None
        found = lister.get(namespace, ref["name"]) if lister and ref else None
        return found if found is not None and ref and found["metadata"]["uid"] == ref["uid"] else None

    def subject(self, observed: ObservedBudget) -> Obj:
        """See `Reconciler`."""
        return observed.budget

    def decide(self, observed: ObservedBudget, now: datetime) -> Decision:
        """See `decide`."""
        return decide(observed, now)


def _told_of(pod: Obj) -> tuple[Any, ...]:
    metadata = pod["metadata"]
    return (
        metadata["uid"],
        labels_of(pod),
        metadata.get("ownerReferences"),
        metadata.get("deletionTimestamp"),
        is_ready(pod),
    )


def decide(observed: ObservedBudget, now: datetime) -> Decision:
    """Count the pods, and say how many disruptions that leaves."""
    budget, pods = observed.budget, observed.pods
    former = budget.get("status") or {}
    expected, desired = _wanted(budget["spec"], len(pods), observed.scale)
    disrupted, recheck = _disrupted(former.get("disruptedPods") or {}, pods, now)
    healthy = sum(
        is_ready(pod) and not pod["metadata"].get("deletionTimestamp") and pod["metadata"]["name"] not in disrupted
        for pod in pods
    )
    allowed = max(healthy - desired, 0) if expected > 0 else 0
    status: dict[str, Any] = {
        "observedGeneration": budget["metadata"].get("generation", 1),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
    }
    if disrupted:
        status["disruptedPods"] = disrupted
    status["conditions"] = disruption_allowed(former.get("conditions") or (), status, now)
    events: tuple[EventNote, ...] = ()
    if not pods and status != former:
        events = (EventNote(type="Normal", reason="NoPods", message="No matching pods found"),)
    why = Counted(healthy, desired, allowed)
    return Decision(status=status, requeue=recheck, events=events, because=(why,))


def _wanted(spec: Mapping[str, Any], count: int, scale: int) -> tuple[int, int]:
    """How many pods are expected, and how many of them have to stay healthy."""
    if spec.get("maxUnavailable") is not None:
        return scale, max(scale - int_or_percent(spec["maxUnavailable"], scale, round_up=True), 0)
    least = spec.get("minAvailable")
    if isinstance(least, str):
        return scale, int_or_percent(least, scale, round_up=True)
    return count, int(least if least is not None else 1)


def _disrupted(told: Mapping[str, str], pods: Sequence[Obj], now: datetime) -> tuple[dict[str, str], timedelta | None]:
    """The evicted pods whose deletion is still to be seen, and when the first of them is no longer believed in."""
    names = {pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}
    left = {name: parse_time(at) + DELETION_TIMEOUT - now for name, at in told.items() if name in names}
    kept = {name: told[name] for name in sorted(left) if left[name] >= timedelta(0)}
    return kept, min((left[name] for name in kept), default=None)
