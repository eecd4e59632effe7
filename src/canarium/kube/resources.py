"""Which kinds exist and how the API names them.

Owns: the `Resource` type and the core kinds that canarium acts on. Kinds of other products (Rollout, Application, …)
are declared beside the code that gives them meaning, and reach the API server as CustomResourceDefinitions.
Must not know: storage or behaviour.
"""

from __future__ import annotations

import msgspec


class Resource(msgspec.Struct, frozen=True):
    """One resource of the API: where it lives, what it is called. Short names and categories do not tell two apart."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    has_status: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return False
        return (self.group, self.version, self.kind, self.plural, self.namespaced, self.has_status) == (
            other.group,
            other.version,
            other.kind,
            other.plural,
            other.namespaced,
            other.has_status,
        )

    def __hash__(self) -> int:
        return hash((self.group, self.version, self.plural))

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The kind in lower case."""
        return self.kind.lower()

    @property
    def group_resource(self) -> str:
        """As error messages print it: `pods`, `rollouts.argoproj.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def __str__(self) -> str:
        return self.group_resource


NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False, short_names=("ns",))
NODES = Resource("", "v1", "Node", "nodes", namespaced=False, short_names=("no",))
PODS = Resource("", "v1", "Pod", "pods", short_names=("po",), categories=("all",))
SERVICES = Resource("", "v1", "Service", "services", short_names=("svc",), categories=("all",))
ENDPOINTS = Resource("", "v1", "Endpoints", "endpoints", has_status=False, short_names=("ep",))
EVENTS = Resource("", "v1", "Event", "events", has_status=False, short_names=("ev",))
CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", has_status=False, short_names=("cm",))
SECRETS = Resource("", "v1", "Secret", "secrets", has_status=False)
SERVICE_ACCOUNTS = Resource("", "v1", "ServiceAccount", "serviceaccounts", has_status=False, short_names=("sa",))
REPLICA_SETS = Resource("apps", "v1", "ReplicaSet", "replicasets", short_names=("rs",), categories=("all",))
DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments", short_names=("deploy",), categories=("all",))
JOBS = Resource("batch", "v1", "Job", "jobs", categories=("all",))
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", has_status=False)
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases", has_status=False)
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
    short_names=("crd", "crds"),
)

CORE: tuple[Resource, ...] = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    ENDPOINTS,
    EVENTS,
    CONFIG_MAPS,
    SECRETS,
    SERVICE_ACCOUNTS,
    REPLICA_SETS,
    DEPLOYMENTS,
    JOBS,
    ENDPOINT_SLICES,
    LEASES,
    CUSTOM_RESOURCE_DEFINITIONS,
)
