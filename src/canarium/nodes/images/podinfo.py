"""podinfo as a program of the lab: the application of `podinfo_app` on virtual time.

Owns: the image names of podinfo and fitting it to a container's context. Must not know: its HTTP API.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from canarium.nodes.images.machine import image_version
from canarium.nodes.images.podinfo_app import Podinfo
from canarium.nodes.images.table import program_words
from canarium.nodes.program import ContainerContext, Program, Serving

REPOSITORIES = ("stefanprodan/podinfo", "ghcr.io/stefanprodan/podinfo", "podinfo")


class LabMachine:
    """Time and chance of a container in the lab, as the bundled programs want them."""

    def __init__(self, context: ContainerContext) -> None:
        self._context = context

    def now(self) -> datetime:
        """See `machine.Machine`."""
        return self._context.clock.now()

    def monotonic(self) -> float:
        """See `machine.Machine`."""
        return self._context.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `machine.Machine`."""
        await self._context.clock.sleep(seconds)

    def random(self) -> float:
        """See `machine.Machine`."""
        return self._context.chance.random()


def podinfo(context: ContainerContext) -> Program:
    """The program: one HTTP server on 9898, or on the port that `--port` or PODINFO_PORT names."""
    ending = Ending()
    app = Podinfo(
        version=image_version(context.image),
        hostname=context.pod["metadata"]["name"],
        words=program_words("podinfo", context.container)[1:],
        env=context.env,
        machine=LabMachine(context),
        log=context.log,
        panic=ending.end,
    )
    app.say_starting()
    app.say_listening()
    ports = {port: app for port in (app.settings.port, app.settings.metrics_port) if port}
    return Serving(ports=ports, start_delay_seconds=context.chance.uniform(0.05, 0.2), run=ending.wait)


class Ending:
    """The end of a program that may end itself: `wait` is its background and returns the exit code."""

    def __init__(self) -> None:
        self._exit: asyncio.Future[int] | None = None

    async def wait(self) -> int:
        """Wait for the end."""
        self._exit = asyncio.get_running_loop().create_future()
        return await self._exit

    def end(self, exit_code: int) -> None:
        """End now; without effect where nobody waits, or twice."""
        if self._exit is not None and not self._exit.done():
            self._exit.set_result(exit_code)
