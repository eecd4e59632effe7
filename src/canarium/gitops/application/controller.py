"""The Application controller's shell: reads git and the cluster, asks `decide`.

Owns: what is observed, what wakes it, the index of tracked objects.
Must not know: any rule of its own; the pure functions of this package say which objects matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec.json
from msgspec.structs import replace

from canarium.errors import CanariumError
from canarium.gitops.application import diff, operation
from canarium.gitops.application.compare import ignored_pointers
from canarium.gitops.application.decide import decide
from canarium.gitops.application.desired import Kinds, Render, Renderings
from canarium.gitops.application.health import Health, health_of
from canarium.gitops.application.observed import Observed
from canarium.gitops.application.resource_key import ResourceKey, app_key, instance_name, resource_key, tracked_by
from canarium.gitops.application.sync import apply_action, result_key
from canarium.gitops.application.targets import Manifests
from canarium.gitops.git.repositories import Repositories
from canarium.gitops.kinds import APP_PROJECTS, APPLICATION_SETS, APPLICATIONS
from canarium.kube.cluster import ApiError, Cluster, Conflict, NotFound, Unavailable
from canarium.kube.controller.news import News
from canarium.kube.controller.reconciler import Lister, Listers, Watch
from canarium.kube.decision import Create, Decision
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import (
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from canarium.rollouts.kinds import (
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    EXPERIMENTS,
    ROLLOUTS,
)

MANAGED: tuple[Resource, ...] = (
    NAMESPACES,
    SERVICES,
    CONFIG_MAPS,
    SECRETS,
    SERVICE_ACCOUNTS,
    DEPLOYMENTS,
    JOBS,
    CUSTOM_RESOURCE_DEFINITIONS,
    ROLLOUTS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    ANALYSIS_RUNS,
    EXPERIMENTS,
    APPLICATION_SETS,
    APP_PROJECTS,
)
"""Kinds that are watched: a change by hand is seen at once. Other kinds are read when the Application is looked at."""
_VERSIONS = ("resourceVersion", "generation", "managedFields")
KEPT_DIFFERENCES = 4096


class ApplicationReconciler:
    """Keeps each Application's resources as git says. See `Reconciler`."""

    name = "application-controller"
    primary: Resource = APPLICATIONS

    def __init__(
        self,
        cluster: Cluster,
        listers: Listers,
        repositories: Repositories,
        kinds: Kinds,
        *,
        render: Render | None = None,
        managed: Sequence[Resource] = MANAGED,
    ) -> None:
        self._cluster = cluster
        self._repositories = repositories
        self._kinds = kinds
        self.renderings = Renderings(repositories, kinds, render=render)
        self._applications = listers(APPLICATIONS)
        self._projects = listers(APP_PROJECTS)
        self._listers: dict[Resource, Lister] = {resource: listers(resource) for resource in managed}
        self._namespaces = listers(NAMESPACES)
        self._tracked: dict[str, dict[ResourceKey, Resource]] = {}
        self._owners: dict[tuple[Resource, ObjectKey], str] = {}
        self._differences: dict[tuple[Any, ...], tuple[Obj, bool]] = {}
        self.watches: Sequence[Watch] = [
            *(Watch(resource, self._owner_of(resource)) for resource in managed),
            Watch(APP_PROJECTS, self._in_project),
        ]

    async def observe(self, key: ObjectKey) -> Observed | None:
        """See `Reconciler`."""
        app = self._applications.get(key.namespace, key.name)
        if app is None:
            return None
        if operation.requested(app) is not None or app["metadata"].get("deletionTimestamp"):
            # our copy may lag behind our own last step: a sync that is over must not be taken up again, and a
            # deletion must know everything that was applied
            app = await self._get(APPLICATIONS, ResourceKey("", "", key.namespace, key.name))
            if app is None:
                return None
        projects = frozenset(project["metadata"]["name"] for project in self._projects.list(key.namespace))
        if app["metadata"].get("deletionTimestamp"):
            live = await self._live(app, ())
            return Observed(app=app, projects=projects, live=live, resources=self._resources(live.values()))
        revisions, manifests = self._git(app)
        wanted = [obj for found in manifests.values() for obj in found.objects]
        live = await self._live(app, wanted)
        observed = Observed(
            app=app,
            projects=projects,
            revisions=revisions,
            manifests=manifests,
            live=live,
            resources=self._resources([*wanted, *live.values(), {"apiVersion": "v1", "kind": "Namespace"}]),
            namespace_exists=await self._namespace_exists(app, live),
            is_modified=self._is_modified,
        )
        return await self._with_refusals(observed)

    def subject(self, observed: Observed) -> Obj:
        """See `Reconciler`."""
        return observed.app

    def decide(self, observed: Observed, now: datetime) -> Decision:
        """See `Reconciler`."""
        return decide(observed, now)

    # what wakes it

    def _owner_of(self, resource: Resource) -> Callable[[Obj], Iterable[ObjectKey]]:
        """Keeps the index of tracked objects, and wakes who owns an object, or owned it until just now.

        Nobody, when only its status changed and its health did not (upstream's ignoreResourceUpdates, whose default for
        all kinds is `/status`; it leaves messages of health out as well).
        """

        news = News(self._listers[resource], _says)

        def keys(obj: Obj) -> Iterable[ObjectKey]:
            place = ObjectKey(obj["metadata"].get("namespace") or "", obj["metadata"]["name"])
            before, now = self._owners.get((resource, place)), tracked_by(obj)
            if now is not None:
                self._owners[resource, place] = now
                self._tracked.setdefault(now, {})[resource_key(obj)] = resource
            if not (now or before) or not news.is_in(obj):
                return
            for instance in dict.fromkeys((before, now)):
                if instance is not None:
                    yield app_key(instance)

        return keys

    def _in_project(self, project: Obj) -> Iterable[ObjectKey]:
        for app in self._applications.list(project["metadata"].get("namespace")):
            if (app.get("spec") or {}).get("project") == project["metadata"]["name"]:
                yield ObjectKey(app["metadata"].get("namespace", ""), app["metadata"]["name"])

    # git

    def _git(self, app: Obj) -> tuple[dict[str, str | CanariumError], dict[str, Manifests]]:
        source = (app.get("spec") or {}).get("source") or {}
        repo_url, target = str(source.get("repoURL") or ""), str(source.get("targetRevision") or "HEAD")
        wanted = [target, str(((app.get("status") or {}).get("sync") or {}).get("revision") or target)]
        if (asked := operation.requested(app)) is not None:
            wanted += [operation.wanted_revision(app, asked), operation.wanted_revision({**app, "status": {}}, asked)]
        revisions: dict[str, str | CanariumError] = {}
        manifests: dict[str, Manifests] = {}
        for revision in dict.fromkeys(wanted):
            try:
                sha = self._repositories.resolve(repo_url, revision)
            except CanariumError as error:  # becomes a ComparisonError; the next poll tries again
                revisions[revision] = error
                continue
            revisions[revision] = sha
            if sha not in manifests:
                manifests[sha] = self.renderings.at(app, sha)
        return revisions, manifests

    # the cluster

    def _resource(self, obj: Mapping[str, Any]) -> Resource | None:
        return self._kinds(str(obj.get("apiVersion")), str(obj.get("kind")))

    def _resources(self, objs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Resource]:
        named = {(str(obj.get("apiVersion")), str(obj.get("kind"))) for obj in objs}
        found = ((name, self._kinds(*name)) for name in sorted(named))
        return {name: resource for name, resource in found if resource is not None}

    async def _live(self, app: Obj, wanted: Sequence[Obj]) -> dict[ResourceKey, Obj]:
        """What git wants and what carries our tracking id, as far as it exists."""
        live: dict[ResourceKey, Obj] = {}
        asked: dict[ResourceKey, Resource] = {}
        for target in wanted:
            if (resource := self._resource(target)) is not None:
                asked[resource_key(target)] = resource
        tracked = self._tracked.get(instance_name(app), {})
        extra = {key: resource for key, resource in {**tracked, **self._recorded(app)}.items() if key not in asked}
        for key, resource in asked.items():
            lister = self._listers.get(resource)
            found = lister.get(key.namespace, key.name) if lister else await self._get(resource, key)
            if found is not None:
                live[key] = found
        await self._confirm(app, wanted, asked, live)
        for key, resource in extra.items():
            found = await self._get(resource, key)
            if found is not None:
                live[key] = found
            else:
                tracked.pop(key, None)
        return live

    def _recorded(self, app: Obj) -> dict[ResourceKey, Resource]:
        """What the Application says it had or applied. Our index may not have heard of it yet, and never hears of
        kinds that are not watched; what git no longer names, and a deletion, must miss nothing."""
        found: dict[ResourceKey, Resource] = {}
        status = app.get("status") or {}
        applied = ((status.get("operationState") or {}).get("syncResult") or {}).get("resources") or ()
        for entry in (*(status.get("resources") or ()), *applied):
            group, version = entry.get("group") or "", entry.get("version") or ""
            resource = self._kinds(f"{group}/{version}" if group else version, entry["kind"])
            if resource is not None:
                found[ResourceKey(group, entry["kind"], entry.get("namespace") or "", entry["name"])] = resource
        return found

    async def _get(self, resource: Resource, key: ResourceKey) -> Obj | None:
        try:
            return await self._cluster.get(resource, key.namespace, key.name)
        except NotFound:
            return None

    async def _confirm(
        self, app: Obj, wanted: Sequence[Obj], asked: Mapping[ResourceKey, Resource], live: dict[ResourceKey, Obj]
    ) -> None:
        """Ask the cluster itself about what seems missing or different: our copies may lag behind our own writes,
        and a self-heal must not be begun because of that."""
        for target in wanted:
            key = resource_key(target)
            if (
                key in asked
                and asked[key] in self._listers
                and (key not in live or self._is_modified(target, live[key], ignored_pointers(app, key)))
            ):
                found = await self._get(asked[key], key)
                if found is None:
                    live.pop(key, None)
                else:
                    live[key] = found

    def _is_modified(self, target: Obj, live: Obj, ignore: Sequence[str]) -> bool:
        """`diff.is_modified`, remembered: most looks are at objects of which only the status changed."""
        metadata = live["metadata"]
        version = metadata.get("generation") or metadata.get("resourceVersion")
        notes = [tuple((metadata.get(part) or {}).items()) for part in ("annotations", "labels")]
        key = (id(target), metadata.get("uid"), version, *notes, tuple(metadata.get("finalizers") or ()), tuple(ignore))
        known = self._differences.get(key)
        if known is None:
            if len(self._differences) >= KEPT_DIFFERENCES:
                self._differences.clear()
            # the target is kept with the answer, so that its id is not given to another
            known = self._differences[key] = (target, diff.is_modified(target, live, ignore))
        return known[1]

    async def _namespace_exists(self, app: Obj, live: dict[ResourceKey, Obj]) -> bool:
        name = str((app["spec"].get("destination") or {}).get("namespace") or "")
        if not name:
            return True
        key = ResourceKey("", "Namespace", "", name)
        found = self._namespaces.get("", name) or await self._get(NAMESPACES, key)
        if found is not None and operation.requested(app) is not None:
            live.setdefault(key, found)  # a sync that made it waits for it
        return found is not None

    async def _with_refusals(self, observed: Observed) -> Observed:
        """Try what a sync is about to apply, without effect: what would be refused is a result, not an exception."""
        app = observed.app
        asked = operation.requested(app)
        if asked is None:
            return observed
        sha = observed.revisions.get(operation.wanted_revision(app, asked))
        if not isinstance(sha, str) or observed.manifests[sha].error is not None:
            return observed
        state = operation.in_progress(app)
        results = () if state.get("finishedAt") else (state.get("syncResult") or {}).get("resources") or ()
        done = {result_key(result) for result in results}
        refusals: dict[ResourceKey, str] = {}
        tasks = operation.plan_of(observed, asked, observed.manifests[sha])
        makes = {task.key.name for task in tasks if task.key.kind == "Namespace" and task.live is None}
        for task in tasks:
            resource = observed.resource_of(task.obj)
            is_waiting = task.key.namespace in makes or (task.key, task.phase) in done
            if resource is None or task.is_prune or is_waiting:
                continue
            refusal = await self._try(task, resource)
            if refusal is not None:
                refusals[task.key] = refusal
        return replace(observed, refusals=refusals)

    async def _try(self, task: Any, resource: Resource) -> str | None:
        action = apply_action(task, resource)
        if action is None:
            return None
        try:
            if isinstance(action, Create):
                await self._cluster.create(resource, action.obj, dry_run=True)
            else:
                await self._cluster.patch(
                    resource, action.namespace, action.name, action.patch, type=action.type, dry_run=True
                )
        except (Conflict, Unavailable):
            return None  # not about the manifest; the apply itself will tell
        except ApiError as error:
            return error.message
        return None


def _says(obj: Obj) -> tuple[bytes, Health | None]:
    """What of an object matters to its Application: all but its status and its versions, and its health."""
    metadata = {name: part for name, part in obj["metadata"].items() if name not in _VERSIONS}
    rest = {name: part for name, part in obj.items() if name not in ("status", "metadata")}
    return msgspec.json.encode([metadata, rest]), health_of(obj)
