"""Jobs: pods until enough have succeeded, or too many have failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from canarium.clock import DEFAULT_START
from canarium.kube.decision import Create, Decision
from canarium.kube.objects import Obj, condition, format_time
from canarium.workloads.job import ObservedJob, decide

NOW = DEFAULT_START + timedelta(hours=1)
NAMES = ("j-aaaaa", "j-bbbbb", "j-ccccc")


def job(status: dict[str, Any] | None = None, **spec: Any) -> Obj:
    template = {"metadata": {"labels": {"job-name": "j"}}, "spec": {"restartPolicy": "Never", "containers": []}}
    usual = {"completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False}
    metadata = {"name": "j", "namespace": "default", "uid": "u", "resourceVersion": "1", "generation": 1}
    started = {"startTime": format_time(DEFAULT_START)} if status is None else status
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {**usual, "template": template, "selector": {"matchLabels": {"job-name": "j"}}, **spec},
        "status": started,
    }


def pod(name: str, phase: str) -> Obj:
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": True}
    ended = {"terminated": {"exitCode": int(phase == "Failed"), "finishedAt": format_time(DEFAULT_START)}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "resourceVersion": "1",
            "creationTimestamp": format_time(DEFAULT_START),
            "labels": {"job-name": "j"},
            "ownerReferences": [owner],
        },
        "spec": {"containers": [{"name": "main"}], "restartPolicy": "Never"},
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "main", "restartCount": 0, "state": ended if phase != "Running" else {}}],
        },
    }


def looked_at(one: Obj, *pods: Obj) -> Decision:
    return decide(ObservedJob(job=one, pods=pods, new_names=NAMES), NOW)


def created(decision: Decision) -> list[str]:
    return [action.obj["metadata"]["name"] for action in decision.actions if isinstance(action, Create)]


def test_a_job_starts_as_many_pods_as_may_run_at_once() -> None:
    assert len(created(looked_at(job(completions=5, parallelism=2)))) == 2
    assert len(created(looked_at(job(completions=5, parallelism=2), pod("a", "Running")))) == 1
    assert created(looked_at(job(suspend=True))) == []


def test_a_job_whose_pods_succeeded_is_complete_and_starts_no_more() -> None:
    one = job(completions=2, parallelism=2)
    first = looked_at(one, pod("a", "Succeeded"), pod("b", "Succeeded"))
    again = looked_at(job(first.status, completions=2, parallelism=2), pod("a", "Succeeded"), pod("b", "Succeeded"))

    assert created(first) == created(again) == []
    assert again.actions == ()
    assert first.status is not None
    complete = condition(first.status, "Complete")
    assert complete is not None
    assert complete["status"] == "True"
    assert first.status["succeeded"] == 2


def test_a_job_whose_pods_fail_more_often_than_it_allows_has_failed() -> None:
    one = job(backoffLimit=0)
    first = looked_at(one, pod("a", "Failed"))
    again = looked_at(job(first.status, backoffLimit=0), pod("a", "Failed"))

    assert created(again) == []
    assert again.actions == ()
    assert first.status is not None
    failed = condition(first.status, "Failed")
    assert failed is not None
    assert (failed["status"], failed["reason"]) == ("True", "BackoffLimitExceeded")
    assert failed["message"] == "Job has reached the specified backoff limit"
