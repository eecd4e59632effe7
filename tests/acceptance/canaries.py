"""Canaries that misbehave and one that does not, each with users of its own, on one running cluster.

Owns: the manifests, the cases, playing them all at once, what came of each. Must not know: what is right.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from canarium.clock import RealClock
from tests.acceptance.local_cluster import Api, LocalCluster

REAL = RealClock()
T = TypeVar("T")
Obj = dict[str, Any]

NAME = "web"
REPLICAS = 4
FIRST_WEIGHT = 25
RATE = 40.0
"""Requests per second of the users of each case."""
SLOW_SECONDS = 0.6
SLOW_BUCKET = "0.5"
"""Answers above it are slow ones; those of a healthy pod are a hundred times quicker."""
SCRAPE_INTERVAL = "1s"
STABLE, UPDATE = "ghcr.io/stefanprodan/podinfo:6.9.0", "ghcr.io/stefanprodan/podinfo:6.9.3"
WITHIN_SECONDS = 40.0
QUICK_AND_LONG = ("--path=/version", "--path=/version", "--path=/delay/1")
"""Every third request takes a second, so that a pod that goes always has some to finish. Every second one would not do:
pods get requests in turn, and with an even number of them half would get all of those."""
KEPT = ("--url=http://$(WEB_SERVICE_HOST):$(WEB_SERVICE_PORT)", "--keep-alive")
"""By address: a name leads over a proxy that keeps no connection."""
PROMETHEUS = "http://prometheus-server.prometheus.svc.cluster.local"

_OF_CANARY = 'namespace="{{args.namespace}}", rollouts_pod_template_hash="{{args.hash}}"'
_PODS_OF_CANARY = 'namespace="{{args.namespace}}", pod=~"web-{{args.hash}}-.*"'
_NOTHING_YET = "len(result) == 0 || isNaN(result[0]) || "


class Question(NamedTuple):
    """A metric of an analysis. query: PromQL about the canary's pods; passes: what its answer has to be."""

    query: str
    passes: str


QUESTIONS: Mapping[str, Question] = {
    "error-rate": Question(
        f'(sum(rate(http_requests_total{{{_OF_CANARY}, status="500"}}[5s])) or vector(0))'
        f" / sum(rate(http_requests_total{{{_OF_CANARY}}}[5s]))",
        f"{_NOTHING_YET}result[0] < 0.1",
    ),
    "latency": Question(
        "histogram_quantile(0.9, sum by (le) ("
        f'rate(http_request_duration_seconds_bucket{{{_OF_CANARY}, path="version"}}[5s])))',
        f"{_NOTHING_YET}result[0] < 0.5",
    ),
    "crash-loop": Question(
        f'sum(kube_pod_container_status_waiting_reason{{{_PODS_OF_CANARY}, reason="CrashLoopBackOff"}}) or vector(0)',
        "result[0] == 0",
    ),
    "ready": Question(f"sum(kube_pod_container_status_ready{{{_PODS_OF_CANARY}}})", f"{_NOTHING_YET}result[0] > 0"),
}


class Case(NamedTuple):
    """One update. namespace: also its name. asks: of QUESTIONS. chaos: flags of `canarium chaos` for the canary once
    it is there. told: what its pods are told in their environment instead. users: more flags of the load generator."""

    namespace: str
    asks: Sequence[str]
    chaos: Sequence[str] = ()
    told: Mapping[str, Any] = {}
    users: Sequence[str] = ()

    @property
    def is_bad(self) -> bool:
        """Whether its canary misbehaves."""
        return bool(self.chaos or self.told)


CASES = (
    Case("fails", ["error-rate"], chaos=["--error-ratio", "0.5"]),
    Case("slow", ["latency"], chaos=["--latency", f"{SLOW_SECONDS * 1000:g}ms"]),
    Case("crashes", ["crash-loop"], told={"crash_after_seconds": 2.0}),
    Case("unready", ["ready"], told={"never_ready": True}),
    Case("healthy", list(QUESTIONS), users=QUICK_AND_LONG),
    Case("healthy-kept", list(QUESTIONS), users=[*QUICK_AND_LONG, *KEPT]),
)


class Outcome(NamedTuple):
    """What came of a case.

    rollout: as it ended. runs: its AnalysisRuns. served_seconds: at most so long could the canary's pods get requests.
    users: the load generator's summary. counted: what the canary's pods counted themselves, by status, last scraped.
    slow: how many answers users waited for. images: of the pods at the end. seen: states that
    its canary's pods were in: `Ready`, or why a container waited.
    """

    rollout: Obj
    runs: Sequence[Obj]
    served_seconds: float
    users: Obj
    counted: Mapping[str, int]
    slow: int
    images: Sequence[str]
    seen: frozenset[str]

    @property
    def phase(self) -> str:
        """As the Rollout says it."""
        return str(self.rollout["status"].get("phase"))

    @property
    def most_of_canary(self) -> float:
        """So many requests its weight let the canary have, at most."""
        return RATE * self.served_seconds * FIRST_WEIGHT / 100 + 1


