"""podinfo, as much of it as releases and probes look at: https://github.com/stefanprodan/podinfo, any tag.

Owns: its HTTP API (/, /version, /healthz, /readyz, /status/{code}, /delay/{seconds}, /env, /echo, /metrics) and metric
names. Must not know: probes, pods other than its own.
Behaviour follows podinfo 6.x pkg/api/http; its gRPC, cache, token, store and web socket endpoints are left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise

import msgspec

from canarium.nodes.program import AsgiApp, ContainerContext, Program, Receive, Scope, Send, Serving, parse_image

REPOSITORIES = ("stefanprodan/podinfo", "ghcr.io/stefanprodan/podinfo", "podinfo")
DEFAULT_PORT = 9898
COMMIT = "unknown"
"""The program's own default where a build sets no revision."""
COLORS = "#34577c"
LOGO = "https://raw.githubusercontent.com/stefanprodan/podinfo/gh-pages/cuddle_clap.gif"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""client_golang's DefBuckets."""

_JSON = b"application/json; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
_METRICS = b"text/plain; version=0.0.4; charset=utf-8"
_NOT_A_LABEL = re.compile(r"[^a-zA-Z0-9]+")


def podinfo(context: ContainerContext) -> Program:
    """The program: one HTTP server on 9898, or on the port that `--port` or PODINFO_PORT names."""
    app, port = Podinfo(context), _port(context)
    _say(context, "podinfo/main.go:153", "Starting podinfo", version=app.version, revision=COMMIT, port=str(port))
    _say(context, "http/server.go:224", "Starting HTTP Server.", addr=f":{port}")
    return Serving(ports={port: app}, start_delay_seconds=context.chance.uniform(0.05, 0.2))


def _say(context: ContainerContext, caller: str, message: str, **fields: str) -> None:
    """Write a line as its zap logger does: JSON, milliseconds, the fields last."""
    at = context.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"level": "info", "ts": at, "caller": caller, "msg": message, **fields}
    context.log(msgspec.json.encode(line).decode())


def _port(context: ContainerContext) -> int:
    words = [str(word) for word in (*(context.container.get("command") or ()), *(context.container.get("args") or ()))]
    for word, following in pairwise([*words, ""]):
        if word.startswith("--port="):
            return int(word.removeprefix("--port="))
        if word == "--port" and following.isdigit():
            return int(following)
    return int(context.env.get("PODINFO_PORT", DEFAULT_PORT))


class Podinfo:
    """The ASGI application. Its state is one run's: counters start at 0, readiness can be switched."""

    def __init__(self, context: ContainerContext) -> None:
        self.version = parse_image(context.image).tag
        self._context = context
        self._is_ready = True
        self._is_healthy = True
        self._requests: dict[int, int] = {}
        self._durations: dict[tuple[str, str, int], tuple[list[int], float]] = {}
        self._home = self._json(self._info())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._serve(scope, receive, send, forced=0)

    @property
    def failing(self) -> AsgiApp:
        """The same server, failing: answers and counts 500."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send, forced=500)

        return app

    async def _serve(self, scope: Scope, receive: Receive, send: Send, *, forced: int) -> None:
        begin = self._context.clock.monotonic()
        if scope["path"] == "/metrics" and not forced:
            # The original's middleware counts a scrape after it was rendered, like any other request.
            route, status, kind, body = "/metrics", 200, _METRICS, self._metrics()
        else:
            route, status, kind, body = await self._answer(scope, receive)
        if forced:
            status, kind, body = forced, _TEXT, b"internal error (scripted)\n"
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", kind), (b"x-content-type-options", b"nosniff")],
            }
        )
        await send({"type": "http.response.body", "body": body})
        self._count(scope["method"], route, status, self._context.clock.monotonic() - begin)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[str, int, bytes, bytes]:
        path, method = scope["path"], scope["method"]
        match path.strip("/").split("/"):
            case ["" | "api"] | ["api", "info"]:
                return path, 200, _JSON, self._home
            case ["version"]:
                return path, 200, _JSON, self._json({"commit": COMMIT, "version": self.version})
            case ["healthz"]:
                return path, *self._health(self._is_healthy)
            case ["readyz"]:
                return path, *self._health(self._is_ready)
            case ["readyz", ("enable" | "disable") as wish] if method == "POST":
                self._is_ready = wish == "enable"
                return path, 202, _JSON, self._json({"status": "OK"})
            case ["status", code] if code.isdigit() and 100 <= int(code) <= 999:
                return "/status/{code}", int(code), _JSON, self._json({"status": int(code)})
            case ["delay", seconds] if seconds.isdigit():
                await self._context.clock.sleep(float(seconds))
                return "/delay/{wait}", 200, _JSON, self._json({"delay": int(seconds)})
            case ["env"]:
                listed = [f"{name}={value}" for name, value in sorted(self._context.env.items())]
                return path, 200, _JSON, self._json(listed)
            case ["echo"] | ["api", "echo"] if method in ("POST", "PUT"):
                message = await receive()
                return path, 202, _JSON, bytes(message.get("body", b""))
            case _:
                return path, 404, _TEXT, b"404 page not found\n"

    def _health(self, is_well: bool) -> tuple[int, bytes, bytes]:
        return (200, _JSON, self._json({"status": "OK"})) if is_well else (503, _JSON, self._json({"status": "KO"}))

    def _json(self, value: object) -> bytes:
        return msgspec.json.format(msgspec.json.encode(value), indent=2)

    def _info(self) -> dict[str, str]:
        env = self._context.env
        return {
            "hostname": self._context.pod["metadata"]["name"],
            "version": self.version,
            "revision": COMMIT,
            "color": env.get("PODINFO_UI_COLOR", COLORS),
            "logo": env.get("PODINFO_UI_LOGO", LOGO),
            "message": env.get("PODINFO_UI_MESSAGE", f"greetings from podinfo v{self.version}"),
            "goos": "linux",
            "goarch": "amd64",
            "runtime": "canarium",
            "num_goroutine": "8",
            "num_cpu": "1",
        }

    def _count(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests[status] = self._requests.get(status, 0) + 1
        label = _NOT_A_LABEL.sub("_", route).strip("_").lower() or "root"
        key = (method, label, status)
        buckets, total = self._durations.get(key) or ([0] * (len(BUCKETS) + 1), 0.0)
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self._durations[key] = (buckets, total + seconds)

    def _metrics(self) -> bytes:
        lines: list[str] = []
        if self._durations:
            lines += [
                "# HELP http_request_duration_seconds Seconds spent serving HTTP requests.",
                "# TYPE http_request_duration_seconds histogram",
            ]
        for (method, path, status), (buckets, total) in sorted(self._durations.items()):
            labels = f'method="{method}",path="{path}",status="{status}"'
            count = 0
            for bound, number in zip((*BUCKETS, "+Inf"), buckets, strict=True):
                count += number
                text = bound if isinstance(bound, str) else f"{bound:g}"
                lines.append(f'http_request_duration_seconds_bucket{{{labels},le="{text}"}} {count}')
            lines.append(f"http_request_duration_seconds_sum{{{labels}}} {total:.9g}")
            lines.append(f"http_request_duration_seconds_count{{{labels}}} {count}")
        if self._requests:
            lines += [
                "# HELP http_requests_total The total number of HTTP requests.",
                "# TYPE http_requests_total counter",
            ]
        lines += [f'http_requests_total{{status="{status}"}} {n}' for status, n in sorted(self._requests.items())]
        return ("\n".join(lines) + "\n").encode()
