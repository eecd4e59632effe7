"""Who owns which field: sets of fields, their FieldsV1 form, and the entries of metadata.managedFields.

Owns: the algebra of field sets, path elements as text, managers and the order of their entries. Pure.
Must not know: schemas, or how objects are compared and merged. Inputs are never changed; results may share parts.
Source: Kubernetes 1.34: structured-merge-diff v6 fieldpath, apimachinery util/managedfields/internal.

A set of fields is kept in the shape of its JSON: a tree whose keys are path elements (`f:name`, `k:{"name":"x"}`,
`v:"x"`, `i:0`). A leaf is a member; a node with children is one only if it has `.` too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import msgspec

from canarium.errors import CanariumError

Fields: TypeAlias = dict[str, Any]
"""A set of fields, canonical: keys as `key_element` and `value_element` write them. Nobody edits one."""

UPDATE, APPLY = "Update", "Apply"
MAX_UPDATERS = 10
ANCIENT = "ancient-changes"
_MEMBER: Fields = {}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class InvalidManagedFields(CanariumError):
    """metadata.managedFields that nobody could have written; the message is the API server's."""


# Path elements


def key_element(keys: Mapping[str, Any]) -> str:
    """The element of a list-map item with these key fields: `k:{"name":"x"}`, keys sorted."""
    return "k:" + _json(dict(sorted(keys.items())))


def value_element(value: Any) -> str:
    """The element of a set's item: `v:"x"`."""
    return "v:" + _json(value)


def _json(value: Any) -> str:
    text = _encode(value).decode()
    if "&" in text or "<" in text or ">" in text:  # encoding/json's HTML-safe form, which upstream writes
        text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return text


@lru_cache(maxsize=4096)
def _order(element: str) -> tuple[Any, ...]:
    """Where an element comes among its siblings: itself, fields, keys, values, indices."""
    match element[:2]:
        case ".":
            return (-1,)
        case "f:":
            return (0, element[2:].encode())
        case "k:":
            return (1, tuple((name, _value_order(value)) for name, value in _decode(element[2:]).items()))
        case "v:":
            return (2, _value_order(_decode(element[2:])))
        case _:
            return (3, int(element[2:]))


def _value_order(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, int | float):
        return (0, value)
    if isinstance(value, str):
        return (1, value.encode())
    return (3, _json(value))


@lru_cache(maxsize=4096)
def element_text(element: str) -> str:
    """An element as people read it: `.spec`, `[name="x"]`, `[="x"]`, `[0]`."""
    kind, rest = element[:2], element[2:]
    if kind == "f:":
        return "." + rest
    if kind == "k:":
        return "[" + ",".join(f"{name}={_text(value)}" for name, value in _decode(rest).items()) + "]"
    if kind == "v:":
        return f"[={_text(_decode(rest))}]"
    return f"[{rest}]"


def _text(value: Any) -> str:
    return _encode(value).decode()


@lru_cache(maxsize=4096)
def _canonical(element: str) -> str:
    """An element read from JSON as it is written here; empty for one that nobody knows, which is dropped."""
    if len(element) < 2:
        raise ValueError("key must be 2 characters long:")
    kind, rest = element[:2], element[2:]
    if kind[1] != ":":
        raise ValueError(f"missing colon: {element}")
    try:
        match kind:
            case "f:":
                return element
            case "k:":
                keys = _decode(rest)
                return key_element(keys) if isinstance(keys, dict) else ""
            case "v:":
                return value_element(_decode(rest))
            case "i:":
                return f"i:{int(rest)}"
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    return ""


# Sets


def from_fields_v1(fields: Mapping[str, Any]) -> Fields:
    """The set that a FieldsV1 says. Raises ValueError for an element that can't be read."""
    result: Fields = {}
    for element, below in fields.items():
        if element == ".":
            result["."] = _MEMBER
            continue
        name = _canonical(element)
        if name:
            result[name] = _below(below) if isinstance(below, Mapping) else _MEMBER
    return result


def _below(fields: Mapping[str, Any]) -> Fields:
    read = from_fields_v1(fields) if fields else _MEMBER
    return _MEMBER if len(read) == 1 and "." in read else read


def to_fields_v1(fields: Fields) -> Fields:
    """The set as FieldsV1, elements in upstream's order."""
    if len(fields) < 2:
        return {element: to_fields_v1(below) if below else below for element, below in fields.items()}
    return {
        element: to_fields_v1(fields[element]) if fields[element] else _MEMBER for element in sorted(fields, key=_order)
    }


def is_member(node: Fields) -> bool:
    """Whether a node that is in a set is itself a member (and not only some of what is below it)."""
    return not node or "." in node


def union(left: Fields, right: Fields) -> Fields:
    """All that is in either."""
    if not left or not right:
        return left or right
    result = dict(left)
    for element, theirs in right.items():
        ours = result.get(element)
        if ours is None:
            result[element] = theirs
        elif ours is not theirs:
            both = union(ours, theirs)
            result[element] = {".": _MEMBER, **both} if both and is_member(ours) | is_member(theirs) else both
    return result


def intersection(left: Fields, right: Fields) -> Fields:
    """All that is in both."""
    result: Fields = {}
    for element, ours in left.items():
        theirs = right.get(element)
        if theirs is None or element == ".":
            continue
        _put(result, element, intersection(ours, theirs), keep=is_member(ours) and is_member(theirs))
    return result


def difference(left: Fields, right: Fields) -> Fields:
    """All of `left` that is not in `right`. What is below a member stays, unless named itself."""
    if not left or not right:
        return left
    result: Fields = {}
    for element, ours in left.items():
        if element == ".":
            continue
        theirs = right.get(element)
        if theirs is None:
            result[element] = ours
        else:
            _put(result, element, difference(ours, theirs), keep=is_member(ours) and not is_member(theirs))
    return result


