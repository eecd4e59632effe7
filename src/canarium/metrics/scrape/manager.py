"""Scraping: which targets exist, and a loop for each.

Owns: discovery over listers, starting and ending loops, fetching. Must not know: what samples mean.
Source: Prometheus 3.x scrape/{manager,scrape}.go and discovery/manager.go (target sets settle for five seconds).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from canarium.clock import Clock
from canarium.journal import Journal
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj
from canarium.kube.resources import ENDPOINT_SLICES, PODS, SERVICES
from canarium.metrics.scrape.config import Job
from canarium.metrics.scrape.discovery import endpoints_targets, pod_targets
from canarium.metrics.scrape.exposition import ExpositionError
from canarium.metrics.scrape.target import Target, target_labels, unrelabelled
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.network import HttpRequest, Network, NetworkError

SETTLE_SECONDS = 5.0
_ACCEPT = "text/plain;version=0.0.4;q=1,*/*;q=0.1"

LARGE_ANSWER = 1 << 20
"""Characters. Larger answers are taken in parts first, so that nobody else has to wait for the whole."""

KEPT_DROPPED = 1000
"""How many dropped targets of a job are remembered; all are counted."""


class ScrapeManager:
    """Keeps the target set current and scrapes each target at its interval."""

    def __init__(
        self,
        jobs: Sequence[Job],
        store: MemoryStore,
        listers: WatchedListers,
        clock: Clock,
        network: Network,
        journal: Journal,
    ) -> None:
        self._jobs = jobs
        self._store = store
        self._clock = clock
        self._network = network
        self._journal = journal
        self._slices = listers(ENDPOINT_SLICES)
        self._services = listers(SERVICES)
        self._pods = listers(PODS)
        self._changed = asyncio.Event()
        for lister in (self._slices, self._services, self._pods):
            lister.on_change(self._wake)
        self._loops: dict[str, tuple[Target, asyncio.Task[None]]] = {}
        self._dropped: dict[str, list[Mapping[str, str]]] = {job.name: [] for job in jobs}
        self._dropped_counts: dict[str, int] = dict.fromkeys(self._dropped, 0)

    @property
    def jobs(self) -> Sequence[Job]:
        """What is scraped."""
        return self._jobs

    @property
    def targets(self) -> list[Target]:
        """The active targets, ordered by job and address."""
        return [target for _, (target, _) in sorted(self._loops.items())]

    @property
    def dropped(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """By job, the labels of what relabelling dropped, as they were before it; the first KEPT_DROPPED of each."""
        return self._dropped

    @property
    def dropped_counts(self) -> Mapping[str, int]:
        """By job, how many targets relabelling dropped."""
        return self._dropped_counts

    async def run(self) -> None:
        """Follow changes for ever; on cancellation end every loop."""
        try:
            while True:
                self._changed.clear()
                self._update()
                await self._changed.wait()
                await self._clock.sleep(SETTLE_SECONDS)
        finally:
            for _, task in self._loops.values():
                task.cancel()

    def _wake(self, obj: Obj) -> None:
        del obj  # which one changed does not matter: the whole set is derived anew
        self._changed.set()

    def _update(self) -> None:
        wanted = {target.key: target for target in self._discover()}
        for key in [key for key in self._loops if key not in wanted]:
            target, task = self._loops.pop(key)
            task.cancel()
            target.end(self._store, self._now_ms())
        for key, target in wanted.items():
            if key in self._loops:
                self._loops[key][0].discovered = target.discovered
            else:
                task = asyncio.create_task(self._loop(target), name=f"scrape/{target.url}")
                self._loops[key] = (target, task)

    def _discover(self) -> list[Target]:
        pods = self._pods.list()
        found: list[Target] = []
        for job in self._jobs:
            dropped: list[Mapping[str, str]] = []
            for labels_found in self._label_sets(job, pods):
                discovered = unrelabelled(job, labels_found)
                labels = target_labels(job, labels_found)
                if labels is not None:
                    found.append(Target(job, labels, discovered))
                else:
                    dropped.append(discovered)
            self._dropped[job.name] = dropped[:KEPT_DROPPED]
            self._dropped_counts[job.name] = len(dropped)
        return found

    def _label_sets(self, job: Job, pods: Sequence[Obj]) -> Iterator[dict[str, str]]:
        if job.role == "endpoints":
            return endpoints_targets(self._slices.list(), self._services.list(), pods)
        if job.role == "pod":
            return pod_targets(pods)
        return iter([{**dict(job.static_labels), "__address__": address} for address in job.static_targets])

    async def _loop(self, target: Target) -> None:
        interval = target.job.interval_seconds
        now = self._clock.now().timestamp()
        wait = (target.offset_seconds() - now) % interval
        while True:
            await self._clock.sleep(wait)
            started = self._clock.monotonic()
            await self._scrape(target)
            wait = max(0.0, interval - (self._clock.monotonic() - started))

    async def _scrape(self, target: Target) -> None:
        timestamp_ms, started = self._now_ms(), self._clock.monotonic()
        request = HttpRequest("GET", target.url, {"accept": _ACCEPT, "user-agent": "canarium"})
        samples = 0
        try:
            answer = await self._network.request(request, timeout_seconds=target.job.timeout_seconds)
            took = self._clock.monotonic() - started
            if answer.status != 200:
                target.fail(self._store, f"server returned HTTP status {answer.status}", timestamp_ms, took)
            else:
                text = answer.body.decode("utf-8", "replace")
                if len(text) > LARGE_ANSWER:
                    for _ in target.meet(self._store, text):
                        await self._clock.sleep(0)
                samples = target.take(self._store, text, timestamp_ms, took)
        except (NetworkError, ExpositionError) as error:
            target.fail(self._store, str(error), timestamp_ms, self._clock.monotonic() - started)
        self._journal.record(
            "scrape",
            job=target.job.name,
            url=target.url,
            health=target.health,
            samples=samples,
            error=target.last_error,
        )

    def _now_ms(self) -> int:
        return round(self._clock.now().timestamp() * 1000)
