"""Measurements by PromQL from a Prometheus server, over its HTTP API.

Owns: the request, reading the answer, and the words of every failure. Must not know: PromQL, counting rules.
Behaviour follows Argo Rollouts 1.10 `metricproviders/prometheus` over Prometheus' Go client (`api/prometheus/v1`):
POST first, GET where that is refused; labels are thrown away, a vector is the list of its values, and so is a matrix,
series after series.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus, urlsplit, urlunsplit

from canarium.kube.objects import Obj
from canarium.nodes.network import HttpRequest, HttpResponse, NetworkError
from canarium.rollouts.analysis.evaluate import ConditionError, evaluate_result
from canarium.rollouts.analysis.gotext import InvalidDuration, format_sample, parse_duration, quote
from canarium.rollouts.analysis.providers import CONTROLLER_NAMESPACE, Peers, ProviderError, finished

RESOLVED_QUERY: Final = "ResolvedPrometheusQuery"
DEFAULT_TIMEOUT_SECONDS: Final = 30.0

_CLIENT_TIMEOUT: Final = " (Client.Timeout exceeded while awaiting headers)"
_TRY_GET: Final = frozenset({403, 405, 501})
_API_ERRORS: Final = frozenset({400, 422})


class QueryError(ProviderError):
    """A query brought no value. `problem` is the message of the measurement."""


class PrometheusProvider:
    """Measures one metric. Raises ProviderError when the metric's address, credentials or timeout cannot work."""

    def __init__(self, metric: Obj, peers: Peers) -> None:
        self._metric = metric
        self._peers = peers
        self._spec: Obj = metric["provider"]["prometheus"]
        self._address = _address(self._spec, peers.prometheus_address)
        self._headers = _headers(self._spec, self._address)
        timeout = self._spec.get("timeout")
        if timeout is not None and timeout < 0:
            raise ProviderError(
                "prometheus timeout should not be negative",
                field="provider.prometheus.timeout",
                next_step="It is a number of seconds; leave it out for 30.",
            )
        self._timeout = DEFAULT_TIMEOUT_SECONDS if timeout is None else float(timeout)

    def metadata(self) -> dict[str, str]:
        """The query as it was sent."""
        query = self._spec.get("query") or ""
        return {RESOLVED_QUERY: query} if query else {}

    async def run(self) -> Obj:
        """Ask once, and judge the answer by the metric's conditions."""
        clock = self._peers.clock
        started_at = clock.now()
        try:
            data, warnings = await self._query(started_at)
            value, result = _value(data)
            phase = evaluate_result(result, self._metric)
        except (QueryError, ConditionError, NetworkError) as error:
            message = str(error).removesuffix(_CLIENT_TIMEOUT) if isinstance(error, NetworkError) else error.problem
            return finished("Error", started_at, clock.now(), message=message)
        told = ", ".join(f'"{warning}"' for warning in warnings)
        metadata = {"warnings": told} if told else {}
        return finished(phase, started_at, clock.now(), value=value, metadata=metadata)

    async def resume(self, measurement: Obj) -> Obj:
        """Nothing is ever under way."""
        return measurement

    async def terminate(self, measurement: Obj) -> Obj:
        """Nothing is ever under way."""
        return measurement

    async def _query(self, now: datetime) -> tuple[Any, list[str]]:
        """The `data` of the answer, and its warnings. Raises QueryError, NetworkError."""
        query, window = self._spec.get("query") or "", self._spec.get("rangeQuery")
        if window is None:
            return await self._ask("/api/v1/query", {"query": query, "time": _format_seconds(now)})
        start = _time("start", window.get("start") or "", now)
        end = _time("end", window.get("end") or "", now)
        try:
            step = parse_duration(window.get("step") or "")
        except InvalidDuration as error:
            raise QueryError(
                f"failed to parse rangeQuery.step as duration: {error.problem}", next_step=error.next_step
            ) from error
        return await self._ask(
            "/api/v1/query_range",
            {
                "query": query,
                "start": _format_seconds(start),
                "end": _format_seconds(end),
                "step": format_sample(step.total_seconds()),
            },
        )

    async def _ask(self, endpoint: str, args: dict[str, str]) -> tuple[Any, list[str]]:
        parts = urlsplit(self._address)
        path = posixpath.normpath(f"{parts.path.rstrip('/')}{endpoint}")
        url = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
        all_args = dict(parse_qsl(parts.query, keep_blank_values=True)) | args
        encoded = "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in sorted(all_args.items()))
        if self._timeout == 0:
            raise QueryError(f"Post {quote(url)}: context deadline exceeded")
        form = {"Content-Type": "application/x-www-form-urlencoded", **self._headers}
        response = await self._send(HttpRequest("POST", url, form, encoded.encode()))
        if response.status in _TRY_GET:
            url = urlunsplit((parts.scheme, parts.netloc, path, encoded, ""))
            response = await self._send(HttpRequest("GET", url, self._headers))
        return _read(response)

    async def _send(self, request: HttpRequest) -> HttpResponse:
        network = self._peers.network
        return await network.request(request, timeout_seconds=self._timeout, namespace=CONTROLLER_NAMESPACE)


