"""`kubectl argo rollouts`: the kubectl plugin of Argo Rollouts, for any cluster that has Rollouts.

Owns: turning arguments into a `Request` (`parse`), doing it, errors and exit codes. Must not know: what commands do.
Behaviour follows `pkg/kubectl-argo-rollouts`, Argo Rollouts 1.10: every failure is `Error: …` on standard error and
exit code 1, a wrong number of arguments prints the usage there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from canarium.cli.plugin.app import PROGRAM, app
from canarium.cli.plugin.request import Output, Request
from canarium.errors import CanariumError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def parse(arguments: Sequence[str]) -> Request | None:
    """The work that a command line asks for; None when it is done already (help, version, lint, …).

    Raises click.ClickException, click.exceptions.Exit and CanariumError.
    """
    found = app.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
    return found if isinstance(found, Request) else None


async def perform(request: Request, output: Output) -> None:
    """Connect and do the work. Raises CanariumError."""
    from canarium.cli.connection import connect

    async with connect(request.connection) as session:
        await request.work(session, output)


def main(arguments: Sequence[str]) -> int:
    """Run one command line. Returns the exit code."""
    try:
        request = parse(arguments)
        if request is not None:
            import asyncio

            asyncio.run(perform(request, Output(sys.stdout, sys.stderr, _is_colored(arguments))))
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        click.echo(_usage_text(error), err=True)
        return EXIT_FAILED
    except CanariumError as error:
        click.echo(f"Error: {error}", err=True)
        return EXIT_FAILED
    except (KeyboardInterrupt, click.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing to tell it
        return EXIT_FAILED
    except OSError as error:
        click.echo(f"Error: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        return EXIT_FAILED
    return 0


def _is_colored(arguments: Sequence[str]) -> bool:
    if "--no-color" in arguments or os.environ.get("TERM") == "dumb":
        return False
    from canarium.cli.terminal import wants_color

    return wants_color(sys.stdout)


def _usage_text(error: click.ClickException) -> str:
    """What upstream prints for arguments that it cannot take."""
    if isinstance(error, click.NoSuchOption):
        name = error.option_name
        if name.startswith("--"):
            return f"Error: unknown flag: {name}"
        return f"Error: unknown shorthand flag: '{name[1:]}' in {name}"
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = error.format_message()
        if isinstance(error, click.MissingParameter) or message.startswith("Got unexpected extra argument"):
            return error.ctx.get_help()
        if isinstance(error.ctx.command, click.Group) and message.startswith("No such command"):
            name = message.split("'")[1]
            path = error.ctx.command_path
            return f'Error: unknown command "{name}" for "{path}"\nRun \'{path} --help\' for usage.'
        if message == error.ctx.get_help():
            return message
    return f"Error: {error.format_message()}"


def run() -> None:
    """The console script: `main`, and then out at once, without taking the interpreter apart."""
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or EXIT_FAILED
    os._exit(code)
