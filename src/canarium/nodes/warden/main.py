"""The warden's program: messages in, answers and events out.

Owns: the message loop, the lag watch, when the warden ends. Must not know: how runs, probes or ports work. Standard
library only.

`main()` reads argv: the number of the socket to the main process, the cluster's id, the main process' pid. When the
main process is gone, for whatever reason, everything that was started here is killed, and then the warden ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Mapping
from typing import Any

from canarium.nodes.warden.processes import become_warden, end_descendants
from canarium.nodes.warden.supervisor import NotSpawned, Supervisor

MESSAGE_BYTES = 64 * 1024 * 1024
TICK_SECONDS = 0.05
CLOSE_SECONDS = 0.3
DATA_OPERATIONS = frozenset({"listen", "unlisten", "route", "proxy", "names"})


class LoopLag:
    """How late this process was. parent: whose death ends the watch, even if the socket stayed open somewhere."""

    def __init__(self, parent: int, on_orphaned: asyncio.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._parent = parent
        self._on_orphaned = on_orphaned
        self._seen: deque[tuple[float, float]] = deque(maxlen=1024)
        self._due = self._loop.time() + TICK_SECONDS
        self._loop.call_at(self._due, self._tick)

    def worst_since(self, moment: float) -> float:
        """The longest delay, in seconds, that ended after `moment` (the loop's time), or that is going on."""
        now_late = self._loop.time() - self._due
        return max([now_late, 0.0, *(late for when, late in self._seen if when >= moment)])

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._due > TICK_SECONDS:
            self._seen.append((now, now - self._due))
        if os.getppid() != self._parent:
            self._on_orphaned.set()
        self._due = now + TICK_SECONDS
        self._loop.call_at(self._due, self._tick)


class Desk:
    """Takes messages and gives each to whom it concerns."""

    def __init__(self, writer: asyncio.StreamWriter, cluster_id: str, lag: LoopLag, over: asyncio.Event) -> None:
        self._writer = writer
        self._lag = lag
        self._over = over
        self._data_plane: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.supervisor = Supervisor(cluster_id, self.send)

    def send(self, message: Mapping[str, Any]) -> None:
        """To the main process; nothing when it is gone."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def take(self, line: bytes) -> None:
        """One message as it arrived. A message that makes no sense is answered with an error, and that is all.

        Messages take effect in their order, so that an endpoint is out of the routes before it is told to end; only
        probes, which take long, run beside.
        """
        number = None
        try:
            message = json.loads(line)
            if not isinstance(message, dict):
                raise TypeError("a message is an object")
            number = message.get("id")
            operation = message["op"]
            if operation in DATA_OPERATIONS:
                await self._data_operation(message)
            elif operation == "probe":
                task = asyncio.get_running_loop().create_task(self._data_operation(message))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                self._operate(operation, message)
        except NotSpawned as error:
            self.send({"id": number, "error": str(error), "kind": error.kind})
        except Exception as error:  # noqa: BLE001  # the warden outlives every message
            self._refuse(number, error)

    async def close(self) -> None:
        """Close the ports."""
        for task in list(self._tasks):
            task.cancel()
        if self._data_plane is not None:
            await self._data_plane.close()

    def _operate(self, operation: str, message: dict[str, Any]) -> None:
        supervisor = self.supervisor
        match operation:
            case "spawn":
                memory = message.get("memory_bytes")
                pid = supervisor.spawn(
                    str(message["run"]),
                    [str(word) for word in message["argv"]],
                    env={str(key): str(value) for key, value in message["env"].items()},
                    cwd=str(message["cwd"]),
                    log=str(message["log"]),
                    control=bool(message.get("control")),
                    memory_bytes=int(memory) if memory is not None else None,
                )
                self.send({"id": message.get("id"), "pid": pid})
            case "signal":
                supervisor.signal(message["run"], int(message["signal"]))
            case "kill":
                supervisor.kill(message["run"])
            case "control":
                supervisor.control(message["run"], message["data"])
            case "follow":
                supervisor.follow(message["run"], bool(message["on"]))
            case "stop":
                self._over.set()
            case _:
                raise ValueError(f"no such operation: {operation}")

    async def _data_operation(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        try:
            answer = await self._plane().handle(message)
            if answer is not None:
                self.send({"id": number, **answer})
        except Exception as error:  # noqa: BLE001  # the warden outlives every message
            self._refuse(number, error)

    def _plane(self) -> Any:
        if self._data_plane is None:
            from canarium.nodes.warden.dataplane import DataPlane  # first used once the pods are on their way

            self._data_plane = DataPlane(self._lag.worst_since)
        return self._data_plane

    def _refuse(self, number: object, error: Exception) -> None:
        self.send({"id": number, "error": f"{type(error).__name__}: {error}"})


async def serve(fd: int, cluster_id: str, parent: int) -> None:
    """Take messages from `fd` until its other end is gone, `parent` has ended, or somebody says stop."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=fd), limit=MESSAGE_BYTES)
    desk = Desk(writer, cluster_id, LoopLag(parent, over), over)
    loop.add_signal_handler(signal.SIGCHLD, desk.supervisor.reap)
    loop.add_signal_handler(signal.SIGTERM, over.set)
    for ignored in (signal.SIGINT, signal.SIGHUP):  # handled, not ignored: a child would inherit that
        loop.add_signal_handler(ignored, lambda: None)
    desk.send({"event": "ready", "pid": os.getpid()})
    listening = loop.create_task(_listen(reader, desk, over))
    await over.wait()
    desk.supervisor.end_everything()
    listening.cancel()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(desk.close(), CLOSE_SECONDS)


async def _listen(reader: asyncio.StreamReader, desk: Desk, over: asyncio.Event) -> None:
    try:
        while True:
            try:
                line = await reader.readline()
            except ValueError as error:  # longer than a message may be
                desk.send({"id": None, "error": str(error)})
                continue
            if not line.endswith(b"\n"):
                return
            await desk.take(line)
    except OSError:
        return
    finally:
        over.set()


def main() -> None:
    """The program. See the module."""
    fd, cluster_id, parent = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    become_warden()
    try:
        asyncio.run(serve(fd, cluster_id, parent))
    finally:
        end_descendants(os.getpid())
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(0)
