"""The controllers of kube-controller-manager that canarium needs, as pure decisions in thin shells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Reconciler
from canarium.kube.resources import Resource


def controllers(
    cluster: Cluster, listers: Listers, resources: Callable[[], Sequence[Resource]]
) -> Sequence[Reconciler[Any]]:
    """One of each, to be added to a Manager.

    resources: every kind there is; asked now for garbage collection (define CustomResourceDefinitions first) and again
    whenever a namespace is emptied. `Registry.resources` is one.
    """
    from canarium.workloads.deployment import DeploymentController
    from canarium.workloads.endpoints import EndpointSliceController
    from canarium.workloads.garbage import GarbageCollector
    from canarium.workloads.namespaces import NamespaceController
    from canarium.workloads.replicaset import ReplicaSetController

    return (
        ReplicaSetController(cluster, listers),
        DeploymentController(cluster, listers),
        EndpointSliceController(cluster, listers),
        NamespaceController(cluster, listers, resources),
        GarbageCollector(cluster, listers, resources()),
    )
