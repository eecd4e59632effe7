"""Objects as kubectl lists them: the `meta.k8s.io/v1` Table, and objects cut down to their metadata.

Owns: the shape of the answer to `as=Table` and `as=PartialObjectMetadata(List)`, and which printer a kind has.
Must not know: HTTP, storage, how the asker lays it out (sorting, label columns, `<none>` for an empty cell: kubectl).
Source: Kubernetes, apiserver pkg/endpoints/handlers/response.go (asTable), pkg/registry/rest/table.go, and
pkg/printers/internalversion/printers.go. Every row carries the wide columns too, marked by their priority.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.kube.server.table import autoscaling, events, network, nodes, pods, policies, storage, workloads
from canarium.kube.server.table.age import since
from canarium.kube.server.table.columns import NAME, Cells, Column, Printer, name_of
from canarium.kube.server.table.custom import custom_printer
from canarium.kube.server.table.partials import META_V1, partial, partial_list

__all__ = [
    "IncludeObject",
    "partial",
    "partial_list",
    "since",
    "table",
]

IncludeObject = Literal["None", "Metadata", "Object"]
"""The `includeObject` query parameter: what comes along with each row."""


def _name_and_creation(obj: Obj, _now: datetime) -> Cells:
    return [name_of(obj), (obj.get("metadata") or {}).get("creationTimestamp")]


_PLAIN = Printer((NAME, Column("Created At", "date", description="When the object was created.")), _name_and_creation)
"""For the kinds of Kubernetes itself that upstream never wrote a printer for."""

_CORE: dict[tuple[str, str], Printer] = {
    **pods.PRINTERS,
    **workloads.PRINTERS,
    **autoscaling.PRINTERS,
    **network.PRINTERS,
    **nodes.PRINTERS,
    **events.PRINTERS,
    **policies.PRINTERS,
    **storage.PRINTERS,
    ("", "LimitRange"): _PLAIN,
    ("rbac.authorization.k8s.io", "Role"): _PLAIN,
    ("rbac.authorization.k8s.io", "ClusterRole"): _PLAIN,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _PLAIN,
}
"""By group and kind: a kind looks the same in all its versions."""


def table(
    resource: Resource,
    objects: Sequence[Obj],
    *,
    now: datetime,
    resource_version: str,
    list_metadata: Mapping[str, Any] = MappingProxyType({}),
    columns: Sequence[Mapping[str, Any]] | None = None,
    include_object: IncludeObject = "Metadata",
    with_headers: bool = True,
    api_version: str = META_V1,
) -> Obj:
    """A Table of these objects, one row each, in the order given.

    now: what ages are counted from. resource_version: of the list, or of the single object. list_metadata: `continue`
    and `remainingItemCount`, where the list goes on. columns: a custom resource version's `additionalPrinterColumns`;
    None for a kind of Kubernetes itself, and for a custom resource that declares none. with_headers: False for all
    watch events but the first. api_version: the version of the meta.k8s.io group that was asked for.
    Rows share parts with the objects. An object that lacks what its kind requires still gets a row.
    """
    printer = _printer(resource, columns)
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": {**list_metadata, "resourceVersion": resource_version},
        "columnDefinitions": [msgspec.to_builtins(one) for one in printer.columns] if with_headers else None,
        "rows": [_row(printer, obj, now, include_object, api_version) for obj in objects],
    }


def _printer(resource: Resource, columns: Sequence[Mapping[str, Any]] | None) -> Printer:
    core = _CORE.get((resource.group, resource.kind)) if columns is None else None
    return core or custom_printer(columns)


def _row(printer: Printer, obj: Obj, now: datetime, include_object: IncludeObject, api_version: str) -> Obj:
    row: Obj = {"cells": printer.cells(obj, now)}
    conditions = printer.conditions(obj)
    if conditions:
        row["conditions"] = conditions
    match include_object:
        case "Object":
            row["object"] = obj
        case "Metadata":
            row["object"] = partial(obj, api_version=api_version)
        case _:
            row["object"] = None
    return row
