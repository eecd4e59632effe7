"""AnalysisRuns from beginning to end, on an in-process cluster in virtual time, with a Prometheus that is a table."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from canarium.clock import Chance, VirtualClock, run_virtual
from canarium.journal import MemoryJournal
from canarium.kube.controller.manager import Manager
from canarium.kube.faults import FaultRates, FaultyCluster
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.objects import Obj, ObjectKey, parse_time
from canarium.kube.registry import Registry
from canarium.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, EVENTS, NAMESPACES, SECRETS
from canarium.kube.store.memory import MemoryStore
from canarium.nodes.network import HttpResponse
from canarium.rollouts.analysis.reconciler import AnalysisRunController
from canarium.rollouts.analysis.templates import build_run
from canarium.rollouts.crds import CRDS
from canarium.rollouts.kinds import ANALYSIS_RUNS
from tests.rollouts.analysis.answers import Answers, refused, vector
from tests.rollouts.analysis.builders import metric


@dataclass
class World:
    """A cluster with the controller at work, and what it told."""

    cluster: InProcessCluster
    clock: VirtualClock
    network: Answers
    journal: MemoryJournal

    async def create(self, run: Obj) -> None:
        await self.cluster.create(ANALYSIS_RUNS, run)

    async def status(self, name: str = "run") -> Obj:
        found: Obj = (await self.cluster.get(ANALYSIS_RUNS, "echo-staging", name)).get("status") or {}
        return found

    async def completed(self, name: str = "run") -> Obj:
        for _ in range(3600):
            status = await self.status(name)
            if status.get("phase") in ("Successful", "Failed", "Error", "Inconclusive"):
                return status
            await self.clock.sleep(1)
        raise AssertionError(f"still {status}")

    def measurements(self) -> list[Obj]:
        return [entry for entry in self.journal.entries if entry["what"] == "measurement"]


def in_world(
    story: Callable[[World], Coroutine[Any, Any, None]],
    hosts: dict[str, dict[str, Any]],
    *,
    latency: float = 0.02,
    faults: FaultRates | None = None,
    seed: int = 1,
) -> None:
    async def main(clock: VirtualClock) -> None:
        chance = Chance(seed)
        journal = MemoryJournal(clock.monotonic)
        registry = Registry(MemoryStore(), now=clock.now, chance=chance.stream("registry"))
        registry.create(NAMESPACES, {"metadata": {"name": "echo-staging"}})
        for definition in CRDS:
            registry.create(CUSTOM_RESOURCE_DEFINITIONS, definition)
        cluster = InProcessCluster(registry, clock, chance, latency=(latency / 10, latency), journal=journal)
        network = Answers(hosts)
        seen = cluster if faults is None else FaultyCluster(cluster, clock, chance, faults)
        manager = Manager(seen, clock, journal)
        manager.add(AnalysisRunController(seen, manager.listers, clock, network, journal))
        failures: list[BaseException] = []
        manager.on_failure(failures.append)
        await manager.start()
        await story(World(cluster, clock, network, journal))
        await manager.stop()
        assert failures == []

    run_virtual(main)


RESTARTS = """# there should be no restarts
sum(increase(kube_pod_container_status_restarts_total{namespace="{{args.namespace}}", pod=~"echo-server-.*"}[1m])) \
or vector(0)"""
RESTARTS_SENT = RESTARTS.replace("{{args.namespace}}", "echo-staging")
READY = "# how many are ready?\n# nobody knows"
GOOD, BAD = "http://prometheus-server.prometheus.svc.cluster.local", "http://prom-server.prometheus.svc.cluster.local"
NO_EXPRESSION = refused("bad_data", 'invalid parameter "query": 1:1: parse error: no expression found in input')
HOSTS = {GOOD.removeprefix("http://"): {RESTARTS_SENT: vector("0"), READY: NO_EXPRESSION}}


def echo_analysis(address: str, condition: str) -> Obj:
    """The run of the Silent Canary's first analysis step."""

    def one(name: str, address: str, condition: str, query: str) -> Obj:
        return {
            "name": name,
            "count": 1,
            "failureLimit": 0,
            "inconclusiveLimit": 0,
            "consecutiveErrorLimit": 0,
            "successCondition": condition,
            "provider": {"prometheus": {"address": address, "query": query}},
        }

    template = {
        "spec": {
            "args": [{"name": "namespace"}],
            "metrics": [
                one("container-restarts", address, condition, RESTARTS),
                one("ready-containers", GOOD, "result[0] >= 1", READY),
            ],
        }
    }
    return build_run(
        name="run",
        namespace="echo-staging",
        labels={},
        annotations={},
        owner=None,
        templates=[template],
        args=[{"name": "namespace", "value": "echo-staging"}],
    )


