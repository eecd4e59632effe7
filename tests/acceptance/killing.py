"""The Silent Canary on a `canarium up` that is killed with SIGKILL again and again.

Owns: the engineer who plays the story over HTTPS and tries again whatever nobody answered, the clerk who keeps count of
what was acknowledged, the killer, and what has to be so after each kill and at the end.
Must not know: how the cluster keeps its promises.

By hand, with figures: `python -m tests.acceptance.killing --kills 100 --seed 7`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from canarium.clock import Chance, RealClock
from canarium.gitops.git.working_copy import WorkingCopy
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.cluster import AlreadyExists, NotFound, Unavailable
from canarium.kube.kubeconfig import Connection
from canarium.kube.objects import Obj, condition
from canarium.kube.remote import RemoteCluster
from canarium.kube.resources import CONFIG_MAPS, DEPLOYMENTS, PODS
from canarium.lab.examples import MANIFESTS
from canarium.lab.objectives import NAME, NAMESPACES, VERSION, Objective, verify
from canarium.lab.silent_canary import AUTHOR, write_example
from canarium.local.cluster import LOST_REASON
from canarium.rollouts.commands import retry
from canarium.rollouts.kinds import ROLLOUTS
from canarium.text.yaml import load_all
from tests.acceptance.local_cluster import LocalCluster, NotStarted

T = TypeVar("T")

CLOCK = RealClock()
LIFE_SECONDS = (0.5, 6.0)
"""How long it lives, counted from ready."""
BIRTH_SECONDS = (0.0, 1.5)
"""How long it lives when it is killed while it starts, counted from when the process is there."""
GONE_SECONDS = 2.0
"""How long what it started may outlive it."""
CHAPTER_SECONDS = 240.0
START_SECONDS = 60.0
END_SECONDS = 60.0
SCRAPE_SECONDS = 1.0
PORTS = ("api", "applications", "rollouts", "metrics")
PAUSE_SECONDS = 0.003
"""Between two writes of the clerk: the cluster has to do other things too."""
CLERK = "default"
LABELS = {"acceptance": "clerk"}
READY = f'sum(kube_pod_container_status_ready{{namespace="{NAMESPACES[0]}", pod=~"{NAME}-.*"}})'
ROLLOUT = f"{MANIFESTS}/base/rollout.yaml"
TEMPLATE = f"{MANIFESTS}/base/analysis-template.yaml"
WRITTEN = """\
            # How many containers are ready? At least one should be.
            sum(kube_pod_container_status_ready{
              namespace="{{args.namespace}}",
              pod=~"echo-server-.*"
            }) or vector(0)
"""
LAUNCH = f"""
import msgspec
from canarium.cli.main import run
from canarium.local import cluster

class Quick(cluster.LocalCluster):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.world.options = msgspec.structs.replace(self.world.options, scrape_seconds={SCRAPE_SECONDS})

cluster.LocalCluster = Quick
run()
"""
"""`canarium`, but Prometheus scrapes often, as in the live demo: what it knew goes with each kill, and lives are
short."""


async def until(check: Callable[[], Awaitable[T | None]], what: str, within: float = CHAPTER_SECONDS) -> T:
    """What `check` answers when it is neither None nor False; it is asked again until then. Raises AssertionError."""
    deadline = CLOCK.monotonic() + within
    while True:
        answer = await check()
        if answer is not None and answer is not False:
            return answer
        assert CLOCK.monotonic() < deadline, f"not within {within:g} s: {what}"
        await CLOCK.sleep(0.05)


# -- what the operating system says -----------------------------------------------------------------------------------


def alive(data: Path) -> list[int]:
    """The processes that belong to the cluster on this data folder, besides `canarium up` itself."""
    mark = f"CANARIUM_WARDEN={data.resolve()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def sockets_of(pids: Sequence[int]) -> set[str]:
    """The inodes of the sockets that these processes have open."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    target = os.readlink(f"/proc/{pid}/fd/{name}")
                    if target.startswith("socket:["):
                        found.add(target[8:-1])
    return found


