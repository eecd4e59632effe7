"""Our trees against those of promql-parser, an independent port of Prometheus' parser to Rust."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import promql_parser
from hypothesis import assume, given, settings

from canarium.metrics.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)
from tests.metrics.promql.expressions import accepted, expressions

OPS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


def milliseconds(duration: timedelta | None) -> int:
    return round(duration / timedelta(milliseconds=1)) if duration is not None else 0


def ours(expr: Expr) -> object:
    """The shape of our tree: what both parsers tell about an expression."""
    match expr:
        case NumberLiteral() | StringLiteral():
            return repr(expr.value)
        case VectorSelector():
            matchers = sorted((m.name, m.op, m.value) for m in expr.matchers if m.name != "__name__")
            return ("selector", expr.name, matchers, expr.offset_ms, expr.at is not None)
        case MatrixSelector():
            return ("range", ours(expr.vector_selector), expr.range_ms)
        case SubqueryExpr():
            return ("subquery", ours(expr.expr), expr.range_ms, expr.step_ms, expr.offset_ms, expr.at is not None)
        case Call():
            return (expr.func, [ours(arg) for arg in expr.args])
        case AggregateExpr():
            return (expr.op, expr.grouping, expr.without, expr.param and ours(expr.param), ours(expr.expr))
        case BinaryExpr():
            return (expr.op, ours(expr.lhs), ours(expr.rhs))
        case ParenExpr():
            return ("paren", ours(expr.expr))
        case UnaryExpr():
            # promql-parser drops a plus.
            return ("minus", ours(expr.expr)) if expr.op == "-" else ours(expr.expr)


def theirs(expr: Any) -> object:
    match type(expr).__name__:
        case "NumberLiteral" | "StringLiteral":
            return repr(expr.val)
        case "VectorSelector":
            matchers = sorted((m.name, OPS[str(m.op)], m.value) for m in expr.matchers.matchers)
            return ("selector", expr.name or "", matchers, milliseconds(expr.offset), expr.at is not None)
        case "MatrixSelector":
            return ("range", theirs(expr.vector_selector), milliseconds(expr.range))
        case "SubqueryExpr":
            suffix = (milliseconds(expr.range), milliseconds(expr.step), milliseconds(expr.offset), expr.at is not None)
            return ("subquery", theirs(expr.expr), *suffix)
        case "Call":
            return (expr.func.name, [theirs(arg) for arg in expr.args])
        case "AggregateExpr":
            grouping = tuple(expr.modifier.labels) if expr.modifier else ()
            without = expr.modifier is not None and str(expr.modifier.type) == "AggModifierType.Without"
            return (str(expr.op), grouping, without, expr.param and theirs(expr.param), theirs(expr.expr))
        case "BinaryExpr":
            return (str(expr.op), theirs(expr.lhs), theirs(expr.rhs))
        case "ParenExpr":
            return ("paren", theirs(expr.expr))
        case "UnaryExpr":
            return ("minus", theirs(expr.expr))
        case kind:
            raise AssertionError(f"promql-parser has a node we do not know: {kind}")


@settings(max_examples=100, deadline=None)
@given(expressions)
def test_both_parsers_see_the_same_tree(text: str) -> None:
    expr = accepted(text)
    try:
        peer = promql_parser.parse(text)
    except ValueError:
        assume(False)  # for one, it does not know `1_000`

    assert ours(expr) == theirs(peer)
