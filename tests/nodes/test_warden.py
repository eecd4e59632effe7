"""The warden with real processes: starting, ending, logs, and that nothing is ever left behind."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from canarium.clock import RealClock
from canarium.nodes.warden import processes
from canarium.nodes.warden.logs import FILE_BYTES, LINE_BYTES, LineCutter, LogFile
from canarium.nodes.warden_client import Exited, ProbeAnswer, SpawnFailed, Warden, WardenLost, sweep

T = TypeVar("T")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties processes to their parent")

DAEMON = """
import os, socket, sys, time
if os.fork():
    time.sleep(100) if {leader_stays} else os._exit(7)
os.setsid()
if os.fork():
    os._exit(0)
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as home:
    home.sendall(str(os.getpid()).encode() + b"\\n")
    time.sleep(100)
"""

CALLER = """
import os, socket, sys, time
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as home:
    home.sendall(str(os.getpid()).encode() + b"\\n")
    time.sleep(100)
"""


def run(main: Callable[[], Awaitable[T]]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(30):
            return await main()

    return asyncio.run(limited())


class Place:
    """A folder with a warden: `spawn` a Python program, read its log."""

    def __init__(self, folder: Path, warden: Warden) -> None:
        self.folder = folder
        self.warden = warden

    async def spawn(self, name: str, program: str, *words: str, **options: Any) -> int:
        argv = options.pop("argv", None) or [sys.executable, "-I", "-S", "-u", "-c", program, *words]
        options.setdefault("env", {"A": "b"})
        return await self.warden.spawn(name, argv, cwd=self.folder, log=self.folder / f"{name}.log", **options)

    def lines(self, name: str, stream: str = "stdout") -> list[str]:
        text = (self.folder / f"{name}.log").read_text()
        split = [line.split(" ", 3) for line in text.splitlines()]
        return [line[3] for line in split if line[1] == stream]

    async def line(self, name: str, wanted: str) -> None:
        """Return once the log has this line."""
        grew = asyncio.Event()
        end = self.warden.on_wrote(name, grew.set)
        while wanted not in self.lines(name):
            await grew.wait()
            grew.clear()
        end()


def in_place(folder: Path, main: Callable[[Place], Awaitable[T]]) -> T:
    async def inner() -> T:
        warden = await Warden.start(RealClock(), f"test-{os.getpid()}-{folder.name}", folder / "warden.log")
        try:
            return await main(Place(folder, warden))
        finally:
            await warden.stop()
            complaints = (folder / "warden.log").read_text()
            assert not complaints, complaints

    return run(inner)


class Home:
    """Where processes call, so that a test knows them and sees them end: their connection closes."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(10)
        self.port = str(self._server.getsockname()[1])
        self._calls: list[socket.socket] = []

    async def caller(self) -> int:
        def accept() -> int:
            call, _ = self._server.accept()
            call.settimeout(10)
            self._calls.append(call)
            return int(call.makefile().readline())

        return await asyncio.to_thread(accept)

    def wait_for_end(self, within_seconds: float = 10) -> None:
        for call in self._calls:
            assert select.select([call], [], [], within_seconds)[0], "a process is left"
            assert call.recv(1) == b""

    def close(self) -> None:
        for each in [self._server, *self._calls]:
            each.close()


@pytest.fixture
def home() -> Iterator[Home]:
    home = Home()
    yield home
    home.close()


def wait_until_gone(pid: int, within_seconds: float = 10) -> None:
    """Return once `pid` has ended (reaped or not)."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], within_seconds)[0], f"process {pid} is left"
    finally:
        os.close(handle)


def test_a_run_has_its_environment_folder_session_and_limits_and_its_output_is_logged(tmp_path: Path) -> None:
    program = """
