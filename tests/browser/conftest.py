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

expect.set_options(timeout=WAIT_MILLISECONDS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that CHROMIUM names."""
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
        self._origin = origin
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MILLISECONDS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        is_told = message.text.startswith("Failed to load resource: the server responded with a status of 4")
        if message.type in ("error", "warning") and not is_told:  # the page shows an answer that is an error itself
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self._origin, "data:", "blob:")):
            self.complaints.append(f"asked another origin: {url}")

    def open(self, path: str) -> Page:
        """A path of the page."""
        self.page.goto(f"{self._origin}{path}")
        return self.page

    def axe(self) -> list[str]:
        """Violations of accessibility on the page as it is, a line each."""
        if not AXE.is_file():
            pytest.skip("axe-core is not installed: make ui")
        self.page.evaluate(AXE.read_text("utf-8"))
        result: dict[str, Any] = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{found['id']} ({found['impact']}): {found['help']}: "
            + json.dumps([node["html"][:200] for node in found["nodes"][:4]])
            for found in result["violations"]
        ]


def address(said: str, door: str) -> str:
    """The address with its token that `canarium up` printed for a door: Applications, Rollouts, Metrics."""
    found = re.search(rf"^\s*{door}\s+(http://\S+)", said, re.MULTILINE)
    assert found is not None, said
    return found[1]
