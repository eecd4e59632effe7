"""`canarium verify`: is the Silent Canary solved on a running cluster?

Owns: asking, the table, the exit code. Must not know: what the objectives mean (`lab.objectives`).
"""

from __future__ import annotations

import sys

import click

from canarium.cli.connection import ConnectionOptions, connection_options, run

EXIT_OPEN_OBJECTIVES = 1
EXIT_FAILED = 2


@click.command("verify")
@click.option("--no-color", is_flag=True, help="Plain text. NO_COLOR=1 does the same.")
@connection_options
def verify_command(no_color: bool, connection: ConnectionOptions) -> None:
    """Judge the four objectives of the Silent Canary on a running cluster.

    Exit code 0 when all are met, 1 when one is open, 2 when the cluster cannot be asked.
    """
    from canarium.cli.connection import connect, failure_text
    from canarium.cli.terminal import Terminal
    from canarium.errors import CanariumError
    from canarium.lab.objectives import verify

    async def main() -> int:
        try:
            async with connect(connection) as session:
                objectives = await verify(session.cluster, None)
        except CanariumError as error:
            click.echo(failure_text(error), err=True)
            return EXIT_FAILED
        Terminal(color=False if no_color else None).objectives(objectives)
        return 0 if all(objective.is_met for objective in objectives) else EXIT_OPEN_OBJECTIVES

    code = run(main())
    if code:
        sys.exit(code)
