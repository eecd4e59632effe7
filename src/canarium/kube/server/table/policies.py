"""What `kubectl get` shows of configuration, identity and the rules of a cluster.

Owns: config maps, secrets, service accounts, leases, quotas, priority classes, role bindings, webhooks, certificate
requests, API services. Must not know: what they do.
Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go; kube-aggregator registry/apiservice for APIService.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from canarium.kube.objects import Obj, condition
from canarium.kube.server.table.columns import (
    AGE,
    NAME,
    NONE,
    Cells,
    Printer,
    age_of,
    boolean,
    integer,
    name_of,
    spec_of,
    status_of,
    text,
)
from canarium.text.durations import human_duration


def _config_map_cells(obj: Obj, now: datetime) -> Cells:
    return [name_of(obj), len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), age_of(obj, now)]


def _secret_cells(obj: Obj, now: datetime) -> Cells:
    """The number of keys, never a value. `stringData` counts: a store may not have folded it into data yet."""
    keys = {*(obj.get("data") or ()), *(obj.get("stringData") or ())}
    return [name_of(obj), obj.get("type") or "Opaque", len(keys), age_of(obj, now)]


def _service_account_cells(obj: Obj, now: datetime) -> Cells:
    return [name_of(obj), len(obj.get("secrets") or ()), age_of(obj, now)]


def _lease_cells(obj: Obj, now: datetime) -> Cells:
    return [name_of(obj), spec_of(obj).get("holderIdentity") or "", age_of(obj, now)]


def _quota_cells(obj: Obj, now: datetime) -> Cells:
    status = status_of(obj)
    used = status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for name, hard in sorted((status.get("hard") or {}).items()):
        (limits if name.startswith("limits.") else requests).append(f"{name}: {used.get(name, 0)}/{hard}")
    return [name_of(obj), ", ".join(requests), ", ".join(limits), age_of(obj, now)]


def _priority_class_cells(obj: Obj, now: datetime) -> Cells:
    preemption = obj.get("preemptionPolicy") or "PreemptLowerPriority"
    return [name_of(obj), obj.get("value", 0), obj.get("globalDefault", False), age_of(obj, now), preemption]


def _binding_cells(obj: Obj, now: datetime) -> Cells:
    role = obj.get("roleRef") or {}
    bound: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in bound:
            bound[subject["kind"]].append(_subject(subject))
    who = [", ".join(names) for names in bound.values()]
    return [name_of(obj), f"{role.get('kind', '')}/{role.get('name', '')}", age_of(obj, now), *who]


def _subject(subject: Mapping[str, Any]) -> str:
    name = str(subject.get("name", ""))
    is_namespaced = subject["kind"] == "ServiceAccount" and subject.get("namespace")
    return f"{subject['namespace']}/{name}" if is_namespaced else name


def _webhooks_cells(obj: Obj, now: datetime) -> Cells:
    return [name_of(obj), len(obj.get("webhooks") or ()), age_of(obj, now)]


def _runtime_class_cells(obj: Obj, now: datetime) -> Cells:
    return [name_of(obj), obj.get("handler", ""), age_of(obj, now)]


def _certificate_request_cells(obj: Obj, now: datetime) -> Cells:
    spec, status = spec_of(obj), status_of(obj)
    kinds = {one.get("type") for one in status.get("conditions") or ()}
    verdict = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    said = [verdict, *(["Failed"] if "Failed" in kinds else ()), *(["Issued"] if status.get("certificate") else ())]
    seconds = spec.get("expirationSeconds")
    return [
        name_of(obj),
        age_of(obj, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        NONE if seconds is None else human_duration(timedelta(seconds=seconds)),
        ",".join(said),
    ]


def _api_service_cells(obj: Obj, now: datetime) -> Cells:
    service = spec_of(obj).get("service")
    where = f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"
    available = condition(obj, "Available") or {}
    answer = available.get("status", "Unknown")
    if available and answer != "True":
        answer = f"{answer} ({available.get('reason', '')})"
    return [name_of(obj), where, answer, age_of(obj, now)]


_WEBHOOKS = Printer((NAME, integer("Webhooks"), AGE), _webhooks_cells)
_BINDING = Printer(
    (
        NAME,
        text("Role"),
        AGE,
        text("Users", priority=1),
        text("Groups", priority=1),
        text("ServiceAccounts", priority=1),
    ),
    _binding_cells,
)

PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "ConfigMap"): Printer((NAME, text("Data", "How many keys it has."), AGE), _config_map_cells),
    ("", "Secret"): Printer((NAME, text("Type"), text("Data", "How many keys it has."), AGE), _secret_cells),
    ("", "ServiceAccount"): Printer((NAME, text("Secrets"), AGE), _service_account_cells),
    ("", "ResourceQuota"): Printer((NAME, text("Request"), text("Limit"), AGE), _quota_cells),
    ("coordination.k8s.io", "Lease"): Printer((NAME, text("Holder"), AGE), _lease_cells),
    ("scheduling.k8s.io", "PriorityClass"): Printer(
        (NAME, integer("Value"), boolean("Global-Default"), AGE, text("PreemptionPolicy")), _priority_class_cells
    ),
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _WEBHOOKS,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("node.k8s.io", "RuntimeClass"): Printer((NAME, text("Handler"), AGE), _runtime_class_cells),
    ("certificates.k8s.io", "CertificateSigningRequest"): Printer(
        (NAME, AGE, text("SignerName"), text("Requestor"), text("RequestedDuration"), text("Condition")),
        _certificate_request_cells,
    ),
    ("apiregistration.k8s.io", "APIService"): Printer(
        (NAME, text("Service"), text("Available"), AGE), _api_service_cells
    ),
}
