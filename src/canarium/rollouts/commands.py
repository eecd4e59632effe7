"""What people do to a Rollout: the commands of the kubectl plugin, as the patches it sends.

Owns: promote, abort, retry, restart, undo, pause, set image. Must not know: who applies a patch, how the controller
reacts. Behaviour follows `pkg/kubectl-argo-rollouts/cmd` of Argo Rollouts 1.10, for clusters where status is a
subresource. No patch carries a resourceVersion unless it replaces a list that was read: a command means what it says
whatever happened meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from canarium.errors import CanariumError
from canarium.kube.decision import Patch
from canarium.kube.objects import Obj, format_time, is_controlled_by
from canarium.rollouts.kinds import ROLLOUTS
from canarium.rollouts.replicasets import comparable_template, view_replica_set
from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL


class CommandRefused(CanariumError):
    """A command that makes no sense for this Rollout, in the plugin's words."""


def promote(rollout: Obj) -> tuple[Patch, ...]:
    """Go on from a pause, or skip the current step when there is no pause; also lifts spec.paused.

    An inconclusive analysis is passed over. Empty when there is nothing to do.
    """
    status = rollout.get("status") or {}
    index = _step_index(rollout)
    current_run = (status.get("canary") or {}).get("currentStepAnalysisRunStatus") or {}
    is_inconclusive = _is_canary(rollout) and current_run.get("status") == "Inconclusive"
    patch: Obj | None = None
    if is_inconclusive and status.get("pauseConditions") and status.get("controllerPause"):
        if index is not None:
            patch = {"pauseConditions": None, "controllerPause": False, "currentStepIndex": _next(rollout, index)}
    elif status.get("pauseConditions"):
        patch = {"pauseConditions": None}
    elif index is not None:
        patch = {"pauseConditions": None, "currentStepIndex": _next(rollout, index)}
    return _status_then_unpause(rollout, patch)


def promote_full(rollout: Obj) -> tuple[Patch, ...]:
    """Skip analysis, pauses and steps. Only lifts spec.paused when the desired version is stable already."""
    status = rollout.get("status") or {}
    is_promoted = status.get("currentPodHash", "") == status.get("stableRS", "")
    return _status_then_unpause(rollout, None if is_promoted else {"promoteFull": True})


def skip_current_step(rollout: Obj) -> tuple[Patch, ...]:
    """Count the current step as done (`promote --skip-current-step`). Raises CommandRefused without steps."""
    index = _refuse_without_steps(rollout)
    return (_status_patch(rollout, {"currentStepIndex": _next(rollout, index)}),)


def skip_all_steps(rollout: Obj) -> tuple[Patch, ...]:
    """Count every step as done (`promote --skip-all-steps`). Raises CommandRefused without steps."""
    _refuse_without_steps(rollout)
    return (_status_patch(rollout, {"currentStepIndex": len(_steps(rollout))}),)


def abort(rollout: Obj) -> tuple[Patch, ...]:
    """Give the update up and go back to stable."""
    return (_status_patch(rollout, {"abort": True}),)


def retry(rollout: Obj) -> tuple[Patch, ...]:
    """Try an aborted update again."""
    return (_status_patch(rollout, {"abort": False}),)


def restart(rollout: Obj, at: datetime) -> tuple[Patch, ...]:
    """Replace all pods that are older than `at`."""
    return (_spec_patch(rollout, {"restartAt": format_time(at)}),)


def pause(rollout: Obj) -> tuple[Patch, ...]:
    """Set spec.paused."""
    return (_spec_patch(rollout, {"paused": True}),)


def resume(rollout: Obj) -> tuple[Patch, ...]:
    """Lift spec.paused, and nothing else (what Argo CD's resume action does besides clearing pauses)."""
    return (_spec_patch(rollout, {"paused": False}),)


