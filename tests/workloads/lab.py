"""A whole small cluster in virtual time: registry, controllers, one simulated node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from canarium.clock import Chance, VirtualClock, run_virtual
from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.controller.manager import Manager
from canarium.kube.faults import FaultRates, FaultyCluster
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj
from canarium.kube.registry import Registry
from canarium.kube.resources import EVENTS, NAMESPACES, PODS, Resource
from canarium.kube.store.memory import MemoryStore
from canarium.nodes.images.podinfo import REPOSITORIES, podinfo
from canarium.nodes.lab_network import LabNetwork
from canarium.nodes.nodes import add_kubelet, start_node
from canarium.nodes.program import ImageTable
from canarium.nodes.runtime import SimulatedRuntime
from canarium.nodes.scheduler import Scheduler
from canarium.workloads import controllers

T = TypeVar("T")


class Lab:
    """Everything a test looks at."""

    def __init__(self, clock: VirtualClock, *, seed: int = 1, rates: FaultRates | None = None) -> None:
        self.clock = clock
        chance = Chance(seed)
        self.registry = Registry(MemoryStore(), now=clock.now, chance=chance.stream("registry"))
        self.truth = InProcessCluster(self.registry, clock, chance.stream("cluster"), latency=(0.001, 0.005))
        self.cluster: Cluster = self.truth
        if rates is not None:
            self.cluster = FaultyCluster(self.truth, clock, chance.stream("faulty"), rates)
        self.manager = Manager(self.cluster, clock)
        self.images = ImageTable()
        for repository in REPOSITORIES:
            self.images.add(repository, podinfo)
        self.network = LabNetwork(self.manager.listers, clock=clock, chance=chance)
        self.runtime = SimulatedRuntime(
            self.images, sockets=self.network, network=self.network, clock=clock, chance=chance
        )
        self.failures: list[BaseException] = []
        self._chance = chance

    async def start(self) -> Lab:
        """Start the controllers and one node."""
        await self.truth.create(NAMESPACES, {"metadata": {"name": "default"}})
        await self.truth.create(NAMESPACES, {"metadata": {"name": "shop"}})
        self._add_controllers()
        self.agent = await start_node(
            self.manager,
            self.truth,
            clock=self.clock,
            chance=self._chance,
            runtime=self.runtime,
            network=self.network,
        )
        await self.manager.start()
        return self

    async def restart(self) -> None:
        """Stop every controller where it stands, and start new ones over the same world."""
        await self.manager.stop()
        self.manager = Manager(self.cluster, self.clock)
        self.network.follow(self.manager.listers)
        self._add_controllers()
        add_kubelet(self.manager, self.cluster, self.agent)
        await self.manager.start()

    def _add_controllers(self) -> None:
        self.manager.on_failure(self.failures.append)
        for reconciler in controllers(self.cluster, self.manager.listers, self.registry.resources):
            self.manager.add(reconciler)
        self.manager.add(Scheduler(self.cluster, self.manager.listers))

    async def advance(self, seconds: float) -> None:
        """Let time pass; an assertion of ours that failed meanwhile is raised."""
        await self.clock.sleep(seconds)
        if self.failures:
            raise self.failures[0]

    async def until(self, holds: Callable[[], Awaitable[bool]], *, within: float = 300.0) -> float:
        """Let time pass until `holds`; returns how long it took (in steps of a quarter of a second)."""
        began = self.clock.monotonic()
        while not await holds():
            assert self.clock.monotonic() - began < within, f"did not happen within {within} s"
            await self.advance(0.25)
        return self.clock.monotonic() - began

    async def pods(self, namespace: str = "shop", *, labels: str = "") -> list[Obj]:
        """All pods, terminating ones included."""
        return (await self.truth.list(PODS, namespace, labels=labels)).items

    async def ready(self, count: int, namespace: str = "shop", *, labels: str = "") -> bool:
        """Whether exactly `count` pods exist and all are ready."""
        pods = await self.pods(namespace, labels=labels)
        return len(pods) == count and all(is_ready(pod) for pod in pods)

    async def events(self, name: str, namespace: str = "shop") -> list[tuple[str, str]]:
        """Reasons and messages of the events about an object, in the order in which they first happened."""
        found = (await self.truth.list(EVENTS, namespace)).items
        found = [event for event in found if event["involvedObject"]["name"] == name]
        found.sort(key=lambda event: int(event["metadata"].get("resourceVersion", 0)))
        return [(event["reason"], event["message"]) for event in found]

    async def gone(self, resource: Resource, name: str, namespace: str = "shop") -> bool:
        """Whether an object is no longer there."""
        try:
            await self.truth.get(resource, namespace, name)
        except NotFound:
            return True
        return False


def is_ready(pod: Obj) -> bool:
    """The Ready condition of a pod."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def in_lab(story: Callable[[Lab], Awaitable[T]], *, seed: int = 1, rates: FaultRates | None = None) -> T:
    """Run a story in a lab of its own."""

    async def main(clock: VirtualClock) -> T:
        return await story(await Lab(clock, seed=seed, rates=rates).start())

    return run_virtual(main)


def pod_template(image: str = "stefanprodan/podinfo:6.8.0", app: str = "web", **container: Any) -> dict[str, Any]:
    """The template of the example: podinfo with readiness and liveness probes."""
    return {
        "metadata": {"labels": {"app": app}},
        "spec": {
            "containers": [
                {
                    "name": app,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "ports": [{"containerPort": 9898, "name": "http", "protocol": "TCP"}],
                    "readinessProbe": {
                        "httpGet": {"path": "/", "port": 9898},
                        "initialDelaySeconds": 2,
                        "periodSeconds": 5,
                    },
                    "livenessProbe": {
                        "httpGet": {"path": "/", "port": 9898},
                        "initialDelaySeconds": 5,
                        "periodSeconds": 10,
                    },
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "32Mi"},
                        "limits": {"cpu": "100m", "memory": "128Mi"},
                    },
                    **container,
                }
            ]
        },
    }


def replica_set(name: str = "web", replicas: int = 2, **template: Any) -> Obj:
    """A ReplicaSet in namespace shop."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": template.get("app", "web")}},
            "template": pod_template(**template),
        },
    }


def service(name: str = "web", *, target_port: int | str = "http", app: str = "web") -> Obj:
    """A Service in namespace shop, port 80."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"app": app}, "ports": [{"name": "http", "port": 80, "targetPort": target_port}]},
    }


def seconds(number: float) -> timedelta:
    """For readability."""
    return timedelta(seconds=number)
