"""The Prometheus HTTP API, as an ASGI application.

Owns: endpoints, the response envelope and status codes. Must not know: how a query is evaluated, or how samples came
into the store. Parameters are in `api_params`; answers about scraping in `api_targets`, about the server in
`api_status`.
Source: Prometheus 3.x web/api/v1/api.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from canarium.clock import Clock
from canarium.metrics import api_status, api_targets
from canarium.metrics.api_params import (
    ApiProblem,
    Form,
    bad_parameter,
    count,
    duration,
    first,
    limit,
    parsed,
    read_form,
    selectors,
    step_ms,
    time_ms,
    window,
)
from canarium.metrics.api_status import TIMEOUT_SECONDS, VERSION
from canarium.metrics.api_targets import NoScraping, Scraping
from canarium.metrics.promql import engine
from canarium.metrics.promql.ast import ValueType
from canarium.metrics.promql.printer import format_pretty
from canarium.metrics.promql.quoting import quote
from canarium.metrics.promql.translate import translated
from canarium.metrics.promql.values import EvalError, Limits, Result
from canarium.metrics.tsdb.gofloat import go_api
from canarium.metrics.tsdb.matchers import InvalidRegex
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.program import AsgiApp, Receive, Scope, Send

__all__ = ("MAX_POINTS", "VERSION", "ApiProblem", "PrometheusApi")

MAX_POINTS = 11_000
TOO_MANY_SAMPLES = "query processing would load too many samples into memory in query execution"
_STATUS = {"bad_data": 400, "execution": 422, "timeout": 503, "canceled": 499, "not_found": 404, "internal": 500}
_TRUNCATED = "results truncated due to limit"
_TEXT = b"text/plain; charset=utf-8"
_JSON = b"application/json"
_ESCAPED = re.compile(r"__|_([0-9A-Fa-f]{1,6})_|_")

Answer: TypeAlias = tuple[Any, dict[str, Any]]
"""`data`, and what stands beside it: warnings and infos."""


class PrometheusApi:
    """`/api/v1/*` over one store, and over whoever scrapes into it."""

    def __init__(self, store: MemoryStore, clock: Clock, scraping: Scraping | None = None) -> None:
        self._store = store
        self._clock = clock
        self._scraping: Scraping = scraping or NoScraping()
        self._started = clock.now()

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
            return 200, b"Prometheus Server is " + state + b".\n", _TEXT
        if not path.startswith("/api/v1/"):
            return 404, b"404 page not found\n", _TEXT
        if scope["method"] not in ("GET", "POST"):
            return 405, b"Method Not Allowed\n", _TEXT
        try:
            form = await read_form(scope, receive)
            return 200, _guarded(lambda: self._encoded(path.removeprefix("/api/v1/"), form, scope)), _JSON
        except ApiProblem as problem:
            answer = {"status": "error", "errorType": problem.error_type, "error": problem.problem}
            return _STATUS[problem.error_type], msgspec.json.encode(answer), _JSON

    def _encoded(self, path: str, form: Form, scope: Scope) -> bytes:
        data, extra = self._route(path, form, scope)
        return msgspec.json.encode({"status": "success", "data": data, **extra})

    def _route(self, path: str, form: Form, scope: Scope) -> Answer:
        match path.split("/"):
            case ["query"]:
                return self._query(form)
            case ["query_range"]:
                return self._query_range(form)
            case ["format_query"]:
                return format_pretty(parsed(first(form, "query"))), {}
            case ["parse_query"]:
                return translated(parsed(first(form, "query"))), {}
            case ["series"]:
                return self._series(form)
            case ["labels"]:
                most = limit(form)
                start_ms, end_ms = window(form)
                return _limited(self._store.label_names(selectors(form), start_ms, end_ms), most)
            case ["label", name, "values"]:
                return self._label_values(name, form)
            case ["metadata"]:
                return self._metadata(form), {}
            case ["targets"]:
                return api_targets.targets(self._scraping, form, _host(scope)), {}
            case ["targets", "relabel_steps"]:
                return api_targets.relabel_steps(self._scraping, form), {}
            case ["scrape_pools"]:
                return api_targets.pools(self._scraping), {}
            case ["scrape_pools", "config"]:
                return api_targets.pool_config(self._scraping, form), {}
            case ["rules"]:
                return _no_rules(form), {}
            case ["alerts"]:
                return {"alerts": []}, {}
            case ["alertmanagers"]:
                return {"activeAlertmanagers": [], "droppedAlertmanagers": []}, {}
            case ["status", what]:
                return self._status(what, form), {}
            case ["status", "tsdb", "blocks"]:
                return {"blocks": []}, {}
            case _:
                raise _not_built(path)

    def _status(self, what: str, form: Form) -> Any:
        match what:
            case "buildinfo":
                return api_status.build_info()
            case "config":
                return api_targets.config(self._scraping)
            case "flags":
                return api_status.flags(self._store)
            case "runtimeinfo":
                return api_status.runtime_info(self._store, self._started, self._clock.now())
            case "tsdb":
                text = first(form, "limit", "10")
                if not re.fullmatch(r"\+?[0-9]{1,18}", text) or int(text) < 1:
                    raise ApiProblem("bad_data", "limit must be a positive number")
                if int(text) > api_status.MAX_TOP:
                    raise ApiProblem("bad_data", f"limit must not exceed {api_status.MAX_TOP}")
                return api_status.tsdb(self._store, int(text))
            case _:
                raise _not_built(f"status/{what}")

    def _query(self, form: Form) -> Answer:
        most = limit(form)
        text = first(form, "time")
        at_ms = time_ms(text, "time") if text else round(self._clock.now().timestamp() * 1000)
        limits, lookback_ms = self._limits(form), _lookback_ms(form)
        query = first(form, "query")
        expr = parsed(query)
        return self._evaluated(
            form,
            most,
            lambda: engine.instant(expr, at_ms, self._store, query=query, limits=limits, lookback_ms=lookback_ms),
        )

    def _query_range(self, form: Form) -> Answer:
        most = limit(form)
        start_ms = time_ms(first(form, "start"), "start")
        end_ms = time_ms(first(form, "end"), "end")
        if end_ms < start_ms:
            raise bad_parameter("end", "end timestamp must not be before start time")
        every_ms = step_ms(first(form, "step"))
        if (end_ms - start_ms) // every_ms > MAX_POINTS:
            raise ApiProblem(
                "bad_data",
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution"
                " (?step=XX)",
            )
        limits, lookback_ms = self._limits(form), _lookback_ms(form)
        query = first(form, "query")
        expr = parsed(query)
        return self._evaluated(
            form,
            most,
            lambda: engine.range_(
                expr, start_ms, end_ms, every_ms, self._store, query=query, limits=limits, lookback_ms=lookback_ms
            ),
        )

    def _evaluated(self, form: Form, most: int, work: Callable[[], Result]) -> Answer:
        """The answer to a query: its result, shortened to a limit, and statistics where asked for."""
        started = self._clock.monotonic()
        result = work()
        took = self._clock.monotonic() - started
        data = _told(result)
        warnings = list(result.annotations.warnings)
        if most and result.value_type in (ValueType.VECTOR, ValueType.MATRIX) and len(data["result"]) > most:
            data["result"] = data["result"][:most]
            warnings.append(_TRUNCATED)
        if stats := first(form, "stats"):
            data["stats"] = {"timings": {**dict.fromkeys(_NO_TIMINGS, 0.0), **dict.fromkeys(_TIMINGS, took)}}
            if stats not in ("true", "all"):
                warnings.append(
                    f'value {quote(stats)} for parameter "stats" is deprecated and will be rejected in the next major'
                    ' release, use "true" or "all"'
                )
        extra: dict[str, Any] = {}
        if warnings:
            extra["warnings"] = warnings
        if result.annotations.infos:
            extra["infos"] = list(result.annotations.infos)
        return data, extra

    def _limits(self, form: Form) -> Limits:
        """How long a query may take: its `timeout`, or the server's."""
        text = first(form, "timeout")
        seconds = duration(text) if text else TIMEOUT_SECONDS
        if seconds is None:
            raise bad_parameter("timeout", f'cannot parse "{text}" to a valid duration')
        end = self._clock.monotonic() + min(seconds, TIMEOUT_SECONDS)

        def interrupted() -> Literal["", "timeout", "canceled"]:
            return "timeout" if self._clock.monotonic() > end else ""

        return Limits(interrupted=interrupted)

    def _series(self, form: Form) -> Answer:
        found = selectors(form)
        if not found:
            raise ApiProblem("bad_data", "no match[] parameter provided")
        most = limit(form)
        start_ms, end_ms = window(form)
        return _limited([one.as_dict() for one in self._store.label_sets(found, start_ms, end_ms)], most)

    def _label_values(self, name: str, form: Form) -> Answer:
        name = _unescaped(name)
        if not name:
            raise ApiProblem("bad_data", 'invalid label name: ""')
        most = limit(form)
        start_ms, end_ms = window(form)
        return _limited(self._store.label_values(name, selectors(form), start_ms, end_ms), most)

    def _metadata(self, form: Form) -> dict[str, list[dict[str, str]]]:
        most = count(form, "limit", -1)
        count(form, "limit_per_metric", -1)  # there is never more than one entry of a metric
        found = sorted(self._store.metadata(first(form, "metric")).items())
        return {
            name: [{"type": entry.type, "help": entry.help, "unit": entry.unit}]
            for name, entry in (found[:most] if most >= 0 else found)
        }


