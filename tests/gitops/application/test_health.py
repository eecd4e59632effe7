"""Health of one object, and what belongs to whom."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from canarium.gitops.application.health import Health, health_of, is_worse
from canarium.gitops.application.resource_key import (
    ResourceKey,
    app_key,
    hooks_of,
    instance_name,
    option,
    tracked,
    tracked_by,
    wave_of,
)
from canarium.kube.objects import ObjectKey

ROLLOUT = ("argoproj.io/v1alpha1", "Rollout")
DEPLOYMENT = ("apps/v1", "Deployment")


def obj(kind: tuple[str, str], status: Any = None, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    made = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "shop", "namespace": "ns", **metadata}}
    if spec is not None:
        made["spec"] = spec
    if status is not None:
        made["status"] = status
    return made


@pytest.mark.parametrize(
    ("thing", "health"),
    [
        pytest.param(obj(("v1", "ConfigMap")), None, id="a ConfigMap has none"),
        pytest.param(
            obj(("v1", "ConfigMap"), deletionTimestamp="x"), Health("Progressing", "Pending deletion"), id="going"
        ),
        pytest.param(
            obj(ROLLOUT, generation=2),
            Health("Progressing", "Waiting for rollout spec update to be observed"),
            id="rollout nobody saw",
        ),
        pytest.param(
            obj(ROLLOUT, {"observedGeneration": "1", "phase": "Healthy"}, generation=2),
            Health("Progressing", "Waiting for rollout spec update to be observed"),
            id="rollout changed",
        ),
        pytest.param(
            obj(
                ROLLOUT, {"observedGeneration": "2", "phase": "Degraded", "message": "RolloutAborted: no"}, generation=2
            ),
            Health("Degraded", "RolloutAborted: no"),
            id="rollout aborted",
        ),
        pytest.param(
            obj(ROLLOUT, {"observedGeneration": "2", "phase": "Paused", "message": "CanaryPauseStep"}, generation=2),
            Health("Suspended", "CanaryPauseStep"),
            id="rollout paused",
        ),
        pytest.param(
            obj(ROLLOUT, {"conditions": [{"type": "InvalidSpec", "message": "bad"}]}, generation=1),
            Health("Degraded", "bad"),
            id="rollout without a phase",
        ),
        pytest.param(
            obj(("argoproj.io/v1alpha1", "AnalysisRun"), {"phase": "Error", "message": "no host"}),
            Health("Degraded", "no host"),
            id="analysis error",
        ),
        pytest.param(
            obj(DEPLOYMENT, {"updatedReplicas": 1}, {"replicas": 2}),
            Health("Progressing", "Waiting for rollout to finish: 1 out of 2 new replicas have been updated..."),
            id="deployment updating",
        ),
        pytest.param(
            obj(DEPLOYMENT, {"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}, {"replicas": 2}),
            Health("Healthy"),
            id="deployment done",
        ),
        pytest.param(
            obj(DEPLOYMENT, {"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}),
            Health("Degraded", 'Deployment "shop" exceeded its progress deadline'),
            id="deployment late",
        ),
        pytest.param(obj(("v1", "Service"), spec={}), Health("Healthy"), id="service"),
        pytest.param(obj(("v1", "Service"), spec={"type": "LoadBalancer"}), Health("Progressing"), id="balancer"),
        pytest.param(
            obj(("batch/v1", "Job"), {"conditions": [{"type": "Failed", "status": "True", "message": "no"}]}),
            Health("Degraded", "no"),
            id="job failed",
        ),
        pytest.param(obj(("batch/v1", "Job"), {}), Health("Progressing"), id="job runs"),
        pytest.param(
            obj(
                ("v1", "Pod"),
                {
                    "phase": "Running",
                    "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "x"}}}],
                },
                {},
            ),
            Health("Degraded", "x"),
            id="pod crashes",
        ),
        pytest.param(
            obj(("v1", "Pod"), {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, {}),
            Health("Healthy"),
            id="pod ready",
        ),
    ],
)
def test_health(thing: dict[str, Any], health: Health | None) -> None:
    assert health_of(thing) == health


def test_the_worst_wins() -> None:
    order = ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"]

    assert all(is_worse(a, b) for a, b in pairwise(order))
    assert not is_worse("Healthy", "Healthy")


def test_a_tracking_id_belongs_to_the_object_it_names() -> None:
    mine = tracked(obj(ROLLOUT), "shop", "ns")
    assert mine["metadata"]["annotations"] == {"argocd.argoproj.io/tracking-id": "shop:argoproj.io/Rollout:ns/shop"}
    assert tracked_by(mine) == "shop"
    assert tracked_by({**mine, "kind": "ReplicaSet", "apiVersion": "apps/v1"}) is None
    cluster_wide = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    assert tracked_by(tracked(cluster_wide, "shop", "ns")) == "shop"
    assert tracked_by(obj(ROLLOUT)) is None


def test_names_of_applications_in_other_namespaces() -> None:
    app = {"metadata": {"name": "shop", "namespace": "team"}}

    assert instance_name(app) == "team_shop"
    assert app_key("team_shop") == ObjectKey("team", "shop")
    assert app_key("shop") == ObjectKey("argocd", "shop")


def test_options_waves_and_hooks_in_annotations() -> None:
    notes = {
        "argocd.argoproj.io/sync-options": "Prune=false, Delete=confirm",
        "argocd.argoproj.io/sync-wave": "x",
        "argocd.argoproj.io/hook": "PreSync,PostSync",
    }
    thing = obj(ROLLOUT, annotations=notes)

    assert option(thing, "argocd.argoproj.io/sync-options", "Delete") == "confirm"
    assert option(thing, "argocd.argoproj.io/sync-options", "Replace") is None
    assert wave_of(thing) == 0
    assert hooks_of(thing) == ("PreSync", "PostSync")
    assert str(ResourceKey("", "Pod", "a", "b")) == "/Pod/a/b"
