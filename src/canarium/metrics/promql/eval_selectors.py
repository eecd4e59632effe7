"""Selecting samples: instant selectors, ranges and subqueries, as columns.

Owns: which samples a selector sees at each step (offset, @, lookback, staleness, left-open ranges).
Must not know: functions, operators. Semantics follow Prometheus 3.x `promql/engine.go`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np

from canarium.metrics.promql.ast import AtModifier, DurationExpr, MatrixSelector, NumberLiteral, VectorSelector
from canarium.metrics.promql.eval_extended import smoothed_values
from canarium.metrics.promql.eval_windows import Outcome, Windows
from canarium.metrics.promql.values import Block, Context, EvalError, Floats, Ints, empty
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import SeriesData, is_stale, stale_mask

_MAX_SECONDS = 2.0**63 / 1e9
_FOUND_AT_ONCE = 1 << 20  # edges of windows, between two looks at the clock


def duration_ms(ctx: Context, expr: DurationExpr | None, literal_ms: int, *, may_be_negative: bool) -> int:
    """A duration in milliseconds: the literal, or what an expression over durations comes to."""
    if expr is None:
        return literal_ms
    seconds = _seconds(ctx, expr)
    place = f"{expr.span.start}:{expr.span.end}: "
    if not math.isfinite(seconds):
        raise EvalError(f"{place}duration is NaN or infinite")
    if seconds <= 0 and not may_be_negative:
        raise EvalError(f"{place}duration must be greater than 0")
    if abs(seconds) > _MAX_SECONDS:
        raise EvalError(f"{place}duration is out of range")
    return int(seconds * 1000)


def _seconds(ctx: Context, expr: DurationExpr | NumberLiteral | None) -> float:
    if expr is None:
        return 0.0
    if isinstance(expr, NumberLiteral):
        return expr.value
    left, right = _seconds(ctx, expr.lhs), _seconds(ctx, expr.rhs)
    place = f"{expr.span.start}:{expr.span.end}: "
    match expr.op:
        case "step":
            return ctx.query_step_ms / 1000
        case "range":
            return (ctx.query_end_ms - ctx.query_start_ms) / 1000
        case "min_of":
            return min(left, right)
        case "max_of":
            return max(left, right)
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if right == 0:
                raise EvalError(f"{place}division by zero")
            return left / right
        case "%":
            if right == 0:
                raise EvalError(f"{place}modulo by zero")
            return math.fmod(left, right)
        case "^":
            return float(np.power(left, right))
        case other:
            raise EvalError(f'unexpected duration expression operator "{other}"')


def fixed_ms(ctx: Context, at: AtModifier | None) -> int | None:
    """The one time that an @ modifier fixes."""
    if at is None:
        return None
    if at.preprocessor == "start":
        return ctx.query_start_ms
    if at.preprocessor == "end":
        return ctx.query_end_ms
    return at.timestamp_ms


def reference_times(ctx: Context, at: AtModifier | None, offset_ms: int) -> Ints:
    """For each step, the time the selector looks at."""
    fixed = fixed_ms(ctx, at)
    if fixed is None:
        return ctx.steps - offset_ms
    return np.full(len(ctx.steps), fixed - offset_ms, np.int64)


def instant(ctx: Context, selector: VectorSelector, *, wants_times: bool = False) -> Block:
    """The newest sample of each series within the lookback, unless it is a staleness marker.

    wants_times: give each sample's own timestamp in seconds instead of its value.
    """
    offset_ms = duration_ms(ctx, selector.offset_expr, selector.offset_ms, may_be_negative=True)
    if selector.extended == "smoothed" and not wants_times:
        return _smoothed(ctx, selector, offset_ms)
    series = ctx.storage.selected(selector.matchers)
    if len(ctx.steps) == 1 or selector.at is not None:
        block = _at_one_time(ctx, selector, offset_ms, wants_times=wants_times)
        if len(ctx.steps) > 1 and block.labels:
            shape = (len(block.labels), len(ctx.steps))
            block.values = np.broadcast_to(block.values, shape)
            block.present = np.broadcast_to(block.present, shape)
        ctx.count(block.values.size)
        return block if block.labels else empty(len(ctx.steps))
    times = reference_times(ctx, selector.at, offset_ms)
    ctx.fits(len(series) * len(times))
    labels: list[Labels] = []
    values: list[Floats] = []
    present: list[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]] = []
    for one in series:
        ctx.check()
        own_times, own_values = one.timestamps, one.values
        if not len(own_times):
            continue
        index = own_times.searchsorted(times, "right") - 1
        found_times = own_times[index]  # -1 wraps around; masked below
        found = own_values[index]
        here = (index >= 0) & (found_times > times - ctx.lookback_ms)
        if one.has_stale:
            here &= ~stale_mask(found)
        if here.any():
            labels.append(one.labels)
            values.append(found_times / 1000.0 if wants_times else found)
            present.append(here)
            ctx.count(int(here.sum()))
    if not labels:
        return empty(len(times))
    return Block(labels, np.array(values), np.array(present))


def _at_one_time(ctx: Context, selector: VectorSelector, offset_ms: int, *, wants_times: bool) -> Block:
    """The same for one time only, without arrays per series: most queries of an analysis are of this kind."""
    at = fixed_ms(ctx, selector.at)
    reference = (int(ctx.steps[0]) if at is None else at) - offset_ms
    oldest = reference - ctx.lookback_ms
    labels: list[Labels] = []
    values: list[float] = []
    for one in ctx.storage.selected(selector.matchers):
        if one.last_ms <= reference:
            time_ms, value = one.last_ms, one.last_value
            if not len(one):
                continue
        else:
            index = int(one.timestamps.searchsorted(reference, "right")) - 1
            if index < 0:
                continue
            time_ms, value = int(one.timestamps[index]), float(one.values[index])
        if time_ms <= oldest or (value != value and is_stale(value)):
            continue
        labels.append(one.labels)
        values.append(time_ms / 1000 if wants_times else value)
    if not labels:
        return empty(1)
    column = np.array(values)[:, None]
    return Block(labels, column, np.ones(column.shape, np.bool_))


def _smoothed(ctx: Context, selector: VectorSelector, offset_ms: int) -> Block:
    times = reference_times(ctx, selector.at, offset_ms)
    labels: list[Labels] = []
    rows: list[Outcome] = []
    for one in ctx.storage.selected(selector.matchers):
        ctx.check()
        ctx.fits((len(rows) + 1) * len(times))
        good = slice(None) if not one.has_stale else ~stale_mask(one.values)
        values, present = smoothed_values(one.timestamps[good], one.values[good], times, ctx.lookback_ms)
        if present.any():
            labels.append(one.labels)
            rows.append((values, present))
    if not labels:
        return empty(len(times))
    return Block(labels, np.array([values for values, _ in rows]), np.array([present for _, present in rows]))


class Ranges(msgspec.Struct):
    """What a range vector holds at every step: windows over flat columns.

    lo, hi: series x steps; window [s, t] is samples lo to hi. starts (open), ends (closed): per step, milliseconds.
    """

    labels: list[Labels]
    drop: list[bool] | None
    times: Ints
    values: Floats
    lo: Ints
    hi: Ints
    starts: Ints
    ends: Ints

    def windows(self, steps: Ints, check: Callable[[], None]) -> tuple[Windows, Ints]:
        """The windows that hold samples, and their positions in the flattened series x steps matrix."""
        lo, hi = self.lo.ravel(), self.hi.ravel()
        some = np.flatnonzero(hi > lo)
        if len(steps) == 1:
            starts, ends, at = (np.broadcast_to(times, some.shape) for times in (self.starts, self.ends, steps))
        else:
            step = some % len(steps)
            starts, ends, at = self.starts[step], self.ends[step], steps[step]
        return Windows(self.times, self.values, lo[some], hi[some], starts, ends, at, check), some

    def scattered(self, outcome: Outcome, some: Ints) -> Block:
        """The results of the windows as a vector at every step."""
        shape = self.lo.shape
        values, present = np.zeros(self.lo.size), np.zeros(self.lo.size, np.bool_)
        values[some] = outcome[0]
        present[some] = True if outcome[1] is None else outcome[1]
        return Block(self.labels, values.reshape(shape), present.reshape(shape), self.drop)

    def series(self) -> list[SeriesData]:
        """What each series holds at the (only) step, as the answer to a bare range selector."""
        found = [
            SeriesData(labels, self.times[lo:hi], self.values[lo:hi])
            for labels, lo, hi in zip(self.labels, self.lo[:, 0].tolist(), self.hi[:, 0].tolist(), strict=True)
            if hi > lo
        ]
        return sorted(found, key=lambda data: data.labels.pairs)


def ranges(ctx: Context, selector: MatrixSelector) -> Ranges:
    """All samples of each series in (end - range, end], staleness markers left out."""
    vector = selector.vector_selector
    offset_ms = duration_ms(ctx, vector.offset_expr, vector.offset_ms, may_be_negative=True)
    range_ms = duration_ms(ctx, selector.range_expr, selector.range_ms, may_be_negative=False)
    ends = reference_times(ctx, vector.at, offset_ms)
    starts = ends - range_ms
    # The extended modifiers look beyond the range, by the lookback.
    before_ms = ctx.lookback_ms if vector.extended else 0
    after_ms = ctx.lookback_ms if vector.extended == "smoothed" else 0
    first, last = int(starts[0]) - before_ms, int(ends[-1]) + after_ms
    labels: list[Labels] = []
    times: list[Ints] = []
    values: list[Floats] = []
    has_stale = False
    for one in ctx.storage.selected(vector.matchers):
        own = one.timestamps
        size = len(own)
        if not size or one.last_ms <= first:
            continue
        low = 0 if own[0] > first else int(own.searchsorted(first, "right"))
        high = size if one.last_ms <= last else int(own.searchsorted(last, "right"))
        if high <= low:
            continue
        labels.append(one.labels)
        times.append(own[low:high])
        values.append(one.values[low:high])
        has_stale = has_stale or one.has_stale
    if not labels:
        return windowed(ctx, [], None, np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), starts, ends)
    sizes = np.array([len(own) for own in times])
    flat_times, flat_values = np.concatenate(times), np.concatenate(values)
    if has_stale:
        good = ~stale_mask(flat_values)
        sizes = np.add.reduceat(good, np.cumsum(sizes) - sizes, dtype=np.int64)
        flat_times, flat_values = flat_times[good], flat_values[good]
    ctx.count(len(flat_times))
    found = windowed(ctx, labels, None, flat_times, flat_values, sizes, starts - before_ms, ends + after_ms)
    found.starts, found.ends = starts, ends
    return found


def windowed(
    ctx: Context,
    labels: list[Labels],
    drop: list[bool] | None,
    times: Ints,
    values: Floats,
    sizes: Ints,
    starts: Ints,
    ends: Ints,
) -> Ranges:
    """Windows over the columns of several series laid end to end, `sizes` samples each. Raises EvalError where there
    would be too many."""
    ctx.fits(len(labels) * len(starts))
    stops = np.cumsum(sizes)
    if len(starts) == 1 and len(times):
        # One step: the columns may hold exactly the window already.
        begin = stops - sizes
        if times.min() > starts[0] and times.max() <= ends[0]:
            return Ranges(labels, drop, times, values, begin[:, None], stops[:, None], starts, ends)
    # One search for all series: times are made to rise over the whole column by giving each series its own epoch.
    base = min(int(starts.min()), int(times.min())) if len(times) else int(starts.min())
    epoch = max(int(ends.max()), int(times.max()) if len(times) else base) - base + 2
    rows = np.arange(len(labels), dtype=np.int64) * epoch
    keys = times - base + np.repeat(rows, sizes)
    lo, hi = (np.empty((len(labels), len(starts)), np.int64) for _ in range(2))
    chunk = max(1, _FOUND_AT_ONCE // max(len(starts), 1))
    for first in range(0, len(labels), chunk):
        ctx.check()
        some = slice(first, first + chunk)
        lo[some] = keys.searchsorted(rows[some, None] + (starts - base), "right")
        hi[some] = keys.searchsorted(rows[some, None] + (ends - base), "right")
    return Ranges(labels, drop, times, values, lo, hi, starts, ends)
