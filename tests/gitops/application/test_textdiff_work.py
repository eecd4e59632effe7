"""Comparing texts that repeat few lines: the work is bounded, and both texts are shown whole."""

from __future__ import annotations

import pytest

from canarium.clock import RealClock
from canarium.gitops.application.textdiff import diff_lines


def alternating(count: int, word: str) -> list[str]:
    return [line for number in range(count) for line in ("same", f"{word}{number}")]


TEXTS = {
    "few kinds of lines": ([f"{n % 7}" for n in range(2000)] + ["q"], ["p"] + [f"{n * 3 % 7}" for n in range(2000)]),
    "one line": (["x"] * 2500 + ["q"], ["p"] + ["y", "x"] * 1200),
    "every other line": (["p", *alternating(440, "a")], ["q", *alternating(440, "b")]),
    "every other line of many": (["p", *alternating(1400, "a")], ["q", *alternating(1400, "b")]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_repetitive_texts_are_compared_in_little_time(name: str) -> None:
    left, right = TEXTS[name]
    clock = RealClock()
    began = clock.monotonic()

    lines = diff_lines("\n".join(left), "\n".join(right))

    assert clock.monotonic() - began < 3.0
    assert [line.text for line in lines if line.kind != "+"] == left
    assert [line.text for line in lines if line.kind != "-"] == right


def test_ordinary_texts_are_matched_line_by_line() -> None:
    left = "".join(f"key{n}: {n}\n" for n in range(2000))
    right = (
        left.replace("key7: 7\n", "key7: 8\n").replace("key1500: 1500\n", "").replace("key3: 3\n", "key3: 3\nnew: 1\n")
    )

    changed = [(line.kind, line.text) for line in diff_lines(left, right) if line.kind != " "]

    assert changed == [("+", "new: 1"), ("-", "key7: 7"), ("+", "key7: 8"), ("-", "key1500: 1500")]
