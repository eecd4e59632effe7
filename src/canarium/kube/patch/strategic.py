"""Strategic merge patches as the API server applies them, and the three-way patch that `kubectl apply` sends.

Owns: `apply`, `three_way` and the directives `$patch`, `$retainKeys`, `$setElementOrder`, `$deleteFromPrimitiveList`.
Pure. Behaviour follows apimachinery's `strategicpatch`; which lists merge by what key: `schema`. Kinds without merge
keys (custom resources) merge maps and replace lists; a real API server refuses a strategic patch of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from canarium.kube.patch import PatchError, merge
from canarium.kube.patch.schema import Field, field_of, type_of

_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def apply(target: dict[str, Any], patch: dict[str, Any], kind: tuple[str, str]) -> dict[str, Any]:
    """`target` after the strategic merge patch. kind: (group, kind). Raises PatchError for a malformed patch."""
    if not isinstance(patch, dict):
        raise PatchError("a strategic merge patch must be an object", next_step="Send the fields to change.")
    return _map(target, patch, type_of(kind, of_server=True), "", is_root=True)


def _map(
    target: dict[str, Any], patch: dict[str, Any], type_name: str, at: str, *, is_root: bool = False
) -> dict[str, Any]:
    directive = patch.get("$patch")
    if directive is not None:
        rest = {key: value for key, value in patch.items() if key != "$patch"}
        match directive:
            case "replace":
                return rest
            case "delete":
                return {}
            case "merge":
                patch = rest
            case _:
                raise PatchError(
                    f"unknown $patch directive {directive!r}", field=at, next_step="Use merge, replace or delete."
                )
    result = dict(target)
    retained = patch.get("$retainKeys")
    if retained is not None:
        result = {key: value for key, value in result.items() if key in retained}
    orders = {key.removeprefix(_ORDER): value for key, value in patch.items() if key.startswith(_ORDER)}
    for key, value in patch.items():
        if key == "$retainKeys" or key.startswith(_ORDER):
            continue
        if key.startswith(_DELETE):
            name = key.removeprefix(_DELETE)
            if name in result:
                result[name] = [item for item in result[name] if item not in value]
        elif value is None:
            result.pop(key, None)
        else:
            field = field_of(type_name, key, is_root=is_root, of_server=True)
            result[key] = _value(result.get(key), value, field, orders.pop(key, None), f"{at}.{key}".lstrip("."))
    for key, order in orders.items():
        if isinstance(result.get(key), list):
            keys = field_of(type_name, key, is_root=is_root, of_server=True).keys
            result[key] = _ordered(result[key], result[key], order, keys[0] if keys else "")
    return result


def _value(old: Any, new: Any, field: Field, order: Sequence[Any] | None, at: str) -> Any:
    if isinstance(new, dict):
        if field.replaces:
            return _clean(new)
        return _map(old, new, field.type, at) if isinstance(old, dict) else _clean(new)
    if not isinstance(new, list):
        return new
    if field.keys is None:
        return new
    was = old if isinstance(old, list) else []
    if not field.keys:
        merged = was + [item for item in new if item not in was]
        return _ordered(merged, was, new if order is None else order, "")
    return _items(was, new, field, order, at)


def _items(was: list[Any], new: list[Any], field: Field, order: Sequence[Any] | None, at: str) -> list[Any]:
    """A list of maps merged by its first merge key (the API server knows no second)."""
    assert field.keys
    key = field.keys[0]
    if any(isinstance(item, dict) and item.get("$patch") == "replace" and key not in item for item in new):
        return [_clean(item) for item in new if not (item.get("$patch") == "replace" and key not in item)]
    merged = list(was)
    for item in new:
        if not isinstance(item, dict) or key not in item:
            raise PatchError(
                f"map does not contain the merge key {key}", field=at, next_step=f"Give each item its {key}."
            )
        here = next((n for n, old in enumerate(merged) if old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            merged = [old for old in merged if old.get(key) != item[key]]
        elif here is None:
            merged.append(_clean(item))
        else:
            merged[here] = _map(merged[here], item, field.type, f"{at}[{item[key]}]")
    if order is None:  # the patch's own order counts then (strategicpatch normalizeElementOrder)
        order = [item for item in new if item.get("$patch") != "delete"]
    return _ordered(merged, was, order, key)


def _ordered(merged: list[Any], was: list[Any], order: Sequence[Any], key: str) -> list[Any]:
    """The items that `order` names in that order; the server's own keep their place relative to their neighbours."""

    def name(item: Any) -> Any:
        return item.get(key) if key else item

    wanted = [name(item) for item in order]
    named = sorted((item for item in merged if name(item) in wanted), key=lambda item: wanted.index(name(item)))
    result: list[Any] = []
    others = [item for item in merged if name(item) not in wanted]
    place = {_frozen(name(item)): n for n, item in enumerate(was)}
    for item in named:
        here = place.get(_frozen(name(item)))
        while here is not None and others and place.get(_frozen(name(others[0])), len(was)) < here:
            result.append(others.pop(0))
        result.append(item)
    return result + others


