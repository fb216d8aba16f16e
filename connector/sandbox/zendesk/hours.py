"""The account's business hours, in minutes from Sunday 00:00 of its time zone, and arithmetic on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")
INTERVALS = tuple((day * 1440 + 9 * 60, day * 1440 + 17 * 60) for day in range(1, 6))
SCHEDULE_ID = 601
HORIZON = 400  # weeks; a target further away than this is never reached


def schedule_json(created_at: str | None) -> dict[str, Any]:
    """The schedule as the business hours endpoint tells it."""
    return {
        "id": SCHEDULE_ID,
        "name": "Office hours",
        "time_zone": "Berlin",
        "intervals": [{"start_time": start, "end_time": end} for start, end in INTERVALS],
        "created_at": created_at,
        "updated_at": created_at,
    }


def elapsed(start: int, end: int, *, business: bool) -> int:
    """Seconds between two moments, or business seconds."""
    if not business:
        return max(0, end - start)
    total, week = 0, _week_of(start)
    while week.timestamp() < end:
        total += sum(max(0, min(end, b) - max(start, a)) for a, b in _openings(week))
        week += timedelta(weeks=1)
    return total


def after(start: int, seconds: int, *, business: bool) -> int | None:
    """The moment at which so many seconds have passed; ``None`` when that never comes."""
    if not business:
        return start + seconds
    week, left = _week_of(start), seconds
    for _ in range(HORIZON):
        for a, b in _openings(week):
            room = b - max(a, start)
            if room >= left:
                return max(a, start) + left
            left -= max(0, room)
        week += timedelta(weeks=1)
    return None


def _week_of(moment: int) -> datetime:
    local = datetime.fromtimestamp(moment, UTC).astimezone(ZONE)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=(local.weekday() + 1) % 7)


def _openings(week: datetime) -> list[tuple[int, int]]:
    return [(int(_at(week, start).timestamp()), int(_at(week, end).timestamp())) for start, end in INTERVALS]


def _at(week: datetime, minutes: int) -> datetime:
    return week + timedelta(minutes=minutes)
