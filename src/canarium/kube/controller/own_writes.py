"""What a controller wrote and cannot see yet: it looks at a key again only when its listers show its own last writes.

Owns: noting the outcome of each write of a pass, and waiting for it. Must not know: rules, queues, what is written.
Without it a controller that is woken between its write and the event of that write decides on a state that it has
changed itself: it scales a second ReplicaSet for room that the first has taken, or counts a pod that it has deleted.
Upstream controllers keep expectations (ReplicaSets) or the versions they wrote (Rollouts, utils/resourceversion).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from canarium.kube.cluster import Cluster, NotFound, Unavailable
from canarium.kube.forwarding import Answer, ForwardingCluster, Verb
from canarium.kube.objects import ObjectKey
from canarium.kube.resources import Resource


class Shows(Protocol):
    """A lister that says when it shows a version. An informer is one."""

    def when_shown(self, version: str, then: Callable[[], None]) -> None:
        """Call `then` once everything up to `version` is shown; at once if it is."""
        ...


class Write(msgspec.Struct, frozen=True):
    """One write. version: what the object then had; None when no answer arrived, so that nobody knows."""

    resource: Resource
    key: ObjectKey
    version: str | None


class OwnWrites:
    """The writes of one controller that it does not see yet, by the key that it was looking at.

    listers: those of the controller's manager; what has none there is not waited for, nor are objects that a delete
    removed at once.
    """

    def __init__(self, cluster: Cluster, listers: Mapping[Resource, Shows]) -> None:
        self._cluster = cluster
        self._listers = listers
        self._unseen: dict[ObjectKey, int] = {}
        self._unsure: dict[ObjectKey, list[Write]] = {}
        self._then: dict[ObjectKey, Callable[[], None]] = {}

    def cluster_for(self, key: ObjectKey) -> Cluster:
        """The cluster, noting what is written through it while looking at `key`."""
        return _Noting(self._cluster, lambda write: self._note(key, write))

    async def are_seen(self, key: ObjectKey, then: Callable[[], None]) -> bool:
        """Whether the listers show all that was written while looking at `key`; if not, `then` is called when they do.

        Asks the cluster about writes that were never answered. Raises ApiError when it does not answer that either.
        """
        unsure = self._unsure.get(key, [])
        while unsure:
            write = unsure[-1]
            try:
                found = await self._cluster.get(write.resource, write.key.namespace, write.key.name)
            except NotFound:
                pass  # never created, or gone again
            else:
                self._await(key, Write(write.resource, write.key, found["metadata"]["resourceVersion"]))
            unsure.pop()
        self._unsure.pop(key, None)
        if key not in self._unseen:
            return True
        self._then[key] = then
        return False

    def _note(self, key: ObjectKey, write: Write) -> None:
        if write.resource not in self._listers:
            return
        if write.version is None:
            self._unsure.setdefault(key, []).append(write)
        else:
            self._await(key, write)

    def _await(self, key: ObjectKey, write: Write) -> None:
        assert write.version is not None, "only what was answered can be waited for"
        self._unseen[key] = self._unseen.get(key, 0) + 1
        self._listers[write.resource].when_shown(write.version, lambda: self._seen(key))

    def _seen(self, key: ObjectKey) -> None:
        self._unseen[key] -= 1
        if not self._unseen[key]:
            del self._unseen[key]
            then = self._then.pop(key, None)
            if then is not None:
                then()


class _Noting(ForwardingCluster):
    """Tells of every write."""

    def __init__(self, inner: Cluster, note: Callable[[Write], None]) -> None:
        super().__init__(inner)
        self._note = note

    async def write(
        self, verb: Verb, resource: Resource, key: ObjectKey, call: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Carry it out, and tell how it ended."""
        del verb
        try:
            written = await call()
        except Unavailable:
            self._note(Write(resource, key, None))
            raise
        if written is not None:
            self._note(Write(resource, key, written["metadata"]["resourceVersion"]))
        return written
