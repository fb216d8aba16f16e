"""The one origin that requests may go to: what makes one, what lies within it, and how its addresses are rebuilt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Denied
from connector.helpdesks.transport.origin import Origin, Pin, is_loopback
from tests.security.hostile_urls import hostile_urls

names = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9]{0,8}){1,2}", fullmatch=True)
paths = st.from_regex(r"(/[a-z0-9_-]{1,6}){0,3}", fullmatch=True)
ports = st.integers(1, 65535)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://acme.example", ("https", "acme.example", 443, "")),
        ("  https://ACME.Example/  ", ("https", "acme.example", 443, "")),
        ("https://acme.example:8443/ex/jira/1//", ("https", "acme.example", 8443, "/ex/jira/1")),
        ("http://localhost", ("http", "localhost", 80, "")),
        ("http://127.0.0.1:8080/p", ("http", "127.0.0.1", 8080, "/p")),
        ("http://127.8.9.1", ("http", "127.8.9.1", 80, "")),
        ("http://[::1]:8080", ("http", "::1", 8080, "")),
        ("https://xn--e1afmkfd.example", ("https", "xn--e1afmkfd.example", 443, "")),
    ],
)
def test_a_base_is_read_into_its_parts(url: str, parts: tuple[str, str, int, str]) -> None:
    origin = Origin.parse(url)
    assert (origin.scheme, origin.host, origin.port, origin.prefix) == parts


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("acme.example", "must be an absolute http(s) URL"),
        ("ftp://acme.example", "must be an absolute http(s) URL"),
        ("https:///path", "must be an absolute http(s) URL"),
        ("https://us@acme.example", "must not carry a user or password"),
        ("https://us:secret@acme.example", "must not carry a user or password"),
        ("https://acme.example/?a=1", "must not carry a query or fragment"),
        ("https://acme.example/#top", "must not carry a query or fragment"),
        ("https://\u0430cme.example", "must be written in ASCII (punycode)"),
        ("https://10.0.0.1", "must name a host, not its number"),
        ("https://2130706433", "must name a host, not its number"),
        ("https://0x7f.0x0.0x0.0X1", "must name a host, not its number"),
        ("https://10.0.0.1.", "must name a host, not its number"),
        ("https://[fe80::1]", "must name a host, not its number"),
        ("http://acme.example", "plain http is for loopback only"),
        ("http://localhost.example", "plain http is for loopback only"),
        ("https://acme.example/a/../b", "must not climb with .."),
        ("https://acme.example/a/%2E%2e/b", "must not climb with .."),
        ("https://acme.example/a/./b", "must not climb with .."),
        ("https://acme.example/a%5C..", "must not climb with .."),
        ("https://acme.example/a%2F..%2fb", "must not climb with .."),
    ],
)
def test_what_is_no_base_is_refused_with_the_reason(url: str, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        Origin.parse(url)
    assert str(refused.value) == f"{url}: {problem}"


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://ACME.example:443/p/", "https://acme.example/p"),
        ("https://acme.example:80", "https://acme.example:80"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://[::1]", "http://[::1]"),
        ("http://[::1]:8080/z", "http://[::1]:8080/z"),
    ],
)
def test_an_origin_is_written_as_it_is_asked(url: str, written: str) -> None:
    origin = Origin.parse(url)
    assert str(origin) == written
    assert origin.url("/api?x=1") == f"{written}/api?x=1"


@given(names, ports, paths, paths)
def test_its_own_addresses_lie_within_it_and_no_others(name: str, port: int, prefix: str, path: str) -> None:
    origin = Origin.parse(f"https://{name}:{port}{prefix}")
    assert origin.admits(f"{origin}{path}/")
    assert origin.admits(f"HTTPS://{name.upper()}:{port}{prefix}{path}/?q=https://evil.example")
    assert not origin.admits(f"http://{name}:{port}{prefix}{path}/")
    assert not origin.admits(f"https://{name}:{port % 65535 + 1}{prefix}{path}/")
    assert not origin.admits(f"https://x{name}:{port}{prefix}{path}/")
    assert not origin.admits(f"https://us@{name}:{port}{prefix}{path}/")
    assert not origin.admits(f"https://{name}:{port}{prefix}x{path}/") or not prefix
    assert origin.admits(f"{origin}") is False


@pytest.mark.parametrize("stray", [" ", "\t", "\n", "\x00", "\x7f", "\\", "\u00a0", "\u0430", "\u202e"])
def test_what_parsers_read_differently_lies_nowhere(stray: str) -> None:
    origin = Origin.parse("https://acme.example")
    assert origin.admits("https://acme.example/a~!b")
    assert not origin.admits(f"https://acme.example/a{stray}b")


@pytest.mark.parametrize("climb", ["..", ".", "%2e%2E", "%2e", "..%2f", "x%5c..", "%2E."])
def test_no_way_leads_up(climb: str) -> None:
    origin = Origin.parse("https://acme.example/p")
    assert not origin.admits(f"https://acme.example/p/{climb}/q")
    assert origin.admits("https://acme.example/p/...q/.hidden/a..b")


@pytest.mark.parametrize("url", ["https://acme.example:bad/x", "https://acme.example:70000/x", "https://[::1/x"])
def test_what_cannot_be_parsed_lies_nowhere(url: str) -> None:
    assert not Origin.parse("https://acme.example").admits(url)


def test_an_address_is_rebuilt_on_the_configured_origin() -> None:
    pin = Pin(Origin.parse("https://acme.example/p"))
    assert pin.resolve("https://ACME.example:443/p/x?a=1&b=%2F#top") == "https://acme.example/p/x?a=1&b=%2F"
    assert pin.resolve("https://acme.example/p/x") == "https://acme.example/p/x"


def test_an_alias_stands_for_a_path_below_the_origin() -> None:
    aliases = {"https://a.client.invalid": "", "https://b.client.invalid": "/api/v2"}
    pin = Pin(Origin.parse("https://acme.example:8443/z"), aliases)
    assert pin.resolve("https://a.client.invalid/x?y=1") == "https://acme.example:8443/z/x?y=1"
    assert pin.resolve("https://b.client.invalid/x") == "https://acme.example:8443/z/api/v2/x"
    for other in ("https://a.client.invalid", "https://a.client.invalid.evil/x", "https://c.client.invalid/x"):
        with pytest.raises(Denied):
            pin.resolve(other)


def test_a_refusal_names_where_we_stay_and_not_where_we_were_sent() -> None:
    with pytest.raises(Denied) as refused:
        Pin(Origin.parse("https://acme.example/p")).resolve("https://evil.example/secret")
    assert str(refused.value) == "refused to leave https://acme.example/p"
    assert refused.value.remedy == "check base_url; nothing was sent elsewhere"


def test_none_of_the_hostile_corpus_lies_within() -> None:
    origin = Origin.parse("http://127.0.0.1:4711")
    assert [url for url in hostile_urls("127.0.0.1", 4711) if origin.admits(url)] == []


@pytest.mark.parametrize(
    ("host", "ours"), [("localhost", True), ("127.0.0.2", True), ("::1", True), ("10.0.0.1", False), ("local", False)]
)
def test_this_machine_is_known_by_name_and_number(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours
