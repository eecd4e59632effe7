"""What `kubectl get events` shows, in either of the two groups that events live in.

Owns: its columns. Must not know: who writes events.
Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go (printEvent); pkg/apis/events/v1 conversion.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.server.table.age import since
from canarium.kube.server.table.columns import Cells, Column, Printer, name_of, text


def _cells(obj: Obj, now: datetime) -> Cells:
    first_at = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last_at = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first_at
    count = obj.get("count") or obj.get("deprecatedCount") or 1
    series = obj.get("series")
    if series:
        last_at, count = series.get("lastObservedTime"), series.get("count", 0)
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    kind = about.get("kind", "").lower()
    return [
        since(last_at, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath", ""),
        _source(obj),
        (obj.get("message") or obj.get("note") or "").strip(),
        since(first_at, now),
        count,
        name_of(obj),
    ]


def _source(obj: Obj) -> str:
    """`component, host`, in the words of whichever API the event came through."""
    source: Mapping[str, Any] = obj.get("source") or obj.get("deprecatedSource") or {}
    component = source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    host = source.get("host") or obj.get("reportingInstance")
    return f"{component}, {host}" if host else str(component)


_PRINTER = Printer(
    (
        text("Last Seen"),
        text("Type"),
        text("Reason"),
        text("Object"),
        text("Subobject", priority=1),
        text("Source", priority=1),
        text("Message"),
        text("First Seen", priority=1),
        text("Count", priority=1),
        Column("Name", format="name", priority=1),
    ),
    _cells,
)

PRINTERS: dict[tuple[str, str], Printer] = {("", "Event"): _PRINTER, ("events.k8s.io", "Event"): _PRINTER}