_TIMINGS = ("evalTotalTime", "innerEvalTime", "execTotalTime")
_NO_TIMINGS = (
    "evalTotalTime",
    "resultSortTime",
    "queryPreparationTime",
    "innerEvalTime",
    "execQueueTime",
    "execTotalTime",
)


def _not_built(path: str) -> ApiProblem:
    return ApiProblem("not_found", f"/api/v1/{path} is not built into canarium yet")


def _guarded(work: Callable[[], bytes]) -> bytes:
    """Whatever a query may do wrong, as an answer."""
    try:
        return work()
    except EvalError as error:
        raise ApiProblem(error.error_type, error.problem) from error
    except InvalidRegex as error:
        raise ApiProblem("bad_data", error.problem) from error
    except RecursionError as error:
        raise ApiProblem("execution", "the expression is nested too deeply to be evaluated") from error
    except UnicodeEncodeError as error:
        raise ApiProblem("execution", "the query has text that is not valid UTF-8") from error
    except OverflowError as error:
        raise ApiProblem("execution", "a time or duration is out of range") from error
    except MemoryError as error:
        raise ApiProblem("execution", TOO_MANY_SAMPLES) from error


def _no_rules(form: Form) -> dict[str, Any]:
    """`rules`: no groups, as nothing evaluates rules yet."""
    wanted = first(form, "type").lower()
    if wanted not in ("", "alert", "record"):
        raise bad_parameter("type", f"not supported value {quote(wanted)}")
    selectors(form)
    return {"groups": []}


