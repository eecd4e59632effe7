"""The page at the doors of `canarium up`, and the same page from `canarium dashboard` as a process of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from canarium.clock import RealClock
from tests.acceptance.local_cluster import LocalCluster

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+\S*\?token=\S+")
WITHIN_SECONDS = 30.0
JSON = {"Content-Type": "application/json"}
ELSEWHERE = {"Host": "evil.example"}


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Visitor:
    """Who has an address that was printed; without its token where `is_known` is not given."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        assert parts.port is not None
        self.port, self.path = parts.port, parts.path
        self.token = parse_qs(parts.query)["token"][0]

    def ask(self, method: str, path: str, headers: Mapping[str, str] = {}, *, is_known: bool = True) -> Answer:
        """One answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN_SECONDS)
        try:
            known = {"Authorization": f"Bearer {self.token}"} if is_known else {}
            connection.request(method, path, "{}" if method == "POST" else None, {**known, **headers})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    @contextmanager
    def watch(self, topic: str) -> Iterator[Iterator[dict[str, Any]]]:
        """What a topic that is one thing is worth, whenever that changes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN_SECONDS)
        try:
            connection.request("GET", f"/api/watch?topic={topic}", headers={"Authorization": f"Bearer {self.token}"})
            yield self._values(connection.getresponse())
        finally:
            connection.close()

    def _values(self, stream: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        for line in stream:
            data = json.loads(line.removeprefix(b"data: ")) if line.startswith(b"data: ") else {}
            if "value" in data:
                yield data["value"]

    def value(self, topic: str) -> dict[str, Any]:
        """What a topic is worth now."""
        with self.watch(topic) as values:
            return next(values)


def visitors(said: str) -> list[Visitor]:
    return [Visitor(address) for address in ADDRESS.findall(said)]


def named(cluster: LocalCluster) -> list[str]:
    return ["--kubeconfig", str(cluster.kubeconfig)]


@contextmanager
def dashboard(cluster: LocalCluster, *arguments: str, plugin: bool = False) -> Iterator[Visitor]:
    """A page of its own for the cluster; it ends well at the end."""
    module = "import canarium.cli.plugin as it" if plugin else "import canarium.cli.main as it"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{module}; it.run()", "dashboard", *named(cluster), "--port", "0", *arguments],
        env=cluster.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        found = visitors(said)
        assert found, said
        yield found[0]
        process.send_signal(signal.SIGINT)
        left, _ = process.communicate(timeout=WITHIN_SECONDS)
        assert (process.returncode, left) == (0, "")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def prometheus_answers(door: Visitor) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while door.ask("GET", "/api/v1/query?query=1", is_known=False).status != 200:
            await RealClock().sleep(0.1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    with LocalCluster(tmp_path_factory.mktemp("page")) as running:
        asyncio.run(prometheus_answers(visitors(running.said)[2]))
        yield running


# -- the doors of `up` ------------------------------------------------------------------------------------------------


def test_each_door_leads_to_its_page_with_a_cookie(cluster: LocalCluster) -> None:
    doors = visitors(cluster.said)

    answers = [door.ask("GET", f"/?token={door.token}", is_known=False) for door in doors]

    assert [answer.status for answer in answers] == [303] * 3
    assert [answer.headers["location"] for answer in answers] == ["/applications", "/rollouts", "/query"]
    cookie = answers[0].headers["set-cookie"].split(";")[0]
    assert doors[1].ask("GET", "/api/query_tree?query=1", {"Cookie": cookie}, is_known=False).status == 200


def test_the_page_tells_where_it_is(cluster: LocalCluster) -> None:
    session = visitors(cluster.said)[1].value("session")

    assert (session["cluster"], session["mode"], session["problem"]) == ("canarium", "up", "")
    assert (session["isReadOnly"], session["hasMetrics"], session["canDiff"]) == (False, True, True)
    assert "argocd" in session["namespaces"]


def test_nothing_is_told_without_the_token_or_to_another_host(cluster: LocalCluster) -> None:
    door = visitors(cluster.said)[1]

    assert door.ask("GET", "/api/watch?topic=session", is_known=False).status == 401
    assert door.ask("POST", "/api/rollouts/a/b/restart", JSON, is_known=False).status == 401
    assert door.ask("GET", "/api/watch?topic=session", ELSEWHERE).status == 403
    assert door.ask("GET", "/api/v1/query?query=1", ELSEWHERE, is_known=False).status == 403


def test_prometheus_answers_at_every_door(cluster: LocalCluster) -> None:
    for door in visitors(cluster.said):
        answer = door.ask("GET", "/api/v1/query?query=1%2B1", is_known=False)
        assert json.loads(answer.body)["data"]["result"][1] == "2"


def test_an_action_reaches_the_cluster(cluster: LocalCluster) -> None:
    door = visitors(cluster.said)[1]

    answer = door.ask("POST", "/api/rollouts/default/nobody/restart", JSON)

    assert (answer.status, json.loads(answer.body)["problem"]) == (404, 'rollouts.argoproj.io "nobody" not found')


def test_status_prints_the_same_addresses_and_the_state_holds_no_token(cluster: LocalCluster) -> None:
    token = visitors(cluster.said)[0].token

    shown = cluster.run("status")
    told = json.loads(cluster.run("status", "-o", "json").stdout)

    assert ADDRESS.findall(shown.stdout) == ADDRESS.findall(cluster.said) == list(told["pages"].values())
    assert token not in (cluster.data / "running.json").read_text()
    assert token not in cluster.tokens.values()


def test_a_page_that_only_shows_refuses_actions(tmp_path: Path) -> None:
    with LocalCluster(tmp_path, "--read-only") as cluster:
        door = visitors(cluster.said)[1]

        assert door.value("session")["isReadOnly"] is True
        answer = door.ask("POST", "/api/rollouts/default/nobody/restart", JSON)

        assert answer.status == 403
        assert ADDRESS.findall(cluster.run("status").stdout) == ADDRESS.findall(cluster.said)


# -- `canarium dashboard` ---------------------------------------------------------------------------------------------


def test_a_dashboard_shows_the_context_and_passes_queries_on(cluster: LocalCluster) -> None:
    prometheus = f"http://127.0.0.1:{cluster.ports['metrics']}"

    with dashboard(cluster, "--prometheus", prometheus) as visitor:
        session = visitor.value("session")
        query = visitor.ask("GET", "/api/v1/query?query=1%2B1")
        action = visitor.ask("POST", "/api/rollouts/default/nobody/restart", JSON)
        unknown = visitor.ask("GET", "/api/v1/query?query=1", is_known=False)

    assert (session["cluster"], session["mode"], session["hasMetrics"]) == ("canarium", "dashboard", True)
    assert json.loads(query.body)["data"]["result"][1] == "2"
    assert (action.status, json.loads(action.body)["problem"]) == (404, 'rollouts.argoproj.io "nobody" not found')
    assert unknown.status == 401


def test_a_dashboard_without_a_prometheus_says_how_to_get_one(cluster: LocalCluster) -> None:
    with dashboard(cluster, "--read-only") as visitor:
        answer = visitor.ask("GET", "/api/v1/query?query=1")
        action = visitor.ask("POST", "/api/rollouts/default/nobody/restart", JSON)

    assert (answer.status, action.status) == (503, 403)
    assert "--prometheus URL" in json.loads(answer.body)["nextStep"]


def test_the_plugins_dashboard_leads_to_rollouts(cluster: LocalCluster) -> None:
    with dashboard(cluster, plugin=True) as visitor:
        assert visitor.path == "/rollouts"
        answer = visitor.ask("GET", f"/rollouts?token={visitor.token}", is_known=False)

    assert (answer.status, answer.headers["location"]) == (303, "/rollouts")


def test_a_log_is_read_through_the_cluster(cluster: LocalCluster) -> None:
    with dashboard(cluster) as visitor:
        assert visitor.ask("GET", "/api/pods/default/nobody/log").status == 404
        with cluster.api() as api:
            _, pods = api("GET", "/api/v1/namespaces/prometheus/pods")
        name = pods["items"][0]["metadata"]["name"]
        assert visitor.ask("GET", f"/api/pods/prometheus/{name}/log?tail=1").status == 200


def test_a_dashboard_goes_on_when_its_cluster_goes_away(tmp_path: Path) -> None:
    with LocalCluster(tmp_path, "--controllers", "workloads") as cluster, dashboard(cluster) as visitor:
        with visitor.watch("session") as sessions:
            assert next(sessions)["problem"] == ""
            cluster.kill()
            lost = next(session for session in sessions if "refused" in session["problem"])
            assert lost["since"]
        assert "canarium" in visitor.value("session")["cluster"]


def test_a_cluster_without_argo_is_no_problem(tmp_path: Path) -> None:
    with LocalCluster(tmp_path, "--controllers", "workloads") as cluster:
        with cluster.api() as api:
            for name in ("rollouts", "applications"):
                api("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}.argoproj.io")
        with dashboard(cluster) as visitor, visitor.watch("session") as sessions:
            bare = next(session for session in sessions if len(session["missing"]) == 2)

    assert (bare["missing"], bare["problem"]) == (["rollouts", "applications"], "")


def test_a_context_that_does_not_exist_is_an_error(cluster: LocalCluster) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "canarium.cli.main", "dashboard", *named(cluster), "--context", "nobody"],
        env=cluster.environment,
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert "nobody" in done.stderr
