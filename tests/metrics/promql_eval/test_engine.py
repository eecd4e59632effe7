"""What queries answer, where upstream's own files do not say it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import pytest

from canarium.metrics.promql.ast import Call, Span, ValueType
from canarium.metrics.promql.engine import instant, range_
from canarium.metrics.promql.labelhash import xxh64
from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.values import EvalError, Limits, NotBuilt
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import STALE_NAN, MemoryStore

SCRAPE_MS = 15_000


@pytest.fixture
def store() -> MemoryStore:
    """Ten minutes of two pods: one restarts at 5m, the other never; a third is gone since 2m."""
    store = MemoryStore()
    for nth in range(41):
        at = nth * SCRAPE_MS
        for pod in ("echo-server-a", "echo-server-b"):
            restarts = 1.0 if pod.endswith("b") and at >= 300_000 else 0.0
            store.append(Labels({"__name__": "restarts_total", "pod": pod}), at, restarts)
        if at <= 120_000:
            store.append(Labels({"__name__": "restarts_total", "pod": "gone"}), at, STALE_NAN if at == 120_000 else 7.0)
    return store


def ask(store: MemoryStore, query: str, at_ms: int = 600_000) -> dict[str, float]:
    result = instant(parse(query), at_ms, store, query=query)
    assert result.value_type is ValueType.VECTOR
    return {str(labels): value for labels, value in result.vector()}


def test_the_silent_canarys_query_counts_restarts_and_is_never_empty(store: MemoryStore) -> None:
    query = 'sum(increase(restarts_total{pod=~"echo-server-.*"}[1m])) or vector(0)'

    assert ask(store, query, 600_000) == {"{}": 0.0}
    assert ask(store, query, 345_000)["{}"] == pytest.approx(0.0)
    assert ask(store, query, 330_000)["{}"] == pytest.approx(1.0)  # it began at 0, so nothing before that
    assert ask(MemoryStore(), query) == {"{}": 0.0}


def test_a_stale_series_is_gone_at_once_and_a_silent_one_after_the_lookback(store: MemoryStore) -> None:
    assert len(ask(store, "restarts_total", 105_000)) == 3
    assert len(ask(store, "restarts_total", 120_000)) == 2
    assert len(ask(store, "restarts_total", 600_000 + 299_999)) == 2
    assert len(ask(store, "restarts_total", 600_000 + 300_000)) == 0  # left-open, since Prometheus 3


def test_a_range_leaves_out_the_sample_at_its_left_end(store: MemoryStore) -> None:
    result = instant(parse('restarts_total{pod="echo-server-a"}[30s]'), 60_000, store)

    assert result.value_type is ValueType.MATRIX
    assert [data.timestamps.tolist() for data in result.series] == [[45_000, 60_000]]


def test_scalars_and_strings_are_answers_too(store: MemoryStore) -> None:
    assert instant(parse("1 + 2 * 3"), 0, store).number == 7.0
    assert instant(parse('"hello"'), 0, store).text == "hello"
    assert math.isnan(instant(parse("scalar(restarts_total)"), 600_000, store).number)


def test_names_go_at_once_by_default_and_at_the_end_where_removal_is_delayed(store: MemoryStore) -> None:
    query = parse('label_replace(rate(restarts_total{pod="echo-server-a"}[1m]), "was", "$1", "__name__", "(.+)")')

    now = instant(query, 600_000, store)
    delayed = instant(query, 600_000, store, delayed_names=True)

    assert [str(labels) for labels in now.labels] == ['{pod="echo-server-a"}']
    assert [str(labels) for labels in delayed.labels] == ['{pod="echo-server-a", was="restarts_total"}']


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param(
            "restarts_total + on() restarts_total",
            'found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="'
            'restarts_total", pod="echo-server-a"}, {__name__="restarts_total", pod="echo-server-b"}];many-to-many '
            "matching not allowed: matching labels must be unique on one side",
            id="many to many",
        ),
        pytest.param(
            "restarts_total + on() vector(1)",
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
            id="many to one must be said",
        ),
        pytest.param(
            "label_replace(restarts_total, 'pod', '', '', '') + on() group_left() vector(1)",
            "vector cannot contain metrics with the same labelset",
            id="relabelled into one another",
        ),
        pytest.param("topk(NaN, restarts_total)", "Parameter value is NaN", id="k is NaN"),
        pytest.param("topk(1e30, restarts_total)", "Scalar value 1e+30 overflows int64", id="k is too large"),
    ],
)
def test_refuses_what_upstream_refuses_in_its_words(store: MemoryStore, query: str, message: str) -> None:
    with pytest.raises(EvalError) as refused:
        ask(store, query)

    assert str(refused.value) == message
    assert refused.value.error_type == "execution"


def test_says_what_is_not_built(store: MemoryStore) -> None:
    with pytest.raises(NotBuilt, match=r"the function divine\(\) is not built into canarium yet"):
        instant(Call(span=Span(0, 8), func="divine", args=()), 0, store)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("increase(x[1m])", 24.0, id="extrapolated to the edges"),
        pytest.param("increase(x[1m] anchored)", 21.0, id="anchored: from the last sample at or before the start"),
        pytest.param("increase(x[1m] smoothed)", 24.0, id="smoothed: interpolated at both edges"),
        pytest.param("changes(x[1m] anchored)", 3.0, id="changes since the anchor"),
        pytest.param("x smoothed", 30.5, id="a value between two samples"),
    ],
)
def test_extended_ranges_measure_from_edge_to_edge(query: str, expected: float) -> None:
    """Squares every 20 s, looked at half way between two samples."""
    store = MemoryStore()
    for nth in range(10):
        store.append(Labels({"__name__": "x"}), nth * 20_000, float(nth * nth))

    [(_, value)] = instant(parse(query, experimental=True), 110_000, store).vector()

    assert value == pytest.approx(expected)


def test_most_functions_refuse_extended_ranges(store: MemoryStore) -> None:
    with pytest.raises(EvalError) as refused:
        ask_experimental(store, "deriv(restarts_total[3m] smoothed)")

    assert str(refused.value) == "smoothed modifier can only be used with: delta, increase, rate - not with deriv"


def ask_experimental(store: MemoryStore, query: str) -> None:
    instant(parse(query, experimental=True), 0, store)


def test_annotations_name_the_place_when_the_text_is_known(store: MemoryStore) -> None:
    query = "sum(\n rate(up[1m]))"
    for at in (0, 30_000):
        store.append(Labels({"__name__": "up"}), at, 1.0)

    named = instant(parse(query), 30_000, store, query=query)
    unnamed = instant(parse(query), 30_000, store)

    text = 'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "up"'
    assert named.annotations.infos == (f"{text} (2:7)",)
    assert unnamed.annotations.infos == (text,)


@pytest.mark.parametrize(
    ("why", "message"),
    [
        ("timeout", "query timed out in expression evaluation"),
        ("canceled", "query was canceled in expression evaluation"),
    ],
)
def test_a_query_can_be_stopped(store: MemoryStore, why: Literal["timeout", "canceled"], message: str) -> None:
    interrupted: Callable[[], Literal["", "timeout", "canceled"]] = lambda: why  # noqa: E731  # typed for Literal

    with pytest.raises(EvalError, match=message) as stopped:
        instant(parse("up"), 0, store, limits=Limits(interrupted=interrupted))

    assert stopped.value.error_type == why


def test_a_query_that_would_load_too_much_is_refused(store: MemoryStore) -> None:
    with pytest.raises(EvalError, match="query processing would load too many samples into memory in query execution"):
        instant(parse("sum_over_time(restarts_total[10m])"), 600_000, store, limits=Limits(max_samples=50))


@pytest.mark.parametrize(
    ("start", "end", "step", "message"),
    [
        pytest.param(0, 1000, 0, "zero or negative query resolution step widths", id="no step"),
        pytest.param(1000, 0, 1, "end timestamp must not be before start time", id="backwards"),
        pytest.param(0, 100_000_000, 1, "exceeded maximum resolution of 11,000 points", id="too many points"),
    ],
)
def test_bad_ranges_are_bad_data(store: MemoryStore, start: int, end: int, step: int, message: str) -> None:
    with pytest.raises(EvalError, match=message) as refused:
        range_(parse("up"), start, end, step, store)

    assert refused.value.error_type == "bad_data"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("year(vector(NaN))", 292277026596.0),
        ("month(vector(Inf))", 12.0),
        ("day_of_week(vector(1e300))", 0.0),
        ("year(vector(1e12))", 33658.0),
    ],
)
def test_impossible_dates_are_what_go_makes_of_them(query: str, expected: float) -> None:
    """Known answers of Prometheus' engine on amd64."""
    assert ask(MemoryStore(), query) == {"{}": expected}


