"""The kustomization file: which fields it may have, and reading them with their places.

Owns: finding the file, its fields and their types, typed access. Must not know: what the fields do.
Behaviour follows Kustomize 5.8 `types.Kustomization`; fields that canarium does not act on are refused by name.
"""

from __future__ import annotations

from typing import Any

import msgspec

from canarium.errors import Place
from canarium.gitops.rendered import RenderError
from canarium.gitops.tree import Tree, resolve
from canarium.text import yaml
from canarium.text.located import Leaf, Map, Seq, locate, new_map, new_seq, place_of

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_TEXT, _TEXTS, _PAIRS, _FLAG, _WHOLE, _ANY = (
    "text",
    "a list of text",
    "text by name",
    "true or false",
    "a number",
    "any",
)

_SELECTOR = dict.fromkeys(
    ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"), _TEXT
)
_PATCH = {
    "path": _TEXT,
    "patch": _TEXT,
    "target": _SELECTOR,
    "options": {"allowNameChange": _FLAG, "allowKindChange": _FLAG},
}
_FIELD_SPEC = {"path": _TEXT, "group": _TEXT, "version": _TEXT, "kind": _TEXT, "create": _FLAG}
_GENERATOR_OPTIONS = {"labels": _PAIRS, "annotations": _PAIRS, "disableNameSuffixHash": _FLAG, "immutable": _FLAG}
_GENERATOR = {
    "name": _TEXT,
    "namespace": _TEXT,
    "behavior": _TEXT,
    "literals": _TEXTS,
    "files": _TEXTS,
    "envs": _TEXTS,
    "env": _TEXT,
    "options": _GENERATOR_OPTIONS,
}
_IMAGE = dict.fromkeys(("name", "newName", "newTag", "digest", "tagSuffix"), _TEXT)

FIELDS: dict[str, Any] = {
    "apiVersion": _TEXT,
    "kind": _TEXT,
    "metadata": {"name": _TEXT, "namespace": _TEXT, "labels": _PAIRS, "annotations": _PAIRS},
    "resources": _TEXTS,
    "bases": _TEXTS,
    "components": _TEXTS,
    "namespace": _TEXT,
    "namePrefix": _TEXT,
    "nameSuffix": _TEXT,
    "labels": [
        {
            "pairs": _PAIRS,
            "includeSelectors": _FLAG,
            "includeTemplates": _FLAG,
            "fields": [_FIELD_SPEC],
        }
    ],
    "commonLabels": _PAIRS,
    "commonAnnotations": _PAIRS,
    "images": [_IMAGE],
    "imageTags": [_IMAGE],
    "replicas": [{"name": _TEXT, "count": _WHOLE}],
    "patches": [_PATCH],
    "patchesStrategicMerge": _TEXTS,
    "patchesJson6902": [_PATCH],
    "configMapGenerator": [_GENERATOR],
    "secretGenerator": [{**_GENERATOR, "type": _TEXT}],
    "generatorOptions": _GENERATOR_OPTIONS,
    "sortOptions": {"order": _TEXT, "legacySortOptions": {"orderFirst": _TEXTS, "orderLast": _TEXTS}},
    "replacements": [_ANY],
    "buildMetadata": _TEXTS,
}
"""Every field that canarium acts on, and the shape of its value."""

NOT_BUILT = {
    "configurations": "Write what you need as patches.",
    "crds": "Name references inside custom resources can be set with a patch.",
    "generators": "Only the built-in configMapGenerator and secretGenerator run.",
    "helmChartInflationGenerator": "Render the chart first and list its output under resources.",
    "helmCharts": "Render the chart first and list its output under resources.",
    "helmGlobals": "Render the chart first and list its output under resources.",
    "openapi": "Patch lists of custom resources with JSON6902 patches.",
    "transformers": "Use the fields of the kustomization itself.",
    "validators": "Remove it; canarium runs no plugins.",
    "vars": "Use replacements or a patch.",
}
"""Fields that Kustomize has and canarium does not act on (yet), with what to do instead."""


class Kustomization(msgspec.Struct, frozen=True):
    """A kustomization file that was read: its folder, its path, and its fields (their types are checked)."""

    folder: str
    file: str
    body: Map

    @property
    def is_component(self) -> bool:
        """Whether it says `kind: Component`."""
        return self.text("kind") == "Component"

    @property
    def place(self) -> Place:
        """Where it starts."""
        return place_of(self.body)

    def get(self, name: str) -> Any:
        """A field's located value, or None."""
        value = self.body.get(name)
        return None if isinstance(value, Leaf) and value.value is None else value

    def text(self, name: str) -> str:
        """A text field; empty when absent."""
        return text_of(self.get(name))

    def items(self, *names: str) -> Seq:
        """The items of a list field, of several fields together; empty when absent."""
        return new_seq(self.body.at, [item for name in names for item in self.get(name) or ()])

    def pairs(self, name: str) -> Map:
        """A field of text by name; empty when absent."""
        found = self.get(name)
        return found if isinstance(found, Map) else new_map(self.body.at)


