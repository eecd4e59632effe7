"""Waiting for an Application: until a refresh was done, an operation is over, or it is in sync and healthy.

Owns: following one Application, what counts as done. Must not know: what is printed.
Behaviour follows Argo CD 3.x `waitOnApplicationStatus`. Where it waits for the comparison after an operation, this asks
for it, so that nobody waits for the next poll of git.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, NamedTuple

import msgspec

from canarium.cli.plugin.request import Session
from canarium.gitops.application.requests import REFRESH, request_refresh
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.cluster import ApiError, NotFound
from canarium.kube.objects import Obj, parse_time

REREAD_SECONDS: Final = 1.0


class Wanted(NamedTuple):
    """What a wait is for."""

    sync: bool = False
    health: bool = False
    operation: bool = False


async def follow(session: Session, app: Obj) -> AsyncGenerator[Obj, None]:
    """An Application as it was read, and again after every change. Raises NotFound when it is deleted, ApiError."""
    namespace, name = app["metadata"]["namespace"], app["metadata"]["name"]
    while True:
        yield app
        version, is_deleted = app["metadata"]["resourceVersion"], False
        try:
            events = session.cluster.watch(APPLICATIONS, namespace, resource_version=version)
            async for event in events:
                if event.type == "BOOKMARK":
                    continue
                app = msgspec.json.decode(event.raw)
                if app["metadata"]["name"] != name:
                    continue
                is_deleted = event.type == "DELETED"
                if is_deleted:
                    break
                yield app
        except ApiError:
            pass  # outdated or broken: reading it again says how things are
        if is_deleted:
            raise NotFound(404, "NotFound", f'applications.argoproj.io "{name}" not found')
        await session.clock.sleep(REREAD_SECONDS)
        app = await session.cluster.get(APPLICATIONS, namespace, name)


async def refreshed(session: Session, namespace: str, name: str, kind: str = "normal") -> Obj:
    """Ask for a refresh (`normal`, `hard`) and wait until the controller has done it. Raises NotFound, ApiError."""
    app = await request_refresh(session.cluster, namespace, name, kind)
    async with aclosing(follow(session, app)) as states:
        async for state in states:
            if REFRESH not in (state["metadata"].get("annotations") or {}):
                return state
    raise AssertionError("an Application is followed until somebody stops")


async def wait_for(session: Session, app: Obj, wanted: Wanted, seen: Callable[[Obj], None]) -> Obj:
    """Wait until an Application is as wanted. seen: called with every state on the way. Raises NotFound, ApiError."""
    namespace, name = app["metadata"]["namespace"], app["metadata"]["name"]
    has_begun = has_refreshed = False
    async with aclosing(follow(session, app)) as states:
        async for state in states:
            seen(state)
            has_begun = has_begun or bool(state.get("operation"))
            if wanted.operation and not is_operation_over(state):
                continue
            is_dated = has_begun or not is_compared_since(state)
            if wanted.operation and is_dated and not has_refreshed and not was_dry_run(state):
                has_refreshed = True
                state = await refreshed(session, namespace, name)  # the newest state counts
                seen(state)
            if is_as_wanted(state, wanted) and (is_operation_over(state) or not wanted.operation):
                return state
    raise AssertionError("an Application is followed until somebody stops")


def is_as_wanted(app: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether sync status and health are what is waited for."""
    status = app.get("status") or {}
    is_synced = (status.get("sync") or {}).get("status") == "Synced"
    is_healthy = (status.get("health") or {}).get("status") == "Healthy"
    return (is_synced or not wanted.sync) and (is_healthy or not wanted.health)


def is_operation_over(app: Mapping[str, Any]) -> bool:
    """Whether no operation is asked for or under way."""
    state = (app.get("status") or {}).get("operationState")
    return not app.get("operation") and (not state or bool(state.get("finishedAt")))


def was_dry_run(app: Mapping[str, Any]) -> bool:
    """Whether the last operation was only tried, so that there is nothing new to compare."""
    operation = ((app.get("status") or {}).get("operationState") or {}).get("operation") or {}
    return bool((operation.get("sync") or {}).get("dryRun"))


def is_compared_since(app: Mapping[str, Any]) -> bool:
    """Whether the comparison in the status may be newer than the end of the last operation, as far as seconds tell."""
    status = app.get("status") or {}
    ended, compared = (status.get("operationState") or {}).get("finishedAt"), status.get("reconciledAt")
    return not ended or (compared is not None and parse_time(compared) >= parse_time(ended))
