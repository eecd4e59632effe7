"""The verbs of resources: get, list, watch, create, update, patch, delete, over a registry.

Owns: what each verb answers and in which form; chunked lists; managed fields' manager; warnings. Must not know: HTTP
beyond status codes, authentication.
Source: Kubernetes 1.34, apiserver pkg/endpoints/handlers/{get,create,update,patch,delete}.go.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from canarium.clock import Clock
from canarium.kube.cluster import ApiError, Gone, NotFound
from canarium.kube.objects import Obj, ObjectKey, labels_of
from canarium.kube.registry import Registry
from canarium.kube.resources import NAMESPACES, Resource
from canarium.kube.scale import SCALES
from canarium.kube.selectors import parse_fields, parse_labels
from canarium.kube.server import statuses, strictness
from canarium.kube.server.bodies import PATCH_TYPES, media_type
from canarium.kube.server.requests import Accepted, Options, RequestInfo
from canarium.kube.server.watching import Watch, Watching
from canarium.kube.store.port import Compacted, Stored

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_JSON = "application/json"

_PROPAGATIONS = ("Background", "Foreground", "Orphan")


class Answer(msgspec.Struct, frozen=True):
    """A whole answer. warnings: for the client's user, one Warning header each."""

    status: int
    body: bytes
    media: str = _JSON
    headers: Mapping[str, str] = {}
    warnings: Sequence[str] = ()


class Stream(msgspec.Struct, frozen=True):
    """An answer that goes on: a watch, or a log."""

    chunks: AsyncIterator[bytes]
    media: str = _JSON
    headers: Mapping[str, str] = {}
    warnings: Sequence[str] = ()
    release: Callable[[], None] | None = None

    async def close(self) -> None:
        """Let go of what the chunks come from. `release` does that for chunks that nobody began to read: closing a
        generator runs none of it then."""
        close = getattr(self.chunks, "aclose", None)
        if close is not None:
            await close()
        if self.release is not None:
            self.release()


class _Page(msgspec.Struct, frozen=True):
    """Where a chunked list goes on: after a key, in the list of a revision."""

    revision: int
    namespace: str
    name: str