def test_a_range_function_refuses_namesakes_even_if_they_never_meet() -> None:
    store = MemoryStore()
    store.append(Labels({"__name__": "x"}), 0, 1.0)
    store.append(Labels({"__name__": "y"}), 600_000, 1.0)
    merging, refusing = parse('abs({__name__=~"x|y"})'), parse('max_over_time({__name__=~"x|y"}[1m])')

    assert [data.timestamps.tolist() for data in range_(merging, 0, 600_000, 300_000, store).series] == [[0, 600_000]]
    with pytest.raises(EvalError, match="vector cannot contain metrics with the same labelset"):
        range_(refusing, 0, 600_000, 300_000, store)


def test_sorting_warns_in_range_queries_unless_every_step_is_the_same(store: MemoryStore) -> None:
    warned = range_(parse("sort(restarts_total)"), 0, 600_000, 60_000, store)
    fixed = range_(parse("sort(restarts_total @ 60)"), 0, 600_000, 60_000, store)

    assert len(warned.annotations.warnings) == 1
    assert fixed.annotations.warnings == ()


@pytest.mark.parametrize(
    ("query", "pods"),
    [
        pytest.param("topk(2, x)", ["c", "b"], id="of equal values the first gives way, as in Go's heap"),
        pytest.param("topk(1, x * 0)", ["a"], id="among equals the first stays"),
        pytest.param("bottomk(2, x)", ["a", "b"], id="smallest first"),
        pytest.param("limitk(2, x)", ["a", "b"], id="the first two"),
    ],
)
def test_ties_are_broken_as_upstream_breaks_them(query: str, pods: list[str]) -> None:
    store = MemoryStore()
    for pod, value in (("a", 0.0), ("b", 0.0), ("c", 1.0)):
        store.append(Labels({"__name__": "x", "pod": pod}), 0, value)

    found = instant(parse(query, experimental=True), 0, store).vector()

    assert [labels.get("pod") for labels, _ in found] == pods


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"abc", 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_hashes_as_xxhash_does(data: bytes, expected: int) -> None:
    """Known answers of the xxHash project and its Python binding's documentation."""
    assert xxh64(data) == expected
