"""Why a Rollout does what it does: the typed reasons of its decisions.

Owns: one class per reason, with its evidence and the sentence users read. Must not know: rules.
"""

from __future__ import annotations

from datetime import timedelta

from canarium.kube.decision import Reason


class BeingDeleted(Reason, frozen=True):
    """The Rollout has a deletionTimestamp."""

    def __str__(self) -> str:
        return "The Rollout is being deleted; garbage collection does the rest."


class InvalidSpec(Reason, frozen=True):
    """The spec, or something it refers to, cannot be acted on."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} Nothing is done until this is mended."


class NewRevision(Reason, frozen=True):
    """The pod template has no ReplicaSet yet."""

    replica_set: str
    revision: int

    def __str__(self) -> str:
        return f"The pod template is new: ReplicaSet {self.replica_set} is created as revision {self.revision}."


class Adopting(Reason, frozen=True):
    """ReplicaSets that match the selector have no controller: they were left behind when a Rollout was deleted."""

    replica_sets: tuple[str, ...]

    def __str__(self) -> str:
        return f"ReplicaSets without a controller match the selector and are adopted: {', '.join(self.replica_sets)}."


class ReplicasDefaulted(Reason, frozen=True):
    """spec.replicas was absent."""

    def __str__(self) -> str:
        return "spec.replicas is absent and is set to 1."


class HashCollision(Reason, frozen=True):
    """The name of the new ReplicaSet is taken, by one with another template or by one that is not this Rollout's."""

    replica_set: str

    def __str__(self) -> str:
        return (
            f"ReplicaSet {self.replica_set} has the name that the new one would get, and another template or owner: "
            "another hash is tried."
        )


class StepsRestarted(Reason, frozen=True):
    """Template or steps changed, so the steps begin again."""

    pod_hash: str
    step_index: int | None
    is_rollback: bool = False

    def __str__(self) -> str:
        if self.is_rollback:
            return f"The template is {self.pod_hash} again, which is stable: its steps are skipped."
        return f"The template or the steps changed: the update to {self.pod_hash} begins at its first step."


class Scaling(Reason, frozen=True):
    """A ReplicaSet gets another number of pods."""

    replica_set: str
    before: int
    after: int
    weight: int

    def __str__(self) -> str:
        way = "up" if self.after > self.before else "down"
        change = f"scaled {way} from {self.before} to {self.after}"
        return f"ReplicaSet {self.replica_set} is {change} for weight {self.weight}."


class ReplicasChanged(Reason, frozen=True):
    """spec.replicas changed, so only counts are reconciled."""

    replicas: int

    def __str__(self) -> str:
        return f"spec.replicas is now {self.replicas}: the counts are brought in line before anything else."


class PodsUnavailable(Reason, frozen=True):
    """A weight is set but its pods are not there yet."""

    have: int
    want: int
    weight: int

    def __str__(self) -> str:
        return f"Waiting for pods at weight {self.weight}: {self.have} of {self.want} canary pods are available."


class StableLeaving(Reason, frozen=True):
    """A weight is set and canary pods are there, but the other side is still too large or too small."""

    have: int
    want: int

    def __str__(self) -> str:
        return f"Waiting for the stable ReplicaSet: it has {self.have} pods, {self.want} are wanted."


class StillShrinking(Reason, frozen=True):
    """A ReplicaSet is to grow again, but has not dropped the pods yet that it was told to drop before."""

    replica_set: str
    have: int
    told: int

    def __str__(self) -> str:
        return (
            f"ReplicaSet {self.replica_set} is to grow again, but still drops pods: it has {self.have}, "
            f"{self.told} were wanted last."
        )


class StepCompleted(Reason, frozen=True):
    """A step is done."""

    step: int
    of: int
    what: str

    def __str__(self) -> str:
        return f"Step {self.step} of {self.of} is complete ({self.what})."


class Pausing(Reason, frozen=True):
    """A pause begins."""

    why: str

    def __str__(self) -> str:
        return f"The rollout pauses now ({self.why})."


class Paused(Reason, frozen=True):
    """The controller or the user holds the rollout."""

    why: str
    left: timedelta | None = None

    def __str__(self) -> str:
        if self.left is None:
            return f"The rollout is paused ({self.why}) until somebody promotes or resumes it."
        return f"The rollout is paused ({self.why}) for another {self.left.total_seconds():.0f} s."


