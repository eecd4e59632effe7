"""What a kustomization changes about every resource: namespace, names, labels, annotations, replicas, images.

Owns: these transformers, in place on located bodies. Must not know: files or the order they run in.
Behaviour follows Kustomize 5.8 `api/internal/builtins` and `api/filters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from canarium.gitops.kustomize import fieldspecs, selector
from canarium.gitops.kustomize.fieldspecs import FieldSpec, empty_map, nothing, split_path, update
from canarium.gitops.kustomize.kustomization import flag_of, text_of
from canarium.gitops.kustomize.resource import Resource, text_at
from canarium.gitops.rendered import RenderError
from canarium.text.located import Leaf, Map, Seq, place_of

_LITERAL_NAME = re.compile(r"[\w./:-]+")
_TAG_AND_DIGEST = re.compile(r"(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?")
_KEEPS_ITS_NAME = (("", "CustomResourceDefinition"), ("apiregistration.k8s.io", "APIService"), ("", "Namespace"))


def set_namespace(resources: Sequence[Resource], namespace: Leaf) -> None:
    """`namespace:`: into every namespaced resource, Namespace objects, and what refers to either."""

    def put(_: Any) -> Leaf:
        return namespace

    for resource in resources:
        resource.remember()
        body, gvk = resource.body, resource.gvk
        if not resource.id.is_cluster_scoped:
            resource.metadata()["namespace"] = namespace
        if gvk.kind in ("RoleBinding", "ClusterRoleBinding"):
            subjects = body.get("subjects")
            for subject in subjects if isinstance(subjects, Seq) else ():
                if isinstance(subject, Map) and text_at(subject, "name") == "default":
                    subject["namespace"] = namespace
        for spec in fieldspecs.NAMESPACE:
            if spec.path == ("metadata", "name") and text_at(body, "apiVersion") != "v1":
                continue
            update(body, spec, put, nothing)
        if sum(resource.id.equals(other.id) for other in resources) > 1:
            raise RenderError(
                f"namespace transformation produces ID conflict: {resource.id}",
                at=place_of(namespace),
                field="namespace",
                next_step=f"Two resources have this name once they share a namespace; see {resource.place}.",
            )


def add_affix(resources: Sequence[Resource], affix: Leaf, *, is_prefix: bool) -> None:
    """`namePrefix:` or `nameSuffix:`; CRDs, APIServices and Namespaces keep their names."""
    if not affix.value:
        return
    for resource in resources:
        gvk = resource.original_id().gvk
        if any(gvk.is_selected_by(group=group, kind=kind) for group, kind in _KEEPS_ITS_NAME):
            continue
        (resource.prefixes if is_prefix else resource.suffixes).append(affix.value)
        resource.remember()
        name = resource.name
        resource.metadata()["name"] = Leaf(affix.value + name if is_prefix else name + affix.value, affix.at)


def add_labels(resources: Sequence[Resource], pairs: Map, specs: Sequence[FieldSpec]) -> None:
    """Put the pairs into what the specs lead to: labels, annotations or selectors."""

    def put(found: Any) -> Any:
        if not isinstance(found, Map):
            raise RenderError(
                "labels and annotations must be an object", at=place_of(found), next_step="Write key: value pairs."
            )
        found.update(pairs)
        return found

    if pairs:
        for resource in resources:
            for spec in specs:
                update(resource.body, spec, put, empty_map)


def label_specs(label: Map) -> list[FieldSpec]:
    """Where an item of `labels:` writes."""
    specs = [
        FieldSpec(
            split_path(text_of(item.get("path"))),
            text_of(item.get("kind")),
            text_of(item.get("group")),
            text_of(item.get("version")),
            flag_of(item.get("create")),
        )
        for item in label.get("fields") or ()
    ]
    if flag_of(label.get("includeSelectors")):
        return [*specs, *fieldspecs.COMMON_LABELS]
    if flag_of(label.get("includeTemplates")):
        specs += fieldspecs.TEMPLATE_LABELS
    return [*specs, *fieldspecs.METADATA_LABELS]


def set_replicas(resources: Sequence[Resource], item: Map) -> None:
    """An item of `replicas:`. Raises RenderError when no scalable workload has, or had, that name."""
    name = text_of(item.get("name"))
    count = item.get("count") or Leaf(0, item.at)
    found = False
    for spec in fieldspecs.REPLICAS:
        for resource in resources:
            if any(id.name == name and spec.selects(id.gvk) for id in resource.any_ids()):
                found = True
                update(resource.body, spec, lambda _: count, nothing)
    if not found:
        raise RenderError(
            f"resource with name {name} does not match a Deployment, ReplicationController, ReplicaSet or StatefulSet",
            at=place_of(item),
            field="replicas",
            next_step="Correct the name. For a Rollout, which Kustomize does not know, patch /spec/replicas.",
        )


def set_image(resources: Sequence[Resource], item: Map) -> None:
    """An item of `images:`, for containers anywhere, and image volumes."""
    name = text_of(item.get("name"))

    def put(found: Any) -> Any:
        if not isinstance(found, Leaf):
            raise RenderError("an image must be text", at=place_of(found), next_step="Write image: name:tag.")
        changed = new_image(str(found.value), name, item)
        return found if changed is None else Leaf(changed, item.at)

    for resource in resources:
        if resource.gvk.kind == "CustomResourceDefinition":
            continue
        _update_containers(resource.body, put)
        for spec in fieldspecs.IMAGES:
            update(resource.body, spec, put)


def _update_containers(node: Any, put: Callable[[Any], Any]) -> None:
    if isinstance(node, Map):
        for key, value in node.items():
            _update_containers(value, put)
            if key in ("containers", "initContainers") and isinstance(value, Seq):
                for container in value:
                    if isinstance(container, Map) and isinstance(container.get("image"), Leaf):
                        container["image"] = put(container["image"])
    elif isinstance(node, Seq):
        for item in node:
            _update_containers(item, put)


def new_image(image: str, name: str, item: Map) -> str | None:
    """The image that an item of `images:` makes of `image`; None when it is about another one."""
    if _LITERAL_NAME.fullmatch(name):
        # Names are patterns upstream, where a dot means any character; nobody has two images that differ in one.
        if not image.startswith(name) or not _TAG_AND_DIGEST.fullmatch(image, len(name)):
            return None
    elif not selector.matches(f"^{name}{_TAG_AND_DIGEST.pattern}$", image, place_of(item)):
        return None
    base, tag, digest = split_image(image)
    base = text_of(item.get("newName")) or base
    new_tag, new_digest, suffix = (text_of(item.get(key)) for key in ("newTag", "digest", "tagSuffix"))
    if new_tag or new_digest:
        tag, digest = new_tag, new_digest
    elif suffix:
        tag, digest = tag + suffix, ""
    return base + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def split_image(image: str) -> tuple[str, str, str]:
    """Name, tag and digest; a port in the registry's address is no tag."""
    slash = max(image.find("/"), 0)
    rest, digest = image, ""
    at = image.find("@", slash)
    if at >= 0:
        rest, digest = image[:at], image[at + 1 :]
    colon = rest.find(":", slash)
    return (rest, "", digest) if colon < 0 else (rest[:colon], rest[colon + 1 :], digest)


def sort_legacy(resources: list[Resource], first: Sequence[str], last: Sequence[str]) -> list[Resource]:
    """`sortOptions: {order: legacy}`: some kinds first, some last, the others by group, version, kind and name."""
    ranks = {kind: n - len(first) for n, kind in enumerate(first)} | {kind: n + 1 for n, kind in enumerate(last)}

    def key(resource: Resource) -> tuple[int, str, str]:
        gvk, id = resource.gvk, resource.id
        return (
            ranks.get(gvk.kind, 0),
            "_".join((gvk.group or "~G", gvk.version or "~V", gvk.kind or "~K")),
            "|".join((str(gvk), id.namespace or "~X", id.name or "~N")),
        )

    return sorted(resources, key=key)


LEGACY_FIRST = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
]
LEGACY_LAST = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]
