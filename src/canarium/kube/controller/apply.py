"""Carry out a Decision: the thin shell between rules and cluster.

Owns: the order (actions, status, events), optimistic concurrency, and what counts as already done.
Must not know: any rule.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from canarium.kube.cluster import AlreadyExists, ApiError, Cluster, Conflict, NotFound
from canarium.kube.controller.events import event_for, record_event
from canarium.kube.decision import Action, Create, Decision, Delete, Patch
from canarium.kube.objects import Obj, controller_of, key_of, over_the_wire
from canarium.kube.patch import merge
from canarium.kube.resources import Resource


async def apply_decision(
    cluster: Cluster, primary: Resource, subject: Obj, decision: Decision, *, component: str, now: datetime
) -> None:
    """Apply `decision` about `subject`.

    Raises Conflict when the world moved since it was observed (nothing is lost: look again), and any other ApiError.
    """
    subject_key = key_of(subject)
    version = subject["metadata"]["resourceVersion"]
    for action in decision.actions:
        concerns_subject = (
            isinstance(action, Patch)
            and action.resource == primary
            and (action.namespace, action.name) == tuple(subject_key)
        )
        written = await _apply(cluster, action, version if concerns_subject else None)
        if concerns_subject and written is not None:
            version = written["metadata"]["resourceVersion"]  # our own write, so what we know is still current
    if decision.actions:  # what took effect is told even if the status below conflicts
        await _tell(cluster, subject, decision, component=component, now=now)
    before = subject.get("status")
    status = before if decision.status is None or decision.status == before else over_the_wire(decision.status)
    if status is not None and status != before:
        patch = {
            "metadata": {"resourceVersion": version},
            "status": merge.diff(before or {}, status),
        }
        await cluster.patch(
            primary,
            subject_key.namespace,
            subject_key.name,
            patch,
            subresource="status" if primary.has_status else "",
        )
    if not decision.actions:
        await _tell(cluster, subject, decision, component=component, now=now)


async def _tell(cluster: Cluster, subject: Obj, decision: Decision, *, component: str, now: datetime) -> None:
    """Record the Decision's events, at best effort as upstream: an event that cannot be stored holds nothing up."""
    for note in decision.events:
        with suppress(ApiError):
            await record_event(cluster, event_for(subject, note, component=component, at=now))


async def _apply(cluster: Cluster, action: Action, subject_version: str | None) -> Obj | None:
    match action:
        case Create():
            return await _create(cluster, action)
        case Patch():
            version = subject_version if subject_version and action.resource_version else action.resource_version
            body = action.patch
            if version is not None and action.type != "json":
                body = {**body, "metadata": {**(body.get("metadata") or {}), "resourceVersion": version}}
            elif version is not None:
                body = [{"op": "test", "path": "/metadata/resourceVersion", "value": version}, *body]
            return await cluster.patch(
                action.resource,
                action.namespace,
                action.name,
                body,
                type=action.type,
                subresource=action.subresource,
            )
        case Delete():
            try:
                await cluster.delete(
                    action.resource,
                    action.namespace,
                    action.name,
                    uid=action.uid,
                    propagation=action.propagation,
                    grace_period_seconds=action.grace_period_seconds,
                )
            except NotFound:
                return None  # somebody was faster, or an earlier attempt took effect
            return None


async def _create(cluster: Cluster, action: Create) -> Obj:
    try:
        return await cluster.create(action.resource, action.obj)
    except AlreadyExists:
        metadata = action.obj["metadata"]
        found = await cluster.get(action.resource, metadata.get("namespace", ""), metadata["name"])
        wanted, actual = controller_of(action.obj), controller_of(found)
        if (wanted and wanted["uid"]) == (actual and actual["uid"]):
            return found  # an earlier attempt took effect although its answer was lost
        message = f'{action.resource.group_resource} "{metadata["name"]}" exists and belongs to somebody else'
        raise Conflict(409, "Conflict", message) from None
