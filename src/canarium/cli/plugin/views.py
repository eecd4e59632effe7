"""The commands that show Rollouts: get, list, status.

Owns: when to print again, and how a watch ends. Must not know: what the text looks like (`rollouts.info.text`).
Behaviour follows `pkg/kubectl-argo-rollouts/cmd/{get,list,status}`, Argo Rollouts 1.10.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import msgspec

from canarium.cli.plugin.request import Output, PluginError, Session
from canarium.cli.plugin.watching import RELIST_SECONDS, RolloutView
from canarium.kube.cluster import ApiError, Gone
from canarium.kube.objects import Obj, ObjectKey, key_of
from canarium.rollouts.info.rollout import RolloutInfo
from canarium.rollouts.info.text import brief_status_line, list_cells, list_text, rollout_text, status_line
from canarium.rollouts.kinds import ROLLOUTS

CLEAR: Final = "\x1b[H\x1b[2J\x1b[0;0H"
REDRAW_SECONDS: Final = 1.0
LEAST_SECONDS_BETWEEN_DRAWINGS: Final = 0.2
LIST_SECONDS: Final = 0.5
"""Lines of a watched list are gathered this long, so that a flood of them stays aligned."""

_FINAL: Final = ("Healthy", "Degraded")


async def get_rollout(session: Session, output: Output, name: str, *, watch: bool, timeout_seconds: int) -> None:
    """Print a Rollout with its tree; watch: again and again, until the timeout (0: for ever)."""
    view = RolloutView(session, name)
    await view.fill()
    info = view.info()
    if not watch:
        output.write(rollout_text(info, session.clock.now(), is_colored=output.is_colored))
        return
    with suppress(TimeoutError):
        async with view.followed(), asyncio.timeout(timeout_seconds or None):
            while True:
                output.write(CLEAR + rollout_text(info, session.clock.now(), is_colored=output.is_colored))
                await session.clock.sleep(LEAST_SECONDS_BETWEEN_DRAWINGS)
                await _changed_within(view, REDRAW_SECONDS - LEAST_SECONDS_BETWEEN_DRAWINGS)
                with suppress(PluginError):  # it was deleted: its last state stays on the screen
                    info = view.info()


async def _changed_within(view: RolloutView, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(view.changed.wait(), seconds)
    view.changed.clear()


async def status(session: Session, output: Output, name: str, *, watch: bool, timeout_seconds: float) -> None:
    """Print the status; watch: each change, until Healthy, Degraded or the timeout (0: none).

    Raises PluginError when it ends Degraded, or is not Healthy after a watch.
    """
    view = RolloutView(session, name)
    await view.fill()
    info = view.info()
    if watch:
        info = await _until_final(view, output, info, timeout_seconds)
    else:
        output.line(brief_status_line(info))
    if info.status == "Degraded":
        raise PluginError(f"The rollout is in a degraded state with message: {info.message}")
    if watch and info.status != "Healthy":
        raise PluginError("Rollout status watch exceeded timeout")


async def _until_final(view: RolloutView, output: Output, info: RolloutInfo, timeout_seconds: float) -> RolloutInfo:
    said = ""
    with suppress(TimeoutError):
        async with view.followed(), asyncio.timeout(timeout_seconds or None):
            while True:
                line = status_line(info)
                if line != said:
                    output.line(line)
                    said = line
                if info.status in _FINAL:
                    return info
                await view.changed.wait()
                view.changed.clear()
                with suppress(PluginError):  # deleted: it may come again, as upstream has it
                    info = view.info()
    return view.info()


async def list_rollouts(
    session: Session, output: Output, *, name: str, all_namespaces: bool, watch: bool, timestamps: bool
) -> None:
    """Print the table of Rollouts; watch: a line for each that changes, for ever."""
    namespace = None if all_namespaces else session.namespace
    answer = await session.cluster.list(ROLLOUTS, namespace, fields=f"metadata.name={name}" if name else "")
    if not answer.items and not watch:
        output.complain("No resources found.")
        return

    def show(rollouts: list[Obj], *, has_header: bool) -> None:
        now = session.clock.now()
        output.write(
            list_text(rollouts, now, has_header=has_header, has_namespaces=all_namespaces, has_timestamps=timestamps)
        )

    show(answer.items, has_header=True)
    if not watch:
        return
    said = {key_of(rollout): list_cells(rollout) for rollout in answer.items}
    news: list[Obj] = []
    following = asyncio.create_task(_gather_news(session, namespace, name, answer.resource_version, said, news))
    try:
        while not following.done():
            await session.clock.sleep(LIST_SECONDS)
            if news:
                show(news, has_header=False)
                news.clear()
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def _gather_news(
    session: Session,
    namespace: str | None,
    name: str,
    version: str,
    said: dict[ObjectKey, tuple[str, ...]],
    news: list[Obj],
) -> None:
    def hear(rollout: Obj) -> None:
        if name in ("", rollout["metadata"]["name"]) and said.get(key_of(rollout)) != (cells := list_cells(rollout)):
            said[key_of(rollout)] = cells
            news.append(rollout)

    while True:
        try:
            async for event in session.cluster.watch(ROLLOUTS, namespace, resource_version=version):
                version = event.resource_version
                if event.type != "BOOKMARK":
                    hear(msgspec.json.decode(event.raw))
        except Gone:
            answer = await session.cluster.list(ROLLOUTS, namespace)
            version = answer.resource_version
            for rollout in answer.items:
                hear(rollout)
        except ApiError:
            pass  # the stream broke: watch again from where it ended
        await session.clock.sleep(RELIST_SECONDS)
