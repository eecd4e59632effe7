"""The page's own tests, and its types, asked for here: one command tells whether all of the product is well."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UI = Path(__file__).resolve().parent.parent / "ui"
WITHIN_SECONDS = 300


def installed(tool: str) -> list[str]:
    """The command line of a tool of the page. Skips, with the reason, where it cannot run."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on PATH")
    found = UI / "node_modules" / ".bin" / tool
    if not found.exists():
        pytest.skip(f"{tool} is not installed: make ui")
    return [node, str(found.resolve())]


@pytest.mark.parametrize(("tool", "arguments"), [("tsc", ["--noEmit"]), ("vitest", ["run"])])
def test_the_page_is_well_by_itself(tool: str, arguments: list[str]) -> None:
    """Its types fit, and its own tests pass."""
    done = subprocess.run(
        [*installed(tool), *arguments],
        cwd=UI,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
