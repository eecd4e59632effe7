"""Every store, compared with the plainest model: every change ever made, in a list."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.objects import ObjectKey
from canarium.kube.resources import CONFIG_MAPS, PODS
from canarium.kube.store.memory import MemoryStore
from canarium.kube.store.port import Change, Compacted, Store
from canarium.kube.store.sqlite import SqliteStore

Opened: TypeAlias = Callable[[int], AbstractContextManager[Store]]

KEYS = [ObjectKey(namespace, name) for namespace in ("b", "a") for name in ("y", "x")]
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "remove"]), st.sampled_from([PODS, CONFIG_MAPS]), st.sampled_from(KEYS)),
    max_size=30,
)


def told(change: Change) -> tuple[Any, ...]:
    return change.revision, change.type, change.resource, change.key, msgspec.json.decode(change.raw)


@contextmanager
def in_memory(log_size: int = 10_000) -> Iterator[Store]:
    yield MemoryStore(log_size=log_size)


@contextmanager
def on_disk(log_size: int = 10_000) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, SqliteStore(Path(folder) / "state.db", log_size=log_size) as store:
        yield store


every_store = pytest.mark.parametrize("opened", [in_memory, on_disk])


@every_store
@given(steps=STEPS, log_size=st.integers(1, 8))
@settings(max_examples=100, deadline=None)
def test_any_sequence_of_writes_gives_what_the_model_gives(opened: Opened, steps: list[Any], log_size: int) -> None:
    with opened(log_size) as store:
        check_against_the_model(store, steps, log_size)


def check_against_the_model(store: Store, steps: list[Any], log_size: int) -> None:
    heard: list[Change] = []
    store.subscribe(PODS, heard.append)
    live: dict[Any, Any] = {}
    history: list[tuple[Any, ...]] = []
    for what, resource, key in steps:
        if what == "remove" and (resource, key) not in live:
            with pytest.raises(KeyError):
                store.remove(resource, key)
            continue
        revision = len(history) + 1
        obj = {
            "metadata": {"resourceVersion": str(revision)},
            "made": live.get((resource, key), {}).get("made", revision),
        }
        if what == "put":
            stored = store.put(resource, key, {**obj, "metadata": {}})
            kind = "MODIFIED" if (resource, key) in live else "ADDED"
            live[resource, key] = obj
        else:
            stored = store.remove(resource, key)
            kind = "DELETED"
            del live[resource, key]
        assert stored.revision == store.revision == revision
        history.append((revision, kind, resource, key, obj))

    for resource in (PODS, CONFIG_MAPS):
        for namespace in (None, "a", "b"):
            wanted = [
                obj
                for (kind, key), obj in sorted(live.items(), key=lambda item: item[0][1])
                if kind == resource and namespace in (None, key.namespace)
            ]
            assert [msgspec.json.decode(found.raw) for found in store.list(resource, namespace)] == wanted
        for since in range(len(history) + 1):
            if since < len(history) - log_size:
                with pytest.raises(Compacted):
                    store.changes_since(resource, since)
            else:
                wanted_changes = [change for change in history[since:] if change[2] == resource]
                assert [told(change) for change in store.changes_since(resource, since)] == wanted_changes
    assert [told(change) for change in heard] == [change for change in history if change[2] == PODS]
    for change in heard:
        before = [entry for entry in history[: change.revision - 1] if entry[2:4] == (PODS, change.key)]
        was_there = bool(before) and before[-1][1] != "DELETED"
        assert (change.before is not None) is was_there
        assert change.before is None or msgspec.json.decode(change.before) == before[-1][4]


@every_store
def test_what_json_cannot_say_leaves_no_trace(opened: Opened) -> None:
    """A revision that no change carries would make a watch wait for ever."""
    with opened(10) as store:
        with pytest.raises(TypeError):
            store.put(PODS, KEYS[0], {"metadata": {}, "spec": object()})

        assert (store.revision, store.resources(), store.get(PODS, KEYS[0])) == (0, [], None)
        assert store.put(PODS, KEYS[0], {"metadata": {}}).revision == 1


@every_store
def test_resources_are_those_that_have_objects(opened: Opened) -> None:
    """A registry rebuilds itself from this: which kinds must be known before anything can be read."""
    with opened(10) as store:
        store.put(PODS, KEYS[0], {"metadata": {}})
        store.put(CONFIG_MAPS, KEYS[0], {"metadata": {}})
        store.put(CONFIG_MAPS, KEYS[1], {"metadata": {}})
        assert store.resources() == [CONFIG_MAPS, PODS]

        store.remove(PODS, KEYS[0])

        assert store.resources() == [CONFIG_MAPS]


@every_store
def test_waiting_for_what_was_written_ends(opened: Opened) -> None:
    async def main(store: Store) -> None:
        await store.durable()
        first = store.put(PODS, KEYS[0], {"metadata": {}})
        store.put(PODS, KEYS[1], {"metadata": {}})
        await store.durable(first.revision)
        await store.durable()

    with opened(10) as store:
        asyncio.run(main(store))


@every_store
def test_a_listener_that_stopped_hears_no_more(opened: Opened) -> None:
    with opened(10) as store:
        heard: list[Change] = []
        stop = store.subscribe(PODS, heard.append)
        store.put(PODS, KEYS[0], {"metadata": {}})

        stop()
        stop()
        store.put(PODS, KEYS[0], {"metadata": {}})

        assert [change.revision for change in heard] == [1]
