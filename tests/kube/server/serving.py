"""A server of its own for a test: a registry in memory behind the API server, on a loopback port.

Owns: putting them together, in the test's own event loop or, for clients that block, in a thread.
Must not know: what is tested. Pods that print are this module's, since nothing runs pods here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from canarium.clock import Chance, Clock, RealClock
from canarium.kube.kubeconfig import Connection
from canarium.kube.objects import Obj
from canarium.kube.registry import Registry
from canarium.kube.remote import RemoteCluster
from canarium.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from canarium.kube.server.access import Tokens
from canarium.kube.server.app import ApiServer
from canarium.kube.server.requests import Options
from canarium.kube.server.serving import Serving, bind
from canarium.kube.store.memory import MemoryStore
from tests.kube.worlds import WIDGET_CRD

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""The time that stands on every object; everything else here happens in real time."""

TOKENS = Tokens("admin-token", "reader-token")
LOG = (b"first\n", b"second\n", b"third\n")


class PrintingPods:
    """See `canarium.kube.server.app.Pods`: every container has printed three lines."""

    def logs(self, pod: Obj, options: Options) -> AsyncIterator[bytes]:
        """The last `tailLines` of them. Raises RuntimeError for a container called `broken`."""
        if options.text("container") == "broken":
            raise RuntimeError("a fault in the server")
        tail = options.number("tailLines")

        async def lines() -> AsyncIterator[bytes]:
            for line in LOG if tail is None else LOG[len(LOG) - tail :]:
                yield line

        return lines()

    async def port_forward(self, pod: Obj, scope: Any, receive: Any, send: Any) -> None:
        """Nobody forwards here."""
        raise AssertionError("no test of this server forwards ports")


@dataclass(frozen=True)
class Served:
    """A running server. ca: PEM, empty without TLS. registry: only for its own loop."""

    url: str
    port: int
    ca: bytes
    registry: Registry

    def connection(self, token: str = TOKENS.admin) -> Connection:
        """How to reach it."""
        return Connection(server=self.url, ca=self.ca, token=token)


class HurriedClock(RealClock):
    """Real, but nobody waits long."""

    async def sleep(self, seconds: float) -> None:
        """Let others run."""
        await super().sleep(min(seconds, 0.02))


@asynccontextmanager
async def serve(tls: Path | None = None) -> AsyncIterator[Served]:
    """A server in this loop, with namespaces `default` and `other` and the toy kind.

    tls: a folder for certificates; None for plain HTTP.
    """
    clock = RealClock()
    registry = Registry(MemoryStore(), now=lambda: NOW, chance=Chance(1).stream("registry"))
    for name in ("default", "other"):
        registry.create(NAMESPACES, {"metadata": {"name": name}})
    registry.create(CUSTOM_RESOURCE_DEFINITIONS, WIDGET_CRD)
    files: dict[str, Path] = {}
    ca = b""
    if tls is not None:
        from canarium.kube.server.certificates import make_certificates

        made = make_certificates(clock.now())
        ca, files = made.authority, {"certificate": tls / "server.crt", "key": tls / "server.key"}
        files["certificate"].write_bytes(made.certificate)
        files["key"].write_bytes(made.key)
    bound = bind("127.0.0.1", 0, flag="--api-port")
    port = bound.getsockname()[1]
    app = ApiServer(registry, clock, TOKENS, address=f"127.0.0.1:{port}", pods=PrintingPods())
    serving = Serving(app, bound, certificate=files.get("certificate"), key=files.get("key"))
    await serving.start()
    try:
        yield Served(f"{'https' if tls else 'http'}://127.0.0.1:{port}", port, ca, registry)
    finally:
        app.stop()
        await serving.stop()


@contextmanager
def serve_in_thread(tls: Path | None = None) -> Iterator[Served]:
    """The same in a thread of its own, for clients that block."""
    started = threading.Event()
    found: list[Served] = []
    ending: list[Callable[[], object]] = []
    failures: list[BaseException] = []

    async def main() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        async with serve(tls) as served:
            found.append(served)
            ending.append(lambda: loop.call_soon_threadsafe(stop.set))
            started.set()
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001  # told to the test, which waits
            failures.append(error)
            started.set()

    thread = threading.Thread(target=run, name="served")
    thread.start()
    started.wait(30)
    try:
        if failures:
            raise failures[0]
        yield found[0]
    finally:
        for end in ending:
            end()
        thread.join(30)
        assert not thread.is_alive(), "the server stops when it is told to"
        assert not failures, failures


def over_http(main: Callable[[Any, Clock], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    """Run `main(cluster, clock)` against a Cluster whose other end is a server of ours."""
    del options  # latencies are those of the machine

    async def body() -> Any:
        clock = HurriedClock()
        async with serve() as served, RemoteCluster(served.connection(), clock) as cluster:
            return await main(cluster, clock)

    return asyncio.run(body())
