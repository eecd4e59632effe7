"""The `canarium` command.

Owns: arguments, exit codes, what is printed. Must not know: rules. Imports what a command needs inside the command, so
that `--help` stays quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from canarium.errors import CanariumError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

SHELLS = {
    "bash": 'eval "$(_CANARIUM_COMPLETE=bash_source canarium)"',
    "zsh": 'eval "$(_CANARIUM_COMPLETE=zsh_source canarium)"',
    "fish": "_CANARIUM_COMPLETE=fish_source canarium | source",
}
"""What a shell evaluates to complete `canarium`, by the name of the shell."""


def _print_version(context: click.Context, parameter: click.Parameter, is_wanted: bool) -> None:
    del parameter
    if is_wanted and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"canarium {version('canarium')}")
        context.exit()


_ELSEWHERE = {
    "app": "canarium.cli.app:app_group",
    "chaos": "canarium.cli.chaos:chaos_command",
    "dashboard": "canarium.cli.dashboard:dashboard",
    "demo": "canarium.cli.demo:demo",
    "query": "canarium.cli.query:query",
    "verify": "canarium.cli.verify:verify_command",
    "up": "canarium.cli.up:up",
    "down": "canarium.cli.up:down",
    "status": "canarium.cli.up:status",
}
"""Commands that are imported when they are asked for."""


class _Commands(click.Group):
    """A group whose larger commands live in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, by name."""
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, imported now if it lives elsewhere."""
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name not in _ELSEWHERE:
            return found
        from importlib import import_module

        module, _, attribute = _ELSEWHERE[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
def app() -> None:
    """Know whether your canary would be promoted or rolled back, and why, before you push.

    canarium runs the manifests written for Argo CD, Kustomize, Argo Rollouts and Prometheus, unchanged, in virtual
    time or live: start with `canarium demo`.
    """


@app.command()
@click.argument("example")
@click.argument("directory", type=click.Path(path_type=Path))
def init(example: str, directory: Path) -> None:
    """Write an example as a git working copy with a bare origin beside it.

    EXAMPLE is silent-canary. DIRECTORY is a new or empty folder; its bare origin becomes DIRECTORY.git.
    """
    from canarium.lab.examples import MANIFESTS, NAMES

    if example not in NAMES:
        raise CanariumError(f"there is no example {example!r}", next_step=f"Choose one of: {', '.join(NAMES)}.")
    from canarium.clock import RealClock
    from canarium.lab.silent_canary import write_example

    directory = Path(os.path.abspath(directory))
    origin = directory.with_name(directory.name + ".git")
    write_example(directory, origin, repo_url=str(origin), at=RealClock().now()).close()
    click.echo(f"{directory}: the working copy; the manifests are in {MANIFESTS}")
    click.echo(f"{origin}: its bare origin")


@app.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def render(directory: Path) -> None:
    """Print what a folder renders to, as `kustomize build` does.

    DIRECTORY has a kustomization, or manifests. References to files outside the git repository that it is in (or
    outside the folder, where there is none) are refused.
    """
    from canarium.cli.folder import render_folder
    from canarium.text.yaml import dump

    click.echo("---\n".join(dump(rendered.obj) for rendered in render_folder(directory)), nl=False)


@app.command()
@click.argument("shell", type=click.Choice(sorted(SHELLS)))
def completion(shell: str) -> None:
    """Print the line that completes `canarium` in a shell: put it into the shell's start-up file."""
    click.echo(SHELLS[shell])


def main() -> None:
    """Run the command; errors that the user can act on become a message and exit code 2."""
    # Nothing here multiplies matrices; without this numpy starts a thread per core when it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        sys.exit(app.main(prog_name="canarium", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CanariumError as error:
        from canarium.cli.terminal import Terminal

        Terminal(sys.stderr).error(error)
        sys.exit(EXIT_BAD_INPUT)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing to tell it
        sys.exit(1)
    except OSError as error:
        from canarium.cli.terminal import Terminal

        problem = f"{error.filename or 'a file'}: {error.strerror or error}"
        Terminal(sys.stderr).error(CanariumError(problem, next_step="Check that the path exists and can be written."))
        sys.exit(EXIT_BAD_INPUT)


def run() -> None:
    """The console script: `main`, and then out at once. Taking the interpreter apart takes 70 ms that nobody needs."""
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 1  # the reader left; nothing to tell it
    os._exit(code)


if __name__ == "__main__":
    run()
