"""`canarium query`: what is asked, and what is made of the answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from canarium.cli import query as module
from canarium.cli.query import QueryFailed, ask, request_of, table_text, values_of

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
VECTOR = {
    "resultType": "vector",
    "result": [
        {"metric": {"__name__": "up", "job": "web"}, "value": [1769860800, "1"]},
        {"metric": {"__name__": "up", "zone": "a"}, "value": [1769860800, "NaN"]},
    ],
}


def test_an_instant_is_asked_for_unless_a_range_is_named() -> None:
    assert request_of("up", at="", span="", step="", now=NOW) == ("/api/v1/query", {"query": "up"})
    assert request_of("up", at="5", span="", step="", now=NOW) == ("/api/v1/query", {"query": "up", "time": "5"})


@pytest.mark.parametrize(
    ("at", "span", "step", "moments"),
    [
        ("", "10m", "1m", {"start": "1769860200.000", "end": "1769860800.000", "step": "60"}),
        ("2026-01-31T12:00:00Z", "1m30s", "", {"start": "1769860710.000", "end": "1769860800.000", "step": "1"}),
        ("1000", "500", "2.5", {"start": "500.000", "end": "1000.000", "step": "2.5"}),
        ("1000000", "10d", "", {"start": "136000.000", "end": "1000000.000", "step": "3456"}),
    ],
)
def test_a_range_ends_now_or_at_the_time(at: str, span: str, step: str, moments: dict[str, str]) -> None:
    assert request_of("up", at=at, span=span, step=step, now=NOW) == ("/api/v1/query_range", {"query": "up", **moments})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"step": "1m"}, "--step is about a range"),
        ({"span": "soon"}, "--range soon: "),
        ({"span": "1m", "at": "noon"}, "--time noon is no time"),
    ],
)
def test_what_cannot_be_read_is_told_before_anybody_is_asked(options: dict[str, str], problem: str) -> None:
    with pytest.raises(QueryFailed) as caught:
        request_of("up", **{"at": "", "span": "", "step": "", **options}, now=NOW)

    assert caught.value.problem.startswith(problem)


def test_the_answer_is_told_in_the_words_of_the_server() -> None:
    asked: list[tuple[str, bytes]] = []

    def fetch(url: str, body: bytes) -> bytes:
        asked.append((url, body))
        return b'{"status":"error","errorType":"bad_data","error":"1:4: parse error"}'

    with pytest.raises(QueryFailed, match=r"^bad_data: 1:4: parse error$"):
        ask("http://here/", "/api/v1/query", {"query": "up{"}, fetch)
    assert asked == [("http://here/api/v1/query", b"query=up%7B")]

    with pytest.raises(QueryFailed, match="does not answer as Prometheus does"):
        ask("http://here", "/api/v1/query", {}, lambda url, body: b"<html>")


def test_a_vector_is_a_table_of_labels_and_values_with_what_is_common_above_it() -> None:
    assert [line.split() for line in table_text(VECTOR).splitlines()] == [
        ["all:", '__name__="up"'],
        ["job", "zone", "VALUE"],
        ["web", "1"],
        ["a", "NaN"],
    ]
    assert values_of(VECTOR) == ["1", "NaN"]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ({"resultType": "vector", "result": []}, [["no", "data"]]),
        ({"resultType": "scalar", "result": [0, "2"]}, [["2"]]),
        (
            {"resultType": "matrix", "result": [{"metric": {"job": "web"}, "values": [[0, "1"], [1.5, "2"]]}]},
            [
                ["job", "TIME", "VALUE"],
                ["web", "1970-01-01T00:00:00Z", "1"],
                ["web", "1970-01-01T00:00:01.500Z", "2"],
            ],
        ),
    ],
)
def test_other_answers(data: dict[str, Any], lines: list[list[str]]) -> None:
    assert [line.split() for line in table_text(data).splitlines()] == lines


def test_the_command_prints_json_and_fails_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_post", lambda url, body: json.dumps({"status": "success", "data": VECTOR}).encode())
    told = CliRunner().invoke(module.query, ["up", "-o", "json", "--url", "http://here"])
    assert (told.exit_code, json.loads(told.output)) == (0, VECTOR)
    monkeypatch.undo()

    told = CliRunner().invoke(module.query, ["up", "--url", "file:///etc/hosts"])
    assert (told.exit_code, told.output.splitlines()[0]) == (1, "Error: file:///etc/hosts/api/v1/query is no address")
