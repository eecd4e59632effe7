"""What starts and stops containers: the port, and the runtime that simulates them.

Owns: `Runtime` (pull, sandbox, start, stop) and `SimulatedRuntime`. Must not know: probes, restarts, status, the API.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from canarium.clock import Chance, Clock
from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.nodes.logs import ContainerLogs, RunLog, Runs
from canarium.nodes.network import Network
from canarium.nodes.program import AsgiApp, ContainerContext, ImageTable, Program, parse_image


class PullFailed(CanariumError):
    """The image could not be had; `str()` is what the registry said."""


class StartRefused(CanariumError):
    """A container could not be started; `str()` is what the container's state and an event say.

    reason: `CreateContainerConfigError`, `CreateContainerError` or `RunContainerError`. is_started: a run was begun and
    ended at once, as when its command is not there: it counts, with exit code 128 and reason `StartError`.
    """

    def __init__(self, reason: str, problem: str, *, is_started: bool = False) -> None:
        super().__init__(problem)
        self.reason = reason
        self.is_started = is_started


class PulledImage(msgspec.Struct, frozen=True):
    """An image on the node. name: with registry and tag, as containerd reports it."""

    name: str
    image_id: str
    size_bytes: int


class ContainerRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one container: its pod as bound, its spec, where it lives, and which run it is (0 is the first)."""

    pod: Obj
    container: Mapping[str, Any]
    pod_ip: str
    attempt: int


class Exit(msgspec.Struct, frozen=True):
    """How a run ended. message: the last words, empty when there are none. signal: what killed it, 0 for nothing.
    reason: `OOMKilled` when it was, else empty."""

    code: int
    message: str = ""
    signal: int = 0
    reason: str = ""


class RunningContainer(Protocol):
    """A started container."""

    @property
    def container_id(self) -> str:
        """`<runtime>://<64 hex digits>`."""
        ...

    @property
    def note(self) -> str:
        """What the user should be told once about how this runs; empty for nothing."""
        ...

    @property
    def note_reason(self) -> str:
        """The reason of the event that tells the note: `Simulated`, `Mapped`."""
        ...

    async def wait(self) -> Exit:
        """Return when it ended, at once when it has. May be awaited by several."""
        ...

    async def stop(self, grace_seconds: float) -> Exit:
        """Ask it to end, kill it after `grace_seconds`, return when it ended. 0 kills at once."""
        ...


class Runtime(Protocol):
    """One node's runtime."""

    name: str

    def image(self, reference: str) -> PulledImage | None:
        """The image if it is on the node."""
        ...

    async def pull(self, reference: str) -> PulledImage:
        """Bring an image to the node. Raises PullFailed."""
        ...

    async def open_sandbox(self, pod: Obj, pod_ip: str) -> None:
        """Prepare the pod's network."""
        ...

    def close_sandbox(self, pod_ip: str) -> None:
        """Take the pod's network away; its containers have ended."""
        ...

    async def start(self, run: ContainerRun) -> RunningContainer:
        """Start one container; returns once it runs (it may not listen yet). Raises StartRefused.

        Cancelled, it leaves nothing running.
        """
        ...

    def adjust(self, pod: Obj) -> None:
        """The annotations of a pod that runs here have changed."""
        ...

    def logs(self, namespace: str, pod: str, container: str) -> Runs | None:
        """What a container of this pod wrote, None when it never started; of two pods in turn, the later one's."""
        ...

    def remove_logs(self, pod: Obj) -> None:
        """The pod is gone from the API, and its logs with it."""
        ...


class Sockets(Protocol):
    """Where simulated containers listen; `LabNetwork` is one."""

    def attach(self, address: str) -> None:
        """Give `address` to somebody."""
        ...

    def detach(self, address: str) -> None:
        """Take `address` and its ports away."""
        ...

    def listen(self, address: str, port: int, app: AsgiApp) -> None:
        """Open a port."""
        ...

    def close(self, address: str, port: int) -> None:
        """Close a port."""
        ...


