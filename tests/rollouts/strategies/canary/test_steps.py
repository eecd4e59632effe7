"""Steps: their hash, their wording, the weight in force."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.rollouts.strategies.canary.steps import current_weight, pause_seconds, step_hash, step_text
from canarium.rollouts.types import CanaryStep, Pause, RolloutAnalysis, view_rollout
from tests.rollouts.simulator import analysis, pause, rollout, set_weight


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([pause()], "6b9b86fbd5"),
        ([pause(), pause()], "79c9b9f6bf"),
        (None, "5ffbfbbd64"),
        ([], "5ffbfbbd64"),
    ],
    ids=["one pause", "two pauses", "none", "empty"],
)
def test_known_hashes(steps: list[Obj] | None, expected: str) -> None:
    """The answers of upstream's TestComputeStepHash."""
    assert step_hash(steps) == expected


def test_the_hash_does_not_depend_on_the_order_of_fields_or_on_unknown_ones() -> None:
    ref = {"templateName": "checks", "clusterScope": True}
    arg = {"name": "namespace", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}

    assert step_hash([{"analysis": {"args": [arg], "templates": [ref], "colour": "blue"}}]) == step_hash(
        [{"analysis": {"templates": [dict(reversed(ref.items()))], "args": [dict(reversed(arg.items()))]}}]
    )


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [(None, 0), (10, 10), ("10", 10), ("1m", 60), ("1h30m", 5400), ("1.9s", 1), ("soon", -1), (-5, -5), ("-5s", -5)],
)
def test_pause_durations(duration: Any, seconds: int) -> None:
    assert pause_seconds(Pause(duration)) == seconds


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (CanaryStep(set_weight=20), "setWeight: 20"),
        (CanaryStep(pause=Pause()), "pause"),
        (CanaryStep(pause=Pause("1m")), "pause: 1m"),
        (CanaryStep(analysis=RolloutAnalysis()), "analysis"),
        (CanaryStep(), "invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wording(step: CanaryStep, text: str) -> None:
    assert step_text(step) == text


@pytest.mark.parametrize(
    ("index", "is_aborted", "weight"),
    [(0, False, 0), (1, False, 20), (2, False, 20), (3, False, 60), (4, False, 100), (9, False, 100), (3, True, 0)],
)
def test_the_weight_in_force(index: int, is_aborted: bool, weight: int) -> None:
    """Nothing before the first setWeight, then the last one passed, and all after the end."""
    made = rollout(steps=[pause(), set_weight(20), analysis(), set_weight(60)])
    made["status"] = {"currentStepIndex": index, "abort": is_aborted}

    assert current_weight(view_rollout(made)) == weight
