"""Which targets there are, which were dropped, and what is remembered of both."""

from __future__ import annotations

import asyncio

from canarium.clock import Clock
from canarium.journal import NoJournal
from canarium.kube.controller.manager import Manager
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj
from canarium.kube.resources import PODS
from canarium.metrics.scrape import manager as scraping
from canarium.metrics.scrape.config import Job
from canarium.metrics.scrape.manager import ScrapeManager
from canarium.metrics.scrape.relabel import Relabel
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.network import HttpRequest, HttpResponse
from tests.kube.worlds import in_cluster

SCRAPED = "__meta_kubernetes_pod_label_scraped"
JOBS = (
    Job(name="pods", role="pod", relabel=(Relabel(source_labels=(SCRAPED,), action="keep", regex="yes"),)),
    Job(name="self", role="static", static_targets=("localhost:9090",)),
)


class SlowMetrics:
    """Everything answers with one metric after a quarter of a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def request(self, request: HttpRequest, *, timeout_seconds: float, namespace: str = "") -> HttpResponse:
        """See `Network`."""
        await self._clock.sleep(0.25)
        return HttpResponse(200, {}, b"jobs 1\n")


def pod(name: str, scraped: str) -> Obj:
    return {
        "metadata": {"name": name, "namespace": "default", "labels": {"scraped": scraped}},
        "spec": {"containers": [{"name": "app", "image": "app:1", "ports": [{"containerPort": 80}]}]},
    }


async def start(cluster: InProcessCluster, clock: Clock) -> tuple[ScrapeManager, asyncio.Task[None]]:
    """Scraping two pods, of which one wants it, for two minutes."""
    informers = Manager(cluster, clock)
    found = ScrapeManager(JOBS, MemoryStore(), informers.listers, clock, SlowMetrics(clock), NoJournal())
    await informers.start()
    for number, scraped in enumerate(("yes", "no")):
        await cluster.create(PODS, pod(f"pod-{number}", scraped))
        address = {"status": {"phase": "Running", "podIP": f"10.0.0.{number}"}}
        await cluster.patch(PODS, "default", f"pod-{number}", address, subresource="status")
    run = asyncio.create_task(found.run())
    await clock.sleep(120)
    return found, run


def test_dropped_targets_are_remembered_and_active_ones_with_what_was_discovered() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        found, run = await start(cluster, clock)

        active, own = found.targets
        assert (active.discovered["__address__"], active.discovered[SCRAPED]) == ("10.0.0.0:80", "yes")
        assert (active.health, active.last_duration_seconds) == ("up", 0.25)
        assert own.discovered["job"] == "self"
        assert [labels["__address__"] for labels in found.dropped["pods"]] == ["10.0.0.1:80"]
        assert found.dropped_counts == {"pods": 1, "self": 0}

        run.cancel()

    in_cluster(main)


def test_what_is_discovered_anew_of_a_target_is_told_while_it_stays_the_same_target() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        found, run = await start(cluster, clock)
        before = found.targets[0]

        await cluster.patch(PODS, "default", "pod-0", {"metadata": {"labels": {"tier": "front"}}})
        await clock.sleep(scraping.SETTLE_SECONDS + 1)

        assert found.targets[0] is before
        assert before.discovered["__meta_kubernetes_pod_label_tier"] == "front"
        run.cancel()

    in_cluster(main)
