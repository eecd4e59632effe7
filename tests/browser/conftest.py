"""A real browser on the page of a real `canarium up`. Skipped, with the reason, where one of them is missing."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
STATIC = ROOT / "src" / "canarium" / "web" / "static"
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
WAIT_MILLISECONDS = 30_000
"""As long as anything may take on a busy machine; what is asked for is usually there at once."""

TOLD_OTHERWISE = (
    "Failed to load resource: the server responded with a status of ",  # the page shows an answer that is an error
    "Applying inline style violates",  # TELL_VIOLATIONS says where
)
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  // What Chromium itself writes into an editable line while somebody types is blocked, and nobody misses it.
  event.target instanceof Element && event.target.closest(".cm-content") !== null ||
  console.error("policy", event.violatedDirective, event.sourceFile, event.lineNumber, event.columnNumber, event.sample,
    event.target instanceof Element ? event.target.outerHTML.slice(0, 300) : ""))
"""

expect.set_options(timeout=WAIT_MILLISECONDS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that CHROMIUM names.

    Of a module, not of the session: while it is there this thread has a running loop, which tests of asyncio elsewhere
    must not meet.
    """
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("chromium is not on PATH")
    if not (STATIC / "index.html").is_file():
        pytest.skip("the page is not built: make ui")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """A page with what went wrong in it: nothing may be asked of another origin, and no script may complain."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.complaints: list[str] = []
        self.origin = origin
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MILLISECONDS)
        self.page.add_init_script(TELL_VIOLATIONS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(TOLD_OTHERWISE):
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.complaints.append(f"asked another origin: {url}")

    def open(self, path: str) -> Page:
        """A path of the page."""
        self.page.goto(f"{self.origin}{path}")
        return self.page

    def axe(self, within: str = "html") -> list[str]:
        """Violations of accessibility on the page as it is, or in a part of it, a line each."""
        if not AXE.is_file():
            pytest.skip("axe-core is not installed: make ui")
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        self.settle()
        result: dict[str, Any] = self.page.evaluate(
            "within => axe.run(document.querySelector(within), {resultTypes: ['violations']})", within
        )
        return [
            f"{found['id']} ({found['impact']}): {found['help']}: "
            + json.dumps([node["html"][:200] for node in found["nodes"][:4]])
            for found in result["violations"]
        ]

    def settle(self) -> None:
        """Until nothing moves any more: what fades has its colours only then."""
        self.page.wait_for_function(
            """() => document.querySelector('main [role=progressbar], main [aria-busy=true]') === null
              && document.getAnimations().every((one) => one.playState !== 'running'
                || one.effect.getComputedTiming().endTime === Infinity)"""
        )


def address(said: str, door: str) -> str:
    """The address with its token that `canarium up` printed for a door: Applications, Rollouts, Metrics."""
    found = re.search(rf"^\s*{door}\s+(http://\S+)", said, re.MULTILINE)
    assert found is not None, said
    return found[1]
