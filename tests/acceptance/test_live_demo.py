"""`canarium demo` live: real time, a real API server, real processes; and what happens is what happens in virtual time.

The live story is played once, in one test, as it takes its time.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from canarium.clock import RealClock, VirtualClock, run_virtual
from canarium.gitops.git.local import LocalRepositories
from canarium.journal import MemoryJournal
from canarium.lab.chronicle import Chronicle, chronicle, differences, written
from canarium.lab.silent_canary import REPO_URL, LocalClones, SilentCanary, Telling, write_example
from canarium.lab.world import World, WorldOptions
from canarium.local.live_demo import SCRAPE_SECONDS
from canarium.local.remotes import PushWatch

REAL = RealClock()
MAIN = "from canarium.cli.main import main; main()"
WITHIN_SECONDS = 150.0
STOP_SECONDS = 30.0


class Demo:
    """A running `canarium demo`. Everything it writes by itself goes below `folder`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.temporary = folder / "temporary"
        self.home = folder / "home"
        for made in (self.temporary, self.home):
            made.mkdir()
        environment = {**os.environ, "TMPDIR": str(self.temporary), "HOME": str(self.home)}
        environment.pop("KUBECONFIG", None)
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "demo", "--no-color", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def said(self) -> str:
        """All that it printed so far."""
        return "".join(self.lines)

    def until(self, text: str, seconds: float = WITHIN_SECONDS) -> None:
        """Wait until it printed that."""
        deadline = REAL.monotonic() + seconds

        async def look() -> None:
            while text not in self.said:
                assert self.process.poll() is None, (
                    f"it ended with {self.process.returncode} before {text!r}:\n{self.said}"
                )
                assert REAL.monotonic() < deadline, f"no {text!r} within {seconds} s:\n{self.said}"
                await REAL.sleep(0.05)

        asyncio.run(look())

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        return code

    def end(self) -> None:
        """Whatever became of the test: nothing is left."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._reader.join(STOP_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def left_behind(self) -> list[str]:
        """Files below its folders, and processes that name them."""
        files = [str(path) for folder in (self.temporary, self.home) for path in folder.rglob("*")]
        return files + processes_that_name(str(self.temporary))


def processes_that_name(text: str) -> list[str]:
    """Command lines that have the text in them or in their environment; none where there is no /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (process / "environ").read_bytes() + (process / "cmdline").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def kubectl_get(kubeconfig: Path) -> Callable[[str], Any]:
    """How to read a path of the API with what the kubeconfig says."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = cluster["certificate-authority-data"]
    trusted = ssl.create_default_context(cadata=base64.b64decode(authority).decode())

    def get(path: str) -> Any:
        request = urllib.request.Request(cluster["server"] + path, headers={"Authorization": f"Bearer {user['token']}"})
        with urllib.request.urlopen(request, context=trusted, timeout=10) as answer:
            return json.load(answer)

    return get


def virtual_chronicle(folder: Path) -> Chronicle:
    """The story in virtual time, with what is so in a local cluster: pushes are noticed, scrapes come often."""
    journal = MemoryJournal()

    async def play(clock: VirtualClock) -> None:
        origin = folder / "echo-server.git"
        copy = write_example(folder / "echo-server", origin, repo_url=REPO_URL, at=clock.now())
        repositories = LocalClones(LocalRepositories(), {REPO_URL: origin})
        world = World(clock, repositories, WorldOptions(scrape_seconds=SCRAPE_SECONDS), journal)
        try:
            await world.start()
            pushes = asyncio.create_task(PushWatch(world.cluster, repositories, clock).run())
            async for _ in SilentCanary(world, copy, Telling(is_push_noticed=True)).play():
                pass
            pushes.cancel()
        finally:
            await world.stop()
            copy.close()

    run_virtual(play)
    return chronicle(written(journal.entries))


def live_chronicle(trace: Path) -> Chronicle:
    """What the event log of the live story tells."""
    entries: list[Mapping[str, Any]] = [json.loads(line) for line in trace.read_bytes().splitlines()]
    assert {entry["what"] for entry in entries} >= {"write", "decision", "measurement", "scrape"}
    return chronicle(written(entries))


def test_the_live_story_is_the_virtual_one_and_leaves_nothing_behind(tmp_path: Path) -> None:
    trace, keep = tmp_path / "trace.jsonl", tmp_path / "kept"
    demo = Demo(tmp_path, "--stay", "--trace", str(trace), "--keep", str(keep))
    try:
        # when: it stays after the story
        demo.until("Ctrl-C stops it")

        # then: it tells of the story, its end, and how to look
        told = demo.said
        for part in (
            "podinfo 6.8.0 is deployed",
            "Argo CD was told of the push",
            "kubectl port-forward svc/echo-server 8081:80 -n echo-staging",
            "curl localhost:8081/version",
        ):
            assert part in told
        assert re.findall(r"^ +(met|open) +│", told, re.M) == ["met"] * 4
        assert "waiting for" not in told  # that is for a terminal
        found = re.search(r"The story took (\d+) s", told)
        assert found is not None
        assert int(found[1]) < 120

        # and: the cluster is there, by a kubeconfig that is not the user's
        path = re.search(r"export KUBECONFIG=(\S+)", told)
        assert path is not None
        get = kubectl_get(Path(path[1]))
        assert not (demo.home / ".kube").exists()
        pods = get("/api/v1/namespaces/echo-prod/pods")["items"]
        assert [pod["spec"]["containers"][0]["image"] for pod in pods if pod["status"]["phase"] == "Running"] == [
            "stefanprodan/podinfo:6.9.3"
        ] * 4
        metrics = re.search(r"Metrics +(http://[^/\s]+)", told)
        assert metrics is not None
        with urllib.request.urlopen(f"{metrics[1]}/api/v1/query?query=up", timeout=10) as answer:
            assert json.load(answer)["data"]["result"]

        # and: the repository is one that git can push to a remote with an address of the wide world
        config = (keep / ".git" / "config").read_text()
        assert f"url = {REPO_URL}" in config
        assert f"pushurl = {keep}.git" in config

        # when: it is interrupted
        code = demo.interrupt()

        # then: it ends in good order, and nothing is left but what was to be kept
        assert code == 130, demo.said
        assert "Traceback" not in demo.said
        assert demo.left_behind() == []
        assert keep.is_dir()
    finally:
        demo.end()

    # and: what happened is what happens in virtual time
    virtual = tmp_path / "virtual"
    virtual.mkdir()
    assert differences(virtual_chronicle(virtual), live_chronicle(trace)) == []


@pytest.mark.parametrize(
    "moment", ["A cluster of its own", "kubectl apply"], ids=["just started", "while the first pods start"]
)
def test_an_interrupt_at_any_time_takes_everything_down(tmp_path: Path, moment: str) -> None:
    demo = Demo(tmp_path)
    try:
        demo.until(moment)

        code = demo.interrupt()

        assert code == 130, demo.said
        assert "Traceback" not in demo.said
        assert demo.left_behind() == []
    finally:
        demo.end()


def test_options_that_make_no_sense_together_are_refused_or_said_to_be_without_effect(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--fast", "--stay")
    try:
        assert demo.process.wait(STOP_SECONDS) == 2
    finally:
        demo.end()
    assert "--stay is for the live demo" in demo.said


def test_a_seed_is_said_to_have_no_effect_in_real_time(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--seed", "7")
    try:
        demo.until("--seed does not apply")
        assert demo.interrupt() == 130
    finally:
        demo.end()
