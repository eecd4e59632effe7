"""The resources of an Application as a tree: those that it manages, and what they made, down to pods.

Owns: who hangs below whom, each node's health, extras and link. Must not know: git, sync, how a tree is drawn.
Source: Argo CD 3.6 `controller/cache` (populateNodeInfo; owners of Endpoints are inferred).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from canarium.gitops.application.compare import images_of
from canarium.gitops.application.health import Health, health_of
from canarium.gitops.application.resource_key import IGNORE_HEALTH, ResourceKey, resource_key
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.gitops.project import destination_problem
from canarium.kube.controller.reconciler import Lister, Listers
from canarium.kube.objects import Obj, annotations_of
from canarium.kube.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    JOBS,
    PODS,
    REPLICA_SETS,
    SERVICES,
    Resource,
)
from canarium.kube.server.table.pods import PRINTERS
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, ROLLOUTS
from canarium.web.model import TreeNode

_MADE: Final = (REPLICA_SETS, ANALYSIS_RUNS, JOBS, PODS, ENDPOINT_SLICES, ENDPOINTS)
"""Kinds that others make; the order in which they are shown."""
_WATCHED: Final = (ROLLOUTS, DEPLOYMENTS, SERVICES, CONFIG_MAPS, ANALYSIS_TEMPLATES, *_MADE)
"""Kinds that are followed live. Of others the Application's status tells."""
CHILDREN: Final[Mapping[tuple[str, str], Resource]] = {(found.group, found.kind): found for found in _MADE}
"""The kinds of nodes that are not managed, by group and kind."""
_REVISIONS: Final = ("rollout.argoproj.io/revision", "deployment.kubernetes.io/revision")
_POD_PRINTER: Final = PRINTERS["", "Pod"]
_PATHS: Final = {(APPLICATIONS.group, APPLICATIONS.kind): "applications", (ROLLOUTS.group, ROLLOUTS.kind): "rollouts"}


class Tree(msgspec.Struct, frozen=True):
    """The nodes, parents before children, and the uids of everything that is there."""

    nodes: tuple[TreeNode, ...]
    uids: frozenset[str]


class TreeView:
    """Builds trees out of listers."""

    resources: tuple[Resource, ...] = _WATCHED

    def __init__(self, listers: Listers) -> None:
        self._listers: dict[tuple[str, str], Lister] = {
            (resource.group, resource.kind): listers(resource) for resource in _WATCHED
        }

    def tree(self, app: Obj, now: datetime) -> Tree:
        """The tree of an Application as it is now. One of another cluster: only what its status tells."""
        nodes: dict[str, TreeNode] = {}
        uids: set[str] = set()
        is_here = destination_problem((app.get("spec") or {}).get("destination") or {}) is None
        for entry in (app.get("status") or {}).get("resources") or ():
            key = ResourceKey(entry.get("group") or "", entry["kind"], entry.get("namespace") or "", entry["name"])
            lister = self._listers.get((key.group, key.kind))
            live = lister.get(key.namespace, key.name) if lister is not None and is_here else None
            node = managed_node(key, entry, live, now)
            nodes[node.id] = node
            if live is not None:
                uids.add(live["metadata"]["uid"])
                self._below(node, live, _href_of_rollout(key), nodes, uids, now)
        return Tree(tuple(nodes.values()), frozenset(uids))

    def _below(
        self, parent: TreeNode, owner: Obj, rollout: str, nodes: dict[str, TreeNode], uids: set[str], now: datetime
    ) -> None:
        for child in self._made_by(owner):
            key = resource_key(child)
            if node_id(key) in nodes:
                continue  # managed itself, or owned twice
            node = child_node(key, child, parent.id, rollout, now)
            nodes[node.id] = node
            uids.add(child["metadata"]["uid"])
            self._below(node, child, rollout, nodes, uids, now)

    def _made_by(self, owner: Obj) -> Iterator[Obj]:
        key = resource_key(owner)
        for resource in _MADE:
            found = self._listers[resource.group, resource.kind].owned_by(owner["metadata"]["uid"])
            typed = [{"apiVersion": resource.api_version, "kind": resource.kind, **one} for one in found]
            yield from sorted(typed, key=_newest_first)
        if (key.group, key.kind) == ("", "Service"):
            namesake = self._listers["", "Endpoints"].get(key.namespace, key.name)
            if namesake is not None and not namesake["metadata"].get("ownerReferences"):
                yield {"apiVersion": "v1", "kind": "Endpoints", **namesake}


# -- nodes ------------------------------------------------------------------------------------------------------------


def node_id(key: ResourceKey) -> str:
    """What identifies a node in its tree."""
    return str(key)