class ResourceHandler:
    """Answers requests about objects. stopping: set when the server stops, which ends watches."""

    def __init__(self, registry: Registry, clock: Clock, stopping: asyncio.Event) -> None:
        self._registry = registry
        self._clock = clock
        self._stopping = stopping

    def current(self, resource: Resource, info: RequestInfo) -> Obj:
        """The object that a path names. Raises NotFound."""
        return self._registry.get(resource, ObjectKey(info.namespace, info.name))

    async def handle(
        self,
        method: str,
        resource: Resource,
        info: RequestInfo,
        options: Options,
        body: Any,
        raw: bytes,
        form: Accepted,
        headers: Mapping[str, str],
    ) -> Answer | Stream:
        """Answer one request; a write is on disk when this returns. raw: the body as it was sent.

        Raises ApiError, StoreError.
        """
        match method, bool(info.name):
            case (("GET" | "HEAD"), True) if not options.flag("watch"):
                return self._get(resource, info, form)
            case (("GET" | "HEAD"), _):
                if options.flag("watch"):
                    return self._watch(resource, info, options, form)
                return self._list(resource, info, options, form)
            case "POST", False:
                return await self._create(resource, info, options, _object(body), raw, form, headers)
            case "POST", True if info.subresource in ("binding", "eviction"):
                return await self._posted(info, options, _object(body))
            case "PUT", True:
                return await self._update(resource, info, options, _object(body), raw, form, headers)
            case "PATCH", True:
                return await self._patch(resource, info, options, body, form, headers)
            case "DELETE", True if not info.subresource:
                return await self._delete(resource, info, options, body, form)
            case "DELETE", False:
                return await self._delete_collection(resource, info, options, body)
        raise statuses.not_allowed()

    # -- reading ------------------------------------------------------------------------------------------------

    def _get(self, resource: Resource, info: RequestInfo, form: Accepted) -> Answer:
        key = ObjectKey(info.namespace, info.name)
        found = (
            self._registry.scale(resource, key) if info.subresource == "scale" else self._registry.get(resource, key)
        )
        return self._shown(resource, found, form)

    def _list(self, resource: Resource, info: RequestInfo, options: Options, form: Accepted) -> Answer:
        revision = self._checked_revision(options)
        namespace = info.namespace or None
        page = _page(options.text("continue"))
        stored = self._registry.list(resource, namespace)
        if page is not None:
            try:
                self._registry.store.changes_since(self._registry.stored_as(resource), page.revision)
            except Compacted:
                raise Gone(410, "Expired", _EXPIRED_CONTINUE) from None
            revision = page.revision
            stored = [item for item in stored if _key(item) > (page.namespace, page.name)]
        chosen = self._chosen(resource, stored, options)
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        limit = options.number("limit") or 0
        if 0 < limit < len(chosen):
            last = _key(chosen[limit - 1])
            metadata["continue"] = _token(_Page(revision, *last))
            if not options.text("labelSelector") and not options.text("fieldSelector"):
                metadata["remainingItemCount"] = len(chosen) - limit
            chosen = chosen[:limit]
        if form.form == "object":
            head = {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata}
            items = b",".join(item.raw for item in chosen)
            return Answer(200, _encode(head)[:-1] + b',"items":[' + items + b"]}")
        from canarium.kube.server import table

        objects = [_decode(item.raw) for item in chosen]
        if form.form == "partial":
            body = table.partial_list(
                objects,
                resource_version=str(revision),
                list_metadata=metadata,
                api_version=f"meta.k8s.io/{form.version}",
            )
            return Answer(200, _encode(body))
        return Answer(200, _encode(self._table(resource, objects, form, options, revision, metadata)))

    def _chosen(self, resource: Resource, stored: list[Stored], options: Options) -> list[Stored]:
        labels, fields = options.text("labelSelector"), options.text("fieldSelector")
        if not labels and not fields:
            return stored
        has_labels = parse_labels(labels)
        has_fields = parse_fields(fields, resource, self._registry.selectable_fields(resource))
        return [
            item
            for item in stored
            if has_labels(labels_of(obj := _decode(item.raw))) and (not fields or has_fields(obj))
        ]

    def _checked_revision(self, options: Options) -> int:
        """The revision a list is of. Raises ApiError when the asked one cannot be had."""
        current = self._registry.store.revision
        text, match = options.text("resourceVersion"), options.text("resourceVersionMatch")
        if match and not text:
            raise _invalid_option("resourceVersionMatch", "is forbidden unless resourceVersion is provided")
        if text in ("", "0") or options.text("continue"):
            return current
        asked = _revision(text)
        if asked > current:
            message = f"Too large resource version: {asked}, current: {current}"
            causes = [("", "ResourceVersionTooLarge", "Too large resource version")]
            raise ApiError(504, "Timeout", message, causes=causes, details={"retryAfterSeconds": 1})
        if match == "Exact" and asked != current:
            raise Gone(410, "Expired", "The resourceVersion for the provided list is too old.")
        return current

    def _watch(self, resource: Resource, info: RequestInfo, options: Options, form: Accepted) -> Stream:
        fields = options.text("fieldSelector")
        if info.name:
            fields = f"metadata.name={info.name}" + (f",{fields}" if fields else "")
        sends_initial = options.flag("sendInitialEvents")
        if "sendInitialEvents" in options.values:
            if options.text("resourceVersionMatch") != "NotOlderThan":
                raise _invalid_option(
                    "resourceVersionMatch", 'must be "NotOlderThan" when sendInitialEvents is provided'
                )
            if sends_initial and not options.flag("allowWatchBookmarks"):
                raise _invalid_option("allowWatchBookmarks", "must be true when sendInitialEvents is true")
        text = options.text("resourceVersion")
        watch = Watch(
            resource=resource,
            namespace=info.namespace,
            labels=options.text("labelSelector"),
            fields=fields,
            since=None if text in ("", "0") or sends_initial else _revision(text),
            sends_bookmarks=options.flag("allowWatchBookmarks"),
            marks_initial_end=sends_initial,
            timeout_seconds=options.number("timeoutSeconds") or None,
        )
        show = self._event_form(resource, form, options)
        watching = Watching(self._registry, self._clock, self._stopping, watch, show)
        return Stream(watching.chunks(), release=watching.stop)

    def _event_form(self, resource: Resource, form: Accepted, options: Options) -> Callable[[bytes, bool], bytes]:
        """How a watch shows an object: (its JSON, whether it is the first) to JSON."""
        if form.form == "object":
            return lambda raw, _: raw
        from canarium.kube.server import table

        if form.form == "partial":
            return lambda raw, _: _encode(table.partial(_decode(raw), api_version=f"meta.k8s.io/{form.version}"))

        def row(raw: bytes, is_first: bool) -> bytes:
            obj = _decode(raw)
            version = int(obj["metadata"].get("resourceVersion") or 0)
            return _encode(self._table(resource, [obj], form, options, version, {}, with_headers=is_first))

        return row

    def _table(
        self,
        resource: Resource,
        objects: Sequence[Obj],
        form: Accepted,
        options: Options,
        revision: int,
        metadata: Mapping[str, Any],
        *,
        with_headers: bool = True,
    ) -> Obj:
        from canarium.kube.server import table

        included = options.text("includeObject") or "Metadata"
        if included not in ("None", "Metadata", "Object"):
            raise ApiError(400, "BadRequest", f'unrecognized includeObject value: "{included}"')
        return table.table(
            resource,
            objects,
            now=self._clock.now(),
            resource_version=str(revision),
            list_metadata=metadata,
            columns=self._registry.printer_columns(resource),
            include_object=included,  # type: ignore[arg-type]  # one of the three, as just checked
            with_headers=with_headers,
            api_version=f"meta.k8s.io/{form.version}",
        )

    def _shown(
        self,
        resource: Resource,
        obj: Obj,
        form: Accepted,
        status: int = 200,
        warnings: Sequence[str] = (),
        options: Options | None = None,
    ) -> Answer:
        if form.form == "table" and obj.get("kind") == resource.kind:
            version = int(obj["metadata"].get("resourceVersion") or 0)
            obj = self._table(resource, [obj], form, options or Options({}), version, {})
        elif form.form == "partial" and obj.get("kind") == resource.kind:
            from canarium.kube.server import table

            obj = table.partial(obj, api_version=f"meta.k8s.io/{form.version}")
        return Answer(status, _encode(obj), warnings=warnings)

    # -- writing ------------------------------------------------------------------------------------------------

    async def _create(
        self,
        resource: Resource,
        info: RequestInfo,
        options: Options,
        body: Obj,
        raw: bytes,
        form: Accepted,
        headers: Mapping[str, str],
    ) -> Answer:
        if resource.namespaced and not info.namespace:  # all namespaces can be read at once, not written
            raise statuses.not_allowed()
        obj = self._placed(resource, info, body)
        warnings = strictness.checked(self._registry, resource, obj, options.text("fieldValidation"), raw)
        created = self._registry.create(
            resource, obj, dry_run=options.is_dry_run, field_manager=_manager(options, headers)
        )
        if resource.kind == "CustomResourceDefinition":
            warnings += self._registry.warnings_for(created)
        await self._registry.store.durable()
        return self._shown(resource, created, form, 201, warnings)

    def _placed(self, resource: Resource, info: RequestInfo, body: Obj) -> Obj:
        """An object with the namespace of the path. Raises ApiError when it names another one."""
        metadata = body.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise ApiError(400, "BadRequest", "metadata is not an object")
        if resource.namespaced and info.namespace:
            if metadata.get("namespace") not in (None, "", info.namespace):
                message = "the namespace of the provided object does not match the namespace sent on the request"
                raise ApiError(400, "BadRequest", message)
            metadata = {**metadata, "namespace": info.namespace}
        elif not metadata.get("namespace"):
            metadata = {key: value for key, value in metadata.items() if key != "namespace"}
        _check_kind(resource, body)
        return {**body, "metadata": metadata}

    async def _posted(self, info: RequestInfo, options: Options, body: Obj) -> Answer:
        key = ObjectKey(info.namespace, info.name)
        strictness.checked_part(*_POSTED[info.subresource], body)
        if info.subresource == "binding":
            self._registry.bind(key, body, dry_run=options.is_dry_run)
        else:
            self._registry.evict(key, body, dry_run=options.is_dry_run)
        await self._registry.store.durable()
        return Answer(201, _encode({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}))

    async def _update(
        self,
        resource: Resource,
        info: RequestInfo,
        options: Options,
        body: Obj,
        raw: bytes,
        form: Accepted,
        headers: Mapping[str, str],
    ) -> Answer:
        if info.subresource == "scale":
            if not isinstance(body.get("metadata") or {}, dict):
                raise ApiError(400, "BadRequest", "metadata is not an object")
            obj = {**body, "metadata": {**(body.get("metadata") or {}), "name": info.name}}
            if info.namespace:
                obj["metadata"]["namespace"] = info.namespace
            warnings = strictness.checked(self._registry, SCALES, obj, options.text("fieldValidation"), raw)
        else:
            obj = self._placed(resource, info, body)
            _check_name(info, obj)
            warnings = strictness.checked(self._registry, resource, obj, options.text("fieldValidation"), raw)
        updated = self._registry.update(
            resource,
            obj,
            subresource=info.subresource,
            dry_run=options.is_dry_run,
            field_manager=_manager(options, headers),
        )
        await self._registry.store.durable()
        return self._shown(resource, updated, form, 200, warnings)

    async def _patch(
        self,
        resource: Resource,
        info: RequestInfo,
        options: Options,
        body: Any,
        form: Accepted,
        headers: Mapping[str, str],
    ) -> Answer:
        kind = PATCH_TYPES[media_type(headers.get("content-type", ""))]
        if body is None:
            raise ApiError(400, "BadRequest", "the request has no patch")
        if kind in ("json", "strategic") and not isinstance(body, list if kind == "json" else dict):
            raise ApiError(400, "BadRequest", f"the patch is no JSON {'array' if kind == 'json' else 'object'}")
        manager = _manager(options, headers) if kind != "apply" else options.text("fieldManager")
        warnings: list[str] = []
        if kind == "apply":
            if not manager:
                raise _invalid_option("fieldManager", "Required value: is required for apply patch", "PatchOptions")
            body = self._placed(resource, info, _object(body))
            _check_name(info, body)
            warnings = strictness.checked(self._registry, resource, body, options.text("fieldValidation"))
        stored_as, key = self._registry.stored_as(resource), ObjectKey(info.namespace, info.name)
        existed = self._registry.store.get(stored_as, key) is not None
        patched = self._registry.patch(
            resource,
            key,
            body,
            type=kind,  # type: ignore[arg-type]  # one of the patch types, by the table
            subresource=info.subresource,
            dry_run=options.is_dry_run,
            field_manager=manager,
            force=options.flag("force"),
            check=lambda obj: warnings.extend(
                strictness.patched(
                    self._registry,
                    SCALES if info.subresource == "scale" else resource,
                    obj,
                    options.text("fieldValidation"),
                    body,
                    is_strategic=kind == "strategic",
                )
            ),
        )
        await self._registry.store.durable()
        return self._shown(resource, patched, form, 200 if existed else 201, warnings)

    async def _delete(
        self, resource: Resource, info: RequestInfo, options: Options, body: Any, form: Accepted
    ) -> Answer:
        key = ObjectKey(info.namespace, info.name)
        uid = str(self._registry.get(resource, key)["metadata"].get("uid", ""))
        left = self._registry.delete(resource, key, **_deletion(options, body))
        await self._registry.store.durable()
        if left is None:
            return Answer(200, _encode(statuses.deleted(resource, info.name, uid)))
        return self._shown(resource, left, form)

    async def _delete_collection(self, resource: Resource, info: RequestInfo, options: Options, body: Any) -> Answer:
        asked = _deletion(options, body)
        if resource == NAMESPACES:  # upstream's namespaces have no such verb
            raise statuses.not_allowed()
        chosen = self._chosen(resource, self._registry.list(resource, info.namespace or None), options)
        try:
            for item in chosen:
                with suppress(NotFound):  # somebody was faster, or it went with an earlier one
                    self._registry.delete(resource, ObjectKey(*_key(item)), **asked)
        finally:
            await self._registry.store.durable()
        head = {
            "kind": resource.list_kind,
            "apiVersion": resource.api_version,
            "metadata": {"resourceVersion": str(self._registry.store.revision)},
        }
        return Answer(200, _encode(head)[:-1] + b',"items":[' + b",".join(item.raw for item in chosen) + b"]}")


