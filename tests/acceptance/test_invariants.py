"""Whatever goes wrong between controllers and cluster, no promise is broken, and the end is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canarium.clock import Chance
from canarium.kube.faults import FaultRates
from tests.acceptance.rough_weather import CALM, RATES, ROUGH, Outcome, Plan, plan_for, play, tell_the_story

SEEDS = 1000
STORIES = 50


def rough(seed: int) -> dict[str, Any]:
    """What goes wrong while the story of a seed is told."""
    chance = Chance(seed).stream("story")
    worst = chance.uniform(0.1, 1.5)
    rates = {name: round(getattr(ROUGH, name) * worst * chance.random(), 4) for name in RATES}
    return {
        "faults": FaultRates(**rates),
        "restarts": tuple(sorted(round(chance.uniform(0.5, 200.0), 3) for _ in range(chance.below(5)))),
    }


@pytest.fixture(scope="session")
def calm_end(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the story leaves behind when nothing goes wrong."""
    return tell_the_story(0, tmp_path_factory.mktemp("calm"), faults=CALM).end


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> str:
    """The command that runs this very test again."""
    return f"to see it again: python -m pytest -n0 --soak '{request.node.nodeid}'"


def keeps_its_promises(plan: Plan, replay: str) -> Outcome:
    try:
        return play(plan)
    except Exception as error:
        error.add_note(f"{plan}\n{replay}")
        raise


def ends_as_in_calm_weather(seed: int, folder: Path, calm_end: Any, replay: str) -> None:
    weather = rough(seed)
    try:
        end = tell_the_story(seed, folder, **weather).end
    except Exception as error:
        error.add_note(f"seed {seed}: {weather}\n{replay}")
        raise
    differs = {name: (end.get(name), calm_end.get(name)) for name in {**end, **calm_end}}
    assert {name: pair for name, pair in differs.items() if pair[0] != pair[1]} == {}, f"{weather}\n{replay}"


@pytest.mark.parametrize("seed", range(8))
def test_a_rollout_that_people_play_with_keeps_its_promises(seed: int, replay: str) -> None:
    keeps_its_promises(plan_for(seed), replay)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8, SEEDS))
def test_a_thousand_rollouts_keep_their_promises(seed: int, replay: str) -> None:
    keeps_its_promises(plan_for(seed), replay)


def test_the_same_seed_strikes_the_same_faults() -> None:
    assert play(plan_for(1)) == play(plan_for(1))


@pytest.mark.parametrize("seed", range(1, 3))
def test_the_silent_canary_ends_the_same_in_rough_weather(
    seed: int, tmp_path: Path, calm_end: Any, replay: str
) -> None:
    ends_as_in_calm_weather(seed, tmp_path, calm_end, replay)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, STORIES))
def test_many_silent_canaries_end_the_same_in_rough_weather(
    seed: int, tmp_path: Path, calm_end: Any, replay: str
) -> None:
    ends_as_in_calm_weather(seed, tmp_path, calm_end, replay)
