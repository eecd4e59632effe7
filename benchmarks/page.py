"""What the page costs: a real browser on a real `canarium up`, with two Rollouts and with five hundred.

Sizes of the first view, time to the first card, delay from a change in the cluster to what is painted, long tasks and
the server's share while 500 Rollouts change five times a second, memory of the tab after thousands of changes.

`python -m benchmarks.page [ROLLOUTS]` (500); needs Chromium (PATH, or CHROMIUM names it) and the built page.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from benchmarks.api import Up, running_up
from canarium.clock import Clock, RealClock
from canarium.web.access import page_token
from canarium.web.assets import STATIC

NAMESPACE = "bench"
ROLLOUTS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts"
REPLICA_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets"
POD_HASH = "rollouts-pod-template-hash"
STEPS = 90
PODS_EACH = 3
PODS_PER_NODE = 100
PHASES = ("Progressing", "Paused", "Healthy", "Degraded")
GROWN_SECONDS = 60.0
LONG_TASK_MS = 100
LOAD_SECONDS = 20.0
CHANGES_PER_SECOND = 5
MANY_CHANGES = 3000

# `__bench` tells, in milliseconds since 1970, when something is on the screen: a frame after it was in the document.
WATCHER = """
(() => {
  const painted = (then) => requestAnimationFrame(() => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => then(Date.now())
    channel.port2.postMessage(null)
  })
  const until = (selector, text) => new Promise((resolve) => {
    const look = () => [...document.querySelectorAll(selector)].some((found) => found.textContent.includes(text))
    const observer = new MutationObserver(() => {
      if (!look()) return
      observer.disconnect()
      painted(resolve)
    })
    observer.observe(document, { childList: true, subtree: true, characterData: true })
  })
  const bench = { until, tasks: [], began: performance.timeOrigin, first: until(".rollout-card .phase", "") }
  new PerformanceObserver((list) => bench.tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: "longtask", buffered: true })
  window.__bench = bench
})()
"""
SUMMARY = "section[aria-labelledby=summary]"
EXPECT = """([selector, text]) => {
  const late = new Error(`never "${text}" in ${selector}`)
  const missed = new Promise((_, reject) => setTimeout(() => reject(late), 20_000))
  __bench.seen = Promise.race([__bench.until(selector, text), missed])
}"""
LOADED = """() => performance.getEntriesByType("resource").map((entry) => [entry.name.split("/").pop(),
  entry.encodedBodySize, entry.decodedBodySize])"""


def _steps() -> list[dict[str, Any]]:
    return [{"setWeight": 1 + index} if index % 2 == 0 else {"pause": {}} for index in range(STEPS)]


def _template(name: str) -> dict[str, Any]:
    container = {"name": "web", "image": "registry.example/web:1.0.0"}
    return {"metadata": {"labels": {"app": name, POD_HASH: "6fdd67656d"}}, "spec": {"containers": [container]}}


def _rollout(name: str) -> dict[str, Any]:
    spec = {
        "replicas": PODS_EACH,
        "selector": {"matchLabels": {"app": name}},
        "template": _template(name),
        "strategy": {"canary": {"steps": _steps()}},
    }
    metadata = {"name": name, "labels": {"app": name, "team": f"team-{len(name) % 7}"}}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, "spec": spec}


def _replica_set(name: str, uid: str) -> dict[str, Any]:
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name, "uid": uid, "controller": True}
    labels = {"app": name, POD_HASH: "6fdd67656d"}
    metadata = {
        "name": f"{name}-6fdd67656d",
        "labels": labels,
        "annotations": {"rollout.argoproj.io/revision": "1"},
        "ownerReferences": [owner],
    }
    spec = {"replicas": PODS_EACH, "selector": {"matchLabels": labels}, "template": _template(name)}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


class _Cluster:
    """Rollouts without a controller: what their status says is what was written last."""

    def __init__(self, up: Up, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.up = up
        self.names: list[str] = []
        self._session = session
        self.clock = clock

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.up.token}"}
        if method == "PATCH":
            headers["content-type"] = "application/merge-patch+json"
        url = self.up.url + path
        async with self._session.request(method, url, json=body, headers=headers, ssl=self.up.ssl) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json(content_type=None) if method != "GET" or path.startswith("/api") else None

    async def grow(self, count: int) -> None:
        """Until there are that many, each with a ReplicaSet whose pods are there."""
        names = iter([f"web-{index:03}" for index in range(len(self.names), count)])

        async def work() -> None:
            for name in names:
                made = await self.ask("POST", ROLLOUTS, _rollout(name))
                await self.ask("POST", REPLICA_SETS, _replica_set(name, made["metadata"]["uid"]))
                self.names.append(name)
                await self.change(name, step=10, phase="Healthy")

        await asyncio.gather(*(work() for _ in range(8)))
        give_up = self.clock.monotonic() + GROWN_SECONDS
        while self.clock.monotonic() < give_up:
            found = (await self.ask("GET", REPLICA_SETS))["items"]
            waiting = [one for one in found if (one.get("status") or {}).get("readyReplicas") != PODS_EACH]
            if not waiting:
                return
            await self.clock.sleep(0.5)
        _row("ReplicaSets whose pods did not become ready", str(len(waiting)))

    async def change(self, name: str, *, step: int, phase: str = "Progressing", message: str = "moves on") -> float:
        """Write a status. When it was sent, in milliseconds since 1970."""
        status = {
            "phase": phase,
            "message": message,
            "currentStepIndex": step,
            "currentPodHash": "6fdd67656d",
            "stableRS": "6fdd67656d",
            "replicas": PODS_EACH,
            "readyReplicas": PODS_EACH,
            "availableReplicas": PODS_EACH,
            "updatedReplicas": PODS_EACH,
        }
        sent = self.clock.now().timestamp() * 1000
        await self.ask("PATCH", f"{ROLLOUTS}/{name}/status", {"status": status})
        return sent

    async def lag(self, until: float) -> list[float]:
        """Milliseconds that the smallest of questions took, asked again and again until a time: near nothing, unless
        the server's event loop is busy with something else."""
        took: list[float] = []
        while self.clock.monotonic() < until:
            began = time.perf_counter()
            await self.ask("GET", "/readyz")
            took.append((time.perf_counter() - began) * 1000)
            await self.clock.sleep(0.02)
        return took


