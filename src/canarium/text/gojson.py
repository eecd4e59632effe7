"""JSON exactly as Go's encoding/json prints it, for untyped values and for Go structs given as a table of facts.

Owns: Go's string escaping, number formatting, omitempty, field order, and the Kubernetes types with a JSON form of
their own (Quantity, IntOrString, Time). Must not know: which structs exist; callers bring the table.
Behaviour follows Go 1.24 `encoding/json` with HTML escaping, and apimachinery's `resource.Quantity`.

A table has one line per struct, `Name = field field …`, in Go's order. A field is `name[!][:type]`: `!` prints it even
when empty (the Go tag has no omitempty), and the type, `str` when left out, is built from
`str int float bool quantity intstr time raw`, the name of a struct, `*T` (pointer), `[]T` (slice), `{}T` (map by
string) and `0T` (a value that prints as null while it is zero, as `metav1.Time` did before its tag got omitzero).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from canarium.errors import CanariumError
from canarium.text.quantity import canonical_quantity

Encoder: TypeAlias = Callable[[Any], str]

_HTML = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
_HTML_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


class GoTypeMismatch(CanariumError):
    """A value that Go could not have decoded into the field's type; `field` is its path inside the struct."""


def go_string(text: str) -> str:
    """The string as a JSON literal: <, >, & and the two line separators escaped, lone surrogates replaced."""
    literal = str(encode_basestring(text))
    if _HTML.search(literal):
        return _HTML.sub(lambda found: _HTML_ESCAPES.get(found[0], "\ufffd"), literal)
    return literal


def go_float(number: float) -> str:
    """The shortest decimal that reads back the same; exponents only below 1e-6 and from 1e21 on.

    Raises GoTypeMismatch for NaN and infinities, which have no JSON form.
    """
    if not math.isfinite(number):
        raise GoTypeMismatch(f"json: unsupported value: {number}")
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    digits, exponent = _shortest(number)
    sign = "-" if number < 0 else ""
    if 1e-6 <= abs(number) < 1e21:
        if exponent >= len(digits):
            return sign + digits + "0" * (exponent - len(digits))
        if exponent > 0:
            return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
        return f"{sign}0.{'0' * -exponent}{digits}"
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    power = exponent - 1
    # encoding/json prints e-7 where strconv prints e-07, but leaves e+21 with its plus sign.
    return f"{sign}{mantissa}e{power:+d}"


def _shortest(number: float) -> tuple[str, int]:
    """Significant digits d₁d₂… and the exponent such that the value is 0.d₁d₂… × 10^exponent."""
    mantissa, _, power = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    return digits.rstrip("0"), len(whole) - leading + int(power or 0)


def go_json(value: Any) -> str:
    """`json.Marshal` of an `any`: map keys sorted, no spaces.

    value: JSON as Python decodes it. Raises GoTypeMismatch for anything else.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return go_string(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{go_string(key)}:{go_json(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(go_json, value)) + "]"
    raise GoTypeMismatch(f"json: unsupported type: {type(value).__name__}")


class GoTypes:
    """Structs of a table, ready to marshal. Encoders are built on first use and kept."""

    def __init__(self, table: str) -> None:
        self._lines: dict[str, list[str]] = dict(_words(table))
        self._encoders: dict[str, Encoder] = {}

    def fields(self, struct: str) -> tuple[tuple[str, bool, str], ...]:
        """(name, printed even when empty, type) of each field, in Go's order."""
        return tuple(map(_field, self._lines[struct]))

    def marshal(self, struct: str, value: Mapping[str, Any]) -> str:
        """The JSON that Go prints after decoding `value` into the struct: unknown fields are gone.

        Raises GoTypeMismatch, with the field's path, where decoding would have failed.
        """
        return self._encoder(struct)(value)

    def _encoder(self, kind: str) -> Encoder:
        found = self._encoders.get(kind)
        if found is None:
            found = self._encoders[kind] = self._build(kind)
        return found

    def _build(self, kind: str) -> Encoder:
        if kind in _SCALARS:
            return _SCALARS[kind][0]
        if kind[0] in "*0":
            return self._encoder(kind[1:])
        if kind.startswith("[]"):
            return _list_encoder(self._encoder(kind[2:]), self._zero(kind[2:]))
        if kind.startswith("{}"):
            return _map_encoder(self._encoder(kind[2:]), self._zero(kind[2:]))
        return self._struct_encoder(kind)

    def _later(self, kind: str) -> Encoder:
        """The type's encoder, built when a value of it first comes: most of what a pod may have, no pod has."""
        if kind in _SCALARS:
            return _SCALARS[kind][0]
        return lambda value: self._encoder(kind)(value)

    def _zero(self, kind: str) -> str:
        """How the type's zero value prints."""
        if kind in _SCALARS:
            return _SCALARS[kind][1]
        if kind[0] in "*[{0":
            return "null"
        return self._encoder(kind)({})

    def _struct_encoder(self, struct: str) -> Encoder:
        plan: list[tuple[str, str, Encoder, bool, str | None]] = []
        for name, required, kind in self.fields(struct):
            prefix = go_string(name) + ":"
            is_value = kind in self._lines or kind in ("quantity", "intstr") or kind[0] == "0"
            absent = prefix + self._zero(kind) if required or is_value else None
            # A pointer to an empty value is printed; omitempty drops other empty values but never a struct.
            keeps_empty = required or is_value or kind.startswith(("*", "raw"))
            plan.append((name, prefix, self._later(kind), keeps_empty, absent))

        def encode(value: Any) -> str:
            if type(value) is not dict:
                if value is None:
                    value = {}
                elif not isinstance(value, Mapping):
                    raise _mismatch(value, struct)
            parts = []
            name = ""
            get = value.get
            try:
                for name, prefix, encoder, keeps_empty, absent in plan:
                    item = get(name)
                    if item is None:
                        if absent is not None:
                            parts.append(absent)
                    elif item or keeps_empty:
                        parts.append(prefix + encoder(item))
            except GoTypeMismatch as error:
                raise _inside(name, error) from None
            return "{" + ",".join(parts) + "}"

        return encode


