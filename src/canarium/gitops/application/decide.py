"""What to do about one Application.

Owns: when git is looked at again, the complete status, events, deletion. Pure.
Must not know: git, clusters, clocks. Behaviour follows Argo CD 3.6 `ApplicationController`
(`needRefreshAppStatus`, `processAppRefreshQueueItem`, `finalizeApplicationDeletion`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canarium.errors import CanariumError
from canarium.gitops import project
from canarium.gitops.application import autosync, operation
from canarium.gitops.application.compare import Comparison, compare, has_changed_namespace
from canarium.gitops.application.health import Health
from canarium.gitops.application.observed import Observed
from canarium.gitops.application.operation import told_of
from canarium.gitops.application.reasons import (
    AutoSync,
    AutoSyncSkipped,
    AwaitsConfirmation,
    DeletingResources,
    GitUnreachable,
    InvalidSpec,
    OutOfSync,
    RenderFailed,
    Skipped,
    Synced,
)
from canarium.gitops.application.resource_key import (
    SYNC_OPTIONS,
    instance_name,
    is_deletion_confirmed,
    needs_confirmation,
    option,
    tracked_by,
    wave_of,
)
from canarium.gitops.application.sync import Propagation, delete_action
from canarium.gitops.application.unbuilt import IGNORED, ignored_by
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.decision import Action, Decision, EventNote, Patch, Reason
from canarium.kube.objects import Obj, annotations_of, format_time, parse_time
from canarium.kube.patch import merge

POLL = timedelta(seconds=180)
"""`timeout.reconciliation`: how often git is asked, unless somebody asks for a refresh."""
REFRESH = "argocd.argoproj.io/refresh"
SKIP = "argocd.argoproj.io/skip-reconcile"
TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
"""What Go's strconv.ParseBool takes for true."""
FINALIZER = "resources-finalizer.argocd.argoproj.io"
COMPARED = ("ComparisonError", "ExcludedResourceWarning", IGNORED, "RepeatedResourceWarning", "SharedResourceWarning")
SPEC_CHECKED = ("InvalidSpecError", "UnknownError")
FULL_SHA = re.compile(r"[0-9a-f]{40}")
SOON = timedelta(milliseconds=1)


class Look(msgspec.Struct, frozen=True):
    """What is compared this time. is_fresh: git was asked, or a sync ended: the time of it is noted."""

    revision: str
    targets: Sequence[Obj] | None
    warnings: Sequence[str] = ()
    ignored: Sequence[str] = ()
    source_type: str = ""
    problem: Reason | None = None
    error: str = ""
    is_fresh: bool = False


def decide(observed: Observed, now: datetime) -> Decision:
    """Compare, then begin or continue a sync if there is reason to."""
    app = observed.app
    if annotations_of(app).get(SKIP) in TRUE:
        return Decision(because=(Skipped(SKIP),))
    if app["metadata"].get("deletionTimestamp"):
        return _delete(observed)
    problems = project.spec_problems(app, observed.projects)
    if problems:
        return _invalid(app, problems, now)

    look = _look(observed, now)
    comparison = compare(app, look.targets, observed.live, observed.is_modified)
    made = _Pass(app, look, comparison, now)
    wanted = operation.requested(app)
    if wanted is not None:
        made.go_on(operation.proceed(observed, wanted, now, made.errors, comparison.shared))
    else:
        made.obey(autosync.judge(app, comparison, look.revision, now))
    return made.decision()


