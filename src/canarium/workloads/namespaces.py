"""The end of a namespace: first everything in it, then itself.

Owns: emptying a Terminating namespace and removing its `kubernetes` finalizer. Must not know: what the contents mean.
Source: Kubernetes 1.34 pkg/controller/namespace/deletion/namespaced_resources_deleter.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Action, Decision, Delete, Patch, Reason
from canarium.kube.objects import Obj, ObjectKey, condition, format_time, key_of
from canarium.kube.resources import NAMESPACES, PODS, Resource

FINALIZER = "kubernetes"
MAX_WAIT_SECONDS = 3600
"""A namespace is looked at again at least this often, however long its pods may take."""


class Active(Reason, frozen=True):
    """The namespace is in use."""

    def __str__(self) -> str:
        return "the namespace is active"


class Emptying(Reason, frozen=True):
    """Objects are left."""

    left: tuple[str, ...]

    def __str__(self) -> str:
        return "Some resources are remaining: " + ", ".join(self.left)


class Empty(Reason, frozen=True):
    """Nothing is left."""

    def __str__(self) -> str:
        return "All content successfully removed"


class ObservedNamespace(msgspec.Struct, frozen=True, kw_only=True):
    """A namespace and, while it is being deleted, what is in it."""

    namespace: Obj
    contents: tuple[tuple[Resource, tuple[Obj, ...]], ...]


class NamespaceController:
    """A `Reconciler` of namespaces. resources: every kind there is at the time of asking."""

    name = "namespace-controller"
    primary = NAMESPACES
    watches: Sequence[Watch] = ()

    def __init__(self, cluster: Cluster, listers: Listers, resources: Callable[[], Sequence[Resource]]) -> None:
        self._cluster = cluster
        self._namespaces = listers(NAMESPACES)
        self._resources = resources

    async def observe(self, key: ObjectKey) -> ObservedNamespace | None:
        """See `Reconciler`."""
        namespace = self._namespaces.get(*key)
        if namespace is None:
            return None
        contents: list[tuple[Resource, tuple[Obj, ...]]] = []
        if namespace["metadata"].get("deletionTimestamp"):
            for resource in self._resources():
                if not resource.namespaced:
                    continue
                try:
                    found = await self._cluster.list(resource, key.name)
                except NotFound:
                    continue  # the kind itself went away
                if found.items:
                    contents.append((resource, tuple(found.items)))
        return ObservedNamespace(namespace=namespace, contents=tuple(contents))

    def subject(self, observed: ObservedNamespace) -> Obj:
        """See `Reconciler`."""
        return observed.namespace

    def decide(self, observed: ObservedNamespace, now: datetime) -> Decision:
        """See `decide`."""
        return decide(observed, now)


def decide(observed: ObservedNamespace, now: datetime) -> Decision:
    """Delete what is in a namespace that is being deleted; once nothing is left, let it go."""
    namespace = observed.namespace
    metadata = namespace["metadata"]
    if not metadata.get("deletionTimestamp"):
        return Decision(because=(Active(),))
    if not observed.contents:
        finalizers = [name for name in (namespace.get("spec") or {}).get("finalizers") or () if name != FINALIZER]
        let_go = Patch(
            resource=NAMESPACES,
            namespace="",
            name=metadata["name"],
            patch={"spec": {"finalizers": finalizers}},
            resource_version=metadata["resourceVersion"],
        )
        return Decision(actions=(let_go,), because=(Empty(),))
    actions: list[Action] = []
    left: list[str] = []
    wait = timedelta(seconds=1)
    for resource, objects in observed.contents:
        left.append(f"{resource.group_resource} has {len(objects)} resource instances")
        for obj in objects:
            if not obj["metadata"].get("deletionTimestamp"):
                key = key_of(obj)
                actions.append(
                    Delete(resource=resource, namespace=key.namespace, name=key.name, uid=obj["metadata"]["uid"])
                )
            if resource == PODS:
                wait = max(wait, timedelta(seconds=min(_grace(obj), MAX_WAIT_SECONDS) / 2 + 1))
    why = Emptying(tuple(left))
    return Decision(actions=tuple(actions), status=_status(observed, str(why), now), requeue=wait, because=(why,))


def _grace(pod: Obj) -> int:
    asked = pod["metadata"].get("deletionGracePeriodSeconds")
    return int(pod["spec"].get("terminationGracePeriodSeconds", 30) if asked is None else asked)


def _status(observed: ObservedNamespace, remaining: str, now: datetime) -> dict[str, Any]:
    wanted = (
        ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain", remaining),
        ("NamespaceFinalizersRemaining", *_finalizers_remaining(observed)),
    )
    conditions = []
    for kind, status, reason, message in wanted:
        former = condition(observed.namespace, kind)
        since = former["lastTransitionTime"] if former and former["status"] == status else format_time(now)
        conditions.append(
            {"type": kind, "status": status, "lastTransitionTime": since, "reason": reason, "message": message}
        )
    return {**(observed.namespace.get("status") or {}), "phase": "Terminating", "conditions": conditions}


def _finalizers_remaining(observed: ObservedNamespace) -> tuple[str, str, str]:
    """Status, reason and message of NamespaceFinalizersRemaining."""
    finalizers: dict[str, int] = {}
    for _, objects in observed.contents:
        for obj in objects:
            for name in obj["metadata"].get("finalizers") or ():
                finalizers[name] = finalizers.get(name, 0) + 1
    if not finalizers:
        return "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished"
    told = ", ".join(f"{name} in {number} resource instances" for name, number in sorted(finalizers.items()))
    message = f"Some content in the namespace has finalizers remaining: {told}"
    return "True", "SomeFinalizersRemain", message