def set_image(rollout: Obj, container: str, image: str) -> tuple[Patch, ...]:
    """Another image for one container, or for all (`*`). Raises CommandRefused when no container has that name."""
    pod = rollout["spec"].get("template", {}).get("spec", {})
    changed: dict[str, Any] = {}
    for field in ("initContainers", "containers", "ephemeralContainers"):
        found = pod.get(field)
        if found and any(container in ("*", one.get("name")) for one in found):
            changed[field] = [{**one, "image": image} if container in ("*", one.get("name")) else one for one in found]
    if not changed:
        names = ", ".join(one.get("name", "") for one in pod.get("containers") or ())
        raise CommandRefused(
            f'unable to find container named "{container}"', next_step=f"Use one of: {names}; or * for all of them."
        )
    patch = _spec_patch(rollout, {"template": {"spec": changed}})
    # A merge patch replaces whole lists, so it must not meet a newer one.
    return (_with_version(patch, rollout),)


def undo(rollout: Obj, replica_sets: Sequence[Obj], to_revision: int = 0) -> tuple[Patch, ...]:
    """Restore the template of a revision; 0 means the one before the latest. Empty when it is the template already.

    Raises CommandRefused when the revision is not in history.
    """
    name = rollout["metadata"]["name"]
    found = {view.revision: view for view in map(view_replica_set, replica_sets) if is_controlled_by(view.obj, rollout)}
    if to_revision > 0:
        if to_revision not in found:
            known = ", ".join(str(revision) for revision in sorted(found)) or "none"
            raise CommandRefused(
                f"unable to find specified revision {to_revision} in history", next_step=f"Revisions kept: {known}."
            )
        target = found[to_revision]
    else:
        if len(found) < 2:
            raise CommandRefused(
                f'no revision found for rollout "{name}"',
                next_step="There is no earlier revision; revisionHistoryLimit says how many are kept.",
            )
        target = found[sorted(found)[-2]]
    template = target.obj["spec"]["template"]
    if comparable_template(template) == comparable_template(rollout["spec"].get("template") or {}):
        return ()
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != POD_TEMPLATE_HASH_LABEL}
    restored = {**template, "metadata": {**metadata, "labels": labels}}
    return (
        Patch(
            resource=ROLLOUTS,
            namespace=rollout["metadata"].get("namespace", ""),
            name=name,
            patch=[{"op": "replace", "path": "/spec/template", "value": restored}],
            resource_version=None,
            type="json",
        ),
    )


def _steps(rollout: Obj) -> list[Obj]:
    strategy = rollout["spec"].get("strategy") or {}
    steps: list[Obj] = (strategy.get("canary") or {}).get("steps") or []
    return steps


def _is_canary(rollout: Obj) -> bool:
    return (rollout["spec"].get("strategy") or {}).get("canary") is not None


def _step_index(rollout: Obj) -> int | None:
    if not _steps(rollout):
        return None
    index: int = (rollout.get("status") or {}).get("currentStepIndex") or 0
    return index


def _next(rollout: Obj, index: int) -> int:
    return index + 1 if index < len(_steps(rollout)) else index


def _refuse_without_steps(rollout: Obj) -> int:
    if not _is_canary(rollout):
        raise CommandRefused(
            "Cannot skip steps of a bluegreen rollout. Run without a flags", next_step="Use promote without a flag."
        )
    index = _step_index(rollout)
    if index is None:
        raise CommandRefused(
            "Cannot skip steps of a rollout without steps", next_step="Use promote without a flag, or promote --full."
        )
    return index


def _status_then_unpause(rollout: Obj, status: Obj | None) -> tuple[Patch, ...]:
    patches = [] if status is None else [_status_patch(rollout, status)]
    if rollout["spec"].get("paused"):
        patches.append(_spec_patch(rollout, {"paused": False}))
    return tuple(patches)


def _status_patch(rollout: Obj, status: Obj) -> Patch:
    return _patch(rollout, {"status": status}, "status")


def _spec_patch(rollout: Obj, spec: Obj) -> Patch:
    return _patch(rollout, {"spec": spec}, "")


def _patch(rollout: Obj, patch: Obj, subresource: Literal["", "status"]) -> Patch:
    return Patch(
        resource=ROLLOUTS,
        namespace=rollout["metadata"].get("namespace", ""),
        name=rollout["metadata"]["name"],
        patch=patch,
        resource_version=None,
        subresource=subresource,
    )


def _with_version(patch: Patch, rollout: Obj) -> Patch:
    return Patch(
        resource=patch.resource,
        namespace=patch.namespace,
        name=patch.name,
        patch=patch.patch,
        resource_version=rollout["metadata"].get("resourceVersion"),
    )
