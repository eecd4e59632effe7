"""Names inside resources that follow the resources they name when those are renamed.

Owns: which fields are names of what (facts), and correcting them. Must not know: why a name changed.
Facts from Kustomize 5.8 `builtinpluginconsts/namereference.go`; behaviour follows `api/filters/nameref`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from canarium.gitops.kustomize.fieldspecs import FieldSpec, split_path, update
from canarium.gitops.kustomize.resource import Gvk, Resource, text_at
from canarium.gitops.rendered import RenderError
from canarium.text.located import Leaf, Map, Seq, place_of

_POD_SPECS = {
    "Pod": "spec/",
    "PodTemplate": "template/spec/",
    "CronJob": "spec/jobTemplate/spec/template/spec/",
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job", "ReplicationController"), "spec/template/spec/"
    ),
}
_MOUNTING = ("Pod", "PodTemplate", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job", "CronJob")
_RUNNING = ("Pod", "StatefulSet", "Deployment", "ReplicationController", "CronJob", "Job", "DaemonSet")


def _in_pods(kinds: Sequence[str], *paths: str) -> list[FieldSpec]:
    return [
        FieldSpec(
            split_path(_POD_SPECS[kind] + path), kind, version="v1" if kind == "Pod" and kinds is _MOUNTING else ""
        )
        for kind in kinds
        for path in paths
    ]


def _in(*entries: tuple[str, str]) -> list[FieldSpec]:
    """(path, kind or kind.group)."""
    made = []
    for path, named in entries:
        kind, _, group = named.partition(".")
        made.append(FieldSpec(split_path(path), kind, group))
    return made


_RBAC = "rbac.authorization.k8s.io"
_SCALED = _in(("spec/scaleTargetRef/name", "HorizontalPodAutoscaler"))
_BINDINGS = ("RoleBinding." + _RBAC, "ClusterRoleBinding." + _RBAC)

REFERENCES: tuple[tuple[Gvk, Sequence[FieldSpec]], ...] = (
    (Gvk("", "", "Deployment"), _SCALED),
    (Gvk("", "", "ReplicationController"), _SCALED),
    (Gvk("", "", "ReplicaSet"), _SCALED),
    (Gvk("", "", "StatefulSet"), _SCALED),
    (
        Gvk("", "v1", "ConfigMap"),
        _in_pods(
            _MOUNTING,
            "volumes/configMap/name",
            "containers/env/valueFrom/configMapKeyRef/name",
            "initContainers/env/valueFrom/configMapKeyRef/name",
            "containers/envFrom/configMapRef/name",
            "initContainers/envFrom/configMapRef/name",
            "volumes/projected/sources/configMap/name",
        )
        + _in(
            ("spec/configSource/configMap", "Node"),
            ("rules/resourceNames", "Role"),
            ("rules/resourceNames", "ClusterRole"),
            (r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap", "Ingress"),
        ),
    ),
    (
        Gvk("", "v1", "Secret"),
        _in_pods(
            _MOUNTING,
            "volumes/secret/secretName",
            "containers/env/valueFrom/secretKeyRef/name",
            "initContainers/env/valueFrom/secretKeyRef/name",
            "containers/envFrom/secretRef/name",
            "initContainers/envFrom/secretRef/name",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        )
        + _in(
            ("spec/tls/secretName", "Ingress"),
            (r"metadata/annotations/ingress.kubernetes.io\/auth-secret", "Ingress"),
            (r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret", "Ingress"),
            (r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret", "Ingress"),
            ("imagePullSecrets/name", "ServiceAccount"),
            ("parameters/secretName", "StorageClass"),
            ("parameters/adminSecretName", "StorageClass"),
            ("parameters/userSecretName", "StorageClass"),
            ("parameters/secretRef", "StorageClass"),
            ("rules/resourceNames", "Role"),
            ("rules/resourceNames", "ClusterRole"),
            ("spec/template/spec/containers/env/valueFrom/secretKeyRef/name", "Service.serving.knative.dev"),
            ("spec/azureFile/secretName", "PersistentVolume"),
        ),
    ),
    (
        Gvk("", "v1", "Service"),
        _in(
            ("spec/serviceName", "StatefulSet.apps"),
            ("spec/rules/http/paths/backend/serviceName", "Ingress"),
            ("spec/backend/serviceName", "Ingress"),
            ("spec/rules/http/paths/backend/service/name", "Ingress"),
            ("spec/defaultBackend/service/name", "Ingress"),
            ("spec/service/name", "APIService.apiregistration.k8s.io"),
            ("webhooks/clientConfig/service", "ValidatingWebhookConfiguration.admissionregistration.k8s.io"),
            ("webhooks/clientConfig/service", "MutatingWebhookConfiguration.admissionregistration.k8s.io"),
        ),
    ),
    (Gvk(_RBAC, "", "Role"), _in(("roleRef/name", _BINDINGS[0]))),
    (Gvk(_RBAC, "", "ClusterRole"), _in(*(("roleRef/name", kind) for kind in _BINDINGS))),
    (
        Gvk("", "v1", "ServiceAccount"),
        _in(*(("subjects", kind) for kind in _BINDINGS)) + _in_pods(_RUNNING, "serviceAccountName"),
    ),
    (Gvk("", "v1", "PersistentVolumeClaim"), _in_pods(_RUNNING, "volumes/persistentVolumeClaim/claimName")),
    (
        Gvk("", "v1", "PersistentVolume"),
        _in(("spec/volumeName", "PersistentVolumeClaim"), ("rules/resourceNames", "ClusterRole")),
    ),
    (
        Gvk("storage.k8s.io", "v1", "StorageClass"),
        _in(
            ("spec/storageClassName", "PersistentVolume"),
            ("spec/storageClassName", "PersistentVolumeClaim"),
            ("spec/volumeClaimTemplates/spec/storageClassName", "StatefulSet"),
        ),
    ),
    (Gvk("scheduling.k8s.io", "v1", "PriorityClass"), _in_pods(_RUNNING, "priorityClassName")),
    # Upstream writes the group as `networking.k8s.io/v1`, which no resource has: the entry never applies.
    (Gvk("networking.k8s.io/v1", "v1", "IngressClass"), _in(("spec/ingressClassName", "Ingress"))),
    (
        Gvk("admissionregistration.k8s.io", "", "ValidatingAdmissionPolicy"),
        _in(("spec/policyName", "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io")),
    ),
)
"""For each kind that can be named: the fields that name it."""


def fix_references(resources: Sequence[Resource]) -> None:
    """Correct every field that names, by an earlier name, a resource that was renamed."""
    renamed = [resource for resource in resources if resource.previous]
    if not renamed:
        return
    for target, specs in REFERENCES:
        candidates = [
            resource for resource in renamed if any(id.gvk.is_selected_by(*target) for id in resource.previous_ids())
        ]
        if not candidates:
            continue
        for referrer in resources:
            first = referrer.original_id().gvk
            for spec in specs:
                if spec.selects(first):
                    _Correction(referrer, spec, candidates).run()


class _Correction:
    """One field spec of one referrer, and the resources it may name."""

    def __init__(self, referrer: Resource, spec: FieldSpec, candidates: Sequence[Resource]) -> None:
        self.referrer = referrer
        self.spec = spec
        now = referrer.id
        others = _subject_namespaces(referrer)
        self.reachable = [
            resource
            for resource in candidates
            if now.is_cluster_scoped
            or (id := resource.id).is_cluster_scoped
            or id.effective_namespace == now.effective_namespace
            or resource.namespace in others
        ]

    def run(self) -> None:
        gvk = self.referrer.gvk
        if self.reachable:
            update(self.referrer.body, FieldSpec(self.spec.path, gvk.kind, gvk.group, gvk.version), self.corrected)

    def corrected(self, found: Any) -> Any:
        if isinstance(found, Seq):
            found[:] = [self.corrected(item) for item in found]
            return found
        if isinstance(found, Map):
            return self.corrected_map(found)
        if not isinstance(found, Leaf) or not isinstance(found.value, str):
            return found
        named = self.select(found.value, found, self.reachable, lambda resource: resource.name)
        return found if named is None or named.name == found.value else Leaf(named.name, found.at)

    def corrected_map(self, found: Map) -> Map:
        """A reference with a name and perhaps a namespace, as in `subjects`."""
        leaf = found.get("name")
        if not isinstance(leaf, Leaf):
            raise RenderError(
                "a reference here needs a name", at=place_of(found), field="name", next_step="Add name: to it."
            )
        candidates = self.reachable
        namespace = text_at(found, "namespace")
        if "namespace" in found:
            first = [r for r in candidates if r.original_id().effective_namespace == namespace]
            candidates = first or [r for r in candidates if r.id.effective_namespace == namespace]
        named = self.select(str(leaf.value), found, candidates, lambda resource: (resource.name, resource.namespace))
        if named is None or (named.name == leaf.value and not named.namespace):
            return found
        found["name"] = Leaf(named.name, leaf.at)
        if named.namespace:
            found["namespace"] = named.metadata()["namespace"]
        return found

    def select(
        self, name: str, found: Any, candidates: Sequence[Resource], identity: Callable[[Resource], Any]
    ) -> Resource | None:
        """The renamed resource that `name` stood for. Raises RenderError when there are several different ones."""
        left = [resource for resource in candidates if any(id.name == name for id in resource.previous_ids())]
        left = [resource for resource in left if self.fits_role(resource) and self.is_near(resource)]
        if len(left) == 1:
            return left[0]
        left = [resource for resource in left if self.same_affixes(resource, allow_empty=True)]
        if len(left) > 1:
            left = [resource for resource in left if self.same_affixes(resource, allow_empty=False)]
        if not left:
            return None
        if len({identity(resource) for resource in left}) > 1:
            raise RenderError(
                f"found multiple possible referrals for {name!r}: {', '.join(str(resource.id) for resource in left)}",
                at=place_of(found),
                next_step="Give them different names, or name the namespace.",
            )
        return left[0]

    def fits_role(self, resource: Resource) -> bool:
        """A roleRef names its kind and group too."""
        if self.spec.path[-2:] != ("roleRef", "name"):
            return True
        ref = self.referrer.body.get("roleRef")
        if not isinstance(ref, Map) or "apiGroup" not in ref or "kind" not in ref:
            return True
        group, kind = text_at(ref, "apiGroup"), text_at(ref, "kind")
        return any(id.gvk.is_selected_by(group=group, kind=kind) for id in resource.previous_ids())

    def is_near(self, resource: Resource) -> bool:
        """In the same namespace, or of a kind that is named across namespaces."""
        now, its = self.referrer.id, resource.id
        return (
            now.is_cluster_scoped
            or its.is_cluster_scoped
            or its.gvk.kind == "ServiceAccount"
            or now.effective_namespace == its.effective_namespace
        )

    def same_affixes(self, resource: Resource, *, allow_empty: bool) -> bool:
        """Whether both went through the same prefixes and suffixes."""
        return _same_ending(self.referrer.prefixes, resource.prefixes, allow_empty) and _same_ending(
            self.referrer.suffixes, resource.suffixes, allow_empty
        )


def _same_ending(left: Sequence[str], right: Sequence[str], allow_empty: bool) -> bool:
    if not left or not right:
        return allow_empty or len(left) == len(right)
    length = min(len(left), len(right))
    return list(left[-length:]) == list(right[-length:])


def _subject_namespaces(resource: Resource) -> set[str]:
    if resource.gvk.kind != "RoleBinding":
        return set()
    subjects = resource.body.get("subjects")
    return {
        text_at(subject, "namespace")
        for subject in (subjects if isinstance(subjects, Seq) else ())
        if text_at(subject, "kind") == "ServiceAccount" and text_at(subject, "namespace")
    }
