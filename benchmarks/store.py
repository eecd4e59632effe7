"""What a durable write costs: one and eight writers that wait for the disk, and many that do not.

`python -m benchmarks.store [FOLDER]`; the folder decides which disk is measured.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import PODS
from canarium.kube.store.memory import MemoryStore
from canarium.kube.store.port import Store
from canarium.kube.store.sqlite import SqliteStore

POD: Obj = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": [{"env": ["x" * 40] * 40}]}}
"""About as long as a Pod is: 2 kB."""


async def _write(store: Store, who: int, count: int) -> list[float]:
    took = []
    for number in range(count):
        started = time.perf_counter()
        written = store.put(PODS, ObjectKey("shop", f"web-{who}-{number % 500}"), POD)
        await store.durable(written.revision)
        took.append(time.perf_counter() - started)
    return took


async def _waiting(store: Store, writers: int, writes: int) -> str:
    started = time.perf_counter()
    each = await asyncio.gather(*(_write(store, who, writes // writers) for who in range(writers)))
    rate = writes / (time.perf_counter() - started)
    times = sorted(one * 1000 for took in each for one in took)
    middle, slow = statistics.median(times), times[len(times) * 99 // 100]
    return f"{writers:3} waiting writers {rate:10.0f} writes/s   median {middle:6.2f} ms   99 % {slow:6.2f} ms"


def _unwaiting(store: Store, writes: int) -> float:
    started = time.perf_counter()
    for number in range(writes):
        store.put(PODS, ObjectKey("shop", f"web-{number % 500}"), POD)
    return writes / (time.perf_counter() - started)


def main(where: str | None) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir=where) as folder:
        path = Path(folder) / "cluster.db"
        with SqliteStore(path) as store:
            for writers in (1, 8, 64):
                print(asyncio.run(_waiting(store, writers, 4000)))
            print(f"not waiting, SQLite {_unwaiting(store, 20_000):10.0f} puts/s")
            print(f"not waiting, memory {_unwaiting(MemoryStore(), 20_000):10.0f} puts/s")
            for number in range(10_000):
                store.put(PODS, ObjectKey("shop", f"more-{number}"), POD)
            started = time.perf_counter()
        closed = time.perf_counter()
        with SqliteStore(path) as store:
            opened = time.perf_counter()
            held = len(store.list(PODS))
        print(f"close {(closed - started) * 1000:5.0f} ms, open {(opened - closed) * 1000:5.0f} ms with {held} Pods")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
