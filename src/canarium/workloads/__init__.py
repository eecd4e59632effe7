"""The controllers of kube-controller-manager that canarium needs, as pure decisions in thin shells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Reconciler
from canarium.kube.resources import Resource


def controllers(
    cluster: Cluster, listers: Listers, resources: Callable[[], Sequence[Resource]], *, root_ca: str = ""
) -> Sequence[Reconciler[Any]]:
    """One of each, to be added to a Manager.

    resources: every kind there is; asked now for garbage collection (define CustomResourceDefinitions first) and again
    whenever a namespace is emptied. `Registry.resources` is one. root_ca: PEM text for `kube-root-ca.crt`; when it is
    empty, the controllers that only somebody with kubectl asks for are left out, see `_for_visitors`.
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
        *(_for_visitors(cluster, listers, root_ca) if root_ca else ()),
    )


def _for_visitors(cluster: Cluster, listers: Listers, root_ca: str) -> Sequence[Reconciler[Any]]:
    """What a cluster that is served to the outside has besides.

    A lab in virtual time goes without: nothing in its stories reads Endpoints, budgets, Jobs or ServiceAccounts, and
    their writes would cost it time and change the event log of every seed.
    """
    from canarium.workloads.core_endpoints import EndpointsController
    from canarium.workloads.disruption import DisruptionController
    from canarium.workloads.job import JobController
    from canarium.workloads.namespace_contents import NamespaceContentsController

    return (
        NamespaceContentsController(cluster, listers, root_ca),
        EndpointsController(cluster, listers),
        DisruptionController(cluster, listers),
        JobController(cluster, listers),
    )
