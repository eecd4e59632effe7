"""Where a number or duration ends in the text, and where it stops being one.

Owns: the shapes of NUMBER and DURATION tokens, odd ones included. Must not know: what they are worth (`literals`).
Specified by Prometheus 3.x `scanNumber` and `acceptRemainingDuration` in `promql/parser/lex.go`.
"""

from __future__ import annotations

ALPHA = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
DIGITS = frozenset("0123456789")
HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_ALPHANUMERIC = ALPHA | DIGITS


def scan_number(data: str, pos: int) -> tuple[int, bool]:
    """Scan a number from `pos`: where scanning stopped, and whether a number ends there."""
    at = pos
    digits = DIGITS
    seen_dot = seen_exponent = False
    if data.startswith("0", at):
        at += 1
        if data[at : at + 1] in ("x", "X"):
            at += 2 if data[at + 1 : at + 2] == "_" else 1
            digits = HEX_DIGITS
    # A dot here does not count, so `0.5.` passes for a number until its value is asked for.
    if data.startswith(".", at):
        at += 1
    if data[at : at + 1] in digits:
        at += 1
    while at < len(data):
        char = data[at]
        if char == ".":
            if seen_dot:
                return at + 1, False
            seen_dot = True
            at += 1
            if data[at : at + 1] in ("_", "."):
                return at + 1, False
            if digits is HEX_DIGITS:
                return at, False
        elif char in "eE":
            # Also in hexadecimal numbers, though only where a run of digits begins: upstream does.
            if seen_exponent:
                return at + 1, False
            seen_exponent = True
            at += 1
            if data[at : at + 1] in ("+", "-"):
                at += 1
            if at >= len(data):
                return at, False
            if data[at] in "._eE":
                return at + 1, False
        elif char == "_":
            at += 1
            if at >= len(data):
                return at, False
            if data[at] in "._eE":
                return at + 1, False
        elif char in digits:
            while at < len(data) and data[at] in digits:
                at += 1
        else:
            break
    if at == pos:
        return at, False
    return at, not (at < len(data) and data[at] in _ALPHANUMERIC)


def scan_rest_of_duration(data: str, at: int) -> tuple[int, bool]:
    """Scan units from `at`, behind the digits of a duration; as `scan_number`."""
    size = len(data)
    units = "smhdwy"
    while True:
        if at >= size or data[at] not in units:
            return at, False
        at += 1
        if at < size and data[at] == "s":
            at += 1
        if at >= size or data[at] not in DIGITS:
            break
        while at < size and data[at] in DIGITS:
            at += 1
        units = "smhdw"
    if at < size and data[at] in _ALPHANUMERIC:
        return at + 1, False
    return at, True
