"""How many pods each ReplicaSet of a Deployment gets.

Owns: the arithmetic of surge, unavailability, proportion. Pure. Must not know: actions, status, clocks.
Source: Kubernetes 1.34 pkg/controller/deployment/{rolling,sync}.go and util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from canarium.kube.objects import Obj, annotations_of, int_or_percent

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


def size(replica_set: Obj) -> int:
    """spec.replicas."""
    return int(replica_set["spec"].get("replicas", 1))


def count(replica_set: Obj, field: str) -> int:
    """One of the counts in status; 0 when absent."""
    return int((replica_set.get("status") or {}).get(field, 0))


def age(replica_set: Obj) -> tuple[str, str]:
    """A sort key: oldest first, ties by name."""
    return replica_set["metadata"].get("creationTimestamp", ""), replica_set["metadata"]["name"]


def is_rolling(deployment: Obj) -> bool:
    """Whether the strategy is RollingUpdate, the default."""
    return bool((deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def fenceposts(deployment: Obj) -> tuple[int, int]:
    """maxSurge (rounded up) and maxUnavailable (rounded down) in pods; both 0 becomes one unavailable."""
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    want = int(deployment["spec"].get("replicas", 1))
    surge = int_or_percent(rolling.get("maxSurge", "25%"), want, round_up=True)
    unavailable = int_or_percent(rolling.get("maxUnavailable", "25%"), want, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, want) if want else unavailable


def max_surge(deployment: Obj) -> int:
    """Pods above spec.replicas that a rolling update may have; 0 for Recreate."""
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def new_size(deployment: Obj, sets: Sequence[Obj], new: Obj | None) -> int:
    """How large the new ReplicaSet may be now, all sets together staying within the surge."""
    want, have = int(deployment["spec"].get("replicas", 1)), size(new) if new else 0
    if not is_rolling(deployment):
        return want
    room = want + max_surge(deployment) - sum(map(size, sets))
    return have + min(room, want - have) if room > 0 else have


def scale_down_old(deployment: Obj, new: Obj, old: Sequence[Obj]) -> list[tuple[Obj, int]]:
    """Which old sets shrink to what: unhealthy pods first, then as many as availability allows. Oldest set first.

    A set that was just scaled down still counts pods as available that are on their way out, until its own controller
    has looked. Upstream stops with an error then ("got invalid request to scale down"); we count no more than it wants.
    """
    want = int(deployment["spec"].get("replicas", 1))
    sizes = {found["metadata"]["name"]: size(found) for found in old}
    if not sum(sizes.values()):
        return []
    least = want - fenceposts(deployment)[1]
    room = sum(sizes.values()) + size(new) - least - (size(new) - _available(new))
    if room <= 0:
        return []
    for found in old:
        name = found["metadata"]["name"]
        sick = min(room, sizes[name] - _available(found))
        if sick > 0:
            sizes[name] -= sick
            room -= sick
    spare = sum(map(_available, (*old, new))) - least
    for found in old:
        name = found["metadata"]["name"]
        fewer = min(sizes[name], spare)
        if fewer > 0:
            sizes[name] -= fewer
            spare -= fewer
    return [
        (found, sizes[found["metadata"]["name"]]) for found in old if sizes[found["metadata"]["name"]] != size(found)
    ]


def _available(replica_set: Obj) -> int:
    return min(size(replica_set), count(replica_set, "availableReplicas"))


def proportional_scales(
    deployment: Obj, sets: Sequence[Obj], new: Obj | None, old: Sequence[Obj]
) -> list[tuple[Obj, int]]:
    """The sizes that keep each active set's share when the total changes; what rounding leaves goes to the largest."""
    want = int(deployment["spec"].get("replicas", 1))
    active = [found for found in sets if size(found) > 0]
    if len(active) <= 1:
        only = active[0] if active else new or (old[-1] if old else None)
        return [] if only is None else [(only, want)]
    if new is not None and _is_saturated(deployment, new):
        return [(found, 0) for found in old if size(found) > 0]
    if not is_rolling(deployment):
        return []
    allowed = want + max_surge(deployment) if want > 0 else 0
    add = allowed - sum(map(size, active))
    is_growing = add > 0
    # Growing favours newer sets among equals, shrinking older ones.
    active = sorted(active, key=age, reverse=is_growing)
    active.sort(key=size, reverse=True)
    sizes: list[int] = []
    added = 0
    for found in active:
        share = _share(deployment, found, add, added) if add else 0
        sizes.append(size(found) + share)
        added += share
    if add:
        sizes[0] = max(sizes[0] + add - added, 0)
    return list(zip(active, sizes, strict=True))


def _share(deployment: Obj, replica_set: Obj, add: int, added: int) -> int:
    if add == added:
        return 0
    want, have = int(deployment["spec"].get("replicas", 1)), size(replica_set)
    if want == 0:
        share = -have
    else:
        annotated = annotations_of(replica_set).get(MAXIMUM, "")
        former_most = int(annotated) if annotated.isdigit() and int(annotated) else count(replica_set, "replicas")
        exact = have * (want + max_surge(deployment)) / former_most if former_most else float(have)
        share = int(exact + 0.5) - have
    left = add - added
    return min(share, left) if add > 0 else max(share, left)


def _is_saturated(deployment: Obj, new: Obj) -> bool:
    want = int(deployment["spec"].get("replicas", 1))
    desired = annotations_of(new).get(DESIRED)
    return size(new) == want and desired == str(want) and count(new, "availableReplicas") == want


def is_scaling(deployment: Obj, sets: Sequence[Obj]) -> bool:
    """Whether spec.replicas differs from what an active ReplicaSet was last sized for."""
    want = str(deployment["spec"].get("replicas", 1))
    if not is_rolling(deployment) and sum(size(found) > 0 for found in sets) > 1:
        return False  # Recreate keeps no shares: its own steps end in the right size
    return any(
        size(found) > 0 and DESIRED in annotations_of(found) and annotations_of(found)[DESIRED] != want
        for found in sets
    )
