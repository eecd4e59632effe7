"""The page says where it is, and whether the cluster answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from canarium.clock import VirtualClock
from canarium.gitops.crds import CRDS as GITOPS_CRDS
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.cluster import Gone, Unavailable
from canarium.kube.controller.manager import Manager
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.resources import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from canarium.rollouts.crds import CRDS as ROLLOUTS_CRDS
from canarium.rollouts.kinds import ROLLOUTS
from canarium.web.hub import Hub
from canarium.web.views.session import READERS_TOPIC, TOPIC, Facts, Sessions
from tests.kube.worlds import in_cluster
from tests.web.outages import UnreachableCluster
from tests.web.streams import Reader

FACTS = Facts(
    cluster="lab", mode="dashboard", version="1.2.3", has_metrics=False, metrics_problem="none", can_diff=False
)
OUTAGE = Unavailable(503, "ServiceUnavailable", "127.0.0.1:6443 refused the connection", next_step="Start it.")


class World:
    """A page of a cluster that can be out of reach."""

    def __init__(self, cluster: InProcessCluster, clock: VirtualClock) -> None:
        self.cluster = UnreachableCluster(cluster)
        self.clock = clock
        self.manager = Manager(self.cluster, clock)
        self.sessions = Sessions(self.manager.listers, clock, FACTS)
        self.hub = Hub(self.manager.listers, clock, {}, self.sessions)
        for topic in (TOPIC, READERS_TOPIC):
            self.sessions.on_change(partial(self.hub.touch, topic))

    async def define(self, *crds: Any) -> None:
        """Define kinds."""
        for crd in crds:
            await self.cluster.create(CUSTOM_RESOURCE_DEFINITIONS, crd)


def paged(main: Callable[[World], Any]) -> Any:
    """Run `main(world)`; it starts the manager itself."""

    async def body(cluster: InProcessCluster, clock: VirtualClock) -> Any:
        world = World(cluster, clock)
        try:
            return await main(world)
        finally:
            await world.manager.stop()

    return in_cluster(body)


async def looked_at(world: World, page: Reader, seconds: float = 3.0) -> dict[str, Any]:
    """The session as the page shows it after some seconds."""
    await world.clock.sleep(seconds)
    events = [data["value"] for kind, data in page.take() if kind == "value"]
    assert events, "the page was told"
    value: dict[str, Any] = events[-1]
    return value


def test_a_page_knows_where_it_is() -> None:
    async def main(world: World) -> None:
        await world.define(*ROLLOUTS_CRDS, *GITOPS_CRDS)
        await world.manager.start()
        page = Reader(world.hub.subscribe([TOPIC]))

        assert await looked_at(world, page) == {
            "cluster": "lab",
            "mode": "dashboard",
            "version": "1.2.3",
            "isReadOnly": False,
            "namespaces": ["default", "other"],
            "problem": "",
            "since": "",
            "missing": [],
            "hasMetrics": False,
            "metricsProblem": "none",
            "canDiff": False,
        }

        await world.cluster.create(NAMESPACES, {"metadata": {"name": "shop"}})
        assert (await looked_at(world, page))["namespaces"] == ["default", "other", "shop"]
        await page.close()

    paged(main)


def test_who_only_reads_is_told_so() -> None:
    async def main(world: World) -> None:
        await world.define(*ROLLOUTS_CRDS, *GITOPS_CRDS)
        await world.manager.start()
        page = Reader(world.hub.subscribe([TOPIC], {TOPIC: READERS_TOPIC}))

        assert (await looked_at(world, page))["isReadOnly"] is True
        await page.close()

    paged(main)


def test_a_cluster_that_stops_answering_is_told_of_at_once_and_so_is_its_return() -> None:
    async def main(world: World) -> None:
        await world.define(*ROLLOUTS_CRDS, *GITOPS_CRDS)
        await world.manager.start()
        page = Reader(world.hub.subscribe([TOPIC]))
        await looked_at(world, page)

        began = world.clock.now()
        world.cluster.fail(OUTAGE)
        gone = await looked_at(world, page, 0.1)
        assert gone["problem"] == "127.0.0.1:6443 refused the connection. Start it."
        assert gone["since"] == began.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert gone["missing"] == []
        assert gone["namespaces"] == ["default", "other"], "what was known is still shown"

        await world.clock.sleep(60)
        assert page.take() == [], "nothing new, nothing said"
        world.cluster.fail(Unavailable(503, "ServiceUnavailable", "it is slow"))
        other = await looked_at(world, page)
        assert (other["problem"], other["since"]) == ("it is slow", gone["since"])

        world.cluster.recover()
        back = await looked_at(world, page)
        assert (back["problem"], back["since"]) == ("", "")
        await page.close()

    paged(main)


def test_a_kind_that_is_not_defined_is_missing_and_no_outage() -> None:
    async def main(world: World) -> None:
        informers = [
            asyncio.ensure_future(world.manager.listers(kind).run()) for kind in (NAMESPACES, ROLLOUTS, APPLICATIONS)
        ]
        page = Reader(world.hub.subscribe([TOPIC]))
        shown = await looked_at(world, page)
        assert (shown["missing"], shown["problem"]) == (["rollouts", "applications"], "")

        await world.define(*ROLLOUTS_CRDS)

        shown = await looked_at(world, page)
        assert (shown["missing"], shown["problem"]) == (["applications"], "")
        await page.close()
        for task in informers:
            task.cancel()

    paged(main)


def test_a_watch_that_is_only_outdated_is_no_trouble() -> None:
    async def main(world: World) -> None:
        await world.define(*ROLLOUTS_CRDS, *GITOPS_CRDS)
        informer = world.manager.listers(CONFIG_MAPS)
        await world.manager.start()
        told: list[object] = []
        informer.on_problem(lambda: told.append(informer.problem))

        world.cluster.fail(Gone(410, "Expired", "too old"))
        await world.clock.sleep(2)
        world.cluster.recover()
        await world.clock.sleep(2)
        assert told == []

        world.cluster.fail(OUTAGE)
        await world.clock.sleep(5)
        world.cluster.recover()
        await world.clock.sleep(2)
        assert told == [OUTAGE, None]

    paged(main)