_POSTED = {"binding": ("v1", "Binding"), "eviction": ("policy/v1", "Eviction")}
"""What is posted to a pod's subresources."""
_EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without"
    " the continue parameter."
)


def _object(body: Any) -> Obj:
    if not isinstance(body, dict):
        raise ApiError(400, "BadRequest", "the request's body is no object")
    return body


def _check_name(info: RequestInfo, obj: Obj) -> None:
    name = obj["metadata"].get("name")
    if name != info.name:
        message = f"the name of the object ({name or ''}) does not match the name on the URL ({info.name})"
        raise ApiError(400, "BadRequest", message)


def _check_kind(resource: Resource, body: Obj) -> None:
    given = (body.get("apiVersion") or resource.api_version, body.get("kind") or resource.kind)
    if given != (resource.api_version, resource.kind):
        message = (
            f"the API version in the data ({given[0]}) does not match the expected API version ({resource.api_version})"
            if given[0] != resource.api_version
            else f"{given[1]} in version {resource.version!r} cannot be handled as a {resource.kind}"
        )
        raise ApiError(400, "BadRequest", message)


def _manager(options: Options, headers: Mapping[str, str]) -> str:
    """Who writes: as the client says, or the first part of its User-Agent (managedfields.prefixFromUserAgent)."""
    return options.text("fieldManager") or headers.get("user-agent", "unknown").partition("/")[0][:128] or "unknown"


