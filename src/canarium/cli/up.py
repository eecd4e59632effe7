"""`canarium up`, `down` and `status`: a local cluster from the command line.

Owns: their arguments, signals, the background process, what is printed. Must not know: what a cluster is made of.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from canarium.errors import CanariumError

if TYPE_CHECKING:
    from canarium.kube.controller.fault import Fault
    from canarium.local.cluster import LocalCluster
    from canarium.local.folder import DataFolder, Place, Running
    from canarium.local.front_doors import Page

F = TypeVar("F", bound=Callable[..., Any])
READY = "Ready after"
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
DOORS = ("applications", "rollouts", "metrics")

name_option = click.option(
    "--name", default="canarium", show_default=True, metavar="NAME", help="Which cluster; also its kubeconfig context."
)
data_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where its state is kept.  [default: ~/.local/share/canarium/NAME]",
)


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option(
    "--apply",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Apply these manifests once the cluster is up; may be repeated.",
)
@click.option("--detach", "-d", is_flag=True, help="Leave it running in the background.")
@name_option
@data_option
@click.option("--api-port", type=click.IntRange(0, 65535), default=6443, show_default=True, help="0 takes a free one.")
@click.option("--applications-port", type=click.IntRange(0, 65535), default=30100, show_default=True)
@click.option("--rollouts-port", type=click.IntRange(0, 65535), default=30101, show_default=True)
@click.option("--metrics-port", type=click.IntRange(0, 65535), default=30102, show_default=True)
@click.option("--read-only", is_flag=True, help="The page shows everything and changes nothing.")
@click.option(
    "--nodes",
    type=click.IntRange(1, 200),
    default=1,
    show_default=True,
    help="How many simulated nodes; each has addresses for 250 pods.",
)
@click.option(
    "--controllers",
    default="*",
    show_default=True,
    metavar="LIST",
    help="Which controllers run: workloads, rollouts, gitops. `*,-rollouts` leaves Rollouts to somebody else's.",
)
@click.option(
    "--map-image",
    "map_images",
    multiple=True,
    metavar="IMAGE=COMMAND",
    help="Run containers of IMAGE (wildcards allowed) as COMMAND on this machine; `host` runs the container's own "
    "command. May be repeated; adds to canarium.yaml.",
)
@click.option(
    "--scrape-interval",
    default="1m",
    show_default=True,
    metavar="DURATION",
    help="How often Prometheus scrapes, such as 5s.",
)
@click.option(
    "--one-address",
    is_flag=True,
    help="Use 127.0.0.1 only, as where 127.0.0.2 does not exist: ports of pods and Services are free ones then.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the context there.  [default: the first file of KUBECONFIG, or ~/.kube/config]",
)
def up(path: Path, files: tuple[Path, ...], detach: bool, name: str, **options: Any) -> None:
    """Start a cluster on this machine that kubectl can talk to.

    PATH is a git working copy: a repoURL that equals one of its remotes is read from this machine. Pods of bundled
    images (podinfo, an echo server, a load generator) and of those that PATH/canarium.yaml or --map-image maps to a
    command are processes; others are simulated, and an event says so. State survives a restart. Ctrl-C ends the pods in
    good order and stops, twice stops at once; so does `canarium down`.
    """
    from canarium.local.folder import DataFolder, checked_name

    folder = DataFolder((options["data_dir"] or data_home() / checked_name(name)).resolve())
    folder.make()
    running = folder.running()
    if running is not None:
        raise CanariumError(
            f"cluster {running.name} is running already on {folder.path} (process {running.pid})",
            next_step="Use it, stop it with `canarium down`, or start another one with --name and other ports.",
        )
    from canarium.clock import RealClock
    from canarium.local.cluster import chosen_controllers
    from canarium.local.config import parse_map_image, read_config
    from canarium.nodes.image_map import ImageMap

    path = path.resolve()
    mappings = (*read_config(path).images, *(parse_map_image(each, Path.cwd()) for each in options["map_images"]))
    what = {
        "controllers": chosen_controllers(options["controllers"]),
        "nodes": options["nodes"],
        "images": ImageMap(mappings),
        "has_addresses": not options["one_address"],
        "scrape_seconds": _interval(options["scrape_interval"]),
        "page": _page(name, is_read_only=options["read_only"]),
    }
    if detach:
        _detach(folder)
        return
    kubeconfig = (options["kubeconfig"] or default_kubeconfig()).resolve()
    ports = {key: options[f"{key}_port"] for key in ("api", "applications", "rollouts", "metrics")}
    gc.set_threshold(50_000, 20, 20)  # hardly anything here is cyclic, and looking for cycles in much costs much
    for mapping in mappings:
        runs = "their own command" if mapping.is_host else " ".join(mapping.command)
        click.echo(f"Containers of {mapping.pattern} run {runs} in {mapping.working_dir}")
    asyncio.run(_up(RealClock(), folder, path, files, name, ports, kubeconfig, what, options["read_only"]))


def _page(name: str, *, is_read_only: bool) -> Callable[[LocalCluster], Page]:
    from canarium.web.local import LocalPage

    return lambda cluster: LocalPage(cluster, name=name, is_read_only=is_read_only)


def _interval(text: str) -> float:
    """Seconds. Raises CanariumError."""
    from canarium.rollouts.analysis.gotext import parse_duration

    try:
        seconds = parse_duration(text).total_seconds()
    except CanariumError as error:
        raise CanariumError(f"--scrape-interval: {error.problem}", next_step="Give a duration such as 5s.") from error
    if not 1 <= seconds <= 3600:
        raise CanariumError(f"--scrape-interval: {text} is not between 1s and 1h", next_step="Give one such as 15s.")
    return seconds


async def _up(
    clock: Any,
    folder: DataFolder,
    path: Path,
    files: Sequence[Path],
    name: str,
    ports: dict[str, int],
    kubeconfig: Path,
    what: dict[str, Any],
    is_read_only: bool,
) -> None:
    import secrets

    from canarium.kube.kubeconfig import Entry, add_context
    from canarium.kube.objects import format_time
    from canarium.local.cluster import Doors, LocalCluster
    from canarium.local.folder import Running
    from canarium.local.manifests import read_manifests

    began = clock.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, _stopper(stop))
    manifests = [found for file in files for found in read_manifests(file)]  # before anything is begun
    working_copy = path if (path / ".git").exists() else None
    doors = Doors({key: (port, f"--{key}-port") for key, port in ports.items()})
    try:
        cluster = LocalCluster(
            folder,
            working_copy,
            doors,
            clock,
            seed=secrets.token_hex(16),
            on_fault=tell_fault,
            **what,
        )
    except BaseException:
        doors.close()
        raise
    try:
        await cluster.start()
        if cluster.strays:
            click.echo(f"Ended {cluster.strays} processes that this cluster had left when it was killed.")
        entry = Entry(
            name=name,
            server=f"https://127.0.0.1:{doors.ports['api']}",
            ca_pem=folder.authority.read_bytes(),
            token=cluster.tokens.admin,
            namespace="default",
        )
        added = await add_context(kubeconfig, entry, clock)
        former = added.former_current
        last = folder.last()
        if former == name and last is not None:  # it was not stopped in good order; what was before it counts
            former = last.former_context
        running = Running(
            os.getpid(),
            name,
            doors.ports,
            str(kubeconfig),
            name,
            former,
            str(working_copy or ""),
            format_time(clock.now()),
            is_read_only,
        )
        folder.record(running)
        for obj in manifests:
            applied = await cluster.apply(obj)
            click.echo(f"{applied['kind'].lower()}/{applied['metadata']['name']} applied")
        for line in added.lines():
            click.echo(line)
        tell(running, folder)
        click.echo(f"{READY} {clock.monotonic() - began:.1f} s. Ctrl-C stops it; its state is kept.")
        for hint in _hints(path, files, cluster):
            click.echo(hint)
        sys.stdout.flush()
        await _until(stop, cluster)
    finally:
        with suppress(OSError):  # nobody reads any more, and what follows must be done all the same
            click.echo("Stopping; the pods have ten seconds to end. Ctrl-C again stops at once.")
        await _take_down(cluster, folder, kubeconfig, name, clock)


def _stopper(stop: asyncio.Event) -> Callable[[], None]:
    def on_signal() -> None:
        if stop.is_set():
            os._exit(130)  # asked twice: now, whatever is under way; what was answered is on disk
        stop.set()

    return on_signal


async def _until(stop: asyncio.Event, cluster: LocalCluster) -> None:
    stopped, failed = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(cluster.failed())
    await asyncio.wait((stopped, failed), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if failed.done():
        failed.result()
    failed.cancel()
    with suppress(asyncio.CancelledError):
        await failed


async def _take_down(cluster: LocalCluster, folder: DataFolder, kubeconfig: Path, name: str, clock: Any) -> None:
    from canarium.kube.kubeconfig import remove_context

    def is_ours() -> bool:
        last = folder.last()
        return last is not None and last.pid == os.getpid()

    try:
        last = folder.last()
        if last is not None and is_ours():  # before the state is let go of, so that no other `up` is between us
            removed = await remove_context(kubeconfig, name, clock, restore=last.former_context)
            with suppress(OSError):
                for line in removed.lines():
                    click.echo(line)
    finally:
        await cluster.stop()
        if is_ours():
            folder.clear()


def _hints(path: Path, files: Sequence[Path], cluster: LocalCluster) -> list[str]:
    """The next thing to type: in a folder made by `canarium init`, applying its ApplicationSet."""
    from canarium.gitops.kinds import APPLICATION_SETS
    from canarium.lab.examples import MANIFESTS

    manifest = path / MANIFESTS / "appset.yaml"
    if files or not manifest.is_file() or cluster.world.all(APPLICATION_SETS):
        return []
    return ["", f"Deploy the example:  kubectl apply -f {manifest}"]


def tell(running: Running, folder: DataFolder) -> None:
    """What runs where."""
    api = running.ports["api"]
    click.echo(f"Cluster {running.name}, process {running.pid}, since {running.started}; state in {folder.path}")
    click.echo(f"  Kubernetes API   https://127.0.0.1:{api}   kubectl --context {running.context} get pods -A")
    for door, address in page_addresses(running, folder).items():
        click.echo(f"  {door.capitalize():<16} {address}")
    click.echo(f"  Prometheus API   http://127.0.0.1:{running.ports['metrics']}/api/v1")
    click.echo(f"  kubeconfig       {running.kubeconfig}, context {running.context}")
    click.echo(
        f"  git              {running.working_copy or 'no working copy: repoURLs must be paths on this machine'}"
    )
    for line in missing_tools():
        click.echo(line)
    for line in page_not_built():
        click.echo(line)


def tell_fault(fault: Fault) -> None:
    """A bug of ours that one object brought about, on the terminal."""
    with suppress(OSError):  # nobody reads any more
        click.echo(f"A bug in canarium: {fault}. Everything else goes on; please report this.", err=True)


def page_addresses(running: Running, folder: DataFolder) -> dict[str, str]:
    """Where each door's page is, with the token that lets a browser in: `http://127.0.0.1:30100/?token=…`."""
    tokens = folder.tokens()
    if tokens is None:
        return {door: f"http://127.0.0.1:{running.ports[door]}" for door in DOORS}
    from canarium.web.access import page_token

    token = page_token(tokens.reader if running.is_read_only else tokens.admin)
    return {door: f"http://127.0.0.1:{running.ports[door]}/?token={token}" for door in DOORS}


