"""Prometheus as a program: scraping into a store, and the HTTP API over it.

Owns: putting the two together. Must not know: how it is deployed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from canarium.clock import Clock
from canarium.journal import Journal
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import format_time
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
        self._api = PrometheusApi(self.store, clock, self._described)

    @property
    def ports(self) -> Mapping[int, AsgiApp]:
        """See `Program`."""
        return {PORT: self._api.app}

    async def run(self) -> int:
        """See `Program`."""
        await self._scraping.run()
        return 0

    def _described(self) -> list[dict[str, Any]]:
        return [
            {
                "labels": target.labels,
                "scrapePool": target.job.name,
                "scrapeUrl": target.url,
                "lastError": target.last_error,
                "lastScrape": format_time(datetime.fromtimestamp(target.last_scrape_ms / 1000, UTC))
                if target.last_scrape_ms
                else "0001-01-01T00:00:00Z",
                "health": target.health,
                "scrapeInterval": f"{target.job.interval_seconds:g}s",
                "scrapeTimeout": f"{target.job.timeout_seconds:g}s",
            }
            for target in self._scraping.targets
        ]
