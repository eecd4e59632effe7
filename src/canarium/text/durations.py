"""How long, in the few characters that a table or a line has room for.

Owns: the text of durations. Must not know: clocks, objects.
Source: apimachinery util/duration (HumanDuration, ShortHumanDuration).
"""

from __future__ import annotations

from datetime import timedelta

INVALID = "<invalid>"
"""What stands for a time that is more than a second ahead of us."""

_YEAR_HOURS = 24 * 365


def human_duration(span: timedelta) -> str:
    """Two or three significant figures: `90s`, `4m5s`, `3h20m`, `5d3h`, `2y12d`. More than a second negative is
    `<invalid>`; a second of clock skew is forgiven."""
    seconds = int(span.total_seconds())
    if seconds < -1:
        return INVALID
    if seconds < 120:
        return f"{max(seconds, 0)}s"
    minutes = seconds // 60
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if hours < 2 * _YEAR_HOURS:
        return f"{days}d"
    if hours < 8 * _YEAR_HOURS:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def short_human_duration(span: timedelta) -> str:
    """One figure, the largest unit that is not nought: `59s`, `4m`, `23h`, `5d`, `2y`."""
    seconds = int(span.total_seconds())
    if seconds < -1:
        return INVALID
    for size, unit in ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