def listening() -> dict[str, int]:
    """The TCP sockets of this machine that listen: port by inode."""
    found = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            found[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return found


def quiet_ports(chance: Chance) -> dict[str, int]:
    """A free port for each door, from where the kernel takes none by itself: they stay free while nothing runs."""
    taken = set(listening().values())
    ports: dict[str, int] = {}
    while len(ports) < len(PORTS):
        port = 20_000 + chance.below(10_000)
        if port not in taken:
            taken.add(port)
            ports[PORTS[len(ports)]] = port
    return ports


class Killable(LocalCluster):
    """`canarium up` at the same ports whenever it is started."""

    def __init__(self, folder: Path, ports: dict[str, int], path: Path) -> None:
        self.wanted = ports
        super().__init__(folder, *(word for name in PORTS for word in (f"--{name}-port", str(ports[name]))), path=path)

    def command(self, name: str, *arguments: str) -> list[str]:
        """See `LocalCluster`."""
        return [sys.executable, "-c", LAUNCH, name, *arguments, "--data-dir", str(self.data)]

    @property
    def pid(self) -> int:
        """Of `canarium up`, the last that was started; 0 when there was none."""
        return self._process.pid if self._process is not None else 0

    def end(self) -> None:
        """Take leave of it, alive or not."""
        if self._process is not None and self._process.returncode is None:
            self.kill()

    def verify(self) -> subprocess.CompletedProcess[str]:
        """`canarium verify`."""
        words = [sys.executable, "-m", "canarium.cli.main", "verify", "--kubeconfig", str(self.kubeconfig)]
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60, check=False)


# -- figures ----------------------------------------------------------------------------------------------------------


@dataclass
class Figures:
    """What happened. ends: seconds from each kill until nobody was left. kills: by the chapter they fell into."""

    kills: dict[str, int] = field(default_factory=dict)
    ends: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    stories: list[float] = field(default_factory=list)
    chapters: dict[str, list[float]] = field(default_factory=dict)
    processes: int = 0
    sockets: int = 0
    writes: int = 0
    checked: int = 0
    unanswered: int = 0
    unanswered_done: int = 0
    in_vain: int = 0
    retries: int = 0
    lost_pods: int = 0
    tell: Callable[[str], None] = lambda _: None
    """Hears what happens while it does."""

    @property
    def total(self) -> int:
        """How many kills there were."""
        return sum(self.kills.values())

    def __str__(self) -> str:
        def spread(numbers: Sequence[float]) -> str:
            if not numbers:
                return "none"
            ordered = sorted(numbers)
            return f"median {ordered[len(ordered) // 2]:.3f} s, worst {ordered[-1]:.3f} s"

        return "\n".join(
            (
                f"kills {self.total}, by chapter {self.kills}; and {self.in_vain} while it started",
                f"stories that ended green {len(self.stories)}: {', '.join(f'{s:.0f} s' for s in self.stories)}",
                f"chapters: {'; '.join(f'{name}: {spread(took)}' for name, took in self.chapters.items())}",
                f"until nobody was left: {spread(self.ends)}; processes ended so {self.processes}, "
                f"listening sockets {self.sockets}",
                f"starts {len(self.starts)}: {spread(self.starts)}",
                f"acknowledged writes {self.writes}, looked for after an outage {self.checked} times; unanswered "
                f"{self.unanswered}, of which done {self.unanswered_done}",
                f"rollouts retried {self.retries}; pods lost {self.lost_pods}",
            )
        )


# -- who writes -------------------------------------------------------------------------------------------------------


