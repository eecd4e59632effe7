"""The experimental `anchored` and `smoothed` modifiers.

Owns: increases measured from and to the edges of a range, and values interpolated between samples.
Must not know: where samples come from. Semantics follow Prometheus 3.x `extendedRate`, `smoothSeries`, `extendFloats`.
Windows reach beyond their range here by the lookback, so each is looked at by itself: these are rare queries.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import numpy as np

from canarium.metrics.promql.eval_windows import FUNCTIONS, Outcome, WindowFunction, Windows
from canarium.metrics.promql.values import Bools, EvalError, Floats, Ints
from canarium.metrics.tsdb.store import SeriesData

Extended: TypeAlias = Literal["anchored", "smoothed"]

_SAFE: Final[dict[str, tuple[str, ...]]] = {
    "anchored": ("changes", "delta", "increase", "rate", "resets"),
    "smoothed": ("delta", "increase", "rate"),
}


def window_function(name: str, modifier: Extended) -> WindowFunction:
    """What a function makes of windows that reach beyond their range. Raises EvalError for most functions."""
    if name not in _SAFE[modifier]:
        raise EvalError(f"{modifier} modifier can only be used with: {', '.join(_SAFE[modifier])} - not with {name}")
    if name in ("changes", "resets"):
        return lambda windows, arguments: _anchored(FUNCTIONS[name], windows, arguments)
    is_smoothed = modifier == "smoothed"
    is_counter, is_rate = name != "delta", name == "rate"

    def each(windows: Windows, _arguments: list[Floats]) -> Outcome:
        return _for_each(
            windows, lambda *window: _increase(*window, is_smoothed=is_smoothed, is_counter=is_counter), is_rate
        )

    return each


def _anchored(function: WindowFunction, w: Windows, arguments: list[Floats]) -> Outcome:
    """Count from the last sample at or before the range's start; nothing where no sample lies within the range."""
    anchors = [
        low + max(bisect_right(w.times[low:high].tolist(), start) - 1, 0)
        for low, high, start in zip(w.lo.tolist(), w.hi.tolist(), w.starts.tolist(), strict=True)
    ]
    has_any: Bools = w.times[w.hi - 1] > w.starts
    moved = Windows(w.times, w.values, np.array(anchors, np.int64), w.hi, w.starts, w.ends, w.at, w.check)
    return function(moved, arguments)[0], has_any


_Measure: TypeAlias = Callable[[list[int], list[float], int, int], float | None]


def _for_each(w: Windows, measure: _Measure, is_rate: bool) -> Outcome:
    values, valid = np.zeros(len(w)), np.zeros(len(w), np.bool_)
    for nth, (low, high) in enumerate(zip(w.lo.tolist(), w.hi.tolist(), strict=True)):
        start, end = int(w.starts[nth]), int(w.ends[nth])
        found = measure(w.times[low:high].tolist(), w.values[low:high].tolist(), start, end)
        if found is not None:
            values[nth] = found / ((end - start) / 1000) if is_rate else found
            valid[nth] = True
    return values, valid


def _edges(times: list[int], start: int, end: int, *, is_smoothed: bool) -> tuple[int, int]:
    """The samples that stand for the two edges of the range."""
    last = len(times) - 1
    first = max(0, bisect_right(times, start, 0, last) - 1)
    if is_smoothed:
        last = bisect_left(times, end, 0, last)
    return first, last


def _between(times: list[int], values: list[float], nth: int, at: int, *, is_counter: bool) -> float:
    """The value at a time between sample nth and the next; after a counter reset, as if it had started from 0."""
    before, after = values[nth], values[nth + 1]
    if is_counter and after < before:
        before = 0.0
    return before + (after - before) * float(at - times[nth]) / float(times[nth + 1] - times[nth])


def _values_at_edges(
    times: list[int], values: list[float], edges: tuple[int, int], start: int, end: int, *, smooth: bool, counter: bool
) -> tuple[float, float]:
    first, last = edges
    left, right = values[first], values[last]
    if smooth and times[first] < start:
        left = _between(times, values, first, start, is_counter=counter)
    if smooth and last > 0 and times[last] > end:
        right = _between(times, values, last - 1, end, is_counter=counter)
    return left, right


def _increase(
    times: list[int], values: list[float], start: int, end: int, *, is_smoothed: bool, is_counter: bool
) -> float | None:
    first, last = _edges(times, start, end, is_smoothed=is_smoothed)
    if times[last] <= start or (is_smoothed and times[first] > end):
        return None
    left, right = _values_at_edges(times, values, (first, last), start, end, smooth=is_smoothed, counter=is_counter)
    increase = right - left
    if not is_counter:
        return increase
    if times[first] <= start:
        first += 1
    if times[last] >= end:
        last -= 1
    before, correction = left, 0.0
    for value in (*values[first : last + 1], right):
        if value < before:
            correction += before
        before = value
    return increase + correction


def extended_samples(data: SeriesData, start: int, end: int, *, is_smoothed: bool) -> SeriesData | None:
    """A range's samples with one at each of its edges: the answer to a bare selector."""
    times, values = data.timestamps.tolist(), data.values.tolist()
    first, last = _edges(times, start, end, is_smoothed=is_smoothed)
    if times[last] <= start:
        return None
    left, right = _values_at_edges(times, values, (first, last), start, end, smooth=is_smoothed, counter=False)
    if times[first] <= start:
        first += 1
    if times[last] >= end:
        last -= 1
    inner = slice(first, max(last + 1, first))
    return SeriesData(
        data.labels,
        np.array((start, *times[inner], end), np.int64),
        np.array((left, *values[inner], right)),
    )


def smoothed_values(times: Ints, values: Floats, at: Ints, lookback_ms: int) -> tuple[Floats, Bools]:
    """The value at each time: a sample's, or between two samples within the lookback, or the last one's."""
    size = len(times)
    if not size:
        return np.zeros(len(at)), np.zeros(len(at), np.bool_)
    after = times.searchsorted(at, "left")
    before = np.maximum(after - 1, 0)
    following = np.minimum(after, size - 1)
    has_before = (after > 0) & (times[before] > at - lookback_ms)
    has_after = (after < size) & (times[following] <= at + lookback_ms)
    is_exact = has_after & (times[following] == at)
    low, high = values[before], values[following]
    between = low + (high - low) * (at - times[before]) / (times[following] - times[before])
    found = np.where(is_exact, high, np.where(has_before & has_after, between, low))
    return found, is_exact | has_before
