"""Real and virtual time, and chance: the only module that knows either.

Owns: the ports `Clock` and `Chance`, the real clock, the virtual clock and its event loop.
Must not know: anything of Kubernetes.

Virtual time rules: it never moves while something is ready to run or while outside work (threads, subprocesses,
sockets; counted by `outside()`) is in flight; equal deadlines fire in the order they were scheduled; and 100,000 turns
of the loop without time moving is a loud failure that names the tasks.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

TURNS_WITHOUT_TIME = 100_000
SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""The letters and digits Kubernetes uses in generated names: no vowels, nothing that looks like another."""


class Chance:
    """Seeded randomness. Every user takes a stream of its own by name, so nobody's draws move anybody else's."""

    def __init__(self, seed: int | str) -> None:
        self._seed = str(seed)
        self._random = random.Random(self._seed)  # noqa: S311, TID251  # the port that the ban points to

    def stream(self, name: str) -> Chance:
        """An independent sequence that depends on this seed and `name` only."""
        return Chance(hashlib.sha256(f"{self._seed}/{name}".encode()).hexdigest())

    def uniform(self, low: float, high: float) -> float:
        """A float in [low, high]."""
        return self._random.uniform(low, high)

    def random(self) -> float:
        """A float in [0, 1)."""
        return self._random.random()

    def below(self, bound: int) -> int:
        """An integer in [0, bound)."""
        return self._random.randrange(bound)

    def uid(self) -> str:
        """A UUID, version 4."""
        bits = self._random.getrandbits(128) & ~(0xF << 76) | (0x4 << 76)
        bits = bits & ~(0x3 << 62) | (0x2 << 62)
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def suffix(self, length: int = 5) -> str:
        """A random name suffix in Kubernetes' safe alphabet."""
        return "".join(SAFE_ALPHABET[self._random.randrange(len(SAFE_ALPHABET))] for _ in range(length))


class Clock(Protocol):
    """Time, handed in."""

    def now(self) -> datetime:
        """The time of day, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let others run until `seconds` have passed; 0 lets them run once."""
        ...

    async def outside(self, work: Callable[[], T]) -> T:
        """Run blocking work on a thread; virtual time stands still meanwhile."""
        ...


class RealClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)  # noqa: TID251  # this is the port that the ban points to

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()  # noqa: TID251  # this is the port that the ban points to

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        await asyncio.sleep(seconds)  # noqa: TID251  # this is the port that the ban points to

    async def outside(self, work: Callable[[], T]) -> T:
        """See `Clock`."""
        return await asyncio.to_thread(work)


class TimeStandsStill(AssertionError):
    """The virtual loop turned too often without time moving: something spins."""


class VirtualDeadlock(AssertionError):
    """Everything waits and no timer is left: the main coroutine can never finish."""


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop whose time jumps to the next timer as soon as nothing is ready to run.

    It has no selector: opening a socket or a subprocess on it is an error by construction.
    """

    # asyncio's own attributes, absent from its type stubs
    _ready: deque[asyncio.Handle]
    _stopping: bool
    _default_executor: Executor | None

    def __init__(self) -> None:
        super().__init__()
        self._time = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []  # asyncio's own heap forgets the order
        self._order = 0
        self._turns = 0
        self._outside = 0
        self._woken = threading.Event()

    def time(self) -> float:
        """Virtual seconds since the loop began."""
        return self._time

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule; equal deadlines fire in the order of these calls.

        A deadline is a whole number of nanoseconds, or a million sleeps of 0.1 s would add up to more than 100,000 s;
        but one that comes after now stays after now.
        """
        rounded = round(when, 9)
        if rounded > self._time:
            when = rounded
        self._order += 1
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, self._order, timer))
        return timer

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule after `delay` virtual seconds."""
        return self.call_at(self._time + delay, callback, *args, context=context)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """While entered, time does not move."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def _run_once(self) -> None:
        timers, ready = self._timers, self._ready
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not ready and not self._stopping:
            if self._outside:
                self._woken.wait()
                self._woken.clear()
            elif timers:
                if timers[0][0] > self._time:
                    self._time = timers[0][0]
                    self._turns = 0
            else:
                raise VirtualDeadlock(f"nothing can happen any more; waiting: {self._tasks()}")
        while timers and timers[0][0] <= self._time:
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled():
                ready.append(timer)
        self._turns += 1
        if self._turns > TURNS_WITHOUT_TIME:
            raise TimeStandsStill(f"{TURNS_WITHOUT_TIME} turns without time moving; running: {self._tasks()}")
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()

    def _tasks(self) -> str:
        return ", ".join(sorted(task.get_name() for task in asyncio.all_tasks(self)))

    def _timer_handle_cancelled(self, handle: Any) -> None:
        """Cancelled timers are dropped when they come up; nothing to count."""
        del handle

    def _write_to_self(self) -> None:
        self._woken.set()

    def _process_events(self, event_list: Any) -> None:
        del event_list
        raise AssertionError("a virtual loop has no selector events")


class VirtualClock:
    """Time inside a `VirtualLoop`: an hour passes as soon as everybody sleeps."""

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        self._loop = loop
        self.start = start

    def now(self) -> datetime:
        """See `Clock`."""
        return self.start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        await asyncio.sleep(seconds)  # noqa: TID251  # this is the port that the ban points to

    async def outside(self, work: Callable[[], T]) -> T:
        """See `Clock`."""
        with self._loop.outside():
            return await asyncio.to_thread(work)


DEFAULT_START = datetime(2026, 1, 5, 9, 0, 0, tzinfo=UTC)
"""Where virtual time begins unless a scenario says otherwise: a Monday morning."""


def run_virtual(main: Callable[[VirtualClock], Coroutine[Any, Any, T]], *, start: datetime = DEFAULT_START) -> T:
    """Run `main(clock)` to its end in virtual time, then cancel what it left running.

    Raises TimeStandsStill, VirtualDeadlock, and whatever `main` raises.
    """
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(main(VirtualClock(loop, start)))
        finally:
            _cancel_all(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
            if loop._default_executor is not None:
                loop._default_executor.shutdown(wait=True)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _cancel_all(loop: VirtualLoop) -> None:
    loop._turns = 0
    tasks = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            loop.call_exception_handler(
                {"message": "a task failed while it was being stopped", "exception": error, "task": task}
            )


__all__ = [
    "DEFAULT_START",
    "SAFE_ALPHABET",
    "Chance",
    "Clock",
    "RealClock",
    "TimeStandsStill",
    "VirtualClock",
    "VirtualDeadlock",
    "VirtualLoop",
    "run_virtual",
]
