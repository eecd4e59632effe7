"""One HTTP/1.1 request over a real socket, with Go's words for what goes wrong.

Owns: that exchange, by h11. Must not know: names of the cluster, who asks. A connection is used once.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Mapping

import h11

from canarium.nodes.network import HttpResponse, Unanswered

MAX_BODY_BYTES = 64 << 20
MAX_HEAD_BYTES = 256 << 10
_CHUNK_BYTES = 64 << 10


async def exchange(
    host: str,
    port: int,
    *,
    shown: str,
    method: str,
    target: str,
    authority: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> HttpResponse:
    """Send one request and read its answer. shown: the address as errors name it. Raises Unanswered."""
    reader, writer = await connect(host, port, shown=shown, tls=tls, server_name=server_name)
    try:
        sent = {"host": authority, **{name.lower(): value for name, value in headers.items()}, "connection": "close"}
        if body or method in ("POST", "PUT", "PATCH"):
            sent["content-length"] = str(len(body))
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        request = h11.Request(method=method, target=target, headers=list(sent.items()))
        writer.write((http.send(request) or b"") + (http.send(h11.Data(data=body)) or b"" if body else b""))
        writer.write(http.send(h11.EndOfMessage()) or b"")
        return await _answer(http, reader)
    except h11.LocalProtocolError as error:
        raise Unanswered(f"net/http: invalid request: {error}") from error
    except h11.RemoteProtocolError as error:
        raise Unanswered(f"net/http: HTTP/1.x transport connection broken: {error}") from error
    except ConnectionError as error:
        raise Unanswered(f"read tcp {shown}: read: {_words(error)}") from error
    finally:
        writer.transport.abort()


async def connect(
    host: str, port: int, *, shown: str, tls: ssl.SSLContext | None = None, server_name: str | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection. Raises Unanswered."""
    try:
        name = server_name if tls is not None else None
        return await asyncio.open_connection(host, port, ssl=tls, server_hostname=name)
    except ssl.SSLError as error:
        raise Unanswered(f"tls: {error.reason or error}") from error
    except socket.gaierror as error:
        raise Unanswered(f"dial tcp: lookup {host}: no such host") from error
    except OSError as error:
        raise Unanswered(f"dial tcp {shown}: connect: {_words(error)}") from error


async def _answer(http: h11.Connection, reader: asyncio.StreamReader) -> HttpResponse:
    status, headers, body = 0, {}, bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(_CHUNK_BYTES)
            if not data and not status and not http.trailing_data[0]:
                raise Unanswered("EOF")
            http.receive_data(data)
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise Unanswered(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return HttpResponse(status, headers, bytes(body))


def _words(error: OSError) -> str:
    """As Go prints the system's error: lower case, no number."""
    if error.errno is None:
        return str(error) or "EOF"
    known = {errno.ECONNREFUSED: "connection refused", errno.ECONNRESET: "connection reset by peer"}
    return known.get(error.errno) or os.strerror(error.errno).lower()
