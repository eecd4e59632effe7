"""A Cluster over HTTP, against a server that gives the answers of real ones."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from canarium.clock import RealClock
from canarium.kube.cluster import AlreadyExists, ApiError, Conflict, Gone, NotFound, Unavailable, WatchEvent
from canarium.kube.kubeconfig import Connection, KubeconfigError
from canarium.kube.remote import RemoteCluster
from canarium.kube.resources import CONFIG_MAPS, NAMESPACES, PODS, REPLICA_SETS, Resource
from tests.kube.worlds import WIDGETS, widget

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PODS_PATH = "/api/v1/namespaces/default/pods"


class HurriedClock(RealClock):
    """Real, but nobody waits: sleeps are noted and over."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Server:
    """Answers what it was told to, in order (the last one for ever), and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path, dict(request.query)))
        self.headers.append(dict(request.headers))
        body = await request.read()
        self.bodies.append(json.loads(body) if body else None)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            response: web.StreamResponse = await answer(request)
            return response
        if isinstance(answer, web.StreamResponse):
            return answer
        code, obj = answer if isinstance(answer, tuple) else (200, answer)
        return web.json_response(obj, status=code)


@asynccontextmanager
async def served(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The server on a loopback port: its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def talk(server: Server, main: Callable[[RemoteCluster], Awaitable[Any]], **options: Any) -> Any:
    """Run `main(cluster)` against the server."""

    async def body() -> Any:
        async with served(server) as url, RemoteCluster(Connection(server=url), HurriedClock(), **options) as cluster:
            return await main(cluster)

    return asyncio.run(body())


def status(code: int, reason: str, message: str = "no", **details: Any) -> tuple[int, dict[str, Any]]:
    """A metav1.Status."""
    fields = {"status": "Failure", "message": message, "reason": reason, "code": code, "details": details}
    return code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, **fields}


def pod(name: str, version: str = "1", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default", "resourceVersion": version, **metadata}}


def pods(*names: str, token: str = "", version: str = "7") -> dict[str, Any]:
    metadata = {"resourceVersion": version, "continue": token}
    return {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": [pod(name) for name in names]}


def line(kind: str, obj: Any) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def streaming(*chunks: bytes, then: str = "end") -> Handler:
    """A watch that tells these chunks, and then ends, breaks, or stays."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then == "break":
            assert request.transport is not None
            request.transport.abort()
        if then == "stay":
            await asyncio.Event().wait()
        return response

    return handle


async def events(cluster: RemoteCluster, count: int, **options: Any) -> list[WatchEvent]:
    stream = cluster.watch(PODS, "default", resource_version="1", **options)
    try:
        return [await anext(stream) for _ in range(count)]
    finally:
        await stream.aclose()  # type: ignore[attr-defined]  # an async generator


# -- reading ----------------------------------------------------------------------------------------------------------


def test_a_list_is_read_chunk_by_chunk_and_its_items_say_what_they_are() -> None:
    server = Server(pods("b", token="more"), pods("a"))

    answer = talk(server, lambda cluster: cluster.list(PODS, "default", labels="a in (b,c)", fields="spec.nodeName=n1"))

    assert [item["metadata"]["name"] for item in answer.items] == ["a", "b"]
    assert {(item["apiVersion"], item["kind"]) for item in answer.items} == {("v1", "Pod")}
    assert answer.resource_version == "7"
    selectors = {"labelSelector": "a in (b,c)", "fieldSelector": "spec.nodeName=n1", "limit": "500"}
    assert server.asked == [("GET", PODS_PATH, selectors), ("GET", PODS_PATH, {**selectors, "continue": "more"})]


def test_a_list_whose_continue_token_expired_is_read_again_whole() -> None:
    server = Server(pods("a", token="more"), status(410, "Expired"), pods("a", "b", "c", version="9"))

    answer = talk(server, lambda cluster: cluster.list(PODS))

    assert [item["metadata"]["name"] for item in answer.items] == ["a", "b", "c"]
    assert answer.resource_version == "9"
    assert server.asked[-1] == ("GET", "/api/v1/pods", {})


