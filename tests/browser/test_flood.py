"""A container that writes ten thousand lines a second: its page stays quick and small, and the server is there."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from canarium.clock import RealClock
from tests.acceptance.local_cluster import LocalCluster
from tests.browser.conftest import Tab, address
from tests.browser.worlds import SHOP, Hand, namespace, origin, rollout, talker, until, write

LINES_A_SECOND = 10_000
WATCHED_SECONDS = 3.0
MOST_LINES_DRAWN = 400
LONGEST_TASK_MS = 1500
AT_ONCE_SECONDS = 5.0
"""Against standing still; how quick it is, benchmarks say."""
ANSWERED_SECONDS = 5.0
WINDOW = {"width": 1440, "height": 900}

# `flood`: the longest task of the page and the most lines that were drawn, since it was reset; the newest line.
WATCH = """
(() => {
  const flood = { longest: 0, tasks: 0, most: 0, newest: -1, changes: 0 }
  flood.reset = () => Object.assign(flood, { longest: 0, tasks: 0, most: 0, changes: 0 })
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      flood.tasks += 1
      flood.longest = Math.max(flood.longest, entry.duration)
    }
  }).observe({ type: "longtask" })
  setInterval(() => {
    const drawn = [...document.querySelectorAll(".log-line")]
    flood.most = Math.max(flood.most, drawn.length)
    const newest = Math.max(-1, ...drawn.map((one) => Number(/line (\\d+)/.exec(one.textContent)?.[1] ?? -1)))
    if (newest > flood.newest) {
      flood.newest = newest
      flood.changes += 1
    }
  }, 50)
  window.flood = flood
})()
"""
HAS_LINES = "() => document.querySelector('[role=log] .log-line') !== null"
HAS_NONE = "() => document.querySelector('[role=log]').textContent.includes('No line contains this text.')"
HAS_ONLY = (
    "text => [...document.querySelectorAll('[role=log] .log-line')].every((one, _, all) =>"
    " all.length > 0 && one.textContent.includes(text)) && document.querySelector('[role=log] .log-line mark') !== null"
)
IS_CLOSED = "() => document.querySelector('[role=log]') === null && !location.pathname.includes('/pods/')"


class Flood(NamedTuple):
    """A running cluster, and the pod that writes and writes."""

    cluster: LocalCluster
    pod: str

    def query(self) -> float:
        """Ask Prometheus for something small; the seconds that it took."""
        began = _CLOCK.monotonic()
        url = f"http://127.0.0.1:{self.cluster.ports['metrics']}/api/v1/query?query=vector(1)"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        assert found["status"] == "success", found
        return _CLOCK.monotonic() - began

    def is_answered(self) -> bool:
        """Whether Prometheus answers already: its pod starts beside the others."""
        try:
            self.query()
        except urllib.error.HTTPError:
            return False
        return True


_CLOCK = RealClock()


@pytest.fixture
def flood(browser: Browser, tmp_path: Path) -> Iterator[Flood]:
    loud = rollout("loud", [], image="talker", args=["lines", str(LINES_A_SECOND)], is_probed=False)
    file = write(tmp_path / "loud.yaml", [namespace(SHOP), loud])
    with LocalCluster(tmp_path, "--apply", str(file), *talker()) as cluster, cluster.api() as api:
        hand = Hand(api)
        hand.wait("loud", "Healthy")
        until(lambda: bool(hand.pods("loud")), "there is a pod")
        flood = Flood(cluster, hand.pods("loud")[-1]["metadata"]["name"])
        until(flood.is_answered, "Prometheus is ready")
        yield flood
        assert cluster.stop() == 0
    assert "Traceback" not in cluster.said, cluster.said


@pytest.fixture
def tab(browser: Browser, flood: Flood) -> Iterator[Tab]:
    """A tab that is logged in, and watches itself."""
    context = browser.new_context(viewport=WINDOW, reduced_motion="reduce")  # type: ignore[arg-type]
    tab = Tab(context, origin(flood.cluster))
    tab.page.add_init_script(WATCH)
    tab.page.goto(address(flood.cluster.said, "Rollouts"))
    yield tab
    context.close()


def test_ten_thousand_lines_a_second_leave_the_page_quick_and_the_server_answering(flood: Flood, tab: Tab) -> None:
    # given: the page of the pod, at its log, with the first lines on it
    page = tab.open(f"/rollouts/{SHOP}/loud/pods/{flood.pod}?tab=logs")
    page.wait_for_function(HAS_LINES)
    page.wait_for_function("() => flood.newest >= 0")
    page.evaluate("() => flood.reset()")
    first = page.evaluate("() => flood.newest")

    # when: it is watched for a while, and others ask the server
    answered = ask_for(WATCHED_SECONDS, flood, page)

    # then: lines come and come, few are in the document, nothing takes long, and the others have their answers
    seen = page.evaluate("() => flood")
    assert seen["newest"] - first > LINES_A_SECOND * WATCHED_SECONDS / 10, seen
    assert seen["changes"] > 2, seen
    assert 0 < seen["most"] < MOST_LINES_DRAWN, seen
    assert seen["longest"] <= LONGEST_TASK_MS, seen
    assert max(answered) < ANSWERED_SECONDS, sorted(answered)[-5:]

    # and: it reacts at once
    search = page.get_by_role("textbox", name="Filter")
    assert took(lambda: search.fill("no such words"), page, HAS_NONE) < AT_ONCE_SECONDS
    assert took(lambda: search.fill("7 of many"), page, HAS_ONLY, "7 of many") < AT_ONCE_SECONDS
    assert took(lambda: page.keyboard.press("Escape"), page, HAS_LINES) < AT_ONCE_SECONDS
    assert page.evaluate("() => flood.longest") <= LONGEST_TASK_MS
    assert took(lambda: page.keyboard.press("Escape"), page, IS_CLOSED) < AT_ONCE_SECONDS
    assert re.fullmatch(rf".*/rollouts/{SHOP}/loud", page.url)
    assert not tab.complaints, "\n".join(tab.complaints)


def ask_for(seconds: float, flood: Flood, page: Page) -> list[float]:
    """Ask the server again and again; the seconds that each answer took."""
    ends = _CLOCK.monotonic() + seconds
    answered = []
    while _CLOCK.monotonic() < ends:
        answered.append(flood.query())
        page.wait_for_timeout(50)
    return answered


def took(act: Callable[[], None], page: Page, until_so: str, arg: str | None = None) -> float:
    """Seconds from before somebody acts until the page is so."""
    began = _CLOCK.monotonic()
    act()
    page.wait_for_function(until_so, arg=arg)
    return _CLOCK.monotonic() - began
