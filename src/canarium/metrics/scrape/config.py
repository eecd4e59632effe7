"""What is scraped: jobs, and the ones that the widely used Prometheus chart has.

Owns: the job type and the default configuration. Must not know: clusters, time.
Source: prometheus-community/helm-charts, charts/prometheus, `scrape_configs` (job names, intervals, relabelling).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from canarium.metrics.scrape.relabel import Relabel


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One `scrape_configs` entry. role: what Kubernetes discovery yields; `static` takes `static_targets`."""

    name: str
    role: Literal["endpoints", "pod", "static"]
    relabel: tuple[Relabel, ...] = ()
    static_targets: tuple[str, ...] = ()
    honor_labels: bool = False
    honor_timestamps: bool = True
    interval_seconds: float = 60.0
    timeout_seconds: float = 10.0
    metrics_path: str = "/metrics"
    scheme: str = "http"
    static_labels: tuple[tuple[str, str], ...] = ()


def _annotated(what: str) -> tuple[Relabel, ...]:
    """The rules that read `prometheus.io/*` annotations of a service or pod."""
    prefix = f"__meta_kubernetes_{what}_annotation_prometheus_io_"
    address = "__address__" if what == "service" else "__meta_kubernetes_pod_ip"
    return (
        Relabel(source_labels=(f"{prefix}scrape",), action="keep", regex="true"),
        Relabel(source_labels=(f"{prefix}scrape_slow",), action="drop", regex="true"),
        Relabel(source_labels=(f"{prefix}scheme",), regex="(https?)", target_label="__scheme__"),
        Relabel(source_labels=(f"{prefix}path",), regex="(.+)", target_label="__metrics_path__"),
        *(
            (
                Relabel(
                    source_labels=(address, f"{prefix}port"),
                    regex=r"(.+?)(?::\d+)?;(\d+)",
                    replacement="$1:$2",
                    target_label="__address__",
                ),
            )
            if what == "service"
            else (
                Relabel(
                    source_labels=(f"{prefix}port", address),
                    regex=r"(\d+);((([0-9]+?)(\.|$)){4})",
                    replacement="$2:$1",
                    target_label="__address__",
                ),
            )
        ),
        Relabel(action="labelmap", regex=f"{prefix}param_(.+)", replacement="__param_$1"),
        Relabel(action="labelmap", regex=f"__meta_kubernetes_{what}_label_(.+)"),
        Relabel(source_labels=("__meta_kubernetes_namespace",), target_label="namespace"),
    )


DEFAULT_JOBS: tuple[Job, ...] = (
    Job(name="prometheus", role="static", static_targets=("localhost:9090",)),
    Job(
        name="kubernetes-service-endpoints",
        role="endpoints",
        honor_labels=True,
        relabel=(
            *_annotated("service"),
            Relabel(source_labels=("__meta_kubernetes_service_name",), target_label="service"),
            Relabel(source_labels=("__meta_kubernetes_pod_node_name",), target_label="node"),
        ),
    ),
    Job(
        name="kubernetes-pods",
        role="pod",
        honor_labels=True,
        relabel=(
            *_annotated("pod"),
            Relabel(source_labels=("__meta_kubernetes_pod_name",), target_label="pod"),
            Relabel(
                source_labels=("__meta_kubernetes_pod_phase",),
                regex="Pending|Succeeded|Failed|Completed",
                action="drop",
            ),
            Relabel(source_labels=("__meta_kubernetes_pod_node_name",), target_label="node"),
        ),
    ),
)
