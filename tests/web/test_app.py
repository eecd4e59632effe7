"""The page over HTTP: who gets in, what is where, how it fails, and how streams end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from canarium.clock import RealClock, VirtualClock
from canarium.errors import CanariumError
from canarium.kube.cluster import ApiError, Conflict, NotFound, Unavailable
from canarium.kube.controller.manager import Manager
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.kube.server.access import Tokens
from canarium.kube.server.serving import Serving, bind
from canarium.nodes.asgi import call
from canarium.nodes.network import HttpResponse
from canarium.rollouts.commands import CommandRefused
from canarium.web.access import PageTokens
from canarium.web.app import MAX_BODY_BYTES, PageApp
from canarium.web.assets import Assets
from canarium.web.hub import Hub
from canarium.web.model import Done, Model, QueryNode, ResourceManifests
from canarium.web.topics import Value
from tests.kube.worlds import in_cluster
from tests.web.streams import Stream, events_of

TOKENS = PageTokens.of(Tokens("cluster-admin", "cluster-reader"))
BEARER = {"authorization": f"Bearer {TOKENS.admin}"}
READS = {"authorization": f"Bearer {TOKENS.reader}"}
JSON = {"content-type": "application/json"}
FILES = {
    "index.html": b'<meta name="csp-nonce" content="__CSP_NONCE__">',
    "assets/index-1a2b.js": b"0;" * 2000,
    "favicon.svg": b"<svg/>",
}


class Asked:
    """A backend that remembers what it was asked, and fails as it is told."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.fails: Exception | None = None
        self.follows = asyncio.Event()
        self.is_log_closed = False

    async def rollout_action(self, namespace: str, name: str, action: str, body: Mapping[str, Any]) -> str:
        return self._do("rollout", namespace, name, action, dict(body))

    async def application_action(self, namespace: str, name: str, action: str, body: Mapping[str, Any]) -> str:
        return self._do("application", namespace, name, action, dict(body))

    async def resource_manifests(
        self, application_namespace: str, application: str, group: str, kind: str, namespace: str, name: str
    ) -> ResourceManifests:
        self._do(application_namespace, application, group, kind, namespace, name)
        return ResourceManifests(live="a: 1\n", desired="", diff=(), is_modified=False, problem="none")

    async def log(self, namespace: str, pod: str, options: Mapping[str, str]) -> AsyncIterator[bytes]:
        self._do("log", namespace, pod, dict(options))

        async def lines() -> AsyncIterator[bytes]:
            try:
                yield b"first\n"
                yield b"second\n"
                if options.get("follow") == "true":
                    await self.follows.wait()
                if options.get("container") == "lost":
                    raise CanariumError("the pod is gone")
            finally:
                self.is_log_closed = True

        return lines()

    def query_tree(self, query: str, at: str) -> QueryNode:
        self._do("tree", query, at)
        return QueryNode(
            text=query, kind="number", start=0, end=1, value_type="scalar", count=1, value="1", series=(), labels={},
            problem="", note="", milliseconds=0.5, children=(),
        )  # fmt: skip

    def _do(self, *what: Any) -> str:
        if self.fails is not None:
            raise self.fails
        self.done.append(what)
        return "done"


class Fixed:
    """A value that never changes."""

    resources: Sequence[Resource] = ()

    def __init__(self, value: Model) -> None:
        self._value = value

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        return False

    def value(self) -> Model:
        return self._value


async def prometheus(scope: Any, receive: Any, send: Any) -> None:
    """Says what it was asked."""
    del receive
    body = f"prometheus: {scope['method']} {scope['path']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class Page:
    """A page of an empty cluster."""

    def __init__(self, cluster: InProcessCluster, clock: VirtualClock | RealClock, **options: Any) -> None:
        self.clock = clock
        self.backend = Asked()
        self.hub = Hub(Manager(cluster, clock).listers, clock, {}, self._value)
        nonces = iter(f"nonce{number}" for number in range(100))
        settings: dict[str, Any] = {
            "hub": self.hub,
            "tokens": TOKENS,
            "assets": Assets(FILES),
            "home": "/rollouts",
            "backend": self.backend,
            "prometheus": prometheus,
            "nonce": lambda: next(nonces),
        }
        self.app = PageApp(**{**settings, **options})

    def _value(self, topic: str) -> Value | None:
        return Fixed(Done(message=topic)) if topic.startswith(("session", "rollout/")) else None

    async def ask(
        self, target: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", **options: Any
    ) -> HttpResponse:
        """One request."""
        return await call(self.app, method, target, headers=headers, **options)

    async def post(self, target: str, body: Any = None, headers: Iterable[Mapping[str, str]] = (BEARER, JSON)) -> Any:
        """One POST: status and JSON of the answer."""
        raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        merged = {name: text for each in headers for name, text in each.items()}
        answer = await self.ask(target, merged, method="POST", body=raw)
        return answer.status, msgspec.json.decode(answer.body)


