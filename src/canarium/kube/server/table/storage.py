"""What `kubectl get` shows of volumes, claims and what provides them.

Owns: their columns. Must not know: storage.
Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go. Quantities are printed as they are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from canarium.kube.objects import Obj, annotations_of
from canarium.kube.server.table.columns import (
    AGE,
    NAME,
    UNSET,
    Cells,
    Printer,
    age_of,
    boolean,
    integer,
    is_going,
    name_of,
    spec_of,
    status_of,
    text,
)

_ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _volume_cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    claim = spec.get("claimRef")
    return [
        name_of(obj),
        str((spec.get("capacity") or {}).get("storage", "0")),
        _access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy") or "Retain",
        _phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _storage_class(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason", ""),
        age_of(obj, now),
        spec.get("volumeMode") or "Filesystem",
    ]


def _claim_cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    capacity = modes = ""
    if spec.get("volumeName"):
        capacity = str((status.get("capacity") or {}).get("storage", "0"))
        modes = _access_modes(status.get("accessModes"))
    return [
        name_of(obj),
        _phase(obj),
        spec.get("volumeName", ""),
        capacity,
        modes,
        _storage_class(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        age_of(obj, now),
        spec.get("volumeMode") or "Filesystem",
    ]


def _access_modes(modes: Sequence[str] | None) -> str:
    return ",".join(short for mode, short in _ACCESS_MODES.items() if mode in (modes or ()))


def _phase(obj: Obj) -> str:
    return "Terminating" if is_going(obj) else str(status_of(obj).get("phase") or "Pending")


def _storage_class(obj: Obj) -> str:
    """The class; the annotation that came before the field still goes before it."""
    annotated = annotations_of(obj).get("volume.beta.kubernetes.io/storage-class")
    return annotated if annotated is not None else str(spec_of(obj).get("storageClassName") or "")


def _storage_class_cells(obj: Obj, now: datetime) -> Cells:
    return [
        _marked(obj, "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"),
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        obj.get("allowVolumeExpansion") or False,
        age_of(obj, now),
    ]


def _marked(obj: Obj, *annotations: str) -> str:
    is_default = any(annotations_of(obj).get(annotation) == "true" for annotation in annotations)
    return f"{name_of(obj)} (default)" if is_default else name_of(obj)


def _attributes_class_cells(obj: Obj, now: datetime) -> Cells:
    name = _marked(obj, "storage.alpha.kubernetes.io/is-default-class")
    return [name, obj.get("driverName", ""), age_of(obj, now)]


def _attachment_cells(obj: Obj, now: datetime) -> Cells:
    spec = spec_of(obj)
    volume = (spec.get("source") or {}).get("persistentVolumeName") or ""
    attached = status_of(obj).get("attached", False)
    return [name_of(obj), spec.get("attacher", ""), volume, spec.get("nodeName", ""), attached, age_of(obj, now)]


def _csi_node_cells(obj: Obj, now: datetime) -> Cells:
    return [name_of(obj), len(spec_of(obj).get("drivers") or ()), age_of(obj, now)]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "PersistentVolume"): Printer(
        (
            NAME,
            text("Capacity"),
            text("Access Modes"),
            text("Reclaim Policy"),
            text("Status"),
            text("Claim"),
            text("StorageClass"),
            text("VolumeAttributesClass"),
            text("Reason"),
            AGE,
            text("VolumeMode", priority=1),
        ),
        _volume_cells,
    ),
    ("", "PersistentVolumeClaim"): Printer(
        (
            NAME,
            text("Status"),
            text("Volume"),
            text("Capacity"),
            text("Access Modes"),
            text("StorageClass"),
            text("VolumeAttributesClass"),
            AGE,
            text("VolumeMode", priority=1),
        ),
        _claim_cells,
    ),
    ("storage.k8s.io", "StorageClass"): Printer(
        (
            NAME,
            text("Provisioner"),
            text("ReclaimPolicy"),
            text("VolumeBindingMode"),
            text("AllowVolumeExpansion"),
            AGE,
        ),
        _storage_class_cells,
    ),
    ("storage.k8s.io", "VolumeAttributesClass"): Printer((NAME, text("DriverName"), AGE), _attributes_class_cells),
    ("storage.k8s.io", "VolumeAttachment"): Printer(
        (NAME, text("Attacher"), text("PV"), text("Node"), boolean("Attached"), AGE), _attachment_cells
    ),
    ("storage.k8s.io", "CSINode"): Printer((NAME, integer("Drivers"), AGE), _csi_node_cells),
}
