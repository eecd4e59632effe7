"""The Silent Canary: a canary that hangs for three reasons, and the engineer who finds them one by one.

Owns: the story, as a sequence of beats. Every beat does or looks at something real in a `World`; none is a canned
answer, and a world that answers differently stops the story with what was seen instead.
Must not know: how beats are shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from canarium.errors import CanariumError
from canarium.gitops.git.repositories import CommitInfo, Repositories
from canarium.gitops.git.working_copy import WorkingCopy, init_origin, require_empty
from canarium.gitops.kinds import APPLICATIONS
from canarium.gitops.tree import Tree
from canarium.kube.objects import Obj, ObjectKey, condition, labels_of
from canarium.kube.resources import PODS, REPLICA_SETS, SERVICES, Resource
from canarium.lab.examples import MANIFESTS, SILENT_CANARY, example_files
from canarium.lab.objectives import NAME, NAMESPACES, VERSION, Objective, verify
from canarium.lab.world import World
from canarium.nodes.network import HttpResponse
from canarium.rollouts.commands import retry
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.text.yaml import dump, load_all

REPO_URL = "https://git.example.com/team/echo-server.git"
AUTHOR = "Engineer <engineer@example.com>"
STAGING, PROD = NAMESPACES
_WITHIN = timedelta(minutes=20)
_SCRAPED_WITHIN_SECONDS = 150
"""More than two of Prometheus' default intervals: it knows the pods of now and has forgotten those that are gone."""
_ASK_AGAIN_SECONDS = 1.0

_TEMPLATE_FILE = f"{MANIFESTS}/base/analysis-template.yaml"
_ROLLOUT_FILE = f"{MANIFESTS}/base/rollout.yaml"
_PROMETHEUS = "http://prometheus-server.prometheus.svc.cluster.local"
_READY = 'kube_pod_container_status_ready{namespace="echo-staging", pod=~"echo-server-.*"}'
_ANY_READY = f'kube_pod_container_status_ready{{namespace=~"{"|".join(NAMESPACES)}", pod=~"{NAME}-.*"}}'
_UNWRITTEN_QUERY = """\
            # How many containers are ready? At least one should be.
            # The kube_pod_container_status_* metrics know.
            # Try the query in the Prometheus page before you write it here.
"""
_WRITTEN_QUERY = """\
            # How many containers are ready? At least one should be.
            sum(kube_pod_container_status_ready{
              namespace="{{args.namespace}}",
              pod=~"echo-server-.*"
            }) or vector(0)
"""


class Beat(msgspec.Struct, frozen=True):
    """One line of the story: a chapter title, what the engineer does, what is seen, or why it is so."""

    kind: Literal["title", "does", "sees", "why"]
    text: str
    at: timedelta = timedelta(0)


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """How the story is told. is_push_noticed: whether somebody tells Argo CD of a push, or it finds out by itself.
    waiting: hears what is being waited for, and an empty text when that is over."""

    is_push_noticed: bool = False
    waiting: Callable[[str], None] = lambda _: None


class Ending(msgspec.Struct, frozen=True):
    """The objectives, as judged at the end."""

    objectives: tuple[Objective, ...]


class StoryBroke(CanariumError):
    """The world did not answer as the story needs it."""


class LocalClones:
    """Serves known remotes from repositories on disk. See `Repositories`."""

    def __init__(self, inner: Repositories, clones: dict[str, Path]) -> None:
        self._inner = inner
        self._clones = clones

    def _local(self, repo_url: str) -> str:
        clone = self._clones.get(repo_url)
        return repo_url if clone is None else str(clone)

    def resolve(self, repo_url: str, revision: str = "HEAD") -> str:
        """See `Repositories`."""
        return self._inner.resolve(self._local(repo_url), revision)

    def tree(self, repo_url: str, sha: str) -> Tree:
        """See `Repositories`."""
        return self._inner.tree(self._local(repo_url), sha)

    def info(self, repo_url: str, sha: str) -> CommitInfo:
        """See `Repositories`."""
        return self._inner.info(self._local(repo_url), sha)


