"""Topic `pod/NAMESPACE/NAME`: a pod with its containers, probes, conditions and Events in words.

Owns: `PodDetail`. Must not know: logs, what a pod belongs to beyond its owner reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canarium.clock import Clock
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj, controller_of, key_of
from canarium.kube.resources import EVENTS, PODS, Resource
from canarium.web.model import ContainerState, PodDetail
from canarium.web.views.cells import exit_text, pod_cell, probe_target
from canarium.web.views.events import event_index, merged

_PROBE_FIELDS = (("startup", "startupProbe"), ("readiness", "readinessProbe"), ("liveness", "livenessProbe"))


class PodValue:
    """See `Value`."""

    resources: Sequence[Resource] = (PODS, EVENTS)

    def __init__(self, listers: WatchedListers, clock: Clock, namespace: str, name: str) -> None:
        self._pods = listers(PODS)
        self._events = event_index(listers)
        self._clock = clock
        self._key = (namespace, name)

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        """See `Value`."""
        if resource == EVENTS:
            about = obj.get("involvedObject") or {}
            return about.get("kind") == PODS.kind and (about.get("namespace"), about.get("name")) == self._key
        return resource == PODS and key_of(obj) == self._key

    def value(self) -> PodDetail | None:
        """See `Value`."""
        pod = self._pods.get(*self._key)
        if pod is None:
            return None
        events = merged(self._events.about(pod))
        owner, status = controller_of(pod), pod.get("status") or {}
        return PodDetail(
            namespace=self._key[0],
            name=self._key[1],
            owner="" if owner is None else f"{owner.get('kind', '')}/{owner.get('name', '')}",
            cell=pod_cell(pod, events, self._clock.now()),
            phase=status.get("phase") or "",
            ip=status.get("podIP") or "",
            containers=tuple(containers_of(pod)),
            conditions=tuple(_condition_text(one) for one in status.get("conditions") or ()),
            events=events,
        )


def containers_of(pod: Obj) -> Iterator[ContainerState]:
    """Init containers first, in the order of the spec; what has no status yet waits."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    for field, statuses, is_init in (
        ("initContainers", "initContainerStatuses", True),
        ("containers", "containerStatuses", False),
        ("ephemeralContainers", "ephemeralContainerStatuses", False),
    ):
        known = {one.get("name"): one for one in status.get(statuses) or ()}
        for container in spec.get(field) or ():
            found = known.get(container.get("name")) or {}
            last = (found.get("lastState") or {}).get("terminated")
            yield ContainerState(
                name=container.get("name") or "",
                image=container.get("image") or "",
                is_init=is_init,
                is_ready=bool(found.get("ready")),
                restarts=found.get("restartCount", 0),
                state=state_text(found.get("state") or {}),
                last="" if last is None else _ended(last),
                probes=tuple(
                    probe_text(kind, container[probe]) for kind, probe in _PROBE_FIELDS if container.get(probe)
                ),
            )


def state_text(state: Mapping[str, Any]) -> str:
    """`Running since 2026-01-05T09:00:12Z`, `Waiting: CrashLoopBackOff: back-off …`, `Ended: exited with code 1 …`."""
    if (running := state.get("running")) is not None:
        return f"Running since {running['startedAt']}" if running.get("startedAt") else "Running"
    if (terminated := state.get("terminated")) is not None:
        return f"Ended: {_ended(terminated)}"
    waiting = state.get("waiting") or {}
    return ": ".join(part for part in ("Waiting", waiting.get("reason"), waiting.get("message")) if part)


def _ended(terminated: Mapping[str, Any]) -> str:
    at = terminated.get("finishedAt")
    message = (terminated.get("message") or "").strip()
    return exit_text(terminated) + (f" at {at}" if at else "") + (f": {message}" if message else "")


def probe_text(kind: str, probe: Mapping[str, Any]) -> str:
    """`readiness: GET /readyz:9898 every 10s, fails after 3`; defaults are the API's."""
    text = f"{kind}: {probe_target(probe)} every {probe.get('periodSeconds') or 10}s"
    if probe.get("initialDelaySeconds"):
        text += f" from {probe['initialDelaySeconds']}s on"
    if (probe.get("timeoutSeconds") or 1) > 1:
        text += f", within {probe['timeoutSeconds']}s"
    successes = probe.get("successThreshold") or 1
    if successes > 1:
        text += f", passes after {successes}"
    return f"{text}, fails after {probe.get('failureThreshold') or 3}"


def _condition_text(condition: Mapping[str, Any]) -> str:
    head = f"{condition.get('type', '')}={condition.get('status', '')}"
    return ": ".join(part for part in (head, condition.get("reason"), condition.get("message")) if part)
