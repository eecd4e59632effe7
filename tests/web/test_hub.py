"""A page that looks at a topic knows what is there, whatever happens, and costs nothing once it is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from canarium.clock import VirtualClock
from canarium.errors import CanariumError
from canarium.kube.controller.manager import Manager
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, key_of
from canarium.kube.resources import NAMESPACES, Resource
from canarium.web.hub import LINGER_SECONDS, PING_SECONDS, Hub
from canarium.web.model import Model
from canarium.web.topics import Value
from tests.kube.worlds import WIDGETS, in_cluster, widget
from tests.web.streams import Reader, events_of


class Sized(Model, frozen=True):
    """A widget as a row."""

    key: str
    size_now: int


class WidgetRows:
    """Topic `widgets`. fails: keys whose rows cannot be made; `*` for the list of keys. made: how many rows were."""

    resources: Sequence[Resource] = (WIDGETS,)

    def __init__(self, manager: Manager) -> None:
        self._lister = manager.listers(WIDGETS)
        self.fails: dict[str, Exception] = {}
        self.made = 0

    def concerned(self, resource: Resource, obj: Obj) -> Iterable[str]:
        if "concerned" in self.fails:
            raise self.fails["concerned"]
        return [str(key_of(obj))]

    def keys(self) -> Sequence[str]:
        if "*" in self.fails:
            raise self.fails["*"]
        return [str(key_of(each)) for each in self._lister.list()]

    def row(self, key: str) -> Sized | None:
        if key in self.fails:
            raise self.fails[key]
        self.made += 1
        found = self._lister.get(*key.split("/"))
        return None if found is None else Sized(key=key, size_now=found["spec"]["size"])


class WidgetValue:
    """Topic `widget/NAMESPACE/NAME`."""

    resources: Sequence[Resource] = (WIDGETS,)

    def __init__(self, manager: Manager, key: str) -> None:
        self._lister = manager.listers(WIDGETS)
        self._key = key

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        return str(key_of(obj)) == self._key

    def value(self) -> Sized | None:
        found = self._lister.get(*self._key.split("/"))
        return None if found is None else Sized(key=self._key, size_now=found["spec"]["size"])


class World:
    """A hub over the widgets of a cluster."""

    def __init__(self, cluster: InProcessCluster, clock: VirtualClock) -> None:
        self.cluster = cluster
        self.clock = clock
        self.manager = Manager(cluster, clock)
        self.rows = WidgetRows(self.manager)
        self.hub = Hub(self.manager.listers, clock, {"widgets": self.rows}, self._value)

    def _value(self, topic: str) -> Value | None:
        if topic.startswith("widget/"):
            return WidgetValue(self.manager, topic.removeprefix("widget/"))
        if topic == "faulty":
            raise ZeroDivisionError("secret")
        return None

    def read(self, *topics: str, **options: Any) -> Reader:
        """A page that looks at some topics."""
        return Reader(self.hub.subscribe(topics), **options)

    async def create(self, *names: str) -> None:
        """Widgets of size 1."""
        for name in names:
            await self.cluster.create(WIDGETS, widget(name))

    async def resize(self, name: str, size: int) -> None:
        """Another size for a widget."""
        await self.cluster.patch(WIDGETS, "default", name, {"spec": {"size": size}})

    async def paint(self, name: str, color: str) -> None:
        """A change that no row tells of."""
        await self.cluster.patch(WIDGETS, "default", name, {"spec": {"color": color}})


def watched(main: Callable[[World], Any]) -> Any:
    """Run `main(world)` in virtual time, with informers that run."""

    async def body(cluster: InProcessCluster, clock: VirtualClock) -> Any:
        world = World(cluster, clock)
        await world.manager.start()
        try:
            return await main(world)
        finally:
            await world.manager.stop()

    return in_cluster(body)


def row(name: str, size: int = 1) -> dict[str, Any]:
    """A row as JSON."""
    return {"key": f"default/{name}", "sizeNow": size}


def test_a_page_gets_what_is_there_and_then_what_changes() -> None:
    async def main(world: World) -> None:
        await world.create("a", "b")
        await world.clock.sleep(1)
        page = world.read("widgets")
        await world.clock.sleep(1)

        hello, snapshot = page.take()
        assert (hello[0], set(hello[1])) == ("hello", {"now", "epoch"})
        assert hello[1]["now"].endswith("Z")
        assert snapshot == ("snapshot", {"topic": "widgets", "rows": [row("a"), row("b")]})

        await world.resize("a", 5)
        await world.clock.sleep(1)
        assert page.take() == [("change", {"topic": "widgets", "rows": [row("a", 5)], "gone": []})]

        await world.cluster.delete(WIDGETS, "default", "b")
        await world.clock.sleep(1)
        assert page.take() == [("change", {"topic": "widgets", "rows": [], "gone": ["default/b"]})]
        await page.close()

    watched(main)


def test_changes_of_one_moment_travel_together() -> None:
    async def main(world: World) -> None:
        page = world.read("widgets")
        await world.clock.sleep(1)
        page.take()

        await world.create("a", "b", "c")
        await world.resize("a", 2)
        await world.clock.sleep(1)

        assert page.take() == [("change", {"topic": "widgets", "rows": [row("a", 2), row("b"), row("c")], "gone": []})]
        await page.close()

    watched(main)


def test_a_change_is_sent_within_twenty_milliseconds() -> None:
    async def main(world: World) -> None:
        await world.create("a")
        page = world.read("widgets")
        await world.clock.sleep(1)
        page.take()

        heard: list[float] = []
        world.manager.listers(WIDGETS).on_change(lambda obj: heard.append(world.clock.monotonic()))
        await world.resize("a", 2)
        while not heard:
            await world.clock.sleep(0.001)
        await world.clock.sleep(heard[0] + 0.02 - world.clock.monotonic())

        assert page.take() == [("change", {"topic": "widgets", "rows": [row("a", 2)], "gone": []})]
        await page.close()

    watched(main)


def test_a_row_that_says_the_same_is_not_sent_again() -> None:
    async def main(world: World) -> None:
        await world.create("a")
        page = world.read("widgets", "widget/default/a")
        await world.clock.sleep(1)
        page.take()

        await world.paint("a", "blue")
        await world.clock.sleep(1)

        assert page.take() == []
        await page.close()

    watched(main)


def test_a_value_is_null_before_it_exists_and_after() -> None:
    async def main(world: World) -> None:
        topic = "widget/default/a"
        page = world.read(topic)
        await world.clock.sleep(1)
        assert page.take()[1:] == [("value", {"topic": topic, "value": None})]

        await world.create("a")
        await world.clock.sleep(1)
        assert page.take() == [("value", {"topic": topic, "value": row("a")})]

        await world.cluster.delete(WIDGETS, "default", "a")
        await world.clock.sleep(1)
        assert page.take() == [("value", {"topic": topic, "value": None})]
        await page.close()

    watched(main)


def test_a_row_is_made_once_however_many_look() -> None:
    async def main(world: World) -> None:
        await world.create("a", "b")
        pages = [world.read("widgets") for _ in range(5)]
        await world.clock.sleep(1)
        assert world.rows.made == 2

        await world.resize("a", 2)
        await world.clock.sleep(1)

        assert world.rows.made == 3
        assert [page.take()[-1][1]["rows"] for page in pages] == [[row("a", 2)]] * 5
        for page in pages:
            await page.close()

    watched(main)


def test_a_slow_reader_gets_the_latest_only() -> None:
    async def main(world: World) -> None:
        await world.create("a")
        await world.clock.sleep(1)
        chunks = world.hub.subscribe(["widgets"])
        assert [kind for kind, _ in events_of(await anext(chunks) + await anext(chunks))] == ["hello", "snapshot"]

        for size in range(2, 200):
            await world.resize("a", size)
            await world.clock.sleep(0.02)

        (event,) = events_of(await anext(chunks))
        assert event == ("change", {"topic": "widgets", "rows": [row("a", 199)], "gone": []})
        await chunks.aclose()  # type: ignore[attr-defined]

    watched(main)


def test_a_quiet_stream_says_the_time_every_five_seconds() -> None:
    async def main(world: World) -> None:
        page = world.read("widgets", pings=True)
        await world.clock.sleep(1)
        page.take()

        await world.clock.sleep(4 * PING_SECONDS)

        assert [kind for kind, _ in page.take()] == ["ping"] * 4
        await page.close()

    watched(main)


def test_a_closed_page_leaves_nothing_behind() -> None:
    async def main(world: World) -> None:
        await world.create("a")
        stays, leaves = world.read("widgets"), world.read("widgets", "widget/default/a")
        await world.clock.sleep(1)
        assert (world.hub.watchers, world.hub.open_topics) == (2, ["widget/default/a", "widgets"])

        await leaves.close()
        assert (world.hub.watchers, world.hub.open_topics) == (1, ["widgets"])
        await stays.close()
        assert (world.hub.watchers, world.hub.open_topics) == (0, [])

        made = world.rows.made
        await world.resize("a", 3)
        await world.clock.sleep(1)
        assert world.rows.made == made

    watched(main)


def test_a_page_that_comes_back_sees_what_it_missed() -> None:
    async def main(world: World) -> None:
        await world.create("a", "b")
        page = world.read("widgets")
        await world.clock.sleep(1)
        await page.close()
        await world.resize("a", 9)
        await world.cluster.delete(WIDGETS, "default", "b")
        await world.clock.sleep(1)

        again = world.read("widgets")
        await world.clock.sleep(1)

        assert again.take()[1] == ("snapshot", {"topic": "widgets", "rows": [row("a", 9)]})
        await again.close()

    watched(main)


def test_a_topic_that_nobody_knows_is_a_problem_of_its_own() -> None:
    async def main(world: World) -> None:
        page = world.read("nonsense", "faulty", "widgets")
        await world.clock.sleep(1)

        _, unknown, faulty, snapshot = page.take()
        assert unknown[0] == "problem"
        assert unknown[1]["topic"] == "nonsense"
        assert unknown[1]["nextStep"]
        assert faulty[1]["problem"] == "faulty cannot be shown: ZeroDivisionError in canarium"
        assert snapshot[0] == "snapshot"
        await page.close()

    watched(main)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KeyError("password=hunter2"), "default/a cannot be shown: KeyError in canarium"),
        (CanariumError("the strategy is none that is known"), "the strategy is none that is known"),
    ],
    ids=["a fault of ours", "an error of the user's"],
)
def test_a_row_that_cannot_be_shown_costs_that_row_only_and_heals(error: Exception, says: str) -> None:
    async def main(world: World) -> None:
        await world.create("a", "b")
        world.rows.fails["default/a"] = error
        page = world.read("widgets")
        await world.clock.sleep(1)
        _, snapshot, problem = page.take()
        assert snapshot == ("snapshot", {"topic": "widgets", "rows": [row("b")]})
        assert problem[0] == "row-problem"
        assert (problem[1]["key"], problem[1]["problem"]) == ("default/a", says)

        await world.resize("b", 2)
        await world.clock.sleep(3 * PING_SECONDS)
        assert page.take() == [("change", {"topic": "widgets", "rows": [row("b", 2)], "gone": []})], "told once"

        world.rows.fails.clear()
        await world.clock.sleep(PING_SECONDS)
        assert page.take() == [("change", {"topic": "widgets", "rows": [row("a")], "gone": []})]
        await page.close()

    watched(main)


def test_a_topic_that_cannot_be_shown_says_so_once_and_is_whole_when_it_heals() -> None:
    async def main(world: World) -> None:
        await world.create("a", "b")
        page = world.read("widgets", "widget/default/a")
        await world.clock.sleep(1)
        page.take()

        world.rows.fails["*"] = RuntimeError("secret")
        world.hub.touch("widgets")
        await world.clock.sleep(3 * PING_SECONDS)
        ((kind, data),) = page.take()
        assert (kind, data["problem"]) == ("problem", "widgets cannot be shown: RuntimeError in canarium")

        world.rows.fails.clear()
        await world.clock.sleep(PING_SECONDS)
        assert page.take() == [("snapshot", {"topic": "widgets", "rows": [row("a"), row("b")]})]
        await page.close()

    watched(main)


def test_a_value_that_cannot_be_shown_heals() -> None:
    async def main(world: World) -> None:
        fails = [True]

        class Shaky:
            resources: Sequence[Resource] = (NAMESPACES,)

            def is_concerned(self, resource: Resource, obj: Obj) -> bool:
                return True

            def value(self) -> Sized:
                if fails[0]:
                    raise RuntimeError("secret")
                return Sized(key="", size_now=1)

        hub = Hub(world.manager.listers, world.clock, {}, lambda topic: Shaky())
        page = Reader(hub.subscribe(["shaky"]))
        await world.clock.sleep(3 * PING_SECONDS)
        assert [kind for kind, _ in page.take()] == ["hello", "problem"]

        fails[0] = False
        await world.clock.sleep(PING_SECONDS)

        assert page.take() == [("value", {"topic": "shaky", "value": {"key": "", "sizeNow": 1}})]
        await page.close()

    watched(main)


def test_a_page_that_goes_elsewhere_and_back_does_not_have_every_row_made_again() -> None:
    async def main(world: World) -> None:
        await world.create("a", "b")
        stays, leaves = world.read("widget/default/a"), world.read("widgets")
        await world.clock.sleep(1)
        await leaves.close()
        await world.resize("a", 2)
        await world.clock.sleep(1)
        made = world.rows.made

        back = world.read("widgets")
        await world.clock.sleep(1)
        assert back.take()[1] == ("snapshot", {"topic": "widgets", "rows": [row("a", 2), row("b")]})
        assert world.rows.made == made + 1, "only the one that changed"

        await back.close()
        await world.clock.sleep(LINGER_SECONDS + 1)
        made = world.rows.made
        late = world.read("widgets")
        await world.clock.sleep(1)
        assert world.rows.made == made + 2
        for page in (stays, late):
            await page.close()

    watched(main)


def test_a_view_that_cannot_tell_what_changed_is_looked_at_whole() -> None:
    async def main(world: World) -> None:
        await world.create("a", "b")
        page = world.read("widgets")
        await world.clock.sleep(1)
        page.take()
        world.rows.fails["concerned"] = RuntimeError("secret")

        await world.resize("b", 4)
        await world.clock.sleep(1)

        assert page.take() == [("change", {"topic": "widgets", "rows": [row("b", 4)], "gone": []})]
        assert world.manager.listers(WIDGETS).get("default", "b") is not None, "the informer goes on"
        await page.close()

    watched(main)


def test_what_no_lister_tells_of_is_sent_after_a_touch() -> None:
    async def main(world: World) -> None:
        facts = {"answer": 1}

        class Told:
            resources: Sequence[Resource] = (NAMESPACES,)

            def is_concerned(self, resource: Resource, obj: Obj) -> bool:
                return False

            def value(self) -> Sized:
                return Sized(key="", size_now=facts["answer"])

        hub = Hub(world.manager.listers, world.clock, {}, lambda topic: Told())
        page = Reader(hub.subscribe(["told"], {"told": "told/inside"}))
        await world.clock.sleep(1)
        page.take()

        facts["answer"] = 2
        await world.clock.sleep(1)
        assert page.take() == []
        hub.touch("told/inside")
        await world.clock.sleep(1)

        assert page.take() == [("value", {"topic": "told", "value": {"key": "", "sizeNow": 2}})]
        await page.close()

    watched(main)


def test_many_rows_leave_others_their_turn() -> None:
    async def main(world: World) -> None:
        await world.create(*(f"w{number:03}" for number in range(500)))
        await world.clock.sleep(1)
        page = world.read("widgets")
        turns = 0
        while not world.rows.made:
            await world.clock.sleep(0)
        while world.rows.made < 500:
            turns += 1
            await world.clock.sleep(0)
        assert turns >= 9

        await world.clock.sleep(1)
        assert len(page.take()[1][1]["rows"]) == 500
        await page.close()

    watched(main)


def test_what_changes_while_a_snapshot_is_made_is_not_lost() -> None:
    async def main(world: World) -> None:
        await world.create(*(f"w{number:03}" for number in range(200)))
        await world.clock.sleep(1)
        page = world.read("widgets")
        while not world.rows.made:
            await world.clock.sleep(0)
        await world.resize("w000", 7)
        await world.clock.sleep(1)

        shown: dict[str, Any] = {}
        for _, data in page.take()[1:]:
            shown |= {each["key"]: each["sizeNow"] for each in data["rows"]}
        assert shown["default/w000"] == 7
        assert len(shown) == 200
        await page.close()

    watched(main)


def test_every_stream_ends_when_the_hub_stops() -> None:
    async def main(world: World) -> None:
        page = world.read("widgets")
        await world.clock.sleep(1)

        world.hub.stop()
        await page.task

        late = world.read("widgets")
        await late.task
        assert world.hub.watchers == 0

    watched(main)
