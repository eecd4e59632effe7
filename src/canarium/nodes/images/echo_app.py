"""An echo server: answers with what it was asked, so that one sees what arrives and where.

Owns: `Echo`, its flags, its answers. Must not know: sockets, pods other than its own.
With `-text` it answers as hashicorp/http-echo does (https://github.com/hashicorp/http-echo, flags and /health).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from canarium.nodes.images.machine import BEGAN, AsgiApp, Log, Machine, Receive, Scope, Send
from canarium.nodes.images.metrics import CONTENT_TYPE, RequestMetrics
from canarium.nodes.images.options import Options
from canarium.nodes.images.urls import query_values

DEFAULT_PORTS = {"hashicorp/http-echo": 5678, "ealen/echo-server": 80}
DEFAULT_PORT = 8080
MAX_BODY_BYTES = 10 << 20

_JSON = b"application/json; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
_Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


def _options(words: Sequence[str]) -> Options:
    return Options(words, known=("port", "listen", "text", "status-code"), switches=("version",))


def echo_port(words: Sequence[str], image: str) -> int:
    """The port that the flags name, else the one that the original of the image listens on. image: its repository."""
    options = _options(words)
    default = next((port for name, port in DEFAULT_PORTS.items() if image.endswith(name)), DEFAULT_PORT)
    listen = options.text("listen").rpartition(":")[2]
    return int(listen) if listen.isdigit() else options.integer("port", default)


class Echo:
    """The ASGI application.

    image: the image's repository, which decides the port and, for http-echo, the form of the answer. words: the flags
    `--port` or `-listen`, `-text`, `-status-code`. more_metrics: lines for /metrics beside its own.
    """

    def __init__(
        self,
        *,
        image: str,
        version: str,
        hostname: str,
        words: Sequence[str],
        env: Mapping[str, str],
        machine: Machine,
        log: Log,
        more_metrics: Callable[[], list[str]] = list,
    ) -> None:
        options = _options(words)
        self.port = echo_port(words, image)
        self._text: str | None = options.text("text", env.get("ECHO_TEXT", "")) or None
        if self._text is None and image.endswith("hashicorp/http-echo"):
            self._text = "hello-world"
        self._status = options.integer("status-code", 200)
        self._version, self._hostname, self._unknown = version, hostname, options.unknown
        self._machine, self._log, self._more_metrics = machine, log, more_metrics
        self._metrics = RequestMetrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._serve(scope, receive, send, forced=0)

    @property
    def failing(self) -> AsgiApp:
        """The same server, failing: answers and counts 500."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send, forced=500)

        return app

    def say_starting(self) -> None:
        """Name what it was told in vain, in the log."""
        for word in self._unknown:
            self.say("warn", f"ignored on the command line: {word}")

    def say_listening(self) -> None:
        """The line that says it listens."""
        self.say("info", "listening", addr=f":{self.port}")

    def say(self, level: str, message: str, **fields: object) -> None:
        """Write a line of JSON."""
        at = self._machine.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"level": level, "ts": at, "msg": message, **fields}
        self._log(json.dumps(line, separators=(",", ":"), ensure_ascii=False))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, *, forced: int) -> None:
        begin = scope.get(BEGAN, self._machine.monotonic())
        route = scope["path"] if scope["path"] in ("/", "/metrics", "/health") else "/{path}"
        if forced:
            status, headers, body = forced, [(b"content-type", _TEXT)], b"internal error (scripted)\n"
        else:
            status, headers, body = await self._reply(scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._metrics.count(scope["method"], route, status, self._machine.monotonic() - begin)

    async def _reply(self, scope: Scope, receive: Receive) -> _Reply:
        if scope["path"] == "/metrics":
            lines = self._metrics.lines() + self._more_metrics()
            return 200, [(b"content-type", CONTENT_TYPE)], ("\n".join(lines) + "\n").encode()
        if self._text is not None:
            named = [(b"x-app-name", b"http-echo"), (b"x-app-version", self._version.encode())]
            if scope["path"] == "/health":
                return 200, [(b"content-type", _JSON), *named], b'{"status":"ok"}\n'
            return self._status, [(b"content-type", _TEXT), *named], self._text.encode("utf-8", "replace") + b"\n"
        body = await _whole(receive)
        if body is None:
            return 413, [(b"content-type", _TEXT)], b"request body too large\n"
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        told = {
            "method": scope["method"],
            "path": scope["path"],
            "query": query_values(scope["query_string"]),
            "headers": headers,
            "body": body.decode("utf-8", "replace"),
            "hostname": self._hostname,
            "version": self._version,
        }
        text = json.dumps(told, indent=2, ensure_ascii=False).encode("utf-8", "replace")
        return self._status, [(b"content-type", _JSON)], text + b"\n"


async def _whole(receive: Receive) -> bytes | None:
    """The request's body; None when it is too large."""
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        pieces.append(bytes(message.get("body", b"")))
        size += len(pieces[-1])
        if size > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            break
    return b"".join(pieces)
