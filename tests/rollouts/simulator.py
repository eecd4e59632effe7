"""A tiny world for one Rollout: decisions take effect at once, pods become available when the test lets them.

It knows merge patches, generations, ReplicaSet counts and nothing else, so that tests of `decide` stay about `decide`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from canarium.kube.decision import Create, Decision, Delete, Patch, Reason
from canarium.kube.objects import Obj, format_time
from canarium.rollouts.decide import decide
from canarium.rollouts.observed import Observed

START = datetime(2026, 1, 5, 9, 0, 0, tzinfo=UTC)


def container(image: str) -> Obj:
    return {"name": "shop", "image": image, "ports": [{"containerPort": 80, "protocol": "TCP"}]}


def rollout(
    *,
    image: str = "shop:1",
    replicas: int | None = 4,
    steps: list[Obj] | None = None,
    canary: Obj | None = None,
    **spec: Any,
) -> Obj:
    """A Rollout called shop."""
    strategy: Obj = {"canary": {**({} if steps is None else {"steps": steps}), **(canary or {})}}
    made: Obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "shop", "namespace": "web", "uid": "uid-shop", "generation": 1, "resourceVersion": "1"},
        "spec": {
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [container(image)]}},
            "strategy": strategy,
            **spec,
        },
    }
    if replicas is not None:
        made["spec"]["replicas"] = replicas
    return made


def set_weight(percent: int) -> Obj:
    return {"setWeight": percent}


def pause(duration: int | str | None = None) -> Obj:
    return {"pause": {} if duration is None else {"duration": duration}}


def analysis(template: str = "checks", **more: Any) -> Obj:
    return {"analysis": {"templates": [{"templateName": template}], **more}}


def template(name: str = "checks", **spec: Any) -> Obj:
    metric = {"name": "errors", "provider": {"prometheus": {"address": "http://prometheus", "query": "vector(0)"}}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name, "namespace": "web", "uid": f"uid-{name}", "resourceVersion": "1"},
        "spec": {"metrics": [metric], **spec},
    }


class World:
    """One Rollout and what it owns. `is_healthy(image)` says whether pods of that image become available."""

    def __init__(
        self,
        made: Obj,
        *,
        templates: tuple[Obj, ...] = (),
        is_healthy: Callable[[str], bool] = lambda image: True,
        checks: tuple[Callable[[World], None], ...] = (),
    ) -> None:
        self.now = START
        self.rollout = copy.deepcopy(made)
        self.replica_sets: dict[str, Obj] = {}
        self.runs: dict[str, Obj] = {}
        self.templates = {found["metadata"]["name"]: found for found in templates}
        self.services: dict[str, Obj] = {}
        self.pods: dict[str, Obj] = {}
        self.is_healthy = is_healthy
        self.checks = checks
        self.decisions: list[Decision] = []
        self.events: list[str] = []
        self.wake_at: datetime | None = None
        self.loses_every_other_status = False
        self._passes = 0
        self._version = 1

    # What the world shows.

    @property
    def status(self) -> Obj:
        found: Obj = self.rollout.get("status") or {}
        return found

    @property
    def phase(self) -> tuple[str, str]:
        return self.status.get("phase", ""), self.status.get("message", "")

    @property
    def because(self) -> tuple[Reason, ...]:
        return self.decisions[-1].because

    def condition(self, kind: str) -> tuple[str, str, str]:
        for found in self.status["conditions"]:
            if found["type"] == kind:
                return found["status"], found["reason"], found["message"]
        raise KeyError(kind)

    def scale(self) -> dict[str, int]:
        """spec.replicas by image, where there are any."""
        return {
            self.image_of(found): found["spec"]["replicas"]
            for found in self.replica_sets.values()
            if found["spec"]["replicas"]
        }

    def available(self) -> int:
        return sum(found["status"].get("availableReplicas", 0) for found in self.replica_sets.values())

    @staticmethod
    def image_of(found: Obj) -> str:
        image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    def hash_of(self, image: str) -> str:
        for found in self.replica_sets.values():
            if self.image_of(found) == image:
                pod_hash: str = found["metadata"]["labels"]["rollouts-pod-template-hash"]
                return pod_hash
        raise KeyError(image)

    def observed(self) -> Observed:
        return copy.deepcopy(
            Observed(
                rollout=self.rollout,
                replica_sets=tuple(self.replica_sets.values()),
                analysis_runs=tuple(self.runs.values()),
                analysis_templates=self.templates,
                services=self.services,
                pods=tuple(self.pods.values()),
            )
        )

    # What users and other controllers do.

    def edit(self, **spec: Any) -> None:
        """Change fields of spec."""
        self.rollout["spec"].update(copy.deepcopy(spec))
        self.rollout["metadata"]["generation"] += 1
        self._touch(self.rollout)

    def set_image(self, image: str) -> None:
        changed = copy.deepcopy(self.rollout["spec"]["template"])
        changed["spec"]["containers"][0]["image"] = image
        self.edit(template=changed)

    def patch_status(self, **status: Any) -> None:
        _merge(self.rollout.setdefault("status", {}), status)
        self._touch(self.rollout)

    def finish_run(self, name: str, phase: str, message: str = "") -> None:
        self.runs[name]["status"] = {"phase": phase, **({"message": message} if message else {})}

    def make_pods_available(self) -> None:
        """The ReplicaSet controller and the kubelet, in an instant."""
        for found in self.replica_sets.values():
            wanted = found["spec"]["replicas"]
            ready = wanted if self.is_healthy(self.image_of(found)) else 0
            found["status"] = {
                "replicas": wanted,
                "readyReplicas": ready,
                "availableReplicas": ready,
                "observedGeneration": found["metadata"]["generation"],
            }

    def send(self, action: object) -> None:
        """A command's patch."""
        assert isinstance(action, Patch)
        if action.type == "json":
            (operation,) = action.patch
            assert operation["path"] == "/spec/template"
            self.edit(template=operation["value"])
        else:
            self._patch(action)

    def add_service(self, name: str) -> None:
        """A Service that selects the pods of all versions."""
        self.services[name] = {
            "metadata": {"name": name, "namespace": "web", "resourceVersion": "1"},
            "spec": {"selector": {"app": "shop"}},
        }

    def add_pods(self) -> None:
        """Ready pods for every ReplicaSet, as many as are missing."""
        for found in self.replica_sets.values():
            owner = {"uid": found["metadata"]["uid"], "controller": True}
            mine = [pod for pod in self.pods.values() if pod["metadata"]["ownerReferences"] == [owner]]
            for _ in range(found["spec"]["replicas"] - len(mine)):
                self._version += 1
                name = f"{found['metadata']['name']}-{self._version}"
                self.pods[name] = {
                    "metadata": {
                        "name": name,
                        "namespace": "web",
                        "uid": f"uid-{name}",
                        "creationTimestamp": format_time(self.now),
                        "ownerReferences": [owner],
                    },
                    "status": {
                        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": format_time(self.now)}]
                    },
                }

    # Time.

    def step(self) -> Decision:
        """One pass, applied."""
        decision = decide(self.observed(), self.now)
        self.decisions.append(decision)
        self._apply(decision)
        for check in self.checks:
            check(self)
        return decision

    def settle(self, limit: int = 60) -> World:
        """Passes, and pods becoming available after each, until nothing is asked for any more."""
        for _ in range(limit):
            before = self._picture()
            decision = self.step()
            self.make_pods_available()
            if self._picture() == before and not (self.loses_every_other_status and self._passes % 2):
                assert not decision.actions, decision
                assert not decision.events, decision
                self.wake_at = None if decision.requeue is None else self.now + decision.requeue
                return self
        raise AssertionError(f"still busy after {limit} passes: {self.decisions[-1]}")

    def advance(self, **delta: float) -> World:
        """Let time pass, waking where the last decision asked for it, and settle."""
        until = self.now + timedelta(**delta)
        while self.wake_at is not None and self.wake_at <= until:
            self.now = max(self.wake_at, self.now)
            self.settle()
        self.now = until
        return self.settle()

    def _picture(self) -> Any:
        return copy.deepcopy((self.rollout, self.replica_sets, self.runs, self.services, self.pods))

    def _touch(self, found: Obj) -> None:
        self._version += 1
        found["metadata"]["resourceVersion"] = str(self._version)

    def _apply(self, decision: Decision) -> None:
        for action in decision.actions:
            match action:
                case Create():
                    self._create(copy.deepcopy(action.obj))
                case Patch():
                    self._patch(action)
                case Delete():
                    del self._kind(action.resource.kind)[action.name]
        self._passes += 1
        if self.loses_every_other_status and self._passes % 2:
            return
        if decision.status is not None and decision.status != self.status:
            self.rollout["status"] = json.loads(json.dumps(decision.status))
            assert self.rollout["status"] == decision.status, "a status that does not survive the wire"
            self._touch(self.rollout)
        self.events += [f"{note.reason}: {note.message}" for note in decision.events]

    def _kind(self, kind: str) -> dict[str, Obj]:
        kinds = {
            "ReplicaSet": self.replica_sets,
            "AnalysisRun": self.runs,
            "Service": self.services,
            "Pod": self.pods,
            "Rollout": {"shop": self.rollout},
        }
        return kinds[kind]

    def _create(self, made: Obj) -> None:
        name = made["metadata"]["name"]
        if name in self._kind(made["kind"]):
            assert self.loses_every_other_status, f"{name} exists"
            return
        made["metadata"] |= {"uid": f"uid-{name}", "creationTimestamp": format_time(self.now), "generation": 1}
        if made["kind"] == "ReplicaSet":
            made["status"] = {"replicas": 0, "observedGeneration": 1}
        self._touch(made)
        self._kind(made["kind"])[name] = made

    def _patch(self, action: Patch) -> None:
        found = self._kind(action.resource.kind)[action.name]
        expected = action.resource_version
        assert expected is None or expected == found["metadata"]["resourceVersion"], f"conflict on {action.name}"
        before = copy.deepcopy(found.get("spec"))
        _merge(found, action.patch)
        if found.get("spec") != before:
            found["metadata"]["generation"] = found["metadata"].get("generation", 0) + 1
        self._touch(found)


def _merge(into: Obj, patch: Obj) -> None:
    for key, value in copy.deepcopy(patch).items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
