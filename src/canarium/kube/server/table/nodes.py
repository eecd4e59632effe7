"""What `kubectl get` shows of nodes and namespaces.

Owns: their columns. Must not know: scheduling. Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canarium.kube.objects import Obj, labels_of
from canarium.kube.server.table.age import UNKNOWN
from canarium.kube.server.table.columns import (
    AGE,
    NAME,
    NONE,
    Cells,
    Printer,
    age_of,
    is_going,
    name_of,
    spec_of,
    status_of,
    text,
)

_ROLE_PREFIX = "node-role.kubernetes.io/"


def _node_cells(obj: Obj, now: datetime) -> Cells:
    status = status_of(obj)
    info = status.get("nodeInfo") or {}
    return [
        name_of(obj),
        _node_status(obj),
        ",".join(_roles(labels_of(obj))) or NONE,
        age_of(obj, now),
        info.get("kubeletVersion", ""),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _node_status(obj: Obj) -> str:
    said = [one.get("status") for one in status_of(obj).get("conditions") or () if one.get("type") == "Ready"]
    ready = "Unknown" if not said else "Ready" if said[-1] == "True" else "NotReady"
    return f"{ready},SchedulingDisabled" if spec_of(obj).get("unschedulable") else ready


def _roles(labels: Mapping[str, str]) -> list[str]:
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    return sorted((roles | {labels.get("kubernetes.io/role", "")}) - {""})


def _address(status: Mapping[str, Any], kind: str) -> str:
    for address in status.get("addresses") or ():
        if address.get("type") == kind:
            return str(address.get("address", ""))
    return NONE


def _namespace_cells(obj: Obj, now: datetime) -> Cells:
    phase = status_of(obj).get("phase") or ("Terminating" if is_going(obj) else "Active")
    return [name_of(obj), phase, age_of(obj, now)]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Node"): Printer(
        (
            NAME,
            text("Status", "Whether the node is ready, and open for new pods."),
            text("Roles", "What the node's labels say it is for."),
            AGE,
            text("Version", "The kubelet's version."),
            text("Internal-IP", priority=1),
            text("External-IP", priority=1),
            text("OS-Image", priority=1),
            text("Kernel-Version", priority=1),
            text("Container-Runtime", priority=1),
        ),
        _node_cells,
    ),
    ("", "Namespace"): Printer((NAME, text("Status", "The namespace's phase."), AGE), _namespace_cells),
}
