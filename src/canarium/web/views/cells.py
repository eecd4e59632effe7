"""Pods, ReplicaSets and AnalysisRuns as the squares and pills of a rollout's page; and whose they are.

Owns: `PodCell` with its problem in a sentence, `ReplicaSetCell`, `RunPill`, probes in words, the way from a pod to its
rollout. Must not know: topics, how cells are drawn.
Names of pills follow `ui/src/app/components/rollout/revision.tsx` (analysisName), Argo Rollouts 1.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from canarium.kube.controller.reconciler import Lister, Listers
from canarium.kube.objects import Obj, condition, controller_of, labels_of, parse_time
from canarium.kube.resources import PODS, REPLICA_SETS, Resource
from canarium.rollouts.analysis_runs import ROLLOUT_TYPE
from canarium.rollouts.info.pods import pod_info
from canarium.rollouts.info.replicasets import ReplicaSetInfo
from canarium.rollouts.info.runs import AnalysisRunInfo
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL
from canarium.web.model import EventRow, PodCell, ReplicaSetCell, RunPill

_LIVENESS_SHOWN = timedelta(minutes=2)
"""A ready container whose liveness probe failed this long ago has recovered, or it would have been restarted."""

_IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
_STARTING = ("", "ContainerCreating", "PodInitializing")
_PROBES = ("startup", "readiness", "liveness")


# -- pods -------------------------------------------------------------------------------------------------------------


def pod_cell(pod: Obj, events: Iterable[EventRow], now: datetime) -> PodCell:
    """Sum a pod up. events: those about it."""
    info = pod_info(pod)
    ready = condition(pod.get("status") or {}, "Ready") or {}
    return PodCell(
        name=info.name,
        status=info.status,
        ready=info.ready,
        is_ready=ready.get("status") == "True",
        restarts=info.restarts,
        node=(pod.get("spec") or {}).get("nodeName") or "",
        created=info.created,
        problem=pod_problem(pod, events, now),
    )


def pod_problem(pod: Obj, events: Iterable[EventRow], now: datetime) -> str:
    """What keeps a pod from being well, in a sentence; empty when it is well, ends, or only needs time."""
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return ""
    if status.get("phase") == "Failed":
        return _sentence("the pod failed", status.get("reason") or "", status.get("message") or "")
    scheduled = condition(status, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        return _sentence("it has no node yet", scheduled.get("message") or scheduled.get("reason") or "")
    unhealthy = sorted((row for row in events if row.reason == "Unhealthy"), key=lambda row: row.last, reverse=True)
    declared = {one.get("name"): one for one in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))}
    for found in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        container = declared.get(found.get("name")) or {}
        problem = _container_problem(found, container) or _probe_problem(found, container, unhealthy, now)
        if problem:
            return f"{found.get('name', '')}: {problem}" if len(declared) > 1 else problem
    return ""


def _container_problem(found: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    state = found.get("state") or {}
    waiting, terminated = state.get("waiting"), state.get("terminated")
    if terminated is not None:
        is_done = terminated.get("exitCode", 0) == 0
        return "" if is_done else f"it {exit_text(terminated)}"
    if waiting is None:
        return ""
    reason, message = waiting.get("reason") or "", waiting.get("message") or ""
    if reason in _STARTING:
        return ""
    if reason == "CrashLoopBackOff":
        last = (found.get("lastState") or {}).get("terminated")
        how = exit_text(last) if last else "ended"
        return f"CrashLoopBackOff: it {how}{_last_words(last)}; {times(found.get('restartCount', 0), 'restart')} so far"
    if reason in _IMAGE_REASONS:
        image = container.get("image") or found.get("image") or ""
        return _sentence(f"image {image} cannot be pulled ({reason})", message)
    return _sentence(reason, message)


def _last_words(terminated: Mapping[str, Any] | None) -> str:
    message = " ".join(((terminated or {}).get("message") or "").split())
    return f": {message[:200]}" if message else ""


def _probe_problem(
    found: Mapping[str, Any], container: Mapping[str, Any], unhealthy: Sequence[EventRow], now: datetime
) -> str:
    """The probe that failed last, since this run of the container began."""
    running = (found.get("state") or {}).get("running")
    if running is None:
        return ""
    started, is_ready = running.get("startedAt") or "", bool(found.get("ready"))
    for row in unhealthy:
        kind, _, told = row.message.partition(" probe failed: ")
        kind = kind.lower()
        probe = container.get(f"{kind}Probe")
        if kind not in _PROBES or probe is None or (started and row.last < started):
            continue
        is_over = kind != "liveness" or not row.last or now - parse_time(row.last) > _LIVENESS_SHOWN
        if is_ready and is_over:
            continue
        return f"the {kind} probe {probe_target(probe)} fails: {told.strip()}"
    last = (found.get("lastState") or {}).get("terminated")
    if last is not None and not is_ready:
        return f"its last run {exit_text(last)}; {times(found.get('restartCount', 0), 'restart')} so far"
    return ""


def exit_text(terminated: Mapping[str, Any]) -> str:
    """How a run of a container ended: `was OOMKilled (exit code 137)`, `exited with code 1`, `completed`."""
    code, reason, signal = terminated.get("exitCode", 0), terminated.get("reason") or "", terminated.get("signal") or 0
    if reason == "OOMKilled":
        return f"was OOMKilled (exit code {code}): it used more memory than its limit"
    if signal:
        return f"was ended by signal {signal}"
    if code == 0:
        return "completed"
    return f"exited with code {code}" + (f" ({reason})" if reason and reason != "Error" else "")


def probe_target(probe: Mapping[str, Any]) -> str:
    """What a probe asks: `GET /readyz:9898`, `TCP :5432`, `gRPC :9000`, `exec cat /ready`."""
    if (http := probe.get("httpGet")) is not None:
        return f"GET {http.get('path') or '/'}:{http.get('port', '')}"
    if (tcp := probe.get("tcpSocket")) is not None:
        return f"TCP :{tcp.get('port', '')}"
    if (grpc := probe.get("grpc")) is not None:
        return f"gRPC :{grpc.get('port', '')}" + (f" {grpc['service']}" if grpc.get("service") else "")
    if (command := probe.get("exec")) is not None:
        return " ".join(["exec", *(command.get("command") or ())])
    return "(of a kind not known here)"


def times(count: int, what: str) -> str:
    """`1 restart`, `2 restarts`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _sentence(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


# -- ReplicaSets and runs ---------------------------------------------------------------------------------------------


def replica_set_cell(info: ReplicaSetInfo, replica_set: Obj, cell: Callable[[str], PodCell]) -> ReplicaSetCell:
    """A ReplicaSet with its pods. cell: makes the cell of a pod by its name."""
    labels = labels_of(replica_set)
    return ReplicaSetCell(
        name=info.name,
        hash=labels.get(POD_TEMPLATE_HASH_LABEL, ""),
        revision=info.revision,
        status="Degraded" if info.status == "ReplicaFailure" else info.status,
        tags=info.tags,
        replicas=info.replicas,
        available=info.available,
        images=info.images,
        created=info.created,
        scale_down_at=info.scale_down_deadline,
        pods=tuple(cell(pod.name) for pod in info.pods),
    )


def run_label(name: str) -> str:
    """`Analysis 2-1.1`: the last two parts of the run's name, which are revision and step (and attempt)."""
    parts = name.split("-")
    return "Analysis" if len(parts) < 2 else f"Analysis {parts[-2]}-{parts[-1]}"


def run_pill(info: AnalysisRunInfo, run: Obj) -> RunPill:
    """An AnalysisRun of a rollout."""
    return RunPill(
        name=info.name,
        label=run_label(info.name),
        phase=info.status or "Pending",
        message=(run.get("status") or {}).get("message") or "",
        kind=labels_of(run).get(ROLLOUT_TYPE, ""),
        revision=info.revision,
        created=info.created,
        successful=info.successful,
        failed=info.failed,
        inconclusive=info.inconclusive,
        error=info.error,
    )


# -- whose it is ------------------------------------------------------------------------------------------------------


class OwnerTrail:
    """From a changed object to the key (`namespace/name`) of the Rollout it belongs to; empty if to none.

    Pod → ReplicaSet → Rollout is remembered by uid, so that it still leads there when the ReplicaSet is gone first.
    """

    _KEPT = 20_000

    def __init__(self, listers: Listers) -> None:
        self._replica_sets: Lister = listers(REPLICA_SETS)
        self._pods: Lister = listers(PODS)
        self._known: dict[str, str] = {}

    def rollout_of(self, resource: Resource, obj: Obj) -> str:
        """The rollout that a Rollout, ReplicaSet, Pod, AnalysisRun, or an Event about one of the first three is of."""
        kind = resource.kind
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "")
        if kind == ROLLOUTS.kind:
            return f"{namespace}/{metadata['name']}"
        if kind == PODS.kind:
            return self._of_pod(obj, namespace)
        if kind == "Event":
            return self._of_event(obj)
        found = self._owner(obj, namespace)
        if kind == REPLICA_SETS.kind:
            self._learn(metadata.get("uid", ""), found)
        return found

    def _of_event(self, event: Obj) -> str:
        about = event.get("involvedObject") or {}
        namespace, name = about.get("namespace") or event["metadata"].get("namespace", ""), about.get("name", "")
        if about.get("kind") == ROLLOUTS.kind:
            return f"{namespace}/{name}"
        if about.get("kind") == REPLICA_SETS.kind:
            return self._of_replica_set(about.get("uid", ""), namespace, name)
        if about.get("kind") == PODS.kind:
            pod = self._pods.get(namespace, name)
            return "" if pod is None else self._of_pod(pod, namespace)
        return ""

    def _of_pod(self, pod: Obj, namespace: str) -> str:
        owner = controller_of(pod)
        if owner is None or owner.get("kind") != REPLICA_SETS.kind:
            return ""
        return self._of_replica_set(owner["uid"], namespace, owner["name"])

    def _of_replica_set(self, uid: str, namespace: str, name: str) -> str:
        known = self._known.get(uid)
        if known is not None:
            return known
        replica_set = self._replica_sets.get(namespace, name)
        if replica_set is None or replica_set["metadata"].get("uid") != uid:
            return ""  # its own change may still come: nothing to remember
        return self._learn(uid, self._owner(replica_set, namespace))

    def _owner(self, obj: Obj, namespace: str) -> str:
        owner = controller_of(obj)
        return f"{namespace}/{owner['name']}" if owner is not None and owner.get("kind") == ROLLOUTS.kind else ""

    def _learn(self, uid: str, key: str) -> str:
        if len(self._known) >= self._KEPT:
            del self._known[next(iter(self._known))]
        self._known[uid] = key
        return key


RELATED = (ROLLOUTS, REPLICA_SETS, PODS, ANALYSIS_RUNS)
"""What a rollout's page is made of, besides Events."""