def without(left: Fields, right: Fields) -> Fields:
    """All of `left` that is neither in `right` nor below one of its members."""
    result: Fields = {}
    for element, ours in left.items():
        if element == ".":
            continue
        theirs = right.get(element)
        if theirs is None:
            result[element] = ours
        elif not is_member(theirs):
            _put(result, element, without(ours, theirs), keep=is_member(ours))
    return result


def _put(result: Fields, element: str, below: Fields, *, keep: bool) -> None:
    if "." in below:
        below = {name: node for name, node in below.items() if name != "."}
    if below:
        result[element] = {".": _MEMBER, **below} if keep else below
    elif keep:
        result[element] = _MEMBER


def has(fields: Fields, path: Sequence[str]) -> bool:
    """Whether the field at these elements is a member."""
    node = fields
    for element in path:
        below = node.get(element)
        if below is None:
            return False
        node = below
    return bool(path) and is_member(node)


def paths(fields: Fields) -> Iterator[tuple[str, ...]]:
    """Every member, in upstream's order: at each level the members first, then what is below."""
    ordered = [element for element in sorted(fields, key=_order) if element != "."]
    for element in ordered:
        if is_member(fields[element]):
            yield (element,)
    for element in ordered:
        for rest in paths(fields[element]):
            yield (element, *rest)


def path_text(path: Iterable[str]) -> str:
    """A path as people read it: `.spec.containers[name="x"].image`."""
    return "".join(map(element_text, path))


# Managers


class ManagerId(NamedTuple):
    """Who an entry belongs to. api_version is empty for Apply: there a manager has one entry, whatever the version."""

    manager: str
    operation: str
    api_version: str
    subresource: str

    def __str__(self) -> str:
        """As conflicts name it: `"kubectl-edit" using apps/v1`, `"argocd" with subresource "status"`."""
        name = _text(self.manager)
        if self.subresource:
            name += f" with subresource {_text(self.subresource)}"
        return f"{name} using {self.api_version}" if self.operation == UPDATE else name


class Managed(msgspec.Struct, frozen=True):
    """What one manager owns: the version it spoke, since when (empty: not told), and the fields."""

    api_version: str
    at: str
    fields: Fields


Managers: TypeAlias = dict[ManagerId, Managed]


def id_of(manager: str, operation: str, api_version: str, subresource: str) -> ManagerId:
    """The identity of an entry; a manager without a name is `unknown`."""
    return ManagerId(manager or "unknown", operation, "" if operation == APPLY else api_version, subresource)


def from_entries(entries: Sequence[Mapping[str, Any]]) -> Managers:
    """The managers that metadata.managedFields tells of. Raises InvalidManagedFields."""
    managers: Managers = {}
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise _invalid(f"managed fields entry {number} is not an object")
        operation = entry.get("operation") or ""
        if operation not in (UPDATE, APPLY):
            raise _invalid("operation must be `Apply` or `Update`")
        if not entry.get("apiVersion"):
            raise _invalid("apiVersion must not be empty")
        fields_type = entry.get("fieldsType")
        if not fields_type:
            raise _invalid(f"missing fieldsType in managed fields entry {number}")
        if fields_type != "FieldsV1":
            raise _invalid(f'invalid fieldsType "{fields_type}" in managed fields entry {number}')
        try:
            fields = from_fields_v1(entry.get("fieldsV1") or {})
        except ValueError as error:
            raise _invalid(f"error decoding set: {error}") from error
        api_version = str(entry["apiVersion"])
        who = ManagerId(
            str(entry.get("manager") or ""),
            operation,
            "" if operation == APPLY else api_version,
            str(entry.get("subresource") or ""),
        )
        managers[who] = Managed(api_version, str(entry.get("time") or ""), fields)
    return managers


def _invalid(problem: str) -> InvalidManagedFields:
    return InvalidManagedFields(problem, next_step="Leave metadata.managedFields out, or send it as it was read.")


def to_entries(managers: Managers) -> list[dict[str, Any]]:
    """metadata.managedFields, in upstream's order: Apply before Update, then by time, manager, version, subresource."""
    ordered = sorted(
        managers.items(),
        key=lambda item: (item[0].operation, item[1].at, item[0].manager, item[1].api_version, item[0].subresource),
    )
    return [_entry(who, what) for who, what in ordered]


def _entry(who: ManagerId, what: Managed) -> dict[str, Any]:
    entry: dict[str, Any] = {"manager": who.manager, "operation": who.operation, "apiVersion": what.api_version}
    if what.at:
        entry["time"] = what.at
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = to_fields_v1(what.fields)
    if who.subresource:
        entry["subresource"] = who.subresource
    if not who.manager:
        del entry["manager"]
    return entry


def capped(managers: Managers) -> Managers:
    """At most MAX_UPDATERS entries of updates: the oldest of one version become one entry of ANCIENT."""
    updaters = [who for who in managers if who.operation == UPDATE]
    if len(updaters) <= MAX_UPDATERS:
        return managers
    # Upstream breaks ties by the text of the identity, whose keys are in this order.
    updaters.sort(key=lambda who: (managers[who].at, who))
    result = dict(managers)
    first_of: dict[str, ManagerId] = {}
    left = len(updaters)
    for who in updaters:
        if left <= MAX_UPDATERS:
            break
        what = managers[who]
        first = first_of.setdefault(what.api_version, who)
        if first == who:
            continue
        bucket = ManagerId(ANCIENT, UPDATE, what.api_version, "")
        if bucket not in result:
            result[bucket] = result.pop(first)
        merged = union(what.fields, result[bucket].fields)
        del result[who]
        left -= 1
        result[bucket] = Managed(what.api_version, what.at, merged)
    return result
