"""The commands and flags of the plugin.

Owns: names, flags and help. Must not know: how a command does its work; what needs a cluster becomes a `Request`.
Names, aliases and short flags follow `pkg/kubectl-argo-rollouts/cmd`, Argo Rollouts 1.10. Imports what a command needs
inside the command, so that `--help` stays quick.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canarium.cli.connection import ConnectionOptions, connection_options
from canarium.cli.plugin.flags import GoDuration, PluginGroup, alias
from canarium.cli.plugin.request import Output, PluginError, Request, Session, not_built

if TYPE_CHECKING:
    from canarium.kube.objects import Obj

PROGRAM = "kubectl-argo-rollouts"
UPSTREAM_VERSION = "1.10.0"
"""The Argo Rollouts whose plugin this one behaves like."""

SHELLS = {
    "bash": f'eval "$(_KUBECTL_ARGO_ROLLOUTS_COMPLETE=bash_source {PROGRAM})"',
    "zsh": f'eval "$(_KUBECTL_ARGO_ROLLOUTS_COMPLETE=zsh_source {PROGRAM})"',
    "fish": f"_KUBECTL_ARGO_ROLLOUTS_COMPLETE=fish_source {PROGRAM} | source",
}
_NO_EXPERIMENTS = "Analysis steps and AnalysisRuns work."

_name = click.argument("name", metavar="ROLLOUT_NAME")
_names = click.argument("names", metavar="ROLLOUT_NAME...", nargs=-1, required=True)
_no_color = click.option("--no-color", is_flag=True, help="Do not colorize output. NO_COLOR=1 does the same.")
_experiment_names = click.argument("names", metavar="EXPERIMENT_NAME...", nargs=-1, required=True)
_file = click.Path(dir_okay=False, path_type=Path)


@click.group(cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@connection_options
def app(connection: ConnectionOptions) -> None:
    """Manage Argo Rollouts.

    \b
    # Get guestbook rollout and watch progress
    kubectl argo rollouts get rollout guestbook -w
    # Promote the guestbook rollout
    kubectl argo rollouts promote guestbook
    # Abort the guestbook rollout
    kubectl argo rollouts abort guestbook
    # Retry the guestbook rollout
    kubectl argo rollouts retry rollout guestbook
    """
    del connection  # its flags count for the subcommand


# -- show -----------------------------------------------------------------------------------------------------------


@app.group(cls=PluginGroup)
@connection_options
def get(connection: ConnectionOptions) -> None:
    """Get details about rollouts and experiments."""
    del connection


@get.command("rollout")
@_name
@click.option("-w", "--watch/--no-watch", default=False, help="Watch live updates to the rollout.")
@_no_color
@click.option("--timeout-seconds", type=int, default=0, metavar="N", help="End a watch after so many seconds.")
@connection_options
def get_rollout(name: str, watch: bool, no_color: bool, timeout_seconds: int, connection: ConnectionOptions) -> Request:
    """Show a rollout and the tree of what belongs to it.

    \b
    ⟳ Rollout   # Revision   ⧉ ReplicaSet   □ Pod
    Σ Experiment   α AnalysisRun   ⊞ Job
    """
    del no_color  # read where the terminal is known
    from canarium.cli.plugin import views

    return Request(connection, partial(views.get_rollout, name=name, watch=watch, timeout_seconds=timeout_seconds))


@get.command("experiment")
@_experiment_names
@click.option("-w", "--watch/--no-watch", default=False, help="Watch live updates to the experiment.")
@_no_color
@connection_options
def get_experiment(**_: Any) -> None:
    """Show an experiment (not built yet)."""
    raise not_built("Experiments are", _NO_EXPERIMENTS)


alias(get, "rollout", "ro", "rollouts")
alias(get, "experiment", "exp", "experiments")


@app.group("list", cls=PluginGroup)
@connection_options
def list_(connection: ConnectionOptions) -> None:
    """List rollouts or experiments."""
    del connection


@list_.command("rollouts")
@click.option("--name", default="", help="Only show the rollout with that name.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Include all namespaces.")
@click.option("-w", "--watch/--no-watch", default=False, help="Watch for changes.")
@click.option("--timestamps", is_flag=True, help="Print timestamps on updates.")
@connection_options
def list_rollouts(
    name: str, all_namespaces: bool, watch: bool, timestamps: bool, connection: ConnectionOptions
) -> Request:
    """List rollouts."""
    from canarium.cli.plugin import views

    work = partial(views.list_rollouts, name=name, all_namespaces=all_namespaces, watch=watch, timestamps=timestamps)
    return Request(connection, work)


@list_.command("experiments")
@click.option("-A", "--all-namespaces", is_flag=True, help="Include all namespaces.")
@click.option("-w", "--watch/--no-watch", default=False, help="Watch for changes.")
@connection_options
def list_experiments(**_: Any) -> None:
    """List experiments (not built yet)."""
    raise not_built("Experiments are", _NO_EXPERIMENTS)


alias(list_, "rollouts", "ro", "rollout")
alias(list_, "experiments", "exp", "experiment")


@app.command()
@_name
@click.option("-w", "--watch/--no-watch", default=True, help="Watch the rollout until it is done (the default).")
@click.option(
    "-t",
    "--timeout",
    type=GoDuration(),
    default="0",
    help="How long to watch before giving up (1s, 2m, 3h); 0 waits for ever.",
)
@connection_options
def status(name: str, watch: bool, timeout: timedelta, connection: ConnectionOptions) -> Request:
    """Watch a rollout until it is Healthy or Degraded.

    Exit code 1 when it is Degraded, or when the timeout is over.
    """
    from canarium.cli.plugin import views

    work = partial(views.status, name=name, watch=watch, timeout_seconds=timeout.total_seconds())
    return Request(connection, work)


# -- change ---------------------------------------------------------------------------------------------------------


@app.command()
@_name
@click.option("--full", is_flag=True, help="Promote fully, skipping analysis, pauses and steps.")
@click.option("-c", "--skip-current-step", is_flag=True, hidden=True)
@click.option("-a", "--skip-all-steps", is_flag=True, hidden=True)
@connection_options
def promote(
    name: str, full: bool, skip_current_step: bool, skip_all_steps: bool, connection: ConnectionOptions
) -> Request:
    """Promote a rollout that is paused, or past its current step."""
    if skip_current_step:
        note = "use without the flag instead ex: promote ROLLOUT_NAME"
        click.echo(f"Flag --skip-current-step has been deprecated, {note}", err=True)
    if skip_all_steps:
        click.echo("Flag --skip-all-steps has been deprecated, use --full instead", err=True)
    from canarium.cli.plugin import changes

    work = partial(
        changes.promote, name=name, full=full, skip_current_step=skip_current_step, skip_all_steps=skip_all_steps
    )
    return Request(connection, work)


@app.command()
@_names
@connection_options
def abort(names: tuple[str, ...], connection: ConnectionOptions) -> Request:
    """Abort a rollout: go back to the stable version.

    spec.template still is the new version: retry goes on with it.
    """
    from canarium.cli.plugin import changes

    return Request(connection, partial(changes.abort, names=names))


@app.group(cls=PluginGroup)
@connection_options
def retry(connection: ConnectionOptions) -> None:
    """Retry a rollout or experiment."""
    del connection


@retry.command("rollout")
@_names
@connection_options
def retry_rollout(names: tuple[str, ...], connection: ConnectionOptions) -> Request:
    """Retry an aborted rollout."""
    from canarium.cli.plugin import changes

    return Request(connection, partial(changes.retry, names=names))


@retry.command("experiment")
@_experiment_names
@connection_options
def retry_experiment(**_: Any) -> None:
    """Retry an experiment (not built yet)."""
    raise not_built("Experiments are", _NO_EXPERIMENTS)


alias(retry, "rollout", "ro", "rollouts")
alias(retry, "experiment", "exp", "experiments")


@app.command()
@_name
@click.option("-i", "--in", "after", default="", metavar="DURATION", help="How long from now: 30s, 5m, 1h.")
@connection_options
def restart(name: str, after: str, connection: ConnectionOptions) -> Request:
    """Restart the pods of a rollout."""
    from canarium.cli.plugin import changes

    duration = GoDuration(is_bare_allowed=True).convert(after or "0s", None, click.get_current_context())
    return Request(connection, partial(changes.restart, name=name, after=duration, shown=after or "0s"))


@app.command()
@_name
@click.option("--to-revision", type=int, default=0, metavar="N", help="The revision to go back to; 0: the last one.")
@connection_options
def undo(name: str, to_revision: int, connection: ConnectionOptions) -> Request:
    """Go back to an earlier revision's template."""
    from canarium.cli.plugin import changes

    return Request(connection, partial(changes.undo, name=name, to_revision=to_revision))


