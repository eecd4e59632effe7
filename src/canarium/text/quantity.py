"""Kubernetes quantities (`100m`, `1.5Gi`, `12e6`): their value and their canonical text.

Owns: parsing and printing as `resource.Quantity` does. Must not know: which fields hold one.
Behaviour follows apimachinery 0.33/0.34, including the spellings it lets through unchanged (`+5`, `05`, `1.500`).
Nothing is finer than a billionth, so values are whole numbers of billionths.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from canarium.errors import CanariumError

NANOS_PER_UNIT = 10**9

_SYNTAX = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent // 10: suffix for suffix, exponent in _BINARY.items()}
_MAX = 2**63 - 1
_MAX_EXPONENT = 4096  # far beyond any resource; keeps 1e999999999 from being computed


class InvalidQuantity(CanariumError):
    """Text that is not a quantity."""


class _Parsed(NamedTuple):
    nanos: int
    style: str  # decimal, binary or exponent: how it will be printed
    keeps_spelling: bool


def quantity_nanos(text: str) -> int:
    """The value in billionths, what is finer rounded up. Raises InvalidQuantity in apimachinery's words."""
    return _parse(text.strip()).nanos


def parse_quantity(text: str) -> float:
    """The value as a float, as metrics show it. Raises InvalidQuantity in apimachinery's words."""
    return quantity_nanos(text) / NANOS_PER_UNIT


@lru_cache(maxsize=4096)
def canonical_quantity(text: str) -> str:
    """The text that Kubernetes prints for it: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`.

    Raises InvalidQuantity in apimachinery's words.
    """
    text = text.strip()
    nanos, style, keeps_spelling = _parse(text)
    if keeps_spelling:
        return text
    if nanos == 0:
        return "0"
    if style == "binary" and abs(nanos) >= 1024 * NANOS_PER_UNIT and nanos % NANOS_PER_UNIT == 0:
        return _print_binary(nanos // NANOS_PER_UNIT)
    return _print_decimal(nanos, has_exponent=style == "exponent")


@lru_cache(maxsize=4096)
def _parse(text: str) -> _Parsed:
    found = _SYNTAX.fullmatch(text)
    if not text or not found:
        raise InvalidQuantity(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            next_step=f"Write {text!r} as a number with an optional suffix, such as 500m, 1.5 or 128Mi.",
        )
    sign, whole, fraction, suffix = found[1], found[2].lstrip("0") or "0", found[3] or "", found[4]
    if not found[2] and not fraction and (suffix or found[3] is not None):
        raise InvalidQuantity("unable to parse numeric part of quantity", next_step=f"{text!r} has no digits.")
    digits = whole + fraction
    negate = -1 if sign == "-" else 1
    if suffix in _BINARY:
        power = _BINARY[suffix]
        # Where upstream's fast path applies, it keeps the text; elsewhere it rounds and caps.
        is_fast = not fraction and 15 - len(whole) - power * 3 // 10 - 1 >= 0
        keeps = is_fast and int(digits) & 7 != 0
        nanos = _scaled_up(int(digits) << power, 9 - len(fraction))
        if not is_fast:
            nanos = min(nanos, _MAX * NANOS_PER_UNIT)
        return _Parsed(negate * nanos, "binary", keeps)
    exponent, style = _decimal_exponent(text, suffix)
    scale = exponent - len(fraction)
    is_fast = len(digits) <= 18 and scale >= -9
    keeps = is_fast and scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    return _Parsed(negate * _scaled_up(int(digits), scale + 9), style, keeps or text == "0")


def _decimal_exponent(text: str, suffix: str) -> tuple[int, str]:
    if suffix in _DECIMAL:
        return _DECIMAL[suffix], "decimal"
    if len(suffix) > 1 and suffix[0] in "eE":
        try:
            exponent = int(suffix[1:])
        except ValueError:
            exponent = _MAX_EXPONENT + 1
        if abs(exponent) <= _MAX_EXPONENT:
            return exponent, "exponent"
    raise InvalidQuantity(
        "unable to parse quantity's suffix",
        next_step=f"{text!r}: use n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi or Ei.",
    )


def _scaled_up(number: int, exponent: int) -> int:
    """number × 10^exponent, rounded up: whoever asks for a little gets some."""
    factor: int = 10 ** abs(exponent)
    return number * factor if exponent >= 0 else -(-number // factor)


def _print_binary(value: int) -> str:
    power = 0
    while value % 1024 == 0:
        value //= 1024
        power += 1
    return f"{value}{_BINARY_SUFFIX.get(power, '')}" if power else str(value)


def _print_decimal(nanos: int, *, has_exponent: bool) -> str:
    exponent = -9
    while nanos % 1000 == 0:
        nanos //= 1000
        exponent += 3
    if has_exponent:
        return f"{nanos}e{exponent}" if exponent else str(nanos)
    return f"{nanos}{_DECIMAL_SUFFIX.get(exponent, '')}"
