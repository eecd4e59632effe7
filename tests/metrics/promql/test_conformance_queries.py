"""Every query in the test files of the Prometheus project parses, and prints to what parses again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.printer import format_expr

FOLDER = Path(__file__).parents[4] / "shared" / "conformance" / "promql"
EVAL = re.compile(r"eval(?:_\w+)? (?:instant(?: at \S+)?|range from \S+ to \S+ step \S+)\s+(.*)")


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the test files of the Prometheus project are not at {FOLDER}")
def test_queries_of_the_conformance_files() -> None:
    """Those marked as failing fail when they are evaluated, not here."""
    count = 0
    for file in sorted(FOLDER.glob("*.test")):
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
            if not line.startswith("eval"):
                continue
            found = EVAL.fullmatch(line)
            assert found, f"{file.name}:{number}: not understood: {line}"
            printed = format_expr(parse(found[1], experimental=True))
            assert format_expr(parse(printed, experimental=True)) == printed, f"{file.name}:{number}"
            count += 1
    assert count > 1500
