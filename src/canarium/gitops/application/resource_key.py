"""Which object is meant, and whose it is: keys, the tracking annotation, Argo CD's options in annotations.

Owns: `ResourceKey`, the tracking id, sync options and waves as annotations say them. Pure.
Must not know: git, clusters. Behaviour follows Argo CD 3.6 `util/argo/resource_tracking` (annotation tracking).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from canarium.kube.objects import Obj, ObjectKey, annotations_of, parse_time

CONTROL_NAMESPACE = "argocd"
TRACKING_ID = "argocd.argoproj.io/tracking-id"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"
SYNC_WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
HELM_HOOK = "helm.sh/hook"
DELETION_APPROVED = "argocd.argoproj.io/deletion-approved"
IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"


class ResourceKey(NamedTuple):
    """Group, kind, namespace (empty for cluster-scoped) and name."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}/{self.namespace}/{self.name}"


def group_of(obj: Mapping[str, Any]) -> str:
    """The API group of an object; empty for the core group."""
    api_version = str(obj.get("apiVersion") or "")
    return api_version.rpartition("/")[0]


def version_of(obj: Mapping[str, Any]) -> str:
    """The API version without its group."""
    return str(obj.get("apiVersion") or "").rpartition("/")[2]


def resource_key(obj: Mapping[str, Any]) -> ResourceKey:
    """The key of an object."""
    metadata = obj.get("metadata") or {}
    return ResourceKey(
        group_of(obj), str(obj.get("kind") or ""), metadata.get("namespace") or "", metadata.get("name") or ""
    )


def tracking_id(app: str, obj: Mapping[str, Any], namespace: str) -> str:
    """`app:group/kind:namespace/name`. namespace: the destination's, written for objects that have none."""
    key = resource_key(obj)
    return f"{app}:{key.group}/{key.kind}:{key.namespace or namespace}/{key.name}"


def tracked_by(obj: Mapping[str, Any]) -> str | None:
    """The Application that an object says it belongs to, if the annotation is its own and not a copy.

    Controllers copy annotations to what they create (a Rollout's to its ReplicaSets); a copy names another object.
    """
    app, _, rest = (annotations_of(obj).get(TRACKING_ID) or "").partition(":")
    group_kind, _, place = rest.partition(":")
    namespace, _, name = place.partition("/")
    key = resource_key(obj)
    own = group_kind == f"{key.group}/{key.kind}" and name == key.name and key.namespace in ("", namespace)
    return app if app and own else None


def instance_name(app: Mapping[str, Any]) -> str:
    """An Application's name in tracking ids: with its namespace if that is not Argo CD's own."""
    metadata = app["metadata"]
    namespace, name = metadata.get("namespace") or "", str(metadata["name"])
    return name if namespace in ("", CONTROL_NAMESPACE) else f"{namespace}_{name}"


def app_key(instance: str) -> ObjectKey:
    """The Application that an instance name means."""
    namespace, found, name = instance.partition("_")
    return ObjectKey(namespace, name) if found else ObjectKey(CONTROL_NAMESPACE, instance)


def option(obj: Mapping[str, Any] | None, annotation: str, name: str) -> str | None:
    """The value of `name=value` in a comma-separated annotation; None when it is not there."""
    if obj is None:
        return None
    for part in (annotations_of(obj).get(annotation) or "").split(","):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None


def needs_confirmation(obj: Mapping[str, Any] | None, options: Collection[str], *names: str) -> bool:
    """Whether one of the options `names` (Prune, Delete) is `confirm`, on the object or else for the Application."""
    found = ((name, option(obj, SYNC_OPTIONS, name)) for name in names)
    return obj is not None and any(
        value == "confirm" or (value is None and f"{name}=confirm" in options) for name, value in found
    )


def is_deletion_confirmed(app: Mapping[str, Any], since: datetime) -> bool:
    """Somebody approved, at `since` or later, that what asks for confirmation is deleted."""
    try:
        return parse_time(annotations_of(app).get(DELETION_APPROVED) or "") >= since
    except ValueError:
        return False


def wave_of(obj: Mapping[str, Any]) -> int:
    """The sync wave; 0 when absent or not a number."""
    text = annotations_of(obj).get(SYNC_WAVE) or "0"
    try:
        return int(text)
    except ValueError:
        return 0


def hooks_of(obj: Mapping[str, Any]) -> tuple[str, ...]:
    """The hook types an object declares; `Skip` means that it is never applied."""
    annotations = annotations_of(obj)
    declared = annotations.get(HOOK) or annotations.get(HELM_HOOK) or ""
    return tuple(part.strip() for part in declared.split(",") if part.strip() and part.strip() != "crd-install")


def tracked(obj: Obj, app: str, namespace: str) -> Obj:
    """A copy of `obj` that says it belongs to `app`."""
    metadata = obj.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), TRACKING_ID: tracking_id(app, obj, namespace)}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
