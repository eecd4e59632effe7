"""Short ways to write AnalysisRuns, metrics and measurements in tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from canarium.kube.objects import Obj, format_time

NOW = datetime(2026, 1, 5, 9, 0, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    """A time as status holds it, that long before NOW; negative is in the future."""
    return format_time(NOW - timedelta(seconds=seconds))


def metric(name: str = "success-rate", **fields: Any) -> Obj:
    """A metric by the provider `job`, which never measures by itself, unless told otherwise."""
    return {"name": name, "provider": {"job": {}}, **fields}


def measurement(phase: str = "Successful", seconds_ago: float | None = 60, **fields: Any) -> Obj:
    """A finished measurement; None leaves it unfinished."""
    made: Obj = {"phase": phase, "startedAt": ago(60 if seconds_ago is None else seconds_ago), **fields}
    if seconds_ago is not None:
        made["finishedAt"] = ago(seconds_ago)
    return made


def result(name: str = "success-rate", phase: str = "Running", *measurements: Obj, **fields: Any) -> Obj:
    """One of status.metricResults."""
    made: Obj = {"name": name, "phase": phase, **fields}
    if measurements:
        made["measurements"] = list(measurements)
    return made


def run(*metrics: Obj, results: list[Obj] | None = None, phase: str = "Running", **fields: Any) -> Obj:
    """An AnalysisRun. fields: of spec, except `startedAt` and `completedAt`, which are of status."""
    status: Obj = {"phase": phase} if phase else {}
    for name in ("startedAt", "completedAt"):
        if name in fields:
            status[name] = fields.pop(name)
    if results:
        status["metricResults"] = results
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": "run", "namespace": "default", "uid": "u-1", "resourceVersion": "1"},
        "spec": {"metrics": list(metrics), **fields},
        "status": status,
    }
