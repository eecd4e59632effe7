"""Which kinds exist and how the API names them.

Owns: the `Resource` type and the core kinds that canarium acts on. Kinds of other products (Rollout, Application, …)
are declared beside the code that gives them meaning, and reach the API server as CustomResourceDefinitions.
Must not know: storage or behaviour.
"""

from __future__ import annotations

import msgspec


class Resource(msgspec.Struct, frozen=True):
    """One resource of the API: where it lives, what it is called. Group, version, kind and plural tell two apart; the
    rest is what the API server says about it.

    subresources: beyond `status`. singular_name, list_kind_name: where they are not the usual ones.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    has_status: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_generation: bool = True
    subresources: tuple[str, ...] = ()
    singular_name: str = ""
    list_kind_name: str = ""

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Resource):
            return False
        return (self.group, self.version, self.kind, self.plural) == (
            other.group,
            other.version,
            other.kind,
            other.plural,
        )

    def __hash__(self) -> int:
        return hash((self.group, self.version, self.plural))

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The kind in lower case, unless its CustomResourceDefinition says otherwise."""
        return self.singular_name or self.kind.lower()

    @property
    def list_kind(self) -> str:
        """`PodList`."""
        return self.list_kind_name or f"{self.kind}List"

    @property
    def group_resource(self) -> str:
        """As error messages print it: `pods`, `rollouts.argoproj.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def __str__(self) -> str:
        return self.group_resource


NAMESPACES = Resource(
    "",
    "v1",
    "Namespace",
    "namespaces",
    namespaced=False,
    short_names=("ns",),
    has_generation=False,
    subresources=("finalize",),
)
NODES = Resource("", "v1", "Node", "nodes", namespaced=False, short_names=("no",), has_generation=False)
PODS = Resource(
    "",
    "v1",
    "Pod",
    "pods",
    short_names=("po",),
    categories=("all",),
    subresources=("binding", "eviction", "log", "portforward"),
)
SERVICES = Resource("", "v1", "Service", "services", short_names=("svc",), categories=("all",), has_generation=False)
ENDPOINTS = Resource("", "v1", "Endpoints", "endpoints", has_status=False, short_names=("ep",), has_generation=False)
EVENTS = Resource("", "v1", "Event", "events", has_status=False, short_names=("ev",), has_generation=False)
CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", has_status=False, short_names=("cm",), has_generation=False)
SECRETS = Resource("", "v1", "Secret", "secrets", has_status=False, has_generation=False)
SERVICE_ACCOUNTS = Resource(
    "",
    "v1",
    "ServiceAccount",
    "serviceaccounts",
    has_status=False,
    short_names=("sa",),
    has_generation=False,
    subresources=("token",),
)
REPLICATION_CONTROLLERS = Resource(
    "",
    "v1",
    "ReplicationController",
    "replicationcontrollers",
    short_names=("rc",),
    categories=("all",),
    subresources=("scale",),
)
PERSISTENT_VOLUMES = Resource(
    "", "v1", "PersistentVolume", "persistentvolumes", namespaced=False, short_names=("pv",), has_generation=False
)
PERSISTENT_VOLUME_CLAIMS = Resource(
    "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", short_names=("pvc",), has_generation=False
)
RESOURCE_QUOTAS = Resource("", "v1", "ResourceQuota", "resourcequotas", short_names=("quota",), has_generation=False)
LIMIT_RANGES = Resource(
    "", "v1", "LimitRange", "limitranges", has_status=False, short_names=("limits",), has_generation=False
)
POD_TEMPLATES = Resource("", "v1", "PodTemplate", "podtemplates", has_status=False)
REPLICA_SETS = Resource(
    "apps", "v1", "ReplicaSet", "replicasets", short_names=("rs",), categories=("all",), subresources=("scale",)
)
DEPLOYMENTS = Resource(
    "apps", "v1", "Deployment", "deployments", short_names=("deploy",), categories=("all",), subresources=("scale",)
)
STATEFUL_SETS = Resource(
    "apps", "v1", "StatefulSet", "statefulsets", short_names=("sts",), categories=("all",), subresources=("scale",)
)
DAEMON_SETS = Resource("apps", "v1", "DaemonSet", "daemonsets", short_names=("ds",), categories=("all",))
CONTROLLER_REVISIONS = Resource(
    "apps", "v1", "ControllerRevision", "controllerrevisions", has_status=False, has_generation=False
)
JOBS = Resource("batch", "v1", "Job", "jobs", categories=("all",))
CRON_JOBS = Resource("batch", "v1", "CronJob", "cronjobs", short_names=("cj",), categories=("all",))
HORIZONTAL_POD_AUTOSCALERS = Resource(
    "autoscaling",
    "v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    short_names=("hpa",),
    categories=("all",),
    has_generation=False,
)
POD_DISRUPTION_BUDGETS = Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", short_names=("pdb",))
INGRESSES = Resource("networking.k8s.io", "v1", "Ingress", "ingresses", short_names=("ing",))
INGRESS_CLASSES = Resource(
    "networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False, has_status=False
)
NETWORK_POLICIES = Resource(
    "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", has_status=False, short_names=("netpol",)
)
ROLES = Resource("rbac.authorization.k8s.io", "v1", "Role", "roles", has_status=False, has_generation=False)
ROLE_BINDINGS = Resource(
    "rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", has_status=False, has_generation=False
)
CLUSTER_ROLES = Resource(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRole",
    "clusterroles",
    namespaced=False,
    has_status=False,
    has_generation=False,
)
CLUSTER_ROLE_BINDINGS = Resource(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
    namespaced=False,
    has_status=False,
    has_generation=False,
)
PRIORITY_CLASSES = Resource(
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
    namespaced=False,
    has_status=False,
    short_names=("pc",),
)
STORAGE_CLASSES = Resource(
    "storage.k8s.io",
    "v1",
    "StorageClass",
    "storageclasses",
    namespaced=False,
    has_status=False,
    short_names=("sc",),
    has_generation=False,
)
MUTATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    namespaced=False,
    has_status=False,
    categories=("api-extensions",),
)
VALIDATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    namespaced=False,
    has_status=False,
    categories=("api-extensions",),
)
API_SERVICES = Resource(
    "apiregistration.k8s.io",
    "v1",
    "APIService",
    "apiservices",
    namespaced=False,
    categories=("api-extensions",),
    has_generation=False,
)
CERTIFICATE_SIGNING_REQUESTS = Resource(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    namespaced=False,
    short_names=("csr",),
    has_generation=False,
)
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", has_status=False)
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases", has_status=False, has_generation=False)
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
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
    REPLICATION_CONTROLLERS,
    PERSISTENT_VOLUMES,
    PERSISTENT_VOLUME_CLAIMS,
    RESOURCE_QUOTAS,
    LIMIT_RANGES,
    POD_TEMPLATES,
    REPLICA_SETS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    DAEMON_SETS,
    CONTROLLER_REVISIONS,
    JOBS,
    CRON_JOBS,
    HORIZONTAL_POD_AUTOSCALERS,
    POD_DISRUPTION_BUDGETS,
    INGRESSES,
    INGRESS_CLASSES,
    NETWORK_POLICIES,
    ROLES,
    ROLE_BINDINGS,
    CLUSTER_ROLES,
    CLUSTER_ROLE_BINDINGS,
    PRIORITY_CLASSES,
    STORAGE_CLASSES,
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
    API_SERVICES,
    CERTIFICATE_SIGNING_REQUESTS,
    ENDPOINT_SLICES,
    LEASES,
    CUSTOM_RESOURCE_DEFINITIONS,
)
"""Every core kind, in the version that is stored."""

HORIZONTAL_POD_AUTOSCALERS_V1 = Resource(
    "autoscaling",
    "v1",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    short_names=("hpa",),
    categories=("all",),
    has_generation=False,
)
EVENTS_V1 = Resource(
    "events.k8s.io", "v1", "Event", "events", has_status=False, short_names=("ev",), has_generation=False
)
