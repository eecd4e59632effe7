"""A burst of pods spreads over the nodes, although no lister shows yet where the first ones went."""

from __future__ import annotations

from collections import Counter

from canarium.clock import Clock
from canarium.kube.controller.manager import Manager
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.resources import NODES, PODS
from canarium.nodes.nodes import node_object, register_node
from canarium.nodes.scheduler import Scheduler
from tests.kube.worlds import in_cluster


def test_pods_that_come_at_once_are_spread_evenly_and_no_node_takes_too_many() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        for index in range(3):
            await register_node(cluster, node_object(index, clock.now(), pods=10))
        containers = [{"name": "main", "image": "podinfo:1"}]
        for number in range(32):
            metadata = {"name": f"pod-{number}", "namespace": "default"}
            await cluster.create(PODS, {"metadata": metadata, "spec": {"containers": containers}})
        manager = Manager(cluster, clock)
        manager.add(Scheduler(cluster, manager.listers), workers=4)

        await manager.start()
        await clock.sleep(5)
        await manager.stop()

        pods = (await cluster.list(PODS)).items
        assert Counter(pod["spec"].get("nodeName", "") for pod in pods) == {
            "canarium-worker": 10,
            "canarium-worker2": 10,
            "canarium-worker3": 10,
            "": 2,
        }

    in_cluster(main, latency=(0.01, 0.05))


def test_a_pod_that_is_gone_makes_room() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await register_node(cluster, node_object(0, clock.now(), pods=1))
        manager = Manager(cluster, clock)
        manager.add(Scheduler(cluster, manager.listers))
        await manager.start()
        spec = {"containers": [{"name": "main", "image": "podinfo:1"}]}

        await cluster.create(PODS, {"metadata": {"name": "first", "namespace": "default"}, "spec": spec})
        await clock.sleep(1)
        await cluster.delete(PODS, "default", "first", grace_period_seconds=0)
        await cluster.create(PODS, {"metadata": {"name": "second", "namespace": "default"}, "spec": spec})
        await clock.sleep(1)
        await cluster.patch(NODES, "", "canarium-worker", {"metadata": {"labels": {"x": "y"}}})  # wakes who waits
        await clock.sleep(1)
        await manager.stop()

        assert (await cluster.get(PODS, "default", "second"))["spec"]["nodeName"] == "canarium-worker"

    in_cluster(main)
