"""Label sets are values: equal ones are the same object."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.metrics.tsdb.gofloat import go_api, go_f, go_g
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.matchers import InvalidRegex, compile_matcher, compile_regex


def test_equal_label_sets_are_one_object_whatever_the_order() -> None:
    one = Labels({"b": "2", "a": "1", "empty": ""})

    assert one is Labels([("a", "1"), ("b", "2")])
    assert one.pairs == (("a", "1"), ("b", "2"))
    assert copy.deepcopy(one) is one
    assert pickle.loads(pickle.dumps(one)) is one


def test_label_sets_derive_from_one_another() -> None:
    up = Labels({"__name__": "up", "job": "x", "pod": "p"})

    assert up.without_metadata() is Labels({"job": "x", "pod": "p"})
    assert up.only(("job", "nope")) is Labels({"job": "x"})
    assert up.with_label("job", "") is up.without(("job",))
    assert up.get("nope") == ""


def test_label_sets_print_as_upstream_prints_them() -> None:
    labels = Labels({"__name__": "up", "path": 'C:\\"x"\n', "with.dot": "y"})

    assert str(labels) == '{__name__="up", path="C:\\\\\\"x\\"\\n", "with.dot"="y"}'


@pytest.mark.parametrize(
    ("value", "as_g", "as_f"),
    [
        (0.0, "0", "0"),
        (100_000.0, "100000", "100000"),
        (1e6, "1e+06", "1000000"),
        (123456789.0, "1.23456789e+08", "123456789"),
        (0.0001, "0.0001", "0.0001"),
        (0.00001, "1e-05", "0.00001"),
        (-0.5, "-0.5", "-0.5"),
        (float("inf"), "+Inf", "+Inf"),
        (float("-inf"), "-Inf", "-Inf"),
        (float("nan"), "NaN", "NaN"),
    ],
)
def test_floats_print_as_go_prints_them(value: float, as_g: str, as_f: str) -> None:
    assert (go_g(value), go_f(value)) == (as_g, as_f)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-6, "0.000001"), (2.5e-7, "2.5e-07"), (0.0, "0")],
)
def test_floats_print_as_the_http_api_prints_them(value: float, text: str) -> None:
    assert go_api(value) == text


@given(
    pattern=st.sampled_from(
        ["", "abc", "abc.*", "abc.+", ".*", ".+", "a|b", "(a|b)", "(?:a|b|)", "|", "a-b_c.*", "a:b"]
    ),
    text=st.text(alphabet="abc-_:\n", max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_shortcuts_agree_with_the_regular_expression(pattern: str, text: str) -> None:
    assert compile_matcher("=~", pattern).accepts(text) == compile_regex(pattern)(text)


def test_a_broken_regular_expression_is_refused_in_clear_words() -> None:
    with pytest.raises(InvalidRegex, match="error parsing regexp"):
        compile_matcher("=~", "a(b")
