"""When an object counts as changed, when it may go, and how its deletion begins.

Owns: `generation`, grace periods, finalizers and deletionTimestamp, as pure functions. Must not know: storage.
Source: Kubernetes 1.34, apiserver registry/rest/{update,delete}.go and pkg/registry/core/pod/strategy.go.
"""

from __future__ import annotations

from datetime import datetime

from canarium.kube.objects import Obj, format_time, later, parse_time
from canarium.kube.patch.merge import equal
from canarium.kube.resources import NAMESPACES, PODS, Resource


def says_more(resource: Resource, old: Obj, new: Obj) -> bool:
    """Whether generation grows: the spec changed; without a status subresource, anything but metadata did.
    A deletion counts too, but is handled where it happens. That a pod is bound to a node does not count: upstream that
    is done by the binding subresource, behind the back of what counts."""
    if resource == PODS and "nodeName" not in old["spec"] and "nodeName" in new["spec"]:
        return not equal(old["spec"], {key: part for key, part in new["spec"].items() if key != "nodeName"})
    ignored = {"metadata", "status"} if resource.has_status else {"metadata"}
    keys = sorted((old.keys() | new.keys()) - ignored)
    return any(key not in old or key not in new or not equal(old[key], new[key]) for key in keys)


def is_finished(obj: Obj) -> bool:
    """Marked for deletion, with nothing left that keeps it."""
    metadata = obj["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if obj["kind"] == "Namespace" and (obj.get("spec") or {}).get("finalizers"):
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def marked(resource: Resource, obj: Obj, now: datetime, *, propagation: str, asked_grace: int | None) -> Obj:
    """The object as a deletion leaves it; equal to `obj` when it was on its way already and nothing is new.

    propagation: `Background`, `Foreground` or `Orphan`. asked_grace: seconds, None when the caller named none.
    """
    grace = _grace_period(resource, obj, asked_grace)
    metadata = dict(obj["metadata"])
    finalizers = list(metadata.get("finalizers") or ())
    for finalizer, policy in (("foregroundDeletion", "Foreground"), ("orphan", "Orphan")):
        if propagation == policy and finalizer not in finalizers:
            finalizers.append(finalizer)
    if finalizers:
        metadata["finalizers"] = finalizers
    former = metadata.get("deletionGracePeriodSeconds", 0)
    if "deletionTimestamp" not in metadata:
        metadata["deletionTimestamp"] = format_time(later(now, grace))
        metadata["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata:
            metadata["generation"] += 1
    elif grace < former and (asked_grace is not None or resource != PODS):  # it counts from the first call
        asked_at = later(parse_time(metadata["deletionTimestamp"]), -former)
        metadata["deletionTimestamp"] = format_time(later(asked_at, grace))
        metadata["deletionGracePeriodSeconds"] = grace
    leaving: Obj = {**obj, "metadata": metadata}
    if resource == NAMESPACES:
        leaving["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
    return leaving


def _grace_period(resource: Resource, obj: Obj, asked: int | None) -> int:
    """Seconds: only pods that run somewhere and have not ended get one (registry/core/pod CheckGracefulDelete)."""
    if resource != PODS:
        return 0
    spec = obj.get("spec") or {}
    if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    if asked is not None:
        return max(0, asked)
    return int(spec.get("terminationGracePeriodSeconds", 30))
