"""What stands at the doors without TLS: who may come in, and what the page's ports answer until there is a page.

Owns: the check of the Host header, and that short text. Must not know: servers.
"""

from __future__ import annotations

from canarium.kube.server.access import is_local_host
from canarium.nodes.program import AsgiApp, Receive, Scope, Send


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


async def answer(send: Send, status: int, text: str) -> None:
    """A short answer as plain text."""
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def front_door(what: str, instead: str) -> AsgiApp:
    """An application that says what will be here, and the command that shows it today."""
    text = f"canarium: {what}\n\nThe page is not built yet. In a terminal:\n\n  {instead}\n"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await answer(send, 200, text if scope["method"] != "HEAD" else "")

    return guarded(app)
