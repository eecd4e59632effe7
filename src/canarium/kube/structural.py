"""Structural schemas of CustomResourceDefinitions, written down as small tables.

Owns: the notation and the CustomResourceDefinition objects made from it. Must not know: which kinds exist.

A table has one line per object type, `Name = field field …` (continued lines are indented). A field is
`name[!][:type][(one|of|these)][=default]`: `!` is required, the default is JSON, the type is `str` when left out and
otherwise built from `str str1 bytes time int int64 number bool intstr quantity object free any`, the name of a type,
`[]T` (atomic list), `[set]T`, `[key,key]T` (a list that is a map by these fields) and `{}T` (a map by string).
`str1` is never empty, `object` has no known fields, `free` is an object and `any` a value whose fields are all kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, Resource
from canarium.kube.schema_problems import QUANTITY_PATTERN

_FIELD = re.compile(r"([\w$.-]+)(!?)(?::([^(=]+))?(?:\(([^)]*)\))?(?:=(.*))?")
_INT_OR_STRING: Obj = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
_PLAIN: dict[str, Obj] = {
    "str": {"type": "string"},
    "str1": {"type": "string", "minLength": 1},
    "bytes": {"type": "string", "format": "byte"},
    "time": {"type": "string", "format": "date-time"},
    "int": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "intstr": _INT_OR_STRING,
    "quantity": {**_INT_OR_STRING, "pattern": QUANTITY_PATTERN},
    "object": {"type": "object"},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "any": {"x-kubernetes-preserve-unknown-fields": True},
}


class SchemaTable:
    """Types of a table as schemas. Equal types are the same dict: read them, never change them."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._schemas: dict[str, Obj] = {}

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        lines: dict[str, list[str]] = {}
        fields: list[str] = []
        for line in self._table.splitlines():
            name, equals, rest = line.partition(" = ")
            if equals:
                fields = lines[name] = rest.split()
            else:
                fields.extend(line.split())
        return lines

    def schema(self, kind: str) -> Obj:
        """The schema of a type in the table's notation."""
        found = self._schemas.get(kind)
        if found is None:
            found = self._schemas[kind] = self._build(kind)
        return found

    def _build(self, kind: str) -> Obj:
        if kind in _PLAIN:
            return _PLAIN[kind]
        if kind.startswith("{}"):
            return {"type": "object", "additionalProperties": self.schema(kind[2:])}
        if kind.startswith("["):
            list_type, _, item = kind[1:].partition("]")
            schema: Obj = {"type": "array", "items": self.schema(item)}
            if list_type == "set":
                schema["x-kubernetes-list-type"] = "set"
            elif list_type:
                schema["x-kubernetes-list-type"] = "map"
                schema["x-kubernetes-list-map-keys"] = list_type.split(",")
            return schema
        properties: Obj = {}
        required = []
        for word in self._lines[kind]:
            name, is_required, schema = self._field(word)
            properties[name] = schema
            if is_required:
                required.append(name)
        return {"type": "object", "properties": properties} | ({"required": required} if required else {})

    def _field(self, word: str) -> tuple[str, bool, Obj]:
        found = _FIELD.fullmatch(word)
        assert found is not None, f"{word!r} is no field of a schema table"
        name, mark, kind, choices, default = found.groups()
        schema = self.schema(kind or "str")
        if choices is not None:
            schema = {**schema, "enum": choices.split("|")}
        if default is not None:
            schema = {**schema, "default": json.loads(default)}
        return name, bool(mark), schema


def custom_resource_definition(
    resource: Resource,
    table: SchemaTable,
    *,
    required: Sequence[str] = ("spec",),
    columns: Sequence[tuple[str, ...]] = (),
    scale: tuple[str, str, str] | None = None,
) -> Obj:
    """The CustomResourceDefinition of a kind whose top-level fields are the table's line of the same name.

    columns: (name, type, JSON path[, description[, priority]]) as `kubectl get` shows them.
    scale: JSON paths of wanted replicas, actual replicas and selector.
    """
    schema = table.schema(resource.kind)
    version: Obj = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    **schema["properties"],
                },
                "required": list(required),
            }
        },
        "subresources": _subresources(resource, scale),
    }
    if columns:
        version["additionalPrinterColumns"] = [_column(*column) for column in columns]
    names: dict[str, Any] = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.singular,
        "shortNames": list(resource.short_names),
    }
    return {
        "apiVersion": CUSTOM_RESOURCE_DEFINITIONS.api_version,
        "kind": CUSTOM_RESOURCE_DEFINITIONS.kind,
        "metadata": {"name": resource.group_resource},
        "spec": {
            "group": resource.group,
            "names": names,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [version],
        },
    }


def _subresources(resource: Resource, scale: tuple[str, str, str] | None) -> Obj:
    found: Obj = {"status": {}} if resource.has_status else {}
    if scale is not None:
        spec, status, selector = scale
        found["scale"] = {"specReplicasPath": spec, "statusReplicasPath": status, "labelSelectorPath": selector}
    return found


def _column(name: str, kind: str, path: str, description: str = "", priority: str = "") -> Obj:
    column: Obj = {"name": name, "type": kind, "jsonPath": path}
    if description:
        column["description"] = description
    if priority:
        column["priority"] = int(priority)
    return column
