"""Two texts side by side, line by line.

Owns: which lines are the same, their numbers, the bound on work. Pure. Must not know: what the texts say.
"""

from __future__ import annotations

from collections import Counter, deque
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Final, Literal, NamedTuple

MATCHED_LINES: Final = 3000
"""Longer stretches that differ are shown as replaced as a whole."""
MATCHING_WORK: Final = 2_000_000
"""How many pairs of equal lines are looked at, over and over, to find what belongs together: some tenths of a second.
What is left then is shown as replaced; texts that repeat few lines need far less."""


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
    """What is the same and what is not, in turns. The longest common stretch first, then what is before and after it,
    until the work is done or used up."""
    found: list[tuple[bool, tuple[int, int], tuple[int, int]]] = []
    at_a = at_b = 0
    for same_a, same_b, size in (*_common(a, b), (len(a), len(b), 0)):
        if at_a < same_a or at_b < same_b:
            found.append((False, (at_a, same_a), (at_b, same_b)))
        at_a, at_b = same_a + size, same_b + size
        if size:
            found.append((True, (same_a, at_a), (same_b, at_b)))
    return found


def _common(a: list[str], b: list[str]) -> list[tuple[int, int, int]]:
    """Stretches that both have, in order: where they begin in either, and how long they are."""
    if max(len(a), len(b)) > MATCHED_LINES:
        return []
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    counts = Counter(b)
    work = list(accumulate((1 + counts[line] for line in a), initial=0))  # of looking through a up to each line
    left = MATCHING_WORK
    found: list[tuple[int, int, int]] = []
    waiting = deque([(0, len(a), 0, len(b))])
    while waiting:
        begin_a, end_a, begin_b, end_b = waiting.popleft()
        if begin_a == end_a or begin_b == end_b or (costs := work[end_a] - work[begin_a]) > left:
            continue
        left -= costs
        match = matcher.find_longest_match(begin_a, end_a, begin_b, end_b)
        if match.size:
            found.append((match.a, match.b, match.size))
            waiting.append((begin_a, match.a, begin_b, match.b))
            waiting.append((match.a + match.size, end_a, match.b + match.size, end_b))
    return sorted(found)
