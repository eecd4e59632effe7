"""How long ago something was made: the AGE of the Rollouts plugin.

Owns: the word for a time that is not there. Must not know: clocks; how a duration is written (`text.durations`).
"""

from __future__ import annotations

from datetime import datetime

from canarium.kube.objects import parse_time
from canarium.text.durations import human_duration


def age_since(created: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 time was; `<unknown>` without one."""
    return human_duration(now - parse_time(created)) if created else "<unknown>"
