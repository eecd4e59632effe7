"""A folder on disk as a `Tree`.

Owns: reading files below one root, and refusing symbolic links that lead out of it. Must not know: git.
"""

from __future__ import annotations

from pathlib import Path

from canarium.gitops.tree import PathOutside


class FolderTree:
    """See `Tree`. root: nothing above it can be read."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def _path(self, path: str) -> Path:
        """The real place of a path. Raises PathOutside for a link that leaves the root."""
        found = (self._root / path).resolve()
        if not found.is_relative_to(self._root):
            raise PathOutside(
                f"{path!r} is a link that leaves {self._root}", next_step="Copy the file, or move it inside."
            )
        return found

    def read(self, path: str) -> bytes:
        """See `Tree`."""
        return self._path(path).read_bytes()

    def is_file(self, path: str) -> bool:
        """See `Tree`."""
        return self._path(path).is_file()

    def is_dir(self, path: str) -> bool:
        """See `Tree`."""
        return self._path(path).is_dir()

    def list(self, path: str) -> list[str]:
        """See `Tree`."""
        return sorted(child.name for child in self._path(path).iterdir() if child.name != ".git")
