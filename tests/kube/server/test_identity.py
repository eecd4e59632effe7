"""Tokens of ServiceAccounts, impersonation, and what the server says about itself."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canarium.clock import Chance, RealClock
from canarium.kube.cluster import ApiError
from canarium.kube.coretypes.descriptions import described_types
from canarium.kube.coretypes.table import MODULES, table
from canarium.kube.objects import ObjectKey
from canarium.kube.registry import Registry
from canarium.kube.resources import NAMESPACES, SECRETS, SERVICE_ACCOUNTS
from canarium.kube.server import openapi
from canarium.kube.server.access import ADMIN, READER, Tokens
from canarium.kube.server.authentication import Authenticator, read
from canarium.kube.server.requests import RequestInfo
from canarium.kube.store.memory import MemoryStore
from tests.kube.server.serving import TOKENS, Served, serve_in_thread

ACCOUNT = RequestInfo("", "v1", "serviceaccounts", "default", "a", "token")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
CORE = "/api/v1/namespaces/default"


class SetClock(RealClock):
    """Shows the time it is given."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        """The time."""
        return self.at


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def registry() -> Registry:
    made = Registry(MemoryStore(), now=lambda: START, chance=Chance(1).stream("registry"))
    made.create(NAMESPACES, {"metadata": {"name": "default"}})
    made.create(SERVICE_ACCOUNTS, {"metadata": {"name": "a", "namespace": "default"}})
    return made


@pytest.fixture
def who(registry: Registry, clock: SetClock) -> Authenticator:
    return Authenticator(registry, clock, TOKENS)


def _token(who: Authenticator, **spec: Any) -> str:
    token: str = who.requested(ACCOUNT, {"spec": spec})["status"]["token"]
    return token


def test_a_token_stands_for_its_account_until_it_expires(who: Authenticator, clock: SetClock) -> None:
    token = _token(who, expirationSeconds=600)

    user = who.owner(token)

    assert user is not None
    assert user.name == "system:serviceaccount:default:a"
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated")
    assert not user.may_write
    clock.at += timedelta(seconds=599)
    assert who.owner(token) == user
    clock.at += timedelta(seconds=1)
    assert who.owner(token) is None


def test_a_token_ends_with_its_account_even_if_another_takes_its_name(who: Authenticator, registry: Registry) -> None:
    token = _token(who)
    key = ObjectKey("default", "a")

    registry.delete(SERVICE_ACCOUNTS, key)
    assert who.owner(token) is None
    registry.create(SERVICE_ACCOUNTS, {"metadata": {"name": "a", "namespace": "default"}})

    assert who.owner(token) is None


def test_a_token_ends_with_the_object_it_is_bound_to(who: Authenticator, registry: Registry) -> None:
    registry.create(SECRETS, {"metadata": {"name": "s", "namespace": "default"}})
    token = _token(who, boundObjectRef={"apiVersion": "v1", "kind": "Secret", "name": "s"})
    assert who.owner(token) is not None

    registry.delete(SECRETS, ObjectKey("default", "s"))

    assert who.owner(token) is None


def test_a_token_for_others_does_not_open_this_server(who: Authenticator) -> None:
    token = _token(who, audiences=["vault"])

    assert who.owner(token) is None
    found = who.owner(token, ["vault"])
    assert found is not None
    assert found.name.endswith(":a")


def test_a_token_that_somebody_changed_or_signed_otherwise_is_none(
    who: Authenticator, registry: Registry, clock: SetClock
) -> None:
    token = _token(who)
    header, payload, signature = token.split(".")
    other = _token(Authenticator(registry, clock, Tokens("another", "x")))

    for forged in (f"{header}.{payload}.", f"{header}.{payload}x.{signature}", f"x{token}", other, "..", "é.é", ""):
        assert who.owner(forged) is None, forged
    assert read(token, b"key") is None


@pytest.mark.parametrize(
    ("spec", "reason", "says"),
    [
        ({"expirationSeconds": 5}, "Invalid", "less than 10 minutes"),
        ({"expirationSeconds": 1 << 33}, "Invalid", "larger than 2^32 seconds"),
        ({"boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": "gone"}}, "NotFound", "gone"),
        ({"boundObjectRef": {"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}}, "BadRequest", "Kind=ConfigMap"),
    ],
)
def test_a_token_that_cannot_be_is_refused(who: Authenticator, spec: Any, reason: str, says: str) -> None:
    with pytest.raises(ApiError, match=says.replace("^", r"\^")) as caught:
        who.requested(ACCOUNT, {"spec": spec})
    assert caught.value.reason == reason


def test_a_token_of_an_account_that_is_not_there_is_refused(who: Authenticator) -> None:
    with pytest.raises(ApiError, match='serviceaccounts "b" not found'):
        who.requested(RequestInfo("", "v1", "serviceaccounts", "default", "b", "token"), {})


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve_in_thread() as running:
        yield running


class Ask:
    """Sends requests of one user. The answer is its code and its text."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(
        self, method: str, path: str, body: Any = None, *, token: str = TOKENS.admin, headers: Mapping[str, str] = {}
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            sent = {"Authorization": f"Bearer {token}", **headers}
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def ask(served: Served) -> Ask:
    return Ask(served.port)