class Clerk:
    """Writes one thing after another, and knows what was acknowledged: all of that must be there, and nothing else but
    the one write that nobody answered."""

    def __init__(self, cluster: RemoteCluster, figures: Figures) -> None:
        self._cluster = cluster
        self._figures = figures
        self._acknowledged: dict[str, str] = {}
        self._version = 0
        self._number = 0
        self.over = asyncio.Event()

    async def work(self) -> None:
        """Write until it is `over`. Raises AssertionError for a lost write."""
        while not self.over.is_set():
            self._number += 1
            change = self._next()
            while not await self._try(change):
                await self._look(change)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), PAUSE_SECONDS)

    async def look(self) -> None:
        """See that everything acknowledged is there; for the end."""
        await self._look({})

    def _next(self) -> dict[str, str | None]:
        """The next change: a counter goes on, every third time a new object, which goes again later."""
        number = self._number
        if number % 3 == 1 and number > 1:
            return {f"mark-{number}": str(number)}
        if number % 3 == 2 and f"mark-{number - 31}" in self._acknowledged:
            return {f"mark-{number - 31}": None}
        return {"counter": str(number)}

    async def _try(self, change: dict[str, str | None]) -> bool:
        [(name, value)] = change.items()
        if self._acknowledged.get(name) == value:
            return True  # nobody answered, and it was done all the same
        answer: Obj | None
        try:
            if value is None:
                answer = None
                with contextlib.suppress(NotFound):  # as above
                    await self._cluster.delete(CONFIG_MAPS, CLERK, name)
            elif name in self._acknowledged:
                answer = await self._cluster.patch(CONFIG_MAPS, CLERK, name, {"data": {"value": value}})
            else:
                metadata = {"name": name, "namespace": CLERK, "labels": LABELS}
                answer = await self._cluster.create(CONFIG_MAPS, {"metadata": metadata, "data": {"value": value}})
        except Unavailable:
            self._figures.unanswered += 1
            return False
        self._figures.writes += 1
        self._note(change)
        if answer is not None:
            self._version = max(self._version, int(answer["metadata"]["resourceVersion"]))
        return True

    def _note(self, change: dict[str, str | None]) -> None:
        for name, value in change.items():
            if value is None:
                self._acknowledged.pop(name, None)
            else:
                self._acknowledged[name] = value

    async def _look(self, pending: dict[str, str | None]) -> None:
        async def listed() -> Any:
            with contextlib.suppress(Unavailable):
                return await self._cluster.list(CONFIG_MAPS, CLERK, labels="acceptance=clerk")
            return None

        found = await until(listed, "the API server answers", START_SECONDS)
        there = {item["metadata"]["name"]: item["data"]["value"] for item in found.items}
        expected = dict(self._acknowledged)
        self._note(pending)
        if there == expected:
            self._acknowledged = expected
        else:
            assert there == self._acknowledged, (
                f"acknowledged {expected}, unanswered {pending}, but there is {there}"  # a lost write
            )
            self._figures.unanswered_done += 1
        version = int(found.resource_version)
        assert version >= self._version, f"resourceVersion went back from {self._version} to {version}"
        self._figures.checked += 1


