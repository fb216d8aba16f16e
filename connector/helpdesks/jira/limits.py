"""What is particular about Jira on the wire: endpoints, their limits, how it words a refusal. All of it is pure.

Bursts are limited per operation and second, writes also per issue. Answers name one limit in their headers without
saying which: the tightest one. A number that cannot be the operation's own burst limit is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from connector.errors import HelpdeskError, Rejected
from connector.helpdesks.transport import READ_SHARE, URGENT_SHARE, Dialect, Endpoint, Limit, Reading, Reply

API: Final = "/rest/api/3"
DESK: Final = "/rest/servicedeskapi"

_SECOND: Final = timedelta(seconds=1)
_MUCH_LARGER: Final = 10


def _burst(name: str, count: int) -> Limit:
    return Limit(name=name, count=count, window=_SECOND)


def _writes(name: str, count: int) -> Limit:
    return Limit(name=name, count=count, window=_SECOND, share=0.25, urgent=URGENT_SHARE)


HISTORY: Final = Limit(name="history", count=100, window=_SECOND, share=0.3 * READ_SHARE, urgent=READ_SHARE)
"""Comments are read one issue at a time, so this is what histories may take of the reads."""

_TICKET_2S: Final = Limit(
    name="ticket-2s", count=20, window=2 * _SECOND, share=0.5, urgent=URGENT_SHARE, per_ticket=True
)
_TICKET_30S: Final = Limit(
    name="ticket-30s", count=100, window=30 * _SECOND, share=0.25, urgent=URGENT_SHARE, per_ticket=True
)
_PER_TICKET: Final = (_TICKET_2S, _TICKET_30S)


def _read(name: str, method: str, path: str, limit: Limit) -> Endpoint:
    return Endpoint(name=name, method=method, path=re.compile(path), safe=True, limits=(limit,))


def _write(name: str, method: str, path: str, count: int) -> Endpoint:
    limits = (_writes(name, count), *_PER_TICKET)
    return Endpoint(name=name, method=method, path=re.compile(path), safe=False, limits=limits)


ENDPOINTS: Final = (
    _read("search", "POST", f"{API}/search/jql", _burst("search", 100)),
    _read("bulkfetch", "POST", f"{API}/issue/bulkfetch", _burst("bulkfetch", 100)),
    _read("changelog", "POST", f"{API}/changelog/bulkfetch", _burst("changelog", 100)),
    _read("comments", "GET", rf"{API}/issue/[^/]+/comment", HISTORY),
    _read("comment.read", "GET", rf"{API}/issue/[^/]+/comment/[^/]+", _burst("comment.read", 100)),
    _read("issue", "GET", rf"{API}/issue/[^/]+", _burst("issue", 150)),
    _read("account", "GET", rf"{API}/(?:myself|mypermissions)", _burst("account", 100)),
    _read("users", "GET", r"/rest/api/\d/user(?:/bulk)?", _burst("users", 100)),
    _read("team", "GET", rf"{API}/user/assignable/search", _burst("team", 100)),
    _read("everybody", "GET", rf"{API}/users/search", _burst("everybody", 100)),
    _read("statuses", "GET", rf"{API}/status", _burst("statuses", 100)),
    _read("fields", "GET", rf"{API}/field", _burst("fields", 100)),
    _write("edit", "PUT", rf"{API}/issue/([^/]+)", 50),
    _write("comment", "POST", rf"{API}/issue/([^/]+)/comment", 100),
    _write("note", "POST", rf"{DESK}/request/([^/]+)/comment", 100),
    _write("comment.delete", "DELETE", rf"{API}/issue/([^/]+)/comment/[^/]+", 50),
)


def readings(endpoint: Endpoint, headers: Mapping[str, str]) -> Iterable[Reading]:
    """Yield what ``X-RateLimit-Limit`` and ``-Remaining`` say about the endpoint's burst limit, where they mean it."""
    shared = next((limit for limit in endpoint.limits if not limit.per_ticket), None)
    count, left = _number(headers, "x-ratelimit-limit"), _number(headers, "x-ratelimit-remaining")
    if shared is not None and count is not None and left is not None and _is_burst(count, shared):
        yield Reading(limit=shared, count=count, left=left)


def _is_burst(count: int, limit: Limit) -> bool:
    """A smaller number is an issue's own bucket, a much larger one the hourly quota of points."""
    return limit.count <= count <= limit.count * _MUCH_LARGER


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isdecimal() else None


_NOT_THERE: Final = "not on the appropriate screen"
"""How Jira words that a field is on no screen, or in no context, of an issue's project and type."""


class _Errors(msgspec.Struct):
    errors: dict[str, Any] = {}


def judge(reply: Reply, error: HelpdeskError) -> HelpdeskError:
    """Name the fields that Jira refused; its messages may quote ticket text, so only the names are kept."""
    if not isinstance(error, Rejected):
        return error
    try:
        said = msgspec.json.decode(reply.body, type=_Errors).errors
    except msgspec.DecodeError:
        return error
    fields = tuple(sorted(said))
    named = f" (refused: {', '.join(fields)})" if fields else ""
    missing = tuple(name for name in fields if _NOT_THERE in str(said[name]))
    return Rejected(f"{error}{named}", fields=fields, missing=missing, absent=error.absent, remedy=error.remedy)


DIALECT: Final = Dialect(endpoints=ENDPOINTS, readings=readings, judge=judge)
