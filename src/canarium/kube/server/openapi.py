"""OpenAPI v3, as far as clients read it: `kubectl explain`, field validation, the merge keys of a strategic patch.

Owns: the documents, one per group and version, and their index. Must not know: HTTP; what else is served.
Source: Kubernetes 1.34, kube-openapi pkg/{builder3,handler3} (layout, names); kubectl pkg/explain/v2 (what is read).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from canarium.kube.coretypes.descriptions import descriptions_of
from canarium.kube.coretypes.schema import Schema, object_schema, scalar_schema, with_words
from canarium.kube.coretypes.table import META, MODULES, Message, Ref, message_of, table
from canarium.kube.resources import Resource

_PREFIX = "#/components/schemas/"
_META_PREFIX = "io.k8s.apimachinery.pkg.apis.meta.v1"
_PACKAGES: Mapping[str, str] = {
    META: _META_PREFIX,
    "apiextensions_v1": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
    "apiregistration_v1": "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
}
"""Where types are named by another package than `io.k8s.api.GROUP.VERSION`."""

_APIEXTENSIONS = _PACKAGES["apiextensions_v1"]
_NAMED_SCALARS: Mapping[str, tuple[str, Schema]] = {
    "Time": (f"{_META_PREFIX}.Time", {"type": "string", "format": "date-time"}),
    "MicroTime": (f"{_META_PREFIX}.MicroTime", {"type": "string", "format": "date-time"}),
    "FieldsV1": (f"{_META_PREFIX}.FieldsV1", {"type": "object"}),
    "RawExtension": ("io.k8s.apimachinery.pkg.runtime.RawExtension", {"type": "object"}),
    "Quantity": (
        "io.k8s.apimachinery.pkg.api.resource.Quantity",
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
    ),
    "IntOrString": (
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
    ),
    "JSON": (f"{_APIEXTENSIONS}.JSON", {}),
    "JSONSchemaPropsOrBool": (f"{_APIEXTENSIONS}.JSONSchemaPropsOrBool", {}),
    "JSONSchemaPropsOrArray": (f"{_APIEXTENSIONS}.JSONSchemaPropsOrArray", {}),
    "JSONSchemaPropsOrStringArray": (f"{_APIEXTENSIONS}.JSONSchemaPropsOrStringArray", {}),
}
"""Types that are no messages of the tables, yet have a component of their own."""

_PATCH = (f"{_META_PREFIX}.Patch", {"type": "object"})

DESCRIPTIONS: Mapping[str, str] = {
    "ConfigMap": "A set of settings by key, for pods to read.",
    "CronJob": "Makes a Job at every time of a schedule.",
    "CustomResourceDefinition": "Adds a kind to the API.",
    "DaemonSet": "One pod on every node that is selected.",
    "Deployment": "A number of equal pods, and how they are replaced when the template changes.",
    "EndpointSlice": "Addresses behind a Service.",
    "Endpoints": "Addresses behind a Service, in the older form.",
    "Event": "Something that happened to an object.",
    "HorizontalPodAutoscaler": "Scales a workload by its metrics.",
    "Ingress": "HTTP rules from hosts and paths to Services.",
    "Job": "Pods that run until enough of them succeed.",
    "Lease": "Who holds a role, and until when.",
    "Namespace": "A scope for names.",
    "NetworkPolicy": "Which traffic pods may have.",
    "Node": "A machine that runs pods.",
    "PersistentVolume": "Storage of the cluster.",
    "PersistentVolumeClaim": "Storage that somebody asks for.",
    "Pod": "Containers that run together on one node.",
    "PodDisruptionBudget": "How many pods of an application may be missing by intent.",
    "ReplicaSet": "A number of equal pods.",
    "Secret": "A set of secret values by key, for pods to read.",
    "Service": "One address for the pods that a selector matches.",
    "ServiceAccount": "Who a pod is when it talks to the API.",
    "StatefulSet": "Pods with names and storage that stay theirs.",
}
"""What the main kinds are."""

_TYPE_FIELDS: Mapping[str, Schema] = {
    "apiVersion": {"type": "string", "description": "Group and version of the object's schema."},
    "kind": {"type": "string", "description": "The object's type."},
}


def index(group_versions: Iterable[str], hashes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The answer to /openapi/v3: where the document of each group and version (`v1`, `apps/v1`) is.

    hashes: of the documents, by group and version; a client that keeps documents asks again when one changed.
    """
    paths = {}
    for name in sorted(group_versions):
        path = f"apis/{name}" if "/" in name else f"api/{name}"
        mark = (hashes or {}).get(name) or hash_of(name.encode())
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={mark}"}
    return {"paths": paths}


def hash_of(document: bytes) -> str:
    """A hash for `index`."""
    return hashlib.sha256(document).hexdigest().upper()