def test_a_token_that_was_asked_for_reads_and_does_not_write(ask: Ask) -> None:
    assert ask("POST", f"{CORE}/serviceaccounts", {"metadata": {"name": "reads"}})[0] == 201
    code, text = ask("POST", f"{CORE}/serviceaccounts/reads/token", {"spec": {"expirationSeconds": 600}})
    assert code == 201, text
    answer = json.loads(text)
    token = answer["status"]["token"]
    name = "system:serviceaccount:default:reads"

    assert ask("GET", f"{CORE}/pods", token=token)[0] == 200
    code, text = ask("POST", f"{CORE}/configmaps", {"metadata": {"name": "x"}}, token=token)
    assert code == 403
    assert f'User \\"{name}\\" cannot create resource \\"configmaps\\"' in text
    _, text = ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    status = json.loads(text)["status"]
    assert status["authenticated"]
    assert status["user"]["username"] == name
    assert ask("POST", f"{CORE}/serviceaccounts/reads/token", {}, token=token)[0] == 403
    assert ask("GET", f"{CORE}/serviceaccounts/reads/token")[0] == 405
    assert '"serviceaccounts/token"' in ask("GET", "/api/v1")[1]

    ask("DELETE", f"{CORE}/serviceaccounts/reads")

    assert ask("GET", f"{CORE}/pods", token=token)[0] == 401


def test_the_administrator_can_be_somebody_else(ask: Ask) -> None:
    as_somebody = {"Impersonate-User": "jane", "Impersonate-Group": "dev"}

    code, text = ask("DELETE", f"{CORE}/pods/x", headers=as_somebody)
    assert code == 403
    assert 'User \\"jane\\" cannot delete' in text
    assert ask("GET", f"{CORE}/pods", headers=as_somebody)[0] == 200
    _, text = ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, headers=as_somebody)
    assert json.loads(text)["status"]["userInfo"] == {"username": "jane", "groups": ["dev", "system:authenticated"]}


@pytest.mark.parametrize(
    "headers",
    [{"Impersonate-User": ADMIN.name}, {"Impersonate-User": "jane", "Impersonate-Group": "system:masters"}],
)
def test_whoever_is_the_administrator_or_a_master_may_write(ask: Ask, headers: dict[str, str]) -> None:
    assert ask("DELETE", f"{CORE}/pods/x", headers=headers)[0] == 404


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (ADMIN.name, f'users "{ADMIN.name}" is forbidden: User "{READER.name}" cannot impersonate resource "users" in'),
        ("system:serviceaccount:ns:a", 'cannot impersonate resource "serviceaccounts" in API group "" in the name'),
    ],
)
def test_the_reader_can_be_nobody_else(ask: Ask, wanted: str, says: str) -> None:
    code, text = ask("GET", f"{CORE}/pods", token=TOKENS.reader, headers={"Impersonate-User": wanted})

    assert code == 403
    assert says in json.loads(text)["message"]


def test_a_group_without_a_user_is_nobody(ask: Ask) -> None:
    code, text = ask("GET", f"{CORE}/pods", headers={"Impersonate-Group": "dev"})

    assert code == 500
    assert "without impersonating a user" in text


def test_the_server_says_how_it_is(ask: Ask) -> None:
    assert ask("GET", "/readyz", token="") == (200, "ok")
    assert ask("GET", "/readyz?verbose") == (200, "[+]log ok\n[+]ping ok\nreadyz check passed\n")
    assert ask("GET", "/livez/ping") == (200, "ok")
    assert ask("GET", "/livez/etcd")[0] == 404
    paths = json.loads(ask("GET", "/")[1])["paths"]
    assert {"/openapi/v2", "/version", "/metrics", "/apis/apps/v1", "/readyz/ping"} <= set(paths)


def test_requests_are_counted_by_what_they_ask_and_strangers_make_no_series(ask: Ask) -> None:
    ask("GET", f"{CORE}/endpoints")
    for n in range(3):
        ask("GET", f"/apis/made-up-{n}/v1/things")
    ask("GET", f"{CORE}/pods", token="wrong", headers={"Host": "made-up.example"})

    code, text = ask("GET", "/metrics")

    assert code == 200
    listed = 'apiserver_request_total{verb="LIST",group="",version="v1",resource="endpoints",subresource="",'
    assert f'{listed}scope="namespace",code="200"}} 1\n' in text
    assert "made-up" not in text
    assert ask("GET", "/metrics", token="")[0] == 401


def test_every_sentence_is_about_a_field_that_there_is() -> None:
    tables = [table(module) for module in (*MODULES.values(), "meta_v1")]
    for name, sentences in described_types().items():
        shown: dict[str, Any] = {}
        for one in tables:
            message = one.message(name)
            if message is not None:
                components = openapi._Components()  # what a document says of one type
                components._message(message)
                shown |= components.schemas[openapi._name(message)]["properties"]
        assert set(sentences) <= set(shown), name
        for field, sentence in sentences.items():
            assert shown[field]["description"] == sentence
            assert sentence.endswith(".")