def text_of(value: Any) -> str:
    """A leaf's text; empty for None and null."""
    return str(value.value) if isinstance(value, Leaf) and value.value is not None else ""


def flag_of(value: Any) -> bool:
    """A leaf's truth; False when absent."""
    return isinstance(value, Leaf) and value.value is True


def find_file(tree: Tree, folder: str, at: Place | None) -> str:
    """The path of the folder's kustomization file. Raises RenderError unless there is exactly one."""
    found = [path for name in FILE_NAMES if tree.is_file(path := resolve(folder, name))]
    if not found:
        raise RenderError(
            f"unable to find one of {', '.join(repr(name) for name in FILE_NAMES)} in directory {folder or '.'!r}",
            at=at or Place(folder or "."),
            next_step="Add a kustomization.yaml there, or correct the path."
            if tree.is_dir(folder)
            else "There is no such directory; correct the path.",
        )
    if len(found) > 1:
        raise RenderError(
            f"found multiple kustomization files under {folder or '.'!r}: {', '.join(found)}",
            at=Place(found[1]),
            next_step="Keep one of them.",
        )
    return found[0]


def read(tree: Tree, folder: str, at: Place | None = None) -> Kustomization:
    """The folder's kustomization. at: who refers to it. Raises RenderError and YamlError."""
    file = find_file(tree, folder, at)
    document = yaml.load(tree.read(file), file)
    if document is None:
        raise RenderError("kustomization.yaml is empty", at=Place(file), next_step="List at least one resource.")
    body = locate(document)
    if not isinstance(body, Map):
        raise RenderError(
            "a kustomization is a mapping of fields", at=document.start, next_step="Start with resources:."
        )
    for name, value in body.items():
        if name in NOT_BUILT:
            if not (isinstance(value, Leaf) and value.value is None) and value != []:
                raise RenderError(
                    "canarium does not build this field of Kustomize",
                    at=document.key_place([name]),
                    field=name,
                    next_step=NOT_BUILT[name],
                )
        elif name not in FIELDS:
            raise _unknown(document, [name], FIELDS)
        else:
            _check(document, value, FIELDS[name], [name])
    kustomization = Kustomization(folder=folder, file=file, body=body)
    _check_type_meta(kustomization)
    return kustomization


def _check_type_meta(kustomization: Kustomization) -> None:
    kind, version = kustomization.text("kind"), kustomization.text("apiVersion")
    if kind not in ("", "Kustomization", "Component"):
        raise RenderError(
            "kind should be Kustomization or Component",
            at=place_of(kustomization.body["kind"]),
            field="kind",
            next_step="Remove the line, or write kind: Kustomization.",
        )
    wanted = "kustomize.config.k8s.io/" + ("v1alpha1" if kind == "Component" else "v1beta1")
    if version not in ("", wanted):
        raise RenderError(
            f"apiVersion for {kind or 'Kustomization'} should be {wanted}",
            at=place_of(kustomization.body["apiVersion"]),
            field="apiVersion",
            next_step=f"Write apiVersion: {wanted}.",
        )
    if not [name for name in kustomization.body if name not in ("apiVersion", "kind")]:
        raise RenderError(
            "kustomization.yaml is empty", at=kustomization.place, next_step="List at least one resource."
        )


def _check(document: yaml.Document, value: Any, shape: Any, path: list[str | int]) -> None:
    """Raise RenderError unless the value has the shape; null stands for absent everywhere."""
    if shape is _ANY or (isinstance(value, Leaf) and value.value is None):
        return
    match shape, value:
        case dict(), Map():
            for name, item in value.items():
                if name not in shape:
                    raise _unknown(document, [*path, name], shape)
                _check(document, item, shape[name], [*path, name])
        case [item_shape], Seq():
            for number, item in enumerate(value):
                _check(document, item, item_shape, [*path, number])
        case "a list of text", Seq():
            for number, item in enumerate(value):
                _check(document, item, _TEXT, [*path, number])
        case "text by name", Map():
            for name, item in value.items():
                _check(document, item, _TEXT, [*path, name])
        case "text", Leaf() if isinstance(value.value, str):
            pass
        case "true or false", Leaf() if isinstance(value.value, bool):
            pass
        case "a number", Leaf() if isinstance(value.value, int) and not isinstance(value.value, bool):
            pass
        case _:
            wanted = shape if isinstance(shape, str) else "a list" if isinstance(shape, list) else "an object"
            raise RenderError(
                f"invalid Kustomization: this must be {wanted}",
                at=place_of(value),
                field=_dotted(path),
                next_step="Quote it." if shape == _TEXT and isinstance(value, Leaf) else f"Write {wanted}.",
            )


def _unknown(document: yaml.Document, path: list[str | int], known: dict[str, Any]) -> RenderError:
    from difflib import get_close_matches

    close = get_close_matches(str(path[-1]), known, n=1)
    return RenderError(
        f'invalid Kustomization: unknown field "{path[-1]}"',
        at=document.key_place(path),
        field=_dotted(path),
        next_step=f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(sorted(known))}.",
    )


def _dotted(path: list[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
