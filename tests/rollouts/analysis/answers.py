"""A network for tests: answers from a table, says "no such host" for every other name, and remembers what was asked."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from canarium.nodes.network import HttpRequest, HttpResponse, NetworkError


class Answers:
    """Implements `Network`. hosts: by host name, what the Prometheus there answers to each query; an HttpResponse is
    sent as it is, a NetworkError raised, anything else is the `data` of a successful answer."""

    def __init__(self, hosts: dict[str, dict[str, Any]]) -> None:
        self.hosts = hosts
        self.requests: list[HttpRequest] = []
        self.timeouts: list[float] = []

    async def request(self, request: HttpRequest, *, timeout_seconds: float, namespace: str = "") -> HttpResponse:
        """See `Network`."""
        self.requests.append(request)
        self.timeouts.append(timeout_seconds)
        host = urlsplit(request.url).netloc
        operation = f'{request.method.title()} "{request.url}"'
        if host not in self.hosts:
            raise NetworkError(f"{operation}: dial tcp: lookup {host} on 10.96.0.10:53: no such host")
        form = request.body.decode() if request.method == "POST" else urlsplit(request.url).query
        [query] = parse_qs(form, keep_blank_values=True)["query"]
        answer = self.hosts[host].get(query, self.hosts[host].get("*"))
        if isinstance(answer, list):  # one after the other, the last for ever
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, NetworkError):
            raise answer
        if isinstance(answer, HttpResponse):
            return answer
        return ok({"status": "success", "data": answer})


def ok(body: Any, status: int = 200) -> HttpResponse:
    """An answer in JSON."""
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(body).encode())


def refused(kind: str, error: str, status: int = 400) -> HttpResponse:
    """An error of Prometheus' API."""
    return ok({"status": "error", "errorType": kind, "error": error}, status)


def vector(*values: str) -> dict[str, Any]:
    """An instant vector's data."""
    return {"resultType": "vector", "result": [{"metric": {}, "value": [1, value]} for value in values]}
