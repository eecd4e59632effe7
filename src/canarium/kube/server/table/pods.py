"""What `kubectl get pods` shows.

Owns: READY, STATUS and RESTARTS of a pod, and which rows are over. Must not know: who runs pods.
Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go (printPod, printPodTemplate).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.server.table.age import moment_of, since
from canarium.kube.server.table.columns import (
    AGE,
    NAME,
    NONE,
    Cells,
    Column,
    Printer,
    age_of,
    has_true,
    is_going,
    labels_text,
    name_of,
    names_and_images,
    spec_of,
    status_of,
    text,
)

Container = Mapping[str, Any]


class _Tally:
    """What reading the container statuses one by one adds up to."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.ready = 0
        self.restarts = 0
        self.last_restart: str | None = None

    def count_restarts(self, status: Container) -> None:
        self.restarts += status.get("restartCount") or 0
        ended = _terminated(status.get("lastState")) or {}
        self.last_restart = _later(self.last_restart, ended.get("finishedAt"))


def _pod_cells(pod: Obj, now: datetime) -> Cells:
    spec, status = spec_of(pod), status_of(pod)
    sidecars = {one.get("name") for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"}
    tally = _Tally(_reason_of_the_whole(status))

    is_initializing, of_sidecars = _read_init_containers(tally, spec, status, sidecars)
    if not is_initializing or has_true(status.get("conditions"), "Initialized"):
        tally.restarts, tally.last_restart = of_sidecars.restarts, of_sidecars.last_restart
        _read_containers(tally, status)
    if is_going(pod):
        if status.get("reason") == "NodeLost":
            tally.reason = "Unknown"
        elif status.get("phase") not in ("Succeeded", "Failed"):
            tally.reason = "Terminating"

    restarts = str(tally.restarts)
    if tally.restarts and tally.last_restart:
        restarts = f"{tally.restarts} ({since(tally.last_restart, now)} ago)"
    total = len(spec.get("containers") or ()) + len(sidecars)
    ips = [ip for one in status.get("podIPs") or () if (ip := one.get("ip"))] or [status.get("podIP")]
    return [
        name_of(pod),
        f"{tally.ready}/{total}",
        tally.reason,
        restarts,
        age_of(pod, now),
        ips[0] or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _readiness_gates(spec, status),
    ]


def _reason_of_the_whole(status: Container) -> str:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            return "SchedulingGated"
    return str(status.get("reason") or status.get("phase") or "")


def _read_init_containers(
    tally: _Tally, spec: Container, status: Container, sidecars: set[str | None]
) -> tuple[bool, _Tally]:
    """Whether one still holds the pod back (the first that does gives the reason), and the restarts of sidecars."""
    of_sidecars = _Tally("")
    for index, container in enumerate(status.get("initContainerStatuses") or ()):
        is_sidecar = container.get("name") in sidecars
        tally.count_restarts(container)
        if is_sidecar:
            of_sidecars.count_restarts(container)
        state = container.get("state") or {}
        ended = _terminated(state)
        if ended is not None and not ended.get("exitCode"):
            continue
        if is_sidecar and container.get("started"):
            tally.ready += 1 if container.get("ready") else 0
            continue
        waiting = (state.get("waiting") or {}).get("reason", "")
        if ended is not None:
            tally.reason = "Init:" + _how_it_ended(ended)
        elif waiting and waiting != "PodInitializing":
            tally.reason = "Init:" + waiting
        else:
            tally.reason = f"Init:{index}/{len(spec.get('initContainers') or ())}"
        return True, of_sidecars
    return False, of_sidecars


def _read_containers(tally: _Tally, status: Container) -> None:
    """The reason of the first container that has one wins: last to first, each overrules."""
    has_running = False
    for container in reversed(status.get("containerStatuses") or ()):
        tally.count_restarts(container)
        state = container.get("state") or {}
        waiting = (state.get("waiting") or {}).get("reason", "")
        ended = _terminated(state)
        if waiting:
            tally.reason = waiting
        elif ended is not None:
            tally.reason = _how_it_ended(ended)
        elif container.get("ready") and state.get("running") is not None:
            has_running = True
            tally.ready += 1
    if tally.reason == "Completed" and has_running:
        is_ready = any(
            one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions") or ()
        )
        tally.reason = "Running" if is_ready else "NotReady"


def _terminated(state: Container | None) -> Container | None:
    ended: Container | None = (state or {}).get("terminated")
    return ended


def _how_it_ended(ended: Container) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _later(one: str | None, other: str | None) -> str | None:
    one_at, other_at = moment_of(one), moment_of(other)
    if one_at is None or other_at is None:
        return other if one_at is None else one
    return other if one_at < other_at else one


def _readiness_gates(spec: Container, status: Container) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return NONE
    true = sum(has_true(status.get("conditions"), gate.get("conditionType", "")) for gate in gates)
    return f"{true}/{len(gates)}"


def _pod_conditions(pod: Obj) -> list[dict[str, str]]:
    """A pod that has run its course may be shown with less weight."""
    match status_of(pod).get("phase"):
        case "Succeeded":
            message = "The pod has completed successfully."
        case "Failed":
            message = "The pod failed."
        case _:
            return []
    return [{"type": "Completed", "status": "True", "reason": status_of(pod)["phase"], "message": message}]


def _pod_template_cells(obj: Obj, _now: datetime) -> Cells:
    template = obj.get("template") or {}
    names, images = names_and_images((template.get("spec") or {}).get("containers") or ())
    return [name_of(obj), names, images, labels_text((template.get("metadata") or {}).get("labels"))]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Pod"): Printer(
        (
            NAME,
            text("Ready", "Ready containers, of all that keep running."),
            text("Status", "What the containers, taken together, are doing."),
            text("Restarts", "How often containers were started again, and when last."),
            AGE,
            text("IP", "The pod's address.", priority=1),
            text("Node", "Where the pod runs.", priority=1),
            text("Nominated Node", "Where the pod may run once room is made.", priority=1),
            text("Readiness Gates", "Gates that are True, of all.", priority=1),
        ),
        _pod_cells,
        _pod_conditions,
    ),
    ("", "PodTemplate"): Printer(
        (NAME, Column("Containers"), Column("Images"), text("Pod Labels")), _pod_template_cells
    ),
}
