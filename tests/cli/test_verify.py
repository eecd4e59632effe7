"""`canarium verify`: the objectives where nobody can ask the services."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from canarium.cli.verify import verify_command
from canarium.lab.objectives import VERSION, Environment, judge


def environment(image: str, *, ready: int) -> Environment:
    """A stable ReplicaSet of two pods, and nothing else."""
    stable = {
        "metadata": {"name": "echo-server-abc"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": image}]}}},
        "status": {"readyReplicas": ready},
    }
    return Environment("echo-prod", None, stable, (), None, None)


@pytest.mark.parametrize(
    ("version", "ready", "is_met"), [(VERSION, 2, True), (VERSION, 1, False), (VERSION, 0, False), ("6.8.0", 2, False)]
)
def test_a_version_runs_when_all_pods_of_its_stable_replica_set_are_ready(
    version: str, ready: int, is_met: bool
) -> None:
    first = judge([environment(f"stefanprodan/podinfo:{version}", ready=ready)])[0]

    assert first.is_met is is_met
    assert first.evidence == (
        f"echo-prod: echo-server-abc runs stefanprodan/podinfo:{version}; {ready} of 2 pods are ready",
    )


def test_a_cluster_that_cannot_be_asked_is_not_an_open_objective(tmp_path: Path) -> None:
    assert CliRunner().invoke(verify_command, ["--kubeconfig", str(tmp_path / "missing")]).exit_code == 2
