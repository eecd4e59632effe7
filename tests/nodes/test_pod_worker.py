"""The life of a pod: what its status and events say when starts fail, sidecars stay, hooks run and clocks jump."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
import pytest

from canarium.clock import Chance, VirtualClock, run_virtual
from canarium.kube.decision import EventNote
from canarium.kube.objects import Obj, condition
from canarium.nodes.logs import ContainerLogs
from canarium.nodes.network import HttpRequest, HttpResponse, NetworkError, ProbeVoid
from canarium.nodes.pod_status import pod_status
from canarium.nodes.pod_worker import Host, PodWorker
from canarium.nodes.program import ContainerContext, generic_program
from canarium.nodes.runtime import ContainerRun, Exit, PulledImage, RunningContainer, StartRefused

T = TypeVar("T")


class Play(msgspec.Struct, frozen=True):
    """How one run goes. seconds: when it ends by itself, None for never. stop_seconds: how long it takes to stop."""

    how: Exit = Exit(0)
    seconds: float | None = None
    stop_seconds: float = 0.5
    refused: StartRefused | None = None


class Player:
    """A running container that goes by its `Play`."""

    note = ""
    note_reason = "Simulated"

    def __init__(self, stage: Stage, name: str, number: int, play: Play) -> None:
        self.container_id = f"play://{name}-{number}"
        self._stage, self._name, self._play = stage, name, play
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        if play.seconds is not None:
            asyncio.get_running_loop().call_later(play.seconds, self._finish, play.how)

    def _finish(self, how: Exit) -> None:
        if not self._exit.done():
            self._stage.did("ended", self._name)
            self._exit.set_result(how)

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def stop(self, grace_seconds: float) -> Exit:
        if not self._exit.done():
            self._stage.did(f"stop in {grace_seconds:g} s", self._name)
            await asyncio.wait([self._exit], timeout=min(grace_seconds, self._play.stop_seconds))
            self._finish(Exit(0) if self._play.stop_seconds <= grace_seconds else Exit(137))
        return self._exit.result()


class Stage:
    """One pod with its worker, and a runtime and network that do as they are told.

    plays: by container, its runs in turn; the last one is repeated. answers: by `METHOD url`, a status or an error.
    """

    name = "play"

    def __init__(self, clock: VirtualClock, spec: Mapping[str, Any], plays: Mapping[str, list[Play]]) -> None:
        self.clock: Any = clock
        self.plays = plays
        self.answers: dict[str, int | NetworkError] = {}
        self.told: list[tuple[str, str, str]] = []
        self.done: list[tuple[float, str, str]] = []
        self.asked: list[tuple[float, str]] = []
        self.adjusted: list[Obj] = []
        self.changes = 0
        self._runs: dict[str, int] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self.pod: Obj = {
            "metadata": {"name": "p", "namespace": "n", "uid": "u", "generation": 1},
            "spec": {"terminationGracePeriodSeconds": 30, **spec},
        }
        host = Host(
            ip="172.18.0.3",
            clock=self.clock,
            chance=Chance(1),
            runtime=self,
            network=self,
            take_address=lambda: "10.244.1.2",
            release_address=lambda address: None,
            tell=self._tell,
            spawn=self._spawn,
        )
        self.worker = PodWorker(self.pod, host, self._woken)

    def began(self) -> Stage:
        self.worker.begin()
        return self

    @property
    def status(self) -> dict[str, Any]:
        return pod_status(self.pod, self.worker.view(), self.clock.now())

    def container(self, name: str = "web") -> dict[str, Any]:
        every = [*self.status.get("initContainerStatuses", []), *self.status["containerStatuses"]]
        return next(each for each in every if each["name"] == name)

    def events(self, reason: str) -> list[str]:
        return [message for _, found, message in self.told if found == reason]

    def delete(self, grace: int | None = None) -> None:
        metadata = {**self.pod["metadata"], "deletionTimestamp": "now", "deletionGracePeriodSeconds": grace}
        self.pod = {**self.pod, "metadata": metadata}
        self.worker.update(self.pod)

    def did(self, what: str, container: str) -> None:
        self.done.append((round(self.clock.monotonic(), 1), what, container))

    def order(self, what: str) -> list[str]:
        return [container for _, done, container in self.done if done.startswith(what)]

    def _tell(self, pod: Obj, note: EventNote) -> None:
        self.told.append((note.type, note.reason, note.message))

    def _woken(self) -> None:
        self.changes += 1

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        return task

    # Runtime

    def image(self, reference: str) -> PulledImage | None:
        return PulledImage(reference, f"{reference}@sha256:0", 1)

    async def pull(self, reference: str) -> PulledImage:
        raise AssertionError(reference)

    async def open_sandbox(self, pod: Obj, pod_ip: str) -> None:
        await self.clock.sleep(0.1)

    def close_sandbox(self, pod_ip: str) -> None:
        self.did("closed", pod_ip)

    async def start(self, run: ContainerRun) -> RunningContainer:
        name = str(run.container["name"])
        number = self._runs[name] = self._runs.get(name, -1) + 1
        plays = self.plays.get(name, [Play()])
        play = plays[min(number, len(plays) - 1)]
        await self.clock.sleep(0.1)
        if play.refused is not None:
            raise play.refused
        self.did("started", name)
        return Player(self, name, number, play)

    def adjust(self, pod: Obj) -> None:
        self.adjusted.append(pod)

    def logs(self, namespace: str, pod: str, container: str) -> ContainerLogs | None:
        return None

    def remove_logs(self, pod: Obj) -> None:
        self.did("logs removed", "")

    # Network

    async def request(self, request: HttpRequest, *, timeout_seconds: float, namespace: str = "") -> HttpResponse:
        self.asked.append((round(self.clock.monotonic(), 1), f"{request.method} {request.url}"))
        answer = self.answers.get(request.url, 200)
        if isinstance(answer, NetworkError):
            raise answer
        return HttpResponse(answer, {}, b"")

    async def dial(self, address: str, port: int, *, timeout_seconds: float) -> None:
        self.asked.append((round(self.clock.monotonic(), 1), f"dial {address}:{port}"))


def web(**said: Any) -> dict[str, Any]:
    return {"name": "web", "image": "web:1", **said}


def sidecar(name: str, **said: Any) -> dict[str, Any]:
    return {"name": name, "image": "side:1", "restartPolicy": "Always", **said}


def play(act: Callable[[Stage], Coroutine[Any, Any, T]], spec: Mapping[str, Any], **plays: list[Play]) -> T:
    async def main(clock: VirtualClock) -> T:
        return await act(Stage(clock, spec, plays).began())

    return run_virtual(main)


# -- starts that are refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "CreateContainerError"])
def test_a_container_that_cannot_be_created_waits_and_is_tried_again(reason: str) -> None:
    words = 'secret "keys" not found'

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(1)
        assert stage.container()["state"] == {"waiting": {"reason": reason, "message": words}}
        assert stage.status["phase"] == "Pending"
        assert ("Warning", "Failed", f"Error: {words}") in stage.told

        await stage.clock.sleep(20)
        assert "running" in stage.container()["state"]
        assert stage.container()["restartCount"] == 0

    play(act, {"containers": [web()]}, web=[Play(refused=StartRefused(reason, words)), Play()])


def test_a_command_that_is_not_there_is_a_run_that_failed_and_crash_loops() -> None:
    words = 'exec: "nope": executable file not found in $PATH'
    refused = Play(refused=StartRefused("RunContainerError", words, is_started=True))

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(0.25)
        assert stage.container()["state"] == {"waiting": {"reason": "RunContainerError", "message": words}}
        await stage.clock.sleep(4)

        found = stage.container()
        assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        ended = found["lastState"]["terminated"]
        assert (ended["exitCode"], ended["reason"], ended["message"]) == (128, "StartError", words)
        assert ended["startedAt"] == "1970-01-01T00:00:00Z"
        assert found["restartCount"] == 1
        assert stage.status["phase"] == "Running"
        assert stage.events("Failed")[0] == f"Error: {words}"

    play(act, {"containers": [web()]}, web=[refused])


def test_a_command_that_is_not_there_fails_a_pod_that_never_restarts() -> None:
    refused = Play(refused=StartRefused("RunContainerError", "no", is_started=True))

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(1)
        assert stage.status["phase"] == "Failed"
        assert stage.container()["state"]["terminated"]["reason"] == "StartError"

    play(act, {"restartPolicy": "Never", "containers": [web()]}, web=[refused])


def test_a_container_that_took_too_much_memory_says_so() -> None:
    killed = Play(Exit(137, signal=9, reason="OOMKilled"), seconds=1)

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(3)
        ended = stage.container()["state"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")
        assert "signal" not in ended

    play(act, {"restartPolicy": "Never", "containers": [web()]}, web=[killed])


# -- sidecars ------------------------------------------------------------------------------------------------------


def test_sidecars_start_in_order_once_started_and_stop_last_first_after_the_containers() -> None:
    probe = {"tcpSocket": {"port": 80}, "periodSeconds": 3}
    spec = {
        "initContainers": [sidecar("first", startupProbe=probe), {"name": "setup", "image": "i"}, sidecar("second")],
        "containers": [web()],
    }

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(1)
        assert stage.order("started") == ["first"]
        assert stage.status["phase"] == "Pending"
        initialized = condition(stage.status, "Initialized")
        assert initialized is not None
        assert initialized["message"] == "containers with incomplete status: [first setup second]"

        await stage.clock.sleep(6)
        assert stage.order("started") == ["first", "setup", "second", "web"]
        assert stage.status["phase"] == "Running"
        ready = condition(stage.status, "Ready")
        assert ready is not None
        assert ready["status"] == "True"

        stage.delete(grace=10)
        await stage.clock.sleep(5)
        assert stage.order("stop") == ["web", "second", "first"]
        assert stage.order("ended") == ["setup", "web", "second", "first"]
        assert stage.worker.view().is_over

    play(act, spec, setup=[Play(seconds=1)])


def test_a_sidecar_is_restarted_whatever_the_pods_policy_and_keeps_the_pod_running_and_unready() -> None:
    spec = {"restartPolicy": "Never", "initContainers": [sidecar("side")], "containers": [web()]}

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(8)
        side = stage.container("side")
        assert side["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert side["restartCount"] == 1
        assert stage.status["phase"] == "Running"
        ready = condition(stage.status, "Ready")
        assert ready is not None
        assert ready["message"] == "containers with unready status: [side]"
        initialized = condition(stage.status, "Initialized")
        assert initialized is not None
        assert initialized["status"] == "True"

    play(act, spec, side=[Play(Exit(3), seconds=2)])


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (1, "Failed")])
def test_a_pod_whose_containers_are_done_stops_its_sidecars_and_ends(code: int, phase: str) -> None:
    spec = {"restartPolicy": "Never", "initContainers": [sidecar("one"), sidecar("two")], "containers": [web()]}

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(2.8)
        assert stage.status["phase"] == "Running"
        await stage.clock.sleep(40)
        assert stage.status["phase"] == phase
        assert stage.order("started") == ["one", "two", "web"]
        assert stage.order("stop in 30 s") == ["two"]
        assert stage.order("ended") == ["web", "two", "one"]
        assert stage.container("one")["state"]["terminated"]["exitCode"] == 0
        assert stage.order("closed") == ["10.244.1.2"]

    play(act, spec, web=[Play(Exit(code), seconds=2)], two=[Play(stop_seconds=3)])


def test_sidecars_share_the_grace_period_and_always_get_two_seconds() -> None:
    spec = {"initContainers": [sidecar("side")], "containers": [web()]}

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(2)
        stage.delete(grace=5)
        await stage.clock.sleep(10)
        assert [what for _, what, _ in stage.done if what.startswith("stop")] == ["stop in 5 s", "stop in 2 s"]
        assert stage.worker.view().is_over

    play(act, spec, web=[Play(stop_seconds=60)])


def context(pod: Obj, container: Mapping[str, Any]) -> ContainerContext:
    nothing: Any = None
    return ContainerContext(pod=pod, container=container, clock=nothing, chance=Chance(1), network=nothing)


def test_simulated_init_containers_end_and_simulated_sidecars_stay() -> None:
    setup, side = {"name": "setup", "image": "i"}, sidecar("side")
    pod = {"metadata": {"name": "p"}, "spec": {"initContainers": [setup, side], "containers": [web()]}}
    job = {**pod, "metadata": {"name": "p", "ownerReferences": [{"kind": "Job", "controller": True, "name": "j"}]}}

    assert generic_program(context(pod, setup)).run is not None
    assert generic_program(context(pod, side)).run is None
    assert generic_program(context(pod, web())).run is None
    assert generic_program(context(job, web())).run is not None
    assert generic_program(context(job, side)).run is None


# -- hooks and probes ----------------------------------------------------------------------------------------------

HTTP = {"httpGet": {"path": "/hook", "port": 80}}
URL = "http://10.244.1.2:80/hook"


def test_post_start_is_asked_before_the_container_counts_as_started_and_any_answer_will_do() -> None:
    container = web(lifecycle={"postStart": HTTP}, readinessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 2})

    async def act(stage: Stage) -> None:
        stage.answers[URL] = 500
        await stage.clock.sleep(3)
        assert [what for _, what in stage.asked[:2]] == [f"GET {URL}", "dial 10.244.1.2:80"]
        assert stage.container()["ready"]

    play(act, {"containers": [container]})


def test_post_start_that_fails_restarts_the_container() -> None:
    async def act(stage: Stage) -> None:
        stage.answers[URL] = NetworkError("refused")
        await stage.clock.sleep(2)
        assert stage.events("FailedPostStartHook")[:1] == ["PostStartHook failed"]
        assert stage.order("stop")[:1] == ["web"]
        stage.answers.clear()
        await stage.clock.sleep(30)
        assert stage.container()["ready"]
        assert stage.container()["restartCount"] >= 1

    play(act, {"containers": [web(lifecycle={"postStart": HTTP})]})


@pytest.mark.parametrize(
    ("hook", "stopped"),
    [
        pytest.param(HTTP, "stop in 20 s", id="http, answered at once"),
        pytest.param({"sleep": {"seconds": 5}}, "stop in 15 s", id="sleep"),
        pytest.param({"sleep": {"seconds": 50}}, "stop in 2 s", id="a sleep longer than the grace period"),
        pytest.param({"exec": {"command": ["x"]}}, "stop in 20 s", id="a command is not run"),
    ],
)
def test_pre_stop_takes_from_the_grace_period(hook: Mapping[str, Any], stopped: str) -> None:
    async def act(stage: Stage) -> None:
        await stage.clock.sleep(1)
        stage.delete(grace=20)
        await stage.clock.sleep(40)
        assert [what for _, what, _ in stage.done if what.startswith("stop")] == [stopped]
        assert len(stage.asked) == ("httpGet" in hook)

    play(act, {"containers": [web(lifecycle={"preStop": hook})]})


def test_what_is_not_done_as_written_is_told_once() -> None:
    container = web(
        livenessProbe={"exec": {"command": ["x"]}, "periodSeconds": 1},
        readinessProbe={"httpGet": {"port": 80, "host": "example.com"}, "periodSeconds": 1},
        startupProbe={"grpc": {"port": 90}, "periodSeconds": 1},
        lifecycle={"preStop": {"exec": {"command": ["x"]}}},
    )

    async def act(stage: Stage) -> None:
        await stage.clock.sleep(60)
        assert stage.container()["restartCount"] > 0
        assert stage.events("ExecNotRun") == [
            "Container web: the command of its liveness probe is not run, and counts as a success",
            "Container web: the command of its preStop hook is not run",
        ]
        assert stage.events("HostIgnored") == [
            "Container web: the host of its readiness probe is ignored, the pod itself is asked"
        ]
        assert stage.events("Simulated") == [
            "Container web: its gRPC startup probe only looks whether the port accepts connections"
        ]
        assert "dial 10.244.1.2:90" in {what for _, what in stage.asked}

    play(act, {"containers": [container]}, web=[Play(Exit(1), seconds=5)])


def test_a_void_probe_counts_neither_way() -> None:
    container = web(livenessProbe={**HTTP, "periodSeconds": 1, "failureThreshold": 2})

    async def act(stage: Stage) -> None:
        stage.answers[URL] = ProbeVoid("nobody looked")
        await stage.clock.sleep(20)
        assert stage.container()["restartCount"] == 0
        assert stage.events("Unhealthy") == []

    play(act, {"containers": [container]})


@pytest.mark.parametrize(
    ("said", "stopped"), [({}, "stop in 30 s"), ({"terminationGracePeriodSeconds": 3}, "stop in 3 s")]
)
def test_a_container_that_fails_its_liveness_probe_gets_the_probes_grace_period(
    said: Mapping[str, Any], stopped: str
) -> None:
    container = web(livenessProbe={**HTTP, "periodSeconds": 1, "failureThreshold": 1, **said})

    async def act(stage: Stage) -> None:
        stage.answers[URL] = 500
        await stage.clock.sleep(3)
        assert [what for _, what, _ in stage.done if what.startswith("stop")][:1] == [stopped]

    play(act, {"containers": [container]})


# -- time, changes and the end -------------------------------------------------------------------------------------


class Jumping:
    """A clock whose time of day can be set."""

    def __init__(self, clock: VirtualClock) -> None:
        self.offset = timedelta(0)
        self._clock = clock
        self.monotonic, self.sleep, self.outside = clock.monotonic, clock.sleep, clock.outside

    def now(self) -> datetime:
        return self._clock.now() + self.offset


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_is_set_does_not_change_how_long_a_crash_loop_waits(hours: int) -> None:
    async def main(clock: VirtualClock) -> None:
        jumping: Any = Jumping(clock)
        stage = Stage(jumping, {"containers": [web()]}, {"web": [Play(Exit(1), seconds=1)]}).began()
        await clock.sleep(5)
        assert stage.container()["restartCount"] == 1

        jumping.offset = timedelta(hours=hours)
        await clock.sleep(12)
        assert stage.container()["restartCount"] == 2
        assert stage.container()["lastState"]["terminated"]["exitCode"] == 1
        await clock.sleep(24)
        assert stage.container()["restartCount"] == 3

    run_virtual(main)


def test_changed_annotations_are_handed_to_the_runtime() -> None:
    async def act(stage: Stage) -> None:
        await stage.clock.sleep(1)
        labelled = {**stage.pod, "metadata": {**stage.pod["metadata"], "labels": {"a": "b"}}}
        stage.worker.update(labelled)
        assert stage.adjusted == []

        told = {**labelled, "metadata": {**labelled["metadata"], "annotations": {"a": "b"}}}
        stage.worker.update(told)
        stage.worker.update(told)
        assert stage.adjusted == [told]

    play(act, {"containers": [web()]})


def test_a_second_deletion_with_less_grace_hastens_the_first() -> None:
    async def act(stage: Stage) -> None:
        await stage.clock.sleep(1)
        stage.delete(grace=60)
        await stage.clock.sleep(5)
        assert not stage.worker.view().is_over
        stage.delete(grace=1)
        await stage.clock.sleep(2)
        assert stage.worker.view().is_over
        assert stage.container()["state"]["terminated"]["exitCode"] == 137

    play(act, {"containers": [web()]}, web=[Play(stop_seconds=100)])


def test_a_container_whose_start_was_under_way_when_its_pod_was_deleted_is_stopped_too() -> None:
    async def act(stage: Stage) -> None:
        await stage.clock.sleep(1.25)
        assert stage.order("started") == ["web"]
        stage.delete(grace=5)
        await stage.clock.sleep(10)
        assert sorted(stage.order("started")) == sorted(stage.order("ended"))

    other = {"name": "other", "image": "i", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}
    slow = [Play(refused=StartRefused("CreateContainerError", "later")), Play()]
    play(act, {"containers": [web(lifecycle={"preStop": {"sleep": {"seconds": 15}}}), other]}, other=slow)


def test_nothing_is_started_any_more_in_a_pod_that_is_being_deleted() -> None:
    """Its init container ends well when it is stopped, and a crash loop's wait is over, while a sidecar takes long."""
    setup = {"name": "setup", "image": "i"}

    async def initialising(stage: Stage) -> None:
        await stage.clock.sleep(2)
        stage.delete(grace=30)
        await stage.clock.sleep(40)
        assert stage.order("started") == ["side", "setup"]
        assert stage.worker.view().is_over

    async def crashing(stage: Stage) -> None:
        await stage.clock.sleep(5)
        stage.delete(grace=30)
        await stage.clock.sleep(40)
        assert stage.order("started") == ["side", "web", "web"]

    slow = [Play(stop_seconds=20)]
    play(initialising, {"initContainers": [sidecar("side"), setup], "containers": [web()]}, side=slow)
    play(
        crashing,
        {"initContainers": [sidecar("side")], "containers": [web()]},
        side=slow,
        web=[Play(Exit(1), seconds=1)],
    )
