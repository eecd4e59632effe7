"""The Prometheus HTTP API, as an ASGI application.

Owns: parameters, the response envelope, error types and status codes. Must not know: how a query is evaluated, or how
samples came into the store. Source: Prometheus 3.x web/api/v1/api.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.kube.objects import parse_time
from canarium.metrics.promql import engine
from canarium.metrics.promql.ast import Matcher, ValueType, VectorSelector
from canarium.metrics.promql.errors import ParseError
from canarium.metrics.promql.literals import duration_seconds
from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.values import EvalError, Result
from canarium.metrics.tsdb.gofloat import go_api
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.program import AsgiApp, Receive, Scope, Send

VERSION = "3.14.0"
MAX_POINTS = 11_000
_STATUS = {"bad_data": 400, "execution": 422, "timeout": 503, "canceled": 499, "not_found": 404, "internal": 500}


class ApiProblem(CanariumError):
    """An error answer: `error_type` and message as the API words them."""

    def __init__(self, error_type: str, problem: str) -> None:
        super().__init__(problem)
        self.error_type = error_type


class PrometheusApi:
    """`/api/v1/*` over one store. targets: describes the active targets for `/api/v1/targets`."""

    def __init__(
        self, store: MemoryStore, clock: Clock, targets: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    ) -> None:
        self._store = store
        self._clock = clock
        self._targets = targets

    @property
    def app(self) -> AsgiApp:
        """The ASGI application; `/-/ready` and `/-/healthy` included."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            status, body, content_type = await self._answer(scope, receive)
            headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return app

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes, bytes]:
        path = scope["path"]
        if path in ("/-/ready", "/-/healthy"):
            state = b"Ready" if path == "/-/ready" else b"Healthy"
            return 200, b"Prometheus Server is " + state + b".\n", b"text/plain; charset=utf-8"
        if not path.startswith("/api/v1/"):
            return 404, b"404 page not found\n", b"text/plain; charset=utf-8"
        if scope["method"] not in ("GET", "POST"):
            return 405, b"Method Not Allowed\n", b"text/plain; charset=utf-8"
        try:
            form = await _form(scope, receive)
            data, extra = self._route(path.removeprefix("/api/v1/"), form)
            return 200, msgspec.json.encode({"status": "success", "data": data, **extra}), b"application/json"
        except ApiProblem as problem:
            answer = {"status": "error", "errorType": problem.error_type, "error": problem.problem}
            return _STATUS[problem.error_type], msgspec.json.encode(answer), b"application/json"

    def _route(self, path: str, form: Mapping[str, list[str]]) -> tuple[Any, dict[str, Any]]:
        match path.split("/"):
            case ["query"]:
                return self._query(form)
            case ["query_range"]:
                return self._query_range(form)
            case ["series"]:
                return self._series(form), {}
            case ["labels"]:
                start_ms, end_ms = self._window(form)
                return self._store.label_names(_selectors(form), start_ms, end_ms), {}
            case ["label", name, "values"]:
                start_ms, end_ms = self._window(form)
                return self._store.label_values(name, _selectors(form), start_ms, end_ms), {}
            case ["metadata"]:
                found = self._store.metadata(_first(form, "metric", ""))
                return {
                    name: [{"type": entry.type, "help": entry.help, "unit": entry.unit}]
                    for name, entry in found.items()
                }, {}
            case ["targets"]:
                return {"activeTargets": list(self._targets()), "droppedTargets": []}, {}
            case ["status", "buildinfo"]:
                return {"version": VERSION, "revision": "canarium", "branch": "", "goVersion": ""}, {}
            case _:
                raise ApiProblem("not_found", f"/api/v1/{path} is not built into canarium yet")

    def _query(self, form: Mapping[str, list[str]]) -> tuple[Any, dict[str, Any]]:
        at_ms = self._time(form, "time")
        query = _first(form, "query", "")
        expr = _parsed(query)
        return _told(_evaluated(lambda: engine.instant(expr, at_ms, self._store, query=query)))

    def _query_range(self, form: Mapping[str, list[str]]) -> tuple[Any, dict[str, Any]]:
        start_ms = _parsed_time(_first(form, "start", ""), "start")
        end_ms = _parsed_time(_first(form, "end", ""), "end")
        if end_ms < start_ms:
            raise ApiProblem("bad_data", 'invalid parameter "end": end timestamp must not be before start time')
        step_ms = _parsed_step(_first(form, "step", ""))
        if (end_ms - start_ms) // step_ms > MAX_POINTS:
            raise ApiProblem(
                "bad_data",
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution"
                " (?step=XX)",
            )
        query = _first(form, "query", "")
        expr = _parsed(query)
        return _told(_evaluated(lambda: engine.range_(expr, start_ms, end_ms, step_ms, self._store, query=query)))

    def _series(self, form: Mapping[str, list[str]]) -> list[dict[str, str]]:
        selectors = _selectors(form)
        if not selectors:
            raise ApiProblem("bad_data", "no match[] parameter provided")
        start_ms, end_ms = self._window(form)
        return [labels.as_dict() for labels in sorted(self._store.label_sets(selectors, start_ms, end_ms))]

    def _window(self, form: Mapping[str, list[str]]) -> tuple[int, int]:
        start = _first(form, "start", "")
        end = _first(form, "end", "")
        return (
            _parsed_time(start, "start") if start else -(1 << 62),
            _parsed_time(end, "end") if end else (1 << 62),
        )

    def _time(self, form: Mapping[str, list[str]], name: str) -> int:
        text = _first(form, name, "")
        return _parsed_time(text, name) if text else round(self._clock.now().timestamp() * 1000)


