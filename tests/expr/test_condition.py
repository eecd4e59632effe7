"""Conditions mean what they mean to Argo Rollouts, and fail in its words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.expr import ExprError, compile, evaluate_condition
from canarium.expr.builtins import BUILTINS
from canarium.expr.values import FloatSlice

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "testdata" / "conditions.json").read_text())


def measured(kind: str, result: Any) -> Any:
    """The recorded result as a provider would have measured it."""
    match kind:
        case "floats":
            return FloatSlice(result)
        case "nan":
            return FloatSlice([math.nan, math.inf, 1.0])
        case "nanf":
            return math.nan
        case "int":
            return result
        case _:
            return json.loads(json.dumps(result), parse_int=float)


@pytest.mark.parametrize("group", RECORDED["groups"], ids=lambda group: f"{group['type']}-{str(group['result'])[:20]}")
def test_conditions_give_what_argo_rollouts_gives(group: dict[str, Any]) -> None:
    result = measured(group["type"], group["result"])
    differences = []

    for condition, *expected in group["cases"]:
        try:
            actual: list[Any] = [evaluate_condition(condition, result)]
        except ExprError as error:
            actual = [error.problem]
            if len(expected) == 2:
                actual.append(f"{error.line}:{error.column}")
        if actual != expected:
            differences.append((condition, actual, expected))

    assert differences == []


@pytest.mark.parametrize(
    ("result", "condition", "holds"),
    [
        pytest.param([0.0], "result[0] > 0", False, id="no restarts is not more than none"),
        pytest.param([0.0], "result[0] == 0", True, id="no restarts"),
        pytest.param([1.0], "result[0] >= 1", True, id="one ready container"),
        pytest.param(0.25, "result < 0.5 || isNaN(result)", True, id="scalar"),
        pytest.param(None, "default(result, 1) > 0", True, id="default instead of nothing"),
        pytest.param({"code": 200}, "result.code in [200, 201]", True, id="json"),
    ],
)
def test_a_condition_holds_or_does_not(result: Any, condition: str, holds: bool) -> None:
    assert evaluate_condition(condition, result) is holds


def test_an_error_points_into_the_condition() -> None:
    with pytest.raises(ExprError) as caught:
        evaluate_condition("result[0] > 'a'", [1.0])

    assert caught.value.with_snippet == (
        "invalid operation: > (mismatched types float64 and string) (1:11)\n | result[0] > 'a'\n | ..........^"
    )


def test_an_empty_vector_has_no_first_element() -> None:
    with pytest.raises(ExprError, match=r"index out of range: 0 \(array length is 0\)"):
        evaluate_condition("result[0] > 1", [])


def test_a_program_runs_with_any_environment() -> None:
    program = compile("all(numbers, # > limit)")

    assert program.run({"numbers": [1, 2], "limit": 0}) is True
    assert program.run({"numbers": [1, 2], "limit": 1}) is False


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        pytest.param("(" * 5000 + "1" + ")" * 5000, "nested", id="parentheses"),
        pytest.param("-" * 5000 + "1", "nested", id="signs"),
        pytest.param("[" * 5000, "nested", id="arrays"),
        pytest.param("1" + "+1" * 5000, "nested", id="sums"),
        pytest.param("x" + ".a" * 5000, "nested", id="members"),
        pytest.param("[" + "1," * 20000 + "1]", "maximum allowed nodes", id="nodes"),
        pytest.param("len(1..99999999)", "memory budget exceeded", id="range"),
        pytest.param("repeat(repeat('a', 1000), 100000)", "memory budget exceeded", id="text"),
        pytest.param("all(1..9999, all(1..9999, # > 0))", "step budget exceeded", id="loops"),
    ],
)
def test_a_condition_is_bounded(condition: str, problem: str) -> None:
    with pytest.raises(ExprError, match=problem):
        compile(condition).run({})


_PIECES = [
    *sorted(BUILTINS),
    *"+-*/%^<>!?:;,.#()[]{}|&='\"`\\ ",
    *(
        "result",
        "true",
        "nil",
        "not",
        "in",
        "and",
        "or",
        "matches",
        "contains",
        "let x = ",
        "if",
        "else",
        "..",
        "?.",
        "??",
    ),
    *("1", "0", "2.5", "-1", "'a'", "[1, 2]", "{a: 1}", "asInt", "asFloat", "default", "$env", "9223372036854775807"),
]
_RESULTS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=5,
)


def outcome_of(condition: str, env: dict[str, Any]) -> tuple[Any, str]:
    """The value, or the message."""
    try:
        return compile(condition).run(env), "no error"
    except ExprError as error:
        return None, error.with_snippet


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map(" ".join) | st.text(max_size=20), _RESULTS)
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_verdict_or_an_error(condition: str, result: Any) -> None:
    try:
        outcome = evaluate_condition(condition, result)
    except ExprError as error:
        outcome = bool(error.with_snippet)

    assert isinstance(outcome, bool)


@given(st.sampled_from(sorted(BUILTINS)), st.lists(_RESULTS, max_size=3))
@settings(max_examples=100, deadline=None)
def test_builtins_take_anything_without_a_traceback(name: str, arguments: list[Any]) -> None:
    names = ", ".join(f"v{index}" for index in range(len(arguments)))

    _, message = outcome_of(f"{name}({names})", {f"v{index}": value for index, value in enumerate(arguments)})

    assert message


@given(
    st.sampled_from(["+", "-", "*", "/", "%", "**", "<", ">=", "==", "in", "..", "contains", "matches", "??", "&&"]),
    _RESULTS,
    _RESULTS,
)
@settings(max_examples=100, deadline=None)
def test_operators_take_anything_without_a_traceback(operator: str, left: Any, right: Any) -> None:
    _, message = outcome_of(f"a {operator} b", {"a": left, "b": right})

    assert message
