"""What the Prometheus HTTP API tells of scraping, called in-process."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import yaml

from canarium.clock import VirtualClock, run_virtual
from canarium.metrics.api import PrometheusApi
from canarium.metrics.api_targets import NoScraping, global_url
from canarium.metrics.scrape.config import DEFAULT_JOBS, Job
from canarium.metrics.scrape.relabel import Relabel
from canarium.metrics.scrape.target import Target, target_labels, unrelabelled
from canarium.metrics.tsdb.store import MemoryStore
from canarium.nodes.asgi import call

PODS = Job(
    name="pods",
    role="pod",
    relabel=(
        Relabel(source_labels=("__meta_scrape",), action="keep", regex="true"),
        Relabel(source_labels=("__meta_pod",), target_label="pod"),
    ),
)
FOUND = {"__address__": "10.0.0.1:80", "__meta_scrape": "true", "__meta_pod": "echo", "__meta_empty": ""}
LEFT_OUT = {"__address__": "10.0.0.2:80", "__meta_scrape": "false"}


def scraping() -> NoScraping:
    labels = target_labels(PODS, FOUND)
    assert labels is not None
    target = Target(PODS, labels, unrelabelled(PODS, FOUND))
    target.take(MemoryStore(), "jobs 1\n", 1_767_603_600_000, 0.25)
    return NoScraping((PODS,), (target,), {"pods": [unrelabelled(PODS, LEFT_OUT)]}, {"pods": 7})


def ask(target: str, scraped: NoScraping | None = None) -> tuple[int, Any]:
    async def main(clock: VirtualClock) -> tuple[int, Any]:
        answer = await call(PrometheusApi(MemoryStore(), clock, scraped or scraping()).app, "GET", f"/api/v1/{target}")
        body = msgspec.json.decode(answer.body)
        return answer.status, body.get("data", body.get("error"))

    return run_virtual(main)


def test_a_target_tells_its_labels_before_and_after_relabelling() -> None:
    _, data = ask("targets")

    assert data["activeTargets"] == [
        {
            "discoveredLabels": {
                "__address__": "10.0.0.1:80",
                "__meta_pod": "echo",
                "__meta_scrape": "true",
                "__metrics_path__": "/metrics",
                "__scheme__": "http",
                "__scrape_interval__": "60s",
                "__scrape_timeout__": "10s",
                "job": "pods",
            },
            "labels": {"instance": "10.0.0.1:80", "job": "pods", "pod": "echo"},
            "scrapePool": "pods",
            "scrapeUrl": "http://10.0.0.1:80/metrics",
            "globalUrl": "http://10.0.0.1:80/metrics",
            "lastError": "",
            "lastScrape": "2026-01-05T09:00:00Z",
            "lastScrapeDuration": 0.25,
            "health": "up",
            "scrapeInterval": "60s",
            "scrapeTimeout": "10s",
        }
    ]
    assert [dropped["discoveredLabels"]["__address__"] for dropped in data["droppedTargets"]] == ["10.0.0.2:80"]
    assert data["droppedTargetCounts"] == {"pods": 7}


def test_targets_are_chosen_by_state_and_pool() -> None:
    only_active, only_dropped, of_another = (
        ask(f"targets?{chosen}")[1] for chosen in ("state=active", "state=dropped", "scrapePool=other")
    )

    assert (len(only_active["activeTargets"]), only_active["droppedTargets"]) == (1, [])
    assert only_active["droppedTargetCounts"] is None
    assert (only_dropped["activeTargets"], len(only_dropped["droppedTargets"])) == ([], 1)
    assert (of_another["activeTargets"], of_another["droppedTargets"]) == ([], [])


def test_each_relabelling_step_shows_what_it_makes_of_the_labels() -> None:
    kept = ask(f"targets/relabel_steps?scrapePool=pods&labels={quote(msgspec.json.encode(FOUND))}")[1]["steps"]
    dropped = ask(f"targets/relabel_steps?scrapePool=pods&labels={quote(msgspec.json.encode(LEFT_OUT))}")[1]["steps"]

    assert kept[1]["output"]["pod"] == "echo"
    assert [step["keep"] for step in kept] == [True, True]
    assert [(step["keep"], step["output"]) for step in dropped] == [(False, {}), (False, {})]
    assert kept[0]["rule"] == {
        "source_labels": ["__meta_scrape"],
        "separator": ";",
        "regex": "true",
        "replacement": "$1",
        "action": "keep",
    }


def test_wrong_questions_about_pools_have_upstreams_words() -> None:
    assert ask("scrape_pools/config") == (400, "no scrapePool parameter provided")
    unknown = 'error retrieving scrape config: scrape pool "x" not found'
    assert ask("scrape_pools/config?scrapePool=x") == (400, unknown)
    status, error = ask("targets/relabel_steps?scrapePool=pods&labels=no")
    assert status == 400
    assert error.startswith("error parsing labels: ")


def test_the_configuration_is_printed_as_yaml() -> None:
    _, data = ask("status/config", NoScraping(DEFAULT_JOBS))

    assert "  - source_labels: [__meta_kubernetes_namespace]\n" in data["yaml"]
    printed = yaml.safe_load(data["yaml"])
    assert [job["job_name"] for job in printed["scrape_configs"]] == [job.name for job in DEFAULT_JOBS]
    assert printed["scrape_configs"][0]["static_configs"] == [{"targets": ["localhost:9090"]}]
    assert printed["scrape_configs"][1]["kubernetes_sd_configs"] == [{"role": "endpoints"}]
    assert ask("scrape_pools", NoScraping(DEFAULT_JOBS))[1]["scrapePools"][0] == "kubernetes-pods"


def test_a_target_on_the_servers_own_machine_is_named_as_the_server_was_called() -> None:
    assert global_url("http://localhost:9090/metrics", "lab.example:30102") == "http://lab.example:30102/metrics"
    assert global_url("http://127.0.0.1:8080/m", "lab.example:30102") == "http://lab.example:8080/m"
    assert global_url("http://10.0.0.1:80/metrics", "lab.example:30102") == "http://10.0.0.1:80/metrics"
