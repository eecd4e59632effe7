"""The signs that stand for states and kinds, and their colours.

Owns: icons, tags, ANSI colours. Must not know: terminals, and whether colour is wanted.
Source: `pkg/kubectl-argo-rollouts/info/info.go` and `cmd/get/get.go`, Argo Rollouts 1.10.
"""

from __future__ import annotations

from typing import Final

WAITING: Final = "◷"
PROGRESSING: Final = "◌"
WARNING: Final = "⚠"
UNKNOWN: Final = "?"
OK: Final = "✔"
BAD: Final = "✖"
PAUSED: Final = "॥"
NEUTRAL: Final = "•"

ROLLOUT: Final = "⟳"
REVISION: Final = "#"
REPLICA_SET: Final = "⧉"
POD: Final = "□"
JOB: Final = "⊞"
EXPERIMENT: Final = "Σ"
ANALYSIS: Final = "α"

_ROLLOUT_ICONS: Final = {
    "Progressing": PROGRESSING,
    "Error": WARNING,
    "InvalidSpec": WARNING,
    "Paused": PAUSED,
    "Healthy": OK,
    "Degraded": BAD,
    "Unknown": UNKNOWN,
    "ScaledDown": NEUTRAL,
}
_REPLICA_SET_ICONS: Final = {"Progressing": PROGRESSING, "Healthy": OK, "ReplicaFailure": BAD, "ScaledDown": NEUTRAL}
_ANALYSIS_ICONS: Final = {
    "Successful": OK,
    "Inconclusive": UNKNOWN,
    "Failed": BAD,
    "Error": WARNING,
    "Running": PROGRESSING,
    "Pending": WAITING,
}
_POD_ICONS: Final = {
    "Pending": PROGRESSING,
    "Terminating": PROGRESSING,
    "ContainerCreating": PROGRESSING,
    "Running": OK,
    "Completed": OK,
    "Failed": BAD,
    "InvalidImageName": BAD,
    "CrashLoopBackOff": BAD,
    "ImagePullBackOff": WARNING,
    "RegistryUnavailable": WARNING,
    "Unknown": UNKNOWN,
}

_YELLOW, _GREEN, _RED, _BRIGHT_BLUE, _PLAIN = 33, 32, 31, 94, 0
_COLORS: Final = {
    WAITING: _YELLOW,
    PROGRESSING: _BRIGHT_BLUE,
    WARNING: _RED,
    UNKNOWN: _YELLOW,
    OK: _GREEN,
    BAD: _RED,
    "canary": _YELLOW,
    "stable": _GREEN,
    "active": _GREEN,
    "preview": _BRIGHT_BLUE,
    "ping": _BRIGHT_BLUE,
    "pong": _BRIGHT_BLUE,
    "Pending": _BRIGHT_BLUE,
    "Running": _BRIGHT_BLUE,
}


def rollout_icon(phase: str) -> str:
    """The sign of a Rollout's phase; a blank for one it does not know."""
    return _ROLLOUT_ICONS.get(phase, " ")


def replica_set_icon(status: str) -> str:
    """The sign of a ReplicaSet's health."""
    return _REPLICA_SET_ICONS.get(status, " ")


def analysis_icon(phase: str) -> str:
    """The sign of an AnalysisRun's, an Experiment's or a measurement's phase."""
    return _ANALYSIS_ICONS.get(phase, " ")


def pod_icon(status: str) -> str:
    """The sign of a pod's STATUS as kubectl prints it."""
    if status.startswith("Init:"):
        return PROGRESSING
    if status.startswith(("Signal:", "ExitCode:")):
        return BAD
    if status.endswith("Error") or status.startswith("Err"):
        return WARNING
    return _POD_ICONS.get(status, " ")


def painted(text: str, by: str) -> str:
    """Text in the colour of a tag, icon or status. What has no colour is wrapped all the same, as upstream does."""
    return f"\x1b[{_COLORS.get(by, _PLAIN)}m{text}\x1b[0m"
