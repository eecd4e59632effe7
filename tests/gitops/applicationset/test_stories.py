"""The ApplicationSet controller, in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.objects import Obj, condition
from tests.gitops.world import World, play

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {color: red}\n"


def appset(repo: Path, glob: str = "overlays/*", **spec: Any) -> Obj:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {
            "generators": [{"git": {"repoURL": str(repo), "revision": "HEAD", "directories": [{"path": glob}]}}],
            "template": {
                "metadata": {"name": "shop-{{ path.basename }}"},
                "spec": {
                    "project": "default",
                    "source": {"repoURL": str(repo), "path": "{{path}}", "targetRevision": "HEAD"},
                    "destination": {
                        "server": "https://kubernetes.default.svc",
                        "namespace": "shop-{{path.basename}}",
                    },
                    "syncPolicy": {
                        "automated": {"prune": True, "selfHeal": True},
                        "syncOptions": ["CreateNamespace=true"],
                    },
                },
            },
            **spec,
        },
    }


async def names(world: World) -> list[str]:
    return [app["metadata"]["name"] for app in (await world.cluster.list(APPLICATIONS)).items]


async def conditions(world: World) -> dict[str, tuple[str, str, str]]:
    found = await world.cluster.get(APPLICATION_SETS, "argocd", "shop")
    told = found["status"]["conditions"]
    return {one["type"]: (one["status"], one["reason"], one["message"]) for one in told}


def test_an_application_per_folder_appears_and_goes_with_it(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push({"overlays/prod/a.yaml": CONFIG, "overlays/staging/a.yaml": CONFIG})
        await world.cluster.create(APPLICATION_SETS, appset(world.origin))
        await world.advance(seconds=5)

        assert await names(world) == ["shop-prod", "shop-staging"]
        assert (await world.app("shop-prod"))["status"]["sync"]["status"] == "Synced"
        done = "All applications have been generated successfully"
        assert await conditions(world) == {
            "ErrorOccurred": ("False", "ApplicationSetUpToDate", done),
            "ParametersGenerated": (
                "True",
                "ParametersGenerated",
                "Successfully generated parameters for all Applications",
            ),
            "ResourcesUpToDate": ("True", "ApplicationSetUpToDate", done),
        }
        told = await world.told()
        assert 'created: created Application "shop-prod"' in told

        world.push({"overlays/dev/a.yaml": CONFIG, "overlays/prod/a.yaml": None})
        await world.advance(seconds=120)
        assert await names(world) == ["shop-prod", "shop-staging"]
        await world.advance(seconds=65)
        assert await names(world) == ["shop-dev", "shop-staging"]

        world.push({"overlays/test/a.yaml": CONFIG})
        patch = {"metadata": {"annotations": {"argocd.argoproj.io/application-set-refresh": "true"}}}
        await world.cluster.patch(APPLICATION_SETS, "argocd", "shop", patch)
        await world.advance(seconds=5)
        assert await names(world) == ["shop-dev", "shop-staging", "shop-test"]
        found = await world.cluster.get(APPLICATION_SETS, "argocd", "shop")
        assert not found["metadata"].get("annotations")
        assert [entry["name"] for entry in found["status"]["resources"]] == ["shop-dev", "shop-staging", "shop-test"]

    play(tmp_path, story)


def test_a_spec_changed_by_hand_is_put_back_and_a_deleted_application_returns(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push({"overlays/prod/a.yaml": CONFIG})
        await world.cluster.create(APPLICATION_SETS, appset(world.origin))
        await world.advance(seconds=5)

        await world.cluster.patch(APPLICATIONS, "argocd", "shop-prod", {"spec": {"source": {"path": "elsewhere"}}})
        await world.advance(seconds=5)
        assert (await world.app("shop-prod"))["spec"]["source"]["path"] == "overlays/prod"

        uid = (await world.app("shop-prod"))["metadata"]["uid"]
        await world.cluster.delete(APPLICATIONS, "argocd", "shop-prod")
        await world.advance(seconds=30)
        assert (await world.app("shop-prod"))["metadata"]["uid"] != uid

    play(tmp_path, story)


def test_what_others_may_change_stays_as_they_changed_it(tmp_path: Path) -> None:
    """Other fields are put back all the same, and so are those of Applications that the rule does not name."""
    rule = {"name": "shop-prod", "jsonPointers": ["/spec/source/targetRevision"]}

    async def story(world: World) -> None:
        world.push({"overlays/prod/a.yaml": CONFIG, "overlays/test/a.yaml": CONFIG})
        await world.cluster.create(APPLICATION_SETS, appset(world.origin, ignoreApplicationDifferences=[rule]))
        await world.advance(seconds=5)

        change = {"spec": {"source": {"path": "elsewhere", "targetRevision": "main"}}}
        for name in ("shop-prod", "shop-test"):
            await world.cluster.patch(APPLICATIONS, "argocd", name, change)
        await world.advance(seconds=5)

        found = [(await world.app(name))["spec"]["source"] for name in ("shop-prod", "shop-test")]
        assert [source["path"] for source in found] == ["overlays/prod", "overlays/test"]
        assert [source["targetRevision"] for source in found] == ["main", "HEAD"]

    play(tmp_path, story)


def test_deleting_the_set_deletes_everything(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push({"overlays/prod/a.yaml": CONFIG})
        await world.cluster.create(APPLICATION_SETS, appset(world.origin))
        await world.advance(seconds=5)

        await world.cluster.delete(APPLICATION_SETS, "argocd", "shop")
        await world.advance(seconds=30)

        assert await names(world) == []

    play(tmp_path, story)


def test_what_cannot_be_generated_is_a_condition_and_mends_itself(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.cluster.create(APPLICATION_SETS, appset(world.origin))
        await world.advance(seconds=5)

        status, reason, message = (await conditions(world))["ErrorOccurred"]
        assert (status, reason) == ("True", "ApplicationGenerationFromParamsError")
        assert "error retrieving Git Directories: repository" in message
        assert "has no commits (Push a commit first.)" in message
        assert (await conditions(world))["ParametersGenerated"][:2] == ("False", "ErrorOccurred")
        world.push({"overlays/prod/a.yaml": CONFIG})
        await world.advance(seconds=190)
        assert await names(world) == ["shop-prod"]

    play(tmp_path, story)


def test_two_folders_with_one_name_make_no_application(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push({"a/prod/a.yaml": CONFIG, "b/prod/a.yaml": CONFIG})
        await world.cluster.create(APPLICATION_SETS, appset(world.origin, "*/prod"))
        await world.advance(seconds=5)

        assert await names(world) == []
        found = await world.cluster.get(APPLICATION_SETS, "argocd", "shop")
        assert condition(found, "ErrorOccurred") == {
            "type": "ErrorOccurred",
            "status": "True",
            "reason": "ApplicationValidationError",
            "message": "ApplicationSet shop contains applications with duplicate name: shop-prod",
            "lastTransitionTime": "2026-01-05T09:00:00Z",
        }
        assert found["status"]["health"]["status"] == "Degraded"

    play(tmp_path, story)


def test_create_only_neither_changes_nor_deletes(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push({"overlays/prod/a.yaml": CONFIG})
        policy = {"applicationsSync": "create-only"}
        await world.cluster.create(APPLICATION_SETS, appset(world.origin, syncPolicy=policy))
        await world.advance(seconds=5)
        await world.cluster.patch(APPLICATIONS, "argocd", "shop-prod", {"spec": {"source": {"targetRevision": "main"}}})
        world.push({"overlays/dev/a.yaml": CONFIG, "overlays/prod/a.yaml": None})

        await world.advance(seconds=200)

        assert await names(world) == ["shop-dev", "shop-prod"]
        assert (await world.app("shop-prod"))["spec"]["source"]["targetRevision"] == "main"

    play(tmp_path, story)
