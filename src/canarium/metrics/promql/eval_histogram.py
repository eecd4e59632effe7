"""Quantiles and fractions of classic histograms (series with an `le` label).

Owns: putting buckets together and interpolating in them. Must not know: selectors, storage, native histograms.
Semantics follow Prometheus 3.x `promql/quantile.go` (BucketQuantile, BucketFraction).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec
import numpy as np

from canarium.metrics.promql.ast import Span
from canarium.metrics.promql.eval_binary import merged_unless_delayed
from canarium.metrics.promql.values import Block, Context, Floats, empty
from canarium.metrics.tsdb.gofloat import go_g
from canarium.metrics.tsdb.labels import BUCKET_LABEL, Labels

Buckets: TypeAlias = tuple[list[float], list[float]]
"""Upper bounds and cumulative counts, by bound."""

_CHECK_EVERY: Final = 256  # histograms
_TOLERANCE: Final = 1e-12
_MIN_NORMAL: Final = 2.2250738585072014e-308
_MAX_FLOAT: Final = 1.7976931348623157e308
_FORCED: Final = (
    "PromQL info: input to histogram_quantile needed to be fixed for monotonicity "
    "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)


class Forced(msgspec.Struct):
    """Where counts that fell had to be evened out, over all steps."""

    first_ms: int = 0
    last_ms: int = 0
    low: float = math.inf
    high: float = -math.inf
    most: float = 0.0
    samples: int = 0

    def add(self, at_ms: int, low: float, high: float, most: float) -> None:
        """One more sample in which it happened."""
        self.first_ms = at_ms if not self.samples else min(self.first_ms, at_ms)
        self.last_ms = max(self.last_ms, at_ms)
        self.low, self.high, self.most = min(self.low, low), max(self.high, high), max(self.most, most)
        self.samples += 1

    def __str__(self) -> str:
        return (
            f", from buckets {go_g(self.low)} to {go_g(self.high)}, with a max diff of {_two_digits(self.most)}, "
            f"over {self.samples} samples from {_rfc3339(self.first_ms)} to {_rfc3339(self.last_ms)}"
        )


def _two_digits(value: float) -> str:
    return f"{value:.2g}"


def _rfc3339(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_bound(text: str) -> float | None:
    try:
        return float(text) if text and text.strip() == text and "_" not in text else None
    except ValueError:
        return None


def _by_histogram(ctx: Context, block: Block, span: Span) -> dict[Labels, list[tuple[float, int]]]:
    """For each histogram its buckets: upper bound and row."""
    found: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(block.labels):
        if not block.present[row].any():
            continue
        text = labels.get(BUCKET_LABEL)
        bound = _parse_bound(text)
        if bound is None:
            name = labels.get("__name__") if ctx.delayed_names else ""
            ctx.warn(
                f'PromQL warning: bucket label "le" is missing or has a malformed value of "{text}"'
                + (f' for metric name "{name}"' if name else ""),
                span,
            )
            continue
        found.setdefault(labels.without((BUCKET_LABEL,)), []).append((bound, row))
    return found


def _evaluate(
    ctx: Context, block: Block, span: Span, function: Callable[[int, Labels, Buckets], float]
) -> tuple[list[Labels], Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    steps = block.values.shape[1]
    histograms = _by_histogram(ctx, block, span)
    values = np.zeros((len(histograms), steps))
    present = np.zeros((len(histograms), steps), np.bool_)
    for index, (labels, buckets) in enumerate(histograms.items()):
        buckets.sort(key=lambda bucket: bucket[0])
        rows = [row for _, row in buckets]
        bounds = [bound for bound, _ in buckets]
        counts, here = block.values[rows].T.tolist(), block.present[rows].T
        present[index] = here.any(axis=1)
        for nth_step, step in enumerate(np.flatnonzero(present[index])):
            if nth_step % _CHECK_EVERY == 0:
                ctx.check()
            if here[step].all():
                some: Buckets = (list(bounds), counts[step])
            else:
                which = np.flatnonzero(here[step]).tolist()
                some = ([bounds[nth] for nth in which], [counts[step][nth] for nth in which])
            values[index, step] = function(int(step), labels, some)
    return list(histograms), values, present


def histogram_quantile(
    ctx: Context, q: Floats, block: Block, spans: tuple[Span, Span], label: tuple[str, str] | None = None
) -> Block:
    """The q-quantile of each histogram; with `label`, that label says which quantile it is."""
    for value in dict.fromkeys(q.tolist()):
        if math.isnan(value) or value < 0 or value > 1:
            ctx.warn(f"PromQL warning: quantile value should be between 0 and 1, got {go_g(value)}", spans[0])
            break
    forced: dict[str, Forced] = {}

    def quantile(step: int, labels: Labels, buckets: Buckets) -> float:
        value, fixed = bucket_quantile(float(q[step]), buckets)
        if fixed is not None:
            name = labels.get("__name__") if ctx.delayed_names else ""
            text = _FORCED + (f' for metric name "{name}"' if name else "")
            forced.setdefault(text, Forced()).add(int(ctx.steps[step]), *fixed)
        return value

    labels, values, present = _evaluate(ctx, block, spans[1], quantile)
    for text, where in forced.items():
        ctx.info(text, spans[1], where.__str__)
    if not labels:
        return empty(len(q))
    if label is not None:
        labels = [one.with_label(*label) for one in labels]
    return merged_unless_delayed(ctx, ctx.nameless(Block(labels, values, present)))


def histogram_fraction(ctx: Context, lower: Floats, upper: Floats, block: Block, span: Span) -> Block:
    """The share of observations between two bounds, for each histogram."""

    def fraction(step: int, _labels: Labels, buckets: Buckets) -> float:
        return bucket_fraction(float(lower[step]), float(upper[step]), buckets)

    labels, values, present = _evaluate(ctx, block, span, fraction)
    if not labels:
        return empty(len(lower))
    return merged_unless_delayed(ctx, ctx.nameless(Block(labels, values, present)))


def _coalesced(buckets: Buckets) -> Buckets:
    bounds, counts = buckets
    if len(set(bounds)) == len(bounds):
        return buckets
    summed: dict[float, float] = {}
    for bound, count in zip(bounds, counts, strict=True):
        summed[bound] = summed.get(bound, 0.0) + count
    return list(summed), list(summed.values())


def _nearly_equal(a: float, b: float) -> bool:
    if a == b:
        return True
    together, apart = abs(a) + abs(b), abs(a - b)
    if a == 0 or b == 0 or together < _MIN_NORMAL:
        return apart < _TOLERANCE * _MIN_NORMAL
    return apart / min(together, _MAX_FLOAT) < _TOLERANCE


def _monotonic(buckets: Buckets) -> tuple[float, float, float] | None:
    """Even out counts that fall, in place; tells where, unless it was rounding noise only."""
    bounds, counts = buckets
    low, high, most, was_forced = math.inf, -math.inf, 0.0, False
    before = counts[0]
    for nth in range(1, len(counts)):
        count = counts[nth]
        if count == before:
            continue
        if _nearly_equal(before, count):
            counts[nth] = before
        elif count < before:
            counts[nth] = before
            was_forced = True
            low, high, most = min(low, bounds[nth]), max(high, bounds[nth]), max(most, before - count)
        else:
            before = count
    return (low, high, most) if was_forced else None


def bucket_quantile(q: float, buckets: Buckets) -> tuple[float, tuple[float, float, float] | None]:
    """The q-quantile of one histogram, and where its counts had to be evened out (lowest, highest bound, most)."""
    if math.isnan(q):
        return math.nan, None
    if q < 0 or q > 1:
        return math.copysign(math.inf, q - 0.5), None
    if buckets[0][-1] != math.inf:
        return math.nan, None
    bounds, counts = buckets = _coalesced(buckets)
    fixed = _monotonic(buckets)
    last = len(bounds) - 1
    observations = counts[last]
    if last < 1 or observations == 0 or math.isnan(observations):
        return math.nan, fixed
    rank = q * observations
    nth = bisect_left(counts, rank, 0, last)
    if nth == last:
        return bounds[last - 1], fixed
    if nth == 0 and bounds[0] <= 0:
        return bounds[0], fixed
    start, count = 0.0, counts[nth]
    if nth > 0:
        start = bounds[nth - 1]
        count -= counts[nth - 1]
        rank -= counts[nth - 1]
    share = rank / count if count else math.nan
    return start + (bounds[nth] - start) * share, fixed


def bucket_fraction(lower: float, upper: float, buckets: Buckets) -> float:
    """The share of observations of one histogram between two bounds."""
    if buckets[0][-1] != math.inf:
        return math.nan
    bounds, counts = _coalesced(buckets)
    total = counts[-1]
    if total == 0 or math.isnan(lower) or math.isnan(upper):
        return math.nan
    if lower >= upper:
        return 0.0
    return (_rank(upper, bounds, counts) - _rank(lower, bounds, counts)) / total


def _rank(value: float, bounds: list[float], counts: list[float]) -> float:
    """How many observations are below a value, linearly within its bucket."""
    below = 0.0 if bounds[0] > 0 else -math.inf
    rank = 0.0
    for bound, count in zip(bounds, counts, strict=True):
        if below >= value:
            return min(rank, counts[-1])
        if below < value < bound:
            inside = count if below == -math.inf else rank + (count - rank) * (value - below) / (bound - below)
            return min(inside, counts[-1])
        rank, below = count, bound
    return counts[-1]
