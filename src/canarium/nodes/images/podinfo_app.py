"""podinfo, as much of it as releases, probes and curious people look at: the one implementation, lab and process alike.

Owns: its flags, its HTTP API, its log lines, its metric names. Must not know: sockets, pods other than its own.
Behaviour follows podinfo 6.x cmd/podinfo and pkg/api/http (https://github.com/stefanprodan/podinfo). Its gRPC, HTTPS,
cache, store, token and web socket endpoints answer 501; /configs, backends of /echo and the Vue page are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from canarium.nodes.images.machine import BEGAN, AsgiApp, Log, Machine, Receive, Scope, Send
from canarium.nodes.images.metrics import CONTENT_TYPE, RequestMetrics
from canarium.nodes.images.options import Options

DEFAULT_PORT = 9898
COMMIT = "unknown"
"""The program's own default where a build sets no revision."""
COLOR = "#34577c"
LOGO = "https://raw.githubusercontent.com/stefanprodan/podinfo/gh-pages/cuddle_clap.gif"
MAX_BODY_BYTES = 10 << 20
PANIC_EXIT_CODE = 255

_FLAGS = [
    "host",
    "port",
    "port-metrics",
    "level",
    "ui-color",
    "ui-logo",
    "ui-message",
    "http-server-timeout",
    "server-shutdown-timeout",
    "random-delay-min",
    "random-delay-max",
    "random-delay-unit",
]
_SWITCHES = ("random-delay", "random-error", "unhealthy", "unready", "version", "v")
_LEVELS = ("debug", "info", "warn", "error", "fatal", "panic")

_JSON = b"application/json; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
_NUMBERED = re.compile(r"/(status|delay|chunked)/([0-9]+)")
_LEFT_OUT = re.compile(r"/(store|cache|token|ws|swagger|debug/pprof|configs)(/.*|\.json)?")


