"""Prometheus as a program: scraping into a store, and the HTTP API over it.

Owns: putting the two together. Must not know: how it is deployed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from canarium.clock import Clock
from canarium.journal import Journal
from canarium.kube.controller.reconciler import WatchedListers
from canarium.metrics.api import PrometheusApi
from canarium.metrics.scrape.config import DEFAULT_JOBS, Job
from canarium.metrics.scrape.manager import ScrapeManager
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.network import Network
from canarium.nodes.program import AsgiApp

PORT = 9090


class Prometheus:
    """One Prometheus server. A `Program`: it listens on 9090 and scrapes until it is stopped."""

    start_delay_seconds = 0.5
    note = ""

    def __init__(
        self,
        listers: WatchedListers,
        clock: Clock,
        network: Network,
        journal: Journal,
        jobs: Sequence[Job] = DEFAULT_JOBS,
    ) -> None:
        self.store = MemoryStore(retention_ms=15 * 24 * 3600 * 1000)
        self._scraping = ScrapeManager(jobs, self.store, listers, clock, network, journal)
        self._api = PrometheusApi(self.store, clock, self._scraping)

    @property
    def ports(self) -> Mapping[int, AsgiApp]:
        """See `Program`."""
        return {PORT: self._api.app}

    async def run(self) -> int:
        """See `Program`."""
        await self._scraping.run()
        return 0
