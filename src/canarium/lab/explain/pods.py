"""What keeps a pod from being available, in one sentence.

Owns: which of several troubles counts, and its words. Pure. Must not know: Rollouts, ReplicaSets.
Reasons are those that kubelets and schedulers write (`CrashLoopBackOff`, `ImagePullBackOff`, `Unschedulable`, …).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from canarium.kube.objects import Obj, condition
from canarium.lab.explain.explanation import About, Fact

_IMAGE_REASONS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
)
_CONFIG_REASONS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"}
)
_STARTING: Final = frozenset({"", "ContainerCreating", "PodInitializing"})


class PodTrouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a pod is not available. is_bad: it will not get well by waiting. reason: one word, as Kubernetes has it.
    next_step: what to look at or change; commands: to type."""

    pod: str
    namespace: str
    reason: str
    says: str
    is_bad: bool
    fact: Fact
    next_step: str = ""
    commands: tuple[str, ...] = ()


def is_ready(pod: Obj) -> bool:
    """Its Ready condition is true."""
    return (condition(pod, "Ready") or {}).get("status") == "True"


def pod_trouble(pod: Obj, events: Iterable[Obj] = ()) -> PodTrouble | None:
    """What keeps `pod` from being ready, the worst of it; None for one that is ready or on its way out.

    events: of its namespace, or those about it; the newest word of a probe is taken from them.
    """
    if pod["metadata"].get("deletionTimestamp") or is_ready(pod):
        return None
    return next(_troubles(pod, events), None)


def worst_trouble(pods: Sequence[Obj], events: Sequence[Obj] = ()) -> PodTrouble | None:
    """The trouble to tell of several pods: one that does not get well by waiting, if there is one."""
    found = [trouble for pod in pods if (trouble := pod_trouble(pod, events)) is not None]
    return next((trouble for trouble in found if trouble.is_bad), found[0] if found else None)


