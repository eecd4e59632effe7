"""The replica arithmetic of a basic canary, against the answers that Argo Rollouts' own tables expect."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.rollouts.strategies.canary.counts import (
    Counts,
    Fenceposts,
    Scale,
    approximate_weight,
    basic_canary_counts,
    resolve_fenceposts,
)

# replicas, weight, maxSurge, canary, stable (TestApproximateWeightedNewStableReplicaCounts)
APPROXIMATIONS = [
    (0, 0, 0, 0, 0),
    (0, 50, 0, 0, 0),
    (0, 100, 0, 0, 0),
    (0, 0, 1, 0, 0),
    (0, 50, 1, 0, 0),
    (0, 100, 1, 0, 0),
    (1, 0, 0, 0, 1),
    (1, 1, 0, 0, 1),
    (1, 49, 0, 0, 1),
    (1, 50, 0, 1, 0),
    (1, 99, 0, 1, 0),
    (1, 100, 0, 1, 0),
    (1, 0, 1, 0, 1),
    (1, 1, 1, 1, 1),
    (1, 49, 1, 1, 1),
    (1, 50, 1, 1, 1),
    (1, 99, 1, 1, 1),
    (1, 100, 1, 1, 0),
    (2, 0, 0, 0, 2),
    (2, 1, 0, 1, 1),
    (2, 50, 0, 1, 1),
    (2, 99, 0, 1, 1),
    (2, 100, 0, 2, 0),
    (2, 0, 1, 0, 2),
    (2, 1, 1, 1, 2),
    (2, 50, 1, 1, 1),
    (2, 99, 1, 2, 1),
    (2, 100, 1, 2, 0),
    (3, 10, 0, 1, 2),
    (3, 25, 0, 1, 2),
    (3, 33, 0, 1, 2),
    (3, 34, 0, 1, 2),
    (3, 49, 0, 1, 2),
    (3, 50, 0, 2, 1),
    (3, 10, 1, 1, 3),
    (3, 25, 1, 1, 3),
    (3, 33, 1, 1, 2),
    (3, 34, 1, 1, 2),
    (3, 49, 1, 2, 2),
    (3, 50, 1, 2, 2),
    (10, 0, 1, 0, 10),
    (10, 1, 0, 1, 9),
    (10, 14, 0, 1, 9),
    (10, 15, 0, 2, 8),
    (10, 16, 0, 2, 8),
    (10, 99, 0, 9, 1),
    (10, 100, 1, 10, 0),
    (10, 0, 1, 0, 10),
    (10, 1, 1, 1, 10),
    (10, 18, 1, 2, 9),
    (10, 19, 1, 2, 9),
    (10, 20, 1, 2, 8),
    (10, 23, 1, 2, 8),
    (10, 24, 1, 3, 8),
    (10, 25, 1, 3, 8),
    (10, 99, 1, 10, 1),
    (10, 100, 1, 10, 0),
]


@pytest.mark.parametrize(("replicas", "weight", "surge", "canary", "stable"), APPROXIMATIONS)
def test_the_closest_counts_for_a_weight(replicas: int, weight: int, surge: int, canary: int, stable: int) -> None:
    assert approximate_weight(replicas, weight, 100, surge) == Counts(canary, stable)


@pytest.mark.parametrize(("replicas", "weight"), [(2, 75), (5, 90), (10, 95)])
def test_a_tie_without_surge_can_leave_no_canary_at_all(replicas: int, weight: int) -> None:
    """Upstream drops both rounding candidates here; nobody would guess it, so it is kept and shown."""
    assert approximate_weight(replicas, weight, 100, 0) == Counts(0, replicas)


class Row(NamedTuple):
    """One row of TestCalculateReplicaCountsForCanary: (spec.replicas, availableReplicas) of both ReplicaSets."""

    replicas: int
    weight: int
    max_surge: int | str
    max_unavailable: int | str
    canary: tuple[int, int]
    stable: tuple[int, int]
    others: int
    expected: tuple[int, int]


BASIC = [
    Row(10, 100, 3, 0, canary=(6, 3), stable=(7, 8), others=0, expected=(6, 7)),
    Row(10, 20, 2, 0, canary=(0, 0), stable=(10, 10), others=0, expected=(2, 10)),
    Row(10, 20, "20%", 0, canary=(0, 0), stable=(10, 10), others=0, expected=(2, 10)),
    Row(10, 20, "20%", 0, canary=(2, 2), stable=(10, 10), others=0, expected=(2, 8)),
    Row(10, 30, 2, 0, canary=(0, 0), stable=(10, 10), others=0, expected=(2, 10)),
    Row(10, 20, 0, 2, canary=(0, 0), stable=(10, 10), others=0, expected=(0, 8)),
    Row(10, 20, 0, "20%", canary=(0, 0), stable=(10, 10), others=0, expected=(0, 8)),
    Row(10, 30, 0, 2, canary=(0, 0), stable=(10, 10), others=0, expected=(0, 8)),
    Row(10, 50, 2, 1, canary=(0, 0), stable=(10, 10), others=0, expected=(2, 9)),
    Row(10, 0, 1, 1, canary=(1, 1), stable=(10, 10), others=0, expected=(0, 10)),
    Row(10, 100, 1, 1, canary=(10, 10), stable=(1, 1), others=0, expected=(10, 0)),
    Row(1, 20, 1, 0, canary=(0, 0), stable=(1, 1), others=0, expected=(1, 1)),
    Row(1, 90, 1, 0, canary=(0, 0), stable=(1, 1), others=0, expected=(1, 1)),
    Row(1, 49, 0, 1, canary=(0, 0), stable=(1, 1), others=0, expected=(0, 1)),
    Row(1, 51, 0, 1, canary=(0, 0), stable=(1, 1), others=0, expected=(0, 0)),
    Row(1, 51, 0, 1, canary=(0, 0), stable=(0, 0), others=0, expected=(1, 0)),
    Row(10, 30, 1, 0, canary=(0, 0), stable=(1, 1), others=3, expected=(1, 7)),
    Row(10, 30, 0, 3, canary=(4, 4), stable=(8, 5), others=0, expected=(3, 7)),
    Row(10, 100, 1, 0, canary=(10, 8), stable=(10, 2), others=0, expected=(9, 2)),
    Row(10, 30, 0, 1, canary=(4, 2), stable=(8, 6), others=3, expected=(4, 8)),
    Row(10, 5, 0, 1, canary=(0, 0), stable=(10, 10), others=0, expected=(0, 9)),
    Row(10, 5, 0, 1, canary=(0, 0), stable=(9, 9), others=0, expected=(1, 9)),
    Row(10, 10, "0%", "0%", canary=(0, 0), stable=(10, 10), others=0, expected=(0, 9)),
    Row(4, 100, 1, 0, canary=(0, 0), stable=(4, 1), others=0, expected=(1, 4)),
    Row(3, 99, 0, 2, canary=(0, 0), stable=(3, 3), others=0, expected=(0, 1)),
    Row(3, 99, 0, 2, canary=(0, 0), stable=(1, 1), others=0, expected=(2, 1)),
    Row(4, 100, 1, 0, canary=(1, 1), stable=(4, 1), others=0, expected=(1, 3)),
    Row(4, 0, 1, 0, canary=(4, 4), stable=(0, 0), others=0, expected=(4, 1)),
    Row(4, 0, 1, 0, canary=(4, 4), stable=(1, 0), others=0, expected=(4, 1)),
    Row(4, 0, 1, 0, canary=(4, 4), stable=(1, 1), others=0, expected=(3, 1)),
    Row(4, 100, 4, 4, canary=(0, 0), stable=(4, 4), others=0, expected=(4, 0)),
    Row(4, 100, 3, 0, canary=(0, 0), stable=(4, 4), others=0, expected=(3, 4)),
]


@pytest.mark.parametrize("row", BASIC, ids=lambda row: f"{row.replicas}@{row.weight}-{row.canary}-{row.stable}")
def test_the_next_counts_on_the_way_to_a_weight(row: Row) -> None:
    counts = basic_canary_counts(
        replicas=row.replicas,
        weight=row.weight,
        max_weight=100,
        fenceposts=resolve_fenceposts(row.max_surge, row.max_unavailable, row.replicas),
        canary=Scale(*row.canary),
        stable=Scale(*row.stable),
        is_same=False,
        others=row.others,
    )

    assert counts == Counts(*row.expected)


@pytest.mark.parametrize("stable", [None, Scale(9, 9)], ids=["first deployment", "fully promoted"])
def test_without_a_stable_of_its_own_the_canary_gets_everything(stable: Scale | None) -> None:
    counts = basic_canary_counts(
        replicas=10,
        weight=10,
        max_weight=100,
        fenceposts=Fenceposts(0, 1),
        canary=Scale(9, 9),
        stable=stable,
        is_same=stable is not None,
        others=0,
    )

    assert counts == Counts(10, 0)


@pytest.mark.parametrize(
    ("surge", "unavailable", "replicas", "expected"),
    [
        ("25%", "25%", 4, (1, 1)),
        ("25", "25", 4, (1, 1)),
        ("25%", "25%", 1, (1, 0)),
        ("25%", "25%", 10, (3, 2)),
        (0, "1%", 2, (0, 1)),
        ("1%", "25%", 1, (1, 0)),
        ("0%", "0%", 10, (0, 1)),
        (1, 5, 3, (1, 3)),
        ("25%", "25%", 0, (0, 0)),
        ("many", 1, 4, (0, 0)),
    ],
)
def test_fenceposts(surge: int | str, unavailable: int | str, replicas: int, expected: tuple[int, int]) -> None:
    assert resolve_fenceposts(surge, unavailable, replicas) == Fenceposts(*expected)


@st.composite
def situations(draw: st.DrawFn) -> tuple[int, int, Fenceposts, Scale, Scale]:
    replicas = draw(st.integers(1, 12))
    fenceposts = resolve_fenceposts(draw(st.integers(0, 3)), draw(st.integers(0, 3)), replicas)
    ceiling = replicas + fenceposts.surge
    canary = draw(st.integers(0, ceiling))
    stable = draw(st.integers(0, ceiling - canary))
    return (
        replicas,
        draw(st.integers(0, 100)),
        fenceposts,
        Scale(canary, draw(st.integers(0, canary))),
        Scale(stable, draw(st.integers(0, stable))),
    )


@settings(max_examples=200, deadline=None)
@given(situations())
def test_counts_keep_between_the_fenceposts(situation: tuple[int, int, Fenceposts, Scale, Scale]) -> None:
    """Never above replicas + maxSurge; never below replicas - maxUnavailable available, if that many were."""
    replicas, weight, fenceposts, canary, stable = situation

    counts = basic_canary_counts(
        replicas=replicas,
        weight=weight,
        max_weight=100,
        fenceposts=fenceposts,
        canary=canary,
        stable=stable,
        is_same=False,
        others=0,
    )

    assert counts.canary >= 0
    assert counts.stable >= 0
    assert counts.canary + counts.stable <= max(replicas + fenceposts.surge, canary.desired + stable.desired)
    floor = min(replicas - fenceposts.unavailable, canary.available + stable.available)
    assert min(counts.canary, canary.available) + min(counts.stable, stable.available) >= floor


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 30), st.integers(0, 100), st.integers(0, 5), st.integers(0, 5))
def test_counts_always_reach_the_weight(replicas: int, weight: int, surge: int, unavailable: int) -> None:
    """Each pass moves on once the pods of the one before are available, until the approximation is reached."""
    fenceposts = resolve_fenceposts(surge, unavailable, replicas)
    canary, stable = 0, replicas

    for _ in range(4 * replicas):
        counts = basic_canary_counts(
            replicas=replicas,
            weight=weight,
            max_weight=100,
            fenceposts=fenceposts,
            canary=Scale(canary, canary),
            stable=Scale(stable, stable),
            is_same=False,
            others=0,
        )
        if counts == (canary, stable):
            break
        # The controller scales stable first and looks again before it scales the canary.
        canary, stable = (canary, counts.stable) if counts.stable != stable else (counts.canary, stable)

    assert (canary, stable) == approximate_weight(replicas, weight, 100, fenceposts.surge)
