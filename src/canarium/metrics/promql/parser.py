"""Text of a PromQL expression to a checked tree.

Owns: the grammar of operators, aggregations and calls, and the entry point. Must not know: samples, storage, time.
Specified by Prometheus 3.x `promql/parser/generated_parser.y` and `parse.go`; `token_reader` says how errors come out
as upstream's.
"""

from __future__ import annotations

from typing import Final, Literal, cast

from msgspec.structs import replace

from canarium.metrics.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Cardinality,
    Expr,
    Matcher,
    NumberLiteral,
    ParenExpr,
    Span,
    StringLiteral,
    UnaryExpr,
    ValueType,
    VectorMatching,
    VectorSelector,
)
from canarium.metrics.promql.errors import ParseError, failure
from canarium.metrics.promql.functions import FUNCTIONS
from canarium.metrics.promql.lexer import (
    AGGREGATORS,
    DURATION,
    EOF,
    IDENTIFIER,
    METRIC_IDENTIFIER,
    NUMBER,
    PREPROCESSORS,
    STRING,
    Token,
    from_bytes,
    to_bytes,
)
from canarium.metrics.promql.quoting import quote, unquote
from canarium.metrics.promql.selector_parser import POSTFIX, SelectorParser
from canarium.metrics.promql.token_reader import NUMBERS, Options
from canarium.metrics.promql.typecheck import SET_OPERATORS, Checker, value_type

__all__ = ["Options", "ParseError", "parse", "value_type"]

