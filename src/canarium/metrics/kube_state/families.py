"""The metric families of kube-state-metrics: name, type, help, and how samples become text.

Owns: the family table and the exposition of samples in Prometheus text format 0.0.4.
Must not know: which object gives which sample (see `pods.py`, `workloads.py`).
Source: kube-state-metrics v2.20, internal/store; names and help texts are its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from canarium.kube.objects import Obj, parse_time
from canarium.metrics.tsdb.gofloat import go_g

Labels: TypeAlias = tuple[tuple[str, str], ...]

GO_ZERO_TIME = -62135596800.0


class Sample(NamedTuple):
    """One line: labels beyond those of the object, and the value."""

    labels: Labels
    value: float


class Family(NamedTuple):
    """One metric family and the rule that derives its samples from an object. `stable` makes those that upstream
    promises to keep."""

    name: str
    help: str
    samples: Callable[[Obj], Sequence[Sample]]
    type: Literal["gauge", "counter"] = "gauge"


def stable(
    name: str, help: str, samples: Callable[[Obj], Sequence[Sample]], type: Literal["gauge", "counter"] = "gauge"
) -> Family:
    """A family of stability level STABLE, which its help text says."""
    return Family(name, f"[STABLE] {help}", samples, type)


def header(family: Family) -> str:
    """The HELP and TYPE lines."""
    return f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n"


def exposition(family: Family, identity: Labels, obj: Obj) -> str:
    """The sample lines of one object in one family; `identity` are the labels all its samples carry."""
    lines: list[str] = []
    for labels, value in family.samples(obj):
        pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in (*identity, *labels))
        lines.append(f"{family.name}{{{pairs}}} {_number(value)}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    if "\\" in text or '"' in text or "\n" in text:
        return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text


def _number(value: float) -> str:
    return str(int(value)) if -1e6 < value < 1e6 and value == int(value) else go_g(float(value))


# -- small rules that many families share -------------------------------------------------------------------------


def one(*labels: tuple[str, str]) -> list[Sample]:
    """A single sample of value 1: an info metric."""
    return [Sample(labels, 1)]


def value(number: Any) -> list[Sample]:
    """A single unlabelled sample; nothing when the number is absent."""
    return [] if number is None else [Sample((), float(number))]


def nothing(obj: Obj) -> list[Sample]:
    """No sample: a family that only an allow list of labels or annotations fills."""
    del obj
    return []


def time_value(text: str | None) -> list[Sample]:
    """A single unlabelled sample in Unix seconds; nothing when the time is absent."""
    return [] if not text else [Sample((), unix(text))]


def unix(text: str | None) -> float:
    """RFC 3339 text to whole Unix seconds; an absent time is Go's zero time, the first second of the year 1."""
    if not text:
        return GO_ZERO_TIME
    at: datetime = parse_time(text)
    return float(math.floor(at.timestamp()))


def created(obj: Obj) -> list[Sample]:
    """metadata.creationTimestamp."""
    return time_value(obj["metadata"].get("creationTimestamp"))


def deletion(obj: Obj) -> list[Sample]:
    """metadata.deletionTimestamp."""
    return time_value(obj["metadata"].get("deletionTimestamp"))


def condition_values(status: str, *labels: tuple[str, str], name: str = "condition") -> list[Sample]:
    """Three samples, one for each possible condition status; the matching one is 1."""
    return [
        Sample((*labels, (name, choice.lower())), float(status == choice)) for choice in ("True", "False", "Unknown")
    ]


def owners(obj: Obj) -> list[Sample]:
    """One sample for each owner; one with empty labels when there is none."""
    references: Sequence[Mapping[str, Any]] = obj["metadata"].get("ownerReferences") or ()
    if not references:
        return one(("owner_kind", ""), ("owner_name", ""), ("owner_is_controller", ""))
    return [
        Sample(
            (
                ("owner_kind", ref["kind"]),
                ("owner_name", ref["name"]),
                ("owner_is_controller", "true" if ref.get("controller") else "false"),
            ),
            1,
        )
        for ref in references
    ]
