"""The steps of a canary in words, and which of them is under way."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.web.views.track import span_text, step_words, track

START = "2026-01-05T09:00:00Z"


def rollout(steps: list[Obj], **status: Any) -> Obj:
    return {
        "metadata": {"name": "shop", "namespace": "web", "annotations": {"rollout.argoproj.io/revision": "2"}},
        "spec": {"strategy": {"canary": {"steps": steps}}},
        "status": {"currentPodHash": "77d4", **status},
    }


def run(name: str, step: int, phase: str, *, revision: str = "2") -> Obj:
    labels = {"rollout-type": "Step", "step-index": str(step), "rollouts-pod-template-hash": "77d4"}
    metadata = {"name": name, "labels": labels, "annotations": {"rollout.argoproj.io/revision": revision}}
    return {"metadata": {**metadata, "creationTimestamp": START}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("step", "kind", "says", "details"),
    [
        ({"setWeight": 33}, "setWeight", "33 %", ()),
        ({"setWeight": 0}, "setWeight", "0 %", ()),
        ({"pause": {}}, "pause", "until promoted", ()),
        ({"pause": {"duration": 30}}, "pause", "for 30s", ()),
        ({"pause": {"duration": "90"}}, "pause", "for 1m30s", ()),
        ({"pause": {"duration": "1h"}}, "pause", "for 1h", ()),
        ({"pause": {"duration": "soon"}}, "pause", "for 'soon' (no duration)", ()),
        (
            {
                "analysis": {
                    "templates": [{"templateName": "errors"}, {"templateName": "slow", "clusterScope": True}],
                    "args": [
                        {"name": "service", "value": "shop"},
                        {"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}},
                        {"name": "where", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                    ],
                    "dryRun": [{"metricName": "slow"}],
                }
            },
            "analysis",
            "errors, slow",
            (
                "ClusterAnalysisTemplate slow",
                "service = shop",
                "hash = pod template hash of latest",
                "where = the rollout's metadata.namespace",
                "only for information: slow",
            ),
        ),
        (
            {
                "experiment": {
                    "duration": "1h",
                    "templates": [
                        {"name": "baseline", "specRef": "stable"},
                        {"name": "canary", "specRef": "canary", "replicas": 2, "weight": 5},
                    ],
                    "analyses": [{"name": "compare", "templateName": "mann-whitney"}],
                }
            },
            "experiment",
            "2 templates for 1h",
            (
                "baseline: 1 pod of stable",
                "canary: 2 pods of canary, 5 % of the traffic",
                "analysis compare: mann-whitney",
            ),
        ),
        ({"setCanaryScale": {"replicas": 3}}, "setCanaryScale", "3 pods", ()),
        ({"setCanaryScale": {"weight": 25}}, "setCanaryScale", "25 % of the pods", ()),
        ({"setCanaryScale": {"matchTrafficWeight": True}}, "setCanaryScale", "as many pods as the weight asks for", ()),
        (
            {"setHeaderRoute": {"name": "me", "match": [{"headerName": "X-Me", "headerValue": {"exact": "yes"}}]}},
            "setHeaderRoute",
            "me: requests with a header go to the canary",
            ("X-Me is yes",),
        ),
        ({"setHeaderRoute": {"name": "me"}}, "setHeaderRoute", "remove me", ()),
        (
            {
                "setMirrorRoute": {
                    "name": "copy",
                    "percentage": 35,
                    "match": [{"method": {"exact": "GET"}, "path": {"prefix": "/"}}],
                }
            },
            "setMirrorRoute",
            "copy: 35 % is mirrored to the canary",
            ("method is GET, path begins with /",),
        ),
        ({"setMirrorRoute": {"name": "copy"}}, "setMirrorRoute", "remove copy", ()),
        (
            {"plugin": {"name": "org/step", "config": {"wait": 1}}},
            "plugin",
            "org/step",
            ("{", '  "wait": 1', "}"),
        ),
        ({"somethingNew": 1}, "", "a step that is not known", ('{"somethingNew": 1}',)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_every_kind_of_step_has_words(step: Obj, kind: str, says: str, details: tuple[str, ...]) -> None:
    assert step_words(step) == (kind, says, details)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (59, "59s"), (3600, "1h"), (93784, "1d2h3m4s")])
def test_durations_are_written_as_people_write_them(seconds: int, text: str) -> None:
    assert span_text(seconds) == text


STEPS: list[Obj] = [{"setWeight": 20}, {"analysis": {"templates": []}}, {"pause": {"duration": "10m"}}, {"pause": {}}]


@pytest.mark.parametrize(
    ("status", "states"),
    [
        ({}, ["next", "next", "next", "next"]),
        ({"currentStepIndex": 0}, ["current", "next", "next", "next"]),
        ({"currentStepIndex": 2}, ["done", "done", "current", "next"]),
        ({"currentStepIndex": 4}, ["done", "done", "done", "done"]),
        ({"currentStepIndex": 9}, ["done", "done", "done", "done"]),
        ({"currentStepIndex": 0, "abort": True}, ["next", "next", "next", "next"]),
    ],
    ids=["not seen yet", "begun", "half way", "complete", "steps were taken away", "aborted"],
)
def test_steps_are_done_current_or_next(status: Obj, states: list[str]) -> None:
    assert [step.state for step in track(rollout(STEPS, **status), ())] == states


def test_a_timed_pause_under_way_says_when_it_ends_and_one_without_end_does_not() -> None:
    held = [{"reason": "CanaryPauseStep", "startTime": START}]

    timed = track(rollout(STEPS, currentStepIndex=2, pauseConditions=held), ())
    endless = track(rollout(STEPS, currentStepIndex=3, pauseConditions=held), ())

    assert timed[2].ends == "2026-01-05T09:10:00Z"
    assert endless[3].ends == ""
    assert endless[2].ends == ""


def test_a_step_names_its_latest_run_of_this_update() -> None:
    runs = [
        run("shop-77d4-2-1.1", 1, "Running"),
        run("shop-77d4-2-1", 1, "Failed"),
        run("shop-77d4-1-1.9", 1, "Error", revision="1"),
    ]

    steps = track(rollout(STEPS, currentStepIndex=1), runs)

    assert (steps[1].run, steps[1].run_phase) == ("shop-77d4-2-1.1", "Running")
    assert steps[0].run == ""


def test_a_strategy_without_steps_has_no_track() -> None:
    assert track({"metadata": {"name": "shop"}, "spec": {"strategy": {"blueGreen": {}}}}, ()) == ()