def _deletion(options: Options, body: Any) -> dict[str, Any]:
    """The arguments of a deletion, from the body and, where it is silent, from the query."""
    given: Mapping[str, Any] = body if isinstance(body, dict) else {}
    grace = given.get("gracePeriodSeconds")
    for field, kind, words in (
        ("gracePeriodSeconds", int, "a whole number"),
        ("preconditions", dict, "an object"),
        ("dryRun", list, "a list"),
        ("propagationPolicy", str, "a text"),
    ):
        if given.get(field) is not None and not isinstance(given[field], kind):
            raise ApiError(400, "BadRequest", f"DeleteOptions.{field} is not {words}")
    policy = given.get("propagationPolicy") or options.text("propagationPolicy")
    orphans = given.get("orphanDependents")
    if not policy:
        policy = "Orphan" if orphans else "Background"
    if policy not in _PROPAGATIONS:
        known = ", ".join(f'"{name}"' for name in (*_PROPAGATIONS, "nil"))
        problem = f'Unsupported value: "{policy}": supported values: {known}'
        raise _invalid_option("propagationPolicy", problem, "DeleteOptions")
    wanted = given.get("preconditions") or {}
    return {
        "propagation": policy,
        "grace_period_seconds": options.number("gracePeriodSeconds") if grace is None else int(grace),
        "uid": wanted.get("uid"),
        "resource_version": wanted.get("resourceVersion"),
        "dry_run": options.is_dry_run or "All" in (given.get("dryRun") or ()),
    }


def _invalid_option(field: str, problem: str, kind: str = "ListOptions") -> ApiError:
    message = f'{kind}.meta.k8s.io "" is invalid: {field}: {problem}'
    return ApiError(422, "Invalid", message, causes=[(field, "FieldValueInvalid", problem)])


def _revision(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise ApiError(400, "BadRequest", f'invalid resource version "{text}"')
    return int(text)


def _key(item: Stored) -> tuple[str, str]:
    metadata = _decode(item.raw)["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _token(page: _Page) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(page)).decode().rstrip("=")


def _page(token: str) -> _Page | None:
    if not token:
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return msgspec.json.decode(raw, type=_Page)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise ApiError(400, "BadRequest", "continue key is not valid: it is none that this server gave") from error
