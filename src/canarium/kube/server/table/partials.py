"""Objects with nothing but their metadata.

Owns: `PartialObjectMetadata` and its list. Must not know: tables, HTTP.
Source: Kubernetes, apiserver pkg/endpoints/handlers/response.go (asPartialObjectMetadata, …List).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canarium.kube.objects import Obj

META_V1 = "meta.k8s.io/v1"


def partial(obj: Obj, *, api_version: str = META_V1) -> Obj:
    """The answer to `as=PartialObjectMetadata`. It shares the metadata with the object."""
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": obj.get("metadata") or {}}


def partial_list(
    objects: Sequence[Obj],
    *,
    resource_version: str,
    list_metadata: Mapping[str, Any] | None = None,
    api_version: str = META_V1,
) -> Obj:
    """The answer to `as=PartialObjectMetadataList`. list_metadata: `continue` and `remainingItemCount`, if any."""
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": api_version,
        "metadata": {**(list_metadata or {}), "resourceVersion": resource_version},
        "items": [partial(obj, api_version=api_version) for obj in objects],
    }
