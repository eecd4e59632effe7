"""Probe verdicts: thresholds, timing, and what a pod's spec means."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.nodes.probes import (
    HttpGet,
    NotRun,
    Probe,
    ProbeKind,
    Sleep,
    TcpSocket,
    after,
    departures,
    hook_of,
    initial,
    next_due,
    port_number,
    probes_of,
)


def probe(kind: ProbeKind, **said: int) -> Probe:
    return Probe(kind=kind, action=NotRun(), **said)


@pytest.mark.parametrize(
    ("kind", "thresholds", "outcomes", "passed", "is_over"),
    [
        pytest.param("readiness", (1, 3), "", False, False, id="not ready before the first outcome"),
        pytest.param("liveness", (1, 3), "", True, False, id="alive before the first outcome"),
        pytest.param("startup", (1, 3), "", False, False, id="not started before the first outcome"),
        pytest.param("readiness", (1, 3), "+", True, False, id="ready at the first success"),
        pytest.param("readiness", (2, 3), "+", False, False, id="one success of two"),
        pytest.param("readiness", (2, 3), "++", True, False, id="two successes of two"),
        pytest.param("readiness", (2, 3), "+-+", False, False, id="successes must follow each other"),
        pytest.param("readiness", (1, 3), "+--", True, False, id="still ready after two failures of three"),
        pytest.param("readiness", (1, 3), "+---", False, False, id="not ready after three failures"),
        pytest.param("readiness", (1, 3), "+--+--", True, False, id="failures must follow each other"),
        pytest.param("readiness", (1, 1), "+-+", True, False, id="ready again at once"),
        pytest.param("liveness", (1, 3), "--", True, False, id="alive after two failures"),
        pytest.param("liveness", (1, 3), "---", False, True, id="restarted after three failures"),
        pytest.param("startup", (1, 2), "--", False, True, id="a start that fails is restarted"),
        pytest.param("startup", (1, 2), "-+", True, False, id="started at the second attempt"),
    ],
)
def test_outcomes_change_the_verdict_at_the_threshold(
    kind: ProbeKind, thresholds: tuple[int, int], outcomes: str, passed: bool, is_over: bool
) -> None:
    it = probe(kind, success_threshold=thresholds[0], failure_threshold=thresholds[1])
    state = initial(kind)

    for outcome in outcomes:
        state = after(it, state, outcome == "+")

    assert (state.has_passed, state.is_over) == (passed, is_over)


@pytest.mark.parametrize(
    ("delay", "period", "running_since", "now", "due"),
    [
        pytest.param(0, 10, 3.0, 3.0, 10.0, id="the next tick of the worker, not of the container"),
        pytest.param(2, 5, 2.5, 2.5, 5.0, id="delay over by the first tick"),
        pytest.param(2, 5, 3.5, 3.5, 10.0, id="first tick skipped: the delay is not over"),
        pytest.param(0, 5, 0.0, 5.001, 10.0, id="after a tick comes the next"),
        pytest.param(30, 10, 1.0, 1.0, 40.0, id="long delay"),
    ],
)
def test_probes_are_due_on_ticks_after_the_initial_delay(
    delay: int, period: int, running_since: float, now: float, due: float
) -> None:
    it = probe("readiness", initial_delay_seconds=delay, period_seconds=period)

    assert next_due(it, worker_since=0.0, running_since=running_since, now=now) == due


def test_defaults_are_those_of_the_api() -> None:
    container = {"name": "web", "livenessProbe": {"tcpSocket": {"port": 80}}}

    assert probes_of(container) == (Probe(kind="liveness", action=TcpSocket(80)),)


def test_an_http_probe_finds_its_port_by_name() -> None:
    container: dict[str, Any] = {
        "name": "web",
        "ports": [{"containerPort": 9898, "name": "http"}],
        "readinessProbe": {
            "httpGet": {"path": "readyz", "port": "http", "httpHeaders": [{"name": "X-A", "value": "b"}]},
            "periodSeconds": 5,
        },
    }

    (found,) = probes_of(container)

    assert found.action == HttpGet(port=9898, path="/readyz", scheme="http", headers=(("X-A", "b"),))
    assert found.period_seconds == 5


def test_exec_probes_are_not_run() -> None:
    assert probes_of({"name": "web", "livenessProbe": {"exec": {"command": ["false"]}}})[0].action == NotRun()


def test_a_port_name_that_nobody_declares_leads_nowhere() -> None:
    assert port_number("nope", {"ports": [{"containerPort": 80, "name": "http"}]}) == 0


def test_a_probe_may_bring_a_grace_period_of_its_own() -> None:
    probe = {"tcpSocket": {"port": 80}, "terminationGracePeriodSeconds": 0}

    assert probes_of({"name": "web", "livenessProbe": probe})[0].grace_seconds == 0
    assert probes_of({"name": "web", "livenessProbe": {"tcpSocket": {"port": 80}}})[0].grace_seconds is None


@pytest.mark.parametrize(
    ("hook", "meaning"),
    [
        ({"httpGet": {"port": 80}}, HttpGet(port=80, path="/", scheme="http")),
        ({"sleep": {"seconds": 3}}, Sleep(3)),
        ({"exec": {"command": ["true"]}}, None),
        ({}, None),
    ],
)
def test_hooks_ask_or_sleep(hook: dict[str, Any], meaning: object) -> None:
    assert hook_of({"name": "web", "lifecycle": {"preStop": hook}}, "preStop") == meaning
    assert hook_of({"name": "web", "lifecycle": {"preStop": hook}}, "postStart") is None


def test_several_commands_of_a_container_are_told_together() -> None:
    command = {"exec": {"command": ["true"]}}
    lifecycle = {"stopSignal": "SIGUSR1", "postStart": command, "preStop": {"sleep": {"seconds": 1}}}
    container = {"name": "web", "startupProbe": command, "livenessProbe": command, "lifecycle": lifecycle}

    assert departures(container) == (
        (
            "Warning",
            "ExecNotRun",
            "Container web: the command of its startup probe and liveness probe is not run, and counts as a success",
        ),
        ("Warning", "ExecNotRun", "Container web: the command of its postStart hook is not run"),
    )


def test_what_is_done_as_written_needs_no_words() -> None:
    probe = {"httpGet": {"port": 80}}

    assert departures({"name": "web", "livenessProbe": probe, "lifecycle": {"preStop": probe}}) == ()
