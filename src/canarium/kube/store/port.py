"""What a store of objects can do.

Owns: the `Store` port and its nouns. Must not know: defaulting, validation or any other meaning of an object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from canarium.errors import CanariumError
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import Resource


class Stored(NamedTuple):
    """An object as JSON bytes, and the revision that wrote it."""

    raw: bytes
    revision: int


class Change(msgspec.Struct, frozen=True):
    """One entry of the event log. `raw` is the object after the change; for DELETED, its last state. `before` is the
    object before the change; for ADDED, None."""

    revision: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    resource: Resource
    key: ObjectKey
    raw: bytes
    before: bytes | None = None


class Compacted(LookupError):
    """The event log no longer reaches back that far."""


class StoreError(CanariumError):
    """The place where objects are kept cannot be used, or can no longer be written. Names the file and the cause."""


class Store(Protocol):
    """A versioned map of objects with one global revision that grows with every change."""

    @property
    def revision(self) -> int:
        """The revision of the last change."""
        ...

    def get(self, resource: Resource, key: ObjectKey) -> Stored | None:
        """One object."""
        ...

    def list(self, resource: Resource, namespace: str | None = None) -> list[Stored]:
        """All objects (of a namespace), ordered by namespace and name."""
        ...

    def put(self, resource: Resource, key: ObjectKey, obj: Obj) -> Stored:
        """Write an object; its metadata.resourceVersion becomes the new revision. `obj` is not kept."""
        ...

    def remove(self, resource: Resource, key: ObjectKey) -> Stored:
        """Remove an object; the answer and the event carry the removing revision. Raises KeyError."""
        ...

    def changes_since(self, resource: Resource, revision: int) -> Sequence[Change]:
        """Logged changes of one resource after `revision`. Raises Compacted."""
        ...

    def subscribe(self, resource: Resource, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` with every further change of a resource, in order. Returns the way to stop."""
        ...

    def resources(self) -> Sequence[Resource]:
        """The resources that have objects, ordered by group, plural and version. What does not tell two resources
        apart may be out of date: whoever defines a resource knows it."""
        ...

    async def durable(self, revision: int | None = None) -> None:
        """Return once every change up to `revision` (None: all so far) survives the end of the process.

        Whoever answers a write, or passes an event on, to another process waits for this first. Raises StoreError.
        """
        ...
