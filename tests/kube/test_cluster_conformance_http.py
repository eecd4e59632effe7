"""What every Cluster does, once more: over HTTP and TLS, against the API server in front of the same registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from canarium.clock import DEFAULT_START, RealClock
from canarium.kube.kubeconfig import Connection
from canarium.kube.remote import RemoteCluster
from canarium.kube.server.access import Tokens
from canarium.kube.server.app import ApiServer
from canarium.kube.server.certificates import Certificates, make_certificates
from canarium.kube.server.serving import Serving, bind
from tests.kube import test_cluster_conformance as conformance
from tests.kube.worlds import new_cluster

SLEEP_SECONDS = 0.01
"""What a sleep of the suite takes here; sockets have no virtual time. It only has to let requests under way finish."""


class SuiteClock(RealClock):
    """The suite's time of day, and sleeps that are short."""

    def now(self) -> datetime:
        """Where virtual time begins: the suite compares timestamps with it."""
        return DEFAULT_START

    async def sleep(self, seconds: float) -> None:
        """A moment."""
        await super().sleep(min(seconds, SLEEP_SECONDS))


class WithRegistry(RemoteCluster):
    """The suite looks behind one curtain: a test shortens the store's memory."""

    registry: Any = None


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    """One authority for the whole suite."""
    return make_certificates(RealClock().now())


@pytest.fixture(autouse=True)
def over_http(certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the suite's worlds a server, and a client instead of the cluster."""
    (tmp_path / "server.pem").write_bytes(certificates.certificate)
    (tmp_path / "key.pem").write_bytes(certificates.key)

    def in_cluster(main: Any, **options: Any) -> Any:
        del options  # latency: the network has its own

        async def body() -> Any:
            clock = SuiteClock()
            registry = new_cluster(clock).registry  # type: ignore[arg-type]  # it asks for the time of day only
            app = ApiServer(registry, clock, Tokens(admin="admin", reader="reader"))
            bound = bind("127.0.0.1", 0, flag="--api-port")
            serving = Serving(app, bound, certificate=tmp_path / "server.pem", key=tmp_path / "key.pem")
            await serving.start()
            server = f"https://127.0.0.1:{serving.port}"
            try:
                connection = Connection(server=server, ca=certificates.authority, token="admin")
                async with WithRegistry(connection, clock) as cluster:
                    cluster.registry = registry
                    return await main(cluster, clock)
            finally:
                app.stop()
                await serving.stop()

        return asyncio.run(body())

    monkeypatch.setattr(conformance, "in_cluster", in_cluster)


def _suite() -> dict[str, Callable[..., None]]:
    return {name: test for name, test in vars(conformance).items() if name.startswith("test_")}


globals().update(_suite())
