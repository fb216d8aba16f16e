"""Zendesk's endpoints, their limits, and what its headers say about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

import msgspec

from connector.errors import HelpdeskError, Rejected, Throttled
from connector.helpdesks.transport import (
    READ_SHARE,
    URGENT_SHARE,
    WRITE_SHARE,
    Dialect,
    Endpoint,
    Limit,
    Reading,
    Reply,
)
from connector.helpdesks.zendesk.shapes import Refusal

_MINUTE: Final = timedelta(minutes=1)
HISTORY_SHARE: Final = 0.3 * READ_SHARE

ACCOUNT: Final = Limit(name="account", count=400, window=_MINUTE, share=READ_SHARE, urgent=0.9)
"""Requests of everybody on the account a minute; 200 to 2,500 by plan, the headers say which."""

EXPORT: Final = Limit(name="export", count=10, window=_MINUTE, share=READ_SHARE)
SEARCH: Final = Limit(name="search", count=100, window=_MINUTE, share=READ_SHARE)
VIEWS: Final = Limit(name="views", count=50, window=_MINUTE, share=READ_SHARE)
"""Zendesk publishes no limit for reading views, and slows clients that read them often."""

HISTORY: Final = Limit(name="history", count=400, window=_MINUTE, share=HISTORY_SHARE, urgent=URGENT_SHARE)
UPDATES: Final = Limit(name="updates", count=100, window=_MINUTE, share=WRITE_SHARE, urgent=URGENT_SHARE)
"""Updates of single tickets by everybody on the account, people in the browser included."""

ONE_TICKET: Final = Limit(
    name="ticket", count=30, window=timedelta(minutes=10), share=1 / 3, urgent=1 / 3, per_ticket=True
)
BULK: Final = Limit(name="bulk", count=30, window=_MINUTE, share=READ_SHARE)

_JOBS_FULL_WAIT = timedelta(seconds=30)


def _endpoint(name: str, method: str, path: str, *limits: Limit, empty: bool = False) -> Endpoint:
    pattern = re.compile(rf"/api/v2/{path}(?:\.json)?")
    return Endpoint(
        name=name, method=method, path=pattern, safe=method == "GET", limits=(*limits, ACCOUNT), empty=empty
    )


ENDPOINTS: Final = (
    _endpoint("export", "GET", "incremental/tickets/cursor", EXPORT),
    _endpoint("search", "GET", "search/export", SEARCH),
    _endpoint("views", "GET", r"views/\d+/tickets", VIEWS),
    _endpoint("show", "GET", "tickets/show_many"),
    _endpoint("history", "GET", r"tickets/\d+/audits", HISTORY),
    _endpoint("users", "GET", "users/.*"),
    _endpoint("organizations", "GET", "organizations/.*"),
    _endpoint("jobs", "GET", "job_statuses/.*"),
    _endpoint("bulk", "PUT", "tickets/update_many", BULK),
    _endpoint("update", "PUT", r"tickets/(\d+)", UPDATES, ONE_TICKET),
    _endpoint("make_private", "PUT", r"tickets/\d+/comments/\d+/make_private", empty=True),
    _endpoint("directory", "GET", "(?:groups|group_memberships|ticket_fields|slas).*"),
)


def readings(endpoint: Endpoint, headers: Mapping[str, str]) -> Iterator[Reading]:
    """Yield what an answer says about the account's limit and, where it names one, the endpoint's own."""
    count, left = _number(headers, "x-rate-limit"), _number(headers, "x-rate-limit-remaining")
    if count and left is not None:
        resets = _number(headers, "ratelimit-reset") or _number(headers, "rate-limit-reset")
        resets_in = timedelta(seconds=resets) if resets else None
        for limit in (ACCOUNT, HISTORY):
            yield Reading(limit=limit, count=count, left=left, resets_in=resets_in)
    own = endpoint.limits[0] if endpoint.limits and endpoint.limits[0] is not ACCOUNT else None
    named = next((v for k, v in headers.items() if k.startswith(("zendesk-ratelimit-", "zendesk-rate-limit-"))), "")
    parts = dict(re.findall(r"(\w+)=(\d+)", named))
    if own and {"total", "remaining"} <= parts.keys():
        resets_in = timedelta(seconds=int(parts["resets"])) if "resets" in parts else None
        yield Reading(limit=own, count=int(parts["total"]), left=int(parts["remaining"]), resets_in=resets_in)


def judge(reply: Reply, error: HelpdeskError) -> HelpdeskError:
    """Name the fields that Zendesk refused; a full job queue is a wait, whatever status it comes with."""
    try:
        refusal = msgspec.json.decode(reply.body, type=Refusal)
    except msgspec.MsgspecError:
        return error
    code = refusal.error if isinstance(refusal.error, str) else ""
    if code == "TooManyJobs":
        return Throttled(f"{error} ({code})", retry_after=_JOBS_FULL_WAIT, scope="endpoint")
    if isinstance(error, Rejected):
        fields = tuple(sorted(map(str, refusal.details))) if isinstance(refusal.details, dict) else ()
        text = f"{error} ({', '.join(filter(None, (code, *fields)))})"
        return Rejected(text, fields=fields, absent=error.absent)
    return error


DIALECT: Final = Dialect(endpoints=ENDPOINTS, readings=readings, judge=judge)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isdecimal() else None
