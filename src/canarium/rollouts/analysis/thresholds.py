"""The numbers that a condition compares its result with: what a chart can draw as lines.

Owns: finding them in the tree of a condition. Pure. Must not know: measurements, how lines are drawn.
Only comparisons of the result, or of one element of it, with a number that is written there count; a comparison of
something else, such as `len(result)`, has no place on the axis of the values. Through `and`, `or` and `not` each
comparison still is a place where the outcome can change; below a `?:` or a call it may be none, so those are not looked
into. A condition that does not parse has no thresholds: the rules say what is wrong with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from canarium.expr.errors import ExprError
from canarium.expr.nodes import Binary, Builtin, Call, Chain, Identifier, Member, Node, Unary
from canarium.expr.nodes import Literal as Constant
from canarium.expr.parser import parse
from canarium.kube.objects import Obj

Operator = Literal["<", "<=", ">", ">=", "==", "!="]

_NAMES: Final = frozenset({"result", "asInt", "asFloat", "isNaN", "isInf", "isNil", "default"})
"""What a condition finds in its environment; these win over built-in functions."""
_MIRRORED: Final[dict[str, Operator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NEGATED: Final[dict[str, Operator]] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SAME: Final[dict[str, Operator]] = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "==", "!=": "!="}
_OPERATOR: Final = re.compile("[<>=!]=|[<>]")


class Threshold(msgspec.Struct, frozen=True):
    """`result[index] operator value` decides: for the success condition or for the failure condition."""

    condition: Literal["success", "failure"]
    operator: Operator
    value: float
    index: int = 0


def thresholds(metric: Obj) -> tuple[Threshold, ...]:
    """The thresholds of a metric's success condition, then those of its failure condition, each once."""
    found = [
        *thresholds_of(metric.get("successCondition") or "", "success"),
        *thresholds_of(metric.get("failureCondition") or "", "failure"),
    ]
    return tuple(dict.fromkeys(found))


def thresholds_of(condition: str, kind: Literal["success", "failure"]) -> tuple[Threshold, ...]:
    """The thresholds of one condition, in the order of its text."""
    if not condition.strip():
        return ()
    try:
        tree = parse(condition, _NAMES)
    except (ExprError, RecursionError):
        return ()
    return tuple(_found(tree, kind, is_negated=False))


def single(condition: str, kind: Literal["success", "failure"]) -> Threshold | None:
    """The threshold of a condition that is one comparison and nothing else."""
    try:
        tree = parse(condition, _NAMES)
    except (ExprError, RecursionError):
        return None
    return _comparison(tree, kind, is_negated=False) if isinstance(tree, Binary) else None


def turned_round(condition: str) -> str:
    """A condition that is one comparison, holding exactly where it did not (NaN aside)."""
    return _OPERATOR.sub(lambda found: _NEGATED[found[0]], condition.strip(), count=1)


def _found(node: Node, kind: Literal["success", "failure"], *, is_negated: bool) -> Iterator[Threshold]:
    match node:
        case Unary(operator="not" | "!", operand=operand):
            yield from _found(operand, kind, is_negated=not is_negated)
        case Binary(operator="and" | "&&" | "or" | "||", left=left, right=right):
            yield from _found(left, kind, is_negated=is_negated)
            yield from _found(right, kind, is_negated=is_negated)
        case Binary():
            threshold = _comparison(node, kind, is_negated=is_negated)
            if threshold is not None:
                yield threshold


def _comparison(node: Binary, kind: Literal["success", "failure"], *, is_negated: bool) -> Threshold | None:
    if node.operator not in _SAME:
        return None
    index, value, operator = _element(node.left), _number(node.right), _SAME[node.operator]
    if index is None or value is None:
        index, value, operator = _element(node.right), _number(node.left), _MIRRORED[node.operator]
    if index is None or value is None:
        return None
    return Threshold(kind, _NEGATED[operator] if is_negated else operator, value, index)


def _element(node: Node) -> int | None:
    """Which element of the result this is; 0 for the result itself, None for anything else."""
    match node:
        case Chain(inner=inner):
            return _element(inner)
        case Identifier(name="result"):
            return 0
        case Member(base=Identifier(name="result"), key=Constant(value=int(index))) if index >= 0:
            return index
        case Call(callee=Identifier(name="asFloat" | "asInt"), arguments=[argument]):
            return _element(argument)
        case Call(callee=Identifier(name="default"), arguments=[argument, _]):
            return _element(argument)
        case Builtin(name="float" | "int", arguments=[argument]):
            return _element(argument)
        case _:
            return None


def _number(node: Node) -> float | None:
    """A number as it is written, with its sign."""
    match node:
        case Constant(value=bool()):
            return None
        case Constant(value=int(value) | float(value)):
            return float(value) if math.isfinite(value) else None
        case Unary(operator="-" | "+" as sign, operand=operand):
            size = _number(operand)
            return -size if size is not None and sign == "-" else size
        case _:
            return None
