"""What `kubectl get` shows of custom resources.

Owns: columns and cells from a CustomResourceDefinition version's `additionalPrinterColumns`.
Must not know: any product's kinds.
Source: Kubernetes, apiextensions-apiserver pkg/registry/customresource/tableconvertor/tableconvertor.go.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.server.table import jsonpath
from canarium.kube.server.table.age import since
from canarium.kube.server.table.columns import NAME, Cells, Column, Printer, name_of

DEFAULT_COLUMNS: tuple[Mapping[str, Any], ...] = (
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
)
"""What a version that declares no columns of its own shows beside the name."""


def custom_printer(declared: Sequence[Mapping[str, Any]] | None) -> Printer:
    """The printer of a version: Name, then its declared columns. A path that cannot be read gives empty cells."""
    wanted = tuple(declared or DEFAULT_COLUMNS)

    def cells(obj: Obj, now: datetime) -> Cells:
        return [name_of(obj), *(_cell(one, obj, now) for one in wanted)]

    return Printer((NAME, *(_column(one) for one in wanted)), cells)


def _column(declared: Mapping[str, Any]) -> Column:
    return Column(
        declared.get("name", ""),
        declared.get("type", ""),
        declared.get("format", ""),
        declared.get("description") or f"The value at {declared.get('jsonPath', '')}",
        declared.get("priority", 0),
    )


def _cell(declared: Mapping[str, Any], obj: Obj, now: datetime) -> Any:
    """The first value found, as its type is printed; None when there is none, or it is of another type."""
    try:
        found = jsonpath.find(declared.get("jsonPath", ""), obj)
    except jsonpath.JsonPathError:  # upstream too leaves the cell empty: a table is no place to complain of a path
        return None
    if not found:
        return None
    value = found[0]
    match declared.get("type"):
        case "string":
            return _text(value)
        case "integer" if _is_number(value):
            return int(value) if math.isfinite(value) else None
        case "number" if _is_number(value):
            return float(value)
        case "boolean" if isinstance(value, bool):
            return value
        case "date" if isinstance(value, str):
            return since(value, now)
        case _:
            return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    """Whatever it is, in a column of text: objects and arrays as Go writes JSON, numbers as Go prints them."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return written.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return _go_float(value) if isinstance(value, float) else str(value)


def _go_float(value: float) -> str:
    """Go's `%v`: the shortest digits, with an exponent only below 1e-4 and from 1e21."""
    if value == 0 or not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN" if value != 0 else "0")
    if 1e-4 <= abs(value) < 1e21:
        shortest = repr(value)
        return str(int(value)) if "e" in shortest else shortest.removesuffix(".0")
    digits, exponent = repr(value).split("e")
    return f"{digits.removesuffix('.0')}e{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-').zfill(2)}"
