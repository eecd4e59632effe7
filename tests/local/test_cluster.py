"""What a restart finds, which controllers run, and what stands in the data folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from canarium.clock import DEFAULT_START, Clock
from canarium.errors import CanariumError
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.resources import PODS
from canarium.kube.server.access import ADMIN, READER
from canarium.kube.store.sqlite import SqliteStore
from canarium.local.cluster import Doors, chosen_controllers, lose_pods
from canarium.local.folder import DataFolder, Running
from tests.kube.worlds import in_cluster

AT = "2026-01-05T09:00:00Z"


def pod(name: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "main", "image": "podinfo:1"}]
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": containers, **spec}}


def test_pods_that_ran_are_failed_and_those_that_waited_or_ended_are_not() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await cluster.create(PODS, pod("waiting"))
        for name, phase in (("running", "Running"), ("done", "Succeeded")):
            await cluster.create(PODS, pod(name, nodeName="n1"))
            status = {"phase": phase, "conditions": [{"type": "Ready", "status": "True"}]}
            await cluster.patch(PODS, "default", name, {"status": status}, subresource="status")

        assert lose_pods(cluster.registry, AT) == 1

        pods = {one["metadata"]["name"]: one["status"] for one in (await cluster.list(PODS)).items}
        assert {name: status["phase"] for name, status in pods.items()} == {
            "waiting": "Pending",
            "running": "Failed",
            "done": "Succeeded",
        }
        assert pods["running"]["reason"] == "NodeShutdown"
        assert pods["running"]["conditions"][0]["status"] == "False"

    in_cluster(main)


def test_a_pod_that_was_on_its_way_out_is_gone() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await cluster.create(PODS, pod("leaving", nodeName="n1"))
        await cluster.delete(PODS, "default", "leaving")

        lose_pods(cluster.registry, AT)

        assert (await cluster.list(PODS)).items == []

    in_cluster(main)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("*", {"workloads", "rollouts", "gitops"}),
        ("*,-rollouts", {"workloads", "gitops"}),
        ("gitops, workloads", {"workloads", "gitops"}),
        ("-rollouts", set()),
    ],
)
def test_controllers_are_chosen_as_kube_controller_manager_does(text: str, chosen: set[str]) -> None:
    assert chosen_controllers(text) == chosen


def test_an_unknown_controller_is_named() -> None:
    with pytest.raises(CanariumError, match="no controllers called 'rollout'"):
        chosen_controllers("*,-rollout")


def test_credentials_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()

    tokens = folder.credentials(DEFAULT_START)

    assert folder.credentials(DEFAULT_START) == tokens
    assert tokens.owner(tokens.admin) == ADMIN
    assert tokens.owner(tokens.reader) == READER
    assert tokens.owner("") is None
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.path.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_the_record_of_a_process_that_is_gone_counts_as_nothing_running(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.record(Running(2**22 + 1, "canarium", {}, "", "", "", "", ""))

    assert folder.running() is None
    assert folder.last() is not None
    folder.record(Running(os.getpid(), "canarium", {}, "", "", "", "", ""))
    assert folder.running() is None  # the number is ours, and nobody holds the database
    with SqliteStore(folder.database):
        assert folder.running() is not None


def test_a_busy_port_names_the_flag_and_opens_nothing() -> None:
    taken = Doors({"api": (0, "--api-port")})
    try:
        with pytest.raises(
            CanariumError, match=r"port \d+ on 127.0.0.1 is in use\n  Choose another with --metrics-port"
        ):
            Doors({"api": (0, "--api-port"), "metrics": (taken.ports["api"], "--metrics-port")})
    finally:
        taken.close()


def test_a_data_folder_that_others_may_write_to_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o777)

    with pytest.raises(CanariumError, match=r"others may write to the data folder .*\n  Make it your own \(chmod go-w"):
        DataFolder(tmp_path / "data").make()
