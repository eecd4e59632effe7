"""The Cluster behind any real API server, ours included.

Owns: paths, queries and bodies of the API; lists in chunks; watches that outlive the server's patience.
Must not know: sockets, kubeconfig files, controllers.
Behaviour follows client-go (Kubernetes 1.34): chunks of 500, a list whose continue token expired is read again whole, a
watch that the server ends is taken up again where it was, unless it ended at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import quote

import msgspec

from canarium.clock import Clock
from canarium.kube.cluster import ApiError, Gone, NotFound, ObjList, PatchType, Subresource, Unavailable, WatchEvent
from canarium.kube.kubeconfig import Connection
from canarium.kube.objects import Obj, key_of
from canarium.kube.remote import failures
from canarium.kube.remote.discovery import group_version_path, resources_of
from canarium.kube.remote.transport import JSON, Answer, Transport
from canarium.kube.resources import Resource

CHUNK = 500
FIELD_MANAGER = "canarium"

WATCH_SECONDS = 300
"""How long we ask the server to keep a watch; it may end it earlier."""

SHORT_WATCH_SECONDS = 1.0
"""A watch that ends sooner, with nothing told, is taken for a fault: taking it up again at once would spin."""

_CONTENT_TYPES: dict[PatchType, str] = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",  # JSON is YAML, and servers before 1.35 know no JSON form
}


_Objects: TypeAlias = list[Obj]  # `list` is a method where this is used


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Meta(msgspec.Struct):
    resourceVersion: str = ""  # the API's own key


class _Versioned(msgspec.Struct):
    metadata: _Meta


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode_versioned = msgspec.json.Decoder(_Versioned).decode


class RemoteCluster:
    """See `Cluster`. Use it as an async context manager, or `close()` it. The first request opens the session.

    timeout_seconds: for a whole request, watches excepted; 0 for as long as the server keeps talking.
    on_warning: told what the server warns of (deprecated versions, unknown fields).
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        *,
        timeout_seconds: float = 0.0,
        field_manager: str = FIELD_MANAGER,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        self.connection = connection
        self._clock = clock
        self._transport = Transport(connection, clock, timeout_seconds=timeout_seconds, on_warning=on_warning)
        self._field_manager = field_manager
        self._found: dict[str, dict[str, Resource]] = {}  # by apiVersion, then kind

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Drop all connections; watches end with Unavailable."""
        await self._transport.close()

    # -- Cluster ------------------------------------------------------------------------------------------------------

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """See `Cluster`."""
        return self._object("GET", await self._transport.send("GET", path_of(resource, namespace, name)))

    async def list(
        self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> ObjList:
        """See `Cluster`."""
        path = path_of(resource, namespace)
        query = _without_empty(labelSelector=labels, fieldSelector=fields)
        try:
            items, version = await self._pages(path, {**query, "limit": str(CHUNK)})
        except Gone:  # the list outlived the server's memory between two chunks
            items, version = await self._pages(path, query)
        named = [
            item if "kind" in item else {"apiVersion": resource.api_version, "kind": resource.kind, **item}
            for item in items
        ]
        return ObjList(sorted(named, key=key_of), version)  # a server orders by path, where "a-b/" comes before "a/"

    async def _pages(self, path: str, query: Mapping[str, str]) -> tuple[_Objects, str]:
        items: _Objects = []
        token = ""
        while True:
            page = self._object("GET", await self._transport.send("GET", path, query={**query, **token_of(token)}))
            metadata = page.get("metadata") or {}
            items.extend(page.get("items") or ())
            token = metadata.get("continue") or ""
            if not token:
                return items, str(metadata.get("resourceVersion") or "")

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `Cluster`. Bookmarks are passed on."""
        path = path_of(resource, namespace)
        query = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        query |= _without_empty(labelSelector=labels)
        version = resource_version
        while True:
            began = self._clock.monotonic()
            has_told = False
            told_query = {**query, "resourceVersion": version}
            async with self._transport.stream(path, told_query, silent_seconds=WATCH_SECONDS + 30) as lines:
                async for line in lines:
                    event = _event(line)
                    version = event.resource_version or version
                    has_told = True
                    yield event
            if not has_told and self._clock.monotonic() - began < SHORT_WATCH_SECONDS:
                raise Unavailable(
                    503, "ServiceUnavailable", f"very short watch: {resource} ended at once and told nothing"
                )

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        """See `Cluster`."""
        namespace = obj["metadata"].get("namespace", "")
        if resource.namespaced and not namespace:
            raise ApiError(400, "BadRequest", "an empty namespace may not be set during creation")
        path = path_of(resource, namespace)
        return await self._write("POST", path, _with_kind(resource, obj), self._write_query(dry_run=dry_run))

    async def update(
        self, resource: Resource, obj: Obj, *, subresource: Subresource = "", dry_run: bool = False
    ) -> Obj:
        """See `Cluster`."""
        metadata = obj["metadata"]
        path = path_of(resource, metadata.get("namespace", ""), metadata["name"], subresource)
        body = {"apiVersion": "autoscaling/v1", "kind": "Scale", **obj} if subresource == "scale" else None
        return await self._write("PUT", path, body or _with_kind(resource, obj), self._write_query(dry_run=dry_run))

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
        """See `Cluster`. `force` is said for `apply` only: a server refuses it for the others."""
        query = self._write_query(dry_run=dry_run, field_manager=field_manager)
        if type == "apply":
            patch = _with_kind(resource, patch)
            if force:
                query["force"] = "true"
        return await self._write(
            "PATCH", path_of(resource, namespace, name, subresource), patch, query, _CONTENT_TYPES[type]
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
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        wanted = {**(preconditions or {}), **({"uid": uid} if uid else {})}
        if wanted:
            options["preconditions"] = wanted
        answer = await self._write("DELETE", path_of(resource, namespace, name), options, {})
        return answer if _is_kept(answer) else None

    # -- beyond the port ----------------------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> tuple[int, bytes]:
        """Whatever the server answers at `path` (with its query, already quoted): status and body, no error for 4xx.

        Raises Unavailable.
        """
        answer = await self._transport.send(method, path, body=body, content_type=content_type, accept=accept)
        return answer.status, answer.body

    async def resource_for(self, api_version: str, kind: str) -> Resource | None:
        """What the server calls that kind; None when it serves no such kind. What was found once is not asked again.

        Raises ApiError (Unauthorized, …), Unavailable.
        """
        known = self._found.get(api_version, {})
        if kind not in known:
            try:
                listed = self._object("GET", await self._transport.send("GET", group_version_path(api_version)))
            except NotFound:
                return None
            known = {}
            for resource in resources_of(api_version, listed):
                known.setdefault(resource.kind, resource)
            self._found[api_version] = known
        return known.get(kind)

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _write_query(self, *, dry_run: bool, field_manager: str = "") -> dict[str, str]:
        return {
            "fieldManager": field_manager or self._field_manager,
            **_without_empty(dryRun="All" if dry_run else ""),
        }

    async def _write(
        self, method: str, path: str, body: Any, query: Mapping[str, str], content_type: str = JSON
    ) -> Obj:
        answer = await self._transport.send(method, path, query=query, body=_encode(body), content_type=content_type)
        return self._object(method, answer)

    def _object(self, method: str, answer: Answer) -> Obj:
        """The answer's object. Raises ApiError for what is no success, or no JSON."""
        told = {"method": method, "url": answer.url, "location": answer.location}
        if not 200 <= answer.status < 300:
            raise failures.of_answer(answer.status, answer.content_type, answer.body, **told)
        try:
            obj = _decode(answer.body)
        except msgspec.DecodeError as error:
            raise failures.not_the_api(answer.status, answer.content_type, answer.body, **told) from error
        if not isinstance(obj, dict):
            raise failures.not_the_api(answer.status, answer.content_type, answer.body, **told)
        return obj


def path_of(resource: Resource, namespace: str | None, name: str = "", subresource: str = "") -> str:
    """The path of an object, or of a collection (`namespace` None or empty: everywhere).

    Raises ApiError, as Go's client does before it asks, for a named object without its namespace and for a name, or a
    namespace, that is no segment of a path.
    """
    if resource.namespaced and name and not namespace:
        raise ApiError(400, "BadRequest", "an empty namespace may not be set when a resource name is provided")
    for what, segment in (("namespace", namespace if resource.namespaced else ""), ("resource name", name)):
        problems = _segment_problems(segment or "")
        if problems:
            raise ApiError(400, "BadRequest", f"invalid {what} {_go_quoted(segment or '')}: [{' '.join(problems)}]")
    parts = [group_version_path(resource.api_version)]
    if resource.namespaced and namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(resource.plural)
    if name:
        parts.append(quote(name, safe=""))
    if subresource:
        parts.append(subresource)
    return "/".join(parts)


def _segment_problems(segment: str) -> list[str]:
    """Why a name cannot be part of a path (apimachinery's IsValidPathSegmentName): it would lead elsewhere."""
    if segment in (".", ".."):
        return [f"may not be '{segment}'"]
    return [f"may not contain '{illegal}'" for illegal in "/%" if illegal in segment]


def _go_quoted(text: str) -> str:
    return _encode(text).decode()


def token_of(token: str) -> dict[str, str]:
    """The query that goes on with a chunked list."""
    return {"continue": token} if token else {}


def _without_empty(**query: str) -> dict[str, str]:
    return {key: value for key, value in query.items() if value}


def _with_kind(resource: Resource, obj: Mapping[str, Any]) -> Obj:
    return {"apiVersion": resource.api_version, "kind": resource.kind, **obj}


def _is_kept(answer: Obj) -> bool:
    """Whether a deletion's answer is an object that is still there: some resources answer with what is already gone."""
    if answer.get("kind") == "Status":
        return False
    metadata = answer.get("metadata") or {}
    waits = metadata.get("finalizers") or (answer.get("spec") or {}).get("finalizers")
    return bool(metadata.get("deletionTimestamp") and (waits or metadata.get("deletionGracePeriodSeconds")))


def _event(line: bytes) -> WatchEvent:
    """One line of a watch. Raises Gone and other ApiErrors for an ERROR, Unavailable for what is no event."""
    try:
        event = _decode_event(line)
        if event.type == "ERROR":
            status = _decode(event.object)
            raise failures.of_status(status if isinstance(status, dict) else {}, 500)
        version = _decode_versioned(event.object).metadata.resourceVersion
    except msgspec.DecodeError as error:
        raise Unavailable(
            503, "ServiceUnavailable", f"unable to decode an event from the watch stream: {error}"
        ) from error
    if event.type not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
        raise Unavailable(503, "ServiceUnavailable", f"a watch told {event.type!r}, which is no event")
    return WatchEvent(event.type, bytes(event.object), version)  # type: ignore[arg-type]  # one of the four
