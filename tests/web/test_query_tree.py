"""A query part by part, as the page is told."""

from __future__ import annotations

import msgspec
import pytest

from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import MemoryStore
from canarium.web.query_tree import QueryProblem, query_tree

AT_MS = 1_767_603_600_000
ONLY_COMMENTS = """# sum(kube_pod_container_status_ready{namespace="echo-prod"})
  # / count(kube_pod_container_status_ready)
"""


def test_a_query_of_comments_only_says_what_it_is_and_what_to_do() -> None:
    with pytest.raises(QueryProblem) as caught:
        query_tree(MemoryStore(), ONLY_COMMENTS, AT_MS)

    assert caught.value.problem.endswith("parse error: no expression found in input")
    assert caught.value.next_step == (
        "All 2 lines begin with `#`, so the whole query is a comment and there is nothing to evaluate. Remove the `#`"
        " before the expression."
    )


def test_an_empty_query_asks_for_an_expression() -> None:
    with pytest.raises(QueryProblem) as caught:
        query_tree(MemoryStore(), " ", AT_MS)

    assert caught.value.next_step == "The query is empty: write an expression, such as `up`."


def test_a_query_that_cannot_be_parsed_says_where() -> None:
    with pytest.raises(QueryProblem) as caught:
        query_tree(MemoryStore(), "sum(up)\n  by )", AT_MS)

    assert caught.value.problem.startswith("2:7: parse error: ")
    assert caught.value.next_step == "Correct the query at line 2, column 7."
    assert (caught.value.start, caught.value.end) == (14, 14)


def test_places_are_bytes_so_that_any_text_may_stand_before() -> None:
    store = MemoryStore()
    store.append(Labels({"__name__": "up", "job": "café"}), AT_MS, 1.0)

    root = query_tree(store, 'up{job="café"} + up', AT_MS)

    left, right = root.children
    assert (left.text, left.end, right.text, right.start) == ('up{job="café"}', 15, "up", 18)


def test_the_answer_is_json_in_camel_case() -> None:
    store = MemoryStore()
    store.append(Labels({"__name__": "up"}), AT_MS, 1.0)

    told = msgspec.json.decode(msgspec.json.encode(query_tree(store, "up", AT_MS)))

    assert told.pop("milliseconds") >= 0
    assert told == {
        "text": "up",
        "kind": "vectorSelector",
        "start": 0,
        "end": 2,
        "valueType": "vector",
        "count": 1,
        "value": "",
        "series": [["up", "1"]],
        "labels": {},
        "problem": "",
        "note": "",
        "children": [],
    }


def test_a_query_that_no_memory_could_hold_says_so() -> None:
    node = query_tree(MemoryStore(), "sum_over_time(up[290y:1ms])", 1_767_603_600_000)

    assert node.problem == "query processing would load too many samples into memory in query execution"
