"""Probes of pods that are processes, taken by the warden: a stall of this process fails no probe.

Owns: translating between a probe's request and the warden. Must not know: what an outcome means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from canarium.nodes.lab_network import LabNetwork
from canarium.nodes.loopback import Loopback
from canarium.nodes.network import HttpRequest, HttpResponse, NetworkError, NetworkTimeout, ProbeVoid
from canarium.nodes.warden_client import ProbeAnswer, Warden


class WardenProbes:
    """`Network` and `Dialer` for probes: what is outside this process is asked by the warden, the rest in-process."""

    def __init__(self, network: LabNetwork, loopback: Loopback, warden: Callable[[], Warden]) -> None:
        self._network = network
        self._loopback = loopback
        self._warden = warden

    async def request(self, request: HttpRequest, *, timeout_seconds: float, namespace: str = "") -> HttpResponse:
        """See `Network`; the answer has no headers and no body. Raises ProbeVoid too."""
        url = urlsplit(request.url)
        address, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        if not self._network.is_far(address, port):
            return await self._network.request(request, timeout_seconds=timeout_seconds, namespace=namespace)
        target = url.path + (f"?{url.query}" if url.query else "")
        headers = [(name, value) for name, value in request.headers.items() if name != "connection"]
        probed = await self._ask(
            "http",
            address,
            port,
            scheme=url.scheme,
            path=target,
            headers=headers,
            timeout_seconds=timeout_seconds,
        )
        operation = f'{request.method.capitalize()} "{request.url}"'
        if probed.is_timeout:
            words = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            raise NetworkTimeout(f"{operation}: {words}")
        if probed.problem:
            raise NetworkError(f"{operation}: {probed.problem}")
        return HttpResponse(probed.status or 0, {}, b"")

    async def dial(self, address: str, port: int, *, timeout_seconds: float) -> None:
        """See `Dialer`. Raises ProbeVoid too."""
        if not self._network.is_far(address, port):
            await self._network.dial(address, port, timeout_seconds=timeout_seconds)
            return
        probed = await self._ask("tcp", address, port, timeout_seconds=timeout_seconds)
        if probed.is_timeout:
            raise NetworkTimeout(f"dial tcp {address}:{port}: i/o timeout")
        if probed.problem:
            raise NetworkError(probed.problem)

    async def _ask(
        self,
        kind: Literal["http", "tcp"],
        address: str,
        port: int,
        *,
        timeout_seconds: float,
        scheme: str = "http",
        path: str = "/",
        headers: list[tuple[str, str]] | None = None,
    ) -> ProbeAnswer:
        host, real_port = self._loopback.place(address, port)
        probed = await self._warden().probe(
            kind=kind,
            host=host,
            port=real_port,
            shown=f"{address}:{port}",
            scheme=scheme,
            path=path,
            headers=headers or [],
            timeout_seconds=timeout_seconds,
        )
        if probed.is_void:
            raise ProbeVoid("this machine stalled while the probe was under way")
        return probed
