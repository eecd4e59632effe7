"""The page for a cluster elsewhere: listers that survive its absence, its logs, its Prometheus.

Owns: noticing that the cluster hangs, listers over it, logs over HTTP, the page made of them. Must not know: command
lines, how a kubeconfig is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.gitops.kinds import APP_PROJECTS, APPLICATION_SETS, APPLICATIONS
from canarium.kube.cluster import Cluster, Unavailable, WatchEvent
from canarium.kube.controller.informer import RELIST_SECONDS, Informer
from canarium.kube.kubeconfig import Connection
from canarium.kube.remote import RemoteCluster
from canarium.kube.remote.transport import Transport
from canarium.kube.resources import CORE, Resource
from canarium.local.front_doors import answer
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.program import AsgiApp, Receive, Scope, Send
from canarium.rollouts.kinds import (
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    EXPERIMENTS,
    ROLLOUTS,
)
from canarium.web.access import PageTokens
from canarium.web.app import PageApp
from canarium.web.assets import Assets
from canarium.web.house import House, new_nonce, our_version
from canarium.web.logs import RemoteLogs
from canarium.web.prometheus_proxy import Target, prometheus_proxy
from canarium.web.views.session import Facts

ANSWER_SECONDS = 10.0
"""How long the page waits for one answer of the cluster."""
LOOK_SECONDS = 5.0
"""How often it looks whether the cluster still answers: watches of one that hangs just stay silent."""
LOOK_TIMEOUT_SECONDS = 4.0
_NO_METRICS = "no Prometheus is known for this cluster"
_METRICS_STEP = "Start `canarium dashboard` with --prometheus URL."
_CUSTOM = (
    ROLLOUTS,
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    EXPERIMENTS,
    APPLICATIONS,
    APPLICATION_SETS,
    APP_PROJECTS,
)
_KNOWN: Mapping[tuple[str, str], Resource] = {(each.api_version, each.kind): each for each in (*CORE, *_CUSTOM)}


class Wakeful:
    """A cluster whose watches break when it does not answer any more, however silent it is."""

    def __init__(self, cluster: RemoteCluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.list = cluster.list
        self.get = cluster.get
        self.create = cluster.create
        self.update = cluster.update
        self.patch = cluster.patch
        self.delete = cluster.delete

    async def look(self) -> None:
        """Look, for ever."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            try:
                async with asyncio.timeout(LOOK_TIMEOUT_SECONDS):
                    await self._cluster.request("GET", "/version")
            except (Unavailable, TimeoutError):
                lost, self._lost = self._lost, asyncio.get_running_loop().create_future()
                lost.set_result(None)

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `Cluster`."""
        lost = self._lost
        events = self._cluster.watch(resource, namespace, resource_version=resource_version, labels=labels)
        upcoming: asyncio.Future[WatchEvent | None] | None = None
        try:
            while True:
                upcoming = asyncio.ensure_future(_next(events))
                await asyncio.wait((upcoming, lost), return_when=asyncio.FIRST_COMPLETED)
                if not upcoming.done():
                    raise Unavailable(503, "ServiceUnavailable", "the cluster does not answer")
                event = upcoming.result()
                if event is None:
                    return
                yield event
        finally:
            if upcoming is not None and not upcoming.done():
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)


async def _next(events: AsyncIterator[WatchEvent]) -> WatchEvent | None:
    return await anext(events, None)


class RemoteListers:
    """See `WatchedListers`: a kind that is asked for is listed and watched from then on, whether or not the cluster has
    it or answers. Ask inside a running loop; `stop` ends it."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._informers: dict[Resource, Informer] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def __call__(self, resource: Resource) -> Informer:
        """See `WatchedListers`."""
        if resource not in self._informers:
            informer = self._informers[resource] = Informer(self._cluster, self._clock, resource)
            self._tasks.append(asyncio.create_task(self._keep_fresh(informer), name=f"informer/{resource}"))
        return self._informers[resource]

    async def _keep_fresh(self, informer: Informer) -> None:
        """For ever: an object that cannot be understood here must not leave the rest of its kind as it is for good."""
        while True:
            try:
                await informer.run()
            except Exception as error:  # noqa: BLE001  # it is told where faults are told, and tried again
                message = f"the page cannot follow {informer.resource.plural}"
                asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})
            await self._clock.sleep(RELIST_SECONDS)

    async def stop(self) -> None:
        """Watch no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class RemotePage:
    """The page for one connection, as `app`. Make it inside a running loop; `await stop()` at the end."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        token: str,
        *,
        cluster: str,
        is_read_only: bool = False,
        prometheus: Target | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._remote = RemoteCluster(connection, clock, timeout_seconds=answer_seconds, field_manager="canarium-page")
        wakeful = Wakeful(self._remote, clock)
        self._listers = RemoteListers(wakeful, clock)
        self._transport = Transport(connection, clock)  # of its own: a log may be followed for hours
        self._looking = asyncio.create_task(wakeful.look(), name="look")
        facts = Facts(
            cluster=cluster,
            mode="dashboard",
            version=our_version(),
            is_read_only=is_read_only,
            has_metrics=prometheus is not None,
            metrics_problem="" if prometheus else f"{_NO_METRICS}. {_METRICS_STEP}",
            can_diff=False,
        )
        self._house = House(
            wakeful,
            self._listers,
            clock,
            facts,
            kinds=known_kind,
            repositories=None,
            logs=RemoteLogs(self._transport, clock),
            store=_nowhere,
        )
        tokens = PageTokens(new_nonce(), token) if is_read_only else PageTokens(token, "")
        self.app = PageApp(
            hub=self._house.hub,
            tokens=tokens,
            assets=Assets.load(),
            home="/rollouts",
            backend=self._house,
            prometheus=None if prometheus is None else for_visitors(prometheus_proxy(prometheus), tokens),
            nonce=new_nonce,
            is_read_only=is_read_only,
            metrics_problem=_NO_METRICS,
            metrics_step=_METRICS_STEP,
        )

    async def stop(self) -> None:
        """End what goes on for ever, and let go of the cluster."""
        self.app.stop()
        self._looking.cancel()
        await asyncio.gather(self._looking, return_exceptions=True)
        await self._listers.stop()
        await self._transport.close()
        await self._remote.close()


def known_kind(api_version: str, kind: str) -> Resource | None:
    """See `Kinds`: those that canarium knows itself."""
    return _KNOWN.get((api_version, kind))


def for_visitors(app: AsgiApp, tokens: PageTokens) -> AsgiApp:
    """The application for who has the page's token only: a Prometheus elsewhere, which one may have needed a password
    for, must not be open to everybody on this machine."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if tokens.visitor(headers) is None:
            await answer(send, 401, "this needs the token of the page: open the address that canarium printed\n")
        else:
            await app(scope, receive, send)

    return guard


def _nowhere() -> MemoryStore:
    raise CanariumError(
        "expressions are explained where their samples are kept",
        next_step="Open the metrics page of the cluster's own `canarium up`.",
    )
