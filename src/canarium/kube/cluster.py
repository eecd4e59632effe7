"""One Cluster: everything that reads or writes Kubernetes objects talks to this, in-process or over HTTP.

Owns: the port (`Cluster`), its errors in the words of the API (`ApiError`), and the watch event.
Must not know: which implementation is behind it. One conformance suite runs against every implementation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.kube.resources import Resource

PatchType = Literal["json", "merge", "strategic", "apply"]
Subresource = Literal["", "status", "scale"]


class ApiError(CanariumError):
    """An answer that is not success, with the fields of a metav1.Status.

    code: HTTP status. reason: `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, `Gone`/`Expired`, `Forbidden`,
    `BadRequest`, `Timeout`, …  causes: `(field, reason, message)` for Invalid.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        causes: Sequence[tuple[str, str, str]] = (),
        details: Any = None,
        next_step: str = "",
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = tuple(causes)
        self.details: Any = details


class NotFound(ApiError):
    """404: the object is not there."""


class AlreadyExists(ApiError):
    """409 AlreadyExists: something has that name."""


class Conflict(ApiError):
    """409 Conflict: the object changed since it was read."""


class Gone(ApiError):
    """410 Expired: a watch asked for a version that is no longer kept."""


class Unavailable(ApiError):
    """The answer did not arrive; the request may or may not have taken effect."""


class WatchEvent(msgspec.Struct, frozen=True):
    """One change, or a bookmark. `raw` is the object's JSON: decode for a copy of your own."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    raw: bytes
    resource_version: str


class ObjList(msgspec.Struct, frozen=True):
    """A list answer: objects ordered by namespace and name, and the version to watch from."""

    items: list[Obj]
    resource_version: str


class Cluster(Protocol):
    """Get, list, watch, create, update, patch, delete. Every answer is the caller's own copy."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """One object. Raises NotFound."""
        ...

    async def list(
        self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> ObjList:
        """All objects, in one namespace or everywhere (None); selectors in the API's text form."""
        ...

    def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes after `resource_version`, in order. Raises Gone when that version is no longer kept, and
        Unavailable when the stream breaks; the reader lists and watches again."""
        ...

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        """Store a new object; metadata.generateName is honoured. Raises AlreadyExists, or ApiError (Invalid)."""
        ...

    async def update(
        self, resource: Resource, obj: Obj, *, subresource: Subresource = "", dry_run: bool = False
    ) -> Obj:
        """Replace. A metadata.resourceVersion in `obj` must be current. Raises NotFound, Conflict, ApiError."""
        ...

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
        """Change part of an object; `metadata.resourceVersion` inside the patch must be current if present.
        Raises NotFound, Conflict, ApiError (Invalid)."""
        ...

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
        """Delete; finalizers and grace periods may keep the object, which is then returned with a deletionTimestamp.
        Raises NotFound, Conflict (uid precondition)."""
        ...
