"""What workload controllers ask of pods.

Owns: active, ready, available; claiming pods by selector and owner. Pure. Must not know: controllers, clocks.
Source: Kubernetes 1.34 pkg/api/v1/pod/util.go, pkg/controller/controller_{utils,ref_manager}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canarium.kube.decision import Patch
from canarium.kube.objects import (
    Obj,
    condition,
    controller_of,
    is_controlled_by,
    labels_of,
    later,
    matches_labels,
    owner_reference,
    parse_time,
)
from canarium.kube.resources import Resource


def is_active(pod: Mapping[str, Any]) -> bool:
    """Neither ended nor being deleted: it counts towards replicas."""
    phase = (pod.get("status") or {}).get("phase")
    return phase not in ("Succeeded", "Failed") and not pod["metadata"].get("deletionTimestamp")


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Its Ready condition is True."""
    ready = condition(pod.get("status") or {}, "Ready")
    return ready is not None and ready["status"] == "True"


def available_in(pod: Mapping[str, Any], min_ready_seconds: int, now: datetime) -> timedelta | None:
    """How long until the pod counts as available if it stays ready: zero when it does, None when it is not ready."""
    ready = condition(pod.get("status") or {}, "Ready")
    if ready is None or ready["status"] != "True":
        return None
    if not min_ready_seconds:
        return timedelta(0)
    if not ready.get("lastTransitionTime"):
        return timedelta(seconds=min_ready_seconds)
    left = later(parse_time(ready["lastTransitionTime"]), min_ready_seconds) - now
    return max(left, timedelta(0))


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Objects an owner controls, and the patches that adopt or release some so that it is true."""

    controlled: tuple[Obj, ...]
    patches: tuple[Patch, ...]


def claim(owner: Obj, selector: Mapping[str, Any] | None, resource: Resource, candidates: Iterable[Obj]) -> Claim:
    """Which of `candidates` (same namespace) `owner` controls: its own that match, and orphans that match.

    A match that nobody controls is adopted; its own that no longer match is released; neither while it is deleted.
    """
    controlled: list[Obj] = []
    patches: list[Patch] = []
    is_dying = bool(owner["metadata"].get("deletionTimestamp"))
    for obj in candidates:
        matches = matches_labels(selector, labels_of(obj))
        if is_controlled_by(obj, owner):
            if matches:
                controlled.append(obj)
            elif not is_dying:
                patches.append(_with_owners(resource, obj, [r for r in _owners(obj) if r["uid"] != _uid(owner)]))
        elif matches and controller_of(obj) is None and not is_dying and not obj["metadata"].get("deletionTimestamp"):
            controlled.append(obj)
            patches.append(_with_owners(resource, obj, [*_owners(obj), owner_reference(owner)]))
    return Claim(controlled=tuple(controlled), patches=tuple(patches))


def _with_owners(resource: Resource, obj: Obj, owners: Sequence[Mapping[str, Any]]) -> Patch:
    metadata = obj["metadata"]
    return Patch(
        resource=resource,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        patch={"metadata": {"ownerReferences": list(owners) or None}},
        resource_version=metadata["resourceVersion"],
    )


def _owners(obj: Obj) -> list[dict[str, Any]]:
    return list(obj["metadata"].get("ownerReferences") or ())


def _uid(obj: Obj) -> str:
    return str(obj["metadata"]["uid"])


MANY_PODS = 200
_PODS_A_SECOND = 5_000


def rest_for(pods: int) -> float:
    """Seconds for which the owner of so many pods rests after a look at all of them: few are no trouble, and ten
    thousand that start at once would be looked at ten thousand times."""
    return pods / _PODS_A_SECOND if pods > MANY_PODS else 0.0
