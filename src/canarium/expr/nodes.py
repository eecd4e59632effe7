"""The syntax tree of a condition.

Owns: node types. Must not know: text or values.
Names follow expr-lang's `ast`. Nodes are mutable on purpose: the checker turns integer literals into floats where a
function wants floats, and writes the static type into `type`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from canarium.expr.types import UNKNOWN, Nature


@dataclass(slots=True, kw_only=True)
class Node:
    """Where it is in the source, how deep the tree below it is, and its static type."""

    at: int = 0
    depth: int = 1
    nature: Nature = UNKNOWN


@dataclass(slots=True)
class Literal(Node):
    """nil, true, an int, a float, a string or bytes."""

    value: Any


@dataclass(slots=True)
class Identifier(Node):
    name: str


@dataclass(slots=True)
class Unary(Node):
    operator: str
    operand: Node


@dataclass(slots=True)
class Binary(Node):
    operator: str
    left: Node
    right: Node


@dataclass(slots=True)
class Chain(Node):
    """Where `?.` ends up when it meets nil."""

    inner: Node


@dataclass(slots=True)
class Member(Node):
    base: Node
    key: Node
    is_optional: bool = False
    is_method: bool = False


@dataclass(slots=True)
class Slice(Node):
    base: Node
    start: Node | None
    stop: Node | None


@dataclass(slots=True)
class Call(Node):
    callee: Node
    arguments: list[Node]


@dataclass(slots=True)
class Builtin(Node):
    """A built-in function; `throws` makes `find` fail on an empty result, for what was `filter(…)[0]`."""

    name: str
    arguments: list[Node]
    throws: bool = False


@dataclass(slots=True)
class Predicate(Node):
    body: Node


@dataclass(slots=True)
class Pointer(Node):
    """`#`, `#index` or `#acc`."""

    name: str


@dataclass(slots=True)
class Let(Node):
    name: str
    value: Node
    body: Node


@dataclass(slots=True)
class Sequence(Node):
    nodes: list[Node]


@dataclass(slots=True)
class Conditional(Node):
    condition: Node
    then: Node
    otherwise: Node


@dataclass(slots=True)
class Array(Node):
    nodes: list[Node]


@dataclass(slots=True)
class MapLiteral(Node):
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
