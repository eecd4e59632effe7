"""The buttons of a rollout's page, pressed in a world with controllers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canarium.errors import CanariumError
from canarium.kube.cluster import NotFound
from canarium.rollouts.commands import CommandRefused
from canarium.web.actions import rollout_action
from tests.acceptance.lab import NAME, PROD, STAGING, Lab, in_lab


async def press(lab: Lab, action: str, body: dict[str, Any] | None = None, namespace: str = STAGING) -> str:
    return await rollout_action(lab.world.cluster, lab.clock, namespace, NAME, action, body or {})


def test_a_canary_is_aborted_retried_promoted_and_rolled_back(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        await lab.update()
        await lab.until_phase("Progressing")

        assert await press(lab, "abort") == "echo-server gives the update up"
        await lab.until_phase("Degraded")
        assert await press(lab, "retry") == "echo-server tries the update again"
        await lab.until_phase("Progressing")
        assert await press(lab, "promote-full") == "echo-server skips what is left"
        await lab.until_phase("Healthy")
        assert await press(lab, "promote-full") == "echo-server is fully promoted already"
        assert await press(lab, "undo", {"revision": 2}) == "echo-server has the template of revision 2 already"
        assert await press(lab, "undo", {"revision": 1}) == "echo-server goes back to revision 1"
        assert lab.rollout()["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":6.8.0")
        image = {"container": NAME, "image": " stefanprodan/podinfo:6.9.1 "}
        assert await press(lab, "set-image", image) == "echo-server now asks for stefanprodan/podinfo:6.9.1"
        assert lab.rollout()["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":6.9.1")
        assert await press(lab, "restart", namespace=PROD) == "echo-server restarts its pods"
        assert lab.rollout(PROD)["spec"]["restartAt"]

    in_lab(tmp_path, scenario)


@pytest.mark.parametrize(
    ("action", "body", "error", "says"),
    [
        ("explode", {}, CanariumError, "'explode' is no action"),
        ("set-image", {"container": NAME, "image": ""}, CanariumError, "image: it is missing or empty"),
        ("set-image", {"container": NAME, "image": 7}, CanariumError, "image: it is missing or empty"),
        ("set-image", {"container": NAME, "image": "a b"}, CanariumError, "cannot be right"),
        ("set-image", {"image": "a:1"}, CanariumError, "container: it is missing"),
        ("set-image", {"container": "other", "image": "a:1"}, CommandRefused, 'container named "other"'),
        ("undo", {"revision": "1"}, CanariumError, "revision: '1' is no revision"),
        ("undo", {"revision": True}, CanariumError, "revision"),
        ("undo", {"revision": 9}, CommandRefused, "unable to find specified revision 9"),
    ],
    ids=["unknown", "empty", "number", "two words", "no container", "other container", "text", "boolean", "no such"],
)
def test_what_cannot_be_done_is_said_and_not_done(
    tmp_path: Path, action: str, body: dict[str, Any], error: type[Exception], says: str
) -> None:
    async def scenario(lab: Lab) -> None:
        await lab.apply_appset()
        await lab.until_phase("Healthy")
        before = lab.rollout()

        with pytest.raises(error) as caught:
            await press(lab, action, body)

        assert says in str(caught.value)
        assert lab.rollout() == before

    in_lab(tmp_path, scenario)


def test_a_rollout_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        with pytest.raises(NotFound):
            await press(lab, "restart", namespace="default")

    in_lab(tmp_path, scenario)
