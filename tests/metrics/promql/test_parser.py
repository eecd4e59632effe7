"""What trees the parser makes, shown by example."""

from __future__ import annotations

import math
from typing import Any

import pytest

from canarium.metrics.promql.ast import (
    AggregateExpr,
    AtModifier,
    BinaryExpr,
    Call,
    Cardinality,
    DurationExpr,
    Matcher,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    ValueType,
    VectorMatching,
    VectorSelector,
)
from canarium.metrics.promql.functions import FUNCTIONS
from canarium.metrics.promql.parser import Options, ParseError, parse, value_type
from tests.metrics.promql.trees import SPAN, without_spans


def number(value: float, *, is_duration: bool = False) -> NumberLiteral:
    return NumberLiteral(span=SPAN, value=value, is_duration=is_duration)


def selector(name: str, *matchers: Matcher, **rest: Any) -> VectorSelector:
    own = (Matcher("__name__", "=", name),) if name else ()
    return VectorSelector(span=SPAN, name=name, matchers=tuple(sorted((*matchers, *own), key=str)), **rest)


def matrix(inner: VectorSelector, range_ms: int, range_expr: DurationExpr | None = None) -> MatrixSelector:
    return MatrixSelector(span=SPAN, vector_selector=inner, range_ms=range_ms, range_expr=range_expr)


def binary(lhs: Any, op: str, rhs: Any, matching: VectorMatching | None = None, *, is_bool: bool = False) -> BinaryExpr:
    return BinaryExpr(span=SPAN, op=op, lhs=lhs, rhs=rhs, matching=matching, return_bool=is_bool)


