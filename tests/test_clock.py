"""Virtual time keeps DESIGN's rules."""

from __future__ import annotations

import asyncio
import threading

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
