"""Reading what a container wrote from its log files, as `kubectl logs` does.

Owns: the CRI format, rotated files in their order, the last lines without reading all, following across rotations.
Must not know: who writes the files, HTTP. The answer is the one that `logs.read` gives for the same lines.
Source: Kubernetes 1.34 pkg/kubelet/kuberuntime/logs; the format is the CRI's:
`2026-01-05T09:00:00.120000000Z stdout F text`, with `P` for a piece of a line that goes on in the next such line.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from canarium.nodes.logs import MAX_BYTES, Answer, LogQuery, since_of, timestamp

ROTATIONS = 4
"""FILE is the current file, FILE.1 the one before, FILE.4 the oldest."""
BLOCK_BYTES = 64 << 10


class _Line(NamedTuple):
    stamp: bytes
    text: bytes


class Growth:
    """Tells whoever follows a log that it grew or ended.

    on_follow: called when the first follower comes, for a writer that only tells of its writing when asked to.
    """

    def __init__(self, on_follow: Callable[[], None] | None = None) -> None:
        self._on_follow = on_follow
        self._is_ended = False
        self._waiting: list[asyncio.Future[None]] = []

    def wrote(self) -> None:
        """There is more to read."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def end(self) -> None:
        """All is written."""
        self._is_ended = True
        self.wrote()

    async def changed(self) -> bool:
        """Wait until it grew after this call; False once it has ended."""
        if self._is_ended:
            return False
        if self._on_follow is not None:
            on_follow, self._on_follow = self._on_follow, None
            on_follow()
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(change)
        await change
        return not self._is_ended


class FileLog:
    """The log of one run in `path` and its rotations. See `logs.Log`.

    changed: waits until the log grew after the call, and returns True; False, at once, when all is written.
    """

    def __init__(self, path: Path, changed: Callable[[], Awaitable[bool]]) -> None:
        self._path = path
        self._changed = changed

    async def read(self, query: LogQuery, now: datetime) -> AsyncIterator[bytes]:
        """See `logs.Log`."""
        since = since_of(query, now)
        earliest = b"" if since is None else timestamp(since)
        answer = Answer(query)
        lines = _Lines()
        waiting: asyncio.Future[bool] | None = None
        files = _Files(self._path)
        try:
            is_growing = query.follow
            # Whoever follows begins to wait before reading: nothing that is written meanwhile goes unnoticed.
            if is_growing:
                waiting = asyncio.ensure_future(self._changed())
            files.open(query.tail_lines, since)
            while True:
                for block in files.blocks():
                    for line in lines.add(block):
                        if line.stamp < earliest:
                            continue
                        if chunk := answer.add(line.stamp, line.text):
                            yield chunk
                        if answer.is_full:
                            return
                if waiting is None:
                    for line in lines.unfinished():
                        answer.add(line.stamp, line.text)
                if chunk := answer.rest():
                    yield chunk
                if waiting is None:
                    return
                is_growing = await waiting
                waiting = asyncio.ensure_future(self._changed()) if is_growing else None
        finally:
            files.close()
            if waiting is not None:
                waiting.cancel()


