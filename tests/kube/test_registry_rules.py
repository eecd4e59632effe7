"""Rules of the API server that only show when somebody does the unusual; Kubernetes 1.34 is the model."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from canarium.clock import Clock
from canarium.kube.cluster import ApiError, Cluster, NotFound, WatchEvent
from canarium.kube.faults import FaultRates, FaultyCluster
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, over_the_wire
from canarium.kube.resources import CONFIG_MAPS, PODS, REPLICA_SETS, Resource
from tests.kube.worlds import WIDGETS, in_cluster, widget

POD: dict[str, Any] = {"containers": [{"name": "main", "image": "podinfo:1"}]}


def named(name: str, **fields: Any) -> Obj:
    return {"metadata": {"name": name, "namespace": "default"}, **fields}


def test_generation_counts_deletion_but_not_binding_and_some_kinds_have_none() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(PODS, named("p", spec=POD))
        bound = await cluster.patch(PODS, "default", "p", {"spec": {"nodeName": "n1"}})
        upgraded = await cluster.patch(
            PODS, "default", "p", {"spec": {"containers": [{"name": "main", "image": "podinfo:2"}]}}
        )
        leaving = await cluster.delete(PODS, "default", "p")
        again = await cluster.delete(PODS, "default", "p", grace_period_seconds=1)
        config = await cluster.create(CONFIG_MAPS, named("c", data={"k": "v"}))
        config = await cluster.patch(CONFIG_MAPS, "default", "c", {"data": {"k": "w"}})

        assert leaving is not None
        assert again is not None
        assert [obj["metadata"]["generation"] for obj in (bound, upgraded, leaving, again)] == [1, 2, 3, 3]
        assert "generation" not in config["metadata"]

    in_cluster(main)


def test_a_shorter_grace_period_counts_from_the_first_request() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(PODS, named("p", spec={**POD, "nodeName": "n1"}))
        await cluster.delete(PODS, "default", "p", grace_period_seconds=60)
        await clock.sleep(10)
        same = await cluster.delete(PODS, "default", "p")
        shorter = await cluster.delete(PODS, "default", "p", grace_period_seconds=20)

        assert same is not None
        assert shorter is not None
        assert same["metadata"]["deletionTimestamp"] == "2026-01-05T09:01:00Z"
        assert shorter["metadata"]["deletionTimestamp"] == "2026-01-05T09:00:20Z"

    in_cluster(main)


def test_true_is_another_value_than_1() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        before = await cluster.create(CONFIG_MAPS, named("c", immutable=1))
        after = await cluster.patch(CONFIG_MAPS, "default", "c", {"immutable": True})

        assert after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
        assert after["immutable"] is True

    in_cluster(main)


def test_an_object_on_its_way_out_takes_no_new_finalizers() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        obj = widget("a")
        obj["metadata"]["finalizers"] = ["example.com/a", "example.com/b"]
        await cluster.create(WIDGETS, obj)
        await cluster.delete(WIDGETS, "default", "a")

        fewer = await cluster.patch(WIDGETS, "default", "a", {"metadata": {"finalizers": ["example.com/b"]}})
        with pytest.raises(ApiError) as caught:
            await cluster.patch(
                WIDGETS, "default", "a", {"metadata": {"finalizers": ["example.com/b", "example.com/c"]}}
            )

        assert fewer["metadata"]["finalizers"] == ["example.com/b"]
        assert caught.value.message == (
            'Widget.example.com "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the'
            ' object is being deleted, found new finalizers []string{"example.com/c"}'
        )

    in_cluster(main)


def test_owners_are_whole_and_only_one_of_them_is_the_controller() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
        for owners, field in (([owner, {**owner, "name": "q"}], ""), ([{**owner, "uid": ""}], ".uid")):
            obj = named("c")
            obj["metadata"]["ownerReferences"] = owners
            with pytest.raises(ApiError) as caught:
                await cluster.create(CONFIG_MAPS, obj)
            assert [cause[0] for cause in caught.value.causes] == [f"metadata.ownerReferences{field}"]

    in_cluster(main)


def test_a_custom_resource_is_not_replaced_blindly() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(WIDGETS, widget("a"))
        await cluster.create(CONFIG_MAPS, named("c"))

        with pytest.raises(
            ApiError, match=r"metadata.resourceVersion: Invalid value: 0: must be specified for an update"
        ):
            await cluster.update(WIDGETS, widget("a", size=2))
        assert (await cluster.update(CONFIG_MAPS, named("c", data={"k": "v"})))["data"] == {"k": "v"}

    in_cluster(main)


def test_a_generated_name_that_is_taken_is_drawn_again() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        draws = iter(["aaaaa", "aaaaa", "bbbbb"])
        cluster.registry._chance.suffix = lambda length=5: next(draws)  # type: ignore[method-assign]  # loaded dice
        obj = {"metadata": {"generateName": "c-", "namespace": "default"}}

        names = [(await cluster.create(CONFIG_MAPS, over_the_wire(obj)))["metadata"]["name"] for _ in range(2)]

        assert names == ["c-aaaaa", "c-bbbbb"]

    in_cluster(main)


def test_a_kind_that_nobody_defined_cannot_be_listed() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        with pytest.raises(NotFound, match="the server could not find the requested resource"):
            await cluster.list(Resource("example.com", "v1", "Gadget", "gadgets"))

    in_cluster(main)


def labelled(name: str, **labels: str) -> Obj:
    return {"metadata": {"name": name, "namespace": "default", "labels": labels}}


async def told(cluster: Cluster, clock: Clock, version: str) -> list[tuple[str, str]]:
    seen: list[WatchEvent] = []

    async def read() -> None:
        async for event in cluster.watch(CONFIG_MAPS, resource_version=version, labels="app=shop"):
            seen.append(event)  # noqa: PERF401  # each as it comes, until cancelled

    reader = asyncio.create_task(read())
    await clock.sleep(1)
    reader.cancel()
    objects = [msgspec.json.decode(event.raw)["metadata"] for event in seen]
    assert [obj["resourceVersion"] for obj in objects] == [event.resource_version for event in seen]
    return [(event.type, obj["labels"]["app"]) for event, obj in zip(seen, objects, strict=True)]


def test_a_watch_by_label_tells_who_comes_and_who_goes() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        start = (await cluster.list(CONFIG_MAPS)).resource_version
        await cluster.create(CONFIG_MAPS, labelled("a", app="cart"))
        await cluster.patch(CONFIG_MAPS, "default", "a", {"metadata": {"labels": {"app": "shop"}}})
        await cluster.patch(CONFIG_MAPS, "default", "a", {"data": {"k": "v"}})
        await cluster.patch(CONFIG_MAPS, "default", "a", {"metadata": {"labels": {"app": "cart"}}})
        await cluster.delete(CONFIG_MAPS, "default", "a")
        await cluster.create(CONFIG_MAPS, labelled("b", app="shop"))
        await cluster.delete(CONFIG_MAPS, "default", "b")

        assert await told(cluster, clock, start) == [
            ("ADDED", "shop"),
            ("MODIFIED", "shop"),
            ("DELETED", "shop"),
            ("ADDED", "shop"),
            ("DELETED", "shop"),
        ]

    in_cluster(main)


def test_a_watch_that_breaks_leaves_nobody_listening() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        faulty = FaultyCluster(cluster, clock, cluster.registry._chance, FaultRates(dropped_watch=1.0))
        await cluster.create(CONFIG_MAPS, labelled("a"))
        with pytest.raises(ApiError, match="the watch broke"):
            async for _ in faulty.watch(CONFIG_MAPS, resource_version="0"):
                pass

        store: Any = cluster.registry.store
        assert store._listeners[CONFIG_MAPS] == []

    in_cluster(main)


def test_replica_sets_keep_their_selector() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        template = {"metadata": {"labels": {"a": "x", "b": "y"}}, "spec": POD}
        await cluster.create(
            REPLICA_SETS, named("r", spec={"selector": {"matchLabels": {"a": "x"}}, "template": template})
        )
        with pytest.raises(ApiError, match="field is immutable"):
            await cluster.patch(REPLICA_SETS, "default", "r", {"spec": {"selector": {"matchLabels": {"b": "y"}}}})

    in_cluster(main)


def test_the_status_of_a_custom_resource_is_pruned_and_judged_too() -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        await cluster.create(WIDGETS, widget("a"))
        pruned = await cluster.patch(
            WIDGETS, "default", "a", {"status": {"judged": {"n": 1, "m": 2}}}, subresource="status"
        )
        with pytest.raises(ApiError) as caught:
            await cluster.patch(WIDGETS, "default", "a", {"status": {"judged": {"n": "x"}}}, subresource="status")

        assert pruned["status"] == {"judged": {"n": 1}}
        assert [cause[0] for cause in caught.value.causes] == ["status.judged.n"]

    in_cluster(main)
