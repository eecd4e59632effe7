"""`lint`: what is wrong with the Rollouts of a file, and on which line.

Owns: which documents are looked at, places of problems. Must not know: the rules (`rollouts.validation`).
Behaviour follows `pkg/kubectl-argo-rollouts/cmd/lint`, Argo Rollouts 1.10: the rules of the spec, and Services that
stand in the same file. Upstream's lines name neither file nor line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from canarium.errors import Place
from canarium.kube.objects import Obj
from canarium.kube.schema import pruned
from canarium.rollouts.crds import CRDS
from canarium.rollouts.kinds import GROUP, ROLLOUTS
from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL, Rollout, view_rollout
from canarium.rollouts.validation import FieldError, invalid, required, spec_errors, type_error
from canarium.text.yaml import Document, load_all

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Finding(NamedTuple):
    """One problem and its place."""

    at: Place
    error: FieldError

    def __str__(self) -> str:
        return f"{self.at}: {self.error}"


def lint(text: str | bytes, file: str) -> list[Finding]:
    """Every problem of every Rollout in the file, in order. Raises YamlError."""
    documents = [document for document in load_all(text, file) if isinstance(document.value, dict)]
    services = {
        (document.value.get("metadata") or {}).get("name", ""): document.value
        for document in documents
        if document.value.get("apiVersion") == "v1" and document.value.get("kind") == "Service"
    }
    return [
        Finding(_place(document, error), error)
        for document in documents
        if _is_rollout(document.value)
        for error in (*_unknown_fields(document.value), *_errors(document.value, services))
    ]


def _is_rollout(obj: Obj) -> bool:
    return str(obj.get("apiVersion", "")).startswith(f"{GROUP}/") and obj.get("kind") == ROLLOUTS.kind


def _unknown_fields(obj: Obj) -> Iterator[FieldError]:
    """Fields that the API server would drop without a word; upstream cannot read such a file at all."""
    schema = CRDS[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    yield from _dropped(obj, pruned(obj, schema), "")


def _dropped(value: Any, kept: Any, path: str) -> Iterator[FieldError]:
    if isinstance(value, dict) and isinstance(kept, dict):
        for key, part in value.items():
            at = f"{path}.{key}" if path else str(key)
            if key in kept:
                yield from _dropped(part, kept[key], at)
            elif part is not None:
                yield FieldError(at, f'unknown field "{key}"')
    elif isinstance(value, list) and isinstance(kept, list) and len(value) == len(kept):
        for index, (part, kept_part) in enumerate(zip(value, kept, strict=True)):
            yield from _dropped(part, kept_part, f"{path}[{index}]")


def _errors(obj: Obj, services: Mapping[str, Obj]) -> Iterator[FieldError]:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        yield required("metadata.name", "name or generateName is required")
        return
    try:
        rollout = view_rollout({**obj, "metadata": {"name": "", **metadata}, "status": None})
    except msgspec.ValidationError as error:
        yield type_error(error)
        return
    yield from spec_errors(rollout)
    yield from _service_errors(rollout, services)


def _service_errors(rollout: Rollout, services: Mapping[str, Obj]) -> Iterator[FieldError]:
    canary = rollout.spec.strategy.canary
    if canary is None:
        return
    labels = (rollout.spec.template.get("metadata") or {}).get("labels") or {}
    for field, name in (("stableService", canary.stable_service), ("canaryService", canary.canary_service)):
        service, at = services.get(name), f"spec.strategy.canary.{field}"
        if service is None:
            continue
        for key, value in ((service.get("spec") or {}).get("selector") or {}).items():
            if key != POD_TEMPLATE_HASH_LABEL and labels.get(key) != value:
                yield invalid(at, name, f'Service "{name}" has unmatch label "{key}" in rollout')


def _place(document: Document, error: FieldError) -> Place:
    path: list[Any] = [int(index) if index else name for name, index in _STEP.findall(error.field)]
    return document.key_place(path)
