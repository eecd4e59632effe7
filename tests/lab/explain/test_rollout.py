"""Why a Rollout is where it is, for the situations that the story does not come to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from canarium.kube.objects import Obj, format_time
from canarium.lab.explain.explanation import Explanation
from canarium.lab.explain.rollout import Around, explain_rollout, rollout_sentence
from canarium.rollouts import commands
from tests.lab.explain.test_pods import UNSCHEDULABLE
from tests.rollouts.simulator import World, analysis, pause, rollout, set_weight, template


def updated(world: World) -> World:
    """A first version rolled out, a second one on its way."""
    world.settle()
    world.set_image("shop:2")
    return world.settle()


def why(world: World, pods: tuple[Obj, ...] = ()) -> Explanation:
    """The explanation of what the world shows."""
    return explain_rollout(world.observed(), world.now, Around(pods=pods))


def row(world: World, pods: tuple[Obj, ...] = ()) -> str:
    """The one sentence."""
    return rollout_sentence(world.observed(), world.now, Around(pods=pods))


def only_the_first(image: str) -> bool:
    """Pods of the second version never become available."""
    return image == "shop:1"


def test_a_timed_pause_tells_until_when() -> None:
    """And what comes next."""
    found = why(updated(World(rollout(steps=[set_weight(25), pause("10m"), set_weight(50)]))))

    assert found.tone == "waiting"
    assert found.lines == (
        "The rollout is paused at step 2 of 3 until 09:10:00 UTC.",
        "1 of 4 pods are of revision 2 (shop:2), for weight 25.",
    )
    assert found.next_step == "Step 3 of 3 follows: setWeight: 50. Promote to go on at once."
    assert found.reasons == ("Paused",)


def test_a_pause_without_an_end_asks_for_somebody() -> None:
    """Promote or abort."""
    found = why(updated(World(rollout(steps=[set_weight(25), pause(), set_weight(50)]))))

    assert found.tone == "attention"
    assert found.lines[0] == "The rollout is paused at step 2 of 3 until somebody promotes it."
    assert found.commands == (
        "kubectl argo rollouts promote shop -n web",
        "kubectl argo rollouts abort shop -n web",
    )


def test_a_pause_by_hand_is_named() -> None:
    """Nothing goes on before spec.paused is false."""
    world = updated(World(rollout(steps=[set_weight(25), pause()])))
    world.edit(paused=True)

    assert why(world.settle()).lines == ("The rollout is paused by hand (spec.paused).",)


def test_pods_that_are_missing_are_counted_and_the_worst_is_named() -> None:
    """With when patience ends."""
    world = updated(World(rollout(steps=[set_weight(50), pause()]), is_healthy=only_the_first))
    pod = {**UNSCHEDULABLE, "metadata": {**UNSCHEDULABLE["metadata"]}}
    pod["metadata"]["labels"] = {"rollouts-pod-template-hash": world.hash_of("shop:2")}

    found = why(world, (pod,))

    assert found.tone == "attention"
    assert found.lines == (
        "Waiting for pods of revision 2 (shop:2): 0 of 2 available at weight 50.",
        "Pod shop-1 is placed on no node: 0/3 nodes are available: 3 Insufficient cpu.",
    )
    assert found.next_step.endswith("Without progress it counts as failed at 09:10:00 UTC (progressDeadlineSeconds).")
    assert found.reasons == ("PodsUnavailable", "Unschedulable")
    assert row(world, (pod,)) == found.lines[1]
    assert row(world) == found.lines[0]


def test_no_progress_for_too_long_is_bad() -> None:
    """The deadline is named."""
    world = updated(World(rollout(steps=[set_weight(50), pause()]), is_healthy=only_the_first))
    world.now += timedelta(minutes=11)

    found = why(world.settle())

    assert found.tone == "bad"
    assert found.lines == (
        "There was no progress for 600 s (progressDeadlineSeconds). 0 of 2 pods of revision 2 (shop:2) are available.",
    )


def test_a_quota_is_told_in_its_own_words() -> None:
    """The ReplicaSet cannot create its pods."""
    world = updated(World(rollout(steps=[set_weight(50), pause()]), is_healthy=only_the_first))
    message = 'pods "shop-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=4, limited: pods=4'
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    world.replica_sets[f"shop-{world.hash_of('shop:2')}"]["status"]["conditions"] = [failure]

    found = why(world)

    assert found.tone == "bad"
    assert found.lines[1] == f"{message}."
    assert found.next_step == "Raise the quota, or have the pods ask for less."
    assert row(world) == f"{message}."


def test_an_analysis_under_way_tells_of_trouble_so_far() -> None:
    """And when it is measured next."""
    world = updated(World(rollout(steps=[set_weight(50), analysis()]), templates=(template(),)))
    [name] = world.runs
    refused = 'Post "http://prometheus/api/v1/query": dial tcp 10.96.0.9:80: connect: connection refused'
    at = format_time(world.now)
    measured = {"phase": "Error", "startedAt": at, "finishedAt": at, "message": refused}
    result = {"name": "errors", "phase": "Running", "error": 1, "consecutiveError": 1, "measurements": [measured]}
    world.runs[name]["status"] = {"phase": "Running", "startedAt": at, "metricResults": [result]}

    found = why(world.settle())

    assert found.tone == "attention"
    assert found.lines == (
        "The rollout waits for an analysis at step 2 of 2.",
        f"AnalysisRun {name} is Running: 0 of 1 metric done; errors is measured next at 09:00:10 UTC.",
        "Metric errors could not be measured: http://prometheus was asked, and the connection was refused "
        "(1 error in a row; more than 4 end it).",
    )
    assert row(world) == found.lines[2]


@pytest.mark.parametrize(
    ("name", "condition", "value", "is_suspected"),
    [
        ("ready-pods", {"failureCondition": "result[0] == 1"}, "[1]", True),
        ("success-rate", {"successCondition": "result[0] < 0.95"}, "[0.99]", True),
        ("success-rate", {"successCondition": "result[0] >= 0.95"}, "[0.3]", False),
        ("errors", {"failureCondition": "result[0] == 0"}, "[0]", True),
        ("errors", {"successCondition": "result[0] < 5"}, "[12]", False),
        ("queue", {"successCondition": "result[0] > 0"}, "[0]", False),
    ],
)
def test_only_what_speaks_for_it_makes_a_condition_suspect(
    name: str, condition: Obj, value: str, is_suspected: bool
) -> None:
    """A canary that is ill fails its conditions too."""
    made = template()
    prometheus = {"prometheus": {"address": "http://prometheus", "query": "vector(0)"}}
    made["spec"]["metrics"] = [{"name": name, "provider": prometheus, **condition}]
    world = updated(World(rollout(steps=[set_weight(50), analysis()]), templates=(made,)))
    [run] = world.runs
    at = format_time(world.now)
    measured = {"phase": "Failed", "startedAt": at, "finishedAt": at, "value": value}
    message = f'Metric "{name}" assessed Failed due to failed (1) > failureLimit (0)'
    world.finish_run(run, "Failed", message)
    world.runs[run]["status"]["metricResults"] = [{"name": name, "phase": "Failed", "measurements": [measured]}]

    found = why(world.settle())

    [(which, text)] = condition.items()
    does = "meets the failure" if which == "failureCondition" else "does not meet the success"
    assert found.lines[1] == (
        f"AnalysisRun {run} ended Failed: metric {name} failed: "
        f"the result was {value}, which {does} condition `{text}`."
    )
    assert ("likely the wrong way round" in found.lines[-1]) is is_suspected
    assert found.next_step.startswith("Turn " if is_suspected else "If the canary is well, mend ")


def test_an_abort_by_hand_blames_no_analysis_of_before() -> None:
    """An earlier attempt that failed is not why this one was aborted."""
    world = updated(World(rollout(steps=[set_weight(50), analysis(), pause()]), templates=(template(),)))
    [first] = world.runs
    world.finish_run(first, "Failed", 'Metric "errors" assessed Failed due to failed (1) > failureLimit (0)')
    world.settle()
    for patch in commands.retry(world.rollout):
        world.send(patch)
    world.settle()
    for patch in commands.abort(world.rollout):
        world.send(patch)

    found = why(world.settle())

    assert found.lines == (
        "The canary of revision 2 (shop:2) was aborted; revision 1 (shop:1) is stable.",
        "No analysis asked for that: somebody aborted it.",
    )


def test_an_invalid_spec_names_what_is_missing() -> None:
    """The controller's own words."""
    found = why(updated(World(rollout(steps=[set_weight(50), analysis("gone")]))))

    assert found.tone == "bad"
    assert found.lines[0].endswith("AnalysisTemplate 'gone' not found.")
    assert found.next_step == "Create what is missing, or mend the name."
    assert found.reasons == ("InvalidSpec",)


