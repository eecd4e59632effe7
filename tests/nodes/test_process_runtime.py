"""Containers as processes: which command, which environment, which logs, and what is left when they are gone."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canarium.clock import Chance, RealClock
from canarium.kube.objects import Obj
from canarium.nodes.image_map import ImageMap, ImageMapping
from canarium.nodes.local_network import LocalNetwork
from canarium.nodes.logs import LogQuery
from canarium.nodes.loopback import claim_loopback
from canarium.nodes.process_runtime import ProcessRuntime, bundled, memory_limit
from canarium.nodes.program import ImageTable
from canarium.nodes.runtime import ContainerRun, Delays, Exit, RunningContainer, SimulatedRuntime, StartRefused
from canarium.nodes.warden_client import Warden
from tests.nodes.test_lab_network import Fixed

NOW = Delays(sandbox=(0.0, 0.0), pull=(0.0, 0.0), pull_cached=(0.0, 0.0), start=(0.0, 0.0), stop=(0.0, 0.0))
POD_IP = "10.244.1.7"
PODINFO = "ghcr.io/stefanprodan/podinfo:6.9.3"
TELL = "import json, os; print(json.dumps({**os.environ, 'cwd': os.getcwd()}), flush=True)"
WAIT = "import signal; print('here', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print('here', flush=True)\nwhile 1: signal.pause()"


class Facts:
    """What the API has."""

    def __init__(self) -> None:
        self.secrets: dict[str, Obj] = {}
        self.replica_sets: dict[str, Obj] = {}

    def config_map(self, namespace: str, name: str) -> Obj | None:
        return None

    def secret(self, namespace: str, name: str) -> Obj | None:
        return self.secrets.get(f"{namespace}/{name}")

    def services(self, namespace: str) -> Sequence[Obj]:
        ports = [{"port": 80, "targetPort": 9898}]
        return [{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"clusterIP": "10.96.1.1", "ports": ports}}]

    def replica_set(self, pod: Obj) -> Obj | None:
        return self.replica_sets.get(pod["metadata"]["name"])

    def proxy_url(self, namespace: str) -> str:
        return f"http://{namespace}:x@127.0.0.1:1"


class Node:
    """A runtime with a warden, and pods to start on it."""

    def __init__(self, runtime: ProcessRuntime, facts: Facts, warden: Warden, folder: Path) -> None:
        self.runtime = runtime
        self.facts = facts
        self.warden = warden
        self.folder = folder

    async def start(self, pod: Obj, attempt: int = 0) -> RunningContainer:
        await self.runtime.open_sandbox(pod, POD_IP)
        container = pod["spec"]["containers"][0]
        return await self.runtime.start(ContainerRun(pod=pod, container=container, pod_ip=POD_IP, attempt=attempt))

    async def log(self, pod: Obj, run: RunningContainer, *, follow: bool = True) -> str:
        """What a run wrote, once it has ended."""
        chunks: list[bytes] = [chunk async for chunk in self._log(pod, run, follow)]
        return b"".join(chunks).decode()

    async def line(self, pod: Obj, run: RunningContainer) -> str:
        """The first line of a run."""
        async for chunk in self._log(pod, run, True):
            return str(chunk.decode().splitlines()[0])
        raise AssertionError("it said nothing")

    def _log(self, pod: Obj, run: RunningContainer, follow: bool) -> Any:
        kept = self.runtime.logs("shop", pod["metadata"]["name"], "main")
        assert kept is not None
        log = kept.run(run.container_id)
        assert log is not None
        return log.read(LogQuery(follow=follow), RealClock().now())


def pod(name: str = "p", image: str = "acme/tell:1", uid: str = "u1", **container: Any) -> Obj:
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": uid},
        "spec": {"containers": [{"name": "main", "image": image, **container}]},
    }


def mapped(pattern: str, program: str, folder: Path, **options: Any) -> ImageMapping:
    command = (sys.executable, "-I", "-S", "-c", program)
    return ImageMapping(pattern=pattern, command=command, working_dir=str(folder), **options)


def on_node(
    folder: Path, story: Callable[[Node], Awaitable[None]], *, has_addresses: bool = True, ends_warden: bool = True
) -> None:
    images = ImageMap(
        (
            mapped("acme/tell", TELL, folder, env={"FROM_MAP": "$(POD_IP)"}),
            mapped("acme/wait", WAIT, folder),
            mapped("acme/stubborn", STUBBORN, folder),
            mapped("acme/crash", "import sys; print('bye'); sys.exit(7)", folder),
            mapped("acme/eat", "a = [bytearray(1 << 20) for _ in range(400)]\nwhile 1: pass", folder),
            ImageMapping(pattern="acme/missing", command=("/no/such/program",), working_dir=str(folder)),
            ImageMapping(pattern="acme/nowhere", command=("true",), working_dir=str(folder / "none")),
            ImageMapping(pattern="acme/own", is_host=True, working_dir=str(folder)),
        )
    )

    async def main() -> None:
        clock, chance = RealClock(), Chance(1)
        loopback = claim_loopback(has_addresses=has_addresses)
        network = LocalNetwork(lambda _: Fixed(()), clock=clock, chance=chance, loopback=loopback)
        simulated = SimulatedRuntime(
            ImageTable(), sockets=network, network=network, clock=clock, chance=chance, delays=NOW
        )
        name = f"runtime-{os.getpid()}-{folder.name}"
        warden = await Warden.start(clock, name, folder / "warden.log")
        facts = Facts()
        runtime = ProcessRuntime(
            simulated,
            images,
            warden=lambda: warden,
            facts=facts,
            sockets=network,
            loopback=loopback,
            folder=folder / "pods",
            clock=clock,
            path=os.environ["PATH"],
        )
        try:
            async with asyncio.timeout(20):
                await story(Node(runtime, facts, warden, folder / "pods"))
        finally:
            if ends_warden:
                await warden.stop()
            network.close_all()
            loopback.close()

    asyncio.run(main())


# -- which images -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "program"),
    [
        (PODINFO, "podinfo"),
        ("stefanprodan/podinfo:1", "podinfo"),
        ("docker.io/stefanprodan/podinfo", "podinfo"),
        ("nginx:1.27", None),
        ("", None),
    ],
)
def test_bundled_images_are_known_by_any_tag(image: str, program: str | None) -> None:
    assert bundled(image) == program


@pytest.mark.parametrize(
    ("resources", "limit"),
    [
        ({}, None),
        ({"resources": {"requests": {"memory": "1Gi"}}}, None),
        ({"resources": {"limits": {"cpu": "1"}}}, None),
        ({"resources": {"limits": {"memory": "64Mi"}}}, 64 << 20),
        ({"resources": {"limits": {"memory": 1000}}}, 1000),
    ],
)
def test_the_memory_limit_is_the_containers(resources: Mapping[str, Any], limit: int | None) -> None:
    assert memory_limit(resources) == limit


def test_images_that_nobody_mapped_are_simulated(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        made = pod(image="acme/unknown:1")
        assert not node.runtime.is_process("acme/unknown:1")
        run = await node.start(made)

        assert run.note_reason == "Simulated"
        assert run.note
        assert not (tmp_path / "pods").exists()
        assert await run.stop(5) == Exit(0)
        node.runtime.remove_logs(made)

    on_node(tmp_path, story)


def test_images_of_processes_need_no_pull(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        found = node.runtime.image(PODINFO)

        assert found is not None
        assert found == await node.runtime.pull(PODINFO)
        assert found.name == PODINFO
        assert node.runtime.image("acme/tell:1") is not None
        assert node.runtime.image("acme/unknown:1") is None

    on_node(tmp_path, story)


# -- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_addresses", [True, False])
def test_a_mapped_container_runs_its_command_with_its_pods_environment(tmp_path: Path, has_addresses: bool) -> None:
    async def story(node: Node) -> None:
        node.facts.secrets["shop/keys"] = {"metadata": {"name": "keys"}, "data": {"token": "czNjcmV0"}}
        secret = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}
        made = pod(env=[secret, {"name": "MINE", "value": "$(TOKEN)!"}], ports=[{"containerPort": 7000}])

        run = await node.start(made)

        assert await run.wait() == Exit(0)
        told = msgspec.json.decode(await node.log(made, run))
        assert (told["TOKEN"], told["MINE"]) == ("s3cret", "s3cret!")
        assert told["FROM_MAP"] == told["POD_IP"]
        assert told["HOSTNAME"] == "p"
        assert told["http_proxy"] == "http://shop:x@127.0.0.1:1"
        assert told["cwd"] == str(tmp_path)
        assert "WEB_SERVICE_HOST" in told
        assert "HOME" not in told
        if has_addresses:
            assert (told["PORT"], told["WEB_SERVICE_PORT"]) == ("7000", "80")
        else:
            assert told["POD_IP"] == told["WEB_SERVICE_HOST"] == "127.0.0.1"
            assert len({told["PORT"], told["WEB_SERVICE_PORT"], "7000", "80"}) == 4
        assert run.note_reason == "Mapped"
        assert "acme/tell:1" in run.note

    on_node(tmp_path, story, has_addresses=has_addresses)


@pytest.mark.parametrize(
    ("made", "reason", "is_started", "words"),
    [
        pytest.param(pod(image="acme/missing:1"), "RunContainerError", True, "no such file", id="missing"),
        pytest.param(pod(image="acme/nowhere:1"), "RunContainerError", True, "chdir", id="no folder"),
        pytest.param(pod(image="acme/own:1"), "CreateContainerError", False, "no command", id="host without command"),
        pytest.param(
            pod(image="acme/own:1", command=["no-such-program-anywhere"]),
            "RunContainerError",
            True,
            "executable file not found in $PATH",
            id="not on the path",
        ),
        pytest.param(
            pod(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "none", "key": "a"}}}]),
            "CreateContainerConfigError",
            False,
            'secret "none" not found',
            id="no secret",
        ),
        pytest.param(
            pod(env=[{"name": "A", "value": "x" * (1 << 20)}]), "RunContainerError", True, "too long", id="too much"
        ),
        pytest.param(pod(env=[{"name": "A", "value": "a\0b"}]), "RunContainerError", True, "NUL", id="a NUL"),
    ],
)
def test_a_container_that_cannot_start_says_why(
    tmp_path: Path, made: Obj, reason: str, is_started: bool, words: str
) -> None:
    async def story(node: Node) -> None:
        with pytest.raises(StartRefused) as refused:
            await node.start(made)

        assert (refused.value.reason, refused.value.is_started) == (reason, is_started)
        assert words in str(refused.value)
        node.runtime.remove_logs(made)
        assert not list((tmp_path / "pods").glob("*"))

    on_node(tmp_path, story)


def test_a_container_whose_warden_is_gone_is_refused_and_tried_again_later(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await node.warden.stop()

        with pytest.raises(StartRefused) as refused:
            await node.start(pod(image="acme/wait:1"))

        assert not refused.value.is_started

    on_node(tmp_path, story, ends_warden=False)


def test_a_folder_that_cannot_be_made_refuses_the_container(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        (tmp_path / "pods").write_text("in the way")

        with pytest.raises(StartRefused) as refused:
            await node.start(pod())

        assert refused.value.reason == "CreateContainerError"

    on_node(tmp_path, story)


# -- how they end -----------------------------------------------------------------------------------------------------


def test_runs_end_with_their_code_a_signal_or_for_their_memory(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        crashed = await node.start(pod("crash", "acme/crash:1", "u1"))
        assert await crashed.wait() == await crashed.wait() == Exit(7)
        assert await crashed.stop(5) == Exit(7)

        made = pod("wait", "acme/wait:1", "u2")
        waiting = await node.start(made)
        await node.line(made, waiting)
        assert await waiting.stop(20) == Exit(143, signal=15)

        made = pod("stubborn", "acme/stubborn:1", "u3")
        stubborn = await node.start(made)
        await node.line(made, stubborn)
        assert await stubborn.stop(0.1) == Exit(137, signal=9)

        made = pod("at-once", "acme/wait:1", "u4")
        assert await (await node.start(made)).stop(0) == Exit(137, signal=9)

        limits = {"limits": {"memory": "64Mi"}}
        eater = await node.start(pod("eat", "acme/eat:1", "u5", resources=limits))
        assert await eater.wait() == Exit(137, signal=9, reason="OOMKilled")

    on_node(tmp_path, story)


def test_draining_ends_all_at_once_and_kills_who_does_not_end(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        runs = {}
        for uid, image in (("u1", "acme/wait:1"), ("u2", "acme/wait:1"), ("u3", "acme/stubborn:1")):
            made = pod(uid, image, uid)
            runs[uid] = await node.start(made)
            await node.line(made, runs[uid])

        await node.runtime.drain(0.2)

        assert [(await run.wait()).code for run in runs.values()] == [143, 143, 137]

    on_node(tmp_path, story)


# -- logs -------------------------------------------------------------------------------------------------------------


def test_logs_of_the_latest_two_runs_are_kept_and_go_with_the_pod(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        made = pod("crash", "acme/crash:1")
        runs = []
        for attempt in range(3):
            runs.append(await node.start(made, attempt))
            await runs[-1].wait()

        kept = node.runtime.logs("shop", "crash", "main")
        assert kept is not None
        assert kept.run(runs[0].container_id) is None
        assert [await node.log(made, run) for run in runs[1:]] == ["bye\n", "bye\n"]
        assert len({run.container_id for run in runs}) == 3
        assert [each["metadata"]["name"] for each in node.runtime.pods()] == ["crash"]

        node.runtime.remove_logs(made)

        assert node.runtime.logs("shop", "crash", "main") is None
        assert node.runtime.pods() == ()
        assert list((tmp_path / "pods").iterdir()) == []

    on_node(tmp_path, story)


def test_a_pod_of_a_former_pods_name_begins_with_empty_logs(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        former, latter = pod("p", "acme/crash:1", "u1"), pod("p", "acme/tell:1", "u2")
        old = await node.start(former)
        await old.wait()
        new = await node.start(latter)
        await new.wait()

        kept = node.runtime.logs("shop", "p", "main")
        assert kept is not None
        assert kept.run(old.container_id) is None
        node.runtime.remove_logs(former)  # it is told late that the former one is gone

        assert "HOSTNAME" in await node.log(latter, new)

    on_node(tmp_path, story)


# -- bundled programs -------------------------------------------------------------------------------------------------


def test_chaos_reaches_a_bundled_program_at_its_start_and_while_it_runs(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        crash = {"crash_after_seconds": 0.05, "crash_exit_code": 9}
        chaotic = {
            "metadata": {"name": "rs", "annotations": {"canarium.dev/chaos": msgspec.json.encode(crash).decode()}}
        }
        node.facts.replica_sets["from-start"] = chaotic
        ports = [{"containerPort": 9898}]
        first = await node.start(pod("from-start", PODINFO, "u1", ports=ports))
        assert (await first.wait()).code == 9

        made = pod("later", PODINFO, "u2", ports=ports)
        second = await node.start(made)
        await node.line(made, second)
        node.facts.replica_sets["later"] = chaotic
        node.runtime.adjust(made)
        assert (await second.wait()).code == 9

    on_node(tmp_path, story)
