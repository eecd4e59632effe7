"""Topics as server-sent events: what is there, then what changes, to every page that looks.

Owns: subscriptions, what each has been sent, when changes are gathered, the bytes of events. Must not know: HTTP, what
a row says.

A subscription keeps which rows are due, never what they said: a reader that is slow gets each row once, as it is by
then, and nothing piles up. A row is made and encoded once for all who look at its topic. A view that fails ends no
stream: a topic that cannot be shown is a `problem` (what follows it is whole again), and a row that cannot be is a
`row-problem` (`topic`, `key`, `problem`, `nextStep`) while the others go on. Both are tried again at each ping.
Source of the format: the HTML standard, 9.2 Server-sent events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.kube.controller.reconciler import WatchedListers
from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.web.model import Model
from canarium.web.topics import Rows, Value

GATHER_SECONDS = 0.015
"""How long changes are gathered: one rollout step touches many objects within a few milliseconds."""
PING_SECONDS = 5.0
RETRY_MS = 500
LINGER_SECONDS = 30.0
"""How long the rows of a list are kept that nobody looks at: a page that goes elsewhere and back asks again."""
ROWS_AT_A_TIME = 50
SECONDS_AT_A_TIME = 0.008
"""Others get their turn after that many rows, or that long."""

_encode = msgspec.json.Encoder().encode
_NULL = b"null"


def stamp(at: datetime) -> str:
    """A time for the page: RFC 3339 in UTC with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Hub:
    """Streams topics. rows: the topics that are lists. values: finds any other by its name, None when there is none.

    Listers are asked for when somebody first looks at a topic.
    """

    def __init__(
        self,
        listers: WatchedListers,
        clock: Clock,
        rows: Mapping[str, Rows],
        values: Callable[[str], Value | None],
    ) -> None:
        self._listers = listers
        self._clock = clock
        self._rows = rows
        self._values = values
        self._epoch = stamp(clock.now())
        self._channels: dict[str, _Channel] = {}
        self._heard: set[Resource] = set()
        self._subscriptions: dict[_Subscription, None] = {}
        self._is_stopped = False

    @property
    def watchers(self) -> int:
        """How many subscriptions are open."""
        return len(self._subscriptions)

    @property
    def open_topics(self) -> Sequence[str]:
        """The topics that somebody looks at."""
        return sorted(name for name, channel in self._channels.items() if channel.followers)

    def touch(self, topic: str) -> None:
        """Look at a topic again, all of it: something changed that no lister tells of."""
        channel = self._channels.get(topic)
        if channel is not None:
            channel.touch()

    def stop(self) -> None:
        """End every subscription, and those to come."""
        self._is_stopped = True
        for subscription in self._subscriptions:
            subscription.woken.set()

    async def subscribe(
        self, topics: Iterable[str], stand_ins: Mapping[str, str] | None = None
    ) -> AsyncIterator[bytes]:
        """Events of some topics, for as long as it is read; close it, or it goes on to be kept up to date.

        stand_ins: by topic, the name of one that is shown under its name.
        """
        subscription = _Subscription()
        self._subscriptions[subscription] = None
        try:
            yield f"retry: {RETRY_MS}\n".encode() + _event("hello", {"now": self._now(), "epoch": self._epoch})
            for topic in dict.fromkeys(topics):
                try:
                    channel = self._channel((stand_ins or {}).get(topic, topic))
                except Exception as error:  # noqa: BLE001  # a view of ours that fails takes its topic only
                    yield _problem(topic, error)
                    continue
                if channel is None:
                    step = "Reload the page: it may be older or newer than the server."
                    yield _problem(topic, CanariumError(f"there is no topic {topic!r}", next_step=step))
                    continue
                subscription.follow(topic, channel)
            ping_at = self._clock.monotonic() + PING_SECONDS
            while not self._is_stopped:
                subscription.woken.clear()
                for feed in subscription.feeds:
                    event = await feed.event(self._clock)
                    if event:
                        yield event
                left = ping_at - self._clock.monotonic()
                if left <= 0:
                    ping_at += PING_SECONDS * (1 + int(-left // PING_SECONDS))
                    yield _event("ping", {"now": self._now()})
                elif not self._is_stopped and await subscription.is_woken_within(left) and not self._is_stopped:
                    await self._clock.sleep(GATHER_SECONDS)
        finally:
            del self._subscriptions[subscription]
            subscription.leave(self._clock.monotonic())
            self._sweep()

    def _now(self) -> str:
        return stamp(self._clock.now())

    def _sweep(self) -> None:
        """Forget what nobody has looked at for a while; single things at once."""
        now = self._clock.monotonic()
        for name, channel in list(self._channels.items()):
            if channel.is_forgotten(now):
                del self._channels[name]

    def _channel(self, name: str) -> _Channel | None:
        self._sweep()
        found = self._channels.get(name)
        if found is not None:
            return found
        rows = self._rows.get(name)
        view: _View
        if rows is not None:
            view = rows
        else:
            value = self._values(name)
            if value is None:
                return None
            view = _Single(value)
        channel = _Channel(name, view)
        for resource in view.resources:
            if resource not in self._heard:
                self._heard.add(resource)
                self._listers(resource).on_change(self._hears_of(resource))
        self._channels[name] = channel
        return channel

    def _hears_of(self, resource: Resource) -> Callable[[Obj], None]:
        def hear(obj: Obj) -> None:
            if not self._subscriptions:
                self._channels.clear()  # nothing lingers at the cost of a cluster that nobody looks at
            for channel in self._channels.values():
                channel.hear(resource, obj)

        return hear


class _Single:
    """A `Value` as a list of one row without a key."""

    def __init__(self, value: Value) -> None:
        self._value = value
        self.resources = tuple(value.resources)

    def concerned(self, resource: Resource, obj: Obj) -> Iterable[str]:
        return ("",) if self._value.is_concerned(resource, obj) else ()

    def keys(self) -> Sequence[str]:
        return ("",)

    def row(self, key: str) -> Model | None:
        del key
        return self._value.value()


_View = Rows | _Single


class _Channel:
    """A topic that somebody looks at, with its rows as they are sent."""

    def __init__(self, name: str, view: _View) -> None:
        self.name = name
        self.followers: dict[_Feed, None] = {}
        self.is_single = isinstance(view, _Single)
        self._view = view
        self._resources = frozenset(view.resources)
        self._encoded: dict[str, bytes | None] = {}
        self._left_at = 0.0

    def leave(self, feed: _Feed, now: float) -> None:
        self.followers.pop(feed, None)
        self._left_at = now

    def is_forgotten(self, now: float) -> bool:
        return not self.followers and (self.is_single or now - self._left_at > LINGER_SECONDS)

    def hear(self, resource: Resource, obj: Obj) -> None:
        if resource not in self._resources:
            return
        try:
            concerned = set(self._view.concerned(resource, obj))
        except Exception:  # noqa: BLE001  # who cannot tell which rows are concerned looks at all; informers go on
            self.touch()
            return
        if concerned:
            for key in concerned:
                self._encoded.pop(key, None)
            for feed in self.followers:
                feed.mark(concerned)

    def touch(self) -> None:
        self._encoded.clear()
        for feed in self.followers:
            feed.mark_all()

    def keys(self) -> Sequence[str]:
        return self._view.keys()

    def encoded(self, key: str) -> bytes | None:
        """A row's JSON, None when it is gone. Raises whatever the view raises."""
        if key in self._encoded:
            return self._encoded[key]
        row = self._view.row(key)
        raw = None if row is None else _encode(row)
        if raw is not None or self.is_single:
            self._encoded[key] = raw
        return raw


class _Feed:
    """What one subscription has of one topic. sent: by key, as the reader knows it. broken: by key, what the reader was
    told of a row that cannot be shown; it may still have an older one."""

    def __init__(self, topic: str, channel: _Channel, woken: asyncio.Event) -> None:
        self.topic = topic
        self.channel = channel
        self._woken = woken
        self._sent: dict[str, bytes] = {}
        self._due: set[str] = set()
        self._is_all_due = True
        self._is_first = True
        self._broken: dict[str, bytes] = {}
        self._problem = b""
        woken.set()

    def mark(self, keys: Iterable[str]) -> None:
        self._due.update(keys)
        self._woken.set()

    def mark_all(self) -> None:
        self._is_all_due = True
        self._woken.set()

    async def event(self, clock: Clock) -> bytes:
        """What is due, as some events; empty when all of it says what it said before."""
        if not self._due and not self._is_all_due and not self._broken:
            return b""
        try:
            keys = self._take_due()
        except Exception as error:  # noqa: BLE001  # a view of ours that fails takes its topic only
            return self._failed(error)
        rows: list[bytes] = []
        gone: list[str] = []
        problems: list[bytes] = []
        started, count = clock.monotonic(), 0
        for key in keys:
            try:
                raw = self.channel.encoded(key)
            except Exception as error:  # noqa: BLE001  # a view of ours that fails takes its row only
                if self.channel.is_single:
                    self._due.add(key)
                    return self._failed(error)
                problem = _problem(self.topic, error, key)
                if self._broken.get(key) != problem:
                    self._broken[key] = problem
                    problems.append(problem)
            else:
                self._take(key, _NULL if raw is None and self.channel.is_single else raw, rows, gone)
            count += 1
            if count == ROWS_AT_A_TIME or clock.monotonic() - started > SECONDS_AT_A_TIME:
                await clock.sleep(0)
                started, count = clock.monotonic(), 0
        self._problem = b""
        return self._told(rows, gone) + b"".join(problems)

    def _failed(self, error: Exception) -> bytes:
        """The topic cannot be shown. The reader is told once, and forgets what it had."""
        problem = _problem(self.topic, error)
        is_news = problem != self._problem
        self._problem = problem
        self._sent.clear()
        self._broken.clear()
        self._is_first = True
        return problem if is_news else b""

    def _take_due(self) -> Sequence[str]:
        """The keys to look at; from now on changes are due again."""
        if self._is_all_due:
            there = self.channel.keys()
            keys: Sequence[str] = [*there, *sorted((self._sent.keys() | self._due) - set(there))]
        else:
            keys = sorted(self._due | self._broken.keys())
        self._is_all_due = False
        self._due.clear()
        return keys

    def _take(self, key: str, raw: bytes | None, rows: list[bytes], gone: list[str]) -> None:
        was_broken = self._broken.pop(key, None) is not None
        if raw is None:
            if self._sent.pop(key, None) is not None or was_broken:
                gone.append(key)
        elif was_broken or self._sent.get(key) != raw:
            self._sent[key] = raw
            rows.append(raw)

    def _told(self, rows: Sequence[bytes], gone: Sequence[str]) -> bytes:
        topic = _encode(self.topic)
        if self.channel.is_single:
            return _sse("value", b'{"topic":%b,"value":%b}' % (topic, rows[0])) if rows else b""
        if self._is_first:
            self._is_first = False
            return _sse("snapshot", b'{"topic":%b,"rows":[%b]}' % (topic, b",".join(rows)))
        if not rows and not gone:
            return b""
        return _sse("change", b'{"topic":%b,"rows":[%b],"gone":%b}' % (topic, b",".join(rows), _encode(gone)))


class _Subscription:
    """One reader."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.feeds: list[_Feed] = []

    def follow(self, topic: str, channel: _Channel) -> None:
        feed = _Feed(topic, channel, self.woken)
        channel.followers[feed] = None
        self.feeds.append(feed)

    def leave(self, now: float) -> None:
        """Hear no more."""
        for feed in self.feeds:
            feed.channel.leave(feed, now)

    async def is_woken_within(self, seconds: float) -> bool:
        """Whether anything became due within the time."""
        try:
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        except TimeoutError:
            return False
        return True


def _problem(topic: str, error: Exception, key: str = "") -> bytes:
    """What a reader is told of a failure: our own words as they are, of anything else its type only."""
    if isinstance(error, CanariumError):
        problem, step = error.problem, error.next_step
    else:
        problem = f"{key or topic} cannot be shown: {type(error).__name__} in canarium"
        step = "This is a fault in canarium: please report it. The same can be seen with kubectl meanwhile."
    data = {"topic": topic, "problem": problem, "nextStep": step}
    return _event("row-problem", {**data, "key": key}) if key else _event("problem", data)


def _event(kind: str, data: Mapping[str, str]) -> bytes:
    return _sse(kind, _encode(data))


def _sse(kind: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)
