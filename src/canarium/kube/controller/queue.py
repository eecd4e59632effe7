"""The keyed work queue: each key at most once in line and at most once at work.

Owns: de-duplication, delayed re-adds, per-key back-off. Must not know: what a key means.
Source: client-go util/workqueue (exponential per-item back-off from 5 ms; Argo Rollouts caps it at 10 s).
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque

from canarium.clock import Clock
from canarium.kube.objects import ObjectKey

BASE_BACKOFF_SECONDS = 0.005
MAX_BACKOFF_SECONDS = 10.0


class WorkQueue:
    """Add keys, get them one at a time, say when done."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._line: deque[ObjectKey] = deque()
        self._waiting: dict[ObjectKey, None] = {}  # keys in line (a dict keeps a stable order)
        self._at_work: dict[ObjectKey, bool] = {}  # key -> was added again meanwhile
        self._later: list[tuple[float, int, ObjectKey]] = []
        self._due: dict[ObjectKey, float] = {}
        self._count = 0
        self._failures: dict[ObjectKey, int] = {}
        self._changed = asyncio.Event()
        self._resting: dict[ObjectKey, float] = {}  # key -> not before

    def add(self, key: ObjectKey) -> None:
        """Put a key in line, once; while it is at work, it will be looked at again afterwards, and while it rests, when
        it has rested."""
        if self._resting and key in self._resting and key not in self._at_work:
            left = self._resting[key] - self._clock.monotonic()
            if left > 0:
                self.add_after(key, left)
                return
            del self._resting[key]
        if key in self._at_work:
            self._at_work[key] = True
        elif key not in self._waiting:
            self._waiting[key] = None
            self._line.append(key)
            self._changed.set()

    def add_after(self, key: ObjectKey, seconds: float) -> None:
        """Put a key in line later; of several delays the earliest counts."""
        due = self._clock.monotonic() + max(0.0, seconds)
        if key in self._due and self._due[key] <= due:
            return
        self._due[key] = due
        self._count += 1
        heapq.heappush(self._later, (due, self._count, key))
        self._changed.set()

    def retry(self, key: ObjectKey) -> float:
        """Put a failed key in line after its back-off; returns the delay in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(BASE_BACKOFF_SECONDS * float(2 ** min(failures, 30)), MAX_BACKOFF_SECONDS)
        self.add_after(key, delay)
        return delay

    def forget(self, key: ObjectKey) -> None:
        """A key went well: its back-off starts over."""
        self._failures.pop(key, None)

    async def get(self) -> ObjectKey:
        """The next key; call `done` when finished with it."""
        while True:
            self._promote()
            if self._line:
                key = self._line.popleft()
                del self._waiting[key]
                self._at_work[key] = False
                return key
            self._changed.clear()
            if not self._later:
                await self._changed.wait()
                continue
            wait = self._later[0][0] - self._clock.monotonic()
            timer = asyncio.get_running_loop().call_later(max(wait, 0.0), self._changed.set)
            try:
                await self._changed.wait()
            finally:
                timer.cancel()

    def done(self, key: ObjectKey, *, rest_seconds: float = 0.0) -> None:
        """The key is no longer at work; it is not looked at again before it has rested."""
        if rest_seconds > 0:
            self._resting[key] = self._clock.monotonic() + rest_seconds
        else:
            self._resting.pop(key, None)
        if self._at_work.pop(key):
            self.add(key)

    def _promote(self) -> None:
        now = self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
