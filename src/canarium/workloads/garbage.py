"""Garbage collection: objects whose owners are gone, and owners that wait for, or let go of, what they own.

Owns: background, foreground and orphan deletion by ownerReferences. Must not know: what any kind means.
Source: Kubernetes 1.34 pkg/controller/garbagecollector/{garbagecollector,graph_builder,operations}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Action, Decision, Delete, Patch, Reason
from canarium.kube.objects import Obj, ObjectKey, key_of
from canarium.kube.resources import EVENTS, NAMESPACES, Resource

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
OwnerState = Literal["solid", "dangling", "waiting"]
"""There; gone, or another object by that name; being deleted in the foreground, waiting for what it blocks on."""


class Owned(Reason, frozen=True):
    """At least one owner is there, or there never was one."""

    owners: tuple[str, ...]

    def __str__(self) -> str:
        return f"owned by {', '.join(self.owners)}" if self.owners else "owned by nobody"


class OwnersGone(Reason, frozen=True):
    """No owner is left."""

    owners: tuple[str, ...]

    def __str__(self) -> str:
        return f"all owners are gone: {', '.join(self.owners)}"


class WaitingForDependents(Reason, frozen=True):
    """Deleted in the foreground: what it owns goes first."""

    left: int

    def __str__(self) -> str:
        return f"waiting for {self.left} dependents to be deleted"


class DependentsDone(Reason, frozen=True):
    """Nothing holds the owner back any more."""

    how: str

    def __str__(self) -> str:
        return f"dependents are {self.how}"


class Dependent(NamedTuple):
    """One object that names another as its owner."""

    resource: Resource
    obj: Obj


class ObservedObject(msgspec.Struct, frozen=True, kw_only=True):
    """An object, the state of each of its ownerReferences (in order), and what names it as owner."""

    resource: Resource
    obj: Obj
    owners: tuple[OwnerState, ...]
    dependents: tuple[Dependent, ...]


class _Id(NamedTuple):
    resource: Resource
    key: ObjectKey


class GarbageCollector:
    """A `Reconciler` over all of `resources` at once.

    Its keys carry the kind: `<group resource>/<name>`. The primary only satisfies the runtime; its plain keys are
    passed over.
    """

    name = "garbage-collector-controller"
    primary = NAMESPACES
    watches: Sequence[Watch]

    def __init__(self, cluster: Cluster, listers: Listers, resources: Sequence[Resource]) -> None:
        self._cluster = cluster
        # Events own nothing, are owned by nothing, and are many.
        self._resources = {r.group_resource: r for r in resources if r != EVENTS}
        self._listers = {resource: listers(resource) for resource in self._resources.values()}
        self._by_kind = {(r.api_version, r.kind): r for r in self._resources.values()}
        self._owners: dict[_Id, tuple[str, tuple[str, ...]]] = {}
        self._dependents: dict[str, dict[_Id, None]] = {}
        self._waiting: dict[str, ObjectKey] = {}
        self.watches = tuple(Watch(resource, self._waker(resource)) for resource in self._resources.values())

    def _waker(self, resource: Resource) -> Callable[[Obj], Iterable[ObjectKey]]:
        def keys(obj: Obj) -> Iterable[ObjectKey]:
            return self._woken(_Id(resource, key_of(obj)), obj)

        return keys

    def _woken(self, which: _Id, obj: Obj) -> list[ObjectKey]:
        """Keep the graph of owners up to date; most changes concern nobody."""
        metadata = obj["metadata"]
        uid, refs = metadata["uid"], metadata.get("ownerReferences") or ()
        uids = tuple(ref["uid"] for ref in refs)
        woken: list[ObjectKey] = []
        concerns_owner = any(owner in self._waiting for owner in uids)
        if (uid in self._dependents or concerns_owner or which in self._owners) and self._is_gone(which, uid):
            woken.extend(_encoded(found) for found in self._dependents.get(uid, ()))
            woken.extend(self._waiting[owner] for owner in uids if owner in self._waiting)
            self._waiting.pop(uid, None)
            self._index(which, "", ())
            return woken
        if self._owners.get(which, ("", ())) != (uid, uids) and (uids or which in self._owners):
            self._index(which, uid, uids)
            woken.append(_encoded(which))
        if metadata.get("deletionTimestamp") and _has_finalizer(obj, FOREGROUND, ORPHAN):
            self._waiting[uid] = _encoded(which)
            woken.append(_encoded(which))
            woken.extend(_encoded(found) for found in self._dependents.get(uid, ()))
        elif concerns_owner:
            woken.extend(self._waiting[owner] for owner in uids if owner in self._waiting)
        return woken

    def _is_gone(self, which: _Id, uid: str) -> bool:
        return self._listers[which.resource].uid(*which.key) != uid

    def _index(self, which: _Id, uid: str, uids: tuple[str, ...]) -> None:
        for owner in self._owners.pop(which, ("", ()))[1]:
            members = self._dependents.get(owner, {})
            members.pop(which, None)
            if not members:
                self._dependents.pop(owner, None)
        if uids:
            self._owners[which] = (uid, uids)
            for owner in uids:
                self._dependents.setdefault(owner, {})[which] = None

    async def observe(self, key: ObjectKey) -> ObservedObject | None:
        """See `Reconciler`."""
        kind, slash, name = key.name.rpartition("/")
        if not slash:
            return None
        resource = self._resources[kind]
        obj = self._listers[resource].get(key.namespace, name)
        if obj is None:
            return None
        owners = [await self._owner_state(obj, ref) for ref in obj["metadata"].get("ownerReferences") or ()]
        dependents = []
        for found in self._dependents.get(obj["metadata"]["uid"], ()):
            dependent = self._listers[found.resource].get(*found.key)
            if dependent is not None:
                dependents.append(Dependent(found.resource, dependent))
        dependents.sort(key=lambda each: (each.resource.group_resource, key_of(each.obj)))
        return ObservedObject(resource=resource, obj=obj, owners=tuple(owners), dependents=tuple(dependents))

    async def _owner_state(self, obj: Obj, ref: Mapping[str, Any]) -> OwnerState:
        resource = self._by_kind.get((ref["apiVersion"], ref["kind"]))
        if resource is None:
            return "solid"  # a kind we do not watch: upstream, too, leaves what it cannot judge
        namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
        owner = self._listers[resource].get(namespace, ref["name"])
        if owner is None or owner["metadata"]["uid"] != ref["uid"]:
            # The cache may lag behind the owner's creation: only the API itself may say that it is gone.
            try:
                owner = await self._cluster.get(resource, namespace, ref["name"])
            except NotFound:
                return "dangling"
            if owner["metadata"]["uid"] != ref["uid"]:
                return "dangling"
        if owner["metadata"].get("deletionTimestamp") and _has_finalizer(owner, FOREGROUND):
            return "waiting"
        return "solid"

    def subject(self, observed: ObservedObject) -> Obj:
        """See `Reconciler`."""
        return observed.obj

    def decide(self, observed: ObservedObject, now: datetime) -> Decision:
        """See `decide`."""
        del now
        return decide(observed)


def _encoded(which: _Id) -> ObjectKey:
    return ObjectKey(which.key.namespace, f"{which.resource.group_resource}/{which.key.name}")


def decide(observed: ObservedObject) -> Decision:
    """What the object's owners and dependents ask of it."""
    obj = observed.obj
    if obj["metadata"].get("deletionTimestamp"):
        if _has_finalizer(obj, ORPHAN):
            return _orphan(observed)
        if _has_finalizer(obj, FOREGROUND):
            return _foreground(observed)
        return Decision(because=(DependentsDone("not waited for"),))
    refs = obj["metadata"].get("ownerReferences") or ()
    by_state: dict[OwnerState, list[Mapping[str, Any]]] = {"solid": [], "dangling": [], "waiting": []}
    for ref, state in zip(refs, observed.owners, strict=True):
        by_state[state].append(ref)
    solid, lost = by_state["solid"], [*by_state["dangling"], *by_state["waiting"]]
    if not lost:
        return Decision(because=(Owned(_named(refs)),))
    if solid:
        kept = [ref for ref in refs if ref in solid]
        return Decision(actions=(_owners_patch(observed.resource, obj, kept),), because=(Owned(_named(solid)),))
    propagation: Literal["Background", "Foreground", "Orphan"] = "Background"
    if _has_finalizer(obj, ORPHAN):
        propagation = "Orphan"
    elif _has_finalizer(obj, FOREGROUND) or (by_state["waiting"] and observed.dependents):
        propagation = "Foreground"
    return Decision(actions=(_delete(observed.resource, obj, propagation),), because=(OwnersGone(_named(lost)),))