def paged(main: Callable[[Page], Any], **options: Any) -> Any:
    """Run `main(page)` in virtual time."""

    async def body(cluster: InProcessCluster, clock: VirtualClock) -> Any:
        return await main(Page(cluster, clock, **options))

    return in_cluster(body)


def failure(answer: HttpResponse) -> dict[str, str]:
    """The body of an error answer."""
    found: dict[str, str] = msgspec.json.decode(answer.body)
    assert set(found) == {"problem", "nextStep"}
    return found


# -- the page ----------------------------------------------------------------------------------------------------------


def test_each_door_leads_to_its_part_of_the_house() -> None:
    async def main(page: Page) -> None:
        answer = await page.ask("/?a=1")

        assert (answer.status, answer.headers["location"]) == (303, "/rollouts?a=1")

    paged(main)


@pytest.mark.parametrize("path", ["/rollouts", "/rollouts/shop/web.v2", "/query?g0.expr=up", "/login", "/index.html"])
def test_a_page_path_is_the_page_with_a_nonce_of_its_own(path: str) -> None:
    async def main(page: Page) -> None:
        first, second = await page.ask(path), await page.ask(path)

        assert first.status == 200
        assert first.headers["content-type"] == "text/html; charset=utf-8"
        assert first.body == b'<meta name="csp-nonce" content="nonce0">'
        assert "'nonce-nonce0'" in first.headers["content-security-policy"]
        assert "'nonce-nonce1'" in second.headers["content-security-policy"]
        assert first.headers["cache-control"] == "no-store"
        assert first.headers["x-content-type-options"] == "nosniff"

    paged(main)


def test_files_of_the_page_are_served_small_and_once() -> None:
    async def main(page: Page) -> None:
        plain = await page.ask("/assets/index-1a2b.js")
        packed = await page.ask("/assets/index-1a2b.js", {"accept-encoding": "gzip"})
        same = await page.ask("/assets/index-1a2b.js", {"if-none-match": plain.headers["etag"]})

        assert plain.body == FILES["assets/index-1a2b.js"]
        assert len(packed.body) < len(plain.body)
        assert packed.headers["content-length"] == str(len(packed.body))
        assert (same.status, same.body) == (304, b"")
        assert "content-security-policy" in plain.headers

    paged(main)


@pytest.mark.parametrize("path", ["/assets/index-old.js", "/favicon.ico", "/assets/../../app.py", "/robots.txt"])
def test_a_file_that_is_not_there_is_not_the_page(path: str) -> None:
    async def main(page: Page) -> None:
        assert (await page.ask(path)).status == 404

    paged(main)


def test_without_a_built_page_everything_else_works() -> None:
    async def main(page: Page) -> None:
        answer = await page.ask("/rollouts")
        assert answer.status == 503
        assert b"make ui" in answer.body
        assert answer.headers["content-type"].startswith("text/plain")
        assert (await page.post("/api/rollouts/shop/web/promote"))[0] == 200
        assert (await page.ask("/api/v1/query?query=up")).status == 200

    paged(main, assets=None)


def test_a_head_request_gets_the_same_without_a_body() -> None:
    async def main(page: Page) -> None:
        got, headed = await page.ask("/rollouts"), await page.ask("/rollouts", method="HEAD")
        assert (headed.status, headed.body) == (200, b"")
        assert headed.headers["content-length"] == got.headers["content-length"]

        watched = await page.ask("/api/watch?topic=session", BEARER, method="HEAD")
        assert (watched.status, watched.body) == (200, b"")
        assert page.hub.watchers == 0

    paged(main)


