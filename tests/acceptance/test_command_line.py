"""What the commands of the README do when nothing is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from canarium.cli.main import main
from canarium.gitops.git.local import LocalRepositories
from canarium.lab.examples import MANIFESTS
from canarium.text.yaml import load_all


def run(monkeypatch: pytest.MonkeyPatch, *args: object) -> int | str:
    """Runs `canarium` in-process. Returns the exit code."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "argv", ["canarium", *map(str, args)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def test_init_writes_the_example_with_an_origin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A git working copy laid out as the original, pushed to a bare origin that the ApplicationSet reads from."""
    code = run(monkeypatch, "init", "silent-canary", tmp_path / "lab")

    assert code == 0
    files = sorted(path.relative_to(tmp_path / "lab").as_posix() for path in (tmp_path / "lab").rglob("*.yaml"))
    assert files == [
        f"{MANIFESTS}/{name}"
        for name in (
            "appset.yaml",
            "base/analysis-template.yaml",
            "base/kustomization.yaml",
            "base/rollout.yaml",
            "base/service.yaml",
            "overlays/prod/kustomization.yaml",
            "overlays/staging/kustomization.yaml",
        )
    ]
    origin = str(tmp_path / "lab.git")
    assert (tmp_path / "lab" / MANIFESTS / "appset.yaml").read_text().count(f"repoURL: {origin}\n") == 2
    repositories = LocalRepositories()
    head = repositories.resolve(origin)
    assert head == repositories.resolve(str(tmp_path / "lab"))
    assert repositories.tree(origin, head).is_file(f"{MANIFESTS}/base/rollout.yaml")
    repositories.close()


@pytest.mark.parametrize(("environment", "replicas"), [("staging", 1), ("prod", 4)])
def test_render_prints_what_an_overlay_comes_to(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    environment: str,
    replicas: int,
) -> None:
    """The overlay may reach its base, since both are in one repository."""
    run(monkeypatch, "init", "silent-canary", tmp_path / "lab")
    capsys.readouterr()

    code = run(monkeypatch, "render", tmp_path / "lab" / MANIFESTS / "overlays" / environment)

    assert code == 0
    objects = {one.value["kind"]: one.value for one in load_all(capsys.readouterr().out, "stdout")}
    assert sorted(objects) == ["AnalysisTemplate", "Rollout", "Service"]
    assert {obj["metadata"]["namespace"] for obj in objects.values()} == {f"echo-{environment}"}
    assert objects["Rollout"]["spec"]["replicas"] == replicas


def test_the_demo_ends_all_green(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Narrated step by step, with exit code 0 and four objectives met; the repository can be kept."""
    code = run(monkeypatch, "demo", "--fast", "--seed", 7, "--keep", tmp_path / "lab")
    told = capsys.readouterr().out

    assert code == 0
    assert [line.split("│")[0].strip() for line in told.splitlines() if line.startswith("   met ")] == ["met"] * 4
    assert " open " not in told
    for text in (
        "lookup prom-server.prometheus.svc.cluster.local on 10.96.0.10:53: no such host",
        'Metric "container-restarts" assessed Failed due to failed (1) > failureLimit (0)',
        "1:1: parse error: no expression found in input",
        "echo-staging: stable+canary pods 1+1 → 1+1 → 0+1",
        "echo-prod: stable+canary pods 3+2 → 2+3 → 0+4",
    ):
        assert text in told
    assert "podinfo:6.9.3" in (tmp_path / "lab" / MANIFESTS / "base" / "rollout.yaml").read_text()
