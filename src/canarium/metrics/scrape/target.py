"""One scrape target: its final labels, and what an answer of its means for the store.

Owns: target labels, sample labels (honor_labels), staleness, and the `up` and `scrape_*` series.
Must not know: how an answer is fetched, or when. Source: Prometheus 3.x scrape/{target,scrape}.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from canarium.metrics.scrape import exposition
from canarium.metrics.scrape.config import Job
from canarium.metrics.scrape.relabel import relabel
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import STALE_NAN, MemoryStore, Series

SERIES_AT_ONCE = 500
REPORT = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)


def unrelabelled(job: Job, discovered: Mapping[str, str]) -> dict[str, str]:
    """The labels of a target before relabelling: what was discovered, and what the job gives all its targets."""
    return {
        "job": job.name,
        "__scheme__": job.scheme,
        "__metrics_path__": job.metrics_path,
        "__scrape_interval__": f"{job.interval_seconds:g}s",
        "__scrape_timeout__": f"{job.timeout_seconds:g}s",
        **discovered,
    }


def target_labels(job: Job, discovered: Mapping[str, str]) -> dict[str, str] | None:
    """The labels of a target after relabelling, `__*` ones included; None when the job drops it."""
    labels = relabel(unrelabelled(job, discovered), job.relabel)
    if labels is None or not labels.get("__address__"):
        return None
    return labels


class Target:
    """A thing to scrape. `key` tells it from others; `labels` are what its samples get; `discovered` are those before
    relabelling, which may change without making it another target."""

    def __init__(self, job: Job, labels: Mapping[str, str], discovered: Mapping[str, str] | None = None) -> None:
        self.job = job
        self.discovered: Mapping[str, str] = discovered or {}
        parameters = urlencode(
            sorted((name[8:], value) for name, value in labels.items() if name.startswith("__param_"))
        )
        path = labels["__metrics_path__"] + (f"?{parameters}" if parameters else "")
        self.url = f"{labels['__scheme__']}://{labels['__address__']}{path}"
        public = {name: value for name, value in labels.items() if not name.startswith("__")}
        public.setdefault("instance", labels["__address__"])
        self.labels = public
        self.key = f"{job.name}|{self.url}|{sorted(public.items())}"
        self.health = "unknown"
        self.last_error = ""
        self.last_scrape_ms = 0
        self.last_duration_seconds = 0.0
        self._refs: dict[str, Series] = {}
        self._current: dict[str, Series] = {}
        self._report: list[Series] = []

    def offset_seconds(self) -> float:
        """When in each interval it is scraped: spread by a hash, the same for the same target."""
        digest = hashlib.sha256(self.key.encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 * self.job.interval_seconds

    def meet(self, store: MemoryStore, text: str) -> Iterator[None]:
        """Look up the series of an answer, a part at a time: what costs most of a large answer that is mostly new.

        Whoever iterates may do something else in between; `take` then finds them. Raises ExpositionError.
        """
        for number, (series, _, _) in enumerate(exposition.rows(text)):
            ref = self._refs.get(series)
            if ref is None or ref.dropped:
                self._refs[series] = store.series(self._sample_labels(series))
            if number % SERIES_AT_ONCE == SERIES_AT_ONCE - 1:
                yield

    def take(self, store: MemoryStore, text: str, timestamp_ms: int, duration_seconds: float) -> int:
        """Store an answer. Returns the number of samples. Raises ExpositionError; nothing is stored then."""
        rows = list(exposition.rows(text))
        current: dict[str, Series] = {}
        values: list[float] = []
        stamped: list[tuple[Series, int, float]] = []
        added = 0
        for series, value, own_time in rows:
            ref = self._refs.get(series)
            if ref is None or ref.dropped:
                ref = self._refs[series] = store.series(self._sample_labels(series))
            if series not in self._current:
                added += 1
            if own_time is not None and self.job.honor_timestamps:
                stamped.append((ref, own_time, value))
            elif series not in current:
                current[series] = ref
                values.append(value)
        store.append_refs(list(current.values()), timestamp_ms, values)
        for ref, own_time, value in stamped:
            store.append_refs([ref], own_time, [value])
        gone = [ref for series, ref in self._current.items() if series not in current]
        store.append_refs(gone, timestamp_ms, [STALE_NAN] * len(gone))
        self._current = current
        if len(self._refs) > 2 * len(rows) + 100:  # those that are no longer told were kept in case they come back
            self._refs = {series: self._refs[series] for series, _, _ in rows}
        if added:
            for name, described in exposition.metadata(text).items():
                store.describe(name, described)
        self._tell(store, timestamp_ms, (1.0, duration_seconds, len(rows), len(rows), added))
        self.health, self.last_error, self.last_scrape_ms = "up", "", timestamp_ms
        self.last_duration_seconds = duration_seconds
        return len(rows)

    def fail(self, store: MemoryStore, error: str, timestamp_ms: int, duration_seconds: float) -> None:
        """Store that a scrape failed: everything the target told before is stale."""
        self._make_stale(store, timestamp_ms)
        self._tell(store, timestamp_ms, (0.0, duration_seconds, 0, 0, 0))
        self.health, self.last_error, self.last_scrape_ms = "down", error, timestamp_ms
        self.last_duration_seconds = duration_seconds

    def end(self, store: MemoryStore, timestamp_ms: int) -> None:
        """The target is gone: all its series become stale, its reports included."""
        self._make_stale(store, timestamp_ms)
        store.append_refs(self._report, timestamp_ms, [STALE_NAN] * len(self._report))

    def _make_stale(self, store: MemoryStore, timestamp_ms: int) -> None:
        refs = list(self._current.values())
        store.append_refs(refs, timestamp_ms, [STALE_NAN] * len(refs))
        self._current = {}

    def _tell(self, store: MemoryStore, timestamp_ms: int, values: tuple[float, ...]) -> None:
        if not self._report or any(ref.dropped for ref in self._report):
            self._report = [store.series(Labels({**self.labels, "__name__": name})) for name in REPORT]
        store.append_refs(self._report, timestamp_ms, [float(value) for value in values])

    def _sample_labels(self, series: str) -> Labels:
        """A sample's labels with the target's: on a clash the sample's win with honor_labels, and otherwise move to
        `exported_*`."""
        own = exposition.labels_of_series(series)
        if self.job.honor_labels:
            return Labels({**self.labels, **own})
        return Labels(dict(self._exported(own)) | self.labels)

    def _exported(self, own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, value in own.items():
            free = name
            while free in self.labels or (free != name and free in own):
                free = f"exported_{free}"
            yield free, value
