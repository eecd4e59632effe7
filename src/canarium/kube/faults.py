"""A Cluster that misbehaves as real ones do, for tests and soak runs.

Owns: conflicts, requests that time out (before or after they took effect), stale reads, dropped watches, repeated
events. A restart between two actions is the caller's: stop the Manager and start another.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeVar

import msgspec

from canarium.clock import Chance, Clock
from canarium.kube.cluster import Cluster, Conflict, Unavailable, WatchEvent
from canarium.kube.forwarding import Answer, ForwardingCluster, Verb
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import Resource

T = TypeVar("T")


class FaultRates(msgspec.Struct, frozen=True, kw_only=True):
    """How often each fault happens, as a probability per call or event; 0 is never."""

    conflict: float = 0.0
    timed_out: float = 0.0  # the request had no effect
    applied_but_timed_out: float = 0.0
    stale_read: float = 0.0
    dropped_watch: float = 0.0
    repeated_event: float = 0.0
    late_event_seconds: float = 0.0  # an event is held back for up to this long


class FaultyCluster(ForwardingCluster):
    """See `Cluster`; wraps another one. The same chance gives the same faults."""

    def __init__(self, inner: Cluster, clock: Clock, chance: Chance, rates: FaultRates) -> None:
        super().__init__(inner)
        self._clock = clock
        self._chance = chance.stream("faults")
        self._watch_chance = chance.stream("watch faults")
        self.rates = rates
        self._former: dict[tuple[Resource, ObjectKey], Obj] = {}
        self.happened: dict[str, int] = {}

    def _strikes(self, fault: str, rate: float) -> bool:
        if rate <= 0 or self._chance.random() >= rate:
            return False
        self.happened[fault] = self.happened.get(fault, 0) + 1
        return True

    async def write(
        self, verb: Verb, resource: Resource, key: ObjectKey, call: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Carry it out, or conflict, or lose the request or its answer."""
        what = f"{verb} {resource} {key}"
        if verb in ("update", "patch") and self._strikes("conflict", self.rates.conflict):
            raise Conflict(409, "Conflict", f"{what}: the object has been modified (injected)")
        if self._strikes("timed_out", self.rates.timed_out):
            raise Unavailable(504, "Timeout", f"{what}: request timed out (injected)")
        answer = await call()
        if self._strikes("applied_but_timed_out", self.rates.applied_but_timed_out):
            raise Unavailable(504, "Timeout", f"{what}: request timed out although it took effect (injected)")
        return answer

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """See `Cluster`; may answer with the state before the last change it saw."""
        obj = await self._inner.get(resource, namespace, name)
        key = (resource, ObjectKey(namespace, name))
        former = self._former.get(key)
        self._former[key] = obj
        if former is not None and self._strikes("stale_read", self.rates.stale_read):
            return former
        return obj

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `Cluster`; may break, be late, or tell an event twice."""
        chance, rates = self._watch_chance.stream(str(resource)), self.rates
        stream = self._inner.watch(resource, namespace, resource_version=resource_version, labels=labels)
        try:
            async for event in stream:
                if rates.late_event_seconds and chance.random() < 0.2:
                    await self._clock.sleep(chance.uniform(0.0, rates.late_event_seconds))
                if chance.random() < rates.dropped_watch:
                    self.happened["dropped_watch"] = self.happened.get("dropped_watch", 0) + 1
                    raise Unavailable(503, "ServiceUnavailable", "the watch broke (injected)")
                yield event
                if chance.random() < rates.repeated_event:
                    self.happened["repeated_event"] = self.happened.get("repeated_event", 0) + 1
                    yield event
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()  # unsubscribes now, not when the garbage collector comes by
