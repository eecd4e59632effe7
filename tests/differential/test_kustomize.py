"""Our renderer against the real Kustomize, as it comes in kubectl."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from canarium.errors import CanariumError
from canarium.gitops.kustomize import render
from canarium.gitops.tree import MemoryTree
from canarium.text import yaml
from tests import peers
from tests.gitops.kustomize.cases import BROKEN, CASES


@pytest.fixture(scope="session")
def kubectl(request: pytest.FixtureRequest) -> Path:
    assert request.config.cache is not None
    try:
        return peers.kubectl(request.config.cache.mkdir("peers"))
    except peers.PeerMissing as missing:
        pytest.skip(str(missing))


def build(kubectl: Path, folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """`kubectl kustomize` over files in a folder; `root` is what is built."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run(
        [kubectl, "kustomize", folder / "root"], capture_output=True, check=False, timeout=60, cwd=folder
    )


def ours(files: dict[str, str]) -> list[dict[str, Any]]:
    return [rendered.obj for rendered in render(MemoryTree(files), "root")]


@pytest.mark.peer("kustomize")
@pytest.mark.parametrize("name", CASES)
def test_renders_what_kustomize_renders(name: str, kubectl: Path, tmp_path: Path) -> None:
    done = build(kubectl, tmp_path, CASES[name])
    assert done.returncode == 0, done.stderr.decode()
    wanted = [document.value for document in yaml.load_all(done.stdout, "kustomize")]

    assert ours(CASES[name]) == wanted


@pytest.mark.peer("kustomize")
@pytest.mark.parametrize("name", BROKEN)
def test_refuses_what_kustomize_refuses(name: str, kubectl: Path, tmp_path: Path) -> None:
    done = build(kubectl, tmp_path, BROKEN[name])

    assert done.returncode != 0, done.stdout.decode()
    with pytest.raises(CanariumError):
        ours(BROKEN[name])