@pytest.mark.parametrize(
    ("resource", "namespace", "path"),
    [
        (PODS, "default", "/api/v1/namespaces/default/pods/x"),
        (NAMESPACES, "", "/api/v1/namespaces/x"),
        (REPLICA_SETS, "a", "/apis/apps/v1/namespaces/a/replicasets/x"),
    ],
    ids=["core", "cluster-scoped", "group"],
)
def test_objects_are_where_the_api_has_them(resource: Resource, namespace: str, path: str) -> None:
    server = Server(pod("x"))

    talk(server, lambda cluster: cluster.get(resource, namespace, "x"))

    assert server.asked == [("GET", path, {})]


def test_a_name_cannot_leave_its_place_in_the_path() -> None:
    server = Server(status(404, "NotFound"))

    with pytest.raises(NotFound):
        talk(server, lambda cluster: cluster.get(PODS, "default", "a?b#c"))

    assert server.asked[0][1:] == (f"{PODS_PATH}/a?b#c", {})  # the server's view, unquoted


@pytest.mark.parametrize(
    ("namespace", "name", "words"),
    [
        ("default", "..", """invalid resource name "..": [may not be '..']"""),
        ("default", ".", """invalid resource name ".": [may not be '.']"""),
        ("default", "a/b", """invalid resource name "a/b": [may not contain '/']"""),
        ("default", "../a%2f", """invalid resource name "../a%2f": [may not contain '/' may not contain '%']"""),
        ("..", "a", """invalid namespace "..": [may not be '..']"""),
        ("a/b", "a", """invalid namespace "a/b": [may not contain '/']"""),
        ("a%", "", """invalid namespace "a%": [may not contain '%']"""),
    ],
)
def test_a_name_that_is_no_segment_of_a_path_is_refused_before_the_server_is_asked(
    namespace: str, name: str, words: str
) -> None:
    server = Server(pod("x"))

    with pytest.raises(ApiError, match=re.escape(words)):
        talk(server, lambda cluster: cluster.get(PODS, namespace, name) if name else cluster.list(PODS, namespace))

    assert server.asked == []


def test_an_object_without_its_namespace_is_refused_before_the_server_is_asked() -> None:
    server = Server(pod("x"))

    with pytest.raises(ApiError, match="an empty namespace may not be set"):
        talk(server, lambda cluster: cluster.get(PODS, "", "x"))

    assert server.asked == []


# -- writing ----------------------------------------------------------------------------------------------------------


def test_writes_name_their_manager_and_spell_out_the_kind() -> None:
    server = Server((201, {"kind": "Widget"}))

    async def main(cluster: RemoteCluster) -> None:
        await cluster.create(WIDGETS, widget("a"), dry_run=True)
        await cluster.update(WIDGETS, widget("a"), subresource="status")

    talk(server, main)

    path = "/apis/example.com/v1/namespaces/default/widgets"
    assert server.asked == [
        ("POST", path, {"fieldManager": "canarium", "dryRun": "All"}),
        ("PUT", f"{path}/a/status", {"fieldManager": "canarium"}),
    ]
    assert [(body["apiVersion"], body["kind"]) for body in server.bodies] == [("example.com/v1", "Widget")] * 2


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("json", "application/json-patch+json"),
        ("merge", "application/merge-patch+json"),
        ("strategic", "application/strategic-merge-patch+json"),
        ("apply", "application/apply-patch+yaml"),
    ],
)
def test_a_patch_says_of_which_type_it_is(kind: Any, content_type: str) -> None:
    server = Server(pod("a"))

    talk(server, lambda cluster: cluster.patch(PODS, "default", "a", {} if kind != "json" else [], type=kind))

    assert server.headers[0]["Content-Type"] == content_type
    assert server.asked == [("PATCH", f"{PODS_PATH}/a", {"fieldManager": "canarium"})]


