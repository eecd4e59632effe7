"""The ApplicationSet controller's shell: reads git and the cluster, asks `decide`.

Owns: what is observed and what wakes it. Must not know: any rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec.json

from canarium.errors import CanariumError
from canarium.gitops.applicationset.decide import Folders, Observed, decide
from canarium.gitops.applicationset.generators import folders_of
from canarium.gitops.git.repositories import Repositories
from canarium.gitops.kinds import APP_PROJECTS, APPLICATION_SETS, APPLICATIONS
from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Decision
from canarium.kube.objects import Obj, ObjectKey, is_controlled_by
from canarium.kube.resources import Resource


class ApplicationSetReconciler:
    """Keeps the Applications of each ApplicationSet. See `Reconciler`."""

    name = "applicationset-controller"
    primary: Resource = APPLICATION_SETS

    def __init__(self, cluster: Cluster, listers: Listers, repositories: Repositories) -> None:
        self._cluster = cluster
        self._sets = listers(APPLICATION_SETS)
        self._projects = listers(APP_PROJECTS)
        self._repositories = repositories
        self._seen: dict[str, tuple[bytes, bytes]] = {}
        self.watches: Sequence[Watch] = (Watch(APPLICATIONS, self._owner),)

    async def observe(self, key: ObjectKey) -> Observed | None:
        """See `Reconciler`."""
        appset = self._sets.get(key.namespace, key.name)
        if appset is None:
            return None
        # the cluster's own answer: a copy that lags would have Applications created twice
        found = (await self._cluster.list(APPLICATIONS, key.namespace)).items
        apps = [app for app in found if is_controlled_by(app, appset)]
        return Observed(
            appset=appset,
            folders={wanted: self._folders(*wanted, depth) for wanted, depth in _wanted(appset).items()},
            applications=apps,
            projects=frozenset(project["metadata"]["name"] for project in self._projects.list(key.namespace)),
        )

    def subject(self, observed: Observed) -> Obj:
        """See `Reconciler`."""
        return observed.appset

    def decide(self, observed: Observed, now: datetime) -> Decision:
        """See `Reconciler`."""
        return decide(observed, now)

    def _folders(self, repo_url: str, revision: str, depth: int) -> Folders:
        try:
            sha = self._repositories.resolve(repo_url, revision)
            tree = self._repositories.tree(repo_url, sha)
            return Folders(sha=sha, paths=tuple(folders_of(tree, depth=depth)))
        except CanariumError as error:  # becomes a condition; the next poll tries again
            return Folders(error=error)

    def _owner(self, app: Obj) -> Iterable[ObjectKey]:
        """Wake the owner, unless only status or operation changed since we last saw this Application.

        As upstream's predicate: otherwise every status write of the Application controller would poll git again.
        A repeated or a deletion event differs in nothing, and does wake.
        """
        metadata = app["metadata"]
        owner = next((ref for ref in metadata.get("ownerReferences") or () if ref.get("controller")), None)
        if owner is None or owner["kind"] != APPLICATION_SETS.kind:
            return
        ours, theirs = _digests(app)
        before = self._seen.get(metadata["uid"])
        self._seen[metadata["uid"]] = (ours, theirs)
        if before is not None and before[0] == ours and before[1] != theirs:
            return
        yield ObjectKey(metadata.get("namespace", ""), owner["name"])


def _digests(app: Mapping[str, Any]) -> tuple[bytes, bytes]:
    metadata = app["metadata"]
    parts = ("annotations", "labels", "finalizers", "ownerReferences", "deletionTimestamp")
    ours = [app.get("spec"), [metadata.get(part) for part in parts]]
    theirs = [app.get("status"), app.get("operation")]
    return msgspec.json.encode(ours, order="sorted"), msgspec.json.encode(theirs, order="sorted")


def _wanted(appset: Obj) -> dict[tuple[str, str], int]:
    """Which repositories at which revisions, and how deep a folder can be and still match a glob."""
    found: dict[tuple[str, str], int] = {}
    for generator in appset["spec"].get("generators") or ():
        git = generator.get("git") or {}
        if git.get("directories"):
            key = (str(git.get("repoURL") or ""), str(git.get("revision") or ""))
            depth = max(str(item.get("path") or "").count("/") + 1 for item in git["directories"])
            found[key] = max(found.get(key, 0), depth)
    return found
