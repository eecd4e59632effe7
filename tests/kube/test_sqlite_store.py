"""The store on disk: what was acknowledged is there again, and a file that cannot be used is left alone and named."""

from __future__ import annotations

import asyncio
import os
import resource as limits
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.clock import VirtualClock, run_virtual
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import CONFIG_MAPS, NAMESPACES, PODS, Resource
from canarium.kube.store.memory import MemoryStore
from canarium.kube.store.port import Change, Compacted, Store, StoreError
from canarium.kube.store.sqlite import MIGRATIONS, UNWRITTEN, SqliteStore

WIDGETS = Resource("example.com", "v1", "Widget", "widgets", has_status=False, short_names=("wd",))
NODE_WIDGETS = Resource("example.com", "v2", "Widget", "widgets", namespaced=False)
RESOURCES = (PODS, CONFIG_MAPS, NAMESPACES, WIDGETS, NODE_WIDGETS)
SHOP = ObjectKey("shop", "web")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "cluster.db"


def obj(**fields: Any) -> Obj:
    return {"metadata": {"name": "web"}, **fields}


def contents(store: Store) -> dict[Resource, list[tuple[int, bytes]]]:
    return {resource: [(one.revision, one.raw) for one in store.list(resource)] for resource in store.resources()}


def changes(store: Store, since: int) -> Any:
    try:
        return {resource: list(store.changes_since(resource, since)) for resource in RESOURCES}
    except Compacted:
        return Compacted


def kill(store: SqliteStore) -> None:
    """What kill -9 leaves: all that is committed, and no goodbye. (The lock and the thread of this process go.)"""
    copy = store.path.with_suffix(".copy")
    for suffix in ("", "-wal"):
        source = store.path.with_name(store.path.name + suffix)
        copy.with_name(copy.name + suffix).write_bytes(source.read_bytes())
    store.close()
    for suffix in ("", "-wal"):
        copy.with_name(copy.name + suffix).rename(store.path.with_name(store.path.name + suffix))


def test_everything_is_there_after_a_restart_and_watches_go_on(path: Path) -> None:
    with SqliteStore(path) as store:
        store.put(PODS, SHOP, obj(spec={"a": 1}))
        store.put(WIDGETS, SHOP, obj(spec={"size": 3}))
        store.put(PODS, SHOP, obj(spec={"a": 2}))
        store.put(NAMESPACES, ObjectKey("", "shop"), obj())
        store.remove(NAMESPACES, ObjectKey("", "shop"))
        held, told = contents(store), [changes(store, since) for since in range(6)]

    with SqliteStore(path) as again:
        assert contents(again) == held
        assert [changes(again, since) for since in range(6)] == told
        assert again.durable_revision == again.revision == 5
        assert again.put(PODS, SHOP, obj()).revision == 6
        assert [change.type for change in again.changes_since(PODS, 2)] == ["MODIFIED", "MODIFIED"]


def test_a_kind_is_known_again_before_its_definition_is(path: Path) -> None:
    with SqliteStore(path) as store:
        store.put(WIDGETS, SHOP, obj())
        store.put(NODE_WIDGETS, ObjectKey("", "web"), obj())

    with SqliteStore(path) as again:
        assert again.resources() == [WIDGETS, NODE_WIDGETS]
        assert [(one.kind, one.namespaced, one.has_status) for one in again.resources()] == [
            ("Widget", True, False),
            ("Widget", False, True),
        ]


def test_a_kind_that_is_defined_anew_keeps_its_objects(path: Path) -> None:
    """A CustomResourceDefinition may gain a status or short names; that makes no second kind."""
    with SqliteStore(path) as store:
        store.put(WIDGETS, SHOP, obj(spec=1))

    redefined = Resource("example.com", "v1", "Widget", "widgets", has_status=True)
    with SqliteStore(path) as again:
        again.put(redefined, SHOP, obj(spec=2))
        again.put(redefined, ObjectKey("shop", "other"), obj())

    with SqliteStore(path) as third:
        assert third.resources() == [WIDGETS]
        assert len(third.list(redefined)) == 2