@app.command()
@_names
@connection_options
def pause(names: tuple[str, ...], connection: ConnectionOptions) -> Request:
    """Pause a rollout; promote goes on."""
    from canarium.cli.plugin import changes

    return Request(connection, partial(changes.pause, names=names))


@app.group("set", cls=PluginGroup)
@connection_options
def set_(connection: ConnectionOptions) -> None:
    """Update values of rollouts."""
    del connection


@set_.command("image")
@_name
@click.argument("change", metavar="CONTAINER=IMAGE")
@connection_options
def set_image(name: str, change: str, connection: ConnectionOptions) -> Request:
    """Set the image of a container, or of all of them (`*=IMAGE`)."""
    container, _, image = change.partition("=")
    if not image or "=" in image:
        raise click.MissingParameter(ctx=click.get_current_context(), param_hint="CONTAINER=IMAGE")
    from canarium.cli.plugin import changes

    return Request(connection, partial(changes.set_image, name=name, container=container, image=image))


@app.group(cls=PluginGroup)
@connection_options
def terminate(connection: ConnectionOptions) -> None:
    """Terminate an AnalysisRun or Experiment."""
    del connection


@terminate.command("analysisrun")
@click.argument("names", metavar="ANALYSISRUN_NAME...", nargs=-1, required=True)
@connection_options
def terminate_analysis_run(names: tuple[str, ...], connection: ConnectionOptions) -> Request:
    """Terminate an AnalysisRun."""
    from canarium.cli.plugin import changes

    return Request(connection, partial(changes.terminate_analysis_runs, names=names))


