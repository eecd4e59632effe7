"""JSON merge patches (RFC 7396), and their three-way form that kubectl uses for custom resources.

Owns: apply, diff, three_way. Pure. The three-way form follows apimachinery's `jsonmergepatch`.
"""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def apply(target: Any, patch: Any) -> Any:
    """`target` after the merge patch: null removes a key, objects merge, everything else (lists too) replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply(result.get(key), value)
    return result


def diff(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The smallest merge patch that turns `old` into `new`; empty when they are equal.

    A null inside `new` can't be said in a merge patch: it comes out as a removal.
    """
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(old[key], dict):
            nested = diff(old[key], value)
            if nested:
                patch[key] = nested
        elif not equal(value, old[key]):
            patch[key] = value
    return patch


def three_way(original: dict[str, Any] | None, modified: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """What `kubectl apply` sends for a kind without merge keys.

    original: what was applied last time (None: never), modified: what is wanted now, current: what is there.
    Removes what was applied and is no longer wanted, sets what is wanted, leaves what others added.
    """
    patch: dict[str, Any] = {key: None for key in original or {} if key not in modified and key in current}
    for key, value in modified.items():
        if key not in current:
            if value is not None:
                patch[key] = value
        elif isinstance(value, dict) and isinstance(current[key], dict):
            before = (original or {}).get(key)
            nested = three_way(before if isinstance(before, dict) else None, value, current[key])
            if nested:
                patch[key] = nested
        elif not equal(value, current[key]):
            patch[key] = value
    return patch


def equal(left: Any, right: Any) -> bool:
    """JSON equality: unlike Python's, `true` is not 1 (and 1.0 is 1)."""
    if left != right:
        return False
    # Python's equality is only wider than JSON's, so what remains is rare: a boolean where the other has a number.
    return _encode(left) == _encode(right) or _is_equal(left, right)


def _is_equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict):
        return all(_is_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return all(map(_is_equal, left, right))
    return True
