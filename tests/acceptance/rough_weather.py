"""Worlds in which things go wrong, by seed: a Rollout that people play with, and the Silent Canary under faults.

Owns: what a seed stands for (a Plan), carrying it out under the eyes of an `Observer`, and the report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from canarium.clock import Chance, VirtualClock, run_virtual
from canarium.gitops.git.local import LocalRepositories
from canarium.gitops.git.repositories import CommitInfo, RepositoryUnreachable
from canarium.gitops.kinds import APPLICATIONS
from canarium.gitops.tree import Tree
from canarium.journal import Journal
from canarium.kube.decision import Patch
from canarium.kube.faults import FaultRates
from canarium.kube.objects import Obj, ObjectKey, key_of, labels_of
from canarium.kube.resources import NAMESPACES, PODS, REPLICA_SETS
from canarium.lab.silent_canary import REPO_URL, Ending, LocalClones, SilentCanary, write_example
from canarium.lab.world import NeverHappened, World, WorldOptions
from canarium.nodes.behaviour import Behaviour, behaving
from canarium.nodes.images.podinfo import podinfo
from canarium.rollouts import commands
from canarium.rollouts.commands import CommandRefused
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, ROLLOUTS
from tests.acceptance.invariants import HASH, Observer, decide_again, phase_of

NAMESPACE, NAME = "shop", "web"
IMAGE = "stefanprodan/podinfo"
PROMETHEUS = "http://prometheus-server.prometheus.svc.cluster.local"
CALM = FaultRates()
ROUGH = FaultRates(
    conflict=0.05,
    timed_out=0.03,
    applied_but_timed_out=0.05,
    stale_read=0.05,
    dropped_watch=0.01,
    repeated_event=0.05,
    late_event_seconds=1.0,
)
RATES = FaultRates.__struct_fields__
PATIENCE_SECONDS, PATIENCE_UNDER_FAULTS_SECONDS = 1.0, 10.0
"""How long a decision may be on its way: backing off after faults takes up to ten seconds a time."""
QUIET_SECONDS = 20.0
POLL_SECONDS = 240.0
WITHIN = timedelta(minutes=30)
BEHAVIOURS = {
    "slow": Behaviour(start_delay_seconds=12.0),
    "crash": Behaviour(crash_after_seconds=7.0),
    "never": Behaviour(never_ready=True),
}
"""How an image behaves, by how its tag begins; the others are good."""


class Broken(AssertionError):
    """A promise was broken, or the world did not come to rest."""


@dataclass(frozen=True)
class Deed:
    """What somebody does, so many seconds after the deed before.

    at_a_write: milliseconds after a controller wrote the Rollout or a ReplicaSet, when it hurts most; `after` seconds
    after that.
    """

    after: float
    what: str
    value: Any = None
    at_a_write: bool = False

    def __str__(self) -> str:
        when = f"{self.after * 1000:.0f} ms after a write" if self.at_a_write else f"after {self.after:.1f} s"
        return f"{when}: {self.what} {'' if self.value is None else self.value}"


@dataclass(frozen=True)
class Plan:
    """What a seed stands for: one Rollout, what happens to it, what goes wrong meanwhile."""

    seed: int
    replicas: int
    canary: Obj
    condition: str
    deeds: tuple[Deed, ...]
    restarts: tuple[float, ...]
    faults: FaultRates
    spec: Obj = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.replicas} replicas, {self.canary}, {self.spec}", f"  {self.condition}"]
        lines += [f"  {deed}" for deed in self.deeds]
        return "\n".join([*lines, f"  controllers restart at {self.restarts}", f"  {self.faults}"])


def plan_for(seed: int) -> Plan:
    """The plan of a seed. About one in eight has no faults, so that the promises are held to the second there."""
    chance = Chance(seed).stream("plan")

    def choose(*options: Any) -> Any:
        return options[chance.below(len(options))]

    analysis = {"templates": [{"templateName": "checks"}]}
    steps = [
        choose(
            {"setWeight": choose(0, 10, 20, 25, 33, 50, 66, 75, 100)},
            {"setWeight": choose(10, 33, 50, 80)},
            {"pause": choose({}, {"duration": 5}, {"duration": "10s"})},
            {"analysis": analysis},
            {"analysis": analysis},
        )
        for _ in range(1 + chance.below(5))
    ]
    surge, unavailable = choose(("25%", "25%"), (1, 0), (0, 1), ("50%", 0), (2, 1), ("25%", "50%"), (0, "25%"))
    canary: Obj = {"steps": steps, "maxSurge": surge, "maxUnavailable": unavailable}
    if chance.random() < 0.3:
        canary["analysis"] = analysis
    deeds = [Deed(0.0, "set image", f"{IMAGE}:good-2")]
    for number in range(2 + chance.below(5)):
        what = choose(
            "set image",
            "set image",
            "abort",
            "retry",
            "retry",
            "promote",
            "promote",
            "promote --full",
            "scale",
            "undo",
            "restart",
            "mend the template",
            "break the template",
            "delete a pod",
            "pause",
            "resume",
        )
        value: Any = None
        match what:
            case "set image":
                value = f"{IMAGE}:{choose('good', 'good', 'good', 'slow', 'crash', 'never')}-{number + 3}"
                if chance.random() < 0.15:
                    value = f"{IMAGE}:good-1"
            case "scale":
                value = chance.below(7)
        if chance.random() < 0.6:
            deeds.append(Deed(round(chance.uniform(0.0, 0.012), 4), what, value, at_a_write=True))
        else:
            after = choose(0.01, 0.5, 3.0, 8.0, 20.0, 40.0) * (0.5 + chance.random())
            deeds.append(Deed(round(after, 3), what, value))
    faults = CALM
    if seed % 8:
        worst = chance.uniform(0.2, 2.0)
        faults = FaultRates(**{name: round(chance.random() * worst * getattr(ROUGH, name), 4) for name in RATES})
    restarts = tuple(round(chance.uniform(1, 120), 3) for _ in range(chance.below(4))) if seed % 8 else ()
    return Plan(
        seed=seed,
        replicas=1 + chance.below(6),
        canary=canary,
        condition=choose("result[0] == 1", "result[0] == 1", "result[0] == 2"),
        deeds=tuple(deeds),
        restarts=tuple(sorted(restarts)),
        faults=faults,
        spec={"progressDeadlineSeconds": 60, "progressDeadlineAbort": chance.random() < 0.5},
    )


class NoGit:
    """See `Repositories`: there are none."""

    def _refuse(self, repo_url: str) -> NoReturn:
        raise RepositoryUnreachable(f"{repo_url}: this world has no git")

    def resolve(self, repo_url: str, revision: str = "HEAD") -> str:
        """See `Repositories`."""
        self._refuse(repo_url)

    def tree(self, repo_url: str, sha: str) -> Tree:
        """See `Repositories`."""
        self._refuse(repo_url)

    def info(self, repo_url: str, sha: str) -> CommitInfo:
        """See `Repositories`."""
        self._refuse(repo_url)


@dataclass(frozen=True)
class Outcome:
    """A run that kept every promise."""

    changes: int
    faults: dict[str, int]
    virtual_seconds: float
    end: Any


# -- a Rollout that people play with ----------------------------------------------------------------------------------


def play(plan: Plan, journal_for: Callable[[VirtualClock], Journal] | None = None) -> Outcome:
    """Carry a plan out. Raises Broken, and whatever a controller of ours died of."""

    async def main(clock: VirtualClock) -> Outcome:
        journal = journal_for(clock) if journal_for else None
        images = [(f"{IMAGE}:{tag}-*", behaving(podinfo, how)) for tag, how in BEHAVIOURS.items()]
        options = WorldOptions(seed=plan.seed, faults=plan.faults, images=images)
        return await _Game(World(clock, NoGit(), options, journal), plan).play()

    return run_virtual(main)


class _Game:
    """One plan being carried out."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.world = world
        self.plan = plan
        patience = PATIENCE_SECONDS if plan.faults == CALM else PATIENCE_UNDER_FAULTS_SECONDS
        self.observer = Observer(world, patience_seconds=patience)
        self.key = ObjectKey(NAMESPACE, NAME)

    async def play(self) -> Outcome:
        world, plan = self.world, self.plan
        await world.start()
        try:
            await self._deploy()
            restarting = asyncio.ensure_future(_restart_at(world, plan.restarts))
            for deed in plan.deeds:
                if deed.at_a_write:
                    await self._a_write()
                await world.sleep(deed.after)
                with self.observer.somebody(deed.what):
                    self._do(deed.what, deed.value)
                self._fail_if_broken()
            await _rest(world, within=120.0)
            self._fail_if_broken()
            self._check_abort()
            await restarting
            await self._come_to_a_good_end()
            await _check_rest(world, self.observer, polls=False)
            self._fail_if_broken()
        except NeverHappened as error:
            raise Broken(f"{error}: {self.rollout.get('status')}") from error
        finally:
            await world.stop()
        return Outcome(self.observer.changes, world.faults.happened if world.faults else {}, world.clock.monotonic(), 0)

    async def _a_write(self) -> None:
        """Wait until somebody writes the Rollout or a ReplicaSet, or for a while if nobody does."""
        revision = self.world.store.revision

        def is_written() -> bool:
            found = (*self.world.all(ROLLOUTS, NAMESPACE), *self.world.all(REPLICA_SETS, NAMESPACE))
            return any(int(obj["metadata"]["resourceVersion"]) > revision for obj in found)

        with suppress(NeverHappened):
            await self.world.until(is_written, what="a write", within=timedelta(seconds=15))

    @property
    def rollout(self) -> Obj:
        return self.world.registry.get(ROLLOUTS, self.key)

    def _fail_if_broken(self) -> None:
        if self.observer.broken:
            raise Broken("\n".join(self.observer.broken))

    async def _deploy(self) -> None:
        registry, plan = self.world.registry, self.plan
        registry.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
        registry.create(ANALYSIS_TEMPLATES, checks(plan.condition))
        registry.create(ROLLOUTS, rollout(plan))
        await self.world.until(self._is_up, what="the first deployment", within=WITHIN)

    def _is_up(self) -> bool:
        pods = self.world.all(PODS, "prometheus")
        has_prometheus = any(_is_ready(pod) for pod in pods)
        return has_prometheus and self._is_healthy(f"{IMAGE}:good-1")

    def _is_healthy(self, image: str) -> bool:
        found = self.rollout
        seen = (found.get("status") or {}).get("observedGeneration")
        is_seen = str(seen) == str(found["metadata"]["generation"])
        return is_seen and phase_of(found) == "Healthy" and _image(found) == image

    def _do(self, what: str, value: Any) -> None:
        registry, found = self.world.registry, self.rollout
        sets = [each for each in self.world.all(REPLICA_SETS, NAMESPACE) if labels_of(each).get(HASH)]
        wishes: dict[str, Callable[[], tuple[Patch, ...]]] = {
            "set image": lambda: commands.set_image(found, "*", value),
            "abort": lambda: commands.abort(found),
            "retry": lambda: commands.retry(found),
            "promote": lambda: commands.promote(found),
            "promote --full": lambda: commands.promote_full(found),
            "undo": lambda: commands.undo(found, sets),
            "restart": lambda: commands.restart(found, self.world.clock.now()),
            "pause": lambda: commands.pause(found),
            "resume": lambda: commands.resume(found),
        }
        match what:
            case "scale":
                registry.patch(ROLLOUTS, self.key, {"spec": {"replicas": value}})
            case "mend the template" | "break the template":
                success = "result[0] == 1" if what.startswith("mend") else "result[0] == 2"
                registry.patch(ANALYSIS_TEMPLATES, ObjectKey(NAMESPACE, "checks"), {"spec": checks(success)["spec"]})
            case "delete a pod":
                ready = [pod for pod in self.world.all(PODS, NAMESPACE) if _is_ready(pod)]
                if ready:
                    registry.delete(PODS, key_of(ready[0]))
            case _:
                try:
                    patches = wishes[what]()
                except CommandRefused:
                    return
                for patch in patches:
                    registry.patch(
                        patch.resource, self.key, patch.patch, type=patch.type, subresource=patch.subresource
                    )

    def _check_abort(self) -> None:
        """Aborted and left alone, a Rollout is back at stable (unless the stable version itself does not run)."""
        status = self.rollout.get("status") or {}
        stable = self.world.find(REPLICA_SETS, NAMESPACE, f"{NAME}-{status.get('stableRS')}")
        if not status.get("abort") or stable is None or not _tag(stable).startswith(("good", "slow")):
            return
        if self.rollout["spec"].get("paused"):
            return  # nothing moves while somebody holds it
        wrong = self.observer.rest()
        if wrong:
            raise Broken("\n".join(["aborted, and then:", *wrong]))

    async def _come_to_a_good_end(self) -> None:
        """A good version, a working analysis, and somebody who promotes and retries: it becomes Healthy."""
        image = f"{IMAGE}:good-last"
        deeds: tuple[tuple[str, Any], ...] = (("resume", None), ("mend the template", None), ("set image", image))
        for what, value in deeds:
            with self.observer.somebody(what):
                self._do(what, value)
        deadline = self.world.clock.monotonic() + WITHIN.total_seconds()
        while not self._is_healthy(image):
            if self.world.clock.monotonic() > deadline:
                raise Broken(f"it did not become Healthy within {WITHIN}: {self.rollout.get('status')}")
            helping = {"Paused": "promote", "Degraded": "retry"}.get(phase_of(self.rollout))
            if helping is not None:
                with self.observer.somebody(helping):
                    self._do(helping, None)
            await self.world.sleep(5.0)
            self._fail_if_broken()


