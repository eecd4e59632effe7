"""The doors without TLS answer to this machine's own names only."""

from __future__ import annotations

import asyncio

import pytest

from canarium.local.front_doors import front_door
from canarium.nodes.asgi import call


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:30100", 200), ("localhost", 200), ("[::1]:30100", 200), ("evil.example.com:30100", 403), ("", 403)],
)
def test_a_host_from_elsewhere_is_refused(host: str, status: int) -> None:
    app = front_door("Rollouts", "kubectl argo rollouts list rollouts -A")

    answer = asyncio.run(call(app, "GET", "/", headers={"host": host}, host=host or "-"))

    assert answer.status == status
    assert (b"kubectl argo rollouts list rollouts -A" in answer.body) == (status == 200)
