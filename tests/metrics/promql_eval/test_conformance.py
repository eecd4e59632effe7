"""Upstream's own test files, replayed against our engine.

They are Prometheus' (Apache 2.0), lie beside the working copy and are not part of the project; where they are absent,
these tests skip. Cases that need native histograms are counted apart.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.metrics.promql_eval.promqltest import Report, replay

CONFORMANCE = Path(
    os.environ.get("CANARIUM_CONFORMANCE", Path(__file__).resolve().parents[4] / "shared" / "conformance")
)
FILES = (
    "aggregators",
    "duration_expression",
    "functions",
    "histograms",
    "info",
    "limit",
    "literals",
    "operators",
    "range_queries",
    "selectors",
    "staleness",
    "trig_functions",
    "type_and_unit",
)
# What we get wrong and why: (file, query) -> reason. A case that starts to pass must leave this table.
KNOWN: dict[tuple[str, str], str] = {}


def _replayed(name: str) -> Report:
    path = CONFORMANCE / "promql" / f"{name}.test"
    if not path.exists():
        pytest.skip(f"upstream's {name}.test is not beside the working copy")
    return replay(path.read_text())


@pytest.mark.parametrize("name", FILES)
def test_answers_as_upstreams_own_tests_expect(name: str) -> None:
    """Every case of the file passes, but for those listed as known with their reason."""
    report = _replayed(name)

    failed = {report.queries[line]: f"line {line}: {why}" for line, why in report.failures.items()}
    known = {query for file, query in KNOWN if file == name}
    assert {query: why for query, why in failed.items() if query not in known} == {}
    assert known - failed.keys() == set(), "these pass now: take them out of KNOWN"
    assert report.counts["passed"] > 0
