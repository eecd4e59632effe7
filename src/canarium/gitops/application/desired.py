"""What a commit wants of one Application, rendered once: for the controller, and for whoever shows it.

Owns: rendering a source at a commit and keeping the answer, the two sides that are compared. Must not know: who asks,
what is done about a difference. Behaviour follows Argo CD 3.6 (`GenerateManifests`, and `managed-resources` for sides).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec.json

from canarium.errors import CanariumError
from canarium.gitops.application import diff, targets
from canarium.gitops.application.resource_key import instance_name
from canarium.gitops.application.targets import Manifests
from canarium.gitops.application.unbuilt import ignored_in
from canarium.gitops.git.repositories import Repositories
from canarium.gitops.source import is_kustomized, render_source
from canarium.gitops.tree import Tree, resolve
from canarium.kube.objects import Obj
from canarium.kube.resources import Resource

KEPT_RENDERINGS = 64
BOOKKEEPING = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
"""Metadata that the API server writes for itself."""

Kinds = Callable[[str, str], Resource | None]
"""(apiVersion, kind) to the resource the API server has for it."""


class Rendered(Protocol):
    """One rendered object and where its parts come from."""

    @property
    def obj(self) -> Obj:
        """The object."""
        ...


Render = Callable[[Tree, str, Mapping[str, Any]], Sequence[Rendered]]
"""(tree, path, spec.source) to objects. Raises CanariumError with file and line."""


class PathMissing(CanariumError):
    """`spec.source.path` names nothing in the repository."""


class Renderings:
    """What commits say, rendered once per commit, source and destination."""

    def __init__(self, repositories: Repositories, kinds: Kinds, *, render: Render | None = None) -> None:
        self._repositories = repositories
        self._kinds = kinds
        self._render = render or render_source
        self._kept: dict[tuple[Any, ...], Manifests] = {}

    def at(self, app: Obj, sha: str) -> Manifests:
        """What a commit says about an Application as its spec is now; an error is part of the answer."""
        source = app["spec"]["source"]
        repo_url = str(source.get("repoURL") or "")
        namespace = str((app["spec"].get("destination") or {}).get("namespace") or "")
        instance = instance_name(app)
        options = msgspec.json.encode(source, order="sorted")
        key = (repo_url, sha, options, instance, namespace)
        found = self._kept.get(key)
        if found is None:
            found = self._render_at(repo_url, sha, source, instance, namespace)
            if len(self._kept) >= KEPT_RENDERINGS:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = found
        return found

    def compared(self, app: Obj) -> Manifests | None:
        """What its last comparison compared with (`status.sync`); None when it was never compared."""
        sync = (app.get("status") or {}).get("sync") or {}
        if not sync.get("revision"):
            return None
        compared = sync.get("comparedTo") or {}
        spec = {**app["spec"], **{part: compared[part] for part in ("source", "destination") if compared.get(part)}}
        if not spec.get("source"):
            return None
        try:
            sha = self._repositories.resolve(str(spec["source"].get("repoURL") or ""), str(sync["revision"]))
        except CanariumError as error:
            return Manifests(sha=str(sync["revision"]), error=error)
        return self.at({**app, "spec": spec}, sha)

    def _render_at(
        self, repo_url: str, sha: str, source: Mapping[str, Any], instance: str, namespace: str
    ) -> Manifests:
        try:
            tree = self._repositories.tree(repo_url, sha)
            path = resolve("", str(source.get("path") or ""))
            if not tree.is_dir(path):
                raise PathMissing(
                    f"{source.get('path')}: app path does not exist",
                    field="spec.source.path",
                    next_step="Set it to a folder that this revision of the repository has.",
                )
            rendered = [one.obj for one in self._render(tree, path, source)]
            objects, hooks, warnings = targets.prepare(
                rendered, app=instance, namespace=namespace, is_namespaced=self._is_namespaced
            )
        except CanariumError as error:  # becomes a ComparisonError, until git or the source changes
            return Manifests(sha=sha, error=error)
        kind = "Kustomize" if is_kustomized(tree, path) else "Directory"
        return Manifests(
            sha=sha,
            objects=tuple(objects),
            hooks=tuple(hooks),
            warnings=tuple(warnings),
            ignored=ignored_in(objects),
            source_type=kind,
        )

    def _is_namespaced(self, obj: Obj) -> bool:
        resource = self._kinds(str(obj.get("apiVersion")), str(obj.get("kind")))
        return resource is None or resource.namespaced


def sides(target: Obj, live: Obj, ignore: Sequence[str] = ()) -> tuple[Obj, Obj]:
    """What is compared, to be shown: the live object, and as it would be after applying `target`.

    They are equal exactly when `diff.is_modified` says that nothing differs. The API server's bookkeeping is left out,
    and so is what nobody wrote into `target` (defaults, what others added) as far as it is the same on both sides.
    """
    current, predicted = diff.prediction(target, live, ignore)
    return _shown(current, predicted, target)


def _shown(current: Obj, predicted: Obj, target: Obj) -> tuple[Obj, Obj]:
    left, right = _mentioned(current, predicted, target)
    return _without_bookkeeping(left, right), _without_bookkeeping(right, left)


def _without_bookkeeping(obj: Obj, other: Obj) -> Obj:
    """Left out unless it differs, so that a difference is never hidden."""
    metadata, there = obj.get("metadata") or {}, other.get("metadata") or {}
    kept = {key: value for key, value in metadata.items() if key not in BOOKKEEPING or there.get(key) != value}
    notes, others = (part.get("annotations") or {} for part in (kept, there))
    if diff.LAST_APPLIED in notes and notes[diff.LAST_APPLIED] == others.get(diff.LAST_APPLIED):
        kept["annotations"] = {key: text for key, text in notes.items() if key != diff.LAST_APPLIED}
    return {**obj, "metadata": kept}


def _mentioned(current: Any, predicted: Any, target: Any) -> tuple[Any, Any]:
    """Both sides without the fields that are the same and that `target` does not have, down to where shapes differ."""
    if isinstance(current, dict) and isinstance(predicted, dict) and isinstance(target, dict):
        left, right = dict(current), dict(predicted)
        for key in [key for key in current if key in predicted]:
            if key in target or key in ("kind", "apiVersion", "metadata", "name", "namespace"):
                left[key], right[key] = _mentioned(current[key], predicted[key], target.get(key))
            elif current[key] == predicted[key]:
                del left[key], right[key]
        return left, right
    are_lists = isinstance(current, list) and isinstance(predicted, list) and isinstance(target, list)
    if are_lists and len(current) == len(predicted) == len(target):
        pairs = [_mentioned(*item) for item in zip(current, predicted, target, strict=True)]
        return [left for left, _ in pairs], [right for _, right in pairs]
    return current, predicted
