"""The rows of Applications and ApplicationSets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canarium.errors import CanariumError
from canarium.gitops.git.repositories import CommitInfo
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.controller.manager import Manager
from canarium.web.views.applications import ApplicationRows, ApplicationSetRows, Commits, generator_words, troubles
from tests.acceptance.lab import Lab, in_lab

SHA = "a" * 40


class Unreadable:
    """Repositories that answer nothing, and count how often they were asked."""

    def __init__(self) -> None:
        self.asked = 0

    def resolve(self, repo_url: str, revision: str = "HEAD") -> str:
        """See `Repositories`."""
        raise CanariumError(f"{repo_url} {revision}")

    def tree(self, repo_url: str, sha: str) -> Any:
        """See `Repositories`."""
        raise CanariumError(f"{repo_url} {sha}")

    def info(self, repo_url: str, sha: str) -> CommitInfo:
        """See `Repositories`."""
        self.asked += 1
        raise CanariumError(f"{repo_url} {sha}")


def test_rows_tell_commit_sync_health_and_the_set_that_made_them(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        manager = Manager(lab.world.cluster, lab.clock)
        rows = ApplicationRows(manager.listers, lab.clock, lab.world.repositories)
        blind = ApplicationRows(manager.listers, lab.clock, None)
        sets = ApplicationSetRows(manager.listers, lab.clock)
        await manager.start()
        try:
            row = rows.row("argocd/echo-server-staging")
            unread = blind.row("argocd/echo-server-staging")
            one = sets.row("argocd/echo-server")
        finally:
            await manager.stop()

        assert list(rows.keys()) == ["argocd/echo-server-prod", "argocd/echo-server-staging"]
        assert row is not None
        assert (row.sync, row.health, row.operation, row.problem) == ("Synced", "Healthy", "Succeeded", "")
        assert (row.commit.message, row.commit.author) == ("Change something", "Engineer <engineer@example.com>")
        assert row.commit.date.endswith("Z")
        assert (row.set, row.is_automated, row.destination_namespace) == ("echo-server", True, "echo-staging")
        assert unread is not None
        assert (unread.commit.sha, unread.commit.message) == (row.commit.sha, "")
        assert one is not None
        assert one.applications == ("argocd/echo-server-prod", "argocd/echo-server-staging")
        assert [text.partition(":")[0] for text in one.generators] == ["git directories"]
        assert one.conditions == ()
        assert list(sets.concerned(APPLICATIONS, lab.app())) == ["argocd/echo-server"]
        assert list(sets.concerned(APPLICATION_SETS, lab.world.all(APPLICATION_SETS)[0])) == ["argocd/echo-server"]

    in_lab(tmp_path, scenario)


def test_a_commit_that_cannot_be_read_is_asked_for_once() -> None:
    repositories = Unreadable()
    commits = Commits(repositories)

    found = [commits.commit("https://git.example.com/x.git", SHA) for _ in range(3)]

    assert {(one.sha, one.message) for one in found} == {(SHA, "")}
    assert repositories.asked == 1


@pytest.mark.parametrize(
    ("generator", "words"),
    [
        ({"list": {"elements": [{"a": "1"}, {"a": "2"}]}}, ["list: 2 elements"]),
        ({"list": {"elements": [{"a": "1"}]}}, ["list: 1 element"]),
        (
            {"git": {"directories": [{"path": "apps/*"}, {"path": "apps/old", "exclude": True}]}},
            ["git directories: apps/*, not apps/old"],
        ),
        ({"clusters": {}}, ["clusters"]),
    ],
    ids=["two elements", "one element", "directories", "another"],
)
def test_generators_in_words(generator: dict[str, Any], words: list[str]) -> None:
    assert generator_words(generator) == words


def test_only_conditions_of_trouble_are_told_and_one_message_once() -> None:
    bad = [
        {"type": "ErrorOccurred", "status": "True", "message": "no such folder"},
        {"type": "ParametersGenerated", "status": "False", "message": "no such folder"},
        {"type": "ResourcesUpToDate", "status": "False", "message": "no such folder"},
    ]
    good = [{**one, "status": "True" if one["status"] == "False" else "False"} for one in bad]

    assert troubles(bad) == ("ErrorOccurred: no such folder",)
    assert troubles(good) == ()
