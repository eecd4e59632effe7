"""A whole world in one process: cluster, controllers, nodes, network, metrics, in virtual time.

Owns: putting the rooms together, starting, restarting and waiting. Must not know: any story that plays in it.
The controllers cannot tell it from a real cluster; whoever writes a scenario can look at everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol, TypeVar

import msgspec

from canarium.clock import Chance, Clock
from canarium.errors import CanariumError
from canarium.gitops.application.controller import ApplicationReconciler
from canarium.gitops.applicationset.controller import ApplicationSetReconciler
from canarium.gitops.crds import CRDS as GITOPS_CRDS
from canarium.gitops.git.repositories import Repositories
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.journal import Journal, NoJournal
from canarium.kube.cluster import AlreadyExists, Cluster
from canarium.kube.controller.fault import Fault
from canarium.kube.controller.informer import Informer
from canarium.kube.controller.manager import Manager
from canarium.kube.controller.reconciler import Listers
from canarium.kube.faults import FaultRates, FaultyCluster
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.registry import Registry
from canarium.kube.resources import (
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    Resource,
)
from canarium.kube.store.memory import MemoryStore
from canarium.kube.store.port import Change, Store
from canarium.lab.platform import KUBE_STATE_METRICS_IMAGE, PROMETHEUS_IMAGE, namespaces, platform
from canarium.metrics.kube_state.server import KubeStateMetrics
from canarium.metrics.prometheus import Prometheus
from canarium.metrics.scrape.config import DEFAULT_JOBS, Job
from canarium.nodes.images import echo, podinfo
from canarium.nodes.lab_network import LabNetwork
from canarium.nodes.network import HttpRequest, HttpResponse
from canarium.nodes.nodes import start_node
from canarium.nodes.pod_worker import Dials
from canarium.nodes.program import ContainerContext, ImageTable, Program, Serving
from canarium.nodes.runtime import Delays, Runtime, SimulatedRuntime
from canarium.nodes.scheduler import Scheduler
from canarium.rollouts.analysis.reconciler import AnalysisRunController
from canarium.rollouts.crds import CRDS as ROLLOUTS_CRDS
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.rollouts.reconciler import RolloutReconciler
from canarium.workloads import controllers as workload_controllers

T = TypeVar("T")

LATENCY_SECONDS = (0.0008, 0.006)
WATCHED: tuple[Resource, ...] = (
    ROLLOUTS,
    ANALYSIS_RUNS,
    APPLICATIONS,
    APPLICATION_SETS,
    REPLICA_SETS,
    DEPLOYMENTS,
    PODS,
)


CONTROLLERS = ("workloads", "rollouts", "gitops")
"""Groups of controllers that can be left to somebody else."""


class NeverHappened(CanariumError):
    """What was waited for did not come about in time."""


class Ground(Protocol):
    """What a world in real time stands on: real addresses and processes. A lab needs none."""

    def network(self, listers: Listers, chance: Chance) -> LabNetwork:
        """The network, with real sockets at its ends."""
        ...

    def runtime(self, world: World, simulated: SimulatedRuntime) -> Runtime:
        """The runtime of the nodes, in front of the one that simulates."""
        ...

    def dials(self, network: LabNetwork) -> Dials:
        """What probes use."""
        ...


class WorldOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a world is made of.

    seed: everything random follows from it. faults: what goes wrong between controllers and cluster.
    images: programs for image patterns, over the bundled ones (see `ImageTable`). controllers: which of `CONTROLLERS`
    run here. root_ca: PEM text of who signed the API server's certificate; with it the world also has the controllers
    that only visitors from outside need (Endpoints, ServiceAccounts, disruption budgets, Jobs), which a lab in virtual
    time goes without for the sake of its speed and its event log. scrape_seconds: Prometheus' scrape interval.
    ground: what it stands on in real time. delays: how long the simulated runtime takes. on_fault: told of a bug that
    one object brings about, while all others go on; None: a bug stops the world loudly (see `Manager`).
    """

    seed: int | str = 0
    nodes: int = 1
    faults: FaultRates | None = None
    images: Sequence[tuple[str, Callable[[ContainerContext], Program]]] = ()
    latency_seconds: tuple[float, float] = LATENCY_SECONDS
    controllers: frozenset[str] = frozenset(CONTROLLERS)
    root_ca: str = ""
    scrape_seconds: float = 60.0
    ground: Ground | None = None
    delays: Delays = Delays()
    on_fault: Callable[[Fault], None] | None = None


