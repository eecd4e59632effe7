"""What an AnalysisRun says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from canarium.lab.explain.analysis import explain_analysis

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def run(phase: str, *results: dict[str, Any]) -> dict[str, Any]:
    """An ended AnalysisRun."""
    return {
        "kind": "AnalysisRun",
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "1"},
        "spec": {"metrics": [{"name": result["name"], "provider": {}} for result in results]},
        "status": {"phase": phase, "metricResults": list(results)},
    }


def test_a_run_that_passed_says_how_many_metrics_did() -> None:
    passed = [{"name": name, "phase": "Successful", "successful": 1} for name in ("errors", "latency")]

    assert explain_analysis(run("Successful", *passed), NOW).lines == (
        "AnalysisRun web-1 ended Successful: 2 metrics passed.",
    )


def test_a_metric_on_trial_is_not_counted_and_what_it_would_have_done_is_told() -> None:
    counted = {"name": "errors", "phase": "Successful", "successful": 1}
    on_trial = {"name": "latency", "phase": "Failed", "failed": 1, "dryRun": True}

    assert explain_analysis(run("Successful", counted, on_trial), NOW).lines == (
        "AnalysisRun web-1 ended Successful: 1 metric passed.",
        "Had its dry run counted, it would not have passed: latency ended Failed.",
    )