def test_a_page_path_is_only_read() -> None:
    async def main(page: Page) -> None:
        answer = await page.ask("/rollouts", method="DELETE")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")

    paged(main)


# -- getting in --------------------------------------------------------------------------------------------------------


def test_a_link_with_the_token_logs_in_and_loses_the_token() -> None:
    async def main(page: Page) -> None:
        answer = await page.ask(f"/rollouts/shop/a%2Fb?x=%20&token={TOKENS.admin}&y=2")

        assert (answer.status, answer.headers["location"]) == (303, "/rollouts/shop/a%2Fb?x=%20&y=2")
        cookie = answer.headers["set-cookie"].partition(";")[0]
        assert (await page.ask("/api/query_tree?query=1", {"cookie": cookie})).status == 200

        assert (await page.ask(f"/?token={TOKENS.reader}")).headers["location"] == "/rollouts"

    paged(main)


def test_a_link_never_leads_to_another_host() -> None:
    async def main(page: Page) -> None:
        answer = await page.ask(f"//evil.example/x?token={TOKENS.admin}")

        assert answer.headers["location"] == "/evil.example/x"

    paged(main)


def test_a_link_with_a_wrong_token_says_where_the_right_one_is() -> None:
    async def main(page: Page) -> None:
        answer = await page.ask("/rollouts?token=wrong")
        assert answer.status == 401
        assert failure(answer)["nextStep"] == "`canarium status` prints the address with its token."
        assert "set-cookie" not in answer.headers

        browser = await page.ask("/rollouts?token=wrong", {"accept": "text/html,*/*"})
        assert (browser.status, browser.headers["content-type"]) == (401, "text/plain; charset=utf-8")

        cookie = {"cookie": f"{TOKENS.cookie_name}={TOKENS.admin}"}
        known = await page.ask("/rollouts?token=wrong", cookie)
        assert (known.status, known.headers["location"]) == (303, "/rollouts")

    paged(main)


def test_logging_in_and_out_by_hand() -> None:
    async def main(page: Page) -> None:
        right = await page.ask("/api/login", JSON, method="POST", body=msgspec.json.encode({"token": TOKENS.admin}))
        assert right.status == 200
        assert TOKENS.admin in right.headers["set-cookie"]

        for wrong in ({"token": "wrong"}, {"token": 1}, {}, {"token": "cluster-admin"}):
            status, body = await page.post("/api/login", wrong, [JSON])
            assert (status, body["nextStep"]) == (401, "`canarium status` prints the address with its token.")

        out = await page.ask("/api/logout", method="POST")
        assert "Max-Age=0" in out.headers["set-cookie"]

    paged(main)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/api/watch?topic=session"),
        ("GET", "/api/applications/argocd/shop/resource"),
        ("GET", "/api/pods/shop/web-1/log"),
        ("GET", "/api/query_tree?query=1"),
        ("GET", "/api/nonsense"),
        ("GET", "/api"),
        ("POST", "/api/rollouts/shop/web/promote"),
        ("POST", "/api/applications/argocd/shop/sync"),
    ],
)
def test_nothing_of_ours_is_told_without_the_token(method: str, target: str) -> None:
    async def main(page: Page) -> None:
        for headers in ({}, {"authorization": "Bearer cluster-admin"}, {"cookie": "canarium-x=y"}):
            answer = await page.ask(target, {**headers, **JSON}, method=method)
            assert answer.status == 401
            assert "canarium status" in failure(answer)["nextStep"]
        assert page.backend.done == []

    paged(main)


def test_a_page_elsewhere_does_not_get_in() -> None:
    async def main(page: Page) -> None:
        rebound = await page.ask("/api/query_tree?query=1", BEARER, host="evil.example:30101")
        assert rebound.status == 403
        assert (await page.ask("/rollouts", host="evil.example")).status == 403
        assert (await page.ask("/api/v1/query?query=up", host="evil.example")).status == 403

        for foreign in ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
            status, body = await page.post("/api/rollouts/shop/web/promote", {}, [BEARER, JSON, foreign])
            assert status == 403
            assert body["nextStep"]
        assert page.backend.done == []

        for foreign in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert (await page.ask("/api/v1/query?query=up", foreign)).status == 403
            assert (await page.ask("/api/v1/query", foreign, method="POST")).status == 403
            assert (await page.ask("/api/watch?topic=session", {**BEARER, **foreign})).status == 403
            assert (await page.ask("/rollouts", foreign)).status == 200  # a link elsewhere may lead here

        own = {"origin": "http://127.0.0.1:80"}
        assert (await page.post("/api/rollouts/shop/web/promote", {}, [BEARER, JSON, own]))[0] == 200

    paged(main)


