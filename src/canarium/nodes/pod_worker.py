"""The life of one pod on its node: sandbox, images, runs, probes, restarts, the end.

Owns: driving the runtime and keeping what is known of each container. Must not know: how status is written; the rules
themselves, which are pure and live in `probes`, `restarts` and `pod_status`.
Everything here waits for a timer or for the runtime: nothing polls.
Source: Kubernetes 1.34 pkg/kubelet (kuberuntime, prober, images), event reasons and messages included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from canarium.clock import Chance, Clock
from canarium.errors import CanariumError
from canarium.kube.decision import EventNote
from canarium.kube.objects import Obj
from canarium.nodes.network import Dialer, HttpRequest, Network, NetworkError
from canarium.nodes.pod_status import ContainerView, PodView, Running, State, Terminated, Waiting
from canarium.nodes.probes import HttpGet, NotRun, Probe, TcpSocket, after, initial, next_due, probes_of
from canarium.nodes.restarts import BackOff, in_words, is_restarted, raised, wait_after
from canarium.nodes.runtime import ContainerRun, PulledImage, PullFailed, RunningContainer, Runtime

PROBE_HEADERS = {"user-agent": "kube-probe/1.34", "accept": "*/*", "connection": "close"}
PULL_BACKOFF_FIRST_SECONDS, PULL_BACKOFF_MOST_SECONDS = 10.0, 300.0
NOTICE_SECONDS = (0.1, 1.0)
"""How long the kubelet takes to notice that a container ended: it looks once a second."""
SANDBOX_RETRY_SECONDS = 10.0


class NoAddressLeft(CanariumError):
    """The node's podCIDR is used up."""


class Dials(Network, Dialer, Protocol):
    """What probes need."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What a pod's worker gets from its node. tell: record an Event about a pod. wake: its status may have changed."""

    ip: str
    clock: Clock
    chance: Chance
    runtime: Runtime
    network: Dials
    take_address: Callable[[], str]
    release_address: Callable[[str], None]
    tell: Callable[[Obj, EventNote], None]
    spawn: Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]]


class _Container(msgspec.Struct):
    """What is known of one container; only its worker changes it."""

    spec: Mapping[str, Any]
    state: State
    last: Terminated | None = None
    image: PulledImage | None = None
    handle: RunningContainer | None = None
    container_id: str = ""
    restart_count: int = 0
    is_ready: bool = False
    has_started: bool = False
    back_off: BackOff | None = None
    started: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    runs: int = 0
    is_told_simulated: bool = False

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    def view(self) -> ContainerView:
        return ContainerView(
            name=self.name,
            image=self.image.name if self.image else str(self.spec.get("image", "")),
            image_id=self.image.image_id if self.image else "",
            container_id=self.container_id,
            state=self.state,
            last=self.last,
            restart_count=self.restart_count,
            is_ready=self.is_ready,
            has_started=self.has_started,
        )


