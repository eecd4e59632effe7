"""Discovery: which groups, versions and resources there are, in the aggregated and in the old form.

Owns: both documents. Pure. Must not know: HTTP.
Source: Kubernetes 1.34, apidiscovery/v2 and metav1.APIResourceList; groups in the order of the aggregator's priorities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.kube.server.access import REVIEWS

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_STATUS_VERBS = ["get", "patch", "update"]
_SUBRESOURCE_KINDS: Mapping[str, tuple[str, str, str, list[str]]] = {
    "scale": ("autoscaling", "v1", "Scale", ["get", "patch", "update"]),
    "log": ("", "v1", "", ["get"]),
    "portforward": ("", "v1", "PodPortForwardOptions", ["create", "get"]),
    "eviction": ("policy", "v1", "Eviction", ["create"]),
    "binding": ("", "v1", "Binding", ["create"]),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ["create"]),
    "finalize": ("", "v1", "Namespace", ["update"]),
}
"""Subresource: group, version and kind of what it takes (empty kind: the resource's own), and its verbs."""

_FIRST_GROUPS = (
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
)
_PREFERRED = {"autoscaling": "v2"}

Versions = dict[str, dict[str, list[Resource]]]


def by_group(resources: Sequence[Resource]) -> Versions:
    """Resources by group and version, preferred versions first; the groups of reviews have no other resources."""
    found: Versions = {"": {}}
    names = {resource.group for resource in resources} | {group for group, _ in REVIEWS}
    order = {group: place for place, group in enumerate(_FIRST_GROUPS)}
    for group in sorted(names - {""}, key=lambda name: (order.get(name, len(order)), name)):
        found[group] = {"v1": []} if any(group == known for known, _ in REVIEWS) else {}
    for resource in resources:
        found[resource.group].setdefault(resource.version, []).append(resource)
    return {group: dict(sorted(versions.items(), key=_version_order(group))) for group, versions in found.items()}


def _version_order(group: str) -> Any:
    preferred = _PREFERRED.get(group)

    def order(item: tuple[str, Any]) -> tuple[bool, bool, bool, str]:
        version = item[0]
        return (version != preferred, "alpha" in version, "beta" in version, version)

    return order


def subresources_of(resource: Resource) -> list[str]:
    """Subresources by name, `status` among them."""
    return [*resource.subresources, *(["status"] if resource.has_status else [])]


def aggregated(versions: Versions, *, core: bool, version: str) -> Obj:
    """An APIGroupDiscoveryList: of the core group for `/api`, of all others for `/apis`."""
    groups = [
        {
            "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
            "versions": [
                {"version": name, "resources": _described(group, name, resources), "freshness": "Current"}
                for name, resources in known.items()
            ],
        }
        for group, known in versions.items()
        if (group == "") is core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": groups,
    }


def _described(group: str, version: str, resources: Sequence[Resource]) -> list[Obj]:
    found: list[Obj] = []
    for resource in sorted(resources, key=lambda one: one.plural):
        described: Obj = {
            "resource": resource.plural,
            "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "singularResource": resource.singular,
            "verbs": _VERBS,
        }
        if resource.short_names:
            described["shortNames"] = list(resource.short_names)
        if resource.categories:
            described["categories"] = list(resource.categories)
        parts = []
        for name in subresources_of(resource):
            kind_group, kind_version, kind, verbs = _subresource(resource, name)
            response = {"group": kind_group, "version": kind_version, "kind": kind}
            parts.append({"subresource": name, "responseKind": response, "verbs": verbs})
        if parts:
            described["subresources"] = parts
        found.append(described)
    for (known, plural), kind in sorted(REVIEWS.items()):
        if known == group and version == "v1":
            found.append(
                {
                    "resource": plural,
                    "responseKind": {"group": group, "version": version, "kind": kind},
                    "scope": "Namespaced" if plural.startswith("local") else "Cluster",
                    "singularResource": kind.lower(),
                    "verbs": ["create"],
                }
            )
    return found


def _subresource(resource: Resource, name: str) -> tuple[str, str, str, list[str]]:
    own = (resource.group, resource.version, resource.kind)
    if name == "status":
        return (*own, _STATUS_VERBS)
    group, version, kind, verbs = _SUBRESOURCE_KINDS[name]
    return (group, version, kind, verbs) if kind else (*own, verbs)


def resource_list(versions: Versions, group: str, version: str) -> Obj | None:
    """The APIResourceList of a group's version; None when there is none."""
    resources = versions.get(group, {}).get(version)
    if resources is None:
        return None
    entries: list[Obj] = []
    for described in _described(group, version, resources):
        entry: Obj = {
            "name": described["resource"],
            "singularName": described["singularResource"],
            "namespaced": described["scope"] == "Namespaced",
            "kind": described["responseKind"]["kind"],
            "verbs": described["verbs"],
        }
        entry |= {key: described[key] for key in ("shortNames", "categories") if key in described}
        entries.append(entry)
        for part in described.get("subresources") or ():
            kind = part["responseKind"]
            one: Obj = {
                "name": f"{described['resource']}/{part['subresource']}",
                "singularName": "",
                "namespaced": entry["namespaced"],
                "kind": kind["kind"],
                "verbs": part["verbs"],
            }
            if (kind["group"], kind["version"]) != (group, version):
                one |= {"group": kind["group"], "version": kind["version"]}
            entries.append(one)
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": entries}


def api_versions(address: str) -> Obj:
    """The old answer of `/api`."""
    served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": served}


def group_list(versions: Versions) -> Obj:
    """The old answer of `/apis`."""
    groups = [api_group(versions, group) for group in versions if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def api_group(versions: Versions, group: str) -> Obj:
    """One group of the old form."""
    known = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions[group]]
    return {"name": group, "versions": known, "preferredVersion": known[0]}
