"""Tickets that somebody asked us to look at soon: a set per site, bounded, taken as a whole by the site's thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

MOST_WAITING = 100
"""What one read of single tickets takes; what is beyond is found by the poll that comes with it."""

MOST_REMEMBERED = 10_000
REMEMBERED_FOR = timedelta(hours=24)


class Hints:
    """The tickets of one site to look at soon. ``wake`` is called when the first one comes in."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: dict[str, None] = {}
        self._asked = False

    def add(self, ticket: str) -> None:
        """Ask for a look, at ``ticket`` where it is known; callable from any thread."""
        with self._lock:
            first, self._asked = not self._asked, True
            if ticket and len(self._waiting) < MOST_WAITING:
                self._waiting[ticket] = None
        if first:
            self._wake()

    def take(self) -> tuple[str, ...]:
        """Return the tickets asked for since the last time, in the order in which they came."""
        with self._lock:
            taken, self._waiting, self._asked = tuple(self._waiting), {}, False
        return taken


class Seen:
    """Deliveries that came already: bounded in number and time. Callable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: OrderedDict[str, datetime] = OrderedDict()

    def is_new(self, names: tuple[str, ...], *, now: datetime) -> bool:
        """Remember ``names``; false when one of them was there before."""
        with self._lock:
            while self._names and now - next(iter(self._names.values())) > REMEMBERED_FOR:
                self._names.popitem(last=False)
            known = any(name in self._names for name in names)
            for name in names:
                self._names.setdefault(name, now)
            while len(self._names) > MOST_REMEMBERED:
                self._names.popitem(last=False)
        return not known


class Bucket:
    """So many a second and no more, with some in reserve. Callable from any thread."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, 0.0
        self._lock = threading.Lock()

    def take(self, monotonic: float) -> bool:
        """Take one; false when there is none."""
        with self._lock:
            self._left = min(self._burst, self._left + max(monotonic - self._at, 0.0) * self._rate)
            self._at = max(monotonic, self._at)
            if self._left < 1:
                return False
            self._left -= 1
            return True
