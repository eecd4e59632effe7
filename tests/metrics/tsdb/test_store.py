"""Samples go in in order, come out by matcher and time, and are forgotten in time."""

from __future__ import annotations

import math
import struct
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.metrics.promql.ast import Matcher
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import (
    STALE_NAN,
    DuplicateSample,
    MemoryStore,
    MetricMetadata,
    OutOfBounds,
    OutOfOrder,
    is_stale,
)

UP = Labels({"__name__": "up", "job": "podinfo", "instance": "10.0.0.1:9898"})
DOWN = Labels({"__name__": "up", "job": "other", "instance": "10.0.0.2:9898"})


def eq(name: str, value: str) -> Matcher:
    return Matcher(name, "=", value)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    for at in range(40):
        store.append(UP, at * 1000, float(at))
    store.append(DOWN, 5000, 0.0)
    return store


def test_samples_come_back_within_the_range_both_ends_included(store: MemoryStore) -> None:
    [data] = store.select((eq("job", "podinfo"),), 10_000, 12_000)

    assert data.labels is UP
    assert data.timestamps.tolist() == [10_000, 11_000, 12_000]
    assert data.values.tolist() == [10.0, 11.0, 12.0]


def test_what_was_handed_out_does_not_change_when_samples_follow(store: MemoryStore) -> None:
    [data] = store.select((eq("job", "podinfo"),), 0, 1 << 60)
    before = data.values.tolist()

    for at in range(40, 200):
        store.append(UP, at * 1000, -1.0)

    assert data.values.tolist() == before


def test_an_older_sample_is_refused(store: MemoryStore) -> None:
    with pytest.raises(OutOfOrder, match=r"^out of order sample$"):
        store.append(UP, 38_000, 1.0)


def test_an_exact_repeat_is_taken_silently_but_another_value_is_refused(store: MemoryStore) -> None:
    store.append(UP, 39_000, 39.0)
    with pytest.raises(DuplicateSample) as refused:
        store.append(UP, 39_000, 1e6)

    expected = "duplicate sample for timestamp 39000; overrides not allowed: existing 39, new value 1e+06"
    assert str(refused.value) == expected


def test_one_refused_sample_does_not_hold_up_the_rest_of_a_scrape(store: MemoryStore) -> None:
    done = store.append_batch([(UP, 1000, 1.0), (DOWN, 6000, 2.0), (DOWN, 7000, 3.0)])

    assert done.samples == 2
    assert [(labels, str(problem)) for labels, problem in done.refused] == [(UP, "out of order sample")]


def test_references_append_like_labels_do_and_survive_retention(store: MemoryStore) -> None:
    refs = [store.series(UP), store.series(DOWN)]

    assert store.append_refs(refs, 50_000, [1.0, 2.0]).samples == 2
    store.drop_before(60_000)
    assert len(store) == 0
    assert store.append_refs(refs, 70_000, [3.0, 4.0]).samples == 2

    assert [data.values.tolist() for data in store.select((eq("__name__", "up"),), 0, 1 << 60)] == [[3.0], [4.0]]


def test_retention_forgets_old_samples_and_refuses_to_learn_them_again() -> None:
    store = MemoryStore(retention_ms=10_000)
    for at in range(0, 40_000, 1000):
        store.append(UP, at, 1.0)
    store.append(DOWN, 1000, 1.0)

    store.expire(39_000)

    [data] = store.select((eq("__name__", "up"),), 0, 1 << 60)
    assert data.timestamps.tolist() == list(range(29_000, 40_000, 1000))
    assert store.label_values("job") == ["podinfo"]
    with pytest.raises(OutOfBounds, match=r"^out of bounds$"):
        store.append(DOWN, 2000, 1.0)


def test_the_staleness_marker_is_one_exact_nan() -> None:
    assert struct.pack("<d", STALE_NAN) == (0x7FF0000000000002).to_bytes(8, "little")
    assert is_stale(STALE_NAN)
    assert not is_stale(math.nan)

    store = MemoryStore()
    store.append(UP, 0, STALE_NAN)
    [data] = store.select((), 0, 0)
    assert data.values.view(np.int64).tolist() == [0x7FF0000000000002]


@pytest.mark.parametrize(
    ("matchers", "found"),
    [
        pytest.param([eq("__name__", "up")], ["a", "b", "none"], id="by name"),
        pytest.param([Matcher("pod", "!=", "a")], ["b", "none"], id="unequal takes those without the label"),
        pytest.param([eq("pod", "")], ["none"], id="empty means absent"),
        pytest.param([Matcher("pod", "=~", "a|b")], ["a", "b"], id="alternation"),
        pytest.param([Matcher("pod", "=~", "a?")], ["a", "none"], id="a regex that takes the empty value"),
        pytest.param([Matcher("pod", "!~", "a|b")], ["none"], id="not by regex"),
        pytest.param([Matcher("pod", "=~", ".+"), Matcher("pod", "!~", "b.*")], ["a"], id="two matchers on one label"),
        pytest.param([], ["a", "b", "none"], id="no matcher"),
    ],
)
def test_matchers_find_series(matchers: list[Matcher], found: list[str]) -> None:
    store = MemoryStore()
    for name in ("a", "b", "none"):
        labels = {"__name__": "up", "id": name} | ({"pod": name} if name != "none" else {})
        store.append(Labels(labels), 0, 1.0)

    assert [data.labels.get("id") for data in store.select(tuple(matchers), 0, 0)] == found


def test_a_series_born_after_a_query_is_found_by_the_next_one(store: MemoryStore) -> None:
    query = (eq("__name__", "up"),)
    assert len(store.selected(query)) == 2

    store.append(Labels({"__name__": "up", "job": "new"}), 0, 1.0)

    assert len(store.selected(query)) == 3


def test_names_values_and_label_sets_are_listed_sorted(store: MemoryStore) -> None:
    assert store.label_names() == ["__name__", "instance", "job"]
    assert store.label_values("job") == ["other", "podinfo"]
    assert store.label_values("job", [(eq("instance", "10.0.0.1:9898"),)]) == ["podinfo"]
    assert store.label_sets([(eq("__name__", "up"),)], 0, 4000) == [UP]


def test_metadata_is_kept_per_metric() -> None:
    store = MemoryStore()
    store.describe("up", MetricMetadata("gauge", "Whether the scrape worked."))

    assert store.metadata("up")["up"].type == "gauge"
    assert store.metadata("down") == {}


Op = Literal["=", "!=", "=~", "!~"]


@given(
    series=st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "xy", "y"])), max_size=8),
    matchers=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["=", "!=", "=~", "!~"]),
            st.sampled_from(["", "x", "y", "x|y", "x.*", "x.+", ".*", ".+", "(x|y)", "[xy]+", "x?"]),
        ),
        max_size=3,
    ),
)
@settings(max_examples=100, deadline=None)
def test_the_index_finds_what_looking_at_every_series_finds(
    series: list[dict[str, str]], matchers: list[tuple[str, Op, str]]
) -> None:
    import re

    store = MemoryStore()
    known = list(dict.fromkeys(Labels(labels) for labels in series))
    for labels in known:
        store.append(labels, 0, 1.0)

    def accepts(labels: Labels) -> bool:
        for name, op, value in matchers:
            text = labels.get(name)
            hit = text == value if op in ("=", "!=") else re.fullmatch(value, text) is not None
            if hit != (op in ("=", "=~")):
                return False
        return True

    found = store.selected(tuple(Matcher(*matcher) for matcher in matchers))
    assert [one.labels for one in found] == [labels for labels in known if accepts(labels)]