def test_server_side_apply_carries_its_manager_its_force_and_its_kind() -> None:
    server = Server(pod("a"))

    async def main(cluster: RemoteCluster) -> None:
        options: dict[str, Any] = {"field_manager": "me", "force": True, "dry_run": True}
        await cluster.patch(PODS, "default", "a", {"spec": {}}, type="apply", **options)

    talk(server, main)

    assert server.asked[0][2] == {"fieldManager": "me", "force": "true", "dryRun": "All"}
    assert server.bodies == [{"apiVersion": "v1", "kind": "Pod", "spec": {}}]


def test_a_deletion_says_how_and_of_what_exactly() -> None:
    server = Server({"kind": "Status", "apiVersion": "v1", "status": "Success"})

    left = talk(
        server,
        lambda cluster: cluster.delete(
            PODS, "default", "a", propagation="Foreground", grace_period_seconds=0, uid="u", preconditions={"uid": "x"}
        ),
    )

    assert left is None
    assert server.bodies == [
        {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": "u"},
        }
    ]


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [
        (pod("a", deletionTimestamp="2026-01-05T09:00:00Z", deletionGracePeriodSeconds=30), True),
        (pod("a", deletionTimestamp="2026-01-05T09:00:00Z", deletionGracePeriodSeconds=0), False),
        (pod("a", deletionTimestamp="2026-01-05T09:00:00Z", finalizers=["x"]), True),
        ({**pod("a", deletionTimestamp="2026-01-05T09:00:00Z"), "spec": {"finalizers": ["kubernetes"]}}, True),
        (pod("a"), False),
    ],
    ids=["grace period", "no grace period", "finalizer", "namespace", "told what is gone"],
)
def test_a_deletion_returns_what_is_still_there(answer: Any, is_kept: bool) -> None:
    left = talk(Server(answer), lambda cluster: cluster.delete(PODS, "default", "a"))

    assert (left is not None) == is_kept


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (404, "NotFound", NotFound),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (410, "Expired", Gone),
        (403, "Forbidden", ApiError),
        (401, "Unauthorized", ApiError),
    ],
)
def test_a_status_becomes_the_error_that_callers_act_on(code: int, reason: str, kind: type[ApiError]) -> None:
    with pytest.raises(ApiError, match="as it was said") as caught:
        talk(Server(status(code, reason, "as it was said")), lambda cluster: cluster.get(PODS, "default", "a"))

    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.reason) == (code, reason)


def test_an_invalid_object_is_refused_field_by_field() -> None:
    causes = [{"reason": "FieldValueRequired", "message": "Required value", "field": "spec.containers"}]
    server = Server(status(422, "Invalid", 'Pod "a" is invalid', kind="Pod", name="a", causes=causes))

    with pytest.raises(ApiError) as caught:
        talk(server, lambda cluster: cluster.create(PODS, pod("a")))

    assert caught.value.causes == (("spec.containers", "FieldValueRequired", "Required value"),)
    assert caught.value.details["kind"] == "Pod"


@pytest.mark.parametrize(
    ("answer", "reason", "says"),
    [
        (
            lambda: web.Response(status=502, text="bad gateway"),
            "InternalError",
            'an error on the server ("bad gateway")',
        ),
        (
            lambda: web.Response(status=404, text="404 page not found"),
            "NotFound",
            "could not find the requested resource",
        ),
        (
            lambda: web.Response(text="<html>Log in"),
            "UnexpectedServerResponse",
            'not JSON (text/plain): "<html>Log in"',
        ),
        (
            lambda: web.Response(status=302, headers={"Location": "/login"}),
            "UnexpectedServerResponse",
            "redirect to /login",
        ),
        (lambda: web.Response(body=b"[1"), "UnexpectedServerResponse", "not JSON"),
        (
            lambda: web.Response(status=400, text="Client sent an HTTP request to an HTTPS server."),
            "BadRequest",
            "HTTPS",
        ),
    ],
    ids=["proxy error", "no such path", "login page", "redirect", "half JSON", "plain HTTP to a TLS port"],
)
def test_an_answer_that_no_api_server_gives_is_told_as_it_was(answer: Any, reason: str, says: str) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = answer()
        return response

    with pytest.raises(ApiError) as caught:
        talk(Server(handle), lambda cluster: cluster.get(PODS, "default", "a"))

    assert caught.value.reason == reason
    assert says in str(caught.value)


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        return web.json_response(status(429, "TooManyRequests")[1], status=429, headers={"Retry-After": "3"})

    server = Server(busy, busy, pod("a"))
    clock = HurriedClock()

    async def main() -> Any:
        async with served(server) as url, RemoteCluster(Connection(server=url), clock) as cluster:
            return await cluster.get(PODS, "default", "a")

    assert asyncio.run(main())["metadata"]["name"] == "a"
    assert clock.slept == [3.0, 3.0]


