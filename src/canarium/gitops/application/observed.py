"""What the Application controller knows when it decides. Type-only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from canarium.errors import CanariumError
from canarium.gitops.application import diff
from canarium.gitops.application.resource_key import ResourceKey
from canarium.gitops.application.targets import Manifests
from canarium.kube.objects import Obj
from canarium.kube.resources import Resource


class Observed(msgspec.Struct, frozen=True):
    """Everything, frozen.

    revisions: what names (`HEAD`, a branch, a sha) resolve to just now, or why they do not.
    manifests: by commit sha. live: objects that are there, those of git and those that carry our tracking id.
    resources: by (apiVersion, kind). refusals: what the API server says to a dry run of what a sync would apply.
    """

    app: Obj
    projects: frozenset[str] = frozenset()
    revisions: Mapping[str, str | CanariumError] = msgspec.field(default_factory=dict)
    manifests: Mapping[str, Manifests] = msgspec.field(default_factory=dict)
    live: Mapping[ResourceKey, Obj] = msgspec.field(default_factory=dict)
    resources: Mapping[tuple[str, str], Resource] = msgspec.field(default_factory=dict)
    refusals: Mapping[ResourceKey, str] = msgspec.field(default_factory=dict)
    namespace_exists: bool = True
    is_modified: diff.Differs = diff.is_modified

    def resource_of(self, obj: Obj) -> Resource | None:
        """The resource of an object's kind, if the API server knows it."""
        return self.resources.get((str(obj.get("apiVersion")), str(obj.get("kind"))))
