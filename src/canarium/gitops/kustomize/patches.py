"""Patches of a kustomization: strategic merges and JSON patches, from files or inline, with or without a target.

Owns: reading them, finding what they are for, applying them. Must not know: their order, or how a file is found.
Behaviour follows Kustomize 5.8 `PatchTransformer`, `PatchJson6902Transformer` and `PatchStrategicMergeTransformer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from canarium.errors import Place
from canarium.gitops.kustomize import merge
from canarium.gitops.kustomize.kustomization import flag_of, text_of
from canarium.gitops.kustomize.resource import Resource, load_below, read_resources
from canarium.gitops.kustomize.selector import Selector
from canarium.gitops.rendered import RenderError
from canarium.kube.patch import PatchError, json_patch
from canarium.text import yaml
from canarium.text.located import At, Leaf, Map, Seq, duplicate, locate, place_of

ReadFile = Callable[[Leaf], tuple[bytes, str]]
"""From the leaf that names a file to its content and its path in the tree. Raises RenderError."""


class Patch(msgspec.Struct, frozen=True):
    """Merges (each names its target unless `target` does) or JSON patch operations."""

    at: Place
    merges: Sequence[Resource] = ()
    operations: Seq | None = None
    target: Selector | None = None
    allows_name_change: bool = False
    allows_kind_change: bool = False


def read_patch(item: Map, read_file: ReadFile) -> Patch:
    """An item of `patches:`. Raises RenderError when it is neither a merge nor a JSON patch."""
    text, file, below = _source(item, read_file)
    target = _target(item)
    options: Any = item.get("options") if isinstance(item.get("options"), Map) else {}
    documents = load_below(text, file, below, yaml.Rules.KUBECTL)
    if (text if isinstance(text, bytes) else text.encode()).lstrip().startswith(b"["):
        _check_json(text, _place(item, below, file))
    if documents and isinstance(documents[0].value, list):
        operations = locate(documents[0], below=below)
        if operations:
            return Patch(_place(item, below, file), operations=operations, target=target)
    if not documents:
        raise RenderError(
            "the patch is empty",
            at=_place(item, below, file),
            next_step="Write a merge patch, or a list of operations.",
        )
    return Patch(
        _place(item, below, file),
        merges=read_resources(text, file, below=below),
        target=target,
        allows_name_change=flag_of(options.get("allowNameChange")),
        allows_kind_change=flag_of(options.get("allowKindChange")),
    )


def _check_json(text: str | bytes, at: Place) -> None:
    """What starts with a bracket must be JSON, upstream; YAML's flow style is refused."""
    try:
        json.loads(text)
    except ValueError as error:
        raise RenderError(
            "unable to parse SM or JSON patch: it starts with '[' but is not JSON",
            at=at,
            next_step="Quote names and text with double quotes, or write a YAML list with one dash per operation.",
        ) from error


def read_json6902(item: Map, read_file: ReadFile) -> Patch:
    """An item of `patchesJson6902:`; the target needs a name."""
    target = _target(item)
    if target is None or not target.name:
        raise RenderError(
            "must specify the target name", at=place_of(item), next_step="Add target: {kind: …, name: …}."
        )
    patch = read_patch(item, read_file)
    if patch.operations is None:
        raise RenderError(
            "this is not a JSON patch", at=patch.at, next_step="Write a list of operations, or use patches:."
        )
    return patch


def read_strategic_merge(item: Leaf, read_file: ReadFile) -> Patch:
    """An item of `patchesStrategicMerge:`: a path, or the patch itself."""
    if "\n" in text_of(item) or ":" in text_of(item):
        below: At = item.at if item.is_block else (item.at[0], item.at[1] - 1, 0)
        return Patch(place_of(item), merges=read_resources(text_of(item), item.at[0], below=below))
    text, file = read_file(item)
    return Patch(Place(file), merges=read_resources(text, file))


def _source(item: Map, read_file: ReadFile) -> tuple[str | bytes, str, At | None]:
    path, inline = item.get("path"), item.get("patch")
    has_path, has_inline = bool(text_of(path)), bool(text_of(inline).strip())
    if has_path == has_inline:
        raise RenderError(
            "patch and path can't be set at the same time" if has_path else "must specify one of patch and path",
            at=place_of(item),
            next_step="Write the patch inline under patch:, or name its file under path:.",
        )
    if isinstance(path, Leaf) and has_path:
        text, file = read_file(path)
        return text, file, None
    assert isinstance(inline, Leaf)
    line = inline.at[1] if inline.is_block else inline.at[1] - 1
    return text_of(inline), inline.at[0], (inline.at[0], line, 0)


