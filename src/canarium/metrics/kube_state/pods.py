"""kube-state-metrics' families for pods.

Owns: which samples a Pod gives. Pure. Source: kube-state-metrics v2.20, internal/store/pod.go.
Families of labels and annotations have no samples (nothing is on an allow list); kube_pod_nodeselectors, which must be
asked for by name, is left out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canarium.kube.objects import Obj, controller_of
from canarium.metrics.kube_state.containers import container_families, cores, whole
from canarium.metrics.kube_state.families import (
    Family,
    Labels,
    Sample,
    condition_values,
    created,
    deletion,
    nothing,
    one,
    owners,
    stable,
    time_value,
    unix,
)

PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
REASONS = (
    "Evicted",
    "NodeAffinity",
    "NodeLost",
    "PreemptionByScheduler",
    "SchedulingGated",
    "Shutdown",
    "TerminationByKubelet",
    "UnexpectedAdmissionError",
)
DISRUPTION_REASONS = (
    "PreemptionByScheduler",
    "DeletionByTaintManager",
    "EvictionByEvictionAPI",
    "DeletionByPodGC",
    "TerminationByKubelet",
)
QOS_CLASSES = ("BestEffort", "Burstable", "Guaranteed")


def identity(pod: Obj) -> Labels:
    """The labels every pod metric carries."""
    metadata = pod["metadata"]
    return (("namespace", metadata["namespace"]), ("pod", metadata["name"]), ("uid", metadata["uid"]))


def _status(pod: Obj) -> Mapping[str, Any]:
    return pod.get("status") or {}


def _completion_time(pod: Obj) -> list[Sample]:
    states = (status.get("state") or {} for status in _status(pod).get("containerStatuses") or ())
    ended = [unix(state["terminated"].get("finishedAt")) for state in states if state.get("terminated") is not None]
    return [Sample((), max(ended))] if ended and max(ended) > 0 else []


def _info(pod: Obj) -> list[Sample]:
    spec, status, owner = pod["spec"], _status(pod), controller_of(pod) or {}
    return one(
        ("host_ip", status.get("hostIP", "")),
        ("pod_ip", status.get("podIP", "")),
        ("node", spec.get("nodeName", "")),
        ("created_by_kind", owner.get("kind", "")),
        ("created_by_name", owner.get("name", "")),
        ("priority_class", spec.get("priorityClassName", "")),
        ("host_network", "true" if spec.get("hostNetwork") else "false"),
    )


def _ips(pod: Obj) -> list[Sample]:
    result: list[Sample] = []
    for entry in _status(pod).get("podIPs") or ():
        try:
            address = ipaddress.ip_address(entry["ip"])
        except ValueError:
            continue  # as upstream: what is no address is not told
        is_v4 = address.version == 4 or address.ipv4_mapped is not None
        result.append(Sample((("ip", entry["ip"]), ("ip_family", "4" if is_v4 else "6")), 1))
    return result


def _one_of(label: str, choices: tuple[str, ...], field: str) -> Callable[[Obj], list[Sample]]:
    """A sample for each choice, the one that the status names is 1; nothing while it names none."""

    def samples(pod: Obj) -> list[Sample]:
        actual = _status(pod).get(field, "")
        return [Sample(((label, choice),), float(actual == choice)) for choice in choices] if actual else []

    return samples


def _reason(pod: Obj) -> list[Sample]:
    """Every known reason that the pod, a condition or an ended container gives; a pod's unknown one is `Other`."""
    status = _status(pod)
    found = {status.get("reason")}
    found.update(entry.get("reason") for entry in status.get("conditions") or ())
    for container in status.get("containerStatuses") or ():
        found.add(((container.get("state") or {}).get("terminated") or {}).get("reason"))
    told = [choice for choice in REASONS if choice in found]
    if status.get("reason") and status["reason"] not in REASONS:
        told.append("Other")
    return [Sample((("reason", reason),), 1) for reason in told]


def _conditions(pod: Obj, kind: str, status: str = "") -> Iterator[Mapping[str, Any]]:
    for entry in _status(pod).get("conditions") or ():
        if entry.get("type") == kind and (not status or entry.get("status") == status):
            yield entry


