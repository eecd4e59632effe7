"""Git repositories on this machine, read in-process.

Owns: addresses (`/path`, `file://…`), opening, revisions to commits. dulwich is imported on first use.
Must not know: what the files mean. Hooks, filters and fsmonitor are never run: objects and refs are read directly.
Revisions resolve as `git ls-remote` and Argo CD's repo-server do: HEAD, branch, tag, full ref, sha, short sha.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from canarium.gitops.git.commit_tree import CommitTree, Objects
from canarium.gitops.git.repositories import CommitInfo, RemoteNotBuilt, RepositoryUnreachable, RevisionNotFound

if TYPE_CHECKING:
    from dulwich.objects import Commit
    from dulwich.repo import Repo

SCP_LIKE = re.compile(r"^[^/:@\s]+@[^/:\s]+:")
SHORT_SHA = re.compile(r"^[0-9a-f]{7,40}$")
FULL_SHA = 40
NAMES_SHOWN = 8
KEPT_TREES = 32
KEPT_COMMITS = 1024


def local_path(repo_url: str) -> Path:
    """The folder a repository address names. Raises RemoteNotBuilt for http, ssh and the like, RepositoryUnreachable
    for what is no address at all."""
    parts = urlsplit(repo_url)
    if SCP_LIKE.match(repo_url) or (parts.scheme not in ("", "file") and len(parts.scheme) > 1):
        raise RemoteNotBuilt(
            f"repository {repo_url!r} is on the network, and reading from there is not built",
            next_step="Clone it, and set repoURL to the clone: /path/to/clone or file:///path/to/clone.",
        )
    path = unquote(parts.path) if parts.scheme == "file" else repo_url
    if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
        raise RepositoryUnreachable(
            f"repository {repo_url!r} names the host {parts.netloc!r}",
            next_step="A file URL has three slashes: file:///.",
        )
    if not os.path.isabs(path):
        raise RepositoryUnreachable(
            f"repository {repo_url!r} is not an absolute path",
            next_step="Set repoURL to /path/to/repo or file:///path.",
        )
    return Path(path)


class LocalRepositories:
    """See `Repositories`. Repositories stay open until `close()`; refs are read anew on each `resolve`."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Repo, Objects]] = {}
        self._trees: dict[tuple[str, str], CommitTree] = {}
        self._commits: dict[tuple[str, bytes], Commit] = {}

    def resolve(self, repo_url: str, revision: str = "HEAD") -> str:
        """See `Repositories`."""
        repo, _ = self._repository(repo_url)
        if (repo_url, revision.encode()) in self._commits and len(revision) == FULL_SHA:
            return revision
        for ref in _candidates(revision):
            try:
                sha = repo.refs[ref]  # type: ignore[index]  # dulwich's Ref is a NewType of bytes
            except (KeyError, ValueError):
                continue
            return self._commit(repo, repo_url, sha, revision).id.decode()
        if SHORT_SHA.match(revision):
            found = sorted(set(repo.object_store.iter_prefix(revision.encode())))
            commits = [sha for sha in found if repo.object_store[sha].type_name in (b"commit", b"tag")]
            if len(commits) == 1:
                return self._commit(repo, repo_url, commits[0], revision).id.decode()
            if commits:
                raise RevisionNotFound(
                    f"revision {revision!r} is the beginning of {len(commits)} commits in {repo_url}",
                    next_step="Write more digits of the sha.",
                )
        if not repo.refs.as_dict():
            raise RevisionNotFound(f"repository {repo_url} has no commits", next_step="Push a commit first.")
        raise RevisionNotFound(
            f"unable to resolve '{revision}' to a commit SHA in {repo_url}",
            next_step=_instead(revision, repo.refs.as_dict()),
        )

    def tree(self, repo_url: str, sha: str) -> CommitTree:
        """See `Repositories`."""
        found = self._trees.get((repo_url, sha))
        if found is None:
            repo, objects = self._repository(repo_url)
            commit = self._commit(repo, repo_url, sha.encode(), sha)
            found = CommitTree(objects, commit.tree)
            if len(self._trees) >= KEPT_TREES:
                self._trees.pop(next(iter(self._trees)))
            self._trees[repo_url, sha] = found
        return found

    def info(self, repo_url: str, sha: str) -> CommitInfo:
        """See `Repositories`."""
        repo, _ = self._repository(repo_url)
        commit = self._commit(repo, repo_url, sha.encode(), sha)
        zone = timezone(timedelta(seconds=commit.author_timezone))
        return CommitInfo(
            sha=commit.id.decode(),
            message=commit.message.decode("utf-8", "replace"),
            author=commit.author.decode("utf-8", "replace"),
            date=datetime.fromtimestamp(commit.author_time, UTC).astimezone(zone),
            parents=tuple(parent.decode() for parent in commit.parents),
        )

    def log(self, repo_url: str, sha: str, *, limit: int = 100) -> list[CommitInfo]:
        """The commit and its first parents, newest first."""
        entries: list[CommitInfo] = []
        while sha and len(entries) < limit:
            entries.append(self.info(repo_url, sha))
            sha = entries[-1].parents[0] if entries[-1].parents else ""
        return entries

    def close(self) -> None:
        """Let go of the files of every repository."""
        for repo, _ in self._open.values():
            repo.close()
        self._open.clear()
        self._trees.clear()
        self._commits.clear()

    def _repository(self, repo_url: str) -> tuple[Repo, Objects]:
        path = local_path(repo_url)
        held = self._open.get(repo_url)
        if held is not None and path.is_dir():
            return held
        from dulwich.errors import NotGitRepository
        from dulwich.repo import Repo

        try:
            repo = Repo(str(path))
        except (NotGitRepository, OSError) as error:
            what = "is not a git repository" if path.exists() else "does not exist"
            raise RepositoryUnreachable(
                f"repository {repo_url!r}: {path} {what}",
                next_step="Set repoURL to a git repository: a working copy or a bare one.",
            ) from error
        if held is not None:
            held[0].close()
            self._commits.clear()
            self._trees.clear()
        opened = (repo, Objects(repo.object_store))
        self._open[repo_url] = opened
        return opened

    def _commit(self, repo: Repo, repo_url: str, sha: bytes, revision: str) -> Commit:
        """The commit that `sha` is, or is a tag of; commits never change, so what was read is kept."""
        known = self._commits.get((repo_url, sha))
        if known is not None:
            return known
        from dulwich.errors import ChecksumMismatch, FileFormatException
        from dulwich.objects import Commit, Tag

        try:
            found = repo.object_store[sha]  # type: ignore[index]  # dulwich's ObjectID is a NewType of bytes
            while isinstance(found, Tag):
                found = repo.object_store[found.object[1]]
        except (KeyError, ValueError, zlib.error, AssertionError, ChecksumMismatch, FileFormatException) as error:
            raise RevisionNotFound(
                f"{repo_url} has no readable commit {sha.decode()} (for revision {revision!r})",
                next_step="Push the commit, or fetch it into this repository.",
            ) from error
        if not isinstance(found, Commit):
            raise RevisionNotFound(f"{revision!r} in {repo_url} is a {found.type_name.decode()}, not a commit")
        if len(self._commits) >= KEPT_COMMITS:
            self._commits.clear()
        self._commits[repo_url, sha] = found
        return found


def _instead(revision: str, refs: Iterable[bytes]) -> str:
    """What to write in place of a revision that is not there."""
    if set(revision) & set("<>=^~*, "):
        return "Ranges of versions are not built: set targetRevision to one branch, tag or commit."
    kinds = (b"refs/heads/", b"refs/tags/")
    names = sorted({ref.removeprefix(kind).decode(errors="replace") for ref in refs for kind in kinds if kind in ref})
    shown = ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
    return f"Set targetRevision to a commit, or to a branch or tag of the repository: {shown}."


def _candidates(revision: str) -> list[bytes]:
    if revision in ("", "HEAD"):
        return [b"HEAD"]
    name = revision.encode("utf-8", "surrogateescape")
    heads = [b"refs/heads/" + name, b"refs/tags/" + name, b"refs/remotes/origin/" + name]
    return [name, *heads] if name.startswith(b"refs/") else heads
