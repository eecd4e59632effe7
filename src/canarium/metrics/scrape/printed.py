"""The scrape configuration as Prometheus prints it.

Owns: keys and their order, in YAML and as the API's JSON. Must not know: how jobs are run.
Source: Prometheus 3.x config/config.go and model/relabel/relabel.go. Keys that have no meaning here are left out rather
than printed with a value that would be untrue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from canarium.metrics.promql.printer import format_duration
from canarium.metrics.scrape.config import Job
from canarium.metrics.scrape.relabel import Relabel


def config_yaml(jobs: Sequence[Job]) -> str:
    """The whole configuration, as `status/config` prints it."""
    config = {
        "global": {
            "scrape_interval": "1m",
            "scrape_timeout": "10s",
            "scrape_protocols": ["PrometheusText0.0.4"],
            "evaluation_interval": "1m",
        },
        "scrape_configs": [_job(job) for job in jobs],
    }
    return _dumped(config)


def job_yaml(job: Job) -> str:
    """One job, as `scrape_pools/config` prints it."""
    return _dumped(_job(job))


def rule(relabel: Relabel) -> dict[str, Any]:
    """One relabelling rule, by upstream's keys; those with an empty value are left out as upstream does."""
    found: dict[str, Any] = {}
    if relabel.source_labels:
        found["source_labels"] = list(relabel.source_labels)
    found["separator"] = relabel.separator
    if relabel.regex:
        found["regex"] = relabel.regex
    if relabel.modulus:
        found["modulus"] = relabel.modulus
    if relabel.target_label:
        found["target_label"] = relabel.target_label
    found["replacement"] = relabel.replacement
    found["action"] = relabel.action
    return found


def _job(job: Job) -> dict[str, Any]:
    printed: dict[str, Any] = {"job_name": job.name}
    if job.honor_labels:
        printed["honor_labels"] = True
    printed |= {
        "honor_timestamps": job.honor_timestamps,
        "track_timestamps_staleness": False,
        "scrape_interval": format_duration(round(job.interval_seconds * 1000)),
        "scrape_timeout": format_duration(round(job.timeout_seconds * 1000)),
        "scrape_protocols": ["PrometheusText0.0.4"],
        "metrics_path": job.metrics_path,
        "scheme": job.scheme,
        "enable_compression": False,
        "follow_redirects": False,
        "enable_http2": False,
    }
    if job.relabel:
        printed["relabel_configs"] = [_flowing(rule(one)) for one in job.relabel]
    if job.role == "static":
        group: dict[str, Any] = {"targets": list(job.static_targets)}
        if job.static_labels:
            group["labels"] = dict(job.static_labels)
        printed["static_configs"] = [group]
    else:
        printed["kubernetes_sd_configs"] = [{"role": job.role}]
    return printed


class _Flow(list[str]):
    """A list on one line."""


def _flowing(printed: dict[str, Any]) -> dict[str, Any]:
    if "source_labels" in printed:
        return {**printed, "source_labels": _Flow(printed["source_labels"])}
    return printed


def _dumped(value: Any) -> str:
    import yaml  # only here: nobody but the status page asks

    class Dumper(yaml.SafeDumper):
        """As usual, but for lists on one line."""

    Dumper.add_representer(
        _Flow, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
    )
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, width=1000))
