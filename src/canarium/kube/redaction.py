"""What the event log may not repeat: the values of Secrets.

Owns: hiding them in an object or in a merge patch of one. Pure. Must not know: who reads the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canarium.kube.resources import SECRETS, Resource

HIDDEN = "*****"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl and Argo CD keep the manifest they applied there, values included."""


def redacted(resource: Resource, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object or merge patch with a Secret's values hidden, its keys kept; of other kinds, the same."""
    if resource != SECRETS:
        return told
    result = {name: _hidden(part) if name in ("data", "stringData") else part for name, part in told.items()}
    metadata = told.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if LAST_APPLIED in annotations:
        result["metadata"] = {**metadata, "annotations": {**annotations, LAST_APPLIED: HIDDEN}}
    return result


def _hidden(values: Any) -> Any:
    # A null in a merge patch removes a key, which is no secret.
    return {key: value and HIDDEN for key, value in values.items()} if isinstance(values, dict) else HIDDEN
