"""The load generator: asks a URL at a steady rate and counts what comes back.

Owns: `LoadSettings`, `Load` (the requests, their metrics, the summary). Must not know: the process around it.
Arrivals are open-loop: requests are due at fixed times, and a late answer delays none of them while a place is free
(`--concurrency`); a backlog is caught up as fast as places allow, so that a slow server is not spared.
"""

from __future__ import annotations

import asyncio
import json
import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from itertools import count

from canarium.nodes.images.machine import Log, Machine, Receive, Scope, Send
from canarium.nodes.images.metrics import CONTENT_TYPE, Counter, Histogram
from canarium.nodes.images.options import Options
from canarium.nodes.images.urls import Url, parse_url, unquoted

DEFAULT_PORT = 8080
MAX_BODY_BYTES = 64 << 20
_STEP = math.log(1.02)
"""Latencies are kept to 2 % for the summary's quantiles."""


def _options(words: Sequence[str]) -> Options:
    return Options(
        words,
        known=("url", "path", "rate", "duration", "concurrency", "timeout", "port"),
        switches=("keep-alive", "fail-on-error"),
    )


def load_port(words: Sequence[str]) -> int:
    """The port of its own /metrics and /healthz; 0 for none."""
    return _options(words).integer("port", DEFAULT_PORT)


