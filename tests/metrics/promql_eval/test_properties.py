"""What holds for any samples: columns and steps change nothing about an answer."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.errors import CanariumError
from canarium.metrics.promql.engine import instant, range_
from canarium.metrics.promql.parser import parse
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import STALE_NAN, MemoryStore

VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, STALE_NAN, 1e15, 1e308, -1e308]),
    st.integers(0, 20).map(float),
)
SERIES = st.lists(st.tuples(st.integers(1, 90), VALUES), max_size=25)
STORES = st.lists(SERIES, min_size=1, max_size=4)

QUERIES = [
    "x_total",
    "x_total offset 30s",
    "x_total @ 120",
    "rate(x_total[1m])",
    "increase(x_total[90s] offset 15s)",
    "delta(x_total[2m])",
    "irate(x_total[1m])",
    "idelta(x_total[1m])",
    "changes(x_total[2m])",
    "resets(x_total[2m])",
    "deriv(x_total[2m])",
    "predict_linear(x_total[2m], 60)",
    "double_exponential_smoothing(x_total[2m], 0.5, 0.3)",
    "avg_over_time(x_total[2m])",
    "sum_over_time(x_total[2m])",
    "min_over_time(x_total[1m]) + max_over_time(x_total[1m])",
    "stddev_over_time(x_total[2m])",
    "quantile_over_time(0.3, x_total[2m])",
    "mad_over_time(x_total[2m])",
    "ts_of_max_over_time(x_total[2m])",
    "absent_over_time(x_total[30s])",
    "max_over_time(rate(x_total[1m])[2m:10s])",
    "sum(x_total)",
    "avg by (parity) (x_total)",
    "stdvar by (parity) (x_total)",
    "quantile(0.7, x_total)",
    "min without (series) (x_total)",
    "group(x_total) or vector(3)",
    "count_values('v', x_total)",
    "topk(2, x_total)",
    "bottomk by (parity) (1, x_total)",
    "limitk(1, x_total)",
    "limit_ratio(0.5, x_total)",
    "x_total > 1",
    "x_total / on(series) group_left() sum by (series) (x_total)",
    "x_total and on(parity) (x_total > 3)",
    "x_total unless on(series) (x_total == 0)",
    "absent(x_total > 5)",
    "timestamp(x_total)",
    "clamp(x_total, 1, scalar(sum(x_total)))",
    "histogram_quantile(0.5, label_replace(x_total, 'le', '$1', 'series', '(.*)'))",
    "hour(x_total) + time()",
]


def stored(many: list[list[tuple[int, float]]]) -> MemoryStore:
    store = MemoryStore()
    for number, samples in enumerate(many):
        labels = Labels({"__name__": "x_total", "series": str(number), "parity": "odd" if number % 2 else "even"})
        at = 0
        for gap, value in samples:
            at += gap * 1000
            store.append(labels, at, value)
    return store


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9)


@pytest.mark.parametrize("query", QUERIES)
@given(many=STORES)
@settings(max_examples=8, deadline=None)
def test_a_range_is_the_instants_at_its_steps(query: str, many: list[list[tuple[int, float]]]) -> None:
    store = stored(many)
    expr = parse(query, experimental=True)
    by_steps: dict[int, dict[str, float]] = {}
    problem = ""
    for at in range(0, 300_001, 20_000):
        try:
            by_steps[at] = {str(labels): value for labels, value in instant(expr, at, store).vector()}
        except CanariumError as error:
            problem = str(error)
    if problem:
        with pytest.raises(CanariumError):
            range_(expr, 0, 300_000, 20_000, store)
        return
    result = range_(expr, 0, 300_000, 20_000, store)

    by_range: dict[int, dict[str, float]] = {at: {} for at in by_steps}
    for data in result.series:
        for at, value in zip(data.timestamps.tolist(), data.values.tolist(), strict=True):
            by_range[at][str(data.labels)] = value
    for at, expected in by_steps.items():
        assert by_range[at].keys() == expected.keys(), at
        for labels, value in expected.items():
            assert same(by_range[at][labels], value), (at, labels, by_range[at][labels], value)


@given(values=st.lists(st.floats(-1e12, 1e12, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-12), min_size=1))
@settings(max_examples=60, deadline=None)
def test_sums_lose_nothing_to_their_neighbours(values: list[float]) -> None:
    """A window's sum is right to the last digits, even where huge samples cancel out."""
    store = MemoryStore()
    for at, value in enumerate([*values, 1e16, -1e16]):
        store.append(Labels({"__name__": "x"}), at, value)

    [(_, total)] = instant(parse("sum_over_time(x[1h])"), len(values) + 2, store).vector()

    exact = float(sum(map(Fraction, values)))
    assert math.isclose(total, exact, rel_tol=1e-9, abs_tol=1e-3)


@given(values=st.lists(st.integers(0, 100).map(float), min_size=2, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_poisoned_sample_harms_only_the_windows_it_is_in(values: list[float]) -> None:
    clean, poisoned = MemoryStore(), MemoryStore()
    poisoned.append(Labels({"__name__": "x"}), 0, math.nan)
    for at, value in enumerate(values, start=1):
        for store in (clean, poisoned):
            store.append(Labels({"__name__": "x"}), at * 1000, value)

    for query in ("sum_over_time(x[30s])", "avg_over_time(x[30s])", "stddev_over_time(x[30s])", "increase(x[30s])"):
        at = 31_000
        assert instant(parse(query), at, clean).vector() == instant(parse(query), at, poisoned).vector()
