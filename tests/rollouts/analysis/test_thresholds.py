"""The lines that a chart of a metric has: each comparison of the result with a number, and nothing else."""

from __future__ import annotations

import pytest

from canarium.rollouts.analysis.thresholds import Threshold, single, thresholds, thresholds_of, turned_round


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("result[0] >= 0.95", [(">=", 0.95, 0)]),
        ("result < 5", [("<", 5, 0)]),
        ("0.95 <= result[0]", [(">=", 0.95, 0)]),
        ("5 == result[2]", [("==", 5, 2)]),
        ("result[1] > -1.5", [(">", -1.5, 1)]),
        ("asFloat(result) > 1", [(">", 1, 0)]),
        ("float(result[1]) != 3", [("!=", 3, 1)]),
        ("default(result, 0) < 0.05", [("<", 0.05, 0)]),
        ("result?.[0] > 3", [(">", 3, 0)]),
        ("result[0] > 1 and result[0] < 5", [(">", 1, 0), ("<", 5, 0)]),
        ("1 < result[0] < 5", [(">", 1, 0), ("<", 5, 0)]),
        ("len(result) == 0 || isNaN(result[0]) || result[0] < 0.5", [("<", 0.5, 0)]),
        ("not (result[0] > 5)", [("<=", 5, 0)]),
        ("!(result[0] > 5 || result[1] <= 2)", [("<=", 5, 0), (">", 2, 1)]),
        ("not not (result[0] > 5)", [(">", 5, 0)]),
    ],
)
def test_comparisons_of_the_result_are_found(condition: str, found: list[tuple[str, float, int]]) -> None:
    """With the result on the left, through and, or and not."""
    got = thresholds_of(condition, "success")

    assert [(one.operator, one.value, one.index) for one in got] == found


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "   ",
        "len(result) > 0",
        "result[0] > result[1]",
        "result.errors > 3",
        "result[0] + 1 > 3",
        "result == 'ok'",
        "result == true",
        "result[0] > 1 ? result[0] > 2 : result[0] > 3",
        "all(result, # < 5)",
        "result[0] >",
        "(" * 300,
    ],
)
def test_what_is_no_place_on_the_axis_gives_no_line(condition: str) -> None:
    """Also of conditions that do not parse, and without an error."""
    assert thresholds_of(condition, "failure") == ()


def test_both_conditions_give_lines_once_each() -> None:
    """Success first; a line that is there already is not drawn again."""
    metric = {"successCondition": "result[0] < 1 or result[0] < 1", "failureCondition": "result[0] >= 5"}

    assert thresholds(metric) == (Threshold("success", "<", 1.0), Threshold("failure", ">=", 5.0))


def test_a_condition_that_is_one_comparison_is_told_apart() -> None:
    """Not one that is part of something."""
    assert single("0 < result[0]", "success") == Threshold("success", ">", 0.0)
    assert single("result[0] > 0 and result[0] < 5", "success") is None
    assert single("not (result[0] > 0)", "success") is None


@pytest.mark.parametrize(
    ("condition", "turned"),
    [
        ("result[0] > 0", "result[0] <= 0"),
        ("0 < result[0]", "0 >= result[0]"),
        ("result[0]==1", "result[0]!=1"),
        ("asFloat(result) <= -1", "asFloat(result) > -1"),
    ],
)
def test_a_comparison_is_turned_round_as_it_is_written(condition: str, turned: str) -> None:
    """Whichever side the number is on."""
    assert turned_round(condition) == turned
