"""What an answer, a failure and a disappearance mean for the store."""

from __future__ import annotations

from canarium.metrics.promql import engine
from canarium.metrics.promql.parser import parse
from canarium.metrics.scrape.config import DEFAULT_JOBS, Job
from canarium.metrics.scrape.discovery import endpoints_targets
from canarium.metrics.scrape.target import Target, target_labels
from canarium.metrics.tsdb.store import MemoryStore

MINUTE = 60_000


def values(store: MemoryStore, query: str, at_ms: int) -> dict[str, float]:
    return {str(labels): value for labels, value in engine.instant(parse(query), at_ms, store).vector()}


def target(*, honor: bool) -> Target:
    job = Job(name="jobs", role="static", honor_labels=honor)
    labels = target_labels(job, {"__address__": "10.0.0.1:8080", "namespace": "ours"})
    assert labels is not None
    return Target(job, labels)


def test_on_a_clash_the_samples_labels_win_with_honor_labels() -> None:
    store = MemoryStore()
    target(honor=True).take(store, 'm{namespace="theirs"} 1\n', MINUTE, 0.1)

    assert values(store, "m", MINUTE) == {
        '{__name__="m", instance="10.0.0.1:8080", job="jobs", namespace="theirs"}': 1.0
    }


def test_on_a_clash_the_samples_labels_are_exported_without_it() -> None:
    store = MemoryStore()
    target(honor=False).take(store, 'm{namespace="theirs"} 1\n', MINUTE, 0.1)

    assert values(store, "m", MINUTE) == {
        '{__name__="m", exported_namespace="theirs", instance="10.0.0.1:8080", job="jobs", namespace="ours"}': 1.0
    }


def test_a_series_that_disappears_is_stale_at_once() -> None:
    store, scraped = MemoryStore(), target(honor=True)
    scraped.take(store, "a 1\nb 2\n", MINUTE, 0.1)
    scraped.take(store, "a 1\n", 2 * MINUTE, 0.1)

    assert values(store, "b", 2 * MINUTE - 1) != {}
    assert values(store, "b", 2 * MINUTE) == {}


def test_a_failed_scrape_says_so_and_makes_everything_stale() -> None:
    store, scraped = MemoryStore(), target(honor=True)
    scraped.take(store, "a 1\n", MINUTE, 0.1)
    scraped.fail(store, "connection refused", 2 * MINUTE, 0.2)

    assert values(store, "a", 2 * MINUTE) == {}
    assert list(values(store, "up", 2 * MINUTE).values()) == [0.0]
    assert (scraped.health, scraped.last_error) == ("down", "connection refused")


def test_each_scrape_reports_on_itself() -> None:
    store = MemoryStore()
    target(honor=True).take(store, "a 1\nb 2\n", MINUTE, 0.25)

    reported = {
        name: next(iter(values(store, name, MINUTE).values()))
        for name in ("up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added")
    }
    assert reported == {
        "up": 1.0,
        "scrape_duration_seconds": 0.25,
        "scrape_samples_scraped": 2.0,
        "scrape_series_added": 2.0,
    }


def test_an_annotated_service_gets_the_labels_the_prometheus_chart_gives() -> None:
    """Step 5 of the story: job, service, node, instance and the service's own labels."""
    service = {
        "metadata": {
            "name": "kube-state-metrics",
            "namespace": "kube-system",
            "labels": {"app.kubernetes.io/name": "kube-state-metrics"},
            "annotations": {"prometheus.io/scrape": "true"},
        }
    }
    endpoint_slice = {
        "metadata": {
            "name": "x",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-state-metrics"},
        },
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["10.244.1.2"], "nodeName": "n1", "targetRef": {"kind": "Pod", "name": "p"}}],
    }
    pod = {
        "metadata": {"name": "p", "namespace": "kube-system", "uid": "u"},
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]},
        "status": {"podIP": "10.244.1.2"},
    }
    job = next(job for job in DEFAULT_JOBS if job.name == "kubernetes-service-endpoints")

    (discovered,) = endpoints_targets([endpoint_slice], [service], [pod])
    labels = target_labels(job, discovered)
    assert labels is not None
    found = Target(job, labels)

    assert found.url == "http://10.244.1.2:8080/metrics"
    assert found.labels == {
        "app_kubernetes_io_name": "kube-state-metrics",
        "instance": "10.244.1.2:8080",
        "job": "kubernetes-service-endpoints",
        "namespace": "kube-system",
        "node": "n1",
        "service": "kube-state-metrics",
    }


def test_a_service_without_the_annotation_is_not_scraped() -> None:
    job = next(job for job in DEFAULT_JOBS if job.name == "kubernetes-service-endpoints")

    assert target_labels(job, {"__address__": "10.244.1.2:80"}) is None


def test_parameters_go_into_the_url() -> None:
    labels = target_labels(
        Job(name="j", role="static"), {"__address__": "h:1", "__param_module": "a b", "__param_debug": "1"}
    )
    assert labels is not None

    assert Target(Job(name="j", role="static"), labels).url == "http://h:1/metrics?debug=1&module=a+b"


def test_series_that_come_and_go_are_not_remembered_for_ever() -> None:
    store, scraped = MemoryStore(), target(honor=True)
    for number in range(50):
        scraped.take(store, "".join(f'm{{pod="{number}-{index}"}} 1\n' for index in range(10)), number * MINUTE, 0.1)

    assert len(scraped._refs) < 200
