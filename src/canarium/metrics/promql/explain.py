"""Why a part of a PromQL expression is empty, in one sentence with its evidence.

Owns: the sentences, and the search for the evidence: which matcher excludes what, how old the last sample is, which
label keeps two sides apart. Must not know: how the tree is walked (`tree`), HTTP, clocks.
The rules explained are those of Prometheus 3.x `promql/engine.go`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from canarium.metrics.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    Matcher,
    MatrixSelector,
    ValueType,
    VectorMatching,
    VectorSelector,
)
from canarium.metrics.promql.printer import format_duration
from canarium.metrics.promql.quoting import quote
from canarium.metrics.promql.typecheck import COMPARISONS
from canarium.metrics.promql.values import Result, Storage
from canarium.metrics.tsdb.gofloat import go_g
from canarium.metrics.tsdb.labels import METRIC_NAME, Labels
from canarium.metrics.tsdb.store import Series, is_stale

_SHOWN: Final = 5
_TEXT: Final = 60
_NEEDS_TWO: Final = frozenset(
    {"rate", "increase", "delta", "irate", "idelta", "deriv", "predict_linear", "double_exponential_smoothing"}
)
_NEEDS_NATIVE: Final = frozenset(
    {"histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"}
)


class Operand(msgspec.Struct, frozen=True):
    """A part that another works on: its text, and what it is worth (None: not known)."""

    text: str
    expr: Expr
    result: Result | None


# -- selectors --------------------------------------------------------------------------------------------------------


def selector_note(storage: Storage, selector: VectorSelector, reference_ms: int, lookback_ms: int) -> str:
    """Why an instant selector selects nothing at a time."""
    series = [one for one in storage.selected(selector.matchers) if len(one)]
    if not series:
        return _unmatched(storage, selector)
    looked = f"the lookback is {format_duration(lookback_ms)}"
    return _outdated(series, reference_ms, looked)


def range_note(storage: Storage, selector: MatrixSelector, start_ms: int, end_ms: int) -> str:
    """Why a range selector holds no samples between two times."""
    series = [one for one in storage.selected(selector.vector_selector.matchers) if len(one)]
    if not series:
        return _unmatched(storage, selector.vector_selector)
    return _outdated(series, end_ms, f"the range is {format_duration(end_ms - start_ms)}")


def _outdated(series: Sequence[Series], reference_ms: int, looked: str) -> str:
    """There are series, but no sample that counts."""
    many = f"{_count(len(series), 'series')} {'matches' if len(series) == 1 else 'match'}"
    newest: tuple[int, float] | None = None
    earliest = min(int(one.timestamps[0]) for one in series)
    for one in series:
        index = int(one.timestamps.searchsorted(reference_ms, "right")) - 1
        if index >= 0:
            found = int(one.timestamps[index]), float(one.values[index])
            if newest is None or found[0] > newest[0]:
                newest = found
    if newest is None:
        return f"{many}, but the first sample is {_span(earliest - reference_ms)} younger than the time looked at"
    age = _span(reference_ms - newest[0])
    if is_stale(newest[1]):
        return (
            f"{many}, but the last one ended {age} before the time looked at: its target went away, could not be"
            " scraped, or tells it no longer"
        )
    return f"{many}, but the last sample is {age} old; {looked}"


def _unmatched(storage: Storage, selector: VectorSelector) -> str:
    """No series has all that the matchers ask for: the matcher that no series meets, or the ones that exclude each
    other."""
    names = [matcher for matcher in selector.matchers if matcher.name == METRIC_NAME]
    rest = [matcher for matcher in selector.matchers if matcher.name != METRIC_NAME]
    base = [one for one in storage.selected(tuple(names)) if len(one)]
    if not base:
        return _no_metric(storage, names)
    shown = f" of `{names[0].value}`" if names and names[0].op == "=" else ""
    known = f"{_count(len(base), 'series')}{shown} {'exists' if len(base) == 1 else 'exist'}"
    met: list[tuple[Matcher, list[Series]]] = []
    for matcher in rest:
        found = [one for one in storage.selected((*names, matcher)) if len(one)]
        if not found:
            return f"{known}; {_no_such_value(matcher, base)}"
        met.append((matcher, found))
    return f"{known}; {_no_such_combination(storage, names, met)}"


def _no_metric(storage: Storage, names: Sequence[Matcher]) -> str:
    known = sorted({one.labels.get(METRIC_NAME) for one in storage.selected(()) if len(one)} - {""})
    if not known:
        return "there are no metrics at all yet: nothing has been scraped"
    if len(names) == 1 and names[0].op == "=":
        return f"there is no metric `{names[0].value}`{_suggestion(names[0].value, known)}"
    wanted = " and ".join(_matcher(name) for name in names)
    return f"no metric has {wanted}" if names else "no series exists"


def _no_such_value(matcher: Matcher, series: Sequence[Series]) -> str:
    values = sorted({one.labels.get(matcher.name) for one in series} - {""})
    if not values:
        labels = sorted({name for one in series for name, _ in one.labels.pairs} - {METRIC_NAME})
        return f"none has a label `{matcher.name}`; labels there are {_listed(labels)}"
    if matcher.op in ("!=", "!~"):
        return f"all have {_matcher(Matcher(matcher.name, '=' if matcher.op == '!=' else '=~', matcher.value))}"
    told = f"values there {'is' if len(values) == 1 else 'are'} {_listed(values)}"
    hint = _suggestion(matcher.value, values) if matcher.op == "=" and len(values) > _SHOWN else ""
    return f"none has {_matcher(matcher)}; {told}{hint}"


def _no_such_combination(
    storage: Storage, names: Sequence[Matcher], met: Sequence[tuple[Matcher, list[Series]]]
) -> str:
    for later in range(1, len(met)):
        for earlier in range(later):
            (one, with_one), (other, with_other) = met[earlier], met[later]
            if any(len(series) for series in storage.selected((*names, one, other))):
                continue
            values = sorted({series.labels.get(other.name) or '""' for series in with_one})
            return (
                f"{len(with_one)} with {_matcher(one)} and {len(with_other)} with {_matcher(other)}, none with both;"
                f" where {_matcher(one)}, `{other.name}` is {_listed(values)}"
            )
    return "each matcher is met by some, but none meets all: " + ", ".join(
        f"{_matcher(matcher)} by {len(series)}" for matcher, series in met
    )


def _suggestion(wrong: str, known: Collection[str]) -> str:
    import difflib  # only here: most selectors find something

    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.75)
    if not close:
        close = sorted(name for name in known if wrong and wrong in name)[:1]
    return f"; did you mean `{close[0]}`?" if close else ""


# -- operators --------------------------------------------------------------------------------------------------------


def binary_note(expr: BinaryExpr, left: Operand, right: Operand) -> str:
    """Why an operation between two parts gives nothing."""
    if expr.op in ("or", "unless") and _is_empty(left):
        return f"{_named(left)} is empty" + (f", and so is {_named(right)}" if expr.op == "or" else "")
    if expr.op == "unless":
        return f"each of the {_size(left)} on the left has a partner on the right"
    empties = [operand for operand in (left, right) if _is_empty(operand)]
    if empties:
        return f"{_named(empties[0])} is empty" + (", on both sides" if len(empties) == 2 else "")
    if left.result is None or right.result is None:
        return ""
    if expr.matching is None:
        return _all_filtered(expr, left.result, right.result)
    return _matched_nothing(expr, expr.matching, left.result, right.result)


def _all_filtered(expr: BinaryExpr, left: Result, right: Result) -> str:
    """A comparison between a vector and a scalar."""
    is_vector_left = left.value_type is ValueType.VECTOR
    vector, scalar = (left, right) if is_vector_left else (right, left)
    went_in = f"{_count(len(vector.labels), 'series')} went in"
    if expr.op not in COMPARISONS:
        return went_in
    limit = go_g(scalar.number)
    failed = f"{expr.op} {limit}" if is_vector_left else f"met by {limit} {expr.op}"
    return f"{went_in}, {_none_is(len(vector.labels))} {failed}: {_range_of(vector)}"


def _none_is(count: int) -> str:
    return "and it is not" if count == 1 else "none is"


def _range_of(vector: Result) -> str:
    values = vector.values[:, 0]
    if np.isnan(values).all():
        return f"{'it is' if len(values) == 1 else 'all are'} NaN, which compares with nothing"
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if len(values) == 1:
        return f"it is {go_g(low)}"
    return f"all are {go_g(low)}" if low == high else f"they are from {go_g(low)} to {go_g(high)}"


def _matched_nothing(expr: BinaryExpr, matching: VectorMatching, left: Result, right: Result) -> str:
    """Two vectors, neither empty: no pair met, or a comparison let none through."""
    lefts, rights = _signatures(left, matching), _signatures(right, matching)
    pairs = sum(1 for signature in lefts if signature in set(rights))
    if pairs:
        return f"{_count(pairs, 'pair')} met, {_none_is(pairs)} {expr.op}" if expr.op in COMPARISONS else ""
    sides = f"none of the {len(lefts)} series on the left meets one of the {len(rights)} on the right"
    return f"{sides}: {_difference(lefts, rights)}{_remedy(lefts, rights)}"


def _signatures(result: Result, matching: VectorMatching) -> list[Labels]:
    if matching.on:
        return [labels.only(matching.labels) for labels in result.labels]
    return [labels.without((*matching.labels, METRIC_NAME)) for labels in result.labels]


def _difference(lefts: Sequence[Labels], rights: Sequence[Labels]) -> str:
    """The labels that keep two sides apart; the first few of them."""
    on_left, on_right = _values_by_name(lefts), _values_by_name(rights)
    found: list[str] = []
    for name in sorted({*on_left, *on_right}):
        here, there = on_left.get(name, set()), on_right.get(name, set())
        if not here or not there:
            side, other = ("left", "right") if here else ("right", "left")
            found.append(f"`{name}` is only on the {side}, not on the {other}")
        elif not here & there:
            found.append(f"`{name}` is {_listed(sorted(here))} on the left and {_listed(sorted(there))} on the right")
    if not found:
        return "no label alone keeps them apart, but their combinations never agree"
    more = f" (and {len(found) - 3} more labels)" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more


def _remedy(lefts: Sequence[Labels], rights: Sequence[Labels]) -> str:
    on_left, on_right = _values_by_name(lefts), _values_by_name(rights)
    shared = sorted(name for name in on_left if on_left[name] & on_right.get(name, set()))
    usable = {tuple(labels.get(name) for name in shared) for labels in lefts}
    if not shared or not any(tuple(labels.get(name) for name in shared) in usable for labels in rights):
        return ""
    return f"; on({', '.join(shared)}) would match them"


def _values_by_name(signatures: Iterable[Labels]) -> dict[str, set[str]]:
    values: dict[str, set[str]] = {}
    for labels in signatures:
        for name, value in labels.pairs:
            values.setdefault(name, set()).add(value)
    return values


# -- functions and aggregations ---------------------------------------------------------------------------------------


def aggregation_note(expr: AggregateExpr, operand: Operand, parameter: Operand | None) -> str:
    """Why an aggregation gives nothing."""
    if _is_empty(operand):
        return f"{_named(operand)} is empty, and {expr.op} of nothing is nothing, not 0"
    if parameter is not None and parameter.result is not None:
        return f"{_size(operand)} went in, and {expr.op} takes {_worth(parameter.result)} of them"
    return ""


def call_note(expr: Call, operands: Sequence[Operand]) -> str:
    """Why a function gives nothing, or no number."""
    name = expr.func
    if name in ("absent", "absent_over_time"):
        return f"{name}() gives nothing because there is something: {_size(operands[0])}"
    for operand in operands:
        if _is_empty(operand):
            return f"{_named(operand)} is empty"
    if name in _NEEDS_NATIVE:
        return f"{name}() reads native histograms only, and none are stored"
    ranges = [operand for operand in operands if operand.result and operand.result.value_type is ValueType.MATRIX]
    if name in _NEEDS_TWO and ranges and ranges[0].result is not None:
        return _too_few(name, ranges[0])
    vectors = [operand for operand in operands if operand.result and operand.result.value_type is ValueType.VECTOR]
    if name.startswith("histogram_") and vectors and not any("le" in _names(operand) for operand in vectors):
        return f"{_size(vectors[0])} went in, but none has a label `le`: they are not buckets of a histogram"
    if vectors:
        return f"{_size(vectors[0])} went in, and {name}() gives nothing for any of them"
    return ""


def _names(operand: Operand) -> set[str]:
    return {name for labels in operand.result.labels for name, _ in labels.pairs} if operand.result else set()


def _too_few(name: str, operand: Operand) -> str:
    assert operand.result is not None
    series = operand.result.series
    counts = [len(one.timestamps) for one in series]
    note = f"{name}() needs two samples in the range; {_count(len(series), 'series')} went in with {max(counts)} each"
    return note if len(series) > 1 else note.removesuffix(" each")


def scrape_hint(storage: Storage, selector: MatrixSelector) -> str:
    """How far apart the samples of a selector's series are, and so what range would hold some; empty when unknown."""
    for one in storage.selected(selector.vector_selector.matchers):
        if len(one) >= 2:
            apart = int(np.median(np.diff(one.timestamps[-20:])))
            if apart >= selector.range_ms / 2:
                return f"; samples are {_span(apart)} apart, so take [{_span(4 * apart)}]"
            return ""
    return ""


