"""The files of the built page, held in memory.

Owns: reading them once, content types, caching, compression. Must not know: routes, who may see them.
A path is looked up among the files that were read, so none leads anywhere else. What Vite puts into `assets/` has a
hash of its content in its name and never changes.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec

STATIC = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_SMALL = 1024
_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_COMPRESSIBLE = (".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".webmanifest")


class Answered(msgspec.Struct, frozen=True):
    """An answer to a request for a file: 200 with its bytes, or 304 without."""

    status: int
    headers: dict[str, str]
    body: bytes


class Assets:
    """The files by their path below the page's root, such as `assets/index-1a2b.js`."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)
        self._etags = {path: hashlib.sha256(body).hexdigest()[:32] for path, body in self._files.items()}
        self._zipped: dict[str, bytes] = {}
        self.index: bytes = self._files.pop("index.html")

    @classmethod
    def load(cls, folder: Path = STATIC) -> Assets | None:
        """Those of a folder; None when the page is not built."""
        if not (folder / "index.html").is_file():
            return None
        found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
        return cls({path.relative_to(folder).as_posix(): path.read_bytes() for path in found})

    def answer(self, path: str, *, accept_encoding: str = "", if_none_match: str = "") -> Answered | None:
        """A file, as small as the browser takes it; None when there is no such file. path: without leading slash."""
        body = self._files.get(path)
        if body is None:
            return None
        suffix = PurePosixPath(path).suffix
        headers = {
            "content-type": _TYPES.get(suffix, "application/octet-stream"),
            "cache-control": _FOREVER if path.startswith("assets/") else _ASK_AGAIN,
        }
        tag = self._etags[path]
        if suffix in _COMPRESSIBLE and len(body) > _SMALL:
            headers["vary"] = "Accept-Encoding"
            if accepts_gzip(accept_encoding):
                headers["content-encoding"] = "gzip"
                tag += "-gzip"
                body = self._compressed(path, body)
        headers["etag"] = f'"{tag}"'
        if _matches(if_none_match, headers["etag"]):
            kept = {name: text for name, text in headers.items() if name not in ("content-type", "content-encoding")}
            return Answered(304, kept, b"")
        return Answered(200, headers, body)

    def _compressed(self, path: str, body: bytes) -> bytes:
        if path not in self._zipped:
            self._zipped[path] = gzip.compress(body, compresslevel=6, mtime=0)
        return self._zipped[path]


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip."""
    for clause in header.lower().split(","):
        coding, _, parameters = clause.partition(";")
        if coding.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _matches(header: str, etag: str) -> bool:
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in header.split(",") if tag.strip())