def _place(item: Map, below: At | None, file: str) -> Place:
    return place_of(item) if below else Place(file)


def _target(item: Map) -> Selector | None:
    found = item.get("target")
    if not isinstance(found, Map):
        return None
    return Selector(
        place_of(found),
        group=text_of(found.get("group")),
        version=text_of(found.get("version")),
        kind=text_of(found.get("kind")),
        name=text_of(found.get("name")),
        namespace=text_of(found.get("namespace")),
        label_selector=text_of(found.get("labelSelector")),
        annotation_selector=text_of(found.get("annotationSelector")),
    )


def apply_patch(resources: list[Resource], patch: Patch) -> None:
    """Patch what it is for, in place; what it deletes leaves the list."""
    if patch.operations is not None:
        _apply_operations(resources, patch, patch.operations)
    elif patch.target is None:
        for patching in patch.merges:
            _merge(resources, _only_target(resources, patching), patching, patch)
    elif len(patch.merges) > 1:
        raise RenderError(
            "several merge patches under one target",
            at=patch.at,
            next_step="Give each patch an entry of its own, or leave the target out.",
        )
    else:
        for resource in [resource for resource in resources if patch.target.selects(resource)]:
            _merge(resources, resource, patch.merges[0], patch)


def _only_target(resources: Sequence[Resource], patching: Resource) -> Resource:
    wanted = patching.id
    found = [resource for resource in resources if any(wanted.equals(id) for id in resource.any_ids())]
    if len(found) == 1:
        return found[0]
    raise RenderError(
        f"no resource matches strategic merge patch {wanted}" if not found else f"multiple matches for patch {wanted}",
        at=patching.place,
        next_step=_nearest(resources, patching)
        if not found
        else "Give the patch a target, or the namespace of the one it is for.",
    )


def _nearest(resources: Sequence[Resource], patching: Resource) -> str:
    """The hint that helps most: the same name with another kind, the same kind with another name, or all there is."""
    wanted = patching.id
    for resource in resources:
        now = resource.id
        if now.name == wanted.name and now.gvk.kind == wanted.gvk.kind:
            if now.gvk != wanted.gvk:
                return f"There is {resource} with apiVersion {resource.body.get('apiVersion')}; use that one."
            return f"There is {resource} in namespace {now.namespace or 'default'}; the patch names another."
    known = ", ".join(str(resource) for resource in resources[:5]) or "nothing"
    return f"apiVersion, kind, name and namespace must match a resource. There is: {known}."


def _merge(resources: list[Resource], resource: Resource, patching: Resource, patch: Patch) -> None:
    name, namespace = resource.metadata().get("name"), resource.metadata().get("namespace")
    kind, version = resource.body.get("kind"), resource.body.get("apiVersion")
    if patch.allows_name_change or patch.allows_kind_change:
        resource.remember()
    gvk = resource.gvk
    body = merge.merge(resource.body, duplicate(patching.body), (gvk.group, gvk.kind))
    if not body:
        resources.remove(resource)
        return
    resource.body = body
    if patch.target is not None:
        body["apiVersion"] = version
    if not patch.allows_kind_change:
        body["kind"] = kind
    if not patch.allows_name_change:
        resource.metadata()["name"] = name
    if namespace is None:
        resource.metadata().pop("namespace", None)
    else:
        resource.metadata()["namespace"] = namespace


def _apply_operations(resources: Sequence[Resource], patch: Patch, operations: Seq) -> None:
    if patch.target is None:
        raise RenderError(
            "must specify a target for JSON patch",
            at=patch.at,
            next_step="Add target: with the kind and name of what it is for.",
        )
    for resource in resources:
        if not patch.target.selects(resource):
            continue
        resource.remember()
        body: Any = resource.body
        for operation in duplicate(operations):
            plain = (
                {
                    key: text_of(value) if key in ("op", "path", "from") and isinstance(value, Leaf) else value
                    for key, value in operation.items()
                }
                if isinstance(operation, Map)
                else operation
            )
            try:
                body = json_patch.apply(body, [plain])
            except PatchError as error:
                problem = error.problem.removeprefix("operation 1 of ")
                raise RenderError(
                    f"{problem} in {resource}, which is at {resource.place}",
                    at=place_of(operation),
                    field=error.field,
                    next_step=error.next_step,
                ) from error
        resource.body = body
