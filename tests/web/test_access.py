"""Who comes to the page, and what its browser is told to refuse."""

from __future__ import annotations

import re

import pytest

from canarium.kube.server.access import ADMIN, READER, Tokens
from canarium.web.access import (
    PageTokens,
    content_security_policy,
    is_allowed_host,
    is_same_origin,
    page_token,
    security_headers,
)

TOKENS = PageTokens.of(Tokens("cluster-admin", "cluster-reader"))


def test_the_token_of_the_page_is_not_that_of_the_cluster_and_always_the_same() -> None:
    token = page_token("cluster-admin")

    assert token == page_token("cluster-admin") == TOKENS.admin
    assert token != page_token("cluster-reader")
    assert "cluster-admin" not in token
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token), "url-safe, 256 bits"


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({"authorization": f"Bearer {TOKENS.admin}"}, ADMIN),
        ({"authorization": f"bearer {TOKENS.reader}"}, READER),
        ({"cookie": f"theme=dark; {TOKENS.cookie_name}={TOKENS.admin}"}, ADMIN),
        ({"cookie": f"{TOKENS.cookie_name}={TOKENS.reader};a=b"}, READER),
        ({"cookie": f"canarium-0123={TOKENS.admin}"}, None),
        ({"cookie": f"x{TOKENS.cookie_name}={TOKENS.admin}"}, None),
        ({"authorization": "Bearer cluster-admin"}, None),
        ({"authorization": f"Basic {TOKENS.admin}"}, None),
        ({"authorization": "Bearer wrong", "cookie": f"{TOKENS.cookie_name}={TOKENS.admin}"}, None),
        ({"authorization": "Bearer \xff\xfe"}, None),
        ({"cookie": f"{TOKENS.cookie_name}="}, None),
        ({"cookie": f"{TOKENS.cookie_name}"}, None),
        ({}, None),
    ],
)
def test_a_visitor_is_known_by_bearer_or_cookie(headers: dict[str, str], user: object) -> None:
    assert TOKENS.visitor(headers) == user


def test_nobody_has_an_empty_token() -> None:
    tokens = PageTokens("admin", "")

    assert tokens.owner("") is None
    assert tokens.visitor({"authorization": "Bearer "}) is None


def test_cookies_of_two_clusters_do_not_meet_and_tell_nothing() -> None:
    other = PageTokens.of(Tokens("another", "cluster-reader"))

    assert TOKENS.cookie_name != other.cookie_name
    assert TOKENS.admin not in TOKENS.cookie_name


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    cookie = TOKENS.set_cookie(TOKENS.admin)

    assert cookie.startswith(f"{TOKENS.cookie_name}={TOKENS.admin}; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Max-Age=0" in TOKENS.set_cookie("").split("; ")


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("127.0.0.1:30101", True),
        ("localhost", True),
        ("[::1]:30101", True),
        ("Pages.Example:443", True),
        ("pages.example", True),
        ("evil.example:30101", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
    ],
)
def test_a_page_elsewhere_does_not_get_in_by_a_name_of_its_own(host: str, is_allowed: bool) -> None:
    assert is_allowed_host(host, {"pages.example"}) is is_allowed


@pytest.mark.parametrize(
    ("headers", "is_same"),
    [
        ({}, True),
        ({"origin": "http://127.0.0.1:30101"}, True),
        ({"origin": "https://127.0.0.1:30101"}, True),
        ({"origin": "http://127.0.0.1:30102"}, False),
        ({"origin": "http://localhost:30101"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "http://["}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
    ],
)
def test_only_pages_of_the_same_host_and_port_act(headers: dict[str, str], is_same: bool) -> None:
    assert is_same_origin({"host": "127.0.0.1:30101", **headers}) is is_same


def test_the_policy_allows_nothing_inline_but_styles_that_know_the_nonce() -> None:
    policy = dict(part.partition(" ")[::2] for part in content_security_policy("n0nce").split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self' 'nonce-n0nce'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in content_security_policy("n0nce")
    assert security_headers()["x-content-type-options"] == "nosniff"
