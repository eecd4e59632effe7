"""A PromQL tree back to text.

Owns: the canonical form of expressions, on one line or prettified. Must not know: the text they came from.
Specified by Prometheus 3.x `promql/parser/printer.go` and `prettier.go`, which the API's `format_query` uses.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

from canarium.metrics.promql.ast import (
    AggregateExpr,
    AtModifier,
    BinaryExpr,
    Call,
    Cardinality,
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
from canarium.metrics.promql.quoting import quote

_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*").fullmatch
_MAX_LINE = 100
_INDENT = "  "
_EXACT_UNITS = (("y", 365 * 86_400_000), ("w", 7 * 86_400_000))
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def format_expr(expr: Expr | DurationExpr) -> str:
    """The expression on one line, as upstream's `String()`; parsing it gives the same tree but for positions."""
    match expr:
        case NumberLiteral():
            return _number_literal(expr)
        case StringLiteral():
            return quote(expr.value)
        case VectorSelector():
            at, offset = _at_offset(expr)
            return _name_and_matchers(expr) + at + _extended(expr) + offset
        case MatrixSelector():
            selector = expr.vector_selector
            at, offset = _at_offset(selector)
            return f"{_name_and_matchers(selector)}{_range(expr)}{_extended(selector)}{at}{offset}"
        case Call():
            return f"{expr.func}({', '.join(map(format_expr, expr.args))})"
        case AggregateExpr():
            param = "" if expr.param is None else format_expr(expr.param) + ", "
            return f"{_aggregation_head(expr)}({param}{format_expr(expr.expr)})"
        case BinaryExpr() | SubqueryExpr():
            # Chains of them lean left and may be too long to recurse into.
            tail: list[str] = []
            left: Expr = expr
            while isinstance(left, BinaryExpr | SubqueryExpr):
                if isinstance(left, BinaryExpr):
                    tail.append(f" {_operator(left)} {format_expr(left.rhs)}")
                    left = left.lhs
                else:
                    tail.append(_subquery_suffix(left))
                    left = left.expr
            return format_expr(left) + "".join(reversed(tail))
        case UnaryExpr():
            return expr.op + format_expr(expr.expr)
        case ParenExpr():
            return f"({format_expr(expr.expr)})"
        case DurationExpr():
            return _duration_expression(expr)


def format_pretty(expr: Expr) -> str:
    """The expression with whatever is longer than 100 characters split over indented lines: upstream's `Pretty`."""
    return _pretty(expr, 0)


def _pretty(expr: Expr, level: int) -> str:
    indent = _INDENT * level
    if isinstance(expr, UnaryExpr):
        return f"{indent}{expr.op}{_pretty(expr.expr, level).strip()}"
    line = format_expr(expr)
    # Lengths are of the UTF-8 text, and a subquery that fits is not indented: both as upstream has it.
    if len(line.encode("utf-8", "surrogateescape")) <= _MAX_LINE:
        return line if isinstance(expr, SubqueryExpr) else indent + line
    match expr:
        case AggregateExpr():
            param = "" if expr.param is None else _pretty(expr.param, level + 1) + ",\n"
            return f"{indent}{_aggregation_head(expr)}(\n{param}{_pretty(expr.expr, level + 1)}\n{indent})"
        case BinaryExpr():
            left, right = _pretty(expr.lhs, level + 1), _pretty(expr.rhs, level + 1)
            return f"{left}\n{indent}{_operator(expr)}\n{right}"
        case Call():
            args = ",\n".join(_pretty(arg, level + 1) for arg in expr.args)
            return f"{indent}{expr.func}(\n{args}\n{indent})"
        case ParenExpr():
            return f"{indent}(\n{_pretty(expr.expr, level + 1)}\n{indent})"
        case SubqueryExpr():
            return _pretty(expr.expr, level) + _subquery_suffix(expr)
        case _:
            return indent + line


