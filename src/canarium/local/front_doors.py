"""What the ports of the page answer until there is a page.

Owns: that short text. Must not know: servers.
"""

from __future__ import annotations

from canarium.nodes.program import AsgiApp, Receive, Scope, Send


def front_door(what: str, instead: str) -> AsgiApp:
    """An application that says what will be here, and the command that shows it today."""
    text = f"canarium: {what}\n\nThe page is not built yet. In a terminal:\n\n  {instead}\n".encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text if scope["method"] != "HEAD" else b""})

    return app
