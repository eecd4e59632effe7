"""Which expressions have the same answer at every step of a range query.

Owns: that question. Must not know: samples. Source: Prometheus 3.x `preprocessExprHelper`.
"""

from __future__ import annotations

from typing import Final

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

# Functions that look at the time of the step, whatever their arguments.
_UNSAFE: Final = frozenset(
    {
        *("days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"),
        *("predict_linear", "time", "timestamp"),
    }
)


def is_step_invariant(expr: Expr) -> bool:
    """Whether all that the expression looks at is fixed by @ modifiers or literal."""
    match expr:
        case NumberLiteral() | StringLiteral():
            return True
        case VectorSelector():
            return expr.at is not None
        case MatrixSelector():
            return expr.vector_selector.at is not None
        case SubqueryExpr():
            return expr.at is not None
        case ParenExpr() | UnaryExpr() | AggregateExpr():
            return is_step_invariant(expr.expr)
        case BinaryExpr():
            return is_step_invariant(expr.lhs) and is_step_invariant(expr.rhs)
        case Call():
            if expr.func in _UNSAFE:
                is_selector = len(expr.args) == 1 and isinstance(expr.args[0], VectorSelector)
                return expr.func == "timestamp" and is_selector and is_step_invariant(expr.args[0])
            return all(is_step_invariant(arg) for arg in expr.args)
