"""Business calendars: open time between instants, deadlines, and why a calendar is closed.

Conventions, each shown by a test:

* Instants are aware and come back in UTC; windows are half open, `start <= at < end`.
* Time that is used up exactly at closing time ends at the closing time, not at the next opening; counted backwards it
  ends at the opening time.
* A holiday closes the local date from midnight to midnight, also the part of a night shift that falls on it.
* A window belongs to the local date on which it opens; that date is its working day.
* Wall times in a clock change are settled in `calendar_table`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Self

from connector.domain.calendar_hours import WEEKDAYS, Closure, DatedHours, Span, Week, refuse_overlap, week
from connector.domain.calendar_rota import breaks_around, open_minutes
from connector.domain.calendar_table import (
    Owned,
    Pair,
    Table,
    build_table,
    dawn_of,
    edge_instant,
    in_utc,
    merged,
    steady_offset,
    wall_instant,
    without_overlap,
    zone_named,
)

_FIRST_YEAR, _LAST_YEAR = 1900, 2399
_BLOCK_YEARS = 2
_TABLES_KEPT = 16
_MOMENT = timedelta(microseconds=1)
_NOTHING = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a team works: weekly local hours in an IANA zone, minus holidays and breaks, with hours of single dates.

    Attributes:
        name: as the policy calls it.
        timezone: IANA name, such as `Europe/Berlin`.
        hours: seven entries, Monday first, each with the stretches that open on that day, in order.
        holidays: local dates on which it stays closed; stronger than everything else.
        breaks: stretches of single dates that are closed.
        dated_hours: dates whose hours replace those of their weekday.

    Raises:
        ValueError: if the zone is unknown, if stretches of a day overlap, or if it would never open.
    """

    name: str
    timezone: str
    hours: Week
    holidays: frozenset[date] = frozenset()
    breaks: DatedHours = ()
    dated_hours: DatedHours = ()
    _tables: dict[int, Table] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.hours) != len(WEEKDAYS):
            raise ValueError(f"calendar {self.name}: a week has seven days")
        if not any(self.hours):
            raise ValueError(f"calendar {self.name} never opens")
        for stretches in (*self.hours, *(stretches for _, stretches in self.dated_hours)):
            refuse_overlap(stretches)
        zone_named(self.timezone)

    @classmethod
    def always(cls, *, name: str = "always", timezone: str = "UTC") -> Self:
        """The calendar that never closes."""
        return cls(name=name, timezone=timezone, hours=week(dict.fromkeys(WEEKDAYS, ("00:00-24:00",))))

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Open time from `start` to `end`; negative when `end` comes first."""
        start, end = in_utc(start), in_utc(end)
        if end < start:
            return -self.elapsed(end, start)
        first, last = _block(start), _block(end)
        if first == last:
            table = self._table(first)
            return table.worked(end) - table.worked(start)
        between = sum((self._table(block).total for block in range(first, last)), _NOTHING)
        return between - self._table(first).worked(start) + self._table(last).worked(end)

    def add(self, start: datetime, time: timedelta) -> datetime:
        """Instant at which `time` of open time has passed since `start`.

        Nothing added to a closed instant is the next opening. Negative time counts backwards.

        Raises:
            OverflowError: if there is not that much open time before the year 2400.
        """
        if time < _NOTHING:
            return self.subtract(start, -time)
        start = in_utc(start)
        if not time:
            return start if self._touches(start) else self.next_open(start)
        block = _block(start)
        table = self._table(block)
        worked = table.worked(start) + time
        while worked > table.total:
            worked -= table.total
            block += 1
            table = self._table(block)
        return table.reach(worked)

    def add_each(self, start: datetime, times: Sequence[timedelta]) -> list[datetime]:
        """`add` for several lengths of time from one start: the marks of one clock."""
        start = in_utc(start)
        table = self._table(_block(start))
        worked = table.worked(start)
        left = table.total - worked
        return [table.reach(worked + t) if _NOTHING < t <= left else self.add(start, t) for t in times]

    def subtract(self, end: datetime, time: timedelta) -> datetime:
        """Instant from which `time` of open time passes until `end`; the mirror of `add`."""
        if time < _NOTHING:
            return self.add(end, -time)
        end = in_utc(end)
        if not time:
            return end if self._touches(end) else self.previous_close(end)
        block = _block(end)
        worked = self._table(block).worked(end) - time
        while worked < _NOTHING:
            block -= 1
            worked += self._table(block).total
        return self._table(block).reach_back(worked)

    def add_days(self, start: datetime, days: int) -> datetime:
        """The same local wall time `days` working days later (earlier if negative).

        A closed start first moves to the next opening, and a result outside the hours of its day moves on in the same
        way, so that a later start never has an earlier answer (but for starts inside a repeated hour, whose wall time
        comes twice). Counting backwards both move to the close before.
        """
        snap = self.previous_close if days < 0 else self.next_open
        start = in_utc(start)
        start = start if self._touches(start) else snap(start)
        owner = self._owner(start)
        result = self._same_wall_time(start, owner, self._working_day(owner, days))
        return result if self._touches(result) else snap(result)

    def deadline(self, start: datetime, span: Span) -> datetime:
        """Where a span that begins at `start` ends: its working days first, then its open hours."""
        reached = self.add_days(start, span.days) if span.days else start
        return self.add(reached, span.time) if span.time or not span.days else reached

    def is_open(self, at: datetime) -> bool:
        """Whether the calendar is open at that instant; at closing time it no longer is."""
        at = in_utc(at)
        return self._table(_block(at)).window_at(at) is not None

    def next_open(self, at: datetime) -> datetime:
        """`at` itself where the calendar is open, otherwise the next opening."""
        at = in_utc(at)
        if self.is_open(at):
            return at
        block = _block(at)
        opens = self._table(block).opens
        index = bisect_right(opens, at)
        while index == len(opens):
            block += 1
            opens, index = self._table(block).opens, 0
        return opens[index]

    def previous_close(self, at: datetime) -> datetime:
        """`at` itself where the calendar is open or closes just then, otherwise the latest closing before it."""
        at = in_utc(at)
        if self._touches(at):
            return at
        block = _block(at)
        closes = self._table(block).closes
        index = bisect_right(closes, at) - 1
        while index < 0:
            block -= 1
            closes = self._table(block).closes
            index = len(closes) - 1
        return closes[index]

    def windows(self, start: datetime, end: datetime) -> tuple[Pair, ...]:
        """The open windows between two instants, cut to them; windows that touch are one."""
        start, end = in_utc(start), in_utc(end)
        return tuple(merged(self._cut(start, end))) if start < end else ()

    def day_close(self, at: datetime) -> datetime:
        """The last closing of the working day that `at`, or else the next opening, belongs to."""
        at = in_utc(at)
        owner = self._owner(at if self._touches(at) else self.next_open(at))
        return max(last for _, _, last in self._windows_of(owner))

    def closed_because(self, at: datetime) -> Closure | None:
        """Why it is closed at that instant: a holiday, a break, or simply outside the hours; None while open."""
        if self.is_open(at):
            return None
        local = at.astimezone(zone_named(self.timezone))
        if local.date() in self.holidays:
            return "holiday"
        minute = local.hour * 60 + local.minute
        breaks = (cut for shift in (-1, 0) for cut in breaks_around(self, local.toordinal(), shift))
        return "break" if any(first <= minute < last for first, last in breaks) else "hours"

    def _same_wall_time(self, at: datetime, owner: int, other: int) -> datetime:
        """The instant on the working day `other` with the wall time that `at` has on its own one."""
        dawn, other_dawn = dawn_of(owner, self.timezone), dawn_of(other, self.timezone)
        if dawn is not None and other_dawn is not None:
            return other_dawn + (at - dawn)
        zone = zone_named(self.timezone)
        into_day = at.astimezone(zone).replace(tzinfo=None) - _midnight(owner)
        return wall_instant(_midnight(other) + into_day, zone)

    def _touches(self, at: datetime) -> bool:
        just_before = at - _MOMENT
        return self.is_open(at) or self._table(_block(just_before)).window_closing(at) is not None

    def _owner(self, at: datetime) -> int:
        """Ordinal of the working day of an instant that is open or a closing time."""
        table = self._table(_block(at))
        index = table.window_at(at)
        if index is None:
            table = self._table(_block(at - _MOMENT))
            index = table.window_closing(at)
        if index is None:
            raise AssertionError(f"{at} is neither open nor a closing time")
        return table.owners[index]

    def _working_day(self, owner: int, days: int) -> int:
        block = _block(_midnight(owner))
        listed = self._table(block).days
        index = bisect_left(listed, owner) + days
        while index >= len(listed):
            index -= len(listed)
            block += 1
            listed = self._table(block).days
        while index < 0:
            block -= 1
            listed = self._table(block).days
            index += len(listed)
        return listed[index]

    def _cut(self, start: datetime, end: datetime) -> Iterator[Pair]:
        for block in range(_block(start), _block(end) + 1):
            table = self._table(block)
            first, last = bisect_right(table.closes, start), bisect_left(table.opens, end)
            for index in range(first, last):
                yield max(table.opens[index], start), min(table.closes[index], end)

    def _table(self, block: int) -> Table:
        return self._tables.get(block) or self._keep(block, self._build(block))

    def _keep(self, block: int, table: Table) -> Table:
        while len(self._tables) >= _TABLES_KEPT:
            self._tables.pop(next(iter(tuple(self._tables))), None)
        self._tables[block] = table
        return table

    def _build(self, block: int) -> Table:
        year = _FIRST_YEAR + block * _BLOCK_YEARS
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise OverflowError(f"calendar {self.name}: {year} is beyond the years that it reckons with")
        after = year + _BLOCK_YEARS
        first, last = date(year, 1, 1).toordinal(), date(after, 1, 1).toordinal()
        owned = tuple(without_overlap(w for day in range(first - 3, last + 3) for w in self._windows_of(day)))
        days = sorted({owner for owner, _, _ in owned if first <= owner < last})
        begin, end = datetime(year, 1, 1, tzinfo=UTC), datetime(after, 1, 1, tzinfo=UTC)
        return build_table(owned, begin=begin, end=end, days=days)

    def _windows_of(self, day: int) -> list[Owned]:
        """UTC windows of one working day (an ordinal), in order; those that a clock change swallows are gone."""
        zone, midnight = zone_named(self.timezone), _midnight(day)
        wall = [
            tuple(midnight + timedelta(minutes=minute) for minute in stretch) for stretch in open_minutes(self, day)
        ]
        offset = steady_offset(midnight, zone)
        if offset is not None:
            return [
                (day, first.replace(tzinfo=UTC) - offset, last.replace(tzinfo=UTC) - offset) for first, last in wall
            ]
        edges = [(edge_instant(first, zone), edge_instant(last, zone)) for first, last in wall]
        return [(day, first, last) for first, last in edges if first < last]


def _block(at: datetime) -> int:
    return (at.year - _FIRST_YEAR) // _BLOCK_YEARS


def _midnight(day: int) -> datetime:
    return datetime.fromordinal(day)
