"""Plain JSON whose every part knows the place it was written at, and keeps it while it is moved and merged.

Owns: `Map`, `Seq`, `Leaf`, and building them from a YAML document. Must not know: what the values mean.
A Map is a dict and a Seq a list, so functions over JSON work on them; scalars are wrapped in a Leaf, which equals its
value. `copy()` keeps the place, so code that copies containers before it changes them keeps it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from canarium.errors import Place
from canarium.text.yaml import Document, is_merge, key_text

At: TypeAlias = tuple[str, int, int]
"""File, line, column; a tuple because there are thousands of them and few are ever shown."""


class Leaf:
    """A scalar and where it was written. is_block: as a block (`|`, `>`), whose text starts on the next line."""

    __slots__ = ("at", "is_block", "value")

    def __init__(self, value: Any, at: At, is_block: bool = False) -> None:
        self.value = value
        self.at = at
        self.is_block = is_block

    def __eq__(self, other: object) -> bool:
        wanted = other.value if isinstance(other, Leaf) else other
        return type(self.value) is type(wanted) and bool(self.value == wanted)

    __hash__ = None  # type: ignore[assignment]  # equal to its plain value, which hashes differently

    def __repr__(self) -> str:
        return repr(self.value)


class Map(dict[str, Any]):
    """An object and where it starts."""

    __slots__ = ("at",)
    at: At

    def copy(self) -> Map:
        """A shallow copy at the same place."""
        return new_map(self.at, self)


class Seq(list[Any]):
    """A list and where it starts."""

    __slots__ = ("at",)
    at: At

    def copy(self) -> Seq:
        """A shallow copy at the same place."""
        return new_seq(self.at, self)


def new_map(at: At, items: dict[str, Any] | None = None) -> Map:
    """A Map at a place."""
    made = Map(items or {})
    made.at = at
    return made


def new_seq(at: At, items: Sequence[Any] = ()) -> Seq:
    """A Seq at a place."""
    made = Seq(items)
    made.at = at
    return made


def locate(document: Document, *, below: At | None = None) -> Any:
    """The document's value with places. below: the text is a block inside another file, at the place given.

    Columns inside a block are unknown (0), its lines are counted from the block's.
    """
    file, shift = (document.start.file, 1) if below is None else (below[0], below[1] + 1)

    def at(node: Node) -> At:
        mark = node.start_mark
        return (file, mark.line + shift, 0 if below else mark.column + 1)

    def entries(node: MappingNode) -> Iterator[tuple[str, Node]]:
        """Own keys first, then those of `<<`: the first to name a key decides it."""
        merges: list[Node] = []
        for key, child in node.value:
            if is_merge(key):
                merges += child.value if isinstance(child, SequenceNode) else [child]
            else:
                yield key_text(key, document.rules), child
        for source in merges:
            if isinstance(source, MappingNode):
                yield from entries(source)

    def build(value: Any, node: Node) -> Any:
        if isinstance(node, MappingNode):
            made = new_map(at(node))
            for name, child in entries(node):
                if name not in made:
                    made[name] = build(value[name], child)
            return made
        if isinstance(node, SequenceNode):
            return new_seq(at(node), [build(item, child) for item, child in zip(value, node.value, strict=True)])
        return Leaf(value, at(node), isinstance(node, ScalarNode) and node.style in ("|", ">"))

    return build(document.value, document.root)


def wrap(value: Any, at: At) -> Any:
    """Plain JSON as located JSON, all of it at one place."""
    if isinstance(value, dict):
        return new_map(at, {key: wrap(item, at) for key, item in value.items()})
    if isinstance(value, list):
        return new_seq(at, [wrap(item, at) for item in value])
    return Leaf(value, at)


def plain(value: Any) -> Any:
    """Plain JSON again, sharing nothing."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Leaf) else value


def duplicate(value: Any) -> Any:
    """A deep copy with the same places."""
    if isinstance(value, Map):
        return new_map(value.at, {key: duplicate(item) for key, item in value.items()})
    if isinstance(value, Seq):
        return new_seq(value.at, [duplicate(item) for item in value])
    return value


def place_of(value: Any) -> Place:
    """Where a located value was written."""
    return Place(*value.at)


def find(value: Any, path: Sequence[str | int]) -> Any:
    """The value at `path`, or its nearest existing ancestor."""
    for step in path:
        if isinstance(value, Map) and step in value:
            value = value[str(step)]
        elif isinstance(value, Seq) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            break
    return value