class World:
    """One running world. `await world.start()` first."""

    def __init__(
        self,
        clock: Clock,
        repositories: Repositories,
        options: WorldOptions | None = None,
        journal: Journal | None = None,
        store: Store | None = None,
    ) -> None:
        self.options = options or WorldOptions()
        self.clock = clock
        self.journal: Journal = journal or NoJournal()
        self.repositories = repositories
        self._chance = Chance(self.options.seed)
        self.store: Store = store or MemoryStore()
        self.registry = Registry(self.store, now=clock.now, chance=self._chance.stream("registry"))
        self.cluster = InProcessCluster(
            self.registry,
            clock,
            self._chance.stream("cluster"),
            latency=self.options.latency_seconds,
            journal=self.journal,
        )
        self.faults: FaultyCluster | None = None
        self._controllers_see: Cluster = self.cluster
        if self.options.faults is not None:
            self.faults = FaultyCluster(self.cluster, clock, self._chance, self.options.faults)
            self._controllers_see = self.faults
        # What outlives a restart of the controllers.
        self._platform = Manager(self.cluster, clock, self.journal, on_fault=self.options.on_fault)
        ground = self.options.ground
        listers = self._platform.listers
        self.network: LabNetwork = (
            LabNetwork(listers, clock=clock, chance=self._chance)
            if ground is None
            else ground.network(listers, self._chance)
        )
        self.prometheus: Prometheus | None = None
        self.runtime: Runtime | None = None
        self._manager: Manager | None = None
        self._failure: asyncio.Future[None] | None = None

    # -- starting -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Set up namespaces, kinds, nodes, controllers and the platform's own workloads."""
        self._failure = asyncio.get_running_loop().create_future()
        self.registry.restore()
        for resource, obj in namespaces():
            with suppress(AlreadyExists):  # a store that was there before has it
                self.registry.create(resource, obj)
        for crd in (*ROLLOUTS_CRDS, *GITOPS_CRDS):
            with suppress(AlreadyExists):
                self.registry.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
        images = self._images()
        simulated = SimulatedRuntime(
            images,
            sockets=self.network,
            network=self.network,
            clock=self.clock,
            chance=self._chance,
            delays=self.options.delays,
        )
        ground = self.options.ground
        runtime = simulated if ground is None else ground.runtime(self, simulated)
        dials = self.network if ground is None else ground.dials(self.network)
        self.runtime = runtime
        for index in range(self.options.nodes):
            await start_node(
                self._platform,
                self.cluster,
                index=index,
                clock=self.clock,
                chance=self._chance,
                runtime=runtime,
                network=dials,
            )
        self._platform.on_failure(self._fail)
        await self._platform.start()
        await self.start_controllers()
        for resource, obj in platform():
            with suppress(AlreadyExists):
                await self.cluster.create(resource, obj)

    def _images(self) -> ImageTable:
        table = ImageTable()
        for repository in podinfo.REPOSITORIES:
            table.add(repository, podinfo.podinfo)
        for repository in echo.REPOSITORIES:
            table.add(repository, echo.echo)
        state = KubeStateMetrics(self._platform.listers, self.clock)
        table.add(KUBE_STATE_METRICS_IMAGE, lambda _: Serving(ports={8080: state.app}))
        table.add(PROMETHEUS_IMAGE, self._prometheus_program)
        for pattern, factory in self.options.images:
            table.add(pattern, factory)
        return table

    def _prometheus_program(self, context: ContainerContext) -> Program:
        jobs = [_every(self.options.scrape_seconds, job) for job in DEFAULT_JOBS]
        self.prometheus = Prometheus(self._platform.listers, self.clock, context.network, self.journal, jobs)
        return self.prometheus

    async def start_controllers(self) -> None:
        """Start the controllers anew, as a restarted controller-manager, Argo CD and Argo Rollouts would."""
        manager = Manager(self._controllers_see, self.clock, self.journal, on_fault=self.options.on_fault)
        cluster, listers = self._controllers_see, manager.listers
        chosen = self.options.controllers
        if "workloads" in chosen:
            root_ca = self.options.root_ca
            for reconciler in workload_controllers(cluster, listers, self.registry.resources, root_ca=root_ca):
                manager.add(reconciler)
        manager.add(Scheduler(cluster, listers))
        if "rollouts" in chosen:
            manager.add(RolloutReconciler(cluster, listers))
            manager.add(AnalysisRunController(cluster, listers, self.clock, self.network, self.journal), workers=8)
        if "gitops" in chosen:
            applications = ApplicationReconciler(cluster, listers, self.repositories, self.registry.resource_for)
            manager.add(ApplicationSetReconciler(cluster, listers, self.repositories))
            manager.add(applications, workers=4)
        manager.on_failure(self._fail)
        self._manager = manager
        await manager.start()

    async def restart_controllers(self) -> None:
        """Stop the controllers wherever they are, between two actions if it falls so, and start new ones."""
        assert self._manager is not None, "start the world first"
        await self._manager.stop()
        await self.start_controllers()

    async def stop(self) -> None:
        """Stop everything."""
        if self._manager is not None:
            await self._manager.stop()
        await self._platform.stop()

    def _fail(self, error: BaseException) -> None:
        # An interrupt ends the whole run by itself; only what a controller of ours died of is told to who waits.
        if isinstance(error, Exception) and self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    def listers(self, resource: Resource) -> Informer:
        """See `Listers`: for whoever looks on from outside. These outlive a restart of the controllers, and see the
        cluster itself, whatever faults the controllers meet."""
        return self._platform.listers(resource)

    # -- looking and waiting ------------------------------------------------------------------------------------

    def find(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        """An object as the store has it, without any delay."""
        stored = self.store.get(resource, ObjectKey(namespace, name))
        return None if stored is None else self.registry.get(resource, ObjectKey(namespace, name))

    def all(self, resource: Resource, namespace: str | None = None) -> list[Obj]:
        """All objects of a kind as the store has them, by namespace and name."""
        return [msgspec.json.decode(stored.raw) for stored in self.store.list(resource, namespace)]

    async def apply(self, obj: Obj) -> Obj:
        """Create an object, or merge it over what is there. Raises ApiError, or CanariumError for an unknown kind."""
        resource = self.registry.resource_for(obj["apiVersion"], obj["kind"])
        if resource is None:
            raise CanariumError(
                f'no matches for kind "{obj["kind"]}" in version "{obj["apiVersion"]}"',
                next_step="Install its CustomResourceDefinition first.",
            )
        try:
            return await self.cluster.create(resource, obj)
        except AlreadyExists:
            metadata = obj["metadata"]
            return await self.cluster.patch(resource, metadata.get("namespace", ""), metadata["name"], obj)

    async def until(
        self, condition: Callable[[], T | None], *, what: str, within: timedelta, on: Sequence[Resource] = WATCHED
    ) -> T:
        """Wait until `condition()` is neither None nor False, looking again after every change of a kind in `on`.

        Raises NeverHappened after `within` (virtual), and whatever a controller of ours died of.
        """
        assert self._failure is not None, "start the world first"
        changed = asyncio.Event()

        def wake(change: Change) -> None:
            del change
            changed.set()

        stops = [self.store.subscribe(resource, wake) for resource in on]
        deadline = self.clock.monotonic() + within.total_seconds()
        try:
            while True:
                answer = condition()
                if answer is not None and answer is not False:
                    return answer
                changed.clear()
                left = deadline - self.clock.monotonic()
                if left <= 0:
                    raise NeverHappened(f"{what} did not happen within {within}")
                waiter = asyncio.ensure_future(changed.wait())
                await asyncio.wait((waiter, self._failure), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                waiter.cancel()
                if self._failure.done():
                    self._failure.result()
        finally:
            for stop in stops:
                stop()

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass. Raises what a controller of ours died of meanwhile."""
        assert self._failure is not None, "start the world first"
        sleeper = asyncio.ensure_future(self.clock.sleep(seconds))
        await asyncio.wait((sleeper, self._failure), return_when=asyncio.FIRST_COMPLETED)
        sleeper.cancel()
        if self._failure.done():
            self._failure.result()

    async def get(self, url: str, *, timeout_seconds: float = 10.0) -> HttpResponse:
        """HTTP GET inside the cluster. Raises NetworkError."""
        return await self.network.request(HttpRequest("GET", url), timeout_seconds=timeout_seconds)


def _every(seconds: float, job: Job) -> Job:
    """The job at another interval; a scrape may take no longer than that."""
    return msgspec.structs.replace(job, interval_seconds=seconds, timeout_seconds=min(job.timeout_seconds, seconds))
