"""Job: pods that run until enough of them have succeeded.

Owns: starting pods, counting ends, back-off, when a Job is Complete or Failed, its removal afterwards.
Must not know: how pods run, CronJobs.
Source: Kubernetes 1.34 pkg/controller/job/{job_controller,backoff_utils}.go and pkg/controller/ttlafterfinished.
Finished pods are counted where they are seen and never less than before; there are no tracking finalizers, so a pod
that is deleted and replaced by another end counts once. Indexed Jobs and those of another manager are left alone;
podFailurePolicy, successPolicy and podReplacementPolicy are not followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Watch, owned
from canarium.kube.decision import Action, Create, Decision, Delete, EventNote, Reason
from canarium.kube.objects import Obj, ObjectKey, condition, format_time, is_controlled_by, later, parse_time
from canarium.kube.resources import JOBS, PODS
from canarium.workloads.names import PodNames, name_prefix
from canarium.workloads.pods import is_active, is_ready
from canarium.workloads.replicaset import pod_from

MANAGER = "kubernetes.io/job-controller"
FIRST_BACK_OFF = timedelta(seconds=10)
LONGEST_BACK_OFF = timedelta(minutes=10)
MOST_PODS = 500
"""At most this many pods are created in one pass."""


class Running(Reason, frozen=True):
    """More has to succeed."""

    active: int
    succeeded: int
    failed: int

    def __str__(self) -> str:
        return f"{self.active} pods run, {self.succeeded} succeeded, {self.failed} failed"


class Ended(Reason, frozen=True):
    """The Job is over, or its last pods are ending."""

    how: str

    def __str__(self) -> str:
        return self.how


class NotOurs(Reason, frozen=True):
    """Somebody else runs it, or nobody does."""

    why: str

    def __str__(self) -> str:
        return self.why


class ObservedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A Job and the pods it controls. new_names: names for pods to come, as many as could be wanted."""

    job: Obj
    pods: tuple[Obj, ...]
    new_names: tuple[str, ...] = ()


class JobController:
    """A `Reconciler` of Jobs."""

    name = "job-controller"
    primary = JOBS
    watches: Sequence[Watch] = (owned(PODS, "Job"),)

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        self._cluster = cluster
        self._jobs = listers(JOBS)
        self._names: dict[str, PodNames] = {}
        self._next: dict[str, int] = {}

    async def observe(self, key: ObjectKey) -> ObservedJob | None:
        """See `Reconciler`."""
        job = self._jobs.get(*key)
        if job is None:
            return None
        # What is counted decides over what is created, and the cache may lag behind our own writes: look at what is.
        found = (await self._cluster.list(PODS, key.namespace)).items
        pods = tuple(pod for pod in found if is_controlled_by(pod, job))
        return ObservedJob(job=job, pods=pods, new_names=self._new_names(job, pods))

    def _new_names(self, job: Obj, pods: Sequence[Obj]) -> tuple[str, ...]:
        uid, name = job["metadata"]["uid"], job["metadata"]["name"]
        names = self._names.setdefault(uid, PodNames(uid))
        first = names.next_number((pod["metadata"]["name"] for pod in pods), self._next.get(uid, 0))
        self._next[uid] = first  # seen, so never used again even once the pod is gone
        many = min(int(job["spec"].get("parallelism", 1)), MOST_PODS)
        return tuple(name_prefix(name) + names.suffix(first + more) for more in range(many))

    def subject(self, observed: ObservedJob) -> Obj:
        """See `Reconciler`."""
        return observed.job

    def decide(self, observed: ObservedJob, now: datetime) -> Decision:
        """See `decide`."""
        return decide(observed, now)


class _Counts(msgspec.Struct, frozen=True, kw_only=True):
    active: tuple[Obj, ...]
    terminating: int
    succeeded: int
    failed: int


def decide(observed: ObservedJob, now: datetime) -> Decision:
    """Start pods, or end the Job; a Job that is over is removed once its time has passed."""
    job = observed.job
    spec, status = job["spec"], job.get("status") or {}
    if job["metadata"].get("deletionTimestamp"):
        return Decision(because=(NotOurs("the Job is being deleted"),))
    if spec.get("managedBy", MANAGER) != MANAGER or spec.get("completionMode") == "Indexed":
        return Decision(because=(NotOurs("the Job is Indexed, or another controller's"),))
    over = _holds(status, "Complete") or _holds(status, "Failed")
    if over is not None:
        return _after(job, over, now)
    counts = _counted(observed.pods, status)
    if spec.get("suspend"):
        return _suspended(job, counts, now)
    ending = _ending(job, counts, now)
    return _end(job, counts, ending, now) if ending else _go_on(observed, counts, now)


