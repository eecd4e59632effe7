"""Reading the Prometheus text format."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.metrics.scrape.exposition import ExpositionError, Row, labels_of_series, metadata, rows

TEXT = """\
# HELP http_requests_total The total, with a \\\\ and a \\n break.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000

up 1
temperature{place="a } brace",note="say \\"hi\\"\\n"} -3.5e-2
limit{} +Inf
nothing NaN
"""


def test_samples_metadata_and_comments_are_told_apart() -> None:
    found = list(rows(TEXT))

    assert found[0] == Row('http_requests_total{method="post",code="200"}', 1027.0, 1395066363000)
    assert [row.series for row in found] == [
        'http_requests_total{method="post",code="200"}',
        "up",
        'temperature{place="a } brace",note="say \\"hi\\"\\n"}',
        "limit{}",
        "nothing",
    ]
    assert math.isinf(found[3].value)
    assert math.isnan(found[4].value)
    assert metadata(TEXT)["http_requests_total"].type == "counter"
    assert metadata(TEXT)["http_requests_total"].help == "The total, with a \\ and a \n break."


def test_labels_are_unescaped() -> None:
    assert labels_of_series('temperature{place="a } brace", note="say \\"hi\\"\\n",}') == {
        "__name__": "temperature",
        "place": "a } brace",
        "note": 'say "hi"\n',
    }


@pytest.mark.parametrize(
    "line", ["up", "up one", '{a="b"} 1', "up 1 2 3", "up 1_000", "1up 1", "up{a=b} 1", 'up{a="b" 1']
)
def test_what_is_no_sample_is_named(line: str) -> None:
    with pytest.raises(ExpositionError):
        [labels_of_series(row.series) for row in rows(f"ok 1\n{line}\n")]


@given(
    st.dictionaries(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True), st.text(max_size=12), max_size=4),
    st.floats(allow_nan=False),
)
@settings(max_examples=80, deadline=None)
def test_what_is_written_is_read_back(labels: dict[str, str], value: float) -> None:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')

    inner = ",".join(f'{name}="{escaped(text)}"' for name, text in labels.items())

    (row,) = rows(f"metric{{{inner}}} {value!r}\n")

    assert row.value == value
    assert labels_of_series(row.series) == {"__name__": "metric", **labels}
