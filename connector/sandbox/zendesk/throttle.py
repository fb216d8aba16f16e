"""The account's limits and the headers that tell of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from connector.sandbox.core.limits import FixedWindow, Grant
from connector.sandbox.zendesk.errors import ApiError
from connector.sandbox.zendesk.options import Options

MINUTE = timedelta(minutes=1)
TEN_MINUTES = timedelta(minutes=10)
TICKET_TEXT = "Rate limit for ticket updates exceeded, please wait before updating this ticket again"
ENDPOINT_HEADERS = {
    "tickets-index": "zendesk-rate-limit-tickets-index",
    "incremental": "zendesk-ratelimit-incremental-exports",
    "search-export": "zendesk-ratelimit-search-export",
    "audits": "zendesk-ratelimit-ticket-audits",
    "update": "zendesk-ratelimit-tickets-update",
}
MODERN = frozenset({"tickets-index", "incremental", "search-export"})  # these spell the headers ``ratelimit-…``


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What a request is charged to.

    Attributes:
        endpoint: Name of the endpoint's own limit, if it has one.
        updates: Tickets that it updates.
    """

    user_id: int
    endpoint: str | None = None
    updates: tuple[int, ...] = ()


class Throttle:
    """Counts requests; a refused one costs the endpoint nothing, but does cost the account."""

    def __init__(self, options: Options) -> None:
        self._forced = options.retry_after
        self._account = FixedWindow(options.account_limit, MINUTE)
        self._endpoints = {
            "tickets-index": FixedWindow(options.list_limit, MINUTE),
            "incremental": FixedWindow(options.incremental_limit, MINUTE),
            "search-export": FixedWindow(options.search_export_limit, MINUTE),
            "audits": FixedWindow(options.audit_limit, MINUTE),
            "update": FixedWindow(options.update_limit, MINUTE),
        }
        self._per_ticket = options.ticket_updates
        self._updates: dict[tuple[int, int], deque[datetime]] = {}

    def charge(self, toll: Toll, now: datetime) -> dict[str, str]:
        """Count a request and return the headers of its answer.

        Raises:
            ApiError: 429, with the account's headers still showing what is left of the account.
        """
        account = self._account.take(now)
        headers = _account_headers(account, now, modern=toll.endpoint in MODERN)
        if not account.allowed:
            text = "Number of allowed API requests per minute exceeded"
            raise self._refusal({"error": "APIRateLimitExceeded", "description": text}, account.retry_after, headers)
        if toll.endpoint is not None:
            headers |= self._charge_endpoint(toll.endpoint, now, headers)
        for ticket_id in toll.updates:
            self.charge_ticket(toll.user_id, ticket_id, now, headers)
        return headers

    def charge_ticket(self, user_id: int, ticket_id: int, now: datetime, headers: dict[str, str]) -> None:
        """Count one update of a ticket by a user.

        Raises:
            ApiError: 429 from the thirty-first in ten minutes.
        """
        seen = self._updates.setdefault((user_id, ticket_id), deque())
        while seen and seen[0] <= now - TEN_MINUTES:
            seen.popleft()
        if len(seen) >= self._per_ticket:
            raise self._refusal(TICKET_TEXT, seen[0] + TEN_MINUTES - now, headers)
        seen.append(now)

    def people(self, now: datetime) -> None:
        """An agent saves a ticket in the browser: the same account limit of updates is used up."""
        self._endpoints["update"].take(now)

    def _charge_endpoint(self, name: str, now: datetime, headers: dict[str, str]) -> dict[str, str]:
        grant = self._endpoints[name].take(now)
        if not grant.allowed:
            text = f"Number of allowed {name} API requests per minute exceeded"
            raise self._refusal({"error": "TooManyRequests", "description": text}, grant.retry_after, headers)
        left = ceil((grant.resets_at - now).total_seconds())
        return {ENDPOINT_HEADERS[name]: f"total={grant.limit}; remaining={grant.remaining}; resets={left}"}

    def _refusal(self, payload: object, wait: timedelta, headers: dict[str, str]) -> ApiError:
        seconds = self._forced if self._forced is not None else max(1, ceil(wait.total_seconds()))
        return ApiError(429, payload, headers | {"Retry-After": str(seconds)})


def _account_headers(grant: Grant, now: datetime, *, modern: bool) -> dict[str, str]:
    limit, left = str(grant.limit), str(grant.remaining)
    name = "ratelimit" if modern else "rate-limit"
    return {
        "X-Rate-Limit": limit,
        "X-Rate-Limit-Remaining": left,
        f"{name}-limit" if modern else name: limit,
        f"{name}-remaining": left,
        f"{name}-reset": str(ceil((grant.resets_at - now).total_seconds())),
    }
