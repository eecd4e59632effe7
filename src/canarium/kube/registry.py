"""What the API server means, without HTTP.

Owns: names, uids, generation, optimistic concurrency, defaulting, validation, status subresources, patches, finalizers
and graceful deletion, CustomResourceDefinitions. Must not know: who asks or how; latency; watches.
Source: Kubernetes 1.34, apiserver registry/generic/registry/store.go and registry/rest/{create,update,delete}.go.

Garbage collection and the emptying of namespaces are controllers (`workloads/`), as upstream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canarium.clock import Chance
from canarium.kube import schema as schemas
from canarium.kube.cluster import AlreadyExists, ApiError, Conflict, NotFound, PatchType, Subresource
from canarium.kube.defaults import with_core_defaults
from canarium.kube.objects import Obj, ObjectKey, format_time, parse_time
from canarium.kube.patch import PatchError, json_patch, merge, strategic
from canarium.kube.patch.merge import equal
from canarium.kube.resources import (
    CONFIG_MAPS,
    CORE,
    CUSTOM_RESOURCE_DEFINITIONS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from canarium.kube.schema import Cause
from canarium.kube.store.port import Store, Stored
from canarium.kube.validation import core_problems, metadata_problems

_decode = msgspec.json.Decoder().decode

_WITHOUT_GENERATION = (CONFIG_MAPS, EVENTS, NAMESPACES, NODES, SECRETS, SERVICES, SERVICE_ACCOUNTS)
"""Kinds whose strategy upstream never sets metadata.generation."""

_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


class Registry:
    """The API's rules over a store. All methods are synchronous and take effect at once. What they return is nobody
    else's, but may share parts with the request.

    now: the time stamped on objects. chance: uids and generated names.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime], chance: Chance) -> None:
        self.store = store
        self._now = now
        self._chance = chance
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self._schemas: dict[Resource, Mapping[str, Any]] = {}
        for resource in CORE:
            self._by_kind[(resource.api_version, resource.kind)] = resource

    def resource_for(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind, or None when nobody defined it."""
        return self._by_kind.get((api_version, kind))

    def resources(self) -> Sequence[Resource]:
        """Every resource that exists now, ordered by group and plural."""
        return sorted(self._by_kind.values(), key=lambda resource: (resource.group, resource.plural))

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, resource: Resource, key: ObjectKey) -> Obj:
        """A copy of one object. Raises NotFound."""
        return _object(self._stored(resource, key))

    def list(self, resource: Resource, namespace: str | None = None) -> list[Stored]:
        """All objects (of a namespace) as stored, ordered by namespace and name. Raises NotFound (unknown resource)."""
        self._must_exist(resource)
        return self.store.list(resource, namespace)

    def _stored(self, resource: Resource, key: ObjectKey) -> Stored:
        self._must_exist(resource)
        stored = self.store.get(resource, key)
        if stored is None:
            raise NotFound(404, "NotFound", f'{resource.group_resource} "{key.name}" not found')
        return stored

    def _must_exist(self, resource: Resource) -> None:
        if (resource.api_version, resource.kind) not in self._by_kind:
            raise NotFound(404, "NotFound", "the server could not find the requested resource")

    # -- create -------------------------------------------------------------------------------------------------

    def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        """Store a new object. Raises AlreadyExists, NotFound (namespace), ApiError (Invalid, Forbidden)."""
        self._must_exist(resource)
        obj = self._typed(resource, obj)
        metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVER_OWNED}
        if metadata.get("resourceVersion"):
            raise ApiError(400, "BadRequest", "resourceVersion should not be set on objects to be created")
        metadata.pop("resourceVersion", None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = self._free_name(resource, metadata.get("namespace", ""), metadata["generateName"])
        metadata.update(uid=self._chance.uid(), creationTimestamp=format_time(self._now()))
        if resource not in _WITHOUT_GENERATION:
            metadata["generation"] = 1
        created: Obj = {**obj, "metadata": metadata}
        if resource.has_status:
            created.pop("status", None)
        if resource == PODS:
            created["status"] = {"phase": "Pending"}
        created = self._prepared(resource, created, old=None)
        key = ObjectKey(metadata.get("namespace", ""), metadata["name"])
        self._check_namespace(resource, key)
        if self.store.get(resource, key) is not None:
            raise AlreadyExists(409, "AlreadyExists", f'{resource.group_resource} "{key.name}" already exists')
        if dry_run:
            return created
        if resource == CUSTOM_RESOURCE_DEFINITIONS:
            created = self._define(created)
        return _stamped(created, self.store.put(resource, key, created))

    def _free_name(self, resource: Resource, namespace: str, base: str) -> str:
        """A generated name; a taken one is replaced by another draw, up to seven times."""
        for _ in range(8):
            name = f"{base[:58]}{self._chance.suffix()}"
            if self.store.get(resource, ObjectKey(namespace, name)) is None:
                break
        return name

    def _typed(self, resource: Resource, obj: Obj) -> Obj:
        """The object with its kind spelled out and, when namespaced, its namespace checked."""
        metadata = obj.get("metadata")
        if not isinstance(metadata, dict):
            raise ApiError(
                400, "BadRequest", "metadata: Required value", causes=[("metadata", "FieldValueRequired", "")]
            )
        for name, wanted in (("apiVersion", resource.api_version), ("kind", resource.kind)):
            if obj.get(name, wanted) != wanted:
                raise ApiError(
                    400,
                    "BadRequest",
                    f"the object provided has {name} {obj[name]!r}, but {resource.group_resource} takes {wanted!r}",
                )
        if resource.namespaced and not metadata.get("namespace"):
            raise ApiError(400, "BadRequest", "an empty namespace may not be set during creation")
        if not resource.namespaced and metadata.get("namespace"):
            raise ApiError(400, "BadRequest", f"{resource.kind} is not namespaced")
        return {**obj, "apiVersion": resource.api_version, "kind": resource.kind}

    def _check_namespace(self, resource: Resource, key: ObjectKey) -> None:
        if not resource.namespaced:
            return
        stored = self.store.get(NAMESPACES, ObjectKey("", key.namespace))
        if stored is None:
            raise NotFound(404, "NotFound", f'namespaces "{key.namespace}" not found')
        if _object(stored)["metadata"].get("deletionTimestamp"):
            message = (
                f'{resource.group_resource} "{key.name}" is forbidden: unable to create new content in namespace'
                f" {key.namespace} because it is being terminated"
            )
            raise ApiError(403, "Forbidden", message)

    def _prepared(self, resource: Resource, obj: Obj, *, old: Obj | None) -> Obj:
        """Defaulted, pruned and validated. Raises ApiError (Invalid)."""
        schema = self._schemas.get(resource)
        if schema is None:
            obj = with_core_defaults(resource, obj)
            if resource == SERVICES:
                obj = self._with_address(obj, old)
            causes = core_problems(resource, obj, old)
        else:
            obj, causes = schemas.reviewed(obj, old, schema)
        causes = metadata_problems(resource, obj, old) + causes
        if causes:
            raise _invalid(resource, obj["metadata"].get("name", ""), causes)
        return obj

    def _with_address(self, service: Obj, old: Obj | None) -> Obj:
        """A Service with its ClusterIP: the one it had, the one it asks for, or the next free one of 10.96.0.0/16."""
        spec = service["spec"]
        if spec["type"] == "ExternalName" or spec.get("clusterIP"):
            return (
                service if "clusterIPs" in spec or "clusterIP" not in spec else _addressed(service, spec["clusterIP"])
            )
        if old is not None and old["spec"].get("clusterIP"):
            return _addressed(service, old["spec"]["clusterIP"])
        taken = {_object(stored)["spec"].get("clusterIP") for stored in self.store.list(SERVICES)}
        number = 256
        while (address := f"10.96.{number >> 8}.{number & 255}") in taken:
            number += 1
        return _addressed(service, address)

    # -- update and patch ---------------------------------------------------------------------------------------

    def update(self, resource: Resource, obj: Obj, *, subresource: Subresource = "", dry_run: bool = False) -> Obj:
        """Replace an object or its status. Raises NotFound, Conflict, ApiError."""
        obj = self._typed(resource, obj)
        metadata = obj["metadata"]
        key = ObjectKey(metadata.get("namespace", ""), metadata.get("name", ""))
        stored = self._stored(resource, key)
        if resource in self._schemas and not metadata.get("resourceVersion"):
            message = "Invalid value: 0: must be specified for an update"
            raise _invalid(resource, key.name, [("metadata.resourceVersion", "FieldValueInvalid", message)])
        return self._replace(resource, key, stored, _object(stored), obj, subresource=subresource, dry_run=dry_run)

    def patch(
        self,
        resource: Resource,
        key: ObjectKey,
        patch: Any,
        *,
        type: PatchType = "merge",
        subresource: Subresource = "",
        dry_run: bool = False,
    ) -> Obj:
        """Change part of an object. Raises NotFound, Conflict, ApiError (Invalid, UnsupportedMediaType)."""
        stored = self._stored(resource, key)
        current = _object(stored)
        try:
            match type:
                case "merge":
                    changed = merge.apply(current, patch)
                case "json":
                    changed = json_patch.apply(current, patch)
                case "strategic" if resource in self._schemas:
                    raise ApiError(
                        415,
                        "UnsupportedMediaType",
                        "the body of the request was in an unknown format - accepted media types include:"
                        " application/json-patch+json, application/merge-patch+json",
                    )
                case "strategic":
                    changed = strategic.apply(current, patch, (resource.group, resource.kind))
                case "apply":
                    raise ApiError(501, "NotImplemented", "server-side apply is not built yet; use a merge patch")
        except PatchError as error:
            raise ApiError(422, "Invalid", f"the patch cannot be applied: {error.problem}") from error
        if not isinstance(changed, dict):
            raise ApiError(422, "Invalid", "the patch leaves no object behind")
        return self._replace(resource, key, stored, current, changed, subresource=subresource, dry_run=dry_run)

    def _replace(
        self,
        resource: Resource,
        key: ObjectKey,
        stored: Stored,
        old: Obj,
        wanted: Obj,
        *,
        subresource: Subresource,
        dry_run: bool,
    ) -> Obj:
        self._check_versions(resource, key, stored, old, wanted)
        metadata = dict(wanted["metadata"])
        if (metadata.get("namespace", ""), metadata.get("name")) != (key.namespace, key.name):
            raise ApiError(400, "BadRequest", "the name of the object does not match the name on the URL")
        for field in (*_SERVER_OWNED, "resourceVersion"):
            metadata.pop(field, None)
            if field in old["metadata"]:
                metadata[field] = old["metadata"][field]
        new: Obj = {**wanted, "apiVersion": old["apiVersion"], "kind": old["kind"], "metadata": metadata}
        if subresource == "scale":
            raise ApiError(501, "NotImplemented", "the scale subresource is not built yet; patch spec.replicas")
        if subresource == "status":
            if not resource.has_status:
                raise NotFound(404, "NotFound", "the server could not find the requested resource")
            new = {**old}
            if "status" in wanted:
                new["status"] = wanted["status"]
            else:
                new.pop("status", None)
        elif resource.has_status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        if subresource == "status":
            if resource in self._schemas:  # the status of a custom resource is pruned and judged like its spec
                new = self._prepared(resource, new, old=old)
        else:
            new = self._prepared(resource, new, old=old)
            if "generation" in old["metadata"] and _says_more(resource, old, new):
                new["metadata"] = {**new["metadata"], "generation": old["metadata"]["generation"] + 1}
        if new == old and equal(new, old):
            return old  # nothing changed: no write, no event, the same version
        if dry_run:
            return new
        if _is_finished(new):
            return _object(self._remove(resource, key, new))
        if resource == CUSTOM_RESOURCE_DEFINITIONS and subresource != "status":
            new = self._define(new)
        return _stamped(new, self.store.put(resource, key, new))

    def _check_versions(self, resource: Resource, key: ObjectKey, stored: Stored, old: Obj, wanted: Obj) -> None:
        metadata = wanted["metadata"]
        version = metadata.get("resourceVersion")
        if version and version != str(stored.revision):
            message = (
                f'Operation cannot be fulfilled on {resource.group_resource} "{key.name}": the object has been'
                " modified; please apply your changes to the latest version and try again"
            )
            raise Conflict(409, "Conflict", message)
        uid = metadata.get("uid")
        if uid and uid != old["metadata"]["uid"]:
            raise _other_uid(resource, key, uid, old["metadata"]["uid"])

    # -- delete -------------------------------------------------------------------------------------------------

    def delete(
        self,
        resource: Resource,
        key: ObjectKey,
        *,
        propagation: str = "Background",
        grace_period_seconds: int | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Obj | None:
        """Delete, or mark for deletion when finalizers or a grace period keep the object (which is then returned)."""
        stored = self._stored(resource, key)
        obj = _object(stored)
        if uid and uid != obj["metadata"]["uid"]:
            raise _other_uid(resource, key, uid, obj["metadata"]["uid"])
        if resource_version and resource_version != str(stored.revision):
            raise Conflict(409, "Conflict", f'the object "{key.name}" has been modified')
        grace = _grace_period(resource, obj, grace_period_seconds)
        metadata = dict(obj["metadata"])
        finalizers = list(metadata.get("finalizers") or ())
        for finalizer, policy in (("foregroundDeletion", "Foreground"), ("orphan", "Orphan")):
            if propagation == policy and finalizer not in finalizers:
                finalizers.append(finalizer)
        if finalizers:
            metadata["finalizers"] = finalizers
        former = metadata.get("deletionGracePeriodSeconds", 0)
        if "deletionTimestamp" not in metadata:
            metadata["deletionTimestamp"] = format_time(self._now() + timedelta(seconds=grace))
            metadata["deletionGracePeriodSeconds"] = grace
            if "generation" in metadata:
                metadata["generation"] += 1
        elif grace < former and (grace_period_seconds is not None or resource != PODS):  # it counts from the first call
            asked_at = parse_time(metadata["deletionTimestamp"]) - timedelta(seconds=former)
            metadata["deletionTimestamp"] = format_time(asked_at + timedelta(seconds=grace))
            metadata["deletionGracePeriodSeconds"] = grace
        marked: Obj = {**obj, "metadata": metadata}
        if resource == NAMESPACES:
            marked["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
        if _is_finished(marked):
            self._remove(resource, key, marked)
            return None
        if marked == obj:
            return obj
        return _stamped(marked, self.store.put(resource, key, marked))

    def _remove(self, resource: Resource, key: ObjectKey, last: Obj) -> Stored:
        if resource == CUSTOM_RESOURCE_DEFINITIONS:
            self._undefine(last)
        return self.store.remove(resource, key)

    # -- CustomResourceDefinitions ------------------------------------------------------------------------------

    def _define(self, crd: Obj) -> Obj:
        """Make a CRD's kind exist; returns the CRD with the status the API server gives it."""
        spec = crd["spec"]
        version = next(item for item in spec["versions"] if item.get("storage"))
        names = spec["names"]
        resource = Resource(
            spec["group"],
            version["name"],
            names["kind"],
            names["plural"],
            namespaced=spec["scope"] == "Namespaced",
            has_status="status" in (version.get("subresources") or {}),
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
        )
        self._by_kind[(resource.api_version, resource.kind)] = resource
        self._schemas[resource] = (version.get("schema") or {}).get("openAPIV3Schema") or {
            "x-kubernetes-preserve-unknown-fields": True
        }
        at = format_time(self._now())
        conditions = [
            {
                "type": "NamesAccepted",
                "status": "True",
                "reason": "NoConflicts",
                "message": "no conflicts found",
                "lastTransitionTime": at,
            },
            {
                "type": "Established",
                "status": "True",
                "reason": "InitialNamesAccepted",
                "message": "the initial names have been accepted",
                "lastTransitionTime": at,
            },
        ]
        status = {"acceptedNames": names, "conditions": conditions, "storedVersions": [version["name"]]}
        return {**crd, "status": status}

    def _undefine(self, crd: Obj) -> None:
        """Forget a CRD's kind, and remove its objects."""
        for (api_version, kind), resource in list(self._by_kind.items()):
            if resource.group == crd["spec"]["group"] and resource.plural == crd["spec"]["names"]["plural"]:
                for stored in self.store.list(resource):
                    metadata = _object(stored)["metadata"]
                    self.store.remove(resource, ObjectKey(metadata.get("namespace", ""), metadata["name"]))
                del self._by_kind[(api_version, kind)]
                self._schemas.pop(resource, None)


def _object(stored: Stored) -> Obj:
    decoded: Obj = _decode(stored.raw)
    return decoded


def _stamped(written: Obj, stored: Stored) -> Obj:
    """What was written, with the version it got: as the store has it, without decoding it again."""
    return {**written, "metadata": {**written["metadata"], "resourceVersion": str(stored.revision)}}


def _addressed(service: Obj, address: str) -> Obj:
    return {**service, "spec": {**service["spec"], "clusterIP": address, "clusterIPs": [address]}}


def _says_more(resource: Resource, old: Obj, new: Obj) -> bool:
    """Whether generation grows: the spec changed; without a status subresource, anything but metadata did.
    A deletion counts too, but is handled where it happens. That a pod is bound to a node does not count: upstream that
    is done by the binding subresource, behind the back of what counts."""
    if resource == PODS and "nodeName" not in old["spec"] and "nodeName" in new["spec"]:
        return not equal(old["spec"], {key: part for key, part in new["spec"].items() if key != "nodeName"})
    ignored = {"metadata", "status"} if resource.has_status else {"metadata"}
    keys = sorted((old.keys() | new.keys()) - ignored)
    return any(key not in old or key not in new or not equal(old[key], new[key]) for key in keys)


def _is_finished(obj: Obj) -> bool:
    """Marked for deletion, with nothing left that keeps it."""
    metadata = obj["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if obj["kind"] == "Namespace" and (obj.get("spec") or {}).get("finalizers"):
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def _grace_period(resource: Resource, obj: Obj, asked: int | None) -> int:
    """Seconds: only pods that run somewhere and have not ended get one (registry/core/pod CheckGracefulDelete)."""
    if resource != PODS:
        return 0
    spec = obj.get("spec") or {}
    if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    if asked is not None:
        return max(0, asked)
    return int(spec.get("terminationGracePeriodSeconds", 30))


def _invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    told = [f"{field}: {message}" for field, _, message in causes]
    listed = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {listed}', causes=causes)


def _other_uid(resource: Resource, key: ObjectKey, wanted: str, actual: str) -> Conflict:
    message = (
        f'Operation cannot be fulfilled on {resource.group_resource} "{key.name}": Precondition failed: UID in'
        f" precondition: {wanted}, UID in object meta: {actual}"
    )
    return Conflict(409, "Conflict", message)
