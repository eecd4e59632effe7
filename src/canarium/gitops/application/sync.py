"""One step of a sync: what to do now, given the plan and what is done.

Owns: the states of tasks, waiting for health between waves, results and messages. Pure.
Must not know: git, retries, when a sync begins. Behaviour follows Argo CD 3.6 `syncContext.Sync`.
Known difference: hooks are planned and refused, not run (docs/reference/compatibility.md#argo-cd-hooks).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from canarium.gitops.application import diff
from canarium.gitops.application.compare import images_of
from canarium.gitops.application.health import health_of
from canarium.gitops.application.plan import Task, kind_of, made_kinds
from canarium.gitops.application.resource_key import (
    SYNC_OPTIONS,
    ResourceKey,
    needs_confirmation,
    option,
    version_of,
)
from canarium.kube.decision import Action, Create, Delete, Patch
from canarium.kube.objects import Obj
from canarium.kube.resources import Resource

Result = dict[str, Any]
"""An entry of `status.operationState.syncResult.resources`."""
ENDED = frozenset(("Succeeded", "Failed", "Error"))
Propagation = Literal["Background", "Foreground", "Orphan"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation says about how to sync.

    default_prune: the option Prune where an object has none of its own. is_prune_confirmed: what asks for confirmation
    may go. only_out_of_sync: what does not differ is left alone. skips_missing_kinds: kinds may come into being
    between waves.
    """

    prune: bool = False
    propagation: Propagation = "Foreground"
    default_prune: str | None = None
    is_prune_confirmed: bool = False
    only_out_of_sync: bool = False
    skips_missing_kinds: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What comes next: the operation's phase and message, results of all tasks so far, and the actions.

    is_wave: a wave was applied and others follow; Argo CD lets some time pass before the next.
    """

    phase: str
    message: str
    results: tuple[Result, ...]
    actions: tuple[Action, ...] = ()
    applied: tuple[str, ...] = ()
    is_wave: bool = False


def result_key(result: Mapping[str, Any]) -> tuple[ResourceKey, str]:
    """A result's identity: the resource, and the phase it was applied in."""
    parts = (result.get("group") or "", result["kind"], result.get("namespace") or "", result["name"])
    return ResourceKey(*parts), result.get("syncPhase") or "Sync"


def next_step(
    tasks: Sequence[Task],
    before: Sequence[Result],
    *,
    resource_of: Callable[[Obj], Resource | None],
    refusals: Mapping[ResourceKey, str],
    options: Options,
) -> Step:
    """Decide the next step. before: results so far. refusals: what the API server says to a dry run of a task."""
    results = {result_key(result): result for result in before}
    state = _States(tasks, results)
    if unknown := _without_kind(tasks, resource_of, options):
        for task in unknown:
            state.record(task, "SyncFailed", "", _unknown_kind(task))
        told = "; ".join(sorted(dict.fromkeys(map(_unknown_kind, unknown))))
        return state.stop("Failed", f"one or more synchronization tasks are not valid: {told}")
    state.update_health()
    steps = {task.step for task in tasks}
    if len(steps) > 1 and (running := state.running()):
        for task in running:
            if task.live is None and not task.is_prune:
                missing = f"Resource {task} is missing, it might have been deleted"
                state.record(task, "SyncFailed", "Error", missing)
        return state.stop("Running", _waiting("healthy state of", running))
    if gone := [task for task in tasks if state.is_leaving(task)]:
        return state.stop("Running", _waiting("deletion of", gone))
    if state.any_failed():
        return state.failed("one or more synchronization tasks completed unsuccessfully")
    pending = [task for task in tasks if not state.is_started(task) and not _is_left_alone(task, options)]
    if not pending:
        return state.stop("Succeeded", "successfully synced (no more tasks)")
    now = [task for task in pending if task.step == pending[0].step]
    if asking := [task for task in now if _asks_for_confirmation(task, options)]:
        return state.stop("Running", _waiting("pruning confirmation of", asking))
    actions: list[Action] = []
    applied = []
    for task in [*(task for task in now if task.is_prune), *(task for task in now if not task.is_prune)]:
        action = state.run(task, resource_of(task.obj), refusals.get(task.key), options)
        if action is not None:
            actions.append(action)
            applied.append(f"{task.key.kind}/{task.key.name}")
    done = tuple(actions), tuple(applied)
    if any(state.has_failed(task) for task in now):
        return state.failed("one or more objects failed to apply", *done)
    if len(now) == len(pending):
        return state.stop("Succeeded", "successfully synced (all tasks run)", *done)
    step = state.stop("Running", _waiting("healthy state of", now), *done)
    return replace(step, is_wave=any(task.phase != "PreSync" for task in now))


def _without_kind(tasks: Sequence[Task], resource_of: Callable[[Obj], Resource | None], options: Options) -> list[Task]:
    """Tasks of kinds that nobody serves, and that this sync does not define either: then nothing is applied."""
    if options.skips_missing_kinds:
        return []
    made = made_kinds(tasks)
    return [
        task
        for task in tasks
        if not task.is_prune
        and resource_of(task.obj) is None
        and kind_of(task) not in made
        and option(task.target, SYNC_OPTIONS, "SkipDryRunOnMissingResource") != "true"
    ]


def _is_left_alone(task: Task, options: Options) -> bool:
    return options.only_out_of_sync and not task.is_prune and task.live is not None and not task.is_modified


