"""Our own calls over the pinned adapter: JSON in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
import requests

from connector.helpdesks.transport.adapter import PinnedAdapter
from connector.helpdesks.transport.sizes import PageSize


@dataclass(frozen=True, slots=True)
class Request:
    """A request as ``wire.py`` builds it: pure data.

    Attributes:
        path: Below the origin, with a leading slash, already quoted.
        params: Query parameters in order.
        body: JSON value; ``None`` for none.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: Any = None

    def encoded(self) -> bytes | None:
        """Return the body's bytes; the same request always gives the same bytes."""
        return None if self.body is None else msgspec.json.encode(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A readable 2xx: ``at`` is the helpdesk's own time."""

    body: bytes
    headers: Mapping[str, str]
    at: datetime


class Client:
    """Makes requests; owns no state beyond its adapter."""

    def __init__(self, adapter: PinnedAdapter, *, headers: Mapping[str, str] | None = None) -> None:
        self.adapter = adapter
        self._headers = {"Accept": "application/json", "User-Agent": "escalation-connector", **(headers or {})}

    def call(self, request: Request, *, fresh: bool = False, urgent: bool = False) -> Answer:
        """Make one request; see ``PinnedAdapter.exchange`` for options and errors."""
        return self._answer(self.adapter.exchange(self._prepare(request), fresh=fresh, urgent=urgent))

    def page(self, request: Callable[[int], Request], size: PageSize, *, urgent: bool = False) -> Answer:
        """Read one page; ``request`` is given the rows to ask for, see ``PinnedAdapter.read_page``."""
        return self._answer(self.adapter.read_page(lambda rows: self._prepare(request(rows)), size, urgent=urgent))

    def _answer(self, response: requests.Response) -> Answer:
        return Answer(body=response.content, headers=response.headers, at=self.adapter.server_now())

    def _prepare(self, request: Request) -> requests.PreparedRequest:
        body = request.encoded()
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        return requests.Request(
            request.method,
            self.adapter.pin.origin.url(request.path),
            params=urlencode(request.params),
            data=body,
            headers=dict(headers),
        ).prepare()
