"""An expression part by part: what each is worth at one time, and why the empty ones are empty.

Owns: walking the tree, its bounds, the values to show. Must not know: JSON, clocks (the stopwatch is an argument), what
makes a part empty (`explain`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from canarium.metrics.promql import engine, explain
from canarium.metrics.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    ParenExpr,
    Span,
    SubqueryExpr,
    UnaryExpr,
    ValueType,
    VectorSelector,
)
from canarium.metrics.promql.eval_selectors import duration_ms, reference_times
from canarium.metrics.promql.explain import Operand
from canarium.metrics.promql.translate import node_type
from canarium.metrics.promql.typecheck import value_type
from canarium.metrics.promql.values import Context, EvalError, Limits, Result, Storage
from canarium.metrics.tsdb.gofloat import go_api
from canarium.metrics.tsdb.labels import METRIC_NAME, Labels, quote

MAX_DEPTH: Final = 40
MAX_PARTS: Final = 250
MAX_SERIES: Final = 10
BUDGET_SECONDS: Final = 0.5


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One node. kind: as `parse_query` names it. count: of all series; series: the first ten, labels and value as text.
    value: of a scalar or string; of a range vector how many samples. labels: how many values each label has.
    problem: why it has no value. note: why it is empty, or incomplete. seconds: what evaluating it took."""

    text: str
    kind: str
    span: Span
    value_type: ValueType
    count: int = 0
    value: str = ""
    series: tuple[tuple[str, str], ...] = ()
    labels: dict[str, int] = {}
    problem: str = ""
    note: str = ""
    seconds: float = 0.0
    children: tuple[Part, ...] = ()


def parts(
    storage: Storage, expr: Expr, query: str, at_ms: int, stopwatch: Callable[[], float], *, lookback_ms: int = 300_000
) -> Part:
    """The tree of an expression that was parsed from `query`, evaluated at a time.

    stopwatch: seconds since some moment. Parts beyond the budget, the depth or the number of parts have no values, and
    say so.
    """
    return _Walk(storage, query, lookback_ms, stopwatch).part(expr, at_ms, 1)[0]