class FileLogs:
    """The log files of one container by run; those of the latest run and the one before are kept. See `logs.Runs`."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[Path, Growth, FileLog]] = {}

    def begin(self, container_id: str, path: Path, on_follow: Callable[[], None] | None = None) -> Growth:
        """A run starts now, and writes to `path`; the files of runs that are not kept any more are removed."""
        for older in list(self._runs)[:-1]:
            self._forget(older)
        growth = Growth(on_follow)
        self._runs[container_id] = path, growth, FileLog(path, growth.changed)
        return growth

    def run(self, container_id: str) -> FileLog | None:
        """See `logs.Runs`."""
        kept = self._runs.get(container_id)
        return kept[2] if kept else None

    def remove(self) -> None:
        """The pod is gone, and its logs with it."""
        for each in list(self._runs):
            self._forget(each)

    def _forget(self, container_id: str) -> None:
        path, growth, _ = self._runs.pop(container_id)
        growth.end()
        for file in _rotations(path):
            file.unlink(missing_ok=True)


def _rotations(path: Path) -> list[Path]:
    """The files of a log, newest first; not all need exist."""
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, ROTATIONS + 1))]


class _Files:
    """Reads the files of one log from oldest to newest, and goes on where it stopped."""

    def __init__(self, path: Path) -> None:
        self._paths = _rotations(path)
        self._file: BinaryIO | None = None

    def open(self, tail_lines: int | None, since: datetime | None) -> None:
        """Go to where to begin: before the last `tail_lines` lines, and not in files all older than `since`."""
        if tail_lines is not None:
            self._open_tail(tail_lines)
            return
        for path in reversed(self._paths):
            file = _opened(path)
            if file is None:
                continue
            self.close()
            self._file = file
            if since is None or os.fstat(file.fileno()).st_mtime >= since.timestamp():
                return

    def _open_tail(self, tail_lines: int) -> None:
        wanted = tail_lines
        for path in self._paths:  # newest first
            file = _opened(path)
            if file is None:
                continue
            self.close()
            self._file = file
            offset, found = _before_last(file, wanted)
            file.seek(offset)
            if offset > 0:
                return
            wanted -= found

    def blocks(self) -> Iterator[bytes]:
        """What is there to read, to the end of the newest file as it is now."""
        if self._file is None:
            self.open(None, None)
        while self._file is not None:
            while block := self._file.read(BLOCK_BYTES):
                yield block
            newer = self._newer(self._file)
            if newer is None:
                return
            while block := self._file.read(BLOCK_BYTES):  # written before it was put aside, after the last look
                yield block
            self._file.close()
            self._file = newer

    def _newer(self, file: BinaryIO) -> BinaryIO | None:
        """The file after this one, None when this is the newest; what was dropped meanwhile is skipped."""
        mine = os.fstat(file.fileno())
        newer: BinaryIO | None = None
        for path in self._paths:
            found = _opened(path)
            if found is None:
                continue
            other = os.fstat(found.fileno())
            if (other.st_dev, other.st_ino) == (mine.st_dev, mine.st_ino):
                found.close()
                return newer
            if newer is not None:
                newer.close()
            newer = found
        return newer

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _opened(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _before_last(file: BinaryIO, wanted: int) -> tuple[int, int]:
    """Where the last `wanted` whole lines of a file begin, and how many of them it has.

    A line that was written in pieces is one. Offset 0 when the file has no more than these: their first may have begun
    in the file before.
    """
    position, found = _end_of_records(file), 0
    tail = b""
    while position > 0:
        size = min(BLOCK_BYTES, position)
        position -= size
        file.seek(position)
        records = (file.read(size) + tail).split(b"\n")
        tail = records[0]
        offset = position + sum(len(each) + 1 for each in records)
        for record in reversed(records[1:]):
            offset -= len(record) + 1
            if _is_whole(record):
                if found == wanted:
                    return offset + len(record) + 1, found
                found += 1
    if _is_whole(tail):
        if found == wanted:
            return len(tail) + 1, found
        found += 1
    return 0, found


def _end_of_records(file: BinaryIO) -> int:
    """The end of a file without a record that is just being written."""
    end = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, end - BLOCK_BYTES))
    return start + file.read(end - start).rfind(b"\n") + 1


def _is_whole(record: bytes) -> bool:
    """Whether a record is the end of a line."""
    fields = record.split(b" ", 3)
    return len(fields) >= 3 and fields[2].startswith(b"F")


class _Lines:
    """Puts blocks of a file together to the lines that were written. One too long for a reader is cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun: dict[bytes, tuple[bytes, list[bytes], int]] = {}

    def add(self, block: bytes) -> Iterator[_Line]:
        """The lines that end in the next block."""
        *records, self._rest = (self._rest + block).split(b"\n")
        for record in records:
            fields = record.split(b" ", 3)
            if len(fields) < 3:
                continue  # nobody's record: a disk that was full, say
            stamp, stream, tag = fields[:3]
            text = fields[3] if len(fields) == 4 else b""
            begun = self._begun.pop(stream, None)
            if tag.startswith(b"F") and begun is None:
                yield _Line(stamp, text)
                continue
            first, pieces, size = begun or (stamp, [], 0)
            text = text[: max(0, MAX_BYTES - size)]
            pieces.append(text)
            if tag.startswith(b"F"):
                yield _Line(first, b"".join(pieces))
            else:
                self._begun[stream] = first, pieces, size + len(text)

    def unfinished(self) -> Iterator[_Line]:
        """The lines whose end was never written."""
        for stamp, pieces, _ in self._begun.values():
            yield _Line(stamp, b"".join(pieces))
