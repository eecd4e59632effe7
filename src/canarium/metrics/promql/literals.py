"""What number and duration literals are worth.

Owns: the value of a NUMBER or DURATION token, and upstream's complaint when it has none. Must not know: tokens.
Specified by Go's `strconv.ParseInt(text, 0, 64)` then `ParseFloat`, and by `model.ParseDuration` of prometheus/common.
"""

from __future__ import annotations

import math
import re

from canarium.metrics.promql.quoting import quote

_HEX = re.compile(r"0[xX](?:_?[0-9a-fA-F])+")
_OCTAL = re.compile(r"0(?:_?[0-7])+")
_MAX_INT = 2**63 - 1
# Nanoseconds of each unit, biggest first: they must appear in this order, each at most once.
_UNITS = {
    "y": 365 * 86_400 * 10**9,
    "w": 7 * 86_400 * 10**9,
    "d": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
}
_RANK = {unit: rank for rank, unit in enumerate(_UNITS)}
_PART = re.compile(r"([0-9]+)([^0-9]+)")


def number_value(text: str) -> float | str:
    """The value of a number literal, or what upstream says is wrong with it."""
    if text[0] == "0" and len(text) > 1:
        digits = text.replace("_", "")
        if _HEX.fullmatch(text):
            if (value := int(digits, 16)) <= _MAX_INT:
                return float(value)
        # A leading zero means octal; `08`, which is none, falls back to decimal.
        elif _OCTAL.fullmatch(text) and (value := int(digits, 8)) <= _MAX_INT:
            return float(value)
    try:
        number = float(text)
    except ValueError:
        return f'error parsing number: strconv.ParseFloat: parsing "{text}": invalid syntax'
    if math.isinf(number) and text[-1] not in "fFyY":
        return f'error parsing number: strconv.ParseFloat: parsing "{text}": value out of range'
    return number


def duration_seconds(text: str) -> float | str:
    """The seconds that a duration literal stands for, or what upstream says is wrong with it."""
    invalid = f"not a valid duration string: {quote(text)}"
    total, at, rank = 0, 0, -1
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            return invalid
        digits, unit = part.groups()
        # Python refuses to convert endless digits; Go refuses what does not fit 64 bits.
        if len(digits.lstrip("0")) > 20 or int(digits) >= 2**64:
            return invalid
        if unit not in _UNITS:
            return f"unknown unit {quote(unit)} in duration {quote(text)}"
        if _RANK[unit] <= rank:
            return invalid
        rank = _RANK[unit]
        if int(digits) > 2**63 // _UNITS[unit]:
            return "duration out of range"
        total += int(digits) * _UNITS[unit]
        if total > _MAX_INT:
            return "duration out of range"
        at = part.end()
    # As Go's Duration.Seconds(): whole seconds and the fraction are converted apart.
    whole, fraction = divmod(total, 10**9)
    return float(whole) + fraction / 1e9
