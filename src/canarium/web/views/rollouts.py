"""Topic `rollouts`: every Rollout as a row; and what one is made of, for its own page.

Owns: `RolloutRow`, gathering a Rollout's ReplicaSets, pods and AnalysisRuns without looking at anybody else's.
Must not know: topics' transport, why a rollout is where it is (handed in).
What is shown follows `pkg/kubectl-argo-rollouts/info` through `canarium.rollouts.info`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from canarium.clock import Clock
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj, condition, is_controlled_by, labels_of
from canarium.kube.resources import EVENTS, PODS, REPLICA_SETS, Resource
from canarium.rollouts.conditions import COMPLETED, INVALID_SPEC, PROGRESSING
from canarium.rollouts.conditions import HEALTHY as HEALTHY_CONDITION
from canarium.rollouts.info.rollout import Related, RolloutInfo, rollout_info
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.rollouts.phase import HEALTHY, PAUSED
from canarium.web.model import EventRow, Image, PodCell, ReplicaSetCell, RolloutRow
from canarium.web.views.cells import RELATED, OwnerTrail, pod_cell, replica_set_cell
from canarium.web.views.events import EventIndex, event_index, merged


class Gathered(msgspec.Struct, frozen=True):
    """A Rollout and what it owns, ordered by name."""

    rollout: Obj
    replica_sets: tuple[Obj, ...]
    pods: tuple[Obj, ...]
    runs: tuple[Obj, ...]


class RolloutObjects:
    """Reads Rollouts with what they own, through owner references."""

    def __init__(self, listers: WatchedListers) -> None:
        self.rollouts = listers(ROLLOUTS)
        self.replica_sets = listers(REPLICA_SETS)
        self.pods = listers(PODS)
        self.runs = listers(ANALYSIS_RUNS)
        self.events: EventIndex = event_index(listers)

    def gather(self, namespace: str, name: str) -> Gathered | None:
        """A Rollout with all that it owns; None when it does not exist."""
        rollout = self.rollouts.get(namespace, name)
        if rollout is None:
            return None
        owned = self.replica_sets.owned_by(rollout["metadata"].get("uid", ""))
        replica_sets = tuple(one for one in owned if is_controlled_by(one, rollout))
        pods = tuple(pod for one in replica_sets for pod in self.pods.owned_by(one["metadata"].get("uid", "")))
        runs = tuple(self.runs.owned_by(rollout["metadata"].get("uid", "")))
        return Gathered(rollout, replica_sets, pods, runs)

    def events_of(self, gathered: Gathered) -> tuple[EventRow, ...]:
        """Newest first: Events about the Rollout and everything it owns."""
        about = (gathered.rollout, *gathered.replica_sets, *gathered.pods, *gathered.runs)
        return merged(self.events.about(*about))

    def cells(self, gathered: Gathered, info: RolloutInfo, now: datetime) -> tuple[ReplicaSetCell, ...]:
        """The ReplicaSets, latest revision first."""
        by_name = {one["metadata"]["name"]: one for one in gathered.replica_sets}
        pods = {pod["metadata"]["name"]: pod for pod in gathered.pods}

        def cell(name: str) -> PodCell:
            return pod_cell(pods[name], self.events.about(pods[name]), now)

        return tuple(replica_set_cell(one, by_name[one.name], cell) for one in info.replica_sets)


def info_of(gathered: Gathered) -> RolloutInfo:
    """A Rollout summed up; one that cannot be read has phase Unknown and the reason for a message."""
    related = Related(replica_sets=gathered.replica_sets, pods=gathered.pods, analysis_runs=gathered.runs)
    rollout = gathered.rollout
    try:
        return rollout_info(rollout, related)
    except msgspec.ValidationError as error:  # a field of a wrong type before the controller spoke: show the rest
        status = {**(rollout.get("status") or {}), "phase": "Unknown", "message": str(error)}
        return rollout_info({**rollout, "status": status}, related)


def rollout_row(gathered: Gathered, info: RolloutInfo, cells: Iterable[ReplicaSetCell], why: str) -> RolloutRow:
    """A row. cells: all ReplicaSets of the rollout; those without pods and tags are left out."""
    rollout = gathered.rollout
    status = rollout.get("status") or {}
    steps = steps_of(rollout)
    return RolloutRow(
        key=f"{info.namespace}/{info.name}",
        namespace=info.namespace,
        name=info.name,
        labels=labels_of(rollout),
        strategy=_strategy(info.strategy),
        phase=info.status,
        message=info.message,
        why=why,
        since=phase_since(rollout, info.status),
        created=info.created,
        step=min(status.get("currentStepIndex") or 0, len(steps)) if steps else None,
        steps=len(steps),
        set_weight=weight_of(info.set_weight),
        actual_weight=weight_of(info.actual_weight),
        desired=info.counts.desired,
        ready=info.counts.ready,
        available=info.counts.available,
        updated=info.counts.updated,
        images=tuple(Image(image=image, tags=tags) for image, tags in info.images().items()),
        replica_sets=tuple(cell for cell in cells if cell.pods or cell.tags or cell.replicas),
    )


def steps_of(rollout: Obj) -> Sequence[Obj]:
    """The canary's steps, none when absent."""
    strategy = (rollout.get("spec") or {}).get("strategy") or {}
    steps: Sequence[Obj] = (strategy.get("canary") or {}).get("steps") or ()
    return steps


