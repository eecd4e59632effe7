"""What an Application looks like in a terminal.

Owns: the text of one Application, of many, of a history, of an operation, of what is out of sync. Pure.
Must not know: clusters, terminals, options of commands.
Source: Argo CD 3.x `cmd/argocd/commands/app.go`: labels, columns and their order are the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import msgspec

from canarium.kube.objects import Obj, parse_time

Json: TypeAlias = Mapping[str, Any]

LIST_COLUMNS = ("NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS")
WIDE_COLUMNS = ("REPO", "PATH", "TARGET")
RESOURCE_COLUMNS = ("GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE")
SHORT_SHA = 7
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


class ResourceState(msgspec.Struct, frozen=True):
    """One line about a resource. What the last operation did to it is in `hook` and `message`; a resource that the
    Application does not have (a hook, a namespace) shows phase and result instead of status and health."""

    group: str
    kind: str
    namespace: str
    name: str
    status: str = ""
    health: str = ""
    hook: str = ""
    message: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies the resource."""
        return (self.group, self.kind, self.namespace, self.name)

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells under RESOURCE_COLUMNS."""
        return (*self.key, self.status, self.health, self.hook, self.message)


# -- one Application --------------------------------------------------------------------------------------------------


def application_text(app: Json, *, windows: Sequence[Json] = (), shows_operation: bool = False) -> str:
    """Summary, conditions and resources. windows: the sync windows of the project that are meant for it."""
    parts = [summary_text(app, windows=windows)]
    conditions = _status(app).get("conditions") or ()
    if conditions:
        rows = [("CONDITION", "MESSAGE", "LAST TRANSITION")]
        rows += [
            (one.get("type", ""), one.get("message", ""), go_time(one.get("lastTransitionTime"))) for one in conditions
        ]
        parts.append(columns(rows))
    state = _status(app).get("operationState")
    if shows_operation and state:
        parts.append(operation_text(state))
    if _status(app).get("resources"):
        parts.append(resources_text(app))
    return "\n".join(parts)


def summary_text(app: Json, *, windows: Sequence[Json] = ()) -> str:
    """The lines from `Name:` to `Health Status:`."""
    spec, status = app["spec"], _status(app)
    destination = spec.get("destination") or {}
    lines = [
        _line("Name:", qualified_name(app)),
        _line("Project:", spec.get("project") or "default"),
        _line("Server:", _server(app)),
        _line("Namespace:", destination.get("namespace", "")),
        "Sources:" if spec.get("sources") else "Source:",
    ]
    for source in _sources(spec):
        lines += _source_lines(source)
    lines.append(_line("SyncWindow:", "Restricted by the project" if windows else "Sync Allowed"))
    if windows:
        told = (":".join(str(one.get(key, "")) for key in ("kind", "schedule", "duration")) for one in windows)
        lines.append(_line("Assigned Windows:", ",".join(told)))
    automated = _automated(app)
    policy = "Manual" if automated is None else "Automated (Prune)" if automated.get("prune") else "Automated"
    lines.append(_line("Sync Policy:", policy))
    lines.append(_line("Sync Status:", _sync_text(app)))
    health = status.get("health") or {}
    told_health = health.get("status", "")
    if health.get("message"):
        told_health = f"{told_health} ({health['message']})"
    lines.append(_line("Health Status:", told_health))
    return "".join(f"{line}\n" for line in lines)


def resources_text(app: Json) -> str:
    """The table of resources."""
    return columns([RESOURCE_COLUMNS, *(state.cells for state in resource_states(app))])


def resource_states(app: Json) -> list[ResourceState]:
    """What the last operation touched, in its order, then the other resources by group, kind, namespace and name."""
    status = _status(app)
    left = {_key(one): one for one in status.get("resources") or ()}
    results = ((status.get("operationState") or {}).get("syncResult") or {}).get("resources") or ()
    found = []
    for result in results:
        shown, health = str(result.get("hookPhase", "")), str(result.get("status", ""))
        hook = str(result.get("hookType", ""))
        resource = left.pop(_key(result), None)
        if resource is not None and not hook:
            shown, health = resource.get("status", ""), (resource.get("health") or {}).get("status", "")
        found.append(ResourceState(*_key(result), shown, health, hook, str(result.get("message", ""))))
    for key, resource in sorted(left.items()):
        found.append(ResourceState(*key, resource.get("status", ""), (resource.get("health") or {}).get("status", "")))
    return found


def operation_text(state: Json) -> str:
    """What an operation did: `status.operationState`."""
    lines = []
    if state.get("syncResult"):
        result = state["syncResult"]
        revision = ", ".join(result["revisions"]) if result.get("revisions") else result.get("revision", "")
        lines += [_line("Operation:", "Sync"), _line("Sync Revision:", revision)]
    lines.append(_line("Phase:", state.get("phase", "")))
    lines.append(_line("Start:", go_time(state.get("startedAt"))))
    lines.append(_line("Finished:", go_time(state.get("finishedAt"))))
    if state.get("startedAt") and state.get("finishedAt"):
        lines.append(_line("Duration:", _go_duration(parse_time(state["finishedAt"]) - parse_time(state["startedAt"]))))
    if state.get("message"):
        lines.append(_line("Message:", state["message"]))
    return "".join(f"{line}\n" for line in lines)


# -- many, history, what is out of sync -------------------------------------------------------------------------------


def list_text(apps: Sequence[Json], *, is_wide: bool = True) -> str:
    """The table of Applications."""
    rows: list[Sequence[str]] = [(*LIST_COLUMNS, *WIDE_COLUMNS) if is_wide else LIST_COLUMNS]
    for app in apps:
        spec, status = app["spec"], _status(app)
        row = [
            qualified_name(app),
            _server(app),
            (spec.get("destination") or {}).get("namespace", ""),
            spec.get("project") or "default",
            (status.get("sync") or {}).get("status", ""),
            (status.get("health") or {}).get("status", ""),
            _short_policy(app),
            _conditions_in_short(status.get("conditions") or ()),
        ]
        if is_wide:
            source = _sources(spec)[0]
            row += [source.get("repoURL", ""), source.get("path", ""), source.get("targetRevision", "")]
        rows.append(row)
    return columns(rows)


def history_text(app: Json) -> str:
    """The table of `status.history`, a block for each repository."""
    blocks: dict[str, list[Sequence[str]]] = {}
    for entry in _status(app).get("history") or ():
        sources = entry.get("sources") or [entry.get("source") or {}]
        revisions = entry.get("revisions") or [entry.get("revision", "")]
        for index, source in enumerate(sources):
            url, shown = source.get("repoURL", ""), source.get("targetRevision", "")
            if index < len(revisions) and len(revisions[index]) >= SHORT_SHA:
                shown = f"{shown} ({revisions[index][:SHORT_SHA]})"
            rows = blocks.setdefault(url, [("SOURCE", url), ("ID", "DATE", "REVISION")])
            rows.append((str(entry.get("id", 0)), go_time(entry.get("deployedAt")), shown))
    return "\n".join(columns(rows) for rows in blocks.values())


def out_of_sync(app: Json) -> list[tuple[str, ResourceState]]:
    """The resources whose live state is not what git wants, each with what a sync would do."""
    found = []
    for one in _status(app).get("resources") or ():
        if one.get("status", "Synced") == "Synced" or one.get("hook"):
            continue
        health = (one.get("health") or {}).get("status", "")
        would = "prune" if one.get("requiresPruning") else "create" if health == "Missing" else "change"
        found.append((would, ResourceState(*_key(one), one.get("status", ""), health)))
    return found


def out_of_sync_text(app: Json) -> str:
    """One header per resource as `argocd app diff` has it, and what a sync would do."""
    told = []
    for would, state in out_of_sync(app):
        told.append(f"===== {state.group}/{state.kind} {state.namespace}/{state.name} ======\n")
        told.append(f"{state.status}: a sync would {would} it\n")
    return "".join(told)


# -- words ------------------------------------------------------------------------------------------------------------


def qualified_name(app: Json) -> str:
    """`argocd/shop`, or only the name of an object without a namespace."""
    namespace, name = app["metadata"].get("namespace"), app["metadata"]["name"]
    return f"{namespace}/{name}" if namespace else str(name)


def go_time(text: str | None) -> str:
    """A timestamp as Go prints a metav1.Time; `<nil>` for none."""
    return f"{parse_time(text):%Y-%m-%d %H:%M:%S} +0000 UTC" if text else "<nil>"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns that are two blanks apart, as Go's tabwriter sets them; the last cell of a row ends it.

    A column ends at the first row that does not have it, as tabwriter's do.
    """
    count = max((len(row) for row in rows), default=0)
    widths: list[list[int]] = [[0] * count for _ in rows]
    for column in range(count):
        block: list[int] = []
        for index, row in enumerate([*rows, ()]):
            if column < len(row) - 1:
                block.append(index)
                continue
            width = max((len(rows[one][column]) + 2 for one in block), default=0)
            for one in block:
                widths[one][column] = width
            block = []
    lines = []
    for index, row in enumerate(rows):
        *cells, last = row
        lines.append("".join(cell.ljust(widths[index][at]) for at, cell in enumerate(cells)) + last + "\n")
    return "".join(lines)


