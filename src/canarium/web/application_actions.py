"""Doing what the page asks of an Application: refresh, hard refresh, sync.

Owns: the requests' bodies, what is answered. Must not know: HTTP, when an action makes sense (`views/application.py`
tells that before; `gitops/application/requests.py` refuses).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.gitops.application.requests import begin, request_refresh, sync_operation
from canarium.kube.cluster import Cluster

USERNAME: Final = "canarium-page"


class BadRequest(CanariumError):
    """A request for an action that cannot be understood."""


async def application_action(
    cluster: Cluster, clock: Clock, namespace: str, name: str, action: str, body: Mapping[str, Any]
) -> str:
    """Ask for it; the controller does it. Returns what was asked for, in a sentence.

    body: `prune` and `dryRun` of a sync. Raises RequestRefused, BadRequest, NotFound, ApiError.
    """
    del clock  # every action on the page is called with one; the controller sets the times
    match action:
        case "refresh":
            await request_refresh(cluster, namespace, name, "normal")
            return f"Asked for a refresh of {name}."
        case "hard-refresh":
            await request_refresh(cluster, namespace, name, "hard")
            return f"Asked for a hard refresh of {name}."
        case "sync":
            prune, dry_run = _flag(body, "prune"), _flag(body, "dryRun")
            await begin(
                cluster,
                namespace,
                name,
                lambda app: sync_operation(app, prune=prune, dry_run=dry_run, revision="", username=USERNAME),
            )
            how = " without changing anything" if dry_run else " and to prune what git no longer has" if prune else ""
            return f"Asked to sync {name}{how}."
        case _:
            raise BadRequest(
                f"there is no action {action!r} of an Application", next_step="Use refresh, hard-refresh or sync."
            )


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is not true or false: {value!r}", field=name, next_step="Send a JSON boolean.")
    return value
