"""What the API server costs: `canarium up` as a process of its own, asked over HTTPS by one client and by eight.

`python -m benchmarks.api`
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp

CANARIUM = str(Path(sys.executable).with_name("canarium"))
MAPS = "/api/v1/namespaces/default/configmaps"
DOORS = ("api", "applications", "rollouts", "metrics")


class Up:
    def __init__(self, folder: Path, process: subprocess.Popen[str], ready_seconds: float) -> None:
        self.process = process
        self.ready_seconds = ready_seconds
        self.ports: dict[str, int] = json.loads((folder / "data/running.json").read_text())["ports"]
        self.url = f"https://127.0.0.1:{self.ports['api']}"
        self.token = json.loads((folder / "data/tokens.json").read_text())["admin"]
        self.ssl = ssl.create_default_context(cafile=str(folder / "data/ca.crt"))

    def seconds_of_cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextlib.contextmanager
def running_up(folder: Path, *more: str) -> Iterator[Up]:
    started = time.perf_counter()
    arguments = [*more, "--data-dir", str(folder / "data"), "--kubeconfig", str(folder / "kubeconfig")]
    arguments += [f"--{door}-port=0" for door in DOORS]
    process = subprocess.Popen([CANARIUM, "up", str(folder), *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Ready after"):
            break
    try:
        yield Up(folder, process, time.perf_counter() - started)
    finally:
        process.terminate()
        process.communicate()


async def _rate(what: str, count: int, clients: int, ask: Callable[[int], Awaitable[Any]]) -> None:
    took: list[float] = []
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            started = time.perf_counter()
            await ask(number)
            took.append(time.perf_counter() - started)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(clients)))
    seconds = time.perf_counter() - began
    took.sort()
    print(
        f"{what:24} {clients} clients: {count / seconds:7.0f}/s, median {statistics.median(took) * 1000:6.2f} ms,"
        f" 99 % {took[int(len(took) * 0.99)] * 1000:6.2f} ms"
    )


async def _measure(up: Up) -> None:
    headers = {"Authorization": f"Bearer {up.token}"}
    connector = aiohttp.TCPConnector(ssl=up.ssl, limit=0)
    async with aiohttp.ClientSession(up.url, headers=headers, connector=connector) as session:

        async def ask(method: str, path: str, body: Any = None, media: str = "application/json") -> bytes:
            data = None if body is None else json.dumps(body)
            async with session.request(method, path, data=data, headers={"Content-Type": media}) as answer:
                assert answer.status < 400, await answer.text()
                return await answer.read()

        for clients in (1, 8):
            prefix = f"m{clients}"

            async def patch(number: int, prefix: str = prefix) -> bytes:
                change = {"data": {"key": f"{number}"}}
                return await ask("PATCH", f"{MAPS}/{prefix}-{number}", change, "application/merge-patch+json")

            async def create(number: int, prefix: str = prefix) -> bytes:
                body = {"metadata": {"name": f"{prefix}-{number}"}, "data": {"key": "x" * 500}}
                return await ask("POST", MAPS, body)

            async def get(number: int, prefix: str = prefix) -> bytes:
                return await ask("GET", f"{MAPS}/{prefix}-{number}")

            await _rate("create", 1000, clients, create)
            await _rate("get", 1000, clients, get)
            await _rate("patch", 1000, clients, patch)
            await _rate("list of 1,000", 30, clients, lambda _: ask("GET", MAPS + "?limit=1000"))
        await _deliveries(session, ask)


async def _deliveries(session: aiohttp.ClientSession, ask: Callable[..., Awaitable[bytes]]) -> None:
    """From before a write is sent until a watch has told it."""
    listed = json.loads(await ask("GET", MAPS + "?limit=1"))
    sent: dict[str, float] = {}
    took: list[float] = []
    query = f"?watch=true&resourceVersion={listed['metadata']['resourceVersion']}"
    async with session.get(MAPS + query, timeout=aiohttp.ClientTimeout(total=None)) as stream:
        for number in range(300):
            name = f"w-{number}"
            sent[name] = time.perf_counter()
            writing = asyncio.ensure_future(ask("POST", MAPS, {"metadata": {"name": name}}))
            event = json.loads(await stream.content.readline())
            took.append(time.perf_counter() - sent[event["object"]["metadata"]["name"]])
            await writing
    took.sort()
    print(f"watch delivery           median {statistics.median(took) * 1000:.2f} ms, 99 % {took[296] * 1000:.2f} ms")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name, running_up(Path(name)) as up:
        print(f"up to ready: {up.ready_seconds * 1000:.0f} ms; {up.megabytes():.0f} MB")
        time.sleep(30)  # noqa: TID251  # what is measured is a process at rest
        before, began = up.seconds_of_cpu(), time.perf_counter()
        time.sleep(30)  # noqa: TID251  # as above
        share = (up.seconds_of_cpu() - before) / (time.perf_counter() - began)
        print(f"idle: {share * 100:.1f} % of a core, {up.megabytes():.0f} MB")
        asyncio.run(_measure(up))
        print(f"afterwards: {up.megabytes():.0f} MB")


if __name__ == "__main__":
    main()
