"""What GitOps asks of git: which commit a revision is, its files, and who wrote it.

Owns: the `Repositories` port, `CommitInfo`, and the errors in the user's words.
Must not know: how git stores anything (see `local.py`). Type-only: deciding modules may import it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from canarium.errors import CanariumError
from canarium.gitops.tree import PathOutside, Tree


class GitError(CanariumError):
    """A repository that does not answer as it should."""


class RepositoryUnreachable(GitError):
    """There is no repository at that address, or it cannot be read."""


class RemoteNotBuilt(RepositoryUnreachable):
    """The address needs the network; canarium reads repositories on this machine only, so far."""


class RevisionNotFound(GitError):
    """The repository has no such branch, tag or commit."""


class SymlinkOutside(PathOutside):
    """A symbolic link in a commit that points out of the repository."""


class CommitInfo(msgspec.Struct, frozen=True):
    """Who wrote a commit, when (aware, in the author's zone), and what they said."""

    sha: str
    message: str
    author: str
    date: datetime
    parents: tuple[str, ...] = ()


class Repositories(Protocol):
    """Read-only access to git repositories by URL. Nothing a repository contains is ever executed."""

    def resolve(self, repo_url: str, revision: str = "HEAD") -> str:
        """The full commit sha of a branch, tag, sha, short sha, or HEAD (also `""`).
        Raises RepositoryUnreachable, RevisionNotFound."""
        ...

    def tree(self, repo_url: str, sha: str) -> Tree:
        """The files of a commit, without a checkout. Raises RepositoryUnreachable, RevisionNotFound."""
        ...

    def info(self, repo_url: str, sha: str) -> CommitInfo:
        """A commit's metadata. Raises RepositoryUnreachable, RevisionNotFound."""
        ...
