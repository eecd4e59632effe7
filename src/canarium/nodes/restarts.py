"""How long a container that ended waits for its next run, and whether it gets one.

Owns: the crash-loop back-off and the restart policy. Must not know: clocks, runtimes.
Moments are monotonic seconds, all on one scale: a clock that is set must not make a container wait for hours.
Source: Kubernetes 1.34 client-go util/flowcontrol/backoff.go as pkg/kubelet uses it (10 s, doubling to 5 min; a run of
more than twice the maximum starts over).
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

INITIAL = timedelta(seconds=10)
MAXIMUM = timedelta(seconds=300)
_STARTS_OVER_SECONDS = 2 * MAXIMUM.total_seconds()


class BackOff(msgspec.Struct, frozen=True):
    """The delay that the next end of a run costs, and when it was last raised."""

    delay: timedelta
    updated: float


def wait_after(back_off: BackOff | None, finished: float) -> timedelta:
    """How long after `finished` the next run starts. The first restart comes at once."""
    if back_off is None or finished - back_off.updated > _STARTS_OVER_SECONDS:
        return timedelta(0)
    return back_off.delay


def raised(back_off: BackOff | None, now: float) -> BackOff:
    """The back-off once a restart was granted at `now`."""
    if back_off is None or now - back_off.updated > _STARTS_OVER_SECONDS:
        return BackOff(INITIAL, now)
    return BackOff(min(back_off.delay * 2, MAXIMUM), now)


def is_restarted(restart_policy: str, exit_code: int) -> bool:
    """Whether the pod's restartPolicy gives a container that ended with `exit_code` another run."""
    return restart_policy == "Always" or (restart_policy == "OnFailure" and exit_code != 0)


def in_words(delay: timedelta) -> str:
    """As Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`."""
    seconds = int(delay.total_seconds())
    return f"{seconds // 60}m{seconds % 60}s" if seconds >= 60 else f"{seconds}s"
