"""What each part of an expression is worth, and why it is empty."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings

from canarium.metrics.promql import tree
from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.translate import translated
from canarium.metrics.promql.tree import Part, parts
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import STALE_NAN, MemoryStore
from tests.metrics.promql.expressions import accepted, expressions

AT_MS = 1_767_603_600_000
MINUTE_MS = 60_000


def store() -> MemoryStore:
    """Two namespaces with two pods each, scraped every minute until a second ago; and what is no longer told."""
    made = MemoryStore()
    for namespace, node in (("echo-prod", "n1"), ("echo-staging", "n2")):
        for number in range(2):
            same = {"namespace": namespace, "pod": f"{namespace}-{number}"}
            info = Labels({"__name__": "kube_pod_info", "node": node, **same})
            requests = Labels({"__name__": "http_requests_total", **same})
            for minute in range(20, -1, -1):
                time_ms = AT_MS - 1000 - minute * MINUTE_MS
                made.append(info, time_ms, 1.0)
                made.append(requests, time_ms, 60.0 * (20 - minute) * (number + 1))
    made.append(Labels({"__name__": "old"}), AT_MS - 7 * MINUTE_MS, 1.0)
    gone = Labels({"__name__": "gone"})
    made.append(gone, AT_MS - 3 * MINUTE_MS, 1.0)
    made.append(gone, AT_MS - 2 * MINUTE_MS, STALE_NAN)
    made.append(Labels({"__name__": "version", "namespace": "echo-blue"}), AT_MS - 1000, 1.0)
    return made


def stopped() -> float:
    return 0.0


def told(query: str) -> Part:
    return parts(store(), parse(query), query, AT_MS, stopped)


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("http_requests_totl", "there is no metric `http_requests_totl`; did you mean `http_requests_total`?"),
        ("zzz", "there is no metric `zzz`"),
        ('{__name__=~"z.*"}', 'no metric has __name__=~"z.*"'),
        (
            'kube_pod_info{namespace="echo-stagng"}',
            '4 series of `kube_pod_info` exist; none has namespace="echo-stagng"; values there are echo-prod,'
            " echo-staging",
        ),
        (
            'kube_pod_info{cluster="a"}',
            "4 series of `kube_pod_info` exist; none has a label `cluster`; labels there are namespace, node, pod",
        ),
        (
            'kube_pod_info{namespace!~"echo.*"}',
            '4 series of `kube_pod_info` exist; all have namespace=~"echo.*"',
        ),
        (
            'kube_pod_info{namespace="echo-prod", node="n2"}',
            '4 series of `kube_pod_info` exist; 2 with namespace="echo-prod" and 2 with node="n2", none with both;'
            ' where namespace="echo-prod", `node` is n1',
        ),
        ("old", "1 series matches, but the last sample is 7m old; the lookback is 5m"),
        (
            "gone",
            "1 series matches, but the last one ended 2m before the time looked at: its target went away, could not be"
            " scraped, or tells it no longer",
        ),
        (
            "kube_pod_info offset 1h",
            "4 series match, but the first sample is 39m59s younger than the time looked at",
        ),
        ("old[5m]", "1 series matches, but the last sample is 7m old; the range is 5m"),
        (
            "rate(http_requests_total[1m])",
            "rate() needs two samples in the range; 4 series went in with 1 each; samples are 1m apart, so take [4m]",
        ),
        ("rate(http_requests_total[5m]) < 0", "4 series went in, none is < 0: they are from 1 to 2"),
        ("kube_pod_info > 1", "4 series went in, none is > 1: all are 1"),
        ("sum(kube_pod_info) > 4", "1 series went in, and it is not > 4: it is 4"),
        ("kube_pod_info / 0 * 0 > 1", "4 series went in, none is > 1: all are NaN, which compares with nothing"),
        ("kube_pod_info > kube_pod_info", "4 pairs met, none is >"),
        (
            "http_requests_total / kube_pod_info",
            "none of the 4 series on the left meets one of the 4 on the right: `node` is only on the right, not on the"
            " left; on(namespace, pod) would match them",
        ),
        (
            "http_requests_total * on(namespace) group_left() version",
            "none of the 4 series on the left meets one of the 1 on the right: `namespace` is echo-prod, echo-staging"
            " on the left and echo-blue on the right",
        ),
        ("kube_pod_info and zzz", "`zzz` is empty"),
        ("zzz or old", "`zzz` is empty, and so is `old`"),
        ("kube_pod_info unless kube_pod_info", "each of the 4 series on the left has a partner on the right"),
        ("sum(zzz)", "`zzz` is empty, and sum of nothing is nothing, not 0"),
        ("topk(0, kube_pod_info)", "4 series went in, and topk takes 0 of them"),
        ("absent(kube_pod_info)", "absent() gives nothing because there is something: 4 series"),
        ("absent(zzz)", "there is something because `zzz` is empty"),
        ("scalar(kube_pod_info)", "scalar() is NaN unless exactly one series goes in; 4 series went in"),
        (
            "histogram_quantile(0.9, kube_pod_info)",
            "4 series went in, but none has a label `le`: they are not buckets of a histogram",
        ),
        ("kube_pod_info", ""),
        ("1 + 1", ""),
    ],
)
def test_an_empty_part_says_why(query: str, note: str) -> None:
    assert told(query).note == note


def test_with_no_data_at_all_that_is_what_is_said() -> None:
    found = parts(MemoryStore(), parse("up"), "up", AT_MS, stopped)

    assert found.note == "there are no metrics at all yet: nothing has been scraped"


def test_every_part_has_its_place_its_value_and_its_labels() -> None:
    query = "sum by (namespace) (rate(http_requests_total[5m])) * 2"

    root = told(query)

    aggregation, number = root.children
    call = aggregation.children[0]
    selector = call.children[0]
    assert [part.kind for part in (root, aggregation, call, selector, number)] == [
        "binaryExpr",
        "aggregation",
        "call",
        "matrixSelector",
        "numberLiteral",
    ]
    assert [query[part.span.start : part.span.end] for part in (aggregation, selector)] == [
        "sum by (namespace) (rate(http_requests_total[5m]))",
        "http_requests_total[5m]",
    ]
    assert root.series == (('{namespace="echo-prod"}', "6"), ('{namespace="echo-staging"}', "6"))
    assert (root.count, root.labels) == (2, {"namespace": 2})
    assert (call.count, call.labels) == (4, {"pod": 4, "namespace": 2})
    assert (selector.count, selector.value) == (4, "20 samples")
    assert selector.series[0] == ('http_requests_total{namespace="echo-prod", pod="echo-prod-0"}', "5 samples")
    assert (number.value_type, number.value) == ("scalar", "2")


def test_what_is_inside_a_subquery_is_looked_at_where_it_ends() -> None:
    subquery = told("max_over_time(kube_pod_info[5m:1m] offset 1h)").children[0]

    assert subquery.note == "`kube_pod_info` is empty"
    assert subquery.children[0].note == "4 series match, but the first sample is 39m59s younger than the time looked at"


def test_a_part_that_cannot_be_evaluated_has_the_problem_and_its_parts_have_values() -> None:
    root = told("kube_pod_info * on(namespace) http_requests_total")

    assert root.problem.startswith("found duplicate series for the match group")
    assert [child.count for child in root.children] == [4, 4]


def test_only_some_series_are_listed_but_all_are_counted() -> None:
    made = MemoryStore()
    for number in range(30):
        made.append(Labels({"__name__": "up", "instance": str(number)}), AT_MS, 1.0)

    root = parts(made, parse("up"), "up", AT_MS, stopped)

    assert (root.count, len(root.series), root.labels) == (30, tree.MAX_SERIES, {"instance": 30})


def test_when_the_time_is_up_the_rest_has_no_values_and_says_so() -> None:
    seconds = iter(range(1000))
    query = "sum(kube_pod_info)"

    root = parts(store(), parse(query), query, AT_MS, lambda: next(seconds) * 0.2)

    assert root.children[0].note.startswith("not evaluated: ")
    assert (root.children[0].count, root.children[0].problem) == (0, "")


def test_a_long_chain_is_cut_off_and_says_so() -> None:
    query = " or ".join(["old"] * 100)

    part = told(query)
    depth = 1
    while part.children:
        part, depth = part.children[0], depth + 1

    assert depth == tree.MAX_DEPTH
    assert part.note == "what is inside is not shown: it is more than 40 levels deep"


@settings(max_examples=150, deadline=None)
@given(expressions)
def test_any_expression_has_a_tree_whose_parts_are_worth_something_or_say_why_not(text: str) -> None:
    expr = accepted(text)

    root = parts(store(), expr, text, AT_MS, stopped)

    assert msgspec.json.encode(translated(expr))
    todo = [root]
    while todo:
        part = todo.pop()
        todo += part.children
        assert part.text == text.encode()[part.span.start : part.span.end].decode().strip()
        assert part.count or part.note or part.problem or part.kind in ("parenExpr", "unaryExpr"), part
