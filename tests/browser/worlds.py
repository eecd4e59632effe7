"""What the page is shown in tests: manifests, ways to change them, and running clusters that hold them.

Owns: the manifests, waiting for the cluster (not for the page). Must not know: the page.
"""

from __future__ import annotations

import json
import shlex
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from canarium.clock import RealClock
from tests.acceptance.local_cluster import Api, LocalCluster
from tests.browser.conftest import address

Obj = dict[str, Any]

SHOP = "shop"
STABLE, UPDATE = "ghcr.io/stefanprodan/podinfo:6.9.0", "ghcr.io/stefanprodan/podinfo:6.9.3"
PROMETHEUS = "http://prometheus-server.prometheus.svc.cluster.local"
ARGO = "argoproj.io/v1alpha1"
WITHIN_SECONDS = 60.0
TALKER = Path(__file__).with_name("talker.py")
"""What the mapped image `talker` runs."""

_CLOCK = RealClock()


# -- manifests --------------------------------------------------------------------------------------------------------


def write(file: Path, manifests: list[Obj]) -> Path:
    """For `--apply`: JSON is YAML."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n---\n".join(json.dumps(manifest) for manifest in manifests), "utf-8")
    return file


def namespace(name: str) -> Obj:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def rollout(
    name: str,
    steps: list[Obj],
    replicas: int = 1,
    *,
    image: str = STABLE,
    args: list[str] | None = None,
    annotations: Mapping[str, str] | None = None,
    pod_annotations: Mapping[str, str] | None = None,
    is_probed: bool = True,
    where: str = SHOP,
) -> Obj:
    """A Rollout with a canary. is_probed: whether it answers on /readyz."""
    container: Obj = {"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 9898}]}
    if args is not None:
        container["args"] = args
    if is_probed:
        container["readinessProbe"] = {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1}
    return {
        "apiVersion": ARGO,
        "kind": "Rollout",
        "metadata": {
            "name": name,
            "namespace": where,
            "labels": {"app": name, "tier": "front"},
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"maxSurge": 1, "maxUnavailable": 0, "steps": steps}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": dict(pod_annotations or {})},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    }


def template(name: str, metrics: list[Obj], *, where: str = SHOP) -> Obj:
    """An AnalysisTemplate."""
    return {
        "apiVersion": ARGO,
        "kind": "AnalysisTemplate",
        "metadata": {"name": name, "namespace": where},
        "spec": {"metrics": metrics},
    }


def metric(name: str, query: str, condition: str = "result[0] >= 0", **more: Any) -> Obj:
    """A metric that Prometheus is asked for."""
    return {
        "name": name,
        "successCondition": condition,
        "provider": {"prometheus": {"address": PROMETHEUS, "query": query}},
        **more,
    }


def application(name: str, repo: str, path: str, *, where: str = SHOP, **spec: Any) -> Obj:
    """An Application that syncs by itself."""
    return {
        "apiVersion": ARGO,
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": repo, "targetRevision": "HEAD", "path": path},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": where},
            "syncPolicy": {"automated": {"enabled": True}, "syncOptions": ["CreateNamespace=true"]},
            **spec,
        },
    }


def shop() -> list[Obj]:
    """A namespace with Rollouts that can be brought anywhere: `web` is paused, `crash` crashes, `judged` fails."""
    return [
        namespace(SHOP),
        template(
            "answers",
            [
                metric("answers", "vector(1)", "result[0] == 1", count=3, interval="1s"),
                metric("is-small", "vector(3)", "result[0] < 2", failureLimit=1, count=3, interval="1s"),
            ],
        ),
        rollout(
            "web", [{"setWeight": 50}, {"pause": {}}, {"setWeight": 75}, {"pause": {"duration": "1h"}}], replicas=2
        ),
        rollout("crash", [{"setWeight": 50}, {"pause": {}}]),
        rollout("judged", [{"setWeight": 50}, {"analysis": {"templates": [{"templateName": "answers"}]}}]),
        rollout("quiet", [{"pause": {}}]),
    ]


# -- clusters ---------------------------------------------------------------------------------------------------------


def talker() -> list[str]:
    """Arguments of `canarium up`: pods of the image `talker` write lines, as their arguments say."""
    return ["--map-image", f"talker={shlex.join([sys.executable, '-I', '-S', '-u', str(TALKER)])}"]


def origin(cluster: LocalCluster, door: str = "Rollouts") -> str:
    """Scheme, host and port of a door."""
    return f"http://{urlsplit(address(cluster.said, door)).netloc}"


def until(check: Callable[[], bool], what: str) -> None:
    """Look again and again, until it is so."""
    ends = _CLOCK.monotonic() + WITHIN_SECONDS
    while not check():
        assert _CLOCK.monotonic() < ends, f"never: {what}"
        _pause()


def _pause() -> None:
    threading.Event().wait(0.05)


class Hand:
    """Someone who changes objects of a running cluster over its API."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, kind: str, name: str, where: str = SHOP) -> Obj:
        """An object of Argo's; empty where there is none."""
        code, found = self._api("GET", f"/apis/{ARGO}/namespaces/{where}/{kind}/{name}")
        assert code in (200, 404), found
        return dict(found) if code == 200 else {}

    def items(self, path: str) -> list[Obj]:
        """Of a collection."""
        code, found = self._api("GET", path)
        assert code == 200, found
        return list(found["items"])

    def pods(self, app: str, where: str = SHOP) -> list[Obj]:
        """Of a Rollout, the newest last."""
        found = self.items(f"/api/v1/namespaces/{where}/pods?labelSelector=app%3D{app}")
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def runs(self, where: str = SHOP) -> list[str]:
        """Names of the AnalysisRuns."""
        return [run["metadata"]["name"] for run in self.items(f"/apis/{ARGO}/namespaces/{where}/analysisruns")]

    def create(self, manifest: Obj) -> None:
        """An object of any kind that tests need."""
        meta, kind = manifest["metadata"], manifest["kind"].lower() + "s"
        group = "/api/v1" if manifest["apiVersion"] == "v1" else f"/apis/{manifest['apiVersion']}"
        place = f"/namespaces/{meta['namespace']}" if "namespace" in meta else ""
        code, answer = self._api("POST", f"{group}{place}/{kind}", manifest)
        assert code == 201, answer

    def delete(self, kind: str, name: str, where: str = SHOP) -> None:
        """An object of Argo's."""
        code, answer = self._api("DELETE", f"/apis/{ARGO}/namespaces/{where}/{kind}/{name}")
        assert code == 200, answer

    def change(self, kind: str, name: str, edit: Callable[[Obj], None], where: str = SHOP) -> None:
        """Read it, edit it, write it; again, where somebody else wrote meanwhile."""

        def is_written() -> bool:
            found = self.get(kind, name, where)
            edit(found)
            code, answer = self._api("PUT", f"/apis/{ARGO}/namespaces/{where}/{kind}/{name}", found)
            assert code in (200, 409), answer
            return code == 200

        until(is_written, f"{name} is changed")

    def update(self, name: str, image: str = UPDATE, *, chaos: Mapping[str, Any] | None = None) -> None:
        """Give the first container of a Rollout another image, and tell its pods how to misbehave."""

        def edit(found: Obj) -> None:
            container = found["spec"]["template"]["spec"]["containers"][0]
            container["image"] = image
            if chaos:
                container["env"] = [{"name": "CANARIUM_CHAOS", "value": json.dumps(chaos)}]

        self.change("rollouts", name, edit)

    def wait(self, name: str, phase: str, where: str = SHOP) -> Obj:
        """Until a Rollout, as it is now, is in a phase."""
        found: Obj = {}

        def is_there() -> bool:
            nonlocal found
            found = self.get("rollouts", name, where)
            status = found.get("status", {})
            seen = str(status.get("observedGeneration", "")) == str(found.get("metadata", {}).get("generation"))
            return seen and status.get("phase") == phase

        until(is_there, f"{name} is {phase}")
        return found