def test_an_address_that_nobody_serves() -> None:
    async def story(world: World) -> None:
        await world.create(echo_analysis(BAD, "result[0] > 0"))

        status = await world.completed()

        assert status["phase"] == "Error"
        assert status["message"] == (
            'Metric "container-restarts" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): '
            '"Error Message: Post "http://prom-server.prometheus.svc.cluster.local/api/v1/query": dial tcp: '
            'lookup prom-server.prometheus.svc.cluster.local on 10.96.0.10:53: no such host"'
        )

    in_world(story, HOSTS)


def test_a_condition_that_a_healthy_release_fails() -> None:
    async def story(world: World) -> None:
        await world.create(echo_analysis(GOOD, "result[0] > 0"))

        status = await world.completed()

        assert status["phase"] == "Failed"
        assert status["message"] == 'Metric "container-restarts" assessed Failed due to failed (1) > failureLimit (0)'

    in_world(story, HOSTS)


def test_a_query_that_is_only_comments() -> None:
    async def story(world: World) -> None:
        await world.create(echo_analysis(GOOD, "result[0] == 0"))

        status = await world.completed()

        restarts, ready = status["metricResults"]
        assert (restarts["name"], restarts["phase"]) == ("container-restarts", "Successful")
        assert restarts["metadata"] == {"ResolvedPrometheusQuery": RESTARTS_SENT}
        assert restarts["measurements"][0]["value"] == "[0]"
        assert (ready["name"], ready["phase"]) == ("ready-containers", "Error")
        assert status["message"] == (
            'Metric "ready-containers" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): '
            '"Error Message: bad_data: invalid parameter "query": 1:1: parse error: no expression found in input"'
        )
        assert status["runSummary"] == {"count": 2, "error": 1, "successful": 1}
        assert status["dryRunSummary"] == {}
        events = (await world.cluster.list(EVENTS, "echo-staging")).items
        assert sorted((event["reason"], event["message"], event["count"]) for event in events) == [
            ("AnalysisRunError", "Analysis Completed. Result: Error", 1),
            ("MetricError", "Metric 'ready-containers' Completed. Result: Error", 1),
            ("MetricSuccessful", "Metric 'container-restarts' Completed. Result: Successful", 1),
        ]

    in_world(story, HOSTS)


def prometheus_run(**fields: Any) -> Obj:
    """A run of one metric, `m`, that asks for `up`; fields are of the metric, `spec` and `name` aside."""
    spec, name = fields.pop("spec", {}), fields.pop("name", "run")
    asked = metric("m", **{"provider": {"prometheus": {"address": GOOD, "query": "up"}}, **fields})
    return {"metadata": {"name": name, "namespace": "echo-staging"}, "spec": {"metrics": [asked], **spec}}


def up(answer: Any) -> dict[str, dict[str, Any]]:
    return {GOOD.removeprefix("http://"): {"*": answer}}


