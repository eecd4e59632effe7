"""What should not be sent: each is answered with a Status that says why, and the server goes on."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from canarium.clock import RealClock
from canarium.errors import CanariumError
from canarium.kube.objects import ObjectKey
from canarium.kube.resources import CONFIG_MAPS
from canarium.kube.server.serving import PortBusy, bind
from canarium.kube.server.watching import MAX_WAITING
from tests.kube.server.serving import TOKENS, Served, serve, serve_in_thread

MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
JSON = "application/json"
BOMB = b"a0: &a0 [x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)
)
"""A few hundred bytes of YAML that stand for gigabytes."""

PROTOBUF = "application/vnd.kubernetes.protobuf"


class Answered(msgspec.Struct, frozen=True):
    """A whole answer. body: the JSON in it."""

    code: int
    body: Any
    headers: Mapping[str, str]

    def is_status(self, code: int, reason: str) -> str:
        """Check that it is the Status of a failure; its message."""
        assert (self.code, self.body["kind"], self.body["apiVersion"]) == (code, "Status", "v1"), self
        assert (self.body["status"], self.body["code"], self.body["reason"]) == ("Failure", code, reason), self
        assert self.headers["content-type"].startswith(JSON)
        message: str = self.body["message"]
        assert message
        assert "Traceback" not in message
        return message


class Asker:
    """Sends what no well-behaved client sends, byte for byte."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str = TOKENS.admin,
        headers: Mapping[str, str] = {},
        **more: str,
    ) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=20)
        sent = {**headers, **{name.replace("_", "-"): value for name, value in more.items()}}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answered(answer.status, json.loads(answer.read()), dict(_lowered(answer.getheaders())))
        finally:
            connection.close()


def _lowered(headers: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((name.lower(), value) for name, value in headers)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """One server for the whole module: whatever a test sends it, the next test finds it well."""
    with serve_in_thread() as served:
        yield served


@pytest.fixture
def ask(server: Served) -> Iterator[Asker]:
    """Asks; afterwards the server must still answer."""
    asker = Asker(server)
    yield asker
    assert asker("GET", MAPS).code == 200


# -- who asks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Authorization": "Bearer \xe9\xff"},
        {"Authorization": f"Bearer {TOKENS.admin}x"},
    ],
    ids=["none", "wrong", "empty", "another scheme", "not ASCII", "too long"],
)
@pytest.mark.parametrize("path", [MAPS, "/apis", "/openapi/v3", "/nowhere"])
def test_nobody_is_let_in_without_a_token_that_is_known(ask: Asker, headers: dict[str, str], path: str) -> None:
    assert ask("GET", path, headers=headers, token="").is_status(401, "Unauthorized") == "Unauthorized"


def test_health_and_version_are_open_to_all(ask: Asker) -> None:
    assert ask("GET", "/version", token="").body["major"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "verb", "resource"),
    [
        ("POST", MAPS, "create", "configmaps"),
        ("PUT", f"{MAPS}/a", "update", "configmaps"),
        ("PATCH", f"{MAPS}/a", "patch", "configmaps"),
        ("DELETE", f"{MAPS}/a", "delete", "configmaps"),
        ("DELETE", MAPS, "deletecollection", "configmaps"),
        ("GET", SECRETS, "list", "secrets"),
        ("GET", f"{SECRETS}/a", "get", "secrets"),
        ("GET", f"{SECRETS}?watch=1", "watch", "secrets"),
    ],
)
def test_the_reader_neither_writes_nor_sees_secrets(
    ask: Asker, method: str, path: str, verb: str, resource: str
) -> None:
    message = ask(method, path, b"{}", token=TOKENS.reader, Content_Type=JSON).is_status(403, "Forbidden")

    assert f'User "canarium-reader" cannot {verb} resource "{resource}" in API group "" in the namespace' in message
    assert message.endswith('in the namespace "default"')
    assert message.startswith((f"{resource} is forbidden: ", f'{resource} "a" is forbidden: '))


def test_the_reader_reads(ask: Asker) -> None:
    assert ask("GET", MAPS, token=TOKENS.reader).code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:6443", "127.0.0.1.evil.example", "localhost.", ""])
def test_a_name_that_somebody_else_made_point_here_is_refused(ask: Asker, host: str) -> None:
    message = ask("GET", MAPS, Host=host).is_status(403, "Forbidden")

    assert f"does not answer to the host name '{host}'" in message
    assert "127.0.0.1 or localhost" in message


