"""What each kind of Kubernetes shows: an object in, its cells out."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.kube.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    EVENTS,
    JOBS,
    LEASES,
    NAMESPACES,
    NODES,
    REPLICA_SETS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from tests.kube.server.table.rows import FIVE_MINUTES_AGO, named, of_kind, shown

TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:2"}]}}
SELECTOR = {
    "matchLabels": {"z": "1", "app": "web"},
    "matchExpressions": [
        {"key": "tier", "operator": "NotIn", "values": ["b", "a"]},
        {"key": "live", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ],
}
SELECTED = "app=web,live,!old,tier notin (a,b),z=1"

JOB_HOUR = {"startTime": "2026-03-01T11:00:00Z"}
HPA = of_kind("autoscaling", "HorizontalPodAutoscaler")
INGRESS = of_kind("networking.k8s.io", "Ingress")
VOLUME = of_kind("", "PersistentVolume")
CLAIM = of_kind("", "PersistentVolumeClaim")
RBAC = "rbac.authorization.k8s.io"


def condition(kind: str, status: str = "True") -> Obj:
    return {"conditions": [{"type": kind, "status": status}]}


def going(**rest: Any) -> Obj:
    return {"metadata": {"name": "it", "deletionTimestamp": FIVE_MINUTES_AGO}, **rest}


def service(kind: str, status: Obj | None = None, **spec: Any) -> Obj:
    return named(spec={"type": kind, **spec}, status=status or {})


def metric(kind: str, field: str, target: Obj, **rest: Any) -> Obj:
    return {"type": kind, field: {"target": target, **rest}}


@pytest.mark.parametrize(
    ("resource", "obj", "cells"),
    [
        pytest.param(
            REPLICA_SETS,
            named(
                spec={"replicas": 3, "selector": SELECTOR, "template": TEMPLATE},
                status={"replicas": 2, "readyReplicas": 1},
            ),
            ["it", 3, 2, 1, "5m", "a,b", "x:1,y:2", SELECTED],
            id="replicaset",
        ),
        pytest.param(
            of_kind("", "ReplicationController"),
            named(spec={"selector": {"b": "2", "a": "1"}, "template": TEMPLATE}),
            ["it", 1, 0, 0, "5m", "a,b", "x:1,y:2", "a=1,b=2"],
            id="replicationcontroller",
        ),
        pytest.param(
            DEPLOYMENTS,
            named(
                spec={"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE},
                status={"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            ),
            ["it", "2/3", 1, 2, "5m", "a,b", "x:1,y:2", "app=web"],
            id="deployment",
        ),
        pytest.param(
            DEPLOYMENTS, named(spec={"replicas": 0}), ["it", "0/0", 0, 0, "5m", "", "", ""], id="deployment-at-nought"
        ),
        pytest.param(
            of_kind("apps", "StatefulSet"),
            named(spec={"template": TEMPLATE}, status={"readyReplicas": 1}),
            ["it", "1/1", "5m", "a,b", "x:1,y:2"],
            id="statefulset",
        ),
        pytest.param(
            of_kind("apps", "DaemonSet"),
            named(
                spec={"template": {"spec": {**TEMPLATE["spec"], "nodeSelector": {"disk": "ssd"}}}},
                status={
                    "desiredNumberScheduled": 5,
                    "currentNumberScheduled": 4,
                    "numberReady": 3,
                    "updatedNumberScheduled": 2,
                    "numberAvailable": 1,
                },
            ),
            ["it", 5, 4, 3, 2, 1, "disk=ssd", "5m", "a,b", "x:1,y:2", "<none>"],
            id="daemonset",
        ),
        pytest.param(
            of_kind("apps", "ControllerRevision"),
            {
                "metadata": {
                    "name": "it",
                    "creationTimestamp": FIVE_MINUTES_AGO,
                    "ownerReferences": [
                        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}
                    ],
                },
                "revision": 4,
            },
            ["it", "statefulset.apps/db", 4, "5m"],
            id="controllerrevision",
        ),
        pytest.param(
            of_kind("batch", "CronJob"),
            named(
                spec={"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}},
                status={"active": [{}, {}], "lastScheduleTime": "2026-03-01T11:59:00Z"},
            ),
            ["it", "* * * * *", "<none>", "False", 2, "60s", "5m", "a,b", "x:1,y:2", "<none>"],
            id="cronjob",
        ),
        pytest.param(
            of_kind("policy", "PodDisruptionBudget"),
            named(spec={"minAvailable": "50%"}, status={"disruptionsAllowed": 2}),
            ["it", "50%", "N/A", 2, "5m"],
            id="poddisruptionbudget",
        ),
        pytest.param(
            of_kind("policy", "PodDisruptionBudget"),
            named(spec={"maxUnavailable": 0}),
            ["it", "N/A", "0", 0, "5m"],
            id="poddisruptionbudget-of-none",
        ),
        pytest.param(
            NODES,
            {
                "metadata": {
                    "name": "n",
                    "creationTimestamp": FIVE_MINUTES_AGO,
                    "labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge"},
                },
                "spec": {"unschedulable": True},
                "status": {
                    **condition("Ready"),
                    "addresses": [{"type": "InternalIP", "address": "10.1.1.1"}],
                    "nodeInfo": {"kubeletVersion": "v1.34.0", "osImage": "Linux"},
                },
            },
            [
                "n",
                "Ready,SchedulingDisabled",
                "edge,worker",
                "5m",
                "v1.34.0",
                "10.1.1.1",
                "<none>",
                "Linux",
                "<unknown>",
                "<unknown>",
            ],
            id="node",
        ),
        pytest.param(NAMESPACES, named(status={"phase": "Terminating"}), ["it", "Terminating", "5m"], id="namespace"),
        pytest.param(
            ENDPOINTS,
            named(subsets=[{"addresses": [{"ip": "1.1.1.1"}, {"ip": "::1"}], "ports": [{"port": 80}, {"port": 81}]}]),
            ["it", "1.1.1.1:80,[::1]:80,1.1.1.1:81 + 1 more...", "5m"],
            id="endpoints",
        ),
        pytest.param(ENDPOINTS, named(), ["it", "<none>", "5m"], id="endpoints-none"),
        pytest.param(
            ENDPOINTS,
            named(subsets=[{"addresses": [{"ip": "1.1.1.1"}]}]),
            ["it", "1.1.1.1", "5m"],
            id="endpoints-portless",
        ),
        pytest.param(
            ENDPOINT_SLICES,
            named(
                addressType="IPv4",
                ports=[{"port": 80}, {"name": "metrics"}, {}],
                endpoints=[{"addresses": ["a", "b"]}, {"addresses": ["c", "d"]}],
            ),
            ["it", "IPv4", "80,metrics,*", "a,b,c + 1 more...", "5m"],
            id="endpointslice",
        ),
        pytest.param(
            ENDPOINT_SLICES,
            named(addressType="IPv6"),
            ["it", "IPv6", "<unset>", "<unset>", "5m"],
            id="endpointslice-empty",
        ),
        pytest.param(
            INGRESS,
            named(
                spec={"ingressClassName": "nginx", "tls": [{}], "rules": [{"host": h} for h in "abcd"]},
                status={"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}, {"ip": "1.2.3.4"}]}},
            ),
            ["it", "nginx", "a,b,c + 1 more...", "1.2.3.4,lb.example.com", "80, 443", "5m"],
            id="ingress",
        ),
        pytest.param(
            INGRESS, named(spec={"rules": [{}]}), ["it", "<none>", "*", "", "80", "5m"], id="ingress-any-host"
        ),
        pytest.param(
            of_kind("networking.k8s.io", "NetworkPolicy"),
            named(spec={"podSelector": {}}),
            ["it", "<none>", "5m"],
            id="networkpolicy",
        ),
        pytest.param(CONFIG_MAPS, named(data={"a": "1"}, binaryData={"b": "Mg=="}), ["it", 2, "5m"], id="configmap"),
        pytest.param(SECRETS, named(data={"a": "MQ=="}), ["it", "Opaque", 1, "5m"], id="secret"),
        pytest.param(SERVICE_ACCOUNTS, named(), ["it", 0, "5m"], id="serviceaccount"),
        pytest.param(LEASES, named(spec={"holderIdentity": "me"}), ["it", "me", "5m"], id="lease"),
        pytest.param(
            of_kind("", "ResourceQuota"),
            named(status={"hard": {"pods": "4", "limits.cpu": "2", "cpu": "1"}, "used": {"pods": "3"}}),
            ["it", "cpu: 0/1, pods: 3/4", "limits.cpu: 0/2", "5m"],
            id="resourcequota",
        ),
        pytest.param(
            of_kind("scheduling.k8s.io", "PriorityClass"),
            named(value=1000),
            ["it", 1000, False, "5m", "PreemptLowerPriority"],
            id="priorityclass",
        ),
        pytest.param(
            of_kind(RBAC, "RoleBinding"),
            named(
                roleRef={"kind": "ClusterRole", "name": "view"},
                subjects=[
                    {"kind": "User", "name": "ann"},
                    {"kind": "User", "name": "bob"},
                    {"kind": "Group", "name": "ops"},
                    {"kind": "ServiceAccount", "namespace": "ci", "name": "bot"},
                ],
            ),
            ["it", "ClusterRole/view", "5m", "ann, bob", "ops", "ci/bot"],
            id="rolebinding",
        ),
        pytest.param(
            VOLUME,
            named(
                spec={
                    "capacity": {"storage": "1Gi"},
                    "accessModes": ["ReadWriteMany", "ReadWriteOnce", "ReadWriteMany"],
                    "claimRef": {"namespace": "shop", "name": "db"},
                    "storageClassName": "fast",
                },
                status={"phase": "Bound"},
            ),
            ["it", "1Gi", "RWO,RWX", "Retain", "Bound", "shop/db", "fast", "<unset>", "", "5m", "Filesystem"],
            id="persistentvolume",
        ),
        pytest.param(
            CLAIM,
            named(
                spec={"volumeName": "v", "storageClassName": "fast", "volumeMode": "Block"},
                status={"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"]},
            ),
            ["it", "Bound", "v", "1Gi", "RWOP", "fast", "<unset>", "5m", "Block"],
            id="persistentvolumeclaim",
        ),
        pytest.param(
            CLAIM, named(), ["it", "Pending", "", "", "", "", "<unset>", "5m", "Filesystem"], id="claim-without-volume"
        ),
        pytest.param(
            of_kind("storage.k8s.io", "StorageClass"),
            {
                "metadata": {
                    "name": "it",
                    "creationTimestamp": FIVE_MINUTES_AGO,
                    "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
                },
                "provisioner": "p",
            },
            ["it (default)", "p", "Delete", "Immediate", False, "5m"],
            id="storageclass",
        ),
        pytest.param(
            of_kind("apiregistration.k8s.io", "APIService"),
            named(
                spec={"service": {"namespace": "s", "name": "n"}},
                status={"conditions": [{"type": "Available", "status": "False", "reason": "Gone"}]},
            ),
            ["it", "s/n", "False (Gone)", "5m"],
            id="apiservice",
        ),
    ],
)
def test_the_cells_of_a_kind(resource: Resource, obj: Obj, cells: list[Any]) -> None:
    assert list(shown(resource, obj).values()) == cells


@pytest.mark.parametrize(
    ("obj", "status", "completions", "duration"),
    [
        pytest.param(named(), "Running", "0/1", "", id="not-begun"),
        pytest.param(named(spec={"completions": 3}, status={**JOB_HOUR, "succeeded": 1}), "Running", "1/3", "60m"),
        pytest.param(named(spec={"parallelism": 2}, status=JOB_HOUR), "Running", "0/1 of 2", "60m", id="work-queue"),
        pytest.param(
            named(
                status={**JOB_HOUR, **condition("Complete"), "succeeded": 1, "completionTime": "2026-03-01T11:00:09Z"}
            ),
            "Complete",
            "1/1",
            "9s",
            id="complete",
        ),
        pytest.param(named(status=condition("Failed")), "Failed", "0/1", "", id="failed"),
        pytest.param(named(status=condition("Complete", "False")), "Running", "0/1", "", id="not-complete"),
        pytest.param(named(status=condition("Suspended")), "Suspended", "0/1", "", id="suspended"),
        pytest.param(named(status=condition("FailureTarget")), "FailureTarget", "0/1", "", id="failing"),
        pytest.param(going(status=condition("Suspended")), "Terminating", "0/1", "", id="going"),
        pytest.param(named(status={"startTime": "soon"}), "Running", "0/1", "", id="a-start-that-is-no-time"),
    ],
)
def test_how_a_job_is_doing(obj: Obj, status: str, completions: str, duration: str) -> None:
    cells = shown(JOBS, obj)

    assert (cells["Status"], cells["Completions"], cells["Duration"]) == (status, completions, duration)


@pytest.mark.parametrize(
    ("obj", "cluster_ip", "external_ip", "ports"),
    [
        pytest.param(named(), "<none>", "<none>", "<none>", id="nothing-known"),
        pytest.param(
            service("ClusterIP", clusterIP="10.0.0.1", ports=[{"port": 80}, {"port": 53, "protocol": "UDP"}]),
            "10.0.0.1",
            "<none>",
            "80/TCP,53/UDP",
            id="cluster-ip",
        ),
        pytest.param(service("ClusterIP", clusterIP="None"), "None", "<none>", "<none>", id="headless"),
        pytest.param(
            service("NodePort", clusterIPs=["10.0.0.1", "fd::1"], ports=[{"port": 80, "nodePort": 30080}]),
            "10.0.0.1",
            "<none>",
            "80:30080/TCP",
            id="node-port",
        ),
        pytest.param(service("LoadBalancer"), "<none>", "<pending>", "<none>", id="balancer-pending"),
        pytest.param(
            service("LoadBalancer", {"loadBalancer": {"ingress": [{"ip": "2.2.2.2"}]}}, externalIPs=["1.1.1.1"]),
            "<none>",
            "2.2.2.2,1.1.1.1",
            "<none>",
            id="balancer",
        ),
        pytest.param(service("ExternalName", externalName="a.example"), "<none>", "a.example", "<none>", id="external"),
    ],
)
def test_where_a_service_is_reached(obj: Obj, cluster_ip: str, external_ip: str, ports: str) -> None:
    cells = shown(SERVICES, obj)

    assert (cells["Cluster-IP"], cells["External-IP"], cells["Port(s)"]) == (cluster_ip, external_ip, ports)


ABOUT = {"kind": "Pod", "name": "web-1", "fieldPath": "spec.containers{a}"}


@pytest.mark.parametrize(
    ("event", "cells"),
    [
        pytest.param(
            named(
                involvedObject=ABOUT,
                type="Warning",
                reason="BackOff",
                message=" again\n",
                firstTimestamp="2026-03-01T11:00:00Z",
                lastTimestamp="2026-03-01T11:59:30Z",
                count=4,
                source={"component": "kubelet", "host": "n1"},
            ),
            ["30s", "Warning", "BackOff", "pod/web-1", ABOUT["fieldPath"], "kubelet, n1", "again", "60m", 4, "it"],
            id="core",
        ),
        pytest.param(
            named(
                regarding={"kind": "Node"},
                type="Normal",
                reason="R",
                note="n",
                eventTime="2026-03-01T11:59:30.000000Z",
                reportingController="c",
            ),
            ["30s", "Normal", "R", "node", "", "c", "n", "30s", 1, "it"],
            id="events.k8s.io",
        ),
        pytest.param(
            named(
                involvedObject=ABOUT,
                eventTime="2026-03-01T11:00:00.000000Z",
                series={"count": 9, "lastObservedTime": "2026-03-01T11:59:59.000000Z"},
            ),
            ["1s", "", "", "pod/web-1", ABOUT["fieldPath"], "", "", "60m", 9, "it"],
            id="series",
        ),
    ],
)
def test_what_an_event_says(event: Obj, cells: list[Any]) -> None:
    assert list(shown(EVENTS, event).values()) == cells


@pytest.mark.parametrize(
    ("spec", "status", "targets"),
    [
        pytest.param({}, {}, "<none>", id="none"),
        pytest.param({"targetCPUUtilizationPercentage": 80}, {}, "cpu: <unknown>/80%", id="v1"),
        pytest.param(
            {"targetCPUUtilizationPercentage": 80},
            {"currentCPUUtilizationPercentage": 0},
            "cpu: 0%/80%",
            id="v1-measured",
        ),
        pytest.param(
            {"metrics": [metric("Resource", "resource", {"averageUtilization": 80}, name="cpu")]},
            {
                "currentMetrics": [
                    {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 7}}}
                ]
            },
            "cpu: 7%/80%",
            id="resource",
        ),
        pytest.param(
            {"metrics": [metric("ContainerResource", "containerResource", {"averageValue": "1Gi"}, name="memory")]},
            {},
            "memory: <unknown>/1Gi",
            id="container-resource",
        ),
        pytest.param(
            {"metrics": [metric("Pods", "pods", {"averageValue": "100m"})]},
            {"currentMetrics": [{"type": "Pods", "pods": {"current": {"averageValue": "50m"}}}]},
            "50m/100m",
            id="pods",
        ),
        pytest.param(
            {
                "metrics": [
                    metric("External", "external", {"averageValue": "5"}),
                    metric("Object", "object", {"value": "9"}),
                    {"type": "Odd"},
                ]
            },
            {},
            "<unknown>/5 (avg), <unknown>/9 + 1 more...",
            id="only-two-are-shown",
        ),
    ],
)
def test_the_targets_of_an_autoscaler(spec: Obj, status: Obj, targets: str) -> None:
    reference = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 5}

    cells = shown(HPA, named(spec={**reference, **spec}, status=status))

    assert list(cells.values()) == ["it", "Deployment/web", targets, "1", 5, 0, "5m"]
