"""URLs as bundled programs need them; `urllib.parse` alone would take a quarter of a program's start.

Owns: escapes, query strings, the parts of an http URL. Must not know: requests.
"""

from __future__ import annotations

from typing import NamedTuple

_HEX = b"0123456789abcdefABCDEF"


def unquoted(text: bytes) -> str:
    """The text with its escapes resolved; what is no escape stays, what is no UTF-8 becomes U+FFFD."""
    if b"%" not in text:
        return text.decode("utf-8", "replace")
    first, *rest = text.split(b"%")
    out = bytearray(first)
    for piece in rest:
        digits = piece[:2]
        if len(digits) == 2 and all(digit in _HEX for digit in digits):
            out.append(int(digits, 16))
            out += piece[2:]
        else:
            out += b"%" + piece
    return out.decode("utf-8", "replace")


def query_values(query: bytes) -> dict[str, list[str]]:
    """`a=1&b=x+y&a=2` as {"a": ["1", "2"], "b": ["x y"]}."""
    values: dict[str, list[str]] = {}
    for pair in query.split(b"&"):
        if pair:
            name, _, value = pair.replace(b"+", b" ").partition(b"=")
            values.setdefault(unquoted(name), []).append(unquoted(value))
    return values


class Url(NamedTuple):
    """An http URL. host: without brackets, as a socket wants it. target: path and query, at least `/`."""

    user: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as a Host header shows them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 80 else f"{host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, not a name."""
        return ":" in self.host or self.host.replace(".", "").isdigit()


def parse_url(text: str) -> Url:
    """Read `http://[user[:password]@]host[:port][/target]`; a missing scheme means http. Raises ValueError in words."""
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "http", text
    if scheme.lower() != "http":
        raise ValueError(f'"{text}" is not an http URL')
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, target = rest[:cut], rest[cut:].partition("#")[0]
    user, _, host = authority.rpartition("@")
    name, port = host, "80"
    if host.startswith("["):
        name, _, tail = host[1:].partition("]")
        port = tail.removeprefix(":") or "80"
    elif ":" in host:
        name, _, port = host.partition(":")
    if not name or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f'"{text}" names no host and port')
    return Url(user, name, int(port), target if target.startswith("/") else f"/{target}")
