"""The Rollout controller in a small cluster: real registry, ReplicaSets, pods and probes, virtual time, faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from canarium.clock import VirtualClock, run_virtual
from canarium.kube.cluster import Cluster
from canarium.kube.decision import Patch
from canarium.kube.faults import FaultRates
from canarium.kube.objects import Obj, condition, is_controlled_by
from canarium.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, PODS, REPLICA_SETS, SERVICES
from canarium.rollouts import commands
from canarium.rollouts.crds import CRDS
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, ROLLOUTS
from canarium.rollouts.reconciler import RolloutReconciler
from canarium.rollouts.types import POD_TEMPLATE_HASH_LABEL
from tests.rollouts.simulator import analysis, set_weight, template
from tests.workloads.lab import Lab

SHOP = "shop"


class RolloutLab(Lab):
    """A lab with Rollouts; AnalysisRuns are answered by the test."""

    def _add_controllers(self) -> None:
        super()._add_controllers()
        self.manager.add(RolloutReconciler(self.cluster, self.manager.listers))

    async def rollout(self) -> Obj:
        return await self.truth.get(ROLLOUTS, SHOP, "echo-server")

    async def scale(self) -> dict[str, int]:
        """spec.replicas by ReplicaSet name, where there are any."""
        found = (await self.truth.list(REPLICA_SETS, SHOP)).items
        return {one["metadata"]["name"]: one["spec"]["replicas"] for one in found if one["spec"]["replicas"]}

    async def until_phase(self, phase: str) -> Obj:
        async def holds() -> bool:
            shown = await self.rollout()
            status = shown.get("status") or {}
            return status.get("phase") == phase and status.get("observedGeneration") == str(
                shown["metadata"]["generation"]
            )

        await self.until(holds)
        return await self.rollout()

    async def send(self, patches: tuple[Patch, ...]) -> None:
        for patch in patches:
            await self.truth.patch(
                ROLLOUTS, SHOP, patch.name, patch.patch, type=patch.type, subresource=patch.subresource
            )

    async def answer(self, phase: str, message: str = "") -> str:
        """Wait for an AnalysisRun without a result, and give it one. Returns its name."""
        names: list[str] = []

        async def holds() -> bool:
            runs = (await self.truth.list(ANALYSIS_RUNS, SHOP)).items
            names[:] = [run["metadata"]["name"] for run in runs if "status" not in run]
            return bool(names)

        await self.until(holds)
        (name,) = names
        await self.truth.patch(ANALYSIS_RUNS, SHOP, name, {"status": {"phase": phase, "message": message}})
        return name


def in_rollout_lab(
    story: Callable[[RolloutLab], Awaitable[None]], *, rates: FaultRates | None = None, seed: int = 1
) -> None:
    async def main(clock: VirtualClock) -> None:
        lab = RolloutLab(clock, seed=seed, rates=rates)
        for definition in CRDS:
            await lab.truth.create(CUSTOM_RESOURCE_DEFINITIONS, definition)
        await lab.start()
        await lab.truth.create(ANALYSIS_TEMPLATES, {**template(), "metadata": {"name": "checks", "namespace": SHOP}})
        await story(lab)

    run_virtual(main)


def echo_server(version: str) -> Obj:
    """The pod template of the story."""
    probe = {"httpGet": {"path": "/", "port": 9898}}
    return {
        "metadata": {"labels": {"app": "echo-server"}},
        "spec": {
            "containers": [
                {
                    "name": "echo-server",
                    "image": f"stefanprodan/podinfo:{version}",
                    "imagePullPolicy": "IfNotPresent",
                    "ports": [{"containerPort": 9898, "name": "http", "protocol": "TCP"}],
                    "readinessProbe": {**probe, "initialDelaySeconds": 2, "periodSeconds": 5},
                    "livenessProbe": {**probe, "initialDelaySeconds": 5, "periodSeconds": 10},
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "32Mi"},
                        "limits": {"cpu": "100m", "memory": "128Mi"},
                    },
                }
            ]
        },
    }


def echo_rollout(replicas: int) -> Obj:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "echo-server", "namespace": SHOP},
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": {"app": "echo-server"}},
            "template": echo_server("6.8.0"),
            "strategy": {
                "canary": {
                    "steps": [set_weight(33), analysis(), set_weight(66), analysis(), set_weight(100)],
                }
            },
        },
    }


OLD, NEW = "echo-server-6fdd67656d", "echo-server-5478f49d8b"


async def deploy(lab: RolloutLab, replicas: int) -> None:
    await lab.truth.create(ROLLOUTS, echo_rollout(replicas))
    await lab.until_phase("Healthy")
    assert await lab.scale() == {OLD: replicas}
    await lab.truth.patch(ROLLOUTS, SHOP, "echo-server", {"spec": {"template": echo_server("6.9.3")}})


@pytest.mark.parametrize("replicas", [1, 4])
def test_the_story_of_an_abort_a_retry_and_a_promotion(replicas: int) -> None:
    """Both ReplicaSet names are known answers."""

    async def story(lab: RolloutLab) -> None:
        await deploy(lab, replicas)

        assert await lab.answer("Error", "because") == f"{NEW}-2-1"
        aborted = await lab.until_phase("Degraded")
        found = condition(aborted, "Progressing")
        assert found is not None
        assert found["message"] == "Rollout aborted update to revision 2: because"
        assert aborted["status"]["stableRS"] == "6fdd67656d"

        await lab.send(commands.retry(await lab.rollout()))
        assert await lab.answer("Successful") == f"{NEW}-2-1.1"
        assert await lab.answer("Successful") == f"{NEW}-2-3"
        healthy = await lab.until_phase("Healthy")

        assert healthy["status"]["stableRS"] == "5478f49d8b"
        assert await lab.scale() == {NEW: replicas}
        reasons = [reason for reason, _ in await lab.events("echo-server")]
        assert reasons.count("RolloutStepCompleted") == 5  # the first one happened twice, which is one Event
        assert reasons.count("RolloutCompleted") == 2

    in_rollout_lab(story)


FAULTS = FaultRates(
    conflict=0.05,
    timed_out=0.02,
    applied_but_timed_out=0.05,
    stale_read=0.05,
    dropped_watch=0.02,
    repeated_event=0.05,
    late_event_seconds=1.0,
)


@pytest.mark.parametrize("seed", range(6))
def test_faults_change_nothing_of_the_end(seed: int) -> None:
    """Conflicts and lost answers on the way lead to the same end, and never promote what failed."""

    async def story(lab: RolloutLab) -> None:
        await deploy(lab, 3)
        await lab.answer("Failed", "because")
        await lab.until_phase("Degraded")
        await lab.advance(30)
        assert await lab.scale() == {OLD: 3}

        await lab.send(commands.retry(await lab.rollout()))
        await lab.answer("Successful")
        await lab.restart()
        await lab.answer("Successful")
        await lab.until_phase("Healthy")
        assert await lab.scale() == {NEW: 3}
        assert len((await lab.truth.list(ANALYSIS_RUNS, SHOP)).items) == 3

    in_rollout_lab(story, rates=FAULTS, seed=seed)


@pytest.mark.parametrize("rates", [None, FAULTS], ids=["fair", "foul"])
def test_a_name_that_is_taken_is_avoided_by_another_hash(rates: FaultRates | None) -> None:
    """status.collisionCount goes into the hash, so the next try has another name; what was there stays untouched."""

    async def story(lab: RolloutLab) -> None:
        somebody_elses = replica_set(name=OLD, labels={"app": "other"})
        held = await lab.truth.create(REPLICA_SETS, somebody_elses)

        await lab.truth.create(ROLLOUTS, echo_rollout(2))
        healthy = await lab.until_phase("Healthy")

        assert healthy["status"]["collisionCount"] == 1
        (name,) = await lab.scale()
        assert name == f"echo-server-{healthy['status']['stableRS']}" != OLD
        assert (await lab.truth.get(REPLICA_SETS, SHOP, OLD))["spec"] == held["spec"]

    in_rollout_lab(story, rates=rates)


def test_a_rollout_that_comes_back_adopts_what_it_left_behind() -> None:
    """Deleted with --cascade=orphan and created again: the same pods go on, under the same ReplicaSet."""

    async def story(lab: RolloutLab) -> None:
        await lab.truth.create(ROLLOUTS, echo_rollout(2))
        await lab.until_phase("Healthy")
        before = await lab.truth.get(REPLICA_SETS, SHOP, OLD)
        pods = [pod["metadata"]["uid"] for pod in (await lab.truth.list(PODS, SHOP)).items]

        await lab.truth.delete(ROLLOUTS, SHOP, "echo-server", propagation="Orphan")
        await lab.advance(30)
        again = await lab.truth.create(ROLLOUTS, echo_rollout(2))
        healthy = await lab.until_phase("Healthy")

        after = await lab.truth.get(REPLICA_SETS, SHOP, OLD)
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert is_controlled_by(after, again)
        assert [pod["metadata"]["uid"] for pod in (await lab.truth.list(PODS, SHOP)).items] == pods
        assert "collisionCount" not in healthy["status"]

    in_rollout_lab(story)


def test_a_managed_service_that_somebody_turns_away_is_turned_back() -> None:
    async def story(lab: RolloutLab) -> None:
        await lab.truth.create(SERVICES, service("stable"))
        await lab.truth.create(SERVICES, service("canary"))
        made = echo_rollout(1)
        made["spec"]["strategy"] = {"canary": {"stableService": "stable", "canaryService": "canary"}}
        await lab.truth.create(ROLLOUTS, made)
        await lab.until_phase("Healthy")
        await lab.advance(60)

        await lab.truth.patch(SERVICES, SHOP, "stable", {"spec": {"selector": {POD_TEMPLATE_HASH_LABEL: "wrong"}}})
        await lab.advance(1)

        found = await lab.truth.get(SERVICES, SHOP, "stable")
        assert found["spec"]["selector"][POD_TEMPLATE_HASH_LABEL] == OLD.removeprefix("echo-server-")

    in_rollout_lab(story)


def replica_set(*, name: str, labels: dict[str, str]) -> Obj:
    """One without pods that nobody controls."""
    pod = {**echo_server("6.8.0"), "metadata": {"labels": labels}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    metadata = {"name": name, "namespace": SHOP, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def service(name: str) -> Obj:
    ports = [{"name": "http", "port": 80, "targetPort": 9898}]
    spec = {"selector": {"app": "echo-server"}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": SHOP}, "spec": spec}


def test_at_rest_nothing_is_written() -> None:
    async def story(lab: RolloutLab) -> None:
        await lab.truth.create(ROLLOUTS, echo_rollout(2))
        await lab.until_phase("Healthy")
        await lab.advance(60)
        before = await _versions(lab.truth)

        await lab.advance(300)

        assert await _versions(lab.truth) == before

    in_rollout_lab(story)


async def _versions(cluster: Cluster) -> list[str]:
    found = [*(await cluster.list(ROLLOUTS)).items, *(await cluster.list(REPLICA_SETS)).items]
    return [one["metadata"]["resourceVersion"] for one in found]
