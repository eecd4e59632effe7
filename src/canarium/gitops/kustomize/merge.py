"""Strategic merge as Kustomize does it, which is not quite as the API server does.

Owns: merging a located patch into a located body. Must not know: files, targets, resource identities.
Behaviour follows Kustomize 5.8 `kyaml/yaml/merge2`: items of a patch come before those that were there, ports are told
apart by number and protocol, and lists of kinds without merge keys (custom resources) are replaced.
"""

from __future__ import annotations

from typing import Any

from canarium.gitops.rendered import RenderError
from canarium.kube.patch.schema import Field, field_of, type_of
from canarium.text.located import Leaf, Map, Seq, place_of

_DIRECTIVE = "$patch"


def merge(body: Map, patch: Map, kind: tuple[str, str]) -> Map | None:
    """`body` (changed in place) after `patch` (used up). kind: (group, kind). None: the patch deletes it.

    Raises RenderError when the patch has a list where the body has an object, and the like.
    """
    return _map(body, patch, type_of(kind), "", is_root=True)


def _map(dest: Map | None, patch: Map, type_name: str, at: str, *, is_root: bool = False) -> Map | None:
    directive = _take_directive(patch, at)
    if directive == "delete":
        return None
    if dest is None or directive == "replace":
        dest = patch  # walking a patch over itself drops its nulls and directives
    for key in list(patch):
        value, path = patch[key], f"{at}.{key}".lstrip(".")
        field = field_of(type_name, key, is_root=is_root)
        merged = _value(dest.get(key), value, field, path)
        if merged is None:
            dest.pop(key, None)
        else:
            dest[key] = merged
    return dest


def _take_directive(patch: Map, at: str) -> str:
    if _DIRECTIVE not in patch:
        return "merge"
    leaf = patch.pop(_DIRECTIVE)
    value = leaf.value if isinstance(leaf, Leaf) else ""
    if value not in ("merge", "replace", "delete"):
        raise RenderError(
            f"unknown patch strategy {value!r}",
            at=place_of(leaf),
            field=f"{at}.{_DIRECTIVE}".lstrip("."),
            next_step="Use merge, replace or delete.",
        )
    return str(value)


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, Leaf) and value.value is None)


def _value(dest: Any, patch: Any, field: Field, at: str) -> Any:
    """The merged value; None when the field goes away."""
    if _is_null(patch):
        return None
    if not _is_null(dest) and _shape(dest) != _shape(patch):
        raise RenderError(
            f"the patch has {_shape(patch)} where the resource has {_shape(dest)}",
            at=place_of(patch),
            field=at,
            next_step=f"The resource's value is at {place_of(dest)}; write the patch in the same shape.",
        )
    if isinstance(patch, Map):
        return _map(dest if isinstance(dest, Map) else None, patch, field.type, at)
    if isinstance(patch, Seq) and field.keys is not None:
        return _list(dest if isinstance(dest, Seq) else patch, patch, field, at)
    return patch


def _shape(value: Any) -> str:
    return "an object" if isinstance(value, Map) else "a list" if isinstance(value, Seq) else "a plain value"


def _list(dest: Seq, patch: Seq, field: Field, at: str) -> Seq | None:
    directive = "merge"
    for item in [item for item in patch if isinstance(item, Map) and list(item) == [_DIRECTIVE]]:
        directive = _take_directive(item, at)
        patch.remove(item)
    if directive == "delete":
        return None
    if directive == "replace":
        dest = patch
    if not field.keys:
        kept = [item for n, item in enumerate(patch) if item not in patch[:n]]
        patch[:] = kept + [item for item in dest if item not in kept]
        return patch
    rest = [] if dest is patch else list(dest)
    merged = patch.copy()
    merged.clear()
    # With several keys in use, upstream moves what was there behind what is new; with one, it follows the patch.
    # A key that no item on either side gives (`protocol`, mostly) does not count.
    keeps_order = sum(any(_key(item, key) for item in (*patch, *rest)) for key in field.keys) > 1
    for item in list(patch):
        if not isinstance(item, Map):
            merged.append(item)
            continue
        twin = next((other for other in reversed(rest) if _is_same(item, other, field.keys)), None)
        if twin is not None and keeps_order and not _names_alike(item, twin, field.keys):
            continue  # upstream finds what was there by keys that the patch does not give, and so loses the patch
        result = _map(twin, item, field.type, f"{at}[{_key(item, field.keys[0])}]")
        if twin is not None and keeps_order and result:
            rest = [result if other is twin else other for other in rest]
            continue
        if twin is not None:
            rest = [other for other in rest if other is not twin]
        if result:
            merged.append(result)
    merged += rest
    return merged


def _key(item: Any, key: str) -> str:
    value = item.get(key) if isinstance(item, Map) else None
    return str(value.value) if isinstance(value, Leaf) and value.value is not None else ""


def _is_same(left: Any, right: Any, keys: tuple[str, ...]) -> bool:
    """Whether two items are one: the first key agrees, and no other key says otherwise (a missing one says nothing)."""
    if not _key(left, keys[0]) or _key(left, keys[0]) != _key(right, keys[0]):
        return False
    return all(not (a := _key(left, key)) or not (b := _key(right, key)) or a == b for key in keys[1:])


def _names_alike(left: Any, right: Any, keys: tuple[str, ...]) -> bool:
    """Whether both items give the same keys, or both leave them out."""
    return all(_key(left, key) == _key(right, key) for key in keys)