class LoadSettings:
    """What the flags say. Raises ValueError in words."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str]) -> None:
        options = _options(words)
        self.unknown = options.unknown
        if not options.text("url"):
            raise ValueError("say what to ask: --url http://SERVICE[:PORT][/PATH]")
        self.url = parse_url(options.text("url"))
        paths = options.texts("path") or [self.url.target]
        self.paths = [path if path.startswith("/") else f"/{path}" for path in paths]
        self.rate = options.number("rate", 10.0)
        self.duration = options.number("duration", 0.0)
        self.concurrency = max(1, options.integer("concurrency", 10))
        self.timeout = options.number("timeout", 10.0)
        self.port = load_port(words)
        self.keeps_alive = options.has("keep-alive")
        self.fails_on_error = options.has("fail-on-error")
        proxy = env.get("http_proxy", "")
        is_direct = self.url.is_address or self.url.host == "localhost"
        self.proxy = parse_url(proxy) if proxy and not is_direct else None


class Load:
    """One run of requests. As an ASGI application it answers /metrics and /healthz."""

    def __init__(
        self,
        settings: LoadSettings,
        *,
        machine: Machine,
        log: Log,
        more_metrics: Callable[[], list[str]] = list,
    ) -> None:
        self._settings, self._machine, self._log, self._more_metrics = settings, machine, log, more_metrics
        self._requests = Counter("load_requests_total", "Requests made, by status; error for no answer.")
        self._durations = Histogram("load_request_duration_seconds", "Seconds from asking to the answer's end.")
        self._statuses: dict[str, int] = {}
        self._latencies: dict[int, int] = {}
        self._extremes = (0.0, 0.0)
        self._total_seconds = 0.0
        self._answered = 0
        self._recent: list[float] = []
        self._begin = machine.monotonic()
        self._elapsed = 0.0
        self._last_problem = ""
        self._numbers = count()
        self._is_stopped = False
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    @property
    def errors(self) -> int:
        """How many requests got no answer, or one from 400 on."""
        return sum(n for status, n in self._statuses.items() if not status.isdigit() or int(status) >= 400)

    def stop(self) -> None:
        """Begin no more requests."""
        self._is_stopped = True

    async def run(self) -> None:
        """Make the requests; returns after the duration, or after `stop`, once those under way are answered."""
        self._begin = self._machine.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.concurrency):
                group.create_task(self._work())
            if self._settings.duration:
                await self._wait_until(self._settings.duration)  # the last request is due before the end
        self._elapsed = self._machine.monotonic() - self._begin
        for _, writer in self._idle:
            writer.close()

    def summary(self) -> str:
        """One line of JSON: what was asked, what came, how fast."""
        requests, seconds = sum(self._statuses.values()), self._elapsed or 1e-9
        mean = self._total_seconds / self._answered if self._answered else 0.0
        told = {
            "msg": "load done",
            "url": f"http://{self._settings.url.authority}",
            "paths": self._settings.paths,
            "requests": requests,
            "errors": self.errors,
            "statuses": dict(sorted(self._statuses.items())),
            "duration_seconds": round(self._elapsed, 3),
            "rate": round(requests / seconds, 2),
            "latency_ms": {
                "min": round(self._extremes[0] * 1000, 2),
                "mean": round(mean * 1000, 2),
                **{f"p{share:g}": round(self._quantile(share / 100) * 1000, 2) for share in (50, 90, 99, 99.9)},
                "max": round(self._extremes[1] * 1000, 2),
            },
            **({"last_problem": self._last_problem} if self._last_problem else {}),
        }
        return json.dumps(told, separators=(",", ":"), ensure_ascii=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer /metrics and /healthz."""
        del receive
        status, kind, body = 404, b"text/plain; charset=utf-8", b"404 page not found\n"
        if scope["path"] in ("/healthz", "/readyz"):
            status, body = 200, b"ok\n"
        elif scope["path"] == "/metrics":
            status, kind, body = 200, CONTENT_TYPE, ("\n".join(self._lines()) + "\n").encode()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    def _lines(self) -> list[str]:
        now = self._machine.monotonic()
        self._forget_before(now - 5.0)
        span = min(5.0, max(now - self._begin, 1e-9))
        return [
            *self._requests.lines(),
            *self._durations.lines(),
            "# HELP load_rate Answers and errors per second over the last 5 seconds.",
            "# TYPE load_rate gauge",
            f"load_rate {len(self._recent) / span:.3f}",
            "# HELP load_wished_rate Requests per second as asked for; 0 for as many as can be.",
            "# TYPE load_wished_rate gauge",
            f"load_wished_rate {self._settings.rate:g}",
            *self._more_metrics(),
        ]

    async def _work(self) -> None:
        settings = self._settings
        while not self._is_stopped:
            number = next(self._numbers)
            due = number / settings.rate if settings.rate > 0 else self._machine.monotonic() - self._begin
            if settings.duration and due >= settings.duration:
                return
            await self._wait_until(due)
            # A server too slow for the rate: the backlog ends with the duration, not after it.
            is_over = settings.duration and self._machine.monotonic() - self._begin >= settings.duration
            if self._is_stopped or is_over:
                return
            await self._ask(settings.paths[number % len(settings.paths)])

    async def _wait_until(self, due: float) -> None:
        while not self._is_stopped:
            left = due - (self._machine.monotonic() - self._begin)
            if left <= 0:
                return
            await self._machine.sleep(min(left, 0.2))  # in steps, to notice a stop

    async def _ask(self, path: str) -> None:
        begin = self._machine.monotonic()
        try:
            async with asyncio.timeout(self._settings.timeout):
                status = str(await self._exchange(path))
        except TimeoutError:
            status = self._failed(path, "no answer in time")
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            status = self._failed(path, str(error) or type(error).__name__)
        now = self._machine.monotonic()
        self._requests.count({"status": status, "path": path})
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._recent.append(now)
        if len(self._recent) > 100_000:
            self._forget_before(now - 5.0)
        if status != "error":
            self._answered_in(now - begin, path)

    def _answered_in(self, seconds: float, path: str) -> None:
        self._durations.observe({"path": path}, seconds)
        step = math.ceil(math.log(max(seconds, 1e-6)) / _STEP)
        self._latencies[step] = self._latencies.get(step, 0) + 1
        least, most = self._extremes
        self._extremes = (min(least, seconds) if self._answered else seconds, max(most, seconds))
        self._answered += 1
        self._total_seconds += seconds

    def _failed(self, path: str, words: str) -> str:
        problem = f"GET {path}: {words}"
        if problem != self._last_problem:
            self._log(json.dumps({"level": "warn", "msg": problem}, ensure_ascii=False))
        self._last_problem = problem
        return "error"

    def _quantile(self, share: float) -> float:
        wanted, seen = share * self._answered, 0
        for step, number in sorted(self._latencies.items()):
            seen += number
            if seen >= wanted:
                return min(math.exp(step * _STEP), self._extremes[1])
        return 0.0

    def _forget_before(self, moment: float) -> None:
        self._recent = [at for at in self._recent if at >= moment]

    async def _exchange(self, path: str) -> int:
        if self._idle:
            try:
                return await self._on(self._idle.pop(), path)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                if isinstance(error, asyncio.IncompleteReadError) and error.partial:
                    raise
                # A kept connection may end at any moment: the request was never read, so it is asked again.
        peer = self._settings.proxy or self._settings.url
        return await self._on(await asyncio.open_connection(peer.host, peer.port), path)

    async def _on(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], path: str) -> int:
        reader, writer = streams
        is_kept = False
        try:
            writer.write(self._request(path))
            status, is_kept = await _read_answer(reader)
        finally:
            if is_kept and self._settings.keeps_alive:
                self._idle.append(streams)
            else:
                writer.close()
        return status

    def _request(self, path: str) -> bytes:
        settings = self._settings
        target = path if settings.proxy is None else f"http://{settings.url.authority}{path}"
        lines = [
            f"GET {target} HTTP/1.1",
            f"Host: {settings.url.authority}",
            "User-Agent: canarium-load",
            "Accept: */*",
        ]
        lines.append("Connection: keep-alive" if settings.keeps_alive else "Connection: close")
        if settings.proxy is not None and settings.proxy.user:
            lines.append(f"Proxy-Authorization: Basic {_credentials(settings.proxy)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def _credentials(proxy: Url) -> str:
    user = unquoted(proxy.user.encode())
    return b64encode((user if ":" in user else f"{user}:").encode()).decode("ascii")


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status of an answer, read to its end, and whether its connection may be used again. Raises EOFError."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        version, _, rest = head[0].partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise ValueError("malformed HTTP response")
        status = int(rest[:3])
        if status >= 200:
            break
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    is_kept = version == "HTTP/1.1" and "close" not in fields.get("connection", "").lower()
    if status in (204, 304):
        return status, is_kept
    if "chunked" in fields.get("transfer-encoding", "").lower():
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            await _skip(reader, size + 2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return status, is_kept
    if "content-length" in fields:
        await _skip(reader, int(fields["content-length"]))
        return status, is_kept
    while await reader.read(65536):
        pass
    return status, False


async def _skip(reader: asyncio.StreamReader, size: int) -> None:
    while size > 0:
        data = await reader.read(min(size, 65536))
        if not data:
            raise EOFError("unexpected EOF")
        size -= len(data)
