"""A working copy with an origin, written in-process: what an engineer's `git add`, `commit` and `push` leave behind.

Owns: init, write, commit, push. Must not know: what the files are for. dulwich is imported on first use.
Author and time are arguments, so the same writes give the same shas. The result is an ordinary repository that git
itself logs, clones and checks. No hook of it is run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from canarium.gitops.git.repositories import GitError, RepositoryUnreachable
from canarium.gitops.tree import resolve

if TYPE_CHECKING:
    from dulwich.object_store import BaseObjectStore
    from dulwich.objects import ObjectID
    from dulwich.repo import Repo

BRANCH = "main"


class PushRejected(GitError):
    """The origin has commits that this working copy does not have."""


def init_origin(path: Path, *, branch: str = BRANCH) -> None:
    """Create a bare repository. Raises GitError if something is there already."""
    from dulwich.repo import Repo

    require_empty(path)
    path.mkdir(parents=True, exist_ok=True)
    Repo.init_bare(str(path), default_branch=branch.encode()).close()


class WorkingCopy:
    """A repository with files, and a bare `origin` beside it."""

    def __init__(self, path: Path) -> None:
        """Open an existing one. Raises RepositoryUnreachable."""
        from dulwich.errors import NotGitRepository
        from dulwich.repo import Repo

        try:
            self._repo: Repo = Repo(str(path))
        except NotGitRepository as error:
            raise RepositoryUnreachable(
                f"{path} is not a git working copy", next_step="Create it with `canarium init`, or `git clone`."
            ) from error
        self.path = path

    @classmethod
    def init(cls, path: Path, *, origin: Path, branch: str = BRANCH) -> WorkingCopy:
        """Create one whose branch follows `origin`'s. Raises GitError if something is there already."""
        from dulwich.repo import Repo

        require_empty(path)
        path.mkdir(parents=True, exist_ok=True)
        repo = Repo.init(str(path), default_branch=branch.encode())
        config = repo.get_config()
        config.set((b"remote", b"origin"), b"url", os.fsencode(origin))
        config.set((b"remote", b"origin"), b"fetch", b"+refs/heads/*:refs/remotes/origin/*")
        config.set((b"branch", branch.encode()), b"remote", b"origin")
        config.set((b"branch", branch.encode()), b"merge", b"refs/heads/" + branch.encode())
        config.write_to_path()
        repo.close()
        return cls(path)

    @property
    def head(self) -> str | None:
        """The sha of the current commit; None before the first."""
        try:
            return self._repo.refs[b"HEAD"].decode()  # type: ignore[index]  # dulwich's Ref is a NewType of bytes
        except KeyError:
            return None

    def read(self, path: str) -> str:
        """A file's text."""
        return (self.path / resolve("", path)).read_text("utf-8")

    def write(self, files: Mapping[str, str]) -> None:
        """Write files by path (folders are made as needed); they are part of the next commit."""
        self._stage({path: text.encode() for path, text in files.items()})

    def remove(self, *paths: str) -> None:
        """Remove files; they are gone from the next commit. Raises FileNotFoundError."""
        self._stage(dict.fromkeys(paths))

    def commit(self, message: str, *, author: str, at: datetime) -> str:
        """Commit what was written. author: `Name <address>`; at: aware. Returns the sha."""
        from dulwich.index import commit_tree
        from dulwich.objects import Commit

        index = self._repo.open_index()
        store = self._repo.object_store
        made = Commit()
        made.tree = commit_tree(store, index.iterobjects())
        parent = self.head
        made.parents = [parent.encode()] if parent else []  # type: ignore[list-item]  # a NewType of bytes
        made.author = made.committer = author.encode()
        made.author_time = made.commit_time = int(at.timestamp())
        offset = at.utcoffset()
        assert offset is not None, "a commit's time must be aware"
        made.author_timezone = made.commit_timezone = int(offset.total_seconds())
        made.message = message.rstrip("\n").encode() + b"\n"
        store.add_object(made)
        self._repo.refs[b"HEAD"] = made.id  # type: ignore[index]  # dulwich's Ref is a NewType of bytes
        return made.id.decode()

    def push(self) -> str:
        """Send the current branch to origin. Returns the sha. Raises PushRejected, RepositoryUnreachable."""
        from dulwich.errors import NotGitRepository
        from dulwich.repo import Repo

        head = self.head
        if head is None:
            raise GitError(f"{self.path} has no commits to push", next_step="Commit first.")
        ref = self._repo.refs.follow(b"HEAD")[0][-1]  # type: ignore[arg-type]  # a NewType of bytes
        origin_path = os.fsdecode(self._repo.get_config().get((b"remote", b"origin"), b"url"))
        try:
            origin = Repo(str(self.path / origin_path))
        except (NotGitRepository, OSError) as error:
            raise RepositoryUnreachable(
                f"origin {origin_path} is not a git repository", next_step="Create it again with `git init --bare`."
            ) from error
        try:
            there = origin.refs.as_dict().get(ref)
            if there is not None and not self._has_ancestor(head.encode(), there):
                raise PushRejected(
                    f"{origin_path} has commits that {self.path} does not have",
                    next_step="Pull first: git pull --rebase.",
                )
            _copy(self._repo.object_store, origin.object_store, head.encode())
            origin.refs[ref] = head.encode()  # type: ignore[assignment]  # a NewType of bytes
        finally:
            origin.close()
        followed = b"refs/remotes/origin/" + ref.removeprefix(b"refs/heads/")
        self._repo.refs[followed] = head.encode()  # type: ignore[index,assignment]  # NewTypes of bytes
        return head

    def close(self) -> None:
        """Let go of its files."""
        self._repo.close()

    def _has_ancestor(self, tip: bytes, wanted: bytes) -> bool:
        store, seen, waiting = self._repo.object_store, {tip}, [tip]
        while waiting:
            sha = waiting.pop()
            if sha == wanted:
                return True
            for parent in store[sha].parents:  # type: ignore[index,attr-defined]  # typed for any object
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def _stage(self, changes: Mapping[str, bytes | None]) -> None:
        from dulwich.index import index_entry_from_stat
        from dulwich.objects import Blob

        index = self._repo.open_index()
        for path, content in changes.items():
            inside = resolve("", path)
            file = self.path / inside
            if content is None:
                file.unlink()
                del index[inside.encode()]
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            blob = Blob.from_string(content)
            self._repo.object_store.add_object(blob)
            index[inside.encode()] = index_entry_from_stat(file.lstat(), blob.id)
        index.write()


