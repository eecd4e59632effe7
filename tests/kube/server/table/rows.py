"""How the tests of tables say "this object, these cells"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.kube.server.table import table

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
FIVE_MINUTES_AGO = "2026-03-01T11:55:00Z"


def shown(resource: Resource, obj: Obj, **options: Any) -> dict[str, Any]:
    """Column name to cell, of the one row that the object gets."""
    answer = table(resource, [obj], now=NOW, resource_version="7", **options)
    (row,) = answer["rows"]
    names = [column["name"] for column in answer["columnDefinitions"]]
    return dict(zip(names, row["cells"], strict=True))


def of_kind(group: str, kind: str) -> Resource:
    """A resource that prints as that kind does."""
    return Resource(group, "v1", kind, kind.lower() + "s")


def named(name: str = "it", **rest: Any) -> Obj:
    """An object five minutes old."""
    return {"metadata": {"name": name, "creationTimestamp": FIVE_MINUTES_AGO}, **rest}