def test_warnings_of_the_server_are_passed_on() -> None:
    async def warn(request: web.Request) -> web.StreamResponse:
        return web.json_response(pod("a"), headers={"Warning": '299 - "v1beta1 is \\"deprecated\\""'})

    heard: list[str] = []

    talk(Server(warn), lambda cluster: cluster.get(PODS, "default", "a"), on_warning=heard.append)

    assert heard == ['v1beta1 is "deprecated"']


# -- nobody answers ---------------------------------------------------------------------------------------------------


def alone(connection: Connection, main: Callable[[RemoteCluster], Awaitable[Any]], **options: Any) -> Any:
    async def body() -> Any:
        async with RemoteCluster(connection, HurriedClock(), **options) as cluster:
            return await main(cluster)

    return asyncio.run(body())


def test_a_refused_connection_is_told_in_the_words_that_people_search_for() -> None:
    async def free_port() -> str:
        async with served(Server({})) as url:
            return url

    url = asyncio.run(free_port())
    host = url.removeprefix("http://")

    with pytest.raises(Unavailable) as caught:
        alone(Connection(server=url), lambda cluster: cluster.get(PODS, "default", "a"))

    assert caught.value.message == f'Get "{url}{PODS_PATH}/a": dial tcp {host}: connect: connection refused'
    assert "did you specify the right host or port?" in caught.value.next_step


def test_a_server_that_does_not_answer_in_time_is_unavailable() -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Unavailable, match="context deadline exceeded") as caught:
        talk(Server(never), lambda cluster: cluster.get(PODS, "default", "a"), timeout_seconds=0.05)

    assert (caught.value.code, caught.value.reason) == (504, "Timeout")


def test_a_connection_that_drops_in_mid_request_is_unavailable() -> None:
    async def drop(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    with pytest.raises(Unavailable):
        talk(Server(drop), lambda cluster: cluster.create(PODS, pod("a")))


def test_an_address_that_is_none_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(KubeconfigError, match="is not the address of a server"):
        RemoteCluster(Connection(server="ftp://somewhere"), HurriedClock())


# -- watching ---------------------------------------------------------------------------------------------------------


def test_a_watch_tells_events_however_the_network_cuts_them() -> None:
    added, changed = line("ADDED", pod("a", "2")), line("MODIFIED", pod("a", "3"))
    whole = added + changed
    server = Server(streaming(whole[:20], whole[20 : len(added) + 5], whole[len(added) + 5 :], then="stay"))

    seen = talk(server, lambda cluster: events(cluster, 2, labels="x=y"))

    assert [(event.type, event.resource_version) for event in seen] == [("ADDED", "2"), ("MODIFIED", "3")]
    assert json.loads(seen[0].raw) == pod("a", "2")
    query = server.asked[0][2]
    assert (query["watch"], query["allowWatchBookmarks"]) == ("true", "true")
    assert (query["resourceVersion"], query["labelSelector"]) == ("1", "x=y")


def test_an_event_larger_than_any_buffer_arrives_whole() -> None:
    big = pod("a", "2", annotations={"big": "x" * 3_000_000})

    seen = talk(Server(streaming(line("ADDED", big), then="stay")), lambda cluster: events(cluster, 1))

    assert json.loads(seen[0].raw) == big


def test_a_watch_that_the_server_ends_goes_on_where_it_was() -> None:
    bookmark = {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "50"}}
    server = Server(
        streaming(line("ADDED", pod("a", "2")), line("BOOKMARK", bookmark)),
        streaming(line("ADDED", pod("b", "51")), then="stay"),
    )

    seen = talk(server, lambda cluster: events(cluster, 3))

    assert [event.type for event in seen] == ["ADDED", "BOOKMARK", "ADDED"]
    assert [query["resourceVersion"] for _, _, query in server.asked] == ["1", "50"]


