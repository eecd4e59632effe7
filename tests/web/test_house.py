"""The page's house: what is asked of it beyond its topics."""

from __future__ import annotations

import pytest

from canarium.errors import CanariumError
from canarium.web.house import moment
from tests.web.views.objects import NOW


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("", 1_767_603_600_000), ("1767603600.5", 1_767_603_600_500), ("2026-01-05T09:00:00Z", 1_767_603_600_000)],
)
def test_a_moment_is_unix_seconds_or_rfc_3339_or_now(text: str, milliseconds: int) -> None:
    assert moment(text, NOW) == milliseconds


@pytest.mark.parametrize("text", ["1e300", "-1e18", "nan", "-inf", "soon", "9" * 5000])
def test_a_time_beyond_all_samples_is_none(text: str) -> None:
    with pytest.raises(CanariumError, match="is no time"):
        moment(text, NOW)
