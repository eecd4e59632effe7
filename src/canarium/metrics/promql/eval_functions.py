"""Functions over instant vectors and scalars: mathematics, clamping, dates, labels, order.

Owns: what each of these functions makes of a vector. Must not know: selectors, ranges, storage.
Semantics follow Prometheus 3.x `promql/functions.go`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Final, TypeAlias

import numpy as np

from canarium.metrics.promql.ast import Expr, MatrixSelector, VectorSelector
from canarium.metrics.promql.values import Block, Bools, EvalError, Floats, Ints, empty, merged
from canarium.metrics.tsdb.labels import EMPTY, METRIC_NAME, Labels
from canarium.metrics.tsdb.matchers import InvalidRegex, compile_regex

Elementwise: TypeAlias = Callable[[Floats], Floats]

_MAX_SECONDS: Final = 2.0**62
_GROUP = re.compile(r"\$(?:\{(\w+)\}|(\w+)|(\$))", re.ASCII)


def go_min(a: Floats, b: Floats) -> Floats:
    """Go's math.Min: -Inf wins even against NaN."""
    return np.where(np.isneginf(a) | np.isneginf(b), -np.inf, np.minimum(a, b))


def go_max(a: Floats, b: Floats) -> Floats:
    """Go's math.Max: +Inf wins even against NaN."""
    return np.where(np.isposinf(a) | np.isposinf(b), np.inf, np.maximum(a, b))


def _sign(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


MATH: Final[dict[str, Elementwise]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sgn": _sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": lambda values: values * 180 / math.pi,
    "rad": lambda values: values * math.pi / 180,
}


def _calendar(values: Floats, unit: str) -> Ints:
    """How many of the calendar unit lie between 1970 and a time in seconds."""
    seconds = np.clip(np.nan_to_num(values, nan=0.0), -_MAX_SECONDS, _MAX_SECONDS).astype(np.int64)
    return seconds.astype("datetime64[s]").astype(f"datetime64[{unit}]").astype(np.int64)


def _days_from(number: Ints, unit: str) -> Ints:
    return number.astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64)


def _dated(function: Callable[[Floats], Ints], of_the_impossible: float) -> Elementwise:
    """A date function; `of_the_impossible` is what Go (on amd64) makes of NaN, infinities and beyond: int64's least."""

    def apply(values: Floats) -> Floats:
        result = function(values).astype(np.float64)
        return np.where(np.abs(values) < 2.0**63, result, of_the_impossible)

    return apply


def _days_in_month(values: Floats) -> Ints:
    months = _calendar(values, "M")
    return _days_from(months + 1, "M") - _days_from(months, "M")


DATES: Final[dict[str, Elementwise]] = {
    "year": _dated(lambda values: _calendar(values, "Y") + 1970, 292277026596.0),
    "month": _dated(lambda values: _calendar(values, "M") % 12 + 1, 12.0),
    "day_of_month": _dated(lambda values: _calendar(values, "D") - _days_from(_calendar(values, "M"), "M") + 1, 4.0),
    "day_of_year": _dated(lambda values: _calendar(values, "D") - _days_from(_calendar(values, "Y"), "Y") + 1, 339.0),
    "day_of_week": _dated(lambda values: (_calendar(values, "D") + 4) % 7, 0.0),  # 1970 began on a Thursday
    "days_in_month": _dated(_days_in_month, 31.0),
    "hour": _dated(lambda values: _calendar(values, "h") % 24, 15.0),
    "minute": _dated(lambda values: _calendar(values, "m") % 60, 30.0),
}


def clamp(values: Floats, low: Floats, high: Floats) -> Floats:
    """Between two bounds."""
    return go_max(low, go_min(high, values))


def rounded(values: Floats, nearest: Floats) -> Floats:
    """To the nearest multiple, ties up; by the inverse, which loses less."""
    inverse = 1.0 / nearest
    return np.floor(values * inverse + 0.5) / inverse


def scalar_of(block: Block, steps: int) -> Floats:
    """The one sample at each step, or NaN."""
    if not block.labels:
        return np.full(steps, np.nan)
    if len(block.labels) == 1:
        return np.where(block.present[0], block.values[0], np.nan)
    count = block.present.sum(axis=0)
    return np.where(count == 1, np.where(block.present, block.values, 0.0).sum(axis=0), np.nan)


