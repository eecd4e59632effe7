"""A cluster that can be out of reach for a while.

Owns: `UnreachableCluster`. Must not know: what is tested.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from canarium.kube.cluster import ApiError, Cluster, ObjList, WatchEvent
from canarium.kube.forwarding import ForwardingCluster
from canarium.kube.resources import Resource


class UnreachableCluster(ForwardingCluster):
    """See `Cluster`. While `outage` is set, lists fail with it and watches break with it."""

    def __init__(self, inner: Cluster) -> None:
        super().__init__(inner)
        self.outage: ApiError | None = None
        self._began = asyncio.Event()

    def fail(self, outage: ApiError) -> None:
        """Out of reach from now on."""
        self.outage = outage
        self._began.set()

    def recover(self) -> None:
        """Back again."""
        self.outage = None
        self._began.clear()

    async def list(
        self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> ObjList:
        """See `Cluster`."""
        if self.outage is not None:
            raise self.outage
        return await super().list(resource, namespace, labels=labels, fields=fields)

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `Cluster`."""
        events = super().watch(resource, namespace, resource_version=resource_version, labels=labels)
        broken = asyncio.ensure_future(self._began.wait())
        coming: asyncio.Future[WatchEvent] = asyncio.ensure_future(anext(events))
        try:
            while True:
                await asyncio.wait((coming, broken), return_when=asyncio.FIRST_COMPLETED)
                if self.outage is not None:
                    raise self.outage
                yield await coming
                coming = asyncio.ensure_future(anext(events))
        finally:
            broken.cancel()
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await events.aclose()  # type: ignore[attr-defined]
