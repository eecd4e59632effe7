"""The `canarium` command.

Owns: arguments, exit codes, what is printed. Must not know: rules. Imports what a command needs inside the command, so
that `--help` stays quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from canarium.errors import CanariumError

EXIT_OPEN_OBJECTIVES = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="canarium",
    help="Know whether your canary would be promoted or rolled back, and why, before you push.\n\n"
    "canarium runs the manifests written for Argo CD, Kustomize, Argo Rollouts and Prometheus, unchanged, in virtual"
    " time: start with `canarium demo --fast`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help in a third of the time
    context_settings={"help_option_names": ["-h", "--help"]},
)

NoColor = Annotated[bool, typer.Option("--no-color", help="Plain text. NO_COLOR=1 does the same.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"canarium {version('canarium')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version  # its callback did everything


@app.command()
def demo(
    fast: Annotated[bool, typer.Option("--fast", help="In virtual time: the whole story in about a second.")] = False,
    seed: Annotated[int, typer.Option(help="Everything random follows from it: the same seed, the same story.")] = 0,
    trace: Annotated[
        Path | None,
        typer.Option(
            help="Write the event log there as JSON lines: object writes, decisions with their reasons, measurements,"
            " scrapes, with virtual times.",
            dir_okay=False,
        ),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the engineer's repository in this new folder (its origin beside it).")
    ] = None,
    no_color: NoColor = False,
) -> None:
    """Play the Silent Canary: a canary hangs for three reasons, and an engineer finds them one by one.

    Ends with the table of objectives. Exit code 0 when all are met, 1 when one is open.
    """
    from canarium.cli.terminal import Terminal
    from canarium.lab.demo import run_demo

    if not fast:
        raise CanariumError(
            "the live demo, with real processes, is not built yet",
            next_step="Run `canarium demo --fast`: the same story in virtual time.",
        )
    terminal = Terminal(color=False if no_color else None)
    ending = run_demo(terminal.beat, seed=seed, trace=trace, directory=keep)
    terminal.objectives(ending.objectives)
    if not all(objective.is_met for objective in ending.objectives):
        raise typer.Exit(EXIT_OPEN_OBJECTIVES)


@app.command()
def init(
    example: Annotated[str, typer.Argument(help="Which example: silent-canary.")],
    directory: Annotated[Path, typer.Argument(help="A new or empty folder; the bare origin becomes DIRECTORY.git.")],
) -> None:
    """Write an example as a git working copy with a bare origin beside it."""
    from canarium.clock import RealClock
    from canarium.lab.examples import MANIFESTS, NAMES

    if example not in NAMES:
        raise CanariumError(f"there is no example {example!r}", next_step=f"Choose one of: {', '.join(NAMES)}.")
    from canarium.lab.silent_canary import write_example

    directory = Path(os.path.abspath(directory))
    origin = directory.with_name(directory.name + ".git")
    write_example(directory, origin, repo_url=str(origin), at=RealClock().now()).close()
    typer.echo(f"{directory}: the working copy; the manifests are in {MANIFESTS}")
    typer.echo(f"{origin}: its bare origin")


@app.command()
def render(
    directory: Annotated[
        Path, typer.Argument(help="A folder with a kustomization, or with manifests.", exists=True, file_okay=False)
    ],
) -> None:
    """Print what a folder renders to, as `kustomize build` does.

    References to files outside the git repository that the folder is in (or outside the folder, where there is none)
    are refused.
    """
    from canarium.cli.folder import render_folder
    from canarium.text.yaml import dump

    typer.echo("---\n".join(dump(rendered.obj) for rendered in render_folder(directory)), nl=False)


def main() -> None:
    """Run the command; errors that the user can act on become a message and exit code 2."""
    try:
        app()
    except CanariumError as error:
        from canarium.cli.terminal import Terminal

        Terminal(sys.stderr).error(error)
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing to tell it
        sys.exit(1)
    except OSError as error:
        from canarium.cli.terminal import Terminal

        problem = f"{error.filename or 'a file'}: {error.strerror or error}"
        Terminal(sys.stderr).error(CanariumError(problem, next_step="Check that the path exists and can be written."))
        sys.exit(EXIT_BAD_INPUT)
