"""The Cluster without HTTP: the registry, behind the same port that a remote API server is behind.

Owns: latency, watch delivery, and telling the journal of every write. Must not know: controllers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal

import msgspec

from canarium.clock import Chance, Clock
from canarium.journal import Journal, NoJournal
from canarium.kube.cluster import Gone, ObjList, PatchType, Subresource, WatchEvent
from canarium.kube.objects import Obj, ObjectKey, labels_of, over_the_wire
from canarium.kube.patch import merge
from canarium.kube.redaction import redacted
from canarium.kube.registry import Registry
from canarium.kube.resources import Resource
from canarium.kube.selectors import parse_fields, parse_labels
from canarium.kube.store.port import Change, Compacted

_decode = msgspec.json.Decoder().decode


class InProcessCluster:
    """See `Cluster`. latency: (least, most) seconds that a call or the delivery of an event takes, drawn from chance;
    (0, 0) answers at once."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        chance: Chance,
        *,
        latency: tuple[float, float] = (0.0, 0.0),
        journal: Journal | None = None,
    ) -> None:
        self.registry = registry
        self._clock = clock
        self._calls = chance.stream("calls")
        self._deliveries = chance.stream("deliveries")
        self._latency = latency
        self._journal: Journal = journal or NoJournal()
        self._tells = not isinstance(self._journal, NoJournal)

    async def _travel(self) -> None:
        if self._latency[1]:
            await self._clock.sleep(self._calls.uniform(*self._latency))
        else:
            await self._clock.sleep(0)  # let others run: a controller with much to do must not hold up the server

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """See `Cluster`."""
        await self._travel()
        return self.registry.get(resource, ObjectKey(namespace, name))

    async def list(
        self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> ObjList:
        """See `Cluster`."""
        await self._travel()
        items = [_decode(stored.raw) for stored in self.registry.list(resource, namespace)]
        if labels:
            has_labels = parse_labels(labels)
            items = [item for item in items if has_labels(labels_of(item))]
        if fields:
            has_fields = parse_fields(fields, resource, self.registry.selectable_fields(resource))
            items = [item for item in items if has_fields(item)]
        return ObjList(items, str(self.registry.store.revision))

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `Cluster`."""
        stored_as = self.registry.stored_as(resource)
        is_other_version = stored_as != resource
        travelling: deque[Change] = deque()
        here: deque[Change] = deque()
        arrived = asyncio.Event()
        latest = 0.0
        loop = asyncio.get_running_loop()

        def arrive() -> None:
            here.append(travelling.popleft())
            arrived.set()

        def tell(change: Change) -> None:
            nonlocal latest
            if namespace is not None and change.key.namespace != namespace:
                return
            travelling.append(change)
            if not self._latency[1]:
                arrive()
                return
            now = self._clock.monotonic()
            latest = max(latest, now + self._deliveries.uniform(*self._latency))  # events never overtake each other
            loop.call_later(latest - now, arrive)

        try:
            missed = self.registry.store.changes_since(stored_as, int(resource_version))
        except Compacted as error:
            raise Gone(410, "Expired", f"too old resource version: {resource_version}") from error
        for change in missed:
            tell(change)
        has_labels = parse_labels(labels)
        stop = self.registry.store.subscribe(stored_as, tell)
        try:
            while True:
                while not here:
                    arrived.clear()
                    await arrived.wait()
                change = here.popleft()
                event = (
                    seen_through(change, lambda obj: has_labels(labels_of(obj)))
                    if labels
                    else WatchEvent(change.type, change.raw, str(change.revision))
                )
                if event is not None and is_other_version:
                    event = WatchEvent(
                        event.type, self.registry.in_version(resource, event.raw), event.resource_version
                    )
                if event is not None:
                    yield event
        finally:
            stop()

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        """See `Cluster`."""
        await self._travel()
        created = self.registry.create(resource, over_the_wire(obj), dry_run=dry_run)
        if self._tells and not dry_run:
            self._tell("create", resource, created, object=redacted(resource, created))
        return created

    async def update(
        self, resource: Resource, obj: Obj, *, subresource: Subresource = "", dry_run: bool = False
    ) -> Obj:
        """See `Cluster`."""
        await self._travel()
        before = self._before(resource, obj["metadata"])
        updated = self.registry.update(resource, over_the_wire(obj), subresource=subresource, dry_run=dry_run)
        if before is not None and not dry_run:
            self._tell_change("update", resource, before, updated, subresource)
        return updated

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        type: PatchType = "merge",
        subresource: Subresource = "",
        field_manager: str = "",
        force: bool = False,
        dry_run: bool = False,
    ) -> Obj:
        """See `Cluster`."""
        await self._travel()
        before = self._before(resource, {"namespace": namespace, "name": name})
        patched = self.registry.patch(
            resource,
            ObjectKey(namespace, name),
            over_the_wire(patch),
            type=type,
            subresource=subresource,
            field_manager=field_manager,
            force=force,
            dry_run=dry_run,
        )
        if before is not None and not dry_run:
            self._tell_change("patch", resource, before, patched, subresource)
        return patched

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        grace_period_seconds: int | None = None,
        uid: str | None = None,
        preconditions: Mapping[str, str] | None = None,
    ) -> Obj | None:
        """See `Cluster`."""
        await self._travel()
        wanted = preconditions or {}
        left = self.registry.delete(
            resource,
            ObjectKey(namespace, name),
            propagation=propagation,
            grace_period_seconds=grace_period_seconds,
            uid=uid or wanted.get("uid"),
            resource_version=wanted.get("resourceVersion"),
        )
        if self._tells:
            metadata = {"namespace": namespace, "name": name}
            self._tell("delete", resource, {"metadata": metadata}, is_gone=left is None)
        return left

    def _before(self, resource: Resource, metadata: Mapping[str, Any]) -> Obj | None:
        """The object as it is, when somebody listens."""
        if not self._tells:
            return None
        stored = self.registry.store.get(resource, ObjectKey(metadata.get("namespace", ""), metadata.get("name", "")))
        return _decode(stored.raw) if stored else None

    def _tell_change(self, verb: str, resource: Resource, before: Obj, after: Obj, subresource: str) -> None:
        if before["metadata"]["resourceVersion"] != after["metadata"]["resourceVersion"]:
            self._tell(
                verb, resource, after, subresource=subresource, change=redacted(resource, merge.diff(before, after))
            )

    def _tell(self, verb: str, resource: Resource, obj: Mapping[str, Any], **data: Any) -> None:
        metadata = obj["metadata"]
        self._journal.record(
            "write",
            verb=verb,
            resource=resource.group_resource,
            namespace=metadata.get("namespace", ""),
            name=metadata["name"],
            **{key: value for key, value in data.items() if value not in ("", None)},
        )


def seen_through(change: Change, selects: Callable[[Obj], bool]) -> WatchEvent | None:
    """A change as a watch with selectors tells it: an object that begins to match is ADDED, one that no longer does is
    DELETED, told as it was when it still matched (apiserver cacher, convertToWatchEvent)."""
    revision = str(change.revision)
    is_selected = change.type != "DELETED" and selects(_decode(change.raw))
    was_selected = change.before is not None and selects(_decode(change.before))
    if is_selected:
        return WatchEvent("MODIFIED" if was_selected else "ADDED", change.raw, revision)
    if not was_selected or change.before is None:
        return None
    last = _decode(change.before)
    last["metadata"]["resourceVersion"] = revision
    return WatchEvent("DELETED", msgspec.json.encode(last), revision)
