"""What `kubectl get hpa` shows, for v1 and v2 objects.

Owns: the TARGETS text. Must not know: how anything is scaled.
Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go (formatHPAMetrics); pkg/apis/autoscaling/v1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.server.table.age import UNKNOWN
from canarium.kube.server.table.columns import (
    AGE,
    NAME,
    NONE,
    Cells,
    Printer,
    age_of,
    name_of,
    spec_of,
    status_of,
    text,
)

Metric = Mapping[str, Any]

_SHOWN = 2
_SOURCES = {
    "External": "external",
    "Pods": "pods",
    "Object": "object",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}


def _cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    target = spec.get("scaleTargetRef") or {}
    minimum = spec.get("minReplicas")
    return [
        name_of(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _targets(*_metrics(spec, status)),
        str(1 if minimum is None else minimum),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        age_of(obj, now),
    ]


def _metrics(spec: Metric, status: Metric) -> tuple[Sequence[Metric], Sequence[Metric]]:
    """Wanted and current metrics; v1's CPU fields are the one resource metric that they stand for."""
    wanted, current = spec.get("metrics"), status.get("currentMetrics") or []
    if wanted is not None or spec.get("targetCPUUtilizationPercentage") is None:
        return wanted or [], current
    now_used = status.get("currentCPUUtilizationPercentage")
    return (
        [_cpu("target", spec["targetCPUUtilizationPercentage"])],
        [] if now_used is None else [_cpu("current", now_used)],
    )


def _cpu(field: str, percent: int) -> Metric:
    return {"type": "Resource", "resource": {"name": "cpu", field: {"averageUtilization": percent}}}


def _targets(wanted: Sequence[Metric], current: Sequence[Metric]) -> str:
    if not wanted:
        return NONE
    parts = [_one(spec, current[at] if at < len(current) else {}) for at, spec in enumerate(wanted)]
    shown = ", ".join(parts[:_SHOWN])
    return f"{shown} + {len(parts) - _SHOWN} more..." if len(parts) > _SHOWN else shown


def _one(spec: Metric, status: Metric) -> str:
    """`current/target`, the current one `<unknown>` until it has been measured."""
    kind = spec.get("type", "")
    if kind not in _SOURCES:
        return "<unknown type>"
    source = spec.get(_SOURCES[kind]) or {}
    target = source.get("target") or {}
    current = (status.get(_SOURCES[kind]) or {}).get("current") or {}
    average = target.get("averageValue")
    if kind in ("Resource", "ContainerResource"):
        if average is not None:
            return f"{source.get('name', '')}: {current.get('averageValue', UNKNOWN)}/{average}"
        used, wanted = _percent(current, UNKNOWN), _percent(target, "<auto>")
        return f"{source.get('name', '')}: {used}/{wanted}"
    if kind == "Pods":
        return f"{current.get('averageValue', UNKNOWN)}/{average}"
    if average is not None:
        return f"{current.get('averageValue', UNKNOWN)}/{average} (avg)"
    return f"{current.get('value', UNKNOWN)}/{target.get('value')}"


def _percent(values: Metric, otherwise: str) -> str:
    used = values.get("averageUtilization")
    return otherwise if used is None else f"{used}%"


PRINTERS: dict[tuple[str, str], Printer] = {
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(
        (
            NAME,
            text("Reference", "What is scaled."),
            text("Targets", "Current and wanted value of each metric."),
            text("MinPods"),
            text("MaxPods"),
            text("Replicas"),
            AGE,
        ),
        _cells,
    ),
}
