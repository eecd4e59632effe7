"""What the API server refuses about core kinds other than pods, one function per kind.

Owns: required, immutable and contradictory fields that a manifest can plausibly get wrong. Pure.
Source: Kubernetes 1.34, pkg/apis/{core,apps,autoscaling,batch,networking,policy,rbac,scheduling,storage}/validation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canarium.kube.causes import (
    config_key_problems,
    forbidden,
    immutable,
    invalid,
    is_int,
    mistyped,
    not_negative,
    port_problems,
    required,
    unsupported,
)
from canarium.kube.crds import crd_problems
from canarium.kube.objects import Obj, matches_labels
from canarium.kube.patch.merge import equal
from canarium.kube.pod_validation import pod_change_problems, pod_spec_problems
from canarium.kube.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    CRON_JOBS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    INGRESSES,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    PRIORITY_CLASSES,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    STORAGE_CLASSES,
    Resource,
)
from canarium.kube.schema_problems import Cause

Rule = Callable[[Obj, Obj | None], list[Cause]]
"""(object, what is stored on update) to what is wrong."""


def core_problems(resource: Resource, obj: Obj, old: Obj | None = None) -> list[Cause]:
    """What a core kind's own rules say; `old` on update, for immutable fields. Kinds without a row have no rules."""
    rule = _RULES.get(resource)
    return rule(obj, old) if rule else []


def _spec(obj: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = (obj or {}).get("spec")
    return found if isinstance(found, dict) else {}


def _changed(field: str, obj: Mapping[str, Any], old: Mapping[str, Any] | None, path: str) -> list[Cause]:
    """An immutable field; `old` is None on create."""
    if old is None or equal(obj.get(field), old.get(field)):
        return []
    return [immutable(path, obj.get(field))]


# -- workloads ----------------------------------------------------------------------------------------------------


def _pod(obj: Obj, old: Obj | None) -> list[Cause]:
    if old is None:
        return pod_spec_problems(_spec(obj), "spec")
    changes = pod_change_problems(obj, old)
    if changes or equal(obj.get("spec"), old.get("spec")):
        return changes
    return pod_spec_problems(_spec(obj), "spec")


def _workload(obj: Obj, old: Obj | None) -> list[Cause]:
    """Deployments and ReplicaSets."""
    spec = _spec(obj)
    if old is not None and equal(spec, old.get("spec")):
        return []
    causes = _replicas(spec) + _selected_template(spec)
    causes += not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    causes += not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    return causes + _changed("selector", spec, _spec(old) if old is not None else None, "spec.selector")


def _deployment(obj: Obj, old: Obj | None) -> list[Cause]:
    causes = _workload(obj, old)
    strategy = _spec(obj).get("strategy") or {}
    if strategy.get("type") not in (None, "Recreate", "RollingUpdate"):
        causes.append(unsupported("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate")))
    elif strategy.get("type") == "Recreate" and strategy.get("rollingUpdate"):
        message = "may not be specified when strategy `type` is 'Recreate'"
        causes.append(forbidden("spec.strategy.rollingUpdate", message))
    rolling = strategy.get("rollingUpdate") or {}
    if [rolling.get(name) for name in ("maxSurge", "maxUnavailable")] in ([0, 0], [0, "0%"], ["0%", 0], ["0%", "0%"]):
        message = "may not be 0 when `maxSurge` is 0"
        causes.append(invalid("spec.strategy.rollingUpdate.maxUnavailable", rolling["maxUnavailable"], message))
    return causes


def _replicas(spec: Mapping[str, Any]) -> list[Cause]:
    replicas = spec.get("replicas")
    if not is_int(replicas):
        return [mistyped("spec.replicas", replicas, "must be an integer")]
    return not_negative("spec.replicas", replicas)


def _selected_template(spec: Mapping[str, Any], restart: Sequence[str] = ("Always",)) -> list[Cause]:
    causes: list[Cause] = []
    selector = spec.get("selector")
    if not selector:
        causes.append(required("spec.selector"))
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector and not matches_labels(selector, labels):
        shown = "{" + ",".join(f'"{key}":"{value}"' for key, value in sorted(labels.items())) + "}"
        message = f"Invalid value: {shown}: `selector` does not match template `labels`"
        causes.append(("spec.template.metadata.labels", "FieldValueInvalid", message))
    return causes + pod_spec_problems(template.get("spec") or {}, "spec.template.spec", restart=restart)


