"""The demo in virtual time: the Silent Canary from an empty folder to a verdict.

Owns: setting the story up and running it to its end. Must not know: terminals.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from canarium.clock import Clock, VirtualClock, run_virtual
from canarium.gitops.git.local import LocalRepositories
from canarium.journal import Journal, NoJournal
from canarium.kube.faults import FaultRates
from canarium.kube.objects import format_micro_time
from canarium.lab.silent_canary import REPO_URL, Beat, Ending, LocalClones, SilentCanary, write_example
from canarium.lab.world import World, WorldOptions


class TraceJournal:
    """Writes each entry as a JSON line as it happens: its time first. See `Journal`."""

    def __init__(self, file: BinaryIO, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode

    def record(self, what: str, /, **data: Any) -> None:
        """See `Journal`."""
        self._file.write(self._encode({"at": format_micro_time(self._clock.now()), "what": what, **data}) + b"\n")


def run_demo(
    tell: Callable[[Beat], None],
    *,
    seed: int = 0,
    trace: Path | None = None,
    directory: Path | None = None,
    faults: FaultRates | None = None,
) -> Ending:
    """Play the Silent Canary to its end in virtual time.

    tell: hears each beat as it happens. seed: the same seed gives the same story, event for event. trace: a file for
    the event log. directory: keep the engineer's repository there; otherwise it is temporary.
    Raises CanariumError when the story breaks, GitError when `directory` is not empty, OSError for the trace file.
    """
    with ExitStack() as stack:
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="canarium-"))) / "echo-server"
        log = stack.enter_context(trace.open("wb")) if trace is not None else None
        origin = directory.with_name(directory.name + ".git")
        return run_virtual(lambda clock: _play(clock, tell, directory, origin, seed=seed, log=log, faults=faults))


async def _play(
    clock: VirtualClock,
    tell: Callable[[Beat], None],
    directory: Path,
    origin: Path,
    *,
    seed: int,
    log: BinaryIO | None,
    faults: FaultRates | None,
) -> Ending:
    journal: Journal = NoJournal() if log is None else TraceJournal(log, clock)
    copy = write_example(directory, origin, repo_url=REPO_URL, at=clock.now())
    repositories = LocalClones(LocalRepositories(), {REPO_URL: origin})
    world = World(clock, repositories, WorldOptions(seed=seed, faults=faults), journal)
    try:
        await world.start()
        ending: Ending | None = None
        async for beat in SilentCanary(world, copy).play():
            if isinstance(beat, Ending):
                ending = beat
            else:
                tell(beat)
        assert ending is not None, "the story has an end"
        return ending
    finally:
        await world.stop()
        copy.close()
