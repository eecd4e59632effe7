"""A resource's manifests: what is there, what git wants, how they differ, and what is not shown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from canarium.gitops.application.desired import Renderings
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.cluster import NotFound
from canarium.kube.resources import CONFIG_MAPS, PODS, SECRETS, SERVICES
from canarium.web.application_actions import application_action
from canarium.web.manifests import resource_manifests
from canarium.web.model import ResourceManifests
from tests.acceptance.lab import NAME, STAGING, STAGING_FILE, Lab, in_lab
from tests.gitops.application.test_stories import CONFIG, SERVICE
from tests.gitops.world import World, application, play

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {password: hunter2, user: ada}
"""
FILES = {"shop/service.yaml": SERVICE, "shop/config.yaml": CONFIG, "shop/secret.yaml": SECRET}


async def manifests(world: World, kind: str, name: str, *, is_remote: bool = False) -> ResourceManifests:
    """A core resource in the namespace `shop`."""
    kinds = world.registry.resource_for
    renderings = None if is_remote else Renderings(world.repositories, kinds)
    return await resource_manifests(world.cluster, kinds, renderings, "argocd", "shop", "", kind, "shop", name)


def synced(tmp_path: Path, story: Callable[[World], Awaitable[None]]) -> None:
    """An Application that was synced once and does not sync itself."""

    async def main(world: World) -> None:
        world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin, automated=None))
        await world.until(lambda app: (app.get("status") or {}).get("sync", {}).get("status") == "OutOfSync")
        await application_action(world.cluster, world.clock, "argocd", "shop", "sync", {})
        await world.until(lambda app: app["status"]["sync"]["status"] == "Synced")
        await story(world)

    play(tmp_path, main)


def changes(found: ResourceManifests) -> list[tuple[str, str]]:
    """The lines that differ."""
    return [(line.kind, line.text.strip()) for line in found.diff if line.kind != " "]


async def status_of(world: World, name: str) -> str:
    """What the controller says of a resource."""
    await world.refresh()
    await world.until(lambda app: not app["metadata"].get("annotations"))
    resources = (await world.app())["status"]["resources"]
    return next(str(one["status"]) for one in resources if one["name"] == name)


