"""The examples that `canarium init` writes.

Owns: their files and where they go. Must not know: git.
"""

from __future__ import annotations

from pathlib import Path

SILENT_CANARY = "silent-canary"
MANIFESTS = "adventures/01-echoes-lost-in-orbit/intermediate/manifests"
NAMES = (SILENT_CANARY,)


def example_files(name: str, *, repo_url: str) -> dict[str, str]:
    """The files of an example by path in its repository; the ApplicationSet reads from `repo_url`. Raises KeyError."""
    if name not in NAMES:
        raise KeyError(name)
    root = Path(__file__).parent / name
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        f"{MANIFESTS}/{path.relative_to(root).as_posix()}": path.read_text("utf-8").replace("REPO_URL", repo_url)
        for path in files
    }
