"""The whole of canarium over a real git repository, for tests that speak of what an engineer does and sees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from canarium.clock import VirtualClock, run_virtual
from canarium.gitops.git.local import LocalRepositories
from canarium.gitops.git.working_copy import WorkingCopy
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.decision import Patch
from canarium.kube.objects import Obj, condition, controller_of
from canarium.kube.resources import PODS, REPLICA_SETS, Resource
from canarium.lab.examples import MANIFESTS
from canarium.lab.silent_canary import AUTHOR, REPO_URL, LocalClones, write_example
from canarium.lab.world import World, WorldOptions
from canarium.rollouts.kinds import ROLLOUTS
from canarium.text.yaml import load_all

T = TypeVar("T")

NAME = "echo-server"
STAGING, PROD = "echo-staging", "echo-prod"
OLD, NEW = "6fdd67656d", "5478f49d8b"
"""The pod template hashes of podinfo 6.8.0 and 6.9.3, as a real cluster names them."""
ROLLOUT_FILE = f"{MANIFESTS}/base/rollout.yaml"
SERVICE_FILE = f"{MANIFESTS}/base/service.yaml"
TEMPLATE_FILE = f"{MANIFESTS}/base/analysis-template.yaml"
BASE_FILE = f"{MANIFESTS}/base/kustomization.yaml"
STAGING_FILE = f"{MANIFESTS}/overlays/staging/kustomization.yaml"
PROD_FILE = f"{MANIFESTS}/overlays/prod/kustomization.yaml"
PROMETHEUS = "http://prometheus-server.prometheus.svc.cluster.local"
SOON = timedelta(minutes=10)
SCRAPED_WITHIN_SECONDS = 60
"""Prometheus' default scrape interval: nothing is known of a pod before."""

WORKING_QUERIES = {
    "http://prom-server.": "http://prometheus-server.",
    "successCondition: result[0] > 0": "successCondition: result[0] == 0",
    "            # Try the query in the Prometheus page before you write it here.\n": (
        '            sum(kube_pod_container_status_ready{namespace="{{args.namespace}}", pod=~"echo-server-.*"})\n'
    ),
}
"""What the engineer finds out in the story: edits of the AnalysisTemplate that make its analyses succeed."""


