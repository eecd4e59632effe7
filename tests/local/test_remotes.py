"""A remote of the user's working copy is read from this machine, and a push to it is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarium.clock import DEFAULT_START, Clock
from canarium.errors import CanariumError
from canarium.gitops.crds import CRDS
from canarium.gitops.git.local import LocalRepositories
from canarium.gitops.git.repositories import RemoteNotBuilt
from canarium.gitops.git.working_copy import WorkingCopy, init_origin
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import annotations_of
from canarium.kube.resources import CUSTOM_RESOURCE_DEFINITIONS
from canarium.local.remotes import LocalRemotes, PushWatch, remotes_of
from tests.kube.worlds import in_cluster

AUTHOR = "Engineer <engineer@example.com>"


@pytest.fixture
def copy(tmp_path: Path) -> WorkingCopy:
    init_origin(tmp_path / "origin.git")
    made = WorkingCopy.init(tmp_path / "copy", origin=tmp_path / "origin.git")
    commit(made, "one")
    return made


def commit(copy: WorkingCopy, text: str) -> str:
    copy.write({"file": text})
    sha = copy.commit(text, author=AUTHOR, at=DEFAULT_START)
    copy.push()
    return sha


def test_a_remote_on_this_machine_is_read_there_with_and_without_its_suffix(copy: WorkingCopy, tmp_path: Path) -> None:
    repositories = LocalRemotes(LocalRepositories(), remotes_of(tmp_path / "copy"))

    head = repositories.resolve(str(tmp_path / "origin.git"))

    assert repositories.resolve(str(tmp_path / "origin")) == head
    assert repositories.info(str(tmp_path / "origin"), head).message.strip() == "one"


def test_a_remote_on_the_network_is_read_as_far_as_it_was_pushed_or_fetched(copy: WorkingCopy, tmp_path: Path) -> None:
    pushed = copy.head
    assert pushed is not None
    git = tmp_path / "copy" / ".git"
    (git / "refs" / "remotes" / "origin").mkdir(parents=True, exist_ok=True)
    (git / "refs" / "remotes" / "origin" / "main").write_text(pushed + "\n")
    config = git / "config"
    config.write_text(config.read_text().replace(str(tmp_path / "origin.git"), "https://git.example.com/team/shop.git"))
    copy.write({"file": "not pushed"})
    copy.commit("not pushed", author=AUTHOR, at=DEFAULT_START)
    repositories = LocalRemotes(LocalRepositories(), remotes_of(tmp_path / "copy"))

    for revision in ("HEAD", "main"):
        assert repositories.resolve("https://git.example.com/team/shop", revision) == pushed
    with pytest.raises(RemoteNotBuilt):
        repositories.resolve("https://git.example.com/another.git", "HEAD")


def test_a_folder_without_git_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CanariumError, match=r"is not a git working copy\n  .*canarium init silent-canary"):
        remotes_of(tmp_path)


def test_a_push_asks_the_application_that_reads_the_branch_to_refresh(copy: WorkingCopy, tmp_path: Path) -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        for crd in CRDS:
            await cluster.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
        for name, url in (("mine", str(tmp_path / "origin.git")), ("other", str(tmp_path / "nowhere"))):
            source = {"repoURL": url, "path": ".", "targetRevision": "HEAD"}
            spec = {"project": "default", "source": source, "destination": {"namespace": "default"}}
            await cluster.create(APPLICATIONS, {"metadata": {"name": name, "namespace": "default"}, "spec": spec})
        watch = PushWatch(cluster, LocalRepositories(), clock)

        async def refreshed() -> list[str]:
            apps = (await cluster.list(APPLICATIONS)).items
            return [app["metadata"]["name"] for app in apps if "argocd.argoproj.io/refresh" in annotations_of(app)]

        await watch.look()
        assert await refreshed() == []

        commit(copy, "two")
        await watch.look()
        assert await refreshed() == ["mine"]

    in_cluster(main)


def test_a_push_before_the_first_look_is_noticed_too(copy: WorkingCopy, tmp_path: Path) -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        for crd in CRDS:
            await cluster.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
        source = {"repoURL": str(tmp_path / "origin.git"), "path": ".", "targetRevision": "HEAD"}
        spec = {"project": "default", "source": source, "destination": {"namespace": "default"}}
        await cluster.create(APPLICATIONS, {"metadata": {"name": "mine", "namespace": "default"}, "spec": spec})
        seen = {"status": {"sync": {"status": "Synced", "revision": copy.head}}}
        await cluster.patch(APPLICATIONS, "default", "mine", seen)
        commit(copy, "two")

        await PushWatch(cluster, LocalRepositories(), clock).look()

        assert "argocd.argoproj.io/refresh" in annotations_of(await cluster.get(APPLICATIONS, "default", "mine"))

    in_cluster(main)