class Engineer:
    """Plays the story, whether or not the cluster is there at the moment. chapter: where they are."""

    def __init__(self, cluster: RemoteCluster, copy: WorkingCopy, metrics_port: int, figures: Figures) -> None:
        self._cluster = cluster
        self._copy = copy
        self._metrics_port = metrics_port
        self._figures = figures
        self.chapter = "begin"
        self._turned = CLOCK.monotonic()

    async def play(self) -> None:
        """To the end. Raises AssertionError."""
        self._turn("0 prepare")
        for namespace, name in (("prometheus", "prometheus-server"), ("kube-system", "kube-state-metrics")):
            await self._look_sooner(namespace, name)

        self._turn("1 deploy")
        [document] = load_all(self._copy.read(f"{MANIFESTS}/appset.yaml"), "appset.yaml")
        with contextlib.suppress(AlreadyExists):  # nobody answered the first time, and it was done
            await self._ask(lambda: self._cluster.create(APPLICATION_SETS, document.value))
        await self._both(lambda rollout: _phase(rollout) == "Healthy", "the first revision being Healthy")

        self._turn("2 hang")
        self._edit(ROLLOUT, "podinfo:6.8.0", f"podinfo:{VERSION}")  # that it was pushed is noticed by itself
        await self._both(lambda rollout: _aborted(rollout, "no such host"), "the canary aborting")

        self._turn("3 address")
        self._edit(TEMPLATE, "http://prom-server.", "http://prometheus-server.")
        await self._refresh()
        await self._both(
            lambda rollout: _aborted(rollout, '"container-restarts" assessed Failed'), "the wrong condition"
        )

        self._turn("4 condition")
        self._edit(TEMPLATE, "result[0] > 0", "result[0] == 0")
        await self._refresh()
        await self._both(lambda rollout: _aborted(rollout, '"ready-containers" assessed Error'), "the unwritten query")

        self._turn("5 look")
        await until(self._is_scraped, "Prometheus knowing of ready pods")

        self._turn("6 query")
        text = self._copy.read(TEMPLATE)
        self._edit(TEMPLATE, text[text.rindex("            # How many containers") :], WRITTEN)
        await self._refresh()
        await self._both(_is_promoted, "the rollouts becoming Healthy")
        self._turn("7 over")

    async def applied_is_there(self) -> None:
        """What was applied and acknowledged is there. Raises NotFound."""
        await self._ask(lambda: self._cluster.get(APPLICATION_SETS, "argocd", NAME))

    # -- pieces -----------------------------------------------------------------------------------------------------

    async def _look_sooner(self, namespace: str, name: str) -> None:
        """Have a server of the platform probed every second: at ten it would not be ready in most of its lives."""
        path = "/spec/template/spec/containers/0/readinessProbe/periodSeconds"
        patch = [{"op": "replace", "path": path, "value": 1}]
        await self._ask(lambda: self._cluster.patch(DEPLOYMENTS, namespace, name, patch, type="json"))

    def _turn(self, chapter: str) -> None:
        now = CLOCK.monotonic()
        self._figures.chapters.setdefault(self.chapter, []).append(now - self._turned)
        self.chapter, self._turned = chapter, now
        self._figures.tell(f"chapter {chapter}")

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """An answer, however often nobody gives one."""

        async def answered() -> tuple[T] | None:
            with contextlib.suppress(Unavailable):
                return (await question(),)
            return None

        [answer] = await until(answered, "the API server answers")
        return answer

    def _edit(self, path: str, before: str, after: str) -> None:
        text = self._copy.read(path)
        assert text.count(before) == 1, f"{path} has {before!r} {text.count(before)} times"
        self._copy.write({path: text.replace(before, after)})
        self._copy.commit(f"Change {Path(path).name}", author=AUTHOR, at=CLOCK.now())
        self._copy.push()

    async def _rollout(self, namespace: str) -> Obj | None:
        with contextlib.suppress(NotFound):
            return await self._ask(lambda: self._cluster.get(ROLLOUTS, namespace, NAME))
        return None

    async def _both(self, is_so: Callable[[Obj], bool], what: str) -> None:
        """Wait until both rollouts are as wanted; an update that was given up for another reason is tried again."""

        async def in_one(namespace: str) -> None:
            seen = ""

            async def wanted() -> bool:
                nonlocal seen
                rollout = await self._rollout(namespace)
                if rollout is None or not _is_observed(rollout):
                    return False
                status = rollout.get("status") or {}
                seen = json.dumps({key: status.get(key) for key in ("phase", "message", "currentStepIndex", "abort")})
                if is_so(rollout):
                    return True
                if _phase(rollout) == "Degraded" and status.get("abort") and self.chapter > "3":
                    await self._retry(rollout)
                return False

            try:
                await until(wanted, what)
            except AssertionError as error:
                raise AssertionError(f"{error} in {namespace}; last seen {seen}") from None

        async with asyncio.TaskGroup() as group:
            for namespace in NAMESPACES:
                group.create_task(in_one(namespace))

    async def _retry(self, rollout: Obj) -> None:
        self._figures.retries += 1
        message = (condition(rollout, "Progressing") or {}).get("message", "")
        self._figures.tell(f"retry in {rollout['metadata']['namespace']} after: {message}")
        for patch in retry(rollout):
            await self._ask(
                lambda patch=patch: self._cluster.patch(  # type: ignore[misc]
                    patch.resource, patch.namespace, patch.name, patch.patch, subresource=patch.subresource
                )
            )

    async def _refresh(self) -> None:
        """Have Argo CD look at git, until both applications are synced to what was pushed."""
        head = self._copy.head
        refresh = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
        for namespace in NAMESPACES:
            app = f"{NAME}-{namespace.removeprefix('echo-')}"
            await self._ask(lambda app=app: self._cluster.patch(APPLICATIONS, "argocd", app, refresh))  # type: ignore[misc]

            async def is_synced(app: str = app) -> bool:
                found = await self._ask(lambda: self._cluster.get(APPLICATIONS, "argocd", app))
                sync = (found.get("status") or {}).get("sync") or {}
                operation = (found.get("status") or {}).get("operationState") or {}
                is_done = operation.get("phase") == "Succeeded" and "operation" not in found
                return sync.get("status") == "Synced" and sync.get("revision") == head and is_done

            await until(is_synced, f"{app} being synced to {head}")

    async def _is_scraped(self) -> bool:
        url = f"http://127.0.0.1:{self._metrics_port}/api/v1/query?query={quote(READY)}"

        def get() -> Any:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)

        try:
            body = await CLOCK.outside(get)
        except (OSError, ValueError):  # nobody there, or it ended in the middle
            return False
        found = body["data"]["result"]
        return bool(found) and float(found[0]["value"][1]) >= 1


