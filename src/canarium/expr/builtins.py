"""Built-in functions of conditions, apart from those that take a predicate.

Owns: which exist, what they accept, what they give. Must not know: syntax.
Behaviour follows expr-lang 1.17 `builtin`. Not here: `now` (a condition has no clock), `date`, `timezone`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from canarium.expr.errors import Panic
from canarium.expr.types import ANY, ARRAY, FLOAT, INT, Nature, nature
from canarium.expr.values import (
    AnyMap,
    Duration,
    FloatSlice,
    IntSlice,
    Pair,
    PairSlice,
    StringSlice,
    Uint8,
    assert_type,
    equal,
    go_print,
    go_quote,
    is_number,
    kind_name,
    to_int,
    type_name,
    wrap,
)
from canarium.text.gojson import go_json

PREDICATES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex", "groupBy"),
        ("expr", "predicate"),
    ),
    "count": ("expr", "predicate?"),
    "sum": ("expr", "predicate?"),
    "sortBy": ("expr", "predicate", "expr?"),
    "reduce": ("expr", "predicate", "expr?"),
}
"""Functions that take a predicate, with the shape of their arguments; `?` may be left out."""

MAX_SIZE = 1_000_000
"""Elements that a run may build, and the longest text that `repeat` makes (upstream's memory budget)."""

_MAX_NESTING = 100


class ArgumentError(Exception):
    """Arguments that a function does not take, found before the condition runs."""


class Spec(NamedTuple):
    """validate: from argument types to the result's type, or signatures: Go function types, the first that fits."""

    run: Callable[..., Any]
    validate: Callable[[list[Nature]], Nature] | None = None
    signatures: tuple[str, ...] = ()


def _one(result: Nature | None, accepts: Sequence[str], problem: str) -> Callable[[list[Nature]], Nature]:
    def validate(kinds: list[Nature]) -> Nature:
        if len(kinds) != 1:
            raise ArgumentError(f"invalid number of arguments (expected 1, got {len(kinds)})")
        if not _accepted(kinds[0], accepts):
            raise ArgumentError(problem.format(_shown(kinds[0])))
        return kinds[0] if result is None else result

    return validate


def _accepted(kind: Nature, accepts: Sequence[str]) -> bool:
    if kind.is_unknown or (kind.is_number and "number" in accepts):
        return True
    return kind.kind in accepts


def _shown(kind: Nature) -> str:
    return "%!s(<nil>)" if kind.is_nil else str(kind)


def _aggregate(name: str) -> Callable[[list[Nature]], Nature]:
    def validate(kinds: list[Nature]) -> Nature:
        if not kinds:
            raise ArgumentError(f"not enough arguments to call {name}")
        for kind in kinds:
            if kind.is_unknown or kind.is_array:
                return ANY
            if not kind.is_number:
                raise ArgumentError(f"invalid argument for {name} (type {_shown(kind)})")
        return kinds[0]

    return validate


def _ends(name: str) -> Callable[[list[Nature]], Nature]:
    check = _one(None, ("slice",), f"cannot get {name} element from {{}}")

    def validate(kinds: list[Nature]) -> Nature:
        kind = check(kinds)
        return ANY if kind.is_unknown else nature(kind.name).elem()  # what Go's type says, no more

    return validate


def _validate_take(kinds: list[Nature]) -> Nature:
    if len(kinds) != 2:
        raise ArgumentError(f"invalid number of arguments (expected 2, got {len(kinds)})")
    if not _accepted(kinds[0], ("slice",)):
        raise ArgumentError(f"cannot take from {_shown(kinds[0])}")
    if not kinds[1].is_unknown and not kinds[1].is_integer:
        raise ArgumentError(f"cannot take {_shown(kinds[1])} elements")
    return kinds[0]


def _validate_concat(kinds: list[Nature]) -> Nature:
    if not kinds:
        raise ArgumentError("invalid number of arguments (expected at least 1, got 0)")
    for kind in kinds:
        if not _accepted(kind, ("slice",)):
            raise ArgumentError(f"cannot concat {_shown(kind)}")
    return ARRAY


def _len(value: Any) -> int:
    if isinstance(value, (list, dict, str, bytes)):
        return len(value)
    raise Panic(f"invalid argument for len (type {type_name(value)})")


def _type(value: Any) -> str:
    if value is None:
        return "nil"
    name = type_name(value)
    if "." in name and not name.startswith(("func", "[", "map")):
        return name
    kind = kind_name(value)
    return {"slice": "array", "float64": "float", "int64": "int", "uint8": "uint"}.get(kind, kind)


def _number(value: Any, name: str) -> Any:
    if not is_number(value):
        raise Panic(f"invalid argument for {name} (type {type_name(value)})")
    return value


def _abs(value: Any) -> Any:
    number = _number(value, "abs")
    return number if number >= 0 or number != number else (-number if isinstance(number, float) else wrap(-number))


def _rounding(name: str, rule: Callable[[float], float]) -> Callable[[Any], float]:
    def run(value: Any) -> float:
        number = float(_number(value, name))
        return math.copysign(rule(number), number) if math.isfinite(number) else number

    return run


def _round_half_away(number: float) -> float:
    whole = float(math.trunc(number))
    return whole + math.copysign(1.0, number) if abs(number - whole) >= 0.5 else math.copysign(whole, number)


def _int(value: Any) -> int:
    if isinstance(value, str):
        if re.fullmatch(r"[+-]?[0-9]+", value, re.ASCII) and len(value) < 30 and -(2**63) <= int(value) < 2**63:
            return int(value)
        raise Panic(f"invalid operation: int({value})")
    if isinstance(value, Duration):
        return int(value)
    if value is None:
        raise Panic("reflect: call of reflect.Value.Type on zero Value")
    return to_int(value)


_GO_FLOAT = r"[+-]?(?:inf|infinity|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"


def parse_float(text: str) -> float | None:
    """strconv.ParseFloat for decimals; None where it fails. Overflow fails, as in Go."""
    if not re.fullmatch(_GO_FLOAT, text, re.ASCII | re.IGNORECASE) or re.fullmatch(r"[+-]nan", text, re.IGNORECASE):
        return None
    number = float(text)
    return None if math.isinf(number) and "n" not in text.lower() else number


def _float(value: Any) -> float:
    if isinstance(value, str):
        number = parse_float(value)
        if number is None:
            raise Panic(f"invalid operation: float({value})")
        return number
    if not is_number(value):
        raise Panic(f"invalid operation: float({type_name(value)})")
    return float(value)


def _text(value: Any) -> str:
    return str(assert_type(value, "string"))


_GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def _trim(text: Any, cutset: Any = None) -> str:
    return _text(text).strip(_GO_SPACE) if cutset is None else _strip(_text(text), _text(cutset))


def _strip(text: str, cutset: str) -> str:
    return text.strip(cutset) if cutset else text


def _trim_prefix(text: Any, part: Any = " ") -> str:
    part = _text(part)
    return _text(text).removeprefix(part)


def _trim_suffix(text: Any, part: Any = " ") -> str:
    part = _text(part)
    return _text(text).removesuffix(part)


def _split(text: Any, separator: Any, limit: Any = None, *, keep: bool = False) -> StringSlice:
    text, separator = _text(text), _text(separator)
    count = -1 if limit is None else to_int(limit)
    if count == 0:
        return StringSlice()
    if separator:
        parts = text.split(separator, count - 1 if count > 0 else -1)
        return StringSlice([part + separator for part in parts[:-1]] + parts[-1:] if keep else parts)
    if 0 < count < len(text):
        return StringSlice([*text[: count - 1], text[count - 1 :]])
    return StringSlice(text)


def _replace(text: Any, old: Any, new: Any, count: Any = -1) -> str:
    limit = to_int(count)
    result = _text(text).replace(_text(old), _text(new), limit if limit >= 0 else -1)
    if len(result) > MAX_SIZE:
        raise Panic("memory budget exceeded")
    return result


def _repeat(text: Any, count: Any) -> str:
    text, times = _text(text), to_int(count)
    if times < 0:
        raise Panic(f"invalid argument for repeat (expected positive integer, got {times})")
    if times > MAX_SIZE or len(text.encode()) * times >= MAX_SIZE:
        raise Panic("memory budget exceeded")
    return str(text) * times


def _join(parts: Any, glue: Any = "") -> str:
    glue = _text(glue)
    if type(parts) not in (list, StringSlice):
        shown = "%!s(<nil>)" if parts is None else type_name(parts)
        raise Panic(f"invalid argument for join (type {shown})")
    return str(glue).join(map(_text, parts))


def _index_of(text: Any, part: Any, *, last: bool = False) -> int:
    inside, wanted = _text(text).encode(), _text(part).encode()
    return inside.rfind(wanted) if last else inside.find(wanted)


def _numbers(name: str, values: Sequence[Any], depth: int = 0) -> list[Any]:
    """All numbers, those in arrays included."""
    if depth > _MAX_NESTING:
        raise Panic("recursion depth exceeded")
    found: list[Any] = []
    for value in values:
        if isinstance(value, list):
            found.extend(_numbers(name, value, depth + 1))
        elif is_number(value):
            found.append(value)
        else:
            raise Panic(f"invalid argument for {name} (type {type_name(value)})")
    return found


def _extreme(name: str, replaces: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        if len(values) == 1 and not is_number(values[0]) and not isinstance(values[0], list):
            return values[0]
        best: Any = None
        for value in _numbers(name, values):
            if best is None or replaces(best, value):
                best = value
        return best

    return run


def _mean(*values: Any) -> float:
    numbers = _numbers("mean", values)
    total = 0.0
    for number in numbers:
        total += float(number)  # in order, as upstream adds: math.fsum would differ in the last digit
    return total / len(numbers) if numbers else 0.0


def _median(*values: Any) -> float:
    numbers = sorted((float(number) for number in _numbers("median", values)), key=lambda n: (n == n, n))
    middle = len(numbers) // 2
    if not numbers:
        return 0.0
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


def _to_json(value: Any) -> str:
    compact = go_json(_plain(value))
    return _indent(json.loads(compact))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise Panic(f"json: unsupported type: {type_name(value)}")


def _indent(value: Any, level: int = 0) -> str:
    """json.MarshalIndent with two blanks."""
    inner, outer = "  " * (level + 1), "  " * level
    if isinstance(value, dict) and value:
        lines = [f"{inner}{go_json(key)}: {_indent(value[key], level + 1)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + _indent(item, level + 1) for item in value) + f"\n{outer}]"
    return go_json(value)


def _from_json(text: Any) -> Any:
    try:
        return json.loads(_text(text), parse_int=float, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc):
            raise Panic("unexpected end of JSON input") from None
        wanted = "looking for beginning of value" if error.msg == "Expecting value" else f"in JSON: {error.msg}"
        raise Panic(f"invalid character '{error.doc[error.pos]}' {wanted}") from None
    except (ValueError, RecursionError) as error:
        raise Panic(str(error)) from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _to_base64(text: Any) -> str:
    import base64  # here and below: rarely wanted, and start-up time is a feature

    return base64.b64encode(_text(text).encode()).decode()


def _from_base64(text: Any) -> str:
    import base64

    try:
        return base64.b64decode(_text(text).encode(), validate=True).decode("utf-8", "replace")
    except ValueError:
        raise Panic("illegal base64 data at input byte 0") from None


_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)"


def _duration(text: Any) -> Duration:
    text = _text(text)
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return Duration(0)
    total, at = 0, 0
    pattern = re.compile(_PART, re.ASCII)
    while at < len(rest):
        part = pattern.match(rest, at)
        if part is None:
            break
        whole, _, fraction = part[1].partition(".")
        unit = _UNITS[part[2]]
        total += int(whole or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        at = part.end()
    if not rest or at < len(rest) or total >= 2**63:
        problem = "missing unit in" if re.fullmatch(r"\d+\.?\d*", rest[at:]) else "invalid"
        raise Panic(f"time: {problem} duration {go_quote(text)}")
    return Duration(sign * total)


def _first(value: Any) -> Any:
    return get(value, 0) if isinstance(value, (list, str, bytes)) else None


def _last(value: Any) -> Any:
    return get(value, -1) if isinstance(value, (list, str, bytes)) else None


def get(container: Any, key: Any) -> Any:
    """The element or None: `get` never fails for want of an element."""
    if isinstance(container, dict):
        return container.get("" if key is None else map_key(container, key))
    if isinstance(container, (list, str, bytes)):
        index = to_int(key)
        items = container.encode() if isinstance(container, str) else container
        index += len(items) if index < 0 else 0
        if not 0 <= index < len(items):
            return None
        return Uint8(items[index]) if isinstance(items, bytes) else items[index]
    return None


def map_key(container: dict[Any, Any], key: Any) -> Any:
    """The key as Go's reflection accepts it for this map."""
    if not isinstance(key, str) and type(container) is dict:
        raise Panic(f"reflect.Value.MapIndex: value of type {type_name(key)} is not assignable to type string")
    if isinstance(key, (list, dict)):
        raise Panic(f"hash of unhashable type: {type_name(key)}")
    return key


def _take(items: Any, count: Any) -> Any:
    if not isinstance(items, list):
        raise Panic(f"cannot take from {_kind(items)}")
    if not isinstance(count, int) or isinstance(count, bool):
        raise Panic(f"cannot take {_kind(count)} elements")
    if count < 0:
        raise Panic("reflect.Value.Slice: slice index out of bounds")
    return type(items)(items[:count])


def _kind(value: Any) -> str:
    kind = kind_name(value)
    return "invalid" if kind == "zero" else kind


def _of_map(name: str, rule: Callable[[dict[Any, Any]], list[Any]]) -> Callable[[Any], list[Any]]:
    def run(value: Any) -> list[Any]:
        if not isinstance(value, dict):
            raise Panic(name.format(_kind(value)))
        return rule(value)  # in insertion order, where Go's is random: a verdict must not depend on chance

    return run


def _verb_s(value: Any) -> str:
    """Go's `%s` of a reflect.Value, which suits only strings."""
    if value is None:
        return "<invalid reflect.Value>"
    return value if isinstance(value, str) else f"%!s({type_name(value)}={go_print(value)})"


def _from_pairs(pairs: Any) -> AnyMap:
    if not isinstance(pairs, list):
        raise Panic(f"cannot transform {_verb_s(pairs)} from pairs")
    result = AnyMap()
    for pair in pairs:
        if not isinstance(pair, list):
            raise Panic(f"invalid pair {go_print(pair)}")
        if len(pair) != 2:
            raise Panic(f"invalid pair length {go_print(pair)}")
        result[map_key(result, pair[0])] = pair[1]
    return result


def _array(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Panic(f"cannot {name} {_kind(value)}")
    return value


def _uniq(value: Any) -> list[Any]:
    result: list[Any] = []
    for item in _array("uniq", value):
        if not any(equal(item, seen) for seen in result):
            result.append(item)
    return result


def _flatten(value: Any, depth: int = 0) -> list[Any]:
    if depth > _MAX_NESTING:
        raise Panic("recursion depth exceeded")
    result: list[Any] = []
    for item in _array("flatten", value):
        if isinstance(item, list):
            result.extend(_flatten(item, depth + 1))
        else:
            result.append(item)
    return result


def _concat(*arrays: Any) -> list[Any]:
    return [item for array in arrays for item in _array("concat", array)]


def _sort(items: Any, order: Any = "asc") -> list[Any]:
    if not isinstance(order, str):
        raise Panic(f"sort order argument must be a string (got {type_name(order)})")
    if order not in ("asc", "desc"):
        raise Panic(f"invalid order {order}, expected asc or desc")
    if type(items) not in (list, IntSlice, FloatSlice, StringSlice):
        return []
    return sort_values(list(items), list(items), is_descending=order == "desc")


def sort_values(items: list[Any], keys: list[Any], *, is_descending: bool) -> list[Any]:
    """Items ordered by their keys; keys that have no order between them are a Panic."""
    numbers = sum(map(is_number, keys))
    texts = sum(isinstance(key, str) for key in keys)
    durations = sum(isinstance(key, Duration) for key in keys)
    if len(keys) > 1 and len(keys) not in (numbers, texts, durations):
        odd = next(key for key in keys if type_name(key) != type_name(keys[0]) or not (numbers or texts or durations))
        raise Panic(f"invalid operation: {type_name(odd)} < {type_name(keys[0])}")
    order = sorted(range(len(items)), key=lambda index: keys[index], reverse=False)
    if is_descending:
        order = sorted(range(len(items)), key=lambda index: keys[index], reverse=True)
    return [items[index] for index in order]


def _bits(name: str, rule: Callable[[int, int], int], *, shifts: bool = False) -> Callable[[Any, Any], int]:
    def run(left: Any, right: Any) -> int:
        for value in (left, right):
            if not isinstance(value, int) or isinstance(value, (bool, Duration)):
                raise Panic(f"cannot use {type_name(value)} as argument (type int) to call {name}")
        if shifts and right < 0:
            raise Panic(f"invalid operation: negative shift count {right} (type int)")
        return wrap(rule(left, min(right, 64) if shifts else right))

    return run


def _bitnot(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, (bool, Duration)):
        raise Panic(f"cannot use {type_name(value)} as argument (type int) to call bitnot")
    return ~value


_ANY_ARRAY = Nature("[]interface {}")
_STR1 = "func(string) string"
_STR2 = "func(string, string) string"
_BIT = ("func(int, int) int",)
_SORTABLE = ("[]interface {}", "[]int", "[]float64", "[]string")

BUILTINS: dict[str, Spec] = {
    **{name: Spec(run=lambda *_: None) for name in PREDICATES},
    "len": Spec(_len, _one(INT, ("slice", "map", "string"), "invalid argument for len (type {})")),
    "type": Spec(_type, signatures=("func(interface {}) string",)),
    "abs": Spec(_abs, _one(None, ("number",), "invalid argument for abs (type {})")),
    "ceil": Spec(_rounding("ceil", math.ceil), _one(FLOAT, ("number",), "invalid argument for ceil (type {})")),
    "floor": Spec(_rounding("floor", math.floor), _one(FLOAT, ("number",), "invalid argument for floor (type {})")),
    "round": Spec(
        _rounding("round", _round_half_away), _one(FLOAT, ("number",), "invalid argument for round (type {})")
    ),
    "int": Spec(_int, _one(INT, ("number", "string"), "invalid argument for int (type {})")),
    "float": Spec(_float, _one(FLOAT, ("number", "string"), "invalid argument for float (type {})")),
    "string": Spec(go_print, signatures=("func(interface {}) string",)),
    "trim": Spec(_trim, signatures=(_STR1, _STR2)),
    "trimPrefix": Spec(_trim_prefix, signatures=(_STR2, _STR1)),
    "trimSuffix": Spec(_trim_suffix, signatures=(_STR2, _STR1)),
    "upper": Spec(lambda text: _text(text).upper(), signatures=(_STR1,)),
    "lower": Spec(lambda text: _text(text).lower(), signatures=(_STR1,)),
    "split": Spec(_split, signatures=("func(string, string) []string", "func(string, string, int) []string")),
    "splitAfter": Spec(
        lambda *arguments: _split(*arguments, keep=True),
        signatures=("func(string, string) []string", "func(string, string, int) []string"),
    ),
    "replace": Spec(
        _replace, signatures=("func(string, string, string, int) string", "func(string, string, string) string")
    ),
    "repeat": Spec(_repeat, signatures=("func(string, int) string",)),
    "join": Spec(
        _join,
        signatures=(
            "func([]string, string) string",
            "func([]interface {}, string) string",
            "func([]interface {}) string",
            "func([]string, string) string",
            "func([]string) string",
        ),
    ),
    "indexOf": Spec(_index_of, signatures=("func(string, string) int",)),
    "lastIndexOf": Spec(lambda text, part: _index_of(text, part, last=True), signatures=("func(string, string) int",)),
    "hasPrefix": Spec(
        lambda text, part: _text(text).startswith(_text(part)), signatures=("func(string, string) bool",)
    ),
    "hasSuffix": Spec(lambda text, part: _text(text).endswith(_text(part)), signatures=("func(string, string) bool",)),
    "max": Spec(_extreme("max", lambda best, value: best < value), _aggregate("max")),
    "min": Spec(_extreme("min", lambda best, value: best > value), _aggregate("min")),
    "mean": Spec(_mean, _aggregate("mean")),
    "median": Spec(_median, _aggregate("median")),
    "toJSON": Spec(_to_json, signatures=("func(interface {}) string",)),
    "fromJSON": Spec(_from_json, signatures=("func(string) interface {}",)),
    "toBase64": Spec(_to_base64, signatures=(_STR1,)),
    "fromBase64": Spec(_from_base64, signatures=(_STR1,)),
    "duration": Spec(_duration, signatures=("func(string) time.Duration",)),
    "first": Spec(_first, _ends("first")),
    "last": Spec(_last, _ends("last")),
    "get": Spec(get),
    "take": Spec(_take, _validate_take),
    "keys": Spec(_of_map("cannot get keys from {}", list), _one(ARRAY, ("map",), "cannot get keys from {}")),
    "values": Spec(
        _of_map("cannot get values from {}", lambda m: list(m.values())),
        _one(ARRAY, ("map",), "cannot get values from {}"),
    ),
    "toPairs": Spec(
        _of_map("cannot transform {} to pairs", lambda m: PairSlice(map(Pair, m.items()))),
        _one(ARRAY, ("map",), "cannot transform {} to pairs"),
    ),
    "fromPairs": Spec(
        _from_pairs, _one(nature("map[interface {}]interface {}"), ("slice",), "cannot transform {} from pairs")
    ),
    "reverse": Spec(lambda items: _array("reverse", items)[::-1], _one(ARRAY, ("slice",), "cannot reverse {}")),
    "uniq": Spec(_uniq, _one(ARRAY, ("slice",), "cannot uniq {}")),
    "concat": Spec(_concat, _validate_concat),
    "flatten": Spec(_flatten, _one(ARRAY, ("slice",), "cannot flatten {}")),
    "sort": Spec(
        _sort,
        signatures=(
            *(f"func({kind}, string) []interface {{}}" for kind in _SORTABLE),
            *(f"func({kind}) []interface {{}}" for kind in ("[]interface {}", "[]float64", "[]string", "[]int")),
        ),
    ),
    "bitand": Spec(_bits("bitand", lambda x, y: x & y), signatures=_BIT),
    "bitor": Spec(_bits("bitor", lambda x, y: x | y), signatures=_BIT),
    "bitxor": Spec(_bits("bitxor", lambda x, y: x ^ y), signatures=_BIT),
    "bitnand": Spec(_bits("bitnand", lambda x, y: x & ~y), signatures=_BIT),
    "bitshl": Spec(_bits("bitshl", lambda x, y: x << y, shifts=True), signatures=_BIT),
    "bitshr": Spec(_bits("bitshr", lambda x, y: x >> y, shifts=True), signatures=_BIT),
    "bitushr": Spec(_bits("bitushr", lambda x, y: (x % 2**64) >> y, shifts=True), signatures=_BIT),
    "bitnot": Spec(_bitnot, signatures=("func(int) int",)),
}
"""Every built-in function by name; those with a predicate are run by the evaluator."""
