"""What a watch leaves behind, and the bounds of its options."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from canarium.clock import Clock
from canarium.kube.cluster import ApiError
from canarium.kube.inprocess import InProcessCluster
from canarium.kube.resources import CONFIG_MAPS
from canarium.kube.server.requests import Accepted, Options, RequestInfo, parse_query
from canarium.kube.server.resources import ResourceHandler, Stream
from tests.kube.worlds import in_cluster

MAPS = RequestInfo("", "v1", "configmaps", "default")


async def watch(cluster: InProcessCluster, clock: Clock, **options: str) -> Stream:
    handler = ResourceHandler(cluster.registry, clock, asyncio.Event())
    wanted = Options({"watch": "1", **options})
    stream = await handler.handle("GET", CONFIG_MAPS, MAPS, wanted, None, b"", Accepted(), {})
    assert isinstance(stream, Stream)
    return stream


def listeners(cluster: InProcessCluster) -> Any:
    return cluster.registry.store._listeners.get(CONFIG_MAPS)  # type: ignore[attr-defined]  # a memory store


def test_a_watch_that_nobody_began_to_read_is_forgotten() -> None:
    """Closing a generator that was never started runs none of it, its `finally` included."""

    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        streams = [await watch(cluster, clock) for _ in range(3)]
        assert len(listeners(cluster)) == 3

        for stream in streams:
            await stream.close()
            await stream.close()

        assert not listeners(cluster)

    in_cluster(main)


def test_a_watch_ends_when_its_time_is_up_and_zero_is_no_time_limit() -> None:
    async def main(cluster: InProcessCluster, clock: Clock) -> None:
        async def read(**options: str) -> None:
            async for _ in (await watch(cluster, clock, **options)).chunks:
                pass

        await read(timeoutSeconds="5")
        assert clock.monotonic() == pytest.approx(5, abs=0.5)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(100):
                await read(timeoutSeconds="0")

    in_cluster(main)


def test_a_query_with_hundreds_of_parameters_is_refused() -> None:
    with pytest.raises(ApiError, match="more than 200 parameters"):
        parse_query(b"&".join(b"a%d=1" % number for number in range(300)))
