"""A sync operation from request to history entry.

Owns: `status.operationState`, retries, history, completion events. Pure.
Must not know: when a sync should begin (see `autosync.py`), how steps are chosen (see `sync.py`).
Behaviour follows Argo CD 3.6 `processRequestedAppOperation` and `SyncAppState`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from canarium.errors import CanariumError
from canarium.gitops.application.compare import Pair, ignored_pointers, pair_up
from canarium.gitops.application.diff import with_ignored_fields
from canarium.gitops.application.observed import Observed
from canarium.gitops.application.plan import Task, make_plan
from canarium.gitops.application.reasons import SyncEnded, Syncing, SyncRetries, WavePauses
from canarium.gitops.application.resource_key import (
    SYNC_OPTIONS,
    ResourceKey,
    hooks_of,
    is_deletion_confirmed,
    resource_key,
)
from canarium.gitops.application.sync import Options, Propagation, next_step
from canarium.gitops.application.targets import Manifests
from canarium.kube.decision import Action, EventNote, Reason
from canarium.kube.objects import Obj, format_time, parse_time

HISTORY_LIMIT = 10
RETRY_FIRST = timedelta(seconds=5)
RETRY_FACTOR = 2
RETRY_CAP = timedelta(minutes=3)
WAVE_PAUSE = timedelta(seconds=2)
"""Between waves, for other controllers to notice what was applied (`ARGOCD_SYNC_WAVE_DELAY`)."""
COMPLETED = frozenset(("Succeeded", "Failed", "Error"))
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)?")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, None: 1.0}


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass over an operation leaves. is_over: `operation` is to be cleared. wave_applied_at: for the pause
    before the next wave; kept in `status.observedAt`, which Argo CD no longer uses."""

    because: Reason
    state: dict[str, Any]
    actions: tuple[Action, ...] = ()
    events: tuple[EventNote, ...] = ()
    history: list[dict[str, Any]] | None = None
    again: timedelta | None = None
    is_over: bool = False
    wave_applied_at: str | None = None


def requested(app: Mapping[str, Any]) -> dict[str, Any] | None:
    """The operation to work on: asked for, or begun and not ended (then `operation` may have been lost)."""
    if app.get("operation"):
        return dict(app["operation"])
    state = (app.get("status") or {}).get("operationState") or {}
    return dict(state["operation"]) if state.get("phase") == "Running" and state.get("operation") else None


