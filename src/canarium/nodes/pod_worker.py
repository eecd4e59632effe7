"""The life of one pod on its node: sandbox, images, runs, probes, restarts, the end.

Owns: driving the runtime and keeping what is known of each container. Must not know: how status is written; the rules
themselves, which are pure and live in `probes`, `restarts` and `pod_status`.
Everything here waits for a timer or for the runtime: nothing polls. Waits are monotonic, time stamps are the clock's.
Source: Kubernetes 1.34 pkg/kubelet (kuberuntime, prober, images, lifecycle), event reasons and messages included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from canarium.clock import Chance, Clock
from canarium.errors import CanariumError
from canarium.kube.decision import EventNote
from canarium.kube.objects import Obj
from canarium.nodes.network import Dialer, HttpRequest, Network, NetworkError, ProbeVoid
from canarium.nodes.pod_status import ContainerView, PodView, Running, State, Terminated, Waiting
from canarium.nodes.probes import (
    Hook,
    HttpGet,
    Probe,
    Sleep,
    TcpSocket,
    after,
    departures,
    hook_of,
    initial,
    next_due,
    probes_of,
)
from canarium.nodes.restarts import BackOff, in_words, is_restarted, raised, wait_after
from canarium.nodes.runtime import (
    ContainerRun,
    Exit,
    PulledImage,
    PullFailed,
    RunningContainer,
    Runtime,
    StartRefused,
)

PROBE_HEADERS = {"user-agent": "kube-probe/1.34", "accept": "*/*", "connection": "close"}
PULL_BACKOFF_FIRST_SECONDS, PULL_BACKOFF_MOST_SECONDS = 10.0, 300.0
NOTICE_SECONDS = (0.1, 1.0)
"""How long the kubelet takes to notice that a container ended: it looks once a second."""
SANDBOX_RETRY_SECONDS = 10.0
START_RETRY_SECONDS = (10.0, 15.0)
"""When the kubelet looks again at a pod whose container could not be started (workers' back-off with jitter)."""
HOOK_HEADERS = {"user-agent": "kube-lifecycle/1.34", "accept": "*/*", "connection": "close"}
POST_START_SECONDS = 60.0
"""How long an answer to a postStart request is waited for; the kubelet has no limit."""
LEAST_STOP_SECONDS = 2.0
"""What the kubelet leaves a container to end by itself when the grace period went for hooks and other containers."""
START_ERROR_CODE, START_ERROR = 128, "StartError"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a run began that never came to run, as containerd reports it."""


class NoAddressLeft(CanariumError):
    """The node's podCIDR is used up."""


class Dials(Network, Dialer, Protocol):
    """What probes and hooks need. Either may raise ProbeVoid, and then the probe's outcome counts for nothing."""


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
    begun: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    """Set once a run of it has started for the first time, and so the next init container may."""
    attending: list[asyncio.Task[Any]] = msgspec.field(default_factory=list)
    """Hook and probes of the current run."""
    ended_at: float = 0.0
    is_sidecar: bool = False
    is_told: bool = False
    is_told_note: bool = False

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
            is_sidecar=self.is_sidecar,
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
        self._is_winding_down = False
        self._is_over = False
        self._grace_seconds = 0.0
        first = "PodInitializing" if pod["spec"].get("initContainers") else "ContainerCreating"
        self._init = [
            _Container(spec, Waiting("PodInitializing"), is_sidecar=spec.get("restartPolicy") == "Always")
            for spec in pod["spec"].get("initContainers") or ()
        ]
        self._containers = [_Container(spec, Waiting(first)) for spec in pod["spec"]["containers"]]
        self._tasks: list[asyncio.Task[Any]] = []
        self._sidecars: list[tuple[_Container, asyncio.Task[Any]]] = []

    @property
    def key(self) -> str:
        """`namespace/name`, for task names."""
        return f"{self.pod['metadata'].get('namespace', '')}/{self.pod['metadata']['name']}"

    def begin(self) -> None:
        """Start driving."""
        self._spawn(self._live(), "live")

    def update(self, pod: Obj) -> None:
        """Take notice of a newer version: labels and annotations may have changed, or it may have been marked for
        deletion, or to be deleted sooner."""
        former, self.pod = self.pod, pod
        if pod["metadata"].get("annotations") != former["metadata"].get("annotations"):
            self._host.runtime.adjust(pod)
        if not pod["metadata"].get("deletionTimestamp"):
            return
        said = pod["metadata"].get("deletionGracePeriodSeconds")
        grace = float(30 if said is None else said)
        if not self._is_ending:
            self._is_ending = True
            self._spawn(self._end(grace), "end")
        elif grace < self._grace_seconds and not self._is_over:
            self._spawn(self._hasten(grace), "hasten")
        self._grace_seconds = grace

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
            if each.is_sidecar:
                self._sidecars.append((each, self._spawn(self._run(each, policy="Always"), each.name)))
                await each.begun.wait()
            elif not await self._run(each, policy=_init_policy(self.pod)) or self._is_ending:
                await self._wind_down()
                return
        for each in self._containers:
            if each.state == Waiting("PodInitializing"):
                each.state = Waiting("ContainerCreating")
        policy = self.pod["spec"].get("restartPolicy", "Always")
        runs = [self._spawn(self._run(each, policy=policy), each.name) for each in self._containers]
        await asyncio.wait(runs)
        await self._wind_down()

    async def _wind_down(self) -> None:
        """The pod has run its course: stop its sidecars, and take its network away."""
        if self._is_ending:
            return
        self._is_winding_down = True
        for each, task in self._sidecars:
            if each.handle is None:
                task.cancel()
                each.state = each.last or each.state
        running = [each for each, _ in self._sidecars if each.handle is not None]
        if running:
            for each in running:
                self._tell("Normal", "Killing", f"Stopping container {each.name}")
            await self._stop_all(running, self._pod_grace())
        if not self._is_ending:
            self._close_sandbox()

    async def _run(self, container: _Container, *, policy: str) -> bool:
        """Run one container until it is not restarted any more; True when its last run succeeded."""
        while not self._is_ending:
            ended = await self._once(container)
            if ended is None:
                await self._host.clock.sleep(self._chance.uniform(*START_RETRY_SECONDS))
                continue
            if self._is_ending or self._is_winding_down or not is_restarted(policy, ended.exit_code):
                return ended.exit_code == 0
            if ended.reason == START_ERROR:
                container.last, container.state = ended, Waiting("RunContainerError", ended.message)
                self._changed()
            await self._host.clock.sleep(self._chance.uniform(*NOTICE_SECONDS))
            await self._back_off(container, ended)
            container.restart_count += 1
        return False

    async def _once(self, container: _Container) -> Terminated | None:
        """Run one container once; None when it could not even be created, so that it does not count."""
        container.image = await self._image(container)
        run = ContainerRun(pod=self.pod, container=container.spec, pod_ip=self._pod_ip, attempt=container.restart_count)
        try:
            handle = await self._host.runtime.start(run)
        except StartRefused as refused:
            return self._mark_refused(container, refused)
        self._mark_running(container, handle)
        hook = hook_of(container.spec, "postStart")
        if hook is None:
            self._attend(container, handle)
        else:
            container.attending = [
                self._spawn(self._post_start(container, handle, hook), f"{container.name}/postStart")
            ]
        how = await handle.wait()
        for task in container.attending:
            task.cancel()
        return self._mark_ended(container, handle, how)

    async def _back_off(self, container: _Container, ended: Terminated) -> None:
        clock = self._host.clock
        wait = wait_after(container.back_off, container.ended_at)
        due = container.ended_at + wait.total_seconds()
        container.last = ended
        if wait > timedelta(0):
            words = f"back-off {in_words(wait)} restarting failed container={container.name} pod={self._long_name()}"
            container.state = Waiting("CrashLoopBackOff", words)
            self._changed()
            told = f"Back-off restarting failed container {container.name} in pod {self._long_name()}"
            self._tell("Warning", "BackOff", told)
            await clock.sleep(max(0.0, due - clock.monotonic()))
        container.back_off = raised(container.back_off, clock.monotonic())

    def _mark_running(self, container: _Container, handle: RunningContainer) -> None:
        container.handle = handle
        container.container_id = handle.container_id
        container.state = Running(self._host.clock.now())
        container.has_started = container.is_ready = False
        container.started = asyncio.Event()
        if not container.spec.get("startupProbe") and hook_of(container.spec, "postStart") is None:
            _mark_started(container)
        self._tell("Normal", "Created", f"Created container: {container.name}")
        self._tell("Normal", "Started", f"Started container {container.name}")
        if handle.note and not container.is_told_note:
            container.is_told_note = True
            self._tell("Normal", handle.note_reason, handle.note)
        if not container.is_told:
            container.is_told = True
            for kind, reason, message in departures(container.spec):
                self._tell(kind, reason, message)
        self._changed()

    def _mark_refused(self, container: _Container, refused: StartRefused) -> Terminated | None:
        words = str(refused)
        if refused.is_started:
            self._tell("Normal", "Created", f"Created container: {container.name}")
        self._tell("Warning", "Failed", f"Error: {words}")
        if not refused.is_started:
            container.state = Waiting(refused.reason, words)
            self._changed()
            return None
        ended = Terminated(
            exit_code=START_ERROR_CODE,
            reason=START_ERROR,
            started_at=_NEVER,
            finished_at=self._host.clock.now(),
            container_id="",
            message=words,
        )
        container.container_id = ""
        container.ended_at = self._host.clock.monotonic()
        container.state = ended
        self._changed()
        return ended

    def _mark_ended(self, container: _Container, handle: RunningContainer, how: Exit) -> Terminated:
        running = container.state
        if container.handle is not handle and isinstance(running, Terminated):
            return running  # whoever stopped it saw it first
        started_at = running.started_at if isinstance(running, Running) else self._started_at
        ended = Terminated(
            exit_code=how.code,
            reason=how.reason or ("Completed" if how.code == 0 else "Error"),
            started_at=started_at,
            finished_at=self._host.clock.now(),
            container_id=handle.container_id,
            message=how.message,
        )
        container.handle = None
        container.ended_at = self._host.clock.monotonic()
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

    # -- hooks and probes ---------------------------------------------------------------------------------------

    async def _post_start(self, container: _Container, handle: RunningContainer, hook: Hook) -> None:
        """Do the hook; the container counts as started, and is probed, only after it."""
        if not await self._hook(hook, POST_START_SECONDS):
            self._tell("Warning", "FailedPostStartHook", "PostStartHook failed")
            self._tell("Normal", "Killing", "FailedPostStartHook")
            self._spawn(self._kill(container, handle, self._pod_grace()), f"{container.name}/stop")
            return
        if not container.spec.get("startupProbe"):
            _mark_started(container)
            self._changed()
        self._attend(container, handle)

    async def _pre_stop(self, container: _Container, grace_seconds: float) -> float:
        """Do the hook within the grace period; returns what is left of that."""
        hook = hook_of(container.spec, "preStop")
        if hook is None or grace_seconds <= 0:
            return grace_seconds
        began = self._host.clock.monotonic()
        if not await self._hook(hook, grace_seconds):
            self._tell("Warning", "FailedPreStopHook", "PreStopHook failed")
        return max(grace_seconds - (self._host.clock.monotonic() - began), LEAST_STOP_SECONDS)

    async def _hook(self, hook: Hook, timeout_seconds: float) -> bool:
        """True when it could be done. Any answer will do, as for the kubelet: its status is not looked at."""
        if isinstance(hook, Sleep):
            await self._host.clock.sleep(min(hook.seconds, timeout_seconds))
            return True
        try:
            await self._host.network.request(
                _request(hook, self._pod_ip, HOOK_HEADERS), timeout_seconds=timeout_seconds
            )
        except ProbeVoid:
            return True  # it was sent for all we know, and a container is not to pay for our being busy
        except NetworkError:
            return False
        return True

    def _attend(self, container: _Container, handle: RunningContainer) -> None:
        container.attending = [
            self._spawn(self._probe(container, handle, probe), f"{container.name}/{probe.kind}")
            for probe in probes_of(container.spec)
        ]

    async def _probe(self, container: _Container, handle: RunningContainer, probe: Probe) -> None:
        clock = self._host.clock
        action = probe.action
        request = _request(action, self._pod_ip, PROBE_HEADERS) if isinstance(action, HttpGet) else None
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
            try:
                problem = await self._outcome(probe, request)
            except ProbeVoid:
                continue  # nobody knows how it went: look again at the next tick
            if problem is not None:
                self._tell("Warning", "Unhealthy", f"{probe.kind.capitalize()} probe failed: {problem}")
            state = after(probe, state, problem is None)
            if state.is_over:
                if not self._is_ending:
                    told = f"Container {container.name} failed {probe.kind} probe, will be restarted"
                    self._tell("Normal", "Killing", told)
                    grace = self._pod_grace() if probe.grace_seconds is None else float(probe.grace_seconds)
                    self._spawn(self._kill(container, handle, grace), f"{container.name}/stop")
                return
            if probe.kind == "readiness" and state.has_passed != container.is_ready:
                container.is_ready = state.has_passed
                self._changed()
            elif probe.kind == "startup" and state.has_passed:
                _mark_started(container)
                self._changed()
                return

    async def _outcome(self, probe: Probe, request: HttpRequest | None) -> str | None:
        """None when it went well, else what went wrong. Raises ProbeVoid."""
        try:
            if request is not None:
                answer = await self._host.network.request(request, timeout_seconds=probe.timeout_seconds)
                if 200 <= answer.status < 400:
                    return None
                return f"HTTP probe failed with statuscode: {answer.status}"
            if isinstance(probe.action, TcpSocket):
                await self._host.network.dial(self._pod_ip, probe.action.port, timeout_seconds=probe.timeout_seconds)
        except ProbeVoid:
            raise
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
        await self._stop_all(running, grace_seconds)
        if late := [each for each in (*self._init, *self._containers) if each.handle is not None]:
            await self._stop_all(late, min(grace_seconds, LEAST_STOP_SECONDS))  # their start was under way
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

    async def _hasten(self, grace_seconds: float) -> None:
        """Whoever deletes the pod again wants it gone sooner; hooks that still run are left to their time."""
        running = [each.handle for each in (*self._init, *self._containers) if each.handle is not None]
        await asyncio.gather(*(handle.stop(grace_seconds) for handle in running))

    async def _stop_all(self, running: Sequence[_Container], grace_seconds: float) -> None:
        """Stop containers, given in the pod's order: all at once, but a sidecar only after those that come after it."""
        handles = [each.handle for each in running if each.handle is not None]
        await asyncio.gather(
            *(
                self._stop(each, grace_seconds, handles[place + 1 :] if each.is_sidecar else ())
                for place, each in enumerate(running)
            )
        )

    async def _stop(
        self, container: _Container, grace_seconds: float, earlier: Sequence[RunningContainer] = ()
    ) -> None:
        """Stop a container after its hook, and after `earlier` have ended or the grace period has."""
        handle = container.handle
        assert handle is not None, container.name
        left = await self._pre_stop(container, grace_seconds)
        if earlier and left > 0:
            began = self._host.clock.monotonic()
            waits = [self._spawn(each.wait(), f"{container.name}/turn") for each in earlier]
            await asyncio.wait(waits, timeout=left)
            for wait in waits:
                wait.cancel()
            left = max(left - (self._host.clock.monotonic() - began), LEAST_STOP_SECONDS)
        if container.handle is handle:
            how = await handle.stop(left)
            if container.handle is handle:
                self._mark_ended(container, handle, how)

    async def _kill(self, container: _Container, handle: RunningContainer, grace_seconds: float) -> None:
        """Stop a container that is to be restarted."""
        await handle.stop(await self._pre_stop(container, grace_seconds))

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

    def _pod_grace(self) -> float:
        said = self.pod["spec"].get("terminationGracePeriodSeconds")
        return float(30 if said is None else said)

    def _long_name(self) -> str:
        metadata = self.pod["metadata"]
        return f"{metadata['name']}_{metadata.get('namespace', '')}({metadata['uid']})"


def _init_policy(pod: Obj) -> str:
    """Init containers of a pod that always restarts are repeated until they succeed."""
    policy = pod["spec"].get("restartPolicy", "Always")
    return "OnFailure" if policy == "Always" else str(policy)


def _mark_started(container: _Container) -> None:
    container.has_started = True
    container.is_ready = not container.spec.get("readinessProbe")
    container.started.set()
    container.begun.set()


def _request(action: HttpGet, pod_ip: str, headers: Mapping[str, str]) -> HttpRequest:
    said = {name.lower(): value for name, value in action.headers}
    return HttpRequest("GET", f"{action.scheme}://{pod_ip}:{action.port}{action.path}", {**headers, **said})


def _go_duration(seconds: float) -> str:
    """As Go prints a duration rounded to milliseconds: `1.25s`, `420ms`."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds < 1000 else f"{milliseconds / 1000:g}s"