def _address(spec: Obj, default: str) -> str:
    address: str = spec.get("address") or default
    if not address:
        raise ProviderError(
            "prometheus address is not configured",
            field="provider.prometheus.address",
            next_step="Add provider.prometheus.address, as http://prometheus-server.prometheus.svc.cluster.local.",
        )
    if not _is_url(address):
        raise ProviderError(
            "prometheus address is not is url format",  # upstream's words
            field="provider.prometheus.address",
            next_step="Write it with its scheme: http://host:port.",
        )
    return address


_ESCAPE: Final = "%[0-9A-Fa-f]{2}"
_URL: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*://"
    r"([A-Za-z0-9\-._:~!$&'()*+,;=%@]*@)?"
    r"(?=[^/?#])(\[[^\]/?#]*\]|([A-Za-z0-9\-_.~!$&'()*+,;=<>\"]|[^\x00-\x7f]|%[89A-Fa-f][0-9A-Fa-f])*)(:[0-9]*)?"
    rf"(/([^%?#]|{_ESCAPE})*)?(\?[^#]*)?(#([^%]|{_ESCAPE})*)?"
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _is_url(text: str) -> bool:
    """Whether Go's url.Parse takes it, with a scheme and a host."""
    return _CONTROL.search(text) is None and _URL.fullmatch(text) is not None


def _headers(spec: Obj, address: str) -> dict[str, str]:
    """Credentials, then the metric's own headers, which win."""
    auth = spec.get("authentication") or {}
    headers: dict[str, str] = {}
    basic = auth.get("basicAuth") or {}
    username, password = basic.get("username") or "", basic.get("password") or ""
    if username or password:
        missing = "username" if not username else ("password" if not password else "")
        if missing:
            raise ProviderError(
                f"missing mandatory parameter in metric for basic auth setup: {missing}",
                field=f"provider.prometheus.authentication.basicAuth.{missing}",
                next_step="Give both, or neither.",
            )
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    sigv4, oauth2 = auth.get("sigv4") or {}, auth.get("oauth2") or {}
    if "aps-workspaces" in address and any(sigv4.values()):
        raise ProviderError(
            "canarium cannot sign requests to Amazon Managed Prometheus yet",
            field="provider.prometheus.authentication.sigv4",
            next_step="Point the metric at a Prometheus without sigv4 here.",
        )
    if oauth2.get("tokenUrl"):
        if not oauth2.get("clientId") or not oauth2.get("clientSecret"):
            raise ProviderError(
                "missing mandatory parameter in metric for OAuth2 setup",
                field="provider.prometheus.authentication.oauth2",
                next_step="Give clientId and clientSecret.",
            )
        raise ProviderError(
            "canarium cannot fetch OAuth2 tokens for Prometheus yet",
            field="provider.prometheus.authentication.oauth2",
            next_step="Send a token of your own with provider.prometheus.headers.",
        )
    for header in spec.get("headers") or ():
        headers[header["key"].title()] = header["value"]
    return headers