_STATEFUL_SET_MAY_CHANGE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


def _stateful_set(obj: Obj, old: Obj | None) -> list[Cause]:
    spec = _spec(obj)
    causes = _replicas(spec) + _selected_template(spec)
    if old is not None:
        former = _spec(old)
        keys = (spec.keys() | former.keys()).difference(_STATEFUL_SET_MAY_CHANGE)
        if any(not equal(spec.get(key), former.get(key)) for key in keys):
            *names, last = (f"'{name}'" for name in _STATEFUL_SET_MAY_CHANGE)
            message = f"updates to statefulset spec for fields other than {', '.join(names)} and {last} are forbidden"
            causes.append(forbidden("spec", message))
    return causes


def _daemon_set(obj: Obj, old: Obj | None) -> list[Cause]:
    spec = _spec(obj)
    return _selected_template(spec) + _changed("selector", spec, _spec(old) if old else None, "spec.selector")


def _replication_controller(obj: Obj, old: Obj | None) -> list[Cause]:
    del old
    spec = _spec(obj)
    causes = _replicas(spec)
    selector, template = spec.get("selector") or {}, spec.get("template")
    if not selector:
        causes.append(required("spec.selector"))
    if template is None:
        return [*causes, required("spec.template")]
    labels = (template.get("metadata") or {}).get("labels") or {}
    if any(labels.get(key) != value for key, value in selector.items()):
        causes.append(invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"))
    return causes + pod_spec_problems(template.get("spec") or {}, "spec.template.spec", restart=("Always",))


def _job_template(template: Mapping[str, Any] | None, path: str) -> list[Cause]:
    spec = (template or {}).get("spec") or {}
    causes = pod_spec_problems(spec, f"{path}.spec")
    if spec.get("restartPolicy") not in ("OnFailure", "Never"):
        causes = [cause for cause in causes if cause[0] != f"{path}.spec.restartPolicy"]
        causes.append(required(f"{path}.spec.restartPolicy", 'valid values: "OnFailure", "Never"'))
    return causes


def _job(obj: Obj, old: Obj | None) -> list[Cause]:
    spec = _spec(obj)
    causes: list[Cause] = []
    for name in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        causes += not_negative(f"spec.{name}", spec.get(name))
    if old is None:
        causes += _job_template(spec.get("template"), "spec.template")
        if not spec.get("selector"):
            causes.append(required("spec.selector"))
        return causes
    former = _spec(old)
    for name in ("selector", "completionMode", "template", "completions"):
        if name == "template" and former.get("suspend"):
            continue  # a suspended Job may be told where to run
        if name == "completions" and spec.get("completionMode") == "Indexed":
            continue
        causes += _changed(name, spec, former, f"spec.{name}")
    return causes


def _cron_job(obj: Obj, old: Obj | None) -> list[Cause]:
    spec = _spec(obj)
    causes: list[Cause] = []
    name = obj["metadata"].get("name") or ""
    if old is None and len(name) > 52:
        causes.append(invalid("metadata.name", name, "must be no more than 52 characters"))
    schedule = spec.get("schedule")
    if not schedule:
        causes.append(required("spec.schedule"))
    elif not schedule.startswith("@") and len(schedule.split()) != 5:
        words = schedule.split()
        message = f"expected exactly 5 fields, found {len(words)}: [{' '.join(words)}]"
        causes.append(invalid("spec.schedule", schedule, message))
    policies = ("Allow", "Forbid", "Replace")
    if spec.get("concurrencyPolicy", "Allow") not in policies:
        causes.append(unsupported("spec.concurrencyPolicy", spec["concurrencyPolicy"], policies))
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    return causes + _job_template(job.get("template"), "spec.jobTemplate.spec.template")


def _autoscaler(obj: Obj, old: Obj | None) -> list[Cause]:
    del old
    spec = _spec(obj)
    causes: list[Cause] = []
    target = spec.get("scaleTargetRef") or {}
    causes += [required(f"spec.scaleTargetRef.{name}") for name in ("kind", "name") if not target.get(name)]
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas") or 0
    if not is_int(least) or least < 1:
        causes.append(invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if not is_int(most) or most < 1:
        causes.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if is_int(least) and is_int(most) and most < least:
        causes.append(invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    return causes


def _disruption_budget(obj: Obj, old: Obj | None) -> list[Cause]:
    del old
    spec = _spec(obj)
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        return [invalid("spec", dict(spec), "minAvailable and maxUnavailable cannot be both set")]
    return []


# -- configuration ------------------------------------------------------------------------------------------------


def _config_map(obj: Obj, old: Obj | None) -> list[Cause]:
    causes = _keys(obj, "data") + _keys(obj, "binaryData")
    twice = sorted((obj.get("data") or {}).keys() & (obj.get("binaryData") or {}).keys())
    causes += [invalid(f"data[{key}]", key, "duplicate of key present in binaryData") for key in twice]
    return causes + _frozen(obj, old, ("data", "binaryData"))


def _keys(obj: Obj, field: str) -> list[Cause]:
    data = obj.get(field)
    if data is None:
        return []
    if not isinstance(data, dict):
        return [mistyped(field, data, "must be a map of strings")]
    causes: list[Cause] = []
    for key in data:  # that values are strings is the decoder's business, as upstream
        causes += [invalid(f"{field}[{key}]", key, problem) for problem in config_key_problems(key)]
    return causes


def _frozen(obj: Obj, old: Obj | None, fields: Sequence[str]) -> list[Cause]:
    if old is None or old.get("immutable") is not True:
        return []
    message = "field is immutable when `immutable` is set"
    causes = [] if obj.get("immutable") is True else [forbidden("immutable", message)]
    return causes + [forbidden(name, message) for name in fields if (obj.get(name) or {}) != (old.get(name) or {})]


_SECRET_KEYS: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def _secret(obj: Obj, old: Obj | None) -> list[Cause]:
    causes = _keys(obj, "data")
    if "stringData" in obj:
        causes.append(("stringData", "FieldValueTypeInvalid", "Invalid value: must be a map of strings"))
    data = obj.get("data") or {}
    causes += [required(f"data[{key}]") for key in _SECRET_KEYS.get(obj.get("type", ""), ()) if key not in data]
    if obj.get("type") == "kubernetes.io/basic-auth" and not data.keys() & {"username", "password"}:
        causes += [required("data[username]"), required("data[password]")]
    if obj.get("type") == "kubernetes.io/service-account-token":
        annotations = obj["metadata"].get("annotations") or {}
        if not annotations.get("kubernetes.io/service-account.name"):
            causes.append(required("metadata.annotations[kubernetes.io/service-account.name]"))
    return causes + _changed("type", obj, old, "type") + _frozen(obj, old, ("data",))


# -- network ------------------------------------------------------------------------------------------------------

_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def _service(obj: Obj, old: Obj | None) -> list[Cause]:
    spec = _spec(obj)
    causes: list[Cause] = []
    kind = spec.get("type")
    if kind not in _SERVICE_TYPES:
        causes.append(unsupported("spec.type", kind, _SERVICE_TYPES))
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and kind != "ExternalName":
        causes.append(required("spec.ports"))
    if kind == "ExternalName" and not spec.get("externalName"):
        causes.append(required("spec.externalName"))
    names: list[str] = []
    for index, port in enumerate(ports):
        field, name = f"spec.ports[{index}]", port.get("name")
        causes += port_problems(f"{field}.port", port.get("port"))
        if len(ports) > 1 and not name:
            causes.append(required(f"{field}.name"))
        elif name and name in names:
            causes.append((f"{field}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'))
        if name:
            names.append(name)
        target = port.get("targetPort")
        if is_int(target):
            causes += port_problems(f"{field}.targetPort", target)
        if port.get("protocol", "TCP") not in ("SCTP", "TCP", "UDP"):
            causes.append(unsupported(f"{field}.protocol", port["protocol"], ("SCTP", "TCP", "UDP")))
        node_port = port.get("nodePort")
        if node_port and not (is_int(node_port) and 30000 <= node_port <= 32767):
            message = "provided port is not in the valid range. The range of valid ports is 30000-32767"
            causes.append(invalid(f"{field}.nodePort", node_port, message))
    former = _spec(old)
    address = former.get("clusterIP")
    has_address = address and "ExternalName" not in (kind, former.get("type"))
    if has_address and spec.get("clusterIP") != address:
        causes.append(invalid("spec.clusterIPs[0]", [spec.get("clusterIP", "")], "may not change once set"))
    return causes


def _ingress(obj: Obj, old: Obj | None) -> list[Cause]:
    del old
    spec = _spec(obj)
    causes: list[Cause] = []
    if not spec.get("rules") and not spec.get("defaultBackend"):
        causes.append(invalid("spec", dict(spec), "either `defaultBackend` or `rules` must be specified"))
    if spec.get("defaultBackend"):
        causes += _backend(spec["defaultBackend"], "spec.defaultBackend")
    kinds = ("Exact", "ImplementationSpecific", "Prefix")
    for number, rule in enumerate(spec.get("rules") or ()):
        if rule.get("http") is not None and not rule["http"].get("paths"):
            causes.append(required(f"spec.rules[{number}].http.paths"))
        for index, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            at = f"spec.rules[{number}].http.paths[{index}]"
            kind, text = path.get("pathType"), path.get("path") or ""
            if not kind:
                causes.append(required(f"{at}.pathType", "pathType must be specified"))
            elif kind not in kinds:
                causes.append(unsupported(f"{at}.pathType", kind, kinds))
            elif kind != "ImplementationSpecific" and not text.startswith("/"):
                causes.append(invalid(f"{at}.path", text, "must be an absolute path"))
            causes += _backend(path.get("backend") or {}, f"{at}.backend")
    return causes


def _backend(backend: Mapping[str, Any], at: str) -> list[Cause]:
    service = backend.get("service")
    if not service:
        return [] if backend.get("resource") else [required(at, "either `service` or `resource` must be specified")]
    if not service.get("name"):
        return [required(f"{at}.service.name")]
    port = service.get("port") or {}
    if not port.get("name") and not port.get("number"):
        return [required(f"{at}.service.port", "port name or number is required")]
    return port_problems(f"{at}.service.port.number", port["number"]) if port.get("number") else []


# -- access -------------------------------------------------------------------------------------------------------


def _role(obj: Obj, old: Obj | None) -> list[Cause]:
    del old
    causes: list[Cause] = []
    for index, rule in enumerate(obj.get("rules") or ()):
        at = f"rules[{index}]"
        if not rule.get("verbs"):
            causes.append(required(f"{at}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            if obj.get("kind") == ROLES.kind:
                message = "namespaced rules cannot apply to non-resource URLs"
                causes.append(invalid(f"{at}.nonResourceURLs", rule["nonResourceURLs"], message))
            if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
                message = "rules cannot apply to both regular resources and non-resource URLs"
                causes.append(invalid(f"{at}.nonResourceURLs", rule["nonResourceURLs"], message))
            continue
        if not rule.get("apiGroups"):
            causes.append(required(f"{at}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            causes.append(required(f"{at}.resources", "resource rules must supply at least one resource"))
    return causes


def _role_binding(obj: Obj, old: Obj | None) -> list[Cause]:
    ref = obj.get("roleRef") or {}
    causes: list[Cause] = []
    kinds = ("Role", "ClusterRole") if obj.get("kind") == ROLE_BINDINGS.kind else ("ClusterRole",)
    if ref.get("apiGroup") != "rbac.authorization.k8s.io":
        causes.append(unsupported("roleRef.apiGroup", ref.get("apiGroup"), ("rbac.authorization.k8s.io",)))
    if ref.get("kind") not in kinds:
        causes.append(unsupported("roleRef.kind", ref.get("kind", ""), kinds))
    if not ref.get("name"):
        causes.append(required("roleRef.name"))
    for index, subject in enumerate(obj.get("subjects") or ()):
        at = f"subjects[{index}]"
        if not subject.get("name"):
            causes.append(required(f"{at}.name"))
        if subject.get("kind") not in ("ServiceAccount", "User", "Group"):
            causes.append(unsupported(f"{at}.kind", subject.get("kind", ""), ("Group", "ServiceAccount", "User")))
        elif subject["kind"] == "ServiceAccount" and not subject.get("namespace"):
            causes.append(required(f"{at}.namespace"))
    if old is not None and not equal(ref, old.get("roleRef") or {}):
        causes.append(invalid("roleRef", ref, "cannot change roleRef"))
    return causes


# -- the rest -----------------------------------------------------------------------------------------------------


def _priority_class(obj: Obj, old: Obj | None) -> list[Cause]:
    name, value = obj["metadata"].get("name") or "", obj.get("value", 0)
    causes: list[Cause] = []
    if name.startswith("system-") and name not in ("system-cluster-critical", "system-node-critical"):
        message = "priority class names with 'system-' prefix are reserved for system use only"
        causes.append(forbidden("metadata.name", message))
    if old is None and is_int(value) and value > 1_000_000_000 and not name.startswith("system-"):
        message = "maximum allowed value of a user defined priority is 1000000000"
        causes.append(forbidden("value", message))
    if old is not None and value != old.get("value", 0):
        causes.append(forbidden("value", "may not be changed in an update."))
    causes += _changed("preemptionPolicy", obj, old, "preemptionPolicy")
    return causes


def _storage_class(obj: Obj, old: Obj | None) -> list[Cause]:
    causes = [] if obj.get("provisioner") else [required("provisioner")]
    for field, message in (("parameters", "updates to parameters are forbidden."),
                           ("provisioner", "updates to provisioner are forbidden.")):  # fmt: skip
        if old is not None and obj.get(field) != old.get(field):
            causes.append(forbidden(field, message))
    if old is not None and obj.get("reclaimPolicy") != old.get("reclaimPolicy"):
        causes.append(forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden."))
    return causes + _changed("volumeBindingMode", obj, old, "volumeBindingMode")


def _claim(obj: Obj, old: Obj | None) -> list[Cause]:
    spec = _spec(obj)
    if old is not None:
        former = _spec(old)
        ignored = ("resources", "volumeName", "volumeAttributesClassName")
        keys = (spec.keys() | former.keys()).difference(ignored)
        if any(not equal(spec.get(key), former.get(key)) for key in keys):
            message = (
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound"
                " claims"
            )
            return [forbidden("spec", message)]
        return []
    causes: list[Cause] = []
    if not spec.get("accessModes"):
        causes.append(required("spec.accessModes", "at least 1 access mode is required"))
    if not ((spec.get("resources") or {}).get("requests") or {}).get("storage"):
        causes.append(required("spec.resources[storage]"))
    return causes


def _volume(obj: Obj, old: Obj | None) -> list[Cause]:
    del old
    spec = _spec(obj)
    causes: list[Cause] = []
    if not spec.get("accessModes"):
        causes.append(required("spec.accessModes"))
    if not spec.get("capacity"):
        causes.append(required("spec.capacity"))
    return causes


_RULES: Mapping[Resource, Rule] = {
    PODS: _pod,
    DEPLOYMENTS: _deployment,
    REPLICA_SETS: _workload,
    STATEFUL_SETS: _stateful_set,
    DAEMON_SETS: _daemon_set,
    REPLICATION_CONTROLLERS: _replication_controller,
    JOBS: _job,
    CRON_JOBS: _cron_job,
    HORIZONTAL_POD_AUTOSCALERS: _autoscaler,
    POD_DISRUPTION_BUDGETS: _disruption_budget,
    CONFIG_MAPS: _config_map,
    SECRETS: _secret,
    SERVICES: _service,
    INGRESSES: _ingress,
    ROLES: _role,
    CLUSTER_ROLES: _role,
    ROLE_BINDINGS: _role_binding,
    CLUSTER_ROLE_BINDINGS: _role_binding,
    PRIORITY_CLASSES: _priority_class,
    STORAGE_CLASSES: _storage_class,
    PERSISTENT_VOLUME_CLAIMS: _claim,
    PERSISTENT_VOLUMES: _volume,
    CUSTOM_RESOURCE_DEFINITIONS: crd_problems,
}
