"""One watch: what was there, then every change, as lines of JSON.

Owns: initial events, selectors over changes, bookmarks, the bound on what a slow reader may leave waiting.
Must not know: HTTP. Source: Kubernetes 1.34, apiserver pkg/storage/cacher (watch cache, WatchList) and
pkg/endpoints/handlers/watch.go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import msgspec

from canarium.clock import Clock
from canarium.kube.cluster import Gone
from canarium.kube.inprocess import seen_through
from canarium.kube.objects import Obj, labels_of
from canarium.kube.registry import Registry
from canarium.kube.resources import Resource
from canarium.kube.selectors import parse_fields, parse_labels
from canarium.kube.store.port import Change, Compacted

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

BOOKMARK_SECONDS = 60.0
MAX_WAITING = 10_000
"""Changes that may wait for a slow reader; one more ends its watch, and it lists again."""
INITIAL_END = "k8s.io/initial-events-end"


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched. namespace: empty for all. since: None begins with an ADDED for all that is there."""

    resource: Resource
    namespace: str = ""
    labels: str = ""
    fields: str = ""
    since: int | None = None
    sends_bookmarks: bool = False
    marks_initial_end: bool = False
    timeout_seconds: int | None = None


class Watching:
    """A running watch. show: (an object's JSON, whether it is the first) to what stands in the event."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        stopping: asyncio.Event,
        watch: Watch,
        show: Callable[[bytes, bool], bytes],
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._stopping = stopping
        self._watch = watch
        self._show = show
        self._is_first = True
        self._has_labels = parse_labels(watch.labels)
        self._has_fields = parse_fields(watch.fields, watch.resource, registry.selectable_fields(watch.resource))
        self._waiting: deque[Change] = deque()
        self._arrived = asyncio.Event()
        self._is_late = False
        store, stored_as = registry.store, registry.stored_as(watch.resource)
        self._sent = store.revision if watch.since is None else watch.since
        self._missed: list[Change] = []
        if watch.since is not None:
            try:
                self._missed = list(store.changes_since(stored_as, watch.since))
            except Compacted:
                raise Gone(410, "Expired", f"too old resource version: {watch.since} ({store.revision})") from None
        self._initial = registry.list(watch.resource, watch.namespace or None) if watch.since is None else []
        self._unsubscribe = store.subscribe(stored_as, self._hear)

    def stop(self) -> None:
        """Hear no more; stopping twice is fine."""
        self._unsubscribe()

    def _hear(self, change: Change) -> None:
        if self._is_late or (self._watch.namespace and change.key.namespace != self._watch.namespace):
            return
        if len(self._waiting) >= MAX_WAITING:
            self._is_late = True
            self._waiting.clear()
        else:
            self._waiting.append(change)
        self._arrived.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Events, one JSON line each, until the time is up, the reader is too slow, or the server stops."""
        watch, clock = self._watch, self._clock
        ends = None if watch.timeout_seconds is None else clock.monotonic() + watch.timeout_seconds
        try:
            for stored in self._initial:
                if self._selects(_decode(stored.raw)):
                    yield self._line("ADDED", stored.raw)
            self._initial = []
            if watch.marks_initial_end:
                yield self._bookmark(is_initial_end=True)
            if self._missed:
                await self._registry.store.durable(self._missed[-1].revision)
            for change in self._missed:
                if not watch.namespace or change.key.namespace == watch.namespace:
                    line = self._told(change)
                    if line:
                        yield line
            self._missed = []
            while not self._stopping.is_set():
                if not self._waiting:
                    left = BOOKMARK_SECONDS if ends is None else min(BOOKMARK_SECONDS, ends - clock.monotonic())
                    if left <= 0 or self._is_late:
                        return
                    if not await self._woken(left) and watch.sends_bookmarks:
                        yield self._bookmark(is_initial_end=False)
                    continue
                await self._registry.store.durable(self._waiting[-1].revision)  # told only what no crash takes back
                lines = []
                while self._waiting:
                    line = self._told(self._waiting.popleft())
                    if line:
                        lines.append(line)
                if lines:
                    yield b"".join(lines)
        finally:
            self.stop()

    async def _woken(self, seconds: float) -> bool:
        """Whether something came within the time."""
        self._arrived.clear()
        arrived = asyncio.ensure_future(self._arrived.wait())
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            done, _ = await asyncio.wait((arrived, stopped), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrived.cancel()
            stopped.cancel()
        return bool(done)

    def _selects(self, obj: Obj) -> bool:
        return self._has_labels(labels_of(obj)) and self._has_fields(obj)

    def _told(self, change: Change) -> bytes:
        self._sent = change.revision
        if not self._watch.labels and not self._watch.fields:
            return self._line(change.type, self._registry.in_version(self._watch.resource, change.raw))
        event = seen_through(change, self._selects)
        return self._line(event.type, self._registry.in_version(self._watch.resource, event.raw)) if event else b""

    def _line(self, kind: str, raw: bytes) -> bytes:
        shown = self._show(raw, self._is_first)
        self._is_first = False
        return b'{"type":"' + kind.encode() + b'","object":' + shown + b"}\n"

    def _bookmark(self, *, is_initial_end: bool) -> bytes:
        resource = self._watch.resource
        metadata: Obj = {"resourceVersion": str(self._sent), "creationTimestamp": None}
        if is_initial_end:
            metadata["annotations"] = {INITIAL_END: "true"}
        mark = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return b'{"type":"BOOKMARK","object":' + _encode(mark) + b"}\n"


__all__ = ["Watch", "Watching"]
