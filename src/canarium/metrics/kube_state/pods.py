"""kube-state-metrics' families for pods and their containers.

Owns: which samples a Pod gives. Pure. Source: kube-state-metrics v2.20, internal/store/pod.go.
Left out, and so absent from the exposition: init containers' families, overhead, volumes, tolerations, resource claims,
runtime class, and the opt-in families (docs/reference/compatibility.md#kube-state-metrics).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from canarium.kube.objects import Obj, controller_of
from canarium.metrics.kube_state.families import (
    Family,
    Labels,
    Sample,
    condition_values,
    created,
    deletion,
    one,
    owners,
    time_value,
    unix,
)
from canarium.text.quantity import parse_quantity

PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
REASONS = ("Evicted", "NodeAffinity", "NodeLost", "Shutdown", "UnexpectedAdmissionError")
QOS_CLASSES = ("BestEffort", "Burstable", "Guaranteed")


def identity(pod: Obj) -> Labels:
    """The labels every pod metric carries."""
    metadata = pod["metadata"]
    return (("namespace", metadata["namespace"]), ("pod", metadata["name"]), ("uid", metadata["uid"]))


def _status(pod: Obj) -> Mapping[str, Any]:
    return pod.get("status") or {}


def _containers(pod: Obj) -> Sequence[Mapping[str, Any]]:
    return _status(pod).get("containerStatuses") or ()


def _per_container(read: Callable[[Mapping[str, Any]], Any]) -> Callable[[Obj], list[Sample]]:
    """A family with one sample per container; None leaves a container out."""

    def samples(pod: Obj) -> list[Sample]:
        found = ((status["name"], read(status)) for status in _containers(pod))
        return [Sample((("container", name),), float(number)) for name, number in found if number is not None]

    return samples


def _per_container_reason(state: str, of: str = "state") -> Callable[[Obj], list[Sample]]:
    """A family with one sample of value 1 per container that is in `state`, labelled with the reason."""

    def samples(pod: Obj) -> list[Sample]:
        result = []
        for status in _containers(pod):
            entry = (status.get(of) or {}).get(state)
            if entry is not None:
                result.append(Sample((("container", status["name"]), ("reason", entry.get("reason", ""))), 1))
        return result

    return samples


def _is_in(state: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda status: (status.get("state") or {}).get(state) is not None


def _last_terminated(field: str) -> Callable[[Mapping[str, Any]], float | None]:
    def read(status: Mapping[str, Any]) -> float | None:
        ended = (status.get("lastState") or {}).get("terminated")
        if ended is None:
            return None
        return unix(ended[field]) if isinstance(ended[field], str) else float(ended[field])

    return read


def _started(status: Mapping[str, Any]) -> float | None:
    state = status.get("state") or {}
    entry = state.get("running") or state.get("terminated")
    return unix(entry["startedAt"]) if entry and entry.get("startedAt") else None


def _completion_time(pod: Obj) -> list[Sample]:
    ended = [
        unix(entry["finishedAt"])
        for status in _containers(pod)
        if (entry := (status.get("state") or {}).get("terminated")) and entry.get("finishedAt")
    ]
    return [Sample((), max(ended))] if ended else []


def _container_info(pod: Obj) -> list[Sample]:
    statuses = {status["name"]: status for status in _containers(pod)}
    return [
        Sample(
            (
                ("container", container["name"]),
                ("image_spec", container["image"]),
                ("image", status.get("image", "")),
                ("image_id", status.get("imageID", "")),
                ("container_id", status.get("containerID", "")),
            ),
            1,
        )
        for container in pod["spec"]["containers"]
        if (status := statuses.get(container["name"])) is not None
    ]


def _resources(which: str) -> Callable[[Obj], list[Sample]]:
    units = {"cpu": "core", "memory": "byte", "storage": "byte", "ephemeral-storage": "byte"}

    def samples(pod: Obj) -> list[Sample]:
        result: list[Sample] = []
        node = pod["spec"].get("nodeName", "")
        for container in pod["spec"]["containers"]:
            amounts = (container.get("resources") or {}).get(which) or {}
            for resource in sorted(amounts):
                unit = units.get(resource) or ("integer" if "/" in resource else None)
                if unit is not None:
                    name = resource.replace("-", "_").replace("/", "_").replace(".", "_")
                    labels = (("container", container["name"]), ("node", node), ("resource", name), ("unit", unit))
                    result.append(Sample(labels, float(parse_quantity(str(amounts[resource])))))
        return result

    return samples


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
    addresses = [entry["ip"] for entry in _status(pod).get("podIPs") or ()]
    return [Sample((("ip", address), ("ip_family", "6" if ":" in address else "4")), 1) for address in addresses]


def _phase(pod: Obj) -> list[Sample]:
    phase = _status(pod).get("phase", "")
    if not phase:
        return []
    if "deletionTimestamp" in pod["metadata"] and _status(pod).get("reason") == "NodeLost":
        phase = "Unknown"
    return [Sample((("phase", choice),), float(phase == choice)) for choice in PHASES]


def _qos(pod: Obj) -> list[Sample]:
    actual = _status(pod).get("qosClass", "")
    return [Sample((("qos_class", choice),), float(actual == choice)) for choice in QOS_CLASSES] if actual else []


def _reason(pod: Obj) -> list[Sample]:
    reasons = {_status(pod).get("reason")}
    for status in _containers(pod):
        reasons.add(((status.get("state") or {}).get("terminated") or {}).get("reason"))
    return [Sample((("reason", choice),), float(choice in reasons)) for choice in REASONS]


def _conditions(pod: Obj, kind: str) -> Iterator[Mapping[str, Any]]:
    for entry in _status(pod).get("conditions") or ():
        if entry.get("type") == kind:
            yield entry


def _condition_status(kind: str) -> Callable[[Obj], list[Sample]]:
    return lambda pod: [
        sample for entry in _conditions(pod, kind) for sample in condition_values(entry.get("status", "Unknown"))
    ]


def _condition_time(kind: str, status: str = "True") -> Callable[[Obj], list[Sample]]:
    return lambda pod: [
        sample
        for entry in _conditions(pod, kind)
        if entry.get("status") == status
        for sample in time_value(entry.get("lastTransitionTime"))
    ]


def _unschedulable(pod: Obj) -> list[Sample]:
    return [
        Sample((), 1)
        for entry in _conditions(pod, "PodScheduled")
        if entry.get("status") == "False" and entry.get("reason") == "Unschedulable"
    ]


_MORE_PRECISE = (
    "It is recommended to use the kube_pod_resource_{which} metric exposed by kube-scheduler instead,"
    " as it is more precise."
)

FAMILIES: tuple[Family, ...] = (
    Family("kube_pod_completion_time", "Completion time in unix timestamp for a pod.", _completion_time),
    Family("kube_pod_container_info", "Information about a container in a pod.", _container_info),
    Family(
        "kube_pod_container_resource_limits",
        "The number of requested limit resource by a container. " + _MORE_PRECISE.format(which="limits"),
        _resources("limits"),
    ),
    Family(
        "kube_pod_container_resource_requests",
        "The number of requested request resource by a container. " + _MORE_PRECISE.format(which="requests"),
        _resources("requests"),
    ),
    Family(
        "kube_pod_container_state_started",
        "Start time in unix timestamp for a pod container.",
        _per_container(_started),
    ),
    Family(
        "kube_pod_container_status_last_terminated_reason",
        "Describes the last reason the container was in terminated state.",
        _per_container_reason("terminated", of="lastState"),
    ),
    Family(
        "kube_pod_container_status_last_terminated_exitcode",
        "Describes the exit code for the last container in terminated state.",
        _per_container(_last_terminated("exitCode")),
    ),
    Family(
        "kube_pod_container_status_last_terminated_timestamp",
        "Last terminated time for a pod container in unix timestamp.",
        _per_container(_last_terminated("finishedAt")),
    ),
    Family(
        "kube_pod_container_status_ready",
        "Describes whether the containers readiness check succeeded.",
        _per_container(lambda status: bool(status.get("ready"))),
    ),
    Family(
        "kube_pod_container_status_restarts_total",
        "The number of container restarts per container.",
        _per_container(lambda status: status.get("restartCount", 0)),
        "counter",
    ),
    Family(
        "kube_pod_container_status_running",
        "Describes whether the container is currently in running state.",
        _per_container(_is_in("running")),
    ),
    Family(
        "kube_pod_container_status_terminated",
        "Describes whether the container is currently in terminated state.",
        _per_container(_is_in("terminated")),
    ),
    Family(
        "kube_pod_container_status_terminated_reason",
        "Describes the reason the container is currently in terminated state.",
        _per_container_reason("terminated"),
    ),
    Family(
        "kube_pod_container_status_waiting",
        "Describes whether the container is currently in waiting state.",
        _per_container(_is_in("waiting")),
    ),
    Family(
        "kube_pod_container_status_waiting_reason",
        "Describes the reason the container is currently in waiting state.",
        _per_container_reason("waiting"),
    ),
    Family("kube_pod_created", "Unix creation timestamp", created),
    Family("kube_pod_deletion_timestamp", "Unix deletion timestamp", deletion),
    Family("kube_pod_info", "Information about pod.", _info),
    Family("kube_pod_ips", "Pod IP addresses", _ips),
    Family("kube_pod_owner", "Information about the Pod's owner.", owners),
    Family(
        "kube_pod_restart_policy",
        "Describes the restart policy in use by this pod.",
        lambda pod: one(("type", pod["spec"].get("restartPolicy", ""))),
    ),
    Family(
        "kube_pod_start_time",
        "Start time in unix timestamp for a pod.",
        lambda pod: time_value(_status(pod).get("startTime")),
    ),
    Family("kube_pod_status_phase", "The pods current phase.", _phase),
    Family("kube_pod_status_qos_class", "The pods current qosClass.", _qos),
    Family(
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
    Family(
        "kube_pod_status_scheduled",
        "Describes the status of the scheduling process for the pod.",
        _condition_status("PodScheduled"),
    ),
    Family(
        "kube_pod_status_scheduled_time",
        "Unix timestamp when pod moved into scheduled status",
        _condition_time("PodScheduled"),
    ),
    Family("kube_pod_status_unschedulable", "Describes the unschedulable status for the pod.", _unschedulable),
    Family(
        "kube_pod_service_account",
        "The service account for a pod.",
        lambda pod: one(("service_account", pod["spec"].get("serviceAccountName", ""))),
    ),
    Family(
        "kube_pod_scheduler",
        "The scheduler for a pod.",
        lambda pod: one(("name", pod["spec"].get("schedulerName", ""))),
    ),
)
