"""The store in memory, compared with the plainest model: every change ever made, in a list."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.objects import ObjectKey
from canarium.kube.resources import CONFIG_MAPS, PODS
from canarium.kube.store.memory import MemoryStore
from canarium.kube.store.port import Change, Compacted

KEYS = [ObjectKey(namespace, name) for namespace in ("b", "a") for name in ("y", "x")]
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "remove"]), st.sampled_from([PODS, CONFIG_MAPS]), st.sampled_from(KEYS)),
    max_size=30,
)


def told(change: Change) -> tuple[Any, ...]:
    return change.revision, change.type, change.resource, change.key, msgspec.json.decode(change.raw)


@given(STEPS, st.integers(1, 8))
@settings(max_examples=100, deadline=None)
def test_any_sequence_of_writes_gives_what_the_model_gives(steps: list[Any], log_size: int) -> None:
    store = MemoryStore(log_size=log_size)
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
