"""`canarium app`: Argo CD's Applications on the command line, without an Argo CD API server.

Owns: names, flags and help. Must not know: how a command does its work (`work.py`).
Names and flags follow `argocd app`, Argo CD 3.x. It reads and writes Application objects as kubectl would, so it works
on every cluster that has them.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import click

from canarium.cli.connection import ConnectionOptions, connection_options, failure_text, run, seconds

if TYPE_CHECKING:
    from canarium.cli.plugin.request import Output, Session

    Work: TypeAlias = Callable[[Session, Output], Awaitable[int]]

REFRESH_SECONDS = "60"
EXIT_FAILED = 20
"""What `argocd` returns for every failure."""


def _seconds(context: click.Context, parameter: click.Parameter, value: str) -> float:
    del context, parameter
    return seconds(value)


_name = click.argument("name", metavar="APPNAME")
_namespace = click.option(
    "-N", "--app-namespace", default="argocd", show_default=True, metavar="NAME", help="Where the Application lives."
)
_timeout = click.option(
    "--timeout", default="0", callback=_seconds, metavar="DURATION", help="Give up after that; 0 waits for ever."
)
_refresh_timeout = click.option(
    "--timeout",
    default=REFRESH_SECONDS,
    show_default=True,
    callback=_seconds,
    metavar="DURATION",
    help="How long to wait for a refresh.",
)
_refresh = click.option("--refresh", is_flag=True, help="Look at git again first.")
_hard_refresh = click.option("--hard-refresh", is_flag=True, help="Render again too, whatever is remembered.")


def _perform(connection: ConnectionOptions, work: Work, failed: int = EXIT_FAILED) -> None:
    """Connect, do the work, and exit with its code; `failed` when it raises."""
    from canarium.cli.connection import connect
    from canarium.cli.plugin.request import Output
    from canarium.errors import CanariumError

    async def main() -> int:
        try:
            async with connect(connection) as session:
                return await work(session, Output(sys.stdout, sys.stderr))
        except CanariumError as error:
            click.echo(failure_text(error), err=True)
            return failed

    code = run(main())
    if code:
        sys.exit(code)


def _kind(refresh: bool, hard: bool) -> str:
    return "hard" if hard else "normal" if refresh else ""


@click.group()
def app_group() -> None:
    """Show and sync Argo CD Applications.

    Exit code 20 when a command fails, as argocd has it.
    """


@app_group.command("list")
@click.option("-N", "--app-namespace", default="argocd", show_default=True, metavar="NAME", help="Only in that one.")
@click.option("-A", "--all-namespaces", is_flag=True, help="In all namespaces.")
@click.option("-p", "--project", default="", metavar="NAME", help="Only of that project.")
@click.option("-l", "--selector", default="", metavar="LABELS", help="Only with these labels.")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["wide", "table", "name", "json", "yaml"]),
    default="wide",
    show_default=True,
    help="table: without REPO, PATH and TARGET.",
)
@connection_options
def list_(
    app_namespace: str, all_namespaces: bool, project: str, selector: str, form: str, connection: ConnectionOptions
) -> None:
    """List Applications."""
    from canarium.cli.app import work

    namespace = "" if all_namespaces else app_namespace
    _perform(
        connection,
        lambda session, output: work.list_apps(
            session, output, namespace=namespace, form=form, project=project, labels=selector
        ),
    )


@app_group.command()
@_name
@_namespace
@_refresh
@_hard_refresh
@click.option("--show-operation", is_flag=True, help="What the last operation did, too.")
@click.option("-o", "--output", "form", type=click.Choice(["wide", "json", "yaml"]), default="wide", show_default=True)
@_refresh_timeout
@connection_options
def get(
    name: str,
    app_namespace: str,
    refresh: bool,
    hard_refresh: bool,
    show_operation: bool,
    form: str,
    timeout: float,
    connection: ConnectionOptions,
) -> None:
    """Show an Application: what it wants, how it is, its resources."""
    from canarium.cli.app import work

    _perform(
        connection,
        lambda session, output: work.get(
            session,
            output,
            name,
            namespace=app_namespace,
            form=form,
            refresh=_kind(refresh, hard_refresh),
            shows_operation=show_operation,
            timeout=timeout,
        ),
    )


@app_group.command()
@_name
@_namespace
@click.option("--hard", is_flag=True, help="Render again too, whatever is remembered.")
@click.option("--async", "is_async", is_flag=True, help="Do not wait.")
@_refresh_timeout
@connection_options
def refresh(
    name: str, app_namespace: str, hard: bool, is_async: bool, timeout: float, connection: ConnectionOptions
) -> None:
    """Look at git now, not at the next poll."""
    from canarium.cli.app import work

    _perform(
        connection,
        lambda session, output: work.refresh_app(
            session,
            output,
            name,
            namespace=app_namespace,
            kind=_kind(True, hard),
            timeout=timeout,
            is_async=is_async,
        ),
    )


@app_group.command()
@_name
@_namespace
@click.option("--prune", is_flag=True, help="Delete resources that git no longer has.")
@click.option("--dry-run", is_flag=True, help="Change nothing.")
@click.option("--revision", default="", metavar="REVISION", help="Sync to that revision, not to the target one.")
@click.option("--async", "is_async", is_flag=True, help="Do not wait for the end.")
@_timeout
@connection_options
def sync(
    name: str,
    app_namespace: str,
    prune: bool,
    dry_run: bool,
    revision: str,
    is_async: bool,
    timeout: float,
    connection: ConnectionOptions,
) -> None:
    """Sync an Application to git, and wait for the end."""
    from canarium.cli.app import work

    _perform(
        connection,
        lambda session, output: work.sync(
            session,
            output,
            name,
            namespace=app_namespace,
            prune=prune,
            dry_run=dry_run,
            revision=revision,
            is_async=is_async,
            timeout=timeout,
            username="canarium",
        ),
    )


@app_group.command("wait")
@_name
@_namespace
@click.option("--sync", is_flag=True, help="Until it is in sync.")
@click.option("--health", is_flag=True, help="Until it is healthy.")
@click.option("--operation", is_flag=True, help="Until no operation is under way.")
@_timeout
@connection_options
def wait_(
    name: str,
    app_namespace: str,
    sync: bool,
    health: bool,
    operation: bool,
    timeout: float,
    connection: ConnectionOptions,
) -> None:
    """Wait until an Application is in sync, healthy and idle; or only for what is named."""
    from canarium.cli.app import work
    from canarium.cli.app.waiting import Wanted

    wanted = Wanted(sync, health, operation) if sync or health or operation else Wanted(True, True, True)
    _perform(
        connection,
        lambda session, output: work.wait(
            session, output, name, namespace=app_namespace, wanted=wanted, timeout=timeout
        ),
    )


@app_group.command()
@_name
@_namespace
@click.option("-o", "--output", "form", type=click.Choice(["wide", "id"]), default="wide", show_default=True)
@connection_options
def history(name: str, app_namespace: str, form: str, connection: ConnectionOptions) -> None:
    """Show what was deployed when."""
    from canarium.cli.app import work

    _perform(
        connection,
        lambda session, output: work.history(session, output, name, namespace=app_namespace, form=form),
    )


@app_group.command()
@_name
@_namespace
@_refresh
@_hard_refresh
@click.option("--exit-code/--no-exit-code", default=True, show_default=True, help="Exit code 1 on a difference.")
@_refresh_timeout
@connection_options
def diff(
    name: str,
    app_namespace: str,
    refresh: bool,
    hard_refresh: bool,
    exit_code: bool,
    timeout: float,
    connection: ConnectionOptions,
) -> None:
    """Show which resources are out of sync, and what a sync would do to them.

    Resource by resource, as the controller's last comparison found them; not field by field. Exit code 1 when there is
    a difference, 2 when the command fails.
    """
    from canarium.cli.app import work

    _perform(
        connection,
        lambda session, output: work.diff(
            session,
            output,
            name,
            namespace=app_namespace,
            refresh=_kind(refresh, hard_refresh),
            timeout=timeout,
            has_exit_code=exit_code,
        ),
        failed=2,
    )
