"""What only shows with our server at one end and our client at the other. What every Cluster does:
tests/kube/test_cluster_conformance.py, which runs over HTTP too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from canarium.kube.cluster import ApiError, Gone, Unavailable, WatchEvent
from canarium.kube.kubeconfig import Connection
from canarium.kube.objects import ObjectKey
from canarium.kube.remote import RemoteCluster
from canarium.kube.remote.cluster import CHUNK
from canarium.kube.resources import CONFIG_MAPS, NAMESPACES, SECRETS
from tests.kube.server.serving import TOKENS, HurriedClock, Served, serve
from tests.kube.worlds import WIDGETS, widget


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default"}, "data": data}


def talk(main: Callable[[RemoteCluster, Served], Awaitable[None]], tls: Path | None = None) -> None:
    """Run `main(cluster, served)` with a server of its own."""

    async def body() -> None:
        async with serve(tls) as served, RemoteCluster(served.connection(), HurriedClock()) as cluster:
            await main(cluster, served)

    asyncio.run(body())


def test_a_list_of_several_chunks_is_of_one_moment() -> None:
    async def main(cluster: RemoteCluster, served: Served) -> None:
        count = 2 * CHUNK + 7
        for number in range(count):
            served.registry.create(CONFIG_MAPS, config_map(f"m{number:04}"))

        listed = await cluster.list(CONFIG_MAPS, "default")

        assert [item["metadata"]["name"] for item in listed.items] == [f"m{number:04}" for number in range(count)]
        assert listed.resource_version == str(served.registry.store.revision)

    talk(main)


def test_a_watch_from_a_list_misses_nothing_that_came_between() -> None:
    async def main(cluster: RemoteCluster, served: Served) -> None:
        start = (await cluster.list(CONFIG_MAPS)).resource_version
        served.registry.create(CONFIG_MAPS, config_map("a"))
        for number in range(50):
            served.registry.patch(CONFIG_MAPS, ObjectKey("default", "a"), {"data": {"n": str(number)}})
        served.registry.delete(CONFIG_MAPS, ObjectKey("default", "a"))
        seen: list[WatchEvent] = []
        async for event in cluster.watch(CONFIG_MAPS, resource_version=start):
            seen.append(event)
            if event.type == "DELETED":
                break

        assert [event.type for event in seen] == ["ADDED", *["MODIFIED"] * 50, "DELETED"]
        assert [json.loads(event.raw)["data"]["n"] for event in seen[1:51]] == [str(number) for number in range(50)]

    talk(main)


def test_a_watch_from_a_forgotten_version_is_gone_over_http_too() -> None:
    async def main(cluster: RemoteCluster, served: Served) -> None:
        store: Any = served.registry.store
        store._log = type(store._log)(maxlen=2)
        start = (await cluster.list(WIDGETS)).resource_version
        for name in "abcd":
            served.registry.create(WIDGETS, widget(name))

        with pytest.raises(Gone, match="too old resource version"):
            await anext(cluster.watch(WIDGETS, resource_version=start))

    talk(main)


def test_tls_is_checked_against_the_servers_own_authority(tmp_path: Path) -> None:
    async def main(cluster: RemoteCluster, served: Served) -> None:
        assert [item["metadata"]["name"] for item in (await cluster.list(NAMESPACES)).items] == ["default", "other"]
        stranger = Connection(server=served.url, token=TOKENS.admin)
        async with RemoteCluster(stranger, HurriedClock()) as other:
            with pytest.raises(Unavailable, match="certificate"):
                await other.list(NAMESPACES)

    talk(main, tmp_path)


def test_the_readers_token_reads_and_nothing_else() -> None:
    async def main(cluster: RemoteCluster, served: Served) -> None:
        await cluster.create(CONFIG_MAPS, config_map("a"))
        async with RemoteCluster(served.connection(TOKENS.reader), HurriedClock()) as reader:
            assert (await reader.get(CONFIG_MAPS, "default", "a"))["metadata"]["name"] == "a"
            with pytest.raises(ApiError) as writing:
                await reader.create(CONFIG_MAPS, config_map("b"))
            with pytest.raises(ApiError) as looking:
                await reader.list(SECRETS, "default")

        assert (writing.value.code, looking.value.code) == (403, 403)
        assert 'User "canarium-reader" cannot create resource "configmaps"' in writing.value.message

    talk(main)
