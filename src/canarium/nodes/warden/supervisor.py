"""Starts runs, signals them, sees them end, and ends what they leave behind.

Owns: the table of runs, reaping, the memory watch, the control pipes. Must not know: how messages travel, probes,
ports. Standard library only.

A run is a leader (its own session and process group) and everything that descends from it. It has ended when the
leader has and the rest of it was killed; then its log is complete.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canarium.nodes.warden.logs import LogFile, Pump, Pumps
from canarium.nodes.warden.processes import (
    RUN_VARIABLE,
    WARDEN_VARIABLE,
    Membership,
    Process,
    descendants_at_a_glance,
    end_descendants,
    end_group,
    end_process,
    first_mark,
    look,
    memory,
    prepare_child,
)

WROTE_SECONDS = 0.05
LOOK_SECONDS = 1.0
AGAIN_SECONDS = 0.005
LOOKS_FOR_STRAYS = 400
"""After so many looks, each `AGAIN_SECONDS` apart, a run has ended even if the kernel cannot get rid of a process."""


class NotSpawned(Exception):
    """kind: `not-found`, `not-executable` or `other`; `str()` is the runtime's words."""

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind


class ControlPipe:
    """JSON lines into a child's stdin. A child that does not read gets only the newest line once it does."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        self._loop = loop
        self._fd: int | None = fd
        self._begun = b""
        self._next = b""
        os.set_blocking(fd, False)

    def send(self, data: object) -> None:
        """Send, now or as soon as there is room."""
        self._next = json.dumps(data, separators=(",", ":")).encode() + b"\n"
        self._push()

    def close(self) -> None:
        """Close the pipe."""
        if self._fd is not None:
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = None

    def _push(self) -> None:
        if self._fd is None:
            return
        try:
            while self._begun or self._next:
                if not self._begun:
                    self._begun, self._next = self._next, b""
                self._begun = self._begun[os.write(self._fd, self._begun) :]
        except BlockingIOError:
            self._loop.add_writer(self._fd, self._push)
        except OSError:  # the child closed its end
            self.close()
        else:
            self._loop.remove_writer(self._fd)


class Run:
    """One run: its leader, pipes and log."""

    def __init__(self, name: str, leader: int, log: LogFile, memory_bytes: int | None) -> None:
        self.name = name
        self.leader = leader
        self.log = log
        self.memory_bytes = memory_bytes
        self.pumps: list[Pump] = []
        self.control: ControlPipe | None = None
        self.is_followed = False
        self.last_wrote = float("-inf")
        self.wrote_later: asyncio.TimerHandle | None = None
        self.is_oom = False
        self.status: int | None = None  # as waitpid gives it; None while the leader lives


class Supervisor:
    """The runs of one warden. send: takes an event for the main process."""

    def __init__(self, cluster_id: str, send: Callable[[dict[str, Any]], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._cluster_id = cluster_id
        self._send = send
        self._pumps = Pumps(self._loop)
        self._runs: dict[str, Run] = {}
        self._membership = Membership()
        self._run_of_mark: dict[int, str] = {}
        self._me = os.getpid()
        self._prepare = prepare_child(self._me)
        self._look: asyncio.TimerHandle | None = None

    def spawn(
        self,
        run: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        log: str,
        control: bool = False,
        memory_bytes: int | None = None,
    ) -> int:
        """Start a run; returns its leader's pid. Raises NotSpawned."""
        if run in self._runs:
            raise NotSpawned("other", f"run {run} is already there")
        if not argv or not os.path.isabs(argv[0]):
            raise NotSpawned("other", f"the command must be an absolute path: {list(argv)[:1]}")
        if not os.path.isdir(cwd):
            raise NotSpawned("other", f"chdir to cwd ({cwd!r}) failed: no such directory")
        try:
            file = LogFile(log)
        except OSError as error:
            raise NotSpawned("other", f"open log {log}: {_words(error)}") from error
        whole = {**env, RUN_VARIABLE: run, WARDEN_VARIABLE: self._cluster_id}
        mark = first_mark(self._cluster_id) + len(self._run_of_mark) + 1
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # a child must not run our handlers
        try:
            process = subprocess.Popen(  # noqa: S603  # what to run was decided by the image table
                list(argv),
                executable=argv[0],
                env=whole,
                cwd=cwd,
                stdin=subprocess.PIPE if control else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                preexec_fn=functools.partial(self._prepare, mark),
            )
        except Exception as error:
            file.close()
            raise _not_spawned(argv[0], error) from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
        process.returncode = 0  # it is ours to reap, not Popen's
        assert process.stdout is not None
        assert process.stderr is not None
        begun = self._runs[run] = Run(run, process.pid, file, memory_bytes)
        self._run_of_mark[mark] = run
        for pipe, stream in ((process.stdout, "stdout"), (process.stderr, "stderr")):
            fd = os.dup(pipe.fileno())
            pipe.close()
            begun.pumps.append(Pump(self._pumps, fd, stream, file, lambda: self._grew(begun)))
        if process.stdin is not None:
            begun.control = ControlPipe(self._loop, os.dup(process.stdin.fileno()))
            process.stdin.close()
        if self._look is None:
            self._look = self._loop.call_later(LOOK_SECONDS, self._look_around)
        return process.pid

    def signal(self, run: str, number: int) -> None:
        """Signal the run's process group; nothing when it has ended."""
        if not 0 < number < signal.NSIG:
            raise ValueError(f"no such signal: {number}")
        known = self._runs.get(run)
        if known is not None and known.status is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(known.leader, number)

    def kill(self, run: str) -> None:
        """SIGKILL the run; what is not in its group goes when the leader has ended."""
        self.signal(run, signal.SIGKILL)

    def control(self, run: str, data: object) -> None:
        """One line into the run's control pipe; nothing when it has none."""
        known = self._runs.get(run)
        if known is not None and known.control is not None:
            known.control.send(data)

    def follow(self, run: str, on: bool) -> None:
        """Whether to tell when the run's log grew; told once at once, for who read it before this arrived."""
        known = self._runs.get(run)
        if known is not None:
            known.is_followed = on
            self._grew(known)

    def reap(self) -> None:
        """Take leave of every child that ended: leaders, and orphans that became our children."""
        leaders = {run.leader: run for run in self._runs.values() if run.status is None}

        def at_end(pid: int) -> None:
            if pid in leaders:
                end_group(pid)

        over: list[Run] = []
        while (ended := _reap_one(at_end)) is not None:
            pid, status = ended
            run = leaders.pop(pid, None)
            if run is not None:
                run.status = status
                over.append(run)
        for run in over:
            self._finish(run, LOOKS_FOR_STRAYS)

    def end_everything(self) -> None:
        """SIGKILL all runs and all that descends from them; blocks until they are gone."""
        for run in self._runs.values():
            if run.status is None:
                end_group(run.leader)
        end_descendants(self._me)

    def _members(self, processes: list[Process]) -> dict[str, list[Process]]:
        leaders = {run.leader: run.name for run in self._runs.values()}
        return self._membership.sort(processes, leaders, self._run_of_mark)

    def _finish(self, run: Run, looks_left: int) -> None:
        """The leader has ended: end what is left of the run, then say so."""
        living, is_everybody = look(self._me)
        strays = self._members(living).get(run.name, [])
        if (strays or not is_everybody) and looks_left:
            for each in strays:
                end_process(each.pid)
            self._loop.call_later(AGAIN_SECONDS, self._finish, run, looks_left - 1)
            return
        for pump in run.pumps:
            pump.finish()
        run.log.close()
        if run.control is not None:
            run.control.close()
        if run.wrote_later is not None:
            run.wrote_later.cancel()
        del self._runs[run.name]
        assert run.status is not None
        code = os.waitstatus_to_exitcode(run.status)
        killer = -code if code < 0 else 0
        self._send(
            {
                "event": "exited",
                "run": run.name,
                "code": 128 + killer if killer else code,
                "signal": killer,
                "oom": run.is_oom and killer == signal.SIGKILL,
            }
        )

    def _look_around(self) -> None:
        """Once a second: end runs above their memory, and processes that outlived their run."""
        self._look = None
        processes = descendants_at_a_glance(self._me)
        for name, members in self._members(processes).items():
            run = self._runs.get(name)
            if run is None:
                for each in members:
                    end_process(each.pid)
            elif run.memory_bytes is not None and memory(members, run.memory_bytes) > run.memory_bytes:
                run.is_oom = True
                self.kill(name)
        if self._runs or processes:
            self._look = self._loop.call_later(LOOK_SECONDS, self._look_around)

    def _grew(self, run: Run) -> None:
        if not run.is_followed or run.wrote_later is not None:
            return
        wait = run.last_wrote + WROTE_SECONDS - self._loop.time()
        if wait > 0:
            run.wrote_later = self._loop.call_later(wait, self._wrote, run)
        else:
            self._wrote(run)

    def _wrote(self, run: Run) -> None:
        run.wrote_later = None
        run.last_wrote = self._loop.time()
        if run.is_followed:
            self._send({"event": "wrote", "run": run.name})


def _reap_one(at_end: Callable[[int], None]) -> tuple[int, int] | None:
    """A child that has ended, and its status; None when there is none. at_end: called while it still holds its pid."""
    try:
        if hasattr(os, "waitid"):
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return None
            at_end(ended.si_pid)
            return os.waitpid(ended.si_pid, 0)
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    if pid == 0:
        return None
    at_end(pid)  # its number is free by now, but so soon nobody else has it
    return pid, status


def _not_spawned(program: str, error: Exception) -> NotSpawned:
    if isinstance(error, OSError) and error.filename in (None, program):
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            if os.path.exists(program):
                return NotSpawned("not-found", f"exec {program}: its interpreter: {_words(error)}")
            return NotSpawned("not-found", f'exec: "{program}": stat {program}: {_words(error)}')
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.EISDIR):
            return NotSpawned("not-executable", f'exec: "{program}": {_words(error)}')
    return NotSpawned("other", f"exec {program}: {_words(error) if isinstance(error, OSError) else error}")


def _words(error: OSError) -> str:
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