class PodWorker:
    """Drives one pod. `begin` once, `update` with each newer version of the object, `view` at any time."""

    def __init__(self, pod: Obj, host: Host, wake: Callable[[], None]) -> None:
        self.pod = pod
        self.uid = str(pod["metadata"]["uid"])
        self._host = host
        self._wake = wake
        self._chance = host.chance.stream(f"pod/{self.uid}")
        self._since = host.clock.monotonic()
        self._started_at = host.clock.now()
        self._pod_ip = ""
        self._has_sandbox = False
        self._is_ending = False
        self._is_over = False
        first = "PodInitializing" if pod["spec"].get("initContainers") else "ContainerCreating"
        self._init = [_Container(spec, Waiting("PodInitializing")) for spec in pod["spec"].get("initContainers") or ()]
        self._containers = [_Container(spec, Waiting(first)) for spec in pod["spec"]["containers"]]
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def key(self) -> str:
        """`namespace/name`, for task names."""
        return f"{self.pod['metadata'].get('namespace', '')}/{self.pod['metadata']['name']}"

    def begin(self) -> None:
        """Start driving."""
        self._spawn(self._live(), "live")

    def update(self, pod: Obj) -> None:
        """Take notice of a newer version: labels may have changed, or it may have been marked for deletion."""
        self.pod = pod
        if pod["metadata"].get("deletionTimestamp") and not self._is_ending:
            self._is_ending = True
            grace = pod["metadata"].get("deletionGracePeriodSeconds")
            self._spawn(self._end(float(30 if grace is None else grace)), "end")

    def vanish(self) -> None:
        """The object is gone: whatever still runs is killed at once."""
        self._is_ending = True
        self._spawn(self._end(0.0, is_silent=True), "vanish")

    def view(self) -> PodView:
        """What is known now."""
        return PodView(
            host_ip=self._host.ip,
            started_at=self._started_at,
            pod_ip=self._pod_ip,
            has_sandbox=self._has_sandbox,
            init_containers=tuple(each.view() for each in self._init),
            containers=tuple(each.view() for each in self._containers),
            is_over=self._is_over,
        )

    # -- life ---------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        while True:
            try:
                self._pod_ip = self._host.take_address()
                break
            except NoAddressLeft as error:  # as a kubelet whose network plugin has none: tell it, and try again
                note = EventNote(
                    type="Warning",
                    reason="FailedCreatePodSandBox",
                    message=f"Failed to create pod sandbox: {error.problem}",
                )
                self._host.tell(self.pod, note)
                await self._host.clock.sleep(SANDBOX_RETRY_SECONDS)
        await self._host.runtime.open_sandbox(self.pod, self._pod_ip)
        self._has_sandbox = True
        self._changed()
        for each in self._init:
            if not await self._run(each, policy=_init_policy(self.pod)):
                return
        for each in self._containers:
            if each.state == Waiting("PodInitializing"):
                each.state = Waiting("ContainerCreating")
        policy = self.pod["spec"].get("restartPolicy", "Always")
        runs = [self._spawn(self._run(each, policy=policy), each.name) for each in self._containers]
        await asyncio.wait(runs)
        if not self._is_ending:
            self._close_sandbox()

    async def _run(self, container: _Container, *, policy: str) -> bool:
        """Run one container until it is not restarted any more; True when its last run succeeded."""
        while True:
            container.image = await self._image(container)
            handle = await self._host.runtime.start(
                ContainerRun(
                    pod=self.pod, container=container.spec, pod_ip=self._pod_ip, attempt=container.restart_count
                )
            )
            self._mark_running(container, handle)
            probing = [
                self._spawn(self._probe(container, handle, probe), f"{container.name}/{probe.kind}")
                for probe in probes_of(container.spec)
            ]
            how = await handle.wait()
            for task in probing:
                task.cancel()
            ended = self._mark_ended(container, handle, how.code, how.message)
            if self._is_ending or not is_restarted(policy, how.code):
                return how.code == 0
            await self._host.clock.sleep(self._chance.uniform(*NOTICE_SECONDS))
            await self._back_off(container, ended)
            container.restart_count += 1

    async def _back_off(self, container: _Container, ended: Terminated) -> None:
        wait = wait_after(container.back_off, ended.finished_at)
        now = self._host.clock.now()
        container.last = ended
        if wait > timedelta(0):
            words = f"back-off {in_words(wait)} restarting failed container={container.name} pod={self._long_name()}"
            container.state = Waiting("CrashLoopBackOff", words)
            self._changed()
            told = f"Back-off restarting failed container {container.name} in pod {self._long_name()}"
            self._tell("Warning", "BackOff", told)
            await self._host.clock.sleep(max(0.0, (ended.finished_at + wait - now).total_seconds()))
        container.back_off = raised(container.back_off, self._host.clock.now())

    def _mark_running(self, container: _Container, handle: RunningContainer) -> None:
        probes = {probe.kind for probe in probes_of(container.spec)}
        container.handle = handle
        container.container_id = handle.container_id
        container.state = Running(self._host.clock.now())
        container.has_started = "startup" not in probes
        container.is_ready = container.has_started and "readiness" not in probes
        container.started = asyncio.Event()
        if container.has_started:
            container.started.set()
        self._tell("Normal", "Created", f"Created container: {container.name}")
        self._tell("Normal", "Started", f"Started container {container.name}")
        if handle.note and not container.is_told_simulated:
            container.is_told_simulated = True
            self._tell("Normal", "Simulated", handle.note)
        self._changed()

    def _mark_ended(self, container: _Container, handle: RunningContainer, code: int, message: str) -> Terminated:
        running = container.state
        started_at = running.started_at if isinstance(running, Running) else self._started_at
        ended = Terminated(
            exit_code=code,
            reason="Completed" if code == 0 else "Error",
            started_at=started_at,
            finished_at=self._host.clock.now(),
            container_id=handle.container_id,
            message=message,
        )
        container.handle = None
        container.state = ended
        container.is_ready = container.has_started = False
        self._changed()
        return ended

    # -- images -------------------------------------------------------------------------------------------------

    async def _image(self, container: _Container) -> PulledImage:
        """The container's image on the node, pulled if its policy says so; tried for ever, ever more slowly."""
        reference = str(container.spec.get("image", ""))
        policy = container.spec.get("imagePullPolicy") or "IfNotPresent"
        wait = PULL_BACKOFF_FIRST_SECONDS
        while True:
            present = self._host.runtime.image(reference)
            if present is not None and policy != "Always":
                self._tell("Normal", "Pulled", f'Container image "{reference}" already present on machine')
                return present
            if policy == "Never":
                words = f'Container image "{reference}" is not present with pull policy of Never'
                self._tell("Warning", "ErrImageNeverPull", words)
                container.state = Waiting("ErrImageNeverPull", words)
                self._changed()
            else:
                self._tell("Normal", "Pulling", f'Pulling image "{reference}"')
                began = self._host.clock.monotonic()
                try:
                    image = await self._host.runtime.pull(reference)
                except PullFailed as failed:
                    self._tell("Warning", "Failed", f'Failed to pull image "{reference}": {failed}')
                    self._tell("Warning", "Failed", "Error: ErrImagePull")
                    container.state = Waiting("ErrImagePull", str(failed))
                    self._changed()
                    await self._host.clock.sleep(self._chance.uniform(*NOTICE_SECONDS))
                    self._tell("Normal", "BackOff", f'Back-off pulling image "{reference}"')
                    self._tell("Warning", "Failed", "Error: ImagePullBackOff")
                    words = f'Back-off pulling image "{reference}": ErrImagePull: {failed}'
                    container.state = Waiting("ImagePullBackOff", words)
                    self._changed()
                else:
                    took = _go_duration(self._host.clock.monotonic() - began)
                    self._tell(
                        "Normal",
                        "Pulled",
                        f'Successfully pulled image "{reference}" in {took} ({took} including waiting).'
                        f" Image size: {image.size_bytes} bytes.",
                    )
                    return image
            await self._host.clock.sleep(wait)
            wait = min(wait * 2, PULL_BACKOFF_MOST_SECONDS)

    # -- probes -------------------------------------------------------------------------------------------------

    async def _probe(self, container: _Container, handle: RunningContainer, probe: Probe) -> None:
        clock = self._host.clock
        request = _probe_request(probe, self._pod_ip)
        running_since = clock.monotonic()
        is_at_once = False
        if probe.kind != "startup":
            if not container.started.is_set():
                await container.started.wait()
            # The kubelet takes a first readiness outcome as soon as the container counts as started, between ticks.
            is_at_once = probe.kind == "readiness" and clock.monotonic() - running_since >= probe.initial_delay_seconds
        state = initial(probe.kind)
        while True:
            now = clock.monotonic()
            if not is_at_once:
                due = next_due(probe, worker_since=self._since, running_since=running_since, now=now + 0.001)
                await clock.sleep(due - now)
            is_at_once = False
            problem = await self._outcome(probe, request)
            if problem is not None:
                self._tell("Warning", "Unhealthy", f"{probe.kind.capitalize()} probe failed: {problem}")
            state = after(probe, state, problem is None)
            if state.is_over:
                if not self._is_ending:
                    told = f"Container {container.name} failed {probe.kind} probe, will be restarted"
                    self._tell("Normal", "Killing", told)
                    grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
                    self._spawn(handle.stop(grace), f"{container.name}/stop")
                return
            if probe.kind == "readiness" and state.has_passed != container.is_ready:
                container.is_ready = state.has_passed
                self._changed()
            elif probe.kind == "startup" and state.has_passed:
                container.has_started = True
                container.is_ready = not container.spec.get("readinessProbe")
                container.started.set()
                self._changed()
                return

    async def _outcome(self, probe: Probe, request: HttpRequest | None) -> str | None:
        """None when it went well, else what went wrong."""
        try:
            if request is not None:
                answer = await self._host.network.request(request, timeout_seconds=probe.timeout_seconds)
                if 200 <= answer.status < 400:
                    return None
                return f"HTTP probe failed with statuscode: {answer.status}"
            if isinstance(probe.action, TcpSocket):
                await self._host.network.dial(self._pod_ip, probe.action.port, timeout_seconds=probe.timeout_seconds)
        except NetworkError as error:
            return str(error)
        return None

    # -- the end ------------------------------------------------------------------------------------------------

    async def _end(self, grace_seconds: float, *, is_silent: bool = False) -> None:
        """Stop what runs, each within the grace period; then nothing is left to do but to say so."""
        me = asyncio.current_task()
        running = [each for each in (*self._init, *self._containers) if each.handle is not None]
        if not running:
            for task in self._tasks:
                if task is not me:
                    task.cancel()
        if not is_silent:
            for each in running:
                self._tell("Normal", "Killing", f"Stopping container {each.name}")
        await asyncio.gather(*(self._stop(each, grace_seconds) for each in running))
        await self._host.clock.sleep(0)  # let the runs see how they ended
        for task in self._tasks:
            if task is not me:
                task.cancel()
        self._close_sandbox()
        self._is_over = True
        if is_silent:
            self._host.runtime.remove_logs(self.pod)
        else:
            self._changed()

    async def _stop(self, container: _Container, grace_seconds: float) -> None:
        assert container.handle is not None, container.name
        hook = ((container.spec.get("lifecycle") or {}).get("preStop") or {}).get("sleep") or {}
        pause = min(float(hook.get("seconds", 0)), grace_seconds)
        if pause:
            await self._host.clock.sleep(pause)
        handle = container.handle
        if handle is not None:
            how = await handle.stop(grace_seconds - pause)
            if container.handle is handle:
                self._mark_ended(container, handle, how.code, how.message)

    def _close_sandbox(self) -> None:
        if self._has_sandbox:
            self._has_sandbox = False
            self._host.runtime.close_sandbox(self._pod_ip)
            self._host.release_address(self._pod_ip)
            self._changed()

    # -- small things -------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self._wake()

    def _tell(self, kind: str, reason: str, message: str) -> None:
        self._host.tell(
            self.pod, EventNote(type="Warning" if kind == "Warning" else "Normal", reason=reason, message=message)
        )

    def _spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        task = self._host.spawn(work, f"pod/{self.key}/{what}")
        self._tasks = [kept for kept in self._tasks if not kept.done()]
        self._tasks.append(task)
        return task

    def _long_name(self) -> str:
        metadata = self.pod["metadata"]
        return f"{metadata['name']}_{metadata.get('namespace', '')}({metadata['uid']})"


def _init_policy(pod: Obj) -> str:
    """Init containers of a pod that always restarts are repeated until they succeed."""
    policy = pod["spec"].get("restartPolicy", "Always")
    return "OnFailure" if policy == "Always" else str(policy)


def _probe_request(probe: Probe, pod_ip: str) -> HttpRequest | None:
    action = probe.action
    if not isinstance(action, HttpGet):
        assert isinstance(action, TcpSocket | NotRun), action
        return None
    headers = {**PROBE_HEADERS, **{name.lower(): value for name, value in action.headers}}
    return HttpRequest("GET", f"{action.scheme}://{pod_ip}:{action.port}{action.path}", headers)


def _go_duration(seconds: float) -> str:
    """As Go prints a duration rounded to milliseconds: `1.25s`, `420ms`."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds < 1000 else f"{milliseconds / 1000:g}s"