_PRECEDENCE: Final = {
    "or": 1,
    "and": 2,
    "unless": 2,
    **dict.fromkeys(("==", "!=", "<=", "<", ">=", ">", "</", ">/"), 3),
    "+": 4,
    "-": 4,
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_POWER: Final = 6

_CALLABLE: Final = PREPROCESSORS | {IDENTIFIER}
_FILLS: Final = frozenset(("fill", "fill_left", "fill_right"))
_BY: Final = frozenset(("by", "without"))
_METRIC: Final = (
    AGGREGATORS
    | PREPROCESSORS
    | _FILLS
    | _BY
    | frozenset((IDENTIFIER, METRIC_IDENTIFIER, "and", "or", "unless", "offset", "anchored", "smoothed"))
)
_LABEL: Final = (_METRIC - {"without"}) | {"bool", "group_left", "group_right", "ignoring", "on", "atan2"}
_EXPR_START: Final = _METRIC | NUMBERS | {STRING, "(", "{", "+", "-"}
_PARAMETRIC: Final = frozenset(("topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"))
_EXPERIMENTAL_AGGREGATORS: Final = frozenset(("limitk", "limit_ratio"))

_ONE_TO_ONE: Final = VectorMatching()

STABLE: Final = Options()
EXPERIMENTAL: Final = Options(functions=True, duration_expressions=True, extended_ranges=True, fill_modifiers=True)


def parse(text: str, *, experimental: bool = False, options: Options | None = None) -> Expr:
    """The tree of a PromQL expression, with its types checked.

    experimental: switches on all experimental parts; `options` chooses among them instead. Positions in the tree are
    byte offsets into the UTF-8 text. Raises ParseError with upstream's message for the first mistake.
    Source: Prometheus 3.x `ParseExpr`.
    """
    data = to_bytes(text)
    parser = _Parser(data, options or (EXPERIMENTAL if experimental else STABLE))
    try:
        expr = parser.start()
        Checker(data, parser.matchings).check(expr)
    except RecursionError:
        # Upstream has no limit; ours keeps a hostile expression from being a crash.
        raise failure(data, 0, len(data), "expression is nested too deeply") from None
    return expr


class _Parser(SelectorParser):
    """Reads expressions."""

    def __init__(self, data: str, options: Options) -> None:
        super().__init__(data, options)
        # What was written at each binary operator; the tree keeps only what has a meaning.
        self.matchings: dict[int, VectorMatching] = {}
        self.types: dict[int, ValueType] = {}

    # Expressions

    def start(self) -> Expr:
        if self.peek().kind == EOF:
            raise failure(self.data, 0, 0, "no expression found in input")
        expr = self.expr(0)
        self.shift(EOF)
        return expr

    def expr(self, least: int) -> Expr:
        """An expression whose operators all bind at least as tightly as `least`."""
        left = self.operand()
        while True:
            op = self.peek()
            precedence = _PRECEDENCE.get(op.kind, -1)
            if precedence < least:
                return left
            self.at += 1
            matching, return_bool = self.binary_modifier()
            right = self.expr(precedence if precedence == _POWER else precedence + 1)
            left = self.binary(left, op.kind, matching, return_bool, right)

    def operand(self) -> Expr:
        token = self.peek()
        kind = token.kind
        if kind not in _EXPR_START:
            self.unexpected(token)
        self.at += 1
        expr: Expr
        if kind in NUMBERS:
            expr = self.number(token)
        elif kind == STRING:
            expr = StringLiteral(span=Span(token.pos, token.end), value=unquote(token.text))
        elif kind == "(":
            inner = self.expr(0)
            expr = ParenExpr(span=Span(token.pos, self.shift(")").end), expr=inner)
        elif kind == "{":
            expr = self.braces("", token.pos)
        elif kind in ("+", "-"):
            return self.unary(token)
        else:
            expr = self.named(token)
        if self.peek().kind in POSTFIX:
            return self.postfix(expr)
        return expr

    def named(self, token: Token) -> Expr:
        """What starts with a name: an aggregation, a call, or a selector."""
        following = self.peek()
        if token.kind in AGGREGATORS:
            if following.kind == "(" or following.kind in _BY:
                return self.aggregation(token)
        elif following.kind == "(" and token.kind in _CALLABLE:
            return self.call(token)
        if following.kind == "{":
            self.at += 1
            return self.braces(token.text, token.pos)
        return VectorSelector(
            span=Span(token.pos, token.end), name=token.text, matchers=(Matcher("__name__", "=", token.text),)
        )

    def unary(self, op: Token) -> Expr:
        operand = self.expr(_POWER)
        if isinstance(operand, NumberLiteral):
            return NumberLiteral(
                span=Span(op.pos, operand.span.end),
                value=-operand.value if op.kind == "-" else operand.value,
                is_duration=operand.is_duration,
            )
        return UnaryExpr(span=Span(op.pos, operand.span.end), op=cast(Literal["+", "-"], op.kind), expr=operand)

    # Binary operators

    def binary_modifier(self) -> tuple[VectorMatching, bool]:
        """`bool`, `on` or `ignoring`, `group_left` or `group_right`, and `fill`, each optional and in this order."""
        kind = self.peek().kind
        return_bool = kind == "bool"
        if return_bool:
            self.at += 1
            kind = self.peek().kind
        if kind in ("on", "ignoring"):
            self.at += 1
            on = kind == "on"
            labels = self.grouping_labels()
            card = Cardinality.ONE_TO_ONE
            include: tuple[str, ...] = ()
            kind = self.peek().kind
            if kind in ("group_left", "group_right"):
                self.at += 1
                card = Cardinality.MANY_TO_ONE if kind == "group_left" else Cardinality.ONE_TO_MANY
                kind = self.peek().kind
                if kind == "(" or kind not in _EXPR_START:
                    include = self.grouping_labels()
                    kind = self.peek().kind
            matching = VectorMatching(card=card, labels=labels, on=on, include=include)
        else:
            matching = _ONE_TO_ONE
        if kind in _FILLS:
            self.at += 1
            value = self.fill_value()
            if kind == "fill":
                return replace(matching, fill_left=value, fill_right=value), return_bool
            other = "fill_right" if kind == "fill_left" else "fill_left"
            both = {kind: value}
            if self.peek().kind == other:
                self.at += 1
                both[other] = self.fill_value()
            matching = replace(matching, fill_left=both.get("fill_left"), fill_right=both.get("fill_right"))
        return matching, return_bool

    def fill_value(self) -> float:
        self.shift("(")
        sign = self.shift("+", "-", NUMBER, DURATION)
        if sign.kind in NUMBERS:
            value = self.number(sign).value
        else:
            value = self.number(self.shift(NUMBER, DURATION)).value
            value = -value if sign.kind == "-" else value
        self.shift(")")
        return value

    def binary(self, lhs: Expr, op: str, matching: VectorMatching, return_bool: bool, rhs: Expr) -> BinaryExpr:
        span = Span(lhs.span.start, rhs.span.end)
        has_fill = matching.fill_left is not None or matching.fill_right is not None
        if has_fill and not self.options.fill_modifiers:
            raise self.wrong_at(span, "binop fill modifiers are experimental and not enabled")
        left, right = self.type_of(lhs), self.type_of(rhs)
        kept: VectorMatching | None = None
        if left is ValueType.VECTOR and right is ValueType.VECTOR:
            kept = matching
            if op in SET_OPERATORS and matching.card is Cardinality.ONE_TO_ONE:
                kept = replace(matching, card=Cardinality.MANY_TO_MANY)
        expr = BinaryExpr(span=span, op=op, lhs=lhs, rhs=rhs, matching=kept, return_bool=return_bool)
        self.matchings[id(expr)] = matching
        self.types[id(expr)] = ValueType.SCALAR if left is right is ValueType.SCALAR else ValueType.VECTOR
        return expr

    def type_of(self, expr: Expr) -> ValueType:
        """As `value_type`, without walking long chains of operators again and again."""
        return self.types.get(id(expr)) or value_type(expr)

    # Aggregations and calls

    def aggregation(self, op: Token) -> AggregateExpr:
        outer, self.recovery = self.recovery, ("aggregation", "")
        by: str | None = None
        grouping: tuple[str, ...] = ()
        if self.peek().kind in _BY:
            by = self.shift(*_BY).kind
            grouping = self.grouping_labels()
            args = self.arguments()
            end = self.last_closing
        else:
            args = self.arguments()
            if self.peek().kind in _BY:
                by = self.shift(*_BY).kind
                grouping = self.grouping_labels()
                end = self.last_closing
            else:
                end = self.end_before_lookahead()
        self.recovery = outer

        span, name = Span(op.pos, end), op.kind
        if not args:
            raise self.wrong_at(span, "no arguments for aggregate expression provided")
        if name in _EXPERIMENTAL_AGGREGATORS and not self.options.functions:
            raise self.wrong_at(
                span,
                f"{name}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
            )
        wanted = 2 if name in _PARAMETRIC else 1
        if len(args) != wanted:
            raise self.wrong_at(
                span,
                f"wrong number of arguments for aggregate expression provided, expected {wanted}, got {len(args)}",
            )
        param = args[0] if wanted == 2 else None
        return AggregateExpr(span=span, op=name, expr=args[-1], param=param, grouping=grouping, without=by == "without")

    def end_before_lookahead(self) -> int:
        """The end of an aggregation's own parenthesis, although the next token was already read.

        Upstream looks back from a `)` over spaces for another one, and else takes the end of the token it read.
        """
        token = self.tokens[self.at]
        if token.kind == ")":
            before = self.data[: token.pos].rstrip(" \t\r\n")
            if before.endswith(")"):
                return len(before)
        return self.last_closing

    def call(self, name: Token) -> Call:
        args = self.arguments()
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise self.wrong(name, f"unknown function with name {quote(from_bytes(name.text))}")
        if function.experimental and not self.options.functions:
            raise self.wrong(name, f"function {quote(name.text)} is not enabled")
        return Call(span=Span(name.pos, self.last_closing), func=name.text, args=args)

    def arguments(self) -> tuple[Expr, ...]:
        self.shift("(")
        if self.peek().kind == ")":
            self.at += 1
            return ()
        args = [self.expr(0)]
        while True:
            separator = self.shift(",", ")")
            if separator.kind == ")":
                return tuple(args)
            if self.peek().kind not in _EXPR_START:
                raise self.wrong(separator, "trailing commas not allowed in function call args")
            args.append(self.expr(0))

    def grouping_labels(self) -> tuple[str, ...]:
        outer, self.recovery = self.recovery, ("grouping opts", '"("')
        self.shift("(")
        labels: list[str] = []
        while True:
            self.recovery = ("grouping opts", "label")
            token = self.peek()
            if token.kind == ")":
                self.at += 1
                break
            if token.kind == STRING:
                label = unquote(token.text)
            elif token.kind in _LABEL:
                label = token.text
            else:
                self.unexpected(token)
            self.at += 1
            if not label or not _is_utf8(label):
                raise self.wrong(token, f"invalid label name for grouping: {quote(label)}")
            labels.append(label)
            self.recovery = ("grouping opts", '"," or ")"')
            if self.shift(",", ")").kind == ")":
                break
        self.recovery = outer
        return tuple(labels)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
