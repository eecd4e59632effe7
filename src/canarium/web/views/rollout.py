"""Topic `rollout/NAMESPACE/NAME`: one Rollout with all that belongs to it.

Owns: `RolloutDetail`, revisions, which Application tracks it. Must not know: why it is where it is (handed in), how its
actions are applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from canarium.clock import Clock
from canarium.gitops.application.resource_key import app_key, tracked_by
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj, ObjectKey, key_of, labels_of
from canarium.kube.resources import EVENTS, SERVICES, Resource
from canarium.rollouts.info.rollout import RolloutInfo
from canarium.rollouts.kinds import ANALYSIS_TEMPLATES, CLUSTER_ANALYSIS_TEMPLATES
from canarium.rollouts.phase import DEGRADED, HEALTHY, PAUSED, PROGRESSING
from canarium.web.model import Container, ReplicaSetCell, Revision, RolloutDetail, Why
from canarium.web.views.cells import RELATED, OwnerTrail, run_pill
from canarium.web.views.rollout_actions import can_roll_back, rollout_actions
from canarium.web.views.rollouts import Gathered, RolloutObjects, info_of, rollout_row
from canarium.web.views.track import track

INSTANCE = "app.kubernetes.io/instance"

WhyOf = Callable[[str, str], Why | None]


class RolloutValue:
    """See `Value`. why: explains the Rollout of that namespace and name, sentence: in one sentence; None: its phase and
    message have to do. Explanations speak of templates and of the Services that they ask."""

    resources: Sequence[Resource] = (
        *RELATED,
        EVENTS,
        APPLICATIONS,
        ANALYSIS_TEMPLATES,
        CLUSTER_ANALYSIS_TEMPLATES,
        SERVICES,
    )

    def __init__(
        self,
        listers: WatchedListers,
        clock: Clock,
        namespace: str,
        name: str,
        *,
        why: WhyOf | None = None,
        sentence: Callable[[Obj], str] | None = None,
        is_read_only: bool = False,
    ) -> None:
        self._objects = RolloutObjects(listers)
        self._applications = listers(APPLICATIONS)
        self._trail = OwnerTrail(listers)
        self._clock = clock
        self._namespace, self._name = namespace, name
        self._why = why
        self._sentence = sentence
        self._is_read_only = is_read_only
        self._application: ObjectKey | None = None

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        """See `Value`."""
        if resource == APPLICATIONS:
            return key_of(obj) == self._application
        if resource in (CLUSTER_ANALYSIS_TEMPLATES, SERVICES):
            return True
        if obj["metadata"].get("namespace", "") != self._namespace:
            return False
        if resource == ANALYSIS_TEMPLATES:
            return True
        if resource == EVENTS and (obj.get("involvedObject") or {}).get("kind") == "AnalysisRun":
            return True  # whose run it is is not worth looking up: the value is compared before it is sent
        return self._trail.rollout_of(resource, obj) == f"{self._namespace}/{self._name}"

    def value(self) -> RolloutDetail | None:
        """See `Value`."""
        gathered = self._objects.gather(self._namespace, self._name)
        if gathered is None:
            self._application = None
            return None
        rollout, status = gathered.rollout, gathered.rollout.get("status") or {}
        info = info_of(gathered)
        cells = self._objects.cells(gathered, info, self._clock.now())
        explained = None if self._why is None else self._why(self._namespace, self._name)
        application = self._tracking(rollout)
        held = status.get("pauseConditions") or ()
        sentence = info.message if self._sentence is None else self._sentence(rollout)
        return RolloutDetail(
            row=rollout_row(gathered, info, cells, sentence),
            track=track(rollout, gathered.runs),
            revisions=tuple(revisions_of(gathered, info, cells)),
            containers=tuple(containers_of(rollout)),
            actions=rollout_actions(rollout, gathered.replica_sets, self._is_read_only, application),
            why=explained or plain_why(info),
            events=self._objects.events_of(gathered),
            is_aborted=bool(status.get("abort")),
            paused_since=held[0].get("startTime") or "" if held else "",
            application="" if application is None else str(key_of(application)),
        )

    def _tracking(self, rollout: Obj) -> Obj | None:
        """The Application that tracks it: by annotation, or by the label that Argo CD used before 3.0."""
        instance = tracked_by(rollout) or labels_of(rollout).get(INSTANCE, "")
        self._application = app_key(instance) if instance else None
        return None if self._application is None else self._applications.get(*self._application)


def revisions_of(gathered: Gathered, info: RolloutInfo, cells: Sequence[ReplicaSetCell]) -> Iterator[Revision]:
    """Latest first."""
    sets = {one["metadata"]["name"]: one for one in gathered.replica_sets}
    runs = {one["metadata"]["name"]: one for one in gathered.runs}
    has_reference = (gathered.rollout.get("spec") or {}).get("workloadRef") is not None
    for revision in info.revisions():
        mine = tuple(cell for cell in cells if cell.revision == revision)
        yield Revision(
            revision=revision,
            replica_sets=mine,
            runs=tuple(run_pill(one, runs[one.name]) for one in info.analysis_runs if one.revision == revision),
            can_roll_back=not has_reference and any(can_roll_back(gathered.rollout, sets[one.name]) for one in mine),
        )


def containers_of(rollout: Obj) -> Iterator[Container]:
    """The containers of the template, init containers first."""
    pod = ((rollout.get("spec") or {}).get("template") or {}).get("spec") or {}
    for field, is_init in (("initContainers", True), ("containers", False)):
        for one in pod.get(field) or ():
            yield Container(name=one.get("name") or "", image=one.get("image") or "", is_init=is_init)


def plain_why(info: RolloutInfo) -> Why:
    """Phase and message, for want of an explanation."""
    tone: Literal["good", "waiting", "attention", "bad"] = "attention"
    match info.status:
        case phase if phase == HEALTHY:
            tone = "good"
        case phase if phase == PROGRESSING:
            tone = "waiting"
        case phase if phase in (DEGRADED, "Error", "InvalidSpec"):
            tone = "bad"
        case phase if phase == PAUSED:
            tone = "attention"
    line = f"{info.status}: {info.message}" if info.message else info.status
    return Why(tone=tone, lines=(line,), evidence=(), next_step="", commands=(), reasons=())
