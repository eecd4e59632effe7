"""Structural schemas: what is pruned, what is filled in, and what is refused in which words.

The known answers were given by apiextensions-apiserver 0.34 itself, to which random schemas and values were shown too.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from canarium.kube.patch.merge import equal
from canarium.kube.schema import problems, pruned, reviewed, with_defaults
from canarium.kube.schema_problems import QUANTITY_PATTERN

INT_OR_STRING = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
BY_NAME = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": {"type": "object", "properties": {"name": {"type": "string"}, "x": {"type": "integer"}}},
}

CASES: list[tuple[str, dict[str, Any], Any, str, str, str]] = [
    (
        "type",
        {"type": "integer"},
        "a",
        "TypeInvalid",
        "",
        'Invalid value: "string": a.b in body must be of type integer: "string"',
    ),
    (
        "fraction",
        {"type": "integer"},
        1.5,
        "TypeInvalid",
        "",
        'Invalid value: "number": a.b in body must be of type integer: "number"',
    ),
    (
        "beyond 64 bits",
        {"type": "integer"},
        2**64,
        "TypeInvalid",
        "",
        'Invalid value: "number": a.b in body must be of type integer: "number"',
    ),
    (
        "a boolean is no number",
        {"type": "number"},
        True,
        "TypeInvalid",
        "",
        'Invalid value: "boolean": a.b in body must be of type number: "boolean"',
    ),
    (
        "int or string",
        INT_OR_STRING | {"anyOf": []},
        1.5,
        "TypeInvalid",
        "",
        'Invalid value: "number": a.b in body must be of type integer,string: "number"',
    ),
    (
        "pattern",
        {"type": "string", "pattern": "^a"},
        "b",
        "Invalid",
        "",
        "Invalid value: \"b\": a.b in body should match '^a'",
    ),
    (
        "quantity",
        INT_OR_STRING | {"pattern": QUANTITY_PATTERN},
        "1x",
        "Invalid",
        "",
        f"Invalid value: \"1x\": a.b in body should match '{QUANTITY_PATTERN}'",
    ),
    (
        "too short",
        {"type": "string", "minLength": 1},
        "",
        "Invalid",
        "",
        'Invalid value: "": a.b in body should be at least 1 chars long',
    ),
    ("too long", {"type": "string", "maxLength": 1}, "ab", "TooLong", "", "Too long: may not be more than 1 byte"),
    (
        "time",
        {"type": "string", "format": "date-time"},
        "soon",
        "TypeInvalid",
        "",
        'Invalid value: "soon": a.b in body must be of type date-time: "soon"',
    ),
    (
        "too few",
        {"type": "array", "items": {}, "minItems": 1},
        [],
        "Invalid",
        "",
        "Invalid value: 0: a.b in body should have at least 1 items",
    ),
    (
        "too many",
        {"type": "array", "items": {}, "maxItems": 1},
        [1, 2],
        "TooMany",
        "",
        "Too many: 2: must have at most 1 item",
    ),
    (
        "minimum",
        {"type": "integer", "minimum": 1},
        0,
        "Invalid",
        "",
        "Invalid value: 0: a.b in body should be greater than or equal to 1",
    ),
    (
        "exclusive minimum",
        {"type": "number", "minimum": 1, "exclusiveMinimum": True},
        1,
        "Invalid",
        "",
        "Invalid value: 1: a.b in body should be greater than 1",
    ),
    (
        "exclusive maximum",
        {"type": "number", "maximum": 1.5, "exclusiveMaximum": True},
        1.5,
        "Invalid",
        "",
        "Invalid value: 1.5: a.b in body should be less than 1.5",
    ),
    (
        "multiple",
        {"type": "integer", "multipleOf": 5},
        7,
        "Invalid",
        "",
        "Invalid value: 7: a.b in body should be a multiple of 5",
    ),
    (
        "enum",
        {"type": "string", "enum": ["x", "y"]},
        "z",
        "NotSupported",
        "",
        'Unsupported value: "z": supported values: "x", "y"',
    ),
    (
        "properties",
        {"type": "object", "minProperties": 1},
        {},
        "Invalid",
        "",
        "Invalid value: 0: a.b in body should have at least 1 properties",
    ),
    ("list map", BY_NAME, [{"name": "n", "x": 1}, {"name": "n"}], "Duplicate", "[1]", 'Duplicate value: {"name":"n"}'),
    (
        "list set",
        {"type": "array", "x-kubernetes-list-type": "set", "items": {}},
        ["v", "w", "v", "v"],
        "Duplicate",
        "[2]",
        'Duplicate value: "v"',
    ),
]


@pytest.mark.parametrize(
    ("schema", "value", "reason", "where", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_refused(schema: dict[str, Any], value: Any, reason: str, where: str, message: str) -> None:
    whole = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": schema}}}}

    assert problems({"a": {"b": value}}, whole) == [(f"a.b{where}", f"FieldValue{reason}", message)]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "format": "int32"}, 2**40),
        ({"type": "integer"}, 1.0),
        ({"type": "number"}, 1),
        ({"type": "string", "format": "date-time"}, "2026-01-02T03:04:05.5+01:00"),
        ({"type": "string", "nullable": True}, None),
        (INT_OR_STRING | {"pattern": QUANTITY_PATTERN}, 3),
        ({"type": "array", "items": {}, "x-kubernetes-list-type": "set"}, [1, "1", 2]),
    ],
    ids=["int32 restricts nothing", "1.0 is whole", "1 is a number", "time", "null", "quantity", "set"],
)
def test_what_is_accepted(schema: dict[str, Any], value: Any) -> None:
    assert problems({"a": value}, {"type": "object", "properties": {"a": schema}}) == []


def test_a_null_where_none_may_be_stands_for_a_field_left_out() -> None:
    schema = {
        "type": "object",
        "properties": {
            "plain": {"type": "string"},
            "default": {"type": "string", "default": "x"},
            "nullable": {"type": "string", "nullable": True, "default": "x"},
            "list": {"type": "array", "items": {"type": "string", "default": "y"}},
        },
    }
    value = {"plain": None, "default": None, "nullable": None, "list": [None]}

    assert with_defaults(pruned(value, schema), schema) == {"default": "x", "nullable": None, "list": ["y"]}


def test_what_is_under_additional_properties_that_may_be_anything_is_still_pruned() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": True}}}

    assert pruned({"a": {"b": {"c": 1}, "d": 2}}, schema) == {"a": {"b": {}, "d": 2}}


def test_true_is_not_the_1_that_was_valid_before() -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"n": {"type": "integer"}}}}}

    _, causes = reviewed({"spec": {"n": True}}, {"spec": {"n": 1}}, schema)

    assert [cause[0] for cause in causes] == ["spec.n"]


NAMES = st.sampled_from("abc")
SCALARS = st.none() | st.booleans() | st.integers(-2, 9) | st.floats(-2, 9) | st.text("ab", max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


def leaf(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {key: st.just(value) for key, value in fields.items()}, optional={"nullable": st.booleans()}
    )


LEAVES = (
    leaf(type="string", minLength=1)
    | leaf(type="string", default="d")
    | leaf(type="integer", minimum=1)
    | leaf(type="boolean", default=False)
    | leaf(**{"x-kubernetes-preserve-unknown-fields": True})
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, min_size=1, max_size=3)},
            optional={"required": st.lists(NAMES, max_size=2), "default": st.just({}), "nullable": st.booleans()},
        )
        | st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries({"type": st.just("object"), "additionalProperties": inner})
    ),
    max_leaves=6,
)
ROOTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(NAMES, SCHEMAS, min_size=1, max_size=3)},
    optional={"required": st.lists(NAMES, max_size=2)},
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=3)


@given(ROOTS, OBJECTS)
@settings(max_examples=100, deadline=None)
def test_what_is_stored_is_stored_again_unchanged(schema: dict[str, Any], value: dict[str, Any]) -> None:
    once = with_defaults(pruned(value, schema), schema)

    assert equal(with_defaults(pruned(once, schema), schema), once)
    assert with_defaults(once, schema) is once


@given(ROOTS, OBJECTS, OBJECTS)
@settings(max_examples=100, deadline=None)
def test_an_update_of_a_valid_object_is_judged_as_a_new_one(
    schema: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    old, causes = reviewed(before, None, schema)
    assume(not causes)

    updated, told = reviewed({**old, **after}, old, schema)
    new, wanted = reviewed({**old, **after}, None, schema)

    assert equal(updated, new)
    assert sorted(told) == sorted(wanted)
