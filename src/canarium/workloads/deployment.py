"""Deployment: which ReplicaSet is new, and how many pods each gets next.

Owns: recreate and rolling update, scaling in proportion, revisions, history, pause. Status is `deployment_status`.
Must not know: pods' insides, clocks.
Source: Kubernetes 1.34 pkg/controller/deployment/{deployment_controller,sync,rolling,recreate}.go. The
pod-template-hash is computed over JSON (kube.podhash), not over Go's memory dump as upstream does: its value differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from canarium.kube.cluster import Cluster
from canarium.kube.controller.reconciler import Listers, Watch, owned
from canarium.kube.decision import Action, Create, Decision, Delete, EventNote, Patch, Reason
from canarium.kube.objects import (
    Obj,
    ObjectKey,
    annotations_of,
    controller_of,
    key_of,
    labels_of,
    matches_labels,
    owner_reference,
)
from canarium.kube.podhash import pod_template_hash
from canarium.kube.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from canarium.workloads.deployment_sizes import (
    DESIRED,
    MAXIMUM,
    age,
    count,
    fenceposts,
    is_rolling,
    is_scaling,
    max_surge,
    new_size,
    proportional_scales,
    scale_down_old,
    size,
)
from canarium.workloads.deployment_status import (
    Found,
    Progress,
    is_complete,
    rollout_status,
    with_condition,
)
from canarium.workloads.pods import claim, rest_for

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
HASH_LABEL = "pod-template-hash"
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
)


class Rolling(Reason, frozen=True):
    """What changes now."""

    changes: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.changes)


class WaitingForPods(Reason, frozen=True):
    """Nothing may change until more pods are available."""

    available: int
    want: int
    updated: int

    def __str__(self) -> str:
        return f"{self.available} of {self.want} pods are available, {self.updated} are of the new template"


class Complete(Reason, frozen=True):
    """Every pod is new and available."""

    replica_set: str

    def __str__(self) -> str:
        return f"all pods are those of {self.replica_set}"


class SelectsEverything(Reason, frozen=True):
    """An empty selector is refused."""

    def __str__(self) -> str:
        return "This deployment is selecting all pods. A non-empty selector is required."


class ObservedDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """replica_sets: all of the namespace that match or are owned. pods: by the uid of their ReplicaSet."""

    deployment: Obj
    replica_sets: tuple[Obj, ...]
    pods: Mapping[str, tuple[Obj, ...]]


class DeploymentController:
    """A `Reconciler` of Deployments."""

    name = "deployment-controller"
    primary = DEPLOYMENTS
    watches: Sequence[Watch]

    def __init__(self, cluster: Cluster, listers: Listers) -> None:
        del cluster
        self._deployments = listers(DEPLOYMENTS)
        self._sets = listers(REPLICA_SETS)
        self._pods = listers(PODS)
        self.watches = (owned(REPLICA_SETS, "Deployment"), Watch(PODS, self._deployment_of))

    def _deployment_of(self, pod: Obj) -> list[ObjectKey]:
        """Recreate waits for the last old pod, which no ReplicaSet tells of."""
        owner, namespace = controller_of(pod), pod["metadata"].get("namespace", "")
        if owner is None or owner["kind"] != "ReplicaSet":
            return []
        replica_set = self._sets.get(namespace, owner["name"])
        above = controller_of(replica_set) if replica_set else None
        if above is None or above["kind"] != "Deployment":
            return []
        return [ObjectKey(namespace, above["name"])]

    async def observe(self, key: ObjectKey) -> ObservedDeployment | None:
        """See `Reconciler`."""
        deployment = self._deployments.get(*key)
        if deployment is None:
            return None
        selector, uid = deployment["spec"].get("selector"), deployment["metadata"]["uid"]
        sets = tuple(
            found
            for found in self._sets.list(key.namespace)
            if (controller_of(found) or {}).get("uid") == uid or matches_labels(selector, labels_of(found))
        )
        pods = {found["metadata"]["uid"]: tuple(self._pods.owned_by(found["metadata"]["uid"])) for found in sets}
        return ObservedDeployment(deployment=deployment, replica_sets=sets, pods=pods)

    def rest_seconds(self, observed: ObservedDeployment) -> float:
        """See `Resting`."""
        return rest_for(sum(len(pods) for pods in observed.pods.values()))

    def subject(self, observed: ObservedDeployment) -> Obj:
        """See `Reconciler`."""
        return observed.deployment

    def decide(self, observed: ObservedDeployment, now: datetime) -> Decision:
        """See `decide`."""
        return decide(observed, now)


class _Scale(msgspec.Struct, frozen=True, kw_only=True):
    """One ReplicaSet's new size; equal to its present one when only its annotations are out of date."""

    replica_set: Obj
    to: int


