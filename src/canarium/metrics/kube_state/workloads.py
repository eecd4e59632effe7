"""kube-state-metrics' families for ReplicaSets, Deployments and namespaces.

Owns: which samples those objects give. Pure. Source: kube-state-metrics v2.20, internal/store/{replicaset,deployment,
namespace}.go. The opt-in families (labels, annotations) are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from canarium.kube.objects import Obj, int_or_percent
from canarium.metrics.kube_state.families import (
    Family,
    Labels,
    Sample,
    condition_values,
    created,
    deletion,
    owners,
    value,
)


def replica_set_identity(obj: Obj) -> Labels:
    """The labels every ReplicaSet metric carries."""
    return (("namespace", obj["metadata"]["namespace"]), ("replicaset", obj["metadata"]["name"]))


def deployment_identity(obj: Obj) -> Labels:
    """The labels every Deployment metric carries."""
    return (("namespace", obj["metadata"]["namespace"]), ("deployment", obj["metadata"]["name"]))


def namespace_identity(obj: Obj) -> Labels:
    """The labels every Namespace metric carries."""
    return (("namespace", obj["metadata"]["name"]),)


def _spec(name: str) -> Callable[[Obj], list[Sample]]:
    return lambda obj: value(obj["spec"].get(name))


def _status(name: str) -> Callable[[Obj], list[Sample]]:
    return lambda obj: value((obj.get("status") or {}).get(name, 0))


def _optional_status(name: str) -> Callable[[Obj], list[Sample]]:
    return lambda obj: value((obj.get("status") or {}).get(name))


def _generation(obj: Obj) -> list[Sample]:
    return value(obj["metadata"].get("generation"))


def _rolling_update(name: str, *, round_up: bool) -> Callable[[Obj], list[Sample]]:
    def samples(obj: Obj) -> list[Sample]:
        rolling: dict[str, Any] | None = (obj["spec"].get("strategy") or {}).get("rollingUpdate")
        if not rolling or "replicas" not in obj["spec"]:
            return []
        return value(int_or_percent(rolling.get(name), obj["spec"]["replicas"], round_up=round_up))

    return samples


def _deployment_conditions(obj: Obj) -> list[Sample]:
    result: list[Sample] = []
    for entry in (obj.get("status") or {}).get("conditions") or ():
        labels = (("reason", entry.get("reason", "")), ("condition", entry["type"]))
        result += condition_values(entry["status"], *labels, name="status")
    return result


def _namespace_phase(obj: Obj) -> list[Sample]:
    phase = (obj.get("status") or {}).get("phase", "")
    return [Sample((("phase", choice),), float(phase == choice)) for choice in ("Active", "Terminating")]


def _namespace_conditions(obj: Obj) -> list[Sample]:
    result: list[Sample] = []
    for entry in (obj.get("status") or {}).get("conditions") or ():
        result += condition_values(entry["status"], ("condition", entry["type"]), name="status")
    return result


REPLICA_SET_FAMILIES: tuple[Family, ...] = (
    Family("kube_replicaset_created", "Unix creation timestamp", created),
    Family("kube_replicaset_status_replicas", "The number of replicas per ReplicaSet.", _status("replicas")),
    Family(
        "kube_replicaset_status_fully_labeled_replicas",
        "The number of fully labeled replicas per ReplicaSet.",
        _status("fullyLabeledReplicas"),
    ),
    Family(
        "kube_replicaset_status_ready_replicas",
        "The number of ready replicas per ReplicaSet.",
        _status("readyReplicas"),
    ),
    Family(
        "kube_replicaset_status_terminating_replicas",
        "The number of terminating replicas per ReplicaSet.",
        _optional_status("terminatingReplicas"),
    ),
    Family(
        "kube_replicaset_status_observed_generation",
        "The generation observed by the ReplicaSet controller.",
        _status("observedGeneration"),
    ),
    Family("kube_replicaset_spec_replicas", "Number of desired pods for a ReplicaSet.", _spec("replicas")),
    Family(
        "kube_replicaset_metadata_generation",
        "Sequence number representing a specific generation of the desired state.",
        _generation,
    ),
    Family("kube_replicaset_owner", "Information about the ReplicaSet's owner.", owners),
)

DEPLOYMENT_FAMILIES: tuple[Family, ...] = (
    Family("kube_deployment_owner", "Information about the Deployment's owner.", owners),
    Family("kube_deployment_created", "Unix creation timestamp", created),
    Family("kube_deployment_status_replicas", "The number of replicas per deployment.", _status("replicas")),
    Family(
        "kube_deployment_status_replicas_ready",
        "The number of ready replicas per deployment.",
        _status("readyReplicas"),
    ),
    Family(
        "kube_deployment_status_replicas_available",
        "The number of available replicas per deployment.",
        _status("availableReplicas"),
    ),
    Family(
        "kube_deployment_status_replicas_unavailable",
        "The number of unavailable replicas per deployment.",
        _status("unavailableReplicas"),
    ),
    Family(
        "kube_deployment_status_replicas_updated",
        "The number of updated replicas per deployment.",
        _status("updatedReplicas"),
    ),
    Family(
        "kube_deployment_status_terminating_replicas",
        "The number of terminating replicas per deployment.",
        _optional_status("terminatingReplicas"),
    ),
    Family(
        "kube_deployment_status_observed_generation",
        "The generation observed by the deployment controller.",
        _status("observedGeneration"),
    ),
    Family(
        "kube_deployment_status_condition", "The current status conditions of a deployment.", _deployment_conditions
    ),
    Family("kube_deployment_spec_replicas", "Number of desired pods for a deployment.", _spec("replicas")),
    Family(
        "kube_deployment_spec_paused",
        "Whether the deployment is paused and will not be processed by the deployment controller.",
        lambda obj: value(bool(obj["spec"].get("paused"))),
    ),
    Family(
        "kube_deployment_spec_strategy_rollingupdate_max_unavailable",
        "Maximum number of unavailable replicas during a rolling update of a deployment.",
        _rolling_update("maxUnavailable", round_up=False),
    ),
    Family(
        "kube_deployment_spec_strategy_rollingupdate_max_surge",
        "Maximum number of replicas that can be scheduled above the desired number of replicas during a rolling update"
        " of a deployment.",
        _rolling_update("maxSurge", round_up=True),
    ),
    Family(
        "kube_deployment_metadata_generation",
        "Sequence number representing a specific generation of the desired state.",
        _generation,
    ),
    Family("kube_deployment_deletion_timestamp", "Unix deletion timestamp", deletion),
)

NAMESPACE_FAMILIES: tuple[Family, ...] = (
    Family("kube_namespace_created", "Unix creation timestamp", created),
    Family("kube_namespace_status_phase", "kubernetes namespace status phase.", _namespace_phase),
    Family("kube_namespace_status_condition", "The condition of a namespace.", _namespace_conditions),
)
