"""How much of a target is used: the segments of a cycle, and the instants at which given amounts are reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import Span
from connector.domain.clocks import Segment, SegmentKind
from connector.domain.sla_timeline import Phase, Stretch

_NOTHING = timedelta()
_RUNNING = SegmentKind.RUNNING
_COUNTING = frozenset({SegmentKind.RUNNING, SegmentKind.MAX_PAUSE})


class Meter(NamedTuple):
    """The segments of one cycle on its calendar, up to `now` or to when it was met (`ended`).

    `used` is the open time that counted so far.
    """

    calendar: Calendar
    start: datetime
    segments: tuple[Segment, ...]
    ended: bool
    used: timedelta

    @property
    def is_counting(self) -> bool:
        """Whether more open time will count if nothing happens."""
        return not self.ended and bool(self.segments) and self.segments[-1].kind in _COUNTING

    @property
    def is_paused(self) -> bool:
        """Whether the cycle waits for somebody outside."""
        return not self.ended and bool(self.segments) and self.segments[-1].kind is SegmentKind.PAUSED

    def used_at(self, at: datetime) -> timedelta:
        """Open time that had counted at an instant of the past."""
        elapsed = self.calendar.elapsed
        parts = (elapsed(s.start, min(s.end, at)) for s in self.segments if s.kind in _COUNTING and s.start < at)
        return sum(parts, _NOTHING)

    def reached_at(self, amount: timedelta) -> datetime | None:
        """When that much was, or will be, used; None if it will not be as things stand.

        The answer for a given course of events does not depend on when one asks.
        """
        if amount <= _NOTHING:
            return self.start
        before = _NOTHING
        for segment in self.segments:
            if segment.kind in _COUNTING and before + segment.business >= amount:
                return self.calendar.add(segment.start, amount - before)
            before += segment.business
        if not self.is_counting:
            return None
        last = self.segments[-1]
        return self.calendar.add(last.start, amount - (before - last.business))

    def reached_each(self, amounts: Sequence[timedelta]) -> list[datetime | None]:
        """`reached_at` for several amounts; quick for a clock that has simply been running."""
        if len(self.segments) == 1 and self.is_counting:
            reached: list[datetime | None] = list(self.calendar.add_each(self.start, amounts))
            if min(amounts) > _NOTHING:
                return reached
            return [at if amount > _NOTHING else self.start for at, amount in zip(reached, amounts, strict=True)]
        return [self.reached_at(amount) for amount in amounts]

    def length(self, span: Span, since: datetime) -> timedelta:
        """Open time that a span of working days means when it begins at `since`."""
        return self.calendar.elapsed(since, self.calendar.deadline(since, span))


def used_in(found: Sequence[Segment]) -> timedelta:
    """Open time that counted in these segments."""
    return found[0].business if len(found) == 1 else sum((segment.business for segment in found), _NOTHING)


def segments(
    course: Sequence[Stretch], *, start: datetime, end: datetime, calendar: Calendar, max_pause: Span | None
) -> tuple[Segment, ...]:
    """Segments of [start, end]; a pause beyond `max_pause` counts again from there on."""
    if len(course) == 1 and course[0].phase is Phase.RUNNING:
        return (Segment(_RUNNING, start, end, calendar.elapsed(start, end)),)
    return tuple(_segments(course, (start, end), calendar, max_pause))


def _segments(
    course: Sequence[Stretch], within: tuple[datetime, datetime], calendar: Calendar, max_pause: Span | None
) -> Iterator[Segment]:
    for stretch in course:
        for kind, first, last in _split(stretch, calendar, max_pause):
            begin, until = max(first, within[0]), min(last, within[1])
            if begin < until or (stretch is course[-1] and begin == until and last == within[1]):
                business = calendar.elapsed(begin, until) if kind in _COUNTING else _NOTHING
                why = "" if kind is SegmentKind.RUNNING else str(stretch.status)
                yield Segment(kind=kind, start=begin, end=until, business=business, why=why)


def _split(
    stretch: Stretch, calendar: Calendar, max_pause: Span | None
) -> Iterator[tuple[SegmentKind, datetime, datetime]]:
    if stretch.phase is Phase.RUNNING:
        yield SegmentKind.RUNNING, stretch.start, stretch.end
    elif stretch.phase is Phase.FINISHED:
        yield SegmentKind.SOLVED, stretch.start, stretch.end
    else:
        over_at = pause_over_at(stretch, calendar, max_pause) or stretch.end
        yield SegmentKind.PAUSED, stretch.start, min(over_at, stretch.end)
        if max_pause and over_at <= stretch.end:
            yield SegmentKind.MAX_PAUSE, over_at, stretch.end


def pause_over_at(stretch: Stretch, calendar: Calendar, max_pause: Span | None) -> datetime | None:
    """When a pause that goes on reaches its limit; None without one."""
    if max_pause is None or stretch.phase is not Phase.PAUSED:
        return None
    return calendar.deadline(stretch.start, max_pause)