def _line(label: str, value: Any) -> str:
    return f"{label:<20}{value}"


def _status(app: Json) -> Obj:
    status: Obj = app.get("status") or {}
    return status


def _key(resource: Json) -> tuple[str, str, str, str]:
    return (
        resource.get("group") or "",
        resource.get("kind") or "",
        resource.get("namespace") or "",
        resource.get("name") or "",
    )


def _server(app: Json) -> str:
    destination = app["spec"].get("destination") or {}
    return str(destination.get("server") or destination.get("name") or "")


def _sources(spec: Json) -> Sequence[Json]:
    return spec.get("sources") or [spec.get("source") or {}]


def _source_lines(source: Json) -> list[str]:
    lines = [_line("- Repo:", source.get("repoURL", "")), _line("  Target:", source.get("targetRevision", ""))]
    kustomize, helm = source.get("kustomize") or {}, source.get("helm") or {}
    for label, value in (
        ("  Path:", source.get("path")),
        ("  Ref:", source.get("ref")),
        ("  Helm Values:", ",".join(helm.get("valueFiles") or ())),
        ("  Name Prefix:", kustomize.get("namePrefix")),
    ):
        if value:
            lines.append(_line(label, value))
    return lines


def _automated(app: Json) -> Json | None:
    automated: Json | None = (app["spec"].get("syncPolicy") or {}).get("automated")
    return None if automated is None or automated.get("enabled") is False else automated


def _short_policy(app: Json) -> str:
    automated = _automated(app)
    if automated is None:
        return "Manual"
    return "Auto-Prune" if automated.get("prune") else "Auto"


def _sync_text(app: Json) -> str:
    sync = _status(app).get("sync") or {}
    status, revision = sync.get("status", ""), sync.get("revision", "")
    target = _sources(app["spec"])[0].get("targetRevision", "")
    joined = {"Synced": " to ", "OutOfSync": " from "}.get(status)
    text = f"{status}{joined}{target}" if joined else str(status)
    if not _COMMIT.fullmatch(target) and len(revision) > SHORT_SHA:
        text += f" ({revision[:SHORT_SHA]})"
    return text


def _conditions_in_short(conditions: Sequence[Json]) -> str:
    counts = Counter(str(one.get("type", "")) for one in conditions)
    told = [f"{name}({count})" if count > 1 else name for name, count in sorted(counts.items())]
    return ",".join(told) or "<none>"


def _go_duration(duration: timedelta) -> str:
    total = int(duration.total_seconds())
    hours, minutes, seconds = total // 3600, total // 60 % 60, total % 60
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