class _Pass:
    """What one pass over a valid Application comes to."""

    def __init__(self, app: Obj, look: Look, comparison: Comparison, now: datetime) -> None:
        self._app, self._look, self._comparison, self._now = app, look, comparison, now
        self._before = app.get("status") or {}
        self._status = _status(app, look, comparison, now)
        self.errors = [{"type": "ComparisonError", "message": look.error}] if look.error else []
        self._conditions = [
            *self.errors,
            *({"type": "RepeatedResourceWarning", "message": text} for text in look.warnings),
            *({"type": IGNORED, "message": text} for text in (*ignored_by(app), *look.ignored)),
            *({"type": "SharedResourceWarning", "message": text} for text in comparison.shared),
        ]
        self._evaluated = [*COMPARED, *SPEC_CHECKED]
        self._because: list[Reason] = [look.problem or _sync_reason(comparison, look.revision)]
        self._actions: list[Action] = []
        self._events = _changes(self._before, self._status)
        self._waits = [parse_time(self._status["reconciledAt"]) + POLL - now]
        self._change: dict[str, Any] = {}

    def go_on(self, progress: operation.Progress) -> None:
        """An operation took its next step."""
        self._because.append(progress.because)
        self._actions += progress.actions
        self._events += progress.events
        self._status["operationState"] = progress.state
        if progress.wave_applied_at is not None:
            self._status["observedAt"] = progress.wave_applied_at
        if progress.history is not None:
            self._status["history"] = progress.history
        if progress.again is not None:
            self._waits.append(progress.again)
        if progress.is_over and self._app.get("operation"):
            self._change["operation"] = None

    def obey(self, verdict: autosync.Verdict) -> None:
        """No operation is under way: one begins, or not."""
        self._evaluated.append("SyncError")
        comparison, revision = self._comparison, self._look.revision
        if verdict.operation is not None:
            self._change["operation"] = verdict.operation
            self._because.append(AutoSync(revision, comparison.out_of_sync, verdict.is_self_heal))
            message = f"Initiated automated sync to '{revision}'"
            self._events.append(EventNote(type="Normal", reason="OperationStarted", message=message))
        elif comparison.sync == "OutOfSync":
            self._because.append(AutoSyncSkipped(verdict.why_not, verdict.again))
        if verdict.error:
            self._conditions.append({"type": "SyncError", "message": verdict.error})
        if verdict.again is not None:
            self._waits.append(verdict.again)

    def decision(self) -> Decision:
        """The status, unless one write with other changes carries it: nobody may see a finished operation that is
        still asked for."""
        conditions = _conditions(self._before.get("conditions") or (), self._conditions, self._evaluated, self._now)
        status = {key: value for key, value in self._status.items() if key != "conditions"}
        if conditions:
            status["conditions"] = conditions
        change = self._change
        if REFRESH in annotations_of(self._app):
            change = {**change, "metadata": {"annotations": {REFRESH: None}}}
        if change and status != self._before:
            change = {**change, "status": merge.diff(self._before, status)}
        return Decision(
            because=tuple(self._because),
            actions=(*self._actions, _patch(self._app, change)) if change else tuple(self._actions),
            status=None if change else status,
            requeue=max(min(self._waits), SOON),
            events=tuple(self._events),
        )


def is_expired(app: Mapping[str, Any], now: datetime) -> bool:
    """Whether git is to be asked again: never compared, time is up, somebody asks, or the question changed."""
    status = app.get("status") or {}
    compared = (status.get("sync") or {}).get("comparedTo") or {}
    spec = app["spec"]
    return (
        not status.get("reconciledAt")
        or REFRESH in annotations_of(app)
        or compared.get("source") != spec.get("source")
        or compared.get("destination") != spec.get("destination")
        or has_changed_namespace(app)
        or (compared.get("ignoreDifferences") or []) != (spec.get("ignoreDifferences") or [])
        or now >= parse_time(status["reconciledAt"]) + POLL
    )


