"""What the kernel knows of processes: who descends from whom, which run each belongs to, and how to be their warden.

Owns: reading /proc, membership of runs, the calls that tie processes to their parent, and `sweep`.
Must not know: messages, logs, when anything is started or ended. Standard library only.

Where there is no /proc (not Linux) nobody is found here, and only process groups are ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

RUN_VARIABLE = "CANARIUM_RUN"
WARDEN_VARIABLE = "CANARIUM_WARDEN"

OPEN_FILES = (1024, 4096)
"""The soft and the hard limit of a child."""

_RLIMIT_LOCKS = 10
"""A limit that Linux has not looked at since 2.4: it marks whoever descends from a run, whatever becomes of their
session, parents and environment."""
_MARK_BITS = 24

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PAGE_BYTES = resource.getpagesize()
_PASS_SECONDS = 0.005


class Process(NamedTuple):
    """A living process. started: in the kernel's ticks since boot; with the pid it names one process for ever."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    rss_bytes: int


def look(root: int) -> tuple[list[Process], bool]:
    """Every living process below `root`, parents first, and whether nobody was missed.

    Who was forked while we looked is missed if its parent then ended; that parent is now a dead child of `root` (a
    child subreaper) that nobody took leave of, which is what tells. Reads all of /proc.
    """
    children: dict[int, list[tuple[str, Process]]] = {}
    for pid in _numbers("/proc"):
        read = _read(pid)
        if read is not None:
            children.setdefault(read[1].parent, []).append(read)
    found: list[Process] = []
    todo = [root]
    while todo:
        for state, process in children.get(todo.pop(), ()):
            todo.append(process.pid)
            if state not in "ZX":
                found.append(process)
    return found, all(state not in "ZX" for state, _ in children.get(root, ()))


def descendants(root: int) -> list[Process]:
    """See `look`, for who looks again anyway."""
    return look(root)[0]


def descendants_at_a_glance(root: int) -> list[Process]:
    """As `descendants`, cheap on a busy machine; one that just forked or ended may be missed."""
    if not os.path.exists(f"/proc/{root}/task/{root}/children"):
        return descendants(root)
    found: list[Process] = []
    todo = [root]
    while todo:
        pid = todo.pop()
        for thread in _numbers(f"/proc/{pid}/task"):
            for child in _slurp(f"/proc/{pid}/task/{thread}/children").split():
                read = _read(int(child))
                if read is not None:
                    todo.append(read[1].pid)
                    if read[0] not in "ZX":
                        found.append(read[1])
    return found


class Membership:
    """Which run each process belongs to. It remembers, so that one who left its family and environment stays known."""

    def __init__(self) -> None:
        self._run_of: dict[tuple[int, int], str] = {}

    def sort(
        self, processes: Iterable[Process], leaders: Mapping[int, str], marks: Mapping[int, str]
    ) -> dict[str, list[Process]]:
        """The processes (parents first) by run. leaders: the run each leader's pid stands for; marks: that of a mark.

        A process that no leader, group, parent, memory, mark or environment speaks for is in no list.
        """
        by_run: dict[str, list[Process]] = {}
        known: dict[tuple[int, int], str] = {}
        run_of_pid: dict[int, str] = {}
        for process in processes:
            key = (process.pid, process.started)
            run = (
                leaders.get(process.pid)
                or self._run_of.get(key)
                or leaders.get(process.session)
                or leaders.get(process.group)
                or run_of_pid.get(process.parent)
                or marks.get(_mark(process.pid), "")
                or variable(process.pid, RUN_VARIABLE)
            )
            if run:
                known[key] = run_of_pid[process.pid] = run
                by_run.setdefault(run, []).append(process)
        self._run_of = known
        return by_run


def variable(pid: int, name: str) -> str:
    """An environment variable that `pid` was started with; empty when it has none or may not be asked."""
    start = name.encode() + b"="
    for entry in _slurp(f"/proc/{pid}/environ").split(b"\0"):
        if entry.startswith(start):
            return entry[len(start) :].decode(errors="replace")
    return ""


def memory(members: Sequence[Process], limit: int) -> int:
    """The bytes that `members` hold in memory. What they share is counted once, as far as the kernel tells; only
    looked at when it matters, which is above `limit`."""
    resident = sum(each.rss_bytes for each in members)
    if resident <= limit or len(members) == 1:
        return resident
    return sum(_proportional(each) for each in members)


