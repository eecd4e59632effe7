"""Binary operators on values, with Go's rules for numbers.

Owns: arithmetic, comparison, membership, indexing, slicing. Must not know: syntax.
Behaviour follows expr-lang 1.17 `vm/runtime`: int with int stays int and wraps, `/` and `**` always give a float.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from canarium.expr.builtins import get, map_key
from canarium.expr.errors import Panic
from canarium.expr.patterns import compile_pattern
from canarium.expr.values import (
    Duration,
    GroupBy,
    IntSlice,
    NilSlice,
    Uint8,
    assert_type,
    equal,
    go_print,
    is_nil,
    is_number,
    kind_name,
    to_float,
    to_int,
    type_name,
    wrap,
)

_COMPARE = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
_CALCULATE = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def binary_operation(symbol: str, left: Any, right: Any) -> Any:
    """The result of an operator that evaluates both sides. Raises Panic in upstream's words."""
    if symbol == "==":
        return equal(left, right)
    if symbol == "!=":
        return not equal(left, right)
    numbers = is_number(left) and is_number(right)
    if symbol in _COMPARE:
        both = (isinstance(left, str) and isinstance(right, str)) or (
            isinstance(left, Duration) and isinstance(right, Duration)
        )
        if numbers and (isinstance(left, float) or isinstance(right, float)):
            return _COMPARE[symbol](float(left), float(right))
        if numbers or both:
            return _COMPARE[symbol](left, right)
        raise _refused(symbol, left, right)
    if symbol in _CALCULATE:
        return _calculate(symbol, left, right)
    if symbol == "/":
        return divide(to_number(symbol, left, right), float(right))
    if symbol == "%":
        return _modulo(left, right)
    if symbol in ("**", "^"):
        return power(to_float(left), to_float(right))
    if symbol == "in":
        return contains(right, left)
    if symbol == "..":
        raise AssertionError("ranges are counted by the evaluator")
    return _text_operation(symbol, left, right)


def _refused(symbol: str, left: Any, right: Any) -> Panic:
    return Panic(f"invalid operation: {type_name(left)} {symbol} {type_name(right)}")


def to_number(symbol: str, left: Any, right: Any) -> float:
    """The left side as a float, once both are known to be numbers."""
    if not is_number(left) or not is_number(right):
        raise _refused(symbol, left, right)
    return float(left)