def decide(observed: ObservedDeployment, now: datetime) -> Decision:
    """Take the next step of at most one kind: adopt, create the new ReplicaSet, scale, or clean up."""
    deployment = observed.deployment
    spec = deployment["spec"]
    if not any((spec.get("selector") or {}).values()):
        why = SelectsEverything()
        return Decision(because=(why,), events=(EventNote(type="Warning", reason="SelectingAll", message=str(why)),))
    claimed = claim(deployment, spec["selector"], REPLICA_SETS, observed.replica_sets)
    if claimed.patches:
        return Decision(actions=claimed.patches, because=(Rolling(("adopting or releasing ReplicaSets",)),))
    sets = sorted(claimed.controlled, key=age)
    new = find_new(deployment, sets)
    old = [found for found in sets if found is not new]
    step = _Step(deployment=deployment, sets=sets, new=new, old=old, pods=observed.pods, now=now)
    if deployment["metadata"].get("deletionTimestamp"):
        return step.settle(Progress.COUNT_ONLY)
    if spec.get("paused") or is_scaling(deployment, sets):
        return step.scale_in_proportion()
    return step.roll() if is_rolling(deployment) else step.recreate()


def find_new(deployment: Obj, sets: Sequence[Obj]) -> Obj | None:
    """The oldest ReplicaSet whose template is the Deployment's, the hash label aside."""
    wanted = _comparable(deployment["spec"].get("template") or {})
    return next((found for found in sets if _comparable(found["spec"].get("template") or {}) == wanted), None)


