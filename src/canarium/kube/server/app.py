"""The API server over HTTP: an ASGI application in front of a registry.

Owns: routing, authentication, reading bodies, choosing the form of an answer, waiting until what is answered is on
disk. Must not know: sockets, how pods run (logs and connections to pods are handed in), controllers.
Behaviour follows Kubernetes 1.34, apiserver pkg/endpoints; what is left out: docs/reference/compatibility.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from canarium.clock import Clock
from canarium.kube.cluster import ApiError
from canarium.kube.objects import Obj
from canarium.kube.registry import Registry
from canarium.kube.resources import Resource
from canarium.kube.server import access, discovery, statuses
from canarium.kube.server.access import Tokens, User
from canarium.kube.server.authentication import AUDIENCE, Authenticator, checked_request
from canarium.kube.server.bodies import MAX_BODY_BYTES, decoded
from canarium.kube.server.health import CHECKS, Counts, health, metrics
from canarium.kube.server.requests import (
    Options,
    RequestInfo,
    accepted,
    parse_path,
    parse_query,
    verb_of,
    wants_aggregated_discovery,
)
from canarium.kube.server.resources import Answer, ResourceHandler, Stream
from canarium.kube.store.port import StoreError

Scope: TypeAlias = Any
Message: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_encode = msgspec.json.Encoder().encode
_JSON = "application/json"
_OPENAPI_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
_OPEN_PATHS = ("/livez", "/readyz", "/healthz", "/version")
VERSION = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.0+canarium",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


class Pods(Protocol):
    """What the server asks of whatever runs pods."""

    def logs(self, pod: Obj, options: Options) -> AsyncIterator[bytes]:
        """The lines of a container's log as the options ask for them. Raises ApiError at once."""
        ...

    async def port_forward(self, pod: Obj, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket that carries connections to the pod's ports."""
        ...


class ApiServer:
    """An ASGI application: HTTP requests and the WebSockets of port-forward.

    address: what discovery calls the server. pods: None where nothing runs pods.
    """

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        tokens: Tokens,
        *,
        address: str = "127.0.0.1:6443",
        pods: Pods | None = None,
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._who = Authenticator(registry, clock, tokens)
        self._counts = Counts()
        self._address = address
        self._pods = pods
        self._stopping = asyncio.Event()
        self._resources = ResourceHandler(registry, clock, self._stopping)
        self._versions: tuple[tuple[Resource, ...], discovery.Versions] = ((), {})
        self._openapi: dict[tuple[str, str], tuple[list[Resource], dict[str, Any], bytes]] = {}

    def stop(self) -> None:
        """End every watch and every log that is followed, so that connections can be closed."""
        self._stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        if scope["type"] == "lifespan":
            return
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            answer = await self._answer(scope, receive, headers)
        except StoreError as error:
            answer = _failed(ApiError(500, "InternalError", f"the change could not be stored: {error}"))
        except ApiError as error:
            answer = _failed(error)
        except Exception as error:  # a fault of ours: clients read a Status, whoever serves us logs the rest
            problem = ApiError(500, "InternalError", f"Internal error occurred: {type(error).__name__}: {error}")
            self._count(scope, _failed(problem))
            await _send(_failed(problem), send, with_body=scope["method"] != "HEAD")
            raise
        self._count(scope, answer)
        if isinstance(answer, Stream):
            await _stream(answer, receive, send)
        else:
            await _send(answer, send, with_body=scope["method"] != "HEAD")

    def _count(self, scope: Scope, answer: Answer | Stream) -> None:
        info = parse_path(scope["path"])
        if info is not None and not ((info.group, info.plural) in access.REVIEWS and info.version == "v1"):
            try:
                self._resource(info)
            except ApiError:
                info = None
        elif info is not None and info.subresource:
            info = None
        is_watch = b"watch" in scope["query_string"] and parse_query(scope["query_string"]).flag("watch")
        status = answer.status if isinstance(answer, Answer) else 200
        self._counts.add(scope["method"], info, status, is_watch=is_watch)

    # -- HTTP ---------------------------------------------------------------------------------------------------

    async def _answer(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> Answer | Stream:
        path, method = scope["path"], scope["method"]
        user = self._admitted(path, scope)
        info = parse_path(path)
        options = parse_query(scope["query_string"])
        if info is None or user is None:
            if method not in ("GET", "HEAD"):
                raise statuses.not_allowed()
            return self._described(path, headers, options)
        if (info.group, info.plural) in access.REVIEWS:
            return await self._reviewed(info, method, receive, headers, user)
        resource = self._resource(info)
        is_watch = options.flag("watch")
        verb = verb_of(method, info, is_watch=is_watch)
        if not access.may(user, verb, info.group, info.plural, info.subresource):
            raise access.forbidden(user, verb, info)
        if method == "PATCH" and not info.name:  # whatever its type: a collection takes none
            raise statuses.not_allowed()
        if info.subresource == "log" and info.plural == "pods":
            if method not in ("GET", "HEAD"):
                raise statuses.not_allowed()
            return await self._log(resource, info, options)
        if info.subresource in ("exec", "attach"):
            raise statuses.not_built(
                f"kubectl {info.subresource}",
                "There is nothing to enter: a pod is a process of this machine, or is simulated.",
            )
        if info.subresource == "portforward":
            raise statuses.not_built(
                "port-forward without a WebSocket", "Use kubectl 1.31 or newer, which forwards over one."
            )
        body, raw = None, b""
        if method in ("POST", "PUT", "PATCH", "DELETE"):
            raw = await read_body(receive)
            body = decoded(raw, headers.get("content-type", ""), method)
        if info.subresource == "token":
            if method != "POST":
                raise statuses.not_allowed()
            return Answer(201, _encode(self._who.requested(info, checked_request(body))))
        form = accepted(headers.get("accept", ""))
        return await self._resources.handle(method, resource, info, options, body, raw, form, headers)

    def _admitted(self, path: str, scope: Scope) -> User | None:
        """Who asks; None for what anybody may ask. Raises ApiError (Unauthorized, Forbidden)."""
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        host = next((value for name, value in reversed(headers) if name == "host"), "")
        if not access.is_local_host(host):
            raise ApiError(
                403,
                "Forbidden",
                f"this server does not answer to the host name {host!r}",
                next_step="Address it as 127.0.0.1 or localhost.",
            )
        user = self._who.user(headers)
        if user is None and not path.startswith(_OPEN_PATHS):
            raise statuses.unauthorized()
        return user

    def _resource(self, info: RequestInfo) -> Resource:
        for resource in self._known().get(info.group, {}).get(info.version, ()):
            if resource.plural == info.plural:
                if info.subresource and info.subresource not in (
                    *discovery.subresources_of(resource),
                    *(("exec", "attach") if info.plural == "pods" else ()),
                ):
                    raise statuses.not_found_path()
                if info.namespace and not resource.namespaced:
                    raise statuses.not_found_path()
                return resource
        raise statuses.not_found_path()

    def _known(self) -> discovery.Versions:
        resources = tuple(self._registry.served())
        if resources != self._versions[0]:
            self._versions = (resources, discovery.by_group(resources))
        return self._versions[1]

    def _described(self, path: str, headers: Mapping[str, str], options: Options) -> Answer:
        """Paths that are no resource's: discovery, health, version, OpenAPI."""
        parts = path.strip("/").split("/")
        accept = headers.get("accept", "")
        match parts:
            case ["livez" | "readyz" | "healthz" as which, *rest]:
                text = health(which, "/".join(rest), is_verbose="verbose" in options.values)
                if text is None:
                    raise statuses.not_found_path()
                return Answer(200, text.encode(), "text/plain; charset=utf-8")
            case ["metrics"]:
                return Answer(200, metrics(self._counts).encode(), "text/plain; version=0.0.4; charset=utf-8")
            case ["version"]:
                return Answer(200, _encode(VERSION))
            case ["api"] | ["apis"]:
                version = wants_aggregated_discovery(accept)
                if version:
                    document = discovery.aggregated(self._known(), core=parts == ["api"], version=version)
                    media = f"{_JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
                    return Answer(200, _encode(document), media, {"Vary": "Accept"})
                old = discovery.api_versions(self._address) if parts == ["api"] else discovery.group_list(self._known())
                return Answer(200, _encode(old), headers={"Vary": "Accept"})
            case ["api", version]:
                return _found(discovery.resource_list(self._known(), "", version))
            case ["apis", group] if group and group in self._known():
                body = {"kind": "APIGroup", "apiVersion": "v1", **discovery.api_group(self._known(), group)}
                return Answer(200, _encode(body))
            case ["apis", group, version]:
                return _found(discovery.resource_list(self._known(), group, version))
            case ["openapi", "v3", *rest]:
                return self._openapi_v3("/".join(rest))
            case ["openapi", "v2"]:
                return _openapi_v2(accept)
            case [""]:
                paths = ["/api", "/api/v1", "/apis", "/metrics", "/openapi/v2", "/openapi/v3", "/version"]
                for group, versions in self._known().items():
                    paths += [f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)] if group else []
                for which in ("healthz", "livez", "readyz"):
                    paths += [f"/{which}", *(f"/{which}/{check}" for check in CHECKS)]
                return Answer(200, _encode({"paths": sorted(paths)}))
        raise statuses.not_found_path()

    def _openapi_v3(self, which: str) -> Answer:
        known = self._known()
        paths = {
            f"apis/{group}/{version}" if group else f"api/{version}": (group, version)
            for group, versions in known.items()
            for version in versions
        }
        if not which:
            from canarium.kube.server import openapi

            hashes = {
                f"{group}/{version}" if group else version: openapi.hash_of(self._document(group, version))
                for group, version in paths.values()
            }
            return Answer(200, _encode(openapi.index(list(hashes), hashes)))
        if which not in paths:
            raise statuses.not_found_path()
        return Answer(200, self._document(*paths[which]))

    def _document(self, group: str, version: str) -> bytes:
        """The OpenAPI document of a group's version; the same bytes until one of its kinds is defined anew."""
        from canarium.kube.server import openapi

        resources = self._known()[group][version]
        schemas = {one.kind: schema for one in resources if (schema := self._registry.schema_of(one)) is not None}
        kept = self._openapi.get((group, version))
        if kept is not None and kept[0] == resources and kept[1] == schemas:
            return kept[2]
        name = f"{group}/{version}" if group else version
        document = _encode(openapi.document(name, resources, schemas))
        self._openapi[(group, version)] = (resources, schemas, document)
        return document

    async def _reviewed(
        self, info: RequestInfo, method: str, receive: Receive, headers: Mapping[str, str], user: User
    ) -> Answer:
        if method != "POST" or info.version != "v1":
            raise statuses.not_allowed()
        body = decoded(await read_body(receive), headers.get("content-type", ""), method)
        if not isinstance(body, dict):
            raise ApiError(400, "BadRequest", "the request has no object")
        kind = access.REVIEWS[(info.group, info.plural)]
        return Answer(201, _encode(access.review(kind, body, user, self._owner_of)))

    def _owner_of(self, token: str, audiences: Sequence[str]) -> User | None:
        return self._who.owner(token, audiences or (AUDIENCE,))

    # -- pods ---------------------------------------------------------------------------------------------------

    async def _log(self, resource: Resource, info: RequestInfo, options: Options) -> Answer | Stream:
        pod = self._resources.current(resource, info)
        if self._pods is None:
            raise statuses.not_built("reading logs here", "Start the cluster with `canarium up`.")
        return Stream(self._pods.logs(pod, options), "text/plain; charset=utf-8")

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Port-forward. A refusal before the handshake is a plain HTTP answer, as clients expect it."""
        opening = await receive()  # websocket.connect
        try:
            user = self._admitted(scope["path"], scope)
            info = parse_path(scope["path"])
            if user is None or info is None or (info.plural, info.subresource) != ("pods", "portforward"):
                raise statuses.not_found_path()
            if not access.may(user, "create", info.group, info.plural, info.subresource):
                raise access.forbidden(user, "create", info)
            if self._pods is None:
                raise statuses.not_built("port-forward here", "Start the cluster with `canarium up`.")
            pod = self._resources.current(self._resource(info), info)
        except ApiError as error:
            answer = _failed(error)
            start = {"type": "websocket.http.response.start", "status": answer.status, "headers": _headers(answer)}
            if "websocket.http.response" in (scope.get("extensions") or {}):
                await send(start)
                await send({"type": "websocket.http.response.body", "body": answer.body})
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        connect = [opening]

        async def receive_from_the_start() -> Message:
            return connect.pop() if connect else await receive()

        await self._pods.port_forward(pod, scope, receive_from_the_start, send)


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises ApiError (RequestEntityTooLarge) as soon as it is too long."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(499, "ClientClosedRequest", "the client left before the request was complete")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise ApiError(
                413, "RequestEntityTooLarge", f"limit is {MAX_BODY_BYTES}", next_step="Make the object smaller."
            )
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _found(body: Obj | None) -> Answer:
    if body is None:
        raise statuses.not_found_path()
    return Answer(200, _encode(body))


def _openapi_v2(accept: str) -> Answer:
    """A version 2 document that describes nothing: version 3 does.

    kubectl reads it for kinds that version 3 does not name, and only then says that there is no such kind.
    """
    if _OPENAPI_V2_PROTOBUF in accept:
        media = _OPENAPI_V2_PROTOBUF.replace("@", ".")  # as upstream: clients' parsers take no @ in a Content-Type
        return Answer(200, b"\n\x032.0", media, {"Vary": "Accept"})  # field 1, swagger: "2.0"
    info = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
    return Answer(200, _encode({"swagger": "2.0", "info": info, "paths": {}}), headers={"Vary": "Accept"})


def _failed(error: ApiError) -> Answer:
    after = int((error.details or {}).get("retryAfterSeconds", 0)) if isinstance(error.details, Mapping) else 0
    headers = {"Retry-After": str(after)} if error.code == 429 and after > 0 else {}
    return Answer(error.code, _encode(statuses.failure(error)), headers=headers)


def _headers(answer: Answer | Stream) -> list[tuple[bytes, bytes]]:
    found = [(b"content-type", answer.media.encode()), (b"cache-control", b"no-cache, private")]
    if isinstance(answer, Answer):
        found.append((b"content-length", str(len(answer.body)).encode()))
    found += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in answer.headers.items()]
    found += [(b"warning", f'299 - "{_quoted(text)}"'.encode("latin-1", "replace")) for text in answer.warnings]
    return found


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


async def _send(answer: Answer, send: Send, *, with_body: bool) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": _headers(answer)})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


async def _stream(answer: Stream, receive: Receive, send: Send) -> None:
    """Send chunks as they come, until they end or the client leaves."""

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def deliver() -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _headers(answer)})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        async for chunk in answer.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    gone, delivering = asyncio.ensure_future(until_gone()), asyncio.ensure_future(deliver())
    try:
        await asyncio.wait((gone, delivering), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        delivering.cancel()
        await asyncio.gather(gone, delivering, return_exceptions=True)
        await answer.close()


__all__ = ["ApiServer", "Pods", "read_body"]