def _format_seconds(at: datetime) -> str:
    return format_sample(at.timestamp())


_TIME: Final = re.compile(r"""\s*now\(\)(?P<shifts>(\s*[-+]\s*duration\(("[^"]*"|'[^']*')\))*)\s*""")
_SHIFT: Final = re.compile(r"""([-+])\s*duration\(["']([^"']*)["']\)""")


def _time(field: str, expression: str, now: datetime) -> datetime:
    """`now()`, shifted by any number of `duration("…")`. Raises QueryError."""
    matched = _TIME.fullmatch(expression)
    if matched is None:
        raise QueryError(
            f"failed to parse rangeQuery.{field} as time: canarium understands now() and duration() there, "
            f"not {expression}",
            next_step='Write it as now() - duration("5m").',
        )
    at = now
    for sign, text in _SHIFT.findall(matched["shifts"]):
        try:
            shift: timedelta = parse_duration(text)
        except InvalidDuration as error:
            raise QueryError(
                f"failed to parse rangeQuery.{field} as time: {error.problem}", next_step=error.next_step
            ) from error
        at = at - shift if sign == "-" else at + shift
    return at


def _read(response: HttpResponse) -> tuple[Any, list[str]]:
    """`data` and warnings of an API answer. Raises QueryError in the Go client's words."""
    status = response.status
    if not 200 <= status < 300 and status not in _API_ERRORS:
        kind, words = {4: ("client_error", "client error:"), 5: ("server_error", "server error:")}.get(
            status // 100, ("bad_response", "bad response code")
        )
        raise QueryError(
            f"{kind}: {words} {status}", next_step="Ask the address with a browser or curl: is it a Prometheus?"
        )
    answer: Any = {}
    if status != 204:
        try:
            answer = json.loads(response.body)
        except ValueError as error:
            raise QueryError(
                f"bad_response: {_go_json_error(response.body)}",
                next_step="The address answers, but not as Prometheus does: check host, port and path.",
            ) from error
    if not isinstance(answer, dict):
        raise QueryError(f"bad_response: json: cannot unmarshal {type(answer).__name__} into Go value")
    if answer.get("status") == "error":
        raise QueryError(f"{answer.get('errorType', '')}: {answer.get('error', '')}", next_step="Mend the query.")
    if status in _API_ERRORS and answer.get("status") == "success":
        raise QueryError("bad_response: inconsistent body for response code")
    return answer.get("data"), list(answer.get("warnings") or ())


def _go_json_error(body: bytes) -> str:
    """Go's words for a body that is no JSON; exact for the usual cases, an empty body and a page of HTML."""
    text = body.decode(errors="replace").lstrip()
    if not text:
        return "unexpected end of JSON input"
    if text[0] in '{["-0123456789tfn':
        return "invalid character in JSON answer"
    return f"invalid character {quote(text[0])[1:-1]!r} looking for beginning of value"


def _value(data: Any) -> tuple[str, float | list[float]]:
    """(the text that is stored, what conditions see as `result`). Raises QueryError for a type nobody can judge."""
    if not isinstance(data, dict):
        raise QueryError("unexpected end of JSON input")
    kind, result = data.get("resultType", ""), data.get("result")
    match kind:
        case "scalar":
            number = _number(result)
            return format_sample(number), number
        case "vector":
            numbers = [_number(sample.get("value")) for sample in result or ()]
        case "matrix":
            numbers = [_number(pair) for series in result or () for pair in series.get("values") or ()]
        case _:
            raise QueryError(
                f"unexpected value type {quote(str(kind))}", next_step="A query must give numbers, not text."
            )
    return f"[{','.join(map(format_sample, numbers))}]", numbers


def _number(pair: Any) -> float:
    """The value of `[time, "value"]`; a histogram, which has none, counts as 0, as in Go."""
    return float(pair[1]) if pair else 0.0
