"""What keeps a pod from being available is told in one sentence, with what to look at."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.lab.explain.pods import pod_trouble, worst_trouble


def pod(name: str = "shop-1", *, phase: str = "Running", container: Obj | None = None, **status: Any) -> Obj:
    """A pod of one container with a readiness probe."""
    made: Obj = {
        "metadata": {"name": name, "namespace": "web", "uid": f"uid-{name}"},
        "spec": {"containers": [{"name": "shop", "image": "shop:2", "readinessProbe": {"httpGet": {"path": "/"}}}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": "False"}], **status},
    }
    if container is not None:
        made["status"]["containerStatuses"] = [{"name": "shop", "image": "shop:2", "ready": False, **container}]
    return made


UNSCHEDULABLE = pod(
    phase="Pending",
    conditions=[
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient cpu.",
        }
    ],
)
RUNNING: Obj = {"running": {"startedAt": "2026-01-05T09:00:00Z"}}
KILLED = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-05T09:00:00Z"}


@pytest.mark.parametrize(
    ("found", "reason", "says", "is_bad"),
    [
        pytest.param(
            UNSCHEDULABLE,
            "Unschedulable",
            "Pod shop-1 is placed on no node: 0/3 nodes are available: 3 Insufficient cpu.",
            True,
            id="no node",
        ),
        pytest.param(
            pod(phase="Pending", container={"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no tag"}}}),
            "ImagePullBackOff",
            "Pod shop-1 has no image: shop:2 cannot be pulled (ImagePullBackOff): no tag.",
            True,
            id="no image",
        ),
        pytest.param(
            pod(
                container={
                    "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
                }
            ),
            "CrashLoopBackOff",
            "Container shop of pod shop-1 keeps ending (with exit code 1): 3 restarts, then CrashLoopBackOff.",
            True,
            id="crash loop",
        ),
        pytest.param(
            pod(container={"restartCount": 1, "state": RUNNING, "lastState": {"terminated": KILLED}}),
            "OOMKilled",
            "Container shop of pod shop-1 was killed for want of memory (OOMKilled), 1 restart so far.",
            True,
            id="out of memory",
        ),
        pytest.param(
            pod(phase="Pending", container={"state": {"waiting": {"reason": "ContainerCreating"}}}),
            "ContainerCreating",
            "Pod shop-1 is being started.",
            False,
            id="starting",
        ),
        pytest.param(
            pod(container={"state": RUNNING}),
            "NotReady",
            "Container shop of pod shop-1 runs; its readiness probe has not succeeded yet.",
            False,
            id="not asked yet",
        ),
        pytest.param(
            pod(phase="Failed", reason="Evicted", message="low on disk"),
            "Failed",
            "Pod shop-1 failed: Evicted: low on disk.",
            True,
            id="failed",
        ),
    ],
)
def test_troubles(found: Obj, reason: str, says: str, is_bad: bool) -> None:
    """One sentence each."""
    trouble = pod_trouble(found)

    assert trouble is not None
    assert (trouble.reason, trouble.says, trouble.is_bad) == (reason, says, is_bad)


def test_a_failing_probe_is_told_in_its_own_words() -> None:
    """The newest Event about the container counts."""

    def unhealthy(at: str, message: str, uid: str = "uid-shop-1") -> Obj:
        involved = {"uid": uid, "fieldPath": "spec.containers{shop}"}
        return {"reason": "Unhealthy", "involvedObject": involved, "message": message, "lastTimestamp": at}

    events = [
        unhealthy("2026-01-05T09:00:05Z", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        unhealthy("2026-01-05T09:00:00Z", "Readiness probe failed: connection refused"),
        unhealthy("2026-01-05T09:00:09Z", "Readiness probe failed: of another pod", uid="uid-other"),
    ]

    trouble = pod_trouble(pod(container={"state": RUNNING}), events)

    assert trouble is not None
    assert trouble.says == (
        "Container shop of pod shop-1 runs but is not ready: "
        "readiness probe failed: HTTP probe failed with statuscode: 503."
    )
    assert (trouble.fact.kind, trouble.fact.at) == ("probe", "2026-01-05T09:00:05Z")
    assert trouble.commands == ("kubectl logs shop-1 -c shop -n web",)


def test_pods_that_are_ready_or_leaving_have_no_trouble() -> None:
    """Nothing to tell."""
    ready = pod(conditions=[{"type": "Ready", "status": "True"}])
    leaving = pod(phase="Failed")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-05T09:00:00Z"

    assert pod_trouble(ready) is None
    assert pod_trouble(leaving) is None


def test_of_several_the_one_that_does_not_get_well_counts() -> None:
    """A pod that starts is no news beside one that cannot."""
    starting = pod("shop-0", phase="Pending")

    trouble = worst_trouble([starting, UNSCHEDULABLE])

    assert trouble is not None
    assert trouble.pod == "shop-1"
