"""What to do about one ApplicationSet.

Owns: which Applications are created, patched and deleted, conditions, health, when to look again. Pure.
Must not know: git, clocks. Behaviour follows Argo CD 3.6 `ApplicationSetReconciler`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canarium.errors import CanariumError
from canarium.gitops.application.diff import without
from canarium.gitops.applicationset.generate import GenerationError, generate, problems
from canarium.gitops.applicationset.reasons import (
    BeingDeleted,
    CannotGenerate,
    Generated,
    InvalidApplications,
    Keeping,
)
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.decision import Action, Create, Decision, Delete, EventNote, Patch, Reason
from canarium.kube.objects import Obj, annotations_of, format_time, owner_reference
from canarium.kube.patch import merge

REFRESH = "argocd.argoproj.io/application-set-refresh"
REQUEUE = timedelta(minutes=3)
PRESERVED_ANNOTATIONS = (
    "notified.notifications.argoproj.io",
    "argocd.argoproj.io/refresh",
    "argocd.argoproj.io/hydrate",
)
PRESERVED_FINALIZERS = ("pre-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io")
UP_TO_DATE = "All applications have been generated successfully"


class Folders(msgspec.Struct, frozen=True):
    """The folders of a repository at a revision, or why they cannot be had."""

    sha: str = ""
    paths: tuple[str, ...] = ()
    error: CanariumError | None = None


class Observed(msgspec.Struct, frozen=True):
    """What there is to know. applications: all that this ApplicationSet controls, by name."""

    appset: Obj
    folders: Mapping[tuple[str, str], Folders] = msgspec.field(default_factory=dict)
    applications: Sequence[Obj] = ()
    projects: frozenset[str] = frozenset()


def decide(observed: Observed, now: datetime) -> Decision:
    """Make the Applications those that the generators ask for."""
    appset = observed.appset
    if appset["metadata"].get("deletionTimestamp"):
        return Decision(because=(BeingDeleted(),))
    try:
        wanted = generate(appset, _lookup(observed))
    except GenerationError as error:
        message = _one_line(error)
        status = _status(appset, [_error(error.reason, message)], now, generated=False)
        return Decision(because=(CannotGenerate(message),), status=status, requeue=REQUEUE)

    invalid = problems(appset["metadata"]["name"], wanted, observed.projects)
    existing = {app["metadata"]["name"]: app for app in observed.applications}
    policy = (appset["spec"].get("syncPolicy") or {}).get("applicationsSync") or "sync"
    actions: list[Action] = []
    created, updated, deleted = [], [], []
    valid = [app for app in wanted if app["metadata"].get("name", "") not in invalid]
    for app in sorted(valid, key=lambda app: str(app["metadata"]["name"])):
        name = app["metadata"]["name"]
        if name not in existing:
            owned = {**app["metadata"], "ownerReferences": [owner_reference(appset)]}
            actions.append(Create(resource=APPLICATIONS, obj={**app, "metadata": owned}))
            created.append(name)
        elif policy in ("sync", "create-update") and (patch := _change(existing[name], app, appset)):
            actions.append(_patch(APPLICATIONS, existing[name], patch))
            updated.append(name)
    if policy in ("sync", "create-delete"):
        generated = {app["metadata"].get("name", "") for app in wanted}
        for name, app in existing.items():
            if name not in generated and not app["metadata"].get("deletionTimestamp"):
                actions.append(_delete(app))
                deleted.append(name)
    if REFRESH in annotations_of(appset):
        actions.append(_patch(APPLICATION_SETS, appset, {"metadata": {"annotations": {REFRESH: None}}}))

    conditions = [_up_to_date()]
    if invalid:
        last = invalid[sorted(invalid)[-1]]
        more = f" (and {len(invalid) - 1} more)" if len(invalid) > 1 else ""
        conditions = [_error("ApplicationValidationError", last + more)]
    left = [app for app in observed.applications if app["metadata"]["name"] not in deleted]
    new = [app for app in valid if app["metadata"]["name"] in created]
    because: tuple[Reason, ...] = (InvalidApplications(tuple(invalid.values())),) if invalid else ()
    if created or updated or deleted:
        because = (*because, Keeping(tuple(created), tuple(updated), tuple(deleted)))
    names = tuple(app["metadata"].get("name", "") for app in wanted)
    return Decision(
        because=because or (Generated(names, next((seen.sha for seen in observed.folders.values()), "")),),
        actions=tuple(actions),
        status=_status(appset, conditions, now, generated=True, resources=_resources([*left, *new])),
        requeue=_requeue(appset) or (REQUEUE if invalid else None),
        events=(
            *(EventNote(type="Normal", reason="created", message=f'created Application "{name}"') for name in created),
            *(EventNote(type="Normal", reason="updated", message=f'updated Application "{name}"') for name in updated),
            *(EventNote(type="Normal", reason="Deleted", message=f'Deleted Application "{name}"') for name in deleted),
        ),
    )


def _lookup(observed: Observed) -> Callable[[str, str], Sequence[str]]:
    def folders(repo_url: str, revision: str) -> Sequence[str]:
        found = observed.folders[repo_url, revision]
        if found.error is not None:
            raise found.error
        return found.paths

    return folders


def _change(live: Obj, wanted: Obj, appset: Obj) -> dict[str, Any]:
    """The merge patch from what is there to what is wanted; empty when nothing differs."""
    preserved = (appset["spec"].get("preservedFields") or {}) or {}
    have, want = live["metadata"], wanted["metadata"]
    target = {
        "metadata": {
            "annotations": _kept(
                have, want, "annotations", (*PRESERVED_ANNOTATIONS, *preserved.get("annotations", ()))
            ),
            "labels": _kept(have, want, "labels", preserved.get("labels", ())),
            "finalizers": [
                *(want.get("finalizers") or ()),
                *(one for one in have.get("finalizers") or () if one.startswith(PRESERVED_FINALIZERS)),
            ],
            "ownerReferences": [owner_reference(appset)],
        },
        "spec": _normal(wanted["spec"]),
    }
    current = {
        "metadata": {key: have.get(key) or type(empty)() for key, empty in target["metadata"].items()},
        "spec": _normal(live.get("spec") or {}),
    }
    ignored = _ignored_pointers(appset, have["name"])
    return merge.diff(without(current, ignored), without(target, ignored)) or {}


def _ignored_pointers(appset: Obj, name: str) -> list[str]:
    """What others may change about an Application: `jsonPointers` of the rules without a name, or with this one."""
    rules = appset["spec"].get("ignoreApplicationDifferences") or ()
    return [
        pointer for rule in rules if (rule.get("name") or name) == name for pointer in rule.get("jsonPointers") or ()
    ]


def _kept(have: Mapping[str, Any], want: Mapping[str, Any], key: str, preserved: Sequence[str]) -> dict[str, str]:
    present = have.get(key) or {}
    return {**(want.get(key) or {}), **{name: present[name] for name in preserved if name in present}}


def _normal(spec: Mapping[str, Any]) -> dict[str, Any]:
    """As `NormalizeApplicationSpec`: a project is always named, an empty sync policy is none."""
    normal = {**spec, "project": spec.get("project") or "default"}
    if not normal.get("syncPolicy"):
        normal.pop("syncPolicy", None)
    return normal


def _patch(resource: Any, obj: Obj, patch: dict[str, Any]) -> Patch:
    metadata = obj["metadata"]
    return Patch(
        resource=resource,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        patch=patch,
        resource_version=metadata.get("resourceVersion"),
    )


def _delete(app: Obj) -> Delete:
    metadata = app["metadata"]
    return Delete(
        resource=APPLICATIONS, namespace=metadata.get("namespace", ""), name=metadata["name"], uid=metadata["uid"]
    )


def _requeue(appset: Obj) -> timedelta | None:
    """The shortest interval of its git generators; 0 seconds switch polling off."""
    waits = []
    for generator in appset["spec"].get("generators") or ():
        if (git := generator.get("git")) is not None:
            seconds = git.get("requeueAfterSeconds")
            waits.append(REQUEUE if seconds is None else timedelta(seconds=seconds))
    return min((wait for wait in waits if wait), default=None)


def _resources(apps: Sequence[Obj]) -> list[dict[str, Any]]:
    """`status.resources`: each Application with its own sync and health status."""
    found = []
    for app in sorted(apps, key=lambda app: str(app["metadata"]["name"])):
        status = app.get("status") or {}
        entry = {
            "group": APPLICATIONS.group,
            "health": {"status": (status.get("health") or {}).get("status")},
            "kind": APPLICATIONS.kind,
            "name": app["metadata"]["name"],
            "namespace": app["metadata"].get("namespace"),
            "status": (status.get("sync") or {}).get("status"),
            "version": APPLICATIONS.version,
        }
        entry["health"] = {key: value for key, value in entry["health"].items() if value}
        found.append({key: value for key, value in entry.items() if value is not None})
    return found


def _error(reason: str, message: str) -> dict[str, str]:
    return {"type": "ErrorOccurred", "status": "True", "reason": reason, "message": message}


def _up_to_date() -> dict[str, str]:
    return {
        "type": "ResourcesUpToDate",
        "status": "True",
        "reason": "ApplicationSetUpToDate",
        "message": UP_TO_DATE,
    }


def _one_line(error: CanariumError) -> str:
    """A condition's message: field, problem and next step on one line."""
    return ": ".join(part for part in (error.field, error.problem) if part) + (
        f" ({error.next_step})" if error.next_step else ""
    )


