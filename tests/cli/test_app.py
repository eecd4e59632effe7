"""`canarium app`, against the Application controller in virtual time."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from click.testing import CliRunner

from canarium.cli.app import app_group, work
from canarium.cli.app.waiting import Wanted
from canarium.cli.plugin.request import Output
from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.gitops.application.requests import RequestRefused, sync_operation
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.resources import CONFIG_MAPS, SERVICES
from tests.gitops.application.test_stories import CONFIG, SERVICE
from tests.gitops.world import World, application, play

FILES = {"shop/service.yaml": SERVICE, "shop/config.yaml": CONFIG}


class Place(NamedTuple):
    """A session with the world of a test."""

    cluster: Cluster
    clock: Clock
    namespace: str = "default"


async def run(world: World, command: Callable[..., Awaitable[int]], *arguments: Any, **options: Any) -> tuple[int, str]:
    """Do a command's work. Returns its exit code, and what it printed with the error at the end."""
    stream = io.StringIO()
    try:
        code = await command(Place(world.cluster, world.clock), Output(stream, stream), *arguments, **options)
    except CanariumError as error:
        return -1, f"{stream.getvalue()}{error.problem}\n"
    return code, stream.getvalue()


def sync_options(**options: Any) -> dict[str, Any]:
    """What `app sync` hands over when no flag is given."""
    plain = {"prune": False, "dry_run": False, "revision": "", "is_async": False, "timeout": 60, "username": "ada"}
    return {"namespace": "argocd", **plain, **options}


def on_demand(tmp_path: Path, story: Callable[[World, str], Awaitable[None]]) -> None:
    """An Application that syncs only when somebody asks, compared once, and the commit that it wants."""

    async def main(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin, automated=None))
        await world.until(lambda app: (app.get("status") or {}).get("sync", {}).get("status") == "OutOfSync")
        await story(world, sha)

    play(tmp_path, main)


