"""Node objects as a small kind cluster shows them, and setting a node up.

Owns: the shape of the Node, and wiring agent, kubelet and runtime together. Must not know: rules.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from datetime import datetime
from typing import Any

from canarium.clock import Chance, Clock
from canarium.kube.cluster import AlreadyExists, Cluster
from canarium.kube.controller.manager import Manager
from canarium.kube.objects import Obj, format_time
from canarium.kube.resources import NODES
from canarium.nodes.agent import NodeAgent
from canarium.nodes.kubelet import Kubelet
from canarium.nodes.pod_worker import Dials
from canarium.nodes.runtime import Runtime

KUBELET_VERSION = "v1.34.0"
DEFAULT_NAME = "canarium-worker"
_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def node_name(index: int) -> str:
    """`canarium-worker`, `canarium-worker2`, …, numbered as kind numbers its workers."""
    return DEFAULT_NAME if index == 0 else f"{DEFAULT_NAME}{index + 1}"


def node_object(index: int, now: datetime, *, cpu: str = "8", memory: str = "16Gi", pods: int = 110) -> Obj:
    """The index-th worker node, Ready. Its podCIDR is `10.244.<index + 1>.0/24`, its address `172.18.0.<index + 3>`."""
    name, ip, at = node_name(index), f"172.18.0.{index + 3}", format_time(now)
    capacity = {"cpu": cpu, "ephemeral-storage": "100Gi", "memory": memory, "pods": str(pods)}
    conditions = [
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": at,
            "lastTransitionTime": at,
        }
        for kind, status, reason, message in _CONDITIONS
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
            },
        },
        "spec": {"podCIDR": f"10.244.{index + 1}.0/24", "podCIDRs": [f"10.244.{index + 1}.0/24"]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
            "allocatable": capacity,
            "capacity": capacity,
            "conditions": conditions,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "architecture": "amd64",
                "containerRuntimeVersion": "canarium://simulated",
                "kubeletVersion": KUBELET_VERSION,
                "operatingSystem": "linux",
                "osImage": "canarium",
            },
        },
    }


async def register_node(cluster: Cluster, node: Obj) -> None:
    """Create the Node with its status; one that is there already only gets its status again. Raises ApiError."""
    status: dict[str, Any] = node["status"]
    with suppress(AlreadyExists):  # a restart: what is written below is what counts
        await cluster.create(NODES, node)
    await cluster.patch(NODES, "", node["metadata"]["name"], {"status": status}, subresource="status")


async def start_node(
    manager: Manager,
    cluster: Cluster,
    *,
    index: int = 0,
    clock: Clock,
    chance: Chance,
    runtime: Runtime,
    network: Dials,
) -> NodeAgent:
    """Register the index-th node and add its kubelet to `manager` (before it starts)."""
    node = node_object(index, clock.now())
    await register_node(cluster, node)
    agent = NodeAgent(
        cluster,
        name=node["metadata"]["name"],
        ip=node["status"]["addresses"][0]["address"],
        pod_cidr=str(ipaddress.ip_network(node["spec"]["podCIDR"])),
        clock=clock,
        chance=chance,
        runtime=runtime,
        network=network,
    )
    add_kubelet(manager, cluster, agent)
    return agent


def add_kubelet(manager: Manager, cluster: Cluster, agent: NodeAgent) -> None:
    """Add the kubelet of an agent to a manager: at the start, or to a new one after a restart of the controllers."""
    agent.on_change(manager.add(Kubelet(cluster, manager.listers, agent)).add)