@pytest.mark.parametrize("name", [b"host", b"origin"])
def test_a_header_that_is_there_twice_is_believed_neither_time(name: bytes) -> None:
    headers = {b"host": [b"127.0.0.1:80"], b"origin": [b"http://127.0.0.1:80"]}
    headers[name] = [headers[name][0].replace(b"127.0.0.1", b"evil"), *headers[name]]

    async def main(page: Page) -> None:
        stream = Stream(page.app, "/api/v1/query", {}, "POST")
        stream.scope["headers"] = [(each, text) for each, texts in headers.items() for text in texts]
        await stream.task
        assert stream.status == 403

    paged(main)


def test_another_host_name_can_be_allowed() -> None:
    async def main(page: Page) -> None:
        assert (await page.ask("/rollouts", host="Pages.Example:443")).status == 200

    paged(main, allowed_hosts=["pages.example"])


# -- questions and actions ---------------------------------------------------------------------------------------------


def test_an_action_is_done_and_says_what_was_done() -> None:
    async def main(page: Page) -> None:
        assert await page.post("/api/rollouts/shop/web/undo", {"revision": 1}) == (200, {"message": "done"})
        assert await page.post("/api/applications/argocd/shop/sync", {"prune": True}) == (200, {"message": "done"})
        assert await page.post("/api/rollouts/shop/web/promote") == (200, {"message": "done"})

        assert page.backend.done == [
            ("rollout", "shop", "web", "undo", {"revision": 1}),
            ("application", "argocd", "shop", "sync", {"prune": True}),
            ("rollout", "shop", "web", "promote", {}),
        ]

    paged(main)


def test_an_unknown_action_names_those_there_are() -> None:
    async def main(page: Page) -> None:
        status, body = await page.post("/api/rollouts/shop/web/explode", {})

        assert status == 404
        assert "promote-full" in body["nextStep"]

    paged(main)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b"\xff", JSON, 400),
        (b"[" * 60000, JSON, 400),
        (b'{"a": "' + b"x" * MAX_BODY_BYTES + b'"}', JSON, 413),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"a=b", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {}, 415),
    ],
    ids=["half", "list", "no UTF-8", "deep", "large", "text", "form", "no type"],
)
def test_a_body_that_is_no_small_json_object_is_refused(body: bytes, headers: dict[str, str], status: int) -> None:
    async def main(page: Page) -> None:
        answered, told = await page.post("/api/rollouts/shop/web/promote", body, [BEARER, headers])

        assert answered == status
        assert set(told) == {"problem", "nextStep"}
        assert page.backend.done == []

    paged(main)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound(404, "NotFound", "no such rollout", next_step="Look."), 404),
        (Conflict(409, "Conflict", "no such rollout", next_step="Look."), 409),
        (CommandRefused("no such rollout", next_step="Look."), 409),
        (CanariumError("no such rollout", next_step="Look."), 422),
        (ApiError(401, "Unauthorized", "no such rollout", next_step="Look."), 502),
        (Unavailable(0, "", "no such rollout", next_step="Look."), 502),
    ],
    ids=["NotFound", "Conflict", "CommandRefused", "CanariumError", "Unauthorized upstream", "Unavailable"],
)
def test_a_failure_says_what_happened_and_what_to_do(error: Exception, status: int) -> None:
    async def main(page: Page) -> None:
        page.backend.fails = error
        told = {"problem": "no such rollout", "nextStep": "Look."}

        assert await page.post("/api/rollouts/shop/web/promote", {}) == (status, told)
        for target in ("/api/pods/a/b/log", "/api/query_tree?query=1", "/api/applications/a/b/resource"):
            answer = await page.ask(target, BEARER)
            assert (answer.status, failure(answer)) == (status, told)

    paged(main)