def absent_labels(argument: Expr) -> Labels:
    """The labels a selector names with `=`, once each: what `absent` answers with."""
    match argument:
        case VectorSelector():
            matchers = argument.matchers
        case MatrixSelector():
            matchers = argument.vector_selector.matchers
        case _:
            return EMPTY
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.op == "=" and matcher.name not in seen:
            labels[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            labels.pop(matcher.name, None)
    return Labels(labels)


def absent(block: Block, labels: Labels, steps: int) -> Block:
    """One series with 1 where the vector has no sample."""
    missing: Bools = np.ones(steps, np.bool_)
    if block.labels:
        missing = np.logical_not(block.present.any(axis=0))
    if not missing.any():
        return empty(steps)
    return Block([labels], np.ones((1, steps)), missing[None])


def _relabelled(block: Block, labels: list[Labels | None], target: str) -> Block:
    """With new labels where there are any; who writes the metric's name wants to keep it."""
    drop = block.drop
    if drop is not None and target == METRIC_NAME:
        drop = [was and new is None for was, new in zip(drop, labels, strict=True)]
    full = [old if new is None else new for old, new in zip(block.labels, labels, strict=True)]
    return merged(Block(full, block.values, block.present, drop))


def is_label_name(name: str) -> bool:
    """Any text that is UTF-8 will do; the lexer keeps broken bytes as lone surrogates."""
    return bool(name) and not any("\ud800" <= char <= "\udfff" for char in name)


def label_replace(block: Block, target: str, replacement: str, source: str, pattern: str) -> Block:
    """Set a label from a regular expression's groups, where it matches the source label whole."""
    import re2  # heavy, and most queries never get here

    try:
        compile_regex(pattern)
    except InvalidRegex as error:
        raise EvalError(f"invalid regular expression in label_replace(): {pattern}") from error
    if not is_label_name(target):
        raise EvalError(f"invalid destination label name in label_replace(): {target}")
    compiled = re2.compile(f"^(?s:{pattern})$")

    def new_labels(labels: Labels) -> Labels | None:
        match = compiled.fullmatch(labels.get(source))
        if match is None:
            return None
        return labels.with_label(target, _expanded(replacement, match.groups(), match.group(0), match.groupdict()))

    return _relabelled(block, [new_labels(one) for one in block.labels], target)


def _expanded(template: str, groups: tuple[str | None, ...], whole: str, named: dict[str, str | None]) -> str:
    def value(reference: re.Match[str]) -> str:
        if reference[3]:
            return "$"
        name = reference[1] or reference[2]
        if name.isdigit():
            number = int(name)
            if number == 0:
                return whole
            return (groups[number - 1] or "") if number <= len(groups) else ""
        return named.get(name) or ""

    return _GROUP.sub(value, template)


def label_join(block: Block, target: str, separator: str, sources: Sequence[str]) -> Block:
    """Set a label to the values of others, joined."""
    for source in sources:
        if not is_label_name(source):
            raise EvalError(f"invalid source label name in label_join(): {source}")
    if not is_label_name(target):
        raise EvalError(f"invalid destination label name in label_join(): {target}")
    return _relabelled(
        block,
        [one.with_label(target, separator.join(one.get(source) for source in sources)) for one in block.labels],
        target,
    )


def sorted_by_value(block: Block, *, is_descending: bool) -> Block:
    """Rows by their first value, NaN last."""
    if not block.labels:
        return block
    rows = np.flatnonzero(block.present[:, 0])
    values = block.values[rows, 0]
    keys = -values if is_descending else values
    return block.rows(rows[np.lexsort((keys, np.isnan(values)))])


def sorted_by_label(block: Block, names: Sequence[str], *, is_descending: bool) -> Block:
    """Rows by labels, numbers within them in natural order, then by the whole label set."""

    def compare(one: int, other: int) -> int:
        first, second = block.labels[one], block.labels[other]
        for name in names:
            a, b = first.get(name), second.get(name)
            if a != b:
                return -1 if _natural_less(a, b) else 1
        return -1 if first.pairs < second.pairs else int(first.pairs > second.pairs)

    order = sorted(range(len(block.labels)), key=cmp_to_key(compare), reverse=is_descending)
    return block.rows(order) if order else block


def _natural_less(a: str, b: str) -> bool:
    """As facette/natsort compares: digits as numbers, the rest as text."""
    chunks_a, chunks_b = (re.findall(r"[0-9]+|[^0-9]+", text) for text in (a, b))
    for nth, chunk in enumerate(chunks_a):
        if nth >= len(chunks_b):
            return False
        other = chunks_b[nth]
        is_same: bool = chunk == other
        if chunk[0].isdigit() and other[0].isdigit():
            if int(chunk) != int(other):
                return int(chunk) < int(other)
            is_same = True
        if not is_same:
            return bool(chunk < other)
        if nth == len(chunks_a) - 1:
            return True
        if nth == len(chunks_b) - 1:
            return False
    return False
