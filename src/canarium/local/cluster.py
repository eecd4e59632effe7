"""A cluster on this machine: a world in real time over a store on disk, with its doors open on loopback.

Owns: putting store, world, API server and ports together; starting, stopping, and what a restart finds.
Must not know: the command line.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.gitops.git.local import LocalRepositories
from canarium.gitops.git.repositories import Repositories
from canarium.journal import Journal
from canarium.kube.cluster import AlreadyExists, ApiError, NotFound
from canarium.kube.controller.fault import Fault
from canarium.kube.objects import Obj, ObjectKey, format_time
from canarium.kube.registry import Registry
from canarium.kube.resources import PODS, SERVICES
from canarium.kube.server.access import Tokens
from canarium.kube.server.app import ApiServer
from canarium.kube.server.serving import Serving, bind
from canarium.kube.store.sqlite import SqliteStore
from canarium.lab.world import CONTROLLERS, World, WorldOptions
from canarium.local.folder import DataFolder, Place
from canarium.local.front_doors import Page, front_door
from canarium.local.machine import Machine
from canarium.local.pods import LocalPods
from canarium.local.remotes import LocalRemotes, PushWatch, remotes_of
from canarium.nodes.image_map import ImageMap
from canarium.nodes.loopback import LOOPBACK, claim_loopback
from canarium.nodes.program import AsgiApp
from canarium.nodes.runtime import Delays

APPLICATIONS_PORT = 30100
ROLLOUTS_PORT = 30101
METRICS_PORT = 30102
AT_ONCE = Delays(sandbox=(0.0, 0.0), pull=(0.0, 0.0), pull_cached=(0.0, 0.0), start=(0.0, 0.0), stop=(0.0, 0.0))
"""In real time nothing pretends to take time."""
_API_SERVICE: Obj = {
    "metadata": {
        "name": "kubernetes",
        "namespace": "default",
        "labels": {"component": "apiserver", "provider": "kubernetes"},
    },
    "spec": {
        "clusterIP": "10.96.0.1",
        "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
    },
}
"""The API server as every cluster has it; `Machine` knows what stands behind it."""
LOST_REASON = "NodeShutdown"
LOST_MESSAGE = "Pod was terminated in response to imminent node shutdown."


def chosen_controllers(text: str) -> frozenset[str]:
    """Which controllers run, as kube-controller-manager's flag says it: `*,-rollouts`, or the names of those that do.

    Raises CanariumError for a name that nobody has.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word != "*" and word.removeprefix("-") not in CONTROLLERS]
    if unknown:
        raise CanariumError(
            f"there are no controllers called {unknown[0].removeprefix('-')!r}",
            next_step=f"Name some of {', '.join(CONTROLLERS)}; `*,-rollouts` is all but those of Rollouts.",
        )
    left_out = {word.removeprefix("-") for word in words if word.startswith("-")}
    named = {word for word in words if not word.startswith("-")}
    return frozenset(CONTROLLERS if "*" in named else named) - left_out


class Doors:
    """The sockets of a local cluster, bound before anything else starts, so that a busy port changes nothing."""

    def __init__(self, wanted: Mapping[str, tuple[int, str]]) -> None:
        self.sockets: dict[str, socket.socket] = {}
        try:
            for name, (port, flag) in wanted.items():
                self.sockets[name] = bind(LOOPBACK, port, flag=flag)
        except BaseException:
            self.close()
            raise

    @property
    def ports(self) -> dict[str, int]:
        """The port of each door."""
        return {name: bound.getsockname()[1] for name, bound in self.sockets.items()}

    def close(self) -> None:
        """Close those that nobody serves."""
        for bound in self.sockets.values():
            bound.close()


def _in_the_journal_only(fault: Fault) -> None:
    del fault


