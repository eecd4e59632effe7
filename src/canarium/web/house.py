"""The whole page over one cluster, whichever it is: every topic, every action, behind one application.

Owns: which view answers which topic, `Backend`. Must not know: how the cluster is reached, HTTP.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.gitops.application.desired import Kinds, Renderings
from canarium.gitops.git.repositories import Repositories
from canarium.kube.cluster import Cluster
from canarium.kube.controller.informer import Informer
from canarium.kube.resources import Resource
from canarium.metrics.api_params import ApiProblem, time_ms
from canarium.metrics.tsdb.store import MemoryStore
from canarium.web.actions import rollout_action
from canarium.web.application_actions import application_action
from canarium.web.history import RolloutHistory
from canarium.web.hub import Hub
from canarium.web.logs import Logs
from canarium.web.manifests import resource_manifests
from canarium.web.model import QueryNode, ResourceManifests
from canarium.web.query_tree import query_tree
from canarium.web.topics import Rows, Value
from canarium.web.views.analysis import AnalysisValue
from canarium.web.views.application import ApplicationValue
from canarium.web.views.applications import ApplicationRows, ApplicationSetRows
from canarium.web.views.explained import rollout_sentence, rollout_why
from canarium.web.views.pods import PodValue
from canarium.web.views.rollout import RolloutValue
from canarium.web.views.rollouts import RolloutRows
from canarium.web.views.session import READERS_TOPIC, Facts, Sessions
from canarium.web.views.session import TOPIC as SESSION_TOPIC
from canarium.web.views.timeline import TimelineValue


class Explorable(Protocol):
    """Finds the samples that queries are explained over."""

    def __call__(self) -> MemoryStore:
        """The store. Raises CanariumError where there is none."""
        ...


class FreshListers(Protocol):
    """See `WatchedListers`; these know whether they are fresh."""

    def __call__(self, resource: Resource) -> Informer:
        """The lister of `resource`."""
        ...


class House:
    """See `Backend`; `hub` streams the topics. Make it inside a running loop.

    kinds: what the API server calls them. repositories: None where git cannot be read as the cluster's controllers do.
    """

    def __init__(
        self,
        cluster: Cluster,
        listers: FreshListers,
        clock: Clock,
        facts: Facts,
        *,
        kinds: Kinds,
        repositories: Repositories | None,
        logs: Logs,
        store: Explorable,
    ) -> None:
        self._cluster = cluster
        self._listers = listers
        self._clock = clock
        self._facts = facts
        self._kinds = kinds
        self._repositories = repositories
        self._renderings = None if repositories is None else Renderings(repositories, kinds)
        self._logs = logs
        self._store = store
        self._history = RolloutHistory(listers, clock)
        self._sessions = Sessions(listers, clock, facts)
        self._sentence = rollout_sentence(listers, clock)
        rows: dict[str, Rows] = {
            "rollouts": RolloutRows(listers, clock, self._sentence),
            "applications": ApplicationRows(listers, clock, repositories),
            "applicationsets": ApplicationSetRows(listers, clock),
        }
        self._why = partial(rollout_why, listers, clock)
        self.hub = Hub(listers, clock, rows, self.topic_value)
        self._sessions.on_change(self._touch_sessions)

    def topic_value(self, topic: str) -> Value | None:
        """The view of a topic that is one thing; None when there is no such topic."""
        session = self._sessions(topic)
        if session is not None:
            return session
        kind, _, rest = topic.partition("/")
        namespace, slash, name = rest.partition("/")
        if not slash or not namespace or not name or "/" in name:
            return None
        listers, clock = self._listers, self._clock
        match kind:
            case "rollout":
                return RolloutValue(
                    listers,
                    clock,
                    namespace,
                    name,
                    why=self._why,
                    sentence=self._sentence,
                    is_read_only=self._facts.is_read_only,
                )
            case "timeline":
                return TimelineValue(listers, clock, self._history, namespace, name)
            case "analysis":
                return AnalysisValue(listers, clock, namespace, name)
            case "pod":
                return PodValue(listers, clock, namespace, name)
            case "application":
                return ApplicationValue(
                    listers, clock, self._repositories, namespace, name, is_read_only=self._facts.is_read_only
                )
            case _:
                return None

    def _touch_sessions(self) -> None:
        for topic in (SESSION_TOPIC, READERS_TOPIC):
            self.hub.touch(topic)

    # -- Backend --------------------------------------------------------------------------------------------------

    async def rollout_action(self, namespace: str, name: str, action: str, body: Mapping[str, Any]) -> str:
        """See `Backend`."""
        return await rollout_action(self._cluster, self._clock, namespace, name, action, body)

    async def application_action(self, namespace: str, name: str, action: str, body: Mapping[str, Any]) -> str:
        """See `Backend`."""
        return await application_action(self._cluster, self._clock, namespace, name, action, body)

    async def resource_manifests(
        self, application_namespace: str, application: str, group: str, kind: str, namespace: str, name: str
    ) -> ResourceManifests:
        """See `Backend`."""
        return await resource_manifests(
            self._cluster,
            self._kinds,
            self._renderings,
            application_namespace,
            application,
            group,
            kind,
            namespace,
            name,
        )

    async def log(self, namespace: str, pod: str, options: Mapping[str, str]) -> AsyncIterator[bytes]:
        """See `Backend`."""
        return await self._logs.log(namespace, pod, options)

    def query_tree(self, query: str, at: str) -> QueryNode:
        """See `Backend`."""
        return query_tree(self._store(), query, moment(at, self._clock.now()))


def moment(text: str, now: datetime) -> int:
    """Milliseconds since 1970 of Unix seconds or an RFC 3339 time; now, for nothing. Raises CanariumError."""
    if not text:
        return round(now.timestamp() * 1000)
    try:
        return time_ms(text, "time")
    except (ApiProblem, OverflowError) as error:
        raise CanariumError(
            f"time: {text[:60]!r} is no time", next_step="Give Unix seconds, or a time such as 2026-01-05T09:00:00Z."
        ) from error


def new_nonce() -> str:
    """An unguessable text for one answer."""
    return secrets.token_urlsafe(16)


def our_version() -> str:
    """The version of canarium, as the page shows it."""
    return version("canarium")