def _limited(found: Sequence[Any], most: int) -> Answer:
    if most and len(found) > most:
        return found[:most], {"warnings": [_TRUNCATED]}
    return found, {}


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


def _lookback_ms(form: Form) -> int:
    text = first(form, "lookback_delta")
    seconds = duration(text) if text else 0.0
    if seconds is None:
        problem = f'error parsing lookback delta duration: cannot parse "{text}" to a valid duration'
        raise ApiProblem("bad_data", problem)
    return round(seconds * 1000) if seconds > 0 else engine.LOOKBACK_MS


def _unescaped(name: str) -> str:
    """A label name that is escaped for URLs: `U__` first, `__` for an underscore, `_2e_` for a character. What is not
    well escaped stands for itself. Source: prometheus/common model.UnescapeName."""
    if not name.startswith("U__"):
        return name

    def meant(found: re.Match[str]) -> str:
        if found[0] == "__":
            return "_"
        if found[1] is None or int(found[1], 16) > 0x10FFFF or 0xD800 <= int(found[1], 16) <= 0xDFFF:
            raise ValueError(found[0])
        return chr(int(found[1], 16))

    try:
        return _ESCAPED.sub(meant, name[3:])
    except ValueError:
        return name


def _told(result: Result) -> dict[str, Any]:
    """The `data` of a query's answer."""
    match result.value_type:
        case ValueType.VECTOR:
            at = _seconds(int(result.timestamps[0])) if len(result.timestamps) else 0
            told: Any = [{"metric": labels.as_dict(), "value": [at, go_api(one)]} for labels, one in result.vector()]
        case ValueType.MATRIX:
            told = [
                {
                    "metric": series.labels.as_dict(),
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
    return {"resultType": result.value_type.value, "result": told}


def _seconds(time_ms: int) -> int | float:
    return time_ms // 1000 if time_ms % 1000 == 0 else time_ms / 1000
