"""Pausing and aborting: what a pass asks for, and what becomes of the status.

Owns: pause reasons, the requests of one pass, their effect on status. Must not know: why somebody asked.
Behaviour follows `rollout/pause.go` of Argo Rollouts 1.10.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from canarium.kube.objects import format_time, later, parse_time
from canarium.rollouts.strategies.canary.steps import pause_seconds
from canarium.rollouts.types import Pause, PauseCondition, RolloutStatus

CANARY_PAUSE_STEP: Final = "CanaryPauseStep"
INCONCLUSIVE_ANALYSIS: Final = "InconclusiveAnalysisRun"


class PauseRequests(msgspec.Struct):
    """What one pass wants about pauses and aborts. Collected along the way, applied once at its end."""

    added: list[str] = msgspec.field(default_factory=list)
    removed: list[str] = msgspec.field(default_factory=list)
    is_cleared: bool = False
    is_abort_added: bool = False
    is_abort_removed: bool = False
    abort_message: str = ""

    def abort(self, message: str) -> None:
        """Abort the update; the message tells the user why."""
        self.is_abort_added = True
        self.abort_message = message

    def is_aborted(self, before: RolloutStatus) -> bool:
        """Whether the rollout counts as aborted from here on in this pass."""
        return not self.is_abort_removed and (self.is_abort_added or before.abort)

    def apply(self, before: RolloutStatus, status: RolloutStatus, now: datetime) -> RolloutStatus:
        """The new status with abort, abortedAt, pauseConditions and controllerPause."""
        if self.is_abort_added or (before.abort and not self.is_abort_removed):
            return replace(status, abort=True, aborted_at=before.aborted_at or format_time(now))
        status = replace(status, abort=False, aborted_at=None)
        if self.is_cleared:
            return status
        kept = tuple(held for held in before.pause_conditions if held.reason not in self.removed)
        known = {held.reason for held in before.pause_conditions}
        new = tuple(PauseCondition(reason, format_time(now)) for reason in self.added if reason not in known)
        if not kept and not new:
            return status
        return replace(status, pause_conditions=kept + new, controller_pause=before.controller_pause or bool(new))


def pause_ends_at(pause: Pause, held: PauseCondition) -> datetime | None:
    """When a pause step is over; None when it waits for somebody."""
    if pause.duration is None:
        return None
    return later(parse_time(held.start_time), pause_seconds(pause))


def is_pause_over(pause: Pause, status: RolloutStatus, now: datetime) -> bool:
    """The pause step is done: somebody resumed, or its duration has passed (strictly, as upstream compares)."""
    held = status.pause(CANARY_PAUSE_STEP)
    if held is None:
        return status.controller_pause
    ends = pause_ends_at(pause, held)
    return ends is not None and now > ends
