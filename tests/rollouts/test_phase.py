"""The phase of a Rollout and its message, row by row."""

from __future__ import annotations

import pytest

from canarium.kube.objects import Obj
from canarium.rollouts.phase import displayed_phase
from tests.rollouts.simulator import rollout

DONE: Obj = {
    "observedGeneration": "1",
    "replicas": 4,
    "updatedReplicas": 4,
    "availableReplicas": 4,
    "currentPodHash": "a",
    "stableRS": "a",
}
HELD = [{"reason": "CanaryPauseStep", "startTime": "2026-01-05T09:00:00Z"}]


def failing(kind: str, reason: str) -> Obj:
    return {"conditions": [{"type": kind, "status": "False", "reason": reason, "message": "because"}]}


@pytest.mark.parametrize(
    ("spec", "status", "phase", "message"),
    [
        ({}, {}, "Healthy", ""),
        ({}, failing("InvalidSpec", "InvalidSpec"), "Degraded", "InvalidSpec: because"),
        ({}, failing("Progressing", "RolloutAborted"), "Degraded", "RolloutAborted: because"),
        ({}, failing("Progressing", "ProgressDeadlineExceeded"), "Degraded", "ProgressDeadlineExceeded: because"),
        ({"paused": True}, {}, "Paused", "manually paused"),
        ({}, {"pauseConditions": HELD}, "Paused", "CanaryPauseStep"),
        ({"restartAt": "2026-01-05T09:00:00Z"}, {}, "Progressing", "rollout is restarting"),
        (
            {"restartAt": "2026-01-05T09:00:00Z"},
            {"restartedAt": "2026-01-05T10:00:00+01:00"},
            "Healthy",
            "",
        ),
        ({}, {"updatedReplicas": 3}, "Progressing", "more replicas need to be updated"),
        ({}, {"availableReplicas": 3}, "Progressing", "updated replicas are still becoming available"),
        ({}, {"replicas": 5}, "Progressing", "old replicas are pending termination"),
        ({}, {"stableRS": "b"}, "Progressing", "waiting for all steps to complete"),
        ({}, {"observedGeneration": "0"}, "Progressing", "waiting for rollout spec update to be observed"),
        ({}, {"controllerPause": True}, "Progressing", "waiting for rollout to unpause"),
        ({}, {"phase": "Degraded", "message": "as written"}, "Degraded", "as written"),
        ({}, {"observedGeneration": "9f8d"}, "Healthy", ""),
    ],
)
def test_phase(spec: Obj, status: Obj, phase: str, message: str) -> None:
    """What the controller wrote wins, unless it has not seen the latest change yet."""
    made = rollout(replicas=4)
    made["spec"].update(spec)
    made["status"] = DONE | status

    assert displayed_phase(made) == (phase, message)
