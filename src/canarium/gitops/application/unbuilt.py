"""Known fields that have no effect here: each is named in a condition, for silence would look like obedience.

Owns: which fields and options of an Application and of its manifests are known, harmless to leave out, and not built;
the sentences about them. Pure. Must not know: options that are refused (see `operation.py` and `source.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from canarium.gitops.application.resource_key import COMPARE_OPTIONS, SYNC_OPTIONS
from canarium.kube.objects import Obj, annotations_of

IGNORED: Final = "IgnoredFieldWarning"
"""The type of the condition. Argo CD has none for this; its name follows RepeatedResourceWarning and its like."""

_AS_APPLIED = "manifests are applied as kubectl apply does"
_SYNC_OPTIONS: Final[Mapping[str, str]] = {
    "Validate=false": "manifests are validated all the same",
    "Force=true": _AS_APPLIED,
    "Replace=true": _AS_APPLIED,
    "ServerSideApply=true": _AS_APPLIED,
}
_COMPARE_OPTIONS: Final[Mapping[str, str]] = {
    "ServerSideDiff=true": "manifests are compared with what was applied last",
    "IncludeMutationWebhook=true": "there are no webhooks",
}
_DIFFERENCES: Final[Mapping[str, str]] = {
    "jqPathExpressions": "name the fields in jsonPointers",
    "managedFieldsManagers": "name the fields in jsonPointers",
}


def ignored_by(app: Mapping[str, Any]) -> list[str]:
    """What an Application says in vain, in the order of its fields."""
    spec = app.get("spec") or {}
    found = []
    for index, rule in enumerate(spec.get("ignoreDifferences") or ()):
        for name, instead in _DIFFERENCES.items():
            if rule.get(name):
                at = f"spec.ignoreDifferences[{index}].{name}"
                found.append(f"{at} is not built, so these fields still count as differences; {instead}")
    policy = spec.get("syncPolicy") or {}
    if "Validate=false" in (policy.get("syncOptions") or ()):
        found.append(_says("spec.syncPolicy.syncOptions: Validate=false", _SYNC_OPTIONS["Validate=false"]))
    if (policy.get("retry") or {}).get("refresh"):
        found.append(_says("spec.syncPolicy.retry.refresh", "a retry uses the commit that the sync began with"))
    found += _in_annotation(app, "", COMPARE_OPTIONS, _COMPARE_OPTIONS)
    return found


def ignored_in(manifests: Iterable[Obj]) -> tuple[str, ...]:
    """What manifests ask for in vain by their annotations."""
    found: list[str] = []
    for obj in manifests:
        name = f"{obj.get('kind')}/{(obj.get('metadata') or {}).get('name', '')}: "
        found += _in_annotation(obj, name, SYNC_OPTIONS, _SYNC_OPTIONS)
        found += _in_annotation(obj, name, COMPARE_OPTIONS, _COMPARE_OPTIONS)
    return tuple(found)


def _in_annotation(obj: Mapping[str, Any], of: str, annotation: str, known: Mapping[str, str]) -> Sequence[str]:
    said = [part.strip() for part in (annotations_of(obj).get(annotation) or "").split(",")]
    return [_says(f"{of}{annotation}: {option}", known[option]) for option in said if option in known]


def _says(what: str, instead: str) -> str:
    return f"{what} is not built and has no effect: {instead}"
