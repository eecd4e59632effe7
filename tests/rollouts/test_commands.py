"""The patches that commands send, as the kubectl plugin sends them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from canarium.kube.decision import Patch
from canarium.kube.objects import Obj
from canarium.rollouts import commands
from canarium.rollouts.commands import CommandRefused
from tests.rollouts.simulator import World, analysis, pause, rollout, set_weight

PAUSED = [{"reason": "CanaryPauseStep", "startTime": "2026-01-05T09:00:00Z"}]
STATUS = "status"


def shop(*, status: Obj | None = None, **spec: object) -> Obj:
    made = rollout(steps=[set_weight(50), pause(), analysis()])
    made["spec"].update(spec)
    made["status"] = {"currentPodHash": "b", "stableRS": "a", "currentStepIndex": 1, **(status or {})}
    return made


def sent(patches: Sequence[Patch]) -> list[tuple[str, object]]:
    return [(patch.subresource, patch.patch) for patch in patches]


INCONCLUSIVE = {
    "pauseConditions": [{"reason": "InconclusiveAnalysisRun", "startTime": "2026-01-05T09:00:00Z"}],
    "controllerPause": True,
    "canary": {"currentStepAnalysisRunStatus": {"name": "x", "status": "Inconclusive"}},
}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (shop(status={"pauseConditions": PAUSED}), [(STATUS, {"status": {"pauseConditions": None}})]),
        (shop(), [(STATUS, {"status": {"pauseConditions": None, "currentStepIndex": 2}})]),
        (
            shop(status={"currentStepIndex": 3}),
            [(STATUS, {"status": {"pauseConditions": None, "currentStepIndex": 3}})],
        ),
        (
            shop(status={"pauseConditions": PAUSED}, paused=True),
            [(STATUS, {"status": {"pauseConditions": None}}), ("", {"spec": {"paused": False}})],
        ),
        (
            shop(status=INCONCLUSIVE),
            [(STATUS, {"status": {"pauseConditions": None, "controllerPause": False, "currentStepIndex": 2}})],
        ),
        (rollout(), []),
    ],
    ids=["paused", "at a step", "past the last step", "paused twice over", "inconclusive", "no steps"],
)
def test_promote(made: Obj, expected: list[tuple[str, object]]) -> None:
    assert sent(commands.promote(made)) == expected


def test_promote_full() -> None:
    assert sent(commands.promote_full(shop(paused=True))) == [
        (STATUS, {"status": {"promoteFull": True}}),
        ("", {"spec": {"paused": False}}),
    ]
    assert commands.promote_full(shop(status={"currentPodHash": "a"})) == ()


def test_the_short_commands() -> None:
    made = shop()
    at = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)

    assert sent(commands.abort(made)) == [(STATUS, {"status": {"abort": True}})]
    assert sent(commands.retry(made)) == [(STATUS, {"status": {"abort": False}})]
    assert sent(commands.pause(made)) == [("", {"spec": {"paused": True}})]
    assert sent(commands.resume(made)) == [("", {"spec": {"paused": False}})]
    assert sent(commands.restart(made, at)) == [("", {"spec": {"restartAt": "2026-01-05T10:00:00Z"}})]
    assert sent(commands.skip_current_step(made)) == [(STATUS, {"status": {"currentStepIndex": 2}})]
    assert sent(commands.skip_all_steps(made)) == [(STATUS, {"status": {"currentStepIndex": 3}})]


def test_steps_cannot_be_skipped_where_there_are_none() -> None:
    with pytest.raises(CommandRefused, match="Cannot skip steps of a rollout without steps"):
        commands.skip_current_step(rollout())


@pytest.mark.parametrize("container", ["shop", "*"])
def test_set_image_keeps_the_rest_of_the_container(container: str) -> None:
    (patch,) = commands.set_image(shop(), container, "shop:9")

    assert patch.patch["spec"]["template"]["spec"]["containers"] == [
        {"name": "shop", "image": "shop:9", "ports": [{"containerPort": 80, "protocol": "TCP"}]}
    ]
    assert patch.resource_version == "1"


def test_set_image_names_the_containers_there_are() -> None:
    with pytest.raises(CommandRefused, match='unable to find container named "web"') as refused:
        commands.set_image(shop(), "web", "shop:9")
    assert "shop" in refused.value.next_step


def revisions() -> World:
    world = World(rollout(steps=[set_weight(100)]))
    for number in (1, 2, 3):
        world.set_image(f"shop:{number}")
        world.settle()
    return world


def undo(world: World, to_revision: int = 0) -> tuple[Patch, ...]:
    return commands.undo(world.rollout, list(world.replica_sets.values()), to_revision)


@pytest.mark.parametrize(("to_revision", "image"), [(0, "shop:2"), (1, "shop:1")])
def test_undo_restores_a_template_without_our_label(to_revision: int, image: str) -> None:
    (patch,) = undo(revisions(), to_revision)

    (operation,) = patch.patch
    assert patch.type == "json"
    assert (operation["op"], operation["path"]) == ("replace", "/spec/template")
    assert operation["value"]["metadata"]["labels"] == {"app": "shop"}
    assert operation["value"]["spec"]["containers"][0]["image"] == image


def test_undo_to_the_current_revision_does_nothing() -> None:
    assert undo(revisions(), 3) == ()


def test_undo_needs_a_revision_that_is_kept() -> None:
    with pytest.raises(CommandRefused, match="unable to find specified revision 7 in history"):
        undo(revisions(), 7)
    with pytest.raises(CommandRefused, match='no revision found for rollout "shop"'):
        undo(World(rollout()).settle())
