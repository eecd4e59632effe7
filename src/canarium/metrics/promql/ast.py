"""The PromQL expression tree.

Owns: the node types; every node knows where it starts and ends in the text. Must not know: samples, storage, time.
Names follow Prometheus 3.x `promql/parser/ast.go`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias


class ValueType(StrEnum):
    """What an expression evaluates to, in upstream's words."""

    NONE = "none"
    SCALAR = "scalar"
    VECTOR = "vector"
    MATRIX = "matrix"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of byte offsets into the UTF-8 query text (upstream's positions are byte offsets)."""

    start: int
    end: int


MatchOp: TypeAlias = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher."""

    name: str
    op: MatchOp
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What all nodes share."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLiteral(Node):
    """A float; `is_duration` when it was written as a duration (`5m`), in seconds."""

    value: float
    is_duration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StringLiteral(Node):
    """A string, unquoted."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationExpr(Node):
    """A duration computed from literals, `step()`, `range()`, `min_of`, `max_of`: `[5m * 2]`, `offset (1h / 2)`.

    op: `+ - * / % ^`, or `step`, `range`, `min_of`, `max_of` (upstream's names). Unary minus has only rhs.
    """

    op: str
    lhs: NumberLiteral | DurationExpr | None = None
    rhs: NumberLiteral | DurationExpr | None = None
    wrapped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AtModifier(Node):
    """`@ 1609746000`, `@ start()`, `@ end()`."""

    timestamp_ms: int | None = None
    preprocessor: Literal["", "start", "end"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSelector(Node):
    """An instant vector selector. `matchers` include the one on `__name__` that the name stands for."""

    name: str
    matchers: tuple[Matcher, ...]
    offset_ms: int = 0
    offset_expr: DurationExpr | None = None
    at: AtModifier | None = None
    extended: Literal["", "anchored", "smoothed"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixSelector(Node):
    """A range vector selector; offset and `@` sit on the inner selector, as upstream keeps them."""

    vector_selector: VectorSelector
    range_ms: int
    range_expr: DurationExpr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubqueryExpr(Node):
    """`expr[range:step]`; step_ms 0 means the default evaluation interval."""

    expr: Expr
    range_ms: int
    step_ms: int = 0
    range_expr: DurationExpr | None = None
    step_expr: DurationExpr | None = None
    offset_ms: int = 0
    offset_expr: DurationExpr | None = None
    at: AtModifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """A function call. `func` is the function's name; its signature is in `functions.py`."""

    func: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateExpr(Node):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorMatching:
    """`on|ignoring (labels) group_left|group_right (include)`, and the fill modifiers."""

    card: Cardinality = Cardinality.ONE_TO_ONE
    labels: tuple[str, ...] = ()
    on: bool = False
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryExpr(Node):
    """`lhs op [bool] [matching] rhs`; `matching` is None unless both sides are vectors."""

    op: str
    lhs: Expr
    rhs: Expr
    matching: VectorMatching | None = None
    return_bool: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnaryExpr(Node):
    """`+expr` or `-expr`."""

    op: Literal["+", "-"]
    expr: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class ParenExpr(Node):
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


@dataclass(frozen=True, slots=True)
class Annotations:
    """Warnings and infos that parsing or evaluation leaves behind, in upstream's words."""

    warnings: tuple[str, ...] = field(default=())
    infos: tuple[str, ...] = field(default=())
