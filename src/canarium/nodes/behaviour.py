"""How a version of a program behaves when a scenario scripts it: slow, crashing, never ready, failing.

Owns: `Behaviour` and laying it over any program. Must not know: scenarios, images, kubelets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from canarium.nodes.program import (
    AsgiApp,
    ContainerContext,
    Program,
    ProgramFactory,
    Receive,
    Scope,
    Send,
    Serving,
    answering,
)


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """What is different from the program as it would be; the defaults change nothing.

    start_delay_seconds: added to the program's own. crash_after_seconds: exit with `crash_exit_code` after that long,
    in every run that `crash_probability` picks. never_ready: the path of the readiness probe answers 503 (a liveness
    probe on the same path fails too, as it would). error_ratio: that share of requests, probes and /metrics excepted,
    answers 500. latency_seconds: (least, most) added to each such request.
    """

    start_delay_seconds: float = 0.0
    crash_after_seconds: float | None = None
    crash_probability: float = 1.0
    crash_exit_code: int = 1
    never_ready: bool = False
    error_ratio: float = 0.0
    latency_seconds: tuple[float, float] = (0.0, 0.0)


def behaving(factory: ProgramFactory, behaviour: Behaviour) -> ProgramFactory:
    """`factory`, with `behaviour` laid over what it makes."""

    def make(context: ContainerContext) -> Program:
        program = factory(context)
        ports = {port: _behaving_app(app, context, behaviour) for port, app in program.ports.items()}
        run = program.run
        if behaviour.crash_after_seconds is not None and context.chance.random() < behaviour.crash_probability:
            crash_after, exit_code = behaviour.crash_after_seconds, behaviour.crash_exit_code

            async def crash() -> int:
                own = asyncio.ensure_future(program.run()) if program.run is not None else None
                try:
                    await context.clock.sleep(crash_after)
                finally:
                    if own is not None:
                        own.cancel()
                return exit_code

            run = crash
        return Serving(
            ports=ports,
            start_delay_seconds=program.start_delay_seconds + behaviour.start_delay_seconds,
            run=run,
            note=getattr(program, "note", ""),
        )

    return make


_NOT_READY = answering(503, b"not ready (scripted)\n")
_ERROR = answering(500, b"internal error (scripted)\n")


def _behaving_app(app: AsgiApp, context: ContainerContext, behaviour: Behaviour) -> AsgiApp:
    ready_path = _probe_path(context.container, "readinessProbe")
    least, most = behaviour.latency_seconds
    if not (behaviour.never_ready or behaviour.error_ratio or most):
        return app

    async def behaving_app(scope: Scope, receive: Receive, send: Send) -> None:
        if behaviour.never_ready and scope["path"] == ready_path:
            await _NOT_READY(scope, receive, send)
            return
        if scope["path"] == "/metrics" or _is_probe(scope):
            await app(scope, receive, send)
            return
        if most:
            await context.clock.sleep(context.chance.uniform(least, most))
        failing = behaviour.error_ratio and context.chance.random() < behaviour.error_ratio
        await (_failing(app, _ERROR) if failing else app)(scope, receive, send)

    return behaving_app


def _failing(app: AsgiApp, error: AsgiApp) -> AsgiApp:
    """Let the program count the failure itself when it can, so that its own metrics show it."""
    instead: AsgiApp = getattr(app, "failing", error)
    return instead


def _is_probe(scope: Scope) -> bool:
    return any(name == b"user-agent" and value.startswith(b"kube-probe/") for name, value in scope["headers"])


def _probe_path(container: Mapping[str, Any], probe: str) -> str:
    path = ((container.get(probe) or {}).get("httpGet") or {}).get("path") or "/"
    return str(path).partition("?")[0]
