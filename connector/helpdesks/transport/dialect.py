"""What is particular about one vendor: its endpoints, its limits, and how it words a refusal. All of it is pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.errors import HelpdeskError
from connector.helpdesks.transport.budgets import Endpoint, Limit
from connector.helpdesks.transport.outcome import Reply

_ANY = re.compile(".*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What headers said about one limit; ``resets_in`` is ``None`` where they name no end."""

    limit: Limit
    count: int
    left: int
    resets_in: timedelta | None = None


Judge = Callable[[Reply, HelpdeskError], HelpdeskError]
"""Makes an error more precise from the vendor's own body (which fields it refused, a closed ticket, …)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What is particular about one vendor. Everything in it is pure.

    Attributes:
        endpoints: First match wins; a request that none matches is a read if it is a ``GET``, without limits.
        readings: Limits stated by the headers of an answer from an endpoint.
        judge: See ``Judge``.
    """

    endpoints: tuple[Endpoint, ...]
    readings: Callable[[Endpoint, Mapping[str, str]], Iterable[Reading]] = lambda _endpoint, _headers: ()
    judge: Judge = lambda _reply, error: error

    def find(self, method: str, path: str) -> tuple[Endpoint, str]:
        """Return the endpoint, and the ticket that the path names where its pattern has a group."""
        for endpoint in self.endpoints:
            match = endpoint.path.fullmatch(path) if endpoint.method == method else None
            if match:
                return endpoint, (match.group(1) or "") if endpoint.path.groups else ""
        return _other(method), ""


def reserving(dialect: Dialect, name: str, share: float) -> Dialect:
    """Return ``dialect`` with another share of the limit ``name``: the operator's, for reads that may wait."""

    def own(limit: Limit) -> Limit:
        return replace(limit, share=share) if limit.name == name else limit

    def readings(endpoint: Endpoint, headers: Mapping[str, str]) -> Iterable[Reading]:
        return [replace(reading, limit=own(reading.limit)) for reading in dialect.readings(endpoint, headers)]

    endpoints = tuple(replace(e, limits=tuple(map(own, e.limits))) for e in dialect.endpoints)
    return replace(dialect, endpoints=endpoints, readings=readings)


def _other(method: str) -> Endpoint:
    return Endpoint(name="other", method=method, path=_ANY, safe=method in {"GET", "HEAD"})
