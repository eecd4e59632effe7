"""The Prometheus HTTP API, called in-process."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from canarium.clock import VirtualClock, run_virtual
from canarium.metrics.api import PrometheusApi
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.asgi import call

START_MS = 1_767_603_600_000  # where virtual time begins


def ask(target: str, *, method: str = "GET", body: bytes = b"") -> tuple[int, dict[str, Any]]:
    async def main(clock: VirtualClock) -> tuple[int, dict[str, Any]]:
        store = MemoryStore()
        for instance, value in (("a", 1.0), ("b", 0.5)):
            store.append(Labels({"__name__": "up", "instance": instance}), START_MS - 1000, value)
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
        ("/api/v1/rules", 404, "not_found", "is not built into canarium yet"),
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