def _counted(pods: Sequence[Obj], status: Mapping[str, Any]) -> _Counts:
    phases = [(pod.get("status") or {}).get("phase") for pod in pods]
    active = tuple(pod for pod in pods if is_active(pod))
    return _Counts(
        active=active,
        terminating=sum(
            bool(pod["metadata"].get("deletionTimestamp")) and phase not in ("Succeeded", "Failed")
            for pod, phase in zip(pods, phases, strict=True)
        ),
        succeeded=max(phases.count("Succeeded"), int(status.get("succeeded", 0))),
        failed=max(phases.count("Failed"), int(status.get("failed", 0))),
    )


Ending = tuple[str, str, str]
"""The condition before the last one (`SuccessCriteriaMet`, `FailureTarget`), its reason and its message."""


def _ending(job: Obj, counts: _Counts, now: datetime) -> Ending | None:
    """Why the Job has to end now, if it has to; what was once decided stays."""
    spec, status = job["spec"], job.get("status") or {}
    for kind in ("SuccessCriteriaMet", "FailureTarget"):
        if (former := _holds(status, kind)) is not None:
            return kind, former.get("reason", ""), former.get("message", "")
    limit = int(spec.get("backoffLimit", 6))
    if counts.failed > limit or _restarts_are_over(spec, counts.active, limit):
        return "FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    left = _left_of_deadline(job, now)
    if left is not None and left <= timedelta(0):
        return "FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline"
    completions = spec.get("completions")
    if completions is None:
        is_done = counts.succeeded > 0 and not counts.active
    else:
        is_done = counts.succeeded >= int(completions)
    if not is_done:
        return None
    return "SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"


def _restarts_are_over(spec: Mapping[str, Any], active: Sequence[Obj], limit: int) -> bool:
    """With restartPolicy OnFailure the containers' restarts are what counts (pastBackoffLimitOnFailure)."""
    if spec["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        int(each.get("restartCount", 0))
        for pod in active
        for field in ("initContainerStatuses", "containerStatuses")
        for each in (pod.get("status") or {}).get(field) or ()
    )
    return restarts > 0 if limit == 0 else restarts >= limit


def _left_of_deadline(job: Obj, now: datetime) -> timedelta | None:
    seconds, started = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if seconds is None or not started:
        return None
    return later(parse_time(started), int(seconds)) - now


def _end(job: Obj, counts: _Counts, ending: Ending, now: datetime) -> Decision:
    """Stop what still runs; once nothing does, say how the Job ended."""
    kind, reason, message = ending
    deletions = tuple(_deletion(pod) for pod in counts.active)
    conditions = _with(job, kind, "True", reason, message, now)
    status = _status(job, counts, conditions, now, is_stopping=True)
    if counts.active or counts.terminating:
        return Decision(actions=deletions, status=status, because=(Ended(message),))
    is_complete = kind == "SuccessCriteriaMet"
    last = "Complete" if is_complete else "Failed"
    status["conditions"] = _with({"status": {"conditions": conditions}}, last, "True", reason, message, now)
    if is_complete:
        status["completionTime"] = format_time(now)
        event = EventNote(type="Normal", reason="Completed", message="Job completed")
    else:
        event = EventNote(type="Warning", reason=reason, message=message)
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    requeue = None if ttl is None else timedelta(seconds=int(ttl))
    return Decision(status=status, requeue=requeue, events=(event,), because=(Ended(message),))


def _go_on(observed: ObservedJob, counts: _Counts, now: datetime) -> Decision:
    """As many pods as may run side by side, and no more than still have to succeed."""
    job, spec = observed.job, observed.job["spec"]
    want, parallelism = _wanted_active(spec, counts), int(spec.get("parallelism", 1))
    have = len(counts.active)
    conditions = list((job.get("status") or {}).get("conditions") or ())
    events: list[EventNote] = []
    if _holds({"conditions": conditions}, "Suspended"):
        conditions = _with(job, "Suspended", "False", "JobResumed", "Job resumed", now)
        events.append(EventNote(type="Normal", reason="Resumed", message="Job resumed"))
    actions: list[Action] = []
    waits = [wait for wait in (_left_of_deadline(job, now),) if wait is not None]
    back_off = _back_off(observed.pods, now)
    if have < want and back_off > timedelta(0):
        waits.append(back_off)
    elif have < want:
        for name in observed.new_names[: min(want - have, MOST_PODS)]:
            actions.append(Create(resource=PODS, obj=pod_from(job, name)))
            events.append(EventNote(type="Normal", reason="SuccessfulCreate", message=f"Created pod: {name}"))
    elif have > parallelism or have > want:
        actions += [_deletion(pod) for pod in counts.active[min(want, parallelism) :]]
        events += [
            EventNote(type="Normal", reason="SuccessfulDelete", message=f"Deleted pod: {action.name}")
            for action in actions
            if isinstance(action, Delete)
        ]
    status = _status(job, counts, conditions, now)
    creations = sum(isinstance(action, Create) for action in actions)
    if active := have + creations - (len(actions) - creations):
        status["active"] = active
    else:
        status.pop("active", None)
    return Decision(
        actions=tuple(actions),
        status=status,
        requeue=min(waits, default=None),
        events=tuple(events),
        because=(Running(have, counts.succeeded, counts.failed),),
    )


