"""How well one object is, and an Application as a whole.

Owns: the health of the built-in kinds, of Rollout and AnalysisRun, and which of two is worse. Pure.
Must not know: clusters, sync. Behaviour follows Argo CD 3.6: `gitops-engine/pkg/health` and
`resource_customizations/argoproj.io`. Kinds without a rule (ConfigMap, AnalysisTemplate, …) have no health.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from canarium.gitops.application.resource_key import group_of
from canarium.kube.objects import condition

ORDER = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
"""From best to worst."""


class Health(NamedTuple):
    """A status and, if there is more to say, a message."""

    status: str
    message: str = ""


def is_worse(current: str, new: str) -> bool:
    """Whether `new` is worse than `current`."""
    rank = {status: index for index, status in enumerate(ORDER)}
    return rank.get(new, 0) > rank.get(current, 0)


def health_of(obj: Mapping[str, Any]) -> Health | None:
    """The health of a live object; None for kinds that have none."""
    if obj["metadata"].get("deletionTimestamp"):
        return Health("Progressing", "Pending deletion")
    rule = RULES.get((group_of(obj), str(obj.get("kind"))))
    return rule(obj) if rule else None


def _number(part: Mapping[str, Any], name: str) -> int:
    return int(part.get(name) or 0)


def _is_unobserved(obj: Mapping[str, Any]) -> bool:
    return _number(obj["metadata"], "generation") > _number(obj.get("status") or {}, "observedGeneration")


def _deployment(obj: Mapping[str, Any]) -> Health:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if spec.get("paused"):
        return Health("Suspended", "Deployment is paused")
    if _is_unobserved(obj):
        return Health(
            "Progressing", "Waiting for rollout to finish: observed deployment generation less than desired generation"
        )
    updated, available, total = (_number(status, f"{word}eplicas") for word in ("updatedR", "availableR", "r"))
    if (condition(status, "Progressing") or {}).get("reason") == "ProgressDeadlineExceeded":
        return Health("Degraded", f'Deployment "{obj["metadata"]["name"]}" exceeded its progress deadline')
    wanted = spec.get("replicas")
    if wanted is not None and updated < wanted:
        return _waiting(f"{updated} out of {wanted} new replicas have been updated...")
    if total > updated:
        return _waiting(f"{total - updated} old replicas are pending termination...")
    if available < updated:
        return _waiting(f"{available} of {updated} updated replicas are available...")
    return Health("Healthy")


def _waiting(what: str) -> Health:
    return Health("Progressing", f"Waiting for rollout to finish: {what}")


def _replica_set(obj: Mapping[str, Any]) -> Health:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if _is_unobserved(obj):
        return _waiting("observed replica set generation less than desired generation")
    failure = condition(status, "ReplicaFailure")
    if failure and failure.get("status") == "True":
        return Health("Degraded", failure.get("message", ""))
    available, wanted = _number(status, "availableReplicas"), spec.get("replicas")
    if wanted is not None and available < wanted:
        return _waiting(f"{available} out of {wanted} new replicas are available...")
    return Health("Healthy")


def _stateful_set(obj: Mapping[str, Any]) -> Health:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if _number(status, "observedGeneration") == 0 or _is_unobserved(obj):
        return Health("Progressing", "Waiting for statefulset spec update to be observed...")
    wanted, ready = spec.get("replicas"), _number(status, "readyReplicas")
    if wanted is not None and ready < wanted:
        return Health("Progressing", f"Waiting for {wanted - ready} pods to be ready...")
    updated, revision = _number(status, "updatedReplicas"), status.get("updateRevision", "")
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return Health("Healthy", f"statefulset has {ready} ready pods")
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    if strategy.get("type") == "RollingUpdate" and wanted is not None and partition is not None:
        if updated < wanted - partition:
            return Health(
                "Progressing",
                f"Waiting for partitioned roll out to finish: {updated} out of {wanted - partition} "
                "new pods have been updated...",
            )
        return Health("Healthy", f"partitioned roll out complete: {updated} new pods have been updated...")
    if revision != status.get("currentRevision", ""):
        return Health(
            "Progressing",
            f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}...",
        )
    current = _number(status, "currentReplicas")
    return Health("Healthy", f"statefulset rolling update complete {current} pods at revision {revision}...")


def _daemon_set(obj: Mapping[str, Any]) -> Health:
    status = obj.get("status") or {}
    if _is_unobserved(obj):
        return _waiting("observed daemon set generation less than desired generation")
    updated, wanted = _number(status, "updatedNumberScheduled"), _number(status, "desiredNumberScheduled")
    available, name = _number(status, "numberAvailable"), obj["metadata"]["name"]
    if ((obj.get("spec") or {}).get("updateStrategy") or {}).get("type") == "OnDelete":
        return Health("Healthy", f"daemon set {updated} out of {wanted} new pods have been updated")
    if updated < wanted:
        return Health(
            "Progressing",
            f'Waiting for daemon set "{name}" rollout to finish: '
            f"{updated} out of {wanted} new pods have been updated...",
        )
    if available < wanted:
        return Health(
            "Progressing",
            f'Waiting for daemon set "{name}" rollout to finish: {available} of {wanted} updated pods are available...',
        )
    return Health("Healthy")


def _service(obj: Mapping[str, Any]) -> Health:
    if (obj.get("spec") or {}).get("type") == "LoadBalancer":
        ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress")
        return Health("Healthy" if ingress else "Progressing")
    return Health("Healthy")


def _ingress(obj: Mapping[str, Any]) -> Health:
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    return Health("Healthy" if ingress else "Progressing")


def _claim(obj: Mapping[str, Any]) -> Health:
    phase = (obj.get("status") or {}).get("phase")
    return Health({"Lost": "Degraded", "Pending": "Progressing", "Bound": "Healthy"}.get(str(phase), "Unknown"))


def _job(obj: Mapping[str, Any]) -> Health:
    told = {known["type"]: known for known in (obj.get("status") or {}).get("conditions") or ()}
    if "Failed" in told:
        return Health("Degraded", told["Failed"].get("message", ""))
    suspended = told.get("Suspended")
    if suspended and suspended.get("status") == "True":
        return Health("Suspended", suspended.get("message", ""))
    done = told.get("Complete") or suspended
    return Health("Healthy", done.get("message", "")) if done else Health("Progressing")


def _pod(obj: Mapping[str, Any]) -> Health:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    message = status.get("message", "")
    always = spec.get("restartPolicy", "Always") == "Always"
    containers = status.get("containerStatuses") or ()
    if always:
        waiting = [(one.get("state") or {}).get("waiting") or {} for one in containers]
        bad = [one for one in waiting if _is_error(str(one.get("reason") or ""))]
        if bad:
            return Health("Degraded", ", ".join(one.get("message", "") for one in bad))
    match status.get("phase"):
        case "Pending":
            return Health("Progressing", message)
        case "Succeeded":
            return Health("Healthy", message)
        case "Failed":
            return Health("Degraded", message or _why_failed(status))
        case "Running" if always:
            if (condition(status, "Ready") or {}).get("status") == "True":
                return Health("Healthy", message)
            ended = any((one.get("lastState") or {}).get("terminated") for one in containers)
            return Health("Degraded" if ended else "Progressing", message)
        case "Running":
            return Health("Progressing", message)
        case _:
            return Health("Unknown", message)


def _is_error(reason: str) -> bool:
    return reason.startswith("Err") or reason.endswith(("Error", "BackOff"))


def _why_failed(status: Mapping[str, Any]) -> str:
    for one in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        ended = (one.get("state") or {}).get("terminated") or {}
        if ended.get("message"):
            return str(ended["message"])
        if ended.get("reason") == "OOMKilled":
            return "OOMKilled"
        if ended.get("exitCode"):
            return f'container "{one["name"]}" failed with exit code {ended["exitCode"]}'
    return ""


def _rollout(obj: Mapping[str, Any]) -> Health:
    spec, status, metadata = obj.get("spec") or {}, obj.get("status"), obj["metadata"]
    if status is None or not _rollout_observed(spec, status, metadata):
        return Health("Progressing", "Waiting for rollout spec update to be observed")
    if (phase := status.get("phase")) is not None:
        return Health("Suspended" if phase == "Paused" else phase, status.get("message") or "")
    for known in status.get("conditions") or ():
        aborted = known.get("reason") in ("RolloutAborted", "ProgressDeadlineExceeded")
        if known.get("type") == "InvalidSpec" or (known.get("type") == "Progressing" and aborted):
            return Health("Degraded", known.get("message", ""))
    if status.get("pauseConditions") or spec.get("paused"):
        return Health("Suspended", "Rollout is paused")
    if status.get("currentPodHash") is None:
        return Health("Progressing", "Waiting for rollout to finish: status has not been reconciled.")
    return _rollout_without_phase(spec, status)


def _rollout_observed(spec: Mapping[str, Any], status: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    generation = _number(metadata, "generation")
    try:
        observed = int(status.get("observedGeneration") or "")
    except ValueError:
        observed = generation  # before Argo Rollouts 0.10 it was a hash
    annotations = metadata.get("annotations")
    if spec.get("workloadRef") is not None and annotations is not None:
        workload = annotations.get("rollout.argoproj.io/workload-generation")
        if workload != status.get("workloadObservedGeneration"):
            return False
    return observed >= generation


def _rollout_without_phase(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Health:
    wanted = spec.get("replicas")
    total, updated, available = (_number(status, f"{word}eplicas") for word in ("r", "updatedR", "availableR"))
    stable = status.get("stableRS") or (status.get("canary") or {}).get("stableRS") or ""
    strategy, current = spec.get("strategy") or {}, status["currentPodHash"]
    if updated < (1 if wanted is None else wanted):
        return Health("Progressing", "Waiting for roll out to finish: More replicas need to be updated")
    if available < updated:
        return Health("Progressing", "Waiting for roll out to finish: updated replicas are still becoming available")
    if strategy.get("blueGreen") is not None:
        if (status.get("blueGreen") or {}).get("activeSelector") != current:
            return Health("Progressing", "active service cutover pending")
        if stable not in ("", current):
            return Health("Progressing", "waiting for analysis to complete")
    elif strategy.get("canary") is not None:
        if total > updated:
            return Health("Progressing", "Waiting for roll out to finish: old replicas are pending termination")
        if stable != current:
            return Health("Progressing", "Waiting for rollout to finish steps")
    return Health("Healthy")


def _analysis_run(obj: Mapping[str, Any]) -> Health | None:
    status = obj.get("status")
    if status is None:
        return Health("Progressing", "Waiting for analysis run to finish: status has not been reconciled.")
    message = status.get("message")
    match status.get("phase"):
        case "Pending" | "Running":
            return Health("Progressing", "Analysis run is running")
        case "Successful":
            return Health("Healthy", message or "Analysis run completed successfully")
        case "Failed":
            return Health("Degraded", message or "Analysis run failed")
        case "Error":
            return Health("Degraded", message or "Analysis run had an error")
        case "Inconclusive":
            return Health("Unknown", message or "Analysis run was inconclusive")
        case _:
            return None


RULES: dict[tuple[str, str], Callable[[Mapping[str, Any]], Health | None]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("", "Service"): _service,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("batch", "Job"): _job,
    ("argoproj.io", "Rollout"): _rollout,
    ("argoproj.io", "AnalysisRun"): _analysis_run,
}