def test_a_shorter_log_after_a_restart_forgets_its_beginning(path: Path) -> None:
    with SqliteStore(path) as store:
        for _ in range(5):
            store.put(PODS, SHOP, obj())

    with SqliteStore(path, log_size=2) as again:
        assert changes(again, 2) is Compacted
        assert [change.revision for change in again.changes_since(PODS, 3)] == [4, 5]

    with SqliteStore(path) as third:
        assert changes(third, 2) is Compacted


def test_no_revision_is_given_out_twice_after_an_unclean_end(path: Path) -> None:
    """A reader may hold a revision that was never committed: it must not come to mean another object."""
    store = SqliteStore(path)
    last = store.put(PODS, SHOP, obj()).revision
    asyncio.run(store.durable())
    kill(store)

    with SqliteStore(path) as again:
        assert again.get(PODS, SHOP) is not None
        assert again.revision > last + UNWRITTEN
        assert [changes(again, since) for since in (0, last, last + 1, again.revision - 1)] == [Compacted] * 4
        assert again.changes_since(PODS, again.revision) == []
        first = again.put(PODS, SHOP, obj()).revision

    with SqliteStore(path) as third:
        assert third.revision == first
        assert [change.revision for change in third.changes_since(PODS, first - 1)] == [first]


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["put", "put", "remove"]),
            st.sampled_from(RESOURCES),
            st.builds(ObjectKey, st.sampled_from(["", "a", "b"]), st.sampled_from("xyz")),
            st.text(max_size=5),
        ),
        st.sampled_from([("restart",), ("durable",)]),
    ),
    max_size=40,
)


@given(STEPS, st.integers(1, 12))
@settings(max_examples=60)
def test_a_store_that_restarts_now_and_then_is_the_store_in_memory(steps: list[Any], log_size: int) -> None:
    model = MemoryStore(log_size=log_size)
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "cluster.db", log_size=log_size)
        try:
            for what, *arguments in [*steps, ("restart",)]:
                if what == "restart":
                    store.close()
                    store = SqliteStore(store.path, log_size=log_size)
                elif what == "durable":
                    asyncio.run(store.durable())
                    assert store.durable_revision == store.revision
                else:
                    resource, key, text = arguments
                    if what == "put":
                        assert store.put(resource, key, obj(data=text)) == model.put(resource, key, obj(data=text))
                    elif model.get(resource, key) is not None:
                        assert store.remove(resource, key) == model.remove(resource, key)
            assert store.revision == model.revision
            assert contents(store) == contents(model)
            for since in range(model.revision + 1):
                assert changes(store, since) == changes(model, since)
        finally:
            store.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from canarium.kube.objects import ObjectKey
from canarium.kube.resources import CONFIG_MAPS
from canarium.kube.store.sqlite import SqliteStore

async def write(store, who):
    for number in range(10**9):
        key = ObjectKey("shop", f"{who}-{number}")
        written = store.put(CONFIG_MAPS, key, {"metadata": {"name": key.name}, "data": {"x": "y" * (number % 3000)}})
        await store.durable(written.revision)
        print("has", key.name, written.revision, flush=True)
        if number % 3 == 2:
            print("may-lack", f"{who}-{number - 1}", written.revision, flush=True)
            removed = store.remove(CONFIG_MAPS, ObjectKey("shop", f"{who}-{number - 1}"))
            await store.durable(removed.revision)
            print("lacks", f"{who}-{number - 1}", removed.revision, flush=True)

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await asyncio.gather(*(write(store, f"{sys.argv[2]}-{who}") for who in range(8)))