def checks(condition: str) -> Obj:
    """An AnalysisTemplate that measures twice."""
    provider = {"prometheus": {"address": PROMETHEUS, "query": "vector(1)"}}
    metric = {"name": "one", "count": 2, "interval": "4s", "successCondition": condition, "provider": provider}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "checks", "namespace": NAMESPACE},
        "spec": {"metrics": [metric]},
    }


def rollout(plan: Plan) -> Obj:
    """The Rollout of a plan, at its first version."""
    probe = {"httpGet": {"path": "/", "port": 9898}, "initialDelaySeconds": 1, "periodSeconds": 3}
    ports = [{"containerPort": 9898, "name": "http", "protocol": "TCP"}]
    container = {"name": "web", "image": f"{IMAGE}:good-1", "ports": ports, "readinessProbe": probe}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "replicas": plan.replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
            "strategy": {"canary": plan.canary},
            **plan.spec,
        },
    }


# -- the Silent Canary ------------------------------------------------------------------------------------------------


def tell_the_story(seed: int, folder: Path, *, faults: FaultRates, restarts: tuple[float, ...] = ()) -> Outcome:
    """Play the Silent Canary in rough weather. Raises Broken, StoryBroke, and what a controller of ours died of."""

    async def main(clock: VirtualClock) -> Outcome:
        origin = folder / "origin.git"
        copy = write_example(folder / "copy", origin, repo_url=REPO_URL, at=clock.now())
        repositories = LocalClones(LocalRepositories(), {REPO_URL: origin})
        world = World(clock, repositories, WorldOptions(seed=seed, faults=faults))
        patience = PATIENCE_SECONDS if faults == CALM else PATIENCE_UNDER_FAULTS_SECONDS
        observer = Observer(world, patience_seconds=patience)
        await world.start()
        try:
            restarting = asyncio.ensure_future(_restart_at(world, restarts))
            story = SilentCanary(world, copy)
            async for beat in story.play():
                if isinstance(beat, Ending) and not all(objective.is_met for objective in beat.objectives):
                    observer.broken.append(f"objectives are open: {beat.objectives}")
            await restarting
            await _check_rest(world, observer, polls=True)
            if observer.broken:
                raise Broken("\n".join(observer.broken))
            happened = world.faults.happened if world.faults else {}
            return Outcome(observer.changes, happened, clock.monotonic(), what_is_there(world, copy.head))
        finally:
            await world.stop()
            copy.close()

    return run_virtual(main)