def test_a_metric_is_measured_at_its_interval_and_no_oftener() -> None:
    async def story(world: World) -> None:
        await world.create(prometheus_run(interval="30s", count=4, initialDelay="15s"))

        status = await world.completed()

        assert status["phase"] == "Successful"
        assert status["metricResults"][0]["count"] == 4
        assert len(world.measurements()) == len(world.network.requests) == 4
        starts = [parse_time(item["startedAt"]) for item in status["metricResults"][0]["measurements"]]
        assert starts[0] - parse_time(status["startedAt"]) == timedelta(seconds=15)
        assert {later - earlier for earlier, later in pairwise(starts)} == {timedelta(seconds=30)}

    in_world(story, up(vector("1")))


def test_errors_are_retried_until_they_are_too_many() -> None:
    async def story(world: World) -> None:
        await world.create(prometheus_run(interval="5m", count=2))

        status = await world.completed()

        assert status["phase"] == "Error"
        assert len(world.measurements()) == 5
        elapsed = parse_time(status["completedAt"]) - parse_time(status["startedAt"])
        assert elapsed == timedelta(seconds=40)
        assert status["message"].startswith(
            'Metric "m" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4)'
        )

    in_world(story, up(HttpResponse(503, {}, b"")))


def test_a_run_that_is_told_to_terminate_stops_measuring() -> None:
    async def story(world: World) -> None:
        await world.create(prometheus_run(interval="10s"))
        await world.clock.sleep(35)

        await world.cluster.patch(ANALYSIS_RUNS, "echo-staging", "run", {"spec": {"terminate": True}})
        status = await world.completed()
        await world.clock.sleep(60)

        assert (status["phase"], status["message"]) == ("Successful", "Run Terminated")
        assert len(world.measurements()) == 4

    in_world(story, up(vector("1")))


def test_a_secret_reaches_the_peer_and_nobody_else() -> None:
    async def story(world: World) -> None:
        secret = {"metadata": {"name": "s", "namespace": "echo-staging"}, "data": {"token": _encoded("hush-hush")}}
        await world.cluster.create(SECRETS, secret)
        provider = {
            "prometheus": {
                "address": GOOD,
                "query": 'up{key="{{args.token}}"}',
                "headers": [{"key": "Authorization", "value": "Bearer {{args.token}}"}],
            }
        }
        args = [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}}]
        await world.create(prometheus_run(provider=provider, consecutiveErrorLimit=0, spec={"args": args}))

        status = await world.completed()

        assert world.network.requests[0].headers["Authorization"] == "Bearer hush-hush"
        assert status["metricResults"][0]["measurements"][0]["message"] == "execution: no ***** here"
        assert status["metricResults"][0]["metadata"] == {"ResolvedPrometheusQuery": 'up{key="*****"}'}
        assert "hush" not in str(status)
        assert "hush" not in str([entry for entry in world.journal.entries if entry["what"] != "create"])

    in_world(story, up(refused("execution", "no hush-hush here", 422)))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_missing_secret_or_key_ends_the_run() -> None:
    async def story(world: World) -> None:
        await world.cluster.create(SECRETS, {"metadata": {"name": "s", "namespace": "echo-staging"}, "data": {}})
        for name, secret in (("no-secret", "absent"), ("no-key", "s")):
            args = [{"name": "token", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}}]
            await world.create(prometheus_run(name=name, spec={"args": args}))

        assert await world.completed("no-secret") == {
            "phase": "Error",
            "message": 'Unable to resolve metric arguments: secrets "absent" not found',
        }
        assert await world.completed("no-key") == {
            "phase": "Error",
            "message": "Unable to resolve metric arguments: key 'k' does not exist in secret 's'",
        }

    in_world(story, up(vector("1")))


