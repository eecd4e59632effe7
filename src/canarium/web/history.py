"""How rollouts went since this process looks on: weights, phases and pods over time.

Owns: points in memory, bounded; noticing what changed. Must not know: who shows them, AnalysisRuns, Events.
Pods are counted as their ReplicaSets' status counts them: reading hundreds of pods after each change would be too dear.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Final

import msgspec

from canarium.clock import Clock
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj, controller_of, is_controlled_by
from canarium.kube.resources import REPLICA_SETS
from canarium.rollouts.info.replicasets import revision_of
from canarium.rollouts.kinds import ROLLOUTS
from canarium.web.views.rollouts import Gathered, info_of, weight_of

MAX_POINTS: Final = 2_000
"""Of one rollout: the oldest go first."""
MAX_ROLLOUTS: Final = 500
"""The one that changed longest ago goes first."""
SETTLING: Final = timedelta(milliseconds=50)
"""Changes so close together are of one decision, whose objects arrive one after the other."""


class Pods(msgspec.Struct, frozen=True):
    """A revision's pods: how many there are, and how many are ready."""

    revision: int
    pods: int
    ready: int


class Point(msgspec.Struct, frozen=True):
    """How a rollout was from `at` on. step: how many are done, None without steps. pods: by revision, ascending.
    is_first: whether no revision is stable yet."""

    at: datetime
    phase: str
    step: int | None
    set_weight: int | None
    actual_weight: int | None
    pods: tuple[Pods, ...]
    is_first: bool = False


class _Record:
    def __init__(self, uid: str) -> None:
        self.uid = uid
        self.points: deque[Point] = deque(maxlen=MAX_POINTS)
        self.has_dropped = False


class RolloutHistory:
    """Make it once, at the start: it listens to the listers for ever."""

    def __init__(self, listers: WatchedListers, clock: Clock) -> None:
        self.since = clock.now()
        self._clock = clock
        self._rollouts = listers(ROLLOUTS)
        self._replica_sets = listers(REPLICA_SETS)
        self._records: dict[tuple[str, str], _Record] = {}
        for rollout in self._rollouts.list():
            self._note(rollout["metadata"].get("namespace", ""), rollout["metadata"]["name"])
        self._rollouts.on_change(self._rollout_changed)
        self._replica_sets.on_change(self._replica_set_changed)

    def points(self, namespace: str, name: str) -> tuple[Point, ...]:
        """Oldest first; none for a rollout that does not exist."""
        record = self._records.get((namespace, name))
        return () if record is None else tuple(record.points)

    def has_dropped(self, namespace: str, name: str) -> bool:
        """Whether points were forgotten for want of room."""
        record = self._records.get((namespace, name))
        return record is not None and record.has_dropped

    def _rollout_changed(self, rollout: Obj) -> None:
        self._note(rollout["metadata"].get("namespace", ""), rollout["metadata"]["name"])

    def _replica_set_changed(self, replica_set: Obj) -> None:
        owner = controller_of(replica_set)
        if owner is not None and owner.get("kind") == ROLLOUTS.kind:
            self._note(replica_set["metadata"].get("namespace", ""), owner["name"])

    def _note(self, namespace: str, name: str) -> None:
        key = (namespace, name)
        rollout = self._rollouts.get(namespace, name)
        if rollout is None:
            self._records.pop(key, None)
            return
        uid = rollout["metadata"].get("uid", "")
        record = self._records.pop(key, None)
        if record is None or record.uid != uid:
            record = _Record(uid)
        self._records[key] = record  # at the end: it changed last
        if len(self._records) > MAX_ROLLOUTS:
            del self._records[next(iter(self._records))]
        replica_sets = tuple(one for one in self._replica_sets.owned_by(uid) if is_controlled_by(one, rollout))
        try:
            point = point_of(Gathered(rollout, replica_sets, (), ()), self._clock.now())
        except Exception:  # noqa: BLE001  # a malformed object is no reason to end everybody's watch
            return
        _append(record, point)


def _append(record: _Record, point: Point) -> None:
    points = record.points
    if points and _says_the_same(points[-1], point):
        return
    if points and timedelta(0) <= point.at - points[-1].at < SETTLING:
        begun = points.pop().at
        point = msgspec.structs.replace(point, at=begun)
        if points and _says_the_same(points[-1], point):
            return  # it went there and back while it settled
    record.has_dropped = record.has_dropped or len(points) == MAX_POINTS
    points.append(point)


def _says_the_same(one: Point, other: Point) -> bool:
    return msgspec.structs.replace(one, at=other.at) == other


def point_of(gathered: Gathered, at: datetime) -> Point:
    """How a rollout is. Revisions without pods are left out."""
    info = info_of(gathered)
    status = gathered.rollout.get("status") or {}
    counted: dict[int, list[int]] = {}
    for replica_set in gathered.replica_sets:
        found = replica_set.get("status") or {}
        if found.get("replicas", 0):
            total = counted.setdefault(revision_of(replica_set), [0, 0])
            total[0] += found["replicas"]
            total[1] += found.get("readyReplicas", 0)
    return Point(
        at=at,
        phase=info.status,
        step=status.get("currentStepIndex"),
        set_weight=weight_of(info.set_weight),
        actual_weight=weight_of(info.actual_weight),
        pods=tuple(Pods(revision, pods, ready) for revision, (pods, ready) in sorted(counted.items())),
        is_first=not status.get("stableRS"),
    )
