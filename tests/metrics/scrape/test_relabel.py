"""Relabelling, action by action, with the answers of Prometheus' own documentation and tests."""

from __future__ import annotations

import pytest

from canarium.metrics.scrape.relabel import Relabel, relabel

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
