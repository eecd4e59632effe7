"""The files of one commit, read from git's own objects.

Owns: walking tree objects, symbolic links inside a commit, the cache of objects already read.
Must not know: refs, URLs, working copies. There is no checkout, hence no hook, filter or fsmonitor that could run.
"""

from __future__ import annotations

import stat
import zlib
from typing import TYPE_CHECKING

from canarium.errors import CanariumError
from canarium.gitops.git.repositories import GitError, SymlinkOutside
from canarium.gitops.tree import PathOutside, resolve

if TYPE_CHECKING:
    from dulwich.object_store import BaseObjectStore
    from dulwich.objects import ShaFile

MAX_LINKS = 40
"""As Linux: more symbolic links on the way to one file is a loop."""
CACHED_BYTES = 64 * 1024 * 1024
SUBMODULE = 0o160000
NO_ENTRIES: dict[str, Entry] = {}

Entry = tuple[int, bytes]
"""A tree entry: mode, and the sha of what it names."""


class BrokenRepository(GitError):
    """Objects that a commit names are not there, or cannot be read."""


class LinkLoop(CanariumError):
    """Symbolic links that lead in a circle."""


class Objects:
    """Blobs and trees of one repository by sha; what was read is kept (objects never change)."""

    def __init__(self, store: BaseObjectStore) -> None:
        self._store = store
        self._trees: dict[bytes, dict[str, Entry]] = {}
        self._blobs: dict[bytes, bytes] = {}
        self._bytes = 0

    def entries(self, sha: bytes) -> dict[str, Entry]:
        """Name to entry. Bytes of a name that are not UTF-8 become U+FFFD. Raises BrokenRepository."""
        found = self._trees.get(sha)
        if found is None:
            from dulwich.objects import Tree

            tree = self._load(sha)
            if not isinstance(tree, Tree):
                raise BrokenRepository(f"object {sha.decode()} is a {tree.type_name.decode()}, not a folder")
            found = {item.path.decode("utf-8", "replace"): (item.mode, bytes(item.sha)) for item in tree.items()}
            self._trees[sha] = found
        return found

    def blob(self, sha: bytes) -> bytes:
        """A file's content. Raises BrokenRepository."""
        found = self._blobs.get(sha)
        if found is None:
            found = self._load(sha).as_raw_string()
            if self._bytes + len(found) > CACHED_BYTES:
                self._blobs.clear()
                self._bytes = 0
            self._blobs[sha] = found
            self._bytes += len(found)
        return found

    def _load(self, sha: bytes) -> ShaFile:
        from dulwich.errors import ChecksumMismatch, FileFormatException

        try:
            return self._store[sha]  # type: ignore[index]  # dulwich's ObjectID is a NewType of bytes
        except (
            KeyError,
            ValueError,
            OSError,
            zlib.error,
            AssertionError,
            ChecksumMismatch,
            FileFormatException,
        ) as error:
            raise BrokenRepository(
                f"object {sha.decode()} is missing or damaged",
                next_step="Run git fsck in the repository, and fetch it again from where it came.",
            ) from error


class CommitTree:
    """A commit's files as a `Tree`. Symbolic links are followed inside the repository and refused beyond it."""

    def __init__(self, objects: Objects, root: bytes) -> None:
        self._objects = objects
        self._root: Entry = (stat.S_IFDIR, root)
        self._found: dict[str, Entry | None] = {"": self._root}

    def _entry(self, path: str, links: int = MAX_LINKS) -> Entry | None:
        if path in self._found:
            return self._found[path]
        found = self._look_up(path, links)
        self._found[path] = found
        return found

    def _look_up(self, path: str, links: int) -> Entry | None:
        folder, _, name = path.rpartition("/")
        parent = self._entry(folder, links)
        if parent is None or not stat.S_ISDIR(parent[0]):
            return None
        entry = self._objects.entries(parent[1]).get(name)
        if entry is None or not stat.S_ISLNK(entry[0]):
            return entry
        target = self._objects.blob(entry[1]).decode("utf-8", "replace")
        if links == 0:
            raise LinkLoop(f"{path!r} is a symbolic link that leads in a circle", next_step="Remove the link.")
        try:
            return self._entry(resolve(folder, target), links - 1)
        except PathOutside as error:
            raise SymlinkOutside(
                f"{path!r} is a symbolic link to {target!r}, which is outside the repository",
                next_step="Replace the link by the file it should be.",
            ) from error

    def read(self, path: str) -> bytes:
        """See `Tree`."""
        entry = self._entry(path)
        if entry is None:
            raise FileNotFoundError(path)
        if not stat.S_ISREG(entry[0]):
            raise IsADirectoryError(path)
        return self._objects.blob(entry[1])

    def is_file(self, path: str) -> bool:
        """See `Tree`."""
        entry = self._entry(path)
        return entry is not None and stat.S_ISREG(entry[0])

    def is_dir(self, path: str) -> bool:
        """See `Tree`. A submodule is an empty folder: submodules are not fetched."""
        entry = self._entry(path)
        return entry is not None and not stat.S_ISREG(entry[0])

    def real_dirs(self, path: str) -> list[str]:
        """Names of the folders in a folder that are not symbolic links, sorted: what a directory walk enters."""
        entry = self._entry(path)
        if entry is None or not stat.S_ISDIR(entry[0]):
            return []
        entries = self._objects.entries(entry[1])
        return sorted(name for name, (mode, _) in entries.items() if stat.S_ISDIR(mode) or mode == SUBMODULE)

    def list(self, path: str) -> list[str]:
        """See `Tree`."""
        entry = self._entry(path)
        if entry is None:
            raise FileNotFoundError(path)
        if stat.S_ISREG(entry[0]):
            raise NotADirectoryError(path)
        return sorted(self._objects.entries(entry[1])) if entry[0] != SUBMODULE else []
