"""A Cluster in front of another one: everything is passed on, and one method sees every write.

Owns: the passing on. Must not know: why somebody stands in between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Literal, TypeVar

from canarium.kube.cluster import Cluster, ObjList, PatchType, Subresource, WatchEvent
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import Resource

Verb = Literal["create", "update", "patch", "delete"]
Answer = TypeVar("Answer", Obj, Obj | None)


class ForwardingCluster:
    """See `Cluster`. Subclasses override what they stand in between for; `write` is asked for each write."""

    def __init__(self, inner: Cluster) -> None:
        self._inner = inner

    async def write(
        self, verb: Verb, resource: Resource, key: ObjectKey, call: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Carry out one write. A create by generateName has an empty name."""
        del verb, resource, key
        return await call()

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """See `Cluster`."""
        return await self._inner.get(resource, namespace, name)

    async def list(
        self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> ObjList:
        """See `Cluster`."""
        return await self._inner.list(resource, namespace, labels=labels, fields=fields)

    def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `Cluster`."""
        return self._inner.watch(resource, namespace, resource_version=resource_version, labels=labels)

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        """See `Cluster`."""
        metadata = obj["metadata"]
        key = ObjectKey(metadata.get("namespace", ""), metadata.get("name", ""))
        return await self.write("create", resource, key, lambda: self._inner.create(resource, obj, dry_run=dry_run))

    async def update(
        self, resource: Resource, obj: Obj, *, subresource: Subresource = "", dry_run: bool = False
    ) -> Obj:
        """See `Cluster`."""
        key = ObjectKey(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        return await self.write(
            "update",
            resource,
            key,
            lambda: self._inner.update(resource, obj, subresource=subresource, dry_run=dry_run),
        )

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        type: PatchType = "merge",
        subresource: Subresource = "",
        field_manager: str = "",
        force: bool = False,
        dry_run: bool = False,
    ) -> Obj:
        """See `Cluster`."""
        return await self.write(
            "patch",
            resource,
            ObjectKey(namespace, name),
            lambda: self._inner.patch(
                resource,
                namespace,
                name,
                patch,
                type=type,
                subresource=subresource,
                field_manager=field_manager,
                force=force,
                dry_run=dry_run,
            ),
        )

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        grace_period_seconds: int | None = None,
        uid: str | None = None,
        preconditions: Mapping[str, str] | None = None,
    ) -> Obj | None:
        """See `Cluster`."""
        return await self.write(
            "delete",
            resource,
            ObjectKey(namespace, name),
            lambda: self._inner.delete(
                resource,
                namespace,
                name,
                propagation=propagation,
                grace_period_seconds=grace_period_seconds,
                uid=uid,
                preconditions=preconditions,
            ),
        )