def _asks_for_confirmation(task: Task, options: Options) -> bool:
    default = () if options.default_prune is None else (f"Prune={options.default_prune}",)
    return task.is_prune and not options.is_prune_confirmed and needs_confirmation(task.live, default, "Prune")


class _States:
    """The results of tasks, while one step is being decided."""

    def __init__(self, tasks: Sequence[Task], results: dict[tuple[ResourceKey, str], Result]) -> None:
        self._tasks = tasks
        self._results = results

    def _of(self, task: Task) -> Result:
        return self._results.get((task.key, task.phase), {})

    def is_started(self, task: Task) -> bool:
        return bool(self._of(task).get("hookPhase"))

    def running(self) -> list[Task]:
        return [task for task in self._tasks if self._of(task).get("hookPhase") == "Running"]

    def is_leaving(self, task: Task) -> bool:
        going = task.live is not None and bool(task.live["metadata"].get("deletionTimestamp"))
        return task.is_prune and self._of(task).get("status") == "Pruned" and going

    def has_failed(self, task: Task) -> bool:
        return self._of(task).get("hookPhase") in ("Failed", "Error")

    def any_failed(self) -> bool:
        return any(self.has_failed(task) for task in self._tasks)

    def update_health(self) -> None:
        for task in self.running():
            if task.live is None or task.is_prune:
                continue
            health = health_of(task.live)
            status = self._of(task)["status"]
            if health is None:
                self.record(task, status, "Succeeded", "")
            elif health.status == "Healthy":
                self.record(task, status, "Succeeded", health.message)
            elif health.status == "Degraded":
                self.record(task, status, "Failed", health.message)

    def record(self, task: Task, status: str, phase: str, message: str) -> None:
        before, key = self._of(task), task.key
        result: Result = {
            "group": key.group,
            "hookPhase": phase,
            "kind": key.kind,
            "message": message or before.get("message", ""),
            "name": key.name,
            "namespace": key.namespace,
            "status": status,
            "syncPhase": task.phase,
            "version": version_of(task.obj),
        }
        if images := images_of(task.obj):
            result["images"] = images
        self._results[key, task.phase] = result

    def run(self, task: Task, resource: Resource | None, refusal: str | None, options: Options) -> Action | None:
        if task.is_prune:
            return self._prune(task, resource, options)
        if resource is None or refusal is not None:
            self.record(task, "SyncFailed", "Failed", refusal or _unknown_kind(task))
            return None
        name = f"{resource.singular}{f'.{resource.group}' if resource.group else ''}/{task.key.name}"
        action = apply_action(task, resource)
        verb = "created" if isinstance(action, Create) else "configured" if action else "unchanged"
        verb = "serverside-applied" if task.is_merged else verb
        self.record(task, "Synced", "Running", f"{name} {verb}")
        return action

    def _prune(self, task: Task, resource: Resource | None, options: Options) -> Action | None:
        live = task.live
        assert live is not None, "only what is there is pruned"
        if not options.prune:
            self.record(task, "PruneSkipped", "Succeeded", "ignored (requires pruning)")
            return None
        if (option(live, SYNC_OPTIONS, "Prune") or options.default_prune) == "false":
            self.record(task, "PruneSkipped", "Succeeded", "ignored (no prune)")
            return None
        if resource is None:
            self.record(task, "SyncFailed", "Failed", _unknown_kind(task))
            return None
        self.record(task, "Pruned", "Succeeded", "pruned")
        if live["metadata"].get("deletionTimestamp"):
            return None
        return delete_action(live, resource, options.propagation)

    def stop(self, phase: str, message: str, actions: tuple[Action, ...] = (), applied: tuple[str, ...] = ()) -> Step:
        return Step(
            phase=phase, message=message, results=tuple(self._results.values()), actions=actions, applied=applied
        )

    def failed(self, message: str, actions: tuple[Action, ...] = (), applied: tuple[str, ...] = ()) -> Step:
        reasons = [self._of(task)["message"] for task in self._tasks if self._of(task).get("status") == "SyncFailed"]
        told = ",".join(dict.fromkeys(reasons))
        return self.stop("Failed", f"{message}, reason: {told}" if told else message, actions, applied)


def apply_action(task: Task, resource: Resource) -> Create | Patch | None:
    """How to make the cluster as the task's target says; None when it already is."""
    target, live = task.target, task.live
    assert target is not None, "a prune applies nothing"
    if live is None:
        return Create(resource=resource, obj=target if task.is_merged else diff.with_last_applied(target))
    patch, kind = diff.overlay_patch(target, live) if task.is_merged else diff.apply_patch(target, live)
    if not patch:
        return None
    metadata = live["metadata"]
    return Patch(
        resource=resource,
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
        patch=patch,
        resource_version=metadata.get("resourceVersion"),
        type=kind,
    )


def delete_action(live: Obj, resource: Resource, propagation: Propagation) -> Delete:
    """Delete exactly what was seen."""
    metadata = live["metadata"]
    return Delete(
        resource=resource,
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
        uid=metadata["uid"],
        propagation=propagation,
    )


def _unknown_kind(task: Task) -> str:
    key, version = task.key, version_of(task.obj)
    return (
        f"The Kubernetes API could not find {key.group + '/' if key.group else ''}{version}/{key.kind} for requested "
        f'resource {key.namespace}/{key.name}. Make sure the "{key.kind}" CRD is installed on the destination cluster.'
    )


def _waiting(what: str, tasks: Sequence[Task]) -> str:
    first, more = tasks[0], len(tasks) - 1
    return f"waiting for {what} {first}" + (f" and {more} more resources" if more else "")
