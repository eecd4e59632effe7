"""`canarium up`, `down` and `status` as processes: what they leave behind, however they end."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from canarium.clock import RealClock
from tests.acceptance.local_cluster import LocalCluster

REAL = RealClock()
MAPS = "/api/v1/namespaces/default/configmaps"
FORMER: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "work",
    "clusters": [{"name": "work", "cluster": {"server": "https://work.example"}}],
    "users": [{"name": "me", "user": {"token": "t"}}],
    "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me"}}],
}


def kubeconfig(cluster: LocalCluster) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(cluster.kubeconfig.read_text()) or {}
    return found


def contexts(cluster: LocalCluster) -> list[str]:
    return [entry["name"] for entry in kubeconfig(cluster).get("contexts") or ()]


def failed_well(done: subprocess.CompletedProcess[str], *tells: str) -> None:
    """Exit code 2, a message with these parts, and no traceback."""
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert "Traceback" not in said
    for part in tells:
        assert part in said


# -- start and stop ---------------------------------------------------------------------------------------------------


def test_a_cluster_comes_and_goes_and_the_former_context_is_back(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(FORMER))
    with LocalCluster(tmp_path) as cluster:
        assert kubeconfig(cluster)["current-context"] == "canarium"
        assert contexts(cluster) == ["work", "canarium"]
        assert cluster.kubeconfig.stat().st_mode & 0o077 == 0
        assert cluster.data.stat().st_mode & 0o077 == 0
        assert cluster.tokens["admin"] not in cluster.said

        told = cluster.run("status", "-o", "json")
        assert told.returncode == 0
        said = json.loads(told.stdout)
        assert {place["service"] for place in said.pop("services")} >= {"default/kubernetes", "kube-system/kube-dns"}
        assert sorted(said.pop("pages")) == ["applications", "metrics", "rollouts"]
        assert said == cluster.running
        assert cluster.tokens["admin"] not in told.stdout
        assert cluster.run("status").stdout.startswith("Cluster canarium, process ")

        failed_well(cluster.up(), "is running already on", str(cluster.running["pid"]), "canarium down")
        with cluster.api() as api:
            assert api("GET", "/api/v1/namespaces/default")[0] == 200  # the second one did no harm

        assert cluster.stop(signal.SIGINT) == 0
    assert kubeconfig(cluster) == FORMER
    nothing = cluster.run("status", "-o", "json")
    assert (nothing.returncode, json.loads(nothing.stdout)) == (1, None)
    failed_well(cluster.run("down"), "no cluster runs on", "--data-dir")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_ends_open_watches_and_takes_seconds(tmp_path: Path, number: signal.Signals) -> None:
    with ExitStack() as open_ones, LocalCluster(tmp_path) as cluster:
        apis = [open_ones.enter_context(cluster.api()) for _ in range(3)]
        watches = [open_ones.enter_context(api.stream(f"{MAPS}?watch=1")) for api in apis]
        assert [watch.status for watch in watches] == [200] * 3

        began = REAL.monotonic()
        assert cluster.stop(number) == 0

        assert REAL.monotonic() - began < 10
        for watch in watches:
            watch.read()  # to its end, which is in order: a torn one raises IncompleteRead


def test_detached_it_answers_until_it_is_taken_down(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(FORMER))
    cluster = LocalCluster(tmp_path)
    up = cluster.up("--detach")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert "Running in the background" in up.stdout
        with cluster.api() as api:
            assert api("GET", "/version")[1]["gitVersion"].endswith("canarium")
            assert api("POST", MAPS, {"metadata": {"name": "kept"}})[0] == 201
        assert kubeconfig(cluster)["current-context"] == "canarium"
        failed_well(cluster.up("--detach"), "is running already on")
    finally:
        down = cluster.run("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert "is stopped" in down.stdout
    assert kubeconfig(cluster) == FORMER

    with cluster, cluster.api() as api:
        assert api("GET", f"{MAPS}/kept")[0] == 200


def test_a_detached_start_that_fails_says_why(tmp_path: Path) -> None:
    cluster = LocalCluster(tmp_path)
    cluster.data.mkdir()
    (cluster.data / "state.db").write_bytes(b"not a database at all" * 1000)

    failed_well(cluster.up("--detach"), "it did not start", "state.db")


def test_down_leaves_a_process_alone_that_only_got_the_number_of_a_killed_one(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(FORMER))
    with LocalCluster(tmp_path) as cluster:
        running = cluster.running
        cluster.kill()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (cluster.data / "running.json").write_text(json.dumps({**running, "pid": stranger.pid}))

        status = cluster.run("status")
        down = cluster.run("down")

        assert status.returncode == 1
        assert down.returncode == 0, down.stdout + down.stderr
        assert stranger.poll() is None
        stranger.communicate(b"\n")
    assert kubeconfig(cluster) == FORMER


# -- what is in the way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--api-port", "--applications-port", "--rollouts-port", "--metrics-port"])
def test_a_busy_port_changes_nothing_and_names_its_flag(tmp_path: Path, flag: str) -> None:
    cluster = LocalCluster(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        failed_well(cluster.up(flag, str(port)), f"port {port} on 127.0.0.1 is in use", f"{flag} PORT")

    assert not cluster.kubeconfig.exists()
    assert [path.name for path in cluster.data.iterdir()] == []


def corrupt(database: Path) -> None:
    database.write_bytes(b"not a database at all" * 1000)


def overwritten(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (database.stat().st_size - 4096))


def of_another_program(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA application_id = 7")
        connection.execute("CREATE TABLE IF NOT EXISTS theirs (x)")
    connection.close()


def newer(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()


@pytest.mark.parametrize("damage", [corrupt, overwritten, of_another_program, newer])
def test_a_database_that_cannot_be_used_is_left_alone(tmp_path: Path, damage: Any) -> None:
    with LocalCluster(tmp_path) as cluster:
        cluster.stop()
    database = cluster.data / "state.db"
    damage(database)
    before = database.read_bytes()

    done = cluster.up()

    failed_well(done, str(database))
    assert "Next" in done.stderr or "→" in done.stderr or len(done.stderr.strip().splitlines()) > 1  # a next step
    assert database.read_bytes() == before
    assert not cluster.kubeconfig.exists() or contexts(cluster) == []
    assert cluster.run("status").returncode == 1


# -- killed -----------------------------------------------------------------------------------------------------------


class Writer(threading.Thread):
    """Creates ConfigMaps until the server is gone; `acknowledged` are the names it was told are created."""

    def __init__(self, cluster: LocalCluster, prefix: str, enough: threading.Semaphore) -> None:
        super().__init__(name=prefix)
        self.acknowledged: list[str] = []
        self.refused: list[Any] = []
        self._api = cluster.api()
        self._prefix = prefix
        self._enough = enough

    def run(self) -> None:
        for number in range(1_000_000):
            name = f"{self._prefix}-{number}"
            try:
                code, body = self._api("POST", MAPS, {"metadata": {"name": name}, "data": {"n": str(number)}})
            except (OSError, http.client.HTTPException, ValueError):
                break
            if code == 201:
                self.acknowledged.append(name)
                self._enough.release()
            else:
                self.refused.append(body)
                break
        self._api.close()


def kill_while_writing(tmp_path: Path, rounds: int) -> None:
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(FORMER))
    cluster = LocalCluster(tmp_path)
    acknowledged: set[str] = set()
    for number in range(rounds):
        with cluster:
            enough = threading.Semaphore(0)
            writers = [Writer(cluster, f"r{number}-w{one}", enough) for one in range(4)]
            for writer in writers:
                writer.start()
            for _ in range(40 + 13 * (number % 7)):  # at another point in every round
                assert enough.acquire(timeout=30)
            cluster.kill()
            for writer in writers:
                writer.join(30)
                assert writer.refused == []
                acknowledged.update(writer.acknowledged)
        with cluster:
            assert "Traceback" not in cluster.said
            with cluster.api() as api:
                code, found = api("GET", MAPS)
            assert code == 200
            assert acknowledged - {item["metadata"]["name"] for item in found["items"]} == set()
            cluster.kill()
    assert kubeconfig(cluster)["current-context"] == "canarium"

    down = cluster.run("down")

    assert down.returncode == 0, down.stdout + down.stderr
    assert kubeconfig(cluster) == FORMER


def test_what_was_acknowledged_survives_a_kill_in_mid_write(tmp_path: Path) -> None:
    kill_while_writing(tmp_path, 3)


@pytest.mark.soak
def test_what_was_acknowledged_survives_a_hundred_kills(tmp_path: Path) -> None:
    kill_while_writing(tmp_path, 100)
