"""Refresh and sync, as the page asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarium.gitops.application.requests import RequestRefused
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.cluster import NotFound
from canarium.kube.resources import CONFIG_MAPS
from canarium.web.application_actions import BadRequest, application_action
from tests.gitops.application.test_stories import CONFIG, SERVICE
from tests.gitops.world import World, application, play

FILES = {"shop/service.yaml": SERVICE, "shop/config.yaml": CONFIG}


async def ready(world: World) -> None:
    """An Application that syncs only when somebody asks, compared once."""
    world.push(FILES)
    await world.cluster.create(APPLICATIONS, application(world.origin, automated=None))
    await world.until(lambda app: (app.get("status") or {}).get("sync", {}).get("status") == "OutOfSync")


def test_a_sync_is_done_by_the_controller_in_the_pages_name(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await ready(world)

        told = await application_action(world.cluster, world.clock, "argocd", "shop", "sync", {"prune": True})
        app = await world.until(lambda app: app["status"]["sync"]["status"] == "Synced")

        assert told == "Asked to sync shop and to prune what git no longer has."
        assert await world.there(CONFIG_MAPS, "shop", "settings") is not None
        operation = app["status"]["operationState"]["operation"]
        assert operation["initiatedBy"] == {"username": "canarium-page"}
        assert operation["sync"]["prune"] is True

    play(tmp_path, story)


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await ready(world)

        await application_action(world.cluster, world.clock, "argocd", "shop", "sync", {"dryRun": True})
        app = await world.until(lambda app: bool((app["status"].get("operationState") or {}).get("finishedAt")))

        assert app["status"]["operationState"]["operation"]["sync"]["dryRun"] is True
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None

    play(tmp_path, story)


@pytest.mark.parametrize("action", ["refresh", "hard-refresh"])
def test_a_refresh_has_git_asked_again(tmp_path: Path, action: str) -> None:
    async def story(world: World) -> None:
        await ready(world)
        sha = world.push({"shop/config.yaml": CONFIG.replace("red", "blue")})

        await application_action(world.cluster, world.clock, "argocd", "shop", action, {})
        app = await world.until(lambda app: app["status"]["sync"]["revision"] == sha, seconds=10)

        assert "argocd.argoproj.io/refresh" not in app["metadata"].get("annotations", {})

    play(tmp_path, story)


def test_what_cannot_be_done_is_refused(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await ready(world)
        arguments = (world.cluster, world.clock, "argocd")

        with pytest.raises(NotFound):
            await application_action(*arguments, "other", "sync", {})
        with pytest.raises(BadRequest, match="no action 'explode'"):
            await application_action(*arguments, "shop", "explode", {})
        with pytest.raises(BadRequest, match="prune is not true or false: 'yes'"):
            await application_action(*arguments, "shop", "sync", {"prune": "yes"})
        await world.manager.stop()
        await application_action(*arguments, "shop", "sync", {})
        with pytest.raises(RequestRefused, match="already in progress"):
            await application_action(*arguments, "shop", "sync", {})

    play(tmp_path, story)