def _condition_status(kind: str) -> Callable[[Obj], list[Sample]]:
    return lambda pod: [
        sample for entry in _conditions(pod, kind) for sample in condition_values(entry.get("status", ""))
    ]


def _condition_time(kind: str, status: str = "True") -> Callable[[Obj], list[Sample]]:
    return lambda pod: [Sample((), unix(entry.get("lastTransitionTime"))) for entry in _conditions(pod, kind, status)]


def _unschedulable(pod: Obj) -> list[Sample]:
    return [Sample((), 1) for _ in _conditions(pod, "PodScheduled", "False")]


def _disruption_reason(pod: Obj) -> list[Sample]:
    reasons = (entry.get("reason", "") for entry in _conditions(pod, "DisruptionTarget"))
    return [Sample((("reason", reason if reason in DISRUPTION_REASONS else "Other"),), 1) for reason in reasons]


def _overhead(resource: str, read: Callable[[Any], float]) -> Callable[[Obj], list[Sample]]:
    def samples(pod: Obj) -> list[Sample]:
        amount = (pod["spec"].get("overhead") or {}).get(resource)
        return [] if amount is None else [Sample((), read(amount))]

    return samples


def _runtime_class(pod: Obj) -> list[Sample]:
    name = pod["spec"].get("runtimeClassName")
    return [] if name is None else one(("runtimeclass_name", name))


def _resource_claims(pod: Obj) -> list[Sample]:
    resolved = {
        entry["name"]: entry["resourceClaimName"]
        for entry in _status(pod).get("resourceClaimStatuses") or ()
        if entry.get("resourceClaimName") is not None
    }
    result: list[Sample] = []
    for claim in pod["spec"].get("resourceClaims") or ():
        name, template = claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName")
        if name is not None or template is not None:
            labels = (
                ("claim_name", claim["name"]),
                ("resourceclaim_name", resolved.get(claim["name"], "") if name is None else name),
                ("resourceclaim_template_name", template or ""),
            )
            result.append(Sample(labels, 1))
    return result


def _volume_claims(read: Callable[[Mapping[str, Any]], float]) -> Callable[[Obj], list[Sample]]:
    """A sample for each volume with a claim of its own or a generic ephemeral one; `read` gets the claim source."""

    def samples(pod: Obj) -> list[Sample]:
        result: list[Sample] = []
        for volume in pod["spec"].get("volumes") or ():
            source, name = volume.get("persistentVolumeClaim"), volume["name"]
            if source is not None:
                labels = (("volume", name), ("persistentvolumeclaim", source["claimName"]), ("ephemeral", "false"))
                result.append(Sample(labels, read(source)))
            elif volume.get("ephemeral") is not None:
                claim = f"{pod['metadata']['name']}-{name}"
                labels = (("volume", name), ("persistentvolumeclaim", claim), ("ephemeral", "true"))
                result.append(Sample(labels, read({})))
        return result

    return samples


def _tolerations(pod: Obj) -> list[Sample]:
    """Each different toleration once, in the order of the spec."""
    found: dict[Labels, None] = {}
    for entry in pod["spec"].get("tolerations") or ():
        seconds = entry.get("tolerationSeconds")
        labels = tuple((name, entry.get(name, "")) for name in ("key", "operator", "value", "effect"))
        found[(*labels, ("toleration_seconds", "" if seconds is None else str(seconds)))] = None
    return [Sample(labels, 1) for labels in found]


def _spec_label(label: str, field: str) -> Callable[[Obj], list[Sample]]:
    return lambda pod: one((label, pod["spec"].get(field, "")))


