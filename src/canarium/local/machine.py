"""This machine as the node of a local cluster: its addresses, its processes, its Services.

Owns: the life of the warden (a new one when it was killed), and putting runtime, network and Services together for a
world. Must not know: the API server, the command line.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from canarium.clock import Chance, Clock
from canarium.kube.controller.reconciler import Listers
from canarium.kube.objects import Obj, controller_of
from canarium.kube.resources import CONFIG_MAPS, REPLICA_SETS, SECRETS, SERVICES, Resource
from canarium.kube.store.port import Change
from canarium.lab.world import World
from canarium.nodes.chaos import replica_set_of
from canarium.nodes.image_map import ImageMap
from canarium.nodes.lab_network import LabNetwork
from canarium.nodes.local_network import LocalNetwork
from canarium.nodes.loopback import Loopback
from canarium.nodes.pod_worker import Dials
from canarium.nodes.process_runtime import ProcessRuntime
from canarium.nodes.runtime import Runtime, SimulatedRuntime
from canarium.nodes.service_proxy import Mapped, ServiceProxy
from canarium.nodes.warden_client import Warden, WardenLost, sweep
from canarium.nodes.warden_probes import WardenProbes

DRAIN_SECONDS = 10.0
"""How long the pods have to end when the cluster is stopped."""


RETRY_SECONDS = 0.5
"""How long after a warden that was killed at once the next one is started."""


class Machine:
    """See `canarium.lab.world.Ground`. `await start()` before the world's own, `await serve(world)` after it."""

    def __init__(
        self, folder: Path, clock: Clock, images: ImageMap, loopback: Loopback, *, on_mapped: Callable[[], None]
    ) -> None:
        self.loopback = loopback
        self._folder = folder
        self._clock = clock
        self._images = images
        self._on_mapped = on_mapped
        self._warden: Warden | None = None
        self._services: ServiceProxy | None = None
        self._runtime: ProcessRuntime | None = None
        self._world: World | None = None
        self._network: LocalNetwork | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stops: list[Callable[[], None]] = []

    @property
    def cluster_id(self) -> str:
        """By which processes of this cluster are found again after it was killed."""
        return str(self._folder)

    async def start(self) -> int:
        """End what a killed cluster left behind, and start the warden. Returns how many processes were ended."""
        ended = await self._clock.outside(self._clean)
        self._warden = await Warden.start(self._clock, self.cluster_id, self._folder / "warden.log")
        return ended

    def _clean(self) -> int:
        """End strays, and remove the folders of pods that are no more."""
        ended = sweep(self.cluster_id)
        shutil.rmtree(self._folder / "pods", ignore_errors=True)
        return ended

    def warden(self) -> Warden:
        """The warden of this moment."""
        assert self._warden is not None, "start the machine first"
        return self._warden

    # -- for the world ------------------------------------------------------------------------------------------

    def network(self, listers: Listers, chance: Chance) -> LabNetwork:
        """The network of the cluster."""
        self._network = LocalNetwork(listers, clock=self._clock, chance=chance, loopback=self.loopback)
        return self._network

    def runtime(self, world: World, simulated: SimulatedRuntime) -> Runtime:
        """The runtime of its nodes."""
        self._world = world
        self._runtime = ProcessRuntime(
            simulated,
            self._images,
            warden=self.warden,
            facts=self,
            sockets=world.network,
            loopback=self.loopback,
            folder=self._folder / "pods",
            clock=self._clock,
            path=os.environ.get("PATH", os.defpath),
        )
        return self._runtime

    def dials(self, network: LabNetwork) -> Dials:
        """What probes use."""
        return WardenProbes(network, self.loopback, self.warden)

    async def serve(self, world: World, api_port: int) -> None:
        """Open the Services, and keep all that this machine does for the cluster going."""
        api = ("127.0.0.1", api_port)
        self._services = ServiceProxy(
            world.store,
            self.loopback,
            self.warden,
            fixed={"default/kubernetes": api},
            on_change=self._on_mapped,
        )
        await self._services.start()
        self._tasks = [
            asyncio.create_task(self._services.run(), name="services"),
            asyncio.create_task(self._watch_the_warden(), name="warden"),
        ]
        self._stops.append(world.store.subscribe(REPLICA_SETS, self._adjust))

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """Whose failure is the cluster's."""
        return self._tasks

    @property
    def mapped(self) -> Sequence[Mapped]:
        """What listens where."""
        return self._services.mapped if self._services else ()

    async def _watch_the_warden(self) -> None:
        while True:
            await asyncio.shield(self.warden().lost)
            await self._clock.outside(lambda: sweep(self.cluster_id))
            try:
                self._warden = await Warden.start(self._clock, self.cluster_id, self._folder / "warden.log")
                if self._services is not None:
                    await self._services.warden_changed()
            except WardenLost:  # this one too, before it was of any use
                await self._clock.sleep(RETRY_SECONDS)

    def _adjust(self, change: Change) -> None:
        """What chaos asks of a ReplicaSet's pods is written on the ReplicaSet."""
        if self._world is None or self._runtime is None:
            return
        for pod in self._runtime.pods():
            owner = controller_of(pod)
            if owner is None or owner["name"] != change.key.name:
                continue
            if pod["metadata"].get("namespace") == change.key.namespace:
                self._runtime.adjust(pod)

    async def drain(self) -> None:
        """End the pods' processes in good order; their Services go on until then."""
        if self._runtime is not None:
            await self._runtime.drain(DRAIN_SECONDS)

    async def stop(self) -> None:
        """End what still runs and give the addresses back."""
        for stop in self._stops:
            stop()
        if self._services is not None:
            self._services.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._warden is not None:
            await self._warden.stop()
        if self._network is not None:
            self._network.close_all()
        self.loopback.close()

    # -- see `process_runtime.Facts` ----------------------------------------------------------------------------

    def _find(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        return None if self._world is None else self._world.find(resource, namespace, name)

    def config_map(self, namespace: str, name: str) -> Obj | None:
        """See `Facts`."""
        return self._find(CONFIG_MAPS, namespace, name)

    def secret(self, namespace: str, name: str) -> Obj | None:
        """See `Facts`."""
        return self._find(SECRETS, namespace, name)

    def services(self, namespace: str) -> Sequence[Obj]:
        """See `Facts`: those of the namespace, and the API server's."""
        if self._world is None:
            return ()
        found = self._world.all(SERVICES, namespace)
        api = None if namespace == "default" else self._world.find(SERVICES, "default", "kubernetes")
        return found if api is None else [*found, api]

    def replica_set(self, pod: Obj) -> Obj | None:
        """See `Facts`."""
        return replica_set_of(pod, lambda namespace, name: self._find(REPLICA_SETS, namespace, name))

    def proxy_url(self, namespace: str) -> str:
        """See `Facts`."""
        return self._services.proxy_url(namespace) if self._services else ""
