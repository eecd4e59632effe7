"""The nouns of the Kubernetes API as plain JSON, and the small questions everybody asks of them.

Owns: object keys, metadata access, owner references, label selectors, times, int-or-percent, conditions.
Must not know: storage, clocks, I/O. Type-only for deciding modules.
Behaviour follows apimachinery (`metav1`), `labels.Selector` and `intstr.GetScaledValueFromIntOrPercent`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

Obj: TypeAlias = dict[str, Any]
"""A Kubernetes object as decoded JSON. Nobody edits an object they were handed: build a new one."""

FIRST_TIME = datetime.min.replace(tzinfo=UTC)
LAST_TIME = datetime.max.replace(tzinfo=UTC, microsecond=0)


class ObjectKey(NamedTuple):
    """Namespace (empty for cluster-scoped) and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def over_the_wire(value: Any) -> Any:
    """A value as a reader of its JSON gets it: a copy of its own, with lists for tuples. Raises TypeError for what JSON
    cannot say."""
    return _decode(_encode(value))


def key_of(obj: Mapping[str, Any]) -> ObjectKey:
    """The object's namespace and name."""
    metadata = obj["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """metadata.labels, empty when absent."""
    return obj.get("metadata", {}).get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """metadata.annotations, empty when absent."""
    return obj.get("metadata", {}).get("annotations") or {}


def controller_of(obj: Mapping[str, Any]) -> dict[str, Any] | None:
    """The owner reference with `controller: true`, if there is one."""
    for owner in obj.get("metadata", {}).get("ownerReferences") or ():
        if owner.get("controller"):
            return dict(owner)
    return None


def is_controlled_by(obj: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """True when `owner` (by uid) is the object's controller."""
    ref = controller_of(obj)
    return ref is not None and ref.get("uid") == owner["metadata"]["uid"]


def owner_reference(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The controller reference to `owner`, as `metav1.NewControllerRef` makes it."""
    return {
        "apiVersion": owner["apiVersion"],
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }


def matches_labels(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector (`matchLabels`, `matchExpressions`) selects `labels`.

    An absent selector (None) selects nothing; an empty one everything (metav1.LabelSelectorAsSelector).
    """
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_matches_requirement(wanted, labels) for wanted in selector.get("matchExpressions") or ())


def _matches_requirement(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = requirement["key"], requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def parse_time(text: str) -> datetime:
    """RFC 3339 text, as the API writes it, to aware UTC. A zone that leads out of the calendar leads to its end."""
    at = datetime.fromisoformat(text)
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return FIRST_TIME if at.year == 1 else LAST_TIME


def later(at: datetime, seconds: float) -> datetime:
    """So many seconds after (or before) a time, but not beyond the calendar: users write any number, and any time."""
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return LAST_TIME if seconds > 0 else FIRST_TIME


def format_time(at: datetime) -> str:
    """metav1.Time: UTC, whole seconds (truncated), `2026-01-02T03:04:05Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro_time(at: datetime) -> str:
    """metav1.MicroTime: UTC with six decimals."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def int_or_percent(value: int | str | None, total: int, *, round_up: bool) -> int:
    """An absolute number, or a percentage of `total` rounded as asked (intstr.GetScaledValueFromIntOrPercent)."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        raise ValueError(f"invalid value for IntOrString: invalid type: string is not a percentage: {value!r}")
    exact = int(value[:-1]) * total / 100
    return math.ceil(exact) if round_up else math.floor(exact)


def condition(obj_or_status: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """The status condition of that type, from an object or its status."""
    status = obj_or_status.get("status", obj_or_status)
    for found in status.get("conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return None


def without_none(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of the pairs whose value is not None: Go's `omitempty` for pointers."""
    return {key: value for key, value in pairs if value is not None}
