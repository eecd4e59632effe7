"""What all tests share: the long runs are asked for by name, and only they draw new examples each time."""

from __future__ import annotations

import pytest
from hypothesis import settings

# `make test` must say the same today and tomorrow; a soak is for finding what nobody thought of.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.register_profile("soak", deadline=None, max_examples=1000)


def pytest_configure(config: pytest.Config) -> None:
    """Choose how examples are drawn, before any test module is read."""
    settings.load_profile("soak" if config.getoption("--soak") else "steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="also run the long runs: a thousand seeds with faults")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the long runs unless somebody asked for them."""
    if config.getoption("--soak"):
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
