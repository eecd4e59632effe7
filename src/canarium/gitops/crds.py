"""The CustomResourceDefinitions of Argo CD, for an API server to install.

Owns: names, scope, subresources and columns; the fields are in `crdtypes`. Must not know: what the fields mean.
Behaviour follows the v3 manifests; descriptions are left out.
"""

from __future__ import annotations

from canarium.gitops.crdtypes import ARGO_CD_TYPES
from canarium.gitops.kinds import APP_PROJECTS, APPLICATION_SETS, APPLICATIONS
from canarium.kube.objects import Obj
from canarium.kube.structural import SchemaTable, custom_resource_definition

_TYPES = SchemaTable(ARGO_CD_TYPES)
_REQUIRED = ("metadata", "spec")

CRDS: tuple[Obj, ...] = (
    custom_resource_definition(
        APPLICATIONS,
        _TYPES,
        required=_REQUIRED,
        columns=(
            ("Sync Status", "string", ".status.sync.status"),
            ("Health Status", "string", ".status.health.status"),
            ("Revision", "string", ".status.sync.revision", "", "10"),
            ("Project", "string", ".spec.project", "", "10"),
        ),
    ),
    custom_resource_definition(APPLICATION_SETS, _TYPES, required=_REQUIRED),
    custom_resource_definition(APP_PROJECTS, _TYPES, required=_REQUIRED),
)
"""Shared schema parts are the same dict in all of them: read, never change."""
