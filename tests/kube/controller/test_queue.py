"""The work queue: each key once in line, once at work."""

from __future__ import annotations

import asyncio

import pytest

from canarium.clock import VirtualClock, run_virtual
from canarium.kube.controller.queue import MAX_BACKOFF_SECONDS, WorkQueue
from canarium.kube.objects import ObjectKey

A, B = ObjectKey("", "a"), ObjectKey("", "b")


def test_a_key_added_twice_is_looked_at_once() -> None:
    async def main(clock: VirtualClock) -> list[ObjectKey]:
        queue = WorkQueue(clock)
        for key in (A, B, A):
            queue.add(key)
        return [await queue.get(), await queue.get()]

    assert run_virtual(main) == [A, B]


def test_a_key_added_while_at_work_comes_again_afterwards() -> None:
    async def main(clock: VirtualClock) -> tuple[bool, ObjectKey]:
        queue = WorkQueue(clock)
        queue.add(A)
        key = await queue.get()
        queue.add(A)
        waiting = asyncio.create_task(queue.get())
        await clock.sleep(1)
        was_held_back = not waiting.done()
        queue.done(key)
        return was_held_back, await waiting

    assert run_virtual(main) == (True, A)


def test_of_several_delays_the_earliest_counts_and_the_later_one_is_dropped() -> None:
    async def main(clock: VirtualClock) -> tuple[float, bool]:
        queue = WorkQueue(clock)
        queue.add_after(A, 60)
        queue.add_after(A, 5)
        queue.add_after(A, 30)
        queue.done(await queue.get())
        at = clock.monotonic()
        again = asyncio.create_task(queue.get())
        await clock.sleep(100)
        return at, again.done()

    assert run_virtual(main) == (5, False)


def test_failures_back_off_exponentially_and_success_starts_over() -> None:
    async def main(clock: VirtualClock) -> tuple[list[float], float]:
        queue = WorkQueue(clock)
        delays = [queue.retry(A) for _ in range(20)]
        queue.forget(A)
        return delays, queue.retry(A)

    delays, first = run_virtual(main)

    assert delays[:4] == [0.005, 0.01, 0.02, 0.04]
    assert delays[-1] == MAX_BACKOFF_SECONDS
    assert first == 0.005


def test_a_key_that_rests_is_looked_at_once_afterwards_however_often_it_was_added() -> None:
    async def main(clock: VirtualClock) -> None:
        queue = WorkQueue(clock)
        queue.add(A)
        assert await queue.get() == A
        queue.add(A)
        queue.done(A, rest_seconds=2.0)
        for _ in range(5):
            queue.add(A)
            await clock.sleep(0.1)

        assert await queue.get() == A
        assert clock.monotonic() == pytest.approx(2.0)
        queue.done(A)
        queue.add(A)
        assert await queue.get() == A
        assert clock.monotonic() == pytest.approx(2.0)

    run_virtual(main)
