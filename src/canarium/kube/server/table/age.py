"""How long ago, in the few characters a table has room for.

Owns: the text of ages. Must not know: clocks; `now` is an argument; how a duration is written (`text.durations`).
Source: Kubernetes 1.32 printers.go.
"""

from __future__ import annotations

from datetime import datetime

from canarium.text.durations import INVALID, human_duration

UNKNOWN = "<unknown>"
"""What stands where a time was never set."""

_GO_ZERO_TIME = "0001-01-01T00:00:00Z"


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
