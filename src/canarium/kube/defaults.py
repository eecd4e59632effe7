"""What the API server fills in for core kinds.

Owns: defaulting as pure functions. Must not know: storage, names, addresses (those are allocated by the registry).
Source: Kubernetes 1.34, pkg/apis/{core,apps,batch}/v1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.resources import DEPLOYMENTS, JOBS, NAMESPACES, PODS, REPLICA_SETS, SECRETS, SERVICES, Resource


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


def _job(obj: Obj) -> Obj:
    spec = _filled(obj.get("spec") or {}, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec = _filled(spec, parallelism=1, podReplacementPolicy="TerminatingOrFailed", manualSelector=False)
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
    return _filled(obj, type="Opaque")


_RULES: dict[Resource, Callable[[Obj], Obj]] = {
    PODS: _pod,
    REPLICA_SETS: _replica_set,
    DEPLOYMENTS: _deployment,
    JOBS: _job,
    SERVICES: _service,
    NAMESPACES: _namespace,
    SECRETS: _secret,
}
