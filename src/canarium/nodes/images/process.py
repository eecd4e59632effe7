"""A bundled program's process: addresses, listening, signals, an orderly end.

Owns: where to bind, the order of start and stop. Must not know: which program it is.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from canarium.nodes.images.control import Chaos, Control, end_process, parse_chaos
from canarium.nodes.images.machine import AsgiApp, RealMachine
from canarium.nodes.images.server import HttpServer

DEFAULT_READY_PATH = "/readyz"


class Process:
    """This process, as its program sees it. Make one inside a running loop."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """env: POD_IP, PORT, CANARIUM_PORTS, CANARIUM_CHAOS, CANARIUM_READY_PATH are read."""
        self.env = env
        self.machine = RealMachine()
        self.started = self.machine.now().timestamp()
        self._servers: list[HttpServer] = []
        self._quiet_until = 0.0
        self._stopped = asyncio.Event()
        self._chaos = self._told()
        self._control = Control(
            self._chaos,
            ready_path=env.get("CANARIUM_READY_PATH", DEFAULT_READY_PATH),
            machine=self.machine,
            log=self.log,
            end=self.end,
        )

    async def prepare(self) -> None:
        """Take signals, let behaviour begin, and wait as long as it says."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._loop_failed)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        self._control.begin()
        self._control.listen()
        if self._chaos.start_delay_seconds:
            await self.machine.sleep(self._chaos.start_delay_seconds)

    async def serve(self, app: AsgiApp, port: int, *, is_main: bool = True) -> None:
        """Listen on `port`, or where the environment says that it is. Raises OSError."""
        server = HttpServer(self._control.around(app), machine=self.machine, log=self.log)
        try:
            await server.start(self.env.get("POD_IP") or "127.0.0.1", self._real_port(port, is_main=is_main))
        except OverflowError as error:
            raise OSError(f"port {port} does not exist") from error
        self._servers.append(server)

    async def stopped(self) -> None:
        """Wait for the first SIGTERM or SIGINT; a second one ends the process at once, with exit code 1."""
        await self._stopped.wait()

    async def drain(self, grace_seconds: float) -> bool:
        """Take no more connections, finish requests; whether all ended in time."""
        ended: list[Awaitable[bool]] = [server.stop(grace_seconds) for server in self._servers]
        return all(await asyncio.gather(*ended))

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Have `callback` called at the first signal."""
        task = asyncio.get_running_loop().create_task(self._stopped.wait())
        task.add_done_callback(lambda _: callback())
        self._waiting = task

    def log(self, line: str) -> None:
        """Write one line to standard output."""
        sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()

    def end(self, exit_code: int) -> None:
        """End at once."""
        end_process(exit_code)

    def _signalled(self) -> None:
        if self._stopped.is_set():
            self.end(1)
        self._stopped.set()

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Say once a second that no file descriptors are left; asyncio tries again, with a traceback each time."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
            loop.default_exception_handler(context)
        elif self.machine.monotonic() >= self._quiet_until:
            self._quiet_until = self.machine.monotonic() + 1.0
            self.log(f"accept: {os.strerror(error.errno).lower()}; retrying in 1 s")

    def _told(self) -> Chaos:
        try:
            return parse_chaos(self.env.get("CANARIUM_CHAOS", ""))
        except ValueError as error:
            self.log(f"CANARIUM_CHAOS: {error}")  # the program runs as it would be: its owner reads why
            return Chaos()

    def _real_port(self, port: int, *, is_main: bool) -> int:
        """Where a port of the container really is: as CANARIUM_PORTS says, which leaves out what is in its place.

        Without that variable the main port is where PORT says.
        """
        try:
            told = self.env.get("CANARIUM_PORTS")
            if told:
                return int(json.loads(told).get(str(port), port))
        except (AttributeError, TypeError, ValueError) as error:
            self.log(f"CANARIUM_PORTS: {error}")
        own = self.env.get("PORT", "")
        return int(own) if is_main and own.isascii() and own.isdigit() else port


def bind_problem(error: OSError, port: int) -> str:
    """Why it cannot listen, as Go's net/http says it."""
    words = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"listen tcp :{port}: bind: {words}"