def phase_since(rollout: Obj, phase: str) -> str:
    """When the phase began, as far as the status remembers; else when the Rollout was made."""
    status = rollout.get("status") or {}
    created = rollout["metadata"].get("creationTimestamp") or ""
    if phase == PAUSED and status.get("pauseConditions"):
        return status["pauseConditions"][0].get("startTime") or created
    if status.get("abort") and status.get("abortedAt"):
        return str(status["abortedAt"])
    if phase == PROGRESSING:  # of an update, or of an update that was tried again
        begun = (_became(status, COMPLETED, "False"), _became(status, PROGRESSING, "True"))
        return max(begun) or created
    wanted: tuple[tuple[str, str], ...] = ((INVALID_SPEC, "True"), (PROGRESSING, "False"), (COMPLETED, "False"))
    if phase == HEALTHY:
        wanted = ((HEALTHY_CONDITION, "True"), (COMPLETED, "True"))
    for kind, value in (*wanted, (PROGRESSING, "True")):
        if since := _became(status, kind, value):
            return since
    return created


def _became(status: Obj, kind: str, value: str) -> str:
    """Since when a condition has that value; empty when it has not."""
    found = condition(status, kind) or {}
    return str(found.get("lastTransitionTime") or "") if found.get("status") == value else ""


def _strategy(name: str) -> Literal["Canary", "BlueGreen", ""]:
    match name:
        case "Canary":
            return "Canary"
        case "BlueGreen":
            return "BlueGreen"
        case _:
            return ""


def weight_of(text: str) -> int | None:
    """A weight in percent, as it is printed: an API server may keep `25.0`. None for none."""
    try:
        return round(float(text)) if text else None
    except (ValueError, OverflowError):
        return None


class RolloutRows:
    """See `Rows`. Make it once: it remembers whose pods are whose. why: one sentence about a Rollout."""

    resources: Sequence[Resource] = (*RELATED, EVENTS)

    def __init__(self, listers: WatchedListers, clock: Clock, why: Callable[[Obj], str] | None = None) -> None:
        self._objects = RolloutObjects(listers)
        self._trail = OwnerTrail(listers)
        self._clock = clock
        self._why = why

    def concerned(self, resource: Resource, obj: Obj) -> Iterable[str]:
        """See `Rows`."""
        if resource == EVENTS and obj.get("reason") != "Unhealthy":
            return ()  # of all Events only failing probes are part of a row
        key = self._trail.rollout_of(resource, obj)
        return (key,) if key else ()

    def keys(self) -> Sequence[str]:
        """See `Rows`."""
        found = (one["metadata"] for one in self._objects.rollouts.list())
        return [f"{metadata.get('namespace', '')}/{metadata['name']}" for metadata in found]

    def row(self, key: str) -> RolloutRow | None:
        """See `Rows`."""
        namespace, _, name = key.partition("/")
        gathered = self._objects.gather(namespace, name)
        if gathered is None:
            return None
        info = info_of(gathered)
        why = info.message if self._why is None else self._why(gathered.rollout)
        return rollout_row(gathered, info, self._objects.cells(gathered, info, self._clock.now()), why)
