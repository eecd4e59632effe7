"""Folders that a user names on the command line.

Owns: finding the repository a folder is in, so that a kustomization may reach its siblings and nothing else;
saying so when there is nothing to render.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from canarium.errors import CanariumError
from canarium.gitops.folder import FolderTree
from canarium.gitops.rendered import Rendered
from canarium.gitops.source import is_kustomized, render_source


def render_folder(directory: Path) -> Sequence[Rendered]:
    """Render a kustomization, or a folder of manifests. Raises CanariumError."""
    directory = directory.resolve()
    root = next((parent for parent in (directory, *directory.parents) if (parent / ".git").exists()), directory)
    tree, path = FolderTree(root), directory.relative_to(root).as_posix().removeprefix(".")
    rendered = render_source(tree, path, {})
    if not rendered and not is_kustomized(tree, path):
        raise CanariumError(
            f"{directory} has no kustomization and no manifests",
            next_step="Name a folder with a kustomization.yaml, or with YAML or JSON files of Kubernetes objects.",
        )
    return rendered
