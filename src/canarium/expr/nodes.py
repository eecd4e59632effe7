"""The syntax tree of a condition.

Owns: node types. Must not know: text or values.
Names follow expr-lang's `ast`. Nodes are mutable on purpose: the checker turns integer literals into floats where a
function wants floats, and writes the static type into `type`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from canarium.expr.types import UNKNOWN, Nature


class Node(msgspec.Struct, kw_only=True):
    """Where it is in the source, how deep the tree below it is, and its static type."""

    at: int = 0
    depth: int = 1
    nature: Nature = UNKNOWN


class Literal(Node):
    """nil, true, an int, a float, a string or bytes."""

    value: Any


class Identifier(Node):
    name: str


class Unary(Node):
    operator: str
    operand: Node


class Binary(Node):
    operator: str
    left: Node
    right: Node


class Chain(Node):
    """Where `?.` ends up when it meets nil."""

    inner: Node


class Member(Node):
    base: Node
    key: Node
    is_optional: bool = False
    is_method: bool = False


class Slice(Node):
    base: Node
    start: Node | None
    stop: Node | None


class Call(Node):
    callee: Node
    arguments: list[Node]


class Builtin(Node):
    """A built-in function; `throws` makes `find` fail on an empty result, for what was `filter(…)[0]`."""

    name: str
    arguments: list[Node]
    throws: bool = False


class Predicate(Node):
    body: Node


class Pointer(Node):
    """`#`, `#index` or `#acc`."""

    name: str


class Let(Node):
    name: str
    value: Node
    body: Node


class Sequence(Node):
    nodes: list[Node]


class Conditional(Node):
    condition: Node
    then: Node
    otherwise: Node


class Array(Node):
    nodes: list[Node]


class MapLiteral(Node):
    pairs: list[tuple[Node, Node]]
