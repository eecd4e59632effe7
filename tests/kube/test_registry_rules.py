"""Rules of the API server that only show when somebody does the unusual; Kubernetes 1.34 is the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from canarium.clock import Clock
from canarium.kube.cluster import ApiError, Cluster, Conflict, NotFound, WatchEvent
from canarium.kube.faults import FaultRates, FaultyCluster
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, ObjectKey, over_the_wire
from canarium.kube.registry import Registry
from canarium.kube.resources import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    CRON_JOBS,
    DEPLOYMENTS,
    EVENTS,
    EVENTS_V1,
    HORIZONTAL_POD_AUTOSCALERS,
    HORIZONTAL_POD_AUTOSCALERS_V1,
    INGRESSES,
    JOBS,
    NAMESPACES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)
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


# -- core kinds ---------------------------------------------------------------------------------------------------


def in_registry(main: Any) -> None:
    """Run `main(registry)` on a registry with the namespaces and kinds of the small world."""

    async def body(cluster: InProcessCluster, clock: Clock) -> None:
        del clock
        main(cluster.registry)

    in_cluster(body)


def key(name: str) -> ObjectKey:
    return ObjectKey("default", name)


def workload(name: str, **spec: Any) -> Obj:
    template = {"metadata": {"labels": {"app": name}}, "spec": POD}
    return named(name, spec={"selector": {"matchLabels": {"app": name}}, "template": template, **spec})


def job(name: str, **spec: Any) -> Obj:
    return named(name, spec={"template": {"spec": {**POD, "restartPolicy": "Never"}}, **spec})


def pod_with(**fields: Any) -> Obj:
    return named("a", spec={"containers": [{**POD["containers"][0], **fields}]})


ENV_RULE = (
    "a valid environment variable name must consist only of printable ASCII characters other than '=', regex used for"
    " validation is '^[ -<>-~]+$'"
)


@pytest.mark.parametrize(
    ("resource", "obj", "expected"),
    [
        (PODS, named("a", spec={}), "spec.containers: Required value"),
        (PODS, pod_with(image=""), "spec.containers[0].image: Required value"),
        (
            PODS,
            named("a", spec={"containers": POD["containers"] * 2}),
            'spec.containers[1].name: Duplicate value: "main"',
        ),
        (
            PODS,
            pod_with(ports=[{"containerPort": 70000}]),
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (PODS, pod_with(env=[{"name": "a=b"}]), f'spec.containers[0].env[0].name: Invalid value: "a=b": {ENV_RULE}'),
        (
            PODS,
            pod_with(resources={"requests": {"memory": "-1"}}),
            'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            PODS,
            pod_with(resources={"requests": {"memory": "2Mi"}, "limits": {"memory": "1Mi"}}),
            'spec.containers[0].resources.requests: Invalid value: "2Mi": '
            "must be less than or equal to memory limit of 1Mi",
        ),
        (
            PODS,
            pod_with(volumeMounts=[{"name": "data", "mountPath": "/data"}]),
            'spec.containers[0].volumeMounts[0].name: Not found: "data"',
        ),
        (
            PODS,
            named("a", spec={**POD, "restartPolicy": "Sometimes"}),
            'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
        ),
        (
            DEPLOYMENTS,
            workload("a", strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            JOBS,
            named("a", spec={"template": {"spec": POD}}),
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            CRON_JOBS,
            named("a", spec={"schedule": "hourly", "jobTemplate": {"spec": job("a")["spec"]}}),
            'spec.schedule: Invalid value: "hourly": expected exactly 5 fields, found 1: [hourly]',
        ),
        (
            HORIZONTAL_POD_AUTOSCALERS,
            named(
                "a", spec={"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "minReplicas": 3, "maxReplicas": 2}
            ),
            "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
        ),
        (
            POD_DISRUPTION_BUDGETS,
            named("a", spec={"minAvailable": 1, "maxUnavailable": 1}),
            'spec: Invalid value: {"maxUnavailable":1,"minAvailable":1}: minAvailable and maxUnavailable cannot be both'
            " set",
        ),
        (CONFIG_MAPS, named("a", data={"..": ""}), "data[..]: Invalid value: \"..\": must not be '..'"),
        (SECRETS, named("a", type="kubernetes.io/tls", data={"tls.crt": ""}), "data[tls.key]: Required value"),
        (SERVICES, named("a", spec={"type": "ExternalName"}), "spec.externalName: Required value"),
        (
            INGRESSES,
            named("a", spec={}),
            "spec: Invalid value: {}: either `defaultBackend` or `rules` must be specified",
        ),
        (
            ROLES,
            named("a", rules=[{"apiGroups": [""], "resources": ["pods"]}]),
            "rules[0].verbs: Required value: verbs must contain at least one value",
        ),
        (ROLES, named("a/b"), "metadata.name: Invalid value: \"a/b\": may not contain '/'"),
    ],
)
def test_a_core_object_that_is_wrong_is_refused_in_upstreams_words(resource: Resource, obj: Obj, expected: str) -> None:
    def main(registry: Registry) -> None:
        with pytest.raises(ApiError) as caught:
            registry.create(resource, obj)

        assert (caught.value.code, caught.value.reason) == (422, "Invalid")
        assert caught.value.message.partition(" is invalid: ")[2] == expected

    in_registry(main)


def test_a_pods_image_may_change_and_most_else_may_not() -> None:
    def main(registry: Registry) -> None:
        registry.create(PODS, named("a", spec=POD))
        container = registry.get(PODS, key("a"))["spec"]["containers"][0]

        registry.patch(PODS, key("a"), {"spec": {"containers": [{**container, "image": "podinfo:2"}]}})
        registry.patch(PODS, key("a"), {"spec": {"activeDeadlineSeconds": 5, "tolerations": [{"operator": "Exists"}]}})
        with pytest.raises(
            ApiError,
            match=r"spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`.*\n"
            r"spec.hostname$",
        ):
            registry.patch(PODS, key("a"), {"spec": {"hostname": "b"}})
        with pytest.raises(ApiError, match=r"spec.containers: Forbidden: pod updates may not add or remove containers"):
            registry.patch(PODS, key("a"), {"spec": {"containers": [container, {**container, "name": "b"}]}})

    in_registry(main)


def test_secrets_and_config_maps_keep_what_may_not_change() -> None:
    def main(registry: Registry) -> None:
        secret = registry.create(SECRETS, named("a", stringData={"user": "shop"}, immutable=True))
        registry.create(CONFIG_MAPS, named("a", data={"k": "v"}, immutable=True))

        assert (secret["type"], secret["data"]) == ("Opaque", {"user": "c2hvcA=="})
        assert "stringData" not in secret
        with pytest.raises(ApiError, match=r'type: Invalid value: "other": field is immutable'):
            registry.patch(SECRETS, key("a"), {"type": "other"})
        with pytest.raises(ApiError, match=r"data: Forbidden: field is immutable when `immutable` is set"):
            registry.patch(CONFIG_MAPS, key("a"), {"data": {"k": "w"}})
        with pytest.raises(ApiError, match=r"immutable: Forbidden: field is immutable when `immutable` is set"):
            registry.patch(CONFIG_MAPS, key("a"), {"immutable": False})

    in_registry(main)


def test_a_job_finds_its_pods_by_its_own_uid_and_keeps_its_template() -> None:
    def main(registry: Registry) -> None:
        made = registry.create(JOBS, job("a"))
        uid = made["metadata"]["uid"]
        labels = {
            "batch.kubernetes.io/controller-uid": uid,
            "batch.kubernetes.io/job-name": "a",
            "controller-uid": uid,
            "job-name": "a",
        }

        assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
        assert made["spec"]["template"]["metadata"]["labels"] == made["metadata"]["labels"] == labels
        with pytest.raises(ApiError, match="field is immutable"):
            registry.patch(JOBS, key("a"), {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}})
        assert registry.patch(JOBS, key("a"), {"spec": {"suspend": True}})["metadata"]["generation"] == 2

    in_registry(main)


def test_a_service_keeps_its_address_and_gets_node_ports_of_its_own() -> None:
    def main(registry: Registry) -> None:
        spec = {"type": "NodePort", "ports": [{"port": 80}]}
        services = [registry.create(SERVICES, named(name, spec=spec)) for name in ("a", "b")]
        address = services[0]["spec"]["clusterIP"]

        plain = registry.patch(SERVICES, key("a"), {"spec": {"type": "ClusterIP"}})

        assert [service["spec"]["ports"][0]["nodePort"] for service in services] == [30200, 30201]
        assert services[0]["status"] == {"loadBalancer": {}}
        assert (plain["spec"]["clusterIP"], "nodePort" in plain["spec"]["ports"][0]) == (address, False)
        with pytest.raises(ApiError, match=r"spec.clusterIPs\[0\]: Invalid value: .* may not change once set"):
            registry.patch(SERVICES, key("b"), {"spec": {"clusterIP": "10.96.9.9"}})

    in_registry(main)


def test_stateful_sets_and_bindings_refuse_what_upstream_refuses_on_update() -> None:
    def main(registry: Registry) -> None:
        registry.create(STATEFUL_SETS, workload("a"))
        ref = {"kind": "ClusterRole", "name": "view"}
        made = registry.create(ROLE_BINDINGS, named("a:b", roleRef=ref, subjects=[{"kind": "User", "name": "me"}]))

        assert made["roleRef"]["apiGroup"] == made["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"
        with pytest.raises(ApiError, match="updates to statefulset spec for fields other than 'replicas', 'ordinals',"):
            registry.patch(STATEFUL_SETS, key("a"), {"spec": {"serviceName": "b"}})
        with pytest.raises(ApiError, match="cannot change roleRef"):
            registry.patch(ROLE_BINDINGS, key("a:b"), {"roleRef": {"name": "edit"}})
        assert (
            registry.create(CLUSTER_ROLES, {"metadata": {"name": "system:shop"}})["metadata"]["name"] == "system:shop"
        )

    in_registry(main)


def test_an_autoscaler_is_the_same_object_in_both_versions() -> None:
    def main(registry: Registry) -> None:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}
        spec = {"scaleTargetRef": target, "maxReplicas": 5, "targetCPUUtilizationPercentage": 70}
        old = registry.create(HORIZONTAL_POD_AUTOSCALERS_V1, named("a", spec=spec))
        memory = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 60}}

        new = registry.get(HORIZONTAL_POD_AUTOSCALERS, key("a"))
        metrics = [*new["spec"]["metrics"], {"type": "Resource", "resource": memory}]
        registry.patch(HORIZONTAL_POD_AUTOSCALERS, key("a"), {"spec": {"metrics": metrics}})
        registry.patch(HORIZONTAL_POD_AUTOSCALERS_V1, key("a"), {"spec": {"maxReplicas": 6}})
        both = [registry.get(one, key("a")) for one in (HORIZONTAL_POD_AUTOSCALERS, HORIZONTAL_POD_AUTOSCALERS_V1)]

        assert (old["apiVersion"], old["spec"]) == ("autoscaling/v1", {**spec, "minReplicas": 1})
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
        assert new["spec"]["metrics"] == [{"type": "Resource", "resource": cpu}]
        assert sorted(metric["resource"]["name"] for metric in both[0]["spec"]["metrics"]) == ["cpu", "memory"]
        assert (both[0]["spec"]["maxReplicas"], both[1]["spec"]["targetCPUUtilizationPercentage"]) == (6, 70)

    in_registry(main)


def test_an_event_is_the_same_object_in_both_groups() -> None:
    def main(registry: Registry) -> None:
        about = {"kind": "Pod", "namespace": "default", "name": "p"}
        registry.create(EVENTS, named("a", involvedObject=about, message="hello", reason="Started", type="Normal"))
        registry.create(EVENTS_V1, named("b", regarding=about, note="bye", reason="Killed", type="Warning"))

        assert registry.get(EVENTS_V1, key("a"))["note"] == "hello"
        assert registry.get(EVENTS, key("b"))["message"] == "bye"
        for resource, path in ((EVENTS, "involvedObject.name"), (EVENTS_V1, "regarding.name")):
            found = registry.selected(resource, "default", fields=f"{path}=p,type!=Normal")
            assert [obj["metadata"]["name"] for obj in found] == ["b"]

    in_registry(main)


# -- subresources and deletion ------------------------------------------------------------------------------------


def test_scaling_asks_for_replicas_and_nothing_else() -> None:
    def main(registry: Registry) -> None:
        registry.create(DEPLOYMENTS, workload("a"))
        registry.create(REPLICATION_CONTROLLERS, named("rc", spec={"template": workload("rc")["spec"]["template"]}))
        scale = registry.scale(DEPLOYMENTS, key("a"))

        more = registry.update(DEPLOYMENTS, {**scale, "spec": {"replicas": 4}}, subresource="scale")

        assert (scale["spec"], scale["status"]) == ({"replicas": 1}, {"replicas": 0, "selector": "app=a"})
        assert more["spec"] == {"replicas": 4}
        assert registry.get(DEPLOYMENTS, key("a"))["spec"]["replicas"] == 4
        assert registry.scale(REPLICATION_CONTROLLERS, key("rc"))["status"]["selector"] == "app=rc"
        with pytest.raises(Conflict, match="the object has been modified"):
            registry.update(DEPLOYMENTS, {**scale, "spec": {"replicas": 5}}, subresource="scale")
        with pytest.raises(ApiError, match=r"^Scale.autoscaling .* -1: must be greater than or equal to 0$"):
            registry.patch(DEPLOYMENTS, key("a"), {"spec": {"replicas": -1}}, subresource="scale")
        with pytest.raises(NotFound, match="the server could not find the requested resource"):
            registry.scale(CONFIG_MAPS, key("a"))

    in_registry(main)


def test_pods_are_bound_once_and_evicted_like_deleted() -> None:
    def main(registry: Registry) -> None:
        registry.create(PODS, named("a", spec=POD))
        registry.bind(key("a"), {"target": {"kind": "Node", "name": "n1"}})

        left = registry.evict(key("a"), {"deleteOptions": {"gracePeriodSeconds": 7}})

        assert left is not None
        assert left["metadata"]["deletionGracePeriodSeconds"] == 7
        assert registry.get(PODS, key("a"))["spec"]["nodeName"] == "n1"
        registry.create(PODS, named("b", spec={**POD, "nodeName": "n1"}))
        with pytest.raises(Conflict, match=r'pods/binding "b": pod b is already assigned to node "n1"'):
            registry.bind(key("b"), {"target": {"name": "n2"}})
        assert registry.subresources(PODS) == ("status", "binding", "eviction", "log", "portforward")

    in_registry(main)


def test_a_namespace_goes_when_its_finalize_subresource_says_so() -> None:
    def main(registry: Registry) -> None:
        registry.delete(NAMESPACES, ObjectKey("", "other"))
        leaving = registry.get(NAMESPACES, ObjectKey("", "other"))

        registry.update(NAMESPACES, {**leaving, "spec": {}}, subresource="finalize")

        with pytest.raises(NotFound):
            registry.get(NAMESPACES, ObjectKey("", "other"))

    in_registry(main)


def test_a_dry_deletion_changes_nothing() -> None:
    def main(registry: Registry) -> None:
        registry.create(PODS, named("a", spec={**POD, "nodeName": "n1"}))
        registry.create(CONFIG_MAPS, named("a"))
        revision = registry.store.revision

        left = registry.delete(PODS, key("a"), dry_run=True)

        assert left is not None
        assert "deletionTimestamp" in left["metadata"]
        assert registry.delete(CONFIG_MAPS, key("a"), dry_run=True) is None
        assert registry.store.revision == revision

    in_registry(main)


def test_a_collection_is_deleted_as_far_as_it_is_selected() -> None:
    def main(registry: Registry) -> None:
        for name, app in (("a", "shop"), ("b", "shop"), ("c", "cart")):
            registry.create(CONFIG_MAPS, labelled(name, app=app))

        gone = registry.delete_collection(CONFIG_MAPS, "default", labels="app=shop", fields="metadata.name!=b")

        assert [obj["metadata"]["name"] for obj in gone] == ["a"]
        assert [obj["metadata"]["name"] for obj in registry.selected(CONFIG_MAPS)] == ["b", "c"]

    in_registry(main)


def test_refusals_carry_the_details_of_a_status() -> None:
    def main(registry: Registry) -> None:
        registry.create(DEPLOYMENTS, workload("a"))
        refusals: dict[str, Callable[[], Any]] = {
            "NotFound": lambda: registry.get(DEPLOYMENTS, key("b")),
            "AlreadyExists": lambda: registry.create(DEPLOYMENTS, workload("a")),
            "Invalid": lambda: registry.patch(DEPLOYMENTS, key("a"), {"spec": {"replicas": -1}}),
            "Conflict": lambda: registry.delete(DEPLOYMENTS, key("a"), resource_version="1"),
        }
        told: dict[str, ApiError] = {}
        for reason, refused in refusals.items():
            with pytest.raises(ApiError) as caught:
                refused()
            assert caught.value.reason == reason
            told[reason] = caught.value

        assert told["NotFound"].details == {"name": "b", "group": "apps", "kind": "deployments"}
        assert told["AlreadyExists"].details == {"name": "a", "group": "apps", "kind": "deployments"}
        assert told["Invalid"].details == {
            "name": "a",
            "group": "apps",
            "kind": "Deployment",
            "causes": [
                {
                    "reason": "FieldValueInvalid",
                    "message": "Invalid value: -1: must be greater than or equal to 0",
                    "field": "spec.replicas",
                }
            ],
        }
        assert told["Conflict"].message.startswith(
            'Operation cannot be fulfilled on Deployment.apps "a": the ResourceVersion in the precondition (1) does not'
        )

    in_registry(main)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_namespaces_that_a_cluster_needs_are_not_deleted(name: str) -> None:
    async def main(cluster: Cluster, clock: Clock) -> None:
        if name != "default":
            await cluster.create(NAMESPACES, {"metadata": {"name": name}})

        with pytest.raises(ApiError, match=f'namespaces "{name}" is forbidden: this namespace may not be deleted'):
            await cluster.delete(NAMESPACES, "", name)

    in_cluster(main)