def managed_node(key: ResourceKey, entry: Mapping[str, Any], live: Obj | None, now: datetime) -> TreeNode:
    """A resource of `status.resources`. live: None when it is missing, or its kind is not followed."""
    told = entry.get("health") or {}
    health = Health(str(told.get("status") or ""), str(told.get("message") or ""))
    if live is not None and annotations_of(live).get(IGNORE_HEALTH) != "true":
        typed = {"apiVersion": f"{key.group}/{entry.get('version', '')}".lstrip("/"), "kind": key.kind, **live}
        health = health_of(typed) or health
    return TreeNode(
        id=node_id(key),
        parent="",
        group=key.group,
        kind=key.kind,
        namespace=key.namespace,
        name=key.name,
        sync=str(entry.get("status") or ""),
        health=health.status,
        health_message=health.message,
        info=info_of(key, live, now) if live is not None else (),
        created=str(live["metadata"].get("creationTimestamp") or "") if live is not None else "",
        needs_prune=bool(entry.get("requiresPruning")),
        is_managed=True,
        href=_href(key, ""),
    )


def child_node(key: ResourceKey, obj: Obj, parent: str, rollout: str, now: datetime) -> TreeNode:
    """What another resource made. rollout: the path of the Rollout's page that it hangs below, empty for none."""
    health = health_of(obj) or Health("")
    return TreeNode(
        id=node_id(key),
        parent=parent,
        group=key.group,
        kind=key.kind,
        namespace=key.namespace,
        name=key.name,
        sync="",
        health=health.status,
        health_message=health.message,
        info=info_of(key, obj, now),
        created=str(obj["metadata"].get("creationTimestamp") or ""),
        needs_prune=False,
        is_managed=False,
        href=_href(key, rollout),
    )


def info_of(key: ResourceKey, obj: Obj, now: datetime) -> tuple[str, ...]:
    """Short extras: revision, ready pods, state, restarts, phase, images."""
    status, found = obj.get("status") or {}, []
    revision = next((text for name in _REVISIONS if (text := annotations_of(obj).get(name))), "")
    if revision:
        found.append(f"rev:{revision}")
    match key.kind:
        case "Pod":
            cells = _POD_PRINTER.cells(obj, now)
            found += [str(cells[2]), str(cells[1])]
            restarts = sum(int(one.get("restartCount") or 0) for one in status.get("containerStatuses") or ())
            if restarts:
                found.append("1 restart" if restarts == 1 else f"{restarts} restarts")
        case "ReplicaSet":
            found.append(f"{status.get('readyReplicas') or 0}/{(obj.get('spec') or {}).get('replicas') or 0}")
        case "AnalysisRun":
            found.append(str(status.get("phase") or "Pending"))
    if key.kind in ("Rollout", "Deployment", "ReplicaSet", "Pod"):
        found += [image.rpartition("/")[2] for image in images_of(obj)]
    return tuple(part for part in found if part)


def names_of_owner(obj: Obj) -> Iterator[tuple[str, str, str, str]]:
    """(apiVersion, kind, name, uid) of what an object hangs below; the uid is empty where the name alone tells."""
    references = obj["metadata"].get("ownerReferences") or ()
    for one in references:
        yield one["apiVersion"], one["kind"], one["name"], one["uid"]
    if not references and (obj.get("apiVersion"), obj.get("kind")) == ("v1", "Endpoints"):
        yield "v1", "Service", obj["metadata"]["name"], ""


def _newest_first(obj: Obj) -> tuple[int, str]:
    """By revision, latest first; those without one by name."""
    annotations = annotations_of(obj)
    text = next((found for name in _REVISIONS if (found := annotations.get(name))), "0")
    return (-int(text) if text.isdecimal() else 0, str(obj["metadata"]["name"]))


def _href_of_rollout(key: ResourceKey) -> str:
    return _href(key, "") if (key.group, key.kind) == (ROLLOUTS.group, ROLLOUTS.kind) else ""


def _href(key: ResourceKey, rollout: str) -> str:
    place = f"{quote(key.namespace, safe='')}/{quote(key.name, safe='')}"
    if (page := _PATHS.get((key.group, key.kind))) is not None:
        return f"/{page}/{place}"
    if (key.group, key.kind) == (APPLICATION_SETS.group, APPLICATION_SETS.kind):
        return "/applicationsets"
    if rollout and key.kind in ("Pod", "AnalysisRun"):
        return f"{rollout}/{'pods' if key.kind == 'Pod' else 'analysis'}/{quote(key.name, safe='')}"
    return ""


def blamed(nodes: Sequence[TreeNode]) -> tuple[TreeNode, ...]:
    """The nodes without a sound health that have no such node below them: where the trouble is, in tree order."""
    bad = [node for node in nodes if node.health not in ("", "Healthy")]
    parents = {node.parent for node in bad}
    return tuple(node for node in bad if node.id not in parents)