def what_is_there(world: World, head: str | None) -> Obj:
    """What the story leaves behind, without what follows from the time of day: uids, versions, commits, values."""
    found: Obj = {}
    for resource in (ROLLOUTS, REPLICA_SETS, ANALYSIS_RUNS, ANALYSIS_TEMPLATES, APPLICATIONS):
        for obj in world.all(resource):
            found[f"{resource} {key_of(obj)}"] = {
                "labels": labels_of(obj),
                "annotations": obj["metadata"].get("annotations") or {},
                "spec": obj.get("spec"),
                "status": _lasting(obj.get("status") or {}, head),
            }
    pods = [(key_of(pod).namespace, labels_of(pod).get(HASH, "")) for pod in world.all(PODS)]
    found["pods"] = sorted(pods)
    return found


_LASTING = ("phase", "message", "stableRS", "currentPodHash", "currentStepIndex", "availableReplicas")


def _lasting(status: Obj, head: str | None) -> Obj:
    conditions = status.get("conditions") or ()
    sync, health = status.get("sync") or {}, status.get("health") or {}
    return {
        **{name: status.get(name) for name in _LASTING},
        "conditions": sorted((c["type"], c["status"], c.get("reason"), c.get("message")) for c in conditions),
        "results": [(r["name"], r["phase"], r.get("message")) for r in status.get("metricResults") or ()],
        "sync": (sync.get("status"), sync.get("revision") == head, health.get("status")),
    }


