"""The PromQL expression tree.

Owns: the node types; every node knows where it starts and ends in the text. Must not know: samples, storage, time.
Structs rather than dataclasses, which take ten milliseconds longer to define.
Names follow Prometheus 3.x `promql/parser/ast.go`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec


class ValueType(StrEnum):
    """What an expression evaluates to, in upstream's words."""

    NONE = "none"
    SCALAR = "scalar"
    VECTOR = "vector"
    MATRIX = "matrix"
    STRING = "string"


class Span(msgspec.Struct, frozen=True):
    """Half-open range of byte offsets into the UTF-8 query text (upstream's positions are byte offsets)."""

    start: int
    end: int


MatchOp: TypeAlias = Literal["=", "!=", "=~", "!~"]


class Matcher(msgspec.Struct, frozen=True):
    """One label matcher."""

    name: str
    op: MatchOp
    value: str


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """What all nodes share."""

    span: Span


class NumberLiteral(Node, frozen=True, kw_only=True):
    """A float; `is_duration` when it was written as a duration (`5m`), in seconds."""

    value: float
    is_duration: bool = False


class StringLiteral(Node, frozen=True, kw_only=True):
    """A string, unquoted."""

    value: str


class DurationExpr(Node, frozen=True, kw_only=True):
    """A duration computed from literals, `step()`, `range()`, `min_of`, `max_of`: `[5m * 2]`, `offset (1h / 2)`.

    op: `+ - * / % ^`, or `step`, `range`, `min_of`, `max_of` (upstream's names). Unary minus has only rhs.
    """

    op: str
    lhs: NumberLiteral | DurationExpr | None = None
    rhs: NumberLiteral | DurationExpr | None = None
    wrapped: bool = False


class AtModifier(Node, frozen=True, kw_only=True):
    """`@ 1609746000`, `@ start()`, `@ end()`."""

    timestamp_ms: int | None = None
    preprocessor: Literal["", "start", "end"] = ""


class VectorSelector(Node, frozen=True, kw_only=True):
    """An instant vector selector. `matchers` include the one on `__name__` that the name stands for."""

    name: str
    matchers: tuple[Matcher, ...]
    offset_ms: int = 0
    offset_expr: DurationExpr | None = None
    at: AtModifier | None = None
    extended: Literal["", "anchored", "smoothed"] = ""


class MatrixSelector(Node, frozen=True, kw_only=True):
    """A range vector selector; offset and `@` sit on the inner selector, as upstream keeps them."""

    vector_selector: VectorSelector
    range_ms: int
    range_expr: DurationExpr | None = None


class SubqueryExpr(Node, frozen=True, kw_only=True):
    """`expr[range:step]`; step_ms 0 means the default evaluation interval."""

    expr: Expr
    range_ms: int
    step_ms: int = 0
    range_expr: DurationExpr | None = None
    step_expr: DurationExpr | None = None
    offset_ms: int = 0
    offset_expr: DurationExpr | None = None
    at: AtModifier | None = None


class Call(Node, frozen=True, kw_only=True):
    """A function call. `func` is the function's name; its signature is in `functions.py`."""

    func: str
    args: tuple[Expr, ...]


class AggregateExpr(Node, frozen=True, kw_only=True):
    """`op by|without (grouping) (param, expr)`."""

    op: str
    expr: Expr
    param: Expr | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False


class Cardinality(StrEnum):
    """How the two sides of a binary operator match."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


class VectorMatching(msgspec.Struct, frozen=True, kw_only=True):
    """`on|ignoring (labels) group_left|group_right (include)`, and the fill modifiers."""

    card: Cardinality = Cardinality.ONE_TO_ONE
    labels: tuple[str, ...] = ()
    on: bool = False
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


class BinaryExpr(Node, frozen=True, kw_only=True):
    """`lhs op [bool] [matching] rhs`; `matching` is None unless both sides are vectors."""

    op: str
    lhs: Expr
    rhs: Expr
    matching: VectorMatching | None = None
    return_bool: bool = False


class UnaryExpr(Node, frozen=True, kw_only=True):
    """`+expr` or `-expr`."""

    op: Literal["+", "-"]
    expr: Expr


class ParenExpr(Node, frozen=True, kw_only=True):
    """`(expr)`."""

    expr: Expr


Expr: TypeAlias = (
    NumberLiteral
    | StringLiteral
    | VectorSelector
    | MatrixSelector
    | SubqueryExpr
    | Call
    | AggregateExpr
    | BinaryExpr
    | UnaryExpr
    | ParenExpr
)


class Annotations(msgspec.Struct, frozen=True):
    """Warnings and infos that parsing or evaluation leaves behind, in upstream's words."""

    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
