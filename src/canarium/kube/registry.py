"""What the API server means, without HTTP.

Owns: names, uids, optimistic concurrency, the order of defaulting and validation, subresources, patches, deletion, and
the coming and going of CustomResourceDefinitions. Must not know: who asks or how; latency; watches.
Source: Kubernetes 1.34, apiserver registry/generic/registry/store.go and registry/rest/{create,update,delete}.go.

Garbage collection and the emptying of namespaces are controllers (`workloads/`), as upstream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from canarium.clock import Chance
from canarium.kube import schema as schemas
from canarium.kube.addresses import with_addresses
from canarium.kube.cluster import ApiError, PatchType
from canarium.kube.crds import storage_version, version_resource, warnings_for
from canarium.kube.defaults import first_status, with_core_defaults
from canarium.kube.evictions import spent
from canarium.kube.kinds import Kinds, Served
from canarium.kube.lifecycle import is_finished, marked, says_more
from canarium.kube.objects import Obj, ObjectKey, format_time, key_of, labels_of
from canarium.kube.patch import PatchError, json_patch, merge, strategic
from canarium.kube.patch.merge import equal
from canarium.kube.refusals import (
    already_exists,
    conflict,
    failed_precondition,
    forbidden,
    invalid,
    modified,
    no_such_resource,
    not_found,
    other_uid,
)
from canarium.kube.resources import (
    CUSTOM_RESOURCE_DEFINITIONS,
    NAMESPACES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    SERVICES,
    Resource,
)
from canarium.kube.scale import SCALES, ScalePaths, scale_of, scale_problems, scaled
from canarium.kube.selectors import parse_fields, parse_labels
from canarium.kube.store.port import Store, Stored
from canarium.kube.validation import core_problems, metadata_problems

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")

_KEPT_NAMESPACES = ("default", "kube-system", "kube-public")  # as the NamespaceLifecycle admission plugin has them


class Registry:
    """The API's rules over a store. All methods are synchronous and take effect at once. What they return is nobody
    else's, but may share parts with the request.

    now: the time stamped on objects. chance: uids and generated names.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime], chance: Chance) -> None:
        self.store = store
        self._now = now
        self._chance = chance
        self._kinds = Kinds()

    def restore(self) -> None:
        """Make the kinds of every stored CustomResourceDefinition exist again; for a store that was there before this
        registry. Writes nothing."""
        for stored in self.store.list(CUSTOM_RESOURCE_DEFINITIONS):
            crd = _object(stored)
            kept = ((crd.get("status") or {}).get("storedVersions") or [])[:]
            version = next((name for name in kept if self.store.list(version_resource(crd, name))), None)
            self._kinds.define(crd, stored_version=version or storage_version(crd))

    # -- which kinds there are ----------------------------------------------------------------------------------

    def resource_for(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind in any served version, or None when nobody defined it."""
        return self._kinds.of_kind(api_version, kind)

    def resources(self) -> Sequence[Resource]:
        """Every resource that exists now, each in one version; ordered by group and plural."""
        return self._kinds.one_each()

    def served(self) -> Sequence[Resource]:
        """Every resource in every served version, with its names as they are now; ordered by group, plural, version."""
        return self._kinds.all()

    def stored_as(self, resource: Resource) -> Resource:
        """The resource that the store knows the objects as: subscribe to this one. Raises NotFound."""
        return self._kinds.find(resource).stored_as

    def in_version(self, resource: Resource, raw: bytes) -> bytes:
        """A stored object's JSON as this version of the resource says it. Raises NotFound."""
        served = self._kinds.find(resource)
        return raw if served.other is None else _encode(served.from_stored(_decode(raw)))

    def subresources(self, resource: Resource) -> tuple[str, ...]:
        """`status`, `scale`, and for some kinds more. Raises NotFound."""
        known = self._kinds.find(resource).resource
        return (*(("status",) if known.has_status else ()), *known.subresources)

    def schema_of(self, resource: Resource) -> Mapping[str, Any] | None:
        """The structural schema of a custom kind; None for core kinds. Raises NotFound."""
        custom = self._kinds.find(resource).custom
        return None if custom is None else custom.schema

    def printer_columns(self, resource: Resource) -> Sequence[Mapping[str, Any]] | None:
        """A custom kind's additionalPrinterColumns, perhaps none; None for core kinds. Raises NotFound."""
        custom = self._kinds.find(resource).custom
        return None if custom is None else custom.columns

    def selectable_fields(self, resource: Resource) -> tuple[str, ...] | None:
        """For `parse_fields`: a custom kind's field selectors; None for core kinds. Raises NotFound."""
        custom = self._kinds.find(resource).custom
        return None if custom is None else custom.selectable

    def warnings_for(self, obj: Obj) -> list[str]:
        """What a stored object asks for that is not acted on, for the server's Warning headers."""
        return warnings_for(obj) if obj.get("kind") == CUSTOM_RESOURCE_DEFINITIONS.kind else []

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, resource: Resource, key: ObjectKey) -> Obj:
        """A copy of one object. Raises NotFound."""
        served = self._kinds.find(resource)
        return served.from_stored(_object(self._stored(served, key)))

    def list(self, resource: Resource, namespace: str | None = None) -> list[Stored]:
        """All objects (of a namespace) as JSON of this version, ordered by namespace and name. Raises NotFound (unknown
        resource)."""
        served = self._kinds.find(resource)
        found = self.store.list(served.stored_as, namespace)
        if served.other is None:
            return found
        return [Stored(_encode(served.from_stored(_decode(each.raw))), each.revision) for each in found]

    def selected(
        self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> Sequence[Obj]:
        """The objects that both selectors select. Raises NotFound, ApiError (BadRequest)."""
        has_labels = parse_labels(labels)
        has_fields = parse_fields(fields, resource, self.selectable_fields(resource))
        found = [_object(stored) for stored in self.list(resource, namespace)]
        return [obj for obj in found if has_labels(labels_of(obj)) and has_fields(obj)]

    def _stored(self, served: Served, key: ObjectKey) -> Stored:
        stored = self.store.get(served.stored_as, key)
        if stored is None:
            raise not_found(served.resource, key.name)
        return stored

    # -- create -------------------------------------------------------------------------------------------------

    def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False, field_manager: str = "") -> Obj:
        """Store a new object. Raises AlreadyExists, NotFound (namespace), ApiError (Invalid, Forbidden)."""
        served = self._kinds.find(resource)
        resource = served.resource
        obj = served.to_stored(_typed(resource, obj))
        metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVER_OWNED}
        if metadata.get("resourceVersion"):
            raise ApiError(400, "BadRequest", "resourceVersion should not be set on objects to be created")
        metadata.pop("resourceVersion", None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = self._free_name(served, metadata.get("namespace", ""), metadata["generateName"])
        metadata.update(uid=self._chance.uid(), creationTimestamp=format_time(self._now()))
        if resource.has_generation:
            metadata["generation"] = 1
        key = ObjectKey(metadata.get("namespace", ""), metadata.get("name") or "")
        self._check_namespace(resource, key)
        created: Obj = {**obj, "metadata": metadata}
        if resource.has_status:
            created.pop("status", None)
            status = first_status(served.stored_as)
            if status is not None:
                created["status"] = dict(status)
        created = self._prepared(served, created, old=None)
        if self.store.get(served.stored_as, key) is not None:
            raise already_exists(resource, key.name)
        if resource == CUSTOM_RESOURCE_DEFINITIONS:
            created = self._kinds.judged(created, format_time(self._now()))
        if field_manager:
            created = self._tracked(served, None, created, field_manager)
        if dry_run:
            return served.from_stored(created)
        if resource == CUSTOM_RESOURCE_DEFINITIONS:
            self._kinds.define(created, stored_version=storage_version(created))
        return served.from_stored(_stamped(created, self.store.put(served.stored_as, key, created)))

    def _free_name(self, served: Served, namespace: str, base: str) -> str:
        """A generated name; a taken one is replaced by another draw, up to seven times."""
        for _ in range(8):
            name = f"{base[:58]}{self._chance.suffix()}"
            if self.store.get(served.stored_as, ObjectKey(namespace, name)) is None:
                break
        return name

    def _check_namespace(self, resource: Resource, key: ObjectKey) -> None:
        if not resource.namespaced:
            return
        stored = self.store.get(NAMESPACES, ObjectKey("", key.namespace))
        if stored is None:
            raise not_found(NAMESPACES, key.namespace)
        if _object(stored)["metadata"].get("deletionTimestamp"):
            because = f"namespace {key.namespace} is being terminated"
            problem = f"unable to create new content in namespace {key.namespace} because it is being terminated"
            raise forbidden(resource, key.name, problem, [("metadata.namespace", "NamespaceTerminating", because)])

    def _prepared(self, served: Served, obj: Obj, *, old: Obj | None) -> Obj:
        """Defaulted, pruned and validated. Raises ApiError (Invalid)."""
        if served.custom is None:
            obj = with_core_defaults(served.stored_as, obj)
            if served.resource == SERVICES:
                obj = with_addresses(obj, old, lambda: [_object(stored) for stored in self.store.list(SERVICES)])
            causes = core_problems(served.stored_as, obj, old)
        else:
            obj, causes = schemas.reviewed(obj, old, served.custom.schema)
        causes = metadata_problems(served.resource, obj, old) + causes
        if causes:
            raise invalid(served.resource, obj["metadata"].get("name", ""), causes)
        return obj

    # -- update and patch ---------------------------------------------------------------------------------------

    def update(
        self,
        resource: Resource,
        obj: Obj,
        *,
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "",
    ) -> Obj:
        """Replace an object, its status, or its scale (which is then also what comes back). Raises NotFound, Conflict,
        ApiError."""
        served = self._kinds.find(resource)
        if subresource == "scale":
            return self._update_scale(served, obj, dry_run=dry_run)
        obj = _typed(served.resource, obj)
        metadata = obj["metadata"]
        key = ObjectKey(metadata.get("namespace", ""), metadata.get("name", ""))
        stored = self._stored(served, key)
        if served.custom is not None and not metadata.get("resourceVersion"):
            message = "Invalid value: 0: must be specified for an update"
            raise invalid(served.resource, key.name, [("metadata.resourceVersion", "FieldValueInvalid", message)])
        wanted = served.to_stored(obj)
        replaced = self._replace(
            served,
            key,
            stored,
            _object(stored),
            wanted,
            subresource=subresource,
            dry_run=dry_run,
            manager=field_manager,
        )
        return served.from_stored(replaced)

    def patch(
        self,
        resource: Resource,
        key: ObjectKey,
        patch: Any,
        *,
        type: PatchType = "merge",
        subresource: str = "",
        field_manager: str = "",
        force: bool = False,
        dry_run: bool = False,
        check: Callable[[Obj], None] | None = None,
    ) -> Obj:
        """Change part of an object, or of its scale. Raises NotFound, Conflict, ApiError (Invalid,
        UnsupportedMediaType).

        check: called with the patched object, in the version it was patched in, before anything is done with it.
        field_manager: whose fields what changes become (see `patch.server_side`); writes that name none are not
        tracked. force: for type `apply`, take fields from other managers.
        """
        served = self._kinds.find(resource)
        if type == "apply":
            return self._apply(served, key, patch, subresource, field_manager, force=force, dry_run=dry_run)
        stored = self._stored(served, key)
        current = _object(stored)
        if subresource == "scale":
            scale = self.scale(resource, key)
            changed = _patched(scale, patch, type, SCALES, is_custom=False)
            if check is not None:
                check(changed)
            return self._update_scale(served, changed, dry_run=dry_run, key=key)
        changed = _patched(
            served.from_stored(current), patch, type, served.resource, is_custom=served.custom is not None
        )
        if check is not None:
            check(changed)
        wanted = served.to_stored(changed) if isinstance(changed.get("metadata"), dict) else changed
        replaced = self._replace(
            served, key, stored, current, wanted, subresource=subresource, dry_run=dry_run, manager=field_manager
        )
        return served.from_stored(replaced)

    def _apply(
        self, served: Served, key: ObjectKey, config: Any, subresource: str, manager: str, *, force: bool, dry_run: bool
    ) -> Obj:
        """Server-side apply: the object is created where there is none. Raises ApplyConflict, ApiError."""
        from canarium.kube.patch import server_side

        if not manager:
            raise ApiError(400, "BadRequest", 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value')
        resource = served.resource
        stored = self.store.get(served.stored_as, key)
        live = served.from_stored(_object(stored)) if stored is not None else None
        if live is None and subresource:
            raise not_found(resource, key.name)
        kind = {"apiVersion": resource.api_version, "kind": resource.kind}
        merged = server_side.apply(
            live,
            {**kind, **(config if served.custom is not None else _without_nulls(config))},
            self._shape(served),
            manager=manager,
            force=force,
            api_version=resource.api_version,
            at=format_time(self._now()),
            subresource=subresource,
            reset_fields={"f:status": {}} if resource.has_status and not subresource else None,
        )
        if stored is None:
            return self.create(resource, merged, dry_run=dry_run)
        wanted = served.to_stored(merged)
        replaced = self._replace(
            served, key, stored, _object(stored), wanted, subresource=subresource, dry_run=dry_run, is_applied=True
        )
        return served.from_stored(replaced)

    def _shape(self, served: Served) -> Mapping[str, Any] | None:
        """The schema by which lists and maps of a kind merge; None when nothing is known of it."""
        if served.custom is not None:
            return served.custom.schema
        from canarium.kube.coretypes import structural_schema

        return structural_schema(served.resource.api_version, served.resource.kind)

    def _tracked(self, served: Served, before: Obj | None, after: Obj, manager: str, subresource: str = "") -> Obj:
        """An object to be stored with its field managers as this write leaves them."""
        from canarium.kube.patch import server_side

        return server_side.track_update(
            before,
            after,
            self._shape(served),
            manager=manager,
            api_version=served.resource.api_version,
            at=format_time(self._now()),
            subresource=subresource,
        )

    def _replace(
        self,
        served: Served,
        key: ObjectKey,
        stored: Stored,
        old: Obj,
        wanted: Obj,
        *,
        subresource: str,
        dry_run: bool,
        manager: str = "",
        is_applied: bool = False,
    ) -> Obj:
        """Write what is wanted of an object; both in the stored version. is_applied: its field managers are settled."""
        resource = served.resource
        if not isinstance(wanted.get("metadata"), dict):
            raise ApiError(400, "BadRequest", "metadata: Required value")
        self._check_versions(resource, key, stored, old, wanted)
        metadata = dict(wanted["metadata"])
        if (metadata.get("namespace", ""), metadata.get("name")) != (key.namespace, key.name):
            raise ApiError(400, "BadRequest", "the name of the object does not match the name on the URL")
        for field in (*_SERVER_OWNED, "resourceVersion"):
            metadata.pop(field, None)
            if field in old["metadata"]:
                metadata[field] = old["metadata"][field]
        new: Obj = {**wanted, "apiVersion": old["apiVersion"], "kind": old["kind"], "metadata": metadata}
        if subresource:
            new = self._part_replaced(served, old, wanted, subresource)
            if is_applied:
                new["metadata"] = {**new["metadata"], "managedFields": metadata.get("managedFields", [])}
        else:
            if resource.has_status:
                new.pop("status", None)
                if "status" in old:
                    new["status"] = old["status"]
            new = self._prepared(served, new, old=old)
            if "generation" in old["metadata"] and says_more(resource, old, new):
                new["metadata"] = {**new["metadata"], "generation": old["metadata"]["generation"] + 1}
        if is_applied:
            from canarium.kube.patch import server_side

            new = server_side.without_new_times(old, new)
        if new == old and equal(new, old):
            return old  # nothing changed: no write, no event, the same version
        if manager:
            new = self._tracked(served, old, new, manager, subresource)
        is_definition = resource == CUSTOM_RESOURCE_DEFINITIONS and not subresource
        if is_definition:
            new = self._kinds.judged(new, format_time(self._now()))
        if dry_run:
            return new
        if is_finished(new):
            return _object(self._remove(served, key, new))
        if is_definition:
            self._kinds.define(new, stored_version=storage_version(new))
        return _stamped(new, self.store.put(served.stored_as, key, new))

    def _part_replaced(self, served: Served, old: Obj, wanted: Obj, subresource: str) -> Obj:
        """The stored object with the part that a subresource stands for taken from `wanted`."""
        if subresource not in self.subresources(served.resource):
            raise no_such_resource()
        new: Obj = {**old}
        if subresource == "finalize":
            finalizers = (wanted.get("spec") or {}).get("finalizers") or []
            return {**old, "spec": {**(old.get("spec") or {}), "finalizers": finalizers}}
        if subresource != "status":
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        if "status" in wanted:
            new["status"] = wanted["status"]
        else:
            new.pop("status", None)
        # the status of a custom resource is pruned and judged like its spec
        return new if served.custom is None else self._prepared(served, new, old=old)

    def _check_versions(self, resource: Resource, key: ObjectKey, stored: Stored, old: Obj, wanted: Obj) -> None:
        metadata = wanted["metadata"]
        version = metadata.get("resourceVersion")
        if version and version != str(stored.revision):
            raise modified(resource, key.name)
        uid = metadata.get("uid")
        if uid and uid != old["metadata"]["uid"]:
            raise other_uid(resource, key.name, uid, old["metadata"]["uid"])

    # -- other subresources -------------------------------------------------------------------------------------

    def scale(self, resource: Resource, key: ObjectKey) -> Obj:
        """The `autoscaling/v1` Scale of an object. Raises NotFound, also for kinds without the subresource."""
        served = self._kinds.find(resource)
        paths = _scale_paths(served)
        return scale_of(_object(self._stored(served, key)), paths)

    def _update_scale(self, served: Served, scale: Obj, *, dry_run: bool, key: ObjectKey | None = None) -> Obj:
        paths = _scale_paths(served)
        metadata = scale.get("metadata")
        if not isinstance(metadata, dict) or not metadata.get("name"):
            raise ApiError(400, "BadRequest", "metadata.name: Required value")
        key = key or ObjectKey(metadata.get("namespace", ""), metadata["name"])
        stored = self._stored(served, key)
        old = _object(stored)
        self._check_versions(served.resource, key, stored, old, scale)
        causes = scale_problems(scale)
        if causes:
            raise invalid(SCALES, key.name, causes)
        wanted = scaled(old, scale, paths)
        return scale_of(self._replace(served, key, stored, old, wanted, subresource="", dry_run=dry_run), paths)

    def bind(self, key: ObjectKey, binding: Obj, *, dry_run: bool = False) -> None:
        """A pod's `binding` subresource: give it the node that `binding.target` names. Raises NotFound, Conflict,
        ApiError."""
        served = self._kinds.find(PODS)
        stored = self._stored(served, key)
        pod = _object(stored)
        node = (binding.get("target") or {}).get("name")
        if not node:
            raise invalid(PODS, key.name, [("target.name", "FieldValueRequired", "Required value")])
        problem = ""
        if pod["metadata"].get("deletionTimestamp"):
            problem = f"pod {key.name} is being deleted, cannot be assigned to a host"
        elif pod["spec"].get("nodeName"):
            problem = f'pod {key.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
        if problem:
            raise conflict(msgspec.structs.replace(PODS, plural="pods/binding"), key.name, problem)
        at = format_time(self._now())
        kept = [one for one in (pod.get("status") or {}).get("conditions") or () if one["type"] != "PodScheduled"]
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": at}
        bound: Obj = {
            **pod,
            "spec": {**pod["spec"], "nodeName": node},
            "status": {**(pod.get("status") or {}), "conditions": [*kept, scheduled]},
        }
        if not dry_run:
            self.store.put(PODS, key, bound)

    def evict(self, key: ObjectKey, eviction: Obj, *, dry_run: bool = False) -> Obj | None:
        """A pod's `eviction` subresource: delete it with the options inside, if its PodDisruptionBudget allows it.
        Raises NotFound, Conflict, ApiError (TooManyRequests)."""
        options = eviction.get("deleteOptions") or {}
        wanted = options.get("preconditions") or {}
        pod = self.get(PODS, key)
        budgets = [_object(stored) for stored in self.list(POD_DISRUPTION_BUDGETS, key.namespace)]
        charged = spent(pod, budgets, self._now())
        if charged is not None:
            _check_preconditions(
                PODS, pod, wanted.get("uid"), wanted.get("resourceVersion"), pod["metadata"]["resourceVersion"]
            )
            if not dry_run:
                self.patch(POD_DISRUPTION_BUDGETS, key_of(charged), {"status": charged["status"]}, subresource="status")
        return self.delete(
            PODS,
            key,
            propagation=options.get("propagationPolicy") or "Background",
            grace_period_seconds=options.get("gracePeriodSeconds"),
            uid=wanted.get("uid"),
            resource_version=wanted.get("resourceVersion"),
            dry_run=dry_run,
        )

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
        dry_run: bool = False,
    ) -> Obj | None:
        """Delete, or mark for deletion when finalizers or a grace period keep the object (which is then returned).
        Raises NotFound, Conflict (preconditions), ApiError (Forbidden)."""
        served = self._kinds.find(resource)
        stored = self._stored(served, key)
        obj = _object(stored)
        if served.resource == NAMESPACES and key.name in _KEPT_NAMESPACES:
            raise forbidden(served.resource, key.name, "this namespace may not be deleted")
        _check_preconditions(served.resource, obj, uid, resource_version, str(stored.revision))
        leaving = marked(served.resource, obj, self._now(), propagation=propagation, asked_grace=grace_period_seconds)
        if is_finished(leaving):
            if not dry_run:
                self._remove(served, key, leaving)
            return None
        if leaving == obj or dry_run:
            return served.from_stored(leaving)
        return served.from_stored(_stamped(leaving, self.store.put(served.stored_as, key, leaving)))

    def delete_collection(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        propagation: str = "Background",
        grace_period_seconds: int | None = None,
        dry_run: bool = False,
    ) -> Sequence[Obj]:
        """Delete every object that the selectors select; each as it was, or as its deletion left it. Raises NotFound
        (unknown resource), ApiError (BadRequest)."""
        told: list[Obj] = []
        for obj in self.selected(resource, namespace, labels=labels, fields=fields):
            left = self.delete(
                resource,
                key_of(obj),
                propagation=propagation,
                grace_period_seconds=grace_period_seconds,
                dry_run=dry_run,
            )
            told.append(left or obj)
        return told

    def _remove(self, served: Served, key: ObjectKey, last: Obj) -> Stored:
        if served.resource == CUSTOM_RESOURCE_DEFINITIONS:
            self._undefine(last)
        removed = self.store.remove(served.stored_as, key)
        if served.resource == CUSTOM_RESOURCE_DEFINITIONS:
            self._judge_again(last["spec"]["group"])
        return removed

    # -- CustomResourceDefinitions ------------------------------------------------------------------------------

    def _undefine(self, crd: Obj) -> None:
        """Forget a CRD's kinds, and remove their objects."""
        resource = self._kinds.undefine(crd["metadata"]["name"])
        for stored in () if resource is None else self.store.list(resource):
            assert resource is not None
            self.store.remove(resource, key_of(_object(stored)))

    def _judge_again(self, group: str) -> None:
        """A definition that is gone frees its names for those that were refused them."""
        for name in self._kinds.refused(group):
            key = ObjectKey("", name)
            stored = self.store.get(CUSTOM_RESOURCE_DEFINITIONS, key)
            if stored is None:
                continue
            crd = _object(stored)
            judged = self._kinds.judged(crd, format_time(self._now()))
            if judged != crd:
                self._kinds.define(judged, stored_version=storage_version(judged))
                self.store.put(CUSTOM_RESOURCE_DEFINITIONS, key, judged)


def _typed(resource: Resource, obj: Obj) -> Obj:
    """The object with its kind spelled out and, when namespaced, its namespace checked."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        raise ApiError(400, "BadRequest", "metadata: Required value", causes=[("metadata", "FieldValueRequired", "")])
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


def _patched(current: Obj, patch: Any, type: PatchType, resource: Resource, *, is_custom: bool) -> Obj:
    """The object as the patch wants it. Raises ApiError."""
    try:
        match type:
            case "merge":
                changed = merge.apply(current, patch)
            case "json":
                changed = json_patch.apply(current, patch)
            case "strategic" if is_custom:
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
    return changed


def _without_nulls(value: Any) -> Any:
    """A config of a built-in kind, whose nulls mean fields left out."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


def _object(stored: Stored) -> Obj:
    decoded: Obj = _decode(stored.raw)
    return decoded


def _stamped(written: Obj, stored: Stored) -> Obj:
    """What was written, with the version it got: as the store has it, without decoding it again."""
    return {**written, "metadata": {**written["metadata"], "resourceVersion": str(stored.revision)}}


def _scale_paths(served: Served) -> ScalePaths:
    if served.scale is None:
        raise no_such_resource()
    return served.scale


def _check_preconditions(resource: Resource, obj: Obj, uid: str | None, version: str | None, current: str) -> None:
    name, actual = obj["metadata"]["name"], obj["metadata"]["uid"]
    if uid and uid != actual:
        problem = (
            f"the UID in the precondition ({uid}) does not match the UID in record ({actual}). The object might have"
            " been deleted and then recreated"
        )
        raise failed_precondition(resource, name, problem)
    if version and version != current:
        problem = (
            f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record"
            f" ({current}). The object might have been modified"
        )
        raise failed_precondition(resource, name, problem)
