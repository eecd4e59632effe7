"""The event log: what happened, in order, as data.

Owns: the port through which object writes, decisions with their reasons, measurements and scrapes are told.
Must not know: who reads it. `canarium demo --trace` writes it as JSON lines; tests compare it.
"""

from __future__ import annotations

from typing import Any, Protocol


class Journal(Protocol):
    """Takes one entry at a time; the implementation adds the time."""

    def record(self, what: str, /, **data: Any) -> None:
        """what: the kind of entry (`write`, `decision`, `measurement`, `scrape`, …); data: JSON-compatible values."""
        ...


class NoJournal:
    """Forgets everything; for those who do not look."""

    def record(self, what: str, /, **data: Any) -> None:
        """Do nothing."""


class MemoryJournal:
    """Keeps entries in memory, stamped by `now()` (seconds since the start, or any other JSON value)."""

    def __init__(self, now: Any = None) -> None:
        self._now = now
        self.entries: list[dict[str, Any]] = []

    def record(self, what: str, /, **data: Any) -> None:
        """Append `{"at": …, "what": what, **data}`."""
        entry: dict[str, Any] = {"at": self._now()} if self._now else {}
        entry["what"] = what
        entry.update(data)
        self.entries.append(entry)
