"""Log files in the CRI format: the same answers as from memory, across rotations, pieces and the end of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from canarium.clock import DEFAULT_START, VirtualClock, run_virtual
from canarium.nodes.log_files import FileLog, FileLogs, Growth
from canarium.nodes.logs import Log, LogQuery, RunLog, timestamp

T = TypeVar("T")

WORDS = [f"line {number}" for number in range(12)]


def at(second: int) -> datetime:
    return DEFAULT_START + timedelta(seconds=second)


def record(second: int, text: str, *, tag: str = "F", stream: str = "stdout") -> str:
    return f"{timestamp(at(second)).decode()} {stream} {tag} {text}\n"


def put_aside(path: Path) -> None:
    """Rotate as the writer does."""
    for number in range(4, 0, -1):
        older = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))


def write(path: Path, *records: str) -> None:
    with path.open("a") as file:
        file.writelines(records)


async def never() -> bool:
    raise AssertionError("nobody follows")


async def answer(log: Log, query: LogQuery) -> bytes:
    return b"".join([chunk async for chunk in log.read(query, at(20))])


def run(main: Coroutine[Any, Any, T]) -> T:
    async def with_clock(clock: VirtualClock) -> T:
        return await main

    return run_virtual(with_clock)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(LogQuery(), id="all"),
        pytest.param(LogQuery(timestamps=True), id="timestamps"),
        pytest.param(LogQuery(tail_lines=0), id="no tail"),
        pytest.param(LogQuery(tail_lines=1), id="the last line"),
        pytest.param(LogQuery(tail_lines=5), id="a tail over two files"),
        pytest.param(LogQuery(tail_lines=8), id="a tail that begins with a file"),
        pytest.param(LogQuery(tail_lines=100), id="a tail longer than the log"),
        pytest.param(LogQuery(since_seconds=11), id="since"),
        pytest.param(LogQuery(since_seconds=11, tail_lines=6, timestamps=True), id="since and tail"),
        pytest.param(LogQuery(since_time=at(3)), id="since a time"),
        pytest.param(LogQuery(limit_bytes=20), id="limit"),
        pytest.param(LogQuery(limit_bytes=40, timestamps=True, tail_lines=3), id="limit, tail, timestamps"),
    ],
)
def test_files_answer_as_memory_does(tmp_path: Path, query: LogQuery) -> None:
    path, memory = tmp_path / "log", RunLog()
    for second, words in enumerate(WORDS):
        if second in (4, 8):
            put_aside(path)
        write(path, record(second, words))
        memory.append(words, at(second))

    async def both() -> tuple[bytes, bytes]:
        return await answer(FileLog(path, never), query), await answer(memory, query)

    ours, expected = run(both())

    assert ours == expected


@pytest.mark.parametrize("tail", [None, 3, 2])
def test_pieces_are_one_line_with_the_time_of_the_first_even_across_files(tmp_path: Path, tail: int | None) -> None:
    path = tmp_path / "log"
    write(path, record(0, "before"), record(1, "one, ", tag="P"))
    put_aside(path)
    write(path, record(2, "two, ", tag="P"), record(3, "oops", stream="stderr"), record(4, "three"))

    told = run(answer(FileLog(path, never), LogQuery(tail_lines=tail, timestamps=True))).decode().splitlines()

    expected = [(0, "before"), (3, "oops"), (1, "one, two, three")]
    assert told == [f"{timestamp(at(second)).decode()} {text}" for second, text in expected][-(tail or 3) :]


def test_a_line_longer_than_a_block_is_found_from_the_end(tmp_path: Path) -> None:
    path, piece = tmp_path / "log", "x" * 16_384
    write(path, record(0, "before"), *(record(1, piece, tag="P") for _ in range(9)), record(2, "end"))

    told = run(answer(FileLog(path, never), LogQuery(tail_lines=1)))

    assert told == (piece * 9 + "end\n").encode()


def test_a_record_that_is_being_written_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, record(0, "one"), record(1, "two"), record(2, "thr").removesuffix("\n"))

    assert run(answer(FileLog(path, never), LogQuery(tail_lines=1))) == b"two\n"


def test_a_file_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert run(answer(FileLog(tmp_path / "log", never), LogQuery(tail_lines=3))) == b""


def test_a_follower_sees_every_line_across_rotations_until_the_run_ends(tmp_path: Path) -> None:
    path, growth, asked = tmp_path / "log", Growth(lambda: asked.append(True)), list[bool]()

    async def main(clock: VirtualClock) -> list[bytes]:
        told: list[bytes] = []

        async def follow() -> None:
            told.extend([each async for each in FileLog(path, growth.changed).read(LogQuery(follow=True), at(0))])

        following = asyncio.create_task(follow())
        await clock.sleep(1)
        for second, words in enumerate(WORDS):
            if second in (3, 4, 9):
                put_aside(path)
            write(path, record(second, words))
            if second % 2:
                growth.wrote()
                await clock.sleep(1)
        write(path, record(20, "last words"))
        growth.end()
        await following
        return told

    told = run_virtual(main)

    assert b"".join(told).decode().splitlines() == [*WORDS, "last words"]
    assert told[0] == b"line 0\nline 1\n"
    assert asked == [True]


def test_a_follower_of_new_lines_only_does_not_get_old_ones(tmp_path: Path) -> None:
    path, growth = tmp_path / "log", Growth()
    write(path, record(0, "old"), record(1, "half ", tag="P"))

    async def main(clock: VirtualClock) -> bytes:
        following = asyncio.create_task(answer(FileLog(path, growth.changed), LogQuery(follow=True, tail_lines=0)))
        await clock.sleep(1)
        write(path, record(2, "new"))
        growth.end()
        return await following

    assert run_virtual(main) == b"half new\n"


def test_the_latest_run_and_the_one_before_are_kept(tmp_path: Path) -> None:
    logs = FileLogs()
    for number in range(3):
        logs.begin(f"process://{number}", tmp_path / str(number))
        write(tmp_path / str(number), record(0, f"run {number}"))

    kept = [logs.run(f"process://{number}") for number in range(3)]

    assert kept[0] is None
    assert kept[1] is not None
    assert run(answer(kept[1], LogQuery())) == b"run 1\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]

    logs.remove()
    assert list(tmp_path.iterdir()) == []
