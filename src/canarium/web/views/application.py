"""The topic `application/NAMESPACE/NAME`: one Application with its tree, history, operation, and what may be done.

Owns: the detail, the actions and their consequences. Must not know: HTTP, how an action is done
(`web/application_actions.py`), why it is as it is (`application_why.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from canarium.clock import Clock
from canarium.gitops.application import report
from canarium.gitops.application.requests import is_automated, sync_refusal
from canarium.gitops.application.resource_key import instance_name, resource_key, tracked_by
from canarium.gitops.git.repositories import Repositories
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj, key_of
from canarium.kube.resources import Resource
from canarium.web.model import Action, ApplicationDetail, Commit, Condition, HistoryEntry, OperationState
from canarium.web.views.application_tree import TreeView, node_id
from canarium.web.views.application_why import application_why, place_of
from canarium.web.views.applications import Commits, application_row, is_error

Json = Mapping[str, Any]

READ_ONLY: Final = "This page was opened read-only."
_NAMED: Final = 3


class ApplicationValue:
    """Topic `application/NAMESPACE/NAME`. See `Value`."""

    resources: Sequence[Resource] = (APPLICATIONS, *TreeView.resources)

    def __init__(
        self,
        listers: WatchedListers,
        clock: Clock,
        repositories: Repositories | None,
        namespace: str,
        name: str,
        *,
        is_read_only: bool,
    ) -> None:
        self._clock = clock
        self._applications = listers(APPLICATIONS)
        self._trees = TreeView(listers)
        self._commits = Commits(repositories)
        self._namespace, self._name = namespace, name
        self._is_read_only = is_read_only
        self._instance = ""
        self._ids: frozenset[str] = frozenset()
        self._uids: frozenset[str] = frozenset()

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        """See `Value`: itself, what was in its tree when it was last looked at, what was made by such a thing."""
        metadata = obj["metadata"]
        if resource == APPLICATIONS and key_of(obj) == (self._namespace, self._name):
            return True
        typed = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
        return (
            metadata.get("uid") in self._uids
            or any(one.get("uid") in self._uids for one in metadata.get("ownerReferences") or ())
            or node_id(resource_key(typed)) in self._ids
            or (bool(self._instance) and tracked_by(typed) == self._instance)
        )

    def value(self) -> ApplicationDetail | None:
        """See `Value`."""
        app = self._applications.get(self._namespace, self._name)
        if app is None:
            return None
        tree = self._trees.tree(app, self._clock.now())
        self._instance = instance_name(app)
        self._ids = frozenset(node.id for node in tree.nodes)
        self._uids = tree.uids
        status = app.get("status") or {}
        row = application_row(app, self._commits)
        return ApplicationDetail(
            row=row,
            nodes=tree.nodes,
            conditions=tuple(_condition(one) for one in status.get("conditions") or ()),
            history=tuple(self._entry(one) for one in reversed(status.get("history") or ())),
            operation=self._operation(app),
            actions=application_actions(app, row.commit, is_read_only=self._is_read_only),
            why=application_why(app, tree.nodes),
            images=tuple((status.get("summary") or {}).get("images") or ()),
        )

    def _entry(self, entry: Json) -> HistoryEntry:
        source: Json = entry.get("source") or next(iter(entry.get("sources") or ()), {})
        return HistoryEntry(
            id=int(entry.get("id") or 0),
            commit=self._commits.commit(str(source.get("repoURL") or ""), str(entry.get("revision") or "")),
            deployed=str(entry.get("deployedAt") or ""),
            initiated_by=_who(entry.get("initiatedBy")),
        )

    def _operation(self, app: Obj) -> OperationState | None:
        state: Json = (app.get("status") or {}).get("operationState") or {}
        asked: Json = state.get("operation") or app.get("operation") or {}
        if not state and not asked:
            return None
        result: Json = state.get("syncResult") or {}
        source: Json = result.get("source") or app["spec"].get("source") or {}
        revision = str(result.get("revision") or (asked.get("sync") or {}).get("revision") or "")
        return OperationState(
            phase=str(state.get("phase") or "Running"),
            message=str(state.get("message") or ("" if state else "asked for; the controller has not begun yet")),
            started=str(state.get("startedAt") or ""),
            finished=str(state.get("finishedAt") or ""),
            commit=self._commits.commit(str(source.get("repoURL") or ""), revision),
            results=tuple(
                f"{one['kind']}/{one['name']}: {one.get('message') or one.get('status') or ''}"
                for one in result.get("resources") or ()
            ),
            initiated_by=_who(asked.get("initiatedBy")),
            retries=int(state.get("retryCount") or 0),
        )


def _condition(one: Json) -> Condition:
    message = str(one.get("message") or "")
    return Condition(
        type=str(one.get("type") or ""),
        message=message,
        at=str(one.get("lastTransitionTime") or ""),
        is_error=is_error(one),
        file=place_of(message),
    )


def _who(initiated: Json | None) -> str:
    told = initiated or {}
    return "automated sync" if told.get("automated") else str(told.get("username") or "")


# -- actions ----------------------------------------------------------------------------------------------------------


def application_actions(app: Json, commit: Commit, *, is_read_only: bool) -> tuple[Action, ...]:
    """What may be done with an Application, and what would come of it. commit: what it was compared with."""
    refused = READ_ONLY if is_read_only else ""
    if not refused and app["metadata"].get("deletionTimestamp"):
        refused = "It is being deleted."
    return (
        Action(
            name="refresh",
            label="Refresh",
            consequence="Asks git for the newest commit and compares it with the cluster again."
            + (" It syncs itself, so a new commit is applied at once." if is_automated(app) else ""),
            refused=refused,
            is_dangerous=False,
        ),
        Action(
            name="hard-refresh",
            label="Hard refresh",
            consequence="Refreshes, and trusts nothing that was rendered before. Slower, and rarely needed.",
            refused=refused,
            is_dangerous=False,
        ),
        Action(
            name="sync",
            label="Sync",
            consequence=_sync_consequence(app, commit),
            refused=refused or _sync_refused(app),
            is_dangerous=any(would == "prune" for would, _ in report.out_of_sync(app)),
        ),
    )


def _sync_refused(app: Json) -> str:
    if sync_refusal(app) is not None or (app.get("status") or {}).get("operationState", {}).get("phase") == "Running":
        return "Another sync is under way: wait until it has ended."
    return ""


def _sync_consequence(app: Json, commit: Commit) -> str:
    target = str((app["spec"].get("source") or {}).get("targetRevision") or "HEAD")
    which = f" ({commit.sha[: report.SHORT_SHA]})" if commit.sha else ""
    found = report.out_of_sync(app)
    sentences = [f"Applies {target}{which}."]
    for would, says in (("create", "Creates"), ("change", "Changes")):
        if names := [f"{one.kind}/{one.name}" for what, one in found if what == would]:
            sentences.append(f"{says} {_some(names)}.")
    if names := [f"{one.kind}/{one.name}" for what, one in found if what == "prune"]:
        sentences.append(f"With prune it also deletes {_some(names)}, which git no longer has.")
    if not found:
        status = ((app.get("status") or {}).get("sync") or {}).get("status")
        sentences.append(
            "As of the last comparison nothing differs." if status == "Synced" else "What differs is not known yet."
        )
    if is_automated(app):
        sentences.append("It also syncs itself whenever git changes.")
    return " ".join(sentences)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
