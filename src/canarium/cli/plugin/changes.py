"""The commands that change a Rollout or an AnalysisRun.

Owns: what is read first, what is printed. Must not know: what a patch says (`rollouts.commands`), how it is sent.
Behaviour follows `pkg/kubectl-argo-rollouts/cmd`, Argo Rollouts 1.10, for clusters where status is a subresource.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from canarium.cli.plugin.request import Output, PluginError, Session, not_built
from canarium.kube.decision import Patch
from canarium.kube.objects import Obj
from canarium.kube.resources import REPLICA_SETS
from canarium.rollouts import commands
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.rollouts.sending import change_rollout, send


async def abort(session: Session, output: Output, names: Sequence[str]) -> None:
    """Give updates up. Raises ApiError at the first that fails; those before it stay aborted."""
    await _each(session, output, names, commands.abort, "aborted")


async def retry(session: Session, output: Output, names: Sequence[str]) -> None:
    """Try aborted updates again."""
    await _each(session, output, names, commands.retry, "retried")


async def pause(session: Session, output: Output, names: Sequence[str]) -> None:
    """Set spec.paused."""
    await _each(session, output, names, commands.pause, "paused")


async def promote(
    session: Session, output: Output, name: str, *, full: bool, skip_current_step: bool, skip_all_steps: bool
) -> None:
    """Go on from a pause or step, or to the end. Raises CommandRefused, ApiError."""
    if skip_current_step and skip_all_steps:
        raise PluginError("Cannot use skip-current-step and skip-all-steps flags at the same time")
    rollout = await session.cluster.get(ROLLOUTS, session.namespace, name)
    if skip_current_step:
        patches = commands.skip_current_step(rollout)
    elif skip_all_steps:
        patches = commands.skip_all_steps(rollout)
    else:
        patches = commands.promote_full(rollout) if full else commands.promote(rollout)
    await send(session.cluster, session.namespace, patches)
    output.line(f"rollout '{name}' {'fully promoted' if full else 'promoted'}")


async def restart(session: Session, output: Output, name: str, *, after: timedelta, shown: str) -> None:
    """Replace the pods. after: how long from now. shown: that duration as it was written."""
    rollout = _named(session, name)
    await send(session.cluster, session.namespace, commands.restart(rollout, session.clock.now() + after))
    output.line(f"rollout '{name}' restarts in {shown}")


async def undo(session: Session, output: Output, name: str, *, to_revision: int) -> None:
    """Go back to an earlier template. Raises CommandRefused, ApiError."""
    rollout = await session.cluster.get(ROLLOUTS, session.namespace, name)
    if rollout["spec"].get("workloadRef") is not None:
        raise not_built(
            "undo of a Rollout with spec.workloadRef is", f"Use `kubectl rollout undo`, then look at {name}."
        )
    replica_sets = await session.cluster.list(REPLICA_SETS, session.namespace)
    patches = commands.undo(rollout, replica_sets.items, to_revision)
    if not patches:
        output.line(f"skipped rollback (current template already matches revision {to_revision})")
        return
    await send(session.cluster, session.namespace, patches)
    output.line(f"rollout '{name}' undo")


async def set_image(session: Session, output: Output, name: str, *, container: str, image: str) -> None:
    """Another image; begins again when somebody else changed the Rollout meanwhile."""
    await change_rollout(
        session.cluster, session.namespace, name, lambda rollout: commands.set_image(rollout, container, image)
    )
    output.line(f'rollout "{name}" image updated')


async def terminate_analysis_runs(session: Session, output: Output, names: Sequence[str]) -> None:
    """End AnalysisRuns early."""
    for name in names:
        await session.cluster.patch(ANALYSIS_RUNS, session.namespace, name, {"spec": {"terminate": True}})
        output.line(f"analysisRun '{name}' terminated")


async def _each(
    session: Session, output: Output, names: Sequence[str], change: Callable[[Obj], tuple[Patch, ...]], done: str
) -> None:
    for name in names:
        await send(session.cluster, session.namespace, change(_named(session, name)))
        output.line(f"rollout '{name}' {done}")


def _named(session: Session, name: str) -> Obj:
    """A Rollout that nobody read: enough for a patch that depends on nothing."""
    return {"metadata": {"name": name, "namespace": session.namespace}, "spec": {}}
