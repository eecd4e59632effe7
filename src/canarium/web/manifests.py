"""One resource of an Application: what is there, what git wants, and how the two differ.

Owns: finding both sides, who belongs to the Application, hiding Secrets' values, the texts. Must not know: HTTP, how a
difference is found (`gitops/application/desired.py`). Source: Argo CD 3.6 `managed-resources`, `HideSecretData`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from canarium.gitops.application.compare import ignored_pointers
from canarium.gitops.application.desired import BOOKKEEPING, Kinds, Renderings, sides
from canarium.gitops.application.diff import LAST_APPLIED, last_applied
from canarium.gitops.application.operation import told_of
from canarium.gitops.application.resource_key import ResourceKey, hooks_of, resource_key
from canarium.gitops.application.targets import Manifests
from canarium.gitops.application.textdiff import diff_lines
from canarium.gitops.kinds import APPLICATIONS
from canarium.gitops.project import destination_problem
from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.text.yaml import dump
from canarium.web.model import DiffLine, ResourceManifests
from canarium.web.views.application_tree import CHILDREN, names_of_owner

HIDDEN: Final = "++++++++"
_OWNERS_UP: Final = 8
_NOT_IN_GIT: Final = "It is not in git: another resource of the Application made it."
_TO_PRUNE: Final = "Git does not have it any more: a sync that prunes deletes it."
_NO_MANIFEST: Final = (
    "What git wants is not known here: the Application's repository is read only where its controller runs, and the "
    f"live object does not carry {LAST_APPLIED}. Look at it with `argocd app diff`."
)
_ELSEWHERE: Final = "The Application's resources are in another cluster: open the page with that cluster's context."
_SEVERAL: Final = "An Application with several sources is not rendered here. Look at it with `argocd app diff`."
_AS_APPLIED: Final = (
    "Shown is what was applied last, not what git says now: the Application's repository is not read here."
)


async def resource_manifests(
    cluster: Cluster,
    kinds: Kinds,
    renderings: Renderings | None,
    application_namespace: str,
    application: str,
    group: str,
    kind: str,
    namespace: str,
    name: str,
) -> ResourceManifests:
    """Both sides of a resource of an Application. renderings: None where its repository is not at hand.

    Raises NotFound for an Application that does not exist and for what does not belong to it, ApiError.
    """
    app = await cluster.get(APPLICATIONS, application_namespace, application)
    key = ResourceKey(group, kind, namespace, name)
    entry = _entry(app, key)
    if destination_problem(app["spec"].get("destination") or {}) is not None:
        if entry is None:
            raise _not_part(app, key)
        return ResourceManifests(live="", desired="", diff=(), is_modified=False, problem=_ELSEWHERE)
    if entry is None:
        return await _of_child(cluster, kinds, app, key)
    resource = _resource(kinds, key, str(entry.get("version") or ""))
    live = await _get(cluster, resource, key)
    target, problem = _target(app, key, live, renderings)
    return _shown(app, key, target, live, problem)


# -- whose it is ------------------------------------------------------------------------------------------------------


def _entry(app: Obj, key: ResourceKey) -> Mapping[str, Any] | None:
    for one in (app.get("status") or {}).get("resources") or ():
        found = ResourceKey(one.get("group") or "", one["kind"], one.get("namespace") or "", one["name"])
        if found == key:
            return dict(one)
    return None


async def _of_child(cluster: Cluster, kinds: Kinds, app: Obj, key: ResourceKey) -> ResourceManifests:
    """What a managed resource made, and what that made: there is only the live side."""
    resource = CHILDREN.get((key.group, key.kind))
    live = await _get(cluster, resource, key) if resource is not None else None
    if live is None or not await _belongs(cluster, kinds, app, live):
        raise _not_part(app, key)
    return _shown(app, key, None, live, _NOT_IN_GIT, is_child=True)


async def _belongs(cluster: Cluster, kinds: Kinds, app: Obj, obj: Obj) -> bool:
    """Whether its owners lead to a resource that the Application manages; an owner counts only if it is the same one
    that the reference means."""
    above = [obj]
    for _ in range(_OWNERS_UP):
        found: list[Obj] = []
        for one in above:
            for api_version, kind, name, uid in names_of_owner(one):
                resource = kinds(api_version, kind)
                if resource is None:
                    continue
                namespace = str(one["metadata"].get("namespace") or "") if resource.namespaced else ""
                owner = await _get(cluster, resource, ResourceKey(resource.group, kind, namespace, name))
                if owner is None or (uid and owner["metadata"].get("uid") != uid):
                    continue
                if _entry(app, resource_key(owner)) is not None:
                    return True
                found.append(owner)
        if not found:
            return False
        above = found
    return False


def _not_part(app: Obj, key: ResourceKey) -> NotFound:
    return NotFound(
        404,
        "NotFound",
        f"{key.kind}/{key.name} is not a resource of the Application {app['metadata']['name']}",
        next_step="Look at the Application's tree for what belongs to it now.",
    )


def _resource(kinds: Kinds, key: ResourceKey, version: str) -> Resource | None:
    return kinds(f"{key.group}/{version}" if key.group else version, key.kind)


async def _get(cluster: Cluster, resource: Resource | None, key: ResourceKey) -> Obj | None:
    if resource is None:
        return None
    try:
        return await cluster.get(resource, key.namespace, key.name)
    except NotFound:
        return None


# -- both sides -------------------------------------------------------------------------------------------------------


def _target(app: Obj, key: ResourceKey, live: Obj | None, renderings: Renderings | None) -> tuple[Obj | None, str]:
    """What is wanted, and what to say about that side."""
    if renderings is None:
        applied = last_applied(live) if live is not None else None
        return applied, _AS_APPLIED if applied is not None else _NO_MANIFEST
    found: Manifests | None = renderings.compared(app)
    if found is None and app["spec"].get("sources"):
        return None, _SEVERAL
    if found is None:
        return None, "The Application has not been compared with git yet. Refresh it."
    if found.error is not None:
        return None, told_of(found.error)
    for target in (*found.objects, *found.hooks):
        if resource_key(target) == key:
            return target, ""
    return None, _TO_PRUNE


def _shown(
    app: Obj, key: ResourceKey, target: Obj | None, live: Obj | None, problem: str, *, is_child: bool = False
) -> ResourceManifests:
    current, predicted = _compared(app, key, target, live)
    if is_child or (target is None and problem != _TO_PRUNE):
        current = predicted = None  # nothing to compare with
    if key.group == "" and key.kind == "Secret":
        mask = _Mask()
        live, target, current, predicted = (mask.hide(one) for one in (live, target, current, predicted))
    left, right = _text(current), _text(predicted)
    return ResourceManifests(
        live=_text(_without_managed_fields(live)),
        desired=_text(target),
        diff=tuple(DiffLine(kind=kind, text=text, live=a, desired=b) for kind, text, a, b in diff_lines(left, right)),
        is_modified=left != right,
        problem=problem,
    )


def _compared(app: Obj, key: ResourceKey, target: Obj | None, live: Obj | None) -> tuple[Obj | None, Obj | None]:
    """What is compared. A missing side is all difference; a hook is never compared."""
    if target is None or live is None:
        if target is not None and hooks_of(target):
            return None, None
        return _plain(live), _plain(target)
    if hooks_of(target) or hooks_of(live):
        return None, None
    return sides(target, live, ignored_pointers(app, key))


def _plain(obj: Obj | None) -> Obj | None:
    if obj is None:
        return None
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key not in BOOKKEEPING}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _without_managed_fields(obj: Obj | None) -> Obj | None:
    if obj is None:
        return None
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def _text(obj: Obj | None) -> str:
    return "" if obj is None else dump(obj)


class _Mask:
    """Hides a Secret's values alike in all its versions: equal values look equal, others do not."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._count: dict[str, int] = {}

    def hide(self, secret: Obj | None) -> Obj | None:
        """A copy without values, also in the annotation that remembers what was applied."""
        if secret is None:
            return None
        made: dict[str, Any] = dict(secret)
        for part in ("data", "stringData"):
            if part in made:
                made[part] = self._values(made[part], is_plain=part == "stringData")
        metadata = made.get("metadata") or {}
        annotations = metadata.get("annotations") or {}
        if LAST_APPLIED in annotations:
            applied = last_applied(secret)
            hidden = HIDDEN if applied is None else msgspec.json.encode(self.hide(applied), order="sorted").decode()
            made["metadata"] = {**metadata, "annotations": {**annotations, LAST_APPLIED: hidden}}
        return made

    def _values(self, values: Any, *, is_plain: bool) -> Any:
        if not isinstance(values, Mapping):
            return HIDDEN if values is not None else None
        return {key: self._value(str(key), value, is_plain=is_plain) for key, value in values.items()}

    def _value(self, key: str, value: Any, *, is_plain: bool) -> str:
        text = b64encode(str(value).encode()).decode() if is_plain else str(value)
        if (key, text) not in self._known:
            count = self._count[key] = self._count.get(key, 0) + 1
            self._known[key, text] = HIDDEN + "++++" * (count - 1)
        return self._known[key, text]
