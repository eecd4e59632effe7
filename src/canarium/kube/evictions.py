"""Whether a pod may be evicted, and what that costs its PodDisruptionBudget.

Owns: the rule, the refusals in upstream's words, the DisruptionAllowed condition. Pure. Must not know: stores; how
budgets are counted (`workloads/disruption`).
Source: Kubernetes 1.34 pkg/registry/core/pod/storage/eviction.go and component-helpers apps/pdb.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from canarium.kube.cluster import ApiError
from canarium.kube.objects import Obj, condition, format_time, labels_of, matches_labels
from canarium.kube.refusals import forbidden
from canarium.kube.resources import POD_DISRUPTION_BUDGETS

REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
RETRY_SECONDS = 10


def spent(pod: Obj, budgets: Sequence[Obj], now: datetime) -> Obj | None:
    """The budget that the pod's eviction is charged to, as it is afterwards; None when it costs nothing.

    budgets: those of the pod's namespace. Raises ApiError: TooManyRequests, Forbidden, InternalError.
    """
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed", "Pending") or pod["metadata"].get("deletionTimestamp"):
        return None
    mine = [budget for budget in budgets if matches_labels(budget["spec"].get("selector"), labels_of(pod))]
    if len(mine) > 1:
        message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise ApiError(500, "InternalError", message)
    if not mine or _is_free(pod, mine[0]):
        return None
    return _charged(mine[0], pod["metadata"]["name"], now)


def _is_free(pod: Obj, budget: Obj) -> bool:
    """Whether the pod does not count as healthy anyhow, and the budget lets such pods go."""
    ready = condition(pod.get("status") or {}, "Ready")
    if ready is not None and ready["status"] == "True":
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = int(status.get("desiredHealthy", 0))
    return desired > 0 and int(status.get("currentHealthy", 0)) >= desired


def _charged(budget: Obj, pod: str, now: datetime) -> Obj:
    metadata, status = budget["metadata"], budget.get("status") or {}
    name, allowed = metadata["name"], int(status.get("disruptionsAllowed", 0))
    if int(status.get("observedGeneration", 0)) < int(metadata.get("generation", 1)):
        told = f"The disruption budget {name} is still being processed by the server."
        raise _refused(told, retry_seconds=RETRY_SECONDS)
    if allowed < 0:
        raise forbidden(POD_DISRUPTION_BUDGETS, name, "pdb disruptions allowed is negative")
    if allowed == 0:
        desired, healthy = int(status.get("desiredHealthy", 0)), int(status.get("currentHealthy", 0))
        raise _refused(f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
    left: dict[str, Any] = {
        **status,
        "disruptionsAllowed": allowed - 1,
        "disruptedPods": {**(status.get("disruptedPods") or {}), pod: format_time(now)},
    }
    left["conditions"] = disruption_allowed(status.get("conditions") or (), left, now)
    return {**budget, "status": left}


def _refused(told: str, *, retry_seconds: int = 0) -> ApiError:
    details: dict[str, Any] = {"causes": [{"reason": "DisruptionBudget", "message": told}]}
    if retry_seconds:
        details["retryAfterSeconds"] = retry_seconds
    return ApiError(429, "TooManyRequests", REFUSED, details=details)


def disruption_allowed(
    former: Sequence[Mapping[str, Any]], status: Mapping[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """`former` conditions with DisruptionAllowed as `status` counts; its time moves only when it turns."""
    is_allowed = status["disruptionsAllowed"] > 0
    before = condition({"conditions": former}, "DisruptionAllowed")
    told = "True" if is_allowed else "False"
    since = before["lastTransitionTime"] if before and before["status"] == told else format_time(now)
    entry = {
        "type": "DisruptionAllowed",
        "status": told,
        "observedGeneration": status.get("observedGeneration", 0),
        "lastTransitionTime": since,
        "reason": "SufficientPods" if is_allowed else "InsufficientPods",
        "message": "",
    }
    return [*(dict(each) for each in former if each["type"] != "DisruptionAllowed"), entry]