def _phase(rollout: Obj) -> str:
    return str((rollout.get("status") or {}).get("phase", ""))


def _is_observed(rollout: Obj) -> bool:
    seen = (rollout.get("status") or {}).get("observedGeneration")
    return str(seen) == str(rollout["metadata"].get("generation"))


def _has_new_image(rollout: Obj) -> bool:
    return str(rollout["spec"]["template"]["spec"]["containers"][0]["image"]).endswith(f":{VERSION}")


def _aborted(rollout: Obj, says: str) -> bool:
    message = str((condition(rollout, "Progressing") or {}).get("message", ""))
    return _has_new_image(rollout) and _phase(rollout) == "Degraded" and says in message


def _is_promoted(rollout: Obj) -> bool:
    status = rollout.get("status") or {}
    is_stable = status.get("stableRS") == status.get("currentPodHash")
    return _has_new_image(rollout) and _phase(rollout) == "Healthy" and is_stable


# -- who kills --------------------------------------------------------------------------------------------------------


class Story:
    """One story on a folder of its own. kills: how many at most. armed: the chapter from which each kill may fall, in
    order; those that it does not name fall at any time. in_vain: the share of starts that are killed before they are
    ready, on top of those."""

    def __init__(
        self,
        folder: Path,
        chance: Chance,
        figures: Figures,
        *,
        kills: int,
        armed: Sequence[str] = (),
        in_vain: float = 0.0,
    ) -> None:
        self._folder = folder
        self._chance = chance
        self._figures = figures
        self._kills = kills
        self._armed = armed
        self._in_vain = in_vain
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """To its green end. Raises AssertionError, and whatever else went wrong."""
        began = CLOCK.monotonic()
        repo, origin = self._folder / "repo", self._folder / "origin.git"
        copy = await CLOCK.outside(lambda: write_example(repo, origin, repo_url=str(origin), at=CLOCK.now()))
        cluster = Killable(self._folder, quiet_ports(self._chance.stream(str(os.getpid()))), repo)
        try:
            self._shorten_probes(copy)
            await self._start(cluster)
            connection = Connection(
                server=f"https://127.0.0.1:{cluster.wanted['api']}",
                ca=(cluster.data / "ca.crt").read_bytes(),
                token=cluster.tokens["admin"],
            )
            async with RemoteCluster(connection, CLOCK, timeout_seconds=15) as remote:
                engineer = Engineer(remote, copy, cluster.wanted["metrics"], self._figures)
                clerk = Clerk(remote, self._figures)
                playing = asyncio.create_task(engineer.play(), name="engineer")
                writing = asyncio.create_task(clerk.work(), name="clerk")
                self._tasks = [playing, writing]
                try:
                    await self._kill_while(playing, engineer, cluster)
                    clerk.over.set()
                    await writing
                finally:
                    for task in self._tasks:
                        task.cancel()
                    await asyncio.gather(*self._tasks, return_exceptions=True)
                await clerk.look()
                await engineer.applied_is_there()
                await self._look_at_the_end(remote, cluster)
            code = await CLOCK.outside(cluster.stop)
            assert code == 0, cluster.said
            assert "Traceback" not in cluster.said, cluster.said
            assert not alive(cluster.data), "a stop in good order leaves nobody"
        finally:
            await CLOCK.outside(cluster.end)
            copy.close()
        self._figures.stories.append(CLOCK.monotonic() - began)

    def _shorten_probes(self, copy: WorkingCopy) -> None:
        """Pods are looked at sooner than in the example: most lives would be over before any pod is ready."""
        text = copy.read(ROLLOUT)
        for before in ("initialDelaySeconds: 2", "periodSeconds: 5", "initialDelaySeconds: 5", "periodSeconds: 10"):
            assert f"{before}\n" in text, f"{ROLLOUT} has no {before!r}"
            text = text.replace(f"{before}\n", f"{before.partition(':')[0]}: 1\n", 1)
        copy.write({ROLLOUT: text})
        copy.commit("Look at pods sooner", author=AUTHOR, at=CLOCK.now())
        copy.push()

    async def _start(self, cluster: Killable) -> None:
        while self._chance.random() < self._in_vain:
            await self._start_in_vain(cluster)
        began = CLOCK.monotonic()
        starting = asyncio.ensure_future(CLOCK.outside(cluster.start))
        done, _ = await asyncio.wait((starting,), timeout=START_SECONDS)
        if not done:
            os.kill(cluster.pid, 9)
            await asyncio.gather(starting, return_exceptions=True)
            raise AssertionError(f"it was not ready within {START_SECONDS:g} s; it said {cluster.said}")
        starting.result()
        self._figures.starts.append(CLOCK.monotonic() - began)

    async def _kill_while(self, playing: asyncio.Task[None], engineer: Engineer, cluster: Killable) -> None:
        """Kill and start until the story is over."""
        for number in range(self._kills):
            if number < len(self._armed):
                await self._or_over(self._is_at(engineer, self._armed[number]))
            if await self._or_over(CLOCK.sleep(self._chance.uniform(*LIFE_SECONDS))):
                break
            self._figures.kills[engineer.chapter] = self._figures.kills.get(engineer.chapter, 0) + 1
            await self._kill(cluster)
            await self._start(cluster)
            self._figures.tell(f"killed and started in {engineer.chapter}, the {self._figures.total}th time")
        await self._or_over(asyncio.Event().wait())

    async def _is_at(self, engineer: Engineer, chapter: str) -> None:
        async def is_there() -> bool:
            return engineer.chapter >= chapter

        await until(is_there, f"chapter {chapter}")

    async def _or_over(self, waiting: Awaitable[Any]) -> bool:
        """Wait for it, or until somebody's part is over: whether that came first. Raises what they failed of."""
        task = asyncio.ensure_future(waiting)
        await asyncio.wait((task, *self._tasks), return_when=asyncio.FIRST_COMPLETED)
        is_over = False
        for part in self._tasks:
            if part.done():
                part.result()
                is_over = True
        if is_over:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            task.result()
        return is_over

    async def _kill(self, cluster: Killable) -> None:
        """Kill it, and see that nothing of it is left and nothing listens any more."""
        pids = [cluster.pid, *alive(cluster.data)]
        heard = set(listening())
        ours = sockets_of(pids) & heard
        assert {cluster.wanted[name] for name in PORTS} <= {listening().get(inode, 0) for inode in ours}
        began = CLOCK.monotonic()
        os.kill(cluster.pid, 9)
        await self._is_gone(cluster, ours)
        self._figures.ends.append(CLOCK.monotonic() - began)
        self._figures.processes += len(pids)
        self._figures.sockets += len(ours)
        await CLOCK.outside(cluster.end)
        assert "Traceback" not in cluster.said, cluster.said

    async def _start_in_vain(self, cluster: Killable) -> None:
        """Kill it before it is ready, or hardly after."""
        former = cluster.pid
        starting = asyncio.ensure_future(CLOCK.outside(cluster.start))

        async def is_born() -> bool:
            return cluster.pid != former

        await until(is_born, "a process", START_SECONDS)
        await CLOCK.sleep(self._chance.uniform(*BIRTH_SECONDS))
        os.kill(cluster.pid, 9)
        [outcome] = await asyncio.gather(starting, return_exceptions=True)
        assert outcome is None or isinstance(outcome, NotStarted), outcome
        assert "Traceback" not in f"{outcome} {cluster.said}", outcome
        await self._is_gone(cluster, set())
        await CLOCK.outside(cluster.end)
        self._figures.in_vain += 1

    async def _is_gone(self, cluster: Killable, ours: set[str]) -> None:
        """It was killed: soon nothing of it is left. ours: the sockets it listened at."""

        async def is_gone() -> bool:
            return not alive(cluster.data) and not ours & set(listening())

        try:
            await until(is_gone, "nobody is left and nothing listens", GONE_SECONDS)
        except AssertionError as error:
            left = {pid: _command(pid) for pid in alive(cluster.data)}
            ports = [port for inode, port in listening().items() if inode in ours]
            raise AssertionError(f"{error}; alive {left}, ports {ports}") from None

    async def _look_at_the_end(self, remote: RemoteCluster, cluster: Killable) -> None:
        open_ones: list[Objective] = []

        async def are_met() -> bool:  # the last kill may have taken pods of who was done before
            open_ones[:] = [objective for objective in await verify(remote, None) if not objective.is_met]
            return not open_ones

        try:
            await until(are_met, "the objectives being met", END_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}: {open_ones}") from None
        done = await CLOCK.outside(cluster.verify)
        assert done.returncode == 0, done.stdout + done.stderr
        for namespace, replicas in zip(NAMESPACES, (1, 4), strict=True):

            async def are_alone(namespace: str = namespace, replicas: int = replicas) -> list[Obj] | None:
                live = [pod for pod in (await remote.list(PODS, namespace)).items if not _is_over(pod)]
                return live if len(live) == replicas else None

            for pod in await until(are_alone, f"{replicas} pods in {namespace}", END_SECONDS):
                [container] = pod["status"]["containerStatuses"]
                assert container["image"].endswith(f":{VERSION}"), _summary(pod)
                assert (container["ready"], container["restartCount"]) == (True, 0), _summary(pod)
        lost = [pod for pod in (await remote.list(PODS)).items if pod["status"].get("phase") == "Failed"]
        for pod in lost:
            assert pod["status"].get("reason") == LOST_REASON, _summary(pod)
            assert not pod["status"].get("containerStatuses"), _summary(pod)
        self._figures.lost_pods += len(lost)


