"""No release without the page: a wheel or sdist is built only where `make ui` was run before.

An editable installation needs no page: `canarium up` says how to build it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface[Any]):
    """See the module."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse to build without the page."""
        del build_data
        page = Path(self.root, "src", "canarium", "web", "static", "index.html")
        if version != "editable" and not page.is_file():
            raise RuntimeError(f"{page} is missing: a release carries the page. Build it first, with: make ui")
