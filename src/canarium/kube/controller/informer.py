"""A shared, indexed copy of one resource, kept fresh by list and watch.

Owns: the cache, its owner index, telling handlers. Must not know: controllers. See `Lister`.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence

import msgspec

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.kube.cluster import ApiError, Cluster, Gone, NotFound, WatchEvent
from canarium.kube.controller.fault import LOUD, Faults
from canarium.kube.objects import Obj, ObjectKey, key_of
from canarium.kube.resources import Resource

_decode = msgspec.json.Decoder().decode
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode

RELIST_SECONDS = 1.0


class Informer:
    """See `Lister`. Handlers hear of every object that was added, changed or removed.

    faults: whether a bug, in a handler or here, is endured; the other handlers hear all the same.
    """

    def __init__(self, cluster: Cluster, clock: Clock, resource: Resource, faults: Faults = LOUD) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self.missing: NotFound | None = None  # the answer to the first list, if nobody has defined the kind
        self.problem: ApiError | None = None  # why this is not fresh; None once a list has succeeded again
        self._cluster = cluster
        self._clock = clock
        self._faults = faults
        self._raw: dict[ObjectKey, bytes] = {}
        self._packed: dict[ObjectKey, bytes] = {}  # the same as MessagePack, which a copy is made from in half the time
        self._uids: dict[ObjectKey, str] = {}
        self._owners: dict[ObjectKey, tuple[str, ...]] = {}
        self._by_owner: dict[str, dict[ObjectKey, None]] = {}
        self._handlers: list[Callable[[Obj], None]] = []
        self._problem_handlers: list[Callable[[], None]] = []
        self._sorted: list[ObjectKey] | None = None
        self._version = 0
        self._awaited: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    # -- Lister -------------------------------------------------------------------------------------------------

    def get(self, namespace: str, name: str) -> Obj | None:
        """See `Lister`."""
        key = ObjectKey(namespace, name)
        return self._copy(key) if key in self._raw else None

    def uid(self, namespace: str, name: str) -> str | None:
        """See `Lister`."""
        return self._uids.get(ObjectKey(namespace, name))

    def list(self, namespace: str | None = None) -> Sequence[Obj]:
        """See `Lister`."""
        if self._sorted is None:
            self._sorted = sorted(self._raw)
        return [self._copy(key) for key in self._sorted if namespace is None or key.namespace == namespace]

    def owned_by(self, uid: str) -> Sequence[Obj]:
        """See `Lister`."""
        return [self._copy(key) for key in sorted(self._by_owner.get(uid, ()))]

    def _copy(self, key: ObjectKey) -> Obj:
        packed = self._packed.get(key)
        copy: Obj = _decode(self._raw[key]) if packed is None else _unpack(packed)
        return copy

    # -- keeping it fresh ---------------------------------------------------------------------------------------

    def on_change(self, handler: Callable[[Obj], None]) -> None:
        """Call `handler` with each object that changed from now on (for a removal, its last state)."""
        self._handlers.append(handler)

    def on_problem(self, handler: Callable[[], None]) -> None:
        """Call `handler` when there is another `problem` than before, or none any more."""
        self._problem_handlers.append(handler)

    def when_shown(self, version: str, then: Callable[[], None]) -> None:
        """Call `then` once every change of this resource up to `version` is shown; at once if it is.

        Versions are compared as numbers, which Kubernetes 1.35 declares them to be within one resource.
        """
        if int(version) <= self._version:
            then()
            return
        self._count += 1
        heapq.heappush(self._awaited, (int(version), self._count, then))

    def _is_at(self, version: str) -> None:
        self._version = int(version)
        while self._awaited and self._awaited[0][0] <= self._version:
            then = heapq.heappop(self._awaited)[2]
            try:
                then()
            except Exception as error:
                if not self._endures("", error):
                    raise

    async def run(self) -> None:
        """List, then watch, for ever; a broken or outdated watch begins again with a list."""
        while True:
            try:
                answer = await self._cluster.list(self.resource)
                self._replace(answer.items)
                self._is_at(answer.resource_version)
                self.synced.set()
                self._is_troubled_by(None)
                async for event in self._cluster.watch(self.resource, resource_version=answer.resource_version):
                    self._take(event)
                    self._is_at(event.resource_version)
            except ApiError as error:
                if isinstance(error, NotFound) and not self.synced.is_set():
                    self.missing = error
                    self.synced.set()  # whoever waits for the first list need not wait for ever
                if not isinstance(error, Gone):  # which says no more than that a list is due
                    self._is_troubled_by(error)
                await self._clock.sleep(RELIST_SECONDS)  # Gone or Unavailable: the list says how things are
            except CanariumError:
                raise  # what it says is for whoever runs the cluster, such as a disk that gave up
            except Exception as error:
                if not self._endures("", error):
                    raise
                await self._clock.sleep(RELIST_SECONDS)

    def _is_troubled_by(self, problem: ApiError | None) -> None:
        before, self.problem = self.problem, problem
        if str(before or "") != str(problem or ""):
            for handler in self._problem_handlers:
                try:
                    handler()
                except Exception as error:
                    if not self._endures("", error):
                        raise

    def _replace(self, items: Sequence[Obj]) -> None:
        fresh = {key_of(obj): obj for obj in items}
        for key in [key for key in self._raw if key not in fresh]:
            self._remove(key)
        for key, obj in fresh.items():
            raw = msgspec.json.encode(obj)
            if self._raw.get(key) != raw:
                self._put(key, raw, obj)

    def _take(self, event: WatchEvent) -> None:
        if event.type == "BOOKMARK":
            return
        obj = _decode(event.raw)
        key = key_of(obj)
        if event.type == "DELETED":
            self._remove(key, last=obj)
        elif self._raw.get(key) != event.raw:
            self._put(key, event.raw, obj)

    def _put(self, key: ObjectKey, raw: bytes, obj: Obj) -> None:
        if key not in self._raw:
            self._sorted = None
        self._raw[key] = raw
        self._uids[key] = obj["metadata"]["uid"]
        try:
            self._packed[key] = _pack(obj)
        except OverflowError:  # a number beyond 64 bits, which only JSON can say
            self._packed.pop(key, None)
        owners = tuple(ref["uid"] for ref in obj["metadata"].get("ownerReferences") or ())
        if owners != self._owners.get(key, ()):
            self._index(key, owners)
        self._tell(obj)

    def _remove(self, key: ObjectKey, last: Obj | None = None) -> None:
        raw = self._raw.pop(key, None)
        if raw is None:
            return
        self._packed.pop(key, None)
        del self._uids[key]
        self._sorted = None
        self._index(key, ())
        self._tell(last or _decode(raw))

    def _index(self, key: ObjectKey, owners: tuple[str, ...]) -> None:
        for uid in self._owners.pop(key, ()):
            members = self._by_owner[uid]
            del members[key]
            if not members:
                del self._by_owner[uid]
        if owners:
            self._owners[key] = owners
            for uid in owners:
                self._by_owner.setdefault(uid, {})[key] = None

    def _tell(self, obj: Obj) -> None:
        for handler in self._handlers:
            try:
                handler(obj)
            except Exception as error:
                if not self._endures(str(key_of(obj)), error):
                    raise

    def _endures(self, key: str, error: Exception) -> bool:
        return self._faults.endures(f"informer/{self.resource}", key, error)
