"""Containers' logs for a page: from pods of this process or of a cluster elsewhere, never more than a page can take.

Owns: the port `Logs`, reading through either cluster, the guard against floods.
Must not know: HTTP towards the page, runtimes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Final, Protocol

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.kube.cluster import Cluster
from canarium.kube.objects import Obj
from canarium.kube.remote.cluster import path_of
from canarium.kube.remote.transport import Transport
from canarium.kube.resources import PODS
from canarium.kube.server.requests import Options

_NAMES: Final = {
    "container": "container",
    "previous": "previous",
    "follow": "follow",
    "timestamps": "timestamps",
    "tail": "tailLines",
}

MAX_BYTES: Final = 64 << 20
"""What is sent of a log that is not followed."""
BYTES_A_SECOND: Final = 1 << 20
"""What is sent at most of a log that is followed; as much may come at once after silence."""
RESUMES_AT: Final = BYTES_A_SECOND // 4
"""Once lines are left out, so much room is waited for: one note about many lines, not many about one."""
GATHER_SECONDS: Final = 0.05
"""How long lines are gathered before they are sent."""
MAX_LINE: Final = 64 << 10
"""A longer line is sent in pieces."""


class Logs(Protocol):
    """Reads containers' logs."""

    async def log(self, namespace: str, pod: str, options: Mapping[str, str]) -> AsyncIterator[bytes]:
        """A log in chunks. options: container, previous, tail, follow, timestamps, as in the page's URL.

        Raises ApiError (NotFound, BadRequest with why there is no log) before there is an iterator.
        """
        ...


class PodLogs(Protocol):
    """What has the logs of pods at hand. See `canarium.local.pods.LocalPods`."""

    def logs(self, pod: Obj, options: Options) -> AsyncIterator[bytes]:
        """See `canarium.kube.server.app.Pods`."""
        ...


class ClusterLogs:
    """See `Logs`: of pods in this process."""

    def __init__(self, cluster: Cluster, pods: PodLogs, clock: Clock) -> None:
        self._cluster = cluster
        self._pods = pods
        self._clock = clock

    async def log(self, namespace: str, pod: str, options: Mapping[str, str]) -> AsyncIterator[bytes]:
        """See `Logs`."""
        found = await self._cluster.get(PODS, namespace, pod)
        asked = _asked(options)
        chunks = self._pods.logs(found, Options(asked))
        return guarded(chunks, self._clock) if "follow" in asked else chunks


class RemoteLogs:
    """See `Logs`: as kubectl asks for them, over HTTP."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    async def log(self, namespace: str, pod: str, options: Mapping[str, str]) -> AsyncIterator[bytes]:
        """See `Logs`."""
        asked = _asked(options)
        async with AsyncExitStack() as stack:
            opened = self._transport.bytes_of(path_of(PODS, namespace, pod, "log"), asked)
            chunks = _held(await stack.enter_async_context(opened), stack.pop_all())
        return guarded(chunks, self._clock) if "follow" in asked else chunks


async def _held(chunks: AsyncIterator[bytes], stack: AsyncExitStack) -> AsyncGenerator[bytes, None]:
    """The chunks, and the connection is let go of when nobody wants any more."""
    async with stack:
        async for chunk in chunks:
            yield chunk


def _asked(options: Mapping[str, str]) -> dict[str, str]:
    """The options under the API's names; a switch that is off is not named at all, what is not followed is bounded."""
    asked = {}
    for name, ours in _NAMES.items():
        text = options.get(name, "")
        is_switch = name in ("previous", "follow", "timestamps")
        if not text or (is_switch and text.lower() in ("false", "0")):
            continue
        asked[ours] = "true" if is_switch else text
    return asked if "follow" in asked else {**asked, "limitBytes": str(MAX_BYTES)}


# -- floods -----------------------------------------------------------------------------------------------------------


async def guarded(chunks: AsyncIterator[bytes], clock: Clock) -> AsyncGenerator[bytes, None]:
    """A followed log in fewer, larger chunks of whole lines, and not faster than `BYTES_A_SECOND`.

    It is read as fast as it comes, whether or not anybody takes what is yielded; what does not fit is left out, and a
    line says how much. Memory stays below two seconds' worth. A failure of the log ends it with a line that tells.
    """
    flood = _Flood(clock)
    reading = asyncio.create_task(flood.read(chunks), name="log")
    try:
        while True:
            await flood.wait()
            await clock.sleep(GATHER_SECONDS)
            is_over = reading.done()
            if chunk := flood.take(is_last=is_over):
                yield chunk
            if is_over:
                reading.result()
                return
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


class _Flood:
    """Lines that wait to be sent, and the room that is left for more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: list[bytes] = []
        self._size = 0
        self._left_out = 0
        self._room = float(BYTES_A_SECOND)
        self._seen = clock.monotonic()
        self._rest = bytearray()  # of a line that has not ended yet
        self._changed = asyncio.Event()

    async def read(self, chunks: AsyncIterator[bytes]) -> None:
        """Take in everything, to its end."""
        try:
            async for chunk in chunks:
                self._add(chunk)
                await self._clock.sleep(0)  # a log that is all there must not keep others from their turn
        except CanariumError as error:
            self._keep(f"… the log ended: {error.problem} …\n".encode())
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
            if self._rest:
                self._put(bytes(self._rest))
            self._changed.set()

    async def wait(self) -> None:
        """Wait until there is something to take, or the end."""
        await self._changed.wait()

    def take(self, *, is_last: bool) -> bytes:
        """What waits, which then does not any more."""
        if self._left_out and (is_last or self._refilled() >= RESUMES_AT):
            self._tell_left_out()
        chunk = b"".join(self._lines)
        self._lines.clear()
        self._size = 0
        if not self._left_out:
            self._changed.clear()
        return chunk

    def _add(self, chunk: bytes) -> None:
        first, *more = chunk.split(b"\n")
        self._rest += first
        for part in more:
            self._rest += b"\n"
            self._put(bytes(self._rest))
            self._rest = bytearray(part)
        while len(self._rest) > MAX_LINE:
            self._put(bytes(self._rest[:MAX_LINE]))
            del self._rest[:MAX_LINE]

    def _put(self, line: bytes) -> None:
        self._changed.set()
        room = self._refilled()
        if self._left_out:
            if room < RESUMES_AT or self._size:
                self._left_out += 1
                return
            self._tell_left_out()
        elif room < len(line) or self._size + len(line) > BYTES_A_SECOND:
            self._left_out = 1
            return
        self._keep(line)

    def _keep(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)
        self._room -= len(line)
        self._changed.set()

    def _tell_left_out(self) -> None:
        count, self._left_out = self._left_out, 0
        self._keep(f"… {count} line{'' if count == 1 else 's'} left out …\n".encode())

    def _refilled(self) -> float:
        now = self._clock.monotonic()
        self._room = min(float(BYTES_A_SECOND), self._room + (now - self._seen) * BYTES_A_SECOND)
        self._seen = now
        return self._room
