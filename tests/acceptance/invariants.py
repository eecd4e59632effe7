"""What must hold of Rollouts at every instant, checked at every single change of the store.

Owns: the promises (available pods, totals, analysis before promotion, one run per attempt, books that only grow) and
what a world at rest looks like. Knows the API's objects only, none of the rules that are under test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from canarium.kube.objects import Obj, ObjectKey, condition, controller_of, key_of, labels_of, over_the_wire
from canarium.kube.patch import merge
from canarium.kube.resources import PODS, REPLICA_SETS, Resource
from canarium.kube.store.port import Change
from canarium.lab.world import World
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS

HASH = "rollouts-pod-template-hash"
COMPLETED = ("Successful", "Failed", "Error", "Inconclusive")
PARDONS = ("retry", "promote", "promote --full", "set image", "undo")
"""What people do that lets an update go on although an analysis failed."""


@dataclass(frozen=True)
class Promise:
    """At least `floor` pods available, at most `ceiling` pods and ReplicaSet replicas."""

    floor: int
    ceiling: int


@dataclass
class _Held:
    promise: Promise
    until: float | None = None  # still in force so long, for what was decided while it held


@dataclass
class _Rollout:
    """What is remembered of one Rollout."""

    obj: Obj
    was_healthy: bool = False
    promises: list[_Held] = field(default_factory=list)
    lost_at: list[float] = field(default_factory=list)  # when available pods went by themselves, or by a user's hand
    attempt: int = 0
    attempts: dict[tuple[int, str, str], str] = field(default_factory=dict)
    named: dict[str, None] = field(default_factory=dict)  # runs that the status named as current
    pardoned: dict[str, None] = field(default_factory=dict)
    used: dict[str, None] = field(default_factory=dict)  # runs that completed a step


@dataclass(frozen=True)
class _Pod:
    owner: str  # uid of its ReplicaSet
    is_active: bool
    is_available: bool
    is_leaving: bool


class Observer:
    """Looks at every change of a world's store and keeps what broke a promise, with the virtual time.

    patience_seconds: how long a decision may be on its way; what was promised before a change of the spec, and pods
    that were lost by themselves, count that much longer.
    """

    def __init__(self, world: World, *, patience_seconds: float) -> None:
        self.broken: list[str] = []
        self.changes = 0
        self._clock = world.clock
        self._patience = patience_seconds
        self._revision = 0
        self._deed = ""
        self._rollouts: dict[str, _Rollout] = {}
        self._sets: dict[str, Obj] = {}
        self._shrunk_at: dict[str, float] = {}
        self._pods: dict[ObjectKey, _Pod] = {}
        self._runs: dict[ObjectKey, Obj] = {}
        handlers: dict[Resource, Callable[[Change, Obj], None]] = {
            ROLLOUTS: self._rollout_changed,
            REPLICA_SETS: self._replica_set_changed,
            PODS: self._pod_changed,
            ANALYSIS_RUNS: self._run_changed,
        }
        for resource, handle in handlers.items():
            world.store.subscribe(resource, self._listener(handle))

    @contextmanager
    def somebody(self, deed: str) -> Iterator[None]:
        """While entered, changes are somebody's deed and not a controller's."""
        self._deed = deed
        try:
            yield
        finally:
            self._deed = ""

    def _listener(self, handle: Callable[[Change, Obj], None]) -> Callable[[Change], None]:
        def listen(change: Change) -> None:
            self.changes += 1
            obj: Obj = msgspec.json.decode(change.raw)
            if change.revision <= self._revision or obj["metadata"]["resourceVersion"] != str(change.revision):
                self._break(f"{change.resource} {change.key}: revision {change.revision} after {self._revision}")
            self._revision = change.revision
            handle(change, obj)

        return listen

    def _break(self, what: str) -> None:
        self.broken.append(f"{self._clock.now():%H:%M:%S.%f} {what}")

    # -- rollouts -----------------------------------------------------------------------------------------------

    def _rollout_changed(self, change: Change, obj: Obj) -> None:
        uid = obj["metadata"]["uid"]
        if change.type == "DELETED":
            self._rollouts.pop(uid, None)
            return
        known = self._rollouts.get(uid)
        if known is None:
            known = self._rollouts[uid] = _Rollout(obj)
        before, known.obj = known.obj, obj
        self._note_promise(known)
        self._note_attempt(known, before)
        self._check_promotion(known, before)
        self._check_steps(known, before)

    def _note_promise(self, known: _Rollout) -> None:
        status = known.obj.get("status") or {}
        is_seen = str(status.get("observedGeneration")) == str(known.obj["metadata"]["generation"])
        known.was_healthy = known.was_healthy or (is_seen and status.get("phase") == "Healthy")
        promise = promise_of(known.obj, is_up=known.was_healthy)
        if not known.promises or known.promises[-1].promise != promise:
            known.promises.append(_Held(promise))
        if is_seen:
            for held in known.promises[:-1]:
                if held.until is None:
                    held.until = self._clock.monotonic() + self._patience

    def _in_force(self, known: _Rollout) -> Promise:
        """The weakest of the promises that are in force."""
        now = self._clock.monotonic()
        known.promises = [held for held in known.promises if held.until is None or held.until >= now]
        promises = [held.promise for held in known.promises]
        return Promise(min(p.floor for p in promises), max(p.ceiling for p in promises))

    def _note_attempt(self, known: _Rollout, before: Obj) -> None:
        """Retrying an aborted update, another template or other steps begin another attempt."""
        was, status = before.get("status") or {}, known.obj.get("status") or {}
        is_retried = was.get("abort") and not status.get("abort")
        changed = any(was.get(name) != status.get(name) for name in ("currentPodHash", "currentStepHash"))
        known.attempt += bool(is_retried or changed)
        canary = status.get("canary") or {}
        for name in ("currentStepAnalysisRunStatus", "currentBackgroundAnalysisRunStatus"):
            if canary.get(name):
                known.named[canary[name]["name"]] = None
        # Who retries clears abort only; a controller that ends an abort clears abortedAt with it.
        if self._deed in PARDONS or (is_retried and status.get("abortedAt")):
            known.pardoned |= {key.name: None for key in self._runs}

    def _check_promotion(self, known: _Rollout, before: Obj) -> None:
        was, status = before.get("status") or {}, known.obj.get("status") or {}
        stable = status.get("stableRS")
        if not was.get("stableRS") or stable == was["stableRS"] or was.get("promoteFull"):
            return  # nothing is judged in a first deployment, nor when somebody asked for a full promotion
        for key, run in self._runs.items():
            is_of_it = labels_of(run).get(HASH) == stable and _is_owned(run, known.obj)
            is_against_it = phase_of(run) in ("Failed", "Error") and key.name in known.named
            if is_of_it and is_against_it and key.name not in known.pardoned:
                self._break(f"{key_of(known.obj)}: {stable} became stable although {key.name} is {phase_of(run)}")

    def _check_steps(self, known: _Rollout, before: Obj) -> None:
        was, status = before.get("status") or {}, known.obj.get("status") or {}
        index, earlier = status.get("currentStepIndex") or 0, was.get("currentStepIndex") or 0
        same = all(was.get(name) == status.get(name) for name in ("currentPodHash", "currentStepHash"))
        if index <= earlier or not same or self._deed or was.get("promoteFull") or not was.get("stableRS"):
            return
        steps = known.obj["spec"]["strategy"]["canary"].get("steps") or []
        current = ((was.get("canary") or {}).get("currentStepAnalysisRunStatus") or {}).get("name", "")
        for number in range(earlier, min(index, len(steps))):
            if not steps[number].get("analysis"):
                continue
            run = self._runs.get(ObjectKey(known.obj["metadata"]["namespace"], current))
            ok = run is not None and phase_of(run) == "Successful" and labels_of(run)["step-index"] == str(number)
            if not ok or current in known.used:
                self._break(f"{key_of(known.obj)}: step {number} was passed by {current or 'no run'}")
            known.used[current] = None

    # -- ReplicaSets and pods -----------------------------------------------------------------------------------

    def _replica_set_changed(self, change: Change, obj: Obj) -> None:
        uid = obj["metadata"]["uid"]
        if change.type == "DELETED":
            self._sets.pop(uid, None)
            return
        before, self._sets[uid] = self._sets.get(uid), obj
        if before and obj["spec"]["replicas"] < before["spec"]["replicas"]:
            self._shrunk_at[uid] = self._clock.monotonic()
        known = self._rollout_of(obj)
        if known is None or (before["spec"]["replicas"] if before else 0) >= obj["spec"]["replicas"]:
            return
        total, ceiling = sum(each["spec"]["replicas"] for each in self._sets_of(known)), self._in_force(known).ceiling
        if total > ceiling:
            self._break(f"{change.key}: ReplicaSets say {total} replicas, {ceiling} are allowed")

    def _rollout_of(self, replica_set: Obj) -> _Rollout | None:
        owner = controller_of(replica_set)
        return None if owner is None else self._rollouts.get(owner["uid"])

    def _sets_of(self, known: _Rollout) -> list[Obj]:
        return [found for found in self._sets.values() if _is_owned(found, known.obj)]

    def _pod_changed(self, change: Change, obj: Obj) -> None:
        owners = [ref for ref in obj["metadata"].get("ownerReferences") or () if ref.get("controller")]
        if len(owners) != 1:
            self._break(f"pod {change.key} has {len(owners)} controllers")
            return
        before = self._pods.get(change.key)
        after = None if change.type == "DELETED" else _view(obj, owners[0]["uid"])
        if after is None:
            self._pods.pop(change.key, None)
        else:
            self._pods[change.key] = after
        replica_set = self._sets.get(owners[0]["uid"])
        known = self._rollout_of(replica_set) if replica_set else None
        if known is None:
            return
        if before and before.is_available and not (after and after.is_available):
            self._lost_one(change, known, is_deleted=after is None or after.is_leaving)
        if after and after.is_active and not (before and before.is_active):
            self._check_total(change, known)

    def _lost_one(self, change: Change, known: _Rollout, *, is_deleted: bool) -> None:
        now = self._clock.monotonic()
        if self._deed or not is_deleted:
            known.lost_at.append(now)
            return
        known.lost_at = [at for at in known.lost_at if now - at <= self._patience]
        available, floor = sum(pod.is_available for pod in self._pods_of(known)), self._in_force(known).floor
        if available + len(known.lost_at) < floor:
            self._break(f"{change.key} deleted: {available} pods available, {floor} are promised")

    def _check_total(self, change: Change, known: _Rollout) -> None:
        """Pods that a ReplicaSet was told to drop a moment ago no longer count: as upstream, the Rollout goes by what
        it told, and its next ReplicaSet may be quicker than the last."""
        since, counted = self._clock.monotonic() - self._patience, 0
        active: dict[str, int] = {}
        for pod in self._pods_of(known):
            active[pod.owner] = active.get(pod.owner, 0) + pod.is_active
        for uid, count in active.items():
            told, shrunk_at = self._sets[uid]["spec"]["replicas"], self._shrunk_at.get(uid, -math.inf)
            counted += min(count, told) if shrunk_at >= since else count
        told_in_all = sum(found["spec"]["replicas"] for found in self._sets_of(known))
        ceiling = max(self._in_force(known).ceiling, told_in_all)
        if counted > ceiling:
            self._break(f"{change.key} created: {counted} pods, {ceiling} are allowed")

    def _pods_of(self, known: _Rollout) -> Iterator[_Pod]:
        sets = {found["metadata"]["uid"] for found in self._sets_of(known)}
        return (pod for pod in self._pods.values() if pod.owner in sets)

    # -- analysis runs ------------------------------------------------------------------------------------------

    def _run_changed(self, change: Change, obj: Obj) -> None:
        if change.type == "DELETED":
            self._runs.pop(change.key, None)
            return
        before, self._runs[change.key] = self._runs.get(change.key), obj
        if before is None:
            self._check_attempt(change.key, obj)
            return
        if phase_of(before) in COMPLETED and before.get("status") != obj.get("status"):
            self._break(f"AnalysisRun {change.key} was {phase_of(before)} and changed its status")
        for name, earlier in _measurements(before).items():
            later = _measurements(obj).get(name, [])
            finished = [one for one in earlier if one.get("finishedAt")]
            if later[: len(finished)] != finished or len(later) < len(earlier):
                self._break(f"AnalysisRun {change.key}: the measurements of {name} went from {earlier} to {later}")

    def _check_attempt(self, key: ObjectKey, run: Obj) -> None:
        known = self._rollout_of(run)
        if known is None:
            return
        attempt = (known.attempt, labels_of(run).get(HASH, ""), labels_of(run).get("step-index", "background"))
        earlier = known.attempts.setdefault(attempt, key.name)
        if earlier != key.name:
            self._break(f"AnalysisRun {key} repeats {earlier}: attempt {attempt}")

    # -- at rest ------------------------------------------------------------------------------------------------

    def rest(self) -> list[str]:
        """What is wrong with a world in which nothing moves any more."""
        wrong = [f"pod {key} has no ReplicaSet" for key, pod in self._pods.items() if pod.owner not in self._sets]
        owners = {**self._rollouts, **dict.fromkeys(self._sets)}
        for found in (*self._sets.values(), *self._runs.values()):
            owner = controller_of(found)
            if owner is not None and owner["kind"] == "Rollout" and owner["uid"] not in owners:
                wrong.append(f"{found['kind']} {key_of(found)} has no Rollout")
        for known in self._rollouts.values():
            name = key_of(known.obj)
            wrong += [f"{name}: {problem}" for problem in self._unrest(known)]
        return wrong

    def _unrest(self, known: _Rollout) -> Iterator[str]:
        status, spec = known.obj.get("status") or {}, known.obj["spec"]
        pods = list(self._pods_of(known))
        told = {labels_of(found)[HASH]: found["spec"]["replicas"] for found in self._sets_of(known)}
        scaled = {pod_hash: replicas for pod_hash, replicas in told.items() if replicas}
        counts = {
            "replicas": sum(pod.is_active for pod in pods),
            "availableReplicas": sum(pod.is_available for pod in pods),
        }
        for count, actual in counts.items():
            if (status.get(count) or 0) != actual:
                yield f"status.{count} is {status.get(count)}, there are {actual}"
        if sum(scaled.values()) != counts["replicas"]:
            yield f"ReplicaSets say {scaled}, there are {counts['replicas']} pods"
        at_full = {status.get("stableRS"): spec["replicas"]} if spec["replicas"] else {}
        if status.get("abort") and status.get("promoteFull"):
            # Upstream: what was promoted fully and then timed out (progressDeadlineAbort) stays where it is.
            return
        if status.get("abort") or status.get("phase") == "Healthy":
            if scaled != at_full or counts["availableReplicas"] != spec["replicas"]:
                yield f"{status.get('phase')}, but the ReplicaSets are {scaled} and not {at_full}"
            going_on = [key.name for key, run in self._runs.items() if phase_of(run) not in COMPLETED]
            if going_on:
                yield f"{status.get('phase')}, but {going_on} still measure"
        if status.get("abort") and status.get("phase") != "Degraded":
            yield f"aborted, but the phase is {status.get('phase')}"
        if status.get("phase") == "Healthy" and status.get("stableRS") != status.get("currentPodHash"):
            yield f"Healthy, but {status.get('stableRS')} is stable and {status.get('currentPodHash')} is wanted"


def promise_of(rollout: Obj, *, is_up: bool) -> Promise:
    """What a Rollout promises as it stands; nothing of availability before it was up for the first time.

    maxSurge is rounded up, maxUnavailable down, and 1 may be unavailable when both come out as 0. A restart takes one
    pod at a time even where none may be unavailable (upstream's restart.go), and while it goes on scaling may take as
    many again: it goes by a ReplicaSet status that may not know yet which pods the restart deleted, as upstream.
    """
    spec, status = rollout["spec"], rollout.get("status") or {}
    replicas, canary = spec["replicas"], spec["strategy"]["canary"]
    surge = math.ceil(_pods(canary.get("maxSurge", "25%"), replicas))
    unavailable = math.floor(_pods(canary.get("maxUnavailable", "25%"), replicas))
    if surge == unavailable == 0:
        unavailable = 1
    if spec.get("restartAt") and spec["restartAt"] != status.get("restartedAt"):
        unavailable += max(unavailable, 1)
    return Promise(max(0, replicas - unavailable) if is_up else 0, replicas + surge)


def _pods(value: int | str, replicas: int) -> float:
    return value if isinstance(value, int) else int(value.removesuffix("%")) * replicas / 100


def phase_of(obj: Obj) -> str:
    """status.phase."""
    return str((obj.get("status") or {}).get("phase", ""))


def _is_owned(obj: Obj, owner: Obj) -> bool:
    ref = controller_of(obj)
    return ref is not None and ref["uid"] == owner["metadata"]["uid"]


def _view(pod: Obj, owner: str) -> _Pod:
    ready = condition(pod, "Ready")
    is_leaving = bool(pod["metadata"].get("deletionTimestamp"))
    is_active = not is_leaving and phase_of(pod) not in ("Succeeded", "Failed")
    return _Pod(owner, is_active, is_active and ready is not None and ready["status"] == "True", is_leaving)


def _measurements(run: Obj) -> dict[str, list[Any]]:
    results: Iterable[Obj] = (run.get("status") or {}).get("metricResults") or ()
    return {result["name"]: result.get("measurements") or [] for result in results}


async def decide_again(world: World) -> list[str]:
    """Ask every controller about every object once more; what anybody still wants to do."""
    wishes = []
    manager = world._manager
    assert manager is not None, "a world that was started"
    for controller in manager._controllers:
        reconciler = controller.reconciler
        for obj in manager.listers(reconciler.primary).list():
            observed = await reconciler.observe(key_of(obj))
            if observed is None:
                continue
            decision = reconciler.decide(observed, world.clock.now())
            subject, name = reconciler.subject(observed), f"{reconciler.name} {key_of(obj)}"
            wishes += [f"{name}: {wish}" for wish in (*decision.actions, *decision.events)]
            status = None if decision.status is None else over_the_wire(decision.status)
            if status is not None and status != subject.get("status"):
                wishes.append(f"{name}: status {merge.diff(subject.get('status') or {}, status)}")
    return wishes
