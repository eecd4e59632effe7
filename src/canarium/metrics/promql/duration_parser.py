"""Durations: behind `offset`, and in the brackets of ranges and subqueries.

Owns: the grammar of duration literals and expressions. Must not know: what has the duration.
Specified by `duration_expr` and `offset_duration_expr` in Prometheus 3.x `promql/parser/generated_parser.y`.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias, TypeVar

from msgspec.structs import replace

from canarium.metrics.promql.ast import DurationExpr, NumberLiteral, Span
from canarium.metrics.promql.lexer import DURATION, DURATION_WORDS, NUMBER, Token
from canarium.metrics.promql.token_reader import NUMBERS, TokenReader

_PRECEDENCE: Final = {"+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6}
_POWER: Final = 6

Duration: TypeAlias = NumberLiteral | DurationExpr
_D = TypeVar("_D", NumberLiteral, DurationExpr, NumberLiteral | DurationExpr)


class DurationParser(TokenReader):
    """Reads durations."""

    def positive_duration(self) -> tuple[int, DurationExpr | None]:
        """A range or step: milliseconds, or 0 and the expression that gives them."""
        duration = self.duration(0)
        if isinstance(duration, DurationExpr):
            return 0, duration
        # Written so that NaN passes, as it does upstream.
        if duration.value <= 0:
            raise self.wrong_at(duration.span, "duration must be greater than 0")
        return milliseconds(nearest(duration.value * 1e9)), None

    def offset_duration(self) -> Duration:
        """What may follow `offset`: without parentheses it ends before an operator, so `a offset -2^2` is a power."""
        token = self.peek()
        if token.kind in NUMBERS:
            return self.duration_literal()
        if token.kind in ("+", "-"):
            self.at += 1
            inner = self.peek()
            if inner.kind in NUMBERS:
                self.at += 1
                return self.signed(token, self.number(inner), wrapped=False)
            if inner.kind == "(":
                self.at += 1
                duration = self.duration(0)
                self.shift(")")
                return self.signed(token, duration, wrapped=True)
            if inner.kind in DURATION_WORDS:
                duration = self.duration_call(checked=False)
                span = Span(token.pos, duration.span.end)
                return self.experimental(DurationExpr(span=span, op=token.kind, rhs=duration), span)
            return self.duration_operators(self.signed(token, self.duration(_POWER), wrapped=False), 0)
        if token.kind in DURATION_WORDS:
            return self.duration_call()
        return self.duration(0)

    def duration(self, least: int) -> Duration:
        token = self.peek()
        left: Duration
        if token.kind in NUMBERS:
            left = self.duration_literal()
        elif token.kind in ("+", "-"):
            self.at += 1
            left = self.signed(token, self.duration(_POWER), wrapped=False)
        elif token.kind in DURATION_WORDS:
            left = self.duration_call()
        else:
            self.shift("(")
            inner = self.duration(0)
            self.shift(")")
            self.experimental(inner, inner.span)
            left = _wrapped(inner, token.pos)
        return self.duration_operators(left, least)

    def duration_operators(self, left: Duration, least: int) -> Duration:
        while True:
            op = self.peek()
            precedence = _PRECEDENCE.get(op.kind, -1)
            if precedence < least:
                return left
            self.at += 1
            right = self.duration(precedence if precedence == _POWER else precedence + 1)
            self.experimental(left, left.span)
            if op.kind in ("/", "%") and isinstance(right, NumberLiteral) and right.value == 0:
                raise self.wrong(op, "division by zero" if op.kind == "/" else "modulo by zero")
            left = DurationExpr(span=Span(left.span.start, right.span.end), op=op.kind, lhs=left, rhs=right)

    def duration_literal(self) -> NumberLiteral:
        literal = self.number(self.shift(NUMBER, DURATION))
        if _out_of_range(literal.value):
            raise self.wrong_at(literal.span, "duration out of range")
        return literal

    def duration_call(self, *, checked: bool = True) -> DurationExpr:
        """`step()`, `range()`, `min_of(a, b)` or `max_of(a, b)`."""
        name = self.shift(*DURATION_WORDS)
        self.shift("(")
        if name.kind in ("step", "range"):
            span = Span(name.pos, self.shift(")").end)
            call = DurationExpr(span=span, op=name.kind)
        else:
            lhs = self.duration(0)
            self.shift(",")
            rhs = self.duration(0)
            self.shift(")")
            # Upstream gives such a node the place of its arguments only.
            span = Span(lhs.span.start, rhs.span.end)
            call = DurationExpr(span=span, op=name.kind, lhs=lhs, rhs=rhs)
        return self.experimental(call, span) if checked else call

    def signed(self, op: Token, duration: Duration, *, wrapped: bool) -> Duration:
        if wrapped:
            duration = _wrapped(duration, duration.span.start)
        if isinstance(duration, DurationExpr):
            if op.kind == "+":
                return duration
            return DurationExpr(span=Span(op.pos, duration.span.end), op="-", rhs=duration)
        value = -duration.value if op.kind == "-" else duration.value
        if _out_of_range(value):
            raise self.wrong(op, "duration out of range")
        return NumberLiteral(span=Span(op.pos, duration.span.end), value=value, is_duration=duration.is_duration)

    def experimental(self, duration: _D, span: Span) -> _D:
        if not self.options.duration_expressions:
            raise self.wrong_at(span, "experimental duration expression is not enabled")
        return duration


def _wrapped(duration: Duration, start: int) -> DurationExpr:
    """The duration marked as written in parentheses; a literal, which has no mark, goes into a unary plus."""
    if isinstance(duration, DurationExpr):
        return replace(duration, wrapped=True)
    return DurationExpr(span=Span(start, duration.span.end), op="+", rhs=duration, wrapped=True)


def _out_of_range(seconds: float) -> bool:
    """Whether that many seconds overflow 64 bits of nanoseconds."""
    return seconds > 2**63 / 1e9 or seconds < -(2**63) / 1e9


def nearest(value: float) -> int:
    """The nearest integer, halves away from zero, as Go rounds; what 64 bits cannot hold is their least number."""
    if not -(2.0**63) <= value < 2.0**63:
        return -(2**63)
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def milliseconds(nanoseconds: int) -> int:
    """Whole milliseconds, towards zero as Go divides."""
    return int(math.copysign(abs(nanoseconds) // 1_000_000, nanoseconds))
