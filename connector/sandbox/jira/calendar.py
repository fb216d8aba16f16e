"""Working hours for SLA clocks: one daily window on some weekdays, or always."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When an SLA clock runs; the window lies clear of the hours at which clocks change.

    Attributes:
        weekdays: Monday is 0; empty means always.
    """

    zone: str = "Europe/Berlin"
    weekdays: frozenset[int] = frozenset(range(5))
    opens: time = time(9)
    closes: time = time(17)

    def is_open(self, moment: datetime) -> bool:
        """Whether clocks run at ``moment``."""
        if not self.weekdays:
            return True
        local = moment.astimezone(ZoneInfo(self.zone))
        return local.weekday() in self.weekdays and self.opens <= local.time() < self.closes

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from ``start`` to ``end``."""
        if not self.weekdays or end <= start:
            return max(end - start, timedelta(0))
        weeks = max(0, (end - start) // WEEK - 1)
        total = weeks * self._per_week
        begin = self._later(start, weeks)
        for opens, closes in self._windows(begin):
            if opens >= end:
                break
            total += max(timedelta(0), min(closes, end) - max(opens, begin))
        return total

    def add(self, start: datetime, span: timedelta) -> datetime:
        """The moment at which ``span`` of working time has passed since ``start``."""
        if not self.weekdays:
            return start + span
        weeks = max(0, span // self._per_week - 1)
        left = span - weeks * self._per_week
        begin = self._later(start, weeks)
        for opens, closes in self._windows(begin):
            here = closes - max(opens, begin)
            if here >= left:
                return max(opens, begin) + left
            left -= here
        raise AssertionError("windows never end")

    @property
    def _per_week(self) -> timedelta:
        window = datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)
        return window * len(self.weekdays)

    def _later(self, start: datetime, weeks: int) -> datetime:
        """The same wall time some weeks later."""
        return (start.astimezone(ZoneInfo(self.zone)) + weeks * WEEK).astimezone(UTC)

    def _windows(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        day = start.astimezone(ZoneInfo(self.zone)).date()
        while True:
            if day.weekday() in self.weekdays:
                opens, closes = _window(self.zone, day, self.opens, self.closes)
                if closes > start:
                    yield opens, closes
            day += DAY


@lru_cache(maxsize=4096)
def _window(zone: str, day: date, opens: time, closes: time) -> tuple[datetime, datetime]:
    begin, end = (datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC) for at in (opens, closes))
    return begin, end


BUSINESS = Calendar()
ALWAYS = Calendar(weekdays=frozenset())
