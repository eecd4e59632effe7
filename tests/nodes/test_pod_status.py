"""Pod status from container states: phases, conditions, QoS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canarium.kube.objects import Obj, condition
from canarium.nodes.pod_status import (
    ContainerView,
    PodView,
    Running,
    State,
    Terminated,
    Waiting,
    pod_phase,
    pod_status,
    qos_class,
)

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
UP = Running(START)
NEW = Waiting("ContainerCreating")
LOOP = Waiting("CrashLoopBackOff")


def ended(code: int) -> Terminated:
    return Terminated(exit_code=code, reason="x", started_at=START, finished_at=START, container_id="c://1")


def view(*states: State, init: tuple[State, ...] = (), last: Terminated | None = None, **said: Any) -> PodView:
    def one(number: int, state: State, kind: str) -> ContainerView:
        is_up = isinstance(state, Running)
        return ContainerView(
            name=f"{kind}{number}", image="i", state=state, last=last, is_ready=is_up, has_started=is_up
        )

    return PodView(
        host_ip="172.18.0.3",
        started_at=START,
        init_containers=tuple(one(n, state, "i") for n, state in enumerate(init)),
        containers=tuple(one(n, state, "c") for n, state in enumerate(states)),
        **said,
    )


@pytest.mark.parametrize(
    ("policy", "seen", "phase"),
    [
        pytest.param("Always", view(NEW), "Pending", id="being created"),
        pytest.param("Always", view(UP, NEW), "Pending", id="one of two is missing"),
        pytest.param("Always", view(UP, UP), "Running", id="all run"),
        pytest.param("Always", view(LOOP, last=ended(1)), "Running", id="a crash loop is Running"),
        pytest.param("Always", view(ended(0)), "Running", id="ended, to be restarted"),
        pytest.param("OnFailure", view(ended(0)), "Succeeded", id="done"),
        pytest.param("OnFailure", view(ended(1)), "Running", id="failed, to be restarted"),
        pytest.param("Never", view(ended(0), ended(1)), "Failed", id="one failed for good"),
        pytest.param("Never", view(ended(0), ended(0)), "Succeeded", id="both done"),
        pytest.param("Always", view(NEW, init=(UP,)), "Pending", id="initialising"),
        pytest.param("Never", view(NEW, init=(ended(1),)), "Failed", id="initialising failed for good"),
        pytest.param("Always", view(UP, init=(ended(0),)), "Running", id="initialised"),
        pytest.param("Always", view(ended(0), is_over=True), "Succeeded", id="stopped well"),
        pytest.param("Always", view(ended(137), is_over=True), "Failed", id="killed"),
    ],
)
def test_phase(policy: str, seen: PodView, phase: str) -> None:
    assert pod_phase({"restartPolicy": policy}, seen) == phase


def sidecar(state: State, **said: Any) -> ContainerView:
    return ContainerView(name="side", image="i", state=state, is_sidecar=True, **said)


def beside(state: State, side: ContainerView, **said: Any) -> PodView:
    one = ContainerView(name="c0", image="i", state=state, is_ready=isinstance(state, Running))
    return PodView(host_ip="172.18.0.3", started_at=START, init_containers=(side,), containers=(one,), **said)


@pytest.mark.parametrize(
    ("policy", "seen", "phase", "initialized"),
    [
        pytest.param("Always", beside(NEW, sidecar(NEW)), "Pending", "False", id="the sidecar is created"),
        pytest.param("Always", beside(NEW, sidecar(UP)), "Pending", "False", id="the sidecar runs, not started yet"),
        pytest.param("Always", beside(NEW, sidecar(UP, has_started=True)), "Pending", "True", id="it has started"),
        pytest.param("Never", beside(NEW, sidecar(LOOP, last=ended(1))), "Pending", "False", id="it never started"),
        pytest.param("Never", beside(UP, sidecar(LOOP, last=ended(1))), "Running", "True", id="it crashes later"),
        pytest.param("Never", beside(ended(0), sidecar(UP)), "Running", "True", id="it still runs after the rest"),
        pytest.param("Never", beside(ended(0), sidecar(ended(137))), "Succeeded", "True", id="how it ends is nothing"),
        pytest.param("Never", beside(ended(1), sidecar(ended(0))), "Failed", "True", id="the rest failed"),
        pytest.param("Always", beside(ended(0), sidecar(ended(1)), is_over=True), "Succeeded", "True", id="deleted"),
    ],
)
def test_sidecars_hold_a_pod_up_at_its_start_and_keep_it_running_but_do_not_decide_how_it_ends(
    policy: str, seen: PodView, phase: str, initialized: str
) -> None:
    it = pod()
    it["spec"] = {**it["spec"], "restartPolicy": policy}

    status = pod_status(it, seen, START)

    told = condition(status, "Initialized")
    assert told is not None
    assert (status["phase"], told["status"]) == (phase, initialized)


def test_a_run_that_never_was_has_no_container_id() -> None:
    unborn = Terminated(exit_code=128, reason="StartError", started_at=START, finished_at=START, container_id="")

    (told,) = pod_status(pod(), view(unborn), START)["containerStatuses"]

    assert "containerID" not in told["state"]["terminated"]


def pod(**status: Any) -> Obj:
    return {
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "generation": 1},
        "spec": {"containers": [{"name": "c0"}]},
        "status": status,
    }


def test_an_unready_container_is_named() -> None:
    status = pod_status(pod(), view(UP, NEW, has_sandbox=True, pod_ip="10.244.1.2"), START)

    ready = condition(status, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert ready["message"] == "containers with unready status: [c1]"
    assert status["podIPs"] == [{"ip": "10.244.1.2"}]


def test_conditions_keep_their_time_until_they_change() -> None:
    first = pod_status(pod(), view(NEW), START)
    later = START + timedelta(minutes=1)

    second = pod_status(pod(**first), view(UP, has_sandbox=True), later)

    assert condition(second, "Initialized") == condition(first, "Initialized")
    ready = condition(second, "Ready")
    assert ready is not None
    assert ready["lastTransitionTime"] == "2026-01-05T09:01:00Z"


def test_conditions_of_others_survive() -> None:
    theirs = {"type": "example.com/checked", "status": "True"}

    status = pod_status(pod(conditions=[theirs]), view(UP), START)

    assert theirs in status["conditions"]


def test_a_closed_readiness_gate_keeps_the_pod_unready() -> None:
    gated = pod()
    gated["spec"] = {**gated["spec"], "readinessGates": [{"conditionType": "example.com/checked"}]}

    ready = condition(pod_status(gated, view(UP), START), "Ready")

    assert ready is not None
    assert ready["reason"] == "ReadinessGatesNotReady"
    assert ready["message"] == ('corresponding condition of pod readiness gate "example.com/checked" does not exist.')


def test_a_container_status_has_upstreams_shape() -> None:
    before = ended(1)
    seen = PodView(
        host_ip="172.18.0.3",
        started_at=START,
        containers=(
            ContainerView(
                name="c0",
                image="docker.io/library/x:1",
                image_id="docker.io/library/x@sha256:0",
                container_id="containerd://2",
                state=LOOP,
                last=before,
                restart_count=3,
            ),
        ),
    )

    (told,) = pod_status(pod(), seen, START)["containerStatuses"]

    assert told == {
        "name": "c0",
        "image": "docker.io/library/x:1",
        "imageID": "docker.io/library/x@sha256:0",
        "containerID": "containerd://2",
        "lastState": {
            "terminated": {
                "containerID": "c://1",
                "exitCode": 1,
                "finishedAt": "2026-01-05T09:00:00Z",
                "reason": "x",
                "startedAt": "2026-01-05T09:00:00Z",
            }
        },
        "ready": False,
        "restartCount": 3,
        "started": False,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    }


@pytest.mark.parametrize(
    ("resources", "qos"),
    [
        pytest.param({}, "BestEffort", id="nothing said"),
        pytest.param({"requests": {"cpu": "10m"}}, "Burstable", id="a request"),
        pytest.param({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed", id="limits alone"),
        pytest.param(
            {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            "Guaranteed",
            id="requests equal limits",
        ),
        pytest.param(
            {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "128Mi"}},
            "Burstable",
            id="requests below limits",
        ),
        pytest.param({"requests": {"ephemeral-storage": "1Gi"}}, "BestEffort", id="storage does not count"),
    ],
)
def test_qos_class(resources: dict[str, Any], qos: str) -> None:
    assert qos_class({"containers": [{"name": "c", "resources": resources}]}) == qos


@pytest.mark.parametrize(("state", "ready"), [(UP, False), (ended(0), True), (ended(1), False)])
def test_an_init_container_is_ready_once_it_has_succeeded(state: State, ready: bool) -> None:
    (told,) = pod_status(pod(), view(NEW, init=(state,)), START)["initContainerStatuses"]

    assert (told["ready"], told["started"]) == (ready, False)