def test_what_is_as_git_says_has_no_difference(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        found = await manifests(world, "Service", "shop")

        assert not found.is_modified
        assert changes(found) == []
        assert found.problem == ""
        assert "managedFields" not in found.live
        assert "clusterIP" in found.live
        assert "clusterIP" not in found.desired
        assert found.desired.splitlines()[0] == "apiVersion: v1"

    synced(tmp_path, story)


def test_a_change_by_hand_is_shown_line_by_line_and_agrees_with_the_controller(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.cluster.patch(SERVICES, "shop", "shop", {"spec": {"selector": {"app": "<script>"}}})
        await world.cluster.patch(CONFIG_MAPS, "shop", "settings", {"data": {"added": "by hand"}})

        changed, added = await manifests(world, "Service", "shop"), await manifests(world, "ConfigMap", "settings")

        assert changed.is_modified
        assert changes(changed) == [("-", "app: <script>"), ("+", "app: shop")]
        [gone] = [line for line in changed.diff if line.kind == "-"]
        assert (gone.live, gone.desired) != (None, None)
        assert gone.desired is None
        assert not added.is_modified
        assert await status_of(world, "shop") == "OutOfSync"
        assert await status_of(world, "settings") == "Synced"

    synced(tmp_path, story)


def test_what_is_missing_is_all_new_and_what_git_gave_up_is_all_old(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.cluster.delete(SERVICES, "shop", "shop")
        world.push({"shop/config.yaml": None})
        await world.refresh()
        await world.until(lambda app: any(one.get("requiresPruning") for one in app["status"]["resources"]))

        missing, extra = await manifests(world, "Service", "shop"), await manifests(world, "ConfigMap", "settings")

        assert (missing.live, missing.is_modified) == ("", True)
        assert {line.kind for line in missing.diff} == {"+"}
        assert (extra.desired, extra.is_modified) == ("", True)
        assert {line.kind for line in extra.diff} == {"-"}
        assert "prune" in extra.problem

    synced(tmp_path, story)


def test_the_values_of_secrets_are_never_shown(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        before = await manifests(world, "Secret", "keys")
        other = b64encode(b"hunter3").decode()
        await world.cluster.patch(SECRETS, "shop", "keys", {"data": {"password": other}})
        after = await manifests(world, "Secret", "keys")

        assert not before.is_modified
        assert changes(after) == [("-", "password: ++++++++"), ("+", "password: ++++++++++++")]
        for found in (before, after):
            texts = (found.live, found.desired, *(line.text for line in found.diff))
            for value in ("hunter2", "hunter3", other, b64encode(b"hunter2").decode(), b64encode(b"ada").decode()):
                assert not any(value in text for text in texts)
        assert "password" in after.live

    synced(tmp_path, story)


def test_without_the_repository_it_is_compared_with_what_was_applied_last(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.cluster.patch(SERVICES, "shop", "shop", {"spec": {"selector": {"app": "other"}}})
        note = "kubectl.kubernetes.io/last-applied-configuration"
        await world.cluster.patch(CONFIG_MAPS, "shop", "settings", {"metadata": {"annotations": {note: None}}})

        applied = await manifests(world, "Service", "shop", is_remote=True)
        unknown = await manifests(world, "ConfigMap", "settings", is_remote=True)

        assert changes(applied) == [("-", "app: other"), ("+", "app: shop")]
        assert "applied last" in applied.problem
        assert (unknown.desired, unknown.diff, unknown.is_modified) == ("", (), False)
        assert "argocd app diff" in unknown.problem
        assert "color: red" in unknown.live

    synced(tmp_path, story)


def test_what_does_not_belong_to_the_application_is_not_found(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.cluster.create(SECRETS, {"metadata": {"name": "other", "namespace": "shop"}, "data": {}})
        lie = {
            "apiVersion": "v1",
            "kind": "Service",
            "name": "shop",
            "uid": "somebody-else",
        }
        pod: dict[str, Any] = {
            "metadata": {"name": "stray", "namespace": "shop", "ownerReferences": [lie]},
            "spec": {"containers": [{"name": "a", "image": "b"}]},
        }
        await world.cluster.create(PODS, pod)

        for kind, name in (("Secret", "other"), ("Pod", "stray"), ("Pod", "absent"), ("Node", "node-0")):
            with pytest.raises(NotFound, match="not a resource of the Application shop"):
                await manifests(world, kind, name)

    synced(tmp_path, story)


def test_resources_of_another_cluster_are_not_mistaken_for_namesakes_here(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.manager.stop()
        elsewhere = {"spec": {"destination": {"server": "https://elsewhere.example.com"}}}
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", elsewhere)

        found = await manifests(world, "Service", "shop")

        assert (found.live, found.desired, found.diff) == ("", "", ())
        assert "another cluster" in found.problem

    synced(tmp_path, story)


def test_a_pod_below_a_rollout_is_shown_live_and_an_error_of_rendering_is_told(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        kinds = lab.world.registry.resource_for
        renderings = Renderings(lab.world.repositories, kinds)
        pod = lab.world.all(PODS, STAGING)[0]["metadata"]["name"]
        place = (lab.world.cluster, kinds, renderings, "argocd", "echo-server-staging")

        child = await resource_manifests(*place, "", "Pod", STAGING, pod)
        rollout = await resource_manifests(*place, "argoproj.io", "Rollout", STAGING, NAME)
        lab.push({STAGING_FILE: "\tx"})
        await lab.refresh("echo-server-staging")
        await lab.until(lambda: lab.complaint() or None, "the complaint")
        broken = await resource_manifests(*place, "argoproj.io", "Rollout", STAGING, NAME)

        assert "podIP" in child.live
        assert (child.desired, child.diff, child.is_modified) == ("", (), False)
        assert "not in git" in child.problem
        assert not rollout.is_modified
        assert "replicas: 1" in rollout.desired
        assert "status:" in rollout.live
        assert not any("status:" in line.text for line in rollout.diff)
        assert broken.problem.startswith(f"{STAGING_FILE}:1")
        assert broken.live

    in_lab(tmp_path, scenario)
