"""A bug that one object brings about: loud in a lab; in a running cluster that object waits and says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from canarium.clock import Clock
from canarium.journal import MemoryJournal
from canarium.kube.controller.fault import Fault
from canarium.kube.controller.manager import Manager
from canarium.kube.decision import Decision
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import CONFIG_MAPS, EVENTS
from tests.kube.controller.test_manager import Copier, Seen, sizes
from tests.kube.worlds import WIDGETS, in_cluster, widget

SECRET = "hunter2"


class BreaksOnB(Copier):
    """Looks at all widgets but b, on which it fails until it is mended."""

    is_mended = False
    fails_in = "decide"

    def _fail(self, name: str, step: str) -> None:
        if name == "b" and step == self.fails_in and not self.is_mended:
            raise IndexError(SECRET)

    async def observe(self, key: ObjectKey) -> Seen | None:
        self._fail(key.name, "observe")
        return await super().observe(key)

    def subject(self, observed: Seen) -> Obj:
        subject = super().subject(observed)
        self._fail(subject["metadata"]["name"], "apply")
        return subject

    def decide(self, observed: Seen, now: datetime) -> Decision:
        self._fail(super().subject(observed)["metadata"]["name"], "decide")
        return super().decide(observed, now)


@pytest.mark.parametrize("step", ["observe", "decide", "apply"])
def test_a_bug_met_on_one_object_is_told_and_all_others_go_on(step: str) -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        # given a controller that fails on b
        told: list[Fault] = []
        died: list[BaseException] = []
        journal = MemoryJournal()
        manager = Manager(cluster, clock, journal, on_fault=told.append)
        broken = BreaksOnB(cluster, manager.listers)
        broken.fails_in = step
        manager.add(broken)
        manager.on_failure(died.append)
        await manager.start()

        # when it looks at a, b and c
        for number, name in enumerate("abc"):
            await cluster.create(WIDGETS, widget(name, size=number + 1))
        await clock.sleep(60)

        # then a and c are as they should be, and b is told of: everywhere once, in the journal each time
        assert sizes(cluster) == {"a": "1", "c": "3"}
        assert died == []
        assert [(fault.where, fault.key, fault.error) for fault in told] == [("copier", "default/b", "IndexError")]
        assert told[0].at.startswith("tests.kube.controller.test_fault:") or told[0].at.startswith("canarium.")
        assert SECRET not in str(told[0])
        faults = [entry for entry in journal.entries if entry["what"] == "fault"]
        assert 10 < len(faults) < 30  # its delays grow
        assert (faults[0]["key"], faults[0]["error"], faults[0]["says"]) == ("default/b", "IndexError", SECRET)
        events = [event for event in (await cluster.list(EVENTS)).items if event["reason"] == "ControllerFault"]
        assert [(event["type"], event["involvedObject"]["name"], event["count"]) for event in events] == [
            ("Warning", "b", 1)
        ]
        assert SECRET not in events[0]["message"]

        # when the bug is mended
        broken.is_mended = True
        await clock.sleep(20)

        # then b is as it should be too
        assert sizes(cluster) == {"a": "1", "b": "2", "c": "3"}

    in_cluster(main)


def test_a_handler_that_fails_neither_ends_the_informer_nor_keeps_others_from_hearing() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        told: list[Fault] = []
        died: list[BaseException] = []
        heard: list[str] = []
        manager = Manager(cluster, clock, on_fault=told.append)
        manager.on_failure(died.append)

        def fails(obj: Obj) -> None:
            raise KeyError(obj["metadata"]["name"])

        informer = manager.listers(CONFIG_MAPS)
        informer.on_change(fails)
        informer.on_change(lambda obj: heard.append(obj["metadata"]["name"]))
        await manager.start()
        for name in ("x", "y"):
            await cluster.create(CONFIG_MAPS, {"metadata": {"name": name, "namespace": "default"}})
        await clock.sleep(5)

        assert heard[-2:] == ["x", "y"]
        assert died == []
        assert [(fault.where, fault.key) for fault in told][-2:] == [
            ("informer/configmaps", "default/x"),
            ("informer/configmaps", "default/y"),
        ]

    in_cluster(main)


def test_a_handler_that_fails_is_loud_where_nobody_takes_faults() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> list[str]:
        died: list[Any] = []
        manager = Manager(cluster, clock)
        manager.on_failure(died.append)

        def fails(obj: Obj) -> None:
            raise KeyError(obj["metadata"]["name"])

        manager.listers(CONFIG_MAPS).on_change(fails)
        await manager.start()
        await cluster.create(CONFIG_MAPS, {"metadata": {"name": "x", "namespace": "default"}})
        await clock.sleep(5)
        return [type(error).__name__ for error in died]

    assert in_cluster(main) == ["KeyError"]