import os, resource, sys
print(sorted(set(os.environ) - {"LC_CTYPE"})); print(os.getcwd()); print(os.getsid(0) == os.getpgid(0) == os.getpid())
print(resource.getrlimit(resource.RLIMIT_NOFILE)); print(len(os.listdir("/dev/fd")))
print(repr(sys.stdin.read())); print("oh", file=sys.stderr); sys.stdout.write("no newline"); sys.exit(3)
"""

    async def main(place: Place) -> None:
        # when
        await place.spawn("a", program, env={"POD_IP": "127.244.0.1"})
        # then
        assert await place.warden.exited("a") == Exited(3)
        lines = place.lines("a")
        assert lines[0] == "['CANARIUM_RUN', 'CANARIUM_WARDEN', 'POD_IP']"
        assert lines[1:] == [str(tmp_path), "True", "(1024, 4096)", "4", "''", "no newline"]
        assert place.lines("a", "stderr") == ["oh"]

    in_place(tmp_path, main)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("missing", "not-found", 'exec: "{}": stat {}: no such file or directory'),
        ("plain", "not-executable", 'exec: "{}": permission denied'),
        ("folder", "not-executable", 'exec: "{}": permission denied'),
        ("garbage", "not-executable", 'exec: "{}": exec format error'),
        ("script", "not-found", "exec {}: its interpreter: no such file or directory"),
    ],
)
def test_a_command_that_cannot_be_started_says_why(tmp_path: Path, name: str, kind: str, words: str) -> None:
    (tmp_path / "plain").write_text("text")
    (tmp_path / "folder").mkdir()
    for executable, content in (("garbage", "\x01\x02"), ("script", "#!/no/such/thing\n")):
        (tmp_path / executable).write_text(content)
        (tmp_path / executable).chmod(0o755)

    async def main(place: Place) -> None:
        path = str(tmp_path / name)
        # when
        with pytest.raises(SpawnFailed) as failed:
            await place.spawn("a", "", argv=[path])
        # then
        assert failed.value.kind == kind
        assert str(failed.value) == words.format(path, path)
        await place.spawn("a", "print(1)")  # the name is free again
        assert await place.warden.exited("a") == Exited(0)

    in_place(tmp_path, main)


def test_a_folder_or_log_that_is_not_there_is_another_error(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        for options in ({"cwd": "/no/such", "log": tmp_path / "l"}, {"cwd": "/", "log": "/no/such/log"}):
            with pytest.raises(SpawnFailed) as failed:
                await place.warden.spawn("a", [sys.executable], env={}, **options)
            assert failed.value.kind == "other"
            assert "no such" in str(failed.value)

    in_place(tmp_path, main)


def test_sigterm_is_heeded_or_ignored_and_sigkill_is_not(tmp_path: Path) -> None:
    stubborn = "import signal; signal.signal(15, lambda *_: print('no')); print('up')\nwhile True: signal.pause()"

    async def main(place: Place) -> None:
        await place.spawn("polite", "import signal; print('up'); signal.pause()")
        await place.spawn("stubborn", stubborn)
        for each in ("polite", "stubborn"):
            await place.line(each, "up")
            # when
            place.warden.signal(each, signal.SIGTERM)
        # then
        assert await place.warden.exited("polite") == Exited(143, 15)
        await place.line("stubborn", "no")
        place.warden.kill("stubborn")
        assert await place.warden.exited("stubborn") == Exited(137, 9)
        place.warden.kill("stubborn")  # nothing to do
        assert await place.warden.exited("stubborn") == Exited(137, 9)

    in_place(tmp_path, main)


@linux
def test_when_a_leader_ends_what_it_left_is_ended_even_in_a_session_of_its_own(tmp_path: Path, home: Home) -> None:
    async def main(place: Place) -> None:
        # given
        await place.spawn("a", DAEMON.format(leader_stays=False), home.port)
        # when
        how = await place.warden.exited("a")
        # then
        assert how == Exited(7)
        assert processes.descendants(place.warden.pid) == []

    in_place(tmp_path, main)


@linux
def test_a_killed_run_takes_its_daemon_with_it(tmp_path: Path, home: Home) -> None:
    async def main(place: Place) -> None:
        await place.spawn("a", DAEMON.format(leader_stays=True), home.port)
        daemon = await home.caller()
        assert daemon in [each.pid for each in processes.descendants(place.warden.pid)]
        # when
        place.warden.kill("a")
        # then
        assert await place.warden.exited("a") == Exited(137, 9)
        assert processes.descendants(place.warden.pid) == []
        home.wait_for_end()

    in_place(tmp_path, main)


@linux
def test_a_daemon_that_dropped_its_environment_ends_with_the_warden(tmp_path: Path, home: Home) -> None:
    program = (
        "import os, sys; os.execve(sys.executable, [sys.executable, '-I', '-S', '-c', sys.argv[2], sys.argv[1]], {})"
    )

    async def main(place: Place) -> None:
        await place.spawn("a", program, home.port, DAEMON.format(leader_stays=True))
        await home.caller()

    in_place(tmp_path, main)
    home.wait_for_end()


@linux
def test_when_the_main_process_is_killed_nothing_is_left_within_a_second(tmp_path: Path, home: Home) -> None:
    # given a main process of its own, whose run has a daemon
    program = f"""
