"""The controllers of kube-controller-manager that canarium needs, as pure decisions in thin shells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Reconciler


def controllers(cluster: Cluster, listers: Listers) -> Sequence[Reconciler[Any]]:
    """One of each, to be added to a Manager."""
    from canarium.workloads.endpoints import EndpointSliceController
    from canarium.workloads.replicaset import ReplicaSetController

    return (
        ReplicaSetController(cluster, listers),
        EndpointSliceController(cluster, listers),
    )
