"""A clock for tests: it stands still until somebody waits or moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class StoppedClock:
    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._woken = False
        self.waits: list[timedelta] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    def elapsed(self) -> float:
        return (self._now - START).total_seconds()

    def wait(self, until: datetime | None) -> bool:
        if self._woken or until is None:
            self._woken = False
            return False
        self.waits.append(until - self._now)
        self._now = max(self._now, until)
        return True

    def wake(self) -> None:
        self._woken = True

    def is_woken(self) -> bool:
        return self._woken

    def move(self, length: timedelta) -> None:
        self._now += length
