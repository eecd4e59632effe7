"""The topics `applications` and `applicationsets`.

Owns: their rows, and what is said of a commit. Must not know: HTTP, how git stores anything.
Text of commits was written by anybody: it is data here, never markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.gitops.application.requests import is_automated
from canarium.gitops.git.repositories import Repositories
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj, format_time, key_of, labels_of
from canarium.kube.resources import Resource
from canarium.web.model import ApplicationRow, ApplicationSetRow, Commit

KEPT_COMMITS: Final = 2048
MESSAGE_CHARACTERS: Final = 300
_SHA = re.compile(r"[0-9a-f]{40}")


class Commits:
    """What commits say, asked once each. Without repositories at hand: only their shas."""

    def __init__(self, repositories: Repositories | None) -> None:
        self._repositories = repositories
        self._known: dict[tuple[str, str], Commit] = {}

    def commit(self, repo_url: str, sha: str) -> Commit:
        """A commit; with an empty message when it cannot be read, which is not tried again."""
        if self._repositories is None or not repo_url or not _SHA.fullmatch(sha):
            return Commit(sha=sha, message="", author="", date="")
        found = self._known.get((repo_url, sha))
        if found is None:
            found = self._read(self._repositories, repo_url, sha)
            if len(self._known) >= KEPT_COMMITS:
                self._known.pop(next(iter(self._known)))
            self._known[repo_url, sha] = found
        return found

    def _read(self, repositories: Repositories, repo_url: str, sha: str) -> Commit:
        try:
            info = repositories.info(repo_url, sha)
        except CanariumError:  # the Application's own conditions tell of a repository that does not answer
            return Commit(sha=sha, message="", author="", date="")
        lines = info.message.strip().splitlines()
        message = lines[0][:MESSAGE_CHARACTERS] if lines else ""
        return Commit(sha=sha, message=message, author=info.author, date=format_time(info.date.astimezone(UTC)))


def is_error(condition: Mapping[str, Any]) -> bool:
    """Whether a condition of an Application tells of an error; others warn."""
    return str(condition.get("type") or "").endswith("Error")


def operation_phase(app: Mapping[str, Any]) -> str:
    """The phase of the last operation, or of the one under way; empty when there was none."""
    phase = ((app.get("status") or {}).get("operationState") or {}).get("phase")
    return str(phase or ("Running" if app.get("operation") else ""))


def application_row(app: Obj, commits: Commits) -> ApplicationRow:
    """The row of an Application."""
    metadata, spec, status = app["metadata"], app.get("spec") or {}, app.get("status") or {}
    source: Mapping[str, Any] = spec.get("source") or next(iter(spec.get("sources") or ()), {})
    sync, health = status.get("sync") or {}, status.get("health") or {}
    owners = metadata.get("ownerReferences") or ()
    repo_url = str(source.get("repoURL") or "")
    return ApplicationRow(
        key=str(key_of(app)),
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata["name"]),
        labels=labels_of(app),
        project=str(spec.get("project") or "default"),
        sync=str(sync.get("status") or "Unknown"),
        health=str(health.get("status") or "Unknown"),
        health_message=str(health.get("message") or ""),
        operation=operation_phase(app),
        problem=next((str(one.get("message") or "") for one in status.get("conditions") or () if is_error(one)), ""),
        repo=repo_url,
        path=str(source.get("path") or ""),
        target=str(source.get("targetRevision") or "HEAD"),
        destination_namespace=str((spec.get("destination") or {}).get("namespace") or ""),
        is_automated=is_automated(app),
        commit=commits.commit(repo_url, str(sync.get("revision") or next(iter(sync.get("revisions") or ()), ""))),
        last_sync=str((status.get("operationState") or {}).get("finishedAt") or ""),
        set=next((str(one["name"]) for one in owners if one.get("kind") == APPLICATION_SETS.kind), ""),
        created=str(metadata.get("creationTimestamp") or ""),
    )


class ApplicationRows:
    """Topic `applications`. See `Rows`."""

    resources: Sequence[Resource] = (APPLICATIONS,)

    def __init__(self, listers: WatchedListers, clock: Clock, repositories: Repositories | None) -> None:
        del clock  # every view is made with one; these rows carry only times that the Application tells
        self._applications = listers(APPLICATIONS)
        self._commits = Commits(repositories)

    def concerned(self, resource: Resource, obj: Obj) -> Iterable[str]:
        """See `Rows`."""
        return (str(key_of(obj)),) if resource == APPLICATIONS else ()

    def keys(self) -> Sequence[str]:
        """See `Rows`."""
        return [str(key_of(app)) for app in self._applications.list()]

    def row(self, key: str) -> ApplicationRow | None:
        """See `Rows`."""
        namespace, _, name = key.rpartition("/")
        app = self._applications.get(namespace, name)
        return None if app is None else application_row(app, self._commits)


class ApplicationSetRows:
    """Topic `applicationsets`. See `Rows`."""

    resources: Sequence[Resource] = (APPLICATION_SETS, APPLICATIONS)

    def __init__(self, listers: WatchedListers, clock: Clock) -> None:
        del clock  # as above
        self._sets = listers(APPLICATION_SETS)
        self._applications = listers(APPLICATIONS)

    def concerned(self, resource: Resource, obj: Obj) -> Iterable[str]:
        """See `Rows`."""
        if resource == APPLICATION_SETS:
            return (str(key_of(obj)),)
        namespace = str(obj["metadata"].get("namespace") or "")
        owners = obj["metadata"].get("ownerReferences") or ()
        return [f"{namespace}/{one['name']}" for one in owners if one.get("kind") == APPLICATION_SETS.kind]

    def keys(self) -> Sequence[str]:
        """See `Rows`."""
        return [str(key_of(one)) for one in self._sets.list()]

    def row(self, key: str) -> ApplicationSetRow | None:
        """See `Rows`."""
        namespace, _, name = key.rpartition("/")
        found = self._sets.get(namespace, name)
        if found is None:
            return None
        metadata = found["metadata"]
        owned = self._applications.owned_by(metadata["uid"])
        return ApplicationSetRow(
            key=str(key_of(found)),
            namespace=str(metadata.get("namespace") or ""),
            name=str(metadata["name"]),
            applications=tuple(str(key_of(app)) for app in owned),
            generators=tuple(
                text for one in (found.get("spec") or {}).get("generators") or () for text in generator_words(one)
            ),
            conditions=troubles((found.get("status") or {}).get("conditions") or ()),
            created=str(metadata.get("creationTimestamp") or ""),
        )


def generator_words(generator: Mapping[str, Any]) -> list[str]:
    """A generator in words: `list: 2 elements`, `git directories: apps/*`."""
    words = []
    for name, told in sorted(generator.items()):
        part = told if isinstance(told, Mapping) else {}
        if name == "selector":
            continue
        if name == "list":
            count = len(part.get("elements") or ())
            words.append(f"list: {count} element" if count == 1 else f"list: {count} elements")
        elif name == "git":
            words += [
                f"git {what}: {', '.join(map(_path, paths))}"
                for what in ("directories", "files")
                if (paths := part.get(what))
            ]
        else:
            words.append(name)
    return words


def _path(item: Any) -> str:
    found = item if isinstance(item, Mapping) else {}
    return f"not {found.get('path', '')}" if found.get("exclude") else str(found.get("path") or "")


def troubles(conditions: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Conditions of an ApplicationSet that tell of trouble, `type: message`; one message is told once."""
    told: dict[str, str] = {}
    for one in sorted(conditions, key=lambda one: str(one.get("type")) != "ErrorOccurred"):
        kind, is_true = str(one.get("type") or ""), one.get("status") == "True"
        is_known = kind in ("ErrorOccurred", "ParametersGenerated", "ResourcesUpToDate")
        if is_known and (kind == "ErrorOccurred") == is_true:
            told.setdefault(str(one.get("message") or ""), kind)
    return tuple(f"{kind}: {message}" for message, kind in told.items())
