"""One Rollout with all that belongs to it, summed up for people.

Owns: what `kubectl argo rollouts get rollout` and `list rollouts` know of a Rollout. Must not know: colours, columns.
Reads plain objects, because what it shows may be invalid, or use what is not built here.
Behaviour follows `pkg/kubectl-argo-rollouts/info/rollout_info.go` and `cmd/list/rollloutinfo.go`, Argo Rollouts 1.10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from canarium.kube.objects import Obj
from canarium.rollouts.info import icons
from canarium.rollouts.info.replicasets import ReplicaSetInfo, replica_set_infos
from canarium.rollouts.info.runs import AnalysisRunInfo, ExperimentInfo, analysis_run_infos, experiment_infos
from canarium.rollouts.phase import displayed_phase
from canarium.rollouts.types import DEFAULT_REPLICAS, MAX_WEIGHT


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """The objects of the Rollout's namespace, whoever owns them."""

    replica_sets: tuple[Obj, ...] = ()
    pods: tuple[Obj, ...] = ()
    experiments: tuple[Obj, ...] = ()
    analysis_runs: tuple[Obj, ...] = ()


class Counts(msgspec.Struct, frozen=True):
    """How many pods: wanted, there, of the desired template, ready, available."""

    desired: int
    current: int
    updated: int
    ready: int
    available: int


class RolloutInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A Rollout summed up. strategy: `Canary`, `BlueGreen` or empty; step, weights: empty unless Canary."""

    name: str
    namespace: str
    created: str
    status: str
    message: str
    icon: str
    strategy: str
    step: str
    set_weight: str
    actual_weight: str
    counts: Counts
    replica_sets: tuple[ReplicaSetInfo, ...]
    experiments: tuple[ExperimentInfo, ...]
    analysis_runs: tuple[AnalysisRunInfo, ...]

    def revisions(self) -> list[int]:
        """Every revision that something belongs to, latest first."""
        found = {one.revision for one in self.replica_sets}
        found |= {one.revision for one in self.experiments}
        found |= {one.revision for one in self.analysis_runs}
        return sorted(found, reverse=True)

    def images(self) -> dict[str, tuple[str, ...]]:
        """The images that run, in order of name, with the tags of what runs them (`canary`, `Σ:baseline`)."""
        tags_of: dict[str, list[tuple[str, ...]]] = {}
        for found in self.replica_sets:
            _note_images(tags_of, found, found.tags)
        for experiment in self.experiments:
            own: dict[str, list[tuple[str, ...]]] = {}
            for found in experiment.replica_sets:
                _note_images(own, found, (f"Σ:{found.template}",) if found.template else ())
            for image, tags in own.items():
                tags_of.setdefault(image, []).append(_merged(tags))
        return {image: _merged(tags_of[image]) for image in sorted(tags_of)}


def _note_images(tags_of: dict[str, list[tuple[str, ...]]], found: ReplicaSetInfo, tags: tuple[str, ...]) -> None:
    if found.replicas > 0:
        for image in found.images:
            tags_of.setdefault(image, []).append(tags)


def _merged(tags: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The tags of one image; those of several ReplicaSets are put in alphabetical order."""
    return tags[0] if len(tags) == 1 else tuple(sorted({tag for some in tags for tag in some}))


def rollout_info(rollout: Obj, related: Related) -> RolloutInfo:
    """Sum a Rollout up. Raises msgspec.ValidationError when it has no phase yet and a field of a wrong type."""
    metadata, uid = rollout["metadata"], rollout["metadata"].get("uid", "")
    phase = displayed_phase(rollout)
    replica_sets = replica_set_infos(uid, rollout, related.replica_sets, related.pods)
    is_canary = _strategy(rollout).get("canary") is not None
    return RolloutInfo(
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
        created=metadata.get("creationTimestamp") or "",
        status=phase.name,
        message=phase.message,
        icon=icons.rollout_icon(phase.name),
        strategy=strategy_name(rollout),
        step=step_text(rollout),
        set_weight=str(set_weight(rollout)) if is_canary else "",
        actual_weight=_actual_weight(rollout, replica_sets) if is_canary else "",
        counts=counts(rollout),
        replica_sets=replica_sets,
        experiments=experiment_infos(
            uid, related.experiments, related.replica_sets, related.analysis_runs, related.pods
        ),
        analysis_runs=analysis_run_infos(uid, related.analysis_runs),
    )


def strategy_name(rollout: Obj) -> str:
    """`Canary`, `BlueGreen`, or nothing."""
    strategy = _strategy(rollout)
    if strategy.get("canary") is not None:
        return "Canary"
    return "BlueGreen" if strategy.get("blueGreen") is not None else ""


def step_text(rollout: Obj) -> str:
    """`2/5`: steps done, of all; empty without steps."""
    steps, index = _steps(rollout), _status(rollout).get("currentStepIndex")
    return f"{index}/{len(steps)}" if steps and index is not None else ""


def set_weight(rollout: Obj) -> int:
    """The weight that the steps ask for now (a canary's), whatever the pods say."""
    if _status(rollout).get("abort"):
        return 0
    steps, index = _steps(rollout), _status(rollout).get("currentStepIndex") or 0
    if index >= len(steps):
        return _max_weight(rollout)
    for step in reversed(steps[: index + 1]):
        weight: int | None = step.get("setWeight")
        if weight is not None:
            return weight
    return 0


def counts(rollout: Obj) -> Counts:
    """The counts of spec and status."""
    desired, status = (rollout.get("spec") or {}).get("replicas"), _status(rollout)
    return Counts(
        desired=DEFAULT_REPLICAS if desired is None else desired,
        current=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
    )


def _actual_weight(rollout: Obj, replica_sets: Iterable[ReplicaSetInfo]) -> str:
    status, steps = _status(rollout), _steps(rollout)
    if (status.get("currentStepIndex") or 0) >= len(steps):
        return str(_max_weight(rollout))
    available = status.get("availableReplicas", 0)
    if available <= 0:
        return "0"
    if (_strategy(rollout)["canary"] or {}).get("trafficRouting") is None:
        for found in replica_sets:
            if "canary" in found.tags:
                return str(found.available * _max_weight(rollout) // available)
        return "0"
    weights = (status.get("canary") or {}).get("weights")
    if weights is None:
        return str(set_weight(rollout))
    return str((weights.get("canary") or {}).get("weight", 0))


def _strategy(rollout: Obj) -> Mapping[str, Obj | None]:
    return (rollout.get("spec") or {}).get("strategy") or {}


def _status(rollout: Obj) -> Obj:
    return rollout.get("status") or {}


def _steps(rollout: Obj) -> list[Obj]:
    steps: list[Obj] = (_strategy(rollout).get("canary") or {}).get("steps") or []
    return steps


def _max_weight(rollout: Obj) -> int:
    routing = (_strategy(rollout).get("canary") or {}).get("trafficRouting") or {}
    weight: int | None = routing.get("maxTrafficWeight")
    return MAX_WEIGHT if weight is None else weight
