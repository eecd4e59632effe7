"""Objects seen through their schema: which fields they have, how two differ, what merging and removing leave.

Owns: reading an OpenAPI schema as structured-merge-diff does (granular or atomic, sets, list maps), and the walks over
values that server-side apply is made of. Pure. Must not know: managers, ownership, conflicts.
Source: Kubernetes 1.34, structured-merge-diff v6 typed, kube-openapi pkg/schemaconv. Inputs are never changed; results
may share parts with them.

Schema: `properties`, `items`, `additionalProperties`, `default` and the x-kubernetes extensions; no $ref. Where it says
nothing (`{}`) maps are granular and lists atomic. `default: {}` marks a struct that Go always has, and so nobody adds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from canarium.errors import CanariumError
from canarium.kube.patch.managed import Fields, element_text, key_element, value_element
from canarium.kube.patch.merge import equal

Schema: TypeAlias = Mapping[str, Any]
Problem: TypeAlias = tuple[str, str]
"""(path, message)."""

_MEMBER: Fields = {}
_CONTAINERS = (dict, list)
_UNTYPED: Schema = {}
_INTEGER: Schema = {"type": "integer"}
_STRING: Schema = {"type": "string"}
_STRINGS: Schema = {"type": "object", "additionalProperties": _STRING}
OBJECT_META: Schema = {
    "type": "object",
    "default": {},
    "properties": {
        **dict.fromkeys(("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"), _STRING),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _STRING),
        **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), _INTEGER),
        "labels": _STRINGS,
        "annotations": _STRINGS,
        "finalizers": {"type": "array", "items": _STRING, "x-kubernetes-list-type": "set"},
        "managedFields": {"type": "array", "items": {}, "x-kubernetes-list-type": "atomic"},
        "ownerReferences": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
            "items": {"type": "object", "x-kubernetes-map-type": "atomic"},
        },
    },
}
_ROOT: Schema = {"apiVersion": _STRING, "kind": _STRING, "metadata": OBJECT_META}


def root_schema(schema: Schema | None) -> Schema:
    """The schema of a whole object: whatever it says of metadata, that is an ObjectMeta."""
    if not schema:
        return {"properties": _ROOT, "x-kubernetes-preserve-unknown-fields": True}
    return {**schema, "properties": {**(schema.get("properties") or {}), **_ROOT}}


def _part(schema: Schema, name: str) -> tuple[Schema, bool]:
    """The schema of a map's entry, and whether it is a field that the schema names."""
    properties = schema.get("properties")
    if properties is not None:
        field = properties.get(name)
        if field is not None:
            return field, True
    extra = schema.get("additionalProperties")
    return (extra if isinstance(extra, Mapping) else _UNTYPED), False


def _is_atomic_map(schema: Schema) -> bool:
    return schema.get("x-kubernetes-map-type") == "atomic"


def _is_granular_list(schema: Schema) -> bool:
    kind = schema.get("x-kubernetes-list-type")
    if kind is not None:
        return bool(kind != "atomic")
    return str(schema.get("x-kubernetes-patch-strategy", "")).startswith("merge")


def _keys(schema: Schema) -> Sequence[str]:
    """The key fields of a list map; empty for a set."""
    if schema.get("x-kubernetes-list-type") == "map":
        return schema.get("x-kubernetes-list-map-keys") or ()
    if "x-kubernetes-list-type" not in schema and "x-kubernetes-patch-merge-key" in schema:
        return (schema["x-kubernetes-patch-merge-key"],)
    return ()


def _is_always_there(schema: Schema) -> bool:
    return bool(schema.get("default") == {})


class UnnamedItem(CanariumError):
    """An item of a set or list map that can't be told from its siblings, or is not of the kind they are."""


def _elements(items: Sequence[Any], schema: Schema) -> list[str]:
    """The path element of each item of a set or list map. Raises UnnamedItem."""
    keys = _keys(schema)
    if not keys:
        return [_set_element(item) for item in items]
    fields = (schema.get("items") or {}).get("properties") or {}
    return [_map_element(item, keys, fields) for item in items]


def _named(items: Sequence[Any], schema: Schema) -> list[tuple[str, Any]]:
    """The items with their elements, empty for one that has none: it may have lost its keys to pruning."""
    try:
        return list(zip(_elements(items, schema), items, strict=True))
    except UnnamedItem:
        return [(_element_or_none(item, schema), item) for item in items]


