"""Real repositories, written by canarium and judged by git itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from canarium.gitops.git.local import LocalRepositories
from canarium.gitops.git.repositories import (
    GitError,
    RemoteNotBuilt,
    RepositoryUnreachable,
    RevisionNotFound,
    SymlinkOutside,
)
from canarium.gitops.git.working_copy import PushRejected, WorkingCopy, init_origin

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ADA = "Ada <ada@example.com>"


def git(path: Path, *args: str) -> str:
    result = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", str(path), *args],
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[WorkingCopy]:
    init_origin(tmp_path / "origin.git")
    made = WorkingCopy.init(tmp_path / "work", origin=tmp_path / "origin.git")
    yield made
    made.close()


@pytest.fixture
def repositories() -> Iterator[LocalRepositories]:
    made = LocalRepositories()
    yield made
    made.close()


def first(copy: WorkingCopy) -> str:
    copy.write({"apps/shop/rollout.yaml": "kind: Rollout\n", "README.md": "hello\n"})
    return copy.commit("Add the shop", author=ADA, at=AT)


def test_git_itself_logs_checks_and_clones_what_was_pushed(copy: WorkingCopy, tmp_path: Path) -> None:
    sha = first(copy)
    copy.push()

    assert git(tmp_path / "origin.git", "log", "--format=%H %an %ae %s %cI") == (
        f"{sha} Ada ada@example.com Add the shop 2026-01-05T09:00:00+00:00"
    )
    assert git(tmp_path / "origin.git", "fsck", "--strict", "--full") == ""
    assert git(copy.path, "status", "--porcelain=v2", "--branch").splitlines()[-1] == "# branch.ab +0 -0"
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    assert (tmp_path / "clone/apps/shop/rollout.yaml").read_text() == "kind: Rollout\n"


def test_the_same_writes_give_the_same_sha(copy: WorkingCopy, tmp_path: Path) -> None:
    other = WorkingCopy.init(tmp_path / "other", origin=tmp_path / "origin.git")

    assert first(copy) == first(other)
    other.close()


@pytest.mark.parametrize("revision", ["", "HEAD", "main", "refs/heads/main", "v1", "v2", "sha", "short", "topic/x"])
def test_every_way_to_name_a_commit(
    revision: str, copy: WorkingCopy, tmp_path: Path, repositories: LocalRepositories
) -> None:
    sha = first(copy)
    copy.push()
    origin = tmp_path / "origin.git"
    git(origin, "tag", "v1", sha)
    git(origin, "tag", "-a", "-m", "annotated", "v2", sha)
    git(origin, "branch", "topic/x", sha)
    named = {"sha": sha, "short": sha[:8]}.get(revision, revision)

    assert repositories.resolve(str(origin), named) == sha
    assert repositories.resolve(origin.as_uri(), named) == sha


def test_a_tree_is_read_from_the_commit_not_from_the_folder(copy: WorkingCopy, repositories: LocalRepositories) -> None:
    sha = first(copy)
    (copy.path / "README.md").write_text("edited by hand\n")

    tree = repositories.tree(str(copy.path), sha)

    assert tree.read("README.md") == b"hello\n"
    assert tree.list("") == ["README.md", "apps"]
    assert tree.list("apps/shop") == ["rollout.yaml"]
    assert tree.is_dir("apps")
    assert not tree.is_file("apps")
    assert not tree.is_file("nowhere/at/all")
    for path, error in (("apps", IsADirectoryError), ("nowhere", FileNotFoundError)):
        with pytest.raises(error):
            tree.read(path)
    with pytest.raises(NotADirectoryError):
        tree.list("README.md")


def test_packed_and_hand_made_commits_are_seen_too(
    copy: WorkingCopy, tmp_path: Path, repositories: LocalRepositories
) -> None:
    first(copy)
    copy.push()
    origin = tmp_path / "origin.git"
    assert repositories.resolve(str(origin)) == copy.head
    git(copy.path, "commit", "-q", "--allow-empty", "-m", "by hand")
    git(copy.path, "push", "-q", "origin", "main")
    git(origin, "gc", "-q")
    git(origin, "pack-refs", "--all")

    sha = repositories.resolve(str(origin), "main")

    assert sha == git(copy.path, "rev-parse", "HEAD")
    assert repositories.info(str(origin), sha).message == "by hand\n"
    assert [entry.message for entry in repositories.log(str(origin), sha)] == ["by hand\n", "Add the shop\n"]
    assert repositories.tree(str(origin), sha).read("README.md") == b"hello\n"


def test_a_removed_file_is_gone_from_the_next_commit(copy: WorkingCopy, repositories: LocalRepositories) -> None:
    first(copy)
    copy.remove("apps/shop/rollout.yaml")
    sha = copy.commit("Remove the shop", author=ADA, at=AT + timedelta(minutes=1))

    assert repositories.tree(str(copy.path), sha).list("") == ["README.md"]
    assert git(copy.path, "status", "--porcelain") == ""


def test_who_wrote_a_commit_and_when(copy: WorkingCopy, repositories: LocalRepositories) -> None:
    sha = first(copy)

    found = repositories.info(str(copy.path), sha)

    assert (found.sha, found.author, found.message, found.date) == (sha, ADA, "Add the shop\n", AT)


def test_a_symlink_inside_is_followed_and_one_that_leaves_is_refused(
    copy: WorkingCopy, repositories: LocalRepositories
) -> None:
    first(copy)
    for name, target in (("inside", "apps/shop"), ("outside", "../../etc"), ("loop", "loop"), ("root", "/etc")):
        (copy.path / name).symlink_to(target)
    git(copy.path, "add", "-A")
    git(copy.path, "commit", "-q", "-m", "links")
    tree = repositories.tree(str(copy.path), repositories.resolve(str(copy.path)))

    assert tree.read("inside/rollout.yaml") == b"kind: Rollout\n"
    for path in ("outside/passwd", "root/passwd"):
        with pytest.raises(SymlinkOutside, match="outside the repository"):
            tree.read(path)
    with pytest.raises(GitError.__base__ or Exception, match="circle"):
        tree.read("loop")


def test_hooks_and_fsmonitor_of_a_repository_never_run(
    copy: WorkingCopy, tmp_path: Path, repositories: LocalRepositories
) -> None:
    witness = tmp_path / "ran"
    for repo in (copy.path / ".git", tmp_path / "origin.git"):
        (repo / "hooks").mkdir(exist_ok=True)
        for hook in (
            "pre-commit",
            "post-commit",
            "pre-push",
            "update",
            "post-receive",
            "post-update",
            "reference-transaction",
        ):
            (repo / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {witness}\n")
            (repo / "hooks" / hook).chmod(0o755)
    git(copy.path, "config", "core.fsmonitor", f"touch {witness}")

    first(copy)
    copy.push()
    repositories.tree(str(copy.path), repositories.resolve(str(copy.path))).read("README.md")

    assert not witness.exists()


def test_a_push_that_would_lose_commits_is_refused(copy: WorkingCopy, tmp_path: Path) -> None:
    first(copy)
    copy.push()
    other = WorkingCopy.init(tmp_path / "other", origin=tmp_path / "origin.git")
    other.write({"x": "y"})
    other.commit("Unrelated", author=ADA, at=AT)

    with pytest.raises(PushRejected, match="has commits that"):
        other.push()
    other.close()


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("https://github.com/x/y.git", RemoteNotBuilt, "not built"),
        ("ssh://git@github.com/x/y", RemoteNotBuilt, "not built"),
        ("git@github.com:x/y.git", RemoteNotBuilt, "not built"),
        ("/no/such/folder", RepositoryUnreachable, "/no/such/folder does not exist"),
        ("file:///no/such/folder", RepositoryUnreachable, "/no/such/folder does not exist"),
        ("file://host/x", RepositoryUnreachable, "three slashes"),
        ("relative/path", RepositoryUnreachable, "not an absolute path"),
        ("/usr", RepositoryUnreachable, "is not a git repository"),
    ],
)
def test_an_address_that_cannot_be_read_says_why_and_what_next(
    url: str, error: type[Exception], says: str, repositories: LocalRepositories
) -> None:
    with pytest.raises(error, match=says):
        repositories.resolve(url)


@pytest.mark.parametrize("revision", ["nope", "0123456", "v9", "../../etc/passwd", "refs/heads/nope"])
def test_an_unknown_revision_is_named(revision: str, copy: WorkingCopy, repositories: LocalRepositories) -> None:
    first(copy)

    with pytest.raises(RevisionNotFound, match="unable to resolve") as told:
        repositories.resolve(str(copy.path), revision)
    assert told.value.next_step == "Set targetRevision to a commit, or to a branch or tag of the repository: main."


@pytest.mark.parametrize("revision", ["v1.*", ">=1.0", "~1.2", "1 - 2"])
def test_a_range_of_versions_is_said_not_to_be_built(
    revision: str, copy: WorkingCopy, repositories: LocalRepositories
) -> None:
    first(copy)

    with pytest.raises(RevisionNotFound, match="unable to resolve") as told:
        repositories.resolve(str(copy.path), revision)
    assert told.value.next_step.startswith("Ranges of versions are not built")


def test_a_repository_without_commits_says_so(copy: WorkingCopy, repositories: LocalRepositories) -> None:
    with pytest.raises(RevisionNotFound, match="no commits"):
        repositories.resolve(str(copy.path))


def test_a_folder_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")

    with pytest.raises(GitError, match="not empty"):
        init_origin(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "garbage", "truncated", "empty"])
def test_a_damaged_object_is_named(damage: str, copy: WorkingCopy, repositories: LocalRepositories) -> None:
    sha = first(copy)
    blob = git(copy.path, "rev-parse", "HEAD:README.md")
    file = copy.path / ".git/objects" / blob[:2] / blob[2:]
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes({"garbage": b"x" * 40, "truncated": content[:-6], "empty": b""}[damage])

    with pytest.raises(GitError, match=f"object {blob} is missing or damaged"):
        repositories.tree(str(copy.path), sha).read("README.md")
