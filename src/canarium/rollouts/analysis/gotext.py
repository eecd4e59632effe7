"""Text as Go's standard library writes and reads it, where users see it in analysis.

Owns: `time.ParseDuration`, `%q`, `%v` of a JSON value, `model.SampleValue.String`, `intstr`'s IntValue and String.
Must not know: anything of analysis. Specified by Go's `time`, `strconv` and `fmt`, and apimachinery's `intstr`.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any, Final

from canarium.errors import CanariumError


class InvalidDuration(CanariumError):
    """Text that `time.ParseDuration` refuses, in its words."""


_UNIT_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_NUMBER: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?")
_UNIT: Final = re.compile(r"[^0-9.]*")
_MAX_NANOSECONDS: Final = (1 << 63) - 1


def parse_duration(text: str) -> timedelta:
    """`1h30m`, `1.5s`, `-2ms`, … as Go's time.ParseDuration, to the microsecond. Raises InvalidDuration."""
    rest = text
    sign = 1
    if rest[:1] in ("-", "+"):
        sign = -1 if rest[0] == "-" else 1
        rest = rest[1:]
    if rest == "0":
        return timedelta(0)
    invalid = InvalidDuration(f"time: invalid duration {_quote_bytes(text)}", next_step="Write it as 30s, 5m or 1h30m.")
    if not rest:
        raise invalid
    total = 0
    while rest:
        number = _NUMBER.match(rest)
        assert number is not None, rest
        whole, fraction = number.group(1), number.group(2)
        if not whole and not fraction:
            raise invalid
        rest = rest[number.end() :]
        unit_match = _UNIT.match(rest)
        assert unit_match is not None, rest
        unit = unit_match.group(0)
        if not unit:
            raise InvalidDuration(
                f"time: missing unit in duration {_quote_bytes(text)}", next_step="Add a unit, as in 30s, 5m or 1h30m."
            )
        rest = rest[len(unit) :]
        scale = _UNIT_NANOSECONDS.get(unit)
        if scale is None:
            raise InvalidDuration(
                f"time: unknown unit {_quote_bytes(unit)} in duration {_quote_bytes(text)}",
                next_step="Go knows the units ns, us, ms, s, m and h.",
            )
        total += int(whole or "0") * scale
        if fraction:
            total += int(fraction) * scale // 10 ** len(fraction)
        if total > _MAX_NANOSECONDS:
            raise invalid
    return timedelta(microseconds=sign * (total // 1000))


def _quote_bytes(text: str) -> str:
    """As the `time` package quotes: whatever is not printable ASCII byte by byte."""
    out = []
    for byte in text.encode():
        if byte in b'"\\':
            out.append("\\" + chr(byte))
        else:
            out.append(chr(byte) if 0x20 <= byte < 0x80 else f"\\x{byte:02x}")
    return f'"{"".join(out)}"'


_ESCAPES: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}


def quote(text: str) -> str:
    """`%q`, as strconv.Quote: printable characters stay, the rest is escaped Go's way."""
    out = ['"']
    for char in text:
        escape = _ESCAPES.get(char)
        if escape is not None:
            out.append(escape)
        elif char.isprintable():
            out.append(char)
        elif ord(char) < 0x80:
            out.append(f"\\x{ord(char):02x}")
        elif ord(char) < 0x10000:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(f"\\U{ord(char):08x}")
    out.append('"')
    return "".join(out)


def _digits(value: float, *, small: int, large: int, exponent_digits: int = 2) -> str:
    """The shortest decimal that reads back as `value`; an exponent below 10**small or from 10**large on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1.0, value) < 0 else "0"
    mantissa, _, exponent_text = f"{value!r}".lower().partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    exponent = int(exponent_text or "0")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + exponent - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if point - 1 < small or point - 1 >= large:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        power = point - 1
        return f"{sign}{digits[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):0{exponent_digits}d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def format_sample(value: float) -> str:
    """A sample value as Prometheus' model prints it: plain decimals, never an exponent; `NaN`, `+Inf`, `-Inf`."""
    return _digits(value, small=-10_000, large=10_000)


def format_any(value: Any) -> str:
    """`%v` of a decoded JSON scalar: every number is a float64 there, so a million is `1e+06`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _digits(float(value), small=-4, large=6)
    return str(value)


_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def int_value(value: int | str | float | None) -> int:
    """An IntOrString as a number: text that is no integer counts as 0 (intstr.IntValue)."""
    if value is None:
        return 0
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else 0
    return int(value)