def format_duration(milliseconds: int) -> str:
    """Milliseconds as Prometheus writes a duration: `1h30m`; years and weeks only when nothing is left over."""
    if milliseconds == 0:
        return "0s"
    rest = abs(milliseconds)
    parts = ["-" if milliseconds < 0 else ""]
    for unit, size in _EXACT_UNITS:
        if rest and rest % size == 0:
            parts.append(f"{rest // size}{unit}")
            rest = 0
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def format_float(value: float) -> str:
    """A number with as many digits as it needs and no exponent, as Go's `FormatFloat(v, 'f', -1, 64)`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = f"{Decimal(text):f}"
    return text.removesuffix(".0")


def _number_literal(expr: NumberLiteral) -> str:
    if expr.is_duration:
        return format_duration(int(expr.value * 1e9 / 1e6))
    return format_float(expr.value)


def _name_and_matchers(expr: VectorSelector) -> str:
    shown = [
        f"{_label(matcher.name)}{matcher.op}{quote(matcher.value)}"
        for matcher in expr.matchers
        if not (matcher.name == "__name__" and matcher.op == "=" and matcher.value == expr.name != "")
    ]
    # Upstream sorts the printed matchers by their bytes.
    shown.sort(key=lambda text: text.encode("utf-8", "surrogateescape"))
    return expr.name + ("{" + ",".join(shown) + "}" if shown else "")


def _label(name: str) -> str:
    return name if _PLAIN_LABEL(name) else quote(name)


def _labels(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(map(_label, names)) + ")"


def _at_offset(expr: VectorSelector | SubqueryExpr) -> tuple[str, str]:
    at = f" @ {_at(expr.at)}" if expr.at is not None else ""
    if expr.offset_expr is not None:
        return at, f" offset {_duration_expression(expr.offset_expr)}"
    if expr.offset_ms:
        return at, f" offset {format_duration(expr.offset_ms)}"
    return at, ""


def _at(modifier: AtModifier) -> str:
    if modifier.preprocessor:
        return f"{modifier.preprocessor}()"
    return f"{(modifier.timestamp_ms or 0) / 1000:.3f}"


def _extended(expr: VectorSelector) -> str:
    return f" {expr.extended}" if expr.extended else ""


def _range(expr: MatrixSelector | SubqueryExpr) -> str:
    shown = format_duration(expr.range_ms) if expr.range_expr is None else _duration_expression(expr.range_expr)
    return f"[{shown}]" if isinstance(expr, MatrixSelector) else shown


def _subquery_suffix(expr: SubqueryExpr) -> str:
    step = format_duration(expr.step_ms) if expr.step_ms else ""
    if expr.step_expr is not None:
        step = _duration_expression(expr.step_expr)
    at, offset = _at_offset(expr)
    return f"[{_range(expr)}:{step}]{at}{offset}"


def _aggregation_head(expr: AggregateExpr) -> str:
    if expr.without:
        return f"{expr.op} without {_labels(expr.grouping)} "
    return f"{expr.op} by {_labels(expr.grouping)} " if expr.grouping else expr.op


def _operator(expr: BinaryExpr) -> str:
    shown = expr.op + (" bool" if expr.return_bool else "")
    return shown if expr.matching is None else shown + _matching(expr.matching)


def _matching(matching: VectorMatching) -> str:
    shown = ""
    is_grouped = matching.card in (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY)
    if matching.labels or matching.on or is_grouped:
        shown = f" {'on' if matching.on else 'ignoring'} {_labels(matching.labels)}"
    if is_grouped:
        side = "left" if matching.card is Cardinality.MANY_TO_ONE else "right"
        shown += f" group_{side} {_labels(matching.include)}"
    left, right = matching.fill_left, matching.fill_right
    if left is not None and left == right:
        return shown + f" fill ({_shortest(left)})"
    if left is not None:
        shown += f" fill_left ({_shortest(left)})"
    if right is not None:
        shown += f" fill_right ({_shortest(right)})"
    return shown


def _shortest(value: float) -> str:
    """As Go's `%v`: the shortest text that reads back, with an exponent when that is below -4 or above 20."""
    if not math.isfinite(value) or value == 0:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else format_float(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    power = len(digits) - 1 + exponent
    if -4 <= power < 21:
        return format_float(value)
    mantissa = "".join(map(str, digits))
    mantissa = mantissa[0] + ("." + mantissa[1:] if len(mantissa) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _duration_expression(expr: NumberLiteral | DurationExpr) -> str:
    if isinstance(expr, NumberLiteral):
        return _number_literal(expr)
    if expr.op in ("step", "range"):
        shown = f"{expr.op}()"
    elif expr.lhs is None:
        # A unary plus only carries the parentheses around a literal.
        shown = _operand(expr.rhs) if expr.op == "+" else expr.op + _operand(expr.rhs)
    elif expr.op in ("min_of", "max_of"):
        shown = f"{expr.op}({_operand(expr.lhs)}, {_operand(expr.rhs)})"
    else:
        shown = f"{_operand(expr.lhs)} {expr.op} {_operand(expr.rhs)}"
    return f"({shown})" if expr.wrapped else shown


def _operand(expr: NumberLiteral | DurationExpr | None) -> str:
    assert expr is not None, "only step() and range() lack operands"
    return _duration_expression(expr)