class Delays(msgspec.Struct, frozen=True, kw_only=True):
    """How long things take on a simulated node, in seconds (least, most); drawn per pod, image or container."""

    sandbox: tuple[float, float] = (0.3, 0.9)
    pull: tuple[float, float] = (0.8, 2.5)
    pull_cached: tuple[float, float] = (0.2, 0.6)
    start: tuple[float, float] = (0.08, 0.25)
    stop: tuple[float, float] = (0.05, 0.3)


def image_id(reference: str) -> str:
    """A repository digest, which every node gives the same image: `docker.io/library/nginx@sha256:...`."""
    name = canonical(reference)
    return f"{name.rpartition(':')[0]}@sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def container_id(runtime: str, run: ContainerRun) -> str:
    """The ID of one run of one container: `<runtime>://<64 hex digits>`."""
    whose = f"{run.pod['metadata']['uid']}/{run.container['name']}/{run.attempt}"
    return f"{runtime}://{hashlib.sha256(whose.encode()).hexdigest()}"


class SimulatedRuntime:
    """Plays containers in-process: each is the program that the image table names, listening on the pod's address."""

    name = "containerd"

    def __init__(
        self,
        images: ImageTable,
        *,
        sockets: Sockets,
        network: Network,
        clock: Clock,
        chance: Chance,
        delays: Delays | None = None,
    ) -> None:
        self._images = images
        self._sockets = sockets
        self._network = network
        self._clock = clock
        self._chance = chance.stream("runtime")
        self._delays = delays or Delays()
        self._pulled: dict[str, PulledImage] = {}
        self._missing: dict[str, str] = {}
        self._logs: dict[tuple[str, str], _PodLogs] = {}

    def refuse_image(self, reference: str, answer: str = "") -> None:
        """From now on pulling `reference` fails, as for a tag that was never pushed."""
        self._missing[reference] = answer or (
            f'rpc error: code = NotFound desc = failed to pull and unpack image "{canonical(reference)}": failed to '
            f'resolve reference "{canonical(reference)}": {canonical(reference)}: not found'
        )

    def image(self, reference: str) -> PulledImage | None:
        """See `Runtime`."""
        return self._pulled.get(reference)

    async def pull(self, reference: str) -> PulledImage:
        """See `Runtime`."""
        chance = self._chance.stream(f"pull/{reference}")
        span = self._delays.pull_cached if reference in self._pulled else self._delays.pull
        await self._clock.sleep(chance.uniform(*span))
        if reference in self._missing:
            raise PullFailed(self._missing[reference])
        if reference not in self._pulled:
            size = 8_000_000 + chance.below(60_000_000)
            self._pulled[reference] = PulledImage(canonical(reference), image_id(reference), size)
        return self._pulled[reference]

    async def open_sandbox(self, pod: Obj, pod_ip: str) -> None:
        """See `Runtime`."""
        await self._clock.sleep(self._chance.stream(f"sandbox/{pod['metadata']['uid']}").uniform(*self._delays.sandbox))
        self._sockets.attach(pod_ip)

    def close_sandbox(self, pod_ip: str) -> None:
        """See `Runtime`."""
        self._sockets.detach(pod_ip)

    async def start(self, run: ContainerRun) -> RunningContainer:
        """See `Runtime`."""
        metadata = run.pod["metadata"]
        chance = self._chance.stream(f"run/{metadata['uid']}/{run.container['name']}/{run.attempt}")
        await self._clock.sleep(chance.uniform(*self._delays.start))
        run_id = container_id(self.name, run)
        log = self._log_of(run, run_id)
        clock = self._clock
        context = ContainerContext(
            pod={**run.pod, "status": {**(run.pod.get("status") or {}), "podIP": run.pod_ip}},
            container=run.container,
            clock=self._clock,
            chance=chance.stream("program"),
            network=self._network,
            log=lambda line: log.append(line, clock.now()),
        )
        program = self._images.factory(context.image)(context)
        return _Simulated(
            program,
            container_id=run_id,
            log=log,
            pod_ip=run.pod_ip,
            sockets=self._sockets,
            clock=self._clock,
            stop_seconds=chance.uniform(*self._delays.stop),
        )

    def adjust(self, pod: Obj) -> None:
        """See `Runtime`. A simulated container takes its behaviour from elsewhere."""
        del pod

    def logs(self, namespace: str, pod: str, container: str) -> ContainerLogs | None:
        """See `Runtime`."""
        kept = self._logs.get((namespace, pod))
        return kept.containers.get(container) if kept else None

    def remove_logs(self, pod: Obj) -> None:
        """See `Runtime`."""
        key = _log_key(pod)
        kept = self._logs.get(key)
        if kept is not None and kept.uid == pod["metadata"]["uid"]:
            self._logs.pop(key).end()

    def _log_of(self, run: ContainerRun, container_id: str) -> RunLog:
        key, uid = _log_key(run.pod), str(run.pod["metadata"]["uid"])
        kept = self._logs.get(key)
        if kept is None or kept.uid != uid:
            if kept is not None:
                kept.end()
            kept = self._logs[key] = _PodLogs(uid)
        return kept.containers.setdefault(str(run.container["name"]), ContainerLogs()).begin(container_id)


