"""The tables as schemas: how the fields of a built-in kind nest, and how its lists and maps merge.

Owns: the OpenAPI words for what a table says. Must not know: how a document is laid out, who reads it.
Source: Kubernetes 1.34, kube-openapi pkg/generators (formats, `required`, list and map types).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from canarium.kube.coretypes.table import MODULES, Field, Message, Ref, message_of, ref, table
from canarium.kube.resources import Resource

Schema = Mapping[str, Any]
"""An OpenAPI schema. Equal types share one dict: read it, never change it."""

ANYTHING: Schema = {"x-kubernetes-preserve-unknown-fields": True}

_SCALARS: Mapping[str, Schema] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "double": {"type": "number", "format": "double"},
    "bytes": {"type": "string", "format": "byte"},
    "Time": {"type": "string", "format": "date-time"},
    "MicroTime": {"type": "string", "format": "date-time"},
    "Quantity": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    "IntOrString": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    "RawExtension": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "FieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "Strings": {"type": "array", "items": {"type": "string"}},
    "JSON": ANYTHING,
    "JSONSchemaPropsOrBool": ANYTHING,
    "JSONSchemaPropsOrArray": ANYTHING,
    "JSONSchemaPropsOrStringArray": ANYTHING,
}

TypeSchema = Callable[[Ref], Schema]
"""The schema of a type that has a name: nested in place, or a reference to it."""


def known_kinds() -> Sequence[tuple[str, str]]:
    """(apiVersion, kind) of every kind whose fields are known, without lists."""
    return [(api_version, kind) for api_version, module in MODULES.items() for kind in table(module).kinds()]


def knows(resource: Resource) -> bool:
    """Whether the fields of a resource's kind are known."""
    return message_of(resource.api_version, resource.kind) is not None


@cache
def structural_schema(api_version: str, kind: str) -> Schema | None:
    """The schema of a built-in kind, without references; None for a kind that is not built in.

    Has `type`, `format`, `properties`, `items`, `additionalProperties`, `required`, `default` and the `x-kubernetes-…`
    words on lists and maps. A type that contains itself is cut with x-kubernetes-preserve-unknown-fields.
    """
    message = message_of(api_version, kind)
    return None if message is None else _nested(message, ())


_done: dict[tuple[str, str], Schema] = {}


def _nested(message: Message, within: tuple[Message, ...]) -> Schema:
    if message in within:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    key = (message.module, message.name)
    found = _done.get(key)
    if found is None:
        inside = (*within, message)

        def of(kind: Ref) -> Schema:
            return _SCALARS[kind.scalar] if kind.message is None else _nested(kind.message, inside)

        found = object_schema(message, of)
        if not any(outer.name == "JSONSchemaProps" for outer in inside):
            _done[key] = found
    return found


def object_schema(message: Message, of: TypeSchema) -> dict[str, Any]:
    """A message as an object schema; `of` gives the schemas of its parts."""
    schema: dict[str, Any] = {"type": "object"}
    properties: dict[str, Any] = {}
    required: list[str] = []
    _add_fields(message, of, properties, required)
    if properties:
        schema["properties"] = properties
    if required:
        schema["required"] = required
    if message.is_atomic:
        schema["x-kubernetes-map-type"] = "atomic"
    return schema


def _add_fields(message: Message, of: TypeSchema, properties: dict[str, Any], required: list[str]) -> None:
    for field in message.fields:
        kind = ref(message.module, field.type)
        if not field.name:
            assert kind.message is not None, field
            _add_fields(kind.message, of, properties, required)
            continue
        properties[field.name] = field_schema(message, field, kind, of)
        if field.is_required:
            required.append(field.name)


def field_schema(message: Message, field: Field, kind: Ref, of: TypeSchema) -> Schema:
    """The schema of one field's value."""
    part = scalar_or(kind, message, of)
    extra: dict[str, Any] = {}
    if field.is_atomic:
        extra["x-kubernetes-map-type"] = "atomic"
    if field.patch_strategy:
        extra["x-kubernetes-patch-strategy"] = field.patch_strategy
    if field.patch_merge_key:
        extra["x-kubernetes-patch-merge-key"] = field.patch_merge_key
    if field.default is not None:
        extra["default"] = field.default
    if "$ref" in part and not (field.is_pointer and field.shape == "one"):
        part = {"allOf": [part], "default": {}}
    if field.shape == "list":
        if field.list_type:
            extra["x-kubernetes-list-type"] = field.list_type
        if field.keys:
            extra["x-kubernetes-list-map-keys"] = list(field.keys)
        return {"type": "array", "items": part, **extra}
    if field.shape == "map":
        return {"type": "object", "additionalProperties": part, **extra}
    return with_words(part, extra)


def with_words(part: Schema, extra: Mapping[str, Any]) -> Schema:
    """A schema with more said about it; a reference stays alone, in an `allOf` beside the words."""
    if not extra:
        return part
    return {"allOf": [part], **extra} if "$ref" in part else {**part, **extra}


def scalar_or(kind: Ref, message: Message, of: TypeSchema) -> Schema:
    """The schema of a field's type: a map of a named map type, or what `of` says."""
    if kind.map_of:
        part = scalar_or(ref(message.module, kind.map_of), message, of)
        return {"type": "object", "additionalProperties": {"allOf": [part], "default": {}} if "$ref" in part else part}
    return of(kind)


def scalar_schema(scalar: str) -> Schema:
    """The schema of a scalar type of the tables."""
    return _SCALARS[scalar]
