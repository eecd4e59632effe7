"""What the buttons of a rollout's page do.

Owns: reading an action's body, the command it means, the sentence that answers. Must not know: HTTP, who may do it,
what a patch says (`rollouts.commands`), what will come of it (`views.rollout_actions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.kube.cluster import Cluster
from canarium.kube.decision import Patch
from canarium.kube.objects import Obj
from canarium.kube.resources import REPLICA_SETS
from canarium.rollouts import commands
from canarium.rollouts.commands import CommandRefused
from canarium.rollouts.sending import change_rollout
from canarium.web.backend import ROLLOUT_ACTIONS

_MAX_IMAGE: Final = 512


async def rollout_action(
    cluster: Cluster, clock: Clock, namespace: str, name: str, action: str, body: Mapping[str, Any]
) -> str:
    """Do it, and say so. body: `{"revision": 1}` of undo, `{"container", "image"}` of set-image, else nothing.

    Raises CommandRefused (it makes no sense for this Rollout), ApiError (NotFound, Conflict, Invalid, …), and
    CanariumError for an unknown action or a body that cannot be read, with the field it is about.
    """
    if action not in ROLLOUT_ACTIONS:
        raise CanariumError(
            f"{action[:60]!r} is no action of a Rollout", next_step=f"Use one of: {', '.join(ROLLOUT_ACTIONS)}."
        )
    match action:
        case "restart":
            at = clock.now()
            await change_rollout(cluster, namespace, name, lambda rollout: commands.restart(rollout, at))
            return f"{name} restarts its pods"
        case "retry":
            await change_rollout(cluster, namespace, name, commands.retry)
            return f"{name} tries the update again"
        case "abort":
            await change_rollout(cluster, namespace, name, commands.abort)
            return f"{name} gives the update up"
        case "promote":
            has_sent = await change_rollout(cluster, namespace, name, commands.promote)
            return f"{name} goes on" if has_sent else f"{name} has nothing to go on from: it waits for no one"
        case "promote-full":
            has_sent = await change_rollout(cluster, namespace, name, commands.promote_full)
            return f"{name} skips what is left" if has_sent else f"{name} is fully promoted already"
        case "undo":
            return await _undo(cluster, namespace, name, _revision(body))
        case _:
            container, image = _text(body, "container"), _text(body, "image")

            def set_image(rollout: Obj) -> Sequence[Patch]:
                return commands.set_image(rollout, container, image)

            await change_rollout(cluster, namespace, name, set_image)
            return f"{name} now asks for {image}"


async def _undo(cluster: Cluster, namespace: str, name: str, revision: int) -> str:
    replica_sets = (await cluster.list(REPLICA_SETS, namespace)).items

    def undo(rollout: Obj) -> Sequence[Patch]:
        if rollout["spec"].get("workloadRef") is not None:
            raise CommandRefused(
                f"the template of {name} is in another object (spec.workloadRef)",
                next_step=f"Roll that one back: kubectl rollout undo -n {namespace} "
                f"{str(rollout['spec']['workloadRef'].get('kind', 'deployment')).lower()} "
                f"{rollout['spec']['workloadRef'].get('name', '')}",
            )
        return commands.undo(rollout, replica_sets, revision)

    has_sent = await change_rollout(cluster, namespace, name, undo)
    which = f"revision {revision}" if revision else "the revision before"
    return f"{name} goes back to {which}" if has_sent else f"{name} has the template of {which} already"


def _revision(body: Mapping[str, Any]) -> int:
    """0: the one before the latest."""
    revision = body.get("revision", 0)
    if isinstance(revision, bool) or not isinstance(revision, int) or revision < 0:
        raise CanariumError(
            f"{revision!r} is no revision", field="revision", next_step="Give a whole number, or leave it out."
        )
    return revision


def _text(body: Mapping[str, Any], field: str) -> str:
    text = body.get(field)
    if not isinstance(text, str) or not text.strip():
        raise CanariumError("it is missing or empty", field=field, next_step=f"Name the {field}.")
    text = text.strip()
    if len(text) > _MAX_IMAGE or any(character.isspace() or not character.isprintable() for character in text):
        raise CanariumError(
            f"{text[:60]!r} cannot be right", field=field, next_step="Give one word, such as podinfo:6.8.1."
        )
    return text
