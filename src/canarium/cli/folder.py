"""Folders that a user names on the command line.

Owns: finding the repository a folder is in, so that a kustomization may reach its siblings and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from canarium.gitops.folder import FolderTree
from canarium.gitops.rendered import Rendered
from canarium.gitops.source import render_source


def render_folder(directory: Path) -> Sequence[Rendered]:
    """Render a kustomization, or a folder of manifests. Raises CanariumError."""
    directory = directory.resolve()
    root = next((parent for parent in (directory, *directory.parents) if (parent / ".git").exists()), directory)
    return render_source(FolderTree(root), directory.relative_to(root).as_posix().removeprefix("."), {})
