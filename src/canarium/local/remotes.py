"""Which repository on this machine stands for a repoURL, and noticing pushes to it.

Owns: the remotes of the user's working copy, and asking for a refresh when a branch moved. Must not know: Applications
beyond their sources. A repoURL that equals a remote of the working copy is read from that remote if it is on this
machine, and else from the working copy's own objects (`refs/remotes/…`), as far as it was fetched or pushed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.gitops.git.local import SCP_LIKE, local_path
from canarium.gitops.git.repositories import CommitInfo, Repositories, RepositoryUnreachable, RevisionNotFound
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.gitops.tree import Tree
from canarium.kube.cluster import ApiError, Cluster

LOOK_SECONDS = 3.0
_READERS = (
    (APPLICATION_SETS, "argocd.argoproj.io/application-set-refresh", "true"),
    (APPLICATIONS, "argocd.argoproj.io/refresh", "normal"),
)
"""Who reads repositories, and the annotation that asks each to look again."""


class Remote(msgspec.Struct, frozen=True):
    """Where a remote is read. tracking: the remote's name in the working copy at `path`, whose remote-tracking branches
    stand for it; empty where `path` is the remote itself."""

    path: Path
    tracking: str = ""
    branch: str = ""


def remotes_of(working_copy: Path) -> dict[str, Remote]:
    """Each remote's URL, and where on this machine it is read. Raises CanariumError for no repository."""
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    try:
        with Repo(str(working_copy)) as repo:
            config = repo.get_config()
            urls = {
                section[1].decode(): config.get(section, b"url").decode()
                for section in config.sections()
                if section[0] == b"remote" and len(section) > 1 and _has(config, section)
            }
            head = repo.refs.read_ref(b"HEAD") or b""  # type: ignore[arg-type]  # dulwich's Ref is a NewType of bytes
    except (NotGitRepository, OSError) as error:
        raise CanariumError(
            f"{working_copy} is not a git working copy",
            next_step="Run this in one, name one, or make the example: canarium init silent-canary DIR",
        ) from error
    branch = head.removeprefix(b"ref: refs/heads/").decode() if head.startswith(b"ref: refs/heads/") else ""
    found: dict[str, Remote] = {}
    for name, url in urls.items():
        is_address = "://" in url or url.startswith("/") or SCP_LIKE.match(url)
        try:
            remote = Remote(local_path(url if is_address else str((working_copy / url).resolve())))
        except RepositoryUnreachable:
            remote = Remote(working_copy, name, branch)
        found[url] = found[_without_suffix(url)] = remote
    return found


def _has(config: Any, section: tuple[bytes, ...]) -> bool:
    try:
        config.get(section, b"url")
    except KeyError:
        return False
    return True


def _without_suffix(url: str) -> str:
    """Argo CD takes `…/repo.git` and `…/repo` for the same."""
    return url.removesuffix("/").removesuffix(".git")


class LocalRemotes:
    """Serves the remotes of a working copy from this machine, and every other address as it is. See `Repositories`."""

    def __init__(self, inner: Repositories, remotes: Mapping[str, Remote]) -> None:
        self._inner = inner
        self._remotes = remotes

    def _remote(self, repo_url: str) -> Remote | None:
        return self._remotes.get(repo_url) or self._remotes.get(_without_suffix(repo_url))

    def _local(self, repo_url: str) -> str:
        remote = self._remote(repo_url)
        return repo_url if remote is None else str(remote.path)

    def resolve(self, repo_url: str, revision: str = "HEAD") -> str:
        """See `Repositories`. Where the working copy stands for a remote, its own branches do not count."""
        remote, local = self._remote(repo_url), self._local(repo_url)
        if remote is not None and remote.tracking:
            names = ("HEAD", remote.branch) if revision in ("", "HEAD") else (revision,)
            for name in names:
                with suppress(RevisionNotFound):
                    return self._inner.resolve(local, f"refs/remotes/{remote.tracking}/{name}")
        return self._inner.resolve(local, revision)

    def tree(self, repo_url: str, sha: str) -> Tree:
        """See `Repositories`."""
        return self._inner.tree(self._local(repo_url), sha)

    def info(self, repo_url: str, sha: str) -> CommitInfo:
        """See `Repositories`."""
        return self._inner.info(self._local(repo_url), sha)


class PushWatch:
    """Asks for a refresh of what reads a branch that moved, so that a push is seen without anybody asking."""

    def __init__(self, cluster: Cluster, repositories: Repositories, clock: Clock) -> None:
        self._cluster = cluster
        self._repositories = repositories
        self._clock = clock
        self._heads: dict[tuple[str, str], str] = {}
        self._is_first = True

    async def run(self) -> None:
        """Look every few seconds, for ever."""
        while True:
            with suppress(ApiError):  # the next look comes soon
                await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Compare each branch with what it was at the last look. Raises ApiError."""
        heads: dict[tuple[str, str], str] = {}
        for resource, annotation, value in _READERS:
            for obj in (await self._cluster.list(resource)).items:
                sources = list(_sources(obj))
                for source in sources:
                    if source not in heads:
                        heads[source] = self._head(*source)
                is_unseen = self._is_first and resource is APPLICATION_SETS  # they do not say what they saw last
                if is_unseen or any(self._has_moved(obj, source, heads[source]) for source in sources if heads[source]):
                    metadata = obj["metadata"]
                    patch = {"metadata": {"annotations": {annotation: value}}}
                    await self._cluster.patch(resource, metadata["namespace"], metadata["name"], patch)
        self._heads |= {source: head for source, head in heads.items() if head}
        self._is_first = False

    def _has_moved(self, obj: Mapping[str, Any], source: tuple[str, str], head: str) -> bool:
        """Whether a branch is elsewhere than at the last look; at the first one, than where the Application saw it."""
        seen = ((obj.get("status") or {}).get("sync") or {}).get("revision")
        return head != self._heads.get(source, seen or head)

    def _head(self, repo_url: str, revision: str) -> str:
        try:
            return self._repositories.resolve(repo_url, revision)
        except CanariumError:
            return ""  # the Application's own condition tells


def _sources(obj: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(repoURL, revision) of an Application's sources, or of an ApplicationSet's git generators at any depth."""
    spec = obj.get("spec") or {}
    for source in [spec.get("source") or {}, *(spec.get("sources") or ())]:
        if source.get("repoURL"):
            yield source["repoURL"], source.get("targetRevision") or "HEAD"
    waiting = list(spec.get("generators") or ())
    while waiting:
        generator = waiting.pop()
        git = generator.get("git") or {}
        if git.get("repoURL"):
            yield git["repoURL"], git.get("revision") or "HEAD"
        for nested in ("matrix", "merge"):
            waiting += (generator.get(nested) or {}).get("generators") or ()
