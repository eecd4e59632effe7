"""What the API server refuses for core kinds, with field paths.

Owns: names, labels, and the rules of core kinds that a manifest can plausibly break. Pure.
Source: Kubernetes 1.34, apimachinery/pkg/util/validation and pkg/apis/{core,apps}/validation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from canarium.kube.objects import Obj, matches_labels
from canarium.kube.resources import DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS, SERVICES, Resource
from canarium.kube.schema import Cause
from canarium.text.gojson import go_json

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    " character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def metadata_problems(resource: Resource, obj: Obj, old: Obj | None) -> list[Cause]:
    """Name, labels, annotations, owners and finalizers."""
    metadata = obj["metadata"]
    name = metadata.get("name", "")
    causes: list[Cause] = []
    if not isinstance(name, str) or not name:
        return [("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")]
    if resource in (NAMESPACES, SERVICES):
        if len(name) > 63 or not _LABEL.fullmatch(name):
            causes.append(("metadata.name", "FieldValueInvalid", f'Invalid value: "{name}": {_LABEL_RULE}'))
    elif len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        causes.append(("metadata.name", "FieldValueInvalid", f'Invalid value: "{name}": {_SUBDOMAIN_RULE}'))
    causes += _label_problems(metadata.get("labels"), "metadata.labels")
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


def _label_problems(labels: Any, path: str) -> list[Cause]:
    if labels is None:
        return []
    if not isinstance(labels, dict):
        return [(path, "FieldValueTypeInvalid", "Invalid value: must be a map of strings")]
    causes: list[Cause] = []
    for key, value in labels.items():
        name = key.rpartition("/")[2]
        if len(name) > 63 or not _QUALIFIED.fullmatch(name):
            causes.append((path, "FieldValueInvalid", f'Invalid value: "{key}": {_KEY_RULE}'))
        if not isinstance(value, str):
            causes.append((path, "FieldValueTypeInvalid", f"Invalid value: {value}: a label's value is a string"))
        elif len(value) > 63 or (value and not _QUALIFIED.fullmatch(value)):
            causes.append((path, "FieldValueInvalid", f'Invalid value: "{value}": {_VALUE_RULE}'))
    return causes


def core_problems(resource: Resource, obj: Obj, old: Obj | None = None) -> list[Cause]:
    """What a core kind's own rules say; `old` on update, for immutable fields."""
    if resource in (REPLICA_SETS, DEPLOYMENTS):
        return _workload_problems(obj.get("spec") or {}, old)
    if resource == PODS:
        return _pod_spec_problems(obj.get("spec") or {}, "spec")
    if resource == SERVICES:
        return _service_problems(obj.get("spec") or {}, old)
    return []


def _workload_problems(spec: Mapping[str, Any], old: Obj | None) -> list[Cause]:
    causes: list[Cause] = []
    selector = spec.get("selector")
    if not selector:
        causes.append(("spec.selector", "FieldValueRequired", "Required value"))
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector and not matches_labels(selector, labels):
        shown = _go_map(labels)
        message = f"Invalid value: {shown}: `selector` does not match template `labels`"
        causes.append(("spec.template.metadata.labels", "FieldValueInvalid", message))
    replicas = spec.get("replicas")
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        causes.append(("spec.replicas", "FieldValueTypeInvalid", f"Invalid value: {replicas!r}: must be an integer"))
    elif replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        causes.append(("spec.replicas", "FieldValueInvalid", message))
    causes += _pod_spec_problems(template.get("spec") or {}, "spec.template.spec")
    if old is not None and (old.get("spec") or {}).get("selector") != selector:
        causes.append(("spec.selector", "FieldValueInvalid", "Invalid value: field is immutable"))
    return causes


def _go_map(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{key}":"{value}"' for key, value in sorted(labels.items())) + "}"


def _pod_spec_problems(spec: Mapping[str, Any], path: str) -> list[Cause]:
    causes: list[Cause] = []
    containers = spec.get("containers") or []
    if not containers:
        causes.append((f"{path}.containers", "FieldValueRequired", "Required value"))
    names: list[str] = []
    for index, container in enumerate(containers):
        at = f"{path}.containers[{index}]"
        name = container.get("name")
        if not name:
            causes.append((f"{at}.name", "FieldValueRequired", "Required value"))
        elif not _LABEL.fullmatch(name):
            causes.append((f"{at}.name", "FieldValueInvalid", f'Invalid value: "{name}": {_LABEL_RULE}'))
        elif name in names:
            causes.append((f"{at}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'))
        names.append(name)
        if not container.get("image"):
            causes.append((f"{at}.image", "FieldValueRequired", "Required value"))
    return causes


def _service_problems(spec: Mapping[str, Any], old: Obj | None) -> list[Cause]:
    causes: list[Cause] = []
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        causes.append(("spec.ports", "FieldValueRequired", "Required value"))
    for index, port in enumerate(ports):
        number = port.get("port")
        if not isinstance(number, int) or not 1 <= number <= 65535:
            message = f"Invalid value: {number}: must be between 1 and 65535, inclusive"
            causes.append((f"spec.ports[{index}].port", "FieldValueInvalid", message))
        if len(ports) > 1 and not port.get("name"):
            causes.append((f"spec.ports[{index}].name", "FieldValueRequired", "Required value"))
    if old is not None:
        former = (old.get("spec") or {}).get("clusterIP")
        if former and spec.get("clusterIP") != former:
            message = f'Invalid value: "{spec.get("clusterIP", "")}": field is immutable'
            causes.append(("spec.clusterIP", "FieldValueInvalid", message))
    return causes
