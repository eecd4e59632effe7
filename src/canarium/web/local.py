"""The page of a local cluster: everything in this process.

Owns: putting the page together from a running `LocalCluster`. Must not know: the command line, HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping

from canarium.errors import CanariumError
from canarium.local.cluster import LocalCluster
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.program import AsgiApp
from canarium.web.access import PageTokens
from canarium.web.app import PageApp
from canarium.web.assets import Assets
from canarium.web.house import House, new_nonce, our_version
from canarium.web.logs import ClusterLogs
from canarium.web.views.session import Facts

HOMES = {"applications": "/applications", "rollouts": "/rollouts", "metrics": "/query"}
"""Where `/` leads at each door."""


class LocalPage:
    """See `canarium.local.front_doors.Page`. Make it once the cluster's world runs."""

    def __init__(self, cluster: LocalCluster, *, name: str, is_read_only: bool = False) -> None:
        self._cluster = cluster
        world = cluster.world
        facts = Facts(cluster=name, mode="up", version=our_version(), is_read_only=is_read_only)
        self.house = House(
            world.cluster,
            world.listers,
            cluster.clock,
            facts,
            kinds=world.registry.resource_for,
            repositories=world.repositories,
            logs=ClusterLogs(world.cluster, cluster.pods, cluster.clock),
            store=self._samples,
        )
        tokens, assets = PageTokens.of(cluster.tokens), Assets.load()
        self._apps = {
            door: PageApp(
                hub=self.house.hub,
                tokens=tokens,
                assets=assets,
                home=home,
                backend=self.house,
                prometheus=cluster.prometheus_app,
                nonce=new_nonce,
                is_read_only=is_read_only,
            )
            for door, home in HOMES.items()
        }

    @property
    def doors(self) -> Mapping[str, AsgiApp]:
        """See `Page`."""
        return self._apps

    async def stop(self) -> None:
        """See `Page`."""
        for app in self._apps.values():
            app.stop()

    def _samples(self) -> MemoryStore:
        prometheus = self._cluster.world.prometheus
        if prometheus is None:
            raise CanariumError("Prometheus is not up yet", next_step="Try again in a few seconds.")
        return prometheus.store
