"""This machine as a node: the warden's life, Services over it, and that nothing is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from canarium.clock import RealClock
from canarium.kube.controller.fault import Fault
from canarium.kube.objects import Obj
from canarium.kube.resources import CONFIG_MAPS, PODS
from canarium.local.cluster import Doors, LocalCluster
from canarium.local.folder import DataFolder
from canarium.nodes.image_map import ImageMap, ImageMapping
from canarium.nodes.warden_client import Warden, sweep

SERVE = """
import os, signal, socket
server = socket.create_server((os.environ["POD_IP"], int(os.environ["PORT"])))
print("listening", flush=True)
while True:
    call, _ = server.accept()
    call.sendall(os.environ["HOSTNAME"].encode())
    call.close()
"""
CLOCK = RealClock()


def serving(name: str) -> Obj:
    container = {"name": "main", "image": "acme/serve:1", "ports": [{"containerPort": 7000}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        "spec": {"containers": [{**container, "readinessProbe": {"tcpSocket": {"port": 7000}, "periodSeconds": 1}}]},
    }


SERVICE: Obj = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 7000}]},
}


class Site:
    """A cluster in this process."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster

    async def until(self, holds: Callable[[], Any]) -> None:
        """Return once it holds: looked at whenever a pod or Service has changed, and after a while."""
        while not holds():
            await CLOCK.sleep(0.02)

    def pod(self, name: str) -> dict[str, Any]:
        found = self.cluster.world.find(PODS, "default", name)
        statuses = (found or {}).get("status", {}).get("containerStatuses") or [{}]
        return dict(statuses[0])

    def place(self) -> tuple[str, int] | None:
        """Where the Service is, once somebody is behind it."""
        for each in self.cluster.machine.mapped:
            if each.route.service == "default/web" and each.route.endpoints:
                return each.host, each.real_port
        return None

    async def said(self) -> str:
        """What the Service says; it must be there."""
        place = self.place()
        assert place is not None
        reader, writer = await asyncio.open_connection(*place)
        try:
            return (await reader.read()).decode()
        finally:
            writer.close()


def on_machine(
    folder: Path,
    story: Callable[[Site], Awaitable[None]],
    *,
    has_addresses: bool = True,
    on_fault: Callable[[Fault], None] = lambda _: None,
) -> None:
    async def main() -> None:
        data = DataFolder(folder / "data")
        data.make()
        command = (sys.executable, "-I", "-S", "-c", SERVE)
        images = ImageMap((ImageMapping(pattern="acme/serve", command=command, working_dir=str(folder)),))
        doors = Doors(dict.fromkeys(("api", "applications", "rollouts", "metrics"), (0, "")))
        cluster = LocalCluster(
            data, None, doors, CLOCK, seed="1", images=images, has_addresses=has_addresses, on_fault=on_fault
        )
        async with asyncio.timeout(40):
            await cluster.start()
            failed = asyncio.ensure_future(cluster.failed())
            telling = asyncio.ensure_future(story(Site(cluster)))
            try:
                await asyncio.wait((failed, telling), return_when=asyncio.FIRST_COMPLETED)
                if failed.done():
                    failed.result()
                await telling
            finally:
                for task in (failed, telling):
                    task.cancel()
                await asyncio.gather(failed, telling, return_exceptions=True)
                await cluster.stop()
        assert await CLOCK.outside(lambda: sweep(cluster.machine.cluster_id)) == 0

    asyncio.run(main())


def test_a_bug_that_one_object_brings_about_is_told_and_the_cluster_goes_on(tmp_path: Path) -> None:
    told: list[Fault] = []

    def fails_on_shop(obj: Obj) -> None:
        if obj["metadata"]["name"] == "shop":
            raise IndexError("list index out of range")

    async def story(site: Site) -> None:
        site.cluster.world.listers(CONFIG_MAPS).on_change(fails_on_shop)
        await site.cluster.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop", "namespace": "default"}}
        )
        await site.until(lambda: len(told) == 1)

        await site.cluster.apply(serving("one"))

        await site.until(lambda: site.pod("one").get("ready"))
        assert (told[0].key, told[0].error) == ("default/shop", "IndexError")

    on_machine(tmp_path, story, on_fault=told.append)


def test_a_warden_that_is_killed_is_replaced_and_its_pods_and_services_come_back(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        machine = site.cluster.machine
        await site.cluster.apply(SERVICE)
        await site.cluster.apply(serving("one"))
        await site.until(site.place)
        assert await site.said() == "one"
        before, former, proxy = site.place(), machine.warden(), machine.proxy_url("shop")

        os.kill(former.pid, signal.SIGKILL)

        await site.until(lambda: site.pod("one").get("restartCount") == 1 and site.pod("one").get("ready"))
        await site.until(site.place)
        assert machine.warden() is not former
        assert site.place() == before
        assert await site.said() == "one"
        assert machine.proxy_url("shop") != proxy
        ended = site.pod("one")["lastState"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (137, "Error")

    on_machine(tmp_path, story)


def test_wardens_that_are_killed_again_and_again_do_not_end_the_cluster(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        machine = site.cluster.machine
        for name in ("one", "two"):
            await site.cluster.apply(serving(name))
        await site.until(lambda: all(site.pod(name).get("ready") for name in ("one", "two")))
        pids = set()
        for _ in range(4):
            pids.add(machine.warden().pid)
            os.kill(machine.warden().pid, signal.SIGKILL)
            await site.until(lambda: machine.warden().pid not in pids)
        await site.cluster.apply(serving("three"))
        await site.until(lambda: site.pod("three").get("ready"))

    on_machine(tmp_path, story)


@pytest.mark.parametrize("has_addresses", [True, False])
def test_stopping_gives_everything_back(tmp_path: Path, has_addresses: bool) -> None:
    places: list[tuple[str, int]] = []

    async def story(site: Site) -> None:
        await site.cluster.apply(SERVICE)
        await site.cluster.apply(serving("one"))
        await site.until(site.place)
        places.extend((each.host, each.real_port) for each in site.cluster.machine.mapped if not each.problem)
        assert await site.said() == "one"

    on_machine(tmp_path, story, has_addresses=has_addresses)

    async def refused(place: tuple[str, int]) -> bool:
        try:
            _, writer = await asyncio.open_connection(*place)
        except ConnectionRefusedError:
            return True
        writer.close()
        return False

    async def main() -> list[bool]:
        return [await refused(place) for place in places]

    assert places
    assert all(asyncio.run(main()))


NAKED = """
import os, signal, sys
if os.fork():
    signal.pause()
os.setsid()
if os.fork():
    os._exit(0)
program = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", program], {})
"""
"""Leaves a process with a session of its own and no environment: its marks are all that tells whose it is."""


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux marks processes")
def test_what_a_killed_warden_left_is_ended_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "naked.log"

    async def leave_one() -> int:
        warden = await Warden.start(CLOCK, str(tmp_path / "data"), tmp_path / "warden.log")
        argv = [sys.executable, "-I", "-S", "-c", NAKED]
        await warden.spawn("naked", argv, env={}, cwd=tmp_path, log=log)
        while not log.read_text():
            await CLOCK.sleep(0.02)
        os.kill(warden.pid, signal.SIGKILL)
        await warden.lost
        await warden.stop()
        return int(log.read_text().split()[3])

    async def story(site: Site) -> None:
        await site.until(lambda: True)

    pid = asyncio.run(leave_one())
    try:
        on_machine(tmp_path, story)

        assert not is_alive(pid)
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