def wanted_revision(app: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    """The revision to sync to: once begun, the commit that was found then."""
    state = in_progress(app)
    begun = (state.get("syncResult") or {}).get("revision")
    target = (app["spec"].get("source") or {}).get("targetRevision") or "HEAD"
    return str(begun or (operation.get("sync") or {}).get("revision") or target)


def in_progress(app: Mapping[str, Any]) -> dict[str, Any]:
    """The state of the operation under way; empty when a new one begins."""
    state = (app.get("status") or {}).get("operationState") or {}
    return dict(state) if state.get("phase") in ("Running", "Terminating") else {}


def plan_of(observed: Observed, operation: Mapping[str, Any], manifests: Manifests) -> tuple[Task, ...]:
    """The plan of an operation: the same in every pass over it."""
    app = observed.app
    sync = operation.get("sync") or {}
    options = _options(app, sync)
    chosen = sync.get("resources") or ()
    pairs = pair_up(app, manifests.objects, observed.live, observed.is_modified)
    if "RespectIgnoreDifferences=true" in options:
        pairs = tuple(_respecting(app, pair) for pair in pairs)
    namespace = _namespace(observed) if "CreateNamespace=true" in options else None
    tasks = make_plan(
        pairs,
        namespace=namespace,
        prune_last="PruneLast=true" in options,
        selected=(lambda key: any(_names(one, key) for one in chosen)) if chosen else None,
    )
    if namespace is None:
        return tasks
    live, is_merged = observed.live.get(resource_key(namespace)), managed_metadata(app) is not None
    return tuple(replace(task, live=live, is_merged=is_merged) if task.target is namespace else task for task in tasks)


def _names(chosen: Mapping[str, Any], key: ResourceKey) -> bool:
    """Whether an entry of a partial sync means a resource; without a namespace it means those of every namespace."""
    wanted = (chosen.get("group") or "", chosen.get("kind"), chosen.get("name"))
    return wanted == (key.group, key.kind, key.name) and chosen.get("namespace") in (None, "", key.namespace)


def managed_metadata(app: Mapping[str, Any]) -> dict[str, Any] | None:
    """`spec.syncPolicy.managedNamespaceMetadata`, if there is any."""
    found: dict[str, Any] | None = (app["spec"].get("syncPolicy") or {}).get("managedNamespaceMetadata")
    return found


def _namespace(observed: Observed) -> Obj | None:
    """The destination's namespace, if a sync has to make it or manages its metadata (syncNamespace)."""
    app = observed.app
    name, managed = (app["spec"].get("destination") or {}).get("namespace"), managed_metadata(app)
    if not name or (managed is None and observed.namespace_exists and not _made_it(app, str(name))):
        return None
    metadata: Obj = {"name": name}
    if managed is not None:
        metadata["labels"] = managed.get("labels") or {}
        metadata["annotations"] = {**(managed.get("annotations") or {}), SYNC_OPTIONS: "ServerSideApply=true"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _respecting(app: Mapping[str, Any], pair: Pair) -> Pair:
    """The pair with the live values of what `spec.ignoreDifferences` names in its target."""
    pointers = ignored_pointers(app, pair.key)
    if pair.target is None or pair.live is None or not pointers:
        return pair
    return replace(pair, target=with_ignored_fields(pair.target, pair.live, pointers))


def _made_it(app: Mapping[str, Any], name: str) -> bool:
    """Whether the operation under way created the namespace: then it stays part of the plan."""
    results = (in_progress(app).get("syncResult") or {}).get("resources") or ()
    return any(
        one["kind"] == "Namespace" and one["name"] == name and one.get("syncPhase") == "PreSync" for one in results
    )


def _options(app: Mapping[str, Any], sync: Mapping[str, Any]) -> Sequence[str]:
    """An operation without options of its own takes the Application's, as `argocd app sync` fills them in."""
    own = sync.get("syncOptions")
    return own if own is not None else (app["spec"].get("syncPolicy") or {}).get("syncOptions") or ()


def proceed(
    observed: Observed,
    operation: Mapping[str, Any],
    now: datetime,
    errors: Sequence[Mapping[str, str]],
    shared: Sequence[str] = (),
) -> Progress:
    """Take the next step of an operation. errors: conditions that forbid any sync. shared: about what others own."""
    app = observed.app
    state = in_progress(app) or {"operation": dict(operation), "phase": "Running", "startedAt": format_time(now)}
    revision = wanted_revision(app, operation)
    if state["phase"] == "Terminating":
        return _end(app, state, now, "Failed", "Operation terminated", revision)
    if state.get("finishedAt"):  # a failed attempt that will be tried again
        left = _retry_at(operation, parse_time(state["finishedAt"]), int(state.get("retryCount") or 0) - 1) - now
        if left > timedelta(0):
            return Progress(because=SyncRetries(state.get("message", ""), left), state=state, again=left)
        state = {key: value for key, value in state.items() if key not in ("finishedAt", "syncResult")}
        revision = wanted_revision({**app, "status": {"operationState": state}}, operation)
    sync = operation.get("sync")
    if not sync and "sync" not in operation:
        return _end(app, state, now, "Error", "Invalid operation request: no operation specified", revision)
    sync = sync or {}
    if errors:
        told = ";".join(f"{one['type']}: {one['message']}" for one in errors)
        return _fail(app, state, operation, now, "Error", told, revision)
    sha = observed.revisions.get(revision, revision)
    if isinstance(sha, CanariumError):
        return _fail(app, state, operation, now, "Error", f"ComparisonError: {told_of(sha)}", revision)
    manifests = observed.manifests[sha]
    if manifests.error is not None:
        return _fail(app, state, operation, now, "Error", f"ComparisonError: {told_of(manifests.error)}", sha)
    options = _options(app, sync)
    if problem := _not_built(manifests, sync, options):
        return _end(app, state, now, "Error", problem, sha)
    if shared and "FailOnSharedResource=true" in options:
        return _fail(app, state, operation, now, "Failed", f"Shared resource found: {shared[0]}", sha)
    applied_at = (app.get("status") or {}).get("observedAt")
    if applied_at is not None and (left := parse_time(applied_at) + WAVE_PAUSE - now) > timedelta(0):
        return Progress(because=WavePauses(left), state=state, again=left, wave_applied_at=applied_at)
    return _apply(observed, operation, state, now, manifests)


def _apply(
    observed: Observed, operation: Mapping[str, Any], state: dict[str, Any], now: datetime, manifests: Manifests
) -> Progress:
    """Nothing forbids it: apply what comes next in the plan."""
    app, sync, sha = observed.app, operation.get("sync") or {}, manifests.sha
    step = next_step(
        plan_of(observed, operation, manifests),
        (state.get("syncResult") or {}).get("resources") or (),
        resource_of=observed.resource_of,
        refusals=observed.refusals,
        options=_sync_options(app, sync, parse_time(state["startedAt"])),
    )
    result = {"resources": list(step.results), "revision": sha, "source": sync.get("source") or app["spec"]["source"]}
    if (managed := managed_metadata(app)) is not None:
        result["managedNamespaceMetadata"] = managed
    state = {**state, "syncResult": result}
    match step.phase:
        case "Running":
            state = {**state, "message": step.message, "phase": "Running"}
            because = Syncing(sha, step.applied, step.message)
            # a whole second that is not before now: the pause is rather too long than too short
            applied_at = format_time(now + timedelta(microseconds=999_999)) if step.is_wave else None
            return Progress(because=because, state=state, actions=step.actions, wave_applied_at=applied_at)
        case "Succeeded":
            return _end(app, state, now, step.phase, step.message, sha, step.actions)
        case _:
            return _fail(app, state, operation, now, step.phase, step.message, sha, step.actions)


def told_of(error: CanariumError) -> str:
    """An error as a condition tells it: place, field, problem and next step on one line."""
    head = ": ".join(part for part in (str(error.at or ""), error.field, error.problem) if part)
    return f"{head} ({error.next_step})" if error.next_step else head


def _sync_options(app: Mapping[str, Any], sync: Mapping[str, Any], since: datetime) -> Options:
    """since: the operation began; an older approval does not count."""
    options = _options(app, sync)
    propagation: Propagation = "Foreground"
    default_prune = None
    for one in options:
        name, _, value = one.partition("=")
        if name == "PrunePropagationPolicy":
            propagation = {"background": "Background", "orphan": "Orphan"}.get(value, "Foreground")  # type: ignore[assignment]  # a dict widens the literals
        elif name == "Prune":
            default_prune = value
    return Options(
        prune=bool(sync.get("prune")),
        propagation=propagation,
        default_prune=default_prune,
        is_prune_confirmed=is_deletion_confirmed(app, since),
        only_out_of_sync="ApplyOutOfSyncOnly=true" in options,
        skips_missing_kinds="SkipDryRunOnMissingResource=true" in options,
    )


def _not_built(manifests: Manifests, sync: Mapping[str, Any], options: Sequence[str]) -> str:
    if manifests.hooks and not sync.get("resources"):
        hook = manifests.hooks[0]
        name = f"{hook['kind']}/{hook['metadata'].get('name') or hook['metadata'].get('generateName', '')}"
        return f"{name} is a {', '.join(hooks_of(hook))} hook, and running hooks is not built; remove it"
    if sync.get("dryRun"):
        return "a dry run of a whole sync is not built"
    for one in ("Replace=true", "ServerSideApply=true"):
        if one in options:
            return f"the sync option {one} is not built; without it, manifests are applied as kubectl apply does"
    return ""


def _retry_at(operation: Mapping[str, Any], last: datetime, count: int) -> datetime:
    backoff = (operation.get("retry") or {}).get("backoff") or {}
    first = _duration(backoff.get("duration"), RETRY_FIRST)
    cap = _duration(backoff.get("maxDuration"), RETRY_CAP)
    factor = int(backoff.get("factor") or RETRY_FACTOR)
    wait: timedelta = first * factor ** max(count, 0)
    return last + (min(wait, cap) if cap > timedelta(0) else wait)


def _duration(text: Any, default: timedelta) -> timedelta:
    """`10`, `10s`, `1h5m`; the default for nothing, and for what cannot be read."""
    parts = DURATION.findall(str(text or ""))
    return timedelta(seconds=sum(float(number) * UNITS[unit or None] for number, unit in parts)) if parts else default


def _kitchen(at: datetime) -> str:
    """Go's time.Kitchen: `3:04PM`."""
    return f"{at.hour % 12 or 12}:{at.minute:02}{'AM' if at.hour < 12 else 'PM'}"


def _fail(
    app: Mapping[str, Any],
    state: dict[str, Any],
    operation: Mapping[str, Any],
    now: datetime,
    phase: str,
    message: str,
    revision: str,
    actions: tuple[Action, ...] = (),
) -> Progress:
    """A failed attempt: tried again as long as the retry limit allows."""
    retried = int(state.get("retryCount") or 0)
    limit = int((operation.get("retry") or {}).get("limit") or 0)
    if retried < limit or limit < 0:
        at = _retry_at(operation, now, retried)
        told = f"{message}. Retrying attempt #{retried + 1} at {_kitchen(at)}."
        waiting = {
            **state,
            "phase": "Running",
            "finishedAt": format_time(now),
            "retryCount": retried + 1,
            "message": told,
        }
        return Progress(because=SyncRetries(told, at - now), state=waiting, actions=actions, again=at - now)
    if retried:
        message = f"{message} (retried {retried} times)."
    return _end(app, state, now, phase, message, revision, actions)


def _end(
    app: Mapping[str, Any],
    state: dict[str, Any],
    now: datetime,
    phase: str,
    message: str,
    revision: str,
    actions: tuple[Action, ...] = (),
) -> Progress:
    ended = {**state, "phase": phase, "message": message, "finishedAt": format_time(now)}
    sync = (state["operation"].get("sync") or {}) if state.get("operation") else {}
    what = "Partial sync operation" if sync.get("resources") else "Sync operation"
    to = f" to {revision}" if "syncResult" in state else ""
    if phase == "Succeeded":
        event = EventNote(type="Normal", reason="OperationCompleted", message=f"{what}{to} succeeded")
    else:
        event = EventNote(type="Warning", reason="OperationCompleted", message=f"{what}{to} failed: {message}")
    history = None
    if phase == "Succeeded" and not sync.get("resources"):
        history = _history(app, ended, now)
    because = SyncEnded(revision, phase, message)
    return Progress(because=because, state=ended, actions=actions, events=(event,), history=history, is_over=True)


def _history(app: Mapping[str, Any], state: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    before: list[Obj] = list((app.get("status") or {}).get("history") or ())
    entry = {
        "deployStartedAt": state["startedAt"],
        "deployedAt": format_time(now),
        "id": int(before[-1].get("id") or 0) + 1 if before else 0,
        "initiatedBy": state["operation"].get("initiatedBy") or {},
        "revision": state["syncResult"]["revision"],
        "source": state["syncResult"]["source"],
    }
    limit = app["spec"].get("revisionHistoryLimit")
    kept = HISTORY_LIMIT if limit is None else int(limit)
    return [*before, entry][-kept:] if kept > 0 else []