def write_example(directory: Path, origin: Path, *, repo_url: str, at: Any) -> WorkingCopy:
    """Write the broken example as a working copy in `directory` with a bare `origin`. Raises GitError."""
    for folder in (directory, origin):
        require_empty(folder)  # both, before either is begun
    init_origin(origin)
    copy = WorkingCopy.init(directory, origin=origin)
    copy.write(example_files(SILENT_CANARY, repo_url=repo_url))
    copy.commit("Deploy podinfo 6.8.0 to staging and prod", author=AUTHOR, at=at)
    copy.push()
    return copy


class SilentCanary:
    """The story over a started world and the engineer's working copy."""

    def __init__(self, world: World, copy: WorkingCopy, telling: Telling | None = None) -> None:
        self._world = world
        self._copy = copy
        self._telling = telling or Telling()
        self._began = world.clock.now()
        self.walk: dict[str, list[tuple[int, int]]] = {namespace: [] for namespace in NAMESPACES}
        """(stable, canary) pod counts as they were when each step of the last update was reached, by namespace."""

    # -- the chapters -------------------------------------------------------------------------------------------

    async def play(self) -> AsyncIterator[Beat | Ending]:
        """The whole story. Raises StoryBroke, NeverHappened."""
        for chapter in (
            self._deploy,
            self._hang,
            self._mend_the_address,
            self._mend_the_condition,
            self._find_the_query,
            self._write_the_query,
        ):
            async for beat in chapter():
                yield beat
        yield self._beat("title", "The objectives")
        yield Ending(await verify(self._world.cluster, self._world.network))

    async def _deploy(self) -> AsyncIterator[Beat]:
        yield self._beat("title", "podinfo 6.8.0 is deployed to staging and prod")
        yield self._beat("does", f"kubectl apply -f {MANIFESTS}/appset.yaml")
        for document in load_all(self._copy.read(f"{MANIFESTS}/appset.yaml"), "appset.yaml"):
            await self._world.apply(document.value)
        await self._both(lambda rollout: _phase(rollout) == "Healthy", "the first revision becoming Healthy")
        for namespace in NAMESPACES:
            stable = self._stable(namespace)
            yield self._beat("sees", f"{namespace}: Healthy, {stable['metadata']['name']} runs {_image(stable)}")
        yield self._beat("why", "The ApplicationSet found a folder per environment; a first revision skips the steps.")

    async def _hang(self) -> AsyncIterator[Beat]:
        yield self._beat("title", f"{VERSION} is pushed, and the canary hangs")
        yield self._edit(
            _ROLLOUT_FILE, "podinfo:6.8.0", f"podinfo:{VERSION}", f"Update podinfo to {VERSION}", "set the image"
        )
        await self._both(
            lambda rollout: _image_of(rollout).endswith(VERSION) and _phase(rollout) == "Degraded",
            "the canary aborting",
        )
        if self._telling.is_push_noticed:
            yield self._beat("why", "Argo CD was told of the push, as a webhook would; it synced both environments.")
        else:
            yield self._beat("why", "Nobody told Argo CD: it asks git by itself every three minutes.")
        yield self._beat("does", f"kubectl -n {STAGING} get rollout {NAME} -o yaml")
        yield self._beat("sees", _condition_text(self._rollout(STAGING)))
        stable = self._stable(STAGING)
        yield self._beat("does", f"kubectl -n {STAGING} get replicaset {stable['metadata']['name']} -o yaml")
        yield self._beat("sees", f"image: {_image(stable)}  (stable is still the old version)")
        yield self._beat("does", "kubectl -n prometheus get service")
        names = [service["metadata"]["name"] for service in self._world.all(SERVICES, "prometheus")]
        yield self._beat("sees", ", ".join(names))
        yield self._beat("why", "The AnalysisTemplate asks prom-server; the Service is called prometheus-server.")

    async def _mend_the_address(self) -> AsyncIterator[Beat]:
        yield self._beat("title", "First fix: the address")
        yield self._edit(
            _TEMPLATE_FILE,
            "http://prom-server.",
            "http://prometheus-server.",
            "Ask the Prometheus that exists",
            "prom-server → prometheus-server",
        )
        async for beat in self._refresh_and_retry():
            yield beat
        await self._aborted_again("assessed Failed")
        yield self._beat("does", f"kubectl argo rollouts -n {STAGING} status {NAME}")
        yield self._beat("sees", _status_text(self._rollout(STAGING)))
        yield self._beat("why", "No container restarted, so the query gives 0, and result[0] > 0 calls that a failure.")

    async def _mend_the_condition(self) -> AsyncIterator[Beat]:
        yield self._beat("title", "Second fix: the condition was the wrong way round")
        yield self._edit(
            _TEMPLATE_FILE,
            "successCondition: result[0] > 0",
            "successCondition: result[0] == 0",
            "No restarts is success",
            "result[0] > 0 → result[0] == 0",
        )
        async for beat in self._refresh_and_retry():
            yield beat
        await self._aborted_again("ready-containers")
        yield self._beat("does", f"kubectl -n {STAGING} get analysisruns")
        for run in self._runs(STAGING):
            yield self._beat("sees", _run_text(run))
        last = self._runs(STAGING)[-1]
        for result in (last.get("status") or {}).get("metricResults") or ():
            yield self._beat("sees", f"  {result['name']}: {result['phase']}")
        yield self._beat("sees", f"  {(last.get('status') or {}).get('message', '')}")
        yield self._beat("why", "The second query was never written: it is comments only.")

    async def _find_the_query(self) -> AsyncIterator[Beat]:
        yield self._beat("title", "A look at Prometheus")
        await self._until_scraped()
        yield self._beat("does", f"query: {_READY}")
        for series in await self.query(_READY):
            labels = ", ".join(f'{name}="{value}"' for name, value in series["metric"].items() if name != "__name__")
            yield self._beat("sees", f"{{{labels}}} {series['value'][1]}")
        yield self._beat("does", f"query: sum({_READY})")
        total = await self.query(f"sum({_READY})")
        yield self._beat("sees", f"{{}} {total[0]['value'][1]}")

    async def _write_the_query(self) -> AsyncIterator[Beat]:
        yield self._beat("title", "Third fix: the query")
        yield self._edit(
            _TEMPLATE_FILE,
            _UNWRITTEN_QUERY,
            _WRITTEN_QUERY,
            "Count the ready containers",
            "sum(kube_pod_container_status_ready{…}) or vector(0)",
        )
        stop = self._follow_the_walk()
        try:
            async for beat in self._refresh_and_retry():
                yield beat
            await self._both(lambda rollout: _phase(rollout) == "Healthy", "the rollouts becoming Healthy")
        finally:
            stop()
        for namespace in NAMESPACES:
            counts = " → ".join(f"{stable}+{canary}" for stable, canary in self.walk[namespace])
            yield self._beat("sees", f"{namespace}: stable+canary pods {counts}")
        for namespace in NAMESPACES:
            for run in self._runs(namespace)[3:]:
                yield self._beat("sees", f"{namespace}: {_run_text(run)}")
        yield self._beat("why", "33 %, 66 %, 100 %: each step waited for an analysis that could answer.")

    # -- what the engineer does ---------------------------------------------------------------------------------

    def _edit(self, path: str, before: str, after: str, message: str, told: str) -> Beat:
        """Change one thing in one file, commit, push."""
        text = self._copy.read(path)
        if text.count(before) != 1:
            raise StoryBroke(f"{path} has {before!r} {text.count(before)} times, not once")
        self._copy.write({path: text.replace(before, after)})
        sha = self._copy.commit(message, author=AUTHOR, at=self._world.clock.now())
        self._copy.push()
        file = path.removeprefix(f"{MANIFESTS}/")
        return self._beat("does", f"edit {file}: {told}; git commit -m {message!r}; git push   ({sha[:7]})")

    async def _refresh_and_retry(self) -> AsyncIterator[Beat]:
        """Have Argo CD look at git now, wait until both environments are synced, retry both rollouts."""
        head = self._copy.head
        for namespace in NAMESPACES:
            app = f"echo-server-{namespace.removeprefix('echo-')}"
            refresh = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
            await self._world.cluster.patch(APPLICATIONS, "argocd", app, refresh)
            yield self._beat("does", f"argocd app get {app} --refresh")

        def is_synced() -> bool:
            apps = self._world.all(APPLICATIONS, "argocd")
            return len(apps) == len(NAMESPACES) and all(_synced_to(app, head) for app in apps)

        await self._until(is_synced, "both applications being synced", APPLICATIONS)
        for namespace in NAMESPACES:
            yield self._beat("does", f"kubectl argo rollouts retry rollout {NAME} -n {namespace}")
            for patch in retry(self._rollout(namespace)):
                await self._world.cluster.patch(
                    patch.resource, patch.namespace, patch.name, patch.patch, subresource=patch.subresource
                )

    async def _until_scraped(self) -> None:
        """Wait until Prometheus knows exactly the pods that are there, and all of them as ready: what it scraped before
        is of pods that are gone or were not ready yet, and the query to come would fail on that."""
        deadline = self._world.clock.monotonic() + _SCRAPED_WITHIN_SECONDS
        self._telling.waiting("Prometheus scraping the pods of now")
        try:
            while True:
                there = {(ns, pod["metadata"]["name"]) for ns in NAMESPACES for pod in self._world.all(PODS, ns)}
                labels = [series["metric"] for series in await self.query(f"{_ANY_READY} == 1")]
                known = {(each["namespace"], each["pod"]) for each in labels}
                everything = await self.query(_ANY_READY)
                if known == there and len(everything) == len(there) > 0:
                    return
                if self._world.clock.monotonic() > deadline:
                    raise StoryBroke(f"Prometheus knows {sorted(known)} as ready, but the pods are {sorted(there)}")
                await self._world.sleep(_ASK_AGAIN_SECONDS)
        finally:
            self._telling.waiting("")

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """An instant query through Prometheus' HTTP API. Raises StoryBroke when it answers with an error."""
        answer: HttpResponse = await self._world.get(f"{_PROMETHEUS}/api/v1/query?query={quote(expr)}")
        body = msgspec.json.decode(answer.body)
        if body["status"] != "success":
            raise StoryBroke(f"Prometheus answered {body['error']}")
        result: list[dict[str, Any]] = body["data"]["result"]
        return result

    # -- what the engineer sees ---------------------------------------------------------------------------------

    def _beat(self, kind: Literal["title", "does", "sees", "why"], text: str) -> Beat:
        return Beat(kind, text, self._world.clock.now() - self._began)

    def _rollout(self, namespace: str) -> Obj:
        found = self._world.find(ROLLOUTS, namespace, NAME)
        if found is None:
            raise StoryBroke(f"there is no Rollout {NAME} in {namespace}")
        return found

    def _stable(self, namespace: str) -> Obj:
        name = f"{NAME}-{(self._rollout(namespace).get('status') or {}).get('stableRS', '')}"
        found = self._world.find(REPLICA_SETS, namespace, name)
        if found is None:
            raise StoryBroke(f"there is no ReplicaSet {name} in {namespace}")
        return found

    def _runs(self, namespace: str) -> list[Obj]:
        """AnalysisRuns in the order they were made."""
        return sorted(self._world.all(ANALYSIS_RUNS, namespace), key=_age)

    async def _both(self, is_so: Callable[[Obj], bool], what: str) -> None:
        """Wait until both rollouts are as wanted."""

        def in_both() -> bool:
            rollouts = [self._world.find(ROLLOUTS, namespace, NAME) for namespace in NAMESPACES]
            return all(rollout is not None and _is_observed(rollout) and is_so(rollout) for rollout in rollouts)

        await self._until(in_both, what, ROLLOUTS)

    async def _until(self, is_so: Callable[[], bool], what: str, resource: Resource) -> None:
        self._telling.waiting(what)
        try:
            await self._world.until(is_so, what=what, within=_WITHIN, on=(resource,))
        finally:
            self._telling.waiting("")

    async def _aborted_again(self, says: str) -> None:
        await self._both(
            lambda rollout: (
                _phase(rollout) == "Degraded" and says in (condition(rollout, "Progressing") or {}).get("message", "")
            ),
            f"the canary aborting with {says!r}",
        )

    def _follow_the_walk(self) -> Callable[[], None]:
        """Note the pods of stable and canary whenever a rollout reaches another step."""
        reached: dict[str, int] = {}

        def note(change: Any) -> None:
            key: ObjectKey = change.key
            if key.name != NAME or key.namespace not in self.walk:
                return
            rollout: Obj = msgspec.json.decode(change.raw)
            status = rollout.get("status") or {}
            index = status.get("currentStepIndex")
            if status.get("abort") or index is None or index == reached.get(key.namespace, 0):
                return
            reached[key.namespace] = index
            if index % 2 == 1:  # a setWeight step was completed
                pods = {"stable": 0, "canary": 0}
                for replica_set in self._world.all(REPLICA_SETS, key.namespace):
                    pod_hash = labels_of(replica_set).get("rollouts-pod-template-hash")
                    side = "stable" if pod_hash == status.get("stableRS") else "canary"
                    if index == len(rollout["spec"]["strategy"]["canary"]["steps"]):
                        side = "canary" if pod_hash == status.get("currentPodHash") else "stable"
                    pods[side] += (replica_set.get("status") or {}).get("availableReplicas", 0)
                self.walk[key.namespace].append((pods["stable"], pods["canary"]))

        return self._world.store.subscribe(ROLLOUTS, note)


