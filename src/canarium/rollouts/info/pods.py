"""A pod as the tree shows it: STATUS, how many containers are ready, restarts.

Owns: the reason a pod is printed with. Must not know: colours, ReplicaSets.
Behaviour follows `pkg/kubectl-argo-rollouts/info/pod_info.go`, Argo Rollouts 1.10, which follows kubectl's printer.
"""

from __future__ import annotations

from typing import Any

import msgspec

from canarium.kube.objects import Obj
from canarium.rollouts.info import icons


class PodInfo(msgspec.Struct, frozen=True):
    """One pod. ready: `1/2`, containers ready of all. created: RFC 3339."""

    name: str
    created: str
    status: str
    icon: str
    ready: str
    restarts: int


def pod_info(pod: Obj) -> PodInfo:
    """Sum a pod up."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    reason = status.get("reason") or status.get("phase", "")
    initial, restarts = _initializing(spec, status)
    ready = 0
    if initial is not None:
        reason = initial
    else:
        reason, ready, restarts = _running(reason, status.get("containerStatuses") or [])
    if pod["metadata"].get("deletionTimestamp"):
        reason = "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return PodInfo(
        name=pod["metadata"]["name"],
        created=pod["metadata"].get("creationTimestamp") or "",
        status=reason,
        icon=icons.pod_icon(reason),
        ready=f"{ready}/{len(spec.get('containers') or ())}",
        restarts=restarts,
    )


def _initializing(spec: Obj, status: Obj) -> tuple[str | None, int]:
    """Why the pod still initializes (None: it does not), and the restarts of its init containers so far."""
    init_containers = spec.get("initContainers") or []
    sidecars = {one.get("name") for one in init_containers if one.get("restartPolicy") == "Always"}
    restarts = 0
    for index, container in enumerate(status.get("initContainerStatuses") or []):
        restarts += container.get("restartCount", 0)
        state: dict[str, Any] = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if terminated is not None:
            if terminated.get("exitCode", 0) == 0:
                continue
            return "Init:" + (terminated.get("reason") or _exit_text(terminated)), restarts
        if container.get("name") in sidecars and container.get("started"):
            if container.get("ready"):
                continue
            return None, restarts  # upstream stops looking here, and shows the pod as it runs
        if waiting.get("reason", "") not in ("", "PodInitializing"):
            return f"Init:{waiting['reason']}", restarts
        return f"Init:{index}/{len(init_containers)}", restarts
    return None, restarts


def _running(reason: str, containers: list[Obj]) -> tuple[str, int, int]:
    ready = restarts = 0
    is_running = False
    for container in reversed(containers):
        restarts += container.get("restartCount", 0)
        state = container.get("state") or {}
        waiting, terminated = state.get("waiting"), state.get("terminated")
        if waiting is not None and waiting.get("reason"):
            reason = waiting["reason"]
        elif terminated is not None:
            reason = terminated.get("reason") or _exit_text(terminated)
        elif container.get("ready") and state.get("running") is not None:
            is_running = True
            ready += 1
    if reason == "Completed" and is_running:
        reason = "Running"
    return reason, ready, restarts


def _exit_text(terminated: Obj) -> str:
    signal = terminated.get("signal", 0)
    return f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"
