"""Calendars to try, and a slow second opinion that reads the wall clock minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import DAY_MINUTES, Hours

MINUTE = timedelta(minutes=1)
FIRST, LAST = datetime(2018, 1, 20, tzinfo=UTC), datetime(2019, 11, 20, tzinfo=UTC)

REPEATED = {
    "Europe/Berlin": (120, 180),
    "America/New_York": (60, 120),
    "Europe/London": (60, 120),
    "Australia/Lord_Howe": (90, 120),
    "Pacific/Chatham": (165, 225),
    "Africa/Casablanca": (120, 180),
    "America/Sao_Paulo": (1380, 1440),
    "Asia/Kolkata": (0, 0),
}
"""Zones with the wall minutes that they repeat in autumn (none: no clock changes)."""


@cache
def clock_changes(zone_name: str) -> tuple[datetime, ...]:
    """Moments of 2018 and 2019 shortly before the zone's offset changes."""
    zone = ZoneInfo(zone_name)
    steps = [FIRST + timedelta(hours=6 * n) for n in range(int((LAST - FIRST) / timedelta(hours=6)))]
    return tuple(a for a, b in pairwise(steps) if a.astimezone(zone).utcoffset() != b.astimezone(zone).utcoffset())


@st.composite
def day_stretches(draw: st.DrawFn, repeated: tuple[int, int]) -> tuple[Hours, ...]:
    """Up to three stretches of one day on a quarter-hour grid, the last one perhaps overnight."""
    low, high = repeated
    grid = [m for m in range(0, DAY_MINUTES + 1, 15) if not low < m < high]
    count = draw(st.sampled_from((0, 1, 1, 2, 3)))
    edges = sorted(draw(st.lists(st.sampled_from(grid), min_size=2 * count, max_size=2 * count, unique=True)))
    stretches = [Hours(start=a, end=b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    if stretches and draw(st.booleans()):
        last = stretches[-1]
        end = draw(st.sampled_from([m for m in grid if m <= last.start]))
        stretches[-1] = Hours(start=last.start, end=max(DAY_MINUTES + end, last.start + 15))
    return tuple(stretches)


@st.composite
def calendars(draw: st.DrawFn, zones: tuple[str, ...] = tuple(REPEATED)) -> Calendar:
    """Any calendar that opens at least once a week, with a few holidays, breaks and dated hours."""
    zone = draw(st.sampled_from(zones))
    stretches = day_stretches(REPEATED[zone])
    hours = draw(st.tuples(*[stretches] * 7).filter(any))
    near = draw(st.sampled_from(clock_changes(zone) or (FIRST,))).date()
    dates = st.integers(-4, 4).map(lambda n: near + timedelta(days=n))
    dated = st.dictionaries(dates, stretches, max_size=2).map(lambda found: tuple(sorted(found.items())))
    return Calendar(
        name="any",
        timezone=zone,
        hours=hours,
        holidays=draw(st.frozensets(dates, max_size=2)),
        breaks=draw(dated),
        dated_hours=draw(dated),
    )


@st.composite
def moments(draw: st.DrawFn, calendar: Calendar) -> datetime:
    """A whole minute, more often than not within three days of a clock change."""
    changes = clock_changes(calendar.timezone)
    if changes and draw(st.booleans()):
        return draw(st.sampled_from(changes)) + draw(st.integers(-4320, 4320)) * MINUTE
    return FIRST + draw(st.integers(0, int((LAST - FIRST) / MINUTE))) * MINUTE


def wall_says_open(calendar: Calendar, at: datetime) -> bool:
    """Whether a person who looks at the wall clock and at the rota would call the minute open."""
    local = at.astimezone(ZoneInfo(calendar.timezone))
    today, minute = local.date(), local.hour * 60 + local.minute
    yesterday = today - timedelta(days=1)
    if today in calendar.holidays or _covers(dict(calendar.breaks), today, yesterday, minute):
        return False
    rota = {day: _rota(calendar, day) for day in (today, yesterday)}
    return _covers(rota, today, yesterday, minute)


def _rota(calendar: Calendar, day: date) -> tuple[Hours, ...]:
    return dict(calendar.dated_hours).get(day, calendar.hours[day.weekday()])


def _covers(listed: dict[date, tuple[Hours, ...]], today: date, yesterday: date, minute: int) -> bool:
    return any(h.start <= minute < h.end for h in listed.get(today, ())) or any(
        h.start <= minute + DAY_MINUTES < h.end for h in listed.get(yesterday, ())
    )


def counted_minutes(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Open time between two whole minutes, counted one by one."""
    minutes = int((end - start) / MINUTE)
    return sum(wall_says_open(calendar, start + n * MINUTE) for n in range(minutes)) * MINUTE
