"""Which minutes of a local date are open: weekly and dated hours, less breaks and holidays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Protocol

from connector.domain.calendar_hours import DAY_MINUTES, DatedHours, Hours, Week

Minutes = tuple[int, int]
"""A stretch as minutes after a midnight, end exclusive; below 0 is the day before, from 1440 the day after."""

_DAY = timedelta(days=1)


class Rota(Protocol):
    """The wall-clock side of a calendar; see there for what its parts mean."""

    @property
    def hours(self) -> Week: ...  # noqa: D102
    @property
    def holidays(self) -> frozenset[date]: ...  # noqa: D102
    @property
    def breaks(self) -> DatedHours: ...  # noqa: D102
    @property
    def dated_hours(self) -> DatedHours: ...  # noqa: D102


def open_minutes(rota: Rota, day: int) -> list[Minutes]:
    """Open minutes after the midnight of `day` (an ordinal), those of a night shift's next morning included."""
    this = date.fromordinal(day)
    dated = _hours_of(rota.dated_hours, this)
    stretches = rota.hours[this.weekday()] if dated is None else dated
    closed = [cut for shift in (-1, 0, 1) for cut in breaks_around(rota, day, shift)]
    closed += [_whole_day(shift) for shift in (0, 1) if this + shift * _DAY in rota.holidays]
    left = [(stretch.start, stretch.end) for stretch in stretches]
    for cut in closed:
        left = [part for stretch in left for part in _without(stretch, cut)]
    return left


def breaks_around(rota: Rota, day: int, shift: int) -> list[Minutes]:
    """Breaks of the date `shift` days from `day`, in minutes after the midnight of `day`."""
    found = _hours_of(rota.breaks, date.fromordinal(day + shift)) if rota.breaks else None
    return [(shift * DAY_MINUTES + cut.start, shift * DAY_MINUTES + cut.end) for cut in found or ()]


def _hours_of(dated: DatedHours, day: date) -> tuple[Hours, ...] | None:
    """The stretches listed for that date; None when it is not listed."""
    return next((stretches for listed, stretches in dated if listed == day), None)


def _whole_day(shift: int) -> Minutes:
    """All minutes of the date `shift` days away, counted from this date's midnight."""
    return shift * DAY_MINUTES, (shift + 1) * DAY_MINUTES


def _without(stretch: Minutes, cut: Minutes) -> Iterator[Minutes]:
    """What is left of a stretch of minutes when another one is closed: nothing, one part or two."""
    (first, last), (closed, opened) = stretch, cut
    if first < min(last, closed):
        yield first, min(last, closed)
    if max(first, opened) < last:
        yield max(first, opened), last
