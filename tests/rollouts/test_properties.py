"""What holds at every instant of every rollout, whatever is done to it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.decision import Patch
from canarium.kube.objects import Obj
from canarium.rollouts import commands
from canarium.rollouts.strategies.canary.counts import resolve_fenceposts
from tests.rollouts.simulator import World, analysis, pause, rollout, set_weight, template

STEPS = st.lists(
    st.one_of(
        st.integers(0, 100).map(set_weight),
        st.sampled_from([None, 5, "1m"]).map(pause),
        st.just(analysis()),
    ),
    max_size=5,
)
FENCEPOSTS = st.tuples(st.sampled_from([0, 1, 3, "25%"]), st.sampled_from([1, 2, "25%", "60%"]))
DEEDS = st.lists(
    st.sampled_from(
        ["image", "back", "abort", "retry", "promote", "full", "wait", "succeed", "fail", "pass", "pass", "pass"]
    ),
    max_size=14,
)


def keeps_the_promise(world: World) -> None:
    """Available never below replicas - maxUnavailable, total never above replicas + maxSurge."""
    spec = world.rollout["spec"]
    canary = spec["strategy"]["canary"]
    fenceposts = resolve_fenceposts(canary["maxSurge"], canary["maxUnavailable"], spec["replicas"])
    told = [found["spec"]["replicas"] for found in world.replica_sets.values()]
    serving = [
        min(found["status"].get("availableReplicas", 0), found["spec"]["replicas"])
        for found in world.replica_sets.values()
    ]
    assert sum(told) <= spec["replicas"] + fenceposts.surge, told
    assert sum(serving) >= spec["replicas"] - fenceposts.unavailable, serving


def world_of(replicas: int, steps: list[Obj], fenceposts: tuple[Any, Any], **spec: Any) -> World:
    canary = {"maxSurge": fenceposts[0], "maxUnavailable": fenceposts[1]}
    made = rollout(replicas=replicas, steps=steps, canary=canary, **spec)
    world = World(made, templates=(template(),)).settle()
    world.checks = (keeps_the_promise,)  # the first pods come up from nothing, which nobody promised otherwise
    return world


def send(world: World, patches: tuple[Patch, ...]) -> None:
    for patch in patches:
        world.send(patch)


def do(world: World, deed: str, number: int) -> None:
    match deed:
        case "image":
            world.set_image(f"shop:{number + 2}")
        case "back":
            world.set_image("shop:1")
        case "abort":
            if world.status.get("stableRS") != world.status.get("currentPodHash"):
                send(world, commands.abort(world.rollout))
        case "retry":
            send(world, commands.retry(world.rollout))
        case "promote":
            send(world, commands.promote(world.rollout))
        case "full":
            send(world, commands.promote_full(world.rollout))
        case "wait":
            world.advance(minutes=2)
        case "succeed" | "fail":
            for name, run in world.runs.items():
                if "status" not in run:
                    world.finish_run(name, "Successful" if deed == "succeed" else "Failed", "because")
        case _:
            world.step()
            world.make_pods_available()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), STEPS, FENCEPOSTS, DEEDS)
def test_the_promise_is_kept_and_every_pass_comes_to_rest(
    replicas: int, steps: list[Obj], fenceposts: tuple[Any, Any], deeds: list[str]
) -> None:
    """`settle` ends only when deciding again after applying asks for nothing."""
    world = world_of(replicas, steps, fenceposts)

    for number, deed in enumerate(deeds):
        do(world, deed, number)
    world.settle(200)

    assert world.status["phase"] in ("Healthy", "Paused", "Degraded", "Progressing")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), STEPS, FENCEPOSTS, st.integers(0, 12))
def test_an_abort_always_returns_to_stable(
    replicas: int, steps: list[Obj], fenceposts: tuple[Any, Any], passes: int
) -> None:
    world = world_of(replicas, [*steps, pause()], fenceposts)
    world.set_image("shop:2")
    for _ in range(passes + 2):
        world.step()
        world.make_pods_available()

    if world.status["stableRS"] == world.status["currentPodHash"]:
        return  # the template change was not seen yet: an abort now means nothing
    send(world, commands.abort(world.rollout))
    world.settle(100)

    assert world.scale() == {"shop:1": replicas}
    assert world.phase == ("Degraded", "RolloutAborted: Rollout aborted update to revision 2")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), STEPS, FENCEPOSTS, st.sampled_from(["Failed", "Error"]))
def test_a_failed_analysis_never_promotes(
    replicas: int, steps: list[Obj], fenceposts: tuple[Any, Any], phase: str
) -> None:
    world = world_of(replicas, [*steps, analysis()], fenceposts)
    world.set_image("shop:2")
    stable = world.status["stableRS"]

    for _ in range(10):
        world.settle(100)
        for name, run in list(world.runs.items()):
            if "status" not in run:
                world.finish_run(name, phase, "because")
        if world.phase[0] == "Paused":
            send(world, commands.promote(world.rollout))
        world.advance(minutes=2)
        assert world.status["stableRS"] == stable

    assert world.scale() == {"shop:1": replicas}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), STEPS, FENCEPOSTS)
def test_an_update_left_alone_ends_healthy(replicas: int, steps: list[Obj], fenceposts: tuple[Any, Any]) -> None:
    world = world_of(replicas, steps, fenceposts)
    world.set_image("shop:2")

    for _ in range(12):
        world.settle(100)
        do(world, "succeed", 0)
        if world.phase == ("Paused", "CanaryPauseStep"):
            send(world, commands.promote(world.rollout))

    assert world.phase == ("Healthy", "")
    assert world.scale() == {"shop:2": replicas}
