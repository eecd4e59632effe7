"""What the doors of a local cluster reach of its pods: their logs and their ports.

Owns: translating between the API server, the node's runtime and the network. Must not know: HTTP paths.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from canarium.clock import Clock
from canarium.kube.cluster import ApiError
from canarium.kube.objects import Obj
from canarium.kube.server.portforward import port_forward
from canarium.kube.server.requests import Options
from canarium.lab.world import World
from canarium.local.front_doors import answer, guarded
from canarium.nodes.bytestream import Connection
from canarium.nodes.logs import InvalidLogOptions, LogsUnavailable, choose_container, choose_run, log_query
from canarium.nodes.network import NetworkError
from canarium.nodes.program import AsgiApp, Receive, Scope, Send


class LocalPods:
    """See `canarium.kube.server.app.Pods`."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    def logs(self, pod: Obj, options: Options) -> AsyncIterator[bytes]:
        """See `Pods`."""
        metadata = pod["metadata"]
        try:
            query = log_query(options.values, pod=metadata["name"])
            container = choose_container(pod, query.container)
            if not pod["spec"].get("nodeName"):
                return _nothing()
            run = choose_run(pod, container, previous=query.previous)
        except LogsUnavailable as error:
            raise ApiError(400, "BadRequest", error.problem) from error
        except InvalidLogOptions as error:
            causes = [(field, "FieldValueInvalid", message) for field, message in error.causes.items()]
            raise ApiError(422, "Invalid", error.problem, causes=causes) from error
        runtime = self._world.runtime
        kept = runtime.logs(metadata["namespace"], metadata["name"], container) if runtime else None
        log = kept.run(run) if kept else None
        if log is None:  # it ran before canarium was started anew, and what it wrote went with it
            return _nothing()
        return log.read(query, self._clock.now())

    async def port_forward(self, pod: Obj, scope: Scope, receive: Receive, send: Send) -> None:
        """See `Pods`."""
        address = (pod.get("status") or {}).get("podIP") or ""

        async def dial(port: int) -> Connection:
            return await self._world.network.connect(address, port)

        await port_forward(scope, receive, send, dial=dial, pod=pod["metadata"]["name"])

    def service_app(self, namespace: str, name: str, port: int) -> AsgiApp:
        """An application that stands for a Service: each request goes to an endpoint of it, or is a 502; where a
        Prometheus API would be, in its envelope."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                behind = self._world.network.app_behind(namespace, name, port)
            except NetworkError as error:
                problem = f"service {namespace}/{name} does not answer: {error}"
                if scope["path"].startswith("/api/v1/"):
                    told = {"status": "error", "errorType": "unavailable", "error": problem}
                    await answer(send, 502, msgspec.json.encode(told).decode(), "application/json")
                else:
                    await answer(send, 502, f"{problem}\n")
                return
            await behind(scope, receive, send)

        return guarded(app)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
