"""The event log tells of every write, and of no Secret's values."""

from __future__ import annotations

import json

from canarium.clock import Clock
from canarium.journal import MemoryJournal
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.redaction import LAST_APPLIED
from canarium.kube.resources import CONFIG_MAPS, SECRETS
from tests.kube.worlds import in_cluster


def test_a_secrets_values_do_not_reach_the_event_log_and_its_keys_do() -> None:
    journal = MemoryJournal()
    metadata = {"name": "s", "namespace": "default", "annotations": {LAST_APPLIED: '{"data":{"key":"hunter1"}}'}}

    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await cluster.create(
            SECRETS, {"metadata": metadata, "data": {"key": "hunter1"}, "stringData": {"more": "hunter2"}}
        )
        await cluster.patch(SECRETS, "default", "s", {"data": {"key": "hunter3"}})
        found = await cluster.get(SECRETS, "default", "s")
        await cluster.update(SECRETS, {**found, "data": {"other": "hunter4"}})
        assert (await cluster.get(SECRETS, "default", "s"))["data"] == {"other": "hunter4"}

    in_cluster(main, journal=journal)
    log = json.dumps(journal.entries)

    assert [entry["verb"] for entry in journal.entries] == ["create", "patch", "update"]
    assert "hunter" not in log
    assert journal.entries[1]["change"]["data"] == {"key": "*****"}
    assert journal.entries[2]["change"]["data"] == {"key": None, "more": None, "other": "*****"}


def test_other_kinds_are_told_in_full() -> None:
    journal = MemoryJournal()

    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await cluster.create(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "default"}, "data": {"key": "value"}})

    in_cluster(main, journal=journal)

    assert journal.entries[0]["object"]["data"] == {"key": "value"}
