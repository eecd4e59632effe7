"""Looks at AnalysisRuns as Argo Rollouts itself decided them, recorded: same tasks, status, Events and timers.

Each line of the recording is one look; its first line says of which peer, and how it was made.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from canarium.kube.decision import Delete
from canarium.kube.objects import Obj, parse_time
from canarium.rollouts.analysis.decide import Observed, Taken, decide
from canarium.rollouts.analysis.schedule import COMPLETED, MeasurementTask, due

RECORDING = Path(__file__).parent / "testdata" / "analysis_runs.jsonl"


def looks() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORDING.read_text().splitlines()[1:]]


LOOKS = looks()


def measured(look: dict[str, Any], now: datetime) -> tuple[Taken, ...]:
    """What the recording's providers answered to what is due, as the controller would have observed it."""

    def one(task: MeasurementTask) -> Taken:
        found: Obj = look["measurements"][task.metric["name"]]
        if task.terminate and found["phase"] in ("Successful", "Inconclusive"):
            found = {**found, "message": "Metric Terminated"}
        return Taken(metric=task.metric["name"], measurement=found, resumed=task.unfinished is not None)

    return tuple(map(one, due(look["run"], now)))


def comparable(status: Obj) -> Obj:
    """Without what Go writes as empty, and with results by name: upstream appends them as goroutines finish."""
    made = dict(status)
    results = sorted(made.pop("metricResults", ()), key=lambda item: str(item["name"]))
    if results:
        made["metricResults"] = results
    return made


@pytest.mark.parametrize("number", range(len(LOOKS)))
def test_argo_rollouts_decided_the_same(number: int) -> None:
    look = LOOKS[number]
    now = parse_time(look["now"])
    taken = measured(look, now)

    decision = decide(Observed(run=look["run"], taken=taken), now)

    status = decision.status if decision.status is not None else look["run"]["status"]
    assert [one.metric for one in taken] == look["tasks"]
    assert comparable(status) == look["status"]
    assert sorted(f"{note.type}|{note.reason}|{note.message}" for note in decision.events) == look["events"]
    assert any(isinstance(action, Delete) for action in decision.actions) == look["deleted"]
    if status["phase"] not in COMPLETED:
        assert (None if decision.requeue is None else decision.requeue.total_seconds()) == look["after"]
