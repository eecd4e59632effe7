"""The runtime that runs containers as processes of this machine, where an image is bundled or mapped.

Owns: which command a container is, its working folder and log files, starting and ending it through the warden, and
what chaos asks of it. Must not know: how processes are held (the warden's), probes, the API.
Images that nobody mapped are played by the simulated runtime behind this one.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from canarium.clock import Clock
from canarium.kube.objects import Obj
from canarium.nodes.behaviour import Behaviour
from canarium.nodes.chaos import in_force, readiness_path, to_control
from canarium.nodes.environment import Addresses, container_environment, expand
from canarium.nodes.image_map import ImageMap, mapped_environment, resolved_argv, working_dir_for
from canarium.nodes.images.table import BUNDLED, program_argv, program_ports, program_words
from canarium.nodes.log_files import FileLogs, Growth
from canarium.nodes.logs import Runs
from canarium.nodes.loopback import LOOPBACK, Loopback
from canarium.nodes.program import ContainerContext, ImageTable, Program, generic_program
from canarium.nodes.runtime import (
    ContainerRun,
    Exit,
    PulledImage,
    RunningContainer,
    SimulatedRuntime,
    StartRefused,
    canonical,
    container_id,
    image_id,
)
from canarium.nodes.warden_client import SpawnFailed, Warden, WardenLost
from canarium.text.quantity import parse_quantity


def _bundled_images() -> ImageTable:
    table = ImageTable()
    for pattern, program in BUNDLED.items():
        table.add(pattern, _Bundled(program))
    return table


class _Bundled:
    """A row of the table of bundled images."""

    def __init__(self, program: str) -> None:
        self.program = program

    def __call__(self, context: ContainerContext) -> Program:
        return generic_program(context)


_BUNDLED_IMAGES = _bundled_images()


def bundled(image: str) -> str | None:
    """The bundled program that stands for an image; None when there is none."""
    row = _BUNDLED_IMAGES.factory(image)
    return row.program if isinstance(row, _Bundled) else None


BUNDLED_BYTES = 512 << 20
"""What a bundled program may take when its container sets no limit: one that is told to leak must end."""


class Facts(Protocol):
    """What a container's environment may name, as the API has it now."""

    def config_map(self, namespace: str, name: str) -> Obj | None:
        """A ConfigMap, None when there is none."""
        ...

    def secret(self, namespace: str, name: str) -> Obj | None:
        """A Secret, None when there is none."""
        ...

    def services(self, namespace: str) -> Sequence[Obj]:
        """The Services of a namespace."""
        ...

    def replica_set(self, pod: Obj) -> Obj | None:
        """The ReplicaSet that made a pod, None for a pod that nobody's ReplicaSet made."""
        ...

    def proxy_url(self, namespace: str) -> str:
        """The HTTP proxy that knows the cluster's names, for programs of a namespace; empty when there is none."""
        ...


class FarSockets(Protocol):
    """Where it is said that a pod's ports are outside this process; `LabNetwork` with a `Far` is one."""

    def attach_far(self, address: str) -> None:
        """See `LabNetwork`."""
        ...


