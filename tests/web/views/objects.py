"""Plain objects of one rollout, and listers over them that tell of changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from canarium.kube.objects import Obj, ObjectKey, key_of
from canarium.kube.resources import Resource

NOW = datetime(2026, 1, 5, 9, 0, 0, tzinfo=UTC)
START = "2026-01-05T09:00:00Z"


class Still:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody sleeps here, not even {seconds}s")

    async def outside(self, work: Callable[[], Any]) -> Any:
        return work()


class Shelf:
    """See `WatchedLister`."""

    def __init__(self) -> None:
        self.objects: dict[ObjectKey, Obj] = {}
        self.handlers: list[Callable[[Obj], None]] = []

    def get(self, namespace: str, name: str) -> Obj | None:
        return self.objects.get(ObjectKey(namespace, name))

    def uid(self, namespace: str, name: str) -> str | None:
        found = self.get(namespace, name)
        return None if found is None else found["metadata"]["uid"]

    def list(self, namespace: str | None = None) -> Sequence[Obj]:
        return [self.objects[key] for key in sorted(self.objects) if namespace in (None, key.namespace)]

    def owned_by(self, uid: str) -> Sequence[Obj]:
        owned = (
            one for one in self.list() if any(ref["uid"] == uid for ref in one["metadata"].get("ownerReferences", ()))
        )
        return list(owned)

    def on_change(self, handler: Callable[[Obj], None]) -> None:
        self.handlers.append(handler)


class Shelves:
    """See `WatchedListers`."""

    def __init__(self) -> None:
        self._shelves: dict[Resource, Shelf] = {}

    def __call__(self, resource: Resource) -> Shelf:
        return self._shelves.setdefault(resource, Shelf())

    def put(self, resource: Resource, *objects: Obj) -> None:
        """Add or change."""
        shelf = self(resource)
        for obj in objects:
            shelf.objects[key_of(obj)] = obj
            for handler in shelf.handlers:
                handler(obj)

    def remove(self, resource: Resource, obj: Obj) -> None:
        """Delete."""
        shelf = self(resource)
        del shelf.objects[key_of(obj)]
        for handler in shelf.handlers:
            handler(obj)


def owner(kind: str, name: str) -> list[Obj]:
    return [{"kind": kind, "name": name, "uid": f"uid-{name}", "controller": True, "apiVersion": "v1"}]


def template(image: str) -> Obj:
    return {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [{"name": "shop", "image": image}]}}


def rollout(
    name: str = "shop", *, image: str = "repo/shop:2", canary: Obj | None = None, revision: int = 2, **status: Any
) -> Obj:
    """A canary in the middle of its second revision, unless the status says otherwise."""
    steps = [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"analysis": {"templates": [{"templateName": "t"}]}}]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {
            "name": name,
            "namespace": "web",
            "uid": f"uid-{name}",
            "generation": 1,
            "creationTimestamp": START,
            "annotations": {"rollout.argoproj.io/revision": str(revision)},
            "labels": {"team": "shop"},
        },
        "spec": {
            "replicas": 4,
            "template": template(image),
            "strategy": {"canary": {"steps": steps, **(canary or {})}},
        },
        "status": {
            "phase": "Progressing",
            "message": "waiting",
            "observedGeneration": "1",
            "stableRS": "aaa",
            "currentPodHash": "bbb",
            "currentStepIndex": 1,
            "replicas": 4,
            "readyReplicas": 4,
            "availableReplicas": 4,
            "updatedReplicas": 1,
            **status,
        },
    }


def replica_set(of: str, pod_hash: str, revision: int, image: str, pods: int) -> Obj:
    labels = {"rollouts-pod-template-hash": pod_hash}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{of}-{pod_hash}",
            "namespace": "web",
            "uid": f"uid-{of}-{pod_hash}",
            "labels": labels,
            "annotations": {"rollout.argoproj.io/revision": str(revision)},
            "ownerReferences": owner("Rollout", of),
            "creationTimestamp": START,
        },
        "spec": {"replicas": pods, "template": template(image)},
        "status": {"replicas": pods, "readyReplicas": pods, "availableReplicas": pods},
    }


def pod(of: str, name: str, **status: Any) -> Obj:
    """A pod of a ReplicaSet, well unless the status says otherwise."""
    running = {"name": "shop", "ready": True, "restartCount": 0, "state": {"running": {"startedAt": START}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "web",
            "uid": f"uid-{name}",
            "ownerReferences": owner("ReplicaSet", of),
            "creationTimestamp": START,
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "shop", "image": "repo/shop:2"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [running],
            **status,
        },
    }


def event(about: Obj, reason: str, message: str, *, at: str = START, name: str = "", type: str = "Normal") -> Obj:
    metadata = about["metadata"]
    return {
        "kind": "Event",
        "metadata": {"name": name or f"{metadata['name']}.{reason}", "namespace": "web", "uid": f"e-{name}{reason}"},
        "involvedObject": {
            "kind": about["kind"],
            "name": metadata["name"],
            "namespace": "web",
            "uid": metadata["uid"],
        },
        "type": type,
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "source": {"component": "test"},
    }