def _foreground(observed: ObservedObject) -> Decision:
    """Wait for the dependents that block; they are deleted when it is their turn to be looked at."""
    uid = observed.obj["metadata"]["uid"]
    blocking = [
        each
        for each in observed.dependents
        if any(
            ref["uid"] == uid and ref.get("blockOwnerDeletion")
            for ref in each.obj["metadata"].get("ownerReferences") or ()
        )
    ]
    if blocking:
        return Decision(because=(WaitingForDependents(len(blocking)),))
    return Decision(actions=(_without_finalizer(observed, FOREGROUND),), because=(DependentsDone("gone"),))


def _orphan(observed: ObservedObject) -> Decision:
    """Take the owner's name off its dependents, then let it go."""
    uid = observed.obj["metadata"]["uid"]
    actions: list[Action] = []
    for each in observed.dependents:
        kept = [ref for ref in each.obj["metadata"].get("ownerReferences") or () if ref["uid"] != uid]
        actions.append(_owners_patch(each.resource, each.obj, kept))
    actions.append(_without_finalizer(observed, ORPHAN))
    return Decision(actions=tuple(actions), because=(DependentsDone("orphaned"),))


def _has_finalizer(obj: Obj, *names: str) -> bool:
    return any(name in names for name in obj["metadata"].get("finalizers") or ())


def _without_finalizer(observed: ObservedObject, name: str) -> Patch:
    metadata = observed.obj["metadata"]
    kept = [finalizer for finalizer in metadata["finalizers"] if finalizer != name]
    return Patch(
        resource=observed.resource,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        patch={"metadata": {"finalizers": kept or None}},
        resource_version=metadata["resourceVersion"],
    )


def _owners_patch(resource: Resource, obj: Obj, kept: Sequence[Mapping[str, Any]]) -> Patch:
    metadata = obj["metadata"]
    return Patch(
        resource=resource,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        patch={"metadata": {"ownerReferences": list(kept) or None}},
        resource_version=metadata["resourceVersion"],
    )


def _delete(resource: Resource, obj: Obj, propagation: Literal["Background", "Foreground", "Orphan"]) -> Delete:
    metadata = obj["metadata"]
    return Delete(
        resource=resource,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata["uid"],
        propagation=propagation,
    )


def _named(refs: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(f"{ref['kind']} {ref['name']}" for ref in refs)
