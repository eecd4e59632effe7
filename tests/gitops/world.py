"""A small world for GitOps tests: a git repository, a cluster, and the two controllers, in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from canarium.clock import Chance, VirtualClock, run_virtual
from canarium.errors import CanariumError, Place
from canarium.gitops.application.controller import ApplicationReconciler
from canarium.gitops.applicationset.controller import ApplicationSetReconciler
from canarium.gitops.crds import CRDS
from canarium.gitops.git.local import LocalRepositories
from canarium.gitops.git.working_copy import WorkingCopy, init_origin
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.gitops.tree import Tree
from canarium.journal import MemoryJournal
from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.controller.manager import Manager
from canarium.kube.faults import FaultRates, FaultyCluster
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj
from canarium.kube.registry import Registry
from canarium.kube.resources import (
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    EVENTS,
    NAMESPACES,
    SERVICES,
    Resource,
)
from canarium.kube.store.memory import MemoryStore
from canarium.rollouts.kinds import ROLLOUTS
from canarium.workloads.garbage import GarbageCollector

AUTHOR = "Ada <ada@example.com>"
MANAGED = (NAMESPACES, SERVICES, CONFIG_MAPS, DEPLOYMENTS, ROLLOUTS)
KEPT = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
PORTS = {
    "type": "array",
    "items": {**KEPT, "properties": {"protocol": {"type": "string", "default": "TCP"}}},
}
TEMPLATED = {
    **KEPT,
    "properties": {
        "spec": {
            **KEPT,
            "properties": {
                "template": {
                    **KEPT,
                    "properties": {
                        "spec": {
                            **KEPT,
                            "properties": {
                                "containers": {"type": "array", "items": {**KEPT, "properties": {"ports": PORTS}}}
                            },
                        }
                    },
                }
            },
        }
    },
}


def crd(resource: Resource, schema: Mapping[str, Any] = KEPT) -> Obj:
    """A CustomResourceDefinition of a kind that keeps every field."""
    version = {"name": resource.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    if resource.has_status:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {
            "group": resource.group,
            "names": {"kind": resource.kind, "plural": resource.plural, "singular": resource.singular},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


@dataclass(frozen=True)
class Plain:
    """A rendered object of these tests."""

    obj: Obj


def render_plain(tree: Tree, path: str, source: Mapping[str, Any]) -> Sequence[Plain]:
    """Every document of every YAML file in a folder, by name."""
    found = []
    for name in tree.list(path):
        if name.endswith(".yaml"):
            try:
                documents = list(yaml.safe_load_all(tree.read(f"{path}/{name}").decode()))
            except yaml.MarkedYAMLError as error:
                line = error.problem_mark.line + 1 if error.problem_mark else 0
                raise CanariumError(str(error.problem), at=Place(f"{path}/{name}", line)) from error
            found += [Plain(document) for document in documents if document]
    return found


class World:
    """What a test plays with."""

    def __init__(
        self,
        clock: VirtualClock,
        folder: Path,
        *,
        latency: tuple[float, float] = (0.001, 0.004),
        seed: int = 1,
        faults: FaultRates | None = None,
    ) -> None:
        chance = Chance(seed)
        self.clock = clock
        self.registry = Registry(MemoryStore(), now=clock.now, chance=chance.stream("registry"))
        for name in ("argocd", "default"):
            self.registry.create(NAMESPACES, {"metadata": {"name": name}})
        for definition in CRDS:
            self.registry.create(CUSTOM_RESOURCE_DEFINITIONS, definition)
        self.registry.create(CUSTOM_RESOURCE_DEFINITIONS, crd(ROLLOUTS, TEMPLATED))
        self.journal = MemoryJournal(clock.monotonic)
        self.cluster: Cluster = InProcessCluster(self.registry, clock, chance, latency=latency, journal=self.journal)
        self.repositories = LocalRepositories()
        self.origin = folder / "origin.git"
        init_origin(self.origin)
        self.copy = WorkingCopy.init(folder / "work", origin=self.origin)
        self.failures: list[BaseException] = []
        self._through = FaultyCluster(self.cluster, clock, chance, faults) if faults else self.cluster
        self.manager = self._new_manager()

    def _new_manager(self) -> Manager:
        cluster = self._through
        manager = Manager(cluster, self.clock, self.journal)
        manager.on_failure(self.failures.append)
        manager.add(
            ApplicationReconciler(
                cluster,
                manager.listers,
                self.repositories,
                self.registry.resource_for,
                render=render_plain,
                managed=MANAGED,
            )
        )
        kinds = [*MANAGED, APPLICATIONS, APPLICATION_SETS]
        manager.add(GarbageCollector(cluster, manager.listers, kinds))
        manager.add(ApplicationSetReconciler(cluster, manager.listers, self.repositories))
        return manager

    async def restart(self) -> None:
        """The controllers crash, and begin again knowing nothing."""
        await self.manager.stop()
        self.manager = self._new_manager()
        await self.manager.start()

    def push(self, files: Mapping[str, str | None], message: str = "Change") -> str:
        """Commit and push; None removes a file."""
        self.copy.write({path: text for path, text in files.items() if text is not None})
        self.copy.remove(*(path for path, text in files.items() if text is None))
        self.copy.commit(message, author=AUTHOR, at=self.clock.now())
        return self.copy.push()

    async def advance(self, **amount: float) -> None:
        """Let time pass."""
        await self.clock.sleep(timedelta(**amount).total_seconds())
        assert not self.failures, self.failures

    async def app(self, name: str = "shop") -> Obj:
        """An Application."""
        return await self.cluster.get(APPLICATIONS, "argocd", name)

    async def there(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        """An object, or None."""
        with contextlib.suppress(NotFound):
            return await self.cluster.get(resource, namespace, name)
        return None

    async def until(self, condition: Callable[[Obj], bool], name: str = "shop", seconds: float = 600) -> Obj:
        """Wait until an Application is as wanted."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            app = await self.there(APPLICATIONS, "argocd", name)
            if app is not None and condition(app):
                return app
            await self.advance(seconds=0.1 if end - self.clock.monotonic() > seconds - 5 else 1)
        raise AssertionError(f"never: {await self.there(APPLICATIONS, 'argocd', name)}")

    async def refresh(self, name: str = "shop") -> None:
        """Ask for a refresh, as `argocd app get --refresh` does."""
        patch = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
        await self.cluster.patch(APPLICATIONS, "argocd", name, patch)

    async def told(self) -> list[str]:
        """The messages of all Events, in the order they were first told."""
        events = (await self.cluster.list(EVENTS)).items
        events.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [f"{event['reason']}: {event['message']}" for event in events]


def application(repo: Path, path: str = "shop", **policy: Any) -> Obj:
    """An Application that syncs itself, unless `policy` says otherwise."""
    automated = {"enabled": True, "prune": True, "selfHeal": True}
    policy = {"automated": automated, "syncOptions": ["CreateNamespace=true"], **policy}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {
            "project": "default",
            "source": {"repoURL": str(repo), "path": path, "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {name: value for name, value in policy.items() if value is not None},
        },
    }


def play(folder: Path, story: Callable[[World], Coroutine[Any, Any, None]], **options: Any) -> World:
    """Run a story in virtual time."""

    async def main(clock: VirtualClock) -> World:
        world = World(clock, folder, **options)
        await world.manager.start()
        try:
            await story(world)
        finally:
            await world.manager.stop()
            world.repositories.close()
            world.copy.close()
        return world

    return run_virtual(main)
