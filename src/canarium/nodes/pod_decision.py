"""What the kubelet writes about a pod, and when a stopped pod is finally let go.

Owns: the rule. Pure. Must not know: agents, runtimes, clocks.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from canarium.kube.decision import Action, Decision, Delete, Reason
from canarium.kube.objects import Obj
from canarium.kube.resources import PODS
from canarium.nodes.pod_status import PodView, Waiting, pod_status


class PodIs(Reason, frozen=True):
    """What the pod is up to."""

    phase: str
    ready: int
    containers: int
    waiting: tuple[str, ...] = ()

    def __str__(self) -> str:
        why = f", waiting: {', '.join(self.waiting)}" if self.waiting else ""
        return f"{self.phase}, {self.ready} of {self.containers} containers ready{why}"


class PodStopped(Reason, frozen=True):
    """All containers of a deleted pod have ended."""

    def __str__(self) -> str:
        return "the pod is being deleted and its containers have ended"


class ObservedPod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod of this node as the API has it, and as the agent knows it."""

    pod: Obj
    view: PodView


def decide(observed: ObservedPod, now: datetime) -> Decision:
    """Write the status; once a deleted pod has stopped and its status says so, let it go."""
    pod, view = observed.pod, observed.view
    status = pod_status(pod, view, now)
    metadata = pod["metadata"]
    if metadata.get("deletionTimestamp") and view.is_over and status == pod.get("status"):
        let_go: Action = Delete(
            resource=PODS,
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            grace_period_seconds=0,
        )
        return Decision(actions=(let_go,), because=(PodStopped(),))
    waiting = tuple(
        each.state.reason for each in (*view.init_containers, *view.containers) if isinstance(each.state, Waiting)
    )
    staying = (*(each for each in view.init_containers if each.is_sidecar), *view.containers)
    ready = sum(each.is_ready for each in staying)
    why = PodIs(phase=status["phase"], ready=ready, containers=len(staying), waiting=waiting)
    return Decision(status=status, because=(why,))
