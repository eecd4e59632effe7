"""The network port: HTTP between things in the cluster, by name or address.

Owns: the request and response types, the port (`Network`) and its error. Must not know: who is behind an address.
In the lab an address is an in-process ASGI application; locally it is a loopback socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from canarium.errors import CanariumError


class HttpRequest(msgspec.Struct, frozen=True):
    """One request. `url` is absolute: `http://<service>.<namespace>.svc.cluster.local[:port]/path?query`,
    `http://<service>.<namespace>`, or an address."""

    method: str
    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""


class HttpResponse(msgspec.Struct, frozen=True):
    """One answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NetworkError(CanariumError):
    """No answer. `str()` is worded as Go's net/http words it, since users know that wording from Argo and Prometheus:
    `Post "http://x/": dial tcp: lookup x on 10.96.0.10:53: no such host`,
    `Get "http://x/": dial tcp 10.244.0.7:9898: connect: connection refused`,
    `Get "http://x/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`."""


class Unanswered(CanariumError):
    """A socket gave no answer; `str()` is in Go's words without the operation: `dial tcp 10.244.0.7:9898: connect:
    connection refused`, `EOF`."""


class NetworkTimeout(NetworkError):
    """The caller's deadline passed before an answer came. Worded as an http.Client with a Timeout words it; callers
    whose deadline is a context's say `context deadline exceeded` without what follows in brackets."""


class ProbeVoid(NetworkError):
    """No answer, and maybe it was the asker's fault, who was too busy to look: says nothing about the other side."""


class Dialer(Protocol):
    """Opens a TCP connection and closes it again: what a tcpSocket probe does."""

    async def dial(self, address: str, port: int, *, timeout_seconds: float) -> None:
        """Return when it was accepted. Raises NetworkError: `dial tcp 10.244.0.7:9898: connect: connection refused`."""
        ...


class Network(Protocol):
    """Send a request, get an answer or a NetworkError."""

    async def request(self, request: HttpRequest, *, timeout_seconds: float, namespace: str = "") -> HttpResponse:
        """namespace: where the caller lives, for short names (`http://svc/`). Raises NetworkError."""
        ...
