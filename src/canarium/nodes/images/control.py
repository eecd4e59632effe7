"""How a bundled program's process misbehaves when it is told to: slow, crashing, never ready, failing, leaking.

Owns: `Chaos` (read from CANARIUM_CHAOS and from JSON lines on standard input) and laying it over an application.
Must not know: what the application answers, who tells. The fields and what they spare are those of
`canarium.nodes.behaviour`, which the lab lays over the same applications and which this process must not import.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from typing import Any

from canarium.nodes.images.machine import BEGAN, AsgiApp, Log, Machine, Receive, Scope, Send, uniform

LEAK_STEP_SECONDS = 0.25
MAX_LINE_BYTES = 64 << 10


class Chaos:
    """What is different from the program as it would be; the defaults change nothing. Fields as in `Behaviour`."""

    def __init__(self, told: Mapping[str, Any] | None = None) -> None:
        """Raises ValueError with what is wrong in words."""
        values = dict(told or {})
        try:
            self.start_delay_seconds = float(values.pop("start_delay_seconds", 0.0))
            crash_after = values.pop("crash_after_seconds", None)
            self.crash_after_seconds = None if crash_after is None else float(crash_after)
            self.crash_probability = float(values.pop("crash_probability", 1.0))
            self.crash_exit_code = int(values.pop("crash_exit_code", 1))
            self.is_never_ready = bool(values.pop("never_ready", False))
            self.error_ratio = float(values.pop("error_ratio", 0.0))
            least, most = values.pop("latency_seconds", (0.0, 0.0))
            self.latency_seconds = (float(least), float(most))
            self.leak_bytes_per_second = float(values.pop("leak_bytes_per_second", 0))
            self.ready_path = str(values.pop("ready_path", ""))
        except (TypeError, ValueError) as error:
            raise ValueError(f"a behaviour cannot be read: {error}") from error
        if values:
            raise ValueError(f"a behaviour has unknown fields: {', '.join(sorted(map(str, values)))}")


def parse_chaos(text: str) -> Chaos:
    """A behaviour from JSON; empty text for none. Raises ValueError with what is wrong in words."""
    told = json.loads(text) if text.strip() else {}
    if not isinstance(told, dict):
        raise ValueError("a behaviour is a JSON object")  # noqa: TRY004  # one error for all that is wrong in the text
    return Chaos(told)


class Control:
    """The behaviour in force, and what follows from it."""

    def __init__(
        self, chaos: Chaos, *, ready_path: str, machine: Machine, log: Log, end: Callable[[int], None]
    ) -> None:
        """ready_path: what `never_ready` answers 503 on, where the behaviour names no path itself.

        end: ends the process with an exit code, at once.
        """
        self._chaos, self._ready_path = chaos, ready_path
        self._machine, self._log, self._end = machine, log, end
        self._tasks: list[asyncio.Task[None]] = []
        self._leaked: list[bytearray] = []

    def begin(self) -> None:
        """Let the clock of a crash and of a leak run. Call in a running loop, at the program's start."""
        self.apply(self._chaos)

    def apply(self, chaos: Chaos) -> None:
        """Put a behaviour in the place of the last one, from now on. What has leaked stays leaked."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._chaos = chaos
        loop = asyncio.get_running_loop()
        if chaos.crash_after_seconds is not None and self._machine.random() < chaos.crash_probability:
            self._tasks.append(loop.create_task(self._crash(chaos.crash_after_seconds, chaos.crash_exit_code)))
        if chaos.leak_bytes_per_second > 0:
            self._tasks.append(loop.create_task(self._leak(chaos.leak_bytes_per_second)))

    def around(self, app: AsgiApp) -> AsgiApp:
        """The application, misbehaving as told at the moment of each request."""

        async def behaving(scope: Scope, receive: Receive, send: Send) -> None:
            chaos, path = self._chaos, scope["path"]
            if chaos.is_never_ready and path == (chaos.ready_path or self._ready_path):
                await _plain(send, 503, b"not ready (scripted)\n")
                return
            if path == "/metrics" or _is_probe(scope):
                await app(scope, receive, send)
                return
            least, most = chaos.latency_seconds
            if most:
                scope = {**scope, BEGAN: self._machine.monotonic()}
                await self._machine.sleep(uniform(self._machine, least, most))
            if chaos.error_ratio and self._machine.random() < chaos.error_ratio:
                # The program counts the failure itself when it can, so that its own metrics show it.
                failing: AsgiApp | None = getattr(app, "failing", None)
                if failing is None:
                    await _plain(send, 500, b"internal error (scripted)\n")
                else:
                    await failing(scope, receive, send)
                return
            await app(scope, receive, send)

        return behaving

    def listen(self) -> None:
        """Take JSON lines from standard input, when that is a pipe or a socket: each replaces the behaviour."""
        try:
            mode = os.fstat(0).st_mode
        except OSError:
            return  # closed: nobody will tell us anything
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return
        parent = os.getppid()
        os.set_blocking(0, False)
        pending = bytearray()
        loop = asyncio.get_running_loop()

        def readable() -> None:
            try:
                data = os.read(0, 65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                loop.remove_reader(0)
                self._tasks_of_orphan = loop.create_task(self._end_without(parent))
                return
            pending.extend(data)
            *lines, rest = bytes(pending).split(b"\n")
            pending[:] = rest if len(rest) <= MAX_LINE_BYTES else b""
            for line in lines:
                self._hear(line)

        loop.add_reader(0, readable)

    def _hear(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        try:
            self.apply(parse_chaos(text))
            self._log(f"behaviour (scripted): {text or 'its own'}")
        except ValueError as error:
            self._log(f"control: {error}")

    async def _end_without(self, parent: int) -> None:
        """End with the process that started us: where no death signal does that, a closed pipe is how we know."""
        while os.getppid() == parent:
            await self._machine.sleep(1.0)
        self._end(1)

    async def _crash(self, after: float, exit_code: int) -> None:
        await self._machine.sleep(after)
        self._log(f"crashing after {after:g} s with exit code {exit_code} (scripted)")
        self._end(exit_code)

    async def _leak(self, bytes_per_second: float) -> None:
        step = max(1, int(bytes_per_second * LEAK_STEP_SECONDS))
        while True:
            await self._machine.sleep(LEAK_STEP_SECONDS)
            self._leaked.append(bytearray(b"\x01") * step)  # written to, or the pages would not be ours


async def _plain(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _is_probe(scope: Scope) -> bool:
    return any(name == b"user-agent" and value.startswith(b"kube-probe/") for name, value in scope["headers"])


def end_process(exit_code: int) -> None:
    """End this process at once, as a crash would: nothing is finished, but what was written is kept."""
    try:
        sys.stdout.flush()
    finally:
        os._exit(exit_code & 0xFF)
