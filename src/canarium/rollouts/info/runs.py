"""AnalysisRuns and Experiments as the tree shows them: phase, counts of measurements, Jobs.

Owns: what is counted. Must not know: colours, how measurements are taken.
Behaviour follows `pkg/kubectl-argo-rollouts/info/analysisrun_info.go` and `experiment_info.go`, Argo Rollouts 1.10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from canarium.kube.objects import Obj
from canarium.rollouts.info import icons
from canarium.rollouts.info.replicasets import ReplicaSetInfo, is_owned_by, replica_set_infos, revision_of

_JOB_NAME: Final = "job-name"


class JobInfo(msgspec.Struct, frozen=True):
    """A Job that took a measurement. started: RFC 3339."""

    name: str
    started: str
    status: str
    icon: str


class AnalysisRunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One AnalysisRun, with its measurements counted over all metrics."""

    name: str
    created: str
    revision: int
    status: str
    icon: str
    successful: int
    failed: int
    inconclusive: int
    error: int
    jobs: tuple[JobInfo, ...]


class ExperimentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One Experiment with its ReplicaSets and AnalysisRuns."""

    name: str
    created: str
    revision: int
    status: str
    icon: str
    replica_sets: tuple[ReplicaSetInfo, ...]
    analysis_runs: tuple[AnalysisRunInfo, ...]


def analysis_run_infos(owner_uid: str, runs: Iterable[Obj]) -> tuple[AnalysisRunInfo, ...]:
    """The AnalysisRuns of one owner: latest revision first, of one revision the oldest first."""
    infos = [_analysis_run_info(run) for run in runs if is_owned_by(run, owner_uid)]
    infos.sort(key=lambda info: info.name, reverse=True)
    return tuple(sorted(infos, key=lambda info: (-info.revision, info.created)))


def _analysis_run_info(run: Obj) -> AnalysisRunInfo:
    status = run.get("status") or {}
    results = status.get("metricResults") or []
    phase = status.get("phase", "")
    return AnalysisRunInfo(
        name=run["metadata"]["name"],
        created=run["metadata"].get("creationTimestamp") or "",
        revision=revision_of(run),
        status=phase,
        icon=icons.analysis_icon(phase),
        successful=_total(results, "successful"),
        failed=_total(results, "failed"),
        inconclusive=_total(results, "inconclusive"),
        error=_total(results, "error"),
        jobs=tuple(_jobs(results)),
    )


def _total(results: list[Obj], outcome: str) -> int:
    return sum(result.get(outcome, 0) for result in results)


def _jobs(results: list[Obj]) -> Iterator[JobInfo]:
    for result in results:
        for measurement in result.get("measurements") or ():
            name = (measurement.get("metadata") or {}).get(_JOB_NAME)
            if name is not None:
                phase = measurement.get("phase", "")
                yield JobInfo(name, measurement.get("startedAt") or "", phase, icons.analysis_icon(phase))


def experiment_infos(
    owner_uid: str,
    experiments: Iterable[Obj],
    replica_sets: Iterable[Obj],
    runs: Iterable[Obj],
    pods: Iterable[Obj],
) -> tuple[ExperimentInfo, ...]:
    """The Experiments of one Rollout: latest revision first, of one revision the oldest first."""
    all_sets, all_runs, all_pods = list(replica_sets), list(runs), list(pods)
    infos = []
    for experiment in experiments:
        if not is_owned_by(experiment, owner_uid):
            continue
        uid, phase = experiment["metadata"].get("uid", ""), (experiment.get("status") or {}).get("phase", "")
        infos.append(
            ExperimentInfo(
                name=experiment["metadata"]["name"],
                created=experiment["metadata"].get("creationTimestamp") or "",
                revision=revision_of(experiment),
                status=phase,
                icon=icons.analysis_icon(phase),
                replica_sets=replica_set_infos(uid, None, all_sets, all_pods),
                analysis_runs=analysis_run_infos(uid, all_runs),
            )
        )
    return tuple(sorted(infos, key=lambda info: (-info.revision, info.created)))