def _frozen(value: Any) -> Any:
    return str(value) if isinstance(value, dict | list) else value


def _clean(value: Any) -> Any:
    """A patch's value as it is stored when nothing was there: without nulls and directives."""
    if isinstance(value, dict):
        return {
            key: _clean(item)
            for key, item in value.items()
            if item is not None and key not in ("$patch", "$retainKeys") and not key.startswith((_ORDER, _DELETE))
        }
    if isinstance(value, list):
        return [
            _clean(item)
            for item in value
            if not (isinstance(item, dict) and item.get("$patch") in ("delete", "replace"))
        ]
    return value


def three_way(
    original: dict[str, Any] | None, modified: dict[str, Any], current: dict[str, Any], kind: tuple[str, str]
) -> dict[str, Any]:
    """What `kubectl apply` sends: remove what was applied and is no longer wanted, set what is wanted, keep the rest.

    original: what was applied last time (None: never), modified: what is wanted now, current: what is there.
    Empty when nothing is to be done. `apply(current, patch, kind)` has everything that `modified` says.
    """
    return _three_way(original or {}, modified, current, type_of(kind, of_server=True), is_root=True)


def _three_way(
    original: dict[str, Any],
    modified: dict[str, Any],
    current: dict[str, Any],
    type_name: str,
    *,
    is_root: bool = False,
) -> dict[str, Any]:
    patch: dict[str, Any] = {key: None for key in original if key not in modified and key in current}
    for key, want in modified.items():
        if key not in current:
            if want is not None:
                patch[key] = want
            continue
        have, was = current[key], original.get(key)
        field = field_of(type_name, key, is_root=is_root, of_server=True)
        if isinstance(want, dict) and isinstance(have, dict) and not field.replaces:
            nested = _three_way(was if isinstance(was, dict) else {}, want, have, field.type)
            nested |= _retained(field, want, have, nested)
            if nested:
                patch[key] = nested
        elif isinstance(want, list) and isinstance(have, list) and field.keys is not None:
            patch.update(_list_patch(key, was if isinstance(was, list) else [], want, have, field))
        elif not merge.equal(want, have):
            patch[key] = {**want, "$patch": "replace"} if isinstance(want, dict) and field.replaces else want
    return patch


def _retained(field: Field, want: dict[str, Any], have: dict[str, Any], nested: dict[str, Any]) -> dict[str, Any]:
    """`$retainKeys` for a union such as a strategy or a volume, where what others added must go too."""
    if field.retains_keys and (nested or any(have[key] is not None for key in have if key not in want)):
        return {"$retainKeys": sorted(want)}
    return {}


def _list_patch(key: str, was: list[Any], want: list[Any], have: list[Any], field: Field) -> dict[str, Any]:
    if not field.keys:
        added = [item for item in want if item not in have]
        removed = [item for item in was if item not in want and item in have]
        patch: dict[str, Any] = {}
        if added:
            patch[key] = added
        if removed:
            patch[_DELETE + key] = removed
        if patch:  # unlike for objects, another order alone is no reason for a patch
            patch[_ORDER + key] = want
        return patch
    name = field.keys[0]
    by_name = {item.get(name): item for item in have}
    before = {item.get(name): item for item in was}
    changes = []
    for item in want:
        there = by_name.get(item.get(name))
        if there is None:
            changes.append(item)
            continue
        nested = _three_way(before.get(item.get(name), {}), item, there, field.type)
        nested |= _retained(field, item, there, nested)
        if nested:
            changes.append({**nested, name: item[name]})
    wanted = [item.get(name) for item in want]
    changes += [{"$patch": "delete", name: gone} for gone in before if gone not in wanted and gone in by_name]
    if not changes and not _out_of_order(wanted, [item.get(name) for item in have]):
        return {}
    order = {_ORDER + key: [{name: value} for value in wanted]}
    return {**order, key: changes} if changes else order


def _out_of_order(want: list[Any], have: list[Any]) -> bool:
    return [item for item in have if item in want] != [item for item in want if item in have]
