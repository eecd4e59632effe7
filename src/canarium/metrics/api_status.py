"""The Prometheus API about the server itself: what it runs with, and what its store holds.

Owns: the answers below `/api/v1/status/`. Must not know: HTTP, queries.
Source: Prometheus 3.x web/api/v1/api.go and tsdb/index/postings.go (Stats).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canarium.kube.objects import format_time
from canarium.metrics.promql.engine import LOOKBACK_MS
from canarium.metrics.promql.printer import format_duration
from canarium.metrics.promql.values import Limits
from canarium.metrics.tsdb.labels import METRIC_NAME
from canarium.metrics.tsdb.store import MemoryStore

VERSION = "3.14.0"
TIMEOUT_SECONDS = 10.0
"""Upstream allows two minutes; here nothing else goes on while a query is evaluated."""
MAX_TOP = 10_000
_NO_TIME = (1 << 63) - 1


def build_info() -> dict[str, str]:
    """`status/buildinfo`: the Prometheus whose behaviour this is."""
    return {
        "version": VERSION,
        "revision": "canarium",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }


def flags(store: MemoryStore) -> dict[str, str]:
    """`status/flags`: the flags that have a meaning here, with the values that hold."""
    return {
        "query.lookback-delta": format_duration(LOOKBACK_MS),
        "query.max-samples": str(Limits().max_samples),
        "query.timeout": format_duration(round(TIMEOUT_SECONDS * 1000)),
        "storage.tsdb.retention.time": format_duration(store.retention_ms),
        "web.listen-address": "0.0.0.0:9090",
    }


def runtime_info(store: MemoryStore, started: datetime, now: datetime) -> dict[str, Any]:
    """`status/runtimeinfo`: what is said of Go's runtime is zero or empty, as there is none."""
    return {
        "startTime": format_time(started),
        "CWD": "",
        "hostname": "canarium",
        "serverTime": format_time(now),
        "reloadConfigSuccess": True,
        "lastConfigTime": format_time(started),
        "corruptionCount": 0,
        "goroutineCount": 0,
        "GOMAXPROCS": 0,
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": format_duration(store.retention_ms) if store.retention_ms else "",
    }


def tsdb(store: MemoryStore, top: int) -> dict[str, Any]:
    """`status/tsdb`: how much there is, and what there is most of. A series is one chunk, as it is one column here."""
    series = store.selected(())
    pairs: Counter[tuple[str, str]] = Counter()
    for one in series:
        pairs.update(one.labels.pairs)
    values: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for (name, value), count in pairs.items():
        values[name] += 1
        sizes[name] += (len(name.encode()) + len(value.encode()) + 2) * count  # each with its length
    metrics = {value: count for (name, value), count in pairs.items() if name == METRIC_NAME}
    held = [one for one in series if len(one)]
    return {
        "headStats": {
            "numSeries": len(series),
            "numLabelPairs": len(pairs),
            "chunkCount": len(series),
            "minTime": min((int(one.timestamps[0]) for one in held), default=_NO_TIME),
            "maxTime": max((one.last_ms for one in held), default=-_NO_TIME - 1),
        },
        "seriesCountByMetricName": _top(metrics, top),
        "labelValueCountByLabelName": _top(values, top),
        "memoryInBytesByLabelName": _top(sizes, top),
        "seriesCountByLabelValuePair": _top({f"{name}={value}": n for (name, value), n in pairs.items()}, top),
    }


def _top(counts: Mapping[str, int], top: int) -> list[dict[str, Any]]:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
    return [{"name": name, "value": value} for name, value in most]
