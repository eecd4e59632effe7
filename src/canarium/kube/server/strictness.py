"""`fieldValidation`: what happens to fields that a kind does not have.

Owns: Strict, Warn and Ignore. Must not know: how a kind's fields are known.
Source: Kubernetes 1.34, apiserver pkg/endpoints/handlers/fieldmanager and create.go (strict decoding errors).
"""

from __future__ import annotations

from canarium.kube.cluster import ApiError
from canarium.kube.objects import Obj
from canarium.kube.registry import Registry
from canarium.kube.resources import Resource


def checked(registry: Registry, resource: Resource, obj: Obj, validation: str, raw: bytes = b"") -> list[str]:
    """Warnings about an object's fields. Raises ApiError (BadRequest) for unknown ones under Strict, and for values of
    the wrong type under any. raw: the body as it was sent, in which a field may stand twice."""
    if validation not in ("", "Strict", "Warn", "Ignore"):
        message = f'Unsupported value: "{validation}": supported values: "", "Ignore", "Strict", "Warn"'
        raise ApiError(422, "Invalid", f"fieldValidation: {message}", causes=[("fieldValidation", "", message)])
    from canarium.kube.coretypes import duplicate_fields, field_problems, type_problem

    schema = registry.schema_of(resource)
    whole = f"{resource.kind} in version {resource.version!r} cannot be handled as a {resource.kind}".replace("'", '"')
    if schema is None:
        problem = type_problem(resource.api_version, resource.kind, obj)
        if problem:
            raise ApiError(400, "BadRequest", f"{whole}: {problem}")
    if validation in ("", "Ignore"):
        return []
    problems = field_problems(resource.api_version, resource.kind, obj, schema)
    if raw.lstrip()[:1] == b"{":
        problems += duplicate_fields(raw)
    if problems and validation == "Strict":
        told = f"strict decoding error: {', '.join(problems)}"
        raise ApiError(400, "BadRequest", f"{whole}: {told}" if schema is None else told)
    return problems
