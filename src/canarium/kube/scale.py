"""The scale subresource: how many replicas an object asks for and has, whatever its kind.

Owns: reading and writing `autoscaling/v1` Scale objects, as pure functions. Must not know: storage.
Source: Kubernetes 1.34, pkg/registry/apps/*/storage (ScaleREST) and apiextensions-apiserver customresource/etcd.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.kube.schema_problems import Cause

SCALES = Resource("autoscaling", "v1", "Scale", "scales", has_generation=False)
"""What errors about a Scale name; nothing is stored as one."""


class ScalePaths(msgspec.Struct, frozen=True):
    """Where an object keeps its replicas: JSON paths of fields such as `.spec.replicas`. selector: empty for none."""

    spec: str = ".spec.replicas"
    status: str = ".status.replicas"
    selector: str = ""


def scale_paths(subresource: Mapping[str, Any]) -> ScalePaths:
    """The paths that a CustomResourceDefinition's `subresources.scale` names."""
    return ScalePaths(
        subresource["specReplicasPath"], subresource["statusReplicasPath"], subresource.get("labelSelectorPath", "")
    )


def scale_of(obj: Obj, paths: ScalePaths) -> Obj:
    """The Scale of an object; its metadata are the object's own name, uid and versions."""
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    spec = _at(obj, paths.spec)
    status: Obj = {"replicas": _at(obj, paths.status) or 0}
    selector = _at(obj, paths.selector) if paths.selector else (obj.get("spec") or {}).get("selector")
    text = selector if isinstance(selector, str) else selector_text(selector)
    if text:
        status["selector"] = text
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": spec} if spec else {},
        "status": status,
    }


def scaled(obj: Obj, scale: Mapping[str, Any], paths: ScalePaths) -> Obj:
    """The object asking for the Scale's replicas."""
    return _with(obj, _parts(paths.spec), (scale.get("spec") or {}).get("replicas") or 0)


def scale_problems(scale: Mapping[str, Any]) -> list[Cause]:
    """What is wrong with a Scale that somebody sent."""
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        return [("spec.replicas", "FieldValueTypeInvalid", f"Invalid value: {replicas!r}: must be an integer")]
    if replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        return [("spec.replicas", "FieldValueInvalid", message)]
    return []


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector, or the plain map of a ReplicationController, in the API's text form (metav1.LabelSelector
    formatted by LabelSelectorAsSelector: requirements ordered by key)."""
    if not selector:
        return ""
    is_plain = "matchLabels" not in selector and "matchExpressions" not in selector
    labels = selector if is_plain else selector.get("matchLabels") or {}
    terms = [(key, f"{key}={value}") for key, value in labels.items()]
    for wanted in () if is_plain else selector.get("matchExpressions") or ():
        key, values = wanted["key"], ",".join(sorted(wanted.get("values") or ()))
        texts = {"Exists": key, "DoesNotExist": f"!{key}", "In": f"{key} in ({values})"}
        terms.append((key, texts.get(wanted["operator"], f"{key} notin ({values})")))
    return ",".join(text for _, text in sorted(terms))


def _parts(path: str) -> list[str]:
    return [part for part in path.split(".") if part]


def _at(obj: Mapping[str, Any], path: str) -> Any:
    value: Any = obj
    for part in _parts(path):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _with(obj: Mapping[str, Any], parts: list[str], value: Any) -> dict[str, Any]:
    first, *rest = parts
    return {**obj, first: _with(obj.get(first) or {}, rest, value) if rest else value}
