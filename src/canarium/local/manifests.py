"""Manifests that are applied at the start.

Owns: reading files of objects, with their places in errors. Must not know: clusters.
"""

from __future__ import annotations

from pathlib import Path

from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.text.yaml import load_all


def read_manifests(file: Path) -> list[Obj]:
    """The objects of a file, Lists taken apart. Raises CanariumError with file and line."""
    found: list[Obj] = []
    for document in load_all(file.read_bytes(), str(file)):
        value = document.value
        if value is None:
            continue
        if not isinstance(value, dict) or not value.get("kind") or not value.get("apiVersion"):
            raise CanariumError(
                "this is no Kubernetes object", at=document.start, next_step="An object has apiVersion and kind."
            )
        items = value["items"] if value["kind"] == "List" else [value]
        for item in items:
            if not isinstance(item, dict) or not (item.get("metadata") or {}).get("name"):
                raise CanariumError("an object without metadata.name", at=document.start, next_step="Give it a name.")
            found.append(item)
    return found
