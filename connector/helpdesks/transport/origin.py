"""Where requests may go: exactly one configured origin, whatever a payload or a vendor's client says."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from connector.errors import Denied

_PORTS = {"http": 80, "https": 443}
_STRAY = re.compile(r"[^!-~]|\\")
"""What no address of ours has and parsers read differently: white space, control characters, non-ASCII, backslashes."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host, port and path prefix; a request goes there or nowhere.

    ``prefix`` has no trailing slash (``""`` or ``/ex/jira/1324a887``). ``host`` is lower case ASCII.
    """

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @classmethod
    def parse(cls, base_url: str) -> Origin:
        """Read a configured base URL.

        Raises:
            ValueError: It is not an absolute http(s) URL, carries user, query or fragment, names a host outside ASCII
                or by its number (loopback apart), or is plain ``http`` on anything but a loopback host.
        """
        parts = urlsplit(base_url.strip())
        problem = _problem(parts)
        if problem:
            raise ValueError(f"{base_url}: {problem}")
        host = (parts.hostname or "").lower()
        return cls(parts.scheme, host, parts.port or _PORTS[parts.scheme], parts.path.rstrip("/"))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.prefix}"

    def url(self, path: str) -> str:
        """Return the absolute URL of ``path``, which starts with a slash."""
        return f"{self}{path}"

    def admits(self, url: str) -> bool:
        """True when ``url`` lies within this origin: scheme, host, port and path prefix are exactly ours."""
        if _STRAY.search(url):
            return False
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return False
        same = (parts.scheme, (parts.hostname or "").lower(), port) == (self.scheme, self.host, self.port)
        inside = parts.path.startswith(f"{self.prefix}/")
        return same and inside and "@" not in parts.netloc and not _climbs(parts.path)


@dataclass(frozen=True, slots=True)
class Pin:
    """An origin, and the prefixes that a vendor's client builds by itself and that stand for it.

    ``aliases`` maps such a prefix (``https://site.client.invalid``) to a path below the origin (mostly empty).
    """

    origin: Origin
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def resolve(self, url: str) -> str:
        """Return where ``url`` really goes: path and query of it, on the origin as it is configured.

        Raises:
            Denied: It would leave the configured origin; nothing was sent.
        """
        for alias, path in self.aliases.items():
            if url.startswith(f"{alias}/"):
                url = self.origin.url(path + url.removeprefix(alias))
        if not self.origin.admits(url):
            raise Denied(f"refused to leave {self.origin}", remedy="check base_url; nothing was sent elsewhere")
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return f"{replace(self.origin, prefix='')}{parts.path}{query}"


def is_loopback(host: str) -> bool:
    """True for this machine itself; the only place where plain http is allowed."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _problem(parts: SplitResult) -> str:
    host = parts.hostname or ""
    checks = (
        (parts.scheme not in _PORTS or not host, "must be an absolute http(s) URL"),
        ("@" in parts.netloc, "must not carry a user or password"),
        (bool(parts.query or parts.fragment), "must not carry a query or fragment"),
        (not host.isascii(), "must be written in ASCII (punycode)"),
        (_is_number(host) and not is_loopback(host), "must name a host, not its number"),
        (parts.scheme == "http" and not is_loopback(host), "plain http is for loopback only"),
        (_climbs(parts.path), "must not climb with .."),
    )
    return next((text for wrong, text in checks if wrong), "")


def _is_number(host: str) -> bool:
    """True for an address in any of its spellings: ``10.0.0.1``, ``::1``, ``2130706433``, ``0x7f.1``."""
    last = host.rstrip(".").rpartition(".")[2]
    return ":" in host or last.isdecimal() or last.lower().startswith("0x")


def _climbs(path: str) -> bool:
    lowered = path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\")
    return "\\" in lowered or any(segment in {".", ".."} for segment in lowered.split("/"))
