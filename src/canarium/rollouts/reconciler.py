"""The controller of Rollouts: reads one Rollout with what belongs to it, asks the rules.

Owns: what is read (`RolloutSight`, which others who explain a Rollout look through too), and what wakes the controller.
Must not know: any rule (see decide.py), how a Decision is applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from canarium.errors import CanariumError
from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.controller.reconciler import Lister, Listers, Watch, owned
from canarium.kube.decision import Decision
from canarium.kube.objects import Obj, ObjectKey, controller_of, is_controlled_by
from canarium.kube.resources import PODS, REPLICA_SETS, SERVICES, Resource
from canarium.rollouts.decide import decide
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, CLUSTER_ANALYSIS_TEMPLATES, ROLLOUTS
from canarium.rollouts.observed import Observed
from canarium.rollouts.restart import wants_pods
from canarium.rollouts.turn import desired_pod_hash
from canarium.rollouts.types import MANAGED_BY


def _manager(service: Obj) -> Iterator[ObjectKey]:
    """The Rollout that points a Service to its pods: what others change about the Service is put right."""
    name = (service["metadata"].get("annotations") or {}).get(MANAGED_BY)
    if name:
        yield ObjectKey(service["metadata"].get("namespace") or "", name)


class RolloutSight:
    """What listers show of a Rollout and of what belongs to it, without asking the cluster."""

    def __init__(self, listers: Listers) -> None:
        self._rollouts = listers(ROLLOUTS)
        self._replica_sets = listers(REPLICA_SETS)
        self._runs = listers(ANALYSIS_RUNS)
        self._templates = listers(ANALYSIS_TEMPLATES)
        self._cluster_templates = listers(CLUSTER_ANALYSIS_TEMPLATES)
        self._services = listers(SERVICES)
        self._pods = listers(PODS)

    def look(self, key: ObjectKey) -> Observed | None:
        """The Rollout with its ReplicaSets, AnalysisRuns, referenced templates and Services, and pods for a restart."""
        rollout = self._rollouts.get(key.namespace, key.name)
        if rollout is None:
            return None
        uid = rollout["metadata"]["uid"]
        replica_sets = tuple(found for found in self._replica_sets.owned_by(uid) if is_controlled_by(found, rollout))
        runs = tuple(found for found in self._runs.owned_by(uid) if is_controlled_by(found, rollout))
        holder = self._name_holder(rollout, replica_sets)
        templates: dict[str, Obj] = {}
        cluster_templates: dict[str, Obj] = {}
        for analysis in _analyses(rollout):
            self._collect(key.namespace, analysis, templates, cluster_templates)
        return Observed(
            rollout=rollout,
            replica_sets=replica_sets,
            analysis_runs=runs,
            analysis_templates=templates,
            cluster_analysis_templates=cluster_templates,
            services=self._named_services(rollout),
            pods=self._pods_to_restart(rollout, replica_sets),
            name_holder=holder,
            orphans=self._orphans(rollout, holder),
        )

    def _collect(
        self,
        namespace: str,
        holder: Mapping[str, Any],
        templates: dict[str, Obj],
        cluster_templates: dict[str, Obj],
    ) -> None:
        """Read the templates that `holder.templates` names, and those that they name, as far as they exist."""
        for ref in holder.get("templates") or ():
            name = ref.get("templateName", "")
            is_cluster = bool(ref.get("clusterScope"))
            into, lister, scope = (
                (cluster_templates, self._cluster_templates, "")
                if is_cluster
                else (templates, self._templates, namespace)
            )
            if name in into:
                continue
            found = _read(lister, scope, name)
            if found is not None:
                into[name] = found
                self._collect(namespace, found.get("spec") or {}, templates, cluster_templates)

    def _named_services(self, rollout: Obj) -> dict[str, Obj]:
        canary = _canary(rollout)
        names = sorted({name for field in ("stableService", "canaryService") if (name := canary.get(field))})
        found = {name: _read(self._services, rollout["metadata"]["namespace"], name) for name in names}
        return {name: service for name, service in found.items() if service is not None}

    def _name_holder(self, rollout: Obj, ours: Sequence[Obj]) -> Obj | None:
        """Whose ReplicaSet has the name that ours would get. If it is not shown yet, the creation conflicts once."""
        metadata, spec, status = rollout["metadata"], rollout.get("spec") or {}, rollout.get("status") or {}
        try:
            pod_hash = desired_pod_hash(spec.get("template") or {}, status.get("collisionCount"))
        except CanariumError:
            return None  # a template without a hash: the rules refuse it
        name = f"{metadata['name']}-{pod_hash}"
        if any(found["metadata"]["name"] == name for found in ours):
            return None
        found = self._replica_sets.get(metadata["namespace"], name)
        return None if found is None or is_controlled_by(found, rollout) else found

    def _orphans(self, rollout: Obj, holder: Obj | None) -> tuple[Obj, ...]:
        """ReplicaSets without a controller, for a Rollout that may have lost its own: looking costs a whole list."""
        is_new = not (rollout.get("status") or {}).get("currentPodHash")
        if not is_new and (holder is None or controller_of(holder) is not None):
            return ()
        listed = self._replica_sets.list(rollout["metadata"]["namespace"])
        return tuple(found for found in listed if controller_of(found) is None)

    def _pods_to_restart(self, rollout: Obj, replica_sets: Sequence[Obj]) -> tuple[Obj, ...]:
        spec, status = rollout.get("spec") or {}, rollout.get("status") or {}
        if not wants_pods(spec.get("restartAt"), status.get("restartedAt")):
            return ()
        return tuple(pod for found in replica_sets for pod in self._pods.owned_by(found["metadata"]["uid"]))


class RolloutReconciler:
    """A `Reconciler` of Rollouts."""

    name: str = "rollout"
    primary: Resource = ROLLOUTS
    # As upstream, templates are not watched: one that is missing is looked for again after 20 s (see decide.py).
    watches: Sequence[Watch] = (
        owned(REPLICA_SETS, "Rollout"),
        owned(ANALYSIS_RUNS, "Rollout"),
        Watch(SERVICES, _manager),
    )

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        self._cluster = cluster
        self._sight = RolloutSight(listers)

    async def observe(self, key: ObjectKey) -> Observed | None:
        """What the listers show, and the runs that they do not show yet."""
        observed = self._sight.look(key)
        if observed is None:
            return None
        unseen = await self._unseen_runs(observed.rollout, observed.analysis_runs)
        return replace(observed, analysis_runs=(*observed.analysis_runs, *unseen)) if unseen else observed

    def subject(self, observed: Observed) -> Obj:
        """The Rollout as it was read."""
        return observed.rollout

    def decide(self, observed: Observed, now: datetime) -> Decision:
        """The rules of `canarium.rollouts.decide`."""
        return decide(observed, now)

    async def _unseen_runs(self, rollout: Obj, seen: Sequence[Obj]) -> list[Obj]:
        """Runs that the status names but the lister does not show yet: created a moment ago, as a rule."""
        names = {found["metadata"]["name"] for found in seen}
        current = (rollout.get("status") or {}).get("canary") or {}
        unseen = []
        for field in ("currentStepAnalysisRunStatus", "currentBackgroundAnalysisRunStatus"):
            name = (current.get(field) or {}).get("name")
            if name and name not in names:
                try:
                    found = await self._cluster.get(ANALYSIS_RUNS, rollout["metadata"]["namespace"], name)
                except NotFound:
                    continue  # somebody deleted it; the rules start another
                if is_controlled_by(found, rollout):
                    unseen.append(found)
        return unseen


def _read(lister: Lister, namespace: str, name: str) -> Obj | None:
    return lister.get(namespace, name) if name else None


def _canary(rollout: Obj) -> Mapping[str, Any]:
    strategy = (rollout.get("spec") or {}).get("strategy") or {}
    canary: Mapping[str, Any] = strategy.get("canary") or {}
    return canary


def _analyses(rollout: Obj) -> Iterator[Mapping[str, Any]]:
    canary = _canary(rollout)
    for step in canary.get("steps") or ():
        if step.get("analysis"):
            yield step["analysis"]
    if canary.get("analysis"):
        yield canary["analysis"]
