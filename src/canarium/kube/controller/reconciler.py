"""The shape of a controller: observe, decide, and what wakes it.

Owns: the `Reconciler` and `Lister` ports and `Watch`. Must not know: queues, tasks, how watches are kept.
Type-only: modules that define controllers import it without the runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

import msgspec

from canarium.kube.decision import Decision
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import Resource

V = TypeVar("V")
Observed = TypeVar("Observed")


class Lister(Protocol):
    """A shared, indexed copy of one resource, kept fresh by a watch. Every answer is the caller's own copy.

    What it shows may lag behind the cluster, but never goes back in time.
    """

    def get(self, namespace: str, name: str) -> Obj | None:
        """One object, or None."""
        ...

    def uid(self, namespace: str, name: str) -> str | None:
        """The uid of an object, or None when it is not there: cheaper than a copy of it."""
        ...

    def list(self, namespace: str | None = None) -> Sequence[Obj]:
        """All objects (of one namespace), ordered by namespace and name."""
        ...

    def owned_by(self, uid: str) -> Sequence[Obj]:
        """Objects with an owner reference of that uid, ordered by namespace and name."""
        ...


class WatchedLister(Lister, Protocol):
    """A lister that also tells of every change, for those who derive something of their own from it."""

    def on_change(self, handler: Callable[[Obj], None]) -> None:
        """Call `handler` with each object that was added, changed or removed from now on."""
        ...


class WatchedListers(Protocol):
    """Hands out listers that tell of changes. See `Listers`."""

    def __call__(self, resource: Resource) -> WatchedLister:
        """The lister of `resource`."""
        ...


class Listers(Protocol):
    """Hands out the lister of a resource; asking twice gives the same one. Ask in the constructor, before start."""

    def __call__(self, resource: Resource) -> Lister:
        """The lister of `resource`."""
        ...


class Watch(msgspec.Struct, frozen=True):
    """A resource whose changes wake the controller: `keys` maps a changed object to the keys to look at."""

    resource: Resource
    keys: Callable[[Obj], Iterable[ObjectKey]]


def owned(resource: Resource, owner_kind: str) -> Watch:
    """Wake the controlling owner of kind `owner_kind` when an object it owns changes."""

    def keys(obj: Obj) -> Iterable[ObjectKey]:
        for ref in obj["metadata"].get("ownerReferences") or ():
            if ref.get("controller") and ref["kind"] == owner_kind:
                yield ObjectKey(obj["metadata"].get("namespace", ""), ref["name"])

    return Watch(resource, keys)


@runtime_checkable
class Choosy(Protocol):
    """A controller that has nothing to do with most objects of its primary resource."""

    def concerns(self, obj: Obj) -> bool:
        """Whether a change of this object is worth a look; it says what `observe` would find out."""
        ...


@runtime_checkable
class Resting(Protocol):
    """A controller whose looks at large objects cost so much that it must not look after every change."""

    def rest_seconds(self, observed: Any) -> float:
        """How long the key rests after this look; changes meanwhile are seen together afterwards. 0: not at all."""
        ...


class Reconciler(Protocol[Observed]):
    """One controller. The runtime calls `observe`, then the pure `decide`, then applies the Decision.

    name: for the event log and metrics. primary: the resource whose keys are reconciled, and whose status is written.
    """

    name: str
    primary: Resource
    watches: Sequence[Watch]

    async def observe(self, key: ObjectKey) -> Observed | None:
        """Everything `decide` needs, frozen; None when the object is gone (garbage collection does the rest).
        May raise: the runtime backs off and looks again."""
        ...

    def subject(self, observed: Observed) -> Obj:
        """The primary object as it was observed: Events are about it, status is compared with its status."""
        ...

    def decide(self, observed: Observed, now: datetime) -> Decision:
        """The rules. Pure: no clock, no chance, no I/O."""
        ...
