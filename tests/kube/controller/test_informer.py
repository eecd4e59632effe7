"""What an informer shows is what the cluster has, as a copy for each reader."""

from __future__ import annotations

from canarium.clock import Clock
from canarium.kube.controller.manager import Manager
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.resources import CONFIG_MAPS
from tests.kube.worlds import WIDGETS, in_cluster, widget


def test_every_reader_of_a_lister_gets_a_copy_of_its_own() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        manager = Manager(cluster, clock)
        lister = manager.listers(WIDGETS)
        await manager.start()
        created = await cluster.create(WIDGETS, widget("a", parts=[{"kind": "nut"}]))
        await clock.sleep(1)

        for scribbled in (lister.get("default", "a"), lister.list()[0], lister.list("default")[0]):
            assert scribbled == created
            scribbled["spec"]["parts"].append("scribble")

        assert lister.get("default", "a") == created
        assert lister.list("other") == []

    in_cluster(main)


def test_a_number_that_only_json_can_say_is_shown_too() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        manager = Manager(cluster, clock)
        lister = manager.listers(CONFIG_MAPS)
        await manager.start()
        metadata = {"name": "a", "namespace": "default"}
        await cluster.create(CONFIG_MAPS, {"metadata": metadata, "data": {"small": "1"}})
        await clock.sleep(1)
        await cluster.patch(CONFIG_MAPS, "default", "a", {"data": {"big": 2**70}})
        await clock.sleep(1)
        shown = lister.get("default", "a")
        assert shown is not None
        assert shown["data"]["big"] == 2**70
        await cluster.delete(CONFIG_MAPS, "default", "a")
        await clock.sleep(1)

        assert lister.get("default", "a") is None

    in_cluster(main)