def page_not_built() -> list[str]:
    """What to do when there is nothing to show in a browser."""
    from canarium.web.assets import STATIC

    if (STATIC / "index.html").is_file():
        return []
    return ["The page is not built: run `make ui` and start this again for it; everything else works without."]


def tell_network(places: Sequence[Place]) -> None:
    """Which socket stands for which port of a Service."""
    if not places:
        return
    click.echo("  Services")
    for each in places:
        kind = "NodePort" if each.ip == "127.0.0.1" else each.ip
        where = f"not served: {each.problem}" if each.problem else f"{each.host}:{each.real_port}"
        click.echo(f"    {each.service:<36} {kind}:{each.port:<6} -> {where}")


def missing_tools() -> list[str]:
    """What to do when kubectl, or the plugin, would not be found."""
    from shutil import which

    found = []
    if which("kubectl") is None:
        found.append("kubectl is not on PATH: see https://kubernetes.io/docs/tasks/tools/")
    own = Path(sys.argv[0]).resolve().parent
    plugin = which("kubectl-argo-rollouts")
    if plugin is None and (own / "kubectl-argo-rollouts").exists():
        found.append(f'For `kubectl argo rollouts`:  export PATH="{own}:$PATH"')
    elif plugin is not None and (own / "kubectl-argo-rollouts").exists() and Path(plugin).resolve().parent != own:
        found.append(f"`kubectl argo rollouts` is {plugin}; canarium's own is {own / 'kubectl-argo-rollouts'}")
    return found


