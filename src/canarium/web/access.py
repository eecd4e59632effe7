"""Who may see the page, who may act on it, and what a browser is told to refuse.

Owns: the page's tokens, cookie, checks of Host and Origin, the security headers. Pure. Must not know: routes.
The page's tokens are derived from those of the API server, so that one that stands in a browser's history opens the
page only. Cookies ignore ports: the cookie's name differs from cluster to cluster, or two of them on 127.0.0.1 would
log each other out.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import msgspec

from canarium.kube.server.access import Tokens, User, is_local_host

_LABEL = b"canarium page 1"
NONCE_PLACEHOLDER = b"__CSP_NONCE__"


def page_token(cluster_token: str) -> str:
    """The page's token for one of the API server's: url-safe, 256 bits, and no way back."""
    digest = hmac.new(cluster_token.encode(), _LABEL, hashlib.sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


class PageTokens(msgspec.Struct, frozen=True):
    """The page's two tokens. They are secrets: never print this. reader: empty if nobody only reads."""

    admin: str
    reader: str

    @classmethod
    def of(cls, tokens: Tokens) -> PageTokens:
        """Those that belong to an API server's."""
        return cls(page_token(tokens.admin), page_token(tokens.reader))

    @property
    def cookie_name(self) -> str:
        """The name of the cookie that holds one of them; says nothing of what it holds."""
        return "canarium-" + hashlib.sha256(self.admin.encode()).hexdigest()[:12]

    def owner(self, token: str) -> User | None:
        """Whose token it is; compared in constant time."""
        return Tokens(self.admin, self.reader).owner(token)

    def visitor(self, headers: Mapping[str, str]) -> User | None:
        """Who sends a request: by its `Authorization: Bearer`, else by its cookie. headers: names in lower case."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.owner(token.strip())
        return self.owner(_cookie(headers.get("cookie", ""), self.cookie_name))

    def set_cookie(self, token: str) -> str:
        """A Set-Cookie that keeps a token until the browser is closed: each demo and dashboard has a name of its own,
        and they must not pile up. An empty token takes the cookie away."""
        end = "" if token else "; Max-Age=0"
        return f"{self.cookie_name}={token}; Path=/{end}; HttpOnly; SameSite=Strict"


def _cookie(header: str, name: str) -> str:
    parts = (part.strip().partition("=") for part in header.split(";"))
    return next((value.strip('"') for key, _, value in parts if key == name), "")


def is_allowed_host(header: str, allowed: Collection[str] = ()) -> bool:
    """Whether a Host header names this machine, or one of the `allowed` names (without port, in lower case)."""
    name, colon, port = header.rpartition(":")
    bare = (name if colon and port.isdigit() else header).lower()
    return bare in allowed or is_local_host(header)


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of the same host and port, or from no page at all.

    The scheme is not looked at: whoever adds TLS in front keeps the host.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return origin != "null" and urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:  # no address at all
        return False


def security_headers() -> dict[str, str]:
    """What every answer of ours tells the browser."""
    return {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }


def content_security_policy(nonce: str = "") -> str:
    """The page's policy: scripts and fonts from files of ours only, nothing inline but styles that know the nonce."""
    style = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src {style}",
            "connect-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