def test_a_fault_of_ours_is_told_without_details_and_logged_with_them() -> None:
    async def main(page: Page) -> None:
        logged: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: logged.append(context))
        page.backend.fails = KeyError("password=hunter2")

        status, body = await page.post("/api/rollouts/shop/web/promote", {})

        assert status == 500
        assert body["problem"] == "/api/rollouts/shop/web/promote failed here: KeyError"
        assert [context["exception"] for context in logged] == [page.backend.fails]

    paged(main)


def test_who_may_only_read_does_not_act() -> None:
    async def main(page: Page) -> None:
        status, body = await page.post("/api/rollouts/shop/web/promote", {}, [READS, JSON])
        assert status == 403
        assert "administrator" in body["nextStep"]
        assert (await page.ask("/api/query_tree?query=1", READS)).status == 200
        assert page.backend.done == [("tree", "1", "")]

    paged(main)


def test_a_read_only_page_acts_for_nobody() -> None:
    async def main(page: Page) -> None:
        assert (await page.post("/api/applications/argocd/shop/sync", {}))[0] == 403
        assert page.backend.done == []

    paged(main, is_read_only=True)


def test_questions_reach_who_can_answer_them() -> None:
    async def main(page: Page) -> None:
        query = "group=apps&kind=Deployment&namespace=shop&name=web"
        manifests = await page.ask(f"/api/applications/argocd/shop/resource?{query}", BEARER)
        tree = await page.ask("/api/query_tree?query=1%2B1&time=5", BEARER)
        log = await page.ask("/api/pods/shop/web-1/log?container=app&tail=2", BEARER)

        assert msgspec.json.decode(manifests.body)["live"] == "a: 1\n"
        assert msgspec.json.decode(tree.body)["text"] == "1+1"
        assert log.body == b"first\nsecond\n"
        assert log.headers["content-type"] == "text/plain; charset=utf-8"
        assert page.backend.done == [
            ("argocd", "shop", "apps", "Deployment", "shop", "web"),
            ("tree", "1+1", "5"),
            ("log", "shop", "web-1", {"container": "app", "tail": "2"}),
        ]

    paged(main)


@pytest.mark.parametrize(
    "target",
    [
        "/api/pods/shop/web%2Fproxy%2F/log",
        "/api/pods/shop%2Fservices%2Fdb%2Fproxy/web/log",
        "/api/pods/shop/%2e%2e/log",
        "/api/pods/shop/web%00/log",
        "/api/pods/shop/web%0d%0a/log",
        "/api/pods/shop/web%2525/log",
        "/api/pods/shop//log",
        f"/api/pods/shop/{'a' * 254}/log",
        "/api/applications/argocd/shop/resource?kind=Pod&namespace=shop&name=web%2Fproxy",
        "/api/applications/argocd/shop/resource?kind=Pod&namespace=..&name=web",
    ],
)
def test_a_name_that_would_lead_elsewhere_is_asked_of_nobody(target: str) -> None:
    async def main(page: Page) -> None:
        answer = await page.ask(target, BEARER)

        assert answer.status == 400
        assert "is no name" in failure(answer)["problem"]
        assert page.backend.done == []

    paged(main)


def test_unknown_paths_of_the_api_are_told_apart() -> None:
    async def main(page: Page) -> None:
        for target in ("/api/nonsense", "/api", "/api/", "/api/rollouts/shop/web", "/api/watch/x"):
            answer = await page.ask(target, BEARER)
            assert answer.status == 404
            assert failure(answer)["nextStep"]
        wrong = await page.ask("/api/rollouts/shop/web/promote", BEARER)
        assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
        assert (await page.post("/api/watch", {}))[0] == 405

    paged(main)


def test_prometheus_is_asked_without_a_token() -> None:
    async def main(page: Page) -> None:
        assert (await page.ask("/api/v1/query?query=up")).body == b"prometheus: GET /api/v1/query"
        assert (await page.ask("/api/v1/query", method="POST")).body == b"prometheus: POST /api/v1/query"
        assert (await page.ask("/-/ready")).body == b"prometheus: GET /-/ready"
        assert (await page.ask("/-/healthy")).status == 200

    paged(main)