FAMILIES: tuple[Family, ...] = (
    stable("kube_pod_completion_time", "Completion time in unix timestamp for a pod.", _completion_time),
    *container_families(init=False),
    stable("kube_pod_created", "Unix creation timestamp", created),
    Family("kube_pod_deletion_timestamp", "Unix deletion timestamp", deletion),
    stable("kube_pod_info", "Information about pod.", _info),
    Family("kube_pod_ips", "Pod IP addresses", _ips),
    *container_families(init=True),
    Family("kube_pod_annotations", "Kubernetes annotations converted to Prometheus labels.", nothing),
    stable("kube_pod_labels", "Kubernetes labels converted to Prometheus labels.", nothing),
    Family(
        "kube_pod_overhead_cpu_cores",
        "The pod overhead in regards to cpu cores associated with running a pod.",
        _overhead("cpu", cores),
    ),
    Family(
        "kube_pod_overhead_memory_bytes",
        "The pod overhead in regards to memory associated with running a pod.",
        _overhead("memory", whole),
    ),
    stable("kube_pod_owner", "Information about the Pod's owner.", owners),
    Family(
        "kube_pod_resourceclaim_info",
        "Information about a DRA ResourceClaim referenced by a pod, one series per pod.spec.resourceClaims entry;"
        " claim_name is the pod-local reference and resourceclaim_name is the resolved ResourceClaim object name.",
        _resource_claims,
    ),
    stable(
        "kube_pod_restart_policy",
        "Describes the restart policy in use by this pod.",
        _spec_label("type", "restartPolicy"),
    ),
    Family("kube_pod_runtimeclass_name_info", "The runtimeclass associated with the pod.", _runtime_class),
    stable(
        "kube_pod_spec_volumes_persistentvolumeclaims_info",
        "Information about persistentvolumeclaim and ephemeral volumes in a pod.",
        _volume_claims(lambda _: 1),
    ),
    stable(
        "kube_pod_spec_volumes_persistentvolumeclaims_readonly",
        "Describes whether a persistentvolumeclaim is mounted read only. Ephemeral volumes always report 0 since the"
        " ephemeral volume source does not support a read-only flag.",
        _volume_claims(lambda source: float(bool(source.get("readOnly")))),
    ),
    stable(
        "kube_pod_start_time",
        "Start time in unix timestamp for a pod.",
        lambda pod: time_value(_status(pod).get("startTime")),
    ),
    stable("kube_pod_status_phase", "The pods current phase.", _one_of("phase", PHASES, "phase")),
    Family("kube_pod_status_qos_class", "The pods current qosClass.", _one_of("qos_class", QOS_CLASSES, "qosClass")),
    stable(
        "kube_pod_status_ready", "Describes whether the pod is ready to serve requests.", _condition_status("Ready")
    ),
    Family(
        "kube_pod_status_ready_time",
        "Readiness achieved time in unix timestamp for a pod.",
        _condition_time("Ready"),
    ),
    Family(
        "kube_pod_status_initialized_time",
        "Initialized time in unix timestamp for a pod.",
        _condition_time("Initialized"),
    ),
    Family(
        "kube_pod_status_container_ready_time",
        "Readiness achieved time in unix timestamp for a pod containers.",
        _condition_time("ContainersReady"),
    ),
    Family("kube_pod_status_reason", "The pod status reasons", _reason),
    Family("kube_pod_status_disruption_reason", "The pod disruption condition reason", _disruption_reason),
    stable(
        "kube_pod_status_scheduled",
        "Describes the status of the scheduling process for the pod.",
        _condition_status("PodScheduled"),
    ),
    stable(
        "kube_pod_status_scheduled_time",
        "Unix timestamp when pod moved into scheduled status",
        _condition_time("PodScheduled"),
    ),
    stable("kube_pod_status_unschedulable", "Describes the unschedulable status for the pod.", _unschedulable),
    Family(
        "kube_pod_status_unscheduled_time",
        "Unix timestamp when pod moved into unscheduled status",
        _condition_time("PodScheduled", "False"),
    ),
    Family("kube_pod_tolerations", "Information about the pod tolerations", _tolerations),
    Family(
        "kube_pod_service_account",
        "The service account for a pod.",
        _spec_label("service_account", "serviceAccountName"),
    ),
    Family("kube_pod_scheduler", "The scheduler for a pod.", _spec_label("name", "schedulerName")),
)
