"""Functions over ranges: rate, increase, *_over_time and their kin, for all windows at once.

Owns: windows over samples, and what each function makes of one. Must not know: where samples come from, labels.
Semantics follow Prometheus 3.x `promql/functions.go`, to the order of floating point operations where that shows.

A running sum over a window is never the difference of two prefix sums: one NaN, one infinity or one 1e15 in a prefix
would poison all that follows. Windows are laid out as the rows of a matrix instead, and summed along them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec
import numpy as np

from canarium.metrics.promql.values import Bools, EvalError, Floats, Ints

_CELLS: Final = 1 << 19  # of a window matrix at a time: 4 MiB, and a fraction of a second
_CHECK_EVERY: Final = 1 << 12  # turns of a loop that goes along a window


def nobody_asks() -> None:
    """The check of a query that may take as long as it likes."""


_QUARTERS: Final = 0.5


class Windows(msgspec.Struct):
    """Windows that hold at least one sample each: window w is samples lo[w] to hi[w] of the flat columns.

    starts, ends, at: per window, its open left end, its closed right end and the evaluation time, in milliseconds.
    check: raises when the query has run out of time; to be called now and then where much is done.
    """

    times: Ints
    values: Floats
    lo: Ints
    hi: Ints
    starts: Ints
    ends: Ints
    at: Ints
    check: Callable[[], None] = nobody_asks

    def __len__(self) -> int:
        return len(self.lo)

    @property
    def sizes(self) -> Ints:
        """Samples in each window."""
        return self.hi - self.lo

    def part(self, start: int, stop: int) -> Windows:
        """Some of the windows, with no more of the columns than they need."""
        some = slice(start, stop)
        lo, hi = self.lo[some], self.hi[some]
        first, last = int(lo.min()), int(hi.max())
        return Windows(
            self.times[first:last],
            self.values[first:last],
            lo - first,
            hi - first,
            self.starts[some],
            self.ends[some],
            self.at[some],
            self.check,
        )


Outcome: TypeAlias = tuple[Floats, Bools | None]
"""A value for each window, and for which windows there is one (None: for all)."""
Arguments: TypeAlias = list[Floats]
"""The scalar arguments, one value per window."""
WindowFunction: TypeAlias = Callable[[Windows, Arguments], Outcome]


def apply(function: WindowFunction, windows: Windows, arguments: Arguments, *, cells: int = _CELLS) -> Outcome:
    """Apply a function, in parts where the window matrix would be large: no more than so many cells at a time.

    Raises EvalError between two parts when the query has run out of time.
    """
    count = len(windows)
    if count == 0:
        return np.empty(0), None
    longest = int(windows.sizes.max())
    chunk = max(1, cells // longest)
    if count <= chunk:
        return function(windows, arguments)
    values = np.empty(count)
    valid = np.ones(count, np.bool_)
    for start in range(0, count, chunk):
        windows.check()
        stop = min(start + chunk, count)
        some, good = function(windows.part(start, stop), [argument[start:stop] for argument in arguments])
        values[start:stop] = some
        if good is not None:
            valid[start:stop] = good
    return values, valid


def matrix(columns: Floats, lo: Ints, sizes: Ints, fill: float) -> Floats:
    """Windows as rows, filled up to the longest."""
    longest = int(sizes.max())
    positions = np.arange(longest)
    index = lo[:, None] + positions
    if int(sizes.min()) == longest:
        rows: Floats = columns[index]
        return rows
    return np.where(positions < sizes[:, None], columns.take(index, mode="clip"), fill)


def compensated_sum(rows: Floats) -> tuple[Floats, Floats]:
    """Kahan-Neumaier sum of each row, and its compensation; zeros at the end change nothing.

    Neumaier's compensation never flows back into the running sum, so the running sums are a plain accumulation and
    the compensations follow from them: the same operations in the same order as upstream's `kahansum.Inc`.
    """
    if rows.shape[-1] == 1:
        return rows[..., 0].copy(), np.zeros(rows.shape[:-1])
    running = np.add.accumulate(rows, axis=-1)
    before = np.empty_like(running)
    before[..., 0] = 0.0
    before[..., 1:] = running[..., :-1]
    larger = np.abs(before) >= np.abs(rows)
    lost = np.where(larger, (before - running) + rows, (rows - running) + before)
    total = running[..., -1]
    # Once infinite, the running sum stays so (or turns NaN), and the compensation is void.
    compensation = np.where(np.isinf(total), 0.0, np.add.accumulate(lost, axis=-1)[..., -1])
    return total, compensation


def compensated_mean(rows: Floats, sizes: Ints) -> Floats:
    """Mean of each row's first `sizes` values; where the sum overflows, by upstream's incremental way."""
    total, compensation = compensated_sum(rows)
    means: Floats = total / sizes + compensation / sizes
    overflown = ~np.isfinite(total)
    if overflown.any():
        for row in np.argwhere(overflown):
            place = tuple(row)
            means[place] = _mean_by_increments(rows[place][: sizes[place]].tolist())
    return means


def _inc(inc: float, total: float, compensation: float) -> tuple[float, float]:
    added = total + inc
    if math.isinf(added):
        return added, 0.0
    if abs(total) >= abs(inc):
        return added, compensation + ((total - added) + inc)
    return added, compensation + ((inc - added) + total)


def _mean_by_increments(values: list[float]) -> float:
    total, compensation, mean, incremental = values[0], 0.0, 0.0, False
    for count, value in enumerate(values[1:], start=2):
        if not incremental:
            new_total, new_compensation = _inc(value, total, compensation)
            if not math.isinf(new_total):
                total, compensation = new_total, new_compensation
                continue
            incremental = True
            mean = total / (count - 1)
            compensation /= count - 1
        share = (count - 1) / count
        mean, compensation = _inc(value / count, share * mean, share * compensation)
    if incremental:
        return mean + compensation
    return total / len(values) + compensation / len(values)


def quantiles(q: Floats, rows: Floats, sizes: Ints) -> Floats:
    """The q-quantile of each row's values, where rows are filled up with NaN and `sizes` says how many are values.

    NaN sorts before everything else, as upstream; numpy sorts it last, hence the shift.
    """
    ordered = np.sort(rows, axis=-1)
    numbers = (~np.isnan(ordered)).sum(axis=-1)
    nans = sizes - numbers
    rank = np.where(np.isnan(q), 0.0, np.clip(q, 0.0, 1.0)) * (sizes - 1)
    below = np.maximum(0.0, np.floor(rank)).astype(np.int64)
    above = np.minimum(sizes - 1, below + 1)
    weight = rank - np.floor(rank)

    def at(index: Ints) -> Floats:
        shifted = np.clip(index - nans, 0, rows.shape[-1] - 1)
        found: Floats = np.where(index < nans, np.nan, np.take_along_axis(ordered, shifted[..., None], -1)[..., 0])
        return found

    result = at(below) * (1 - weight) + at(above) * weight
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    answer: Floats = np.where(np.isnan(q) | (sizes == 0), np.nan, result)
    return answer


def _drops(w: Windows) -> Ints:
    """Positions of samples lower than the one before: counter resets (also between series, which no window spans)."""
    values = w.values
    return np.flatnonzero(values[1:] < values[:-1]) + 1


def _extrapolated(w: Windows, *, is_counter: bool, is_rate: bool) -> Outcome:
    lo, last, sizes = w.lo, w.hi - 1, w.sizes
    first_value = w.values[lo]
    first_ms, last_ms = w.times[lo], w.times[last]
    result = w.values[last] - first_value
    if is_counter:
        drops = _drops(w)
        if len(drops):
            from_drop = drops.searchsorted(lo, "right")
            to_drop = drops.searchsorted(last, "right")
            before = w.values[drops - 1]
            for nth in range(int((to_drop - from_drop).max())):
                index = from_drop + nth
                result = np.where(index < to_drop, result + before.take(index, mode="clip"), result)
    to_start = (first_ms - w.starts) / 1000.0
    to_end = (w.ends - last_ms) / 1000.0
    sampled = (last_ms - first_ms) / 1000.0
    average = sampled / np.maximum(sizes - 1, 1)
    threshold = average * 1.1
    to_start = np.where(to_start >= threshold, average / 2, to_start)
    if is_counter:
        to_zero = np.where((result > 0) & (first_value >= 0), sampled * (first_value / result), to_start)
        to_start = np.where(to_zero < to_start, to_zero, to_start)
    to_end = np.where(to_end >= threshold, average / 2, to_end)
    factor = (sampled + to_start + to_end) / sampled
    if is_rate:
        factor = factor / ((w.ends - w.starts) / 1000.0)
    return result * factor, sizes > 1


def _instant_value(w: Windows, *, is_rate: bool) -> Outcome:
    last = w.hi - 1
    valid = w.sizes > 1
    previous = np.where(valid, last - 1, last)
    result = w.values[last] - w.values[previous]
    if is_rate:
        result = np.where(w.values[last] < w.values[previous], w.values[last], result)
        result = result / ((w.times[last] - w.times[previous]) / 1000.0)
    return result, valid


def _counts(w: Windows, flags: Bools) -> Floats:
    """How many flagged pairs of neighbours lie in each window. (A prefix sum is exact for counts.)"""
    before = np.concatenate(([0], np.cumsum(flags)))
    return (before[w.hi - 1] - before[w.lo]).astype(np.float64)


def _changes(w: Windows, _: Arguments) -> Outcome:
    left, right = w.values[:-1], w.values[1:]
    return _counts(w, (left != right) & ~(np.isnan(left) & np.isnan(right))), None


def _resets(w: Windows, _: Arguments) -> Outcome:
    return _counts(w, w.values[1:] < w.values[:-1]), None


def _reduce(ufunc: np.ufunc, w: Windows) -> Floats:
    """Reduce each window; reduceat takes pairs of positions, and the results between windows are thrown away."""
    padded = np.concatenate((w.values, (0.0,)))
    bounds = np.column_stack((w.lo, w.hi)).ravel()
    reduced: Floats = ufunc.reduceat(padded, bounds)[::2]
    return reduced


def _sum(w: Windows, _: Arguments) -> Outcome:
    total, compensation = compensated_sum(matrix(w.values, w.lo, w.sizes, 0.0))
    return np.where(np.isinf(total), total, total + compensation), None


def _avg(w: Windows, _: Arguments) -> Outcome:
    return compensated_mean(matrix(w.values, w.lo, w.sizes, 0.0), w.sizes), None


def _variance(w: Windows) -> Floats:
    """Welford with compensation: each mean depends on the one before, so this goes along the windows in lockstep."""
    rows, sizes = matrix(w.values, w.lo, w.sizes, 0.0), w.sizes
    if len(rows) < 40:  # a handful of windows is sooner done one by one
        return np.array([_variance_of(row[:size].tolist(), w.check) for row, size in zip(rows, sizes, strict=True)])
    mean, mean_c, aux, aux_c = (np.zeros(len(rows)) for _ in range(4))
    for nth in range(rows.shape[1]):
        if nth % _CHECK_EVERY == 0:
            w.check()
        here = nth < sizes
        value = rows[:, nth]
        delta = value - (mean + mean_c)
        new_mean, new_mean_c = _inc_all(delta / (nth + 1), mean, mean_c)
        new_aux, new_aux_c = _inc_all(delta * (value - (new_mean + new_mean_c)), aux, aux_c)
        mean, mean_c = np.where(here, new_mean, mean), np.where(here, new_mean_c, mean_c)
        aux, aux_c = np.where(here, new_aux, aux), np.where(here, new_aux_c, aux_c)
    return (aux + aux_c) / sizes


def _variance_of(values: list[float], check: Callable[[], None]) -> float:
    mean = mean_c = aux = aux_c = 0.0
    for count, value in enumerate(values, start=1):
        if count % _CHECK_EVERY == 0:
            check()
        delta = value - (mean + mean_c)
        mean, mean_c = _inc(delta / count, mean, mean_c)
        aux, aux_c = _inc(delta * (value - (mean + mean_c)), aux, aux_c)
    return (aux + aux_c) / len(values)


def _inc_all(inc: Floats, total: Floats, compensation: Floats) -> tuple[Floats, Floats]:
    added = total + inc
    lost = np.where(np.abs(total) >= np.abs(inc), (total - added) + inc, (inc - added) + total)
    return added, np.where(np.isinf(added), 0.0, compensation + lost)


def _quantile(w: Windows, arguments: Arguments) -> Outcome:
    return quantiles(arguments[0], matrix(w.values, w.lo, w.sizes, np.nan), w.sizes), None


def _mad(w: Windows, _: Arguments) -> Outcome:
    rows, sizes = matrix(w.values, w.lo, w.sizes, np.nan), w.sizes
    half = np.full(len(rows), _QUARTERS)
    deviations = np.abs(rows - quantiles(half, rows, sizes)[:, None])
    has_nan = np.isnan(rows).sum(axis=1) > rows.shape[1] - sizes
    return np.where(has_nan, np.nan, quantiles(half, deviations, sizes)), None


def _regression(w: Windows, intercept_ms: Ints) -> tuple[Floats, Floats]:
    """Least squares over each window: slope per second, and the value at the intercept time."""
    sizes = w.sizes
    longest = int(sizes.max())
    positions = np.arange(longest)
    inside = positions < sizes[:, None]
    index = w.lo[:, None] + positions
    y = np.where(inside, w.values.take(index, mode="clip"), 0.0)
    x = np.where(inside, (w.times.take(index, mode="clip") - intercept_ms[:, None]) / 1e3, 0.0)
    sums = [np.add(*compensated_sum(terms)) for terms in (x, y, x * y, x * x)]
    sum_x, sum_y, sum_xy, sum_x2 = sums
    first = y[:, 0]
    is_flat = ((y == first[:, None]) | ~inside | (positions == 0)).all(axis=1)
    covariance = sum_xy - sum_x * sum_y / sizes
    variance = sum_x2 - sum_x * sum_x / sizes
    slope = covariance / variance
    intercept = sum_y / sizes - slope * sum_x / sizes
    undefined = np.isinf(first)
    slope = np.where(is_flat, np.where(undefined, np.nan, 0.0), slope)
    intercept = np.where(is_flat, np.where(undefined, np.nan, first), intercept)
    return slope, intercept


def _deriv(w: Windows, _: Arguments) -> Outcome:
    slope, _intercept = _regression(w, w.times[w.lo])
    return slope, w.sizes > 1


def _predict_linear(w: Windows, arguments: Arguments) -> Outcome:
    slope, intercept = _regression(w, w.at)
    return slope * arguments[0] + intercept, w.sizes > 1


def _smoothing(w: Windows, arguments: Arguments) -> Outcome:
    """Double exponential smoothing: each trend depends on the one before."""
    smoothing, trend = arguments
    for name, factor in (("smoothing", smoothing), ("trend", trend)):
        bad = (factor <= 0) | (factor >= 1)
        if bad.any():
            short = "sf" if name == "smoothing" else "tf"
            raise EvalError(f"invalid {name} factor. Expected: 0 < {short} < 1, got: {factor[bad][0]:f}")
    rows, sizes = matrix(w.values, w.lo, w.sizes, 0.0), w.sizes
    level, slope, last_level = rows[:, 0], np.zeros(len(rows)), np.zeros(len(rows))
    if rows.shape[1] > 1:
        slope = rows[:, 1] - rows[:, 0]
    for nth in range(1, rows.shape[1]):
        if nth % _CHECK_EVERY == 0:
            w.check()
        here = nth < sizes
        new_slope = slope if nth == 1 else trend * (level - last_level) + (1 - trend) * slope
        new_level = smoothing * rows[:, nth] + (1 - smoothing) * (level + new_slope)
        last_level = np.where(here, level, last_level)
        level = np.where(here, new_level, level)
        slope = np.where(here, new_slope, slope)
    return level, sizes > 1


def _time_of_extreme(w: Windows, ufunc: np.ufunc) -> Outcome:
    """When the window was last at its extreme; at its last sample where all are NaN."""
    rows = matrix(w.values, w.lo, w.sizes, np.nan)
    extreme = _reduce(ufunc, w)
    last = rows.shape[1] - 1 - np.argmax((rows == extreme[:, None])[:, ::-1], axis=1)
    last = np.where(np.isnan(extreme), w.sizes - 1, last)
    return w.times[w.lo + last] / 1000.0, None


FUNCTIONS: Final[dict[str, WindowFunction]] = {
    "rate": lambda w, _: _extrapolated(w, is_counter=True, is_rate=True),
    "increase": lambda w, _: _extrapolated(w, is_counter=True, is_rate=False),
    "delta": lambda w, _: _extrapolated(w, is_counter=False, is_rate=False),
    "irate": lambda w, _: _instant_value(w, is_rate=True),
    "idelta": lambda w, _: _instant_value(w, is_rate=False),
    "deriv": _deriv,
    "predict_linear": _predict_linear,
    "double_exponential_smoothing": _smoothing,
    "changes": _changes,
    "resets": _resets,
    "avg_over_time": _avg,
    "sum_over_time": _sum,
    "min_over_time": lambda w, _: (_reduce(np.fmin, w), None),
    "max_over_time": lambda w, _: (_reduce(np.fmax, w), None),
    "count_over_time": lambda w, _: (w.sizes.astype(np.float64), None),
    "quantile_over_time": _quantile,
    "stddev_over_time": lambda w, _: (np.sqrt(_variance(w)), None),
    "stdvar_over_time": lambda w, _: (_variance(w), None),
    "last_over_time": lambda w, _: (w.values[w.hi - 1], None),
    "first_over_time": lambda w, _: (w.values[w.lo], None),
    "present_over_time": lambda w, _: (np.ones(len(w)), None),
    "absent_over_time": lambda w, _: (np.ones(len(w)), None),
    "mad_over_time": _mad,
    "ts_of_first_over_time": lambda w, _: (w.times[w.lo] / 1000.0, None),
    # Upstream compares with 0 for the native histograms that are not there, so times before 1970 become 1970.
    "ts_of_last_over_time": lambda w, _: (np.maximum(w.times[w.hi - 1], 0) / 1000.0, None),
    "ts_of_max_over_time": lambda w, _: _time_of_extreme(w, np.fmax),
    "ts_of_min_over_time": lambda w, _: _time_of_extreme(w, np.fmin),
}
