"""Logs on the page: what is asked for, and what becomes of floods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from canarium.clock import RealClock, VirtualClock, run_virtual
from canarium.kube.cluster import ApiError, NotFound
from canarium.kube.kubeconfig import Connection
from canarium.kube.objects import Obj
from canarium.kube.remote.transport import Transport
from canarium.kube.resources import PODS
from canarium.kube.server.requests import Options
from canarium.local.pods import LocalPods
from canarium.web.logs import BYTES_A_SECOND, MAX_BYTES, MAX_LINE, ClusterLogs, RemoteLogs, guarded
from tests.acceptance.lab import STAGING, Lab, in_lab
from tests.kube.test_remote import Server, served


def test_a_pods_log_is_read_through_the_cluster(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        [pod] = lab.names(PODS, STAGING)
        logs = ClusterLogs(lab.world.cluster, LocalPods(lab.world, lab.clock), lab.clock)

        plain = [chunk async for chunk in await logs.log(STAGING, pod, {"tail": "1", "follow": "0"})]
        stamped = [chunk async for chunk in await logs.log(STAGING, pod, {"tail": "1", "timestamps": "1"})]

        assert b"".join(plain).count(b"\n") == 1
        assert b"".join(stamped).startswith(b"2026-")
        with pytest.raises(NotFound):
            await logs.log(STAGING, "nobody", {})
        with pytest.raises(ApiError, match="container other is not valid"):
            await logs.log(STAGING, pod, {"container": "other"})
        with pytest.raises(ApiError, match="previous terminated"):
            await logs.log(STAGING, pod, {"previous": "true", "follow": "1"})

    in_lab(tmp_path, scenario)


def test_a_log_elsewhere_is_read_over_http_as_it_is() -> None:
    text = b"a\n\nno end"

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        for chunk in (text[:3], text[3:]):
            await response.write(chunk)
        return response

    refusal = {"kind": "Status", "code": 400, "reason": "BadRequest", "message": "container x is waiting to start"}
    server = Server(answer, answer, (400, refusal))

    async def scenario() -> None:
        clock = RealClock()
        async with served(server) as url:
            transport = Transport(Connection(server=url), clock)
            logs = RemoteLogs(transport, clock)
            try:
                whole = [chunk async for chunk in await logs.log("web", "p", {"tail": "9", "container": "c"})]
                followed = [chunk async for chunk in await logs.log("web", "p", {"follow": "1"})]
                with pytest.raises(ApiError, match="waiting to start"):
                    await logs.log("web", "p", {})
            finally:
                await transport.close()
        assert b"".join(whole) == text
        assert b"".join(followed) == text

    asyncio.run(scenario())

    path = "/api/v1/namespaces/web/pods/p/log"
    assert server.asked[:2] == [
        ("GET", path, {"container": "c", "tailLines": "9", "limitBytes": str(MAX_BYTES)}),
        ("GET", path, {"follow": "true"}),
    ]


def test_options_reach_the_pod_under_the_apis_names() -> None:
    asked: list[dict[str, str]] = []

    class Pods:
        def logs(self, pod: Obj, options: Options) -> AsyncIterator[bytes]:
            asked.append(dict(options.values))
            return told([])

    class One:
        async def get(self, *_: Any) -> Obj:
            return {}

    async def scenario(clock: VirtualClock) -> None:
        logs = ClusterLogs(One(), Pods(), clock)  # type: ignore[arg-type]
        options = {"container": "c", "tail": "5", "follow": "true", "previous": "false", "timestamps": "1", "x": "y"}
        assert [chunk async for chunk in await logs.log("ns", "p", options)] == []

    run_virtual(scenario)

    assert asked == [{"container": "c", "tailLines": "5", "follow": "true", "timestamps": "true"}]


async def told(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def flood(clock: VirtualClock, lines: int, *, line: bytes = b"x" * 199 + b"\n") -> AsyncIterator[bytes]:
    """Ten thousand lines of 200 bytes a second: twice what is let through."""
    for number in range(lines):
        yield line
        if number % 100 == 99:
            await clock.sleep(0.01)


def test_a_flood_is_thinned_out_and_says_so() -> None:
    async def scenario(clock: VirtualClock) -> None:
        began = clock.monotonic()
        sent = [chunk async for chunk in guarded(flood(clock, 50_000), clock)]
        seconds = clock.monotonic() - began

        text = b"".join(sent)
        notes = [line for line in text.decode().splitlines() if line.startswith("…")]
        lines = text.count(b"\n") - len(notes)
        left_out = sum(int(note.split()[1]) for note in notes)
        assert lines + left_out == 50_000
        assert left_out > 10_000
        assert len(text) <= (seconds + 1) * BYTES_A_SECOND
        assert max(map(len, sent)) <= BYTES_A_SECOND + 1000
        assert len(sent) < 25 * seconds
        assert len(notes) < 5 * seconds

    run_virtual(scenario)


def test_nothing_grows_while_nobody_reads() -> None:
    async def scenario(clock: VirtualClock) -> None:
        stream = guarded(flood(clock, 100_000), clock)
        first = await anext(stream)
        await clock.sleep(60)
        rest = [chunk async for chunk in stream]

        assert len(first) + sum(map(len, rest)) < 3 * BYTES_A_SECOND
        assert "lines left out" in rest[-1].decode()

    run_virtual(scenario)


def test_lines_that_come_one_by_one_are_gathered_and_stay_whole() -> None:
    async def scenario(clock: VirtualClock) -> None:
        chunks = [b"a\nb", b"c\n", b"\n", b"d"]

        sent = [chunk async for chunk in guarded(told(chunks), clock)]

        assert sent == [b"a\nbc\n\nd"]

    run_virtual(scenario)


def test_a_line_without_end_is_sent_in_pieces() -> None:
    async def scenario(clock: VirtualClock) -> None:
        sent = [chunk async for chunk in guarded(told([b"y" * (3 * MAX_LINE)]), clock)]

        assert b"".join(sent) == b"y" * (3 * MAX_LINE)

    run_virtual(scenario)


def test_a_log_that_fails_ends_with_the_reason() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"a\n"
        raise ApiError(503, "ServiceUnavailable", "the node is gone")

    async def scenario(clock: VirtualClock) -> None:
        sent = [chunk async for chunk in guarded(failing(), clock)]

        assert b"".join(sent).decode() == "a\n… the log ended: the node is gone …\n"

    run_virtual(scenario)


def test_a_reader_that_leaves_ends_the_reading() -> None:
    left: list[str] = []

    async def endless(clock: VirtualClock) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"a\n"
                await clock.sleep(1)
        finally:
            left.append("gone")

    async def scenario(clock: VirtualClock) -> None:
        stream = guarded(endless(clock), clock)
        assert await anext(stream) == b"a\n"
        await stream.aclose()
        assert {task.get_name() for task in asyncio.all_tasks()} & {"log"} == set()

    run_virtual(scenario)

    assert left == ["gone"]