def test_sync_brings_everything_into_the_cluster_and_tells_how_it_ended(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        code, printed = await run(world, work.sync, "shop", **sync_options())

        assert code == 0
        assert f"Sync Revision:      {sha}\nPhase:              Succeeded\n" in printed
        assert f"Sync Status:        Synced to HEAD ({sha[:7]})\n" in printed
        assert (await world.cluster.get(CONFIG_MAPS, "shop", "settings"))["data"] == {"color": "red"}
        state = (await world.app())["status"]["operationState"]
        assert state["operation"]["initiatedBy"] == {"username": "ada"}

    on_demand(tmp_path, story)


def test_a_second_sync_ends_at_once_although_nothing_changes(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        await run(world, work.sync, "shop", **sync_options())
        await world.advance(seconds=30)
        began = world.clock.monotonic()

        code, printed = await run(world, work.sync, "shop", **sync_options())

        assert (code, world.clock.monotonic() - began < 10) == (0, True), printed

    on_demand(tmp_path, story)


def test_a_dry_run_changes_nothing_and_ends_in_the_words_of_the_controller(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        code, printed = await run(world, work.sync, "shop", **sync_options(dry_run=True))

        state = (await world.app())["status"]["operationState"]
        assert state["operation"]["sync"]["dryRun"] is True
        assert f"Message:            {state['message']}\n" in printed
        assert (code == 0) == (state["phase"] == "Succeeded")
        assert await world.there(SERVICES, "shop", "shop") is None

    on_demand(tmp_path, story)


def test_a_sync_that_may_not_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push(FILES)
        app = await world.cluster.create(APPLICATIONS, application(world.origin))

        assert await run(world, work.sync, "shop", **sync_options(revision="v1")) == (
            -1,
            "Cannot sync to v1: auto-sync currently set to HEAD\n",
        )
        with pytest.raises(RequestRefused, match="another operation is already in progress"):
            sync_operation({**app, "operation": {"sync": {}}}, **_flags())

    play(tmp_path, story)


def _flags() -> dict[str, Any]:
    return {"prune": False, "dry_run": False, "revision": "", "username": "ada"}


def test_diff_names_what_is_out_of_sync_and_says_so_with_its_exit_code(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        options = {"namespace": "argocd", "refresh": "", "timeout": 60, "has_exit_code": True}
        code, printed = await run(world, work.diff, "shop", **options)
        assert (code, printed.splitlines()[:2]) == (
            1,
            ["===== /ConfigMap shop/settings ======", "OutOfSync: a sync would create it"],
        )

        await run(world, work.sync, "shop", **sync_options())
        assert await run(world, work.diff, "shop", **options) == (0, "")

        world.push({"shop/config.yaml": None})
        code, printed = await run(world, work.diff, "shop", **{**options, "refresh": "normal"})
        assert (code, printed.splitlines()[1]) == (1, "OutOfSync: a sync would prune it")

    on_demand(tmp_path, story)


def test_a_sync_that_leaves_something_to_prune_fails_unless_it_prunes(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        await run(world, work.sync, "shop", **sync_options())
        world.push({"shop/config.yaml": None})

        code, printed = await run(world, work.sync, "shop", **sync_options())
        assert (code, printed.splitlines()[-1]) == (-1, "1 resources require pruning")
        code, printed = await run(world, work.sync, "shop", **sync_options(prune=True))

        assert code == 0, printed
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None

    on_demand(tmp_path, story)


def test_get_can_look_at_git_first(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        second = world.push({"shop/config.yaml": CONFIG.replace("red", "blue")})
        options = {"namespace": "argocd", "form": "wide", "shows_operation": False, "timeout": 60}

        _, before = await run(world, work.get, "shop", refresh="", **options)
        _, after = await run(world, work.get, "argocd/shop", refresh="hard", **options)
        _, document = await run(world, work.get, "shop", refresh="", **{**options, "form": "yaml"})

        assert f"OutOfSync from HEAD ({sha[:7]})" in before
        assert f"OutOfSync from HEAD ({second[:7]})" in after
        assert yaml.safe_load(document)["status"]["sync"]["revision"] == second

    on_demand(tmp_path, story)


def test_a_refresh_that_nobody_does_is_given_up(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        await world.manager.stop()

        code, printed = await run(
            world, work.refresh_app, "shop", namespace="argocd", kind="normal", timeout=5, is_async=False
        )

        assert (code, printed) == (
            -1,
            'timed out (5s) waiting for the refresh of app "shop"; is its controller running?\n',
        )

    on_demand(tmp_path, story)


def test_wait_ends_when_the_application_is_in_sync_and_says_so_when_it_is_not_in_time(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        wanted = Wanted(sync=True, operation=True)
        code, printed = await run(world, work.wait, "shop", namespace="argocd", wanted=wanted, timeout=5)
        assert (code, printed.splitlines()[-1]) == (-1, 'timed out (5s) waiting for app "shop" match desired state')

        waiting = asyncio.create_task(run(world, work.wait, "shop", namespace="argocd", wanted=wanted, timeout=60))
        await run(world, work.sync, "shop", **sync_options(is_async=True))
        code, printed = await waiting
        assert (code, f"Synced to HEAD ({sha[:7]})" in printed) == (0, True)

    on_demand(tmp_path, story)


def test_wait_fails_when_the_application_is_deleted(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        waiting = asyncio.create_task(
            run(world, work.wait, "shop", namespace="argocd", wanted=Wanted(sync=True), timeout=0)
        )
        await world.advance(seconds=1)
        await world.cluster.delete(APPLICATIONS, "argocd", "shop")

        code, printed = await waiting

        assert (code, printed.splitlines()[-1]) == (-1, 'applications.argoproj.io "shop" not found')

    on_demand(tmp_path, story)


def test_list_and_history(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        await run(world, work.sync, "shop", **sync_options())
        options = {"namespace": "argocd", "project": "", "labels": ""}

        _, table = await run(world, work.list_apps, form="table", **options)
        _, names = await run(world, work.list_apps, form="name", **options)
        _, nothing = await run(world, work.list_apps, form="name", **{**options, "project": "other"})
        _, history = await run(world, work.history, "shop", namespace="argocd", form="wide")
        _, ids = await run(world, work.history, "shop", namespace="argocd", form="id")

        assert table.splitlines()[1].split() == [
            "argocd/shop",
            "https://kubernetes.default.svc",
            "shop",
            "default",
            "Synced",
            "Healthy",
            "Manual",
            "<none>",
        ]
        assert (names, nothing, ids) == ("argocd/shop\n", "", "0\n")
        assert history.splitlines()[1].split() == ["ID", "DATE", "REVISION"]
        assert history.splitlines()[2].endswith(f"HEAD ({sha[:7]})")

    on_demand(tmp_path, story)


def test_an_unknown_application_is_not_found(tmp_path: Path) -> None:
    async def story(world: World, sha: str) -> None:
        with pytest.raises(NotFound):
            await work.sync(
                Place(world.cluster, world.clock), Output(io.StringIO(), io.StringIO()), "x", **sync_options()
            )

    on_demand(tmp_path, story)


def test_a_command_that_fails_exits_as_argocd_does(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")

    assert CliRunner().invoke(app_group, ["get", "shop", "--kubeconfig", missing]).exit_code == 20
    assert CliRunner().invoke(app_group, ["diff", "shop", "--kubeconfig", missing]).exit_code == 2
