"""What tests of the page need: reading server-sent events, and a request whose answer does not end.

Owns: the reader of events and `Stream`. Must not know: topics.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from canarium.nodes.program import AsgiApp

Event = tuple[str, Any]


def events_of(raw: bytes) -> list[Event]:
    """The events in some bytes: (kind, data)."""
    found = []
    for block in raw.decode().split("\n\n"):
        fields = [line.partition(": ")[::2] for line in block.splitlines() if line]
        kind = next((text for name, text in fields if name == "event"), "")
        if kind:
            found.append((kind, msgspec.json.decode(next(text for name, text in fields if name == "data"))))
    return found


class Reader:
    """Reads a subscription in the background, without pings unless asked; `take()` is what came since the last time."""

    def __init__(self, chunks: AsyncIterator[bytes], *, pings: bool = False) -> None:
        self._chunks = chunks
        self._pings = pings
        self._came: list[Event] = []
        self.task = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for chunk in self._chunks:
            self._came += [each for each in events_of(chunk) if self._pings or each[0] != "ping"]

    def take(self) -> list[Event]:
        """What came since the last time."""
        came, self._came = self._came, []
        return came

    async def close(self) -> None:
        """Stop reading, as a page that is closed."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self._chunks.aclose()  # type: ignore[attr-defined]


class Stream:
    """A GET whose answer goes on. `leave()` hangs up."""

    def __init__(self, app: AsgiApp, target: str, headers: Mapping[str, str], method: str = "GET") -> None:
        path, _, query = target.partition("?")
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.is_complete = False
        self._left = asyncio.Event()
        self._is_asked = False
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (b"host", b"127.0.0.1:80"),
                *((name.encode(), text.encode()) for name, text in headers.items()),
            ],
        }
        self.task = asyncio.ensure_future(app(self.scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._is_asked:
            self._is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): text.decode() for name, text in message["headers"]}
        else:
            self.body += message.get("body", b"")
            self.is_complete = not message.get("more_body", False)

    def leave(self) -> None:
        """Hang up."""
        self._left.set()
