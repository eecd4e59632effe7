"""Requests to one API server over one shared session.

Owns: TLS, credentials, timeouts, waiting when the server says so (429), reading streams.
Must not know: what resources are.
Waiting follows client-go `rest`: 429, and 5xx with Retry-After, are tried again up to ten times.
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import aiohttp
import yarl

from canarium.clock import Clock
from canarium.kube.cluster import Unavailable
from canarium.kube.kubeconfig import Connection, KubeconfigError, is_tls
from canarium.kube.remote import failures

JSON = "application/json"
CONNECT_SECONDS = 30.0
"""Go's dial timeout."""

SILENT_SECONDS = 70.0
"""Without a byte for so long an answer is not coming: an API server gives up on a request after 60 s."""

RETRIES = 10

_FAILURES = (aiohttp.ClientError, OSError, TimeoutError)


class Answer(NamedTuple):
    """A whole answer, whatever its status."""

    status: int
    content_type: str
    body: bytes
    url: str
    location: str = ""


class Transport:
    """One API server. timeout_seconds: for a whole request, 0 for none; streams have none."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        *,
        timeout_seconds: float = 0.0,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        self.connection = connection
        self._clock = clock
        self._on_warning = on_warning
        self._session: aiohttp.ClientSession | None = None
        server = connection.server
        if "://" not in server:
            has_tls = bool(connection.ca or connection.client_cert or connection.insecure)
            server = f"{'https' if is_tls(server, has_tls) else 'http'}://{server}"
        url = yarl.URL(server)
        if url.scheme not in ("http", "https") or not url.host:
            raise KubeconfigError(
                f"{connection.server!r} is not the address of a server",
                next_step="Write it like https://127.0.0.1:6443.",
            )
        self._base = str(url.with_query(None).with_fragment(None)).rstrip("/")
        self._is_tls = url.scheme == "https"
        shown = f"[{url.host}]" if ":" in url.host else url.host
        self.host = f"{shown}:{url.port}"
        self._is_near = url.host in ("127.0.0.1", "::1", "localhost")
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds or None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS
        )

    async def close(self) -> None:
        """Drop all connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Answer:
        """One request and its whole answer. Raises Unavailable."""
        for left in reversed(range(RETRIES + 1)):
            async with self._open(method, path, query, body, content_type, accept, self._timeout) as response:
                try:
                    content = await response.read()
                except _FAILURES as error:
                    raise self._unanswered(error, method, str(response.url)) from error
                wait = _asked_to_wait(response)
                if wait is None or not left:
                    return Answer(
                        response.status,
                        response.headers.get("Content-Type", ""),
                        content,
                        str(response.url),
                        response.headers.get("Location", ""),
                    )
            await self._clock.sleep(wait)
        raise AssertionError("unreachable: the last try returns")

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, silent_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer as they arrive; leaving closes the connection. A last line without its end is a break.

        silent_seconds: without a byte for so long the stream counts as broken. Raises ApiError, Unavailable.
        """
        async with self._streamed(path, query, JSON, silent_seconds) as response:
            yield self._lines(response, str(response.url))

    @asynccontextmanager
    async def bytes_of(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of an answer as they arrive, however long it is silent: a container's log. Leaving closes the
        connection. Raises ApiError, Unavailable."""
        async with self._streamed(path, query, "*/*", None) as response:
            yield self._chunks(response, str(response.url))

    @asynccontextmanager
    async def _streamed(
        self, path: str, query: Mapping[str, str], accept: str, silent_seconds: float | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer of 200 that goes on. Raises ApiError, Unavailable."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silent_seconds)
        async with self._open("GET", path, query, None, JSON, accept, timeout) as response:
            url = str(response.url)
            if response.status != 200:
                try:
                    body = await response.read()
                except _FAILURES as error:
                    raise self._unanswered(error, "GET", url) from error
                kind = response.headers.get("Content-Type", "")
                location = response.headers.get("Location", "")
                raise failures.of_answer(response.status, kind, body, method="GET", url=url, location=location)
            try:
                yield response
            finally:
                response.close()

    async def _chunks(self, response: aiohttp.ClientResponse, url: str) -> AsyncIterator[bytes]:
        try:
            async for chunk in response.content.iter_any():
                yield chunk
        except _FAILURES as error:
            raise self._unanswered(error, "GET", url) from error

    async def _lines(self, response: aiohttp.ClientResponse, url: str) -> AsyncIterator[bytes]:
        pieces: list[bytes] = []  # of a line that has not ended yet; joined once, whatever its length
        try:
            async for chunk in response.content.iter_any():
                first, *more = chunk.split(b"\n")
                pieces.append(first)
                for line in more:
                    if any(pieces):
                        yield b"".join(pieces)
                    pieces = [line]
        except _FAILURES as error:
            raise self._unanswered(error, "GET", url) from error
        if any(pieces):
            raise self._unanswered(aiohttp.ClientPayloadError(), "GET", url)

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        content_type: str,
        accept: str,
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = f"{self._base}{path}"
        if query:
            url = f"{url}{'&' if '?' in path else '?'}{urlencode(query)}"
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        session = self._session or self._start()
        try:
            response = await session.request(
                method,
                yarl.URL(url, encoded=True),
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                server_hostname=self.connection.tls_server_name or None,
            )
        except _FAILURES as error:
            raise self._unanswered(error, method, url) from error
        try:
            if self._on_warning is not None:
                for warning in response.headers.getall("Warning", ()):
                    self._on_warning(_warning_text(warning))
            yield response
        finally:
            response.release()

    def _unanswered(self, error: BaseException, method: str, url: str) -> Unavailable:
        return failures.unanswered(error, method=method, url=url, host=self.host)

    def _start(self) -> aiohttp.ClientSession:
        told = self.connection
        headers = {"User-Agent": "canarium"}
        if self._is_near:
            headers["Accept-Encoding"] = "identity"  # packing costs more than loopback does
        if told.token:
            headers["Authorization"] = f"Bearer {told.token}"
        elif told.username:
            pair = base64.b64encode(f"{told.username}:{told.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        tls: ssl.SSLContext | bool = _tls(told) if self._is_tls else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls), headers=headers, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self._session


def _tls(told: Connection) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=told.ca.decode("latin-1") if told.ca else None)
    except ssl.SSLError as error:
        raise KubeconfigError(
            f"unable to load root certificates: {error.reason or error}",
            next_step="certificate-authority has to be a certificate in PEM.",
        ) from error
    # Python 3.13 refuses authorities without an Authority Key Identifier, which real clusters have and Go accepts.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if told.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if told.client_cert:
        # OpenSSL reads certificates from files only; these are ours alone and gone at once.
        with tempfile.TemporaryDirectory(prefix="canarium-") as folder:
            names = []
            for name, content in (("cert.pem", told.client_cert), ("key.pem", told.client_key)):
                path = Path(folder) / name
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(content)
                names.append(str(path))
            try:
                context.load_cert_chain(*names)
            except ssl.SSLError as error:
                raise KubeconfigError(
                    f"unable to use the client certificate: {error.reason or error}",
                    next_step="client-certificate and client-key have to be a pair in PEM.",
                ) from error
    return context


def _asked_to_wait(response: aiohttp.ClientResponse) -> float | None:
    """Seconds after which the server wants to be asked again, if it does."""
    after = response.headers.get("Retry-After", "")
    if response.status == 429 or (response.status >= 500 and after):
        return float(after) if after.isdecimal() else 1.0
    return None


def _warning_text(header: str) -> str:
    """The sentence in `299 - "…"`."""
    return header.partition('"')[2].rpartition('"')[0].replace('\\"', '"') or header
