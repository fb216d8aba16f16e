"""Addresses that try to lead a client away from where it belongs; generated, always the same."""

from __future__ import annotations

from collections.abc import Iterator

EVIL = (
    "evil.example",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "[::ffff:169.254.169.254]",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "127.0.0.1:1",
    "localhost:1",
    "metadata.google.internal",
    "10.0.0.1",
    "100.100.100.200",
)
"""Hosts that are not ours, metadata services in all their spellings among them."""

_PATHS = ("/api/v2/tickets.json?page=2", "/rest/api/3/search/jql?startAt=50", "/latest/meta-data/", "")


def hostile_urls(host: str, port: int) -> tuple[str, ...]:
    """Return more than 500 different addresses that are not of ``http://host:port``."""
    found = (*_elsewhere(host, port), *_near(host, port), *_confusing(host, port), *_schemes(), *_malformed(host, port))
    return tuple(dict.fromkeys(found))


def _elsewhere(host: str, port: int) -> Iterator[str]:
    for evil in EVIL:
        for path in _PATHS:
            yield f"http://{evil}{path}"
            yield f"https://{evil}{path}"
            yield f"//{evil}{path}"
        yield f"http://{evil}/?next=http://{host}:{port}/api/v2/x"
        yield f"http://{evil}/#http://{host}:{port}/"
        yield f"http://{evil}/http://{host}:{port}/api/v2/x"


def _near(host: str, port: int) -> Iterator[str]:
    """Ours as user, as a part of the name, with another port or scheme."""
    ours = f"{host}:{port}"
    for evil in EVIL:
        yield f"http://{ours}@{evil}/api/v2/x"
        yield f"http://{host}:pw@{evil}/api/v2/x"
        yield f"http://user:pw@{evil}/{ours}"
        yield f"http://{evil}@{ours}/api/v2/x"
        yield f"http://{evil}%2f@{ours}/api/v2/x"
        yield f"http://{ours}%40{evil}/api/v2/x"
        yield f"http://{ours}%2f.{evil}/"
        yield f"http://{ours}#@{evil}/"
        yield f"http://{ours}?@{evil}/"
    for other in (1, 22, 80, 443, 2375, 6379, 8080, 65535, port + 1, port - 1):
        yield f"http://{host}:{other}/api/v2/x"
        yield f"https://{host}:{other}/api/v2/x"
    for name in (f"{host}.evil.example", f"evil-{host}", f"evil.{host}", f"{host}evil.example", f"{host}."):
        yield f"http://{name}:{port}/api/v2/x"
        yield f"http://{name}/api/v2/x"
    yield f"https://{ours}/api/v2/x"


def _confusing(host: str, port: int) -> Iterator[str]:
    """White space, controls and letters that some parsers drop, fold or stop at."""
    for evil in EVIL[:6]:
        for odd in (
            "\\",
            "\\\\",
            "\t",
            "\n",
            "\r\n",
            " ",
            "\x00",
            "\u3002",
            "\uff0f",
            "\uff20",
            "\u2100",
            "%00",
            "%0d%0a",
        ):
            yield f"http://{host}:{port}{odd}@{evil}/"
            yield f"http://{evil}{odd}@{host}:{port}/x"
            yield f"http:/{odd}/{evil}/x"
            yield f"ht{odd}tp://{evil}/x"
    for name in (
        "аcme.zendesk.com",
        "acmе.atlassian.net",
        "ⓔvil.example",
        "evil。example",
        "ｅｖｉｌ.example",
        "xn--cme-5cd.com",
    ):
        yield f"https://{name}/api/v2/x"
        yield f"http://{name}:{port}/api/v2/x"


def _schemes() -> Iterator[str]:
    for scheme in (
        "file",
        "ftp",
        "gopher",
        "data",
        "javascript",
        "jar",
        "ldap",
        "dict",
        "unix",
        "ws",
        "HTTP+unix",
        "x",
    ):
        for rest in ("//evil.example/x", "/etc/passwd", "///etc/passwd", "text/html,x"):
            yield f"{scheme}:{rest}"


def _malformed(host: str, port: int) -> Iterator[str]:
    for text in (
        "http:evil.example",
        "http:/evil.example",
        "http:///evil.example",
        "http:////evil.example/x",
        "://",
        "//",
    ):
        yield text
        yield f"{text}/{host}:{port}/"
    yield from (
        "http://[",
        "http://[::1",
        "http://]",
        f"http://{host}:port/x",
        f"http://{host}:{port}0000/x",
        "http://",
    )
    yield from ("evil.example/x", "?page=2", "#", "\x00", "x" * 9000, "http://" + "a." * 4000 + "evil.example/")