# -- manifests --------------------------------------------------------------------------------------------------------


def manifests(case: Case) -> Iterator[tuple[str, Obj]]:
    """Paths of collections, and what to create in them."""
    space = case.namespace
    yield "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    yield (
        f"/api/v1/namespaces/{space}/services",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"selector": {"app": NAME}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
    )
    rollouts = f"/apis/argoproj.io/v1alpha1/namespaces/{space}"
    yield f"{rollouts}/analysistemplates", _template(case)
    yield f"{rollouts}/rollouts", _rollout(case)


def _template(case: Case) -> Obj:
    metrics = [
        {
            "name": name,
            "interval": "1s",
            "initialDelay": "3s",
            "failureLimit": 2,
            "successCondition": QUESTIONS[name].passes,
            "provider": {"prometheus": {"address": PROMETHEUS, "query": QUESTIONS[name].query}},
        }
        for name in case.asks
    ]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "canary"},
        "spec": {"args": [{"name": "namespace"}, {"name": "hash"}], "metrics": metrics},
    }


def _rollout(case: Case) -> Obj:
    args = [
        {"name": "namespace", "value": case.namespace},
        {"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}},
    ]
    # Whoever misbehaves has longer at its first step than its analysis needs: nothing else may end it.
    steps: list[Obj] = [
        {"setWeight": FIRST_WEIGHT},
        {"pause": {"duration": "2m" if case.is_bad else "4s"}},
        {"setWeight": 50},
        {"pause": {"duration": "1s"}},
    ]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": NAME},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": {"app": NAME}},
            "strategy": {
                "canary": {
                    "maxSurge": 1,
                    "maxUnavailable": 0,
                    "analysis": {"templates": [{"templateName": "canary"}], "args": args},
                    "steps": steps,
                }
            },
            "template": {
                "metadata": {"labels": {"app": NAME}, "annotations": _scraped(9898)},
                "spec": {"containers": [_container(STABLE)]},
            },
        },
    }


def _container(image: str, told: Mapping[str, Any] | None = None) -> Obj:
    return {
        "name": "podinfo",
        "image": image,
        "env": [{"name": "CANARIUM_CHAOS", "value": json.dumps(told)}] if told else [],
        "ports": [{"name": "http", "containerPort": 9898}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
    }


def _users(case: Case) -> Obj:
    """A pod that asks the Service by its name, RATE times a second, unless the case says otherwise."""
    args = [f"--url=http://{NAME}/version", f"--rate={RATE:g}", "--concurrency=60", "--timeout=10s", *case.users]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "users", "annotations": _scraped(8080)},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "load", "image": "canarium/load:1", "args": args}],
        },
    }


def _scraped(port: int) -> dict[str, str]:
    return {"prometheus.io/scrape": "true", "prometheus.io/port": str(port)}


# -- playing ----------------------------------------------------------------------------------------------------------


def play(cluster: LocalCluster, cases: Sequence[Case] = CASES) -> dict[str, Outcome]:
    """Play the cases, all at once; outcomes by namespace. Raises AssertionError when one does not come to its end."""
    until(lambda: _has_prometheus(cluster), "Prometheus answers")
    with ThreadPoolExecutor(len(cases)) as pool:
        outcomes = pool.map(lambda case: _play(cluster, case), cases)
        return {case.namespace: outcome for case, outcome in zip(cases, outcomes, strict=True)}


def _play(cluster: LocalCluster, case: Case) -> Outcome:
    with cluster.api() as api:
        place = _Place(api, case.namespace)
        for path, obj in manifests(case):
            place.create(path, obj)
        until(lambda: place.rollout()["status"].get("phase") == "Healthy", "its first version is Healthy")
        place.create(f"/api/v1/namespaces/{case.namespace}/pods", _users(case))
        until(lambda: place.asked(cluster) > 0, "users are scraped")

        began = REAL.monotonic()
        until(lambda: place.is_changed(_container(UPDATE, case.told)), "the update is written")
        until(lambda: place.canaries(), "the canary has pods")
        if case.chaos:
            until(lambda: _tell(cluster, case), "`canarium chaos` finds the canary", every=0.2)
        seen: set[str] = set()
        until(lambda: place.has_ended(seen), "the update ends")
        served_seconds = REAL.monotonic() - began
        ended = place.rollout()
        if ended["status"]["phase"] != "Healthy":
            until(lambda: not place.canaries(), "the canary is gone")
        until(lambda: len(place.pods()) == REPLICAS, "the former pods are gone")

        selector = f'namespace="{case.namespace}"'
        hashed = f'{selector},rollouts_pod_template_hash="{ended["status"]["currentPodHash"]}",path="version"'
        users = place.dismiss_users(cluster)
        asked = f"load_request_duration_seconds_count{{{selector}}} - ignoring(le) {_bucket(selector)}"
        return Outcome(
            rollout=place.rollout(),
            runs=place.items(f"/apis/argoproj.io/v1alpha1/namespaces/{case.namespace}/analysisruns"),
            served_seconds=served_seconds,
            users=users,
            counted=_sums(
                cluster,
                f"sum by (status) (max_over_time(http_request_duration_seconds_count{{{hashed}}}[2m]))",
                "status",
            ),
            slow=sum(_sums(cluster, f"max_over_time(({asked})[2m:1s])", "pod").values()),
            images=[pod["spec"]["containers"][0]["image"] for pod in place.pods()],
            seen=frozenset(seen),
        )


