"""What an explanation consists of.

Owns: `Explanation` and the facts behind it. Must not know: pages, addresses of pages, how facts are found.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

Tone = Literal["good", "waiting", "attention", "bad"]


class About(NamedTuple):
    """The object that a fact is about. part: of it, such as a metric of an AnalysisRun."""

    kind: str
    namespace: str
    name: str
    part: str = ""


class Fact(msgspec.Struct, frozen=True):
    """One thing that is known. at: RFC 3339, empty for a fact without a time."""

    kind: Literal["measurement", "event", "probe", "condition", "object"]
    text: str
    about: About | None = None
    at: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is where it is.

    lines: at most three sentences, as a story; times in them are absolute, so that they stay true until something
    changes. headline: which of them tells most, for a place with room for one. next_step: what to do, empty when there
    is nothing to do. commands: to type, in that order. reasons: names of the controller's own reasons behind it.
    """

    tone: Tone
    lines: tuple[str, ...]
    evidence: tuple[Fact, ...] = ()
    next_step: str = ""
    commands: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    headline: int = 0


def clock_time(at: datetime, now: datetime) -> str:
    """`09:10:00 UTC`, with its date if that is another day than today's."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    return f"{at:%H:%M:%S} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S} UTC"