class _Walk:
    """One walk: what is left of its budget."""

    def __init__(self, storage: Storage, query: str, lookback_ms: int, stopwatch: Callable[[], float]) -> None:
        self._storage = storage
        self._bytes = query.encode("utf-8", "surrogateescape")
        self._lookback_ms = lookback_ms
        self._stopwatch = stopwatch
        self._end = stopwatch() + BUDGET_SECONDS
        self._parts = 0

    def part(self, expr: Expr, at_ms: int, depth: int) -> tuple[Part, Operand]:
        """A part with all below it, and what its parent needs to explain itself."""
        self._parts += 1
        text = self._text(expr)
        started = self._stopwatch()
        result, problem, note = self._worth(expr, at_ms)
        seconds = self._stopwatch() - started
        inner = self._inner(expr)
        children: list[Part] = []
        operands: list[Operand] = []
        if inner and depth >= MAX_DEPTH:
            note = note or f"what is inside is not shown: it is more than {MAX_DEPTH} levels deep"
        elif inner:
            inner_ms = self._inner_time(expr, at_ms)
            for one in inner:
                if self._parts >= MAX_PARTS:
                    note = note or f"what is inside is not shown: there are more than {MAX_PARTS} parts"
                    break
                child, operand = self.part(one, inner_ms, depth + 1)
                children.append(child)
                operands.append(operand)
        if result is not None and not note and len(operands) == len(inner):
            note = self._note(expr, result, operands, at_ms)
        part = Part(
            text=text,
            kind=node_type(expr),
            span=expr.span,
            value_type=value_type(expr),
            problem=problem,
            note=note,
            seconds=seconds,
            children=tuple(children),
        )
        return _with_values(part, result), Operand(text, expr, result)

    def _text(self, expr: Expr) -> str:
        return self._bytes[expr.span.start : expr.span.end].decode("utf-8", "replace").strip()

    def _worth(self, expr: Expr, at_ms: int) -> tuple[Result | None, str, str]:
        """The value, or why there is none: a problem of the query, or a note that the budget is spent."""
        if self._stopwatch() > self._end:
            return None, "", "not evaluated: the other parts took all the time there is for this view"
        limits = Limits(interrupted=lambda: "timeout" if self._stopwatch() > self._end else "")
        try:
            found = engine.instant(expr, at_ms, self._storage, lookback_ms=self._lookback_ms, limits=limits)
            return found, "", ""
        except EvalError as error:
            if error.error_type == "timeout":
                return None, "", f"not evaluated: it takes more than the {BUDGET_SECONDS:g} s there are for this view"
            return None, error.problem, ""
        except RecursionError:
            return None, "it is nested too deeply", ""
        except UnicodeEncodeError:
            return None, "it has text that is not valid UTF-8", ""

    def _inner(self, expr: Expr) -> tuple[Expr, ...]:
        match expr:
            case ParenExpr() | UnaryExpr() | SubqueryExpr():
                return (expr.expr,)
            case Call():
                return expr.args
            case AggregateExpr():
                return (expr.expr,) if expr.param is None else (expr.param, expr.expr)
            case BinaryExpr():
                return (expr.lhs, expr.rhs)
            case _:
                return ()

    def _inner_time(self, expr: Expr, at_ms: int) -> int:
        """What is inside a subquery is looked at where the subquery ends."""
        return self._reference_ms(expr, at_ms) if isinstance(expr, SubqueryExpr) else at_ms

    def _reference_ms(self, expr: VectorSelector | SubqueryExpr, at_ms: int) -> int:
        ctx = self._context(at_ms)
        try:
            offset_ms = duration_ms(ctx, expr.offset_expr, expr.offset_ms, may_be_negative=True)
        except EvalError:
            return at_ms  # the part itself tells what is wrong with the offset
        return int(reference_times(ctx, expr.at, offset_ms)[0])

    def _context(self, at_ms: int) -> Context:
        return Context(
            storage=self._storage,
            steps=np.array((at_ms,), np.int64),
            start_ms=at_ms,
            end_ms=at_ms,
            interval_ms=1,
            query_start_ms=at_ms,
            query_end_ms=at_ms,
            query_step_ms=0,
            lookback_ms=self._lookback_ms,
            subquery_step_ms=60_000,
            delayed_names=False,
            limits=Limits(),
            notes={},
        )

    def _note(self, expr: Expr, result: Result, operands: list[Operand], at_ms: int) -> str:
        """Why there is nothing; a few words more where that there is something, or no number, surprises."""
        if isinstance(expr, Call):
            if expr.func == "scalar" and np.isnan(result.number):
                return explain.scalar_note(expr, operands[0])
            if expr.func in ("absent", "absent_over_time") and result.labels:
                return explain.absent_note(operands[0])
        if result.value_type not in (ValueType.VECTOR, ValueType.MATRIX) or result.labels or result.series:
            return ""
        match expr:
            case VectorSelector():
                reference_ms = self._reference_ms(expr, at_ms)
                return explain.selector_note(self._storage, expr, reference_ms, self._lookback_ms)
            case MatrixSelector():
                end_ms = self._reference_ms(expr.vector_selector, at_ms)
                range_ms = duration_ms(self._context(at_ms), expr.range_expr, expr.range_ms, may_be_negative=False)
                return explain.range_note(self._storage, expr, end_ms - range_ms, end_ms)
            case BinaryExpr():
                return explain.binary_note(expr, operands[0], operands[1])
            case AggregateExpr():
                return explain.aggregation_note(expr, operands[-1], operands[0] if len(operands) > 1 else None)
            case Call():
                note = explain.call_note(expr, operands)
                selectors = [arg for arg in expr.args if isinstance(arg, MatrixSelector)]
                needs_more = selectors and "needs two samples" in note
                return note + explain.scrape_hint(self._storage, selectors[0]) if needs_more else note
            case ParenExpr() | UnaryExpr() | SubqueryExpr():
                return f"`{explain.short(operands[0].text)}` is empty" if isinstance(expr, SubqueryExpr) else ""
            case _:
                return ""


def _with_values(part: Part, result: Result | None) -> Part:
    if result is None:
        return part
    replace = msgspec.structs.replace
    match result.value_type:
        case ValueType.VECTOR:
            rows = list(zip(result.labels[:MAX_SERIES], result.values[:MAX_SERIES, 0].tolist(), strict=True))
            return replace(
                part,
                count=len(result.labels),
                series=tuple((series_text(labels), go_api(value)) for labels, value in rows),
                labels=_label_counts(result.labels),
            )
        case ValueType.MATRIX:
            samples = sum(len(one.timestamps) for one in result.series)
            return replace(
                part,
                count=len(result.series),
                value=_samples(samples),
                series=tuple(
                    (series_text(one.labels), _samples(len(one.timestamps))) for one in result.series[:MAX_SERIES]
                ),
                labels=_label_counts([one.labels for one in result.series]),
            )
        case ValueType.STRING:
            return replace(part, count=1, value=result.text.encode("utf-8", "replace").decode())
        case _:
            return replace(part, count=1, value=go_api(result.number))


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"


def _label_counts(labels: list[Labels]) -> dict[str, int]:
    """How many values each label has, most first."""
    values: dict[str, set[str]] = {}
    for one in labels:
        for name, value in one.pairs:
            if name != METRIC_NAME:
                values.setdefault(name, set()).add(value)
    return {name: len(found) for name, found in sorted(values.items(), key=lambda item: (-len(item[1]), item[0]))}


def series_text(labels: Labels) -> str:
    """A series as one would select it: `up{job="prometheus"}`."""
    name = labels.get(METRIC_NAME)
    rest = labels.without((METRIC_NAME,))
    if not rest:
        return name or "{}"
    return name + "{" + ", ".join(f"{key}={quote(value)}" for key, value in rest.pairs) + "}"