@pytest.mark.parametrize(
    ("status", "tone", "line"),
    [
        pytest.param(
            {
                "phase": "Paused",
                "pauseConditions": [{"reason": "BlueGreenPause", "startTime": "2026-01-05T09:00:00Z"}],
            },
            "attention",
            "The rollout is paused (BlueGreenPause) since 2026-01-05T09:00:00Z.",
            id="paused",
        ),
        pytest.param({"phase": "Healthy"}, "good", "All 4 pods run shop:2; revision 2 is stable.", id="healthy"),
        pytest.param(
            {"phase": "Progressing", "message": "active service cutover pending"},
            "waiting",
            "The rollout is Progressing: active service cutover pending.",
            id="progressing",
        ),
    ],
)
def test_a_strategy_that_another_controller_runs_is_told_by_its_status(status: Obj, tone: str, line: str) -> None:
    """Our rules refuse blue-green, but that is not why it is where it is."""
    world = updated(World(rollout(steps=[])))
    generation = str(world.rollout["metadata"]["generation"])
    world.rollout["spec"]["strategy"] = {"blueGreen": {"activeService": "shop"}}
    world.rollout["status"] = {
        **{key: world.status[key] for key in ("currentPodHash", "stableRS")},
        "observedGeneration": generation,
        **status,
    }

    found = why(world)

    assert (found.tone, found.lines[0], found.reasons) == (tone, line, ())


def test_a_spec_that_cannot_be_read_is_told_and_breaks_nothing() -> None:
    """The field is named."""
    world = updated(World(rollout(steps=[])))
    world.rollout["spec"]["replicas"] = "many"

    found = why(world)

    assert found.tone == "bad"
    assert "$.replicas" in found.lines[0]
    assert row(world) == found.lines[0]