class ProcessRuntime:
    """Runs bundled and mapped images as processes under a warden, and plays the others. See `Runtime`."""

    name = "containerd"

    def __init__(
        self,
        simulated: SimulatedRuntime,
        images: ImageMap,
        *,
        warden: Callable[[], Warden],
        facts: Facts,
        sockets: FarSockets,
        loopback: Loopback,
        folder: Path,
        clock: Clock,
        path: str,
    ) -> None:
        self._simulated = simulated
        self._images = images
        self._warden = warden
        self._facts = facts
        self._sockets = sockets
        self._loopback = loopback
        self._folder = folder
        self._clock = clock
        self._path = path
        self._logs: dict[tuple[str, str], dict[str, FileLogs]] = {}
        self._log_owners: dict[tuple[str, str], str] = {}
        self._running: dict[str, dict[str, _Process]] = {}
        self._pods: dict[str, Obj] = {}

    # -- images -------------------------------------------------------------------------------------------------

    def is_process(self, image: str) -> bool:
        """Whether containers of this image are processes."""
        return self._images.lookup(image) is not None or bundled(image) is not None

    def image(self, reference: str) -> PulledImage | None:
        """See `Runtime`."""
        if not self.is_process(reference):
            return self._simulated.image(reference)
        return PulledImage(canonical(reference), image_id(reference), 0)

    async def pull(self, reference: str) -> PulledImage:
        """See `Runtime`."""
        found = self.image(reference) if self.is_process(reference) else None
        return found or await self._simulated.pull(reference)

    # -- pods ---------------------------------------------------------------------------------------------------

    def pods(self) -> Sequence[Obj]:
        """The pods that have run something here, as they were last seen."""
        return tuple(self._pods.values())

    async def open_sandbox(self, pod: Obj, pod_ip: str) -> None:
        """See `Runtime`."""
        await self._simulated.open_sandbox(pod, pod_ip)
        spec = pod["spec"]
        containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
        if any(self.is_process(str(each.get("image", ""))) for each in containers):
            self._sockets.attach_far(pod_ip)

    def close_sandbox(self, pod_ip: str) -> None:
        """See `Runtime`."""
        self._simulated.close_sandbox(pod_ip)

    def logs(self, namespace: str, pod: str, container: str) -> Runs | None:
        """See `Runtime`."""
        return self._logs.get((namespace, pod), {}).get(container) or self._simulated.logs(namespace, pod, container)

    def remove_logs(self, pod: Obj) -> None:
        """See `Runtime`."""
        self._simulated.remove_logs(pod)
        uid = str(pod["metadata"]["uid"])
        self._running.pop(uid, None)
        self._pods.pop(uid, None)
        if self._log_owners.get(_key(pod)) == uid:  # else a later pod of this name has begun
            del self._log_owners[_key(pod)]
            for kept in self._logs.pop(_key(pod), {}).values():
                kept.remove()
        shutil.rmtree(self._pod_folder(pod), ignore_errors=True)

    def adjust(self, pod: Obj) -> None:
        """See `Runtime`: what chaos asks of the pod's bundled programs may have changed."""
        self._simulated.adjust(pod)
        if pod["metadata"]["uid"] in self._pods:
            self._pods[pod["metadata"]["uid"]] = pod
        for process in self._running.get(str(pod["metadata"]["uid"]), {}).values():
            process.behave(self._behaviour(pod, process.container))

    def _behaviour(self, pod: Obj, container: Mapping[str, Any]) -> dict[str, Any]:
        """What chaos asks of a container; empty when it asks for nothing."""
        wish = in_force(pod, self._facts.replica_set(pod))
        return to_control(wish.behaviour, container) if wish.source else {}

    def _pod_folder(self, pod: Obj) -> Path:
        metadata = pod["metadata"]
        return self._folder / f"{metadata.get('namespace', '')}_{metadata['name']}_{metadata['uid']}"

    async def drain(self, limit_seconds: float) -> None:
        """End every process in good order, all at once; kill what has not ended by then."""
        live = [process for pod in self._running.values() for process in pod.values()]
        await asyncio.gather(*(process.stop(limit_seconds) for process in live))

    # -- containers ---------------------------------------------------------------------------------------------

    async def start(self, run: ContainerRun) -> RunningContainer:
        """See `Runtime`. Raises StartRefused."""
        if not self.is_process(str(run.container.get("image", ""))):
            return await self._simulated.start(run)
        command = self._command(run)
        metadata, name = run.pod["metadata"], str(run.container["name"])
        folder = self._pod_folder(run.pod) / name
        log = folder / f"{run.attempt}.log"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if command.cwd is None:
                (folder / "work").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StartRefused("CreateContainerError", f"mkdir {error.filename}: {error.strerror}") from error
        run_id = container_id(self.name, run)
        warden = self._warden()
        wanted = self._behaviour(run.pod, run.container) if command.is_bundled else {}
        env = {**command.env, "CANARIUM_CHAOS": msgspec.json.encode(wanted).decode()} if wanted else command.env
        try:
            await warden.spawn(
                run_id,
                argv=command.argv,
                env=env,
                cwd=command.cwd or folder / "work",
                log=log,
                control=command.is_bundled,
                memory_bytes=memory_limit(run.container) or (BUNDLED_BYTES if command.is_bundled else None),
            )
        except SpawnFailed as failed:
            raise StartRefused("RunContainerError", failed.problem, is_started=True) from failed
        except WardenLost as lost:  # a new one is under way, and the kubelet tries again
            raise StartRefused("CreateContainerError", lost.problem) from lost

        def follow() -> None:
            warden.on_wrote(run_id, growth.wrote)

        growth = self._log_of(run).begin(run_id, log, on_follow=follow)
        process = _Process(run_id, command, run.container, wanted, warden, self._clock, growth)
        self._running.setdefault(str(metadata["uid"]), {})[name] = process
        return process

    def _log_of(self, run: ContainerRun) -> FileLogs:
        """The log files of a container; those of a former pod of the same name go."""
        uid, key = str(run.pod["metadata"]["uid"]), _key(run.pod)
        if self._log_owners.get(key) != uid:
            self._log_owners[key] = uid
            for kept in self._logs.pop(key, {}).values():
                kept.remove()
        self._pods.setdefault(uid, run.pod)
        return self._logs.setdefault(key, {}).setdefault(str(run.container["name"]), FileLogs())

    def _command(self, run: ContainerRun) -> _Command:
        """What to run for a container. Raises StartRefused."""
        image, namespace = str(run.container.get("image", "")), str(run.pod["metadata"].get("namespace", ""))
        pod = {**run.pod, "status": {**(run.pod.get("status") or {}), "podIP": run.pod_ip}}
        facts = self._facts
        asked, notes = container_environment(
            pod,
            run.container,
            config_map=lambda name: facts.config_map(namespace, name),
            secret=lambda name: facts.secret(namespace, name),
            services=facts.services(namespace),
            addresses=Addresses(
                pod_ip=self._loopback.host_of(run.pod_ip), host_ip=LOOPBACK, place=self._loopback.place
            ),
        )
        base = self._base_environment(run, namespace)
        env = {**base, **asked}
        mapping = self._images.lookup(image)
        if mapping is None:
            program = bundled(image)
            assert program is not None, image
            words = {
                part: [expand(str(word), env) for word in run.container.get(part) or ()] for part in ("command", "args")
            }
            listens = program_ports(program, program_words(program, words), env, image)
            own = {
                "CANARIUM_IMAGE": image,
                "CANARIUM_PORTS": msgspec.json.encode(self._moved_ports(run, listens)).decode(),
                "CANARIUM_READY_PATH": readiness_path(run.container) or "/readyz",
                "HOSTNAME": str(run.pod["metadata"]["name"]),
            }
            argv = (sys.executable, *program_argv(program, words))
            return _Command(argv=argv, env={**env, **own}, is_bundled=True, note=" ".join(notes))
        env = mapped_environment(mapping, asked, base)
        argv = resolved_argv(mapping, run.container, env, search_path=env["PATH"])
        note = f'Image "{image}" is mapped: {argv[0]} runs on this machine.'
        folder = working_dir_for(mapping, run.container)
        return _Command(argv=argv, env=env, cwd=folder, note=" ".join((note, *notes)))

    def _moved_ports(self, run: ContainerRun, listens: Sequence[int]) -> dict[str, int]:
        """Where the ports of a bundled program really are, as far as they are not in their places."""
        places = {port: self._loopback.place(run.pod_ip, port)[1] for port in listens}
        return {str(port): real for port, real in places.items() if real != port}

    def _base_environment(self, run: ContainerRun, namespace: str) -> dict[str, str]:
        """What every process gets: where it may listen, and how it reaches names of the cluster."""
        host = self._loopback.host_of(run.pod_ip)
        env = {"PATH": self._path, "POD_IP": host, "HOSTNAME": str(run.pod["metadata"]["name"])}
        ports = [int(each["containerPort"]) for each in run.container.get("ports") or ()]
        if ports:
            env["PORT"] = str(self._loopback.place(run.pod_ip, ports[0])[1])
        proxy = self._facts.proxy_url(namespace)
        if proxy:
            # Programs on loopback addresses need no proxy, and most know no wildcard for 127.0.0.0/8 but by prefix.
            env |= dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"), proxy)
            env |= dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.0/8")
        return env