def _words(table: str) -> list[tuple[str, list[str]]]:
    structs: list[tuple[str, list[str]]] = []
    for line in table.splitlines():
        name, equals, rest = line.partition(" = ")
        if equals:
            structs.append((name.strip(), rest.split()))
        elif line.strip():
            structs[-1][1].extend(line.split())
    return structs


@lru_cache(maxsize=1024)
def _field(word: str) -> tuple[str, bool, str]:
    name, _, kind = word.partition(":")
    return name.rstrip("!"), name.endswith("!"), kind or "str"


def _list_encoder(encode_item: Encoder, zero: str) -> Encoder:
    def encode(value: Any) -> str:
        if not isinstance(value, list):
            raise _mismatch(value, "slice")
        index = 0
        parts = []
        try:
            for index, item in enumerate(value):  # noqa: B007 -- the error names the index
                parts.append(zero if item is None else encode_item(item))
        except GoTypeMismatch as error:
            raise _inside(f"[{index}]", error) from None
        return "[" + ",".join(parts) + "]"

    return encode


def _map_encoder(encode_item: Encoder, zero: str) -> Encoder:
    def encode(value: Any) -> str:
        if not isinstance(value, Mapping):
            raise _mismatch(value, "map")
        key = ""
        parts = []
        try:
            for key in sorted(value):
                item = value[key]
                parts.append(go_string(key) + ":" + (zero if item is None else encode_item(item)))
        except GoTypeMismatch as error:
            raise _inside(key, error) from None
        return "{" + ",".join(parts) + "}"

    return encode


_SHAPES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


def _mismatch(value: Any, wanted: str) -> GoTypeMismatch:
    shape = _SHAPES.get(type(value), type(value).__name__)
    return GoTypeMismatch(f"json: cannot unmarshal {shape} into Go value of type {wanted}")


def _inside(name: str, error: GoTypeMismatch) -> GoTypeMismatch:
    separator = "" if not error.field or error.field.startswith("[") else "."
    return GoTypeMismatch(error.problem, field=f"{name}{separator}{error.field}")


def _encode_str(value: Any) -> str:
    if type(value) is not str:
        raise _mismatch(value, "string")
    return go_string(value)


def _encode_int(value: Any) -> str:
    if type(value) is int:
        return str(value)
    if type(value) is float and value.is_integer():
        return str(int(value))  # 9898.0 in YAML is stored, and comes back, as 9898
    raise _mismatch(value, "int32" if not isinstance(value, float) else "int64")


def _encode_float(value: Any) -> str:
    if type(value) is int:
        return go_float(float(value))
    if type(value) is float:
        return go_float(value)
    raise _mismatch(value, "float64")


def _encode_bool(value: Any) -> str:
    if type(value) is not bool:
        raise _mismatch(value, "bool")
    return "true" if value else "false"


def _encode_quantity(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _mismatch(value, "resource.Quantity")
    text = value if isinstance(value, str) else _encode_float(value) if isinstance(value, float) else str(value)
    return f'"{canonical_quantity(text)}"'


def _encode_intstr(value: Any) -> str:
    return _encode_str(value) if isinstance(value, str) else _encode_int(value)


_SCALARS: dict[str, tuple[Encoder, str]] = {
    "str": (_encode_str, '""'),
    "int": (_encode_int, "0"),
    "float": (_encode_float, "0"),
    "bool": (_encode_bool, "false"),
    "quantity": (_encode_quantity, '"0"'),
    "intstr": (_encode_intstr, "0"),
    "time": (_encode_str, "null"),
    "raw": (go_json, "null"),
}
