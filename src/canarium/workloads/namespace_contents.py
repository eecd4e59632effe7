"""What every namespace has from the start: the ServiceAccount `default` and the ConfigMap `kube-root-ca.crt`.

Owns: making them, and making them again. Must not know: where the certificate comes from, who reads it.
Source: Kubernetes 1.34 pkg/controller/serviceaccount/serviceaccounts_controller.go and
pkg/controller/certificates/rootcacertpublisher/publisher.go. One controller here, since both look at the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Action, Create, Decision, Patch, Reason
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS

SERVICE_ACCOUNT = "default"
ROOT_CA = "kube-root-ca.crt"
DESCRIPTION_ANNOTATION = "kubernetes.io/description"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class Furnished(Reason, frozen=True):
    """What had to be made; nothing when the namespace has all it needs."""

    made: tuple[str, ...]

    def __str__(self) -> str:
        return f"made {', '.join(self.made)}" if self.made else "the namespace has its ServiceAccount and root CA"


class NotActive(Reason, frozen=True):
    """The namespace is going; what is made in it would only have to be deleted."""

    def __str__(self) -> str:
        return "the namespace is being deleted"


class ObservedContents(msgspec.Struct, frozen=True, kw_only=True):
    """A namespace and, where they are, its own ServiceAccount and ConfigMap. root_ca: the text there should be."""

    namespace: Obj
    service_account: Obj | None
    config_map: Obj | None
    root_ca: str


class NamespaceContentsController:
    """A `Reconciler` of namespaces. root_ca: PEM text; empty for no ConfigMap."""

    name = "serviceaccount-controller"
    primary = NAMESPACES
    watches: Sequence[Watch]

    def __init__(self, cluster: Cluster, listers: Listers, root_ca: str) -> None:
        del cluster
        self._root_ca = root_ca
        self._namespaces = listers(NAMESPACES)
        self._accounts = listers(SERVICE_ACCOUNTS)
        self._config_maps = listers(CONFIG_MAPS)
        self.watches = (
            Watch(SERVICE_ACCOUNTS, lambda obj: _namespace_of(obj, SERVICE_ACCOUNT)),
            Watch(CONFIG_MAPS, lambda obj: _namespace_of(obj, ROOT_CA)),
        )

    async def observe(self, key: ObjectKey) -> ObservedContents | None:
        """See `Reconciler`."""
        namespace = self._namespaces.get(*key)
        if namespace is None:
            return None
        return ObservedContents(
            namespace=namespace,
            service_account=self._accounts.get(key.name, SERVICE_ACCOUNT),
            config_map=self._config_maps.get(key.name, ROOT_CA),
            root_ca=self._root_ca,
        )

    def subject(self, observed: ObservedContents) -> Obj:
        """See `Reconciler`."""
        return observed.namespace

    def decide(self, observed: ObservedContents, now: datetime) -> Decision:
        """See `decide`."""
        del now
        return decide(observed)


def _namespace_of(obj: Obj, name: str) -> list[ObjectKey]:
    metadata = obj["metadata"]
    return [ObjectKey("", metadata["namespace"])] if metadata["name"] == name else []


def decide(observed: ObservedContents) -> Decision:
    """Make what is missing, and set right a certificate that somebody changed."""
    metadata = observed.namespace["metadata"]
    if metadata.get("deletionTimestamp"):
        return Decision(because=(NotActive(),))
    actions: list[Action] = []
    made: list[str] = []
    if observed.service_account is None:
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": SERVICE_ACCOUNT, "namespace": metadata["name"]},
        }
        actions.append(Create(resource=SERVICE_ACCOUNTS, obj=account))
        made.append(f"ServiceAccount {SERVICE_ACCOUNT}")
    if observed.root_ca and (action := _published(metadata["name"], observed.config_map, observed.root_ca)):
        actions.append(action)
        made.append(f"ConfigMap {ROOT_CA}")
    return Decision(actions=tuple(actions), because=(Furnished(tuple(made)),))


def _published(namespace: str, found: Obj | None, root_ca: str) -> Action | None:
    data, annotations = {"ca.crt": root_ca}, {DESCRIPTION_ANNOTATION: DESCRIPTION}
    if found is None:
        obj = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": ROOT_CA, "namespace": namespace, "annotations": annotations},
            "data": data,
        }
        return Create(resource=CONFIG_MAPS, obj=obj)
    if found.get("data") == data:
        return None
    others = dict.fromkeys(sorted((found.get("data") or {}).keys() - data.keys()))
    return Patch(
        resource=CONFIG_MAPS,
        namespace=namespace,
        name=ROOT_CA,
        patch={"metadata": {"annotations": annotations}, "data": {**others, **data}},
        resource_version=found["metadata"]["resourceVersion"],
    )
