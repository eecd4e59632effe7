"""Durations in few characters, by the rules of apimachinery's util/duration."""

from __future__ import annotations

from datetime import timedelta

import pytest

from canarium.kube.server.table.age import since
from canarium.text.durations import human_duration, short_human_duration
from tests.kube.server.table.rows import NOW


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=-2), "<invalid>"),
        (timedelta(seconds=-1.9), "0s"),
        (timedelta(0), "0s"),
        (timedelta(seconds=1.999), "1s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(seconds=120), "2m"),
        (timedelta(minutes=3, seconds=4), "3m4s"),
        (timedelta(minutes=10, seconds=30), "10m"),
        (timedelta(minutes=179, seconds=59), "179m"),
        (timedelta(hours=3), "3h"),
        (timedelta(hours=3, minutes=20), "3h20m"),
        (timedelta(hours=8, minutes=20), "8h"),
        (timedelta(hours=47, minutes=59), "47h"),
        (timedelta(hours=48), "2d"),
        (timedelta(days=7, hours=23), "7d23h"),
        (timedelta(days=8, hours=23), "8d"),
        (timedelta(days=729), "729d"),
        (timedelta(days=730), "2y"),
        (timedelta(days=731), "2y1d"),
        (timedelta(days=365 * 8 + 5), "8y"),
    ],
    ids=str,
)
def test_a_duration_for_people(span: timedelta, said: str) -> None:
    assert human_duration(span) == said


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=-2), "<invalid>"),
        (timedelta(seconds=-1), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=60), "1m"),
        (timedelta(hours=23, minutes=59), "23h"),
        (timedelta(days=364), "364d"),
        (timedelta(days=366), "1y"),
    ],
    ids=str,
)
def test_a_duration_in_one_figure(span: timedelta, said: str) -> None:
    assert short_human_duration(span) == said


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (None, "<unknown>"),
        ("", "<unknown>"),
        ("0001-01-01T00:00:00Z", "<unknown>"),
        ("2026-03-01T11:00:00Z", "60m"),
        ("2026-03-01T13:00:00+02:00", "60m"),
        ("2026-03-01T11:59:59.250000Z", "0s"),
        ("2026-03-01T13:00:00Z", "<invalid>"),
        ("2026-03-01T11:00:00", "<invalid>"),
        ("yesterday", "<invalid>"),
    ],
)
def test_the_age_of_a_moment(at: str | None, said: str) -> None:
    assert since(at, NOW) == said