asyncio.run(main())
"""


def kill_a_writer_and_look(path: Path, rounds: int) -> None:
    acknowledged: dict[str, str] = {}
    newest = 0
    for turn in range(rounds):
        before = newest
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), f"r{turn}"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process, process.stdout as lines:
            for _ in range(40 + 97 * turn % 300):
                what, name, revision = lines.readline().split()
                assert int(revision) > before
                acknowledged[name], newest = what, max(newest, int(revision))
            process.send_signal(signal.SIGKILL)
            for line in lines:  # said before it died
                if line.endswith("\n"):
                    what, name, revision = line.split()
                    acknowledged[name], newest = what, max(newest, int(revision))

        with SqliteStore(path) as store:
            there = {msgspec.json.decode(one.raw)["metadata"]["name"] for one in store.list(CONFIG_MAPS)}
            assert {name for name, what in acknowledged.items() if what == "has"} - there == set()
            assert there & {name for name, what in acknowledged.items() if what == "lacks"} == set()
            assert store.revision > newest
            newest = store.revision


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=pytest.mark.soak)])
def test_what_was_acknowledged_survives_kill_9(path: Path, rounds: int) -> None:
    kill_a_writer_and_look(path, rounds)


def test_waiting_costs_no_virtual_time(path: Path) -> None:
    async def main(clock: VirtualClock) -> float:
        with SqliteStore(path) as store:
            sleeper = asyncio.create_task(clock.sleep(3600))
            store.put(PODS, SHOP, obj())
            await store.durable()
            took = clock.monotonic()
            sleeper.cancel()
            return took

    assert run_virtual(main) == 0


def test_those_who_stopped_waiting_do_no_harm(path: Path) -> None:
    """A client that hangs up cancels its request; a server that stops closes its loop."""

    async def main(store: SqliteStore) -> None:
        store.put(PODS, SHOP, obj())
        impatient = asyncio.create_task(store.durable())
        await asyncio.wait([impatient], timeout=0)
        impatient.cancel()
        await store.durable()

    async def leave(store: SqliteStore) -> None:
        store.put(PODS, SHOP, obj())
        task = asyncio.create_task(store.durable())
        await asyncio.wait([task], timeout=0)

    with SqliteStore(path) as store:
        asyncio.run(main(store))
        for _ in range(20):
            asyncio.run(leave(store))
        asyncio.run(store.durable())
        assert store.durable_revision == 21


def test_closing_ends_the_thread_and_lets_go_of_the_file(path: Path) -> None:
    before = threading.active_count()
    store = SqliteStore(path)
    store.put(PODS, SHOP, obj())

    store.close()
    store.close()

    assert threading.active_count() == before
    assert store.get(PODS, SHOP) is not None
    asyncio.run(store.durable())
    with pytest.raises(StoreError, match="was closed and takes no more changes"):
        store.put(PODS, SHOP, obj())
    assert store.revision == 1
    SqliteStore(path).close()


def test_files_are_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "cluster.db"
    with SqliteStore(path) as store:
        store.put(PODS, SHOP, obj())
        asyncio.run(store.durable())
        files = sorted(path.parent.iterdir())

        assert [file.name for file in files] == ["cluster.db", "cluster.db-shm", "cluster.db-wal", "cluster.db.lock"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)} == {0o700}


def refused(path: Path) -> str:
    """What a store says that does not open; the file must be as it was."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert caught.value.next_step
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def test_a_file_in_use_names_the_process(path: Path) -> None:
    with SqliteStore(path):
        assert f"is in use by process {os.getpid()}" in refused(path)


