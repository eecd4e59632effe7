"""Custom resources as their definition's printer columns show them."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.server.table import table
from tests.kube.server.table.rows import NOW, named, shown
from tests.kube.worlds import WIDGETS


@pytest.mark.parametrize("columns", [None, []])
def test_a_kind_without_columns_shows_name_and_age(columns: list[Any] | None) -> None:
    assert shown(WIDGETS, named("w"), columns=columns) == {"Name": "w", "Age": "5m"}


def test_a_column_says_what_its_definition_says() -> None:
    declared = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1, "format": "int32"}]

    name, size = table(WIDGETS, [], now=NOW, resource_version="7", columns=declared)["columnDefinitions"]

    assert (name["name"], name["format"], name["priority"]) == ("Name", "name", 0)
    assert size == {
        "name": "Size",
        "type": "integer",
        "format": "int32",
        "description": "The value at .spec.size",
        "priority": 1,
    }


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("integer", 42, 42),
        ("integer", 3.14, 3),
        ("integer", True, None),
        ("integer", "foo", None),
        ("number", 42, 42.0),
        ("number", 3.14, 3.14),
        ("number", True, None),
        ("number", "foo", None),
        ("boolean", True, True),
        ("boolean", 1, None),
        ("boolean", "foo", None),
        ("string", "foo", "foo"),
        ("string", "", ""),
        ("string", 42, "42"),
        ("string", 3.0, "3"),
        ("string", 0.5, "0.5"),
        ("string", 1e17, "100000000000000000"),
        ("string", 1e21, "1e+21"),
        ("string", 1.5e-7, "1.5e-07"),
        ("string", False, "false"),
        ("string", ["a", "b"], '["a","b"]'),
        ("string", {"b": "<", "a": "é"}, '{"a":"é","b":"\\u003c"}'),
        ("string", None, "<no value>"),
        ("integer", None, None),
        ("date", "2026-03-01T11:00:00Z", "60m"),
        ("date", "soon", "<invalid>"),
        ("date", "", "<unknown>"),
        ("date", 42, None),
        ("array", [1], None),
    ],
)
def test_a_value_in_a_column_of_a_type(kind: str, value: Any, cell: Any) -> None:
    declared = [{"name": "It", "type": kind, "jsonPath": ".spec.it"}]

    found = shown(WIDGETS, named(spec={"it": value}), columns=declared)["It"]

    assert (found, type(found)) == (cell, type(cell))


@pytest.mark.parametrize("path", [".spec.missing", ".spec.list[5]", ".spec.list[oops]"])
def test_a_path_that_finds_nothing_leaves_its_cell_empty(path: str) -> None:
    declared = [{"name": "It", "type": "string", "jsonPath": path}]

    cell = shown(WIDGETS, named(spec={"list": [1]}), columns=declared)["It"]

    assert cell is None


def test_of_many_values_the_first_is_shown() -> None:
    declared = [{"name": "It", "type": "string", "jsonPath": ".spec.list[*]"}]

    assert shown(WIDGETS, named(spec={"list": ["a", "b"]}), columns=declared)["It"] == "a"