def scalar_note(expr: Call, operand: Operand) -> str:
    """Why scalar() is NaN."""
    if operand.result is None or len(operand.result.labels) == 1:
        return ""
    return f"{expr.func}() is NaN unless exactly one series goes in; {_size(operand)} went in"


def absent_note(operand: Operand) -> str:
    """Why absent() gives something."""
    return f"there is something because {_named(operand)} is empty" if _is_empty(operand) else ""


# -- words ------------------------------------------------------------------------------------------------------------


def short(text: str) -> str:
    """Text on one line, cut to what fits into a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= _TEXT else line[: _TEXT - 1] + "…"


def _is_empty(operand: Operand) -> bool:
    result = operand.result
    if result is None:
        return False
    match result.value_type:
        case ValueType.VECTOR:
            return not result.labels
        case ValueType.MATRIX:
            return not result.series
        case _:
            return False


def _named(operand: Operand) -> str:
    return f"`{short(operand.text)}`"


def _size(operand: Operand) -> str:
    result = operand.result
    if result is None:
        return "some series"
    return _count(len(result.series if result.value_type is ValueType.MATRIX else result.labels), "series")


def _worth(result: Result) -> str:
    return result.text if result.value_type is ValueType.STRING else go_g(result.number)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 or noun == "series" else f"{number} {noun}s"


def _matcher(matcher: Matcher) -> str:
    return f"{matcher.name}{matcher.op}{quote(matcher.value)}"


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(short(value) for value in values[:_SHOWN])
    return f"{shown} and {len(values) - _SHOWN} more" if len(values) > _SHOWN else shown


def _span(milliseconds: int) -> str:
    """A time span as people say it: `7m`, `1h5m`, `850ms`."""
    if milliseconds >= 3_600_000:
        milliseconds = round(milliseconds / 60_000) * 60_000
    elif milliseconds >= 10_000:
        milliseconds = round(milliseconds / 1000) * 1000
    return format_duration(milliseconds)