class Settings:
    """What flags and PODINFO_ variables say."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str], version: str) -> None:
        options = Options(words, known=_FLAGS, switches=_SWITCHES, env=env, env_prefix="PODINFO_")
        self.unknown = options.unknown
        self.asks_version = bool(options.texts("version") or options.texts("v"))
        self.port = options.integer("port", DEFAULT_PORT)
        self.metrics_port = options.integer("port-metrics", 0)
        level = options.text("level", "info")
        self.level = level if level in _LEVELS else "info"
        self.color = options.text("ui-color", COLOR)
        self.logo = options.text("ui-logo", LOGO)
        self.message = options.text("ui-message", f"greetings from podinfo v{version}")
        self.shutdown_seconds = _duration(options, "server-shutdown-timeout", 5.0)
        self.server_seconds = _duration(options, "http-server-timeout", 30.0)
        self.has_random_delay = options.has("random-delay")
        self.delay_unit_seconds = 0.001 if options.text("random-delay-unit") == "ms" else 1.0
        self.delay_least, self.delay_most = (
            options.integer("random-delay-min", 0),
            options.integer("random-delay-max", 5),
        )
        self.has_random_error = options.has("random-error")
        self.is_healthy = not options.has("unhealthy")
        self.is_ready = not options.has("unready")


class Answer:
    """One answer: what, and where it is counted (None: the original's middleware never sees a path without route)."""

    __slots__ = ("body", "kind", "more", "route", "status")

    def __init__(self, route: str | None, status: int, body: bytes = b"", kind: bytes = b"", more: str = "") -> None:
        self.route, self.status, self.body, self.kind, self.more = route, status, body, kind, more


class Podinfo:
    """The ASGI application. Its state is one run's: counters start at 0, readiness can be switched.

    panic: ends the program with an exit code, for /panic. more_metrics: lines for /metrics beside its own.
    """

    def __init__(
        self,
        *,
        version: str,
        hostname: str,
        words: Sequence[str],
        env: Mapping[str, str],
        machine: Machine,
        log: Log,
        panic: Callable[[int], None],
        more_metrics: Callable[[], list[str]] = list,
    ) -> None:
        self.version, self.hostname = version, hostname
        self.settings = Settings(words, env, version)
        self.is_healthy, self.is_ready = self.settings.is_healthy, self.settings.is_ready
        self._env, self._machine, self._log, self._panic = env, machine, log, panic
        self._more_metrics = more_metrics
        self._has_faults = False
        self._metrics = RequestMetrics()
        self._home = _json(self._info())

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
        """The first line of its log, and one for what it was told in vain."""
        port = str(self.settings.port)
        self.say("podinfo/main.go:153", "Starting podinfo", version=self.version, revision=COMMIT, port=port)
        for word in self.settings.unknown:
            self.say("podinfo/main.go:64", f"ignored on the command line: {word}", level="warn")

    def say_listening(self) -> None:
        """The line that says it listens. The address is the pod's, wherever that is on the host."""
        self.say("http/server.go:224", "Starting HTTP Server.", addr=f":{self.settings.port}")

    def say(self, caller: str, message: str, *, level: str = "info", **fields: object) -> None:
        """Write a line as its zap logger does: JSON, milliseconds, the fields last."""
        if _LEVELS.index(level) < _LEVELS.index(self.settings.level):
            return
        at = self._machine.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"level": level, "ts": at, "caller": caller, "msg": message, **fields}
        self._log(json.dumps(line, separators=(",", ":"), ensure_ascii=False))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, *, forced: int) -> None:
        begin = scope.get(BEGAN, self._machine.monotonic())
        if self.settings.level == "debug":
            self._say_request(scope)
        answer = await self._answer(scope, receive)
        if forced:
            answer = Answer(answer.route or scope["path"], forced, b"internal error (scripted)\n", _TEXT)
        headers = [(b"content-type", answer.kind)] if answer.kind else []
        if answer.body:
            headers.append((b"x-content-type-options", b"nosniff"))
        if answer.more == "echo":
            headers += [(b"content-security-policy", b"default-src 'none'"), (b"x-color", self.settings.color.encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if answer.more.startswith("chunked"):
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            await self._machine.sleep(float(answer.more.removeprefix("chunked")))
            await send({"type": "http.response.body", "body": answer.body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "http.response.body", "body": answer.body})
        if answer.route is not None:
            self._metrics.count(scope["method"], answer.route, answer.status, self._machine.monotonic() - begin)

    def _say_request(self, scope: Scope) -> None:
        query = scope["query_string"].decode("latin-1")
        agent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), "")
        client = scope.get("client") or ("", 0)
        self.say(
            "http/logging.go:35",
            "request started",
            level="debug",
            proto=f"HTTP/{scope.get('http_version', '1.1')}",
            uri=scope["path"] + (f"?{query}" if query else ""),
            method=scope["method"],
            remote=f"{client[0]}:{client[1]}",
            **{"user-agent": agent},
        )

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        methods = _methods(path)
        if methods is None:
            return Answer(None, 404, b"404 page not found\n", _TEXT)
        if methods and method not in methods:
            return Answer(None, 405)
        route = _NUMBERED.sub(lambda found: f"/{found[1]}/{_VARIABLES[found[1]]}", path)
        disturbed = await self._disturbed(path, route)
        return disturbed if disturbed is not None else await self._routed(path, route, scope, receive)

    async def _disturbed(self, path: str, route: str) -> Answer | None:
        """The middlewares before a handler: injected faults, random delay, random error."""
        settings, machine = self.settings, self._machine
        is_spared = path.startswith("/fault_injection") or path in ("/healthz", "/readyz", "/metrics")
        if self._has_faults and not is_spared:
            return Answer(route, 500, b'{"status":"fault injection enabled"}\n', _TEXT)
        if settings.has_random_delay and settings.delay_most > settings.delay_least:
            whole = settings.delay_least + int(machine.random() * (settings.delay_most - settings.delay_least))
            await machine.sleep(whole * settings.delay_unit_seconds)
        if settings.has_random_error and machine.random() < 1 / 3:
            return Answer(route, (500, 400, 409)[int(machine.random() * 3)])
        return None

    async def _routed(self, path: str, route: str, scope: Scope, receive: Receive) -> Answer:
        match path.split("/")[1:]:
            case [""] if self._is_browser(scope):
                return Answer(route, 200, self._page(), b"text/html; charset=utf-8")
            case [""] | ["api", "info"]:
                return Answer(route, 200, self._home, _JSON)
            case ["version"]:
                return Answer(route, 200, _json({"commit": COMMIT, "version": self.version}), _JSON)
            case ["metrics"]:
                # The original's middleware counts a scrape after it was rendered, like any other request.
                lines = self._metrics.lines() + self._more_metrics()
                return Answer(route, 200, ("\n".join(lines) + "\n").encode(), CONTENT_TYPE)
            case ["healthz"]:
                return _health(route, self.is_healthy)
            case ["readyz"]:
                return _health(route, self.is_ready)
            case ["readyz", wish]:
                self.is_ready = wish == "enable"
                return Answer(route, 202)
            case ["fault_injection", wish]:
                if wish != "status":
                    self._has_faults = wish == "enable"
                state = "enabled" if self._has_faults else "disabled"
                return Answer(route, 200 if wish == "status" else 202, _json({"fault_injection": state}), _JSON)
            case ["status", code]:
                if not 200 <= int(code) <= 999:  # what net/http panics at, or could not be a final answer
                    return Answer(route, 500, b"Internal Server Error\n", _TEXT)
                return Answer(route, int(code), _json({"status": int(code)}), _JSON)
            case ["delay", wait]:
                await self._machine.sleep(float(wait))
                return Answer(route, 200, _json({"delay": int(wait)}), _JSON)
            case ["chunked", *waits]:
                span = max(int(self.settings.server_seconds), 12) - 10
                wait = waits[0] if waits else str(10 + int(self._machine.random() * span))
                return Answer(route, 200, _json({"delay": int(wait)}), _JSON, more=f"chunked{wait}")
            case ["panic"]:
                self.say("http/panic.go:15", "Panic command received")
                self._panic(PANIC_EXIT_CODE)
                return Answer(None, 500)
            case ["env"]:
                return Answer(
                    route, 200, _json([f"{name}={value}" for name, value in sorted(self._env.items())]), _JSON
                )
            case ["headers"]:
                return Answer(route, 200, _json(self._headers(scope)), _JSON)
            case ["echo", *_] | ["api", "echo", *_]:
                return await self._echo(route, receive)
            case _:
                return Answer(route, 501, f"{path} is not part of the podinfo that canarium bundles\n".encode(), _TEXT)

    async def _echo(self, route: str, receive: Receive) -> Answer:
        pieces, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                break
            pieces.append(bytes(message.get("body", b"")))
            size += len(pieces[-1])
            if size > MAX_BODY_BYTES:
                # The original says 413 in the body of a 200.
                return Answer(route, 200, _json({"code": 413, "message": "request body too large"}), _JSON)
            if not message.get("more_body", False):
                break
        return Answer(route, 202, b"".join(pieces), b"application/octet-stream", more="echo")

    def _headers(self, scope: Scope) -> dict[str, list[str]]:
        """The request's headers as Go keeps them: capital letters, Host apart, and two that its middleware adds."""
        found: dict[str, list[str]] = {"X-Api-Revision": [COMMIT], "X-Api-Version": [self.version]}
        for name, value in scope["headers"]:
            if name != b"host":
                found.setdefault(name.decode("latin-1").title(), []).append(value.decode("latin-1"))
        return dict(sorted(found.items()))

    def _is_browser(self, scope: Scope) -> bool:
        return any(name == b"user-agent" and value.startswith(b"Mozilla") for name, value in scope["headers"])

    def _page(self) -> bytes:
        settings = self.settings
        return (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{_html(self.hostname)}</title>"
            f'<body style="background:{_html(settings.color)};color:#fff;font-family:sans-serif;text-align:center">'
            f'<p><img alt="" src="{_html(settings.logo)}"><h1>{_html(settings.message)}</h1>'
            f"<p>{_html(self.hostname)} · podinfo {_html(self.version)}"
        ).encode()

    def _info(self) -> dict[str, str]:
        return {
            "hostname": self.hostname,
            "version": self.version,
            "revision": COMMIT,
            "color": self.settings.color,
            "logo": self.settings.logo,
            "message": self.settings.message,
            "goos": "linux",
            "goarch": "amd64",
            "runtime": "canarium",
            "num_goroutine": "8",
            "num_cpu": "1",
        }