A, B, C = selector("a"), selector("b"), selector("c")
ONE_TO_ONE = VectorMatching()
MANY_TO_MANY = VectorMatching(card=Cardinality.MANY_TO_MANY)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        (".5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("0x1F", 31),
        ("0x_1f", 31),
        ("010", 8),
        ("08", 8),
        ("1_000.5", 1000.5),
        ("-1", -1),
        ("--1", 1),
        ("inf", math.inf),
        ("-Inf", -math.inf),
        ("9223372036854775808", 2.0**63),
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert without_spans(parse(text)) == number(value)


def test_not_a_number() -> None:
    expr = parse("nAn")

    assert isinstance(expr, NumberLiteral)
    assert math.isnan(expr.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m", 5400), ("100ms", 0.1), ("-2w", -14 * 86_400), ("1y", 365 * 86_400)]
)
def test_durations_are_numbers_of_seconds(text: str, seconds: float) -> None:
    assert without_spans(parse(text)) == number(seconds, is_duration=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a\\tb\\"c"', 'a\tb"c'),
        ("'it\\'s'", "it's"),
        ("`raw \\n\n`", "raw \\n\n"),
        ('"\\x41\\101\\u00e9\\U0001F600"', "AAé😀"),
        ('"\\xc3\\xa9"', "é"),
        ('"日本"', "日本"),
        ('"\\xff"', "\udcff"),
    ],
)
def test_strings(text: str, value: str) -> None:
    assert without_spans(parse(text)) == StringLiteral(span=SPAN, value=value)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a:b:c", selector("a:b:c")),
        (
            'a{x="1", y!=\'2\', z=~`3|4`, w!~"5",}',
            selector(
                "a", Matcher("x", "=", "1"), Matcher("y", "!=", "2"), Matcher("z", "=~", "3|4"), Matcher("w", "!~", "5")
            ),
        ),
        (
            '{"my.metric", "a label"="1"}',
            selector("", Matcher("__name__", "=", "my.metric"), Matcher("a label", "=", "1")),
        ),
        ('{__name__=~"a.*"}', selector("", Matcher("__name__", "=~", "a.*"))),
        ("a{} # a comment", A),
        ("# a comment\na", A),
        ("sum", selector("sum")),
        ("offset offset 1m", selector("offset", offset_ms=60_000)),
        ("a offset -1m", selector("a", offset_ms=-60_000)),
        ("a @ 1.5", selector("a", at=AtModifier(span=SPAN, timestamp_ms=1500))),
        ("a @ -1 offset 5", selector("a", at=AtModifier(span=SPAN, timestamp_ms=-1000), offset_ms=5000)),
        ("a offset 5 @ end()", selector("a", at=AtModifier(span=SPAN, preprocessor="end"), offset_ms=5000)),
        ("a[5m]", matrix(A, 300_000)),
        ("a[90]", matrix(A, 90_000)),
        (
            "a[5m] @ start() offset 1m",
            matrix(selector("a", at=AtModifier(span=SPAN, preprocessor="start"), offset_ms=60_000), 300_000),
        ),
        ("a[1h:5m]", SubqueryExpr(span=SPAN, expr=A, range_ms=3_600_000, step_ms=300_000)),
        ("a[1h:] offset 1m", SubqueryExpr(span=SPAN, expr=A, range_ms=3_600_000, offset_ms=60_000)),
    ],
)
def test_selectors(text: str, tree: object) -> None:
    assert without_spans(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1 + 2 * 3", binary(number(1), "+", binary(number(2), "*", number(3)))),
        ("1 - 2 - 3", binary(binary(number(1), "-", number(2)), "-", number(3))),
        ("2 ^ 3 ^ 4", binary(number(2), "^", binary(number(3), "^", number(4)))),
        ("-2 ^ 2", UnaryExpr(span=SPAN, op="-", expr=binary(number(2), "^", number(2)))),
        ("-2 * 3", binary(number(-2), "*", number(3))),
        ("2 ^ -1", binary(number(2), "^", number(-1))),
        ("-a offset 1s", UnaryExpr(span=SPAN, op="-", expr=selector("a", offset_ms=1000))),
        ("(1)", ParenExpr(span=SPAN, expr=number(1))),
        ("1 == bool 2", binary(number(1), "==", number(2), is_bool=True)),
        ("a or b and c", binary(A, "or", binary(B, "and", C, MANY_TO_MANY), MANY_TO_MANY)),
        ("a + b", binary(A, "+", B, ONE_TO_ONE)),
        ("a > 1", binary(A, ">", number(1))),
        ("a atan2 b * c", binary(binary(A, "atan2", B, ONE_TO_ONE), "*", C, ONE_TO_ONE)),
        ("a * on(x, y) b", binary(A, "*", B, VectorMatching(labels=("x", "y"), on=True))),
        (
            "a / ignoring(x) group_left(y) b",
            binary(A, "/", B, VectorMatching(card=Cardinality.MANY_TO_ONE, labels=("x",), include=("y",))),
        ),
        ("a and on() b", binary(A, "and", B, VectorMatching(card=Cardinality.MANY_TO_MANY, on=True))),
        ("a + fill(0) b", binary(A, "+", B, VectorMatching(fill_left=0, fill_right=0))),
        ("a + fill_right(-1) b", binary(A, "+", B, VectorMatching(fill_right=-1))),
        ("fill + fill", binary(selector("fill"), "+", selector("fill"), ONE_TO_ONE)),
    ],
)
def test_operators(text: str, tree: object) -> None:
    assert without_spans(parse(text, experimental=True)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("sum(a)", AggregateExpr(span=SPAN, op="sum", expr=A)),
        ("SUM by (x, y,) (a)", AggregateExpr(span=SPAN, op="sum", expr=A, grouping=("x", "y"))),
        (
            'sum(a) without ("x y", on)',
            AggregateExpr(span=SPAN, op="sum", expr=A, grouping=("x y", "on"), without=True),
        ),
        ("topk(5, a)", AggregateExpr(span=SPAN, op="topk", expr=A, param=number(5))),
        ("rate(a[5m])", Call(span=SPAN, func="rate", args=(matrix(A, 300_000),))),
        ("time()", Call(span=SPAN, func="time", args=())),
        ("round(a, 10)", Call(span=SPAN, func="round", args=(A, number(10)))),
    ],
)
def test_aggregations_and_calls(text: str, tree: object) -> None:
    assert without_spans(parse(text)) == tree


