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
from canarium.metrics.promql.values import Block, Bools, EvalError, Floats, empty, merged
from canarium.metrics.tsdb.labels import EMPTY, METRIC_NAME, Labels
from canarium.metrics.tsdb.matchers import InvalidRegex, compile_regex

Elementwise: TypeAlias = Callable[[Floats], Floats]

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


def _days(values: Floats, unit: str) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int64]], ...]:
    """Seconds since 1970, and the number of the calendar unit since 1970."""
    # Far outside the calendar (and for NaN) Go's conversion is undefined; stay within what can be computed.
    seconds = np.nan_to_num(np.clip(values, -(2.0**40), 2.0**40), nan=0.0).astype(np.int64)
    return seconds, seconds.astype("datetime64[s]").astype(f"datetime64[{unit}]").astype(np.int64)


def _day_of_month(values: Floats) -> Floats:
    seconds, months = _days(values, "M")
    days = seconds // 86400 - months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return (days + 1).astype(np.float64)


def _day_of_year(values: Floats) -> Floats:
    seconds, years = _days(values, "Y")
    days = seconds // 86400 - years.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return (days + 1).astype(np.float64)


def _days_in_month(values: Floats) -> Floats:
    _seconds, months = _days(values, "M")
    first, following = (
        number.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for number in (months, months + 1)
    )
    return (following - first).astype(np.float64)


DATES: Final[dict[str, Elementwise]] = {
    "year": lambda values: (_days(values, "Y")[1] + 1970).astype(np.float64),
    "month": lambda values: (_days(values, "M")[1] % 12 + 1).astype(np.float64),
    "day_of_month": _day_of_month,
    "day_of_year": _day_of_year,
    "day_of_week": lambda values: ((_days(values, "D")[1] + 4) % 7).astype(np.float64),  # 1970 began on a Thursday
    "days_in_month": _days_in_month,
    "hour": lambda values: (_days(values, "h")[1] % 24).astype(np.float64),
    "minute": lambda values: (_days(values, "m")[1] % 60).astype(np.float64),
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
