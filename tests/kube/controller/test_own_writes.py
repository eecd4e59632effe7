"""A controller does not decide on a state that it has changed itself and cannot see yet.

The toy controller spreads a Widget's size over two ConfigMaps, one unit at a time, wherever it sees the lesser share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import pytest

from canarium.clock import Chance, Clock
from canarium.kube.cluster import Cluster
from canarium.kube.controller.manager import Manager
from canarium.kube.controller.reconciler import Listers, Watch, owned
from canarium.kube.decision import Decision, Patch, Reason
from canarium.kube.faults import FaultRates, FaultyCluster
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, ObjectKey, owner_reference
from canarium.kube.resources import CONFIG_MAPS, Resource
from canarium.kube.store.port import Change
from tests.kube.worlds import WIDGETS, in_cluster, widget


class Spread(Reason, frozen=True):
    shares: tuple[int, ...]

    def __str__(self) -> str:
        return f"the shares are {self.shares}"


@dataclass(frozen=True)
class Seen:
    widget: Obj
    shares: tuple[Obj, ...]


class Spreader:
    """See the module's docstring."""

    name = "spreader"
    primary: Resource = WIDGETS
    watches: Sequence[Watch] = (owned(CONFIG_MAPS, "Widget"),)

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        self._widgets = listers(WIDGETS)
        self._shares = listers(CONFIG_MAPS)

    async def observe(self, key: ObjectKey) -> Seen | None:
        found = self._widgets.get(*key)
        return None if found is None else Seen(found, tuple(self._shares.owned_by(found["metadata"]["uid"])))

    def subject(self, observed: Seen) -> Obj:
        return observed.widget

    def decide(self, observed: Seen, now: datetime) -> Decision:
        shares = tuple(int(share["data"]["share"]) for share in observed.shares)
        turn = observed.widget["metadata"].get("annotations", {}).get("turn", "0")
        if len(shares) < 2 or sum(shares) >= observed.widget["spec"]["size"]:
            return Decision(because=(Spread(shares),))
        chosen = observed.shares[int(turn) % 2]  # whatever wakes us, another one looks like the next
        metadata = chosen["metadata"]
        more = Patch(
            resource=CONFIG_MAPS,
            namespace=metadata["namespace"],
            name=metadata["name"],
            patch={"data": {"share": str(int(chosen["data"]["share"]) + 1)}},
            resource_version=metadata["resourceVersion"],
        )
        return Decision(because=(Spread(shares),), actions=(more,))


@pytest.mark.parametrize(
    "rates",
    [
        FaultRates(),
        FaultRates(late_event_seconds=1.0),
        FaultRates(late_event_seconds=1.0, applied_but_timed_out=0.3, timed_out=0.1, conflict=0.1),
        FaultRates(late_event_seconds=1.0, applied_but_timed_out=0.1, dropped_watch=0.05, repeated_event=0.2),
    ],
    ids=["calm", "late", "lost-answers", "broken-watches"],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_writes_never_take_the_same_room(rates: FaultRates, seed: int) -> None:
    """Each share alone would not conflict; together they must not be more than there is."""
    totals: list[int] = []

    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        shares: dict[str, int] = {}

        def note(change: Change) -> None:
            shares[change.key.name] = int(msgspec.json.decode(change.raw)["data"]["share"])
            totals.append(sum(shares.values()))

        cluster.registry.store.subscribe(CONFIG_MAPS, note)
        faulty = FaultyCluster(cluster, clock, Chance(seed), rates)
        manager = Manager(faulty, clock)
        manager.add(Spreader(faulty, manager.listers))
        await manager.start()
        made = await cluster.create(WIDGETS, widget("a", size=7))
        for name in ("a-one", "a-two"):
            own = {"name": name, "namespace": "default", "ownerReferences": [owner_reference(made)]}
            await cluster.create(CONFIG_MAPS, {"metadata": own, "data": {"share": "0"}})
        for turn in range(200):
            await cluster.patch(WIDGETS, "default", "a", {"metadata": {"annotations": {"turn": str(turn)}}})
        await clock.sleep(120)

    in_cluster(main, latency=(0.001, 0.01))

    assert max(totals) == 7