def test_duration_expressions_keep_what_was_written() -> None:
    step = DurationExpr(span=SPAN, op="step")
    twice = DurationExpr(span=SPAN, op="*", lhs=step, rhs=number(2))
    larger = DurationExpr(span=SPAN, op="max_of", lhs=number(60, is_duration=True), rhs=twice)

    expr = parse("a[max_of(1m, step() * 2)]", experimental=True)

    assert without_spans(expr) == matrix(A, 0, larger)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a[5m * 2]", Options(), "1:3: parse error: experimental duration expression is not enabled"),
        ("a anchored", Options(), "1:1: parse error: anchored modifier is experimental and not enabled"),
        ("a + fill(0) b", Options(), "1:1: parse error: binop fill modifiers are experimental and not enabled"),
        ("mad_over_time(a[5m])", Options(), '1:1: parse error: function "mad_over_time" is not enabled'),
        (
            "mad_over_time(a[5m * 2])",
            Options(functions=True),
            "1:17: parse error: experimental duration expression is not enabled",
        ),
    ],
)
def test_experimental_parts_need_their_switch(text: str, options: Options, message: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse(text, options=options)

    assert str(raised.value) == message
    parse(text, experimental=True)


def test_an_error_knows_its_place() -> None:
    """Lines count from 1, columns from 1 in bytes."""
    with pytest.raises(ParseError) as raised:
        parse('sum(\n  {x="é"} +\n)')

    error = raised.value
    assert (error.line, error.column, error.span.start) == (3, 1, 18)
    assert error.message == '3:1: parse error: unexpected ")" in aggregation'
    assert error.reason == 'unexpected ")" in aggregation'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unknown position: parse error: no expression found in input"),
        ("# There should be no\n# query here", "1:1: parse error: no expression found in input"),
        ("   ", "1:1: parse error: no expression found in input"),
    ],
)
def test_a_query_of_nothing_but_comments_is_no_expression(text: str, message: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse(text)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("*", "missing argument to repetition operator: `*`"),
        ("[a", "missing closing ]: `[a`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("\\\\q", "invalid escape sequence: `\\q`"),
        ("a\\\\", "trailing backslash at end of expression: ``"),
        ("a+{1001}", "invalid repeat count: `{1001}`"),
        ("a\\\\C", "invalid escape sequence: `\\C`"),
        ("a+\\xffb", "invalid UTF-8: `\N{REPLACEMENT CHARACTER}b`"),
    ],
)
def test_a_regex_is_refused_in_the_words_of_go(pattern: str, complaint: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse(f'a{{x=~"{pattern}"}}')

    assert raised.value.message == f"1:3: parse error: error parsing regexp: {complaint}"


@pytest.mark.parametrize(
    "pattern", ["a|b", ".*", "(a|b)+", "[^x]{2,3}", "\\\\d+", "(?i)a", "\\\\Q\\\\C\\\\E", "\\xff", "\\\\pL"]
)
def test_what_go_accepts_as_a_regex_is_accepted(pattern: str) -> None:
    parse(f'a{{x=~"{pattern}"}}')


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 + 1", ValueType.SCALAR),
        ("1 + a", ValueType.VECTOR),
        ("-(a)", ValueType.VECTOR),
        ("scalar(a)", ValueType.SCALAR),
        ("a[5m]", ValueType.MATRIX),
        ("a[5m:]", ValueType.MATRIX),
        ("sum(a)", ValueType.VECTOR),
        ("'a'", ValueType.STRING),
        ("1 + (2 + 3)", ValueType.SCALAR),
    ],
)
def test_the_type_of_an_expression(text: str, kind: ValueType) -> None:
    assert value_type(parse(text)) is kind


def test_the_table_of_functions_is_complete() -> None:
    """Prometheus 3.14 has 90 functions; 17 of them are experimental."""
    assert len(FUNCTIONS) == 90
    assert sum(function.experimental for function in FUNCTIONS.values()) == 17
    assert FUNCTIONS["label_join"].max_args is None
    assert (FUNCTIONS["round"].min_args, FUNCTIONS["round"].max_args) == (1, 2)
