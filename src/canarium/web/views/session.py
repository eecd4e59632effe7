"""Topic `session`: where the page is, and whether the cluster answers.

Owns: telling missing kinds from a cluster that does not answer, since when, and what a reader may do. Must not know:
how a cluster is reached, what the page shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from canarium.clock import Clock
from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.cluster import ApiError, NotFound
from canarium.kube.controller.reconciler import Lister
from canarium.kube.objects import Obj, format_time
from canarium.kube.resources import NAMESPACES, Resource
from canarium.rollouts.kinds import ROLLOUTS
from canarium.web.model import Session
from canarium.web.topics import Value

TOPIC = "session"
READERS_TOPIC = "session/reader"
"""What stands for `session` to those who come with the reader's token."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change while the page runs. See `Session`."""

    cluster: str
    mode: Literal["up", "dashboard"]
    version: str
    is_read_only: bool = False
    has_metrics: bool = True
    metrics_problem: str = ""
    can_diff: bool = True


class FreshLister(Lister, Protocol):
    """A lister that knows whether what it shows is fresh. See `Informer`."""

    @property
    def problem(self) -> ApiError | None:
        """Why it is not; None when it is."""
        ...

    def on_problem(self, handler: Callable[[], None]) -> None:
        """Call `handler` when there is another problem, or none any more."""
        ...


class Sessions:
    """Both sides of the topic: `sessions(topic)` is the value of `session` or `session/reader`, None for any other.

    on_change: called when the cluster stops or begins to answer, or a kind comes or goes.
    """

    def __init__(
        self,
        listers: Callable[[Resource], FreshLister],
        clock: Clock,
        facts: Facts,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._state = _State(listers, clock)
        self._state.on_change.append(on_change)
        self._by_topic: dict[str, Value] = {
            TOPIC: SessionValue(self._state, facts),
            READERS_TOPIC: SessionValue(self._state, msgspec.structs.replace(facts, is_read_only=True)),
        }

    def __call__(self, topic: str) -> Value | None:
        """The value of a topic, if it is one of these."""
        return self._by_topic.get(topic)

    def on_change(self, handler: Callable[[], None]) -> None:
        """Call `handler` when `Hub.touch` is due for both topics."""
        self._state.on_change.append(handler)


class _State:
    """What the informers know of the cluster, and since when it has not answered."""

    def __init__(self, listers: Callable[[Resource], FreshLister], clock: Clock) -> None:
        self.namespaces = listers(NAMESPACES)
        self._kinds = {resource: listers(resource) for resource in (ROLLOUTS, APPLICATIONS)}
        self._clock = clock
        self.on_change: list[Callable[[], None]] = []
        self.since = ""
        for lister in (self.namespaces, *self._kinds.values()):
            lister.on_problem(self._look)
        self._look()

    @property
    def problem(self) -> ApiError | None:
        """Why the cluster does not answer. A kind that it does not have is an answer."""
        problems = (self.namespaces.problem, self._kinds[ROLLOUTS].problem)
        return next((each for each in problems if each is not None and not isinstance(each, NotFound)), None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Plural names of kinds that nobody has defined."""
        return tuple(kind.plural for kind, lister in self._kinds.items() if isinstance(lister.problem, NotFound))

    def _look(self) -> None:
        if self.problem is None:
            self.since = ""
        elif not self.since:
            self.since = format_time(self._clock.now())
        for handler in self.on_change:
            handler()


class SessionValue:
    """See `Session`."""

    def __init__(self, state: _State, facts: Facts) -> None:
        self._state = state
        self._facts = facts

    @property
    def resources(self) -> Sequence[Resource]:
        """See `Value`."""
        return (NAMESPACES,)

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        """See `Value`."""
        del resource, obj
        return True

    def value(self) -> Session:
        """See `Value`."""
        state, facts = self._state, self._facts
        problem = state.problem
        return Session(
            cluster=facts.cluster,
            mode=facts.mode,
            version=facts.version,
            is_read_only=facts.is_read_only,
            namespaces=tuple(each["metadata"]["name"] for each in state.namespaces.list()),
            problem=_sentence(problem) if problem is not None else "",
            since=state.since,
            missing=state.missing,
            has_metrics=facts.has_metrics,
            metrics_problem=facts.metrics_problem,
            can_diff=facts.can_diff,
        )


def _sentence(problem: ApiError) -> str:
    return f"{problem.problem.rstrip('.')}. {problem.next_step}" if problem.next_step else problem.problem
