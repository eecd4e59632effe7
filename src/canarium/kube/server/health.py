"""How the server says that it is well, and what it has done: `/readyz` and its like, `/metrics`.

Owns: the checks' names and texts, the counts of requests, the Prometheus text. Must not know: sockets, registries.
Source: Kubernetes 1.34, apiserver pkg/server/healthz (texts) and pkg/endpoints/metrics (names, labels, verbs).
"""

from __future__ import annotations

import os
from collections import Counter

from canarium.kube.server.requests import RequestInfo, verb_of

CHECKS = ("log", "ping")
"""What is looked at; whoever can answer at all passes both."""


def health(which: str, check: str, *, is_verbose: bool) -> str | None:
    """The text of `/readyz`, `/readyz?verbose` or `/readyz/ping`; None for a check that there is not."""
    if check:
        return "ok" if check in CHECKS else None
    if not is_verbose:
        return "ok"
    return "".join(f"[+]{one} ok\n" for one in CHECKS) + f"{which} check passed\n"


class Counts:
    """Requests that were answered, by verb, group, version, resource, subresource, scope and code."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, ...]] = Counter()

    def add(self, method: str, info: RequestInfo | None, code: int, *, is_watch: bool) -> None:
        """Count one. info: None for what is no resource that exists, so that clients cannot make series."""
        if info is None:
            self.requests[(method if method in _METHODS else "other", "", "", "", "", "", str(code))] += 1
            return
        verb = _VERBS.get(verb_of(method, info, is_watch=is_watch), "other")
        scope = "resource" if info.name else "namespace" if info.namespace else "cluster"
        self.requests[(verb, info.group, info.version, info.plural, info.subresource, scope, str(code))] += 1


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_VERBS = {
    "get": "GET",
    "list": "LIST",
    "watch": "WATCH",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETECOLLECTION",
}
_LABELS = ("verb", "group", "version", "resource", "subresource", "scope", "code")


def metrics(counts: Counts) -> str:
    """The Prometheus text."""
    lines = [
        "# HELP apiserver_request_total Requests that were answered, by what they asked and the HTTP code.",
        "# TYPE apiserver_request_total counter",
    ]
    for values, count in sorted(counts.requests.items()):
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(_LABELS, values, strict=True))
        lines.append(f"apiserver_request_total{{{labels}}} {count}")
    spent = os.times()
    lines += [
        "# HELP process_cpu_seconds_total Processor time of the process, in seconds.",
        "# TYPE process_cpu_seconds_total counter",
        f"process_cpu_seconds_total {spent.user + spent.system:.2f}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