def _age(run: Obj) -> tuple[str, int, int]:
    """Sorts AnalysisRuns as they were made: within a second by step, then by attempt (`-2-1`, `-2-1.1`, …)."""
    metadata = run["metadata"]
    return (metadata["creationTimestamp"], int(labels_of(run).get("step-index", "0")), len(metadata["name"]))


def _phase(rollout: Obj) -> str:
    return str((rollout.get("status") or {}).get("phase", ""))


def _is_observed(rollout: Obj) -> bool:
    """Whether status speaks of the spec as it is."""
    seen = (rollout.get("status") or {}).get("observedGeneration")
    return str(seen) == str(rollout["metadata"].get("generation"))


def _image(workload: Obj) -> str:
    return str(workload["spec"]["template"]["spec"]["containers"][0]["image"])


def _image_of(rollout: Obj) -> str:
    return _image(rollout)


def _synced_to(app: Obj, sha: str | None) -> bool:
    sync = (app.get("status") or {}).get("sync") or {}
    operation = (app.get("status") or {}).get("operationState") or {}
    is_done = operation.get("phase") == "Succeeded" and "operation" not in app
    return sync.get("status") == "Synced" and sync.get("revision") == sha and is_done


def _condition_text(rollout: Obj) -> str:
    found = condition(rollout, "Progressing") or {}
    return dump([{name: found.get(name, "") for name in ("message", "reason", "status", "type")}]).rstrip("\n")


def _status_text(rollout: Obj) -> str:
    status = rollout.get("status") or {}
    return f"{status.get('phase', '')} - {status.get('message', '')}"


def _run_text(run: Obj) -> str:
    return f"{run['metadata']['name']}  {(run.get('status') or {}).get('phase', 'Pending')}"