# -- bodies -----------------------------------------------------------------------------------------------------------


def test_a_body_of_ten_megabytes_is_too_large(ask: Asker) -> None:
    big = json.dumps({"metadata": {"name": "big"}, "data": {"x": "x" * 10_000_000}}).encode()
    try:
        answer = ask("POST", MAPS, big, Content_Type=JSON)
    except (BrokenPipeError, ConnectionResetError):  # answered before all was sent, and closed
        answer = None
    if answer is not None:
        assert "limit is 3145728" in answer.is_status(413, "RequestEntityTooLarge")
    assert ask("GET", f"{MAPS}/big").code == 404


def test_a_body_without_end_is_too_large_as_soon_as_it_is(ask: Asker) -> None:
    head = f"POST {MAPS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKENS.admin}\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", ask.served.port), timeout=10) as peer:
        peer.sendall(f"{head}Content-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        with suppress(ConnectionError):
            for _ in range(3 * 16 + 1):
                peer.sendall(chunk)
        answer = peer.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b'{"metadata": '),
        (JSON, b"\xff\xfe\x00"),
        (JSON, b"[" * 100_000),
        (JSON, b"[]"),
        (JSON, b'"text"'),
        (JSON, b""),
        (JSON, b"null"),
        ("application/yaml", b"a: [unclosed"),
        ("application/yaml", b"\tb: 1"),
        ("application/yaml", b"\xff\xfe"),
        ("application/yaml", b"- 1\n- 2\n"),
        ("application/yaml", BOMB),
        ("application/yaml", b"[" * 5000),
        (PROTOBUF, b"no magic"),
        (PROTOBUF, b"k8s\x00"),
        (PROTOBUF, b"k8s\x00\xff\xff\xff\xff"),
        (PROTOBUF, b"k8s\x00\x0a\x7fshort"),
        (PROTOBUF, b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x03\x0a\x7fx"),
        (JSON, b'{"metadata": "text"}'),
        (JSON, b'{"metadata": {"name": 7}}'),
        (JSON, b'{"metadata": {"name": "a", "labels": ["x"]}}'),
        (JSON, b'{"metadata": {"name": "a"}, "data": {"x": 1}}'),
        (JSON, b'{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}}'),
        (JSON, b'{"kind": 7, "metadata": {"name": "a"}}'),
    ],
)
def test_a_body_that_cannot_be_read_is_a_bad_request(ask: Asker, content_type: str, body: bytes) -> None:
    ask("POST", MAPS, body, Content_Type=content_type).is_status(400, "BadRequest")


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json-patch+json", b"{}", 400),
        ("application/json-patch+json", b'[{"op": "fly", "path": "/x"}]', 422),
        ("application/json-patch+json", b'[{"op": "remove", "path": "/nothing"}]', 422),
        ("application/merge-patch+json", b"[", 400),
        ("application/merge-patch+json", b"[]", 422),
        ("application/strategic-merge-patch+json", b'"text"', 400),
        ("application/apply-patch+yaml", b"a: [", 400),
        (JSON, b"{}", 415),
        ("text/plain", b"{}", 415),
    ],
)
def test_a_patch_that_cannot_be_read_changes_nothing(ask: Asker, content_type: str, body: bytes, code: int) -> None:
    ask("POST", MAPS, b'{"metadata": {"name": "patched"}, "data": {"x": "y"}}', Content_Type=JSON)
    before = ask("GET", f"{MAPS}/patched").body

    answer = ask("PATCH", f"{MAPS}/patched?fieldManager=t", body, Content_Type=content_type)

    answer.is_status(code, {400: "BadRequest", 415: "UnsupportedMediaType", 422: "Invalid"}[code])
    assert ask("GET", f"{MAPS}/patched").body == before


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense"]
)
def test_another_content_type_is_told_which_ones_are_read(ask: Asker, content_type: str) -> None:
    message = ask("POST", MAPS, b"{}", Content_Type=content_type).is_status(415, "UnsupportedMediaType")

    assert "application/json, application/yaml" in message


