"""Sends what a command about a Rollout decided.

Owns: patches to requests, one after the other. Must not know: what they say (`rollouts.commands`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from canarium.kube.cluster import Cluster, Conflict
from canarium.kube.decision import Patch
from canarium.kube.objects import Obj
from canarium.rollouts.kinds import ROLLOUTS

_ATTEMPTS: Final = 5


async def send(cluster: Cluster, namespace: str, patches: Sequence[Patch]) -> None:
    """Send in order. Raises ApiError at the first that fails; those before it took effect."""
    for one in patches:
        body = one.patch
        if one.resource_version is not None:
            body = {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": one.resource_version}}
        await cluster.patch(one.resource, namespace, one.name, body, type=one.type, subresource=one.subresource)


async def change_rollout(
    cluster: Cluster, namespace: str, name: str, command: Callable[[Obj], Sequence[Patch]]
) -> bool:
    """Read a Rollout, send what `command` makes of it; begins again when somebody else changed it meanwhile.

    Returns whether there was anything to send. Raises NotFound, Conflict after several tries, ApiError, and what
    `command` raises.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        patches = command(await cluster.get(ROLLOUTS, namespace, name))
        try:
            await send(cluster, namespace, patches)
        except Conflict:
            if attempt == _ATTEMPTS:
                raise
        else:
            return bool(patches)
    raise AssertionError("unreachable: the last attempt returns or raises")
