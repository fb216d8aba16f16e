"""Rate limits: bursts per operation, writes per issue, and the hourly quota of apps."""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.sandbox.core.limits import FixedWindow, Grant, KeyedBuckets
from connector.sandbox.jira.calls import Route
from connector.sandbox.jira.model import Refusal
from connector.sandbox.jira.options import JiraOptions

SECOND = timedelta(seconds=1)
PER_SECOND = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}
EXCEPTIONS = {
    ("GET", "/rest/api/3/issue/{key}"): 150,
    ("GET", "/rest/api/3/issue/{key}/changelog"): 200,
    ("GET", "/rest/servicedeskapi/servicedesk/{desk}/customer"): 5,
}
LIMITED = "The request has been rate-limited. Please try again later."


class Throttle:
    """Decides whether a request may pass, and what its headers say."""

    def __init__(self, options: JiraOptions) -> None:
        self._on = options.limits
        self._bursts: dict[tuple[str, str], KeyedBuckets] = {}
        self._brief = KeyedBuckets(20, 2 * SECOND)
        self._long = KeyedBuckets(100, 30 * SECOND)
        self._quota = FixedWindow(options.points, timedelta(hours=1)) if options.points is not None else None

    def admit(self, route: Route, issue: str | None, now: datetime) -> dict[str, str]:
        """Headers for the answer.

        Raises:
            Refusal: 429 with the reason in its headers.
        """
        if not self._on:
            return {}
        grants = [("jira-burst-based", self._burst(route, now))]
        if self._quota is not None:
            grants.insert(0, ("jira-quota-tenant-based", self._quota.take(now)))
        if issue is not None and route.method != "GET":
            writes = (self._brief.take(issue, now), self._long.take(issue, now))
            grants += [("jira-per-issue-on-write", grant) for grant in writes]
        for reason, grant in grants:
            if not grant.allowed:
                raise Refusal(429, LIMITED, headers=_headers(grant, reason))
        return _headers(min((grant for _, grant in grants), key=lambda g: g.remaining / g.limit))

    def _burst(self, route: Route, now: datetime) -> Grant:
        key = (route.method, route.path)
        buckets = self._bursts.get(key)
        if buckets is None:
            buckets = self._bursts[key] = KeyedBuckets(EXCEPTIONS.get(key, PER_SECOND[route.method]), SECOND)
        return buckets.take(None, now)


def _headers(grant: Grant, reason: str | None = None) -> dict[str, str]:
    shown = {
        "X-RateLimit-Limit": str(grant.limit),
        "X-RateLimit-Remaining": str(grant.remaining),
        "X-RateLimit-Reset": f"{grant.resets_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    if reason is not None:
        return {**shown, "Retry-After": str(max(1, grant.retry_after_seconds)), "RateLimit-Reason": reason}
    if grant.remaining * 5 < grant.limit:
        shown["X-RateLimit-NearLimit"] = "true"
    return shown
