"""What a Rollout does with AnalysisRuns: names, outcomes, retries, clean-up."""

from __future__ import annotations

import pytest

from canarium.kube.objects import Obj
from canarium.rollouts import commands
from canarium.rollouts.reasons import AnalysisRunning
from tests.rollouts.simulator import World, analysis, pause, rollout, set_weight, template

WHY = 'Metric "errors" assessed Failed due to failed (1) > failureLimit (0)'


def canary(steps: list[Obj], *templates: Obj, **more: Obj) -> World:
    """A world in which shop:2 is on its way."""
    world = World(rollout(steps=steps, canary=more), templates=templates or (template(),)).settle()
    world.set_image("shop:2")
    return world.settle()


def send(world: World, patches: tuple[object, ...]) -> World:
    for patch in patches:
        world.send(patch)
    return world.settle()


def test_a_run_is_named_and_labelled_as_upstream_does() -> None:
    step = analysis(
        args=[
            {"name": "namespace", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "canary", "valueFrom": {"podTemplateHashValue": "Latest"}},
            {"name": "stable", "valueFrom": {"podTemplateHashValue": "Stable"}},
        ],
        analysisRunMetadata={"labels": {"team": "shop"}, "annotations": {"note": "mind"}},
    )
    args = [{"name": "namespace"}, {"name": "canary"}, {"name": "stable"}]
    world = canary([set_weight(50), step], template(args=args))

    pod_hash = world.hash_of("shop:2")
    run = world.runs[f"shop-{pod_hash}-2-1"]
    assert run["metadata"]["labels"] == {
        "app": "shop",
        "team": "shop",
        "rollouts-pod-template-hash": pod_hash,
        "rollout-type": "Step",
        "step-index": "1",
    }
    assert run["metadata"]["annotations"] == {"rollout.argoproj.io/revision": "2", "note": "mind"}
    assert run["metadata"]["ownerReferences"][0]["name"] == "shop"
    assert run["spec"]["args"] == [
        {"name": "namespace", "value": "web"},
        {"name": "canary", "value": pod_hash},
        {"name": "stable", "value": world.hash_of("shop:1")},
    ]
    assert world.status["canary"] == {
        "currentStepAnalysisRunStatus": {"name": f"shop-{pod_hash}-2-1", "status": ""},
    }
    assert world.because == (AnalysisRunning(f"shop-{pod_hash}-2-1", ""),)


def test_a_successful_run_moves_the_canary_on() -> None:
    world = canary([set_weight(50), analysis(), set_weight(75), pause()])
    (name,) = world.runs
    world.finish_run(name, "Running")
    world.settle()
    assert world.status["canary"]["currentStepAnalysisRunStatus"]["status"] == "Running"

    world.finish_run(name, "Successful")
    world.settle()

    assert world.scale() == {"shop:2": 3, "shop:1": 1}
    assert world.status["canary"] == {}
    assert f"AnalysisRunRunning: Step Analysis Run '{name}' Status New: 'Running' Previous: ''" in world.events
    assert (
        f"AnalysisRunSuccessful: Step Analysis Run '{name}' Status New: 'Successful' Previous: 'Running'"
        in world.events
    )


@pytest.mark.parametrize("phase", ["Failed", "Error"])
def test_a_failed_run_aborts_with_its_own_message(phase: str) -> None:
    world = canary([set_weight(50), analysis()])
    (name,) = world.runs
    world.finish_run(name, phase, WHY)
    world.settle()

    message = f"Rollout aborted update to revision 2: {WHY}"
    assert world.condition("Progressing") == ("False", "RolloutAborted", message)
    assert world.phase == ("Degraded", f"RolloutAborted: {message}")
    assert world.scale() == {"shop:1": 4}
    assert world.status["stableRS"] == world.hash_of("shop:1")
    assert f"RolloutAborted: {message}" in world.events


def test_retries_number_their_runs() -> None:
    """The three runs of the story: -2-1, -2-1.1, -2-1.2."""
    world = canary([set_weight(50), analysis(), set_weight(100)])
    base = f"shop-{world.hash_of('shop:2')}-2-1"
    for name in (base, f"{base}.1"):
        world.finish_run(name, "Failed", WHY)
        world.settle()
        send(world, commands.retry(world.rollout))
    assert sorted(world.runs) == [base, f"{base}.1", f"{base}.2"]

    world.finish_run(f"{base}.2", "Successful")
    world.settle()

    assert world.phase == ("Healthy", "")
    assert world.scale() == {"shop:2": 4}


def test_a_retry_measures_by_the_template_as_it_is_now() -> None:
    world = canary([set_weight(50), analysis()])
    base = f"shop-{world.hash_of('shop:2')}-2-1"
    world.finish_run(base, "Failed", WHY)
    world.settle()
    mended = template()
    mended["spec"]["metrics"][0]["successCondition"] = "result[0] == 0"
    world.templates["checks"] = mended

    send(world, commands.retry(world.rollout))

    assert world.runs[f"{base}.1"]["spec"]["metrics"] == mended["spec"]["metrics"]