def _look(observed: Observed, now: datetime) -> Look:
    app = observed.app
    status = app.get("status") or {}
    is_fresh = is_expired(app, now)
    target = str((app["spec"].get("source") or {}).get("targetRevision") or "HEAD")
    recent = str((status.get("sync") or {}).get("revision") or "")
    revision = recent if not is_fresh and FULL_SHA.fullmatch(recent) else target
    state = status.get("operationState") or {}
    if not is_fresh and state.get("phase") != "Running" and state.get("finishedAt", "") > status["reconciledAt"]:
        is_fresh = True
        if not ((state.get("operation") or {}).get("initiatedBy") or {}).get("automated"):
            revision = target
    sha = observed.revisions.get(revision, revision)
    if isinstance(sha, CanariumError):
        told = told_of(sha)
        error = f"Failed to load target state: failed to generate manifest for source 1 of 1: {told}"
        return Look(revision, None, problem=GitUnreachable(told), error=error, is_fresh=is_fresh)
    found = observed.manifests[sha]
    if found.error is not None:
        told = told_of(found.error)
        error = f"Failed to load target state: failed to generate manifest for source 1 of 1: {told}"
        return Look(sha, None, problem=RenderFailed(sha, told), error=error, is_fresh=is_fresh)
    return Look(sha, found.objects, found.warnings, found.ignored, found.source_type, is_fresh=is_fresh)


def _sync_reason(comparison: Comparison, revision: str) -> Reason:
    if comparison.sync == "OutOfSync":
        return OutOfSync(comparison.out_of_sync, revision)
    return Synced(revision)


def _status(app: Obj, look: Look, comparison: Comparison, now: datetime) -> dict[str, Any]:
    spec, before = app["spec"], app.get("status") or {}
    compared = {"destination": spec.get("destination") or {}, "source": spec.get("source") or {}}
    if spec.get("ignoreDifferences"):
        compared["ignoreDifferences"] = spec["ignoreDifferences"]
    status = {
        **{key: value for key, value in before.items() if key != "observedAt"},
        "controllerNamespace": app["metadata"].get("namespace", ""),
        "health": _health(before, comparison, now),
        "reconciledAt": format_time(now) if look.is_fresh or not before.get("reconciledAt") else before["reconciledAt"],
        "resources": list(comparison.resources),
        "summary": {"images": list(comparison.images)} if comparison.images else {},
        "sync": {"comparedTo": compared, "revision": look.revision, "status": comparison.sync},
    }
    if look.source_type:
        status["sourceType"] = look.source_type
    return status


def _health(before: Mapping[str, Any], comparison: Comparison, now: datetime) -> dict[str, Any]:
    was = before.get("health") or {}
    health = comparison.health
    since = was.get("lastTransitionTime") if was.get("status") == health.status else None
    entry = {"lastTransitionTime": since or format_time(now), "status": health.status}
    if health.message:
        entry["message"] = health.message
    return entry


def _changes(before: Mapping[str, Any], status: Mapping[str, Any]) -> list[EventNote]:
    """Events about a sync or health status that changed."""
    events = []
    for part in ("sync", "health"):
        was, now = (before.get(part) or {}).get("status", ""), status[part]["status"]
        if was != now:
            text = f"Updated {part} status: {was} -> {now}"
            message = status[part].get("message") if part == "health" else None
            events.append(
                EventNote(type="Normal", reason="ResourceUpdated", message=f"{text} ({message})" if message else text)
            )
    return events


def _conditions(
    before: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, str]], evaluated: Sequence[str], now: datetime
) -> list[dict[str, Any]]:
    """Found ones instead of evaluated ones; what has not changed keeps its time."""
    kept = [dict(one) for one in before if one["type"] not in evaluated]
    for one in found:
        same = next(
            (old for old in before if old["type"] == one["type"] and old.get("message") == one["message"]), None
        )
        kept.append(dict(same) if same is not None else {**one, "lastTransitionTime": format_time(now)})
    return sorted(kept, key=lambda one: (one["type"], one.get("message", "")))


