"""The Prometheus HTTP API, called in-process."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from canarium.clock import VirtualClock, run_virtual
from canarium.metrics.api import PrometheusApi
from canarium.metrics.api_params import MAX_FORM_BYTES
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import MemoryStore, MetricMetadata
from canarium.nodes.asgi import call

START_MS = 1_767_603_600_000  # where virtual time begins


def ask(target: str, *, method: str = "GET", body: bytes = b"") -> tuple[int, dict[str, Any]]:
    async def main(clock: VirtualClock) -> tuple[int, dict[str, Any]]:
        store = MemoryStore()
        for instance, value in (("a", 1.0), ("b", 0.5)):
            store.append(Labels({"__name__": "up", "instance": instance}), START_MS - 1000, value)
        store.describe("up", MetricMetadata("gauge", "Whether it answers."))
        store.describe("jobs", MetricMetadata("gauge", "How many."))
        answer = await call(PrometheusApi(store, clock).app, method, target, body=body)
        return answer.status, msgspec.json.decode(answer.body)

    return run_virtual(main)


def test_an_instant_query_answers_with_labels_and_text_values() -> None:
    status, body = ask("/api/v1/query?query=up")

    assert status == 200
    assert body == {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [
                {"metric": {"__name__": "up", "instance": "a"}, "value": [1767603600, "1"]},
                {"metric": {"__name__": "up", "instance": "b"}, "value": [1767603600, "0.5"]},
            ],
        },
    }


def test_a_query_may_be_posted_as_a_form() -> None:
    status, body = ask("/api/v1/query", method="POST", body=b"query=sum(up)&time=1767603600.5")

    assert (status, body["data"]["result"]) == (200, [{"metric": {}, "value": [1767603600.5, "1.5"]}])


def test_a_form_that_never_ends_is_refused() -> None:
    status, body = ask("/api/v1/query", method="POST", body=b"query=up&x=" + b"x" * MAX_FORM_BYTES)

    assert (status, body["error"]) == (400, "error parsing form values: http: request body too large")


def test_a_query_that_no_memory_could_hold_is_refused() -> None:
    status, body = ask("/api/v1/query?query=sum_over_time(up[290y:1ms])")

    assert (status, body["errorType"]) == (422, "execution")
    assert "too many samples" in body["error"]


def test_a_query_may_not_keep_everything_waiting_for_long() -> None:
    _, body = ask("/api/v1/status/flags")

    assert body["data"]["query.timeout"] == "10s"


@pytest.mark.parametrize("target", ["query?query=up&limit=", "metadata?limit=", "metadata?limit_per_metric="])
def test_a_number_of_thousands_of_digits_is_none(target: str) -> None:
    status, body = ask(f"/api/v1/{target}{'9' * 5000}")

    assert (status, body["errorType"]) == (400, "bad_data")


def test_a_range_query_answers_with_a_matrix() -> None:
    _, body = ask("/api/v1/query_range?query=sum(up)&start=1767603600&end=1767603720&step=1m")

    assert body["data"] == {
        "resultType": "matrix",
        "result": [{"metric": {}, "values": [[1767603600, "1.5"], [1767603660, "1.5"], [1767603720, "1.5"]]}],
    }


@pytest.mark.parametrize(
    ("target", "status", "kind", "says"),
    [
        (
            "/api/v1/query?query=%23+comments+only",
            400,
            "bad_data",
            'invalid parameter "query": 1:1: parse error: no expression found in input',
        ),
        (
            "/api/v1/query?query=up&time=never",
            400,
            "bad_data",
            'invalid parameter "time": cannot parse "never" to a valid timestamp',
        ),
        (
            "/api/v1/query_range?query=up&start=2&end=1&step=1",
            400,
            "bad_data",
            'invalid parameter "end": end timestamp must not be before start time',
        ),
        ("/api/v1/query_range?query=up&start=1&end=20000&step=1", 400, "bad_data", "exceeded maximum resolution of"),
        ("/api/v1/query_range?query=up&start=1&end=2&step=0", 400, "bad_data", "zero or negative query resolution"),
        ("/api/v1/series", 400, "bad_data", "no match[] parameter provided"),
        ("/api/v1/query_exemplars", 404, "not_found", "is not built into canarium yet"),
    ],
    ids=["comments only", "bad time", "end before start", "too many points", "no step", "no selector", "not built"],
)
def test_errors_have_upstreams_type_and_words(target: str, status: int, kind: str, says: str) -> None:
    code, body = ask(target)

    assert (code, body["status"], body["errorType"]) == (status, "error", kind)
    assert says in body["error"]


def test_labels_values_and_series() -> None:
    assert ask("/api/v1/labels")[1]["data"] == ["__name__", "instance"]
    assert ask("/api/v1/label/instance/values")[1]["data"] == ["a", "b"]
    assert ask("/api/v1/series?match[]=up{instance%3D%22b%22}")[1]["data"] == [{"__name__": "up", "instance": "b"}]


@pytest.mark.parametrize(
    "path",
    ["query?query=up", "query_range?query=up&start=1767603600&end=1767603601&step=1", "labels", "series?match[]=up"],
)
def test_more_than_the_limit_is_cut_off_with_a_warning(path: str) -> None:
    _, body = ask(f"/api/v1/{path}{'&' if '?' in path else '?'}limit=1")

    found = body["data"]
    assert len(found if isinstance(found, list) else found["result"]) == 1
    assert body["warnings"] == ["results truncated due to limit"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("labels?limit=x", 'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax'),
        ("query?query=up&limit=-1", 'invalid parameter "limit": limit must be non-negative'),
        ("query?query=up&timeout=soon", 'invalid parameter "timeout": cannot parse "soon" to a valid duration'),
        ("metadata?limit=x", "limit must be a number"),
        ("status/tsdb?limit=0", "limit must be a positive number"),
        ("parse_query?query=up{", 'invalid parameter "query": 1:4: parse error: unexpected end of input inside braces'),
        ("rules?type=red", 'invalid parameter "type": not supported value "red"'),
        ("query?query=up&time=1e300", 'invalid parameter "time": cannot parse "1e300" to a valid timestamp'),
    ],
)
def test_a_bad_parameter_is_told_in_upstreams_words(target: str, says: str) -> None:
    status, body = ask(f"/api/v1/{target}")

    assert (status, body["error"]) == (400, says)


def test_statistics_and_another_lookback_are_given_where_asked_for() -> None:
    _, body = ask("/api/v1/query?query=up&stats=true&lookback_delta=500ms")

    assert body["data"]["result"] == []
    assert set(body["data"]["stats"]["timings"]) == {
        "evalTotalTime",
        "resultSortTime",
        "queryPreparationTime",
        "innerEvalTime",
        "execQueueTime",
        "execTotalTime",
    }


def test_an_expression_that_is_too_deep_is_an_error_and_not_a_crash() -> None:
    status, body = ask("/api/v1/query", method="POST", body=b"query=1" + b"%2B1" * 5000)

    assert (status, body["errorType"]) == (422, "execution")


def test_text_that_is_no_utf_8_is_an_error_and_not_a_crash() -> None:
    for query in ("up{instance%3D~%22%5Cxff%22}", "%22%5Cxff%22"):
        status, body = ask(f"/api/v1/query?query={query}")

        assert (status, body["error"]) == (422, "the query has text that is not valid UTF-8")


def test_metadata_can_be_limited() -> None:
    assert set(ask("/api/v1/metadata")[1]["data"]) == {"up", "jobs"}
    assert len(ask("/api/v1/metadata?limit=1")[1]["data"]) == 1
    assert ask("/api/v1/metadata?metric=up")[1]["data"] == {
        "up": [{"type": "gauge", "help": "Whether it answers.", "unit": ""}]
    }


def test_a_label_name_may_be_escaped() -> None:
    assert ask("/api/v1/label/U__instance/values")[1]["data"] == ["a", "b"]
    assert ask("/api/v1/label/U__inst_61_nce/values")[1]["data"] == ["a", "b"]


def test_there_are_no_rules_alerts_or_alertmanagers() -> None:
    assert ask("/api/v1/rules")[1]["data"] == {"groups": []}
    assert ask("/api/v1/alerts")[1]["data"] == {"alerts": []}
    assert ask("/api/v1/alertmanagers")[1]["data"] == {"activeAlertmanagers": [], "droppedAlertmanagers": []}


def test_the_store_is_counted() -> None:
    data = ask("/api/v1/status/tsdb?limit=1")[1]["data"]

    assert data["headStats"] == {
        "numSeries": 2,
        "numLabelPairs": 3,
        "chunkCount": 2,
        "minTime": START_MS - 1000,
        "maxTime": START_MS - 1000,
    }
    assert data["seriesCountByMetricName"] == [{"name": "up", "value": 2}]
    assert data["labelValueCountByLabelName"] == [{"name": "instance", "value": 2}]
    assert data["seriesCountByLabelValuePair"] == [{"name": "__name__=up", "value": 2}]
    assert data["memoryInBytesByLabelName"] == [{"name": "__name__", "value": 24}]


def test_status_pages_answer() -> None:
    assert ask("/api/v1/status/flags")[1]["data"]["query.lookback-delta"] == "5m"
    assert ask("/api/v1/status/runtimeinfo")[1]["data"]["startTime"] == "2026-01-05T09:00:00Z"
    assert ask("/api/v1/status/buildinfo")[1]["data"]["version"].startswith("3.")
    assert ask("/api/v1/status/nonsense")[0] == 404


def test_a_query_is_formatted_and_parsed_as_upstreams_page_reads_it() -> None:
    assert ask("/api/v1/format_query?query=sum(up)/2")[1]["data"] == "sum(up) / 2"
    assert ask("/api/v1/parse_query?query=sum+by(job)(up)/2")[1]["data"] == {
        "type": "binaryExpr",
        "op": "/",
        "lhs": {
            "type": "aggregation",
            "op": "sum",
            "expr": {
                "type": "vectorSelector",
                "name": "up",
                "offset": 0,
                "offsetExpr": None,
                "matchers": [{"name": "__name__", "value": "up", "type": "="}],
                "timestamp": None,
                "startOrEnd": None,
                "anchored": False,
                "smoothed": False,
            },
            "param": None,
            "grouping": ["job"],
            "without": False,
        },
        "rhs": {"type": "numberLiteral", "val": "2"},
        "matching": None,
        "bool": False,
    }
