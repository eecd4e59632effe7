"""Which resource a kind is on a server, from what the server says about a group's version.

Owns: reading an APIResourceList. Must not know: HTTP, caching.
Source: Kubernetes discovery, the plain form (`/api/v1`, `/apis/GROUP/VERSION`), which every server has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canarium.kube.resources import Resource


def group_version_path(api_version: str) -> str:
    """`/apis/apps/v1`, or `/api/v1` for the core group."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def resources_of(api_version: str, listed: Mapping[str, Any]) -> Sequence[Resource]:
    """The resources of one group's version, in the server's order; subresources are part of theirs."""
    group, _, version = api_version.rpartition("/")
    told = [item for item in listed.get("resources") or () if isinstance(item, dict)]
    below: dict[str, list[str]] = {}
    for item in told:
        parent, slash, name = str(item.get("name", "")).partition("/")
        if slash:
            below.setdefault(parent, []).append(name)
    return [
        Resource(
            group,
            version,
            str(item["kind"]),
            str(item["name"]),
            namespaced=bool(item.get("namespaced")),
            has_status="status" in below.get(item["name"], ()),
            short_names=tuple(item.get("shortNames") or ()),
            categories=tuple(item.get("categories") or ()),
            subresources=tuple(name for name in below.get(item["name"], ()) if name != "status"),
            singular_name=str(item.get("singularName") or ""),
        )
        for item in told
        if "/" not in str(item.get("name", "/")) and item.get("kind")
    ]
