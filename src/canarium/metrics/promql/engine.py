"""Answering PromQL queries: the way in.

Owns: instant and range queries, their results and annotations. Must not know: what expressions mean (the evaluator's),
text (the parser's), HTTP, clocks: the time of a query is an argument.
Semantics follow Prometheus 3.x `promql/engine.go`.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from canarium.metrics.promql.ast import (
    Annotations,
    Expr,
    MatrixSelector,
    Span,
    StringLiteral,
    SubqueryExpr,
    ValueType,
)
from canarium.metrics.promql.eval_extended import extended_samples
from canarium.metrics.promql.evaluator import evaluate, evaluate_ranges, unwrapped
from canarium.metrics.promql.values import (
    Block,
    Context,
    EvalError,
    Limits,
    Points,
    Result,
    Storage,
    compact,
    merged,
)
from canarium.metrics.tsdb.labels import EMPTY
from canarium.metrics.tsdb.store import SeriesData

LOOKBACK_MS: Final = 300_000
_MAX_POINTS: Final = 11_000


def instant(
    expr: Expr,
    at_ms: int,
    store: Storage,
    *,
    lookback_ms: int = LOOKBACK_MS,
    limits: Limits | None = None,
    query: str = "",
    subquery_step_ms: int = 60_000,
    delayed_names: bool = False,
) -> Result:
    """Evaluate an expression at one time.

    query: the text the expression was parsed from, for the places in annotations. subquery_step_ms: the resolution of
    subqueries that name none (upstream: the global evaluation interval). delayed_names: upstream's feature flag
    promql-delayed-name-removal. Raises EvalError.
    """
    ctx = _context(store, at_ms, at_ms, 0, lookback_ms, limits, subquery_step_ms, delayed_names)
    with np.errstate(all="ignore"):
        root = unwrapped(expr)
        if isinstance(root, MatrixSelector | SubqueryExpr):
            found = evaluate_ranges(ctx, root)
            series = found.series()
            if isinstance(root, MatrixSelector) and root.vector_selector.extended:
                is_smoothed = root.vector_selector.extended == "smoothed"
                edges = int(found.starts[0]), int(found.ends[0])
                reached = [extended_samples(one, *edges, is_smoothed=is_smoothed) for one in series]
                series = [one for one in reached if one is not None]
            if found.drop is not None:
                series = [SeriesData(one.labels.without_metadata(), one.timestamps, one.values) for one in series]
            return Result(ValueType.MATRIX, ctx.steps, series=series, annotations=_annotations(ctx, query))
        value = evaluate(ctx, expr)
        if isinstance(value, Block):
            value = _named(ctx, compact(value))
    annotations = _annotations(ctx, query)
    match value:
        case str():
            return Result(ValueType.STRING, ctx.steps, text=value, annotations=annotations)
        case Block():
            return Result(ValueType.VECTOR, ctx.steps, value.labels, value.values, annotations=annotations)
        case _:
            return Result(ValueType.SCALAR, ctx.steps, number=float(value[0]), annotations=annotations)


def range_(
    expr: Expr,
    start_ms: int,
    end_ms: int,
    step_ms: int,
    store: Storage,
    *,
    lookback_ms: int = LOOKBACK_MS,
    limits: Limits | None = None,
    query: str = "",
    subquery_step_ms: int = 60_000,
    delayed_names: bool = False,
) -> Result:
    """Evaluate an expression at every step from start to end inclusive; the result is a matrix. Raises EvalError."""
    if step_ms <= 0:
        raise EvalError(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer",
            "bad_data",
        )
    if end_ms < start_ms:
        raise EvalError('invalid parameter "end": end timestamp must not be before start time', "bad_data")
    if (end_ms - start_ms) // step_ms > _MAX_POINTS:
        raise EvalError(
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)",
            "bad_data",
        )
    ctx = _context(store, start_ms, end_ms, step_ms, lookback_ms, limits, subquery_step_ms, delayed_names)
    root = unwrapped(expr)
    if isinstance(root, MatrixSelector | SubqueryExpr | StringLiteral):
        kind = "string" if isinstance(root, StringLiteral) else "range vector"
        raise EvalError(
            f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector', "bad_data"
        )
    with np.errstate(all="ignore"):
        value = evaluate(ctx, expr)
        assert not isinstance(value, str), value
        block = value if isinstance(value, Block) else Block([EMPTY], value[None], np.ones((1, len(value)), np.bool_))
        block = merged(_named(ctx, compact(block)))
    series = [
        SeriesData(labels, ctx.steps[present], values[present])
        for labels, values, present in zip(block.labels, block.values, block.present, strict=True)
    ]
    series.sort(key=lambda data: data.labels.pairs)
    return Result(ValueType.MATRIX, ctx.steps, series=series, annotations=_annotations(ctx, query))


def _context(
    store: Storage,
    start_ms: int,
    end_ms: int,
    step_ms: int,
    lookback_ms: int,
    limits: Limits | None,
    subquery_step_ms: int,
    delayed_names: bool,
) -> Context:
    return Context(
        storage=store,
        steps=np.array((start_ms,), np.int64)
        if start_ms == end_ms
        else np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64),
        start_ms=start_ms,
        end_ms=end_ms,
        interval_ms=step_ms or 1,
        query_start_ms=start_ms,
        query_end_ms=end_ms,
        query_step_ms=step_ms,
        lookback_ms=lookback_ms,
        subquery_step_ms=subquery_step_ms,
        delayed_names=delayed_names,
        limits=limits or _NO_LIMITS,
        notes={},
    )


_NO_LIMITS: Final = Limits()


def _named(ctx: Context, block: Block) -> Block:
    """Drop the names that were marked, and refuse what is then ambiguous."""
    if block.drop is None or not any(block.drop):
        return block
    del ctx
    labels = [one.without_metadata() if drop else one for one, drop in zip(block.labels, block.drop, strict=True)]
    return merged(Block(labels, block.values, block.present))


def _annotations(ctx: Context, query: str) -> Annotations:
    if not ctx.notes:
        return _NOTHING
    return Annotations(warnings=_texts(ctx.notes, "warning", query), infos=_texts(ctx.notes, "info", query))


_NOTHING: Final = Annotations()


def _texts(notes: Points, kind: Literal["warning", "info"], query: str) -> tuple[str, ...]:
    texts = []
    for (sort, text), (span, details) in notes.items():
        if sort != kind:
            continue
        if query:
            text = f"{text}{details() if details else ''} ({_place(query, span)})"
        texts.append(text)
    return tuple(texts)


def _place(query: str, span: Span) -> str:
    """Line and column, 1-based, the column in bytes, as upstream."""
    before = query.encode()[: span.start]
    return f"{before.count(10) + 1}:{span.start - (before.rfind(10))}"
