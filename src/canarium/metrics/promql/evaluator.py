"""What each node of an expression evaluates to.

Owns: walking the tree, and which function or operator answers for which node. Must not know: text (the parser's),
results as they are handed out (the engine's), clocks.
Semantics follow Prometheus 3.x `promql/engine.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from msgspec.structs import replace

from canarium.metrics.promql import eval_functions as functions
from canarium.metrics.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    Span,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)
from canarium.metrics.promql.eval_aggregate import aggregate, count_values
from canarium.metrics.promql.eval_binary import merged_unless_delayed, scalars, vector_scalar, vectors
from canarium.metrics.promql.eval_extended import window_function
from canarium.metrics.promql.eval_histogram import histogram_fraction, histogram_quantile
from canarium.metrics.promql.eval_info import info
from canarium.metrics.promql.eval_invariant import is_step_invariant
from canarium.metrics.promql.eval_selectors import (
    Ranges,
    duration_ms,
    ranges,
    reference_times,
    windowed,
)
from canarium.metrics.promql.eval_selectors import (
    instant as select_instant,
)
from canarium.metrics.promql.eval_windows import FUNCTIONS as WINDOW_FUNCTIONS
from canarium.metrics.promql.eval_windows import apply
from canarium.metrics.promql.values import (
    Block,
    Context,
    EvalError,
    Floats,
    NotBuilt,
    Value,
    compact,
    empty,
    merged,
)
from canarium.metrics.tsdb.gofloat import go_g
from canarium.metrics.tsdb.labels import EMPTY, METRIC_NAME, Labels

_KEEPS_NAME: Final = frozenset({"last_over_time", "first_over_time"})
_NATIVE: Final = frozenset(
    {"histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"}
)
_CELLS_PER_STEP: Final = 8
"""What a step of a subquery costs, whatever it is about: its time, a value, and what is made of them on the way."""
_COUNTER_SUFFIXES: Final = ("_total", "_sum", "_count", "_bucket")


def unwrapped(expr: Expr) -> Expr:
    """Without parentheses around it."""
    while isinstance(expr, ParenExpr):
        expr = expr.expr
    return expr


def evaluate(ctx: Context, expr: Expr) -> Value:
    """What an expression is at each step of the evaluation. Raises EvalError."""
    ctx.check()
    if ctx.is_range and isinstance(expr, Call | AggregateExpr | BinaryExpr) and is_step_invariant(expr):
        return _once(ctx, expr)
    match expr:
        case ParenExpr():
            return evaluate(ctx, expr.expr)
        case NumberLiteral():
            return np.full(len(ctx.steps), expr.value)
        case StringLiteral():
            return expr.value
        case VectorSelector():
            return select_instant(ctx, expr)
        case Call():
            return _call(ctx, expr)
        case AggregateExpr():
            return _aggregate(ctx, expr)
        case BinaryExpr():
            return _binary(ctx, expr)
        case UnaryExpr():
            return _unary(ctx, expr)
        case MatrixSelector() | SubqueryExpr():
            raise EvalError("cannot do range evaluation of matrix selector")


def _once(ctx: Context, expr: Expr) -> Value:
    """Evaluate what is the same at every step at the first one only."""
    first = replace(ctx, steps=ctx.steps[:1], end_ms=ctx.start_ms)
    value = evaluate(first, expr)
    ctx.samples = first.samples
    steps = len(ctx.steps)
    if isinstance(value, Block):
        shape = (len(value.labels), steps)
        return Block(
            value.labels, np.broadcast_to(value.values, shape), np.broadcast_to(value.present, shape), value.drop
        )
    return value if isinstance(value, str) else np.broadcast_to(value, (steps,))


def _vector(ctx: Context, expr: Expr) -> Block:
    value = evaluate(ctx, expr)
    assert isinstance(value, Block), expr
    return value


def _scalar(ctx: Context, expr: Expr) -> Floats:
    value = evaluate(ctx, expr)
    assert isinstance(value, np.ndarray), expr
    return value


def _string(expr: Expr) -> str:
    expr = unwrapped(expr)
    assert isinstance(expr, StringLiteral), expr
    return expr.value


def _unary(ctx: Context, expr: UnaryExpr) -> Value:
    value = evaluate(ctx, expr.expr)
    if expr.op == "+":
        return value
    if isinstance(value, Block):
        return merged_unless_delayed(ctx, ctx.nameless(Block(value.labels, -value.values, value.present, value.drop)))
    assert not isinstance(value, str), expr
    return -value


def _binary(ctx: Context, expr: BinaryExpr) -> Value:
    left, right = evaluate(ctx, expr.lhs), evaluate(ctx, expr.rhs)
    assert not isinstance(left, str), expr
    assert not isinstance(right, str), expr
    if isinstance(left, Block):
        if isinstance(right, Block):
            return vectors(ctx, expr, left, right)
        return vector_scalar(ctx, expr, left, right, is_swapped=False)
    if isinstance(right, Block):
        return vector_scalar(ctx, expr, right, left, is_swapped=True)
    return scalars(expr.op, left, right)


def _aggregate(ctx: Context, expr: AggregateExpr) -> Block:
    if expr.op == "count_values":
        assert expr.param is not None, expr
        return count_values(ctx, expr, _string(expr.param), _vector(ctx, expr.expr))
    parameter = _scalar(ctx, expr.param) if expr.param is not None else None
    return aggregate(ctx, expr, _vector(ctx, expr.expr), parameter)


def evaluate_ranges(ctx: Context, expr: MatrixSelector | SubqueryExpr) -> Ranges:
    """What a range vector holds at each step of the evaluation."""
    if isinstance(expr, MatrixSelector):
        return ranges(ctx, expr)
    return _subquery(ctx, expr)


def _subquery(ctx: Context, expr: SubqueryExpr) -> Ranges:
    """Evaluate the inner expression at the steps of the subquery's own grid (multiples of its step)."""
    offset_ms = duration_ms(ctx, expr.offset_expr, expr.offset_ms, may_be_negative=True)
    range_ms = duration_ms(ctx, expr.range_expr, expr.range_ms, may_be_negative=False)
    step_ms = duration_ms(ctx, expr.step_expr, expr.step_ms, may_be_negative=False) or ctx.subquery_step_ms
    ends = reference_times(ctx, expr.at, offset_ms)
    starts = ends - range_ms
    first = (int(starts[0]) // step_ms + 1) * step_ms
    last = int(ends[-1])
    if last < first:
        return windowed(ctx, [], None, np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), starts, ends)
    ctx.fits(_CELLS_PER_STEP * ((last - first) // step_ms + 1))
    inner = Context(
        storage=ctx.storage,
        steps=np.arange(first, last + 1, step_ms, dtype=np.int64),
        start_ms=first,
        end_ms=last,
        interval_ms=step_ms,
        query_start_ms=ctx.query_start_ms,
        query_end_ms=ctx.query_end_ms,
        query_step_ms=ctx.query_step_ms,
        lookback_ms=ctx.lookback_ms,
        subquery_step_ms=ctx.subquery_step_ms,
        delayed_names=ctx.delayed_names,
        limits=ctx.limits,
        notes=ctx.notes,
        samples=ctx.samples,
    )
    value = evaluate(inner, expr.expr)
    assert not isinstance(value, str), expr
    if not isinstance(value, Block):
        value = Block([EMPTY], value[None], np.ones((1, len(value)), np.bool_))
    ctx.samples = inner.samples
    block = merged(compact(value))
    ctx.count(block.values.size)
    times = np.broadcast_to(inner.steps, block.values.shape)[block.present]
    sizes = block.present.sum(axis=1)
    return windowed(ctx, block.labels, block.drop, times, block.values[block.present], sizes, starts, ends)


def _call(ctx: Context, call: Call) -> Value:
    args = [unwrapped(arg) for arg in call.args]
    for arg in args:
        if isinstance(arg, MatrixSelector | SubqueryExpr):
            return _range_call(ctx, call, args, arg)
    name = call.func
    if name in functions.MATH:
        return _mapped(ctx, args[0], functions.MATH[name])
    if name in functions.DATES:
        return _date(ctx, args, functions.DATES[name])
    if name in _SPECIAL:
        return _SPECIAL[name](ctx, call, args)
    if name in _NATIVE:
        # Only native histograms give these functions a result, and the store holds none.
        _vector(ctx, args[0])
        return empty(len(ctx.steps))
    raise NotBuilt(f"the function {name}()")


def _mapped(ctx: Context, argument: Expr, function: functions.Elementwise) -> Block:
    block = _vector(ctx, argument)
    return merged_unless_delayed(
        ctx, ctx.nameless(Block(block.labels, function(block.values), block.present, block.drop))
    )


def _date(ctx: Context, args: list[Expr], function: functions.Elementwise) -> Value:
    if args:
        return _mapped(ctx, args[0], function)
    return _single(function(np.floor(ctx.steps / 1000.0)))


def _single(values: Floats) -> Block:
    return Block([EMPTY], values[None], np.ones((1, len(values)), np.bool_))


def _range_call(ctx: Context, call: Call, args: list[Expr], argument: MatrixSelector | SubqueryExpr) -> Block:
    name = call.func
    function = WINDOW_FUNCTIONS.get(name)
    if function is None:
        raise NotBuilt(f"the function {name}()")
    is_extended = isinstance(argument, MatrixSelector) and bool(argument.vector_selector.extended)
    if isinstance(argument, MatrixSelector) and argument.vector_selector.extended:
        function = window_function(name, argument.vector_selector.extended)
    if name == "absent_over_time":
        return _absent_over_time(ctx, argument)
    parameters = [_scalar(ctx, arg) for arg in args if arg is not argument]
    found = evaluate_ranges(ctx, argument)
    if not found.labels:
        return empty(len(ctx.steps))
    windows, some = found.windows(ctx.steps, ctx.check)
    if not len(some):
        return empty(len(ctx.steps))
    if name == "quantile_over_time":
        _warn_quantile(ctx, parameters[0], args[0])
    step = some % len(ctx.steps)
    given = [parameter[step] for parameter in parameters]
    # Functions of extended selectors look at each window by itself.
    outcome = apply(function, windows, given) if not is_extended else apply(function, windows, given, cells=1 << 15)
    block = found.scattered(outcome, some)
    if name in ("rate", "increase"):
        # Upstream evaluates a subquery into a selector without a place, so it reports the start of the query.
        span = argument.span if isinstance(argument, MatrixSelector) else Span(0, 0)
        _inform_about_gauges(ctx, block, span)
    if name not in _KEEPS_NAME:
        block = ctx.nameless(block)
    if not ctx.delayed_names:
        block = compact(block)
        if len(set(block.labels)) < len(block.labels):  # even where the series never meet, as upstream
            raise EvalError("vector cannot contain metrics with the same labelset")
    return block


def _warn_quantile(ctx: Context, q: Floats, argument: Expr) -> None:
    for value in dict.fromkeys(q.tolist()):
        if not 0 <= value <= 1:
            ctx.warn(f"PromQL warning: quantile value should be between 0 and 1, got {go_g(value)}", argument.span)


def _inform_about_gauges(ctx: Context, block: Block, span: Span) -> None:
    for row, labels in enumerate(block.labels):
        name = labels.get(METRIC_NAME)
        if name and not name.endswith(_COUNTER_SUFFIXES) and block.present[row].any():
            text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
            ctx.info(f'PromQL info: {text}: "{name}"', span)


def _absent_over_time(ctx: Context, argument: MatrixSelector | SubqueryExpr) -> Block:
    found = evaluate_ranges(ctx, argument)
    present = found.hi > found.lo
    block = Block(found.labels, np.ones(present.shape), present)
    result = functions.absent(block, functions.absent_labels(argument), len(ctx.steps))
    return ctx.nameless(result)


def _timestamp(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    if isinstance(args[0], VectorSelector):
        block = select_instant(ctx, args[0], wants_times=True)
    else:
        block = _vector(ctx, args[0])
        times = np.broadcast_to(ctx.steps / 1000.0, block.values.shape)
        block = Block(block.labels, times, block.present, block.drop)
    return merged_unless_delayed(ctx, ctx.nameless(block))


def _clamp(ctx: Context, call: Call, args: list[Expr]) -> Block:
    block = _vector(ctx, args[0])
    bounds = [_scalar(ctx, arg) for arg in args[1:]]
    unbounded = np.full(len(ctx.steps), np.inf)
    low = -unbounded if call.func == "clamp_max" else bounds[0]
    high = unbounded if call.func == "clamp_min" else bounds[-1]
    if not block.labels:
        return block
    present = block.present & ~(high < low)
    values = functions.clamp(block.values, low, high)
    return merged_unless_delayed(ctx, ctx.nameless(Block(block.labels, values, present, block.drop)))


def _round(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    nearest = _scalar(ctx, args[1]) if len(args) > 1 else np.ones(len(ctx.steps))
    return _mapped(ctx, args[0], lambda values: functions.rounded(values, nearest))


def _absent(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    return functions.absent(_vector(ctx, args[0]), functions.absent_labels(args[0]), len(ctx.steps))


def _sort(ctx: Context, call: Call, args: list[Expr]) -> Block:
    block = _vector(ctx, args[0])
    if ctx.is_range:
        ctx.warn(
            "PromQL warning: sort is ineffective for range queries since results are always ordered by labels",
            call.span,
        )
        return block
    is_descending = call.func.endswith("_desc")
    if call.func.startswith("sort_by_label"):
        return functions.sorted_by_label(
            compact(block), [_string(arg) for arg in args[1:]], is_descending=is_descending
        )
    return functions.sorted_by_value(block, is_descending=is_descending)


def _label_replace(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    target, replacement, source, pattern = (_string(arg) for arg in args[1:])
    return functions.label_replace(_vector(ctx, args[0]), target, replacement, source, pattern)


def _label_join(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    target, separator, *sources = (_string(arg) for arg in args[1:])
    return functions.label_join(_vector(ctx, args[0]), target, separator, sources)


def _info(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    selector = args[1] if len(args) > 1 else None
    assert selector is None or isinstance(selector, VectorSelector), selector
    return info(ctx, args[0], _vector(ctx, args[0]), selector)


def _histogram_quantile(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    q = _scalar(ctx, args[0])
    return histogram_quantile(ctx, q, _vector(ctx, args[1]), (args[0].span, args[1].span))


def _histogram_quantiles(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    block = _vector(ctx, args[0])
    label = _string(args[1])
    labels: list[Labels] = []
    values: list[Floats] = []
    present = []
    for arg in args[2:]:
        q = _scalar(ctx, arg)
        text = go_g(float(q[0]))
        if "." not in text and "e" not in text and text.lstrip("-").isdigit():
            text += ".0"  # upstream writes label values of quantiles as OpenMetrics does
        found = histogram_quantile(ctx, q, block, (arg.span, args[0].span), (label, text))
        labels += found.labels
        values += list(found.values)
        present += list(found.present)
    if not labels:
        return empty(len(ctx.steps))
    return Block(labels, np.array(values), np.array(present), [True] * len(labels) if ctx.delayed_names else None)


def _histogram_fraction(ctx: Context, _call: Call, args: list[Expr]) -> Block:
    lower, upper = _scalar(ctx, args[0]), _scalar(ctx, args[1])
    return histogram_fraction(ctx, lower, upper, _vector(ctx, args[2]), args[2].span)


def _constant(value: Callable[[Context], float]) -> Callable[[Context, Call, list[Expr]], Floats]:
    return lambda ctx, _call, _args: np.full(len(ctx.steps), value(ctx))


_SPECIAL: Final[dict[str, Callable[[Context, Call, list[Expr]], Value]]] = {
    "absent": _absent,
    "clamp": _clamp,
    "clamp_max": _clamp,
    "clamp_min": _clamp,
    "end": _constant(lambda ctx: ctx.query_end_ms / 1000),
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "histogram_quantiles": _histogram_quantiles,
    "info": _info,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "max_of": lambda ctx, _call, args: functions.go_max(_scalar(ctx, args[0]), _scalar(ctx, args[1])),
    "min_of": lambda ctx, _call, args: functions.go_min(_scalar(ctx, args[0]), _scalar(ctx, args[1])),
    "pi": _constant(lambda _ctx: np.pi),
    "range": _constant(lambda ctx: (ctx.query_end_ms - ctx.query_start_ms) / 1000),
    "round": _round,
    "scalar": lambda ctx, _call, args: functions.scalar_of(_vector(ctx, args[0]), len(ctx.steps)),
    "sort": _sort,
    "sort_by_label": _sort,
    "sort_by_label_desc": _sort,
    "sort_desc": _sort,
    # Upstream answers with nothing, too, unless its feature flag for start timestamps is on.
    "start_timestamp": lambda ctx, _call, _args: empty(len(ctx.steps)),
    "start": _constant(lambda ctx: ctx.query_start_ms / 1000),
    "step": _constant(lambda ctx: 0.0 if ctx.query_start_ms == ctx.query_end_ms else ctx.query_step_ms / 1000),
    "time": lambda ctx, _call, _args: ctx.steps / 1000.0,
    "timestamp": _timestamp,
    "vector": lambda ctx, _call, args: _single(_scalar(ctx, args[0])),
}
