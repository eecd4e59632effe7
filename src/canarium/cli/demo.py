"""`canarium demo`: the Silent Canary, live in a cluster of its own or in virtual time.

Owns: its arguments, exit codes and signals, what is printed, and the line that says what is being waited for. Must not
know: the story, what a cluster is made of.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from canarium.cli.terminal import Terminal
    from canarium.clock import Clock
    from canarium.lab.silent_canary import Beat, Ending
    from canarium.local.cluster import LocalCluster
    from canarium.local.front_doors import Page
    from canarium.local.live_demo import LiveDemo

EXIT_OPEN_OBJECTIVES = 1
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_SECONDS = 0.12


@contextmanager
def _without_collecting() -> Iterator[None]:
    """For what is short and ends the process: looking for cycles, then and at exit, takes a tenth of the demo's time.

    What they hold is a sixth of its 80 MB.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@click.command()
@click.option("--fast", is_flag=True, help="In virtual time: the whole story in about a second.")
@click.option("--stay", is_flag=True, help="Leave the cluster running after the story, until Ctrl-C.")
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="With --fast: everything random follows from it; the same seed, the same story.",
)
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the event log there as JSON lines: object writes, decisions with their reasons, measurements, scrapes,"
    " with their times.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    help="Keep the engineer's repository in this new folder (its origin beside it).",
)
@click.option("--no-color", is_flag=True, help="Plain text. NO_COLOR=1 does the same.")
@click.pass_context
def demo(
    context: click.Context, fast: bool, stay: bool, seed: int, trace: Path | None, keep: Path | None, no_color: bool
) -> None:
    """Play the Silent Canary: a canary hangs for three reasons, and an engineer finds them one by one.

    It plays live, for about a minute, in a cluster of its own that is gone afterwards; your kubeconfig is left alone.
    Ends with the table of objectives. Exit code 0 when all are met, 1 when one is open.
    """
    from canarium.cli.terminal import Terminal

    terminal = Terminal(color=False if no_color else None)
    if fast and stay:
        raise click.UsageError("--stay is for the live demo: virtual time is over when the story is.")
    if fast:
        from canarium.lab.demo import run_demo

        with _without_collecting():
            ending = run_demo(terminal.beat, seed=seed, trace=trace, directory=keep)
        terminal.objectives(ending.objectives)
        if not is_good(ending):
            sys.exit(EXIT_OPEN_OBJECTIVES)
        return
    if context.get_parameter_source("seed") is not click.core.ParameterSource.DEFAULT:
        click.echo(
            "--seed does not apply: the live demo runs in real time, which nobody can seed. See --fast.", err=True
        )
    from canarium.clock import RealClock

    gc.set_threshold(50_000, 20, 20)  # as `canarium up` has it
    _run_live(_live(terminal, RealClock(), stay=stay, trace=trace, keep=keep))


def is_good(ending: Ending) -> bool:
    """Whether all objectives are met."""
    return all(objective.is_met for objective in ending.objectives)


# -- live -------------------------------------------------------------------------------------------------------------


def _run_live(live: Any) -> None:
    """Run it; Ctrl-C, SIGTERM and SIGHUP at any time take everything down in good order. Twice: at once.

    Raises KeyboardInterrupt after Ctrl-C, SystemExit with 128 + the number after another signal.
    """
    caught: list[int] = []

    async def main() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def on_signal(number: int) -> None:
            caught.append(number)
            if len(caught) > 1:
                os._exit(128 + number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, on_signal, number)
        await live

    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        if caught == [signal.SIGINT]:
            raise KeyboardInterrupt from None
        sys.exit(128 + caught[0] if caught else 1)


