"""Moments as Jira writes them: in the reading account's zone, offset without a colon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

SECOND = timedelta(seconds=1)
MILLI = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor_ms(moment: datetime) -> datetime:
    """Cut to milliseconds, the vendor's resolution."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def millis(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - EPOCH) // MILLI


def stamp(moment: datetime, zone: tzinfo) -> str:
    """``2026-11-22T02:00:00.000+0100``."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"


def read_stamp(text: str) -> datetime:
    """Read what a client sends for a date-time field.

    Raises:
        ValueError: Not ISO 8601 with an offset.
    """
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return floor_ms(read.astimezone(UTC))


def date_dto(moment: datetime, zone: tzinfo) -> dict[str, Any]:
    """A moment as the service desk API shows it, four ways at once."""
    local = moment.astimezone(zone)
    return {
        "iso8601": f"{local:%Y-%m-%dT%H:%M:%S%z}",
        "jira": stamp(moment, zone),
        "friendly": f"{local.day}/{local:%b}/{local:%y} {local.hour % 12 or 12}:{local:%M} {local:%p}",
        "epochMillis": millis(moment),
    }


def duration_dto(span: timedelta) -> dict[str, Any]:
    """A duration as the service desk API shows it; negative once overdue."""
    return {"millis": span // MILLI, "friendly": friendly(span)}


def friendly(span: timedelta) -> str:
    """``4h``, ``57h 51m``, ``-36m``."""
    sign = "-" if span < timedelta(0) else ""
    minutes = abs(span) // timedelta(minutes=1)
    hours, rest = divmod(minutes, 60)
    parts = [f"{sign}{hours}h"] if hours else []
    if rest or not hours:
        parts.append(f"{sign}{rest}m")
    return " ".join(parts)
