"""The parser, the printer and all positions against recorded answers of Prometheus' own parser."""

from __future__ import annotations

import pytest

from canarium.metrics.promql.parser import ParseError, parse
from canarium.metrics.promql.printer import format_expr, format_pretty
from tests.metrics.promql.trees import Answer, answers, walk


def check(answer: Answer) -> None:
    if answer.error:
        with pytest.raises(ParseError) as raised:
            parse(answer.query, options=answer.options)
        error = raised.value
        assert (str(error), error.span.start, error.span.end) == (answer.error, *answer.at)
        return

    expr = parse(answer.query, options=answer.options)

    assert format_expr(expr) == answer.string
    assert format_pretty(expr) == (answer.pretty or answer.string)
    positions = [f"{type(node).__name__}:{node.span.start}-{node.span.end}" for node in walk(expr)]
    assert " ".join(positions) == answer.nodes


def name(answer: Answer) -> str:
    return ascii(answer.query[:60])[1:-1]


@pytest.mark.parametrize("answer", answers("upstream_tests.jsonl"), ids=name)
def test_queries_of_upstreams_tests_get_upstreams_answers(answer: Answer) -> None:
    check(answer)


@pytest.mark.parametrize("answer", answers("generated.jsonl"), ids=name)
def test_random_and_damaged_queries_get_upstreams_answers(answer: Answer) -> None:
    check(answer)


def test_a_chain_of_thousands_of_operators_is_no_deeper_than_one() -> None:
    """Upstream's own regression test: 10 000 operators and 1 000 subqueries, refused for the first `{}`."""
    query = "(" + "-{}-1" * 10_000 + ")" + "[1m:]" * 1000

    with pytest.raises(ParseError) as raised:
        parse(query)

    assert raised.value.message == "1:3: parse error: vector selector must contain at least one non-empty matcher"


def test_long_chains_are_printed_too() -> None:
    query = " + ".join(["a"] * 5000)

    assert format_expr(parse(query)) == query


def test_endless_nesting_is_an_error_and_not_a_crash() -> None:
    """Prometheus has no limit here; ours is a message."""
    with pytest.raises(ParseError, match="expression is nested too deeply"):
        parse("(" * 50_000 + "1" + ")" * 50_000)


# Differences that remain, so that a test notices when they close.
@pytest.mark.parametrize(
    ("query", "ours", "upstream"),
    [
        ("a offset 0.0001", "a", "a offset 0s"),
        ("a[5m:0.0001]", "a[5m:]", "a[5m:0s]"),
        ("a offset NaN", "a offset -106751d23h47m16s854ms", "a offset --106751d23h47m16s854ms"),
    ],
)
def test_durations_below_a_millisecond_are_printed_unlike_upstream(query: str, ours: str, upstream: str) -> None:
    assert format_expr(parse(query)) == ours != upstream
