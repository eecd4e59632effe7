"""Core kinds that are served in more than one version, and how an object is said in the other one.

Owns: conversion between `autoscaling/v1` and `v2`, and between core Events and `events.k8s.io/v1`, as pure functions.
Must not know: storage. Source: Kubernetes 1.34, pkg/apis/{autoscaling,events}/v1/conversion.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from canarium.kube.objects import Obj
from canarium.kube.resources import (
    EVENTS,
    EVENTS_V1,
    HORIZONTAL_POD_AUTOSCALERS,
    HORIZONTAL_POD_AUTOSCALERS_V1,
    Resource,
)

_METRICS_ANNOTATION = "autoscaling.alpha.kubernetes.io/metrics"
_BEHAVIOR_ANNOTATION = "autoscaling.alpha.kubernetes.io/behavior"
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder().decode


class OtherVersion(msgspec.Struct, frozen=True):
    """A version that is served but not stored. Both functions take and give whole objects, and share what they can."""

    stored_as: Resource
    to_stored: Callable[[Obj], Obj]
    from_stored: Callable[[Obj], Obj]


def renamed_version(resource: Resource, stored_as: Resource) -> OtherVersion:
    """A version that differs in its name only: conversion strategy None of CustomResourceDefinitions."""
    return OtherVersion(
        stored_as,
        lambda obj: {**obj, "apiVersion": stored_as.api_version},
        lambda obj: {**obj, "apiVersion": resource.api_version},
    )


def _is_cpu(metric: Mapping[str, Any]) -> bool:
    named = metric.get("resource") or {}
    return metric.get("type") == "Resource" and named.get("name") == "cpu"


def _autoscaler_to_v2(obj: Obj) -> Obj:
    metadata = dict(obj.get("metadata") or {})
    spec = dict(obj.get("spec") or {})
    target = spec.pop("targetCPUUtilizationPercentage", None)
    metrics: list[Any] = []
    if target is not None:
        utilization = {"type": "Utilization", "averageUtilization": target}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": utilization}})
    annotations = dict(metadata.get("annotations") or {})
    if _METRICS_ANNOTATION in annotations:
        metrics = [*_decode(annotations.pop(_METRICS_ANNOTATION)), *metrics]
    if _BEHAVIOR_ANNOTATION in annotations:
        spec["behavior"] = _decode(annotations.pop(_BEHAVIOR_ANNOTATION))
    if "annotations" in metadata:
        metadata["annotations"] = annotations
    if not metadata.get("annotations"):
        metadata.pop("annotations", None)
    if metrics:
        spec["metrics"] = metrics
    status = dict(obj.get("status") or {})
    current = status.pop("currentCPUUtilizationPercentage", None)
    if current is not None:
        now = {"name": "cpu", "current": {"averageUtilization": current}}
        status["currentMetrics"] = [{"type": "Resource", "resource": now}]
    return _with_status({**obj, "apiVersion": "autoscaling/v2", "metadata": metadata, "spec": spec}, obj, status)


def _autoscaler_to_v1(obj: Obj) -> Obj:
    metadata = obj["metadata"]
    spec = dict(obj.get("spec") or {})
    others: list[Any] = []
    for metric in spec.pop("metrics", None) or ():
        target = ((metric.get("resource") or {}).get("target") or {}).get("averageUtilization")
        if _is_cpu(metric) and target is not None and "targetCPUUtilizationPercentage" not in spec:
            spec["targetCPUUtilizationPercentage"] = target
        else:
            others.append(metric)
    annotations = dict(metadata.get("annotations") or {})
    if others:
        annotations[_METRICS_ANNOTATION] = _encode(others).decode()
    behavior = spec.pop("behavior", None)
    if behavior:
        annotations[_BEHAVIOR_ANNOTATION] = _encode(behavior).decode()
    if annotations:
        metadata = {**metadata, "annotations": annotations}
    status = dict(obj.get("status") or {})
    for metric in status.pop("currentMetrics", None) or ():
        current = ((metric.get("resource") or {}).get("current") or {}).get("averageUtilization")
        if _is_cpu(metric) and current is not None:
            status["currentCPUUtilizationPercentage"] = current
    status.pop("conditions", None)
    return _with_status({**obj, "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec}, obj, status)


def _with_status(converted: Obj, obj: Obj, status: Mapping[str, Any]) -> Obj:
    return {**converted, "status": dict(status)} if "status" in obj else converted


_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}


def _event_from_core(obj: Obj) -> Obj:
    return {_EVENT_FIELDS.get(key, key): value for key, value in obj.items()} | {"apiVersion": EVENTS_V1.api_version}


def _event_to_core(obj: Obj) -> Obj:
    names = {new: old for old, new in _EVENT_FIELDS.items()}
    return {names.get(key, key): value for key, value in obj.items()} | {"apiVersion": EVENTS.api_version}


OTHER_VERSIONS: Mapping[Resource, OtherVersion] = {
    HORIZONTAL_POD_AUTOSCALERS_V1: OtherVersion(HORIZONTAL_POD_AUTOSCALERS, _autoscaler_to_v2, _autoscaler_to_v1),
    EVENTS_V1: OtherVersion(EVENTS, _event_to_core, _event_from_core),
}
