"""The controller runtime: whatever goes wrong between a controller and its cluster, the world converges.

The toy controller keeps one ConfigMap per Widget, holding the widget's size, and counts its looks in the status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from canarium.clock import Chance, Clock
from canarium.journal import MemoryJournal
from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.controller.manager import Manager
from canarium.kube.controller.reconciler import Listers, Watch, owned
from canarium.kube.decision import Action, Create, Decision, EventNote, Patch, Reason
from canarium.kube.faults import FaultRates, FaultyCluster
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, ObjectKey, owner_reference
from canarium.kube.resources import CONFIG_MAPS, EVENTS, Resource
from tests.kube.worlds import WIDGETS, in_cluster, widget


class Copied(Reason, frozen=True):
    size: int

    def __str__(self) -> str:
        return f"the ConfigMap says {self.size}"


@dataclass(frozen=True)
class Seen:
    widget: Obj
    copy: Obj | None


class Copier:
    """See the module's docstring."""

    name = "copier"
    primary: Resource = WIDGETS
    watches: Sequence[Watch] = (owned(CONFIG_MAPS, "Widget"),)

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        self._widgets = listers(WIDGETS)
        self._copies = listers(CONFIG_MAPS)

    async def observe(self, key: ObjectKey) -> Seen | None:
        found = self._widgets.get(*key)
        return None if found is None else Seen(found, self._copies.get(*key))

    def subject(self, observed: Seen) -> Obj:
        return observed.widget

    def decide(self, observed: Seen, now: datetime) -> Decision:
        metadata = observed.widget["metadata"]
        size = observed.widget["spec"]["size"]
        wanted = {"size": str(size)}
        action: Action | None = None
        if observed.copy is None:
            own = {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "ownerReferences": [owner_reference(observed.widget)],
            }
            action = Create(resource=CONFIG_MAPS, obj={"metadata": own, "data": wanted})
        elif observed.copy["data"] != wanted:
            version = observed.copy["metadata"]["resourceVersion"]
            action = Patch(
                resource=CONFIG_MAPS,
                namespace=metadata["namespace"],
                name=metadata["name"],
                patch={"data": wanted},
                resource_version=version,
            )
        notes = (EventNote(type="Normal", reason="Copied", message=f"Copied size {size}"),) if action else ()
        return Decision(
            because=(Copied(size),),
            actions=(action,) if action else (),
            status={"copied": size},
            events=notes,
            requeue=timedelta(minutes=5),
        )


def started(cluster: Cluster, clock: Clock) -> Manager:
    manager = Manager(cluster, clock)
    manager.add(Copier(cluster, manager.listers))
    return manager


def sizes(cluster: InProcessCluster) -> dict[str, str]:
    store = cluster.registry.store
    keys = [ObjectKey("default", name) for name in "abc"]
    return {
        key.name: cluster.registry.get(CONFIG_MAPS, key)["data"]["size"] for key in keys if store.get(CONFIG_MAPS, key)
    }


def test_a_controller_acts_writes_status_and_tells_an_event_once() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await started(cluster, clock).start()
        await cluster.create(WIDGETS, widget("a", size=3))
        await clock.sleep(60)

        assert sizes(cluster) == {"a": "3"}
        assert (await cluster.get(WIDGETS, "default", "a"))["status"] == {"copied": 3}
        events = (await cluster.list(EVENTS)).items
        assert [(event["reason"], event["count"], event["involvedObject"]["name"]) for event in events] == [
            ("Copied", 1, "a")
        ]

    in_cluster(main, latency=(0.001, 0.01))


def test_what_somebody_else_changes_is_put_right() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await started(cluster, clock).start()
        await cluster.create(WIDGETS, widget("a", size=3))
        await clock.sleep(1)
        await cluster.patch(CONFIG_MAPS, "default", "a", {"data": {"size": "wrong"}})
        await clock.sleep(1)
        await cluster.delete(CONFIG_MAPS, "default", "a")
        await clock.sleep(1)

        assert sizes(cluster) == {"a": "3"}

    in_cluster(main, latency=(0.001, 0.01))


