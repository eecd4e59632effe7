"""Kubernetes' JSONPath, as far as a printer column may use it.

Owns: reading one path and finding what it names in plain JSON: fields (`.a`, `['a.b']`, `.a\\.b`), `[0]`, `[-1]`,
`[1:3]`, `[0,2]`, `[*]`, `.*`, `..a`, and filters `[?(@.type=="Ready")]`. Must not know: columns.
Source: client-go util/jsonpath with AllowMissingKeys: what is missing is no result. `range` and text around the
path are not read: a printer column has neither. Keys are visited in order where upstream's order is random.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from canarium.errors import CanariumError

Step: TypeAlias = Callable[[list[Any]], list[Any]]
"""From the values found so far to the next ones."""

Path: TypeAlias = tuple[Step, ...]


class JsonPathError(CanariumError):
    """A path that cannot be read, or that asks of a value what it cannot give (an index of a text, say)."""


_FIELD = re.compile(r"(?:\\.|[^\s.,\[\]{}@$\\])+")
_SLICE = re.compile(r"(-?\d*)(?::(-?\d*))?(?::(-?\d*))?")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def find(path: str, value: Any) -> list[Any]:
    """Everything the path names, in order. Raises JsonPathError."""
    return _walk(parse(path), [value])


@lru_cache(maxsize=512)
def parse(path: str) -> Path:
    """The steps of a path such as `.spec.replicas` (a leading `$` or `@` is the value itself). Raises JsonPathError."""
    text = path.strip()
    return tuple(_steps(text, 1 if text[:1] in ("$", "@") else 0))


def _walk(path: Path, values: list[Any]) -> list[Any]:
    for step in path:
        values = step(values)
    return values


def _steps(text: str, at: int) -> Iterator[Step]:
    if at == 0 and text and text[0] not in ".[":
        text = "." + text
    while at < len(text):
        if text.startswith("..", at):
            yield _everything_inside
            at += 1 if text[at + 2 : at + 3] not in ("", "[") else 2
        elif text.startswith(".*", at):
            yield _members
            at += 2
        elif text[at] == ".":
            if at + 1 == len(text) or text[at + 1] == "[":
                at += 1  # `.` alone is the value; `.[0]` is `[0]`
                continue
            field = _FIELD.match(text, at + 1)
            if field is None:
                raise JsonPathError(f"{text}: there is no field name after character {at + 1}")
            yield _field(re.sub(r"\\(.)", r"\1", field[0]))
            at = field.end()
        elif text[at] == "[":
            end = _closing(text, at)
            yield _subscript(text[at + 1 : end].strip(), text)
            at = end + 1
        else:
            raise JsonPathError(f"{text}: character {at + 1} ({text[at]!r}) starts neither a field nor an index")


def _closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` closes; brackets within quotes do not count."""
    depth, quote = 0, ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote and text[at - 1] != "\\" else quote
        elif char in "'\"":
            quote = char
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                return at
    raise JsonPathError(f"{text}: the bracket at character {start + 1} is never closed")


def _subscript(inside: str, whole: str) -> Step:
    if inside == "*":
        return _elements
    if inside.startswith("?(") and inside.endswith(")"):
        return _filter(inside[2:-1].strip())
    parts = _comma_separated(inside)
    if len(parts) > 1:
        return _union([_subscript(part, whole) for part in parts])
    if len(inside) > 1 and inside[0] in "'\"" and inside[-1] == inside[0]:
        return _field(inside[1:-1].replace("\\" + inside[0], inside[0]))
    numbers = _SLICE.fullmatch(inside)
    if numbers is None or not inside:
        raise JsonPathError(f"{whole}: [{inside}] is neither an index, a quoted field nor a filter")
    return _slice(numbers, is_single=":" not in inside)


def _comma_separated(inside: str) -> list[str]:
    return [part.strip() for part in re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^,'\"])+", inside)]


# -- the steps --------------------------------------------------------------------------------------------------------


def _field(name: str) -> Step:
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value]


def _members(values: list[Any]) -> list[Any]:
    """`.*`: what is inside objects and arrays."""
    return [member for value in values for member in _inside(value)]


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return list(value) if isinstance(value, list) else []


def _everything_inside(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        inside = _inside(value)
        if inside:
            found += [value, *_everything_inside(inside)]
    return found


def _elements(values: list[Any]) -> list[Any]:
    """`[*]`: what is inside arrays."""
    return [element for value in values if value is not None for element in _array(value)]


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise JsonPathError(f"{value!r} is not an array")
    return value


def _slice(numbers: re.Match[str], *, is_single: bool) -> Step:
    first, last, stride = (int(text) if text and text != "-" else None for text in numbers.groups())
    if stride is not None and stride <= 0:
        raise JsonPathError(f"[{numbers[0]}]: the step must be more than 0")

    def take(values: list[Any]) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if value is None:
                continue
            array = _array(value)
            start = 0 if first is None else first + len(array) if first < 0 else first
            stop = start + 1 if is_single else len(array) if last is None else last + len(array) if last < 0 else last
            if start == stop:
                continue
            if not 0 <= start < stop <= len(array):
                raise JsonPathError(f"[{numbers[0]}] is out of the bounds of an array of {len(array)}")
            found += array[start : stop : stride or 1]
        return found

    return take


def _union(steps: Sequence[Step]) -> Step:
    return lambda values: [found for step in steps for found in step(values)]


def _filter(expression: str) -> Step:
    compared = _COMPARISON.fullmatch(expression)
    if compared is None:
        wanted = parse(expression)
        return lambda values: [one for value in values for one in _array(value) if _exists(wanted, one)]
    left, sign, right = _operand(compared[1].strip()), compared[2], _operand(compared[3].strip())
    compare = _OPERATORS.get(sign)
    if compare is None:
        raise JsonPathError(f"{expression}: {sign} compares nothing")

    def passes(one: Any) -> bool:
        lefts, rights = left(one), right(one)
        if not lefts or not rights:
            return False
        if len(lefts) > 1 or len(rights) > 1 or _sort_of(lefts[0]) != _sort_of(rights[0]):
            raise JsonPathError(f"{expression}: these two cannot be compared")
        return compare(lefts[0], rights[0])

    return lambda values: [one for value in values for one in _array(value) if passes(one)]


def _exists(path: Path, value: Any) -> bool:
    try:
        return bool(_walk(path, [value]))
    except JsonPathError:  # what cannot be asked for is not there
        return False


def _operand(text: str) -> Callable[[Any], list[Any]]:
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        literal: Any = text[1:-1]
    elif _NUMBER.fullmatch(text):
        literal = float(text) if "." in text else int(text)
    elif text in ("true", "false"):
        literal = text == "true"
    else:
        path = parse(text)
        return lambda value: _walk(path, [value])
    return lambda _: [literal]


def _sort_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    raise JsonPathError(f"{value!r} cannot be compared")
