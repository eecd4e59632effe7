"""A run's log: from its two pipes into a file in the CRI format that stays bounded.

Owns: cutting output into lines, rotation, reading pipes fairly. Must not know: processes, messages. Standard library
only.

Format: `2026-11-24T17:00:00.123456789Z stdout F text`; `P` instead of `F` for a piece of a line over 16 KiB. `FILE` is
the current one, `FILE.1` to `FILE.4` are the ones before.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

LINE_BYTES = 16 * 1024
FILE_BYTES = 2 * 1024 * 1024
OLD_FILES = 4
READ_BYTES = 64 * 1024
BUSY_SHARE = 5
"""All pipes that are always full get, together, one part in so many of the warden's time."""


class LineCutter:
    """Output of one stream, cut into stamped lines."""

    def __init__(self, stream: str) -> None:
        self._stream = stream.encode()
        self._rest = b""

    def feed(self, data: bytes, stamp: str) -> bytes:
        """What can be written now that `data` arrived; the beginning of a line is kept until its end comes."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        whole = self._prefix(stamp, b"F")
        if lines and max(map(len, lines)) <= LINE_BYTES:
            written = whole + (b"\n" + whole).join(lines) + b"\n"
        else:
            written = b"".join(self._pieces(line, stamp) for line in lines)
        if len(self._rest) <= LINE_BYTES:
            return written
        piece = self._prefix(stamp, b"P")
        pieces = [written]
        while len(self._rest) > LINE_BYTES:
            pieces.append(piece + self._rest[:LINE_BYTES] + b"\n")
            self._rest = self._rest[LINE_BYTES:]
        return b"".join(pieces)

    def end(self, stamp: str) -> bytes:
        """The last line, if the stream ended without a newline."""
        rest, self._rest = self._rest, b""
        return self._prefix(stamp, b"F") + rest + b"\n" if rest else b""

    def _pieces(self, line: bytes, stamp: str) -> bytes:
        count = max(1, -(-len(line) // LINE_BYTES))
        return b"".join(
            self._prefix(stamp, b"F" if n == count - 1 else b"P") + line[n * LINE_BYTES : (n + 1) * LINE_BYTES] + b"\n"
            for n in range(count)
        )

    def _prefix(self, stamp: str, tag: bytes) -> bytes:
        return stamp.encode() + b" " + self._stream + b" " + tag + b" "


class LogFile:
    """The file and its predecessors: together at most `(OLD_FILES + 1) * FILE_BYTES`.

    What cannot be written (the disk is full, the folder is gone) is dropped: a log never stops a process.
    """

    def __init__(self, path: str) -> None:
        """Raises OSError when the file cannot be opened."""
        self._path = path
        self._torn = False
        self._fd: int | None = None
        self._size = 0
        self._open()

    def write(self, block: bytes) -> None:
        """Append whole lines."""
        while len(block) >= FILE_BYTES:
            cut = block.rindex(b"\n", 0, FILE_BYTES - 1) + 1  # lines are far shorter than a file
            self._write(block[:cut])
            block = block[cut:]
        self._write(block)

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _write(self, block: bytes) -> None:
        if self._size + len(block) + 1 > FILE_BYTES and self._size:
            self._rotate()
        if self._fd is None:
            return
        if self._torn:
            block = b"\n" + block
        try:
            written = os.write(self._fd, block)
        except OSError:
            return
        self._size += written
        self._torn = not block[:written].endswith(b"\n")

    def _rotate(self) -> None:
        self.close()
        self._torn = False
        try:
            for number in range(OLD_FILES - 1, 0, -1):
                if os.path.exists(f"{self._path}.{number}"):
                    os.replace(f"{self._path}.{number}", f"{self._path}.{number + 1}")
            os.replace(self._path, f"{self._path}.1")
            self._open()
        except OSError:
            self._size = 0  # the log's folder is gone: there is nowhere to write any more

    def _open(self) -> None:
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size


class Pumps:
    """What all pumps share: how many of them are always full."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.resting = 0


class Pump:
    """Reads one pipe into a log, at most READ_BYTES a turn, and rests after a full read so that others are served."""

    def __init__(self, pumps: Pumps, fd: int, stream: str, log: LogFile, on_grew: Callable[[], None]) -> None:
        self._pumps = pumps
        self._loop = pumps.loop
        self._fd: int | None = fd
        self._cutter = LineCutter(stream)
        self._log = log
        self._on_grew = on_grew
        self._rest: asyncio.TimerHandle | None = None
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._ready)

    def finish(self) -> None:
        """Take what is left in the pipe, but wait for nobody who still holds its other end."""
        for _ in range(64):
            if self._fd is None or self._take() == 0:
                break
        self._close()

    def _ready(self) -> None:
        began = self._loop.time()
        if self._take() >= READ_BYTES and self._fd is not None:
            self._loop.remove_reader(self._fd)
            self._pumps.resting += 1
            pause = (self._loop.time() - began) * BUSY_SHARE * self._pumps.resting
            self._rest = self._loop.call_later(pause, self._rested)

    def _rested(self) -> None:
        self._pumps.resting -= 1
        self._rest = None
        if self._fd is not None:
            self._loop.add_reader(self._fd, self._ready)

    def _take(self) -> int:
        """Read once; 0 when there is nothing, now or for ever."""
        assert self._fd is not None
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        if not data:
            self._close()
            return 0
        self._write(self._cutter.feed(data, stamp()))
        return len(data)

    def _close(self) -> None:
        if self._fd is None:
            return
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
            self._pumps.resting -= 1
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        self._fd = None
        self._write(self._cutter.end(stamp()))

    def _write(self, block: bytes) -> None:
        if block:
            self._log.write(block)
            self._on_grew()


def stamp() -> str:
    """The time of day as RFC 3339 with nanoseconds, UTC."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)  # the warden's own clock: no port reaches here
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"
