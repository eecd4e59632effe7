"""What holds for every expression: printing and parsing undo each other, and bad text is a ParseError, not a crash."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.metrics.promql.lexer import EOF, ERROR, to_bytes, tokenize
from canarium.metrics.promql.parser import ParseError, parse
from canarium.metrics.promql.printer import format_expr, format_pretty
from tests.metrics.promql.expressions import accepted, expressions, labels, strings
from tests.metrics.promql.trees import children, walk, without_spans

bounded = settings(max_examples=100, deadline=None)


@bounded
@given(expressions)
def test_a_printed_expression_parses_to_the_same_tree(text: str) -> None:
    expr = accepted(text)

    for printed in (format_expr(expr), format_pretty(expr)):
        again = parse(printed)
        # By repr(), because not-a-number does not equal itself.
        assert repr(without_spans(again)) == repr(without_spans(expr))
    assert format_expr(parse(format_expr(expr))) == format_expr(expr)


@bounded
@given(expressions)
def test_every_node_lies_in_its_parent_and_in_the_text(text: str) -> None:
    expr = accepted(text)

    size = len(text.encode())
    for node in walk(expr):
        assert 0 <= node.span.start < node.span.end <= size
        for child in children(node):
            assert node.span.start <= child.span.start


@bounded
@given(strings)
def test_a_string_is_what_was_quoted(text: str) -> None:
    again = format_expr(parse(text))

    assert without_spans(parse(again)) == without_spans(parse(text))


@bounded
@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet="ab(){}[]\"'`\\#,:@=!~<>+-*/%^ \n\t.015mse_xé", max_size=40),
        st.lists(st.one_of(expressions, st.sampled_from(list("(){}[],@")), labels), max_size=4).map(" ".join),
    )
)
def test_any_text_is_an_expression_or_a_parse_error(text: str) -> None:
    error: ParseError | None = None
    try:
        parse(text, experimental=True)
    except ParseError as raised:
        error = raised

    if error is not None:
        assert 0 <= error.span.start <= len(text.encode())
        assert str(error).endswith(f": parse error: {error.reason}")


@bounded
@given(st.text(alphabet="ab(){}[]\"'`\\#,:@=!~<>+-*/%^ \n\t.015mse_xé", max_size=40))
def test_tokens_are_in_order_and_cover_no_byte_twice(text: str) -> None:
    data = to_bytes(text)

    tokens = tokenize(data)

    assert tokens[-1].kind in (EOF, ERROR)
    for before, after in pairwise(tokens):
        assert data[before.pos : before.end] == before.text
        assert before.end <= after.pos or after.kind == ERROR
