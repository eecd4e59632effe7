"""How long ago, in few letters: the AGE of kubectl and the delays of the Rollouts plugin.

Owns: durations as people read them. Must not know: clocks.
Behaviour follows `duration.HumanDuration` of apimachinery.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from canarium.kube.objects import Obj, parse_time

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_YEAR: Final = 365 * _DAY


def human_duration(duration: timedelta) -> str:
    """A duration in its one or two largest units: `119s`, `2m5s`, `10m`, `3h`, `7d23h`, `2y`.

    More than a second below zero is `<invalid>`.
    """
    seconds = int(duration.total_seconds())
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE:
        return _two(seconds, _MINUTE, "m", 1, "s")
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 8 * _HOUR:
        return _two(seconds, _HOUR, "h", _MINUTE, "m")
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < 8 * _DAY:
        return _two(seconds, _DAY, "d", _HOUR, "h")
    if seconds < 2 * _YEAR:
        return f"{seconds // _DAY}d"
    if seconds < 8 * _YEAR:
        return _two(seconds, _YEAR, "y", _DAY, "d")
    return f"{seconds // _YEAR}y"


def _two(seconds: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    rest = seconds % large // small
    return f"{seconds // large}{large_unit}" + (f"{rest}{small_unit}" if rest else "")


def age(obj: Obj, now: datetime) -> str:
    """How long ago an object was created; `<unknown>` before the API server stamped it."""
    return age_since(obj["metadata"].get("creationTimestamp"), now)


def age_since(created: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 time was; `<unknown>` without one."""
    return human_duration(now - parse_time(created)) if created else "<unknown>"