class _Screen:
    """A browser that is logged in to the page."""

    def __init__(self, browser: Browser, up: Up, clock: Clock) -> None:
        self.clock = clock
        self._browser = browser
        self._token = page_token(up.token)
        self._origin = f"http://127.0.0.1:{up.ports['rollouts']}"

    @asynccontextmanager
    async def context(self) -> AsyncIterator[BrowserContext]:
        """With an empty cache."""
        context = await self._browser.new_context(viewport={"width": 1440, "height": 900})
        await context.add_init_script(WATCHER)
        answer = await context.request.post(f"{self._origin}/api/login", data={"token": self._token})
        assert answer.ok, await answer.text()
        yield context
        await context.close()

    async def open(self, page: Page, path: str) -> float:
        """Go there; milliseconds until the first card was painted, on /rollouts."""
        await page.goto(f"{self._origin}{path}", wait_until="commit")
        if path != "/rollouts":
            await page.wait_for_selector("h1")
            return 0.0
        first: float = await page.evaluate("() => __bench.first.then((at) => at - __bench.began)")
        return first


def _row(what: str, figure: str) -> None:
    print(f"{what:58} {figure}", flush=True)


def _spread(took: Sequence[float]) -> str:
    ordered = sorted(took)
    high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"median {statistics.median(ordered):5.0f} ms, 95 % {high:5.0f} ms, worst {ordered[-1]:5.0f} ms"


