"""What bundled programs count of the requests they serve, under podinfo's metric names, as text for a scrape.

Owns: `RequestMetrics`, labels made from routes, the histogram's text, and a process's own figures.
Must not know: routes, servers. Names and buckets are those of podinfo 6.x pkg/api/http/metrics.go and client_golang.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Mapping

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""client_golang's DefBuckets."""
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_NOT_A_LABEL = re.compile(r"[^a-zA-Z0-9]+")


class Histogram:
    """Observations by label text (`method="GET",path="root"`)."""

    def __init__(self, name: str, help_text: str) -> None:
        self._name, self._help = name, help_text
        self._series: dict[tuple[str, ...], tuple[str, list[int], float]] = {}

    def observe(self, labels: Mapping[str, str], value: float) -> None:
        """Count one value. The order of `labels` is the order they are shown in."""
        key = tuple(labels.values())
        found = self._series.get(key)
        text, buckets, total = found or (label_text(labels), [0] * (len(BUCKETS) + 1), 0.0)
        buckets[bisect_left(BUCKETS, value)] += 1
        self._series[key] = (text, buckets, total + value)

    def lines(self) -> list[str]:
        """The text exposition; nothing before the first observation."""
        if not self._series:
            return []
        name = self._name
        lines = [f"# HELP {name} {self._help}", f"# TYPE {name} histogram"]
        for _, (labels, buckets, total) in sorted(self._series.items()):
            count = 0
            for bound, number in zip((*BUCKETS, "+Inf"), buckets, strict=True):
                count += number
                text = bound if isinstance(bound, str) else f"{bound:g}"
                lines.append(f'{name}_bucket{{{labels},le="{text}"}} {count}')
            lines.append(f"{name}_sum{{{labels}}} {total:.9g}")
            lines.append(f"{name}_count{{{labels}}} {count}")
        return lines


class Counter:
    """A count by label values."""

    def __init__(self, name: str, help_text: str) -> None:
        self._name, self._help = name, help_text
        self._series: dict[tuple[str, ...], tuple[str, int]] = {}

    def count(self, labels: Mapping[str, str]) -> None:
        """One more."""
        key = tuple(labels.values())
        text, number = self._series.get(key) or (label_text(labels), 0)
        self._series[key] = (text, number + 1)

    def lines(self) -> list[str]:
        """The text exposition; nothing before the first count."""
        if not self._series:
            return []
        lines = [f"# HELP {self._name} {self._help}", f"# TYPE {self._name} counter"]
        return lines + [f"{self._name}{{{text}}} {number}" for _, (text, number) in sorted(self._series.items())]


class RequestMetrics:
    """podinfo's two metrics of served requests."""

    def __init__(self) -> None:
        self._durations = Histogram("http_request_duration_seconds", "Seconds spent serving HTTP requests.")
        self._requests = Counter("http_requests_total", "The total number of HTTP requests.")

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. route: the path, or its pattern where it has variables."""
        self._durations.observe({"method": method, "path": route_label(route), "status": str(status)}, seconds)
        self._requests.count({"status": str(status)})

    def lines(self) -> list[str]:
        """The text exposition."""
        return self._durations.lines() + self._requests.lines()


def route_label(route: str) -> str:
    """`/status/{code}` as the label `status_code`, `/` as `root`."""
    return _NOT_A_LABEL.sub("_", route).strip("_").lower() or "root"


def label_text(labels: Mapping[str, str]) -> str:
    """`a="1",b="2"`, values escaped."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def process_lines(started: float) -> list[str]:
    """A process's own figures as client_golang names them, where the system tells them.

    started: the program's start in seconds since 1970.
    """
    used = os.times()
    lines = [
        "# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.",
        "# TYPE process_cpu_seconds_total counter",
        f"process_cpu_seconds_total {used.user + used.system:.2f}",
        "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.",
        "# TYPE process_start_time_seconds gauge",
        f"process_start_time_seconds {started:.3f}",
    ]
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return lines  # not Linux: there is nothing to read it from cheaply
    return [
        *lines,
        "# HELP process_resident_memory_bytes Resident memory size in bytes.",
        "# TYPE process_resident_memory_bytes gauge",
        f"process_resident_memory_bytes {resident}",
    ]
