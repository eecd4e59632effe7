"""Samples in memory, in columns, with an inverted index over labels.

Owns: series, their samples, the order and duplicate rules, the index, retention, metric metadata.
Must not know: scraping, PromQL's semantics (lookback and staleness are the engine's), clocks, files.
Rules and texts follow Prometheus 3.x `tsdb/head_append.go` and `storage/errors.go`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from canarium.errors import CanariumError
from canarium.metrics.tsdb.gofloat import go_g
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.matchers import Predicate, compile_all

if TYPE_CHECKING:
    from canarium.metrics.promql.ast import Matcher

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

STALE_BITS: Final = 0x7FF0000000000002
STALE_NAN: Final[float] = struct.unpack("<d", struct.pack("<Q", STALE_BITS))[0]
_FIRST_CAPACITY: Final = 16
_MAX_SELECTED: Final = 1024
_double = struct.Struct("<d")


def is_stale(value: float) -> bool:
    """Whether a value is the staleness marker (one exact NaN, unlike the ordinary one)."""
    return value != value and _double.pack(value) == _double.pack(STALE_NAN)


def stale_mask(values: Floats) -> npt.NDArray[np.bool_]:
    """Which of the values are staleness markers."""
    mask: npt.NDArray[np.bool_] = values.view(np.int64) == STALE_BITS
    return mask


class AppendError(CanariumError):
    """A sample the store does not take."""


class OutOfOrder(AppendError):
    """Older than the newest sample of its series."""


class OutOfBounds(AppendError):
    """Older than anything the store still keeps."""


class DuplicateSample(AppendError):
    """Another value for a timestamp that has one."""


class SeriesData(msgspec.Struct, frozen=True):
    """Samples of one series, oldest first; times in milliseconds since 1970. The arrays are read only by agreement."""

    labels: Labels
    timestamps: Ints
    values: Floats


class Appended(msgspec.Struct):
    """What a batch did: how many samples went in, and what was refused, in order (upstream counts them per scrape)."""

    samples: int = 0
    refused: list[tuple[Labels, AppendError]] = msgspec.field(default_factory=list)


class MetricMetadata(msgspec.Struct, frozen=True):
    """What the exposition says of a metric: its type (counter, gauge, ...), help and unit."""

    type: str = "unknown"
    help: str = ""
    unit: str = ""


class Series:
    """One series and its columns. To callers an opaque reference; a `dropped` one is no longer stored."""

    __slots__ = ("_end", "_start", "_times", "_values", "dropped", "has_stale", "labels", "last_ms", "last_value")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.dropped = False
        self.has_stale = False
        self.last_ms = -(1 << 62)
        self.last_value = 0.0
        self._times: Ints = np.empty(_FIRST_CAPACITY, np.int64)
        self._values: Floats = np.empty(_FIRST_CAPACITY, np.float64)
        self._start = 0
        self._end = 0

    def __len__(self) -> int:
        return self._end - self._start

    @property
    def timestamps(self) -> Ints:
        """A view that later appends do not change."""
        return self._times[self._start : self._end]

    @property
    def values(self) -> Floats:
        """A view that later appends do not change."""
        return self._values[self._start : self._end]

    def push(self, timestamp_ms: int, value: float) -> None:
        """Append without checks."""
        end = self._end
        if end == len(self._times):
            self._grow()
            end = self._end
        self._times[end] = timestamp_ms
        self._values[end] = value
        self._end = end + 1
        self.last_ms = timestamp_ms
        self.last_value = value
        if value != value and not self.has_stale:
            self.has_stale = is_stale(value)

    def _grow(self) -> None:
        # New arrays rather than resized ones: views handed out earlier stay as they were.
        count = self._end - self._start
        times: Ints = np.empty(max(_FIRST_CAPACITY, 2 * count), np.int64)
        values: Floats = np.empty(len(times), np.float64)
        times[:count] = self._times[self._start : self._end]
        values[:count] = self._values[self._start : self._end]
        self._times, self._values, self._start, self._end = times, values, 0, count

    def drop_before(self, timestamp_ms: int) -> None:
        """Forget what is older than the given time."""
        self._start += int(self.timestamps.searchsorted(timestamp_ms, "left"))

    def between(self, start_ms: int, end_ms: int) -> tuple[Ints, Floats]:
        """Samples with start <= time <= end."""
        times = self.timestamps
        low, high = 0, len(times)
        if high and (times[0] < start_ms or self.last_ms > end_ms):
            low = int(times.searchsorted(start_ms, "left"))
            high = int(times.searchsorted(end_ms, "right"))
        return times[low:high], self.values[low:high]


class MemoryStore:
    """All series of one Prometheus, in memory.

    Series come back in the order of their creation, as they do from Prometheus' head block.
    """

    def __init__(self, *, retention_ms: int = 0) -> None:
        """retention_ms: how long samples are kept behind the newest one by `expire`; 0 keeps everything."""
        self.retention_ms = retention_ms
        self.max_ms = -(1 << 62)
        self._min_valid_ms = -(1 << 62)
        self._series: dict[Labels, Series] = {}
        self._postings: dict[str, dict[str, dict[Labels, Series]]] = {}
        self._selected: dict[tuple[Matcher, ...], list[Series]] = {}
        self._metadata: dict[str, MetricMetadata] = {}

    def series(self, labels: Labels) -> Series:
        """The reference to append to, created on first use; scrapers keep it (look again once it is `dropped`)."""
        found = self._series.get(labels)
        if found is None:
            found = Series(labels)
            self._series[labels] = found
            for name, value in labels.pairs:
                self._postings.setdefault(name, {}).setdefault(value, {})[labels] = found
            self._selected.clear()
        return found

    def append(self, labels: Labels, timestamp_ms: int, value: float) -> None:
        """Append one sample. Raises OutOfOrder, OutOfBounds or DuplicateSample; an exact repeat is fine."""
        problem = self._add(self.series(labels), timestamp_ms, value)
        if problem is not None:
            raise problem

    def append_batch(self, rows: Iterable[tuple[Labels, int, float]]) -> Appended:
        """Append the samples of one scrape; what is refused is reported and does not hold up the rest."""
        done = Appended()
        series = self.series
        for labels, timestamp_ms, value in rows:
            self._add_to(done, series(labels), timestamp_ms, value)
        return done

    def append_refs(self, refs: Sequence[Series], timestamp_ms: int, values: Sequence[float]) -> Appended:
        """Append one value to each reference, all at one time: the quick form for a scraper that keeps references."""
        done = Appended()
        if timestamp_ms < self._min_valid_ms:
            done.refused = [(ref.labels, OutOfBounds("out of bounds")) for ref in refs]
            return done
        for ref, value in zip(refs, values, strict=True):
            if timestamp_ms > ref.last_ms and not ref.dropped:
                ref.push(timestamp_ms, value)
                done.samples += 1
            else:
                self._add_to(done, self.series(ref.labels) if ref.dropped else ref, timestamp_ms, value)
        if done.samples and timestamp_ms > self.max_ms:
            self.max_ms = timestamp_ms
        return done

    def _add_to(self, done: Appended, series: Series, timestamp_ms: int, value: float) -> None:
        problem = self._add(series, timestamp_ms, value)
        if problem is None:
            done.samples += 1
        else:
            done.refused.append((series.labels, problem))

    def _add(self, series: Series, timestamp_ms: int, value: float) -> AppendError | None:
        if timestamp_ms > series.last_ms and timestamp_ms >= self._min_valid_ms:
            series.push(timestamp_ms, value)
            if timestamp_ms > self.max_ms:
                self.max_ms = timestamp_ms
            return None
        if timestamp_ms < self._min_valid_ms:
            return OutOfBounds("out of bounds")
        if timestamp_ms < series.last_ms:
            return OutOfOrder("out of order sample")
        if _double.pack(value) == _double.pack(series.last_value):
            return None  # federation and retries repeat samples; upstream accepts them without a word
        return DuplicateSample(
            f"duplicate sample for timestamp {timestamp_ms}; overrides not allowed: "
            f"existing {go_g(series.last_value)}, new value {go_g(value)}"
            if timestamp_ms
            else "duplicate sample for timestamp"
        )

    def selected(self, matchers: tuple[Matcher, ...]) -> list[Series]:
        """The series that match, whatever their samples; remembered until a series comes or goes."""
        found = self._selected.get(matchers)
        if found is None:
            found = self._find(compile_all(matchers))
            if len(self._selected) >= _MAX_SELECTED:
                self._selected.clear()
            self._selected[matchers] = found
        return found

    def _find(self, predicates: list[tuple[str, Predicate]]) -> list[Series]:
        smallest: list[dict[Labels, Series]] | None = None
        size = len(self._series) + 1
        rest: list[tuple[str, Predicate]] = []
        for name, predicate in predicates:
            rest.append((name, predicate))
            if predicate.accepts_empty:
                continue  # series without the label match too, and no posting lists those
            by_value = self._postings.get(name, {})
            if predicate.values is not None:
                lists = [by_value[value] for value in predicate.values if value in by_value]
            else:
                lists = [posting for value, posting in by_value.items() if predicate.accepts(value)]
            count = sum(map(len, lists))
            if count < size:
                smallest, size = lists, count
        candidates: Iterable[Series]
        if smallest is None:
            candidates = self._series.values()
        elif len(smallest) == 1:
            candidates = smallest[0].values()
        else:
            labels = {key for posting in smallest for key in posting}
            candidates = [series for key, series in self._series.items() if key in labels]
        return [
            series
            for series in candidates
            if all(predicate.accepts(series.labels.get(name)) for name, predicate in rest)
        ]

    def select(self, matchers: tuple[Matcher, ...], start_ms: int, end_ms: int) -> list[SeriesData]:
        """The samples with start <= time <= end of each matching series that has any (staleness markers included)."""
        found: list[SeriesData] = []
        for series in self.selected(matchers):
            times, values = series.between(start_ms, end_ms)
            if len(times):
                found.append(SeriesData(series.labels, times, values))
        return found

    def label_sets(self, matchers: Sequence[tuple[Matcher, ...]], start_ms: int, end_ms: int) -> list[Labels]:
        """Label sets of the series with samples in the range that match any of the selectors, sorted."""
        seen: dict[Labels, None] = {}
        for selector in matchers or [()]:
            for data in self.select(selector, start_ms, end_ms):
                seen[data.labels] = None
        return sorted(seen)

    def label_names(
        self, matchers: Sequence[tuple[Matcher, ...]] = (), start_ms: int = -(1 << 62), end_ms: int = 1 << 62
    ) -> list[str]:
        """Names of labels in use, sorted."""
        return sorted({name for labels in self.label_sets(matchers, start_ms, end_ms) for name, _ in labels.pairs})

    def label_values(
        self,
        name: str,
        matchers: Sequence[tuple[Matcher, ...]] = (),
        start_ms: int = -(1 << 62),
        end_ms: int = 1 << 62,
    ) -> list[str]:
        """Values a label takes, sorted."""
        values = {labels.get(name) for labels in self.label_sets(matchers, start_ms, end_ms)}
        return sorted(values - {""})

    def describe(self, metric: str, metadata: MetricMetadata) -> None:
        """Remember what a metric is; the last word counts."""
        self._metadata[metric] = metadata

    def metadata(self, metric: str = "") -> dict[str, MetricMetadata]:
        """What is known of one metric, or of all."""
        if metric:
            return {metric: self._metadata[metric]} if metric in self._metadata else {}
        return dict(self._metadata)

    def expire(self, now_ms: int) -> None:
        """Apply retention: forget samples older than `now - retention`, and series left without any."""
        if self.retention_ms > 0:
            self.drop_before(now_ms - self.retention_ms)

    def drop_before(self, timestamp_ms: int) -> None:
        """Forget samples before the given time; nothing that old is accepted any more."""
        self._min_valid_ms = max(self._min_valid_ms, timestamp_ms)
        for labels, series in list(self._series.items()):
            series.drop_before(timestamp_ms)
            if len(series):
                continue
            series.dropped = True
            del self._series[labels]
            for name, value in labels.pairs:
                by_value = self._postings[name]
                del by_value[value][labels]
                if not by_value[value]:
                    del by_value[value]
                    if not by_value:
                        del self._postings[name]
            self._selected.clear()

    def __len__(self) -> int:
        """How many series are stored."""
        return len(self._series)