def _comparable(template: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if value is not None}
    metadata["labels"] = {key: v for key, v in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    return {"metadata": metadata, "spec": template.get("spec")}


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """One look at one Deployment. Methods return Decisions."""

    deployment: Obj
    sets: Sequence[Obj]
    new: Obj | None
    old: Sequence[Obj]
    pods: Mapping[str, tuple[Obj, ...]]
    now: datetime

    @property
    def want(self) -> int:
        return int(self.deployment["spec"].get("replicas", 1))

    # -- strategies ---------------------------------------------------------------------------------------------

    def roll(self) -> Decision:
        """Rolling update: first up within the surge, else down within what may be unavailable."""
        if self.new is None:
            return self._create(new_size(self.deployment, self.sets, None))
        if renewal := self._renewed(self.new):
            return renewal
        have = size(self.new)
        to = min(have, self.want) if have >= self.want else new_size(self.deployment, self.sets, self.new)
        if to != have:
            return self.settle(Progress.ROLLING, (_Scale(replica_set=self.new, to=to),))
        downs = scale_down_old(self.deployment, self.new, self.old)
        return self.settle(Progress.ROLLING, tuple(_Scale(replica_set=found, to=to) for found, to in downs))

    def recreate(self) -> Decision:
        """Recreate: all old pods end before the first new one begins."""
        active = [found for found in self.old if size(found) > 0]
        if active:
            return self.settle(Progress.ROLLING, tuple(_Scale(replica_set=found, to=0) for found in active))
        if self._old_pods_run():
            return self.settle(Progress.ROLLING)
        if self.new is None:
            return self._create(self.want)
        if renewal := self._renewed(self.new):
            return renewal
        scales = (_Scale(replica_set=self.new, to=self.want),) if size(self.new) != self.want else ()
        return self.settle(Progress.ROLLING, scales)

    def _old_pods_run(self) -> bool:
        new_uid = self.new["metadata"]["uid"] if self.new else ""
        return any(
            (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
            for uid in sorted(self.pods)
            if uid != new_uid
            for pod in self.pods[uid]
        )

    def scale_in_proportion(self) -> Decision:
        """Paused, or spec.replicas changed in the middle of a roll-out: keep the shares, change the total."""
        if self.new is not None and (renewal := self._renewed(self.new)):
            return renewal
        scales = proportional_scales(self.deployment, self.sets, self.new, self.old)
        return self.settle(
            Progress.COUNT_ONLY,
            tuple(_Scale(replica_set=found, to=to) for found, to in scales if self._differs(found, to)),
        )

    def _differs(self, replica_set: Obj, to: int) -> bool:
        annotations = annotations_of(replica_set)
        return size(replica_set) != to or any(
            annotations.get(key) != value for key, value in self._size_annotations().items()
        )

    # -- actions ------------------------------------------------------------------------------------------------

    def settle(self, progress: Progress, scales: Sequence[_Scale] = ()) -> Decision:
        """Scale, count, say how it goes, and clean up once everything is done."""
        actions: list[Action] = []
        events: list[EventNote] = []
        for scale in scales:
            actions.append(self._scale(scale))
            if (have := size(scale.replica_set)) != scale.to:
                events.append(_scaled(scale.replica_set["metadata"]["name"], have, scale.to))
        if self.new is not None and not scales:
            actions.extend(self._revision_patch(annotations_of(self.new).get(REVISION, "1")))
        status, requeue = rollout_status(
            Found(deployment=self.deployment, sets=self.sets, new=self.new, max_unavailable=self._max_unavailable()),
            progress,
            self.now,
        )
        if not scales and (progress is Progress.COUNT_ONLY or is_complete(self.deployment, status)):
            actions.extend(self._clean_up())
        why: Reason
        if events:
            why = Rolling(tuple(event.message for event in events))
        elif self.new is not None and is_complete(self.deployment, status):
            why = Complete(self.new["metadata"]["name"])
        else:
            available, updated = status.get("availableReplicas", 0), status.get("updatedReplicas", 0)
            why = WaitingForPods(available, self.want, updated)
        return Decision(actions=tuple(actions), status=status, requeue=requeue, events=tuple(events), because=(why,))

    def _create(self, size: int) -> Decision:
        """The ReplicaSet of a template that was not seen before."""
        deployment, spec = self.deployment, self.deployment["spec"]
        metadata, status = deployment["metadata"], deployment.get("status") or {}
        template = spec["template"]
        digest = pod_template_hash(template, status.get("collisionCount"))
        name = f"{metadata['name']}-{digest}"
        if any(found["metadata"]["name"] == name for found in self.sets):
            collided = {**status, "collisionCount": int(status.get("collisionCount", 0)) + 1}
            return Decision(status=collided, because=(Rolling((f"{name} exists with another template",)),))
        revision = str(max((_revision(found) for found in self.old), default=0) + 1)
        labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: digest}
        selector = dict(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
        made: Obj = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": labels,
                "annotations": {**self._copied_annotations(), REVISION: revision, **self._size_annotations()},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": size,
                "selector": selector,
                "template": {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}},
            },
        }
        if spec.get("minReadySeconds"):
            made["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        counted, requeue = rollout_status(
            Found(deployment=deployment, sets=self.sets, new=None, max_unavailable=self._max_unavailable()),
            Progress.COUNT_ONLY,
            self.now,
        )
        said = f'Created new replica set "{name}"'
        created = with_condition(counted, "Progressing", "True", "NewReplicaSetCreated", said, self.now, is_news=True)
        return Decision(
            actions=(Create(resource=REPLICA_SETS, obj=made), *self._revision_patch(revision)),
            status=created,
            requeue=requeue,
            events=(_scaled(name, 0, size),) if size else (),
            because=(Rolling((said,)),),
        )

    def _renewed(self, new: Obj) -> Decision | None:
        """Bring what the new ReplicaSet copies from the Deployment up to date, its revision first of all."""
        spec, annotations = self.deployment["spec"], annotations_of(new)
        wanted = self._copied_annotations()
        revision = max((_revision(found) for found in self.old), default=0) + 1
        if _revision(new) < revision:
            wanted[REVISION] = str(revision)
            if REVISION in annotations:
                history = [past for past in annotations.get(REVISION_HISTORY, "").split(",") if past]
                wanted[REVISION_HISTORY] = ",".join([*history, annotations[REVISION]])
        patch: dict[str, Any] = {}
        missing = {key: value for key, value in wanted.items() if annotations.get(key) != value}
        if missing:
            patch["metadata"] = {"annotations": missing}
        if int(new["spec"].get("minReadySeconds") or 0) != int(spec.get("minReadySeconds") or 0):
            patch["spec"] = {"minReadySeconds": spec.get("minReadySeconds") or None}
        if not patch:
            return None
        name = new["metadata"]["name"]
        status = None
        if REVISION in missing:
            counted, _ = rollout_status(
                Found(deployment=self.deployment, sets=self.sets, new=new, max_unavailable=self._max_unavailable()),
                Progress.COUNT_ONLY,
                self.now,
            )
            said = f'Found new replica set "{name}"'
            status = with_condition(counted, "Progressing", "True", "FoundNewReplicaSet", said, self.now, is_news=True)
        return Decision(
            actions=(_patch(new, patch), *self._revision_patch(wanted.get(REVISION) or annotations.get(REVISION, "1"))),
            status=status,
            because=(Rolling((f"bringing annotations of {name} up to date",)),),
        )

    def _scale(self, scale: _Scale) -> Patch:
        return _patch(
            scale.replica_set,
            {"metadata": {"annotations": self._size_annotations()}, "spec": {"replicas": scale.to}},
        )

    def _revision_patch(self, revision: str) -> tuple[Patch, ...]:
        if annotations_of(self.deployment).get(REVISION) == revision:
            return ()
        metadata = self.deployment["metadata"]
        return (
            Patch(
                resource=DEPLOYMENTS,
                namespace=metadata["namespace"],
                name=metadata["name"],
                patch={"metadata": {"annotations": {REVISION: revision}}},
                resource_version=metadata["resourceVersion"],
            ),
        )

    def _clean_up(self) -> list[Action]:
        """Drop the oldest ReplicaSets beyond revisionHistoryLimit; those with pods stay."""
        limit = self.deployment["spec"].get("revisionHistoryLimit")
        if limit is None:
            return []
        alive = [found for found in self.old if not found["metadata"].get("deletionTimestamp")]
        surplus = sorted(alive, key=_revision)[: max(len(alive) - int(limit), 0)]
        return [
            Delete(
                resource=REPLICA_SETS,
                namespace=found["metadata"]["namespace"],
                name=found["metadata"]["name"],
                uid=found["metadata"]["uid"],
            )
            for found in surplus
            if not size(found) and not count(found, "replicas") and _is_observed(found)
        ]

    def _copied_annotations(self) -> dict[str, str]:
        return {k: v for k, v in annotations_of(self.deployment).items() if k not in _NOT_COPIED}

    def _size_annotations(self) -> dict[str, str]:
        return {DESIRED: str(self.want), MAXIMUM: str(self.want + max_surge(self.deployment))}

    def _max_unavailable(self) -> int:
        return fenceposts(self.deployment)[1] if is_rolling(self.deployment) and self.want else 0


# -- small things -----------------------------------------------------------------------------------------------------


def _scaled(name: str, have: int, to: int) -> EventNote:
    way = "up" if to > have else "down"
    message = f"Scaled {way} replica set {name} from {have} to {to}"
    return EventNote(type="Normal", reason="ScalingReplicaSet", message=message)


def _patch(replica_set: Obj, patch: dict[str, Any]) -> Patch:
    namespace, name = key_of(replica_set)
    version = replica_set["metadata"]["resourceVersion"]
    return Patch(resource=REPLICA_SETS, namespace=namespace, name=name, patch=patch, resource_version=version)


def _is_observed(replica_set: Obj) -> bool:
    return count(replica_set, "observedGeneration") >= int(replica_set["metadata"].get("generation", 0))


def _revision(replica_set: Obj) -> int:
    text = annotations_of(replica_set).get(REVISION, "0")
    return int(text) if text.isdigit() else 0
