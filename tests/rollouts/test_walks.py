"""Whole rollouts, walked in a tiny world: what an engineer would see from one look to the next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from canarium.kube.objects import format_time
from canarium.rollouts import commands
from canarium.rollouts.reasons import Paused, PodsUnavailable, StillShrinking
from tests.rollouts.simulator import World, analysis, pause, rollout, set_weight, template


def apply(world: World, patches: tuple[object, ...]) -> None:
    """Send a command's patches."""
    for patch in patches:
        world.send(patch)


def started(world: World, image: str = "shop:2") -> World:
    """Settle at the first version, then change the image and settle again."""
    world.settle()
    assert world.phase == ("Healthy", "")
    world.set_image(image)
    return world.settle()


def test_the_first_revision_skips_its_steps() -> None:
    world = World(rollout(steps=[set_weight(25), pause()])).settle()

    assert world.phase == ("Healthy", "")
    assert world.scale() == {"shop:1": 4}
    assert world.status["currentStepIndex"] == 2
    assert world.status["stableRS"] == world.hash_of("shop:1")
    assert world.condition("Progressing")[1] == "NewReplicaSetAvailable"
    assert world.events == [
        "RolloutUpdated: Rollout updated to revision 1",
        f"NewReplicaSetCreated: Created ReplicaSet shop-{world.hash_of('shop:1')} (revision 1)",
        f"RolloutNotCompleted: Rollout not completed, started update to revision 1 ({world.hash_of('shop:1')})",
        f"ScalingReplicaSet: Scaled up ReplicaSet shop-{world.hash_of('shop:1')} (revision 1) from 0 to 4",
        f"RolloutCompleted: Rollout completed update to revision 1 ({world.hash_of('shop:1')}): Initial deploy",
    ]


