"""Requests and responses as values; no sockets here."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

JSON_TYPE = "application/json; charset=utf-8"

CANARY = "canary-"
"""Every secret of a simulated site begins so: one that turns up in a log, a state or a backup is recognised."""


class BadBodyError(ValueError):
    """The request's body is not the JSON that the operation needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an ``Authorization`` header claims; nobody has checked it.

    Attributes:
        scheme: ``basic`` or ``bearer``, lower case.
        user: The user part of a Basic header, empty for Bearer.
        secret: Password, API token or bearer token.
    """

    scheme: str
    user: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as a site sees it.

    Attributes:
        path: Percent-decoded path without the query.
        query: Name and value pairs in their order, decoded.
        headers: Names in lower case.
        body: Raw bytes.
        origin: Scheme, host and port that the client called, such as ``http://127.0.0.1:8123``;
            links in answers are built from it.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "http://127.0.0.1"

    @classmethod
    def of(cls, method: str, target: str, *, headers: Mapping[str, str], body: bytes) -> Request:
        """Read a request line's target and headers (names in lower case)."""
        raw_path, _, raw_query = target.partition("?")
        if raw_path.startswith("http"):
            raw_path = urlsplit(raw_path).path
        pairs = tuple(parse_qsl(raw_query, keep_blank_values=True)) if raw_query else ()
        path = unquote(raw_path) if "%" in raw_path else raw_path
        origin = f"http://{headers.get('host', '127.0.0.1')}"
        return cls(method=method, path=path, query=pairs, headers=headers, body=body, origin=origin)

    def param(self, name: str, default: str | None = None) -> str | None:
        """Return the last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def json(self) -> Any:
        """Decode the body.

        Raises:
            BadBodyError: The body is empty or not JSON in UTF-8.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BadBodyError(str(error)) from error

    @property
    def credentials(self) -> Credentials | None:
        """What the ``Authorization`` header claims, ``None`` without a readable one."""
        scheme, _, rest = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and rest:
            return Credentials(scheme="bearer", user="", secret=rest.strip())
        if scheme.lower() != "basic":
            return None
        try:
            user, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return Credentials(scheme="basic", user=user, secret=secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP response; ``Date``, ``Content-Length`` and ``Connection`` are the server's task."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def json_response(payload: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Encode ``payload`` compactly in UTF-8."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status=status, headers=(("Content-Type", JSON_TYPE), *(headers or {}).items()), body=body)


def empty_response(status: int = 204, *, headers: Mapping[str, str] | None = None) -> Response:
    """Answer without a body, as the vendors do for edits and deletions."""
    return Response(status=status, headers=tuple((headers or {}).items()))


def html_response(status: int, title: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """A gateway's error page: HTML where the client hoped for JSON."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    fields = (("Content-Type", "text/html; charset=utf-8"), *(headers or {}).items())
    return Response(status=status, headers=fields, body=page.encode())
