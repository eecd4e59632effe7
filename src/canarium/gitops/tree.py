"""A folder tree to read manifests from: a commit, or a folder on disk.

Owns: the `Tree` port and its in-memory form. Must not know: git. Paths are relative, `/`-separated, normalised,
without a leading slash; `""` is the root. Nothing outside the tree can be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from canarium.errors import CanariumError


class PathOutside(CanariumError):
    """A path that leaves the tree."""


class Tree(Protocol):
    """Read-only files and folders."""

    def read(self, path: str) -> bytes:
        """A file's content. Raises FileNotFoundError, IsADirectoryError."""
        ...

    def is_file(self, path: str) -> bool:
        """Whether a file is there."""
        ...

    def is_dir(self, path: str) -> bool:
        """Whether a folder is there."""
        ...

    def list(self, path: str) -> list[str]:
        """Names (not paths) in a folder, sorted. Raises FileNotFoundError, NotADirectoryError."""
        ...


def resolve(base: str, relative: str) -> str:
    """`relative` as seen from folder `base`. Raises PathOutside when that leaves the tree or is absolute."""
    if relative.startswith("/"):
        raise PathOutside(f"{relative!r} is absolute", next_step="Use a path relative to this file.")
    parts = [part for part in base.split("/") if part]
    for part in relative.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not parts:
                raise PathOutside(f"{relative!r} leaves the repository", next_step="Keep the path inside it.")
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


class MemoryTree:
    """A tree from a mapping of paths to contents."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self._files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self._dirs: dict[str, set[str]] = {"": set()}
        for path in self._files:
            child = path
            while child:
                parent, _, name = child.rpartition("/")
                self._dirs.setdefault(parent, set()).add(name)
                child = parent

    def read(self, path: str) -> bytes:
        """See `Tree`."""
        if path in self._dirs:
            raise IsADirectoryError(path)
        if path not in self._files:
            raise FileNotFoundError(path)
        return self._files[path]

    def is_file(self, path: str) -> bool:
        """See `Tree`."""
        return path in self._files

    def is_dir(self, path: str) -> bool:
        """See `Tree`."""
        return path in self._dirs

    def list(self, path: str) -> list[str]:
        """See `Tree`."""
        if path in self._files:
            raise NotADirectoryError(path)
        if path not in self._dirs:
            raise FileNotFoundError(path)
        return sorted(self._dirs[path])
