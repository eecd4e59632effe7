"""What pods cost when they are processes: from creation to Ready, memory, idle CPU, ending them.

`python -m benchmarks.processes [PODS]` (50)
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.api import Up, running_up
from canarium.clock import RealClock

PODS = "/api/v1/namespaces/default/pods"


def _pod(name: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/readyz", "port": 9898}, "periodSeconds": 1}
    container = {
        "name": "podinfo",
        "image": "stefanprodan/podinfo:6.9.3",
        "ports": [{"containerPort": 9898}],
        "readinessProbe": probe,
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 10}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


class _Bench:
    def __init__(self, up: Up, session: aiohttp.ClientSession) -> None:
        self._up = up
        self._session = session

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._up.token}"}
        async with self._session.request(
            method, self._up.url + path, json=body, headers=headers, ssl=self._up.ssl
        ) as answer:
            found: dict[str, Any] = await answer.json()
            assert answer.status < 300, found
            return found

    async def start(self, names: list[str]) -> list[float]:
        """Create pods at once; seconds from each creation to when its Ready condition was seen."""
        version = (await self._ask("GET", PODS))["metadata"]["resourceVersion"]
        query = f"?watch=1&resourceVersion={version}"
        created: dict[str, float] = {}
        ready: dict[str, float] = {}
        headers = {"authorization": f"Bearer {self._up.token}"}
        async with self._session.get(self._up.url + PODS + query, headers=headers, ssl=self._up.ssl) as stream:

            async def create(name: str) -> None:
                created[name] = time.perf_counter()
                await self._ask("POST", PODS, _pod(name))

            creating = asyncio.gather(*(create(name) for name in names))
            async for line in stream.content:
                pod = json.loads(line)["object"]
                if pod["metadata"]["name"] in created and _is_ready(pod):
                    ready.setdefault(pod["metadata"]["name"], time.perf_counter())
                if len(ready) == len(names):
                    break
            await creating
        return [ready[name] - created[name] for name in names]

    async def end(self, names: list[str]) -> float:
        """Delete pods at once; seconds until all are gone."""
        began = time.perf_counter()
        await asyncio.gather(*(self._ask("DELETE", f"{PODS}/{name}") for name in names))
        while (await self._ask("GET", PODS))["items"]:
            await RealClock().sleep(0.1)
        return time.perf_counter() - began

    async def answering(self, name: str) -> float:
        """Create a pod; seconds until its port accepts a connection."""
        began = time.perf_counter()
        await self._ask("POST", PODS, _pod(name))
        while True:
            address = (await self._ask("GET", f"{PODS}/{name}")).get("status", {}).get("podIP", "")
            try:
                # The first cluster of a machine has 127.244; another that runs beside it moves this one on.
                _, writer = await asyncio.open_connection(address.replace("10.", "127.", 1) or "0.0.0.1", 9898)
            except OSError:
                await RealClock().sleep(0.005)
                continue
            writer.close()
            return time.perf_counter() - began


def _warden_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _tree_memory(pid: int) -> tuple[int, float, float]:
    """How many children a process has, and their RSS and PSS in MB together."""
    rss = pss = 0.0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        rollup = Path(f"/proc/{child}/smaps_rollup").read_text()
        rss += int(rollup.partition("Rss:")[2].split()[0]) / 1024
        pss += int(rollup.partition("Pss:")[2].split()[0]) / 1024
    return len(children), rss, pss


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _measure(up: Up, many: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        bench = _Bench(up, session)
        warden = _warden_of(up.process.pid)
        answering: list[float] = []
        for index in range(9):
            answering.append(await bench.answering(f"fresh-{index}"))
            await bench.end([f"fresh-{index}"])
        print(f"one pod, created to answering (median of 9): {statistics.median(answering) * 1000:.0f} ms")
        alone: list[float] = []
        for index in range(7):
            alone += await bench.start([f"one-{index}"])
            await bench.end([f"one-{index}"])
        print(f"one pod, created to Ready (median of 7): {statistics.median(alone) * 1000:.0f} ms")
        names = [f"many-{index}" for index in range(many)]
        began = time.perf_counter()
        spans = await bench.start(names)
        took = time.perf_counter() - began
        print(f"{many} pods at once: all Ready after {took:.1f} s, median {statistics.median(spans):.1f} s")
        count, rss, pss = _tree_memory(warden)
        print(f"{count} processes: {rss / count:.1f} MB RSS and {pss / count:.1f} MB PSS each")
        print(f"canarium {up.megabytes():.0f} MB RSS, warden {_warden_memory(warden):.0f} MB RSS")
        before = (_cpu(up.process.pid), _cpu(warden))
        await RealClock().sleep(15)
        idle = [
            (after - was) / 15 * 100 for was, after in zip(before, (_cpu(up.process.pid), _cpu(warden)), strict=True)
        ]
        print(f"probing each every second: canarium {idle[0]:.1f} %, warden {idle[1]:.1f} % of a core")
        print(f"all deleted in good order after {await bench.end(names):.1f} s")


def _warden_memory(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    """Print what it costs."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder, running_up(Path(folder)) as up:
        asyncio.run(_measure(up, many))


if __name__ == "__main__":
    main()
