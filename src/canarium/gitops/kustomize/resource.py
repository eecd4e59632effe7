"""A resource on its way through a kustomization: its body, the names it had before, and how it is identified.

Owns: `Resource`, `ResId`, which kinds are cluster scoped, and reading resources out of YAML.
Must not know: kustomization files or transformers.
Behaviour follows Kustomize 5.8 `api/resource`, `kyaml/resid` and `kyaml/kio`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from canarium.errors import Place
from canarium.gitops.rendered import RenderError
from canarium.text import yaml
from canarium.text.located import At, Leaf, Map, Seq, locate, new_map, place_of

CLUSTER_SCOPED = frozenset(
    [
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("policy", "PodSecurityPolicy"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("", "ComponentStatus"),
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
    ]
)
"""Kinds (group, kind) that Kustomize leaves without a namespace. It takes every other kind to be namespaced."""

NOT_NAMESPACED = "_non_namespaceable_"


class Gvk(NamedTuple):
    """Group, version, kind."""

    group: str
    version: str
    kind: str

    def is_selected_by(self, group: str = "", version: str = "", kind: str = "") -> bool:
        """Whether it is what the arguments name; an empty argument allows anything."""
        return (
            (not group or group == self.group)
            and (not version or version == self.version)
            and (not kind or kind == self.kind)
        )

    def __str__(self) -> str:
        return ".".join((self.kind or "[noKind]", self.version or "[noVer]", self.group or "[noGrp]"))


class ResId(NamedTuple):
    """What must be unique among the resources of a kustomization."""

    gvk: Gvk
    name: str
    namespace: str

    @property
    def is_cluster_scoped(self) -> bool:
        """Whether the kind has no namespace."""
        return (self.gvk.group, self.gvk.kind) in CLUSTER_SCOPED

    @property
    def effective_namespace(self) -> str:
        """Never empty: `default` stands for none, and a marker for cluster scope."""
        return NOT_NAMESPACED if self.is_cluster_scoped else self.namespace or "default"

    def equals(self, other: ResId) -> bool:
        """Whether both name the same object."""
        return (
            self.name == other.name and self.gvk == other.gvk and self.effective_namespace == other.effective_namespace
        )

    def __str__(self) -> str:
        return f"{self.gvk}/{self.name or '[noName]'}.{self.namespace or '[noNs]'}"


class Resource(msgspec.Struct, eq=False):
    """One object being built; its body is changed in place by the transformers of one render."""

    body: Map
    origin: str
    previous: list[tuple[str, str, str]] = msgspec.field(default_factory=list)
    """Namespace, name, kind it had before, oldest first."""
    prefixes: list[str] = msgspec.field(default_factory=list)
    suffixes: list[str] = msgspec.field(default_factory=list)
    needs_hash: bool = False
    behavior: str = ""

    @property
    def gvk(self) -> Gvk:
        """Of its current apiVersion and kind."""
        return gvk_of(self.body)

    @property
    def name(self) -> str:
        """metadata.name, as it is now."""
        return text_at(self.body, "metadata", "name")

    @property
    def namespace(self) -> str:
        """metadata.namespace, as it is now; empty for none."""
        return text_at(self.body, "metadata", "namespace")

    @property
    def id(self) -> ResId:
        """Its current identity."""
        return ResId(self.gvk, self.name, self.namespace)

    def previous_ids(self) -> list[ResId]:
        """The identities it had, oldest first."""
        gvk = self.gvk
        return [ResId(Gvk(gvk.group, gvk.version, kind), name, namespace) for namespace, name, kind in self.previous]

    def any_ids(self) -> list[ResId]:
        """The identities it had, then the current one."""
        return [*self.previous_ids(), self.id]

    def original_id(self) -> ResId:
        """Its first identity."""
        ids = self.previous_ids()
        return ids[0] if ids else self.id

    def remember(self) -> None:
        """Note the current identity, before it changes."""
        now = self.id
        self.previous.append((now.effective_namespace, now.name, now.gvk.kind))

    def metadata(self) -> Map:
        """Its metadata, made when missing."""
        found = self.body.get("metadata")
        if not isinstance(found, Map):
            found = self.body["metadata"] = new_map(self.body.at)
        return found

    @property
    def place(self) -> Place:
        """Where its manifest starts."""
        return place_of(self.body)

    def __str__(self) -> str:
        return f"{self.gvk.kind} {self.name}"


def text_at(body: Any, *path: str) -> str:
    """The text at a path; empty when it is absent or not text."""
    for step in path:
        if not isinstance(body, Map):
            return ""
        body = body.get(step)
    return body.value if isinstance(body, Leaf) and isinstance(body.value, str) else ""


def gvk_of(body: Map) -> Gvk:
    """Group, version and kind out of apiVersion and kind."""
    group, slash, version = text_at(body, "apiVersion").rpartition("/")
    return Gvk(group if slash else "", version, text_at(body, "kind"))


def read_resources(text: str | bytes, file: str, *, below: At | None = None) -> list[Resource]:
    """The resources in a file, lists expanded, in Kustomize's order.

    below: the text is a block of another file, which starts there. Raises YamlError and RenderError.
    """
    documents = load_below(text, file, below, yaml.Rules.KUSTOMIZE)
    bodies = [locate(document, below=below) for document in documents]
    result: list[Resource] = []
    while bodies:
        body = bodies.pop(0)
        if isinstance(body, Map) and not body:
            continue
        check_resource(body)
        kind = text_at(body, "kind")
        if kind.endswith("List") and "items" in body:
            items = body["items"]
            if isinstance(items, Seq):
                bodies += items
                continue
            if isinstance(items, Leaf) and items.value is None:
                continue
            raise RenderError(
                f"items of a {kind} must be a list", at=place_of(items), field="items", next_step="Write a YAML list."
            )
        result.append(Resource(body=body, origin=file))
    return result


def load_below(text: str | bytes, file: str, below: At | None, rules: yaml.Rules) -> list[yaml.Document]:
    """`yaml.load_all`, with the places of errors moved to the block that the text came from."""
    try:
        return yaml.load_all(text, file, rules)
    except yaml.YamlError as error:
        if below is None or error.at is None:
            raise
        at = Place(below[0], below[1] + error.at.line)
        raise yaml.YamlError(error.problem, at=at, field=error.field, next_step=error.next_step) from error


def check_resource(body: Any) -> None:
    """Raise RenderError unless it looks like a Kubernetes object."""
    if not isinstance(body, Map):
        raise RenderError(
            "this is not a Kubernetes object",
            at=place_of(body),
            next_step="A manifest is a mapping with apiVersion, kind and metadata.name.",
        )
    if not text_at(body, "kind"):
        raise RenderError(
            "the object has no kind", at=place_of(body), field="kind", next_step="Add apiVersion and kind."
        )
    is_list = text_at(body, "kind").endswith("List")
    if not is_list and not text_at(body, "metadata", "name"):
        raise RenderError(
            f"missing metadata.name in object {gvk_of(body)}",
            at=place_of(body),
            field="metadata.name",
            next_step="Give the object a name, as text (quote a number).",
        )