def test_a_replica_set_carries_what_upstream_puts_on_it() -> None:
    made = rollout(steps=[set_weight(25)], minReadySeconds=5)
    made["metadata"]["annotations"] = {
        "team": "shop",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }

    world = World(made).settle()

    pod_hash = world.hash_of("shop:1")
    found = world.replica_sets[f"shop-{pod_hash}"]
    assert found["metadata"]["labels"] == {"app": "shop", "rollouts-pod-template-hash": pod_hash}
    assert found["metadata"]["annotations"] == {
        "team": "shop",
        "rollout.argoproj.io/revision": "1",
        "rollout.argoproj.io/desired-replicas": "4",
    }
    assert found["metadata"]["ownerReferences"][0]["uid"] == "uid-shop"
    assert found["spec"]["selector"] == {"matchLabels": {"app": "shop", "rollouts-pod-template-hash": pod_hash}}
    assert found["spec"]["template"]["metadata"]["labels"]["rollouts-pod-template-hash"] == pod_hash
    assert found["spec"]["minReadySeconds"] == 5
    assert world.rollout["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "1"


def test_a_pause_holds_the_canary_until_its_duration_has_passed() -> None:
    world = started(World(rollout(steps=[set_weight(25), pause("10m"), set_weight(50)])))
    assert world.phase == ("Paused", "CanaryPauseStep")

    world.advance(minutes=9)
    assert world.scale() == {"shop:1": 3, "shop:2": 1}
    assert world.because == (Paused("CanaryPauseStep", timedelta(minutes=1)),)
    assert world.condition("Paused") == ("True", "RolloutPaused", "Rollout is paused")
    assert world.condition("Progressing") == ("Unknown", "RolloutPaused", "Rollout is paused")

    world.advance(minutes=1, seconds=1)
    assert world.scale() == {"shop:2": 4}
    assert world.phase == ("Healthy", "")
    assert "RolloutResumed: Rollout is resumed" in world.events
    assert "RolloutStepCompleted: Rollout step 2/3 completed (pause: 10m)" in world.events


def test_a_pause_without_duration_waits_for_somebody() -> None:
    world = started(World(rollout(steps=[set_weight(50), pause()])))
    world.advance(days=7)
    assert world.phase == ("Paused", "CanaryPauseStep")

    apply(world, commands.promote(world.rollout))
    world.settle()

    assert world.phase == ("Healthy", "")
    assert world.scale() == {"shop:2": 4}


def test_a_pause_before_the_first_weight_creates_no_canary() -> None:
    world = started(World(rollout(steps=[pause(), set_weight(50)])))

    assert world.scale() == {"shop:1": 4}
    assert world.phase == ("Paused", "CanaryPauseStep")


@pytest.mark.parametrize(("replicas", "at_33", "at_66"), [(1, (1, 1), (1, 1)), (4, (2, 3), (3, 2))])
def test_the_weights_of_the_story(replicas: int, at_33: tuple[int, int], at_66: tuple[int, int]) -> None:
    steps = [set_weight(33), pause(), set_weight(66), pause(), set_weight(100)]
    world = started(World(rollout(replicas=replicas, steps=steps)))
    assert (world.scale()["shop:2"], world.scale()["shop:1"]) == at_33

    apply(world, commands.promote(world.rollout))
    world.settle()
    assert (world.scale()["shop:2"], world.scale()["shop:1"]) == at_66

    apply(world, commands.promote(world.rollout))
    world.settle()
    assert world.scale() == {"shop:2": replicas}


def test_without_steps_it_is_a_rolling_update() -> None:
    totals: list[int] = []
    world = World(
        rollout(replicas=4, canary={"maxSurge": 1, "maxUnavailable": 0}),
        checks=(lambda seen: totals.append(sum(seen.scale().values())),),
    )
    started(world)

    assert world.scale() == {"shop:2": 4}
    assert world.phase == ("Healthy", "")
    assert max(totals) == 5
    assert "currentStepIndex" not in world.status
    completed = f"RolloutCompleted: Rollout completed update to revision 2 ({world.hash_of('shop:2')})"
    assert f"{completed}: Completed all 0 canary steps" in world.events


def test_pods_that_never_become_available_time_out_but_go_on_when_they_do() -> None:
    broken = {"shop:2"}
    world = World(
        rollout(steps=[set_weight(50)], progressDeadlineSeconds=60),
        is_healthy=lambda image: image not in broken,
    )
    started(world)
    assert world.because == (PodsUnavailable(0, 2, 50),)
    assert world.phase == ("Progressing", "more replicas need to be updated")

    world.advance(seconds=62)
    name = f"shop-{world.hash_of('shop:2')}"
    message = f'ReplicaSet "{name}" has timed out progressing.'
    assert world.condition("Progressing") == ("False", "ProgressDeadlineExceeded", message)
    assert world.phase == ("Degraded", f"ProgressDeadlineExceeded: {message}")

    broken.clear()
    world.make_pods_available()
    world.settle()
    assert world.phase == ("Healthy", "")


def test_a_missed_deadline_can_abort() -> None:
    world = World(
        rollout(steps=[set_weight(50)], progressDeadlineSeconds=60, progressDeadlineAbort=True),
        is_healthy=lambda image: image != "shop:2",
    )
    started(world)
    world.advance(seconds=62)

    name = f"shop-{world.hash_of('shop:2')}"
    assert world.scale() == {"shop:1": 4}
    assert world.phase == (
        "Degraded",
        f'RolloutAborted: Rollout aborted update to revision 2: ReplicaSet "{name}" has timed out progressing.',
    )


def test_abort_and_retry() -> None:
    world = started(World(rollout(steps=[set_weight(50), pause()])))

    apply(world, commands.abort(world.rollout))
    world.settle()
    assert world.phase == ("Degraded", "RolloutAborted: Rollout aborted update to revision 2")
    assert world.scale() == {"shop:1": 4}
    assert world.status["abort"] is True
    assert world.status["abortedAt"] == format_time(world.now)
    assert world.status["currentStepIndex"] == 0
    assert "pauseConditions" not in world.status

    apply(world, commands.retry(world.rollout))
    world.step()
    assert world.condition("Progressing") == ("Unknown", "RolloutRetry", "Retrying Rollout after abort")
    world.settle()
    assert world.phase == ("Paused", "CanaryPauseStep")
    assert world.scale() == {"shop:1": 2, "shop:2": 2}
    assert "abort" not in world.status
    assert "abortedAt" not in world.status


def test_promote_full_skips_pauses_and_analysis() -> None:
    world = started(World(rollout(steps=[set_weight(25), pause(), analysis()]), templates=(template(),)))

    apply(world, commands.promote_full(world.rollout))
    world.settle()

    assert world.phase == ("Healthy", "")
    assert world.scale() == {"shop:2": 4}
    assert world.runs == {}
    assert world.events[-1].endswith("Full promotion requested")
    assert "promoteFull" not in world.status


def test_a_rollback_to_stable_skips_the_steps() -> None:
    world = started(World(rollout(steps=[set_weight(50), pause()])))

    world.set_image("shop:1")
    world.settle()

    assert world.phase == ("Healthy", "")
    assert world.scale() == {"shop:1": 4}
    assert "SkipSteps: Rollback to stable ReplicaSets" in world.events
    found = world.replica_sets[f"shop-{world.hash_of('shop:1')}"]
    assert found["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "3"
    assert found["metadata"]["annotations"]["rollout.argoproj.io/revision-history"] == "1"


def test_a_rollback_within_the_window_skips_the_steps() -> None:
    world = World(rollout(steps=[set_weight(50), pause("1s")], rollbackWindow={"revisions": 1}))
    for image in ("shop:1", "shop:2"):
        world.set_image(image)
        world.settle()
        world.advance(minutes=1)
    assert world.scale() == {"shop:2": 4}

    world.set_image("shop:1")
    world.settle()

    assert world.phase == ("Healthy", "")
    assert world.scale() == {"shop:1": 4}
    assert world.events[-1].endswith("Rollback within window")


def test_a_new_revision_in_mid_flight_starts_over() -> None:
    world = started(World(rollout(replicas=10, steps=[set_weight(30), pause()])))
    assert world.scale() == {"shop:1": 7, "shop:2": 3}

    world.set_image("shop:3")
    world.settle()

    assert world.scale() == {"shop:1": 7, "shop:3": 3}
    assert world.status["stableRS"] == world.hash_of("shop:1")
    assert world.phase == ("Paused", "CanaryPauseStep")


def test_scaling_in_mid_flight_keeps_the_weight() -> None:
    world = started(World(rollout(replicas=4, steps=[set_weight(50), pause()])))

    world.edit(replicas=10)
    world.settle()
    assert world.scale() == {"shop:1": 5, "shop:2": 5}
    assert world.phase == ("Paused", "CanaryPauseStep")

    world.edit(replicas=2)
    world.settle()
    assert world.scale() == {"shop:1": 1, "shop:2": 1}
    for found in world.replica_sets.values():
        assert found["metadata"]["annotations"]["rollout.argoproj.io/desired-replicas"] == "2"


def test_replicas_are_defaulted_to_one() -> None:
    world = World(rollout(replicas=None)).settle()

    assert world.rollout["spec"]["replicas"] == 1
    assert world.phase == ("Healthy", "")


def test_a_paused_spec_holds_everything() -> None:
    world = World(rollout(steps=[set_weight(50)])).settle()
    apply(world, commands.pause(world.rollout))
    world.set_image("shop:2")
    world.settle()

    assert world.phase == ("Paused", "manually paused")
    assert world.scale() == {"shop:1": 4}

    apply(world, commands.resume(world.rollout))
    world.settle()
    assert world.phase == ("Healthy", "")
    assert world.scale() == {"shop:2": 4}


def test_changed_steps_start_over() -> None:
    world = started(World(rollout(steps=[set_weight(50), pause()])))

    world.edit(strategy={"canary": {"steps": [set_weight(25), pause()]}})
    world.settle()

    assert world.scale() == {"shop:1": 3, "shop:2": 1}


def test_old_replica_sets_are_kept_up_to_the_limit() -> None:
    world = World(rollout(steps=[set_weight(100)], revisionHistoryLimit=2))
    for number in range(1, 7):
        world.set_image(f"shop:{number}")
        world.settle()
        world.advance(seconds=5)

    assert sorted(map(world.image_of, world.replica_sets.values())) == ["shop:4", "shop:5", "shop:6"]


def test_undo_restores_the_revision_before() -> None:
    world = World(rollout(steps=[set_weight(100)]))
    for number in (1, 2, 3):
        world.set_image(f"shop:{number}")
        world.settle()

    apply(world, commands.undo(world.rollout, list(world.replica_sets.values())))
    world.settle()

    assert world.scale() == {"shop:2": 4}
    assert world.rollout["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "4"


def test_canary_and_stable_services_follow_their_replica_sets() -> None:
    made = rollout(steps=[set_weight(50), pause()], canary={"canaryService": "canary", "stableService": "stable"})
    world = World(made)
    for name in ("canary", "stable"):
        world.add_service(name)
    started(world)

    def targets() -> dict[str, str]:
        key = "rollouts-pod-template-hash"
        return {name: service["spec"]["selector"][key] for name, service in world.services.items()}

    assert targets() == {"canary": world.hash_of("shop:2"), "stable": world.hash_of("shop:1")}

    apply(world, commands.abort(world.rollout))
    world.settle()
    assert targets() == {"canary": world.hash_of("shop:1"), "stable": world.hash_of("shop:1")}


def test_a_restart_replaces_old_pods_without_losing_availability() -> None:
    world = World(rollout(replicas=4, canary={"maxUnavailable": 1}))
    world.settle()
    world.add_pods()
    world.advance(minutes=1)
    old = set(world.pods)

    apply(world, commands.restart(world.rollout, world.now - timedelta(seconds=1)))
    for _ in range(20):
        world.step()
        assert len(world.pods) >= 3
        world.add_pods()

    assert not old & set(world.pods)
    assert world.status["restartedAt"] == world.rollout["spec"]["restartAt"]


def test_a_lost_status_write_is_made_good() -> None:
    """A pass whose writes took effect but for the status leads to the same end."""
    straight = started(World(rollout(steps=[set_weight(50), analysis()]), templates=(template(),)))
    bumpy = World(rollout(steps=[set_weight(50), analysis()]), templates=(template(),))
    bumpy.loses_every_other_status = True
    started(bumpy)

    assert straight.scale() == bumpy.scale()
    assert list(straight.runs) == list(bumpy.runs)
    assert straight.phase == bumpy.phase


def test_a_restart_does_not_count_pods_that_scaling_takes_already() -> None:
    """A ReplicaSet that was told to drop a pod still has it; the restart takes no second one."""
    world = World(rollout(replicas=3, canary={"maxSurge": 0, "maxUnavailable": 1}))
    world.settle()
    world.add_pods()
    world.advance(minutes=1)
    (only,) = world.replica_sets.values()
    only["spec"]["replicas"] = 2

    apply(world, commands.restart(world.rollout, world.now - timedelta(seconds=1)))
    world.step()

    assert len(world.pods) == 3


def test_a_replica_set_that_still_shrinks_is_not_grown_on_the_strength_of_pods_that_leave() -> None:
    """The canary went from 5 to 2 and is wanted at 5 again; its status still shows the three pods that leave."""
    world = World(rollout(replicas=6, steps=[set_weight(80), pause()], canary={"maxSurge": 3, "maxUnavailable": 0}))
    started(world)
    canary, stable = (
        next(found for found in world.replica_sets.values() if world.image_of(found) == image)
        for image in ("shop:2", "shop:1")
    )
    sizes = canary["spec"]["replicas"], stable["spec"]["replicas"]
    canary["spec"]["replicas"] = 2
    stable["spec"]["replicas"] = 4
    stable["status"] |= {"replicas": 4, "availableReplicas": 4}

    world.step()

    assert world.scale() == {"shop:2": 2, "shop:1": 4}
    assert any(isinstance(reason, StillShrinking) for reason in world.because)

    world.make_pods_available()
    world.settle()
    assert (canary["spec"]["replicas"], stable["spec"]["replicas"]) == sizes
