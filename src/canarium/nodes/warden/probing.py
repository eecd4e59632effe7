"""One probe: an HTTP request or a TCP connection, and what came of it.

Owns: the request, reading the answer, its words. Must not know: thresholds, containers, what a status means.
Source: Kubernetes 1.34 pkg/probe/{http,tcp}; errors are worded as Go's net and net/http word them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from canarium.nodes.warden.tcp_proxy import connect, words

LAG_SECONDS = 0.25
"""A probe that failed while this process was held up for longer says nothing about the one probed."""

_HEAD_BYTES = 64 * 1024
_BODY_BYTES = 10 * 1024
_DEFAULT_HEADERS = (("User-Agent", "kube-probe/1.34"), ("Accept", "*/*"))


class ProbeProblem(Exception):
    """There was no answer. `str()` is Go's wording, without `Get "url": ` before it."""


async def probe(message: dict[str, Any], loop_lag: Callable[[float], float]) -> dict[str, Any]:
    """The answer to a "probe" message: {"status"} (HTTP), {} (TCP), {"problem"}, {"timeout"} or {"void"}."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    seconds = float(message["timeout"])
    try:
        async with asyncio.timeout(seconds):
            return await _http(message) if message["kind"] == "http" else await _tcp(message)
    except TimeoutError:
        answer: dict[str, Any] = {"timeout": True}
    except ProbeProblem as problem:
        answer = {"problem": str(problem)}
    is_late = loop.time() - began - seconds > LAG_SECONDS
    await _others_have_run(loop)  # among them, whoever measures the lag
    return {"void": True} if is_late or loop_lag(began) > LAG_SECONDS else answer


async def _others_have_run(loop: asyncio.AbstractEventLoop) -> None:
    for _ in range(2):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


async def _tcp(message: dict[str, Any]) -> dict[str, Any]:
    (await _dial(message)).close()
    return {}


async def _http(message: dict[str, Any]) -> dict[str, Any]:
    request = _request(message)
    sock = await _dial(message)
    source = "{}:{}".format(*sock.getsockname()[:2])
    try:
        reader, writer = await asyncio.open_connection(sock=sock, **_tls(message))
        try:
            writer.write(request)
            await writer.drain()
            return {"status": await _status(reader)}
        finally:
            writer.transport.abort()
    except EOFError:
        raise ProbeProblem("EOF") from None
    except TimeoutError:
        raise
    except OSError as error:
        if reason := getattr(error, "reason", None):  # an ssl.SSLError, whose errno is not one of the system's
            is_plain = reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}
            told = "http: server gave HTTP response to HTTPS client" if is_plain else f"tls: {reason}"
            raise ProbeProblem(told) from error
        raise ProbeProblem(f"read tcp {source}->{message['shown']}: read: {words(error)}") from error
    finally:
        sock.close()


async def _dial(message: dict[str, Any]) -> socket.socket:
    try:
        return await connect(message["host"], message["port"], seconds=message["timeout"])
    except TimeoutError:
        raise
    except OSError as error:
        raise ProbeProblem(f"dial tcp {message['shown']}: connect: {words(error)}") from error


def _tls(message: dict[str, Any]) -> dict[str, Any]:
    if message.get("scheme", "http").lower() != "https":
        return {}
    import ssl  # takes longer to import than all the rest, and hardly anybody needs it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # as the kubelet, which asks whether it is alive and not who it is
    context.verify_mode = ssl.CERT_NONE
    return {"ssl": context, "server_hostname": ""}


def _request(message: dict[str, Any]) -> bytes:
    headers = [(str(name), str(value)) for name, value in message.get("headers") or ()]
    for name, value in headers:
        if not name or any(c <= " " or c == ":" or c > "~" for c in name):
            raise ProbeProblem(f"net/http: invalid header field name {_quoted(name)}")
        if any(c in "\r\n\0" for c in value):
            raise ProbeProblem(f"net/http: invalid header field value for {_quoted(name)}")
    given = {name.lower() for name, _ in headers}
    hosts = [value for name, value in headers if name.lower() == "host"]
    lines = [f"GET {_path(message.get('path') or '/')} HTTP/1.1", f"Host: {(hosts or [message['shown']])[-1]}"]
    lines += [f"{name}: {value}" for name, value in _DEFAULT_HEADERS if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in headers if value and name.lower() not in {"host", "connection"}]
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode()


def _path(path: str) -> str:
    raw = (path if path.startswith("/") else f"/{path}").encode()
    return "".join(chr(byte) if 0x21 <= byte <= 0x7E else f"%{byte:02X}" for byte in raw)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


async def _status(reader: asyncio.StreamReader) -> int:
    """Read an answer and its body, as far as the kubelet would. Raises EOFError, OSError, ProbeProblem."""
    received = b""
    while True:
        head, received = await _head(reader, received)
        status = _status_of(head[0])
        if status >= 200 or status == 101:
            break
    headers: dict[str, str] = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip().lower()
    if status not in {101, 204, 304}:
        await _body(reader, received, headers)
    return status


async def _head(reader: asyncio.StreamReader, received: bytes) -> tuple[list[str], bytes]:
    while b"\r\n\r\n" not in received and b"\n\n" not in received:
        if len(received) > _HEAD_BYTES:
            raise ProbeProblem("net/http: server response headers exceeded 65536 bytes; aborted")
        more = await reader.read(_HEAD_BYTES)
        if not more:
            raise EOFError if not received else ProbeProblem("unexpected EOF")
        received += more
        if len(received) >= 5 and not received.startswith(b"HTTP/"):
            _status_of(received.partition(b"\n")[0].decode("latin-1").rstrip("\r"))
    end = min(at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := received.find(mark)) >= 0)
    return received[:end].decode("latin-1").replace("\r\n", "\n").rstrip("\n").split("\n"), received[end:]


def _status_of(line: str) -> int:
    version, _, rest = line.partition(" ")
    code = rest.lstrip(" ").partition(" ")[0]
    if not version.startswith("HTTP/") or not rest:
        problem = f"malformed HTTP response {_quoted(line[:200])}"
    elif len(code) != 3 or not (code.isascii() and code.isdigit()):
        problem = f"malformed HTTP status code {_quoted(code[:200])}"
    else:
        return int(code)
    raise ProbeProblem(f"net/http: HTTP/1.x transport connection broken: {problem}")


async def _body(reader: asyncio.StreamReader, received: bytes, headers: dict[str, str]) -> None:
    is_chunked = "chunked" in headers.get("transfer-encoding", "")
    told = headers.get("content-length", "")
    length = int(told) if told.isascii() and told.isdigit() and len(told) < 19 and not is_chunked else None
    while len(received) < (_BODY_BYTES if length is None else min(length, _BODY_BYTES)):
        if is_chunked and (received.endswith(b"\r\n0\r\n\r\n") or received == b"0\r\n\r\n"):
            return
        more = await reader.read(_BODY_BYTES)
        if not more:
            if length is not None:
                raise ProbeProblem("unexpected EOF")
            return
        received += more
