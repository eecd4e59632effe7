"""Structural schemas of CustomResourceDefinitions: pruning and defaulting.

Owns: those two as pure functions of (value, schema), and the order of all three steps. Must not know: storage or HTTP.
Source: Kubernetes 1.34, apiextensions-apiserver pkg/apiserver/schema/{pruning,defaulting}.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from canarium.kube.patch.merge import equal
from canarium.kube.schema_problems import Cause, Schema, part_of, problems

_META = ("apiVersion", "kind", "metadata")
_NO_SCHEMA: Schema = {}


def reviewed(obj: dict[str, Any], old: Mapping[str, Any] | None, schema: Schema) -> tuple[dict[str, Any], list[Cause]]:
    """An object pruned and defaulted, and what is wrong with it.

    old: the stored object on update. It passed the schema already, so what did not change, at any depth, is taken as
    it is (as upstream's ratcheting does).
    """
    checked = with_defaults(pruned(obj, schema, old), schema, old)
    return checked, problems(checked, schema, old=old)


def with_defaults(value: Any, schema: Schema, old: Any = None) -> Any:
    """A value with the schema's defaults filled in, at every depth. Shares what did not change.

    old: a value with defaults already; what equals it is not looked into.
    """
    if old is not None and equal(value, old):
        return value
    if isinstance(value, dict):
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        result = value
        for name, part in properties.items():
            if name in value and not _lacks(value[name], part):
                child = with_defaults(value[name], part, part_of(old, name))
                if child is not value[name]:
                    result = {**result, name: child}
            elif part.get("default") is not None:
                result = {**result, name: with_defaults(copy.deepcopy(part["default"]), part)}
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for name in value:
                if name not in properties:
                    child = _item_with_defaults(value[name], extra, part_of(old, name))
                    if child is not value[name]:
                        result = {**result, name: child}
        return result
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        items = [_item_with_defaults(item, schema["items"], part_of(old, n)) for n, item in enumerate(value)]
        return items if any(new is not was for new, was in zip(items, value, strict=True)) else value
    return value


def _item_with_defaults(item: Any, schema: Schema, old: Any) -> Any:
    return with_defaults(copy.deepcopy(schema.get("default")) if _lacks(item, schema) else item, schema, old)


def _lacks(value: Any, schema: Schema) -> bool:
    """A null where the schema allows none stands for a value left out."""
    return value is None and not schema.get("nullable")


def pruned(value: Any, schema: Schema, old: Any = None, *, is_root: bool = True) -> Any:
    """A value without the fields that the schema does not name, unless it preserves unknown fields, and without nulls
    that mean a field left out (those with a default are left to `with_defaults`).

    old: a value that was pruned already; what equals it is not looked into.
    """
    if old is not None and equal(value, old):
        return value
    if isinstance(value, dict):
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        keeps_unknown = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        is_object = is_root or schema.get("x-kubernetes-embedded-resource")
        result: dict[str, Any] = {}
        for name, child in value.items():
            if is_object and name in _META:
                result[name] = child
                continue
            part = properties.get(name)
            if part is None and extra:
                part = extra if isinstance(extra, dict) else _NO_SCHEMA
            if part is None:
                if keeps_unknown:
                    result[name] = child
            elif child is not None or part is _NO_SCHEMA or part.get("nullable") or part.get("default") is not None:
                result[name] = pruned(child, part, part_of(old, name), is_root=False)
        return result
    if isinstance(value, list) and ("items" in schema or not schema.get("x-kubernetes-preserve-unknown-fields")):
        items = schema.get("items") or _NO_SCHEMA
        return [pruned(item, items, part_of(old, n), is_root=False) for n, item in enumerate(value)]
    return value


__all__ = ["Cause", "Schema", "problems", "pruned", "reviewed", "with_defaults"]
