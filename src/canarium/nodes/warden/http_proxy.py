"""A forward proxy through which programs reach the names and addresses of the cluster.

Owns: the proxy's part of HTTP/1.1 (absolute-form requests, CONNECT) and what a name of the cluster leads to.
Must not know: Services, pods; it is told a table.
Source: RFC 9110 section 9.3.6, RFC 9112 section 3.2.2; Kubernetes' DNS names for Services.

One request per connection: it is passed on with `Connection: close`, and what follows is passed on as it comes, so
that an upgrade (WebSocket) works too. `Host` stays as the client sent it.
"""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple

from canarium.nodes.warden.tcp_proxy import Acceptor, Endpoint, Link, connect, joined, reset, words

CLUSTER_DOMAIN = "cluster.local"
DNS_SERVER = "10.96.0.10:53"
_CLUSTER_RANGES = ("10.244.", "10.96.")

_HEAD_BYTES = 64 * 1024
_HEAD_SECONDS = 30.0
_HANG_UP_SECONDS = 1.0
_REMOVED = frozenset({"proxy-authorization", "proxy-connection", "keep-alive"})


class ProxyProblem(Exception):
    """What the client is told instead of an answer: a status and a sentence."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Names:
    """What names and addresses of the cluster lead to. Values of ports are real endpoints."""

    def __init__(self, message: Mapping[str, Any] | None = None) -> None:
        """message: {"services": {"ns/name": {"80": [host, port]}}, "addresses": {"10.96.3.4": {"80": [host, port]},
        "10.244.1.3": "127.244.1.3"}}"""
        self._services: Mapping[str, Mapping[str, Any]] = (message or {}).get("services") or {}
        self._addresses: Mapping[str, Mapping[str, Any] | str] = (message or {}).get("addresses") or {}
        self._namespaces = {key.partition("/")[0] for key in self._services}

    def resolve(self, host: str, port: int, namespace: str) -> Endpoint | None:
        """Where it really is; None when it is outside the cluster. namespace: where the caller lives.

        Raises ProxyProblem: the cluster would have such a name or address, but has not.
        """
        name = host.lower().removesuffix(".")
        if name in self._addresses:
            found = self._addresses[name]
            return (found, port) if isinstance(found, str) else _port_of(found, host, port)
        if name.startswith(_CLUSTER_RANGES) and name.replace(".", "").isdigit():
            raise ProxyProblem("502 Bad Gateway", f"dial tcp {joined(host, port)}: connect: no route to host")
        for key in self._keys(name, namespace):
            if key in self._services:
                return _port_of(self._services[key], host, port)
        if self._is_of_cluster(name):
            raise ProxyProblem("502 Bad Gateway", f"dial tcp: lookup {host} on {DNS_SERVER}: no such host")
        return None

    def _keys(self, name: str, namespace: str) -> list[str]:
        match name.removesuffix(f".{CLUSTER_DOMAIN}").split("."):
            case [service] if service == name:
                return [f"{namespace}/{service}"]
            case [service, of] if f"{service}.{of}" == name:
                return [f"{of}/{service}"]
            case [service, of, "svc"]:
                return [f"{of}/{service}"]
        return []

    def _is_of_cluster(self, name: str) -> bool:
        labels = name.split(".")
        if len(labels) == 1:
            return name != "localhost" and ":" not in name
        return (
            name.endswith((f".{CLUSTER_DOMAIN}", ".svc"))
            or name == CLUSTER_DOMAIN
            or (len(labels) == 2 and labels[1] in self._namespaces)
        )


class HttpProxy:
    """The proxy's port. `names` may be replaced at any time."""

    def __init__(self, sock: socket.socket, links: set[Link]) -> None:
        self.names = Names()
        self._links = links
        self._acceptor = Acceptor(sock, self._serve)
        self.address = self._acceptor.address

    async def close(self) -> None:
        """Accept no more, and break off what has not got an answer yet."""
        await self._acceptor.close()

    async def _serve(self, client: socket.socket, _address: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            try:
                async with asyncio.timeout(_HEAD_SECONDS):
                    head, rest = await _read_head(client)
                if not head:
                    client.close()
                    return
                request = _parse(head)
                server = await self._open(request)
            except ProxyProblem as problem:
                await loop.sock_sendall(client, _refusal(problem))
                await _hang_up(client)
                return
            try:
                if request.passed_on:
                    await loop.sock_sendall(server, request.passed_on + rest)
                else:
                    await loop.sock_sendall(client, b"HTTP/1.1 200 Connection established\r\n\r\n")
                    await loop.sock_sendall(server, rest)
            except BaseException:
                reset(server)
                raise
        except OSError:  # TimeoutError too: either end is gone or said nothing
            reset(client)
        except asyncio.CancelledError:
            reset(client)
            raise
        else:
            Link(client, server, self._links)

    async def _open(self, request: _Request) -> socket.socket:
        host, port = request.host, request.port
        endpoint = self.names.resolve(host, port, request.namespace)
        addresses = [endpoint] if endpoint is not None else await _addresses(host, port)
        problem = ""
        for address in addresses:
            try:
                return await connect(*address)
            except TimeoutError:
                problem = problem or "i/o timeout"
            except OSError as error:
                problem = problem or f"connect: {words(error)}"
        raise ProxyProblem("502 Bad Gateway", f"dial tcp {joined(host, port)}: {problem}")


class _Request(NamedTuple):
    """passed_on: the head as the server gets it; empty for CONNECT."""

    host: str
    port: int
    namespace: str
    passed_on: bytes


def _port_of(ports: Mapping[str, Any], host: str, port: int) -> Endpoint:
    if str(port) not in ports:
        raise ProxyProblem("502 Bad Gateway", f"dial tcp {joined(host, port)}: connect: connection refused")
    found_host, found_port = ports[str(port)]
    return found_host, found_port


async def _addresses(host: str, port: int) -> list[Endpoint]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ProxyProblem("502 Bad Gateway", f"dial tcp: lookup {host}: no such host") from None
    return [(str(address[0]), int(address[1])) for *_, address in found]


async def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """The head with its empty line, and what came after it; empty when the client went without asking anything."""
    loop = asyncio.get_running_loop()
    received = b""
    while b"\r\n\r\n" not in received and len(received) <= _HEAD_BYTES:
        more = await loop.sock_recv(client, _HEAD_BYTES)
        if not more:
            return b"", b""
        received += more
    head, mark, rest = received.partition(b"\r\n\r\n")
    if len(head) > _HEAD_BYTES:
        raise ProxyProblem("431 Request Header Fields Too Large", "the request's head is longer than 64 KiB")
    return head + mark, rest


async def _hang_up(client: socket.socket) -> None:
    """Close once the client has heard the answer: a socket closed over unread bytes takes its answer back."""
    client.shutdown(socket.SHUT_WR)
    async with asyncio.timeout(_HANG_UP_SECONDS):
        while await asyncio.get_running_loop().sock_recv(client, _HEAD_BYTES):
            pass
    client.close()


def _parse(head: bytes) -> _Request:
    lines = head.decode("latin-1").split("\r\n")[:-2]
    match lines[0].split(" "):
        case [method, target, "HTTP/1.0" | "HTTP/1.1" as version]:
            pass
        case _:
            raise ProxyProblem("400 Bad Request", "malformed HTTP request")
    headers = [(name.lower(), line) for line in lines[1:] for name, colon, _ in [line.partition(":")] if colon]
    namespace = _namespace(headers)
    if method == "CONNECT":
        host, port = _host_and_port(target, default=None)
        return _Request(host, port, namespace, b"")
    scheme, mark, rest = target.partition("://")
    if not mark or scheme.lower() != "http":
        raise ProxyProblem("400 Bad Request", "this is a proxy: it takes CONNECT, and requests for http://host/path")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority, path = rest[:end].rpartition("@")[2], rest[end:].partition("#")[0]
    host, port = _host_and_port(authority, default=80)
    path = path if path.startswith("/") else f"/{path}"
    is_upgrade = any(name == "upgrade" for name, _ in headers)
    removed = _REMOVED if is_upgrade else _REMOVED | {"connection"}
    passed = [f"{method} {path} {version}", *(line for name, line in headers if name not in removed)]
    if not any(name == "host" for name, _ in headers):
        passed.append(f"Host: {authority}")
    if not is_upgrade:
        passed.append("Connection: close")
    return _Request(host, port, namespace, "\r\n".join([*passed, "", ""]).encode("latin-1"))


def _host_and_port(authority: str, *, default: int | None) -> tuple[str, int]:
    if authority.startswith("["):
        host, _, after = authority[1:].partition("]")
        told = after.removeprefix(":")
    else:
        host, _, told = authority.partition(":")
    port = int(told) if told.isascii() and told.isdigit() and len(told) <= 5 else default if not told else None
    if not host or port is None or port > 65535:
        raise ProxyProblem("400 Bad Request", f"no host and port: {authority!r}")
    return host, port


def _namespace(headers: list[tuple[str, str]]) -> str:
    """The user part of `Proxy-Authorization: Basic`, which is how a program's proxy variable tells where it lives."""
    told = next((line.partition(":")[2].split() for name, line in headers if name == "proxy-authorization"), [])
    if len(told) == 2 and told[0].lower() == "basic":
        try:
            return base64.b64decode(told[1]).decode().partition(":")[0]
        except ValueError:
            pass  # neither base64 nor a name
    return "default"


def _refusal(problem: ProxyProblem) -> bytes:
    body = f"{problem}\n".encode()
    head = f"HTTP/1.1 {problem.status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