import asyncio, os, signal, sys
from pathlib import Path
from canarium.clock import RealClock
from canarium.nodes.warden_client import Warden
async def main():
    warden = await Warden.start(RealClock(), "killed-{os.getpid()}", Path({str(tmp_path / "warden.log")!r}))
    for n in range(5):
        argv = [sys.executable, "-I", "-S", "-c", {DAEMON.format(leader_stays=True)!r}, {home.port!r}]
        await warden.spawn(f"r{{n}}", argv, env={{}}, cwd="/", log=f"{tmp_path}/{{n}}")
    print(warden.pid, flush=True)
    await asyncio.get_running_loop().create_future()
asyncio.run(main())
"""
    source = str(Path(processes.__file__).parents[3])
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": source}
    ) as main:
        assert main.stdout is not None
        warden = int(main.stdout.readline())

        async def callers() -> None:
            for _ in range(5):
                await home.caller()

        run(callers)
        family = [each.pid for each in processes.descendants(warden)]
        assert len(family) == 10
        # when
        main.kill()
        # then
        killed = time.perf_counter()
        for pid in [warden, *family]:
            wait_until_gone(pid)
        assert time.perf_counter() - killed < 1


@linux
def test_when_the_warden_is_killed_everybody_hears_it_and_nothing_is_left(tmp_path: Path, home: Home) -> None:
    async def main() -> None:
        warden = await Warden.start(RealClock(), f"lost-{os.getpid()}", tmp_path / "warden.log")
        place = Place(tmp_path, warden)
        leader = await place.spawn("a", DAEMON.format(leader_stays=True), home.port)
        daemon = await home.caller()
        # when
        os.kill(warden.pid, signal.SIGKILL)
        # then
        assert "signal 9" in await warden.lost
        assert await warden.exited("a") == Exited(137, 9)
        wait_until_gone(leader)
        wait_until_gone(daemon)
        with pytest.raises(WardenLost):
            await place.spawn("b", "")
        answer = await warden.probe(kind="tcp", host="127.0.0.1", port=1, shown="x:1", timeout_seconds=1)
        assert answer.is_void
        warden.kill("a")
        await warden.stop()

    run(main)


@linux
def test_a_leader_dies_with_the_warden(tmp_path: Path, home: Home) -> None:
    # given a warden that the main side cannot tell is dead: it looks after the socket only
    ours, theirs = socket.socketpair()
    source = str(Path(processes.__file__).parents[3])
    code = f"import sys; sys.path.insert(0, {source!r}); from canarium.nodes.warden.main import main; main()"
    warden = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, str(theirs.fileno()), "pdeath", str(os.getpid())],
        pass_fds=[theirs.fileno()],
    )
    argv = [sys.executable, "-I", "-S", "-c", CALLER, home.port]
    message = {"op": "spawn", "id": 1, "run": "a", "argv": argv, "env": {}, "cwd": "/", "log": str(tmp_path / "a")}
    with ours, theirs, warden:
        ours.sendall(json.dumps(message).encode() + b"\n")
        run(home.caller)
        # when
        warden.kill()
        # then
        home.wait_for_end()


@linux
def test_a_sweep_ends_what_carries_the_clusters_mark_and_only_that(home: Home) -> None:
    mine, other = f"sweep-{os.getpid()}", f"sweep-{os.getpid()}-other"
    left = [
        subprocess.Popen([sys.executable, "-c", CALLER, home.port], env={"CANARIUM_WARDEN": mark})
        for mark in (mine, mine, other)
    ]
    for _ in left:
        run(home.caller)
    # when
    count = sweep(mine)
    # then
    assert count == 2
    assert [left[0].wait(10), left[1].wait(10), left[2].poll()] == [-9, -9, None]
    assert sweep(mine) == 0
    left[2].kill()
    left[2].wait()


def test_a_run_above_its_memory_is_killed_and_says_so(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        hungry = "import signal; a = bytearray(120_000_000); signal.pause()"
        await place.spawn("hungry", hungry, memory_bytes=100_000_000)
        await place.spawn("content", hungry, memory_bytes=300_000_000)
        assert await place.warden.exited("hungry") == Exited(137, 9, is_oom=True)
        place.warden.kill("content")
        assert await place.warden.exited("content") == Exited(137, 9)

    in_place(tmp_path, main)


def test_control_lines_arrive_and_a_child_that_does_not_read_gets_the_last(tmp_path: Path) -> None:
    program = """