async def _live(terminal: Terminal, clock: Clock, *, stay: bool, trace: Path | None, keep: Path | None) -> None:
    import tempfile

    from canarium.lab.demo import TraceJournal
    from canarium.local.live_demo import NAME, live_demo
    from canarium.web.local import LocalPage

    def page(cluster: LocalCluster) -> Page:
        return LocalPage(cluster, name=NAME)

    with ExitStack() as stack:
        log = stack.enter_context(trace.open("wb")) if trace is not None else None
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="canarium-demo-", ignore_cleanup_errors=True))
        )
        directory = folder / "echo-server" if keep is None else Path(os.path.abspath(keep))
        journal = None if log is None else TraceJournal(log, clock)
        line = WaitingLine(terminal, clock)
        stack.callback(line.close)
        line.wait("the cluster starting")
        began = clock.monotonic()
        async with live_demo(clock, folder, directory, journal=journal, page=page) as live:
            line.wait("")
            line.tell_line(_where(live))
            line.tell_line(f"In a browser:  {page_address(live, 'rollouts')}")
            ending = await _watched(live, live.play(line.tell, line.wait))
            took = clock.monotonic() - began
            terminal.objectives(ending.objectives)
            terminal.line(f"\n  The story took {took:.0f} s of real time.")
            sys.stdout.flush()
            if stay:
                for text in how_to_look(live):
                    terminal.line(text)
                sys.stdout.flush()
                await live.cluster.failed()
    if not is_good(ending):
        sys.exit(EXIT_OPEN_OBJECTIVES)


async def _watched(live: LiveDemo, story: Any) -> Ending:
    """The story's end. Raises what the cluster died of meanwhile."""
    playing, failed = asyncio.ensure_future(story), asyncio.ensure_future(live.cluster.failed())
    try:
        await asyncio.wait((playing, failed), return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            failed.result()
        ending: Ending = playing.result()
        return ending
    finally:
        for task in (playing, failed):
            task.cancel()
        await asyncio.gather(playing, failed, return_exceptions=True)


def _where(live: LiveDemo) -> str:
    return f"A cluster of its own, in real time. To look on:  export KUBECONFIG={live.kubeconfig}"


def page_address(live: LiveDemo, door: str) -> str:
    """Where a door's page is, with the token that lets a browser in."""
    from canarium.web.access import page_token

    token = page_token(live.cluster.tokens.admin)
    return f"http://127.0.0.1:{live.ports[door]}/?token={token}"


def how_to_look(live: LiveDemo) -> list[str]:
    """What to type in another terminal."""
    return [
        "",
        "The cluster stays. In another terminal:",
        f"  export KUBECONFIG={live.kubeconfig}",
        "  kubectl get pods -A",
        "  kubectl port-forward svc/echo-server 8081:80 -n echo-staging",
        "  curl localhost:8081/version",
        "",
        *(f"  {door.capitalize():<16} {page_address(live, door)}" for door in ("applications", "rollouts", "metrics")),
        f"  the repository   {live.directory}   (git push is noticed)",
        "",
        "Ctrl-C stops it and removes everything.",
    ]


class WaitingLine:
    """Says what is being waited for, in one line that comes and goes; on a terminal only."""

    def __init__(self, terminal: Terminal, clock: Clock) -> None:
        self._terminal = terminal
        self._clock = clock
        self._is_shown = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._task: asyncio.Task[None] | None = None

    def wait(self, what: str) -> None:
        """Waiting for that from now on; for nothing, when it is empty."""
        self.close()
        if what and self._is_shown:
            self._task = asyncio.create_task(self._turn(what), name="waiting line")

    def tell(self, beat: Beat) -> None:
        """A beat, where the line was."""
        self.close()
        self._terminal.beat(beat)
        sys.stdout.flush()

    def tell_line(self, text: str) -> None:
        """A line, where the line was."""
        self.close()
        self._terminal.line(text)
        sys.stdout.flush()

    def close(self) -> None:
        """Take the line away."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._write("\r\x1b[K")

    async def _turn(self, what: str) -> None:
        began, count = self._clock.monotonic(), 0
        while True:
            seconds = int(self._clock.monotonic() - began)
            frame = self._terminal.styled(f"{_FRAMES[count % len(_FRAMES)]} waiting for {what} ({seconds} s)", "dim")
            self._write(f"\r\x1b[K  {frame}")
            count += 1
            await self._clock.sleep(_FRAME_SECONDS)

    def _write(self, text: str) -> None:
        with suppress(BrokenPipeError):
            sys.stdout.write(text)
            sys.stdout.flush()
