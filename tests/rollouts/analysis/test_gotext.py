"""Go's text formats. Known answers: Go's time, strconv and fmt packages."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.rollouts.analysis.gotext import (
    InvalidDuration,
    format_any,
    format_sample,
    int_value,
    parse_duration,
    quote,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("5s", 5),
        ("-5s", -5),
        ("+5s", 5),
        ("1h30m", 5400),
        (".5s", 0.5),
        ("5.s", 5),
        ("1.5m", 90),
        ("10ms", 0.01),
        ("11us", 0.000011),
        ("3m5s30s", 215),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("3", 'time: missing unit in duration "3"'),
        ("-", 'time: invalid duration "-"'),
        (".", 'time: invalid duration "."'),
        (".s", 'time: invalid duration ".s"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1 s", 'time: unknown unit " s" in duration "1 s"'),
        ("??", 'time: invalid duration "??"'),
        ("1µ", 'time: unknown unit "\\xc2\\xb5" in duration "1\\xc2\\xb5"'),
        ("9999999999h", 'time: invalid duration "9999999999h"'),
    ],
)
def test_durations_that_are_none(text: str, message: str) -> None:
    with pytest.raises(InvalidDuration) as caught:
        parse_duration(text)

    assert caught.value.problem == message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.95, "0.95"),
        (-12.5, "-12.5"),
        (1e21, "1000000000000000000000"),
        (1.5e-7, "0.00000015"),
        (123456789.125, "123456789.125"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_sample_values_never_show_an_exponent(value: float, text: str) -> None:
    assert format_sample(value) == text


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False))
def test_a_sample_value_reads_back_as_itself(value: float) -> None:
    assert float(format_sample(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4, "4"),
        (True, "true"),
        (1e21, "1e+21"),
        (0.00001, "1e-05"),
        (123456.5, "123456.5"),
        (1000000, "1e+06"),
        ("x", "x"),
    ],
)
def test_any_json_scalar(value: object, text: str) -> None:
    assert format_any(value) == text


def test_quotes() -> None:
    assert quote('a"b\\c\n\t\x00\x7fä\u200b') == '"a\\"b\\\\c\\n\\t\\x00\\x7fä\\u200b"'


@pytest.mark.parametrize(("value", "number"), [(None, 0), (3, 3), ("3", 3), ("-1", -1), ("x", 0), ("10%", 0)])
def test_int_or_string(value: int | str | None, number: int) -> None:
    assert int_value(value) == number
