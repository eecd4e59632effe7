"""Clients that nobody here wrote work unchanged: the official Python client, kr8s, kopf."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import yaml

from canarium.clock import RealClock
from tests.kube.server.serving import LOG, TOKENS, Served, serve, serve_in_thread
from tests.kube.worlds import widget

kubernetes = pytest.importorskip("kubernetes")
REAL = RealClock()
POD: dict[str, Any] = {
    "metadata": {"name": "p", "labels": {"app": "p"}},
    "spec": {"containers": [{"name": "main", "image": "podinfo:1", "ports": [{"containerPort": 9898}]}]},
}
DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "d"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "d"}},
        "template": {
            "metadata": {"labels": {"app": "d"}},
            "spec": {"containers": [{"name": "main", "image": "podinfo:1"}]},
        },
    },
}


def write_kubeconfig(served: Served, folder: Path, token: str = TOKENS.admin) -> Path:
    """A kubeconfig for the server, and its authority beside it."""
    (folder / "ca.crt").write_bytes(served.ca)
    cluster = {"server": served.url, **({"certificate-authority": str(folder / "ca.crt")} if served.ca else {})}
    file = folder / "kubeconfig"
    file.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": token}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "default"}}],
            }
        )
    )
    return file


# -- the official client ----------------------------------------------------------------------------------------------


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    """An ApiClient of the official client, over TLS, from a kubeconfig."""
    with serve_in_thread(tmp_path) as served:
        made = kubernetes.config.new_client_from_config(str(write_kubeconfig(served, tmp_path)))
        yield made
        made.rest_client.pool_manager.clear()
        made.close()


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"tier": "web"}}, "data": data}


def test_the_official_client_creates_reads_replaces_and_deletes(client: Any) -> None:
    core = kubernetes.client.CoreV1Api(client)

    created = core.create_namespaced_config_map("default", config_map("a", x="1"))
    created.data["x"] = "2"
    replaced = core.replace_namespaced_config_map("a", "default", created)
    with pytest.raises(kubernetes.client.ApiException) as stale:
        core.replace_namespaced_config_map("a", "default", created)
    with pytest.raises(kubernetes.client.ApiException) as twice:
        core.create_namespaced_config_map("default", config_map("a"))
    deleted = core.delete_namespaced_config_map("a", "default")
    with pytest.raises(kubernetes.client.ApiException) as gone:
        core.read_namespaced_config_map("a", "default")

    assert created.metadata.uid
    assert created.metadata.creation_timestamp.isoformat() == "2026-01-05T09:00:00+00:00"
    assert replaced.data == {"x": "2"}
    assert (stale.value.status, twice.value.status, gone.value.status) == (409, 409, 404)
    assert '"reason":"Conflict"' in stale.value.body.replace(" ", "")
    assert '"reason":"AlreadyExists"' in twice.value.body.replace(" ", "")
    assert (deleted["kind"], deleted["status"]) == ("Status", "Success")


def test_the_official_client_lists_in_chunks_that_make_up_the_whole(client: Any) -> None:
    core = kubernetes.client.CoreV1Api(client)
    for number in range(23):
        core.create_namespaced_config_map("default", config_map(f"m{number:02}"))
    names, sizes, token, left = [], [], None, []
    while True:
        page = core.list_namespaced_config_map("default", limit=10, _continue=token, label_selector="")
        names += [item.metadata.name for item in page.items]
        sizes.append(len(page.items))
        left.append(page.metadata.remaining_item_count)
        token = page.metadata._continue
        if not token:
            break

    assert names == [f"m{number:02}" for number in range(23)]
    assert sizes == [10, 10, 3]
    assert left == [13, 3, None]
    assert len(core.list_config_map_for_all_namespaces(label_selector="tier=web").items) == 23
    assert len(core.list_namespaced_config_map("default", field_selector="metadata.name=m07").items) == 1


def test_the_official_client_watches(client: Any) -> None:
    core = kubernetes.client.CoreV1Api(client)
    start = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", config_map("a"))
    core.patch_namespaced_config_map("a", "default", {"data": {"x": "1"}})
    core.delete_namespaced_config_map("a", "default")
    watch = kubernetes.watch.Watch()
    seen = []
    for event in watch.stream(
        core.list_namespaced_config_map,
        "default",
        resource_version=start,
        timeout_seconds=20,
        allow_watch_bookmarks=True,
    ):
        seen.append((event["type"], event["object"].metadata.name, event["object"].data or None))
        if event["type"] == "DELETED":
            watch.stop()

    assert seen == [("ADDED", "a", None), ("MODIFIED", "a", {"x": "1"}), ("DELETED", "a", {"x": "1"})]


def test_a_watch_of_the_official_client_ends_when_its_time_is_up(client: Any) -> None:
    core = kubernetes.client.CoreV1Api(client)
    core.create_namespaced_config_map("default", config_map("a"))

    events = list(kubernetes.watch.Watch().stream(core.list_namespaced_config_map, "default", timeout_seconds=1))

    assert [event["object"].metadata.name for event in events] == ["a"]


def test_the_official_client_patches_in_all_types(client: Any) -> None:
    dynamic = kubernetes.dynamic.DynamicClient(client)
    deployments = dynamic.resources.get(api_version="apps/v1", kind="Deployment")
    deployments.create(namespace="default", body={"apiVersion": "apps/v1", "kind": "Deployment", **DEPLOYMENT})

    def patch(body: Any, content_type: str, **options: Any) -> Any:
        return deployments.patch(name="d", namespace="default", body=body, content_type=content_type, **options)

    side = {"containers": [{"name": "side", "image": "envoy:1"}]}
    joined = patch({"spec": {"template": {"spec": side}}}, "application/strategic-merge-patch+json")
    merged = patch({"spec": {"template": {"spec": side}}}, "application/merge-patch+json")
    json = patch([{"op": "replace", "path": "/spec/replicas", "value": 4}], "application/json-patch+json")
    applied = deployments.server_side_apply(
        name="d",
        namespace="default",
        field_manager="me",
        force_conflicts=True,
        body={"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 5}},
    )

    assert sorted(container.name for container in joined.spec.template.spec.containers) == ["main", "side"]
    assert [container.name for container in merged.spec.template.spec.containers] == ["side"]
    assert (json.spec.replicas, applied.spec.replicas) == (4, 5)
    assert "me" in [entry.manager for entry in applied.metadata.managedFields]


def test_the_dynamic_client_finds_a_custom_kind(client: Any) -> None:
    dynamic = kubernetes.dynamic.DynamicClient(client)
    widgets = dynamic.resources.get(api_version="example.com/v1", kind="Widget")

    created = widgets.create(
        namespace="default", body={"apiVersion": "example.com/v1", "kind": "Widget", **widget("a")}
    )
    told = widgets.status.patch(
        name="a", namespace="default", body={"status": {"ready": 1}}, content_type="application/merge-patch+json"
    )
    events = [event["type"] for event in widgets.watch(namespace="default", timeout=1)]

    assert created.spec.color == "red"
    assert told.status.ready == 1
    assert [item.metadata.name for item in widgets.get(namespace="default").items] == ["a"]
    assert events == ["ADDED"]
    assert dynamic.version["kubernetes"]["gitVersion"].startswith("v1.34")


def test_the_official_client_scales(client: Any) -> None:
    apps = kubernetes.client.AppsV1Api(client)
    apps.create_namespaced_deployment("default", DEPLOYMENT)

    scaled = apps.patch_namespaced_deployment_scale("d", "default", {"spec": {"replicas": 3}})
    read = apps.read_namespaced_deployment_scale("d", "default")
    read.spec.replicas = 4
    replaced = apps.replace_namespaced_deployment_scale("d", "default", read)

    assert (scaled.spec.replicas, scaled.status.selector) == (3, "app=d")
    assert replaced.spec.replicas == 4
    assert apps.read_namespaced_deployment("d", "default").spec.replicas == 4


def test_the_official_client_reads_logs(client: Any) -> None:
    core = kubernetes.client.CoreV1Api(client)
    core.create_namespaced_pod("default", POD)

    assert core.read_namespaced_pod_log("p", "default") == b"".join(LOG).decode()
    assert core.read_namespaced_pod_log("p", "default", tail_lines=1) == "third\n"
    followed = kubernetes.watch.Watch().stream(core.read_namespaced_pod_log, "p", "default", follow=True)
    assert list(followed) == ["first", "second", "third"]


def test_the_official_client_discovers_and_reviews(client: Any) -> None:
    groups = kubernetes.client.ApisApi(client).get_api_versions().groups
    version = kubernetes.client.VersionApi(client).get_code()
    review = kubernetes.client.AuthorizationV1Api(client).create_self_subject_access_review(
        {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "default"}}}
    )

    assert {"apps", "batch", "example.com"} <= {group.name for group in groups}
    assert version.major == "1"
    assert review.status.allowed is True


# -- kr8s -------------------------------------------------------------------------------------------------------------


def test_kr8s_works(tmp_path: Path) -> None:
    kr8s = pytest.importorskip("kr8s")
    from kr8s.asyncio.objects import ConfigMap, Deployment, Pod, new_class

    async def main() -> None:
        async with serve(tmp_path) as served:
            api = await kr8s.asyncio.api(kubeconfig=str(write_kubeconfig(served, tmp_path)))
            made = await ConfigMap({"metadata": {"name": "a", "namespace": "default"}, "data": {"x": "1"}}, api=api)
            await made.create()
            await made.patch({"data": {"x": "2"}})
            await made.label({"tier": "web"})
            listed = [one async for one in api.get("configmaps", namespace="default", label_selector={"tier": "web"})]
            deployment = await Deployment({**DEPLOYMENT, "metadata": {"name": "d", "namespace": "default"}}, api=api)
            await deployment.create()
            await deployment.patch({"spec": {"replicas": 3}}, subresource="scale")
            await deployment.refresh()
            pod = await Pod({**POD, "metadata": {"name": "p", "namespace": "default"}}, api=api)
            await pod.create()
            lines = [line async for line in pod.logs()]
            toys = new_class("Widget", version="example.com/v1", namespaced=True, asyncio=True)
            toy = await toys({"apiVersion": "example.com/v1", "kind": "Widget", **widget("w")}, api=api)
            await toy.create()
            watched = []
            async with aclosing(api.watch("configmaps", namespace="default")) as events:
                async for kind, one in events:
                    watched.append((kind, one.name))
                    if len(watched) == 1:
                        await made.delete()
                    else:
                        break

            assert [one.raw["data"] for one in listed] == [{"x": "2"}]
            assert deployment.replicas == 3
            assert lines == [line.decode().strip() for line in LOG]
            assert toy.raw["spec"]["color"] == "red"
            assert watched == [("ADDED", "a"), ("DELETED", "a")]
            assert not await made.exists()
            assert (await api.version())["gitVersion"].startswith("v1.34")
            with pytest.raises(kr8s.ServerError, match="already exists"):
                await toy.create()
            await api._session.aclose()  # it has no way to be closed, and what is left open is found in a later test

    asyncio.run(main())


# -- kopf -------------------------------------------------------------------------------------------------------------


def test_a_kopf_operator_reconciles_a_custom_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kopf = pytest.importorskip("kopf")
    with serve_in_thread(tmp_path) as served:
        monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(served, tmp_path)))
        registry = kopf.OperatorRegistry()
        seen: list[str] = []

        def login(**options: Any) -> Any:
            return kopf.login_with_kubeconfig(**options)

        def on_create(spec: Any, name: str, patch: Any, body: Any, **_: Any) -> dict[str, Any]:
            kopf.info(body, reason="Seen", message="there it is")
            seen.append(f"created {name}")
            patch.status["ready"] = spec["size"]
            return {"by": "the operator"}

        def on_update(old: Any, new: Any, name: str, patch: Any, **_: Any) -> None:
            seen.append(f"{name}: {old} to {new}")
            patch.status["ready"] = new

        def on_delete(name: str, **_: Any) -> None:
            seen.append(f"deleted {name}")

        toys = {"group": "example.com", "version": "v1", "plural": "widgets", "registry": registry}
        kopf.on.login(registry=registry)(login)
        kopf.on.create(**toys, id="on_create")(on_create)
        kopf.on.update(**toys, field="spec.size")(on_update)
        kopf.on.delete(**toys)(on_delete)
        ready, stop = threading.Event(), threading.Event()
        settings = kopf.OperatorSettings()
        thread = threading.Thread(
            target=lambda: asyncio.run(
                kopf.operator(
                    registry=registry,
                    settings=settings,
                    namespaces=["default"],
                    standalone=True,
                    ready_flag=ready,
                    stop_flag=stop,
                )
            )
        )
        thread.start()
        client = kubernetes.config.new_client_from_config(str(tmp_path / "kubeconfig"))
        try:
            assert ready.wait(30)
            widgets = kubernetes.dynamic.DynamicClient(client).resources.get(
                api_version="example.com/v1", kind="Widget"
            )
            core = kubernetes.client.CoreV1Api(client)
            widgets.create(namespace="default", body={"apiVersion": "example.com/v1", "kind": "Widget", **widget("w")})
            created = until(lambda: widgets.get(name="w", namespace="default"), lambda w: w.status and w.status.ready)
            widgets.patch(
                name="w",
                namespace="default",
                body={"spec": {"size": 7}},
                content_type="application/merge-patch+json",
            )
            until(lambda: widgets.get(name="w", namespace="default"), lambda w: w.status.ready == 7)
            widgets.delete(name="w", namespace="default")
            until(lambda: widgets.get(namespace="default").items, lambda items: not items)
            events = until(lambda: core.list_namespaced_event("default").items, lambda items: items)
        finally:
            stop.set()
            thread.join(30)
            client.rest_client.pool_manager.clear()
            client.close()

        assert created.metadata.finalizers
        assert created.status.to_dict() == {"ready": 1, "on_create": {"by": "the operator"}}
        assert seen == ["created w", "w: 1 to 7", "deleted w"]
        assert ("Widget", "Seen", "there it is") in {
            (event.involved_object.kind, event.reason, event.message) for event in events
        }
        assert not thread.is_alive()


def until(read: Any, is_so: Any) -> Any:
    """Read again and again until it is so."""

    async def wait() -> Any:
        for _ in range(300):
            found = read()
            if is_so(found):
                return found
            await REAL.sleep(0.05)
        raise AssertionError(f"it never came to be: {found}")

    return asyncio.run(wait())