def _bucket(selector: str) -> str:
    return f'load_request_duration_seconds_bucket{{{selector},le="{SLOW_BUCKET}"}}'


def _tell(cluster: LocalCluster, case: Case) -> bool:
    arguments = (f"rollout/{NAME}", "--canary", "-n", case.namespace, *case.chaos)
    return cluster.run("chaos", *arguments).returncode == 0


class _Place:
    """The namespace of a case, asked over a connection of its own."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._rollout = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/{NAME}"

    def create(self, path: str, obj: Obj) -> None:
        code, answer = self._api("POST", path, obj)
        assert code == 201, answer

    def is_changed(self, container: Obj) -> bool:
        """Whether the Rollout could be given this container: not when somebody else wrote to it meanwhile."""
        found = self.rollout()
        found["spec"]["template"]["spec"]["containers"] = [container]
        code, answer = self._api("PUT", self._rollout, found)
        assert code in (200, 409), answer
        return code == 200

    def rollout(self) -> Obj:
        code, found = self._api("GET", self._rollout)
        assert code == 200, found
        return {"status": {}, **found}

    def items(self, path: str) -> list[Obj]:
        code, found = self._api("GET", path)
        assert code == 200, found
        return list(found["items"])

    def pods(self) -> list[Obj]:
        """Those of the Rollout, also those that are going."""
        selector = urllib.parse.quote(f"app={NAME}")
        return self.items(f"/api/v1/namespaces/{self._namespace}/pods?labelSelector={selector}")

    def canaries(self) -> list[Obj]:
        """The pods of the update."""
        return [pod for pod in self.pods() if pod["spec"]["containers"][0]["image"] == UPDATE]

    def has_ended(self, seen: set[str]) -> bool:
        """Whether the update is through, or aborted and no pod of it may get requests. seen: see `Outcome`."""
        status = self.rollout()["status"]
        canaries = self.canaries()
        for pod in canaries:
            ready = [each for each in pod["status"].get("conditions") or () if each["type"] == "Ready"]
            seen |= {"Ready" for each in ready if each["status"] == "True"}
            states = [each["state"] for each in pod["status"].get("containerStatuses") or ()]
            seen |= {str(state["waiting"]["reason"]) for state in states if "waiting" in state}
        if status.get("phase") == "Degraded":
            return all("deletionTimestamp" in pod["metadata"] for pod in canaries)
        return bool(status.get("phase") == "Healthy" and status.get("stableRS") == status.get("currentPodHash"))

    def asked(self, cluster: LocalCluster) -> int:
        """How many requests Prometheus knows that users made."""
        found = _sums(cluster, f'load_requests_total{{namespace="{self._namespace}"}}', "status")
        return sum(found.values())

    def dismiss_users(self, cluster: LocalCluster) -> Obj:
        """End the load generator; its summary, which is the last line of its log."""
        path = f"/api/v1/namespaces/{self._namespace}/pods/users"
        with cluster.api() as other:
            log = other.stream(f"{path}/log?follow=true")
            code, answer = self._api("DELETE", path)
            assert code == 200, answer
            lines = log.read().decode().splitlines()
        summary: Obj = json.loads(lines[-1])
        assert summary.get("msg") == "load done", lines
        return summary


def until(condition: Callable[[], T], what: str, *, every: float = 0.1) -> T:
    """Ask until the answer is true. Raises AssertionError after WITHIN_SECONDS."""
    limit = REAL.monotonic() + WITHIN_SECONDS
    while not (answer := condition()):
        assert REAL.monotonic() < limit, f"not within {WITHIN_SECONDS:g} s: {what}"
        threading.Event().wait(every)
    return answer


def _has_prometheus(cluster: LocalCluster) -> bool:
    try:
        return bool(_sums(cluster, "up", "job"))
    except urllib.error.HTTPError:  # 502: its pod is not ready yet
        return False


def _sums(cluster: LocalCluster, query: str, label: str) -> dict[str, int]:
    """What Prometheus answers, by a label."""
    url = f"http://127.0.0.1:{cluster.ports['metrics']}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found = json.load(answer)["data"]["result"]
    sums: dict[str, int] = {}
    for series in found:
        key = series["metric"].get(label, "")
        sums[key] = sums.get(key, 0) + int(float(series["value"][1]))
    return sums
