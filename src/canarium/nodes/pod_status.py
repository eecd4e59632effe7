"""The status of a pod, computed from the states of its containers.

Owns: phase, conditions, containerStatuses, QoS class. Pure. Must not know: how containers run, clocks.
Source: Kubernetes 1.34 pkg/kubelet/kubelet_pods.go (getPhase, generateAPIPodStatus) and status/generate.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from canarium.kube.objects import Obj, condition, format_time

KUBELET_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


class Waiting(msgspec.Struct, frozen=True):
    """Not running yet, or not again yet."""

    reason: str
    message: str = ""


class Running(msgspec.Struct, frozen=True):
    """Since when."""

    started_at: datetime


class Terminated(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. reason: `Completed`, `Error`, `OOMKilled`, …"""

    exit_code: int
    reason: str
    started_at: datetime
    finished_at: datetime
    container_id: str
    message: str = ""


State: TypeAlias = Waiting | Running | Terminated


class ContainerView(msgspec.Struct, frozen=True, kw_only=True):
    """What the kubelet knows of one container. is_sidecar: an init container whose restartPolicy is Always."""

    name: str
    image: str
    state: State
    last: Terminated | None = None
    image_id: str = ""
    container_id: str = ""
    restart_count: int = 0
    is_ready: bool = False
    has_started: bool = False
    is_sidecar: bool = False

    @property
    def is_initialized(self) -> bool:
        """As an init container: whether the next one may begin."""
        if self.is_sidecar:
            return self.has_started
        return isinstance(self.state, Terminated) and self.state.exit_code == 0


class PodView(msgspec.Struct, frozen=True, kw_only=True):
    """What the kubelet knows of one pod. is_over: everything was stopped for good, because the pod is deleted."""

    host_ip: str
    started_at: datetime
    pod_ip: str = ""
    has_sandbox: bool = False
    init_containers: tuple[ContainerView, ...] = ()
    containers: tuple[ContainerView, ...] = ()
    is_over: bool = False


def pod_status(pod: Obj, view: PodView, now: datetime) -> dict[str, Any]:
    """The complete status of `pod`. Conditions of others stay; transition times change only with the condition."""
    spec, former = pod["spec"], pod.get("status") or {}
    phase = pod_phase(spec, view)
    status: dict[str, Any] = {key: former[key] for key in ("nominatedNodeName",) if key in former}
    status["observedGeneration"] = pod["metadata"].get("generation", 1)
    status["phase"] = phase
    status["conditions"] = _conditions(pod, view, phase, now)
    status["hostIP"] = view.host_ip
    status["hostIPs"] = [{"ip": view.host_ip}]
    if view.pod_ip:
        status["podIP"] = view.pod_ip
        status["podIPs"] = [{"ip": view.pod_ip}]
    status["startTime"] = format_time(view.started_at)
    if view.init_containers:
        status["initContainerStatuses"] = [_init_container_status(each) for each in view.init_containers]
    status["containerStatuses"] = [
        _container_status(each) for each in sorted(view.containers, key=lambda each: each.name)
    ]
    status["qosClass"] = qos_class(spec)
    return status


def pod_phase(spec: Mapping[str, Any], view: PodView) -> str:
    """Pending, Running, Succeeded or Failed. Sidecars keep a pod Running, but how they end does not count."""
    policy = spec.get("restartPolicy", "Always")
    for each in view.init_containers:
        failed = isinstance(each.state, Terminated) and each.state.exit_code != 0
        if failed and policy == "Never" and not each.is_sidecar:
            return "Failed"
    if not _is_initialized(view):
        return "Failed" if view.is_over else "Pending"
    waiting = running = stopped = succeeded = 0
    for each in view.containers:
        match each.state:
            case Running():
                running += 1
            case Terminated(exit_code=code):
                stopped += 1
                succeeded += code == 0
            case Waiting():
                if each.last is None:
                    waiting += 1
                else:
                    stopped += 1
    running += sum(isinstance(each.state, Running) for each in view.init_containers if each.is_sidecar)
    if waiting:
        return "Failed" if view.is_over else "Pending"
    if running:
        return "Running"
    if view.is_over or policy == "Never":
        return "Succeeded" if stopped == succeeded else "Failed"
    if policy == "OnFailure" and stopped == succeeded:
        return "Succeeded"
    return "Running"


def _is_initialized(view: PodView) -> bool:
    """Once a container proper has run, the pod stays initialized, whatever its sidecars do."""
    return all(each.is_initialized for each in view.init_containers) or any(
        isinstance(each.state, Running | Terminated) or each.last is not None for each in view.containers
    )


