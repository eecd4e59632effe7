"""Server-side apply, and keeping metadata.managedFields true for every other write.

Owns: `apply`, `track_update`, `without_new_times`, and the conflicts between managers. Pure.
Must not know: storage, HTTP, or where schemas come from. Nobody's object is edited; results may share parts with it.
Source: Kubernetes 1.34: structured-merge-diff v6 merge/update.go, apimachinery util/managedfields/internal.

Known differences: versions of one kind are not converted into each other (a set written for another version is read as
if it were of this one), sets are not rewritten when a schema changed between granular and atomic, and a live object
that does not fit its schema is taken as it is, unless its list items can't be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from canarium.kube.cluster import ApiError, Conflict
from canarium.kube.objects import Obj
from canarium.kube.patch.managed import (
    APPLY,
    UPDATE,
    Fields,
    InvalidManagedFields,
    Managed,
    ManagerId,
    Managers,
    capped,
    difference,
    from_entries,
    has,
    id_of,
    intersection,
    path_text,
    paths,
    to_entries,
    union,
    without,
)
from canarium.kube.patch.merge import equal
from canarium.kube.patch.typed import (
    Comparison,
    Schema,
    UnnamedItem,
    compare,
    fields_of,
    merged,
    problems,
    problems_text,
    removed,
    root_schema,
    with_named_fields,
    without_new_nulls,
)

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
BEFORE_FIRST_APPLY = "before-first-apply"
_KUBECTL = "kubectl"
_MEMBER: Fields = {}
_NOBODYS: Fields = {
    "f:apiVersion": _MEMBER,
    "f:kind": _MEMBER,
    "f:metadata": {
        ".": _MEMBER,
        "f:name": _MEMBER,
        "f:namespace": _MEMBER,
        "f:creationTimestamp": _MEMBER,
        "f:selfLink": _MEMBER,
        "f:uid": _MEMBER,
        "f:clusterName": _MEMBER,
        "f:generation": _MEMBER,
        "f:managedFields": _MEMBER,
        "f:resourceVersion": _MEMBER,
    },
}


class ApplyConflict(Conflict):
    """409: other managers own fields that the config sets otherwise. `conflicts`: (manager, path) of each."""

    def __init__(self, conflicts: Sequence[tuple[ManagerId, tuple[str, ...]]]) -> None:
        causes = tuple((path_text(path), "FieldManagerConflict", f"conflict with {who}") for who, path in conflicts)
        super().__init__(
            409,
            "Conflict",
            _conflict_message(conflicts),
            causes=causes,
            details={"causes": [{"reason": reason, "message": text, "field": field} for field, reason, text in causes]},
            next_step="Drop the fields from what you apply, or force the conflicts to become their manager.",
        )
        self.conflicts = tuple(conflicts)


def _conflict_message(conflicts: Sequence[tuple[ManagerId, tuple[str, ...]]]) -> str:
    if len(conflicts) == 1:
        who, path = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {who}: {path_text(path)}"
    lines: list[str] = []
    last: ManagerId | None = None
    for who, path in conflicts:
        if who != last:
            lines.append(f"conflicts with {who}:")
            last = who
        lines.append(f"- {path_text(path)}")
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


# Writes that are not applies


def track_update(
    before: Obj | None,
    after: Obj,
    schema: Schema | None,
    *,
    manager: str,
    api_version: str,
    at: str,
    subresource: str = "",
    reset_fields: Fields | None = None,
) -> Obj:
    """`after` with the metadata.managedFields it has once a create, update or patch is done.

    before: what is stored (None: a create). after: what will be stored; its managedFields are the client's, and count
    when they can be read (an empty list forgets all managers; none at all, or any in a subresource, leave them as they
    were). An object that nobody tracked stays untracked until it is applied. at: RFC 3339, given to the entry that
    gained fields. reset_fields: what this endpoint does not write, for example the status.
    """
    had = _entries_of(before or {})
    said = _said(after, had, subresource)
    if before is not None and not (had if said is None else said):
        return _unmanaged(after)
    try:
        changed = _compare(before or {}, after, root_schema(schema))
    except UnnamedItem:  # validation answers for the object; upstream too only leaves the managers as they were
        return _with_entries(after, had)
    is_same = not (changed.added or changed.modified or changed.removed)
    if is_same and said is None:
        return _with_entries(after, had)
    managers = _read(had) if said is None else said
    if before is not None and not managers:
        return _unmanaged(after)
    if not is_same:
        who = id_of(manager, UPDATE, api_version, subresource)
        managers = capped(_updated(managers, changed, who, api_version, at, reset_fields or {}))
    return _with_entries(after, to_entries(managers))


def _updated(
    managers: Managers, changed: Comparison, who: ManagerId, api_version: str, at: str, reset_fields: Fields
) -> Managers:
    added, modified, gone = (without(part, reset_fields) if reset_fields else part for part in changed)
    now = union(modified, added)
    result: Managers = {}
    for other, what in managers.items():
        left = difference(difference(what.fields, now), gone)
        if left:
            result[other] = what if left is what.fields else Managed(what.api_version, what.at, left)
    gained = difference(now, _NOBODYS)
    if gained:
        mine = result.get(who)
        result[who] = Managed(api_version, at, union(gained, mine.fields) if mine else gained)
    return result


def _said(after: Obj, had: list[Any], subresource: str) -> Managers | None:
    """The managers that the client itself wants written; None when it has nothing new (or nothing legible) to say."""
    given = (after.get("metadata") or {}).get("managedFields")
    if given is None or subresource or given == had:
        return None
    if given in ([], [{}]):
        return {}
    try:
        return from_entries(given) or None
    except InvalidManagedFields:  # upstream's choice: what can't be read is as if it had not been sent
        return None


def _read(entries: Sequence[Any]) -> Managers:
    try:
        return from_entries(entries)
    except InvalidManagedFields:  # stored by somebody who wrote nonsense; tracking starts anew, as upstream
        return {}


def without_new_times(before: Obj, after: Obj) -> Obj:
    """`after`, with the entries of `before` if times are all that became different (a write that changes nothing)."""
    olds, news = _entries_of(before), _entries_of(after)
    if olds == news or len(olds) != len(news):
        return after
    if _timeless(olds) != _timeless(news) or not equal(_unmanaged(before), _unmanaged(after)):
        return after
    return _with_entries(after, olds)


def _timeless(entries: Sequence[Any]) -> list[Any]:
    rest = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    return sorted(rest, key=lambda entry: [str(entry.get(key, "")) for key in ("operation", "manager", "apiVersion")])


# Apply


def apply(
    live: Obj | None,
    applied: Obj,
    schema: Schema | None,
    *,
    manager: str,
    force: bool,
    api_version: str,
    at: str,
    subresource: str = "",
    reset_fields: Fields | None = None,
) -> Obj:
    """`live` (None: to be created) after `manager` applied a config: what it says is set and owned, what it no longer
    says and nobody else owns is gone.

    Defaults and nulls are left to the caller. When nothing changed the entry keeps its time. Raises ApplyConflict for
    fields of other managers unless force (then they lose them), ApiError 400 for a config with managedFields or of
    another version, and ApiError 500 for one that does not fit the schema.
    """
    _check(applied, api_version)
    root = root_schema(schema)
    _must_fit("create typed patch", applied, root)
    request = _Apply(live, applied, root, id_of(manager, APPLY, api_version, subresource), api_version, at)
    request = msgspec.structs.replace(request, reset_fields=reset_fields or {})
    try:
        result = request.done(force=force)
    except UnnamedItem as error:
        _must_fit("create typed live", live or {}, root, allow_duplicates=True)
        raise ApiError(500, "", f"failed to compare objects: {error}") from error  # pruning took an item's keys
    except ApplyConflict as conflict:
        if manager != _KUBECTL or live is None:
            raise
        unknown = _not_last_applied(conflict, live, root, api_version)
        if unknown:
            raise ApplyConflict(unknown) from conflict
        result = request.done(force=True)
    return _with_last_applied(result, applied) if manager == _KUBECTL else result


def _check(applied: Obj, api_version: str) -> None:
    if applied.get("apiVersion", api_version) != api_version:
        raise ApiError(
            400,
            "BadRequest",
            "Incorrect version specified in apply patch. Specified patch version:"
            f" {applied['apiVersion']}, expected: {api_version}",
        )
    if (applied.get("metadata") or {}).get("managedFields") is not None:
        raise ApiError(
            400,
            "BadRequest",
            "metadata.managedFields must be nil",
            next_step="Leave managedFields out of what you apply.",
        )


def _must_fit(purpose: str, obj: Obj, root: Schema, *, allow_duplicates: bool = False) -> None:
    found = problems(_unmanaged(obj), root, allow_duplicates=allow_duplicates)
    if found:
        metadata = obj.get("metadata") or {}
        name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        kind = f"{obj.get('apiVersion', '')}, Kind={obj.get('kind', '')}"
        raise ApiError(500, "", f"failed to {purpose} object ({name}; {kind}): {problems_text(found)}")


class _Apply(msgspec.Struct, frozen=True):
    live: Obj | None
    config: Obj
    root: Schema
    who: ManagerId
    api_version: str
    at: str
    reset_fields: Fields = {}

    def done(self, *, force: bool) -> Obj:
        managers = self._managers_before()
        live = _unmanaged(self.live or {})
        config = _unmanaged(self.config)
        result = merged(live, config, self.root)
        last = managers.get(self.who)
        mine = without(fields_of(config, self.root), self.reset_fields)
        managers = {**managers, self.who: Managed(self.api_version, last.at if last else "", mine)}
        whole = result
        if last and last.fields:
            result = _pruned(result, last.fields, managers, self.root)
        managers = self._settled(managers, compare(live, result, self.root), force=force)
        if result is not whole:
            result = without_new_nulls(result, whole, config, self.root)
        own = managers.get(self.who)
        if own:
            fields = difference(own.fields, _NOBODYS)
            is_same = self.live is not None and equal(live, result)
            managers[self.who] = Managed(self.api_version, own.at if is_same else self.at, fields)
            if not fields:
                del managers[self.who]
        return _with_entries(result, to_entries(managers))

    def _managers_before(self) -> Managers:
        if self.live is None:
            return {}
        try:
            managers = from_entries(_entries_of(self.live))
        except InvalidManagedFields as error:
            raise ApiError(500, "", f"failed to decode managed fields: {error}") from error
        if managers:
            return managers
        who = id_of(BEFORE_FIRST_APPLY, UPDATE, self.api_version, self.who.subresource)
        changed = _compare({}, self.live, self.root)
        return _updated({}, changed, who, self.api_version, self.at, self.reset_fields)

    def _settled(self, managers: Managers, changed: Comparison, *, force: bool) -> Managers:
        """The managers once the others lost what changed. Raises ApplyConflict if they may not."""
        added, modified, gone = (without(part, self.reset_fields) for part in changed)
        now = union(modified, added)
        lost = {who: intersection(what.fields, now) for who, what in managers.items() if who != self.who}
        conflicts = [(who, path) for who in sorted(lost) for path in paths(lost[who])]
        if conflicts and not force:
            raise ApplyConflict(conflicts)
        result: Managers = {}
        for who, what in managers.items():
            left = what.fields
            if who != self.who:
                left = difference(difference(left, lost[who]), gone)
            if left:
                result[who] = Managed(what.api_version, what.at, left)
        return result


def _pruned(result: Obj, last: Fields, managers: Managers, root: Schema) -> Obj:
    """The merged object without what was applied last time, is not applied now, and belongs to nobody else."""
    last = with_named_fields(last, root)
    owned: Fields = {}
    for what in managers.values():
        owned = union(owned, what.fields)
    owned = with_named_fields(owned, root)
    there = with_named_fields(fields_of(result, root), root)
    # First take all that was applied, then give back what somebody owns, then what was never applied at all.
    left = with_named_fields(fields_of(removed(result, last, root), root), root)
    pruned = removed(result, difference(there, union(left, owned)), root)
    left = with_named_fields(fields_of(pruned, root), root)
    return removed(result, intersection(difference(there, left), last), root) or {}


# What kubectl asks for: its client-side annotation


def _not_last_applied(
    conflict: ApplyConflict, live: Obj, root: Schema, api_version: str
) -> list[tuple[ManagerId, tuple[str, ...]]]:
    """The conflicts that are more than kubectl taking over what its client-side apply had set."""
    found = list(conflict.conflicts)
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        config = msgspec.json.decode(text or "")
    except (msgspec.DecodeError, TypeError):
        return found
    if not isinstance(config, dict) or config.get("apiVersion") != api_version:
        return found
    if problems(config, root) or problems(_unmanaged(live), root):  # duplicates count too, as upstream
        return found
    changed = _compare(config, live, root)
    allowed = difference(fields_of(config, root), union(union(changed.added, changed.modified), changed.removed))
    return [(who, path) for who, path in found if not has(allowed, path)]


def _with_last_applied(result: Obj, applied: Obj) -> Obj:
    annotations = (result.get("metadata") or {}).get("annotations") or {}
    if not annotations.get(LAST_APPLIED):
        return result
    metadata = dict(applied.get("metadata") or {})
    if metadata.get("annotations"):
        kept = {key: value for key, value in metadata["annotations"].items() if key != LAST_APPLIED}
        metadata["annotations"] = kept
    config = msgspec.json.encode({**applied, "metadata": metadata}, order="sorted").decode() + "\n"
    annotations = {**annotations, LAST_APPLIED: config}
    return {**result, "metadata": {**result["metadata"], "annotations": annotations}}


# Objects and their entries


def _compare(before: Obj, after: Obj, root: Schema) -> Comparison:
    return compare(_unmanaged(before), _unmanaged(after), root)


def _entries_of(obj: Obj) -> list[Any]:
    return (obj.get("metadata") or {}).get("managedFields") or []


def _unmanaged(obj: Obj) -> Obj:
    metadata = obj.get("metadata")
    if not metadata or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _with_entries(obj: Obj, entries: list[Any]) -> Obj:
    metadata = obj.get("metadata") or {}
    if not entries:
        return _unmanaged(obj)
    if metadata.get("managedFields") is entries:
        return obj
    return {**obj, "metadata": {**metadata, "managedFields": entries}}
