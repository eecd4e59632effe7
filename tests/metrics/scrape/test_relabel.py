"""Relabelling, action by action, with the answers of Prometheus' own documentation and tests."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.metrics.scrape.relabel import Action, Relabel, relabel

BASE = {"a": "foo", "b": "bar", "c": "baz"}

CASES: list[tuple[str, dict[str, str], Relabel, dict[str, str] | None]] = [
    (
        "replace with groups",
        BASE,
        Relabel(source_labels=("a",), target_label="d", regex="f(.*)", replacement="ch${1}-ch$1"),
        {**BASE, "d": "choo-choo"},
    ),
    (
        "replace joins sources",
        BASE,
        Relabel(source_labels=("a", "b"), target_label="a", regex="f(.*);(.*)r", replacement="b${1}${2}m"),
        {**BASE, "a": "boobam"},
    ),
    ("replace without a match", BASE, Relabel(source_labels=("a",), target_label="d", regex="o+"), BASE),
    (
        "replace to nothing removes",
        BASE,
        Relabel(target_label="a", regex="(.*)", replacement=""),
        {"b": "bar", "c": "baz"},
    ),
    ("keep", BASE, Relabel(source_labels=("a",), regex="foo", action="keep"), BASE),
    ("keep drops the rest", BASE, Relabel(source_labels=("a",), regex="fo", action="keep"), None),
    ("drop", BASE, Relabel(source_labels=("a",), regex=".*o.*", action="drop"), None),
    ("keepequal", BASE, Relabel(source_labels=("a",), target_label="b", action="keepequal"), None),
    ("dropequal", BASE, Relabel(source_labels=("a",), target_label="b", action="dropequal"), BASE),
    (
        "hashmod",
        {"c": "baz"},
        Relabel(source_labels=("c",), target_label="d", modulus=1000, action="hashmod"),
        {"c": "baz", "d": "976"},
    ),
    (
        "labelmap",
        {"a": "1", "b1": "2"},
        Relabel(regex="(b.*)", replacement="bar_$1", action="labelmap"),
        {"a": "1", "b1": "2", "bar_b1": "2"},
    ),
    ("labeldrop", {"a": "1", "b1": "2"}, Relabel(regex="b.*", action="labeldrop"), {"a": "1"}),
    ("labelkeep", {"a": "1", "b1": "2"}, Relabel(regex="b.*", action="labelkeep"), {"b1": "2"}),
    (
        "lowercase",
        {"a": "FOo"},
        Relabel(source_labels=("a",), target_label="x", action="lowercase"),
        {"a": "FOo", "x": "foo"},
    ),
    (
        "uppercase",
        {"a": "foO"},
        Relabel(source_labels=("a",), target_label="x", action="uppercase"),
        {"a": "foO", "x": "FOO"},
    ),
]


@pytest.mark.parametrize(("labels", "rule", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_action(labels: dict[str, str], rule: Relabel, wanted: dict[str, str] | None) -> None:
    assert relabel(labels, [rule]) == wanted


@pytest.mark.parametrize(
    ("replacement", "wanted"),
    [
        ("$1x", None),
        ("${1}x", "bx"),
        ("${name}", "b"),
        ("$name-$1", "b-b"),
        ("$$1", "$1"),
        ("a$", "a$"),
        ("${1", "${1"),
        ("$9${none}", None),
    ],
)
def test_templates_expand_as_in_go(replacement: str, wanted: str | None) -> None:
    rule = Relabel(source_labels=("a",), target_label="d", regex="a(?P<name>.)c", replacement=replacement)

    labels = relabel({"a": "abc"}, [rule])

    assert labels is not None
    assert labels.get("d") == wanted


def test_an_empty_label_is_an_absent_one() -> None:
    rule = Relabel(regex="x_(.+)", action="labelmap")

    assert relabel({"a": "kept", "x_a": ""}, [rule]) == {"a": "kept"}


def test_a_target_without_a_name_is_left_alone() -> None:
    assert relabel({"a": "b"}, [Relabel(source_labels=("a",), regex="(b)(c)?", target_label="$2")]) == {"a": "b"}


TEXTS = st.text("ab$1{}_²;", max_size=6)
RULES = st.builds(
    Relabel,
    source_labels=st.lists(st.sampled_from(["a", "b", "none"]), max_size=2).map(tuple),
    separator=st.sampled_from([";", ""]),
    target_label=TEXTS.map(lambda text: text or "t"),  # upstream refuses a rule without one
    regex=st.sampled_from(["(.*)", "(.+)", "a", "(a)(b)?.*", "(?P<n>.)b*", ""]),
    modulus=st.just(7),
    replacement=TEXTS,
    action=st.sampled_from(get_args(Action)),
)


@given(st.dictionaries(st.sampled_from("abc"), TEXTS, max_size=3), st.lists(RULES, max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_rule_raises_or_leaves_an_empty_label(labels: dict[str, str], rules: list[Relabel]) -> None:
    before = dict(labels)

    result = relabel(labels, rules)

    assert labels == before
    assert result is None or all(name and value for name, value in result.items())
