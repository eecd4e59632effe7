"""kube-state-metrics' families for ReplicaSets, Deployments and namespaces.

Owns: which samples those objects give. Pure. Source: kube-state-metrics v2.20, internal/store/{replicaset,deployment,
namespace}.go. Families of labels and annotations have no samples: nothing is on an allow list.
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
    nothing,
    owners,
    stable,
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
    return value(obj["metadata"].get("generation", 0))


def _rolling_update(name: str, *, round_up: bool) -> Callable[[Obj], list[Sample]]:
    def samples(obj: Obj) -> list[Sample]:
        rolling: dict[str, Any] | None = (obj["spec"].get("strategy") or {}).get("rollingUpdate")
        amount, replicas = (rolling or {}).get(name), obj["spec"].get("replicas")
        if amount is None or replicas is None:
            return []
        try:
            return value(int_or_percent(amount, replicas, round_up=round_up))
        except ValueError:
            return []  # as upstream: no single malformed Deployment may break the exposition

    return samples


_DEPLOYMENT_REASONS = (
    "",
    "ReplicaSetUpdated",
    "ReplicaSetCreateError",
    "NewReplicaSetCreated",
    "FoundNewReplicaSet",
    "NewReplicaSetAvailable",
    "ProgressDeadlineExceeded",
    "DeploymentPaused",
    "DeploymentResumed",
    "MinimumReplicasAvailable",
    "MinimumReplicasUnavailable",
)
"""Others are told as `unknown`."""


def _deployment_owners(obj: Obj) -> list[Sample]:
    return [Sample(labels[:2], number) for labels, number in owners(obj)]  # kind and name, but not is_controller


def _deployment_conditions(obj: Obj) -> list[Sample]:
    result: list[Sample] = []
    for entry in (obj.get("status") or {}).get("conditions") or ():
        reason = entry.get("reason", "")
        labels = (("reason", reason if reason in _DEPLOYMENT_REASONS else "unknown"), ("condition", entry["type"]))
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


_ANNOTATIONS = "Kubernetes annotations converted to Prometheus labels."
_LABELS = "Kubernetes labels converted to Prometheus labels."

REPLICA_SET_FAMILIES: tuple[Family, ...] = (
    stable("kube_replicaset_created", "Unix creation timestamp", created),
    stable("kube_replicaset_status_replicas", "The number of replicas per ReplicaSet.", _status("replicas")),
    stable(
        "kube_replicaset_status_fully_labeled_replicas",
        "The number of fully labeled replicas per ReplicaSet.",
        _status("fullyLabeledReplicas"),
    ),
    stable(
        "kube_replicaset_status_ready_replicas",
        "The number of ready replicas per ReplicaSet.",
        _status("readyReplicas"),
    ),
    Family(
        "kube_replicaset_status_terminating_replicas",
        "The number of terminating replicas per ReplicaSet.",
        _optional_status("terminatingReplicas"),
    ),
    stable(
        "kube_replicaset_status_observed_generation",
        "The generation observed by the ReplicaSet controller.",
        _status("observedGeneration"),
    ),
    stable("kube_replicaset_spec_replicas", "Number of desired pods for a ReplicaSet.", _spec("replicas")),
    stable(
        "kube_replicaset_metadata_generation",
        "Sequence number representing a specific generation of the desired state.",
        _generation,
    ),
    stable("kube_replicaset_owner", "Information about the ReplicaSet's owner.", owners),
    Family("kube_replicaset_annotations", _ANNOTATIONS, nothing),
    stable("kube_replicaset_labels", _LABELS, nothing),
)

DEPLOYMENT_FAMILIES: tuple[Family, ...] = (
    Family("kube_deployment_owner", "Information about the Deployment's owner.", _deployment_owners),
    stable("kube_deployment_created", "Unix creation timestamp", created),
    stable("kube_deployment_status_replicas", "The number of replicas per deployment.", _status("replicas")),
    stable(
        "kube_deployment_status_replicas_ready",
        "The number of ready replicas per deployment.",
        _status("readyReplicas"),
    ),
    stable(
        "kube_deployment_status_replicas_available",
        "The number of available replicas per deployment.",
        _status("availableReplicas"),
    ),
    stable(
        "kube_deployment_status_replicas_unavailable",
        "The number of unavailable replicas per deployment.",
        _status("unavailableReplicas"),
    ),
    stable(
        "kube_deployment_status_replicas_updated",
        "The number of updated replicas per deployment.",
        _status("updatedReplicas"),
    ),
    Family(
        "kube_deployment_status_terminating_replicas",
        "The number of terminating replicas per deployment.",
        _optional_status("terminatingReplicas"),
    ),
    stable(
        "kube_deployment_status_observed_generation",
        "The generation observed by the deployment controller.",
        _status("observedGeneration"),
    ),
    stable(
        "kube_deployment_status_condition", "The current status conditions of a deployment.", _deployment_conditions
    ),
    stable("kube_deployment_spec_replicas", "Number of desired pods for a deployment.", _spec("replicas")),
    stable(
        "kube_deployment_spec_paused",
        "Whether the deployment is paused and will not be processed by the deployment controller.",
        lambda obj: value(bool(obj["spec"].get("paused"))),
    ),
    stable(
        "kube_deployment_spec_strategy_rollingupdate_max_unavailable",
        "Maximum number of unavailable replicas during a rolling update of a deployment.",
        _rolling_update("maxUnavailable", round_up=False),
    ),
    stable(
        "kube_deployment_spec_strategy_rollingupdate_max_surge",
        "Maximum number of replicas that can be scheduled above the desired number of replicas during a rolling update"
        " of a deployment.",
        _rolling_update("maxSurge", round_up=True),
    ),
    stable(
        "kube_deployment_metadata_generation",
        "Sequence number representing a specific generation of the desired state.",
        _generation,
    ),
    Family("kube_deployment_deletion_timestamp", "Unix deletion timestamp", deletion),
    Family("kube_deployment_annotations", _ANNOTATIONS, nothing),
    stable("kube_deployment_labels", _LABELS, nothing),
)

NAMESPACE_FAMILIES: tuple[Family, ...] = (
    stable("kube_namespace_created", "Unix creation timestamp", created),
    Family("kube_namespace_annotations", _ANNOTATIONS, nothing),
    stable("kube_namespace_labels", _LABELS, nothing),
    stable("kube_namespace_status_phase", "kubernetes namespace status phase.", _namespace_phase),
    Family("kube_namespace_status_condition", "The condition of a namespace.", _namespace_conditions),
)