def _status(
    appset: Obj,
    conditions: Sequence[dict[str, str]],
    now: datetime,
    *,
    generated: bool,
    resources: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """The complete status with upstream's dependent conditions; unchanged ones keep their time."""
    before = appset.get("status") or {}
    message = conditions[0]["message"]
    told = {
        "type": "ParametersGenerated",
        "status": "True" if generated else "False",
        "reason": "ParametersGenerated" if generated else "ErrorOccurred",
        "message": "Successfully generated parameters for all Applications" if generated else message,
    }
    fresh = [told, *conditions]
    for known in conditions:
        if known["type"] == "ResourcesUpToDate":
            fresh.append({**known, "type": "ErrorOccurred", "status": "False"})
        else:
            fresh.append({**known, "type": "ResourcesUpToDate", "status": "False", "reason": "ErrorOccurred"})
    previous = {known["type"]: known for known in before.get("conditions") or ()}
    kept = []
    for known in sorted(fresh, key=lambda known: known["type"]):
        old = previous.get(known["type"])
        same = old is not None and all(old.get(key) == value for key, value in known.items())
        kept.append(dict(old) if same and old else {**known, "lastTransitionTime": format_time(now)})
    status = {**before, "conditions": kept, "health": _health(kept)}
    if resources is not None:
        status["resources"] = resources
        status["resourcesCount"] = len(resources)
    return status


def _health(conditions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    true = {known["type"]: known["message"] for known in conditions if known["status"] == "True"}
    for kind, health in (("ErrorOccurred", "Degraded"), ("ResourcesUpToDate", "Healthy")):
        if kind in true:
            return {"status": health, "message": true[kind]}
    return {"status": "Unknown", "message": "Waiting for health status to be determined"}
