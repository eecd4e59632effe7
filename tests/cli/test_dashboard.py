"""`canarium dashboard`: which Prometheus it passes on to, how it opens a browser, and that its help stays quick."""

from __future__ import annotations

import asyncio
import os
import queue
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from canarium.cli.dashboard import checked_root_path, opened, own_cluster
from canarium.clock import DEFAULT_START, RealClock, VirtualClock
from canarium.errors import CanariumError
from canarium.kube.cluster import Unavailable
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.kubeconfig import Connection
from canarium.kube.objects import Obj
from canarium.kube.remote import RemoteCluster
from canarium.kube.resources import NAMESPACES
from canarium.kube.server.serving import Serving, bind
from canarium.kube.store.sqlite import SqliteStore
from canarium.local.folder import DataFolder, Running
from canarium.nodes.asgi import call
from canarium.nodes.network import HttpResponse
from canarium.nodes.program import Receive, Scope, Send
from canarium.web import remote
from canarium.web.access import PageTokens
from canarium.web.prometheus_proxy import MAX_BODY_BYTES, parse_target, prometheus_proxy
from canarium.web.remote import for_visitors
from tests.kube.worlds import in_cluster

HEAVY = ("aiohttp", "uvicorn", "canarium.web.app", "canarium.lab.world", "msgspec")


@pytest.mark.parametrize("module", ["canarium.cli.dashboard", "canarium.cli.up", "canarium.cli.demo"])
def test_help_loads_no_server(module: str) -> None:
    program = f"import sys, {module}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert [name for name in HEAVY if name in done.stdout.split()] == []


@pytest.mark.parametrize("root_path", ["rollouts", "/rollouts", "rollouts/"])
def test_the_plugins_usual_root_path_works(root_path: str) -> None:
    assert checked_root_path(root_path) == "/rollouts"


def test_another_root_path_is_refused() -> None:
    with pytest.raises(CanariumError, match="below /rollouts only"):
        checked_root_path("argo")


# -- which Prometheus -------------------------------------------------------------------------------------------------


def test_a_running_cluster_of_ours_is_known_by_its_port_and_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = DataFolder(tmp_path / "canarium" / "canarium")
    folder.make()
    folder.credentials(DEFAULT_START)
    running = Running(os.getpid(), "canarium", {"api": 6443, "metrics": 30102}, "", "canarium", "", "", "")
    folder.record(running)
    ours = Connection(server="https://127.0.0.1:6443", ca=folder.authority.read_bytes())

    assert own_cluster(ours) is None  # nobody holds its database
    with SqliteStore(folder.database):
        assert own_cluster(ours) == running
        assert own_cluster(Connection(server="https://127.0.0.1:6444", ca=ours.ca)) is None
        assert own_cluster(Connection(server="https://127.0.0.1:6443", ca=b"another")) is None
        assert own_cluster(Connection(server="https://work.example:6443", ca=ours.ca)) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
        ("http://127.0.0.1:9090/", "http://127.0.0.1:9090"),
        ("https://me:pass%40word@prom.example/prefix/", "https://prom.example/prefix"),
        ("http://[::1]:9090/api/v1", "http://[::1]:9090"),
    ],
)
def test_an_address_is_taken_apart(url: str, shown: str) -> None:
    target = parse_target(url)

    assert target.shown == shown
    assert target.authorization == ("Basic bWU6cGFzc0B3b3Jk" if "me:" in url else "")


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "ftp://x", "http://", "http://x:99999", "http://x/?a=b"])
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(CanariumError, match="is not one of HTTP\n  Write it like"):
        parse_target(url)


# -- passing on -------------------------------------------------------------------------------------------------------


def asked(method: str, target: str, *, headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
    """What a Prometheus below /prom hears of a request to the proxy, and the answer."""
    heard: list[tuple[str, str, str, dict[str, str]]] = []

    async def prometheus(scope: Scope, receive: Receive, send: Send) -> None:
        sent = {name.decode(): value.decode() for name, value in scope["headers"]}
        heard.append((scope["method"], scope["path"], scope["query_string"].decode(), sent))
        got = (await receive())["body"]
        kind = [(b"content-type", b"application/json"), (b"set-cookie", b"theirs=1")]
        await send({"type": "http.response.start", "status": 422, "headers": kind})
        await send({"type": "http.response.body", "body": b"[" + got + b"]"})

    async def main() -> HttpResponse:
        serving = Serving(prometheus, bind("127.0.0.1", 0, flag="--port"))
        await serving.start()
        try:
            app = prometheus_proxy(parse_target(f"http://u:p@127.0.0.1:{serving.port}/prom"))
            return await call(app, method, target, headers=headers, body=body)
        finally:
            await serving.stop()

    return asyncio.run(main()), heard


def test_a_query_is_passed_on_without_the_browsers_credentials() -> None:
    headers = {"cookie": "canarium-1=secret", "authorization": "Bearer secret", "accept-encoding": "gzip"}

    answer, heard = asked("GET", "/api/v1/query?query=up%7Bjob%3D%22a%20b%22%7D%20%2B%201", headers=headers)

    ((method, path, query, sent),) = heard
    assert (method, path, query) == ("GET", "/prom/api/v1/query", "query=up%7Bjob%3D%22a%20b%22%7D%20%2B%201")
    assert sent["authorization"] == "Basic dTpw"
    assert "cookie" not in sent
    assert "accept-encoding" not in sent
    assert (answer.status, answer.body) == (422, b"[]")
    assert "set-cookie" not in answer.headers


def test_a_form_is_passed_on() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}

    answer, heard = asked("POST", "/api/v1/query_range", headers=form, body=b"query=up")

    assert answer.body == b"[query=up]"
    assert heard[0][3]["content-type"] == form["content-type"]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/api/v1/admin/tsdb/delete_series?match[]=up", 404),
        ("POST", "/api/v1//admin/tsdb/delete_series?match[]=up", 404),
        ("POST", "/api/v1/./admin/tsdb/delete_series?match[]=up", 404),
        ("POST", "/api/v1/write", 404),
        ("POST", "/api/v1/otlp/v1/metrics", 404),
        ("GET", "/api/v1/../../metrics", 404),
        ("GET", "/api/v1/query/%2e%2e/%2e%2e/metrics", 404),
        ("GET", "/metrics", 404),
        ("DELETE", "/api/v1/query", 405),
        ("PUT", "/api/v1/query", 405),
    ],
)
def test_what_could_do_harm_is_not_passed_on(method: str, target: str, status: int) -> None:
    answer, heard = asked(method, target)

    assert answer.status == status
    assert heard == []