def _wanted_active(spec: Mapping[str, Any], counts: _Counts) -> int:
    parallelism, completions = int(spec.get("parallelism", 1)), spec.get("completions")
    if completions is None:  # a work queue: once one has succeeded, the others end by themselves
        return min(len(counts.active), parallelism) if counts.succeeded else parallelism
    return max(min(int(completions) - counts.succeeded, parallelism), 0)


def _suspended(job: Obj, counts: _Counts, now: datetime) -> Decision:
    conditions = _with(job, "Suspended", "True", "JobSuspended", "Job suspended", now)
    status = _status(job, counts, conditions, now, is_stopping=True)
    status.pop("startTime", None)
    events: tuple[EventNote, ...] = ()
    if _holds(job.get("status") or {}, "Suspended") is None:
        events = (EventNote(type="Normal", reason="Suspended", message="Job suspended"),)
    deletions = tuple(_deletion(pod) for pod in counts.active)
    return Decision(actions=deletions, status=status, events=events, because=(Ended("Job suspended"),))


def _after(job: Obj, over: Mapping[str, Any], now: datetime) -> Decision:
    """The Job is over: nothing more happens, save that it may be asked to go away."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    why = (Ended(over.get("message") or over["type"]),)
    if ttl is None:
        return Decision(because=why)
    left = later(parse_time(over["lastTransitionTime"]), int(ttl)) - now
    if left > timedelta(0):
        return Decision(requeue=left, because=why)
    metadata = job["metadata"]
    gone = Delete(
        resource=JOBS,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        propagation="Foreground",
    )
    return Decision(actions=(gone,), because=why)


def _status(
    job: Obj, counts: _Counts, conditions: Sequence[Mapping[str, Any]], now: datetime, *, is_stopping: bool = False
) -> dict[str, Any]:
    """is_stopping: the active pods are deleted in this pass."""
    former = job.get("status") or {}
    active = 0 if is_stopping else len(counts.active)
    status: dict[str, Any] = {"startTime": former.get("startTime") or format_time(now)}
    told = (("active", active), ("succeeded", counts.succeeded), ("failed", counts.failed))
    status.update({field: count for field, count in told if count})
    status["ready"] = 0 if is_stopping else sum(is_ready(pod) for pod in counts.active)
    status["terminating"] = counts.terminating + (len(counts.active) if is_stopping else 0)
    status["uncountedTerminatedPods"] = {}
    if conditions:
        status["conditions"] = list(conditions)
    return status


def _back_off(pods: Sequence[Obj], now: datetime) -> timedelta:
    """How much longer the next pod has to wait, for those that failed since the last success."""
    ends: list[tuple[datetime, str]] = sorted(
        ((_ended_at(pod), pod["status"]["phase"]) for pod in pods if _has_ended(pod)), reverse=True
    )
    failures = next((index for index, (_, phase) in enumerate(ends) if phase == "Succeeded"), len(ends))
    if not failures:
        return timedelta(0)
    delay: timedelta = min(FIRST_BACK_OFF * 2 ** int(min(failures - 1, 10)), LONGEST_BACK_OFF)
    return ends[0][0] + delay - now


def _has_ended(pod: Obj) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _ended_at(pod: Obj) -> datetime:
    """When the last container ended; for a pod without any that did, when it was created."""
    states = [each.get("state") or {} for each in pod["status"].get("containerStatuses") or ()]
    ends = [state["terminated"]["finishedAt"] for state in states if "finishedAt" in (state.get("terminated") or {})]
    return max(map(parse_time, ends), default=parse_time(pod["metadata"]["creationTimestamp"]))


def _deletion(pod: Obj) -> Delete:
    metadata = pod["metadata"]
    return Delete(resource=PODS, namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"])


def _holds(status: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """The condition of that type, if it is True."""
    found = condition(status, kind)
    return found if found is not None and found["status"] == "True" else None


def _with(job: Obj, kind: str, told: str, reason: str, message: str, now: datetime) -> list[dict[str, Any]]:
    """The Job's conditions with this one set; its times move only when it turns."""
    former = list((job.get("status") or {}).get("conditions") or ())
    before = condition({"conditions": former}, kind)
    if before is not None and before["status"] == told:
        return former
    at = format_time(now)
    entry = {
        "type": kind,
        "status": told,
        "lastProbeTime": at,
        "lastTransitionTime": at,
        "reason": reason,
        "message": message,
    }
    return [*(each for each in former if each["type"] != kind), entry]
