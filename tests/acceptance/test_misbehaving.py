"""Canaries that really misbehave, as processes under load, are stopped by an analysis of what they say of themselves;
one that does not becomes the new version, and its users notice nothing. All are played at once, and looked at here.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.acceptance.canaries import CASES, QUESTIONS, RATE, REPLICAS, SCRAPE_INTERVAL, STABLE, UPDATE, Outcome, play
from tests.acceptance.local_cluster import LocalCluster

BAD = {case.namespace: case.asks[0] for case in CASES if case.is_bad}
HEALTHY = [case.namespace for case in CASES if not case.is_bad]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """Every case, played on one cluster."""
    with LocalCluster(tmp_path_factory.mktemp("canaries"), "--scrape-interval", SCRAPE_INTERVAL) as cluster:
        return play(cluster)


@pytest.mark.parametrize(("namespace", "metric"), BAD.items())
def test_a_canary_that_misbehaves_is_stopped_by_what_its_analysis_measured(
    outcomes: Mapping[str, Outcome], namespace: str, metric: str
) -> None:
    outcome = outcomes[namespace]
    (run,) = outcome.runs
    (measured,) = run["status"]["metricResults"]

    assert outcome.phase == "Degraded"
    assert f'Metric "{metric}" assessed Failed' in outcome.rollout["status"]["message"]
    assert run["status"]["phase"] == "Failed"
    assert [each["phase"] for each in measured["measurements"]].count("Failed") == 3, measured
    assert "error" not in measured
    assert outcome.images == [STABLE] * REPLICAS


def test_users_of_a_failing_canary_see_its_errors_and_no_more_than_its_weight_lets_through(
    outcomes: Mapping[str, Outcome],
) -> None:
    outcome = outcomes["fails"]

    assert set(outcome.users["statuses"]) == {"200", "500"}
    assert 0 < outcome.users["errors"] == outcome.counted["500"]
    assert sum(outcome.counted.values()) <= outcome.most_of_canary
    assert outcome.users["errors"] < outcome.most_of_canary


def test_users_of_a_slow_canary_wait_no_more_often_than_its_weight_lets_them(outcomes: Mapping[str, Outcome]) -> None:
    outcome = outcomes["slow"]

    assert outcome.users["statuses"] == {"200": outcome.users["requests"]}
    assert 0 < sum(outcome.counted.values()) <= outcome.most_of_canary
    assert outcome.slow > 0  # how many is not the canary's doing alone: a busy machine slows every pod down


def test_users_of_a_canary_in_a_crash_loop_lose_what_it_was_answering_and_nothing_else(
    outcomes: Mapping[str, Outcome],
) -> None:
    outcome = outcomes["crashes"]

    assert {"Ready", "CrashLoopBackOff"} <= outcome.seen
    assert outcome.users["errors"] <= 4  # a request or two, at each of its ends
    assert outcome.users["requests"] > RATE


def test_a_canary_that_is_never_ready_gets_no_request(outcomes: Mapping[str, Outcome]) -> None:
    outcome = outcomes["unready"]

    assert "Ready" not in outcome.seen
    assert outcome.counted == {}
    assert outcome.users["statuses"] == {"200": outcome.users["requests"]}


@pytest.mark.parametrize("namespace", HEALTHY)
def test_a_healthy_canary_replaces_every_pod_and_no_request_fails(
    outcomes: Mapping[str, Outcome], namespace: str
) -> None:
    outcome = outcomes[namespace]
    (run,) = outcome.runs

    assert outcome.phase == "Healthy"
    assert outcome.images == [UPDATE] * REPLICAS
    assert {each["name"] for each in run["status"]["metricResults"]} == set(QUESTIONS)
    assert run["status"]["phase"] == "Successful"
    assert not any(each.get("error") for each in run["status"]["metricResults"])
    assert outcome.users["statuses"] == {"200": outcome.users["requests"]}
    assert outcome.counted["200"] > 0
    assert outcome.users["requests"] > RATE * outcome.served_seconds * 0.8