class PauseChanged(Reason, frozen=True):
    """Conditions are brought in line with a pause, a resume or a retry before anything else."""

    reason: str

    def __str__(self) -> str:
        match self.reason:
            case "RolloutPaused":
                return "The rollout is paused."
            case "RolloutRetry":
                return "The aborted update is tried again."
            case _:
                return "The rollout is resumed."


class AnalysisNamed(Reason, frozen=True):
    """An AnalysisRun is about to be created; the status names it first."""

    run: str
    step: int | None

    def __str__(self) -> str:
        where = "in the background" if self.step is None else f"for step {self.step + 1}"
        return f"An analysis begins {where}, as AnalysisRun {self.run}."


class AnalysisStarted(Reason, frozen=True):
    """An AnalysisRun is created."""

    run: str
    step: int | None

    def __str__(self) -> str:
        where = "in the background" if self.step is None else f"for step {self.step + 1}"
        return f"AnalysisRun {self.run} is started {where}."


class AnalysisRunning(Reason, frozen=True):
    """An analysis has not ended."""

    run: str
    phase: str

    def __str__(self) -> str:
        return f"Waiting for AnalysisRun {self.run}, which is {self.phase or 'not started'}."


class AnalysisFailed(Reason, frozen=True):
    """An analysis ended badly, so the update is aborted."""

    run: str
    phase: str
    message: str

    def __str__(self) -> str:
        return f"AnalysisRun {self.run} ended {self.phase}: the update is aborted. {self.message}".rstrip()


class AnalysisInconclusive(Reason, frozen=True):
    """An analysis could not tell, so somebody has to."""

    run: str
    message: str

    def __str__(self) -> str:
        return f"AnalysisRun {self.run} is inconclusive: the rollout pauses for a decision. {self.message}".rstrip()


class RunsCleanedUp(Reason, frozen=True):
    """AnalysisRuns are ended or deleted."""

    cancelled: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = []
        if self.cancelled:
            parts.append(f"AnalysisRuns ended early: {', '.join(self.cancelled)}.")
        if self.deleted:
            parts.append(f"AnalysisRuns beyond the history limits deleted: {', '.join(self.deleted)}.")
        return " ".join(parts)


class RevisionsCleanedUp(Reason, frozen=True):
    """Old ReplicaSets beyond revisionHistoryLimit are deleted."""

    deleted: tuple[str, ...]

    def __str__(self) -> str:
        return f"Old ReplicaSets beyond revisionHistoryLimit deleted: {', '.join(self.deleted)}."


class Aborted(Reason, frozen=True):
    """The update is aborted and the stable version is restored."""

    message: str

    def __str__(self) -> str:
        return f"{self.message}. The stable version stays; retry, or change the template."


class Promoted(Reason, frozen=True):
    """The desired ReplicaSet becomes the stable one."""

    pod_hash: str
    why: str

    def __str__(self) -> str:
        return f"{self.pod_hash} is stable now: {self.why}."


class StepsSkipped(Reason, frozen=True):
    """Remaining steps are skipped, pods are still becoming available."""

    why: str
    have: int
    want: int

    def __str__(self) -> str:
        return f"Steps are skipped ({self.why}); {self.have} of {self.want} pods are available."


class Restarting(Reason, frozen=True):
    """Pods older than spec.restartAt are replaced."""

    deleted: tuple[str, ...]
    remaining: int

    def __str__(self) -> str:
        return f"Restarting pods: {len(self.deleted)} deleted now, {self.remaining} still to be replaced."


class ServiceSwitched(Reason, frozen=True):
    """A Service's selector moves to another ReplicaSet."""

    service: str
    pod_hash: str

    def __str__(self) -> str:
        return f"Service {self.service} now selects {self.pod_hash}."


class TimedOut(Reason, frozen=True):
    """No progress within progressDeadlineSeconds."""

    seconds: int

    def __str__(self) -> str:
        return f"There was no progress for {self.seconds} s (progressDeadlineSeconds)."


class Settled(Reason, frozen=True):
    """Nothing is left to do: phase and message as the status has them."""

    phase: str
    message: str

    def __str__(self) -> str:
        return f"The rollout is {self.phase}" + (f": {self.message}." if self.message else ".")
