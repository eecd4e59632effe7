"""Selectors: matchers in braces, and the ranges, offsets and other modifiers behind an expression.

Owns: their grammar and which of them go together. Must not know: operators, calls.
Specified by Prometheus 3.x `promql/parser/generated_parser.y` and `parse.go`.
"""

from __future__ import annotations

import math
from typing import Final, Literal, cast

from msgspec.structs import replace

from canarium.metrics.promql.ast import (
    AtModifier,
    DurationExpr,
    Expr,
    Matcher,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    Span,
    SubqueryExpr,
    VectorSelector,
)
from canarium.metrics.promql.duration_parser import DurationParser, milliseconds, nearest
from canarium.metrics.promql.errors import failure
from canarium.metrics.promql.lexer import DURATION, IDENTIFIER, NUMBER, STRING, Token
from canarium.metrics.promql.quoting import unquote
from canarium.metrics.promql.regex import complaint
from canarium.metrics.promql.token_reader import NUMBERS, Options

POSTFIX: Final = frozenset(("[", "offset", "@", "anchored", "smoothed"))
_MATCH_OPS: Final = frozenset(("=", "!=", "=~", "!~"))


class SelectorParser(DurationParser):
    """Reads what makes an expression a selector."""

    def __init__(self, data: str, options: Options) -> None:
        super().__init__(data, options)
        self.offset_is_set = False

    def braces(self, name: str, start: int) -> VectorSelector:
        outer = self.recovery
        matchers: list[Matcher] = []
        while True:
            self.recovery = ("label matching", 'identifier or "}"')
            token = self.shift("}", IDENTIFIER, STRING)
            if token.kind == "}":
                break
            matchers.append(self.matcher(token))
            self.recovery = ("label matching", '"," or "}"')
            token = self.shift("}", ",")
            if token.kind == "}":
                break
        self.recovery = outer
        if name:
            matchers.append(Matcher("__name__", "=", name))
        return VectorSelector(span=Span(start, token.end), name=name, matchers=tuple(matchers))

    def matcher(self, label: Token) -> Matcher:
        op = self.peek()
        if label.kind == STRING:
            name = unquote(label.text)
            if op.kind not in _MATCH_OPS:
                return Matcher("__name__", "=", name)
        else:
            name = label.text
            if op.kind not in _MATCH_OPS:
                self.recovery = ("label matching", "label matching operator")
                self.unexpected(op)
        self.at += 1
        self.recovery = ("label matching", "string")
        literal = self.shift(STRING)
        value = unquote(literal.text)
        if op.kind in ("=~", "!~") and (problem := complaint(value)):
            raise failure(self.data, label.pos, literal.end, problem)
        return Matcher(name, cast(MatchOp, op.kind), value)

    def postfix(self, expr: Expr) -> Expr:
        """Ranges, subqueries, offsets and other modifiers, which bind tighter than any operator."""
        has_offset = False
        while True:
            token = self.peek()
            match token.kind:
                case "[":
                    self.at += 1
                    expr = self.bracket(token, expr, has_offset)
                    if isinstance(expr, SubqueryExpr):
                        has_offset = False
                case "offset":
                    self.at += 1
                    expr = self.offset(expr, has_offset)
                    # An offset of zero may be followed by another.
                    has_offset = self.offset_is_set
                case "@":
                    self.at += 1
                    expr = self.at_modifier(expr)
                case "anchored" | "smoothed":
                    self.at += 1
                    expr = self.extended(expr, token.kind)
                case _:
                    return expr

    def bracket(self, opening: Token, expr: Expr, has_offset: bool) -> Expr:
        outer = self.recovery
        self.recovery = ("subquery or range selector", "number, duration, step(), or range()")
        range_ms, range_expr = self.positive_duration()
        self.recovery = ("subquery or range", '":" or "]"')
        token = self.shift(":", "]")
        if token.kind == "]":
            self.recovery = outer
            return self.matrix(opening, token, expr, has_offset, range_ms, range_expr)
        self.recovery = ("subquery selector", 'number, duration, step(), range(), or "]"')
        step_ms, step_expr = 0, None
        if self.peek().kind != "]":
            step_ms, step_expr = self.positive_duration()
            self.recovery = ("subquery selector", '"]"')
        end = self.shift("]").end
        self.recovery = outer
        return SubqueryExpr(
            span=Span(expr.span.start, end),
            expr=expr,
            range_ms=range_ms,
            step_ms=step_ms,
            range_expr=range_expr,
            step_expr=step_expr,
        )

    def matrix(
        self,
        opening: Token,
        closing: Token,
        expr: Expr,
        has_offset: bool,
        range_ms: int,
        range_expr: DurationExpr | None,
    ) -> MatrixSelector:
        problem = ""
        if not isinstance(expr, VectorSelector):
            problem = "ranges only allowed for vector selectors"
        elif has_offset:
            problem = "no offset modifiers allowed before range"
        elif expr.at is not None:
            problem = "no @ modifiers allowed before range"
        if problem or not isinstance(expr, VectorSelector):
            raise failure(self.data, opening.pos, closing.end, problem)
        return MatrixSelector(
            span=Span(expr.span.start, closing.end), vector_selector=expr, range_ms=range_ms, range_expr=range_expr
        )

    def extended(self, expr: Expr, kind: str) -> Expr:
        if not self.options.extended_ranges:
            raise self.wrong_at(expr.span, f"{kind} modifier is experimental and not enabled")
        if isinstance(expr, SubqueryExpr):
            raise self.wrong_at(expr.span, f"{kind} modifier is not supported for subqueries")
        if not isinstance(expr, VectorSelector | MatrixSelector):
            raise self.wrong_at(expr.span, f"{kind} modifier not implemented")
        selector = expr.vector_selector if isinstance(expr, MatrixSelector) else expr
        if selector.extended not in ("", kind):
            raise self.wrong_at(expr.span, "anchored and smoothed modifiers cannot be used together")
        selector = replace(selector, extended=cast(Literal["anchored", "smoothed"], kind))
        return replace(expr, vector_selector=selector) if isinstance(expr, MatrixSelector) else selector

    def at_modifier(self, expr: Expr) -> Expr:
        outer, self.recovery = self.recovery, ("@", "timestamp")
        token = self.shift("+", "-", NUMBER, DURATION, "start", "end")
        if token.kind in ("start", "end"):
            self.shift("(")
            self.shift(")")
            modifier = AtModifier(
                span=Span(token.pos, self.last_closing), preprocessor=cast(Literal["start", "end"], token.kind)
            )
        else:
            number = token if token.kind in NUMBERS else self.shift(NUMBER, DURATION)
            seconds = self.number(number).value
            if token.kind == "-":
                seconds = -seconds
            if not -(2.0**63) < seconds < 2.0**63:
                shown = {math.inf: "+Inf", -math.inf: "-Inf"}.get(seconds, f"{seconds:f}")
                shown = "NaN" if math.isnan(seconds) else shown
                raise self.wrong_at(expr.span, f"timestamp out of bounds for @ modifier: {shown}")
            modifier = AtModifier(span=Span(token.pos, number.end), timestamp_ms=nearest(seconds * 1000))
        self.recovery = outer

        if not isinstance(expr, VectorSelector | MatrixSelector | SubqueryExpr):
            raise self.wrong_at(
                expr.span,
                "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
            )
        holder = expr.vector_selector if isinstance(expr, MatrixSelector) else expr
        if holder.at is not None:
            raise self.wrong_at(expr.span, "@ <timestamp> may not be set multiple times")
        span = Span(expr.span.start, self.last_closing)
        if isinstance(expr, MatrixSelector):
            return replace(expr, span=span, vector_selector=replace(expr.vector_selector, at=modifier))
        return replace(expr, span=span, at=modifier)

    def offset(self, expr: Expr, has_offset: bool) -> Expr:
        outer, self.recovery = self.recovery, ("offset", "number, duration, step(), or range()")
        duration = self.offset_duration()
        self.recovery = outer

        if not isinstance(expr, VectorSelector | MatrixSelector | SubqueryExpr):
            raise self.wrong_at(
                expr.span,
                "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
            )
        if has_offset:
            raise self.wrong_at(expr.span, "offset may not be set multiple times")
        offset_ms, offset_expr = 0, None
        if isinstance(duration, NumberLiteral):
            nanoseconds = nearest(duration.value * 1e9)
            self.offset_is_set = nanoseconds != 0
            offset_ms = milliseconds(nanoseconds)
        else:
            self.offset_is_set = True
            offset_expr = duration
        span = Span(expr.span.start, self.last_closing)
        if isinstance(expr, MatrixSelector):
            selector = replace(expr.vector_selector, offset_ms=offset_ms, offset_expr=offset_expr)
            return replace(expr, span=span, vector_selector=selector)
        return replace(expr, span=span, offset_ms=offset_ms, offset_expr=offset_expr)