def test_a_request_without_end_is_not_passed_on() -> None:
    answer, heard = asked("POST", "/api/v1/query", body=b"x" * (MAX_BODY_BYTES + 1))

    assert answer.status == 413
    assert heard == []


def test_a_prometheus_that_is_not_there_is_said_in_the_apis_envelope() -> None:
    free = bind("127.0.0.1", 0, flag="--port")
    port = free.getsockname()[1]
    free.close()

    answer = asyncio.run(call(prometheus_proxy(parse_target(f"http://u:p@127.0.0.1:{port}")), "GET", "/api/v1/query"))

    assert answer.status == 502
    assert b'"status":"error"' in answer.body
    assert b"connection refused" in answer.body
    assert b"u:p" not in answer.body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer other"}, 401),
        ({"authorization": "Bearer the-token"}, 404),
    ],
)
def test_a_prometheus_elsewhere_is_for_those_with_the_pages_token(headers: dict[str, str], status: int) -> None:
    app = for_visitors(prometheus_proxy(parse_target("http://127.0.0.1:1")), PageTokens("the-token", ""))

    answer = asyncio.run(call(app, "GET", "/api/v1/admin/tsdb", headers=headers))

    assert answer.status == status


# -- listers ----------------------------------------------------------------------------------------------------------


def test_an_object_that_cannot_be_understood_does_not_stop_the_others_from_being_followed() -> None:
    async def main(cluster: InProcessCluster, clock: VirtualClock) -> None:
        faults: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["message"]))
        listers = remote.RemoteListers(cluster, clock)
        namespaces = listers(NAMESPACES)
        seen: list[str] = []

        def heard(obj: Obj) -> None:
            seen.append(obj["metadata"]["name"])
            if obj["metadata"]["name"] == "odd":
                raise TypeError("no such luck")

        namespaces.on_change(heard)
        await clock.sleep(1)
        await cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "odd"}})
        await clock.sleep(5)
        await cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "plain"}})
        await clock.sleep(5)
        await listers.stop()

        assert seen[-2:] == ["odd", "plain"]
        assert faults == ["the page cannot follow namespaces"]

    in_cluster(main)


# -- the browser ------------------------------------------------------------------------------------------------------


def test_the_token_is_not_among_the_arguments_of_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    told: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(webbrowser, "open", told.put)

    with opened("http://127.0.0.1:3100/rollouts?token=s3cret"):
        argument = told.get(timeout=10)
        file = Path(urlsplit(argument).path)

        assert "s3cret" not in argument
        assert "url=http://127.0.0.1:3100/rollouts?token=s3cret" in file.read_text("utf-8")
        assert file.parent.stat().st_mode & 0o077 == 0
    assert not file.exists()


# -- a cluster that hangs ---------------------------------------------------------------------------------------------


def test_a_watch_of_a_cluster_that_hangs_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(remote, "LOOK_TIMEOUT_SECONDS", 0.2)
    is_hanging = asyncio.Event()

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/version" and not is_hanging.is_set():
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
            return
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass

    async def main() -> None:
        serving = Serving(api, bind("127.0.0.1", 0, flag="--port"))
        await serving.start()
        server = f"http://127.0.0.1:{serving.port}"
        try:
            async with RemoteCluster(Connection(server=server), RealClock()) as cluster:
                wakeful = remote.Wakeful(cluster, RealClock())
                looking = asyncio.create_task(wakeful.look())
                watching = asyncio.ensure_future(anext(wakeful.watch(NAMESPACES, resource_version="1")))
                await asyncio.wait((watching,), timeout=0.5)
                assert not watching.done()

                is_hanging.set()

                with pytest.raises(Unavailable, match="the cluster does not answer"):
                    await asyncio.wait_for(watching, 10.0)
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
        finally:
            await serving.stop()

    asyncio.run(main())
