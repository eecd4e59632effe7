"""The API server's refusals: which code, reason, message and details an error has.

Owns: making ApiErrors whose `details` are those of a metav1.Status. Must not know: why something is refused.
Source: Kubernetes 1.34, apimachinery/pkg/api/errors: `kind` is the plural for what concerns one object's existence or
version, and the kind itself for Invalid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from canarium.kube.cluster import AlreadyExists, ApiError, Conflict, NotFound
from canarium.kube.resources import Resource
from canarium.kube.schema_problems import Cause


def _details(resource: Resource, name: str, kind: str = "", causes: Sequence[Cause] = ()) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name, "group": resource.group, "kind": kind or resource.plural}
    if causes:
        details["causes"] = [{"reason": reason, "message": text, "field": field} for field, reason, text in causes]
    return {key: value for key, value in details.items() if value}


def not_found(resource: Resource, name: str) -> NotFound:
    """404: no object of that name."""
    return NotFound(404, "NotFound", f'{resource.group_resource} "{name}" not found', details=_details(resource, name))


def no_such_resource() -> NotFound:
    """404: nobody serves that resource or subresource."""
    return NotFound(404, "NotFound", "the server could not find the requested resource", details={})


def already_exists(resource: Resource, name: str) -> AlreadyExists:
    """409: the name is taken."""
    message = f'{resource.group_resource} "{name}" already exists'
    return AlreadyExists(409, "AlreadyExists", message, details=_details(resource, name))


def conflict(resource: Resource, name: str, problem: str) -> Conflict:
    """409: the object is not what the request believed it to be."""
    message = f'Operation cannot be fulfilled on {resource.group_resource} "{name}": {problem}'
    return Conflict(409, "Conflict", message, details=_details(resource, name))


def failed_precondition(resource: Resource, name: str, problem: str) -> Conflict:
    """409 for a deletion; upstream names the kind here where all else names the plural (rest.BeforeDelete)."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    message = f'Operation cannot be fulfilled on {kind} "{name}": {problem}'
    return Conflict(409, "Conflict", message, details=_details(resource, name, resource.kind))


def modified(resource: Resource, name: str) -> Conflict:
    """409: the resourceVersion is not the current one."""
    problem = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, problem)


def other_uid(resource: Resource, name: str, wanted: str, actual: str) -> Conflict:
    """409: an update meant for another object of the same name."""
    problem = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {actual}"
    return conflict(resource, name, problem)


def forbidden(resource: Resource, name: str, problem: str, causes: Sequence[Cause] = ()) -> ApiError:
    """403: allowed to nobody in this state."""
    message = f'{resource.group_resource} "{name}" is forbidden: {problem}'
    return ApiError(403, "Forbidden", message, causes=causes, details=_details(resource, name, causes=causes))


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """422: the object breaks its kind's rules."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    told = list(dict.fromkeys(f"{field}: {message}" for field, _, message in causes))
    listed = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    message = f'{kind} "{name}" is invalid: {listed}'
    return ApiError(
        422, "Invalid", message, causes=causes, details=_details(resource, name, resource.kind, causes=causes)
    )