def test_what_prometheus_answers_is_no_page_of_ours() -> None:
    async def main(page: Page) -> None:
        headers = (await page.ask("/api/v1/query?query=up")).headers

        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"

    paged(main)


def test_without_metrics_the_page_says_how_to_get_them() -> None:
    async def main(page: Page) -> None:
        answer = await page.ask("/api/v1/query?query=up")

        assert answer.status == 503
        assert failure(answer) == {"problem": "no Prometheus", "nextStep": "Name one."}

    paged(main, prometheus=None, metrics_problem="no Prometheus", metrics_step="Name one.")


# -- streams -----------------------------------------------------------------------------------------------------------


def test_topics_are_streamed_until_the_reader_leaves() -> None:
    async def main(page: Page) -> None:
        stream = Stream(page.app, "/api/watch?topic=session&topic=rollout/a/b&topic=session", BEARER)
        await page.clock.sleep(1)

        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.body.startswith(b"retry: 500\n")
        assert [(kind, data.get("topic")) for kind, data in events_of(stream.body)] == [
            ("hello", None),
            ("value", "session"),
            ("value", "rollout/a/b"),
        ]
        assert page.hub.watchers == 1

        stream.leave()
        await stream.task
        assert (page.hub.watchers, page.hub.open_topics) == (0, [])

    paged(main)


def test_who_only_reads_sees_a_session_that_says_so() -> None:
    async def main(page: Page) -> None:
        stream = Stream(page.app, "/api/watch?topic=session", READS)
        await page.clock.sleep(1)

        assert events_of(stream.body)[1] == (
            "value",
            {"topic": "session", "value": {"message": "session/reader"}},
        )
        stream.leave()
        await stream.task

    paged(main)


def test_a_watch_of_nothing_or_of_too_much_is_refused() -> None:
    async def main(page: Page) -> None:
        assert (await page.ask("/api/watch", BEARER)).status == 400
        many = "&".join(f"topic=rollout/a/{number}" for number in range(300))
        assert (await page.ask(f"/api/watch?{many}", BEARER)).status == 400

    paged(main)


def test_a_followed_log_ends_with_its_reader() -> None:
    async def main(page: Page) -> None:
        stream = Stream(page.app, "/api/pods/shop/web-1/log?follow=true", BEARER)
        await page.clock.sleep(1)
        assert (stream.body, stream.is_complete) == (b"first\nsecond\n", False)

        stream.leave()
        await stream.task
        assert page.backend.is_log_closed

    paged(main)


def test_a_log_that_breaks_says_so_where_it_is_read() -> None:
    async def main(page: Page) -> None:
        log = await page.ask("/api/pods/shop/web-1/log?container=lost", BEARER)

        assert log.body == b"first\nsecond\ncanarium: this ends here: the pod is gone\n"

    paged(main)


def test_every_stream_ends_when_the_page_stops() -> None:
    async def main(page: Page) -> None:
        streams = [
            Stream(page.app, "/api/watch?topic=session", BEARER),
            Stream(page.app, "/api/pods/shop/web-1/log?follow=true", BEARER),
        ]
        await page.clock.sleep(1)

        page.app.stop()
        await asyncio.gather(*(stream.task for stream in streams))

        assert all(stream.is_complete for stream in streams)
        assert page.hub.watchers == 0
        assert page.backend.is_log_closed

    paged(main)


def test_a_server_with_open_streams_stops_at_once() -> None:
    async def main() -> None:
        clock = RealClock()
        page = Page(None, clock)  # type: ignore[arg-type]  # no topic of these reads the cluster
        serving = Serving(page.app, bind("127.0.0.1", 0, flag="--port"))
        await serving.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(
            f"GET /api/watch?topic=session HTTP/1.1\r\nHost: 127.0.0.1:{serving.port}\r\n"
            f"Authorization: Bearer {TOKENS.admin}\r\n\r\n".encode()
        )
        await reader.readuntil(b"event: value")
        assert page.hub.watchers == 1

        began = clock.monotonic()
        page.app.stop()
        await serving.stop()
        assert clock.monotonic() - began < 2.0
        assert page.hub.watchers == 0
        writer.close()

    asyncio.run(main())
