"""The crash-loop back-off."""

from __future__ import annotations

from datetime import timedelta

import pytest

from canarium.nodes.restarts import BackOff, in_words, is_restarted, raised, wait_after

START = 1000.0


def test_waits_double_from_ten_seconds_to_five_minutes() -> None:
    """The known ladder of CrashLoopBackOff: at once, 10 s, 20 s, 40 s, … 5 min."""
    back_off: BackOff | None = None
    now, waits = START, []

    for _ in range(9):
        wait = wait_after(back_off, now)
        now += wait.total_seconds()
        back_off = raised(back_off, now)
        waits.append(int(wait.total_seconds()))
        now += 1

    assert waits == [0, 10, 20, 40, 80, 160, 300, 300, 300]


def test_ten_good_minutes_start_the_ladder_over() -> None:
    back_off = BackOff(timedelta(seconds=300), START)
    finished = START + 601

    assert wait_after(back_off, finished) == timedelta(0)
    assert raised(back_off, finished).delay == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [("Always", 0, True), ("Always", 1, True), ("OnFailure", 0, False), ("OnFailure", 137, True), ("Never", 1, False)],
)
def test_the_restart_policy_decides(policy: str, code: int, again: bool) -> None:
    assert is_restarted(policy, code) is again


@pytest.mark.parametrize(("seconds", "words"), [(10, "10s"), (80, "1m20s"), (160, "2m40s"), (300, "5m0s")])
def test_durations_read_as_go_prints_them(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