class LocalCluster:
    """One running local cluster. `await start()`, then `await failed()` or `await stop()`.

    page: makes what stands behind the doors for the browser, once the world runs; None: they say what to type instead.
    on_fault: told of a bug of ours that one object brings about; the cluster goes on without that object.
    """

    def __init__(
        self,
        folder: DataFolder,
        working_copy: Path | None,
        doors: Doors,
        clock: Clock,
        *,
        seed: str,
        controllers: frozenset[str] = frozenset(CONTROLLERS),
        nodes: int = 1,
        images: ImageMap | None = None,
        has_addresses: bool = True,
        scrape_seconds: float = 60.0,
        journal: Journal | None = None,
        page: Callable[[LocalCluster], Page] | None = None,
        on_fault: Callable[[Fault], None] = _in_the_journal_only,
    ) -> None:
        self._folder = folder
        self._make_page = page
        self._page: Page | None = None
        self.clock = clock
        self._doors = doors
        self._git = LocalRepositories()
        remotes = remotes_of(working_copy) if working_copy is not None else {}
        repositories = LocalRemotes(self._git, remotes)
        self._store = SqliteStore(folder.database)
        try:  # only who holds the database makes credentials: two first starts at once would mix theirs
            self.tokens: Tokens = folder.credentials(clock.now())
        except BaseException:
            self._store.close()
            raise
        self.machine = Machine(
            folder.path,
            clock,
            images or ImageMap(),
            claim_loopback(has_addresses=has_addresses),
            on_mapped=self._record_network,
        )
        self.world = World(
            clock,
            repositories,
            WorldOptions(
                seed=seed,
                nodes=nodes,
                latency_seconds=(0.0, 0.0),
                controllers=controllers,
                root_ca=folder.authority.read_text("utf-8"),
                ground=self.machine,
                delays=AT_ONCE,
                scrape_seconds=scrape_seconds,
                on_fault=on_fault,
            ),
            journal,
            store=self._store,
        )
        self.pods = LocalPods(self.world, clock)
        self._pushes = PushWatch(self.world.cluster, repositories, clock)
        self._servings: list[Serving] = []
        self.strays = 0
        """How many processes of a killed cluster were found, and ended, at the start."""
        self._server: ApiServer | None = None
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        """Ready when this returns: kinds are defined, controllers run, ports answer."""
        self.world.registry.restore()
        lose_pods(self.world.registry, format_time(self.clock.now()))
        self.strays = await self.machine.start()
        await self.machine.serve(self.world, self._doors.ports["api"])  # before any program asks where the proxy is
        await self.world.start()
        with suppress(AlreadyExists):
            self.world.registry.create(SERVICES, _API_SERVICE)
        self._server = ApiServer(
            self.world.registry,
            self.clock,
            self.tokens,
            address=f"{LOOPBACK}:{self._doors.ports['api']}",
            pods=self.pods,
        )
        behind = self._behind_doors()
        bound = self._doors.sockets
        self._servings = [
            Serving(self._server, bound["api"], certificate=self._folder.certificate, key=self._folder.key),
            *(Serving(app, bound[name], websockets=False) for name, app in behind.items()),
        ]
        for serving in self._servings:
            await serving.start()
        self._tasks.append(asyncio.create_task(self._pushes.run(), name="pushes"))

    def _behind_doors(self) -> Mapping[str, AsgiApp]:
        if self._make_page is not None:
            self._page = self._make_page(self)
            return self._page.doors
        return {
            "applications": front_door("Applications", "kubectl get applications -n argocd"),
            "rollouts": front_door("Rollouts", "kubectl argo rollouts list rollouts -A"),
            "metrics": self.prometheus_app,
        }

    @property
    def prometheus_app(self) -> AsgiApp:
        """The Prometheus Service of this cluster, for requests that name this machine as their host."""
        return self.pods.service_app("prometheus", "prometheus-server", 80)

    @property
    def repositories(self) -> Repositories:
        """Git as the controllers read it."""
        return self.world.repositories

    def _record_network(self) -> None:
        """Keep what listens where for `canarium status`."""
        self._folder.record_network(
            [
                Place(each.route.service, each.route.ip, each.route.port, each.host, each.real_port, each.problem)
                for each in self.machine.mapped
            ]
        )

    async def apply(self, obj: Obj) -> Obj:
        """Create an object or merge it over what is there. Raises ApiError, CanariumError."""
        return await self.world.apply(obj)

    async def failed(self) -> None:
        """Wait for ever. Raises what a controller of ours died of, or StoreError when the disk gives up."""
        waiting = [asyncio.ensure_future(self.world.sleep(float(365 * 24 * 3600))), *self._tasks, *self.machine.tasks]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Stop answering, stop the controllers, and close the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._page is not None:
            await self._page.stop()  # or its streams would be waited for
        if self._server is not None:
            self._server.stop()
        await asyncio.gather(*(serving.stop() for serving in self._servings))
        await self.world.stop()
        await self.machine.drain()
        await self.machine.stop()
        self._doors.close()
        self._git.close()
        self._store.close()

    def address_of(self, namespace: str, name: str) -> str:
        """A Service's cluster address; empty when there is none."""
        with suppress(NotFound):
            found = self.world.registry.get(SERVICES, ObjectKey(namespace, name))
            return str(found["spec"].get("clusterIP", ""))
        return ""


def lose_pods(registry: Registry, at: str) -> int:
    """Pods that ran when the former process ended are Failed, as after a node's shutdown; their owners replace them.

    Returns how many. Source: kubelet nodeshutdown manager (reason and message).
    """
    lost = 0
    for stored in registry.list(PODS):
        pod = registry.get(PODS, _key(stored.raw))
        status = pod.get("status") or {}
        if not pod["spec"].get("nodeName") or status.get("phase") in ("Failed", "Succeeded"):
            continue
        conditions = [
            {**one, "status": "False", "lastTransitionTime": at}
            if one.get("type") in ("Ready", "ContainersReady")
            else one
            for one in status.get("conditions") or ()
        ]
        failed = {
            **status,
            **dict.fromkeys(("containerStatuses", "initContainerStatuses")),  # nobody saw them end
            "phase": "Failed",
            "reason": LOST_REASON,
            "message": LOST_MESSAGE,
            "conditions": conditions,
        }
        key = _key(stored.raw)
        with suppress(ApiError):
            if "deletionTimestamp" in pod["metadata"]:
                registry.delete(PODS, key, grace_period_seconds=0)
            else:
                registry.patch(PODS, key, {"status": failed}, subresource="status")
            lost += 1
    return lost


def _key(raw: bytes) -> ObjectKey:
    metadata = msgspec.json.decode(raw)["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])
