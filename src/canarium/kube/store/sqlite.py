"""The store on disk: every object in memory as `MemoryStore` holds it, and every change in a SQLite file.

Owns: the file and its lock, its schema and migrations, the thread that writes it, and who waits for that thread.
Must not know: what an object means.

What was acknowledged stays. `durable()` returns after a COMMIT in WAL mode with `synchronous=FULL`, which syncs the
write-ahead log itself: `NORMAL` would survive kill -9 but lose the last commits to a power cut. One sync carries
all that was written while the one before it was under way (group commit).

A revision is never given out twice. Others may have read a change that was not yet committed when the process was
killed, so after an unclean end the revision jumps over all that may have been given out, and the event log starts
empty: watches from before get Compacted and list again. The log is written once, at `close()`; after a clean end
watches go on where they were.
Source: https://sqlite.org/wal.html, https://sqlite.org/pragma.html#pragma_synchronous.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from canarium.clock import VirtualLoop
from canarium.errors import Place
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import Resource
from canarium.kube.store.memory import MemoryStore
from canarium.kube.store.port import Change, Stored, StoreError

APPLICATION_ID = 1_667_329_633
"""`cana` in ASCII, where SQLite keeps whose file it is; the first migration says it too."""

MIGRATIONS: tuple[str, ...] = (
    """
    PRAGMA application_id = 1667329633;
    CREATE TABLE state (revision INTEGER NOT NULL, forgotten INTEGER NOT NULL, is_clean INTEGER NOT NULL);
    INSERT INTO state VALUES (0, 0, 1);
    CREATE TABLE resources (
        id INTEGER PRIMARY KEY, "group" TEXT NOT NULL, version TEXT NOT NULL, kind TEXT NOT NULL,
        plural TEXT NOT NULL, namespaced INTEGER NOT NULL, has_status INTEGER NOT NULL,
        UNIQUE ("group", version, kind, plural)
    );
    CREATE TABLE objects (
        resource INTEGER NOT NULL REFERENCES resources (id), namespace TEXT NOT NULL, name TEXT NOT NULL,
        revision INTEGER NOT NULL, raw BLOB NOT NULL,
        UNIQUE (resource, namespace, name)
    );
    CREATE TABLE log (
        revision INTEGER PRIMARY KEY, type TEXT NOT NULL, resource INTEGER NOT NULL REFERENCES resources (id),
        namespace TEXT NOT NULL, name TEXT NOT NULL, raw BLOB NOT NULL, before BLOB
    );
    """,
)
"""Entry n leads from schema version n to n + 1 (`PRAGMA user_version`), in one transaction. Never edit one: append."""

UNWRITTEN = 100_000
"""How many changes may be ahead of the disk before a writer has to wait; also how far an unclean end makes us jump."""

BUSY_SECONDS = 10.0
"""How long to wait for another program, such as the sqlite3 shell, to let go of the file."""

NEXT_STEPS = {
    sqlite3.SQLITE_NOTADB: "Nothing was changed. Name another file, or move this one away to begin with none.",
    sqlite3.SQLITE_CORRUPT: "Nothing was changed. Put a copy of the file back, or move it away to begin with none.",
    sqlite3.SQLITE_FULL: "Make room on the disk and start again; all that was acknowledged is in the file.",
    sqlite3.SQLITE_IOERR: "Check the disk and start again; all that was acknowledged is in the file.",
    sqlite3.SQLITE_READONLY: "Make the file and its folder writable for this user, and start again.",
    sqlite3.SQLITE_CANTOPEN: "Make the file and its folder readable and writable for this user.",
    sqlite3.SQLITE_BUSY: "Another program has the file open, perhaps the sqlite3 shell: close it and start again.",
}


class SqliteStore(MemoryStore):
    """See `Store`. Reads and writes happen in memory at once; `durable()` waits for the disk.

    path: the database; beside it SQLite keeps `-wal` and `-shm`, and we `.lock`. Folders that are missing are made.
    One thread uses a store at a time. `close()` it, or use it as a context manager. Once a write fails on disk, every
    further write and every wait for what is not on disk raises StoreError; reads go on.
    Raises StoreError when the file is held by another process, damaged, of a newer canarium, no database of ours, or
    out of reach; it is left as it was.
    """

    def __init__(self, path: Path, *, log_size: int = 10_000) -> None:
        super().__init__(log_size=log_size)
        self.path = path
        self._is_closed = False
        self._lock = _lock(path)
        try:
            connection = _open(path)
            try:
                with _translated(path, "cannot be read"):
                    ids = self._load(connection)
                self._writer = _Writer(path, connection, ids, self._revision)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def durable_revision(self) -> int:
        """Everything up to this revision is on disk."""
        return self._writer.committed

    def put(self, resource: Resource, key: ObjectKey, obj: Obj) -> Stored:
        """See `Store`. Raises StoreError."""
        self._writer.make_room(self._revision)
        return super().put(resource, key, obj)

    def remove(self, resource: Resource, key: ObjectKey) -> Stored:
        """See `Store`. Raises StoreError."""
        self._writer.make_room(self._revision)
        return super().remove(resource, key)

    async def durable(self, revision: int | None = None) -> None:
        """See `Store`."""
        wanted = self._revision if revision is None else revision
        assert wanted <= self._revision, f"revision {wanted} was never given out; the last one is {self._revision}"
        await self._writer.wait_for(wanted)

    def close(self) -> None:
        """Write what is left and the event log, end the thread and let go of the file. Again: does nothing.

        Raises StoreError when not all could be written.
        """
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._writer.close(tuple(self._log), self._forgotten)
        finally:
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, change: Change) -> None:
        self._writer.append(change)
        super()._tell(change)

    def _load(self, connection: sqlite3.Connection) -> dict[Resource, int]:
        """Take over what the file holds, and note in it that a session is under way."""
        ids = {
            _resource(*row): number
            for number, *row in connection.execute(
                'SELECT id, "group", version, kind, plural, namespaced, has_status FROM resources'
            )
        }
        resources = {number: resource for resource, number in ids.items()}
        for number, namespace, name, revision, raw in connection.execute(
            "SELECT resource, namespace, name, revision, raw FROM objects"
        ):
            self._objects.setdefault(resources[number], {})[ObjectKey(namespace, name)] = Stored(raw, revision)
        self._revision, self._forgotten, is_clean = connection.execute(
            "SELECT revision, forgotten, is_clean FROM state"
        ).fetchone()
        if is_clean:
            self._load_log(connection, resources)
        else:
            self._revision += UNWRITTEN + 1
            self._forgotten = self._revision
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM log")
        connection.execute("UPDATE state SET revision = ?, is_clean = 0", (self._revision,))
        connection.execute("COMMIT")
        return ids

    def _load_log(self, connection: sqlite3.Connection, resources: dict[int, Resource]) -> None:
        same = {stored.raw: stored.raw for objects in self._objects.values() for stored in objects.values()}
        for revision, type_, number, namespace, name, raw, before in connection.execute(
            "SELECT revision, type, resource, namespace, name, raw, before FROM log ORDER BY revision"
        ):
            raw, before = same.setdefault(raw, raw), before and same.setdefault(before, before)
            change = Change(revision, type_, resources[number], ObjectKey(namespace, name), raw, before)
            super()._tell(change)  # nobody listens yet; a log that is now shorter forgets its beginning


class _Waiter(NamedTuple):
    revision: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]


class _Writer:
    """The thread that writes: takes all that has gathered, commits it, wakes those who waited for it.

    `_gathered` guards everything below it. Once `_failure` is set, nothing is written and nobody is told otherwise.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, ids: dict[Resource, int], revision: int) -> None:
        self._path = path
        self._connection = connection
        self._ids = ids
        self._gathered = threading.Condition()
        self.committed = revision
        self._pending: list[Change] = []
        self._waiters: list[_Waiter] = []
        self._last_words: tuple[Sequence[Change], int] | None = None  # the event log and what it forgot, at close
        self._failure: Callable[[], StoreError] | None = None
        # a daemon: a process that ends without close() must end, and finds on the disk what it was promised
        self._thread = threading.Thread(target=self._run, name=f"writer of {path.name}", daemon=True)
        self._thread.start()

    def make_room(self, revision: int) -> None:
        """Wait while too much is unwritten. Raises StoreError when nothing can be written any more."""
        if self._failure is None and self._last_words is None and revision - self.committed < UNWRITTEN:
            return
        with self._gathered:
            while revision - self.committed >= UNWRITTEN and self._failure is None:
                self._gathered.wait()
            if self._failure is not None:
                raise self._failure()
            if self._last_words is not None:
                raise _closed(self._path)

    def append(self, change: Change) -> None:
        """Have a change written soon."""
        with self._gathered:
            self._pending.append(change)
            self._gathered.notify_all()

    async def wait_for(self, revision: int) -> None:
        """Return once `revision` is committed; virtual time stands still meanwhile. Raises StoreError."""
        loop = asyncio.get_running_loop()
        with self._gathered:
            if revision <= self.committed:
                return
            if self._failure is not None:
                raise self._failure()
            future: asyncio.Future[None] = loop.create_future()
            self._waiters.append(_Waiter(revision, loop, future))
        with loop.outside() if isinstance(loop, VirtualLoop) else nullcontext():
            await future

    def close(self, log: Sequence[Change], forgotten: int) -> None:
        """Write the rest and the event log, and end the thread. Raises StoreError when that failed."""
        with self._gathered:
            self._last_words = (log, forgotten)
            self._gathered.notify_all()
        self._thread.join()
        if self._failure is not None:
            raise self._failure()

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._commit(batch)
                self._announce(batch[-1].revision)
            assert self._last_words is not None
            self._finish(*self._last_words)
        except sqlite3.Error as error:
            self._fail(error)
        except BaseException as error:
            self._fail(error)  # nobody may wait for a thread that is gone
            raise
        finally:
            self._connection.close()

    def _next_batch(self) -> list[Change]:
        """All that has gathered; empty at the end."""
        with self._gathered:
            while not self._pending and self._last_words is None:
                self._gathered.wait()
            batch, self._pending = self._pending, []
            return batch

    def _commit(self, batch: Sequence[Change]) -> None:
        """Bring the file to the state after the last change of `batch`, in one transaction."""
        latest = {(change.resource, change.key): change for change in batch}
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for (resource, key), change in latest.items():
            number = self._id(resource)
            if change.type == "DELETED":
                execute("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?", (number, *key))
            else:
                execute(
                    "INSERT INTO objects (resource, namespace, name, revision, raw) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (resource, namespace, name) DO UPDATE SET revision = excluded.revision, "
                    "raw = excluded.raw",
                    (number, *key, change.revision, change.raw),
                )
        execute("UPDATE state SET revision = ?", (batch[-1].revision,))
        execute("COMMIT")

    def _finish(self, log: Sequence[Change], forgotten: int) -> None:
        """Write the event log and note that nothing is missing."""
        rows = (
            (change.revision, change.type, self._id(change.resource), *change.key, change.raw, change.before)
            for change in log
        )
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._connection.execute("UPDATE state SET forgotten = ?, is_clean = 1", (forgotten,))
        self._connection.execute("COMMIT")

    def _id(self, resource: Resource) -> int:
        known = self._ids.get(resource)
        if known is None:
            row = (resource.group, resource.version, resource.kind, resource.plural)
            flags = (resource.namespaced, resource.has_status)
            known = self._connection.execute(
                'INSERT INTO resources ("group", version, kind, plural, namespaced, has_status) '
                "VALUES (?, ?, ?, ?, ?, ?)",
                (*row, *flags),
            ).lastrowid
            assert known is not None
            self._ids[resource] = known
        return known

    def _announce(self, revision: int) -> None:
        with self._gathered:
            self.committed = revision
            ready = [waiter for waiter in self._waiters if waiter.revision <= revision]
            self._waiters = [waiter for waiter in self._waiters if waiter.revision > revision]
            self._gathered.notify_all()
        _wake(ready, None)

    def _fail(self, error: BaseException) -> None:
        cause = _explained(self._path, "cannot be written", error)
        problem, next_step = cause.problem, cause.next_step

        def failure() -> StoreError:  # a new one for each who asks: a traceback belongs to one raise
            again = StoreError(problem, at=Place(str(self._path)), next_step=next_step)
            again.__cause__ = error
            return again

        with self._gathered:
            self._failure = failure
            waiting, self._waiters = self._waiters, []
            self._gathered.notify_all()
        _wake(waiting, failure)


