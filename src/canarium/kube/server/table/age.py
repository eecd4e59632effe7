"""How long ago, in the few characters a table has room for.

Owns: the text of durations and ages. Must not know: clocks; `now` is an argument.
Source: apimachinery util/duration (HumanDuration, ShortHumanDuration); Kubernetes 1.32 printers.go for `<unknown>`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

UNKNOWN = "<unknown>"
"""What stands where a time was never set."""

INVALID = "<invalid>"
"""What stands for a text that is no time, and for a time that is more than a second ahead of us."""

_YEAR_HOURS = 24 * 365
_GO_ZERO_TIME = "0001-01-01T00:00:00Z"


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


def since(at: str | None, now: datetime) -> str:
    """The age of a moment in the API's text form; `<unknown>` when there is none, `<invalid>` when it is no time."""
    if not at or at in ("null", _GO_ZERO_TIME):
        return UNKNOWN
    moment = moment_of(at)
    return INVALID if moment is None else human_duration(now - moment)


def moment_of(at: str | None) -> datetime | None:
    """The moment that a text of the API names; None when it names none. One bad text must not cost a whole table."""
    try:
        moment = datetime.fromisoformat(at or "")
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
