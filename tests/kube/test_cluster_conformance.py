"""What every Cluster does, whichever implementation is behind the port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from canarium.clock import Clock
from canarium.kube.cluster import AlreadyExists, ApiError, Cluster, Conflict, Gone, NotFound, WatchEvent
from canarium.kube.resources import (
    CONFIG_MAPS,
    EVENTS,
    EVENTS_V1,
    HORIZONTAL_POD_AUTOSCALERS,
    HORIZONTAL_POD_AUTOSCALERS_V1,
    JOBS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICES,
)
from tests.kube.server.serving import over_http
from tests.kube.worlds import WIDGETS, widget
from tests.kube.worlds import in_cluster as in_process

Run = Callable[..., Any]
POD: dict[str, Any] = {"containers": [{"name": "main", "image": "podinfo:1"}]}


@pytest.fixture(params=[in_process, over_http], ids=["in process", "over HTTP"])
def in_cluster(request: pytest.FixtureRequest) -> Run:
    """Runs `main(cluster, clock)`: in virtual time without a network, or in real time through our server."""
    run: Run = request.param
    return run


def test_created_objects_carry_what_the_server_owns(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        created = await cluster.create(WIDGETS, {**widget("a"), "status": {"ignored": True}})

        metadata = created["metadata"]
        assert created["apiVersion"] == "example.com/v1"
        assert created["kind"] == "Widget"
        assert metadata["generation"] == 1
        assert metadata["creationTimestamp"] == "2026-01-05T09:00:00Z"
        assert metadata["uid"]
        assert metadata["resourceVersion"]
        assert "status" not in created
        assert await cluster.get(WIDGETS, "default", "a") == created

    in_cluster(main)


def test_every_reader_gets_a_copy_of_its_own(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        created = await cluster.create(WIDGETS, widget("a", parts=[{}]))
        created["spec"]["parts"].append("scribble")
        listed = (await cluster.list(WIDGETS)).items[0]
        listed["spec"]["size"] = 99

        assert (await cluster.get(WIDGETS, "default", "a"))["spec"] == {
            "size": 1,
            "color": "red",
            "parts": [{"kind": "bolt"}],
        }

    in_cluster(main)


def test_generation_counts_spec_changes_only(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(WIDGETS, widget("a"))
        labelled = await cluster.patch(WIDGETS, "default", "a", {"metadata": {"labels": {"x": "y"}}})
        grown = await cluster.patch(WIDGETS, "default", "a", {"spec": {"size": 2}})
        told = await cluster.patch(WIDGETS, "default", "a", {"status": {"ready": 1}}, subresource="status")

        assert [obj["metadata"]["generation"] for obj in (labelled, grown, told)] == [1, 2, 2]
        assert told["status"] == {"ready": 1}

    in_cluster(main)


def test_a_tuple_is_a_list_as_soon_as_it_is_sent(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        created = await cluster.create(WIDGETS, widget("a", parts=({"kind": "nut"},)))
        same = await cluster.patch(WIDGETS, "default", "a", {"spec": {"parts": ({"kind": "nut"},)}})

        assert created["spec"]["parts"] == [{"kind": "nut"}]
        assert same["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]

    in_cluster(main)


def test_a_patch_that_changes_nothing_writes_nothing(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        created = await cluster.create(WIDGETS, widget("a"))

        same = await cluster.patch(WIDGETS, "default", "a", {"spec": {"size": 1}})

        assert same["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]

    in_cluster(main)


def test_the_main_resource_cannot_change_status_nor_the_status_subresource_the_spec(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(WIDGETS, widget("a"))
        ignored = await cluster.patch(WIDGETS, "default", "a", {"status": {"x": 1}})
        kept = await cluster.patch(
            WIDGETS, "default", "a", {"spec": {"size": 7}, "status": {"x": 2}}, subresource="status"
        )

        assert "status" not in ignored
        assert (kept["spec"]["size"], kept["status"]) == (1, {"x": 2})

    in_cluster(main)


def test_a_write_from_an_old_version_conflicts(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        old = await cluster.create(WIDGETS, widget("a"))
        await cluster.patch(WIDGETS, "default", "a", {"spec": {"size": 2}})
        version = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}}

        with pytest.raises(Conflict, match="the object has been modified; please apply your changes"):
            await cluster.update(WIDGETS, {**old, "spec": {"size": 3}})
        with pytest.raises(Conflict):
            await cluster.patch(WIDGETS, "default", "a", {**version, "spec": {"size": 3}})

        assert (await cluster.get(WIDGETS, "default", "a"))["spec"]["size"] == 2

    in_cluster(main)


@pytest.mark.parametrize(
    ("spec", "field", "says"),
    [
        ({"size": "big"}, "spec.size", 'must be of type integer: "string"'),
        ({"size": 0}, "spec.size", "should be greater than or equal to 1"),
        ({"size": 1, "color": "green"}, "spec.color", 'Unsupported value: "green": supported values: "red", "blue"'),
        ({}, "spec.size", "Required value"),
    ],
    ids=["wrong type", "too small", "not in enum", "missing"],
)
def test_invalid_objects_are_refused_with_their_field_path(
    in_cluster: Run, spec: dict[str, Any], field: str, says: str
) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        with pytest.raises(ApiError) as caught:
            await cluster.create(WIDGETS, {"metadata": {"name": "a", "namespace": "default"}, "spec": spec})

        assert (caught.value.code, caught.value.reason) == (422, "Invalid")
        assert caught.value.causes[0][0] == field
        assert says in caught.value.message
        assert caught.value.message.startswith('Widget.example.com "a" is invalid: ')

    in_cluster(main)


def test_core_kinds_are_validated_with_the_words_of_kubernetes(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        spec = {"selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {}, "spec": POD}}
        with pytest.raises(ApiError) as caught:
            await cluster.create(REPLICA_SETS, {"metadata": {"name": "a", "namespace": "default"}, "spec": spec})

        assert caught.value.causes[0][0] == "spec.template.metadata.labels"
        assert "`selector` does not match template `labels`" in caught.value.message

    in_cluster(main)


def test_unknown_fields_of_a_structural_schema_are_pruned(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        created = await cluster.create(WIDGETS, widget("a", colour="blue"))

        assert "colour" not in created["spec"]

    in_cluster(main)


def test_names_namespaces_and_kinds_must_exist_and_be_free(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(WIDGETS, widget("a"))

        with pytest.raises(AlreadyExists, match=r'widgets.example.com "a" already exists'):
            await cluster.create(WIDGETS, widget("a"))
        with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
            await cluster.create(WIDGETS, widget("a", "nowhere"))
        with pytest.raises(NotFound, match=r'widgets.example.com "b" not found'):
            await cluster.get(WIDGETS, "default", "b")
        with pytest.raises(ApiError, match="RFC 1123"):
            await cluster.create(CONFIG_MAPS, {"metadata": {"name": "Big_Name", "namespace": "default"}})

    in_cluster(main)


def test_lists_filter_by_namespace_labels_and_fields(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        for name, namespace, tier in (("b", "default", "web"), ("a", "default", "db"), ("c", "other", "web")):
            obj = widget(name, namespace)
            obj["metadata"]["labels"] = {"tier": tier}
            await cluster.create(WIDGETS, obj)

        async def names(**options: Any) -> list[str]:
            return [item["metadata"]["name"] for item in (await cluster.list(WIDGETS, **options)).items]

        assert await names() == ["a", "b", "c"]
        assert await names(namespace="default") == ["a", "b"]
        assert await names(labels="tier=web") == ["b", "c"]
        assert await names(labels="tier in (db, cache)") == ["a"]
        assert await names(labels="!tier") == []
        assert await names(fields="metadata.name=c") == ["c"]

    in_cluster(main)


def test_a_watch_tells_every_change_after_its_version_in_order(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        start = (await cluster.list(WIDGETS)).resource_version
        await cluster.create(WIDGETS, widget("a"))
        stream = cluster.watch(WIDGETS, "default", resource_version=start)
        seen: list[WatchEvent] = []

        async def read() -> None:
            async for event in stream:
                seen.append(event)
                if len(seen) == 3:
                    return

        reader = asyncio.create_task(read())
        await clock.sleep(1)
        await cluster.create(WIDGETS, widget("elsewhere", "other"))
        await cluster.patch(WIDGETS, "default", "a", {"spec": {"size": 2}})
        await cluster.delete(WIDGETS, "default", "a")
        await reader

        assert [event.type for event in seen] == ["ADDED", "MODIFIED", "DELETED"]

    in_cluster(main, latency=(0.001, 0.02))


def test_a_watch_from_a_forgotten_version_is_gone() -> None:
    async def main(cluster: Any, clock: Clock) -> None:
        cluster.registry.store._log = type(cluster.registry.store._log)(maxlen=2)
        start = (await cluster.list(WIDGETS)).resource_version
        for name in "abcd":
            await cluster.create(WIDGETS, widget(name))

        with pytest.raises(Gone, match="too old resource version"):
            await anext(cluster.watch(WIDGETS, resource_version=start))

    in_process(main)  # its log is cut short from within


def test_finalizers_keep_an_object_until_they_are_removed(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        obj = widget("a")
        obj["metadata"]["finalizers"] = ["example.com/tidy"]
        await cluster.create(WIDGETS, obj)

        left = await cluster.delete(WIDGETS, "default", "a")
        assert left is not None
        assert left["metadata"]["deletionTimestamp"]
        await cluster.patch(WIDGETS, "default", "a", {"metadata": {"finalizers": None}})

        with pytest.raises(NotFound):
            await cluster.get(WIDGETS, "default", "a")

    in_cluster(main)


def test_a_running_pod_gets_its_grace_period_and_an_unscheduled_one_none(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        for name, extra in (("waiting", {}), ("running", {"nodeName": "n1"})):
            await cluster.create(PODS, {"metadata": {"name": name, "namespace": "default"}, "spec": {**POD, **extra}})

        assert await cluster.delete(PODS, "default", "waiting") is None
        left = await cluster.delete(PODS, "default", "running")
        assert left is not None
        assert left["metadata"]["deletionGracePeriodSeconds"] == 30
        assert await cluster.delete(PODS, "default", "running", grace_period_seconds=0) is None

    in_cluster(main)


def test_deleting_another_incarnation_conflicts(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(WIDGETS, widget("a"))

        with pytest.raises(Conflict, match=r"the UID in the precondition .* does not match the UID in record"):
            await cluster.delete(WIDGETS, "default", "a", uid="somebody-else")

    in_cluster(main)


def test_a_namespace_terminates_until_it_is_finalized_and_takes_no_new_content(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        left = await cluster.delete(NAMESPACES, "", "other")
        assert left is not None
        assert left["status"]["phase"] == "Terminating"

        with pytest.raises(ApiError, match="because it is being terminated"):
            await cluster.create(WIDGETS, widget("late", "other"))
        await cluster.patch(NAMESPACES, "", "other", {"spec": {"finalizers": None}})
        with pytest.raises(NotFound):
            await cluster.get(NAMESPACES, "", "other")

    in_cluster(main)


def test_services_get_an_address_and_keep_it(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        spec = {"ports": [{"port": 80}]}
        made = [
            await cluster.create(SERVICES, {"metadata": {"name": name, "namespace": "default"}, "spec": spec})
            for name in ("a", "b")
        ]
        addresses = [service["spec"]["clusterIP"] for service in made]

        replaced = await cluster.update(
            SERVICES, {"metadata": {"name": "a", "namespace": "default"}, "spec": {"ports": [{"port": 81}]}}
        )

        assert addresses == ["10.96.1.0", "10.96.1.1"]
        assert replaced["spec"]["clusterIP"] == addresses[0]
        assert replaced["spec"]["ports"] == [{"port": 81, "protocol": "TCP", "targetPort": 81}]

    in_cluster(main)


def test_strategic_merge_joins_containers_by_name_and_custom_resources_refuse_it(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(PODS, {"metadata": {"name": "p", "namespace": "default"}, "spec": POD})
        patch = {"spec": {"containers": [{"name": "main", "image": "podinfo:2"}]}}
        patched = await cluster.patch(PODS, "default", "p", patch, type="strategic")
        await cluster.create(WIDGETS, widget("a"))

        assert [item["image"] for item in patched["spec"]["containers"]] == ["podinfo:2"]
        assert patched["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
        with pytest.raises(ApiError) as caught:
            await cluster.patch(WIDGETS, "default", "a", patch, type="strategic")
        assert caught.value.code == 415

    in_cluster(main)


def test_a_json_patch_is_all_or_nothing(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(WIDGETS, widget("a"))
        operations = [
            {"op": "replace", "path": "/spec/size", "value": 5},
            {"op": "remove", "path": "/spec/nothing/here"},
        ]

        with pytest.raises(ApiError):
            await cluster.patch(WIDGETS, "default", "a", operations, type="json")

        assert (await cluster.get(WIDGETS, "default", "a"))["spec"]["size"] == 1

    in_cluster(main)


def test_a_dry_run_says_what_would_be_and_stores_nothing(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        would_be = await cluster.create(WIDGETS, widget("a"), dry_run=True)

        assert would_be["spec"]["color"] == "red"
        with pytest.raises(NotFound):
            await cluster.get(WIDGETS, "default", "a")

    in_cluster(main)


def test_a_kind_with_two_versions_has_its_objects_once(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        meta = {"name": "a", "namespace": "default"}
        spec = {"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 2}
        about = {"kind": "Pod", "namespace": "default", "name": "p"}
        await cluster.create(HORIZONTAL_POD_AUTOSCALERS_V1, {"metadata": meta, "spec": spec})
        await cluster.create(EVENTS_V1, {"metadata": meta, "regarding": about, "note": "hello"})

        new = (await cluster.list(HORIZONTAL_POD_AUTOSCALERS, "default")).items
        old = (await cluster.list(HORIZONTAL_POD_AUTOSCALERS_V1, "default")).items
        event = await cluster.get(EVENTS, "default", "a")

        assert [obj["apiVersion"] for obj in (*new, *old)] == ["autoscaling/v2", "autoscaling/v1"]
        assert new[0]["metadata"] == old[0]["metadata"]
        assert old[0]["spec"]["targetCPUUtilizationPercentage"] == 80
        assert (event["involvedObject"], event["message"]) == (about, "hello")

    in_cluster(main)


def test_what_the_server_fills_in_is_there_at_once(in_cluster: Run) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        meta = {"name": "a", "namespace": "default"}
        secret = await cluster.create(SECRETS, {"metadata": meta, "stringData": {"k": "v"}})
        job = await cluster.create(
            JOBS, {"metadata": meta, "spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}}
        )

        assert secret["data"] == {"k": "dg=="}
        uid = job["metadata"]["uid"]
        assert job["spec"]["selector"]["matchLabels"] == {"batch.kubernetes.io/controller-uid": uid}
        assert job["spec"]["template"]["metadata"]["labels"]["job-name"] == "a"

    in_cluster(main)
