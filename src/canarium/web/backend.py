"""What the page can be asked beyond its topics: the port between HTTP and those who know.

Owns: the port and the names of the actions. Must not know: HTTP, how anything is answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from canarium.web.model import QueryNode, ResourceManifests

ROLLOUT_ACTIONS = ("restart", "retry", "abort", "promote", "promote-full", "undo", "set-image")
APPLICATION_ACTIONS = ("refresh", "hard-refresh", "sync")


class Backend(Protocol):
    """Every method may raise ApiError, which is answered with its code; CommandRefused, 409; and any other
    CanariumError, 422: `problem` and `next_step` are what the user reads."""

    async def rollout_action(self, namespace: str, name: str, action: str, body: Mapping[str, Any]) -> str:
        """Do one of `ROLLOUT_ACTIONS`. Returns what was done, in a sentence."""
        ...

    async def application_action(self, namespace: str, name: str, action: str, body: Mapping[str, Any]) -> str:
        """Do one of `APPLICATION_ACTIONS`. Returns what was done, in a sentence."""
        ...

    async def resource_manifests(
        self, application_namespace: str, application: str, group: str, kind: str, namespace: str, name: str
    ) -> ResourceManifests:
        """Both sides of one resource of an Application, and how they differ."""
        ...

    async def log(self, namespace: str, pod: str, options: Mapping[str, str]) -> AsyncIterator[bytes]:
        """A container's log as it was printed. Errors are raised by the call, before the first chunk.

        options: container, previous, tail, follow, timestamps, as they stand in the query.
        """
        ...

    def query_tree(self, query: str, at: str) -> QueryNode:
        """A PromQL expression, each part with what it is worth. at: Unix seconds or RFC 3339; empty for now."""
        ...