def _detach(folder: DataFolder) -> None:
    """Start the same command in the background, and wait until it is ready."""
    from canarium.clock import RealClock

    arguments = [argument for argument in sys.argv[1:] if argument not in ("--detach", "-d")]
    with folder.log.open("wb") as log:
        os.chmod(folder.log, 0o600)
        process = subprocess.Popen(  # noqa: S603  # our own command with our own arguments
            [sys.executable, "-m", "canarium.cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    clock = RealClock()

    async def said_until_ready() -> str:
        deadline = clock.monotonic() + READY_SECONDS
        while True:
            told = folder.log.read_text("utf-8", "replace")
            if f"\n{READY}" in told and told.endswith("\n"):
                return told
            if process.poll() is not None or clock.monotonic() > deadline:
                raise CanariumError(
                    f"it did not start; it said:\n{told.strip()}", next_step="Try again without --detach to see more."
                )
            await clock.sleep(0.05)

    for line in asyncio.run(said_until_ready()).splitlines():
        if not line.startswith(READY):
            click.echo(line)
    click.echo(f"Running in the background; stop it with `canarium down`. Its log is {folder.log}")


@click.command()
@name_option
@data_option
def down(name: str, data_dir: Path | None) -> None:
    """Stop a local cluster and give the kubeconfig its former context back. Its state is kept for the next `up`."""
    from canarium.clock import RealClock
    from canarium.kube.kubeconfig import remove_context
    from canarium.local.folder import DataFolder, checked_name

    folder = DataFolder((data_dir or data_home() / checked_name(name)).resolve())
    running, clock = folder.running(), RealClock()
    last = running or folder.last()
    if last is None:
        raise CanariumError(f"no cluster runs on {folder.path}", next_step="Name another with --name or --data-dir.")

    async def stop() -> None:
        if running is not None:
            os.kill(running.pid, signal.SIGTERM)
            deadline = clock.monotonic() + STOP_SECONDS
            while folder.is_ending(running):
                if clock.monotonic() > deadline:
                    raise CanariumError(
                        f"process {running.pid} does not stop", next_step=f"End it with: kill -9 {running.pid}"
                    )
                await clock.sleep(0.05)
        if folder.last() is not None:  # it was killed: its context is still there
            removed = await remove_context(Path(last.kubeconfig), last.context, clock, restore=last.former_context)
            for line in removed.lines():
                click.echo(line)
            folder.clear()

    asyncio.run(stop())
    if running is not None:  # the process that stopped has done it
        again = f'; current-context is "{last.former_context}" again' if last.former_context else ""
        click.echo(f'{last.kubeconfig}: context "{last.context}" is removed{again}')
    click.echo(f"Cluster {last.name} is stopped; its state is in {folder.path}")


@click.command()
@name_option
@data_option
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(name: str, data_dir: Path | None, output: str) -> None:
    """Show what runs where: process, ports, addresses. Exit code 1 when nothing runs."""
    from canarium.local.folder import DataFolder, checked_name

    folder = DataFolder((data_dir or data_home() / checked_name(name)).resolve())
    running = folder.running()
    if output == "json":
        import msgspec

        told = (
            None
            if running is None
            else {
                **msgspec.to_builtins(running),
                "services": folder.network(),
                "pages": page_addresses(running, folder),
            }
        )
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2))
    elif running is None:
        click.echo(f"no cluster {name} runs (state would be in {folder.path})")
    else:
        tell(running, folder)
        tell_network(folder.network())
    if running is None:
        sys.exit(1)


def data_home() -> Path:
    """Where clusters keep their state unless told otherwise: below XDG_DATA_HOME, or ~/.local/share."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "canarium"


def default_kubeconfig() -> Path:
    """The file that kubectl would write: the first of KUBECONFIG, or ~/.kube/config."""
    first = next((part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part), "")
    return Path(first) if first else Path.home() / ".kube" / "config"
