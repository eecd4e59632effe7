"""The story is played once and looked at by many tests."""

from __future__ import annotations

import pytest

from tests.acceptance.story import Story, play_story


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The Silent Canary, played to its end."""
    return play_story(tmp_path_factory.mktemp("story"))
