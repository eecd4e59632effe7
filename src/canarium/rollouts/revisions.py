"""Revisions: how they are numbered, remembered and forgotten.

Owns: revision annotations of ReplicaSets and Rollout, the history limit, whether an update goes back in history.
Must not know: steps, scaling.
Behaviour follows `utils/annotations/annotations.go`, and syncReplicaSetRevision, reconcileRevisionHistoryLimit and
isRollbackWithinWindow of `rollout/sync.go`, Argo Rollouts 1.10.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from canarium.rollouts.replicasets import ReplicaSet
from canarium.rollouts.types import (
    DEFAULT_REVISION_HISTORY_LIMIT,
    DESIRED_REPLICAS,
    REVISION,
    REVISION_HISTORY,
    Rollout,
)

_NOT_COPIED: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        "notified.notifications.argoproj.io",
    }
)


def next_revision(older: Iterable[ReplicaSet]) -> int:
    """One more than the highest revision among the others."""
    return max((found.revision for found in older), default=0) + 1


def new_annotations(rollout: Rollout, revision: int) -> dict[str, str]:
    """What a new ReplicaSet carries: the Rollout's annotations, its revision, and the pods it will have in the end."""
    return {
        **_copied(rollout),
        REVISION: str(revision),
        DESIRED_REPLICAS: str(rollout.spec.desired),
    }


def changed_annotations(rollout: Rollout, new: ReplicaSet, revision: int) -> dict[str, str]:
    """Annotations to set on an existing new ReplicaSet so that it is the latest revision; empty when it is.

    A revision that it had before moves to its history.
    """
    current = new.annotations
    changed = {key: value for key, value in _copied(rollout).items() if current.get(key) != value}
    old_text = current.get(REVISION)
    if old_text and not old_text.lstrip("-").isdigit():
        return {}  # upstream leaves a revision that is no number alone, and reports no change
    if new.revision < revision:
        changed[REVISION] = str(revision)
    if old_text is not None and changed:
        history = current.get(REVISION_HISTORY, "")
        changed[REVISION_HISTORY] = f"{history},{old_text}" if history else old_text
    return changed


def _copied(rollout: Rollout) -> dict[str, str]:
    return {key: value for key, value in rollout.annotations.items() if key not in _NOT_COPIED}


def beyond_history(rollout: Rollout, others: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """ReplicaSets to delete: the oldest beyond revisionHistoryLimit, as far as they have no pods."""
    limit = rollout.spec.revision_history_limit
    limit = DEFAULT_REVISION_HISTORY_LIMIT if limit is None else limit
    alive = sorted((found for found in others if not found.is_being_deleted), key=lambda found: found.age_order)
    excess = max(0, len(alive) - limit)
    return [found for found in alive[:excess] if found.actual == 0 and found.desired == 0 and found.is_observed]


def is_rollback(rollout: Rollout, new: ReplicaSet | None, stable: ReplicaSet | None) -> bool:
    """The desired template is the stable one, or older than it. Also true when fully promoted."""
    if new is None or stable is None:
        return False
    return rollout.status.stable_rs == new.pod_hash or new.created < stable.created


def is_rollback_within_window(
    rollout: Rollout, new: ReplicaSet | None, stable: ReplicaSet | None, replica_sets: Iterable[ReplicaSet]
) -> bool:
    """The desired template is older than stable by fewer revisions than spec.rollbackWindow allows."""
    window = rollout.spec.rollback_window
    if window is None or window.revisions <= 0 or new is None or stable is None or new.created >= stable.created:
        return False
    between = sum(1 for found in replica_sets if new.created < found.created < stable.created)
    return between < window.revisions


def is_fast_rollback(
    rollout: Rollout, new: ReplicaSet | None, stable: ReplicaSet | None, replica_sets: Iterable[ReplicaSet]
) -> bool:
    """A rollback whose steps may be skipped: to stable, or within the window."""
    if new is None or stable is None or not is_rollback(rollout, new, stable):
        return False
    return rollout.status.stable_rs == new.pod_hash or is_rollback_within_window(rollout, new, stable, replica_sets)
