"""The four objectives of the Silent Canary, checked on a cluster.

Owns: what each objective means, as a pure judgement over facts, and how the facts are gathered.
Must not know: how the cluster came to be in that state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from canarium.errors import CanariumError
from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.objects import Obj, labels_of
from canarium.kube.resources import REPLICA_SETS
from canarium.metrics.promql.parser import parse
from canarium.nodes.network import HttpRequest, Network, NetworkError
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, ROLLOUTS

VERSION = "6.9.3"
NAMESPACES = ("echo-staging", "echo-prod")
NAME = "echo-server"
TEMPLATE = "echo-analysis"


class Environment(msgspec.Struct, frozen=True):
    """What was seen in one namespace. An absent object is None.

    answered_version: what the service said; empty when it did not answer, None when nobody could ask it (then the
    ready pods of the stable ReplicaSet count).
    """

    namespace: str
    rollout: Obj | None
    stable: Obj | None
    runs: tuple[Obj, ...]
    template: Obj | None
    answered_version: str | None


class Objective(msgspec.Struct, frozen=True):
    """One objective: what it asks for, whether it is met, and what was seen, a line per environment."""

    title: str
    is_met: bool
    evidence: tuple[str, ...]


async def look(cluster: Cluster, network: Network | None, namespace: str) -> Environment:
    """Gather the facts of one environment. network: None where services cannot be reached.

    Raises ApiError other than NotFound.
    """

    async def found(resource: Any, name: str) -> Obj | None:
        try:
            return await cluster.get(resource, namespace, name)
        except NotFound:
            return None

    rollout = await found(ROLLOUTS, NAME)
    status = (rollout or {}).get("status") or {}
    stable = await found(REPLICA_SETS, f"{NAME}-{status['stableRS']}") if status.get("stableRS") else None
    runs = await cluster.list(ANALYSIS_RUNS, namespace)
    answered = await _ask_version(network, namespace) if network is not None else None
    return Environment(
        namespace, rollout, stable, tuple(runs.items), await found(ANALYSIS_TEMPLATES, TEMPLATE), answered
    )


async def _ask_version(network: Network, namespace: str) -> str:
    url = f"http://{NAME}.{namespace}.svc.cluster.local/version"
    try:
        answer = await network.request(HttpRequest("GET", url), timeout_seconds=5.0)
        return str(msgspec.json.decode(answer.body).get("version", "")) if answer.status == 200 else ""
    except (NetworkError, msgspec.DecodeError):
        return ""


async def verify(cluster: Cluster, network: Network | None) -> tuple[Objective, ...]:
    """Look at both environments and judge. network: None where services cannot be reached. Raises ApiError."""
    return judge([await look(cluster, network, namespace) for namespace in NAMESPACES])


def judge(environments: Sequence[Environment]) -> tuple[Objective, ...]:
    """The four objectives over what was seen."""
    rules = (
        (f"podinfo {VERSION} runs in staging and prod", _runs_the_version),
        ("The rollouts advanced by analysis, step by step", _advanced_by_analysis),
        ("Two working PromQL queries validate each release", _has_working_queries),
        ("All rollouts completed", _is_complete),
    )
    objectives = []
    for title, rule in rules:
        verdicts = [rule(environment) for environment in environments]
        evidence = tuple(
            f"{environment.namespace}: {says}" for environment, (_, says) in zip(environments, verdicts, strict=True)
        )
        objectives.append(Objective(title, all(is_met for is_met, _ in verdicts), evidence))
    return tuple(objectives)


def _runs_the_version(seen: Environment) -> tuple[bool, str]:
    if seen.stable is None:
        return False, "there is no stable ReplicaSet"
    containers = seen.stable["spec"]["template"]["spec"]["containers"]
    image, name = containers[0]["image"], seen.stable["metadata"]["name"]
    is_wanted = image.endswith(f":{VERSION}")
    if seen.answered_version is None:
        ready = (seen.stable.get("status") or {}).get("readyReplicas", 0)
        replicas = seen.stable["spec"].get("replicas", 1)
        return is_wanted and 0 < replicas <= ready, f"{name} runs {image}; {ready} of {replicas} pods are ready"
    says = f"{name} runs {image}; its service answers {seen.answered_version or 'nothing'}"
    return is_wanted and seen.answered_version == VERSION, says


def _analysis_steps(rollout: Obj) -> list[int]:
    steps = (rollout["spec"].get("strategy") or {}).get("canary", {}).get("steps") or []
    return [index for index, step in enumerate(steps) if "analysis" in step]


def _last_runs(seen: Environment) -> dict[int, Obj]:
    """The newest step AnalysisRun of the current revision, by step index."""
    assert seen.rollout is not None
    pod_hash = (seen.rollout.get("status") or {}).get("currentPodHash", "")
    newest: dict[int, Obj] = {}
    for run in seen.runs:
        labels = labels_of(run)
        if labels.get("rollouts-pod-template-hash") != pod_hash or labels.get("rollout-type") != "Step":
            continue
        index = int(labels.get("step-index", "-1"))
        former = newest.get(index)
        if former is None or _age(run) > _age(former):
            newest[index] = run
    return newest


def _age(run: Obj) -> tuple[str, int, str]:
    name = run["metadata"]["name"]
    return (run["metadata"]["creationTimestamp"], len(name), name)


def _advanced_by_analysis(seen: Environment) -> tuple[bool, str]:
    if seen.rollout is None:
        return False, "there is no Rollout"
    wanted = _analysis_steps(seen.rollout)
    runs = _last_runs(seen)
    phases = {
        index: (runs[index].get("status") or {}).get("phase", "Pending") if index in runs else "none"
        for index in wanted
    }
    told = ", ".join(f"step {index} {phase}" for index, phase in phases.items())
    is_met = bool(wanted) and all(phase == "Successful" for phase in phases.values())
    return is_met, told or "no analysis step in the canary"


def _has_working_queries(seen: Environment) -> tuple[bool, str]:
    if seen.template is None or seen.rollout is None:
        return False, f"there is no AnalysisTemplate {TEMPLATE}"
    metrics: Sequence[Mapping[str, Any]] = seen.template["spec"].get("metrics") or ()
    results: dict[str, Mapping[str, Any]] = {}
    for _, run in sorted(_last_runs(seen).items()):
        for result in (run.get("status") or {}).get("metricResults") or ():
            results[result["name"]] = result
    told: list[str] = []
    working = 0
    for metric in metrics:
        name, query = metric["name"], ((metric.get("provider") or {}).get("prometheus") or {}).get("query", "")
        try:
            parse(query.replace("{{args.namespace}}", seen.namespace))
        except CanariumError as error:
            told.append(f"{name} does not parse ({error.problem})")
            continue
        result = results.get(name, {})
        measured = [entry for entry in result.get("measurements") or () if entry.get("value")]
        phase = result.get("phase", "never measured")
        if phase == "Successful" and measured:
            working += 1
            told.append(f"{name} {measured[-1]['value']} Successful")
        else:
            told.append(f"{name} {phase}")
    return working >= 2 and working == len(metrics), ", ".join(told)


def _is_complete(seen: Environment) -> tuple[bool, str]:
    if seen.rollout is None:
        return False, "there is no Rollout"
    status = seen.rollout.get("status") or {}
    steps = (seen.rollout["spec"].get("strategy") or {}).get("canary", {}).get("steps") or []
    index = status.get("currentStepIndex", 0)
    is_promoted = status.get("stableRS") == status.get("currentPodHash") and index == len(steps)
    says = f"{status.get('phase', 'Unknown')}, step {index}/{len(steps)}, stable {status.get('stableRS', 'none')}"
    return status.get("phase") == "Healthy" and is_promoted, says
