"""The CustomResourceDefinitions of Argo Rollouts, for an API server to install.

Owns: names, scope, subresources and columns; the fields are in `crdtypes`. Must not know: what the fields mean.
Behaviour follows the v1.10 manifests; descriptions are left out, and the rule that a selector is immutable (CEL) is not
evaluated by our API server.
"""

from __future__ import annotations

from canarium.kube.objects import Obj
from canarium.kube.structural import SchemaTable, custom_resource_definition
from canarium.rollouts.crdtypes import ROLLOUT_TYPES
from canarium.rollouts.kinds import (
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    EXPERIMENTS,
    ROLLOUTS,
)

_AGE = ("Age", "date", ".metadata.creationTimestamp", "Time since resource was created")
_TYPES = SchemaTable(ROLLOUT_TYPES)

CRDS: tuple[Obj, ...] = (
    custom_resource_definition(
        ROLLOUTS,
        _TYPES,
        columns=(
            ("Desired", "integer", ".spec.replicas", "Number of desired pods"),
            ("Current", "integer", ".status.replicas", "Number of pods that belong to this rollout"),
            ("Up-to-date", "integer", ".status.updatedReplicas", "Number of pods that have the desired template"),
            ("Available", "integer", ".status.availableReplicas", "Number of pods ready for at least minReadySeconds"),
            _AGE,
        ),
        scale=(".spec.replicas", ".status.HPAReplicas", ".status.selector"),
    ),
    custom_resource_definition(
        EXPERIMENTS, _TYPES, columns=(("Status", "string", ".status.phase", "Experiment status"), _AGE)
    ),
    custom_resource_definition(
        ANALYSIS_RUNS, _TYPES, columns=(("Status", "string", ".status.phase", "AnalysisRun status"), _AGE)
    ),
    custom_resource_definition(ANALYSIS_TEMPLATES, _TYPES, columns=(_AGE,)),
    custom_resource_definition(CLUSTER_ANALYSIS_TEMPLATES, _TYPES, columns=(_AGE,)),
)
"""Shared schema parts are the same dict in all of them: read, never change."""
