"""What a probe's outcomes mean: the state machine between one answer and "ready", "alive", "started".

Owns: probes and lifecycle hooks as the pod specifies them, thresholds, when the next probe is due, what of them is not
done as written and must be told. Must not know: clocks, HTTP, containers.
Source: Kubernetes 1.34 pkg/kubelet/prober/{worker,prober}.go and pkg/kubelet/lifecycle/handlers.go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

ProbeKind = Literal["startup", "readiness", "liveness"]
KINDS: tuple[ProbeKind, ...] = ("startup", "readiness", "liveness")


class HttpGet(msgspec.Struct, frozen=True, kw_only=True):
    """GET on the pod's address. `host` of the manifest is not followed: it could point anywhere."""

    port: int
    path: str
    scheme: str
    headers: tuple[tuple[str, str], ...] = ()


class TcpSocket(msgspec.Struct, frozen=True):
    """Succeeds when a connection is accepted. gRPC probes are played this way too."""

    port: int


class NotRun(msgspec.Struct, frozen=True):
    """An exec probe: nothing that a manifest names is run here, so it counts as a success."""


ProbeAction = HttpGet | TcpSocket | NotRun


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One probe of one container, defaults filled in. Seconds and counts as in the API."""

    kind: ProbeKind
    action: ProbeAction
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3
    grace_seconds: int | None = None
    """The probe's own terminationGracePeriodSeconds; None for the pod's."""


class Sleep(msgspec.Struct, frozen=True):
    """A hook that only waits."""

    seconds: float


Hook = HttpGet | Sleep


class ProbeState(msgspec.Struct, frozen=True):
    """has_passed: the verdict so far. last and run: the last outcome, and how often in a row it came.

    is_over: a liveness or startup probe that failed for good; the container is to be restarted.
    """

    has_passed: bool
    last: bool | None = None
    run: int = 0
    is_over: bool = False


def initial(kind: ProbeKind) -> ProbeState:
    """Before the first outcome a container counts as alive, and as neither ready nor started."""
    return ProbeState(has_passed=kind == "liveness")


def after(probe: Probe, state: ProbeState, outcome: bool) -> ProbeState:
    """The state after one more outcome; the verdict changes once a threshold is reached."""
    if outcome and state.last and state.has_passed:
        return state  # well, and still well: by far the most common case
    run = state.run + 1 if outcome is state.last else 1
    if run < (probe.success_threshold if outcome else probe.failure_threshold):
        return ProbeState(has_passed=state.has_passed, last=outcome, run=run)
    is_over = not outcome and probe.kind != "readiness"
    return ProbeState(has_passed=outcome, last=outcome, run=0 if is_over else run, is_over=is_over)


def next_due(probe: Probe, *, worker_since: float, running_since: float, now: float) -> float:
    """When the next outcome is taken (seconds on the same scale as the arguments), not before `now`.

    The kubelet's worker ticks every period from when the pod came to the node, and skips ticks before the container
    has run for the initial delay.
    """
    earliest = max(now, running_since + probe.initial_delay_seconds)
    ticks = math.ceil((earliest - worker_since) / probe.period_seconds - 1e-9)
    return worker_since + max(ticks, 0) * probe.period_seconds


def probes_of(container: Mapping[str, Any]) -> tuple[Probe, ...]:
    """The container's probes, startup first."""
    found = []
    for kind in KINDS:
        spec = container.get(f"{kind}Probe")
        action = _action(spec, container) if spec else None
        if spec and action is not None:
            found.append(
                Probe(
                    kind=kind,
                    action=action,
                    initial_delay_seconds=int(spec.get("initialDelaySeconds") or 0),
                    period_seconds=int(spec.get("periodSeconds") or 10),
                    timeout_seconds=int(spec.get("timeoutSeconds") or 1),
                    success_threshold=int(spec.get("successThreshold") or 1),
                    failure_threshold=int(spec.get("failureThreshold") or 3),
                    grace_seconds=spec.get("terminationGracePeriodSeconds"),
                )
            )
    return tuple(found)


def _action(spec: Mapping[str, Any], container: Mapping[str, Any]) -> ProbeAction | None:
    if http := spec.get("httpGet"):
        return _http_get(http, container)
    if tcp := spec.get("tcpSocket"):
        return TcpSocket(port_number(tcp["port"], container))
    if grpc := spec.get("grpc"):
        return TcpSocket(int(grpc["port"]))
    return NotRun() if spec.get("exec") else None


def _http_get(http: Mapping[str, Any], container: Mapping[str, Any]) -> HttpGet:
    path = http.get("path") or "/"
    return HttpGet(
        port=port_number(http["port"], container),
        path=path if path.startswith("/") else f"/{path}",
        scheme=(http.get("scheme") or "HTTP").lower(),
        headers=tuple((header["name"], header["value"]) for header in http.get("httpHeaders") or ()),
    )


def hook_of(container: Mapping[str, Any], name: Literal["postStart", "preStop"]) -> Hook | None:
    """What to do after a start or before a stop; None for nothing, and for a command, which is not run."""
    spec = (container.get("lifecycle") or {}).get(name) or {}
    if http := spec.get("httpGet"):
        return _http_get(http, container)
    if pause := spec.get("sleep"):
        return Sleep(float(pause.get("seconds") or 0))
    return None


def departures(container: Mapping[str, Any]) -> tuple[tuple[Literal["Normal", "Warning"], str, str], ...]:
    """Where the container's probes and hooks are not done as written: type, reason and message of an event for each."""
    name = container["name"]
    probes = {f"{kind} probe": container.get(f"{kind}Probe") or {} for kind in KINDS}
    lifecycle = container.get("lifecycle") or {}
    hooks = {f"{kind} hook": lifecycle.get(kind) or {} for kind in ("postStart", "preStop")}
    handlers = {**probes, **hooks}
    told: list[tuple[Literal["Normal", "Warning"], str, str]] = []
    if commands := [what for what, spec in probes.items() if spec.get("exec")]:
        words = f"Container {name}: the command of its {_listed(commands)} is not run, and counts as a success"
        told.append(("Warning", "ExecNotRun", words))
    if commands := [what for what, spec in hooks.items() if spec.get("exec")]:
        told.append(("Warning", "ExecNotRun", f"Container {name}: the command of its {_listed(commands)} is not run"))
    if elsewhere := [what for what, spec in handlers.items() if (spec.get("httpGet") or {}).get("host")]:
        words = f"Container {name}: the host of its {_listed(elsewhere)} is ignored, the pod itself is asked"
        told.append(("Warning", "HostIgnored", words))
    if grpc := [what for what, spec in probes.items() if spec.get("grpc")]:
        words = f"Container {name}: its gRPC {_listed(grpc)} only looks whether the port accepts connections"
        told.append(("Normal", "Simulated", words))
    return tuple(told)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def port_number(port: int | str, container: Mapping[str, Any]) -> int:
    """A port by number or by the name the container gives it; 0, which nothing listens on, when there is no such."""
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            return int(declared["containerPort"])
    return int(port) if port.isdigit() else 0
