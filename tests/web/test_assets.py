"""The files of the page travel small, are asked for once, and nothing else travels."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from canarium.web.assets import Assets, accepts_gzip

SCRIPT = b"console.log('canarium')\n" * 200


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    (tmp_path / "secret.txt").write_text("not ours")
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_bytes(b"<html>")
    (static / "favicon.svg").write_bytes(b"<svg/>")
    (static / ".gitkeep").write_bytes(b"")
    (static / "assets" / "index-1a2b.js").write_bytes(SCRIPT)
    (static / "assets" / "font-3c4d.woff2").write_bytes(b"\0" * 5000)
    loaded = Assets.load(static)
    assert loaded is not None
    return loaded


def test_without_a_built_page_there_are_none(tmp_path: Path) -> None:
    assert Assets.load(tmp_path) is None
    assert Assets.load(tmp_path / "absent") is None


def test_a_file_with_a_hash_in_its_name_is_kept_for_ever_and_others_are_asked_for_again(assets: Assets) -> None:
    script, icon = assets.answer("assets/index-1a2b.js"), assets.answer("favicon.svg")

    assert script is not None
    assert icon is not None
    assert script.body == SCRIPT
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert icon.headers["cache-control"] == "no-cache"
    assert icon.headers["content-type"] == "image/svg+xml"


def test_a_browser_that_takes_gzip_gets_it(assets: Assets) -> None:
    packed = assets.answer("assets/index-1a2b.js", accept_encoding="gzip, deflate, br")
    font = assets.answer("assets/font-3c4d.woff2", accept_encoding="gzip")

    assert packed is not None
    assert gzip.decompress(packed.body) == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert font is not None
    assert "content-encoding" not in font.headers, "is compressed already"
    again = assets.answer("assets/index-1a2b.js", accept_encoding="gzip")
    assert again is not None
    assert again.body is packed.body, "compressed once"


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_file_that_the_browser_has_is_not_sent_again(assets: Assets, encoding: str) -> None:
    first = assets.answer("assets/index-1a2b.js", accept_encoding=encoding)
    assert first is not None

    tags = f'"other", W/{first.headers["etag"]}'
    again = assets.answer("assets/index-1a2b.js", accept_encoding=encoding, if_none_match=tags)

    assert again is not None
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    "path", ["../secret.txt", "assets/../../secret.txt", "/etc/passwd", "assets", "", "assets/", ".gitkeep", "a\0b"]
)
def test_nothing_outside_is_a_file(assets: Assets, path: str) -> None:
    assert assets.answer(path) is None


@pytest.mark.parametrize(
    ("header", "takes"),
    [("gzip", True), ("br;q=1.0, GZIP;q=0.5", True), ("*", True), ("gzip; q=0", False), ("br", False), ("", False)],
)
def test_what_a_browser_takes(header: str, takes: bool) -> None:
    assert accepts_gzip(header) is takes
