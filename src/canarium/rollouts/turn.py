"""One look at one Rollout: what was found, and what has been decided so far.

Owns: the facts that rules share (which ReplicaSet is which, which AnalysisRun is current) and the actions, events and
reasons they collect; several wishes for one ReplicaSet become one patch. Must not know: the rules themselves.
Objects are never edited: a rule that scales a ReplicaSet goes on reading it as it was observed, as upstream does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from canarium.kube.decision import Action, Create, Decision, Delete, EventNote, Patch, Reason
from canarium.kube.objects import Obj
from canarium.kube.podhash import pod_template_hash
from canarium.kube.resources import REPLICA_SETS
from canarium.rollouts.conditions import ROLLOUT_UPDATED, SCALING_REPLICA_SET
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.rollouts.observed import Observed
from canarium.rollouts.pauses import PauseRequests
from canarium.rollouts.reasons import Scaling
from canarium.rollouts.replicasets import ReplicaSet, find_new, find_stable, view_replica_set
from canarium.rollouts.strategies.canary.counts import Fenceposts, resolve_fenceposts
from canarium.rollouts.strategies.canary.steps import desired_weight, step_hash
from canarium.rollouts.types import (
    DEFAULT_FENCEPOST,
    DESIRED_REPLICAS,
    REVISION,
    SCALE_DOWN_DEADLINE,
    CanaryStatus,
    Rollout,
    RolloutStatus,
    RunStatus,
    status_json,
)

EPSILON = timedelta(milliseconds=1)
"""Added to waits that end by a strict comparison: a timer that fires on the very instant would find nothing due."""


class Run(msgspec.Struct, frozen=True):
    """One AnalysisRun as rules see it."""

    obj: Obj
    name: str
    phase: str = ""
    message: str = ""
    created: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    is_terminated: bool = False
    is_being_deleted: bool = False

    @property
    def is_completed(self) -> bool:
        """It has its final phase."""
        return self.phase in ("Successful", "Failed", "Error", "Inconclusive")

    def as_status(self) -> RunStatus:
        """What the Rollout's status remembers of it."""
        return RunStatus(self.name, self.phase, self.message)


def view_run(obj: Obj) -> Run:
    """Read an AnalysisRun."""
    metadata, status = obj["metadata"], obj.get("status") or {}
    return Run(
        obj=obj,
        name=metadata["name"],
        phase=status.get("phase", ""),
        message=status.get("message", ""),
        created=metadata.get("creationTimestamp") or "",
        labels=metadata.get("labels") or {},
        is_terminated=bool((obj.get("spec") or {}).get("terminate")),
        is_being_deleted=bool(metadata.get("deletionTimestamp")),
    )


