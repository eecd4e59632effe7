"""A Rollout and what belongs to it, kept fresh while somebody watches.

Owns: copies of five kinds of one namespace, and telling that one changed. Must not know: what is printed.
Behaviour follows `pkg/kubectl-argo-rollouts/viewcontroller`, Argo Rollouts 1.10.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from canarium.cli.plugin.request import PluginError, Session
from canarium.kube.cluster import ApiError, NotFound
from canarium.kube.objects import Obj
from canarium.kube.resources import PODS, REPLICA_SETS, Resource
from canarium.rollouts.info.rollout import Related, RolloutInfo, rollout_info
from canarium.rollouts.kinds import ANALYSIS_RUNS, EXPERIMENTS, ROLLOUTS

RELIST_SECONDS: Final = 1.0
_KINDS: Final = (ROLLOUTS, REPLICA_SETS, PODS, EXPERIMENTS, ANALYSIS_RUNS)


class RolloutView:
    """What `get rollout` and `status` look at."""

    def __init__(self, session: Session, name: str) -> None:
        self.changed = asyncio.Event()
        self._session = session
        self._name = name
        self._objects: dict[Resource, dict[str, Obj]] = {}
        self._versions: dict[Resource, str] = {}

    async def fill(self) -> None:
        """Read everything once. Raises ApiError."""
        await asyncio.gather(*map(self._list, _KINDS))

    async def _list(self, resource: Resource) -> None:
        try:
            answer = await self._session.cluster.list(resource, self._session.namespace)
        except NotFound:
            if resource is not EXPERIMENTS:
                raise
            self._objects[resource] = {}  # a cluster without that kind has no Experiments
            return
        self._objects[resource] = {obj["metadata"]["name"]: obj for obj in answer.items}
        self._versions[resource] = answer.resource_version

    def info(self) -> RolloutInfo:
        """The Rollout summed up. Raises PluginError when it is not there."""
        rollout = self._objects[ROLLOUTS].get(self._name)
        if rollout is None:
            raise PluginError(f'rollout.argoproj.io "{self._name}" not found')
        return rollout_info(
            rollout,
            Related(
                replica_sets=tuple(self._objects[REPLICA_SETS].values()),
                pods=tuple(self._objects[PODS].values()),
                experiments=tuple(self._objects[EXPERIMENTS].values()),
                analysis_runs=tuple(self._objects[ANALYSIS_RUNS].values()),
            ),
        )

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Keep the copies fresh meanwhile; `changed` is set after every change."""
        tasks = [asyncio.create_task(self._follow(resource)) for resource in self._versions]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, resource: Resource) -> None:
        while True:
            try:
                version, objects = self._versions[resource], self._objects[resource]
                watch = self._session.cluster.watch(resource, self._session.namespace, resource_version=version)
                async for event in watch:
                    self._versions[resource] = event.resource_version
                    if event.type == "BOOKMARK":
                        continue
                    obj = msgspec.json.decode(event.raw)
                    if event.type == "DELETED":
                        objects.pop(obj["metadata"]["name"], None)
                    else:
                        objects[obj["metadata"]["name"]] = obj
                    self.changed.set()
            except ApiError:
                pass  # outdated or broken: the next list says how things are
            await self._session.clock.sleep(RELIST_SECONDS)
            try:
                await self._list(resource)
            except ApiError:
                continue  # nobody answers yet: ask again
            self.changed.set()
