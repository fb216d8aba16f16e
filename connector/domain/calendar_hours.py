"""Wall-clock hours of a business calendar, and spans such as `4h` or `3d`: the words of a policy file as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, Self

DAY_MINUTES = 24 * 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_SPAN = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+)s)?")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Hours:
    """One stretch of local wall time that opens on a given day: `start` inclusive, `end` exclusive.

    Both are minutes after that day's midnight. An overnight stretch ends on the next day, so `22:00-06:00` is
    1320 to 1800; `24:00` is 1440.

    Raises:
        ValueError: if it is empty, starts outside its day, or is longer than 24 hours.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < DAY_MINUTES:
            raise ValueError("hours start between 00:00 and 23:59")
        if not 0 < self.end - self.start <= DAY_MINUTES:
            raise ValueError("hours last more than nothing and at most 24 hours; the whole day is 00:00-24:00")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `09:00-12:30`, `22:00-06:00` (overnight) or `00:00-24:00`; raises ValueError on anything else."""
        first, dash, last = text.replace(" ", "").partition("-")
        if not dash:
            raise ValueError(f"{text!r} is not of the form 09:00-17:00")
        start, end = _minutes(first), _minutes(last)
        return cls(start=start, end=end + DAY_MINUTES if end < start else end)

    def __str__(self) -> str:
        end = self.end if self.end <= DAY_MINUTES else self.end - DAY_MINUTES
        return f"{self.start // 60:02}:{self.start % 60:02}-{end // 60:02}:{end % 60:02}"


def _minutes(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    hour, minute = (int(part) for part in match.groups()) if match else (99, 99)
    if minute > 59 or hour * 60 + minute > DAY_MINUTES:
        raise ValueError(f"{text!r} is not a time of day between 00:00 and 24:00")
    return hour * 60 + minute


Week = tuple[tuple[Hours, ...], ...]
"""Seven entries, Monday first; an empty entry is a day that never opens."""


DatedHours = tuple[tuple[date, tuple[Hours, ...]], ...]
"""Stretches of single local dates."""


Closure = Literal["holiday", "break", "hours"]
"""Why a calendar is closed; `hours` is an ordinary closing time."""


def week(days: Mapping[str, Iterable[str | Hours]]) -> Week:
    """Build a week from `{"mon": ["09:00-17:00"], …}`; days that are not named stay closed.

    Raises:
        ValueError: for an unknown day or unreadable hours.
    """
    if unknown := sorted(set(days) - set(WEEKDAYS)):
        raise ValueError(f"unknown weekday {unknown[0]!r}; use {', '.join(WEEKDAYS)}")
    return tuple(stretches(days.get(day, ())) for day in WEEKDAYS)


def stretches(texts: Iterable[str | Hours]) -> tuple[Hours, ...]:
    """Several stretches of one day, sorted; raises ValueError where two of them overlap."""
    found = tuple(sorted(Hours.parse(text) if isinstance(text, str) else text for text in texts))
    refuse_overlap(found)
    return found


def refuse_overlap(found: tuple[Hours, ...]) -> None:
    """Raise ValueError where a stretch of a day begins before the one ahead of it has ended."""
    for earlier, later in pairwise(found):
        if later.start < earlier.end:
            raise ValueError(f"{earlier} and {later} overlap or are out of order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length of business time as people write it: whole working days, then open hours.

    `4h` is four open hours. `3d` is three working days of the calendar it is read on, at the same local wall time,
    which is not the same as 24 or 72 hours of anything.
    """

    days: int = 0
    time: timedelta = timedelta()

    def __post_init__(self) -> None:
        if self.days < 0 or self.time < timedelta():
            raise ValueError("a span is never negative")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `15m`, `1h30m`, `8h`, `3d`, `1d 4h`; raises ValueError on anything else, and on nothing at all."""
        match = _SPAN.fullmatch(text.strip())
        if not match or not any(match.groups()):
            raise ValueError(f"{text!r} is not a span such as 30m, 4h or 3d")
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return cls(days=days, time=timedelta(hours=hours, minutes=minutes, seconds=seconds))

    def __str__(self) -> str:
        minutes, seconds = divmod(int(self.time.total_seconds()), 60)
        parts = ((self.days, "d"), (minutes // 60, "h"), (minutes % 60, "m"), (seconds, "s"))
        return "".join(f"{count}{unit}" for count, unit in parts if count) or "0m"
