"""The kubelet: hands pods bound to its node to the agent, and writes what the agent knows into their status.

Owns: the shell between API and agent; the rule is `pod_decision`. Must not know: how containers run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Decision
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import PODS
from canarium.nodes.agent import NodeAgent
from canarium.nodes.pod_decision import ObservedPod, decide


class Kubelet:
    """A `Reconciler`. Wake it through the agent: `agent.on_change(manager.add(kubelet).add)`."""

    name = "kubelet"
    primary = PODS
    watches: Sequence[Watch] = ()

    def __init__(self, cluster: Cluster, listers: Listers, agent: NodeAgent) -> None:
        del cluster
        self._pods = listers(PODS)
        self._agent = agent

    def concerns(self, obj: Obj) -> bool:
        """A pod of this node."""
        return bool(obj["spec"].get("nodeName") == self._agent.name)

    async def observe(self, key: ObjectKey) -> ObservedPod | None:
        """See `Reconciler`."""
        pod = self._pods.get(*key)
        if pod is None:
            self._agent.forget(key)
            return None
        if pod["spec"].get("nodeName") != self._agent.name:
            return None
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed") and key not in self._agent.pods:
            return None  # ended before this agent knew it
        return ObservedPod(pod=pod, view=self._agent.worker(pod).view())

    def subject(self, observed: ObservedPod) -> Obj:
        """See `Reconciler`."""
        return observed.pod

    def decide(self, observed: ObservedPod, now: datetime) -> Decision:
        """See `pod_decision.decide`."""
        return decide(observed, now)
