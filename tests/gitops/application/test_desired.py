"""What is compared, as it is shown; and two texts side by side."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarium.gitops.application import diff
from canarium.gitops.application.desired import Renderings, sides
from canarium.gitops.application.diff import LAST_APPLIED, with_last_applied
from canarium.gitops.application.textdiff import MATCHED_LINES, diff_lines
from canarium.gitops.git.repositories import CommitInfo
from canarium.gitops.tree import MemoryTree, Tree
from canarium.kube.objects import Obj

TARGET: Obj = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


def live(**spec: Any) -> Obj:
    """The Service as the API server keeps it after an apply, with changes by hand."""
    applied = with_last_applied(TARGET)
    metadata = {**applied["metadata"], "uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-02T03:04:05Z"}
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    defaulted = {"clusterIP": "10.0.0.1", "selector": {"app": "web"}, "ports": ports, "type": "ClusterIP"}
    return {**applied, "metadata": metadata, "spec": {**defaulted, **spec}, "status": {"loadBalancer": {}}}


def test_defaults_and_the_servers_bookkeeping_are_left_out_of_what_is_shown() -> None:
    left, right = sides(TARGET, live())

    assert left == right == TARGET


@pytest.mark.parametrize(
    "change",
    [{}, {"selector": {"app": "other"}}, {"type": "NodePort"}, {"ports": [{"port": 81}]}, {"selector": None}],
    ids=["as applied", "changed", "a default changed", "a list changed", "taken away"],
)
def test_both_sides_are_equal_exactly_when_nothing_is_modified(change: dict[str, Any]) -> None:
    there = live(**change)

    left, right = sides(TARGET, there)

    assert (left != right) is diff.is_modified(TARGET, there)


def test_a_field_that_git_gave_up_is_shown_as_going() -> None:
    before = {**TARGET, "spec": {**TARGET["spec"], "sessionAffinity": "ClientIP"}}
    there = {**live(), "spec": {**live()["spec"], "sessionAffinity": "ClientIP"}}
    there["metadata"] = {**there["metadata"], "annotations": with_last_applied(before)["metadata"]["annotations"]}

    left, right = sides(TARGET, there)

    assert left["spec"]["sessionAffinity"] == "ClientIP"
    assert "sessionAffinity" not in right["spec"]
    assert LAST_APPLIED not in left["metadata"].get("annotations", {})


def test_ignored_differences_are_no_differences() -> None:
    left, right = sides(TARGET, live(selector={"app": "other"}), ["/spec/selector"])

    assert left == right


class OneCommit:
    """A repository with one commit, and how often its files were asked for."""

    def __init__(self, files: dict[str, bytes | str]) -> None:
        self.asked = 0
        self._tree = MemoryTree(files)

    def resolve(self, repo_url: str, revision: str = "HEAD") -> str:
        """See `Repositories`."""
        del repo_url, revision
        return "a" * 40

    def tree(self, repo_url: str, sha: str) -> Tree:
        """See `Repositories`."""
        del repo_url, sha
        self.asked += 1
        return self._tree

    def info(self, repo_url: str, sha: str) -> CommitInfo:
        """See `Repositories`."""
        raise NotImplementedError(repo_url, sha)


def test_a_commit_is_rendered_once_and_as_it_was_compared() -> None:
    """The spec has moved on to another folder since; what is shown belongs to the comparison in the status."""
    repositories = OneCommit({"a/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"})
    renderings = Renderings(repositories, lambda *_: None)
    source = {"repoURL": "r", "path": "a", "targetRevision": "HEAD"}
    app = {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"source": {**source, "path": "b"}, "destination": {"namespace": "shop"}},
        "status": {"sync": {"revision": "a" * 40, "comparedTo": {"source": source}}},
    }

    first, second = renderings.compared(app), renderings.compared(app)

    assert first is not None
    assert first is second
    assert repositories.asked == 1
    assert [obj["metadata"]["name"] for obj in first.objects] == ["x"]
    assert str(renderings.at(app, "a" * 40).error).startswith("spec.source.path: b: app path does not exist")
    assert renderings.compared({**app, "status": {}}) is None


# -- texts ------------------------------------------------------------------------------------------------------------


def test_lines_carry_their_numbers_on_both_sides() -> None:
    assert [tuple(line) for line in diff_lines("a\nb\nc\n", "a\nx\ny\nc\n")] == [
        (" ", "a", 1, 1),
        ("-", "b", 2, None),
        ("+", "x", None, 2),
        ("+", "y", None, 3),
        (" ", "c", 3, 4),
    ]


def test_long_texts_are_replaced_as_a_whole() -> None:
    left, right = (f"{word}\n" * (MATCHED_LINES + 1) for word in ("a", "b"))

    kinds = [line.kind for line in diff_lines(left, right)]

    assert kinds == ["-"] * (MATCHED_LINES + 1) + ["+"] * (MATCHED_LINES + 1)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_both_texts_can_be_read_out_of_their_difference(left: list[str], right: list[str]) -> None:
    lines = diff_lines("\n".join(left), "\n".join(right))

    assert [line.text for line in lines if line.kind != "+"] == left
    assert [line.text for line in lines if line.kind != "-"] == right
    assert [line.left for line in lines if line.left] == list(range(1, len(left) + 1))
    assert [line.right for line in lines if line.right] == list(range(1, len(right) + 1))