class _PodLogs(msgspec.Struct):
    """The logs of one pod by container."""

    uid: str
    containers: dict[str, ContainerLogs] = msgspec.field(default_factory=dict)

    def end(self) -> None:
        for each in self.containers.values():
            each.end()


def _log_key(pod: Obj) -> tuple[str, str]:
    return str(pod["metadata"].get("namespace", "")), str(pod["metadata"]["name"])


def canonical(reference: str) -> str:
    """An image reference with registry and tag, as containerd writes it: `docker.io/library/nginx:1.27`."""
    image = parse_image(reference)
    head, slash, _ = image.repository.partition("/")
    has_registry = slash and ("." in head or ":" in head or head == "localhost")
    if has_registry:
        return f"{image.repository}:{image.tag}"
    return f"docker.io/{image.repository if slash else f'library/{image.repository}'}:{image.tag}"


class _Simulated:
    """A running simulated container. See `RunningContainer`."""

    note_reason = "Simulated"

    def __init__(
        self,
        program: Program,
        *,
        container_id: str,
        log: RunLog,
        pod_ip: str,
        sockets: Sockets,
        clock: Clock,
        stop_seconds: float,
    ) -> None:
        self.container_id = container_id
        self.note = str(getattr(program, "note", ""))
        self._program = program
        self._log = log
        self._pod_ip = pod_ip
        self._sockets = sockets
        self._clock = clock
        self._stop_seconds = stop_seconds
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[Any]] = []
        if program.start_delay_seconds > 0:
            self._tasks.append(asyncio.create_task(self._listen_later(), name=f"listen/{container_id}"))
        else:
            self._listen()
        if program.run is not None:
            background = asyncio.create_task(program.run(), name=f"run/{container_id}")
            background.add_done_callback(self._ended)
            self._tasks.append(background)

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def stop(self, grace_seconds: float) -> Exit:
        if not self._exit.done():
            await self._clock.sleep(min(self._stop_seconds, grace_seconds))
            self._finish(Exit(0) if self._stop_seconds <= grace_seconds else Exit(137))
        return self._exit.result()

    async def _listen_later(self) -> None:
        await self._clock.sleep(self._program.start_delay_seconds)
        self._listen()

    def _listen(self) -> None:
        for port, app in self._program.ports.items():
            self._sockets.listen(self._pod_ip, port, app)

    def _ended(self, background: asyncio.Task[int]) -> None:
        if self._exit.done() or background.cancelled():
            return
        error = background.exception()
        if isinstance(error, AssertionError):
            self._exit.set_exception(error)  # ours, not the program's: whoever waits must hear of it
            self._silence()
        elif error is not None:
            words = f"{type(error).__name__}: {error}"
            self._log.append(words, self._clock.now())
            self._finish(Exit(2, words))
        else:
            self._finish(Exit(background.result()))

    def _finish(self, how: Exit) -> None:
        if not self._exit.done():
            self._exit.set_result(how)
        self._silence()

    def _silence(self) -> None:
        self._log.end()
        for task in self._tasks:
            task.cancel()
        for port in self._program.ports:
            self._sockets.close(self._pod_ip, port)