def _troubles(pod: Obj, events: Iterable[Obj]) -> Iterator[PodTrouble]:
    status = pod.get("status") or {}
    if status.get("phase") == "Failed":
        said = ": ".join(part for part in (status.get("reason", ""), status.get("message", "")) if part)
        yield _trouble(pod, "Failed", f"Pod {_name(pod)} failed{f': {said}' if said else ''}.", is_bad=True)
    scheduled = condition(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        yield _trouble(
            pod,
            scheduled.get("reason", "Unschedulable"),
            f"Pod {_name(pod)} is placed on no node: {scheduled.get('message', '').rstrip('.')}.",
            is_bad=True,
            at=scheduled.get("lastTransitionTime") or "",
            next_step="Ask for less in spec.template.spec.containers[].resources.requests, or make room on a node.",
        )
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in containers:
        yield from _waiting(pod, container)
    for container in containers:
        yield from _ended(pod, container)
    for container in status.get("containerStatuses") or ():
        yield from _unready(pod, container, events)
    if status.get("phase", "Pending") == "Pending":
        yield _trouble(pod, "ContainerCreating", f"Pod {_name(pod)} is being started.", is_bad=False)


def _waiting(pod: Obj, container: Obj) -> Iterator[PodTrouble]:
    waiting = (container.get("state") or {}).get("waiting")
    reason = (waiting or {}).get("reason", "")
    if waiting is None or reason in _STARTING:
        return
    message = waiting.get("message", "").rstrip(".")
    name = container.get("name", "")
    if reason in _IMAGE_REASONS:
        yield _trouble(
            pod,
            reason,
            f"Pod {_name(pod)} has no image: {container.get('image', '')} cannot be pulled ({reason})"
            + (f": {message}." if message else "."),
            is_bad=True,
            next_step=f"Set an image that exists for container {name}, or make it available.",
        )
    elif reason == "CrashLoopBackOff":
        yield _trouble(
            pod,
            reason,
            f"Container {name} of pod {_name(pod)} keeps ending{_last_end(container)}: "
            f"{_restarts(container)}, then CrashLoopBackOff.",
            is_bad=True,
            next_step=f"Read what container {name} wrote before it ended.",
            commands=(_logs(pod, name, is_previous=True),),
        )
    else:
        yield _trouble(
            pod,
            reason,
            f"Container {name} of pod {_name(pod)} waits: {reason}{f': {message}' if message else ''}.",
            is_bad=reason in _CONFIG_REASONS,
        )


def _ended(pod: Obj, container: Obj) -> Iterator[PodTrouble]:
    name = container.get("name", "")
    ended: dict[str, Any] | None = (container.get("state") or {}).get("terminated")
    if ended is not None and ended.get("exitCode", 0) != 0:
        yield _trouble(
            pod,
            ended.get("reason") or "Error",
            f"Container {name} of pod {_name(pod)} ended{_end_text(ended)}.",
            is_bad=True,
            at=ended.get("finishedAt") or "",
            next_step=_memory(ended) or f"Read what container {name} wrote before it ended.",
            commands=(_logs(pod, name),),
        )
        return
    before: dict[str, Any] | None = (container.get("lastState") or {}).get("terminated")
    if before is not None and before.get("reason") == "OOMKilled":
        yield _trouble(
            pod,
            "OOMKilled",
            f"Container {name} of pod {_name(pod)} was killed for want of memory (OOMKilled), "
            f"{_restarts(container)} so far.",
            is_bad=True,
            at=before.get("finishedAt") or "",
            next_step=_memory(before),
            commands=(_logs(pod, name, is_previous=True),),
        )


def _unready(pod: Obj, container: Obj, events: Iterable[Obj]) -> Iterator[PodTrouble]:
    if container.get("ready") or (container.get("state") or {}).get("running") is None:
        return
    name = container.get("name", "")
    said = _probe_said(pod, name, events)
    spec: Obj = next((one for one in (pod.get("spec") or {}).get("containers") or () if one.get("name") == name), {})
    kind = "readiness" if "readinessProbe" in spec else ("startup" if "startupProbe" in spec else "")
    if said is not None:
        text = said["message"].strip().rstrip(".")
        fact = Fact("probe", text, _about(pod), said.get("lastTimestamp") or said.get("eventTime") or "")
        yield PodTrouble(
            pod=_name(pod),
            namespace=_namespace(pod),
            reason="Unhealthy",
            says=f"Container {name} of pod {_name(pod)} runs but is not ready: {_lower(text)}.",
            is_bad=False,
            fact=fact,
            next_step=f"If it stays so, see what container {name} writes, and what its {kind or 'own'} probe asks.",
            commands=(_logs(pod, name),),
        )
    elif kind:
        yield _trouble(
            pod,
            "NotReady",
            f"Container {name} of pod {_name(pod)} runs; its {kind} probe has not succeeded yet.",
            is_bad=False,
        )


def _probe_said(pod: Obj, container: str, events: Iterable[Obj]) -> Obj | None:
    """The newest Event of a failed probe of that container."""
    uid = pod["metadata"].get("uid")
    found = [
        event
        for event in events
        if event.get("reason") == "Unhealthy"
        and (event.get("involvedObject") or {}).get("uid") == uid
        and (event["involvedObject"].get("fieldPath") or f"{{{container}}}").endswith(f"{{{container}}}")
    ]
    return max(found, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "", default=None)


def _trouble(
    pod: Obj,
    reason: str,
    says: str,
    *,
    is_bad: bool,
    at: str = "",
    next_step: str = "",
    commands: tuple[str, ...] = (),
) -> PodTrouble:
    return PodTrouble(
        pod=_name(pod),
        namespace=_namespace(pod),
        reason=reason,
        says=says,
        is_bad=is_bad,
        fact=Fact("object", f"Pod {_name(pod)}: {reason}", _about(pod), at),
        next_step=next_step,
        commands=commands or ((f"kubectl describe pod {_name(pod)} -n {_namespace(pod)}",) if is_bad else ()),
    )


def _about(pod: Obj) -> About:
    return About("Pod", _namespace(pod), _name(pod))


def _name(pod: Obj) -> str:
    return str(pod["metadata"]["name"])


def _namespace(pod: Obj) -> str:
    return str(pod["metadata"].get("namespace") or "")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _restarts(container: Obj) -> str:
    number = container.get("restartCount", 0)
    return "1 restart" if number == 1 else f"{number} restarts"


def _last_end(container: Obj) -> str:
    ended = (container.get("lastState") or {}).get("terminated")
    return "" if ended is None else f" ({_end_text(ended).strip()})"


def _end_text(ended: Obj) -> str:
    if ended.get("reason") == "OOMKilled":
        return " for want of memory (OOMKilled)"
    return f" with exit code {ended.get('exitCode', 0)}"


def _memory(ended: Obj) -> str:
    return (
        "Raise resources.limits.memory of the container, or have it need less."
        if ended.get("reason") == "OOMKilled"
        else ""
    )


def _logs(pod: Obj, container: str, *, is_previous: bool = False) -> str:
    previous = " --previous" if is_previous else ""
    return f"kubectl logs {_name(pod)} -c {container} -n {_namespace(pod)}{previous}"
