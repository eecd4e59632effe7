"""kube-state-metrics' families for the containers and the init containers of pods.

Owns: which samples a container of a Pod gives. Pure. Source: kube-state-metrics v2.20, internal/store/pod.go, which has
the same families twice, with slightly different words and stability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canarium.kube.objects import Obj
from canarium.metrics.kube_state.families import Family, Sample, stable, unix
from canarium.text.quantity import NANOS_PER_UNIT, quantity_nanos

_NANOS_PER_MILLI = NANOS_PER_UNIT // 1000
_UNITS = {"cpu": "core", "memory": "byte", "storage": "byte", "ephemeral-storage": "byte"}
_RECOMMENDED = (
    " It is recommended to use the kube_pod_resource_{which} metric exposed by kube-scheduler instead,"
    " as it is more precise."
)


def cores(amount: Any) -> float:
    """A CPU quantity in cores, rounded up to thousandths."""
    return -(-quantity_nanos(str(amount)) // _NANOS_PER_MILLI) / 1000


def whole(amount: Any) -> float:
    """Any other quantity, rounded up to a whole number."""
    return float(-(-quantity_nanos(str(amount)) // NANOS_PER_UNIT))


def _unit(resource: str) -> str | None:
    """The unit a resource is told in; None for what is not told."""
    if resource.startswith(("hugepages-", "attachable-volumes-")):
        return "byte"
    is_extended = "/" in resource and "kubernetes.io/" not in resource and not resource.startswith("requests.")
    return _UNITS.get(resource) or ("integer" if is_extended else None)


class _Containers:
    """The rules for one of the two lists of containers."""

    def __init__(self, specs: str, statuses: str) -> None:
        self._specs = specs
        self._statuses = statuses

    def _told(self, pod: Obj) -> Sequence[Mapping[str, Any]]:
        return (pod.get("status") or {}).get(self._statuses) or ()

    def each(self, read: Callable[[Mapping[str, Any]], Any]) -> Callable[[Obj], list[Sample]]:
        """One sample per container; None leaves a container out."""

        def samples(pod: Obj) -> list[Sample]:
            found = ((status["name"], read(status)) for status in self._told(pod))
            return [Sample((("container", name),), float(number)) for name, number in found if number is not None]

        return samples

    def reason(self, state: str, of: str = "state") -> Callable[[Obj], list[Sample]]:
        """One sample of value 1 per container that is in `state`, labelled with the reason."""

        def samples(pod: Obj) -> list[Sample]:
            entries = ((status["name"], (status.get(of) or {}).get(state)) for status in self._told(pod))
            return [
                Sample((("container", name), ("reason", entry.get("reason", ""))), 1)
                for name, entry in entries
                if entry is not None
            ]

        return samples

    def info(self, pod: Obj) -> list[Sample]:
        """Images and ids; of an init container its restart policy too."""
        result: list[Sample] = []
        for container in pod["spec"].get(self._specs) or ():
            policy = (("restart_policy", container.get("restartPolicy", "")),) if self._specs != "containers" else ()
            for status in self._told(pod):
                if status["name"] == container["name"]:
                    labels = (
                        ("container", container["name"]),
                        ("image_spec", container["image"]),
                        ("image", status.get("image", "")),
                        ("image_id", status.get("imageID", "")),
                        ("container_id", status.get("containerID", "")),
                    )
                    result.append(Sample((*labels, *policy), 1))
        return result

    def resources(self, which: str) -> Callable[[Obj], list[Sample]]:
        """`limits` or `requests`, a sample for each resource."""

        def samples(pod: Obj) -> list[Sample]:
            result: list[Sample] = []
            node = pod["spec"].get("nodeName", "")
            for container in pod["spec"].get(self._specs) or ():
                amounts = (container.get("resources") or {}).get(which) or {}
                for resource in sorted(amounts):
                    unit = _unit(resource)
                    if unit is not None:
                        name = "".join(char if char.isalnum() and char.isascii() else "_" for char in resource)
                        labels = (("container", container["name"]), ("node", node), ("resource", name), ("unit", unit))
                        amount = cores(amounts[resource]) if unit == "core" else whole(amounts[resource])
                        result.append(Sample(labels, amount))
            return result

        return samples


def _is_in(state: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda status: (status.get("state") or {}).get(state) is not None


def _last_terminated(read: Callable[[Mapping[str, Any]], float]) -> Callable[[Mapping[str, Any]], float | None]:
    def last(status: Mapping[str, Any]) -> float | None:
        ended = (status.get("lastState") or {}).get("terminated")
        return None if ended is None else read(ended)

    return last


def _started(status: Mapping[str, Any]) -> float | None:
    state = status.get("state") or {}
    for name in ("running", "terminated"):
        if state.get(name) is not None:
            return unix(state[name].get("startedAt"))
    return None


def container_families(*, init: bool) -> tuple[Family, ...]:
    """The families of containers, or those of init containers."""
    which = (
        _Containers("initContainers", "initContainerStatuses")
        if init
        else _Containers("containers", "containerStatuses")
    )
    prefix = "kube_pod_init_container_" if init else "kube_pod_container_"
    one = "an init container" if init else "a container"
    word = "init container" if init else "container"
    stable_unless_init = Family if init else stable
    told = {name: "" if init else _RECOMMENDED.format(which=name) for name in ("limits", "requests")}
    return (
        stable(f"{prefix}info", f"Information about {one} in a pod.", which.info),
        stable_unless_init(
            f"{prefix}resource_limits",
            f"The number of requested limit resource by {one}.{told['limits']}",
            which.resources("limits"),
        ),
        stable_unless_init(
            f"{prefix}resource_requests",
            f"The number of requested request resource by {one}.{told['requests']}",
            which.resources("requests"),
        ),
        stable_unless_init(
            f"{prefix}state_started", f"Start time in unix timestamp for a pod {word}.", which.each(_started)
        ),
        Family(
            f"{prefix}status_last_terminated_reason",
            f"Describes the last reason the {word} was in terminated state.",
            which.reason("terminated", of="lastState"),
        ),
        Family(
            f"{prefix}status_last_terminated_exitcode",
            f"Describes the exit code for the last {word} in terminated state.",
            which.each(_last_terminated(lambda ended: float(ended.get("exitCode", 0)))),
        ),
        Family(
            f"{prefix}status_last_terminated_timestamp",
            f"Last terminated time for a pod {word} in unix timestamp.",
            which.each(_last_terminated(lambda ended: unix(ended.get("finishedAt")))),
        ),
        stable(
            f"{prefix}status_ready",
            f"Describes whether the {word}s readiness check succeeded.",
            which.each(lambda status: bool(status.get("ready"))),
        ),
        stable(
            f"{prefix}status_restarts_total",
            "The number of restarts for the init container."
            if init
            else "The number of container restarts per container.",
            which.each(lambda status: status.get("restartCount", 0)),
            "counter",
        ),
        stable(
            f"{prefix}status_running",
            f"Describes whether the {word} is currently in running state.",
            which.each(_is_in("running")),
        ),
        stable(
            f"{prefix}status_terminated",
            f"Describes whether the {word} is currently in terminated state.",
            which.each(_is_in("terminated")),
        ),
        Family(
            f"{prefix}status_terminated_reason",
            f"Describes the reason the {word} is currently in terminated state.",
            which.reason("terminated"),
        ),
        stable(
            f"{prefix}status_waiting",
            f"Describes whether the {word} is currently in waiting state.",
            which.each(_is_in("waiting")),
        ),
        stable_unless_init(
            f"{prefix}status_waiting_reason",
            f"Describes the reason the {word} is currently in waiting state.",
            which.reason("waiting"),
        ),
    )