def _copy(source: BaseObjectStore, target: BaseObjectStore, tip: bytes) -> None:
    """Copy what `tip` reaches and `target` lacks; parts before wholes, so a crash leaves nothing dangling."""
    from dulwich.objects import Commit, Tree

    def copy(sha: ObjectID) -> None:
        if sha in target:
            return
        found = source[sha]
        if isinstance(found, Tree):
            for item in found.items():
                if item.mode != 0o160000:
                    copy(item.sha)
        target.add_object(found)

    commits: list[Commit] = []
    waiting: list[ObjectID] = [tip]  # type: ignore[list-item]  # dulwich's ObjectID is a NewType of bytes
    while waiting:
        sha = waiting.pop()
        if sha not in target and all(sha != known.id for known in commits):
            commit = source[sha]
            assert isinstance(commit, Commit), f"{sha!r} is not a commit"
            commits.append(commit)
            waiting.extend(commit.parents)
    for commit in reversed(commits):
        copy(commit.tree)
        target.add_object(commit)


def require_empty(path: Path) -> None:
    """Raises GitError when something is there already, except an empty folder."""
    if path.exists() and not path.is_dir():
        raise GitError(f"{path} is not a folder", next_step="Choose another place, or remove this file.")
    if path.exists() and any(path.iterdir()):
        raise GitError(f"{path} is not empty", next_step="Choose another folder, or remove this one.")