async def _sizes(screen: _Screen, name: str) -> None:
    async with screen.context() as context:
        page = await context.new_page()
        for path in ("/rollouts", f"/rollouts/{NAMESPACE}/{name}", "/applications", "/query"):
            await screen.open(page, path)
            await screen.clock.sleep(1.5)
            loaded = await page.evaluate(LOADED)
            texts = []
            for suffix in (".js", ".css"):
                found = [(size, whole) for file, size, whole in loaded if file.endswith(suffix)]
                sizes = f"{sum(size for size, _ in found) / 1000:.0f} of {sum(whole for _, whole in found) / 1000:.0f}"
                texts.append(f"{suffix[1:]} {sizes} kB in {len(found)}")
            parts = ("ExpressionEditor", "uPlot.esm")
            late = [part for part in parts if any(file.startswith(part) for file, _, _ in loaded)]
            shown = path if name not in path else "/rollouts/:name"
            _row(f"loaded by {shown} (gzip of raw)", "; ".join(texts) + (f"; has {', '.join(late)}" if late else ""))


async def _first_card(screen: _Screen, many: int) -> None:
    cold, warm = [], []
    for _ in range(7):
        async with screen.context() as context:
            page = await context.new_page()
            cold.append(await screen.open(page, "/rollouts"))
            await page.close()
            page = await context.new_page()
            warm.append(await screen.open(page, "/rollouts"))
    _row(f"first card painted, {many} Rollouts, empty cache", _spread(cold))
    _row(f"first card painted, {many} Rollouts, files cached", _spread(warm))


async def _delay(cluster: _Cluster, page: Page, name: str, selector: str, *, runs: int = 40) -> list[float]:
    took = []
    for step in range(11, 11 + runs):
        await page.evaluate(EXPECT, [selector, f"{step}/"])
        sent = await cluster.change(name, step=step)
        took.append(await page.evaluate("() => __bench.seen") - sent)
        await cluster.clock.sleep(0.03 + step % 7 * 0.011)  # at every phase of a frame
    await cluster.change(name, step=10)
    return took


async def _delays(cluster: _Cluster, screen: _Screen, many: int) -> None:
    async with screen.context() as context:
        page = await context.new_page()
        await screen.open(page, "/rollouts")
        await cluster.clock.sleep(1.0)
        name = cluster.names[0]
        await cluster.change(name, step=10)
        await page.wait_for_selector(f'[data-key="{NAMESPACE}/{name}"]')
        card = f'[data-key="{NAMESPACE}/{name}"] .rollout-progress'
        _row(f"status sent to painted, wall of {many}", _spread(await _delay(cluster, page, name, card)))
        await screen.open(page, f"/rollouts/{NAMESPACE}/{name}")
        await page.wait_for_selector(SUMMARY)
        await cluster.clock.sleep(1.0)
        _row(f"status sent to painted, page of one of {many}", _spread(await _delay(cluster, page, name, SUMMARY)))


async def _changes(cluster: _Cluster, until: float) -> int:
    for number in itertools.count():
        if cluster.clock.monotonic() >= until:
            return number
        name = cluster.names[number * 37 % len(cluster.names)]
        await cluster.change(name, step=11 + number % 70, phase=PHASES[number % 4], message=f"change {number}")
        await cluster.clock.sleep(1 / CHANGES_PER_SECOND)
    return 0


async def _watch(_: Page, clock: Clock) -> None:
    await clock.sleep(0.5)


async def _scroll(page: Page, clock: Clock) -> None:
    for turn in range(10):
        for _ in range(12):
            await page.mouse.wheel(0, 180 if turn % 2 == 0 else -180)
            await clock.sleep(0.05)


async def _type(page: Page, clock: Clock) -> None:
    search = page.get_by_role("searchbox")
    for text in ("web-1", "app:web-0", "web-49", "team:team"):
        await search.click()
        await search.press_sequentially(text, delay=90)
        await clock.sleep(0.3)
        for _ in text:
            await search.press("Backspace", delay=40)


