"""A query that is too much ends in time, whatever its parts are, and before it takes the memory."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from canarium.clock import RealClock
from canarium.metrics.promql.engine import instant, range_
from canarium.metrics.promql.eval_windows import FUNCTIONS, Windows, apply
from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.values import EvalError, Limits
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import MemoryStore

START = 1_000_000_000
SAMPLES, EVERY = 720, 15_000
END = START + SAMPLES * EVERY
LIMIT_SECONDS, SLACK_SECONDS = 0.5, 1.0
"""The slack is twice what is promised, for machines that are busy with other tests."""
TOO_MANY = "query processing would load too many samples into memory in query execution"
CLOCK = RealClock()


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    """300 series and 15 histograms."""
    made = MemoryStore()
    values = np.random.default_rng(1).random((300, SAMPLES))
    for number in range(300):
        labels = {"__name__": "m", "i": str(number), "g": str(number % 7), "skew": str(number) if number % 2 else "all"}
        series = made.series(Labels(labels))
        for nth, value in enumerate(values[number].tolist()):
            series.push(START + nth * EVERY, value)
    for number in range(15):
        for bucket in range(20):
            bound = str(bucket / 10) if bucket < 19 else "+Inf"
            series = made.series(Labels({"__name__": "h_bucket", "i": str(number), "le": bound}))
            for nth in range(SAMPLES):
                series.push(START + nth * EVERY, float(nth * bucket))
    return made


@pytest.mark.parametrize(
    "query",
    [
        "quantile_over_time(.9, rate(m[1m])[1h:1s])",
        "count_values('v', m)",
        "topk(5, m * 0)",
        "sum_over_time(topk(3, m)[3h:1s])",
        "quantile(.9, m)",
        "stddev by (skew) (m)",
        "histogram_quantile(.9, h_bucket)",
        "histogram_fraction(0, 1, h_bucket)",
        "m * on (g) group_left sum by (g) (m)",
        "stddev_over_time(m[3h])",
        "mad_over_time(m[3h])",
        "deriv(m[3h])",
        "double_exponential_smoothing(m[3h], .5, .5)",
        "rate(m[3h])",
        "changes(m[3h])",
        "min_over_time(m[3h])",
        "avg_over_time((m * 1e308)[3h:15s])",
        "rate(m[3h] smoothed)",
        "changes(m[3h] anchored)",
        "info(m)",
        "max_over_time(max_over_time(m[1h:1s])[1h:1s])",
    ],
)
def test_a_query_ends_soon_after_its_time_is_up(store: MemoryStore, query: str) -> None:
    expr = parse(query, experimental=True)
    began = CLOCK.monotonic()
    limits = Limits(interrupted=lambda: "timeout" if CLOCK.monotonic() > began + LIMIT_SECONDS else "")

    with suppress(EvalError):
        range_(expr, START, END, (END - START) // 10_000, store, limits=limits)

    assert CLOCK.monotonic() - began < LIMIT_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize(
    "query",
    [
        "max_over_time(vector(1)[1000000h:1ms])",
        "quantile_over_time(.5, vector(time())[13h:1ms])",
        "sum_over_time(m[1000000h:1ms])",
        "count_values('v', m)",
    ],
)
def test_what_would_not_fit_is_refused_before_it_is_made(store: MemoryStore, query: str) -> None:
    began = CLOCK.monotonic()

    with pytest.raises(EvalError, match=TOO_MANY):
        range_(parse(query), START, END, (END - START) // 10_000, store, limits=Limits(max_samples=4_000_000))

    assert CLOCK.monotonic() - began < 5.0


def test_groups_of_very_different_sizes_are_aggregated_as_each_by_itself(store: MemoryStore) -> None:
    whole = instant(parse("stddev by (skew) (m)"), END, store)

    for labels, value in whole.vector():
        skew = labels.get("skew")
        alone = instant(parse(f"stddev(m{{skew='{skew}'}})"), END, store).vector()
        assert value == alone[0][1]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_windows_in_parts_are_what_they_are_as_a_whole(name: str) -> None:
    size = 200
    rng = np.random.default_rng(2)
    lo = rng.integers(0, size - 30, 500)
    windows = Windows(
        np.arange(size) * 1000,
        rng.integers(0, 5, size).astype(np.float64),
        lo,
        lo + rng.integers(1, 30, 500),
        lo * 1000 - 1,
        lo * 1000 + 30_000,
        lo * 1000 + 30_000,
    )
    arguments = [np.full(500, 0.5), np.full(500, 0.5)]
    count = {"quantile_over_time": 1, "predict_linear": 1, "double_exponential_smoothing": 2}.get(name, 0)

    with np.errstate(all="ignore"):
        whole, is_valid = apply(FUNCTIONS[name], windows, arguments[:count], cells=1 << 20)
        parts, is_valid_in_parts = apply(FUNCTIONS[name], windows, arguments[:count], cells=64)

    all_valid = np.ones(500, np.bool_)
    valid = all_valid if is_valid is None else is_valid
    assert (valid == (all_valid if is_valid_in_parts is None else is_valid_in_parts)).all()
    np.testing.assert_array_equal(whole[valid], parts[valid])