# -- both -------------------------------------------------------------------------------------------------------------


async def _restart_at(world: World, moments: tuple[float, ...]) -> None:
    began = world.clock.monotonic()
    for moment in moments:
        await world.clock.sleep(max(0.0, began + moment - world.clock.monotonic()))
        await world.restart_controllers()


async def _rest(world: World, *, within: float) -> bool:
    """Wait until nothing of interest has changed for a while; whether that came about."""
    last = world.clock.monotonic()

    def note(change: Any) -> None:
        nonlocal last
        del change
        last = world.clock.monotonic()

    stops = [world.store.subscribe(resource, note) for resource in (ROLLOUTS, REPLICA_SETS, PODS, ANALYSIS_RUNS)]
    deadline = last + within
    try:
        while (wait := last + QUIET_SECONDS - world.clock.monotonic()) > 0:
            if world.clock.monotonic() > deadline:
                return False
            await world.sleep(wait)
        return True
    finally:
        for stop in stops:
            stop()


async def _check_rest(world: World, observer: Observer, *, polls: bool) -> None:
    """In calm weather the world comes to rest, everything is in its place, and nobody wants anything more."""
    if world.faults is not None:
        world.faults.rates = CALM
    if not await _rest(world, within=600.0):
        raise Broken("it does not come to rest")
    if polls:
        await world.sleep(POLL_SECONDS)  # what is only looked at now and then, such as git, is looked at once more
    observer.broken += observer.rest()
    observer.broken += [f"decided again: {wish}" for wish in await decide_again(world)]


def _image(workload: Obj) -> str:
    return str(workload["spec"]["template"]["spec"]["containers"][0]["image"])


def _tag(workload: Obj) -> str:
    return _image(workload).rpartition(":")[2]


def _is_ready(pod: Obj) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)