def _element_or_none(item: Any, schema: Schema) -> str:
    try:
        return _elements([item], schema)[0]
    except UnnamedItem:  # nobody can own it or ask for its removal
        return ""


def _set_element(item: Any) -> str:
    if isinstance(item, dict):
        raise UnnamedItem("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise UnnamedItem("not supported: associative list with lists as elements")
    if item is None:
        raise UnnamedItem("associative list without keys has an element that's an explicit null")
    return value_element(item)


def _map_element(item: Any, keys: Sequence[str], fields: Mapping[str, Schema]) -> str:
    if item is None:
        raise UnnamedItem("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise UnnamedItem("associative list with keys may not have non-map elements")
    found = {}
    for key in keys:
        if key in item:
            found[key] = item[key]
        else:
            default = (fields.get(key) or {}).get("default")
            if default is not None:
                found[key] = default
    if not found:
        names = " ".join(f'"{key}"' for key in keys)
        raise UnnamedItem(
            f"associative list with keys has an element that omits all key fields [{names}]"
            " (and doesn't have default values for any key fields)"
        )
    return key_element(found)


# What an object has


def fields_of(value: Any, schema: Schema) -> Fields:
    """Every field a value mentions: leaves, map entries, list items; not the structs around them."""
    if isinstance(value, dict):
        if _is_atomic_map(schema):
            return _MEMBER
        result: Fields = {}
        for key, child in value.items():
            part, is_named = _part(schema, key)
            is_leaf = child is None or child == {} or _is_leaf(child, part)
            below = {} if is_leaf else fields_of(child, part)
            if is_leaf or (not is_named and not below):
                result["f:" + key] = _MEMBER
            elif below:
                result["f:" + key] = below if is_named else {".": _MEMBER, **below}
        return result
    if isinstance(value, list) and _is_granular_list(schema):
        items = schema.get("items") or _UNTYPED
        result = {}
        for element, item in _named(value, schema):
            if not element:
                continue
            if element in result:
                result[element] = _MEMBER
                continue
            below = {} if _is_leaf(item, items) else fields_of(item, items)
            result[element] = {".": _MEMBER, **below} if below else _MEMBER
        return result
    return _MEMBER


def _is_leaf(value: Any, schema: Schema) -> bool:
    if isinstance(value, dict):
        return _is_atomic_map(schema)
    return not isinstance(value, list) or not _is_granular_list(schema)


def _everything(value: Any, schema: Schema) -> Fields:
    """A value that came or went as a whole: itself and all below it."""
    result: Fields
    if isinstance(value, dict):
        if not value or _is_atomic_map(schema):
            return _MEMBER
        result = {".": _MEMBER}
        for key, child in value.items():
            scalar = not isinstance(child, _CONTAINERS)
            result["f:" + key] = _MEMBER if scalar else _everything(child, _part(schema, key)[0])
        return result
    if isinstance(value, list) and value and _is_granular_list(schema):
        items = schema.get("items") or _UNTYPED
        result = {".": _MEMBER}
        for element, item in zip(_elements(value, schema), value, strict=True):
            result[element] = _MEMBER if element in result else _everything(item, items)
        return result
    return _MEMBER


def with_named_fields(fields: Fields, schema: Schema) -> Fields:
    """The set, with the structs around its members: `a.b` alone has `a` too when the schema names it."""
    result: Fields = {}
    properties = schema.get("properties") or {}
    for element, below in fields.items():
        if element == "." or not below:
            result[element] = below
        elif element.startswith("f:"):
            part, is_named = _part(schema, element[2:])
            inner = with_named_fields(below, part)
            result[element] = {".": _MEMBER, **inner} if is_named and element[2:] in properties else inner
        else:
            inside = schema.get("items") or _UNTYPED if element.startswith("k:") else _UNTYPED
            result[element] = with_named_fields(below, inside)
    return result


# How two objects differ


class Comparison(NamedTuple):
    """Which fields came, which are others now, which went. No field is in two of them."""

    added: Fields
    modified: Fields
    removed: Fields


class _Changes:
    """A Comparison in the making: at one place, to be hung into those of the place around it."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self, added: Fields | None, modified: Fields | None, removed: Fields | None) -> None:
        self.added = added
        self.modified = modified
        self.removed = removed


_IS_OTHER = _Changes(None, _MEMBER, None)


def compare(before: Any, after: Any, schema: Schema) -> Comparison:
    """What happened between two objects of one schema. Raises UnnamedItem."""
    found = _map_changes(before, after, schema, is_root=True)
    if found is None:
        return Comparison({}, {}, {})
    return Comparison(found.added or {}, found.modified or {}, found.removed or {})


def _changes(left: Any, right: Any, schema: Schema) -> _Changes | None:
    """How `right` differs from `left`, both being there; None when they are the same."""
    if isinstance(left, dict) and isinstance(right, dict):
        if _is_atomic_map(schema):
            return None if equal(left, right) else _IS_OTHER
        return _map_changes(left, right, schema)
    if isinstance(left, list) and isinstance(right, list):
        if not _is_granular_list(schema):
            return None if equal(left, right) else _IS_OTHER
        return _list_changes(left, right, schema)
    if left == right and (type(left) is type(right) or equal(left, right)):
        return None
    went, came = _below(left, schema), _below(right, schema)
    # A null is an empty container: what is below came or went, the place itself did not become something else.
    if (left is None and came) or (right is None and went):
        return _Changes(came, None, went)
    return _Changes(came, _MEMBER, went)


def _below(value: Any, schema: Schema) -> Fields | None:
    if not value or not isinstance(value, _CONTAINERS):
        return None
    return {element: node for element, node in _everything(value, schema).items() if element != "."} or None


def _map_changes(
    left: Mapping[str, Any], right: Mapping[str, Any], schema: Schema, *, is_root: bool = False
) -> _Changes | None:
    added: Fields = {}
    modified: Fields = {}
    removed: Fields = {}
    for key, new in right.items():
        if key in left:
            old = left[key]
            if old is new or (is_root and old == new and equal(old, new)):
                continue
            if type(old) is type(new) and not isinstance(new, _CONTAINERS):
                if old != new:
                    modified["f:" + key] = _MEMBER
                continue
            part = _part(schema, key)[0]
        else:
            part = _part(schema, key)[0]
            if not (isinstance(new, dict) and _is_always_there(part)):
                added["f:" + key] = _everything(new, part)
                continue
            old = {}
        _hang("f:" + key, _changes(old, new, part), added, modified, removed)
    for key, old in left.items():
        if key not in right:
            part = _part(schema, key)[0]
            if isinstance(old, dict) and _is_always_there(part):
                _hang("f:" + key, _changes(old, {}, part), added, modified, removed)
            else:
                removed["f:" + key] = _everything(old, part)
    return _gathered(added, modified, removed)


def _hang(element: str, found: _Changes | None, added: Fields, modified: Fields, removed: Fields) -> None:
    if found is None:
        return
    if found.added is not None:
        added[element] = found.added
    if found.modified is not None:
        modified[element] = found.modified
    if found.removed is not None:
        removed[element] = found.removed


def _gathered(added: Fields, modified: Fields, removed: Fields) -> _Changes | None:
    if added or modified or removed:
        return _Changes(added or None, modified or None, removed or None)
    return None


def _list_changes(left: Sequence[Any], right: Sequence[Any], schema: Schema) -> _Changes | None:
    items = schema.get("items") or _UNTYPED
    olds, news = _indexed(left, schema), _indexed(right, schema)
    added: Fields = {}
    modified: Fields = {}
    removed: Fields = {}
    for element in olds | news:
        old, new = olds.get(element, ()), news.get(element, ())
        if len(old) == len(new) == 1:
            _hang(element, _changes(old[0], new[0], items), added, modified, removed)
        elif len(old) > 1 and len(new) > 1:  # duplicates have no fields of their own
            if not equal(old, new):
                modified[element] = _MEMBER
        else:
            if old:
                removed[element] = _everything(old[0], items) if len(old) == 1 else _MEMBER
            if new:
                added[element] = _everything(new[0], items) if len(new) == 1 else _MEMBER
    return _gathered(added, modified, removed)


def _indexed(values: Sequence[Any], schema: Schema) -> dict[str, list[Any]]:
    result: dict[str, list[Any]] = {}
    for element, item in zip(_elements(values, schema), values, strict=True):
        result.setdefault(element, []).append(item)
    return result


# Merging and removing


def merged(live: Any, config: Any, schema: Schema) -> Any:
    """`live` with all that `config` says; nothing goes. Lists that merge take the config's order where it has one."""
    if isinstance(config, dict) and isinstance(live, dict):
        if not live or not config or _is_atomic_map(schema):
            return config if not live or _is_atomic_map(schema) else live
        result = dict(live)
        for key, value in config.items():
            result[key] = merged(live[key], value, _part(schema, key)[0]) if key in live else value
        return result
    if isinstance(config, list) and isinstance(live, list) and _is_granular_list(schema):
        if not live or not config:
            return live or config
        return _merged_list(live, config, schema)
    if config is None and live and not _is_leaf(live, schema):
        return live  # a null adds nothing to a container
    return config


def _merged_list(live: Sequence[Any], config: Sequence[Any], schema: Schema) -> list[Any]:
    """Items of both. Those of the config in its order; those of `live` alone keep their place before what follows."""
    items = schema.get("items") or _UNTYPED
    lefts, rights = _elements(live, schema), _elements(config, schema)
    wanted = dict(zip(rights, config, strict=True))
    had: dict[str, Any] = {}
    for element, item in zip(lefts, live, strict=True):
        had[element] = None if element in had else item  # duplicates are not merged with the config's item
    shared = [element for element in rights if element in had]
    next_shared = 0
    result: list[Any] = []
    taken: set[str] = set()
    left = right = 0

    def take(element: str) -> None:
        taken.add(element)
        is_new = element not in had or had[element] is None
        result.append(wanted[element] if is_new else merged(had[element], wanted[element], items))

    while left < len(lefts) or right < len(rights):
        if left < len(lefts) and right < len(rights):
            element = lefts[left]
            if element == rights[right]:
                take(element)
                left += 1
                right += 1
                next_shared += 1
                continue
            if element in wanted and next_shared < len(shared) and shared[next_shared] != element:
                left += 1  # the config has it elsewhere
                continue
        if left < len(lefts):
            element = lefts[left]
            if element not in wanted:
                result.append(live[left])
                left += 1
                continue
            if element in taken:
                left += 1
        if right < len(rights):
            element = rights[right]
            take(element)
            right += 1
            if next_shared < len(shared) and shared[next_shared] == element:
                next_shared += 1
    return result


def removed(value: Any, fields: Fields, schema: Schema) -> Any:
    """`value` without the fields and items of the set. A container that loses all it had becomes null."""
    if isinstance(value, dict):
        if not value or _is_atomic_map(schema):
            return None
        result: dict[str, Any] = {}
        for key, child in value.items():
            below = fields.get("f:" + key)
            if below is None:
                result[key] = child
            elif below and "." not in below:
                result[key] = removed(child, below, _part(schema, key)[0])
        return result or None
    if isinstance(value, list):
        if not value or not _is_granular_list(schema):
            return None
        inside = schema.get("items") or _UNTYPED
        items: list[Any] = []
        for element, item in _named(value, schema):
            below = fields.get(element)
            if below is None:
                items.append(item)
            elif below and "." not in below:
                left = removed(item, below, inside)
                if left is not None:
                    items.append(left)
        return items or None
    return value


def without_new_nulls(pruned: Any, whole: Any, config: Any, schema: Schema) -> Any:
    """What `removed` made of `whole`, without its nulls: gone, or empty where the config wants an empty container.

    Upstream stores the null, which decoding then drops or refuses; and it drops some empty containers of the config,
    so that applying it again would change the object once more.
    """
    if isinstance(pruned, dict) and isinstance(whole, dict):
        wanted = config if isinstance(config, dict) else {}
        result: dict[str, Any] = {}
        for key, value in pruned.items():
            was = whole.get(key)
            if value is not None or was is None:
                is_same = value is was or not isinstance(value, _CONTAINERS)
                part = _UNTYPED if is_same else _part(schema, key)[0]
                result[key] = value if is_same else without_new_nulls(value, was, wanted.get(key), part)
        return result | {key: want for key, want in wanted.items() if key not in result and _is_hollow(want)}
    if isinstance(pruned, list) and isinstance(whole, list) and _is_granular_list(schema) and _keys(schema):
        wanted_items = config if isinstance(config, list) else []
        try:
            olds = dict(zip(_elements(whole, schema), whole, strict=True))
            wants = dict(zip(_elements(wanted_items, schema), wanted_items, strict=True))
            elements = _elements(pruned, schema)
        except UnnamedItem:  # an item that lost its keys has nothing to be compared with
            return pruned
        items = schema.get("items") or _UNTYPED
        return [
            without_new_nulls(item, olds.get(element), wants.get(element), items)
            for element, item in zip(elements, pruned, strict=True)
        ]
    return pruned


def _is_hollow(value: Any) -> bool:
    return value == [] or (isinstance(value, dict) and all(map(_is_hollow, value.values())))


# What the schema refuses


def problems(value: Any, schema: Schema, at: str = "", *, allow_duplicates: bool = False) -> list[Problem]:
    """Why a value is not of its schema, in structured-merge-diff's words: types, unknown fields, list items."""
    if value is None:
        return []
    kind = None if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    match kind:
        case "object" if not isinstance(value, dict):
            return [(at, f"expected map, got &{{{_go(value)}}}")]
        case "array" if not isinstance(value, list):
            return [(at, f"expected list, got &{{{_go(value)}}}")]
        case "integer" | "number" if isinstance(value, bool) or not isinstance(value, int | float):
            return [(at, f"expected numeric (int or float), got {_go_type(value)}")]
        case "boolean" if not isinstance(value, bool):
            return [(at, f"expected boolean, got &{{{_go(value)}}}")]
        case "string" if not isinstance(value, str) and schema.get("format") not in ("int-or-string", "quantity"):
            return [(at, f"expected string, got &value.valueUnstructured{{Value:{_go_syntax(value)}}}")]
    if isinstance(value, dict):
        return _map_problems(value, schema, at, allow_duplicates)
    if isinstance(value, list):
        return _list_problems(value, schema, at, allow_duplicates)
    return []


def _map_problems(value: Mapping[str, Any], schema: Schema, at: str, allow_duplicates: bool) -> list[Problem]:
    found: list[Problem] = []
    extra = schema.get("additionalProperties")
    is_open = (
        not schema.get("properties")
        or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        or isinstance(extra, Mapping)
        or extra is True
    )
    for key in sorted(value):
        part, is_named = _part(schema, key)
        if not is_named and not is_open:
            return [*found, (f"{at}.{key}", "field not declared in schema")]
        found += problems(value[key], part, f"{at}.{key}", allow_duplicates=allow_duplicates)
    return found


def _list_problems(value: Sequence[Any], schema: Schema, at: str, allow_duplicates: bool) -> list[Problem]:
    found: list[Problem] = []
    items = schema.get("items") or _UNTYPED
    is_granular = _is_granular_list(schema)
    seen: set[str] = set()
    for number, item in enumerate(value):
        place = f"[{number}]"
        if is_granular:
            try:
                element = _elements([item], schema)[0]
            except UnnamedItem as error:
                return [*found, (at, f"element {number}: {error}")]
            place = element_text(element)
            if element in seen and not allow_duplicates:
                found.append((at, f"duplicate entries for key {place}"))
            seen.add(element)
        found += problems(item, items, at + place, allow_duplicates=allow_duplicates)
    return found


def problems_text(found: Sequence[Problem]) -> str:
    """All problems as one message."""
    lines = [f"{at}: {problem}" if at else problem for at, problem in found]
    return lines[0] if len(lines) == 1 else "\n".join(["errors:", *("  " + line for line in lines)])


def _go(value: Any) -> str:
    """A value as Go prints it with %v."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + " ".join(map(_go, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go(value[key])}" for key in sorted(value)) + "]"
    return "<nil>" if value is None else re.sub(r"\.0$", "", str(value)) if isinstance(value, float) else str(value)


def _go_syntax(value: Any) -> str:
    """A value as Go prints it with %#v."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(map(_go_syntax, value)) + "}"
    if isinstance(value, dict):
        inside = ", ".join(f"{_go_syntax(key)}:{_go_syntax(value[key])}" for key in sorted(value))
        return "map[string]interface {}{" + inside + "}"
    return "interface {}(nil)" if value is None else _go(value)


def _go_type(value: Any) -> str:
    names = {str: "string", bool: "bool", int: "int64", float: "float64", list: "[]interface {}"}
    return names.get(type(value), "map[string]interface {}")