async def _form(scope: Scope, receive: Receive) -> dict[str, list[str]]:
    """Query string and form body together, as Go's ParseForm: the body's values come first."""
    text = scope["query_string"].decode("latin-1")
    pairs = parse_qsl(text, keep_blank_values=True)
    if scope["method"] == "POST":
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) + pairs
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _first(form: Mapping[str, list[str]], name: str, default: str) -> str:
    values = form.get(name)
    return values[0] if values else default


def _parsed(query: str) -> Any:
    try:
        return parse(query)
    except ParseError as error:
        raise ApiProblem("bad_data", f'invalid parameter "query": {error.message}') from error


def _selectors(form: Mapping[str, list[str]]) -> list[tuple[Matcher, ...]]:
    selectors: list[tuple[Matcher, ...]] = []
    for text in form.get("match[]", ()):
        try:
            expr = parse(text)
        except ParseError as error:
            raise ApiProblem("bad_data", f'invalid parameter "match[]": {error.message}') from error
        if not isinstance(expr, VectorSelector):
            raise ApiProblem("bad_data", 'invalid parameter "match[]": a series selector is expected')
        selectors.append(expr.matchers)
    return selectors


def _parsed_time(text: str, name: str) -> int:
    """Unix seconds or RFC 3339, in milliseconds."""
    try:
        seconds = float(text)
        if math.isfinite(seconds):
            return round(seconds * 1000)
    except ValueError:
        pass  # then it is RFC 3339, or nothing
    try:
        at: datetime = parse_time(text)
        return round(at.timestamp() * 1000)
    except ValueError:
        problem = f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp'
        raise ApiProblem("bad_data", problem) from None


def _parsed_step(text: str) -> int:
    """Seconds or a Prometheus duration, in milliseconds."""
    try:
        seconds: float | str = float(text)
    except ValueError:
        seconds = duration_seconds(text)
    if isinstance(seconds, str) or not math.isfinite(seconds):
        raise ApiProblem("bad_data", f'invalid parameter "step": cannot parse "{text}" to a valid duration')
    step_ms = round(seconds * 1000)
    if step_ms <= 0:
        raise ApiProblem(
            "bad_data",
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive'
            " integer",
        )
    return step_ms


def _evaluated(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except EvalError as error:
        raise ApiProblem(error.error_type, error.problem) from error


def _told(result: Result) -> tuple[Any, dict[str, Any]]:
    """The `data` of an answer, and the warnings and infos beside it."""
    extra: dict[str, Any] = {}
    if result.annotations.warnings:
        extra["warnings"] = list(result.annotations.warnings)
    if result.annotations.infos:
        extra["infos"] = list(result.annotations.infos)
    match result.value_type:
        case ValueType.VECTOR:
            at = _seconds(int(result.timestamps[0])) if len(result.timestamps) else 0
            told: Any = [{"metric": _metric(labels), "value": [at, go_api(value)]} for labels, value in result.vector()]
        case ValueType.MATRIX:
            told = [
                {
                    "metric": _metric(series.labels),
                    "values": [
                        [_seconds(time), go_api(value)]
                        for time, value in zip(series.timestamps.tolist(), series.values.tolist(), strict=True)
                    ],
                }
                for series in result.series
            ]
        case ValueType.SCALAR:
            told = [_seconds(int(result.timestamps[0])), go_api(result.number)]
        case _:
            told = [_seconds(int(result.timestamps[0])), result.text]
    return {"resultType": result.value_type.value, "result": told}, extra


def _metric(labels: Labels) -> dict[str, str]:
    return labels.as_dict()


def _seconds(time_ms: int) -> int | float:
    return time_ms // 1000 if time_ms % 1000 == 0 else time_ms / 1000
