"""Kubernetes Events as rows, and which of them are about an object.

Owns: `EventRow` from v1 Event, merging of repeated ones, the index by the object they are about.
Must not know: what an Event means for a pod or a rollout.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable

from canarium.kube.controller.reconciler import WatchedLister, WatchedListers
from canarium.kube.objects import Obj, ObjectKey, key_of
from canarium.kube.resources import EVENTS
from canarium.web.model import EventRow

MAX_ROWS = 100


def event_row(event: Obj) -> EventRow:
    """One Event, written in the old form (count, timestamps) or the new one (eventTime, series)."""
    involved, series = event.get("involvedObject") or {}, event.get("series") or {}
    created = event["metadata"].get("creationTimestamp") or ""
    at = event.get("eventTime") or created
    first = event.get("firstTimestamp") or at
    source = event.get("source") or {}
    return EventRow(
        key=str(key_of(event)),
        type=event.get("type") or "Normal",
        reason=event.get("reason") or "",
        message=event.get("message") or "",
        about=f"{involved.get('kind', '')}/{involved.get('name', '')}",
        source=source.get("component") or event.get("reportingComponent") or "",
        count=event.get("count") or series.get("count") or 1,
        first=first,
        last=event.get("lastTimestamp") or series.get("lastObservedTime") or at or first,
    )


def merged(rows: Iterable[EventRow], limit: int = MAX_ROWS) -> tuple[EventRow, ...]:
    """Newest first, at most `limit`; rows that tell the same of the same object become one. rows: of one second, the
    newest first."""
    found: dict[tuple[str, str, str, str, str], EventRow] = {}
    for row in rows:
        told = (row.about, row.type, row.reason, row.message, row.source)
        known = found.get(told)
        found[told] = row if known is None else _joined(known, row)
    return tuple(sorted(found.values(), key=lambda row: row.last, reverse=True)[:limit])


def _joined(one: EventRow, other: EventRow) -> EventRow:
    latest = one if one.last >= other.last else other
    return EventRow(
        key=latest.key,
        type=latest.type,
        reason=latest.reason,
        message=latest.message,
        about=latest.about,
        source=latest.source,
        count=one.count + other.count,
        first=min(one.first, other.first),
        last=latest.last,
    )


class EventIndex:
    """The Events there are, by the object they are about. Take it from `event_index`: one for all views."""

    def __init__(self, lister: WatchedLister) -> None:
        self._lister = weakref.ref(lister)  # the lister keeps us by our handler, not we the lister
        self._about: dict[str, dict[ObjectKey, tuple[int, EventRow]]] = {}
        self._whose: dict[ObjectKey, str] = {}
        self._heard = 0  # how many were heard of: their order within a second, which is all that their times tell
        for event in sorted(lister.list(), key=lambda event: (_last(event), _version(event))):
            self._take(event)
        lister.on_change(self._take)

    def about(self, *objects: Obj) -> tuple[EventRow, ...]:
        """The rows about any of these objects, the one that was heard of last first."""
        rows: list[tuple[int, EventRow]] = []
        for obj in objects:
            metadata = obj["metadata"]
            named = f"{obj.get('kind', '')}/{metadata.get('namespace', '')}/{metadata['name']}"
            for whose in (metadata.get("uid") or "", named):
                rows.extend(self._about.get(whose, {}).values())
        rows.sort(key=lambda heard: heard[0], reverse=True)
        return tuple(row for _, row in rows)

    def _take(self, event: Obj) -> None:
        key, lister = key_of(event), self._lister()
        former = self._whose.pop(key, None)
        if former is not None:
            rows = self._about[former]
            del rows[key]
            if not rows:
                del self._about[former]
        if lister is None or lister.uid(*key) is None:
            return  # it was removed
        try:
            row, involved = event_row(event), event.get("involvedObject") or {}
            named = f"{involved.get('kind', '')}/{involved.get('namespace', '')}/{involved.get('name', '')}"
            whose = str(involved.get("uid") or named)
        except (AttributeError, TypeError):
            return  # it cannot be read: no reason to end everybody's watch
        self._whose[key] = whose
        self._about.setdefault(whose, {})[key] = (self._heard, row)
        self._heard += 1


def _last(event: Obj) -> str:
    try:
        return str(event_row(event).last)
    except (AttributeError, TypeError):
        return ""


def _version(event: Obj) -> int:
    """Versions of one resource are numbers that grow, as Kubernetes 1.35 declares."""
    version = event["metadata"].get("resourceVersion") or ""
    return int(version) if version.isdecimal() else 0


_indexes: weakref.WeakKeyDictionary[WatchedLister, EventIndex] = weakref.WeakKeyDictionary()


def event_index(listers: WatchedListers) -> EventIndex:
    """The index over the Events of `listers`; the same one each time, since a lister never forgets a handler."""
    lister = listers(EVENTS)
    index = _indexes.get(lister)
    if index is None:
        index = _indexes[lister] = EventIndex(lister)
    return index
