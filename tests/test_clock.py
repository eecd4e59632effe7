"""Virtual time keeps DESIGN's rules."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator

import pytest

from canarium.clock import Chance, TimeStandsStill, VirtualClock, VirtualDeadlock, run_virtual


def test_an_hour_passes_as_soon_as_everybody_sleeps() -> None:
    async def main(clock: VirtualClock) -> float:
        await clock.sleep(3600)
        return clock.monotonic()

    assert run_virtual(main) == 3600


def test_equal_deadlines_fire_in_the_order_they_were_scheduled() -> None:
    fired: list[int] = []

    async def sleeper(clock: VirtualClock, number: int) -> None:
        await clock.sleep(1)
        fired.append(number)

    async def main(clock: VirtualClock) -> None:
        await asyncio.gather(*(sleeper(clock, number) for number in range(50)))

    run_virtual(main)

    assert fired == list(range(50))


def test_time_stands_still_while_outside_work_is_in_flight() -> None:
    started, may_end = threading.Event(), threading.Event()

    def work() -> str:
        started.set()
        assert may_end.wait(10)
        return "done"

    async def main(clock: VirtualClock) -> tuple[str, float]:
        timer = asyncio.create_task(clock.sleep(5))
        answer = asyncio.create_task(clock.outside(work))
        while not started.is_set():
            await clock.sleep(0)
        before = clock.monotonic()
        may_end.set()
        result = await answer
        after = clock.monotonic()
        await timer
        assert clock.monotonic() == 5
        return result, after - before

    assert run_virtual(main) == ("done", 0)


def test_a_timeout_is_measured_in_virtual_time() -> None:
    async def main(clock: VirtualClock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await clock.sleep(1000)
        return clock.monotonic()

    assert run_virtual(main) == 30


def test_a_task_that_spins_is_named_instead_of_hanging() -> None:
    async def spin(clock: VirtualClock) -> None:
        while True:
            await clock.sleep(0)

    async def main(clock: VirtualClock) -> None:
        await asyncio.create_task(spin(clock), name="the-spinner")

    with pytest.raises(TimeStandsStill, match="the-spinner"):
        run_virtual(main)


def test_waiting_for_what_can_never_happen_is_named_instead_of_hanging() -> None:
    async def main(clock: VirtualClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(VirtualDeadlock):
        run_virtual(main)


def test_opening_a_socket_in_virtual_time_is_an_error() -> None:
    async def main(clock: VirtualClock) -> None:
        await asyncio.open_connection("127.0.0.1", 1)

    with pytest.raises((NotImplementedError, AttributeError)):
        run_virtual(main)


def test_streams_of_chance_do_not_move_each_other() -> None:
    lonely = Chance(7).stream("pods").uid()

    crowded = Chance(7)
    crowded.stream("nodes").uid()
    crowded.uid()

    assert crowded.stream("pods").uid() == lonely
    assert Chance(8).stream("pods").uid() != lonely


def test_a_hundred_thousand_sleeps_of_a_tenth_of_a_second_take_exactly_that_long() -> None:
    async def main(clock: VirtualClock) -> tuple[float, str]:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        left = 100_000

        def tick() -> None:
            nonlocal left
            left -= 1
            if left:
                loop.call_later(0.1, tick)
            else:
                done.set_result(None)

        loop.call_later(0.1, tick)  # what a sleep is made of, without the cost of the futures
        await done
        return clock.monotonic(), clock.now().isoformat()

    assert run_virtual(main) == (10_000.0, "2026-01-05T11:46:40+00:00")


def test_sleeping_the_rest_of_a_wait_always_ends() -> None:
    async def main(clock: VirtualClock) -> int:
        turns = 0
        for due in (0.1 + 0.2, 1.0000000004, 1.0000000004 + 1e-12, 2.00000000051):
            while clock.monotonic() < due:
                turns += 1
                await clock.sleep(due - clock.monotonic())
        return turns

    assert run_virtual(main) <= 8


def test_an_error_in_a_callback_is_told_and_others_go_on() -> None:
    told: list[str] = []

    async def main(clock: VirtualClock) -> str:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        loop.call_later(1, list[str]().pop)
        loop.call_soon(dict[str, str]().__getitem__, "k")
        await clock.sleep(2)
        return "done"

    assert run_virtual(main) == "done"
    assert told == ["'k'", "pop from empty list"]


def test_a_thread_at_work_outside_can_wake_the_loop_before_it_is_done() -> None:
    async def main(clock: VirtualClock) -> tuple[list[str], float]:
        loop = asyncio.get_running_loop()
        heard: list[str] = []
        is_heard = threading.Event()

        def hear(word: str) -> None:
            heard.append(word)
            is_heard.set()

        def work() -> None:
            loop.call_soon_threadsafe(hear, "halfway")
            assert is_heard.wait(10)

        later = asyncio.create_task(clock.sleep(60))
        await clock.outside(work)
        at = clock.monotonic()
        await later
        return heard, at

    assert run_virtual(main) == (["halfway"], 0.0)


def test_a_timer_can_be_cancelled_by_another_of_the_same_instant() -> None:
    async def main(clock: VirtualClock) -> list[str]:
        loop = asyncio.get_running_loop()
        fired: list[str] = []
        timers: list[asyncio.TimerHandle] = []

        def first() -> None:
            fired.append("first")
            timers[0].cancel()

        loop.call_later(1, first)
        timers.append(loop.call_later(1, fired.append, "second"))
        loop.call_later(1, fired.append, "third")
        await clock.sleep(1)
        return fired

    assert run_virtual(main) == ["first", "third"]


def test_what_is_left_running_is_stopped_and_its_generators_are_closed() -> None:
    ended: list[str] = []

    async def numbers(clock: VirtualClock) -> AsyncIterator[int]:
        try:
            yield 1
            await clock.sleep(1e9)
        finally:
            await clock.sleep(1)
            ended.append("generator")

    async def reads(clock: VirtualClock) -> None:
        try:
            async for _ in numbers(clock):
                await clock.sleep(1e9)
        finally:
            ended.append("task")

    async def main(clock: VirtualClock) -> None:
        kept.append(numbers(clock))
        await anext(kept[0])
        asyncio.create_task(reads(clock))  # noqa: RUF006  # left behind on purpose
        await clock.sleep(1)

    kept: list[AsyncIterator[int]] = []
    run_virtual(main)

    assert sorted(ended) == ["generator", "generator", "task"]


def test_an_interrupt_leaves_no_task_behind(recwarn: pytest.WarningsRecorder) -> None:
    ended: list[str] = []

    async def sleeper(clock: VirtualClock) -> None:
        try:
            await clock.sleep(1e9)
        finally:
            ended.append("sleeper")

    async def main(clock: VirtualClock) -> None:
        task = asyncio.create_task(sleeper(clock))
        await clock.sleep(1)
        asyncio.get_running_loop().call_soon(interrupt)
        await task

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_virtual(main)
    gc.collect()

    assert ended == ["sleeper"]
    assert not list(recwarn)


def test_an_error_while_stopping_is_told() -> None:
    told: list[str] = []

    async def clumsy(clock: VirtualClock) -> None:
        try:
            await clock.sleep(1e9)
        finally:
            raise AssertionError("dropped a plate")

    async def main(clock: VirtualClock) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        asyncio.create_task(clumsy(clock))  # noqa: RUF006  # left behind on purpose
        await clock.sleep(1)

    run_virtual(main)

    assert told == ["dropped a plate"]
