"""What may be done to a Rollout, and whether the sentences tell what will come of it."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.web.model import Action
from canarium.web.views.rollout_actions import READ_ONLY, can_roll_back, rollout_actions
from tests.web.views.objects import START, replica_set, rollout

STABLE, CANARY = replica_set("shop", "aaa", 1, "repo/shop:1", 3), replica_set("shop", "bbb", 2, "repo/shop:2", 1)
HELD = [{"reason": "CanaryPauseStep", "startTime": START}]


def app(*, self_heal: bool = True, **automated: Any) -> Obj:
    policy = {"automated": {"selfHeal": self_heal, **automated}}
    return {"metadata": {"name": "shop-staging", "namespace": "argocd"}, "spec": {"syncPolicy": policy}}


def actions(made: Obj, *, application: Obj | None = None, is_read_only: bool = False) -> dict[str, Action]:
    return {one.name: one for one in rollout_actions(made, (STABLE, CANARY), is_read_only, application)}


@pytest.mark.parametrize(
    ("made", "enabled"),
    [
        (rollout(), {"restart", "abort", "promote", "promote-full", "undo", "set-image"}),
        (
            rollout(phase="Paused", pauseConditions=HELD),
            {"restart", "abort", "promote", "promote-full", "undo", "set-image"},
        ),
        (rollout(phase="Degraded", abort=True), {"restart", "retry", "undo", "set-image"}),
        (
            rollout(phase="Healthy", stableRS="bbb", currentStepIndex=4),
            {"restart", "undo", "set-image"},
        ),
    ],
    ids=["progressing", "paused", "aborted", "healthy"],
)
def test_buttons_make_sense_where_argos_own_page_enables_them(made: Obj, enabled: set[str]) -> None:
    found = actions(made)

    assert {name for name, one in found.items() if not one.refused} == enabled
    assert list(found) == ["restart", "retry", "abort", "promote", "promote-full", "undo", "set-image"]
    assert all(one.consequence for one in found.values())


def test_a_read_only_page_refuses_everything() -> None:
    assert {one.refused for one in actions(rollout(), is_read_only=True).values()} == {READ_ONLY}


def test_abort_tells_what_becomes_of_the_canary_and_who_still_asks_for_it() -> None:
    found = actions(rollout(), application=app())["abort"]

    assert found.consequence == (
        "Weight goes back to 0: the 1 canary pod is replaced by stable ones (shop:1) as fast as maxUnavailable allows. "
        "git still asks for shop:2 (bbb): Retry begins again."
    )


def test_abort_with_traffic_routing_keeps_the_canary_for_its_delay() -> None:
    made = rollout(canary={"trafficRouting": {"nginx": {}}, "abortScaleDownDelaySeconds": 45})

    assert "the 1 canary pod is scaled down 45s later" in actions(made)["abort"].consequence


def test_retry_tells_where_it_begins() -> None:
    found = actions(rollout(phase="Degraded", abort=True, currentStepIndex=0))["retry"]

    assert found.consequence == (
        "The update to shop:2 (bbb) begins again at step 1 of 4: setWeight 25 %. Its analyses run anew."
    )


def test_promote_tells_what_ends_and_what_follows() -> None:
    paused = actions(rollout(phase="Paused", pauseConditions=HELD))["promote"]
    analysing = actions(rollout(currentStepIndex=3))["promote"]

    assert paused.consequence == "Ends the pause of step 2 of 4, pause until promoted; then step 3: setWeight 50 %."
    assert (
        analysing.consequence == "Skips step 4 of 4, analysis t, although it is not done; then the update is complete."
    )


def test_promote_full_counts_what_it_skips() -> None:
    assert actions(rollout())["promote-full"].consequence == (
        "Skips the remaining 3 steps, pauses and analyses included: "
        "all 4 pods become shop:2 (bbb) without further checks."
    )


@pytest.mark.parametrize(
    ("application", "says"),
    [
        (
            app(),
            "Argo CD will revert it: shop-staging has selfHeal on and puts back what git says. Change git instead.",
        ),
        (app(self_heal=False), "git does not know of it: shop-staging will be OutOfSync"),
        (app(enabled=False), "git does not know of it: shop-staging will be OutOfSync"),
    ],
    ids=["heals itself", "does not", "is switched off"],
)
def test_a_change_that_git_does_not_know_says_what_argo_cd_will_do(application: Obj, says: str) -> None:
    found = actions(rollout(), application=application)

    assert says in found["undo"].consequence
    assert says in found["set-image"].consequence
    assert "revision 1 is shop:1" in found["undo"].consequence


def test_rolling_back_makes_sense_to_an_earlier_revision_with_another_template_only() -> None:
    assert can_roll_back(rollout(), STABLE)
    assert not can_roll_back(rollout(), CANARY)
    assert not can_roll_back(rollout(), replica_set("shop", "ccc", 1, "repo/shop:2", 0))


def test_a_template_in_another_object_is_changed_there() -> None:
    made = rollout()
    made = {**made, "spec": {**made["spec"], "workloadRef": {"kind": "Deployment", "name": "shop"}}}

    found = actions(made)

    assert "Deployment shop" in found["undo"].refused
    assert found["set-image"].refused