async def _under_load(cluster: _Cluster, page: Page, what: str, act: Callable[[Page, Clock], Awaitable[None]]) -> None:
    clock = cluster.clock
    await page.mouse.move(700, 500)
    await page.evaluate("() => { __bench.tasks.length = 0 }")
    cpu, began = cluster.up.seconds_of_cpu(), clock.monotonic()
    until = began + LOAD_SECONDS

    async def acting() -> None:
        while clock.monotonic() < until:
            await act(page, clock)

    lag, changes, _ = await asyncio.gather(cluster.lag(until), _changes(cluster, until), acting())
    share = (cluster.up.seconds_of_cpu() - cpu) / (clock.monotonic() - began) * 100
    tasks = await page.evaluate("() => __bench.tasks")
    long = [task for task in tasks if task > LONG_TASK_MS]
    worst = f"longest {max(tasks):.0f} ms" if tasks else "none over 50 ms"
    _row(f"{what}: tasks over {LONG_TASK_MS} ms", f"{len(long)} ({worst}, {len(tasks)} over 50 ms; {changes} changes)")
    _row(f"{what}: the server", f"{share:.0f} % of a core, {cluster.up.megabytes():.0f} MB; /readyz {_spread(lag)}")


async def _memory(cluster: _Cluster, page: Page) -> None:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")

    async def measured() -> dict[str, float]:
        for _ in range(2):
            await devtools.send("HeapProfiler.collectGarbage")
        found = await devtools.send("Performance.getMetrics")
        return {one["name"]: one["value"] for one in found["metrics"]}

    async def change(many: int) -> None:
        numbers = iter(range(many))

        async def work() -> None:
            for number in numbers:
                name = cluster.names[number * 37 % len(cluster.names)]
                phase = PHASES[number // 7 % 4]
                await cluster.change(name, step=11 + number % 70, phase=phase, message=f"change {number}")

        await asyncio.gather(*(work() for _ in range(3)))
        await cluster.clock.sleep(1.0)

    await change(MANY_CHANGES // 10)
    before = await measured()
    began = cluster.clock.monotonic()
    await change(MANY_CHANGES)
    seconds = cluster.clock.monotonic() - began
    after = await measured()
    heap = f"heap {before['JSHeapUsedSize'] / 1e6:.1f} to {after['JSHeapUsedSize'] / 1e6:.1f} MB"
    nodes = f"nodes {before['Nodes']:.0f} to {after['Nodes']:.0f}"
    listeners = f"listeners {before['JSEventListeners']:.0f} to {after['JSEventListeners']:.0f}"
    _row(f"the tab after {MANY_CHANGES} changes in {seconds:.0f} s", f"{heap}, {nodes}, {listeners}")


async def _measure(up: Up, chromium: str, many: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        clock = RealClock()
        cluster, screen = _Cluster(up, session, clock), _Screen(browser, up, clock)
        await cluster.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        await cluster.grow(2)
        await _sizes(screen, cluster.names[0])
        await _first_card(screen, 2)
        await _delays(cluster, screen, 2)
        began = clock.monotonic()
        await cluster.grow(many)
        _row(f"made {many} Rollouts with {many * PODS_EACH} pods", f"{clock.monotonic() - began:.0f} s")
        await _first_card(screen, many)
        await _delays(cluster, screen, many)
        async with screen.context() as context:
            page = await context.new_page()
            await screen.open(page, "/rollouts")
            await clock.sleep(1.0)
            await _under_load(cluster, page, "watching", _watch)
            await _under_load(cluster, page, "scrolling", _scroll)
            await _under_load(cluster, page, "typing in the search", _type)
            await _memory(cluster, page)
        await browser.close()


def main(many: int = 500) -> int:
    """Print the table; 1 where it cannot be measured, with the reason."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("the page: chromium is not on PATH; set CHROMIUM", file=sys.stderr)
        return 1
    if not (STATIC / "index.html").is_file():
        print("the page: it is not built; run `make ui`", file=sys.stderr)
        return 1
    nodes = ("--nodes", str(1 + many * PODS_EACH // PODS_PER_NODE))
    with (
        tempfile.TemporaryDirectory() as folder,
        running_up(Path(folder), "--controllers", "*,-rollouts", *nodes) as up,
    ):
        asyncio.run(_measure(up, chromium, many))
    return 0


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:2])))
