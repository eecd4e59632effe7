"""The Prometheus API about scraping: targets, pools, and what relabelling makes of a target.

Owns: the answers of `targets`, `targets/relabel_steps`, `scrape_pools` and `status/config`. Must not know: HTTP, how
targets are scraped. Source: Prometheus 3.x web/api/v1/api.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from canarium.kube.objects import format_time
from canarium.metrics.api_params import ApiProblem, Form, first
from canarium.metrics.scrape.config import Job
from canarium.metrics.scrape.printed import config_yaml, job_yaml, rule
from canarium.metrics.scrape.relabel import relabel
from canarium.metrics.scrape.target import Target

LISTEN_PORT = 9090
_LOCALHOST = frozenset({"127.0.0.1", "localhost", "::1"})


class Scraping(Protocol):
    """What the API asks of whoever scrapes."""

    @property
    def jobs(self) -> Sequence[Job]:
        """The jobs, as configured."""
        ...

    @property
    def targets(self) -> Sequence[Target]:
        """The active targets, ordered by job."""
        ...

    @property
    def dropped(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """By job, labels before relabelling of what it dropped; maybe not all."""
        ...

    @property
    def dropped_counts(self) -> Mapping[str, int]:
        """By job, how many were dropped."""
        ...


class NoScraping(msgspec.Struct, frozen=True):
    """A server that scrapes nothing."""

    jobs: Sequence[Job] = ()
    targets: Sequence[Target] = ()
    dropped: Mapping[str, Sequence[Mapping[str, str]]] = {}
    dropped_counts: Mapping[str, int] = {}


def targets(scraping: Scraping, form: Form, host: str) -> dict[str, Any]:
    """`targets`. host: how the server was called, for the URLs of targets on its own machine."""
    pool, state = first(form, "scrapePool"), first(form, "state").lower()
    active: list[dict[str, Any]] = []
    dropped: list[dict[str, Any]] = []
    shows_dropped = state in ("", "any", "dropped")
    if state in ("", "any", "active"):
        active = [_active(target, host) for target in scraping.targets if pool in ("", target.job.name)]
    if shows_dropped:
        dropped = [
            {"discoveredLabels": _labels(labels), "scrapePool": name}
            for name, found in sorted(scraping.dropped.items())
            if pool in ("", name)
            for labels in found
        ]
    return {
        "activeTargets": active,
        "droppedTargets": dropped,
        "droppedTargetCounts": dict(scraping.dropped_counts) if shows_dropped else None,
    }


def _active(target: Target, host: str) -> dict[str, Any]:
    discovered = _labels(target.discovered)
    return {
        "discoveredLabels": discovered,
        "labels": _labels(target.labels),
        "scrapePool": target.job.name,
        "scrapeUrl": target.url,
        "globalUrl": global_url(target.url, host),
        "lastError": target.last_error,
        "lastScrape": format_time(datetime.fromtimestamp(target.last_scrape_ms / 1000, UTC))
        if target.last_scrape_ms
        else "0001-01-01T00:00:00Z",
        "lastScrapeDuration": target.last_duration_seconds,
        "health": target.health,
        "scrapeInterval": f"{target.job.interval_seconds:g}s",
        "scrapeTimeout": f"{target.job.timeout_seconds:g}s",
    }


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted(labels.items()) if value}


def global_url(url: str, host: str) -> str:
    """A target's URL for someone elsewhere: its own machine is called as the server was."""
    parts = urlsplit(url)
    if not host or parts.hostname not in _LOCALHOST:
        return url
    if parts.port == LISTEN_PORT:
        return parts._replace(netloc=host).geturl()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return parts._replace(netloc=f"{name}:{parts.port}" if parts.port else name).geturl()


def pools(scraping: Scraping) -> dict[str, Any]:
    """`scrape_pools`."""
    return {"scrapePools": sorted(job.name for job in scraping.jobs)}


def pool_config(scraping: Scraping, form: Form) -> dict[str, str]:
    """`scrape_pools/config`."""
    return {"yaml": job_yaml(_pool(scraping, form))}


def config(scraping: Scraping) -> dict[str, str]:
    """`status/config`."""
    return {"yaml": config_yaml(scraping.jobs)}


def relabel_steps(scraping: Scraping, form: Form) -> dict[str, Any]:
    """`targets/relabel_steps`: labels after each rule of a job, for as long as the rules keep them."""
    job = _pool(scraping, form)
    text = first(form, "labels")
    if not text:
        raise ApiProblem("bad_data", "no labels parameter provided")
    try:
        labels: dict[str, str] | None = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise ApiProblem("bad_data", f"error parsing labels: {error}") from error
    steps: list[dict[str, Any]] = []
    for one in job.relabel:
        labels = relabel(labels, (one,)) if labels is not None else None
        steps.append({"rule": rule(one), "output": _labels(labels or {}), "keep": labels is not None})
    return {"steps": steps}


def _pool(scraping: Scraping, form: Form) -> Job:
    name = first(form, "scrapePool")
    if not name:
        raise ApiProblem("bad_data", "no scrapePool parameter provided")
    for job in scraping.jobs:
        if job.name == name:
            return job
    raise ApiProblem("bad_data", f'error retrieving scrape config: scrape pool "{name}" not found')
