"""The Silent Canary, played once: what the cluster held at the end of each chapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.objects import Obj, controller_of
from canarium.kube.resources import EVENTS, NAMESPACES, REPLICA_SETS, SERVICES, Resource
from canarium.lab.objectives import Objective
from canarium.lab.silent_canary import Beat, Ending, SilentCanary
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, ROLLOUTS
from tests.acceptance.lab import NAME, PROD, STAGING, Lab, in_lab

KINDS: tuple[Resource, ...] = (
    ROLLOUTS,
    REPLICA_SETS,
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    APPLICATIONS,
    APPLICATION_SETS,
    SERVICES,
    NAMESPACES,
    EVENTS,
)
READY = f'kube_pod_container_status_ready{{namespace="{STAGING}", pod=~"{NAME}-.*"}}'


@dataclass(frozen=True)
class Chapter:
    """The cluster at the end of a chapter, and what the environments' Services answered on /version."""

    title: str
    objects: Mapping[Resource, tuple[Obj, ...]]
    versions: Mapping[str, str]

    def all(self, resource: Resource, namespace: str = "") -> list[Obj]:
        """Objects of a kind, by namespace."""
        return [obj for obj in self.objects[resource] if obj["metadata"].get("namespace", "") == namespace]

    def one(self, resource: Resource, namespace: str, name: str) -> Obj:
        """The object of that name."""
        [found] = [obj for obj in self.all(resource, namespace) if obj["metadata"]["name"] == name]
        return found

    def rollout(self, namespace: str) -> Obj:
        """The Rollout of an environment."""
        return self.one(ROLLOUTS, namespace, NAME)

    def runs(self, namespace: str) -> dict[str, Obj]:
        """AnalysisRuns by name."""
        return {run["metadata"]["name"]: run for run in self.all(ANALYSIS_RUNS, namespace)}


@dataclass
class Story:
    """The whole story. chapters: in order. asked: what Prometheus answered during the look at it."""

    chapters: list[Chapter] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)
    objectives: tuple[Objective, ...] = ()
    asked: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sizes: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    """Desired replicas by pod template hash when an AnalysisRun came into being, by namespace and the run's name."""

    deployed = property(lambda self: self.chapters[0])
    hung = property(lambda self: self.chapters[1])
    readdressed = property(lambda self: self.chapters[2])
    reversed = property(lambda self: self.chapters[3])
    looked = property(lambda self: self.chapters[4])
    promoted = property(lambda self: self.chapters[5])


def play_story(folder: Path) -> Story:
    """Play it from an empty folder to the end."""
    story = Story()

    async def scenario(lab: Lab) -> None:
        def note_sizes(change: Any) -> None:
            known = story.sizes.setdefault(change.key.namespace, {})
            if change.key.name in known:
                return
            known[change.key.name] = {
                replica_set["metadata"]["name"].removeprefix(f"{NAME}-"): replica_set["spec"]["replicas"]
                for replica_set in lab.world.all(REPLICA_SETS, change.key.namespace)
                if controller_of(replica_set) is not None
            }

        lab.world.store.subscribe(ANALYSIS_RUNS, note_sizes)
        async for beat in SilentCanary(lab.world, lab.copy).play():
            if isinstance(beat, Ending):
                story.objectives = beat.objectives
                continue
            if beat.kind == "title" and story.beats:
                story.chapters.append(await snapshot(lab, story.beats))
                if len(story.chapters) == 5:
                    for query in (READY, f"sum({READY})"):
                        story.asked[query] = await lab.query(query)
            story.beats.append(beat)

    in_lab(folder, scenario)
    return story


async def snapshot(lab: Lab, told: list[Beat]) -> Chapter:
    """Everything of interest as it is now, under the title of the chapter that ends."""
    await lab.world.sleep(2)  # events and Argo CD's health follow a moment later
    title = [beat.text for beat in told if beat.kind == "title"][-1]
    objects = {resource: tuple(lab.world.all(resource)) for resource in KINDS}
    return Chapter(title, objects, {namespace: await lab.version(namespace) for namespace in (STAGING, PROD)})
