"""The store in memory: the lab's, and the model that every other store is compared with.

Owns: the versioned map and its bounded event log. Must not know: what an object means.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import Resource
from canarium.kube.store.port import Change, Compacted, Stored

_encode = msgspec.json.Encoder().encode


class MemoryStore:
    """See `Store`. log_size: how many changes a watch can be behind before it gets 410 Gone."""

    def __init__(self, *, log_size: int = 10_000) -> None:
        self._objects: dict[Resource, dict[ObjectKey, Stored]] = {}
        self._listeners: dict[Resource, list[Callable[[Change], None]]] = {}
        self._log: deque[Change] = deque(maxlen=log_size)
        self._revision = 0
        self._forgotten = 0  # the newest revision that fell out of the log

    @property
    def revision(self) -> int:
        """See `Store`."""
        return self._revision

    def get(self, resource: Resource, key: ObjectKey) -> Stored | None:
        """See `Store`."""
        return self._objects.get(resource, {}).get(key)

    def list(self, resource: Resource, namespace: str | None = None) -> list[Stored]:
        """See `Store`."""
        found = self._objects.get(resource, {})
        return [found[key] for key in sorted(found) if namespace is None or key.namespace == namespace]

    def put(self, resource: Resource, key: ObjectKey, obj: Obj) -> Stored:
        """See `Store`."""
        revision = self._revision + 1
        stamped = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}
        stored = Stored(_encode(stamped), revision)  # what JSON cannot say leaves no trace
        self._revision = revision
        objects = self._objects.setdefault(resource, {})
        former = objects.get(key)
        objects[key] = stored
        if former is None:
            self._tell(Change(revision, "ADDED", resource, key, stored.raw))
        else:
            self._tell(Change(revision, "MODIFIED", resource, key, stored.raw, former.raw))
        return stored

    def remove(self, resource: Resource, key: ObjectKey) -> Stored:
        """See `Store`."""
        last = self._objects[resource].pop(key)
        self._revision += 1
        obj = msgspec.json.decode(last.raw)
        obj["metadata"]["resourceVersion"] = str(self._revision)
        stored = Stored(_encode(obj), self._revision)
        self._tell(Change(self._revision, "DELETED", resource, key, stored.raw, last.raw))
        return stored

    def changes_since(self, resource: Resource, revision: int) -> Sequence[Change]:
        """See `Store`."""
        if revision < self._forgotten:
            raise Compacted(f"revision {revision} is older than the event log, which begins after {self._forgotten}")
        changes: list[Change] = []
        for change in reversed(self._log):
            if change.revision <= revision:
                break
            if change.resource == resource:
                changes.append(change)
        changes.reverse()
        return changes

    def subscribe(self, resource: Resource, listener: Callable[[Change], None]) -> Callable[[], None]:
        """See `Store`."""
        listeners = self._listeners.setdefault(resource, [])
        listeners.append(listener)

        def stop() -> None:
            if listener in listeners:
                listeners.remove(listener)

        return stop

    def resources(self) -> Sequence[Resource]:
        """See `Store`."""
        held = [resource for resource, objects in self._objects.items() if objects]
        return sorted(held, key=lambda resource: (resource.group, resource.plural, resource.version))

    async def durable(self, revision: int | None = None) -> None:
        """See `Store`. Nothing here outlives the process, so there is nothing to wait for."""
        del revision

    def _tell(self, change: Change) -> None:
        if len(self._log) == self._log.maxlen:
            self._forgotten = self._log[0].revision
        self._log.append(change)
        for listener in tuple(self._listeners.get(change.resource, ())):
            listener(change)
