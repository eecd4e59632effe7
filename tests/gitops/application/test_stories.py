"""The Application controller from git to cluster, in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.objects import Obj, parse_time
from canarium.kube.resources import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, SERVICES, Resource
from canarium.rollouts.kinds import ROLLOUTS
from tests.gitops.world import World, application, crd, play

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {app: shop}
  ports: [{port: 80, name: http, targetPort: 9898}]
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: red}
"""
ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - {name: shop, image: "stefanprodan/podinfo:6.8.0", ports: [{containerPort: 9898, name: http}]}
  strategy: {canary: {steps: []}}
"""
FILES = {"shop/service.yaml": SERVICE, "shop/config.yaml": CONFIG, "shop/rollout.yaml": ROLLOUT}


def is_synced(revision: str) -> Any:
    def check(app: Obj) -> bool:
        status = app.get("status") or {}
        sync = status.get("sync") or {}
        state = status.get("operationState") or {}
        return sync.get("status") == "Synced" and sync.get("revision") == revision and state.get("phase") == "Succeeded"

    return check


def test_an_application_brings_its_manifests_into_a_namespace_that_it_creates(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin))
        app = await world.until(is_synced(sha), seconds=10)

        service = await world.cluster.get(SERVICES, "shop", "shop")
        assert service["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] == "shop:/Service:shop/shop"
        rollout = await world.cluster.get(ROLLOUTS, "shop", "shop")
        assert rollout["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] == "TCP"
        status = app["status"]
        assert status["operationState"]["message"] == "successfully synced (all tasks run)"
        assert [entry["revision"] for entry in status["history"]] == [sha]
        assert status["history"][0]["id"] == 0
        assert status["history"][0]["initiatedBy"] == {"automated": True}
        assert [(entry["kind"], entry["status"]) for entry in status["resources"]] == [
            ("ConfigMap", "Synced"),
            ("Service", "Synced"),
            ("Rollout", "Synced"),
        ]
        assert status["health"]["status"] == "Progressing"
        assert status["health"]["message"] == "Caused by argoproj.io/Rollout:shop/shop"
        assert status["summary"] == {"images": ["stefanprodan/podinfo:6.8.0"]}
        assert status["sourceType"] == "Directory"
        results = {entry["kind"]: entry for entry in status["operationState"]["syncResult"]["resources"]}
        assert results["Namespace"]["message"] == "namespace/shop created"
        assert results["Rollout"]["message"] == "rollout.argoproj.io/shop created"
        assert "operation" not in app
        assert await world.told() == [
            "ResourceUpdated: Updated sync status:  -> OutOfSync",
            "ResourceUpdated: Updated health status:  -> Missing",
            f"OperationStarted: Initiated automated sync to '{sha}'",
            f"OperationCompleted: Sync operation to {sha} succeeded",
            "ResourceUpdated: Updated sync status: OutOfSync -> Synced",
            "ResourceUpdated: Updated health status: Missing -> Progressing (Caused by argoproj.io/Rollout:shop/shop)",
        ]

    play(tmp_path, story)


def test_git_is_polled_every_three_minutes_and_at_once_on_request(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.cluster.create(APPLICATIONS, application(world.origin))
        first = world.push(FILES)
        await world.refresh()
        await world.until(is_synced(first), seconds=10)
        started = world.clock.now()
        second = world.push({"shop/config.yaml": CONFIG.replace("red", "blue")})

        await world.advance(seconds=150)
        assert (await world.app())["status"]["sync"]["revision"] == first
        app = await world.until(is_synced(second), seconds=60)
        assert 150 < (parse_time(app["status"]["reconciledAt"]) - started).total_seconds() <= 182
        assert (await world.cluster.get(CONFIG_MAPS, "shop", "settings"))["data"] == {"color": "blue"}

        third = world.push({"shop/config.yaml": CONFIG.replace("red", "green")})
        await world.refresh()
        app = await world.until(is_synced(third), seconds=2)
        assert "argocd.argoproj.io/refresh" not in (app["metadata"].get("annotations") or {})
        assert [entry["id"] for entry in app["status"]["history"]] == [0, 1, 2]

    play(tmp_path, story)


def test_drift_made_by_hand_is_healed(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin))
        await world.until(is_synced(sha), seconds=10)

        await world.cluster.patch(CONFIG_MAPS, "shop", "settings", {"data": {"color": "pink"}})
        await world.advance(seconds=0.2)
        assert (await world.cluster.get(CONFIG_MAPS, "shop", "settings"))["data"] == {"color": "red"}
        app = await world.until(is_synced(sha), seconds=5)
        assert len(app["status"]["history"]) == 1
        assert app["status"]["operationState"]["operation"]["sync"]["autoHealAttemptsCount"] == 1

        await world.cluster.delete(SERVICES, "shop", "shop")
        await world.advance(seconds=0.5)
        assert await world.there(SERVICES, "shop", "shop") is None  # a second heal waits for two seconds
        await world.advance(seconds=2)
        assert await world.there(SERVICES, "shop", "shop") is not None

    play(tmp_path, story)


def test_a_manifest_removed_from_git_is_pruned_and_strangers_are_left_alone(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin))
        await world.until(is_synced(sha), seconds=10)
        copied = {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/settings"}
        for name, marks in (("stranger", {}), ("copy", copied)):
            metadata = {"name": name, "namespace": "shop", "annotations": marks}
            await world.cluster.create(CONFIG_MAPS, {"metadata": metadata, "data": {}})

        sha = world.push({"shop/config.yaml": None})
        await world.refresh()
        await world.until(is_synced(sha), seconds=10)

        assert await world.there(CONFIG_MAPS, "shop", "settings") is None
        assert await world.there(CONFIG_MAPS, "shop", "stranger") is not None
        assert await world.there(CONFIG_MAPS, "shop", "copy") is not None

    play(tmp_path, story)


def test_deleting_the_application_deletes_what_it_made(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin))
        await world.until(is_synced(sha), seconds=10)

        await world.cluster.delete(APPLICATIONS, "argocd", "shop")
        await world.advance(seconds=30)

        assert await world.there(APPLICATIONS, "argocd", "shop") is None
        assert await world.there(SERVICES, "shop", "shop") is None
        assert await world.there(NAMESPACES, "", "shop") is not None

    play(tmp_path, story)


def test_a_kind_that_nobody_watches_is_kept_pruned_and_deleted_too(tmp_path: Path) -> None:
    gadgets = Resource("example.com", "v1", "Gadget", "gadgets")
    one, two = (f"apiVersion: example.com/v1\nkind: Gadget\nmetadata: {{name: {name}}}\n" for name in ("one", "two"))

    async def story(world: World) -> None:
        world.registry.create(CUSTOM_RESOURCE_DEFINITIONS, crd(gadgets))
        sha = world.push({"shop/one.yaml": one, "shop/two.yaml": two})
        app = application(world.origin, syncOptions=["CreateNamespace=true", "PrunePropagationPolicy=background"])
        app["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io/background"]
        await world.cluster.create(APPLICATIONS, app)
        await world.until(is_synced(sha), seconds=10)

        sha = world.push({"shop/one.yaml": None})
        await world.refresh()
        await world.until(is_synced(sha), seconds=10)
        assert await world.there(gadgets, "shop", "one") is None

        await world.cluster.delete(APPLICATIONS, "argocd", "shop")
        await world.advance(seconds=30)
        assert await world.there(gadgets, "shop", "two") is None

    play(tmp_path, story)


def test_when_all_is_synced_nothing_is_written_until_the_next_poll(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin))
        await world.until(is_synced(sha), seconds=10)

        def writes() -> list[dict[str, Any]]:
            return [entry["change"] for entry in world.journal.entries if entry["what"] == "write" and entry["at"] > 10]

        await world.advance(seconds=170)
        assert writes() == []
        await world.advance(seconds=20)
        (poll,) = writes()
        assert poll["status"] == {"reconciledAt": "2026-01-05T09:03:00Z"}

    play(tmp_path, story)


def test_an_application_may_be_left_alone(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push(FILES)
        app = application(world.origin)
        app["metadata"]["annotations"] = {"argocd.argoproj.io/skip-reconcile": "true"}
        await world.cluster.create(APPLICATIONS, app)
        await world.advance(seconds=10)

        assert "status" not in await world.app()

    play(tmp_path, story)
