"""What people ask of an Application: a refresh, a sync.

Owns: the annotation and the `operation` that ask, and when a sync is refused. Must not know: who asks, how it is told.
Source: Argo CD 3.x `server/application` (Get with refresh, Sync). Rules of its API server that are kept here: one
operation at a time, no other revision than the target one while an Application syncs itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from canarium.errors import CanariumError
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.cluster import Cluster, Conflict
from canarium.kube.objects import Obj

REFRESH: Final = "argocd.argoproj.io/refresh"
_ATTEMPTS: Final = 5

RefreshKind = Literal["normal", "hard"]


class RequestRefused(CanariumError):
    """What is asked for may not be done now."""


async def request_refresh(cluster: Cluster, namespace: str, name: str, kind: str = "normal") -> Obj:
    """Set the annotation (`normal`, `hard`) that the controller removes once it has looked at git again.
    Raises NotFound, ApiError."""
    return await cluster.patch(APPLICATIONS, namespace, name, {"metadata": {"annotations": {REFRESH: kind}}})


async def begin(cluster: Cluster, namespace: str, name: str, operation: Callable[[Obj], dict[str, Any]]) -> Obj:
    """Write `operation`, and forget what the last one did; judged again when the Application has changed meanwhile.
    Raises what `operation` raises, NotFound, ApiError."""
    for attempt in range(_ATTEMPTS):
        app = await cluster.get(APPLICATIONS, namespace, name)
        patch: dict[str, Any] = {
            "metadata": {"resourceVersion": app["metadata"]["resourceVersion"]},
            "operation": operation(app),
        }
        if (app.get("status") or {}).get("operationState"):
            patch["status"] = {"operationState": None}
        try:
            return await cluster.patch(APPLICATIONS, namespace, name, patch)
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returned or raised")


def is_automated(app: Mapping[str, Any]) -> bool:
    """Whether it syncs itself."""
    automated = ((app.get("spec") or {}).get("syncPolicy") or {}).get("automated")
    return automated is not None and automated.get("enabled") is not False


def sync_refusal(app: Mapping[str, Any]) -> RequestRefused | None:
    """Why no sync may be asked for now, whatever its options; None when it may."""
    if app["metadata"].get("deletionTimestamp"):
        return RequestRefused("application is deleting")
    if app.get("operation"):
        return RequestRefused("another operation is already in progress", next_step="Wait with `canarium app wait`.")
    return None


def sync_operation(
    app: Mapping[str, Any], *, prune: bool, dry_run: bool, revision: str, username: str
) -> dict[str, Any]:
    """`operation` of an Application, as `argocd app sync` asks for it. Raises RequestRefused when it may not be."""
    if (refusal := sync_refusal(app)) is not None:
        raise refusal
    policy = app["spec"].get("syncPolicy") or {}
    target = (app["spec"].get("source") or {}).get("targetRevision") or "HEAD"
    if is_automated(app) and not dry_run and revision not in ("", target):
        raise RequestRefused(
            f"Cannot sync to {revision}: auto-sync currently set to {target}",
            next_step="Turn spec.syncPolicy.automated off first, or change spec.source.targetRevision.",
        )
    wanted: dict[str, Any] = {"syncStrategy": {"hook": {}}}
    if revision:
        wanted["revision"] = revision
    if prune:
        wanted["prune"] = True
    if dry_run:
        wanted["dryRun"] = True
    if policy.get("syncOptions"):
        wanted["syncOptions"] = policy["syncOptions"]
    operation: dict[str, Any] = {"initiatedBy": {"username": username}, "sync": wanted}
    if policy.get("retry"):
        operation["retry"] = policy["retry"]
    return operation
