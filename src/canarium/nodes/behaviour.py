"""How a version of a program behaves when a scenario or a person wants it so: slow, crashing, never ready, failing.

Owns: `Behaviour` and laying it over any program. Must not know: scenarios, images, kubelets, where a wish is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from canarium.nodes.images.machine import BEGAN
from canarium.nodes.program import (
    AsgiApp,
    Background,
    ContainerContext,
    Program,
    ProgramFactory,
    Receive,
    Scope,
    Send,
    Serving,
    answering,
)
from canarium.text.quantity import parse_quantity


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """What is different from the program as it would be; the defaults change nothing.

    start_delay_seconds: added to the program's own. crash_after_seconds: exit with `crash_exit_code` after that long,
    in every run that `crash_probability` picks. never_ready: the path of the readiness probe answers 503 (a liveness
    probe on the same path fails too, as it would). error_ratio: that share of requests, probes and /metrics excepted,
    answers 500. latency_seconds: (least, most) added to each such request. leak_bytes_per_second: memory that it takes
    and keeps; a simulated program has none, and only ends as if its limit had been reached.
    """

    start_delay_seconds: float = 0.0
    crash_after_seconds: float | None = None
    crash_probability: float = 1.0
    crash_exit_code: int = 1
    never_ready: bool = False
    error_ratio: float = 0.0
    latency_seconds: tuple[float, float] = (0.0, 0.0)
    leak_bytes_per_second: int = 0


def behaving(factory: ProgramFactory, behaviour: Behaviour) -> ProgramFactory:
    """`factory`, with `behaviour` laid over what it makes."""

    def make(context: ContainerContext) -> Program:
        program = factory(context)
        ports = {port: _scripted_app(app, context, behaviour) for port, app in program.ports.items()}
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


LOOK_SECONDS = 1.0
"""How often a running program looks whether it should crash now."""
EXIT_KILLED = 137


def behaving_live(factory: ProgramFactory, current: Callable[[ContainerContext], Behaviour]) -> ProgramFactory:
    """`factory`, obeying what `current` says for its container, which may change at any time.

    Requests follow at once, crashes and leaks within LOOK_SECONDS; both are counted from when they are seen, and begin
    again with each run. `start_delay_seconds` counts as it is at the start of a run.
    """

    def make(context: ContainerContext) -> Program:
        program = factory(context)
        return Serving(
            ports={port: _behaving_app(app, context, lambda: current(context)) for port, app in program.ports.items()},
            start_delay_seconds=program.start_delay_seconds + current(context).start_delay_seconds,
            run=_ending(program.run, context, lambda: current(context)),
            note=getattr(program, "note", ""),
        )

    return make


def _ending(own: Background | None, context: ContainerContext, current: Callable[[], Behaviour]) -> Background:
    """Run until the program ends by itself, or a wish ends it."""

    async def doomed() -> int:
        clock = context.clock
        wish: tuple[object, ...] = ()
        end: tuple[float, int] | None = None
        while True:
            behaviour = current()
            asked = (
                behaviour.crash_after_seconds,
                behaviour.crash_probability,
                behaviour.crash_exit_code,
                behaviour.leak_bytes_per_second,
            )
            if asked != wish:
                wish, end = asked, _end(behaviour, context)
            left = end[0] - clock.monotonic() if end is not None else LOOK_SECONDS
            if end is not None and left <= 0:
                return end[1]
            await clock.sleep(min(left, LOOK_SECONDS))

    if own is None:
        return doomed

    async def first() -> int:
        tasks = [asyncio.ensure_future(own()), asyncio.ensure_future(doomed())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in tasks if task in done).result()
        finally:
            for task in tasks:
                task.cancel()

    return first


def _end(behaviour: Behaviour, context: ContainerContext) -> tuple[float, int] | None:
    """When (monotonic seconds) and with what code a run that is told now will end."""
    now = context.clock.monotonic()
    ends = []
    after, probability = behaviour.crash_after_seconds, behaviour.crash_probability
    if after is not None and (probability >= 1 or context.chance.random() < probability):
        ends.append((now + after, behaviour.crash_exit_code))
    limit = ((context.container.get("resources") or {}).get("limits") or {}).get("memory")
    if behaviour.leak_bytes_per_second and limit:
        ends.append((now + parse_quantity(str(limit)) / behaviour.leak_bytes_per_second, EXIT_KILLED))
    return min(ends, default=None)


_NOT_READY = answering(503, b"not ready (scripted)\n")
_ERROR = answering(500, b"internal error (scripted)\n")


def _scripted_app(app: AsgiApp, context: ContainerContext, behaviour: Behaviour) -> AsgiApp:
    changes = behaviour.never_ready or behaviour.error_ratio or behaviour.latency_seconds[1]
    return _behaving_app(app, context, lambda: behaviour) if changes else app


def _behaving_app(app: AsgiApp, context: ContainerContext, current: Callable[[], Behaviour]) -> AsgiApp:
    ready_path = _probe_path(context.container, "readinessProbe")

    async def behaving_app(scope: Scope, receive: Receive, send: Send) -> None:
        behaviour = current()
        if behaviour.never_ready and scope["path"] == ready_path:
            await _NOT_READY(scope, receive, send)
            return
        if scope["path"] == "/metrics" or _is_probe(scope):
            await app(scope, receive, send)
            return
        least, most = behaviour.latency_seconds
        if most:
            scope = {**scope, BEGAN: context.clock.monotonic()}
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
