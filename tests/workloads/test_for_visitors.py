"""What a cluster that is served to kubectl has besides: Endpoints, namespaces' own objects, disruption budgets."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.clock import Clock
from canarium.kube.cluster import ApiError, NotFound
from canarium.kube.controller.manager import Manager
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import (
    CONFIG_MAPS,
    ENDPOINTS,
    NAMESPACES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from canarium.workloads.core_endpoints import EndpointsController
from canarium.workloads.disruption import DisruptionController
from canarium.workloads.namespace_contents import NamespaceContentsController
from tests.kube.worlds import in_cluster

CA = "-----BEGIN CERTIFICATE-----\n"


async def start(cluster: InProcessCluster, clock: Clock) -> Manager:
    manager = Manager(cluster, clock)
    listers = manager.listers
    manager.add(NamespaceContentsController(cluster, listers, CA))
    manager.add(EndpointsController(cluster, listers))
    manager.add(DisruptionController(cluster, listers))
    await manager.start()
    await clock.sleep(1)
    return manager


async def add_pod(
    cluster: InProcessCluster, name: str, *, ip: str, ready: bool = True, owner: Obj | None = None
) -> None:
    metadata: dict[str, Any] = {"name": name, "namespace": "default", "labels": {"app": "web"}}
    if owner is not None:
        reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner["metadata"]["name"]}
        metadata["ownerReferences"] = [{**reference, "uid": owner["metadata"]["uid"], "controller": True}]
    spec = {"nodeName": "n1", "containers": [{"name": "main", "image": "web:1", "ports": [{"containerPort": 80}]}]}
    await cluster.create(PODS, {"metadata": metadata, "spec": spec})
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"phase": "Running", "podIP": ip, "conditions": conditions}
    await cluster.patch(PODS, "default", name, {"status": status}, subresource="status")


def test_endpoints_tell_ready_pods_from_those_that_are_not_and_go_with_their_service() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        manager = await start(cluster, clock)
        spec = {"selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 80}]}
        await cluster.create(SERVICES, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
        await add_pod(cluster, "a", ip="10.0.0.1")
        await add_pod(cluster, "b", ip="10.0.0.2", ready=False)
        await clock.sleep(1)

        [subset] = (await cluster.get(ENDPOINTS, "default", "web"))["subsets"]
        assert [address["ip"] for address in subset["addresses"]] == ["10.0.0.1"]
        assert [address["ip"] for address in subset["notReadyAddresses"]] == ["10.0.0.2"]
        assert subset["ports"] == [{"port": 80, "protocol": "TCP"}]

        await cluster.delete(SERVICES, "default", "web")
        await clock.sleep(1)
        with pytest.raises(NotFound):
            await cluster.get(ENDPOINTS, "default", "web")
        await manager.stop()

    in_cluster(main)


def test_a_namespace_has_its_service_account_and_root_ca_and_gets_them_again() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        manager = await start(cluster, clock)
        await cluster.create(NAMESPACES, {"metadata": {"name": "new"}})
        await clock.sleep(1)
        first = await cluster.get(SERVICE_ACCOUNTS, "new", "default")

        await cluster.delete(SERVICE_ACCOUNTS, "new", "default")
        await cluster.patch(CONFIG_MAPS, "new", "kube-root-ca.crt", {"data": {"ca.crt": "forged", "more": "x"}})
        await clock.sleep(1)

        assert (await cluster.get(SERVICE_ACCOUNTS, "new", "default"))["metadata"]["uid"] != first["metadata"]["uid"]
        assert (await cluster.get(CONFIG_MAPS, "new", "kube-root-ca.crt"))["data"] == {"ca.crt": CA}
        await manager.stop()

    in_cluster(main)


@pytest.mark.parametrize(
    ("budget", "desired", "allowed"),
    [({"minAvailable": 2}, 2, 1), ({"minAvailable": "50%"}, 2, 1), ({"maxUnavailable": 0}, 3, 0)],
    ids=["minAvailable", "percentage", "maxUnavailable"],
)
def test_a_budget_counts_its_pods(budget: dict[str, Any], desired: int, allowed: int) -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        manager = await start(cluster, clock)
        await add_budget(cluster, budget, pods=3)
        await clock.sleep(1)

        status = (await cluster.get(POD_DISRUPTION_BUDGETS, "default", "web"))["status"]
        assert (status["expectedPods"], status["currentHealthy"]) == (3, 3)
        assert (status["desiredHealthy"], status["disruptionsAllowed"]) == (desired, allowed)
        await manager.stop()

    in_cluster(main)


def test_an_eviction_that_the_budget_does_not_allow_is_refused_and_another_is_charged() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        manager = await start(cluster, clock)
        await add_budget(cluster, {"minAvailable": 2}, pods=3)
        await clock.sleep(1)

        cluster.registry.evict(ObjectKey("default", "web-0"), {})
        with pytest.raises(
            ApiError, match="Cannot evict pod as it would violate the pod's disruption budget"
        ) as caught:
            cluster.registry.evict(ObjectKey("default", "web-1"), {})

        assert (caught.value.code, caught.value.reason) == (429, "TooManyRequests")
        [cause] = caught.value.details["causes"]
        assert cause["message"] == "The disruption budget web needs 2 healthy pods and has 3 currently"
        await manager.stop()

    in_cluster(main)


def test_a_pod_without_a_budget_is_evicted() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await add_pod(cluster, "free", ip="10.0.0.9")

        left = cluster.registry.evict(ObjectKey("default", "free"), {"deleteOptions": {"gracePeriodSeconds": 0}})

        assert left is None

    in_cluster(main)


async def add_budget(cluster: InProcessCluster, budget: dict[str, Any], *, pods: int) -> None:
    selector = {"matchLabels": {"app": "web"}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
    spec = {"replicas": pods, "selector": selector, "template": template}
    owner = await cluster.create(REPLICA_SETS, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
    for number in range(pods):
        await add_pod(cluster, f"web-{number}", ip=f"10.0.1.{number}", owner=owner)
    wanted = {"metadata": {"name": "web", "namespace": "default"}, "spec": {**budget, "selector": selector}}
    await cluster.create(POD_DISRUPTION_BUDGETS, wanted)
