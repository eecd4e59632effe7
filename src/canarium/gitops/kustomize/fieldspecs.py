"""Where Kustomize looks for labels, images, replicas and the like.

Owns: the built-in field specs (facts) and walking them. Must not know: what is written there.
Facts from Kustomize 5.8 `api/internal/konfig/builtinpluginconsts`; walking follows `api/filters/fieldspec`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from canarium.gitops.kustomize.resource import Gvk, gvk_of
from canarium.gitops.rendered import RenderError
from canarium.text.located import At, Leaf, Map, Seq, new_map, place_of


class FieldSpec(msgspec.Struct, frozen=True):
    """A path inside resources of a kind. creates: makes what is missing on the way."""

    path: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""
    creates: bool = False

    def selects(self, gvk: Gvk) -> bool:
        """Whether it applies to resources of that kind."""
        return gvk.is_selected_by(self.group, self.version, self.kind)


def split_path(path: str) -> tuple[str, ...]:
    """The steps of `spec/containers[]/image`; `\\/` is a slash inside a step."""
    if "\\" not in path:  # most of some hundred that are split when this is imported
        return tuple(filter(None, path.split("/")))
    return tuple(step.replace("\\/", "/") for step in re.split(r"(?<!\\)/", path.strip("/")) if step)


def _specs(table: str) -> tuple[FieldSpec, ...]:
    """`path [kind[.group][@version]] [+]` per line; `+` creates what is missing."""
    specs = []
    for line in table.strip().splitlines():
        words = line.split()
        creates = words[-1] == "+"
        rest = words[1 : len(words) - creates]
        named, _, version = rest[0].partition("@") if rest else ("", "", "")
        kind, _, group = named.partition(".")
        specs.append(FieldSpec(split_path(words[0]), kind, group, version, creates))
    return tuple(specs)


_ANNOTATED_TEMPLATES = """
spec/template/metadata/{what} ReplicationController@v1 +
spec/template/metadata/{what} Deployment +
spec/template/metadata/{what} ReplicaSet +
spec/template/metadata/{what} DaemonSet +
spec/template/metadata/{what} StatefulSet{apps} +
spec/template/metadata/{what} Job.batch +
spec/jobTemplate/metadata/{what} CronJob.batch +
spec/jobTemplate/spec/template/metadata/{what} CronJob.batch +
"""

METADATA_LABELS = _specs("metadata/labels +")
TEMPLATE_LABELS = (
    METADATA_LABELS
    + _specs(_ANNOTATED_TEMPLATES.format(what="labels", apps=".apps"))
    + _specs("spec/volumeClaimTemplates[]/metadata/labels StatefulSet.apps +")
)

_AFFINITY = "".join(
    f"spec/template/spec/{path}/matchLabels {kind}.apps\n"
    for kind in ("Deployment", "StatefulSet")
    for path in (
        "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector",
        "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector",
        "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector",
        "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector",
        "topologySpreadConstraints/labelSelector",
    )
)
COMMON_LABELS = (
    _specs(
        """
spec/selector Service@v1 +
spec/selector ReplicationController@v1 +
spec/selector/matchLabels Deployment +
spec/selector/matchLabels ReplicaSet +
spec/selector/matchLabels DaemonSet +
spec/selector/matchLabels StatefulSet.apps +
spec/selector/matchLabels Job.batch
spec/jobTemplate/spec/selector/matchLabels CronJob.batch
spec/selector/matchLabels PodDisruptionBudget.policy
spec/podSelector/matchLabels NetworkPolicy.networking.k8s.io
spec/ingress/from/podSelector/matchLabels NetworkPolicy.networking.k8s.io
spec/egress/to/podSelector/matchLabels NetworkPolicy.networking.k8s.io
"""
    )
    + _specs(_AFFINITY)
    + TEMPLATE_LABELS
)
COMMON_ANNOTATIONS = _specs("metadata/annotations +") + _specs(_ANNOTATED_TEMPLATES.format(what="annotations", apps=""))
IMAGES = _specs(
    """
spec/containers[]/image +
spec/initContainers[]/image +
spec/volumes[]/image/reference +
spec/template/spec/containers[]/image +
spec/template/spec/initContainers[]/image +
spec/template/spec/volumes[]/image/reference +
"""
)
REPLICAS = _specs(
    """
spec/replicas Deployment +
spec/replicas ReplicationController +
spec/replicas ReplicaSet +
spec/replicas StatefulSet +
"""
)
NAMESPACE = _specs(
    """
metadata/name Namespace +
spec/service/namespace APIService.apiregistration.k8s.io +
spec/conversion/webhook/clientConfig/service/namespace CustomResourceDefinition.apiextensions.k8s.io
"""
)

Setter = Callable[[Any], Any]
"""From the value found at the end of a path to the one that replaces it."""

Maker = Callable[[At], Any]
"""The value to start from where a path ends in nothing."""


def empty_map(at: At) -> Map:
    """An empty object, to be filled by a setter."""
    return new_map(at)


def nothing(at: At) -> Leaf:
    """A null, to be replaced by a setter."""
    return Leaf(None, at)


def update(body: Map, spec: FieldSpec, setter: Setter, make: Maker | None = None) -> None:
    """Replace what `spec` leads to in `body`, in place. make: what to start from at the end of a missing path."""
    if spec.selects(gvk_of(body)):
        _walk(body, spec.path, spec.creates, setter, make)


def _walk(node: Any, path: tuple[str, ...], creates: bool, setter: Setter, make: Maker | None) -> None:
    if isinstance(node, Seq):
        for item in node:
            _walk(item, path, creates, setter, make)
        return
    if isinstance(node, Leaf):
        if node.value is None:
            return
        raise RenderError(
            f"expected an object or a list on the way to {'/'.join(path)}",
            at=place_of(node),
            next_step="Correct the manifest here; a transformer of the kustomization needs this field.",
        )
    name, is_last = path[0].removesuffix("[]"), len(path) == 1
    child = node.get(name)
    if child is None or (isinstance(child, Leaf) and child.value is None):
        if not creates or make is None or path[0].endswith("[]"):
            return
        at = node.at if child is None else child.at
        child = make(at) if is_last else new_map(at)
    if is_last:
        node[name] = setter(child)
        return
    _walk(child, path[1:], creates, setter, make)
    node[name] = child
