"""A sync as a plan: which task, in which phase and wave, in which order.

Owns: tasks and their order. Pure. Must not know: what was done already.
Behaviour follows Argo CD 3.6 `gitops-engine/pkg/sync` (`getSyncTasks`, `sync_tasks.go`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from canarium.gitops.application.compare import Pair
from canarium.gitops.application.resource_key import SYNC_OPTIONS, ResourceKey, option, resource_key, wave_of
from canarium.kube.objects import Obj

PHASES = ("PreSync", "Sync", "PostSync", "SyncFail")
KINDS = (
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)
"""The order in which kinds are applied within a wave; kinds not listed (custom resources) come last."""
RANK = {kind: index for index, kind in enumerate(KINDS)}


class Task(msgspec.Struct, frozen=True):
    """One thing to apply, or (without a target) to prune.

    is_modified: whether target and live differ. is_merged: the target's labels and annotations are laid over what is
    there, as a server-side apply of them would be; nothing is taken away.
    """

    phase: str
    wave: int
    target: Obj | None
    live: Obj | None
    is_modified: bool = True
    is_merged: bool = False

    @property
    def is_prune(self) -> bool:
        """Whether it takes something away."""
        return self.target is None

    @property
    def obj(self) -> Obj:
        """What it is about: the target, or what is pruned."""
        obj = self.target or self.live
        assert obj is not None, "a task has a target or something to prune"
        return obj

    @property
    def key(self) -> ResourceKey:
        """The key of what it is about."""
        return resource_key(self.obj)

    @property
    def step(self) -> tuple[int, int]:
        """Phase and wave: tasks of one step run together."""
        return PHASES.index(self.phase), self.wave

    def __str__(self) -> str:
        return f"{self.key.group}/{self.key.kind}/{self.key.name}"


def make_plan(
    pairs: Sequence[Pair],
    *,
    namespace: Obj | None = None,
    prune_last: bool = False,
    selected: Callable[[ResourceKey], bool] | None = None,
) -> tuple[Task, ...]:
    """All tasks of a sync in order.

    namespace: the destination's, if it has to be created first. selected: of a partial sync.
    Objects that are not the Application's own are never pruned: they get no task.
    """
    tasks = [
        Task("Sync", wave_of(pair.target or pair.live or {}), pair.target, pair.live, pair.is_modified)
        for pair in pairs
        if pair.is_own and (selected is None or selected(pair.key))
    ]
    if namespace is not None and all(task.key != resource_key(namespace) for task in tasks):
        tasks.append(Task("PreSync", wave_of(namespace), namespace, None))
    tasks = _reverse_prunes(tasks)
    last = max([0, *(task.wave for task in tasks if task.phase == "Sync")]) + 1
    tasks = [
        replace(task, wave=last)
        if task.is_prune and (prune_last or option(task.live, SYNC_OPTIONS, "PruneLast") == "true")
        else task
        for task in tasks
    ]
    tasks.sort(key=_order)
    tasks = _needed_first(tasks, _namespace_made, lambda task: task.key.namespace)
    tasks = _needed_first(tasks, _kind_made, kind_of)
    return tuple(tasks)


def _order(task: Task) -> tuple[int, int, int, str, str, str]:
    key = task.key
    return (*task.step, RANK.get(key.kind, len(KINDS)), key.name, key.kind, str(key))


def _reverse_prunes(tasks: Sequence[Task]) -> list[Task]:
    """What was made last is taken away first: the first prune wave swaps with the last, and so on inwards."""
    waves = sorted({task.wave for task in tasks if task.is_prune})
    mirrored = dict(zip(waves, reversed(waves), strict=True))
    return [replace(task, wave=mirrored[task.wave]) if task.is_prune else task for task in tasks]


def made_kinds(tasks: Sequence[Task]) -> frozenset[str]:
    """`group/kind` of the kinds that a sync itself defines."""
    return frozenset(made for task in tasks if (made := _kind_made(task)))


def kind_of(task: Task) -> str:
    """`group/kind` of what a task is about."""
    return f"{task.key.group}/{task.key.kind}"


def _namespace_made(task: Task) -> str:
    return task.key.name if task.key.kind == "Namespace" and task.key.group == "" else ""


def _kind_made(task: Task) -> str:
    if task.key.kind != "CustomResourceDefinition" or task.target is None:
        return ""
    spec = task.target.get("spec") or {}
    return f"{spec.get('group', '')}/{(spec.get('names') or {}).get('kind', '')}"


def _needed_first(tasks: Sequence[Task], makes: Callable[[Task], str], needs: Callable[[Task], str]) -> list[Task]:
    """Moves what makes a thing (a Namespace, a kind) before the first task that needs it, into its phase and wave."""
    ordered: list[Task] = []
    for task in tasks:
        made = "" if task.is_prune else makes(task)
        first = next(
            (n for n, other in enumerate(ordered) if made and not other.is_prune and needs(other) == made), None
        )
        if first is None:
            ordered.append(task)
        else:
            ordered.insert(first, replace(task, phase=ordered[first].phase, wave=ordered[first].wave))
    return ordered