def _invalid(app: Obj, problems: Sequence[str], now: datetime) -> Decision:
    """The spec may not be acted on: nothing is known, nothing is done until it changes."""
    before = app.get("status") or {}
    found = [{"type": "InvalidSpecError", "message": text} for text in problems]
    unknown = Comparison((), "Unknown", Health("Unknown"), (), (), ())
    status = {
        **before,
        "conditions": _conditions(before.get("conditions") or (), found, SPEC_CHECKED, now),
        "health": _health(before, unknown, now),
        "sync": {**(before.get("sync") or {"comparedTo": {"destination": {}}}), "status": "Unknown"},
    }
    events = _changes(before, status)
    change: dict[str, Any] = {}
    if (wanted := operation.requested(app)) is not None:
        state = operation.in_progress(app) or {"operation": wanted, "startedAt": format_time(now)}
        told = ";".join(f"InvalidSpecError: {text}" for text in problems)
        status["operationState"] = {**state, "phase": "Error", "message": told, "finishedAt": format_time(now)}
        events.append(EventNote(type="Warning", reason="OperationCompleted", message=f"Sync operation failed: {told}"))
        if app.get("operation"):
            change["operation"] = None
    if REFRESH in annotations_of(app):
        change["metadata"] = {"annotations": {REFRESH: None}}
    if change:
        change["status"] = merge.diff(before, status)
    return Decision(
        because=(InvalidSpec(tuple(problems)),),
        actions=(_patch(app, change),) if change else (),
        status=None if change else status,
        events=tuple(events),
    )


def _delete(observed: Observed) -> Decision:
    """Delete what the Application made, last wave first, then let it go."""
    app = observed.app
    finalizers = app["metadata"].get("finalizers") or []
    ours = [one for one in finalizers if one == FINALIZER or one.startswith(f"{FINALIZER}/")]
    if not ours:
        return Decision(because=(DeletingResources(()),))
    mine = [obj for obj in observed.live.values() if tracked_by(obj) == instance_name(app) and _may_delete(app, obj)]
    if asking := [obj for obj in mine if _asks_for_confirmation(app, obj)]:
        return Decision(
            because=(AwaitsConfirmation(tuple(f"{obj['kind']}/{obj['metadata']['name']}" for obj in asking)),)
        )
    if mine:
        going = [obj for obj in mine if obj["metadata"].get("deletionTimestamp")]
        last = max(wave_of(obj) for obj in mine)
        propagation: Propagation = "Background" if f"{FINALIZER}/background" in ours else "Foreground"
        actions = []
        for obj in [] if going else [obj for obj in mine if wave_of(obj) == last]:
            resource = observed.resource_of(obj)
            if resource is not None:
                actions.append(delete_action(obj, resource, propagation))
        names = tuple(f"{obj['kind']}/{obj['metadata']['name']}" for obj in mine)
        return Decision(because=(DeletingResources(names),), actions=tuple(actions), requeue=timedelta(seconds=10))
    left = [one for one in finalizers if one not in ours]
    return Decision(
        because=(DeletingResources(()),), actions=(_patch(app, {"metadata": {"finalizers": left or None}}),)
    )


def _asks_for_confirmation(app: Obj, obj: Obj) -> bool:
    options = (app["spec"].get("syncPolicy") or {}).get("syncOptions") or ()
    is_confirmed = is_deletion_confirmed(app, parse_time(app["metadata"]["deletionTimestamp"]))
    return not is_confirmed and needs_confirmation(obj, options, "Delete", "Prune")


def _may_delete(app: Obj, obj: Obj) -> bool:
    policy = ((app["spec"].get("syncPolicy") or {}).get("syncOptions")) or ()
    default = "false" if "Delete=false" in policy else None
    return (
        obj.get("kind") != "CustomResourceDefinition"
        and (option(obj, SYNC_OPTIONS, "Delete") or default) != "false"
        and annotations_of(obj).get("helm.sh/resource-policy") != "keep"
    )


def _patch(app: Obj, patch: dict[str, Any]) -> Patch:
    metadata = app["metadata"]
    return Patch(
        resource=APPLICATIONS,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        patch=patch,
        resource_version=metadata.get("resourceVersion"),
    )
