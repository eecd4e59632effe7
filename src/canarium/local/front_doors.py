"""What stands at the doors without TLS: who may come in, the page, and what its ports answer without one.

Owns: the check of the Host header, the `Page` port, that short text. Must not know: servers, what a page is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from canarium.kube.server.access import is_local_host
from canarium.nodes.program import AsgiApp, Receive, Scope, Send


class Page(Protocol):
    """What stands behind the doors of a cluster, from after its start until it stops."""

    @property
    def doors(self) -> Mapping[str, AsgiApp]:
        """An application for each of the doors `applications`, `rollouts` and `metrics`; they check the Host header."""
        ...

    async def stop(self) -> None:
        """End the streams that go on for ever; other requests may still come for a moment."""
        ...


def guarded(app: AsgiApp) -> AsgiApp:
    """The application, for requests that name this machine as their host: a page elsewhere must not reach it by a name
    of its own that it lets point here."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        host = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"host"), "")
        if is_local_host(host):
            await app(scope, receive, send)
        else:
            await answer(send, 403, f"this server does not answer to the host name {host!r}: use 127.0.0.1\n")

    return guard


async def answer(send: Send, status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
    """A short answer, as plain text unless it says what else it is."""
    body = text.encode()
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def front_door(what: str, instead: str) -> AsgiApp:
    """An application that says what is not here, and the command that shows the same."""
    text = f"canarium: {what}\n\nThere is no page here. In a terminal:\n\n  {instead}\n"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await answer(send, 200, text if scope["method"] != "HEAD" else "")

    return guarded(app)
