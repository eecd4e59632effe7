"""What the parser's tests share: known answers, and comparing trees without their positions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from canarium.metrics.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    Node,
    NumberLiteral,
    ParenExpr,
    Span,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)
from canarium.metrics.promql.parser import Options

TESTDATA = Path(__file__).parent / "testdata"
SPAN = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What upstream says about one query: an error with its range, or two printed forms and all positions."""

    query: str
    enable: str
    error: str = ""
    at: tuple[int, int] = (0, 0)
    string: str = ""
    pretty: str = ""
    nodes: str = ""

    @property
    def options(self) -> Options:
        return Options(
            functions="f" in self.enable,
            duration_expressions="d" in self.enable,
            extended_ranges="x" in self.enable,
            fill_modifiers="b" in self.enable,
        )


def answers(file: str) -> list[Answer]:
    rows = [json.loads(line) for line in (TESTDATA / file).read_text(encoding="utf-8").split("\n") if line]
    return [Answer(**{**row, "at": tuple(row.get("at", ()))}) for row in rows]


def children(expr: Expr) -> Iterator[Expr]:
    """The expressions inside `expr`, in upstream's order: an aggregation's parameter comes after what it aggregates."""
    match expr:
        case AggregateExpr():
            yield expr.expr
            if expr.param is not None:
                yield expr.param
        case BinaryExpr():
            yield expr.lhs
            yield expr.rhs
        case Call():
            yield from expr.args
        case SubqueryExpr() | ParenExpr() | UnaryExpr():
            yield expr.expr
        case MatrixSelector():
            yield expr.vector_selector
        case NumberLiteral() | StringLiteral() | VectorSelector():
            pass


def walk(expr: Expr) -> Iterator[Expr]:
    yield expr
    for child in children(expr):
        yield from walk(child)


def without_spans(node: object) -> object:
    """The same tree with every position zero and every selector's matchers sorted."""
    if isinstance(node, tuple):
        return tuple(without_spans(item) for item in node)
    if not isinstance(node, Node):
        return node
    changes: dict[str, Any] = {name: without_spans(getattr(node, name)) for name in node.__struct_fields__}
    if isinstance(node, VectorSelector):
        changes["matchers"] = tuple(sorted(node.matchers, key=str))
    return replace(node, **{**changes, "span": SPAN})
