"""The controller of AnalysisRuns: reads the run and its secrets, takes the measurements that are due, asks the rules.

Owns: observing, which here includes measuring. Must not know: the rules (`decide`, `schedule`), how status is written.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.journal import Journal
from canarium.kube.cluster import ApiError, Cluster, NotFound, Unavailable
from canarium.kube.controller.reconciler import Listers, Watch
from canarium.kube.decision import Decision
from canarium.kube.objects import Obj, ObjectKey, format_time, key_of
from canarium.kube.resources import SECRETS, Resource
from canarium.nodes.network import Network
from canarium.rollouts.analysis.arguments import UnresolvedArgument, resolve_metric, secret_of
from canarium.rollouts.analysis.decide import Observed, Taken, decide
from canarium.rollouts.analysis.providers import Peers, ProviderError, new_provider
from canarium.rollouts.analysis.schedule import COMPLETED, MeasurementTask, due
from canarium.rollouts.kinds import ANALYSIS_RUNS

REDACTED: Final = "*****"


class AnalysisRunController:
    """A `Reconciler` of AnalysisRuns.

    prometheus_address: for metrics that name none (upstream's ARGO_ROLLOUTS_PROMETHEUS_ADDRESS).
    """

    name: str = "analysis"
    primary: Resource = ANALYSIS_RUNS
    watches: Sequence[Watch] = ()

    def __init__(
        self,
        cluster: Cluster,
        listers: Listers,
        clock: Clock,
        network: Network,
        journal: Journal,
        *,
        prometheus_address: str = "",
    ) -> None:
        self._cluster = cluster
        self._runs = listers(ANALYSIS_RUNS)
        self._clock = clock
        self._journal = journal
        self._peers = Peers(network=network, clock=clock, prometheus_address=prometheus_address)

    async def observe(self, key: ObjectKey) -> Observed | None:
        """The run with the measurements that were due, taken side by side."""
        run = self._runs.get(key.namespace, key.name)
        if run is None:
            return None
        if due(run, self._clock.now()):
            # What a lister shows may lag behind our own last write, and a measurement cannot be taken back.
            try:
                run = await self._cluster.get(ANALYSIS_RUNS, key.namespace, key.name)
            except NotFound:
                return None
        if run["metadata"].get("deletionTimestamp") or (run.get("status") or {}).get("phase") in COMPLETED:
            return Observed(run=run)
        tasks = due(run, self._clock.now())
        args = (run.get("spec") or {}).get("args") or ()
        try:
            resolved, secrets = await self._with_secrets(args, key.namespace)
            metrics = [resolve_metric(task.metric, resolved) for task in tasks]
        except (UnresolvedArgument, _SecretMissing) as error:
            return Observed(run=run, problem=error.problem)
        taken = await asyncio.gather(
            *(self._take(run, task, metric, secrets) for task, metric in zip(tasks, metrics, strict=True))
        )
        return Observed(run=run, taken=tuple(taken))

    def subject(self, observed: Observed) -> Obj:
        """The run as it was read."""
        return observed.run

    def decide(self, observed: Observed, now: datetime) -> Decision:
        """The rules of `canarium.rollouts.analysis.decide`."""
        return decide(observed, now)

    async def _take(self, run: Obj, task: MeasurementTask, metric: Obj, secrets: Sequence[str]) -> Taken:
        metadata: Mapping[str, str] = {}
        started_at = self._clock.now()
        try:
            provider = new_provider(metric, self._peers)
        except ProviderError as error:
            begun = task.unfinished or {"startedAt": format_time(started_at)}
            measurement = {**begun, "phase": "Error", "message": error.problem}
        else:
            metadata = provider.metadata()
            if task.unfinished is None:
                measurement = await provider.run()
            elif task.terminate:
                measurement = await provider.terminate(task.unfinished)
                if measurement["phase"] in ("Successful", "Inconclusive"):
                    measurement = {**measurement, "message": "Metric Terminated"}
            else:
                measurement = await provider.resume(task.unfinished)
        if measurement["phase"] in COMPLETED and measurement.get("finishedAt") is None:
            measurement = {**measurement, "finishedAt": format_time(self._clock.now())}
        if measurement.get("message"):
            measurement = {**measurement, "message": _redact(measurement["message"], secrets)}
        # Upstream redacts messages only; a query that holds a secret would stand in the status for all to read.
        metadata = {name: _redact(text, secrets) for name, text in metadata.items()}
        self._journal.record(
            "measurement", run=str(key_of(run)), metric=metric["name"], metadata=metadata, **_told(measurement)
        )
        return Taken(
            metric=metric["name"], measurement=measurement, resumed=task.unfinished is not None, metadata=metadata
        )

    async def _with_secrets(
        self, args: Sequence[Mapping[str, Any]], namespace: str
    ) -> tuple[list[Mapping[str, Any]], list[str]]:
        """The arguments with the values of their secrets, and those values. Raises _SecretMissing."""
        resolved: list[Mapping[str, Any]] = []
        secrets: list[str] = []
        for arg in args:
            ref = secret_of(arg)
            if ref is None:
                resolved.append(arg)
                continue
            value = await self._secret(namespace, ref.get("name", ""), ref.get("key", ""))
            if value not in secrets:
                secrets.append(value)
            resolved.append({"name": arg["name"], "value": value})
        return resolved, [secret for secret in secrets if secret]

    async def _secret(self, namespace: str, name: str, key: str) -> str:
        try:
            secret = await self._cluster.get(SECRETS, namespace, name)
        except Unavailable:
            raise  # nobody answered: the runtime backs off and looks again, upstream would fail the run
        except ApiError as error:
            raise _SecretMissing(error.message) from error
        data = secret.get("data") or {}
        if key not in data:
            raise _SecretMissing(f"key '{key}' does not exist in secret '{name}'")
        return base64.b64decode(data[key]).decode(errors="replace")


class _SecretMissing(CanariumError):
    """A secret that a run's argument names is not there, or has no such key."""


def _redact(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return text


def _told(measurement: Obj) -> dict[str, Any]:
    """The parts of a measurement that the event log tells."""
    return {name: measurement[name] for name in ("phase", "value", "message") if name in measurement}
