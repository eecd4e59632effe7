"""What a chronicle keeps of an event log, and what it leaves to chance and speed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.lab.chronicle import Chronicle, chronicle, differences, written

HASH = "5478f49d8b"


def event(reason: str, message: str, *, kind: str = "Rollout", name: str = "echo", uid: str = "u") -> Obj:
    about = {"kind": kind, "namespace": "team", "name": name, "uid": uid}
    return {"kind": "Event", "involvedObject": about, "type": "Normal", "reason": reason, "message": message}


def pod_event(reason: str, end: str) -> Obj:
    return event(reason, f"{reason} echo-{HASH}-{end}", kind="Pod", name=f"echo-{HASH}-{end}", uid=end)


def obj(kind: str, status: dict[str, Any], *, spec: dict[str, Any] | None = None, name: str = "echo") -> Obj:
    metadata = {"namespace": "team", "name": name, "uid": f"uid-of-{kind}"}
    return {"kind": kind, "metadata": metadata, "spec": spec or {}, "status": status}


def app(health: str, revision: str = "a" * 40, sync: str = "Synced") -> Obj:
    return obj("Application", {"sync": {"status": sync, "revision": revision}, "health": {"status": health}})


def rollout(phase: str, step: int) -> Obj:
    canary: dict[str, Any] = {"canary": {"steps": [{}, {}, {}]}}
    return obj("Rollout", {"phase": phase, "currentPodHash": HASH, "currentStepIndex": step}, spec={"strategy": canary})


def told(*objects: Obj) -> Chronicle:
    return chronicle(objects)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("it took 1.5s", "it took 12m3s"),
        ("at 2026-01-05T09:00:00Z", "at 2031-11-15T19:07:00.123456Z"),
        ("dial tcp 10.244.1.3:9898: refused", "dial tcp 10.244.1.77:9898: refused"),
        (f"Created pod: echo-{HASH}-x2v9k", f"Created pod: echo-{HASH}-7bbcd"),
        (f"synced to {'1' * 40}", f"synced to {'f' * 40}"),
    ],
)
def test_times_addresses_and_random_names_do_not_matter(here: str, there: str) -> None:
    assert differences(told(event("Said", here)), told(event("Said", there))) == []


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("scaled from 2 to 3", "scaled from 2 to 4"),
        ("podinfo:6.8.0", "podinfo:6.9.3"),
        ("step 1/5 completed", "step 2/5 completed"),
        ("Created ReplicaSet echo-5478f49d8b", "Created ReplicaSet echo-6fdd67656d"),
    ],
)
def test_numbers_that_mean_something_do_matter(here: str, there: str) -> None:
    [difference] = differences(told(event("Said", here)), told(event("Said", there)))

    assert difference == f"Rollout team/echo events\n  - Normal Said: {here}\n  + Normal Said: {there}"


def test_commits_are_told_apart_by_their_order() -> None:
    first, second = "1" * 40, "2" * 40

    assert differences(told(app("Healthy", first), app("Healthy", second)), told(app("Healthy", first))) != []
    assert (
        differences(
            told(app("Healthy", first), app("Healthy", second)), told(app("Healthy", second), app("Healthy", first))
        )
        == []
    )


def test_order_matters_within_an_object_and_not_between_two() -> None:
    up, down = event("Scaled", "up"), event("Scaled", "down")
    other = event("Completed", "all", name="other")

    assert differences(told(up, down, other), told(other, up, down)) == []
    assert differences(told(up, down), told(down, up)) != []


def test_what_is_the_same_twice_in_a_row_is_told_once() -> None:
    up, down = event("Scaled", "up"), event("Scaled", "down")

    assert told(up, up, down, up) == {
        "Rollout team/echo events": tuple(f"Normal Scaled: {x}" for x in ("up", "down", "up"))
    }


def test_pods_of_one_kind_are_told_once_and_those_cut_short_not_at_all() -> None:
    first = [pod_event(reason, "x2v9k") for reason in ("Scheduled", "Pulling", "Pulled", "Started")]
    second = [pod_event(reason, "7bbcd") for reason in ("Scheduled", "Pulled", "Unhealthy", "Started")]
    cut_short = [pod_event("Scheduled", "bbbbb")]

    assert told(*first) == told(*second, *cut_short, *first)
    assert [*told(*first)] == [f"Pod team/echo-{HASH}-<random> events"]


def test_a_pod_that_fared_differently_is_seen() -> None:
    fine = [pod_event(reason, "x2v9k") for reason in ("Scheduled", "Started")]
    killed = [pod_event(reason, "7bbcd") for reason in ("Scheduled", "Failed")]

    assert differences(told(*fine), told(*fine, *killed)) != []


def test_an_application_counts_from_its_first_health() -> None:
    settling = [app("Missing"), app("Degraded"), app("Progressing"), app("Healthy")]

    assert told(*settling, app("Degraded")) == told(app("Healthy"), app("Degraded"))
    assert differences(told(*settling), told(app("Missing"))) != []
    assert differences(told(*settling), told(*settling, app("Degraded"))) != []


def test_a_rollout_is_told_by_its_steps() -> None:
    walked = told(
        rollout("Progressing", 0), rollout("Progressing", 0), rollout("Progressing", 1), rollout("Healthy", 3)
    )

    assert walked == {
        "Rollout team/echo status": (
            f"Progressing, stable none, current {HASH}, step 0 of 3",
            f"Progressing, stable none, current {HASH}, step 1 of 3",
            f"Healthy, stable none, current {HASH}, step 3 of 3",
        )
    }
    assert differences(walked, told(rollout("Progressing", 0), rollout("Healthy", 3))) != []


def test_an_analysis_is_told_when_it_ended() -> None:
    results = [{"name": "errors", "phase": "Failed"}]
    ended = obj("AnalysisRun", {"phase": "Failed", "metricResults": results, "message": "too many"})

    assert told(obj("AnalysisRun", {"phase": "Running"}), ended) == told(ended)
    assert told(ended) == {"AnalysisRun team/echo status": ("Failed; errors Failed; too many",)}


def test_an_event_log_gives_objects_as_each_write_left_them() -> None:
    made = {key: part for key, part in rollout("Progressing", 0).items() if key != "kind"}

    def write(verb: str, name: str = "echo", resource: str = "rollouts.argoproj.io", **data: Any) -> dict[str, Any]:
        return {"what": "write", "verb": verb, "resource": resource, "namespace": "team", "name": name, **data}

    entries: Iterable[dict[str, Any]] = [
        {"what": "decision", "controller": "rollouts", "key": "team/echo"},
        write("create", object=made),
        write("create", "echo-1", "pods", object={"metadata": {"name": "echo-1"}}),
        write("patch", change={"status": {"phase": "Healthy", "currentStepIndex": None}}),
        write("delete", is_gone=True),
    ]

    first, second = written(entries)

    assert first == rollout("Progressing", 0)
    assert second["status"] == {"phase": "Healthy", "currentPodHash": HASH}
