"""Topic `timeline/NAMESPACE/NAME`: how a rollout went, with what happened when.

Owns: `Timeline` from recorded points, measurements, Events and completed steps. Must not know: how points are recorded,
how they are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final
from urllib.parse import quote

from canarium.clock import Clock
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj, parse_time
from canarium.kube.resources import EVENTS, PODS, Resource
from canarium.rollouts.conditions import ROLLOUT_STEP_COMPLETED
from canarium.web.history import Point, RolloutHistory, point_of
from canarium.web.model import EventRow, Timeline, TimelineMark, TimelinePoint
from canarium.web.views.cells import RELATED, OwnerTrail
from canarium.web.views.events import merged
from canarium.web.views.rollouts import Gathered, RolloutObjects, steps_of

MAX_MARKS: Final = 500


class TimelineValue:
    """See `Value`."""

    resources: Sequence[Resource] = (*RELATED, EVENTS)

    def __init__(
        self, listers: WatchedListers, clock: Clock, history: RolloutHistory, namespace: str, name: str
    ) -> None:
        self._objects = RolloutObjects(listers)
        self._trail = OwnerTrail(listers)
        self._clock = clock
        self._history = history
        self._namespace, self._name = namespace, name

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        """See `Value`."""
        if resource == PODS or obj["metadata"].get("namespace", "") != self._namespace:
            return False  # pods are counted by their ReplicaSets, and their Events come as Events
        return self._trail.rollout_of(resource, obj) == f"{self._namespace}/{self._name}"

    def value(self) -> Timeline | None:
        """See `Value`."""
        gathered = self._objects.gather(self._namespace, self._name)
        if gathered is None:
            return None
        recorded = self._history.points(self._namespace, self._name)
        points = recorded or (point_of(gathered, self._clock.now()),)
        revisions = tuple(sorted({pods.revision for point in points for pods in point.pods}))
        since = points[0].at
        marks = sorted(self._marks(gathered, recorded), key=lambda mark: (mark.at, mark.kind, mark.label, mark.text))
        if self._history.has_dropped(self._namespace, self._name):
            marks = [mark for mark in marks if mark.at >= moment(since)]
        return Timeline(
            since=moment(since),
            revisions=revisions,
            points=tuple(_point(point, revisions) for point in points),
            marks=tuple(marks[-MAX_MARKS:]),
        )

    def _marks(self, gathered: Gathered, points: Sequence[Point]) -> Iterator[TimelineMark]:
        page = f"/rollouts/{self._namespace}/{self._name}"
        for run in gathered.runs:
            yield from measurement_marks(run, page)
        yield from _step_marks(points, len(steps_of(gathered.rollout)))
        since = points[0].at if points else self._clock.now()
        for row in merged(self._objects.events.about(gathered.rollout)):
            if row.reason != ROLLOUT_STEP_COMPLETED:
                yield from _event_mark(row, "")
            elif row.last and parse_time(row.last) < since:
                yield TimelineMark(
                    at=normal(row.last), kind="step", label="step done", phase=row.type, text=row.message, href=""
                )
        for pod in gathered.pods:
            for row in merged(self._objects.events.about(pod)):
                if row.type == "Warning":
                    yield from _event_mark(row, f"{page}/pods/{pod['metadata']['name']}")


def measurement_marks(run: Obj, page: str) -> Iterator[TimelineMark]:
    """The measurements of an AnalysisRun, when they ended. page: path of the rollout's page."""
    name = run["metadata"]["name"]
    for result in (run.get("status") or {}).get("metricResults") or ():
        metric = result.get("name") or ""
        for measurement in result.get("measurements") or ():
            at = measurement.get("finishedAt") or measurement.get("startedAt")
            if at:
                told = measurement.get("value") or measurement.get("message") or "no value"
                yield TimelineMark(
                    at=normal(at),
                    kind="measurement",
                    label=metric,
                    phase=measurement.get("phase") or "",
                    text=f"{metric}: {told[:200]}",
                    href=f"{page}/analysis/{name}?metric={quote(metric, safe='')}",
                )


def _event_mark(row: EventRow, href: str) -> Iterator[TimelineMark]:
    if row.last:
        again = f" ({row.count} times)" if row.count > 1 else ""
        yield TimelineMark(
            at=normal(row.last), kind="event", label=row.reason, phase=row.type, text=row.message + again, href=href
        )


def _step_marks(points: Sequence[Point], steps: int) -> Iterator[TimelineMark]:
    """Each time that a step was passed. An index that goes back is an update that begins anew; a first revision skips
    all steps, which is nothing to tell."""
    for before, after in pairwise(points):
        if before.is_first or after.step is None or before.step is None or after.step <= before.step:
            continue
        done = f"step {after.step} of {steps} passed"
        if after.step - before.step > 1:
            done = f"steps {before.step + 1} to {after.step} of {steps} passed"
        yield TimelineMark(at=moment(after.at), kind="step", label=done, phase="Normal", text=done, href="")


def _point(point: Point, revisions: Sequence[int]) -> TimelinePoint:
    by_revision = {pods.revision: pods for pods in point.pods}
    found = [by_revision.get(revision) for revision in revisions]
    return TimelinePoint(
        at=moment(point.at),
        set_weight=point.set_weight,
        actual_weight=point.actual_weight,
        phase=point.phase,
        ready=tuple(None if pods is None else pods.ready for pods in found),
        pods=tuple(None if pods is None else pods.pods for pods in found),
    )


def moment(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def normal(text: str) -> str:
    """A time of the API with milliseconds, so that times sort as text; as it is, if it is none."""
    try:
        return moment(parse_time(text))
    except ValueError:
        return text