def _wake(waiters: Iterable[_Waiter], failure: Callable[[], StoreError] | None) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiter in waiters:
        by_loop.setdefault(waiter.loop, []).append(waiter.future)
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, futures, failure)
        except RuntimeError:  # the loop was closed: nobody waits there any more
            assert loop.is_closed()


def _resolve(futures: Iterable[asyncio.Future[None]], failure: Callable[[], StoreError] | None) -> None:
    for future in futures:
        if future.done():  # whoever waited was cancelled
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure())


def _resource(group: str, version: str, kind: str, plural: str, namespaced: int, has_status: int) -> Resource:
    return Resource(group, version, kind, plural, bool(namespaced), bool(has_status))


def _lock(path: Path) -> int:
    """Hold `path` against other processes until the answer is closed, or the process ends however it ends.

    The lock file stays: deleting it would let two processes lock two files of one name.
    """
    file = path.with_name(path.name + ".lock")
    try:
        _make_folder(path.parent)
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _explained(path, "cannot be used", error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError as error:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
        os.close(lock)
        raise StoreError(
            f"is in use by process {holder or '(unknown)'}",
            at=Place(str(path)),
            next_step="Stop that process first, or name another file.",
        ) from error
    except OSError as error:
        os.close(lock)
        raise _explained(path, "cannot be locked", error) from error
    return lock


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, for this user only, so that a power cut does not take them away again."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(above)
    finally:
        os.close(above)


def _open(path: Path) -> sqlite3.Connection:
    """A connection to a sound database of the newest schema. What is not ours or not sound is not written to."""
    with _translated(path, "cannot be opened"):
        is_new = not path.exists() or path.stat().st_size == 0
        wal = path.with_name(path.name + "-wal")
        if is_new and wal.exists() and wal.stat().st_size:
            raise StoreError(
                "is gone, but its write-ahead log is still there",
                at=Place(str(path)),
                next_step=f"Put the file back, or move {wal} away to begin with none.",
            )
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite gives -wal and -shm its mode
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            version = 0 if is_new else _checked_version(path, connection)
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise StoreError(
                    f"is where SQLite cannot keep a write-ahead log (journal mode {mode})",
                    at=Place(str(path)),
                    next_step="Put the file on a local disk.",
                )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves data in the drive's cache
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
            for number in range(version, len(MIGRATIONS)):
                script = f"BEGIN IMMEDIATE; {MIGRATIONS[number]}; PRAGMA user_version = {number + 1}; COMMIT"
                connection.executescript(script)
        except BaseException:
            connection.close()
            raise
        return connection


def _checked_version(path: Path, connection: sqlite3.Connection) -> int:
    """The schema version of an existing file; 0 for one without tables. Raises StoreError."""

    def ask(what: str) -> Any:
        return connection.execute(what).fetchone()[0]

    owner, version = ask("PRAGMA application_id"), ask("PRAGMA user_version")
    if owner == 0 and version == 0 and ask("SELECT count(*) FROM sqlite_master") == 0:
        return 0  # we were stopped between making the file and its tables
    if owner != APPLICATION_ID:
        raise StoreError(
            "is a database of another program", at=Place(str(path)), next_step="Nothing was changed. Name another file."
        )
    if version > len(MIGRATIONS):
        raise StoreError(
            f"has schema version {version}, and this canarium knows versions up to {len(MIGRATIONS)}",
            at=Place(str(path)),
            next_step="Nothing was changed. Use the newer canarium that wrote it, or name another file.",
        )
    verdict = ask("PRAGMA quick_check(1)")
    if verdict != "ok":
        raise StoreError(f"is damaged: {verdict}", at=Place(str(path)), next_step=NEXT_STEPS[sqlite3.SQLITE_CORRUPT])
    return int(version)


@contextmanager
def _translated(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _explained(path, what, error) from error


def _explained(path: Path, what: str, error: BaseException) -> StoreError:
    """A StoreError that names the file, the cause in the words of whoever reported it, and what to do."""
    at = Place(str(path))
    if isinstance(error, OSError):
        next_step = "Make the file and its folder readable and writable for this user, or name another file."
        return StoreError(f"{what}: {error.strerror or error}", at=at, next_step=next_step)
    code = getattr(error, "sqlite_errorcode", 0)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    next_step = NEXT_STEPS.get(code & 0xFF, "Start again; all that was acknowledged is in the file.")
    return StoreError(f"{what}: {error} ({name})", at=at, next_step=next_step)


def _closed(path: Path) -> StoreError:
    return StoreError("was closed and takes no more changes", at=Place(str(path)), next_step="Open it again.")