class Lab:
    """A started world, the engineer's working copy, and what they do and see."""

    def __init__(self, world: World, copy: WorkingCopy, clock: VirtualClock) -> None:
        self.world = world
        self.copy = copy
        self.clock = clock

    # -- what the engineer does ---------------------------------------------------------------------------------

    async def deploy(self, *, mended: bool = True) -> None:
        """Apply the ApplicationSet and wait until 6.8.0 is Healthy in both environments; mended: analyses succeed."""
        if mended:
            self.edit(TEMPLATE_FILE, WORKING_QUERIES)
        await self.apply_appset()
        for namespace in (STAGING, PROD):
            await self.until_phase("Healthy", namespace)
        await self.until(lambda: len(self.apps("Synced", "Healthy")) == 2, "both Applications becoming Healthy")
        await self.world.sleep(2 * SCRAPED_WITHIN_SECONDS)

    async def apply_appset(self, edits: Mapping[str, str] | None = None) -> None:
        """`kubectl apply -f appset.yaml`, after edits that are not committed."""
        text = self.copy.read(f"{MANIFESTS}/appset.yaml")
        for before, after in (edits or {}).items():
            assert before in text
            text = text.replace(before, after)
        for document in load_all(text, "appset.yaml"):
            await self.world.apply(document.value)

    def edit(self, path: str, edits: Mapping[str, str]) -> str:
        """Replace texts in one file, commit, push. Returns the sha."""
        text = self.copy.read(path)
        for before, after in edits.items():
            assert text.count(before) == 1, f"{path} has {before!r} {text.count(before)} times, not once"
            text = text.replace(before, after)
        return self.push({path: text})

    def push(self, files: Mapping[str, str] | None = None, *, remove: tuple[str, ...] = ()) -> str:
        """Write and remove files, commit, push. Returns the sha."""
        self.copy.write(files or {})
        self.copy.remove(*remove)
        sha = self.copy.commit("Change something", author=AUTHOR, at=self.clock.now())
        self.copy.push()
        return sha

    def push_version(self, version: str = "6.9.3", before: str = "6.8.0") -> str:
        """Set the image, commit, push. Returns the sha."""
        return self.edit(ROLLOUT_FILE, {f"podinfo:{before}": f"podinfo:{version}"})

    async def refresh(self, *names: str) -> None:
        """`argocd app get NAME --refresh`, by default of both."""
        for name in names or ("echo-server-staging", "echo-server-prod"):
            await self.patch(
                APPLICATIONS,
                "argocd",
                name,
                {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}},
            )

    async def refresh_appset(self) -> None:
        """Have the ApplicationSet controller look at git now."""
        note = {"metadata": {"annotations": {"argocd.argoproj.io/application-set-refresh": "true"}}}
        await self.patch(APPLICATION_SETS, "argocd", NAME, note)

    async def update(self, version: str = "6.9.3", before: str = "6.8.0") -> None:
        """Push a version and wait until both environments are told of it."""
        sha = self.push_version(version, before)
        await self.refresh()
        await self.until_synced(sha)

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Any, **options: Any) -> Obj:
        """`kubectl patch`."""
        return await self.world.cluster.patch(resource, namespace, name, patch, **options)

    async def send(self, patches: tuple[Patch, ...]) -> None:
        """What a command of the Argo Rollouts plugin sends."""
        for one in patches:
            await self.patch(
                one.resource, one.namespace, one.name, one.patch, subresource=one.subresource, type=one.type
            )

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """An instant query through Prometheus' HTTP API."""
        answer = await self.world.get(f"{PROMETHEUS}/api/v1/query?query={quote(expr)}")
        body = msgspec.json.decode(answer.body)
        assert body["status"] == "success", body
        result: list[dict[str, Any]] = body["data"]["result"]
        return result

    # -- what the engineer sees ---------------------------------------------------------------------------------

    def find(self, resource: Resource, namespace: str, name: str) -> Obj:
        """An object that is there."""
        found = self.world.find(resource, namespace, name)
        assert found is not None, f"no {resource.kind} {name} in {namespace}"
        return found

    def names(self, resource: Resource, namespace: str | None = None) -> list[str]:
        """The names of all objects of a kind, sorted."""
        return sorted(obj["metadata"]["name"] for obj in self.world.all(resource, namespace))

    def rollout(self, namespace: str = STAGING) -> Obj:
        """The Rollout."""
        return self.find(ROLLOUTS, namespace, NAME)

    def app(self, environment: str = "staging") -> Obj:
        """The Application of an environment."""
        return self.find(APPLICATIONS, "argocd", f"{NAME}-{environment}")

    def apps(self, sync: str, health: str) -> list[str]:
        """The names of the Applications with that sync and health status."""
        found = []
        for app in self.world.all(APPLICATIONS, "argocd"):
            status = app.get("status") or {}
            if (status.get("sync") or {}).get("status") == sync and (status.get("health") or {}).get(
                "status"
            ) == health:
                found.append(app["metadata"]["name"])
        return found

    def complaint(self, environment: str = "staging", kind: str = "ComparisonError") -> str:
        """The message of an Application's condition; empty when there is none."""
        app = self.world.find(APPLICATIONS, "argocd", f"{NAME}-{environment}") or {"status": {}}
        return str((condition(app, kind) or {}).get("message", "")) if app.get("status") else ""

    def progressing(self, namespace: str = STAGING) -> dict[str, Any]:
        """The Rollout's condition of type Progressing, without times."""
        return without_times(condition(self.rollout(namespace), "Progressing") or {})

    def pods(self, namespace: str = STAGING) -> dict[str, int]:
        """How many pods that are not on their way out each ReplicaSet has, by pod template hash; zeros left out."""
        counts: dict[str, int] = {}
        for pod in self.world.all(PODS, namespace):
            owner = controller_of(pod)
            if owner is not None and not pod["metadata"].get("deletionTimestamp"):
                pod_hash = owner["name"].removeprefix(f"{NAME}-")
                counts[pod_hash] = counts.get(pod_hash, 0) + 1
        return counts

    def image(self, pod_hash: str, namespace: str = STAGING) -> str:
        """The image of a ReplicaSet."""
        replica_set = self.find(REPLICA_SETS, namespace, f"{NAME}-{pod_hash}")
        return str(replica_set["spec"]["template"]["spec"]["containers"][0]["image"])

    async def version(self, namespace: str = STAGING) -> str:
        """What the Service answers on /version."""
        answer = await self.world.get(f"http://{NAME}.{namespace}.svc.cluster.local/version")
        return str(msgspec.json.decode(answer.body)["version"])

    # -- waiting ------------------------------------------------------------------------------------------------

    async def until(self, is_so: Callable[[], T | None], what: str, within: timedelta = SOON) -> T:
        """Wait for something to become true. Raises NeverHappened."""
        return await self.world.until(is_so, what=what, within=within)

    async def until_phase(self, phase: str, namespace: str = STAGING, *, step: int | None = None) -> Obj:
        """Wait until the Rollout has that phase for the spec it has now, and is at that step if one is named."""

        def is_so() -> Obj | None:
            rollout = self.world.find(ROLLOUTS, namespace, NAME)
            status = (rollout or {}).get("status") or {}
            if rollout is None or str(status.get("observedGeneration")) != str(rollout["metadata"]["generation"]):
                return None
            if step is not None and status.get("currentStepIndex") != step:
                return None
            return rollout if status.get("phase") == phase else None

        return await self.until(is_so, f"{namespace} becoming {phase}")

    async def until_synced(self, sha: str, *environments: str, within: timedelta = SOON) -> None:
        """Wait until the Applications are synced to a commit."""

        def is_so() -> bool:
            return all(is_synced_to(self.app(environment), sha) for environment in environments or ("staging", "prod"))

        await self.until(is_so, f"a sync to {sha[:7]}", within)


def is_synced_to(app: Obj, sha: str) -> bool:
    """Whether an Application is at a commit and no sync is under way."""
    status = app.get("status") or {}
    sync = status.get("sync") or {}
    is_over = (status.get("operationState") or {}).get("phase") != "Running" and "operation" not in app
    return sync.get("status") == "Synced" and sync.get("revision") == sha and is_over


def without_times(told: Mapping[str, Any]) -> dict[str, Any]:
    """A condition without its timestamps."""
    return {key: value for key, value in told.items() if not key.endswith("Time")}


def in_lab(
    folder: Path, scenario: Callable[[Lab], Awaitable[T]], *, clones: bool = True, options: WorldOptions | None = None
) -> T:
    """Play a scenario in virtual time, in a new world with the example in a repository of its own below `folder`."""

    async def play(clock: VirtualClock) -> T:
        origin = folder / "echo-server.git"
        copy = write_example(folder / "echo-server", origin, repo_url=REPO_URL, at=clock.now())
        repositories = LocalRepositories()
        world = World(clock, LocalClones(repositories, {REPO_URL: origin} if clones else {}), options)
        try:
            await world.start()
            return await scenario(Lab(world, copy, clock))
        finally:
            await world.stop()
            copy.close()
            repositories.close()

    return run_virtual(play)
