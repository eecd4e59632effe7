"""A PromQL tree as JSON, as Prometheus' own page reads it.

Owns: the keys and values of the `parse_query` endpoint. Must not know: HTTP, evaluation.
Source: Prometheus 3.x web/api/v1/translate_ast.go.
"""

from __future__ import annotations

from typing import Any

from canarium.metrics.promql.ast import (
    AggregateExpr,
    AtModifier,
    BinaryExpr,
    Call,
    DurationExpr,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatching,
    VectorSelector,
)
from canarium.metrics.promql.functions import FUNCTIONS
from canarium.metrics.promql.printer import format_float


def node_type(expr: Expr) -> str:
    """The `type` of a node."""
    match expr:
        case AggregateExpr():
            return "aggregation"
        case SubqueryExpr():
            return "subquery"
        case _:
            name = type(expr).__name__
            return name[0].lower() + name[1:]


def translated(expr: Expr) -> dict[str, Any]:
    """The expression as `parse_query` answers it."""
    kind = {"type": node_type(expr)}
    match expr:
        case AggregateExpr():
            return {
                **kind,
                "op": expr.op,
                "expr": translated(expr.expr),
                "param": None if expr.param is None else translated(expr.param),
                "grouping": expr.grouping,
                "without": expr.without,
            }
        case BinaryExpr():
            return {
                **kind,
                "op": expr.op,
                "lhs": translated(expr.lhs),
                "rhs": translated(expr.rhs),
                "matching": None if expr.matching is None else _matching(expr.matching),
                "bool": expr.return_bool,
            }
        case Call():
            function = FUNCTIONS[expr.func]
            return {
                **kind,
                "func": {
                    "name": function.name,
                    "argTypes": function.arg_types,
                    "variadic": function.variadic,
                    "returnType": function.return_type,
                },
                "args": [translated(arg) for arg in expr.args],
            }
        case MatrixSelector():
            return {
                **kind,
                **_selector(expr.vector_selector),
                "range": expr.range_ms,
                "rangeExpr": _duration(expr.range_expr),
            }
        case SubqueryExpr():
            return {
                **kind,
                "expr": translated(expr.expr),
                "range": expr.range_ms,
                "rangeExpr": _duration(expr.range_expr),
                "step": expr.step_ms,
                "stepExpr": _duration(expr.step_expr),
                **_moment(expr),
            }
        case NumberLiteral():
            return {**kind, "val": format_float(expr.value)}
        case StringLiteral():
            return {**kind, "val": expr.value}
        case ParenExpr():
            return {**kind, "expr": translated(expr.expr)}
        case UnaryExpr():
            return {**kind, "op": expr.op, "expr": translated(expr.expr)}
        case VectorSelector():
            return {**kind, **_selector(expr)}


def _selector(expr: VectorSelector) -> dict[str, Any]:
    return {
        "name": expr.name,
        **_moment(expr),
        "matchers": [{"name": one.name, "value": one.value, "type": one.op} for one in expr.matchers],
        "anchored": expr.extended == "anchored",
        "smoothed": expr.extended == "smoothed",
    }


def _moment(expr: VectorSelector | SubqueryExpr) -> dict[str, Any]:
    at = expr.at or AtModifier(span=expr.span)
    return {
        "offset": expr.offset_ms,
        "offsetExpr": _duration(expr.offset_expr),
        "timestamp": at.timestamp_ms,
        "startOrEnd": at.preprocessor or None,
    }


def _matching(matching: VectorMatching) -> dict[str, Any]:
    return {
        "card": matching.card,
        "labels": matching.labels,
        "on": matching.on,
        "include": matching.include,
        "fillValues": {"lhs": matching.fill_left, "rhs": matching.fill_right},
    }


def _duration(expr: DurationExpr | NumberLiteral | None) -> dict[str, Any] | None:
    match expr:
        case None:
            return None
        case NumberLiteral():
            return {"type": "numberLiteral", "val": format_float(expr.value), "duration": expr.is_duration}
        case DurationExpr():
            return {
                "type": "durationExpr",
                "op": expr.op,
                "lhs": _duration(expr.lhs),
                "rhs": _duration(expr.rhs),
                "wrapped": expr.wrapped,
            }
