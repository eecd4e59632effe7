"""Whether what a request says can be decoded into its kind; `fieldValidation`: what happens to unknown fields.

Owns: Strict, Warn and Ignore; which error says it. Must not know: how a kind's fields are known.
Source: Kubernetes 1.34, apiserver pkg/endpoints/handlers create.go and patch.go (decoding errors of either).
"""

from __future__ import annotations

from typing import Any

import msgspec

from canarium.kube.cluster import ApiError
from canarium.kube.objects import Obj
from canarium.kube.registry import Registry
from canarium.kube.resources import Resource
from canarium.kube.scale import SCALES


def checked(registry: Registry, resource: Resource, obj: Obj, validation: str, raw: bytes = b"") -> list[str]:
    """Warnings about an object's fields. Raises ApiError (BadRequest) for unknown ones under Strict, and for values of
    the wrong type under any. raw: the body as it was sent, in which a field may stand twice."""
    _check_option(validation)
    schema = _schema_of(registry, resource)
    whole = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
    _check_types(resource, obj, is_custom=schema is not None)
    problems = _unknown_fields(registry, resource, obj, validation, raw)
    if problems and validation == "Strict":
        told = f"strict decoding error: {', '.join(problems)}"
        raise ApiError(400, "BadRequest", f"{whole}: {told}" if schema is None else told)
    return problems


def checked_part(api_version: str, kind: str, obj: Any) -> None:
    """Values of the wrong type in what is posted to a subresource. Raises ApiError (BadRequest)."""
    group, _, version = api_version.rpartition("/")
    _check_types(Resource(group, version, kind, ""), obj, is_custom=False)


def patched(
    registry: Registry, resource: Resource, obj: Obj, validation: str, patch: Any, *, is_strategic: bool
) -> list[str]:
    """Warnings about the fields of an object that a patch has changed. Raises ApiError (Invalid) for unknown ones under
    Strict, and for values of the wrong type under any."""
    from canarium.kube.coretypes import type_problem

    _check_option(validation)
    problem = None
    if _schema_of(registry, resource) is None:
        problem = type_problem(resource.api_version, resource.kind, obj)
    warnings = [] if problem else _unknown_fields(registry, resource, obj, validation)
    if warnings and validation == "Strict":
        problem = f"strict decoding error: {', '.join(warnings)}"
    if problem is None:
        return warnings
    value = _go_printed(patch) if is_strategic else msgspec.json.encode(obj).decode()
    message = f"Invalid value: {msgspec.json.encode(value).decode()}: {problem}"
    raise ApiError(
        422, "Invalid", f' "" is invalid: patch: {message}', causes=[("patch", "FieldValueInvalid", message)]
    )


def _go_printed(value: Any) -> str:
    """JSON as Go prints a map: `map[spec:map[replicas:3]]`."""
    match value:
        case dict():
            return f"map[{' '.join(f'{key}:{_go_printed(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(map(_go_printed, value))}]"
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _check_option(validation: str) -> None:
    if validation not in ("", "Strict", "Warn", "Ignore"):
        message = f'Unsupported value: "{validation}": supported values: "", "Ignore", "Strict", "Warn"'
        raise ApiError(422, "Invalid", f"fieldValidation: {message}", causes=[("fieldValidation", "", message)])


def _schema_of(registry: Registry, resource: Resource) -> Any:
    return None if resource == SCALES else registry.schema_of(resource)


def _check_types(resource: Resource, obj: Any, *, is_custom: bool) -> None:
    from canarium.kube.coretypes import type_problem

    problem = None if is_custom else type_problem(resource.api_version, resource.kind, obj)
    if problem:
        whole = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
        raise ApiError(400, "BadRequest", f"{whole}: {problem}")


def _unknown_fields(registry: Registry, resource: Resource, obj: Obj, validation: str, raw: bytes = b"") -> list[str]:
    from canarium.kube.coretypes import duplicate_fields, field_problems

    if validation in ("", "Ignore"):
        return []
    problems = field_problems(resource.api_version, resource.kind, obj, _schema_of(registry, resource))
    if raw.lstrip()[:1] == b"{":
        problems += duplicate_fields(raw)
    return problems