@terminate.command("experiment")
@_experiment_names
@connection_options
def terminate_experiment(**_: Any) -> None:
    """Terminate an experiment (not built yet)."""
    raise not_built("Experiments are", _NO_EXPERIMENTS)


alias(terminate, "analysisrun", "ar", "analysisruns")
alias(terminate, "experiment", "exp", "experiments")


# -- create, lint ---------------------------------------------------------------------------------------------------


@app.group(cls=PluginGroup, invoke_without_command=True)
@click.option("-f", "--filename", "files", type=_file, multiple=True, help="Files to create objects from.")
@click.option("-w", "--watch/--no-watch", default=False, help="Watch the rollout after creating it.")
@_no_color
@connection_options
@click.pass_context
def create(
    context: click.Context, files: tuple[Path, ...], watch: bool, no_color: bool, connection: ConnectionOptions
) -> Request | None:
    """Create a Rollout, AnalysisTemplate, ClusterAnalysisTemplate or AnalysisRun from a file."""
    del no_color
    if context.invoked_subcommand is not None:
        return None
    if not files:
        raise click.MissingParameter(ctx=context, param_hint="-f")
    if watch and len(files) > 1:
        raise PluginError("Cannot watch multiple resources")
    from canarium.cli.plugin import creating, views

    objects = [obj for file in files for obj in creating.objects_of(file.read_bytes(), str(file))]

    async def work(session: Session, output: Output) -> None:
        made = await creating.create(session, output, objects)
        if watch:
            if made[0]["kind"] != "Rollout":
                raise PluginError("Can only watch resources of type Rollout or Experiment")
            await views.get_rollout(session, output, made[0]["metadata"]["name"], watch=True, timeout_seconds=0)

    return Request(connection, work)


