"""When to leave a helpdesk alone: it does not answer, or it does not take our credentials. Time is an argument."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from connector.errors import Denied, HelpdeskError, NotSent, Throttled, Unknown

FAILURES = 6
"""Exchanges that fail in a row before nothing is sent for a while: one more than a read has attempts, because one
operation that is broken is not the whole site."""

FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=5)

REFUSALS = 3
REFUSAL_WINDOW = timedelta(minutes=15)
"""Credentials that were refused three times within a quarter of an hour are not shown again before its end: a fourth
try might lock the account."""

_ZERO = timedelta(0)


class Breaker:
    """One site's: opens after ``FAILURES`` in a row, then lets one probe through per rest, which doubles.

    A failure is an exchange without an answer, with an unreadable one, or with a 429 that concerns more than one
    ticket. Any other answer, a refusal included, shows that somebody is there. Not thread-safe: the site's thread owns
    it.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._rest = _ZERO
        self._until: datetime | None = None

    def rest(self, now: datetime, *, probe: bool) -> timedelta:
        """Return how long nothing is to be sent; zero where a request may go.

        ``probe``: the request may be the one that tries whether the helpdesk is back. Only a read may: a write waits
        until a read has been answered, at least another second.
        """
        if self._until is None:
            return _ZERO
        self._until = min(self._until, now + self._rest)  # a clock that was set back makes no rest longer
        least = _ZERO if probe else timedelta(seconds=1)
        return max(self._until - now, least)

    def hear(self, error: HelpdeskError | None, now: datetime) -> None:
        """Take in how an exchange ended; ``None``: well. Opens, or stays open for longer, at one failure too many."""
        if not _is_silence(error):
            self._failures, self._rest, self._until = 0, _ZERO, None
            return
        self._failures += 1
        if self._failures >= FAILURES:
            self._rest = min(max(self._rest * 2, FIRST_REST), LONGEST_REST)
            self._until = now + self._rest


def _is_silence(error: HelpdeskError | None) -> bool:
    return isinstance(error, NotSent | Unknown) or (isinstance(error, Throttled) and error.scope != "ticket")


class Lockout:
    """Counts how often one credential was refused, and stops before an account is locked for it."""

    def __init__(self) -> None:
        self._refused: deque[datetime] = deque(maxlen=REFUSALS)

    def refused(self, now: datetime) -> None:
        """Count one refusal."""
        self._refused.append(now)

    def stop(self, now: datetime, *, what: str) -> None:
        """Raise ``Denied`` where another try would be one too many; ``what`` names the request."""
        if self._refused and now < self._refused[-1]:  # a clock that was set back: as if they were refused just now
            self._refused = deque([now] * len(self._refused), maxlen=REFUSALS)
        if len(self._refused) == REFUSALS and now - self._refused[0] < REFUSAL_WINDOW:
            text = f"{what}: not sent, the credentials were refused repeatedly"
            raise Denied(text, about="credentials", remedy="renew them")
