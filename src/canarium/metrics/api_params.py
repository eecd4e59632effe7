"""Parameters of the Prometheus HTTP API.

Owns: reading times, durations, limits and selectors, the error type, and upstream's words for what is wrong.
Must not know: endpoints. Source: Prometheus 3.x web/api/v1/api.go.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from urllib.parse import parse_qsl

from canarium.errors import CanariumError
from canarium.kube.objects import parse_time
from canarium.metrics.promql.ast import Expr, Matcher, VectorSelector
from canarium.metrics.promql.errors import ParseError
from canarium.metrics.promql.literals import duration_seconds
from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.quoting import quote
from canarium.metrics.tsdb.matchers import InvalidRegex
from canarium.nodes.program import Receive, Scope

Form: TypeAlias = Mapping[str, Sequence[str]]
MAX_TIME_MS = 1 << 62
MAX_FORM_BYTES = 1 << 20
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}\Z")


class ApiProblem(CanariumError):
    """An error answer: `error_type` and message as the API words them."""

    def __init__(self, error_type: str, problem: str) -> None:
        super().__init__(problem)
        self.error_type = error_type


def bad_parameter(name: str, problem: str) -> ApiProblem:
    """The error for a parameter that cannot be read."""
    return ApiProblem("bad_data", f'invalid parameter "{name}": {problem}')


async def read_form(scope: Scope, receive: Receive) -> Form:
    """Query string and form body together, as Go's ParseForm: the body's values come first. Raises ApiProblem."""
    text = scope["query_string"].decode("latin-1")
    pairs = parse_qsl(text, keep_blank_values=True)
    if scope["method"] == "POST":
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > MAX_FORM_BYTES:
                raise ApiProblem("bad_data", "error parsing form values: http: request body too large")
            if not message.get("more_body"):
                break
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) + pairs
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def first(form: Form, name: str, default: str = "") -> str:
    """The first value of a parameter."""
    values = form.get(name)
    return values[0] if values else default


def parsed(query: str) -> Expr:
    """The expression of parameter `query`."""
    try:
        return parse(query)
    except ParseError as error:
        raise bad_parameter("query", error.message) from error


def selectors(form: Form) -> list[tuple[Matcher, ...]]:
    """The matchers of each `match[]`."""
    found: list[tuple[Matcher, ...]] = []
    for text in form.get("match[]", ()):
        try:
            expr = parse(text)
        except (ParseError, InvalidRegex) as error:
            told = error.message if isinstance(error, ParseError) else error.problem
            raise bad_parameter("match[]", told) from error
        if not isinstance(expr, VectorSelector):
            raise bad_parameter("match[]", "a series selector is expected")
        found.append(expr.matchers)
    return found


def time_ms(text: str, name: str) -> int:
    """Unix seconds or RFC 3339, in milliseconds."""
    try:
        seconds = float(text)
        if math.isfinite(seconds) and abs(seconds) * 1000 <= MAX_TIME_MS:
            return round(seconds * 1000)
    except ValueError:
        pass  # then it is RFC 3339, or nothing
    try:
        at: datetime = parse_time(text)
        return round(at.timestamp() * 1000)
    except ValueError:
        raise bad_parameter(name, f'cannot parse "{text}" to a valid timestamp') from None


def window(form: Form) -> tuple[int, int]:
    """`start` and `end`; without them, all times."""
    start, end = first(form, "start"), first(form, "end")
    return time_ms(start, "start") if start else -MAX_TIME_MS, time_ms(end, "end") if end else MAX_TIME_MS


def duration(text: str) -> float | None:
    """Seconds or a Prometheus duration, in seconds; None for anything else."""
    try:
        seconds: float | str = float(text)
    except ValueError:
        seconds = duration_seconds(text)
    if isinstance(seconds, str) or not math.isfinite(seconds) or abs(seconds) * 1000 > MAX_TIME_MS:
        return None
    return seconds


def step_ms(text: str) -> int:
    """Parameter `step`, in milliseconds."""
    seconds = duration(text)
    if seconds is None:
        raise bad_parameter("step", f'cannot parse "{text}" to a valid duration')
    if round(seconds * 1000) <= 0:
        raise bad_parameter(
            "step", "zero or negative query resolution step widths are not accepted. Try a positive integer"
        )
    return round(seconds * 1000)


def limit(form: Form) -> int:
    """Parameter `limit`; 0 means none."""
    text = first(form, "limit")
    if not text:
        return 0
    if not _NUMBER.match(text):
        raise bad_parameter("limit", f"strconv.Atoi: parsing {quote(text)}: invalid syntax")
    if int(text) < 0:
        raise bad_parameter("limit", "limit must be non-negative")
    return int(text)


def count(form: Form, name: str, default: int) -> int:
    """A number that upstream words differently when it is none."""
    text = first(form, name)
    if not text:
        return default
    if not _NUMBER.match(text):
        raise ApiProblem("bad_data", f"{name} must be a number")
    return int(text)
