"""Floats in the words of Go.

Owns: printing a float as Go's %g does, for texts that must read as upstream's. Must not know: anything else.
Source: Go `strconv.FormatFloat(f, 'g', -1, 64)` and `'f'`.
"""

from __future__ import annotations

import math
from decimal import Decimal


def go_g(value: float) -> str:
    """As %g: shortest digits that read back the same, exponent form from 1e+06 on and below 1e-04."""
    if not math.isfinite(value):
        return _special(value)
    if value == 0:
        return "-0" if math.copysign(1.0, value) < 0 else "0"
    text = _exponent(value)
    power = int(text.partition("e")[2])
    return text if power < -4 or power >= 6 else go_f(value)


def go_api(value: float) -> str:
    """As the HTTP API writes sample values: without an exponent, but for very small and very large numbers."""
    if value != 0 and math.isfinite(value) and not 1e-6 <= abs(value) < 1e21:
        return _exponent(value)
    return go_f(value)


def _exponent(value: float) -> str:
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    power = int(exponent)
    return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def go_f(value: float) -> str:
    """As 'f' with precision -1: shortest digits, never an exponent; this is how `count_values` writes values."""
    if not math.isfinite(value):
        return _special(value)
    if value == 0:
        return "-0" if math.copysign(1.0, value) < 0 else "0"
    return f"{Decimal(repr(value)).normalize():f}"


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"
