"""Kubernetes quantities (`100m`, `1.5Gi`, `12e6`): their exact value and their canonical text.

Owns: parsing and printing as `resource.Quantity` does. Must not know: which fields hold one.
Behaviour follows apimachinery 0.33/0.34, including the spellings it lets through unchanged (`+5`, `05`, `1.500`).
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from canarium.errors import CanariumError

_SYNTAX = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent // 10: suffix for suffix, exponent in _BINARY.items()}
_NANO = Fraction(1, 10**9)
_MAX = 2**63 - 1
_MAX_EXPONENT = 4096  # far beyond any resource; keeps 1e999999999 from being computed


class InvalidQuantity(CanariumError):
    """Text that is not a quantity."""


def parse_quantity(text: str) -> Fraction:
    """The exact value. Raises InvalidQuantity in apimachinery's words."""
    return _parse(text)[0]


@lru_cache(maxsize=4096)
def canonical_quantity(text: str) -> str:
    """The text that Kubernetes prints for it: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`.

    Raises InvalidQuantity in apimachinery's words.
    """
    text = text.strip()
    value, style, verbatim = _parse(text)
    if verbatim:
        return text
    if value == 0:
        return "0"
    if style == "binary" and abs(value) >= 1024 and value.denominator == 1:
        return _print_binary(int(value))
    return _print_decimal(value, has_exponent=style == "exponent")


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[Fraction, str, bool]:
    """Value, style (decimal, exponent, binary) and whether apimachinery keeps the spelling."""
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
    number = Fraction(int(digits), 10 ** len(fraction))
    negate = -1 if sign == "-" else 1
    if suffix in _BINARY:
        exponent = _BINARY[suffix]
        fits = not fraction and 15 - len(whole) - exponent * 3 // 10 - 1 >= 0
        keeps = fits and int(digits) & 7 != 0 and int(digits) << exponent < 2**63
        value = number * 2**exponent
        if not fits:
            value = min(_round_up(value), Fraction(_MAX))
        return negate * value, "binary" if value >= 1 or value == 0 or fits else "decimal", keeps
    exponent, style = _decimal_exponent(text, suffix)
    value = number * Fraction(10) ** exponent
    scale = exponent - len(fraction)
    fits = 18 - len(digits) >= 0 and scale >= -9
    keeps = fits and scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    return negate * (value if fits else _round_up(value)), style, keeps or text == "0"


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


def _round_up(value: Fraction) -> Fraction:
    """Up to the next nano: whoever asks for a little gets some."""
    nanos = value / _NANO
    return Fraction(-(-nanos.numerator // nanos.denominator)) * _NANO


def _print_binary(value: int) -> str:
    power = 0
    while value % 1024 == 0:
        value //= 1024
        power += 1
    return f"{value}{_BINARY_SUFFIX.get(power, '') if power else ''}"


def _print_decimal(value: Fraction, *, has_exponent: bool) -> str:
    exponent = -9
    mantissa = int(value / _NANO)
    while mantissa % 1000 == 0:
        mantissa //= 1000
        exponent += 3
    if has_exponent:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_DECIMAL_SUFFIX.get(exponent, '')}"
