"""Rewrites that upstream makes before a condition runs, as far as they show: what is not evaluated, and errors.

Owns: constant folding and the forms of `filter`, `in` and `sum` that upstream replaces. Must not know: measurements.
Behaviour follows expr-lang 1.17 `optimizer`.
"""

from __future__ import annotations

from typing import Any

from canarium.expr.errors import ExprError, Panic
from canarium.expr.nodes import Array, Binary, Builtin, Literal, MapLiteral, Member, Node, Unary
from canarium.expr.operators import binary_operation
from canarium.expr.types import BOOL, INT
from canarium.expr.values import wrap

_ARITHMETIC = frozenset(("+", "-", "*", "/", "**", "^"))


def optimize(node: Node) -> Node:
    """The tree that runs. Raises ExprError where folding divides by zero."""
    for name in node.__struct_fields__:
        child = getattr(node, name)
        if isinstance(child, Node):
            setattr(node, name, optimize(child))
        elif isinstance(child, list):
            if isinstance(node, MapLiteral):
                node.pairs = [(optimize(key), optimize(value)) for key, value in node.pairs]
            else:
                setattr(node, name, [optimize(item) for item in child])
    match node:
        case Unary():
            return _unary(node)
        case Binary():
            return _binary(node)
        case Member(base=Builtin(name="filter", arguments=arguments), key=Literal(value=0 | -1 as index)):
            if not node.is_optional and type(index) is int:
                found = Builtin("find" if index == 0 else "findLast", arguments, True)
                return _placed(found, node)
        case Builtin(name="sum", arguments=[Array(nodes=[_, _, *_] as nodes)]) if not all(map(_is_constant, nodes)):
            total = nodes[-1]
            for item in reversed(nodes[:-1]):
                total = _placed(Binary("+", item, total), node)
            return total
    return node


def _placed(new: Node, old: Node) -> Node:
    new.at, new.depth, new.nature = old.at, old.depth, old.nature
    return new


def _is_constant(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, (bool, int, float, str))


def _number(node: Node) -> Any:
    if isinstance(node, Literal) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return node.value
    return None


def _unary(node: Unary) -> Node:
    number = _number(node.operand)
    if number is not None and node.operator in ("-", "+"):
        value = number if node.operator == "+" else -number if isinstance(number, float) else wrap(-number)
        return _placed(Literal(value), node)
    if node.operator in ("!", "not") and isinstance(node.operand, Literal) and isinstance(node.operand.value, bool):
        return _placed(Literal(not node.operand.value), node)
    return node


def _binary(node: Binary) -> Node:
    left, right, operator = node.left, node.right, node.operator
    if operator in ("and", "&&", "or", "||"):
        return _logic(node, is_and=operator in ("and", "&&"))
    if operator == "in" and isinstance(right, Array) and right.nodes:
        names = [item.value for item in right.nodes if isinstance(item, Literal) and isinstance(item.value, str)]
        if len(names) == len(right.nodes):
            # A map of strings: upstream looks up what is not a string with a panic, and nil as the empty string.
            node.right = _placed(Literal(dict.fromkeys(names)), right)
    if not isinstance(left, Literal) or not isinstance(right, Literal):
        return node
    if operator == "%" and left.nature == INT and right.nature == INT and right.value == 0:
        raise ExprError("integer divide by zero", location=node.at)
    is_numeric = _number(left) is not None and _number(right) is not None
    is_text = isinstance(left.value, str) and isinstance(right.value, str)
    is_same = type(left.value) is type(right.value) and isinstance(left.value, (int, str))
    if (operator in _ARITHMETIC and is_numeric) or (operator == "+" and is_text) or (operator == "==" and is_same):
        try:
            return _placed(Literal(binary_operation(operator, left.value, right.value)), node)
        except Panic:
            return node
    return node


def _logic(node: Binary, *, is_and: bool) -> Node:
    """`true and x` is x, `x and false` is false without looking at x; the other way round for `or`."""
    for constant, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(constant, Literal) and constant.value is is_and:
            return other
    for side in (node.left, node.right):
        if isinstance(side, Literal) and side.value is (not is_and):
            return _placed(Literal(not is_and, nature=BOOL), node)
    return node