class Turn:
    """The facts and the wishes of one pass of `decide`."""

    def __init__(self, observed: Observed, rollout: Rollout, now: datetime) -> None:
        self.observed = observed
        self.rollout = rollout
        self.now = now
        self.pod_hash = desired_pod_hash(rollout.spec.template, rollout.status.collision_count)
        self.step_hash = step_hash(observed.rollout["spec"]["strategy"]["canary"].get("steps"))
        self.all = sorted(map(view_replica_set, observed.replica_sets), key=lambda found: found.age_order)
        self.new = find_new(rollout, self.pod_hash, self.all)
        self.stable = find_stable(rollout, self.new, self.all)
        new_uid = self.new.uid if self.new else None
        self.older = [found for found in self.all if found.uid != new_uid]
        names = {found.name for found in (self.new, self.stable) if found}
        self.others = [found for found in self.all if found.name not in names]

        runs = sorted(map(view_run, observed.analysis_runs), key=lambda run: (run.created, run.name))
        before = rollout.status.canary
        self.step_run = _named(runs, before.current_step_analysis_run_status)
        self.background_run = _named(runs, before.current_background_analysis_run_status)
        current = {run.name for run in (self.step_run, self.background_run) if run}
        self.runs = runs
        self.other_runs = [run for run in runs if run.name not in current]

        self.pauses = PauseRequests()
        self.run_statuses = CanaryStatus()
        self.restarted_at = rollout.status.restarted_at
        self.requeue: timedelta | None = None
        self._actions: dict[tuple[str, str], Action] = {}
        self._events: list[EventNote] = []
        self._because: list[Reason] = []

    @property
    def before(self) -> RolloutStatus:
        """The status that was observed (with conditions that this pass had to begin with)."""
        return self.rollout.status

    @property
    def is_aborted(self) -> bool:
        """The rollout counts as aborted from here on in this pass."""
        return self.pauses.is_aborted(self.before)

    @property
    def fenceposts(self) -> Fenceposts:
        """maxSurge and maxUnavailable in pods."""
        canary = self.rollout.spec.canary
        return resolve_fenceposts(
            DEFAULT_FENCEPOST if canary.max_surge is None else canary.max_surge,
            DEFAULT_FENCEPOST if canary.max_unavailable is None else canary.max_unavailable,
            self.rollout.spec.desired,
        )

    def update_status(self, status: RolloutStatus) -> None:
        """Go on as if `status` had been observed."""
        self.rollout = replace(self.rollout, status=status)

    def event(self, reason: str, message: str, *, is_warning: bool = False) -> None:
        """Tell users."""
        self._events.append(EventNote(type="Warning" if is_warning else "Normal", reason=reason, message=message))

    def because(self, reason: Reason) -> None:
        """Say why."""
        self._because.append(reason)

    def wake_in(self, wait: timedelta) -> None:
        """Look again after `wait`, or earlier if somebody else asks for it."""
        wait = max(wait, EPSILON)
        if self.requeue is None or wait < self.requeue:
            self.requeue = wait

    def wake_after(self, moment: datetime) -> None:
        """Look again just after `moment`."""
        self.wake_in(moment - self.now + EPSILON)

    def create(self, action: Create) -> None:
        """Create an object of ours."""
        self._actions[action.resource.kind, action.obj["metadata"]["name"]] = action

    def delete(self, action: Delete) -> None:
        """Delete an object of ours; what was wished for it before no longer matters."""
        self._actions[action.resource.kind, action.name] = action

    def patch(self, action: Patch) -> None:
        """Patch an object that gets one patch only."""
        self._actions[action.resource.kind, action.name] = action

    def patch_replica_set(self, found: ReplicaSet, *, spec: Obj | None = None, annotations: Obj | None = None) -> None:
        """Merge-patch a ReplicaSet, on top of what this pass wished for it already."""
        key = REPLICA_SETS.kind, found.name
        earlier = self._actions.get(key)
        if isinstance(earlier, Delete):
            return
        merged: dict[str, Any] = earlier.patch if isinstance(earlier, Patch) else {}
        if annotations:
            known = merged.get("metadata", {}).get("annotations", {})
            merged = {**merged, "metadata": {"annotations": {**known, **annotations}}}
        if spec:
            merged = {**merged, "spec": {**merged.get("spec", {}), **spec}}
        self._actions[key] = Patch(
            resource=REPLICA_SETS,
            namespace=self.rollout.namespace,
            name=found.name,
            patch=merged,
            resource_version=found.obj["metadata"].get("resourceVersion"),
        )

    def set_revision(self, revision: int) -> None:
        """Write the revision onto the Rollout, if it is another one."""
        if self.rollout.annotations.get(REVISION) == str(revision):
            return
        self.patch(
            Patch(
                resource=ROLLOUTS,
                namespace=self.rollout.namespace,
                name=self.rollout.name,
                patch={"metadata": {"annotations": {REVISION: str(revision)}}},
                resource_version=self.rollout.obj["metadata"].get("resourceVersion"),
            )
        )
        self.rollout = replace(self.rollout, annotations={**self.rollout.annotations, REVISION: str(revision)})
        self.event(ROLLOUT_UPDATED, f"Rollout updated to revision {revision}")

    def scale(self, found: ReplicaSet, to: int) -> bool:
        """Give a ReplicaSet `to` pods and the desired-replicas annotation; whether its size changes.

        Source: scaleReplicaSetAndRecordEvent.
        """
        desired = self.rollout.spec.desired
        has_deadline = bool(found.annotations.get(SCALE_DOWN_DEADLINE))
        is_annotated = found.annotations.get(DESIRED_REPLICAS) == str(desired) and not (desired == 0 and has_deadline)
        if found.desired == to and is_annotated:
            return False
        annotations: Obj = {DESIRED_REPLICAS: str(desired)}
        if to == 0 and has_deadline:
            annotations[SCALE_DOWN_DEADLINE] = None
        if found.desired == to:
            self.patch_replica_set(found, annotations=annotations)
            return False
        self.patch_replica_set(found, annotations=annotations, spec={"replicas": to})
        way = "up" if found.desired < to else "down"
        self.event(
            SCALING_REPLICA_SET,
            f"Scaled {way} ReplicaSet {found.name} (revision {found.revision}) from {found.desired} to {to}",
        )
        self.because(Scaling(found.name, found.desired, to, desired_weight(self.rollout)))
        return True

    def cancel_run(self, run: Run | None) -> bool:
        """Ask an AnalysisRun to end; whether it was still going on."""
        if run is None or run.is_terminated or run.is_completed:
            return False
        self.patch(
            Patch(
                resource=ANALYSIS_RUNS,
                namespace=self.rollout.namespace,
                name=run.name,
                patch={"spec": {"terminate": True}},
                resource_version=None,  # the run's own status may move meanwhile; ending it is right at any version
            )
        )
        return True

    def delete_run(self, run: Run) -> bool:
        """Delete an AnalysisRun; whether it was not on its way already."""
        if run.is_being_deleted:
            return False
        self.delete(
            Delete(
                resource=ANALYSIS_RUNS,
                namespace=self.rollout.namespace,
                name=run.name,
                uid=run.obj["metadata"].get("uid", ""),
            )
        )
        return True

    def decision(self, status: RolloutStatus | None) -> Decision:
        """What came out of this pass."""
        return Decision(
            because=tuple(self._because),
            actions=tuple(self._actions.values()),
            status=None if status is None else status_json(status),
            requeue=self.requeue,
            events=tuple(self._events),
        )

    @property
    def has_reason(self) -> bool:
        """Some rule said why already."""
        return bool(self._because)


def desired_pod_hash(template: Obj, collision_count: int | None) -> str:
    """The hash that the ReplicaSet of `template` is found and named by. Raises GoTypeMismatch where it has none."""
    return _pod_hash(msgspec.json.encode(template), collision_count)


@lru_cache(maxsize=256)
def _pod_hash(template: bytes, collision_count: int | None) -> str:
    """The hash of a template given as JSON; it is asked for in every pass, and changes with a release only."""
    return pod_template_hash(msgspec.json.decode(template), collision_count)


def scaled_view(found: ReplicaSet, to: int) -> ReplicaSet:
    """The ReplicaSet as it will be once it is told to have `to` pods."""
    return replace(found, desired=to)


def _named(runs: list[Run], status: RunStatus | None) -> Run | None:
    if status is None:
        return None
    for run in runs:
        if run.name == status.name:
            return run
    return None
