"""Measure and print; every figure is a median of whole runs on the machine at hand.

`python -m benchmarks [demo] [help] [render] [hours]`; what runs longer has a module of its own:
`benchmarks.api`, `benchmarks.page`, `benchmarks.processes`, `benchmarks.proxy`, `benchmarks.store`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from canarium.clock import VirtualClock, run_virtual
from canarium.gitops.folder import FolderTree
from canarium.gitops.git.local import LocalRepositories
from canarium.gitops.kustomize import render
from canarium.lab.examples import MANIFESTS, SILENT_CANARY, example_files
from canarium.lab.silent_canary import REPO_URL, LocalClones, SilentCanary, write_example
from canarium.lab.world import World

CANARIUM = str(Path(sys.executable).with_name("canarium"))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _median_ms(work: Callable[[], object], *, runs: int) -> float:
    work()  # the first run warms file caches and bytecode
    return statistics.median(_timed(work) for _ in range(runs)) * 1000


def _command(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


def demo() -> str:
    """The whole process of `canarium demo --fast`."""
    return f"canarium demo --fast     {_median_ms(_command(CANARIUM, 'demo', '--fast'), runs=5):8.0f} ms"


def help_() -> str:
    """Start-up."""
    return f"canarium --help          {_median_ms(_command(CANARIUM, '--help'), runs=7):8.0f} ms"


def render_one() -> str:
    """One overlay in-process, and the same folder through `kubectl kustomize`."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in example_files(SILENT_CANARY, repo_url=REPO_URL).items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        overlay = f"{MANIFESTS}/overlays/prod"
        ours = _median_ms(lambda: render(FolderTree(Path(folder)), overlay), runs=31)
        lines = [f"render prod in-process   {ours:8.2f} ms"]
        kubectl = os.environ.get("CANARIUM_KUBECTL") or shutil.which("kubectl")
        if kubectl is None:
            lines.append("kubectl kustomize prod   (no kubectl; set CANARIUM_KUBECTL)")
        else:
            theirs = _median_ms(_command(kubectl, "kustomize", str(Path(folder) / overlay)), runs=9)
            lines.append(f"kubectl kustomize prod   {theirs:8.2f} ms   ({theirs / ours:.0f} times as long)")
        return "\n".join(lines)


def hours() -> str:
    """How much virtual time passes in a second once the story's example is deployed and at rest."""
    virtual = timedelta(hours=2)

    async def main(clock: VirtualClock, folder: Path) -> float:
        copy = write_example(folder / "work", folder / "work.git", repo_url=REPO_URL, at=clock.now())
        world = World(clock, LocalClones(LocalRepositories(), {REPO_URL: folder / "work.git"}))
        await world.start()
        async for _ in SilentCanary(world, copy).play():
            pass
        started = time.perf_counter()
        await world.sleep(virtual.total_seconds())
        took = time.perf_counter() - started
        await world.stop()
        return took

    with tempfile.TemporaryDirectory() as folder:
        took = run_virtual(lambda clock: main(clock, Path(folder)))
    rate = virtual.total_seconds() / 3600 / took
    return f"virtual hours per second {rate:8.2f}      (two hours of the example at rest in {took:.2f} s)"


ALL = {"demo": demo, "help": help_, "render": render_one, "hours": hours}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(ALL)}", file=sys.stderr)
        return 2
    for name in names or ALL:
        print(ALL[name](), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