def test_a_watch_that_ends_at_once_and_tells_nothing_does_not_spin() -> None:
    server = Server(streaming())

    with pytest.raises(Unavailable, match="very short watch"):
        talk(server, lambda cluster: events(cluster, 1))

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("chunks", "then", "kind"),
    [
        ([line("ERROR", status(410, "Expired", "too old resource version: 1 (5)")[1])], "end", Gone),
        ([line("ERROR", status(500, "InternalError")[1])], "end", ApiError),
        ([line("ADDED", pod("a"))[:-5]], "end", Unavailable),
        ([b'{"type":"ADD'], "break", Unavailable),
        ([b"<html>\n"], "end", Unavailable),
    ],
    ids=["too old", "other error", "ends inside an event", "connection lost", "not JSON"],
)
def test_a_watch_that_cannot_go_on_says_why(chunks: list[bytes], then: str, kind: type[ApiError]) -> None:
    with pytest.raises(ApiError) as caught:
        talk(Server(streaming(*chunks, then=then)), lambda cluster: events(cluster, 1))

    assert type(caught.value) is kind


def test_a_watch_from_a_version_that_is_refused_at_once_is_gone() -> None:
    with pytest.raises(Gone):
        talk(Server(status(410, "Expired")), lambda cluster: events(cluster, 1))


def test_whoever_stops_watching_closes_the_connection() -> None:
    async def main() -> None:
        left = asyncio.Event()

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await streaming(line("ADDED", pod("a")), then="stay")(request)
            finally:
                left.set()

        async with served(Server(handle)) as url, RemoteCluster(Connection(server=url), HurriedClock()) as cluster:
            told = asyncio.Event()

            async def read() -> None:
                async for _ in cluster.watch(PODS, resource_version="1"):
                    told.set()

            reader = asyncio.create_task(read())
            await told.wait()
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader

            await asyncio.wait_for(left.wait(), 5)

    asyncio.run(main())


# -- who is who -------------------------------------------------------------------------------------------------------


