"""A release carries the page, or is not made."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a build reads of the project, without the page and without most of the code."""
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    web = tmp_path / "src" / "canarium" / "web"
    web.mkdir(parents=True)
    (web.parent / "__init__.py").touch()
    (web / "__init__.py").touch()
    (tmp_path / ".gitignore").write_text("src/canarium/web/static/\n", "utf-8")
    return tmp_path


def _build(checkout: Path, target: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", "out"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_a_release_without_the_page_is_refused_and_says_what_to_do(checkout: Path, target: str) -> None:
    built = _build(checkout, target)

    assert built.returncode != 0
    assert "Build it first, with: make ui" in built.stderr
    assert not list(checkout.glob("out/*"))


def test_a_wheel_carries_the_page(checkout: Path) -> None:
    static = checkout / "src" / "canarium" / "web" / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html>", "utf-8")
    (static / "assets" / "index-1.js").write_text("1", "utf-8")

    built = _build(checkout, "wheel")

    assert built.returncode == 0, built.stderr
    (wheel,) = checkout.glob("out/*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"canarium/web/static/index.html", "canarium/web/static/assets/index-1.js"} <= set(names)