# -- paths, options, forms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/default/../../../etc/passwd",
        "/api/v1/namespaces/default/configmaps/..",
        "/api/v1/namespaces/default/configmaps/%2e%2e",
        "/api/v1/namespaces/default/configmaps/..%2fsecrets",
        "/api/v1/namespaces/../secrets",
        "/api/v1/namespaces//secrets",
        "/api/v1/namespaces/default/configmaps/a%00b",
        "/api/v1/unicorns",
        "/api/v1/namespaces/default/unicorns/x",
        "/api/v2/pods",
        "/apis/nowhere.example/v1/things",
        "/apis/nowhere.example",
        "/apis/nowhere.example/v1",
        "/api/v1/namespaces/default/configmaps/a/status",
        "/api/v1/namespaces/default/configmaps/a/b/c/d",
        "/metrics/../api/v1/secrets",
        "/%",
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(ask: Asker, path: str) -> None:
    message = ask("GET", path).is_status(404, "NotFound")

    assert "the server could not find the requested resource" in message or '"' in message


def test_an_object_that_is_not_there_is_named(ask: Asker) -> None:
    answer = ask("GET", f"{MAPS}/missing")

    assert answer.is_status(404, "NotFound") == 'configmaps "missing" not found'
    assert answer.body["details"] == {"name": "missing", "kind": "configmaps"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=many", 400),
        ("continue=nonsense", 400),
        ("resourceVersion=old", 400),
        ("labelSelector=a%20in", 400),
        ("fieldSelector=spec.colour%3Dred", 400),
        ("fieldSelector=nonsense", 400),
        ("watch=1&resourceVersion=old", 400),
        ("watch=1&timeoutSeconds=long", 400),
        ("resourceVersionMatch=Exact", 422),
        ("watch=1&sendInitialEvents=true", 422),
    ],
)
def test_an_option_that_cannot_be_read_is_refused(ask: Asker, query: str, code: int) -> None:
    ask("GET", f"{MAPS}?{query}").is_status(code, {400: "BadRequest", 422: "Invalid"}[code])


@pytest.mark.parametrize("accept", [PROTOBUF, "text/html", "application/json;as=Chart;v=v1;g=meta.k8s.io"])
def test_only_json_is_answered(ask: Asker, accept: str) -> None:
    message = ask("GET", MAPS, Accept=accept).is_status(406, "NotAcceptable")

    assert "application/json" in message


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", f"{MAPS}/a"), ("PUT", MAPS), ("PATCH", MAPS), ("POST", "/version"), ("PROPFIND", MAPS)],
)
def test_a_method_that_a_path_does_not_have_is_refused(ask: Asker, method: str, path: str) -> None:
    ask(method, path, b'{"metadata": {"name": "a"}}', Content_Type=JSON).is_status(405, "MethodNotAllowed")


def test_a_fault_of_the_server_is_told_as_a_status_and_it_goes_on(ask: Asker) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "broken", "image": "podinfo:1"}]}}
    ask("POST", "/api/v1/namespaces/default/pods", json.dumps(pod).encode(), Content_Type=JSON)

    message = ask("GET", "/api/v1/namespaces/default/pods/p/log?container=broken").is_status(500, "InternalError")

    assert message == "Internal error occurred: RuntimeError: a fault in the server"
    assert ask("GET", MAPS).code == 200


