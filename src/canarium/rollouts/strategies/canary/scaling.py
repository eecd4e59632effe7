"""Scaling the ReplicaSets of a basic canary: stable first, then canary, then whatever else still has pods.

Owns: which ReplicaSet is scaled in which order, and when a weight counts as reached. Must not know: steps, analysis.
Behaviour follows `rollout/canary.go` and `rollout/replicaset.go`, Argo Rollouts 1.10, but for `_is_turning_round`.
"""

from __future__ import annotations

from canarium.rollouts.pauses import INCONCLUSIVE_ANALYSIS
from canarium.rollouts.reasons import PodsUnavailable, StableLeaving, StillShrinking
from canarium.rollouts.replicasets import ReplicaSet, total_available, total_desired
from canarium.rollouts.strategies.canary.counts import Counts, Scale, basic_canary_counts
from canarium.rollouts.strategies.canary.steps import desired_weight
from canarium.rollouts.turn import Turn, scaled_view
from canarium.rollouts.types import MAX_WEIGHT, SCALE_DOWN_DEADLINE


def wanted_counts(turn: Turn) -> Counts:
    """What canary and stable should have next."""
    return basic_canary_counts(
        replicas=turn.rollout.spec.desired,
        weight=desired_weight(turn.rollout),
        max_weight=MAX_WEIGHT,
        fenceposts=turn.fenceposts,
        canary=_scale(turn.new),
        stable=_scale(turn.stable),
        is_same=_is_same(turn),
        others=total_desired(turn.others),
    )


def _scale(found: ReplicaSet | None) -> Scale | None:
    return Scale(found.desired, found.available) if found else None


def _is_same(turn: Turn) -> bool:
    return turn.new is not None and turn.stable is not None and turn.new.name == turn.stable.name


def reconcile_replica_sets(turn: Turn) -> bool:
    """Scale one group of ReplicaSets towards the weight; whether anything was scaled.

    Nothing moves while the user paused the rollout or an analysis was inconclusive.
    """
    if turn.rollout.spec.paused or turn.before.is_paused_for(INCONCLUSIVE_ANALYSIS):
        return False
    for found in (turn.new, None if _is_same(turn) else turn.stable):
        if found is not None and found.annotations.get(SCALE_DOWN_DEADLINE):
            turn.patch_replica_set(found, annotations={SCALE_DOWN_DEADLINE: None})
    counts = wanted_counts(turn)
    if _is_turning_round(turn, counts):
        return True
    if turn.stable is not None and not _is_same(turn) and turn.scale(turn.stable, counts.stable):
        return True
    if turn.new is not None and turn.scale(turn.new, counts.canary):
        return True
    return _scale_down_others(turn)


def _is_turning_round(turn: Turn, counts: Counts) -> bool:
    """A ReplicaSet that should grow has not yet dropped what it was last told to drop.

    Nothing is scaled meanwhile: grown at once, it would seem to have the available pods that are on their way out, and
    others would go on the strength of them. Upstream does not wait, and can be short of pods for it.
    """
    for found, wanted in ((turn.stable, counts.stable), (turn.new, counts.canary)):
        if found is not None and found.desired < min(wanted, found.actual):
            turn.because(StillShrinking(found.name, found.actual, found.desired))
            return True
    return False


def _scale_down_others(turn: Turn) -> bool:
    """Scale ReplicaSets that are neither new nor stable towards 0, as availability allows.

    Pods that do not serve go first, from the oldest ReplicaSet on, whatever the fenceposts say; then available ones,
    the latest revision first.
    """
    active = [found for found in turn.others if found.desired > 0]
    if not active:
        return False
    has_scaled = False
    healthy: list[ReplicaSet] = []
    for found in sorted(active, key=lambda found: found.age_order):
        if found.available > found.desired:
            return False  # its surplus is leaving already; upstream gives up on the whole group until it has
        if found.available < found.desired:
            turn.scale(found, found.available)
            has_scaled = True
            healthy.append(scaled_view(found, found.available))
        else:
            healthy.append(found)
    may_go = total_available(turn.all) - (turn.rollout.spec.desired - turn.fenceposts.unavailable)
    if may_go <= 0:
        # Upstream reports nothing scaled here, and goes on with the pass, even if unhealthy pods were just dropped.
        return False
    for found in sorted(healthy, key=lambda found: (found.revision, found.created), reverse=True):
        if may_go <= 0:
            break
        if found.desired == 0:
            continue
        to = max(0, found.desired - may_go)
        turn.scale(found, to)
        has_scaled = True
        may_go -= found.desired - to
    return has_scaled


def is_at_weight(turn: Turn) -> bool:
    """The counts of the weight are reached: canary available, stable created, nothing else serving."""
    counts = wanted_counts(turn)
    canary_available = turn.new.available if turn.new else 0
    if not _has_progressed(turn, turn.new, counts.canary):
        turn.because(PodsUnavailable(canary_available, counts.canary, desired_weight(turn.rollout)))
        return False
    stable = turn.stable
    if stable is None or stable.desired != counts.stable or stable.actual != counts.stable:
        turn.because(StableLeaving(stable.actual if stable else 0, counts.stable))
        return False
    leftover = total_available(turn.others)
    if leftover:
        turn.because(StableLeaving(leftover, 0))
        return False
    return True


def _has_progressed(turn: Turn, found: ReplicaSet | None, desired: int) -> bool:
    return found is not None and threshold_met(turn, found, desired)


def threshold_met(turn: Turn, found: ReplicaSet, desired: int) -> bool:
    """Enough of `desired` pods are available: all of them, unless replicaProgressThreshold asks for fewer."""
    threshold = turn.rollout.spec.canary.replica_progress_threshold
    if threshold is None or threshold.value < 0:
        return desired == found.desired == found.available
    if threshold.type == "Percent":
        if desired == 0:
            return True
        percent = found.available / desired * 100
        return percent >= threshold.value or abs(percent - threshold.value) <= 1e-10
    return found.available >= threshold.value