def _conditions(pod: Obj, view: PodView, phase: str, now: datetime) -> list[dict[str, Any]]:
    ready_status, ready_reason, ready_message = _containers_ready(view, phase)
    pod_ready = (ready_status, ready_reason, ready_message)
    if ready_status == "True" and (gate := _closed_gate(pod)):
        pod_ready = ("False", "ReadinessGatesNotReady", gate)
    wanted = {
        "PodReadyToStartContainers": ("True" if view.has_sandbox else "False", "", ""),
        "Initialized": _initialized(view, phase),
        "Ready": pod_ready,
        "ContainersReady": (ready_status, ready_reason, ready_message),
        "PodScheduled": ("True", "", ""),
    }
    generation = pod["metadata"].get("generation", 1)
    conditions = []
    for kind in KUBELET_CONDITIONS:
        status, reason, message = wanted[kind]
        former = condition(pod.get("status") or {}, kind)
        since = former["lastTransitionTime"] if former and former["status"] == status else format_time(now)
        entry: dict[str, Any] = {
            "type": kind,
            "observedGeneration": generation,
            "status": status,
            "lastProbeTime": None,
            "lastTransitionTime": since,
        }
        if reason:
            entry["reason"] = reason
        if message:
            entry["message"] = message
        conditions.append(entry)
    others = [
        kept for kept in (pod.get("status") or {}).get("conditions") or () if kept["type"] not in KUBELET_CONDITIONS
    ]
    return conditions + others


def _containers_ready(view: PodView, phase: str) -> tuple[str, str, str]:
    if phase == "Succeeded":
        return "False", "PodCompleted", ""
    if phase == "Failed":
        return "False", "PodFailed", ""
    sidecars = (each for each in view.init_containers if each.is_sidecar)
    unready = [each.name for each in (*sidecars, *view.containers) if not each.is_ready]
    if unready:
        return "False", "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return "True", "", ""


def _closed_gate(pod: Obj) -> str:
    """Kubernetes' words for the readiness gates that are not open; empty when all are."""
    closed = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        found = condition(pod.get("status") or {}, kind)
        if found is None:
            closed.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif found["status"] != "True":
            closed.append(f'the status of pod readiness gate "{kind}" is not "True", but {found["status"]}')
    return ", ".join(closed)


def _initialized(view: PodView, phase: str) -> tuple[str, str, str]:
    incomplete = [each.name for each in view.init_containers if not each.is_initialized]
    if incomplete and not _is_initialized(view):
        return "False", "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]"
    return ("True", "PodCompleted", "") if phase == "Succeeded" else ("True", "", "")


def _init_container_status(container: ContainerView) -> dict[str, Any]:
    """An init container proper never counts as started, and as ready once it has succeeded."""
    status = _container_status(container)
    if container.is_sidecar:
        return status
    return {**status, "ready": container.is_initialized, "started": False}


def _container_status(container: ContainerView) -> dict[str, Any]:
    status: dict[str, Any] = {
        "name": container.name,
        "image": container.image,
        "imageID": container.image_id,
        "lastState": _state(container.last) if container.last else {},
        "ready": container.is_ready,
        "restartCount": container.restart_count,
        "started": container.has_started,
        "state": _state(container.state),
    }
    if container.container_id:
        status["containerID"] = container.container_id
    return status


def _state(state: State) -> dict[str, Any]:
    match state:
        case Waiting(reason, message):
            return {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        case Running(started_at):
            return {"running": {"startedAt": format_time(started_at)}}
        case Terminated():
            ended: dict[str, Any] = {
                **({"containerID": state.container_id} if state.container_id else {}),
                "exitCode": state.exit_code,
                "finishedAt": format_time(state.finished_at),
                "reason": state.reason,
                "startedAt": format_time(state.started_at),
            }
            if state.message:
                ended["message"] = state.message
            return {"terminated": ended}


def qos_class(spec: Mapping[str, Any]) -> str:
    """Guaranteed, Burstable or BestEffort (pkg/apis/core/v1/helper/qos)."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    said = [_compute(container) for container in containers]
    if not any(requests or limits for requests, limits in said):
        return "BestEffort"
    guaranteed = all(
        limits.keys() >= {"cpu", "memory"} and all(requests.get(name, limits[name]) == limits[name] for name in limits)
        for requests, limits in said
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _compute(container: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    resources = container.get("resources")
    if not resources:
        return {}, {}
    return _cpu_and_memory(resources.get("requests")), _cpu_and_memory(resources.get("limits"))


def _cpu_and_memory(amounts: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: str((amounts or {})[name]) for name in _present(("cpu", "memory"), amounts or {})}


def _present(names: Iterable[str], amounts: Mapping[str, Any]) -> list[str]:
    return [name for name in names if str(amounts.get(name, "0")) not in ("0", "")]
