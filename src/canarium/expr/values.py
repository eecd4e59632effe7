"""Values while a condition runs, and what Go does with them: type names, printing, numbers that wrap, equality.

Owns: the mapping of Go's types onto Python's. int is int, float is float64, str is string, list is []any, dict is
map[string]any; the classes below are for Go types that Python has no own type for.
Must not know: syntax. Behaviour follows expr-lang 1.17 `vm/runtime` and Go's fmt.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from canarium.expr.errors import Panic


class Int64(int):
    """Go's int64, which only its name tells from int."""


class Uint8(int):
    """A byte of a string."""


class Duration(int):
    """Nanoseconds."""


class FloatSlice(list[float]):
    """[]float64: what the Prometheus provider gives for a vector."""


class IntSlice(list[int]):
    """[]int: what a range gives."""


class StringSlice(list[str]):
    """[]string."""


class Pair(list[Any]):
    """[2]any: a key and its value."""


class PairSlice(list[Pair]):
    """[][2]any, the result of toPairs."""


class NilSlice(list[Any]):
    """A nil []any: empty, and equal to nil."""


class AnyMap(dict[Any, Any]):
    """map[any]any."""


class GroupBy(dict[Any, Any]):
    """map[any][]any, the result of groupBy."""


class Func:
    """A function of the environment with its Go type."""

    def __init__(self, go_type: str, call: Callable[..., Any]) -> None:
        self.go_type = go_type
        self.call = call


_NAMES: dict[type, str] = {
    type(None): "<nil>",
    bool: "bool",
    int: "int",
    Int64: "int64",
    Uint8: "uint8",
    Duration: "time.Duration",
    float: "float64",
    str: "string",
    bytes: "[]uint8",
    list: "[]interface {}",
    FloatSlice: "[]float64",
    IntSlice: "[]int",
    StringSlice: "[]string",
    NilSlice: "[]interface {}",
    Pair: "[2]interface {}",
    PairSlice: "[][2]interface {}",
    dict: "map[string]interface {}",
    AnyMap: "map[interface {}]interface {}",
    GroupBy: "map[interface {}][]interface {}",
}
_KINDS = {
    "interface": "interface",
    "<nil>": "zero",
    "time.Duration": "int64",
    "time.Time": "struct",
}


def type_name(value: Any) -> str:
    """Go's `%T`."""
    found = _NAMES.get(type(value))
    if found is None:
        found = value.go_type if isinstance(value, Func) else type(value).__name__
    return found


def kind_name(value: Any) -> str:
    """Go's `reflect.Kind` as text; `zero` stands for no value."""
    name = type_name(value)
    if name.startswith("["):
        return "slice"
    if name.startswith("map["):
        return "map"
    if name.startswith("func("):
        return "func"
    return _KINDS.get(name, name)


def is_number(value: Any) -> bool:
    """An int or float; a bool or duration is none."""
    return isinstance(value, (int, float)) and not isinstance(value, (bool, Duration))


def is_nil(value: Any) -> bool:
    """nil, with a type or without."""
    return value is None or isinstance(value, NilSlice)


def wrap(number: int) -> int:
    """What is left of a number in 64 bits, two's complement."""
    return (number + 2**63) % 2**64 - 2**63


def to_int(value: Any) -> int:
    """Go's `int(x)`: truncates; what does not fit becomes the smallest int, as on amd64."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Panic(f"invalid operation: int({type_name(value)})")
    if isinstance(value, int):
        if isinstance(value, Duration):
            raise Panic("invalid operation: int(time.Duration)")
        return int(value)
    return truncate(value)


def truncate(number: float) -> int:
    """A float as int64."""
    if math.isfinite(number) and -(2.0**63) <= number < 2.0**63:
        return int(number)
    return -(2**63)


def to_float(value: Any) -> float:
    if not is_number(value):
        raise Panic(f"invalid operation: float({type_name(value)})")
    return float(value)


def assert_type(value: Any, wanted: str) -> Any:
    """A Go type assertion `value.(wanted)`."""
    name = type_name(value)
    if name != wanted:
        shown = "nil" if value is None else name
        raise Panic(f"interface conversion: interface {{}} is {shown}, not {wanted}")
    return value


def equal(left: Any, right: Any) -> bool:
    """`==`: numbers by value whatever their type, arrays element by element, everything else as reflect.DeepEqual."""
    if is_number(left) and is_number(right):
        if isinstance(left, float) or isinstance(right, float):
            return float(left) == float(right)
        return int(left) == int(right)
    if is_nil(left) and is_nil(right):
        return True
    if isinstance(left, list) and isinstance(right, list):
        both = type(left), type(right)
        if (list in both or both[0] is both[1]) and not {Pair, PairSlice} & set(both):
            return len(left) == len(right) and all(map(equal, left, right))
    return deep_equal(left, right)


def deep_equal(left: Any, right: Any) -> bool:
    """reflect.DeepEqual: the same type and the same value all the way down."""
    if type_name(left) != type_name(right) or is_nil(left) != is_nil(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(deep_equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(deep_equal(left[key], right[key]) for key in left)
    if isinstance(left, Func):
        return False
    return bool(left == right)


def go_quote(text: str) -> str:
    """Go's `%q`."""
    out = ['"']
    for char in text:
        if char in _QUOTED:
            out.append(_QUOTED[char])
        elif char.isprintable():
            out.append(char)
        elif ord(char) < 0x80:
            out.append(f"\\x{ord(char):02x}")
        else:
            out.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
    return "".join([*out, '"'])


_QUOTED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def go_print(value: Any) -> str:
    """Go's `%v`."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case Duration():
            return print_duration(value)
        case int():
            return str(int(value))
        case float():
            return print_float(value)
        case str():
            return value
        case bytes() | list():
            return "[" + " ".join(map(go_print, value)) + "]"
        case dict():
            pairs = sorted(value.items(), key=_map_order)
            return "map[" + " ".join(f"{go_print(key)}:{go_print(item)}" for key, item in pairs) + "]"
        case _:
            return f"{type_name(value)}"


def _map_order(pair: tuple[Any, Any]) -> tuple[int, Any]:
    key = pair[0]
    return (1, key) if is_number(key) else (2, str(key))


def print_float(number: float) -> str:
    """Go's `%v` of a float64: shortest digits, an exponent below 1e-4 and from 1e6 on."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    mantissa, _, power = f"{number!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(power or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if -4 < point <= 6:
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        if len(digits) <= point:
            return sign + digits + "0" * (point - len(digits))
        return f"{sign}{digits[:point]}.{digits[point:]}"
    tail = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+03d}"


def print_duration(value: int) -> str:
    """Go's `time.Duration.String`."""
    nanos = abs(int(value))
    sign = "-" if value < 0 else ""
    if nanos == 0:
        return "0s"
    for unit, size in (("ns", 1), ("µs", 10**3), ("ms", 10**6)):
        if nanos < size * 1000 and nanos < 10**9:
            return f"{sign}{_decimal(nanos, size)}{unit}"
    minutes, rest = divmod(nanos, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, 10**9) + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else sign + seconds


def _decimal(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    return str(whole) if not rest else f"{whole}.{rest:0{len(str(unit)) - 1}d}".rstrip("0")
