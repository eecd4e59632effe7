"""Whether the parts of a PromQL expression fit together.

Owns: the types of expressions and the rules about arguments, operands and matchers. Must not know: grammar, samples.
Specified by Prometheus 3.x `checkAST` in `promql/parser/parse.go`, whose order decides which error comes first.
"""

from __future__ import annotations

from collections.abc import Mapping

from canarium.metrics.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Cardinality,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    ValueType,
    VectorMatching,
    VectorSelector,
)
from canarium.metrics.promql.errors import ParseError, failure
from canarium.metrics.promql.functions import FUNCTIONS
from canarium.metrics.promql.quoting import quote
from canarium.metrics.promql.regex import matches_empty

COMPARISONS = frozenset(("==", "!=", "<=", "<", ">=", ">"))
SET_OPERATORS = frozenset(("and", "or", "unless"))
_SCALAR, _VECTOR, _MATRIX, _STRING = ValueType.SCALAR, ValueType.VECTOR, ValueType.MATRIX, ValueType.STRING
_DOCUMENTED = {_VECTOR: "instant vector", _MATRIX: "range vector"}


def value_type(expr: Expr) -> ValueType:
    """What the expression evaluates to."""
    while True:
        match expr:
            case VectorSelector() | AggregateExpr():
                return _VECTOR
            case MatrixSelector() | SubqueryExpr():
                return _MATRIX
            case NumberLiteral():
                return _SCALAR
            case StringLiteral():
                return _STRING
            case Call():
                return FUNCTIONS[expr.func].return_type
            case ParenExpr() | UnaryExpr():
                expr = expr.expr
            case BinaryExpr():
                # Operands that are not both scalars give a vector, and the right one is the shallow one.
                if value_type(expr.rhs) is not _SCALAR:
                    return _VECTOR
                expr = expr.lhs
                if isinstance(expr, BinaryExpr):
                    continue
                return _SCALAR if value_type(expr) is _SCALAR else _VECTOR


def _named(kind: ValueType) -> str:
    return _DOCUMENTED.get(kind, kind.value)