def document(api_version: str, resources: Sequence[Resource], crd_schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """The OpenAPI document of one group and version.

    resources: of any group and version. crd_schemas: structural schemas by kind, of kinds that are not built in.
    """
    components = _Components()
    paths: dict[str, Any] = {}
    for resource in resources:
        if resource.api_version != api_version:
            continue
        schema = crd_schemas.get(resource.kind)
        name = components.add_kind(resource) if schema is None else components.add_custom(resource, schema)
        _Paths(paths, components, resource, name, is_custom=schema is not None).add()
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.34.0"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(components.schemas.items()))},
    }


def _gvk(group: str, version: str, kind: str) -> dict[str, str]:
    return {"group": group, "kind": kind, "version": version}


class _Components:
    """components.schemas, filled with what is referred to."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}

    def add_kind(self, resource: Resource) -> str:
        """The component of a built-in kind, its list's beside it. A kind whose fields nobody knows is any object."""
        message = message_of(resource.api_version, resource.kind)
        items = message_of(resource.api_version, resource.list_kind)
        if message is None or items is None:
            return self.add_custom(resource, {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
        self._message(items)
        return _name(message)

    def add_custom(self, resource: Resource, schema: Schema) -> str:
        """The component of a custom kind, its list's beside it."""
        parts = [*reversed(resource.group.split(".")), resource.version]
        name, list_name = ".".join([*parts, resource.kind]), ".".join([*parts, resource.list_kind])
        own = {key: value for key, value in (schema.get("properties") or {}).items() if key != "metadata"}
        properties = {**_TYPE_FIELDS, **own, "metadata": self._described("ObjectMeta", "Name, labels and the like.")}
        self.schemas[name] = {
            **schema,
            "type": "object",
            "properties": properties,
            "x-kubernetes-group-version-kind": [_gvk(resource.group, resource.version, resource.kind)],
        }
        items = {"type": "array", "items": {"$ref": _PREFIX + name}}
        self.schemas[list_name] = {
            "type": "object",
            "required": ["items"],
            "properties": {**_TYPE_FIELDS, "items": items, "metadata": self._described("ListMeta", "Of the list.")},
            "x-kubernetes-group-version-kind": [_gvk(resource.group, resource.version, resource.list_kind)],
        }
        return name

    def _described(self, name: str, description: str) -> Schema:
        return {"allOf": [self.meta(name)], "description": description}

    def meta(self, name: str) -> Schema:
        """A reference to a type of meta/v1."""
        message = table(META).message(name)
        assert message is not None, name
        return self._message(message)

    def of(self, api_version: str, kind: str) -> Schema:
        """A reference to a built-in kind."""
        message = message_of(api_version, kind)
        assert message is not None, (api_version, kind)
        return self._message(message)

    def patch(self) -> Schema:
        """A reference to a patch."""
        self.schemas[_PATCH[0]] = _PATCH[1]
        return {"$ref": _PREFIX + _PATCH[0]}

    def _message(self, message: Message) -> Schema:
        name = _name(message)
        if name not in self.schemas:
            self.schemas[name] = {}  # a type may contain itself
            schema = _with_descriptions(message.name, object_schema(message, self._part))
            if message.has_type:
                schema = self._as_kind(message, schema)
            self.schemas[name] = schema
        return {"$ref": _PREFIX + name}

    def _as_kind(self, message: Message, schema: dict[str, Any]) -> dict[str, Any]:
        version = next((version for version, module in MODULES.items() if module == message.module), "v1")
        group, _, version = version.rpartition("/")
        described = {"description": DESCRIPTIONS[message.name]} if message.name in DESCRIPTIONS else {}
        return {
            **described,
            **schema,
            "properties": {**schema["properties"], **_TYPE_FIELDS},
            "x-kubernetes-group-version-kind": [_gvk(group, version, message.name)],
        }

    def _part(self, kind: Ref) -> Schema:
        if kind.message is not None:
            return self._message(kind.message)
        if kind.scalar in _NAMED_SCALARS:
            name, schema = _NAMED_SCALARS[kind.scalar]
            self.schemas[name] = schema
            return {"$ref": _PREFIX + name}
        return scalar_schema(kind.scalar)


def _with_descriptions(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    said = descriptions_of(name)
    if not said:
        return schema
    properties = {
        field: with_words(part, {"description": said[field]}) if field in said else part
        for field, part in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def _name(message: Message) -> str:
    group, _, version = message.module.rpartition("_")
    package = _PACKAGES.get(message.module, f"io.k8s.api.{group}.{version}")
    return f"{package}.{message.name}"


# -- paths --------------------------------------------------------------------------------------------------------


def _query(name: str, kind: str = "string") -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": True}}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}


_LISTING = [
    _query("allowWatchBookmarks", "boolean"),
    _query("continue"),
    _query("fieldSelector"),
    _query("labelSelector"),
    _query("limit", "integer"),
    _query("resourceVersion"),
    _query("resourceVersionMatch"),
    _query("sendInitialEvents", "boolean"),
    _query("timeoutSeconds", "integer"),
    _query("watch", "boolean"),
]
_WRITING = [_query("dryRun"), _query("fieldManager"), _query("fieldValidation")]
_DELETING = [
    _query("dryRun"),
    _query("gracePeriodSeconds", "integer"),
    _query("orphanDependents", "boolean"),
    _query("propagationPolicy"),
]
_PATCHES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
_STRATEGIC = "application/strategic-merge-patch+json"
_VERBS = {"get": "read", "list": "list", "post": "create", "put": "replace", "patch": "patch", "delete": "delete"}
_VERBS["deletecollection"] = "deleteCollection"


class _Paths:
    """The paths of one resource."""

    def __init__(
        self, paths: dict[str, Any], components: _Components, resource: Resource, name: str, *, is_custom: bool
    ) -> None:
        self._paths = paths
        self._components = components
        self._resource = resource
        self._object: Schema = {"$ref": _PREFIX + name}
        self._list: Schema = {"$ref": _PREFIX + name.removesuffix(resource.kind) + resource.list_kind}
        self._patches = _PATCHES if is_custom else (*_PATCHES, _STRATEGIC)
        self._gvk = _gvk(resource.group, resource.version, resource.kind)

    def add(self) -> None:
        """Puts them where they belong."""
        resource = self._resource
        base = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
        scope = [_in_path("namespace")] if resource.namespaced else []
        home = f"{base}/namespaces/{{namespace}}" if resource.namespaced else base
        listing = self._operation("get", "list", self._list, parameters=_LISTING)
        if resource.namespaced:
            everywhere = {**listing, "operationId": self._id("list", "", everywhere=True)}
            self._paths[f"{base}/{resource.plural}"] = {"get": everywhere}
        self._paths[f"{home}/{resource.plural}"] = self._with(
            scope,
            get=listing,
            post=self._operation("post", "post", self._object, body=self._object, parameters=_WRITING),
            delete=self._deleting("deletecollection", [*_DELETING, *_LISTING[1:-1]]),
        )
        item = [_in_path("name"), *scope]
        whole = self._changing(self._object)
        whole["delete"] = self._deleting("delete", _DELETING)
        self._paths[f"{home}/{resource.plural}/{{name}}"] = self._with(item, **whole)
        if resource.has_status:
            status = self._changing(self._object, "Status")
            self._paths[f"{home}/{resource.plural}/{{name}}/status"] = self._with(item, **status)
        if "scale" in resource.subresources:
            scale = self._components.of("autoscaling/v1", "Scale")
            operations = self._changing(scale, "Scale", _gvk("autoscaling", "v1", "Scale"))
            self._paths[f"{home}/{resource.plural}/{{name}}/scale"] = self._with(item, **operations)

    def _changing(self, what: Schema, subresource: str = "", gvk: Mapping[str, str] | None = None) -> dict[str, Any]:
        """get, put and patch."""
        return {
            "get": self._operation("get", "get", what, subresource=subresource, gvk=gvk),
            "put": self._operation(
                "put", "put", what, body=what, parameters=_WRITING, subresource=subresource, gvk=gvk
            ),
            "patch": self._operation(
                "patch",
                "patch",
                what,
                body=self._components.patch(),
                parameters=[*_WRITING, _query("force", "boolean")],
                subresource=subresource,
                gvk=gvk,
            ),
        }

    def _deleting(self, action: str, parameters: Sequence[Any]) -> dict[str, Any]:
        status, options = self._components.meta("Status"), self._components.meta("DeleteOptions")
        return self._operation("delete", action, status, body=options, parameters=parameters)

    def _with(self, parameters: Sequence[Any], **operations: Any) -> dict[str, Any]:
        return {**operations, "parameters": [*parameters, _query("pretty")]}

    def _operation(
        self,
        method: str,
        action: str,
        answer: Schema,
        *,
        body: Schema | None = None,
        parameters: Sequence[Any] = (),
        subresource: str = "",
        gvk: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        resource = self._resource
        operation: dict[str, Any] = {
            "operationId": self._id(action, subresource),
            "tags": [f"{resource.group.split('.')[0] or 'core'}_{resource.version}"],
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": dict(gvk or self._gvk),
            "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": answer}}}},
        }
        if parameters:
            operation["parameters"] = list(parameters)
        if body is not None:
            media = self._patches if method == "patch" else ("*/*",)
            operation["requestBody"] = {"content": {one: {"schema": body} for one in media}}
            if method != "delete":
                operation["requestBody"]["required"] = True
        return operation

    def _id(self, action: str, subresource: str, *, everywhere: bool = False) -> str:
        resource = self._resource
        group = "".join(word.capitalize() for word in resource.group.removesuffix(".k8s.io").split(".")) or "Core"
        scope = "Namespaced" if resource.namespaced and not everywhere else ""
        collection = "Collection" if action == "deletecollection" else ""
        verb = _VERBS[action].removesuffix("Collection")
        end = "ForAllNamespaces" if everywhere else ""
        return f"{verb}{group}{resource.version.capitalize()}{collection}{scope}{resource.kind}{subresource}{end}"
