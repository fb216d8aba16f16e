"""What one answer, or the lack of one, means. The table of statuses is the only place that says so.

A write is *applied* only by a readable 2xx; *refused* (not applied) by the statuses that the vendors document as such;
*unknown* in every other case once the first byte has left, because a gateway's error says nothing about what happened
behind it. Before the first byte it is *not sent*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType

import msgspec

from connector.errors import Conflict, Denied, HelpdeskError, Rejected, Throttled, Unknown

LONGEST_WAIT = timedelta(minutes=15)
_SHORTEST_WAIT = timedelta(seconds=1)


class Outcome(StrEnum):
    """What happened to a request."""

    APPLIED = "applied"
    THROTTLED = "throttled"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    DENIED = "denied"
    UNKNOWN = "unknown"


_STATUSES: Mapping[int, Outcome] = MappingProxyType(
    {
        400: Outcome.REJECTED,
        401: Outcome.DENIED,
        403: Outcome.DENIED,
        404: Outcome.REJECTED,
        405: Outcome.REJECTED,
        409: Outcome.CONFLICT,
        410: Outcome.REJECTED,
        413: Outcome.REJECTED,
        415: Outcome.REJECTED,
        422: Outcome.REJECTED,
        429: Outcome.THROTTLED,
    }
)
_THROTTLE_SCOPES = {"jira-per-issue-on-write": "ticket", "jira-burst-based": "endpoint"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. Header names are lower case; ``at`` is the helpdesk's own time where it said so."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    at: datetime


def classify(reply: Reply, *, empty: bool = False) -> Outcome:
    """Return what ``reply`` means.

    ``empty``: the status says it all, so a 2xx may come without a body (204 always may) or with any JSON value.
    """
    if 200 <= reply.status < 300:
        return Outcome.APPLIED if _is_readable(reply, empty=empty or reply.status == 204) else Outcome.UNKNOWN
    return _STATUSES.get(reply.status, Outcome.UNKNOWN)


def error_of(reply: Reply, outcome: Outcome, *, what: str) -> HelpdeskError:
    """Return the error for an outcome other than applied; ``what`` names the request, without any ticket text."""
    text = f"{what}: {_summary(reply, outcome)}"
    if outcome is Outcome.DENIED:
        return _denied(reply.status, text)
    match outcome:
        case Outcome.THROTTLED:
            return Throttled(text, retry_after=retry_after(reply.headers, reply.at), scope=_scope(reply.headers))
        case Outcome.CONFLICT:
            return Conflict(text)
        case Outcome.REJECTED:
            return Rejected(text, absent=reply.status == HTTPStatus.NOT_FOUND)
        case _:
            return Unknown(text)


def _denied(status: int, text: str) -> Denied:
    if status == HTTPStatus.FORBIDDEN:
        remedy = "give this site's account what it needs"
        return Denied(f"the account lacks a permission ({text})", about="permission", remedy=remedy)
    remedy = "check this site's credentials"
    return Denied(f"the credentials are not accepted ({text})", about="credentials", remedy=remedy)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    """Return how long the helpdesk wants us to wait: at least a second, at most a quarter of an hour.

    ``Retry-After`` comes in seconds or as a date; absent, zero, negative and unreadable ones count as a second.
    """
    stated = headers.get("retry-after", "").strip()
    try:
        seconds = min(max(float(stated), 0.0), LONGEST_WAIT.total_seconds())
        wait = timedelta(seconds=seconds)  # what is no number at all goes the way of dates
    except ValueError:
        at = http_date(stated)
        wait = at - now if at else _SHORTEST_WAIT
    return min(max(wait, _SHORTEST_WAIT), LONGEST_WAIT)


def http_date(text: str) -> datetime | None:
    """Return an HTTP date in UTC; ``None`` when it cannot be read."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _is_readable(reply: Reply, *, empty: bool) -> bool:
    if not reply.body.strip():
        return empty
    if "json" not in reply.headers.get("content-type", "").lower():
        return False
    return reply.body.lstrip()[:1] in b"{[" or (empty and _is_json(reply.body))


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError:
        return False
    return True


def _summary(reply: Reply, outcome: Outcome) -> str:
    if 200 <= reply.status < 300:
        kind = reply.headers.get("content-type", "no content type")
        return f"status {reply.status} without a readable body ({kind}, {len(reply.body)} bytes)"
    if 300 <= reply.status < 400:
        return f"redirect {reply.status} refused"
    return f"{outcome}, status {reply.status}"


def _scope(headers: Mapping[str, str]) -> str:
    reason = headers.get("ratelimit-reason")
    if reason:
        return _THROTTLE_SCOPES.get(reason, "site")
    return "endpoint" if headers.get("x-rate-limit-remaining", "0") != "0" else "site"
