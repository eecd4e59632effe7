"""What a column is, what prints a kind, and the phrases that many kinds share.

Owns: `Column`, `Printer`, and the text of selectors, labels, containers and shortened lists.
Must not know: which kind has which columns; HTTP; clocks.
Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go; apimachinery labels.Selector.String.

Every printer takes whatever is stored: a field that is absent is printed as upstream prints its default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from canarium.kube.objects import Obj
from canarium.kube.server.table.age import since

NONE = "<none>"
UNSET = "<unset>"


class Column(msgspec.Struct, frozen=True):
    """A meta.k8s.io/v1 TableColumnDefinition. priority 0 is always shown, 1 only with `-o wide`."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


Cells: TypeAlias = list[Any]
"""One row's values, as many as there are columns: text, numbers, booleans or None."""


def no_conditions(_obj: Obj) -> list[dict[str, str]]:
    """A row of which nothing more is to be said."""
    return []


class Printer(msgspec.Struct, frozen=True):
    """The columns of one kind, the cells of one object, and what is to be said of its row (TableRowCondition)."""

    columns: tuple[Column, ...]
    cells: Callable[[Obj, datetime], Cells]
    conditions: Callable[[Obj], list[dict[str, str]]] = no_conditions


NAME = Column("Name", format="name", description="What the object is called.")
AGE = Column("Age", description="How long ago the object was created.")
CONTAINERS = Column("Containers", description="The names of the template's containers.", priority=1)
IMAGES = Column("Images", description="The images of the template's containers.", priority=1)
SELECTOR = Column("Selector", description="Which pods are meant.", priority=1)


def text(name: str, description: str = "", *, priority: int = 0) -> Column:
    """A column of text."""
    return Column(name, description=description, priority=priority)


def integer(name: str, description: str = "") -> Column:
    """A column of whole numbers."""
    return Column(name, "integer", description=description)


def boolean(name: str, description: str = "") -> Column:
    """A column of true and false."""
    return Column(name, "boolean", description=description)


# -- reading an object ------------------------------------------------------------------------------------------------


def name_of(obj: Obj) -> str:
    """metadata.name, empty when absent (a bookmark has none)."""
    found: str = (obj.get("metadata") or {}).get("name", "")
    return found


def age_of(obj: Obj, now: datetime) -> str:
    """How long ago the object was created."""
    return since((obj.get("metadata") or {}).get("creationTimestamp"), now)


def spec_of(obj: Obj) -> dict[str, Any]:
    """spec, empty when absent."""
    return obj.get("spec") or {}


def status_of(obj: Obj) -> dict[str, Any]:
    """status, empty when absent."""
    return obj.get("status") or {}


def is_going(obj: Obj) -> bool:
    """True when somebody asked for the object's deletion."""
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def template_containers(owner_spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The containers of a spec's pod template."""
    return ((owner_spec.get("template") or {}).get("spec") or {}).get("containers") or []


# -- phrases ----------------------------------------------------------------------------------------------------------


def names_and_images(containers: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The containers' names and their images, each joined by commas."""
    return (
        ",".join(container.get("name", "") for container in containers),
        ",".join(container.get("image", "") for container in containers),
    )


def labels_text(labels: Mapping[str, str] | None) -> str:
    """`a=1,b=2` by key, `<none>` for none."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector as `kubectl -l` takes it, by key; empty when it selects all or nothing."""
    if not selector:
        return ""
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    parts += [(wanted.get("key", ""), _requirement_text(wanted)) for wanted in selector.get("matchExpressions") or ()]
    return ",".join(part for _, part in sorted(parts, key=lambda pair: pair[0]))


def _requirement_text(wanted: Mapping[str, Any]) -> str:
    key, values = wanted.get("key", ""), ",".join(sorted(wanted.get("values") or ()))
    match wanted.get("operator"):
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "DoesNotExist":
            return f"!{key}"
        case _:
            return str(key)


def shortened(items: Sequence[str], limit: int = 3, *, when_empty: str = UNSET) -> str:
    """The first few, joined by commas, and how many more there are."""
    if len(items) > limit:
        return f"{','.join(items[:limit])} + {len(items) - limit} more..."
    return ",".join(items) or when_empty


def true_false(value: bool) -> str:
    """A boolean in a column of text."""
    return "True" if value else "False"


def has_true(conditions: Sequence[Mapping[str, Any]] | None, kind: str) -> bool:
    """Whether the first condition of that type is True."""
    for condition in conditions or ():
        if condition.get("type") == kind:
            return bool(condition.get("status") == "True")
    return False