class _Command(msgspec.Struct, frozen=True, kw_only=True):
    """A container as a command. cwd: None for a folder of its own."""

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path | None = None
    is_bundled: bool = False
    note: str = ""


class _Process:
    """A container that is a process. See `RunningContainer`."""

    def __init__(
        self,
        container_id: str,
        command: _Command,
        container: Mapping[str, Any],
        behaviour: dict[str, Any],
        warden: Warden,
        clock: Clock,
        growth: Growth,
    ) -> None:
        self.container_id = container_id
        self.container = container
        self.note = command.note
        self.note_reason = "EnvironmentChanged" if command.is_bundled else "Mapped"
        self._is_bundled = command.is_bundled
        self._warden = warden
        self._clock = clock
        self._growth = growth
        self._told = behaviour
        self._exit = asyncio.ensure_future(self._ended())

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def stop(self, grace_seconds: float) -> Exit:
        if not self._exit.done() and grace_seconds > 0:
            self._warden.signal(self.container_id, signal.SIGTERM)
            limit = asyncio.ensure_future(self._clock.sleep(grace_seconds))
            await asyncio.wait((self._exit, limit), return_when=asyncio.FIRST_COMPLETED)
            limit.cancel()
        if not self._exit.done():
            self._warden.kill(self.container_id)
        return await self.wait()

    def behave(self, behaviour: dict[str, Any]) -> None:
        """Tell a bundled program how to behave, if that is something else than it was told last."""
        if self._is_bundled and behaviour != self._told:
            self._told = behaviour
            self._warden.control(self.container_id, behaviour or to_control(Behaviour(), self.container))

    async def _ended(self) -> Exit:
        ended = await self._warden.exited(self.container_id)
        self._growth.end()
        return Exit(ended.code, signal=ended.signal, reason="OOMKilled" if ended.is_oom else "")


def _key(pod: Obj) -> tuple[str, str]:
    return str(pod["metadata"].get("namespace", "")), str(pod["metadata"]["name"])


def memory_limit(container: Mapping[str, Any]) -> int | None:
    """The container's memory limit in bytes, None for none."""
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    return None if limit is None else int(parse_quantity(str(limit)))
