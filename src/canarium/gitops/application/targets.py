"""What git wants in the cluster: rendered objects made ready to compare.

Owns: namespaces, tracking ids, duplicates. Pure. Must not know: how they were rendered.
Behaviour follows Argo CD 3.6 `NormalizeTargetObjects`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from canarium.errors import CanariumError
from canarium.gitops.application.resource_key import ResourceKey, hooks_of, resource_key, tracked
from canarium.kube.objects import Obj

DELETE_HOOKS = frozenset(("PreDelete", "PostDelete"))


class Manifests(msgspec.Struct, frozen=True):
    """What a commit says about one Application, or why it says nothing. Shared and never changed.

    objects: with namespace and tracking id. warnings: about objects that appear twice. ignored: what they ask for and
    is not built.
    """

    sha: str
    objects: tuple[Obj, ...] = ()
    hooks: tuple[Obj, ...] = ()
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    source_type: str = ""
    error: CanariumError | None = None


def prepare(
    rendered: Sequence[Obj], *, app: str, namespace: str, is_namespaced: Callable[[Obj], bool]
) -> tuple[list[Obj], list[Obj], list[str]]:
    """Objects and hooks as they go to the cluster, and warnings about objects that appear twice (the last one counts).

    namespace: of the destination, for namespaced objects that name none. Hooks for deletion are left out.
    """
    by_key: dict[ResourceKey, list[Obj]] = {}
    for index, obj in enumerate(rendered):
        metadata = dict(obj.get("metadata") or {})
        if not is_namespaced(obj):
            metadata.pop("namespace", None)
        elif not metadata.get("namespace"):
            metadata["namespace"] = namespace
        placed = tracked({**obj, "metadata": metadata}, app, namespace)
        key = resource_key(placed)
        if not key.name:
            key = key._replace(name=f"{metadata.get('generateName', '')}{index}")
        by_key.setdefault(key, []).append(placed)
    objects, hooks = [], []
    for found in (same[-1] for same in by_key.values()):
        declared = hooks_of(found)
        if not declared:
            objects.append(found)
        elif "Skip" not in declared and not DELETE_HOOKS.intersection(declared):
            hooks.append(found)
    warnings = [
        f"Resource {key} appeared {len(same)} times among application resources."
        for key, same in by_key.items()
        if len(same) > 1
    ]
    return objects, hooks, warnings
