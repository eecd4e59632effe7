"""Which AnalysisRuns a Rollout has now, which it should have, which it no longer needs.

Owns: starting, naming, ending and forgetting the runs of canary steps and of the background analysis, and what their
outcome means for the rollout. Must not know: how a run is measured.
Behaviour follows `rollout/analysis.go`, `utils/analysis/helpers.go` (CreateWithCollisionCounter) and `filter.go`,
Argo Rollouts 1.10, except that the abort message is the run's own, as it was up to 1.8 (1.9 puts a prefix before it).

A run is started in two passes: the status names it first, then it is created under that name. So a run whose creation
took effect while an answer got lost is never taken for one of an earlier attempt, however fast it ends.
"""

from __future__ import annotations

from typing import Final

from canarium.kube.decision import Create
from canarium.kube.objects import Obj, owner_reference
from canarium.rollouts.analysis.templates import build_run, collect_templates, resolve_args, same_run
from canarium.rollouts.kinds import ANALYSIS_RUNS
from canarium.rollouts.observed import Observed
from canarium.rollouts.pauses import INCONCLUSIVE_ANALYSIS
from canarium.rollouts.reasons import (
    AnalysisFailed,
    AnalysisInconclusive,
    AnalysisNamed,
    AnalysisRunning,
    AnalysisStarted,
    RunsCleanedUp,
)
from canarium.rollouts.revisions import is_fast_rollback
from canarium.rollouts.strategies.canary.steps import current_step
from canarium.rollouts.turn import Run, Turn, view_run
from canarium.rollouts.types import (
    DEFAULT_RUN_HISTORY_LIMIT,
    INSTANCE_ID,
    POD_TEMPLATE_HASH_LABEL,
    REVISION,
    CanaryStatus,
    RolloutAnalysis,
    RunStatus,
)

ROLLOUT_TYPE: Final = "rollout-type"
STEP_INDEX: Final = "step-index"
STEP: Final = "Step"
BACKGROUND: Final = "Background"


def reconcile_analysis(turn: Turn) -> None:
    """Start, end, judge and forget AnalysisRuns; asks for an abort or a pause where an outcome calls for one.

    Afterwards `turn.step_run` and `turn.background_run` are the current ones. Raises InvalidTemplate when a run cannot
    be made (validation has refused most such templates before).
    """
    before, status = turn.before, turn.rollout.status
    is_superfluous = (
        status.is_fully_promoted
        or turn.is_aborted
        or before.promote_full
        or is_fast_rollback(turn.rollout, turn.new, turn.stable, turn.all)
        or not before.stable_rs
    )
    cancelled: list[str] = []
    step_run, background_run = None, None
    if is_superfluous:
        cancelled += [run.name for run in (turn.step_run, turn.background_run) if run and turn.cancel_run(run)]
    else:
        step_run = _reconcile_step(turn, cancelled)
        background_run = _reconcile_background(turn, cancelled)
    turn.run_statuses = CanaryStatus(
        current_step_analysis_run_status=step_run.as_status() if step_run else None,
        current_background_analysis_run_status=background_run.as_status() if background_run else None,
    )
    turn.step_run, turn.background_run = step_run, background_run
    current = {run.name for run in (step_run, background_run) if run}
    others = [run for run in turn.other_runs if run.name not in current]
    cancelled += [run.name for run in others if turn.cancel_run(run)]
    deleted = [run.name for run in _beyond_history(turn, others) if turn.delete_run(run)]
    if cancelled or deleted:
        turn.because(RunsCleanedUp(tuple(cancelled), tuple(deleted)))
    _tell(turn, STEP, before.canary.current_step_analysis_run_status, step_run)
    _tell(turn, BACKGROUND, before.canary.current_background_analysis_run_status, background_run)


def _reconcile_step(turn: Turn, cancelled: list[str]) -> Run | None:
    step, index = current_step(turn.rollout)
    current = turn.step_run
    if turn.before.pause_conditions or turn.before.abort:
        return current
    analysis = step.analysis if step else None
    is_from_another_step = current is not None and current.labels.get(STEP_INDEX) != str(index)
    if analysis is None or not analysis.templates or is_from_another_step:
        if current is not None and turn.cancel_run(current):
            cancelled.append(current.name)
        return None
    if _needs_new_run(turn, current):
        return _start(turn, analysis, index, turn.before.canary.current_step_analysis_run_status)
    assert current is not None, "a run that is not there would have needed to be new"
    _judge(turn, current)
    return current


def _reconcile_background(turn: Turn, cancelled: list[str]) -> Run | None:
    analysis, current = turn.rollout.spec.canary.analysis, turn.background_run
    if analysis is None or not analysis.templates:
        if current is not None and turn.cancel_run(current):
            cancelled.append(current.name)
        return None
    _, index = current_step(turn.rollout)
    is_before_start = analysis.starting_step is not None and index is not None and index < analysis.starting_step
    if not turn.before.current_pod_hash or is_before_start:
        return None
    if turn.before.is_paused_for(INCONCLUSIVE_ANALYSIS):
        return current
    if _needs_new_run(turn, current):
        return _start(turn, analysis, None, turn.before.canary.current_background_analysis_run_status)
    assert current is not None, "a run that is not there would have needed to be new"
    _judge(turn, current)
    return current


def _needs_new_run(turn: Turn, current: Run | None) -> bool:
    """None yet; or somebody resumed after an inconclusive one; or the rollout is just being retried after an abort."""
    if current is None:
        return True
    before = turn.before
    if before.controller_pause and not before.is_paused_for("CanaryPauseStep"):
        return current.phase == "Inconclusive"
    return before.aborted_at is not None


