"""A pod in words."""

from __future__ import annotations

import pytest

from canarium.kube.objects import Obj
from canarium.kube.resources import EVENTS, PODS
from canarium.web.views.events import MAX_ROWS
from canarium.web.views.pods import PodValue, probe_text, state_text
from tests.web.views.objects import START, Shelves, Still, event, pod


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        (
            {"httpGet": {"path": "/readyz", "port": 9898}},
            "readiness: GET /readyz:9898 every 10s, fails after 3",
        ),
        ({"tcpSocket": {"port": "db"}, "periodSeconds": 5}, "readiness: TCP :db every 5s, fails after 3"),
        ({"grpc": {"port": 9, "service": "s"}}, "readiness: gRPC :9 s every 10s, fails after 3"),
        (
            {
                "exec": {"command": ["cat", "/ready"]},
                "initialDelaySeconds": 2,
                "timeoutSeconds": 4,
                "successThreshold": 2,
            },
            "readiness: exec cat /ready every 10s from 2s on, within 4s, passes after 2, fails after 3",
        ),
    ],
    ids=["http", "tcp", "grpc", "exec"],
)
def test_probes_have_words(probe: Obj, text: str) -> None:
    assert probe_text("readiness", probe) == text


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"running": {"startedAt": START}}, f"Running since {START}"),
        ({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}, "Waiting: CrashLoopBackOff: back-off"),
        ({"terminated": {"exitCode": 0, "finishedAt": START}}, f"Ended: completed at {START}"),
        ({"terminated": {"exitCode": 3, "message": "no\n"}}, "Ended: exited with code 3: no"),
        ({}, "Waiting"),
    ],
    ids=["running", "waiting", "completed", "failed", "nothing known"],
)
def test_states_have_words(state: Obj, text: str) -> None:
    assert state_text(state) == text


def test_a_pod_shows_containers_conditions_and_events() -> None:
    listers = Shelves()
    made = pod("shop-bbb", "p", podIP="10.0.0.7", conditions=[{"type": "Ready", "status": "False", "reason": "R"}])
    made["spec"]["initContainers"] = [{"name": "first", "image": "i"}]
    listers.put(PODS, made)
    listers.put(EVENTS, event(made, "Pulled", "it is there"))
    value = PodValue(listers, Still(), "web", "p")

    shown = value.value()

    assert shown is not None
    assert (shown.owner, shown.ip, shown.phase) == ("ReplicaSet/shop-bbb", "10.0.0.7", "Running")
    assert [(one.name, one.is_init, one.state) for one in shown.containers] == [
        ("first", True, "Waiting"),
        ("shop", False, f"Running since {START}"),
    ]
    assert shown.conditions == ("Ready=False: R",)
    assert [(one.about, one.reason) for one in shown.events] == [("Pod/p", "Pulled")]


def test_events_come_newest_first_told_once_and_not_without_end() -> None:
    listers = Shelves()
    made = pod("shop-bbb", "p")
    listers.put(PODS, made)
    value = PodValue(listers, Still(), "web", "p")
    for minute in range(30):
        for number in range(5):
            at = f"2026-01-05T09:{minute:02d}:00Z"
            listers.put(EVENTS, event(made, "Told", f"{minute}.{number}", at=at, name=f"e{minute}.{number}"))
    again = event(made, "Told", "29.0", at="2026-01-05T09:59:00Z", name="again")
    listers.put(EVENTS, again)

    shown = value.value()

    assert shown is not None
    assert len(shown.events) == MAX_ROWS
    assert (shown.events[0].message, shown.events[0].count) == ("29.0", 2)
    assert [one.message for one in shown.events[1:4]] == ["29.4", "29.3", "29.2"]

    listers.remove(EVENTS, again)

    shown = value.value()
    assert shown is not None
    assert (shown.events[0].message, shown.events[-1].count) == ("29.4", 1)


def test_a_pod_is_concerned_by_itself_and_its_events_only() -> None:
    value = PodValue(Shelves(), Still(), "web", "p")

    assert value.value() is None
    assert value.is_concerned(PODS, pod("x", "p"))
    assert not value.is_concerned(PODS, pod("x", "q"))
    assert value.is_concerned(EVENTS, event(pod("x", "p"), "Pulled", ""))
    assert not value.is_concerned(EVENTS, event(pod("x", "q"), "Pulled", ""))