def test_a_file_of_a_newer_canarium_is_left_alone(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()

    assert f"has schema version {len(MIGRATIONS) + 1}, and this canarium knows versions up to" in refused(path)


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()

    assert "is a database of another program" in refused(path)


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("apiVersion: v1\nkind: List\n" * 100)

    assert "cannot be opened: file is not a database (SQLITE_NOTADB)" in refused(path)


@pytest.mark.parametrize("page", [1, 2, 5, 9])
def test_a_damaged_file_is_left_alone(path: Path, page: int) -> None:
    with SqliteStore(path) as store:
        for number in range(300):
            store.put(PODS, ObjectKey("shop", f"web-{number}"), obj(spec={"x": "y" * 300}))
    whole = bytearray(path.read_bytes())
    whole[4096 * page : 4096 * page + 64] = b"\xa5" * 64
    path.write_bytes(whole)

    message = refused(path)

    assert "is damaged: " in message or "database disk image is malformed" in message


def test_a_file_cut_short_is_left_alone(path: Path) -> None:
    with SqliteStore(path) as store:
        for number in range(300):
            store.put(PODS, ObjectKey("shop", f"web-{number}"), obj(spec={"x": "y" * 300}))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    refused(path)


def test_a_log_without_its_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    wal = path.with_name("cluster.db-wal")
    wal.write_bytes(b"what was written last")

    assert "is gone, but its write-ahead log is still there" in refused(path)
    assert wal.read_bytes() == b"what was written last"


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()

    assert "cannot be used: " in refused(tmp_path / "file" / "cluster.db")
    assert "cannot be opened: Is a directory" in refused(tmp_path / "folder")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_that_may_not_be_written_is_named(path: Path, what: str) -> None:
    SqliteStore(path).close()
    path.with_name("cluster.db.lock").unlink()
    target = path if what == "file" else path.parent
    target.chmod(0o500)
    if os.access(target, os.W_OK):
        pytest.skip("this user may write wherever it likes")

    try:
        assert "Permission denied" in refused(path)
    finally:
        target.chmod(0o700)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Every write beyond `size` fails, as on a disk that is full."""
    soft, hard = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_stops_the_acknowledging_and_loses_nothing_acknowledged(path: Path) -> None:
    acknowledged: list[str] = []

    async def fill(store: SqliteStore) -> None:
        for number in range(1000):
            key = ObjectKey("shop", f"web-{number}")
            store.put(PODS, key, {"metadata": {"name": key.name}, "spec": {"x": "y" * 1000}})
            await store.durable()
            acknowledged.append(key.name)

    async def main(store: SqliteStore) -> StoreError:
        with files_no_larger_than(400_000), pytest.raises(StoreError) as caught:
            await fill(store)
        with pytest.raises(StoreError):
            await store.durable()  # there is room again, and yet: what came between is not on the disk
        await store.durable(store.durable_revision)
        return caught.value

    store = SqliteStore(path)
    error = asyncio.run(main(store))
    last = store.revision
    with pytest.raises(StoreError):
        store.put(PODS, SHOP, obj())
    with pytest.raises(StoreError):
        store.remove(PODS, ObjectKey("shop", "web-0"))
    assert store.revision == last
    assert store.get(PODS, ObjectKey("shop", "web-0")) is not None
    with pytest.raises(StoreError):
        store.close()
    store.close()

    assert str(path) in str(error)
    assert "cannot be written: " in error.problem
    assert "SQLITE_" in error.problem
    assert error.next_step
    assert len(acknowledged) > 10
    with SqliteStore(path) as again:
        names = {msgspec.json.decode(one.raw)["metadata"]["name"] for one in again.list(PODS)}
        assert set(acknowledged) <= names
        assert again.revision > last


def test_all_who_wait_hear_of_the_failure(path: Path) -> None:
    async def main(store: SqliteStore) -> list[Any]:
        async def write(number: int) -> None:
            store.put(PODS, ObjectKey("shop", f"web-{number}"), obj(spec={"x": "y" * 100_000}))
            await store.durable()

        with files_no_larger_than(300_000):
            return await asyncio.gather(*(write(number) for number in range(8)), return_exceptions=True)

    store = SqliteStore(path)
    answers = asyncio.run(main(store))
    with pytest.raises(StoreError):
        store.close()

    assert any(isinstance(answer, StoreError) for answer in answers)
    assert {type(answer) for answer in answers} <= {StoreError, type(None)}
    assert len({id(answer) for answer in answers if answer is not None}) == sum(a is not None for a in answers)


def test_an_older_schema_is_migrated_and_a_failed_migration_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "canarium.kube.store.sqlite.MIGRATIONS"
    with SqliteStore(path) as store:
        store.put(PODS, SHOP, obj())
    broken = "CREATE TABLE more (x); CREATE TABLE more (x)"

    monkeypatch.setattr(module, (*MIGRATIONS, broken))
    with pytest.raises(StoreError, match="table more already exists"):
        SqliteStore(path)
    monkeypatch.setattr(module, (*MIGRATIONS, "CREATE TABLE more (x)", "INSERT INTO more VALUES (7)"))
    SqliteStore(path).close()

    with sqlite3.connect(path) as database:
        assert database.execute("SELECT x FROM more").fetchall() == [(7,)]
        assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 2,)
    database.close()
    monkeypatch.setattr(module, (*MIGRATIONS, "CREATE TABLE more (x)", "INSERT INTO more VALUES (7)"))
    with SqliteStore(path) as store:
        assert store.get(PODS, SHOP) is not None


def test_listeners_hear_every_change_in_order_while_it_is_being_written(path: Path) -> None:
    heard: list[Change] = []
    with SqliteStore(path) as store:
        store.subscribe(PODS, heard.append)
        for _ in range(50):
            store.put(PODS, SHOP, obj())
        assert [change.revision for change in heard] == list(range(1, 51))
