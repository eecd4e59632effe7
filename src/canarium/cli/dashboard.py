"""`canarium dashboard`: the page for any cluster that a kubeconfig leads to.

Owns: its arguments, the browser, signals, finding out that the cluster is one of ours. Must not know: what the page
shows. Imports the server inside the command, so that `--help` stays quick.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from canarium.cli.connection import ConnectionOptions, connection_options, read_connection, run, seconds
from canarium.errors import CanariumError

if TYPE_CHECKING:
    from canarium.kube.kubeconfig import Connection
    from canarium.local.folder import DataFolder, Running

PORT = 3100
LOOPBACK = "127.0.0.1"


@click.command()
@click.option(
    "--port", "-p", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 takes a free one."
)
@click.option(
    "--prometheus",
    default="",
    metavar="URL",
    help="The Prometheus to query, such as http://127.0.0.1:9090.  [default: that of a running `canarium up`]",
)
@click.option("--read-only", is_flag=True, help="Show everything and change nothing.")
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@connection_options
def dashboard(port: int, prometheus: str, read_only: bool, no_open: bool, connection: ConnectionOptions) -> None:
    """Show rollouts and applications of a cluster in the browser.

    The cluster is the one that kubectl would talk to, or that --context names. The page is served on 127.0.0.1 for as
    long as this runs, to who has its address: the token in it is a new one each time.
    """
    sys.exit(run(serve(connection, port=port, prometheus=prometheus, is_read_only=read_only, is_opened=not no_open)))


async def serve(
    options: ConnectionOptions,
    *,
    port: int = PORT,
    prometheus: str = "",
    is_read_only: bool = False,
    is_opened: bool = True,
    path: str = "/",
) -> None:
    """Serve the page until a signal ends it. path: where the address leads. Raises CanariumError."""
    import secrets

    from canarium.clock import RealClock
    from canarium.kube.server.serving import Serving, bind
    from canarium.web.assets import STATIC
    from canarium.web.prometheus_proxy import parse_target
    from canarium.web.remote import ANSWER_SECONDS, RemotePage

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, _stopper(stop))
    connection = read_connection(options)
    own = own_cluster(connection)
    if not prometheus and own is not None:
        prometheus = f"http://{LOOPBACK}:{own.ports['metrics']}"
    target = parse_target(prometheus) if prometheus else None
    token = secrets.token_urlsafe(32)
    name = connection.context or connection.server
    bound = bind(LOOPBACK, port, flag="--port")
    page = RemotePage(
        connection,
        RealClock(),
        token,
        cluster=name,
        is_read_only=is_read_only,
        prometheus=target,
        answer_seconds=seconds(options.request_timeout) or ANSWER_SECONDS,
    )
    serving = Serving(page.app, bound, websockets=False)
    try:
        await serving.start()
        address = f"http://{LOOPBACK}:{serving.port}{path}?token={token}"
        shown = f"{name} ({connection.server})" if name != connection.server else name
        click.echo(f"{shown} in a browser:\n\n  {address}\n")
        if not (STATIC / "index.html").is_file():
            click.echo("The page is not built; its address answers once `make ui` has been run.")
        if is_read_only:
            click.echo("Nothing can be changed from there.")
        click.echo("Ctrl-C stops it.")
        sys.stdout.flush()
        with opened(address) if is_opened and has_display() else nullcontext():
            await stop.wait()
    finally:
        await page.stop()
        await serving.stop()


def _stopper(stop: asyncio.Event) -> Any:
    def on_signal() -> None:
        if stop.is_set():
            os._exit(130)  # asked twice: now
        stop.set()

    return on_signal


def has_display() -> bool:
    """Whether somebody sits there who would see a browser."""
    if not sys.stdout.isatty() or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def opened(address: str) -> Iterator[None]:
    """The address in the browser, by way of a file that only this user can read: it carries the token, and everybody on
    the machine can see the arguments of a process."""
    import tempfile
    import threading
    import webbrowser
    from html import escape

    with tempfile.TemporaryDirectory(prefix="canarium-") as folder:
        file = Path(folder) / "open.html"
        meta = f'<meta http-equiv="refresh" content="0; url={escape(address)}">'
        file.write_text(f"<!doctype html>{meta}<title>canarium</title>", "utf-8")
        # some browsers keep who starts them waiting
        threading.Thread(target=webbrowser.open, args=(file.as_uri(),), daemon=True).start()
        yield


# -- clusters of ours -------------------------------------------------------------------------------------------------


def own_cluster(connection: Connection) -> Running | None:
    """The running `canarium up` that a connection leads to, if it keeps its state where they do by default."""
    parts = urlsplit(connection.server)
    if parts.hostname not in (LOOPBACK, "localhost"):
        return None
    for folder in _folders():
        found = folder.running()
        if found is not None and found.ports.get("api") == parts.port and _is_signed_by(connection, folder):
            return found
    return None


def _folders() -> Iterator[DataFolder]:
    from canarium.cli.up import data_home
    from canarium.local.folder import DataFolder

    home = data_home()
    if home.is_dir():
        yield from (DataFolder(path) for path in sorted(home.iterdir()) if path.is_dir())


def _is_signed_by(connection: Connection, folder: DataFolder) -> bool:
    try:
        return connection.ca.strip() == folder.authority.read_bytes().strip()
    except OSError:
        return False


# -- as the kubectl plugin --------------------------------------------------------------------------------------------


def checked_root_path(root_path: str) -> str:
    """The plugin's `--root-path`, which upstream's page moves with. Raises CanariumError."""
    if root_path.strip("/") != "rollouts":
        raise CanariumError(
            f"--root-path {root_path}: the page is served below /rollouts only",
            next_step="Leave --root-path out.",
        )
    return "/rollouts"