def test_an_inconclusive_run_pauses_and_promoting_passes_it_over() -> None:
    world = canary([set_weight(50), analysis(), set_weight(75), pause()])
    (name,) = world.runs
    world.finish_run(name, "Inconclusive", "cannot tell")
    world.settle()
    assert world.phase == ("Paused", "InconclusiveAnalysisRun")
    assert world.scale() == {"shop:2": 2, "shop:1": 2}

    send(world, commands.promote(world.rollout))

    assert world.scale() == {"shop:2": 3, "shop:1": 1}
    assert world.phase == ("Paused", "CanaryPauseStep")


def test_promoting_past_a_running_analysis_ends_it() -> None:
    world = canary([set_weight(50), analysis(), set_weight(75), pause()])
    (name,) = world.runs
    world.finish_run(name, "Running")
    world.settle()

    send(world, commands.promote(world.rollout))

    assert world.runs[name]["spec"]["terminate"] is True
    assert world.scale() == {"shop:2": 3, "shop:1": 1}


def test_an_abort_ends_the_current_run() -> None:
    world = canary([set_weight(50), analysis()])
    (name,) = world.runs
    world.finish_run(name, "Running")
    world.settle()

    send(world, commands.abort(world.rollout))

    assert world.runs[name]["spec"]["terminate"] is True
    assert world.scale() == {"shop:1": 4}


def test_a_background_analysis_runs_along_and_aborts_when_it_fails() -> None:
    background: Obj = {"templates": [{"templateName": "checks"}]}
    world = canary([set_weight(25), pause(), set_weight(50)], analysis=background)
    name = f"shop-{world.hash_of('shop:2')}-2"
    assert list(world.runs) == [name]
    assert world.runs[name]["metadata"]["labels"]["rollout-type"] == "Background"
    assert world.status["canary"] == {"currentBackgroundAnalysisRunStatus": {"name": name, "status": ""}}

    world.finish_run(name, "Failed", WHY)
    world.settle()

    assert world.phase == ("Degraded", f"RolloutAborted: Rollout aborted update to revision 2: {WHY}")
    assert world.scale() == {"shop:1": 4}


def test_a_background_analysis_ends_when_the_rollout_does() -> None:
    background: Obj = {"templates": [{"templateName": "checks"}]}
    world = canary([set_weight(25), pause()], analysis=background)
    (name,) = world.runs
    world.finish_run(name, "Running")
    world.settle()

    send(world, commands.promote(world.rollout))

    assert world.phase == ("Healthy", "")
    assert world.runs[name]["spec"]["terminate"] is True
    assert world.status["canary"] == {}


def test_a_background_analysis_waits_for_its_starting_step() -> None:
    background: Obj = {"templates": [{"templateName": "checks"}], "startingStep": 2}
    world = canary([set_weight(25), pause(), set_weight(50), pause()], analysis=background)
    assert world.runs == {}

    send(world, commands.promote(world.rollout))

    assert list(world.runs) == [f"shop-{world.hash_of('shop:2')}-2"]


def test_a_run_whose_status_write_was_lost_is_taken_up_again() -> None:
    world = canary([set_weight(50), analysis()])
    (name,) = world.runs
    world.patch_status(canary={"currentStepAnalysisRunStatus": None})

    world.settle()

    assert list(world.runs) == [name]
    assert world.status["canary"]["currentStepAnalysisRunStatus"]["name"] == name


def test_finished_runs_are_kept_up_to_the_limits() -> None:
    made = rollout(
        steps=[set_weight(50), analysis()],
        analysis={"successfulRunHistoryLimit": 1, "unsuccessfulRunHistoryLimit": 2},
    )
    world = World(made, templates=(template(),)).settle()
    world.set_image("shop:2")
    world.settle()
    for _ in range(5):
        (unfinished,) = (name for name, run in world.runs.items() if "status" not in run)
        world.finish_run(unfinished, "Failed", WHY)
        world.settle()
        world.advance(seconds=5)
        send(world, commands.retry(world.rollout))

    finished = sorted(name for name, run in world.runs.items() if "status" in run)
    assert len(finished) == 2


def test_runs_go_with_their_replica_set() -> None:
    world = World(rollout(steps=[set_weight(50), analysis()], revisionHistoryLimit=0), templates=(template(),)).settle()
    for image in ("shop:2", "shop:3"):
        world.set_image(image)
        world.settle()
        world.finish_run(f"shop-{world.hash_of(image)}-{image[-1]}-1", "Successful")
        world.settle()
        world.advance(seconds=5)

    assert [world.image_of(found) for found in world.replica_sets.values()] == ["shop:3"]
    assert list(world.runs) == [f"shop-{world.hash_of('shop:3')}-3-1"]