def _is_over(pod: Obj) -> bool:
    return pod["status"].get("phase") in ("Failed", "Succeeded")


def _summary(pod: Obj) -> dict[str, Any]:
    status = pod["status"]
    return {
        "name": pod["metadata"]["name"],
        **{key: status.get(key) for key in ("phase", "reason", "message", "containerStatuses")},
    }


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return "?"


async def kill_again_and_again(
    folder: Path, *, kills: int, seed: int, within_seconds: float = 3600.0, figures: Figures | None = None
) -> Figures:
    """Stories, one after the other, until so many kills were done; the last one is left in peace then, to end green."""
    figures, chance = figures or Figures(), Chance(seed)
    deadline = CLOCK.monotonic() + within_seconds
    number = 0
    while figures.total < kills and CLOCK.monotonic() < deadline:
        number += 1
        own = folder / f"story-{number}"
        own.mkdir(parents=True)
        budget = min(kills - figures.total, 4 + chance.below(9))  # the last chapters are where it would stay
        await Story(own, chance.stream(f"story {number}"), figures, kills=budget, in_vain=0.2).run()
        figures.tell(f"story {number} ended green; it allowed {budget} kills\n{figures}")
    return figures


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    sys.stdout.write(f"{folder}\n")

    began, figures = CLOCK.monotonic(), Figures()

    def tell(text: str) -> None:
        sys.stdout.write(f"{CLOCK.monotonic() - began:6.1f} s  {text}\n")
        sys.stdout.flush()

    figures.tell = tell
    limit = 60 * options.minutes
    try:
        asyncio.run(
            kill_again_and_again(folder, kills=options.kills, seed=options.seed, within_seconds=limit, figures=figures)
        )
    finally:
        tell(str(figures))


if __name__ == "__main__":
    main()
