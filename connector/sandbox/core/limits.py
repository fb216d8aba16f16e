"""Rate limits on simulated time."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A limiter's answer.

    Attributes:
        limit: Size of the bucket or window.
        remaining: Whole calls left after this one.
        retry_after: Zero when allowed; else how long until one call fits.
        resets_at: When the bucket is full again or the window ends.
    """

    allowed: bool
    limit: int
    remaining: int
    retry_after: timedelta
    resets_at: datetime

    @property
    def retry_after_seconds(self) -> int:
        """``retry_after`` as a header says it: whole seconds, rounded up."""
        return math.ceil(self.retry_after.total_seconds())


class TokenBucket:
    """``size`` calls at once, refilled evenly so that it is full again after ``refill``."""

    def __init__(self, size: int, refill: timedelta) -> None:
        self.size = size
        self._per_second = size / refill.total_seconds()
        self._level: float = size
        self._seen: datetime | None = None

    def take(self, now: datetime, amount: int = 1) -> Grant:
        """Take ``amount`` calls if they are there; a refused call costs nothing."""
        if self._seen is not None:
            self._level = min(self.size, self._level + (now - self._seen).total_seconds() * self._per_second)
        self._seen = now
        allowed = self._level + 1e-9 >= amount
        if allowed:
            self._level = max(0.0, self._level - amount)
        wait = 0.0 if allowed else (amount - self._level) / self._per_second
        full = now + timedelta(seconds=(self.size - self._level) / self._per_second)
        return Grant(
            allowed=allowed,
            limit=self.size,
            remaining=int(self._level + 1e-9),
            retry_after=timedelta(seconds=wait),
            resets_at=full,
        )


class FixedWindow:
    """``size`` calls in each window of ``length``, windows aligned to the epoch."""

    def __init__(self, size: int, length: timedelta) -> None:
        self.size = size
        self._length = length
        self._window: datetime | None = None
        self._used = 0

    def take(self, now: datetime, amount: int = 1) -> Grant:
        """Count ``amount`` calls if they fit; a refused call costs nothing."""
        window = EPOCH + (now - EPOCH) // self._length * self._length
        if window != self._window:
            self._window, self._used = window, 0
        allowed = self._used + amount <= self.size
        if allowed:
            self._used += amount
        ends = window + self._length
        return Grant(
            allowed=allowed,
            limit=self.size,
            remaining=self.size - self._used,
            retry_after=timedelta(0) if allowed else ends - now,
            resets_at=ends,
        )


class KeyedBuckets:
    """One token bucket per key, such as per ticket or per (path, method)."""

    def __init__(self, size: int, refill: timedelta) -> None:
        self._size = size
        self._refill = refill
        self._buckets: dict[Hashable, TokenBucket] = {}

    def take(self, key: Hashable, now: datetime, amount: int = 1) -> Grant:
        """Take from the bucket of ``key``."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._size, self._refill)
        return bucket.take(now, amount)
