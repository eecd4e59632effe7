"""Render the source of an Application: with Kustomize, or as a plain folder of manifests.

Owns: which renderer a folder gets, and which options of `spec.source` are built. Must not know: git, Applications.
Source: Argo CD's detection of the application type (reposerver/repository), where a kustomization file decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canarium.errors import CanariumError
from canarium.gitops.rendered import Rendered
from canarium.gitops.tree import Tree

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class NotBuilt(CanariumError):
    """A field of the source that canarium knows and does not act on."""


def render_source(tree: Tree, path: str, source: Mapping[str, Any]) -> Sequence[Rendered]:
    """Render with Kustomize if there is a kustomization, else as a plain folder of manifests."""
    kustomized = is_kustomized(tree, path)
    built = {} if kustomized else {"directory": {"recurse", "include", "exclude"}}
    for name in ("helm", "plugin", "kustomize", "directory"):
        for option, value in sorted((source.get(name) or {}).items()):
            if value and option not in built.get(name, ()):
                raise NotBuilt(
                    f"the option {option} is not built",
                    field=f"spec.source.{name}.{option}",
                    next_step="Write it in kustomization.yaml instead." if name == "kustomize" else "Leave it out.",
                )
    if kustomized:
        from canarium.gitops.kustomize.render import render

        return render(tree, path)
    from canarium.gitops.directory import render_directory

    folder = source.get("directory") or {}
    return render_directory(
        tree,
        path,
        recurse=bool(folder.get("recurse")),
        include=str(folder.get("include") or ""),
        exclude=str(folder.get("exclude") or ""),
    )


def is_kustomized(tree: Tree, path: str) -> bool:
    """Whether a folder has a kustomization."""
    return any(tree.is_file(f"{path}/{name}".lstrip("/")) for name in KUSTOMIZATIONS)
