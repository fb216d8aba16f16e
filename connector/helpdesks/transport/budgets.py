"""How much of a vendor's limits we may use, so that people and other tools are never crowded out.

A limit is known from the vendor's documentation and corrected by the headers of its answers. Of update limits we take
a quarter, for urgent writes up to 70 %; of read limits 70 %. What the vendor says is *left* also counts others' use:
below 30 % ordinary requests wait for the window's end, urgent ones go on.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

READ_SHARE = 0.7
WRITE_SHARE = 0.25
URGENT_SHARE = 0.7
_LEFT_TO_OTHERS = 0.3

LONGEST_RESET = timedelta(minutes=15)
"""A vendor's word about a window's end is followed for so long, or for the window: one may be told as a date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """``count`` requests in ``window``; ``share`` of them are ours, ``urgent`` of them for urgent ones.

    ``per_ticket`` counts each ticket (the first group of the endpoint's pattern) by itself.
    """

    name: str
    count: int
    window: timedelta
    share: float = READ_SHARE
    urgent: float = READ_SHARE
    per_ticket: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Requests that share limits and a counter.

    Attributes:
        name: For counters, logs and budgets.
        method, path: Which requests; ``path`` is matched in full, without the origin's prefix.
        safe: May be repeated: a read, whatever its method.
        empty: A 2xx says it all: one without a body, or with a mere JSON text, is a full answer.
    """

    name: str
    method: str
    path: re.Pattern[str]
    safe: bool
    limits: tuple[Limit, ...] = ()
    empty: bool = False


@dataclass(slots=True)
class _Use:
    """Our own requests within the window, and the vendor's last word about everybody's."""

    moments: deque[datetime] = field(default_factory=deque)
    limit: int | None = None
    left: int | None = None
    resets_at: datetime | None = None
    blocked_until: datetime | None = None


class Allowance:
    """The budgets of one account on one site, for all its credentials. Not thread-safe: the site's thread owns it."""

    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}
        self._blocked_until: datetime | None = None
        self._known_at: datetime | None = None
        self._names: dict[str, Limit] = {}

    def delay(self, limits: Sequence[Limit], now: datetime, *, ticket: str = "", urgent: bool = False) -> timedelta:
        """Return how long a request under ``limits`` has to wait; zero when there is room."""
        self._go_back(now)
        waits = [self._wait(limit, now, ticket=ticket, urgent=urgent) for limit in limits]
        if self._blocked_until is not None:
            waits.append(self._blocked_until - now)
        return max([timedelta(0), *waits])

    def spend(self, limits: Sequence[Limit], now: datetime, *, ticket: str = "") -> None:
        """Count one request."""
        for limit in limits:
            use = self._use(limit, ticket)
            use.moments.append(now)
            if use.left is not None:
                use.left = max(use.left - 1, 0)

    def block(self, limit: Limit, until: datetime, *, ticket: str = "") -> None:
        """The vendor refused: nothing under ``limit`` before ``until``."""
        self._use(limit, ticket).blocked_until = until

    def block_all(self, until: datetime) -> None:
        """The vendor refused everything of ours: nothing before ``until``."""
        self._blocked_until = until

    def feed(self, limit: Limit, now: datetime, *, count: int, left: int, resets_in: timedelta | None = None) -> None:
        """Take over what an answer's headers said."""
        use = self._use(limit, "")
        use.limit, use.left = count, left
        use.resets_at = now + min(limit.window if resets_in is None else resets_in, max(limit.window, LONGEST_RESET))

    def remaining(self, now: datetime) -> Mapping[str, tuple[int, int]]:
        """Return limit name → (left of our share, our share); per-ticket limits are left out."""
        shown = {}
        for name, limit in self._names.items():
            use = self._uses[name]
            self._forget_old(use, limit, now)
            share = self._share(limit, use, urgent=False)
            shown[name] = (max(share - len(use.moments), 0), share)
        return shown

    def room(self, limit: Limit, now: datetime) -> tuple[int, int]:
        """Return (left of our share, our share) of a limit; a share of nothing is nothing."""
        if not limit.share:
            return 0, 0
        use = self._use(limit, "")
        self._forget_old(use, limit, now)
        share = self._share(limit, use, urgent=False)
        return max(share - len(use.moments), 0), share

    def _go_back(self, now: datetime) -> None:
        """Move every moment by as much as the clock was set back, or hours would be waited for that are none."""
        before, self._known_at = self._known_at, now
        if before is None or now >= before:
            return
        by = before - now
        self._blocked_until = _earlier(self._blocked_until, by)
        for use in self._uses.values():
            use.moments = deque(moment - by for moment in use.moments)
            use.resets_at, use.blocked_until = _earlier(use.resets_at, by), _earlier(use.blocked_until, by)

    def _use(self, limit: Limit, ticket: str) -> _Use:
        if not limit.per_ticket:
            self._names.setdefault(limit.name, limit)
            return self._uses.setdefault(limit.name, _Use())
        return self._uses.setdefault(f"{limit.name}:{ticket}", _Use())

    def _wait(self, limit: Limit, now: datetime, *, ticket: str, urgent: bool) -> timedelta:
        use = self._use(limit, ticket)
        self._forget_old(use, limit, now)
        ends = [use.blocked_until]
        share = self._share(limit, use, urgent=urgent)
        if len(use.moments) >= share:
            ends.append(use.moments[len(use.moments) - share] + limit.window)
        if self._others_need_the_rest(use, urgent=urgent):
            ends.append(use.resets_at)
        return max((end - now for end in ends if end is not None and end > now), default=timedelta(0))

    def _share(self, limit: Limit, use: _Use, *, urgent: bool) -> int:
        return max(int((use.limit or limit.count) * (limit.urgent if urgent else limit.share)), 1)

    def _others_need_the_rest(self, use: _Use, *, urgent: bool) -> bool:
        if use.left is None or use.limit is None:
            return False
        return use.left <= (0 if urgent else use.limit * _LEFT_TO_OTHERS)

    def _forget_old(self, use: _Use, limit: Limit, now: datetime) -> None:
        while use.moments and use.moments[0] + limit.window <= now:
            use.moments.popleft()
        if use.resets_at is not None and use.resets_at <= now:
            use.left = use.resets_at = None


def _earlier(moment: datetime | None, by: timedelta) -> datetime | None:
    return None if moment is None else moment - by
