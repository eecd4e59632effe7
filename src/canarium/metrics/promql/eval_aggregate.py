"""Aggregation: many series of a vector into one per group.

Owns: grouping and every aggregation operator. Must not know: selectors, windows' origin, storage.
Semantics follow Prometheus 3.x `promql/engine.go` (aggregation, aggregationK, aggregationCountValues).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from canarium.metrics.promql import goheap
from canarium.metrics.promql.ast import AggregateExpr, Span
from canarium.metrics.promql.eval_functions import is_label_name
from canarium.metrics.promql.eval_windows import compensated_mean, compensated_sum, quantiles
from canarium.metrics.promql.labelhash import sampling_offset
from canarium.metrics.promql.values import Block, Context, EvalError, Floats, Ints, empty, merged
from canarium.metrics.tsdb.gofloat import go_f, go_g
from canarium.metrics.tsdb.labels import EMPTY, METRIC_NAME, Labels, quote

_MAX_INT64: Final = 9223372036854774784.0
_MIN_INT64: Final = -9223372036854775808.0
_CELLS: Final = 1 << 20  # at a time: a fraction of a second


def aggregate(ctx: Context, expr: AggregateExpr, block: Block, parameter: Floats | None) -> Block:
    """Evaluate an aggregation whose argument (and scalar parameter, one per step) are evaluated already."""
    if expr.op in _SELECTING:
        assert parameter is not None, expr.op
        return _select(ctx, expr, block, parameter)
    if expr.op == "quantile":
        assert parameter is not None, expr.op
        _check_quantile(ctx, expr, parameter)
    if not block.labels:
        return block
    groups, rows_of = _group(block.labels, expr.grouping, expr.without)
    steps = block.values.shape[1]
    ctx.fits(len(groups) * steps)
    result = Block(groups, np.zeros((len(groups), steps)), np.zeros((len(groups), steps), np.bool_))
    for some in _alike(rows_of):
        _reduce(ctx, expr.op, block, [rows_of[group] for group in some], parameter, result, some)
    if block.drop is not None:
        result.drop = [any(block.drop[row] for row in rows) for rows in rows_of]
    return result


def _alike(rows_of: list[list[int]]) -> list[list[int]]:
    """The groups, those of about the same size together: side by side they leave no large gaps."""
    found: dict[int, list[int]] = {}
    for group, rows in enumerate(rows_of):
        found.setdefault(len(rows).bit_length(), []).append(group)
    return list(found.values())


def _reduce(
    ctx: Context,
    op: str,
    block: Block,
    rows_of: list[list[int]],
    parameter: Floats | None,
    result: Block,
    groups: list[int],
) -> None:
    """Write what `op` makes of some groups into the result, in parts where there is much: steps do not depend on each
    other."""
    steps = block.values.shape[1]
    width = max(1, _CELLS // (len(rows_of) * max(map(len, rows_of))))
    is_all = len(rows_of) == 1 and len(rows_of[0]) == len(block.labels)
    for start in range(0, steps, width):
        ctx.check()
        part = slice(start, start + width)
        some = Block(block.labels, block.values[:, part], block.present[:, part])
        stacked, inside = (some.values[None], some.present[None]) if is_all else _stack(some, rows_of)
        own = None if parameter is None else parameter[part]
        result.values[groups, part] = _REDUCERS[op](stacked, inside, own)
        result.present[groups, part] = inside.any(axis=1)


def group_labels(labels: Labels, grouping: Sequence[str], without: bool) -> Labels:
    """The labels of the group a series belongs to."""
    if without:
        return labels.without((*grouping, METRIC_NAME))
    return labels.only(grouping) if grouping else EMPTY


def _group(labels: list[Labels], grouping: Sequence[str], without: bool) -> tuple[list[Labels], list[list[int]]]:
    if not grouping and not without:
        return [EMPTY], [list(range(len(labels)))]
    rows: dict[Labels, list[int]] = {}
    for row, one in enumerate(labels):
        rows.setdefault(group_labels(one, grouping, without), []).append(row)
    return list(rows), list(rows.values())


def _stack(block: Block, rows_of: list[list[int]]) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """Groups x members x steps; absent members at the end."""
    size = max(map(len, rows_of))
    index = np.zeros((len(rows_of), size), np.int64)
    real = np.zeros((len(rows_of), size), np.bool_)
    for group, rows in enumerate(rows_of):
        index[group, : len(rows)] = rows
        real[group, : len(rows)] = True
    return block.values[index], block.present[index] & real[:, :, None]


def _along_last(stacked: Floats, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], fill: float) -> Floats:
    """Groups x steps x members, present members first and in order, filled up."""
    values = np.moveaxis(stacked, 1, 2)
    here = np.moveaxis(inside, 1, 2)
    if here.all():
        return np.ascontiguousarray(values)
    order = np.argsort(~here, axis=-1, kind="stable")
    return np.take_along_axis(np.where(here, values, fill), order, -1)


Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Reducer = Callable[[Floats, Mask, Floats | None], Floats]


def _sum(stacked: Floats, inside: Mask, _: Floats | None) -> Floats:
    total, compensation = compensated_sum(np.moveaxis(np.where(inside, stacked, 0.0), 1, 2))
    return total + compensation


def _avg(stacked: Floats, inside: Mask, _: Floats | None) -> Floats:
    sizes = np.maximum(inside.sum(axis=1), 1)
    return compensated_mean(_along_last(stacked, inside, 0.0), sizes)


def _min(stacked: Floats, inside: Mask, _: Floats | None) -> Floats:
    found: Floats = np.fmin.reduce(np.where(inside, stacked, np.nan), axis=1)
    return found


def _max(stacked: Floats, inside: Mask, _: Floats | None) -> Floats:
    found: Floats = np.fmax.reduce(np.where(inside, stacked, np.nan), axis=1)
    return found


def _count(_stacked: Floats, inside: Mask, _: Floats | None) -> Floats:
    found: Floats = inside.sum(axis=1).astype(np.float64)
    return found


def _ones(_stacked: Floats, inside: Mask, _: Floats | None) -> Floats:
    return np.ones((inside.shape[0], inside.shape[2]))


def _variance(stacked: Floats, inside: Mask, _: Floats | None) -> Floats:
    """Welford, member by member, for all groups and steps at once: each mean depends on the one before."""
    shape = (stacked.shape[0], stacked.shape[2])
    count, mean, total = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for member in range(stacked.shape[1]):
        value, here = stacked[:, member], inside[:, member]
        first = here & (count == 0)
        count = count + here
        delta = value - mean
        new_mean = mean + delta / np.maximum(count, 1)
        later = here & ~first
        total = np.where(later, total + delta * (value - new_mean), total)
        # Upstream marks a group that starts with NaN or an infinity at once.
        total = np.where(first & ~np.isfinite(value), np.nan, total)
        mean = np.where(first, value, np.where(later, new_mean, mean))
    spread: Floats = total / np.maximum(count, 1)
    return spread


def _deviation(stacked: Floats, inside: Mask, parameter: Floats | None) -> Floats:
    found: Floats = np.sqrt(_variance(stacked, inside, parameter))
    return found


def _quantile(stacked: Floats, inside: Mask, parameter: Floats | None) -> Floats:
    assert parameter is not None
    return quantiles(parameter, _along_last(stacked, inside, np.nan), inside.sum(axis=1))


_REDUCERS: Final[dict[str, Reducer]] = {
    "sum": _sum,
    "avg": _avg,
    "min": _min,
    "max": _max,
    "count": _count,
    "group": _ones,
    "stdvar": _variance,
    "stddev": _deviation,
    "quantile": _quantile,
}
_SELECTING: Final = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


def _span(expr: AggregateExpr) -> Span:
    return expr.param.span if expr.param is not None else expr.span


def _check_quantile(ctx: Context, expr: AggregateExpr, q: Floats) -> None:
    text = "PromQL warning: quantile value should be between 0 and 1, got "
    if np.isnan(q).any():
        ctx.warn(text + "NaN", _span(expr))
    if len(q) and np.nanmax(q, initial=-np.inf) > 1:
        ctx.warn(text + go_g(float(np.nanmax(q))), _span(expr))
    if len(q) and np.nanmin(q, initial=np.inf) < 0:
        ctx.warn(text + go_g(float(np.nanmin(q))), _span(expr))


def _check_k(k: Floats) -> None:
    if np.isnan(k).any():
        raise EvalError("Parameter value is NaN")
    if k.min() <= _MIN_INT64:
        raise EvalError(f"Scalar value {go_g(float(k.min()))} underflows int64")
    if k.max() >= _MAX_INT64:
        raise EvalError(f"Scalar value {go_g(float(k.max()))} overflows int64")


def _check_ratio(ctx: Context, expr: AggregateExpr, ratio: Floats) -> None:
    if np.isnan(ratio).any():
        raise EvalError("Ratio value is NaN")
    text = "PromQL warning: ratio value should be between -1 and 1, got {}, capping to {}"
    if ratio.max() > 1:
        ctx.warn(text.format(go_g(float(ratio.max())), "1"), _span(expr))
    if ratio.min() < -1:
        ctx.warn(text.format(go_g(float(ratio.min())), "-1"), _span(expr))


def _select(ctx: Context, expr: AggregateExpr, block: Block, parameter: Floats) -> Block:
    """topk, bottomk, limitk and limit_ratio: some of the series of each group, unchanged."""
    steps = block.values.shape[1]
    if expr.op == "limit_ratio":
        if not parameter.any():
            return empty(steps)
        _check_ratio(ctx, expr, parameter)
        return _limit_ratio(block, expr, parameter)
    if len(parameter) and np.fmax.reduce(parameter) < 1:
        return empty(steps)
    _check_k(parameter)
    _groups, rows_of = _group(block.labels, expr.grouping, expr.without)
    most = np.minimum(np.trunc(parameter), len(block.labels))
    present = np.zeros_like(block.present)
    order: list[int] = []
    for rows in rows_of if block.labels else []:
        width = max(1, _CELLS // len(rows))
        for start in range(0, steps, width):
            ctx.check()
            part = slice(start, start + width)
            own, here = block.values[rows, part], block.present[rows, part]
            ranks = _ranks(ctx, own, here, most[part], expr.op)
            present[rows, part] = here & (ranks < most[part])
        # For an instant query the order of the result is part of the answer.
        order.extend(np.asarray(rows)[np.argsort(ranks[:, 0], kind="stable")].tolist() if steps == 1 else rows)
    chosen = Block(block.labels, block.values, present, block.drop)
    kept = [row for row in order if present[row].any()]
    return chosen.rows(kept) if kept else empty(steps)


def _ranks(ctx: Context, values: Floats, present: Mask, most: Floats, op: str) -> Ints:
    """For each step the place of each series: the best first, NaN after all numbers, the absent last.

    Where the k-th and the next are equal, or the order shows (one step), Go's heap decides.
    """
    if op == "limitk":
        key, late = np.zeros_like(values), (~present).astype(np.int64)
    else:
        key = np.where(np.isnan(values), 0.0, -values if op == "topk" else values)
        late = np.where(present, np.isnan(values).astype(np.int64), 2)
    order = np.lexsort((key, late), axis=0)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(len(values))[:, None], axis=0)
    for step in _decided_by_heap(key, late, order, most, op):
        ctx.check()
        rows = np.flatnonzero(present[:, step])
        some: list[float] = values[rows, step].tolist()
        k = int(most[step])
        chosen = goheap.pushed(some[:k]) if op == "limitk" else goheap.best(some, k, largest=op == "topk")
        ranks[:, step] = len(values)
        ranks[rows[chosen], step] = np.arange(len(chosen))
    return ranks


def _decided_by_heap(key: Floats, late: Ints, order: Ints, most: Floats, op: str) -> list[int]:
    steps, size = len(most), len(key)
    if steps == 1:
        return [0] if most[0] >= 1 else []
    if op == "limitk":
        return []
    last = np.clip(most, 1, max(size - 1, 1)).astype(np.int64)
    if size < 2:
        return []
    in_order = [np.take_along_axis(table, order, axis=0) for table in (key, late)]
    columns = np.arange(steps)
    same = [table[last, columns] == table[last - 1, columns] for table in in_order]
    is_present = in_order[1][last, columns] < 2
    return [int(step) for step in np.flatnonzero(same[0] & same[1] & is_present & (most >= 1) & (most < size))]


def _limit_ratio(block: Block, expr: AggregateExpr, ratio: Floats) -> Block:
    if not block.labels:
        return block
    offsets = np.array([sampling_offset(labels) for labels in block.labels])[:, None]
    capped = np.clip(ratio, -1.0, 1.0)
    chosen = np.where(capped >= 0, offsets < capped, offsets >= 1.0 + capped)
    present = block.present & chosen & (capped != 0)
    _groups, rows_of = _group(block.labels, expr.grouping, expr.without)
    kept: list[int] = []
    for rows in rows_of:
        some = [row for row in rows if present[row].any()]
        if len(ratio) == 1:
            some = [some[place] for place in goheap.pushed(block.values[some, 0].tolist())]
        kept += some
    return Block(block.labels, block.values, present, block.drop).rows(kept) if kept else empty(len(ratio))


def count_values(ctx: Context, expr: AggregateExpr, label: str, block: Block) -> Block:
    """How many series of each group have each value, the value becoming a label."""
    if not is_label_name(label):
        raise EvalError(f"invalid label name {quote(label)}")
    steps = block.values.shape[1]
    grouping = expr.grouping if expr.without else (*expr.grouping, label)
    counts: dict[Labels, Floats] = {}
    for row, labels in enumerate(block.labels):
        at = np.flatnonzero(block.present[row])
        found, which, sizes = np.unique(block.values[row][at], return_inverse=True, return_counts=True)
        by_value = np.split(at[np.argsort(which, kind="stable")], np.cumsum(sizes)[:-1])
        for value, where in zip(found.tolist(), by_value, strict=True):
            ctx.check()
            key = group_labels(labels.with_label(label, go_f(value)), grouping, expr.without)
            count = counts.get(key)
            if count is None:
                ctx.fits((len(counts) + 1) * steps)
                count = counts[key] = np.zeros(steps)
            count[where] += 1
    if not counts:
        return empty(steps)
    values = np.array(list(counts.values()))
    return merged(Block(list(counts), values, values > 0))