def test_a_provider_that_is_not_built_is_an_error_of_its_measurement() -> None:
    async def story(world: World) -> None:
        await world.create(prometheus_run(provider={"web": {"url": "http://x"}}, consecutiveErrorLimit=0))

        status = await world.completed()

        [measured] = status["metricResults"][0]["measurements"]
        assert measured["message"] == "canarium cannot measure with the provider web yet (metric 'm')"
        assert measured["finishedAt"]
        assert "metadata" not in status["metricResults"][0]

    in_world(story, {})


def test_a_completed_run_is_deleted_after_its_time_to_live() -> None:
    async def story(world: World) -> None:
        await world.create(prometheus_run(spec={"ttlStrategy": {"secondsAfterCompletion": 60}}))
        await world.completed()

        await world.clock.sleep(59)
        assert (await world.cluster.list(ANALYSIS_RUNS)).items
        await world.clock.sleep(4)
        assert not (await world.cluster.list(ANALYSIS_RUNS)).items

    in_world(story, up(vector("1")))


def test_a_stale_lister_never_measures_twice() -> None:
    """The status that was just written may not have come back yet when the run is looked at again."""

    class StaleLister:
        def __init__(self, run: Obj) -> None:
            self.run = run

        def get(self, namespace: str, name: str) -> Obj:
            return self.run

    async def story(world: World) -> None:
        await world.create(prometheus_run())
        stale = await world.cluster.get(ANALYSIS_RUNS, "echo-staging", "run")
        await world.completed()
        lister: Any = StaleLister(stale)
        controller = AnalysisRunController(
            world.cluster, lambda _resource: lister, world.clock, world.network, world.journal
        )

        observed = await controller.observe(ObjectKey("echo-staging", "run"))

        assert observed is not None
        assert observed.taken == ()
        assert len(world.measurements()) == 1

    in_world(story, up(vector("1")))


def test_due_metrics_are_measured_side_by_side() -> None:
    async def story(world: World) -> None:
        answer = world.network.request
        under_way = []

        async def slow(*args: Any, **options: Any) -> HttpResponse:
            under_way.append(1)
            await world.clock.sleep(5)
            assert len(under_way) == 2
            return await answer(*args, **options)

        world.network.request = slow  # type: ignore[method-assign]  # the table, five seconds later
        await world.create(echo_analysis(GOOD, "result[0] == 0"))
        began = world.clock.now()
        await world.completed()

        assert world.clock.now() - began < timedelta(seconds=8)

    in_world(story, HOSTS)


def test_an_idle_controller_sleeps() -> None:
    """A finished run asks for nothing more: time passes without a single write."""

    async def story(world: World) -> None:
        await world.create(prometheus_run())
        await world.completed()
        await world.clock.sleep(5)
        told = len(world.journal.entries)
        await asyncio.gather(world.clock.sleep(3600))

        assert world.journal.entries[told:] == []

    in_world(story, up(vector("1")))


FAULTS = FaultRates(
    conflict=0.2,
    timed_out=0.1,
    applied_but_timed_out=0.2,
    stale_read=0.2,
    dropped_watch=0.1,
    repeated_event=0.2,
    late_event_seconds=0.5,
)


@pytest.mark.parametrize("seed", range(8))
def test_no_fault_of_the_cluster_changes_the_books(seed: int) -> None:
    """Measurements that a conflict threw away are taken again; none is counted twice, none is lost."""

    async def story(world: World) -> None:
        await world.create(prometheus_run(interval="10s", count=5, failureLimit=1, successCondition="result[0] == 1"))

        status = await world.completed()

        assert (status["phase"], status["message"]) == (
            "Failed",
            'Metric "m" assessed Failed due to failed (2) > failureLimit (1)',
        )
        [found] = status["metricResults"]
        assert [item["value"] for item in found["measurements"]].count("[0]") == 2
        assert found["count"] == len(found["measurements"]) <= len(world.network.requests)
        assert found["count"] == found.get("successful", 0) + found["failed"]

    answers = [vector("1"), vector("1"), vector("0")]
    in_world(story, up(answers), faults=FAULTS, seed=seed)
