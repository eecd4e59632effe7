"""What kube-state-metrics says of a pod, a ReplicaSet, a Deployment and a namespace."""

from __future__ import annotations

from typing import Any

from canarium.kube.objects import Obj
from canarium.metrics.kube_state import pods, workloads
from canarium.metrics.kube_state.families import Family, Labels, exposition

POD: Obj = {
    "metadata": {
        "name": "echo-1",
        "namespace": "echo",
        "uid": "u-1",
        "creationTimestamp": "2026-01-05T09:00:00Z",
        "ownerReferences": [{"kind": "ReplicaSet", "name": "echo", "uid": "r", "controller": True}],
    },
    "spec": {
        "nodeName": "n1",
        "restartPolicy": "Always",
        "containers": [
            {"name": "c", "image": "podinfo:1", "resources": {"limits": {"cpu": "100m", "memory": "128Mi"}}}
        ],
    },
    "status": {
        "phase": "Running",
        "podIP": "10.244.1.9",
        "hostIP": "172.18.0.3",
        "qosClass": "Burstable",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [
            {
                "name": "c",
                "ready": False,
                "restartCount": 3,
                "image": "podinfo:1",
                "imageID": "sha256:1",
                "containerID": "containerd://1",
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "Error", "exitCode": 2, "finishedAt": "2026-01-05T09:01:00Z"}},
            }
        ],
    },
}


def lines(families: tuple[Family, ...], identity: Labels, obj: Obj) -> dict[str, list[str]]:
    return {family.name: exposition(family, identity, obj).splitlines() for family in families}


def test_a_crashing_pod() -> None:
    told = lines(pods.FAMILIES, pods.identity(POD), POD)
    me = 'namespace="echo",pod="echo-1",uid="u-1"'

    assert told["kube_pod_container_status_restarts_total"] == [
        f'kube_pod_container_status_restarts_total{{{me},container="c"}} 3'
    ]
    assert told["kube_pod_container_status_ready"] == [f'kube_pod_container_status_ready{{{me},container="c"}} 0']
    assert told["kube_pod_container_status_waiting_reason"] == [
        f'kube_pod_container_status_waiting_reason{{{me},container="c",reason="CrashLoopBackOff"}} 1'
    ]
    assert told["kube_pod_container_status_last_terminated_exitcode"] == [
        f'kube_pod_container_status_last_terminated_exitcode{{{me},container="c"}} 2'
    ]
    limits = f'kube_pod_container_resource_limits{{{me},container="c",node="n1"'
    assert told["kube_pod_container_resource_limits"] == [
        f'{limits},resource="cpu",unit="core"}} 0.1',
        f'{limits},resource="memory",unit="byte"}} 1.34217728e+08',
    ]
    assert told["kube_pod_created"] == [f"kube_pod_created{{{me}}} 1.7676036e+09"]
    assert told["kube_pod_owner"] == [
        f'kube_pod_owner{{{me},owner_kind="ReplicaSet",owner_name="echo",owner_is_controller="true"}} 1'
    ]
    assert f'kube_pod_status_phase{{{me},phase="Running"}} 1' in told["kube_pod_status_phase"]
    assert f'kube_pod_status_phase{{{me},phase="Failed"}} 0' in told["kube_pod_status_phase"]
    assert f'kube_pod_status_ready{{{me},condition="false"}} 1' in told["kube_pod_status_ready"]
    assert told["kube_pod_container_state_started"] == []


def test_workloads_and_namespaces() -> None:
    replica_set: dict[str, Any] = {
        "metadata": {"name": "r", "namespace": "echo", "generation": 4},
        "spec": {"replicas": 2},
        "status": {"replicas": 2, "readyReplicas": 1},
    }
    deployment = {
        "metadata": {"name": "d", "namespace": "echo"},
        "spec": {
            "replicas": 5,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        },
        "status": {"conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}]},
    }
    namespace = {"metadata": {"name": "echo"}, "status": {"phase": "Active"}}

    sets = lines(workloads.REPLICA_SET_FAMILIES, workloads.replica_set_identity(replica_set), replica_set)
    deployments = lines(workloads.DEPLOYMENT_FAMILIES, workloads.deployment_identity(deployment), deployment)
    spaces = lines(workloads.NAMESPACE_FAMILIES, workloads.namespace_identity(namespace), namespace)

    assert sets["kube_replicaset_status_ready_replicas"] == [
        'kube_replicaset_status_ready_replicas{namespace="echo",replicaset="r"} 1'
    ]
    assert deployments["kube_deployment_spec_strategy_rollingupdate_max_surge"] == [
        'kube_deployment_spec_strategy_rollingupdate_max_surge{namespace="echo",deployment="d"} 2'
    ]
    assert deployments["kube_deployment_spec_strategy_rollingupdate_max_unavailable"][0].endswith(" 1")
    assert (
        'kube_deployment_status_condition{namespace="echo",deployment="d",reason="MinimumReplicasAvailable",'
        'condition="Available",status="true"} 1'
    ) in deployments["kube_deployment_status_condition"]
    assert spaces["kube_namespace_status_phase"] == [
        'kube_namespace_status_phase{namespace="echo",phase="Active"} 1',
        'kube_namespace_status_phase{namespace="echo",phase="Terminating"} 0',
    ]
