"""Pointing the stable and the canary Service at their ReplicaSets.

Owns: the selectors of `stableService` and `canaryService`. Must not know: traffic routers.
Behaviour follows `rollout/service.go` of Argo Rollouts 1.10 for a canary without traffic routing.
"""

from __future__ import annotations

from canarium.kube.decision import Patch
from canarium.kube.objects import annotations_of
from canarium.kube.resources import SERVICES
from canarium.rollouts.reasons import ServiceSwitched
from canarium.rollouts.replicasets import ReplicaSet
from canarium.rollouts.turn import Turn
from canarium.rollouts.types import MANAGED_BY, POD_TEMPLATE_HASH_LABEL


def reconcile_services(turn: Turn) -> None:
    """Switch each named Service whose ReplicaSet can serve; an aborted canary's Service goes back to stable."""
    canary = turn.rollout.spec.canary
    _ensure_target(turn, canary.stable_service, turn.stable)
    _ensure_target(turn, canary.canary_service, turn.stable if turn.is_aborted else turn.new)


def _ensure_target(turn: Turn, name: str, target: ReplicaSet | None) -> None:
    if not name or target is None:
        return
    service = turn.observed.services.get(name)
    if service is None:
        return  # validation refuses a Service that is not there before we get here
    selector = (service.get("spec") or {}).get("selector") or {}
    if selector.get(POD_TEMPLATE_HASH_LABEL, "") == target.pod_hash:
        return
    is_adopted = MANAGED_BY in annotations_of(service)
    is_fully_available = target.desired != 0 and target.available >= target.desired
    if target.available == 0 or not (is_adopted or is_fully_available):
        return
    patch: dict[str, object] = {"spec": {"selector": {POD_TEMPLATE_HASH_LABEL: target.pod_hash}}}
    if annotations_of(service).get(MANAGED_BY) != turn.rollout.name:
        patch["metadata"] = {"annotations": {MANAGED_BY: turn.rollout.name}}
    turn.patch(
        Patch(
            resource=SERVICES,
            namespace=turn.rollout.namespace,
            name=name,
            patch=patch,
            resource_version=service["metadata"].get("resourceVersion"),
        )
    )
    current = selector.get(POD_TEMPLATE_HASH_LABEL, "")
    turn.event("SwitchService", f"Switched selector for service '{name}' from '{current}' to '{target.pod_hash}'")
    turn.because(ServiceSwitched(name, target.pod_hash))
