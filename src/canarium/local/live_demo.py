"""The demo in real time: the Silent Canary in a local cluster of its own, gone without a trace afterwards.

Owns: the cluster's folder, ports and kubeconfig, the engineer's repository with its remote URL, the event log, starting
and taking down. Must not know: terminals, signals.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from canarium.clock import Clock
from canarium.gitops.git.repositories import GitError
from canarium.gitops.git.working_copy import WorkingCopy
from canarium.journal import Journal
from canarium.kube.kubeconfig import Entry, add_context
from canarium.kube.server.serving import PortBusy
from canarium.lab.silent_canary import REPO_URL, Beat, Ending, SilentCanary, Telling, write_example
from canarium.lab.world import World
from canarium.local.cluster import APPLICATIONS_PORT, METRICS_PORT, ROLLOUTS_PORT, Doors, LocalCluster
from canarium.local.folder import DataFolder
from canarium.local.front_doors import Page
from canarium.nodes.loopback import LOOPBACK

NAME = "canarium-demo"
SCRAPE_SECONDS = 5.0
"""How often Prometheus scrapes here: nobody wants to look on for a minute to see a number change."""


class LiveDemo(msgspec.Struct, frozen=True):
    """What is running. ports: by name, as `Doors` has them. directory: the engineer's working copy."""

    world: World
    copy: WorkingCopy
    directory: Path
    kubeconfig: Path
    ports: dict[str, int]
    cluster: LocalCluster

    async def play(self, tell: Callable[[Beat], None], waiting: Callable[[str], None]) -> Ending:
        """The whole story, each beat told as it happens. Raises StoryBroke, NeverHappened, and what a controller died
        of."""
        ending: Ending | None = None
        telling = Telling(is_push_noticed=True, waiting=waiting)
        async for beat in SilentCanary(self.world, self.copy, telling).play():
            if isinstance(beat, Ending):
                ending = beat
            else:
                tell(beat)
        assert ending is not None, "the story has an end"
        return ending


def _doors() -> Doors:
    usual = {"api": 0, "applications": APPLICATIONS_PORT, "rollouts": ROLLOUTS_PORT, "metrics": METRICS_PORT}
    try:
        return Doors({name: (port, "") for name, port in usual.items()})
    except PortBusy:
        return Doors(dict.fromkeys(usual, (0, "")))


@asynccontextmanager
async def live_demo(
    clock: Clock,
    folder: Path,
    directory: Path,
    *,
    journal: Journal | None = None,
    page: Callable[[LocalCluster], Page] | None = None,
) -> AsyncIterator[LiveDemo]:
    """A local cluster that is up for as long as this is entered: its page on the usual ports, or where one of them is
    taken, on free ones.

    folder: takes its state and its kubeconfig. directory: where the engineer's repository is made, its bare origin
    beside it. journal: hears everything that happens.
    page: see `LocalCluster`. Raises GitError when `directory` is not empty.
    """
    origin = directory.with_name(directory.name + ".git")
    write_example(directory, origin, repo_url=REPO_URL, at=clock.now()).close()
    copy = PublishedCopy(directory, origin)
    try:
        data = DataFolder(folder / "state")
        data.make()
        doors = _doors()
        try:
            cluster = LocalCluster(
                data,
                directory,
                doors,
                clock,
                seed=secrets.token_hex(16),
                scrape_seconds=SCRAPE_SECONDS,
                journal=journal,
                page=page,
            )
        except BaseException:
            doors.close()
            raise
        try:
            await cluster.start()
            kubeconfig = folder / "kubeconfig"
            entry = Entry(
                name=NAME,
                server=f"https://{LOOPBACK}:{doors.ports['api']}",
                ca_pem=data.authority.read_bytes(),
                token=cluster.tokens.admin,
            )
            await add_context(kubeconfig, entry, clock)
            yield LiveDemo(cluster.world, copy, directory, kubeconfig, doors.ports, cluster)
        finally:
            await cluster.stop()
    finally:
        copy.close()


class PublishedCopy(WorkingCopy):
    """A working copy whose remote has an address of the wide world and is pushed to a repository on this machine, as
    git itself does it with `remote.origin.pushurl`."""

    def __init__(self, path: Path, origin: Path) -> None:
        super().__init__(path)
        self._origin = origin
        config = self._repo.get_config()
        config.set((b"remote", b"origin"), b"url", REPO_URL.encode())
        config.set((b"remote", b"origin"), b"pushurl", str(origin).encode())
        config.write_to_path()

    def push(self) -> str:
        """See `WorkingCopy`; nobody else pushes to this origin."""
        from dulwich.repo import Repo

        head = self.head
        if head is None:
            raise GitError(f"{self.path} has no commits to push", next_step="Commit first.")
        branch = self._repo.refs.follow(b"HEAD")[0][-1].removeprefix(b"refs/heads/")  # type: ignore[arg-type]  # NewType of bytes
        sha = head.encode()
        with Repo(str(self._origin)) as origin:
            self._repo.fetch(origin)
            origin.refs[b"refs/heads/" + branch] = sha  # type: ignore[index,assignment]  # NewTypes of bytes
        self._repo.refs[b"refs/remotes/origin/" + branch] = sha  # type: ignore[index,assignment]  # likewise
        return head
