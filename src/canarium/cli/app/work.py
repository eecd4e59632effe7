"""What `canarium app` does once it has a cluster.

Owns: reading and changing Applications, what is printed, exit codes. Must not know: click, kubeconfig files.
Behaviour follows `argocd app`, Argo CD 3.x.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import msgspec

from canarium.cli.app.waiting import Wanted, refreshed, wait_for
from canarium.cli.plugin.request import Output, Session
from canarium.errors import CanariumError
from canarium.gitops.application import report
from canarium.gitops.application.requests import begin, request_refresh, sync_operation
from canarium.gitops.kinds import APP_PROJECTS, APPLICATIONS
from canarium.kube.cluster import NotFound
from canarium.kube.objects import Obj
from canarium.text.yaml import dump

T = TypeVar("T")

EXIT_DIFFERENT: Final = 1
_WAIT_FORMAT: Final = "{:<28} {:>12} {:>17} {:>14} {:>22} {:>10} {:>11} {:>10}  {}"
_DIFF_NOTE: Final = (
    "Shown is what the controller's last comparison found, resource by resource; canarium has no diff of fields yet."
)


class AppError(CanariumError):
    """The command did not succeed."""


def parse_name(name: str, namespace: str) -> tuple[str, str]:
    """Namespace and name of `NAME` or `NAMESPACE/NAME`."""
    before, slash, after = name.partition("/")
    return (before, after) if slash else (namespace, name)


# -- show -------------------------------------------------------------------------------------------------------------


async def list_apps(session: Session, output: Output, *, namespace: str, form: str, project: str, labels: str) -> int:
    """Print the Applications of a namespace (all: empty), ordered by namespace and name."""
    answer = await session.cluster.list(APPLICATIONS, namespace or None, labels=labels)
    apps = [app for app in answer.items if not project or app["spec"].get("project") == project]
    if form == "name":
        output.write("".join(f"{report.qualified_name(app)}\n" for app in apps))
    elif form in ("json", "yaml"):
        output.write(_encoded(apps, form))
    else:
        output.write(report.list_text(apps, is_wide=form == "wide"))
    return 0


async def get(
    session: Session,
    output: Output,
    name: str,
    *,
    namespace: str,
    form: str,
    refresh: str,
    shows_operation: bool,
    timeout: float,
) -> int:
    """Print one Application. refresh: `normal` or `hard` first; empty for none."""
    namespace, name = parse_name(name, namespace)
    app = await session.cluster.get(APPLICATIONS, namespace, name)
    if refresh:
        app = await _within(timeout, refreshed(session, namespace, name, refresh), _no_refresh(name, timeout))
    if form in ("json", "yaml"):
        output.write(_encoded(app, form))
    else:
        windows = await _windows(session, app)
        output.write(report.application_text(app, windows=windows, shows_operation=shows_operation))
    return 0


async def refresh_app(
    session: Session, output: Output, name: str, *, namespace: str, kind: str, timeout: float, is_async: bool
) -> int:
    """Ask for a refresh and say what came of it."""
    namespace, name = parse_name(name, namespace)
    if is_async:
        await request_refresh(session.cluster, namespace, name, kind)
        output.line(f"application '{name}' refresh requested")
        return 0
    app = await _within(timeout, refreshed(session, namespace, name, kind), _no_refresh(name, timeout))
    output.write(report.summary_text(app, windows=await _windows(session, app)))
    return 0


async def history(session: Session, output: Output, name: str, *, namespace: str, form: str) -> int:
    """Print what was deployed when."""
    namespace, name = parse_name(name, namespace)
    app = await session.cluster.get(APPLICATIONS, namespace, name)
    if form == "id":
        output.write("".join(f"{entry['id']}\n" for entry in (app.get("status") or {}).get("history") or ()))
    else:
        output.write(report.history_text(app))
    return 0


async def diff(
    session: Session, output: Output, name: str, *, namespace: str, refresh: str, timeout: float, has_exit_code: bool
) -> int:
    """Print the resources that are out of sync. Returns EXIT_DIFFERENT when there are any."""
    namespace, name = parse_name(name, namespace)
    app = await session.cluster.get(APPLICATIONS, namespace, name)
    if refresh:
        app = await _within(timeout, refreshed(session, namespace, name, refresh), _no_refresh(name, timeout))
    for one in (app.get("status") or {}).get("conditions") or ():
        if one.get("type") == "ComparisonError":
            raise AppError(f"{name} cannot be compared: {one.get('message', '')}")
    text = report.out_of_sync_text(app)
    output.write(text)
    if text:
        output.complain(_DIFF_NOTE)
    return EXIT_DIFFERENT if text and has_exit_code else 0


# -- change, wait -----------------------------------------------------------------------------------------------------


async def sync(
    session: Session,
    output: Output,
    name: str,
    *,
    namespace: str,
    prune: bool,
    dry_run: bool,
    revision: str,
    is_async: bool,
    timeout: float,
    username: str,
) -> int:
    """Ask for a sync, and wait for its end unless `is_async`. Raises RequestRefused, and AppError when it fails."""
    namespace, name = parse_name(name, namespace)
    app = await begin(
        session.cluster,
        namespace,
        name,
        lambda found: sync_operation(found, prune=prune, dry_run=dry_run, revision=revision, username=username),
    )
    if is_async:
        return 0
    app = await _wait(session, output, app, Wanted(operation=True), timeout)
    state = (app.get("status") or {}).get("operationState") or {}
    output.line("")
    output.write(report.summary_text(app, windows=await _windows(session, app)))
    output.line("")
    output.write(report.operation_text(state))
    if report.resource_states(app):
        output.line("")
        output.write(report.resources_text(app))
    if state.get("phase") != "Succeeded":
        raise AppError(f"Operation has completed with phase: {state.get('phase', 'Unknown')}")
    left = [
        one for one in (state.get("syncResult") or {}).get("resources") or () if one.get("status") == "PruneSkipped"
    ]
    is_synced = ((app.get("status") or {}).get("sync") or {}).get("status") == "Synced"
    if left and not dry_run and not is_synced:
        raise AppError(f"{len(left)} resources require pruning", next_step="Sync again with --prune.")
    return 0


async def wait(session: Session, output: Output, name: str, *, namespace: str, wanted: Wanted, timeout: float) -> int:
    """Wait until an Application is as wanted, and print it. Raises AppError when the time is over."""
    namespace, name = parse_name(name, namespace)
    app = await session.cluster.get(APPLICATIONS, namespace, name)
    app = await _wait(session, output, app, wanted, timeout)
    output.line("")
    output.write(report.application_text(app, windows=await _windows(session, app), shows_operation=wanted.operation))
    return 0


async def _wait(session: Session, output: Output, app: Obj, wanted: Wanted, timeout: float) -> Obj:
    said: dict[tuple[str, ...], tuple[str, ...]] = {}
    output.line(_WAIT_FORMAT.format("TIMESTAMP", *report.RESOURCE_COLUMNS))

    def seen(state: Obj) -> None:
        for one in report.resource_states(state):
            if said.get(one.key) != one.cells:
                said[one.key] = one.cells
                at = session.clock.now().isoformat(timespec="seconds")
                output.line(_WAIT_FORMAT.format(at, *one.cells))

    name = app["metadata"]["name"]
    late = f'timed out ({timeout:g}s) waiting for app "{name}" match desired state'
    try:
        return await _within(timeout, wait_for(session, app, wanted, seen), late)
    except AppError:
        now = await session.cluster.get(APPLICATIONS, app["metadata"]["namespace"], name)
        output.line("\nThis is the state of the app after `wait` timed out:\n")
        output.write(report.application_text(now, shows_operation=wanted.operation))
        raise


async def _within(seconds: float, work: Coroutine[Any, Any, T], late: str) -> T:
    """The work's answer. Raises AppError with `late` after so many seconds; 0 waits for ever."""
    try:
        async with asyncio.timeout(seconds or None):
            return await work
    except TimeoutError as error:
        raise AppError(late) from error


def _no_refresh(name: str, seconds: float) -> str:
    return f'timed out ({seconds:g}s) waiting for the refresh of app "{name}"; is its controller running?'


async def _windows(session: Session, app: Obj) -> list[dict[str, Any]]:
    """The sync windows of its project, those for other Applications included: only that there are any is told."""
    try:
        project = await session.cluster.get(
            APP_PROJECTS, app["metadata"]["namespace"], app["spec"].get("project") or "default"
        )
    except NotFound:
        return []
    return list(project["spec"].get("syncWindows") or ())


def _encoded(value: Any, form: str) -> str:
    if form == "yaml":
        return dump(value)
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
