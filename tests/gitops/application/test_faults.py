"""Conflicts, lost answers, stale reads, dropped watches and restarts: the end is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.faults import FaultRates
from canarium.kube.resources import CONFIG_MAPS
from tests.gitops.application.test_stories import CONFIG, FILES, is_synced
from tests.gitops.applicationset.test_stories import appset
from tests.gitops.world import World, application, play

FAULTS = FaultRates(
    conflict=0.05,
    timed_out=0.05,
    applied_but_timed_out=0.05,
    stale_read=0.1,
    dropped_watch=0.02,
    repeated_event=0.1,
    late_event_seconds=0.5,
)


@pytest.mark.parametrize("seed", [0, 1, 116, 122, 143])  # the last three once left something behind
def test_an_application_gets_there_whatever_goes_wrong(tmp_path: Path, seed: int) -> None:
    async def story(world: World) -> None:
        first = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin))
        await world.until(is_synced(first), seconds=300)
        metadata = {"name": "stranger", "namespace": "shop"}
        await world.cluster.create(CONFIG_MAPS, {"metadata": metadata, "data": {}})

        second = world.push({"shop/config.yaml": None, "shop/other.yaml": CONFIG.replace("settings", "other")})
        await world.refresh()
        await world.restart()
        app = await world.until(is_synced(second), seconds=600)

        assert [entry["revision"] for entry in app["status"]["history"]] == [first, second]
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None
        assert await world.there(CONFIG_MAPS, "shop", "stranger") is not None
        await world.cluster.delete(APPLICATIONS, "argocd", "shop")
        await world.advance(seconds=120)
        assert await world.there(APPLICATIONS, "argocd", "shop") is None
        assert await world.there(CONFIG_MAPS, "shop", "other") is None

    play(tmp_path, story, seed=seed, faults=FAULTS)


@pytest.mark.parametrize("seed", range(2))
def test_an_application_set_gets_there_whatever_goes_wrong(tmp_path: Path, seed: int) -> None:
    async def story(world: World) -> None:
        world.push({"overlays/prod/a.yaml": CONFIG, "overlays/dev/a.yaml": CONFIG})
        await world.cluster.create(APPLICATION_SETS, appset(world.origin))
        await world.advance(seconds=20)
        await world.restart()
        world.push({"overlays/dev/a.yaml": None})
        await world.advance(seconds=240)

        apps = (await world.cluster.list(APPLICATIONS)).items
        assert [app["metadata"]["name"] for app in apps] == ["shop-prod"]
        assert apps[0]["status"]["sync"]["status"] == "Synced"

    play(tmp_path, story, seed=seed, faults=FAULTS)


def test_the_same_seed_gives_the_same_event_log(tmp_path: Path) -> None:
    def run(name: str) -> list[str]:
        async def story(world: World) -> None:
            # a repository at the same address in both worlds: addresses are part of what is logged
            sha = world.push(FILES)
            await world.cluster.create(APPLICATIONS, application(world.origin))
            await world.until(is_synced(sha), seconds=60)

        folder = tmp_path / name
        folder.mkdir()
        world = play(folder, story, faults=FAULTS)
        return [str(entry).replace(str(folder), "") for entry in world.journal.entries]

    assert run("first") == run("other")
