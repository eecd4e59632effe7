"""How many pods the canary and the stable ReplicaSet of a basic canary may have right now.

Owns: the arithmetic of weights, maxSurge and maxUnavailable, including upstream's odd corners.
Must not know: Rollout objects, steps, how a ReplicaSet is scaled.
Behaviour follows `utils/replicaset/canary.go` (CalculateReplicaCountsForBasicCanary and what it calls) and
`resolveFenceposts` of `replicaset.go`, Argo Rollouts 1.10; known differences: none.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Scale(NamedTuple):
    """What a ReplicaSet is told to have, and what it has: spec.replicas and status.availableReplicas."""

    desired: int
    available: int


class Counts(NamedTuple):
    """Pods for the canary and for the stable ReplicaSet."""

    canary: int
    stable: int


class Fenceposts(NamedTuple):
    """How far above and below spec.replicas a rollout may go, in pods."""

    surge: int
    unavailable: int


def resolve_fenceposts(max_surge: int | str, max_unavailable: int | str, replicas: int) -> Fenceposts:
    """maxSurge rounded up, maxUnavailable rounded down and at most `replicas`; 1 unavailable when both come out as 0.

    Text is a percentage with or without its sign; text that is no number makes both 0 (validation refuses it earlier).
    """
    surge = _pods(max_surge, replicas, round_up=True)
    unavailable = _pods(max_unavailable, replicas, round_up=False)
    if surge is None or unavailable is None:
        return Fenceposts(0, 0)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Fenceposts(surge, min(unavailable, replicas))


def _pods(value: int | str, total: int, *, round_up: bool) -> int | None:
    if isinstance(value, int):
        return value
    try:
        exact = int(value.replace("%", "")) * total / 100
    except ValueError:
        return None
    return math.ceil(exact) if round_up else math.floor(exact)


def approximate_weight(replicas: int, weight: int, max_weight: int, max_surge: int) -> Counts:
    """The canary and stable counts whose ratio comes closest to `weight`.

    They sum to `replicas`, or to one more when that is closer and maxSurge allows it. A tie goes to the larger canary.
    For weights strictly between 0 and the maximum, both sides get a pod if there are two or more, except where rounding
    drops both candidates and none are left: then the canary gets 0 (2 replicas at 75, no surge).
    """
    if replicas == 0:
        return Counts(0, 0)
    upper = math.ceil(replicas * weight / max_weight)
    lower = math.floor(replicas * weight / max_weight)
    may_be_zero = weight in (0, max_weight) or (replicas == 1 and max_surge == 0)

    options: list[tuple[int, int]] = []
    if upper < replicas or may_be_zero:
        options.append((upper, replicas))
    if not _is_tied(weight, max_weight, replicas) and (lower != 0 or may_be_zero):
        options.append((lower, replicas))
    if max_surge > 0:
        options.append((upper, replicas + 1))
        if not _is_tied(weight, max_weight, replicas + 1) and (lower != 0 or may_be_zero):
            options.append((lower, replicas + 1))
    if not options:
        return Counts(0, replicas)
    canary, total = min(options, key=lambda option: abs(option[0] * max_weight / option[1] - weight))
    return Counts(canary, total - canary)


def _is_tied(weight: int, max_weight: int, total: int) -> bool:
    return math.modf(total * (weight / max_weight))[0] == 0.5


def basic_canary_counts(
    *,
    replicas: int,
    weight: int,
    max_weight: int,
    fenceposts: Fenceposts,
    canary: Scale | None,
    stable: Scale | None,
    is_same: bool,
    others: int,
) -> Counts:
    """The spec.replicas that the two ReplicaSets should have next, as far as the fenceposts let them move now.

    canary: the ReplicaSet of the desired template (None: not created yet). stable: the one marked stable (None: first
    deployment); `is_same` when they are one and the same, which then ignores `weight`. others: the sum of spec.replicas
    of all further ReplicaSets; while it is not 0, neither of the two is scaled down.
    """
    wanted = approximate_weight(replicas, weight, max_weight, fenceposts.surge)
    has_stable = stable is not None and not is_same
    if not has_stable:
        wanted = Counts(replicas, 0)
    canary_now = canary.desired if canary else 0
    stable_now = stable.desired if stable and has_stable else 0
    ceiling = replicas + fenceposts.surge

    room = ceiling - others - canary_now - stable_now
    next_stable, next_canary = stable_now, canary_now
    if has_stable and stable_now < wanted.stable and room > 0:
        next_stable = min(stable_now + room, wanted.stable)
        room -= next_stable - stable_now
    if canary is not None and canary_now < wanted.canary and room > 0:
        next_canary = min(canary_now + room, wanted.canary)
    if others > 0:
        return Counts(next_canary, next_stable)

    floor = replicas - fenceposts.unavailable
    is_increasing = canary is None or wanted.canary >= canary_now
    spare = _counted(canary, ignore_availability=not is_increasing)
    spare += _counted(stable, ignore_availability=is_increasing)
    spare -= floor
    if spare <= 0:
        return Counts(next_canary, next_stable)
    if not is_increasing:
        assert canary is not None, "only an existing canary can be asked to shrink"
        next_canary = max(wanted.canary, canary_now - spare)
        drained, kept = _within_limits(canary, stable, next_canary, next_stable, ceiling, floor)
        return Counts(drained, kept)
    if has_stable:
        assert stable is not None, "has_stable says so"
        if stable_now > wanted.stable:
            next_stable = max(wanted.stable, stable_now - spare)
        drained, kept = _within_limits(stable, canary, next_stable, next_canary, ceiling, floor)
        return Counts(kept, drained)
    return Counts(next_canary, next_stable)


def _counted(scale: Scale | None, *, ignore_availability: bool) -> int:
    """Pods that count as serving when we look for what may go (GetReplicasForScaleDown)."""
    if scale is None:
        return 0
    if ignore_availability or scale.desired < scale.available:
        return scale.desired
    return scale.available


def _within_limits(
    drained: Scale, kept: Scale | None, drained_count: int, kept_count: int, ceiling: int, floor: int
) -> tuple[int, int]:
    """Pull two counts back under the ceiling without losing pods that the floor needs (adjustReplicaWithinLimits)."""
    if kept is None:
        return drained_count, kept_count
    kept_count -= max(0, kept_count + drained_count - ceiling)
    serving = min(drained.available, drained_count) + min(kept.available, kept_count)
    lost = max(0, kept.available - kept_count)
    kept_count += min(lost, max(0, floor - serving))
    drained_count -= max(0, kept_count + drained_count - ceiling)
    return drained_count, kept_count
