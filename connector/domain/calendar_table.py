"""Open windows of a calendar as sorted tables of UTC instants, so that business time is a bisection.

A table covers a fixed block of years. Wall time becomes UTC here, and only here:

* a wall time that a clock change **skips** is the instant of the change;
* a window edge strictly inside a **repeated** stretch is the instant of the change as well, so that a window never
  has two parts; an edge at the very beginning of that stretch is its first occurrence;
* any other repeated wall time (a deadline "at the same time three days later") is its first occurrence.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
_NOTHING = timedelta()
_TWO_DAYS = timedelta(days=2)

Pair = tuple[datetime, datetime]
Owned = tuple[int, datetime, datetime]
"""A window and the ordinal of the local date that it belongs to: the date on which it opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The open windows of one block of years, in order and disjoint.

    `bases[i]` is `opens[i]` moved back by all open time before it, so that open time up to an instant `t` inside window
    `i` is `t - bases[i]`. `until[i]` is the open time up to the end of window `i`. `days` are the ordinals of the local
    dates of this block on which something opens.
    """

    opens: list[datetime]
    closes: list[datetime]
    owners: list[int]
    bases: list[datetime]
    before: list[timedelta]
    until: list[timedelta]
    total: timedelta
    days: list[int]

    def worked(self, at: datetime) -> timedelta:
        """Open time from the beginning of the block up to `at`."""
        index = bisect_right(self.opens, at) - 1
        if index < 0:
            return _NOTHING
        return min(at, self.closes[index]) - self.bases[index]

    def window_at(self, at: datetime) -> int | None:
        """Index of the window that is open at `at` (`start <= at < end`)."""
        index = bisect_right(self.opens, at) - 1
        return index if index >= 0 and at < self.closes[index] else None

    def window_closing(self, at: datetime) -> int | None:
        """Index of the window that closes exactly at `at`."""
        index = bisect_left(self.opens, at) - 1
        return index if index >= 0 and at == self.closes[index] else None

    def reach(self, worked: timedelta) -> datetime:
        """Earliest instant with that much open time behind it: at closing time it is the closing time."""
        return self.bases[bisect_left(self.until, worked)] + worked

    def reach_back(self, worked: timedelta) -> datetime:
        """Latest instant with that much open time behind it: at opening time it is the opening time."""
        return self.bases[bisect_right(self.before, worked) - 1] + worked


def build_table(windows: Iterable[Owned], *, begin: datetime, end: datetime, days: list[int]) -> Table:
    """Table of the parts of `windows` (in order, disjoint) that lie in [begin, end)."""
    inside = [(owner, max(first, begin), min(last, end)) for owner, first, last in windows]
    inside = [entry for entry in inside if entry[1] < entry[2]]
    before: list[timedelta] = []
    worked = _NOTHING
    for _, first, last in inside:
        before.append(worked)
        worked += last - first
    opens = [first for _, first, _ in inside]
    return Table(
        opens=opens,
        closes=[last for _, _, last in inside],
        owners=[owner for owner, _, _ in inside],
        bases=[first - ahead for first, ahead in zip(opens, before, strict=True)],
        before=before,
        until=[*before[1:], worked] if before else [],
        total=worked,
        days=days,
    )


def without_overlap(windows: Iterable[Owned]) -> Iterator[Owned]:
    """The same open time with every instant in one window only: a shift that runs into the next day's keeps it."""
    reached = datetime.min.replace(tzinfo=UTC)
    for owner, first, last in windows:
        start = max(first, reached)
        if start < last:
            yield owner, start, last
            reached = last


def merged(windows: Iterable[Pair]) -> Iterator[Pair]:
    """Windows with those that touch joined into one."""
    held: Pair | None = None
    for first, last in windows:
        if held and held[1] == first:
            held = held[0], last
            continue
        if held:
            yield held
        held = first, last
    if held:
        yield held


def edge_instant(wall: datetime, zone: tzinfo) -> datetime:
    """UTC instant of a window edge given in naive wall time, snapped to a clock change where it falls into one."""
    early, late = _readings(wall, zone)
    if early == late:
        return early
    change = _change_between(min(early, late), max(early, late), zone)
    return early if late == change and early < late else change


def steady_offset(midnight: datetime, zone: tzinfo) -> timedelta | None:
    """The zone's offset where no clock change is near: the same from a naive midnight to that two days later."""
    first = midnight.replace(tzinfo=zone).utcoffset()
    last = (midnight + _TWO_DAYS).replace(tzinfo=zone, fold=1).utcoffset()
    return first if first == last else None


@lru_cache(maxsize=8192)
def dawn_of(day: int, zone: str) -> datetime | None:
    """UTC instant of a local midnight (an ordinal); None near a clock change, where later hours do not follow it."""
    midnight = datetime.fromordinal(day)
    offset = steady_offset(midnight, zone_named(zone))
    return None if offset is None else midnight.replace(tzinfo=UTC) - offset


def wall_instant(wall: datetime, zone: tzinfo) -> datetime:
    """UTC instant of a naive wall time: the first occurrence of a repeated one, the change for a skipped one."""
    early, late = _readings(wall, zone)
    return early if early <= late else _change_between(late, early, zone)


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC; raises ValueError for a moment without a zone."""
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC)


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name; raises ValueError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise ValueError(f"{name!r} is not a time zone of the IANA database") from problem


def _readings(wall: datetime, zone: tzinfo) -> Pair:
    """The wall time read with the offset before a change, and with the one after it; equal on ordinary days."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() or _NOTHING for fold in (0, 1))
    naive = wall.replace(tzinfo=UTC)
    return naive - first, naive - second


def _change_between(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """Instant in (low, high] at which the zone's offset changes, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