import signal, sys
signal.signal(10, lambda *_: None); print("up"); signal.pause()
for line in sys.stdin:
    if "last" in line: print("last"); break
    print(len(line))
"""

    async def main(place: Place) -> None:
        await place.spawn("a", program, control=True)
        await place.line("a", "up")
        # when more than a pipe holds is sent
        for n in range(200):
            place.warden.control("a", {"n": n, "pad": "x" * 3000})
        place.warden.control("a", {"last": True})
        place.warden.signal("a", signal.SIGUSR1)
        # then
        assert await place.warden.exited("a") == Exited(0)
        assert place.lines("a")[-1] == "last"
        place.warden.control("a", {})

    in_place(tmp_path, main)


def test_a_run_that_floods_its_log_stays_bounded_and_others_are_served(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        # given
        for n in range(4):
            await place.spawn(f"flood{n}", "import os\nwhile True: os.write(1, b'\\n' * 65536)")
        grown = tmp_path / "flood0.log.4"
        full = asyncio.Event()
        place.warden.on_wrote("flood0", lambda: full.set() if grown.exists() else None)
        await full.wait()
        # when
        began = time.perf_counter()
        await place.spawn("a", "print('here')")
        assert await place.warden.exited("a") == Exited(0)
        # then
        assert time.perf_counter() - began < 2
        assert place.lines("a") == ["here"]
        for n in range(4):
            place.warden.kill(f"flood{n}")
            await place.warden.exited(f"flood{n}")
            files = list(tmp_path.glob(f"flood{n}.log*"))
            assert len(files) <= 5
            assert all(file.stat().st_size <= FILE_BYTES for file in files)
            assert all(file.read_bytes().endswith(b" stdout F \n") for file in files)

    in_place(tmp_path, main)


def test_a_child_that_exhausts_its_files_harms_nobody_else(tmp_path: Path) -> None:
    program = """
import os, signal
try:
    while True: os.open("/dev/null", 0)
except OSError as error: os.write(1, str(error.errno).encode() + b"\\n")
signal.pause()
"""

    async def main(place: Place) -> None:
        await place.spawn("a", program)
        await place.line("a", "24")
        await place.spawn("b", "print('fine')")
        assert await place.warden.exited("b") == Exited(0)

    in_place(tmp_path, main)


def test_messages_that_make_no_sense_are_answered_with_errors_and_the_warden_lives(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        warden = place.warden
        refused: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: refused.append(context["message"]))
        assert warden._writer is not None
        for line in (
            b"no json",
            b"[1]",
            b"{}",
            b'{"op":"dance"}',
            b'{"op":"signal","run":"a","signal":99}',
            b'{"op":7}',
        ):
            warden._writer.write(line + b"\n")
        await place.spawn("a", "print(1)")
        assert await warden.exited("a") == Exited(0)
        assert len(refused) == 6

    in_place(tmp_path, main)


def test_many_runs_that_end_at_once_are_all_heard_of(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        names = [f"r{n}" for n in range(40)]
        await asyncio.gather(*(place.spawn(name, "", argv=["/bin/sh", "-c", "exit 5"]) for name in names))
        ends = await asyncio.gather(*(place.warden.exited(name) for name in names))
        assert set(ends) == {Exited(5)}

    in_place(tmp_path, main)


def test_the_data_planes_operations_reach_it(tmp_path: Path) -> None:
    pytest.importorskip("canarium.nodes.warden.dataplane")

    async def main(place: Place) -> None:
        warden = place.warden

        # given a server that greets
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        there = server.sockets[0].getsockname()
        async with server:
            # when
            probe = await warden.probe(kind="tcp", host=there[0], port=there[1], shown="10.1.1.1:80", timeout_seconds=5)
            warden.route("l", [(there[0], there[1])])
            host, port = await warden.listen("l", "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(host, port)
            # then
            assert probe == ProbeAnswer()
            assert await reader.read() == b"hello"
            writer.close()
            warden.unlisten("l")
        refused = await warden.probe(kind="tcp", host=there[0], port=there[1], shown="10.1.1.1:80", timeout_seconds=5)
        assert refused.problem == "dial tcp 10.1.1.1:80: connect: connection refused"
        assert (await warden.proxy("127.0.0.1", 0))[1] > 0
        warden.names({"n/web": {"80": ("127.0.0.1", 1)}}, {"10.244.1.3": "127.244.1.3"})

    in_place(tmp_path, main)


@linux
def test_a_sweep_finds_a_warden_that_hangs_and_its_runs(tmp_path: Path, home: Home) -> None:
    async def main() -> None:
        name = f"hangs-{os.getpid()}"
        warden = await Warden.start(RealClock(), name, tmp_path / "warden.log")
        place = Place(tmp_path, warden)
        await place.spawn("a", DAEMON.format(leader_stays=True), home.port)
        await home.caller()
        os.kill(warden.pid, signal.SIGSTOP)
        # when
        count = await asyncio.to_thread(sweep, name)
        # then
        assert count == 3
        await warden.lost
        home.wait_for_end()

    run(main)


@linux
def test_the_warden_ends_with_its_parent_even_if_somebody_else_holds_the_socket(tmp_path: Path) -> None:
    # given a warden whose parent is another process than the one that holds the other end
    ours, theirs = socket.socketpair()
    source = str(Path(processes.__file__).parents[3])
    code = f"import sys; sys.path.insert(0, {source!r}); from canarium.nodes.warden.main import main; main()"
    parent = f"""
