"""What the API server fills in for core kinds.

Owns: defaulting as pure functions. Must not know: storage, names, addresses (those are allocated by the registry).
Source: Kubernetes 1.34, pkg/apis/{core,apps,autoscaling,batch,networking,rbac,scheduling,
storage,admissionregistration}/v1/defaults.go and what the strategies in pkg/registry prepare for create.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from canarium.kube.crds import with_crd_defaults
from canarium.kube.objects import Obj
from canarium.kube.resources import (
    CLUSTER_ROLE_BINDINGS,
    CRON_JOBS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    INGRESSES,
    JOBS,
    LIMIT_RANGES,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    NETWORK_POLICIES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    PRIORITY_CLASSES,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    ROLE_BINDINGS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    STORAGE_CLASSES,
    VALIDATING_WEBHOOKS,
    Resource,
)


def with_core_defaults(resource: Resource, obj: Obj) -> Obj:
    """The object with its kind's defaults; kinds without a row come back unchanged."""
    rule = _RULES.get(resource)
    return rule(obj) if rule else obj


def _filled(value: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """`value` with each default whose key is absent or null."""
    return {**defaults, **{key: part for key, part in value.items() if part is not None}}


def _probe(probe: Mapping[str, Any]) -> dict[str, Any]:
    filled = _filled(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if "httpGet" in filled:
        filled["httpGet"] = _filled(filled["httpGet"], path="/", scheme="HTTP")
    return filled


def _image_pull_policy(image: str) -> str:
    name = image.rpartition("/")[2]
    if "@" in name:
        return "IfNotPresent"
    _, colon, tag = name.rpartition(":")
    return "IfNotPresent" if colon and tag != "latest" else "Always"


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    filled = _filled(
        container,
        imagePullPolicy=_image_pull_policy(container.get("image") or ""),
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    if "ports" in filled:
        filled["ports"] = [_filled(port, protocol="TCP") for port in filled["ports"]]
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in filled:
            filled[name] = _probe(filled[name])
    resources = filled["resources"]
    if resources.get("limits"):
        filled["resources"] = {**resources, "requests": {**resources["limits"], **(resources.get("requests") or {})}}
    return filled


def _pod_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    filled = _filled(
        spec,
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        securityContext={},
        terminationGracePeriodSeconds=30,
    )
    filled["containers"] = [_container(container) for container in filled.get("containers") or ()]
    if "initContainers" in filled:
        filled["initContainers"] = [_container(container) for container in filled["initContainers"]]
    return filled


def _pod(obj: Obj) -> Obj:
    spec = _filled(
        _pod_spec(obj.get("spec") or {}),
        enableServiceLinks=True,
        preemptionPolicy="PreemptLowerPriority",
        priority=0,
        serviceAccountName="default",
        serviceAccount="default",
    )
    return {**obj, "spec": spec}


def _template(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A pod template with its defaults."""
    template = spec.get("template") or {}
    metadata = {"creationTimestamp": None, **(template.get("metadata") or {})}
    return {**template, "metadata": metadata, "spec": _pod_spec(template.get("spec") or {})}


def _replica_set(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, replicas=1)
    if "template" in spec:
        spec["template"] = _template(spec)
    return {**obj, "spec": spec}


def _deployment(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = _filled(spec.get("strategy") or {}, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _filled(strategy.get("rollingUpdate") or {}, maxSurge="25%", maxUnavailable="25%")
    spec["strategy"] = strategy
    if "template" in spec:
        spec["template"] = _template(spec)
    return {**obj, "spec": spec}


def _job_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    filled = _filled(spec, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    if "completions" not in filled and "parallelism" not in filled:
        filled["completions"] = 1
    return _filled(filled, parallelism=1, podReplacementPolicy="TerminatingOrFailed", manualSelector=False)


def _job(obj: Obj) -> Obj:
    """A Job; it finds its pods by its own uid unless it says otherwise (batch jobStrategy, generateSelector)."""
    metadata = obj["metadata"]
    spec = _job_spec(obj.get("spec") or {})
    uid, name = metadata.get("uid"), metadata.get("name")
    is_new = uid and name and not spec["manualSelector"] and "selector" not in spec
    if "template" in spec:
        template = spec["template"] = _template(spec)
        labels = template["metadata"].get("labels") or {}
        if is_new:
            own = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
            labels = {**labels, **own, "controller-uid": uid, "job-name": name}
            spec["template"] = {**template, "metadata": {**template["metadata"], "labels": labels}}
            spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
        obj = _labelled(obj, labels)
    return {**obj, "spec": spec}


def _labelled(obj: Obj, labels: Mapping[str, str]) -> Obj:
    """The object with its pods' labels, when it has none of its own."""
    metadata = obj["metadata"]
    if not labels or metadata.get("labels"):
        return obj
    return {**obj, "metadata": {**metadata, "labels": dict(labels)}}


def _cron_job(obj: Obj) -> Obj:
    spec = _filled(
        obj.get("spec") or {},
        concurrencyPolicy="Allow",
        suspend=False,
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )
    template = spec.get("jobTemplate")
    if isinstance(template, dict):
        job = dict(template.get("spec") or {})
        if "template" in job:
            job["template"] = _template(job)
        metadata = {"creationTimestamp": None, **(template.get("metadata") or {})}
        spec["jobTemplate"] = {**template, "metadata": metadata, "spec": job}
    return {**obj, "spec": spec}


def _replication_controller(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, replicas=1)
    if "template" in spec:
        spec["template"] = _template(spec)
        labels = spec["template"]["metadata"].get("labels") or {}
        if labels and not spec.get("selector"):
            spec["selector"] = dict(labels)
        obj = _labelled(obj, labels)
    return {**obj, "spec": spec}


def _stateful_set(obj: Obj) -> Obj:
    spec = _filled(
        obj.get("spec") or {}, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady", serviceName=""
    )
    strategy = _filled(spec.get("updateStrategy") or {}, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _filled(strategy.get("rollingUpdate") or {}, partition=0)
    spec["updateStrategy"] = strategy
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    spec["persistentVolumeClaimRetentionPolicy"] = _filled(retention, whenDeleted="Retain", whenScaled="Retain")
    if "template" in spec:
        spec["template"] = _template(spec)
    if spec.get("volumeClaimTemplates"):
        spec["volumeClaimTemplates"] = [_claim_template(claim) for claim in spec["volumeClaimTemplates"]]
    return {**obj, "spec": spec}


def _claim_template(claim: Mapping[str, Any]) -> dict[str, Any]:
    spec = _filled(claim.get("spec") or {}, volumeMode="Filesystem")
    named = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    return {**named, **claim, "spec": spec, "status": _filled(claim.get("status") or {}, phase="Pending")}


def _daemon_set(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, revisionHistoryLimit=10)
    strategy = _filled(spec.get("updateStrategy") or {}, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _filled(strategy.get("rollingUpdate") or {}, maxSurge=0, maxUnavailable=1)
    spec["updateStrategy"] = strategy
    if "template" in spec:
        spec["template"] = _template(spec)
    return {**obj, "spec": spec}


def _service(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, type="ClusterIP", sessionAffinity="None")
    ports = []
    for port in spec.get("ports") or ():
        filled = _filled(port, protocol="TCP")
        filled.setdefault("targetPort", filled.get("port"))
        ports.append(filled)
    if ports:
        spec["ports"] = ports
    if spec["type"] != "ExternalName":
        spec = _filled(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    return {**obj, "spec": spec}


def _namespace(obj: Obj) -> Obj:
    metadata = obj["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata.get("name", "")}
    spec = dict(obj.get("spec") or {})
    if "deletionTimestamp" not in metadata:  # on its way out, an empty list means that its content is gone
        spec = _filled(spec, finalizers=["kubernetes"])
    status = _filled(obj.get("status") or {}, phase="Active")
    return {**obj, "metadata": {**metadata, "labels": labels}, "spec": spec, "status": status}


def _secret(obj: Obj) -> Obj:
    filled = _filled(obj, type="Opaque")
    texts = filled.pop("stringData", None)
    if isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values()):
        folded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        filled["data"] = {**(filled.get("data") or {}), **folded}
    elif texts is not None:
        filled["stringData"] = texts  # validation names what is wrong with it
    return filled


def _autoscaler(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, minReplicas=1)
    if not spec.get("metrics"):
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
        spec["metrics"] = [{"type": "Resource", "resource": cpu}]
    return {**obj, "spec": spec}


def _claim(obj: Obj) -> Obj:
    return {**obj, "spec": _filled(obj.get("spec") or {}, volumeMode="Filesystem")}


def _volume(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    return {**obj, "spec": spec}


def _limit_range(obj: Obj) -> Obj:
    spec = dict(obj.get("spec") or {})
    spec["limits"] = [_limits(item) for item in spec.get("limits") or ()]
    return {**obj, "spec": spec}


def _limits(item: Mapping[str, Any]) -> dict[str, Any]:
    if item.get("type") != "Container":
        return dict(item)
    usual = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **usual, **(item.get("defaultRequest") or {})}
    return {**item, **({"default": usual} if usual else {}), **({"defaultRequest": requests} if requests else {})}


def _network_policy(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, podSelector={})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for side in ("ingress", "egress"):
        if spec.get(side):
            spec[side] = [
                {**rule, "ports": [_filled(port, protocol="TCP") for port in rule["ports"]]}
                if rule.get("ports")
                else rule
                for rule in spec[side]
            ]
    return {**obj, "spec": spec}


_RBAC = "rbac.authorization.k8s.io"


def _binding(obj: Obj) -> Obj:
    subjects = [
        _filled(subject, apiGroup=_RBAC) if subject.get("kind") in ("User", "Group") else subject
        for subject in obj.get("subjects") or ()
    ]
    role = _filled(obj.get("roleRef") or {}, apiGroup=_RBAC)
    return {**obj, "roleRef": role, **({"subjects": subjects} if subjects else {})}


def _priority_class(obj: Obj) -> Obj:
    return {"value": 0, **_filled(obj, preemptionPolicy="PreemptLowerPriority")}


def _storage_class(obj: Obj) -> Obj:
    return _filled(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _webhooks(obj: Obj) -> Obj:
    usual = {
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
    }
    if obj.get("kind") == MUTATING_WEBHOOKS.kind:
        usual["reinvocationPolicy"] = "Never"
    hooks = [_filled(hook, **usual) for hook in obj.get("webhooks") or ()]
    return {**obj, "webhooks": hooks} if hooks else obj


_RULES: dict[Resource, Callable[[Obj], Obj]] = {
    PODS: _pod,
    REPLICA_SETS: _replica_set,
    DEPLOYMENTS: _deployment,
    STATEFUL_SETS: _stateful_set,
    DAEMON_SETS: _daemon_set,
    REPLICATION_CONTROLLERS: _replication_controller,
    JOBS: _job,
    CRON_JOBS: _cron_job,
    SERVICES: _service,
    NAMESPACES: _namespace,
    SECRETS: _secret,
    HORIZONTAL_POD_AUTOSCALERS: _autoscaler,
    PERSISTENT_VOLUME_CLAIMS: _claim,
    PERSISTENT_VOLUMES: _volume,
    LIMIT_RANGES: _limit_range,
    NETWORK_POLICIES: _network_policy,
    ROLE_BINDINGS: _binding,
    CLUSTER_ROLE_BINDINGS: _binding,
    PRIORITY_CLASSES: _priority_class,
    STORAGE_CLASSES: _storage_class,
    MUTATING_WEBHOOKS: _webhooks,
    VALIDATING_WEBHOOKS: _webhooks,
    CUSTOM_RESOURCE_DEFINITIONS: with_crd_defaults,
}

_FIRST_STATUS: dict[Resource, Obj] = {
    PODS: {"phase": "Pending"},
    SERVICES: {"loadBalancer": {}},
    INGRESSES: {"loadBalancer": {}},
    PERSISTENT_VOLUME_CLAIMS: {"phase": "Pending"},
    PERSISTENT_VOLUMES: {"phase": "Pending"},
    HORIZONTAL_POD_AUTOSCALERS: {"currentMetrics": None, "desiredReplicas": 0},
}


def first_status(resource: Resource) -> Obj | None:
    """The status of a new object of a core kind, where it has one before any controller looked at it."""
    return _FIRST_STATUS.get(resource)
