"""Where a canary stands in its list of steps.

Owns: the current step, the weight in force, the hash and the wording of steps.
Must not know: ReplicaSets, pods, what completes a step.
Behaviour follows `utils/replicaset/canary.go` (GetCurrentCanaryStep, GetCurrentSetWeight), `utils/conditions`
(ComputeStepHash) and `utils/rollout` (CanaryStepString), Argo Rollouts 1.10.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import msgspec

from canarium.errors import CanariumError
from canarium.kube.podhash import fnv1a, safe_encode
from canarium.rollouts.analysis.gotext import parse_duration
from canarium.rollouts.steptypes import canary_steps_json
from canarium.rollouts.types import MAX_WEIGHT, CanaryStep, Pause, Rollout

_NUMBER: Final = re.compile(r"[+-]?0*[0-9]{1,10}", re.ASCII)
_MAX_INT32: Final = (1 << 31) - 1


def current_step(rollout: Rollout) -> tuple[CanaryStep | None, int | None]:
    """The step to work on and its index; (None, None) without steps, (None, index) past the last one."""
    steps = rollout.spec.steps
    if not steps:
        return None, None
    index = rollout.status.current_step_index or 0
    return (steps[index] if index < len(steps) else None), index


def current_weight(rollout: Rollout) -> int:
    """The setWeight in force: the nearest at or before the current step, 0 before the first, 100 past the last."""
    if rollout.status.abort:
        return 0
    step, index = current_step(rollout)
    if step is None or index is None:
        return MAX_WEIGHT
    for earlier in reversed(rollout.spec.steps[: index + 1]):
        if earlier.set_weight is not None:
            return earlier.set_weight
    return 0


def desired_weight(rollout: Rollout) -> int:
    """What share of the pods the desired template should have now."""
    status = rollout.status
    if status.promote_full or not status.stable_rs or status.is_fully_promoted:
        return MAX_WEIGHT
    return current_weight(rollout)


def is_indefinite(step: CanaryStep | None) -> bool:
    """Steps whose length says nothing about progress: the progress deadline does not run during them."""
    return step is not None and (step.experiment is not None or step.analysis is not None or step.pause is not None)


def pause_seconds(pause: Pause) -> int:
    """The duration in whole seconds: a number, text without a unit, a Go duration; 0 without one, -1 if unreadable.

    Beyond 68 years it is what Go makes of it on amd64, a negative number, which validation refuses.
    """
    match pause.duration:
        case None:
            return 0
        case int(seconds):
            return seconds
        case text:
            if _NUMBER.fullmatch(text) and abs(int(text)) <= _MAX_INT32:
                return int(text)
            try:
                seconds = int(parse_duration(text).total_seconds())
            except (CanariumError, ValueError):
                return -1
            return seconds if abs(seconds) <= _MAX_INT32 else -_MAX_INT32 - 1


def step_text(step: CanaryStep) -> str:
    """A step as events print it: `setWeight: 20`, `pause: 10s`, `analysis`."""
    if step.set_weight is not None:
        return f"setWeight: {step.set_weight}"
    if step.pause is not None:
        return "pause" if step.pause.duration is None else f"pause: {step.pause.duration}"
    if step.experiment is not None:
        return "experiment"
    if step.analysis is not None:
        return "analysis"
    return "invalid"


def step_hash(raw_steps: list[dict[str, Any]] | None) -> str:
    """status.currentStepHash: FNV-1a over the steps as Go prints them, in Kubernetes' safe alphabet.

    An empty list counts as none: upstream prints and reads each Rollout once before it works on it, which drops it.
    Raises GoTypeMismatch for a value that Go could not decode.
    """
    return _hash(msgspec.json.encode(raw_steps or None))


@lru_cache(maxsize=256)
def _hash(raw_steps: bytes) -> str:
    return safe_encode(fnv1a(canary_steps_json(msgspec.json.decode(raw_steps)).encode()))
