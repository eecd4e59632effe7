"""Which node a pending pod goes to.

Owns: binding, and the PodScheduled condition. Must not know: how pods run.
The node with the fewest pods wins, ties by name. Of upstream's filters: readiness, cordons, taints of NoSchedule and
NoExecute, nodeSelector, and the number of pods a node takes; resources and affinity are not looked at.
Messages follow Kubernetes 1.34 pkg/scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Decision, EventNote, Patch, Reason
from canarium.kube.objects import Obj, ObjectKey, condition, format_time, key_of, labels_of
from canarium.kube.resources import NODES, PODS

DEFAULT_SCHEDULER = "default-scheduler"


class Bound(Reason, frozen=True):
    """The pod goes to a node."""

    node: str
    pods_there: int

    def __str__(self) -> str:
        return f"node {self.node} has the fewest pods ({self.pods_there})"


class NoNode(Reason, frozen=True):
    """No node takes the pod."""

    message: str

    def __str__(self) -> str:
        return self.message


class AlreadyBound(Reason, frozen=True):
    """Nothing to decide."""

    node: str

    def __str__(self) -> str:
        return f"the pod is bound to {self.node}"


class ObservedPending(msgspec.Struct, frozen=True, kw_only=True):
    """A pod, the nodes by name, and how many unfinished pods each node has."""

    pod: Obj
    nodes: tuple[Obj, ...]
    pods_by_node: Mapping[str, int]


class _PodCounts:
    """How many unfinished pods each node has: those that are shown, and those just bound that are not shown yet (what
    upstream's scheduler cache assumes). Without the second, a burst of pods would all find the same node empty."""

    def __init__(self) -> None:
        self._node_of: dict[ObjectKey, str] = {}
        self._counts: dict[str, int] = {}

    def put(self, key: ObjectKey, node: str) -> None:
        """The pod counts for this node from now on; for none if it is empty."""
        former = self._node_of.pop(key, "")
        if former:
            self._counts[former] -= 1
        if node:
            self._node_of[key] = node
            self._counts[node] = self._counts.get(node, 0) + 1

    def shown(self, key: ObjectKey, pod: Obj | None) -> None:
        """The pod as it is shown; None when it is gone."""
        if pod is None or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            self.put(key, "")
        elif pod["spec"].get("nodeName"):
            self.put(key, pod["spec"]["nodeName"])

    def by_node(self) -> dict[str, int]:
        """Pods by node."""
        return dict(self._counts)


class Scheduler:
    """A `Reconciler` of pods without a node."""

    name = DEFAULT_SCHEDULER
    primary = PODS
    watches: Sequence[Watch]

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        del cluster
        self._pods = listers(PODS)
        self._nodes = listers(NODES)
        self._counts = _PodCounts()
        self._known_nodes: tuple[Obj, ...] | None = None  # copied anew when one of them changed
        self.watches = (Watch(NODES, self._unscheduled), Watch(PODS, self._counted))

    def _unscheduled(self, node: Obj) -> list[ObjectKey]:
        del node
        self._known_nodes = None
        return [key_of(pod) for pod in self._pods.list() if not pod["spec"].get("nodeName")]

    def _counted(self, pod: Obj) -> list[ObjectKey]:
        """Keep the counts; nobody is woken for that."""
        key = key_of(pod)
        self._counts.shown(key, pod if self._pods.uid(*key) is not None else None)
        return []

    def concerns(self, obj: Obj) -> bool:
        """A pod without a node."""
        return not obj["spec"].get("nodeName")

    async def observe(self, key: ObjectKey) -> ObservedPending | None:
        """See `Reconciler`."""
        pod = self._pods.get(*key)
        if pod is None or pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
            return None
        if pod["spec"].get("schedulerName", DEFAULT_SCHEDULER) != DEFAULT_SCHEDULER:
            return None
        if self._known_nodes is None:
            self._known_nodes = tuple(self._nodes.list())
        return ObservedPending(pod=pod, nodes=self._known_nodes, pods_by_node=self._counts.by_node())

    def subject(self, observed: ObservedPending) -> Obj:
        """See `Reconciler`."""
        return observed.pod

    def decide(self, observed: ObservedPending, now: datetime) -> Decision:
        """See `decide`. A pod that it binds counts at once; if the write fails, the next look counts it anew."""
        decision = decide(observed, now)
        for reason in decision.because:
            if isinstance(reason, Bound):
                self._counts.put(key_of(observed.pod), reason.node)
        return decision


def decide(observed: ObservedPending, now: datetime) -> Decision:
    """Bind the pod, or say why no node takes it."""
    pod = observed.pod
    metadata, spec = pod["metadata"], pod["spec"]
    if spec.get("nodeName"):
        return Decision(because=(AlreadyBound(spec["nodeName"]),))
    counts = observed.pods_by_node
    refusals: dict[str, int] = {}
    fitting: list[tuple[int, str]] = []
    for node in observed.nodes:
        name = node["metadata"]["name"]
        refusal = _refusal(pod, node, counts.get(name, 0))
        if refusal:
            refusals[refusal] = refusals.get(refusal, 0) + 1
        else:
            fitting.append((counts.get(name, 0), name))
    if not fitting:
        return _unschedulable(pod, len(observed.nodes), refusals, now)
    pods_there, chosen = min(fitting)
    version = metadata["resourceVersion"]
    return Decision(
        actions=(
            _status_patch(pod, _with_scheduled(pod, now, status="True"), version),
            Patch(
                resource=PODS,
                namespace=metadata["namespace"],
                name=metadata["name"],
                patch={"spec": {"nodeName": chosen}},
                resource_version=version,
            ),
        ),
        because=(Bound(chosen, pods_there),),
        events=(
            EventNote(
                type="Normal",
                reason="Scheduled",
                message=f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {chosen}",
            ),
        ),
    )


def _unschedulable(pod: Obj, nodes: int, refusals: Mapping[str, int], now: datetime) -> Decision:
    message = "no nodes available to schedule pods"
    if nodes:
        told = ", ".join(sorted(f"{number} {refusal}" for refusal, number in refusals.items()))
        message = f"0/{nodes} nodes are available: {told}. preemption: 0/{nodes} nodes are available: " + (
            f"{nodes} Preemption is not helpful for scheduling."
        )
    former = condition(pod, "PodScheduled")
    if former and former["status"] == "False" and former.get("message") == message:
        return Decision(because=(NoNode(message),))
    conditions = _with_scheduled(pod, now, status="False", reason="Unschedulable", message=message)
    return Decision(
        actions=(_status_patch(pod, conditions, pod["metadata"]["resourceVersion"]),),
        because=(NoNode(message),),
        events=(EventNote(type="Warning", reason="FailedScheduling", message=message),),
    )


def _with_scheduled(pod: Obj, now: datetime, **said: str) -> list[dict[str, Any]]:
    former = condition(pod, "PodScheduled")
    since = former["lastTransitionTime"] if former and former["status"] == said["status"] else format_time(now)
    scheduled = {"type": "PodScheduled", "lastProbeTime": None, "lastTransitionTime": since, **said}
    others = [c for c in (pod.get("status") or {}).get("conditions") or () if c["type"] != "PodScheduled"]
    return [*others, scheduled]


def _status_patch(pod: Obj, conditions: list[dict[str, Any]], version: str) -> Patch:
    return Patch(
        resource=PODS,
        namespace=pod["metadata"]["namespace"],
        name=pod["metadata"]["name"],
        patch={"status": {"phase": "Pending", "conditions": conditions}},
        resource_version=version,
        subresource="status",
    )


def _refusal(pod: Obj, node: Obj, pods_there: int) -> str:
    """Why the node does not take the pod, in upstream's words; empty when it does."""
    if (node.get("spec") or {}).get("unschedulable"):
        return "node(s) were unschedulable"
    ready = condition(node, "Ready")
    if ready is None or ready["status"] != "True":
        return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in (pod["spec"].get("nodeSelector") or {}).items()):
        return "node(s) didn't match Pod's node affinity/selector"
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint["effect"] != "PreferNoSchedule" and not _tolerates(pod, taint):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    allowed = int(((node.get("status") or {}).get("allocatable") or {}).get("pods", 110))
    return "Too many pods" if pods_there >= allowed else ""


def _tolerates(pod: Obj, taint: Mapping[str, Any]) -> bool:
    for toleration in pod["spec"].get("tolerations") or ():
        if toleration.get("effect") not in (None, "", taint["effect"]):
            continue
        if toleration.get("operator") == "Exists" and toleration.get("key") in (None, "", taint["key"]):
            return True
        if toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""):
            return True
    return False
