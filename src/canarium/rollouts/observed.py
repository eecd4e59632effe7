"""Everything that deciding about one Rollout needs, as it was read.

Owns: the frozen `Observed`. Must not know: where it was read from, what will be decided.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from canarium.kube.objects import Obj


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """One Rollout and what belongs to it.

    replica_sets, analysis_runs: those the Rollout controls, in any order. analysis_templates and
    cluster_analysis_templates: by name, as far as they are referenced and exist. services: by name, those that the
    strategy names. pods: those of the ReplicaSets, read only when a restart is asked for. name_holder: a
    ReplicaSet not ours under the name that the one of the desired template would get. orphans: ReplicaSets of the
    namespace that nobody controls, read only when the Rollout is new or an orphan holds the name.
    """

    rollout: Obj
    replica_sets: tuple[Obj, ...] = ()
    analysis_runs: tuple[Obj, ...] = ()
    analysis_templates: Mapping[str, Obj] = msgspec.field(default_factory=dict)
    cluster_analysis_templates: Mapping[str, Obj] = msgspec.field(default_factory=dict)
    services: Mapping[str, Obj] = msgspec.field(default_factory=dict)
    pods: tuple[Obj, ...] = ()
    name_holder: Obj | None = None
    orphans: tuple[Obj, ...] = ()
