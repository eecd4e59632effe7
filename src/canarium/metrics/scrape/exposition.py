"""Read the Prometheus text format 0.0.4.

Owns: turning an exposition into samples and metadata. Pure. Must not know: targets, stores.
Source: prometheus/common expfmt and model/textparse/promparse.l. A scraper sees the same series text each time, so
`series` keeps it whole and parses its labels only when asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from canarium.errors import CanariumError
from canarium.metrics.tsdb.store import MetricMetadata

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*(,|$)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}


class ExpositionError(CanariumError):
    """Text that is not an exposition; says which line."""


class Row(NamedTuple):
    """One sample: the series as written (`name{…}`), its value, and its own timestamp if it has one."""

    series: str
    value: float
    timestamp_ms: int | None


def rows(text: str) -> Iterator[Row]:
    """The samples in the order written. Raises ExpositionError."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line[0] == "#":
            continue
        cut = line.rfind("}") + 1 or line.find(" ")
        parts = line[cut:].split()
        try:
            if cut <= 0 or not 1 <= len(parts) <= 2 or "_" in parts[0]:
                raise ValueError(line)
            yield Row(line[:cut].strip(), float(parts[0]), int(parts[1]) if len(parts) == 2 else None)
        except ValueError:
            if line.strip():
                raise ExpositionError(
                    f"line {number} is not a sample: {line[:120]!r}",
                    next_step='A sample is `name{label="value"} number [milliseconds]`.',
                ) from None


def labels_of_series(series: str) -> dict[str, str]:
    """The labels of a series text, `__name__` included. Raises ExpositionError."""
    found = _NAME.match(series)
    if not found:
        raise ExpositionError(f"{series[:120]!r} does not begin with a metric name")
    labels = {"__name__": found[0]}
    rest = series[found.end() :].strip()
    if not rest:
        return labels
    if rest[0] != "{" or rest[-1] != "}":
        raise ExpositionError(f"{series[:120]!r} has labels without braces around them")
    inner, at = rest[1:-1], 0
    while at < len(inner) and inner[at:].strip():
        label = _LABEL.match(inner, at)
        if not label:
            raise ExpositionError(f"{series[:120]!r} has a label that cannot be read at {inner[at : at + 40]!r}")
        name, value, _ = label.groups()
        labels[name] = _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), value) if "\\" in value else value
        at = label.end()
    return labels


def metadata(text: str) -> dict[str, MetricMetadata]:
    """HELP and TYPE by metric name."""
    types: dict[str, str] = {}
    helps: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("# HELP "):
            name, _, rest = line[7:].partition(" ")
            helps[name] = rest.replace(r"\n", "\n").replace(r"\\", "\\")
        elif line.startswith("# TYPE "):
            name, _, rest = line[7:].partition(" ")
            types[name] = rest.strip()
    names = list(dict.fromkeys([*helps, *types]))
    return {name: MetricMetadata(types.get(name, "unknown"), helps.get(name, "")) for name in names}