@create.command("analysisrun")
@click.option("--from", "from_name", default="", help="Name of a template in the cluster.")
@click.option("--from-file", type=_file, help="A file with the template.")
@click.option("--global", "is_global", is_flag=True, help="Use a ClusterAnalysisTemplate.")
@click.option("-a", "--argument", "arguments", multiple=True, metavar="NAME=VALUE", help="Arguments of the template.")
@click.option("--name", default="", help="Use that name for the run.")
@click.option("--generate-name", default="", help="Use that generateName for the run.")
@click.option("--instance-id", default="", help="Instance-ID for the AnalysisRun.")
@connection_options
def create_analysis_run(
    from_name: str,
    from_file: Path | None,
    is_global: bool,
    arguments: tuple[str, ...],
    name: str,
    generate_name: str,
    instance_id: str,
    connection: ConnectionOptions,
) -> Request:
    """Create an AnalysisRun from an AnalysisTemplate or a ClusterAnalysisTemplate."""
    if bool(from_name) == (from_file is not None):
        raise PluginError("one of --from or --from-file must be specified")
    from canarium.cli.plugin import creating

    template: Obj | str = from_name
    if from_file is not None:
        objects = creating.objects_of(from_file.read_bytes(), str(from_file))
        if not objects:
            raise PluginError(f"{from_file} is empty", next_step="Name a file with an AnalysisTemplate.")
        template = objects[0]
    work = partial(
        creating.create_analysis_run,
        template=template,
        arguments=creating.parse_arguments(arguments),
        name=name,
        generate_name=generate_name,
        instance_id=instance_id,
        is_global=is_global,
    )
    return Request(connection, work)


alias(create, "analysisrun", "ar")


@app.command()
@click.option("-f", "--filename", "file", type=_file, required=True, help="File to lint.")
def lint(file: Path) -> None:
    """Validate the rollouts of a file; each problem with its line.

    Exit code 1 when there is one.
    """
    from canarium.cli.plugin.linting import lint as find_problems

    found = find_problems(file.read_bytes(), str(file))
    for problem in found:
        click.echo(str(problem))
    if found:
        raise PluginError(str(found[0].error))


# -- about the plugin -----------------------------------------------------------------------------------------------


@app.command()
@click.option("--short", is_flag=True, help="Print just the version number.")
def version(short: bool) -> None:
    """Print the version: of the Argo Rollouts it behaves like, then canarium's."""
    from importlib.metadata import version as version_of

    click.echo(f"{PROGRAM}: v{UPSTREAM_VERSION}+canarium.{version_of('canarium')}")
    if not short:
        import platform

        click.echo(f"  PythonVersion: {platform.python_version()}")
        click.echo(f"  Compiler: {platform.python_implementation().lower()}")
        click.echo(f"  Platform: {platform.system().lower()}/{platform.machine()}")


@app.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the line that completes `kubectl-argo-rollouts` in a shell."""
    click.echo(SHELLS[shell])


@app.command()
@click.option("--root-path", default="rollouts", help="Root path of the dashboard.")
@click.option("-p", "--port", type=click.IntRange(0, 65535), default=3100, show_default=True, help="Port to listen on.")
@connection_options
def dashboard(root_path: str, port: int, connection: ConnectionOptions) -> None:
    """Show rollouts in a browser, until Ctrl-C."""
    import asyncio

    from canarium.cli.dashboard import checked_root_path, serve

    asyncio.run(serve(connection, port=port, path=checked_root_path(root_path)))
