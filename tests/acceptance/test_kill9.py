"""kill -9 at random moments of the live story: no lost write, no orphan, and the story ends green all the same."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from canarium.clock import Chance
from tests.acceptance.killing import Figures, Story, kill_again_and_again

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is left")

SEED = 9


def test_the_story_ends_green_though_the_cluster_is_killed_on_the_way(tmp_path: Path) -> None:
    """Killed while it deploys, while a canary is judged and while it walks to 100 %."""
    figures = Figures()

    asyncio.run(Story(tmp_path, Chance(SEED), figures, kills=3, armed=("1", "3", "6")).run())

    assert (figures.total, len(figures.stories)) == (3, 1), figures
    assert figures.checked > 3, figures
    assert figures.lost_pods > 0, figures


@pytest.mark.soak
def test_a_hundred_kills(tmp_path: Path) -> None:
    figures = asyncio.run(kill_again_and_again(tmp_path, kills=100, seed=SEED))

    assert figures.total == 100, figures
    sys.stdout.write(f"{figures}\n")
