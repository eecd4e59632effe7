"""How the lists and maps of built-in kinds merge.

Owns: `MERGE_KEYS` and `SERVER_KEYS`, the facts, and walking them. Must not know: how a merge is done.
Facts from the OpenAPI document of Kubernetes (`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`,
`x-kubernetes-list-map-keys`): v1.21.2, which Kustomize 5 has built in. What came since is known only to the API server,
in `SERVER_KEYS` (Kubernetes 1.34).
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

MERGE_KEYS = """
MutatingWebhookConfiguration = webhooks[name]
ValidatingWebhookConfiguration = webhooks[name]
DaemonSet = spec:DaemonSetSpec status:Conditions
DaemonSetSpec = template:PodTemplateSpec
Deployment = spec:DeploymentSpec status:Conditions
DeploymentSpec = strategy~ template:PodTemplateSpec
ReplicaSet = spec:ReplicaSetSpec status:Conditions
ReplicaSetSpec = template:PodTemplateSpec
StatefulSet = spec:StatefulSetSpec status:Conditions
StatefulSetSpec = template:PodTemplateSpec volumeClaimTemplates*:PersistentVolumeClaim
CronJob = spec:CronJobSpec
CronJobSpec = jobTemplate:JobTemplateSpec
Job = spec:JobSpec status:Conditions
JobSpec = template:PodTemplateSpec
JobTemplateSpec = metadata:ObjectMeta spec:JobSpec
Namespace = status:Conditions
Node = spec:NodeSpec status:NodeStatus
NodeSpec = podCIDRs[]
NodeStatus = addresses[type] conditions[type]
PersistentVolumeClaim = status:Conditions
Pod = spec:PodSpec status:PodStatus
PodSpec = containers[name]:Container ephemeralContainers[name]:Container hostAliases[ip] imagePullSecrets[name] \
initContainers[name]:Container topologySpreadConstraints[topologyKey,whenUnsatisfiable] volumes[name]~
PodStatus = conditions[type] podIPs[ip]
PodTemplate = template:PodTemplateSpec
PodTemplateSpec = metadata:ObjectMeta spec:PodSpec
Container = env[name] ports[containerPort,protocol] volumeDevices[devicePath] volumeMounts[mountPath]
ReplicationController = spec:ReplicationControllerSpec status:Conditions
ReplicationControllerSpec = template:PodTemplateSpec
Service = spec:ServiceSpec status:Conditions
ServiceAccount = secrets[name]
ServiceSpec = ports[port,protocol]
PodDisruptionBudget = spec:PodDisruptionBudgetSpec status:Conditions
PodDisruptionBudgetSpec = selector!
CSINode = spec:CSINodeSpec
CSINodeSpec = drivers[name]
APIService = status:Conditions
ObjectMeta = finalizers[] ownerReferences[uid]
Conditions = conditions[type]
"""
"""One line per type: `field[keys]` merges by those keys (none: a set of scalars), `!` replaces a map, `~` sends the
keys to retain, `*` is a plain list; `:Type` is the type of the value or item. Every kind has `metadata:ObjectMeta`."""

SERVER_KEYS = """
MutatingWebhookConfiguration = webhooks[name]:Webhook
ValidatingWebhookConfiguration = webhooks[name]:Webhook
Webhook = matchConditions[name]
ValidatingAdmissionPolicy = spec:ValidatingAdmissionPolicySpec
ValidatingAdmissionPolicySpec = matchConditions[name] variables[name]
HorizontalPodAutoscaler = status:Conditions
ServiceCIDR = status:Conditions
ComponentStatus = conditions[type]
PodSpec = resourceClaims[name]~ schedulingGates[name] volumes[name]~:Volume
Volume = ephemeral:EphemeralVolumeSource
EphemeralVolumeSource = volumeClaimTemplate:PersistentVolumeClaimTemplate
PersistentVolumeClaimTemplate = metadata:ObjectMeta
PodStatus = hostIPs[ip] resourceClaimStatuses[name]~
"""
"""What the API server knows beyond MERGE_KEYS, in the same notation; it stands in place of a field there."""

BUILT_IN_GROUPS = frozenset(
    [
        "",
        "apps",
        "autoscaling",
        "batch",
        "extensions",
        "policy",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    ]
)
"""Groups whose kinds have merge keys at all; lists of other kinds are replaced, even `metadata.finalizers`."""


class Field(msgspec.Struct, frozen=True):
    """How one field merges. keys: merge keys of a list; () for a set of scalars; None for a list that is replaced."""

    keys: tuple[str, ...] | None = None
    replaces: bool = False
    retains_keys: bool = False
    type: str = ""


PLAIN = Field()
"""A field that nothing is known about: maps merge, lists are replaced."""

_ENTRY = re.compile(r"(\w+)(?:\[([\w,]*)\])?([!~*]?)(?::(\w+))?")


@cache
def _types(*, of_server: bool = False) -> dict[str, dict[str, Field]]:
    types: dict[str, dict[str, Field]] = {}
    for line in (MERGE_KEYS + (SERVER_KEYS if of_server else "")).split("\n"):
        name, _, entries = line.partition(" = ")
        fields = types.setdefault(name, {})
        for entry in entries.split():
            found = _ENTRY.fullmatch(entry)
            assert found is not None, entry
            keys = None if found[2] is None else tuple(found[2].split(",")) if found[2] else ()
            fields[found[1]] = Field(keys, found[3] == "!", found[3] == "~", found[4] or "")
    return types


def type_of(kind: tuple[str, str], *, of_server: bool = False) -> str:
    """The type that (group, kind) starts from; empty when nothing is known about the kind."""
    group, name = kind
    if group not in BUILT_IN_GROUPS:
        return ""
    return name if name in _types(of_server=of_server) else "*"


def field_of(type_name: str, field: str, *, is_root: bool = False, of_server: bool = False) -> Field:
    """How `field` of `type_name` merges. is_root: the type is a kind's own, so it has metadata. of_server: as an API
    server of 1.34 does it; else as Kustomize does."""
    if not type_name:
        return PLAIN
    if is_root and field == "metadata":
        return Field(type="ObjectMeta")
    return _types(of_server=of_server).get(type_name, {}).get(field, PLAIN)