def _judge(turn: Turn, run: Run) -> None:
    match run.phase:
        case "Inconclusive":
            turn.pauses.added.append(INCONCLUSIVE_ANALYSIS)
            turn.because(AnalysisInconclusive(run.name, run.message))
        case "Error" | "Failed":
            turn.pauses.abort(run.message)
            turn.because(AnalysisFailed(run.name, run.phase, run.message))
        case phase if not run.is_completed:
            turn.because(AnalysisRunning(run.name, phase))


def _start(turn: Turn, analysis: RolloutAnalysis, index: int | None, named: RunStatus | None) -> Run:
    """Name a new run or, once the status does (`named`), create it. The name is the first that is free."""
    made = make_run(turn, analysis, index)
    name = made["metadata"]["name"]
    is_ours = named is not None and (named.name == name or named.name.startswith(f"{name}."))
    if named is not None and is_ours and all(run.name != named.name for run in turn.runs):
        made = {**made, "metadata": {**made["metadata"], "name": named.name}}
        turn.create(Create(resource=ANALYSIS_RUNS, obj=made))
        turn.because(AnalysisStarted(named.name, index))
        return view_run(made)
    for count in range(len(turn.runs) + 1):
        candidate = name if count == 0 else f"{name}.{count}"
        existing = next((run for run in turn.runs if run.name == candidate), None)
        if existing is None:
            turn.because(AnalysisNamed(candidate, index))
            return Run(obj={}, name=candidate)
        if not existing.is_completed and same_run(existing.obj, made):
            turn.because(AnalysisRunning(existing.name, existing.phase))
            return existing  # ours already: the status that named it was lost
    raise AssertionError(f"no free name after {name}: one more candidate than runs was tried")


def make_run(turn: Turn, analysis: RolloutAnalysis, index: int | None) -> Obj:
    """The AnalysisRun of a step, or of the background (None), under the name it has unless that is taken."""
    rollout, new, stable = turn.rollout, turn.new, turn.stable
    assert new is not None, "an analysis without a canary"
    revision = rollout.annotations.get(REVISION, "")
    parts = [rollout.name, new.pod_hash, revision] + ([] if index is None else [str(index)])
    labels = {POD_TEMPLATE_HASH_LABEL: new.pod_hash, ROLLOUT_TYPE: BACKGROUND if index is None else STEP}
    if index is not None:
        labels[STEP_INDEX] = str(index)
    instance = (rollout.obj["metadata"].get("labels") or {}).get(INSTANCE_ID)
    if instance:
        labels[INSTANCE_ID] = instance
    annotations = {REVISION: revision}
    if analysis.analysis_run_metadata is not None:
        labels.update(analysis.analysis_run_metadata.labels or {})
        annotations.update(analysis.analysis_run_metadata.annotations or {})
    labels.update((rollout.spec.selector or {}).get("matchLabels") or {})
    templates, cluster_templates = referenced_templates(turn.observed, analysis)
    return build_run(
        name="-".join(parts),
        namespace=rollout.namespace,
        labels=labels,
        annotations=annotations,
        owner=owner_reference(rollout.obj),
        templates=templates,
        cluster_templates=cluster_templates,
        args=resolve_args(
            analysis.args or (),
            rollout.obj,
            stable_hash=stable.pod_hash if stable else "",
            latest_hash=new.pod_hash,
        ),
        dry_run=analysis.dry_run or (),
        measurement_retention=analysis.measurement_retention or (),
    )


def referenced_templates(observed: Observed, analysis: RolloutAnalysis) -> tuple[list[Obj], list[Obj]]:
    """The templates an analysis names, nested ones included: (templates, cluster templates). Raises KeyError."""
    return collect_templates(
        [{"templateName": ref.template_name, "clusterScope": bool(ref.cluster_scope)} for ref in analysis.templates],
        template=observed.analysis_templates.__getitem__,
        cluster_template=observed.cluster_analysis_templates.__getitem__,
    )


def runs_of(turn: Turn, pod_hash: str) -> list[Run]:
    """The runs, other than the current ones, that belong to one revision's pods."""
    return [run for run in turn.other_runs if run.labels.get(POD_TEMPLATE_HASH_LABEL) == pod_hash]


def _beyond_history(turn: Turn, others: list[Run]) -> list[Run]:
    """Runs without a ReplicaSet, and finished ones beyond the limits, the latest kept (FilterAnalysisRunsToDelete)."""
    limits = turn.rollout.spec.analysis
    keep_successful = limits.successful_run_history_limit if limits else None
    keep_unsuccessful = limits.unsuccessful_run_history_limit if limits else None
    room = {
        True: DEFAULT_RUN_HISTORY_LIMIT if keep_successful is None else keep_successful,
        False: DEFAULT_RUN_HISTORY_LIMIT if keep_unsuccessful is None else keep_unsuccessful,
    }
    alive = {found.pod_hash for found in turn.all if not found.is_being_deleted}
    beyond = []
    for run in sorted(others, key=lambda run: (run.created, run.name), reverse=True):
        if run.labels.get(POD_TEMPLATE_HASH_LABEL) not in alive:
            beyond.append(run)
        elif run.is_completed:
            is_successful = run.phase == "Successful"
            if room[is_successful] > 0:
                room[is_successful] -= 1
            else:
                beyond.append(run)
    return beyond


def _tell(turn: Turn, kind: str, before: RunStatus | None, run: Run | None) -> None:
    """An Event when a current run has another phase than the status remembers."""
    if run is None or not run.phase:
        return
    if before is not None and (before.name != run.name or before.status == run.phase):
        return
    earlier = before.status if before else "NoPreviousStatus"
    turn.event(
        f"AnalysisRun{run.phase}",
        f"{kind} Analysis Run '{run.name}' Status New: '{run.phase}' Previous: '{earlier}'",
        is_warning=run.phase in ("Failed", "Error"),
    )
