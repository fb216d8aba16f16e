"""Addresses as operators write them: an origin with an optional path, nothing that could leak or mislead."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, WithJsonSchema

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MOST_PORT = 65535


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  # reading it checks it
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a URL; write https://host or https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password; leave them out and name a secret instead")
    return parts


def _secure(parts: SplitResult) -> None:
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("plain http:// is for this machine only; write https://")


def _base(text: str) -> str:
    parts = _split(text.strip())
    _secure(parts)
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("must end after host or path, without ? or #")
    return f"{parts.scheme}://{_authority(parts)}{parts.path.rstrip('/')}"


def _authority(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return host if parts.port in {None, default} else f"{host}:{parts.port}"


def _any(text: str) -> str:
    parts = _split(text.strip())
    _secure(parts)
    return text.strip()


def _loopback(text: str) -> str:
    parts = _split(text.strip())
    if parts.hostname not in LOOPBACK:
        raise ValueError("must be on this machine: http://127.0.0.1:PORT")
    return text.strip().rstrip("/")


def ping_url(text: str) -> str:
    """Return an address to ping, as the configuration takes it; raises ``ValueError`` that says what is wrong."""
    return _any(text)


def place_to_listen(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``, the host without brackets; raises ``ValueError`` that says what is wrong.

    Without a host it is this machine.
    """
    host, _, port = text.strip().rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) > MOST_PORT:
        raise ValueError("is no address to listen on; write HOST:PORT, such as 127.0.0.1:8080")
    return host.strip("[]") or "127.0.0.1", int(port)


_SCHEMA = WithJsonSchema({"type": "string", "format": "uri"})

BaseUrl = Annotated[str, AfterValidator(_base), _SCHEMA]
"""Scheme, host, port and path, normalised: lower case, no default port, no slash at the end."""

PingUrl = Annotated[str, AfterValidator(ping_url), _SCHEMA]
"""Any address without credentials in it."""

LoopbackUrl = Annotated[str, AfterValidator(_loopback), _SCHEMA]
"""An address on this machine."""