def end_process(pid: int) -> None:
    """SIGKILL to one process; nothing when it is gone."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def end_group(leader: int) -> None:
    """SIGKILL to a process group; nothing when it is gone."""
    with contextlib.suppress(OSError):
        os.killpg(leader, signal.SIGKILL)


def end_descendants(root: int, *, within_seconds: float = 5.0) -> None:
    """SIGKILL everything below `root`, again until nobody is left; blocks. root: this process, a child subreaper."""
    for _ in range(int(within_seconds / _PASS_SECONDS)):
        for process in descendants(root):
            end_process(process.pid)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            pause(_PASS_SECONDS)
            continue
        return  # no child is left, not even a dead one


def sweep(cluster_id: str, *, within_seconds: float = 2.0) -> int:
    """SIGKILL whatever a warden of this cluster, or it itself, left behind; returns how many there were. Blocks.

    Only call this while no warden of this cluster is meant to be alive. Those that run as another user, this process
    and its ancestors are left alone.
    """
    assert cluster_id, "every cluster has an id"
    spared = _ancestors(os.getpid())
    marks = first_mark(cluster_id) >> _MARK_BITS

    def is_ours(pid: int) -> bool:
        if _mark(pid) >> _MARK_BITS == marks:
            read = _read(pid)
            return read is not None and read[0] not in "ZX"  # the dead keep their mark until somebody reaps them
        return variable(pid, WARDEN_VARIABLE) == cluster_id

    ended: set[int] = set()
    quiet = 0
    for _ in range(int(within_seconds / _PASS_SECONDS)):
        found = [pid for pid in _own_processes() if pid not in spared and is_ours(pid)]
        for pid in found:
            end_process(pid)
        quiet = 0 if found else quiet + 1
        if quiet == 2:  # once is not enough: somebody may have forked and ended while we looked
            break
        ended.update(found)
        pause(_PASS_SECONDS)
    return len(ended)


def become_warden() -> None:
    """Orphans below this process become its children (Linux), and it may open as many files as it is let."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536, hard)
        )


def prepare_child(warden: int) -> Callable[[int], None]:
    """What a child does between fork and exec, given its run's mark: dies with its parent `warden`, limits, signals.

    The caller blocked all signals before the fork; they are let through at the end.
    """
    prctl = _libc().prctl if sys.platform == "linux" else None
    soft, hard = OPEN_FILES
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    handled = [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD, signal.SIGPIPE]

    def in_child(mark: int) -> None:
        if prctl is not None:
            with contextlib.suppress(OSError, ValueError):  # a lower limit already: what marks by other means remains
                resource.setrlimit(_RLIMIT_LOCKS, (mark, mark))
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != warden:  # it died before the kernel was told
                os._exit(137)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for number in handled:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    return in_child


def pause(seconds: float) -> None:
    """Block for a moment: only where nothing else is left to do."""
    time.sleep(seconds)  # noqa: TID251  # a program of its own, ending


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def first_mark(cluster_id: str) -> int:
    """The marks of a cluster's runs begin here; those of another begin elsewhere, but for one chance in 2**32."""
    return zlib.crc32(cluster_id.encode()) << _MARK_BITS


def _mark(pid: int) -> int:
    """The mark of the run that a process descends from; 0 when it may not be asked, or is gone."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return resource.prlimit(pid, _RLIMIT_LOCKS)[1]
    return 0


def _read(pid: int) -> tuple[str, Process] | None:
    """The state's letter and the process; None when it is gone."""
    fields = _slurp(f"/proc/{pid}/stat").rpartition(b") ")[2].split()  # the name before may hold anything
    if len(fields) < 22:
        return None
    numbers = [int(fields[n]) for n in (1, 2, 3, 19, 21)]
    parent, group, session, started, pages = numbers
    return fields[0].decode(), Process(pid, parent, group, session, started, pages * _PAGE_BYTES)


def _proportional(process: Process) -> int:
    for line in _slurp(f"/proc/{process.pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return process.rss_bytes


def _ancestors(pid: int) -> set[int]:
    line = {pid}
    while (read := _read(pid)) is not None and read[1].parent:
        pid = read[1].parent
        line.add(pid)
    return line


def _own_processes() -> list[int]:
    me = os.getuid()
    found = []
    for pid in _numbers("/proc"):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == me:
                found.append(pid)
    return found


def _numbers(folder: str) -> list[int]:
    try:
        return [int(name) for name in os.listdir(folder) if name.isdigit()]
    except OSError:
        return []


def _slurp(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""