_GET = ("GET",)
_METHODS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("/", "/version", "/healthz", "/readyz", "/fault_injection/status", "/panic", "/api/info"), _GET),
    **dict.fromkeys(
        ("/readyz/enable", "/readyz/disable", "/fault_injection/enable", "/fault_injection/disable"), ("POST",)
    ),
    **dict.fromkeys(("/env", "/headers"), ("GET", "POST")),
    **dict.fromkeys(("/metrics", "/echo", "/api/echo", "/chunked"), ()),
}
_VARIABLES = {"status": "{code}", "delay": "{wait}", "chunked": "{wait}"}


def _methods(path: str) -> tuple[str, ...] | None:
    """The methods that a path takes; () for any, None for a path that has no route."""
    found = _METHODS.get(path)
    if found is not None:
        return found
    numbered = _NUMBERED.fullmatch(path)
    if numbered is not None:
        return {"status": ("GET", "POST", "PUT"), "delay": _GET, "chunked": ()}[numbered[1]]
    if path.startswith(("/echo/", "/api/echo/")) or _LEFT_OUT.fullmatch(path):
        return ()
    return None


def _duration(options: Options, name: str, default: float) -> float:
    try:
        return options.number(name, default)
    except ValueError:
        return default  # the original would not start; a lab has to go on


def _health(route: str, is_well: bool) -> Answer:
    return Answer(route, 200, _json({"status": "OK"}), _JSON) if is_well else Answer(route, 503)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