import os, subprocess, sys
argv = [sys.executable, "-I", "-S", "-c", {code!r}, sys.argv[1], "orphan", str(os.getpid())]
subprocess.Popen(argv, pass_fds=[int(sys.argv[1])]); sys.stdin.read()
"""
    with ours, theirs:
        argv = [sys.executable, "-c", parent, str(theirs.fileno())]
        with subprocess.Popen(argv, pass_fds=[theirs.fileno()], stdin=subprocess.PIPE) as process:
            warden = json.loads(ours.makefile().readline())["pid"]
            # when
            process.kill()
            # then
            wait_until_gone(warden)


def test_a_start_that_is_given_up_leaves_no_warden(tmp_path: Path) -> None:
    async def main() -> None:
        start = asyncio.create_task(Warden.start(RealClock(), f"given-up-{os.getpid()}", tmp_path / "warden.log"))
        async with asyncio.timeout(10):
            while not (tmp_path / "warden.log").exists():
                await asyncio.to_thread(lambda: None)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start

    run(main)
    assert not [
        pid
        for pid in processes._own_processes()
        if processes.variable(pid, "CANARIUM_WARDEN") == f"given-up-{os.getpid()}"
    ]


def test_a_growing_log_is_told_of_at_most_every_50_ms(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        told: list[float] = []
        await place.spawn("a", "import os, time\nfor n in range(300): os.write(1, b'x\\n'); time.sleep(0.001)")
        end = place.warden.on_wrote("a", lambda: told.append(asyncio.get_running_loop().time()))
        await place.warden.exited("a")
        end()
        assert 2 <= len(told) <= 20
        assert len(place.lines("a")) == 300

    in_place(tmp_path, main)


def test_a_line_is_cut_where_it_ends_or_becomes_too_long() -> None:
    cutter = LineCutter("stdout")
    assert cutter.feed(b"a", "T") == b""
    assert cutter.feed(b"b\nc\n\nd", "T") == b"T stdout F ab\nT stdout F c\nT stdout F \n"
    assert cutter.end("T") == b"T stdout F d\n"
    assert cutter.end("T") == b""
    long = b"x" * (2 * LINE_BYTES + 1)
    whole = cutter.feed(long + b"\n", "T")
    assert [(line[9:10], len(line) - 11) for line in whole.splitlines()] == [
        (b"P", LINE_BYTES),
        (b"P", LINE_BYTES),
        (b"F", 1),
    ]
    assert cutter.feed(long, "T") + cutter.feed(b"\n", "T") == whole


def test_a_log_whose_folder_went_away_is_dropped_quietly(tmp_path: Path) -> None:
    folder = tmp_path / "pod"
    folder.mkdir()
    log = LogFile(str(folder / "l"))
    log.write(b"one\n")
    (folder / "l").unlink()
    folder.rmdir()
    for _ in range(5):
        log.write(b"x" * 1000 * 1000 + b"\n")
    log.close()
    assert not folder.exists()


def test_exits_are_values() -> None:
    assert msgspec.json.encode(Exited(1)) == b'{"code":1,"signal":0,"is_oom":false}'