def signed(folder: Path, name: str, *, address: str, issuer: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
    """A certificate and its key, written as `<name>.pem` and `<name>-key.pem`; self-signed without an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3650))
        .not_valid_after(now + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    (folder / f"{name}-key.pem").write_bytes(key.private_bytes(pem, private, serialization.NoEncryption()))
    return certificate, key


@asynccontextmanager
async def secured(folder: Path, server: Server, *, address: str = "127.0.0.1") -> AsyncIterator[str]:
    """The server behind TLS, asking for a client certificate of the same authority if there is one."""
    authority = signed(folder, "ca", address=address)
    signed(folder, "server", address=address, issuer=authority)
    signed(folder, "client", address=address, issuer=authority)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    async with served(server, context) as url:
        yield url


def securely(folder: Path, server: Server, *, address: str = "127.0.0.1", **fields: Any) -> None:
    """Get a pod over TLS."""

    async def main() -> None:
        async with secured(folder, server, address=address) as url:
            told = {name: value() if callable(value) else value for name, value in fields.items()}
            async with RemoteCluster(Connection(server=url, **told), HurriedClock()) as cluster:
                await cluster.get(PODS, "default", "a")

    asyncio.run(main())


def test_the_servers_certificate_is_checked_and_the_token_and_client_certificate_shown(tmp_path: Path) -> None:
    peers: list[Any] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peercert"))
        return web.json_response(pod("a"))

    server = Server(handle)
    securely(
        tmp_path,
        server,
        ca=lambda: (tmp_path / "ca.pem").read_bytes(),
        client_cert=lambda: (tmp_path / "client.pem").read_bytes(),
        client_key=lambda: (tmp_path / "client-key.pem").read_bytes(),
        token="secret",
    )

    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert peers[0]["subject"] == ((("commonName", "client"),),)


@pytest.mark.parametrize(
    ("address", "fields", "says"),
    [
        ("127.0.0.1", {}, "certificate signed by unknown authority"),
        ("127.0.0.2", {"ca": "ca.pem"}, "certificate is not valid for 127.0.0.1"),
    ],
    ids=["stranger", "other name"],
)
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    tmp_path: Path, address: str, fields: dict[str, str], says: str
) -> None:
    server = Server(pod("a"))

    with pytest.raises(Unavailable, match=says):
        securely(
            tmp_path,
            server,
            address=address,
            token="secret",
            **{name: lambda file=file: (tmp_path / file).read_bytes() for name, file in fields.items()},
        )

    assert server.asked == []


def test_insecure_looks_away(tmp_path: Path) -> None:
    server = Server(pod("a"))

    securely(tmp_path, server, insecure=True)

    assert len(server.asked) == 1


def test_https_to_a_server_without_tls_is_told_as_such() -> None:
    async def main() -> None:
        async with served(Server(pod("a"))) as url:
            connection = Connection(server=url.replace("http:", "https:"), insecure=True)
            async with RemoteCluster(connection, HurriedClock()) as cluster:
                await cluster.get(PODS, "default", "a")

    with pytest.raises(Unavailable, match="server gave HTTP response to HTTPS client"):
        asyncio.run(main())


@pytest.mark.parametrize(
    "connection",
    [
        Connection(server="https://127.0.0.1:1", ca=b"-----BEGIN nonsense"),
        Connection(server="https://127.0.0.1:1", client_cert=b"-----BEGIN nonsense"),
    ],
    ids=["ca", "client certificate"],
)
def test_broken_certificates_are_refused_in_words(connection: Connection) -> None:

    with pytest.raises(KubeconfigError, match="unable to"):
        alone(connection, lambda cluster: cluster.get(PODS, "default", "a"))


# -- beyond the port --------------------------------------------------------------------------------------------------


def test_a_raw_request_gives_back_whatever_was_answered() -> None:
    server = Server((418, {"teapot": True}))

    async def main(cluster: RemoteCluster) -> tuple[int, bytes]:
        return await cluster.request("POST", "/apis/x?a=b%2Fc", body=b"{}", accept="text/plain")

    code, body = talk(server, main)

    assert (code, json.loads(body)) == (418, {"teapot": True})
    assert server.asked == [("POST", "/apis/x", {"a": "b/c"})]
    assert server.headers[0]["Accept"] == "text/plain"


def test_a_kind_is_found_once_and_a_missing_one_looked_for_again() -> None:
    listed = {
        "kind": "APIResourceList",
        "groupVersion": "apps/v1",
        "resources": [
            {"name": "deployments", "singularName": "deployment", "namespaced": True, "kind": "Deployment"},
            {"name": "deployments/scale", "namespaced": True, "kind": "Scale", "group": "autoscaling"},
            {"name": "deployments/status", "namespaced": True, "kind": "Deployment"},
        ],
    }
    server = Server(listed, status(404, "NotFound"))

    async def main(cluster: RemoteCluster) -> list[Resource | None]:
        return [await cluster.resource_for(*kind) for kind in [("apps/v1", "Deployment")] * 2 + [("x/v1", "X")] * 2]

    first, again, *missing = talk(server, main)

    assert first == again == Resource("apps", "v1", "Deployment", "deployments")
    assert (first.has_status, first.subresources) == (True, ("scale",))
    assert missing == [None, None]
    assert [path for _, path, _ in server.asked] == ["/apis/apps/v1", "/apis/x/v1", "/apis/x/v1"]


def test_one_connection_serves_many_requests() -> None:
    ports: set[Any] = set()

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return web.json_response({"kind": "ConfigMap"})

    async def main(cluster: RemoteCluster) -> None:
        for _ in range(5):
            await cluster.get(CONFIG_MAPS, "default", "a")

    talk(Server(handle), main)

    assert len(ports) == 1