def test_somebody_elses_object_under_our_name_is_never_taken_over() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        await cluster.create(CONFIG_MAPS, {"metadata": {"name": "a", "namespace": "default"}, "data": {"mine": "yes"}})
        journal = MemoryJournal()
        manager = Manager(cluster, clock, journal)
        manager.add(Copier(cluster, manager.listers))
        await manager.start()
        await cluster.create(WIDGETS, {**widget("a"), "spec": {"size": 1}})
        await clock.sleep(0.02)

        assert (await cluster.get(CONFIG_MAPS, "default", "a"))["data"]["mine"] == "yes"

    in_cluster(main)


@pytest.mark.parametrize("seed", range(12))
def test_it_converges_under_every_fault_and_a_restart_between_two_actions(seed: int) -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        rates = FaultRates(
            conflict=0.2,
            timed_out=0.15,
            applied_but_timed_out=0.2,
            stale_read=0.3,
            dropped_watch=0.2,
            repeated_event=0.3,
            late_event_seconds=2.0,
        )
        faulty = FaultyCluster(cluster, clock, Chance(seed), rates)
        manager = started(faulty, clock)
        await manager.start()
        for number, name in enumerate("abc"):
            await cluster.create(WIDGETS, widget(name, size=number + 1))
        await clock.sleep(0.05 * seed)
        await manager.stop()
        await cluster.patch(WIDGETS, "default", "b", {"spec": {"size": 7}})
        manager = started(faulty, clock)
        await manager.start()
        await clock.sleep(60)
        faulty.rates = FaultRates()
        await clock.sleep(600)

        assert sizes(cluster) == {"a": "1", "b": "7", "c": "3"}
        assert faulty.happened

    in_cluster(main, latency=(0.001, 0.05))


def test_reasons_go_to_the_journal_when_they_change() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> list[Any]:
        journal = MemoryJournal()
        manager = Manager(cluster, clock, journal)
        manager.add(Copier(cluster, manager.listers))
        await manager.start()
        await cluster.create(WIDGETS, widget("a", size=3))
        await clock.sleep(3600)
        return [entry for entry in journal.entries if entry["what"] == "decision"]

    decisions = in_cluster(main, latency=(0.001, 0.01))

    assert decisions[0]["because"] == [{"reason": "Copied", "says": "the ConfigMap says 3", "size": 3}]
    assert decisions[0]["actions"] == ["create configmaps default/a"]
    assert len(decisions) <= 2


def test_an_assertion_of_ours_is_loud() -> None:
    class Broken(Copier):
        def decide(self, observed: Seen, now: datetime) -> Decision:
            raise AssertionError("two stable ReplicaSets")

    async def main(cluster: InProcessCluster, clock: Clock) -> list[str]:
        died: list[str] = []
        manager = Manager(cluster, clock)
        manager.add(Broken(cluster, manager.listers))
        manager.on_failure(lambda error: died.append(str(error)))
        await manager.start()
        await cluster.create(WIDGETS, widget("a"))
        await clock.sleep(1)
        return died

    assert in_cluster(main) == ["two stable ReplicaSets"]


def test_a_kind_that_nobody_defined_is_named_instead_of_waited_for() -> None:
    class Lost(Copier):
        watches: Sequence[Watch] = (owned(Resource("example.com", "v1", "Gadget", "gadgets"), "Widget"),)

    async def main(cluster: InProcessCluster, clock: Clock) -> set[str]:
        manager = Manager(cluster, clock)
        manager.add(Lost(cluster, manager.listers))
        with pytest.raises(NotFound, match=r"gadgets.example.com cannot be watched: the server could not find"):
            await manager.start()
        return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("informer")}

    assert in_cluster(main) == set()


def test_an_assertion_of_ours_is_told_even_if_nobody_asked() -> None:
    class Broken(Copier):
        def decide(self, observed: Seen, now: datetime) -> Decision:
            raise AssertionError("two stable ReplicaSets")

    async def main(cluster: InProcessCluster, clock: Clock) -> list[str]:
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["message"])))
        manager = Manager(cluster, clock)
        manager.add(Broken(cluster, manager.listers))
        await manager.start()
        await cluster.create(WIDGETS, widget("a"))
        await clock.sleep(1)
        return told

    assert in_cluster(main) == ["controller/copier/0 died, and nobody asked to be told"]
