"""Two texts side by side, line by line.

Owns: which lines are the same, their numbers, the bound on work. Pure. Must not know: what the texts say.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

MATCHED_LINES: Final = 3000
"""Longer stretches that differ are shown as replaced as a whole: matching takes time that grows with their square."""


class Line(NamedTuple):
    """A line of either text: in both, only left (`-`) or only right (`+`), with its 1-based numbers."""

    kind: Literal[" ", "-", "+"]
    text: str
    left: int | None
    right: int | None


def diff_lines(left: str, right: str) -> tuple[Line, ...]:
    """Every line of both texts, what is gone before what came."""
    a, b = left.splitlines(), right.splitlines()
    begin = 0
    while begin < min(len(a), len(b)) and a[begin] == b[begin]:
        begin += 1
    end = 0
    while end < min(len(a), len(b)) - begin and a[-1 - end] == b[-1 - end]:
        end += 1
    middle_a, middle_b = a[begin : len(a) - end], b[begin : len(b) - end]
    lines = [Line(" ", text, at, at) for at, text in enumerate(a[:begin], 1)]
    for same, (a1, a2), (b1, b2) in _stretches(middle_a, middle_b):
        if same:
            lines += [Line(" ", text, begin + a1 + at, begin + b1 + at) for at, text in enumerate(middle_a[a1:a2], 1)]
        else:
            lines += [Line("-", text, begin + a1 + at, None) for at, text in enumerate(middle_a[a1:a2], 1)]
            lines += [Line("+", text, None, begin + b1 + at) for at, text in enumerate(middle_b[b1:b2], 1)]
    rest = enumerate(a[len(a) - end :])
    lines += [Line(" ", text, len(a) - end + at + 1, len(b) - end + at + 1) for at, text in rest]
    return tuple(lines)


def _stretches(a: list[str], b: list[str]) -> list[tuple[bool, tuple[int, int], tuple[int, int]]]:
    if max(len(a), len(b)) > MATCHED_LINES:
        return [(False, (0, len(a)), (0, len(b)))]
    found = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return [(name == "equal", (a1, a2), (b1, b2)) for name, a1, a2, b1, b2 in found]
