"""What the API server refuses about any object's metadata: names, labels, owners, finalizers.

Owns: those rules, with field paths. Pure. What a kind says beyond them is in `kind_validation`, pods in
`pod_validation`. Source: Kubernetes 1.34, apimachinery/pkg/api/validation/objectmeta.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canarium.kube.causes import (
    dns_1035_problems,
    invalid,
    label_name_problems,
    label_problems,
    path_segment_problems,
    required,
    subdomain_problems,
)
from canarium.kube.kind_validation import core_problems
from canarium.kube.objects import Obj
from canarium.kube.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    NAMESPACES,
    ROLE_BINDINGS,
    ROLES,
    SERVICES,
    Resource,
)
from canarium.kube.schema import Cause
from canarium.text.gojson import go_json

_NAMES: Mapping[Resource, Callable[[str], list[str]]] = {
    NAMESPACES: label_name_problems,
    SERVICES: dns_1035_problems,
    ROLES: path_segment_problems,
    ROLE_BINDINGS: path_segment_problems,
    CLUSTER_ROLES: path_segment_problems,
    CLUSTER_ROLE_BINDINGS: path_segment_problems,
}
"""Kinds whose names are not RFC 1123 subdomains."""


def metadata_problems(resource: Resource, obj: Obj, old: Obj | None) -> list[Cause]:
    """Name, labels, annotations, owners and finalizers."""
    metadata = obj["metadata"]
    name = metadata.get("name", "")
    causes: list[Cause] = []
    if not isinstance(name, str) or not name:
        return [required("metadata.name", "name or generateName is required")]
    if old is None:
        causes += [
            invalid("metadata.name", name, problem) for problem in _NAMES.get(resource, subdomain_problems)(name)
        ]
    causes += label_problems(metadata.get("labels"), "metadata.labels")
    annotations = metadata.get("annotations")
    if annotations is not None and not isinstance(annotations, dict):
        causes.append(("metadata.annotations", "FieldValueTypeInvalid", "Invalid value: must be a map of strings"))
    causes += _owner_problems(metadata.get("ownerReferences") or ())
    if old is not None and "deletionTimestamp" in old["metadata"]:
        former = old["metadata"].get("finalizers") or ()
        added = sorted(set(metadata.get("finalizers") or ()).difference(former))
        if added:
            shown = ", ".join(f'"{name}"' for name in added)
            message = (
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers"
                f" []string{{{shown}}}"
            )
            causes.append(("metadata.finalizers", "FieldValueForbidden", message))
    return causes


def _owner_problems(owners: Sequence[Mapping[str, Any]]) -> list[Cause]:
    path = "metadata.ownerReferences"
    causes: list[Cause] = []
    for owner in owners:
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                problem = "version must not be empty" if name == "apiVersion" else "must not be empty"
                causes.append((f"{path}.{name}", "FieldValueInvalid", f'Invalid value: "": {problem}'))
    controllers = [f"{owner.get('kind')}/{owner.get('name')}" for owner in owners if owner.get("controller")]
    for other in controllers[1:]:
        message = (
            f"Invalid value: {go_json(list(owners))}: Only one reference can have Controller set to true. Found"
            f' "true" in references for {controllers[0]} and {other}'
        )
        causes.append((path, "FieldValueInvalid", message))
    return causes


__all__ = ["core_problems", "metadata_problems"]
