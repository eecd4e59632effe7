"""What the options of a sync do: each has an effect that can be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from canarium.gitops.application.diff import with_ignored_fields
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.objects import Obj, format_time
from canarium.kube.resources import CONFIG_MAPS, NAMESPACES, SERVICES
from tests.gitops.application.test_stories import CONFIG, SERVICE, is_synced
from tests.gitops.application.test_troubles import changed, ended, operation
from tests.gitops.world import World, application, play

MAKES_NAMESPACE = "CreateNamespace=true"
APPROVED = "argocd.argoproj.io/deletion-approved"


def annotated(manifest: str, **annotations: str) -> str:
    pairs = ", ".join(f"argocd.argoproj.io/{name.replace('_', '-')}: '{text}'" for name, text in annotations.items())
    return manifest.replace("{name: ", f"{{annotations: {{{pairs}}}, name: ", 1)


def test_metadata_of_the_namespace_is_managed(tmp_path: Path) -> None:
    """Labels and annotations are put on; what others put there stays; a change of them is a reason to sync."""

    async def story(world: World) -> None:
        sha = world.push({"shop/config.yaml": CONFIG})
        metadata = {"labels": {"team": "ada"}, "annotations": {"note": "hello"}}
        await world.cluster.create(APPLICATIONS, application(world.origin, managedNamespaceMetadata=metadata))
        app = await world.until(is_synced(sha), seconds=5)
        results = {one["kind"]: one["message"] for one in operation(app)["syncResult"]["resources"]}
        assert results["Namespace"] == "namespace/shop serverside-applied"
        await world.cluster.patch(NAMESPACES, "", "shop", {"metadata": {"labels": {"by": "hand"}}})

        policy = {"syncPolicy": {"managedNamespaceMetadata": {"labels": {"team": "bob"}}}}
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", {"spec": policy})
        await world.advance(seconds=5)

        found = (await world.cluster.get(NAMESPACES, "", "shop"))["metadata"]
        assert {"team": "bob", "by": "hand"}.items() <= found["labels"].items()
        assert found["annotations"]["note"] == "hello"
        assert is_synced(sha)(await world.app())

    play(tmp_path, story)


def test_only_what_differs_is_applied_if_that_is_wanted(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push({"shop/config.yaml": CONFIG, "shop/service.yaml": SERVICE})
        options = [MAKES_NAMESPACE, "ApplyOutOfSyncOnly=true"]
        await world.cluster.create(APPLICATIONS, application(world.origin, syncOptions=options))
        await world.until(ended("Succeeded"), seconds=5)

        sha = world.push({"shop/config.yaml": CONFIG.replace("red", "blue")})
        await world.refresh()
        app = await world.until(is_synced(sha), seconds=5)

        assert [one["kind"] for one in operation(app)["syncResult"]["resources"]] == ["ConfigMap"]

    play(tmp_path, story)


def test_ignored_fields_survive_a_sync_if_that_is_wanted(tmp_path: Path) -> None:
    rule = {"kind": "ConfigMap", "jsonPointers": ["/data/color"]}

    async def story(world: World) -> None:
        world.push({"shop/config.yaml": CONFIG})
        app = application(world.origin, syncOptions=[MAKES_NAMESPACE, "RespectIgnoreDifferences=true"])
        await world.cluster.create(APPLICATIONS, changed(app, ignoreDifferences=[rule]))
        await world.until(ended("Succeeded"), seconds=5)
        await world.cluster.patch(CONFIG_MAPS, "shop", "settings", {"data": {"color": "pink"}})

        sha = world.push({"shop/config.yaml": CONFIG.replace("{color: red}", "{color: red, size: '2'}")})
        await world.refresh()
        await world.until(is_synced(sha), seconds=5)

        assert (await world.cluster.get(CONFIG_MAPS, "shop", "settings"))["data"] == {"color": "pink", "size": "2"}

    play(tmp_path, story)


def test_an_ignored_field_inside_a_list_takes_only_its_own_value_from_the_cluster() -> None:
    def deployment(**container: Any) -> Obj:
        containers = [{"name": "a", **container}, {"name": "b", "image": "b:1"}]
        spec = {"template": {"spec": {"containers": containers}}}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}

    pointers = ["/spec/template/spec/containers/0/image"]
    found = with_ignored_fields(deployment(image="a:1", tty=True), deployment(image="a:2", tty=False), pointers)

    assert found == deployment(image="a:2", tty=True)


def test_what_asks_for_it_is_pruned_only_once_somebody_approves(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        kept = annotated(CONFIG, sync_options="Prune=confirm")
        world.push({"shop/config.yaml": kept, "shop/service.yaml": SERVICE})
        await world.cluster.create(APPLICATIONS, application(world.origin))
        app = await world.until(ended("Succeeded"), seconds=5)
        assert [one.get("requiresDeletionConfirmation") for one in app["status"]["resources"]] == [True, None]

        sha = world.push({"shop/config.yaml": None})
        await world.refresh()
        waiting = "waiting for pruning confirmation of /ConfigMap/settings"
        await world.until(lambda app: operation(app).get("message") == waiting, seconds=5)
        await world.advance(minutes=10)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is not None

        approval = {"metadata": {"annotations": {APPROVED: format_time(world.clock.now())}}}
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", approval)
        await world.until(is_synced(sha), seconds=10)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None

    play(tmp_path, story)


def test_what_asks_for_it_is_deleted_with_the_application_only_once_somebody_approves(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push({"shop/config.yaml": annotated(CONFIG, sync_options="Delete=confirm")})
        await world.cluster.create(APPLICATIONS, application(world.origin))
        await world.until(is_synced(sha), seconds=5)

        await world.cluster.delete(APPLICATIONS, "argocd", "shop")
        await world.advance(minutes=10)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is not None

        approval = {"metadata": {"annotations": {APPROVED: format_time(world.clock.now())}}}
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", approval)
        await world.advance(seconds=30)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None
        assert await world.there(APPLICATIONS, "argocd", "shop") is None

    play(tmp_path, story)


def test_two_seconds_pass_between_waves(tmp_path: Path) -> None:
    """So that other controllers notice what a wave did before the next one counts on it."""

    async def story(world: World) -> None:
        sha = world.push(
            {
                "shop/service.yaml": annotated(SERVICE, sync_wave="1"),
                "shop/config.yaml": annotated(CONFIG, sync_wave="2"),
            }
        )
        await world.cluster.create(APPLICATIONS, application(world.origin))
        while await world.there(SERVICES, "shop", "shop") is None:
            await world.advance(seconds=0.1)

        await world.advance(seconds=1.7)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None
        await world.advance(seconds=1.4)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is not None
        assert "observedAt" not in (await world.until(is_synced(sha), seconds=5))["status"]

    play(tmp_path, story)


def test_a_kind_that_nobody_serves_keeps_everything_from_being_applied(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        thing = "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: a}\n"
        world.push({"shop/x.yaml": thing, "shop/config.yaml": CONFIG})
        await world.cluster.create(APPLICATIONS, application(world.origin, retry={"limit": 0}))
        app = await world.until(ended("Failed"), seconds=5)

        assert operation(app)["message"].startswith("one or more synchronization tasks are not valid: The Kubernetes ")
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None

        skip = {"spec": {"syncPolicy": {"syncOptions": [MAKES_NAMESPACE, "SkipDryRunOnMissingResource=true"]}}}
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", skip)
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", {"operation": {"sync": {}}})
        await world.advance(seconds=5)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is not None

    play(tmp_path, story)


def test_a_resource_that_another_application_has_fails_the_sync_if_that_is_wanted(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push({"shop/config.yaml": CONFIG})
        first = application(world.origin)
        await world.cluster.create(APPLICATIONS, {**first, "metadata": {**first["metadata"], "name": "first"}})
        await world.until(is_synced(sha), name="first", seconds=5)

        options = [MAKES_NAMESPACE, "FailOnSharedResource=true"]
        app = application(world.origin, syncOptions=options, retry={"limit": 0})
        await world.cluster.create(APPLICATIONS, app)
        app = await world.until(ended("Failed"), seconds=5)

        told = "Shared resource found: ConfigMap/settings is part of applications argocd/shop and first"
        assert operation(app)["message"] == told

    play(tmp_path, story)


def test_a_partial_sync_applies_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        here, there = CONFIG, CONFIG.replace("{name: settings}", "{name: settings, namespace: default}")
        world.push({"shop/here.yaml": here, "shop/there.yaml": there})
        await world.cluster.create(APPLICATIONS, application(world.origin, automated=None))
        await world.until(lambda app: "sync" in (app.get("status") or {}), seconds=5)

        chosen = {"kind": "ConfigMap", "name": "settings", "namespace": "default"}
        operation = {"operation": {"sync": {"resources": [chosen]}}}
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", operation)
        app = await world.until(ended("Succeeded"), seconds=5)

        assert await world.there(CONFIG_MAPS, "default", "settings") is not None
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None
        assert "history" not in app["status"]

    play(tmp_path, story)
