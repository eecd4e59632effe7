"""READY, STATUS and RESTARTS of pods, by the rules of upstream's printPod."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.kube.resources import PODS
from canarium.kube.server.table import table
from tests.kube.server.table.rows import FIVE_MINUTES_AGO, NOW, named, shown

RUNNING = {"ready": True, "state": {"running": {}}}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
INITIALIZED = {"conditions": [{"type": "Initialized", "status": "True"}]}
GOING = {"metadata": {"name": "it", "deletionTimestamp": FIVE_MINUTES_AGO}}


def waiting(reason: str, restarts: int = 0) -> Obj:
    return {"restartCount": restarts, "state": {"waiting": {"reason": reason}}}


def ended(restarts: int = 0, **how: Any) -> Obj:
    return {"restartCount": restarts, "state": {"terminated": how}}


def pod(
    phase: str = "Running", containers: int = 1, *statuses: Obj, init: list[Obj] | None = None, **status: Any
) -> Obj:
    """A pod of so many containers, with these statuses; init: statuses of as many init containers."""
    init = init or []
    initial = [
        {"name": f"i{n}", **({"restartPolicy": "Always"} if s.get("sidecar") else {})} for n, s in enumerate(init)
    ]
    return named(
        spec={"containers": [{"name": f"c{n}"} for n in range(containers)], "initContainers": initial},
        status={
            "phase": phase,
            "containerStatuses": list(statuses),
            "initContainerStatuses": [{"name": f"i{n}", **s} for n, s in enumerate(init)],
            **status,
        },
    )


@pytest.mark.parametrize(
    ("it", "ready", "status", "restarts"),
    [
        pytest.param(pod("Pending"), "0/1", "Pending", "0", id="pending"),
        pytest.param(pod("Running", 2, RUNNING, RUNNING), "2/2", "Running", "0", id="running"),
        pytest.param(pod("Running", 2, RUNNING, {"restartCount": 3}), "1/2", "Running", "3", id="half-ready"),
        pytest.param(
            pod("Running", 1, waiting("CrashLoopBackOff", 6)), "0/1", "CrashLoopBackOff", "6", id="crash-loop"
        ),
        pytest.param(
            pod("Pending", 2, waiting("ImagePullBackOff"), waiting("ContainerCreating")),
            "0/2",
            "ImagePullBackOff",
            "0",
            id="the-first-container-speaks-last",
        ),
        pytest.param(
            pod("Succeeded", 1, ended(reason="Completed", exitCode=0)), "0/1", "Completed", "0", id="completed"
        ),
        pytest.param(pod("Failed", 1, ended(exitCode=3)), "0/1", "ExitCode:3", "0", id="exit-code"),
        pytest.param(pod("Failed", 1, ended(signal=9, exitCode=137)), "0/1", "Signal:9", "0", id="signal"),
        pytest.param(pod("Failed", 1, reason="Evicted"), "0/1", "Evicted", "0", id="evicted"),
        pytest.param(
            pod("Running", 2, ended(reason="Completed"), RUNNING, **READY), "1/2", "Running", "0", id="one-still-runs"
        ),
        pytest.param(
            pod("Running", 2, ended(reason="Completed"), RUNNING), "1/2", "NotReady", "0", id="one-still-runs-unready"
        ),
        pytest.param({**pod("Running", 1, RUNNING), **GOING}, "1/1", "Terminating", "0", id="terminating"),
        pytest.param(
            {**pod("Running", 1, RUNNING, reason="NodeLost"), **GOING}, "1/1", "Unknown", "0", id="its-node-is-lost"
        ),
        pytest.param(
            {**pod("Succeeded", 1, ended(reason="Completed")), **GOING}, "0/1", "Completed", "0", id="over-and-deleted"
        ),
        pytest.param(
            pod(conditions=[{"type": "PodScheduled", "reason": "SchedulingGated"}]),
            "0/1",
            "SchedulingGated",
            "0",
            id="gated",
        ),
        pytest.param(pod("Pending", init=[{}, {}]), "0/1", "Init:0/2", "0", id="init-not-begun"),
        pytest.param(pod("Pending", init=[ended(exitCode=0), {}]), "0/1", "Init:1/2", "0", id="init-one-done"),
        pytest.param(
            pod("Pending", init=[waiting("PodInitializing", 2)]), "0/1", "Init:0/1", "2", id="init-restarts-count"
        ),
        pytest.param(
            pod("Pending", init=[waiting("ImagePullBackOff")]), "0/1", "Init:ImagePullBackOff", "0", id="init-waiting"
        ),
        pytest.param(pod("Pending", init=[ended(exitCode=2)]), "0/1", "Init:ExitCode:2", "0", id="init-exit-code"),
        pytest.param(
            pod("Pending", init=[ended(reason="OOMKilled", exitCode=137)]), "0/1", "Init:OOMKilled", "0", id="init-oom"
        ),
        pytest.param(
            pod("Running", 1, RUNNING, init=[ended(4, exitCode=0)]), "1/1", "Running", "0", id="init-restarts-forgotten"
        ),
        pytest.param(
            pod("Running", 1, RUNNING, init=[{"sidecar": True, "started": True, "ready": True, "restartCount": 2}]),
            "2/2",
            "Running",
            "2",
            id="sidecar",
        ),
        pytest.param(
            pod("Pending", 1, init=[{"sidecar": True, "started": False}]), "0/2", "Init:0/1", "0", id="sidecar-starting"
        ),
        pytest.param(
            pod("Running", 1, RUNNING, init=[waiting("CrashLoopBackOff")], **INITIALIZED),
            "1/1",
            "Init:CrashLoopBackOff",
            "0",
            id="initialized-all-the-same",
        ),
        pytest.param({}, "0/0", "", "0", id="nothing-known"),
    ],
)
def test_how_a_pod_is_doing(it: Obj, ready: str, status: str, restarts: str) -> None:
    cells = shown(PODS, it)

    assert (cells["Ready"], cells["Status"], cells["Restarts"]) == (ready, status, restarts)


def test_restarts_say_how_long_ago_the_last_one_was() -> None:
    one = {**RUNNING, "restartCount": 2, "lastState": {"terminated": {"finishedAt": "2026-03-01T11:50:00Z"}}}
    other = {**RUNNING, "restartCount": 1, "lastState": {"terminated": {"finishedAt": "2026-03-01T11:55:00Z"}}}

    assert shown(PODS, pod("Running", 2, one, other))["Restarts"] == "3 (5m ago)"


def test_the_wide_columns_of_a_pod() -> None:
    it = pod(podIPs=[{"ip": "10.0.0.7"}], conditions=[{"type": "example.com/a", "status": "True"}])
    it["spec"] |= {"nodeName": "n1", "readinessGates": [{"conditionType": f"example.com/{x}"} for x in "ab"]}

    cells = shown(PODS, it)

    assert list(cells.items())[4:] == [
        ("Age", "5m"),
        ("IP", "10.0.0.7"),
        ("Node", "n1"),
        ("Nominated Node", "<none>"),
        ("Readiness Gates", "1/2"),
    ]


@pytest.mark.parametrize(("phase", "reasons"), [("Running", []), ("Succeeded", ["Succeeded"]), ("Failed", ["Failed"])])
def test_the_row_of_a_pod_that_is_over_says_so(phase: str, reasons: list[str]) -> None:
    (row,) = table(PODS, [pod(phase)], now=NOW, resource_version="7")["rows"]

    assert [(one["type"], one["reason"]) for one in row.get("conditions", [])] == [("Completed", r) for r in reasons]