class Checker:
    """Checks one tree. data: the text, one character per byte. matchings: what was written at each binary operator."""

    def __init__(self, data: str, matchings: Mapping[int, VectorMatching]) -> None:
        self.data = data
        self.matchings = matchings

    def error(self, expr: Expr, reason: str) -> ParseError:
        return failure(self.data, expr.span.start, expr.span.end, reason)

    def check(self, expr: Expr) -> ValueType:
        """Raise ParseError for the first thing that does not fit; return the expression's type."""
        match expr:
            case VectorSelector():
                self.selector(expr, needs_matcher=True)
                return _VECTOR
            case MatrixSelector():
                self.selector(expr.vector_selector, needs_matcher=True)
                return _MATRIX
            case NumberLiteral():
                return _SCALAR
            case StringLiteral():
                return _STRING
            case Call():
                self.call(expr)
                return FUNCTIONS[expr.func].return_type
            case AggregateExpr():
                self.aggregation(expr)
                return _VECTOR
            case ParenExpr() | UnaryExpr() | SubqueryExpr() | BinaryExpr():
                return self.chain(expr)

    def chain(self, expr: ParenExpr | UnaryExpr | SubqueryExpr | BinaryExpr) -> ValueType:
        """Check what wraps an expression or continues it to the right, innermost first.

        `a + b + c ...` and `a[1m:][1m:]...` may be too long to recurse into.
        """
        spine = [expr]
        while True:
            inner = expr.lhs if isinstance(expr, BinaryExpr) else expr.expr
            if not isinstance(inner, ParenExpr | UnaryExpr | SubqueryExpr | BinaryExpr):
                break
            expr = inner
            spine.append(expr)
        kind = self.check(inner)
        for node in reversed(spine):
            match node:
                case BinaryExpr():
                    kind = self.binary(node, kind, self.check(node.rhs))
                case UnaryExpr() if kind not in (_SCALAR, _VECTOR):
                    raise self.error(
                        node,
                        "unary expression only allowed on expressions of type scalar or instant vector,"
                        f" got {quote(_named(kind))}",
                    )
                case SubqueryExpr():
                    if kind is not _VECTOR:
                        raise self.error(node, f"subquery is only allowed on instant vector, got {kind.value} instead")
                    kind = _MATRIX
        return kind

    def expect(self, expr: Expr, want: ValueType, context: str) -> None:
        kind = self.check(expr)
        if kind is not want:
            raise self.error(expr, f"expected type {_named(want)} in {context}, got {_named(kind)}")

    def aggregation(self, expr: AggregateExpr) -> None:
        self.expect(expr.expr, _VECTOR, "aggregation expression")
        if expr.param is not None:
            want = _STRING if expr.op == "count_values" else _SCALAR
            self.expect(expr.param, want, "aggregation parameter")

    def binary(self, expr: BinaryExpr, left: ValueType, right: ValueType) -> ValueType:
        op = expr.op
        matching = self.matchings[id(expr)]
        if expr.return_bool and op not in COMPARISONS:
            raise self.at_operator(expr, "bool modifier can only be used on comparison operators")
        if op in COMPARISONS and not expr.return_bool and left is _SCALAR and right is _SCALAR:
            raise self.at_operator(expr, "comparisons between scalars must use BOOL modifier")
        if matching.on:
            for label in matching.labels:
                if label in matching.include:
                    raise self.at_operator(expr, f"label {quote(label)} must not occur in ON and GROUP clause at once")
        for side, kind in ((expr.lhs, left), (expr.rhs, right)):
            if kind not in (_SCALAR, _VECTOR):
                raise self.error(side, "binary expression must contain only scalar and instant vector types")
        has_fill = matching.fill_left is not None or matching.fill_right is not None
        if left is not _VECTOR or right is not _VECTOR:
            if matching.labels:
                raise self.error(expr, "vector matching only allowed between instant vectors")
            if has_fill:
                raise self.error(expr, "filling in missing series only allowed between instant vectors")
        elif op in SET_OPERATORS:
            if matching.card in (Cardinality.ONE_TO_MANY, Cardinality.MANY_TO_ONE):
                raise self.error(expr, f'no grouping allowed for "{op}" operation')
            if has_fill:
                raise self.error(expr, "filling in missing series not allowed for set operators")
        if op in SET_OPERATORS and _SCALAR in (left, right):
            raise self.error(expr, f'set operator "{op}" not allowed in binary scalar expression')
        return _SCALAR if left is right is _SCALAR else _VECTOR

    def at_operator(self, expr: BinaryExpr, reason: str) -> ParseError:
        start, end = expr.lhs.span.end, expr.rhs.span.start - 1
        while self.data[start] in " \t\r\n":
            start += 1
        while self.data[end] in " \t\r\n":
            end -= 1
        return failure(self.data, start, end, reason)

    def call(self, expr: Call) -> None:
        function = FUNCTIONS[expr.func]
        want, have = function.arg_types, len(expr.args)
        if not function.variadic:
            if have != len(want):
                raise self.error(expr, f'expected {len(want)} argument(s) in call to "{function.name}", got {have}')
        elif have < function.min_args:
            raise self.error(
                expr, f'expected at least {function.min_args} argument(s) in call to "{function.name}", got {have}'
            )
        elif function.max_args is not None and have > function.max_args:
            raise self.error(
                expr, f'expected at most {function.max_args} argument(s) in call to "{function.name}", got {have}'
            )
        is_info = function.name == "info" and have > 1
        if is_info:
            self.info_selector(expr)
        for at, arg in enumerate(expr.args):
            needed = want[min(at, len(want) - 1)]
            if is_info and at == 1 and isinstance(arg, VectorSelector):
                self.selector(arg, needs_matcher=False)
                continue
            kind = self.check(arg)
            if kind is not needed:
                raise self.error(
                    arg,
                    f"expected type {_named(needed)} in call to function {quote(function.name)}, got {_named(kind)}",
                )

    def info_selector(self, expr: Call) -> None:
        """The second argument of info() is a bare selector of labels."""
        arg = expr.args[1]
        kind = value_type(arg)
        if kind is not _VECTOR:
            raise self.error(expr, f'expected type instant vector in call to function "info", got {_named(kind)}')
        if not isinstance(arg, VectorSelector):
            raise self.error(arg, "expected label selectors only")
        if arg.name:
            raise self.error(arg, "expected label selectors only, got vector selector instead")

    def selector(self, expr: VectorSelector, *, needs_matcher: bool) -> None:
        if expr.name:
            # The last matcher stands for the name before the braces.
            for matcher in expr.matchers[:-1]:
                if matcher.name == "__name__":
                    raise self.error(
                        expr, f"metric name must not be set twice: {quote(expr.name)} or {quote(matcher.value)}"
                    )
            return
        if not needs_matcher:
            return
        for matcher in expr.matchers:
            value = matcher.value
            match matcher.op:
                case "=":
                    matches = value == ""
                case "!=":
                    matches = value != ""
                case "=~":
                    matches = matches_empty(value)
                case "!~":
                    matches = not matches_empty(value)
            if not matches:
                return
        raise self.error(expr, "vector selector must contain at least one non-empty matcher")