@pytest.mark.parametrize("raw", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\0" * 4096])
def test_what_is_not_http_ends_that_connection_only(ask: Asker, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", ask.served.port), timeout=10) as peer:
        peer.sendall(raw)
        peer.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while peer.recv(4096):
                pass


def test_a_busy_port_is_named_with_the_flag_that_sets_another(server: Served) -> None:
    with pytest.raises(PortBusy) as caught:
        bind("127.0.0.1", server.port, flag="--api-port")

    error: CanariumError = caught.value
    assert f"port {server.port} on 127.0.0.1 is in use" in str(error)
    assert "--api-port PORT" in str(error.next_step)


# -- many and slow ----------------------------------------------------------------------------------------------------


def watch_request(port: int, path: str = MAPS) -> bytes:
    lines = (f"GET {path}?watch=1 HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {TOKENS.admin}", "", "")
    return "\r\n".join(lines).encode()


async def whole_answer(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = watch_request(port, path).replace(b"?watch=1", b"").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    writer.write(head)
    answer = await reader.read()
    writer.close()
    return answer


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default"}, "data": data}


def test_a_thousand_idle_watches_do_not_keep_the_server_from_answering() -> None:
    async def main() -> None:
        async with serve() as served:
            peers = []
            for _ in range(1000):
                reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
                writer.write(watch_request(served.port))
                peers.append((reader, writer))
            for reader, _ in peers:
                assert b" 200 " in await reader.readline()

            async with asyncio.timeout(10):
                assert b'"ConfigMapList"' in await whole_answer(served.port, MAPS)
            served.registry.create(CONFIG_MAPS, config_map("news"))
            async with asyncio.timeout(20):
                for reader, _ in peers:
                    while b'"news"' not in await reader.readline():
                        pass
            for _, writer in peers:
                writer.close()

    asyncio.run(main())


def test_a_reader_that_does_not_read_loses_its_watch_and_stalls_nobody() -> None:
    async def main() -> None:
        async with serve() as served:
            slow = socket.create_connection(("127.0.0.1", served.port))
            slow.setblocking(False)
            slow.sendall(watch_request(served.port))
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=2**20)
            writer.write(watch_request(served.port))
            await reader.readline()
            served.registry.create(CONFIG_MAPS, config_map("noisy"))
            written = 0
            wide = "x" * 4000

            async def told(until: str) -> None:
                while f'"n":"{until}"'.encode() not in await reader.readline():
                    pass

            async with asyncio.timeout(60):
                while written < MAX_WAITING + 6000:
                    for _ in range(500):
                        written += 1
                        key = ObjectKey("default", "noisy")
                        served.registry.patch(CONFIG_MAPS, key, {"data": {"wide": wide, "n": str(written)}})
                    await told(str(written))  # whoever reads hears everything
                assert b'"ConfigMapList"' in await whole_answer(served.port, MAPS)
                left = b""
                slow.setblocking(True)
                slow.settimeout(20)
                while chunk := await RealClock().outside(lambda: slow.recv(2**20)):
                    left = (left + chunk)[-100:]
                    if left.endswith(b"0\r\n\r\n"):
                        break
            assert left.endswith(b"0\r\n\r\n"), "the watch ended in good order"
            slow.close()
            writer.close()

    asyncio.run(main())


def test_an_apply_cannot_write_another_object_than_its_path_names(ask: Asker) -> None:
    body = b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}}'

    message = ask(
        "PATCH", f"{MAPS}/named?fieldManager=f&force=true", body, Content_Type="application/apply-patch+yaml"
    ).is_status(400, "BadRequest")

    assert message == "the name of the object (other) does not match the name on the URL (named)"
    assert ask("GET", f"{MAPS}/other").code == 404


def test_namespaces_are_not_deleted_all_at_once(ask: Asker) -> None:
    ask("DELETE", "/api/v1/namespaces").is_status(405, "MethodNotAllowed")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", f"{MAPS}/a", b'{"gracePeriodSeconds": "abc"}'),
        ("DELETE", f"{MAPS}/a", b'{"preconditions": [1]}'),
        ("DELETE", f"{MAPS}/a", b'{"dryRun": 5}'),
        ("PUT", "/apis/apps/v1/namespaces/default/deployments/a/scale", b'{"metadata": [1]}'),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", b'{"metadata": [1]}'),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", b'{"spec": {"resourceAttributes": [1]}}'),
        ("GET", f"{MAPS}?resourceVersion={'9' * 5000}", b""),
        ("GET", f"{MAPS}?" + "&".join(f"x{number}=1" for number in range(300)), b""),
    ],
)
def test_a_part_of_the_wrong_kind_is_the_clients_mistake(ask: Asker, method: str, path: str, body: bytes) -> None:
    ask("POST", MAPS, b'{"metadata": {"name": "a"}}', Content_Type=JSON)

    ask(method, path, body, Content_Type=JSON).is_status(400, "BadRequest")


def test_all_namespaces_can_be_read_at_once_and_not_written(ask: Asker) -> None:
    body = b'{"metadata": {"name": "a", "namespace": "default"}}'

    ask("POST", "/api/v1/configmaps", body, Content_Type=JSON).is_status(405, "MethodNotAllowed")
    assert ask("GET", "/api/v1/configmaps").code == 200


def test_a_log_is_only_read(ask: Asker) -> None:
    ask("DELETE", "/api/v1/namespaces/default/pods/p/log").is_status(405, "MethodNotAllowed")
