"""Which kinds exist now: the core's, and those that CustomResourceDefinitions make.

Owns: the catalog, and which version of a kind is the stored one. Must not know: storage, requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from canarium.kube.crds import CustomVersion, crd_status, custom_versions, is_established, version_resource
from canarium.kube.objects import Obj
from canarium.kube.refusals import no_such_resource
from canarium.kube.resources import CORE, DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS, Resource
from canarium.kube.scale import ScalePaths
from canarium.kube.versions import OTHER_VERSIONS, OtherVersion, renamed_version

_SCALED = (DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS)


class Served(msgspec.Struct, frozen=True):
    """One resource in one version, as the API server knows it.

    stored_as: the resource its objects are stored as; the same one unless `other` says how to convert.
    custom: None for core kinds. scale: None when it has no scale subresource.
    """

    resource: Resource
    stored_as: Resource
    other: OtherVersion | None = None
    custom: CustomVersion | None = None
    scale: ScalePaths | None = None

    def to_stored(self, obj: Obj) -> Obj:
        """An object of this version as it is stored."""
        return obj if self.other is None else self.other.to_stored(obj)

    def from_stored(self, obj: Obj) -> Obj:
        """A stored object in this version."""
        return obj if self.other is None else self.other.from_stored(obj)


class Kinds:
    """A catalog of resources. Definitions come and go; core kinds stay."""

    def __init__(self) -> None:
        self._served: dict[Resource, Served] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self._definitions: dict[str, Obj] = {}  # name of a CRD to its group and accepted names, nothing more
        self._versions: dict[str, list[Resource]] = {}
        self._stored_as: dict[str, Resource] = {}
        self._sorted: list[Resource] | None = None
        for resource in CORE:
            self._add(Served(resource, resource, scale=ScalePaths() if resource in _SCALED else None))
        for resource, other in OTHER_VERSIONS.items():
            self._add(Served(resource, other.stored_as, other))

    def find(self, resource: Resource) -> Served:
        """What is known of a resource. Raises NotFound."""
        found = self._served.get(resource)
        if found is None:
            raise no_such_resource()
        return found

    def get(self, resource: Resource) -> Served | None:
        """What is known of a resource, or None."""
        return self._served.get(resource)

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind in a served version."""
        return self._by_kind.get((api_version, kind))

    def all(self) -> Sequence[Resource]:
        """Every resource in every served version, ordered by group, plural and version."""
        return sorted(self._served, key=lambda resource: (resource.group, resource.plural, resource.version))

    def one_each(self) -> Sequence[Resource]:
        """Every resource in one version, the stored one if it is served; ordered by group and plural."""
        if self._sorted is None:
            chosen: dict[tuple[str, str], Resource] = {}
            for served in self._served.values():
                name = (served.resource.group, served.resource.plural)
                if served.other is None:
                    chosen[name] = served.resource
                elif served.other.stored_as.group == served.resource.group:  # else it is there under another group
                    chosen.setdefault(name, served.resource)
            self._sorted = [chosen[name] for name in sorted(chosen)]
        return self._sorted

    def _add(self, served: Served) -> None:
        self._served[served.resource] = served
        self._by_kind[(served.resource.api_version, served.resource.kind)] = served.resource
        self._sorted = None

    # -- definitions --------------------------------------------------------------------------------------------

    def judged(self, crd: Obj, at: str) -> Obj:
        """The definition with the status it gets among the others of its group. at: the time, as text."""
        name, group = crd["metadata"]["name"], crd["spec"]["group"]
        others = [
            other for known, other in self._definitions.items() if known != name and other["spec"]["group"] == group
        ]
        return {**crd, "status": crd_status(crd, others, at)}

    def define(self, crd: Obj, *, stored_version: str) -> None:
        """Make a judged definition's kinds exist, as it says now. stored_version: for a definition that is new."""
        name = crd["metadata"]["name"]
        self._forget_versions(name)
        self._definitions[name] = {
            "spec": {"group": crd["spec"]["group"]},
            "status": {key: crd["status"][key] for key in ("acceptedNames", "conditions")},
        }
        if not is_established(crd):
            return
        accepted: Obj = {**crd, "spec": {**crd["spec"], "names": crd["status"]["acceptedNames"]}}
        stored_as = self._stored_as.setdefault(name, version_resource(accepted, stored_version))
        for custom in custom_versions(accepted):
            resource = custom.resource
            other = None if resource == stored_as else renamed_version(resource, stored_as)
            self._add(Served(resource, stored_as, other, custom, custom.scale))
            self._versions.setdefault(name, []).append(resource)

    def undefine(self, name: str) -> Resource | None:
        """Forget a definition; the resource its objects are stored as, if its kind ever existed."""
        self._forget_versions(name)
        self._definitions.pop(name, None)
        return self._stored_as.pop(name, None)

    def refused(self, group: str) -> Sequence[str]:
        """The names of the group's definitions whose names were not accepted."""
        return [
            name
            for name, known in self._definitions.items()
            if known["spec"]["group"] == group and not _names_accepted(known)
        ]

    def _forget_versions(self, name: str) -> None:
        for resource in self._versions.pop(name, ()):
            del self._served[resource]
            del self._by_kind[(resource.api_version, resource.kind)]
        self._sorted = None


def _names_accepted(definition: Mapping[str, Obj]) -> bool:
    conditions = definition["status"]["conditions"]
    return any(one["type"] == "NamesAccepted" and one["status"] == "True" for one in conditions)
