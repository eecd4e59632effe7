"""The main process' end of the warden: a method for every message.

Owns: starting the warden, matching answers with questions, what everybody hears when it dies. Must not know: pods,
images, Services. The messages are those of `canarium.nodes.warden.main`.

When the warden is gone every run it had is over (137): its leaders die with it, and what else it left is swept up
before anybody is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

import canarium
from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.nodes.warden import processes

MESSAGE_BYTES = 64 * 1024 * 1024
STOP_SECONDS = 8.0
EXITS_KEPT = 1000
PROGRAM = "import sys; sys.path.insert(0, {source!r}); from canarium.nodes.warden.main import main; main()"

Address = tuple[str, int]


class WardenError(CanariumError):
    """The warden could not do what it was asked; `str()` says why."""


class WardenLost(WardenError):
    """The warden is gone."""


class SpawnFailed(WardenError):
    """A process could not be started; `str()` is the runtime's words. kind: not-found, not-executable or other."""

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind


class Exited(msgspec.Struct, frozen=True):
    """How a run ended. code: 128 + signal when a signal ended it. is_oom: it was killed for its memory."""

    code: int
    signal: int = 0
    is_oom: bool = False


class ProbeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe met: one of a status, a problem in Go's words, a timeout; a TCP probe's success has none of them.

    is_void: it says nothing about the target, because the warden itself was late or is gone.
    """

    status: int | None = None
    problem: str = ""
    is_timeout: bool = False
    is_void: bool = False


class Warden:
    """The warden of one cluster; made by `start`. lost: set, with words, when it died and nobody had said stop."""

    def __init__(self, clock: Clock, cluster_id: str, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._cluster_id = cluster_id
        self._process = process
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_stopping = False
        self._is_gone = False
        self._number = 0
        self._questions: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._exits: dict[str, asyncio.Future[Exited]] = {}
        self._callbacks: dict[str, list[Callable[[], None]]] = {}
        self._followers: dict[str, int] = {}

    @classmethod
    async def start(cls, clock: Clock, cluster_id: str, log: Path) -> Warden:
        """Start the warden of `cluster_id`; what it has to complain of goes to `log`. Raises WardenLost, OSError.

        Nobody else may have a warden with this id; call `sweep` before if one may have been left.
        """
        assert cluster_id, "every cluster has an id"
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = _start_process(theirs.fileno(), cluster_id, log)
            except BaseException:
                ours.close()
                raise
        warden = cls(clock, cluster_id, process)
        try:
            reader, warden._writer = await asyncio.open_unix_connection(sock=ours, limit=MESSAGE_BYTES)
            warden._listening = asyncio.create_task(warden._listen(reader, log), name=f"warden/{cluster_id}")
            await asyncio.shield(warden._ready)
        except BaseException:  # a start that is given up leaves nothing
            process.kill()
            process.wait()  # it was killed and has no runs: this is soon
            if warden._writer is not None:
                warden._writer.close()
            ours.close()
            raise
        return warden

    async def spawn(
        self,
        run: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path,
        log: str | Path,
        control: bool = False,
        memory_bytes: int | None = None,
    ) -> int:
        """Start a run; returns its leader's pid. Raises SpawnFailed, WardenLost.

        run: unique for ever. argv[0]: an absolute path. env: complete. log: in a folder that exists.
        """
        assert run not in self._exits, "a run is started once"
        exit_ = self._exits[run] = asyncio.get_running_loop().create_future()
        self._forget_old_exits()
        try:
            answer = await self._ask(
                op="spawn",
                run=run,
                argv=list(argv),
                env=dict(env),
                cwd=str(cwd),
                log=str(log),
                control=control,
                memory_bytes=memory_bytes,
            )
        except BaseException as error:
            self._exits.pop(run, None)
            exit_.cancel()
            if isinstance(error, asyncio.CancelledError):
                self.kill(run)  # it starts before it reads this
            raise
        return int(answer["pid"])

    def signal(self, run: str, number: int) -> None:
        """Signal the run's process group; nothing when it has ended."""
        self._tell(op="signal", run=run, signal=number)

    def kill(self, run: str) -> None:
        """SIGKILL all of the run; nothing when it has ended."""
        self._tell(op="kill", run=run)

    def control(self, run: str, data: Mapping[str, Any]) -> None:
        """One line into the run's stdin, if it was started with `control`. Of lines not yet read the last counts."""
        self._tell(op="control", run=run, data=data)

    def follow(self, run: str, on: bool) -> None:
        """Whether to be told when the run's log grew; on and off count."""
        before = self._followers.get(run, 0)
        after = max(0, before + (1 if on else -1))
        if after:
            self._followers[run] = after
        else:
            self._followers.pop(run, None)
        if bool(before) != bool(after):
            self._tell(op="follow", run=run, on=bool(after))

    def on_wrote(self, run: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when the run's log grew, at most every 50 ms, and when it has ended. Returns what ends this.

        Follows the run meanwhile. The first call comes soon, grown or not: who reads on every call misses nothing.
        """
        self._callbacks.setdefault(run, []).append(callback)
        self.follow(run, True)

        def end() -> None:
            callbacks = self._callbacks.get(run, [])
            if callback in callbacks:
                callbacks.remove(callback)
                if not callbacks:
                    del self._callbacks[run]
                self.follow(run, False)

        return end

    async def exited(self, run: str) -> Exited:
        """Return when the run has ended, at once when it has. Raises LookupError for a run nobody started, or one long
        past."""
        return await asyncio.shield(self._exits[run])

    async def probe(
        self,
        *,
        kind: Literal["http", "tcp"],
        host: str,
        port: int,
        shown: str,
        timeout_seconds: float,
        scheme: str = "http",
        path: str = "/",
        headers: Sequence[tuple[str, str]] = (),
    ) -> ProbeAnswer:
        """Probe (host, port). shown: the address that problems name, such as `10.244.1.3:9898`."""
        try:
            answer = await self._ask(
                op="probe",
                kind=kind,
                host=host,
                port=port,
                shown=shown,
                scheme=scheme.lower(),
                path=path,
                headers=[list(header) for header in headers],
                timeout=timeout_seconds,
            )
        except WardenLost:
            return ProbeAnswer(is_void=True)
        return ProbeAnswer(
            status=answer.get("status"),
            problem=answer.get("problem", ""),
            is_timeout=bool(answer.get("timeout")),
            is_void=bool(answer.get("void")),
        )

    async def listen(self, listener: str, host: str, port: int, *, fallback: bool = False) -> Address:
        """Open a port that forwards to the routes of `listener`; returns what was bound. Raises WardenError.

        Send its `route` first: clients may come at once, and without a route they are turned away.
        fallback: where (host, port) cannot be had take a free port, on 127.0.0.1 if need be.
        """
        answer = await self._ask(op="listen", listener=listener, host=host, port=port, fallback=fallback)
        return str(answer["host"]), int(answer["port"])

    def unlisten(self, listener: str) -> None:
        """Close the port; connections that exist are left alone."""
        self._tell(op="unlisten", listener=listener)

    def route(self, listener: str, endpoints: Sequence[Address], *, affinity_seconds: float = 0) -> None:
        """Where new connections to `listener` go, in turn; connections that exist are left alone."""
        pairs = [[host, port] for host, port in endpoints]
        self._tell(op="route", listener=listener, endpoints=pairs, affinity_seconds=affinity_seconds)

    async def proxy(self, host: str, port: int) -> Address:
        """Open the HTTP proxy for cluster names; returns what was bound. Raises WardenError."""
        answer = await self._ask(op="proxy", host=host, port=port)
        return str(answer["host"]), int(answer["port"])

    def names(
        self,
        services: Mapping[str, Mapping[str, Address]],
        addresses: Mapping[str, str | Mapping[str, Address]],
    ) -> None:
        """What the proxy knows from now on. services: by `namespace/name`, then by port. addresses: by cluster IP."""
        self._tell(op="names", services=services, addresses=addresses)

    async def stop(self) -> None:
        """Kill every run and end the warden; returns when it is gone."""
        self._is_stopping = True
        self._tell(op="stop")
        listening = self._listening
        assert listening is not None
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.shield(listening)
        except TimeoutError:
            self._process.kill()
            await listening

    def _tell(self, **message: Any) -> None:
        if self._writer is not None and not self._is_gone and not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\n")

    async def _ask(self, **message: Any) -> dict[str, Any]:
        if self._is_gone:
            raise WardenLost("the warden is gone")
        self._number += 1
        number = self._number
        question = self._questions[number] = asyncio.get_running_loop().create_future()
        self._tell(id=number, **message)
        try:
            answer: dict[str, Any] = await question
        finally:
            self._questions.pop(number, None)
        if "error" not in answer:
            return answer
        if "kind" in answer:
            raise SpawnFailed(answer["kind"], answer["error"])
        raise WardenError(answer["error"])

    async def _listen(self, reader: asyncio.StreamReader, log: Path) -> None:
        try:
            with contextlib.suppress(OSError):
                while (line := await reader.readline()).endswith(b"\n"):
                    self._take(msgspec.json.decode(line))
        finally:  # also when we are cancelled, or failed: then it is of no use any more
            await self._ended(log)

    def _take(self, message: dict[str, Any]) -> None:
        match message.get("event"):
            case "exited":
                run = message["run"]
                self._settle(run, Exited(message["code"], message["signal"], message["oom"]))
                self._wrote(run)
            case "wrote":
                self._wrote(message["run"])
            case "ready":
                self._ready.set_result(None)
            case _ if message.get("id") is not None:
                question = self._questions.get(message["id"])
                if question is not None and not question.done():
                    question.set_result(message)
            case _:
                words = f"the warden refused a message: {message.get('error')}"
                asyncio.get_running_loop().call_exception_handler({"message": words})

    def _wrote(self, run: str) -> None:
        for callback in self._callbacks.get(run, ()):
            asyncio.get_running_loop().call_soon(callback)  # its failure is not ours

    def _settle(self, run: str, how: Exited) -> None:
        exit_ = self._exits.get(run)
        if exit_ is not None and not exit_.done():
            exit_.set_result(how)

    def _forget_old_exits(self) -> None:
        if len(self._exits) > 2 * EXITS_KEPT:
            over = [run for run, exit_ in self._exits.items() if exit_.done()]
            for run in over[:-EXITS_KEPT]:
                del self._exits[run]

    async def _ended(self, log: Path) -> None:
        """The other end is closed: see that all of it is gone, then tell everybody."""
        self._is_gone = True
        assert self._writer is not None
        self._writer.close()
        if not self._is_stopping:
            self._process.kill()  # without us it is of no use, should it still run
        code = await self._clock.outside(self._process.wait)
        if code or not self._is_stopping:
            await self._clock.outside(lambda: sweep(self._cluster_id))
        problem = f"the warden ended ({f'signal {-code}' if code < 0 else f'code {code}'})"
        problem = "; ".join(part for part in (problem, _last_line(log)) if part)
        for run in list(self._exits):
            self._settle(run, Exited(137, 9))
            self._wrote(run)
        for question in self._questions.values():
            if not question.done():
                question.set_exception(WardenLost(problem))
        if not self._ready.done():
            self._ready.set_exception(WardenLost(problem))
        elif not self._is_stopping and not self.lost.done():
            self.lost.set_result(problem)


def sweep(cluster_id: str) -> int:
    """SIGKILL what an earlier warden of this cluster left behind, and the warden itself; returns how many. Blocks.

    For the next start: call it before `Warden.start`, while it is certain that no other main process has this cluster.
    """
    return processes.sweep(cluster_id)


def _start_process(fd: int, cluster_id: str, log: Path) -> subprocess.Popen[bytes]:
    assert canarium.__file__ is not None
    program = PROGRAM.format(source=str(Path(canarium.__file__).parents[1]))
    env = {key: value for key, value in os.environ.items() if key != processes.RUN_VARIABLE}
    with log.open("ab") as complaints:
        return subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", program, str(fd), cluster_id, str(os.getpid())],
            env={**env, processes.WARDEN_VARIABLE: cluster_id},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=complaints,
            stderr=complaints,
            pass_fds=(fd,),
            start_new_session=True,
        )


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
