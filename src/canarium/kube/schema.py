"""Structural schemas of CustomResourceDefinitions: defaulting, pruning and validation.

Owns: those three, as pure functions of (value, schema). Must not know: storage or HTTP.
Behaviour follows apiextensions-apiserver's structural schemas; CEL rules are not evaluated.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
Cause: TypeAlias = tuple[str, str, str]
"""(field path, reason, message), as metav1.StatusCause has them."""

_TYPE_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def reviewed(obj: dict[str, Any], old: Mapping[str, Any] | None, schema: Schema) -> tuple[dict[str, Any], list[Cause]]:
    """An object pruned and defaulted, and what is wrong with it.

    old: the stored object on update. Its fields passed the schema already, so those that did not change at the top
    level (the whole spec, when a status is written) are taken as they are.
    """
    same = {name for name, part in obj.items() if old is not None and name in old and old[name] == part}
    narrowed = {
        **schema,
        "properties": {name: part for name, part in (schema.get("properties") or {}).items() if name not in same},
        "required": [name for name in schema.get("required") or () if name not in same],
    }
    checked = with_defaults(pruned({name: part for name, part in obj.items() if name not in same}, narrowed), narrowed)
    kept = {name: checked.get(name, obj[name]) for name in obj if name in same or name in checked}
    return {**kept, **checked}, problems(checked, narrowed)


def with_defaults(value: Any, schema: Schema) -> Any:
    """A value with the schema's defaults filled in, at every depth. Shares what did not change."""
    if isinstance(value, dict):
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        result = value
        for name, part in properties.items():
            if name in value:
                child = with_defaults(value[name], part)
                if child is not value[name]:
                    result = {**result, name: child}
            elif "default" in part:
                result = {**result, name: with_defaults(copy.deepcopy(part["default"]), part)}
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for name in value:
                if name not in properties:
                    child = with_defaults(value[name], extra)
                    if child is not value[name]:
                        result = {**result, name: child}
        return result
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        items = [with_defaults(item, schema["items"]) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def pruned(value: Any, schema: Schema, *, is_root: bool = True) -> Any:
    """A value without the fields that the schema does not name, unless it preserves unknown fields."""
    if isinstance(value, dict):
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        keeps_unknown = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or extra is True
        result: dict[str, Any] = {}
        for name, child in value.items():
            if is_root and name in ("apiVersion", "kind", "metadata"):
                result[name] = child
            elif name in properties:
                result[name] = pruned(child, properties[name], is_root=False)
            elif isinstance(extra, dict):
                result[name] = pruned(child, extra, is_root=False)
            elif keeps_unknown:
                result[name] = child
        return result
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [pruned(item, schema["items"], is_root=False) for item in value]
    return value


def problems(value: Any, schema: Schema, path: str = "") -> list[Cause]:
    """What is wrong with a value, each with its field path, in apiextensions' words."""
    if schema.get("x-kubernetes-int-or-string"):
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return []
        return [_wrong_type(path, "integer,string", value)]
    wanted = schema.get("type")
    if value is None:
        return [] if schema.get("nullable") or not wanted else [_wrong_type(path, wanted, value)]
    if wanted and not _is_a(value, wanted):
        return [_wrong_type(path, wanted, value)]
    causes: list[Cause] = []
    if "enum" in schema and value not in schema["enum"]:
        choices = ", ".join(f'"{choice}"' for choice in schema["enum"])
        causes.append(
            (path, "FieldValueNotSupported", f"Unsupported value: {_shown(value)}: supported values: {choices}")
        )
    causes += _number_problems(value, schema, path)
    if isinstance(value, dict):
        causes += _object_problems(value, schema, path)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            causes += problems(item, schema["items"], f"{path}[{index}]")
    return causes


def _object_problems(value: dict[str, Any], schema: Schema, path: str) -> list[Cause]:
    causes: list[Cause] = [
        (_join(path, name), "FieldValueRequired", "Required value")
        for name in schema.get("required") or ()
        if name not in value
    ]
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for name, child in value.items():
        if not path and name in ("apiVersion", "kind", "metadata"):
            continue
        if name in properties:
            causes += problems(child, properties[name], _join(path, name))
        elif isinstance(extra, dict):
            causes += problems(child, extra, _join(path, name))
    return causes


def _number_problems(value: Any, schema: Schema, path: str) -> list[Cause]:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return []
    where = path.rpartition(".")[2]
    causes: list[Cause] = []
    if "minimum" in schema and value < schema["minimum"]:
        message = f"Invalid value: {value}: {where} in body should be greater than or equal to {schema['minimum']}"
        causes.append((path, "FieldValueInvalid", message))
    if "maximum" in schema and value > schema["maximum"]:
        message = f"Invalid value: {value}: {where} in body should be less than or equal to {schema['maximum']}"
        causes.append((path, "FieldValueInvalid", message))
    return causes


def _is_a(value: Any, wanted: str) -> bool:
    match wanted:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return is_whole and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case _:
            return True


def _wrong_type(path: str, wanted: str, value: Any) -> Cause:
    actual = "null" if value is None else _TYPE_NAMES.get(type(value), type(value).__name__)
    where = path or "<nil>"
    message = f'Invalid value: "{actual}": {where} in body must be of type {wanted}: "{actual}"'
    return (path or "<nil>", "FieldValueTypeInvalid", message)


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
