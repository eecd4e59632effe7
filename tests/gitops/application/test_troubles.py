"""What an Application says when something is wrong, and that it mends itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canarium.gitops.kinds import APP_PROJECTS, APPLICATIONS
from canarium.kube.objects import Obj
from canarium.kube.resources import CONFIG_MAPS, SERVICES
from tests.gitops.application.test_stories import CONFIG, FILES, SERVICE, is_synced
from tests.gitops.world import World, application, play


def conditions(app: Obj) -> dict[str, str]:
    return {one["type"]: one["message"] for one in (app.get("status") or {}).get("conditions") or ()}


def operation(app: Obj) -> dict[str, Any]:
    return (app.get("status") or {}).get("operationState") or {}


def ended(phase: str) -> Any:
    return lambda app: operation(app).get("phase") == phase


def has(kind: str) -> Any:
    return lambda app: kind in conditions(app)


def changed(app: Obj, **spec: Any) -> Obj:
    return {**app, "spec": {**app["spec"], **spec}}


@pytest.mark.parametrize(
    ("source", "files", "says"),
    [
        pytest.param(
            {"repoURL": "/no/such/repo"},
            FILES,
            "Failed to load target state: failed to generate manifest for source 1 of 1: repository '/no/such/repo': "
            "/no/such/repo does not exist (Set repoURL to a git repository: a working copy or a bare one.)",
            id="no repository",
        ),
        pytest.param(
            {"repoURL": "https://example.com/x.git"}, FILES, "reading from there is not built", id="a remote one"
        ),
        pytest.param({"targetRevision": "v9"}, FILES, "unable to resolve 'v9' to a commit SHA", id="no such revision"),
        pytest.param(
            {"path": "nowhere"}, FILES, "spec.source.path: nowhere: app path does not exist (Set it", id="no such path"
        ),
        pytest.param({"path": "../x"}, FILES, "'../x' leaves the repository", id="a path that leaves"),
        pytest.param(
            {}, {"shop/bad.yaml": "a: 1\nb: [\n"}, "shop/bad.yaml:3: expected the node content", id="not YAML"
        ),
    ],
)
def test_a_source_that_cannot_be_had_is_a_condition_with_a_next_step(
    tmp_path: Path, source: dict[str, Any], files: dict[str, str], says: str
) -> None:
    async def story(world: World) -> None:
        world.push(files)
        app = application(world.origin)
        await world.cluster.create(APPLICATIONS, changed(app, source={**app["spec"]["source"], **source}))
        app = await world.until(has("ComparisonError"), seconds=5)

        assert says in conditions(app)["ComparisonError"]
        assert "\n" not in conditions(app)["ComparisonError"]
        assert app["status"]["sync"]["status"] == "Unknown"
        await world.advance(seconds=400)
        assert has("ComparisonError")(await world.app())

    play(tmp_path, story)


def test_a_broken_commit_does_no_harm_and_the_next_one_mends_it(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin))
        await world.until(is_synced(sha), seconds=10)

        world.push({"shop/config.yaml": "a: ["})
        await world.refresh()
        app = await world.until(has("ComparisonError"), seconds=5)
        assert {entry["status"] for entry in app["status"]["resources"]} == {"Unknown"}
        assert await world.there(CONFIG_MAPS, "shop", "settings") is not None

        sha = world.push({"shop/config.yaml": CONFIG})
        app = await world.until(is_synced(sha), seconds=200)
        assert not conditions(app)

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"project": "nope"}, "Application referencing project nope which does not exist"),
        ({"destination": {"server": "https://x"}}, 'error getting cluster by server "https://x"'),
        ({"destination": {"name": "far"}}, "there are no clusters with this name: far"),
        ({"destination": {}}, "Destination server missing from app spec"),
        ({"destination": {"server": "https://x", "name": "y"}}, "can't have both name and server defined: y https://x"),
        ({"source": {"repoURL": "/x"}}, "spec.source.repoURL and either spec.source.path or spec.source.chart are"),
        ({"source": {"repoURL": "/x", "chart": "c"}}, "Helm charts are not built"),
    ],
)
def test_a_spec_that_may_not_be_acted_on_is_said_and_nothing_is_done(
    tmp_path: Path, spec: dict[str, Any], says: str
) -> None:
    async def story(world: World) -> None:
        world.push(FILES)
        await world.cluster.create(APPLICATIONS, changed(application(world.origin), **spec))
        app = await world.until(has("InvalidSpecError"), seconds=5)

        assert says in conditions(app)["InvalidSpecError"]
        assert app["status"]["sync"]["status"] == "Unknown"
        assert app["status"]["health"]["status"] == "Unknown"

    play(tmp_path, story)


def test_a_project_that_is_created_later_lets_the_application_go_on(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, changed(application(world.origin), project="mine"))
        await world.until(has("InvalidSpecError"), seconds=5)

        await world.cluster.create(APP_PROJECTS, {"metadata": {"name": "mine", "namespace": "argocd"}, "spec": {}})
        app = await world.until(is_synced(sha), seconds=5)

        assert not conditions(app)

    play(tmp_path, story)


def test_an_object_that_appears_twice_is_a_warning_and_the_last_one_counts(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push({"shop/a.yaml": CONFIG, "shop/b.yaml": CONFIG.replace("red", "blue")})
        await world.cluster.create(APPLICATIONS, application(world.origin))
        app = await world.until(is_synced(sha), seconds=5)

        assert conditions(app) == {
            "RepeatedResourceWarning": "Resource /ConfigMap/shop/settings appeared 2 times among application resources."
        }
        assert (await world.cluster.get(CONFIG_MAPS, "shop", "settings"))["data"] == {"color": "blue"}

    play(tmp_path, story)


def test_what_the_server_refuses_fails_the_sync_which_is_retried_with_back_off(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push({"shop/config.yaml": CONFIG, "shop/service.yaml": SERVICE.replace("port: 80,", "port: 99999,")})
        await world.cluster.create(APPLICATIONS, application(world.origin))
        app = await world.until(lambda app: operation(app).get("retryCount") == 1, seconds=5)

        message = app["status"]["operationState"]["message"]
        assert message.startswith("one or more objects failed to apply, reason: ")
        assert "99999" in message
        assert message.endswith(". Retrying attempt #1 at 9:00AM.")
        assert await world.there(CONFIG_MAPS, "shop", "settings") is not None
        app = await world.until(ended("Failed"), seconds=300)
        assert app["status"]["operationState"]["message"].endswith("(retried 5 times).")
        app = await world.until(has("SyncError"), seconds=5)
        assert conditions(app)["SyncError"].startswith("Failed last sync attempt to [")

        sha = world.push({"shop/service.yaml": SERVICE})
        app = await world.until(is_synced(sha), seconds=200)
        assert not conditions(app)

    play(tmp_path, story)


def test_a_kind_that_nobody_serves_is_named(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push({"shop/x.yaml": "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: a}\n"})
        await world.cluster.create(APPLICATIONS, application(world.origin, retry={"limit": 0}))
        app = await world.until(ended("Failed"), seconds=5)

        assert 'Make sure the "Thing" CRD is installed' in app["status"]["operationState"]["message"]

    play(tmp_path, story)


def test_a_namespace_that_nobody_creates_is_missed(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.push(FILES)
        app = application(world.origin, syncOptions=[], retry={"limit": 0})
        await world.cluster.create(APPLICATIONS, app)
        app = await world.until(ended("Failed"), seconds=5)

        assert 'namespaces "shop" not found' in app["status"]["operationState"]["message"]

    play(tmp_path, story)


def test_a_hook_is_refused_by_name_because_hooks_are_not_run(tmp_path: Path) -> None:
    hook = "apiVersion: v1\nkind: Pod\nmetadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}\n"

    async def story(world: World) -> None:
        world.push({**FILES, "shop/hook.yaml": hook})
        await world.cluster.create(APPLICATIONS, application(world.origin))
        app = await world.until(ended("Error"), seconds=5)

        assert (
            "Pod/migrate is a PreSync hook, and running hooks is not built"
            in app["status"]["operationState"]["message"]
        )
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None

    play(tmp_path, story)


def test_the_last_manifest_is_not_wiped_out_unless_that_is_allowed(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push({"shop/config.yaml": CONFIG, "shop/README.md": "kept"})
        await world.cluster.create(APPLICATIONS, application(world.origin))
        await world.until(is_synced(sha), seconds=5)

        sha = world.push({"shop/config.yaml": None})
        await world.refresh()
        app = await world.until(has("SyncError"), seconds=5)
        assert conditions(app)["SyncError"] == (
            f"Skipping sync attempt to [{sha}]: auto-sync will wipe out all resources"
        )
        automated = {"automated": {"allowEmpty": True}}
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", {"spec": {"syncPolicy": automated}})
        await world.until(is_synced(sha), seconds=5)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None

    play(tmp_path, story)


def test_without_automation_nothing_is_done_until_somebody_asks(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        sha = world.push(FILES)
        await world.cluster.create(APPLICATIONS, application(world.origin, automated=None))
        app = await world.until(lambda app: "sync" in (app.get("status") or {}), seconds=5)
        assert app["status"]["sync"]["status"] == "OutOfSync"
        await world.advance(seconds=10)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None

        operation = {"initiatedBy": {"username": "ada"}, "sync": {"revision": sha}}
        await world.cluster.patch(APPLICATIONS, "argocd", "shop", {"operation": operation})
        app = await world.until(is_synced(sha), seconds=5)

        assert app["status"]["history"][0]["initiatedBy"] == {"username": "ada"}
        assert "operation" not in app

    play(tmp_path, story)


def test_waves_wait_for_the_health_of_what_came_before(tmp_path: Path) -> None:
    def wave(text: str, number: int) -> str:
        return text.replace("{name: ", f"{{annotations: {{argocd.argoproj.io/sync-wave: '{number}'}}, name: ", 1)

    waiting = SERVICE.replace("spec:\n", "spec:\n  type: LoadBalancer\n")

    async def story(world: World) -> None:
        sha = world.push({"shop/service.yaml": wave(waiting, 1), "shop/config.yaml": wave(CONFIG, 2)})
        await world.cluster.create(APPLICATIONS, application(world.origin))
        app = await world.until(
            lambda app: "healthy state of /Service" in operation(app).get("message", ""),
            seconds=5,
        )
        assert app["status"]["operationState"]["message"] == "waiting for healthy state of /Service/shop"
        await world.advance(seconds=60)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is None

        status = {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}
        await world.cluster.patch(SERVICES, "shop", "shop", status, subresource="status")
        await world.until(is_synced(sha), seconds=5)
        assert await world.there(CONFIG_MAPS, "shop", "settings") is not None

    play(tmp_path, story)


def test_a_field_that_has_no_effect_is_named(tmp_path: Path) -> None:
    """Silence would look like obedience."""

    async def story(world: World) -> None:
        annotated = CONFIG.replace(
            "{name: ", "{annotations: {argocd.argoproj.io/sync-options: Replace=true}, name: ", 1
        )
        sha = world.push({"shop/config.yaml": annotated})
        rule = {"kind": "ConfigMap", "jqPathExpressions": [".data.color"], "jsonPointers": ["/data/size"]}
        app = application(world.origin, syncOptions=["CreateNamespace=true", "Validate=false"])
        await world.cluster.create(APPLICATIONS, changed(app, ignoreDifferences=[rule]))
        found = await world.until(is_synced(sha), seconds=10)

        assert conditions_of(found, "IgnoredFieldWarning") == [
            "ConfigMap/settings: argocd.argoproj.io/sync-options: Replace=true is not built and has no effect: "
            "manifests are applied as kubectl apply does",
            "spec.ignoreDifferences[0].jqPathExpressions is not built, so these fields still count as differences; "
            "name the fields in jsonPointers",
            "spec.syncPolicy.syncOptions: Validate=false is not built and has no effect: manifests are validated all "
            "the same",
        ]

        await world.cluster.patch(APPLICATIONS, "argocd", "shop", {"spec": {"ignoreDifferences": None}})
        await world.advance(seconds=1)
        assert len(conditions_of(await world.app(), "IgnoredFieldWarning")) == 2

    play(tmp_path, story)


def conditions_of(app: Obj, kind: str) -> list[str]:
    return [one["message"] for one in app["status"].get("conditions") or () if one["type"] == kind]