def _calculate(symbol: str, left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        if isinstance(left, float) or isinstance(right, float):
            return _CALCULATE[symbol](float(left), float(right))
        return wrap(_CALCULATE[symbol](int(left), int(right)))
    if symbol == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    durations = isinstance(left, Duration), isinstance(right, Duration)
    if all(durations):
        return Duration(wrap(_CALCULATE[symbol](int(left), int(right))))
    if symbol == "*" and any(durations) and (is_number(left) or is_number(right)):
        product = float(left) * float(right) if isinstance(left, float) or isinstance(right, float) else left * right
        return product if isinstance(product, float) else Duration(wrap(int(product)))
    raise _refused(symbol, left, right)


def divide(left: float, right: float) -> float:
    """Division as IEEE 754 has it: by zero gives an infinity or NaN."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _modulo(left: Any, right: Any) -> int:
    integers = all(is_number(side) and isinstance(side, int) for side in (left, right))
    if not integers:
        raise _refused("%", left, right)
    if right == 0:
        raise Panic("runtime error: integer divide by zero")
    return int(math.copysign(1, left)) * (abs(int(left)) % abs(int(right)))


def power(base: float, exponent: float) -> float:
    """Go's math.Pow: no exceptions."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        is_odd = exponent == math.trunc(exponent) and math.fmod(exponent, 2) != 0
        return -math.inf if base < 0 and is_odd else math.inf
    except ValueError:
        if base == 0:
            is_odd = math.fmod(exponent, 2) in (1.0, -1.0)
            return math.copysign(math.inf, base) if is_odd else math.inf
        return math.nan


def contains(container: Any, needle: Any) -> bool:
    """The operator `in`."""
    if container is None:
        return False
    if isinstance(container, (list, bytes)):
        return any(equal(item, needle) for item in container)
    if isinstance(container, dict):
        return ("" if needle is None else map_key(container, needle)) in container
    raise Panic(f'operator "in" not defined on {type_name(container)}')


def _text_operation(symbol: str, left: Any, right: Any) -> bool:
    if is_nil(left) or is_nil(right):
        return False
    if symbol == "matches":
        pattern = assert_type(right, "string")
        compiled, problem = compile_pattern(pattern)
        if problem:
            raise Panic(problem)
        text = left.decode("utf-8", "replace") if isinstance(left, bytes) else left
        if not isinstance(text, str):
            assert_type(left, "[]uint8")
        return compiled.search(text) is not None
    whole, part = assert_type(left, "string"), assert_type(right, "string")
    match symbol:
        case "contains":
            return part in whole
        case "startsWith":
            return bool(whole.startswith(part))
        case "endsWith":
            return bool(whole.endswith(part))
    raise AssertionError(f"unknown operator {symbol}")


def fetch(container: Any, key: Any) -> Any:
    """`container[key]`. Raises Panic where there is no such thing; a missing map key gives nil."""
    if isinstance(container, (list, str, bytes)):
        items = container.encode("utf-8", "surrogateescape") if isinstance(container, str) else container
        index = to_int(key)
        if index < 0:
            index += len(items)
        if not 0 <= index < len(items):
            raise Panic(f"index out of range: {index} (array length is {len(items)})")
        item = items[index]
        return Uint8(item) if isinstance(items, bytes) else item
    if isinstance(container, GroupBy):
        return container.get(map_key(container, key), NilSlice())
    if isinstance(container, dict):
        return get(container, key)
    raise Panic(f"cannot fetch {go_print(key)} from {type_name(container)}")


def length(value: Any) -> int:
    """Bytes of a string, elements of anything else: what a slice without an end goes up to."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, (list, dict, bytes)):
        return len(value)
    raise Panic(f"invalid argument for len (type {type_name(value)})")


def slice_of(value: Any, start: Any, stop: Any) -> Any:
    """`value[start:stop]`, with bounds moved inside as upstream does."""
    if not isinstance(value, (list, str, bytes)):
        raise Panic(f"cannot slice {go_print(start)}")
    items = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    size = len(items)
    first, last = to_int(start), to_int(stop)
    first = max(first + size if first < 0 else first, 0)
    last = min(max(last + size if last < 0 else last, 0), size)
    part = items[min(first, last) : last]
    if isinstance(part, bytes) and isinstance(value, str):
        return part.decode("utf-8", "surrogateescape")
    return type(value)(part) if isinstance(value, list) else part


def negate(value: Any) -> Any:
    """Unary minus."""
    if not is_number(value):
        raise Panic(f"invalid operation: - {type_name(value)}")
    return -value if isinstance(value, float) else type(value)(wrap(-value))


def make_range(first: Any, last: Any, limit: int) -> IntSlice:
    """`first..last`, both included."""
    start, stop = to_int(first), to_int(last)
    if stop - start + 1 >= limit:
        raise Panic("memory budget exceeded")
    return IntSlice(range(start, stop + 1))


class _MapItems(list[Any]):
    """A map has a length to loop over, but nothing to look at."""

    def __getitem__(self, index: Any) -> Any:
        raise Panic("reflect: call of reflect.Value.Index on map Value")


def items_of(value: Any) -> list[Any]:
    """What a loop goes over."""
    if isinstance(value, list):
        return value
    if isinstance(value, (str, bytes)):
        raw = value.encode() if isinstance(value, str) else value
        return [Uint8(byte) for byte in raw]
    if isinstance(value, dict):
        return _MapItems(value.values())
    kind = kind_name(value)
    raise Panic(f"reflect: call of reflect.Value.Len on {kind} Value")
