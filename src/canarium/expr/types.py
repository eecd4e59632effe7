"""Static types, as far as conditions can have them: Go's names for them and the questions the checker asks.

Owns: Nature. Must not know: nodes or values.
Behaviour follows expr-lang 1.17 `checker/nature`.
"""

from __future__ import annotations

import msgspec

_INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in ("", "8", "16", "32", "64"))
_FLOATS = frozenset({"float32", "float64"})
ANY_NAME = "interface {}"


class Nature(msgspec.Struct, frozen=True):
    """A Go type by name; empty is unknown, `nil` is the type of nil.

    element: of an array whose Go type says less than we know. Function types are `func(in, in) out`.
    """

    name: str = ""
    element: Nature | None = None

    def __str__(self) -> str:
        return "unknown" if self.name in ("", "nil") else self.name

    @property
    def is_unknown(self) -> bool:
        return self.name in ("", ANY_NAME)

    @property
    def is_nil(self) -> bool:
        return self.name == "nil"

    @property
    def is_integer(self) -> bool:
        return self.name in _INTEGERS

    @property
    def is_float(self) -> bool:
        return self.name in _FLOATS

    @property
    def is_number(self) -> bool:
        return self.name in _INTEGERS or self.name in _FLOATS

    @property
    def is_array(self) -> bool:
        return self.name.startswith("[")

    @property
    def is_map(self) -> bool:
        return self.name.startswith("map[")

    @property
    def is_func(self) -> bool:
        return self.name.startswith("func(")

    @property
    def is_time(self) -> bool:
        return self.name == "time.Time"

    @property
    def is_duration(self) -> bool:
        return self.name == "time.Duration"

    @property
    def kind(self) -> str:
        """Go's reflect.Kind, roughly: the shape of the type."""
        if self.is_array:
            return "slice"
        if self.is_map:
            return "map"
        if self.is_func:
            return "func"
        return {"": "", "nil": "", ANY_NAME: "interface", "time.Time": "struct", "time.Duration": "int64"}.get(
            self.name, self.name
        )

    def elem(self) -> Nature:
        """What an array or map holds."""
        if self.element is not None:
            return self.element
        if self.is_array:
            return nature(self.name[self.name.index("]") + 1 :])
        if self.is_map:
            return nature(self.name[_closing(self.name, 3) + 1 :])
        return UNKNOWN

    def key(self) -> Nature:
        """What a map is looked up by."""
        return nature(self.name[4 : _closing(self.name, 3)]) if self.is_map else UNKNOWN

    def signature(self) -> tuple[list[Nature], Nature]:
        """Parameters and result of a function type."""
        inside, _, result = self.name[5:].rpartition(") ")
        return [nature(name) for name in inside.split(", ")] if inside else [], nature(result)

    def assignable_to(self, other: Nature) -> bool:
        if self.is_nil:
            return other.kind in ("interface", "map", "slice", "func")
        if not self.name or not other.name or other.is_nil:
            return False
        return self.name == other.name or other.name == ANY_NAME

    def comparable_to(self, other: Nature) -> bool:
        return (
            self.is_unknown
            or other.is_unknown
            or self.is_nil
            or other.is_nil
            or (self.is_number and other.is_number)
            or (self.is_array and other.is_array)
            or self.assignable_to(other)
        )


def _closing(text: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(text)):
        depth += {"[": 1, "]": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)


UNKNOWN = Nature()
NIL = Nature("nil")
ANY = Nature(ANY_NAME)
BOOL = Nature("bool")
INT = Nature("int")
FLOAT = Nature("float64")
STRING = Nature("string")
BYTES = Nature("[]uint8")
ARRAY = Nature("[]interface {}")
MAP = Nature("map[string]interface {}")
TIME = Nature("time.Time")
DURATION = Nature("time.Duration")


def nature(name: str) -> Nature:
    """The type of that name."""
    return Nature(name)


def array_of(element: Nature) -> Nature:
    """`[]any` of which we know more."""
    return Nature(ARRAY.name, element)
